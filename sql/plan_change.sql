-- plan(strategy => ..) of a registered table shows what configure() would do to give it the other strategy, and changes nothing.
\set VERBOSITY terse
CREATE ROLE regress_planned_owner;
CREATE ROLE regress_planned_other;
CREATE SCHEMA regress_planned AUTHORIZATION regress_planned_owner;
GRANT USAGE ON SCHEMA regress_planned TO PUBLIC;
SET SESSION AUTHORIZATION regress_planned_owner;
SET search_path = regress_planned;
SET client_min_messages = warning;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE);
CREATE TABLE "Q'x Orders" (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE CASCADE, up int REFERENCES "Q'x Orders" ON DELETE CASCADE, "co de" text,
    UNIQUE ("co de"), EXCLUDE USING btree (id WITH =));
CREATE INDEX ON "Q'x Orders" ("user");
CREATE INDEX ON "Q'x Orders" (up);
SELECT count(*) > 0 AS registered FROM softdelete.register('users', cascade => true);
INSERT INTO users VALUES (1, 'ann'), (2, 'ben');
INSERT INTO "Q'x Orders" SELECT i, 1 + i % 2, NULL, 'c' || i FROM generate_series(1, 6) i;
DELETE FROM "Q'x Orders" WHERE id = 6;
DELETE FROM users WHERE id = 1;
-- What the catalogs say, to compare.
CREATE VIEW state AS
    SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) AS what FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'regress_planned'::regnamespace AND a.attnum > 0
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'regress_planned'
    UNION ALL SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = 'regress_planned'::regnamespace AND NOT t.tgisinternal
    UNION ALL SELECT viewname || definition FROM pg_views WHERE schemaname = 'regress_planned'
    UNION ALL SELECT strategy || relation::text FROM softdelete.tables WHERE relation::text LIKE '%Orders%';
CREATE TEMP TABLE before AS TABLE state;

-- To an archive.
SELECT object, action, online FROM softdelete.plan('"Q''x Orders"', strategy => 'archive') ORDER BY step;
(TABLE state EXCEPT ALL TABLE before) UNION ALL (TABLE before EXCEPT ALL TABLE state);
CREATE TEMP TABLE planned AS SELECT * FROM softdelete.plan('"Q''x Orders"', strategy => 'archive');
-- It holds no lock that keeps anybody from the table, and needs no right to write.
BEGIN TRANSACTION READ ONLY;
SELECT count(*) > 0 AS planned FROM softdelete.plan('"Q''x Orders"', strategy => 'archive');
SELECT DISTINCT mode FROM pg_locks WHERE relation = '"Q''x Orders"'::regclass AND pid = pg_backend_pid() ORDER BY 1;
ROLLBACK;
-- What configure() does is what was planned. What comes from the archive that it takes on, and the guards that go and come again, is not.
SELECT object, action, command IS DISTINCT FROM (SELECT command FROM planned p WHERE p.object = c.object AND p.action = c.action) AS differs
    FROM softdelete.configure('"Q''x Orders"', strategy => 'archive') c
    WHERE action <> 'adopt' AND object NOT LIKE '%truncate' AND (object, action) NOT IN (SELECT object, action FROM planned);
-- The same strategy is no change.
SELECT * FROM softdelete.plan('"Q''x Orders"', strategy => 'archive'); -- fails
SELECT * FROM softdelete.plan('"Q''x Orders"'); -- fails

-- And back.
TRUNCATE before, planned;
INSERT INTO before TABLE state;
SELECT object, action, online FROM softdelete.plan('"Q''x Orders"', strategy => 'flag') ORDER BY step;
(TABLE state EXCEPT ALL TABLE before) UNION ALL (TABLE before EXCEPT ALL TABLE state);
INSERT INTO planned SELECT * FROM softdelete.plan('"Q''x Orders"', strategy => 'flag');
BEGIN TRANSACTION READ ONLY;
SELECT count(*) > 0 AS planned FROM softdelete.plan('"Q''x Orders"', strategy => 'flag');
SELECT DISTINCT mode FROM pg_locks WHERE relation = '"Q''x Orders"'::regclass AND pid = pg_backend_pid() ORDER BY 1;
ROLLBACK;
SELECT object, action FROM softdelete.configure('"Q''x Orders"', strategy => 'flag') c
    WHERE object NOT LIKE '%truncate' AND (object, action) NOT IN (SELECT object, action FROM planned);
SELECT * FROM softdelete.plan('"Q''x Orders"', strategy => 'flag'); -- fails

-- It refuses what configure() refuses, in the same words.
SELECT * FROM softdelete.plan('"Q''x Orders"', strategy => 'archive', retention => '1 day'); -- fails
SELECT * FROM softdelete.plan('"Q''x Orders"', strategy => 'archive', active_view => 'x'); -- fails
SELECT * FROM softdelete.plan('users', strategy => 'archive'); -- fails
SELECT softdelete.hold('"Q''x Orders"', 'a court', 2) > 0 AS held;
SELECT * FROM softdelete.plan('"Q''x Orders"', strategy => 'archive'); -- fails
SELECT softdelete.release(max(id)) FROM softdelete.holds;
CREATE TABLE notes (id int PRIMARY KEY, "order" int REFERENCES "Q'x Orders" ON DELETE SET NULL);
INSERT INTO notes VALUES (1, 1);
DELETE FROM "Q'x Orders" WHERE id = 1;
SELECT * FROM softdelete.plan('"Q''x Orders"', strategy => 'archive'); -- fails
SELECT * FROM softdelete.configure('"Q''x Orders"', strategy => 'archive'); -- fails
CREATE VIEW shows AS SELECT * FROM "Q'x Orders";
DELETE FROM notes;
SELECT * FROM softdelete.plan('"Q''x Orders"', strategy => 'archive'); -- fails
DROP VIEW shows;
SELECT object, action FROM softdelete.plan('"Q''x Orders"', strategy => 'archive') WHERE action = 'warning';
SET SESSION AUTHORIZATION regress_planned_other;
SELECT * FROM softdelete.plan('regress_planned."Q''x Orders"', strategy => 'archive'); -- fails
SET SESSION AUTHORIZATION regress_planned_owner;
SELECT count(*) > 0 AS changed FROM softdelete.configure('"Q''x Orders"', strategy => 'archive');
SET SESSION AUTHORIZATION regress_planned_other;
SELECT * FROM softdelete.plan('regress_planned."Q''x Orders"', strategy => 'flag'); -- fails
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_planned CASCADE;
DROP OWNED BY regress_planned_owner, regress_planned_other;
DROP ROLE regress_planned_owner, regress_planned_other;
