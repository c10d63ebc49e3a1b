// Reads entries of a history: those of a row by the index on its key, or all of them. By the access methods, past the
// planner: whoever calls has checked who may read. Plain server code.
#pragma once

#include "history/own_columns.hpp"
#include "history/tracked_table.hpp"

extern "C" {
#include "access/htup.h"
#include "access/tupdesc.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
}

namespace softdelete::history {

// One entry, copied. The values are those of the history table's columns, by number.
struct ReadEntry {
    TimestampTz at;
    TimestampTz transaction_at;
    TimestampTz statement_at;
    uint64 transaction;
    int32 command;
    Kind kind;
    Oid partition;
    ItemPointerData position;
    HeapTuple row; // in the format of the history table
};

// How many of a row's entries are read: all; those of the transaction that changed it first; or those of one transaction and
// of the one that changed the row next.
enum class Extent { all, first_transaction, transaction_and_next };

// Of one row, from its first entry after a time on, in their true order; DT_NOBEGIN for all. values: of the key's columns.
// transaction: for Extent::transaction_and_next. A list of ReadEntry.
List *read_entries(const TrackedTable &table, const Datum *values, TimestampTz after, Extent extent,
                   uint64 transaction = 0);

// All entries, as they lie, partition by partition in the order of time: calls take for each. The entry is gone then.
void read_all_entries(const TrackedTable &table, void (*take)(const ReadEntry &entry, void *context),
                      void *context);

// The row with that key as it is now, deleted or not, in the format of the relation that it is in; null where there is
// none. relation: set to the table or partition, which is open then and to be closed.
HeapTuple find_live_row(const TrackedTable &table, const Datum *values, Relation *relation);

// Is the row that the entry keeps that of before the change? Of INSERT and a new key it is that of after it.
inline bool has_old_row(const ReadEntry &entry) {
    return entry.kind != kind_insert && entry.kind != kind_new_key;
}

// Does a row come to be under the entry's key?
inline bool begins_life(const ReadEntry &entry) {
    return entry.kind == kind_insert || entry.kind == kind_new_key;
}

// Is the row gone after it?
inline bool ends_life(const ReadEntry &entry) {
    return entry.kind == kind_delete || entry.kind == kind_truncate || entry.kind == kind_purge;
}

} // namespace softdelete::history
