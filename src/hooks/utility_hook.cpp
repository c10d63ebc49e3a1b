// ProcessUtility: COPY table TO becomes COPY (SELECT ...) where the filter applies, as the server does it under row
// security; TRUNCATE of a registered table is refused; SET CONSTRAINTS of a foreign key reaches our triggers; views and
// columns that register() has made already are skipped; commands that validate foreign keys are marked for their
// duration.
#include "hooks/hooks.hpp"

#include "deletion/open_deletions.hpp"
#include "deletion/refuse_truncate.hpp"
#include "pg/compat.hpp"
#include "rows/collected_rows.hpp"
#include "session/copied_tables.hpp"
#include "session/plan_notes.hpp"
#include "session/session_visibility.hpp"
#include "session/utility_commands.hpp"
#include "utility/adopt_existing.hpp"
#include "utility/copy_from.hpp"
#include "utility/copy_to.hpp"
#include "utility/set_constraints.hpp"
#include "utility/skip_unchanged.hpp"

extern "C" {
#include "tcop/utility.h"
}

namespace softdelete::hooks {

namespace {

ProcessUtility_hook_type next_utility = nullptr;

// ALTER TABLE and ATTACH PARTITION check foreign keys by queries of their own.
bool validates_constraints(const Node *statement) {
    return IsA(statement, AlterTableStmt) || IsA(statement, CreateStmt) || IsA(statement, IndexStmt);
}

bool writes_rows(const Node *statement) {
    return IsA(statement, CopyStmt) || IsA(statement, TruncateStmt) || IsA(statement, AlterTableStmt);
}

extern "C" void softdelete_utility(PlannedStmt *plan, const char *query_string, bool read_only_tree,
                                   ProcessUtilityContext context, ParamListInfo parameters,
                                   QueryEnvironment *environment, DestReceiver *receiver,
                                   QueryCompletion *completion) {
    session::follow_session_view();
    if (IsA(plan->utilityStmt, CopyStmt)) {
        plan = utility::filter_copy(plan, &read_only_tree);
        plan = utility::check_copy(plan, &read_only_tree);
    } else if (IsA(plan->utilityStmt, ConstraintsSetStmt)) {
        plan = utility::add_own_constraints(plan, &read_only_tree);
    }
    if (IsA(plan->utilityStmt, CreateTableAsStmt)) {
        Node *query = castNode(CreateTableAsStmt, plan->utilityStmt)->query;
        if (IsA(query, Query)) {
            session::note_copied_tables(castNode(Query, query));
        }
    }
    if (utility::is_existing_view(plan, query_string)) {
        return;
    }
    if (utility::is_existing_index(plan)) {
        return;
    }
    plan = utility::skip_existing_columns(plan, &read_only_tree);
    plan = utility::skip_unchanged_parts(plan, &read_only_tree);
    if (plan == nullptr) {
        return;
    }
    if (IsA(plan->utilityStmt, TruncateStmt)) {
        deletion::refuse_truncate(castNode(TruncateStmt, plan->utilityStmt));
    }
    deletion::write_deletions();
    bool is_writing = writes_rows(plan->utilityStmt);
    session::begin_utility_command(validates_constraints(plan->utilityStmt), is_writing);
    auto *process = next_utility != nullptr ? next_utility : standard_ProcessUtility;
    process(plan, query_string, read_only_tree, context, parameters, environment, receiver, completion);
    if (is_writing) {
        rows::insert_collected_rows();
    }
    session::end_utility_command();
    session::follow_session_view();
}

} // namespace

void install_utility_hook() {
    next_utility = ProcessUtility_hook;
    ProcessUtility_hook = softdelete_utility;
}

} // namespace softdelete::hooks
