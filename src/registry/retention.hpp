// A table's retention, as the guards of physical deletes ask for it. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "datatype/timestamp.h"
}

namespace softdelete::registry {

// Rows of relation (or of the registered table that it is a partition of) deleted before the cutoff may be removed.
struct Cutoff {
    bool has_retention; // without one every deleted row may be removed
    bool anonymizes;    // purge() overwrites rows that are due instead of removing them
    TimestampTz cutoff; // now() minus the retention, its days and months counted in UTC
    // The same by the session's time zone, in which a DELETE says now() - interval '1 month': where that differs, for
    // an hour after a change of the clocks or at the end of a month, rows that are due by either may be removed by hand.
    TimestampTz local_cutoff;
};

// What local time says more than UTC at the ends of the earth. A time without zone has passed where it has passed in the
// westernmost zone: in whose session it is read must not matter, for anybody sets TimeZone as he likes.
constexpr TimestampTz furthest_west = -12 * USECS_PER_HOUR;
constexpr TimestampTz furthest_east = 14 * USECS_PER_HOUR;

// The local time before which every local time has passed in every zone at that time.
inline Timestamp get_passed_everywhere(TimestampTz time) {
    return TIMESTAMP_NOT_FINITE(time) ? time : time + furthest_west;
}

// As it is committed by now, or changed by this transaction.
Cutoff get_cutoff(Oid relation);

// Held until the transaction ends: share by who removes rows by the retention, exclusive by who changes it. So nothing
// is removed by a retention that was changed already.
enum class RetentionLock { share, exclusive };

void lock_retention(Oid relation, RetentionLock lock);

} // namespace softdelete::registry
