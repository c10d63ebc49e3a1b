// SET CONSTRAINTS of a foreign key reaches the triggers by which that key sees soft deletes. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/plannodes.h"
}

namespace softdelete::utility {

// Returns plan, or a copy of it that names our constraint triggers beside the keys that it names. Clears
// read_only_tree for a copy.
PlannedStmt *add_own_constraints(PlannedStmt *plan, bool *read_only_tree);

} // namespace softdelete::utility
