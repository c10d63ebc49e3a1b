// Finds the triggers that a converted DELETE need not fire. The executor hook calls it before the statement runs. The
// server's own foreign-key checks would find row by row that no key has changed (RI_FKey_pk_upd_check_required() and
// RI_FKey_fk_upd_check_required() in src/backend/utils/adt/ri_triggers.c), and fetch each old row for that. How a
// trigger is left out stands in deletion/skipped_triggers.
#include "deletion/skipped_deletion_triggers.hpp"

#include "deletion/skipped_triggers.hpp"
#include "pg/column_expression.hpp"
#include "session/extension_functions.hpp"
#include "session/plan_notes.hpp"
#include "session/registered_table.hpp"
#include "session/running_statements.hpp"

extern "C" {
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/fmgroids.h"
#include "utils/relcache.h"
}

namespace softdelete::deletion {

namespace {

bool is_written(const session::RegisteredTable &table, AttrNumber column) {
    return column == table.deleted_at || column == table.deletion_id
           || (table.deleted_by != InvalidAttrNumber && column == table.deleted_by);
}

// Offset as in an RTE's updatedCols.
Bitmapset *get_written_columns(const session::RegisteredTable &table) {
    Bitmapset *columns = nullptr;
    for (AttrNumber column : {table.deleted_at, table.deleted_by, table.deletion_id}) {
        if (column != InvalidAttrNumber) {
            columns = bms_add_member(columns, column - FirstLowInvalidHeapAttributeNumber);
        }
    }
    return columns;
}

bool writes_referenced_columns(Relation relation, const Bitmapset *written) {
    Bitmapset *keys = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_KEY);
    bool found = bms_overlap(keys, written);
    bms_free(keys);
    return found;
}

bool writes_links(Relation relation, const session::RegisteredTable &table) {
    ListCell *cell;
    foreach (cell, RelationGetFKeyList(relation)) { // nothing is looked up
        const auto *key = lfirst_node(ForeignKeyCacheInfo, cell);
        for (int i = 0; i < key->nkeys; i++) {
            if (is_written(table, key->conkey[i])) {
                return true;
            }
        }
    }
    return false;
}

bool checks_referenced_key(Oid function) {
    return function == F_RI_FKEY_NOACTION_UPD || function == F_RI_FKEY_RESTRICT_UPD
           || function == F_RI_FKEY_CASCADE_UPD || function == F_RI_FKEY_SETNULL_UPD
           || function == F_RI_FKEY_SETDEFAULT_UPD;
}

// One that the server counts with, be it enabled or not, and that is there without us.
bool has_update_trigger(Relation relation) {
    const session::ExtensionFunctions *functions = session::find_extension_functions();
    const TriggerDesc *triggers = relation->trigdesc; // nothing is looked up
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        const Trigger &trigger = triggers->triggers[i];
        if (TRIGGER_TYPE_MATCHES(trigger.tgtype, TRIGGER_TYPE_ROW, TRIGGER_TYPE_BEFORE, TRIGGER_TYPE_UPDATE)
            && trigger.tgfoid != functions->lock_row) {
            return true;
        }
    }
    return false;
}

class DeletionAnswers : public session::TriggerAnswers {
public:
    // may_have_new_rows: the server looks at the link of a row that this transaction has inserted as if it were new,
    // because the check of the insert leaves it to the update.
    explicit DeletionAnswers(bool may_have_new_rows) : may_have_new_rows_(may_have_new_rows) {}

    bool is_answered(Relation relation, const Trigger &trigger) override {
        look_at(relation);
        return is_about_other_columns(relation, trigger) || (keeps_keys_ && is_answered(trigger));
    }

private:
    void look_at(Relation relation) {
        if (RelationGetRelid(relation) == relation_) {
            return;
        }
        relation_ = RelationGetRelid(relation);
        is_registered_ = session::find_registered_table(relation_, &table_);
        keeps_keys_ = writes_rows_as_said(relation) && is_registered_;
        written_ = is_registered_ ? get_written_columns(table_) : nullptr;
        changes_rows_ = has_update_trigger(relation);
        if (keeps_keys_) {
            is_locked_ = has_lock_trigger(relation);
            writes_referenced_ = writes_referenced_columns(relation, written_);
            writes_links_ = writes_links(relation, table_);
        }
    }

    // The statement names the columns of keys as well, for the lock that the executor takes then: a partition may have a
    // trigger on these. To the executor all generated columns are written where a row trigger may still change what they
    // are made of (ExecInitStoredGenerated() in src/backend/executor/nodeModifyTable.c).
    bool is_about_other_columns(Relation relation, const Trigger &trigger) const {
        for (int i = 0; i < trigger.tgnattr; i++) {
            bool is_generated =
                TupleDescAttr(RelationGetDescr(relation), trigger.tgattr[i] - 1)->attgenerated != '\0';
            if (is_generated ? changes_rows_ || pg::is_made_from(relation, trigger.tgattr[i], written_)
                             : is_written(table_, trigger.tgattr[i])) {
                return false;
            }
        }
        return is_registered_ && trigger.tgnattr > 0;
    }

    static bool has_lock_trigger(Relation relation) {
        const session::ExtensionFunctions *functions = session::find_extension_functions();
        const TriggerDesc *triggers = relation->trigdesc; // nothing is looked up
        for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
            const Trigger &trigger = triggers->triggers[i];
            if (trigger.tgfoid == functions->lock_row) {
                return trigger.tgenabled == TRIGGER_FIRES_ON_ORIGIN
                       || trigger.tgenabled == TRIGGER_FIRES_ALWAYS;
            }
        }
        return false;
    }

    bool is_answered(const Trigger &trigger) const {
        const session::ExtensionFunctions *functions = session::find_extension_functions();
        if (trigger.tgfoid == functions->check_parent) {
            return true;
        }
        if (trigger.tgfoid == functions->collect_deleted) {
            return is_locked_;
        }
        if (trigger.tgfoid == F_RI_FKEY_CHECK_UPD) {
            return !may_have_new_rows_ && !trigger.tgdeferrable && !writes_links_;
        }
        return checks_referenced_key(trigger.tgfoid) && !writes_referenced_;
    }

    const bool may_have_new_rows_;
    Oid relation_ = InvalidOid;
    session::RegisteredTable table_ = {};
    bool is_registered_ = false;
    Bitmapset *written_ = nullptr;
    bool changes_rows_ = false;
    bool keeps_keys_ = false;
    bool is_locked_ = false;
    bool writes_referenced_ = true;
    bool writes_links_ = true;
};

// An UPDATE that does not write deleted_at deletes nothing, unless a trigger does.
class UpdateAnswers : public session::TriggerAnswers {
public:
    bool is_answered(Relation relation, const Trigger &trigger) override {
        const session::ExtensionFunctions *functions = session::find_extension_functions();
        bool is_about_deletions = trigger.tgfoid == functions->lock_row
                                  || trigger.tgfoid == functions->collect_deleted
                                  || trigger.tgfoid == functions->check_children;
        return is_about_deletions && !has_changing_trigger(relation);
    }
};

bool has_generated_columns(Relation table) {
    const TupleConstr *constraints = RelationGetDescr(table)->constr;
    return constraints != nullptr && constraints->has_generated_stored;
}

// True for a trigger without columns.
bool is_about(Relation relation, const Trigger &trigger, const Bitmapset *columns) {
    for (int i = 0; i < trigger.tgnattr; i++) {
        if (pg::is_made_from(relation, trigger.tgattr[i], columns)) {
            return true;
        }
    }
    return trigger.tgnattr == 0;
}

} // namespace

bool writes_rows_as_said(Relation table) {
    return !has_generated_columns(table) && !has_changing_trigger(table);
}

void leave_out_deletion_triggers(const QueryDesc *query) {
    uint32 notes = session::notes_of_plan(query->plannedstmt);
    if ((notes & session::note_planned) == 0 || session::find_extension_functions() == nullptr) {
        return;
    }
    if (session::is_plain_soft_delete(query->plannedstmt)) {
        DeletionAnswers answers(!session::is_first_writer());
        leave_out(query, CMD_UPDATE, &answers);
        return;
    }
    if ((notes & session::note_soft) == 0 && query->operation != CMD_DELETE) {
        UpdateAnswers answers;
        leave_out(query, CMD_UPDATE, &answers);
    }
}

void leave_out_generated_column_triggers(const QueryDesc *query) {
    // In a MERGE all of them count as written.
    if ((session::notes_of_plan(query->plannedstmt) & session::note_planned) == 0
        || query->operation == CMD_MERGE || session::find_extension_functions() == nullptr) {
        return;
    }
    bool is_soft_delete = session::is_plain_soft_delete(query->plannedstmt);
    ListCell *cell;
    foreach (cell, query->estate->es_opened_result_relations) {
        auto *target = lfirst_node(ResultRelInfo, cell);
        Relation relation = target->ri_RelationDesc;
        session::RegisteredTable table;
        if (target->ri_TrigDesc == nullptr || !has_generated_columns(relation) || has_update_trigger(relation)
            || !session::find_registered_table(RelationGetRelid(relation), &table)) {
            continue;
        }
        const Bitmapset *written =
            is_soft_delete ? get_written_columns(table) : ExecGetUpdatedCols(target, query->estate);
        for (int i = 0; i < target->ri_TrigDesc->numtriggers; i++) {
            Trigger &trigger = target->ri_TrigDesc->triggers[i];
            if (TRIGGER_FOR_UPDATE(trigger.tgtype) && !is_about(relation, trigger, written)) {
                trigger.tgenabled = TRIGGER_DISABLED;
            }
        }
    }
}

} // namespace softdelete::deletion
