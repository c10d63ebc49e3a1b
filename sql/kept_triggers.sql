-- The triggers that archive and record, and those that keep archives and histories as they are, are disabled by nobody: not
-- one by one, nor with all others, nor in a partition. Triggers of the owner's own he disables by name.
\set VERBOSITY terse
SET client_min_messages = error;
CREATE ROLE regress_keeper;
CREATE SCHEMA regress_kept AUTHORIZATION regress_keeper;
SET search_path = regress_kept;
SET SESSION AUTHORIZATION regress_keeper;
CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TABLE moved (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE moved_1 PARTITION OF moved DEFAULT;
CREATE TABLE told (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE told_1 PARTITION OF told DEFAULT;
CREATE TABLE both_kept (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('moved', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('both_kept');
SELECT softdelete.track_history('told'), softdelete.track_history('both_kept');
CREATE TRIGGER mine AFTER INSERT ON moved FOR EACH ROW EXECUTE FUNCTION noop();
CREATE TRIGGER mine AFTER INSERT ON told FOR EACH ROW EXECUTE FUNCTION noop();
CREATE TRIGGER mine AFTER INSERT ON both_kept FOR EACH ROW EXECUTE FUNCTION noop();
CREATE FUNCTION try(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RAISE SQLSTATE 'ZZ000';
EXCEPTION WHEN OTHERS THEN
    RETURN CASE SQLSTATE WHEN 'ZZ000' THEN 'done' ELSE SQLSTATE END;
END$$;
-- The relations, partitions with the date of their name left out.
CREATE TEMPORARY TABLE kept AS
    SELECT c.oid::regclass AS relation, regexp_replace(c.relname, '_\d{6,}$', ' (partition)') AS name
    FROM pg_class c WHERE c.relnamespace = 'regress_kept'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'kept';
CREATE TEMPORARY TABLE forms AS
    SELECT * FROM unnest(ARRAY['ALTER TABLE %s DISABLE TRIGGER ALL', 'ALTER TABLE %s DISABLE TRIGGER USER', 'ALTER TABLE ONLY %s DISABLE TRIGGER ALL',
                               'ALTER TABLE %s ADD CHECK (true), DISABLE TRIGGER ALL']) AS command;
SELECT name, string_agg(DISTINCT try(format(command, relation)), ' ') AS by_owner FROM kept, forms GROUP BY name ORDER BY name COLLATE "C";
SELECT name, count(*) > 0 AS has_triggers, string_agg(DISTINCT try(format(command, relation, tgname)), ' ') AS by_owner
    FROM kept JOIN pg_trigger t ON t.tgrelid = relation AND NOT t.tgisinternal AND t.tgname LIKE 'softdelete%',
         unnest(ARRAY['ALTER TABLE %s DISABLE TRIGGER %I', 'ALTER TABLE %s ENABLE REPLICA TRIGGER %I', 'DROP TRIGGER %2$I ON %1$s',
                      'ALTER TRIGGER %2$I ON %1$s RENAME TO other']) AS command
    GROUP BY name ORDER BY name COLLATE "C";
SELECT try('ALTER TABLE moved DISABLE TRIGGER mine'), try('ALTER TABLE told DISABLE TRIGGER mine'), try('ALTER TABLE both_kept DISABLE TRIGGER mine'),
       try('ALTER TABLE moved ENABLE TRIGGER ALL'), try('ALTER TABLE told_history ENABLE TRIGGER ALL');
\set VERBOSITY default
ALTER TABLE moved_archive DISABLE TRIGGER ALL;
ALTER TABLE told_history DISABLE TRIGGER ALL;
ALTER TABLE told DISABLE TRIGGER ALL;
\set VERBOSITY terse
RESET SESSION AUTHORIZATION;
SELECT name, string_agg(DISTINCT regress_kept.try(format(command, relation)), ' ') AS by_superuser FROM kept, forms GROUP BY name ORDER BY name COLLATE "C";
-- A data-only dump is restored as ever.
SET row_security = off;
ALTER TABLE moved_archive DISABLE TRIGGER ALL;
ALTER TABLE told DISABLE TRIGGER ALL;
ALTER TABLE told ENABLE TRIGGER ALL;
ALTER TABLE moved_archive ENABLE TRIGGER ALL;
RESET row_security;
SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger
    WHERE tgrelid IN ('moved_archive'::regclass, 'told'::regclass) AND tgname LIKE 'softdelete%' ORDER BY 1, 2;
DROP OWNED BY regress_keeper CASCADE;
DROP ROLE regress_keeper;
