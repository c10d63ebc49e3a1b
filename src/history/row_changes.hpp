// What an entry tells: the row before the change and the row after it. An entry of an UPDATE keeps the row before it alone; the
// row after it is what the row's next entry keeps, or the live row where none follows. Plain server code, called by
// show_history as the table's owner.
#pragma once

#include "history/open_history.hpp"
#include "history/read_entries.hpp"
#include "history/row_image.hpp"

namespace softdelete::history {

struct RowChange {
    const ReadEntry *entry;
    const RowImage *old_image; // null where there was no row, or it is not known
    const RowImage *new_image;
};

// What the history table has in one of its own columns.
Datum get_own(const OpenHistory &history, const ReadEntry &entry, OwnColumn column, bool *is_null);

// next: the row's entry that follows; null for none. values: of the row's key.
RowChange make_change(const OpenHistory &history, const ReadEntry &entry, const ReadEntry *next,
                      const Datum *values);

// What was read last to find a row's next entry: the changes of a row in one transaction are read once, not once for each.
struct Successors {
    MemoryContext memory; // of the entries
    List *entries;        // of the transaction, and of the one that changed the row next
    uint64 transaction;
    int place; // of the entry that was asked for last
};

Successors make_successors();

// The same for an entry whose next one is not at hand. Of a table without a key the row after the change is not known.
RowChange complete_change(const OpenHistory &history, const ReadEntry &entry, Successors *successors);

// The row as it was, as jsonb; 0 where there was none.
Datum find_row_at(const OpenHistory &history, TimestampTz time, const Datum *values);

} // namespace softdelete::history
