// Inlines set-returning SQL functions before scopes are decided, with the server's own code, so that a table named in
// such a function gets the scope of the function's query level whether or not the planner inlines it.
#pragma once

#include "session/plan_notes.hpp"

namespace softdelete::planner {

// Replaces function entries of the query's range table by sub-queries where the planner would do so.
void inline_functions(Query *query, session::Statement *statement);

} // namespace softdelete::planner
