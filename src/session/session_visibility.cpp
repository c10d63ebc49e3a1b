// Computes which rows the session sees at this moment and remembers the last answer; drops cached plans where the
// answer changes without the server's knowing. Called by hooks and by the planner.
#include "session/session_visibility.hpp"

#include "pg/compat.hpp"

extern "C" {
#include "miscadmin.h"
#include "replication/walsender.h"
#include "utils/guc.h"
#include "utils/plancache.h"
#include "utils/rls.h"
}

namespace softdelete::session {

namespace {

SessionView last_view = {false, settings::Visibility::active};
bool was_unfiltered = false;

} // namespace

SessionView session_view() {
    SessionView view = {};
    bool is_dump = !row_security && settings::definer_depth() == 0 && !InSecurityRestrictedOperation();
    view.is_unfiltered = am_walsender || is_dump;
    // A setting reaches as deep as it was made: SECURITY DEFINER code and maintenance start with active.
    bool is_outside =
        settings::visibility_definer_depth() != settings::definer_depth() || InSecurityRestrictedOperation();
    view.visibility = is_outside ? settings::Visibility::active : settings::visibility();
    return view;
}

bool may_load(Oid relation) {
    return pg::compat::owns_relation(relation, GetUserId());
}

bool workers_have_session_view() {
    return settings::definer_depth() == 0
           || (row_security && session_view().visibility == settings::visibility());
}

void follow_session_view() {
    SessionView view = session_view();
    was_unfiltered = was_unfiltered || view.is_unfiltered;
    if (view.is_unfiltered != last_view.is_unfiltered || view.visibility != last_view.visibility) {
        ResetPlanCache();
        last_view = view;
    }
}

void leave_session_view() noexcept {
    if (was_unfiltered) {
        ResetPlanCache();
    }
}

} // namespace softdelete::session
