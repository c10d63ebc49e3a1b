// For checks of a retention: purge/due_rows has the same in SQL.
#include "triggers/deletion_time.hpp"

#include "registry/retention.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
}

namespace softdelete::triggers {

bool find_deletion_time(Relation relation, DeletionTime *time) {
    session::RegisteredTable table;
    if (time->column == InvalidAttrNumber
        && session::find_registered_table(RelationGetRelid(relation), &table)) {
        const FormData_pg_attribute *column = TupleDescAttr(RelationGetDescr(relation), table.deleted_at - 1);
        time->has_zone = getBaseType(column->atttypid) == TIMESTAMPTZOID;
        time->column = table.deleted_at;
    }
    return time->column != InvalidAttrNumber;
}

bool get_latest_deletion(HeapTuple row, Relation relation, const DeletionTime &time,
                         TimestampTz *deleted_at) {
    bool is_null = true;
    Datum value = heap_getattr(row, time.column, RelationGetDescr(relation), &is_null);
    if (is_null) {
        return false;
    }
    *deleted_at = DatumGetTimestampTz(value);
    if (!time.has_zone && !TIMESTAMP_NOT_FINITE(*deleted_at)) {
        *deleted_at -= registry::furthest_west;
    }
    return true;
}

TimestampTz get_deletion_as_read(HeapTuple row, Relation relation, const DeletionTime &time) {
    bool is_null = true;
    Datum value = heap_getattr(row, time.column, RelationGetDescr(relation), &is_null);
    return DatumGetTimestampTz(time.has_zone ? value : DirectFunctionCall1(timestamp_timestamptz, value));
}

const char *describe_deletion(HeapTuple row, Relation relation, const DeletionTime &time) {
    bool is_null = true;
    Datum value = heap_getattr(row, time.column, RelationGetDescr(relation), &is_null);
    return time.has_zone ? pstrdup(timestamptz_to_str(DatumGetTimestampTz(value)))
                         : DatumGetCString(DirectFunctionCall1(timestamp_out, value));
}

} // namespace softdelete::triggers
