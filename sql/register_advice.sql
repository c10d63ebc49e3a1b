-- What register() warns of is so, and what it advises mends it: done all of it, nothing is left to warn of.
\set QUIET on
CREATE ROLE regress_advice;
CREATE SCHEMA regress_advice AUTHORIZATION regress_advice;
SET SESSION AUTHORIZATION regress_advice;
SET search_path = regress_advice;
SET client_min_messages = error;
\pset format unaligned
CREATE FUNCTION warnings(relation regclass) RETURNS TABLE (object text, command text) LANGUAGE sql AS
    'SELECT object, command FROM softdelete.plan(relation, strategy => ''flag'') WHERE action = ''warning'' ORDER BY step';
\set QUIET off

-- Which keys may come again: not those that are made for each row, whatever a partition key adds.
CREATE TABLE k_identity (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
CREATE TABLE k_plain_int (id bigint PRIMARY KEY);
CREATE TABLE k_uuid (id uuid PRIMARY KEY);
CREATE TABLE k_made_text (id text DEFAULT md5(random()::text) PRIMARY KEY);
CREATE TABLE k_identity_and_part (id int GENERATED ALWAYS AS IDENTITY, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE k_int_and_part (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE k_text (code text PRIMARY KEY);
CREATE TABLE k_lines (order_id int, line_no int, PRIMARY KEY (order_id, line_no));
CREATE TABLE k_join (a bigint REFERENCES k_plain_int, b uuid REFERENCES k_uuid, PRIMARY KEY (a, b));
CREATE TABLE k_one (id bigint PRIMARY KEY REFERENCES k_plain_int);
CREATE TABLE k_part (day date PRIMARY KEY) PARTITION BY RANGE (day);
SELECT c.relname, string_agg(w.object, ', ') FILTER (WHERE w.object = 'primary key') AS warned
    FROM pg_class c LEFT JOIN LATERAL warnings(c.oid) w ON true
    WHERE c.relnamespace = 'regress_advice'::regnamespace AND c.relkind IN ('r', 'p') GROUP BY 1 ORDER BY 1;
SELECT command FROM warnings('k_lines');

-- Indexes of foreign keys: of children of a registered table, of a registered table's own keys to registered ones, and those
-- that registration takes away; not where the parent is registered by nobody. One warning per table.
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE other (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent, step int REFERENCES parent, other int REFERENCES other,
    slot int REFERENCES other, UNIQUE (slot, id));
SELECT object, command FROM warnings('child') WHERE object LIKE 'constraint%';
SELECT object, command FROM warnings('parent') WHERE object LIKE 'constraint%';
SELECT count(*) > 0 AS registered FROM softdelete.register('parent');
SELECT object FROM warnings('child') WHERE object LIKE 'constraint%';

-- Advice to register a child has the settings of the parent.
CREATE TABLE team (id int PRIMARY KEY);
CREATE TABLE member (id int PRIMARY KEY, team int REFERENCES team ON DELETE CASCADE);
CREATE TABLE badge (id int PRIMARY KEY, member int REFERENCES member ON DELETE CASCADE, team int REFERENCES team);
CREATE INDEX ON member (team); CREATE INDEX ON badge (member); CREATE INDEX ON badge (team);
SELECT object, command FROM softdelete.plan('team', retention => '90 days', visibility => 'view', deleted_by => NULL)
    WHERE action = 'warning';

-- An application that cascades by itself deletes the children first: where all referencing tables are registered, in one call,
-- that is one deletion, and comes back as one.
SELECT DISTINCT relation FROM softdelete.register('team', all_referencing => true) ORDER BY 1;
INSERT INTO team VALUES (1); INSERT INTO member VALUES (1, 1); INSERT INTO badge VALUES (1, 1, 1);
BEGIN;
DELETE FROM badge WHERE team = 1; DELETE FROM member WHERE team = 1; DELETE FROM team WHERE id = 1;
COMMIT;
SELECT rows FROM softdelete.deletions WHERE relation = 'badge'::regclass;
SELECT softdelete.undo(id) FROM softdelete.deletions WHERE relation = 'badge'::regclass;

-- Functions that fail once the table has more columns are named; others are not.
CREATE TABLE t (id int PRIMARY KEY, name text);
CREATE FUNCTION f_list() RETURNS SETOF t LANGUAGE sql AS 'SELECT id, name FROM t';
CREATE FUNCTION f_star() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t';
CREATE FUNCTION f_atomic() RETURNS SETOF t LANGUAGE sql BEGIN ATOMIC SELECT * FROM t; END;
CREATE FUNCTION f_atomic_whole() RETURNS SETOF t LANGUAGE sql BEGIN ATOMIC SELECT t FROM t; END;
CREATE FUNCTION f_atomic_table() RETURNS TABLE (a int, b text) LANGUAGE sql BEGIN ATOMIC SELECT * FROM t; END;
CREATE FUNCTION f_table() RETURNS TABLE (a int, b text) LANGUAGE sql AS 'SELECT * FROM t';
CREATE FUNCTION f_pl() RETURNS SETOF t LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT id, name FROM t; END';
CREATE FUNCTION f_pl_star() RETURNS SETOF t LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM t; END';
CREATE FUNCTION f_cast() RETURNS text LANGUAGE sql AS 'SELECT (ROW(1, ''x'')::t).name';
CREATE FUNCTION f_argument(t) RETURNS text LANGUAGE sql AS 'SELECT $1.name';
CREATE TABLE one (id int PRIMARY KEY);
CREATE FUNCTION f_one_set() RETURNS SETOF int LANGUAGE sql AS 'SELECT * FROM one';
CREATE FUNCTION f_one() RETURNS int LANGUAGE sql AS 'SELECT * FROM one';
CREATE FUNCTION f_one_table() RETURNS TABLE (a int) LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM one; END';
CREATE FUNCTION f_one_into() RETURNS int LANGUAGE plpgsql AS 'DECLARE i int; BEGIN SELECT * INTO i FROM one; RETURN i; END';
INSERT INTO t VALUES (1, 'a');
INSERT INTO one VALUES (1);
SELECT object FROM warnings('t');
SELECT object FROM warnings('one');
SELECT count(*) > 0 AS registered FROM softdelete.register('t') a, softdelete.register('one') b;
CREATE FUNCTION try(call text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE 'SELECT FROM ' || call; RETURN 'works'; EXCEPTION WHEN OTHERS THEN RETURN 'fails'; END $$;
SELECT f, try(f) FROM (VALUES ('f_list()'), ('f_star()'), ('f_atomic()'), ('f_atomic_whole()'), ('f_atomic_table()'), ('f_table()'),
    ('f_pl()'), ('f_pl_star()'), ('f_cast()'), ('f_argument((SELECT t FROM t))'), ('f_one_set()'), ('f_one()'), ('f_one_table()'),
    ('f_one_into()')) v (f);

-- unregister() names what was made with the columns since.
CREATE VIEW later AS SELECT * FROM t;
CREATE MATERIALIZED VIEW "Later's" AS SELECT id, deleted_at FROM t;
SELECT count(*) FROM softdelete.unregister('t'); -- fails
DROP VIEW later; DROP MATERIALIZED VIEW "Later's";
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('t');

-- Hints name arguments that reach the table that they are about.
CREATE TABLE root (id int PRIMARY KEY);
CREATE TABLE leaf (id int PRIMARY KEY, root int REFERENCES root ON DELETE CASCADE);
CREATE TABLE active_leaf (id int);
SELECT count(*) FROM softdelete.register('root', cascade => true); -- fails
SELECT count(*) FROM softdelete.register('leaf'); -- fails
ALTER TABLE leaf ADD deleted_at int;
SELECT count(*) FROM softdelete.register('root', cascade => true); -- fails

-- A typed table has the columns of its type. Extended statistics are no reason for a message.
CREATE TYPE shape AS (id int, a int, b int);
CREATE TABLE typed OF shape (PRIMARY KEY (id));
SELECT count(*) FROM softdelete.register('typed'); -- fails
ALTER TYPE shape ADD ATTRIBUTE deleted_at timestamptz CASCADE, ADD ATTRIBUTE deleted_by text CASCADE, ADD ATTRIBUTE deletion_id bigint CASCADE;
RESET client_min_messages;
CREATE STATISTICS of_typed ON a, b FROM typed;
INSERT INTO typed SELECT i, i, i FROM generate_series(1, 10) i;
SELECT count(*) > 0 AS registered FROM softdelete.register('typed');

-- A new foreign key that finds no constraint is told the way that works.
CREATE TABLE place (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text UNIQUE);
SELECT command FROM softdelete.register('place') WHERE object = 'constraint place_code_key';
CREATE TABLE visit (id int, place text REFERENCES place (code)); -- fails
SELECT count(*) > 0 AS configured FROM softdelete.configure('place', indexes => 'none');
CREATE TABLE visit (id int, place text REFERENCES place (code));

-- DROP EXTENSION by somebody else says no more than that he may not.
DROP EXTENSION softdelete; -- fails

\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = error;
DROP SCHEMA regress_advice CASCADE;
DROP ROLE regress_advice;
