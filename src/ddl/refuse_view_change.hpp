// The views of a registered table keep their place and their meaning.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// Before SET SCHEMA of a view, and RENAME COLUMN: refuses it for a registered table's views. Errors: 55000.
void refuse_view_move(const Node *statement);

// After CREATE OR REPLACE VIEW: refuses another meaning for one of them. Errors: 55000.
void refuse_view_change(const Node *statement);

} // namespace softdelete::ddl
