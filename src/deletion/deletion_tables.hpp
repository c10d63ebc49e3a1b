// The tables of a deletion, and what it still holds of them.
#pragma once

#include "catalog/table_info.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace softdelete::deletion {

enum class DeletionLock { none, for_update };

// Each in the order in which the deletion came to them.
struct DeletionTables {
    std::vector<catalog::TableInfo> marked;   // registered with the strategy flag
    std::vector<catalog::TableInfo> archived; // with an archive
};

// The tables that a deletion touched. The lock is one on its row in the log. Errors: P0002 no such deletion.
DeletionTables get_deletion_tables(pg::Spi &spi, std::int64_t deletion, DeletionLock lock);

// Is the deletion in this database's log? One whose rows came with data from elsewhere may not be.
bool is_logged(pg::Spi &spi, std::int64_t deletion);

// Has the table rows that are still deleted by it, as is committed by now or our own, in any isolation level? Reads the
// table as its owner.
bool holds_rows(pg::Spi &spi, const catalog::TableInfo &table, std::int64_t deletion);

// Has any table or archive rows of it?
bool holds_any_rows(pg::Spi &spi, std::int64_t deletion);

// When the deletion was, which is the time of all its rows in the archive of the table: by it the server leaves out the partitions of
// others. Nothing where the rows may have come there with other times: the deletion is not in the log, or from before the table
// got its archive.
std::optional<std::string> find_archived_time(pg::Spi &spi, const catalog::TableInfo &table,
                                              std::int64_t deletion);

// SQL: the rows of the deletion in the archive of the table, under this alias, with the parameters from $1 on.
struct ArchivedCondition {
    std::string sql;
    std::vector<pg::Parameter> parameters;
};

ArchivedCondition make_archived_condition(pg::Spi &spi, const catalog::TableInfo &table, const char *alias,
                                          std::int64_t deletion);

// Has the table's archive rows of it?
bool holds_archived_rows(pg::Spi &spi, const catalog::TableInfo &table, std::int64_t deletion);

} // namespace softdelete::deletion
