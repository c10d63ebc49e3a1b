// The findings about purges: of registered tables, whose rows the log of purges names by the table, archives as well; and of
// histories, which it names by the history. Called by checkup/catalog_findings. Reads pg_cron's table of jobs beside our own.
#include "checkup/purge_findings.hpp"

#include "catalog/quoting.hpp"
#include "checkup/initial_settings.hpp"
#include "checkup/kind.hpp"
#include "pg/relations.hpp"
#include "settings.hpp"

#include <array>

namespace softdelete::checkup {

namespace {

// The table of pg_cron itself, not one that somebody else put into a schema of that name.
constexpr const char *cron_query = R"(
    SELECT FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'cron'
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'
    JOIN pg_catalog.pg_extension e ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND e.oid = d.refobjid
    WHERE c.relname = 'job' AND c.relkind = 'r' AND e.extname = 'pg_cron')";

constexpr const char *job_query =
    "SELECT FROM cron.job j WHERE j.active AND j.command ~* 'softdelete[.]purge'"
    " AND j.database = pg_catalog.current_database()";

// On a standby the launcher waits; the primary's works, or the check there tells.
constexpr const char *launcher_query =
    "SELECT WHERE pg_catalog.pg_is_in_recovery() UNION ALL"
    " SELECT FROM pg_catalog.pg_stat_activity a WHERE a.backend_type = 'softdelete launcher'";

// $1: registered tables; $2: tables with a history. logged: as what the log names what is purged.
constexpr const char *purged = R"(
    WITH purged (relation, object, logged, since, retention) AS (
        SELECT t.relation::pg_catalog.oid, '', t.relation::pg_catalog.oid, t.registered_at, t.retention
        FROM softdelete.tables t WHERE t.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[])
        UNION ALL SELECT k.relation::pg_catalog.oid, ' of the history', k.history::pg_catalog.oid, k.begins_at, k.retention
        FROM softdelete_internal.tracked_table k WHERE k.relation::pg_catalog.oid = ANY ($2::pg_catalog.oid[])))";

constexpr const char *last_run = R"(,
    last_run AS (
        SELECT w.relation, w.object, run.started_at, run.error, run.due, run.blocked, run.blockers
        FROM purged w
        CROSS JOIN LATERAL (SELECT r.* FROM softdelete_internal.purge_run r WHERE r.relation::pg_catalog.oid = w.logged
                            ORDER BY r.id DESC LIMIT 1) AS run)
    SELECT l.relation, 'purge' || l.object, )";

// $3: what is missing; $4: the remedy or NULL. Intervals are compared: a time less a long one is no time.
constexpr const char *unattended = R"(
    SELECT w.relation, 'retention' || w.object,
           pg_catalog.format('nothing purges it: no worker and no job of pg_cron does, and no run is in the log for twice its retention, %s%s',
                             w.retention, $3::pg_catalog.text), $4::pg_catalog.text
    FROM purged w
    WHERE pg_catalog.now() - w.since > 2 * w.retention
      AND NOT EXISTS (SELECT FROM softdelete_internal.purge_run r
                      WHERE r.relation::pg_catalog.oid = w.logged AND pg_catalog.now() - r.started_at <= 2 * w.retention)
    ORDER BY w.relation::pg_catalog.regclass::pg_catalog.text, 2)";

constexpr const char *failed = R"(pg_catalog.format('the last run, of %s, failed with %s',
               pg_catalog.to_char(l.started_at, 'YYYY-MM-DD HH24:MI'), l.error),
           pg_catalog.format('CALL softdelete.purge(%L)', l.relation::pg_catalog.regclass)
    FROM last_run l WHERE l.error IS NOT NULL
    ORDER BY l.relation::pg_catalog.regclass::pg_catalog.text, 2)";

constexpr const char *blocked =
    R"(pg_catalog.format('the last run, of %s, left %s of %s due rows because of %s',
               pg_catalog.to_char(l.started_at, 'YYYY-MM-DD HH24:MI'), l.blocked, l.due,
               (SELECT pg_catalog.string_agg(b.key || ' (' || b.value || ')', ', ' ORDER BY b.key)
                FROM pg_catalog.jsonb_each_text(l.blockers) b)),
           pg_catalog.format('CALL softdelete.purge(%L)', l.relation::pg_catalog.regclass)
    FROM last_run l WHERE l.error IS NULL AND l.blocked > 0
    ORDER BY l.relation::pg_catalog.regclass::pg_catalog.text, 2)";

// Who purges without being asked, and what would.
struct Attendance {
    bool is_attended;
    std::string lack;
    std::optional<std::string> remedy;
};

std::string make_databases_remedy(const std::string &database) {
    std::string list = settings::worker_databases();
    list += (list.empty() ? "" : ", ") + pg::quote_identifier(database);
    // One literal: of several words the server would leave out the quotes.
    return "ALTER SYSTEM SET softdelete.worker_databases = " + pg::quote_literal(list);
}

// What stands in the files already, and waits for a restart, stays.
std::string make_library_remedy(pg::Spi &spi) {
    return "ALTER SYSTEM SET shared_preload_libraries = "
           + add_library(
               read_configuration(spi, "shared_preload_libraries").value_or(pg::shared_preload_libraries()));
}

Attendance find_attendance(pg::Spi &spi) {
    const bool has_cron = !spi.query(cron_query).empty();
    const std::string database = spi.query("SELECT pg_catalog.current_database()").front().text(0);
    const bool is_named = pg::call([&] { return settings::names_worker_database(database.c_str()); });
    const bool has_launcher = !spi.query(launcher_query).empty();
    if ((is_named && has_launcher) || (has_cron && !spi.query(job_query).empty())) {
        return {true, "", std::nullopt};
    }
    if (has_cron) {
        return {false, "", "SELECT softdelete.schedule('17 3 * * *')"};
    }
    const std::string reload = "; SELECT pg_catalog.pg_reload_conf()";
    if (has_launcher) {
        return {false, "", make_databases_remedy(database) + reload};
    }
    if (!pg::names_library(pg::shared_preload_libraries(), library)) {
        return {false,
                "; no worker is there before the server has been restarted with softdelete in "
                "shared_preload_libraries",
                make_library_remedy(spi) + (is_named ? "" : "; " + make_databases_remedy(database))};
    }
    const std::string lack =
        "; the launcher of the workers does not run, of which the server's log tells more";
    return {false, lack, is_named ? std::nullopt : std::optional(make_databases_remedy(database) + reload)};
}

} // namespace

void add_purge_findings(Findings &findings, pg::Spi &spi, const pg::Parameter &registered,
                        const pg::Parameter &tracked) {
    const auto add = [&](Severity severity, const char *code, const std::string &query,
                         const std::vector<pg::Parameter> &more) {
        std::vector<pg::Parameter> parameters = {registered, tracked};
        parameters.insert(parameters.end(), more.begin(), more.end());
        const std::string text = purged + query;
        add_kind(findings, spi, {severity, code, text.c_str()}, parameters);
    };
    add_guarded(findings, spi, std::nullopt, "kind retention_unattended", [&] {
        const Attendance attendance = find_attendance(spi);
        if (attendance.is_attended) {
            return Findings();
        }
        const std::string text = std::string(purged) + unattended;
        return run_kind(spi, {Severity::warning, "retention_unattended", text.c_str()},
                        {registered, tracked, attendance.lack, attendance.remedy});
    });
    add(Severity::warning, "purge_failed", std::string(last_run) + failed, {});
    add(Severity::warning, "purge_blocked", std::string(last_run) + blocked, {});
}

} // namespace softdelete::checkup
