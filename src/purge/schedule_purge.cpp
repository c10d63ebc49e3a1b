// pg_cron through its SQL functions, as the current role.
#include "purge/schedule_purge.hpp"

#include "purge/purge_tables.hpp"

namespace softdelete::purge {

namespace {

constexpr const char *job_name = "softdelete purge";

// The function of pg_cron itself, not one that somebody else put into a schema of that name.
void require_cron(pg::Spi &spi) {
    if (spi.query("SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace "
                  "JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND "
                  "d.objid = p.oid AND d.deptype = 'e' AND d.refclassid = "
                  "'pg_catalog.pg_extension'::pg_catalog.regclass "
                  "JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid "
                  "WHERE n.nspname = 'cron' AND p.proname = 'schedule' AND e.extname = 'pg_cron'")
            .empty()) {
        pg::raise({.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
                   .message = "extension \"pg_cron\" is not installed in this database",
                   .hint =
                       "Run CREATE EXTENSION pg_cron here, or call SELECT cron.schedule_in_database('purge', "
                       "'17 3 * * *', 'CALL softdelete.purge()', 'this database') where it is. "
                       "softdelete.worker_databases needs no pg_cron."});
    }
}

void require_use_of_cron(pg::Spi &spi) {
    require_cron(spi);
    if (!spi.query("SELECT pg_catalog.has_schema_privilege('cron', 'USAGE')").front().boolean(0)) {
        std::string role = spi.query("SELECT pg_catalog.quote_ident(current_user)").front().text(0);
        pg::raise({.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
                   .message = "permission denied for schema cron",
                   .hint = "A superuser runs GRANT USAGE ON SCHEMA cron TO " + role + "."});
    }
}

} // namespace

std::int64_t schedule_purge(const std::string &cron, std::optional<Oid> relation) {
    pg::Spi spi;
    require_use_of_cron(spi);
    std::string name = job_name;
    std::string command = "CALL softdelete.purge()";
    if (relation) {
        (void)plan_purge(spi, relation); // whether the caller may purge it
        const std::string table = catalog::get_table(spi, *relation).name;
        name += " of " + table;
        command =
            spi.query("SELECT pg_catalog.format('CALL softdelete.purge(%L)', $1)", {table}).front().text(0);
    }
    return spi.query("SELECT cron.schedule($1, $2, $3)", {name, cron, command}).front().number(0);
}

std::int64_t unschedule_purges() {
    pg::Spi spi;
    require_use_of_cron(spi);
    return static_cast<std::int64_t>(
        spi.query("SELECT cron.unschedule(j.jobid) FROM cron.job j WHERE (j.jobname = $1 OR "
                  "pg_catalog.starts_with(j.jobname, $1 || ' of ')) AND j.username = current_user AND "
                  "j.database = "
                  "pg_catalog.current_database()",
                  {job_name})
            .size());
}

} // namespace softdelete::purge
