// Runs steps.
#pragma once

#include "model/step.hpp"
#include "pg/spi.hpp"

#include <string>
#include <vector>

namespace softdelete::registration {

// Runs those steps that change something, in order, each as the owner of its table.
void run_steps(pg::Spi &spi, const std::vector<model::Step> &steps);

// The same, with this hint where rows violate a key that the steps make.
void run_steps(pg::Spi &spi, const std::vector<model::Step> &steps, const std::string &key_hint);

} // namespace softdelete::registration
