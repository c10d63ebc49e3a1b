// Histories when something is dropped. The event trigger on sql_drop calls it, but for ALTER TABLE, which follow_table follows.
#pragma once

namespace softdelete::history {

// Tables were dropped: their histories stay as plain tables. Raises 2BP01 where a history was dropped and its table not, and
// where a column of either went with a type, a function or whatever else it depended on: its values would be lost.
// Returns whether a table is gone that had a history.
bool follow_drop();

} // namespace softdelete::history
