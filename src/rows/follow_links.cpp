// Steps along foreign keys, up and down, over rows of any state, with two statements per step: the values of one side, then
// the rows of the other side that match them by the key's own operators. Called by the commands on trees of rows; those
// that ask often join the tables instead where one role owns both (rows/key_statement).
#include "rows/follow_links.hpp"
#include "sqltext/format.hpp"

#include "pg/scopes.hpp"

extern "C" {
#include "utils/lsyscache.h"
}

#include <algorithm>

namespace softdelete::rows {

namespace {

using catalog::ForeignKey;
using catalog::LinkColumns;
using catalog::TableInfo;

enum class Direction { to_parents, to_children };

// SQL: the rows of a set, as "t", that have values in all columns of the key. IS NOT NULL would ask for the fields of a
// composite value.
std::string make_given_rows(const TableInfo &whole, const LinkColumns &link, const RowSet &rows) {
    const TableInfo table = whole.is_registered ? whole : narrow_to_partition(whole, rows);
    std::string conditions = catalog::restrict_to_partition("t", link);
    for (const std::string &name : link.names) {
        conditions += " AND t." + name + " IS DISTINCT FROM NULL";
    }
    return sqltext::format("FROM %1% AS t WHERE %2% AND %3%%4%", table.key_rows(), see_all(table, "t"),
                           make_membership(table, "t", 1), conditions);
}

// Rows that are given: their positions and their values in the columns of the key, as a derived table and its parameters.
// The values stay as the server has them: as text they would run the constraints of domains within their types.
struct Given {
    std::string sql;
    std::vector<pg::Parameter> values;
};

// All at once, or the first of them.
Given read_given(pg::Spi &spi, const TableInfo &table, const LinkColumns &link, const RowSet &rows,
                 bool at_once) {
    const sqltext::Pattern read =
        at_once ? sqltext::Pattern("pg_catalog.array_agg(t.%1%)") : sqltext::Pattern("t.%1%");
    const sqltext::Pattern use =
        at_once ? sqltext::Pattern("pg_catalog.unnest($%1%) AS %2%") : sqltext::Pattern("$%1% AS %2%");
    std::vector<std::string> read_columns = {sqltext::format(read, "tableoid"),
                                             sqltext::format(read, "ctid")};
    std::vector<std::string> used_columns = {sqltext::format(use, 1, "\"softdelete.table\""),
                                             sqltext::format(use, 2, "\"softdelete.position\"")};
    for (const std::string &name : link.names) {
        read_columns.push_back(sqltext::format(read, name));
        used_columns.push_back(sqltext::format(use, read_columns.size(), name));
    }
    pg::OwnerScope owner(table.owner);
    return {
        sqltext::format("(SELECT %1% OFFSET 0)", sqltext::join(used_columns, ", ")),
        spi.query_values(sqltext::format("/* softdelete */ SELECT %1% %2%", sqltext::join(read_columns, ", "),
                                         make_given_rows(table, link, rows)),
                         {rows.tables(), rows.positions()})};
}

// From the given rows to those of the other side.
void follow_given(pg::Spi &spi, const ForeignKey &key, const Given &given, Direction direction,
                  const std::string &further, std::vector<RowLink> *links) {
    bool is_down = direction == Direction::to_children;
    const char *given_alias = is_down ? "p" : "c"; // as in key.comparison
    const char *alias = is_down ? "c" : "p";
    const TableInfo &table = is_down ? key.child : key.parent;
    const LinkColumns &wanted = is_down ? key.child_link : key.parent_link;
    if (given.values.empty() || given.values.front().is_null()) {
        return;
    }
    std::string query = sqltext::format(
        "/* softdelete */ SELECT %1%.\"softdelete.table\", %1%.\"softdelete.position\", %2%.tableoid, "
        "%2%.ctid FROM %3% AS %1% JOIN %4% AS %2% ON %5% WHERE %6%%7%",
        given_alias, alias, given.sql, table.key_rows(),
        (key.comparison + catalog::restrict_to_partition(alias, wanted)), see_all(table, alias), further);
    pg::OwnerScope owner(table.owner);
    for (const pg::Row &row : spi.query(query, given.values)) {
        RowId from = read_row_id(row, 0);
        RowId found = read_row_id(row, 2);
        links->push_back(is_down ? RowLink{found, from} : RowLink{from, found});
    }
}

// Arrays of arrays do not keep their elements apart.
bool fits_array(Oid type) {
    return pg::call([&] { return OidIsValid(get_array_type(type)) && !type_is_array(type); });
}

std::vector<RowLink> follow(pg::Spi &spi, const ForeignKey &key, const RowSet &rows, Direction direction,
                            const std::string &further) {
    bool is_down = direction == Direction::to_children;
    const TableInfo &table = is_down ? key.parent : key.child;
    const LinkColumns &link = is_down ? key.parent_link : key.child_link;
    std::vector<RowLink> links;
    if (std::all_of(link.types.begin(), link.types.end(), fits_array)) {
        follow_given(spi, key, read_given(spi, table, link, rows, true), direction, further, &links);
        return links;
    }
    for (const RowId &row : rows.ids()) {
        RowSet one;
        one.add(row);
        follow_given(spi, key, read_given(spi, table, link, one, false), direction, further, &links);
    }
    return links;
}

} // namespace

std::vector<RowLink> find_parents(pg::Spi &spi, const ForeignKey &key, const RowSet &children,
                                  const std::string &further) {
    return follow(spi, key, children, Direction::to_parents, further);
}

std::vector<RowLink> find_links_below(pg::Spi &spi, const ForeignKey &key, const RowSet &parents,
                                      const std::string &further) {
    return follow(spi, key, parents, Direction::to_children, further);
}

RowSet find_children(pg::Spi &spi, const ForeignKey &key, const RowSet &parents, const std::string &further) {
    RowSet found;
    for (const RowLink &link : find_links_below(spi, key, parents, further)) {
        found.add(link.child);
    }
    return found;
}

RowSet lock_children(pg::Spi &spi, const ForeignKey &key, const RowSet &parents) {
    return find_children(spi, key, parents, " FOR UPDATE OF c");
}

RowSet find_some_children(pg::Spi &spi, const ForeignKey &key, const RowSet &parents, std::size_t limit) {
    return find_children(spi, key, parents, " LIMIT " + std::to_string(limit));
}

std::string read_link(pg::Spi &spi, const ForeignKey &key, const RowId &child) {
    std::string query = sqltext::format(
        "/* softdelete */ SELECT pg_catalog.concat_ws(', ', %1%) FROM %2% AS c WHERE %3% AND %4%",
        key.child_values, key.child.key_rows(), see_all(key.child, "c"), make_identity(key.child, "c", 1));
    pg::OwnerScope owner(key.child.owner);
    std::vector<pg::Row> rows = spi.query(query, {child.table_parameter(), child.position_parameter()});
    return rows.empty() ? "" : rows.front().text(0);
}

std::string see_all(const TableInfo &table, const char *alias) {
    return table.is_registered
               ? sqltext::format("softdelete.include_deleted(%1%.%2%)", alias, table.deleted_at)
               : "true";
}

} // namespace softdelete::rows
