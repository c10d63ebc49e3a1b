-- check() looks at archives and histories as it looks at registered tables: what DDL without event triggers took away, what is
-- overdue, and what the last purge left. Each kind appears, and goes when its remedy has run.
CREATE ROLE regress_check_kept;
CREATE ROLE regress_check_kept_other;
CREATE ROLE regress_check_kept_monitor IN ROLE pg_monitor;
SELECT current_user AS superuser \gset
CREATE SCHEMA regress_check_kept AUTHORIZATION regress_check_kept;
GRANT USAGE ON SCHEMA regress_check_kept TO regress_check_kept_other;
SET SESSION AUTHORIZATION regress_check_kept;
SET search_path = regress_check_kept;
SET client_min_messages = warning;
CREATE FUNCTION look(wanted text) RETURNS TABLE (severity text, relation regclass, object text, message text, remedy text)
    LANGUAGE sql SET client_min_messages = error
    AS $$ SELECT severity, relation, object, regexp_replace(message, 'of \d\S+ \S+,', 'of ...,'), remedy FROM softdelete.check()
        WHERE code = wanted AND relation IS NOT NULL ORDER BY relation::text, object, remedy $$;
CREATE PROCEDURE mend(wanted text) LANGUAGE plpgsql AS $$
DECLARE
    command text;
BEGIN
    FOR command IN SELECT DISTINCT regexp_split_to_table(remedy, ';\s') FROM regress_check_kept.look(wanted) LOOP
        EXECUTE command;
    END LOOP;
END $$;
CREATE PROCEDURE change_rules(change text) LANGUAGE plpgsql AS $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT tableoid::regclass FROM regress_check_kept.prices_history UNION SELECT tableoid FROM regress_check_kept.fine_archive LOOP
        EXECUTE format(change, part);
    END LOOP;
END $$;
\set unwatched 'ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE; ALTER EVENT TRIGGER softdelete_ddl_command_end DISABLE; ALTER EVENT TRIGGER softdelete_sql_drop DISABLE;'
\set watched 'ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS; ALTER EVENT TRIGGER softdelete_ddl_command_end ENABLE ALWAYS; ALTER EVENT TRIGGER softdelete_sql_drop ENABLE ALWAYS;'
\pset format unaligned
\pset tuples_only on
\pset fieldsep ' | '

CREATE TABLE logs (id int PRIMARY KEY, note text) PARTITION BY RANGE (id);
CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM (0) TO (100);
CREATE TABLE "Odd Logs" (id int PRIMARY KEY);
CREATE TABLE fine (id int PRIMARY KEY);
CREATE TABLE prices (id int PRIMARY KEY, price int) PARTITION BY RANGE (id);
CREATE TABLE prices_1 PARTITION OF prices FOR VALUES FROM (0) TO (100);
CREATE TABLE "Odd Prices" (id int PRIMARY KEY, price int);
SELECT count(*) > 0 FROM softdelete.register('logs', strategy => 'archive', retention => '90 days');
SELECT count(*) > 0 FROM softdelete.register('"Odd Logs"', strategy => 'archive', retention => '90 days');
SELECT count(*) > 0 FROM softdelete.register('fine', strategy => 'archive', retention => '90 days');
SELECT count(*) > 0 FROM softdelete.register('"Odd Prices"', retention => '90 days');
SELECT softdelete.track_history('prices', retention => '10 years');
SELECT softdelete.track_history('"Odd Prices"', without => '{price}');
SELECT softdelete.track_history('fine');
-- All is well.
SELECT * FROM softdelete.check() WHERE relation IS NOT NULL;
SELECT * FROM softdelete.repair('prices');

-- Without its trigger DELETE would remove rows for good.
INSERT INTO logs SELECT generate_series(1, 5);
INSERT INTO "Odd Logs" VALUES (1), (2);
SET SESSION AUTHORIZATION :"superuser";
:unwatched
SET SESSION AUTHORIZATION regress_check_kept;
DROP TRIGGER softdelete_archive ON logs;
DROP TRIGGER softdelete_truncate ON logs_1;
ALTER TABLE "Odd Logs" DISABLE TRIGGER softdelete_archive;
SET SESSION AUTHORIZATION :"superuser";
:watched
SET SESSION AUTHORIZATION regress_check_kept;
SELECT * FROM look('registered_without_trigger');
SELECT * FROM look('trigger_disabled');
SELECT * FROM look('out_of_step');
CALL mend('registered_without_trigger');
CALL mend('trigger_disabled');
SELECT count(*) FROM softdelete.check() WHERE relation IS NOT NULL;
DELETE FROM logs WHERE id = 1;
DELETE FROM "Odd Logs" WHERE id = 1;
SELECT id FROM logs_archive UNION ALL SELECT id FROM "Odd Logs_archive";

-- Without their guards anybody with rights on them could write to archives and histories. Partitions have guards of their own.
SET SESSION AUTHORIZATION :"superuser";
:unwatched
SET SESSION AUTHORIZATION regress_check_kept;
DROP TRIGGER softdelete_kept ON "Odd Logs_archive";
ALTER TABLE logs_archive DISABLE TRIGGER softdelete_kept;
DROP TRIGGER softdelete_applied ON "Odd Logs_archive";
ALTER TABLE logs_archive DISABLE TRIGGER softdelete_applied;
ALTER TABLE "Odd Prices_history" DISABLE TRIGGER softdelete_kept;
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent IN ('regress_check_kept.prices_history'::regclass, 'regress_check_kept.logs_archive'::regclass)
    LOOP
        EXECUTE format('DROP TRIGGER softdelete_kept ON %s', part);
    END LOOP;
END $$;
SET SESSION AUTHORIZATION :"superuser";
:watched
SET SESSION AUTHORIZATION regress_check_kept;
SELECT severity, relation, regexp_replace(object, '_\d+', '_?') AS object, message, remedy, count(*) FROM look('history_without_guard') GROUP BY 1, 2, 3, 4, 5 ORDER BY 2, 3;
SELECT relation, regexp_replace(message, '_\d+', '_?', 'g') AS message, remedy FROM look('out_of_step') ORDER BY 1;
CALL mend('history_without_guard');
CALL mend('out_of_step');
SELECT count(*) FROM softdelete.check() WHERE relation IS NOT NULL;
DELETE FROM prices_history; -- fails
DELETE FROM logs_archive; -- fails
DELETE FROM "Odd Logs_archive"; -- fails
SELECT count(*) AS unguarded FROM pg_partition_tree('prices_history') p WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = p.relid AND tgname = 'softdelete_kept' AND tgenabled = 'O');
SELECT count(*) AS unguarded FROM pg_partition_tree('logs_archive') p WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = p.relid AND tgname = 'softdelete_kept' AND tgenabled = 'O');
SELECT count(*) AS unguarded FROM (VALUES ('logs_archive'::regclass), ('"Odd Logs_archive"')) a (archive), pg_partition_tree(a.archive) p
WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = p.relid AND tgname = 'softdelete_applied' AND tgenabled = 'A');

-- Columns, views and row security.
SET SESSION AUTHORIZATION :"superuser";
:unwatched
SET SESSION AUTHORIZATION regress_check_kept;
ALTER TABLE logs ADD COLUMN "Level" int;
DROP VIEW all_logs;
ALTER TABLE "Odd Logs" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "Odd Logs_archive" DROP COLUMN deletion_id CASCADE;
SET SESSION AUTHORIZATION :"superuser";
:watched
SET SESSION AUTHORIZATION regress_check_kept;
SELECT * FROM look('out_of_step');
CALL mend('out_of_step');
SELECT * FROM look('out_of_step');
DELETE FROM "Odd Logs" WHERE id = 2;
SELECT id, deletion_id IS NOT NULL FROM "Odd Logs_archive" ORDER BY id;

-- The archive itself.
SET SESSION AUTHORIZATION :"superuser";
:unwatched
SET SESSION AUTHORIZATION regress_check_kept;
DROP TABLE "Odd Logs_archive" CASCADE;
SET SESSION AUTHORIZATION :"superuser";
:watched
SET SESSION AUTHORIZATION regress_check_kept;
SELECT * FROM look('archive_missing');
CALL mend('archive_missing');
SELECT count(*) FROM softdelete.check() WHERE relation IS NOT NULL;

-- A history without its triggers knows nothing of what happens meanwhile: repair() lets it begin anew.
INSERT INTO prices VALUES (1, 10);
INSERT INTO "Odd Prices" VALUES (1, 10);
SELECT now() AS before \gset
SET SESSION AUTHORIZATION :"superuser";
:unwatched
SET SESSION AUTHORIZATION regress_check_kept;
DROP TRIGGER softdelete_history ON prices;
DROP TRIGGER softdelete_history_truncate ON prices_1;
ALTER TABLE "Odd Prices" DISABLE TRIGGER softdelete_history;
SET SESSION AUTHORIZATION :"superuser";
:watched
SET SESSION AUTHORIZATION regress_check_kept;
UPDATE prices SET price = 20;
SELECT * FROM look('history_without_trigger');
SELECT * FROM look('trigger_disabled');
SELECT relation, object, action FROM softdelete.repair('prices');
SELECT relation, object, action FROM softdelete.repair('"Odd Prices"');
SELECT count(*) FROM softdelete.check() WHERE relation IS NOT NULL;
UPDATE prices SET price = 30;
UPDATE "Odd Prices" SET id = 2;
SELECT history_kind, price FROM prices_history ORDER BY history_at;
SELECT history_kind, id FROM "Odd Prices_history" ORDER BY history_at;
\set VERBOSITY sqlstate
SELECT softdelete.history_at('prices', :'before', 1); -- fails
\set VERBOSITY default
SELECT softdelete.history_at('prices', now(), 1);
TRUNCATE prices;
SELECT count(*) FROM prices_history WHERE history_kind = 'T';

-- Nobody but the owner repairs.
SET SESSION AUTHORIZATION regress_check_kept_other;
SELECT * FROM softdelete.repair('regress_check_kept.prices'); -- fails
SELECT count(*) FROM softdelete.check() WHERE relation IS NOT NULL;
SET SESSION AUTHORIZATION regress_check_kept;

-- The history itself.
SET SESSION AUTHORIZATION :"superuser";
:unwatched
SET SESSION AUTHORIZATION regress_check_kept;
DROP TABLE prices_history;
DROP TABLE "Odd Prices_history";
SET SESSION AUTHORIZATION :"superuser";
:watched
SET SESSION AUTHORIZATION regress_check_kept;
SELECT * FROM look('history_missing');
CALL mend('history_missing');
SELECT count(*) FROM look('history_missing');
SELECT count(*) FROM pg_attribute WHERE attrelid = '"Odd Prices_history"'::regclass AND attname = 'price';

-- Rows and entries of the past that no purge has looked at: those of yesterday are no finding.
SET SESSION AUTHORIZATION :"superuser";
SET session_replication_role = replica;
SET row_security = off;
SET TimeZone = 'UTC';
CREATE TABLE logs_archive_old PARTITION OF logs_archive FOR VALUES FROM ('2001-01-01') TO ('2001-02-01');
CREATE TABLE prices_history_old PARTITION OF prices_history FOR VALUES FROM ('2001-01-01') TO ('2001-02-01');
ALTER TABLE logs_archive_old OWNER TO regress_check_kept;
ALTER TABLE prices_history_old OWNER TO regress_check_kept;
INSERT INTO logs_archive (id, deleted_at, deletion_id) VALUES (50, '2001-01-10', 1), (51, '2001-01-11', 1);
INSERT INTO prices_history (history_at, history_kind, id) VALUES ('2001-01-10', 'I', 50);
RESET TimeZone;
RESET row_security;
RESET session_replication_role;
SET SESSION AUTHORIZATION regress_check_kept;
SELECT * FROM look('overdue');
SELECT DISTINCT remedy FROM look('overdue') ORDER BY 1 \gexec
SELECT count(*) FROM look('overdue');
SELECT count(*) FROM logs_archive WHERE id >= 50;
SELECT count(*) FROM prices_history WHERE id = 50;

-- A purge that fails: something keeps what is due.
INSERT INTO prices VALUES (2, 10);
INSERT INTO fine VALUES (1);
DELETE FROM fine;
SET SESSION AUTHORIZATION :"superuser";
:unwatched
SET session_replication_role = replica;
CALL regress_check_kept.change_rules('CREATE RULE keep AS ON DELETE TO %s DO INSTEAD NOTHING');
:watched
UPDATE softdelete_internal.tracked_table SET retention = '1 microsecond' WHERE relation = 'regress_check_kept.prices'::regclass;
UPDATE softdelete_internal.archive SET retention = '1 microsecond' WHERE relation = 'regress_check_kept.fine'::regclass;
RESET session_replication_role;
SET SESSION AUTHORIZATION regress_check_kept;
SET client_min_messages = error;
CALL softdelete.purge();
SET client_min_messages = warning;
SELECT * FROM look('purge_failed');
SET SESSION AUTHORIZATION :"superuser";
:unwatched
CALL regress_check_kept.change_rules('DROP RULE keep ON %s');
:watched
SET SESSION AUTHORIZATION regress_check_kept;
SELECT DISTINCT remedy FROM look('purge_failed') ORDER BY 1 \gexec
SELECT count(*) FROM look('purge_failed');
SELECT count(*) FROM softdelete.configure('fine', retention => '1 year');

-- A long retention is no less of one.
SELECT count(*) FROM softdelete.configure('logs', retention => '5000 years');
SELECT count(*) FROM softdelete.configure('"Odd Prices"', retention => '5000 years');
SELECT softdelete.untrack_history('prices', 'drop');
SELECT softdelete.track_history('prices', retention => '5000 years');
SELECT code, relation FROM softdelete.check() WHERE code = 'not_checked' OR relation IS NOT NULL;

-- A table that cannot be looked at takes no other along, and what its owner's code says stays with him: the error has no text.
CREATE TABLE broken (id int PRIMARY KEY, note text);
CREATE TABLE others (id int PRIMARY KEY);
SELECT count(*) > 0 FROM softdelete.register('broken', retention => '1 year');
SELECT count(*) > 0 FROM softdelete.register('others');
CREATE FUNCTION tell(secret text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN true; END $$;
CREATE INDEX ON broken (note) WHERE tell('42');
CREATE OR REPLACE FUNCTION tell(secret text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'the secret is %', secret; END $$;
SELECT severity, code, relation, object, message, remedy FROM softdelete.check() WHERE code = 'not_checked' OR relation IS NOT NULL;
SET SESSION AUTHORIZATION regress_check_kept_monitor;
SELECT severity, code, object, message, remedy FROM softdelete.check() WHERE code = 'not_checked';
SET SESSION AUTHORIZATION regress_check_kept;
DROP FUNCTION tell CASCADE;
SELECT code, relation FROM softdelete.check() WHERE code = 'not_checked';

SET SESSION AUTHORIZATION :"superuser";
SET client_min_messages = warning;
DROP SCHEMA regress_check_kept CASCADE;
DROP ROLE regress_check_kept, regress_check_kept_other, regress_check_kept_monitor;
