// Reads softdelete.registration with a system-table scan: no privileges, no SPI.
#include "catalog/retention.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
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

// The table that this one is a partition or an inheritance child of; InvalidOid for none.
Oid find_parent(Oid relation) {
    Relation catalog = table_open(InheritsRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
    SysScanDesc scan = systable_beginscan(catalog, InheritsRelidSeqnoIndexId, true, nullptr, 1, &key);
    HeapTuple row = systable_getnext(scan);
    Oid parent =
        HeapTupleIsValid(row) ? reinterpret_cast<Form_pg_inherits>(GETSTRUCT(row))->inhparent : InvalidOid;
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
    return parent;
}

bool read_cutoff(Oid relation, Cutoff *result) {
    Oid schema = get_namespace_oid("softdelete", false);
    Relation registry = table_open(get_relname_relid("registration", schema), AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, get_attnum(RelationGetRelid(registry), "relation"), BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(relation));
    SysScanDesc scan = systable_beginscan(registry, get_relname_relid("registration_pkey", schema), true,
                                          GetLatestSnapshot(), 1, &key);
    HeapTuple row = systable_getnext(scan);
    bool found = HeapTupleIsValid(row);
    if (found) {
        bool is_null = true;
        Datum retention = heap_getattr(row, get_attnum(RelationGetRelid(registry), "retention"),
                                       RelationGetDescr(registry), &is_null);
        result->has_retention = !is_null;
        if (!is_null) {
            Datum now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
            result->cutoff =
                DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval, now, retention));
        }
    }
    systable_endscan(scan);
    table_close(registry, AccessShareLock);
    return found;
}

} // namespace

// Partitions and inheritance children have their parent's registration.
Cutoff get_cutoff(Oid relation) {
    Cutoff result = {};
    while (OidIsValid(relation) && !read_cutoff(relation, &result)) {
        relation = find_parent(relation);
    }
    return result;
}

} // namespace softdelete::catalog
