// Of which deletions rows are: a key may have been given again, and the deletion tells whose a row was.
#pragma once

#include "rows/row_set.hpp"

#include <map>
#include <string>

namespace softdelete::erasure {

// The deletions of these rows of a table or an archive, those of rows that were anonymized before without their sign. Rows that
// are of none are left out.
std::map<rows::RowId, std::string> read_deletions(pg::Spi &spi, const catalog::TableInfo &table,
                                                  const rows::RowSet &rows);

// Were both rows in one deletion? False where one was in none.
bool is_same_deletion(const std::map<rows::RowId, std::string> &some, const rows::RowId &one,
                      const std::map<rows::RowId, std::string> &others, const rows::RowId &other);

} // namespace softdelete::erasure
