// Who deletes, as a value of the column that keeps it. Plain server code.
#pragma once

#include "pg/server.hpp"

namespace softdelete::deletion {

// softdelete.actor, or its default, cast to a type; errors of the cast name the setting. A type that is not text has no
// default: NULL.
Datum get_actor_value(Oid type, int32 typmod, bool *is_null);

// The same of a given actor, which is a role's name where it is not named by softdelete.actor. Null: the one in force.
Datum get_actor_value(Oid type, int32 typmod, const char *actor, bool is_named, bool *is_null);

} // namespace softdelete::deletion
