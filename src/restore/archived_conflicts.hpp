// What of deletions' rows in an archive cannot come back: what conflicts() lists for tables with the strategy archive.
#pragma once

#include "catalog/table_info.hpp"
#include "restore/list_conflicts.hpp"

#include <vector>

namespace softdelete::restore {

// Past the row security of an archive nothing is shown.
bool may_read_archive(const catalog::TableInfo &table);

// To those who may undo the deletions, but not read the archive: that there are conflicts, without key and values.
enum class Shown { values, nothing };

void add_archived_conflicts(pg::Spi &spi, const catalog::TableInfo &table,
                            const std::vector<std::int64_t> &deletions, Shown shown,
                            std::vector<Conflict> *found);

} // namespace softdelete::restore
