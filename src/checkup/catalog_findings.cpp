// The findings of check() that the catalogs, the statistics and the extension's own tables tell: one query for each kind,
// over all tables at once, so that a thousand tables take no longer than they must. A query returns the relation, the
// object, the message and the remedy. Called by checkup/check, which says what the caller may look at.
//
// All of them run as the extension's owner, and none calls anybody's code: they read catalogs and our tables alone.
#include "checkup/catalog_findings.hpp"

#include "pg/scopes.hpp"

#include <array>

namespace softdelete::checkup {

namespace {

struct Kind {
    Severity severity;
    const char *code;
    const char *query;
};

constexpr std::array database_kinds = {
    Kind{Severity::error, "event_triggers_off", R"(
    SELECT NULL, pg_catalog.format('event trigger %I', e.evtname), 'it does not fire in every session: DDL on registered tables is not followed',
           pg_catalog.format('ALTER EVENT TRIGGER %I ENABLE ALWAYS', e.evtname)
    FROM pg_catalog.pg_event_trigger e
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass AND d.objid = e.oid AND d.deptype = 'e'
    JOIN pg_catalog.pg_extension x ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND x.oid = d.refobjid
    WHERE x.extname = 'softdelete' AND e.evtenabled <> 'A'
    ORDER BY e.evtname)"},
    Kind{Severity::error, "library_not_loaded", R"(
    SELECT NULL, pg_catalog.format('database %I', d.datname),
           'new sessions do not load the library: they see deleted rows, and their DELETE is refused',
           pg_catalog.format('ALTER DATABASE %I SET session_preload_libraries = %s', d.datname,
                             pg_catalog.concat_ws(', ', nullif(own.value, ''), 'softdelete'))
    FROM pg_catalog.pg_database d
    LEFT JOIN LATERAL (
        SELECT pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1) FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c
        WHERE s.setrole = 0 AND s.setdatabase IN (0, d.oid) AND pg_catalog.starts_with(c, 'session_preload_libraries=')
        ORDER BY s.setdatabase DESC LIMIT 1) AS own (value) ON true
    WHERE d.datname = pg_catalog.current_database()
      AND pg_catalog.current_setting('shared_preload_libraries') !~ '\msoftdelete\M'
      AND coalesce(own.value, pg_catalog.current_setting('session_preload_libraries')) !~ '\msoftdelete\M')"},
    Kind{Severity::error, "library_overridden", R"(
    SELECT NULL, pg_catalog.format('role %I', r.rolname),
           'its sessions load other libraries and not this one: they see deleted rows, and their DELETE is refused',
           pg_catalog.format('ALTER ROLE %I%s SET session_preload_libraries = %s', r.rolname,
                             CASE WHEN s.setdatabase <> 0 THEN pg_catalog.format(' IN DATABASE %I', pg_catalog.current_database()) END,
                             pg_catalog.concat_ws(', ', nullif(pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1), ''), 'softdelete'))
    FROM pg_catalog.pg_db_role_setting s
    JOIN pg_catalog.pg_roles r ON r.oid = s.setrole, pg_catalog.unnest(s.setconfig) c
    WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
      AND pg_catalog.starts_with(c, 'session_preload_libraries=') AND c !~ '\msoftdelete\M'
      AND pg_catalog.current_setting('shared_preload_libraries') !~ '\msoftdelete\M')"},
    Kind{Severity::warning, "hard_deletion_by_default", R"(
    SELECT NULL, coalesce(pg_catalog.format('role %I', r.rolname), pg_catalog.format('database %I', pg_catalog.current_database())),
           'new sessions begin with softdelete.deletion = hard: what they delete is gone for good',
           pg_catalog.format('ALTER %s%s RESET softdelete.deletion',
                             coalesce(pg_catalog.format('ROLE %I', r.rolname), pg_catalog.format('DATABASE %I', pg_catalog.current_database())),
                             CASE WHEN s.setdatabase <> 0 AND s.setrole <> 0
                                  THEN pg_catalog.format(' IN DATABASE %I', pg_catalog.current_database()) END)
    FROM pg_catalog.pg_db_role_setting s
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole, pg_catalog.unnest(s.setconfig) c
    WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
      AND (s.setdatabase <> 0 OR s.setrole <> 0) AND pg_catalog.lower(c) = 'softdelete.deletion=hard')"},
    Kind{Severity::notice, "visibility_by_default", R"(
    SELECT NULL, coalesce(pg_catalog.format('role %I', r.rolname), pg_catalog.format('database %I', pg_catalog.current_database())),
           'new sessions begin with another softdelete.visibility: their queries see deleted rows',
           pg_catalog.format('ALTER %s%s RESET softdelete.visibility',
                             coalesce(pg_catalog.format('ROLE %I', r.rolname), pg_catalog.format('DATABASE %I', pg_catalog.current_database())),
                             CASE WHEN s.setdatabase <> 0 AND s.setrole <> 0
                                  THEN pg_catalog.format(' IN DATABASE %I', pg_catalog.current_database()) END)
    FROM pg_catalog.pg_db_role_setting s
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole, pg_catalog.unnest(s.setconfig) c
    WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
      AND (s.setdatabase <> 0 OR s.setrole <> 0)
      AND pg_catalog.lower(c) IN ('softdelete.visibility=all', 'softdelete.visibility=deleted'))"},
    Kind{Severity::warning, "own_tables_published", R"(
    SELECT NULL, pg_catalog.format('publication %I', p.pubname),
           'it publishes the extension''s own tables, which belong to one database and which subscribers must not take over',
           CASE WHEN p.puballtables THEN pg_catalog.format('DROP PUBLICATION %1$I; CREATE PUBLICATION %1$I FOR TABLES IN SCHEMA %2$s',
                    p.pubname, (SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(n.nspname), ', ')
                                FROM softdelete.tables t JOIN pg_catalog.pg_class c ON c.oid = t.relation
                                JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace))
                ELSE pg_catalog.format('ALTER PUBLICATION %I DROP %s', p.pubname, listed.objects) END
    FROM pg_catalog.pg_publication p
    LEFT JOIN LATERAL (
        SELECT pg_catalog.string_agg(object, ', ' ORDER BY object) FROM (
            SELECT 'TABLE ' || r.prrelid::pg_catalog.regclass::pg_catalog.text FROM pg_catalog.pg_publication_rel r
            JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
            WHERE r.prpubid = p.oid AND c.relnamespace = 'softdelete_internal'::pg_catalog.regnamespace
            UNION ALL SELECT 'TABLES IN SCHEMA softdelete_internal' FROM pg_catalog.pg_publication_namespace n
            WHERE n.pnpubid = p.oid AND n.pnnspid = 'softdelete_internal'::pg_catalog.regnamespace) AS o (object)) AS listed (objects)
        ON true
    WHERE (p.puballtables AND EXISTS (SELECT FROM softdelete.tables)) OR listed.objects IS NOT NULL)"},
    Kind{Severity::notice, "log_without_retention", R"(
    SELECT NULL, 'softdelete.deletions', pg_catalog.format('its log has about %s deletions and is kept for ever', c.reltuples::bigint),
           'ALTER SYSTEM SET softdelete.log_retention = ''400d''; SELECT pg_catalog.pg_reload_conf()'
    FROM pg_catalog.pg_class c
    WHERE c.oid = 'softdelete_internal.deletion'::pg_catalog.regclass AND c.reltuples > 1000000
      AND pg_catalog.current_setting('softdelete.log_retention') = '-1')"},
};

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

// $1: the caller; $2: whether he may look at everybody's tables.
constexpr Kind hand_made = {Severity::notice, "soft_delete_by_hand", R"(
    SELECT c.oid, pg_catalog.format('column %I', a.attname),
           pg_catalog.format('the table has about %s rows and seems to be soft-deleted by hand', c.reltuples::bigint),
           pg_catalog.format('SELECT * FROM softdelete.register(%L%s)', c.oid::pg_catalog.regclass,
                             CASE WHEN a.attname <> 'deleted_at' THEN pg_catalog.format(', deleted_at => %L', a.attname) END)
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname !~ '^(pg_|information_schema$|softdelete)'
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped AND NOT a.attnotnull AND a.attgenerated = ''
         AND a.attname IN ('deleted_at', 'deleted_on', 'removed_at', 'discarded_at', 'archived_at')
         AND a.atttypid IN ('timestamptz'::pg_catalog.regtype, 'timestamp'::pg_catalog.regtype)
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' AND c.reltuples >= 10000
      AND ($2::pg_catalog.bool OR pg_catalog.pg_has_role($1::pg_catalog.oid, c.relowner, 'USAGE'))
      AND NOT EXISTS (SELECT FROM softdelete.tables t WHERE t.relation = c.oid)
      AND NOT EXISTS (SELECT FROM softdelete_internal.archive t WHERE t.archive = c.oid)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                      AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.oid::pg_catalog.regclass::pg_catalog.text, a.attnum)"};

// $1: the caller; $2: whether he may look at everybody's tables.
constexpr Kind missing_history = {Severity::error, "history_missing", R"(
    SELECT c.oid, 'history', 'somebody has dropped its history: changes of its rows are refused',
           pg_catalog.format('SELECT softdelete.track_history(%L)', c.oid::pg_catalog.regclass)
    FROM softdelete_internal.tracked_table t JOIN pg_catalog.pg_class c ON c.oid = t.relation
    WHERE ($2::pg_catalog.bool OR pg_catalog.pg_has_role($1::pg_catalog.oid, c.relowner, 'USAGE'))
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_class h WHERE h.oid = t.history)
    ORDER BY c.oid::pg_catalog.regclass::pg_catalog.text)"};

// $1: the registered tables that are looked at; $2: whether a job of pg_cron purges, NULL where that is not here.
constexpr std::array table_kinds = {
    Kind{Severity::error, "archive_missing", R"(
    SELECT a.relation::pg_catalog.oid, 'archive', 'somebody has dropped its archive: DELETE is refused',
           pg_catalog.format('SELECT * FROM softdelete.repair(%L)', a.relation)
    FROM softdelete_internal.archive a
    WHERE a.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[])
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = a.archive)
    ORDER BY a.relation::pg_catalog.text)"},
    Kind{Severity::error, "registered_without_trigger", R"(
    SELECT t.relation::pg_catalog.oid, 'trigger softdelete_marker', 'the table is registered and lacks the trigger by which sessions tell that: '
           'its DELETE is physical and its queries show deleted rows',
           pg_catalog.format('SELECT * FROM softdelete.repair(%L)', t.relation)
    FROM softdelete.tables t
    WHERE t.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND t.strategy = 'flag'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = t.relation
                      AND g.tgfoid = 'softdelete_internal.on_delete'::pg_catalog.regproc))"},
    Kind{Severity::error, "trigger_disabled", R"(
    WITH RECURSIVE member (root, relation) AS (
        SELECT t, t FROM pg_catalog.unnest($1::pg_catalog.oid[]) t
        UNION SELECT m.root, h.inhrelid FROM pg_catalog.pg_inherits h JOIN member m ON h.inhparent = m.relation)
    SELECT m.root, pg_catalog.format('trigger %I of %s', g.tgname, g.tgrelid::pg_catalog.regclass),
           'the trigger is one of the extension''s and does not fire',
           pg_catalog.format('SELECT * FROM softdelete.repair(%L)', m.root::pg_catalog.regclass)
    FROM member m
    JOIN pg_catalog.pg_trigger g ON g.tgrelid = m.relation AND g.tgenabled IN ('D', 'R')
    JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid AND p.pronamespace = 'softdelete_internal'::pg_catalog.regnamespace
    ORDER BY 1, 2)"},
    Kind{Severity::warning, "publication_without_updates", R"(
    SELECT t.relation::pg_catalog.oid, pg_catalog.format('publication %I', p.pubname),
           'a soft delete is an UPDATE, which it does not publish: rows that are deleted here stay live for subscribers',
           pg_catalog.format('ALTER PUBLICATION %I SET (publish = %L)', p.pubname,
                             pg_catalog.concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, 'update',
                                       CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END))
    FROM softdelete.tables t
    JOIN pg_catalog.pg_publication_rel r ON r.prrelid = t.relation
    JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid AND NOT p.pubupdate AND (p.pubinsert OR p.pubdelete)
    WHERE t.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND t.strategy = 'flag'
    ORDER BY 1, 2)"},
    Kind{Severity::warning, "publication_without_columns", R"(
    SELECT t.relation::pg_catalog.oid, pg_catalog.format('publication %I', p.pubname),
           'its list of columns leaves out those that say which rows are deleted: they stay live for subscribers',
           pg_catalog.format('ALTER PUBLICATION %1$I DROP TABLE %2$s; ALTER PUBLICATION %1$I ADD TABLE %2$s (%3$s)%4$s', p.pubname,
                             t.relation,
                             (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum)
                              FROM pg_catalog.pg_attribute a
                              WHERE a.attrelid = t.relation AND (a.attnum = ANY (r.prattrs) OR own.columns @> ARRAY[a.attname])),
                             ' WHERE (' || pg_catalog.pg_get_expr(r.prqual, r.prrelid) || ')')
    FROM softdelete.tables t
    JOIN pg_catalog.pg_publication_rel r ON r.prrelid = t.relation AND r.prattrs IS NOT NULL
    JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid
    CROSS JOIN LATERAL (SELECT pg_catalog.array_remove(ARRAY[t.deleted_at, t.deleted_by, 'deletion_id'], NULL)) AS own (columns)
    WHERE t.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND t.strategy = 'flag'
      AND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.relation AND own.columns @> ARRAY[a.attname]
                  AND NOT a.attisdropped AND a.attnum <> ALL (r.prattrs))
    ORDER BY 1, 2)"},
    Kind{Severity::notice, "no_retention", R"(
    SELECT t.relation::pg_catalog.oid, 'retention', 'deleted rows are kept for ever',
           pg_catalog.format('SELECT * FROM softdelete.configure(%L, retention => ''1 year'')', t.relation)
    FROM softdelete.tables t
    WHERE t.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND t.retention IS NULL)"},
    Kind{Severity::warning, "retention_unattended", R"(
    SELECT t.relation::pg_catalog.oid, 'retention',
           pg_catalog.format('nothing purges the table: no worker and no job of pg_cron does, and no run is in the log for twice its retention, %s',
                             t.retention),
           CASE WHEN $2::pg_catalog.bool IS NULL
                THEN pg_catalog.format('ALTER SYSTEM SET softdelete.worker_databases = %s; SELECT pg_catalog.pg_reload_conf()',
                         pg_catalog.concat_ws(', ', nullif(pg_catalog.current_setting('softdelete.worker_databases'), ''),
                                   pg_catalog.quote_ident(pg_catalog.current_database())))
                ELSE 'SELECT softdelete.schedule(''17 3 * * *'')' END
    FROM softdelete.tables t
    WHERE t.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND $2::pg_catalog.bool IS NOT TRUE
      AND t.registered_at < pg_catalog.now() - 2 * t.retention
      AND NOT pg_catalog.string_to_array(pg_catalog.regexp_replace(pg_catalog.current_setting('softdelete.worker_databases'), '\s*,\s*', ',', 'g'), ',')
              && ARRAY['*', pg_catalog.current_database()::pg_catalog.text, pg_catalog.quote_ident(pg_catalog.current_database())]
      AND NOT EXISTS (SELECT FROM softdelete_internal.purge_run p
                      WHERE p.relation = t.relation AND p.started_at >= pg_catalog.now() - 2 * t.retention)
    ORDER BY t.relation::pg_catalog.text)"},
    Kind{Severity::notice, "old_hold", R"(
    SELECT h.relation::pg_catalog.oid, 'hold ' || h.id,
           pg_catalog.format('the legal hold is in force since %s', pg_catalog.to_char(h.held_at, 'YYYY-MM-DD')),
           pg_catalog.format('SELECT softdelete.release(%s)', h.id)
    FROM softdelete_internal.hold h
    WHERE h.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND h.released_at IS NULL
      AND h.held_at < pg_catalog.now() - '1 year'::pg_catalog.interval
    ORDER BY h.held_at, h.id LIMIT 100)"},
    Kind{Severity::warning, "purge_failed", R"(
    SELECT r.relation::pg_catalog.oid, 'purge', pg_catalog.format('the last run, of %s, failed with %s', pg_catalog.to_char(r.started_at, 'YYYY-MM-DD HH24:MI'), r.error),
           pg_catalog.format('CALL softdelete.purge(%L)', r.relation)
    FROM (SELECT DISTINCT ON (p.relation) p.* FROM softdelete_internal.purge_run p
          WHERE p.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) ORDER BY p.relation, p.id DESC) AS r
    WHERE r.error IS NOT NULL)"},
    Kind{Severity::warning, "purge_blocked", R"(
    SELECT r.relation::pg_catalog.oid, 'purge',
           pg_catalog.format('the last run, of %s, left %s of %s due rows because of %s',
                             pg_catalog.to_char(r.started_at, 'YYYY-MM-DD HH24:MI'), r.blocked, r.due,
                             (SELECT pg_catalog.string_agg(b.key || ' (' || b.value || ')', ', ' ORDER BY b.key)
                              FROM pg_catalog.jsonb_each_text(r.blockers) b)),
           pg_catalog.format('CALL softdelete.purge(%L)', r.relation)
    FROM (SELECT DISTINCT ON (p.relation) p.* FROM softdelete_internal.purge_run p
          WHERE p.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) ORDER BY p.relation, p.id DESC) AS r
    WHERE r.error IS NULL AND r.blocked > 0)"},
    Kind{Severity::notice, "mostly_deleted", R"(
    SELECT s.relation::pg_catalog.oid, 'rows', pg_catalog.format('about %s of %s rows are deleted', s.deleted_rows, s.live_rows + s.deleted_rows),
           CASE WHEN t.retention IS NULL THEN pg_catalog.format('SELECT * FROM softdelete.configure(%L, retention => ''90 days'')', s.relation)
                ELSE pg_catalog.format('CALL softdelete.purge(%L)', s.relation) END
    FROM softdelete_internal.table_sizes s JOIN softdelete.tables t ON t.relation = s.relation
    WHERE s.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND t.strategy = 'flag'
      AND s.deleted_rows > s.live_rows AND s.deleted_rows >= 10000
    ORDER BY s.relation::pg_catalog.text)"},
    Kind{Severity::notice, "looks_like_a_log", R"(
    SELECT t.relation::pg_catalog.oid, 'table', 'by its name the rows of this table are better removed, or moved to an archive, than kept beside live ones',
           pg_catalog.format('SELECT * FROM softdelete.unregister(%1$L, ''purge''); SELECT * FROM softdelete.register(%1$L, strategy => ''archive'')', t.relation)
    FROM softdelete.tables t JOIN pg_catalog.pg_class c ON c.oid = t.relation
    WHERE t.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND t.strategy = 'flag'
      AND c.relname ~ '(^|_)(logs?|log_entries|queues?|caches?|sessions?|tokens?|jobs?)$'
    ORDER BY t.relation::pg_catalog.text)"},
};

std::optional<bool> has_job(pg::Spi &spi) {
    return spi.query(cron_query).empty() ? std::nullopt : std::optional(!spi.query(job_query).empty());
}

void take(Findings &findings, const Kind &kind, const std::vector<pg::Row> &rows) {
    for (const pg::Row &row : rows) {
        findings.push_back({kind.severity, kind.code,
                            row.is_null(0) ? std::nullopt : std::optional(row.oid(0)), row.text(1),
                            row.text(2), row.is_null(3) ? std::nullopt : std::optional(row.text(3))});
    }
}

} // namespace

Findings find_in_database(pg::Spi &spi, Oid caller, bool watches_all) {
    pg::UserScope administrator(pg::get_extension_owner());
    Findings findings;
    for (const Kind &kind : database_kinds) {
        take(findings, kind, spi.query(kind.query));
    }
    take(findings, hand_made, spi.query(hand_made.query, {caller, watches_all}));
    take(findings, missing_history, spi.query(missing_history.query, {caller, watches_all}));
    return findings;
}

Findings find_in_catalogs(pg::Spi &spi, const std::vector<Oid> &tables) {
    pg::UserScope administrator(pg::get_extension_owner());
    std::vector<std::string> list;
    for (Oid table : tables) {
        list.push_back(std::to_string(table));
    }
    const std::optional<bool> job = has_job(spi);
    Findings findings;
    for (const Kind &kind : table_kinds) {
        std::vector<pg::Parameter> parameters = {pg::make_array(list)};
        if (std::string_view(kind.query).find("$2") != std::string_view::npos) {
            parameters.push_back(job ? pg::Parameter(*job) : pg::Parameter(std::nullopt));
        }
        take(findings, kind, spi.query(kind.query, parameters));
    }
    return findings;
}

} // namespace softdelete::checkup
