// The views of a registered table follow its columns. CREATE OR REPLACE VIEW appends columns and ALTER VIEW renames them
// in place; where a column goes or changes its type, the views are dropped before the command and made again after it,
// with the grants, comments and options that they had.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Before ALTER TABLE: drops the views of the table where the command could not run beside them, and notes what they had.
// Locks: ACCESS EXCLUSIVE on the views, before the command locks the table, in the order in which readers lock them.
// Errors: 2BP01 where an object of the user depends on one of the views.
void prepare_views(const DdlCommand &command);

// After it: brings the views in step.
void finish_views(const DdlCommand &command);

// The same for tables with an archive, which goes to another schema or owner with its table. bring_in_step: makes the views
// that are missing and gives the others the columns of the table. It is called with the table, within the boundary.
void prepare_archived_views(const DdlCommand &command);
void finish_archived_views(const DdlCommand &command, void (*bring_in_step)(Oid table));

// Called by the abort callbacks: what commands of that level or below have prepared. What they run may roll back a
// savepoint of its own.
void forget_prepared_views(int nest_level) noexcept;

} // namespace softdelete::ddl
