// Reads single values of the registry with system-table scans, without privileges and without SPI. Called by event
// triggers and by the guards of physical deletes.
#include "registry/registry_scan.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "nodes/primnodes.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

#include <algorithm>

namespace softdelete::registry {

namespace {

// The tables that this one is a partition or an inheritance child of, the first one first.
List *find_parents(Oid relation) {
    List *parents = NIL;
    Relation catalog = table_open(InheritsRelationId, AccessShareLock);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
    SysScanDesc scan = systable_beginscan(catalog, InheritsRelidSeqnoIndexId, true, nullptr, 1, &key);
    HeapTuple row = nullptr;
    while (HeapTupleIsValid(row = systable_getnext(scan))) {
        parents = lappend_oid(parents, reinterpret_cast<Form_pg_inherits>(GETSTRUCT(row))->inhparent);
    }
    systable_endscan(scan);
    table_close(catalog, AccessShareLock);
    return parents;
}

Oid find_parent(Oid relation) {
    List *parents = find_parents(relation);
    return parents == NIL ? InvalidOid : linitial_oid(parents);
}

// Does the index hold the rows whose column is null, or all of them?
bool holds_rows(Relation index, AttrNumber null_column) {
    List *predicate = RelationGetIndexPredicate(index);
    if (predicate == NIL) {
        return true;
    }
    const auto *test = static_cast<const NullTest *>(linitial(predicate));
    return list_length(predicate) == 1 && IsA(test, NullTest) && test->nulltesttype == IS_NULL
           && IsA(test->arg, Var) && reinterpret_cast<const Var *>(test->arg)->varattno == null_column;
}

bool has_column(Relation index, AttrNumber column) {
    const int2vector &columns = index->rd_index->indkey;
    return std::find(columns.values, columns.values + columns.dim1, column) != columns.values + columns.dim1;
}

// Does the index begin with the column of the first condition, and has it those of the others?
bool serves(Relation index, const ScanKeyData *keys, int count) {
    bool serves = count == 0 || index->rd_index->indkey.values[0] == keys[0].sk_attno;
    for (int i = 1; i < count; i++) {
        serves = serves && has_column(index, keys[i].sk_attno);
    }
    return serves;
}

// The index of that name where a scan may go by it; InvalidOid otherwise. The table is locked, so that it stays.
Oid find_usable_index(Relation table, const char *name, const ScanKeyData *keys, int count,
                      AttrNumber null_column) {
    Oid found = get_relname_relid(name, RelationGetNamespace(table));
    if (!OidIsValid(found) || !list_member_oid(RelationGetIndexList(table), found)) {
        return InvalidOid;
    }
    Relation index = index_open(found, AccessShareLock);
    bool is_usable =
        index->rd_index->indisvalid && holds_rows(index, null_column) && serves(index, keys, count);
    index_close(index, AccessShareLock);
    return is_usable ? found : InvalidOid;
}

AttrNumber find_column(Relation table, const char *name) {
    AttrNumber column = name == nullptr ? InvalidAttrNumber : get_attnum(RelationGetRelid(table), name);
    if (name != nullptr && column <= 0) {
        ereport(ERROR,
                (errcode(ERRCODE_UNDEFINED_COLUMN),
                 errmsg("column \"%s\" of table \"softdelete_internal.%s\" does not exist", name,
                        RelationGetRelationName(table)),
                 errhint("Run ALTER EXTENSION softdelete UPDATE, or start a session with the library of "
                         "the extension's version.")));
    }
    return column;
}

// One of our own; null where there is none (any more: it may go while this session waits for who drops the extension).
Relation open_own(const char *name) {
    Oid relation = get_relname_relid(name, get_namespace_oid("softdelete_internal", true));
    return OidIsValid(relation) ? try_table_open(relation, AccessShareLock) : nullptr;
}

bool has_match(Oid table, Oid index, ScanKeyData *key) {
    Relation opened = table_open(table, AccessShareLock);
    SysScanDesc scan = systable_beginscan(opened, index, true, nullptr, 1, key);
    bool found = HeapTupleIsValid(systable_getnext(scan));
    systable_endscan(scan);
    table_close(opened, AccessShareLock);
    return found;
}

} // namespace

bool begin_scan(const ScanOrder &order, Snapshot snapshot, OwnScan *scan) {
    scan->table = open_own(order.table);
    if (scan->table == nullptr) {
        return false;
    }
    scan->null_column = find_column(scan->table, order.null_column);
    AttrNumber key_column = find_column(scan->table, order.key_column);
    int keys = 0;
    if (key_column != InvalidAttrNumber) {
        ScanKeyInit(&scan->keys[keys++], key_column, BTEqualStrategyNumber, order.equals, order.value);
    }
    for (const ScanCondition &condition : order.more) {
        if (condition.column != nullptr) {
            ScanKeyInit(&scan->keys[keys++], find_column(scan->table, condition.column), condition.strategy,
                        condition.function, condition.value);
        }
    }
    Oid index = find_usable_index(scan->table, order.index, scan->keys, keys, scan->null_column);
    scan->scan = systable_beginscan(scan->table, index, OidIsValid(index), snapshot, keys,
                                    keys == 0 ? nullptr : scan->keys);
    return true;
}

HeapTuple get_next_row(const OwnScan &scan) {
    HeapTuple row = systable_getnext(scan.scan);
    while (HeapTupleIsValid(row) && scan.null_column != InvalidAttrNumber
           && !heap_attisnull(row, scan.null_column, RelationGetDescr(scan.table))) {
        row = systable_getnext(scan.scan);
    }
    return row;
}

void end_scan(const OwnScan &scan) {
    systable_endscan(scan.scan);
    table_close(scan.table, AccessShareLock);
}

namespace {

bool has_value(const ScanOrder &order) {
    OwnScan scan = {};
    if (!begin_scan(order, nullptr, &scan)) {
        return false;
    }
    bool found = HeapTupleIsValid(get_next_row(scan));
    end_scan(scan);
    return found;
}

RegisteredValue read_value(Oid relation, const char *column) {
    OwnScan scan = {};
    RegisteredValue result = {false, true, 0};
    if (!begin_scan({.table = "registration",
                     .index = "registration_pkey",
                     .key_column = "relation",
                     .equals = F_OIDEQ,
                     .value = ObjectIdGetDatum(relation)},
                    nullptr, &scan)) {
        return result;
    }
    HeapTuple row = get_next_row(scan);
    result.is_found = HeapTupleIsValid(row);
    if (result.is_found) {
        AttrNumber number = find_column(scan.table, column);
        Datum value = heap_getattr(row, number, RelationGetDescr(scan.table), &result.is_null);
        if (!result.is_null) {
            Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(scan.table), number - 1);
            result.value = datumCopy(value, attribute->attbyval, attribute->attlen);
        }
    }
    end_scan(scan);
    return result;
}

} // namespace

bool has_row_of(const char *table, const char *index, Oid relation) {
    return OidIsValid(relation)
           && has_value({.table = table,
                         .index = index,
                         .key_column = "relation",
                         .equals = F_OIDEQ,
                         .value = ObjectIdGetDatum(relation)});
}

bool has_hold(Oid relation) {
    return OidIsValid(relation)
           && has_value({.table = "hold",
                         .index = "hold_active",
                         .key_column = "relation",
                         .equals = F_OIDEQ,
                         .value = ObjectIdGetDatum(relation),
                         .null_column = "released_at"});
}

bool has_converted_index(const char *name) {
    NameData value;
    namestrcpy(&value, name);
    return has_value({.table = "converted_index",
                      .index = "converted_index_name",
                      .key_column = "name",
                      .equals = F_NAMEEQ,
                      .value = NameGetDatum(&value)});
}

bool has_constraint_trigger(const char *name) {
    NameData value;
    namestrcpy(&value, name);
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_constraint_conname, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(&value));
    return has_match(ConstraintRelationId, ConstraintNameNspIndexId, &key);
}

bool has_rows(const char *table) {
    Relation opened = open_own(table);
    if (opened == nullptr) {
        return false;
    }
    bool found = false;
    // A scan costs more than to see that there is nothing to scan.
    if (RelationGetNumberOfBlocks(opened) > 0) {
        SnapshotData dirty;
        InitDirtySnapshot(dirty);
        SysScanDesc scan = systable_beginscan(opened, InvalidOid, false, &dirty, 0, nullptr);
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

bool is_registered_or_member(Oid relation) {
    if (read_value(relation, "relation").is_found) {
        return true;
    }
    ListCell *cell;
    foreach (cell, find_parents(relation)) {
        if (is_registered_or_member(lfirst_oid(cell))) {
            return true;
        }
    }
    return false;
}

Oid find_topmost(Oid relation) {
    Oid parent = InvalidOid;
    while (OidIsValid(parent = find_parent(relation))) {
        relation = parent;
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
