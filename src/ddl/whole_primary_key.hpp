// ALTER TABLE ... ADD PRIMARY KEY USING INDEX, the usual last step of a change from integer to bigint: the primary key
// stays whole, but CREATE UNIQUE INDEX on a registered table has made an index of live rows.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::ddl {

// Before ALTER TABLE runs: where a primary key is to use such an index of the relation, the index goes, and the command
// builds the key itself, of the same columns and under the same name. Changes the statement in place.
void widen_primary_key(AlterTableStmt *alter, Oid relation);

} // namespace softdelete::ddl
