// A row version knows the next one, not the one before. That is found by a unique index, which has all versions that this
// transaction has made: nobody may remove them yet. Only rows that were changed in the statement under way are looked up.
// Called by archive/collect_deleted.
#include "archive/kept_links.hpp"

#include "catalog/foreign_key_info.hpp"
#include "pg/relation_cache.hpp"
#include "session/running_statements.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

namespace softdelete::archive {

namespace {

using catalog::ForeignKeyInfo;

// Was the version written after the statement began?
bool is_of_statement(HeapTupleHeader version, CommandId start) {
    return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(version))
           && HeapTupleHeaderGetCmin(version) > start;
}

bool is_in_key(AttrNumber column, const List *keys) {
    const ListCell *cell;
    foreach (cell, keys) {
        const auto *key = static_cast<const ForeignKeyInfo *>(lfirst(cell));
        for (int i = 0; i < key->columns; i++) {
            if (key->child_columns[i] == column) {
                return true;
            }
        }
    }
    return false;
}

// By which the versions of one row are found, whatever its links were.
bool finds_versions(Relation index, const List *keys) {
    const Form_pg_index form = index->rd_index;
    if (!form->indisunique || !form->indisvalid || !form->indisready || index->rd_rel->relam != BTREE_AM_OID
        || RelationGetIndexPredicate(index) != NIL) {
        return false;
    }
    for (int i = 0; i < form->indnkeyatts; i++) {
        AttrNumber column = form->indkey.values[i];
        if (column <= 0 || is_in_key(column, keys)) {
            return false;
        }
    }
    return true;
}

// Opened; null where the table has none.
Relation open_version_index(Relation table, const List *keys) {
    ListCell *cell;
    foreach (cell, RelationGetIndexList(table)) {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);
        if (finds_versions(index, keys)) {
            return index;
        }
        index_close(index, AccessShareLock);
    }
    return nullptr;
}

// False where the row has NULL in a column of the index.
bool make_scan_keys(Relation table, Relation index, HeapTuple row, ScanKeyData *scan_keys) {
    for (int i = 0; i < index->rd_index->indnkeyatts; i++) {
        AttrNumber column = index->rd_index->indkey.values[i];
        bool is_null = true;
        Datum value = heap_getattr(row, column, RelationGetDescr(table), &is_null);
        if (is_null) {
            return false;
        }
        Oid type = index->rd_opcintype[i];
        Oid equality = get_opfamily_member(index->rd_opfamily[i], type, type, BTEqualStrategyNumber);
        ScanKeyEntryInitialize(&scan_keys[i], 0, column, BTEqualStrategyNumber, type,
                               index->rd_indcollation[i], get_opcode(equality), value);
    }
    return true;
}

// A copy; null where there is none: the row was inserted then, or came from another partition.
HeapTuple find_version_before(Relation table, Relation index, HeapTuple row) {
    ScanKeyData scan_keys[INDEX_MAX_KEYS];
    if (!make_scan_keys(table, index, row, scan_keys)) {
        return nullptr;
    }
    SysScanDesc scan = systable_beginscan(table, RelationGetRelid(index), true, SnapshotAny,
                                          index->rd_index->indnkeyatts, scan_keys);
    HeapTuple found = nullptr;
    HeapTuple version;
    while (found == nullptr && HeapTupleIsValid(version = systable_getnext(scan))) {
        bool is_before = !ItemPointerEquals(&version->t_self, &row->t_self)
                         && ItemPointerEquals(&version->t_data->t_ctid, &row->t_self)
                         && TransactionIdEquals(HeapTupleHeaderGetUpdateXid(version->t_data),
                                                HeapTupleHeaderGetXmin(row->t_data));
        found = is_before ? heap_copytuple(version) : nullptr;
    }
    systable_endscan(scan);
    return found;
}

HeapTuple find_version_at(Relation table, Relation index, HeapTuple row, CommandId start) {
    HeapTuple version = row;
    while (is_of_statement(version->t_data, start)) {
        HeapTuple before = find_version_before(table, index, version);
        if (before == nullptr) {
            break;
        }
        version = before;
    }
    return version;
}

// Puts the key's values of the former version where the action has written others.
void keep_link(Relation table, const ForeignKeyInfo &key, HeapTuple row, HeapTuple former, Datum *values,
               bool *nulls, bool *replaces) {
    TupleDesc columns = RelationGetDescr(table);
    for (int i = 0; i < key.columns; i++) {
        bool was_null = true;
        (void)heap_getattr(former, key.child_columns[i], columns, &was_null);
        if (was_null) {
            return;
        }
    }
    for (int i = 0; i < key.columns; i++) {
        AttrNumber column = key.child_columns[i];
        const auto *attribute = TupleDescAttr(columns, column - 1);
        bool was_null = true;
        bool is_null = true;
        Datum before = heap_getattr(former, column, columns, &was_null);
        Datum now = heap_getattr(row, column, columns, &is_null);
        bool is_ended = key.on_delete == FKCONSTR_ACTION_SETNULL
                            ? is_null
                            : is_null || !datumIsEqual(before, now, attribute->attbyval, attribute->attlen);
        if (is_ended) {
            values[column - 1] = before;
            nulls[column - 1] = false;
            replaces[column - 1] = true;
        }
    }
}

HeapTuple keep_links_of(Relation table, HeapTuple row, HeapTuple former, const List *keys) {
    Size count = static_cast<Size>(RelationGetDescr(table)->natts);
    auto *values = static_cast<Datum *>(palloc0(sizeof(Datum) * count));
    auto *nulls = static_cast<bool *>(palloc0(sizeof(bool) * count));
    auto *replaces = static_cast<bool *>(palloc0(sizeof(bool) * count));
    const ListCell *cell;
    foreach (cell, keys) {
        keep_link(table, *static_cast<const ForeignKeyInfo *>(lfirst(cell)), row, former, values, nulls,
                  replaces);
    }
    return heap_modify_tuple(row, RelationGetDescr(table), values, nulls, replaces);
}

} // namespace

bool may_have_lost_links(HeapTuple row) {
    CommandId start = session::running_statement_start();
    return start != InvalidCommandId && is_of_statement(row->t_data, start);
}

List *find_unbinding_keys(Relation table) {
    List *found = NIL;
    ListCell *cell;
    foreach (cell, catalog::find_keys_to(table, InvalidOid)) {
        auto *key = static_cast<ForeignKeyInfo *>(lfirst(cell));
        found = catalog::binds(*key) ? found : lappend(found, key);
    }
    return found;
}

HeapTuple keep_links(Relation table, HeapTuple row, const List *keys) {
    Relation index = keys == NIL ? nullptr : open_version_index(table, keys);
    if (index == nullptr) {
        return row;
    }
    HeapTuple former = find_version_at(table, index, row, session::running_statement_start());
    index_close(index, AccessShareLock);
    return former == row ? row : keep_links_of(table, row, former, keys);
}

} // namespace softdelete::archive
