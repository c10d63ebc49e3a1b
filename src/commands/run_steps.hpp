// Runs steps.
#pragma once

#include "catalog/table_catalog.hpp"
#include "model/step.hpp"

#include <vector>

namespace softdelete::commands {

// Runs those steps that change something, in order, each as the owner of its table.
void run_steps(pg::Spi &spi, const std::vector<catalog::Table> &tables,
               const std::vector<model::Step> &steps);

} // namespace softdelete::commands
