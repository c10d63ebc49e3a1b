// New foreign keys are honoured from the next statement on.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/nodes.h"
}

namespace softdelete::ddl {

// The table that a CREATE or ALTER TABLE has worked on, if it is registered or references a registered one; otherwise
// InvalidOid. Plain server code, cheap where nothing is registered.
Oid find_table_to_link(const DdlCommand &command);

// Creates the triggers that the table's foreign keys lack.
void link_table(Oid relation);

} // namespace softdelete::ddl
