// Computes the time before which deleted rows of a table are due: the retention counted back from the transaction's
// time, in UTC. Called by purge/ and by the marker trigger.
#include "registry/retention.hpp"

#include "registry/archive_scan.hpp"
#include "registry/registry_scan.hpp"

extern "C" {
#include "access/xact.h"
#include "catalog/namespace.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
}

namespace softdelete::registry {

Cutoff get_cutoff(Oid relation) {
    RegisteredValue retention = find_registered_value(relation, "retention");
    Cutoff result = {};
    result.has_retention = !retention.is_null;
    if (result.has_retention) {
        // As a timestamp of UTC: days and months are those of no session's time zone.
        Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
        result.cutoff = DatumGetTimestampTz(DirectFunctionCall2(timestamp_mi_interval, now, retention.value));
        result.local_cutoff =
            DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval, now, retention.value));
    }
    RegisteredValue on_expiry = find_registered_value(relation, "on_expiry");
    result.anonymizes = !on_expiry.is_null && strcmp(TextDatumGetCString(on_expiry.value), "anonymize") == 0;
    return result;
}

// An object lock like that of a run of purge(), beside it.
void lock_retention(Oid relation, RetentionLock lock) {
    Oid table = find_registered_relation(relation);
    table = OidIsValid(table) ? table : find_archived_relation(relation);
    if (OidIsValid(table)) {
        Oid registry = get_relname_relid("registration", get_namespace_oid("softdelete_internal", false));
        LOCKTAG tag;
        SET_LOCKTAG_OBJECT(tag, MyDatabaseId, registry, table, 1);
        (void)LockAcquire(&tag, lock == RetentionLock::share ? ShareLock : ExclusiveLock, false, false);
    }
}

} // namespace softdelete::registry
