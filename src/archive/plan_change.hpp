// plan() of a registered table with the other strategy: what configure() would do.
#pragma once

#include "model/step.hpp"
#include "registration/register_table.hpp"

#include <vector>

namespace softdelete::archive {

// Does the request name a registered table, and the strategy that it does not have?
bool is_change_of_strategy(const registration::RegisterRequest &request);

// The steps of change_strategy(), none of them online; changes nothing. Locks the table ACCESS SHARE. Errors: those of change_strategy(),
// but for those that single rows cause on the way back, which the table cannot have any more; 22023 for other arguments beside the strategy.
std::vector<model::Step> plan_change(const registration::RegisterRequest &request);

} // namespace softdelete::archive
