// Invalidation of relations. The server keeps ten callbacks for all libraries of a session (src/backend/utils/cache/inval.c):
// this library takes one, for whoever of it wants to hear. test/lint/relation_callbacks.sh sees to that.
#pragma once

#include "pg/server.hpp"

namespace softdelete::pg {

// relation: InvalidOid for all of them. Called at any time, so that it looks nothing up and raises nothing.
using RelationCallback = void (*)(Oid relation);

// Called once each from _PG_init; those that were given first are called first.
void on_relation_change(RelationCallback callback);

} // namespace softdelete::pg
