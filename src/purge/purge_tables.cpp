// Plans a run: the registered tables that the caller may purge, in the order of model/purge_order, with their physical
// tables and owners. Reads the registry and the foreign keys once per run. Called by purge(), its preview and
// schedule().
#include "purge/purge_tables.hpp"

#include "erasure/reset_statistics.hpp"
#include "history/overwrite_entries.hpp"
#include "purge/purge_archive.hpp"
#include "purge/purge_history.hpp"

#include "pg/compat.hpp"
#include "registry/registered_names.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
}

#include <algorithm>

namespace softdelete::purge {

namespace {

using catalog::ForeignKey;
using catalog::OnDelete;
using catalog::TableInfo;

constexpr const char *owned_query = R"(
    SELECT r.relation::pg_catalog.oid
    FROM softdelete_internal.registration r
    JOIN pg_catalog.pg_class c ON c.oid = r.relation
    WHERE r.retention IS NOT NULL AND r.strategy = 'flag' AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
    ORDER BY r.registered_at, r.relation)";

// The physical tables: partitions and inheritance children too. Foreign ones have no rows of ours. The last column is the
// name of a partition's root where that has a trigger for DELETE statements, and all members the same owner; with it, what keeps other
// partitions out of the plan.
constexpr const char *targets_query = R"(
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
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = $2::pg_catalog.name AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_class root ON root.oid = $1::pg_catalog.oid AND root.relowner = c.relowner
        AND root.oid = pg_catalog.pg_partition_root(c.oid) AND root.oid <> c.oid
        AND EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = root.oid AND t.tgtype & 9 = 8)
        AND NOT EXISTS (SELECT FROM line m JOIN pg_catalog.pg_class o ON o.oid = m.relation AND o.relowner <> c.relowner)
    LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = root.relnamespace
    WHERE c.relkind = 'r'
    ORDER BY c.relname, c.oid)";

// By a key of its own to itself, or to a table whose rows may go natively with its rows.
bool may_move(pg::Spi &spi, const TableInfo &table) {
    std::vector<ForeignKey> keys = catalog::find_own_keys(spi, table.relation);
    return std::any_of(keys.begin(), keys.end(), [&](const ForeignKey &key) {
        return !catalog::binds(key.on_delete)
               && (key.parent.relation == table.relation || !key.parent.is_registered);
    });
}

// DELETE of a partition's rows by its root's name, where that is to be.
std::string make_from(const pg::Row &row) {
    if (row.is_null(5)) {
        return "ONLY " + row.text(2) + " AS p WHERE ";
    }
    std::string bound = row.text_or(7, "true");
    return sqltext::format("%1% AS p WHERE p.tableoid = %2% AND (%3%) AND ", row.text(6), row.oid(0),
                           bound.find("satisfies_hash_partition") == std::string::npos ? bound : "true");
}

PurgeTable make_table(pg::Spi &spi, const TableInfo &info) {
    PurgeTable table = {info, {}, find_all_blockers(spi, info), false, may_move(spi, info)};
    pg::Row registration =
        spi.query_kept("SELECT deleted_at, on_expiry = 'anonymize' FROM softdelete_internal.registration "
                       "WHERE relation = $1::pg_catalog.oid",
                       {info.relation})
            .front();
    table.anonymizes = registration.boolean(1);
    for (const pg::Row &row : spi.query_kept(targets_query, {info.relation, registration.text(0)})) {
        Oid type = row.oid(3);
        bool has_zone = pg::call([&] { return getBaseType(type) == TIMESTAMPTZOID; });
        table.targets.push_back({row.oid(0), row.oid(1), row.text(2), info.deleted_at, has_zone,
                                 row.boolean(4), table.anonymizes, row.is_null(5) ? row.oid(0) : row.oid(5),
                                 make_from(row)});
    }
    return table;
}

bool is_owner(const TableInfo &table) {
    return pg::call([&] { return pg::compat::owns_relation(table.relation, GetUserId()); });
}

void check_owner(const TableInfo &table) {
    if (!is_owner(table)) {
        pg::raise({.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
                   .message = "must be owner of table " + table.title.substr(1, table.title.size() - 2),
                   .hint = "Purging removes rows for good; only the table's owner may do it.",
                   .relation = table.relation});
    }
}

bool contains(const std::vector<PurgeTable> &tables, Oid relation) {
    return std::any_of(tables.begin(), tables.end(),
                       [&](const PurgeTable &table) { return table.info.relation == relation; });
}

// The table that was registered: an inheritance child is purged with it.
TableInfo get_purged_table(pg::Spi &spi, const TableInfo &table) {
    std::optional<Oid> root = registry::find_registered_root(spi, table.relation);
    return root && *root != table.relation ? catalog::get_table(spi, *root) : table;
}

// What the purge of a row of the table could take along. Another owner's rows wait for his purge.
void add_below(pg::Spi &spi, std::vector<PurgeTable> &tables) {
    for (std::size_t i = 0; i < tables.size(); i++) {
        for (const Blocker &blocker : find_all_blockers(spi, tables[i].info)) {
            const TableInfo child = get_purged_table(spi, blocker.child());
            if (blocker.last().on_delete == OnDelete::cascade && child.is_registered
                && !child.retention.empty() && !contains(tables, child.relation) && is_owner(child)) {
                tables.push_back(make_table(spi, child));
            }
        }
    }
}

std::vector<model::PurgeGroup> order(pg::Spi &spi, const std::vector<PurgeTable> &tables) {
    std::vector<model::Reference> references;
    for (std::size_t parent = 0; parent < tables.size(); parent++) {
        for (const Blocker &blocker : find_all_blockers(spi, tables[parent].info)) {
            Oid relation = get_purged_table(spi, blocker.child()).relation;
            for (std::size_t child = 0; child < tables.size(); child++) {
                if (tables[child].info.relation == relation) {
                    references.emplace_back(child, parent);
                }
            }
        }
    }
    return model::order_for_purge(tables.size(), references);
}

// A run removes rows of the whole table: who names an inheritance child may mean its rows alone.
void check_is_whole(pg::Spi &spi, const TableInfo &table) {
    const TableInfo root = get_purged_table(spi, table);
    if (root.relation != table.relation) {
        pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   .message = sqltext::format("table %1% is not registered", table.title),
                   .hint = sqltext::format("Name the table that it belongs to, %1%.", root.name),
                   .relation = table.relation});
    }
}

} // namespace

std::vector<Blocker> find_all_blockers(pg::Spi &spi, const TableInfo &table) {
    std::vector<Blocker> all;
    for (Oid heir : catalog::find_heirs(spi, table.relation)) {
        for (Blocker &blocker : find_blockers(spi, heir)) {
            all.push_back(std::move(blocker));
        }
    }
    return all;
}

PurgeTable get_purge_table(pg::Spi &spi, Oid relation) {
    return make_table(spi, catalog::get_registered_table(spi, relation));
}

PurgePlan plan_purge(pg::Spi &spi, std::optional<Oid> relation) {
    PurgePlan plan;
    if (names_archive(spi, relation) || names_history_alone(spi, relation)) {
        return plan;
    }
    if (relation) {
        TableInfo table = catalog::get_registered_table(spi, *relation);
        check_owner(table);
        check_is_whole(spi, table);
        plan.tables.push_back(make_table(spi, table));
        add_below(spi, plan.tables);
    } else {
        for (const pg::Row &row : spi.query(owned_query)) {
            plan.tables.push_back(make_table(spi, catalog::get_table(spi, row.oid(0))));
        }
    }
    plan.groups = order(spi, plan.tables);
    return plan;
}

void reset_statistics(pg::Spi &spi, const PurgeTable &table) {
    std::set<Oid> touched = history::find_partitions(spi, table.info.relation);
    touched.insert(table.info.relation);
    for (const PurgeTarget &target : table.targets) {
        touched.insert(target.relation);
    }
    erasure::reset_statistics(spi, touched);
}

} // namespace softdelete::purge
