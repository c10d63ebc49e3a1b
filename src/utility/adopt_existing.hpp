// A migration written by hand makes the view of live rows and the column deleted_at itself. Where register() was there
// first and made the same, they are skipped with a notice, as IF NOT EXISTS would.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/plannodes.h"
}

namespace softdelete::utility {

// True, after a notice, for a CREATE VIEW by the owner of one of a registered table's views under the same name that
// reads the same columns under the same condition. That view stays as it is, with its options.
bool is_existing_view(const PlannedStmt *plan, const char *query_string);

// Returns plan, or a copy whose ALTER TABLE ... ADD COLUMN commands have IF NOT EXISTS where they add, without any
// constraint, a registered table's deleted_at or deleted_by with the type that it has. Clears read_only_tree for a copy.
PlannedStmt *skip_existing_columns(PlannedStmt *plan, bool *read_only_tree);

} // namespace softdelete::utility
