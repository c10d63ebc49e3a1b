// Statements of ours that run as the table's owner. Triggers of the table are left out, and with them what checks foreign keys: that
// is asked here, of all rows at once.
#include "archive/move_rows.hpp"

#include "archive/archive_work.hpp"
#include "archive/marked_time.hpp"
#include "archive/own_columns.hpp"
#include "archive/write_moved.hpp"
#include "catalog/foreign_keys.hpp"
#include "catalog/quoting.hpp"
#include "catalog/view_catalog.hpp"
#include "pg/scopes.hpp"
#include "rows/follow_links.hpp"
#include "rows/key_statement.hpp"
#include "rows/row_set.hpp"
#include "rows/time_partitions.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "sqltext/format.hpp"

#include <algorithm>

namespace softdelete::archive {

namespace {

using catalog::ForeignKey;

// Those of the table that are not computed, identity columns among them.
constexpr const char *written_query = R"(
    SELECT pg_catalog.quote_ident(a.attname) FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
      AND a.attname <> ALL ($2::pg_catalog.name[])
    ORDER BY a.attnum)";

// SQL: the columns that both sides have, each with the given form.
std::string list_columns(const std::vector<ArchiveColumn> &columns) {
    std::string list;
    for (const ArchiveColumn &column : columns) {
        list += column.quoted.text() + ", ";
    }
    return list;
}

// The rows for which this is not null; "c" in further conditions.
rows::RowSet find_rows(pg::Spi &spi, const catalog::TableInfo &table, const std::string &column,
                       const std::string &further = "") {
    rows::RowSet found;
    pg::ReadScope owner(table.owner);
    for (const pg::Row &row : spi.query(sqltext::format(
             "/* softdelete */ SELECT c.tableoid, c.ctid FROM %1% AS c WHERE c.%2% IS NOT NULL%3%",
             table.key_rows(), column, further))) {
        found.add(rows::read_row_id(row));
    }
    return found;
}

std::string make_linked(const ForeignKey &key) {
    std::string condition;
    for (const std::string &column : key.child_link.names) {
        condition += sqltext::format(" AND c.%1% IS DISTINCT FROM NULL", column);
    }
    return condition;
}

// Those of the rows, which have links by the key, whose links lead nowhere.
rows::RowSet find_parentless(pg::Spi &spi, const ForeignKey &key, rows::RowSet linked) {
    for (const rows::RowLink &link : rows::find_parents(spi, key, linked)) {
        linked.remove(link.child);
    }
    return linked;
}

// Rows below such ones that would stay.
void check_referencing(pg::Spi &spi, const catalog::Table &table, const std::string &deleted_at) {
    for (const ForeignKey &key : catalog::find_referencing_keys(spi, table.oid)) {
        std::string stays =
            key.child.relation == table.oid ? sqltext::format(" AND c.%1% IS NULL", deleted_at) : "";
        std::string query = sqltext::format(
            "/* softdelete */ SELECT FROM %1% AS p JOIN %2% AS c ON %3% WHERE p.%4% IS NOT NULL AND %5% AND "
            "%6%%7% LIMIT 1",
            key.parent.key_rows(), key.child.key_rows(), key.link, deleted_at, rows::see_all(key.parent, "p"),
            rows::see_all(key.child, "c"), stays);
        bool is_referenced =
            catalog::has_one_owner(key)
                ? !rows::read_key(spi, key, query, {}).empty()
                : !rows::find_some_children(spi, key, find_rows(spi, key.parent, deleted_at), 1).empty();
        if (!is_referenced) {
            continue;
        }
        pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   .message =
                       sqltext::format("deleted rows of table \"%1%\" cannot move to an archive", table.name),
                   .detail = sqltext::format("Rows of table %1% reference them by \"%2%\".", key.child.title,
                                             key.name),
                   .hint = "Restore or purge these deleted rows, or end the links, first.",
                   .relation = table.oid});
    }
}

struct Marked {
    std::int64_t rows;
    std::vector<std::int64_t> days; // UTC, in microseconds since 2000
    std::optional<std::string> age; // of the oldest; an interval
};

// archived_time: SQL, of the time of deletion.
Marked find_marked(pg::Spi &spi, const catalog::Table &table, const std::string &deleted_at,
                   const std::string &archived_time) {
    pg::ReadScope owner(table.owner);
    Marked marked = {0, {}, {}};
    const pg::Row row =
        spi.query(sqltext::format("SELECT pg_catalog.count(*), coalesce(pg_catalog.bool_and(%3%"
                                  " AND (deletion_id < 0) IS NOT TRUE), true), pg_catalog.now() - "
                                  "(pg_catalog.min(%2%) FILTER (WHERE %3%)) FROM %1% WHERE %2% IS NOT NULL",
                                  table.qualified, deleted_at, make_movable(deleted_at)))
            .front();
    if (!row.boolean(1)) {
        pg::raise(
            {.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
             .message =
                 sqltext::format("deleted rows of table \"%1%\" cannot move to an archive", table.name),
             .detail =
                 "Some are anonymized, or deleted at a time that is infinite or beyond the year 290000.",
             .hint = "Purge them first, or give them a time.",
             .relation = table.oid});
    }
    marked.rows = row.number(0);
    marked.age = row.is_null(2) ? std::nullopt : std::optional(row.text(2));
    for (const pg::Row &day : spi.query(sqltext::format(
             "SELECT DISTINCT pg_catalog.int8(EXTRACT(epoch FROM pg_catalog.date_trunc('day', "
             "%3%, 'UTC'))) * 1000000 - 946684800000000 FROM %1% WHERE %2% IS NOT "
             "NULL "
             "ORDER BY 1",
             table.qualified, deleted_at, archived_time))) {
        marked.days.push_back(day.number(0));
    }
    return marked;
}

// As wide as a retention needs that keeps the oldest.
void make_partitions(pg::Spi &spi, Oid archive, const ArchiveSettings &settings, const Marked &marked) {
    std::optional<std::string> kept = settings.retention;
    if (kept && marked.age) {
        kept = spi.query("SELECT greatest($1::pg_catalog.interval, $2::pg_catalog.interval)",
                         {*kept, *marked.age})
                   .front()
                   .text(0);
    }
    model::PeriodWidth width = choose_width(spi, kept);
    for (std::int64_t day : marked.days) {
        rows::make_time_partitions(spi, archive, day, width, 1);
    }
}

// Links of archived rows that lead nowhere, which SET NULL or SET DEFAULT would have ended.
void end_links(pg::Spi &spi, const ForeignKey &key, const catalog::TableInfo &archive,
               const std::string &deleted_at) {
    ForeignKey archived = key;
    archived.child = archive;
    archived.child_link.partition.clear();
    archived.link = key.comparison + catalog::restrict_to_partition("p", key.parent_link);
    rows::RowSet lost = find_parentless(spi, archived, find_rows(spi, archive, deleted_at, make_linked(key)));
    if (key.parent.relation == key.child.relation) { // what it leads to may come back together with it
        archived.parent = archive;
        archived.parent_link.partition.clear();
        lost = find_parentless(spi, archived, lost);
    }
    if (lost.empty()) {
        return;
    }
    std::string statement =
        sqltext::format("/* softdelete */ UPDATE %1% AS c SET %2% WHERE %3%", archive.name,
                        catalog::make_ended_link(spi, key), rows::make_membership(archive, "c", 1));
    pg::OwnerScope owner(archive.owner);
    session::OwnStatement own(statement, {});
    spi.execute(statement, {lost.tables(), lost.positions()});
}

[[noreturn]] void raise_not_moved(const catalog::Table &table, const char *which) {
    pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
               .message = sqltext::format("not all %1% rows of table \"%2%\" could move", which, table.name),
               .detail = "A rule or a policy keeps rows back. Nothing was changed.",
               .relation = table.oid});
}

std::uint64_t count_archived(pg::Spi &spi, const catalog::TableInfo &archive) {
    pg::ReadScope owner(archive.owner);
    return static_cast<std::uint64_t>(
        spi.query("SELECT pg_catalog.count(*) FROM " + archive.name).front().number(0));
}

// As the server would.
void check_parents(pg::Spi &spi, const catalog::Table &table, const std::string &deleted_at) {
    for (const ForeignKey &key : catalog::find_own_keys(spi, table.oid)) {
        if (find_parentless(spi, key, find_rows(spi, key.child, deleted_at, make_linked(key))).empty()) {
            continue;
        }
        raise_without_parent(table, key);
    }
}

} // namespace

std::int64_t count_marked_rows(pg::Spi &spi, const catalog::Table &table,
                               const registry::Registration &registration) {
    const std::string deleted_at = catalog::identifier(registration.settings.deleted_at).text();
    check_referencing(spi, table, deleted_at);
    return find_marked(spi, table, deleted_at, deleted_at + "::pg_catalog.timestamptz").rows;
}

void make_marked_partitions(pg::Spi &spi, const catalog::Table &table,
                            const registry::Registration &registration, const ArchiveSettings &settings) {
    const std::string deleted_at = catalog::identifier(registration.settings.deleted_at).text();
    const Oid archive = catalog::find_relation(table.schema_oid, settings.archive_name)->oid;
    const Marked marked =
        find_marked(spi, table, deleted_at, make_archived_time(table, settings, deleted_at));
    make_partitions(spi, archive, settings, marked);
    if (marked.days.empty()) {
        make_first_partitions(spi, archive, choose_width(spi, settings.retention));
    }
}

std::string make_movable(const std::string &time) {
    return sqltext::format("(%1% >= '4713-01-01 BC' AND %1% < '290000-01-01')", time);
}

std::int64_t move_marked_rows(pg::Spi &spi, const catalog::Table &table,
                              const registry::Registration &registration, const ArchiveSettings &settings,
                              const std::vector<ArchiveColumn> &columns) {
    const std::string deleted_at = catalog::identifier(registration.settings.deleted_at).text();
    check_referencing(spi, table, deleted_at);
    const std::string archived_time = make_archived_time(table, settings, deleted_at);
    const Marked marked = find_marked(spi, table, deleted_at, archived_time);
    const catalog::TableInfo archive =
        catalog::get_table(spi, catalog::find_relation(table.schema_oid, settings.archive_name)->oid);
    make_partitions(spi, archive.relation, settings, marked);
    std::string own = sqltext::format("%1%, %2%", deleted_at, deletion_id_column);
    std::string values = sqltext::format("%1%, %2%", archived_time, deletion_id_column);
    if (settings.deleted_by) {
        const std::string deleted_by = catalog::identifier(*settings.deleted_by).text();
        own += ", " + deleted_by;
        values += sqltext::format(", %1%::pg_catalog.text", deleted_by);
    }
    const std::string kept = list_columns(columns);
    const std::uint64_t copied =
        insert_moved(spi, table.owner,
                     {archive.relation, kept + own, kept + values,
                      sqltext::format("%1% WHERE %2% IS NOT NULL", table.qualified, deleted_at)});
    const std::uint64_t removed =
        delete_moved(spi, table.owner, table.oid, sqltext::format("t.%1% IS NOT NULL", deleted_at));
    if (copied != removed || static_cast<std::int64_t>(copied) != marked.rows) {
        raise_not_moved(table, "deleted");
    }
    return marked.rows;
}

std::int64_t move_archived_rows(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings,
                                const catalog::TableInfo &archive) {
    for (const ForeignKey &key : catalog::find_own_keys(spi, table.oid)) {
        if (!catalog::binds(key.on_delete)) {
            end_links(spi, key, archive, catalog::identifier(settings.deleted_at).text());
        }
    }
    const std::string columns = list_written_columns(spi, table.oid, settings);
    std::string own;
    std::string values;
    const catalog::Table marked = catalog::get_table_definition(spi, table.oid);
    for (const std::string &name : get_own_columns(settings)) {
        const std::string quoted = catalog::identifier(name).text();
        own += (own.empty() ? "" : ", ") + quoted;
        values += (values.empty() ? "" : ", ")
                  + (name == settings.deleted_at
                         ? make_marked_time(marked, settings, quoted)
                         : sqltext::format("CAST(%1% AS %2%)", quoted, marked.find_column(name)->type));
    }
    std::uint64_t moved = 0;
    explain_unfit(table, [&] {
        moved = insert_moved(spi, table.owner, {table.oid, columns + own, columns + values, archive.name});
        if (moved != count_archived(spi, archive)) {
            raise_not_moved(table, "archived");
        }
        check_parents(spi, table, catalog::identifier(settings.deleted_at).text());
    });
    return static_cast<std::int64_t>(moved);
}

std::string list_written_columns(pg::Spi &spi, Oid relation, const ArchiveSettings &settings) {
    std::string columns;
    for (const pg::Row &row :
         spi.query(written_query, {relation, pg::make_array(get_own_columns(settings))})) {
        columns += row.text(0) + ", ";
    }
    return columns;
}

void raise_without_parent(const catalog::Table &table, const ForeignKey &key) {
    pg::raise(
        {.sqlstate = ERRCODE_FOREIGN_KEY_VIOLATION,
         .message = sqltext::format("archived rows of table \"%1%\" cannot become marked ones", table.name),
         .detail = sqltext::format("The rows of table %1% that they reference by \"%2%\" are not there.",
                                   key.parent.title, key.name),
         .hint = "Erase or purge these archived rows first.",
         .relation = table.oid});
}

void explain_unfit(const catalog::Table &table, const std::function<void()> &insert) {
    try {
        insert();
    } catch (pg::ServerError &error) {
        if (ERRCODE_TO_CATEGORY(error.sqlstate()) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION
            && !error.has_hint()) {
            error.set_message(sqltext::format("archived rows of table \"%1%\" cannot become marked ones: %2%",
                                              table.name, error.message()));
            error.set_hint(
                "Erase or purge the archived rows that the table cannot have any more, or change its rule.");
            error.clear_context();
        }
        throw;
    }
}

} // namespace softdelete::archive
