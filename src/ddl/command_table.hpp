// What the files here ask of the table of a command.
#pragma once

#include "pg/server.hpp"

namespace softdelete::ddl {

// False for no relation.
bool is_registered(Oid relation);

// Has it an archive, or is it a partition of such a table? False for no relation.
bool is_archived(Oid relation);

// Raises the server's error where the current user does not own the table.
void check_owner(Oid table);

} // namespace softdelete::ddl
