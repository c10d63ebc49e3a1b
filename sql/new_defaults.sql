-- A new column has in archived rows what it has in the live ones of that time, whatever default the same command sets for rows to come.
\set QUIET on
CREATE ROLE regress_added;
CREATE SCHEMA regress_added AUTHORIZATION regress_added;
SET SESSION AUTHORIZATION regress_added;
SET search_path = regress_added;
SET client_min_messages = error;
CREATE TABLE s (id int PRIMARY KEY);
CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (0) TO (100);
SELECT softdelete.register('s', strategy => 'archive') IS NULL AS x, softdelete.register('p', strategy => 'archive') IS NULL AS y LIMIT 1 \gset
INSERT INTO s VALUES (1), (2);
INSERT INTO p VALUES (1), (2);
DELETE FROM s WHERE id = 1;
DELETE FROM p WHERE id = 1;
\set QUIET off
ALTER TABLE s ADD COLUMN a text NOT NULL DEFAULT 'it''s', ALTER COLUMN a SET DEFAULT 'web', ADD COLUMN b int[] DEFAULT '{1,2}', ALTER COLUMN b SET DEFAULT '{9}',
    ADD COLUMN c text DEFAULT '', ADD COLUMN d date DEFAULT '2024-02-03', ADD COLUMN e text;
ALTER TABLE p ADD COLUMN a text NOT NULL DEFAULT 'legacy', ALTER COLUMN a SET DEFAULT 'web';
SELECT softdelete.restore('s', 1), softdelete.restore('p', 1);
SELECT * FROM s ORDER BY id;
SELECT * FROM p ORDER BY id;
-- The value is the same to the last digit, whatever the session's formats are, also those that it does not read as it writes them.
CREATE TABLE f (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('f', strategy => 'archive');
INSERT INTO f VALUES (1), (2);
DELETE FROM f WHERE id = 1;
SET extra_float_digits = 0;
SET datestyle = 'SQL, DMY';
SET timezone = 'Asia/Kolkata';
SET intervalstyle = 'sql_standard';
SET bytea_output = 'escape';
ALTER TABLE f ADD COLUMN f8 float8 DEFAULT 0.30000000000000004, ADD COLUMN f4 float4 DEFAULT 16777215, ADD COLUMN at timestamptz DEFAULT '2020-02-03 04:05:06.789+00',
    ADD COLUMN day date DEFAULT '2020-02-03', ADD COLUMN i interval DEFAULT '-1 day 02:03:04', ADD COLUMN m money DEFAULT 1234.5::numeric::money,
    ADD COLUMN b bytea DEFAULT '\x00ff5c27', ADD COLUMN p point DEFAULT point(0.1, 0.30000000000000004), ADD COLUMN a float8[] DEFAULT '{0.30000000000000004}';
-- An expression is computed anew, by the session's formats.
ALTER TABLE f ADD COLUMN written text DEFAULT make_date(2020, 2, 3 + 0 * floor(random())::int)::text;
RESET ALL;
SET search_path = regress_added;
SET client_min_messages = error;
SELECT softdelete.restore('f', 1);
SELECT count(*), count(DISTINCT to_jsonb(f) - 'id') AS different FROM f;
SELECT written FROM f ORDER BY id;
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_added CASCADE;
DROP OWNED BY regress_added;
DROP ROLE regress_added;
