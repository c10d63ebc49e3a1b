// The former registration ends and the other one begins, in one transaction. An archive is made first and taken on then, as one that
// was left behind (archive/former_archive); one that ends stays as a plain table until its rows are back. Called by api/registration.
#include "archive/change_strategy.hpp"

#include "archive/archive_readers.hpp"
#include "archive/archive_work.hpp"
#include "archive/between.hpp"
#include "archive/change_parts.hpp"
#include "archive/kept_views.hpp"
#include "archive/lock_for_change.hpp"
#include "archive/move_rows.hpp"
#include "archive/register_archive.hpp"
#include "archive/warn_of_change.hpp"
#include "catalog/quoting.hpp"
#include "catalog/view_catalog.hpp"
#include "catalog/view_properties.hpp"
#include "history/follow_table.hpp"
#include "holds/hold_tables.hpp"
#include "pg/scopes.hpp"
#include "pg/transactions.hpp"
#include "registration/lock_table.hpp"
#include "registration/parse_options.hpp"
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
    check_strategy(*request.strategy, request.visibility);
    if (request.retention || request.keep_forever || request.indexes || request.admin_roles
        || request.on_expiry) {
        raise_not_alone();
    }
}

void run(pg::Spi &spi, std::vector<model::Step> &steps, const std::vector<model::Step> &more) {
    registration::run_steps(spi, more);
    add_steps(steps, more);
}

// What a table between the strategies has already is not made again.
std::vector<model::Step> change_to_archive(pg::Spi &spi, Oid relation) {
    const auto [table, registration] =
        registration::lock_registered_table(spi, relation, pg::Lock::access_exclusive);
    holds::lock_holds_below(spi, {relation}, registry::HoldAccess::remove);
    check_can_move(spi, table, registration);
    const auto begun = find_settings(spi, relation, SettingsLock::for_update);
    const ArchiveSettings settings = begun ? *begun : make_archive_settings(table, registration);
    const std::vector<ArchiveColumn> columns = read_live_columns(spi, table.oid, settings);
    KeptViews views(spi, table, settings, make_views(table, settings, columns));
    std::vector<model::Step> steps;
    if (begun) {
        delete_settings(spi, relation);
    } else {
        steps = make_empty_archive(spi, table, settings, columns);
    }
    const std::int64_t rows = move_marked_rows(spi, table, registration, settings, columns);
    steps.push_back(tell_moved(table, rows, true));
    const std::vector<model::Step> ends =
        registration::unregister_table(relation, "refuse", registration::EndingColumns::all);
    add_steps(steps, warn_of_change(spi, table, registration, ends));
    add_steps(steps, ends);
    run(spi, steps, plan_column_drops(catalog::get_table_definition(spi, relation), settings));
    add_steps(steps, register_archive(make_request(table, settings, "archive")));
    history::follow_table(spi, relation);
    set_indexes(spi, table.oid, settings.indexes);
    views.give_back(); // which leaves nothing but what the views had before
    give_grants(spi, relation);
    return steps;
}

std::vector<model::Step> change_to_flag(pg::Spi &spi, Oid relation, const std::string &visibility) {
    const catalog::Table table = registration::lock_table(spi, relation, pg::Lock::access_exclusive);
    const auto settings = find_settings(spi, relation, SettingsLock::for_update);
    holds::lock_holds_below(spi, {relation}, registry::HoldAccess::remove);
    check_can_move_back(spi, table, settings);
    const catalog::TableInfo archive = catalog::get_table(spi, settings->archive);
    KeptViews views(spi, table, *settings);
    std::vector<model::Step> steps = warn_of_readers(spi, table, archive, visibility, Asked::at_once);
    add_steps(steps, warn_of_subscribers(spi, table));
    add_steps(steps, unregister_archive(relation, "keep"));
    registry::note_ended_registration(spi, table.member_oids());
    add_steps(steps, registration::register_table(make_request(table, *settings, "flag", visibility)));
    history::follow_table(spi, relation);
    const std::int64_t rows = move_archived_rows(spi, table, *settings, archive);
    steps.push_back(tell_moved(table, rows, false));
    run(spi, steps, {plan_archive_drop(archive, *settings)});
    views.give_back();
    return steps;
}

// From between the strategies.
std::vector<model::Step> go_back_to_flag(pg::Spi &spi, Oid relation,
                                         const std::optional<std::string> &visibility) {
    const auto [table, registration] =
        registration::lock_registered_table(spi, relation, pg::Lock::access_exclusive);
    holds::lock_holds_below(spi, {relation}, registry::HoldAccess::remove);
    const auto settings = find_settings(spi, relation, SettingsLock::for_update);
    check_can_move_back(spi, table, settings);
    const catalog::TableInfo archive = catalog::get_table(spi, settings->archive);
    std::vector<model::Step> steps = set_visibility(spi, relation, visibility);
    steps.push_back(tell_moved(table, move_archived_rows(spi, table, *settings, archive), false));
    steps.push_back(plan_archive_drop(archive, *settings));
    drop_archive(spi, table, *settings);
    return steps;
}

bool has_strategy(pg::Spi &spi, Oid relation, bool wants_archive) {
    return !is_between(spi, relation) && has_archive(relation) == wants_archive;
}

// Is it one that may be given a strategy, and whose?
void check_table(pg::Spi &spi, Oid relation, bool is_archive) {
    if (is_archive) {
        (void)registration::lock_table(spi, relation, pg::Lock::access_share);
    } else {
        (void)registration::lock_registered_table(spi, relation, pg::Lock::access_share);
    }
}

// When a change that is under way has ended. The lock goes where it has not: a stronger one follows.
bool has_strategy_already(pg::Spi &spi, Oid relation, bool wants_archive) {
    if (!has_strategy(spi, relation, wants_archive)) {
        return false;
    }
    pg::Subtransaction look;
    (void)has_archive(spi, relation, pg::Lock::access_share);
    if (!has_strategy(spi, relation, wants_archive)) {
        return false;
    }
    check_table(spi, relation, wants_archive);
    look.commit();
    return true;
}

} // namespace

void check_strategy(const std::string &strategy, const std::optional<std::string> &visibility) {
    if (strategy != "flag" && strategy != "archive") {
        pg::raise({.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
                   .message = "unrecognized value for strategy: \"" + strategy + "\"",
                   .hint = "Use 'flag' or 'archive'."});
    }
    if (visibility) {
        (void)registration::get_visibility(*visibility);
        if (strategy == "archive") {
            raise_not_alone();
        }
    }
}

std::vector<model::Step> set_visibility(pg::Spi &spi, Oid relation,
                                        const std::optional<std::string> &visibility) {
    if (!visibility) {
        return {};
    }
    const auto registration = registry::find_registration(spi, relation);
    if (registration && registration->settings.visibility == registration::get_visibility(*visibility)) {
        return {};
    }
    ConfigureRequest request = {};
    request.relation = relation;
    request.visibility = visibility;
    request.strategy = "flag";
    return registration::configure_table(request);
}

std::vector<model::Step> change_strategy(const ConfigureRequest &request) {
    pg::Spi spi;
    pg::call([] { session::check_version(); });
    check_alone(request);
    const bool wants_archive = *request.strategy == "archive";
    if (has_strategy_already(spi, request.relation, wants_archive)) {
        return set_visibility(spi, request.relation, request.visibility);
    }
    lock_for_change(spi, request.relation, wants_archive);
    if (has_strategy(spi, request.relation, wants_archive)) { // by what was committed meanwhile
        check_table(spi, request.relation, wants_archive);
        return set_visibility(spi, request.relation, request.visibility);
    }
    if (is_between(spi, request.relation)) {
        return wants_archive ? change_to_archive(spi, request.relation)
                             : go_back_to_flag(spi, request.relation, request.visibility);
    }
    std::vector<model::Step> steps =
        wants_archive ? change_to_archive(spi, request.relation)
                      : change_to_flag(spi, request.relation, request.visibility.value_or("filter"));
    std::stable_partition(steps.begin(), steps.end(),
                          [](const model::Step &step) { return step.action == model::Action::warning; });
    return steps;
}

} // namespace softdelete::archive
