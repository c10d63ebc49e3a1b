// Reads the links of the rows, then walks down from those that are below nothing. Called by undo_deletion.cpp for tables
// whose policies the caller is under or that he may not update; of others it asks no rows.
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
        if (table.archive) {
            add_archived(table);
        }
        if (!table.is_registered) {
            return;
        }
        for (Oid heir : catalog::find_heirs(spi_, table.relation)) {
            rows_.add_all(find_rows_of(spi_, catalog::get_table(spi_, heir), deletion_));
            for (const ForeignKey &key : catalog::find_own_keys(spi_, heir)) {
                if (key.on_delete == catalog::OnDelete::cascade && key.parent.is_registered) {
                    add_links(key);
                }
            }
        }
    }

    // Are those at the top of the tables themselves what others may be below?
    enum class Top { counts, counts_not };

    rows::RowSet find(Top top = Top::counts) {
        rows::RowSet linked;
        std::deque<RowId> work;
        for (const rows::RowLink &link : links_) {
            linked.add(link.child);
            children_[link.parent].add(link.child);
        }
        for (const auto &[parent, children] : children_) {
            if (!rows_.contains(parent) || (top == Top::counts && !linked.contains(parent))) {
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

    const rows::RowSet &rows() const { return rows_; }

private:
    void add_archived(const TableInfo &table) {
        rows_.add_all(find_archived_rows(table));
        for (const ForeignKey &key : catalog::find_own_keys(spi_, table.relation)) {
            if (key.on_delete != catalog::OnDelete::cascade) {
                continue;
            }
            if (key.parent.archive) {
                add_links(catalog::between_archives(key), find_archived_rows(table),
                          sqltext::format(" AND p.deletion_id = %1%", deletion_));
            }
            if (key.parent.is_registered) {
                add_links(catalog::of_archived_children(key), find_archived_rows(table), of_deletion(key));
            }
        }
    }

    rows::RowSet find_archived_rows(const TableInfo &table) {
        rows::RowSet found;
        pg::OwnerScope owner(table.owner);
        for (const pg::Row &row :
             spi_.query(sqltext::format("/* softdelete */ SELECT a.tableoid, a.ctid FROM %1% AS a WHERE "
                                        "a.deletion_id = $1::pg_catalog.int8",
                                        table.archive->name),
                        {deletion_})) {
            found.add(rows::read_row_id(row));
        }
        return found;
    }

    std::string of_deletion(const ForeignKey &key) const {
        return sqltext::format(" AND p.%1% IS NOT NULL AND p.deletion_id = %2%", key.parent.deleted_at,
                               deletion_);
    }

    void add_links(const ForeignKey &key) {
        add_links(key, find_rows_of(spi_, key.child, deletion_), of_deletion(key));
    }

    void add_links(const ForeignKey &key, const rows::RowSet &children, const std::string &further) {
        for (const rows::RowLink &link : rows::find_parents(spi_, key, children, further)) {
            links_.push_back(link);
        }
    }

    pg::Spi &spi_;
    const std::int64_t deletion_;
    rows::RowSet rows_;
    std::vector<rows::RowLink> links_;
    std::map<RowId, rows::RowSet> children_;
};

// The table is told by what the row is a row of: a partition or an heir of it, or a partition of its archive.
[[noreturn]] void raise_by_itself(pg::Spi &spi, const std::vector<TableInfo> &tables, const RowId &row) {
    for (const TableInfo &table : tables) {
        const Oid archive = table.archive ? table.archive->relation : table.relation;
        const bool is_of_table =
            !spi.query(
                    "WITH RECURSIVE line (relation) AS (SELECT $1::pg_catalog.oid UNION SELECT h.inhparent "
                    "FROM pg_catalog.pg_inherits h JOIN line l ON h.inhrelid = l.relation) SELECT FROM "
                    "line WHERE relation IN ($2::pg_catalog.oid, $3::pg_catalog.oid)",
                    {row.table, table.relation, archive})
                 .empty();
        if (is_of_table) {
            catalog::raise_permission_denied(
                table, "The deletion has rows of it that are below none which you may restore.");
        }
    }
    catalog::raise_permission_denied(tables.front());
}

} // namespace

rows::RowSet find_rows_below(pg::Spi &spi, const std::vector<TableInfo> &tables, std::int64_t deletion) {
    RowsBelow below(spi, deletion);
    for (const TableInfo &table : tables) {
        below.add(table);
    }
    return below.find();
}

void check_only_below(pg::Spi &spi, const std::vector<TableInfo> &tables, std::int64_t deletion) {
    if (tables.empty()) {
        return;
    }
    RowsBelow below(spi, deletion);
    for (const TableInfo &table : tables) {
        below.add(table);
    }
    const rows::RowSet found = below.find(RowsBelow::Top::counts_not);
    for (const RowId &row : below.rows().ids()) {
        if (!found.contains(row)) {
            raise_by_itself(spi, tables, row);
        }
    }
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
