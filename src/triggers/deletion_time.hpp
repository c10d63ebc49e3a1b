// When a row of a registered table was deleted. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "access/htup.h"
#include "datatype/timestamp.h"
#include "utils/relcache.h"
}

namespace softdelete::triggers {

// The column deleted_at of a table.
struct DeletionTime {
    AttrNumber column; // invalid until it was found
    bool has_zone;
};

// Finds the column, once; false where the table is not registered any more.
bool find_deletion_time(Relation relation, DeletionTime *time);

// The latest time at which the row can have been deleted: deleted_at, or, without time zone, what that is in the zone
// furthest west. False where the row is live.
bool get_latest_deletion(HeapTuple row, Relation relation, const DeletionTime &time, TimestampTz *deleted_at);

// The time of a row that is deleted as the session reads it.
TimestampTz get_deletion_as_read(HeapTuple row, Relation relation, const DeletionTime &time);

// The deleted row's deleted_at, as messages show it; palloc'd.
const char *describe_deletion(HeapTuple row, Relation relation, const DeletionTime &time);

} // namespace softdelete::triggers
