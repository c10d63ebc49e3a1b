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

// `further`, in each of these: what else holds of the row that is looked for, "p" or "c". It begins with " AND " and may end
// in a locking or LIMIT clause.

// The rows of key.parent that these rows of key.child reference.
std::vector<RowLink> find_parents(pg::Spi &spi, const catalog::ForeignKey &key, const RowSet &children,
                                  const std::string &further = "");

// The rows of key.child that reference these rows of key.parent; as a set, or each with what it references.
RowSet find_children(pg::Spi &spi, const catalog::ForeignKey &key, const RowSet &parents,
                     const std::string &further = "");
std::vector<RowLink> find_links_below(pg::Spi &spi, const catalog::ForeignKey &key, const RowSet &parents,
                                      const std::string &further = "");

// The same, locked FOR UPDATE.
RowSet lock_children(pg::Spi &spi, const catalog::ForeignKey &key, const RowSet &parents);

// So many of them, any.
RowSet find_some_children(pg::Spi &spi, const catalog::ForeignKey &key, const RowSet &parents,
                          std::size_t limit);

// What a row of key.child has in the key's columns, as messages say it: "1, x".
std::string read_link(pg::Spi &spi, const catalog::ForeignKey &key, const RowId &child);

// SQL: true where the reference under that alias shall see every row: of a registered table the deleted ones too.
std::string see_all(const catalog::TableInfo &table, const char *alias);

} // namespace softdelete::rows
