// An apply worker brings its rows one by one, each as an execution of its own: what is known of a table is kept until the
// (sub)transaction ends, and so are the locks that keep it true.
#include "triggers/applied_removal.hpp"

#include "holds/hold_check.hpp"
#include "pg/compat.hpp"
#include "registry/retention.hpp"
#include "triggers/deletion_time.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

namespace softdelete::triggers {

namespace {

struct AppliedTable {
    Oid relation;
    registry::Cutoff cutoff;
    holds::HoldCheck *holds; // null where no hold concerns the table
    DeletionTime time;
    bool is_told;
    AppliedTable *next;
};

AppliedTable *applied_tables = nullptr;

void forget(void *) {
    applied_tables = nullptr;
}

AppliedTable *make_applied_table(Relation table) {
    // One for each table: whichever savepoint ends first takes its tables and locks with it.
    auto *callback = static_cast<MemoryContextCallback *>(
        MemoryContextAllocZero(CurTransactionContext, sizeof(MemoryContextCallback)));
    callback->func = forget;
    MemoryContextRegisterResetCallback(CurTransactionContext, callback);
    auto *made =
        static_cast<AppliedTable *>(MemoryContextAllocZero(CurTransactionContext, sizeof(AppliedTable)));
    made->relation = RelationGetRelid(table);
    registry::lock_retention(made->relation, registry::RetentionLock::share);
    made->cutoff = registry::get_cutoff(made->relation);
    made->holds = holds::begin_hold_check(made->relation, CurTransactionContext);
    made->next = applied_tables;
    applied_tables = made;
    return made;
}

AppliedTable *get_applied_table(Relation table) {
    AppliedTable *known = applied_tables;
    while (known != nullptr && known->relation != RelationGetRelid(table)) {
        known = known->next;
    }
    return known != nullptr ? known : make_applied_table(table);
}

bool is_within_retention(AppliedTable *table, Relation relation, HeapTuple row) {
    TimestampTz deleted_at = 0;
    return table->cutoff.has_retention && find_deletion_time(relation, &table->time)
           && get_latest_deletion(row, relation, table->time, &deleted_at)
           && deleted_at >= Max(table->cutoff.cutoff, table->cutoff.local_cutoff);
}

void tell(AppliedTable *table, Relation relation, bool is_held) {
    if (table->is_told) {
        return;
    }
    table->is_told = true;
    ereport(WARNING,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("rows of table \"%s\" that the publisher removed are kept",
                    RelationGetRelationName(relation)),
             is_held ? errdetail("A hold protects them.") : errdetail("Their retention here has not passed."),
             is_held
                 ? errhint("SELECT * FROM softdelete.holds lists the holds; once they are released, remove "
                           "the rows here as well.")
                 : errhint("softdelete.purge() removes them here when it has."),
             errtable(relation)));
}

// Reads the whole table, as TRUNCATE would take it.
bool has_rows_within_retention(AppliedTable *table, Relation relation) {
    if (!table->cutoff.has_retention || relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE) {
        return false; // each partition is asked for itself
    }
    TupleTableSlot *slot = table_slot_create(relation, nullptr);
    TableScanDesc scan = pg::compat::table_beginscan(relation, GetActiveSnapshot());
    bool is_found = false;
    while (!is_found && table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
        bool must_free = false;
        HeapTuple row = ExecFetchSlotHeapTuple(slot, false, &must_free);
        is_found = is_within_retention(table, relation, row);
        if (must_free) {
            heap_freetuple(row);
        }
        CHECK_FOR_INTERRUPTS();
    }
    table_endscan(scan);
    ExecDropSingleTupleTableSlot(slot);
    return is_found;
}

} // namespace

bool is_kept_from_apply(Relation relation, HeapTuple row) {
    AppliedTable *table = get_applied_table(relation);
    bool is_held = table->holds != nullptr && holds::is_held(table->holds, table->relation, &row->t_self);
    bool is_kept = is_held || is_within_retention(table, relation, row);
    if (is_kept) {
        tell(table, relation, is_held);
    }
    return is_kept;
}

void check_applied_truncate(Relation relation) {
    holds::check_no_holds(RelationGetRelid(relation), "truncate");
    if (has_rows_within_retention(get_applied_table(relation), relation)) {
        ereport(
            ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("cannot truncate table \"%s\" as the publisher did", RelationGetRelationName(relation)),
             errdetail("The retention of deleted rows of it here has not passed."),
             errhint("Skip the transaction by ALTER SUBSCRIPTION ... SKIP, or remove the rows here by "
                     "softdelete.unregister() and register the table again."),
             errtable(relation)));
    }
}

} // namespace softdelete::triggers
