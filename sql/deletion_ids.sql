-- Rows may carry ids of deletions that the log does not know, from before DROP EXTENSION or from another database. Where
-- other deletions have got those ids meanwhile, registration gives new ones: an undo never revives strangers. In a
-- database of its own.
CREATE ROLE regress_deletion_ids;
CREATE DATABASE regress_deletion_ids OWNER regress_deletion_ids;
\c regress_deletion_ids
ALTER DATABASE regress_deletion_ids SET session_preload_libraries = softdelete;
\c regress_deletion_ids
SET client_min_messages = error;
CREATE EXTENSION softdelete;
SET ROLE regress_deletion_ids;
CREATE SCHEMA "S'1";
SET search_path = "S'1";
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE "Orders" (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
CREATE INDEX ON "Orders" (user_id);
SELECT count(*) > 0 AS registered FROM softdelete.register('users', cascade => true);
INSERT INTO users VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd');
INSERT INTO "Orders" VALUES (1, 1), (2, 2), (3, 3), (4, 4);
DELETE FROM users WHERE id = 1;
DELETE FROM users WHERE id = 2;
DELETE FROM "Orders" WHERE id = 3;
SELECT 'users', id, deletion_id FROM all_users WHERE deleted_at IS NOT NULL
UNION ALL SELECT 'orders', id, deletion_id FROM "all_Orders" WHERE deleted_at IS NOT NULL ORDER BY 3, 1 DESC;
RESET ROLE;
DROP EXTENSION softdelete;
CREATE EXTENSION softdelete;
SET ROLE regress_deletion_ids;
SET search_path = "S'1";

-- Another table is first, and takes the ids 1 and 2. Registering users tells what it does about that.
CREATE TABLE notes (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('notes');
INSERT INTO notes VALUES (1), (2), (3);
DELETE FROM notes WHERE id = 1 RETURNING deletion_id;
DELETE FROM notes WHERE id = 2 RETURNING deletion_id;
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'a trigger fired'; END$$;
CREATE TRIGGER shout BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION shout();
SELECT action, object, command FROM softdelete.register('users') WHERE object LIKE '%deletions%';
DROP TRIGGER shout ON users;

-- The orders of the same deletions get the same new ids; what was the third must make way for one of them.
SELECT action, object, command FROM softdelete.register('"Orders"') WHERE object LIKE '%deletions%';
SELECT 'users', id, deletion_id FROM all_users WHERE deleted_at IS NOT NULL
UNION ALL SELECT 'orders', id, deletion_id FROM "all_Orders" WHERE deleted_at IS NOT NULL ORDER BY 3, 1 DESC;
SELECT id, relation, rows FROM softdelete.deletions ORDER BY id;

-- No id is given twice, and each deletion comes back alone.
DELETE FROM notes WHERE id = 3 RETURNING deletion_id;
SELECT softdelete.undo(1);
SELECT id FROM notes ORDER BY id;
SELECT id FROM users ORDER BY id;
SELECT softdelete.undo(4);
SELECT id FROM users ORDER BY id;
SELECT id FROM "Orders" ORDER BY id;

-- A table that comes back from a dump into the database that it came from knows its deletions by their time.
DELETE FROM users WHERE id = 4 RETURNING deletion_id;
SELECT softdelete.unregister('"Orders"', deleted_rows => 'keep') IS NOT NULL AS unregistered LIMIT 1;
CREATE TABLE copy AS TABLE "Orders";
DROP TABLE "Orders";
ALTER TABLE copy RENAME TO "Orders";
ALTER TABLE "Orders" ADD PRIMARY KEY (id), ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
SELECT action, object FROM softdelete.register('"Orders"') WHERE object LIKE '%deletions%';
SELECT relation, rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;

-- So for a partition that brings ids along.
CREATE TABLE parts (id int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
CREATE TABLE part (id int PRIMARY KEY, deleted_at timestamptz, deleted_by text, deletion_id bigint);
INSERT INTO part VALUES (1, now() - interval '1 day', 'x', 2);
ALTER TABLE parts ATTACH PARTITION part FOR VALUES FROM (0) TO (10);
SELECT deletion_id <> 2 AS renumbered FROM all_parts;
SELECT softdelete.undo(2);
SELECT count(*) FROM parts;

-- Numbers that no deletion ever had: the rows come back alone, and can be anonymized.
CREATE TABLE odd (id int PRIMARY KEY, body text, deleted_at timestamptz, deletion_id bigint);
INSERT INTO odd SELECT row_number() OVER (), 'x', now(), id
FROM unnest('{-9223372036854775808, -9223372036854775807, -1, 0, 9223372036854775806, 9223372036854775807}'::bigint[]) AS id;
SELECT count(*) > 0 AS registered FROM softdelete.register('odd');
SELECT softdelete.set_anonymizer('odd', 'body', '''y''');
SELECT softdelete.anonymize('odd', 'request', 1) -> 'rows' AS rows;
SELECT softdelete.restore('odd', 1);
SELECT softdelete.restore('odd', 2);
SELECT softdelete.restore('odd', 3);
SELECT softdelete.restore('odd', 4);
SELECT softdelete.restore('odd', 5);
SELECT softdelete.restore('odd', 6);
SELECT id, body FROM odd ORDER BY id;
RESET ROLE;
\c contrib_regression
DROP DATABASE regress_deletion_ids;
DROP ROLE regress_deletion_ids;
