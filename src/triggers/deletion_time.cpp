// A timestamp without a time zone is one of the session's.
#include "triggers/deletion_time.hpp"

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

bool get_deleted_at(HeapTuple row, Relation relation, const DeletionTime &time, TimestampTz *deleted_at) {
    bool is_null = true;
    Datum value = heap_getattr(row, time.column, RelationGetDescr(relation), &is_null);
    if (is_null) {
        return false;
    }
    *deleted_at = time.has_zone ? DatumGetTimestampTz(value)
                                : DatumGetTimestampTz(DirectFunctionCall1(timestamp_timestamptz, value));
    return true;
}

} // namespace softdelete::triggers
