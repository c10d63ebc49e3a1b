// restore() of a row in an archive: finds the newest with the key, and leaves the rest to restore/archived_tree. Called by
// restore_tree.cpp.
#include "restore/archived_rows.hpp"

#include "deletion/restored_deletions.hpp"
#include "pg/scopes.hpp"
#include "restore/archived_tree.hpp"
#include "restore/restore_errors.hpp"
#include "restore/restore_privileges.hpp"
#include "rows/named_row.hpp"
#include "sqltext/format.hpp"

namespace softdelete::restore {

namespace {

using catalog::TableInfo;

struct ArchivedRow {
    rows::RowId place;
    std::int64_t deletion; // 0: it was archived before the table was registered
};

bool lock_row(pg::Spi &spi, const TableInfo &archive, const rows::RowId &row) {
    return !spi.query(sqltext::format("/* softdelete */ SELECT FROM %1% AS a WHERE %2% FOR UPDATE",
                                      archive.name, rows::make_identity(archive, "a", 1)),
                      {row.table_parameter(), row.position_parameter()})
                .empty();
}

// Locks it. Nothing where the row is live and none with that key is archived. LIMIT with FOR UPDATE would take an older one
// where another transaction takes the newest meanwhile, which may even put a newer one there.
std::optional<ArchivedRow> find_newest(pg::Spi &spi, const TableInfo &table,
                                       const std::vector<std::string> &key) {
    catalog::KeyLookup lookup = catalog::get_key_lookup(spi, table, key);
    std::string query = sqltext::format(
        "/* softdelete */ SELECT a.tableoid, a.ctid, coalesce(a.deletion_id, 0) FROM %2% AS a WHERE %3% "
        "ORDER BY a.%1% DESC, a.deletion_id DESC NULLS LAST, CAST(CAST(a.cmin AS pg_catalog.text) AS "
        "pg_catalog.int8) "
        "DESC, a.ctid DESC LIMIT 1",
        table.archive->deleted_at, table.archive->name, lookup.condition);
    const TableInfo archive = catalog::get_archive(table);
    pg::OwnerScope owner(table.owner);
    std::optional<rows::RowId> locked;
    for (std::vector<pg::Row> found = spi.query(query, lookup.values); !found.empty();
         found = spi.query(query, lookup.values)) {
        const rows::RowId newest = rows::read_row_id(found.front());
        if (newest == locked) {
            return ArchivedRow{newest, found.front().number(2)};
        }
        locked = lock_row(spi, archive, newest) ? std::optional(newest) : std::nullopt;
    }
    std::string live =
        sqltext::format("/* softdelete */ SELECT FROM %1% WHERE %2%", table.name, lookup.condition);
    if (spi.query(live, lookup.values).empty()) {
        rows::raise_no_such_row(table, key);
    }
    return std::nullopt;
}

} // namespace

bool has_moved_row(pg::Spi &spi, const TableInfo &table, const std::vector<std::string> &key) {
    const catalog::KeyLookup lookup = catalog::get_key_lookup(spi, table, key);
    pg::OwnerScope owner(table.owner);
    return spi.query(sqltext::format(
                         "/* softdelete */ SELECT FROM %1% AS t WHERE t.%2% IS NOT NULL AND %3% LIMIT 1",
                         table.name, table.deleted_at, lookup.condition),
                     lookup.values)
               .empty()
           && !spi.query(sqltext::format("/* softdelete */ SELECT FROM %1% AS t WHERE %2% LIMIT 1",
                                         table.archive->name, lookup.condition),
                         lookup.values)
                   .empty();
}

std::uint64_t restore_archived_row(pg::Spi &spi, const TableInfo &table,
                                   const std::vector<std::string> &key) {
    check_may_update(spi, {table}, {});
    check_not_restricted(spi, {table}, {});
    std::optional<ArchivedRow> row = find_newest(spi, table, key);
    if (!row) {
        return 0;
    }
    ArchivedTree tree(spi, row->deletion);
    tree.add_root(table, row->place);
    std::uint64_t waiting = tree.drop_waiting();
    const deletion::RestoredRows restored = tree.move_all();
    if (row->deletion != 0) {
        tell_waiting(waiting, row->deletion);
        deletion::add_restored(row->deletion, restored);
        deletion::look_at_restored(row->deletion);
    }
    return deletion::count_rows(restored);
}

} // namespace softdelete::restore
