// Reads the holds in force and the CASCADE keys around the tables that have some, each table once. Used by
// holds/held_rows, previews and erasure. Keys are compared by the types and operators of the primary key, not as text.
#include "holds/hold_graph.hpp"
#include "sqltext/format.hpp"

#include "pg/scopes.hpp"
#include "rows/follow_links.hpp"

#include <deque>

namespace softdelete::holds {

namespace {

using catalog::TableInfo;
using registry::Hold;

// A table that went while event triggers were off left its holds behind.
bool exists(pg::Spi &spi, Oid relation) {
    return !spi.query("SELECT FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid", {relation}).empty();
}

void check_keys(const TableInfo &table, const std::vector<catalog::KeyColumn> &key,
                const std::vector<Hold> &holds) {
    for (const Hold &hold : holds) {
        if (key.size() == hold.key.size()) {
            continue;
        }
        pg::raise(
            {.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
             .message =
                 sqltext::format("hold %1% does not fit the primary key of table %2%", hold.id, table.title),
             .detail = "The primary key was changed after the hold was made.",
             .hint = sqltext::format("Hold the row anew, then run SELECT softdelete.release(%1%).", hold.id),
             .relation = table.relation});
    }
}

// SQL: rows of text values, of columns with these names and types, from parameter $first on, one array of text per column. The
// derived table has a last column "softdelete.position", counted from 1.
std::string make_value_rows(const std::vector<std::string> &names, const std::vector<std::string> &types,
                            int first) {
    std::vector<std::string> columns;
    std::vector<std::string> arrays;
    std::vector<std::string> values;
    for (std::size_t i = 0; i < names.size(); i++) {
        columns.push_back(sqltext::format("CAST(x.v%1% AS %2%) AS %3%", i, types[i], names[i]));
        arrays.push_back(sqltext::format("pg_catalog.unnest(CAST($%1% AS pg_catalog.text[]))",
                                         (static_cast<std::size_t>(first) + i)));
        values.push_back(sqltext::format("v%1%", i));
    }
    return sqltext::format(
        "(SELECT %1%, x.\"softdelete.position\" FROM ROWS FROM (%2%) WITH ORDINALITY AS x (%3%, "
        "\"softdelete.position\") OFFSET 0)",
        sqltext::join(columns, ", "), sqltext::join(arrays, ", "), sqltext::join(values, ", "));
}

// Those parameters, from rows of values.
std::vector<pg::Parameter> make_value_arrays(const std::vector<std::vector<std::string>> &rows,
                                             std::size_t columns) {
    std::vector<pg::Parameter> parameters;
    for (std::size_t i = 0; i < columns; i++) {
        std::vector<std::string> values;
        for (const std::vector<std::string> &row : rows) {
            values.push_back(row.at(i));
        }
        parameters.emplace_back(pg::make_array(values), TEXTARRAYOID);
    }
    return parameters;
}

std::string make_held_query(const TableInfo &table, const std::vector<catalog::KeyColumn> &key,
                            const std::string &condition, int first) {
    std::vector<std::string> names;
    std::vector<std::string> types;
    std::string link;
    for (const catalog::KeyColumn &column : key) {
        names.push_back(column.name);
        types.push_back(column.type);
        link += sqltext::format("%1%t.%2%%3% %4% h.%2%%3%", (link.empty() ? "" : " AND "), column.name,
                                column.cast, column.equality);
    }
    return sqltext::format("/* softdelete */ SELECT h.\"softdelete.position\", t.tableoid, t.ctid FROM %1% "
                           "AS h JOIN %2% AS t ON %3% WHERE %4% AND %5%",
                           make_value_rows(names, types, first), table.name, link, rows::see_all(table, "t"),
                           condition);
}

} // namespace

HoldGraph::HoldGraph(pg::Spi &spi) : HoldGraph(spi, registry::find_active_holds()) {}

HoldGraph::HoldGraph(pg::Spi &spi, const std::vector<Hold> &holds) {
    std::set<Oid> gone;
    for (const Hold &hold : holds) {
        if (!holds_.contains(hold.relation) && !gone.contains(hold.relation)) {
            if (!exists(spi, hold.relation)) {
                gone.insert(hold.relation);
                continue;
            }
            holds_[hold.relation] = {
                catalog::get_table(spi, hold.relation), catalog::find_primary_key(spi, hold.relation), {}};
        }
        if (auto place = holds_.find(hold.relation); place != holds_.end()) {
            place->second.holds.push_back(hold);
        }
    }
}

const HoldGraph::Node &HoldGraph::get_node(pg::Spi &spi, Oid relation) {
    auto place = nodes_.find(relation);
    if (place != nodes_.end()) {
        return place->second;
    }
    Node node = {catalog::get_table(spi, relation), {}, {}};
    for (const pg::Row &row :
         spi.query("WITH RECURSIVE line (relation) AS (SELECT $1::pg_catalog.oid UNION SELECT h.inhparent "
                   "FROM pg_catalog.pg_inherits h JOIN line l ON h.inhrelid = l.relation) SELECT relation "
                   "FROM line",
                   {node.table.relation})) {
        node.line.push_back(row.oid(0));
    }
    for (catalog::ForeignKey &key : catalog::find_own_keys(spi, node.table.relation)) {
        if (key.on_delete == catalog::OnDelete::cascade) {
            node.cascades.push_back(std::move(key));
        }
    }
    return nodes_.emplace(relation, std::move(node)).first->second;
}

const std::set<Oid> &HoldGraph::get_ancestors(pg::Spi &spi, Oid relation) {
    auto [place, is_new] = ancestors_.try_emplace(relation);
    if (is_new) {
        std::deque<Oid> work = {get_node(spi, relation).table.relation};
        while (!work.empty()) {
            Oid next = work.front();
            work.pop_front();
            if (place->second.insert(next).second) {
                for (const catalog::ForeignKey &key : get_node(spi, next).cascades) {
                    work.push_back(key.parent.relation);
                }
            }
        }
    }
    return place->second;
}

bool HoldGraph::leads_to_hold(pg::Spi &spi, Oid relation) {
    for (Oid ancestor : get_ancestors(spi, relation)) {
        for (Oid table : get_node(spi, ancestor).line) {
            if (holds_.contains(table)) {
                return true;
            }
        }
    }
    return false;
}

bool HoldGraph::leads_to(pg::Spi &spi, Oid from, Oid to) {
    for (Oid ancestor : get_ancestors(spi, from)) {
        for (Oid table : get_node(spi, ancestor).line) {
            if (table == to) {
                return true;
            }
        }
    }
    return false;
}

std::vector<HoldGraph::Match> HoldGraph::match(pg::Spi &spi, const HeldTable &held,
                                               const rows::RowSet *rows) {
    std::vector<std::vector<std::string>> keys;
    for (const Hold &hold : held.holds) {
        keys.push_back(hold.key);
    }
    std::vector<pg::Parameter> parameters = make_value_arrays(keys, held.key.size());
    std::string condition = "true";
    if (rows != nullptr) {
        condition = rows::make_membership(held.table, "t", static_cast<int>(parameters.size()) + 1);
        parameters.push_back(rows->tables());
        parameters.push_back(rows->positions());
    }
    std::vector<Match> matches;
    pg::ExactTextScope texts;
    pg::OwnerScope owner(held.table.owner);
    for (const pg::Row &row : spi.query(make_held_query(held.table, held.key, condition, 1), parameters)) {
        matches.push_back(
            {rows::read_row_id(row, 1), held.holds.at(static_cast<std::size_t>(row.number(0) - 1)).id});
    }
    return matches;
}

HoldGraph::Found HoldGraph::find_held(pg::Spi &spi, const Node &node, const rows::RowSet &rows) {
    Found found;
    for (Oid relation : node.line) {
        if (auto place = holds_.find(relation); place != holds_.end()) {
            check_keys(place->second.table, place->second.key, place->second.holds);
            for (const Match &found_match : match(spi, place->second, &rows)) {
                found.insert(found_match);
            }
        }
    }
    return found;
}

std::set<std::int64_t> HoldGraph::find_ids(pg::Spi &spi, const Node &node, const rows::RowSet &rows) {
    std::set<std::int64_t> ids;
    for (Oid relation : node.line) {
        auto place = holds_.find(relation);
        if (place == holds_.end()) {
            continue;
        }
        HeldTable held = place->second;
        std::erase_if(held.holds, [&](const Hold &hold) { return hold.key.size() != held.key.size(); });
        if (!held.holds.empty()) {
            for (const Match &found_match : match(spi, held, &rows)) {
                ids.insert(found_match.second);
            }
        }
    }
    return ids;
}

HoldGraph::Found HoldGraph::find_all_held(pg::Spi &spi, Oid relation) {
    Found found;
    for (const auto &[oid, held] : holds_) {
        // The rows of inheritance children have foreign keys of their own.
        bool is_concerned = leads_to(spi, oid, relation) || leads_to(spi, relation, oid)
                            || (held.table.has_children && !held.table.is_partitioned);
        if (is_concerned) {
            check_keys(held.table, held.key, held.holds);
            for (const Match &found_match : match(spi, held, nullptr)) {
                found.insert(found_match);
            }
        }
    }
    return found;
}

} // namespace softdelete::holds
