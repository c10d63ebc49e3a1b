// A hold protects rows of the tables below that of its row, along ON DELETE CASCADE keys, and rows of which these hold
// references. A removal takes along rows of the tables below its own. So both lock what is below, and have a table in common
// wherever one may concern the other. Called by whoever makes holds or removes rows.
#include "holds/hold_tables.hpp"

#include "registry/place_lock.hpp"

extern "C" {
#include "catalog/pg_inherits.h"
#include "storage/lmgr.h"
}

#include <set>
#include <string>

namespace softdelete::holds {

namespace {

using registry::HoldAccess;

constexpr const char *below_query = R"(
    WITH RECURSIVE step (above, below) AS MATERIALIZED (
        SELECT coalesce(pg_catalog.pg_partition_root(k.confrelid)::pg_catalog.oid, k.confrelid),
               coalesce(pg_catalog.pg_partition_root(k.conrelid)::pg_catalog.oid, k.conrelid)
        FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.confdeltype = 'c' AND k.conparentid = 0
        UNION ALL
        SELECT h.inhparent, h.inhrelid
        FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid WHERE NOT c.relispartition
    ), found (relation) AS (
        SELECT coalesce(pg_catalog.pg_partition_root(r)::pg_catalog.oid, r) FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS r
        UNION
        SELECT s.below FROM found f JOIN step s ON s.above = f.relation
    )
    SELECT relation FROM found)";

// What they reference by keys that overwrite.
constexpr const char *linked_query = R"(
    SELECT DISTINCT coalesce(pg_catalog.pg_partition_root(k.confrelid)::pg_catalog.oid, k.confrelid)
    FROM pg_catalog.pg_constraint k
    WHERE k.contype = 'f' AND k.confdeltype IN ('n', 'd') AND k.conparentid = 0
          AND coalesce(pg_catalog.pg_partition_root(k.conrelid)::pg_catalog.oid, k.conrelid) = ANY ($1::pg_catalog.oid[]))";

template <typename Relations>
std::set<Oid> read_tables(pg::Spi &spi, const char *query, const Relations &relations) {
    std::vector<std::string> texts;
    for (Oid relation : relations) {
        texts.push_back(std::to_string(relation));
    }
    std::set<Oid> tables;
    for (const pg::Row &row : spi.query_kept(query, {pg::make_array(texts)})) {
        tables.insert(row.oid(0));
    }
    return tables;
}

std::set<Oid> find_tables(pg::Spi &spi, const std::vector<Oid> &relations, HoldAccess access) {
    std::set<Oid> tables = read_tables(spi, below_query, relations);
    if (access == HoldAccess::make) {
        tables.merge(read_tables(spi, linked_query, std::set<Oid>(tables)));
    }
    return tables;
}

void lock(const std::set<Oid> &tables, HoldAccess access) {
    if (access == HoldAccess::erase) {
        for (Oid table : tables) {
            pg::call([&] { LockRelationOid(table, RowShareLock); });
        }
    }
    List *list = NIL;
    for (Oid table : tables) {
        list = pg::call([&] { return lappend_oid(list, table); });
    }
    pg::call([&] { registry::lock_holds_on(list, access); });
}

} // namespace

void lock_holds_below(pg::Spi &spi, const std::vector<Oid> &relations, HoldAccess access) {
    pg::call([] { registry::keep_rows_in_place(); }); // held or not, and wherever they are
    std::set<Oid> locked;
    std::set<Oid> tables = find_tables(spi, relations, access);
    while (!tables.empty()) {
        lock(tables, access);
        locked.merge(tables);
        // A key may have come before the locks were taken.
        tables = find_tables(spi, relations, access);
        std::erase_if(tables, [&](Oid table) { return locked.contains(table); });
    }
}

void lock_holds_of(Oid relation) {
    registry::lock_holds_on(find_all_inheritors(registry::get_locked_table(relation), NoLock, nullptr),
                            HoldAccess::remove);
}

} // namespace softdelete::holds
