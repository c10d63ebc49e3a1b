// Who held a key at a time: the one place that tells to which row an archived row, or an entry of a history, belonged. A key may
// have been given again, or taken over; what the histories, the archives and the tables have of its holders tells whose a reference was.
#pragma once

#include "catalog/foreign_keys.hpp"
#include "rows/row_set.hpp"

#include <functional>
#include <string>
#include <vector>

namespace softdelete::erasure {

// Where rows that reference others by a key are, or the others: in the table, its archive or its history.
enum class Place { table, archive, history };

// The key as rows at these places have it. Nothing where there is no such place, or it does not have the columns.
std::optional<catalog::ForeignKey> find_step(pg::Spi &spi, const catalog::ForeignKey &key, Place parents,
                                             Place children);

// One row for each value that these rows have in the columns. Those with none are left out.
rows::RowSet pick_values(pg::Spi &spi, const catalog::TableInfo &place,
                         const std::vector<std::string> &columns, const rows::RowSet &rows);

// References by whom they were of; those of whom nothing recorded tells are in neither set.
struct Belongings {
    rows::RowSet own;    // of a known row
    rows::RowSet others; // of another one
};

// place: the archive or the history, where these rows of key.child are. is_known: is a row of key.parent, or an archived one, or an
// entry, one of those that are asked about?
Belongings find_belongings(pg::Spi &spi, const catalog::ForeignKey &key, Place place,
                           const rows::RowSet &rows,
                           const std::function<bool(const rows::RowId &)> &is_known);

} // namespace softdelete::erasure
