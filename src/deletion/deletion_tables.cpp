// Finds the tables of a deletion, in the log of deletions, and whether they still hold rows of it. Called by undo(),
// conflicts(), erasure and the end of restores.
#include "deletion/deletion_tables.hpp"
#include "sqltext/format.hpp"

#include "pg/scopes.hpp"

#include <algorithm>

namespace softdelete::deletion {

namespace {

// The registered tables; an inheritance child that a statement named is a part of its parent. Tables that were dropped or
// unregistered since are no part of the deletion any more.
// %1%: the registry's table of the strategy.
constexpr sqltext::Pattern tables_query(R"(
    WITH RECURSIVE line (relation, place) AS (
        SELECT d.relation::pg_catalog.oid, 0::pg_catalog.int8 FROM softdelete_internal.deletion d WHERE d.id = $1::pg_catalog.int8
        UNION
        SELECT u.relation::pg_catalog.oid, u.place
        FROM softdelete_internal.deletion d, pg_catalog.unnest(d.further_relations) WITH ORDINALITY AS u (relation, place)
        WHERE d.id = $1::pg_catalog.int8
        UNION
        SELECT d.relation::pg_catalog.oid, 1000000 + pg_catalog.row_number() OVER (ORDER BY d.ctid)
        FROM softdelete_internal.deletion_table d WHERE d.deletion_id = $1::pg_catalog.int8
        UNION
        SELECT h.inhparent, l.place FROM pg_catalog.pg_inherits h JOIN line l ON h.inhrelid = l.relation)
    SELECT l.relation
    FROM line l
    JOIN softdelete_internal.%1% r ON r.relation = l.relation
    JOIN pg_catalog.pg_class c ON c.oid = l.relation
    GROUP BY l.relation
    ORDER BY pg_catalog.min(l.place), l.relation)");

// Read as the extension's owner.
std::vector<Oid> find_tables(pg::Spi &spi, std::int64_t deletion, const char *registry) {
    std::vector<Oid> relations;
    for (const pg::Row &row : spi.query(sqltext::format(tables_query, registry), {deletion})) {
        relations.push_back(row.oid(0));
    }
    return relations;
}

} // namespace

bool is_logged(pg::Spi &spi, std::int64_t deletion) {
    pg::UserScope owner(pg::get_extension_owner());
    return !spi.query("SELECT FROM softdelete_internal.deletion WHERE id OPERATOR(pg_catalog.=) "
                      "$1::pg_catalog.int8",
                      {deletion})
                .empty();
}

std::vector<catalog::TableInfo> get_deletion_tables(pg::Spi &spi, std::int64_t deletion, DeletionLock lock) {
    std::vector<Oid> relations;
    {
        pg::UserScope owner(pg::get_extension_owner());
        std::string query = "SELECT FROM softdelete_internal.deletion WHERE id = $1::pg_catalog.int8";
        if (spi.query(lock == DeletionLock::for_update ? query + " FOR UPDATE" : query, {deletion}).empty()) {
            pg::raise({.sqlstate = ERRCODE_NO_DATA_FOUND,
                       .message = sqltext::format("deletion %1% does not exist", deletion),
                       .hint = "SELECT * FROM softdelete.deletions lists what can be undone."});
        }
        relations = find_tables(spi, deletion, "registration");
    }
    std::vector<catalog::TableInfo> tables;
    for (Oid relation : relations) {
        tables.push_back(catalog::get_registered_table(spi, relation));
    }
    return tables;
}

bool holds_rows(pg::Spi &spi, const catalog::TableInfo &table, std::int64_t deletion) {
    std::string query = sqltext::format("/* softdelete */ SELECT FROM %1% AS t WHERE t.deletion_id = "
                                        "$1::pg_catalog.int8 AND t.%2% IS NOT NULL LIMIT 1",
                                        table.name, table.deleted_at);
    pg::OwnerScope owner(table.owner);
    return !spi.query_latest(query, {deletion}).empty();
}

std::vector<catalog::TableInfo> get_archived_tables(pg::Spi &spi, std::int64_t deletion) {
    std::vector<Oid> relations;
    {
        pg::UserScope owner(pg::get_extension_owner());
        relations = find_tables(spi, deletion, "archive");
    }
    std::vector<catalog::TableInfo> tables;
    for (Oid relation : relations) {
        catalog::TableInfo table = catalog::get_table(spi, relation);
        if (table.archive) { // else it is missing, and its rows with it
            tables.push_back(std::move(table));
        }
    }
    return tables;
}

bool holds_any_rows(pg::Spi &spi, std::int64_t deletion) {
    std::vector<catalog::TableInfo> tables = get_deletion_tables(spi, deletion, DeletionLock::none);
    std::vector<catalog::TableInfo> archived = get_archived_tables(spi, deletion);
    return std::any_of(tables.begin(), tables.end(),
                       [&](const catalog::TableInfo &table) { return holds_rows(spi, table, deletion); })
           || std::any_of(archived.begin(), archived.end(), [&](const catalog::TableInfo &table) {
                  return holds_archived_rows(spi, table, deletion);
              });
}

bool holds_archived_rows(pg::Spi &spi, const catalog::TableInfo &table, std::int64_t deletion) {
    std::string query = sqltext::format(
        "/* softdelete */ SELECT FROM %1% AS t WHERE t.deletion_id = $1::pg_catalog.int8 LIMIT 1",
        table.archive->name);
    pg::OwnerScope owner(table.owner);
    return !spi.query_latest(query, {deletion}).empty();
}

} // namespace softdelete::deletion
