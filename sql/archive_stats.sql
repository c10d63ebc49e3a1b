-- softdelete.stats of tables with an archive: what was never analyzed has as many rows as the server has counted, and no number of
-- bytes, rather than none.
\set VERBOSITY terse
CREATE ROLE regress_archive_stats;
CREATE SCHEMA regress_archive_stats AUTHORIZATION regress_archive_stats;
SET SESSION AUTHORIZATION regress_archive_stats;
SET search_path = regress_archive_stats;
SET client_min_messages = error;
CREATE VIEW told AS SELECT relation, live_rows, deleted_rows, total_bytes > 0 AS has_size, deleted_bytes > 0 AS has_deleted_size FROM softdelete.stats
    WHERE relation::text IN ('loaded', 'used', 'marked');
CREATE TABLE loaded (id int PRIMARY KEY, v text) WITH (autovacuum_enabled = off);
CREATE TABLE used (id int PRIMARY KEY, v text) WITH (autovacuum_enabled = off);
CREATE TABLE marked (id int PRIMARY KEY, v text) WITH (autovacuum_enabled = off);
SELECT count(*) > 0 AS registered FROM softdelete.register('loaded', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('used', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('marked');
INSERT INTO used SELECT i, repeat('x', 100) FROM generate_series(1, 40) i;
INSERT INTO marked SELECT i, repeat('x', 100) FROM generate_series(1, 40) i;
DELETE FROM used WHERE id > 10;
DELETE FROM marked WHERE id > 10;
SELECT pg_stat_force_next_flush();
SELECT * FROM told ORDER BY relation::text;
-- The table alone, then its archive.
ANALYZE loaded, used, marked;
SELECT * FROM told ORDER BY relation::text;
ANALYZE loaded_archive, used_archive;
SELECT * FROM told ORDER BY relation::text;
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_archive_stats CASCADE;
DROP ROLE regress_archive_stats;
