-- Beside archives a key can be given again. A row that was deleted with its former holder is that one's: an erasure of the present
-- holder, or of an archived one, does not reach it, on any level, and says so.
CREATE ROLE regress_reused;
CREATE SCHEMA regress_reused AUTHORIZATION regress_reused;
SET SESSION AUTHORIZATION regress_reused;
SET search_path = regress_reused;
SET client_min_messages = error;

-- people <- letters by a unique column; letters <- pages by the primary key. The mail "a" is that of 1, then of 2, then of 3.
CREATE PROCEDURE make() LANGUAGE plpgsql AS $$ BEGIN
    CREATE TABLE people (id int PRIMARY KEY, mail text UNIQUE, name text);
    CREATE TABLE letters (id int PRIMARY KEY, mail text REFERENCES people (mail) ON DELETE CASCADE, name text);
    CREATE TABLE pages (letter int REFERENCES letters ON DELETE CASCADE, page int, name text, PRIMARY KEY (letter, page));
    CREATE INDEX ON letters (mail);
    PERFORM softdelete.register('people', strategy => 'archive', cascade => true);
    PERFORM softdelete.set_anonymizer(t::regclass, 'name', $r$'none'$r$) FROM unnest('{people,letters,pages}'::text[]) t;
    FOR i IN 1..3 LOOP
        DELETE FROM people;
        COMMIT;
        INSERT INTO people VALUES (i, 'a', 'p' || i);
        INSERT INTO letters VALUES (1, 'a', 'l' || i), (1 + i, 'a', 'm' || i);
        INSERT INTO pages VALUES (1, i, 'n' || i), (1 + i, i, 'o' || i);
        COMMIT; -- each deletion is one of its own
        DELETE FROM letters WHERE id = 1 + i AND i = 3; -- archived alone, of the present holder
    END LOOP;
END $$;
CREATE FUNCTION say(entry jsonb, OUT reached jsonb, OUT said text, OUT people text, OUT letters text, OUT pages text) LANGUAGE plpgsql AS $$ BEGIN
    reached := entry -> 'rows';
    said := (SELECT string_agg(t, ', ' ORDER BY t) FROM jsonb_array_elements_text(entry -> 'not_reached') t WHERE t ~ 'another row');
    people := (SELECT string_agg(name, ' ' ORDER BY id) FROM all_people);
    letters := (SELECT string_agg(name, ' ' ORDER BY deleted_at, id) FROM all_letters);
    pages := (SELECT string_agg(name, ' ' ORDER BY deleted_at, letter) FROM all_pages);
    DROP TABLE pages, letters, people CASCADE;
    DROP TABLE pages_archive, letters_archive, people_archive;
END $$;
\x on
CALL make();
SELECT * FROM say(softdelete.erase('people', 'request', 1));
CALL make();
SELECT * FROM say(softdelete.erase('people', 'request', 2));
CALL make();
SELECT * FROM say(softdelete.erase('people', 'request', 3));
CALL make();
SELECT * FROM say(softdelete.anonymize('people', 'request', 1));
CALL make();
SELECT * FROM say(softdelete.anonymize('people', 'request', 2));
CALL make();
SELECT * FROM say(softdelete.anonymize('people', 'request', 3));

RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_reused CASCADE;
DROP ROLE regress_reused;
