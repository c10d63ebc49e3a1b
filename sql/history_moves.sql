-- A row that an UPDATE moves to another partition is changed, whatever triggers do between the DELETE of the one half and the
-- INSERT of the other.
CREATE ROLE regress_moves;
CREATE SCHEMA regress_moves AUTHORIZATION regress_moves;
SET SESSION AUTHORIZATION regress_moves;
SET search_path = regress_moves;
CREATE TABLE p (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
CREATE TABLE p3 PARTITION OF p FOR VALUES IN (3);
CREATE TABLE notes (what text);
CREATE TABLE other (id int PRIMARY KEY);
SELECT softdelete.track_history('p'), softdelete.track_history('other');
INSERT INTO p SELECT i, 1, 'a' FROM generate_series(1, 3) i;
INSERT INTO p SELECT i, 3, 'inner' FROM generate_series(11, 13) i;

-- Statements of each kind, moves among them, and such as are rolled back.
CREATE FUNCTION meantime() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.v = 'inner' THEN
        RETURN NULL;
    END IF;
    PERFORM count(*) FROM p;
    INSERT INTO notes VALUES ('between');
    INSERT INTO other VALUES (OLD.id);
    UPDATE p SET k = 2 WHERE id = OLD.id + 10;
    BEGIN
        UPDATE p SET k = 3 WHERE id = OLD.id + 10;
        RAISE 'back';
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    BEGIN
        UPDATE p SET v = 'twice' WHERE id = OLD.id + 10;
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    TRUNCATE notes;
    CREATE TABLE made AS SELECT 1;
    DROP TABLE made;
    RETURN NULL;
END $$;
CREATE TRIGGER "A first" AFTER DELETE ON p FOR EACH ROW EXECUTE FUNCTION meantime();
CREATE TRIGGER "z last" AFTER DELETE ON p FOR EACH ROW WHEN (OLD.id < 0) EXECUTE FUNCTION meantime();
UPDATE p SET k = 2, v = 'b' WHERE k = 1;
SELECT kind, diff FROM softdelete.history WHERE relation = 'p'::regclass AND kind <> 'INSERT' ORDER BY (old ->> 'id')::int, changed_at;

-- Between the trigger that records and the next half.
DROP TRIGGER "A first" ON p;
DROP TRIGGER "z last" ON p;
DELETE FROM p WHERE v <> 'b';
DELETE FROM other;
INSERT INTO p SELECT i, 3, 'inner' FROM generate_series(11, 13) i;
CREATE TRIGGER "z last" AFTER DELETE ON p FOR EACH ROW EXECUTE FUNCTION meantime();
SELECT clock_timestamp() AS began \gset
UPDATE p SET k = 1, v = 'c' WHERE v = 'b';
SELECT kind, diff FROM softdelete.history WHERE relation = 'p'::regclass AND changed_at > :'began' ORDER BY (old ->> 'id')::int, changed_at;
SELECT kind, diff FROM softdelete.history_of('p', 1, 1);
-- Another form of an equal key is one change of one row.
CREATE TABLE amounts (id numeric PRIMARY KEY, v text);
SELECT softdelete.track_history('amounts');
INSERT INTO amounts VALUES (1.0, 'a');
UPDATE amounts SET id = 1.00;
UPDATE amounts SET v = 'b';
UPDATE amounts SET id = 2;
SELECT kind, diff FROM softdelete.history_of('amounts', 1);
SELECT kind, diff FROM softdelete.history_of('amounts', 2);
SELECT kind, diff FROM softdelete.history WHERE relation = 'amounts'::regclass ORDER BY changed_at;
DROP TABLE amounts, amounts_history;
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP OWNED BY regress_moves;
DROP ROLE regress_moves;
