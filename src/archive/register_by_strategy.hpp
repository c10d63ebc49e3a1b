// register() and plan(), whatever the strategy.
#pragma once

#include "model/step.hpp"
#include "registration/register_table.hpp"

#include <vector>

namespace softdelete::archive {

// Registers the table by the strategy asked for. 'auto' chooses for each table by itself: the steps say where that is an
// archive, and of a join table why it is none. Errors and locks: those of register_table() and register_archive().
std::vector<model::Step> register_by_strategy(const registration::RegisterRequest &request);

// The steps that it would take; changes nothing.
std::vector<model::Step> plan_by_strategy(const registration::RegisterRequest &request);

} // namespace softdelete::archive
