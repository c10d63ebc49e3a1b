// pg_policy, read for register() and for the event triggers that follow policies.
#include "catalog/policy_catalog.hpp"

#include "model/policy_names.hpp"

#include <algorithm>

namespace softdelete::catalog {

bool Policy::is_ours() const {
    return name == model::live_policy || name == model::default_policy;
}

const Policy *RowSecurity::find(const std::string &name) const {
    auto place =
        std::find_if(policies.begin(), policies.end(), [&](const Policy &p) { return p.name == name; });
    return place == policies.end() ? nullptr : &*place;
}

bool RowSecurity::has_users_policy() const {
    return std::any_of(policies.begin(), policies.end(), [](const Policy &p) { return !p.is_ours(); });
}

bool RowSecurity::has_users_permissive_policy() const {
    return std::any_of(policies.begin(), policies.end(),
                       [](const Policy &p) { return p.is_permissive && !p.is_ours(); });
}

bool RowSecurity::has_subquery() const {
    return std::any_of(policies.begin(), policies.end(), [](const Policy &p) { return p.has_subquery; });
}

RowSecurity read_row_security(pg::Spi &spi, Oid relation, const std::string &column) {
    RowSecurity security = {};
    security.is_enabled =
        spi.query_kept("SELECT relrowsecurity FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid",
                       {relation})
            .front()
            .boolean(0);
    for (const pg::Row &row : spi.query_kept(
             "SELECT p.polname, p.polpermissive, p.polcmd, p.polroles = '{0}',"
             " pg_catalog.pg_get_expr(p.polqual, p.polrelid),"
             " pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),"
             " EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attribute a"
             "  ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid"
             "  WHERE d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objid = p.oid"
             "  AND d.refobjid = p.polrelid AND a.attname = $2::pg_catalog.name),"
             " pg_catalog.concat(p.polqual, p.polwithcheck) ~ '{SUBLINK '"
             " FROM pg_catalog.pg_policy p WHERE p.polrelid = $1::pg_catalog.oid ORDER BY p.polname",
             {relation, column})) {
        security.policies.push_back({row.text(0), row.boolean(1), row.text(2).front(), row.boolean(3),
                                     row.text_or(4, ""), row.text_or(5, ""), row.boolean(6), row.boolean(7)});
    }
    return security;
}

} // namespace softdelete::catalog
