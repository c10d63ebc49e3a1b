// The statements that the executor is running in this session, innermost last. Tells a trigger or a function that we
// put into a plan whose plan it is. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "executor/execdesc.h"
}

namespace softdelete::planner {

// Called around every ExecutorRun and ExecutorFinish.
void push_running_statement(QueryDesc *query);
void pop_running_statement();

// Forgets what an aborted (sub)transaction was running; nest_level as GetCurrentTransactionNestLevel() counts.
void forget_running_statements(int nest_level) noexcept;

// False at the end of a transaction, when deferred triggers fire.
bool is_statement_running();

// The notes (PlanNote) of the innermost statement's plan; 0 where none runs or it was planned without our hook.
uint32 running_statement_notes();

} // namespace softdelete::planner
