-- The retention of archives: expired partitions go as a whole, expired rows of the others row by row, and nothing before its time.
\set VERBOSITY terse
CREATE ROLE regress_archive_owner;
CREATE ROLE regress_archive_other;
CREATE SCHEMA regress_archive_purge AUTHORIZATION regress_archive_owner;
GRANT USAGE ON SCHEMA regress_archive_purge TO regress_archive_other;
SET SESSION AUTHORIZATION regress_archive_owner;
SET search_path = regress_archive_purge;
CREATE TABLE logs (id int PRIMARY KEY, v text);
SELECT object FROM softdelete.register('logs', strategy => 'archive', retention => '1 year') WHERE action = 'warning';
CREATE TABLE kept (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('kept', strategy => 'archive');
SELECT relation, retention FROM softdelete.tables WHERE relation IN ('logs'::regclass, 'kept'::regclass) ORDER BY relation::text;
SELECT col_description('logs_archive'::regclass, attnum) FROM pg_attribute WHERE attrelid = 'logs_archive'::regclass AND attname = 'deleted_at';

-- A retention of days has partitions of days, one of years those of months.
CREATE TABLE daily (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('daily', strategy => 'archive', retention => '20 days');
SELECT c.relname ~ '^daily' AS daily, max(upper - lower) <= interval '1 day' AS are_days FROM (
    SELECT inhparent, substring(pg_get_expr(relpartbound, c.oid), 'FROM \(''([^'']*)''\)')::timestamptz AS lower, substring(pg_get_expr(relpartbound, c.oid), 'TO \(''([^'']*)''\)')::timestamptz AS upper
    FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid) p JOIN pg_class c ON c.oid = inhparent WHERE c.relnamespace = 'regress_archive_purge'::regnamespace AND c.relname LIKE '%archive' GROUP BY 1 ORDER BY 1;

-- Rows of the past, as a restored dump would bring them.
INSERT INTO logs SELECT i, 'now' FROM generate_series(1, 10) i;
INSERT INTO kept VALUES (1);
DELETE FROM kept;
DELETE FROM logs WHERE id <= 2;
RESET SESSION AUTHORIZATION;
SET row_security = off;
SET session_replication_role = replica;
SET TimeZone = 'UTC';
CREATE TABLE logs_archive_old PARTITION OF logs_archive FOR VALUES FROM ('2001-01-01') TO ('2001-02-01');
CREATE TABLE logs_archive_older PARTITION OF logs_archive FOR VALUES FROM ('2000-01-01') TO ('2000-02-01');
ALTER TABLE logs_archive_old OWNER TO regress_archive_owner;
ALTER TABLE logs_archive_older OWNER TO regress_archive_owner;
INSERT INTO logs_archive (id, v, deleted_at, deletion_id) SELECT i, 'old', timestamptz '2001-01-01' + i * interval '1 hour', 1 FROM generate_series(1, 100) i;
INSERT INTO logs_archive (id, v, deleted_at, deletion_id) SELECT i, 'older', timestamptz '2000-01-01' + i * interval '1 hour', 1 FROM generate_series(1, 50) i;
RESET TimeZone;
RESET session_replication_role;
RESET row_security;
SET SESSION AUTHORIZATION regress_archive_owner;
SELECT relation, due, held, blocked, cutoff IS NOT NULL AS has_cutoff FROM softdelete.purge_preview() ORDER BY relation::text;
SELECT relation, due FROM softdelete.purge_preview('logs');

-- Longer and shorter: each of these leaves rows that are not due.
SELECT object, action, command FROM softdelete.configure('logs', retention => '100 years');
SELECT relation, due FROM softdelete.purge_preview('logs');
CALL softdelete.purge('logs');
SELECT count(*) FROM logs_archive;
SELECT softdelete.configure('logs', keep_forever => true) IS NOT NULL AS configured;
CALL softdelete.purge('logs');
SELECT count(*) FROM logs_archive;
SELECT * FROM softdelete.configure('logs', keep_forever => true);
-- A retention that ends within a partition: half of it goes, in batches.
SELECT now() - timestamptz '2001-01-01 02:30+00' AS retention \gset
SELECT count(*) FROM softdelete.configure('logs', retention => :'retention');
CALL softdelete.purge('logs', batch_size => 1);
SELECT v, count(*) FROM logs_archive GROUP BY v ORDER BY v;
SELECT count(*) FILTER (WHERE c.relname ~ 'old') AS old_partitions FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'logs_archive'::regclass;
SELECT relation, state, due, removed, batches FROM softdelete.purge_log ORDER BY id;

-- The rest, within a transaction, and together with all tables of the owner.
SELECT count(*) FROM softdelete.configure('logs', retention => '1 year');
BEGIN;
CALL softdelete.purge();
SELECT v, count(*) FROM logs_archive GROUP BY v ORDER BY v;
ROLLBACK;
SELECT v, count(*) FROM logs_archive GROUP BY v ORDER BY v;
CALL softdelete.purge();
SELECT v, count(*) FROM logs_archive GROUP BY v ORDER BY v;
SELECT count(*) FROM kept_archive;
SELECT count(*) FROM pg_inherits WHERE inhparent = 'logs_archive'::regclass;
-- Nothing is kept by a retention of nothing; the log of deletions keeps what archives hold.
SELECT count(*) FROM softdelete.configure('logs', retention => '0');
CALL softdelete.purge('logs');
SELECT count(*) FROM logs_archive;
SELECT softdelete.restore('logs', 1); -- fails
RESET SESSION AUTHORIZATION;
GRANT SET ON PARAMETER softdelete.log_retention TO regress_archive_owner;
SET SESSION AUTHORIZATION regress_archive_owner;
SET softdelete.log_retention = 0;
CALL softdelete.purge();
RESET softdelete.log_retention;
SELECT relation, rows FROM softdelete.deletions WHERE relation IN ('logs'::regclass, 'kept'::regclass);
SELECT softdelete.restore('kept', 1);
-- Archiving goes on, and makes the partitions that it needs.
DELETE FROM logs WHERE id = 3;
SELECT id FROM deleted_logs;

-- Who may.
SET SESSION AUTHORIZATION regress_archive_other;
CALL softdelete.purge('logs'); -- fails
SELECT * FROM softdelete.purge_preview('logs'); -- fails
SELECT * FROM softdelete.configure('logs', retention => '1 day'); -- fails
CALL softdelete.purge();
SELECT count(*) FROM softdelete.purge_preview();
SET SESSION AUTHORIZATION regress_archive_owner;
SELECT * FROM softdelete.configure('logs', visibility => 'view'); -- fails
SELECT * FROM softdelete.configure('logs', on_expiry => 'anonymize'); -- fails
SELECT * FROM softdelete.configure('logs', retention => '1 day', keep_forever => true); -- fails
SELECT * FROM softdelete.configure('logs'); -- fails
SELECT * FROM softdelete.configure('logs', retention => '-1 day'); -- fails
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_archive_purge CASCADE;
DROP OWNED BY regress_archive_owner, regress_archive_other;
DROP ROLE regress_archive_owner, regress_archive_other;
