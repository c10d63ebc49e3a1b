// triggers/check_parent asks of an update whether the row has got another parent, or has come back to life. Where the plan says
// that neither can be, the trigger need not be queued for each row, nor its condition be parsed for each statement. The server
// decides the same for its own check row by row (RI_FKey_fk_upd_check_required() in src/backend/utils/adt/ri_triggers.c).
// Partitions are left alone: a row may come to one as a new one. Called by hooks/executor_hook.
#include "deletion/skipped_link_checks.hpp"

#include "deletion/skipped_deletion_triggers.hpp"
#include "session/extension_functions.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "commands/trigger.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

namespace softdelete::deletion {

namespace {

// The columns that the plan assigns in that table.
const List *get_assigned_columns(const ModifyTable &plan, const ResultRelInfo *target) {
    ListCell *relation;
    ListCell *columns;
    forboth (relation, plan.resultRelations, columns, plan.updateColnosLists) {
        if (lfirst_int(relation) == static_cast<int>(target->ri_RangeTableIndex)) {
            return static_cast<const List *>(lfirst(columns));
        }
    }
    return nullptr;
}

bool assigns_link(const List *columns, Relation relation) {
    ListCell *cell;
    foreach (cell, RelationGetFKeyList(relation)) { // nothing is looked up
        const auto *key = lfirst_node(ForeignKeyCacheInfo, cell);
        for (int i = 0; i < key->nkeys; i++) {
            if (list_member_int(columns, key->conkey[i])) {
                return true;
            }
        }
    }
    return false;
}

bool assigns_deleted_at(const List *columns, Relation relation) {
    session::RegisteredTable table;
    return session::find_registered_table(RelationGetRelid(relation), &table)
           && list_member_int(columns, table.deleted_at);
}

bool has_link_check(const TriggerDesc *triggers, Oid function) {
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        if (triggers->triggers[i].tgfoid == function) {
            return true;
        }
    }
    return false;
}

bool keeps_links(const ModifyTable &plan, const ResultRelInfo *target) {
    Relation relation = target->ri_RelationDesc;
    const List *columns = get_assigned_columns(plan, target);
    return relation->rd_rel->relkind == RELKIND_RELATION && !relation->rd_rel->relispartition
           && columns != nullptr && writes_rows_as_said(relation) && !assigns_deleted_at(columns, relation)
           && !assigns_link(columns, relation);
}

void leave_out_of(TriggerDesc *triggers, Oid function) {
    bool has_after = false;
    for (int i = 0; i < triggers->numtriggers; i++) {
        Trigger &trigger = triggers->triggers[i];
        if (trigger.tgfoid == function) {
            trigger.tgenabled = TRIGGER_DISABLED;
        } else {
            has_after = has_after
                        || TRIGGER_TYPE_MATCHES(trigger.tgtype, TRIGGER_TYPE_ROW, TRIGGER_TYPE_AFTER,
                                                TRIGGER_TYPE_UPDATE);
        }
    }
    triggers->trig_update_after_row = has_after;
}

} // namespace

void leave_out_link_checks(const QueryDesc *query) {
    const PlannedStmt *plan = query->plannedstmt;
    const session::ExtensionFunctions *functions = session::find_extension_functions();
    // Beside other writing queries an update is not all that fires these triggers.
    if (functions == nullptr || query->operation != CMD_UPDATE || plan->hasModifyingCTE
        || !IsA(plan->planTree, ModifyTable)) {
        return;
    }
    ListCell *cell;
    foreach (cell, query->estate->es_opened_result_relations) {
        auto *target = lfirst_node(ResultRelInfo, cell);
        if (has_link_check(target->ri_TrigDesc, functions->check_parent)
            && keeps_links(*castNode(ModifyTable, plan->planTree), target)) {
            leave_out_of(target->ri_TrigDesc, functions->check_parent);
        }
    }
}

} // namespace softdelete::deletion
