// Which rows the session sees at this moment: by its settings, its security context and how deep in SECURITY DEFINER code
// it is. Cached plans are made for one such view; where it changes without the server's knowing they are dropped. Plain
// server code.
#pragma once

#include "pg/server.hpp"

#include "settings.hpp"

namespace softdelete::session {

struct SessionView {
    bool is_unfiltered;              // row_security = off, as pg_dump sets it, or a walsender
    settings::Visibility visibility; // what the setting means here
};

// Raises nothing.
SessionView session_view();

// May the current user bring rows as they were in a dump, where the session is unfiltered? As the table's owner, a member of
// that role or a superuser.
bool may_load(Oid relation);

// False in SECURITY DEFINER code that does not see what the session's settings say: a parallel worker gets the settings,
// but does not know how deep it is.
bool workers_have_session_view();

// Drops cached plans where the view is another than at the last call. Called before statements are planned or run.
void follow_session_view();

// Called where settings are about to be undone, at the end of functions and (sub)transactions. The server tells nobody
// of the end of row_security = off, so that plans made under it go here.
void leave_session_view() noexcept;

} // namespace softdelete::session
