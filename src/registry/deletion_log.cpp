// Inserts into the log of deletions. Where its tables are as the extension made them, rows are written directly, as the
// server writes its catalogs (CatalogTupleInsert() in src/backend/catalog/indexing.c): every single-row DELETE pays for
// this. Where somebody added a trigger of his own, a column, a constraint or an index of another kind, by an INSERT.
#include "registry/deletion_log.hpp"

#include "model/trigger_names.hpp"
#include "pg/compat.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"

extern "C" {
#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
}

#include <cstring>

namespace softdelete::registry {

namespace {

struct LogColumn {
    const char *name;
    Oid type;
};

// A relation of the extension, looked up once and again after a change to pg_class or pg_namespace.
struct LogRelation {
    const char *name;
    const LogColumn *columns; // as the extension makes them, in this order
    int count;
    const char *insert; // the same by SQL: whether a column has a value, and the value
    Oid oid;
};

constexpr LogColumn deletion_columns[] = {{"id", INT8OID},
                                          {"relation", REGCLASSOID},
                                          {"deleted_at", TIMESTAMPTZOID},
                                          {"deleted_by", TEXTOID},
                                          {"reason", TEXTOID},
                                          {"restored_at", TIMESTAMPTZOID},
                                          {"further_relations", REGCLASSARRAYOID},
                                          {"restored_by", TEXTOID},
                                          {"restored", JSONBOID}};
constexpr LogColumn deletion_table_columns[] = {
    {"deletion_id", INT8OID}, {"relation", REGCLASSOID}, {"has_new_rows", BOOLOID}};

LogRelation deletion = {
    "deletion", deletion_columns, lengthof(deletion_columns),
    "INSERT INTO softdelete_internal.deletion"
    " (id, relation, deleted_at, deleted_by, reason, restored_at, further_relations, restored_by, restored)"
    " VALUES (CASE WHEN $1 THEN $2 END, CASE WHEN $3 THEN $4 END, CASE WHEN $5 THEN $6 END,"
    " CASE WHEN $7 THEN $8 END, CASE WHEN $9 THEN $10 END, CASE WHEN $11 THEN $12 END,"
    " CASE WHEN $13 THEN $14 END, CASE WHEN $15 THEN $16 END, CASE WHEN $17 THEN $18 END)",
    InvalidOid};
LogRelation deletion_table = {
    "deletion_table", deletion_table_columns, lengthof(deletion_table_columns),
    "INSERT INTO softdelete_internal.deletion_table (deletion_id, relation, has_new_rows)"
    " VALUES (CASE WHEN $1 THEN $2 END, CASE WHEN $3 THEN $4 END, CASE WHEN $5 THEN $6 END)",
    InvalidOid};
LogRelation deletion_id_seq = {"deletion_id_seq", nullptr, 0, nullptr, InvalidOid};

void forget_relations(Datum, pg::compat::SysCacheIdentifier, uint32) {
    deletion.oid = deletion_table.oid = deletion_id_seq.oid = InvalidOid;
}

void raise_missing(const LogRelation &relation) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                    errmsg("relation \"softdelete_internal.%s\" does not exist", relation.name),
                    errhint("Drop and create extension softdelete, then register the tables again.")));
}

Oid find_oid(LogRelation *relation) {
    if (!OidIsValid(relation->oid)) {
        Oid found = get_relname_relid(relation->name, get_namespace_oid("softdelete_internal", false));
        if (!OidIsValid(found)) {
            raise_missing(*relation);
        }
        relation->oid = found;
    }
    return relation->oid;
}

bool has_own_columns(TupleDesc columns, const LogRelation &log) {
    if (columns->natts != log.count) {
        return false;
    }
    for (int i = 0; i < log.count; i++) {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        if (column->atttypid != log.columns[i].type
            || strcmp(NameStr(column->attname), log.columns[i].name) != 0) {
            return false;
        }
    }
    return true;
}

// The guard that the extension gives all its tables lets the owner pass, as whom we write.
bool has_own_guard_alone(const TriggerDesc *triggers) {
    return triggers->numtriggers == 1 && strcmp(triggers->triggers[0].tgname, model::own_table_trigger) == 0
           && !TRIGGER_FOR_ROW(triggers->triggers[0].tgtype);
}

// Is there nothing that the executor would do to a row and heap_insert() would not?
bool is_plain_table(Relation table, const LogRelation &log) {
    const FormData_pg_class *row = table->rd_rel;
    const TupleConstr *constraints = RelationGetDescr(table)->constr;
    return row->relkind == RELKIND_RELATION && row->relam == HEAP_TABLE_AM_OID && !row->relispartition
           && !row->relrowsecurity && table->rd_rules == nullptr
           && (table->trigdesc == nullptr || has_own_guard_alone(table->trigdesc)) // nothing is looked up
           && (constraints == nullptr || (constraints->num_check == 0 && !constraints->has_generated_stored))
           && has_own_columns(RelationGetDescr(table), log);
}

// The table's indexes as a statement opens them; those beyond the array are left to a statement.
struct LogIndexes {
    static constexpr int most = 4;

    int count;
    bool are_plain; // each takes columns of every row, at once
    Relation index[most];
    IndexInfo *info[most];
};

bool is_plain_index(Relation index, const IndexInfo *info) {
    return info->ii_Expressions == NIL && info->ii_Predicate == NIL && info->ii_ExclusionOps == nullptr
           && index->rd_index->indimmediate;
}

void open_indexes(Relation table, LogIndexes *indexes) {
    indexes->count = 0;
    indexes->are_plain = true;
    ListCell *cell;
    foreach (cell, RelationGetIndexList(table)) {
        if (indexes->count == LogIndexes::most) {
            indexes->are_plain = false;
            return;
        }
        Relation index = index_open(lfirst_oid(cell), RowExclusiveLock);
        IndexInfo *info = BuildIndexInfo(index);
        indexes->index[indexes->count] = index;
        indexes->info[indexes->count] = info;
        indexes->count++;
        indexes->are_plain = indexes->are_plain && is_plain_index(index, info);
    }
}

void close_indexes(const LogIndexes &indexes) {
    for (int i = 0; i < indexes.count; i++) {
        index_close(indexes.index[i], NoLock);
    }
}

// An index that is being built or that was left behind half-built takes no rows.
void insert_into_index(Relation table, Relation index, IndexInfo *info, ItemPointer row, const Datum *values,
                       const bool *nulls) {
    if (!info->ii_ReadyForInserts) {
        return;
    }
    Datum keys[INDEX_MAX_KEYS];
    bool key_nulls[INDEX_MAX_KEYS];
    for (int i = 0; i < info->ii_NumIndexAttrs; i++) {
        int column = info->ii_IndexAttrNumbers[i] - 1;
        keys[i] = values[column];
        key_nulls[i] = nulls[column];
    }
    index_insert(index, keys, key_nulls, row, table, info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
                 false, info);
}

void insert_directly(Relation table, const LogIndexes &indexes, const Datum *values, const bool *nulls,
                     CommandId command) {
    // None is active when a replication worker commits, and long values must not be stored without one.
    bool has_snapshot = ActiveSnapshotSet();
    if (!has_snapshot) {
        PushActiveSnapshot(GetTransactionSnapshot());
    }
    HeapTuple tuple =
        heap_form_tuple(RelationGetDescr(table), const_cast<Datum *>(values), const_cast<bool *>(nulls));
    heap_insert(table, tuple, command, 0, nullptr);
    for (int i = 0; i < indexes.count; i++) {
        insert_into_index(table, indexes.index[i], indexes.info[i], &tuple->t_self, values, nulls);
    }
    heap_freetuple(tuple);
    if (!has_snapshot) {
        PopActiveSnapshot();
    }
}

// By the role that the tables belong to. The statement names everything; the triggers that it fires are the administrator's.
void run_as_owner(const char *statement, int count, Oid *types, Datum *arguments, Oid table) {
    pg::Role caller = pg::act_as_owner(pg::get_owner(table));
    pg::connect_spi();
    (void)pg::run_plan(pg::prepare_plan(statement, count, types), arguments);
    SPI_finish();
    pg::act_as(caller);
}

void insert_by_statement(const LogRelation &log, const Datum *values, const bool *nulls) {
    Oid types[FUNC_MAX_ARGS];
    Datum arguments[FUNC_MAX_ARGS];
    for (int i = 0; i < log.count; i++) {
        types[2 * i] = BOOLOID;
        types[2 * i + 1] = log.columns[i].type;
        arguments[2 * i] = BoolGetDatum(!nulls[i]);
        arguments[2 * i + 1] =
            nulls[i] && !get_typbyval(log.columns[i].type) ? CStringGetTextDatum("") : values[i];
    }
    run_as_owner(log.insert, 2 * log.count, types, arguments, log.oid);
}

void insert(LogRelation *log, const Datum *values, const bool *nulls, CommandId command) {
    Relation table = try_table_open(find_oid(log), RowExclusiveLock);
    if (table == nullptr) { // another session has dropped the extension
        raise_missing(*log);
    }
    bool is_plain = is_plain_table(table, *log);
    LogIndexes indexes = {};
    if (is_plain) {
        open_indexes(table, &indexes);
        is_plain = indexes.are_plain;
    }
    if (is_plain) {
        insert_directly(table, indexes, values, nulls, command);
    }
    close_indexes(indexes);
    table_close(table, NoLock);
    if (!is_plain) {
        insert_by_statement(*log, values, nulls);
    }
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
    // id, relation, deleted_at, deleted_by, reason, restored_at, further_relations, restored_by, restored
    Datum values[] = {Int64GetDatum(row.id),
                      ObjectIdGetDatum(row.relation),
                      TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()),
                      CStringGetTextDatum(row.actor),
                      row.reason == nullptr ? 0 : CStringGetTextDatum(row.reason),
                      0,
                      row.further_count == 0 ? 0 : make_array(row.further_relations, row.further_count),
                      0,
                      0};
    bool nulls[] = {false, false, false, false, row.reason == nullptr, true, row.further_count == 0,
                    true,  true};
    insert(&deletion, values, nulls, row.command);
}

void insert_deletion_table(int64 id, Oid relation) {
    Datum values[] = {Int64GetDatum(id), ObjectIdGetDatum(relation), 0};
    bool nulls[] = {false, false, true};
    insert(&deletion_table, values, nulls, GetCurrentCommandId(true));
}

void note_new_rows(int64 id, Oid relation) {
    Oid types[] = {INT8OID, REGCLASSOID};
    Datum values[] = {Int64GetDatum(id), ObjectIdGetDatum(relation)};
    run_as_owner("INSERT INTO softdelete_internal.deletion_table (deletion_id, relation, has_new_rows) "
                 "VALUES ($1, $2, "
                 "true) ON CONFLICT (deletion_id, relation) DO UPDATE SET has_new_rows = true",
                 lengthof(types), types, values, find_oid(&deletion_table));
}

void install_deletion_log() {
    CacheRegisterSyscacheCallback(RELOID, forget_relations, 0);
    CacheRegisterSyscacheCallback(NAMESPACEOID, forget_relations, 0);
}

} // namespace softdelete::registry
