// Reads and changes the names that the registry keeps of columns, views, indexes and constraints. Called by ddl/ and
// registration/.
#include "registry/registered_names.hpp"

#include "catalog/definitions.hpp"
#include "pg/scopes.hpp"

namespace softdelete::registry {

namespace {

std::optional<Oid> get_oid(const std::vector<pg::Row> &rows) {
    return rows.empty() ? std::nullopt : std::optional(rows.front().oid(0));
}

} // namespace

std::optional<Oid> find_registered_root(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    return get_oid(catalog::read_definitions(
        spi,
        "WITH RECURSIVE line (relation) AS (SELECT $1::oid UNION"
        " SELECT h.inhparent FROM pg_catalog.pg_inherits h JOIN line l ON h.inhrelid = l.relation)"
        " SELECT r.relation::oid FROM line l JOIN softdelete_internal.registration r ON r.relation = "
        "l.relation LIMIT 1",
        {relation}));
}

std::optional<Oid> find_table_of_view(pg::Spi &spi, Oid view) {
    pg::UserScope owner(pg::get_extension_owner());
    return get_oid(spi.query_kept("SELECT r.relation::oid FROM softdelete_internal.registration r"
                                  " JOIN pg_catalog.pg_class t ON t.oid = r.relation"
                                  " JOIN pg_catalog.pg_class v ON v.relnamespace = t.relnamespace"
                                  " AND v.relname IN (r.active_view, r.deleted_view, r.all_view)"
                                  " WHERE v.oid = $1::oid AND v.relkind = 'v' LIMIT 1",
                                  {view}));
}

void rename_view(pg::Spi &spi, Oid table, const std::string &name, const std::string &new_name) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("UPDATE softdelete_internal.registration SET"
                " active_view = CASE active_view WHEN $2::name THEN $3::name ELSE active_view END,"
                " deleted_view = CASE deleted_view WHEN $2::name THEN $3::name ELSE deleted_view END,"
                " all_view = CASE all_view WHEN $2::name THEN $3::name ELSE all_view END,"
                " added_views = pg_catalog.array_replace(added_views, $2::name, $3::name)"
                " WHERE relation = $1::oid",
                {table, name, new_name});
}

void rename_index(pg::Spi &spi, Oid table, Oid relation, const std::string &name,
                  const std::string &new_name) {
    pg::UserScope owner(pg::get_extension_owner());
    // What is recorded under the new name is gone, or the rename fails.
    spi.execute(
        "DELETE FROM softdelete_internal.converted_index WHERE relation = $1::oid AND name = $2::name",
        {relation, new_name});
    spi.execute(
        "UPDATE softdelete_internal.converted_index SET name = $3::name WHERE relation = $1::oid AND name = "
        "$2::name",
        {relation, name, new_name});
    spi.execute("UPDATE softdelete_internal.registration"
                " SET added_indexes = pg_catalog.array_replace(added_indexes, $2::name, $3::name)"
                " WHERE relation = $1::oid AND $2::name = ANY (added_indexes)",
                {table, name, new_name});
}

void rename_column(pg::Spi &spi, Oid table, const std::string &name, const std::string &new_name) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("UPDATE softdelete_internal.registration SET"
                " deleted_at = CASE deleted_at WHEN $2::name THEN $3::name ELSE deleted_at END,"
                " deleted_by = CASE deleted_by WHEN $2::name THEN $3::name ELSE deleted_by END,"
                " added_columns = pg_catalog.array_replace(added_columns, $2::name, $3::name)"
                " WHERE relation = $1::oid AND $2::name IN (deleted_at, deleted_by)",
                {table, name, new_name});
}

bool is_constraint_turned_index(pg::Spi &spi, Oid relation, const std::string &name) {
    pg::UserScope owner(pg::get_extension_owner());
    return !spi.query_kept("SELECT FROM softdelete_internal.converted_index c"
                           " JOIN pg_catalog.pg_index i ON i.indrelid = c.relation"
                           " JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid AND x.relname = c.name"
                           " WHERE c.relation = $1::oid AND c.name = $2::name AND c.kind = 'unique'"
                           " AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k"
                           " WHERE k.conrelid = c.relation AND k.conname = c.name)",
                           {relation, name})
                .empty();
}

void set_constraint_comment(pg::Spi &spi, Oid relation, const std::string &name,
                            const std::optional<std::string> &comment) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("UPDATE softdelete_internal.converted_index SET comment = $3 WHERE relation = $1::oid AND "
                "name = $2::name",
                {relation, name, comment});
}

void set_comment_before(pg::Spi &spi, Oid table, const std::optional<std::string> &comment) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("UPDATE softdelete_internal.registration SET comment_before = $2 WHERE relation = $1::oid",
                {table, comment});
}

} // namespace softdelete::registry
