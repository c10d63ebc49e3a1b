// What the catalogs, the statistics and the extension's tables tell of all tables at once.
#pragma once

#include "checkup/finding.hpp"
#include "pg/spi.hpp"

namespace softdelete::checkup {

// Of the database: the library, event triggers, publications, settings of roles, tables with a soft delete by hand.
// caller: whose tables of the last kind are named, unless watches_all.
Findings find_in_database(pg::Spi &spi, Oid caller, bool watches_all);

// Of these registered tables.
Findings find_in_catalogs(pg::Spi &spi, const std::vector<Oid> &tables);

} // namespace softdelete::checkup
