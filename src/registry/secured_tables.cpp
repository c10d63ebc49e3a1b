// Called by registration/plan_policies, which makes the policies, and by ddl/follow_policies, which keeps them in step.
#include "registry/secured_tables.hpp"

#include "pg/scopes.hpp"

namespace softdelete::registry {

std::optional<bool> find_secured_table(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    auto rows = spi.query_kept(
        "SELECT is_enabled FROM softdelete_internal.secured_table WHERE relation = $1::pg_catalog.oid",
        {relation});
    return rows.empty() ? std::nullopt : std::optional(rows.front().boolean(0));
}

void put_secured_table(pg::Spi &spi, Oid relation, bool is_enabled) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute(
        "INSERT INTO softdelete_internal.secured_table VALUES ($1::pg_catalog.oid, $2::pg_catalog.bool)"
        " ON CONFLICT (relation) DO UPDATE SET is_enabled = excluded.is_enabled",
        {relation, is_enabled});
}

void delete_secured_table(pg::Spi &spi, Oid relation) {
    pg::UserScope owner(pg::get_extension_owner());
    spi.execute("DELETE FROM softdelete_internal.secured_table WHERE relation = $1::pg_catalog.oid",
                {relation});
}

std::vector<Oid> find_secured_tables(pg::Spi &spi) {
    pg::UserScope owner(pg::get_extension_owner());
    std::vector<Oid> tables;
    for (const pg::Row &row :
         spi.query_kept("SELECT c.oid FROM softdelete_internal.secured_table s JOIN pg_catalog.pg_class"
                        " c ON c.oid = s.relation ORDER BY 1")) {
        tables.push_back(row.oid(0));
    }
    return tables;
}

} // namespace softdelete::registry
