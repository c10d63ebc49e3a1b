// When the last row of a deletion has come back, by whatever statement, the deletion says so.
#pragma once

#include "pg/server.hpp"

#include <cstdint>
#include <map>

namespace softdelete::deletion {

// Notes that a row of that deletion is being restored. Plain server code, called per row.
void note_restored_row(int64 deletion);

// How many rows of which tables a command has brought back.
using RestoredRows = std::map<Oid, std::uint64_t>;

std::uint64_t count_rows(const RestoredRows &rows);

// Sets restored_at of a deletion that is known to hold no row any more, which its rows' notes then need not find out, and
// adds to what was restored, and by whom. Called from C++, through the boundary.
void mark_restored(std::int64_t deletion, const RestoredRows &rows = {});

// The same of a deletion that may hold further rows. Does nothing where there are none.
void add_restored(std::int64_t deletion, const RestoredRows &rows);

// Sets restored_at of the deletion where it holds no row any more, and takes it back where it does. Does nothing where it is
// not in the log. Called from C++.
void look_at_restored(std::int64_t deletion);

// Called when a statement is through: sets restored_at of noted deletions that hold no row any more. What the updates of
// restore and undo noted waits until these are through and call it as well.
void finish_restored_deletions(bool is_command_through = false);

// Called by the abort and transaction callbacks.
void forget_restored_deletions(int nest_level) noexcept;
// Called where a subtransaction of that level commits: what it noted is its parent's.
void keep_restored_deletions(int nest_level) noexcept;

} // namespace softdelete::deletion
