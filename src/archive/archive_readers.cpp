// A copy of a policy says in its comment what it was made from: the server may say the same otherwise of the archive, which has
// other types in place of domains. Copies are named after their policies, with a prefix of ours, which ddl/follow_archive keeps
// users' policies from.
#include "archive/archive_readers.hpp"

#include "catalog/quoting.hpp"
#include "catalog/view_catalog.hpp"
#include "model/policy_names.hpp"
#include "pg/column_expression.hpp"
#include "pg/scopes.hpp"
#include "registration/run_steps.hpp"
#include "registration/table_work.hpp"

#include <algorithm>

namespace softdelete::archive {

namespace {

using model::Action;

struct ReaderPolicy {
    std::string name;
    bool is_permissive;
    std::string roles; // quoted, with commas
    std::string comment;
    std::string condition = {};

    bool operator==(const ReaderPolicy &other) const {
        return name == other.name && is_permissive == other.is_permissive && roles == other.roles
               && comment == other.comment;
    }
};

constexpr const char *policies_query = R"(
    SELECT p.polname, p.polpermissive,
           (SELECT pg_catalog.string_agg(CASE r.oid WHEN 0 THEN 'PUBLIC'
                                         ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.oid)) END, ', ' ORDER BY r.place)
            FROM pg_catalog.unnest(p.polroles) WITH ORDINALITY r (oid, place)),
           coalesce(pg_catalog.obj_description(p.oid, 'pg_policy'), ''), p.polqual::pg_catalog.text
    FROM pg_catalog.pg_policy p
    WHERE p.polrelid = $1::pg_catalog.oid AND p.polcmd IN ('r', '*') AND p.polqual IS NOT NULL
    ORDER BY p.polname)";

// Which of these relations the roles may not read.
constexpr const char *lacking_query = R"(
    SELECT pg_catalog.quote_ident(r.rolname), w.name
    FROM pg_catalog.unnest($2::pg_catalog.name[]) WITH ORDINALITY w (name, place)
    CROSS JOIN pg_catalog.unnest($3::pg_catalog.name[]) WITH ORDINALITY g (name, place)
    JOIN pg_catalog.pg_roles r ON r.rolname = g.name AND r.oid <> $4::pg_catalog.oid
    LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = $1::pg_catalog.oid AND c.relname = w.name
    WHERE NOT EXISTS (SELECT FROM pg_catalog.aclexplode(c.relacl) x WHERE x.grantee = r.oid AND x.privilege_type = 'SELECT')
    ORDER BY g.place, w.place)";

bool is_copy(const std::string &policy) {
    return policy.starts_with(model::archive_prefix);
}

bool has_row_security(const ArchiveWork &work) {
    return work.table.has_row_security
           || (OidIsValid(work.settings.archive)
               && work.spi
                      .query("SELECT relrowsecurity FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid",
                             {work.settings.archive})
                      .front()
                      .boolean(0));
}

ReaderPolicy read_policy(const pg::Row &row) {
    return {row.text(0), row.boolean(1), row.text(2), row.text(3)};
}

std::string choose_policy_name(const std::string &policy, const std::vector<ReaderPolicy> &others) {
    for (int number = 0;; number++) {
        const std::string name = registration::make_numbered_name(model::archive_prefix + policy, number);
        if (std::none_of(others.begin(), others.end(),
                         [&](const ReaderPolicy &other) { return other.name == name; })) {
            return name;
        }
    }
}

// Those of the table. Where its policies are out of force, one lets everybody see what he may read.
std::vector<ReaderPolicy> find_wanted(const ArchiveWork &work) {
    std::vector<ReaderPolicy> wanted;
    if (work.settings.admin_roles.empty() || !has_row_security(work)) {
        return wanted;
    }
    if (!work.table.has_row_security) {
        return {{std::string(model::archive_prefix) + "readers", true, "PUBLIC",
                 "Kept by softdelete: the table has no row security.", "true"}};
    }
    for (const pg::Row &row : work.spi.query(policies_query, {work.table.oid})) {
        ReaderPolicy policy = read_policy(row);
        const std::string source = policy.name;
        policy.name = choose_policy_name(source, wanted);
        policy.condition = pg::deparse_for_copy(work.table.oid, work.settings.archive_name, row.text(4));
        policy.comment = sqltext::format("Kept by softdelete as policy \"%1%\" of the table: %2%", source,
                                         policy.condition);
        wanted.push_back(std::move(policy));
    }
    return wanted;
}

std::vector<ReaderPolicy> find_copies(const ArchiveWork &work) {
    std::vector<ReaderPolicy> copies;
    if (!OidIsValid(work.settings.archive)) {
        return copies;
    }
    for (const pg::Row &row : work.spi.query(policies_query, {work.settings.archive})) {
        if (is_copy(row.text(0))) {
            copies.push_back(read_policy(row));
        }
    }
    return copies;
}

bool has_policy(const std::vector<ReaderPolicy> &policies, const ReaderPolicy &policy) {
    return std::find(policies.begin(), policies.end(), policy) != policies.end();
}

void add_policy(ArchiveWork &work, Action action, const ReaderPolicy &policy,
                std::vector<std::string> commands) {
    work.add(action, work.table.oid, "policy " + catalog::identifier(policy.name).text() + " of the archive",
             std::move(commands));
}

std::string make_drop(const ArchiveWork &work, const ReaderPolicy &policy) {
    return sqltext::format("DROP POLICY %1% ON %2%", catalog::identifier(policy.name),
                           name_beside(work.table, work.settings.archive_name));
}

// Those that are there and not wanted like that; where another one of the name is wanted, it replaces this one.
void plan_drops(ArchiveWork &work, const std::vector<ReaderPolicy> &wanted) {
    for (const ReaderPolicy &copy : find_copies(work)) {
        if (!has_policy(wanted, copy)) {
            add_policy(work, Action::drop, copy, {make_drop(work, copy)});
        }
    }
}

void plan_copies(ArchiveWork &work, const std::vector<ReaderPolicy> &wanted) {
    const std::vector<ReaderPolicy> there = find_copies(work);
    const sqltext::QualifiedName archive = name_beside(work.table, work.settings.archive_name);
    for (const ReaderPolicy &policy : wanted) {
        if (has_policy(there, policy)) {
            continue;
        }
        const std::string name = catalog::identifier(policy.name).text();
        add_policy(work, Action::create, policy,
                   {sqltext::format("CREATE POLICY %1% ON %2% AS %3% FOR SELECT TO %4% USING (%5%)", name,
                                    archive, (policy.is_permissive ? "PERMISSIVE" : "RESTRICTIVE"),
                                    policy.roles, policy.condition),
                    sqltext::format("COMMENT ON POLICY %1% ON %2% IS %3%", name, archive,
                                    catalog::literal(policy.comment))});
    }
}

std::vector<std::string> get_shown(const ArchiveSettings &settings) {
    return {settings.archive_name, settings.deleted_view, settings.all_view};
}

void plan_grants(ArchiveWork &work) {
    const std::vector<std::string> shown = get_shown(work.settings);
    for (const pg::Row &row :
         work.spi.query(lacking_query, {work.table.schema_oid, pg::make_array(shown),
                                        pg::make_array(work.settings.admin_roles), work.table.owner})) {
        const std::string name = name_beside(work.table, row.text(1)).text();
        work.add(Action::create, work.table.oid,
                 sqltext::format("SELECT on %1% for %2%", catalog::identifier(row.text(1)), row.text(0)),
                 {sqltext::format("GRANT SELECT ON TABLE %1% TO %2%", name, row.text(0))});
    }
}

} // namespace

void plan_readers(ArchiveWork &work) {
    const std::vector<ReaderPolicy> wanted = find_wanted(work);
    plan_drops(work, wanted);
    plan_copies(work, wanted);
    plan_grants(work);
}

void give_grants(pg::Spi &spi, Oid relation) {
    const auto settings = find_settings(spi, relation);
    if (settings && !settings->is_missing) {
        const catalog::Table table = catalog::get_table_definition(spi, relation);
        ArchiveWork work = {spi, table, *settings};
        plan_grants(work);
        registration::run_steps(spi, work.steps);
    }
}

void plan_revocation(ArchiveWork &work, const std::vector<std::string> &roles, Views views) {
    for (const std::string &role : roles) {
        for (const std::string &name : get_shown(work.settings)) {
            if ((views == Views::go && name != work.settings.archive_name)
                || !catalog::has_relation(work.table.schema_oid, name)) {
                continue;
            }
            work.add(Action::drop, work.table.oid,
                     sqltext::format("SELECT on %1% for %2%", catalog::identifier(name),
                                     catalog::identifier(role)),
                     {sqltext::format("REVOKE SELECT ON TABLE %1% FROM %2%", name_beside(work.table, name),
                                      catalog::identifier(role))});
        }
    }
}

void plan_policy_ends(ArchiveWork &work) {
    plan_drops(work, {});
}

void drop_stale_policies(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings) {
    ArchiveWork work = {spi, table, settings};
    plan_drops(work, find_wanted(work));
    registration::run_steps(spi, work.steps);
}

void bring_policies_in_step(pg::Spi &spi, Oid relation) {
    auto settings = find_settings(spi, relation);
    if (!settings || settings->is_missing) {
        return;
    }
    const catalog::Table table = catalog::get_table_definition(spi, relation);
    ArchiveWork work = {spi, table, *settings};
    const std::vector<ReaderPolicy> wanted = find_wanted(work);
    plan_drops(work, wanted);
    plan_copies(work, wanted);
    registration::run_steps(spi, work.steps);
}

} // namespace softdelete::archive
