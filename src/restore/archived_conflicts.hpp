// What of deletions' rows in an archive cannot come back: what conflicts() lists for tables with the strategy archive.
#pragma once

#include "catalog/table_info.hpp"
#include "restore/list_conflicts.hpp"

#include <vector>

namespace softdelete::restore {

// For those who may read the archive, past whose row security nothing is shown. Errors: 42501.
void add_archived_conflicts(pg::Spi &spi, const catalog::TableInfo &table,
                            const std::vector<std::int64_t> &deletions, std::vector<Conflict> *found);

} // namespace softdelete::restore
