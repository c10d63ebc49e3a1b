// The OIDs of the extension's functions that plans refer to, looked up once and again after a change to pg_proc.
#pragma once

#include "pg/server.hpp"

namespace softdelete::session {

struct ExtensionFunctions {
    Oid on_delete;             // the marker's trigger function
    Oid on_truncate;           // that of the guard against TRUNCATE
    Oid on_update;             // that of the guard against updates planned without us
    Oid check_written;         // that of the check of rows as they were written
    Oid lock_row;              // the trigger function that locks referenced rows
    Oid collect_deleted;       // ... that collects them for the cascade
    Oid check_children;        // ... that refuses them at the end of the transaction
    Oid check_parent;          // ... that refuses rows below deleted ones
    Oid on_history_change;     // the trigger function that notes changes for a history
    Oid on_history_truncate;   // ... that notes the rows of a TRUNCATE
    Oid on_kept_table;         // the guard of histories and archives
    Oid on_archived_delete;    // the trigger function that moves deleted rows to an archive
    Oid on_applied_removal;    // the trigger function that keeps archived rows on hold from a subscription
    Oid include_deleted;       // include_deleted(anyelement)
    Oid new_deletion_id;       // new_deletion_id(regclass)
    Oid new_actor;             // new_actor(anyelement, integer)
    Oid assign_deleted_at;     // assign_deleted_at(anyelement, anyelement, regclass)
    Oid assign_deletion_id;    // assign_deletion_id(bigint, regclass)
    Oid assign_deleted_by;     // assign_deleted_by(anyelement, integer)
    Oid check_deleted_at;      // check_deleted_at(anyelement, regclass)
    Oid check_deletion_id;     // check_deletion_id(bigint, bigint)
    Oid note_restored;         // note_restored(bigint)
    Oid refuse_deleted;        // refuse_deleted(anyelement, regclass, boolean)
    Oid as_deletion;           // as_deletion(anyelement, text)
    Oid token;                 // token(regclass)
    Oid adopt_deletion;        // adopt_deletion(regclass, text)
    Oid adopted_time;          // adopted_time(text)
    Oid adopted_actor;         // adopted_actor(anyelement, integer, text)
    Oid deletion_time;         // deletion_time()
    char version[NAMEDATALEN]; // of the SQL objects
    bool is_of_this_version;   // the one that the library was built for
};

// Null where the extension is not installed in this database.
const ExtensionFunctions *find_extension_functions();

// Raises 55000 where the extension's SQL objects are of another version than the library, as between an upgrade of the
// one and of the other: called before anything is read from or written to tables of the extension. Looks once, and again
// when functions have changed.
void check_version();

// One of the extension's trigger functions?
bool is_trigger_function(Oid function);

// Registers the invalidation callbacks; called once from _PG_init.
void install_extension_functions();

} // namespace softdelete::session
