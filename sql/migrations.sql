-- Schema changes of a registered table just run: its views, indexes and triggers follow in the same transaction.
\set QUIET on
CREATE ROLE regress_migrations;
CREATE ROLE regress_migrations_reader;
CREATE SCHEMA regress_migrations AUTHORIZATION regress_migrations;
CREATE SCHEMA regress_migrations_2 AUTHORIZATION regress_migrations;
SET SESSION AUTHORIZATION regress_migrations;
SET search_path = regress_migrations;
CREATE TABLE users (id int PRIMARY KEY, a int, name text, c int);
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
INSERT INTO users VALUES (1, 1, 'x', 1), (2, 2, 'y', 2);
DELETE FROM users WHERE id = 2;
GRANT SELECT ON active_users TO regress_migrations_reader;
GRANT UPDATE (c) ON active_users TO regress_migrations_reader WITH GRANT OPTION;
COMMENT ON VIEW active_users IS 'those who are here';
COMMENT ON COLUMN active_users.c IS 'seen';
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO regress_migrations_reader;
\set QUIET off

-- New and renamed columns appear in the views.
ALTER TABLE users ADD COLUMN d int DEFAULT 5;
ALTER TABLE users RENAME name TO full_name;
SELECT id, full_name, d FROM active_users;
SELECT id, full_name, d FROM deleted_users;

-- Columns go and change their type; grants, comments and options of the views stay.
ALTER TABLE users DROP COLUMN a, ALTER c TYPE bigint USING c * 2, ADD e text UNIQUE;
SELECT attname, format_type(atttypid, atttypmod), attacl, col_description(attrelid, attnum) FROM pg_attribute
    WHERE attrelid = 'active_users'::regclass AND attnum > 0 ORDER BY attnum;
SELECT replace(relacl::text, 'dDxtm', 'dDxt') AS relacl, reloptions, obj_description(oid) FROM pg_class WHERE oid = 'active_users'::regclass;
SELECT id, c FROM all_users ORDER BY id;

-- In a transaction that rolls back, and in a savepoint that does.
BEGIN;
SAVEPOINT a;
ALTER TABLE users DROP COLUMN full_name;
ROLLBACK TO a;
SELECT full_name FROM active_users;
ALTER TABLE users DROP COLUMN d;
ROLLBACK;
SELECT full_name, d FROM active_users;

-- What depends on a view of ours stops the command with the usual error.
CREATE VIEW mine AS SELECT id FROM active_users;
ALTER TABLE users DROP COLUMN full_name; -- fails
DROP VIEW mine;

-- A failing command leaves everything as it was.
ALTER TABLE users DROP COLUMN full_name, ALTER d TYPE int USING 1 / (d - 5); -- fails
SELECT full_name, d FROM active_users;

-- Other names, schemas and owners.
ALTER TABLE users RENAME TO people;
ALTER TABLE people SET SCHEMA regress_migrations_2;
SELECT count(*) FROM regress_migrations_2.active_users;
DELETE FROM regress_migrations_2.people;
SELECT count(*) FROM regress_migrations_2.people;
SELECT count(*) AS differences FROM softdelete.repair('regress_migrations_2.people');
RESET SESSION AUTHORIZATION;
ALTER TABLE regress_migrations_2.people OWNER TO current_user;
SELECT count(*) FROM pg_class WHERE relname IN ('active_users', 'deleted_users', 'all_users')
    AND relowner = current_user::regrole;
ALTER TABLE regress_migrations_2.people OWNER TO regress_migrations;

-- A migration in the style of the frameworks: add, backfill, swap, constrain.
SET SESSION AUTHORIZATION regress_migrations;
SET search_path = regress_migrations_2;
BEGIN;
ALTER TABLE people ADD COLUMN email varchar(100);
UPDATE people SET email = full_name || '@x.org' WHERE email IS NULL;
ALTER TABLE people ALTER COLUMN email SET DEFAULT '', ADD CONSTRAINT people_email CHECK (email <> '?') NOT VALID;
ALTER TABLE people VALIDATE CONSTRAINT people_email;
COMMIT;
CREATE UNIQUE INDEX CONCURRENTLY people_email_unique ON people (email);
ALTER TABLE people ADD COLUMN created_at timestamptz NOT NULL DEFAULT '2020-01-01';
ALTER TABLE people RENAME COLUMN email TO mail;
ALTER TABLE people ALTER COLUMN mail TYPE text;
INSERT INTO people (id, mail) VALUES (9, 'n@x.org') ON CONFLICT (mail) DO NOTHING;
SELECT id, mail FROM active_users;
SELECT count(*) AS differences FROM softdelete.repair('people');

-- A new inheritance child is registered with its parent; triggers that are enabled again are so always.
CREATE TABLE staff (badge int) INHERITS (people);
INSERT INTO staff (id, mail, badge) VALUES (20, 's@x.org', 7);
DELETE FROM staff;
SELECT id, deleted_at IS NOT NULL AS deleted FROM all_users ORDER BY id;
TRUNCATE staff; -- fails
ALTER TABLE people DISABLE TRIGGER ALL;
ALTER TABLE people ENABLE TRIGGER ALL;
SELECT DISTINCT tgname, tgenabled FROM pg_trigger WHERE tgname ~ 'softdelete_(marker|truncate)'
    AND tgrelid IN ('people'::regclass, 'staff'::regclass) ORDER BY 1;
DROP TABLE staff;

-- The table goes, and its views and what was known of it go along.
DROP TABLE people;
SELECT relname FROM pg_class WHERE relnamespace = 'regress_migrations_2'::regnamespace;
SELECT count(*) FROM softdelete.tables WHERE active_view = 'active_users' AND relation::text ~ 'people';
RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA regress_migrations, regress_migrations_2 CASCADE;
DROP OWNED BY regress_migrations;
DROP ROLE regress_migrations, regress_migrations_reader;
