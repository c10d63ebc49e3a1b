// Writes on registered tables of Citus. The node that is asked puts a token into the statement, which says what deletion its
// rows join, and Citus sends it on as it is; the node of each shard takes the token out and converts. Called by
// planner/transform_query.
#pragma once

#include "session/plan_notes.hpp"
#include "session/registered_table.hpp"

namespace softdelete::planner {

// On the node that is asked. Raises 0A000 for what is not supported, and 42501 where the statement brings a token.
void convert_distributed(Query *query, const session::RegisteredTable &table, session::Statement *statement);

// True where the write on a shard needs nothing more; else it is converted as one on any registered table. Raises 55000 where
// it came without a token that it needs.
bool convert_on_shard(Query *query, const session::RegisteredTable &table, session::Statement *statement);

// Citus copies a table into one of its name and a number, by INSERT ... SELECT, when it distributes it otherwise or no longer.
// Deleted rows would stay behind. Raises 0A000.
void refuse_copy_by_citus(Query *query);

} // namespace softdelete::planner
