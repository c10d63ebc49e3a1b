// UPDATE, INSERT and upserts that write deleted_at, deleted_by or deletion_id of a registered table. Plain server code.
#pragma once

#include "session/plan_notes.hpp"
#include "session/registered_table.hpp"

namespace softdelete::planner {

// Is an UPDATE a restore? It has to set deleted_at to NULL, and may besides assign the extension's columns and those of
// date and time types only.
enum class RestoreKind {
    none,
    plain,      // by the literal, and nothing but the extension's columns: of deleted rows
    with_times, // by the literal, other columns as well, which live rows get too
    where_null  // by a parameter: where that is NULL
};

RestoreKind kind_of_restore(List *assignments, const session::RegisteredTable &table);

// Completes a plain restore: it touches deleted rows only and clears all three columns.
void convert_restore(Query *query, const session::RegisteredTable &table);

// Lets the UPDATE reach deleted rows only where its parameter is NULL, in custom and generic plans.
void restrict_restore(Query *query, const session::RegisteredTable &table);

// Keeps assignments that reach deleted rows, though their UPDATE is none of those, from bringing them back: adds to the
// conditions that NULL is assigned to live rows only. A volatile value, which cannot be asked for twice, it lets pass.
void keep_deleted(Query *query, List *assignments, const session::RegisteredTable &table, Node **conditions);

// Makes assignments to deleted_at soft deletes or restores, row by row; checks values. Returns the new list.
// Used for UPDATE, for the UPDATE actions of MERGE and for ON CONFLICT DO UPDATE.
List *convert_assignments(Query *query, List *assignments, const session::RegisteredTable &table,
                          session::Statement *statement);

// Converts an UPDATE that restores rows of a shard, whose deletion another node keeps the log of.
void convert_restore_on_shard(Query *query, const session::RegisteredTable &table);

// NULL, under casts of any kind.
bool is_null_literal(Node *value);

// Checks what an INSERT, or the INSERT action of a MERGE, writes into the extension's columns. Where a dump is being loaded
// the plan is for this role alone.
void check_inserted(List *values, const session::RegisteredTable &table, session::Statement *statement);

// Converts an INSERT: checks imported values, adds the predicate to ON CONFLICT's inference, refuses to update a
// deleted row.
void convert_insert(Query *query, const session::RegisteredTable &table, session::Statement *statement);

// The parts of that: the condition of the partial unique index, and what is done to the row that is met.
void infer_among_live(Query *query, const session::RegisteredTable &table);
void convert_conflict(Query *query, const session::RegisteredTable &table, session::Statement *statement);

} // namespace softdelete::planner
