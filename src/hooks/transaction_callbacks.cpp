// The ends of transactions and subtransactions: what is to be written still is written, and what was kept for them is
// forgotten. Only what runs before the end may raise an error.
#include "hooks/hooks.hpp"

#include "ddl/follow_anonymizers.hpp"
#include "ddl/follow_indexes.hpp"
#include "ddl/follow_views.hpp"
#include "deletion/cascade.hpp"
#include "deletion/cascade_statements.hpp"
#include "deletion/open_deletions.hpp"
#include "deletion/restored_deletions.hpp"
#include "purge/log_hand_purge.hpp"
#include "restore/restore_statement.hpp"
#include "session/plan_notes.hpp"
#include "session/running_statements.hpp"
#include "session/session_visibility.hpp"

extern "C" {
#include "access/xact.h"
}

namespace softdelete::hooks {

namespace {

// Statements that an error has ended.
void forget_commands(int nest_level) noexcept {
    planner::forget_running_statements(nest_level);
    planner::forget_utility_commands(nest_level);
    commands::forget_prepared_indexes(nest_level);
    commands::forget_prepared_views(nest_level);
    commands::forget_prepared_anonymizers(nest_level);
}

extern "C" void softdelete_transaction_callback(XactEvent event, void *) {
    if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE) {
        commands::write_deletions();
    }
    if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT) {
        forget_commands(0);
    }
    if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE) {
        commands::end_transaction();
        commands::forget_cascades(0);
        commands::forget_running_plans();
        commands::forget_restored_deletions(0);
        commands::forget_restoring();
        commands::forget_purged_rows(0);
        planner::leave_session_view();
    }
}

extern "C" void softdelete_subtransaction_callback(SubXactEvent event, SubTransactionId, SubTransactionId,
                                                   void *) {
    int nest_level = GetCurrentTransactionNestLevel();
    if (event == SUBXACT_EVENT_ABORT_SUB) {
        forget_commands(nest_level);
        commands::abort_subtransaction(nest_level);
        commands::forget_cascades(nest_level);
        commands::forget_restored_deletions(nest_level);
        commands::forget_purged_rows(nest_level);
        planner::leave_session_view();
    } else if (event == SUBXACT_EVENT_COMMIT_SUB) {
        commands::commit_subtransaction(nest_level);
        commands::keep_cascades(nest_level);
        commands::keep_restored_deletions(nest_level);
        commands::keep_purged_rows(nest_level);
    }
}

} // namespace

void install_transaction_callbacks() {
    RegisterXactCallback(softdelete_transaction_callback, nullptr);
    RegisterSubXactCallback(softdelete_subtransaction_callback, nullptr);
}

} // namespace softdelete::hooks
