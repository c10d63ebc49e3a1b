-- A new table that references a registered one by ON DELETE CASCADE, and is not registered, is hard-deleted along with a purge:
-- whoever makes it is told so once, with the call that registers it.
\set QUIET on
CREATE ROLE regress_new_children;
CREATE SCHEMA regress_new_children AUTHORIZATION regress_new_children;
GRANT CREATE ON DATABASE :DBNAME TO regress_new_children;
SET SESSION AUTHORIZATION regress_new_children;
SET search_path = regress_new_children;
CREATE TABLE users (id int PRIMARY KEY);
CREATE TABLE "Tag's" (id int PRIMARY KEY);
CREATE TABLE plain (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('users', retention => '90 days', deleted_by => NULL) a,
    softdelete.register('"Tag''s"', visibility => 'view') b;
\set QUIET off

-- CREATE TABLE, ADD CONSTRAINT and ADD COLUMN; once for a table, whatever number of keys.
CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
CREATE TABLE links (a int REFERENCES users ON DELETE CASCADE, b int REFERENCES users ON DELETE CASCADE,
    t int REFERENCES "Tag's" ON DELETE CASCADE);
ALTER TABLE notes ADD COLUMN tag int REFERENCES "Tag's" ON DELETE CASCADE, ADD COLUMN other int;
ALTER TABLE notes ADD CONSTRAINT by_other FOREIGN KEY (other) REFERENCES users ON DELETE CASCADE NOT VALID;
CREATE TABLE parts (id int, user_id int REFERENCES users ON DELETE CASCADE) PARTITION BY RANGE (id);
DO $$ BEGIN CREATE TABLE by_code (user_id int REFERENCES users ON DELETE CASCADE); END $$;

-- The call works.
SELECT count(*) > 0 AS registered
    FROM softdelete.register('regress_new_children.notes', retention => '90 days', deleted_by => NULL);
INSERT INTO users VALUES (1), (2), (3);
INSERT INTO notes VALUES (1, 1);
DELETE FROM users WHERE id = 1;
SELECT softdelete.restore('users', 1);

-- Nothing is said of other actions, of keys that were there, of partitions of a table that was spoken of, of tables that are
-- registered or reference none that is, and while a dump is being restored.
CREATE TABLE others (a int REFERENCES users, b int REFERENCES users ON DELETE SET NULL, c int REFERENCES users ON DELETE RESTRICT,
    d int REFERENCES plain ON DELETE CASCADE);
ALTER TABLE links ADD COLUMN e int, ADD CHECK (e > 0);
CREATE TABLE IF NOT EXISTS links (a int REFERENCES users ON DELETE CASCADE);
ALTER TABLE notes VALIDATE CONSTRAINT by_other;
ALTER TABLE notes ADD COLUMN third int REFERENCES users ON DELETE CASCADE;
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
BEGIN;
SET LOCAL row_security = off;
CREATE TABLE dumped (user_id int REFERENCES users ON DELETE CASCADE);
ROLLBACK;

-- What CREATE SCHEMA makes along with it is followed as if it were made by itself.
CREATE SCHEMA regress_new_children_2
    CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES regress_new_children.users ON DELETE CASCADE)
    CREATE TABLE kept (id int PRIMARY KEY, user_id int REFERENCES regress_new_children.users)
    CREATE TABLE heirs (more int) INHERITS (regress_new_children."Tag's")
    CREATE VIEW names AS SELECT id FROM notes;
SELECT tgrelid::regclass AS relation, tgname FROM pg_trigger
    WHERE tgrelid::regclass::text LIKE 'regress_new_children_2.%' AND NOT tgisinternal ORDER BY 1::text, 2;
DELETE FROM users WHERE id = 2;
INSERT INTO regress_new_children_2.notes VALUES (1, 2); -- fails
INSERT INTO regress_new_children_2.kept VALUES (1, 3);
DELETE FROM users WHERE id = 3; -- fails
INSERT INTO regress_new_children_2.heirs VALUES (1), (2);
DELETE FROM regress_new_children_2.heirs WHERE id = 1;
SELECT id FROM "all_Tag's" ORDER BY id;
SELECT count(*) AS differences FROM softdelete.repair('users') a FULL JOIN softdelete.repair('"Tag''s"') b ON false;

-- Below a table with an archive such rows go at once, and preview says so.
CREATE TABLE shelves (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('shelves', strategy => 'archive');
CREATE TABLE books (id int PRIMARY KEY, shelf int REFERENCES shelves ON DELETE CASCADE);
CREATE TABLE boxes (id int PRIMARY KEY, shelf int REFERENCES shelves ON DELETE SET NULL);
ALTER TABLE boxes ADD COLUMN other int REFERENCES shelves ON DELETE CASCADE;
INSERT INTO shelves VALUES (1);
INSERT INTO books VALUES (1, 1), (2, 1);
INSERT INTO boxes VALUES (1, 1, NULL);
SELECT * FROM softdelete.preview('shelves', 1);
DELETE FROM shelves;
SELECT count(*) FROM books;
SET client_min_messages = warning;
SELECT DISTINCT relation FROM softdelete.register('books', strategy => 'archive');
RESET client_min_messages;
INSERT INTO shelves VALUES (2);
INSERT INTO books VALUES (3, 2);
SELECT * FROM softdelete.preview('shelves', 2);
DELETE FROM shelves;
SELECT id FROM deleted_books;

\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_new_children, regress_new_children_2 CASCADE;
REVOKE CREATE ON DATABASE :DBNAME FROM regress_new_children;
DROP ROLE regress_new_children;
