// Which rows of a deletion its cascade took: those come back as by their tables' owners, as the cascade took them.
#pragma once

#include "catalog/table_info.hpp"
#include "rows/row_set.hpp"

#include <cstdint>
#include <vector>

namespace softdelete::restore {

// The rows of these tables that the deletion holds below other rows of it, by CASCADE keys: below a row of another table than
// these, or below one of these tables that is below nothing itself. Rows that are below each other alone are not among them.
rows::RowSet find_rows_below(pg::Spi &spi, const std::vector<catalog::TableInfo> &tables,
                             std::int64_t deletion);

// Raises 42501 where the deletion holds a row of one of these tables that is below no row of another table of it, by CASCADE
// keys: it was deleted by itself, and comes back for who may update its table.
void check_only_below(pg::Spi &spi, const std::vector<catalog::TableInfo> &tables, std::int64_t deletion);

// All rows that the deletion holds of a table, or of an inheritance child of it. Reads as the owner.
rows::RowSet find_rows_of(pg::Spi &spi, const catalog::TableInfo &table, std::int64_t deletion);

} // namespace softdelete::restore
