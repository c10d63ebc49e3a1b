-- A restore may leave a table with its triggers and without its registration, which says what protects its rows. Until
-- register() takes the table on, nothing removes rows of it but softdelete.deletion = hard.
CREATE ROLE regress_lost;
CREATE SCHEMA regress_lost AUTHORIZATION regress_lost;
SET search_path = regress_lost;
\set QUIET on
SET ROLE regress_lost;
CREATE TABLE people (id int PRIMARY KEY);
CREATE TABLE notes (id int PRIMARY KEY, person int REFERENCES people ON DELETE CASCADE);
CREATE INDEX ON notes (person);
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (id);
CREATE TABLE parts_1_1 PARTITION OF parts_1 DEFAULT;
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE heirs (PRIMARY KEY (id)) INHERITS (parents);
SELECT count(*) > 0 AS registered
    FROM unnest('{notes,parts,parents}'::regclass[]) t, softdelete.register(t, retention => '10 years');
INSERT INTO people VALUES (1), (2), (3);
INSERT INTO notes VALUES (1, 1), (2, 2), (3, 3);
INSERT INTO parts VALUES (1), (2);
INSERT INTO parents VALUES (1), (2);
INSERT INTO heirs VALUES (3), (4);
SELECT count(softdelete.hold('notes', 'a case', 1)) AS held;
DELETE FROM notes;
DELETE FROM parts WHERE id = 1;
DELETE FROM parents WHERE id IN (1, 3);
RESET ROLE;
\set QUIET off

-- As a dump leaves it that lacks another registered table.
DELETE FROM softdelete_internal.registration WHERE relation IN ('notes'::regclass, 'parts'::regclass, 'parents'::regclass);
SET ROLE regress_lost;

-- Deletes stay soft; no row goes.
DELETE FROM parts WHERE id = 2;
SELECT id FROM parts;
DELETE FROM parts WHERE deleted_at IS NOT NULL; -- fails
DELETE FROM heirs WHERE deleted_at IS NOT NULL; -- fails
DELETE FROM notes WHERE deleted_at IS NOT NULL; -- fails
DELETE FROM people WHERE id = 2; -- fails
\set VERBOSITY terse
DELETE FROM parts_1 WHERE deleted_at IS NOT NULL; -- fails
DELETE FROM parts_1_1 WHERE deleted_at IS NOT NULL; -- fails
DELETE FROM parents WHERE deleted_at IS NOT NULL; -- fails
TRUNCATE notes; -- fails

-- Our own commands say what is missing.
CALL softdelete.purge('notes'); -- fails
SELECT softdelete.erase('notes', 'a request', 2); -- fails
SELECT count(*) FROM softdelete.unregister('notes', 'purge'); -- fails
SELECT count(*) FROM softdelete.repair('notes'); -- fails
SELECT count(*) FROM softdelete.configure('notes', retention => '1 day'); -- fails
\set VERBOSITY default
RESET ROLE;
BEGIN;
SET LOCAL softdelete.deletion = 'hard';
DELETE FROM heirs WHERE deleted_at IS NOT NULL;
ROLLBACK;

-- Registered again, the tables keep what they did.
SET ROLE regress_lost;
SELECT count(*) > 0 AS registered FROM softdelete.register('notes', retention => '10 years');
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
SELECT count(*) > 0 AS registered FROM softdelete.register('parents');
\set VERBOSITY terse
DELETE FROM people WHERE id = 1; -- fails
DELETE FROM notes WHERE deleted_at IS NOT NULL; -- fails
\set VERBOSITY default
DELETE FROM parts WHERE deleted_at IS NOT NULL;
DELETE FROM parents WHERE deleted_at IS NOT NULL;
RESET ROLE;
SET client_min_messages = warning;
SELECT count(softdelete.release(id)) AS released FROM softdelete.holds WHERE relation = 'notes'::regclass AND released_at IS NULL;
DROP SCHEMA regress_lost CASCADE;
DROP ROLE regress_lost;
