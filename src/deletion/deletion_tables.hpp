// The tables of a deletion, and what it still holds of them.
#pragma once

#include "catalog/table_info.hpp"

#include <cstdint>
#include <vector>

namespace softdelete::deletion {

enum class DeletionLock { none, for_update };

// The tables that are registered with the strategy flag and that a deletion touched, in the order in which it came to them. The lock is one on the deletion's row in
// the log. Errors: P0002 no such deletion.
std::vector<catalog::TableInfo> get_deletion_tables(pg::Spi &spi, std::int64_t deletion, DeletionLock lock);

// The tables with an archive that it touched, in that order.
std::vector<catalog::TableInfo> get_archived_tables(pg::Spi &spi, std::int64_t deletion);

// Is the deletion in this database's log? One whose rows came with data from elsewhere may not be.
bool is_logged(pg::Spi &spi, std::int64_t deletion);

// Has the table rows that are still deleted by it, as is committed by now or our own, in any isolation level? Reads the
// table as its owner.
bool holds_rows(pg::Spi &spi, const catalog::TableInfo &table, std::int64_t deletion);

// Has any table or archive rows of it?
bool holds_any_rows(pg::Spi &spi, std::int64_t deletion);

// Has the table's archive rows of it?
bool holds_archived_rows(pg::Spi &spi, const catalog::TableInfo &table, std::int64_t deletion);

} // namespace softdelete::deletion
