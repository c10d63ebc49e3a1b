// track_history() and untrack_history().
#pragma once

#include "pg/spi.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::history {

struct TrackRequest {
    Oid relation;
    std::optional<std::string> retention; // an interval; none: for ever
    std::vector<std::string> left_out;
    std::optional<std::string> history_table;
};

// Makes the history table beside the table, the triggers and the registry's rows. Returns the history table.
// Locks: SHARE ROW EXCLUSIVE on the table. Errors: 42809 for what has no rows of its own to track, 42501 where the caller
// is not the owner, 42710 where the table has a history, 42P07 where the name is taken, 42701 where a column has a name of
// ours, 22023 for a retention that is no length of time, 42703, 42P10.
Oid track_table(const TrackRequest &request);

// Ends it. entries: 'keep' or 'drop'. Errors: 55000 where there is no history and while rows are on hold, 42501, 22023.
void untrack_table(Oid relation, const std::string &entries);

} // namespace softdelete::history
