-- A rule for anonymization may give a row another key. What references the row in archives gets that key too, to any depth, be the row
-- live, marked or archived. Where a key was given again, an archived row follows the one that had it then. Rows of which nobody
-- knows whose they are keep the former key, and the entry of the log says so.
\set VERBOSITY terse
CREATE ROLE regress_key_rules;
CREATE SCHEMA regress_key_rules AUTHORIZATION regress_key_rules;
SET SESSION AUTHORIZATION regress_key_rules;
SET search_path = regress_key_rules;
SET client_min_messages = error;

CREATE TABLE people (mail text PRIMARY KEY);
CREATE TABLE boxes (mail text REFERENCES people ON DELETE CASCADE ON UPDATE CASCADE, box int, PRIMARY KEY (mail, box));
CREATE TABLE letters (id int PRIMARY KEY, mail text, box int, FOREIGN KEY (mail, box) REFERENCES boxes ON DELETE CASCADE ON UPDATE CASCADE,
    answers int REFERENCES letters ON DELETE CASCADE);
CREATE INDEX ON letters (mail, box);
CREATE INDEX ON letters (answers);
SELECT count(*) > 0 AS registered FROM softdelete.register('people', strategy => 'archive', cascade => true);
CREATE FUNCTION show_mails() RETURNS TABLE (what text, rows text) LANGUAGE sql AS $$
    SELECT 'people', string_agg(mail || CASE WHEN deleted_at IS NULL THEN '' ELSE ' (archived)' END, ', ' ORDER BY mail, deleted_at) FROM all_people
    UNION ALL SELECT 'boxes', string_agg(mail || ' ' || box || CASE WHEN deleted_at IS NULL THEN '' ELSE ' (archived)' END, ', ' ORDER BY mail, box, deleted_at) FROM all_boxes
    UNION ALL SELECT 'letters', string_agg(id || ' ' || mail || CASE WHEN deleted_at IS NULL THEN '' ELSE ' (archived)' END, ', ' ORDER BY id) FROM all_letters $$;
SELECT softdelete.set_anonymizer('people', 'mail', $$'nobody'$$);
INSERT INTO people VALUES ('ann'), ('ben');
INSERT INTO boxes VALUES ('ann', 1), ('ann', 2), ('ben', 1);
INSERT INTO letters VALUES (1, 'ann', 1, NULL), (2, 'ann', 1, 1), (3, 'ann', 2, NULL), (4, 'ben', 1, NULL), (5, 'ann', 1, NULL);
DELETE FROM letters WHERE id = 1;
DELETE FROM boxes WHERE box = 2;
SELECT softdelete.anonymize('people', 'request', 'ann') -> 'not_reached' @? '$[*] ? (@ like_regex "former")' AS says_former;
SELECT * FROM show_mails();
DELETE FROM people WHERE mail = 'nobody';
SELECT softdelete.restore('people', 'nobody');
SELECT softdelete.restore('letters', 1);
SELECT * FROM show_mails();
-- the key is given again: each is followed by its own
SELECT softdelete.set_anonymizer('people', 'mail', $$'ghost'$$);
DELETE FROM people WHERE mail = 'ben';
INSERT INTO people VALUES ('ben');
INSERT INTO boxes VALUES ('ben', 1), ('ben', 2);
INSERT INTO letters VALUES (6, 'ben', 1), (7, 'ben', 2);
DELETE FROM letters WHERE id = 6;
SELECT softdelete.hold('letters', 'case', 6) AS hold \gset
SELECT softdelete.anonymize('people', 'request', 'ben') -> 'not_reached' @? '$[*] ? (@ like_regex "former")' AS says_former;
SELECT softdelete.release(:hold);
SELECT softdelete.anonymize('people', 'request', 'ben') -> 'not_reached' @? '$[*] ? (@ like_regex "former")' AS says_former;
SELECT * FROM show_mails();

-- The same when the retention ends, of archived rows and of marked ones.
CREATE TABLE clubs (name text PRIMARY KEY);
CREATE TABLE members (id int PRIMARY KEY, club text REFERENCES clubs ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE teams (name text PRIMARY KEY);
CREATE TABLE persons (id int PRIMARY KEY);
CREATE TABLE players (team text REFERENCES teams ON DELETE CASCADE ON UPDATE CASCADE, person int REFERENCES persons, PRIMARY KEY (team, person));
CREATE INDEX ON members (club);
SELECT count(*) > 0 AS registered FROM softdelete.register('clubs', strategy => 'archive', retention => '1 microsecond', on_expiry => 'anonymize');
SELECT count(*) > 0 AS registered FROM softdelete.register('members', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('players', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('teams', strategy => 'flag', retention => '0', on_expiry => 'anonymize');
SELECT softdelete.set_anonymizer('clubs', 'name', $$'club ' || pg_catalog.length(name)$$);
SELECT softdelete.set_anonymizer('teams', 'name', $$'team ' || pg_catalog.length(name)$$);
INSERT INTO clubs VALUES ('a'), ('bb'), ('ccc');
INSERT INTO members VALUES (1, 'a'), (2, 'bb'), (3, 'bb'), (4, 'ccc');
DELETE FROM members WHERE id = 3;
DELETE FROM clubs WHERE name < 'c';
INSERT INTO clubs VALUES ('bb');
CALL softdelete.purge('clubs');
SELECT name, deleted_at IS NOT NULL AS archived FROM all_clubs ORDER BY 1;
SELECT id, club, deleted_at IS NOT NULL AS archived FROM all_members ORDER BY 1;
SELECT softdelete.restore('clubs', 'club 1');
SELECT softdelete.restore('members', 1);
INSERT INTO teams VALUES ('reds'), ('blues');
INSERT INTO persons SELECT g FROM generate_series(901, 902) g;
INSERT INTO players VALUES ('reds', 901), ('reds', 902), ('blues', 901);
DELETE FROM players WHERE person = 902;
DELETE FROM teams WHERE name = 'reds';
CALL softdelete.purge('teams');
SELECT name FROM all_teams ORDER BY 1;
SELECT team, person, deleted_at IS NOT NULL AS archived FROM all_players ORDER BY 1, 2;

-- Rows of one table that reference each other, all at once; a key that becomes NULL; a row that went with another one.
CREATE TABLE nodes (name text PRIMARY KEY, code text UNIQUE, up text REFERENCES nodes ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE marks (id int PRIMARY KEY, code text REFERENCES nodes (code) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE INDEX ON nodes (up);
CREATE INDEX ON marks (code);
SELECT count(*) > 0 AS registered FROM softdelete.register('nodes', strategy => 'archive', cascade => true, retention => '1 microsecond', on_expiry => 'anonymize');
SELECT softdelete.set_anonymizer('nodes', 'name', $$'node ' || pg_catalog.length(name)$$);
SELECT softdelete.set_anonymizer('nodes', 'code', 'NULL');
INSERT INTO nodes VALUES ('a', 'A', NULL), ('bb', 'B', 'a'), ('ccc', 'C', 'bb');
INSERT INTO marks VALUES (1, 'A'), (2, 'B'), (3, 'C'), (4, 'C');
DELETE FROM marks WHERE id = 4;
INSERT INTO nodes VALUES ('other', 'X', NULL);
INSERT INTO marks VALUES (5, 'X');
DELETE FROM marks WHERE id = 5;
DELETE FROM nodes WHERE name = 'a';
SELECT softdelete.configure('marks', keep_forever => true) IS NOT NULL AS configured;
CALL softdelete.purge('nodes');
SELECT name, code, up FROM all_nodes ORDER BY name;
SELECT id, code FROM deleted_marks ORDER BY id;
SELECT softdelete.restore('nodes', 'node 1');
SELECT softdelete.restore('nodes', 'node 2');
SELECT softdelete.restore('nodes', 'node 3');
SELECT name, code, up FROM nodes ORDER BY name;
INSERT INTO nodes VALUES ('again', 'A', NULL);
INSERT INTO marks VALUES (6, 'A');
DELETE FROM nodes WHERE name = 'again';
INSERT INTO nodes VALUES ('another', 'A', NULL);
SELECT softdelete.configure('nodes', on_expiry => 'purge', keep_forever => true) IS NOT NULL AS configured;
SELECT softdelete.set_anonymizer('nodes', 'name', NULL);
SELECT softdelete.set_anonymizer('nodes', 'code', $$'Z'$$);
SELECT softdelete.anonymize('nodes', 'request', 'another') ->> 'not_reached' LIKE '%former key%' AS says_former;
SELECT name, code FROM all_nodes WHERE name LIKE 'a%' ORDER BY name;
SELECT id, code FROM deleted_marks WHERE id = 6;

-- Keys of types that have a length are carried whole.
CREATE TABLE codes (code char(5), bits bit(3), PRIMARY KEY (code, bits));
CREATE TABLE coded (id int PRIMARY KEY, code char(5), bits bit(3),
    FOREIGN KEY (code, bits) REFERENCES codes ON DELETE CASCADE ON UPDATE CASCADE);
CREATE INDEX ON coded (code, bits);
SELECT count(*) > 0 AS registered FROM softdelete.register('codes', strategy => 'archive', cascade => true);
SELECT softdelete.set_anonymizer('codes', 'code', $$'zzzzz'$$);
SELECT softdelete.set_anonymizer('codes', 'bits', $$B'110'$$);
INSERT INTO codes VALUES ('abcde', B'101');
INSERT INTO coded VALUES (1, 'abcde', B'101');
DELETE FROM coded;
SELECT softdelete.anonymize('codes', 'request', 'abcde', '101') IS NOT NULL AS anonymized;
SELECT * FROM codes;
SELECT id, code, bits FROM deleted_coded;
SELECT softdelete.restore('coded', 1);

-- The entry says so also of rows that the rules of their own table overwrite, and only of those that keep the key in the end.
CREATE TABLE shelves (id int PRIMARY KEY, code text UNIQUE);
CREATE TABLE books (id int PRIMARY KEY, code text REFERENCES shelves (code) ON DELETE CASCADE ON UPDATE CASCADE, note text);
CREATE INDEX ON books (code);
SELECT count(*) > 0 AS registered FROM softdelete.register('shelves', strategy => 'archive', cascade => true);
SELECT softdelete.set_anonymizer('shelves', 'code', $$'Z'$$), softdelete.set_anonymizer('books', 'note', $$'gone'$$);
INSERT INTO shelves VALUES (1, 'A');
INSERT INTO books VALUES (1, 'A', 'n');
DELETE FROM shelves;
INSERT INTO shelves VALUES (2, 'A');
INSERT INTO books VALUES (2, 'A', 'n');
DELETE FROM books;
SELECT softdelete.anonymize('shelves', 'request', 2) ->> 'not_reached' LIKE '%former key%' AS says_former;
SELECT id, code, note FROM all_books ORDER BY id;
SELECT softdelete.anonymize('shelves', 'request', 1) ->> 'not_reached' LIKE '%former key%' AS says_former;
SELECT id, code, note FROM all_books ORDER BY id;

-- Tables whose keys go round in a circle.
CREATE TABLE roots (code text PRIMARY KEY);
CREATE TABLE lefts (code text PRIMARY KEY REFERENCES roots ON UPDATE CASCADE);
CREATE TABLE rights (code text PRIMARY KEY REFERENCES lefts ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE lefts ADD FOREIGN KEY (code) REFERENCES rights ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
SELECT count(*) > 0 AS registered FROM softdelete.register('roots');
SELECT softdelete.set_anonymizer('roots', 'code', $$'gone'$$);
BEGIN;
INSERT INTO roots VALUES ('ann');
INSERT INTO lefts VALUES ('ann');
INSERT INTO rights VALUES ('ann');
COMMIT;
SELECT softdelete.anonymize('roots', 'request', 'ann') -> 'rows' AS rows;
SELECT r.code, l.code, t.code FROM roots r, lefts l, rights t;

-- Tables of two owners: the archive is written as its own.
RESET SESSION AUTHORIZATION;
CREATE ROLE regress_key_rules_other;
GRANT USAGE, CREATE ON SCHEMA regress_key_rules TO regress_key_rules_other;
SET SESSION AUTHORIZATION regress_key_rules;
CREATE TABLE upper (name text PRIMARY KEY);
GRANT REFERENCES ON upper TO regress_key_rules_other;
SELECT count(*) > 0 AS registered FROM softdelete.register('upper', strategy => 'archive');
SELECT softdelete.set_anonymizer('upper', 'name', $$'none'$$);
SET SESSION AUTHORIZATION regress_key_rules_other;
CREATE TABLE lower (id int PRIMARY KEY, name text REFERENCES upper ON DELETE CASCADE ON UPDATE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('lower', strategy => 'archive');
SET SESSION AUTHORIZATION regress_key_rules;
INSERT INTO upper VALUES ('ann');
SET SESSION AUTHORIZATION regress_key_rules_other;
INSERT INTO lower VALUES (1, 'ann'), (2, 'ann');
DELETE FROM lower WHERE id = 1;
SET SESSION AUTHORIZATION regress_key_rules;
SELECT softdelete.anonymize('upper', 'request', 'ann') ->> 'not_reached' LIKE '%former key%' AS says_former;
SET SESSION AUTHORIZATION regress_key_rules_other;
SELECT id, name FROM all_lower ORDER BY id;

RESET SESSION AUTHORIZATION;
RESET search_path;
DROP SCHEMA regress_key_rules CASCADE;
DROP ROLE regress_key_rules, regress_key_rules_other;
