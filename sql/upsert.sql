-- ON CONFLICT by columns works as before registration; a row that is deleted is neither a conflict of unique values nor
-- updated in silence.
CREATE ROLE regress_upsert_owner;
CREATE SCHEMA regress_upsert AUTHORIZATION regress_upsert_owner;
SET SESSION AUTHORIZATION regress_upsert_owner;
SET search_path = regress_upsert;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, tenant int, name text, visits int DEFAULT 1, UNIQUE (tenant, name));
CREATE UNIQUE INDEX users_lower_name ON users (lower(name)) WHERE visits > 5;
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
INSERT INTO users (id, email, tenant, name) VALUES (1, 'a@x', 1, 'ann'), (2, 'b@x', 1, 'bob'), (3, 'c@x', 1, 'cid');
DELETE FROM users WHERE id = 3;
CREATE FUNCTION state() RETURNS TABLE (id int, email text, tenant int, name text, visits int, deleted boolean) LANGUAGE sql AS
    'SELECT id, email, tenant, name, visits, deleted_at IS NOT NULL FROM users
     WHERE softdelete.include_deleted(deleted_at) ORDER BY id';
\set QUIET off

-- A live row with the same value is a conflict.
INSERT INTO users (id, email) VALUES (11, 'a@x') ON CONFLICT (email) DO UPDATE SET visits = users.visits + 1 RETURNING id, visits;
INSERT INTO users (id, email) VALUES (11, 'a@x') ON CONFLICT (email) DO NOTHING;
INSERT INTO users (id, email) VALUES (11, 'a@x') ON CONFLICT DO NOTHING;
INSERT INTO users (id, tenant, name) VALUES (11, 1, 'bob') ON CONFLICT (tenant, name) DO UPDATE SET email = 'bob@x' RETURNING id, email;

-- A deleted one is not: the row goes in.
INSERT INTO users (id, email, tenant, name) VALUES (13, 'c@x', 1, 'cid') ON CONFLICT (email) DO UPDATE SET visits = 100 RETURNING id;
INSERT INTO users (id, email) VALUES (14, 'c@x') ON CONFLICT (email) DO UPDATE SET visits = users.visits + excluded.visits RETURNING id, visits;
SELECT * FROM state();

-- Expressions and predicates infer as before.
UPDATE users SET visits = 10 WHERE id = 1;
INSERT INTO users (id, name, visits) VALUES (15, 'ANN', 10) ON CONFLICT (lower(name)) WHERE visits > 5 DO UPDATE SET visits = 20 RETURNING id, visits;

-- So does a predicate that says what ours says.
INSERT INTO users (id, email) VALUES (16, 'a@x') ON CONFLICT (email) WHERE deleted_at IS NULL DO NOTHING;

-- The key of a deleted row: DO NOTHING does nothing, DO UPDATE is an error.
INSERT INTO users (id, email) VALUES (3, 'new@x') ON CONFLICT (id) DO NOTHING;
INSERT INTO users (id, email) VALUES (3, 'new@x') ON CONFLICT DO NOTHING;
INSERT INTO users (id, email) VALUES (3, 'new@x') ON CONFLICT (id) DO UPDATE SET email = excluded.email; -- fails
INSERT INTO users (id, email) VALUES (3, 'new@x') ON CONFLICT ON CONSTRAINT users_pkey DO UPDATE SET email = excluded.email; -- fails
INSERT INTO users (id, email) VALUES (3, 'new@x') ON CONFLICT (id) DO UPDATE SET deleted_at = NULL; -- fails
INSERT INTO users (id, email) VALUES (4, 'd@x'), (3, 'new@x') ON CONFLICT (id) DO UPDATE SET email = excluded.email; -- fails
\set VERBOSITY sqlstate
INSERT INTO users (id, email) VALUES (3, 'new@x') ON CONFLICT (id) DO UPDATE SET email = excluded.email; -- fails
\set VERBOSITY default

-- Also where the session sees deleted rows, and where the statement has a condition of its own.
SET softdelete.visibility = 'all';
INSERT INTO users (id, email) VALUES (3, 'new@x') ON CONFLICT (id) DO UPDATE SET email = excluded.email; -- fails
RESET softdelete.visibility;
INSERT INTO users (id, email) VALUES (3, 'new@x') ON CONFLICT (id) DO UPDATE SET email = excluded.email WHERE users.visits < 1; -- fails
INSERT INTO users (id, email) VALUES (2, 'new@x') ON CONFLICT (id) DO UPDATE SET email = excluded.email WHERE users.visits < 1;

-- A live row under that key is updated.
INSERT INTO users (id, email) VALUES (2, 'bob@y') ON CONFLICT (id) DO UPDATE SET email = excluded.email RETURNING id, email;
SELECT * FROM state();

-- Prepared, with custom and generic plans.
PREPARE visit (int, text) AS INSERT INTO users (id, email) VALUES ($1, $2)
    ON CONFLICT (email) DO UPDATE SET visits = users.visits + 1 RETURNING id, visits;
SET plan_cache_mode = force_custom_plan;
EXECUTE visit (21, 'a@x');
SET plan_cache_mode = force_generic_plan;
EXECUTE visit (21, 'a@x');
EXECUTE visit (22, 'v@x');
DELETE FROM users WHERE id = 22;
EXECUTE visit (23, 'v@x');
EXECUTE visit (24, 'v@x');
RESET plan_cache_mode;

-- PL/pgSQL, SQL functions and WITH queries.
CREATE FUNCTION visit_sql(int, text) RETURNS int LANGUAGE sql AS
    'INSERT INTO users (id, email) VALUES ($1, $2) ON CONFLICT (email) DO UPDATE SET visits = users.visits + 1 RETURNING visits';
CREATE FUNCTION visit_atomic(key int, mail text) RETURNS int LANGUAGE sql
    BEGIN ATOMIC
        INSERT INTO users (id, email) VALUES (key, mail) ON CONFLICT (email) DO UPDATE SET visits = users.visits + 1 RETURNING visits;
    END;
SELECT visit_sql(31, 'v@x'), visit_atomic(31, 'v@x');
WITH i AS (INSERT INTO users (id, email) VALUES (31, 'v@x') ON CONFLICT (email) DO UPDATE SET visits = 0 RETURNING id, visits)
    SELECT * FROM i;

-- A view does the same.
INSERT INTO active_users (id, email) VALUES (32, 'v@x') ON CONFLICT (email) DO UPDATE SET visits = 7 RETURNING id, visits;

-- A converted constraint cannot be named any more; a constraint that stayed can.
INSERT INTO users (id, email) VALUES (33, 'v@x') ON CONFLICT ON CONSTRAINT users_email_key DO NOTHING; -- fails
INSERT INTO users (id, email) VALUES (1, 'v@x') ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING;

-- Columns without a unique index are refused as ever.
INSERT INTO users (id, email) VALUES (1, 'v@x') ON CONFLICT (visits) DO NOTHING; -- fails

-- Partitions.
CREATE TABLE events (id int, region int, code text, n int DEFAULT 1, PRIMARY KEY (id, region), UNIQUE (code, region))
    PARTITION BY LIST (region);
CREATE TABLE events_1 PARTITION OF events FOR VALUES IN (1);
CREATE TABLE events_2 (dropped int, n int DEFAULT 1, code text, region int NOT NULL, id int NOT NULL);
ALTER TABLE events_2 DROP COLUMN dropped;
ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES IN (2);
SELECT count(*) > 0 AS registered FROM softdelete.register('events');
INSERT INTO events (id, region, code) VALUES (1, 1, 'a'), (2, 2, 'a');
INSERT INTO events (id, region, code) VALUES (3, 1, 'a'), (4, 2, 'a') ON CONFLICT (code, region) DO UPDATE SET n = events.n + 1
    RETURNING id, n;
DELETE FROM events WHERE code = 'a';
INSERT INTO events (id, region, code) VALUES (3, 1, 'a'), (4, 2, 'a') ON CONFLICT (code, region) DO UPDATE SET n = events.n + 1
    RETURNING id, n;
INSERT INTO events_2 (id, region, code) VALUES (5, 2, 'a') ON CONFLICT (code, region) DO UPDATE SET n = events_2.n + 1
    RETURNING id, n;
INSERT INTO events (id, region) VALUES (2, 2) ON CONFLICT (id, region) DO UPDATE SET n = 0; -- fails
INSERT INTO events (id, region) VALUES (2, 2) ON CONFLICT DO NOTHING;

-- The soft delete of an upsert.
INSERT INTO users (id, email) VALUES (40, 'v@x') ON CONFLICT (email) DO UPDATE SET deleted_at = now() RETURNING id, deleted_by;
SELECT count(*) FROM users WHERE email = 'v@x';

-- With visibility view, unique means unique among live rows as well.
CREATE TABLE viewed (id int PRIMARY KEY, email text UNIQUE);
SELECT count(*) > 0 AS registered FROM softdelete.register('viewed', visibility => 'view');
INSERT INTO viewed (id, email) VALUES (1, 'a@x');
DELETE FROM viewed;
INSERT INTO viewed (id, email) VALUES (2, 'a@x') ON CONFLICT (email) DO UPDATE SET id = 0 RETURNING id;
INSERT INTO viewed (id, email) VALUES (3, 'a@x') ON CONFLICT (email) DO UPDATE SET id = 4 RETURNING id;
INSERT INTO viewed (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET email = 'new'; -- fails

-- What cannot work says why: the constraint's name, and a foreign key to its columns.
INSERT INTO viewed (id, email) VALUES (9, 'a@x') ON CONFLICT ON CONSTRAINT viewed_email_key DO NOTHING; -- fails
CREATE TABLE letters (email text REFERENCES viewed (email)); -- fails
-- So does an error that a function catches, also while a savepoint's error lies behind.
DO $$
DECLARE hint text;
BEGIN
    BEGIN
        INSERT INTO viewed (id, email) VALUES (9, 'a@x') ON CONFLICT ON CONSTRAINT nothing DO NOTHING;
    EXCEPTION WHEN undefined_object THEN NULL;
    END;
    INSERT INTO viewed (id, email) VALUES (9, 'a@x') ON CONFLICT ON CONSTRAINT viewed_email_key DO NOTHING;
EXCEPTION WHEN undefined_object THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RAISE NOTICE '%', hint;
END $$;
-- So does one that the server does not log, in the first statement of a session.
\set QUIET on
\c -
\set QUIET off
SET log_min_messages = panic;
INSERT INTO regress_upsert.viewed (id, email) VALUES (9, 'a@x') ON CONFLICT ON CONSTRAINT viewed_email_key DO NOTHING; -- fails
INSERT INTO regress_upsert.viewed (id, email) VALUES (9, 'a@x') ON CONFLICT ON CONSTRAINT viewed_email_key DO NOTHING; -- fails
BEGIN;
SAVEPOINT s;
INSERT INTO regress_upsert.viewed (id, email) VALUES (9, 'a@x') ON CONFLICT ON CONSTRAINT viewed_email_key DO NOTHING; -- fails
ROLLBACK TO s;
INSERT INTO regress_upsert.viewed (id, email) VALUES (9, 'a@x') ON CONFLICT ON CONSTRAINT viewed_email_key DO NOTHING; -- fails
ROLLBACK;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_upsert CASCADE;
DROP ROLE regress_upsert_owner;
