// restore() of a row in an archive: finds the newest with the key, and leaves the rest to restore/archived_tree. Called by
// restore_tree.cpp.
#include "restore/archived_rows.hpp"

#include "deletion/restored_deletions.hpp"
#include "pg/scopes.hpp"
#include "restore/archived_tree.hpp"
#include "restore/restore_errors.hpp"
#include "restore/restore_privileges.hpp"
#include "rows/key_statement.hpp"
#include "rows/named_row.hpp"
#include "rows/time_partitions.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/timestamp.h"
}

namespace softdelete::restore {

namespace {

using catalog::TableInfo;

struct ArchivedRow {
    rows::RowId place;
    std::int64_t deletion; // 0: it was archived before the table was registered
};

bool lock_row(pg::Spi &spi, const TableInfo &archive, const rows::RowId &row) {
    rows::RowSet one;
    one.add(row);
    const TableInfo place = rows::narrow_to_partition(archive, one);
    pg::OwnerScope owner(archive.owner);
    return !spi.query(sqltext::format("/* softdelete */ SELECT FROM %1% AS a WHERE %2% FOR UPDATE",
                                      place.name, rows::make_identity(place, "a", 1)),
                      {row.table_parameter(), row.position_parameter()})
                .empty();
}

// Looks for the newest of the rows with a key in the archive of a table. The statement is planned once, whatever the key and the
// times are, and begins in the partitions of these times alone.
class NewestRow {
public:
    NewestRow(pg::Spi &spi, const TableInfo &table, const catalog::KeyLookup &lookup)
        : spi_(spi)
        , archive_(catalog::get_archive(table))
        , lookup_(lookup)
        , query_(sqltext::format(
              "/* softdelete */ SELECT a.tableoid, a.ctid, coalesce(a.deletion_id, 0) FROM %2% AS a WHERE "
              "%3% "
              "AND a.%1% >= $%4% AND a.%1% <= $%5% "
              "ORDER BY a.%1% DESC, a.deletion_id DESC NULLS LAST, CAST(CAST(a.cmin AS pg_catalog.text) AS "
              "pg_catalog.int8) "
              "DESC, a.ctid DESC LIMIT 1",
              table.archive->deleted_at, table.archive->name, lookup.condition, lookup.values.size() + 1,
              lookup.values.size() + 2)) {}

    // Step by step from the newest partitions to the oldest. What comes from an older one to a newer one meanwhile is not
    // overlooked: it ends with one look at all of them.
    std::optional<ArchivedRow> find() const {
        const std::vector<TimestampTz> steps = rows::get_steps_back(archive_.relation);
        TimestampTz until = DT_NOEND;
        for (std::size_t i = 0; steps.size() > 1 && i < steps.size(); i++) {
            if (std::optional<ArchivedRow> found = find(steps[i], until)) {
                return found;
            }
            until = steps[i];
        }
        return find(DT_NOBEGIN, DT_NOEND);
    }

    // Among those from the partition of this one on.
    std::optional<ArchivedRow> find_newer(const rows::RowId &row) const {
        return find(rows::get_partition_start(archive_.relation, row.table), DT_NOEND);
    }

    bool lock(const ArchivedRow &row) const { return lock_row(spi_, archive_, row.place); }

private:
    std::optional<ArchivedRow> find(TimestampTz from, TimestampTz until) const {
        std::vector<pg::Parameter> parameters = lookup_.values;
        parameters.emplace_back(TimestampTzGetDatum(from), TIMESTAMPTZOID, false);
        parameters.emplace_back(TimestampTzGetDatum(until), TIMESTAMPTZOID, false);
        const pg::Rows found = rows::read_as_owner(spi_, archive_, query_, parameters);
        return found.empty()
                   ? std::nullopt
                   : std::optional(ArchivedRow{rows::read_row_id(found.front()), found.front().number(2)});
    }

    pg::Spi &spi_;
    const TableInfo archive_;
    const catalog::KeyLookup &lookup_;
    const std::string query_;
};

// Locks it. Nothing where the row is live and none with that key is archived. LIMIT with FOR UPDATE would take an older one
// where another transaction takes the newest meanwhile, which may even put a newer one there.
std::optional<ArchivedRow> find_newest(pg::Spi &spi, const TableInfo &table,
                                       const std::vector<std::string> &key) {
    catalog::KeyLookup lookup = catalog::get_key_lookup(spi, table, key);
    const NewestRow newest(spi, table, lookup);
    std::optional<rows::RowId> locked;
    while (std::optional<ArchivedRow> found = locked ? newest.find_newer(*locked) : newest.find()) {
        if (found->place == locked) {
            return found;
        }
        locked = newest.lock(*found) ? std::optional(found->place) : std::nullopt;
    }
    pg::OwnerScope owner(table.owner);
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
    check_may_update({table}, {});
    check_not_restricted({table}, {});
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
