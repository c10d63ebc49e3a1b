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

// The row's deleted_at as timestamptz; false where it is live.
bool get_deleted_at(HeapTuple row, Relation relation, const DeletionTime &time, TimestampTz *deleted_at);

} // namespace softdelete::triggers
