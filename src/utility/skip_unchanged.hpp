// Tools that compare schemas send statements that say what is there already, since registration shows them less: an index
// where they look for a constraint, a type with another precision. Such statements are skipped with a notice.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/plannodes.h"
}

namespace softdelete::utility {

// Takes out of an ALTER TABLE of a registered table the commands that change nothing of softdelete's columns and converted
// constraints; the plan is a copy then, and read_only_tree false. Null where nothing is left to do.
PlannedStmt *skip_unchanged_parts(PlannedStmt *plan, bool *read_only_tree);

// Would a CREATE INDEX make what softdelete's registry knows under that name already?
bool is_existing_index(const PlannedStmt *plan);

} // namespace softdelete::utility
