// The deletions of the transaction under way: what one transaction soft-deletes under one actor and one reason is one
// deletion. Plain server code, called per statement from the hot path.
#pragma once

#include "pg/server.hpp"

namespace softdelete::deletion {

// The id of the transaction's deletion under the present actor and reason; gives it one when this is its first row.
// relation joins the tables that the deletion touches.
// Locks: ROW EXCLUSIVE on the log. Raises what an INSERT into the log raises.
int64 get_current_deletion(Oid relation);

// Writes the rows of softdelete_internal.deletion that are not written yet: before any other statement runs, which might look at
// them, and when the one that began the deletion is through, so that its tables need no rows of their own. Called as
// well before a transaction commits or is prepared.
// Locks: ROW EXCLUSIVE on the log. Raises what an INSERT into the log raises.
void write_deletions();

// Has this transaction given that id?
bool is_open_deletion(int64 id) noexcept;

// All rows of that deletion are back. If it is one of this transaction's, more rows may join it.
void note_restored_deletion(int64 id) noexcept;

// While a cascade runs, what it deletes belongs to the deletion that it began in, whatever the settings say by then.
// Pins nest; 0 pins none. The abort of the (sub)transaction takes its pins away.
void pin_deletion(int64 id);
void unpin_deletion() noexcept;

// The actor in force as text: softdelete.actor, or else the role that SET ROLE or the login gave.
const char *get_actor();

// Called by the transaction callbacks.
void end_transaction() noexcept;
void abort_subtransaction(int nest_level) noexcept;
void commit_subtransaction(int nest_level) noexcept;

} // namespace softdelete::deletion
