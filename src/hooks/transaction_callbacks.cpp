// The ends of transactions and subtransactions: writes what is to be written still, and has every file that keeps
// something for a transaction forget it. Only what runs before the end may raise an error.
#include "hooks/hooks.hpp"

#include "archive/kept_from_apply.hpp"
#include "ddl/follow_anonymizers.hpp"
#include "ddl/follow_indexes.hpp"
#include "ddl/follow_views.hpp"
#include "deletion/cascade.hpp"
#include "deletion/cascade_statements.hpp"
#include "deletion/open_deletions.hpp"
#include "deletion/restored_deletions.hpp"
#include "history/collect_change.hpp"
#include "purge/log_hand_purge.hpp"
#include "rows/collected_rows.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "session/row_checks.hpp"
#include "session/running_statements.hpp"
#include "session/session_visibility.hpp"
#include "session/utility_commands.hpp"

extern "C" {
#include "access/xact.h"
}

namespace softdelete::hooks {

namespace {

// Statements that an error has ended.
void forget_statements(int nest_level) noexcept {
    session::forget_running_statements(nest_level);
    session::forget_row_checks(nest_level);
    session::forget_own_statements(nest_level);
    session::forget_utility_commands(nest_level);
}

// What event triggers prepared at the start of commands that have not come to their end.
void forget_preparations(int nest_level) noexcept {
    ddl::forget_prepared_indexes(nest_level);
    ddl::forget_prepared_views(nest_level);
    ddl::forget_prepared_anonymizers(nest_level);
}

extern "C" void softdelete_transaction_callback(XactEvent event, void *) {
    if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE) {
        history::finish_moves();
        archive::archive_noted_rows();
        rows::check_all_inserted();
        deletion::write_deletions();
    }
    if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT) {
        forget_statements(0);
        forget_preparations(0);
    }
    if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE) {
        deletion::end_transaction();
        deletion::forget_cascades(0);
        deletion::forget_running_plans();
        deletion::forget_restored_deletions(0);
        ddl::forget_prepared_indexes(0, true);
        ddl::forget_prepared_views(0);
        ddl::forget_prepared_anonymizers(0);
        purge::forget_purged_rows(0);
        history::forget_moves(0);
        rows::forget_collected_rows(0);
        archive::forget_noted_rows(0);
        session::leave_session_view();
    }
    keep_error_hints();
}

extern "C" void softdelete_subtransaction_callback(SubXactEvent event, SubTransactionId, SubTransactionId,
                                                   void *) {
    int nest_level = GetCurrentTransactionNestLevel();
    if (event == SUBXACT_EVENT_ABORT_SUB) {
        forget_statements(nest_level);
        forget_preparations(nest_level);
        deletion::abort_subtransaction(nest_level);
        deletion::forget_cascades(nest_level);
        deletion::forget_restored_deletions(nest_level);
        purge::forget_purged_rows(nest_level);
        history::forget_moves(nest_level);
        rows::forget_collected_rows(nest_level);
        archive::forget_noted_rows(nest_level);
        session::leave_session_view();
        keep_error_hints();
    } else if (event == SUBXACT_EVENT_COMMIT_SUB) {
        deletion::commit_subtransaction(nest_level);
        deletion::keep_cascades(nest_level);
        deletion::keep_restored_deletions(nest_level);
        purge::keep_purged_rows(nest_level);
        history::keep_moves(nest_level);
        rows::keep_collected_rows(nest_level);
        archive::keep_noted_rows(nest_level);
    }
}

} // namespace

void install_transaction_callbacks() {
    RegisterXactCallback(softdelete_transaction_callback, nullptr);
    RegisterSubXactCallback(softdelete_subtransaction_callback, nullptr);
}

} // namespace softdelete::hooks
