// Registered tables of Citus: which commands on them go to the nodes of their shards without what softdelete would have to do
// there. Plain server code.
#pragma once

#include "ddl/parse_tree.hpp"

namespace softdelete::utility {

// Is the command about a shard, or on a node other than the coordinator about a table of Citus? Citus runs it there, and all
// that belongs to it.
bool is_of_shard(Node *statement);

// The same after the command. Citus puts the guard against TRUNCATE on shards that it moves, on no others, and never drops it
// there: the shard goes without. The guard on the table and the utility hook see to TRUNCATE.
bool follow_other_node(Node *statement);

// Before the command. Raises 0A000 where it changes a registered table of Citus.
void refuse_distributed_change(const ddl::DdlCommand &command);

// After it. Raises 0A000 where a table references a registered table of Citus by a new foreign key.
void refuse_link_to_distributed(const ddl::DdlCommand &command);

} // namespace softdelete::utility
