// undo(): one UPDATE per table by the deletion's id, without collecting rows; of several deletions, one after the other.
// Which these are is left to find_deletions. Called by api/deletions.
#include "restore/undo_deletion.hpp"
#include "sqltext/format.hpp"

#include "deletion/deletion_tables.hpp"
#include "deletion/restored_deletions.hpp"
#include "pg/scopes.hpp"
#include "registry/place_lock.hpp"
#include "restore/archived_rows.hpp"
#include "restore/restore_errors.hpp"
#include "restore/restore_order.hpp"
#include "restore/restore_privileges.hpp"
#include "restore/restore_statement.hpp"
#include "restore/rows_below.hpp"
#include "restore/undo_on_shards.hpp"
#include "restore/undo_rights.hpp"
#include "rows/follow_links.hpp"
#include "rows/key_statement.hpp"

extern "C" {
#include "access/xact.h"
}

#include <algorithm>
#include <optional>
#include <set>

namespace softdelete::restore {

namespace {

using catalog::ForeignKey;
using catalog::TableInfo;

// SQL: the deletion's rows below a parent as `condition` says, joined as "c" and "p".
std::string make_children(const ForeignKey &key, const char *condition) {
    return sqltext::format(
        "FROM %1% AS c %2% WHERE c.deletion_id = $1::pg_catalog.int8 AND c.%3% IS NOT NULL AND "
        "p.deletion_id IS DISTINCT FROM $1::pg_catalog.int8%4%",
        key.child.key_rows(), catalog::join_parent(key), key.child.deleted_at, condition);
}

// SQL: does the child, under the alias "c", reference anything?
std::string make_linked(const ForeignKey &key) {
    std::string linked;
    for (const std::string &column : key.child_link.names) {
        linked += " AND c." + column + " IS DISTINCT FROM NULL";
    }
    return linked;
}

// SQL: the links of the deletion's children less the keys of its parents. A set operation takes linear time, whatever
// the statistics say.
std::string make_other_parents(const ForeignKey &key) {
    return sqltext::format(
        "FROM (SELECT %1% FROM %2% AS c WHERE c.deletion_id = $1::pg_catalog.int8 AND c.%3% IS "
        "NOT NULL%4% EXCEPT SELECT %5% FROM %6% AS p WHERE p.deletion_id = "
        "$1::pg_catalog.int8 AND p.%7% IS NOT NULL) AS other",
        key.child_columns, key.child.key_rows(), key.child.deleted_at, make_linked(key),
        sqltext::join(key.parent_link.names, ", "), key.parent.key_rows(), key.parent.deleted_at);
}

// Do all children have a parent that went with them, of so few children that the plan is kept? True is sure, and false is
// not: of more rows than the limits some are not looked at. Asked by num_nonnulls(), so that the planner does not read the
// index of all that is deleted as well.
bool have_their_parents(pg::Spi &spi, const ForeignKey &key, std::int64_t deletion) {
    constexpr sqltext::Pattern pattern(
        "/* softdelete */ WITH c AS MATERIALIZED (SELECT %1% FROM %2% AS c WHERE "
        "softdelete.include_deleted(c.%3%) AND c.deletion_id = $1::pg_catalog.int8 AND "
        "pg_catalog.num_nonnulls(c.%3%) = 1%4% LIMIT 1001), p AS (SELECT %5% FROM %6% AS p WHERE "
        "softdelete.include_deleted(p.%7%) AND p.deletion_id = $1::pg_catalog.int8 AND "
        "pg_catalog.num_nonnulls(p.%7%) = 1 LIMIT 1000) "
        "SELECT WHERE (SELECT pg_catalog.count(*) FROM c) <= 1000 AND NOT EXISTS (TABLE c EXCEPT TABLE p)");
    const std::string parents = sqltext::join(key.parent_link.names, ", ");
    return !rows::read_key(spi, key,
                           sqltext::format(pattern, key.child_columns, key.child.key_rows(),
                                           key.child.deleted_at, make_linked(key), parents,
                                           key.parent.key_rows(), key.parent.deleted_at),
                           {deletion}, rows::Plan::session)
                .empty();
}

// Does a row of the deletion have a parent that did not go with it? Mostly none has, which leaves nothing to check.
bool has_other_parents(pg::Spi &spi, const ForeignKey &key, std::int64_t deletion) {
    if (key.compares_as_sets_do && have_their_parents(spi, key, deletion)) {
        return false;
    }
    std::string rows = key.compares_as_sets_do ? make_other_parents(key) : make_children(key, "");
    return !rows::read_key(spi, key, "/* softdelete */ SELECT 1 " + rows + " LIMIT 1", {deletion}).empty();
}

void lock_live_parents(pg::Spi &spi, const ForeignKey &key, std::int64_t deletion) {
    std::string lock = sqltext::format(
        "/* softdelete */ SELECT FROM %1% AS p WHERE p.%2% IS NULL AND EXISTS (SELECT FROM "
        "%3% AS c WHERE c.deletion_id = $1::pg_catalog.int8 AND c.%4% IS NOT NULL AND %5%) "
        "FOR KEY SHARE OF p",
        key.parent.key_rows(), key.parent.deleted_at, key.child.key_rows(), key.child.deleted_at, key.link);
    rows::execute_key(spi, key, lock, {deletion});
}

// The deletions that come back by one command.
using Undone = std::set<std::int64_t>;

// SQL: is the row under the alias "p" deleted, by none of them?
std::string make_stays_deleted(const ForeignKey &key, const Undone &undone) {
    return sqltext::format(" AND p.%1% IS NOT NULL AND (p.deletion_id = ANY (%2%)) IS NOT TRUE LIMIT 1",
                           key.parent.deleted_at, list_ids({undone.begin(), undone.end()}));
}

void check_joined_parents(pg::Spi &spi, const ForeignKey &key, std::int64_t deletion, const Undone &undone) {
    if (!has_other_parents(spi, key, deletion)) {
        return;
    }
    lock_live_parents(spi, key, deletion);
    std::string deleted = make_stays_deleted(key, undone);
    std::string query = sqltext::format("/* softdelete */ SELECT pg_catalog.concat_ws(', ', %1%) %2%",
                                        key.child_values, make_children(key, deleted.c_str()));
    std::vector<pg::Row> blocked = rows::read_key(spi, key, query, {deletion});
    if (!blocked.empty()) {
        raise_parent_deleted(key, blocked.front().text(0), std::nullopt);
    }
}

void check_others_parents(pg::Spi &spi, const ForeignKey &key, std::int64_t deletion, const Undone &undone) {
    rows::RowSet children = find_rows_of(spi, key.child, deletion);
    (void)rows::find_parents(spi, key, children,
                             sqltext::format(" AND p.%1% IS NULL FOR KEY SHARE OF p", key.parent.deleted_at));
    std::vector<rows::RowLink> blocked =
        rows::find_parents(spi, key, children, make_stays_deleted(key, undone));
    if (!blocked.empty()) {
        raise_parent_deleted(key, rows::read_link(spi, key, blocked.front().child), std::nullopt);
    }
}

// Refuses where a parent is deleted and does not come back as well; locks the parents that are live.
void check_parents(pg::Spi &spi, const TableInfo &table, std::int64_t deletion, const Undone &undone) {
    for (Oid heir : catalog::find_heirs(spi, table.relation)) {
        for (const ForeignKey &key : catalog::find_own_keys(spi, heir)) {
            if (catalog::binds_restored(key)) {
                catalog::has_one_owner(key) ? check_joined_parents(spi, key, deletion, undone)
                                            : check_others_parents(spi, key, deletion, undone);
            }
        }
    }
}

std::uint64_t update(pg::Spi &spi, const TableInfo &table, std::int64_t deletion, RestoreAs role) {
    std::string statement =
        sqltext::format("/* softdelete */ UPDATE %1% AS t SET %2% = NULL WHERE t.deletion_id "
                        "OPERATOR(pg_catalog.=) $1::pg_catalog.int8",
                        table.name, table.deleted_at);
    return execute_restore(spi, table, role, std::to_string(deletion), statement, {deletion});
}

// Whose rights which rows come back with.
struct Rights {
    const CascadedTables &tables;
    rows::RowSet below; // of the tables that are cascaded in part

    RestoreAs get_role(const TableInfo &table) const {
        return tables.whole.contains(table.relation) ? RestoreAs::owner : RestoreAs::caller;
    }

    bool is_split(const TableInfo &table) const { return tables.in_part.contains(table.relation); }
};

Rights find_rights(pg::Spi &spi, const std::vector<TableInfo> &tables, std::int64_t deletion,
                   const CascadedTables &cascaded) {
    std::vector<TableInfo> split;
    std::copy_if(tables.begin(), tables.end(), std::back_inserter(split),
                 [&](const TableInfo &table) { return cascaded.in_part.contains(table.relation); });
    return {cascaded, split.empty() ? rows::RowSet() : find_rows_below(spi, split, deletion)};
}

// What the cascade took as the owner, the rest as the caller.
std::uint64_t update_split(pg::Spi &spi, const TableInfo &table, std::int64_t deletion,
                           const rows::RowSet &below, const rows::RowSet &rows) {
    rows::RowSet cascaded;
    rows::RowSet others;
    for (const rows::RowId &row : rows.ids()) {
        (below.contains(row) ? cascaded : others).add(row);
    }
    const std::string id = std::to_string(deletion);
    std::uint64_t restored = 0;
    if (!cascaded.empty()) {
        restored += update_rows(spi, table, RestoreAs::owner, id, cascaded);
    }
    if (!others.empty()) {
        restored += update_rows(spi, table, RestoreAs::caller, id, others);
    }
    return restored;
}

void update_in_order(pg::Spi &spi, const std::vector<TableInfo> &tables, std::int64_t deletion,
                     const Rights &rights, deletion::RestoredRows *restored) {
    RestoreOrder order(spi);
    for (std::size_t i = 0; i < tables.size(); i++) {
        order.add_all(i, i, tables[i], deletion);
    }
    for (const RestorePart &part : order.make_parts()) {
        const TableInfo &table = tables[part.table];
        (*restored)[table.relation] +=
            rights.is_split(table)
                ? update_split(spi, table, deletion, rights.below, part.rows)
                : update_rows(spi, table, rights.get_role(table), std::to_string(deletion), part.rows);
    }
}

rows::RowSet find_all_rows_of(pg::Spi &spi, const TableInfo &table, std::int64_t deletion) {
    rows::RowSet rows;
    for (Oid heir : catalog::find_heirs(spi, table.relation)) {
        rows.add_all(find_rows_of(spi, catalog::get_table(spi, heir), deletion));
    }
    return rows;
}

void update_at_once(pg::Spi &spi, const std::vector<TableInfo> &tables, std::int64_t deletion,
                    const Rights &rights, deletion::RestoredRows *restored) {
    for (const TableInfo &table : tables) {
        (*restored)[table.relation] +=
            rights.is_split(table)
                ? update_split(spi, table, deletion, rights.below, find_all_rows_of(spi, table, deletion))
                : update(spi, table, deletion, rights.get_role(table));
    }
}

// Tells the log as well; how many rows.
std::uint64_t mark_restored(std::int64_t deletion, const deletion::RestoredRows &restored) {
    const std::uint64_t count = deletion::count_rows(restored);
    if (count > 0) {
        deletion::mark_restored(deletion, restored);
    }
    return count;
}

std::uint64_t update_all(pg::Spi &spi, const std::vector<TableInfo> &tables, std::int64_t deletion,
                         const CascadedTables &cascaded) {
    const Rights rights = find_rights(spi, tables, deletion, cascaded);
    deletion::RestoredRows restored;
    is_order_seen(tables) ? update_in_order(spi, tables, deletion, rights, &restored)
                          : update_at_once(spi, tables, deletion, rights, &restored);
    if (may_keep_rows_of(tables)) {
        for (const TableInfo &table : tables) {
            if (deletion::holds_rows(spi, table, deletion)) {
                raise_not_all_restored(table);
            }
        }
    }
    return mark_restored(deletion, restored);
}

// In a transaction that has one snapshot: rows of the deletion that it shows and that somebody has changed since are a
// serialization failure, as they are for restore(). As the UPDATE locks them that marks them: who references them need not wait.
void lock_known_rows(pg::Spi &spi, const UndoRights &rights, std::int64_t deletion) {
    if (!IsolationUsesXactSnapshot()) {
        return;
    }
    constexpr sqltext::Pattern lock("/* softdelete */ SELECT FROM %1% AS t WHERE %2% FOR NO KEY UPDATE");
    for (const TableInfo &table : rights.tables) {
        pg::OwnerScope owner(table.owner);
        spi.execute(
            sqltext::format(lock, table.name,
                            sqltext::format("t.deletion_id = $1::pg_catalog.int8 AND t.%1% IS NOT NULL",
                                            table.deleted_at)),
            {deletion});
    }
    for (const TableInfo &table : rights.archived) {
        std::vector<pg::Parameter> parameters;
        const std::string rows =
            deletion::ArchivedCondition(spi, table, deletion).with_parameters("t", &parameters);
        pg::OwnerScope owner(table.owner);
        spi.execute(sqltext::format(lock, table.archive->name, rows), parameters);
    }
}

// One of them. Those that come back before it have done so.
std::uint64_t undo(pg::Spi &spi, std::int64_t deletion, const Undone &undone) {
    const UndoRights rights = get_undo_rights(spi, deletion, deletion::DeletionLock::for_update);
    lock_known_rows(spi, rights, deletion);
    for (const TableInfo &table : rights.tables) {
        check_parents(spi, table, deletion, undone);
    }
    const std::uint64_t distributed =
        mark_restored(deletion, undo_on_shards(spi, rights.distributed, deletion));
    // No row whose deletion is marked references an archived one.
    const std::uint64_t restored = update_all(spi, rights.tables, deletion, rights.cascaded);
    return restored + distributed
           + mark_restored(deletion,
                           undo_archived_rows(spi, rights.archived, deletion, rights.cascaded_archives));
}

} // namespace

std::uint64_t undo_deletion(std::int64_t deletion) {
    pg::Spi spi;
    pg::call([] { registry::keep_rows_in_place(); });
    const Undone undone = {deletion};
    std::uint64_t restored = 0;
    {
        ComingBackScope coming_back(&undone);
        restored = undo(spi, deletion, undone);
    }
    // Triggers may have restored rows of other deletions.
    pg::call([] { deletion::finish_restored_deletions(true); });
    if (restored == 0) {
        pg::notice("the deletion has no rows left: they were restored or removed");
    }
    return restored;
}

std::uint64_t undo_deletions(const DeletionTraits &traits) {
    pg::Spi spi;
    pg::call([] { registry::keep_rows_in_place(); });
    const std::vector<std::int64_t> deletions =
        find_deletions(spi, traits, deletion::DeletionLock::for_update);
    const Undone undone(deletions.begin(), deletions.end());
    std::uint64_t restored = 0;
    {
        ComingBackScope coming_back(&undone);
        for (std::int64_t deletion : deletions) {
            restored += undo(spi, deletion, undone);
        }
    }
    pg::call([] { deletion::finish_restored_deletions(true); });
    if (deletions.empty()) {
        pg::notice("no deletion has these traits and rows left",
                   "SELECT * FROM softdelete.deletions lists the deletions.");
    }
    return restored;
}

} // namespace softdelete::restore
