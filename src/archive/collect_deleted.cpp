// All rows of a transaction are deleted at its start, as those that are marked, and belong to its deletion.
#include "archive/collect_deleted.hpp"

#include "archive/kept_from_apply.hpp"
#include "archive/kept_links.hpp"
#include "archive/known_archive.hpp"
#include "archive/own_columns.hpp"
#include "catalog/table_info.hpp"
#include "deletion/archived_row.hpp"
#include "deletion/open_deletions.hpp"
#include "erasure/remove_rows.hpp"
#include "holds/hold_check.hpp"
#include "registry/archive_scan.hpp"
#include "rows/collected_rows.hpp"
#include "settings.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_subscription_rel.h"
#include "replication/logicalworker.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
}

namespace softdelete::archive {

namespace {

// What is read once per statement and partition.
struct Target {
    Oid table; // that was registered; InvalidOid where nothing was read yet
    registry::ArchiveRow row;
    bool comes_by_subscription;
    bool knows_keys;
    List *unbinding_keys; // for keep_links(), where it was asked for
    bool are_holds_known;
    holds::HoldCheck *holds; // null where no hold concerns the table
};

bool is_subscribed(Relation subscribed, Oid relation) {
    ScanKeyData key;
    ScanKeyInit(&key, Anum_pg_subscription_rel_srrelid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(relation));
    SysScanDesc scan =
        systable_beginscan(subscribed, SubscriptionRelSrrelidSrsubidIndexId, true, nullptr, 1, &key);
    bool found = HeapTupleIsValid(systable_getnext(scan));
    systable_endscan(scan);
    return found;
}

// Does a subscription of this database write the archive or a partition of it?
bool comes_by_subscription(Oid archive) {
    Relation subscribed = table_open(SubscriptionRelRelationId, AccessShareLock);
    bool found = is_subscribed(subscribed, archive);
    ListCell *cell;
    foreach (cell, found ? NIL : find_inheritance_children(archive, NoLock)) {
        found = found || is_subscribed(subscribed, lfirst_oid(cell));
    }
    table_close(subscribed, AccessShareLock);
    return found;
}

Target *get_place(FunctionCallInfo call) {
    if (call->flinfo->fn_extra == nullptr) {
        call->flinfo->fn_extra = MemoryContextAllocZero(call->flinfo->fn_mcxt, sizeof(Target));
    }
    return static_cast<Target *>(call->flinfo->fn_extra);
}

Target &get_target(FunctionCallInfo call, Relation relation) {
    Target *target = get_place(call);
    if (OidIsValid(target->table)) {
        return *target;
    }
    const KnownArchive known = find_known_archive(RelationGetRelid(relation));
    if (!known.is_found) {
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("the archive of table \"%s\" is not known", RelationGetRelationName(relation)),
                 errdetail("The table has the trigger that moves its deleted rows there, but no entry "
                           "of softdelete_internal.archive."),
                 errhint("Run softdelete.unregister(), which removes the trigger."), errtable(relation)));
    }
    target->row = known.row;
    if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(target->row.archive))) {
        catalog::raise_archive_missing(known.table);
    }
    target->comes_by_subscription = IsLogicalWorker() && comes_by_subscription(target->row.archive);
    target->table = known.table;
    return *target;
}

// As it was when the statement began, as far as its links go.
HeapTuple get_row(FunctionCallInfo call, Target &target, Relation relation, HeapTuple row) {
    if (!may_have_lost_links(row)) {
        return row;
    }
    if (!target.knows_keys) {
        MemoryContext caller = MemoryContextSwitchTo(call->flinfo->fn_mcxt);
        target.unbinding_keys = find_unbinding_keys(relation);
        target.knows_keys = true;
        MemoryContextSwitchTo(caller);
    }
    return keep_links(relation, row, target.unbinding_keys);
}

// The row is removed for good.
void check_holds(FunctionCallInfo call, const TriggerData *data) {
    Target *target = get_place(call);
    Oid relation = RelationGetRelid(data->tg_relation);
    if (!target->are_holds_known) {
        target->holds = holds::begin_hold_check(relation, call->flinfo->fn_mcxt);
        target->are_holds_known = true;
    }
    if (target->holds != nullptr) {
        holds::check_removed_row(target->holds, relation, data->tg_trigtuple);
    }
}

void archive(Relation relation, HeapTuple row, int64 deletion, const registry::ArchiveRow &archived) {
    deletion::confirm_deletion(deletion);
    rows::OwnValue values[3] = {
        {NameStr(archived.deleted_at), TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), false,
         true, sizeof(TimestampTz)},
        {deletion_id_column, Int64GetDatum(deletion), false, true, sizeof(int64)},
    };
    int count = 2;
    if (archived.has_deleted_by) {
        values[count++] = {NameStr(archived.deleted_by), CStringGetTextDatum(deletion::get_actor(deletion)),
                           false, false, -1};
    }
    rows::collect_row({archived.archive, true}, relation, row, values, count);
}

// Has this transaction written the row? Then it may have come after others of the deletion, whose keys it may have.
void note_own_row(HeapTuple row, Oid table, int64 deletion) {
    if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row->t_data))) {
        deletion::note_new_row(table, deletion);
    }
}

} // namespace

bool collect_deleted(FunctionCallInfo call, const TriggerData *data) {
    HeapTuple row = data->tg_trigtuple;
    if (HeapTupleHeaderIndicatesMovedPartitions(row->t_data)
        || erasure::is_being_removed(data->tg_relation, row)
        || erasure::is_removed_on_the_way(data->tg_relation, row)) {
        return false;
    }
    if (settings::deletion() == settings::Deletion::hard) {
        check_holds(call, data);
        return true;
    }
    Target &target = get_target(call, data->tg_relation);
    if (target.comes_by_subscription) {
        note_applied_removal(data->tg_relation, row, target.table);
        return false;
    }
    int64 deletion = deletion::get_current_deletion(target.table);
    deletion::note_archived_row(RelationGetRelid(data->tg_relation), row, deletion);
    note_own_row(row, target.table, deletion);
    archive(data->tg_relation, get_row(call, target, data->tg_relation, row), deletion, target.row);
    return false;
}

void archive_row(Relation relation, HeapTuple row, Oid table) {
    registry::ArchiveRow archived;
    if (registry::find_archive_row(table, &archived)) {
        const int64 deletion = deletion::get_current_deletion(table);
        note_own_row(row, table, deletion);
        archive(relation, row, deletion, archived);
    }
}

} // namespace softdelete::archive
