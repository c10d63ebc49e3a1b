// What a history tells of rows that referenced others: by which values, and when.
#pragma once

#include "catalog/foreign_keys.hpp"
#include "history/row_lives.hpp"

#include <string>
#include <vector>

namespace softdelete::history {

// A column that a foreign key references, and what rows have there, as text.
struct ReferencedColumn {
    std::string name; // quoted
    std::string type;
    bool is_array;
    std::vector<std::string> values;
};

// A foreign key by which rows with a history may have referenced rows that have none.
struct SubjectLink {
    catalog::ForeignKey key;
    std::vector<ReferencedColumn> values;
};

// The keys of a subject's rows of one table, and by what other rows found them: read before the rows are removed.
struct SubjectKeys {
    catalog::TableInfo table;
    std::vector<KeyTexts> named; // whoever had them at any time
    std::vector<KeyTexts> keys;
    std::vector<SubjectLink> links;
};

SubjectKeys read_subject(pg::Spi &spi, const catalog::TableInfo &table, const rows::RowSet &rows);

// What rows of the table had in the columns that the key references, by these entries of its history. Empty where the history
// has no such columns.
std::vector<ReferencedColumn> read_recorded_values(pg::Spi &spi, const catalog::TableInfo &table,
                                                   const catalog::ForeignKey &key,
                                                   const rows::RowSet &entries);

// The rows that reference such values, as the key compares. place: the history or the archive of the key's child table.
// further: what the query ends in, such as a locking clause for "c".
rows::RowSet find_references(pg::Spi &spi, const catalog::TableInfo &place, const catalog::ForeignKey &key,
                             const std::vector<ReferencedColumn> &columns, const char *further = "");

// What a row had while it had it: a reference to the same values at another time is one to another row. What belongs to one
// transaction belongs together, in whatever order its triggers have recorded it.
struct HeldValues {
    std::vector<ReferencedColumn> columns;
    std::vector<ReferencedColumn> times; // columns as well: from, until, and the transactions of both
};

HeldValues read_held_values(pg::Spi &spi, const catalog::TableInfo &table, const catalog::ForeignKey &key,
                            const rows::RowSet &entries);

// The entries of the history that reference them while they were held.
rows::RowSet find_references_held(pg::Spi &spi, const catalog::TableInfo &history,
                                  const catalog::ForeignKey &key, const HeldValues &held);

// Rows of a table that are there, in the table itself or in its archive, of which entries do not tell how long they have had what
// they have.
struct PresentRows {
    catalog::TableInfo place;
    rows::RowSet rows;
    std::string until; // SQL, of "t"; the time of an archive is when the transaction began
};

// Whole lives of rows of the key's child table that referenced rows of the table to their end, by these entries of its history,
// and by what the rows that are there have had since the last of these, or ever. None where the child table has no history, or
// one without the columns.
rows::RowSet find_gone_below(pg::Spi &spi, const catalog::TableInfo &table, const catalog::ForeignKey &key,
                             const rows::RowSet &entries, const PresentRows &present);

// The keys that take rows along whose table has a history with their columns.
std::vector<catalog::ForeignKey> find_recorded_links(pg::Spi &spi, Oid relation);

// names: quoted.
bool has_columns(pg::Spi &spi, Oid relation, const std::vector<std::string> &names);

} // namespace softdelete::history
