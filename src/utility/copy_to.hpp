// COPY table TO under the filter. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/plannodes.h"
}

namespace softdelete::utility {

// Returns plan, or a copy of it whose COPY table TO reads a query instead. Clears read_only_tree for a copy.
// Locks: ACCESS SHARE on the table, as COPY itself takes it.
PlannedStmt *filter_copy(PlannedStmt *plan, bool *read_only_tree);

} // namespace softdelete::utility
