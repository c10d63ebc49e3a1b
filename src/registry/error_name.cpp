// Asks the catalogs for the names. The violation of a unique index names the index as its constraint.
#include "registry/error_name.hpp"

#include "sqltext/format.hpp"

namespace softdelete::registry {

namespace {

constexpr const char *names_query = R"(
    SELECT pg_catalog.quote_ident(n.nspname) OPERATOR(pg_catalog.||) '.'::pg_catalog.text
               OPERATOR(pg_catalog.||) pg_catalog.quote_ident(c.relname),
           (SELECT pg_catalog.quote_ident(k.conname) FROM pg_catalog.pg_constraint k
            WHERE k.conrelid OPERATOR(pg_catalog.=) c.oid AND k.conname OPERATOR(pg_catalog.=) $3::pg_catalog.name
            UNION
            SELECT pg_catalog.quote_ident(x.relname)
            FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid OPERATOR(pg_catalog.=) i.indexrelid
            WHERE i.indrelid OPERATOR(pg_catalog.=) c.oid AND x.relname OPERATOR(pg_catalog.=) $3::pg_catalog.name)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE n.nspname OPERATOR(pg_catalog.=) $1::pg_catalog.name AND c.relname OPERATOR(pg_catalog.=) $2::pg_catalog.name)";

} // namespace

std::string name_error(pg::Spi &spi, pg::ServerError error) {
    std::string name = std::string("error ") + pg::call([&] {
                           return static_cast<const char *>(unpack_sql_state(error.sqlstate()));
                       });
    const ErrorData *data = error.release();
    if (data == nullptr || data->schema_name == nullptr || data->table_name == nullptr) {
        return name;
    }
    std::vector<pg::Row> rows =
        spi.query_kept(names_query, {data->schema_name, data->table_name,
                                     data->constraint_name == nullptr ? "" : data->constraint_name});
    if (rows.empty()) {
        return name;
    }
    const pg::Row &row = rows.front();
    return row.is_null(1)
               ? sqltext::format("%1%: table %2%", name, row.text(0))
               : sqltext::format("%1%: constraint %2% of table %3%", name, row.text(1), row.text(0));
}

} // namespace softdelete::registry
