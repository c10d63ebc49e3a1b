-- Where a column goes or changes its type, the views come back with everything that they had; what depends on them
-- stops the command with the usual error, or goes by CASCADE.
\set QUIET on
CREATE ROLE regress_follow_views;
CREATE ROLE regress_follow_views_a;
CREATE ROLE regress_follow_views_b;
CREATE SCHEMA regress_follow_views AUTHORIZATION regress_follow_views;
GRANT USAGE ON SCHEMA regress_follow_views TO regress_follow_views_a, regress_follow_views_b;
SET SESSION AUTHORIZATION regress_follow_views;
SET search_path = regress_follow_views;
\pset format unaligned
CREATE TABLE users (id int PRIMARY KEY, a int, "b,c" text, d int DEFAULT 1, e int);
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
INSERT INTO users VALUES (1, 1, 'x', 1, 1), (2, 2, 'y', 2, 2);
DELETE FROM users WHERE id = 2;
GRANT SELECT ON active_users TO regress_follow_views_a WITH GRANT OPTION;
REVOKE DELETE ON active_users FROM regress_follow_views;
GRANT UPDATE (d), UPDATE ("b,c") ON active_users TO regress_follow_views_b;
COMMENT ON COLUMN active_users."b,c" IS 'odd';
ALTER VIEW active_users ALTER d SET DEFAULT 77;
ALTER VIEW active_users SET (security_barrier = true);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep INSTEAD OF DELETE ON deleted_users FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE RULE ignore AS ON INSERT TO all_users DO INSTEAD NOTHING;
SET SESSION AUTHORIZATION regress_follow_views_a;
GRANT SELECT ON regress_follow_views.active_users TO regress_follow_views_b;
SET SESSION AUTHORIZATION regress_follow_views;
CREATE VIEW state AS
    SELECT c.relname, c.relacl, c.reloptions, (SELECT string_agg(tgname, ',') FROM pg_trigger WHERE tgrelid = c.oid) AS triggers,
        (SELECT string_agg(rulename, ',') FROM pg_rewrite WHERE ev_class = c.oid AND rulename <> '_RETURN') AS rules,
        (SELECT string_agg(format('%s %s %s', a.attname, a.attacl, pg_get_expr(f.adbin, f.adrelid)), ', ' ORDER BY attnum)
         FROM pg_attribute a LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
         WHERE a.attrelid = c.oid AND a.attname !~ 'delet') AS columns
    FROM pg_class c WHERE c.relnamespace = 'regress_follow_views'::regnamespace AND c.relname ~ '_users$' AND c.relkind = 'v';
CREATE TABLE before AS TABLE state;
\set QUIET off

-- Nothing but the column is gone. Default privileges that came later change nothing.
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_follow_views_a;
ALTER TABLE users DROP COLUMN a, ALTER COLUMN d TYPE bigint;
SELECT relname, reloptions, triggers, rules, columns FROM state ORDER BY 1;
SELECT relname, coalesce(s.relacl, acldefault('r', 'regress_follow_views'::regrole))
    = coalesce(b.relacl, acldefault('r', 'regress_follow_views'::regrole)) AS same_privileges
    FROM state s JOIN before b USING (relname) ORDER BY 1;
INSERT INTO active_users (id) VALUES (3) RETURNING id, d;
SELECT col_description('active_users'::regclass, 2);
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM regress_follow_views_a;

-- A view of the user's on ours, and DROP COLUMN and DROP TABLE with and without CASCADE.
CREATE VIEW mine AS SELECT id FROM active_users;
ALTER TABLE users DROP COLUMN e; -- fails
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE users ALTER COLUMN e TYPE text; -- fails
ALTER TABLE users ADD COLUMN f int, ALTER COLUMN e SET DEFAULT 5;
SELECT * FROM mine;
ALTER TABLE users DROP COLUMN e CASCADE;
SELECT * FROM mine; -- fails
CREATE VIEW mine AS SELECT id FROM active_users;
DROP TABLE users; -- fails

-- A view of the user's that register() has adopted stays his: migrations run, and it shows what it showed.
CREATE TABLE adopted (id int PRIMARY KEY, nick text, mail text, gone timestamptz);
CREATE VIEW live_adopted AS SELECT * FROM adopted WHERE gone IS NULL;
SELECT object, action FROM softdelete.register('adopted', deleted_at => 'gone', active_view => 'live_adopted')
    WHERE object ~ 'view' ORDER BY object;
INSERT INTO adopted VALUES (1, 'a', 'a@x'), (2, 'b', 'b@x');
DELETE FROM adopted WHERE id = 2;
ALTER TABLE adopted RENAME COLUMN nick TO nickname;
ALTER TABLE adopted ADD COLUMN age int;
SELECT * FROM live_adopted;
SELECT id, nickname, age FROM deleted_adopted;
SELECT object, action FROM softdelete.repair('adopted');
CREATE OR REPLACE VIEW live_adopted AS SELECT id, nickname AS nick, mail, gone, age FROM adopted WHERE gone IS NULL;
CREATE OR REPLACE VIEW live_adopted AS SELECT id, nickname AS nick, mail, gone, age FROM adopted; -- fails
-- He drops it for a change that it would refuse, and makes it again, as it was or otherwise.
BEGIN;
DROP VIEW live_adopted;
ALTER TABLE adopted ALTER nickname TYPE varchar(50);
SELECT to_regclass('live_adopted') AS made_by_nobody;
CREATE VIEW live_adopted AS SELECT id, upper(nickname) AS nick FROM adopted WHERE gone IS NULL;
ALTER TABLE adopted ADD COLUMN note text;
SELECT * FROM live_adopted;
DROP VIEW live_adopted;
CREATE VIEW live_adopted AS SELECT id, nickname AS nick, mail, gone, age FROM adopted WHERE gone IS NULL;
COMMIT;
SELECT object, action FROM softdelete.repair('adopted');
DROP VIEW live_adopted;
ALTER TABLE adopted DROP COLUMN note;
CREATE VIEW live_adopted AS SELECT id, nickname AS nick, mail, gone, age FROM adopted WHERE gone IS NULL;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('adopted', 'purge');
SELECT * FROM live_adopted;
DROP TABLE adopted CASCADE;

-- A type, a function or a collation that columns need cannot take our views along.
CREATE TYPE mood AS ENUM ('good', 'bad');
ALTER TABLE users ADD COLUMN mood mood DEFAULT 'good';
ALTER TYPE mood ADD VALUE 'so so';
ALTER TYPE mood RENAME VALUE 'good' TO 'fine';
SELECT id, mood FROM active_users ORDER BY 1;
DROP TYPE mood; -- fails
DROP TYPE mood CASCADE; -- fails
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE users DROP COLUMN mood CASCADE;
DROP TYPE mood;
SELECT id FROM active_users ORDER BY 1;

-- A view that was dropped while a dump was being restored comes back by repair().
SET row_security = off;
DROP VIEW deleted_users;
RESET row_security;
SELECT action, object FROM softdelete.repair('users');
SELECT id FROM deleted_users;
DROP TABLE users CASCADE;
SELECT viewname FROM pg_views WHERE schemaname = 'regress_follow_views' AND viewname <> 'state';

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA regress_follow_views CASCADE;
DROP OWNED BY regress_follow_views, regress_follow_views_a;
DROP ROLE regress_follow_views, regress_follow_views_a, regress_follow_views_b;
