// Brings back one deleted row with those of its descendants that went in the same deletion.
#pragma once

#include "pg/server.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace softdelete::restore {

// Restores the row with that primary key and, along CASCADE keys, what its deletion took below it. Descendants that
// have another parent which stays deleted wait in the deletion; a notice counts them. Returns the number of rows.
// Privileges: UPDATE on the table; descendants are updated as their tables' owners, as the cascade did it.
// Locks: the rows FOR UPDATE, their live parents FOR KEY SHARE.
// Errors: P0002 no such row; 23503 its own parent is deleted; 23505 or 23P01 a live row has taken a value.
std::uint64_t restore_row(Oid relation, const std::vector<std::string> &key);

} // namespace softdelete::restore
