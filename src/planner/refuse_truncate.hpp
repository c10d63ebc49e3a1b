// TRUNCATE of a registered table. The trigger that refuses it can be disabled with all others; this cannot.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::planner {

// Raises an error where the command would truncate a registered table, by name, as a partition or child, or by CASCADE.
// Locks: none.
void refuse_truncate(const TruncateStmt *statement);

} // namespace softdelete::planner
