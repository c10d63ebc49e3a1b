// Which rows of an archive a run is about.
#pragma once

#include "catalog/table_info.hpp"
#include "pg/spi.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace softdelete::purge {

// Before this time rows of the table's archive are due; nothing where there is no retention.
std::optional<std::string> read_archive_cutoff(pg::Spi &spi, Oid relation);

// SQL: what is to be done to the archived row under the alias "a" when the retention ends is not done yet.
std::string make_archived_pending(pg::Spi &spi, const catalog::TableInfo &table);

std::uint64_t count_archived_due(pg::Spi &spi, const catalog::TableInfo &table, const std::string &cutoff);

// archive: the whole of it, or a partition.
bool has_archived_due(pg::Spi &spi, const catalog::TableInfo &table, const std::string &archive,
                      const std::string &cutoff);

} // namespace softdelete::purge
