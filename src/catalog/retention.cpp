// Reads softdelete.registration with a system-table scan: no privileges, no SPI.
#include "catalog/retention.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

namespace softdelete::catalog {

namespace {

Oid get_registered_root(Oid relation) {
    return get_rel_relispartition(relation) ? llast_oid(get_partition_ancestors(relation)) : relation;
}

} // namespace

Cutoff get_cutoff(Oid relation) {
    Cutoff result = {};
    Oid schema = get_namespace_oid("softdelete", false);
    Relation registry = table_open(get_relname_relid("registration", schema), AccessShareLock);
    TupleDesc columns = RelationGetDescr(registry);
    ScanKeyData key;
    ScanKeyInit(&key, get_attnum(RelationGetRelid(registry), "relation"), BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(get_registered_root(relation)));
    SysScanDesc scan = systable_beginscan(registry, get_relname_relid("registration_pkey", schema), true,
                                          GetLatestSnapshot(), 1, &key);
    HeapTuple row = systable_getnext(scan);
    if (HeapTupleIsValid(row)) {
        bool is_null = true;
        Datum retention = heap_getattr(row, get_attnum(RelationGetRelid(registry), "retention"), columns, &is_null);
        result.is_registered = true;
        result.has_retention = !is_null;
        if (!is_null) {
            Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
            result.cutoff = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval, now, retention));
        }
    }
    systable_endscan(scan);
    table_close(registry, AccessShareLock);
    return result;
}

} // namespace softdelete::catalog
