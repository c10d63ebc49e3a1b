// DROP EXTENSION leaves tables, columns, indexes and views in place.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Is the command a DROP EXTENSION that names this one? Plain server code.
bool drops_softdelete(const Node *statement);

// Before the rest: waits for whoever registers a table, ends a registration or alters one, so that what is to be left is what they have
// committed. Locks the tables ACCESS SHARE until the transaction ends.
void lock_tables_to_leave();

// Takes the extension's function out of the all_... views of registered tables, so that they stay behind as plain views,
// and warns that deleted rows are visible again. Called before the extension is dropped.
void leave_views();

} // namespace softdelete::ddl
