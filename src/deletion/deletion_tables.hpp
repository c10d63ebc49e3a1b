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

// The rows of a deletion in the archive of a table, as SQL: by its id, and by its time where all of them have that, so that the server
// leaves out the partitions of others. They may have other times where they came to the archive as marked rows do: an application says
// when it deleted them, or the column rounds. Or the deletion is not in the log.
class ArchivedCondition {
public:
    ArchivedCondition(pg::Spi &spi, const catalog::TableInfo &table, std::int64_t deletion);

    // Adds the parameters that it names to those that are there.
    std::string with_parameters(const char *alias, std::vector<pg::Parameter> *parameters) const;

    std::string with_literals(const char *alias) const;

private:
    std::int64_t deletion_;
    std::string deleted_at_;
    std::optional<std::string> time_;
};

// Has the table's archive rows of it?
bool holds_archived_rows(pg::Spi &spi, const catalog::TableInfo &table, std::int64_t deletion);

} // namespace softdelete::deletion
