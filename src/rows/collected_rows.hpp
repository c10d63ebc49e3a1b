// Rows that row triggers collect while a statement fires its triggers, and that go together into the one partition of their
// target that holds their time, without SPI, planner, triggers or anybody's privileges: archives and histories
// are written like that. Nothing is checked on the way in, so that a target has no constraint that its source has not.
//
// Rows belong to the statement that collected them and to its nest level. They are inserted when it is through, or when
// there are many, and never at the end of a statement that runs within it, which may be rolled back without it. Plain
// server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "access/htup.h"
#include "datatype/timestamp.h"
#include "utils/relcache.h"
}

namespace softdelete::rows {

// A column that the target has beside those of the source, and its value for the row.
struct OwnValue {
    const char *column;
    Datum value;
    bool is_null;
    bool by_value;
    int16 length; // pg_type.typlen
};

struct CollectTarget {
    Oid table;              // partitioned as rows/time_partitions.hpp says
    bool takes_all_columns; // a column of the source that the target has not is an error; else it is left out
    TimestampTz time = 0; // the row goes to the partition of this time; 0 for that of the transaction's start
};

// Keeps a copy of the row for the target, where each column goes to the one of its name and type, and each own value to
// its column. The own columns of a target are the same in all calls of a statement, in the same order. To be called from
// an AFTER trigger. Where no statement is known to be firing its triggers, as when the library was loaded on the way, the
// row is inserted at once.
// Locks: ROW EXCLUSIVE on the target and the partition, when rows are inserted. Raises 42703 and 42804 where the columns
// do not match, and what an INSERT into the indexes raises.
void collect_row(const CollectTarget &target, Relation source, HeapTuple row, const OwnValue *values,
                 int count);

// The innermost statement has fired its triggers: inserts what it has collected. Called by the executor hook.
void insert_collected_rows();

// Raises XX000 where rows did not get to their target: nothing may be lost. Called before the transaction commits or is
// prepared.
void check_all_inserted();

// Called by the abort and transaction callbacks.
void forget_collected_rows(int nest_level) noexcept;
// Called where a subtransaction of that level commits.
void keep_collected_rows(int nest_level) noexcept;

} // namespace softdelete::rows
