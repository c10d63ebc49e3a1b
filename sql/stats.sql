-- stats() counts the rows of a table where that is asked for: those that the caller sees, and no others.
\set QUIET on
CREATE ROLE regress_stats;
CREATE ROLE regress_stats_reader;
CREATE ROLE regress_stats_monitor IN ROLE pg_monitor;
SELECT current_user AS superuser \gset
CREATE SCHEMA regress_stats AUTHORIZATION regress_stats;
GRANT USAGE ON SCHEMA regress_stats TO PUBLIC;
SET SESSION AUTHORIZATION regress_stats;
SET search_path = regress_stats;
SET client_min_messages = error;
\pset format unaligned
\pset tuples_only on
CREATE TABLE "Odd Orders" (id int PRIMARY KEY, tenant text);
CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
SELECT count(*) FROM softdelete.register('"Odd Orders"', deleted_at => 'Gone At') \g /dev/null
SELECT count(*) FROM softdelete.register('pairs', strategy => 'archive') \g /dev/null
SELECT count(*) FROM softdelete.register('parts') \g /dev/null
INSERT INTO "Odd Orders" (id, tenant) SELECT n, CASE WHEN n > 6 THEN 'b' ELSE 'regress_stats_reader' END FROM generate_series(1, 10) n;
INSERT INTO pairs SELECT n, n FROM generate_series(1, 5) n;
INSERT INTO parts SELECT generate_series(95, 104);
\set QUIET off

-- Not analyzed, nothing is estimated. Counted, what is there is there, whatever the session shows.
SELECT * FROM softdelete.stats('"Odd Orders"');
DELETE FROM "Odd Orders" WHERE id % 2 = 0;
DELETE FROM pairs WHERE a < 3;
DELETE FROM parts WHERE id > 98;
SELECT live_rows, deleted_rows, oldest_deletion BETWEEN now() - interval '1 hour' AND now() FROM softdelete.stats('"Odd Orders"', exact => true);
SELECT live_rows, deleted_rows, oldest_deletion BETWEEN now() - interval '1 hour' AND now() FROM softdelete.stats('pairs', exact => true);
SELECT live_rows, deleted_rows FROM softdelete.stats('parts', exact => true);
SET softdelete.visibility = 'deleted';
SELECT live_rows, deleted_rows FROM softdelete.stats('parts', exact => true);
SET softdelete.visibility = 'all';
SELECT live_rows, deleted_rows FROM softdelete.stats('parts', exact => true);
RESET softdelete.visibility;
ANALYZE "Odd Orders";
SELECT * FROM softdelete.stats('"Odd Orders"');
SELECT live_rows, deleted_rows FROM softdelete.stats WHERE relation = '"Odd Orders"'::regclass;

-- Readers: who may not read the table counts nothing, and whom policies bind counts what he sees.
SET SESSION AUTHORIZATION regress_stats_reader;
SELECT * FROM softdelete.stats('"Odd Orders"', exact => true); -- fails
SELECT * FROM softdelete.stats('"Odd Orders"');
SET SESSION AUTHORIZATION regress_stats_monitor;
SELECT * FROM softdelete.stats('"Odd Orders"', exact => true); -- fails
SELECT * FROM softdelete.stats('"Odd Orders"');
SET SESSION AUTHORIZATION regress_stats;
GRANT SELECT ON "Odd Orders", pairs TO regress_stats_reader;
SET SESSION AUTHORIZATION regress_stats_reader;
SELECT live_rows, deleted_rows FROM softdelete.stats('"Odd Orders"', exact => true);
SELECT live_rows, deleted_rows FROM softdelete.stats('pairs', exact => true); -- fails
SET SESSION AUTHORIZATION regress_stats;
CREATE POLICY own ON "Odd Orders" USING (tenant = current_user);
ALTER TABLE "Odd Orders" ENABLE ROW LEVEL SECURITY;
SELECT live_rows, deleted_rows FROM softdelete.stats('"Odd Orders"', exact => true);
SET SESSION AUTHORIZATION regress_stats_reader;
SELECT live_rows, deleted_rows FROM softdelete.stats('"Odd Orders"', exact => true);
SET SESSION AUTHORIZATION regress_stats;
SELECT count(*) > 0 FROM softdelete.configure('"Odd Orders"', visibility => 'rls');
SET SESSION AUTHORIZATION regress_stats_reader;
SELECT live_rows, deleted_rows, oldest_deletion FROM softdelete.stats('"Odd Orders"', exact => true);

-- A policy that calls a function would run it as the reader.
SET SESSION AUTHORIZATION regress_stats;
CREATE FUNCTION is_own(tenant text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'run as %', current_user; RETURN true; END $$;
CREATE POLICY more ON "Odd Orders" USING (is_own(tenant));
SET SESSION AUTHORIZATION regress_stats_reader;
SELECT * FROM softdelete.stats('"Odd Orders"', exact => true); -- fails

-- What is no registered table, and what says nothing.
SELECT * FROM softdelete.stats('pg_class', exact => true); -- fails
SELECT * FROM softdelete.stats(NULL, exact => true); -- fails
SELECT * FROM softdelete.stats('"Odd Orders"', exact => NULL); -- fails

\set QUIET on
SET SESSION AUTHORIZATION :"superuser";
DROP SCHEMA regress_stats CASCADE;
DROP ROLE regress_stats, regress_stats_reader, regress_stats_monitor;
