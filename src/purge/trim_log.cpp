// Applies the retention of the log of deletions: asks each registered table which of the old deletions its rows still
// name, and removes the others. Called at the end of a run over all tables.
#include "purge/trim_log.hpp"
#include "sqltext/format.hpp"

#include "catalog/table_info.hpp"
#include "pg/scopes.hpp"
#include "registry/place_lock.hpp"
#include "settings.hpp"

#include <set>
#include <string>
#include <vector>

namespace softdelete::purge {

namespace {

constexpr const char *old_query = R"(
    SELECT d.id
    FROM softdelete_internal.deletion d
    WHERE d.id > $1::pg_catalog.int8
      AND d.deleted_at < pg_catalog.now() - pg_catalog.make_interval(mins => $2::pg_catalog.int4)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = d.relation AND NOT
                      pg_catalog.pg_has_role($3::pg_catalog.oid, c.relowner, 'USAGE'))
    ORDER BY d.id
    LIMIT $4::pg_catalog.int8
    FOR UPDATE SKIP LOCKED)";

constexpr const char *tables_query = R"(
    SELECT DISTINCT r.relation::pg_catalog.oid
    FROM softdelete_internal.registration r
    JOIN pg_catalog.pg_class c ON c.oid = r.relation
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'deletion_id' AND NOT a.attisdropped
    UNION
    SELECT a.relation::pg_catalog.oid
    FROM softdelete_internal.archive a JOIN pg_catalog.pg_class c ON c.oid = a.relation)";

pg::Parameter make_ids(const std::set<std::string> &ids) {
    return {pg::make_array(std::vector<std::string>(ids.begin(), ids.end()))};
}

// rows: the table, or its archive.
std::vector<std::string> find_named_in(pg::Spi &spi, Oid owner_id, const std::string &rows,
                                       const std::string &deleted_at, const std::set<std::string> &ids) {
    pg::UserScope owner(owner_id);
    pg::OwnerScope policies(owner_id);
    std::vector<std::string> named;
    for (const pg::Row &row : spi.query(
             sqltext::format(
                 "/* softdelete purge */ SELECT i.id FROM pg_catalog.unnest($1::pg_catalog.int8[]) AS i "
                 "(id) "
                 "WHERE EXISTS (SELECT FROM %1% AS t WHERE t.deletion_id = i.id AND t.%2% IS NOT NULL)",
                 rows, deleted_at),
             {make_ids(ids)})) {
        named.push_back(row.text(0));
    }
    return named;
}

std::vector<std::string> find_named(pg::Spi &spi, Oid relation, const std::set<std::string> &ids) {
    catalog::TableInfo table = catalog::get_table(spi, relation);
    std::vector<std::string> named;
    if (table.is_registered) {
        named = find_named_in(spi, table.owner, table.name, table.deleted_at, ids);
    }
    if (table.archive) { // all rows of an archive are deleted
        std::vector<std::string> archived =
            find_named_in(spi, table.owner, table.archive->name, table.archive->deleted_at, ids);
        named.insert(named.end(), archived.begin(), archived.end());
    }
    return named;
}

} // namespace

std::int64_t trim_log(pg::Spi &spi, std::int64_t after, std::size_t limit) {
    pg::call([] { registry::keep_rows_in_place(); });
    Oid role = GetUserId();
    std::set<std::string> ids;
    std::int64_t last = 0;
    std::vector<pg::Row> tables;
    {
        pg::UserScope owner(pg::get_extension_owner());
        for (const pg::Row &row : spi.query(old_query, {after, std::int64_t{settings::log_retention()}, role,
                                                        static_cast<std::int64_t>(limit)})) {
            ids.insert(row.text(0));
            last = row.number(0);
        }
        tables = spi.query(tables_query);
    }
    for (const pg::Row &table : tables) {
        if (ids.empty()) {
            break;
        }
        for (const std::string &id : find_named(spi, table.oid(0), ids)) {
            ids.erase(id);
        }
    }
    if (!ids.empty()) {
        pg::UserScope owner(pg::get_extension_owner());
        spi.execute(
            "DELETE FROM softdelete_internal.deletion_table WHERE deletion_id = ANY ($1::pg_catalog.int8[])",
            {make_ids(ids)});
        spi.execute("DELETE FROM softdelete_internal.restoration WHERE deletion_id = ANY "
                    "($1::pg_catalog.int8[])",
                    {make_ids(ids)});
        spi.execute(
            "DELETE FROM softdelete_internal.renumbered_deletion WHERE id = ANY ($1::pg_catalog.int8[])",
            {make_ids(ids)});
        spi.execute("DELETE FROM softdelete_internal.deletion WHERE id = ANY ($1::pg_catalog.int8[])",
                    {make_ids(ids)});
    }
    return last;
}

} // namespace softdelete::purge
