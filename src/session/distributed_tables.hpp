// Tables of Citus: distributed and reference tables, and local ones that it keeps in its metadata. Their statements are planned
// on this server, sent as text to where the rows are, and planned there again. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::session {

// Is it one of these tables, or one of the shards that Citus keeps their rows in? Takes ACCESS SHARE on Citus's catalog.
bool is_distributed(Oid relation);

// Does the statement name such a table anywhere? Costs a look at one variable where Citus is not loaded.
bool names_distributed_table(Query *query);

} // namespace softdelete::session
