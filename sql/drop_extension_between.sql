-- A change of strategy in batches that nobody has ended: check() says so, and DROP EXTENSION leaves each row where it is, says where,
-- and leaves views that show all of them. In a database of its own.
CREATE ROLE regress_between_owner;
CREATE DATABASE regress_between;
\c regress_between
ALTER DATABASE regress_between SET session_preload_libraries = softdelete;
\c regress_between
CREATE EXTENSION softdelete;
CREATE SCHEMA "Q'x s" AUTHORIZATION regress_between_owner;
SET SESSION AUTHORIZATION regress_between_owner;
SET search_path = "Q'x s";
CREATE DOMAIN label AS text CHECK (VALUE <> '');
CREATE DOMAIN short AS varchar(9) CHECK (VALUE <> '');
CREATE DOMAIN shorter AS short CHECK (length(VALUE) < 5);
CREATE TABLE "Q'x" ("i d" int PRIMARY KEY, gone int, "co de" label, s shorter, n numeric(5,1));
CREATE TABLE notes (id int PRIMARY KEY, thing int REFERENCES "Q'x" ON DELETE SET NULL);
CREATE INDEX ON notes (thing);
SET client_min_messages = warning;
SELECT count(*) > 0 AS registered FROM softdelete.register('"Q''x"', retention => '1 year');
INSERT INTO "Q'x" SELECT g, g, 'c' || g, 's' || g, g FROM generate_series(1, 9) g;
ALTER TABLE "Q'x" DROP COLUMN gone;
INSERT INTO notes VALUES (1, 7);
DELETE FROM "Q'x" WHERE "i d" > 4;
SELECT code, object FROM softdelete.check('"Q''x"') WHERE code = 'between_strategies';
\set VERBOSITY terse
CALL softdelete.change_strategy('"Q''x"', 'archive', batch_size => 2); -- fails, for a live row references one
\set VERBOSITY default
SELECT code, severity, object, message, remedy FROM softdelete.check('"Q''x"') WHERE code = 'between_strategies';
CREATE TABLE before AS SELECT "i d", "co de"::text, s::text, n, deleted_at, deleted_by, deletion_id FROM "all_Q'x";
RESET SESSION AUTHORIZATION;
DROP EXTENSION softdelete;

-- Those that had moved are in the archive, the others in the table; the views show both, with the types and options that they had.
SET SESSION AUTHORIZATION regress_between_owner;
SELECT array_agg("i d" ORDER BY "i d") FILTER (WHERE deleted_at IS NULL) AS live, array_agg("i d" ORDER BY "i d") FILTER (WHERE deleted_at IS NOT NULL) AS marked FROM "Q'x";
SELECT array_agg("i d" ORDER BY "i d") AS archived FROM "Q'x_archive";
SELECT count(*) AS differing FROM ((TABLE before EXCEPT ALL SELECT "i d", "co de"::text, s::text, n, deleted_at, deleted_by, deletion_id FROM "all_Q'x")
    UNION ALL (SELECT "i d", "co de"::text, s::text, n, deleted_at, deleted_by, deletion_id FROM "all_Q'x" EXCEPT ALL TABLE before)) d;
SELECT array_agg("i d" ORDER BY "i d") AS deleted FROM "deleted_Q'x";
SELECT "i d" FROM "active_Q'x" ORDER BY 1;
SELECT c.relname, c.reloptions, format_type(a.atttypid, a.atttypmod) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('co de', 's', 'n')
    WHERE c.relname = 'all_Q''x' ORDER BY a.attnum;
-- A new registration takes on one place, and is refused while there are two. Both are the owner's, as plain tables.
RESET SESSION AUTHORIZATION;
CREATE EXTENSION softdelete;
SET SESSION AUTHORIZATION regress_between_owner;
SELECT count(*) FROM softdelete.plan('"Q''x"'); -- fails
SELECT count(*) FROM softdelete.register('"Q''x"'); -- fails
SELECT count(*) FROM softdelete.register('"Q''x"', strategy => 'flag'); -- fails
SELECT count(*) FROM softdelete.register('"Q''x"', strategy => 'archive'); -- fails
INSERT INTO "Q'x" SELECT "i d", "co de", s, n, deleted_at, deleted_by, deletion_id FROM "Q'x_archive";
DELETE FROM "Q'x_archive";
SELECT count(*) FROM "Q'x";
DROP VIEW "deleted_Q'x", "all_Q'x";
DROP TABLE "Q'x_archive";
SELECT count(*) > 0 AS registered FROM softdelete.register('"Q''x"');
SELECT softdelete.undo(deletion_id) FROM "deleted_Q'x" LIMIT 1;
RESET SESSION AUTHORIZATION;
\c contrib_regression
DROP DATABASE regress_between;
DROP ROLE regress_between_owner;
