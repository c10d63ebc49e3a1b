// history_at(), history_of() and the entries of the view softdelete.history. Who may read the history table reads them:
// its owner, and those to whom he has granted SELECT on it, who see by it what the table holds now as well. A right to read
// the table itself, or a part of it, is none to read what it was.
#pragma once

#include "history/read_entries.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace softdelete::history {

// A line of history_of() and of the view, as text of the result's columns.
using Line = std::vector<std::optional<std::string>>;
using TakeLine = std::function<void(const Line &)>;

// The row as it was; nothing where there was none. The Datum is a jsonb. key: in the session's formats.
// Errors: 55000 without a history, 42501, 42P10 without a primary key, 22023 for the wrong number of values and for a time
// before the history begins.
std::optional<Datum> show_row_at(Oid relation, TimestampTz time, const std::vector<std::string> &key);

// The life of a row. Errors: as above.
void show_life(Oid relation, const std::vector<std::string> &key, const TakeLine &take);

// All entries; none where the current user may not read them.
void show_entries(Oid relation, const TakeLine &take);

} // namespace softdelete::history
