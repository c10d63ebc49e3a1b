// The deletions of the transaction under way: what one transaction soft-deletes under one actor and one reason is one
// deletion. Plain server code, called per statement from the hot path.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "datatype/timestamp.h"
#include "executor/execdesc.h"
#include "nodes/pg_list.h"
}

namespace softdelete::deletion {

// The id of the transaction's deletion under the present actor and reason; gives it one when this is its first row.
// relation joins the tables that the deletion touches.
// Locks: ROW EXCLUSIVE on the log. Raises what an INSERT into the log raises.
int64 get_current_deletion(Oid relation);

// The same before a statement on tables of Citus runs, which may take rows of all of them: relations, OIDs, the target first.
// It is written when such a statement has taken rows.
int64 get_distributed_deletion(List *relations);
void confirm_distributed_deletions() noexcept;

// When the deletion began that the cascade under way belongs to: the transaction's time, or that of another node.
TimestampTz get_deletion_time();

// The same where there is one already; else 0.
int64 find_current_deletion();

// Writes the rows of softdelete_internal.deletion that are not written yet: before any other statement runs, which might look at
// them, and when the one that began the deletion is through, so that its tables need no rows of their own. Called as
// well before a transaction commits or is prepared.
// Locks: ROW EXCLUSIVE on the log. Raises what an INSERT into the log raises.
void write_deletions();

// A row has surely joined the deletion.
void confirm_deletion(int64 id) noexcept;

// A row of the table that this transaction has written goes to the archive, in that deletion: the log tells it, once per table and
// deletion.
void note_new_row(Oid table, int64 id);

// Called when a statement is through. The id of the deletion that it has begun, where no row has surely joined it and no
// other statement has added to it; else 0.
int64 end_of_statement(const QueryDesc *query) noexcept;

// Forgets an open deletion that has no rows. True where its row in the log was written.
bool forget_deletion(int64 id) noexcept;

// Has this transaction given that id?
bool is_open_deletion(int64 id) noexcept;

// All rows of that deletion are back. If it is one of this transaction's, more rows may join it.
void note_restored_deletion(int64 id) noexcept;

// While a cascade runs, what it deletes belongs to the deletion that it began in, whatever the settings say by then.
// Pins nest; 0 pins none. The abort of the (sub)transaction takes its pins away.
void pin_deletion(int64 id);
void unpin_deletion() noexcept;

// The actor in force as text: softdelete.actor, or else the role that SET ROLE or the login gave. What a cascade deletes has
// that of the deletion it began in, whatever a trigger on the way has set.
const char *get_actor();

// The actor of a deletion of this transaction.
const char *get_actor(int64 id);

// The same; null where it is a role.
const char *get_named_actor();

// Called by the transaction callbacks.
void end_transaction() noexcept;
void abort_subtransaction(int nest_level) noexcept;
void commit_subtransaction(int nest_level) noexcept;

} // namespace softdelete::deletion
