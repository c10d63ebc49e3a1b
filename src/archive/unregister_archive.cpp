// unregister() and repair() of tables with an archive. Called by api/registration.
#include "archive/archive_gaps.hpp"
#include "archive/archive_readers.hpp"
#include "archive/follow_archived.hpp"
#include "archive/mend_names.hpp"
#include "archive/own_columns.hpp"
#include "archive/register_archive.hpp"
#include "catalog/quoting.hpp"
#include "catalog/table_info.hpp"
#include "catalog/trigger_catalog.hpp"
#include "catalog/view_catalog.hpp"
#include "holds/hold_tables.hpp"
#include "model/trigger_names.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "registration/lock_table.hpp"
#include "registration/repair_table.hpp"
#include "registration/run_steps.hpp"
#include "registration/unregister_table.hpp"
#include "rows/time_partitions.hpp"
#include "session/extension_functions.hpp"
#include "sqltext/table_statements.hpp"

#include <algorithm>

namespace softdelete::archive {

namespace {

using model::Action;

void check_deleted_rows(const std::string &deleted_rows) {
    if (deleted_rows != "refuse" && deleted_rows != "keep" && deleted_rows != "purge") {
        pg::raise({ERRCODE_INVALID_PARAMETER_VALUE,
                   "unrecognized value for deleted_rows: \"" + deleted_rows + "\"",
                   {},
                   "Use 'refuse', 'keep' or 'purge'."});
    }
}

std::int64_t count_rows(pg::Spi &spi, const catalog::TableInfo &archive) {
    pg::ReadScope scope(archive.owner);
    return spi.query("SELECT pg_catalog.count(*) FROM " + archive.name).front().number(0);
}

std::string name_rows(std::int64_t rows) {
    return std::to_string(rows) + (rows == 1 ? " deleted row" : " deleted rows");
}

void plan_view_drops(ArchiveWork &work) {
    for (const std::string &view :
         {work.settings.all_view, work.settings.deleted_view, work.settings.active_view}) {
        auto existing = catalog::find_relation(work.table.schema_oid, view);
        if (existing && existing->kind == 'v') {
            work.add(Action::drop, work.table.oid, "view " + catalog::identifier(view).text(),
                     {sqltext::drop_view(name_beside(work.table, view)).text()});
        }
    }
}

void plan_trigger_drops(ArchiveWork &work) {
    for (const catalog::Member &member : work.table.members) {
        for (const char *name : {model::archive_trigger, model::truncate_trigger}) {
            bool is_clone = member.is_partition && name == std::string(model::archive_trigger);
            if (!is_clone && catalog::find_own_trigger(work.spi, member.oid, name)) {
                work.add(Action::drop, member.oid, std::string("trigger ") + name,
                         {sqltext::drop_trigger(member.qualified, sqltext::Identifier(name)).text()});
            }
        }
    }
}

void plan_archive_end(ArchiveWork &work, const catalog::TableInfo &archive, bool stays, std::int64_t rows) {
    std::string object = "table " + catalog::identifier(work.settings.archive_name).text();
    if (stays) {
        plan_policy_ends(work);
        plan_revocation(work, work.settings.admin_roles, Views::go);
        work.add(Action::alter, work.table.oid, object, make_guard_drops(work.spi, archive.relation),
                 "it stays as a plain table, with " + name_rows(rows));
    } else {
        work.add(Action::drop, work.table.oid, object, {"DROP TABLE " + archive.name});
    }
}

// What a restore of the table alone leaves: triggers without the registry's row.
std::vector<model::Step> drop_triggers(pg::Spi &spi, const catalog::Table &table) {
    ArchiveWork work = {spi, table, {}};
    plan_trigger_drops(work);
    registration::run_steps(spi, work.steps);
    return work.steps;
}

// Policies are made anew along with the columns that they read.
std::vector<model::Step> tell_policies(const ArchiveWork &work) {
    ArchiveWork readers = {work.spi, work.table, work.settings};
    plan_readers(readers);
    std::vector<model::Step> steps = model::arrange(std::move(readers.steps));
    std::erase_if(steps, [](const model::Step &step) { return !step.object.starts_with("policy "); });
    for (model::Step &step : steps) {
        step.commands.clear();
    }
    return steps;
}

void tell(ArchiveWork &work, Action action, const std::string &object) {
    bool is_told = std::any_of(work.steps.begin(), work.steps.end(),
                               [&](const model::Step &step) { return step.object == object; });
    if (!is_told) {
        work.add(action, work.table.oid, object, {});
    }
}

// What came, or got another name or type, while event triggers were off. What went meanwhile stays in the archive.
void mend_columns(ArchiveWork &work) {
    for (model::Step &step : tell_policies(work)) {
        work.steps.push_back(std::move(step));
    }
    for (const std::string &name : find_misnamed(work.spi, work.table, work.settings)) {
        tell(work, Action::alter, "column " + catalog::identifier(name).text() + " of the archive");
    }
    std::vector<ArchiveColumn> before = read_columns(work.spi, work.settings.archive);
    follow_columns(work.spi, work.table.oid, {});
    for (const ArchiveColumn &column : read_columns(work.spi, work.settings.archive)) {
        bool is_new = std::none_of(before.begin(), before.end(), [&](const ArchiveColumn &former) {
            return former.definition == column.definition;
        });
        if (is_new) {
            tell(work, Action::alter, "column " + column.quoted.text() + " of the archive");
        }
    }
}

// Views that show other columns than they should are made anew.
void mend_views(ArchiveWork &work) {
    RebuiltViews views(work.spi, work.table, work.settings);
    for (const ViewDefinition &view :
         make_views(work.table, work.settings, read_columns(work.spi, work.table.oid))) {
        auto existing = catalog::find_relation(work.table.schema_oid, view.name);
        if (existing && existing->kind == 'v'
            && !shows_exactly(read_view_columns(work.spi, existing->oid), view.columns)) {
            views.take_down();
        }
    }
    views.put_up();
}

// Of somebody else since DDL that ran without event triggers.
std::vector<model::Step> give_own_views(const ArchiveWork &work) {
    const ArchiveSettings &settings = work.settings;
    return registration::give_views(
        work.spi, work.table, {settings.active_view, settings.deleted_view, settings.all_view},
        [&](Oid relation) {
            const pg::SimpleView view = pg::read_view(relation);
            return view.is_simple ? view.table == work.table.oid || view.table == settings.archive
                                  : !pg::read_union(relation, work.table.oid, settings.archive).empty();
        });
}

std::vector<std::string> find_wrong_views(ArchiveWork &work) {
    std::vector<std::string> views = find_gaps(work.spi, work.table);
    std::erase_if(views, [](const std::string &object) { return !object.starts_with("view "); });
    return views;
}

} // namespace

std::vector<model::Step> plan_end(pg::Spi &spi, const catalog::Table &table,
                                  const ArchiveSettings &settings) {
    ArchiveWork work = {spi, table, settings};
    plan_view_drops(work);
    plan_trigger_drops(work);
    return work.steps;
}

std::vector<model::Step> unregister_archive(Oid relation, const std::string &deleted_rows) {
    pg::Spi spi;
    pg::call([] { session::check_version(); });
    check_deleted_rows(deleted_rows);
    catalog::Table table = registration::lock_table(spi, relation, pg::Lock::access_exclusive);
    holds::lock_holds_below(spi, {relation}, registry::HoldAccess::remove);
    auto settings = find_settings(spi, relation, SettingsLock::for_update);
    if (!settings) {
        return drop_triggers(spi, table);
    }
    registration::check_holds(spi, table);
    std::optional<catalog::TableInfo> archive;
    std::int64_t rows = 0;
    if (!settings->is_missing) {
        archive = catalog::get_table(spi, settings->archive);
        rows = count_rows(spi, *archive);
    }
    if (rows > 0 && deleted_rows == "refuse") {
        pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   .message = sqltext::format("table \"%1%\" has %2%", table.name, name_rows(rows)),
                   .detail = sqltext::format("They are in the archive %1%.", archive->name),
                   .hint = "Pass deleted_rows => 'keep' to keep the archive as a plain table, or 'purge' to "
                           "drop it with its rows.",
                   .relation = relation});
    }
    ArchiveWork work = {spi, table, *settings, {}, plan_end(spi, table, *settings)};
    if (archive) {
        plan_archive_end(work, *archive, deleted_rows == "keep", rows);
    }
    std::vector<model::Step> steps = model::arrange(std::move(work.steps));
    delete_settings(spi, relation);
    registration::run_steps(spi, steps);
    return steps;
}

std::vector<model::Step> repair_archive(Oid relation) {
    pg::Spi spi;
    pg::call([] { session::check_version(); });
    catalog::Table table = registration::lock_table(spi, relation, pg::Lock::access_exclusive);
    auto settings = find_settings(spi, relation, SettingsLock::for_update);
    if (!settings) {
        pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   .message = sqltext::format("table \"%1%\" is not registered", table.name),
                   .detail = "It has the trigger of a table with an archive, as a copy of the schema without "
                             "its data leaves it.",
                   .hint = "Run softdelete.unregister(), which removes the trigger, then register it.",
                   .relation = relation});
    }
    ArchiveWork work = {spi, table, *settings};
    const std::vector<model::Step> given = give_own_views(work);
    const std::vector<ArchiveColumn> columns = read_columns(spi, relation);
    const std::vector<std::string> wrong_views = find_wrong_views(work);
    if (settings->is_missing) {
        work.settings.archive_name = choose_archive_name(table);
        check_archive_name(table, work.settings.archive_name);
        plan_archive_table(work, columns);
    } else {
        mend_columns(work);
        plan_guards(work);
    }
    plan_triggers(work);
    plan_views(work, columns);
    plan_readers(work);
    for (const std::string &view : wrong_views) {
        tell(work, Action::replace, view);
    }
    std::vector<model::Step> steps = model::arrange(std::move(work.steps));
    registration::run_steps(spi, steps);
    if (!settings->is_missing) {
        bring_views_in_step(relation);
        mend_views(work);
    }
    model::PeriodWidth width = choose_width(spi, settings->retention);
    if (settings->is_missing) {
        settings->archive = catalog::find_relation(table.schema_oid, work.settings.archive_name)->oid;
        set_archive(spi, relation, settings->archive);
        keep_to_owner(spi, *settings);
    } else {
        width = rows::get_partition_width(settings->archive);
    }
    bring_views_in_step(relation);
    make_first_partitions(spi, settings->archive, width);
    steps.insert(steps.begin(), given.begin(), given.end());
    return steps;
}

} // namespace softdelete::archive
