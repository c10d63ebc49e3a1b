// The statements that the executor is running in this session, innermost last. Tells a trigger or a function that we
// put into a plan whose plan it is. Plain server code.
#pragma once

#include "session/own_statement.hpp"

extern "C" {
#include "executor/execdesc.h"
}

namespace softdelete::session {

enum class Phase { run, finish };

// Called around every ExecutorRun and ExecutorFinish. notes: of its plan (PlanNote).
void push_running_statement(QueryDesc *query, Phase phase, uint32 notes);
void pop_running_statement();

// Forgets what an aborted (sub)transaction was running; nest_level as GetCurrentTransactionNestLevel() counts.
void forget_running_statements(int nest_level) noexcept;

// Did the innermost statement, or that which it follows as a part of the cascade, begin before this transaction had
// written anything? Then no row that it finds was inserted by a statement that is still under way.
bool is_first_writer();

// Is the innermost statement firing its triggers? Not so where deferred triggers fire: at the end of the transaction, or
// by SET CONSTRAINTS.
bool is_statement_finishing();

// The innermost statement deletes rows softly, and has their locks seen to (deletion/lock_deleted_rows.hpp). Is there such a
// one around it?
// changes: count_relation_changes() then; 0 is the answer where it was not noted.
void note_locked_deletions(uint64 changes);
uint64 deletions_locked_at();
bool is_within_locked_deletions();

// The innermost statement; null where none runs.
const QueryDesc *running_statement();
// The statement that the innermost one runs in, as a referential action does in that which it follows; null for none.
const QueryDesc *enclosing_statement();

// The statement of ours that fires the AFTER triggers of the innermost one, which is a referential action of it, or what a
// rule adds to one; null where the innermost one fires its own, or leaves them to a statement of somebody else's.
const QueryDesc *firing_own_statement();

// The outermost one; null where none runs.
const QueryDesc *outermost_statement();

// What the innermost statement may do as one of ours, or that which it follows as a referential action; null where neither
// is one.
const OwnTraits *acting_own_statement();

// The same of the innermost statement itself.
const OwnTraits *running_own_statement();

// Which deferrable triggers of the innermost statement have to fire when it is through (session/immediate_triggers.hpp).
AtOnce fired_at_once_by_running();

// How many statements run.
int running_statement_depth() noexcept;

// The place on the stack of the innermost statement that is not the cascade's own; 0 where there is none.
int running_statement_place();

// The command number of that statement: versions of rows that it, its triggers and what follows from it write have none before
// it. InvalidCommandId where none runs.
CommandId running_statement_start();

// The notes (PlanNote) of the innermost statement's plan; 0 where none runs or it was planned without our hook.
uint32 running_statement_notes();

} // namespace softdelete::session
