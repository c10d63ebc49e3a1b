// Rows that come back from archives by one restore: those that were asked for, or that a deletion took below rows which come
// back, and what it took below them in turn. Used by restore() of rows of either strategy.
#pragma once

#include "catalog/foreign_keys.hpp"
#include "deletion/deletion_tables.hpp"
#include "restore/move_back.hpp"
#include "rows/row_set.hpp"
#include "rows/table_order.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace softdelete::restore {

class ArchivedTree {
public:
    // deletion: 0 for a row that was archived before its table was registered, which comes back alone.
    ArchivedTree(pg::Spi &spi, std::int64_t deletion);

    // The row in the archive of the table, with all that the deletion took below it. It does not wait: it is an error if a
    // parent of its own is not there.
    void add_root(const catalog::TableInfo &table, const rows::RowId &row);

    // What the deletion took to the archive of the key's table below these rows, by a CASCADE key, with all below that.
    void add_below(const catalog::ForeignKey &key, const rows::RowSet &parents);

    // Takes out rows that the deletion has taken again under the same key, which stay where they are, and rows that would miss
    // a parent, and so those below them; how many of these. Rows that are to come back in tables
    // without archive have come back by then. Locks live parents FOR KEY SHARE. Raises 23503 where the root is one, and 55000
    // where one of the rows, be it one that would wait, is below one that the deletion has several of under one key.
    std::uint64_t drop_waiting();

    // Moves the others; how many. Errors: those of move_back().
    deletion::RestoredRows move_all();

private:
    bool is_logged() const { return deletion_ != "0"; }

    // Rows of one archive that are to come back.
    struct Branch {
        catalog::TableInfo table;
        rows::RowSet rows;
        std::vector<catalog::ForeignKey> own;
    };

    Branch &get_branch(const catalog::TableInfo &table);
    std::string make_taken(const catalog::TableInfo &table);
    void add(const catalog::TableInfo &table, const rows::RowSet &found);
    void collect();
    rows::RowSet find_children(const catalog::ForeignKey &key, const catalog::ForeignKey &archived,
                               const rows::RowSet &parents);
    void drop_former(Branch &branch);
    void lock_live_parents();
    rows::RowSet find_orphans(const Branch &branch, const catalog::ForeignKey &key);
    deletion::RestoredRows move(const rows::TableGroup &group);
    void check_parents_told(const Branch &branch, const catalog::ForeignKey &key);
    [[noreturn]] void raise_orphan(const catalog::ForeignKey &key);
    [[noreturn]] void raise_parent_untold(const catalog::ForeignKey &key, const rows::RowId &child);

    pg::Spi &spi_;
    const std::string deletion_;
    std::optional<rows::RowId> root_;
    Oid root_table_ = InvalidOid; // whose rows the caller restores himself
    std::map<Oid, Branch> branches_;
    std::map<Oid, deletion::ArchivedCondition> taken_; // the deletion's rows in the archive of a table
    std::deque<std::pair<Oid, rows::RowSet>> work_;    // rows whose children are still to be found
};

} // namespace softdelete::restore
