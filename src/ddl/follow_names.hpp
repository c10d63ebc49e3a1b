// Views, indexes, constraints and softdelete's columns of a registered table can be renamed, and a UNIQUE constraint that became a partial
// unique index can still be renamed, dropped and commented on as the constraint that migrations know it as.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Before ALTER ... RENAME, COMMENT ON CONSTRAINT and ALTER TABLE ... DROP CONSTRAINT: brings the registry in step, and
// makes the statement speak of the index where there is no constraint any more. Changes the statement in place, in its
// own memory. Whatever fails afterwards takes that back with its (sub)transaction.
// Errors: 42501 where the user does not own the table, and those of DROP INDEX.
void follow_names(DdlCommand *command);

// After ALTER TABLE ... RENAME COLUMN: the registry calls deleted_at and deleted_by what the table calls them now. Until
// registration/bring_in_step has made the marker anew, nobody may ask for the table's columns.
void finish_names(const DdlCommand &command);

} // namespace softdelete::ddl
