// The token: a call of softdelete_internal.as_deletion() among the AND-ed conditions of a DELETE.
#pragma once

#include "session/registered_table.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::planner {

// Puts one into a DELETE on a table of Citus.
void add_token(Query *query, const session::RegisteredTable &table);

// Has the DELETE the token that we have put there? Citus plans a statement, or parts of it, once more.
bool has_own_token(Query *query);

// Raises 42501 where the query, or one within it, has a token that we have not put there.
void refuse_forged_token(Query *query);

// Does a DELETE on a shard bring one, as text? Raises 42501 where it brings more.
bool has_token(Query *query);

// Takes it out: what it says. is_of_citus: Citus plans the statement of a shard of this node by itself, once for all
// executions, so that the call that makes the token is still there. Raises 42501 where it is anything else.
Node *take_token(Query *query, bool is_of_citus);

} // namespace softdelete::planner
