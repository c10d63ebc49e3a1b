-- anonymize() leaves rows below that a hold protects as they are, also who deleted them, and says so.
CREATE ROLE regress_held_below;
CREATE SCHEMA regress_held_below AUTHORIZATION regress_held_below;
SELECT setval('softdelete_internal.hold_id_seq', 7000);
SET SESSION AUTHORIZATION regress_held_below;
SET search_path = regress_held_below;
SET client_min_messages = warning;
\set QUIET off
CREATE TABLE people (id int PRIMARY KEY, name text);
CREATE TABLE bills (id int PRIMARY KEY, person int REFERENCES people ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE papers (id int PRIMARY KEY, person int REFERENCES people ON DELETE CASCADE ON UPDATE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('people');
SELECT count(*) > 0 AS registered FROM softdelete.register('bills');
SELECT count(*) > 0 AS registered FROM softdelete.register('papers', strategy => 'archive');
SELECT softdelete.track_history('people');
SELECT softdelete.set_anonymizer('people', 'name', $$'anon'$$);
INSERT INTO people VALUES (1, 'Ada');
INSERT INTO bills VALUES (1, 1);
INSERT INTO papers VALUES (1, 1), (2, 1);
SET softdelete.actor = 'Ada';
DELETE FROM bills;
DELETE FROM papers;
RESET softdelete.actor;
SELECT softdelete.hold('bills', 'case', 1) AS hold \gset
SELECT softdelete.anonymize('people', 'asked', 1) IS NULL AS done; -- fails: the hold keeps what is above the row as well
SELECT softdelete.release(:hold);

-- An archived row that referenced a former key, to which the history leads, keeps nobody else.
UPDATE people SET id = 11;
SELECT softdelete.hold('papers', 'case', 2) AS hold \gset
SELECT n AS not_reached FROM jsonb_array_elements_text(softdelete.anonymize('people', 'asked', 11) -> 'not_reached') n WHERE n ~ 'hold' ORDER BY n;
SELECT id, name FROM people;
SELECT id, deleted_by FROM papers_archive ORDER BY id;
SELECT softdelete.release(:hold);
SELECT count(*) FROM jsonb_array_elements_text(softdelete.anonymize('people', 'asked', 11) -> 'not_reached') n WHERE n ~ 'hold';
SELECT id, deleted_by FROM papers_archive ORDER BY id;

-- A column that is generated from tableoid keeps, in an archive, what the table's own row had.
CREATE TABLE kinds (id int PRIMARY KEY, name text, kind text GENERATED ALWAYS AS (name || CASE tableoid::bigint % 1 WHEN 0 THEN '!' END) STORED,
    place oid GENERATED ALWAYS AS (tableoid) STORED);
SELECT count(*) > 0 AS registered FROM softdelete.register('kinds', strategy => 'archive');
SELECT softdelete.set_anonymizer('kinds', 'name', $$'anon'$$);
INSERT INTO kinds VALUES (1, 'Ada'), (2, 'Bob');
DELETE FROM kinds;
SELECT softdelete.anonymize('kinds', 'asked', 1) -> 'rows' AS rows;
SELECT id, name, kind, place = 'kinds'::regclass AS is_place FROM kinds_archive ORDER BY id;

RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_held_below CASCADE;
DROP ROLE regress_held_below;
