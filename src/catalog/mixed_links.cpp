// Asked by both registrations, and when a foreign key came. Of a partitioned table the keys of its partitions count as well.
#include "catalog/mixed_links.hpp"

#include "sqltext/format.hpp"

namespace softdelete::catalog {

namespace {

// Two tables of which each may have either strategy: the second parameter is that of the first one, whatever it has now.
constexpr const char *links_query = R"(
    WITH tree (relation) AS (
        SELECT p.relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) p
        UNION SELECT $1::pg_catalog.oid),
    link (name, child, parent) AS (
        SELECT k.conname, coalesce(pg_catalog.pg_partition_root(k.conrelid)::pg_catalog.oid, k.conrelid),
               coalesce(pg_catalog.pg_partition_root(k.confrelid)::pg_catalog.oid, k.confrelid)
        FROM pg_catalog.pg_constraint k
        WHERE k.contype = 'f' AND (k.conrelid IN (SELECT relation FROM tree) OR k.confrelid IN (SELECT relation FROM tree))),
    strategy (relation, is_archive) AS (
        SELECT a.relation::pg_catalog.oid, true FROM softdelete_internal.archive a
        WHERE $2 = '' OR a.relation::pg_catalog.oid <> $1::pg_catalog.oid
        UNION ALL SELECT r.relation::pg_catalog.oid, false FROM softdelete_internal.registration r
        WHERE $2 = '' OR r.relation::pg_catalog.oid <> $1::pg_catalog.oid
        UNION ALL SELECT $1::pg_catalog.oid, $2 = 'archive' WHERE $2 <> '')
    SELECT l.name, l.child, l.parent
    FROM link l
    JOIN strategy c ON c.relation = l.child
    JOIN strategy p ON p.relation = l.parent
    WHERE p.is_archive AND NOT c.is_archive
    ORDER BY l.name, l.child
    LIMIT 1)";

const char *name_strategy(Strategy strategy) {
    switch (strategy) {
    case Strategy::flag:
        return "flag";
    case Strategy::archive:
        return "archive";
    case Strategy::as_is:
        break;
    }
    return "";
}

std::string get_name(pg::Spi &spi, const pg::Row &row, std::size_t column) {
    return spi
        .query_kept("SELECT '\"' || relname || '\"' FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid",
                    {row.oid(column)})
        .front()
        .text(0);
}

} // namespace

void check_mixed_links(pg::Spi &spi, Oid relation, Strategy strategy) {
    std::vector<pg::Row> rows;
    {
        pg::UserScope owner(pg::get_extension_owner());
        rows = spi.query_kept(links_query, {relation, name_strategy(strategy)});
    }
    if (rows.empty()) {
        return;
    }
    const pg::Row &row = rows.front();
    const std::string child = get_name(spi, row, 1);
    const std::string parent = get_name(spi, row, 2);
    pg::raise({.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
               .message = sqltext::format("table %1%, whose deleted rows are marked, cannot reference "
                                          "table %2%, which has an archive",
                                          child, parent),
               .detail = sqltext::format("Its deleted rows would keep the rows that they reference by "
                                         "\"%1%\", or go with them for good.",
                                         row.text(0)),
               .hint = sqltext::format("Register table %1% with strategy => 'archive', or table %2% with "
                                       "strategy => 'flag'.",
                                       child, parent),
               .relation = relation});
}

} // namespace softdelete::catalog
