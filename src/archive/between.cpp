// How a table comes between the strategies and out again. Rows are moved by archive/move_batch. Called by archive/change_in_batches and
// archive/change_strategy.
#include "archive/between.hpp"

#include "archive/change_parts.hpp"
#include "archive/kept_views.hpp"
#include "archive/marked_time.hpp"
#include "archive/move_rows.hpp"
#include "archive/own_columns.hpp"
#include "archive/register_archive.hpp"
#include "archive/warn_of_change.hpp"
#include "catalog/foreign_keys.hpp"
#include "catalog/quoting.hpp"
#include "catalog/view_catalog.hpp"
#include "history/follow_table.hpp"
#include "holds/hold_tables.hpp"
#include "pg/scopes.hpp"
#include "registration/lock_table.hpp"
#include "registration/run_steps.hpp"
#include "registry/ended_registrations.hpp"
#include "registry/place_lock.hpp"
#include "session/utility_commands.hpp"

#include <algorithm>

namespace softdelete::archive {

namespace {

enum class Shows { table, table_and_archive };

[[noreturn]] void refuse_batches(const catalog::Table &table, const std::string &detail) {
    pg::raise(
        {.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
         .message = sqltext::format("cannot change the strategy of table \"%1%\" in batches", table.name),
         .detail = detail,
         .hint = "Change it at once, with softdelete.configure(..., strategy => ...).",
         .relation = table.oid});
}

// Rows below others of the same table would have to move together with these.
void check_can_be_between(pg::Spi &spi, const catalog::Table &table) {
    for (const catalog::ForeignKey &key : catalog::find_own_keys(spi, table.oid)) {
        if (key.parent.relation == table.oid) {
            refuse_batches(table, sqltext::format("Rows of it reference others by \"%1%\".", key.name));
        }
    }
    const std::vector<ArchiveColumn> stored = read_columns(spi, table.oid);
    for (const catalog::Column &column : table.columns) {
        if (std::none_of(stored.begin(), stored.end(),
                         [&](const ArchiveColumn &other) { return other.name == column.name; })) {
            refuse_batches(table,
                           sqltext::format("Column \"%1%\" is computed when it is read.", column.name));
        }
    }
}

// One that the user had before shows what he wrote.
void check_views(const catalog::Table &table, const registry::Registration &registration) {
    const std::vector<std::string> &own = registration.added_views;
    for (const std::string &view : {registration.settings.active_view, registration.settings.deleted_view,
                                    registration.settings.all_view}) {
        if (std::find(own.begin(), own.end(), view) == own.end()) {
            pg::raise({.sqlstate = ERRCODE_DUPLICATE_TABLE,
                       .message = sqltext::format("relation \"%1%\" already exists in schema \"%2%\"", view,
                                                  table.schema),
                       .detail = "The view was there before the table was registered.",
                       .hint = "Drop or rename the view, and run softdelete.repair(), which makes a new one.",
                       .relation = table.oid});
        }
    }
}

// The archive has the types under domains, and its own ones in the columns that tell of the deletion.
std::string select_archived(const catalog::Table &table, const ArchiveSettings &settings,
                            const std::vector<ArchiveColumn> &archived,
                            const std::vector<std::string> &names) {
    std::string list;
    for (const std::string &name : names) {
        const std::string quoted = catalog::identifier(name).text();
        const catalog::Column *column = table.find_column(name);
        auto stored = std::find_if(archived.begin(), archived.end(),
                                   [&](const ArchiveColumn &other) { return other.name == name; });
        const bool is_same = column != nullptr && stored != archived.end() && stored->type == column->type;
        list += list.empty() ? "" : ", ";
        if (name == settings.deleted_at && column != nullptr && !is_same) {
            list += sqltext::format("%1% AS %2%", make_marked_time(table, settings, quoted), quoted);
            continue;
        }
        list += is_same || column == nullptr
                    ? quoted
                    : sqltext::format("CAST(%1% AS %2%) AS %1%", quoted, column->type);
    }
    return list;
}

void replace_view(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings,
                  const std::string &view, const sqltext::Pattern &condition, Shows shows) {
    auto existing = catalog::find_relation(table.schema_oid, view);
    if (!existing || existing->kind != 'v') {
        return; // repair() makes it
    }
    const std::vector<std::string> names = read_view_columns(spi, existing->oid);
    std::string list;
    for (const std::string &name : names) {
        list += (list.empty() ? "" : ", ") + catalog::identifier(name).text();
    }
    std::string query = sqltext::format("SELECT %1% FROM %2% WHERE %3%", list, table.qualified,
                                        sqltext::format(condition, catalog::identifier(settings.deleted_at)));
    if (shows == Shows::table_and_archive) {
        const catalog::TableInfo archive = catalog::get_table(spi, settings.archive);
        query += sqltext::format(" UNION ALL SELECT %1% FROM %2%",
                                 select_archived(table, settings, read_columns(spi, settings.archive), names),
                                 archive.name);
    }
    session::OwnDdlScope own_ddl;
    pg::UserScope owner(table.owner);
    spi.execute(sqltext::format("CREATE OR REPLACE VIEW %1% WITH (%2%) AS %3%", name_beside(table, view),
                                existing->options.empty() ? "security_invoker = true" : existing->options,
                                query));
}

// Their columns, names and properties stay.
void replace_views(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings, Shows shows) {
    replace_view(spi, table, settings, settings.deleted_view, sqltext::Pattern("%1% IS NOT NULL"), shows);
    replace_view(spi, table, settings, settings.all_view, sqltext::Pattern("softdelete.include_deleted(%1%)"),
                 shows);
}

bool has_rows(pg::Spi &spi, const catalog::TableInfo &archive) {
    pg::ReadScope owner(archive.owner);
    return !spi.query("SELECT FROM " + archive.name + " LIMIT 1").empty();
}

} // namespace

bool is_between(pg::Spi &spi, Oid relation) {
    return catalog::get_table(spi, relation).is_between();
}

void begin_to_archive(pg::Spi &spi, Oid relation) {
    const auto [table, registration] =
        registration::lock_registered_table(spi, relation, pg::Lock::share_update_exclusive);
    if (is_between(spi, relation)) {
        return; // somebody else has begun
    }
    pg::call([] { registry::move_rows_alone(); }); // before the holds, whose look keeps rows in place
    holds::lock_holds_below(spi, {relation}, registry::HoldAccess::remove);
    check_can_move(spi, table, registration);
    check_can_be_between(spi, table);
    check_views(table, registration);
    check_times(spi, table, registration.settings.deleted_at);
    ArchiveSettings settings = make_archive_settings(table, registration);
    (void)make_empty_archive(spi, table, settings, read_live_columns(spi, relation, settings));
    make_marked_partitions(spi, table, registration, settings);
    settings.archive = catalog::find_relation(table.schema_oid, settings.archive_name)->oid;
    insert_settings(spi, settings);
    settings = *find_settings(spi, relation);
    replace_views(spi, table, settings, Shows::table_and_archive);
}

std::vector<model::Step> begin_to_flag(pg::Spi &spi, Oid relation, const std::string &visibility) {
    const catalog::Table table = registration::lock_table(spi, relation, pg::Lock::access_exclusive);
    pg::call([] { registry::move_rows_alone(); }); // before the holds, whose look keeps rows in place
    holds::lock_holds_below(spi, {relation}, registry::HoldAccess::remove);
    const auto settings = find_settings(spi, relation, SettingsLock::for_update);
    check_can_move_back(spi, table, settings);
    check_can_be_between(spi, table);
    KeptViews views(spi, table, *settings);
    std::vector<model::Step> steps = warn_of_readers(spi, table, catalog::get_table(spi, settings->archive),
                                                     visibility, Asked::in_batches);
    add_steps(steps, warn_of_subscribers(spi, table));
    const std::vector<model::Step> ends = plan_end(spi, table, *settings);
    delete_settings(spi, relation);
    registration::run_steps(spi, ends);
    registry::note_ended_registration(spi, table.member_oids());
    add_steps(steps, ends);
    add_steps(steps, registration::register_table(make_request(table, *settings, "flag", visibility)));
    history::follow_table(spi, relation);
    insert_settings(spi, *settings);
    views.give_back();
    replace_views(spi, catalog::get_table_definition(spi, relation), *settings, Shows::table_and_archive);
    return steps;
}

bool end_as_flag(pg::Spi &spi, Oid relation) {
    const auto [table, registration] =
        registration::lock_registered_table(spi, relation, pg::Lock::share_update_exclusive);
    pg::call([] { registry::move_rows_alone(); });
    const auto settings = find_settings(spi, relation, SettingsLock::for_update);
    if (!settings) {
        return true; // somebody else has ended it
    }
    if (!settings->is_missing && has_rows(spi, catalog::get_table(spi, settings->archive))) {
        return false;
    }
    drop_archive(spi, table, *settings);
    return true;
}

void drop_archive(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings) {
    delete_settings(spi, table.oid);
    replace_views(spi, table, settings, Shows::table);
    if (!settings.is_missing) {
        registration::run_steps(spi,
                                {plan_archive_drop(catalog::get_table(spi, settings.archive), settings)});
    }
}

} // namespace softdelete::archive
