// What the files here ask of the table of a command.
#pragma once

#include "pg/server.hpp"

namespace softdelete::ddl {

// False for no relation.
bool is_registered(Oid relation);

// Raises the server's error where the current user does not own the table.
void check_owner(Oid table);

} // namespace softdelete::ddl
