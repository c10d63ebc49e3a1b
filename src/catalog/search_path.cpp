// What is said of a role in one database counts before what is said of it in all, and both before what is said of all roles.
#include "catalog/search_path.hpp"

namespace softdelete::catalog {

std::string get_search_path(pg::Spi &spi, Oid role) {
    std::vector<pg::Row> rows = spi.query_kept(
        "SELECT pg_catalog.substr(c, pg_catalog.length('search_path=') + 1) "
        "FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) AS c "
        "WHERE s.setrole IN ($1::pg_catalog.oid, 0) AND pg_catalog.starts_with(c, 'search_path=') AND "
        "s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = "
        "pg_catalog.current_database())) ORDER BY s.setrole = 0, s.setdatabase = 0 LIMIT 1",
        {role});
    if (rows.empty()) {
        rows = spi.query_kept("SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'search_path'");
    }
    return rows.front().text(0);
}

} // namespace softdelete::catalog
