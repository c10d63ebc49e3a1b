// Finds the rows that legal holds protect, for the commands that remove rows. Walks up from the rows concerned and from
// the held rows, level by level, and finds among these connections what is above and below a held row. Statements of
// users are asked in holds/hold_check.
#include "holds/held_rows.hpp"
#include "sqltext/format.hpp"

#include "holds/held_links.hpp"
#include "holds/hold_errors.hpp"
#include "rows/follow_links.hpp"

#include <algorithm>
#include <deque>
#include <functional>

namespace softdelete::holds {

namespace {

using catalog::ForeignKey;
using catalog::TableInfo;
using Found = HoldGraph::Found;
using RowId = rows::RowId;
using Links = std::map<RowId, std::vector<RowId>>;

// Rows and the rows above them.
class Lines {
public:
    Lines(pg::Spi &spi, HoldGraph &graph, std::function<bool(const ForeignKey &)> is_followed)
        : spi_(spi)
        , graph_(graph)
        , is_followed_(std::move(is_followed)) {}

    // Follows the rows up. Looks for holds on them, and on what is above them.
    void add(const rows::RowSet &rows) {
        std::deque<rows::RowSet> work = {rows};
        while (!work.empty()) {
            rows::RowSet level;
            for (const auto &[relation, members] : rows::group_by_table(take_new(work.front()))) {
                follow(graph_.get_node(spi_, relation), members, &level);
            }
            work.pop_front();
            if (!level.empty()) {
                work.push_back(std::move(level));
            }
        }
    }

    void add_held(const Found &held) { held_.insert(held.begin(), held.end()); }

    // The held rows with what is above and below them, as far as it was followed; each with a hold.
    Found find_protected() const {
        Found all = held_;
        spread(parents_, &all);
        Found below = held_;
        spread(children_, &below);
        all.insert(below.begin(), below.end());
        return all;
    }

    // Without what is above them.
    Found find_below() const {
        Found below = held_;
        spread(children_, &below);
        return below;
    }

private:
    rows::RowSet take_new(const rows::RowSet &rows) {
        rows::RowSet fresh;
        for (const RowId &row : rows.ids()) {
            if (seen_.add(row)) {
                fresh.add(row);
            }
        }
        return fresh;
    }

    void follow(const HoldGraph::Node &node, const rows::RowSet &rows, rows::RowSet *above) {
        add_held(graph_.find_held(spi_, node, rows));
        for (const ForeignKey &key : node.cascades) {
            if (!is_followed_(key)) {
                continue;
            }
            for (const rows::RowLink &link : rows::find_parents(spi_, key, rows)) {
                parents_[link.child].push_back(link.parent);
                children_[link.parent].push_back(link.child);
                above->add(link.parent);
            }
        }
    }

    static void spread(const Links &links, Found *found) {
        std::deque<std::pair<RowId, std::int64_t>> work(found->begin(), found->end());
        while (!work.empty()) {
            auto [row, hold] = work.front();
            work.pop_front();
            auto next = links.find(row);
            if (next == links.end()) {
                continue;
            }
            for (const RowId &neighbour : next->second) {
                if (found->try_emplace(neighbour, hold).second) {
                    work.emplace_back(neighbour, hold);
                }
            }
        }
    }

    pg::Spi &spi_;
    HoldGraph &graph_;
    std::function<bool(const ForeignKey &)> is_followed_;
    rows::RowSet seen_;
    Found held_;
    Links parents_;
    Links children_;
};

rows::RowSet to_rows(const Found &found) {
    rows::RowSet rows;
    for (const auto &[row, hold] : found) {
        rows.add(row);
    }
    return rows;
}

// Adds what the removal of these rows takes along, of the tables that are followed.
void add_below(pg::Spi &spi, HoldGraph &graph, const std::function<bool(Oid)> &is_followed,
               rows::RowSet *all) {
    std::deque<rows::RowSet> work = {*all};
    while (!work.empty()) {
        rows::RowSet level;
        for (const auto &[relation, members] : rows::group_by_table(work.front())) {
            Oid parent = graph.get_node(spi, relation).table.relation;
            for (const ForeignKey &key : graph.get_keys_below(spi, parent)) {
                if (!is_followed(key.child.relation)) {
                    continue;
                }
                rows::RowSet found = rows::find_children(spi, key, members);
                for (const RowId &row : found.ids()) {
                    if (all->add(row)) {
                        level.add(row);
                    }
                }
            }
        }
        work.pop_front();
        if (!level.empty()) {
            work.push_back(std::move(level));
        }
    }
}

// Looks from the rows, or from the holds where those are fewer.
Found find_protected(pg::Spi &spi, HoldGraph &graph, const TableInfo &table, const rows::RowSet &rows) {
    Lines lines(spi, graph, [&](const ForeignKey &key) {
        return graph.leads_to_hold(spi, key.parent.relation)
               || graph.leads_to(spi, key.parent.relation, table.relation);
    });
    if (!rows.empty() && graph.has_more_holds_around(spi, table.relation, rows.size())) {
        rows::RowSet all = rows;
        add_below(
            spi, graph, [&](Oid child) { return graph.is_above_hold(spi, child); }, &all);
        lines.add(all);
        return lines.find_protected();
    }
    lines.add(rows);
    Found held = graph.find_all_held(spi, table.relation);
    lines.add_held(held);
    lines.add(to_rows(held));
    return lines.find_protected();
}

// Where the table's rows lie: itself, its partitions and the tables that inherit from it.
std::set<Oid> find_parts(pg::Spi &spi, Oid relation) {
    std::set<Oid> parts;
    for (const pg::Row &row : spi.query_kept(
             "WITH RECURSIVE parts (relation) AS (SELECT $1::pg_catalog.oid UNION SELECT h.inhrelid "
             "FROM pg_catalog.pg_inherits h JOIN parts p ON h.inhparent = p.relation) SELECT relation "
             "FROM parts",
             {relation})) {
        parts.insert(row.oid(0));
    }
    return parts;
}

bool is_row_of(pg::Spi &spi, HoldGraph &graph, const TableInfo &table, const RowId &row) {
    const HoldGraph::Node &node = graph.get_node(spi, row.table);
    return std::find(node.line.begin(), node.line.end(), table.relation) != node.line.end();
}

} // namespace

bool has_holds(pg::Spi &) {
    return pg::call([] { return registry::has_active_holds(); });
}

rows::RowSet find_held_rows(pg::Spi &spi, const TableInfo &table, const rows::RowSet &rows, Harm harm) {
    rows::RowSet result;
    HoldGraph graph;
    if (graph.empty(spi) || rows.empty()) {
        return result;
    }
    Found found = find_protected(spi, graph, table, rows);
    if (harm == Harm::removal) {
        found.merge(HeldLinks(graph).find(spi, rows));
    }
    for (const RowId &row : rows.ids()) {
        if (found.contains(row)) {
            result.add(row);
        }
    }
    return result;
}

rows::RowSet find_rows_on_hold(pg::Spi &spi, HoldGraph &graph, const TableInfo &table) {
    rows::RowSet all = to_rows(graph.find_held_above(spi, table.relation));
    add_below(
        spi, graph, [&](Oid child) { return graph.leads_to(spi, table.relation, child); }, &all);
    return all;
}

namespace {

// Those of them that are rows of the table: what keys that lead down from it begin with.
rows::RowSet find_own_rows_on_hold(pg::Spi &spi, HoldGraph &graph, const TableInfo &table) {
    rows::RowSet own;
    rows::RowSet held = find_rows_on_hold(spi, graph, table);
    for (const RowId &row : held.ids()) {
        if (is_row_of(spi, graph, table, row)) {
            own.add(row);
        }
    }
    return own;
}

// In one partition, without a look at its siblings: whoever truncates one of them at this moment has it alone.
std::optional<std::int64_t> find_hold_in_part(pg::Spi &spi, HoldGraph &graph, Oid relation) {
    const HoldGraph::Node &node = graph.get_node(spi, relation);
    const TableInfo part = catalog::get_part(spi, node.table, relation);
    Found held = graph.find_held_in_part(spi, node, part);
    if (!held.empty()) {
        return held.begin()->second;
    }
    for (ForeignKey key : node.cascades) {
        key.child = part;
        rows::RowSet parents = find_own_rows_on_hold(spi, graph, key.parent);
        if (parents.empty()) {
            continue;
        }
        if (auto links = rows::find_links_below(spi, key, parents); !links.empty()) {
            return find_hold_above(spi, graph, links.front().parent);
        }
    }
    return std::nullopt;
}

} // namespace

rows::RowSet find_all_held_rows(pg::Spi &spi, const TableInfo &table, Harm harm) {
    rows::RowSet result;
    HoldGraph graph;
    if (graph.empty(spi)) {
        return result;
    }
    rows::RowSet all = find_rows_on_hold(spi, graph, table);
    for (const auto &[row, hold] : find_protected(spi, graph, table, rows::RowSet())) {
        all.add(row);
    }
    if (harm == Harm::removal) {
        for (const auto &[row, hold] : HeldLinks(graph).find_all(spi, table.relation)) {
            all.add(row);
        }
    }
    for (const RowId &row : all.ids()) {
        if (is_row_of(spi, graph, table, row)) {
            result.add(row);
        }
    }
    return result;
}

std::optional<std::int64_t> find_hold_in(pg::Spi &spi, const TableInfo &table, Oid relation) {
    HoldGraph graph;
    if (graph.empty(spi)) {
        return std::nullopt;
    }
    if (relation != table.relation) {
        return find_hold_in_part(spi, graph, relation);
    }
    std::set<Oid> parts = find_parts(spi, relation);
    std::vector<Oid> tables = catalog::find_heirs(spi, relation);
    if (table.archive) {
        tables.push_back(table.archive->relation);
        parts.merge(find_parts(spi, table.archive->relation));
    }
    for (Oid place : tables) {
        rows::RowSet held = find_rows_on_hold(spi, graph, graph.get_node(spi, place).table);
        for (const RowId &row : held.ids()) {
            if (parts.contains(row.table)) {
                return find_hold_above(spi, graph, row);
            }
        }
    }
    return std::nullopt;
}

std::optional<std::int64_t> find_hold_at_risk(pg::Spi &spi, const TableInfo &table, Oid relation) {
    if (std::optional<std::int64_t> hold = find_hold_in(spi, table, relation)) {
        return hold;
    }
    HoldGraph graph;
    HeldLinks links(graph);
    std::set<Oid> parts = find_parts(spi, relation);
    for (Oid heir : catalog::find_heirs(spi, table.relation)) {
        for (const auto &[row, hold] : links.find_all(spi, heir)) {
            if (parts.contains(row.table)) {
                return hold;
            }
        }
    }
    return std::nullopt;
}

namespace {

// The key, and what it means for archived rows.
std::vector<ForeignKey> with_archives(const ForeignKey &key) {
    std::vector<ForeignKey> keys = {key};
    if (key.child.archive) {
        keys.push_back(catalog::of_archived_children(key));
    }
    if (key.child.archive && key.parent.archive) {
        keys.push_back(catalog::between_archives(key));
    }
    return keys;
}

} // namespace

std::optional<std::int64_t> find_hold_through(pg::Spi &spi, const ForeignKey &named, bool is_gone) {
    HoldGraph graph;
    if (graph.empty(spi)) {
        return std::nullopt;
    }
    for (const ForeignKey &key : with_archives(named)) {
        rows::RowSet parents = find_own_rows_on_hold(spi, graph, key.parent);
        std::vector<rows::RowLink> links =
            parents.empty() ? std::vector<rows::RowLink>() : rows::find_links_below(spi, key, parents);
        for (const rows::RowLink &link : links) {
            if (!is_gone || !find_hold_above(spi, graph, link.child)) {
                return find_hold_above(spi, graph, link.parent);
            }
        }
    }
    return std::nullopt;
}

Found find_holds_above(pg::Spi &spi, HoldGraph &graph, const rows::RowSet &rows) {
    Lines lines(spi, graph,
                [&](const ForeignKey &key) { return graph.leads_to_hold(spi, key.parent.relation); });
    lines.add(rows);
    Found found = lines.find_below();
    std::erase_if(found, [&](const auto &entry) { return !rows.contains(entry.first); });
    return found;
}

std::optional<std::int64_t> find_hold_above(pg::Spi &spi, HoldGraph &graph, const RowId &row) {
    rows::RowSet rows;
    rows.add(row);
    Found found = find_holds_above(spi, graph, rows);
    return found.empty() ? std::nullopt : std::optional(found.begin()->second);
}

std::optional<std::int64_t> find_hold_around(pg::Spi &spi, HoldGraph &graph, const RowId &row) {
    rows::RowSet rows;
    rows.add(row);
    Found found = find_protected(spi, graph, graph.get_node(spi, row.table).table, rows);
    auto place = found.find(row);
    return place == found.end() ? std::nullopt : std::optional(place->second);
}

void check_held_rows(pg::Spi &spi, const TableInfo &table, const rows::RowSet &rows, const char *verb,
                     Harm harm) {
    HoldGraph graph;
    if (graph.empty(spi) || rows.empty()) {
        return;
    }
    Found found = find_protected(spi, graph, table, rows);
    for (const RowId &row : rows.ids()) {
        if (auto place = found.find(row); place != found.end()) {
            raise_held(table, place->second, verb);
        }
    }
    Found linked = harm == Harm::removal ? HeldLinks(graph).find(spi, rows) : Found();
    if (!linked.empty()) {
        raise_held_link(table, linked.begin()->second, verb);
    }
}

} // namespace softdelete::holds
