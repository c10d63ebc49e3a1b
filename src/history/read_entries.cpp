// Entries of a transaction lie together in the order of time, because the row is locked as long as it runs; within it they
// are ordered by the command. The index has (key, time).
#include "history/read_entries.hpp"

#include "pg/compat.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "catalog/pg_opfamily.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"
}

#include <cstring>

namespace softdelete::history {

namespace {

constexpr int most_keys = INDEX_MAX_KEYS;

Datum get_own(HeapTuple row, TupleDesc columns, OwnColumn column, bool *is_null) {
    return heap_getattr(row, column + 1, columns, is_null);
}

// The partition's row with the columns of the root, by name where they lie otherwise.
HeapTuple to_root(HeapTuple row, TupleDesc partition, TupleDesc root) {
    bool is_like = partition->natts == root->natts;
    for (int i = 0; is_like && i < root->natts; i++) {
        is_like =
            strcmp(NameStr(TupleDescAttr(partition, i)->attname), NameStr(TupleDescAttr(root, i)->attname))
            == 0;
    }
    if (is_like) {
        return heap_copytuple(row);
    }
    Datum values[MaxTupleAttributeNumber];
    bool nulls[MaxTupleAttributeNumber];
    for (int i = 0; i < root->natts; i++) {
        const FormData_pg_attribute *column = TupleDescAttr(root, i);
        nulls[i] = true;
        values[i] = 0;
        for (int j = 0; j < partition->natts && !column->attisdropped; j++) {
            const FormData_pg_attribute *other = TupleDescAttr(partition, j);
            if (!other->attisdropped && strcmp(NameStr(other->attname), NameStr(column->attname)) == 0) {
                values[i] = heap_getattr(row, j + 1, partition, &nulls[i]);
                break;
            }
        }
    }
    return heap_form_tuple(root, values, nulls);
}

ReadEntry *make_entry(Relation root, Relation partition, TupleTableSlot *slot) {
    auto *entry = static_cast<ReadEntry *>(palloc0(sizeof(ReadEntry)));
    bool must_free = false;
    HeapTuple row = ExecFetchSlotHeapTuple(slot, false, &must_free);
    TupleDesc columns = RelationGetDescr(root);
    entry->row = to_root(row, RelationGetDescr(partition), columns);
    entry->partition = RelationGetRelid(partition);
    entry->position = slot->tts_tid;
    bool is_null = true;
    entry->at = DatumGetTimestampTz(get_own(entry->row, columns, at, &is_null));
    entry->transaction_at = DatumGetTimestampTz(get_own(entry->row, columns, transaction_at, &is_null));
    entry->transaction = U64FromFullTransactionId(
        DatumGetFullTransactionId(get_own(entry->row, columns, transaction, &is_null)));
    entry->command = DatumGetInt32(get_own(entry->row, columns, command, &is_null));
    entry->kind = static_cast<Kind>(DatumGetChar(get_own(entry->row, columns, kind, &is_null)));
    Datum statement = get_own(entry->row, columns, statement_at, &is_null);
    entry->statement_at = is_null ? entry->transaction_at : DatumGetTimestampTz(statement);
    return entry;
}

// The index of the partition whose columns are the key's, and the time.
Oid find_key_index(const TrackedTable &table, Relation root, Relation partition) {
    ListCell *cell;
    foreach (cell, RelationGetIndexList(partition)) {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);
        const FormData_pg_index *form = index->rd_index;
        bool is_found = form->indisvalid && index->rd_rel->relam == BTREE_AM_OID
                        && form->indnkeyatts == table.key_count + 1
                        // To look at the predicate itself may run functions that it names.
                        && heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, nullptr);
        for (int i = 0; is_found && i < form->indnkeyatts; i++) {
            AttrNumber number = i < table.key_count ? table.key[i].number : static_cast<AttrNumber>(at + 1);
            const char *wanted =
                number == 0 ? "" : NameStr(TupleDescAttr(RelationGetDescr(root), number - 1)->attname);
            AttrNumber column = form->indkey.values[i];
            is_found =
                column > 0
                && strcmp(NameStr(TupleDescAttr(RelationGetDescr(partition), column - 1)->attname), wanted)
                       == 0;
        }
        index_close(index, AccessShareLock);
        if (is_found) {
            return lfirst_oid(cell);
        }
    }
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the index of history table \"%s\" on the key of its table is missing",
                           RelationGetRelationName(root)),
                    errhint("Create one on the columns of the primary key and history_at."), errtable(root)));
    pg_unreachable();
}

// The operator of a B-tree column, for a value of the column's own type.
void set_key(ScanKey key, Relation index, int column, StrategyNumber strategy, Datum value) {
    Oid family = index->rd_opfamily[column];
    Oid type = index->rd_opcintype[column];
    Oid operator_id = get_opfamily_member(family, type, type, static_cast<int16>(strategy));
    ScanKeyEntryInitialize(key, 0, static_cast<AttrNumber>(column + 1), strategy, InvalidOid,
                           index->rd_indcollation[column], get_opcode(operator_id), value);
}

// Calls take for each row of the table that the index finds, until take says that it is enough.
template <typename Take>
void scan_index(Relation table, Oid index_id, const Datum *values, int count, TimestampTz after, Take take) {
    Relation index = index_open(index_id, AccessShareLock);
    ScanKeyData keys[most_keys + 1];
    int key_count = count;
    for (int i = 0; i < count; i++) {
        set_key(&keys[i], index, i, BTEqualStrategyNumber, values[i]);
    }
    if (!TIMESTAMP_IS_NOBEGIN(after)) {
        set_key(&keys[count], index, count, BTGreaterStrategyNumber, TimestampTzGetDatum(after));
        key_count++;
    }
    TupleTableSlot *slot = table_slot_create(table, nullptr);
    IndexScanDesc scan = pg::compat::index_beginscan(table, index, GetActiveSnapshot(), key_count);
    index_rescan(scan, keys, key_count, nullptr, 0);
    while (index_getnext_slot(scan, ForwardScanDirection, slot) && take(slot)) {
        CHECK_FOR_INTERRUPTS();
    }
    index_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    index_close(index, AccessShareLock);
}

// The partitions in the order of time, without those that end before it.
List *find_partitions(Relation root, TimestampTz after) {
    List *found = NIL;
    PartitionDesc partitions = RelationGetPartitionDesc(root, true);
    PartitionBoundInfo bounds = partitions->boundinfo;
    for (int i = 1; bounds != nullptr && i < bounds->ndatums; i++) {
        int number = bounds->indexes[i];
        bool is_over = bounds->kind[i][0] == PARTITION_RANGE_DATUM_VALUE
                       && DatumGetTimestampTz(bounds->datums[i][0]) <= after;
        if (number >= 0 && !is_over) {
            found = lappend_oid(found, partitions->oids[number]);
        }
    }
    return found;
}

// A command does not see the rows that it makes: under a key, the one that was there goes before another one comes.
int compare_commands(const ListCell *one, const ListCell *other) {
    const auto *a = static_cast<const ReadEntry *>(lfirst(one));
    const auto *b = static_cast<const ReadEntry *>(lfirst(other));
    if (a->command != b->command) {
        return a->command < b->command ? -1 : 1;
    }
    if (begins_life(*a) != begins_life(*b)) {
        return begins_life(*a) ? 1 : -1;
    }
    return a->at < b->at ? -1 : a->at > b->at ? 1 : 0;
}

bool ends_life_under(const ReadEntry &entry, TupleDesc columns) {
    return ends_life(entry)
           || (entry.kind != kind_new_key && !heap_attisnull(entry.row, other_key + 1, columns));
}

// The place of the entry that frees the key, from a place on; -1 where there is none.
int find_end(const List *entries, int from, TupleDesc columns) {
    for (int i = from; i < list_length(entries); i++) {
        if (ends_life_under(*static_cast<const ReadEntry *>(list_nth(entries, i)), columns)) {
            return i;
        }
    }
    return -1;
}

// Where the key is taken, what takes it next comes after what frees it, whichever command has the lower number: a BEFORE
// trigger may make room for the row of its statement, and a deferrable key may be two rows' for a while.
List *put_in_order(List *entries, TupleDesc columns, bool *is_taken) {
    List *ordered = NIL;
    while (entries != NIL) {
        const auto *first = static_cast<const ReadEntry *>(linitial(entries));
        int end = *is_taken && begins_life(*first) ? find_end(entries, 1, columns) : -1;
        // The waiting one stays first; what frees the key is at end, and all up to there is the former row's.
        for (int i = end < 0 ? 0 : 1; i <= Max(end, 0); i++) {
            auto *entry = static_cast<ReadEntry *>(list_nth(entries, end < 0 ? 0 : 1));
            entries = list_delete_ptr(entries, entry);
            ordered = lappend(ordered, entry);
            *is_taken = !ends_life_under(*entry, columns);
        }
    }
    return ordered;
}

uint64 get_transaction(const List *entries) {
    return static_cast<const ReadEntry *>(linitial(entries))->transaction;
}

// Puts a row's entries together, transaction by transaction, each in the order of its commands.
struct EntryList {
    Extent extent;
    uint64 transaction; // for Extent::transaction_and_next
    List *all;
    List *of_transaction; // that is being read
    bool has_transaction; // the one that is asked for is among all of them
    bool is_complete;
    TupleDesc columns;
    bool is_taken; // the key, by a row, as far as the entries that have been read tell

    void end_transaction() {
        if (of_transaction == NIL) {
            return;
        }
        bool is_asked = get_transaction(of_transaction) == transaction;
        list_sort(of_transaction, compare_commands);
        of_transaction = put_in_order(of_transaction, columns, &is_taken);
        if (extent != Extent::transaction_and_next || is_asked || has_transaction) {
            all = list_concat(all, of_transaction);
        }
        is_complete = extent == Extent::first_transaction || has_transaction;
        has_transaction = has_transaction || (extent == Extent::transaction_and_next && is_asked);
        of_transaction = NIL;
    }

    void add(ReadEntry *entry) {
        if (of_transaction != NIL && get_transaction(of_transaction) != entry->transaction) {
            end_transaction();
        }
        of_transaction = lappend(of_transaction, entry);
    }
};

} // namespace

List *read_entries(const TrackedTable &table, const Datum *values, TimestampTz after, Extent extent,
                   uint64 transaction) {
    Relation root = table_open(table.history, AccessShareLock);
    EntryList entries = {
        extent, transaction, NIL, NIL, false, false, CreateTupleDescCopy(RelationGetDescr(root)), false};
    ListCell *cell;
    foreach (cell, find_partitions(root, after)) {
        Relation partition = table_open(lfirst_oid(cell), AccessShareLock);
        Oid index = find_key_index(table, root, partition);
        scan_index(partition, index, values, table.key_count, after, [&](TupleTableSlot *slot) {
            entries.add(make_entry(root, partition, slot));
            return !entries.is_complete;
        });
        table_close(partition, AccessShareLock);
        if (entries.is_complete) {
            break;
        }
    }
    table_close(root, AccessShareLock);
    if (!entries.is_complete) {
        entries.end_transaction();
    }
    return entries.all;
}

void read_all_entries(const TrackedTable &table, void (*take)(const ReadEntry &entry, void *context),
                      void *context) {
    Relation root = table_open(table.history, AccessShareLock);
    MemoryContext memory =
        AllocSetContextCreate(CurrentMemoryContext, "softdelete history entry", ALLOCSET_DEFAULT_SIZES);
    ListCell *cell;
    foreach (cell, find_partitions(root, DT_NOBEGIN)) {
        Relation partition = table_open(lfirst_oid(cell), AccessShareLock);
        TupleTableSlot *slot = table_slot_create(partition, nullptr);
        TableScanDesc scan = pg::compat::table_beginscan(partition, GetActiveSnapshot());
        while (table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
            MemoryContext caller = MemoryContextSwitchTo(memory);
            take(*make_entry(root, partition, slot), context);
            MemoryContextSwitchTo(caller);
            MemoryContextReset(memory);
            CHECK_FOR_INTERRUPTS();
        }
        table_endscan(scan);
        ExecDropSingleTupleTableSlot(slot);
        table_close(partition, AccessShareLock);
    }
    table_close(root, AccessShareLock);
    MemoryContextDelete(memory);
}

namespace {

Oid find_primary_index(Relation table) {
    ListCell *cell;
    foreach (cell, RelationGetIndexList(table)) {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);
        bool is_primary = index->rd_index->indisprimary;
        index_close(index, AccessShareLock);
        if (is_primary) {
            return lfirst_oid(cell);
        }
    }
    return InvalidOid;
}

HeapTuple find_in(Oid relation_id, const Datum *values, int count, Relation *found_in) {
    Relation relation = table_open(relation_id, AccessShareLock);
    HeapTuple found = nullptr;
    if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE) {
        PartitionDesc partitions = RelationGetPartitionDesc(relation, true);
        for (int i = 0; found == nullptr && i < partitions->nparts; i++) {
            found = find_in(partitions->oids[i], values, count, found_in);
        }
        table_close(relation, AccessShareLock);
        return found;
    }
    Oid index = relation->rd_rel->relkind == RELKIND_RELATION ? find_primary_index(relation) : InvalidOid;
    if (OidIsValid(index)) {
        scan_index(relation, index, values, count, DT_NOBEGIN, [&](TupleTableSlot *slot) {
            found = ExecCopySlotHeapTuple(slot);
            return false;
        });
    }
    if (found == nullptr) {
        table_close(relation, AccessShareLock);
    } else {
        *found_in = relation;
    }
    return found;
}

} // namespace

HeapTuple find_live_row(const TrackedTable &table, const Datum *values, Relation *relation) {
    return find_in(table.root, values, table.key_count, relation);
}

} // namespace softdelete::history
