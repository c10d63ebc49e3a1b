// Reads the links of the rows, then walks down from those that are below nothing. Called by undo_deletion.cpp for tables
// whose policies the caller is under; of others it asks no rows.
#include "restore/rows_below.hpp"

#include "pg/scopes.hpp"
#include "rows/follow_links.hpp"
#include "sqltext/format.hpp"

#include <deque>

namespace softdelete::restore {

namespace {

using catalog::ForeignKey;
using catalog::TableInfo;
using rows::RowId;

class RowsBelow {
public:
    RowsBelow(pg::Spi &spi, std::int64_t deletion) : spi_(spi), deletion_(deletion) {}

    void add(const TableInfo &table) {
        for (Oid heir : catalog::find_heirs(spi_, table.relation)) {
            rows_.add_all(find_rows_of(spi_, catalog::get_table(spi_, heir), deletion_));
            for (const ForeignKey &key : catalog::find_own_keys(spi_, heir)) {
                if (key.on_delete == catalog::OnDelete::cascade && key.parent.is_registered) {
                    add_links(key);
                }
            }
        }
    }

    rows::RowSet find() {
        rows::RowSet linked;
        std::deque<RowId> work;
        for (const rows::RowLink &link : links_) {
            linked.add(link.child);
            children_[link.parent].add(link.child);
        }
        for (const auto &[parent, children] : children_) {
            if (!rows_.contains(parent) || !linked.contains(parent)) {
                work.push_back(parent);
            }
        }
        rows::RowSet below;
        while (!work.empty()) {
            auto children = children_.find(work.front());
            work.pop_front();
            if (children == children_.end()) {
                continue;
            }
            for (const RowId &child : children->second.ids()) {
                if (below.add(child)) {
                    work.push_back(child);
                }
            }
        }
        return below;
    }

private:
    void add_links(const ForeignKey &key) {
        rows::RowSet children = find_rows_of(spi_, key.child, deletion_);
        for (const rows::RowLink &link :
             rows::find_parents(spi_, key, children,
                                sqltext::format(" AND p.%1% IS NOT NULL AND p.deletion_id = %2%",
                                                key.parent.deleted_at, deletion_))) {
            links_.push_back(link);
        }
    }

    pg::Spi &spi_;
    const std::int64_t deletion_;
    rows::RowSet rows_;
    std::vector<rows::RowLink> links_;
    std::map<RowId, rows::RowSet> children_;
};

} // namespace

rows::RowSet find_rows_below(pg::Spi &spi, const std::vector<TableInfo> &tables, std::int64_t deletion) {
    RowsBelow below(spi, deletion);
    for (const TableInfo &table : tables) {
        below.add(table);
    }
    return below.find();
}

rows::RowSet find_rows_of(pg::Spi &spi, const TableInfo &table, std::int64_t deletion) {
    rows::RowSet found;
    pg::OwnerScope owner(table.owner);
    for (const pg::Row &row :
         spi.query(sqltext::format("/* softdelete */ SELECT t.tableoid, t.ctid FROM %1% AS t WHERE "
                                   "t.deletion_id = $1::pg_catalog.int8 AND t.%2% IS NOT NULL",
                                   table.key_rows(), table.deleted_at),
                   {deletion})) {
        found.add(rows::read_row_id(row));
    }
    return found;
}

} // namespace softdelete::restore
