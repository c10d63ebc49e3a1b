// Plans a run: the registered tables that the caller may purge, in the order of model/purge_order, and reads
// each once more when its turn comes. Called by purge(), its preview and schedule(); check() asks about one table. Physical tables are
// purge/purge_parts'.
#include "purge/purge_tables.hpp"

#include "erasure/reset_statistics.hpp"
#include "history/overwrite_entries.hpp"
#include "purge/purge_archive.hpp"
#include "purge/purge_history.hpp"

#include "catalog/linked_tables.hpp"
#include "pg/compat.hpp"
#include "pg/interruptions.hpp"
#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "pg/transactions.hpp"
#include "purge/purge_parts.hpp"
#include "registry/registered_names.hpp"
#include "session/distributed_tables.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "miscadmin.h"
}

#include <algorithm>

namespace softdelete::purge {

namespace {

using catalog::ForeignKey;
using catalog::OnDelete;
using catalog::TableInfo;

constexpr const char *owned_query = R"(
    SELECT r.relation::pg_catalog.oid, c.relname
    FROM softdelete_internal.registration r
    JOIN pg_catalog.pg_class c ON c.oid = r.relation
    WHERE r.retention IS NOT NULL AND r.strategy = 'flag' AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
    ORDER BY r.registered_at, r.relation)";

// By a key of its own to itself, or to a table whose rows may go natively with its rows.
bool may_move(pg::Spi &spi, const TableInfo &table) {
    std::vector<ForeignKey> keys = catalog::find_own_keys(spi, table.relation);
    return std::any_of(keys.begin(), keys.end(), [&](const ForeignKey &key) {
        return !catalog::binds(key.on_delete)
               && (key.parent.relation == table.relation || !key.parent.is_registered);
    });
}

PurgeTable make_table(pg::Spi &spi, const TableInfo &info) {
    const pg::Rows registration =
        spi.query_kept("SELECT on_expiry = 'anonymize' FROM softdelete_internal.registration WHERE relation "
                       "= $1::pg_catalog.oid",
                       {info.relation});
    return {info,
            {},
            find_all_blockers(spi, info),
            !registration.empty() && registration.front().boolean(0),
            may_move(spi, info)};
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
        const std::vector<Blocker> blockers = tables[i].blockers; // the list of tables grows
        for (const Blocker &blocker : blockers) {
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
        for (const Blocker &blocker : tables[parent].blockers) {
            Oid child_relation = blocker.child().relation;
            Oid relation = registry::find_registered_root(spi, child_relation).value_or(child_relation);
            for (std::size_t child = 0; child < tables.size(); child++) {
                if (tables[child].info.relation == relation) {
                    references.emplace_back(child, parent);
                }
            }
        }
    }
    return model::order_for_purge(tables.size(), references);
}

// One that cannot be read, as beside a command that alters it, has its turn nevertheless, and an error then is its own.
PurgeTable plan_table(pg::Spi &spi, Oid relation, const std::string &name) {
    try {
        pg::Subtransaction savepoint;
        PurgeTable table = make_table(spi, catalog::get_table(spi, relation));
        savepoint.commit();
        return table;
    } catch (const pg::ServerError &error) {
        if (pg::is_interruption(error)) {
            throw;
        }
        TableInfo unread = {};
        unread.relation = relation;
        unread.name = pg::quote_identifier(name);
        unread.title = "\"" + name + "\"";
        return {unread, {}, {}, false, false};
    }
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
    PurgeTable table = make_table(spi, catalog::get_registered_table(spi, relation));
    find_parts(spi, &table);
    return table;
}

bool read_again(pg::Spi &spi, PurgeTable *table) {
    const Oid relation = table->info.relation;
    table->targets.clear();
    table->blockers.clear();
    if (!pg::lock_if_there(relation, pg::Lock::access_share) || !pg::owns_relation(relation)) {
        return false;
    }
    const TableInfo now = catalog::get_table(spi, relation);
    if (!now.is_registered || registry::find_registered_root(spi, relation) != relation) {
        return false;
    }
    catalog::lock_linked_tables(spi, relation);
    *table = make_table(spi, now);
    find_parts(spi, table);
    return true;
}

PurgePlan plan_purge(pg::Spi &spi, std::optional<Oid> relation) {
    PurgePlan plan;
    if (names_archive(spi, relation) || names_history_alone(spi, relation)) {
        return plan;
    }
    if (relation) {
        pg::call([&] { session::refuse_distributed(*relation); });
        TableInfo table = catalog::get_registered_table(spi, *relation);
        check_owner(table);
        check_is_whole(spi, table);
        plan.tables.push_back(make_table(spi, table));
        add_below(spi, plan.tables);
    } else {
        for (const pg::Row &row : spi.query(owned_query)) {
            const Oid owned = row.oid(0);
            if (!pg::call([&] { return session::is_distributed(owned); })) {
                plan.tables.push_back(plan_table(spi, owned, row.text(1)));
            }
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
