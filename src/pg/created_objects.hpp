// What the command under way has made, for event triggers on ddl_command_end.
#pragma once

#include "pg/server.hpp"

namespace softdelete::pg {

// Has the command made this table? Not so where CREATE TABLE IF NOT EXISTS found one. Plain server code.
bool is_created_by_command(Oid table);

} // namespace softdelete::pg
