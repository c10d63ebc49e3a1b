-- check() finds what reads deleted rows where nobody expects that, and rows that a backfill did not see. Each kind appears, and
-- goes when what is wrong has been mended. What is written as it should be is no finding.
\set QUIET on
CREATE ROLE regress_readers;
CREATE ROLE regress_readers_user;
CREATE ROLE regress_readers_other;
CREATE ROLE regress_readers_auditor BYPASSRLS;
SELECT current_user AS superuser \gset
CREATE SCHEMA regress_readers AUTHORIZATION regress_readers;
GRANT USAGE ON SCHEMA regress_readers TO regress_readers_user;
SET SESSION AUTHORIZATION regress_readers;
SET search_path = regress_readers;
SET client_min_messages = error;
CREATE FUNCTION look(wanted text, relation regclass DEFAULT NULL) RETURNS TABLE (severity text, object text, message text, remedy text)
    LANGUAGE sql AS $$ SELECT severity, object, message, remedy FROM softdelete.check(relation) c
        WHERE code = wanted AND (c.relation IS NOT NULL OR object ~ 'regress_|^function') ORDER BY object, remedy $$;
\pset format unaligned
\pset tuples_only on
\pset fieldsep ' | '
\set QUIET off

-- A policy reads whether the reader is a member. He left, and lets himself in again where the table has no filter.
CREATE TABLE members (name text PRIMARY KEY);
CREATE TABLE "Docs" (id int PRIMARY KEY);
CREATE TABLE papers (id int PRIMARY KEY);
GRANT SELECT ON ALL TABLES IN SCHEMA regress_readers TO regress_readers_user;
INSERT INTO members VALUES ('regress_readers_user');
INSERT INTO "Docs" VALUES (1);
SELECT count(*) > 0 FROM softdelete.register('members', retention => '1 year');
GRANT SELECT ON active_members TO regress_readers_user;
ALTER TABLE "Docs" ENABLE ROW LEVEL SECURITY;
ALTER TABLE papers ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_members ON "Docs" USING (EXISTS (SELECT FROM members m WHERE m.name = current_user));
CREATE POLICY of_live_members ON papers USING (EXISTS (SELECT FROM members m WHERE m.name = current_user AND m.deleted_at IS NULL));
DELETE FROM members;
SET SESSION AUTHORIZATION regress_readers_user;
SELECT count(*) FROM "Docs";
SET softdelete.visibility = 'all';
SELECT count(*) FROM "Docs";
RESET softdelete.visibility;
SET SESSION AUTHORIZATION regress_readers;
SELECT count(*) FROM look('policy_reads_deleted');
SELECT count(*) > 0 FROM softdelete.configure('members', visibility => 'view');
SELECT * FROM look('policy_reads_deleted');
ALTER POLICY of_members ON "Docs" USING (EXISTS (SELECT FROM active_members m WHERE m.name = current_user));
SELECT count(*) FROM look('policy_reads_deleted');
SET SESSION AUTHORIZATION regress_readers_user;
SET softdelete.visibility = 'all';
SELECT count(*) FROM "Docs";
RESET softdelete.visibility;
SET SESSION AUTHORIZATION regress_readers;

-- Views and functions read a table that has no filter.
CREATE TABLE orders (id int PRIMARY KEY, total int);
CREATE VIEW totals AS SELECT sum(total) AS total FROM orders;
CREATE MATERIALIZED VIEW kept_totals AS SELECT sum(total) AS total FROM orders;
CREATE FUNCTION total() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(total) FROM orders; END;
SELECT count(*) > 0 FROM softdelete.register('orders', retention => '1 year', visibility => 'view');
CREATE VIEW live_totals AS SELECT sum(total) AS total FROM orders WHERE deleted_at IS NULL;
CREATE VIEW other_totals AS SELECT sum(total) AS total FROM active_orders;
SELECT * FROM look('view_shows_deleted');
CREATE OR REPLACE VIEW totals AS SELECT sum(total) AS total FROM active_orders;
DROP MATERIALIZED VIEW kept_totals;
DROP FUNCTION total;
SELECT count(*) FROM look('view_shows_deleted');
CREATE VIEW totals_again AS SELECT sum(total) AS total FROM orders;
SELECT count(*) FROM look('view_shows_deleted');
SELECT count(*) > 0 FROM softdelete.configure('orders', visibility => 'filter');
SELECT count(*) FROM look('view_shows_deleted');

-- A materialized view was filled when deleted rows were to be seen. One that leaves them out by itself was right at that time.
CREATE TABLE guests (id int PRIMARY KEY, name text, deleted_at timestamptz);
INSERT INTO guests SELECT n, 'n' || n, CASE WHEN n > 50 THEN now() - n * interval '1 hour' END FROM generate_series(1, 100) n;
CREATE MATERIALIZED VIEW names AS SELECT name FROM guests;
CREATE MATERIALIZED VIEW rows AS SELECT * FROM guests;
CREATE MATERIALIZED VIEW live_names AS SELECT name FROM guests WHERE deleted_at IS NULL;
CREATE MATERIALIZED VIEW empty_names AS SELECT name FROM guests WITH NO DATA;
CREATE MATERIALIZED VIEW old_names AS SELECT name FROM guests;
CREATE TABLE fresh (id int PRIMARY KEY);
INSERT INTO fresh SELECT generate_series(1, 100);
CREATE MATERIALIZED VIEW fresh_ids AS SELECT id FROM fresh;
ANALYZE guests;
SELECT count(*) > 0 FROM softdelete.register('guests', retention => '1 year');
SELECT count(*) > 0 FROM softdelete.register('fresh', retention => '1 year');
DELETE FROM fresh WHERE id > 50;
ANALYZE fresh;
CREATE UNIQUE INDEX ON old_names (name);
REFRESH MATERIALIZED VIEW CONCURRENTLY old_names;
SELECT * FROM look('stale_materialized_view');
SELECT count(*) FROM names;
SELECT remedy FROM look('stale_materialized_view') \gexec
-- a column whose name is odd
CREATE TABLE visits (id int PRIMARY KEY, "deleted (at" timestamptz);
INSERT INTO visits SELECT n, CASE WHEN n > 50 THEN now() - n * interval '1 hour' END FROM generate_series(1, 100) n;
CREATE MATERIALIZED VIEW all_ids AS SELECT id FROM visits;
CREATE MATERIALIZED VIEW live_ids AS SELECT id FROM visits WHERE "deleted (at" IS NULL;
ANALYZE visits;
SELECT count(*) > 0 FROM softdelete.register('visits', retention => '1 year', deleted_at => 'deleted (at');
SELECT * FROM look('stale_materialized_view');
SELECT remedy FROM look('stale_materialized_view') \gexec
SELECT count(*) FROM names;
SELECT count(*) FROM look('stale_materialized_view');

-- Functions with settings of their own.
CREATE FUNCTION bin() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET softdelete.visibility = 'Deleted' AS 'SELECT count(*) FROM regress_readers.guests';
CREATE FUNCTION count_all() RETURNS bigint LANGUAGE sql SET row_security = off AS 'SELECT count(*) FROM regress_readers.guests';
CREATE FUNCTION count_others() RETURNS bigint LANGUAGE sql SET row_security = off AS 'SELECT count(*) FROM pg_class';
CREATE FUNCTION count_live() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET softdelete.visibility = active AS 'SELECT count(*) FROM regress_readers.guests';
SELECT count_all(), bin(), count_live();
SELECT * FROM look('function_shows_deleted');
ALTER FUNCTION bin() RESET softdelete.visibility;
ALTER FUNCTION count_all() RESET row_security;
SELECT count_all(), bin();
SELECT count(*) FROM look('function_shows_deleted');

-- A backfill does not see deleted rows. Of the columns here, one was filled so; one is not filled by anybody yet, one has values in
-- some live rows, one is filled now and then, and one is empty in deleted rows on purpose.
INSERT INTO fresh SELECT generate_series(101, 110);
ALTER TABLE fresh ADD COLUMN "Code" text, ADD COLUMN later text, ADD COLUMN half text, ADD COLUMN seen text, ADD COLUMN phone text;
UPDATE fresh SET "Code" = id, seen = 'x', phone = id;
UPDATE fresh SET half = 'x' WHERE id % 2 = 0;
SELECT softdelete.set_anonymizer('fresh', 'phone', 'NULL');
SET softdelete.visibility = 'all';
UPDATE fresh SET seen = 'x' WHERE id % 2 = 0;
RESET softdelete.visibility;
SELECT count(*) FROM look('not_backfilled');
SELECT * FROM look('not_backfilled', 'fresh');
BEGIN;
DELETE FROM fresh WHERE id = 101;
SELECT * FROM look('not_backfilled', 'fresh');
ROLLBACK;
BEGIN;
SET LOCAL softdelete.visibility = 'all';
UPDATE fresh SET "Code" = id WHERE "Code" IS NULL;
COMMIT;
SELECT count(*) FROM look('not_backfilled', 'fresh');

-- A flag that disagrees with the time: rows of both kinds are counted.
ALTER TABLE fresh ADD COLUMN is_deleted bool;
UPDATE fresh SET is_deleted = true WHERE id = 1;
SELECT * FROM look('flag_column_disagrees', 'fresh');
ALTER TABLE fresh DROP COLUMN is_deleted;
SELECT count(*) FROM look('flag_column_disagrees', 'fresh');

-- Times without a time zone are those of whoever's session wrote them.
CREATE TABLE local_times (id int PRIMARY KEY, gone_at timestamp);
SELECT count(*) > 0 FROM softdelete.register('local_times', retention => '1 year', deleted_at => 'gone_at');
SELECT * FROM look('time_without_zone');
SELECT count(*) > 0 FROM softdelete.unregister('local_times', deleted_rows => 'keep');
ALTER TABLE local_times ALTER COLUMN gone_at TYPE timestamptz USING gone_at AT TIME ZONE 'UTC';
SELECT count(*) > 0 FROM softdelete.register('local_times', retention => '1 year', deleted_at => 'gone_at');
SELECT count(*) FROM look('time_without_zone');

-- Many deleted rows, and no restore for months.
INSERT INTO local_times SELECT generate_series(1, 11000);
DELETE FROM local_times;
ANALYZE local_times;
SELECT count(*) FROM look('never_restored');
SET SESSION AUTHORIZATION :"superuser";
UPDATE softdelete_internal.registration SET registered_at = '2020-02-03 12:00' WHERE relation = 'regress_readers.local_times'::regclass;
SET SESSION AUTHORIZATION regress_readers;
SELECT severity, object, regexp_replace(message, '\d+ rows', '? rows'), remedy FROM look('never_restored');
BEGIN;
SELECT softdelete.restore('local_times', 1);
SELECT count(*) FROM look('never_restored');
ROLLBACK;
SELECT count(*) > 0 FROM softdelete.configure('local_times', retention => '30 days');
SELECT count(*) FROM look('never_restored');

-- Visibility rls does not bind everybody.
CREATE TABLE secrets (id int PRIMARY KEY);
SELECT count(*) > 0 FROM softdelete.register('secrets', retention => '1 year', visibility => 'rls');
SELECT * FROM look('row_security_bypassed');
GRANT SELECT ON secrets TO regress_readers_auditor;
SELECT * FROM look('row_security_bypassed');
REVOKE SELECT ON secrets FROM regress_readers_auditor;
SELECT count(*) FROM look('row_security_bypassed');
SET SESSION AUTHORIZATION :"superuser";
ALTER ROLE regress_readers LOGIN;
SELECT * FROM regress_readers.look('row_security_bypassed');
ALTER ROLE regress_readers NOLOGIN;
SELECT count(*) FROM regress_readers.look('row_security_bypassed');

-- What a copy of the schema without its data leaves: triggers, and nothing that is noted of them.
SET SESSION AUTHORIZATION regress_readers;
CREATE TABLE copied (id int PRIMARY KEY, "gelöscht \0001 am" timestamptz, who uuid);
SELECT count(*) > 0 FROM softdelete.register('copied', retention => '1 year', deleted_at => 'gelöscht \0001 am', deleted_by => 'who', visibility => 'view');
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
SELECT count(*) > 0 FROM softdelete.register('parts', retention => '1 year', deleted_by => NULL);
SELECT count(*) FROM look('trigger_without_registration');
SET SESSION AUTHORIZATION :"superuser";
DELETE FROM softdelete_internal.registration WHERE relation IN ('regress_readers.copied'::regclass, 'regress_readers.parts'::regclass);
SET SESSION AUTHORIZATION regress_readers;
SELECT * FROM look('trigger_without_registration');
INSERT INTO copied VALUES (1);
DELETE FROM copied;
SELECT softdelete.restore('copied', 1); -- fails
SELECT replace(remedy, 'SELECT *', 'SELECT count(*) > 0') FROM look('trigger_without_registration') \gexec
SELECT count(*) FROM look('trigger_without_registration');
SELECT relation, visibility, deleted_at, deleted_by FROM softdelete.tables WHERE relation::text IN ('copied', 'parts') ORDER BY 1;

-- Others are told nothing of all this.
SET SESSION AUTHORIZATION regress_readers_other;
SELECT code, object FROM softdelete.check() WHERE relation IS NOT NULL OR object ~ '^(function|role regress_readers)';

\set QUIET on
SET SESSION AUTHORIZATION :"superuser";
DROP SCHEMA regress_readers CASCADE;
DROP ROLE regress_readers, regress_readers_user, regress_readers_other, regress_readers_auditor;
