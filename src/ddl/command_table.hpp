// What the files here ask of the table of a command.
#pragma once

#include "ddl/parse_tree.hpp"

extern "C" {
#include "nodes/pg_list.h"
}

namespace softdelete::ddl {

// The command's relation, InvalidOid where it has none; of a command about the attributes of a type, the tables that are made
// of it. A list of OIDs. Plain server code.
List *find_changed_tables(const DdlCommand &command);

// False for no relation.
bool is_registered(Oid relation);

// Has it an archive, or is it a partition of such a table? False for no relation.
bool is_archived(Oid relation);

// False for no schema. Plain server code.
bool owns_schema(Oid schema);

// Raises the server's error where the current user does not own the table.
void check_owner(Oid table);

} // namespace softdelete::ddl
