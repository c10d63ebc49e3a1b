// change_strategy(): a table gets the other strategy while it is in use, in transactions of its own.
#pragma once

#include "pg/spi.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace softdelete::archive {

struct ChangeRequest {
    Oid relation;
    std::string strategy; // flag or archive
    std::size_t batch_size;
    std::optional<std::chrono::microseconds> max_runtime;
    std::chrono::microseconds delay;       // between batches
    std::optional<std::string> visibility; // of a table that gets the strategy flag
};

// Begins the change, moves the deleted rows batch by batch, and ends it, each in a transaction that commits; goes on where an earlier call was
// interrupted, and goes back where that had the other strategy for its goal. Tells by a notice what it did.
// Locks of others that do not come free within a moment are asked for again. Errors: those of change_strategy(); what was moved until then
// stays where it is.
void change_in_batches(const ChangeRequest &request);

} // namespace softdelete::archive
