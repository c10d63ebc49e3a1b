// The executor looks up what it needs to fire an event of another relation than its own once per statement, in a
// ResultRelInfo that it makes for it (ExecGetTriggerResultRel() in src/backend/executor/execMain.c), and calls a trigger's
// function by the FmgrInfo there, which it fills where nobody has (ExecCallTriggerFunc() in src/backend/commands/trigger.c).
// This fills it beforehand with a function that changes the role. Called by hooks/executor_hook and hooks/planner_hook; which
// statement fires what is known to session/running_statements.
#include "session/referential_triggers.hpp"

#include "pg/called_settings.hpp"
#include "session/extension_functions.hpp"
#include "session/running_statements.hpp"

extern "C" {
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
}

namespace softdelete::session {

namespace {

// What is called instead of a trigger's function, and how. Lives as long as the statement that fires it.
struct KeptRole {
    Oid role;
    FmgrInfo function;
};

Datum call_as_kept(FunctionCallInfo call) {
    FmgrInfo *called = call->flinfo;
    auto *kept = static_cast<KeptRole *>(called->fn_extra);
    pg::Acting acting = pg::begin_acting_in_command(kept->role, 0);
    call->flinfo = &kept->function;
    Datum result = FunctionCallInvoke(call);
    call->flinfo = called;
    pg::end_acting(acting);
    return result;
}

// The server's own functions and ours see to their roles themselves.
bool is_users(Oid function) {
    return RI_FKey_trigger_type(function) == RI_TRIGGER_NONE && !is_trigger_function(function);
}

[[noreturn]] void refuse_two_roles(Relation table) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("triggers of table \"%s\" would have to run as several roles",
                           RelationGetRelationName(table)),
                    errdetail("A foreign key and a rule, or several rules, change it in one statement."),
                    errhint("Drop the rule."), errtable(table)));
    pg_unreachable();
}

void keep_role(EState *state, const Trigger &trigger, FmgrInfo *place, Relation table) {
    Oid role = GetUserId();
    if (place->fn_addr == call_as_kept) {
        if (static_cast<KeptRole *>(place->fn_extra)->role != role) {
            refuse_two_roles(table);
        }
        return;
    }
    auto *kept = static_cast<KeptRole *>(MemoryContextAllocZero(state->es_query_cxt, sizeof(KeptRole)));
    kept->role = role;
    fmgr_info_cxt(trigger.tgfoid, &kept->function, state->es_query_cxt);
    *place = kept->function;
    place->fn_addr = call_as_kept;
    place->fn_extra = kept;
}

void keep_roles(EState *state, List *tables) {
    ListCell *cell;
    foreach (cell, tables) {
        Oid table = RelationGetRelid(lfirst_node(ResultRelInfo, cell)->ri_RelationDesc);
        ResultRelInfo *target = ExecGetTriggerResultRel(state, table, nullptr);
        const TriggerDesc *triggers = target->ri_TrigDesc;
        for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
            if (is_users(triggers->triggers[i].tgfoid)) {
                keep_role(state, triggers->triggers[i], &target->ri_TrigFunctions[i],
                          target->ri_RelationDesc);
            }
        }
    }
}

} // namespace

pg::Acting begin_referential_action() {
    return firing_own_statement() == nullptr ? pg::Acting{} : pg::begin_acting_in_command(GetUserId(), 0);
}

void end_acting_as_others(const pg::Acting &acting) {
    if (OidIsValid(acting.before.user)) {
        pg::end_acting(acting);
    }
}

pg::Acting begin_planning_as_others() {
    return pg::CalledSettings::are_in_force() ? pg::begin_acting_in_command(GetUserId(), 0) : pg::Acting{};
}

void keep_role_of_triggers(const QueryDesc *query) {
    const QueryDesc *firing = firing_own_statement();
    if (firing != nullptr) {
        keep_roles(firing->estate, query->estate->es_opened_result_relations);
        keep_roles(firing->estate, query->estate->es_tuple_routing_result_relations);
    }
}

} // namespace softdelete::session
