-- Views, indexes and constraints can be renamed, dropped and commented on, those as well that are something else while
-- the table is registered. The registry follows, so that repair() finds nothing and unregister() gives back what there is.
\set QUIET on
CREATE ROLE regress_follow_names;
CREATE ROLE regress_follow_names_other;
CREATE SCHEMA regress_follow_names AUTHORIZATION regress_follow_names;
CREATE SCHEMA regress_follow_names_2 AUTHORIZATION regress_follow_names;
GRANT USAGE ON SCHEMA regress_follow_names TO regress_follow_names_other;
SET SESSION AUTHORIZATION regress_follow_names;
SET search_path = regress_follow_names;
\pset format unaligned
CREATE TABLE users (id int PRIMARY KEY, a int, email text UNIQUE, "Ph'one" text CONSTRAINT "Q'x" UNIQUE, room int, org int,
    CONSTRAINT users_room EXCLUDE USING btree (room WITH =), CONSTRAINT users_org UNIQUE (org) DEFERRABLE);
CREATE INDEX users_a ON users (a);
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
INSERT INTO users VALUES (1, 1, 'a@x', '1', 1, 1), (2, 2, 'b@x', '2', 2, 2);
DELETE FROM users WHERE id = 2;
\set QUIET off

-- A view under another name is the same view to softdelete, by ALTER TABLE as well.
ALTER VIEW active_users RENAME TO "Live 'users'";
ALTER TABLE deleted_users RENAME TO bin;
SELECT active_view, deleted_view, all_view FROM softdelete.tables WHERE relation = 'users'::regclass;
ALTER TABLE users ADD COLUMN b int;
ALTER TABLE users DROP COLUMN b;
SELECT viewname FROM pg_views WHERE schemaname = 'regress_follow_names' ORDER BY 1;
SELECT id FROM "Live 'users'";
SELECT id FROM bin;
BEGIN;
ALTER VIEW bin RENAME TO gone;
ROLLBACK;
SELECT count(*) AS differences FROM softdelete.repair('users');

-- It stays beside its table, and goes on meaning what it means; saying that again is no change.
ALTER VIEW bin SET SCHEMA regress_follow_names_2; -- fails
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE bin SET SCHEMA regress_follow_names_2; -- fails
ALTER VIEW bin RENAME COLUMN a TO b; -- fails
ALTER TABLE bin RENAME COLUMN a TO b; -- fails
CREATE OR REPLACE VIEW bin AS SELECT * FROM users; -- fails
\echo :LAST_ERROR_SQLSTATE
CREATE OR REPLACE VIEW bin AS SELECT *, 1 AS one FROM users WHERE deleted_at IS NOT NULL; -- fails
CREATE OR REPLACE VIEW bin AS SELECT * FROM users WHERE deleted_at IS NOT NULL;
SELECT count(*) FROM bin;

-- Indexes and constraints, whatever they have become.
ALTER INDEX users_a RENAME TO "users'a";
ALTER TABLE users_email_key RENAME TO users_mail;
ALTER TABLE users RENAME CONSTRAINT "Q'x" TO "Q'y";
ALTER TABLE users RENAME CONSTRAINT users_room TO users_place;
ALTER TABLE users RENAME CONSTRAINT users_org TO users_club;
ALTER INDEX users_deleted_at_idx RENAME TO users_gone;
COMMENT ON CONSTRAINT "Q'y" ON users IS 'one phone each';
SELECT obj_description('"Q''y"'::regclass);
COMMENT ON CONSTRAINT nothing ON users IS 'none'; -- fails
ALTER TABLE users RENAME CONSTRAINT nothing TO something; -- fails
ALTER TABLE users DROP CONSTRAINT nothing; -- fails
ALTER TABLE users DROP CONSTRAINT IF EXISTS nothing;
SELECT count(*) AS differences FROM softdelete.repair('users');

-- Dropping what was a constraint needs the same privileges, can be taken back, and goes with other commands.
SET SESSION AUTHORIZATION regress_follow_names_other;
ALTER TABLE regress_follow_names.users DROP CONSTRAINT users_mail; -- fails
ALTER TABLE regress_follow_names.users RENAME CONSTRAINT users_mail TO x; -- fails
COMMENT ON CONSTRAINT users_mail ON regress_follow_names.users IS 'x'; -- fails
ALTER VIEW regress_follow_names.bin RENAME TO x; -- fails
SET SESSION AUTHORIZATION regress_follow_names;
BEGIN;
SAVEPOINT a;
ALTER TABLE users DROP CONSTRAINT users_mail;
INSERT INTO users (id, email) VALUES (3, 'a@x');
ROLLBACK TO a;
INSERT INTO users (id, email) VALUES (3, 'a@x'); -- fails
ROLLBACK;
ALTER TABLE users DROP CONSTRAINT users_mail, ADD CONSTRAINT users_mail UNIQUE (email, a), DROP CONSTRAINT users_place;
SELECT pg_get_indexdef('users_mail'::regclass);
DROP INDEX "users'a";

-- Unregistered, everything has the name and the comment that it was given, and what was dropped stays dropped.
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('users', 'purge');
SELECT c.relname, pg_get_indexdef(c.oid), pg_get_constraintdef(k.oid), obj_description(c.oid) AS on_index,
       obj_description(k.oid) AS on_constraint
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid LEFT JOIN pg_constraint k ON k.conindid = c.oid
    WHERE i.indrelid = 'users'::regclass ORDER BY 1;
SELECT viewname FROM pg_views WHERE schemaname = 'regress_follow_names';

-- Foreign keys: what checks them goes by their name now.
\set QUIET on
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (id int PRIMARY KEY, parent int CONSTRAINT "K'1" REFERENCES parents DEFERRABLE);
SELECT count(*) > 0 AS registered FROM softdelete.register('parents');
SELECT count(*) > 0 AS registered FROM softdelete.register('children');
INSERT INTO parents VALUES (1), (2);
INSERT INTO children VALUES (1, 1);
\set QUIET off
ALTER TABLE children RENAME CONSTRAINT "K'1" TO "K'2";
BEGIN;
SET CONSTRAINTS "K'2" DEFERRED;
DELETE FROM parents WHERE id = 1;
DELETE FROM children WHERE id = 1;
COMMIT;
ALTER TABLE children DROP CONSTRAINT "K'2", ADD CONSTRAINT "K'2" FOREIGN KEY (parent) REFERENCES parents;
INSERT INTO children VALUES (2, 2);
DELETE FROM parents WHERE id = 2; -- fails
ALTER TABLE children ALTER CONSTRAINT "K'2" DEFERRABLE INITIALLY DEFERRED;
BEGIN;
DELETE FROM parents WHERE id = 2;
COMMIT; -- fails
ALTER TABLE children DROP CONSTRAINT "K'2";
DELETE FROM parents WHERE id = 2;
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgrelid IN ('parents'::regclass, 'children'::regclass)
    AND tgname ~ '^softdelete_(parent|children)_';
SELECT count(*) AS differences FROM (SELECT softdelete.repair('parents') UNION ALL SELECT softdelete.repair('children')) d;

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA regress_follow_names, regress_follow_names_2 CASCADE;
DROP ROLE regress_follow_names, regress_follow_names_other;
