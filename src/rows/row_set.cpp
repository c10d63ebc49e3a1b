// Sets of rows by position, and the SQL conditions that name them.
#include "rows/row_set.hpp"
#include "pg/relations.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
}

namespace softdelete::rows {

namespace {

// The rows of a set, from its two parameters.
std::string make_rows(int first) {
    return sqltext::format("(SELECT * FROM ROWS FROM (pg_catalog.unnest(CAST($%1% AS pg_catalog.oid[])), "
                           "pg_catalog.unnest(CAST($%2% AS pg_catalog.tid[]))))",
                           first, (first + 1));
}

// As tidout() writes it.
std::string to_text(const ItemPointerData &position) {
    return "(" + std::to_string(ItemPointerGetBlockNumberNoCheck(&position)) + ","
           + std::to_string(ItemPointerGetOffsetNumberNoCheck(&position)) + ")";
}

} // namespace

std::strong_ordering RowId::operator<=>(const RowId &other) const {
    if (table != other.table) {
        return table <=> other.table;
    }
    ItemPointerData left = position;
    ItemPointerData right = other.position;
    return ItemPointerCompare(&left, &right) <=> 0;
}

pg::Parameter RowId::table_parameter() const {
    return {std::to_string(table), OIDOID};
}

pg::Parameter RowId::position_parameter() const {
    return {to_text(position), TIDOID};
}

RowId read_row_id(const pg::Row &row, std::size_t first) {
    const std::string &text = row.text(first + 1);
    ItemPointerData position = pg::call([&] {
        Datum read = DirectFunctionCall1(tidin, CStringGetDatum(text.c_str()));
        return *reinterpret_cast<const ItemPointerData *>(DatumGetPointer(read));
    });
    return {row.oid(first), position};
}

pg::Parameter RowSet::tables() const {
    std::vector<std::string> values;
    for (const RowId &row : rows_) {
        values.push_back(std::to_string(row.table));
    }
    return {pg::make_array(values), OIDARRAYOID};
}

pg::Parameter RowSet::positions() const {
    std::vector<std::string> values;
    for (const RowId &row : rows_) {
        values.push_back(to_text(row.position));
    }
    return {pg::make_array(values), TIDARRAYOID};
}

catalog::TableInfo narrow_to_partition(const catalog::TableInfo &table, const RowSet &rows) {
    if (!table.is_partitioned || rows.empty() || rows.ids().begin()->table != rows.ids().rbegin()->table) {
        return table;
    }
    const Oid partition = rows.ids().begin()->table;
    const char *name = pg::call([&]() -> const char * {
        return get_rel_name(partition) != nullptr && pg::get_owner(partition) == table.owner
                   ? quote_qualified_identifier(get_namespace_name(get_rel_namespace(partition)),
                                                get_rel_name(partition))
                   : nullptr;
    });
    catalog::TableInfo narrow = table;
    if (name != nullptr) {
        narrow.relation = partition;
        narrow.name = name;
        narrow.is_partitioned = false;
        narrow.has_children = false;
    }
    return narrow;
}

std::string make_membership(const catalog::TableInfo &table, const char *alias, int first) {
    // A TID scan where one table holds all rows; positions repeat among partitions and inheritance children.
    if (!table.has_children) {
        return sqltext::format("%1%.ctid OPERATOR(pg_catalog.=) ANY (CAST($%2% AS pg_catalog.tid[]))", alias,
                               (first + 1));
    }
    return sqltext::format("%1%.ctid OPERATOR(pg_catalog.=) ANY (CAST($%3% AS pg_catalog.tid[]))"
                           " AND (%1%.tableoid, %1%.ctid) OPERATOR(pg_catalog.=) ANY %2%",
                           alias, make_rows(first), (first + 1));
}

std::string make_identity(const catalog::TableInfo &table, const char *alias, int first) {
    std::string position = sqltext::format("%1%.ctid OPERATOR(pg_catalog.=) $%2%", alias, (first + 1));
    return !table.has_children
               ? position
               : sqltext::format("%1% AND %2%.tableoid OPERATOR(pg_catalog.=) $%3%", position, alias, first);
}

std::string make_exclusion(const char *alias, int first) {
    return sqltext::format("(%1%.tableoid, %1%.ctid) NOT IN %2%", alias, make_rows(first));
}

RowSet make_set(const RowId &row) {
    RowSet rows;
    rows.add(row);
    return rows;
}

RowSet subtract(const RowSet &rows, const RowSet &others) {
    RowSet rest;
    for (const RowId &row : rows.ids()) {
        if (!others.contains(row)) {
            rest.add(row);
        }
    }
    return rest;
}

std::map<Oid, RowSet> group_by_table(const RowSet &rows) {
    std::map<Oid, RowSet> groups;
    for (const RowId &row : rows.ids()) {
        groups[row.table].add(row);
    }
    return groups;
}

} // namespace softdelete::rows
