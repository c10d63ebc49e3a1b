-- Keys that refuse to let a row go count what is left of an erasure, not in which order it removes: NO ACTION and RESTRICT within what
-- goes, in chains, diamonds, circles and to the row itself, in tables of any kind. One that stays refuses.
CREATE ROLE regress_refusing;
CREATE SCHEMA regress_refusing AUTHORIZATION regress_refusing;
SET SESSION AUTHORIZATION regress_refusing;
SET search_path = regress_refusing;
SET client_min_messages = error;

-- What the erasure of row 1 of top removes; whatever is left of these rows is an error.
CREATE FUNCTION try(title text, keys text, strategies text[] = '{flag,archive,none}') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    strategy text;
    result text;
BEGIN
    FOREACH strategy IN ARRAY strategies LOOP
        CREATE TABLE top (id int PRIMARY KEY, low int);
        CREATE TABLE mid (id int PRIMARY KEY, top int REFERENCES top ON DELETE CASCADE, other int);
        CREATE TABLE low (id int PRIMARY KEY, mid int REFERENCES mid ON DELETE CASCADE, top int, other int, self int);
        EXECUTE keys;
        INSERT INTO top VALUES (1), (2);
        INSERT INTO mid VALUES (1, 1), (2, 2), (3, 1);
        INSERT INTO low VALUES (1, 1), (2, 2), (3, 3);
        CALL link();
        PERFORM softdelete.register('top');
        IF strategy = 'flag' THEN
            PERFORM softdelete.register(t::regclass) FROM unnest('{mid,low}'::text[]) t;
        ELSIF strategy = 'archive' THEN
            PERFORM softdelete.register('low', strategy => 'archive');
        END IF;
        BEGIN
            result := softdelete.erase('top', 'request', 1) -> 'rows';
            SET CONSTRAINTS ALL IMMEDIATE;
            SELECT result || ', left ' || (SELECT count(*) FROM top) || (SELECT count(*) FROM mid) || (SELECT count(*) FROM low) INTO result;
        EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN
            result := 'refused';
        END;
        RETURN NEXT format('%s, %s: %s', title, strategy, result);
        DROP PROCEDURE link;
        DROP TABLE low, mid, top CASCADE;
        DROP TABLE IF EXISTS low_archive;
    END LOOP;
END $$;

SELECT try('diamond', $$ALTER TABLE low ADD FOREIGN KEY (top) REFERENCES top;
    CREATE PROCEDURE link() BEGIN ATOMIC UPDATE low SET top = 1 WHERE id <> 2; END$$);
SELECT try('diamond of RESTRICT', $$ALTER TABLE low ADD FOREIGN KEY (top) REFERENCES top ON DELETE RESTRICT;
    CREATE PROCEDURE link() BEGIN ATOMIC UPDATE low SET top = 1 WHERE id <> 2; END$$);
SELECT try('across branches', $$ALTER TABLE low ADD FOREIGN KEY (other) REFERENCES mid;
    CREATE PROCEDURE link() BEGIN ATOMIC UPDATE low SET other = 4 - id WHERE id <> 2; END$$);
SELECT try('to itself', $$ALTER TABLE low ADD FOREIGN KEY (self) REFERENCES low;
    CREATE PROCEDURE link() BEGIN ATOMIC UPDATE low SET self = CASE id WHEN 1 THEN 3 ELSE 1 END WHERE id <> 2; END$$);
SELECT try('circle', $$ALTER TABLE top ADD FOREIGN KEY (low) REFERENCES low;
    CREATE PROCEDURE link() BEGIN ATOMIC UPDATE top SET low = 1 WHERE id = 1; END$$, '{flag,none}');
SELECT try('circle of refusing keys', $$ALTER TABLE low ADD FOREIGN KEY (other) REFERENCES mid; ALTER TABLE mid ADD FOREIGN KEY (other) REFERENCES low;
    CREATE PROCEDURE link() BEGIN ATOMIC UPDATE low SET other = 4 - id WHERE id <> 2; UPDATE mid SET other = id WHERE id <> 2; END$$, '{flag,none}');
SELECT try('one that stays', $$ALTER TABLE low ADD FOREIGN KEY (other) REFERENCES mid;
    CREATE PROCEDURE link() BEGIN ATOMIC UPDATE low SET other = 1; END$$);

-- Triggers see each row go once, whichever statement removes it.
CREATE TABLE seen (id int, tab text);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO seen VALUES (OLD.id, TG_TABLE_NAME); RETURN OLD; END';
CREATE TABLE top (id int PRIMARY KEY);
CREATE TABLE low (id int PRIMARY KEY, top int REFERENCES top ON DELETE CASCADE, self int REFERENCES low ON DELETE SET NULL, other int REFERENCES top);
CREATE TRIGGER see BEFORE DELETE ON top FOR EACH ROW EXECUTE FUNCTION see();
CREATE TRIGGER see AFTER DELETE ON low FOR EACH ROW EXECUTE FUNCTION see();
INSERT INTO top VALUES (1);
INSERT INTO low VALUES (1, 1, NULL, 1), (2, 1, 1, NULL);
SELECT count(*) > 0 AS is_done FROM softdelete.register('top', cascade => true);
SELECT softdelete.erase('top', 'request', 1) -> 'rows' AS rows;
SELECT * FROM seen ORDER BY tab, id;

RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_refusing CASCADE;
DROP ROLE regress_refusing;
