// A run names physical tables in its statements, and the server looks for names: what they mean is asked when the locks are there, at
// the turn of each table and once more in each transaction. Locks go from above, as those of DETACH PARTITION and DROP TABLE do.
// Called by purge/purge_tables, which plans, and by purge/purge_rows, which runs.
#include "purge/purge_parts.hpp"

#include "pg/definition_changes.hpp"
#include "pg/relations.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
}

#include <algorithm>

namespace softdelete::purge {

namespace {

// From above.
constexpr const char *members_query = R"(
    WITH RECURSIVE line (relation, level) AS (
        SELECT $1::pg_catalog.oid, 0
        UNION SELECT h.inhrelid, l.level + 1 FROM pg_catalog.pg_inherits h JOIN line l ON h.inhparent = l.relation)
    SELECT l.relation, EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = l.relation)
    FROM line l
    GROUP BY l.relation
    ORDER BY max(l.level), l.relation)";

// Foreign tables have no rows of ours. The last column is the name of a partition's root where that has a trigger for DELETE
// statements, and all members the same owner; with it, what keeps other partitions out of the plan.
constexpr const char *parts_query = R"(
    WITH RECURSIVE line (relation) AS (
        SELECT $1::pg_catalog.oid
        UNION SELECT h.inhrelid FROM pg_catalog.pg_inherits h JOIN line l ON h.inhparent = l.relation)
    SELECT c.oid, c.relowner, pg_catalog.format('%I.%I', n.nspname, c.relname),
           a.atttypid,
           EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid),
           root.oid, pg_catalog.quote_ident(rn.nspname) || '.' || pg_catalog.quote_ident(root.relname),
           nullif(pg_catalog.pg_get_partition_constraintdef(c.oid), '')
    FROM line l
    JOIN pg_catalog.pg_class c ON c.oid = l.relation
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN softdelete_internal.registration r ON r.relation = $1::pg_catalog.oid
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = r.deleted_at AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_class root ON root.oid = $1::pg_catalog.oid AND root.relowner = c.relowner
        AND root.oid = pg_catalog.pg_partition_root(c.oid) AND root.oid <> c.oid
        AND EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = root.oid AND t.tgtype & 9 = 8)
        AND NOT EXISTS (SELECT FROM line m JOIN pg_catalog.pg_class o ON o.oid = m.relation AND o.relowner <> c.relowner)
    LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = root.relnamespace
    WHERE c.relkind = 'r' AND ($2::pg_catalog.oid IS NULL OR c.oid = $2::pg_catalog.oid)
    ORDER BY c.relname, c.oid)";

// DELETE of a partition's rows by its root's name, where that is to be.
std::string make_from(const pg::Row &row) {
    if (row.is_null(5)) {
        return "ONLY " + row.text(2) + " AS p WHERE ";
    }
    std::string bound = row.text_or(7, "true");
    return sqltext::format("%1% AS p WHERE p.tableoid = %2% AND (%3%) AND ", row.text(6), row.oid(0),
                           bound.find("satisfies_hash_partition") == std::string::npos ? bound : "true");
}

// Of the table, or one of them.
std::vector<PurgeTarget> read_parts(pg::Spi &spi, const PurgeTable &table, std::optional<Oid> part) {
    pg::Parameter wanted = part ? pg::Parameter(*part) : pg::Parameter(std::nullopt);
    std::vector<PurgeTarget> parts;
    for (const pg::Row &row : spi.query_kept(parts_query, {table.info.relation, wanted})) {
        Oid type = row.oid(3);
        bool has_zone = pg::call([&] { return getBaseType(type) == TIMESTAMPTZOID; });
        parts.push_back({row.oid(0), row.oid(1), row.text(2), table.info.deleted_at, has_zone, row.boolean(4),
                         table.anonymizes, row.is_null(5) ? row.oid(0) : row.oid(5), make_from(row)});
    }
    return parts;
}

std::uint64_t count_changes() {
    return pg::call([] { return pg::count_definition_changes(); });
}

} // namespace

void find_parts(pg::Spi &spi, PurgeTable *table) {
    // Who drops or detaches one has the lock on what it is a part of before.
    (void)pg::lock_if_there(table->info.relation, pg::Lock::access_share);
    table->parents.clear();
    for (const pg::Row &row : spi.query_kept(members_query, {table->info.relation})) {
        if (pg::lock_if_there(row.oid(0), pg::Lock::access_share) && row.boolean(1)) {
            table->parents.push_back(row.oid(0));
        }
    }
    table->found_at = count_changes();
    table->targets = read_parts(spi, *table, std::nullopt);
}

bool lock_parts(pg::Spi &spi, const PurgeTable &table, const std::vector<PurgeTarget> &parts, int lock_mode) {
    for (Oid parent : table.parents) {
        pg::call([&] { LockRelationOid(parent, lock_mode); });
    }
    for (const PurgeTarget &part : parts) {
        pg::call([&] { LockRelationOid(part.relation, lock_mode); });
    }
    if (count_changes() == table.found_at) {
        return true;
    }
    return std::all_of(parts.begin(), parts.end(), [&](const PurgeTarget &part) {
        const std::vector<PurgeTarget> now = read_parts(spi, table, part.relation);
        return now.size() == 1 && now.front() == part;
    });
}

} // namespace softdelete::purge
