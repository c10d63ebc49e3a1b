// A rule may give a row another key. What references it in archives, and in histories, gets that key as well, which no ON UPDATE
// CASCADE would give it.
// Called by erasure/overwrite_rows, around its statement.
#pragma once

#include "erasure/recorded_keys.hpp"
#include "rows/follow_links.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace softdelete::erasure {

// Archived rows, and what they had then in the columns of a key, as text.
struct LeftRows {
    catalog::TableInfo archive;
    std::vector<std::string> columns; // quoted
    std::map<rows::RowId, std::string> values;
};

struct RowsLeft {
    std::vector<LeftRows> archived;
    RecordedReport recorded; // of entries of histories
};

// The archives, by name, of those that have the same now: others followed the next row after all.
std::set<std::string> find_still_left(pg::Spi &spi, const RowsLeft &left);

class CarriedKeys {
public:
    // The archived rows below these, which are about to get other values in these columns, which are quoted. table: whose rows they are,
    // a table or the archive of source. Locks the archived rows.
    // left: gets those that keep the former key, because they were, or may have been, of another row, or they are on hold.
    CarriedKeys(pg::Spi &spi, const catalog::TableInfo &table, const catalog::TableInfo &source,
                const std::vector<std::string> &columns, const rows::RowSet &rows, RowsLeft *left)
        : CarriedKeys(spi, table, source, columns, rows, left, nullptr) {}

    ~CarriedKeys();

    // The rows have their values now: as the archives' owners.
    void carry();

private:
    // The children of one row by one key.
    struct Family {
        catalog::ForeignKey key; // as archived children have it
        rows::RowId parent;
        rows::RowSet children;
        std::vector<std::size_t> places; // of the key's columns that get other values
    };

    // Live rows that are reached, by the key: a circle of keys ends there, as the server's own cascade does.
    using Reached = std::set<std::pair<Oid, rows::RowId>>;

    CarriedKeys(pg::Spi &spi, const catalog::TableInfo &table, const catalog::TableInfo &source,
                const std::vector<std::string> &columns, const rows::RowSet &rows, RowsLeft *left,
                Reached *reached);
    void find_archived(const catalog::ForeignKey &key, const rows::RowSet &rows);
    void find_live(const catalog::ForeignKey &key, const rows::RowSet &rows);
    std::vector<std::size_t> find_places(const catalog::ForeignKey &key) const;
    std::vector<std::optional<std::string>> read_key(const catalog::ForeignKey &key,
                                                     const rows::RowId &parent);
    void give_key(const Family &family);
    void find_recorded(const catalog::ForeignKey &key, const rows::RowSet &rows);

    pg::Spi &spi_;
    const catalog::TableInfo table_;
    const bool is_archive_;
    const std::vector<std::string> ruled_;   // columns that get other values
    const std::vector<std::string> changed_; // and those that are computed of them, perhaps
    RowsLeft *left_;                         // may be null
    Reached own_reached_;
    Reached *reached_;
    std::vector<Family> families_;
    std::vector<RecordedKey> recorded_;
    std::vector<std::unique_ptr<CarriedKeys>> below_; // of live rows that the server gives the key
};

} // namespace softdelete::erasure
