// The deleted rows of a table on their way from one strategy to the other. Called by archive/change_strategy.
#pragma once

#include "archive/archive_definition.hpp"
#include "catalog/foreign_keys.hpp"
#include "catalog/table_info.hpp"
#include "registry/registry.hpp"

#include <cstdint>
#include <functional>

namespace softdelete::archive {

// Copies the rows that are marked to the new archive, which gets the partitions for them, and removes them from the table, of which
// no trigger tells. Errors: 55000 where rows that stay reference them.
std::int64_t move_marked_rows(pg::Spi &spi, const catalog::Table &table,
                              const registry::Registration &registration, const ArchiveSettings &settings,
                              const std::vector<ArchiveColumn> &columns);

// How many these are; the same error.
std::int64_t count_marked_rows(pg::Spi &spi, const catalog::Table &table,
                               const registry::Registration &registration);

// Makes the partitions of the new archive for the rows that are marked. Errors: 55000 where some cannot move, for they are anonymized
// or have a time that no partition can have.
void make_marked_partitions(pg::Spi &spi, const catalog::Table &table,
                            const registry::Registration &registration, const ArchiveSettings &settings);

// SQL: is a time of deletion one for which an archive can have a partition? Not an infinite one, nor where the server's times end.
std::string make_movable(const std::string &time);

// SQL: the columns that the table is given with a row from its archive, each with a comma behind it. Those that tell of the deletion, and computed
// ones, are not among them.
std::string list_written_columns(pg::Spi &spi, Oid relation, const ArchiveSettings &settings);

// 23503: the table cannot have archived rows back, because those that they reference by the key are not there.
[[noreturn]] void raise_without_parent(const catalog::Table &table, const catalog::ForeignKey &key);

// Runs what inserts archived rows; an error about one of them says what the rows were to become.
void explain_unfit(const catalog::Table &table, const std::function<void()> &insert);

// Inserts the rows of the archive into the table, marked as deleted; no trigger tells. Links by SET NULL and SET DEFAULT that lead
// nowhere end, as they would in a live row.
// Errors: 23502, 23503, 23505, 23514, 23P01 where the table cannot have such rows.
std::int64_t move_archived_rows(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings,
                                const catalog::TableInfo &archive);

} // namespace softdelete::archive
