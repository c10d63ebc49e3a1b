// Columns are found by name, as everywhere in the registry. Called by the trigger that moves deleted rows to their archive,
// and by the event triggers.
#include "registry/archive_scan.hpp"

#include "registry/registry_scan.hpp"

extern "C" {
#include "access/htup_details.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

namespace softdelete::registry {

namespace {

Datum read_column(const OwnScan &scan, HeapTuple row, const char *name, bool *is_null) {
    AttrNumber number = get_attnum(RelationGetRelid(scan.table), name);
    if (number <= 0) {
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                        errmsg("column \"%s\" of table \"softdelete_internal.archive\" does not exist", name),
                        errhint("Run ALTER EXTENSION softdelete UPDATE.")));
    }
    return heap_getattr(row, number, RelationGetDescr(scan.table), is_null);
}

bool begin_archive_scan(const char *index, const char *column, Oid relation, OwnScan *scan) {
    return begin_scan({.table = "archive",
                       .index = index,
                       .key_column = column,
                       .equals = F_OIDEQ,
                       .value = ObjectIdGetDatum(relation)},
                      nullptr, scan);
}

} // namespace

bool find_archive_row(Oid relation, ArchiveRow *found) {
    OwnScan scan = {};
    if (!begin_archive_scan("archive_pkey", "relation", relation, &scan)) {
        return false;
    }
    HeapTuple row = get_next_row(scan);
    bool is_found = HeapTupleIsValid(row);
    if (is_found) {
        bool is_null = true;
        found->archive = DatumGetObjectId(read_column(scan, row, "archive", &is_null));
        found->deleted_at = *DatumGetName(read_column(scan, row, "deleted_at", &is_null));
        Datum deleted_by = read_column(scan, row, "deleted_by", &is_null);
        found->has_deleted_by = !is_null;
        if (!is_null) {
            found->deleted_by = *DatumGetName(deleted_by);
        }
    }
    end_scan(scan);
    return is_found;
}

Oid find_table_of_archive(Oid archive) {
    OwnScan scan = {};
    Oid found = InvalidOid;
    if (!begin_archive_scan("archive_archive_key", "archive", archive, &scan)) {
        return InvalidOid;
    }
    HeapTuple row = get_next_row(scan);
    if (HeapTupleIsValid(row)) {
        bool is_null = true;
        found = DatumGetObjectId(read_column(scan, row, "relation", &is_null));
    }
    end_scan(scan);
    return found;
}

Oid find_archived_relation(Oid relation) {
    if (!OidIsValid(relation)) {
        return InvalidOid;
    }
    Oid top = find_topmost(relation);
    return has_row_of("archive", "archive_pkey", top) && !has_row_of("registration", "registration_pkey", top)
               ? top
               : InvalidOid;
}

Oid find_archive_of_member(Oid relation) {
    if (!OidIsValid(relation)) {
        return InvalidOid;
    }
    Oid top = find_topmost(relation);
    return OidIsValid(find_table_of_archive(top)) ? top : InvalidOid;
}

Oid find_relation_between(Oid relation) {
    if (!OidIsValid(relation)) {
        return InvalidOid;
    }
    Oid top = find_topmost(relation);
    return has_row_of("archive", "archive_pkey", top) && has_row_of("registration", "registration_pkey", top)
               ? top
               : InvalidOid;
}

bool concerns_archive(Oid relation) {
    return OidIsValid(find_archived_relation(relation)) || OidIsValid(find_archive_of_member(relation));
}

} // namespace softdelete::registry
