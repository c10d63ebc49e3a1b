-- Types of a table's owner run code of his when their values are read and written. Whatever it does while a history is read,
-- the reading goes on with what it began with, or is refused.
CREATE ROLE regress_reading;
CREATE SCHEMA regress_reading AUTHORIZATION regress_reading;
SET SESSION AUTHORIZATION regress_reading;
SET search_path = regress_reading;

-- Does what the setting says, once, and says what came of it.
CREATE FUNCTION meddle() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE action text := current_setting('reading.action', true);
BEGIN
    IF action <> '' THEN
        PERFORM set_config('reading.action', '', false);
        BEGIN
            EXECUTE action;
            PERFORM set_config('reading.outcome', 'done', false);
        EXCEPTION WHEN OTHERS THEN
            PERFORM set_config('reading.outcome', regexp_replace(SQLERRM, '_\d{8}', '_<month>'), false);
        END;
    END IF;
    RETURN true;
END $$;

-- By a domain within the key, and by a cast to JSON.
CREATE DOMAIN checked AS int CHECK (meddle());
CREATE TYPE pair AS (x checked, y int);
CREATE TYPE mood AS ENUM ('calm', 'angry');
CREATE FUNCTION write_mood(mood) RETURNS json LANGUAGE sql AS $$ SELECT to_json($1::text) FROM (SELECT regress_reading.meddle()) AS m $$;
CREATE CAST (mood AS json) WITH FUNCTION write_mood(mood);
CREATE TABLE keyed (id pair PRIMARY KEY, v text);
CREATE TABLE moods (id checked PRIMARY KEY, v text, mood mood);
SELECT count(*) > 0 AS registered FROM softdelete.register('keyed');
SELECT softdelete.track_history('keyed'), softdelete.track_history('moods');
INSERT INTO keyed VALUES ('(1,1)', 'a'), ('(2,2)', 'a');
INSERT INTO moods VALUES (1, 'a', 'calm'), (2, 'a', 'calm');
UPDATE keyed SET v = 'b';
UPDATE keyed SET id = '(3,3)' WHERE id = '(2,2)'::pair;
UPDATE moods SET v = 'b', mood = 'angry';
UPDATE moods SET id = 3 WHERE id = 2;

-- Each action in the middle of each reading, and what the reading gave, which is what it gives without an action.
CREATE FUNCTION try(action text, reading text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text; plain text; outcome text;
BEGIN
    BEGIN
        EXECUTE reading INTO plain;
        RAISE 'back';
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    BEGIN
        PERFORM set_config('reading.action', action, false), set_config('reading.outcome', 'not run', false);
        EXECUTE reading INTO result;
        outcome := current_setting('reading.outcome');
        RAISE 'back';
    EXCEPTION
        WHEN raise_exception THEN NULL;
        WHEN OTHERS THEN RETURN 'refused: ' || regexp_replace(SQLERRM, '_\d{8}', '_<month>');
    END;
    PERFORM set_config('reading.action', '', false);
    RETURN outcome || CASE WHEN result IS DISTINCT FROM plain THEN ': ' || coalesce(result, 'nothing') ELSE '' END;
END $$;
CREATE TABLE readings (id int, of regclass, reading text);
INSERT INTO readings VALUES
    (1, 'keyed', $$SELECT string_agg(e::text, ' ') FROM softdelete.history_of('keyed', '(1,1)') e$$),
    (2, 'keyed', $$SELECT string_agg(e::text, ' ') FROM softdelete.history_of('keyed', '(3,3)') e$$),
    (3, 'keyed', $$SELECT softdelete.history_at('keyed', clock_timestamp(), '(1,1)')::text$$),
    (4, 'keyed', $$SELECT string_agg((kind, diff, old, new)::text, ' ' ORDER BY changed_at) FROM softdelete.history WHERE relation = 'keyed'::regclass$$),
    (5, 'keyed', $$SELECT softdelete.erase('keyed', 'asked', '(3,3)') ->> 'rows'$$),
    (6, 'moods', $$SELECT string_agg(e::text, ' ') FROM softdelete.history_of('moods', 1) e$$),
    (7, 'moods', $$SELECT softdelete.history_at('moods', clock_timestamp(), 1)::text$$),
    (8, 'moods', $$SELECT string_agg((kind, diff, old, new)::text, ' ' ORDER BY changed_at) FROM softdelete.history WHERE relation = 'moods'::regclass$$);
CREATE TABLE actions (id int, action text);
INSERT INTO actions VALUES
    (1, 'ALTER TABLE %s ALTER COLUMN v TYPE int USING 1'),
    (2, 'ALTER TABLE %s DROP COLUMN v'),
    (3, 'ALTER TABLE %s ADD COLUMN w int DEFAULT 1'),
    (4, 'ALTER TABLE %s RENAME COLUMN v TO w'),
    (5, 'ALTER TABLE %s RENAME TO other'),
    (6, 'ALTER TABLE %s DROP CONSTRAINT %1$s_pkey'),
    (7, 'DROP TABLE %s'),
    (8, 'TRUNCATE %s'),
    (9, 'SELECT softdelete.untrack_history(''%s'')'),
    (10, 'SELECT softdelete.untrack_history(''%s'', ''drop'')'),
    (11, 'UPDATE %s SET v = ''c'''),
    (12, 'DELETE FROM %s'),
    (13, 'ANALYZE %s');
SELECT format(action, of) AS action, r.id AS reading, try(format(replace(action, '%s', 'regress_reading.%1$s'), of), reading) AS outcome
    FROM actions a CROSS JOIN readings r ORDER BY of::text, a.id, r.id;

-- Nothing has changed.
SELECT kind, diff FROM softdelete.history_of('keyed', '(3,3)');
SELECT kind, diff FROM softdelete.history_of('moods', 3);

-- The check of a domain is about rows of today: a key of the past is read without it.
ALTER DOMAIN checked ADD CHECK (VALUE > 2) NOT VALID;
SELECT kind, diff FROM softdelete.history_of('moods', 2);
SELECT kind, diff FROM softdelete.history_of('moods', 3);
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_reading CASCADE;
DROP ROLE regress_reading;
