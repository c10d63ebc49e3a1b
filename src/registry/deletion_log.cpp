// Direct inserts into the log of deletions, as the server makes them into its catalogs (CatalogTupleInsert() in
// src/backend/catalog/indexing.c), without the executor's structures: every single-row DELETE pays for this.
#include "registry/deletion_log.hpp"

#include "pg/compat.hpp"

extern "C" {
#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
}

namespace softdelete::registry {

namespace {

// A relation of the extension, looked up once and again after a change to pg_class or pg_namespace.
struct LogRelation {
    const char *name;
    Oid oid;
};

LogRelation deletion = {"deletion", InvalidOid};
LogRelation deletion_table = {"deletion_table", InvalidOid};
LogRelation deletion_id_seq = {"deletion_id_seq", InvalidOid};

void forget_relations(Datum, pg::compat::SysCacheIdentifier, uint32) {
    deletion.oid = deletion_table.oid = deletion_id_seq.oid = InvalidOid;
}

Oid find_oid(LogRelation *relation) {
    if (!OidIsValid(relation->oid)) {
        Oid found = get_relname_relid(relation->name, get_namespace_oid("softdelete_internal", false));
        if (!OidIsValid(found)) {
            ereport(ERROR,
                    (errcode(ERRCODE_UNDEFINED_TABLE),
                     errmsg("relation \"softdelete_internal.%s\" does not exist", relation->name),
                     errhint("Drop and create extension softdelete, then register the tables again.")));
        }
        relation->oid = found;
    }
    return relation->oid;
}

// The log's indexes are plain ones: columns, the whole table.
void insert_into_index(Relation table, Oid index_oid, ItemPointer row, const Datum *values,
                       const bool *nulls) {
    Relation index = index_open(index_oid, RowExclusiveLock);
    IndexInfo *info = BuildIndexInfo(index);
    Datum keys[INDEX_MAX_KEYS];
    bool key_nulls[INDEX_MAX_KEYS];
    for (int i = 0; i < info->ii_NumIndexAttrs; i++) {
        int column = info->ii_IndexAttrNumbers[i] - 1;
        keys[i] = values[column];
        key_nulls[i] = nulls[column];
    }
    index_insert(index, keys, key_nulls, row, table, info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
                 false, info);
    index_close(index, NoLock);
}

void insert(LogRelation *log, const Datum *values, const bool *nulls, CommandId command) {
    Relation table = table_open(find_oid(log), RowExclusiveLock);
    HeapTuple tuple =
        heap_form_tuple(RelationGetDescr(table), const_cast<Datum *>(values), const_cast<bool *>(nulls));
    heap_insert(table, tuple, command, 0, nullptr);
    ListCell *cell;
    foreach (cell, RelationGetIndexList(table)) {
        insert_into_index(table, lfirst_oid(cell), &tuple->t_self, values, nulls);
    }
    heap_freetuple(tuple);
    table_close(table, NoLock);
}

Datum make_array(const Oid *relations, int count) {
    auto *elements = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<Size>(count)));
    for (int i = 0; i < count; i++) {
        elements[i] = ObjectIdGetDatum(relations[i]);
    }
    return PointerGetDatum(construct_array(elements, count, REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT));
}

} // namespace

int64 get_new_deletion_id() {
    return nextval_internal(find_oid(&deletion_id_seq), false);
}

void insert_deletion(const LoggedDeletion &row) {
    // id, relation, deleted_at, deleted_by, reason, restored_at, further_relations
    Datum values[] = {Int64GetDatum(row.id),
                      ObjectIdGetDatum(row.relation),
                      TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()),
                      CStringGetTextDatum(row.actor),
                      row.reason == nullptr ? 0 : CStringGetTextDatum(row.reason),
                      0,
                      row.further_count == 0 ? 0 : make_array(row.further_relations, row.further_count)};
    bool nulls[] = {false, false, false, false, row.reason == nullptr, true, row.further_count == 0};
    insert(&deletion, values, nulls, row.command);
}

void insert_deletion_table(int64 id, Oid relation) {
    Datum values[] = {Int64GetDatum(id), ObjectIdGetDatum(relation)};
    bool nulls[] = {false, false};
    insert(&deletion_table, values, nulls, GetCurrentCommandId(true));
}

void install_deletion_log() {
    CacheRegisterSyscacheCallback(RELOID, forget_relations, 0);
    CacheRegisterSyscacheCallback(NAMESPACEOID, forget_relations, 0);
}

} // namespace softdelete::registry
