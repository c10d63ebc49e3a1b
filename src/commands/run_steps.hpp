// Runs steps.
#pragma once

#include "commands/link_triggers.hpp"
#include "model/step.hpp"
#include "pg/spi.hpp"

#include <vector>

namespace softdelete::commands {

// Runs those steps that change something, in order, each as the owner of its table.
void run_steps(pg::Spi &spi, const std::vector<model::Step> &steps);

// The triggers of foreign keys as steps.
std::vector<model::Step> to_steps(const std::vector<LinkStep> &links);

} // namespace softdelete::commands
