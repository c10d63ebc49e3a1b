// Reads the holds in force and the CASCADE keys around the tables that have some, each table once. Used by
// holds/held_rows, previews and erasure. Keys are compared by the types and operators of the primary key; as text only
// where that says the same.
#include "holds/hold_graph.hpp"
#include "sqltext/format.hpp"

#include "pg/scopes.hpp"
#include "rows/follow_links.hpp"

#include <algorithm>
#include <deque>

namespace softdelete::holds {

namespace {

using catalog::TableInfo;
using registry::Hold;

// A table that went while event triggers were off left its holds behind.
bool exists(pg::Spi &spi, Oid relation) {
    return !spi.query_kept("SELECT FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid", {relation})
                .empty();
}

[[noreturn]] void raise_misfit(const TableInfo &table, std::int64_t hold) {
    pg::raise(
        {.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
         .message = sqltext::format("hold %1% does not fit the primary key of table %2%", hold, table.title),
         .detail = "The primary key was changed after the hold was made.",
         .hint = sqltext::format("Hold the row anew, then run SELECT softdelete.release(%1%).", hold),
         .relation = table.relation});
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

// Two values of such a type are equal where their texts are, which no change of type under a hold alters
// (ddl/keep_held_rows): an index look-up then finds a hold.
bool is_compared_as_text(const catalog::KeyColumn &column) {
    switch (column.type_id) {
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case OIDOID:
    case UUIDOID:
        return true;
    case TEXTOID:
    case VARCHAROID:
        return column.is_deterministic;
    default:
        return false;
    }
}

std::string make_held_query(const TableInfo &table, const std::vector<catalog::KeyColumn> &key,
                            const std::string &condition, int first) {
    std::vector<std::string> names;
    std::vector<std::string> types;
    std::string link;
    for (const catalog::KeyColumn &column : key) {
        names.push_back(column.name);
        types.push_back(column.type);
        link += (link.empty() ? "" : " AND ")
                + column.equality.of(sqltext::format("t.%1%%2%", column.name, column.cast),
                                     sqltext::format("h.%1%%2%", column.name, column.cast));
    }
    return sqltext::format("/* softdelete */ SELECT h.\"softdelete.position\", t.tableoid, t.ctid FROM %1% "
                           "AS h JOIN %2% AS t ON %3% WHERE %4% AND %5%",
                           make_value_rows(names, types, first), table.name, link, rows::see_all(table, "t"),
                           condition);
}

} // namespace

HoldGraph::HoldGraph(pg::Spi &spi, const std::vector<Hold> &holds) {
    held_relations_.emplace();
    for (const Hold &hold : holds) {
        auto place = holds_.find(hold.relation);
        if (place == holds_.end() && exists(spi, hold.relation)) {
            place = holds_.emplace(hold.relation, make_held_table(spi, hold.relation)).first;
            place->second.holds.emplace();
            held_relations_->insert(hold.relation);
        }
        if (place != holds_.end()) {
            place->second.holds->push_back(hold);
        }
    }
}

const std::set<Oid> &HoldGraph::get_held_relations(pg::Spi &spi) {
    if (!held_relations_) {
        held_relations_.emplace();
        for (Oid relation : registry::find_held_relations()) {
            if (exists(spi, relation)) {
                held_relations_->insert(relation);
            }
        }
    }
    return *held_relations_;
}

HoldGraph::HeldTable HoldGraph::make_held_table(pg::Spi &spi, Oid relation) {
    return {catalog::get_table(spi, relation), catalog::find_primary_key(spi, relation), std::nullopt, false};
}

HoldGraph::HeldTable *HoldGraph::find_held_table(pg::Spi &spi, Oid relation) {
    if (!get_held_relations(spi).contains(relation)) {
        return nullptr;
    }
    auto place = holds_.find(relation);
    if (place == holds_.end()) {
        place = holds_.emplace(relation, make_held_table(spi, relation)).first;
    }
    return &place->second;
}

const HoldGraph::Node &HoldGraph::get_node(pg::Spi &spi, Oid relation) {
    auto place = nodes_.find(relation);
    if (place != nodes_.end()) {
        return place->second;
    }
    Node node = {catalog::get_table(spi, relation), {}, {}};
    for (const pg::Row &row : spi.query_kept(
             "WITH RECURSIVE line (relation) AS (SELECT $1::pg_catalog.oid UNION SELECT h.inhparent "
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
            if (get_held_relations(spi).contains(table)) {
                return true;
            }
        }
    }
    return false;
}

bool HoldGraph::is_above_hold(pg::Spi &spi, Oid relation) {
    return std::ranges::any_of(get_held_relations(spi),
                               [&](Oid held) { return leads_to(spi, held, relation); });
}

bool HoldGraph::has_more_holds_around(pg::Spi &spi, Oid relation, std::size_t number) {
    return std::ranges::any_of(get_held_relations(spi), [&](Oid held) {
        return (leads_to(spi, held, relation) || leads_to(spi, relation, held))
               && registry::has_more_holds(held, number);
    });
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

HoldGraph::Found HoldGraph::look_up(pg::Spi &spi, const HeldTable &held, const rows::RowSet &rows) {
    std::string columns;
    for (const catalog::KeyColumn &column : held.key) {
        columns += ", t." + column.name;
    }
    const std::string query = sqltext::format(
        "/* softdelete */ SELECT t.tableoid, t.ctid%1% FROM %2% AS t WHERE %3% AND %4%", columns,
        held.table.name, rows::see_all(held.table, "t"), rows::make_membership(held.table, "t", 1));
    Found found;
    pg::ExactTextScope texts;
    pg::OwnerScope owner(held.table.owner);
    for (const pg::Row &row : spi.query(query, {rows.tables(), rows.positions()})) {
        std::vector<std::string> key;
        for (std::size_t i = 0; i < held.key.size(); i++) {
            key.push_back(row.text(i + 2));
        }
        if (std::optional<std::int64_t> hold = registry::find_active_hold(held.table.relation, key)) {
            found.try_emplace(rows::read_row_id(row), *hold);
        }
    }
    return found;
}

std::vector<HoldGraph::Match> HoldGraph::match(pg::Spi &spi, const HeldTable &held,
                                               const rows::RowSet *rows) {
    std::vector<std::vector<std::string>> keys;
    for (const Hold &hold : *held.holds) {
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
            {rows::read_row_id(row, 1), held.holds->at(static_cast<std::size_t>(row.number(0) - 1)).id});
    }
    return matches;
}

HoldGraph::Found HoldGraph::find_in(pg::Spi &spi, HeldTable &held, const rows::RowSet *rows) {
    check_key(held);
    if (!held.holds && rows != nullptr && std::ranges::all_of(held.key, is_compared_as_text)
        && registry::has_more_holds(held.table.relation, rows->size())) {
        return look_up(spi, held, *rows);
    }
    if (!held.holds) {
        held.holds = registry::find_active_holds(held.table.relation);
    }
    Found found;
    for (const Match &match : match(spi, held, rows)) {
        auto [place, is_new] = found.insert(match);
        place->second = std::min(place->second, match.second);
    }
    return found;
}

void HoldGraph::check_key(HeldTable &held) {
    if (!held.is_fitting && !held.holds) {
        if (std::optional<std::int64_t> hold = registry::find_misfit(held.table.relation, held.key.size())) {
            raise_misfit(held.table, *hold);
        }
        held.is_fitting = true;
    }
}

HoldGraph::Found HoldGraph::find_held(pg::Spi &spi, const Node &node, const rows::RowSet &rows) {
    Found found;
    for (Oid relation : node.line) {
        if (HeldTable *held = find_held_table(spi, relation)) {
            found.merge(find_in(spi, *held, &rows));
        }
    }
    return found;
}

std::set<std::int64_t> HoldGraph::find_ids(pg::Spi &spi, const Node &node, const rows::RowSet &rows) {
    std::set<std::int64_t> ids;
    for (Oid relation : node.line) {
        if (HeldTable *held = find_held_table(spi, relation)) {
            HeldTable fitting = {held->table, held->key, std::vector<Hold>(), true};
            for (const Hold &hold : *held->holds) {
                if (hold.key.size() == held->key.size()) {
                    fitting.holds->push_back(hold);
                }
            }
            for (const Match &match : match(spi, fitting, &rows)) {
                ids.insert(match.second);
            }
        }
    }
    return ids;
}

HoldGraph::Found HoldGraph::find_all_held(pg::Spi &spi, Oid relation) {
    Found found;
    for (Oid oid : get_held_relations(spi)) {
        HeldTable &held = *find_held_table(spi, oid);
        // The rows of inheritance children have foreign keys of their own.
        bool is_concerned = leads_to(spi, oid, relation) || leads_to(spi, relation, oid)
                            || (held.table.has_children && !held.table.is_partitioned);
        if (is_concerned) {
            found.merge(find_in(spi, held, nullptr));
        }
    }
    return found;
}

} // namespace softdelete::holds
