// Clocks of applications differ from the server's by less than a day. A time without zone may be that of UTC, or local time
// of the session's zone as far as there is such a zone on earth: TimeZone takes offsets of a week, by which anybody could
// write times of the week before.
#include "deletion/deletion_time.hpp"

#include "pg/compat.hpp"
#include "registry/retention.hpp"

extern "C" {
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
}

namespace softdelete::deletion {

namespace {

[[noreturn]] void refuse_stranger(Oid relation, const char *detail) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("must be owner of table %s", get_rel_name(relation)), errdetail("%s", detail)));
    pg_unreachable();
}

// What a value of the type says more than UTC does where it is written in the session's zone.
TimestampTz get_zone_offset(TimestampTz now, Oid type) {
    if (getBaseType(type) != TIMESTAMPOID) {
        return 0;
    }
    Timestamp local = DatumGetTimestamp(DirectFunctionCall1(timestamptz_timestamp, TimestampTzGetDatum(now)));
    return Min(Max(local - now, registry::furthest_west), registry::furthest_east);
}

// Of now(), which lies back in a long transaction, and of the clock, which may have been set back since.
bool is_long_ago(Datum value, Oid type) {
    TimestampTz now = Min(GetCurrentTimestamp(), GetCurrentTransactionStartTimestamp());
    return DatumGetTimestamp(value) < now + Min(get_zone_offset(now, type), 0) - USECS_PER_DAY;
}

bool is_far_ahead(Datum value, Oid type) {
    TimestampTz now = Max(GetCurrentTimestamp(), GetCurrentTransactionStartTimestamp());
    return DatumGetTimestamp(value) > now + Max(get_zone_offset(now, type), 0) + USECS_PER_DAY;
}

} // namespace

void check_deletion_time(Datum value, Oid type, Oid relation) {
    if (TIMESTAMP_NOT_FINITE(DatumGetTimestamp(value)) || is_far_ahead(value, type)) {
        ereport(ERROR,
                (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
                 errmsg("deletion time of a row of table \"%s\" must be finite and at most one day ahead",
                        get_rel_name(relation)),
                 errhint("Use now().")));
    }
}

void check_time_of_deletion(Datum value, Oid type, Oid relation) {
    check_deletion_time(value, type, relation);
    if (is_long_ago(value, type) && !pg::compat::owns_relation(relation, GetUserId())) {
        refuse_stranger(relation, "Only the owner can write a deletion time that is more than one day back.");
    }
}

void check_may_redate(Datum value, Oid type, Oid relation) {
    if (!pg::compat::owns_relation(relation, GetUserId())) {
        refuse_stranger(relation, "Only the owner can change when a deleted row was deleted.");
    }
    check_deletion_time(value, type, relation);
}

} // namespace softdelete::deletion
