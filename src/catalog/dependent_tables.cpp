// Follows pg_depend as findDependentObjects() in src/backend/catalog/dependency.c does: what depends on a whole object, or
// on the column of a table that goes. ddl/keep_held_rows asks before a command drops anything.
#include "catalog/dependent_tables.hpp"

#include "sqltext/format.hpp"

namespace softdelete::catalog {

namespace {

// 1: where to begin; 2: which dependencies to follow
constexpr const char *query = R"(
    WITH RECURSIVE gone (classid, objid, objsubid) AS (
        %1%
        UNION
        SELECT d.classid, d.objid, d.objsubid
        FROM gone g JOIN pg_catalog.pg_depend d ON d.refclassid = g.classid AND d.refobjid = g.objid
             AND (g.objsubid = 0 OR d.refobjsubid = g.objsubid)
        WHERE %2%)
    SELECT DISTINCT c.relname, c.oid
    FROM gone g JOIN pg_catalog.pg_class c ON c.oid = g.objid AND c.relkind IN ('r', 'p')
    WHERE g.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND g.objsubid = 0
    ORDER BY 1, 2)";

std::vector<Oid> find_tables(pg::Spi &spi, const char *beginning, const std::vector<pg::Parameter> &values,
                             bool cascade) {
    std::vector<Oid> tables;
    for (const pg::Row &row :
         spi.query(sqltext::format(query, beginning, cascade ? "true" : "d.deptype <> 'n'"), values)) {
        tables.push_back(row.oid(1));
    }
    return tables;
}

} // namespace

std::vector<Oid> find_dependent_tables(pg::Spi &spi, const ObjectName &object, bool cascade) {
    return find_tables(spi, "SELECT $1::pg_catalog.oid, $2::pg_catalog.oid, 0",
                       {object.catalog, object.object}, cascade);
}

std::vector<Oid> find_owned_tables(pg::Spi &spi, Oid role, bool cascade) {
    return find_tables(spi,
                       "SELECT o.classid, o.objid, o.objsubid FROM pg_catalog.pg_shdepend o"
                       " WHERE o.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass"
                       " AND o.refobjid = $1::pg_catalog.oid AND o.deptype = 'o'"
                       " AND o.dbid = (SELECT d.oid FROM pg_catalog.pg_database d"
                       " WHERE d.datname = pg_catalog.current_database())",
                       {role}, cascade);
}

} // namespace softdelete::catalog
