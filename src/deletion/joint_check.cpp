// A new row with a live parent is the usual case, and the only one that is decided here: the parent is found by the server's
// own snapshot, locked FOR KEY SHARE as the server locks it (ExecLockRows() in src/backend/executor/nodeLockRows.c), and
// neither deleted nor replaced by a newer version. In every other case nothing has been decided: the server's trigger function
// is called, which raises the errors that it raises, and then ours.
//
// A trigger's function is called by the FmgrInfo that the executor keeps for the statement (see
// session/referential_triggers). So the server's trigger keeps its place among the others, and where its events fire with
// another statement, the server's function fires there. Hence only triggers are joined whose events fire with the statement that
// makes them. Called by hooks/executor_hook.
#include "deletion/joint_check.hpp"

#include "catalog/foreign_key_info.hpp"
#include "deletion/parent_probe.hpp"
#include "session/extension_functions.hpp"

extern "C" {
#include "access/tableam.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
}

#include <cstring>

namespace softdelete::deletion {

namespace {

// What is called instead of the server's function. Lives as long as the statement.
struct JointCheck {
    Trigger *own; // in the statement's copy of the table's triggers
    FmgrInfo server_function;
    FmgrInfo own_function; // not looked up before it is called
    MemoryContext memory;
    ParentProbe *probe; // null until the first row
};

void call(FunctionCallInfo info, FmgrInfo *function, Trigger *trigger) {
    auto *data = reinterpret_cast<TriggerData *>(info->context);
    FmgrInfo *called = info->flinfo;
    Trigger *fired = data->tg_trigger;
    info->flinfo = function;
    data->tg_trigger = trigger;
    (void)FunctionCallInvoke(info);
    info->flinfo = called;
    data->tg_trigger = fired;
}

bool has_live_parent(JointCheck *check, const TriggerData *data) {
    if (check->probe == nullptr) {
        check->probe = make_parent_probe(data->tg_trigger->tgconstraint, data->tg_relation, check->memory);
    }
    return is_live_parent_locked(check->probe, data->tg_trigslot);
}

Datum check_jointly(FunctionCallInfo info) {
    auto *check = static_cast<JointCheck *>(info->flinfo->fn_extra);
    auto *data = reinterpret_cast<TriggerData *>(info->context);
    bool is_done = TRIGGER_FIRED_BY_INSERT(data->tg_event)
                   && table_tuple_satisfies_snapshot(data->tg_relation, data->tg_trigslot, SnapshotSelf)
                   && has_live_parent(check, data);
    if (!is_done) {
        call(info, &check->server_function, data->tg_trigger);
        if (!OidIsValid(check->own_function.fn_oid)) {
            fmgr_info_cxt(check->own->tgfoid, &check->own_function, check->memory);
        }
        call(info, &check->own_function, check->own);
    }
    return Datum{0};
}

// The server's check of new rows for the key that our trigger names; nullptr where it has another time than ours.
Trigger *find_server_check(const TriggerDesc *triggers, const Trigger &own) {
    for (int i = 0; i < triggers->numtriggers; i++) {
        Trigger &trigger = triggers->triggers[i];
        catalog::ForeignKeyInfo key;
        if (trigger.tgfoid == F_RI_FKEY_CHECK_INS && catalog::find_foreign_key(trigger.tgconstraint, &key)
            && strcmp(NameStr(key.name), own.tgargs[0]) == 0) {
            return trigger.tgenabled == own.tgenabled && !trigger.tgdeferrable ? &trigger : nullptr;
        }
    }
    return nullptr;
}

void join(EState *state, ResultRelInfo *target, Trigger *own) {
    Trigger *server = find_server_check(target->ri_TrigDesc, *own);
    if (server == nullptr) {
        return;
    }
    auto *check = static_cast<JointCheck *>(MemoryContextAllocZero(state->es_query_cxt, sizeof(JointCheck)));
    FmgrInfo *place = &target->ri_TrigFunctions[server - target->ri_TrigDesc->triggers];
    fmgr_info_cxt(server->tgfoid, &check->server_function, state->es_query_cxt);
    check->own = own;
    check->memory = state->es_query_cxt;
    *place = check->server_function;
    place->fn_addr = check_jointly;
    place->fn_extra = check;
    own->tgenabled = TRIGGER_DISABLED;
}

// Does the statement do nothing but insert, and fire the triggers of what it does itself?
bool is_plain_insert(const QueryDesc *query) {
    const PlannedStmt *plan = query->plannedstmt;
    return query->operation == CMD_INSERT && !plan->hasModifyingCTE && IsA(plan->planTree, ModifyTable)
           && castNode(ModifyTable, plan->planTree)->onConflictAction != ONCONFLICT_UPDATE
           && (query->estate->es_top_eflags & EXEC_FLAG_SKIP_TRIGGERS) == 0;
}

} // namespace

void join_parent_checks(const QueryDesc *query) {
    if (!is_plain_insert(query)) {
        return;
    }
    const session::ExtensionFunctions *functions = session::find_extension_functions();
    ListCell *cell;
    foreach (cell, query->estate->es_opened_result_relations) {
        auto *target = lfirst_node(ResultRelInfo, cell);
        TriggerDesc *triggers = target->ri_TrigDesc;
        if (functions == nullptr || triggers == nullptr
            || target->ri_RelationDesc->rd_rel->relkind != RELKIND_RELATION) {
            continue;
        }
        for (int i = 0; i < triggers->numtriggers; i++) {
            Trigger &trigger = triggers->triggers[i];
            if (trigger.tgfoid == functions->check_parent && trigger.tgenabled != TRIGGER_DISABLED
                && trigger.tgnargs == 1 && !trigger.tgdeferrable) {
                join(query->estate, target, &trigger);
            }
        }
    }
}

} // namespace softdelete::deletion
