// Triggers of registered tables that foreign keys reference: one locks a row before its soft delete, one collects it for
// the cascade, one refuses it at the end of the transaction for deferrable NO ACTION keys. Plain server code.
#include "deletion/cascade.hpp"
#include "deletion/open_deletions.hpp"
#include "deletion/skipped_deletion_triggers.hpp"
#include "model/trigger_names.hpp"
#include "session/plan_notes.hpp"
#include "session/registered_table.hpp"
#include "session/running_statements.hpp"
#include "triggers/current_row.hpp"
#include "triggers/trigger_call.hpp"

extern "C" {
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "storage/lmgr.h"
#include "utils/snapmgr.h"
}

namespace softdelete {

namespace {

constexpr triggers::TriggerShape lock_trigger = {
    .function = "lock_row",
    .name = model::lock_trigger,
    .types = {TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_ROW | TRIGGER_TYPE_UPDATE},
    .described = "BEFORE UPDATE FOR EACH ROW",
};

// softdelete_collect, and softdelete_collect_moved on INSERT.
constexpr triggers::TriggerShape collect_trigger = {
    .function = "collect_deleted",
    .name = model::collect_trigger,
    .is_prefix = true,
    .types = {TRIGGER_TYPE_AFTER | TRIGGER_TYPE_ROW | TRIGGER_TYPE_UPDATE,
              TRIGGER_TYPE_AFTER | TRIGGER_TYPE_ROW | TRIGGER_TYPE_INSERT},
    .described = "AFTER UPDATE FOR EACH ROW",
};

constexpr triggers::TriggerShape children_check = {
    .function = "check_children",
    .name = model::children_check_prefix,
    .is_prefix = true,
    .types = {TRIGGER_TYPE_AFTER | TRIGGER_TYPE_ROW | TRIGGER_TYPE_UPDATE},
    .arguments = 1,
    .is_constraint = true,
    .described = "AFTER UPDATE FOR EACH ROW",
};

using triggers::get_new_row;
using triggers::get_old_row;

// What the functions need of the table, found once per statement and partition.
struct TableKeys {
    session::RegisteredTable table;
    bool is_registered;
    bool collects; // the trigger that locks a row collects it
    bool has_keys; // they were looked up
    List *keys;
};

// Children that are not registered stay until their parent is purged.
bool is_followed(const catalog::ForeignKeyInfo &key) {
    if (key.on_delete != FKCONSTR_ACTION_CASCADE) {
        return true;
    }
    LockRelationOid(key.child, RowExclusiveLock);
    return session::is_registered_table(key.child) || session::has_trigger(key.child, model::archive_trigger);
}

TableKeys *get_table(FunctionCallInfo call, Relation relation) {
    if (call->flinfo->fn_extra == nullptr) {
        auto *found =
            static_cast<TableKeys *>(MemoryContextAllocZero(call->flinfo->fn_mcxt, sizeof(TableKeys)));
        const QueryDesc *statement = session::running_statement();
        found->is_registered = session::find_registered_table(RelationGetRelid(relation), &found->table);
        found->collects = statement != nullptr && session::is_plain_soft_delete(statement->plannedstmt)
                          && deletion::writes_rows_as_said(relation);
        call->flinfo->fn_extra = found;
    }
    return static_cast<TableKeys *>(call->flinfo->fn_extra);
}

const TableKeys *get_table_keys(FunctionCallInfo call, Relation relation) {
    TableKeys *found = get_table(call, relation);
    if (!found->has_keys) {
        MemoryContext caller = MemoryContextSwitchTo(call->flinfo->fn_mcxt);
        ListCell *cell;
        foreach (cell, catalog::find_referencing_keys(relation)) {
            if (is_followed(*static_cast<catalog::ForeignKeyInfo *>(lfirst(cell)))) {
                found->keys = lappend(found->keys, lfirst(cell));
            }
        }
        found->has_keys = true;
        MemoryContextSwitchTo(caller);
    }
    return found;
}

int64 get_deletion_id(HeapTuple row, const session::RegisteredTable &table, Relation relation) {
    bool is_null = true;
    Datum id = heap_getattr(row, table.deletion_id, RelationGetDescr(relation), &is_null);
    return is_null ? 0 : DatumGetInt64(id);
}

// True where the event makes a live row a deleted one. An INSERT does so where the row moved here from another
// partition: it belongs to a deletion that this transaction has begun.
bool is_soft_delete(const TriggerData *data, const session::RegisteredTable &table) {
    Relation relation = data->tg_relation;
    HeapTuple row = get_new_row(data);
    if (triggers::is_null(row, table.deleted_at, relation)) {
        return false;
    }
    HeapTuple old_row = get_old_row(data);
    return old_row == nullptr ? deletion::is_open_deletion(get_deletion_id(row, table, relation))
                              : triggers::is_null(old_row, table.deleted_at, relation);
}

void collect(const TriggerData *data, const TableKeys &found) {
    HeapTuple row = get_new_row(data);
    deletion::collect_deleted_row(data->tg_relation, found.keys, row,
                                  get_deletion_id(row, found.table, data->tg_relation));
}

// The row is locked already as for an update that leaves its key alone; this waits for those who hold it FOR KEY SHARE,
// which is what an insert below it does.
void lock_exclusively(const TriggerData *data) {
    Relation relation = data->tg_relation;
    TupleTableSlot *slot = table_slot_create(relation, nullptr);
    TM_FailureData failure;
    TM_Result result =
        table_tuple_lock(relation, &data->tg_trigtuple->t_self, GetActiveSnapshot(), slot,
                         GetCurrentCommandId(false), LockTupleExclusive, LockWaitBlock, 0, &failure);
    ExecDropSingleTupleTableSlot(slot);
    if (result != TM_Ok && result != TM_SelfModified) {
        ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                        errmsg("could not serialize access due to concurrent update")));
    }
}

} // namespace

extern "C" {

// Where the planner hook has named the key columns as updated the executor has taken the
// lock when it fetched the row for this trigger.
PG_FUNCTION_INFO_V1(softdelete_lock_row);

PGDLLEXPORT Datum softdelete_lock_row(PG_FUNCTION_ARGS) {
    TriggerData *data = triggers::get_trigger_data(fcinfo, lock_trigger);
    uint32 notes = session::running_statement_notes();
    bool is_locked = (notes & session::note_key_locked) != 0 && (notes & session::note_lock_rows) == 0;
    const TableKeys *found = get_table(fcinfo, data->tg_relation);
    if (found->is_registered && (!is_locked || found->collects) && is_soft_delete(data, found->table)) {
        if (!is_locked) {
            lock_exclusively(data);
        }
        if (found->collects) {
            collect(data, *get_table_keys(fcinfo, data->tg_relation));
        }
    }
    return PointerGetDatum(get_new_row(data));
}

PG_FUNCTION_INFO_V1(softdelete_collect_deleted);

PGDLLEXPORT Datum softdelete_collect_deleted(PG_FUNCTION_ARGS) {
    TriggerData *data = triggers::get_trigger_data(fcinfo, collect_trigger);
    const TableKeys *found = get_table_keys(fcinfo, data->tg_relation);
    if (found->is_registered && is_soft_delete(data, found->table)) {
        collect(data, *found);
    }
    return Datum{0};
}

// Deferrable as its key is: (the key's name).
PG_FUNCTION_INFO_V1(softdelete_check_children);

PGDLLEXPORT Datum softdelete_check_children(PG_FUNCTION_ARGS) {
    TriggerData *data = triggers::get_trigger_data(fcinfo, children_check);
    const TableKeys *found = get_table_keys(fcinfo, data->tg_relation);
    HeapTuple row = triggers::find_current_row(data);
    if (!found->is_registered || row == nullptr || !is_soft_delete(data, found->table)
        || triggers::is_null(row, found->table.deleted_at, data->tg_relation)) {
        return Datum{0};
    }
    ListCell *cell;
    foreach (cell, found->keys) {
        const auto *key = static_cast<const catalog::ForeignKeyInfo *>(lfirst(cell));
        bool is_meant = key->on_delete == FKCONSTR_ACTION_NOACTION && key->is_deferrable
                        && catalog::has_root_name(*key, data->tg_trigger->tgargs[0]);
        if (is_meant) {
            deletion::check_children(data->tg_relation, *key, row);
        }
    }
    return Datum{0};
}

} // extern "C"

} // namespace softdelete
