// What archive/change_strategy, archive/between and archive/plan_change share of a change of strategy: what is asked of catalogs and
// our own tables, and the empty archive.
#include "archive/change_parts.hpp"

#include "archive/archive_work.hpp"
#include "archive/own_columns.hpp"
#include "catalog/mixed_links.hpp"
#include "catalog/quoting.hpp"
#include "holds/held_rows.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "registration/check_rules.hpp"
#include "registration/column_dependents.hpp"
#include "registration/run_steps.hpp"
#include "registry/anonymizers.hpp"
#include "registry/hold_log.hpp"
#include "rows/time_partitions.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/table_statements.hpp"

#include <algorithm>

namespace softdelete::archive {

namespace {

using registration::RegisterRequest;

[[noreturn]] void refuse_change(const catalog::Table &table, const std::string &detail, const char *hint) {
    pg::raise({.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
               .message = sqltext::format("cannot change the strategy of table \"%1%\"", table.name),
               .detail = detail,
               .hint = hint,
               .relation = table.oid});
}

constexpr const char *table_readers_query = R"(
    WITH grants (relation, role) AS (
        SELECT c.oid, x.grantee FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
        WHERE c.oid IN ($1::pg_catalog.oid, $2::pg_catalog.oid) AND x.grantee <> c.relowner AND x.privilege_type = 'SELECT'
        UNION ALL
        SELECT c.oid, x.grantee FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
        CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) x
        WHERE c.oid = $1::pg_catalog.oid AND x.grantee <> c.relowner AND x.privilege_type = 'SELECT')
    SELECT pg_catalog.string_agg(DISTINCT CASE g.role WHEN 0 THEN 'PUBLIC'
                                              ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.role)) END, ', ')
    FROM grants g
    WHERE g.relation = $1::pg_catalog.oid
      AND NOT EXISTS (SELECT FROM grants o WHERE o.relation = $2::pg_catalog.oid AND o.role = g.role))";

} // namespace

std::vector<model::Step> warn_of_readers(pg::Spi &spi, const catalog::Table &table,
                                         const catalog::TableInfo &archive, const std::string &visibility,
                                         Asked asked) {
    if (visibility == "rls") {
        return {};
    }
    const pg::Rows rows = spi.query(table_readers_query, {table.oid, archive.relation});
    if (rows.front().is_null(0)) {
        return {};
    }
    const sqltext::Literal name(pg::quote_literal(table.qualified.text()));
    const std::string command =
        asked == Asked::at_once
            ? sqltext::format(
                "SELECT * FROM softdelete.configure(%1%, strategy => 'flag', visibility => 'rls')", name)
            : sqltext::format("CALL softdelete.change_strategy(%1%, 'flag', visibility => 'rls')", name);
    return {{table.oid,
             "rows of the archive",
             model::Action::warning,
             false,
             {command},
             "who may read the table, and not the archive, may ask for deleted rows from now on: "
                 + rows.front().text(0),
             model::warning::archive_opened,
             "To keep them from that"}};
}

void add_steps(std::vector<model::Step> &steps, std::vector<model::Step> more) {
    steps.insert(steps.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void raise_not_alone() {
    pg::raise(
        {.sqlstate = ERRCODE_INVALID_PARAMETER_VALUE,
         .message = "the strategy is changed by itself",
         .hint = "Change other settings by a call of their own, but for the visibility on the way back, with "
                 "strategy => 'flag'."});
}

void check_no_holds(pg::Spi &spi, const catalog::Table &table) {
    bool is_held = std::any_of(table.members.begin(), table.members.end(), [](const auto &member) {
        return !registry::find_active_holds(member.oid).empty();
    });
    if (is_held || holds::find_hold_at_risk(spi, catalog::get_table(spi, table.oid), table.oid)) {
        refuse_change(table, "It has rows on hold.", "Release them first.");
    }
}

void check_can_move(pg::Spi &spi, const catalog::Table &table, const registry::Registration &registration) {
    catalog::check_mixed_links(spi, table.oid, catalog::Strategy::archive);
    registration::check_insert_rules(spi, table);
    // Between the strategies another visibility is one that the way back was to have.
    const bool has_visibility = registration.settings.visibility != model::Visibility::filter
                                && !catalog::get_table(spi, table.oid).is_between();
    if (has_visibility || registration.settings.on_expiry != model::OnExpiry::purge) {
        refuse_change(table, "It has a visibility or on_expiry that would not come along.",
                      "Set visibility => 'filter' and on_expiry => 'purge' first.");
    }
    for (const registry::Anonymizer &rule : registry::find_anonymizers(spi, table.oid)) {
        if (rule.column == registration.settings.deleted_by) {
            refuse_change(table, "It has a rule for anonymization of a column that goes.",
                          "Remove it by softdelete.set_anonymizer() first.");
        }
    }
    if (const catalog::Member *heir = table.find_heir()) {
        refuse_change(table, sqltext::format("Table \"%1%\" inherits from it.", heir->name),
                      "Tables with inheritance children have no archive.");
    }
    check_no_holds(spi, table);
    const registration::TableWork work = registration::begin_work(spi, table, registration, false);
    registration::check_dependents(work,
                                   registration::find_ending_columns(work, registration::EndingColumns::all));
}

void check_can_move_back(pg::Spi &spi, const catalog::Table &table,
                         const std::optional<ArchiveSettings> &settings) {
    if (!settings || settings->is_missing) {
        pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   .message = sqltext::format("the archive of table \"%1%\" is missing", table.name),
                   .hint = "Run softdelete.repair(), which makes a new one, or softdelete.unregister().",
                   .relation = table.oid});
    }
    check_no_holds(spi, table);
    if (settings->on_expiry != model::OnExpiry::purge) {
        refuse_change(table, "It has an on_expiry that would not come along.",
                      "Set on_expiry => 'purge' first.");
    }
    catalog::check_mixed_links(spi, table.oid, catalog::Strategy::flag);
}

ArchiveSettings make_archive_settings(const catalog::Table &table,
                                      const registry::Registration &registration) {
    const model::TableSettings &before = registration.settings;
    return {.relation = table.oid,
            .archive = InvalidOid,
            .archive_name = choose_archive_name(table),
            .deleted_at = before.deleted_at,
            .deleted_by = before.deleted_by,
            .active_view = before.active_view,
            .deleted_view = before.deleted_view,
            .all_view = before.all_view,
            .retention = before.retention,
            .admin_roles = before.admin_roles,
            .indexes = model::to_text(before.indexes)};
}

std::vector<ArchiveColumn> read_live_columns(pg::Spi &spi, Oid relation, const ArchiveSettings &settings) {
    const std::vector<std::string> own = get_own_columns(settings);
    std::vector<ArchiveColumn> columns = read_columns(spi, relation);
    std::erase_if(columns, [&](const ArchiveColumn &column) {
        return std::find(own.begin(), own.end(), column.name) != own.end();
    });
    return columns;
}

std::vector<model::Step> make_empty_archive(pg::Spi &spi, const catalog::Table &table,
                                            const ArchiveSettings &settings,
                                            const std::vector<ArchiveColumn> &columns) {
    check_archive_name(table, settings.archive_name);
    ArchiveWork work = {spi, table, settings};
    plan_archive_table(work, columns);
    work.steps.resize(1); // partitions are made for the rows that are there
    registration::run_steps(spi, work.steps);
    session::OwnDdlScope own_ddl;
    pg::UserScope owner(table.owner);
    rows::revoke_grants(spi, name_beside(table, settings.archive_name).text());
    return work.steps;
}

RegisterRequest make_request(const catalog::Table &table, const ArchiveSettings &settings,
                             const char *strategy, const std::string &visibility) {
    return {.relation = table.oid,
            .retention = settings.retention,
            .strategy = strategy,
            .visibility = visibility,
            .cascade = false,
            .indexes = strategy == std::string("flag") ? settings.indexes : std::nullopt,
            .deleted_at = settings.deleted_at,
            .deleted_by = settings.deleted_by,
            .admin_roles = settings.admin_roles,
            .active_view = settings.active_view,
            .deleted_view = settings.deleted_view,
            .all_view = settings.all_view,
            .on_expiry = "purge",
            .all_referencing = false};
}

model::Step tell_moved(const catalog::Table &table, std::int64_t rows, bool to_archive) {
    return {table.oid,
            std::to_string(rows) + (rows == 1 ? " deleted row" : " deleted rows"),
            model::Action::alter,
            false,
            {},
            to_archive ? "they move to the archive" : "they come back from the archive, marked as deleted"};
}

std::vector<model::Step> plan_column_drops(const catalog::Table &table, const ArchiveSettings &settings) {
    std::vector<model::Step> steps;
    for (const std::string &name : get_own_columns(settings)) {
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

model::Step plan_archive_drop(const catalog::TableInfo &archive, const ArchiveSettings &settings) {
    return {settings.relation,
            "table " + catalog::identifier(settings.archive_name).text(),
            model::Action::drop,
            false,
            {"DROP TABLE " + archive.name}};
}

} // namespace softdelete::archive
