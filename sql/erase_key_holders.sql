-- To whom an archived row, or an entry of a history, belongs: to the row that had the key then, on each level, whoever has it now, and
-- whatever of it is kept. Archive and history go together. The test erase_oracle does the same with random lives.
CREATE ROLE regress_holders;
CREATE SCHEMA regress_holders AUTHORIZATION regress_holders;
SET SESSION AUTHORIZATION regress_holders;
SET search_path = regress_holders;
SET client_min_messages = error;

CREATE FUNCTION make(histories text[]) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    CREATE TABLE people (id int PRIMARY KEY, name text);
    CREATE TABLE cases (id int PRIMARY KEY, person int REFERENCES people ON DELETE CASCADE ON UPDATE CASCADE, name text);
    CREATE TABLE pages (id int PRIMARY KEY, "case" int REFERENCES cases ON DELETE CASCADE ON UPDATE CASCADE, name text);
    CREATE INDEX ON cases (person);
    CREATE INDEX ON pages ("case");
    PERFORM softdelete.register('people', strategy => 'archive', cascade => true);
    PERFORM softdelete.track_history(t::regclass) FROM unnest(histories) t;
END $$;
CREATE PROCEDURE purge(relation regclass) LANGUAGE plpgsql AS $$ BEGIN
    PERFORM softdelete.configure(relation, retention => '1 microsecond');
    COMMIT;
    CALL softdelete.purge(relation);
    COMMIT;
    PERFORM softdelete.configure(relation, keep_forever => true);
END $$;
-- The names that are left in archives and histories, and what the entry says of them.
CREATE FUNCTION say(entry jsonb, OUT archived text, OUT recorded text, OUT said text) LANGUAGE plpgsql AS $$
DECLARE
    t text;
    names text;
BEGIN
    FOREACH t IN ARRAY '{people,cases,pages}'::text[] LOOP
        EXECUTE format('SELECT string_agg(name, '' '' ORDER BY name) FROM %I', t || '_archive') INTO names;
        archived := concat_ws(' ', archived, names);
        IF to_regclass(t || '_history') IS NOT NULL THEN
            EXECUTE format('SELECT string_agg(DISTINCT name, '' '' ORDER BY name) FROM %I', t || '_history') INTO names;
            recorded := concat_ws(' ', recorded, names);
        END IF;
    END LOOP;
    said := (SELECT string_agg(regexp_replace(n, '\S+\.', ''), ', ' ORDER BY n) FROM jsonb_array_elements_text(entry -> 'not_reached') n WHERE n LIKE '%\_archive%');
    DROP TABLE people, cases, pages CASCADE;
    DROP TABLE people_archive, cases_archive, pages_archive;
    DROP TABLE IF EXISTS people_history, cases_history, pages_history;
END $$;

-- Handed over, and the key given to another row of the subject.
SELECT make('{people,cases,pages}');
INSERT INTO people VALUES (1, 'ann'), (3, 'bea');
INSERT INTO cases VALUES (1, 1, 'ann 1');
UPDATE cases SET person = 3, name = 'bea 1' WHERE id = 1;
INSERT INTO pages VALUES (9, 1, 'bea 9');
DELETE FROM people WHERE id = 3;
INSERT INTO cases VALUES (1, 1, 'ann 2');
DELETE FROM cases WHERE id = 1;
SELECT * FROM say(softdelete.erase('people', 'request', 1));

-- Below an archived row of a table without a history.
SELECT make('{pages}');
INSERT INTO people VALUES (1, 'ann');
INSERT INTO cases VALUES (1, 1, 'ann 1');
INSERT INTO pages VALUES (1, 1, 'ann 2');
DELETE FROM cases WHERE id = 1;
SELECT * FROM say(softdelete.erase('people', 'request', 1));

-- A former key of the subject was that of another row, which is purged.
SELECT make('{people,cases}');
INSERT INTO people VALUES (2, 'bea');
INSERT INTO cases VALUES (5, 2, 'bea 5'), (6, 2, 'bea 6');
DELETE FROM cases WHERE id = 5;
DELETE FROM people WHERE id = 2;
CALL purge('people');
INSERT INTO people VALUES (2, 'ann');
UPDATE people SET id = 3 WHERE id = 2;
SELECT * FROM say(softdelete.erase('people', 'request', 3));

-- The keys between are given to each other's rows.
SELECT make('{people,cases,pages}');
INSERT INTO people VALUES (1, 'ann'), (2, 'bea');
INSERT INTO cases VALUES (1, 1, 'ann 1'), (3, 2, 'bea 3');
INSERT INTO pages VALUES (6, 1, 'ann 6'), (9, 3, 'bea 9');
DELETE FROM cases;
CALL purge('cases');
INSERT INTO cases VALUES (1, 2, 'bea 1'), (3, 1, 'ann 3');
SELECT * FROM say(softdelete.erase('people', 'request', 1));

-- One transaction gives the key again, and deletes what references the second row: under one reason, or two. Who has it after that
-- transaction is another one, whom a history tells apart.
CREATE PROCEDURE give_again() LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO people VALUES (1, 'ann'), (2, 'bea');
    INSERT INTO cases VALUES (1, 1, 'ann 1');
    INSERT INTO pages VALUES (1, 1, 'ann 1');
    COMMIT;
    DELETE FROM cases WHERE id = 1;
    INSERT INTO cases VALUES (1, 2, 'bea 1');
    INSERT INTO pages VALUES (2, 1, 'bea 2'), (3, 1, 'bea 3');
    DELETE FROM pages WHERE id = 2;
    SET LOCAL softdelete.reason = 'another';
    DELETE FROM pages WHERE id = 3;
    COMMIT;
END $$;
SELECT make('{}');
CALL give_again();
SELECT * FROM say(softdelete.erase('people', 'request', 1));
SELECT make('{}');
CALL give_again();
SELECT * FROM say(softdelete.erase('people', 'request', 2));
SELECT make('{cases,pages}');
CALL give_again();
SELECT * FROM say(softdelete.erase('people', 'request', 2));

-- One transaction archives a row, and another one that has its key: each goes with its own history. What the archive still has of
-- them, and what comes back, makes no difference.
CREATE PROCEDURE archive_twice() LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO people VALUES (1, 'ann'), (2, 'bea');
    INSERT INTO cases VALUES (1, 1, 'ann 1'), (2, 2, 'bea 2');
    INSERT INTO pages VALUES (1, 1, 'ann page');
    COMMIT;
    DELETE FROM pages WHERE id = 1;
    INSERT INTO pages VALUES (1, 2, 'bea page');
    DELETE FROM pages WHERE id = 1;
    COMMIT;
END $$;
SELECT make('{people,cases,pages}');
CALL archive_twice();
SELECT * FROM say(softdelete.erase('people', 'request', 1));
SELECT make('{people,cases,pages}');
CALL archive_twice();
SELECT * FROM say(softdelete.erase('people', 'request', 2));
SELECT make('{people,cases,pages}');
CALL archive_twice();
SELECT softdelete.restore('pages', 1);
SELECT * FROM say(softdelete.erase('people', 'request', 1));

-- An erase that was taken back changes nothing of that.
SELECT make('{people,cases,pages}');
CALL archive_twice();
DO $$ BEGIN
    PERFORM softdelete.erase('people', 'request', 2);
    RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN
END $$;
SELECT * FROM say(softdelete.erase('people', 'request', 1));

-- A history that began after a row was archived has nothing of it: entries of who had its key later stay, and are named.
SELECT make('{}');
INSERT INTO people VALUES (1, 'ann'), (2, 'bea');
INSERT INTO cases VALUES (1, 1, 'ann 1');
DELETE FROM cases;
SELECT softdelete.track_history('cases');
INSERT INTO cases VALUES (1, 2, 'bea 1');
DELETE FROM cases;
SELECT softdelete.erase('people', 'request', 1) AS entry \gset
SELECT n FROM jsonb_array_elements_text(:'entry'::jsonb -> 'not_reached') n WHERE n LIKE 'entries%';
SELECT * FROM say(:'entry');

-- Below a row that is another's now and on hold its entries stay, and so do those below them: both are named.
SELECT make('{people,cases,pages}');
INSERT INTO people VALUES (1, 'ann'), (2, 'bea');
INSERT INTO cases VALUES (1, 1, 'ann 1');
INSERT INTO pages VALUES (1, 1, 'ann page');
UPDATE cases SET person = 2, name = 'bea 1' WHERE id = 1;
UPDATE pages SET name = 'bea page' WHERE id = 1;
SELECT softdelete.hold('cases', 'a lawsuit', 1) AS hold \gset
SELECT softdelete.erase('people', 'request', 1) AS entry \gset
SELECT n FROM jsonb_array_elements_text(:'entry'::jsonb -> 'not_reached') n WHERE n LIKE 'entries%' ORDER BY n;
SELECT DISTINCT name FROM pages_history ORDER BY name;
SELECT count(*) FROM softdelete.release(:hold);
SELECT * FROM say(:'entry');

-- A row of an inheritance child that is gone: the child's history has it.
CREATE TABLE people (id int PRIMARY KEY, name text);
CREATE TABLE staff (PRIMARY KEY (id)) INHERITS (people);
CREATE TABLE guests (badge int PRIMARY KEY) INHERITS (people); -- by another key
SELECT count(*) > 0 AS is_done FROM softdelete.register('people');
SELECT softdelete.track_history(t::regclass) FROM unnest('{people,staff,guests}'::text[]) t;
INSERT INTO staff VALUES (3, 'cat'), (4, 'dan'), (5, 'eve');
INSERT INTO guests VALUES (3, 'fay', 4);
DELETE FROM people;
CALL purge('people');
SELECT softdelete.erase('people', 'request', 3) -> 'rows' AS rows;
INSERT INTO people VALUES (4, 'dan again');
SELECT softdelete.erase('people', 'request', 4) -> 'rows' AS rows;
SELECT DISTINCT name FROM staff_history UNION ALL SELECT DISTINCT name FROM guests_history ORDER BY name;
SELECT softdelete.erase('people', 'request', 3);

RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_holders CASCADE;
DROP ROLE regress_holders;
