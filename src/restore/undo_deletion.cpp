// undo(): one UPDATE per table by the deletion's id, without collecting rows. Called by api/deletions.
#include "restore/undo_deletion.hpp"
#include "sqltext/format.hpp"

#include "deletion/deletion_tables.hpp"
#include "deletion/restored_deletions.hpp"
#include "restore/archived_rows.hpp"
#include "restore/restore_errors.hpp"
#include "restore/restore_order.hpp"
#include "restore/restore_privileges.hpp"
#include "restore/restore_statement.hpp"
#include "restore/rows_below.hpp"
#include "rows/follow_links.hpp"
#include "rows/key_statement.hpp"

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

// SQL: the links of the deletion's children less the keys of its parents. A set operation takes linear time, whatever
// the statistics say.
std::string make_other_parents(const ForeignKey &key) {
    std::string linked;
    for (const std::string &column : key.child_link.names) {
        linked += " AND c." + column + " IS DISTINCT FROM NULL";
    }
    return sqltext::format(
        "FROM (SELECT %1% FROM %2% AS c WHERE c.deletion_id = $1::pg_catalog.int8 AND c.%3% IS "
        "NOT NULL%4% EXCEPT SELECT %5% FROM %6% AS p WHERE p.deletion_id = "
        "$1::pg_catalog.int8 AND p.%7% IS NOT NULL) AS other",
        key.child_columns, key.child.key_rows(), key.child.deleted_at, linked,
        sqltext::join(key.parent_link.names, ", "), key.parent.key_rows(), key.parent.deleted_at);
}

// Does a row of the deletion have a parent that did not go with it? Mostly none has, which leaves nothing to check.
bool has_other_parents(pg::Spi &spi, const ForeignKey &key, std::int64_t deletion) {
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

void check_joined_parents(pg::Spi &spi, const ForeignKey &key, std::int64_t deletion) {
    if (!has_other_parents(spi, key, deletion)) {
        return;
    }
    lock_live_parents(spi, key, deletion);
    std::string deleted = sqltext::format(" AND p.%1% IS NOT NULL LIMIT 1", key.parent.deleted_at);
    std::string query = sqltext::format("/* softdelete */ SELECT pg_catalog.concat_ws(', ', %1%) %2%",
                                        key.child_values, make_children(key, deleted.c_str()));
    std::vector<pg::Row> blocked = rows::read_key(spi, key, query, {deletion});
    if (!blocked.empty()) {
        raise_parent_deleted(key, blocked.front().text(0), std::nullopt);
    }
}

void check_others_parents(pg::Spi &spi, const ForeignKey &key, std::int64_t deletion) {
    rows::RowSet children = find_rows_of(spi, key.child, deletion);
    (void)rows::find_parents(spi, key, children,
                             sqltext::format(" AND p.%1% IS NULL FOR KEY SHARE OF p", key.parent.deleted_at));
    std::vector<rows::RowLink> blocked = rows::find_parents(
        spi, key, children,
        sqltext::format(" AND p.%1% IS NOT NULL AND p.deletion_id IS DISTINCT FROM %2% LIMIT 1",
                        key.parent.deleted_at, deletion));
    if (!blocked.empty()) {
        raise_parent_deleted(key, rows::read_link(spi, key, blocked.front().child), std::nullopt);
    }
}

// Refuses where a parent is deleted and does not come back as well; locks the parents that are live.
void check_parents(pg::Spi &spi, const TableInfo &table, std::int64_t deletion) {
    for (Oid heir : catalog::find_heirs(spi, table.relation)) {
        for (const ForeignKey &key : catalog::find_own_keys(spi, heir)) {
            if (catalog::binds_restored(key)) {
                catalog::has_one_owner(key) ? check_joined_parents(spi, key, deletion)
                                            : check_others_parents(spi, key, deletion);
            }
        }
    }
}

// A trigger of one table may write to another.
bool may_keep_rows(const std::vector<TableInfo> &tables) {
    return pg::call([&] {
        return std::any_of(tables.begin(), tables.end(),
                           [](const TableInfo &table) { return restore::may_keep_rows(table.relation); });
    });
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

std::uint64_t update_in_order(pg::Spi &spi, const std::vector<TableInfo> &tables, std::int64_t deletion,
                              const Rights &rights) {
    RestoreOrder order(spi);
    for (std::size_t i = 0; i < tables.size(); i++) {
        order.add_all(i, i, tables[i], deletion);
    }
    std::uint64_t restored = 0;
    for (const RestorePart &part : order.make_parts()) {
        const TableInfo &table = tables[part.table];
        restored += rights.is_split(table) ? update_split(spi, table, deletion, rights.below, part.rows)
                                           : update_rows(spi, table, rights.get_role(table),
                                                         std::to_string(deletion), part.rows);
    }
    return restored;
}

rows::RowSet find_all_rows_of(pg::Spi &spi, const TableInfo &table, std::int64_t deletion) {
    rows::RowSet rows;
    for (Oid heir : catalog::find_heirs(spi, table.relation)) {
        rows.add_all(find_rows_of(spi, catalog::get_table(spi, heir), deletion));
    }
    return rows;
}

std::uint64_t update_at_once(pg::Spi &spi, const std::vector<TableInfo> &tables, std::int64_t deletion,
                             const Rights &rights) {
    std::uint64_t restored = 0;
    for (const TableInfo &table : tables) {
        restored += rights.is_split(table) ? update_split(spi, table, deletion, rights.below,
                                                          find_all_rows_of(spi, table, deletion))
                                           : update(spi, table, deletion, rights.get_role(table));
    }
    return restored;
}

std::uint64_t update_all(pg::Spi &spi, const std::vector<TableInfo> &tables, std::int64_t deletion,
                         const CascadedTables &cascaded) {
    ComingBackScope coming_back(deletion, nullptr);
    const Rights rights = find_rights(spi, tables, deletion, cascaded);
    std::uint64_t restored = is_order_seen(tables) ? update_in_order(spi, tables, deletion, rights)
                                                   : update_at_once(spi, tables, deletion, rights);
    if (may_keep_rows(tables)) {
        for (const TableInfo &table : tables) {
            if (deletion::holds_rows(spi, table, deletion)) {
                raise_not_all_restored(table);
            }
        }
    }
    if (restored > 0) {
        deletion::mark_restored(deletion);
    }
    return restored;
}

void check_others_rows(pg::Spi &spi, const std::vector<TableInfo> &tables, std::int64_t deletion,
                       const CascadedTables &cascaded) {
    std::vector<TableInfo> others;
    std::copy_if(tables.begin(), tables.end(), std::back_inserter(others),
                 [&](const TableInfo &table) { return cascaded.others.contains(table.relation); });
    check_only_below(spi, others, deletion);
}

// Whatever else the caller may do to them himself.
std::set<Oid> find_archives_of_cascade(pg::Spi &spi, const std::vector<TableInfo> &archived,
                                       std::int64_t deletion, const CascadedTables &cascaded) {
    std::set<Oid> found = cascaded.whole;
    for (const TableInfo &table : archived) {
        if (cascaded.in_part.contains(table.relation) && lies_below_deletion(spi, table, deletion)) {
            found.insert(table.relation);
        }
    }
    return found;
}

} // namespace

std::uint64_t undo_deletion(std::int64_t deletion) {
    pg::Spi spi;
    std::vector<TableInfo> tables =
        deletion::get_deletion_tables(spi, deletion, deletion::DeletionLock::for_update);
    const std::vector<TableInfo> archived = deletion::get_archived_tables(spi, deletion);
    std::vector<TableInfo> all = tables;
    all.insert(all.end(), archived.begin(), archived.end());
    const CascadedTables cascaded = find_cascaded_tables(spi, all);
    check_may_update(spi, all, cascaded.whole);
    check_others_rows(spi, all, deletion, cascaded);
    const std::set<Oid> cascaded_archives = find_archives_of_cascade(spi, archived, deletion, cascaded);
    check_not_restricted(spi, archived, cascaded_archives);
    for (const TableInfo &table : tables) {
        check_parents(spi, table, deletion);
    }
    // No row whose deletion is marked references an archived one.
    std::uint64_t restored = update_all(spi, tables, deletion, cascaded);
    std::uint64_t moved = undo_archived_rows(spi, archived, deletion, cascaded_archives);
    if (moved > 0) {
        deletion::mark_restored(deletion);
    }
    restored += moved;
    // Triggers may have restored rows of other deletions.
    pg::call([] { deletion::finish_restored_deletions(true); });
    if (restored == 0) {
        pg::notice("the deletion has no rows left: they were restored or removed");
    }
    return restored;
}

} // namespace softdelete::restore
