-- What an operator asks: how much is there, and is anything risky or left undone.

-- Estimates, as of the last VACUUM or ANALYZE: no table is read and none is locked. A table that was never analyzed has
-- no number of rows.
CREATE VIEW softdelete_internal.table_sizes AS
    WITH RECURSIVE member (relation, deleted_at, part) AS (
        SELECT r.relation, r.deleted_at, r.relation::oid FROM softdelete_internal.registration r
        UNION SELECT m.relation, m.deleted_at, h.inhrelid FROM pg_catalog.pg_inherits h JOIN member m ON h.inhparent = m.part),
    archived (relation, part, is_archive) AS (
        SELECT a.relation, a.relation::oid, false FROM softdelete_internal.archive a
        WHERE NOT EXISTS (SELECT FROM softdelete_internal.registration r WHERE r.relation = a.relation)
        UNION SELECT a.relation, a.archive::oid, true FROM softdelete_internal.archive a
        UNION SELECT m.relation, h.inhrelid, m.is_archive FROM pg_catalog.pg_inherits h JOIN archived m ON h.inhparent = m.part),
    -- Of a table with an archive each part has rows of one kind. A partition of the archive that was never analyzed has as many as
    -- the server has counted since, and so many bytes only where it has none.
    part (relation, rows, live_fraction, deleted_fraction, pages, deleted_pages, index_pages) AS (
        SELECT p.relation, CASE WHEN c.reltuples >= 0 THEN c.reltuples WHEN p.is_archive THEN s.count END,
               p.live_fraction, p.deleted_fraction, c.relpages + coalesce(t.relpages, 0),
               CASE WHEN c.reltuples >= 0 OR NOT p.is_archive THEN c.relpages + coalesce(t.relpages, 0) WHEN s.count = 0 THEN 0 END,
               (SELECT coalesce(pg_catalog.sum(i.relpages), 0) FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
                WHERE x.indrelid = c.oid)
        FROM (
            SELECT m.relation, m.part, CASE WHEN c.reltuples = 0 THEN 1 ELSE s.stanullfrac END,
                   CASE WHEN c.reltuples = 0 THEN 0 ELSE 1 - s.stanullfrac END, false
            FROM member m
            JOIN pg_catalog.pg_class c ON c.oid = m.part
            JOIN pg_catalog.pg_attribute a ON a.attrelid = m.part AND a.attname = m.deleted_at AND NOT a.attisdropped
            LEFT JOIN pg_catalog.pg_statistic s ON s.starelid = m.part AND s.staattnum = a.attnum AND NOT s.stainherit
            UNION ALL SELECT relation, part, CASE WHEN NOT is_archive THEN 1 END, CASE WHEN is_archive THEN 1 END, is_archive
            FROM archived) AS p (relation, part, live_fraction, deleted_fraction, is_archive)
        JOIN pg_catalog.pg_class c ON c.oid = p.part AND c.relkind = 'r'
        LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid,
        LATERAL (SELECT pg_catalog.pg_stat_get_live_tuples(p.part)) AS s (count))
    SELECT p.relation,
           pg_catalog.round(pg_catalog.sum(p.rows * p.live_fraction))::bigint AS live_rows,
           pg_catalog.round(pg_catalog.sum(p.rows * p.deleted_fraction))::bigint AS deleted_rows,
           pg_catalog.sum((p.pages + p.index_pages) * b.size)::bigint AS total_bytes,
           CASE WHEN pg_catalog.sum(p.deleted_pages * p.deleted_fraction) > 0 OR pg_catalog.bool_and(p.deleted_pages IS NOT NULL)
                THEN pg_catalog.round(pg_catalog.sum(p.deleted_pages * p.deleted_fraction * b.size))::bigint END AS deleted_bytes,
           pg_catalog.sum(p.index_pages * b.size)::bigint AS index_bytes
    FROM part p, LATERAL (SELECT pg_catalog.current_setting('block_size')::bigint) AS b (size)
    GROUP BY p.relation;
COMMENT ON VIEW softdelete_internal.table_sizes IS 'Internal: rows and bytes of registered tables, by statistics.';

CREATE VIEW softdelete.stats WITH (security_barrier) AS
    SELECT t.relation, t.strategy, t.retention, s.live_rows, s.deleted_rows, s.total_bytes, s.deleted_bytes, s.index_bytes,
           p.started_at AS last_purge, p.removed AS last_purge_removed, p.held AS last_purge_held, p.blocked AS last_purge_blocked,
           p.error AS last_purge_error,
           coalesce(d.deletions, 0) AS deletions_last_day, coalesce(d.restored, 0) AS restored_last_day
    FROM softdelete.tables t
    JOIN pg_catalog.pg_class c ON c.oid = t.relation
    LEFT JOIN softdelete_internal.table_sizes s ON s.relation = t.relation
    LEFT JOIN LATERAL (SELECT r.started_at, r.removed + r.anonymized AS removed, r.held, r.blocked, r.error
                       FROM softdelete_internal.purge_run r WHERE r.relation = t.relation ORDER BY r.id DESC LIMIT 1) AS p ON true
    -- By the table in which a deletion began. The log is read once, whatever the number of tables.
    LEFT JOIN (SELECT l.relation,
                      pg_catalog.count(*) FILTER (WHERE l.deleted_at > pg_catalog.now() - '1 day'::pg_catalog.interval) AS deletions,
                      pg_catalog.count(*) FILTER (WHERE l.restored_at > pg_catalog.now() - '1 day'::pg_catalog.interval) AS restored
               FROM softdelete_internal.deletion l
               WHERE l.deleted_at > pg_catalog.now() - '1 day'::pg_catalog.interval
                  OR l.restored_at > pg_catalog.now() - '1 day'::pg_catalog.interval
               GROUP BY l.relation) AS d ON d.relation = t.relation
    WHERE pg_catalog.has_table_privilege(t.relation::oid, 'SELECT')
       OR pg_catalog.pg_has_role('pg_monitor', 'USAGE') OR pg_catalog.pg_has_role('pg_database_owner', 'USAGE');
COMMENT ON VIEW softdelete.stats IS
    'Registered tables: rows and bytes, live and deleted, as the statistics estimate them, the last purge, and the deletions of a day.';

CREATE FUNCTION softdelete.check(relation regclass DEFAULT NULL)
    RETURNS TABLE (severity text, code text, relation regclass, object text, message text, remedy text)
    LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_check';
COMMENT ON FUNCTION softdelete.check(regclass) IS
    'Shows what is risky or left undone, the worst first, each with the SQL that mends it.';

-- Of one table. Counted exactly they are the rows that the caller sees by the policies that bind him; else the estimates of the view.
CREATE FUNCTION softdelete.stats(relation regclass, exact boolean DEFAULT false)
    RETURNS TABLE (live_rows bigint, deleted_rows bigint, oldest_deletion timestamptz)
    LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_stats';
COMMENT ON FUNCTION softdelete.stats(regclass, boolean) IS
    'How many rows of a table are live and deleted: as the statistics estimate them, or counted, as far as the caller sees them.';
