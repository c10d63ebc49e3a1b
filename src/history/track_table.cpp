// Everything is made as the table's owner, who owns the history as well. Our own catalog rows are written as the
// extension's owner.
#include "history/track_table.hpp"

#include "history/check_tracking.hpp"
#include "history/history_definition.hpp"
#include "history/history_triggers.hpp"
#include "history/other_keys.hpp"
#include "history/own_columns.hpp"
#include "history/tracked_table.hpp"
#include "holds/hold_check.hpp"
#include "model/time_period.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "rows/time_partitions.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
}

#include <algorithm>

namespace softdelete::history {

namespace {

using catalog::TableInfo;

bool contains(const std::vector<std::string> &names, const std::string &name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<SourceColumn> choose_columns(pg::Spi &spi, const TableInfo &table,
                                         const std::vector<std::string> &left_out) {
    std::vector<SourceColumn> chosen;
    for (const SourceColumn &column : read_source_columns(spi, table.relation)) {
        if (column.is_stored && !contains(left_out, column.name)) {
            if (is_own_column(column.name)) {
                raise_own_name(table, column.name);
            }
            chosen.push_back(column);
        }
    }
    return chosen;
}

std::string choose_name(pg::Spi &spi, const TableInfo &table, const std::optional<std::string> &wished) {
    std::string own = pg::call([&] { return get_rel_name(table.relation); });
    std::string name = wished ? pg::truncate_name(*wished) : pg::make_object_name(own, "", "history");
    bool is_cut = !wished && name != own + "_history"; // another table may have it already
    for (int number = 1; is_cut && rows::is_name_taken(spi, table.relation, name); number++) {
        name = pg::make_object_name(own, "", "history" + std::to_string(number));
    }
    if (rows::is_name_taken(spi, table.relation, name)) {
        pg::raise({.sqlstate = ERRCODE_DUPLICATE_TABLE,
                   .message = sqltext::format("relation \"%1%\" already exists", name),
                   .hint = "Rename it, or choose another name for the history with history_table => '...'.",
                   .relation = table.relation});
    }
    return table.schema + "." + pg::quote_identifier(name);
}

void create_history(pg::Spi &spi, const TableInfo &table, const std::string &history,
                    const std::vector<SourceColumn> &columns) {
    std::string definition = make_own_columns();
    for (const SourceColumn &column : columns) {
        definition += ", " + column.definition;
    }
    spi.execute(sqltext::format("CREATE TABLE %1% (%2%) PARTITION BY RANGE (%3%)", history, definition,
                                own_columns[at].name));
    rows::revoke_grants(spi, history);
    for (const SourceColumn &column : columns) {
        if (column.is_external) {
            spi.execute(make_storage_statement(history, column));
        }
    }
    create_guard(spi, history);
    std::string key = make_key_index_columns(spi, table.relation);
    if (!key.empty()) {
        spi.execute(sqltext::format("CREATE INDEX ON %1% (%2%)", history, key));
    }
    spi.execute(sqltext::format("COMMENT ON TABLE %1% IS %2%", history,
                                pg::quote_literal("History of " + table.name + ", kept by softdelete.")));
}

// The width by which the entries of the retention need a few dozen partitions.
model::PeriodWidth choose_width(pg::Spi &spi, const std::optional<std::string> &retention) {
    if (!retention) {
        return model::PeriodWidth::month;
    }
    return model::get_width_for(spi.query("SELECT pg_catalog.int8(pg_catalog.date_part('epoch', "
                                          "$1::pg_catalog.interval) * 1000000)",
                                          {retention})
                                    .front()
                                    .number(0));
}

Oid find_relation(pg::Spi &spi, const std::string &name) {
    return spi.query("SELECT $1::pg_catalog.regclass::pg_catalog.oid", {name}).front().oid(0);
}

void insert_registry(pg::Spi &spi, const TableInfo &table, Oid history, const TrackRequest &request,
                     const std::vector<SourceColumn> &columns) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute(
        "INSERT INTO softdelete_internal.tracked_table (relation, history, retention, left_out, begins_at) "
        "VALUES ($1::pg_catalog.oid, $2::pg_catalog.oid, $3::pg_catalog.interval, $4::pg_catalog.name[], "
        "pg_catalog.clock_timestamp())",
        {table.relation, history, request.retention, pg::make_array(request.left_out)});
    remember_key(spi, table.relation);
    for (const SourceColumn &column : columns) {
        spi.execute(
            "INSERT INTO softdelete_internal.history_column (relation, history_column, column_name) VALUES "
            "($1::pg_catalog.oid, $2::pg_catalog.name, $2::pg_catalog.name)",
            {table.relation, column.name});
    }
}

void delete_registry(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("DELETE FROM softdelete_internal.history_column WHERE relation = $1::pg_catalog.oid",
                {relation});
    spi.execute("DELETE FROM softdelete_internal.tracked_table WHERE relation = $1::pg_catalog.oid",
                {relation});
}

// One that somebody has dropped.
void end_lost_history(pg::Spi &spi, const TableInfo &table) {
    delete_registry(spi, table.relation);
    session::OwnDdlScope own_ddl;
    pg::UserScope owner(table.owner);
    drop_triggers(spi, table);
}

Oid make_history(pg::Spi &spi, const TableInfo &table, const TrackRequest &request) {
    std::vector<SourceColumn> columns = choose_columns(spi, table, request.left_out);
    std::string name = choose_name(spi, table, request.history_table);
    session::OwnDdlScope own_ddl;
    pg::SettingScope settings;
    settings.set("default_tablespace", "");
    settings.set("default_table_access_method", "heap");
    Oid history = InvalidOid;
    {
        pg::UserScope owner(table.owner);
        create_history(spi, table, name, columns);
        history = find_relation(spi, name);
        rows::make_time_partitions(spi, history, GetCurrentTimestamp(), choose_width(spi, request.retention),
                                   2);
        create_triggers(spi, table);
    }
    insert_registry(spi, table, history, request, columns);
    return history;
}

} // namespace

Oid track_table(const TrackRequest &request) {
    pg::Spi spi;
    TableInfo table = lock_trackable(spi, request.relation);
    check_retention(spi, request.retention);
    check_left_out(spi, table, request.left_out);
    if (OidIsValid(find_history(spi, table.relation))) {
        pg::raise({.sqlstate = ERRCODE_DUPLICATE_OBJECT,
                   .message = sqltext::format("table %1% has a history already", table.title),
                   .hint = "End it first with softdelete.untrack_history().",
                   .relation = table.relation});
    }
    end_lost_history(spi, table);
    Oid history = make_history(spi, table, request);
    warn_of_children(table);
    pg::call([&] { announce_change(table.relation); });
    return history;
}

void untrack_table(Oid relation, const std::string &entries) {
    if (entries != "keep" && entries != "drop") {
        pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                   .message = sqltext::format("unknown value \"%1%\" of entries", entries),
                   .hint = "Use 'keep', which leaves the history as a plain table, or 'drop'."});
    }
    pg::Spi spi;
    TableInfo table = lock_trackable(spi, relation);
    // As a plain table the entries of rows on hold would be anybody's to remove who owns it.
    pg::call([&] { holds::check_no_holds(table.relation, "end the history of"); });
    bool has_triggers = pg::call([&] { return is_tracked(table.relation); });
    // Triggers without the registry's row are what a restore of the table alone leaves.
    Oid history = has_triggers ? find_history(spi, table.relation) : get_history(spi, table);
    delete_registry(spi, table.relation);
    session::OwnDdlScope own_ddl;
    pg::UserScope owner(table.owner);
    drop_triggers(spi, table);
    if (!OidIsValid(history)) {
        return;
    }
    TableInfo kept = catalog::get_table(spi, history);
    if (entries == "drop") {
        spi.execute("DROP TABLE " + kept.name);
        return;
    }
    drop_guard(spi, history);
}

} // namespace softdelete::history
