// For statements of ours that tell a caller of rows which he may read in a table that he has not named: they are not to run
// code of its owner as him.
#pragma once

#include "pg/scopes.hpp"
#include "pg/spi.hpp"

#include <optional>

namespace softdelete::catalog {

class ReaderScope {
public:
    // Where no policy of the table's binds the caller, acts as its owner in a security-restricted operation. Where policies
    // do, the scope is left to the caller, and for rows that he sees by policies alone which call nothing but what the server
    // itself knows to be harmless.
    ReaderScope(pg::Spi &spi, Oid relation, Oid owner);

    // False where he may not SELECT from the table, where his own look at it would run code of the owner's, and where the owner's
    // look would run that of partitions or children of others.
    bool may_read() const { return may_read_; }

private:
    bool may_read_;
    std::optional<pg::ReadScope> owner_;
};

// May the planner run code that somebody has written where a statement names the table: in indexes, statistics, CHECK
// constraints, keys of partitions?
bool runs_code_when_planned(pg::Spi &spi, Oid relation);

} // namespace softdelete::catalog
