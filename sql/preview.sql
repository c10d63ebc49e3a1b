-- preview() shows what a DELETE would take along or what refuses it, per table, and changes nothing.
CREATE ROLE regress_preview;
CREATE SCHEMA regress_preview AUTHORIZATION regress_preview;
SET SESSION AUTHORIZATION regress_preview;
SET search_path = regress_preview;
\set QUIET off

CREATE TABLE users (id int PRIMARY KEY);
CREATE TABLE posts (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE CASCADE, editor int REFERENCES users ON DELETE SET NULL);
CREATE TABLE comments (id int PRIMARY KEY, post int REFERENCES posts ON DELETE CASCADE, "user" int REFERENCES users ON DELETE CASCADE);
CREATE TABLE invoices (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE RESTRICT);
CREATE TABLE ratings (id int PRIMARY KEY, comment int REFERENCES comments, post int REFERENCES posts ON DELETE CASCADE);
CREATE TABLE logins (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM unnest('{users,posts,comments,invoices,ratings}'::regclass[]) t, LATERAL softdelete.register(t);
INSERT INTO users SELECT generate_series(1, 5);
INSERT INTO posts VALUES (1, 1, 2), (2, 1, NULL), (3, 2, 1);
INSERT INTO comments VALUES (1, 1, 1), (2, 1, 2), (3, 3, 1), (4, 3, 3);
INSERT INTO ratings VALUES (1, 1, 1), (2, 4, 1);
INSERT INTO invoices VALUES (1, 3);
INSERT INTO logins VALUES (1, 1), (2, 1);

-- What the delete takes along, level by level, each row once; links that stay, and children that stay until the purge.
SELECT * FROM softdelete.preview('users', 1);
DELETE FROM users WHERE id = 1;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SELECT sum(softdelete.undo(id)) FROM (SELECT max(id) AS id FROM softdelete.deletions) d;

-- A link of a row that goes along is none that is kept.
INSERT INTO posts VALUES (9, 4, 4);
SELECT * FROM softdelete.preview('users', 4);

-- A NO ACTION child that stays refuses, at the end.
SELECT * FROM softdelete.preview('users', 3);
DO $$ BEGIN
    DELETE FROM users WHERE id = 3;
EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN RAISE NOTICE 'refused';
END $$;
SELECT * FROM softdelete.preview('comments', 4);
DELETE FROM comments WHERE id = 4; -- fails
SELECT * FROM softdelete.preview('posts', 3);

-- Deleted children count for nothing; a row without children is alone; a deleted row has nothing to delete.
DELETE FROM invoices;
DELETE FROM ratings;
SELECT * FROM softdelete.preview('users', 3);
SELECT * FROM softdelete.preview('users', 5);
DELETE FROM users WHERE id = 5;
SELECT * FROM softdelete.preview('users', 5);

-- Self references, rings, and a row that is its own parent.
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('tree');
INSERT INTO tree SELECT g, nullif(g / 2, 0) FROM generate_series(1, 7) g;
INSERT INTO tree VALUES (10, 10), (11, 12), (12, 13), (13, 11);
SELECT * FROM softdelete.preview('tree', 1);
SELECT * FROM softdelete.preview('tree', 10);
SELECT * FROM softdelete.preview('tree', 12);

-- Partitioned tables, composite keys, odd names.
CREATE TABLE "P q" (a int, "B" text, PRIMARY KEY ("B", a)) PARTITION BY LIST (a);
CREATE TABLE "P q1" PARTITION OF "P q" FOR VALUES IN (1);
CREATE TABLE "P q2" PARTITION OF "P q" FOR VALUES IN (2);
CREATE TABLE "C'r" (id int, a int, b text, FOREIGN KEY (b, a) REFERENCES "P q" ON DELETE CASCADE) PARTITION BY LIST (id);
CREATE TABLE "C'r1" PARTITION OF "C'r" FOR VALUES IN (1);
CREATE TABLE "C'r2" PARTITION OF "C'r" FOR VALUES IN (2);
SELECT count(*) > 0 AS registered FROM softdelete.register('"P q"', cascade => true);
INSERT INTO "P q" VALUES (1, 'x'), (2, 'x');
INSERT INTO "C'r" VALUES (1, 1, 'x'), (2, 1, 'x'), (1, 2, 'x'), (1, NULL, 'x');
SELECT * FROM softdelete.preview('"P q"', 'x', 1);

-- Nothing of all this was deleted.
SELECT (SELECT count(*) FROM tree) AS tree, (SELECT count(*) FROM "C'r") AS "C'r", (SELECT count(*) FROM posts) AS posts;

-- Keys as in restore().
SELECT softdelete.preview('users', 99); -- fails
SELECT softdelete.preview('users', NULL); -- fails
SELECT softdelete.preview('"P q"', 'x'); -- fails
SELECT softdelete.preview('logins', 1); -- fails

-- It needs the privilege that DELETE needs.
RESET SESSION AUTHORIZATION;
CREATE ROLE regress_preview_clerk;
GRANT USAGE ON SCHEMA regress_preview TO regress_preview_clerk;
GRANT SELECT ON regress_preview.users TO regress_preview_clerk;
SET SESSION AUTHORIZATION regress_preview_clerk;
SELECT softdelete.preview('users', 1); -- fails
RESET SESSION AUTHORIZATION;
GRANT DELETE ON regress_preview.users TO regress_preview_clerk;
SET SESSION AUTHORIZATION regress_preview_clerk;
SELECT * FROM softdelete.preview('users', 4);
SELECT count(*) FROM softdelete.preview('users', 1);

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_preview CASCADE;
DROP ROLE regress_preview, regress_preview_clerk;
