// The executor works on a copy of the table's triggers that it makes for each execution (InitResultRelInfo() in
// src/backend/executor/execMain.c). A trigger that is disabled there does not fire, and where none is left for rows the
// executor neither fetches nor locks each row for them.
#include "commands/answered_triggers.hpp"

#include "catalog/foreign_key_info.hpp"
#include "planner/registered_table.hpp"

extern "C" {
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "nodes/execnodes.h"
}

#include <algorithm>
#include <cstring>
#include <utility>

namespace softdelete::commands {

namespace {

const AnsweredTriggersScope *announced = nullptr;

} // namespace

AnsweredTriggersScope::AnsweredTriggersScope(const char *sql, const Oid *keys, int count) noexcept
    : sql_(sql)
    , keys_(keys)
    , count_(count) {
    announced = this;
}

AnsweredTriggersScope::~AnsweredTriggersScope() {
    announced = nullptr;
}

bool AnsweredTriggersScope::is_answered(const Trigger &trigger) const {
    if (planner::is_marker_function(trigger.tgfoid)) {
        return true;
    }
    catalog::ForeignKeyInfo key;
    return catalog::is_binding_delete_action(trigger.tgfoid)
           && catalog::find_foreign_key(trigger.tgconstraint, &key) && catalog::compares_by_equality(key)
           && std::find(keys_, keys_ + count_, key.root) != keys_ + count_;
}

void leave_out_triggers(const QueryDesc *query) {
    if (announced == nullptr || query->sourceText == nullptr
        || strcmp(query->sourceText, announced->sql_) != 0) {
        return;
    }
    const AnsweredTriggersScope *scope = std::exchange(announced, nullptr);
    ListCell *cell;
    foreach (cell, query->estate->es_opened_result_relations) {
        TriggerDesc *triggers = lfirst_node(ResultRelInfo, cell)->ri_TrigDesc;
        bool has_before = false;
        bool has_after = false;
        for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
            Trigger &trigger = triggers->triggers[i];
            if (scope->is_answered(trigger)) {
                trigger.tgenabled = TRIGGER_DISABLED;
            } else if (TRIGGER_FOR_ROW(trigger.tgtype) && TRIGGER_FOR_DELETE(trigger.tgtype)) {
                has_before = has_before || TRIGGER_FOR_BEFORE(trigger.tgtype);
                has_after = has_after || TRIGGER_FOR_AFTER(trigger.tgtype);
            }
        }
        if (triggers != nullptr) {
            triggers->trig_delete_before_row = has_before;
            triggers->trig_delete_after_row = has_after;
        }
    }
}

} // namespace softdelete::commands
