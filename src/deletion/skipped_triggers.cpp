// Leaves triggers out of one execution of a statement. The executor works on a copy of the table's triggers that it
// makes for each execution (InitResultRelInfo() in src/backend/executor/execMain.c): a trigger that is disabled there
// does not fire, and where none is left for rows the executor neither fetches nor locks each row. Commands announce
// their statements here; the executor hook carries it out.
#include "deletion/skipped_triggers.hpp"

#include "session/extension_functions.hpp"
#include "session/plan_notes.hpp"
#include "session/running_statements.hpp"

extern "C" {
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "nodes/execnodes.h"
#include "parser/parsetree.h"
}

namespace softdelete::deletion {

namespace {

// The table that the statement names, whichever partitions it writes.
Oid get_named_table(const PlannedStmt *plan) {
    if (plan->planTree == nullptr || !IsA(plan->planTree, ModifyTable)) {
        return InvalidOid;
    }
    return rt_fetch(castNode(ModifyTable, plan->planTree)->nominalRelation, plan->rtable)->relid;
}

bool is_for_command(const Trigger &trigger, CmdType command) {
    return command == CMD_DELETE   ? TRIGGER_FOR_DELETE(trigger.tgtype)
           : command == CMD_UPDATE ? TRIGGER_FOR_UPDATE(trigger.tgtype)
                                   : TRIGGER_FOR_INSERT(trigger.tgtype);
}

// A statement reads the enabled state of each when it begins and ends.
void leave_out_statement_triggers(ResultRelInfo *target, CmdType command, session::TriggerAnswers *answers) {
    TriggerDesc *triggers = target->ri_TrigDesc;
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        Trigger &trigger = triggers->triggers[i];
        if (is_for_command(trigger, command) && !TRIGGER_FOR_ROW(trigger.tgtype)
            && answers->is_answered(target->ri_RelationDesc, trigger)) {
            trigger.tgenabled = TRIGGER_DISABLED;
        }
    }
}

void leave_out_of(ResultRelInfo *target, CmdType command, session::TriggerAnswers *answers) {
    TriggerDesc *triggers = target->ri_TrigDesc;
    if (triggers == nullptr) {
        return;
    }
    bool has_before = false;
    bool has_after = false;
    for (int i = 0; i < triggers->numtriggers; i++) {
        Trigger &trigger = triggers->triggers[i];
        if (!is_for_command(trigger, command) || !TRIGGER_FOR_ROW(trigger.tgtype)) {
            continue;
        }
        if (answers->is_answered(target->ri_RelationDesc, trigger)) {
            trigger.tgenabled = TRIGGER_DISABLED;
        } else {
            has_before = has_before || TRIGGER_FOR_BEFORE(trigger.tgtype);
            has_after = has_after || TRIGGER_FOR_AFTER(trigger.tgtype);
        }
    }
    (command == CMD_DELETE   ? triggers->trig_delete_before_row
     : command == CMD_UPDATE ? triggers->trig_update_before_row
                             : triggers->trig_insert_before_row) = has_before;
    (command == CMD_DELETE   ? triggers->trig_delete_after_row
     : command == CMD_UPDATE ? triggers->trig_update_after_row
                             : triggers->trig_insert_after_row) = has_after;
}

void leave_out_guard_of(TriggerDesc *triggers) {
    bool has_other = false;
    for (int i = 0; i < triggers->numtriggers; i++) {
        Trigger &trigger = triggers->triggers[i];
        if (!TRIGGER_TYPE_MATCHES(trigger.tgtype, TRIGGER_TYPE_STATEMENT, TRIGGER_TYPE_BEFORE,
                                  TRIGGER_TYPE_UPDATE)) {
            continue;
        }
        if (trigger.tgfoid == session::find_extension_functions()->on_update) {
            trigger.tgenabled = TRIGGER_DISABLED;
        } else {
            has_other = true;
        }
    }
    triggers->trig_update_before_statement = has_other;
}

} // namespace

void leave_out_guard(const QueryDesc *query) {
    if (session::running_statement_notes() == 0 || session::find_extension_functions() == nullptr) {
        return;
    }
    ListCell *cell;
    foreach (cell, query->estate->es_opened_result_relations) {
        TriggerDesc *triggers = lfirst_node(ResultRelInfo, cell)->ri_TrigDesc;
        if (triggers != nullptr && triggers->trig_update_before_statement) {
            leave_out_guard_of(triggers);
        }
    }
}

void leave_out(const QueryDesc *query, CmdType command, session::TriggerAnswers *answers) {
    ListCell *cell;
    foreach (cell, query->estate->es_opened_result_relations) {
        leave_out_of(lfirst_node(ResultRelInfo, cell), command, answers);
    }
}

bool has_changing_trigger(Relation table) {
    const session::ExtensionFunctions *functions = session::find_extension_functions();
    const TriggerDesc *triggers = table->trigdesc; // nothing is looked up
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        const Trigger &trigger = triggers->triggers[i];
        if (TRIGGER_FOR_ROW(trigger.tgtype) && TRIGGER_FOR_BEFORE(trigger.tgtype)
            && (TRIGGER_FOR_UPDATE(trigger.tgtype) || TRIGGER_FOR_INSERT(trigger.tgtype))
            && (functions == nullptr || trigger.tgfoid != functions->lock_row)) {
            return true;
        }
    }
    return false;
}

bool leave_out_triggers(const QueryDesc *query) {
    const session::OwnTraits *own = session::running_own_statement();
    if (own == nullptr || own->skipped.answers == nullptr || query->operation != own->skipped.command
        || get_named_table(query->plannedstmt) != own->skipped.table) {
        return false;
    }
    leave_out(query, own->skipped.command, own->skipped.answers);
    ListCell *cell;
    foreach (cell, own->skipped.skips_statement ? query->estate->es_opened_result_relations : NIL) {
        leave_out_statement_triggers(lfirst_node(ResultRelInfo, cell), own->skipped.command,
                                     own->skipped.answers);
    }
    return true;
}

} // namespace softdelete::deletion
