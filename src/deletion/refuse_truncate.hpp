// TRUNCATE of a registered table. The trigger that refuses it can be disabled with all others; this cannot.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::deletion {

// Raises an error where the command would truncate a registered table, by name, as a partition or child, or by CASCADE.
// Where the setting allows that, still an error where rows of the table are on hold.
// Locks: those of the command, as it takes them next, where it names or reaches a table that has triggers.
void refuse_truncate(const TruncateStmt *statement);

// Is a TRUNCATE of the table what pg_restore runs before it loads one, which may be when the triggers are there already?
// Such a session has row_security off, and there is not a single page to lose.
// Locks the table as TRUNCATE does.
bool is_before_load(Oid relation);

// Raises 55000 where the table is a registered table of Citus, or one of its shards.
void refuse_distributed_truncate(Oid relation);

} // namespace softdelete::deletion
