// A row with all that its physical removal takes along: the CASCADE descendants to any depth, live or deleted, of
// registered tables and of others. Self references, diamonds and cycles are followed once.
#pragma once

#include "catalog/foreign_keys.hpp"
#include "rows/follow_links.hpp"

#include <map>
#include <set>
#include <vector>

namespace softdelete::rows {

struct TreeTable {
    catalog::TableInfo table;
    RowSet rows;
};

struct RowTree {
    std::map<Oid, TreeTable> tables;
    RowSet all;
    std::set<Oid> linked; // tables whose rows lose their link: SET NULL and SET DEFAULT

    // The tables and partitions that the rows are in.
    std::set<Oid> get_relations() const;

    // How many rows of which tables, as a JSON object.
    std::string count(pg::Spi &spi) const;
};

// Locks the rows FOR UPDATE, parents before children. rows are locked already.
RowTree collect_tree(pg::Spi &spi, const RowSet &rows);

} // namespace softdelete::rows
