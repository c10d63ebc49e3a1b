// Keys of rows as text, by which a history is asked for their entries; for those who read entries by the key.
#pragma once

#include "history/row_lives.hpp"

namespace softdelete::history {

// A key's values as the history has them.
struct Key {
    Datum values[INDEX_MAX_KEYS] = {};

    Key(const TrackedTable &table, const KeyTexts &texts);
};

// Of the table's primary key, as columns of "t".
std::vector<std::string> find_key_columns(pg::Spi &spi, Oid relation);

// The first columns of the row.
KeyTexts read_texts(const pg::Row &row, std::size_t count);

// place: where the rows are: the table, its archive or its history. further: columns more.
std::vector<pg::Row> read_key_rows(pg::Spi &spi, const catalog::TableInfo &place,
                                   const std::vector<std::string> &columns, const rows::RowSet &rows,
                                   const std::string &further = "");

// Has the history all columns of the key?
bool records_key(Oid relation);

} // namespace softdelete::history
