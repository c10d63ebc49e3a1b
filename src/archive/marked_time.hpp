// The time of a deletion as the table has it that marks deleted rows, and as its archive does.
#pragma once

#include "archive/archive_settings.hpp"
#include "catalog/table_catalog.hpp"

#include <string>

namespace softdelete::archive {

// SQL: what the archive gets for a value of the table's column, and the other way round. Where that has no time zone it is read in the
// one in which the change of strategy was begun, whoever goes on with it: rows that move there and back have what they had.
std::string make_archived_time(const catalog::Table &table, const ArchiveSettings &settings,
                               const std::string &value);
std::string make_marked_time(const catalog::Table &table, const ArchiveSettings &settings,
                             const std::string &value);

// Errors: 55000 where the session's time zone has no such time as that of a deleted row: clocks were put forward.
void check_times(pg::Spi &spi, const catalog::Table &table, const std::string &deleted_at);

} // namespace softdelete::archive
