// The executor works on a copy of the table's triggers that it makes for each execution; BEFORE triggers fire in the order
// of that copy (ExecBRUpdateTriggers() in src/backend/commands/trigger.c). Nothing has been fired when it is changed here.
#include "deletion/settle_rows.hpp"

#include "deletion/actor_value.hpp"
#include "deletion/deletion_time.hpp"
#include "deletion/lock_deleted_rows.hpp"
#include "deletion/open_deletions.hpp"
#include "deletion/restored_deletions.hpp"
#include "session/extension_functions.hpp"
#include "session/plan_notes.hpp"
#include "session/registered_table.hpp"
#include "session/running_statements.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_trigger.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
}

#include <cstring>

namespace softdelete::deletion {

namespace {

bool fires_before_update(const Trigger &trigger) {
    return TRIGGER_FOR_ROW(trigger.tgtype) && TRIGGER_FOR_BEFORE(trigger.tgtype)
           && TRIGGER_FOR_UPDATE(trigger.tgtype) && trigger.tgenabled != TRIGGER_DISABLED;
}

bool is_marker(const Trigger &trigger) {
    return session::is_marker_function(trigger.tgfoid);
}

bool is_lock(const Trigger &trigger) {
    return trigger.tgfoid == session::find_extension_functions()->lock_row;
}

bool is_written_check(const Trigger &trigger) {
    return trigger.tgfoid == session::find_extension_functions()->check_written;
}

// A row may move from a partition to another one, which may have triggers of users that the first one has not: whether any
// partition has some, the check of what is written tells, which then all of them have.
bool has_triggers_of_users(const TriggerDesc *triggers, bool is_partition) {
    for (int i = 0; i < triggers->numtriggers; i++) {
        const Trigger &trigger = triggers->triggers[i];
        if ((fires_before_update(trigger) && !is_lock(trigger) && !is_marker(trigger))
            || (is_partition && is_written_check(trigger))) {
            return true;
        }
    }
    return false;
}

// The last of them is the marker: it was told to fire.
bool is_settled(const TriggerDesc *triggers) {
    if (triggers == nullptr || triggers->numtriggers == 0) {
        return false;
    }
    const Trigger &last = triggers->triggers[triggers->numtriggers - 1];
    return is_marker(last) && fires_before_update(last);
}

void move_to_end(TriggerDesc *triggers, bool (*is_meant)(const Trigger &)) {
    for (int i = 0; i < triggers->numtriggers - 1; i++) {
        if (is_meant(triggers->triggers[i])) {
            Trigger found = triggers->triggers[i];
            memmove(triggers->triggers + i, triggers->triggers + i + 1,
                    sizeof(Trigger) * static_cast<Size>(triggers->numtriggers - 1 - i));
            triggers->triggers[triggers->numtriggers - 1] = found;
            return;
        }
    }
}

// The lock comes after the triggers of users too: one of these may delete a row.
void let_marker_settle(TriggerDesc *triggers) {
    move_to_end(triggers, is_lock);
    move_to_end(triggers, is_marker);
    Trigger &last = triggers->triggers[triggers->numtriggers - 1];
    if (is_marker(last)) {
        last.tgtype |= TRIGGER_TYPE_UPDATE;
        triggers->trig_update_before_row = true;
    }
}

// What an UPDATE of this table writes is said by the statement, or settled: nothing is left to check.
void check_inserted_rows_only(TriggerDesc *triggers) {
    for (int i = 0; i < triggers->numtriggers; i++) {
        if (is_written_check(triggers->triggers[i])) {
            triggers->triggers[i].tgtype &= ~TRIGGER_TYPE_UPDATE;
        }
    }
}

// What the extension's columns say of a row.
struct State {
    Datum deleted_at;
    Datum deletion_id;
    Datum deleted_by;
    bool is_live;
    bool has_no_deletion;
    bool has_no_actor; // also where the table keeps none
};

State read(HeapTuple row, const session::RegisteredTable &table, TupleDesc columns) {
    State state = {};
    state.deleted_at = heap_getattr(row, table.deleted_at, columns, &state.is_live);
    state.deletion_id = heap_getattr(row, table.deletion_id, columns, &state.has_no_deletion);
    state.has_no_actor = true;
    if (table.deleted_by != InvalidAttrNumber) {
        state.deleted_by = heap_getattr(row, table.deleted_by, columns, &state.has_no_actor);
    }
    return state;
}

Oid get_type(TupleDesc columns, AttrNumber column) {
    return TupleDescAttr(columns, column - 1)->atttypid;
}

bool has_same_deletion(const State &left, const State &right) {
    return left.has_no_deletion == right.has_no_deletion
           && (left.has_no_deletion || DatumGetInt64(left.deletion_id) == DatumGetInt64(right.deletion_id));
}

// The row with another deletion and another actor.
HeapTuple write(HeapTuple row, const session::RegisteredTable &table, TupleDesc columns, const State &state) {
    int numbers[] = {table.deletion_id, table.deleted_by};
    Datum values[] = {state.deletion_id, state.deleted_by};
    bool nulls[] = {state.has_no_deletion, state.has_no_actor};
    int count = table.deleted_by == InvalidAttrNumber ? 1 : 2;
    return heap_modify_tuple_by_cols(row, columns, count, numbers, values, nulls);
}

// A row that is deleted now. It belongs to the deletion under way, whoever has written its deleted_at.
HeapTuple settle_deleted(const TriggerData *data, const session::RegisteredTable &table, State state) {
    Oid relation = RelationGetRelid(data->tg_relation);
    TupleDesc columns = RelationGetDescr(data->tg_relation);
    check_time_of_deletion(state.deleted_at, get_type(columns, table.deleted_at), relation);
    bool has_deletion = !state.has_no_deletion && is_open_deletion(DatumGetInt64(state.deletion_id));
    bool lacks_actor = state.has_no_actor && table.deleted_by != InvalidAttrNumber;
    if (!has_deletion) {
        state.deletion_id = Int64GetDatum(get_current_deletion(relation));
        state.has_no_deletion = false;
    }
    if (lacks_actor) {
        const FormData_pg_attribute *column = TupleDescAttr(columns, table.deleted_by - 1);
        state.deleted_by = get_actor_value(column->atttypid, column->atttypmod, &state.has_no_actor);
    }
    confirm_deletion(DatumGetInt64(state.deletion_id));
    lock_deleted_row();
    return has_deletion && !lacks_actor ? data->tg_newtuple : write(data->tg_newtuple, table, columns, state);
}

// A row that is live again: nothing of its deletion is left.
HeapTuple settle_restored(const TriggerData *data, const session::RegisteredTable &table, const State &old,
                          State state) {
    if (!old.has_no_deletion) {
        note_restored_row(DatumGetInt64(old.deletion_id));
    }
    if (state.has_no_deletion && state.has_no_actor) {
        return data->tg_newtuple;
    }
    state.has_no_deletion = state.has_no_actor = true;
    return write(data->tg_newtuple, table, RelationGetDescr(data->tg_relation), state);
}

// A row that is what it was. Its deletion is the old one.
HeapTuple settle_unchanged(const TriggerData *data, const session::RegisteredTable &table, const State &old,
                           const State &state) {
    bool is_redated =
        !state.is_live && DatumGetTimestamp(state.deleted_at) != DatumGetTimestamp(old.deleted_at);
    if (is_redated) {
        check_may_redate(state.deleted_at, get_type(RelationGetDescr(data->tg_relation), table.deleted_at),
                         RelationGetRelid(data->tg_relation));
    }
    if (has_same_deletion(old, state)) {
        return data->tg_newtuple;
    }
    // The statement meant to delete or to restore it, and a trigger took that back: as if it had returned NULL.
    bool is_kept = !is_redated && (session::running_statement_notes() & session::note_soft) != 0;
    return is_kept ? nullptr : write(data->tg_newtuple, table, RelationGetDescr(data->tg_relation), old);
}

bool is_plain_delete() {
    const QueryDesc *statement = session::running_statement();
    return statement != nullptr && session::is_plain_soft_delete(statement->plannedstmt);
}

HeapTuple settle(const TriggerData *data, const session::RegisteredTable &table) {
    State old = read(data->tg_trigtuple, table, RelationGetDescr(data->tg_relation));
    State state = read(data->tg_newtuple, table, RelationGetDescr(data->tg_relation));
    if (old.is_live && state.is_live && is_plain_delete()) {
        return nullptr;
    }
    if (old.is_live == state.is_live) {
        return settle_unchanged(data, table, old, state);
    }
    return old.is_live ? settle_deleted(data, table, state) : settle_restored(data, table, old, state);
}

void note_deletion(FunctionCallInfo call, HeapTuple row, const session::RegisteredTable &table,
                   Relation relation) {
    State state = read(row, table, RelationGetDescr(relation));
    if (state.is_live) {
        return;
    }
    MarkerMemory *memory = get_marker_memory(call);
    if (memory->deletions == nullptr) {
        HASHCTL control = {};
        control.keysize = sizeof(int64);
        control.entrysize = sizeof(int64);
        control.hcxt = call->flinfo->fn_mcxt;
        memory->deletions =
            hash_create("softdelete settled deletions", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    }
    int64 deletion = state.has_no_deletion ? 0 : DatumGetInt64(state.deletion_id);
    hash_search(memory->deletions, &deletion, HASH_ENTER, nullptr);
}

} // namespace

void let_markers_settle(const QueryDesc *query) {
    if (session::notes_of_plan(query->plannedstmt) == 0 || session::find_extension_functions() == nullptr) {
        return;
    }
    ListCell *cell;
    foreach (cell, query->estate->es_opened_result_relations) {
        const auto *target = lfirst_node(ResultRelInfo, cell);
        TriggerDesc *triggers = target->ri_TrigDesc;
        if (triggers == nullptr) {
            continue;
        }
        if (!is_settled(triggers)
            && has_triggers_of_users(triggers, target->ri_RelationDesc->rd_rel->relispartition)) {
            let_marker_settle(triggers);
        }
        check_inserted_rows_only(triggers);
    }
}

bool settles_all_rows(const QueryDesc *query) {
    ListCell *cell;
    foreach (cell, query->estate->es_opened_result_relations) {
        if (!is_settled(lfirst_node(ResultRelInfo, cell)->ri_TrigDesc)) {
            return false;
        }
    }
    return true;
}

MarkerMemory *get_marker_memory(FunctionCallInfo call) {
    if (call->flinfo->fn_extra == nullptr) {
        call->flinfo->fn_extra = MemoryContextAllocZero(call->flinfo->fn_mcxt, sizeof(MarkerMemory));
    }
    return static_cast<MarkerMemory *>(call->flinfo->fn_extra);
}

bool may_have_moved(int64 deletion) {
    const QueryDesc *query = session::running_statement();
    ListCell *cell;
    foreach (cell, query == nullptr ? NIL : query->estate->es_opened_result_relations) {
        const auto *target = lfirst_node(ResultRelInfo, cell);
        if (!is_settled(target->ri_TrigDesc)) {
            continue;
        }
        const auto *memory = static_cast<const MarkerMemory *>(
            target->ri_TrigFunctions[target->ri_TrigDesc->numtriggers - 1].fn_extra);
        if (memory != nullptr && memory->deletions != nullptr
            && hash_search(memory->deletions, &deletion, HASH_FIND, nullptr) != nullptr) {
            return true;
        }
    }
    return false;
}

HeapTuple settle_row(FunctionCallInfo call, const TriggerData *data) {
    session::RegisteredTable table;
    if (!session::find_registered_table(RelationGetRelid(data->tg_relation), &table)) {
        return data->tg_newtuple;
    }
    bool is_removal = (session::running_statement_notes() & session::note_removal) != 0;
    HeapTuple row = is_removal ? data->tg_newtuple : settle(data, table);
    if (row != nullptr && data->tg_relation->rd_rel->relispartition) {
        note_deletion(call, row, table, data->tg_relation);
    }
    return row;
}

} // namespace softdelete::deletion
