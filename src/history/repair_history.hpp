// Triggers of a table with a history that DDL without event triggers has taken away or disabled.
#pragma once

#include "model/step.hpp"
#include "pg/spi.hpp"
#include "rows/kept_guards.hpp"

#include <string>
#include <vector>

namespace softdelete::history {

struct TriggerGap {
    Oid relation; // the table or a partition
    std::string trigger;
    bool is_missing; // false: it does not fire in every session
    bool records;    // without it changes of rows are not recorded
};

// None where the table has no history, or somebody has dropped that. Changes nothing.
std::vector<TriggerGap> find_trigger_gaps(pg::Spi &spi, Oid relation);

// Where anybody can write to the history or its partitions: none where the table has no history.
std::vector<rows::GuardGap> find_unguarded(pg::Spi &spi, Oid relation);

// Has the table a history and is not registered with the strategy flag?
bool has_history_alone(pg::Spi &spi, Oid relation);

// Brings them back. Where changes may have been missed meanwhile, the history knows the rows from now on only.
// Locks: those of track_table(). Errors: 42501 where the caller is not the owner.
std::vector<model::Step> repair_history(pg::Spi &spi, Oid relation);

} // namespace softdelete::history
