// softdelete.deletion and softdelete.deletion_table: one row per deletion, and one per further table that it touched.
// Written directly, as the server writes its catalogs, because every single-row DELETE pays for it. Plain server code.
#pragma once

#include "pg/server.hpp"

namespace softdelete::catalog {

// Adds a deletion that begins in relation and returns its new id. Raises an error where the extension is damaged.
int64 insert_deletion(Oid relation, const char *actor, const char *reason);

// Adds a further table to a deletion.
void insert_deletion_table(int64 id, Oid relation);

// Registers the invalidation callbacks; called once from _PG_init.
void install_deletion_log();

} // namespace softdelete::catalog
