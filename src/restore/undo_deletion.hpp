// Brings back a whole deletion.
#pragma once

#include <cstdint>

namespace softdelete::restore {

// Restores every row that the deletion still holds, all or nothing, and returns their number; 0 where it holds none.
// Privileges: UPDATE on every table of the deletion, but for tables that a cascade reached from one that the caller may
// update. Locks: the deletion's row FOR UPDATE, live parents FOR KEY SHARE, the rows as an UPDATE does.
// Errors: P0002 no such deletion; 23503 a parent is deleted by another deletion; 23505 or 23P01 a live row has taken a
// value; 42501 no privilege.
std::uint64_t undo_deletion(std::int64_t deletion);

} // namespace softdelete::restore
