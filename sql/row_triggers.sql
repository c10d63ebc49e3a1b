-- A BEFORE trigger of the table's may keep a row, or write something else than the statement says. What is counted, logged
-- and stored is what became of the row.
CREATE ROLE regress_row_triggers;
CREATE SCHEMA regress_row_triggers AUTHORIZATION regress_row_triggers;
SET SESSION AUTHORIZATION regress_row_triggers;
SET search_path = regress_row_triggers;
CREATE TABLE plain (id int PRIMARY KEY, note text, keep text);
CREATE TABLE parent (id int PRIMARY KEY, note text, keep text);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE, note text, keep text);
CREATE TABLE split (id int PRIMARY KEY, note text, keep text) PARTITION BY RANGE (id);
CREATE TABLE split_1 PARTITION OF split FOR VALUES FROM (0) TO (50);
CREATE TABLE dead (id int, note text, keep text, deleted_at timestamptz) PARTITION BY LIST ((deleted_at IS NULL));
CREATE TABLE dead_live PARTITION OF dead FOR VALUES IN (true);
CREATE TABLE dead_gone PARTITION OF dead FOR VALUES IN (false);
SELECT count(*) > 0 AS registered FROM (VALUES ('plain'), ('parent'), ('child'), ('split'), ('dead')) t (name),
    softdelete.register(name::regclass);

-- Keeps rows as their column "keep" says.
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.keep = 'null' THEN
        RETURN NULL;
    ELSIF OLD.keep = 'old' THEN
        RETURN OLD;
    ELSIF OLD.keep = 'reset time' THEN
        NEW.deleted_at := OLD.deleted_at;
    ELSIF OLD.keep = 'reset id' THEN
        NEW.deletion_id := NULL;
    ELSIF OLD.keep = 'other id' THEN
        NEW.deletion_id := 4711;
    ELSIF OLD.keep = 'reset actor' THEN
        NEW.deleted_by := NULL;
    ELSIF OLD.keep = 'own actor' THEN
        NEW.deleted_by := 'somebody';
    ELSIF OLD.keep = 'delete' AND OLD.deleted_at IS NULL THEN
        NEW.deleted_at := now();
    ELSIF OLD.keep = 'nested' THEN
        PERFORM count(*) FROM softdelete.deletions;
        RETURN NULL;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER keep BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION keep();
CREATE TRIGGER keep BEFORE UPDATE ON parent FOR EACH ROW EXECUTE FUNCTION keep();
CREATE TRIGGER keep BEFORE UPDATE ON child FOR EACH ROW EXECUTE FUNCTION keep();
CREATE TRIGGER keep BEFORE UPDATE ON split FOR EACH ROW EXECUTE FUNCTION keep();
CREATE TRIGGER keep BEFORE UPDATE ON dead FOR EACH ROW EXECUTE FUNCTION keep();
CREATE TABLE ways (keep text);
INSERT INTO ways VALUES ('null'), ('old'), ('reset time'), ('reset id'), ('other id'), ('reset actor'), ('own actor'), ('nested');

-- What a statement says it did, and what is found afterwards.
CREATE FUNCTION try(name text, how text, statement text)
    RETURNS TABLE (rows bigint, live bigint, deleted bigint, actors text, half_done bigint, deletions bigint) LANGUAGE plpgsql AS $$
DECLARE
    last bigint := coalesce((SELECT max(id) FROM softdelete.deletions), 0);
BEGIN
    EXECUTE format('INSERT INTO %I (id, keep) VALUES (1, %L)', name, how);
    EXECUTE format(statement, name);
    GET DIAGNOSTICS rows = ROW_COUNT;
    EXECUTE format('SELECT count(*) FILTER (WHERE deleted_at IS NULL), count(deleted_at), string_agg(deleted_by, '',''),
        count(*) FILTER (WHERE (deleted_at IS NULL) <> (deletion_id IS NULL) OR (deleted_at IS NULL) <> (deleted_by IS NULL)
            OR deletion_id = 4711) FROM %I', 'all_' || name) INTO live, deleted, actors, half_done;
    SELECT count(*) INTO deletions FROM softdelete.deletions WHERE id > last;
    RETURN NEXT;
    RAISE SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
END
$$;
\set QUIET off

-- A row that the trigger keeps is not counted, stays as it was, and leaves no deletion in the log.
SELECT w.keep, name, t.* FROM ways w, (VALUES ('plain'), ('parent'), ('split'), ('dead')) n (name),
    LATERAL try(name, w.keep, 'DELETE FROM %I') t ORDER BY 1, 2;

-- The other ways to delete.
SELECT w.keep, t.* FROM ways w, LATERAL try('plain', w.keep, 'UPDATE %I SET deleted_at = now()') t ORDER BY 1;
SELECT w.keep, t.* FROM ways w, LATERAL try('plain', w.keep,
    'MERGE INTO %I t USING (VALUES (1)) s (id) ON t.id = s.id WHEN MATCHED THEN DELETE') t ORDER BY 1;
SELECT w.keep, t.* FROM ways w, LATERAL try('plain', w.keep,
    'WITH d AS (DELETE FROM %I RETURNING 1) SELECT * FROM d') t ORDER BY 1;

-- Several rows of one statement, of which some stay: those that go are a deletion.
BEGIN;
INSERT INTO plain (id, keep) SELECT g, CASE WHEN g % 2 = 0 THEN 'reset time' END FROM generate_series(1, 6) g;
DELETE FROM plain RETURNING id, deleted_by;
SELECT id, deleted_by, deletion_id FROM plain;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
-- What is deleted next begins a deletion of its own only where there is none.
DELETE FROM plain WHERE id = 2;
INSERT INTO parent (id) VALUES (1);
DELETE FROM parent;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
ROLLBACK;

-- A child that a trigger keeps from the cascade stays, as it does where a trigger keeps it from a native one.
INSERT INTO parent (id) VALUES (1), (2);
INSERT INTO child (id, parent, keep) VALUES (1, 1, 'reset time'), (2, 2, NULL);
DELETE FROM parent WHERE id = 1;
DELETE FROM parent WHERE id = 2;
SELECT p.id, c.id AS child FROM all_parent p LEFT JOIN child c ON c.parent = p.id ORDER BY 1;

-- A row that a trigger deletes, in a statement that says nothing of it, is deleted like any other, with what is below it.
INSERT INTO plain (id, keep) VALUES (11, 'delete');
UPDATE plain SET note = 'x' WHERE id = 11;
SELECT id, note, deleted_by, deletion_id IS NOT NULL AS in_deletion FROM deleted_plain;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
INSERT INTO parent (id, keep) VALUES (11, 'delete');
INSERT INTO child (id, parent) VALUES (11, 11);
UPDATE parent SET note = 'x' WHERE id = 11;
SELECT p.deletion_id = c.deletion_id AS together FROM all_parent p JOIN all_child c ON c.parent = p.id WHERE p.id = 11;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;

-- One that a trigger keeps deleted stays in its deletion; restore and undo say so.
INSERT INTO plain (id) VALUES (12);
DELETE FROM plain WHERE id = 12 RETURNING deletion_id AS d \gset
UPDATE all_plain SET keep = 'reset time' WHERE id = 12;
UPDATE plain SET deleted_at = NULL WHERE id = 12;
SELECT deleted_by, deletion_id = :d AS same FROM all_plain WHERE id = 12;
SELECT softdelete.restore('plain', 12); -- fails
SELECT softdelete.undo(:d); -- fails
SELECT deleted_by, deletion_id = :d AS same FROM all_plain WHERE id = 12;
SELECT rows, restored_at FROM softdelete.deletions WHERE id = :d;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_row_triggers CASCADE;
DROP ROLE regress_row_triggers;
