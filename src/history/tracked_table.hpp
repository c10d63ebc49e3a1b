// What the session knows of a table that has a history: where the history is and which column is which. Kept until the
// table, its history or the registry's row of it changes, which sends an invalidation of the table. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "access/attnum.h"
#include "datatype/timestamp.h"
}

namespace softdelete::history {

struct HistoryColumn {
    AttrNumber number; // in the history table
    const char *name;  // of the table's column
    AttrNumber source; // in the table or partition; 0 where the column is gone
    TimestampTz since; // the history knows it from then on, or DT_NOBEGIN
    TimestampTz until; // and up to then, or DT_NOEND
};

struct KeyColumn {
    AttrNumber number; // in the history table; 0 where it is not there
    AttrNumber source; // in the table or partition
    Oid type;          // under any domains, as the history has it
};

struct TrackedTable {
    Oid relation; // the table, or a partition of it
    Oid root;     // the table that was tracked
    Oid history;
    TimestampTz begins_at;
    int column_count;
    const HistoryColumn *columns; // in the order of the history table
    int key_count;                // of the primary key's columns; 0 where there is none
    const KeyColumn *key;
    AttrNumber deleted_at; // in the table or partition; 0 where it is not registered
    AttrNumber deletion_id;
};

// Null where neither the relation nor a table that it is a partition of has a history. The caller holds a lock on the
// relation. What it returns stays as it is until the transaction ends, whatever becomes of the table.
const TrackedTable *find_tracked_table(Oid relation);

// The table that may have a history: the topmost one that the relation is a partition of, or itself.
Oid get_tracked_root(Oid relation);

// Has it one, or is it a partition of one that has? Asks the relation cache for the trigger.
bool is_tracked(Oid relation);

// Has it a history by the registry, which somebody has dropped? It counts as none everywhere else.
bool is_history_missing(Oid relation);

// What the registry says of the table has changed: all sessions look again.
void announce_change(Oid relation);

// Registers the invalidation callback; called once from _PG_init.
void install_tracked_tables();

} // namespace softdelete::history
