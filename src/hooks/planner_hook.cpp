// planner_hook: every statement passes here after rewriting. Plain server code without a guard: nothing here owns
// anything, so a server error may pass.
#include "hooks/hooks.hpp"

#include "pg/compat.hpp"
#include "planner/keep_self_joins.hpp"
#include "planner/mark_references.hpp"
#include "planner/transform_query.hpp"
#include "session/copied_tables.hpp"
#include "session/own_statement.hpp"
#include "session/referential_triggers.hpp"
#include "session/session_visibility.hpp"

namespace softdelete::hooks {

namespace {

planner_hook_type next_planner = nullptr;

extern "C" PlannedStmt *softdelete_planner(Query *query, const char *query_string, int cursor_options,
                                           ParamListInfo parameters SOFTDELETE_PLANNER_EXTRA_PARAMETER) {
    CmdType command = query->commandType;
    session::follow_session_view();
    if (!session::workers_have_session_view()) {
        cursor_options &= ~CURSOR_OPT_PARALLEL_OK;
    }
    if (command == CMD_INSERT && list_length(query->rtable) > 1) {
        session::note_copied_tables(query);
    }
    Assert(planner::is_planned_as_owner(query_string, query));
    session::Statement statement = session::begin_statement(query, query_string, parameters);
    planner::refuse_others_members(query_string, query, statement.is_foreign_key);
    planner::transform_query(query, &statement);
    int nest_level = planner::begin_planning(statement);
    int called_level = session::begin_called_planning(query_string);
    pg::Acting acting = session::begin_planning_as_others();
    auto *plan_statement = next_planner != nullptr ? next_planner : standard_planner;
    PlannedStmt *plan =
        plan_statement(query, query_string, cursor_options, parameters SOFTDELETE_PLANNER_EXTRA_ARGUMENT);
    session::end_acting_as_others(acting);
    session::end_called_planning(called_level);
    planner::end_planning(nest_level);
    session::note_in_plan(plan, statement);
    // The executor goes by the plan's ModifyTable; this field only makes the command tag and SPI's result code.
    if (command == CMD_DELETE) {
        plan->commandType = CMD_DELETE;
    }
    return plan;
}

} // namespace

void install_planner_hook() {
    next_planner = planner_hook;
    planner_hook = softdelete_planner;
}

} // namespace softdelete::hooks
