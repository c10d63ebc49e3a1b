// Self-joins of references with different scopes. Plain server code.
#pragma once

#include "session/plan_notes.hpp"

namespace softdelete::planner {

// Around the planning of a statement: keeps the server from making one reference of two that see different rows, where
// the filter of one would get lost. The first returns what the second takes; after an error the abort of the
// transaction does the second's work.
int begin_planning(const session::Statement &statement);
void end_planning(int nest_level);

} // namespace softdelete::planner
