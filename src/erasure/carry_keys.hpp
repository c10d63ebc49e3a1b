// A rule may give a row another key. What references it in archives gets that key as well, which no ON UPDATE CASCADE would give it.
// Called by erasure/overwrite_rows, around its statement.
#pragma once

#include "rows/follow_links.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace softdelete::erasure {

// Archived rows by the name of their archive.
using RowsLeft = std::map<std::string, rows::RowSet>;

class CarriedKeys {
public:
    // The archived rows below these, which are about to get other values in these columns, which are quoted. table: whose rows they are,
    // a table or the archive of source. Locks the archived rows.
    // left: gets those that keep the former key, because another row has it or they are on hold.
    CarriedKeys(pg::Spi &spi, const catalog::TableInfo &table, const catalog::TableInfo &source,
                const std::vector<std::string> &columns, const rows::RowSet &rows, RowsLeft *left);
    ~CarriedKeys();

    // The rows have their values now: as the archives' owners.
    void carry();

private:
    // The children of one row by one key.
    struct Family {
        catalog::ForeignKey key; // as archived children have it
        rows::RowId parent;
        rows::RowSet children;
    };

    void find_archived(const catalog::ForeignKey &key, const rows::RowSet &rows);
    void find_live(const catalog::ForeignKey &key, const rows::RowSet &rows);
    rows::RowSet find_others(const catalog::ForeignKey &key, const rows::RowSet &children,
                             const rows::RowSet &rows);
    std::vector<pg::Parameter> read_key(const Family &family);
    void give_key(const Family &family);

    pg::Spi &spi_;
    const catalog::TableInfo table_;
    const bool is_archive_;
    RowsLeft *left_; // may be null
    std::vector<Family> families_;
    std::vector<std::unique_ptr<CarriedKeys>> below_; // of live rows that the server gives the key
};

} // namespace softdelete::erasure
