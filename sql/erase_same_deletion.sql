-- One deletion has archived a row and what references it: whose that is, another row that came with the same key in the same
-- transaction or later, in savepoints or not, and whatever was done to the archived rows since. What is of another row stays.
CREATE ROLE regress_same_deletion;
CREATE SCHEMA regress_same_deletion AUTHORIZATION regress_same_deletion;
SET SESSION AUTHORIZATION regress_same_deletion;
SET search_path = regress_same_deletion;
SET client_min_messages = error;
CREATE TABLE people (id int PRIMARY KEY, mail text UNIQUE, name text);
CREATE TABLE letters (id int PRIMARY KEY, mail text REFERENCES people (mail) ON UPDATE CASCADE ON DELETE CASCADE, name text);
CREATE INDEX ON letters (mail);
SELECT count(*) FROM softdelete.register('people', strategy => 'archive', cascade => true);
SELECT softdelete.set_anonymizer('people', 'name', $$'nobody'$$);

-- Ann is 1, with letters 10 and 11, and Bea 2, with letters 20 and 21, of which 20 is deleted, in the way that is said.
CREATE FUNCTION delete_ann() RETURNS void LANGUAGE sql AS 'DELETE FROM people WHERE id = 1';
CREATE FUNCTION bring_bea() RETURNS void LANGUAGE sql AS $$
    INSERT INTO people VALUES (2, 'a', 'bea');
    INSERT INTO letters VALUES (20, 'a', 'bea'), (21, 'a', 'bea');
$$;
CREATE FUNCTION delete_her_letter() RETURNS void LANGUAGE sql AS 'DELETE FROM letters WHERE id = 20';
CREATE FUNCTION within_block(what text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE format('SELECT %s()', what);
EXCEPTION WHEN division_by_zero THEN
END $$;
CREATE PROCEDURE lead(way text) LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM people;
    DELETE FROM letters;
    PERFORM softdelete.configure(t, retention => '1 microsecond') FROM unnest('{people,letters}'::regclass[]) t;
    COMMIT;
    CALL softdelete.purge('people');
    CALL softdelete.purge('letters');
    PERFORM softdelete.configure(t, keep_forever => true) FROM unnest('{people,letters}'::regclass[]) t;
    INSERT INTO people VALUES (1, 'a', 'ann');
    INSERT INTO letters VALUES (10, 'a', 'ann'), (11, 'a', 'ann');
    COMMIT;
    CASE way
        WHEN 'in transactions' THEN
            PERFORM delete_ann();
            COMMIT;
            PERFORM bring_bea();
            COMMIT;
            PERFORM delete_her_letter();
        WHEN 'in a transaction' THEN
            PERFORM delete_ann();
            PERFORM bring_bea();
            PERFORM delete_her_letter();
        WHEN 'in savepoints' THEN
            PERFORM within_block('delete_ann');
            PERFORM within_block('bring_bea');
            PERFORM within_block('delete_her_letter');
        WHEN 'in one savepoint' THEN
            PERFORM delete_ann();
            PERFORM within_block('bring_bea');
            PERFORM within_block('delete_her_letter');
    END CASE;
    COMMIT;
END $$;
CREATE PROCEDURE change(change text) LANGUAGE plpgsql AS $$ BEGIN
    CASE change
        WHEN 'nothing' THEN
        WHEN 'anonymize' THEN
            PERFORM softdelete.anonymize('people', 'request', 1);
        ELSE
            BEGIN
                IF change = 'erase, taken back' THEN
                    PERFORM softdelete.erase('people', 'request', 1);
                ELSIF change = 'hold, taken back' THEN
                    PERFORM softdelete.hold('people', 'case', 1);
                ELSE
                    UPDATE people SET mail = 'b' WHERE id = 2;
                    PERFORM softdelete.restore('people', 1);
                END IF;
                RAISE division_by_zero;
            EXCEPTION WHEN division_by_zero THEN
            END;
    END CASE;
    COMMIT;
END $$;
CREATE TABLE outcomes (way text, change text, left_of_ann text, left_of_bea text, is_named boolean);
DO $$
DECLARE
    way text;
    change text;
    entry jsonb;
BEGIN
    FOREACH way IN ARRAY '{in transactions,in a transaction,in savepoints,in one savepoint}'::text[] LOOP
        FOREACH change IN ARRAY '{nothing,anonymize,"erase, taken back","hold, taken back","restore, taken back"}'::text[] LOOP
            CALL lead(way);
            CALL change(change);
            entry := softdelete.erase('people', 'request', 1);
            INSERT INTO outcomes SELECT way, change,
                (SELECT string_agg(id::text, ' ' ORDER BY id) FROM letters_archive WHERE name = 'ann'),
                (SELECT string_agg(id::text, ' ' ORDER BY id) FROM (SELECT id, name FROM letters UNION ALL SELECT id, name FROM letters_archive) l WHERE name = 'bea'),
                EXISTS (SELECT FROM jsonb_array_elements_text(entry -> 'not_reached') n WHERE n LIKE '%letters\_archive%');
            COMMIT;
        END LOOP;
    END LOOP;
END $$;
SELECT * FROM outcomes;
-- Nothing of Bea's is lost, and what is left of Ann's is said.
SELECT count(*) FROM outcomes WHERE left_of_bea <> '20 21' OR (left_of_ann IS NOT NULL AND NOT is_named);

RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_same_deletion CASCADE;
DROP ROLE regress_same_deletion;
