// The executor works on a copy of the table's triggers that it makes for each execution (InitResultRelInfo() in
// src/backend/executor/execMain.c); an event that is queued takes from it whether it can be deferred
// (AfterTriggerSaveEvent() in src/backend/commands/trigger.c).
#include "session/immediate_triggers.hpp"

#include "session/extension_functions.hpp"
#include "session/running_statements.hpp"

extern "C" {
#include "commands/trigger.h"
#include "nodes/execnodes.h"
}

namespace softdelete::session {

namespace {

// Checks that look as the owners of the tables, whoever ends the transaction.
bool keeps_its_time(Oid function) {
    const ExtensionFunctions *functions = find_extension_functions();
    return RI_FKey_trigger_type(function) != RI_TRIGGER_NONE
           || (functions != nullptr
               && (function == functions->check_children || function == functions->check_parent));
}

} // namespace

void fire_deferrable_triggers_at_once(const QueryDesc *query) {
    AtOnce fired = fired_at_once_by_running();
    if (fired == AtOnce::none) {
        return;
    }
    ListCell *cell;
    foreach (cell, query->estate->es_opened_result_relations) {
        TriggerDesc *triggers = lfirst_node(ResultRelInfo, cell)->ri_TrigDesc;
        for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
            Trigger &trigger = triggers->triggers[i];
            if (trigger.tgdeferrable && (fired == AtOnce::all || !keeps_its_time(trigger.tgfoid))) {
                trigger.tgdeferrable = trigger.tginitdeferred = false;
            }
        }
    }
}

} // namespace softdelete::session
