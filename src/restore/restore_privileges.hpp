// Which tables of a deletion the caller restores with whose rights.
#pragma once

#include "catalog/table_info.hpp"

#include <set>
#include <vector>

namespace softdelete::restore {

// The tables that a cascade reached from one that the caller may update.
struct CascadedTables {
    std::set<Oid> whole; // are updated as their owners
    // Those that he may update himself, with row security in force: the rows that the cascade took are updated as their
    // owners, the others as the caller. What the policies keep from him stays kept.
    std::set<Oid> in_part;
    // Those of the first that he may not update himself: he may restore rows of them only below rows of others, which
    // check_only_below() in restore/rows_below.hpp asks.
    std::set<Oid> others;
};

CascadedTables find_cascaded_tables(pg::Spi &spi, const std::vector<catalog::TableInfo> &tables);

// Raises 42501 where the caller may update nothing of one of the others, before anything is read of it.
void check_may_update(const std::vector<catalog::TableInfo> &tables, const std::set<Oid> &cascaded);

} // namespace softdelete::restore
