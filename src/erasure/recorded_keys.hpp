// What histories of referencing tables keep of a row's former key, where a rule for anonymization gives the row another one.
#pragma once

#include "catalog/foreign_keys.hpp"
#include "erasure/key_holders.hpp"
#include "rows/row_set.hpp"

#include <map>
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
    std::vector<std::string> ruled;                 // columns that get other values, quoted
    rows::RowSet entries;
    bool has_unknown; // entries that may be of another row
};

// The entries of the table's history that are about a row, which is at that place.
rows::RowSet find_row_entries(pg::Spi &spi, const catalog::TableInfo &table, Place place,
                              const rows::RowId &row);

// row: at that place of the key's referenced table. ruled: its columns, quoted, that are about to get other values. Nothing where the
// key's child table has no history with its columns.
std::optional<RecordedKey> read_recorded_key(pg::Spi &spi, const catalog::ForeignKey &key, Place place,
                                             const rows::RowId &row, const std::vector<std::string> &ruled);

// What became of entries, for the entry of the log.
struct RecordedReport {
    std::set<std::string> not_reached;
    std::map<std::string, std::uint64_t> removed; // of which history, by its name
};

// Gives the entries, and those that this transaction has added, what the row has now in the columns with other values. values: as text.
// now: where the row is. An entry whose place under its table's own key is another row's then, or not known before, is removed; where the child table
// belongs to another role, it stays. Reports those that a hold keeps, and those that may be another row's.
void give_recorded_key(pg::Spi &spi, const RecordedKey &recorded, const rows::RowSet &now,
                       const std::vector<std::optional<std::string>> &values, RecordedReport *report);

} // namespace softdelete::erasure
