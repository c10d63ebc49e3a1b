// DROP EXTENSION leaves tables, columns, indexes and views in place.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Is the command a DROP EXTENSION that names this one? Plain server code.
bool drops_softdelete(const Node *statement);

// Takes the extension's function out of the all_... views of registered tables, so that they stay behind as plain views,
// and warns that deleted rows are visible again. Called before the extension is dropped.
void leave_views();

} // namespace softdelete::ddl
