// Reads the holds in force and the CASCADE keys around the tables that have some, each table once. Used by
// holds/held_rows, previews and erasure. Keys are compared by the types and operators of the primary key; as text only
// where that says the same.
#include "holds/hold_graph.hpp"
#include "sqltext/format.hpp"

#include "pg/scopes.hpp"
#include "registry/archive_scan.hpp"
#include "rows/follow_links.hpp"

#include <algorithm>
#include <deque>

namespace softdelete::holds {

namespace {

using catalog::ForeignKey;
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

// The rows of the place, which is the table or its archive, that have the keys.
std::string make_held_query(const TableInfo &place, const std::vector<catalog::KeyColumn> &key,
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
                           make_value_rows(names, types, first), place.name, link, rows::see_all(place, "t"),
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

HoldGraph::Node HoldGraph::make_node(pg::Spi &spi, Oid relation) {
    Node node = {catalog::get_table(spi, relation), {}, {}, false, {}};
    const Oid kept = pg::call([&] { return registry::find_table_of_archive(node.table.relation); });
    node.is_archive = OidIsValid(kept);
    for (const pg::Row &row : spi.query_kept(
             "WITH RECURSIVE line (relation) AS (SELECT $1::pg_catalog.oid UNION SELECT h.inhparent "
             "FROM pg_catalog.pg_inherits h JOIN line l ON h.inhrelid = l.relation) SELECT relation "
             "FROM line",
             {node.table.relation})) {
        node.line.push_back(row.oid(0));
    }
    node.holders = node.is_archive ? std::vector<Oid>{kept} : node.line;
    for (const ForeignKey &key : catalog::find_own_keys(spi, node.is_archive ? kept : node.table.relation)) {
        if (key.on_delete != catalog::OnDelete::cascade) {
            continue;
        }
        node.cascades.push_back(node.is_archive ? catalog::of_archived_children(key) : key);
        if (node.is_archive && key.parent.archive) {
            node.cascades.push_back(catalog::between_archives(key));
        }
    }
    return node;
}

const HoldGraph::Node &HoldGraph::get_node(pg::Spi &spi, Oid relation) {
    auto place = nodes_.find(relation);
    return place != nodes_.end() ? place->second
                                 : nodes_.emplace(relation, make_node(spi, relation)).first->second;
}

const std::vector<ForeignKey> &HoldGraph::get_keys_below(pg::Spi &spi, Oid relation) {
    auto [place, is_new] = below_.try_emplace(relation);
    if (!is_new) {
        return place->second;
    }
    const Node &node = get_node(spi, relation);
    place->second = catalog::reach_archives(
        catalog::find_referencing_keys(spi, node.is_archive ? node.holders.front() : node.table.relation),
        node.is_archive);
    std::erase_if(place->second,
                  [](const ForeignKey &key) { return key.on_delete != catalog::OnDelete::cascade; });
    return place->second;
}

std::vector<Oid> HoldGraph::get_places(pg::Spi &spi, Oid held) {
    const TableInfo &table = get_node(spi, held).table;
    return table.archive ? std::vector<Oid>{held, table.archive->relation} : std::vector<Oid>{held};
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
        for (Oid table : get_node(spi, ancestor).holders) {
            if (get_held_relations(spi).contains(table)) {
                return true;
            }
        }
    }
    return false;
}

bool HoldGraph::is_above_hold(pg::Spi &spi, Oid relation) {
    return std::ranges::any_of(get_held_relations(spi), [&](Oid held) {
        return std::ranges::any_of(get_places(spi, held),
                                   [&](Oid place) { return leads_to(spi, place, relation); });
    });
}

bool HoldGraph::is_above_archived_hold(pg::Spi &spi, Oid relation) {
    return std::ranges::any_of(get_held_relations(spi), [&](Oid held) {
        const TableInfo &table = get_node(spi, held).table;
        return table.archive && leads_to(spi, table.archive->relation, relation);
    });
}

bool HoldGraph::has_more_holds_around(pg::Spi &spi, Oid relation, std::size_t number) {
    return std::ranges::any_of(get_held_relations(spi), [&](Oid held) {
        return std::ranges::any_of(get_places(spi, held),
                                   [&](Oid place) {
                                       return leads_to(spi, place, relation)
                                              || leads_to(spi, relation, place);
                                   })
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

HoldGraph::Found HoldGraph::look_up(pg::Spi &spi, const HeldTable &held, const TableInfo &place,
                                    const rows::RowSet &rows) {
    std::string columns;
    for (const catalog::KeyColumn &column : held.key) {
        columns += ", t." + column.name;
    }
    const std::string query =
        sqltext::format("/* softdelete */ SELECT t.tableoid, t.ctid%1% FROM %2% AS t WHERE %3% AND %4%",
                        columns, place.name, rows::see_all(place, "t"), rows::make_membership(place, "t", 1));
    Found found;
    pg::ExactTextScope texts;
    pg::OwnerScope owner(place.owner);
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

std::vector<HoldGraph::Match> HoldGraph::match(pg::Spi &spi, const HeldTable &held, const TableInfo &place,
                                               const rows::RowSet *rows) {
    std::vector<std::vector<std::string>> keys;
    for (const Hold &hold : *held.holds) {
        keys.push_back(hold.key);
    }
    std::vector<pg::Parameter> parameters = make_value_arrays(keys, held.key.size());
    std::string condition = "true";
    if (rows != nullptr) {
        condition = rows::make_membership(place, "t", static_cast<int>(parameters.size()) + 1);
        parameters.push_back(rows->tables());
        parameters.push_back(rows->positions());
    }
    std::vector<Match> matches;
    pg::ExactTextScope texts;
    pg::OwnerScope owner(place.owner);
    for (const pg::Row &row : spi.query(make_held_query(place, held.key, condition, 1), parameters)) {
        matches.push_back(
            {rows::read_row_id(row, 1), held.holds->at(static_cast<std::size_t>(row.number(0) - 1)).id});
    }
    return matches;
}

HoldGraph::Found HoldGraph::find_in(pg::Spi &spi, HeldTable &held, const TableInfo &place,
                                    const rows::RowSet *rows) {
    check_key(held);
    if (!held.holds && rows != nullptr && std::ranges::all_of(held.key, is_compared_as_text)
        && registry::has_more_holds(held.table.relation, rows->size())) {
        return look_up(spi, held, place, *rows);
    }
    if (!held.holds) {
        held.holds = registry::find_active_holds(held.table.relation);
    }
    Found found;
    for (const Match &match : match(spi, held, place, rows)) {
        auto [entry, is_new] = found.insert(match);
        entry->second = std::min(entry->second, match.second);
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

HoldGraph::Found HoldGraph::find_in_holders(pg::Spi &spi, const Node &node, const TableInfo *part,
                                            const rows::RowSet *rows) {
    Found found;
    for (Oid relation : node.holders) {
        if (HeldTable *held = find_held_table(spi, relation)) {
            const TableInfo &whole = node.is_archive ? node.table : held->table;
            found.merge(find_in(spi, *held, part != nullptr ? *part : whole, rows));
        }
    }
    return found;
}

std::set<std::int64_t> HoldGraph::find_ids(pg::Spi &spi, const Node &node, const rows::RowSet &rows) {
    std::set<std::int64_t> ids;
    for (Oid relation : node.holders) {
        if (HeldTable *held = find_held_table(spi, relation)) {
            HeldTable fitting = {held->table, held->key, std::vector<Hold>(), true};
            for (const Hold &hold : *held->holds) {
                if (hold.key.size() == held->key.size()) {
                    fitting.holds->push_back(hold);
                }
            }
            for (const Match &match :
                 match(spi, fitting, node.is_archive ? node.table : held->table, &rows)) {
                ids.insert(match.second);
            }
        }
    }
    return ids;
}

HoldGraph::Found HoldGraph::find_held_where(pg::Spi &spi, const std::function<bool(Oid)> &is_concerned) {
    Found found;
    for (Oid oid : get_held_relations(spi)) {
        HeldTable &held = *find_held_table(spi, oid);
        for (Oid place : get_places(spi, oid)) {
            // The rows of inheritance children have foreign keys of their own.
            if (is_concerned(place) || (held.table.has_children && !held.table.is_partitioned)) {
                found.merge(find_in(spi, held, get_node(spi, place).table, nullptr));
            }
        }
    }
    return found;
}

HoldGraph::Found HoldGraph::find_all_held(pg::Spi &spi, Oid relation) {
    return find_held_where(
        spi, [&](Oid place) { return leads_to(spi, place, relation) || leads_to(spi, relation, place); });
}

HoldGraph::Found HoldGraph::find_held_above(pg::Spi &spi, Oid relation) {
    return find_held_where(spi, [&](Oid place) { return leads_to(spi, relation, place); });
}

} // namespace softdelete::holds
