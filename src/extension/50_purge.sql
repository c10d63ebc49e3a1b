-- The physical removal of rows whose retention has passed, and the record of it.

CREATE TABLE softdelete_internal.purge_run (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation     regclass    NOT NULL,
    table_name   text        NOT NULL,
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    is_complete  boolean     NOT NULL DEFAULT false,
    run_by       name        NOT NULL,
    cutoff       timestamptz,
    due          bigint      NOT NULL DEFAULT 0,
    removed      bigint      NOT NULL DEFAULT 0,
    anonymized   bigint      NOT NULL DEFAULT 0,
    held         bigint      NOT NULL DEFAULT 0,
    blocked      bigint      NOT NULL DEFAULT 0,
    blockers     jsonb       NOT NULL DEFAULT '{}',
    batches      bigint      NOT NULL DEFAULT 0,
    last_batch_at timestamptz,
    sqlstate     text,
    error        text
) WITH (fillfactor = 50);
COMMENT ON TABLE softdelete_internal.purge_run IS 'One row per table and run of purge(); see the view softdelete.purge_log.';
COMMENT ON COLUMN softdelete_internal.purge_run.table_name IS 'The table''s name then: the record outlives the table.';
COMMENT ON COLUMN softdelete_internal.purge_run.cutoff IS 'Rows deleted before it were due when the run began.';
COMMENT ON COLUMN softdelete_internal.purge_run.is_complete IS 'Was every due row looked at? Not so where max_runtime ended the run.';
COMMENT ON COLUMN softdelete_internal.purge_run.removed IS
    'Rows physically removed. Written in the transaction that removed them: it is true after a crash as well.';
COMMENT ON COLUMN softdelete_internal.purge_run.blockers IS 'What kept the blocked rows: the foreign key, or an error''s SQLSTATE and what it names; and for how many rows.';
COMMENT ON COLUMN softdelete_internal.purge_run.error IS
    'The SQLSTATE of the error that ended the run, and what it names. Its text, which may quote a row, is not kept.';
COMMENT ON SEQUENCE softdelete_internal.purge_run_id_seq IS 'Gives the ids of the entries of the purge log.';

SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.purge_run', '');
SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.purge_run_id_seq', '');

CREATE TABLE softdelete_internal.removal (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation     regclass    NOT NULL,
    table_name   text        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('delete', 'truncate')),
    removed_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
    removed_by   text        NOT NULL,
    role         name        NOT NULL,
    reason       text,
    rows         bigint      NOT NULL
);
COMMENT ON TABLE softdelete_internal.removal IS
    'What statements removed for good under softdelete.deletion = hard; see the view softdelete.removals.';
COMMENT ON COLUMN softdelete_internal.removal.table_name IS 'The table''s name then: the record outlives the table.';
COMMENT ON COLUMN softdelete_internal.removal.removed_by IS 'The actor, softdelete.actor or the role.';
COMMENT ON COLUMN softdelete_internal.removal.role IS 'Who was logged in.';
COMMENT ON COLUMN softdelete_internal.removal.rows IS 'Of TRUNCATE, which counts no rows, as the statistics estimate them.';
COMMENT ON SEQUENCE softdelete_internal.removal_id_seq IS 'Gives the ids of the entries of the log of removals.';

SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.removal', '');
SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.removal_id_seq', '');

CREATE VIEW softdelete.removals WITH (security_barrier) AS
    SELECT r.id, r.relation, r.table_name, r.kind, r.removed_at, r.removed_by, r.role, r.reason, r.rows
    FROM softdelete_internal.removal r
    WHERE pg_catalog.has_table_privilege(r.relation::pg_catalog.oid, 'SELECT')
       OR pg_catalog.pg_has_role('pg_database_owner', 'USAGE');
COMMENT ON VIEW softdelete.removals IS
    'Rows that DELETE and TRUNCATE removed for good under softdelete.deletion = hard: when, by whom, and how many.';

-- No SET clause: a procedure that commits cannot have one. The library pins the path for each batch.
CREATE PROCEDURE softdelete.purge(relation regclass DEFAULT NULL, batch_size integer DEFAULT 10000,
                                  max_runtime interval DEFAULT NULL, delay interval DEFAULT '0')
    -- search_path: pinned by the library for each batch
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_purge';
COMMENT ON PROCEDURE softdelete.purge(regclass, integer, interval, interval) IS
    'Removes the rows whose retention has passed, in batches that commit, from one table and those below it or from all.';

CREATE FUNCTION softdelete.purge_preview(relation regclass DEFAULT NULL)
    RETURNS TABLE (relation regclass, cutoff timestamptz, due bigint, held bigint, blocked bigint)
    LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_purge_preview';
COMMENT ON FUNCTION softdelete.purge_preview(regclass) IS
    'Shows what purge() would find due, and of that what a hold or a reference would keep.';

CREATE FUNCTION softdelete.schedule(cron text, relation regclass DEFAULT NULL) RETURNS bigint
    LANGUAGE c SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_schedule';
COMMENT ON FUNCTION softdelete.schedule(text, regclass) IS
    'Makes purge() a job of pg_cron, of one table and those below it or of all; returns the job''s id.';

CREATE FUNCTION softdelete.unschedule() RETURNS bigint
    LANGUAGE c SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_unschedule';
COMMENT ON FUNCTION softdelete.unschedule() IS 'Ends the jobs that the current role made by schedule(); returns how many.';

CREATE FUNCTION softdelete_internal.is_purging(relation regclass) RETURNS boolean
    LANGUAGE c STABLE STRICT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_is_purging';
COMMENT ON FUNCTION softdelete_internal.is_purging(regclass) IS 'Internal: is a run of purge() at work on this table?';

CREATE VIEW softdelete.purge_log WITH (security_barrier) AS
    SELECT r.id, r.relation, r.table_name,
           CASE WHEN r.error IS NOT NULL THEN 'failed' WHEN r.is_complete THEN 'done'
                WHEN r.finished_at IS NOT NULL THEN 'stopped'
                WHEN softdelete_internal.is_purging(r.relation)
                     AND r.id = (SELECT pg_catalog.max(n.id) FROM softdelete_internal.purge_run n WHERE n.relation = r.relation)
                THEN 'running' ELSE 'interrupted' END AS state,
           r.started_at, r.finished_at, r.run_by, r.cutoff, r.due, r.removed, r.anonymized, r.held, r.blocked,
           r.blockers, r.batches,
           pg_catalog.round((r.removed + r.anonymized) / NULLIF(EXTRACT(epoch FROM COALESCE(r.finished_at, r.last_batch_at)
                                                                                   - r.started_at), 0), 1) AS rows_per_second,
           r.sqlstate, r.error
    FROM softdelete_internal.purge_run r
    WHERE pg_catalog.has_table_privilege(r.relation::pg_catalog.oid, 'SELECT')
       OR pg_catalog.pg_has_role('pg_database_owner', 'USAGE');
COMMENT ON VIEW softdelete.purge_log IS
    'Each run of purge() per table: when, by whom, how many rows were due and removed, and what kept the others.';

CREATE FUNCTION softdelete_internal.worker_entries()
    RETURNS TABLE (database oid, state text, last_look timestamptz, last_end timestamptz, next_look timestamptz,
                   waits_for text, last_error text, last_error_at timestamptz)
    LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_worker_entries';
COMMENT ON FUNCTION softdelete_internal.worker_entries() IS
    'Internal: what the background workers of the whole server have told of themselves since it started.';

CREATE VIEW softdelete.worker_status AS
    SELECT d.datname AS database, e.state, e.last_look, e.last_end, e.next_look, e.waits_for, e.last_error, e.last_error_at
    FROM softdelete_internal.worker_entries() e JOIN pg_catalog.pg_database d ON d.oid = e.database;
COMMENT ON VIEW softdelete.worker_status IS
    'What the background worker does, per database of the server: its last look, the next one, its last error. For members of pg_monitor.';
