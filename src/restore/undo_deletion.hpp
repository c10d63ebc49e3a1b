// Brings back whole deletions.
#pragma once

#include "restore/find_deletions.hpp"

#include <cstdint>

namespace softdelete::restore {

// Restores every row that the deletion still holds, all or nothing, and returns their number; 0 where it holds none.
// Privileges: UPDATE on every table of the deletion, but for tables that a cascade reached from one that the caller may
// update. Locks: the deletion's row FOR UPDATE, live parents FOR KEY SHARE, the rows as an UPDATE does.
// Errors: P0002 no such deletion; 23503 a parent is deleted by another deletion; 23505 or 23P01 a live row has taken a
// value; 42501 no privilege.
std::uint64_t undo_deletion(std::int64_t deletion);

// The same for all that have these traits, the newest first, all or nothing. Rows of one may lie below rows of another.
// Each needs the privileges that it needs by itself. 0, and a notice, where there is none.
std::uint64_t undo_deletions(const DeletionTraits &traits);

} // namespace softdelete::restore
