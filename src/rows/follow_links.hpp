// Rows along foreign keys, up and down, whatever their state: live or deleted, of registered tables or not. Each table is
// read as its own owner: the values of one side are handed over to the statement on the other.
#pragma once

#include "catalog/foreign_keys.hpp"
#include "rows/row_set.hpp"

#include <vector>

namespace softdelete::rows {

struct RowLink {
    RowId child;
    RowId parent;
};

// The rows of key.parent that these rows of key.child reference.
std::vector<RowLink> find_parents(pg::Spi &spi, const catalog::ForeignKey &key, const RowSet &children);

// The rows of key.child that reference these rows of key.parent. Locks them FOR UPDATE if told to.
enum class RowLock { none, for_update };

RowSet find_children(pg::Spi &spi, const catalog::ForeignKey &key, const RowSet &parents, RowLock lock);

// So many of them, any.
RowSet find_some_children(pg::Spi &spi, const catalog::ForeignKey &key, const RowSet &parents,
                          std::size_t limit);

// SQL: rows of text values, of columns with these names and types, from parameter $first on, one array of text per
// column. The derived table has a last column "softdelete.position", counted from 1.
std::string make_value_rows(const std::vector<std::string> &names, const std::vector<std::string> &types,
                            int first);

// Those parameters, from rows of values.
std::vector<pg::Parameter> make_value_arrays(const std::vector<std::vector<std::string>> &rows,
                                             std::size_t columns);

// SQL: true where the reference under that alias shall see every row: of a registered table the deleted ones too.
std::string see_all(const catalog::TableInfo &table, const char *alias);

} // namespace softdelete::rows
