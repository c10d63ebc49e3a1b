-- Anonymization overwrites the subject's rows and nobody else's, in archives and histories as in tables: not other rows of its own
-- table, not those of another owner, nor what is below these, whatever their foreign keys do but ON DELETE CASCADE.
\set VERBOSITY terse
CREATE ROLE regress_others;
CREATE ROLE regress_others_theirs;
CREATE SCHEMA regress_others AUTHORIZATION regress_others;
GRANT USAGE, CREATE ON SCHEMA regress_others TO regress_others_theirs;
SET SESSION AUTHORIZATION regress_others;
SET search_path = regress_others;
SET client_min_messages = error;

-- For each action a table that references itself, with a table of another owner below it, and one of its owner's below that one.
CREATE TABLE actions (name text PRIMARY KEY, action text);
INSERT INTO actions VALUES ('no_action', 'NO ACTION'), ('restricted', 'RESTRICT'), ('nulls', 'SET NULL'), ('defaults', 'SET DEFAULT');
GRANT SELECT ON actions TO regress_others_theirs;
CREATE FUNCTION run_for_all(statement text) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE a record; BEGIN
    FOR a IN SELECT name, action FROM actions ORDER BY name LOOP
        EXECUTE replace(replace(statement, '<name>', a.name), '<action>', 'ON UPDATE CASCADE ON DELETE ' || a.action);
    END LOOP; END $$;
SELECT run_for_all('CREATE TABLE staff_<name> (id int PRIMARY KEY, boss int DEFAULT 0 REFERENCES staff_<name> <action>, name text)');
SELECT run_for_all('GRANT REFERENCES ON staff_<name> TO regress_others_theirs');
SET SESSION AUTHORIZATION regress_others_theirs;
SELECT run_for_all('CREATE TABLE theirs_<name> (id int PRIMARY KEY, boss int DEFAULT 0 REFERENCES staff_<name> <action>, name text)');
SELECT run_for_all('GRANT REFERENCES ON theirs_<name> TO regress_others');
SET SESSION AUTHORIZATION regress_others;
SELECT run_for_all('CREATE TABLE below_<name> (id int PRIMARY KEY, above int DEFAULT 0 REFERENCES theirs_<name> <action>, name text)');
CREATE FUNCTION prepare(kind text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    PERFORM run_for_all(format('SELECT count(*) FROM softdelete.register(''%s_<name>'', strategy => ''archive'')', kind));
    PERFORM run_for_all(format('SELECT count(*) FROM softdelete.track_history(''%s_<name>'')', kind));
    PERFORM run_for_all(format('SELECT softdelete.set_anonymizer(''%s_<name>'', ''name'', ''''''gone'''''')', kind)); END $$;
SELECT prepare('staff'), prepare('below');
SET SESSION AUTHORIZATION regress_others_theirs;
SELECT prepare('theirs');

-- Of each table, which names are left, in the archive and in the history.
CREATE FUNCTION show(kind text) RETURNS TABLE (what text, archived text, recorded text) LANGUAGE plpgsql AS $$
    DECLARE a record; BEGIN
    FOR a IN SELECT name FROM actions ORDER BY name LOOP
        RETURN QUERY EXECUTE replace(replace('SELECT ''<kind>_<name>'', (SELECT string_agg(name || '' by '' || deleted_by, '', '' ORDER BY id) FROM deleted_<kind>_<name>),
            (SELECT string_agg(DISTINCT name, '', '' ORDER BY name) FROM <kind>_<name>_history)', '<kind>', kind), '<name>', a.name);
    END LOOP; END $$;

-- Live, the boss; archived, who was below.
SET SESSION AUTHORIZATION regress_others;
SELECT run_for_all('INSERT INTO staff_<name> VALUES (0, NULL, ''none''), (1, NULL, ''Boss''), (2, 1, ''Ann''), (3, 2, ''Ben'')');
SET SESSION AUTHORIZATION regress_others_theirs;
SELECT run_for_all('INSERT INTO theirs_<name> VALUES (0, 0, ''none''), (1, 1, ''Cid'')');
SET SESSION AUTHORIZATION regress_others;
SELECT run_for_all('INSERT INTO below_<name> VALUES (1, 1, ''Dan'')');
SELECT run_for_all('DELETE FROM below_<name> WHERE id = 1');
SET SESSION AUTHORIZATION regress_others_theirs;
SELECT run_for_all('DELETE FROM theirs_<name> WHERE id = 1');
SET SESSION AUTHORIZATION regress_others;
SELECT run_for_all('DELETE FROM staff_<name> WHERE id IN (2, 3)');
SELECT run_for_all('SELECT softdelete.anonymize(''staff_<name>'', ''request'', 1)');
SELECT run_for_all('SELECT 1 / (count(*) = 1)::int FROM staff_<name> WHERE id = 1 AND name = ''gone''');
SELECT * FROM show('staff');
SELECT * FROM show('below');
SET SESSION AUTHORIZATION regress_others_theirs;
SELECT * FROM show('theirs');
SET SESSION AUTHORIZATION regress_others;
SELECT rows, array_to_string(not_reached, '; ') ~ 'staff_\w+_archive that are other rows of the subject''s own table' AS says_staff,
    array_to_string(not_reached, '; ') ~ 'theirs_\w+_archive that belong to a table of another owner' AS says_theirs
FROM softdelete.erasure_log WHERE table_name LIKE '%.staff%' ORDER BY rows;
SELECT count(*) AS deletions, count(*) FILTER (WHERE deleted_by IS NULL) AS without_actor FROM softdelete.deletions;

-- The same under a former key, which archived rows keep.
SELECT run_for_all('UPDATE staff_<name> SET id = 10 WHERE id = 1');
SELECT run_for_all('SELECT softdelete.anonymize(''staff_<name>'', ''request'', 10)');
SELECT * FROM show('staff');
SELECT * FROM show('below');
SET SESSION AUTHORIZATION regress_others_theirs;
SELECT * FROM show('theirs');
SET SESSION AUTHORIZATION regress_others;
SELECT rows, array_to_string(not_reached, '; ') ~ 'staff_\w+_archive that are other rows of the subject''s own table' AS says_staff,
    array_to_string(not_reached, '; ') ~ 'theirs_\w+_archive that belong to a table of another owner' AS says_theirs
FROM softdelete.erasure_log WHERE table_name LIKE '%.staff%' AND digest = encode(sha256('10'), 'hex') ORDER BY rows;

-- Rows that are gone, of which there is the history alone.
SET SESSION AUTHORIZATION regress_others_theirs;
SELECT run_for_all('SELECT count(*) FROM softdelete.configure(''theirs_<name>'', retention => ''1 microsecond'')');
CALL softdelete.purge();
SET SESSION AUTHORIZATION regress_others;
SELECT run_for_all('SELECT count(*) FROM softdelete.configure(''below_<name>'', retention => ''1 microsecond'')');
SELECT run_for_all('SELECT count(*) FROM softdelete.configure(''staff_<name>'', retention => ''1 microsecond'')');
CALL softdelete.purge();
SELECT run_for_all('SELECT softdelete.anonymize(''staff_<name>'', ''another request'', 10)');
SELECT * FROM show('staff');
SELECT * FROM show('below');
SET SESSION AUTHORIZATION regress_others_theirs;
SELECT * FROM show('theirs');
SET SESSION AUTHORIZATION regress_others;
SELECT rows, array_to_string(not_reached, '; ') ~ 'history of \S+staff_\w+ about rows that are gone' AS says_staff,
    array_to_string(not_reached, '; ') ~ 'history of \S+theirs_\w+ about rows that are gone' AS says_theirs
FROM softdelete.erasure_log WHERE reason = 'another request' ORDER BY rows;

-- What ON DELETE CASCADE would take along is the subject's, also where it is archived already.
CREATE TABLE parts (id int PRIMARY KEY, whole int REFERENCES parts ON DELETE CASCADE, name text);
CREATE INDEX ON parts (whole);
SELECT count(*) > 0 AS registered FROM softdelete.register('parts', strategy => 'archive');
SELECT softdelete.set_anonymizer('parts', 'name', '''gone''');
INSERT INTO parts VALUES (1, NULL, 'all'), (2, 1, 'half'), (3, 2, 'quarter');
DELETE FROM parts WHERE id = 2;
SELECT softdelete.anonymize('parts', 'request', 1) -> 'rows' AS rows;
SELECT id, name FROM all_parts ORDER BY id;

RESET SESSION AUTHORIZATION;
RESET search_path;
DROP SCHEMA regress_others CASCADE;
DROP ROLE regress_others, regress_others_theirs;
