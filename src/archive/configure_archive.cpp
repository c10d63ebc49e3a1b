// configure() of a table with an archive. Called by api/registration.
#include "archive/archive_options.hpp"
#include "archive/archive_readers.hpp"
#include "archive/register_archive.hpp"
#include "catalog/table_info.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "registration/lock_table.hpp"
#include "registration/parse_options.hpp"
#include "registration/run_steps.hpp"
#include "registry/anonymizers.hpp"
#include "registry/retention.hpp"
#include "session/extension_functions.hpp"

#include <algorithm>
#include <iterator>

namespace softdelete::archive {

namespace {

[[noreturn]] void raise_option(const std::string &message, const char *hint, Oid relation, int sqlstate) {
    pg::raise({.sqlstate = sqlstate, .message = message, .hint = hint, .relation = relation});
}

// What cannot be changed is accepted where it is so anyway.
void check_request(const registration::ConfigureRequest &request, const std::string &deleted_view) {
    if (request.visibility) {
        (void)registration::get_visibility(*request.visibility);
        check_visibility(*request.visibility, deleted_view, request.relation);
    }
    if (request.indexes) {
        (void)registration::get_index_mode(*request.indexes);
        check_indexes(*request.indexes, request.relation);
    }
    bool is_kept = request.keep_forever.value_or(false);
    if (request.retention && is_kept) {
        raise_option("retention and keep_forever contradict each other",
                     "Give retention => '90 days', for example, or keep_forever => true.", request.relation,
                     ERRCODE_INVALID_PARAMETER_VALUE);
    }
    if (!request.retention && !is_kept && !request.visibility && !request.indexes && !request.on_expiry
        && !request.admin_roles) {
        raise_option("nothing to configure",
                     "Give retention, keep_forever, admin_roles, on_expiry or strategy.", request.relation,
                     ERRCODE_INVALID_PARAMETER_VALUE);
    }
}

void set_expiry(pg::Spi &spi, const catalog::Table &table, const std::string &text) {
    const model::OnExpiry on_expiry = registration::get_on_expiry(text);
    if (on_expiry == model::OnExpiry::anonymize && registry::find_anonymizers(spi, table.oid).empty()) {
        raise_option(sqltext::format("table \"%1%\" has no rules for anonymization", table.name),
                     "Set one for each column with personal data by softdelete.set_anonymizer() first.",
                     table.oid, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE);
    }
    set_on_expiry(spi, table.oid, on_expiry);
}

std::string list_names(const std::vector<std::string> &names) {
    std::string list;
    for (const std::string &name : names) {
        list += (list.empty() ? "" : ", ") + pg::quote_identifier(name);
    }
    return list.empty() ? "none" : list;
}

void plan_roles(ArchiveWork &work, const std::vector<std::string> &before) {
    const std::vector<std::string> &now = work.settings.admin_roles;
    work.add(model::Action::alter, work.table.oid, "setting admin_roles", {},
             sqltext::format("it was %1%, it is %2%", list_names(before), list_names(now)));
    std::vector<std::string> gone;
    std::copy_if(before.begin(), before.end(), std::back_inserter(gone), [&](const std::string &role) {
        return std::find(now.begin(), now.end(), role) == now.end();
    });
    plan_revocation(work, gone, Views::stay);
    plan_readers(work);
}

} // namespace

std::vector<model::Step> configure_archive(const registration::ConfigureRequest &request) {
    pg::Spi spi;
    pg::call([] { session::check_version(); });
    catalog::Table table = registration::lock_table(spi, request.relation, pg::Lock::access_share);
    auto settings = find_settings(spi, table.oid, SettingsLock::for_update);
    if (!settings) {
        raise_option(sqltext::format("table \"%1%\" is not registered", table.name),
                     "Register it with softdelete.register().", table.oid,
                     ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE);
    }
    if (settings->is_missing) {
        pg::call([&] { catalog::raise_archive_missing(table.oid); });
    }
    check_request(request, settings->deleted_view);
    registration::check_roles(spi, request.admin_roles.value_or(std::vector<std::string>()));
    registration::check_retention(spi, request.retention);
    pg::call([&] { registry::lock_retention(table.oid, registry::RetentionLock::exclusive); });
    const ArchiveSettings before = *settings;
    if (request.retention || request.keep_forever.value_or(false)) {
        set_retention(spi, table.oid, request.retention);
    }
    if (request.on_expiry) {
        set_expiry(spi, table, *request.on_expiry);
    }
    if (request.admin_roles) {
        set_admin_roles(spi, table.oid, *request.admin_roles);
    }
    ArchiveWork work = {spi, table, *find_settings(spi, table.oid)};
    if (work.settings.retention != before.retention || work.settings.on_expiry != before.on_expiry) {
        work.add(model::Action::alter, table.oid, "comments",
                 {make_retention_comment(name_beside(table, before.archive_name), work.settings)});
    }
    if (work.settings.admin_roles != before.admin_roles) {
        plan_roles(work, before.admin_roles);
    }
    std::vector<model::Step> steps = model::arrange(std::move(work.steps));
    registration::run_steps(spi, steps);
    return steps;
}

} // namespace softdelete::archive
