-- UPDATE of deleted_at, as applications and ORMs write it, is a soft delete or a restore, and cannot be anything else.
CREATE ROLE regress_update_owner;
CREATE ROLE regress_update_user;
GRANT regress_update_user TO regress_update_owner;
CREATE SCHEMA regress_update AUTHORIZATION regress_update_owner;
SET SESSION AUTHORIZATION regress_update_owner;
SET search_path = regress_update;
GRANT USAGE ON SCHEMA regress_update TO regress_update_user;
CREATE TABLE users (id int PRIMARY KEY, name text, email text UNIQUE);
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
INSERT INTO users (id, name, email) SELECT g, 'user ' || g, g || '@example.org' FROM generate_series(1, 30) g;
GRANT SELECT, UPDATE (name, deleted_at) ON users TO regress_update_user;
CREATE FUNCTION state(first int, last int)
    RETURNS TABLE (id int, name text, deleted boolean, by text, in_deletion boolean) LANGUAGE sql AS
    'SELECT id, name, deleted_at IS NOT NULL, deleted_by, deletion_id IS NOT NULL FROM users
     WHERE softdelete.include_deleted(deleted_at) AND id BETWEEN first AND last ORDER BY id';
\set QUIET off

-- It gets what a DELETE gets: actor and deletion.
UPDATE users SET deleted_at = now() WHERE id = 1;
SELECT * FROM state(1, 1);

-- An actor that the statement names itself stays; so do the other assignments.
UPDATE users SET deleted_at = now(), deleted_by = 'support', name = 'gone' WHERE id = 2;
SELECT * FROM state(2, 2);

-- Both ways of deleting belong to the same deletion.
BEGIN;
UPDATE users SET deleted_at = now() WHERE id = 3;
DELETE FROM users WHERE id = 4;
COMMIT;
SELECT count(DISTINCT deletion_id) FROM users WHERE deleted_at IS NOT NULL AND id IN (3, 4);

-- A time in the past is taken as it is.
UPDATE users SET deleted_at = '2020-02-02 00:00+00' WHERE id = 5;
SELECT deleted_at = '2020-02-02 00:00+00' AS as_given, deletion_id IS NOT NULL AS in_deletion FROM users
    WHERE deleted_at IS NOT NULL AND id = 5;

-- One that is more than a day ahead, or never, is refused.
\set VERBOSITY sqlstate
UPDATE users SET deleted_at = now() + interval '25 hours' WHERE id = 6; -- fails
UPDATE users SET deleted_at = 'infinity' WHERE id = 6; -- fails
UPDATE users SET deleted_at = '-infinity' WHERE id = 6; -- fails
\set VERBOSITY default
UPDATE users SET deleted_at = 'infinity' WHERE id = 6; -- fails
SELECT * FROM state(6, 6);

-- What else the statement assigns may run statements of its own: they do not mix.
CREATE FUNCTION rename(int) RETURNS text LANGUAGE sql AS
    'UPDATE users SET name = ''renamed'', deleted_at = deleted_at WHERE id = $1 RETURNING name';
CREATE FUNCTION remove(int) RETURNS text LANGUAGE sql AS
    'UPDATE users SET deleted_at = now() WHERE id = $1 RETURNING name';
UPDATE users SET deleted_at = now(), name = rename(8) WHERE id = 7;
UPDATE users SET deleted_at = deleted_at, name = remove(8) WHERE id = 9;
SELECT * FROM state(7, 9);

-- Rows are decided one by one.
UPDATE users SET deleted_at = CASE WHEN id = 10 THEN now() END WHERE id IN (10, 11);
SELECT * FROM state(10, 11);

-- Parameters do as literals do, whatever the plan.
PREPARE remove (int, timestamptz) AS UPDATE users SET deleted_at = $2 WHERE id = $1;
SET plan_cache_mode = force_generic_plan;
EXECUTE remove (12, now());
EXECUTE remove (12, now());
EXECUTE remove (13, NULL);
RESET plan_cache_mode;
SELECT * FROM state(12, 13);

-- A deleted row is not updated: a stale save of the whole row neither revives nor changes it.
UPDATE users SET name = 'stale', email = '1@example.org', deleted_at = NULL, deleted_by = NULL WHERE id = 1;
UPDATE users SET name = 'stale' WHERE id = 1;
UPDATE users SET deleted_at = now() WHERE id = 1;
SELECT * FROM state(1, 1);

-- A parameter that is NULL restores as the literal does.
EXECUTE remove (1, NULL);
SELECT * FROM state(1, 1);
DELETE FROM users WHERE id = 1;

-- Assigning the literal NULL, and nothing but the extension's columns besides, brings the row back.
UPDATE users SET deleted_at = NULL WHERE id = 1;
UPDATE users SET deleted_at = NULL, deleted_by = NULL, deletion_id = NULL WHERE id = 2 RETURNING id, name;
UPDATE users SET (deleted_at, deleted_by) = (NULL, NULL) WHERE id = 3;
UPDATE users SET deleted_at = NULL::timestamptz WHERE id = 4;
SELECT * FROM state(1, 4);

-- There is nothing to bring back in a live row.
UPDATE users SET deleted_at = NULL WHERE id = 14;
UPDATE users SET deleted_at = NULL WHERE id = 14 RETURNING id;

-- The views do the same.
UPDATE deleted_users SET deleted_at = NULL WHERE id = 5 RETURNING id;
UPDATE active_users SET deleted_at = NULL WHERE id = 10;
SELECT * FROM state(5, 5);

-- A value that a live row has taken meanwhile keeps the row where it is.
DELETE FROM users WHERE id = 15;
INSERT INTO users (id, name, email) VALUES (115, 'other', '15@example.org');
UPDATE users SET deleted_at = NULL WHERE id = 15; -- fails
SELECT * FROM state(15, 15);

-- deletion_id is the extension's.
UPDATE users SET deletion_id = 1 WHERE id = 16; -- fails
UPDATE users SET deleted_at = now(), deletion_id = 1 WHERE id = 16; -- fails
UPDATE users SET deletion_id = deletion_id, name = 'same' WHERE id = 16;
UPDATE users SET deletion_id = NULL WHERE id = 16;
INSERT INTO users (id, deletion_id) VALUES (116, 1); -- fails
INSERT INTO users (id, deleted_at, deletion_id) VALUES (116, NULL, NULL), (117, '2020-01-01', 7); -- fails
UPDATE users SET deletion_id = 7 WHERE deleted_at IS NOT NULL; -- fails
SELECT * FROM state(16, 16);

-- Nor does writing NULL to it take a row out of its deletion.
UPDATE users SET deletion_id = NULL WHERE id = 12 AND deleted_at IS NOT NULL;
SELECT * FROM state(12, 12);

-- The owner may change when a row was deleted; it stays in its deletion.
DELETE FROM users WHERE id = 17 RETURNING deletion_id AS id \gset
UPDATE users SET deleted_at = '2021-01-01 00:00+00' WHERE id = 17 AND deleted_at IS NOT NULL;
SELECT deleted_at = '2021-01-01 00:00+00' AS as_given, deletion_id = :id AS same FROM users WHERE id = 17 AND deleted_at IS NOT NULL;

-- Others may not; they may save it unchanged.
SET ROLE regress_update_user;
UPDATE users SET deleted_at = now() WHERE id = 17 AND deleted_at IS NOT NULL; -- fails
UPDATE users SET deleted_at = deleted_at, name = 'saved' WHERE id = 17 AND deleted_at IS NOT NULL;
RESET ROLE;
SELECT * FROM state(17, 17);

-- Who may update deleted_at needs no privilege on the columns that the extension writes with it, and gets none.
SET ROLE regress_update_user;
UPDATE users SET deleted_at = now() WHERE id = 18;
UPDATE users SET deleted_at = now(), deleted_by = 'somebody else' WHERE id = 19; -- fails
UPDATE users SET email = 'x', deleted_at = now() WHERE id = 19; -- fails
UPDATE users SET deleted_at = NULL WHERE id = 18;
UPDATE users SET deleted_at = now() WHERE id = 18;
RESET ROLE;
SELECT * FROM state(18, 19);

-- Rows may come in already deleted, with a time that has been.
INSERT INTO users (id, name, deleted_at, deleted_by) VALUES (201, 'imported', '2019-01-01', 'legacy');
INSERT INTO users (id, name, deleted_at) SELECT 202, 'imported', now() UNION ALL SELECT 203, 'live', NULL;
INSERT INTO users (id, name, deleted_at) VALUES (204, 'imported', 'infinity'); -- fails
INSERT INTO users (id, name, deleted_at) VALUES (204, 'live', NULL), (205, 'imported', now() + interval '25 hours'); -- fails
SELECT * FROM state(201, 205);

-- MERGE and upserts that write deleted_at are soft deletes as well.
MERGE INTO users u USING (VALUES (20), (21)) AS s (id) ON s.id = u.id
    WHEN MATCHED AND s.id = 20 THEN UPDATE SET deleted_at = now(), name = 'merged'
    WHEN MATCHED THEN UPDATE SET name = 'merged';
INSERT INTO users (id) VALUES (22) ON CONFLICT (id) DO UPDATE SET deleted_at = now();
SELECT * FROM state(20, 22);

-- A policy that hides deleted rows, as tutorials write it, comes from the user and refuses this way of deleting, with
-- core's message; DELETE works.
CREATE TABLE hidden (id int PRIMARY KEY, deleted_at timestamptz);
SELECT count(*) > 0 AS registered FROM softdelete.register('hidden');
INSERT INTO hidden (id) VALUES (1), (2);
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON hidden USING (true);
CREATE POLICY live ON hidden AS RESTRICTIVE FOR SELECT USING (id < 0 OR deleted_at IS NULL);
GRANT SELECT, UPDATE, DELETE ON hidden TO regress_update_user;
SET ROLE regress_update_user;
UPDATE hidden SET deleted_at = now() WHERE id = 1; -- fails
DELETE FROM hidden WHERE id = 1;
RESET ROLE;

-- The actor is cast to the type of deleted_by; an error names the setting.
CREATE TABLE numbered (id int PRIMARY KEY, deleted_by int);
SELECT count(*) > 0 AS registered FROM softdelete.register('numbered');
INSERT INTO numbered (id) VALUES (1), (2), (3);
DELETE FROM numbered WHERE id = 1 RETURNING deleted_by;
SET softdelete.actor = '42';
DELETE FROM numbered WHERE id = 2 RETURNING deleted_by;
SET softdelete.actor = 'forty-two';
DELETE FROM numbered WHERE id = 3; -- fails
UPDATE numbered SET deleted_at = now() WHERE id = 3; -- fails
RESET softdelete.actor;

-- Without an actor of its own, a text column gets the role set by SET ROLE.
GRANT SELECT, DELETE ON users TO regress_update_user;
SET ROLE regress_update_user;
DELETE FROM users WHERE id = 23 RETURNING deleted_by;
RESET ROLE;
DELETE FROM users WHERE id = 24 RETURNING deleted_by;

-- A table need not record who deletes.
CREATE TABLE anonymous (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('anonymous', deleted_by => NULL);
INSERT INTO anonymous (id) VALUES (1), (2);
DELETE FROM anonymous WHERE id = 1;
UPDATE anonymous SET deleted_at = now() WHERE id = 2;
SELECT id, deletion_id IS NOT NULL AS in_deletion FROM anonymous WHERE deleted_at IS NOT NULL ORDER BY id;

-- Columns without time zone hold local time, and may round up.
CREATE TABLE local_time (id int PRIMARY KEY, deleted_at timestamp);
CREATE TABLE rounded (id int PRIMARY KEY, deleted_at timestamp(0));
CREATE TABLE rounded_zone (id int PRIMARY KEY, deleted_at timestamptz(0));
SELECT count(*) > 0 AS registered FROM softdelete.register('local_time');
SELECT count(*) > 0 AS registered FROM softdelete.register('rounded');
SELECT count(*) > 0 AS registered FROM softdelete.register('rounded_zone');
INSERT INTO local_time (id) VALUES (1), (2), (3);
INSERT INTO rounded (id) SELECT generate_series(1, 20);
INSERT INTO rounded_zone (id) SELECT generate_series(1, 20);
SET TimeZone = 'Asia/Tokyo';
DELETE FROM local_time WHERE id = 1 RETURNING deleted_at = now()::timestamp AS local;
UPDATE local_time SET deleted_at = now() WHERE id = 2;
UPDATE local_time SET deleted_at = now() + interval '2 days' WHERE id = 3; -- fails
UPDATE local_time SET deleted_at = 'infinity' WHERE id = 3; -- fails
DO $$
BEGIN
    FOR i IN 1..10 LOOP
        PERFORM pg_sleep(0.05);
        DELETE FROM rounded WHERE id = i;
        UPDATE rounded SET deleted_at = clock_timestamp() WHERE id = 10 + i;
        DELETE FROM rounded_zone WHERE id = i;
        UPDATE rounded_zone SET deleted_at = clock_timestamp() WHERE id = 10 + i;
    END LOOP;
END
$$;
RESET TimeZone;
SELECT (SELECT count(*) FROM local_time) AS local_time, (SELECT count(*) FROM rounded) AS rounded,
    (SELECT count(*) FROM rounded_zone) AS rounded_zone;

-- Partitions, with another column order as well.
CREATE TABLE parts (id int, note text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 (dropped int, note text, id int);
ALTER TABLE parts_1 DROP COLUMN dropped;
ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES FROM (1) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
INSERT INTO parts (id, note) VALUES (1, 'a'), (2, 'b'), (11, 'c'), (12, 'd');
UPDATE parts SET deleted_at = now(), note = 'gone' WHERE id IN (1, 11);
UPDATE parts_1 SET deleted_at = now() WHERE id = 2;
UPDATE parts SET deleted_at = NULL WHERE id = 11;
SELECT id, note, deleted_by, deletion_id IS NOT NULL AS in_deletion FROM parts WHERE softdelete.include_deleted(deleted_at)
    ORDER BY id;

-- The privilege on deleted_at alone suffices, with nothing else to read or write; generated columns follow. MERGE does both.
CREATE TABLE bulk (id int PRIMARY KEY, note text);
CREATE TABLE derived (id int PRIMARY KEY, deleted_at timestamptz, deleted_by text, note text,
    who text GENERATED ALWAYS AS ('by ' || deleted_by) STORED);
SELECT count(*) > 0 AS registered FROM softdelete.register('bulk');
SELECT count(*) > 0 AS registered FROM softdelete.register('derived');
INSERT INTO bulk VALUES (1, 'a'), (2, 'b');
INSERT INTO derived (id, note) VALUES (1, 'a'), (2, 'b'), (3, 'c');
GRANT UPDATE (deleted_at) ON bulk TO regress_update_user;
SET ROLE regress_update_user;
UPDATE bulk SET deleted_at = now();
UPDATE bulk SET note = 'x', deleted_at = now(); -- fails
UPDATE bulk SET deleted_at = NULL;
RESET ROLE;
SELECT id, deleted_by FROM bulk WHERE softdelete.include_deleted(deleted_at) ORDER BY id;
BEGIN;
UPDATE derived SET deleted_at = now();
SELECT id, who FROM derived WHERE deleted_at IS NOT NULL ORDER BY id;
UPDATE derived SET deleted_at = NULL;
SELECT id, who FROM derived ORDER BY id;
ROLLBACK;
MERGE INTO derived d USING (VALUES (1), (2)) v (id) ON d.id = v.id
    WHEN MATCHED AND v.id = 1 THEN UPDATE SET deleted_at = now() WHEN MATCHED THEN DELETE;
SELECT id, who FROM derived WHERE softdelete.include_deleted(deleted_at) ORDER BY id;

-- An UPDATE that writes the key of a referenced row beside deleted_at, as one that saves all columns does, needs the privilege
-- for it, moves rows to their partition, computes what is generated, and fires triggers on it. So does a MERGE that may delete.
CREATE TABLE keyed (id int PRIMARY KEY, note text);
CREATE TABLE keyed_computed (id int PRIMARY KEY, note text, twice int GENERATED ALWAYS AS (id * 2) STORED);
CREATE TABLE keyed_split (id int PRIMARY KEY, note text) PARTITION BY RANGE (id);
CREATE TABLE keyed_split_1 PARTITION OF keyed_split FOR VALUES FROM (0) TO (10);
CREATE TABLE keyed_split_2 PARTITION OF keyed_split FOR VALUES FROM (10) TO (100);
CREATE TABLE keyed_watched (id int PRIMARY KEY, note text);
DO $$ DECLARE t text; BEGIN
    FOREACH t IN ARRAY ARRAY['keyed', 'keyed_computed', 'keyed_split', 'keyed_watched'] LOOP
        EXECUTE format('CREATE TABLE %I (parent int REFERENCES %I ON UPDATE CASCADE ON DELETE CASCADE)', t || '_children', t);
        EXECUTE format('CREATE INDEX ON %I (parent)', t || '_children');
        PERFORM softdelete.register(t::regclass, cascade => true);
        EXECUTE format('INSERT INTO %I (id) VALUES (1), (2), (3)', t);
        EXECUTE format('INSERT INTO %I (parent) VALUES (1), (2), (3)', t || '_children');
        EXECUTE format('GRANT SELECT, DELETE, UPDATE (note, deleted_at) ON %I TO regress_update_user', t);
    END LOOP;
END $$;
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''id % to %'', OLD.id, NEW.id; RETURN NEW; END';
CREATE TRIGGER watch BEFORE UPDATE OF id ON keyed_watched FOR EACH ROW EXECUTE FUNCTION watch();
CREATE FUNCTION save(t text) RETURNS TABLE (outcome text) LANGUAGE plpgsql AS $$
DECLARE
    statement text;
BEGIN
    FOREACH statement IN ARRAY ARRAY['UPDATE %I SET id = 1, note = ''saved'', deleted_at = NULL WHERE id = 1',
        'UPDATE %I SET id = 21, note = ''moved'', deleted_at = NULL WHERE id = 1',
        'UPDATE %I SET id = 22, note = ''gone'', deleted_at = now() WHERE id = 2',
        'MERGE INTO %I t USING (VALUES (1, 21), (2, 2), (3, 0)) s (id, new) ON t.id = s.id
             WHEN MATCHED AND s.new = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET id = s.new, note = ''merged'''] LOOP
        BEGIN
            EXECUTE format(statement, t);
            RESET ROLE;
            EXECUTE format('SELECT string_agg(concat_ws('' '', p.tableoid::regclass, to_jsonb(p) - ''deleted_at'' - ''deletion_id'', c.parent,
                                c.deleted_at IS NOT NULL), E''\n'' ORDER BY p.id)
                            FROM %I p LEFT JOIN %I c ON c.parent = p.id WHERE softdelete.include_deleted(p.deleted_at)
                                AND softdelete.include_deleted(c.deleted_at)', t, t || '_children') INTO outcome;
            RAISE EXCEPTION USING ERRCODE = 'RR000';
        EXCEPTION WHEN SQLSTATE 'RR000' THEN NULL; WHEN OTHERS THEN outcome := sqlerrm; END;
        RETURN NEXT;
    END LOOP;
END $$;
\pset format unaligned
SELECT * FROM save('keyed');
SELECT * FROM save('keyed_computed');
SELECT * FROM save('keyed_split');
SELECT * FROM save('keyed_watched');
SET ROLE regress_update_user;
SELECT * FROM save('keyed');
RESET ROLE;
GRANT UPDATE (id) ON keyed TO regress_update_user;
SET ROLE regress_update_user;
SELECT * FROM save('keyed');
RESET ROLE;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_update CASCADE;
DROP ROLE regress_update_owner, regress_update_user;
