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

// After CREATE TABLE and ALTER TABLE: one NOTICE where the command gives an unregistered table an ON DELETE CASCADE key to
// a registered one, with what becomes of its rows and the call that registers it. Returns quickly for any other statement.
void tell_of_children(const DdlCommand &command);

// The same of ON DELETE CASCADE keys of a table without an archive to one that has one.
void tell_of_archives_children(const DdlCommand &command);

} // namespace softdelete::ddl
