-- What would break the promise is refused, with a hint, and nothing is half done.
\set QUIET on
CREATE ROLE regress_refused_ddl;
CREATE SCHEMA regress_refused_ddl AUTHORIZATION regress_refused_ddl;
SET SESSION AUTHORIZATION regress_refused_ddl;
SET search_path = regress_refused_ddl;
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
CREATE INDEX ON orders (user_id);
SELECT count(*) > 0 AS registered FROM softdelete.register('users', cascade => true);
\set QUIET off

-- The columns.
ALTER TABLE users DROP COLUMN deleted_at; -- fails
ALTER TABLE users DROP COLUMN deleted_by; -- fails
ALTER TABLE users DROP COLUMN IF EXISTS deletion_id; -- fails
ALTER TABLE users DROP COLUMN deleted_at CASCADE; -- fails
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE users DROP COLUMN deletion_id CASCADE; -- fails
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE users RENAME deletion_id TO gone_id; -- fails
\echo :LAST_ERROR_SQLSTATE

-- The triggers, by name.
DROP TRIGGER softdelete_marker ON users; -- fails
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER softdelete_collect ON users; -- fails
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE users DISABLE TRIGGER softdelete_marker; -- fails
\echo :LAST_ERROR_SQLSTATE
ALTER TABLE users ENABLE REPLICA TRIGGER softdelete_lock; -- fails
\echo :LAST_ERROR_SQLSTATE

-- Nor with those of the user's own. Together with the keys of the server they may be disabled while a dump is being
-- restored; DELETE waits until they are back.
ALTER TABLE users DISABLE TRIGGER USER; -- fails
SET row_security = off;
ALTER TABLE users DISABLE TRIGGER USER;
RESET row_security;
DELETE FROM users; -- fails
ALTER TABLE users ENABLE TRIGGER USER;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'users'::regclass AND tgenabled <> 'O' ORDER BY tgname;
DELETE FROM users;

-- Of inheritance children and partitions as well.
CREATE TABLE staff (office text) INHERITS (users);
CREATE TABLE events (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE events_1 PARTITION OF events FOR VALUES IN (1);
SELECT count(*) > 0 AS registered FROM softdelete.register('events');
DROP TRIGGER softdelete_marker ON staff; -- fails
DROP TRIGGER softdelete_marker ON events_1; -- fails
ALTER TABLE events_1 DISABLE TRIGGER USER, ENABLE TRIGGER USER; -- fails
ALTER TABLE events DISABLE TRIGGER ALL;
ALTER TABLE events ENABLE TRIGGER USER;
SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger
    WHERE tgrelid IN ('events'::regclass, 'events_1'::regclass) AND tgname IN ('softdelete_marker', 'softdelete_truncate', 'softdelete_update')
    ORDER BY 1, 2;

-- Other columns and triggers are the user's own.
ALTER TABLE users RENAME name TO full_name;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER softdelete_of_mine BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION nothing();
DROP TRIGGER softdelete_of_mine ON users;

-- Tables can go, and take what is known of them along.
DROP TABLE orders CASCADE;
SELECT t.relation FROM softdelete.tables t JOIN pg_class c ON c.oid = t.relation
    WHERE c.relnamespace = 'regress_refused_ddl'::regnamespace ORDER BY c.relname;

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA regress_refused_ddl CASCADE;
DROP ROLE regress_refused_ddl;
