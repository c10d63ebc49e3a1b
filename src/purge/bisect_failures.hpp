// Some rows of a batch cannot be removed or overwritten: a trigger fails for them, another session has locked them. The
// others go all the same.
#pragma once

#include "pg/spi.hpp"

#include <cstddef>
#include <functional>
#include <string>

namespace softdelete::purge {

// Is this an error of certain rows, so that others may go? Not so where the server stops or is out of something.
bool is_about_rows(const pg::ServerError &error);

// Those of one table in one run.
class FailingRows {
public:
    FailingRows(pg::Spi &spi, Oid table) : spi_(spi), table_(table) {}

    // Calls attempt(first, count) for all rows; where that raises an error about rows, for both halves, until those that
    // fail stand alone. For each of these calls fail() with the name that the log gives its error.
    // Raises what is about no row, and the error of a row after many others: then it is not about them.
    void separate(std::size_t count, const std::function<void(std::size_t, std::size_t)> &attempt,
                  const std::function<void(const std::string &)> &fail);

private:
    void separate(std::size_t first, std::size_t count,
                  const std::function<void(std::size_t, std::size_t)> &attempt,
                  const std::function<void(const std::string &)> &fail);
    std::string note(pg::ServerError &error); // consumes it

    pg::Spi &spi_;
    Oid table_;
    int count_ = 0;
};

} // namespace softdelete::purge
