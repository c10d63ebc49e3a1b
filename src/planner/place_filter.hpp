// Writes the filter into a query's own conditions, for tables of Citus: what the server's planner adds to a relation never
// reaches the nodes that keep the rows. Called by planner/transform_query.
#pragma once

#include "session/registered_table.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"
}

namespace softdelete::planner {

// deleted_at IS NULL or IS NOT NULL of the reference, where it restricts that reference alone. Raises 0A000 below a FULL JOIN.
void place_filter(Query *query, Index reference, const session::RegisteredTable &table, NullTestType test);

} // namespace softdelete::planner
