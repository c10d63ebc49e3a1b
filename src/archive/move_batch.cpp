// While a batch moves, nothing looks for rows in both places (registry/place_lock), and no hold is made. Each row is in exactly one of
// them before and after. Called by archive/change_in_batches.
#include "archive/move_batch.hpp"

#include "archive/change_parts.hpp"
#include "archive/marked_time.hpp"
#include "archive/move_rows.hpp"
#include "archive/own_columns.hpp"
#include "archive/write_moved.hpp"
#include "catalog/foreign_keys.hpp"
#include "catalog/quoting.hpp"
#include "catalog/view_properties.hpp"
#include "holds/hold_tables.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "registration/lock_table.hpp"
#include "registry/place_lock.hpp"
#include "rows/follow_links.hpp"
#include "rows/row_set.hpp"
#include "rows/time_partitions.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "sqltext/format.hpp"

namespace softdelete::archive {

namespace {

using catalog::ForeignKey;

// What a batch works on, locked until the transaction ends.
struct Places {
    catalog::Table table;
    catalog::TableInfo info;
    catalog::TableInfo archive;
    ArchiveSettings settings;
    std::string deleted_at; // quoted
};

Places lock_places(pg::Spi &spi, Oid relation) {
    auto [table, registration] =
        registration::lock_registered_table(spi, relation, pg::Lock::share_update_exclusive);
    pg::call([] { registry::move_rows_alone(); });
    const auto settings = find_settings(spi, relation, SettingsLock::for_update);
    if (!settings || settings->is_missing) {
        pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   .message = sqltext::format(
                       "somebody else has ended the change of the strategy of table \"%1%\"", table.name),
                   .relation = relation});
    }
    holds::lock_holds_below(spi, {relation}, registry::HoldAccess::remove);
    check_no_holds(spi, table);
    return {std::move(table), catalog::get_table(spi, relation), catalog::get_table(spi, settings->archive),
            *settings, catalog::identifier(settings->deleted_at).text()};
}

rows::RowSet find_marked(pg::Spi &spi, const Places &places, std::size_t size, Batch *batch) {
    pg::ReadScope owner(places.table.owner);
    pg::ExactTextScope exact;
    rows::RowSet found;
    for (const pg::Row &row :
         spi.query(sqltext::format("/* softdelete */ SELECT t.tableoid, t.ctid, t.%2% FROM %1% AS t WHERE "
                                   "t.%2% IS NOT NULL AND "
                                   "%5% AND (t.deletion_id < 0) IS NOT TRUE AND t.%2% >= CAST($1 AS %3%) "
                                   "ORDER BY t.%2% LIMIT %4% FOR UPDATE OF t SKIP LOCKED",
                                   places.info.name, places.deleted_at,
                                   places.table.find_column(places.settings.deleted_at)->type, size,
                                   make_movable("t." + std::string(places.deleted_at))),
                   {batch->last})) {
        found.add(rows::read_row_id(row));
        batch->last = row.text(2);
        batch->found++;
    }
    return found;
}

// Nobody references them any more: who wants to waits for the lock, and finds them gone.
void leave_referenced(pg::Spi &spi, Oid relation, rows::RowSet *rows) {
    for (const ForeignKey &key : catalog::find_referencing_keys(spi, relation)) {
        for (const rows::RowLink &link : rows::find_links_below(spi, key, *rows)) {
            rows->remove(link.parent);
        }
    }
}

void make_partitions_for(pg::Spi &spi, const Places &places, const rows::RowSet &rows) {
    std::vector<std::int64_t> days;
    {
        pg::ReadScope owner(places.table.owner);
        for (const pg::Row &day :
             spi.query(sqltext::format(
                           "/* softdelete */ SELECT DISTINCT pg_catalog.int8(EXTRACT(epoch FROM "
                           "pg_catalog.date_trunc('day', %4%, 'UTC'))) * 1000000 - "
                           "946684800000000 FROM %1% AS t WHERE t.%2% IS NOT NULL AND %3% ORDER BY 1",
                           places.info.name, places.deleted_at, rows::make_membership(places.info, "t", 1),
                           make_archived_time(places.table, places.settings, "t." + places.deleted_at)),
                       {rows.tables(), rows.positions()})) {
            days.push_back(day.number(0));
        }
    }
    const model::PeriodWidth width = rows::get_partition_width(places.archive.relation);
    for (std::int64_t day : days) {
        rows::make_time_partitions(spi, places.archive.relation, day, width, 1);
    }
}

// SQL: names and, for the archive, values of the columns that tell of the deletion.
struct OwnColumns {
    std::string names;
    std::string to_archive;
    std::string to_table;
};

OwnColumns list_own_columns(const Places &places) {
    OwnColumns own;
    auto add = [&](const std::string &name, const char *archived_type) {
        const std::string quoted = catalog::identifier(name).text();
        own.names += ", " + quoted;
        own.to_archive += sqltext::format(", CAST(t.%1% AS pg_catalog.%2%)", quoted, archived_type);
        own.to_table += sqltext::format(", CAST(t.%1% AS %2%)", quoted, places.table.find_column(name)->type);
    };
    own.names = places.deleted_at;
    own.to_archive = make_archived_time(places.table, places.settings, "t." + places.deleted_at);
    own.to_table = make_marked_time(places.table, places.settings, "t." + places.deleted_at);
    add(deletion_id_column, "int8");
    if (places.settings.deleted_by) {
        add(*places.settings.deleted_by, "text");
    }
    return own;
}

[[noreturn]] void raise_kept_rows(const Places &places) {
    pg::raise(
        {.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
         .message = sqltext::format("not all deleted rows of table \"%1%\" could move", places.table.name),
         .detail = "A rule or a policy keeps rows back.",
         .relation = places.table.oid});
}

void check_count(const Places &places, std::uint64_t count, const rows::RowSet &rows) {
    if (count != rows.size()) {
        raise_kept_rows(places);
    }
}

// The rows of the archive from a place on: the partition's number and the position in it.
rows::RowSet find_archived(pg::Spi &spi, const Places &places, std::size_t size, Batch *batch) {
    const std::size_t slash = batch->last.find('/');
    const std::string partition = slash == std::string::npos ? "0" : batch->last.substr(0, slash);
    const std::string position = slash == std::string::npos ? "(0,0)" : batch->last.substr(slash + 1);
    rows::RowSet found;
    pg::ReadScope owner(places.archive.owner);
    for (const pg::Row &part :
         spi.query("SELECT p.relid::pg_catalog.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) FROM "
                   "pg_catalog.pg_partition_tree($1::pg_catalog.oid) p JOIN pg_catalog.pg_class c ON c.oid = "
                   "p.relid "
                   "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE p.isleaf AND "
                   "p.relid::pg_catalog.oid >= $2::pg_catalog.oid ORDER BY 1",
                   {places.archive.relation, partition})) {
        const std::string from = part.text(0) == partition ? position : "(0,0)";
        for (const pg::Row &row :
             spi.query(sqltext::format("/* softdelete */ SELECT a.tableoid, a.ctid FROM ONLY %1% AS a WHERE "
                                       "a.ctid > $1::pg_catalog.tid LIMIT %2% FOR UPDATE OF a SKIP LOCKED",
                                       part.text(1), size - found.size()),
                       {from})) {
            found.add(rows::read_row_id(row));
            batch->last = part.text(0) + "/" + row.text(1);
            batch->found++;
        }
        if (found.size() >= size) {
            break;
        }
    }
    return found;
}

std::string make_linked_condition(const ForeignKey &key) {
    std::string condition;
    for (const std::string &column : key.child_link.names) {
        condition += sqltext::format(" AND c.%1% IS DISTINCT FROM NULL", column);
    }
    return condition;
}

// Those of the rows whose links by the key lead nowhere. What the others lead to stays until the transaction ends.
rows::RowSet find_lost(pg::Spi &spi, const Places &places, const ForeignKey &key, const rows::RowSet &rows) {
    rows::RowSet linked;
    {
        pg::ReadScope owner(places.archive.owner);
        for (const pg::Row &row : spi.query(
                 sqltext::format("/* softdelete */ SELECT c.tableoid, c.ctid FROM %1% AS c WHERE %2%%3%",
                                 places.archive.name, rows::make_membership(places.archive, "c", 1),
                                 make_linked_condition(key)),
                 {rows.tables(), rows.positions()})) {
            linked.add(rows::read_row_id(row));
        }
    }
    if (linked.empty()) {
        return linked;
    }
    for (const rows::RowLink &link :
         rows::find_parents(spi, catalog::of_archived_children(key), linked, " FOR KEY SHARE OF p")) {
        linked.remove(link.child);
    }
    return linked;
}

// Where the rows are then.
void end_lost_link(pg::Spi &spi, const Places &places, const ForeignKey &key, const rows::RowSet &lost,
                   rows::RowSet *rows) {
    const std::string statement =
        sqltext::format("/* softdelete */ UPDATE %1% AS c SET %2% WHERE %3% RETURNING c.tableoid, c.ctid",
                        places.archive.name, catalog::make_ended_link(spi, key),
                        rows::make_membership(places.archive, "c", 1));
    for (const rows::RowId &row : lost.ids()) {
        rows->remove(row);
    }
    pg::OwnerScope owner(places.archive.owner);
    session::OwnStatement own(statement, {});
    for (const pg::Row &row : spi.query(statement, {lost.tables(), lost.positions()})) {
        rows->add(rows::read_row_id(row));
    }
}

void settle_links(pg::Spi &spi, const Places &places, rows::RowSet *rows) {
    for (const ForeignKey &key : catalog::find_own_keys(spi, places.table.oid)) {
        const rows::RowSet lost = find_lost(spi, places, key, *rows);
        if (lost.empty()) {
            continue;
        }
        if (catalog::binds(key.on_delete)) {
            raise_without_parent(places.table, key);
        }
        end_lost_link(spi, places, key, lost, rows);
    }
}

} // namespace

Batch move_batch_to_archive(pg::Spi &spi, Oid relation, std::size_t size, const std::string &from) {
    const Places places = lock_places(spi, relation);
    Batch batch = {0, 0, from};
    rows::RowSet rows = find_marked(spi, places, size, &batch);
    leave_referenced(spi, relation, &rows);
    if (rows.empty()) {
        return batch;
    }
    make_partitions_for(spi, places, rows);
    std::string columns;
    std::string values;
    for (const ArchiveColumn &column : read_live_columns(spi, relation, places.settings)) {
        columns += column.quoted.text() + ", ";
        values += "t." + column.quoted.text() + ", ";
    }
    const OwnColumns own = list_own_columns(places);
    const std::vector<pg::Parameter> parameters = {rows.tables(), rows.positions()};
    const std::string condition = sqltext::format("t.%1% IS NOT NULL AND %2%", places.deleted_at,
                                                  rows::make_membership(places.info, "t", 1));
    check_count(places,
                insert_moved(spi, places.table.owner,
                             {places.archive.relation, columns + own.names, values + own.to_archive,
                              sqltext::format("%1% AS t WHERE %2%", places.info.name, condition)},
                             parameters),
                rows);
    check_count(places, delete_moved(spi, places.table.owner, relation, condition, parameters), rows);
    batch.moved = rows.size();
    return batch;
}

Batch move_batch_to_table(pg::Spi &spi, Oid relation, std::size_t size, const std::string &from) {
    const Places places = lock_places(spi, relation);
    Batch batch = {0, 0, from};
    rows::RowSet rows = find_archived(spi, places, size, &batch);
    if (rows.empty()) {
        return batch;
    }
    settle_links(spi, places, &rows);
    const std::string columns = list_written_columns(spi, relation, places.settings);
    const OwnColumns own = list_own_columns(places);
    const std::string members = rows::make_membership(places.archive, "t", 1);
    const std::vector<pg::Parameter> parameters = {rows.tables(), rows.positions()};
    explain_unfit(places.table, [&] {
        check_count(places,
                    insert_moved(spi, places.table.owner,
                                 {relation, columns + own.names, columns + own.to_table,
                                  sqltext::format("%1% AS t WHERE %2%", places.archive.name, members)},
                                 parameters),
                    rows);
    });
    check_count(places, delete_moved(spi, places.archive.owner, places.archive.relation, members, parameters),
                rows);
    batch.moved = rows.size();
    return batch;
}

} // namespace softdelete::archive
