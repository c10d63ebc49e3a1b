// configure() of a table with an archive. Called by api/registration.
#include "archive/archive_definition.hpp"
#include "archive/archive_options.hpp"
#include "archive/register_archive.hpp"
#include "catalog/table_info.hpp"
#include "pg/scopes.hpp"
#include "registration/lock_table.hpp"
#include "registration/parse_options.hpp"
#include "registration/run_steps.hpp"
#include "registry/retention.hpp"
#include "session/extension_functions.hpp"

namespace softdelete::archive {

namespace {

[[noreturn]] void raise_option(const std::string &message, const char *hint, Oid relation, int sqlstate) {
    pg::raise({.sqlstate = sqlstate, .message = message, .hint = hint, .relation = relation});
}

// What cannot be changed is accepted where it is so anyway.
void check_request(const registration::ConfigureRequest &request, const std::string &deleted_view) {
    const std::pair<const char *, bool> others[] = {{"admin_roles", request.admin_roles.has_value()},
                                                    {"on_expiry", request.on_expiry.has_value()}};
    for (const auto &[name, is_given] : others) {
        if (is_given) {
            raise_option(
                sqltext::format("argument \"%1%\" is not supported yet for tables with an archive", name),
                "Leave it out.", request.relation, ERRCODE_FEATURE_NOT_SUPPORTED);
        }
    }
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
    if (!request.retention && !is_kept && !request.visibility && !request.indexes) {
        raise_option("nothing to configure",
                     "Give retention => '90 days', for example, or keep_forever => true.", request.relation,
                     ERRCODE_INVALID_PARAMETER_VALUE);
    }
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
    if (!request.retention && !request.keep_forever.value_or(false)) {
        return {};
    }
    registration::check_retention(spi, request.retention);
    pg::call([&] { registry::lock_retention(table.oid, registry::RetentionLock::exclusive); });
    std::optional<std::string> before = settings->retention;
    set_retention(spi, table.oid, request.retention);
    settings = find_settings(spi, table.oid);
    if (settings->retention == before) {
        return {};
    }
    std::vector<model::Step> steps = {
        {table.oid,
         "comments",
         model::Action::alter,
         false,
         {make_retention_comment(name_beside(table, settings->archive_name), *settings)}}};
    registration::run_steps(spi, steps);
    return steps;
}

} // namespace softdelete::archive
