// Reads the extension's own tables by their indexes.
#include "registry/registry_scan.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

namespace softdelete::registry {

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

RegisteredValue read_value(Oid relation, const char *column) {
    Oid schema = get_namespace_oid("softdelete_internal", false);
    Relation registry = table_open(get_relname_relid("registration", schema), AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, get_attnum(RelationGetRelid(registry), "relation"), BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(relation));
    SysScanDesc scan =
        systable_beginscan(registry, get_relname_relid("registration_pkey", schema), true, nullptr, 1, &key);
    HeapTuple row = systable_getnext(scan);
    RegisteredValue result = {HeapTupleIsValid(row), true, 0};
    if (result.is_found) {
        AttrNumber number = get_attnum(RelationGetRelid(registry), column);
        Datum value = heap_getattr(row, number, RelationGetDescr(registry), &result.is_null);
        if (!result.is_null) {
            Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(registry), number - 1);
            result.value = datumCopy(value, attribute->attbyval, attribute->attlen);
        }
    }
    systable_endscan(scan);
    table_close(registry, AccessShareLock);
    return result;
}

bool has_match(Oid table, Oid index, ScanKeyData *key) {
    Relation opened = table_open(table, AccessShareLock);
    SysScanDesc scan = systable_beginscan(opened, index, true, nullptr, 1, key);
    bool found = HeapTupleIsValid(systable_getnext(scan));
    systable_endscan(scan);
    table_close(opened, AccessShareLock);
    return found;
}

// True where one of our tables has a row with that value in a column.
bool has_value(const char *table, const char *index, const char *column, RegProcedure equals, Datum value) {
    Oid schema = get_namespace_oid("softdelete_internal", true);
    Oid table_id = get_relname_relid(table, schema);
    Oid index_id = get_relname_relid(index, schema);
    if (!OidIsValid(table_id) || !OidIsValid(index_id)) {
        return false;
    }
    ScanKeyData key;
    ScanKeyInit(&key, get_attnum(table_id, column), BTEqualStrategyNumber, equals, value);
    return has_match(table_id, index_id, &key);
}

} // namespace

bool has_row_of(const char *table, const char *index, Oid relation) {
    return OidIsValid(relation) && has_value(table, index, "relation", F_OIDEQ, ObjectIdGetDatum(relation));
}

bool has_converted_index(const char *name) {
    NameData value;
    namestrcpy(&value, name);
    return has_value("converted_index", "converted_index_name", "name", F_NAMEEQ, NameGetDatum(&value));
}

bool has_constraint_trigger(const char *name) {
    NameData value;
    namestrcpy(&value, name);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_constraint_conname, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(&value));
    return has_match(ConstraintRelationId, ConstraintNameNspIndexId, &key);
}

bool has_rows(const char *table) {
    Oid relation = get_relname_relid(table, get_namespace_oid("softdelete_internal", true));
    if (!OidIsValid(relation)) {
        return false;
    }
    Relation opened = table_open(relation, AccessShareLock);
    bool found = false;
    // A scan costs more than to see that there is nothing to scan.
    if (RelationGetNumberOfBlocks(opened) > 0) {
        SysScanDesc scan = systable_beginscan(opened, InvalidOid, false, nullptr, 0, nullptr);
        found = HeapTupleIsValid(systable_getnext(scan));
        systable_endscan(scan);
    }
    table_close(opened, AccessShareLock);
    return found;
}

Oid find_registered_relation(Oid relation) {
    while (OidIsValid(relation) && !read_value(relation, "relation").is_found) {
        relation = find_parent(relation);
    }
    return relation;
}

RegisteredValue find_registered_value(Oid relation, const char *column) {
    RegisteredValue result = {false, true, 0};
    while (OidIsValid(relation) && !result.is_found) {
        result = read_value(relation, column);
        relation = find_parent(relation);
    }
    return result;
}

} // namespace softdelete::registry
