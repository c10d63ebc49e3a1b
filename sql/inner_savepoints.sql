-- What a statement runs may fail in a savepoint of its own: a function that catches its errors, a trigger, an event trigger.
-- What the extension has kept for the statement itself stays.
CREATE ROLE regress_inner;
CREATE SCHEMA regress_inner AUTHORIZATION regress_inner;
SET search_path = regress_inner;

CREATE FUNCTION to_int(value text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    RETURN value::int;
EXCEPTION WHEN invalid_text_representation THEN
    RETURN NULL;
END $$;
CREATE FUNCTION catch() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM regress_inner.to_int('x');
END $$;
CREATE EVENT TRIGGER softdelete_regress_inner ON ddl_command_start EXECUTE FUNCTION catch(); -- fires after ours

-- The views keep their privileges and comments when a column is converted by a function that catches errors.
SET ROLE regress_inner;
CREATE TABLE people (id int PRIMARY KEY, email text, age text);
SELECT count(*) > 0 AS registered FROM softdelete.register('people');
GRANT SELECT ON active_people TO PUBLIC;
COMMENT ON VIEW active_people IS 'Who is there';
INSERT INTO people VALUES (1, 'a', '7'), (2, 'b', 'young');
ALTER TABLE people ALTER COLUMN age TYPE int USING to_int(age);
SELECT relacl IS NOT NULL AS has_privileges, obj_description(oid) FROM pg_class WHERE oid = 'active_people'::regclass;

-- A constraint of a new column is made whatever the default runs.
ALTER TABLE people ADD COLUMN number int UNIQUE DEFAULT to_int('x');
SELECT pg_get_indexdef('people_number_key'::regclass);

-- Indexes made meanwhile are taken back, and rules follow names.
CREATE UNIQUE INDEX people_email ON people (email);
SELECT softdelete.set_anonymizer('people', 'email', $$'nobody ' || id$$);
ALTER TABLE people RENAME email TO mail;
SELECT column_name, expression FROM softdelete_internal.anonymizer WHERE relation = 'people'::regclass;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('people');
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'regress_inner' ORDER BY 1;

-- A foreign key over rows that reference deleted ones is added, with a warning.
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (id int PRIMARY KEY, parent int);
CREATE INDEX ON children (parent);
SELECT count(*) > 0 AS registered FROM softdelete.register('parents');
INSERT INTO parents VALUES (1);
INSERT INTO children VALUES (1, 1);
DELETE FROM parents;
ALTER TABLE children ADD FOREIGN KEY (parent) REFERENCES parents;
DELETE FROM children;
RESET ROLE;
DROP EVENT TRIGGER softdelete_regress_inner;

-- A deletion whose rows are back is marked so, also where triggers catch errors or run statements in between.
SET ROLE regress_inner;
CREATE TABLE log (id int);
CREATE FUNCTION write_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO regress_inner.log VALUES (new.id);
    PERFORM regress_inner.to_int('x');
    RETURN new;
END $$;
CREATE TABLE before (id int PRIMARY KEY);
CREATE TABLE after (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('before') b, softdelete.register('after') a;
CREATE TRIGGER log BEFORE UPDATE ON before FOR EACH ROW EXECUTE FUNCTION write_log();
CREATE TRIGGER log AFTER UPDATE ON after FOR EACH ROW EXECUTE FUNCTION write_log();
INSERT INTO before VALUES (1), (2), (3);
INSERT INTO after VALUES (1), (2), (3);
DELETE FROM before;
DELETE FROM after;
UPDATE before SET deleted_at = NULL WHERE id = 1;
UPDATE after SET deleted_at = NULL WHERE id = 1;
SELECT softdelete.restore('before', 2), softdelete.restore('after', 2);
SELECT relation, rows, restored_at IS NOT NULL AS is_restored FROM softdelete.deletions
    WHERE relation IN ('before'::regclass, 'after'::regclass) ORDER BY id;
UPDATE before SET deleted_at = NULL WHERE id = 3;
SELECT softdelete.restore('after', 3);
SELECT relation, rows, restored_at IS NOT NULL AS is_restored FROM softdelete.deletions
    WHERE relation IN ('before'::regclass, 'after'::regclass) ORDER BY id;
-- Not where the restore itself was rolled back.
DELETE FROM before;
BEGIN;
SAVEPOINT s;
UPDATE before SET deleted_at = NULL;
ROLLBACK TO s;
COMMIT;
SELECT rows, restored_at IS NOT NULL AS is_restored FROM softdelete.deletions
    WHERE relation = 'before'::regclass ORDER BY id DESC LIMIT 1;

-- The log of purges counts rows that a foreign key took along, and none of a savepoint that was rolled back.
CREATE TABLE owners (id int PRIMARY KEY);
CREATE TABLE pets (id int PRIMARY KEY, owner int REFERENCES owners ON DELETE CASCADE);
CREATE INDEX ON pets (owner);
SELECT count(*) > 0 AS registered FROM softdelete.register('pets', retention => '1 day');
INSERT INTO owners SELECT generate_series(1, 5);
INSERT INTO pets (id, owner, deleted_at) SELECT g, g, now() - interval '2 days' FROM generate_series(1, 5) g;
CREATE FUNCTION remove_owners() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM regress_inner.owners WHERE id = 1;
    BEGIN
        DELETE FROM regress_inner.owners WHERE id = 2;
    EXCEPTION WHEN raise_exception THEN
        NULL;
    END;
    BEGIN
        DELETE FROM regress_inner.owners WHERE id = 3;
        RAISE 'not this one';
    EXCEPTION WHEN raise_exception THEN
        NULL;
    END;
    DELETE FROM regress_inner.owners WHERE id = 4;
END $$;
SELECT remove_owners();
SELECT id FROM all_pets ORDER BY id;
SELECT state, removed FROM softdelete.purge_log WHERE relation = 'pets'::regclass;

-- An error within a cascade leaves no plan behind: one is kept, whatever becomes of the table.
CREATE TABLE herds (id int PRIMARY KEY);
CREATE TABLE sheep (id int PRIMARY KEY, herd int REFERENCES herds ON DELETE CASCADE);
CREATE INDEX ON sheep (herd);
SELECT count(*) > 0 AS registered FROM softdelete.register('herds', cascade => true);
INSERT INTO herds VALUES (1), (2);
INSERT INTO sheep VALUES (1, 1), (2, 2);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.id = 1 THEN
        RAISE 'not this one';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON sheep FOR EACH ROW EXECUTE FUNCTION refuse();
\set VERBOSITY terse
DELETE FROM herds WHERE id = 1; -- fails
\set VERBOSITY default
ALTER TABLE sheep SET (fillfactor = 90);
BEGIN; DELETE FROM herds WHERE id = 2; ROLLBACK;
ALTER TABLE sheep SET (fillfactor = 80);
BEGIN; DELETE FROM herds WHERE id = 2; ROLLBACK;
ALTER TABLE sheep SET (fillfactor = 70);
DELETE FROM herds WHERE id = 2;
RESET ROLE;
SELECT count(*) FROM pg_backend_memory_contexts
    WHERE name = 'CachedPlanSource' AND ident LIKE '/* softdelete cascade */ DELETE FROM ONLY regress_inner.sheep %';

-- A trigger between two levels of a cascade catches the failure of a cascade of its own: the levels go on where they were.
-- And a failure leaves nothing in memory until the transaction ends.
SET client_min_messages = error;
SET ROLE regress_inner;
CREATE TABLE tops (id int PRIMARY KEY);
CREATE TABLE mids (id int PRIMARY KEY, top int REFERENCES tops ON DELETE CASCADE);
CREATE TABLE leaves (id int PRIMARY KEY, mid int REFERENCES mids ON DELETE CASCADE);
CREATE TABLE kept (id int PRIMARY KEY, leaf int REFERENCES leaves ON DELETE RESTRICT);
CREATE TABLE seen (id int GENERATED ALWAYS AS IDENTITY, what text);
SELECT count(*) > 0 AS registered FROM softdelete.register('tops', cascade => true);
SELECT count(*) > 0 AS registered FROM softdelete.register('kept');
INSERT INTO tops SELECT generate_series(1, 10);
INSERT INTO mids SELECT i, i FROM generate_series(1, 10) i;
INSERT INTO leaves SELECT i, i FROM generate_series(1, 10) i;
INSERT INTO kept SELECT i, i FROM generate_series(2, 10) i;
CREATE FUNCTION try_another() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO seen (what) VALUES (TG_TABLE_NAME || ' ' || NEW.id);
    IF NEW.id = 1 THEN
        DELETE FROM tops WHERE id = 2;
    END IF;
    RETURN NULL;
EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN
    INSERT INTO seen (what) VALUES ('refused');
    RETURN NULL;
END $$;
CREATE TRIGGER try_another AFTER UPDATE ON mids FOR EACH ROW EXECUTE FUNCTION try_another();
CREATE TRIGGER try_another AFTER UPDATE ON leaves FOR EACH ROW EXECUTE FUNCTION try_another();
DELETE FROM tops WHERE id = 1;
SELECT what FROM seen ORDER BY id;
SELECT (SELECT array_agg(id) FROM deleted_tops) AS tops, (SELECT array_agg(id) FROM deleted_mids) AS mids,
    (SELECT array_agg(id) FROM deleted_leaves) AS leaves;
DROP TRIGGER try_another ON mids;
DROP TRIGGER try_another ON leaves;
RESET ROLE;
CREATE PROCEDURE fail(times int) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..times LOOP
        BEGIN
            DELETE FROM tops WHERE id = 2 + i % 9;
        EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN
        END;
    END LOOP;
END $$;
BEGIN;
CALL fail(100);
SELECT sum(used_bytes) AS before FROM pg_backend_memory_contexts \gset
CALL fail(1000);
SELECT (sum(used_bytes) - :before) / 1000 < 200 AS is_all_freed FROM pg_backend_memory_contexts;
COMMIT;

SET client_min_messages = warning;
DROP SCHEMA regress_inner CASCADE;
DROP ROLE regress_inner;
