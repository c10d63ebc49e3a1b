// Domains become the types under them, and lengths and precisions are left out: they say what a row may be today, not what it
// was.
#include "history/history_definition.hpp"

#include "history/own_columns.hpp"
#include "pg/quote.hpp"
#include "sqltext/format.hpp"

#include <algorithm>

namespace softdelete::history {

namespace {

// Virtual generated columns (18) are not in the row. The modifier -1 tells bpchar from char(1), and "bit" from bit(1).
constexpr const char *columns_query = R"(
    WITH RECURSIVE bases (attnum, type, base) AS (
        SELECT a.attnum, a.atttypid, t.typbasetype
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT b.attnum, t.oid, t.typbasetype FROM bases b JOIN pg_catalog.pg_type t ON t.oid = b.base)
    SELECT a.attname, pg_catalog.quote_ident(a.attname) || ' ' || pg_catalog.format_type(b.type, -1)
           || CASE WHEN a.attcollation NOT IN (0, t.typcollation)
                   THEN pg_catalog.format(' COLLATE %I.%I', n.nspname, c.collname) ELSE '' END,
           pg_catalog.format_type(b.type, -1), t.typlen = -1 AND t.typstorage <> 'p', a.attgenerated <> 'v'
    FROM pg_catalog.pg_attribute a
    JOIN bases b ON b.attnum = a.attnum AND b.base = 0
    JOIN pg_catalog.pg_type t ON t.oid = b.type
    LEFT JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
    WHERE a.attrelid = $1::pg_catalog.oid
    ORDER BY a.attnum)";

} // namespace

std::vector<SourceColumn> read_source_columns(pg::Spi &spi, Oid relation) {
    std::vector<SourceColumn> columns;
    for (const pg::Row &row : spi.query(columns_query, {relation})) {
        columns.push_back({row.text(0), row.text(1), row.text(2), row.boolean(3), row.boolean(4)});
    }
    return columns;
}

std::string make_own_columns() {
    std::string text;
    for (const OwnColumnShape &column : own_columns) {
        text +=
            sqltext::format("%1%%2% pg_catalog.%3%", (text.empty() ? "" : ", "), column.name, column.type);
    }
    return text;
}

std::string make_key_index_columns(pg::Spi &spi, Oid relation) {
    std::string columns;
    for (const catalog::KeyColumn &column : catalog::find_primary_key(spi, relation)) {
        columns += column.name + ", ";
    }
    return columns.empty() ? "" : columns + own_columns[at].name;
}

std::string make_storage_statement(const std::string &history, const SourceColumn &column) {
    return sqltext::format("ALTER TABLE %1% ALTER COLUMN %2% SET STORAGE EXTERNAL", history,
                           pg::quote_identifier(column.name));
}

bool is_own_column(const std::string &name) {
    return std::any_of(std::begin(own_columns), std::end(own_columns),
                       [&](const OwnColumnShape &column) { return name == column.name; });
}

void raise_own_name(const catalog::TableInfo &table, const std::string &column) {
    pg::raise(
        {.sqlstate = ERRCODE_DUPLICATE_COLUMN,
         .message = sqltext::format("column \"%1%\" of table %2% has the name of a column that the history "
                                    "of a table has itself",
                                    column, table.title),
         .hint = "Rename the column.",
         .relation = table.relation});
}

} // namespace softdelete::history
