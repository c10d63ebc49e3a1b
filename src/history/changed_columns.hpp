// history_changed: the columns that an UPDATE changed, as bits by their number in the history table. Zeros at the end are
// left out. Plain server code.
#pragma once

#include "history/tracked_table.hpp"

extern "C" {
#include "access/htup.h"
#include "access/tupdesc.h"
#include "nodes/pg_list.h"
}

namespace softdelete::history {

// In the current memory context. The rows are of the table's columns of today.
bytea *find_changed_columns(const TrackedTable &table, HeapTuple old_row, TupleDesc old_columns,
                            const TrackedTable &new_table, HeapTuple new_row, TupleDesc new_columns);

// The same of columns that are known: a list of attribute numbers of the table.
bytea *make_changed_columns(const TrackedTable &table, List *columns);

// Is the column of that number in the history table among them? changed: null for no column.
bool is_changed(const bytea *changed, AttrNumber number);

// Of these columns of the table, a list of attribute numbers, those that the history has.
List *find_kept_columns(const TrackedTable &table, const List *columns);

} // namespace softdelete::history
