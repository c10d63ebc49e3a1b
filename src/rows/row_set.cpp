// Row sets as SQL parameters.
#include "rows/row_set.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/fmgrprotos.h"
}

namespace softdelete::rows {

namespace {

// The rows of a set, from its two parameters.
std::string make_rows(int first) {
    return sqltext::format("(SELECT * FROM ROWS FROM (pg_catalog.unnest(CAST($%1% AS pg_catalog.oid[])), "
                           "pg_catalog.unnest(CAST($%2% AS pg_catalog.tid[]))))",
                           first, (first + 1));
}

} // namespace

pg::Parameter RowSet::tables() const {
    std::vector<std::string> values;
    for (const RowId &row : rows_) {
        values.push_back(row.first);
    }
    return {pg::make_array(values), OIDARRAYOID};
}

pg::Parameter RowSet::positions() const {
    std::vector<std::string> values;
    for (const RowId &row : rows_) {
        values.push_back(row.second);
    }
    return {pg::make_array(values), TIDARRAYOID};
}

RowSet::RowId make_row_id(Oid relation, const ItemPointerData *row) {
    return {std::to_string(relation), sqltext::format("(%1%,%2%)", ItemPointerGetBlockNumberNoCheck(row),
                                                      ItemPointerGetOffsetNumberNoCheck(row))};
}

ItemPointerData get_position(const RowSet::RowId &row) {
    return pg::call([&] {
        Datum position = DirectFunctionCall1(tidin, CStringGetDatum(row.second.c_str()));
        return *reinterpret_cast<const ItemPointerData *>(DatumGetPointer(position));
    });
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

std::map<Oid, RowSet> group_by_table(const RowSet &rows) {
    std::map<Oid, RowSet> groups;
    for (const RowSet::RowId &row : rows.ids()) {
        groups[static_cast<Oid>(std::stoul(row.first))].add(row);
    }
    return groups;
}

} // namespace softdelete::rows
