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

// Before a statement is planned: false where it reads tables as their owners and one of them is not the current role. To plan
// a statement can run code that belongs to its tables, which is to run as nobody but their owner.
bool is_planned_as_owner(const char *text, Query *query);

// Before a statement is planned: raises 55000 where a command of ours would run as a table's owner what others have put into
// its partitions or children (session/members_owners.hpp).
void refuse_others_members(const char *text, Query *query, bool is_foreign_key);

} // namespace softdelete::planner
