// configure() of a table with an archive. Called by api/registration.
#include "archive/archive_definition.hpp"
#include "archive/archive_options.hpp"
#include "archive/register_archive.hpp"
#include "catalog/table_info.hpp"
#include "pg/scopes.hpp"
#include "registration/lock_table.hpp"
#include "registration/parse_options.hpp"
#include "registration/run_steps.hpp"
#include "registry/anonymizers.hpp"
#include "registry/retention.hpp"
#include "session/extension_functions.hpp"

namespace softdelete::archive {

namespace {

[[noreturn]] void raise_option(const std::string &message, const char *hint, Oid relation, int sqlstate) {
    pg::raise({.sqlstate = sqlstate, .message = message, .hint = hint, .relation = relation});
}

// What cannot be changed is accepted where it is so anyway.
void check_request(const registration::ConfigureRequest &request, const std::string &deleted_view) {
    if (request.admin_roles) {
        raise_option("argument \"admin_roles\" is not supported yet for tables with an archive",
                     "Leave it out.", request.relation, ERRCODE_FEATURE_NOT_SUPPORTED);
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
    if (!request.retention && !is_kept && !request.visibility && !request.indexes && !request.on_expiry) {
        raise_option("nothing to configure",
                     "Give retention => '90 days', for example, or keep_forever => true.", request.relation,
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
    registration::check_retention(spi, request.retention);
    pg::call([&] { registry::lock_retention(table.oid, registry::RetentionLock::exclusive); });
    const ArchiveSettings before = *settings;
    if (request.retention || request.keep_forever.value_or(false)) {
        set_retention(spi, table.oid, request.retention);
    }
    if (request.on_expiry) {
        set_expiry(spi, table, *request.on_expiry);
    }
    settings = find_settings(spi, table.oid);
    if (settings->retention == before.retention && settings->on_expiry == before.on_expiry) {
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
