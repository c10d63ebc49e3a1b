// Tables of Citus: distributed and reference tables, and local ones that it keeps in its metadata. Their statements are planned
// on this server, sent as text to where the rows are, and planned there again. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::session {

// Is the library of Citus loaded? Where not, none of what follows looks any further.
bool is_citus_loaded();

// Is it one of these tables, or one of the shards that Citus keeps their rows in? Takes ACCESS SHARE on Citus's catalog.
bool is_distributed(Oid relation);

// Is that the name of our trigger, or of the one that Citus has made of it for this shard? It puts the shard's number behind
// the names of both.
bool is_own_trigger_name(const char *name, const char *own, const char *table);

// A table in which Citus keeps rows of another one: by its name, and by Citus's list or our marker under a shard's name. Costs a look at one variable where Citus is not loaded.
bool is_shard(Oid relation);

// The table whose rows the shard keeps, as this node knows it; 0 where it knows none.
Oid find_table_of_shard(Oid shard);

// Raises 0A000 where it is a table of Citus: for commands that read or write rows where they are.
void refuse_distributed(Oid relation);

// A distributed or a reference table, not a table in the metadata alone, nor one whose rows are in a single shard by the
// schema that it is in.
bool is_plainly_distributed(Oid relation);

// Does this node keep the metadata that commands go by? A worker does not.
bool is_coordinator();

// Does the statement name such a table anywhere? Costs a look at one variable where Citus is not loaded.
bool names_distributed_table(Query *query);

} // namespace softdelete::session
