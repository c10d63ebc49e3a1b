// What undo() does in archives: rows of a whole deletion need no collecting; restore/archived_tree collects those of one row.
// restore/move_back has the statement.
#include "restore/archived_rows.hpp"

#include "deletion/deletion_tables.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "restore/lost_links.hpp"
#include "restore/move_back.hpp"
#include "restore/restore_errors.hpp"
#include "rows/follow_links.hpp"
#include "rows/key_statement.hpp"
#include "rows/table_order.hpp"
#include "sqltext/format.hpp"

#include <algorithm>
#include <map>

namespace softdelete::restore {

using catalog::ForeignKey;
using catalog::TableInfo;

namespace {

rows::RowSet find_taken(pg::Spi &spi, const TableInfo &table, std::int64_t deletion) {
    rows::RowSet found;
    std::vector<pg::Parameter> parameters;
    const std::string taken =
        deletion::ArchivedCondition(spi, table, deletion).with_parameters("a", &parameters);
    for (const pg::Row &row : rows::read_as_owner(
             spi, table,
             sqltext::format("/* softdelete */ SELECT a.tableoid, a.ctid FROM %1% AS a WHERE %2%",
                             table.archive->name, taken),
             parameters)) {
        found.add(rows::read_row_id(row));
    }
    return found;
}

// The INSERT asks for parents. By keys that are checked at the end of the transaction that would be too late to say what was
// restored.
void check_deferred_parents(pg::Spi &spi, const TableInfo &table, const std::vector<ForeignKey> &keys,
                            std::int64_t deletion) {
    for (const ForeignKey &key : keys) {
        if (!key.is_deferrable || !catalog::binds(key.on_delete) || !key.parent.is_registered) {
            continue;
        }
        const ForeignKey archived = catalog::of_archived_children(key);
        const rows::RowSet taken = find_taken(spi, table, deletion);
        std::vector<rows::RowLink> blocked = rows::find_parents(
            spi, archived, taken, sqltext::format(" AND p.%1% IS NOT NULL LIMIT 1", key.parent.deleted_at));
        if (!blocked.empty()) {
            raise_parent_deleted(key, rows::read_link(spi, archived, blocked.front().child), std::nullopt);
        }
    }
}

// The deletion's rows in these archives, which go back by one statement.
deletion::RestoredRows move_taken(pg::Spi &spi, const std::vector<const TableInfo *> &tables,
                                  std::int64_t deletion, RestoreAs role, bool is_circle_cut) {
    std::vector<ArchivePart> parts;
    std::vector<pg::Parameter> parameters;
    for (const TableInfo *table : tables) {
        const deletion::ArchivedCondition rows(spi, *table, deletion);
        parts.push_back({table, table->archive->name, rows.with_parameters("a", &parameters)});
    }
    return move_back(spi, parts, role, deletion, is_circle_cut, parameters);
}

void end_lost_links_of(pg::Spi &spi, const TableInfo &table, const std::vector<ForeignKey> &keys,
                       std::int64_t deletion) {
    bool keeps_links = std::any_of(keys.begin(), keys.end(),
                                   [](const ForeignKey &key) { return !catalog::binds(key.on_delete); });
    if (keeps_links) {
        rows::RowSet taken = find_taken(spi, table, deletion);
        end_lost_links(spi, table, keys, &taken);
    }
}

} // namespace

deletion::RestoredRows undo_archived_rows(pg::Spi &spi, const std::vector<TableInfo> &tables,
                                          std::int64_t deletion, const std::set<Oid> &cascaded) {
    std::map<Oid, std::vector<ForeignKey>> keys;
    for (const TableInfo &table : tables) {
        keys[table.relation] = catalog::find_own_keys(spi, table.relation);
    }
    deletion::RestoredRows restored;
    for (const rows::TableGroup &group : rows::order_tables(keys)) {
        std::vector<const TableInfo *> members;
        RestoreAs role = RestoreAs::owner;
        for (const TableInfo &table : tables) {
            if (std::find(group.tables.begin(), group.tables.end(), table.relation) == group.tables.end()) {
                continue;
            }
            members.push_back(&table);
            role = cascaded.contains(table.relation) ? role : RestoreAs::caller;
            check_deferred_parents(spi, table, keys.at(table.relation), deletion);
            end_lost_links_of(spi, table, keys.at(table.relation), deletion);
        }
        restored.merge(move_taken(spi, members, deletion, role, group.is_circle_cut));
    }
    return restored;
}

bool lies_below_deletion(pg::Spi &spi, const TableInfo &table, std::int64_t deletion) {
    rows::RowSet others = find_taken(spi, table, deletion);
    const rows::RowSet taken = others;
    for (const ForeignKey &key : catalog::find_own_keys(spi, table.relation)) {
        if (key.on_delete != catalog::OnDelete::cascade
            || !(key.parent.is_registered || key.parent.archive)) {
            continue;
        }
        auto remove_linked = [&](const ForeignKey &archived, const std::string &deleted) {
            for (const rows::RowLink &link :
                 rows::find_parents(spi, archived, taken,
                                    sqltext::format("%1% AND p.deletion_id = %2%", deleted, deletion))) {
                others.remove(link.child);
            }
        };
        if (key.parent.archive) {
            remove_linked(catalog::between_archives(key), "");
        }
        if (key.parent.is_registered) {
            remove_linked(catalog::of_archived_children(key),
                          sqltext::format(" AND p.%1% IS NOT NULL", key.parent.deleted_at));
        }
    }
    return others.empty();
}

void check_not_restricted(const std::vector<TableInfo> &tables, const std::set<Oid> &cascaded) {
    for (const TableInfo &table : tables) {
        bool is_restricted = !cascaded.contains(table.relation) && pg::is_row_security_active(table.relation);
        if (is_restricted) {
            pg::raise({.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
                       .message = sqltext::format("cannot restore rows of table %1% under row-level security",
                                                  table.title),
                       .detail = "The policies of the table say nothing of rows in its archive.",
                       .hint = pg::is_row_security_forced(table.relation)
                                   ? sqltext::format("Restore as a role with BYPASSRLS, or run ALTER TABLE "
                                                     "%1% NO FORCE ROW LEVEL SECURITY and restore as the "
                                                     "table's owner.",
                                                     table.name)
                                   : "Restore as the table's owner, or as a role with BYPASSRLS.",
                       .relation = table.relation});
        }
    }
}

std::string make_linked(const std::vector<std::string> &columns) {
    std::string condition;
    for (const std::string &column : columns) {
        condition += sqltext::format(" AND c.%1% IS DISTINCT FROM NULL", column);
    }
    return condition;
}

} // namespace softdelete::restore
