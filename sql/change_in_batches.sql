-- change_strategy() moves the deleted rows of a table to an archive, or back, in batches that commit. Where it stops halfway some are
-- marked and others lie in the archive: each can be undone, restored, held, erased, anonymized and purged as before, and the call goes on.
\set VERBOSITY terse
CREATE ROLE regress_batches_owner;
CREATE ROLE regress_batches_reader;
CREATE SCHEMA regress_batches AUTHORIZATION regress_batches_owner;
GRANT USAGE ON SCHEMA regress_batches TO PUBLIC;
SET SESSION AUTHORIZATION regress_batches_owner;
SET search_path = regress_batches;
SET client_min_messages = warning;
CREATE DOMAIN label AS text CHECK (VALUE <> '');
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE);
CREATE TABLE kinds (id int PRIMARY KEY);
CREATE TABLE "Q'x" (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE CASCADE, kind int REFERENCES kinds ON DELETE SET NULL, "co de" label UNIQUE,
    total numeric(10,2) NOT NULL DEFAULT 1, serial bigint GENERATED ALWAYS AS IDENTITY, twice numeric GENERATED ALWAYS AS (total * 2) STORED);
CREATE TABLE parts (id int PRIMARY KEY, "order" int REFERENCES "Q'x" ON DELETE CASCADE, what text);
CREATE TABLE notes (id int PRIMARY KEY, "order" int REFERENCES "Q'x" ON DELETE SET NULL);
CREATE INDEX ON "Q'x" ("user");
CREATE INDEX ON parts ("order");
SELECT count(*) > 0 AS registered FROM softdelete.register('parts', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('users', indexes => 'unique');
SELECT count(*) > 0 AS registered FROM softdelete.register('"Q''x"', retention => '30 days', indexes => 'unique');
SELECT softdelete.track_history('"Q''x"') IS NOT NULL AS tracked;
SELECT softdelete.set_anonymizer('"Q''x"', 'co de', $$'anonymous ' || id$$);
GRANT SELECT ON "Q'x", "deleted_Q'x" TO regress_batches_reader;
COMMENT ON VIEW "all_Q'x" IS 'all of them';
INSERT INTO users SELECT i, i || '@x' FROM generate_series(1, 4) i;
INSERT INTO kinds VALUES (1), (2);
INSERT INTO "Q'x" (id, "user", kind, "co de") SELECT i, 1 + i % 4, 1 + i % 2, 'c' || i FROM generate_series(1, 20) i;
INSERT INTO parts SELECT i, 1 + i % 20, 'p' || i FROM generate_series(1, 40) i;
INSERT INTO notes VALUES (1, 11);
DELETE FROM users WHERE id = 1; -- with five orders and their parts
SELECT max(deletion_id) AS of_user FROM deleted_users \gset
SET softdelete.reason = 'too old';
DELETE FROM "Q'x" WHERE id IN (1, 2, 3, 5, 11);
RESET softdelete.reason;
SELECT max(deletion_id) AS of_reason FROM "deleted_Q'x" \gset
DELETE FROM "Q'x" WHERE id IN (6, 7);
UPDATE "Q'x" SET deleted_at = now() - interval '40 days' WHERE id IN (9, 10);
INSERT INTO "Q'x" (id, "co de", deleted_at) VALUES (100, 'imported', now() - interval '20 days');
-- What is there, and where.
CREATE TABLE before AS SELECT id, "user", kind, "co de"::text, total, serial, twice, deleted_at, deleted_by, deletion_id FROM "all_Q'x";
CREATE FUNCTION differing() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
    RETURN (SELECT count(*) FROM ((TABLE regress_batches.before EXCEPT ALL SELECT id, "user", kind, "co de"::text, total, serial, twice, deleted_at, deleted_by, deletion_id FROM regress_batches."all_Q'x")
        UNION ALL (SELECT id, "user", kind, "co de"::text, total, serial, twice, deleted_at, deleted_by, deletion_id FROM regress_batches."all_Q'x" EXCEPT ALL TABLE regress_batches.before)) d);
END $$;
CREATE FUNCTION places(OUT marked int[], OUT archived int[]) LANGUAGE plpgsql AS $$ BEGIN
    SELECT array_agg(id ORDER BY id) INTO marked FROM regress_batches."Q'x" WHERE deleted_at IS NOT NULL;
    IF to_regclass('regress_batches."Q''x_archive"') IS NOT NULL THEN
        SELECT array_agg(id ORDER BY id) INTO archived FROM regress_batches."Q'x_archive";
    END IF;
END $$;
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'a trigger ran: %', TG_OP; RETURN coalesce(NEW, OLD); END $$;
CREATE PROCEDURE watch() LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE (SELECT string_agg(format('CREATE TRIGGER tell_%s AFTER %s ON regress_batches."Q''x" FOR EACH %s EXECUTE FUNCTION regress_batches.tell();', lower(e || l), e, l), '')
        FROM unnest('{INSERT,UPDATE,DELETE}'::text[]) e, unnest('{ROW,STATEMENT}'::text[]) l);
END $$;
CREATE PROCEDURE unwatch() LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE (SELECT string_agg(format('DROP TRIGGER %I ON regress_batches."Q''x";', tgname), '') FROM pg_trigger WHERE tgname LIKE 'tell\_%');
END $$;
SELECT count(*) AS entries FROM softdelete.history WHERE relation = '"Q''x"'::regclass \gset

-- It begins and stops at once: nothing has moved, and the table is what it was, with the views and what was granted on them.
CALL softdelete.change_strategy('"Q''x"', 'archive', max_runtime => '0');
SELECT places(), differing(), strategy FROM softdelete.tables WHERE relation = '"Q''x"'::regclass;
SELECT relname, relacl::text LIKE '%regress_batches_reader%' AS granted, obj_description(oid), reloptions FROM pg_class WHERE relname IN ('active_Q''x', 'deleted_Q''x', 'all_Q''x') AND relnamespace = 'regress_batches'::regnamespace ORDER BY 1;
-- A row that a live one of another table references stays marked, and keeps the call from its end. No trigger hears of those that move.
CALL watch();
CALL softdelete.change_strategy('"Q''x"', 'archive', batch_size => 3); -- fails
CALL unwatch();
DELETE FROM "Q'x" WHERE id = 13; -- what is deleted meanwhile is marked
INSERT INTO before SELECT id, "user", kind, "co de"::text, total, serial, twice, deleted_at, deleted_by, deletion_id FROM "all_Q'x" WHERE id = 13;
DELETE FROM before WHERE id = 13 AND deleted_at IS NULL;
SELECT places(), differing(), strategy FROM softdelete.tables WHERE relation = '"Q''x"'::regclass;
-- A history tells of each row that has moved, and of the one that was deleted.
SELECT count(*) - :entries AS new_entries FROM softdelete.history WHERE relation = '"Q''x"'::regclass;
SELECT kind FROM softdelete.history_of('"Q''x"', 1);

-- The walk through what is promised of the rows, while they are in two places.
-- Each deletion counts all of its rows, and is undone as a whole, with what other tables have of it.
SELECT rows, reason FROM softdelete.deletions WHERE id IN (:of_user, :of_reason) ORDER BY id;
SELECT live_rows, deleted_rows, oldest_deletion = (SELECT min(deleted_at) FROM before) AS oldest FROM softdelete.stats('"Q''x"', exact => true);
SELECT relation, action, rows FROM softdelete.undo_preview(:of_user) ORDER BY relation::text, action;
BEGIN;
SELECT softdelete.undo(:of_reason);
SELECT softdelete.undo(:of_user);
SELECT places(), (SELECT count(*) FROM "Q'x") AS live, (SELECT count(*) FROM parts) AS parts, (SELECT count(*) FROM users) AS users;
SELECT restored_at IS NOT NULL AS restored FROM softdelete.deletions WHERE id IN (:of_user, :of_reason) ORDER BY id;
ROLLBACK;
BEGIN;
SELECT softdelete.restore('users', 1);
SELECT count(*) AS parts FROM parts;
SELECT softdelete.restore('"Q''x"', 1), softdelete.restore('"Q''x"', 11), softdelete.restore('"Q''x"', 13), softdelete.restore('"Q''x"', 100);
SELECT softdelete.restore('"Q''x"', 1);
SELECT places();
SELECT b.id FROM before b JOIN "Q'x" q USING (id) WHERE (b."user", b.kind, b."co de", b.total, b.serial, b.twice) IS DISTINCT FROM (q."user", q.kind, q."co de", q.total, q.serial, q.twice);
ROLLBACK;
SELECT softdelete.restore('"Q''x"', 4); -- fails, for its user is deleted
-- By an UPDATE of the parent its row alone comes back, and the others after it.
BEGIN;
UPDATE users SET deleted_at = NULL WHERE id = 1;
SELECT softdelete.undo(:of_user);
ROLLBACK;
-- A value that a live row has taken is in the way, and conflicts() says so.
BEGIN;
INSERT INTO "Q'x" (id, "co de") VALUES (200, 'c1'), (201, 'c11'), (5, 'again');
SELECT relation, key, reason, detail FROM softdelete.conflicts(:of_reason) ORDER BY key::text, detail;
SAVEPOINT s;
SELECT softdelete.undo(:of_reason); -- fails
ROLLBACK TO s;
SELECT softdelete.restore('"Q''x"', 1); -- fails
ROLLBACK TO s;
SELECT softdelete.restore('"Q''x"', 2);
ROLLBACK;
-- erase() finds the rows, those below them, and those below a row that is erased.
BEGIN;
SELECT softdelete.erase('"Q''x"', 'a wish', 1) -> 'rows' AS rows;
SELECT softdelete.erase('"Q''x"', 'a wish', 13) -> 'rows' AS rows;
SELECT softdelete.erase('users', 'a wish', 1) -> 'rows' AS rows;
SELECT id FROM "all_Q'x" WHERE id IN (1, 13) OR "user" = 1;
SELECT softdelete.erase('"Q''x"', 'a wish', 1); -- fails
ROLLBACK;
-- anonymize() as well.
BEGIN;
SELECT softdelete.anonymize('"Q''x"', 'a wish', 1) -> 'rows' AS rows;
SELECT softdelete.anonymize('"Q''x"', 'a wish', 13) -> 'rows' AS rows;
SELECT id, "co de" FROM "deleted_Q'x" WHERE "co de" LIKE 'anonymous%' ORDER BY id;
ROLLBACK;
-- A hold keeps rows wherever they are, from erasure, from the purge and from the change itself.
SELECT softdelete.hold('"Q''x"', 'a case', 9) AS h1, softdelete.hold('"Q''x"', 'a case', 13) AS h2 \gset
SELECT softdelete.erase('"Q''x"', 'a wish', 9); -- fails
SELECT softdelete.erase('"Q''x"', 'a wish', 13); -- fails
SELECT relation, due, held FROM softdelete.purge_preview('"Q''x"');
CALL softdelete.change_strategy('"Q''x"', 'archive'); -- fails
BEGIN;
CALL softdelete.purge('"Q''x"');
SELECT id FROM "deleted_Q'x" WHERE id IN (9, 10);
ROLLBACK;
SELECT softdelete.release(:h1), softdelete.release(:h2);
-- The purge takes what is due.
SELECT relation, due, held FROM softdelete.purge_preview('"Q''x"');
BEGIN;
UPDATE "Q'x" SET deleted_at = now() - interval '50 days' WHERE id = 13 AND deleted_at IS NOT NULL;
CALL softdelete.purge('"Q''x"');
SELECT id FROM "deleted_Q'x" ORDER BY id;
ROLLBACK;
-- What would leave one of the places behind is refused, or waits.
ALTER TABLE "Q'x" ADD COLUMN more int; -- fails
ALTER TABLE "Q'x" RENAME COLUMN total TO sum; -- fails
ALTER TABLE "Q'x" RENAME TO other; -- fails
ALTER TABLE "Q'x" SET SCHEMA public; -- fails
DROP TABLE "Q'x_archive"; -- fails
DELETE FROM "Q'x_archive"; -- fails
TRUNCATE "Q'x_archive"; -- fails
TRUNCATE "Q'x" CASCADE; -- fails
DROP VIEW "all_Q'x"; -- fails
CREATE OR REPLACE VIEW "deleted_Q'x" AS SELECT * FROM "Q'x" WHERE deleted_at IS NOT NULL; -- fails
SELECT * FROM softdelete.configure('"Q''x"', retention => '1 year'); -- fails
SELECT * FROM softdelete.unregister('"Q''x"', 'purge'); -- fails
SELECT * FROM softdelete.register('"Q''x"'); -- fails
SELECT object, action FROM softdelete.repair('"Q''x"');
SELECT code FROM softdelete.check('"Q''x"') WHERE severity IN ('error', 'warning') AND code <> 'overdue' ORDER BY code;
-- Indexes, comments and grants go on. So do the readers of the views, who need the archive as well.
CREATE INDEX further ON "Q'x" (total);
COMMENT ON COLUMN "Q'x".total IS 'in all';
SET SESSION AUTHORIZATION regress_batches_reader;
SELECT count(*) FROM regress_batches."deleted_Q'x"; -- fails
CALL softdelete.change_strategy('regress_batches."Q''x"', 'archive'); -- fails
SET SESSION AUTHORIZATION regress_batches_owner;
GRANT SELECT ON "Q'x_archive" TO regress_batches_reader;
SET SESSION AUTHORIZATION regress_batches_reader;
SELECT count(*) FROM regress_batches."deleted_Q'x";
SET SESSION AUTHORIZATION regress_batches_owner;
-- A plan shows what is left to do.
SELECT object, action FROM softdelete.plan('"Q''x"', strategy => 'archive') WHERE object LIKE '% row%' OR object LIKE 'table%'; -- fails
SELECT object, action FROM softdelete.plan('"Q''x"', strategy => 'flag');
-- At once it ends in the transaction of the caller, either way.
BEGIN;
SELECT object, action FROM softdelete.configure('"Q''x"', strategy => 'flag');
SELECT places(), differing();
ROLLBACK;
BEGIN;
UPDATE notes SET "order" = NULL;
SELECT count(*) > 0 AS changed FROM softdelete.configure('"Q''x"', strategy => 'archive');
SELECT differing(), strategy FROM softdelete.tables WHERE relation = '"Q''x"'::regclass;
SELECT softdelete.undo(:of_user), softdelete.undo(:of_reason);
ROLLBACK;
-- It goes back, by batches.
CALL softdelete.change_strategy('"Q''x"', 'flag', batch_size => 2);
SELECT places(), differing(), strategy FROM softdelete.tables WHERE relation = '"Q''x"'::regclass;
-- And comes to its end, when nothing is in the way.
UPDATE notes SET "order" = NULL;
CALL softdelete.change_strategy('"Q''x"', 'archive', batch_size => 4);
SELECT differing(), strategy, (SELECT count(*) FROM "Q'x_archive") AS archived FROM softdelete.tables WHERE relation = '"Q''x"'::regclass;
SELECT count(*) FROM pg_attribute WHERE attrelid = '"Q''x"'::regclass AND attname LIKE 'delet%' AND NOT attisdropped;
CALL softdelete.change_strategy('"Q''x"', 'archive'); -- has it already
BEGIN;
SELECT softdelete.undo(:of_user), softdelete.undo(:of_reason);
ROLLBACK;

-- Back again, where a row is in the way: those before it are marked by then.
DELETE FROM kinds WHERE id = 2;
UPDATE before SET kind = NULL WHERE kind = 2;
INSERT INTO "Q'x" (id, "co de") VALUES (7, 'taken');
CALL softdelete.change_strategy('"Q''x"', 'flag', batch_size => 1); -- fails
SELECT strategy, (SELECT count(*) > 0 FROM "Q'x" WHERE deleted_at IS NOT NULL) AS some_marked, (SELECT count(*) > 0 FROM "Q'x_archive") AS some_archived FROM softdelete.tables WHERE relation = '"Q''x"'::regclass;
SELECT softdelete.restore('"Q''x"', 7); -- fails
BEGIN;
SELECT softdelete.undo(:of_user), softdelete.undo(:of_reason);
SELECT id, kind FROM "Q'x" WHERE kind = 2;
ROLLBACK;
BEGIN;
SELECT softdelete.erase('users', 'a wish', 1) -> 'rows' AS rows;
ROLLBACK;
DELETE FROM "Q'x" WHERE id = 7;
SELECT id FROM "deleted_Q'x" WHERE id = 7;
SELECT softdelete.erase('"Q''x"', 'both', 7) -> 'rows' AS rows;
DELETE FROM before WHERE id = 7;
CALL watch();
CALL softdelete.change_strategy('"Q''x"', 'flag', batch_size => 2);
-- In whatever style the session writes intervals, the comment with the retention is what repair() would write.
SHOW IntervalStyle;
SELECT object, command FROM softdelete.repair('"Q''x"');
CALL unwatch();
UPDATE before SET kind = NULL WHERE kind = 2;
SELECT places(), differing(), strategy FROM softdelete.tables WHERE relation = '"Q''x"'::regclass;
SELECT softdelete.undo(:of_user), softdelete.undo(:of_reason);
SELECT relname, relacl::text LIKE '%regress_batches_reader%' AS granted, obj_description(oid) FROM pg_class WHERE relname IN ('active_Q''x', 'deleted_Q''x', 'all_Q''x') AND relnamespace = 'regress_batches'::regnamespace ORDER BY 1;

-- A partitioned table, whose partitions have the columns in another order, and one that comes meanwhile.
CREATE TABLE "all" (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE low (gone int, v text, id int NOT NULL);
ALTER TABLE low DROP COLUMN gone;
ALTER TABLE "all" ATTACH PARTITION low FOR VALUES FROM (0) TO (10);
CREATE TABLE middle PARTITION OF "all" FOR VALUES FROM (10) TO (20);
CREATE TABLE pins (id int PRIMARY KEY, "all" int REFERENCES "all" ON DELETE SET NULL);
SELECT count(*) > 0 AS registered FROM softdelete.register('"all"');
INSERT INTO "all" SELECT i, 'v' || i FROM generate_series(1, 15) i;
INSERT INTO pins VALUES (1, 14);
DELETE FROM "all" WHERE id > 5;
CALL softdelete.change_strategy('"all"', 'archive', batch_size => 4); -- fails
CREATE TABLE high PARTITION OF "all" FOR VALUES FROM (20) TO (30);
INSERT INTO "all" VALUES (21, 'v21'), (22, 'v22');
DELETE FROM "all" WHERE id IN (1, 21);
SELECT (SELECT array_agg(id ORDER BY id) FROM "all" WHERE deleted_at IS NOT NULL) AS marked, (SELECT array_agg(id ORDER BY id) FROM all_archive) AS archived;
SELECT array_agg(id ORDER BY id) FROM deleted_all;
SELECT softdelete.restore('"all"', 7), softdelete.restore('"all"', 21);
DELETE FROM pins;
CALL softdelete.change_strategy('"all"', 'archive', batch_size => 4);
DELETE FROM "all" WHERE id IN (7, 22);
SELECT array_agg(id ORDER BY id) FROM deleted_all;
CALL softdelete.change_strategy('"all"', 'flag', batch_size => 4);
SELECT array_agg(id ORDER BY id) AS marked FROM "all" WHERE deleted_at IS NOT NULL;
-- Columns of before, without a zone and of other types.
CREATE TABLE by_hand (id int PRIMARY KEY, deleted_at timestamp, deleted_by name, pin int);
INSERT INTO by_hand SELECT i, CASE WHEN i > 1 THEN timestamp '2026-02-03 04:05' + i * interval '40 days' END, CASE WHEN i > 1 THEN 'ann' END FROM generate_series(1, 6) i;
CREATE TABLE hands (id int REFERENCES by_hand ON DELETE SET NULL);
INSERT INTO hands VALUES (6);
SELECT count(*) > 0 AS registered FROM softdelete.register('by_hand');
-- They are read in the zone in which the change was begun, whoever goes on with it, turns back or looks: here at an hour that is there twice.
INSERT INTO by_hand VALUES (7, '2025-10-26 02:30', 'ann');
SET TimeZone = 'Europe/Berlin';
CALL softdelete.change_strategy('by_hand', 'archive', max_runtime => '0');
SET TimeZone = 'Asia/Tokyo';
CALL softdelete.change_strategy('by_hand', 'archive', batch_size => 2); -- fails
SELECT id, deleted_at, deleted_by FROM deleted_by_hand ORDER BY id;
SELECT id, deleted_at AT TIME ZONE 'Europe/Berlin' AS berlin FROM by_hand_archive ORDER BY id;
SET TimeZone = 'America/New_York';
CALL softdelete.change_strategy('by_hand', 'flag', batch_size => 2);
SELECT id, deleted_at, deleted_by FROM deleted_by_hand ORDER BY id;
RESET TimeZone;
-- What is at no time in that zone could not come back as it was.
CREATE TABLE springs (id int PRIMARY KEY, deleted_at timestamp);
INSERT INTO springs VALUES (1, NULL), (2, '2025-03-30 02:30');
SELECT count(*) > 0 AS registered FROM softdelete.register('springs');
SET TimeZone = 'Europe/Berlin';
CALL softdelete.change_strategy('springs', 'archive'); -- fails
SET TimeZone = 'UTC';
CALL softdelete.change_strategy('springs', 'archive', max_runtime => '0');
SET TimeZone = 'Europe/Berlin';
CALL softdelete.change_strategy('springs', 'archive');
SELECT id, deleted_at AT TIME ZONE 'UTC' AS utc FROM springs_archive;
RESET TimeZone;

-- What cannot be changed so: one error, and nothing is begun.
CALL softdelete.change_strategy('by_hand', 'auto'); -- fails
CALL softdelete.change_strategy('by_hand', NULL); -- fails
CALL softdelete.change_strategy('hands', 'archive'); -- fails
CALL softdelete.change_strategy('active_by_hand', 'archive'); -- fails
CALL softdelete.change_strategy('by_hand', 'archive', 0); -- fails
CALL softdelete.change_strategy('by_hand', 'archive', delay => NULL); -- fails
CALL softdelete.change_strategy('by_hand', 'archive', max_runtime => '-1 s'); -- fails
CALL softdelete.change_strategy('users', 'archive'); -- fails
CALL softdelete.change_strategy('users', 'flag'); -- has it already
BEGIN;
CALL softdelete.change_strategy('by_hand', 'archive'); -- fails
ROLLBACK;
CREATE TABLE nodes (id int PRIMARY KEY, up int REFERENCES nodes ON DELETE CASCADE);
CREATE INDEX ON nodes (up);
SELECT count(*) > 0 AS registered FROM softdelete.register('nodes');
CALL softdelete.change_strategy('nodes', 'archive'); -- fails
SELECT count(*) > 0 AS changed FROM softdelete.configure('nodes', strategy => 'archive');
CALL softdelete.change_strategy('nodes', 'flag'); -- fails
SELECT to_regclass('by_hand_archive'), to_regclass('hands_archive'), strategy FROM softdelete.tables WHERE relation = 'nodes'::regclass;
-- A table that goes meanwhile takes nothing along but its registration.
CALL softdelete.change_strategy('"all"', 'archive', max_runtime => '0');
DROP TABLE pins;
SELECT object, action FROM softdelete.plan('"all"', strategy => 'archive') WHERE object LIKE '% row%' OR object LIKE 'table%';
DROP TABLE "all" CASCADE;
SELECT to_regclass('all_archive') IS NOT NULL AS stays;
DROP TABLE all_archive;
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_batches CASCADE;
DROP OWNED BY regress_batches_owner, regress_batches_reader;
DROP ROLE regress_batches_owner, regress_batches_reader;
