// What a change of strategy and the plan of it share: who may change, and the settings, columns and steps of the other strategy.
#pragma once

#include "archive/archive_definition.hpp"
#include "archive/archive_settings.hpp"
#include "catalog/table_catalog.hpp"
#include "catalog/table_info.hpp"
#include "model/step.hpp"
#include "registration/register_table.hpp"
#include "registry/registry.hpp"

#include <cstdint>
#include <vector>

namespace softdelete::archive {

void add_steps(std::vector<model::Step> &steps, std::vector<model::Step> more);

// 22023 where settings are given beside the strategy that do not go with it.
[[noreturn]] void raise_not_alone();

// 0A000 where the table has rows on hold, or such as a row on hold would go with.
void check_no_holds(pg::Spi &spi, const catalog::Table &table);

// Errors: 0A000 where a table whose deleted rows are marked has what would not come along to an archive, or rows on hold.
void check_can_move(pg::Spi &spi, const catalog::Table &table, const registry::Registration &registration);

// Errors: 55000 where the archive is missing; 0A000 for what would not come along, and for rows on hold.
void check_can_move_back(pg::Spi &spi, const catalog::Table &table,
                         const std::optional<ArchiveSettings> &settings);

// Those that the table will have with an archive.
ArchiveSettings make_archive_settings(const catalog::Table &table,
                                      const registry::Registration &registration);

// The columns of the table without those that tell of deletions.
std::vector<ArchiveColumn> read_live_columns(pg::Spi &spi, Oid relation, const ArchiveSettings &settings);

// Empty, with the columns that the table will have. Returns what was done.
std::vector<model::Step> make_empty_archive(pg::Spi &spi, const catalog::Table &table,
                                            const ArchiveSettings &settings,
                                            const std::vector<ArchiveColumn> &columns);

// The registration that follows, with the same names.
registration::RegisterRequest make_request(const catalog::Table &table, const ArchiveSettings &settings,
                                           const char *strategy, const std::string &visibility = "filter");

// "3 deleted rows", with what becomes of them.
model::Step tell_moved(const catalog::Table &table, std::int64_t rows, bool to_archive);

// What asks for a change back, and for a visibility beside it.
enum class Asked { at_once, in_batches };

// A warning of the roles that read the table, and did not read the archive, with the call that hides its rows from them, before the
// change as well as after it; nothing where there are none, or where the visibility hides these rows.
std::vector<model::Step> warn_of_readers(pg::Spi &spi, const catalog::Table &table,
                                         const catalog::TableInfo &archive, const std::string &visibility,
                                         Asked asked);

// The columns that tell of deletions go, as far as the table has them. Those that were there before registration have nothing to
// say any more: all rows are live.
std::vector<model::Step> plan_column_drops(const catalog::Table &table, const ArchiveSettings &settings);

// What is left of the archive goes.
model::Step plan_archive_drop(const catalog::TableInfo &archive, const ArchiveSettings &settings);

} // namespace softdelete::archive
