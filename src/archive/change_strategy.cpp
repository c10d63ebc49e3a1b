// The former registration ends and the other one begins, in one transaction. An archive is made first and taken on then, as one that
// was left behind (archive/former_archive); one that ends stays as a plain table until its rows are back. Called by api/registration.
#include "archive/change_strategy.hpp"

#include "archive/archive_work.hpp"
#include "archive/move_rows.hpp"
#include "archive/own_columns.hpp"
#include "archive/register_archive.hpp"
#include "catalog/mixed_links.hpp"
#include "catalog/quoting.hpp"
#include "catalog/view_catalog.hpp"
#include "catalog/view_properties.hpp"
#include "pg/scopes.hpp"
#include "registration/lock_table.hpp"
#include "registration/register_table.hpp"
#include "registration/run_steps.hpp"
#include "registration/unregister_table.hpp"
#include "registry/anonymizers.hpp"
#include "registry/hold_log.hpp"
#include "rows/time_partitions.hpp"
#include "session/extension_functions.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/table_statements.hpp"

#include <algorithm>

namespace softdelete::archive {

namespace {

using registration::ConfigureRequest;
using registration::RegisterRequest;

void check_alone(const ConfigureRequest &request) {
    if (*request.strategy != "flag" && *request.strategy != "archive") {
        pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                   .message = "unrecognized value for strategy: \"" + *request.strategy + "\"",
                   .hint = "Use 'flag' or 'archive'."});
    }
    if (request.retention || request.keep_forever || request.visibility || request.indexes
        || request.admin_roles || request.on_expiry) {
        pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                   .message = "the strategy is changed by itself",
                   .hint = "Change other settings by a call of their own."});
    }
}

[[noreturn]] void refuse_change(const catalog::Table &table, const std::string &detail, const char *hint) {
    pg::raise({.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
               .message = sqltext::format("cannot change the strategy of table \"%1%\"", table.name),
               .detail = detail,
               .hint = hint,
               .relation = table.oid});
}

void check_no_holds(const catalog::Table &table) {
    for (const catalog::Member &member : table.members) {
        if (!registry::find_active_holds(member.oid).empty()) {
            refuse_change(table, "It has rows on hold.", "Release them first.");
        }
    }
}

// What the views have beside their queries, for when they are made anew.
class KeptViews {
public:
    KeptViews(pg::Spi &spi, const catalog::Table &table, const std::vector<std::string> &views)
        : spi_(spi)
        , table_(table)
        , views_(views) {
        for (const std::string &view : views_) {
            auto existing = catalog::find_relation(spi_, table_.schema_oid, view);
            if (existing && existing->kind == 'v') {
                for (catalog::ViewProperty &property :
                     catalog::get_view_properties(spi_, existing->oid, table_.oid, {})) {
                    properties_.push_back(std::move(property));
                }
            }
        }
    }

    void give_back() {
        session::OwnDdlScope own_ddl;
        for (const std::string &view : views_) {
            auto existing = catalog::find_relation(spi_, table_.schema_oid, view);
            if (existing) {
                pg::UserScope owner(table_.owner);
                catalog::revoke_default_privileges(spi_, existing->oid);
            }
        }
        for (const catalog::ViewProperty &property : properties_) {
            pg::UserScope role(OidIsValid(property.role) ? property.role : table_.owner);
            spi_.execute(property.command);
        }
    }

private:
    pg::Spi &spi_;
    const catalog::Table &table_;
    const std::vector<std::string> views_;
    std::vector<catalog::ViewProperty> properties_;
};

void add_steps(std::vector<model::Step> &steps, std::vector<model::Step> more) {
    steps.insert(steps.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

model::Step tell_rows(const catalog::Table &table, std::int64_t rows, const char *remark) {
    return {table.oid,
            std::to_string(rows) + (rows == 1 ? " deleted row" : " deleted rows"),
            model::Action::alter,
            false,
            {},
            remark};
}

void run(pg::Spi &spi, std::vector<model::Step> &steps, const std::vector<model::Step> &more) {
    registration::run_steps(spi, more);
    add_steps(steps, more);
}

// Empty, with the columns that the table will have.
void make_empty_archive(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings,
                        const std::vector<ArchiveColumn> &columns, std::vector<model::Step> &steps) {
    check_archive_name(spi, table, settings.archive_name);
    ArchiveWork work = {spi, table, settings};
    plan_archive_table(work, columns);
    run(spi, steps, {work.steps.front()});
    session::OwnDdlScope own_ddl;
    pg::UserScope owner(table.owner);
    rows::revoke_grants(spi, name_beside(table, settings.archive_name).text());
}

// Those that were there before registration have nothing to say any more: all rows are live.
std::vector<model::Step> plan_column_drops(const catalog::Table &table, const std::vector<std::string> &own) {
    std::vector<model::Step> steps;
    for (const std::string &name : own) {
        if (table.find_column(name) != nullptr) {
            sqltext::Identifier column = catalog::identifier(name);
            steps.push_back({table.oid,
                             "column " + column.text(),
                             model::Action::drop,
                             false,
                             {sqltext::drop_column(table.qualified, column).text()}});
        }
    }
    return steps;
}

RegisterRequest make_request(const catalog::Table &table, const ArchiveSettings &settings,
                             const char *strategy) {
    return {.relation = table.oid,
            .retention = settings.retention,
            .strategy = strategy,
            .visibility = "filter",
            .cascade = false,
            .indexes = std::nullopt,
            .deleted_at = settings.deleted_at,
            .deleted_by = settings.deleted_by,
            .admin_roles = {},
            .active_view = settings.active_view,
            .deleted_view = settings.deleted_view,
            .all_view = settings.all_view,
            .on_expiry = "purge",
            .all_referencing = false};
}

void check_can_move(pg::Spi &spi, const catalog::Table &table, const registry::Registration &registration) {
    catalog::check_mixed_links(spi, table.oid, catalog::Strategy::archive);
    if (registration.settings.visibility != model::Visibility::filter
        || !registration.settings.admin_roles.empty()
        || registration.settings.on_expiry != model::OnExpiry::purge) {
        refuse_change(table, "It has a visibility, admin_roles or on_expiry that would not come along.",
                      "Set visibility => 'filter', admin_roles => '{}' and on_expiry => 'purge' first.");
    }
    for (const registry::Anonymizer &rule : registry::find_anonymizers(spi, table.oid)) {
        if (rule.column == registration.settings.deleted_by) {
            refuse_change(table, "It has a rule for anonymization of a column that goes.",
                          "Remove it by softdelete.set_anonymizer() first.");
        }
    }
    for (const catalog::Member &member : table.members) {
        if (member.oid != table.oid && !member.is_partition) {
            refuse_change(table, sqltext::format("Table \"%1%\" inherits from it.", member.name),
                          "Tables with inheritance children have no archive.");
        }
    }
    check_no_holds(table);
}

std::vector<model::Step> change_to_archive(pg::Spi &spi, Oid relation) {
    const auto [table, registration] =
        registration::lock_registered_table(spi, relation, pg::Lock::access_exclusive);
    check_can_move(spi, table, registration);
    const model::TableSettings &before = registration.settings;
    const ArchiveSettings settings = {.relation = table.oid,
                                      .archive = InvalidOid,
                                      .archive_name = choose_archive_name(spi, table),
                                      .deleted_at = before.deleted_at,
                                      .deleted_by = before.deleted_by,
                                      .active_view = before.active_view,
                                      .deleted_view = before.deleted_view,
                                      .all_view = before.all_view,
                                      .retention = before.retention};
    const std::vector<std::string> own = get_own_columns(settings);
    std::vector<ArchiveColumn> columns = read_columns(spi, table.oid);
    std::erase_if(columns, [&](const ArchiveColumn &column) {
        return std::find(own.begin(), own.end(), column.name) != own.end();
    });
    KeptViews views(spi, table, {settings.active_view, settings.deleted_view, settings.all_view});
    std::vector<model::Step> steps;
    make_empty_archive(spi, table, settings, columns, steps);
    const std::int64_t rows = move_marked_rows(spi, table, registration, settings, columns);
    steps.push_back(tell_rows(table, rows, "they move to the archive"));
    add_steps(steps, registration::unregister_table(relation, "refuse"));
    run(spi, steps, plan_column_drops(catalog::get_table_definition(spi, relation), own));
    add_steps(steps, register_archive(make_request(table, settings, "archive")));
    views.give_back();
    return steps;
}

std::vector<model::Step> change_to_flag(pg::Spi &spi, Oid relation) {
    const catalog::Table table = registration::lock_table(spi, relation, pg::Lock::access_exclusive);
    const auto settings = find_settings(spi, relation, SettingsLock::for_update);
    if (!settings || settings->is_missing) {
        pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   .message = sqltext::format("the archive of table \"%1%\" is missing", table.name),
                   .hint = "Run softdelete.repair(), which makes a new one, or softdelete.unregister().",
                   .relation = relation});
    }
    check_no_holds(table);
    if (settings->on_expiry != model::OnExpiry::purge) {
        refuse_change(table, "It has an on_expiry that would not come along.",
                      "Set on_expiry => 'purge' first.");
    }
    const catalog::TableInfo archive = catalog::get_table(spi, settings->archive);
    KeptViews views(spi, table, {settings->active_view, settings->deleted_view, settings->all_view});
    std::vector<model::Step> steps = unregister_archive(relation, "keep");
    add_steps(steps, registration::register_table(make_request(table, *settings, "flag")));
    const std::int64_t rows = move_archived_rows(spi, table, *settings, archive);
    steps.push_back(tell_rows(table, rows, "they come back from the archive, marked as deleted"));
    run(spi, steps,
        {{table.oid,
          "table " + catalog::identifier(settings->archive_name).text(),
          model::Action::drop,
          false,
          {"DROP TABLE " + archive.name}}});
    views.give_back();
    return steps;
}

} // namespace

std::vector<model::Step> change_strategy(const ConfigureRequest &request) {
    pg::Spi spi;
    pg::call([] { session::check_version(); });
    check_alone(request);
    bool is_archive = has_archive(request.relation);
    if (is_archive == (*request.strategy == "archive")) {
        if (is_archive) {
            (void)registration::lock_table(spi, request.relation, pg::Lock::access_share);
        } else {
            (void)registration::lock_registered_table(spi, request.relation, pg::Lock::access_share);
        }
        return {};
    }
    return is_archive ? change_to_flag(spi, request.relation) : change_to_archive(spi, request.relation);
}

} // namespace softdelete::archive
