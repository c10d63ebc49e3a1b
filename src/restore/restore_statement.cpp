// Tells the executor hook which triggers the update of a restore need not fire, and the triggers that check parents
// that the command checks the whole itself. Announced by restore/restore_errors.
#include "restore/restore_statement.hpp"

#include "deletion/skipped_deletion_triggers.hpp"
#include "pg/relation_cache.hpp"
#include "session/extension_functions.hpp"
#include "session/plan_notes.hpp"
#include "session/running_statements.hpp"

extern "C" {
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "utils/relcache.h"
}

namespace softdelete::restore {

namespace {

const ComingBackScope *innermost = nullptr;

bool is_our_trigger(Oid function) {
    const session::ExtensionFunctions *functions = session::find_extension_functions();
    return functions != nullptr
           && (function == functions->on_update || function == functions->lock_row
               || function == functions->collect_deleted || function == functions->check_children
               || function == functions->check_parent);
}

bool has_foreign_trigger(Relation table) {
    const TriggerDesc *triggers = pg::copy_triggers(table);
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        const Trigger &trigger = triggers->triggers[i];
        bool is_fired = TRIGGER_FOR_UPDATE(trigger.tgtype) || TRIGGER_FOR_INSERT(trigger.tgtype);
        if (is_fired && !trigger.tgisinternal && !is_our_trigger(trigger.tgfoid)) {
            return true;
        }
    }
    return false;
}

bool has_users_code(Relation table) {
    return table->rd_rel->relhasrules || has_foreign_trigger(table);
}

// Of the table, or of one that inherits from it.
bool is_true_of_any(Oid table, bool (*question)(Relation)) {
    ListCell *cell;
    foreach (cell, find_all_inheritors(table, AccessShareLock, nullptr)) {
        Relation relation = RelationIdGetRelation(lfirst_oid(cell));
        bool is_true = !RelationIsValid(relation) || question(relation);
        if (RelationIsValid(relation)) {
            RelationClose(relation);
        }
        if (is_true) {
            return true;
        }
    }
    return false;
}

} // namespace

bool RestoreAnswers::is_answered(Relation table, const Trigger &trigger) {
    const session::ExtensionFunctions *functions = session::find_extension_functions();
    if (functions == nullptr) {
        return false;
    }
    if (trigger.tgfoid == functions->check_parent) {
        return deletion::writes_rows_as_said(table);
    }
    return trigger.tgfoid == functions->lock_row || trigger.tgfoid == functions->collect_deleted
           || trigger.tgfoid == functions->check_children;
}

bool may_keep_rows(Oid table) {
    return is_true_of_any(table, [](Relation relation) {
        return relation->rd_rel->relrowsecurity || has_users_code(relation);
    });
}

bool fires_users_code(Oid table) {
    return is_true_of_any(table, has_users_code);
}

ComingBackScope::ComingBackScope(std::int64_t deletion, const rows::RowSet *rows) noexcept
    : deletion_(deletion)
    , deletions_(nullptr)
    , rows_(rows)
    , outer_(innermost) {
    innermost = this;
}

ComingBackScope::ComingBackScope(const std::set<std::int64_t> *deletions) noexcept
    : deletion_(0)
    , deletions_(deletions)
    , rows_(nullptr)
    , outer_(innermost) {
    innermost = this;
}

bool ComingBackScope::is_of(int64 deletion) const {
    return deletions_ == nullptr ? deletion_ == deletion : deletions_->contains(deletion);
}

ComingBackScope::~ComingBackScope() {
    innermost = outer_;
}

bool ComingBackScope::contains(int64 deletion, Oid table, const ItemPointerData *place) {
    for (const ComingBackScope *scope = innermost; scope != nullptr; scope = scope->outer_) {
        if (deletion == 0 || !scope->is_of(deletion)) {
            continue;
        }
        bool is_found = scope->rows_ == nullptr || pg::entry([&] {
                            return scope->rows_->contains(rows::RowId{table, *place});
                        });
        if (is_found) {
            return true;
        }
    }
    return false;
}

bool is_restore_statement() {
    return (session::running_statement_notes() & session::note_restore) != 0;
}

bool is_moving_back() {
    return (session::running_statement_notes() & session::note_move_back) != 0;
}

} // namespace softdelete::restore
