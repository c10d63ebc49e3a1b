// The holds in force, and the tables that ON DELETE CASCADE keys connect with those that have some: what there is to know
// before rows are looked at. Reads the catalogs and softdelete_internal.hold, each table once.
#pragma once

#include "catalog/foreign_keys.hpp"
#include "registry/hold_log.hpp"
#include "rows/row_set.hpp"

#include <map>
#include <set>
#include <vector>

namespace softdelete::holds {

class HoldGraph {
public:
    // Rows that are held themselves, each with the id of a hold.
    using Found = std::map<rows::RowId, std::int64_t>;

    explicit HoldGraph(pg::Spi &spi);
    HoldGraph(pg::Spi &spi, const std::vector<registry::Hold> &holds); // of these holds instead

    bool empty() const { return holds_.empty(); }

    struct Node {
        catalog::TableInfo table;
        std::vector<Oid> line;                     // the table and its inheritance parents
        std::vector<catalog::ForeignKey> cascades; // its rows are removed with the rows that these reference
    };

    // The table of a row's tableoid: a partition is a part of its root.
    const Node &get_node(pg::Spi &spi, Oid relation);

    // May a row of the table be held, or have a row above it that is?
    bool leads_to_hold(pg::Spi &spi, Oid relation);

    // May a row of one table have a row of the other above it? Of a table itself: true.
    bool leads_to(pg::Spi &spi, Oid from, Oid to);

    // Those of the rows, all of the node's table, that are held.
    Found find_held(pg::Spi &spi, const Node &node, const rows::RowSet &rows);

    // All holds on those of the rows; released holds that fit the primary key no more are left out.
    std::set<std::int64_t> find_ids(pg::Spi &spi, const Node &node, const rows::RowSet &rows);

    // All held rows of tables that lead to this one.
    Found find_all_held(pg::Spi &spi, Oid relation);

private:
    struct HeldTable {
        catalog::TableInfo table;
        std::vector<catalog::KeyColumn> key;
        std::vector<registry::Hold> holds;
    };

    using Match = std::pair<rows::RowId, std::int64_t>;

    // Rows that holds on a table name; of these rows, or of all.
    static std::vector<Match> match(pg::Spi &spi, const HeldTable &held, const rows::RowSet *rows);

    const std::set<Oid> &get_ancestors(pg::Spi &spi, Oid relation);

    std::map<Oid, HeldTable> holds_;
    std::map<Oid, Node> nodes_;
    std::map<Oid, std::set<Oid>> ancestors_; // with the table itself
};

} // namespace softdelete::holds
