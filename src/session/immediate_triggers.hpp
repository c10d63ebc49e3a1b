// Deferred triggers fire at the end of the transaction, as whoever ends it: what runs as another role must not leave
// triggers of users behind. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "executor/execdesc.h"
}

namespace softdelete::session {

// Called when a statement's execution was set up, before it runs. Within a statement of ours that acts as a role which has
// not all the rights of whoever is logged in, users' deferrable triggers fire when their own statement is through; foreign
// keys, which look as the owners of their tables, keep their time. In a security-restricted operation nothing can be
// deferred, foreign keys included. The modes of SET CONSTRAINTS stay, and so does what was deferred before.
void fire_deferrable_triggers_at_once(const QueryDesc *query);

} // namespace softdelete::session
