// UPDATE, INSERT and upserts that write deleted_at, deleted_by or deletion_id of a registered table. Plain server code.
#pragma once

#include "session/plan_notes.hpp"
#include "session/registered_table.hpp"

namespace softdelete::planner {

// True for an UPDATE that assigns the literal NULL to deleted_at and nothing but that, deleted_by and deletion_id.
bool is_restore(Query *query, const session::RegisteredTable &table);

// Completes a restore: it touches deleted rows only and clears all three columns.
void convert_restore(Query *query, const session::RegisteredTable &table);

// Makes assignments to deleted_at soft deletes or restores, row by row; checks values. Returns the new list.
// Used for UPDATE, for the UPDATE actions of MERGE and for ON CONFLICT DO UPDATE.
List *convert_assignments(Query *query, List *assignments, const session::RegisteredTable &table,
                          session::Statement *statement);

// Converts an INSERT: checks imported values, adds the predicate to ON CONFLICT's inference, refuses to update a
// deleted row.
void convert_insert(Query *query, const session::RegisteredTable &table, session::Statement *statement);

} // namespace softdelete::planner
