// DROP TABLE of a registered table whose live rows were copied somewhere else just before: as a migration does that makes a
// table anew under another name. The deleted rows would be lost without a word.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Before DROP TABLE: raises 55000 where this session has copied the table without its deleted rows, and it has some whose
// retention has not passed. Returns quickly for any other statement.
void refuse_drop_of_copied(const DdlCommand &command);

// After CREATE TRIGGER: raises 55000 where pg_repack begins its work on a registered table in a session that would not copy
// the deleted rows.
void refuse_repack(const DdlCommand &command);

} // namespace softdelete::ddl
