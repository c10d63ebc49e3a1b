// Does what RI_FKey_check() in src/backend/utils/adt/ri_triggers.c has a query do, for keys where no code of users has a part
// in it: the parent is a plain table, the key's types and operators are the server's own, and the parent's owner, as whom the
// query runs, may read and lock the rows. It runs with the same snapshot, after the same CommandCounterIncrement(), and takes
// the same lock. Called by deletion/joint_check.
#include "deletion/parent_probe.hpp"

#include "catalog/foreign_key_info.hpp"
#include "pg/compat.hpp"
#include "pg/relations.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
}

namespace softdelete::deletion {

struct ParentProbe {
    bool is_possible;
    Oid parent;
    Oid index;
    AttrNumber deleted_at;
    int columns;
    AttrNumber *child_columns; // in the order of the index's columns, as the scan keys
    ScanKeyData *scan_keys;
};

namespace {

// The server's own, for types that bring no code of users: a polymorphic operator takes that of a type's elements along.
bool is_servers_operator(Oid operator_id) {
    Oid left = InvalidOid;
    Oid right = InvalidOid;
    op_input_types(operator_id, &left, &right);
    return operator_id < FirstNormalObjectId && (!IsPolymorphicType(left) || left == ANYENUMOID)
           && left != RECORDOID;
}

// The operator takes the child's value as it is.
bool takes(Oid wanted, Oid type) {
    Oid function = InvalidOid;
    return wanted == type || getBaseType(type) == wanted || wanted == ANYENUMOID
           || find_coercion_pathway(wanted, type, COERCION_IMPLICIT, &function) == COERCION_PATH_RELABELTYPE;
}

// An index of which a snapshot of this transaction may not see all (CREATE INDEX over broken HOT chains) is not for us.
bool is_plain_index(Relation index) {
    return index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indisvalid && index->rd_index->indisunique
           && !index->rd_index->indcheckxmin && RelationGetIndexPredicate(index) == NIL;
}

bool add_column(ParentProbe *probe, const catalog::ForeignKeyInfo &key, int column, Relation parent,
                Relation index, Relation child) {
    int place = 0;
    while (place < index->rd_index->indnkeyatts
           && index->rd_index->indkey.values[place] != key.parent_columns[column]) {
        place++;
    }
    if (place == key.columns) {
        return false;
    }
    Oid equality = key.equality[column];
    Oid left = InvalidOid;
    Oid right = InvalidOid;
    op_input_types(equality, &left, &right);
    Oid collation = TupleDescAttr(RelationGetDescr(parent), key.parent_columns[column] - 1)->attcollation;
    Oid type = TupleDescAttr(RelationGetDescr(child), key.child_columns[column] - 1)->atttypid;
    int strategy = get_op_opfamily_strategy(equality, index->rd_opfamily[place]);
    if (!is_servers_operator(equality) || index->rd_opfamily[place] >= FirstNormalObjectId
        || strategy != BTEqualStrategyNumber || index->rd_indcollation[place] != collation
        || !takes(right, type)) {
        return false;
    }
    probe->child_columns[place] = key.child_columns[column];
    ScanKeyEntryInitialize(&probe->scan_keys[place], 0, static_cast<AttrNumber>(place + 1),
                           static_cast<StrategyNumber>(strategy), right, collation, get_opcode(equality),
                           Datum{0});
    return true;
}

bool prepare(ParentProbe *probe, const catalog::ForeignKeyInfo &key, Relation parent, Relation child) {
    session::RegisteredTable table;
    Oid owner = parent->rd_rel->relowner;
    if (parent->rd_rel->relkind != RELKIND_RELATION || parent->rd_rel->relam != HEAP_TABLE_AM_OID
        || !session::find_registered_table(key.parent, &table) || !pg::may_lock_rows(key.parent, owner)) {
        return false;
    }
    probe->parent = key.parent;
    probe->index = key.index;
    probe->deleted_at = table.deleted_at;
    probe->columns = key.columns;
    probe->child_columns = static_cast<AttrNumber *>(palloc(sizeof(AttrNumber) * key.columns));
    probe->scan_keys = static_cast<ScanKeyData *>(palloc(sizeof(ScanKeyData) * key.columns));
    Relation index = index_open(key.index, RowShareLock);
    bool is_possible = is_plain_index(index) && index->rd_index->indnkeyatts == key.columns;
    for (int i = 0; is_possible && i < key.columns; i++) {
        is_possible = add_column(probe, key, i, parent, index, child);
    }
    index_close(index, NoLock);
    return is_possible;
}

// Fills in the row's values; false where one is NULL.
bool set_arguments(const ParentProbe *probe, TupleTableSlot *row, ScanKeyData *scan_keys) {
    memcpy(scan_keys, probe->scan_keys, sizeof(ScanKeyData) * probe->columns);
    for (int i = 0; i < probe->columns; i++) {
        bool is_null = true;
        scan_keys[i].sk_argument = slot_getattr(row, probe->child_columns[i], &is_null);
        if (is_null) {
            return false;
        }
    }
    return true;
}

// Nobody has updated it, or is about to: then the snapshot's version and the newest one are the same.
bool is_newest(TupleTableSlot *parent) {
    const HeapTuple tuple = ExecFetchSlotHeapTuple(parent, false, nullptr);
    return ItemPointerEquals(&tuple->t_data->t_ctid, &parent->tts_tid);
}

// As ExecLockRows() does.
bool lock(Relation parent, TupleTableSlot *row, Snapshot snapshot) {
    TM_FailureData failure;
    ItemPointerData place = row->tts_tid;
    bool is_snapshot_fixed = IsolationUsesXactSnapshot();
    uint8 flags =
        TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS | (is_snapshot_fixed ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION);
    TM_Result result = table_tuple_lock(parent, &place, snapshot, row, GetCurrentCommandId(false),
                                        LockTupleKeyShare, LockWaitBlock, flags, &failure);
    if (is_snapshot_fixed && (result == TM_Updated || result == TM_Deleted)) {
        ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                        errmsg("could not serialize access due to concurrent update")));
    }
    return result == TM_Ok && !failure.traversed && is_newest(row);
}

bool find_and_lock(const ParentProbe *probe, ScanKeyData *scan_keys) {
    Relation parent = table_open(probe->parent, NoLock);
    Relation index = index_open(probe->index, NoLock);
    CommandCounterIncrement();
    Snapshot snapshot = RegisterSnapshot(GetTransactionSnapshot());
    IndexScanDesc scan = pg::compat::index_beginscan(parent, index, snapshot, probe->columns);
    index_rescan(scan, scan_keys, probe->columns, nullptr, 0);
    TupleTableSlot *slot = table_slot_create(parent, nullptr);
    bool is_found = index_getnext_slot(scan, ForwardScanDirection, slot) && lock(parent, slot, snapshot)
                    && slot_attisnull(slot, probe->deleted_at);
    ExecDropSingleTupleTableSlot(slot);
    index_endscan(scan);
    UnregisterSnapshot(snapshot);
    index_close(index, NoLock);
    table_close(parent, NoLock);
    return is_found;
}

} // namespace

ParentProbe *make_parent_probe(Oid key_id, Relation child, MemoryContext memory) {
    auto *probe = static_cast<ParentProbe *>(MemoryContextAllocZero(memory, sizeof(ParentProbe)));
    MemoryContext caller = MemoryContextSwitchTo(memory);
    catalog::ForeignKeyInfo key;
    if (catalog::find_foreign_key(key_id, &key)) {
        Relation parent = table_open(key.parent, RowShareLock);
        probe->is_possible = prepare(probe, key, parent, child);
        table_close(parent, NoLock);
    }
    MemoryContextSwitchTo(caller);
    return probe;
}

bool is_live_parent_locked(const ParentProbe *probe, TupleTableSlot *row) {
    ScanKeyData scan_keys[INDEX_MAX_KEYS];
    return probe->is_possible && set_arguments(probe, row, scan_keys) && find_and_lock(probe, scan_keys);
}

} // namespace softdelete::deletion
