-- Undo of several deletions by actor, time and table: all of them or none, the newest first, with the rights that undo of each
-- needs; undo_preview shows the same and changes nothing.
\set VERBOSITY terse
CREATE ROLE regress_undo_owner;
CREATE ROLE regress_undo_clerk;
CREATE ROLE regress_undo_reader;
CREATE ROLE regress_undo_stranger;
CREATE SCHEMA regress_undo AUTHORIZATION regress_undo_owner;
GRANT USAGE ON SCHEMA regress_undo TO PUBLIC;
SET SESSION AUTHORIZATION regress_undo_owner;
SET search_path = regress_undo;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE);
CREATE TABLE "Or'ders" (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE CASCADE);
CREATE TABLE tags (tag text, "user" int REFERENCES users ON DELETE CASCADE, PRIMARY KEY (tag, "user"));
CREATE TABLE notes (id int PRIMARY KEY);
CREATE INDEX ON "Or'ders" ("user");
CREATE INDEX ON tags ("user");
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
SELECT count(*) > 0 AS registered FROM softdelete.register('"Or''ders"');
SELECT count(*) > 0 AS registered FROM softdelete.register('tags', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('notes');
INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 9) i;
INSERT INTO "Or'ders" SELECT i, 1 + i % 9 FROM generate_series(1, 18) i;
INSERT INTO tags SELECT 'red', i FROM generate_series(1, 9) i;
INSERT INTO notes SELECT generate_series(1, 9);
CREATE VIEW live AS SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM "Or'ders") AS orders,
    (SELECT count(*) FROM tags) AS tags, (SELECT count(*) FROM notes) AS notes;
-- Ids begin anywhere: numbered from the first of the test.
CREATE FUNCTION number(id bigint) RETURNS bigint LANGUAGE sql AS
    'SELECT count(*) FROM softdelete.deletions d WHERE d.id <= number.id AND d.relation::text ~ ''^(users|"Or.*|tags|notes)$''';
SELECT clock_timestamp() AS begun \gset

-- A job deletes here and there, others as well; a child first and its parent later.
SET softdelete.actor = 'job';
DELETE FROM "Or'ders" WHERE id = 1;
DELETE FROM notes WHERE id = 1;
DELETE FROM users WHERE id = 2;
SET softdelete.actor = 'ann';
DELETE FROM users WHERE id = 5;
SET softdelete.actor = 'job';
DELETE FROM notes WHERE id = 2;
RESET softdelete.actor;
SELECT clock_timestamp() AS ended \gset
SELECT * FROM live;

-- The preview has them in the order in which they come back, and what each holds. It changes nothing.
SELECT number(deletion_id), deleted_by, relation, action, rows, key, detail FROM softdelete.undo_preview(actor => 'job', since => :'begun');
SELECT number(deletion_id), deleted_by, relation, action, rows FROM softdelete.undo_preview(actor => NULL, since => :'begun', relation => 'tags');
SELECT number(deletion_id), deleted_by, relation, action, rows FROM softdelete.undo_preview(relation => '"Or''ders"', since => :'begun');
SELECT number(deletion_id), deleted_by, relation, action, rows FROM softdelete.undo_preview(relation => 'notes', since => :'begun', until => :'begun');
SELECT count(*) FROM softdelete.undo_preview(actor => 'job', since => :'ended');
BEGIN READ ONLY;
SELECT count(*) FROM softdelete.undo_preview(actor => 'job', since => :'begun', relation => 'notes', until => :'ended');
COMMIT;
SELECT * FROM live;

-- One table of it; then the rest, where a child is below a parent that comes back with it. Who and how many is in the log.
SET softdelete.actor = 'night watch';
SELECT softdelete.undo(actor => 'job', since => :'begun', relation => 'notes');
SELECT * FROM live;
SELECT softdelete.undo(actor => 'job', since => :'begun', until => :'ended');
SELECT * FROM live;
RESET softdelete.actor;
SELECT number(id), deleted_by, rows, restored_at IS NOT NULL AS restored, restored_by, restored FROM softdelete.deletions
    WHERE deleted_at >= :'begun' ORDER BY id;

-- Nothing is left of them: a notice and no row. What others deleted stays deleted.
SELECT softdelete.undo(actor => 'job', since => :'begun');
SELECT id FROM deleted_users ORDER BY id;
SELECT softdelete.undo(relation => 'users', since => :'begun');

-- What was restored in parts, by restore and by hand, adds up: the log has what restore and undo brought back.
SET softdelete.actor = 'job';
DELETE FROM users WHERE id IN (3, 4, 6);
SET softdelete.actor = 'bob';
SELECT softdelete.restore('users', 3);
UPDATE users SET deleted_at = NULL WHERE id = 4;
SELECT number(id), rows, restored_at IS NOT NULL AS is_restored, restored_by, restored FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SET softdelete.actor = 'cid';
SELECT softdelete.undo(actor => 'job', since => :'ended');
UPDATE "Or'ders" SET deleted_at = NULL WHERE deleted_at IS NOT NULL;
UPDATE users SET deleted_at = NULL WHERE deleted_at IS NOT NULL;
SELECT number(id), rows, restored_at IS NOT NULL AS is_restored, restored_by, restored FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
DELETE FROM notes WHERE id = 9;
SET softdelete.actor = 'dan';
UPDATE notes SET deleted_at = NULL WHERE id = 9;
SELECT restored_at IS NOT NULL AS is_restored, restored_by, restored FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
RESET softdelete.actor;

-- In whatever order they were: the older deletion took the parent of a row that the newer one took.
SELECT clock_timestamp() AS begun \gset
BEGIN;
SET LOCAL softdelete.actor = 'a';
DELETE FROM notes WHERE id = 3;
SET LOCAL softdelete.actor = 'b';
DELETE FROM "Or'ders" WHERE id = 6;
SET LOCAL softdelete.actor = 'a';
DELETE FROM users WHERE id = 7;
COMMIT;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions; -- fails
SELECT softdelete.undo(actor => 'b', since => :'begun'); -- fails
SELECT action, relation, rows, key, detail FROM softdelete.undo_preview(actor => 'b', since => :'begun');
SELECT number(deletion_id) - min(number(deletion_id)) OVER () AS place, action, relation, rows, key, detail
    FROM softdelete.undo_preview(actor => NULL, since => :'begun');
SELECT softdelete.undo(actor => NULL, since => :'begun');
SELECT * FROM live;

-- Triggers see the newest come back first, and below it what it took last.
CREATE TABLE seen (place int GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF old.deleted_at IS NOT NULL AND new.deleted_at IS NULL THEN
        INSERT INTO regress_undo.seen (what) VALUES (tg_table_name || ' ' || new.id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER see AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION see();
CREATE TRIGGER see AFTER UPDATE ON "Or'ders" FOR EACH ROW EXECUTE FUNCTION see();
SELECT clock_timestamp() AS begun \gset
DELETE FROM "Or'ders" WHERE id = 1;
DELETE FROM "Or'ders" WHERE id = 10;
DELETE FROM users WHERE id = 3;
SELECT softdelete.undo(relation => 'users', since => :'begun');
SELECT softdelete.undo(relation => '"Or''ders"', since => :'begun');
SELECT string_agg(what, ', ' ORDER BY place) FROM seen;
DROP TRIGGER see ON users;
DROP TRIGGER see ON "Or'ders";

-- All or nothing: one is in the way of all. The preview names it, also where two of them have the same value.
SELECT clock_timestamp() AS begun \gset
DELETE FROM notes WHERE id = 4;
DELETE FROM users WHERE id = 8;
INSERT INTO users VALUES (18, 'u8');
DELETE FROM notes WHERE id = 5;
SELECT action, relation, rows, key, detail FROM softdelete.undo_preview(actor => NULL, since => :'begun');
SELECT softdelete.undo(actor => NULL, since => :'begun'); -- fails
SELECT * FROM live;
DELETE FROM users WHERE id = 18;
SELECT action, relation, rows, key, detail FROM softdelete.undo_preview(actor => NULL, since => :'begun');
SELECT softdelete.undo(actor => NULL, since => :'begun'); -- fails
SELECT * FROM live;
SELECT softdelete.undo(relation => 'notes', since => :'begun');

-- The rights are those of undo of each: all are refused where one is.
INSERT INTO notes VALUES (20);
GRANT SELECT, DELETE, UPDATE ON notes TO regress_undo_clerk;
GRANT SELECT, DELETE ON users TO regress_undo_clerk;
GRANT SELECT ON "Or'ders", tags, tags_archive TO regress_undo_clerk;
GRANT SELECT ON notes TO regress_undo_reader;
SELECT clock_timestamp() AS begun \gset
SET SESSION AUTHORIZATION regress_undo_clerk;
DELETE FROM notes WHERE id = 6;
DELETE FROM users WHERE id = 9;
SELECT action, relation, rows, detail FROM softdelete.undo_preview(actor => 'regress_undo_clerk', since => :'begun');
SELECT softdelete.undo(actor => 'regress_undo_clerk', since => :'begun'); -- fails
SELECT count(*) FROM notes WHERE id = 6;
SELECT softdelete.undo(relation => 'notes', since => :'begun');
SELECT count(*) FROM notes WHERE id = 6;
SELECT restored_by, restored FROM softdelete.deletions WHERE relation = 'notes'::regclass ORDER BY id DESC LIMIT 1;
-- A reader sees what there is, and that he may not; what was restored of tables that he may not read is left out.
SET SESSION AUTHORIZATION regress_undo_owner;
DELETE FROM notes WHERE id = 6;
DELETE FROM users WHERE id = 6;
SET SESSION AUTHORIZATION regress_undo_reader;
SELECT action, relation, rows, detail FROM softdelete.undo_preview(actor => NULL, since => :'begun');
SELECT softdelete.undo(actor => NULL, since => :'begun'); -- fails
SELECT DISTINCT relation FROM softdelete.deletions WHERE restored_by IS NOT NULL;
SELECT set_config('undo.id', max(id)::text, false) IS NOT NULL AS is_set FROM softdelete.deletions WHERE relation = 'notes'::regclass;
-- A stranger learns of nothing.
SET SESSION AUTHORIZATION regress_undo_stranger;
SELECT * FROM softdelete.undo_preview(actor => NULL, since => '-infinity');
SELECT softdelete.undo(actor => NULL, since => '-infinity');
SELECT softdelete.undo(relation => 'regress_undo.notes', since => '-infinity');
SELECT count(*) FROM softdelete.undo_preview((SELECT current_setting('undo.id')::bigint)); -- fails
SET SESSION AUTHORIZATION regress_undo_owner;

-- One argument is an id in any form; since is always said.
PREPARE undo_one AS SELECT softdelete.undo($1);
DELETE FROM notes WHERE id = 20 RETURNING deletion_id AS d \gset
EXECUTE undo_one(:d);
SELECT softdelete.undo(:'d');
SELECT action, relation, rows FROM softdelete.undo_preview(:d);
SELECT softdelete.undo(actor => 'job', since => NULL); -- fails
SELECT softdelete.undo(relation => NULL, since => now()); -- fails
SELECT softdelete.undo(relation => 'seen', since => now()); -- fails

-- A literal without a type is taken for an actor, be it the name of a table: an error says so where it is nobody's.
SELECT softdelete.undo('notes', now() - interval '1 hour'); -- fails
SELECT softdelete.undo('NOTES', now()); -- fails
SELECT softdelete.undo('regress_undo.notes', now()); -- fails
SELECT softdelete.undo('"Or''ders"', now()); -- fails
SELECT softdelete.undo('Or''ders', now()); -- fails
SELECT * FROM softdelete.undo_preview('notes', now()); -- fails
-- Without a time there is no such function: the hint says what to call. One of somebody else's is not meant.
CREATE FUNCTION hint_of(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE command;
    RETURN NULL;
EXCEPTION WHEN undefined_function THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || CASE WHEN hint LIKE '%softdelete.undo%' THEN ' ' || hint ELSE ' the server''s' END;
END $$;
SELECT hint_of(c) FROM unnest(ARRAY['SELECT softdelete.undo(relation => ''notes'')', 'SELECT softdelete.undo(actor => ''job'')', 'SELECT softdelete.undo()',
    'SELECT * FROM softdelete.undo_preview(relation => ''notes''::regclass)', 'SELECT undo(relation => ''notes'')', 'SELECT softdelete.restored()']) WITH ORDINALITY AS t (c, n) ORDER BY n;
DROP FUNCTION hint_of;
SELECT softdelete.undo('notes'::regclass, now());
SELECT softdelete.undo('notes'::text, now(), 'notes');
SELECT softdelete.undo('nobody', now());
SELECT softdelete.undo('job', now());
SELECT softdelete.undo('pg_class', now());
SELECT * FROM softdelete.undo_preview(relation => 'live', since => now()); -- fails

-- By a partition or a table of an inheritance tree the whole is meant.
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parts DEFAULT;
CREATE TABLE line (id int PRIMARY KEY);
CREATE TABLE heir (PRIMARY KEY (id)) INHERITS (line);
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
SELECT count(*) > 0 AS registered FROM softdelete.register('line');
INSERT INTO parts VALUES (1), (2);
INSERT INTO line VALUES (1);
INSERT INTO heir VALUES (2);
DELETE FROM part WHERE id = 1;
DELETE FROM parts WHERE id = 2;
DELETE FROM heir;
DELETE FROM line;
SELECT relation, sum(rows) FROM softdelete.undo_preview(relation => 'part', since => '-infinity') GROUP BY 1;
SELECT softdelete.undo(relation => 'part', since => '-infinity');
SELECT softdelete.undo(relation => 'heir', since => '-infinity');

-- Who restored rows of a subject is forgotten with the subject, as who deleted them.
INSERT INTO notes VALUES (32), (33);
DELETE FROM notes WHERE id IN (32, 33);
SELECT max(id) AS d FROM softdelete.deletions WHERE relation = 'notes'::regclass \gset
SELECT softdelete.restore('notes', 32);
SELECT deleted_by, restored_by, restored FROM softdelete.deletions WHERE id = :d;
SELECT softdelete.erase('notes', 'asked', 33) ->> 'action' AS action;
SELECT deleted_by, restored_by, restored FROM softdelete.deletions WHERE id = :d;
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_undo_owner, regress_undo_clerk, regress_undo_reader, regress_undo_stranger;
DROP ROLE regress_undo_owner, regress_undo_clerk, regress_undo_reader, regress_undo_stranger;
