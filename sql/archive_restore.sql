-- What comes back from an archive: one row with what its deletion took below it, or a whole deletion; each row once, as it was.
\set VERBOSITY terse
CREATE ROLE regress_archive_owner;
CREATE ROLE regress_archive_editor;
CREATE ROLE regress_archive_deleter;
CREATE SCHEMA regress_archive_restore AUTHORIZATION regress_archive_owner;
GRANT USAGE ON SCHEMA regress_archive_restore TO PUBLIC;
SET SESSION AUTHORIZATION regress_archive_owner;
SET search_path = regress_archive_restore;
CREATE DOMAIN label AS text CHECK (VALUE <> '');
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, name label, code char(4), serial bigint GENERATED ALWAYS AS IDENTITY,
    upper_name text GENERATED ALWAYS AS (upper(name)) STORED, boss int REFERENCES users ON DELETE CASCADE);
CREATE TABLE orders (id int PRIMARY KEY, "User" int REFERENCES users ON DELETE CASCADE, note text) PARTITION BY RANGE (id);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (100);
CREATE TABLE orders_2 (note text, "User" int, gone int, id int NOT NULL);
ALTER TABLE orders_2 DROP COLUMN gone;
ALTER TABLE orders ATTACH PARTITION orders_2 FOR VALUES FROM (100) TO (200);
CREATE TABLE items (id int PRIMARY KEY, order_id int REFERENCES orders ON DELETE CASCADE, seller int REFERENCES users ON DELETE CASCADE);
CREATE INDEX ON users (boss);
CREATE INDEX ON orders ("User");
CREATE INDEX ON items (order_id);
CREATE INDEX ON items (seller);
SELECT count(*) > 0 AS registered FROM softdelete.register('users', strategy => 'archive', cascade => true);
INSERT INTO users (id, email, name, code, boss) VALUES (1, 'a@x', 'ann', 'abc', NULL), (2, 'b@x', 'ben', 'x', 1), (3, 'c@x', 'cid', NULL, NULL), (4, 'd@x', 'dan', 'y', 2);
INSERT INTO orders VALUES (10, 1, 'first'), (110, 1, 'second'), (20, 3, 'third');
INSERT INTO items VALUES (1, 10, 3), (2, 110, NULL), (3, 20, 1), (4, 10, 1);
CREATE VIEW places AS
    SELECT 'users' AS relation, id, deleted_at IS NOT NULL AS archived FROM all_users UNION ALL SELECT 'orders', id, deleted_at IS NOT NULL FROM all_orders
    UNION ALL SELECT 'items', id, deleted_at IS NOT NULL FROM all_items;
CREATE VIEW archived AS SELECT relation, array_agg(id ORDER BY id) FILTER (WHERE NOT archived) AS live, array_agg(id ORDER BY id) FILTER (WHERE archived) AS archived FROM places GROUP BY relation;
CREATE TABLE before AS SELECT u::text AS row FROM users u UNION ALL SELECT o::text FROM orders o UNION ALL SELECT i::text FROM items i;
CREATE VIEW changed AS (TABLE before EXCEPT ALL (SELECT u::text FROM users u UNION ALL SELECT o::text FROM orders o UNION ALL SELECT i::text FROM items i))
    UNION ALL ((SELECT u::text FROM users u UNION ALL SELECT o::text FROM orders o UNION ALL SELECT i::text FROM items i) EXCEPT ALL TABLE before);

-- What would go along.
SELECT * FROM softdelete.preview('users', 1);
SELECT * FROM softdelete.preview('users', 9); -- fails
DELETE FROM users WHERE id = 1;
SELECT * FROM softdelete.preview('users', 1);
SELECT * FROM archived ORDER BY 1;
-- One row with all below it, to any depth, over partitions, self references and a diamond.
SELECT softdelete.restore('users', 1);
SELECT * FROM archived ORDER BY 1;
SELECT * FROM changed;
SELECT rows, restored_at IS NOT NULL AS restored FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
-- It is live: nothing to do. Nobody has that key: an error.
SELECT softdelete.restore('users', 1);
SELECT softdelete.restore('users', 9); -- fails
SELECT softdelete.restore('users', VARIADIC key => ARRAY['9']); -- fails

-- A part of it: the rest stays in the deletion.
DELETE FROM users WHERE id = 1;
SELECT softdelete.restore('users', 2); -- fails
SELECT softdelete.restore('orders', 10); -- fails
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
SELECT * FROM changed;
-- Only what went in the same deletion comes back.
DELETE FROM items WHERE id = 4;
DELETE FROM users WHERE id = 1;
SELECT softdelete.restore('users', 1);
SELECT * FROM archived ORDER BY 1;
SELECT softdelete.restore('items', 4);
SELECT * FROM changed;
-- A row with a second parent that is still deleted waits until that one is back.
BEGIN;
DELETE FROM users WHERE id = 3;
DELETE FROM users WHERE id = 1;
COMMIT;
SET client_min_messages = warning; -- the notice has an id
SELECT softdelete.restore('users', 1);
RESET client_min_messages;
SELECT * FROM archived ORDER BY 1;
SELECT rows, restored_at FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SELECT softdelete.restore('users', 3);
SELECT * FROM archived ORDER BY 1;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
SELECT * FROM changed;
SELECT softdelete.undo(999999); -- fails

-- The same key, archived several times: the newest for restore, that of the deletion for undo.
DELETE FROM users WHERE id = 4;
SELECT max(id) AS first_one FROM softdelete.deletions \gset
INSERT INTO users (id, email, name) VALUES (4, 'd2@x', 'dora');
DELETE FROM users WHERE id = 4;
SELECT softdelete.restore('users', 4);
SELECT name FROM users WHERE id = 4;
SELECT softdelete.undo(:first_one); -- fails
SELECT relation, key, reason, detail FROM softdelete.conflicts(:first_one);
DELETE FROM users WHERE id = 4;
SELECT softdelete.undo(:first_one);
SELECT name FROM users WHERE id = 4;
SELECT name FROM deleted_users WHERE id = 4;
SELECT * FROM changed;
-- Within one transaction as well.
BEGIN;
DELETE FROM users WHERE id = 4;
INSERT INTO users (id, email, name) VALUES (4, 'd3@x', 'doris');
DELETE FROM users WHERE id = 4;
COMMIT;
SELECT relation, key, reason, detail FROM softdelete.conflicts((SELECT max(id) FROM softdelete.deletions));
SELECT softdelete.undo(max(id)) FROM softdelete.deletions; -- fails
SELECT softdelete.restore('users', 4);
SELECT name FROM users WHERE id = 4;
UPDATE users SET email = 'd4@x' WHERE id = 4;

-- A live row has taken a unique value; a parent has gone for good; a rule of the table has changed.
DELETE FROM users WHERE id = 3;
SELECT max(id) AS last_one FROM softdelete.deletions \gset
INSERT INTO users (id, email, name) VALUES (30, 'c@x', 'new');
DO $$
DECLARE hint text;
BEGIN
    PERFORM softdelete.restore('users', 3);
EXCEPTION WHEN unique_violation THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RAISE NOTICE '% (%)', SQLERRM, regexp_replace(hint, '[0-9]+', 'N');
END $$;
SELECT relation, key, reason, detail FROM softdelete.conflicts(:last_one);
UPDATE users SET email = 'new@x' WHERE id = 30;
ALTER TABLE users ADD CONSTRAINT long_names CHECK (length(name) > 3) NOT VALID;
\set VERBOSITY default
SELECT softdelete.undo(:last_one); -- fails
\set VERBOSITY terse
ALTER TABLE users DROP CONSTRAINT long_names;
SELECT * FROM softdelete.conflicts(:last_one);
SELECT softdelete.undo(:last_one);
DELETE FROM users WHERE id = 30;

-- A trigger that keeps a row back keeps it in the archive; one that changes rows sees an INSERT.
CREATE FUNCTION keep_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = 10 THEN RETURN NULL; END IF; NEW.note := 'seen'; RETURN NEW; END $$;
CREATE TRIGGER keep_back BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION keep_back();
DELETE FROM users WHERE id = 1;
SELECT softdelete.restore('users', 1); -- fails
SELECT * FROM archived ORDER BY 1;
DROP TRIGGER keep_back ON orders;
SELECT softdelete.restore('users', 1);
SELECT * FROM archived ORDER BY 1;

-- Tables of both strategies in one deletion.
CREATE TABLE flagged (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('flagged');
INSERT INTO flagged VALUES (1), (2);
BEGIN;
DELETE FROM flagged;
DELETE FROM users WHERE id = 3;
COMMIT;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SELECT softdelete.restore('flagged', 1);
SELECT softdelete.restore('users', 3);
SELECT rows, restored_at IS NOT NULL AS restored FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SELECT softdelete.restore('flagged', 2);
SELECT rows, restored_at IS NOT NULL AS restored FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
BEGIN;
DELETE FROM users WHERE id = 3;
DELETE FROM flagged;
COMMIT;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
SELECT count(*) FROM flagged;

-- Whoever may update the table may restore its rows, and by a cascade those below it; others, and whom policies bind, may not.
GRANT SELECT, UPDATE ON users TO regress_archive_editor;
GRANT DELETE, SELECT ON users TO regress_archive_deleter;
DELETE FROM users WHERE id = 1;
SELECT max(id) AS last_one FROM softdelete.deletions \gset
SET SESSION AUTHORIZATION regress_archive_deleter;
SELECT softdelete.restore('users', 1); -- fails
SELECT softdelete.undo(:last_one); -- fails
SELECT * FROM softdelete.conflicts(:last_one); -- fails
SELECT * FROM softdelete.preview('users', 3);
SET SESSION AUTHORIZATION regress_archive_editor;
SELECT * FROM softdelete.preview('users', 3); -- fails
SELECT * FROM softdelete.conflicts(:last_one);
SELECT softdelete.restore('users', 1);
SELECT softdelete.restore('orders', 10); -- fails
SET SESSION AUTHORIZATION regress_archive_owner;
DELETE FROM users WHERE id = 1;
SET SESSION AUTHORIZATION regress_archive_editor;
SELECT softdelete.undo(:last_one);
SELECT softdelete.undo(:last_one + 1) > 0 AS undone;
SET SESSION AUTHORIZATION regress_archive_owner;
CREATE TABLE secret (id int PRIMARY KEY, tenant name);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secret USING (tenant = current_user);
SELECT count(*) > 0 AS registered FROM softdelete.register('secret', strategy => 'archive');
GRANT SELECT, INSERT, UPDATE, DELETE ON secret TO regress_archive_editor;
INSERT INTO secret VALUES (1, 'regress_archive_editor'), (2, 'other');
DELETE FROM secret;
SET SESSION AUTHORIZATION regress_archive_editor;
SELECT softdelete.restore('secret', 1); -- fails
SELECT softdelete.undo(:last_one + 2); -- fails
SET SESSION AUTHORIZATION regress_archive_owner;
SELECT softdelete.restore('secret', 1);

-- Triggers that a restore fires run as no more than the table's owner.
RESET SESSION AUTHORIZATION;
SET search_path = regress_archive_restore;
CREATE TABLE ran (who name, path text);
GRANT INSERT ON ran TO PUBLIC;
SET SESSION AUTHORIZATION regress_archive_owner;
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO regress_archive_restore.ran VALUES (current_user, current_setting('search_path')); RETURN NEW; END $$;
CREATE TRIGGER tell BEFORE INSERT ON secret FOR EACH ROW EXECUTE FUNCTION tell();
RESET SESSION AUTHORIZATION;
SELECT softdelete.restore('secret', 2);
SELECT DISTINCT * FROM ran;

-- Rows below one that its deletion has several of under one key: which of them were below which is not known, so none comes back.
SET SESSION AUTHORIZATION regress_archive_owner;
CREATE TABLE libraries (id int PRIMARY KEY);
CREATE TABLE shelves (id int PRIMARY KEY, library int REFERENCES libraries ON DELETE CASCADE, code text UNIQUE, beside int REFERENCES shelves ON DELETE CASCADE, note text);
CREATE TABLE books (id int PRIMARY KEY, shelf int REFERENCES shelves ON DELETE CASCADE);
CREATE TABLE pages (id int PRIMARY KEY, book int REFERENCES books ON DELETE CASCADE, code text REFERENCES shelves (code) ON DELETE CASCADE, note text);
CREATE INDEX ON shelves (library);
CREATE INDEX ON shelves (beside);
CREATE INDEX ON books (shelf);
CREATE INDEX ON pages (book);
CREATE INDEX ON pages (code);
SELECT count(*) > 0 AS registered FROM softdelete.register('shelves', strategy => 'archive', cascade => true);
SELECT count(*) > 0 AS registered FROM softdelete.register('libraries');
CREATE VIEW live AS
    SELECT 'library' AS what, id, NULL AS note FROM libraries UNION ALL SELECT 'shelf', id, note FROM shelves
    UNION ALL SELECT 'book', id, 'on ' || shelf FROM books UNION ALL SELECT 'page', id, note FROM pages;
BEGIN;
INSERT INTO shelves VALUES (1, NULL, 'one', NULL, 'first');
INSERT INTO books VALUES (1, 1);
DELETE FROM shelves WHERE id = 1;
INSERT INTO shelves VALUES (1, NULL, 'one', NULL, 'second');
INSERT INTO books VALUES (2, 1);
DELETE FROM shelves WHERE id = 1;
COMMIT;
SELECT softdelete.restore('shelves', 1); -- fails
SELECT softdelete.undo(max(id)) FROM softdelete.deletions; -- fails
VACUUM FULL shelves_archive, books_archive;
SELECT softdelete.restore('shelves', 1); -- fails
SELECT * FROM live ORDER BY what, id;
SELECT note FROM deleted_shelves ORDER BY note;
SELECT id FROM deleted_books ORDER BY id;
-- As the error's hint says.
DO $$
DECLARE d text; h text;
BEGIN
    PERFORM softdelete.restore('shelves', 1);
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
    RAISE NOTICE '% %', regexp_replace(d, 'deletion [0-9]+', 'deletion N'), h;
END $$;
INSERT INTO shelves SELECT id, library, code, beside, note FROM deleted_shelves WHERE note = 'second';
SELECT softdelete.restore('books', 2);
SELECT * FROM live ORDER BY what, id;
DELETE FROM shelves WHERE id = 1;
SELECT softdelete.restore('shelves', 1);
SELECT * FROM live ORDER BY what, id;
DELETE FROM shelves;
-- By a key that is not the primary one.
BEGIN;
INSERT INTO shelves VALUES (3, NULL, 'three');
INSERT INTO pages VALUES (3, NULL, 'three');
DELETE FROM shelves;
INSERT INTO shelves VALUES (4, NULL, 'three');
INSERT INTO pages VALUES (4, NULL, 'three');
DELETE FROM shelves;
COMMIT;
SELECT softdelete.restore('shelves', 3); -- fails
SELECT softdelete.restore('shelves', 4); -- fails
-- Below a row that was marked, which comes back by itself where it is asked for by itself.
INSERT INTO libraries VALUES (1), (2);
BEGIN;
INSERT INTO shelves VALUES (5, 1, 'five', NULL, 'first');
INSERT INTO books VALUES (51, 5);
DELETE FROM shelves;
INSERT INTO shelves VALUES (5, 2, 'five', NULL, 'second');
INSERT INTO books VALUES (52, 5);
DELETE FROM libraries WHERE id = 1;
DELETE FROM libraries WHERE id = 2;
COMMIT;
SELECT softdelete.restore('libraries', 1); -- fails
SELECT softdelete.restore('libraries', 2); -- fails
SELECT * FROM live ORDER BY what, id;
UPDATE libraries SET deleted_at = NULL WHERE id = 2;
SELECT * FROM live ORDER BY what, id;
-- Also where they would wait for another parent.
INSERT INTO shelves VALUES (11, NULL, 'eleven');
BEGIN;
INSERT INTO shelves VALUES (12, NULL, 'twelve', NULL, 'first');
INSERT INTO books VALUES (12, 11);
INSERT INTO pages VALUES (12, 12, 'twelve');
DELETE FROM shelves WHERE id = 12;
INSERT INTO shelves VALUES (12, NULL, 'twelve', NULL, 'second');
INSERT INTO pages VALUES (13, 12, 'twelve');
DELETE FROM books WHERE id = 12;
DELETE FROM shelves WHERE id = 12;
COMMIT;
SELECT softdelete.restore('shelves', 12); -- fails
DELETE FROM shelves;
-- On the way down, and in one table.
BEGIN;
INSERT INTO shelves VALUES (6);
INSERT INTO books VALUES (6, 6);
INSERT INTO pages VALUES (61, 6);
DELETE FROM books;
INSERT INTO books VALUES (6, 6);
INSERT INTO pages VALUES (62, 6);
DELETE FROM shelves;
COMMIT;
SELECT softdelete.restore('shelves', 6); -- fails
BEGIN;
INSERT INTO shelves VALUES (7, NULL, NULL, NULL), (71, NULL, NULL, 7);
DELETE FROM shelves;
INSERT INTO shelves VALUES (7, NULL, NULL, NULL), (72, NULL, NULL, 7);
DELETE FROM shelves;
COMMIT;
SELECT softdelete.restore('shelves', 7); -- fails
SELECT * FROM live ORDER BY what, id;
-- Nothing below it, or itself alone: the last one comes back. What other deletions took is not asked.
BEGIN;
INSERT INTO shelves VALUES (8, NULL, 'eight', 8, 'first');
INSERT INTO pages VALUES (8, NULL, 'eight', 'first');
DELETE FROM pages;
INSERT INTO pages VALUES (8, NULL, 'eight', 'second');
DELETE FROM shelves;
COMMIT;
SELECT softdelete.restore('shelves', 8);
BEGIN;
INSERT INTO shelves VALUES (9, NULL, NULL, 9, 'first');
DELETE FROM shelves WHERE id = 9;
INSERT INTO shelves VALUES (9, NULL, NULL, 9, 'second');
DELETE FROM shelves WHERE id = 9;
COMMIT;
SELECT softdelete.restore('shelves', 9);
INSERT INTO shelves VALUES (10, NULL, NULL, NULL, 'first');
INSERT INTO books VALUES (101, 10);
DELETE FROM shelves WHERE id = 10;
INSERT INTO shelves VALUES (10, NULL, NULL, NULL, 'second');
INSERT INTO books VALUES (102, 10);
DELETE FROM shelves WHERE id = 10;
SELECT softdelete.restore('shelves', 10);
SELECT * FROM live ORDER BY what, id;
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_archive_restore CASCADE;
DROP OWNED BY regress_archive_owner, regress_archive_editor, regress_archive_deleter;
DROP ROLE regress_archive_owner, regress_archive_editor, regress_archive_deleter;
