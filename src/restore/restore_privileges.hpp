// Which tables of a deletion the caller restores with whose rights.
#pragma once

#include "catalog/table_info.hpp"

#include <set>
#include <vector>

namespace softdelete::restore {

// The tables that are updated as their owners: a cascade reached them from one that the caller may update. But for those
// that he may update himself, with row security in force: what its policies keep from him stays kept.
std::set<Oid> find_cascaded_tables(pg::Spi &spi, const std::vector<catalog::TableInfo> &tables);

// Raises 42501 where the caller may update nothing of one of the others, before anything is read of it.
void check_may_update(pg::Spi &spi, const std::vector<catalog::TableInfo> &tables,
                      const std::set<Oid> &cascaded);

} // namespace softdelete::restore
