// What the registry says of a table's history, read with system-table scans: no privileges, no SPI. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
}

namespace softdelete::registry {

struct TrackedRow {
    Oid history;
    TimestampTz begins_at;
};

// False where the table has no history.
bool find_tracked_row(Oid relation, TrackedRow *row);

struct HistoryColumnRow {
    NameData history_column;
    NameData column_name;
    TimestampTz since; // DT_NOBEGIN for no bound
    TimestampTz until; // DT_NOEND for no bound
};

// A list of HistoryColumnRow, in the current memory context.
List *read_history_columns(Oid relation);

// The table whose history this relation is; InvalidOid for none.
Oid find_table_of_history(Oid history);

// The history that the relation is, or is a partition of; InvalidOid for none.
Oid find_history_of_member(Oid relation);

// Is the relation a history or an archive, or a part of one? softdelete keeps these itself.
bool is_kept_table(Oid relation);

} // namespace softdelete::registry
