-- DROP EXTENSION leaves data, columns, indexes and views in place and takes its triggers along; registering again takes
-- over everything, the deletions included. In a database of its own.
CREATE DATABASE regress_uninstall;
\c regress_uninstall
ALTER DATABASE regress_uninstall SET session_preload_libraries = softdelete;
\c regress_uninstall
CREATE EXTENSION softdelete;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
CREATE INDEX ON orders (user_id);
SELECT count(*) > 0 AS registered FROM softdelete.register('users', cascade => true);
CREATE TABLE notes (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('notes', visibility => 'rls');
CREATE TABLE "Odd ""list" (id int PRIMARY KEY, "gone WHERE softdelete.include_deleted(" timestamptz);
SELECT count(*) > 0 AS registered
    FROM softdelete.register('"Odd ""list"', deleted_at => 'gone WHERE softdelete.include_deleted(', all_view => 'all odd');
ALTER VIEW "all odd" RENAME TO "All "" odd";
ALTER VIEW "All "" odd" SET (security_barrier = true);
INSERT INTO users VALUES (1, 'a@b'), (2, 'b@c');
INSERT INTO orders VALUES (1, 1), (2, 2);
DELETE FROM users WHERE id = 1;
DROP EXTENSION softdelete;

-- The rows are all there, and visible.
SELECT id, email, deleted_at IS NOT NULL AS deleted, deletion_id FROM users ORDER BY id;
SELECT id FROM active_users;
SELECT id FROM deleted_users;
SELECT id FROM all_users ORDER BY id;
TABLE "All "" odd";
SELECT reloptions FROM pg_class WHERE oid = '"All "" odd"'::regclass;
SELECT tgname FROM pg_trigger WHERE NOT tgisinternal;
SELECT polname FROM pg_policy;
SELECT relname FROM pg_class WHERE relrowsecurity;

-- A database without the extension is one where the library does nothing.
CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (10);
CREATE TABLE below (id int PRIMARY KEY, whole int REFERENCES whole ON UPDATE CASCADE ON DELETE CASCADE);
CREATE TABLE heir (more int) INHERITS (notes);
INSERT INTO whole SELECT generate_series(1, 5);
INSERT INTO below SELECT i, i FROM generate_series(1, 5) i;
UPDATE whole SET id = 6 WHERE id = 1;
MERGE INTO whole USING (VALUES (2)) v (id) ON whole.id = v.id WHEN MATCHED THEN DELETE;
DELETE FROM whole WHERE id = 3;
SELECT whole FROM below ORDER BY whole;
TRUNCATE below;
TRUNCATE whole, notes CASCADE;
SET softdelete.deletion = hard;
INSERT INTO whole VALUES (1);
DELETE FROM whole;
TRUNCATE whole CASCADE;
RESET softdelete.deletion;
ALTER TABLE whole DETACH PARTITION part;
DROP TABLE whole, part, below, heir CASCADE;

-- Once more, with the ids that the rows remember.
CREATE EXTENSION softdelete;
SELECT count(*) > 0 AS registered FROM softdelete.register('users', cascade => true);
SELECT id, relation, rows FROM softdelete.deletions;
SELECT softdelete.undo(1);
SELECT id, user_id FROM orders ORDER BY id;
DELETE FROM users WHERE id = 2 RETURNING deletion_id;
\c contrib_regression
DROP DATABASE regress_uninstall;
