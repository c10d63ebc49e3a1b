// DELETE on a registered table becomes UPDATE ... SET deleted_at = now(), after rewriting, when DELETE's privileges and
// policies are already attached. Plain server code.
#pragma once

#include "session/plan_notes.hpp"
#include "session/registered_table.hpp"

namespace softdelete::planner {

// What becomes of a DELETE or of the DELETE actions of a MERGE.
enum class DeleteKind { soft, hard, purge, foreign_key, removal };

// What was decided of one such query. Decided once, before anything is converted; kept in Statement::deletes.
struct DeleteDecision {
    const Query *query;
    DeleteKind kind;
    bool may_purge; // it is a hand-written purge if the owner runs it: the plan depends on the role
};

// Decides it, or says what was decided: the statement keeps it. query->resultRelation is the registered table.
const DeleteDecision *decide_delete(Query *query, const session::RegisteredTable &table,
                                    session::Statement *statement);

// What was decided; null for a query that deletes from no registered table.
const DeleteDecision *find_delete_decision(const Query *query, const session::Statement &statement);

// True where the current role is the table's owner, as it is in every statement of the foreign-key machinery and of a
// cascade on the table that it names.
bool runs_as_owner(const session::RegisteredTable &table);

// Raises an error where the table's marker would not fire, nor what a soft delete and a restore need beside it;
// reaches_children: nor that of a partition or child, which matters where rows go physically. Locks: ACCESS SHARE on
// these. action: what the statement does, for the error, as in "delete from".
void check_writable(const session::RegisteredTable &table, bool reaches_children, const char *action);

// Converts a DELETE. Raises an error where the statement cannot be converted.
void convert_delete(Query *query, const session::RegisteredTable &table, session::Statement *statement);

// Converts the DELETE actions of a MERGE.
void convert_merge(Query *query, const session::RegisteredTable &table, session::Statement *statement);

// True where a MERGE has DELETE actions.
bool has_delete_action(Query *query);

} // namespace softdelete::planner
