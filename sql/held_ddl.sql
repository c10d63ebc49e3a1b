-- No DDL takes a row on hold away from its hold: neither by its key, nor by what joins it to the held row above it, nor by
-- what guards its table.
CREATE ROLE regress_held_ddl;
CREATE ROLE regress_held_ddl_2;
CREATE SCHEMA regress_held_ddl AUTHORIZATION regress_held_ddl;
CREATE SCHEMA regress_held_ddl_2 AUTHORIZATION regress_held_ddl;
GRANT SET ON PARAMETER softdelete.deletion TO regress_held_ddl;
SELECT setval('softdelete_internal.hold_id_seq', 500);
SET SESSION AUTHORIZATION regress_held_ddl;
SET search_path = regress_held_ddl;
SET client_min_messages = error;
\set QUIET off
\set VERBOSITY default

-- The primary key is dropped or replaced.
CREATE TABLE h (id int PRIMARY KEY, k2 int NOT NULL DEFAULT 1, k3 int NOT NULL DEFAULT 1, v text);
INSERT INTO h SELECT g FROM generate_series(1, 3) g;
SELECT count(*) > 0 AS registered FROM softdelete.register('h', retention => '0');
SELECT softdelete.hold('h', 'law', 1) AS hold \gset
ALTER TABLE h ADD nid bigint GENERATED ALWAYS AS IDENTITY (START 101);
ALTER TABLE h DROP CONSTRAINT h_pkey, ADD PRIMARY KEY (nid); -- fails
ALTER TABLE h DROP CONSTRAINT h_pkey, ADD PRIMARY KEY (id, k2); -- fails
ALTER TABLE h DROP CONSTRAINT h_pkey; -- fails
ALTER TABLE h DROP CONSTRAINT h_pkey CASCADE; -- fails
ALTER TABLE h DROP COLUMN id; -- fails
ALTER TABLE h DROP COLUMN id, ADD COLUMN id serial PRIMARY KEY; -- fails
SET row_security = off;
ALTER TABLE h DROP CONSTRAINT h_pkey, ADD PRIMARY KEY (nid); -- fails
RESET row_security;
DO $$
BEGIN
    ALTER TABLE h DROP CONSTRAINT h_pkey, ADD CONSTRAINT new PRIMARY KEY (id);
    ALTER TABLE h DROP CONSTRAINT new, ADD PRIMARY KEY (nid);
END $$; -- fails

-- Its values change.
ALTER TABLE h ALTER id TYPE int USING id + 100; -- fails
ALTER TABLE h ALTER id TYPE text USING 'x' || id; -- fails
ALTER TABLE h ALTER id TYPE real; -- fails
SET row_security = off;
ALTER TABLE h ALTER id TYPE int USING id + 100; -- fails
RESET row_security;

-- What keeps key and values, and what has nothing to do with them.
CREATE UNIQUE INDEX h_new ON h (id);
ALTER TABLE h DROP CONSTRAINT h_pkey, ADD CONSTRAINT h_pkey PRIMARY KEY USING INDEX h_new;
ALTER TABLE h ALTER id TYPE bigint;
ALTER TABLE h ALTER id TYPE numeric;
ALTER TABLE h ALTER v TYPE varchar(10) USING v || 'x';
ALTER TABLE h RENAME id TO key;
ALTER TABLE h RENAME CONSTRAINT h_pkey TO h_key;
ALTER TABLE h RENAME TO g;
ALTER TABLE g SET SCHEMA regress_held_ddl_2;
ALTER TABLE regress_held_ddl_2.g SET UNLOGGED; -- fails: a crash would empty it
ALTER TABLE regress_held_ddl_2.g SET LOGGED;
CLUSTER regress_held_ddl_2.g USING h_key;
SELECT count(*) FROM softdelete.repair('regress_held_ddl_2.g');
SELECT count(*) > 0 AS configured FROM softdelete.configure('regress_held_ddl_2.g', retention => '0', visibility => 'view');
DELETE FROM regress_held_ddl_2.g;
CALL softdelete.purge('regress_held_ddl_2.g');
SELECT key, v FROM regress_held_ddl_2.all_h;
SELECT softdelete.release(:hold);
ALTER TABLE regress_held_ddl_2.g DROP CONSTRAINT h_key, ADD PRIMARY KEY (nid);
ALTER TABLE regress_held_ddl_2.g SET UNLOGGED;
ALTER TABLE regress_held_ddl_2.g SET LOGGED;

-- Columns of the key in another order; names of an enum.
CREATE TYPE color AS ENUM ('red', 'green');
CREATE TABLE two (id int, k2 color, PRIMARY KEY (id, k2));
INSERT INTO two VALUES (1, 'red'), (2, 'green');
CREATE DOMAIN short AS int;
CREATE TABLE d (id short PRIMARY KEY);
INSERT INTO d VALUES (1);
SELECT count(*) > 0 AS registered FROM softdelete.register('d', visibility => 'filter');
SELECT count(*) > 0 AS registered FROM softdelete.register('two', retention => '0');
SELECT softdelete.hold('two', 'law', 1, 'red') > 0 AS held;
SELECT softdelete.hold('d', 'law', 1) > 0 AS held;
DROP VIEW active_d, all_d, deleted_d;
DROP DOMAIN short CASCADE; -- fails
ALTER TABLE two DROP CONSTRAINT two_pkey, ADD PRIMARY KEY (k2, id); -- fails
ALTER TYPE color RENAME VALUE 'red' TO 'blue'; -- fails
DROP TYPE color CASCADE; -- fails
ALTER TYPE color ADD VALUE 'blue';

-- Tables that inherit a key's column.
CREATE TABLE ee (id int PRIMARY KEY, v text);
CREATE TABLE ee1 (PRIMARY KEY (id)) INHERITS (ee);
INSERT INTO ee1 VALUES (1), (2);
SELECT count(*) > 0 AS registered FROM softdelete.register('ee', retention => '0');
SELECT softdelete.hold('ee', 'law', 1) > 0 AS held;
ALTER TABLE ee ALTER id TYPE int USING id + 1; -- fails
ALTER TABLE ee DROP CONSTRAINT ee_pkey; -- fails
ALTER TABLE ee1 NO INHERIT ee; -- fails
DROP TABLE ee1; -- fails
SET row_security = off;
ALTER TABLE ee1 NO INHERIT ee; -- fails
DROP TABLE ee1; -- fails
RESET row_security;
ALTER TABLE ee1 DROP CONSTRAINT ee1_pkey;

-- Partitions, of partitions as well.
CREATE TABLE pp (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE pp1 PARTITION OF pp FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);
CREATE TABLE pp11 PARTITION OF pp1 FOR VALUES FROM (0) TO (5);
CREATE TABLE pp2 PARTITION OF pp FOR VALUES FROM (10) TO (20);
INSERT INTO pp VALUES (1), (11);
SELECT count(*) > 0 AS registered FROM softdelete.register('pp', retention => '0');
SELECT softdelete.hold('pp', 'law', 1) > 0 AS held;
ALTER TABLE pp DROP CONSTRAINT pp_pkey; -- fails
ALTER TABLE pp DETACH PARTITION pp1; -- fails
ALTER TABLE pp1 DETACH PARTITION pp11; -- fails
DROP TABLE pp1; -- fails
SET row_security = off;
ALTER TABLE pp DETACH PARTITION pp1; -- fails
RESET row_security;
ALTER TABLE pp DETACH PARTITION pp2;
SELECT softdelete.hold('pp2', 'law', 11) > 0 AS held;
ALTER TABLE pp ATTACH PARTITION pp2 FOR VALUES FROM (10) TO (20); -- fails

-- Rows that are held through a row above them.
CREATE TABLE cl (id int PRIMARY KEY, code int NOT NULL);
CREATE UNIQUE INDEX cl_code ON cl (code);
CREATE TABLE bi (id int PRIMARY KEY, cl int CONSTRAINT bi_cl_fkey REFERENCES cl ON DELETE CASCADE);
CREATE TABLE li (id int PRIMARY KEY, bi int REFERENCES bi ON DELETE CASCADE); -- stays unregistered
CREATE TABLE su (id int PRIMARY KEY, li int REFERENCES li ON DELETE CASCADE);
CREATE TABLE co (id int, cl int REFERENCES cl (code) ON DELETE CASCADE);
INSERT INTO cl VALUES (1, 1), (2, 2);
INSERT INTO bi VALUES (1, 1), (2, 2);
INSERT INTO li VALUES (1, 1), (2, 2);
INSERT INTO su VALUES (1, 1), (2, 2);
INSERT INTO co VALUES (1, 1), (2, 2);
SELECT count(*) > 0 AS registered FROM softdelete.register('cl', retention => '0');
SELECT count(*) > 0 AS registered FROM softdelete.register('bi', retention => '0');
SELECT count(*) > 0 AS registered FROM softdelete.register('su', retention => '0');
SELECT count(*) > 0 AS registered FROM softdelete.register('co', retention => '0');
SELECT softdelete.hold('cl', 'law', 1) AS hold \gset
SELECT count(*) FROM softdelete.unregister('bi'); -- fails
SELECT count(*) FROM softdelete.unregister('bi', 'keep'); -- fails
SELECT count(*) FROM softdelete.unregister('su', 'purge'); -- fails
DROP TABLE bi CASCADE; -- fails
DROP TABLE li CASCADE; -- fails: su has held rows through it
DROP TABLE su; -- fails
SET row_security = off;
DROP TRIGGER softdelete_marker ON bi; -- fails
DROP TRIGGER softdelete_truncate ON bi; -- fails
DROP TRIGGER softdelete_marker ON su; -- fails
ALTER TABLE su DISABLE TRIGGER softdelete_truncate; -- fails
ALTER TABLE co DISABLE TRIGGER USER; -- fails
CREATE OR REPLACE TRIGGER softdelete_marker BEFORE DELETE ON bi FOR EACH ROW
    EXECUTE FUNCTION suppress_redundant_updates_trigger(); -- fails
DROP TABLE su; -- fails
RESET row_security;

-- Guards that were disabled before the row was held.
CREATE TABLE gu (id int PRIMARY KEY);
INSERT INTO gu VALUES (1);
SELECT count(*) > 0 AS registered FROM softdelete.register('gu', retention => '0');
SET row_security = off;
ALTER TABLE gu DISABLE TRIGGER ALL;
RESET row_security;
SELECT softdelete.hold('gu', 'law', 1) > 0 AS held;
SET softdelete.deletion = hard;
DELETE FROM gu; -- fails
TRUNCATE gu; -- fails
RESET softdelete.deletion;
ALTER TABLE gu ENABLE TRIGGER ALL;
ALTER TABLE gu DISABLE TRIGGER ALL; -- fails

-- The keys that join them.
ALTER TABLE bi DROP CONSTRAINT bi_cl_fkey; -- fails
ALTER TABLE bi DROP CONSTRAINT bi_cl_fkey, ADD FOREIGN KEY (cl) REFERENCES cl ON DELETE SET NULL; -- fails
ALTER TABLE bi DROP COLUMN cl; -- fails
ALTER TABLE li DROP COLUMN bi; -- fails
ALTER TABLE su DROP CONSTRAINT su_li_fkey; -- fails
ALTER TABLE bi DROP CONSTRAINT bi_pkey CASCADE; -- fails
ALTER TABLE li DROP CONSTRAINT li_pkey CASCADE; -- fails
ALTER TABLE cl DROP COLUMN code CASCADE; -- fails
DROP INDEX cl_code CASCADE; -- fails
ALTER TABLE bi ALTER cl TYPE int USING 2; -- fails
SET row_security = off;
ALTER TABLE bi DROP CONSTRAINT bi_cl_fkey; -- fails
RESET row_security;
ALTER TABLE bi DROP CONSTRAINT bi_cl_fkey, ADD FOREIGN KEY (cl) REFERENCES cl ON DELETE CASCADE;
ALTER TABLE bi ALTER cl TYPE bigint;

-- Operators and functions that a key's column is made by.
CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2 * $1';
CREATE TABLE ge (v int, id int GENERATED ALWAYS AS (twice(v)) STORED PRIMARY KEY);
INSERT INTO ge VALUES (1);
SELECT count(*) > 0 AS registered FROM softdelete.register('ge', retention => '0');
DROP VIEW active_ge, all_ge, deleted_ge;
SELECT softdelete.hold('ge', 'law', 2) > 0 AS held;
DROP FUNCTION twice(int) CASCADE; -- fails
DROP ROUTINE twice(int) CASCADE; -- fails

-- Where the held row has nothing below it, the key may go.
CREATE TABLE un (id int PRIMARY KEY, cl int REFERENCES cl ON DELETE CASCADE);
INSERT INTO un VALUES (2, 2);
ALTER TABLE un DROP CONSTRAINT un_cl_fkey;
DROP TABLE un;

-- Rows below a held one of a table that nobody registered: hold() says that they can be deleted. No other command takes them.
CREATE TABLE un (id int PRIMARY KEY, cl int REFERENCES cl ON DELETE CASCADE);
CREATE TABLE un1 (PRIMARY KEY (id), FOREIGN KEY (cl) REFERENCES cl ON DELETE CASCADE) INHERITS (un);
CREATE TABLE pu (id int, cl int REFERENCES cl ON DELETE CASCADE) PARTITION BY LIST (id);
CREATE TABLE pu1 PARTITION OF pu FOR VALUES IN (1);
INSERT INTO un VALUES (1, 1);
INSERT INTO un1 VALUES (2, 1);
INSERT INTO pu VALUES (1, 1);
SET client_min_messages = warning;
SELECT softdelete.release(softdelete.hold('cl', 'law', 1)) AS released;
SET client_min_messages = error;
TRUNCATE un; -- fails
TRUNCATE ONLY un; -- fails
TRUNCATE un1, two; -- fails
TRUNCATE cl CASCADE; -- fails
TRUNCATE pu; -- fails
TRUNCATE pu1; -- fails
DROP TABLE un CASCADE; -- fails
DROP TABLE un1; -- fails
DROP TABLE pu; -- fails
DROP TABLE pu1; -- fails
ALTER TABLE un SET UNLOGGED; -- fails
ALTER TABLE pu1 SET UNLOGGED; -- fails
ALTER TABLE su SET UNLOGGED; -- fails
SET row_security = off;
TRUNCATE un1; -- fails
DROP TABLE un1; -- fails
ALTER TABLE un1 SET UNLOGGED; -- fails
RESET row_security;
SET softdelete.deletion = hard;
TRUNCATE un1; -- fails
TRUNCATE cl CASCADE; -- fails
RESET softdelete.deletion;
DELETE FROM un;
DELETE FROM pu;
TRUNCATE un, pu;
ALTER TABLE pu1 SET UNLOGGED;
DROP TABLE un, un1, pu;

-- Nor one that names a table above, whose privileges are enough.
CREATE TABLE na (id int);
CREATE TABLE na1 (cl int REFERENCES cl ON DELETE CASCADE) INHERITS (na);
INSERT INTO na1 VALUES (1, 1);
GRANT USAGE ON SCHEMA regress_held_ddl TO regress_held_ddl_2;
GRANT TRUNCATE ON na TO regress_held_ddl_2;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_held_ddl_2;
SET search_path = regress_held_ddl;
SET client_min_messages = error;
TRUNCATE na; -- fails
TRUNCATE na1; -- fails
TRUNCATE cl; -- fails
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_held_ddl;
SET search_path = regress_held_ddl;
SET client_min_messages = error;
DELETE FROM na1;
TRUNCATE na;
DROP TABLE na CASCADE;

-- A partition is asked for by itself: its rows that are held, that are below held rows by the table's keys, by one of its own,
-- by way of its own table, and where it is partitioned or somebody else's.
CREATE TABLE pa (id int, part int, cl int REFERENCES cl ON DELETE CASCADE, pa int, own int, PRIMARY KEY (id, part),
                 FOREIGN KEY (pa, own) REFERENCES pa (id, part) ON DELETE CASCADE) PARTITION BY LIST (part);
CREATE TABLE pa1 (own int, pa int, cl int, part int NOT NULL, id int NOT NULL, other int);
ALTER TABLE pa1 DROP COLUMN other;
ALTER TABLE pa ATTACH PARTITION pa1 FOR VALUES IN (1);
CREATE TABLE pa2 PARTITION OF pa FOR VALUES IN (2);
CREATE TABLE pa3 PARTITION OF pa FOR VALUES IN (3) PARTITION BY LIST (part);
CREATE TABLE pa31 PARTITION OF pa3 FOR VALUES IN (3);
CREATE TABLE pa4 PARTITION OF pa FOR VALUES IN (4);
CREATE TABLE pa5 PARTITION OF pa FOR VALUES IN (5);
CREATE TABLE pa6 PARTITION OF pa FOR VALUES IN (6);
ALTER TABLE pa4 ADD FOREIGN KEY (own) REFERENCES cl ON DELETE CASCADE;
SELECT count(*) > 0 AS registered FROM softdelete.register('pa', retention => '0');
INSERT INTO pa VALUES (1, 1, 1), (2, 2, NULL), (3, 3, 1), (6, 6, 2);
INSERT INTO pa VALUES (4, 4, NULL, NULL, 1), (5, 5, NULL, 1, 1);
SELECT softdelete.hold('pa', 'law', 2, 2) > 0 AS held;
RESET SESSION AUTHORIZATION;
ALTER TABLE regress_held_ddl.pa31 OWNER TO regress_held_ddl_2;
SET SESSION AUTHORIZATION regress_held_ddl;
SET search_path = regress_held_ddl;
SET client_min_messages = error;
DROP TABLE pa1 CASCADE; -- fails
DROP TABLE pa2 CASCADE; -- fails
DROP TABLE pa3 CASCADE; -- fails
DROP TABLE pa4 CASCADE; -- fails
DROP TABLE pa5 CASCADE; -- fails
ALTER TABLE pa DETACH PARTITION pa2; -- fails
ALTER TABLE pa DETACH PARTITION pa3; -- fails
ALTER TABLE pa DETACH PARTITION pa6;
DROP TABLE pa6;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_held_ddl_2;
SET search_path = regress_held_ddl;
SET client_min_messages = error;
DROP TABLE pa31 CASCADE; -- fails
RESET SESSION AUTHORIZATION;
ALTER TABLE regress_held_ddl.pa31 OWNER TO regress_held_ddl;
SET SESSION AUTHORIZATION regress_held_ddl;
SET search_path = regress_held_ddl;
SET client_min_messages = error;
SELECT count(softdelete.release(id)) AS released FROM softdelete.holds WHERE released_at IS NULL AND relation = 'pa'::regclass;
DELETE FROM pa;
CALL softdelete.purge('pa');
SELECT count(*) FROM all_pa;

-- Schemas, and all that a role owns.
ALTER TABLE su SET SCHEMA regress_held_ddl_2;
DROP SCHEMA regress_held_ddl_2 CASCADE; -- fails
DROP OWNED BY regress_held_ddl CASCADE; -- fails

-- All held rows are still there.
DELETE FROM cl;
DELETE FROM two;
DELETE FROM ee;
DELETE FROM pp;
DELETE FROM gu;
CALL softdelete.purge();
SELECT (SELECT count(*) FROM all_cl) AS cl, (SELECT count(*) FROM all_bi) AS bi, (SELECT count(*) FROM li) AS li,
       (SELECT count(*) FROM regress_held_ddl_2.all_su) AS su, (SELECT count(*) FROM all_two) AS two,
       (SELECT count(*) FROM all_ee) AS ee, (SELECT count(*) FROM all_pp) AS pp, (SELECT count(*) FROM all_gu) AS gu;

-- Released, everything goes.
SELECT count(softdelete.release(id)) AS released FROM softdelete.holds WHERE released_at IS NULL;
ALTER TABLE bi DROP CONSTRAINT bi_cl_fkey;
ALTER TABLE ee1 NO INHERIT ee;
ALTER TYPE color RENAME VALUE 'red' TO 'pink';
ALTER TABLE pp ATTACH PARTITION pp2 FOR VALUES FROM (10) TO (20);
SELECT count(*) > 0 AS done FROM softdelete.unregister('bi', 'keep');

RESET SESSION AUTHORIZATION;
\set VERBOSITY terse
DROP SCHEMA regress_held_ddl CASCADE;
DROP SCHEMA regress_held_ddl_2 CASCADE;
REVOKE ALL ON PARAMETER softdelete.deletion FROM regress_held_ddl;
DROP ROLE regress_held_ddl, regress_held_ddl_2;
