// Direct inserts into the log of deletions. The tables have plain indexes only and no triggers, which is what
// CatalogTupleInsert() asks for (src/backend/catalog/indexing.c).
#include "catalog/deletion_log.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "commands/sequence.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

namespace softdelete::catalog {

namespace {

Oid get_log_relation(const char *name) {
    Oid relation = get_relname_relid(name, get_namespace_oid("softdelete", false));
    if (!OidIsValid(relation)) {
        ereport(ERROR,
                (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation \"softdelete.%s\" does not exist", name),
                 errhint("Drop and create extension softdelete, then register the tables again.")));
    }
    return relation;
}

void insert(const char *name, const Datum *values, const bool *nulls) {
    Relation relation = table_open(get_log_relation(name), RowExclusiveLock);
    HeapTuple tuple =
        heap_form_tuple(RelationGetDescr(relation), const_cast<Datum *>(values), const_cast<bool *>(nulls));
    CatalogTupleInsert(relation, tuple);
    heap_freetuple(tuple);
    table_close(relation, NoLock);
}

} // namespace

int64 insert_deletion(Oid relation, const char *actor, const char *reason) {
    // id, relation, deleted_at, deleted_by, reason, restored_at
    int64 id = nextval_internal(get_log_relation("deletion_id_seq"), false);
    Datum values[] = {Int64GetDatum(id),
                      ObjectIdGetDatum(relation),
                      TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()),
                      CStringGetTextDatum(actor),
                      reason == nullptr ? 0 : CStringGetTextDatum(reason),
                      0};
    bool nulls[] = {false, false, false, false, reason == nullptr, true};
    insert("deletion", values, nulls);
    return id;
}

void insert_deletion_table(int64 deletion, Oid relation) {
    Datum values[] = {Int64GetDatum(deletion), ObjectIdGetDatum(relation)};
    bool nulls[] = {false, false};
    insert("deletion_table", values, nulls);
}

} // namespace softdelete::catalog
