// The holds in force, and the tables that ON DELETE CASCADE keys connect with those that have some: what there is to know
// before rows are looked at. An archive is a table of its own here: a hold on a key is one on each row that was archived under
// it, and archived rows lie below what they reference, be it live, marked or archived itself. Reads the catalogs, each table once. Of the holds it looks up those of the rows concerned,
// and reads all of a table's where they are fewer than the rows.
#pragma once

#include "catalog/foreign_keys.hpp"
#include "registry/hold_log.hpp"
#include "rows/row_set.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace softdelete::holds {

class HoldGraph {
public:
    // Rows that are held themselves, each with the id of a hold.
    using Found = std::map<rows::RowId, std::int64_t>;

    HoldGraph() = default;
    HoldGraph(pg::Spi &spi,
              const std::vector<registry::Hold> &holds); // of these holds instead of those in force

    // The tables that have holds, as far as they are there.
    const std::set<Oid> &get_held_relations(pg::Spi &spi);

    bool empty(pg::Spi &spi) { return get_held_relations(spi).empty(); }

    struct Node {
        catalog::TableInfo table;
        std::vector<Oid> line;    // the table and its inheritance parents
        std::vector<Oid> holders; // whose holds name its rows: these, or the table of an archive
        bool is_archive;
        std::vector<catalog::ForeignKey> cascades; // its rows are removed with the rows that these reference
    };

    // The table of a row's tableoid: a partition is a part of its root.
    const Node &get_node(pg::Spi &spi, Oid relation);

    // The CASCADE keys that lead down from the table, to archives as well.
    const std::vector<catalog::ForeignKey> &get_keys_below(pg::Spi &spi, Oid relation);

    // May a row of the table be held, or have a row above it that is?
    bool leads_to_hold(pg::Spi &spi, Oid relation);

    // May a row below a row of the table be held, or that row itself?
    bool is_above_hold(pg::Spi &spi, Oid relation);

    // The same of archived rows alone, which no foreign key of the server's keeps.
    bool is_above_archived_hold(pg::Spi &spi, Oid relation);

    // Are there more holds on rows above or below the table than that?
    bool has_more_holds_around(pg::Spi &spi, Oid relation, std::size_t number);

    // May a row of one table have a row of the other above it? Of a table itself: true.
    bool leads_to(pg::Spi &spi, Oid from, Oid to);

    // Those of the rows, all of the node's table, that are held.
    Found find_held(pg::Spi &spi, const Node &node, const rows::RowSet &rows) {
        return find_in_holders(spi, node, nullptr, &rows);
    }

    // All holds on those of the rows; released holds that fit the primary key no more are left out.
    std::set<std::int64_t> find_ids(pg::Spi &spi, const Node &node, const rows::RowSet &rows);

    // All held rows of tables that lead to this one, or to which it leads.
    Found find_all_held(pg::Spi &spi, Oid relation);

    // Those of the first alone: itself and what is above it.
    Found find_held_above(pg::Spi &spi, Oid relation);

    // Held rows of the node's table that are in that part of it. Reads nothing else.
    Found find_held_in_part(pg::Spi &spi, const Node &node, const catalog::TableInfo &part) {
        return find_in_holders(spi, node, &part, nullptr);
    }

private:
    struct HeldTable {
        catalog::TableInfo table;
        std::vector<catalog::KeyColumn> key;
        std::optional<std::vector<registry::Hold>> holds; // where all of them were read
        bool is_fitting;                                  // all were seen to fit the primary key
    };

    using Match = std::pair<rows::RowId, std::int64_t>;

    static HeldTable make_held_table(pg::Spi &spi, Oid relation);

    Node make_node(pg::Spi &spi, Oid relation);

    // Where rows are that holds on the table name: itself and its archive.
    std::vector<Oid> get_places(pg::Spi &spi, Oid held);

    // Null where no row of the table is held itself.
    HeldTable *find_held_table(pg::Spi &spi, Oid relation);

    // Raises 55000 where a hold does not fit the primary key.
    static void check_key(HeldTable &held);

    // Rows that holds on a table name; of these rows, or of all in that place. Each with the first of its holds.
    static Found find_in(pg::Spi &spi, HeldTable &held, const catalog::TableInfo &place,
                         const rows::RowSet *rows);

    // By one look-up for each row, and by all holds, which were read.
    static Found look_up(pg::Spi &spi, const HeldTable &held, const catalog::TableInfo &place,
                         const rows::RowSet &rows);
    static std::vector<Match> match(pg::Spi &spi, const HeldTable &held, const catalog::TableInfo &place,
                                    const rows::RowSet *rows);

    const std::set<Oid> &get_ancestors(pg::Spi &spi, Oid relation);

    // Of these rows, or of all in the part, where one is given.
    Found find_in_holders(pg::Spi &spi, const Node &node, const catalog::TableInfo *part,
                          const rows::RowSet *rows);

    // The held rows of tables whose places are asked for.
    Found find_held_where(pg::Spi &spi, const std::function<bool(Oid)> &is_concerned);

    std::optional<std::set<Oid>> held_relations_;
    std::map<Oid, HeldTable> holds_;
    std::map<Oid, Node> nodes_;
    std::map<Oid, std::set<Oid>> ancestors_; // with the table itself
    std::map<Oid, std::vector<catalog::ForeignKey>> below_;
};

} // namespace softdelete::holds
