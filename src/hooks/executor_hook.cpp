// ExecutorRun and ExecutorFinish: remembers which statement runs, leaves out triggers that have nothing to say, and
// lets the cascade follow the statement. ExecutorFinish runs the AFTER triggers and the data-modifying WITH queries
// that nothing read. After an error the abort callbacks remove the entry.
#include "hooks/hooks.hpp"

#include "deletion/cascade.hpp"
#include "deletion/explain_reference.hpp"
#include "deletion/forget_empty_deletion.hpp"
#include "deletion/joint_check.hpp"
#include "deletion/lock_deleted_rows.hpp"
#include "deletion/open_deletions.hpp"
#include "deletion/restored_deletions.hpp"
#include "deletion/settle_rows.hpp"
#include "deletion/skipped_deletion_triggers.hpp"
#include "deletion/skipped_link_checks.hpp"
#include "deletion/skipped_triggers.hpp"
#include "history/collect_change.hpp"
#include "holds/hold_check.hpp"
#include "pg/compat.hpp"
#include "purge/log_hand_purge.hpp"
#include "registry/ended_registrations.hpp"
#include "rows/collected_rows.hpp"
#include "session/immediate_triggers.hpp"
#include "session/members_owners.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "session/referential_triggers.hpp"
#include "session/running_statements.hpp"
#include "session/session_visibility.hpp"

extern "C" {
#include "executor/executor.h"
}

namespace softdelete::hooks {

namespace {

ExecutorRun_hook_type next_executor_run = nullptr;
ExecutorFinish_hook_type next_executor_finish = nullptr;

extern "C" void softdelete_executor_run(QueryDesc *query, ScanDirection direction,
                                        uint64 count SOFTDELETE_EXECUTOR_RUN_EXTRA_PARAMETER) {
    registry::refuse_older_snapshot(query);
    uint32 notes = session::notes_of_plan(query->plannedstmt);
    session::set_called_settings(query->sourceText);
    session::follow_session_view();
    if ((notes & session::note_cascade) == 0) {
        deletion::write_deletions();
    }
    holds::prepare_physical_delete(query);
    session::push_running_statement(query, session::Phase::run, notes);
    session::refuse_others_members_of(query);
    session::fire_deferrable_triggers_at_once(query);
    deletion::leave_out_guard(query);
    deletion::leave_out_generated_column_triggers(query);
    if (!deletion::leave_out_triggers(query)) {
        deletion::leave_out_deletion_triggers(query);
    }
    deletion::leave_out_link_checks(query);
    deletion::lock_live_rows_as_ever(query);
    deletion::let_markers_settle(query);
    deletion::join_parent_checks(query); // where the triggers have their places now
    deletion::forget_reference();
    auto *run = next_executor_run != nullptr ? next_executor_run : standard_ExecutorRun;
    pg::Acting acting = session::begin_referential_action();
    run(query, direction, count SOFTDELETE_EXECUTOR_RUN_EXTRA_ARGUMENT);
    session::end_acting_as_others(acting);
    deletion::look_at_reference(query);
    session::pop_running_statement();
}

extern "C" void softdelete_executor_finish(QueryDesc *query) {
    uint32 notes = session::notes_of_plan(query->plannedstmt);
    session::push_running_statement(query, session::Phase::finish, notes);
    ErrorContextCallback explanation = {error_context_stack, deletion::explain_reference, nullptr};
    error_context_stack = &explanation;
    auto *finish = next_executor_finish != nullptr ? next_executor_finish : standard_ExecutorFinish;
    finish(query);
    session::keep_role_of_triggers(query);
    history::finish_moves();
    rows::insert_collected_rows();
    deletion::finish_statement();
    if ((notes & session::note_distributed) != 0) {
        // The count is that of the rows deleted only where nothing stands around the DELETE.
        bool may_delete_uncounted = query->operation != CMD_DELETE || query->instrument_options != 0;
        if (query->estate->es_processed > 0 || may_delete_uncounted) {
            deletion::confirm_distributed_deletions();
        }
    }
    deletion::forget_empty_deletion(query);
    if ((notes & session::note_cascade) == 0) {
        deletion::write_deletions();
    }
    purge::log_purged_rows(query);
    error_context_stack = explanation.previous;
    session::pop_running_statement();
    deletion::finish_restored_deletions();
    session::end_called_settings(query->sourceText);
}

} // namespace

void install_executor_hook() {
    next_executor_run = ExecutorRun_hook;
    ExecutorRun_hook = softdelete_executor_run;
    next_executor_finish = ExecutorFinish_hook;
    ExecutorFinish_hook = softdelete_executor_finish;
}

} // namespace softdelete::hooks
