// Of which deletions rows are: a key may have been given again, and the deletion tells whose a row was.
#pragma once

#include "catalog/foreign_keys.hpp"
#include "rows/row_set.hpp"

#include <functional>
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

// Of these archived rows of key.child, those whose parent by the key is none of the subject's rows: the key was given again. The
// parent of a row is the one that its deletion took along as well, or else the one that went next, or the one that is live. is_known
// tells whether a row, live or archived, is one of the subject's.
rows::RowSet find_others_children(pg::Spi &spi, const catalog::ForeignKey &key, const rows::RowSet &found,
                                  const std::function<bool(const rows::RowId &)> &is_known);

// What the log says of them.
inline constexpr const char *others_children = "referenced another row, which had the same key";

} // namespace softdelete::erasure
