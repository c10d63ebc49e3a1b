// Recognizes the sessions and statements to which the filter does not apply.
#include "session/plan_notes.hpp"

#include "session/own_statement.hpp"
#include "session/session_visibility.hpp"
#include "session/utility_commands.hpp"

extern "C" {
#include "miscadmin.h"
#include "nodes/makefuncs.h"
}

#include <cstring>

namespace softdelete::session {

namespace {

// A cache identifier that no cache has: the plan cache compares it and goes on.
constexpr int note_cache_id = -770713;

bool starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

// ri_triggers.c sets SECURITY_NOFORCE_RLS around its queries, but triggers that those queries fire inherit it: the
// text has to have the shape that ri_triggers.c gives it as well, quoted names and parameters included.
bool is_foreign_key_query(const char *text) {
    if (text == nullptr) {
        return false;
    }
    if (validates_constraints() && starts_with(text, "SELECT fk.")) {
        return true;
    }
    if (!InNoForceRLSOperation() || strstr(text, " OPERATOR(") == nullptr || strchr(text, '$') == nullptr) {
        return false;
    }
    for (const char *beginning : {"SELECT 1 FROM ", "DELETE FROM ", "UPDATE "}) {
        if (starts_with(text, beginning)) {
            const char *name = text + strlen(beginning);
            name += starts_with(name, "ONLY ") ? strlen("ONLY ") : 0;
            return *name == '"' || *name == '('; // a temporal key's check has a sub-select
        }
    }
    return false;
}

// The actions of rules come with the text of the statement that they are added to, or that they replace.
bool is_written_by_rule(const Query *query) {
    return query != nullptr && query->querySource != QSRC_ORIGINAL;
}

bool writes(const Query *query) {
    return query != nullptr && (query->commandType == CMD_UPDATE || query->commandType == CMD_DELETE);
}

void recognize(const Query *query, const char *text, Statement *statement) {
    if (is_written_by_rule(query)) {
        return;
    }
    if (const OwnTraits *own = find_own_statement(text); own != nullptr) {
        statement->notes = own->notes | note_own;
        statement->is_cascade = (own->notes & note_cascade) != 0;
        statement->is_removal = (own->notes & note_removal) != 0;
    } else if (is_foreign_key_query(text)) {
        statement->is_foreign_key = true;
        statement->notes = writes(query) ? uint32{note_referential} : 0;
    }
}

} // namespace

Statement begin_statement(const Query *query, const char *query_string, ParamListInfo parameters) {
    SessionView view = session_view();
    Statement statement = {};
    recognize(query, query_string, &statement);
    statement.is_of_citus = query_string == nullptr;
    statement.is_unfiltered = statement.is_foreign_key || view.is_unfiltered;
    // A statement of ours says itself which rows it is about, whatever the session wants to see.
    bool is_own = (statement.notes & note_own) != 0;
    statement.visibility = is_own ? settings::Visibility::active : view.visibility;
    statement.parameters = parameters;
    return statement;
}

void note_in_plan(PlannedStmt *plan, const Statement &statement) {
    if (statement.notes != 0) {
        PlanInvalItem *note = makeNode(PlanInvalItem);
        note->cacheId = note_cache_id;
        note->hashValue = statement.notes;
        plan->invalItems = lappend(plan->invalItems, note);
    }
    plan->invalItems = list_concat(plan->invalItems, statement.invalidations);
    plan->dependsOnRole = plan->dependsOnRole || statement.depends_on_role;
}

uint32 notes_of_plan(const PlannedStmt *plan) {
    ListCell *cell;
    foreach (cell, plan->invalItems) {
        const PlanInvalItem *item = lfirst_node(PlanInvalItem, cell);
        if (item->cacheId == note_cache_id) {
            return item->hashValue;
        }
    }
    return 0;
}

bool is_plain_soft_delete(const PlannedStmt *plan) {
    return plan->commandType == CMD_DELETE && !plan->hasModifyingCTE && plan->planTree != nullptr
           && IsA(plan->planTree, ModifyTable)
           && castNode(ModifyTable, plan->planTree)->operation == CMD_UPDATE;
}

} // namespace softdelete::session
