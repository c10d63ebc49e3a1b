// What histories of referencing tables keep of a row's former key, where a rule for anonymization gives the row another one.
#pragma once

#include "catalog/foreign_keys.hpp"
#include "erasure/key_holders.hpp"
#include "rows/row_set.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace softdelete::erasure {

// The entries that reference one row by one key, read while the row has its former key.
struct RecordedKey {
    catalog::ForeignKey key;
    rows::RowId row;
    std::vector<std::optional<std::string>> former; // as text
    rows::RowSet entries;
    bool has_unknown; // entries that may be of another row
};

// row: at that place of the key's referenced table. Nothing where the key's child table has no history with its columns.
std::optional<RecordedKey> read_recorded_key(pg::Spi &spi, const catalog::ForeignKey &key, Place place,
                                             const rows::RowId &row);

// Gives the entries, and those that this transaction has added, the key that the row has now. values: as text. now: where the row is.
// Where the columns belong to the key of the child table, its entries are removed. Adds to not_reached what the log says of those that a
// hold keeps, and of those that may be another row's.
void give_recorded_key(pg::Spi &spi, const RecordedKey &recorded, const rows::RowSet &now,
                       const std::vector<std::optional<std::string>> &values,
                       std::set<std::string> *not_reached);

} // namespace softdelete::erasure
