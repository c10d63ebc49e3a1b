// Statements on tables of several owners: each is read, locked or changed with its own owner's rights, as the server's
// referential checks do it, whoever runs the statement. Its functions and triggers run as the current role.
#pragma once

#include "pg/spi.hpp"

#include <array>
#include <functional>

namespace softdelete::commands {

// Runs a statement with text parameters and returns its rows.
std::vector<pg::Row> query_as_owners(const std::string &sql, const std::vector<pg::Parameter> &parameters);

// Runs one with two values of these types, made once it is parsed, and then looks at what SPI has left. Both callbacks
// are plain server code. Returns how many rows it processed.
std::uint64_t execute_as_owners(
    const std::string &sql, const std::array<Oid, 2> &types,
    const std::function<std::array<Datum, 2>()> &make_values, const std::function<void()> &look = [] {});

} // namespace softdelete::commands
