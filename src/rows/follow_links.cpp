// Steps along foreign keys, up and down, over rows of any state, with two statements per step: the values of one side
// as text, then the rows of the other side that match them by the key's own operators. Called by holds/, erasure/ and
// rows/physical_tree.
#include "rows/follow_links.hpp"
#include "sqltext/format.hpp"

#include "pg/scopes.hpp"

extern "C" {
#include "catalog/pg_type.h"
}

#include <map>

namespace softdelete::rows {

namespace {

using catalog::ForeignKey;
using catalog::LinkColumns;
using catalog::TableInfo;

// The distinct values that rows have in the columns of the key, each with the rows that have it.
struct LinkValues {
    std::vector<std::vector<std::string>> values;
    std::vector<std::vector<RowId>> rows;
};

LinkValues read_values(pg::Spi &spi, const TableInfo &table, const LinkColumns &link, const RowSet &rows) {
    std::string columns;
    std::string conditions;
    for (const std::string &name : link.names) {
        columns += ", t." + name;
        conditions += " AND t." + name + " IS NOT NULL";
    }
    std::string query =
        sqltext::format("/* softdelete */ SELECT t.tableoid, t.ctid%1% FROM %2% AS t WHERE "
                        "%3% AND %4%%5%",
                        columns, table.key_rows(), see_all(table, "t"), make_membership(table, "t", 1),
                        (conditions + catalog::restrict_to_partition("t", link)));
    std::map<std::vector<std::string>, std::size_t> places;
    LinkValues found;
    pg::OwnerScope owner(table.owner);
    for (const pg::Row &row : spi.query(query, {rows.tables(), rows.positions()})) {
        std::vector<std::string> values;
        for (std::size_t i = 0; i < link.names.size(); i++) {
            values.push_back(row.text(2 + i));
        }
        auto [place, is_new] = places.try_emplace(values, found.values.size());
        if (is_new) {
            found.values.push_back(values);
            found.rows.emplace_back();
        }
        found.rows[place->second].push_back(read_row_id(row));
    }
    return found;
}

enum class Direction { to_parents, to_children };

// The rows of the other side that these values lead to: (position, tableoid, ctid).
std::vector<pg::Row> follow_values(pg::Spi &spi, const ForeignKey &key, const LinkValues &values,
                                   Direction direction, const std::string &further) {
    bool is_down = direction == Direction::to_children;
    const char *given_alias = is_down ? "p" : "c"; // as in key.comparison
    const char *alias = is_down ? "c" : "p";
    const TableInfo &table = is_down ? key.child : key.parent;
    const LinkColumns &given = is_down ? key.parent_link : key.child_link;
    const LinkColumns &wanted = is_down ? key.child_link : key.parent_link;
    std::string query = sqltext::format(
        "/* softdelete */ SELECT %1%.\"softdelete.position\", %2%.tableoid, "
        "%2%.ctid FROM %3% AS %1% JOIN "
        "%4% AS %2% ON %5% WHERE %6%%7%",
        given_alias, alias, make_value_rows(given.names, given.types, 1), table.key_rows(),
        (key.comparison + catalog::restrict_to_partition(alias, wanted)), see_all(table, alias), further);
    pg::OwnerScope owner(table.owner);
    return spi.query(query, make_value_arrays(values.values, given.names.size()));
}

RowSet find_children(pg::Spi &spi, const ForeignKey &key, const RowSet &parents, const std::string &further) {
    pg::ExactTextScope texts;
    RowSet found;
    LinkValues values = read_values(spi, key.parent, key.parent_link, parents);
    if (values.values.empty()) {
        return found;
    }
    for (const pg::Row &row : follow_values(spi, key, values, Direction::to_children, further)) {
        found.add(read_row_id(row, 1));
    }
    return found;
}

} // namespace

std::vector<RowLink> find_parents(pg::Spi &spi, const ForeignKey &key, const RowSet &children) {
    pg::ExactTextScope texts;
    std::vector<RowLink> links;
    LinkValues values = read_values(spi, key.child, key.child_link, children);
    if (values.values.empty()) {
        return links;
    }
    for (const pg::Row &row : follow_values(spi, key, values, Direction::to_parents, "")) {
        for (const RowId &child : values.rows.at(static_cast<std::size_t>(row.number(0) - 1))) {
            links.push_back({child, read_row_id(row, 1)});
        }
    }
    return links;
}

RowSet find_children(pg::Spi &spi, const ForeignKey &key, const RowSet &parents, RowLock lock) {
    return find_children(spi, key, parents, lock == RowLock::for_update ? " FOR UPDATE OF c" : "");
}

RowSet find_some_children(pg::Spi &spi, const ForeignKey &key, const RowSet &parents, std::size_t limit) {
    return find_children(spi, key, parents, " LIMIT " + std::to_string(limit));
}

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

std::string see_all(const TableInfo &table, const char *alias) {
    return table.is_registered
               ? sqltext::format("softdelete.include_deleted(%1%.%2%)", alias, table.deleted_at)
               : "true";
}

} // namespace softdelete::rows
