// Statements of our own that read what their role may not (session/own_statement.hpp): the parser's hook marks the
// references in them.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::planner {

// After parse analysis, before rules and row security. Plain server code.
void mark_own_statement(const char *text, Query *query);

} // namespace softdelete::planner
