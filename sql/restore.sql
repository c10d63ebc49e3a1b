-- Restore brings back one row with what its deletion took along below it; undo brings back a whole deletion.
CREATE ROLE regress_restore;
CREATE SCHEMA regress_restore AUTHORIZATION regress_restore;
SET SESSION AUTHORIZATION regress_restore;
SET search_path = regress_restore;
\set QUIET off

CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, name text);
CREATE TABLE posts (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE CASCADE, title text);
CREATE TABLE comments (id int PRIMARY KEY, post int REFERENCES posts ON DELETE CASCADE);
CREATE TABLE user_roles ("user" int, role int, PRIMARY KEY (role, "user"));
SELECT count(*) > 0 AS registered FROM softdelete.register('users', cascade => true);
SELECT count(*) > 0 AS registered FROM softdelete.register('user_roles', strategy => 'flag');
INSERT INTO users SELECT g, 'u' || g || '@x', 'user ' || g FROM generate_series(1, 9) g;
INSERT INTO posts SELECT g, 1 + g % 9, 't' FROM generate_series(1, 18) g;
INSERT INTO comments SELECT g, 1 + g % 18 FROM generate_series(1, 36) g;
INSERT INTO user_roles VALUES (7, 3), (3, 7), (7, 4);
CREATE VIEW live AS SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM posts) AS posts,
    (SELECT count(*) FROM comments) AS comments;

-- A row and its descendants; the count is of all rows that came back, and nothing of the deletion is left on them.
DELETE FROM users WHERE id = 1 RETURNING deletion_id AS d \gset
SELECT * FROM live;
SELECT softdelete.restore('users', 1);
SELECT * FROM live;
SELECT count(*) FROM users WHERE deleted_by IS NOT NULL OR deletion_id IS NOT NULL OR deleted_at IS NOT NULL;
SELECT rows, restored_at IS NOT NULL AS restored FROM softdelete.deletions WHERE id = :d;

-- A live row is no error and nothing to do.
SELECT softdelete.restore('users', 1);

-- Rows that other deletions took stay where they are.
DELETE FROM comments WHERE post = 1;
DELETE FROM posts WHERE id = 10;
DELETE FROM users WHERE id = 2;
SELECT * FROM live;
SELECT softdelete.restore('users', 2);
SELECT * FROM live;
SELECT softdelete.restore('posts', 10);
SELECT id FROM deleted_comments ORDER BY id;
SELECT softdelete.restore('comments', id) FROM deleted_comments ORDER BY id;
SELECT * FROM live;

-- The middle of a tree: not while its own parent is deleted. The error names the key and the remedy.
SELECT softdelete.delete('users', 3) AS d \gset
DO $$ BEGIN
    PERFORM softdelete.restore('posts', 2);
EXCEPTION WHEN foreign_key_violation THEN
    DECLARE
        d text; h text; t text;
    BEGIN
        GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT, t = TABLE_NAME;
        RAISE NOTICE E'% %\n%\n%\n%', SQLSTATE, SQLERRM, d, regexp_replace(h, '\d+', 'N'), t;
    END;
END $$;
SELECT * FROM live;
SELECT softdelete.restore('users', 3);
SELECT * FROM live;

-- A subtree of a deletion whose top is back already.
BEGIN;
DELETE FROM comments WHERE post IN (3, 4);
DELETE FROM posts WHERE id IN (3, 4);
COMMIT;
SELECT softdelete.restore('posts', 3);
SELECT id FROM deleted_posts;
SELECT count(*) FROM deleted_comments;
SELECT softdelete.restore('posts', 4);
SELECT * FROM live;

-- A whole deletion, of several rows that have nothing to do with each other.
BEGIN;
DELETE FROM users WHERE id IN (4, 5);
DELETE FROM comments WHERE post = 9;
DELETE FROM user_roles;
COMMIT;
SELECT max(id) AS d FROM softdelete.deletions \gset
SELECT * FROM live;
SELECT * FROM softdelete.conflicts(:d);
SELECT softdelete.undo(:d);
SELECT * FROM live;
SELECT rows, restored_at IS NOT NULL AS restored FROM softdelete.deletions WHERE id = :d;

-- Undoing it again finds nothing.
SELECT softdelete.undo(:d);

-- What was brought back one by one is restored when the last row is.
DELETE FROM users WHERE id IN (6, 7);
SELECT max(id) AS d FROM softdelete.deletions \gset
SELECT softdelete.restore('users', 6);
SELECT rows, restored_at IS NOT NULL AS restored FROM softdelete.deletions WHERE id = :d;
UPDATE users SET deleted_at = NULL WHERE id = 7;
SELECT rows, restored_at IS NOT NULL AS restored FROM softdelete.deletions WHERE id = :d;
SELECT softdelete.undo(:d);
SELECT rows, restored_at IS NOT NULL AS restored FROM softdelete.deletions WHERE id = :d;
SELECT * FROM live;

-- A unique value taken meanwhile: nothing comes back, the error names the key, conflicts() lists it before.
DELETE FROM users WHERE id = 8 RETURNING deletion_id AS d \gset
INSERT INTO users VALUES (80, 'u8@x');
SELECT * FROM softdelete.conflicts(:d);
\set VERBOSITY terse
SELECT softdelete.restore('users', 8); -- fails
SELECT softdelete.undo(:d); -- fails
UPDATE users SET deleted_at = NULL WHERE id = 8; -- fails
\set VERBOSITY default
DO $$ BEGIN
    PERFORM softdelete.restore('users', 8);
EXCEPTION WHEN unique_violation THEN
    DECLARE
        d text; h text; c text;
    BEGIN
        GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT, c = CONSTRAINT_NAME;
        RAISE NOTICE E'%\n%\n%', d, regexp_replace(h, '\d+', 'N'), c;
    END;
END $$;
SELECT count(*) FROM posts WHERE "user" = 8;
UPDATE users SET email = 'other@x' WHERE id = 80;
SELECT * FROM softdelete.conflicts(:d);
SELECT softdelete.restore('users', 8);
SELECT * FROM live;

-- Values that are null are named as such where nulls are not distinct.
CREATE TYPE pair AS (a int, b int);
CREATE TABLE with_nulls (id int PRIMARY KEY, a int, b text, p pair, UNIQUE NULLS NOT DISTINCT (a, b), UNIQUE NULLS NOT DISTINCT (p, id));
SELECT count(*) > 0 AS registered FROM softdelete.register('with_nulls');
INSERT INTO with_nulls VALUES (1, NULL, NULL, (NULL, NULL)), (2, 1, NULL, NULL), (3, 1, '', (1, NULL));
DELETE FROM with_nulls;
INSERT INTO with_nulls VALUES (4, NULL, NULL), (5, 1, NULL), (6, 1, '');
SELECT key, detail FROM softdelete.conflicts((SELECT max(id) FROM softdelete.deletions)) ORDER BY 1, 2;

-- Two rows of one deletion with the same value can not both come back.
BEGIN;
DELETE FROM users WHERE id = 80;
INSERT INTO users VALUES (81, 'other@x');
DELETE FROM users WHERE id = 81;
COMMIT;
SELECT max(id) AS d FROM softdelete.deletions \gset
SELECT * FROM softdelete.conflicts(:d);
\set VERBOSITY terse
SELECT softdelete.undo(:d); -- fails
\set VERBOSITY default
SELECT softdelete.restore('users', 81);
SELECT count(*) FROM softdelete.conflicts(:d);
DELETE FROM users WHERE id = 81;
SELECT softdelete.undo(:d);
DELETE FROM users WHERE id = 80;
SELECT * FROM live;

-- A parent that another deletion took: conflicts() names it, undo refuses.
INSERT INTO users VALUES (90, 'u90@x');
INSERT INTO posts VALUES (90, 90), (91, 90);
INSERT INTO comments VALUES (90, 90), (91, 91);
DELETE FROM comments WHERE id = 90 RETURNING deletion_id AS d \gset
DELETE FROM posts WHERE id = 90;
SELECT * FROM softdelete.conflicts(:d);
SELECT softdelete.undo(:d); -- fails
SELECT softdelete.restore('posts', 90);
SELECT * FROM softdelete.conflicts(:d);
SELECT softdelete.undo(:d);
DELETE FROM users WHERE id = 90;

-- Composite keys come in the primary key's order, as values or as text, alone or as an array.
DELETE FROM user_roles;
SELECT softdelete.restore('user_roles', 7, 3);
SELECT * FROM active_user_roles;
SELECT softdelete.restore('user_roles', '3', '7');
SELECT softdelete.restore('user_roles', VARIADIC key => ARRAY['4', '7']);
PREPARE by_key AS SELECT softdelete.restore('user_roles', $1, $2);
EXECUTE by_key('4', '7');
SELECT count(*) FROM user_roles;

-- Wrong keys: arity, type, NULL, none that exists.
SELECT softdelete.restore('user_roles', 7); -- fails
SELECT softdelete.restore('user_roles', 7, 3, 1); -- fails
SELECT softdelete.restore('users', 'x'); -- fails
SELECT softdelete.restore('users', 1.5); -- fails
SELECT softdelete.restore('users', NULL); -- fails
SELECT softdelete.restore('users', VARIADIC NULL::text[]); -- fails
SELECT softdelete.restore('users', VARIADIC ARRAY[]::text[]); -- fails
SELECT softdelete.restore('users', 12345); -- fails
SELECT softdelete.restore(NULL, 1); -- fails
\set VERBOSITY sqlstate
SELECT softdelete.restore('user_roles', 7); -- fails
SELECT softdelete.restore('users', 'x'); -- fails
SELECT softdelete.restore('users', NULL); -- fails
SELECT softdelete.restore('users', 12345); -- fails
SELECT softdelete.undo(NULL); -- fails
SELECT softdelete.undo(-1); -- fails
SELECT softdelete.conflicts(-1); -- fails
\set VERBOSITY default

-- Wrong relations: a view, an unregistered table, one without a primary key, a partition stands for its table.
CREATE TABLE plain (id int PRIMARY KEY);
CREATE TABLE keyless (id int);
SELECT count(*) > 0 AS registered FROM softdelete.register('keyless');
INSERT INTO keyless VALUES (1);
DELETE FROM keyless RETURNING deletion_id AS d \gset
SELECT softdelete.restore('live', 1); -- fails
SELECT softdelete.restore('plain', 1); -- fails
SELECT softdelete.restore('keyless', 1); -- fails
SELECT softdelete.undo(:d);
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
INSERT INTO parts VALUES (1), (2);
DELETE FROM parts;
SELECT softdelete.restore('parts1', 1);
SELECT softdelete.restore('parts', 2);

-- Rows deleted before their table was registered have no deletion: restore brings back that row alone.
CREATE TABLE old_parents (id int PRIMARY KEY, removed timestamp);
CREATE TABLE old_children (id int PRIMARY KEY, parent int REFERENCES old_parents ON DELETE CASCADE, removed timestamp);
INSERT INTO old_parents VALUES (1, '2001-01-01'), (2, NULL);
INSERT INTO old_children VALUES (1, 1, '2001-01-01'), (2, 1, '2001-01-01');
SELECT count(*) > 0 AS registered FROM softdelete.register('old_children', deleted_at => 'removed', deleted_by => NULL);
SELECT count(*) > 0 AS registered FROM softdelete.register('old_parents', deleted_at => 'removed', deleted_by => NULL);
SELECT softdelete.restore('old_children', 1); -- fails
SELECT softdelete.restore('old_parents', 1);
SELECT softdelete.restore('old_children', 1);
SELECT id, removed IS NULL AS live, deletion_id FROM all_old_children ORDER BY id;

-- A row that was purged meanwhile is gone; the rest comes back.
DELETE FROM users WHERE id = 9 RETURNING deletion_id AS d \gset
DELETE FROM comments WHERE deleted_at IS NOT NULL AND post = 8;
SELECT softdelete.restore('users', 9);
DELETE FROM users WHERE id = 9 RETURNING deletion_id AS d \gset
DELETE FROM users WHERE deleted_at IS NOT NULL AND id = 9;
SELECT softdelete.restore('users', 9); -- fails
SELECT softdelete.undo(:d);
SELECT rows FROM softdelete.deletions WHERE id = :d;

-- A row whose deleted_at the owner changes stays in its deletion.
DELETE FROM users WHERE id = 1 RETURNING deletion_id AS d \gset
UPDATE all_users SET deleted_at = '2020-01-01' WHERE id = 1;
SELECT softdelete.undo(:d);

-- Restoring needs UPDATE on the table; its descendants come back as their owners would have it.
RESET SESSION AUTHORIZATION;
CREATE ROLE regress_restore_clerk;
SET SESSION AUTHORIZATION regress_restore;
GRANT USAGE ON SCHEMA regress_restore TO regress_restore_clerk;
GRANT SELECT, DELETE ON users TO regress_restore_clerk;
SET SESSION AUTHORIZATION regress_restore_clerk;
DELETE FROM users WHERE id = 2 RETURNING deletion_id AS d \gset
SELECT softdelete.restore('users', 2); -- fails
SELECT softdelete.undo(:d); -- fails
RESET SESSION AUTHORIZATION;
GRANT UPDATE ON regress_restore.users TO regress_restore_clerk;
SET SESSION AUTHORIZATION regress_restore_clerk;
SELECT softdelete.restore('users', 2) > 1 AS with_descendants;
DELETE FROM users WHERE id = 2 RETURNING deletion_id AS d \gset
SELECT softdelete.undo(:d) > 1 AS with_descendants;

-- The recycle bin shows the deletions of tables that one may read, and counts rows of those only.
DELETE FROM users WHERE id = 2 RETURNING deletion_id AS d \gset
SELECT relation, rows FROM softdelete.deletions WHERE id = :d;
SET SESSION AUTHORIZATION regress_restore;
SELECT relation, rows FROM softdelete.deletions WHERE id = :d;
DELETE FROM comments WHERE id = 1 RETURNING deletion_id AS d \gset
SET SESSION AUTHORIZATION regress_restore_clerk;
SELECT count(*) FROM softdelete.deletions WHERE id = :d;
SELECT softdelete.undo(:d); -- fails
SELECT * FROM softdelete.conflicts(:d); -- fails
SELECT * FROM softdelete_internal.deletion; -- fails
SELECT * FROM softdelete_internal.deletion_table; -- fails

-- An undo that row-level security keeps from some rows fails as a whole; a row that is not seen is not there.
SET SESSION AUTHORIZATION regress_restore;
DELETE FROM users WHERE id IN (3, 6);
SELECT max(id) AS d FROM softdelete.deletions \gset
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY some_rows ON users USING (id <> 3);
SET SESSION AUTHORIZATION regress_restore_clerk;
SELECT softdelete.undo(:d); -- fails
SELECT softdelete.restore('users', 3); -- fails
SET SESSION AUTHORIZATION regress_restore;
SELECT softdelete.undo(:d);
ALTER TABLE users DISABLE ROW LEVEL SECURITY;

-- A restore in a transaction that rolls back was none.
SET SESSION AUTHORIZATION regress_restore;
SELECT max(deletion_id) AS d FROM deleted_users WHERE id = 2 \gset
BEGIN;
SELECT softdelete.undo(:d) > 0 AS restored;
ROLLBACK;
SELECT restored_at FROM softdelete.deletions WHERE id = :d;
BEGIN;
SAVEPOINT s;
SELECT softdelete.undo(:d) > 0 AS restored;
ROLLBACK TO s;
COMMIT;
SELECT restored_at FROM softdelete.deletions WHERE id = :d;
SELECT count(*) FROM users WHERE id = 2;

-- Deleted and restored in one transaction; what is deleted again after that joins the transaction's deletion anew.
BEGIN;
DELETE FROM users WHERE id = 5;
SELECT softdelete.restore('users', 5) > 1 AS restored;
DELETE FROM users WHERE id = 5;
COMMIT;
SELECT rows, restored_at IS NOT NULL AS restored FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SELECT max(id) AS d FROM softdelete.deletions \gset
SELECT softdelete.undo(:d);
SELECT rows, restored_at IS NOT NULL AS restored FROM softdelete.deletions WHERE id = :d;

-- A key given with its type is that key, however the session writes such values.
CREATE TABLE readings (at timestamptz, day date, value float8, span interval, PRIMARY KEY (at, day, value, span));
SELECT count(*) > 0 AS registered FROM softdelete.register('readings');
INSERT INTO readings VALUES ('2024-11-03 01:30:00.123456-05', '2024-02-01', 0.1::float8 + 0.2::float8, '-1 mon +2 days');
DELETE FROM readings;
BEGIN;
SET LOCAL extra_float_digits = -3;
SET LOCAL DateStyle = 'SQL, DMY';
SET LOCAL IntervalStyle = 'sql_standard';
SET LOCAL TimeZone = 'America/New_York';
SELECT softdelete.restore('readings', at, day, value, span) FROM all_readings;
COMMIT;
SELECT count(*) FROM readings;

-- A key on deleted_by is no parent's: a restore clears the column. So it is whoever was deleted since, however the rows come back.
CREATE TABLE people (id int PRIMARY KEY, deleted_at timestamptz, deleted_by int REFERENCES people);
CREATE TABLE papers (id int PRIMARY KEY, owner int REFERENCES people ON DELETE CASCADE, deleted_at timestamptz, deleted_by int REFERENCES people);
SELECT count(*) > 0 AS registered FROM softdelete.register('people', cascade => true);
INSERT INTO people SELECT generate_series(1, 4);
INSERT INTO papers SELECT i, i % 4 + 1 FROM generate_series(1, 8) i;
SET softdelete.actor = '1';
SELECT softdelete.delete('people', 2) AS d \gset
SELECT softdelete.delete('papers', 2) AS e \gset
SELECT softdelete.delete('papers', 3) AS f \gset
RESET softdelete.actor;
DELETE FROM people WHERE id = 1;
SELECT * FROM softdelete.conflicts(:d);
SELECT softdelete.restore('people', 2);
SELECT softdelete.restore('papers', 2);
SELECT softdelete.undo(:f);
SELECT id, owner, deleted_by FROM papers ORDER BY id;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_restore CASCADE;
DROP ROLE regress_restore, regress_restore_clerk;
