-- unregister() takes back what register() did, and refuses to make deleted rows live by accident.
CREATE ROLE regress_unregister_owner;
CREATE SCHEMA regress_unregister AUTHORIZATION regress_unregister_owner;
SET SESSION AUTHORIZATION regress_unregister_owner;
SET search_path = regress_unregister;
\pset format unaligned
CREATE VIEW objects AS
    SELECT c.relname AS relation, a.attname AS object, format_type(a.atttypid, a.atttypmod) AS what, col_description(c.oid, a.attnum) AS comment
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'regress_unregister'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname NOT IN ('objects', 'before')
    UNION ALL SELECT c.relname, t.tgname, pg_get_triggerdef(t.oid), NULL FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid
    WHERE c.relnamespace = 'regress_unregister'::regnamespace AND NOT t.tgisinternal
    UNION ALL SELECT c.relname, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), obj_description(i.indexrelid, 'pg_class')
    FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid WHERE c.relnamespace = 'regress_unregister'::regnamespace
    UNION ALL SELECT c.relname, k.conname, pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint')
    FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid WHERE c.relnamespace = 'regress_unregister'::regnamespace;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, name text);
CREATE TABLE posts (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE CASCADE, removed timestamptz);
COMMENT ON COLUMN posts.removed IS 'when, if ever';
CREATE INDEX ON posts ("user");
CREATE TABLE before AS TABLE objects;

-- All of it, nothing left.
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
SELECT count(*) > 0 AS registered FROM softdelete.register('posts', deleted_at => 'removed');
SELECT object, action, command FROM softdelete.unregister('users');
SELECT object, action, command FROM softdelete.unregister('posts');
(TABLE objects EXCEPT TABLE before) UNION ALL (TABLE before EXCEPT TABLE objects);
SELECT relation FROM softdelete.tables WHERE relation::text IN ('users', 'posts');

-- Deleted rows: refused by default, with their number.
SELECT count(*) > 0 AS registered FROM softdelete.register('users', cascade => true);
INSERT INTO users VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO posts VALUES (1, 1), (2, 2);
DELETE FROM users WHERE id < 3;
SELECT * FROM softdelete.unregister('users'); -- fails
SELECT count(*) FROM deleted_users;

-- keep: refused where a unique constraint would not hold, naming the key.
INSERT INTO users VALUES (4, 'a');
SELECT * FROM softdelete.unregister('users', deleted_rows => 'keep'); -- fails
DELETE FROM users WHERE id = 4;
UPDATE users SET deleted_at = NULL WHERE id = 4;
UPDATE users SET email = 'd' WHERE id = 4;
SELECT object, action, command FROM softdelete.unregister('users', deleted_rows => 'keep') WHERE object LIKE '%column%';
SELECT id, email, deleted_at IS NULL AS live, deleted_by, deletion_id IS NULL AS plain FROM users ORDER BY id;

-- What was kept can be taken on again.
SELECT object, action FROM softdelete.register('users') WHERE object LIKE 'column%' OR object LIKE '%deletion%';
SELECT id FROM users ORDER BY id;

-- purge: the deleted rows are removed, by the rules of the foreign keys.
SELECT object, action, command FROM softdelete.unregister('users', deleted_rows => 'purge') WHERE command LIKE '%DELETE FROM%';
SELECT id, email FROM users ORDER BY id;
SELECT count(*) FROM posts;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('posts', deleted_rows => 'purge');
(TABLE objects EXCEPT TABLE before) UNION ALL (TABLE before EXCEPT TABLE objects);

-- Rows that something keeps from going stop it, and nothing is half done.
CREATE FUNCTION veto() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
DELETE FROM users WHERE id = 3;
CREATE TRIGGER veto BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION veto();
SELECT * FROM softdelete.unregister('users', deleted_rows => 'purge'); -- fails
DROP TRIGGER veto ON users;
SELECT count(*) FROM deleted_users;

-- Deferred foreign keys do not stand in the way.
CREATE TABLE notes (id int PRIMARY KEY, "user" int REFERENCES users DEFERRABLE INITIALLY DEFERRED);
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('users', deleted_rows => 'purge');
SELECT id FROM users;

-- Objects that depend on our views are the user's to drop.
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
CREATE VIEW mine AS SELECT id FROM active_users;
SELECT * FROM softdelete.unregister('users'); -- fails
DROP VIEW mine;

-- An index that was dropped meanwhile stays dropped.
SET row_security = off; -- as pg_restore does: nothing is refused
DROP INDEX users_email_key;
RESET row_security;
SELECT object, action, command FROM softdelete.unregister('users') WHERE object LIKE '%email%';

-- purge: foreign keys take nothing along that may not go by itself: no live rows, none within their retention.
CREATE TABLE shops (id int PRIMARY KEY);
CREATE TABLE shelves (id int PRIMARY KEY, shop int REFERENCES shops ON DELETE CASCADE);
CREATE TABLE goods (id int PRIMARY KEY, shelf int REFERENCES shelves ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('shops', retention => '1 year');
SELECT count(*) > 0 AS registered FROM softdelete.register('goods');
INSERT INTO shops VALUES (1);
INSERT INTO shelves VALUES (1, 1);
INSERT INTO goods VALUES (1, 1);
DELETE FROM shops;
SELECT * FROM softdelete.unregister('shops', deleted_rows => 'purge'); -- fails
DELETE FROM goods;
SELECT count(*) FROM softdelete.configure('goods', retention => '1 year');
\set VERBOSITY terse
SELECT * FROM softdelete.unregister('shops', deleted_rows => 'purge'); -- fails
\set VERBOSITY default
SELECT count(*) FROM softdelete.configure('goods', keep_forever => true);
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('shops', deleted_rows => 'purge');
SELECT count(*) FROM all_goods;


-- A condition on our deleted_at that the author of an index wrote is his: it stays with the column, also under
-- indexes => 'none', and goes with it. One that was added for him goes in each case.
CREATE TABLE seats (id int PRIMARY KEY, a int, b int, c int, d int REFERENCES shelves);
CREATE FUNCTION conditions() RETURNS TABLE (index name, is_unique boolean, condition text) LANGUAGE sql AS $$
    SELECT c.relname, i.indisunique, pg_get_expr(i.indpred, i.indrelid)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 'seats'::regclass AND c.relname LIKE 'his%' OR
        i.indrelid = 'seats'::regclass AND c.relname LIKE 'our%' ORDER BY 1 $$;
CREATE PROCEDURE make_indexes() LANGUAGE plpgsql AS $$ BEGIN
    CREATE UNIQUE INDEX his_unique ON seats (a) WHERE deleted_at IS NULL;
    CREATE UNIQUE INDEX his_longer ON seats (b) WHERE deleted_at IS NULL AND b > 0;
    CREATE INDEX his_plain ON seats (c) WHERE deleted_at IS NULL;
    CREATE INDEX our_plain ON seats (c);
    CREATE UNIQUE INDEX our_unique ON seats (id, a) WHERE a > 0;
END $$;
SELECT count(*) > 0 AS registered FROM softdelete.register('seats', deleted_by => NULL);
CALL make_indexes();
SELECT * FROM conditions();
SELECT count(*) > 0 AS configured FROM softdelete.configure('seats', indexes => 'none');
SELECT * FROM conditions();
SELECT count(*) > 0 AS configured FROM softdelete.configure('seats', indexes => 'all');
SELECT * FROM conditions();
INSERT INTO seats VALUES (1, 1, 1, 1), (2, 2, 2, 2);
DELETE FROM seats;
INSERT INTO seats VALUES (3, 1, 1, 1);
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('seats', deleted_rows => 'keep');
SELECT * FROM conditions();
DELETE FROM seats;
ALTER TABLE seats DROP COLUMN deleted_at CASCADE;
ALTER TABLE seats DROP COLUMN deletion_id CASCADE;
DROP INDEX our_plain, our_unique;
SELECT count(*) > 0 AS registered FROM softdelete.register('seats', deleted_by => NULL);
CALL make_indexes();
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('seats');
SELECT * FROM conditions();
