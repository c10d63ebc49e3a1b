-- The strategy archive: DELETE is a real DELETE, and each deleted row is in the archive, and in no other place. Every way to
-- delete is followed by the same check: each row that ever was is either live or archived, once.
\set VERBOSITY terse
CREATE ROLE regress_archive_owner;
CREATE SCHEMA regress_archive AUTHORIZATION regress_archive_owner;
SET SESSION AUTHORIZATION regress_archive_owner;
SET search_path = regress_archive;

-- What it does: a table beside it, partitioned by time, triggers and views. A plan says the same and changes nothing.
CREATE TABLE "Odd ""One" (id int PRIMARY KEY, name varchar(10), code char(5), doc jsonb, "Deleted" boolean DEFAULT false,
    twice int GENERATED ALWAYS AS (id * 2) STORED, serial bigint GENERATED ALWAYS AS IDENTITY);
CREATE TEMPORARY TABLE planned AS SELECT * FROM softdelete.plan('"Odd ""One"', strategy => 'archive');
SELECT to_regclass('"Odd ""One_archive"');
SELECT object, action, online FROM softdelete.register('"Odd ""One"', strategy => 'archive') EXCEPT
    SELECT object, action, online FROM planned;
SELECT step, relation, object, action, online FROM planned ORDER BY step;
SELECT relation, strategy, visibility, retention, deleted_at, deleted_by, active_view, deleted_view, all_view FROM softdelete.tables
    WHERE relation = '"Odd ""One"'::regclass;
SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
    WHERE attrelid = '"Odd ""One_archive"'::regclass AND attnum > 0 ORDER BY attnum;
SELECT pg_get_partkeydef('"Odd ""One_archive"'::regclass), (SELECT count(*) FROM pg_inherits WHERE inhparent = '"Odd ""One_archive"'::regclass) AS partitions;
INSERT INTO "Odd ""One" (id, name, code) VALUES (1, 'ten chars!', 'abcd'), (2, 'b', NULL);
DELETE FROM "Odd ""One" WHERE id = 1 RETURNING id, name, twice;
SELECT id, name, code, twice, serial, deleted_at = now() AS at_now, deleted_by, deletion_id IS NOT NULL AS known FROM "deleted_Odd ""One";
SELECT id, name, deleted_at IS NOT NULL AS deleted FROM "all_Odd ""One" ORDER BY id;
SELECT id, name FROM "active_Odd ""One";
SELECT relation, deleted_by, reason, rows, restored_at FROM softdelete.deletions;

-- Every way to delete. Two tables, one partitioned, with a partition of another shape; children below one of them.
CREATE TABLE plain (id int PRIMARY KEY, v text, up int REFERENCES plain ON DELETE CASCADE);
CREATE TABLE parted (id int PRIMARY KEY, v text, up int) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TABLE parted_2 (gone int, v text, id int NOT NULL, up int);
ALTER TABLE parted_2 DROP COLUMN gone;
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (100) TO (200);
CREATE TABLE child (id int PRIMARY KEY, plain int REFERENCES plain ON DELETE CASCADE, parted int REFERENCES parted ON DELETE CASCADE);
CREATE INDEX ON child (plain);
CREATE INDEX ON child (parted);
SELECT DISTINCT relation, object, action FROM softdelete.register('plain', strategy => 'archive', cascade => true) ORDER BY 1, 2;
SELECT count(*) > 0 AS registered FROM softdelete.register('parted', strategy => 'archive', cascade => true);
CREATE TABLE ever (relation text, id int);
CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ever VALUES (TG_ARGV[0], NEW.id); RETURN NULL; END $$;
CREATE TRIGGER remember AFTER INSERT ON plain FOR EACH ROW EXECUTE FUNCTION remember('plain');
CREATE TRIGGER remember AFTER INSERT ON parted FOR EACH ROW EXECUTE FUNCTION remember('parted');
CREATE TRIGGER remember AFTER INSERT ON child FOR EACH ROW EXECUTE FUNCTION remember('child');
-- Rows that are in no place, or in two.
CREATE VIEW places AS SELECT relation, id, count(p.id) AS places FROM ever e LEFT JOIN (
    SELECT 'plain' AS relation, id FROM all_plain UNION ALL SELECT 'parted', id FROM all_parted UNION ALL SELECT 'child', id FROM all_child
    ) p USING (relation, id) GROUP BY relation, id;
CREATE FUNCTION astray() RETURNS TABLE (relation text, id int, places bigint) LANGUAGE sql AS 'SELECT * FROM places WHERE places <> 1 ORDER BY 1, 2';
INSERT INTO plain SELECT i, 'p' || i FROM generate_series(1, 50) i;
INSERT INTO plain SELECT i, 'p' || i, i - 10 FROM generate_series(51, 60) i;
INSERT INTO parted SELECT i, 'q' || i FROM generate_series(1, 199) i;
INSERT INTO child SELECT i, (i - 1) % 50 + 1, i FROM generate_series(1, 199) i;
SELECT * FROM astray();

DELETE FROM plain WHERE id = 1;
\echo plain: :ROW_COUNT
SELECT * FROM astray();
DELETE FROM plain WHERE id IN (2, 3) RETURNING id, v;
SELECT * FROM astray();
DELETE FROM plain p USING child c WHERE c.plain = p.id AND c.id = 4;
\echo using: :ROW_COUNT
SELECT * FROM astray();
WITH gone AS (DELETE FROM plain WHERE id = 5 RETURNING id), more AS (DELETE FROM parted WHERE id = 5) SELECT * FROM gone;
SELECT * FROM astray();
MERGE INTO plain p USING (VALUES (6), (7)) v (id) ON v.id = p.id WHEN MATCHED AND p.id = 6 THEN DELETE WHEN MATCHED THEN UPDATE SET v = 'merged';
\echo merged: :ROW_COUNT
SELECT * FROM astray();
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM plain WHERE id = 8 FOR UPDATE;
FETCH c;
DELETE FROM plain WHERE CURRENT OF c;
COMMIT;
SELECT * FROM astray();
PREPARE gone (int) AS DELETE FROM plain WHERE id = $1;
SET plan_cache_mode = force_generic_plan;
EXECUTE gone (9);
EXECUTE gone (10);
RESET plan_cache_mode;
SELECT * FROM astray();
DELETE FROM active_plain WHERE id = 11;
\echo view: :ROW_COUNT
DELETE FROM parted WHERE id IN (1, 101);
\echo partitions: :ROW_COUNT
DELETE FROM parted_1 WHERE id = 2;
DELETE FROM parted_2 WHERE id = 102 RETURNING *;
SELECT * FROM astray();
DO $$ BEGIN DELETE FROM plain WHERE id = 12; IF NOT FOUND THEN RAISE 'not found'; END IF; END $$;
CREATE FUNCTION delete_some() RETURNS SETOF int LANGUAGE sql AS 'DELETE FROM plain WHERE id BETWEEN 13 AND 15 RETURNING id';
SELECT * FROM delete_some() LIMIT 1;
SELECT count(*) FROM plain WHERE id BETWEEN 13 AND 15;
SELECT * FROM astray();
SELECT softdelete.delete('plain', 16) = max(deletion_id) AS same_deletion FROM deleted_plain;
SELECT softdelete.delete('plain', 16) AS not_there;
SELECT * FROM astray();
-- The deletion is that of the row, also where a trigger sets another actor.
CREATE FUNCTION another() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('softdelete.actor', 'another', true); RETURN OLD; END $$;
CREATE TRIGGER z_another AFTER DELETE ON plain FOR EACH ROW EXECUTE FUNCTION another();
SELECT softdelete.delete('plain', 42) AS deletion \gset
SELECT :deletion = deletion_id AS same_deletion, deleted_by FROM deleted_plain WHERE id = 42;
DROP TRIGGER z_another ON plain;
-- Levels of a self reference, and what hangs on a table by two keys.
DELETE FROM plain WHERE id = 41;
SELECT id, up FROM deleted_plain WHERE id IN (41, 51) ORDER BY id;
SELECT * FROM astray();

-- Savepoints and exception blocks take their rows back, and those that were deleted before stay deleted.
BEGIN;
DELETE FROM plain WHERE id = 17;
SAVEPOINT s;
DELETE FROM plain WHERE id = 18;
ROLLBACK TO s;
DELETE FROM plain WHERE id = 19;
DO $$ BEGIN DELETE FROM plain WHERE id = 20; RAISE 'x'; EXCEPTION WHEN OTHERS THEN NULL; END $$;
DO $$ BEGIN DELETE FROM plain WHERE id = 21; EXCEPTION WHEN OTHERS THEN NULL; END $$;
COMMIT;
SELECT id FROM deleted_plain WHERE id BETWEEN 17 AND 21 ORDER BY id;
SELECT * FROM astray();
BEGIN;
DELETE FROM plain;
ROLLBACK;
SELECT * FROM astray();

-- Triggers of the user's fire as on any DELETE: one that keeps a row, one that fails, one that runs statements of its own,
-- deleting more and rolling that back, and one that waits for the commit.
CREATE TABLE fired (place serial, what text);
CREATE FUNCTION on_plain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO fired (what) VALUES (TG_NAME || ' ' || OLD.id || ' archived ' || (SELECT count(*) FROM deleted_plain d WHERE d.id = OLD.id));
    IF TG_WHEN = 'BEFORE' AND OLD.id = 22 THEN
        RETURN NULL;
    ELSIF OLD.id = 23 AND TG_NAME = 'z_after' THEN
        RAISE 'stop';
    ELSIF OLD.id = 24 AND TG_NAME = 'a_after' THEN
        BEGIN
            DELETE FROM plain WHERE id IN (25, 26);
            RAISE 'back';
        EXCEPTION WHEN raise_exception THEN NULL;
        END;
        DELETE FROM plain WHERE id = 27;
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER b_before BEFORE DELETE ON plain FOR EACH ROW EXECUTE FUNCTION on_plain();
CREATE TRIGGER a_after AFTER DELETE ON plain FOR EACH ROW EXECUTE FUNCTION on_plain();
CREATE TRIGGER z_after AFTER DELETE ON plain FOR EACH ROW EXECUTE FUNCTION on_plain();
DELETE FROM plain WHERE id = 22;
\echo kept: :ROW_COUNT
DELETE FROM plain WHERE id = 23; -- fails
DELETE FROM plain WHERE id = 24;
SELECT id FROM plain WHERE id BETWEEN 22 AND 27 ORDER BY id;
SELECT what FROM fired ORDER BY place;
SELECT * FROM astray();
CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM parted WHERE id = OLD.id; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER DELETE ON plain DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit();
BEGIN;
DELETE FROM plain WHERE id = 28;
SELECT count(*) FROM parted WHERE id = 28;
COMMIT;
SELECT count(*) FROM parted WHERE id = 28;
SELECT * FROM astray();
DROP TRIGGER at_commit ON plain;
DROP TRIGGER a_after ON plain;
DROP TRIGGER b_before ON plain;
DROP TRIGGER z_after ON plain;

-- Rows that an UPDATE moves to another partition are no deleted ones, in a MERGE that deletes others neither.
DELETE FROM parted WHERE id IN (198, 199);
BEGIN;
DELETE FROM child;
DELETE FROM parted WHERE id = 150;
UPDATE parted SET id = 150 WHERE id = 50;
SELECT id FROM all_parted WHERE id IN (50, 150) ORDER BY deleted_at;
MERGE INTO parted p USING (VALUES (51, 198), (52, 0)) v (id, new_id) ON v.id = p.id WHEN MATCHED AND v.new_id > 0 THEN UPDATE SET id = v.new_id WHEN MATCHED THEN DELETE;
SELECT id, deleted_at IS NOT NULL AS deleted FROM all_parted WHERE id IN (51, 52, 198) ORDER BY id, deleted;
ROLLBACK;
SELECT * FROM astray();

-- Nobody writes to the archive by hand, or takes it apart.
ALTER TABLE plain_archive DETACH PARTITION nosuch; -- fails
DROP TABLE plain_archive; -- fails
INSERT INTO plain_archive SELECT * FROM plain_archive; -- fails
DELETE FROM deleted_plain; -- fails
TRUNCATE plain_archive; -- fails
UPDATE plain_archive SET v = 'x'; -- fails

-- TRUNCATE is refused as for tables whose deleted rows are marked, by every name.
TRUNCATE plain; -- fails
TRUNCATE parted_1; -- fails
TRUNCATE plain, parted CASCADE; -- fails
-- So is what would make the triggers be passed over.
ALTER TABLE plain DISABLE TRIGGER softdelete_archive; -- fails
ALTER TABLE plain DISABLE TRIGGER USER; -- fails
ALTER TABLE parted_1 DISABLE TRIGGER USER; -- fails
DROP TRIGGER softdelete_archive ON plain; -- fails
ALTER TRIGGER softdelete_archive ON plain RENAME TO other; -- fails
RESET SESSION AUTHORIZATION;
ALTER TABLE regress_archive.plain DISABLE TRIGGER ALL; -- fails
ALTER TABLE regress_archive.parted_2 DISABLE TRIGGER ALL; -- fails
-- The triggers fire in every mode of replication.
SET session_replication_role = replica;
DELETE FROM regress_archive.plain WHERE id = 30;
RESET session_replication_role;
-- A superuser may set softdelete.deletion to hard: then nothing is archived.
SET softdelete.deletion = hard;
DELETE FROM regress_archive.plain WHERE id = 31;
TRUNCATE regress_archive.child;
RESET softdelete.deletion;
SET SESSION AUTHORIZATION regress_archive_owner;
SELECT relation, count(*), min(id) FROM astray() GROUP BY relation;

-- The log of deletions: one deletion for a transaction under one actor and reason.
BEGIN;
SET LOCAL softdelete.actor = 'ann';
SET LOCAL softdelete.reason = 'tidy up';
DELETE FROM plain WHERE id = 32;
DELETE FROM parted WHERE id = 32;
SET LOCAL softdelete.actor = 'bob';
DELETE FROM plain WHERE id = 33;
COMMIT;
SELECT relation, deleted_by, reason, rows FROM softdelete.deletions ORDER BY id DESC LIMIT 2;
SELECT id, deleted_by FROM deleted_plain WHERE id IN (32, 33) ORDER BY id;

-- A statement that deletes nothing begins no deletion.
SELECT count(*) AS deletions FROM softdelete.deletions \gset
DELETE FROM plain WHERE id = 32;
SELECT count(*) - :deletions AS more FROM softdelete.deletions;

-- What archives have not yet is refused.
SELECT softdelete.anonymize('plain', 'why', 34); -- fails: it has no rules
\set VERBOSITY default
SELECT * FROM softdelete.configure('plain', visibility => 'view'); -- fails
SELECT * FROM softdelete.configure('plain', indexes => 'unique'); -- fails
SELECT * FROM softdelete.register('fired', strategy => 'archive', visibility => 'rls'); -- fails
SELECT * FROM softdelete.register('fired', strategy => 'archive', visibility => 'view', deleted_view => 'gone'); -- fails
SELECT * FROM softdelete.register('fired', strategy => 'archive', indexes => 'all'); -- fails
\set VERBOSITY terse
SELECT * FROM softdelete.configure('plain', visibility => 'other'); -- fails
SELECT * FROM softdelete.configure('plain', indexes => 'other'); -- fails
SELECT * FROM softdelete.configure('plain', admin_roles => '{regress_archive_nobody}'); -- fails
SELECT * FROM softdelete.configure('plain'); -- fails
SELECT * FROM softdelete.register('fired', strategy => 'archive', visibility => 'other'); -- fails
-- What references a table with an archive comes along, by whatever key.
CREATE TABLE top (id int PRIMARY KEY);
CREATE TABLE middle (id int PRIMARY KEY, top int REFERENCES top ON DELETE SET NULL);
CREATE TABLE low (id int PRIMARY KEY, middle int REFERENCES middle);
SELECT relation, count(*) > 0 AS steps FROM softdelete.plan('top', strategy => 'archive', all_referencing => true) GROUP BY relation ORDER BY relation::text;
SET client_min_messages = error;
SELECT relation, count(*) > 0 AS steps FROM softdelete.register('top', strategy => 'archive', all_referencing => true) GROUP BY relation ORDER BY relation::text;
RESET client_min_messages;
SELECT relation, strategy FROM softdelete.tables WHERE relation IN ('top'::regclass, 'middle'::regclass, 'low'::regclass) ORDER BY relation::text;
SELECT count(*) AS unregistered FROM unnest('{low,middle,top}'::regclass[]) t, LATERAL (SELECT count(*) FROM softdelete.unregister(t)) u;
DROP TABLE top, middle, low;
-- What is so anyway is accepted.
SELECT count(*) FROM softdelete.configure('plain', visibility => 'filter', indexes => 'none', admin_roles => '{}');
SELECT count(*) > 0 AS steps FROM softdelete.plan('fired', strategy => 'archive', visibility => 'filter', indexes => 'none');
SELECT * FROM softdelete.register('fired', strategy => 'archive', on_expiry => 'other'); -- fails
SELECT * FROM softdelete.register('fired', strategy => 'archive', admin_roles => '{regress_archive_nobody}'); -- fails
SELECT * FROM softdelete.register('fired', strategy => 'archive', deleted_at => 'what'); -- fails
SELECT * FROM softdelete.register('fired', strategy => 'archive', all_view => 'fired'); -- fails
SELECT * FROM softdelete.register('fired', strategy => 'archive', active_view => 'x', all_view => 'x'); -- fails
SELECT * FROM softdelete.register('plain', strategy => 'archive'); -- fails
SELECT * FROM softdelete.register('plain'); -- fails
SELECT * FROM softdelete.register('plain_archive'); -- fails
SELECT * FROM softdelete.register('parted_1', strategy => 'archive'); -- fails
SELECT softdelete.track_history('plain_archive'); -- fails
CREATE TABLE heir () INHERITS (plain); -- fails
ALTER TABLE fired INHERIT plain; -- fails
ALTER TABLE plain_archive ADD COLUMN w int; -- fails
-- What concerns rows alone is not.
ALTER TABLE plain ALTER COLUMN v SET DEFAULT 'new', ADD CHECK (id > 0);

CREATE TYPE shape AS (id int);
CREATE TABLE typed OF shape;
SELECT count(*) > 0 AS registered FROM softdelete.register('typed', strategy => 'archive');
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('typed');

-- Foreign keys between the two strategies.
CREATE TABLE flagged (id int PRIMARY KEY);
CREATE TABLE below (id int PRIMARY KEY, plain int REFERENCES plain, flagged int REFERENCES flagged ON DELETE CASCADE);
SELECT * FROM softdelete.register('below'); -- fails
SELECT count(*) > 0 AS registered FROM softdelete.register('flagged');
SELECT count(*) > 0 AS registered FROM softdelete.register('below', strategy => 'archive');
ALTER TABLE flagged ADD COLUMN plain int REFERENCES plain; -- fails
ALTER TABLE plain ADD CONSTRAINT to_flagged FOREIGN KEY (id) REFERENCES flagged ON DELETE CASCADE NOT VALID;
ALTER TABLE plain DROP CONSTRAINT to_flagged;
SELECT object, action, command FROM softdelete.plan('plain'); -- fails
-- What register warns of.
CREATE TABLE top (id int PRIMARY KEY);
CREATE TABLE loose (id int PRIMARY KEY, top int REFERENCES top ON DELETE CASCADE, other int REFERENCES top ON DELETE SET NULL);
SELECT object, command FROM softdelete.register('top', strategy => 'archive') WHERE action = 'warning';

-- Partitions that come are archived from, and those that leave take nothing of ours along.
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES FROM (200) TO (300);
CREATE TABLE parted_4 (LIKE parted);
ALTER TABLE parted ATTACH PARTITION parted_4 FOR VALUES FROM (300) TO (400);
INSERT INTO parted VALUES (200, 'new'), (300, 'newer');
DELETE FROM parted WHERE id = 200;
DELETE FROM parted_4 WHERE id = 300;
TRUNCATE parted_3; -- fails
SELECT * FROM astray() WHERE relation = 'parted';
SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE tgrelid IN ('parted_3'::regclass, 'parted_4'::regclass) AND tgname LIKE 'softdelete%' ORDER BY 1, 2;
ALTER TABLE parted DETACH PARTITION parted_4;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'parted_4'::regclass AND tgname LIKE 'softdelete%';
TRUNCATE parted_4;

-- repair() brings back what went while event triggers were off.
RESET SESSION AUTHORIZATION;
ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE;
ALTER EVENT TRIGGER softdelete_sql_drop DISABLE;
DROP TRIGGER softdelete_archive ON regress_archive.parted;
DROP TRIGGER softdelete_truncate ON regress_archive.parted_1;
DROP VIEW regress_archive.deleted_top;
ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS;
ALTER EVENT TRIGGER softdelete_sql_drop ENABLE ALWAYS;
SET SESSION AUTHORIZATION regress_archive_owner;
SELECT relation, object, action FROM softdelete.repair('parted');
SELECT object, action, command FROM softdelete.repair('top');
SELECT * FROM softdelete.repair('parted');
DELETE FROM parted WHERE id = 60;
SELECT * FROM astray() WHERE relation = 'parted';

-- A view of the user's is in the way of ours.
SELECT * FROM softdelete.unregister('plain', 'keep'); -- fails
DROP FUNCTION astray();
DROP VIEW places;

-- unregister() refuses while there are deleted rows, unless told what becomes of them.
\set VERBOSITY default
SELECT * FROM softdelete.unregister('plain'); -- fails
\set VERBOSITY terse
SELECT * FROM softdelete.unregister('plain', 'what'); -- fails
SELECT relation, object, action FROM softdelete.unregister('plain', 'keep') ORDER BY step;
SELECT count(*) > 0 AS kept FROM plain_archive;
DELETE FROM plain_archive WHERE id = 1;
DELETE FROM plain WHERE id = 40;
SELECT count(*) FROM plain_archive WHERE id = 40;
SELECT tgname FROM pg_trigger WHERE tgrelid IN ('plain'::regclass, 'plain_archive'::regclass) AND tgname LIKE 'softdelete%';
-- It goes on as the archive, unless it has become something else.
CREATE UNIQUE INDEX other ON plain_archive (deleted_at, deletion_id, id);
SELECT * FROM softdelete.register('plain', strategy => 'archive'); -- fails
SELECT relation, object, action FROM softdelete.unregister('parted', 'purge') ORDER BY step;
SELECT to_regclass('parted_archive');
SELECT object, action FROM softdelete.unregister('top') ORDER BY step;
SELECT relation FROM softdelete.tables WHERE strategy = 'archive' ORDER BY 1;
SELECT * FROM softdelete.unregister('top'); -- fails

-- Where the schema goes, the archive and what is known of it go with it.
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_archive CASCADE;
SELECT count(*) FROM softdelete_internal.archive;
DROP OWNED BY regress_archive_owner;
DROP ROLE regress_archive_owner;
