// Works the steps out from the catalogs as they are, in the order in which archive/change_strategy takes them. Called by
// archive/register_by_strategy. What is taken away and made again in between, as the guard against TRUNCATE, is no step.
#include "archive/plan_change.hpp"

#include "archive/archive_readers.hpp"
#include "archive/archive_work.hpp"
#include "archive/between.hpp"
#include "archive/change_parts.hpp"
#include "archive/move_rows.hpp"
#include "archive/register_archive.hpp"
#include "archive/warn_of_change.hpp"
#include "archive/warn_of_links.hpp"
#include "catalog/quoting.hpp"
#include "model/trigger_names.hpp"
#include "pg/scopes.hpp"
#include "registration/lock_table.hpp"
#include "registration/unregister_table.hpp"
#include "session/extension_functions.hpp"

#include <algorithm>

namespace softdelete::archive {

namespace {

using registration::RegisterRequest;

// Has nothing but the table, the strategy, and with flag the visibility: what is not given has the default of plan().
void check_alone(const RegisterRequest &request) {
    const bool may_be_visible = request.strategy == "flag" || request.visibility == "filter";
    if (request.retention || !may_be_visible || request.cascade || request.indexes
        || request.deleted_at != "deleted_at" || request.deleted_by != "deleted_by"
        || !request.admin_roles.empty() || request.active_view || request.deleted_view || request.all_view
        || request.on_expiry != "purge" || request.all_referencing) {
        raise_not_alone();
    }
}

std::vector<model::Step> plan_triggers_and_views(pg::Spi &spi, const catalog::Table &table,
                                                 const ArchiveSettings &settings,
                                                 const std::vector<ArchiveColumn> &columns) {
    ArchiveWork work = {spi, table, settings};
    plan_triggers(work);
    for (const ViewDefinition &view : make_views(table, settings, columns)) {
        work.add(model::Action::create, table.oid, "view " + catalog::identifier(view.name).text(),
                 {make_view(table, view)});
    }
    plan_readers(work);
    return work.steps;
}

std::vector<model::Step> plan_to_archive(pg::Spi &spi, Oid relation) {
    const catalog::Table table = registration::lock_table(spi, relation, pg::Lock::access_share);
    const registry::Registration registration = *registry::find_registration(spi, relation);
    check_can_move(spi, table, registration);
    const auto begun = find_settings(spi, relation);
    const ArchiveSettings settings = begun ? *begun : make_archive_settings(table, registration);
    const std::vector<ArchiveColumn> columns = read_live_columns(spi, relation, settings);
    ArchiveWork work = {spi, table, settings};
    if (!begun) {
        check_archive_name(table, settings.archive_name);
        plan_archive_table(work, columns);
    }
    std::vector<model::Step> steps = std::move(work.steps);
    steps.push_back(tell_moved(table, count_marked_rows(spi, table, registration), true));
    std::vector<model::Step> ends =
        registration::plan_unregistration(spi, table, registration, registration::EndingColumns::all);
    std::vector<model::Step> drops = plan_column_drops(table, settings);
    add_steps(steps, warn_of_change(spi, table, registration, ends));
    std::erase_if(drops, [&](const model::Step &drop) {
        return std::any_of(ends.begin(), ends.end(),
                           [&](const model::Step &end) { return end.object == drop.object; });
    });
    add_steps(steps, std::move(ends));
    add_steps(steps, std::move(drops));
    pg::UserScope owner(table.owner);
    add_steps(steps, plan_triggers_and_views(spi, table, settings, columns));
    add_steps(steps, warn_of_links(spi, table, {table}));
    return steps;
}

std::int64_t count_archived_rows(pg::Spi &spi, const catalog::TableInfo &archive) {
    pg::ReadScope owner(archive.owner);
    return spi.query("SELECT pg_catalog.count(*) FROM " + archive.name).front().number(0);
}

std::vector<model::Step> plan_to_flag(pg::Spi &spi, Oid relation, const std::string &visibility) {
    const catalog::Table table = registration::lock_table(spi, relation, pg::Lock::access_share);
    const auto settings = find_settings(spi, relation);
    check_can_move_back(spi, table, settings);
    const catalog::TableInfo archive = catalog::get_table(spi, settings->archive);
    if (is_between(spi, relation)) {
        return {tell_moved(table, count_archived_rows(spi, archive), false),
                plan_archive_drop(archive, *settings)};
    }
    std::vector<model::Step> steps = warn_of_readers(spi, table, archive, visibility, Asked::at_once);
    add_steps(steps, warn_of_subscribers(spi, table));
    add_steps(steps, plan_end(spi, table, *settings));
    RegisterRequest request = make_request(table, *settings, "flag", visibility);
    request.follows_archive = true;
    add_steps(steps, registration::plan_registration(request));
    steps.push_back(tell_moved(table, count_archived_rows(spi, archive), false));
    steps.push_back(plan_archive_drop(archive, *settings));
    return steps;
}

// Warnings first, as everywhere.
std::vector<model::Step> make_offline(std::vector<model::Step> steps) {
    const std::string guard = std::string("trigger ") + model::truncate_trigger;
    std::erase_if(steps, [&](const model::Step &step) { return step.object == guard; });
    for (model::Step &step : steps) {
        step.is_online = false;
    }
    std::stable_partition(steps.begin(), steps.end(),
                          [](const model::Step &step) { return step.action == model::Action::warning; });
    return steps;
}

} // namespace

bool is_change_of_strategy(const RegisterRequest &request) {
    if (request.strategy != "flag" && request.strategy != "archive") {
        return false;
    }
    pg::Spi spi;
    if (is_between(spi, request.relation)) {
        return true;
    }
    if (has_archive(spi, request.relation, pg::Lock::access_share)) {
        return request.strategy == "flag";
    }
    return request.strategy == "archive" && registry::find_registration(spi, request.relation).has_value();
}

std::vector<model::Step> plan_change(const RegisterRequest &request) {
    pg::Spi spi;
    pg::call([] { session::check_version(); });
    check_alone(request);
    return make_offline(request.strategy == "archive"
                            ? plan_to_archive(spi, request.relation)
                            : plan_to_flag(spi, request.relation, request.visibility));
}

} // namespace softdelete::archive
