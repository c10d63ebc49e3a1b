// The deleted rows of a table on their way from one strategy to the other. Called by archive/change_strategy.
#pragma once

#include "archive/archive_definition.hpp"
#include "catalog/table_info.hpp"
#include "registry/registry.hpp"

#include <cstdint>

namespace softdelete::archive {

// Copies the rows that are marked to the new archive, which gets the partitions for them, and removes them from the table, of which
// no trigger tells. Errors: 55000 where rows that stay reference them.
std::int64_t move_marked_rows(pg::Spi &spi, const catalog::Table &table,
                              const registry::Registration &registration, const ArchiveSettings &settings,
                              const std::vector<ArchiveColumn> &columns);

// How many these are; the same error.
std::int64_t count_marked_rows(pg::Spi &spi, const catalog::Table &table,
                               const registry::Registration &registration);

// Inserts the rows of the archive into the table, marked as deleted; no trigger tells. Links by SET NULL and SET DEFAULT that lead
// nowhere end, as they would in a live row.
// Errors: 23502, 23503, 23505, 23514, 23P01 where the table cannot have such rows.
std::int64_t move_archived_rows(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings,
                                const catalog::TableInfo &archive);

} // namespace softdelete::archive
