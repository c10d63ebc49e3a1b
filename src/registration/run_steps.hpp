// Runs steps.
#pragma once

#include "model/step.hpp"
#include "pg/spi.hpp"

#include <vector>

namespace softdelete::registration {

// Runs those steps that change something, in order, each as the owner of its table.
void run_steps(pg::Spi &spi, const std::vector<model::Step> &steps);

} // namespace softdelete::registration
