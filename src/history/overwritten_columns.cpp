// From the columns that the registry knows of the history, and the rules. Called by history/overwrite_entries.
#include "history/overwritten_columns.hpp"

#include "pg/scopes.hpp"

#include <algorithm>

namespace softdelete::history {

namespace {

// A generated column depends on each column that its expression reads.
constexpr const char *made_query = R"(
    SELECT pg_catalog.quote_ident(h.history_column), pg_catalog.pg_get_expr(d.adbin, d.adrelid)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    JOIN softdelete_internal.history_column h
        ON h.relation = a.attrelid AND h.column_name = a.attname AND h.until IS NULL
    WHERE a.attrelid = $1::pg_catalog.oid AND a.attgenerated = 's' AND NOT a.attisdropped AND EXISTS (
        SELECT FROM pg_catalog.pg_depend p
        JOIN pg_catalog.pg_attribute b ON b.attrelid = p.refobjid AND b.attnum = p.refobjsubid
        WHERE p.classid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_attrdef'::pg_catalog.regclass)
          AND (p.objid, p.objsubid) IN ((a.attrelid, a.attnum::pg_catalog.int4), (d.oid, 0))
          AND p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND p.refobjid = a.attrelid
          AND pg_catalog.quote_ident(b.attname) = ANY ($2::pg_catalog.text[])))";

} // namespace

std::vector<OverwrittenColumn> find_overwritten_columns(pg::Spi &spi, const TableInfo &table,
                                                        const std::vector<registry::Anonymizer> &rules) {
    std::vector<OverwrittenColumn> columns;
    pg::UserScope owner(pg::get_extension_owner());
    for (const pg::Row &row :
         spi.query("SELECT pg_catalog.quote_ident(history_column), until IS NULL, column_name FROM "
                   "softdelete_internal.history_column WHERE relation = $1::pg_catalog.oid",
                   {table.relation})) {
        auto rule = std::find_if(rules.begin(), rules.end(), [&](const registry::Anonymizer &candidate) {
            return candidate.column == row.text(2);
        });
        const bool is_deleted_by = pg::quote_identifier(row.text(2)) == table.deleted_by;
        if (!row.boolean(1) || (is_deleted_by && rule == rules.end())) {
            columns.push_back({row.text(0), "NULL"});
        } else if (rule != rules.end()) {
            columns.push_back({row.text(0), rule->expression});
        }
    }
    return columns;
}

std::vector<OverwrittenColumn> find_made_columns(pg::Spi &spi, const TableInfo &table,
                                                 const std::vector<std::string> &names) {
    std::vector<OverwrittenColumn> columns;
    pg::UserScope owner(pg::get_extension_owner());
    for (const pg::Row &row : spi.query(made_query, {table.relation, pg::make_array(names)})) {
        columns.push_back({row.text(0), row.text(1)});
    }
    return columns;
}

} // namespace softdelete::history
