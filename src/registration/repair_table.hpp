// repair() as users call it.
#pragma once

#include "model/step.hpp"
#include "pg/boundary.hpp"

#include <vector>

namespace softdelete::registration {

// First what only DDL that ran without event triggers leaves: views that did not follow their table to a new owner,
// indexes under other names, triggers of foreign keys that are gone. Then repair_table(). Warns where event triggers do
// not fire now. Errors: those of repair_table().
std::vector<model::Step> mend_table(Oid relation);

} // namespace softdelete::registration
