// Recognizes the sessions and statements to which the filter does not apply.
#include "session/plan_notes.hpp"

#include "session/session_visibility.hpp"

extern "C" {
#include "access/xact.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/memutils.h"
}

#include <cstring>

namespace softdelete::session {

namespace {

// A cache identifier that no cache has: the plan cache compares it and goes on.
constexpr int note_cache_id = -770713;

// The utility commands that run, the innermost last.
struct UtilityCommand {
    int nest_level;
    bool validates_constraints;
};

UtilityCommand *commands = nullptr;
int depth = 0;
int capacity = 0;

const char *announced_removal = nullptr;

bool starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

// ri_triggers.c sets SECURITY_NOFORCE_RLS around its queries, but triggers that those queries fire inherit it: the
// text has to have the shape that ri_triggers.c gives it as well.
bool is_foreign_key_query(const char *text) {
    if (text == nullptr) {
        return false;
    }
    if (depth > 0 && commands[depth - 1].validates_constraints && starts_with(text, "SELECT fk.")) {
        return true;
    }
    if (!InNoForceRLSOperation() || strstr(text, " OPERATOR(") == nullptr) {
        return false;
    }
    return starts_with(text, "SELECT 1 FROM ") || starts_with(text, "DELETE FROM ")
           || starts_with(text, "UPDATE ");
}

} // namespace

bool is_cascade_query(const char *text) {
    return text != nullptr && InNoForceRLSOperation() && starts_with(text, cascade_text);
}

namespace {

// The actions of rules come with the text of the statement that they are added to, or that they replace.
bool is_written_by_rule(const Query *query) {
    return query != nullptr && query->querySource != QSRC_ORIGINAL;
}

bool is_removal_query(const char *text) {
    bool is_announced = text != nullptr && announced_removal != nullptr && InNoForceRLSOperation()
                        && strcmp(text, announced_removal) == 0;
    if (is_announced) {
        announced_removal = nullptr;
    }
    return is_announced;
}

} // namespace

RemovalStatementScope::RemovalStatementScope(const std::string &text) noexcept {
    announced_removal = text.c_str();
}

RemovalStatementScope::~RemovalStatementScope() {
    announced_removal = nullptr;
}

void begin_utility_command(bool validates_constraints) {
    if (depth == capacity) {
        int wanted = capacity == 0 ? 16 : capacity * 2;
        Size size = sizeof(UtilityCommand) * static_cast<Size>(wanted);
        commands = static_cast<UtilityCommand *>(
            commands == nullptr ? MemoryContextAlloc(TopMemoryContext, size) : repalloc(commands, size));
        capacity = wanted;
    }
    commands[depth++] = {GetCurrentTransactionNestLevel(), validates_constraints};
}

void end_utility_command() noexcept {
    depth = Max(depth - 1, 0);
}

void forget_utility_commands(int nest_level) noexcept {
    while (depth > 0 && commands[depth - 1].nest_level >= nest_level) {
        depth--;
    }
}

Statement begin_statement(const Query *query, const char *query_string, ParamListInfo parameters) {
    SessionView view = session_view();
    Statement statement = {};
    if (!is_written_by_rule(query)) {
        statement.is_foreign_key = is_foreign_key_query(query_string);
        statement.is_cascade = is_cascade_query(query_string);
        statement.is_removal = is_removal_query(query_string);
    }
    statement.is_unfiltered = statement.is_foreign_key || view.is_unfiltered;
    statement.visibility = view.visibility;
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
