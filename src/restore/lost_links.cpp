// The archive's row is changed before it moves, as the table's owner, as whom the server runs the actions of keys, too. Called
// by restore/archived_tree and restore/archived_rows.
#include "restore/lost_links.hpp"

#include "pg/scopes.hpp"
#include "restore/archived_rows.hpp"
#include "rows/follow_links.hpp"
#include "session/own_statement.hpp"
#include "sqltext/format.hpp"

namespace softdelete::restore {

namespace {

using catalog::ForeignKey;
using catalog::TableInfo;

void tell_ended(const ForeignKey &key, std::size_t rows) {
    const sqltext::Pattern form =
        rows == 1
            ? sqltext::Pattern("%1% row of table %2% comes back without its link by \"%3%\": the row of "
                               "table %4% that it leads to was removed")
            : sqltext::Pattern("%1% rows of table %2% come back without their links by \"%3%\": the rows "
                               "of table %4% that they lead to were removed");
    pg::notice(sqltext::format(form, rows, key.child.title, key.name, key.parent.title));
}

// Returns where the rows are then.
rows::RowSet end_links(pg::Spi &spi, const TableInfo &table, const ForeignKey &key,
                       const rows::RowSet &lost) {
    std::string statement =
        sqltext::format("/* softdelete */ UPDATE %1% AS a SET %2% WHERE %3% RETURNING a.tableoid, a.ctid",
                        table.archive->name, catalog::make_ended_link(spi, key),
                        rows::make_membership(catalog::get_archive(table), "a", 1));
    rows::RowSet changed;
    pg::OwnerScope owner(table.owner);
    session::OwnStatement own(statement, {.runs_as_called = true});
    for (const pg::Row &row : spi.query(statement, {lost.tables(), lost.positions()})) {
        changed.add(rows::read_row_id(row));
    }
    return changed;
}

void remove_all(rows::RowSet *rows, const std::vector<rows::RowLink> &links) {
    for (const rows::RowLink &link : links) {
        rows->remove(link.child);
    }
}

} // namespace

rows::RowSet find_linked(pg::Spi &spi, const TableInfo &table, const ForeignKey &key,
                         const rows::RowSet &rows) {
    rows::RowSet linked;
    if (rows.empty()) {
        return linked;
    }
    const TableInfo archive = rows::narrow_to_partition(catalog::get_archive(table), rows);
    std::string query =
        sqltext::format("/* softdelete */ SELECT c.tableoid, c.ctid FROM %1% AS c WHERE %2%%3%", archive.name,
                        rows::make_membership(archive, "c", 1), make_linked(key.child_link.names));
    pg::OwnerScope owner(table.owner);
    for (const pg::Row &row : spi.query(query, {rows.tables(), rows.positions()})) {
        linked.add(rows::read_row_id(row));
    }
    return linked;
}

rows::RowSet find_lost_links(pg::Spi &spi, const ForeignKey &key, const rows::RowSet &rows) {
    rows::RowSet lost = find_linked(spi, key.child, key, rows);
    if (!lost.empty()) {
        remove_all(&lost, rows::find_parents(spi, catalog::of_archived_children(key), lost));
    }
    if (!lost.empty() && key.parent.archive) {
        remove_all(&lost, rows::find_parents(spi, catalog::between_archives(key), lost));
    }
    return lost;
}

void end_lost_links(pg::Spi &spi, const TableInfo &table, const std::vector<ForeignKey> &own,
                    rows::RowSet *rows) {
    for (const ForeignKey &key : own) {
        if (catalog::binds(key.on_delete) || rows->empty()) {
            continue;
        }
        const rows::RowSet lost = find_lost_links(spi, key, *rows);
        if (lost.empty()) {
            continue;
        }
        for (const rows::RowId &row : lost.ids()) {
            rows->remove(row);
        }
        rows->add_all(end_links(spi, table, key, lost));
        tell_ended(key, lost.size());
    }
}

} // namespace softdelete::restore
