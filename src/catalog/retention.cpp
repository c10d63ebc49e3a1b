// The retention in the registration, counted back from the transaction's time.
#include "catalog/retention.hpp"

#include "catalog/registry_scan.hpp"

extern "C" {
#include "access/xact.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
}

namespace softdelete::catalog {

Cutoff get_cutoff(Oid relation) {
    RegisteredValue retention = find_registered_value(relation, "retention");
    Cutoff result = {};
    result.has_retention = !retention.is_null;
    if (result.has_retention) {
        // As a timestamp of UTC: days and months are those of no session's time zone.
        Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
        result.cutoff = DatumGetTimestampTz(DirectFunctionCall2(timestamp_mi_interval, now, retention.value));
    }
    return result;
}

} // namespace softdelete::catalog
