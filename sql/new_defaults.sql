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
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_added CASCADE;
DROP OWNED BY regress_added;
DROP ROLE regress_added;
