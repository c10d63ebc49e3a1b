// RETURNING of converted statements: what it says of a row that was deleted. Plain server code.
#pragma once

#include "session/registered_table.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::planner {

// Of a DELETE: shows the row as it was left; NEW is null, as for any DELETE (18 and later).
void convert_delete_returning(Query *query);

// Of a MERGE with DELETE actions (17 and later), before these are converted: merge_action() is DELETE of such a row, NEW
// is null. Where there are UPDATE actions beside them, a row that is left as deleted counts as deleted.
void convert_merge_returning(Query *query, const session::RegisteredTable &table, bool has_update);

} // namespace softdelete::planner
