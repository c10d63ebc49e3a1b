// COPY table FROM under the rules that INSERT has for deleted_at and deletion_id. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/plannodes.h"
}

namespace softdelete::utility {

// Returns plan, or a copy of it whose COPY table FROM checks every row. Clears read_only_tree for a copy.
// Locks: ROW EXCLUSIVE on the table, as COPY itself takes it.
PlannedStmt *check_copy(PlannedStmt *plan, bool *read_only_tree);

} // namespace softdelete::utility
