// An entry of a change of the primary key names the other key by its values. When the table gets another primary key, these
// become values of that one, so that a row is found by all that it was.
#pragma once

#include "history/overwritten_columns.hpp"
#include "rows/row_set.hpp"

#include <vector>

namespace softdelete::history {

// Remembers by which columns the entries name a key from now on: those of the primary key of today.
void remember_key(pg::Spi &spi, Oid relation);

// Rewrites them where the primary key has other columns than those remembered. Where there is none now, it waits for the next.
void follow_other_keys(pg::Spi &spi, const catalog::TableInfo &table, const catalog::TableInfo &history);

// A value of an enum type has another name, which keys in all histories get as well.
// Errors: 0A000 where keys are of an array, a composite or a range of it, and have changed.
void follow_enum_value(pg::Spi &spi, Oid type, const std::string &before, const std::string &now);

// Entries are about to get other values in columns, some of them of the primary key. The values read no column.
struct KeyChange {
    const catalog::TableInfo &table;
    const catalog::TableInfo &history;
    const std::vector<OverwrittenColumn> &columns;
};

// Those of the entries that cannot be under their new key: another row had it at that time.
rows::RowSet find_taken(pg::Spi &spi, const KeyChange &change, const rows::RowSet &entries);

// Before: what names a key of these entries names the new one. Returns those that do, where they are now.
rows::RowSet name_new_keys(pg::Spi &spi, const KeyChange &change, const rows::RowSet &entries);

// Before entries are removed: a row that arrived under another key, by a change of which one of them is the other half, comes from
// nowhere.
void forget_former_keys(pg::Spi &spi, const KeyChange &change, const rows::RowSet &entries);

// Afterwards: of these entries, changes of a key to itself are changes like any other.
void drop_same_keys(pg::Spi &spi, const KeyChange &change, const rows::RowSet &entries);

// The history's column has another name.
void rename_key_column(pg::Spi &spi, Oid relation, const std::string &before, const std::string &now);

} // namespace softdelete::history
