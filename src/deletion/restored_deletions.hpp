// When the last row of a deletion has come back, by whatever statement, the deletion says so.
#pragma once

#include "pg/server.hpp"

#include <cstdint>

namespace softdelete::deletion {

// Notes that a row of that deletion is being restored. Plain server code, called per row.
void note_restored_row(int64 deletion);

// Sets restored_at of a deletion that is known to hold no row any more, which its rows' notes then need not find out.
// Called from C++, through the boundary.
void mark_restored(std::int64_t deletion);

// Called when a statement is through: sets restored_at of noted deletions that hold no row any more. Those of restore
// and undo wait until these are through and call it.
void finish_restored_deletions();

// Called by the abort and transaction callbacks.
void forget_restored_deletions(int nest_level) noexcept;
// Called where a subtransaction of that level commits: what it noted is its parent's.
void keep_restored_deletions(int nest_level) noexcept;

// Is a restore or an undo under way, which marks its deletion itself when it is through?
bool is_restoring() noexcept;
void begin_restoring() noexcept;
void end_restoring() noexcept;
// Called by the abort callbacks.
void forget_restoring() noexcept;

} // namespace softdelete::deletion
