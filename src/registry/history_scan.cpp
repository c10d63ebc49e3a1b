// Columns are found by name, as everywhere in the registry: those of another version of the extension may lie otherwise.
#include "registry/history_scan.hpp"

#include "registry/archive_scan.hpp"
#include "registry/registry_scan.hpp"

extern "C" {
#include "access/htup_details.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
}

namespace softdelete::registry {

namespace {

Datum read(const OwnScan &scan, HeapTuple row, const char *name, bool *is_null) {
    AttrNumber number = get_attnum(RelationGetRelid(scan.table), name);
    if (number <= 0) {
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                        errmsg("column \"%s\" of table \"softdelete_internal.%s\" does not exist", name,
                               RelationGetRelationName(scan.table)),
                        errhint("Run ALTER EXTENSION softdelete UPDATE.")));
    }
    return heap_getattr(row, number, RelationGetDescr(scan.table), is_null);
}

TimestampTz read_time(const OwnScan &scan, HeapTuple row, const char *name, TimestampTz otherwise) {
    bool is_null = true;
    Datum value = read(scan, row, name, &is_null);
    return is_null ? otherwise : DatumGetTimestampTz(value);
}

} // namespace

bool find_tracked_row(Oid relation, TrackedRow *found) {
    OwnScan scan = {};
    if (!begin_scan({.table = "tracked_table",
                     .index = "tracked_table_pkey",
                     .key_column = "relation",
                     .equals = F_OIDEQ,
                     .value = ObjectIdGetDatum(relation)},
                    nullptr, &scan)) {
        return false;
    }
    HeapTuple row = get_next_row(scan);
    bool is_found = HeapTupleIsValid(row);
    if (is_found) {
        bool is_null = true;
        found->history = DatumGetObjectId(read(scan, row, "history", &is_null));
        found->begins_at = read_time(scan, row, "begins_at", DT_NOBEGIN);
    }
    end_scan(scan);
    return is_found;
}

List *read_history_columns(Oid relation) {
    OwnScan scan = {};
    List *columns = NIL;
    if (!begin_scan({.table = "history_column",
                     .index = "history_column_pkey",
                     .key_column = "relation",
                     .equals = F_OIDEQ,
                     .value = ObjectIdGetDatum(relation)},
                    nullptr, &scan)) {
        return NIL;
    }
    HeapTuple row = nullptr;
    while (HeapTupleIsValid(row = get_next_row(scan))) {
        auto *column = static_cast<HistoryColumnRow *>(palloc0(sizeof(HistoryColumnRow)));
        bool is_null = true;
        column->history_column = *DatumGetName(read(scan, row, "history_column", &is_null));
        column->column_name = *DatumGetName(read(scan, row, "column_name", &is_null));
        column->since = read_time(scan, row, "since", DT_NOBEGIN);
        column->until = read_time(scan, row, "until", DT_NOEND);
        columns = lappend(columns, column);
    }
    end_scan(scan);
    return columns;
}

Oid find_table_of_history(Oid history) {
    OwnScan scan = {};
    Oid found = InvalidOid;
    if (!begin_scan({.table = "tracked_table",
                     .index = "tracked_table_history_key",
                     .key_column = "history",
                     .equals = F_OIDEQ,
                     .value = ObjectIdGetDatum(history)},
                    nullptr, &scan)) {
        return InvalidOid;
    }
    HeapTuple row = get_next_row(scan);
    if (HeapTupleIsValid(row)) {
        bool is_null = true;
        found = DatumGetObjectId(read(scan, row, "relation", &is_null));
    }
    end_scan(scan);
    return found;
}

Oid find_history_of_member(Oid relation) {
    if (!OidIsValid(relation)) {
        return InvalidOid;
    }
    Oid top = find_topmost(relation);
    return OidIsValid(find_table_of_history(top)) ? top : InvalidOid;
}

bool is_kept_table(Oid relation) {
    return OidIsValid(find_history_of_member(relation)) || OidIsValid(find_archive_of_member(relation));
}

} // namespace softdelete::registry
