-- A row on hold keeps its references: what it references by ON DELETE SET NULL or SET DEFAULT is not removed.
CREATE ROLE regress_held_links;
CREATE SCHEMA regress_held_links AUTHORIZATION regress_held_links;
GRANT SET ON PARAMETER softdelete.deletion TO regress_held_links;
SELECT setval('softdelete_internal.hold_id_seq', 600);
SET SESSION AUTHORIZATION regress_held_links;
SET search_path = regress_held_links;
SET client_min_messages = error;
\set QUIET off
\set VERBOSITY default

-- teams are referenced by held members, by children of held members, and by themselves; firms take teams along.
CREATE TABLE firms (id int PRIMARY KEY);
CREATE TABLE teams (id int PRIMARY KEY, firm int REFERENCES firms ON DELETE CASCADE,
    parent int REFERENCES teams ON DELETE SET NULL);
CREATE TABLE kinds (id int PRIMARY KEY, label text DEFAULT 'x');
CREATE TABLE members (id int PRIMARY KEY, team int REFERENCES teams ON DELETE SET NULL,
    kind int DEFAULT 0 REFERENCES kinds ON DELETE SET DEFAULT);
CREATE TABLE letters (id int PRIMARY KEY, member int REFERENCES members ON DELETE CASCADE,
    team int REFERENCES teams ON DELETE SET NULL);
INSERT INTO firms SELECT generate_series(1, 6);
INSERT INTO teams SELECT g, g FROM generate_series(1, 6) g;
UPDATE teams SET parent = 4 WHERE id = 5;
INSERT INTO kinds SELECT generate_series(0, 3);
INSERT INTO members VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO letters VALUES (1, 1, 3), (2, 2, 2);
SELECT count(*) > 0 AS registered FROM softdelete.register('firms', retention => '0');
SELECT count(*) > 0 AS registered FROM softdelete.register('teams', retention => '0');
SELECT count(*) > 0 AS registered FROM softdelete.register('kinds', retention => '0');
SELECT count(*) > 0 AS registered FROM softdelete.register('members', retention => '0');
SELECT count(*) > 0 AS registered FROM softdelete.register('letters', retention => '0');
SELECT softdelete.hold('members', 'law', 1) AS member \gset
SELECT softdelete.hold('teams', 'law', 5) AS team \gset

-- Soft deletes and restores go on: they leave references alone.
DELETE FROM firms;
SELECT softdelete.restore('firms', 1);
DELETE FROM firms;
DELETE FROM kinds WHERE id > 0;
SELECT id, team, kind FROM members ORDER BY id;

-- By hand, by erase, physically, and where the table would lose its guard.
DELETE FROM teams WHERE deleted_at IS NOT NULL AND id = 1; -- fails
DELETE FROM teams WHERE deleted_at IS NOT NULL AND id = 3; -- fails: a letter of a held member
DELETE FROM teams WHERE deleted_at IS NOT NULL AND id = 4; -- fails: a held team
DELETE FROM kinds WHERE deleted_at IS NOT NULL AND id = 1; -- fails
DELETE FROM firms WHERE deleted_at IS NOT NULL AND id = 1; -- fails: takes team 1 along
SELECT softdelete.erase('teams', 'asked for', 1); -- fails
SELECT softdelete.erase('firms', 'asked for', 3); -- fails
SET softdelete.deletion = hard;
DELETE FROM all_teams WHERE id = 1; -- fails
DELETE FROM all_kinds WHERE id = 1; -- fails
RESET softdelete.deletion;
SELECT count(*) FROM softdelete.unregister('kinds', 'purge'); -- fails
SELECT count(*) FROM softdelete.unregister('teams', 'keep'); -- fails
SET row_security = off;
DROP TRIGGER softdelete_marker ON kinds; -- fails
RESET row_security;

-- Runs of purge count and keep them, and take the others.
SELECT relation, due, held FROM softdelete.purge_preview() ORDER BY relation::text;
SET client_min_messages = notice;
CALL softdelete.purge();
SET client_min_messages = error;
SELECT array_agg(id ORDER BY id) AS firms FROM all_firms;
SELECT array_agg(id ORDER BY id) AS teams FROM all_teams;
SELECT array_agg(id ORDER BY id) AS kinds FROM all_kinds;
SELECT id, team, kind FROM members ORDER BY id;
SELECT id, team FROM letters ORDER BY id;
SELECT id, parent FROM all_teams WHERE id = 5;

-- To overwrite such a row leaves references alone.
SELECT softdelete.set_anonymizer('kinds', 'label', 'NULL');
SELECT softdelete.anonymize('kinds', 'asked for', 1) IS NOT NULL AS done;

-- Released, all goes that nothing else keeps.
SELECT softdelete.release(:member), softdelete.release(:team);
CALL softdelete.purge();
SELECT id, team, kind FROM members ORDER BY id;
SELECT (SELECT count(*) FROM all_firms) AS firms, (SELECT count(*) FROM all_teams) AS teams,
       (SELECT count(*) FROM all_kinds) AS kinds;

-- Archived rows on hold keep their references alike, marked ones and archived ones. What they reference goes when the hold has ended.
CREATE TABLE marks (id int PRIMARY KEY);
CREATE TABLE boxes (id int PRIMARY KEY);
CREATE TABLE things (id int PRIMARY KEY, mark int REFERENCES marks ON DELETE SET NULL, box int REFERENCES boxes ON DELETE SET NULL);
SELECT count(*) > 0 AS registered FROM softdelete.register('marks', retention => '0');
SELECT count(*) > 0 AS registered FROM softdelete.register('boxes', retention => '0', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('things', strategy => 'archive');
INSERT INTO marks VALUES (1), (2);
INSERT INTO boxes VALUES (1), (2);
INSERT INTO things VALUES (1, 1, 1), (2, 2, 2);
DELETE FROM things;
DELETE FROM boxes;
DELETE FROM marks;
SELECT softdelete.hold('things', 'law', 1) AS thing \gset
SELECT softdelete.erase('marks', 'asked for', 1); -- fails
SELECT softdelete.erase('boxes', 'asked for', 1); -- fails
SELECT relation, due, held FROM softdelete.purge_preview() WHERE relation IN ('marks'::regclass, 'boxes') ORDER BY relation::text;
CALL softdelete.purge();
SELECT (SELECT array_agg(id) FROM all_marks) AS marks, (SELECT array_agg(id) FROM all_boxes) AS boxes;
SELECT softdelete.release(:thing);
CALL softdelete.purge();
SELECT (SELECT array_agg(id) FROM all_marks) AS marks, (SELECT array_agg(id) FROM all_boxes) AS boxes;

RESET SESSION AUTHORIZATION;
\set VERBOSITY terse
DROP SCHEMA regress_held_links CASCADE;
REVOKE ALL ON PARAMETER softdelete.deletion FROM regress_held_links;
DROP ROLE regress_held_links;
