// The logs of what statements of users remove for good: purges by hand, which are plain DELETEs of deleted rows, and DELETE
// and TRUNCATE under softdelete.deletion = hard. Plain server code.
#pragma once

#include "pg/server.hpp"

struct QueryDesc;

namespace softdelete::purge {

// Called by the marker trigger for each row of the table or partition that such a DELETE removes, or that a foreign key
// takes along with a row that is removed, by whatever statement. is_hard: under that setting.
void note_purged_row(Oid relation, bool by_foreign_key, bool is_hard);

// Called by the trigger for TRUNCATE under that setting.
void log_truncation(Oid relation);

// Called when a statement has run: writes what it removed to softdelete.purge_log, or to softdelete.removals. Raises what an
// INSERT into the log raises.
void log_purged_rows(const QueryDesc *query);

// Called where a (sub)transaction of that level aborts.
void forget_purged_rows(int nest_level) noexcept;
// Called where a subtransaction of that level commits: what it removed is its parent's.
void keep_purged_rows(int nest_level) noexcept;

} // namespace softdelete::purge
