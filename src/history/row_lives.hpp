// Which entries of a history are about a row: those under its key, and, where the key was changed, those under former keys
// from before. Lives of other rows that had one of the former keys before or after are not among them. Called when a history
// is erased, anonymized or purged around rows on hold.
#pragma once

#include "history/tracked_table.hpp"
#include "rows/row_set.hpp"

#include <string>
#include <vector>

namespace softdelete::history {

// A key as text of its columns, in the formats of pg::ExactTextScope.
using KeyTexts = std::vector<std::string>;

// The keys of rows of the table, which need not be live; none where the table has no history or no primary key.
std::vector<KeyTexts> read_keys(pg::Spi &spi, const catalog::TableInfo &table, const rows::RowSet &rows);

// The same of rows in the table's archive.
std::vector<KeyTexts> read_archived_keys(pg::Spi &spi, const catalog::TableInfo &table,
                                         const rows::RowSet &rows);

// The entries, by their place in the history's partitions. None where the table has no history or no primary key.
rows::RowSet find_lives(const catalog::TableInfo &table, const std::vector<KeyTexts> &keys);

// Those of rows that are there, or were removed by this transaction: what had their keys before is another row.
rows::RowSet find_last_lives(const catalog::TableInfo &table, const std::vector<KeyTexts> &keys);

// Those of rows that commands of this transaction have given another key, once or again, from the command since on, which they had
// before: a trigger moves a row, and then it is removed.
rows::RowSet find_moved_lives(const catalog::TableInfo &table, const std::vector<KeyTexts> &keys,
                              std::uint32_t since);

struct ArchivedLives {
    rows::RowSet own;
    rows::RowSet
        untold; // of lives under their keys that have ended, where no entry tells which one was an archived row's
};

// Those of rows in the table's archive, each of the life that ended when the row came there: what has its key now, or had it at
// another time, is another row.
ArchivedLives find_archived_lives(pg::Spi &spi, const catalog::TableInfo &table, const rows::RowSet &rows);

// Those of lives that ended with one of these entries.
rows::RowSet find_ended_lives(pg::Spi &spi, const catalog::TableInfo &table, const rows::RowSet &entries);

} // namespace softdelete::history
