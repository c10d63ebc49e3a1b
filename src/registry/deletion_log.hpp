// softdelete_internal.deletion and deletion_table: one row per deletion, which names the tables that its first statement
// touched, and one per table that another one added. Written directly, as the server writes its catalogs, because every
// single-row DELETE pays for it. Plain server code.
#pragma once

#include "pg/server.hpp"

namespace softdelete::registry {

// A deletion as it is logged.
struct LoggedDeletion {
    int64 id;
    Oid relation; // where it began
    const char *actor;
    const char *reason; // null where none
    const Oid *further_relations;
    int further_count;
    CommandId command; // of this transaction: what began the deletion
};

// Gives a deletion its id. Raises an error where the extension is damaged.
int64 get_new_deletion_id();

// Adds the deletion, visible to those that see what its command wrote.
void insert_deletion(const LoggedDeletion &deletion);

// Adds a further table to a deletion.
void insert_deletion_table(int64 id, Oid relation);

// Writes down that the deletion has archived rows of the table that its own transaction had written.
void note_new_rows(int64 id, Oid relation);

// Registers the invalidation callbacks; called once from _PG_init.
void install_deletion_log();

} // namespace softdelete::registry
