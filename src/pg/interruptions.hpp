// Tells an error that speaks of what was tried from one that can come anywhere: the statement was cancelled, a lock did not
// come, memory or disk ran out. Asked by code that gives an error other words or a hint, which an interruption keeps.
#pragma once

#include "pg/boundary.hpp"

namespace softdelete::pg {

bool is_interruption(const ServerError &error) noexcept;

// The same, but for the server's internal errors, such as that of a catalog's row which is gone by now: a command that looks
// at many things goes on with the next one.
bool ends_command(const ServerError &error) noexcept;

} // namespace softdelete::pg
