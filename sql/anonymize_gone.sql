-- Anonymization overwrites what histories tell of rows that are gone and referenced the subject to their end, whatever its own history
-- knows of it; and leaves what they tell of rows that referenced another one under the same value, or had the same key, before.
\set VERBOSITY terse
CREATE ROLE regress_gone;
CREATE SCHEMA regress_gone AUTHORIZATION regress_gone;
SET SESSION AUTHORIZATION regress_gone;
SET search_path = regress_gone;
SET client_min_messages = error;

-- One pair of tables for each way; the children are removed for good, so that there is their history alone.
CREATE TABLE ways (name text PRIMARY KEY, strategy text, has_history boolean);
INSERT INTO ways VALUES ('inserted', 'flag', true), ('updated', 'flag', true), ('tracked_later', 'flag', true), ('untracked', 'flag', false),
    ('new_key', 'flag', true), ('new_code', 'flag', true), ('marked', 'flag', true), ('archived', 'archive', true), ('archived_untracked', 'archive', false);
CREATE FUNCTION run_for(of text, statement text) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE w record; BEGIN
    FOR w IN SELECT name, strategy FROM ways WHERE name ~ ('^(' || of || ')$') ORDER BY name LOOP
        EXECUTE replace(replace(statement, '<name>', w.name), '<strategy>', w.strategy);
    END LOOP; END $$;
SELECT run_for('.*', 'CREATE TABLE users_<name> (id int PRIMARY KEY, code int UNIQUE, name text)');
SELECT run_for('.*', 'CREATE TABLE posts_<name> (id int PRIMARY KEY, writer int REFERENCES users_<name> ON UPDATE CASCADE ON DELETE CASCADE,
    code int REFERENCES users_<name> (code) ON UPDATE CASCADE, body text)');
SELECT run_for('.*', 'CREATE INDEX ON posts_<name> (writer)'), run_for('.*', 'CREATE INDEX ON posts_<name> (code)');
SELECT run_for('.*', 'SELECT count(*) FROM softdelete.register(''users_<name>'', strategy => ''<strategy>'')');
SELECT run_for('.*', 'SELECT count(*) FROM softdelete.register(''posts_<name>'', strategy => ''<strategy>'', retention => ''1 microsecond'')');
SELECT run_for('.*', 'SELECT softdelete.set_anonymizer(''users_<name>'', ''name'', ''''''gone'''''')');
SELECT run_for('.*', 'SELECT softdelete.set_anonymizer(''posts_<name>'', ''body'', ''''''gone'''''')');
SELECT run_for('.*', 'SELECT count(*) FROM softdelete.track_history(''posts_<name>'')');
SELECT run_for((SELECT string_agg(name, '|') FROM ways WHERE has_history AND name <> 'tracked_later'), 'SELECT count(*) FROM softdelete.track_history(''users_<name>'')');

-- User 1 is the subject and user 2 another one; posts are inserted after what the history of users knows last, and removed.
SELECT run_for('.*', 'INSERT INTO users_<name> VALUES (1, 101, ''Ann''), (2, 102, ''Ben'')');
SELECT run_for('tracked_later', 'SELECT count(*) FROM softdelete.track_history(''users_<name>'')');
SELECT run_for('updated|marked|archived', 'UPDATE users_<name> SET name = name || ''a''');
SELECT run_for('new_key', 'UPDATE users_<name> SET id = id + 10');
SELECT run_for('new_key', 'UPDATE users_<name> SET id = id - 10');
SELECT run_for('new_code', 'UPDATE users_<name> SET code = code + 200');
SELECT run_for('.*', 'INSERT INTO posts_<name> SELECT id, id, NULL, name || '' by id'' FROM users_<name>');
SELECT run_for('.*', 'INSERT INTO posts_<name> SELECT 10 + id, NULL, code, name || '' by code'' FROM users_<name>');
SELECT run_for('marked|archived.*', 'DELETE FROM posts_<name> WHERE code IS NOT NULL');
SELECT run_for('marked|archived.*', 'DELETE FROM users_<name>');
SELECT run_for('.*', 'DELETE FROM posts_<name>');
CALL softdelete.purge();
SELECT run_for('.*', 'SELECT 1 / (count(*) = 0)::int FROM all_posts_<name>');
SELECT run_for('.*', 'SELECT softdelete.anonymize(''users_<name>'', ''request'', 1)');
CREATE FUNCTION show() RETURNS TABLE (way text, bodies text) LANGUAGE plpgsql AS $$
    DECLARE w record; BEGIN
    FOR w IN SELECT name FROM ways ORDER BY name LOOP
        RETURN QUERY EXECUTE replace('SELECT ''<name>'', string_agg(DISTINCT (id || '' '' || body) COLLATE "C", '', '') FROM posts_<name>_history', '<name>', w.name);
    END LOOP; END $$;
SELECT * FROM show();

-- A value that another row had before: what referenced that row is another subject's.
CREATE TABLE desks (id int PRIMARY KEY, number int UNIQUE, name text);
CREATE TABLE notes (id int PRIMARY KEY, desk int REFERENCES desks (number), body text);
CREATE INDEX ON notes (desk);
SELECT count(*) > 0 AS registered FROM softdelete.register('desks') d, softdelete.register('notes', retention => '1 microsecond') n;
SELECT softdelete.set_anonymizer('desks', 'name', '''gone'''), softdelete.set_anonymizer('notes', 'body', '''gone''');
SELECT count(*) > 0 AS tracked FROM softdelete.track_history('desks') d, softdelete.track_history('notes') n;
INSERT INTO desks VALUES (1, 5, 'Ann'), (2, 6, 'Ben');
INSERT INTO notes VALUES (1, 5, 'Ann'), (2, 6, 'Ben');
DELETE FROM notes;
CALL softdelete.purge('notes');
UPDATE desks SET number = 7 WHERE id = 1;
UPDATE desks SET number = 5 WHERE id = 2;
INSERT INTO notes VALUES (3, 5, 'Ben'), (4, 7, 'Ann');
DELETE FROM notes;
CALL softdelete.purge('notes');
SELECT softdelete.anonymize('desks', 'request', 2) -> 'rows' AS rows;
SELECT DISTINCT id, body FROM notes_history ORDER BY id;

-- A row below the subject with a key that another subject's row had before: that one's entries, and those below it, stay.
CREATE TABLE people (id int PRIMARY KEY, name text);
CREATE TABLE cases (id int PRIMARY KEY, person int REFERENCES people ON DELETE CASCADE, body text);
CREATE TABLE papers (id int PRIMARY KEY, "case" int REFERENCES cases ON DELETE CASCADE, body text);
CREATE INDEX ON cases (person);
CREATE INDEX ON papers ("case");
SELECT count(*) > 0 AS registered FROM softdelete.register('people', cascade => true, retention => '1 microsecond');
SELECT softdelete.set_anonymizer(name::regclass, CASE name WHEN 'people' THEN 'name' ELSE 'body' END, '''gone''') FROM unnest(ARRAY['people', 'cases', 'papers']) name;
SELECT count(*) > 0 AS tracked FROM unnest(ARRAY['people', 'cases', 'papers']) name, softdelete.track_history(name::regclass);
INSERT INTO people VALUES (1, 'Ann'), (2, 'Ben');
INSERT INTO cases VALUES (7, 2, 'Ben');
INSERT INTO papers VALUES (70, 7, 'Ben');
DELETE FROM cases;
CALL softdelete.purge();
INSERT INTO cases VALUES (7, 1, 'Ann');
INSERT INTO papers VALUES (71, 7, 'Ann');
DELETE FROM papers;
CALL softdelete.purge();
SELECT softdelete.anonymize('people', 'request', 1) -> 'rows' AS rows;
SELECT person, string_agg(DISTINCT body, ', ') AS bodies FROM cases_history GROUP BY person ORDER BY person;
SELECT DISTINCT id, body FROM papers_history ORDER BY id;
-- Of the key that is named whatever had it is the subject: live, gone, and gone with what was below it.
SELECT softdelete.anonymize('cases', 'request', 7) -> 'rows' AS rows;
SELECT person, string_agg(DISTINCT body, ', ') AS bodies FROM cases_history GROUP BY person ORDER BY person;
SELECT DISTINCT id, body FROM papers_history ORDER BY id;

RESET SESSION AUTHORIZATION;
RESET search_path;
DROP SCHEMA regress_gone CASCADE;
DROP ROLE regress_gone;
