// softdelete_internal.hold: who may not be removed. Everything here acts as the extension's owner, or as nobody.
#pragma once

#include "pg/spi.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace softdelete::registry {

struct Hold {
    std::int64_t id;
    Oid relation;
    std::vector<std::string> key; // read and written under pg::ExactTextScope
};

// The holds in force are read as they are committed by now, or made by this transaction, whatever its snapshot is.

// Those of a table, the first one first.
std::vector<Hold> find_active_holds(Oid relation);

// The tables that have some, in order.
std::vector<Oid> find_held_relations();

// One of a table's whose key has exactly these values, as texts; nothing where there is none.
std::optional<std::int64_t> find_active_hold(Oid relation, const std::vector<std::string> &key);

// One of a table's whose key has another number of columns.
std::optional<std::int64_t> find_misfit(Oid relation, std::size_t columns);

// Are there more than that of the table's?
bool has_more_holds(Oid relation, std::size_t number);

// Those that ended and whose rows were not erased.
std::vector<Hold> find_released_holds(pg::Spi &spi);

// Key and reason of these released holds are forgotten.
void clear_holds(pg::Spi &spi, const std::vector<std::string> &holds);

// Is there any in force? Plain server code.
bool has_active_holds();

// For what concerns holds of every table; who removes rows locks those of their tables (registry/hold_lock).
enum class HoldLock {
    row_exclusive, // of who makes a hold
    share          // nobody makes or releases a hold until this transaction ends
};

// Plain server code.
void lock_holds(HoldLock lock);

// Adds one, held by the session's user from now on. Locks: ROW EXCLUSIVE.
std::int64_t insert_hold(pg::Spi &spi, Oid relation, const std::vector<std::string> &key,
                         const std::string &reason);

// The table of a hold in force; nothing where there is none with that id.
std::optional<Oid> find_held_relation(pg::Spi &spi, std::int64_t hold);

// False where somebody was faster.
bool release_hold(pg::Spi &spi, std::int64_t hold);

} // namespace softdelete::registry
