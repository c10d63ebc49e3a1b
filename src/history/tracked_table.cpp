// A TrackedTable that was handed out is never written again. After an invalidation the table is read anew, into memory of its
// own, and the former TrackedTable lives on until the transaction ends: whoever asked for it may still read it.
#include "history/tracked_table.hpp"

#include "model/trigger_names.hpp"
#include "pg/relation_changes.hpp"
#include "registry/history_scan.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_index.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
}

#include <cstring>

namespace softdelete::history {

namespace {

struct KnownTracked {
    Oid relation;         // hash key
    MemoryContext memory; // of the table
    const TrackedTable *table;
};

HTAB *known_tracked = nullptr;
uint64 tracked_changes = 0; // of relations, as this session has heard of them

void forget_tracked(Oid relation) {
    tracked_changes++;
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, known_tracked);
    while (auto *known = static_cast<KnownTracked *>(hash_seq_search(&scan))) {
        if (!OidIsValid(relation) || known->relation == relation || known->table->root == relation
            || known->table->history == relation) {
            if (TopTransactionContext != nullptr) {
                MemoryContextSetParent(known->memory, TopTransactionContext);
            } else {
                MemoryContextDelete(known->memory); // nobody reads outside of a transaction
            }
            hash_search(known_tracked, &known->relation, HASH_REMOVE, nullptr);
        }
    }
}

AttrNumber find_column(Oid relation, const char *name) {
    AttrNumber number = get_attnum(relation, name);
    return number > 0 ? number : InvalidAttrNumber;
}

void read_columns(TrackedTable *table) {
    List *rows = registry::read_history_columns(table->root);
    auto *columns = static_cast<HistoryColumn *>(
        palloc0(sizeof(HistoryColumn) * static_cast<Size>(Max(list_length(rows), 1))));
    int count = 0;
    Relation history = table_open(table->history, AccessShareLock);
    for (int i = 0; i < RelationGetNumberOfAttributes(history); i++) {
        const FormData_pg_attribute *attribute = TupleDescAttr(RelationGetDescr(history), i);
        ListCell *cell;
        foreach (cell, attribute->attisdropped ? NIL : rows) {
            const auto *row = static_cast<const registry::HistoryColumnRow *>(lfirst(cell));
            if (namestrcmp(const_cast<Name>(&row->history_column), NameStr(attribute->attname)) == 0) {
                AttrNumber source = TIMESTAMP_IS_NOEND(row->until)
                                        ? find_column(table->relation, NameStr(row->column_name))
                                        : 0;
                columns[count++] = {attribute->attnum, pstrdup(NameStr(row->column_name)), source, row->since,
                                    row->until};
            }
        }
    }
    table_close(history, AccessShareLock);
    table->columns = columns;
    table->column_count = count;
}

// The history's column for a column of the table of today; 0 where it has none.
AttrNumber find_history_column(const TrackedTable &table, const char *name) {
    for (int i = 0; i < table.column_count; i++) {
        if (TIMESTAMP_IS_NOEND(table.columns[i].until) && strcmp(table.columns[i].name, name) == 0) {
            return table.columns[i].number;
        }
    }
    return InvalidAttrNumber;
}

void read_key_columns(TrackedTable *table, const FormData_pg_index *index) {
    auto *key = static_cast<KeyColumn *>(palloc0(sizeof(KeyColumn) * static_cast<Size>(index->indnkeyatts)));
    for (int i = 0; i < index->indnkeyatts; i++) {
        const char *name = get_attname(table->root, index->indkey.values[i], false);
        AttrNumber source = find_column(table->relation, name);
        key[i] = {find_history_column(*table, name), source,
                  getBaseType(get_atttype(table->relation, source))};
    }
    table->key = key;
    table->key_count = index->indnkeyatts;
}

void read_key(TrackedTable *table) {
    Relation root = table_open(table->root, AccessShareLock);
    List *indexes = RelationGetIndexList(root);
    table_close(root, AccessShareLock);
    ListCell *cell;
    foreach (cell, indexes) {
        HeapTuple row = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
        if (HeapTupleIsValid(row)) {
            const auto *index = reinterpret_cast<Form_pg_index>(GETSTRUCT(row));
            if (index->indisprimary) {
                read_key_columns(table, index);
            }
            ReleaseSysCache(row);
        }
    }
}

bool read_table(Oid relation, TrackedTable *table) {
    registry::TrackedRow row = {};
    table->relation = relation;
    table->root = get_tracked_root(relation);
    if (!registry::find_tracked_row(table->root, &row)
        || !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(row.history))) {
        return false;
    }
    table->history = row.history;
    table->begins_at = row.begins_at;
    read_columns(table);
    read_key(table);
    session::RegisteredTable registered;
    if (session::find_registered_table(relation, &registered)) {
        table->deleted_at = registered.deleted_at;
        table->deletion_id = registered.deletion_id;
    }
    return true;
}

} // namespace

const TrackedTable *find_tracked_table(Oid relation) {
    auto *known = static_cast<KnownTracked *>(hash_search(known_tracked, &relation, HASH_FIND, nullptr));
    if (known != nullptr) {
        return known->table;
    }
    uint64 changes_before = tracked_changes;
    MemoryContext memory =
        AllocSetContextCreate(TopTransactionContext, "softdelete tracked table", ALLOCSET_SMALL_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(memory);
    auto *read = static_cast<TrackedTable *>(palloc0(sizeof(TrackedTable)));
    bool is_found = read_table(relation, read);
    MemoryContextSwitchTo(caller);
    if (!is_found) {
        MemoryContextDelete(memory);
        return nullptr;
    }
    if (tracked_changes == changes_before) {
        known = static_cast<KnownTracked *>(hash_search(known_tracked, &relation, HASH_ENTER, nullptr));
        MemoryContextSetParent(memory, CacheMemoryContext);
        known->memory = memory;
        known->table = read;
    }
    return read;
}

Oid get_tracked_root(Oid relation) {
    if (!get_rel_relispartition(relation)) {
        return relation;
    }
    List *ancestors = get_partition_ancestors(relation);
    return ancestors == NIL ? relation : llast_oid(ancestors);
}

bool is_history_missing(Oid relation) {
    registry::TrackedRow row = {};
    return registry::find_tracked_row(get_tracked_root(relation), &row)
           && !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(row.history));
}

bool is_tracked(Oid relation) {
    return session::has_trigger(relation, model::history_trigger);
}

void announce_change(Oid relation) {
    CacheInvalidateRelcacheByRelid(relation);
    CommandCounterIncrement();
}

void install_tracked_tables() {
    HASHCTL control = {};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(KnownTracked);
    known_tracked = hash_create("softdelete histories", 16, &control, HASH_ELEM | HASH_BLOBS);
    pg::on_relation_change(forget_tracked);
}

} // namespace softdelete::history
