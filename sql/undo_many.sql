-- undo() of deletions with more rows than those of which it asks with a kept plan whether each has its parents: it brings back what
-- it brings back of few, and refuses what it refuses of few.
\set VERBOSITY terse
CREATE ROLE regress_undo_many;
CREATE SCHEMA undo_many AUTHORIZATION regress_undo_many;
SET SESSION AUTHORIZATION regress_undo_many;
SET search_path = undo_many;
SET client_min_messages = warning;
CREATE TABLE teams (id int PRIMARY KEY);
CREATE TABLE people (id int PRIMARY KEY, up int REFERENCES people ON DELETE CASCADE, team int REFERENCES teams ON DELETE CASCADE);
CREATE TABLE letters (id int PRIMARY KEY, person int REFERENCES people ON DELETE CASCADE, team int REFERENCES teams ON DELETE CASCADE);
CREATE INDEX ON people (up);
CREATE INDEX ON people (team);
CREATE INDEX ON letters (person);
CREATE INDEX ON letters (team);
SELECT count(*) FROM softdelete.register('teams', cascade => true);
INSERT INTO teams VALUES (1), (2);

-- `people_count` rows above, `letter_count` below, each number of them below and above the limit. The last letter is in another
-- team, which is live, deleted before, or gone with the others.
CREATE FUNCTION try(people_count int, letter_count int, other_team text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    deletion bigint;
    restored bigint;
BEGIN
    INSERT INTO people SELECT i, nullif(i - 1, 0), 1 FROM generate_series(1, 3) i;
    INSERT INTO people SELECT i, 3, NULL FROM generate_series(4, people_count) i;
    INSERT INTO letters SELECT i, 1 + i % people_count, CASE WHEN i = letter_count AND other_team <> 'deleted before' THEN 2 END FROM generate_series(1, letter_count) i;
    SET LOCAL softdelete.reason = 'the first of them';
    IF other_team = 'deleted before' THEN
        DELETE FROM teams WHERE id = 2;
    END IF;
    SET LOCAL softdelete.reason = 'all of them';
    IF other_team = 'gone with the others' THEN
        DELETE FROM teams;
    ELSE
        DELETE FROM teams WHERE id = 1;
    END IF;
    SELECT max(id) INTO deletion FROM softdelete.deletions WHERE reason = 'all of them';
    IF other_team = 'deleted before' THEN
        SET LOCAL softdelete.visibility = 'all';
        UPDATE letters SET team = 2 WHERE id = letter_count;
        SET LOCAL softdelete.visibility = 'active';
    END IF;
    restored := softdelete.undo(deletion);
    RAISE EXCEPTION USING errcode = 'U0001', message = format('%s rows back, %s people and %s letters live', restored,
        (SELECT count(*) FROM people), (SELECT count(*) FROM letters));
EXCEPTION WHEN SQLSTATE 'U0001' OR foreign_key_violation THEN
    RETURN sqlerrm;
END $$;
SELECT other_team, people_count, letter_count, try(people_count, letter_count, other_team)
    FROM unnest('{live,deleted before,gone with the others}'::text[]) WITH ORDINALITY AS teams (other_team, n), unnest('{5,1500}'::int[]) people_count,
        unnest('{6,1500}'::int[]) letter_count
    ORDER BY n, people_count, letter_count;

RESET SESSION AUTHORIZATION;
DROP SCHEMA undo_many CASCADE;
DROP ROLE regress_undo_many;
