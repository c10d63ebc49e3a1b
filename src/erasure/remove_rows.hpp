// Physical removal by the commands: of rows whatever their state, and of what foreign keys take along with them.
#pragma once

#include "erasure/removal_order.hpp"
#include "rows/row_set.hpp"

#include <set>

namespace softdelete::erasure {

// Called by the marker trigger: is the row one of those that a command of ours has checked and is removing? So may be the
// rows that its statement names, and those that referential actions take along with them; of others, these take only what
// they may remove at any time: deleted rows whose retention has passed and that no hold protects. Plain server code.
// Raises 40001 for another row where the transaction's snapshot is too old to have shown it to the command.
bool is_being_removed(Relation relation, HeapTuple row);

// The same for whoever removes the row while such a command is under way, be it a statement of a user's trigger. Raises 55000
// where nothing tells. Plain server code.
bool is_removed_on_the_way(Relation relation, HeapTuple row);

// Removes the rows of each step by DELETE, as the owner of their tables, with what goes with them natively: all are the rows that may
// go. The caller has locked them and checked holds. Returns tables, each the topmost of its partitions, where a trigger has moved one of
// all and left it.
// Errors: what the server and users' triggers raise; 23503 for keys that refuse.
std::set<Oid> remove_rows(pg::Spi &spi, const std::vector<RemovalStep> &steps, const rows::RowSet &all);

} // namespace softdelete::erasure
