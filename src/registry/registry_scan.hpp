// One value of a table's registration, read with a system-table scan: no privileges, no SPI. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "access/genam.h"
#include "access/skey.h"
}

namespace softdelete::registry {

struct RegisteredValue {
    bool is_found; // the relation, or a table that it is a partition or a child of, is registered
    bool is_null;
    Datum value; // a copy in the current memory context
};

constexpr int max_scan_conditions = 3;

// Of a column that the index has.
struct ScanCondition {
    const char *column;
    StrategyNumber strategy;
    RegProcedure function;
    Datum value;
};

// Which rows of one of the extension's tables to read, and by which of its indexes.
struct ScanOrder {
    const char *table;
    const char *index;
    const char *key_column = nullptr; // the index begins with it; null for all rows
    RegProcedure equals = InvalidOid;
    Datum value = 0;
    const char *null_column = nullptr; // only rows in which it is null; the index may be of those
    ScanCondition more[max_scan_conditions - 1] = {}; // on columns after the first; without a name: none
};

struct OwnScan {
    Relation table;
    SysScanDesc scan;
    ScanKeyData keys[max_scan_conditions];
    AttrNumber null_column;
};

// Begins a scan, which stays where it is; false where the table is dropped already. snapshot: null for what is committed
// now. Raises 42703 where the table has not the columns, as one of another version of the extension.
bool begin_scan(const ScanOrder &order, Snapshot snapshot, OwnScan *scan);
HeapTuple get_next_row(const OwnScan &scan);
void end_scan(const OwnScan &scan);

// Has one of the extension's tables, named without its schema, any row, or is another transaction about to insert one? False
// where it is dropped already.
bool has_rows(const char *table);

// The registered table that the relation is or is a part of; InvalidOid for none.
Oid find_registered_relation(Oid relation);

// The same by any line of ancestors: an inheritance child may have several.
bool is_registered_or_member(Oid relation);

// The table at the top of those that the relation is a partition or a child of; the relation itself for none.
Oid find_topmost(Oid relation);

// Has one of them a row of this relation? index: begins with the column relation. False where they are dropped already.
bool has_row_of(const char *table, const char *index, Oid relation);

// Is a row of this relation on hold?
bool has_hold(Oid relation);

// Does any table know a converted index by that name?
bool has_converted_index(const char *name);

// Is there a constraint trigger of that name on any table?
bool has_constraint_trigger(const char *name);

// column: of softdelete_internal.registration.
RegisteredValue find_registered_value(Oid relation, const char *column);

} // namespace softdelete::registry
