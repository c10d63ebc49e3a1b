-- Hardened databases take from PUBLIC what it does not need. What the library puts into a statement, and what its triggers,
-- hooks and event triggers ask, needs no privilege of the role that runs it: each statement does what it did.
SELECT current_database() AS regress_database \gset
CREATE DATABASE regress_hard;
ALTER DATABASE regress_hard SET session_preload_libraries = softdelete;
\c regress_hard
CREATE EXTENSION softdelete;
CREATE ROLE regress_hard_owner;
CREATE ROLE regress_hard_user;
CREATE SCHEMA regress_hard AUTHORIZATION regress_hard_owner;
GRANT USAGE, CREATE ON SCHEMA regress_hard TO regress_hard_user;
SET search_path = regress_hard;
\set QUIET on
SET ROLE regress_hard_owner;
CREATE TABLE parents (id int PRIMARY KEY, name text UNIQUE);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
CREATE TABLE notes (id int PRIMARY KEY, parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE pieces (id int PRIMARY KEY, part int REFERENCES parts);
CREATE TABLE locked (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('parents', cascade => true, retention => '1 day');
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
SELECT count(*) > 0 AS registered FROM softdelete.register('locked', visibility => 'rls');
GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES ON ALL TABLES IN SCHEMA regress_hard TO regress_hard_user;
RESET ROLE;
\set QUIET off
REVOKE USAGE ON SCHEMA softdelete FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA softdelete FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA softdelete FROM PUBLIC;

-- A fresh session of a user of the tables.
\c -
SET search_path = regress_hard;
SET ROLE regress_hard_user;
INSERT INTO parents VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e');
INSERT INTO children SELECT id, id FROM parents;
INSERT INTO locked VALUES (1), (2);
INSERT INTO parts VALUES (1), (2);
DELETE FROM parents WHERE id = 1 RETURNING id;
DELETE FROM locked WHERE id = 1;
DELETE FROM parts WHERE id = 1;
SELECT id FROM parents ORDER BY id;
SELECT id FROM children ORDER BY id;
SELECT id FROM locked;
SELECT id FROM parts;
SELECT id FROM parents WHERE deleted_at IS NOT NULL;
SELECT id FROM all_parents ORDER BY id;
SELECT id FROM deleted_parents;
UPDATE parents SET name = 'bb' WHERE id = 2;
UPDATE parents SET deleted_at = now() WHERE id = 3;
UPDATE parents SET deleted_at = NULL WHERE id = 3;
INSERT INTO parents VALUES (6, 'bb') ON CONFLICT (name) DO UPDATE SET name = 'b' RETURNING id, name;
INSERT INTO parents VALUES (6, 'd') ON CONFLICT DO NOTHING;
INSERT INTO parents (id, name, deleted_at) VALUES (7, 'g', '2020-01-01');
INSERT INTO children VALUES (9, 1); -- fails
INSERT INTO notes VALUES (1, 1); -- fails
INSERT INTO notes VALUES (1, 2);
INSERT INTO pieces VALUES (1, 1); -- fails
INSERT INTO pieces VALUES (1, 2);
UPDATE children SET deleted_at = NULL WHERE id = 1; -- fails
MERGE INTO parents p USING (VALUES (4)) v (id) ON v.id = p.id WHEN MATCHED THEN DELETE;
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
DELETE FROM parents WHERE id = 2; -- fails
ROLLBACK;
COPY parents (id, name) TO STDOUT;
COPY parents (id, name, deleted_at) FROM STDIN;
10	j	\N
11	k	2020-01-01
\.
SELECT id FROM parents ORDER BY id;
TRUNCATE parents; -- fails

-- The owner's migrations.
\c -
SET search_path = regress_hard;
SET ROLE regress_hard_owner;
ALTER TABLE parents ADD COLUMN n int;
SELECT id, n FROM all_parents WHERE id = 1;
ALTER TABLE parents DROP COLUMN n;
ALTER TABLE parents ADD COLUMN deleted_at timestamptz;
CREATE TABLE later (id int PRIMARY KEY, parent int REFERENCES parents);
INSERT INTO later VALUES (1, 1); -- fails
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
INSERT INTO parts VALUES (101);
DELETE FROM parts WHERE id = 101;
SELECT id FROM parts;
\set VERBOSITY terse
DELETE FROM children WHERE deleted_at IS NOT NULL; -- fails
DROP TRIGGER softdelete_marker ON parents; -- fails
DROP TABLE later, pieces, notes, children;
DROP TABLE parents, parts, locked;

\c :regress_database
DROP DATABASE regress_hard;
DROP ROLE regress_hard_owner, regress_hard_user;
