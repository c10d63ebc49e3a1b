// The former registration ends and the other one begins, in one transaction. An archive is made first and taken on then, as one that
// was left behind (archive/former_archive); one that ends stays as a plain table until its rows are back. Called by api/registration.
#include "archive/change_strategy.hpp"

#include "archive/archive_work.hpp"
#include "archive/change_parts.hpp"
#include "archive/move_rows.hpp"
#include "archive/register_archive.hpp"
#include "catalog/quoting.hpp"
#include "catalog/view_catalog.hpp"
#include "catalog/view_properties.hpp"
#include "holds/hold_tables.hpp"
#include "pg/scopes.hpp"
#include "registration/lock_table.hpp"
#include "registration/register_table.hpp"
#include "registration/run_steps.hpp"
#include "registration/unregister_table.hpp"
#include "registry/ended_registrations.hpp"
#include "rows/time_partitions.hpp"
#include "session/extension_functions.hpp"
#include "session/utility_commands.hpp"

#include <algorithm>

namespace softdelete::archive {

namespace {

using registration::ConfigureRequest;

void check_alone(const ConfigureRequest &request) {
    if (*request.strategy != "flag" && *request.strategy != "archive") {
        pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                   .message = "unrecognized value for strategy: \"" + *request.strategy + "\"",
                   .hint = "Use 'flag' or 'archive'."});
    }
    if (request.retention || request.keep_forever || request.visibility || request.indexes
        || request.admin_roles || request.on_expiry) {
        raise_not_alone();
    }
}

// The columns of a view that the one which comes in its place has not.
std::vector<std::string> find_lost_columns(pg::Spi &spi, Oid view, const std::string &name,
                                           const std::vector<ViewDefinition> &coming) {
    auto next =
        std::find_if(coming.begin(), coming.end(), [&](const auto &other) { return other.name == name; });
    if (next == coming.end()) {
        return {};
    }
    std::vector<std::string> lost = read_view_columns(spi, view);
    std::erase_if(lost, [&](const std::string &column) {
        return std::find(next->columns.begin(), next->columns.end(), column) != next->columns.end();
    });
    return lost;
}

// What the views have beside their queries, for when they are made anew. coming: what they will be, where that has fewer columns.
class KeptViews {
public:
    KeptViews(pg::Spi &spi, const catalog::Table &table, const std::vector<std::string> &views,
              const std::vector<ViewDefinition> &coming = {})
        : spi_(spi)
        , table_(table)
        , views_(views) {
        for (const std::string &view : views_) {
            auto existing = catalog::find_relation(spi_, table_.schema_oid, view);
            if (existing && existing->kind == 'v') {
                for (catalog::ViewProperty &property :
                     catalog::get_view_properties(spi_, existing->oid, table_.oid,
                                                  find_lost_columns(spi_, existing->oid, view, coming))) {
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

std::vector<model::Step> change_to_archive(pg::Spi &spi, Oid relation) {
    const auto [table, registration] =
        registration::lock_registered_table(spi, relation, pg::Lock::access_exclusive);
    holds::lock_holds_below(spi, {relation}, registry::HoldAccess::remove);
    check_can_move(spi, table, registration);
    const ArchiveSettings settings = make_archive_settings(spi, table, registration);
    const std::vector<ArchiveColumn> columns = read_live_columns(spi, table.oid, settings);
    KeptViews views(spi, table, {settings.active_view, settings.deleted_view, settings.all_view},
                    make_views(table, settings, columns));
    std::vector<model::Step> steps;
    make_empty_archive(spi, table, settings, columns, steps);
    const std::int64_t rows = move_marked_rows(spi, table, registration, settings, columns);
    steps.push_back(tell_moved(table, rows, true));
    add_steps(steps, registration::unregister_table(relation, "refuse", registration::EndingColumns::all));
    run(spi, steps, plan_column_drops(catalog::get_table_definition(spi, relation), settings));
    add_steps(steps, register_archive(make_request(table, settings, "archive")));
    set_indexes(spi, table.oid, settings.indexes);
    views.give_back();
    return steps;
}

std::vector<model::Step> change_to_flag(pg::Spi &spi, Oid relation) {
    const catalog::Table table = registration::lock_table(spi, relation, pg::Lock::access_exclusive);
    const auto settings = find_settings(spi, relation, SettingsLock::for_update);
    holds::lock_holds_below(spi, {relation}, registry::HoldAccess::remove);
    check_can_move_back(spi, table, settings);
    const catalog::TableInfo archive = catalog::get_table(spi, settings->archive);
    KeptViews views(spi, table, {settings->active_view, settings->deleted_view, settings->all_view});
    std::vector<model::Step> steps = warn_of_readers(spi, table, archive);
    add_steps(steps, unregister_archive(relation, "keep"));
    registry::note_ended_registration(spi, table.member_oids());
    add_steps(steps, registration::register_table(make_request(table, *settings, "flag")));
    const std::int64_t rows = move_archived_rows(spi, table, *settings, archive);
    steps.push_back(tell_moved(table, rows, false));
    run(spi, steps, {plan_archive_drop(archive, *settings)});
    views.give_back();
    return steps;
}

} // namespace

std::vector<model::Step> change_strategy(const ConfigureRequest &request) {
    pg::Spi spi;
    pg::call([] { session::check_version(); });
    check_alone(request);
    const bool wants_archive = *request.strategy == "archive";
    bool is_archive = has_archive(
        spi, request.relation,
        has_archive(request.relation) == wants_archive ? pg::Lock::access_share : pg::Lock::access_exclusive);
    if (is_archive != wants_archive) { // by what was committed meanwhile
        is_archive = has_archive(spi, request.relation, pg::Lock::access_exclusive);
    }
    if (is_archive == wants_archive) {
        if (is_archive) {
            (void)registration::lock_table(spi, request.relation, pg::Lock::access_share);
        } else {
            (void)registration::lock_registered_table(spi, request.relation, pg::Lock::access_share);
        }
        return {};
    }
    std::vector<model::Step> steps =
        is_archive ? change_to_flag(spi, request.relation) : change_to_archive(spi, request.relation);
    std::stable_partition(steps.begin(), steps.end(),
                          [](const model::Step &step) { return step.action == model::Action::warning; });
    return steps;
}

} // namespace softdelete::archive
