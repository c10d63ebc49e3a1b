-- Erasure reaches archives: the row's copies, those of what referenced it, whatever took them there, and nobody else's.
\set VERBOSITY terse
CREATE ROLE regress_archive_owner;
CREATE ROLE regress_archive_other;
CREATE SCHEMA regress_archive_erase AUTHORIZATION regress_archive_owner;
GRANT USAGE ON SCHEMA regress_archive_erase TO regress_archive_other;
SET SESSION AUTHORIZATION regress_archive_owner;
SET search_path = regress_archive_erase;
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE orders (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE CASCADE, note text) PARTITION BY RANGE (id);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (100);
CREATE TABLE orders_2 PARTITION OF orders FOR VALUES FROM (100) TO (200);
CREATE TABLE items (id int PRIMARY KEY, order_id int REFERENCES orders ON DELETE CASCADE, what text);
CREATE TABLE loose (id int PRIMARY KEY, item int REFERENCES items ON DELETE CASCADE);
CREATE INDEX ON orders ("user");
CREATE INDEX ON items (order_id);
CREATE INDEX ON loose (item);
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('items', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('orders', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('users', strategy => 'archive');
RESET client_min_messages;
SELECT softdelete.track_history('users');
INSERT INTO users VALUES (1, 'ann'), (2, 'ben');
INSERT INTO orders VALUES (1, 1, 'o1 of ann'), (101, 1, 'o2 of ann'), (2, 2, 'o1 of ben'), (3, 1, 'o3 of ann');
INSERT INTO items VALUES (1, 1, 'i1 of ann'), (2, 101, 'i2 of ann'), (3, 2, 'i1 of ben'), (4, 1, 'i3 of ann'), (5, 3, 'i5 of ann');
INSERT INTO loose VALUES (1, 1), (2, 3);

-- What went before, at several times and levels; one of a former row with the key.
DELETE FROM items WHERE id = 4;
DELETE FROM orders WHERE id = 101;
SET softdelete.reason = 'ann called';
DELETE FROM orders WHERE id = 3;
SET softdelete.reason = 'both called';
DELETE FROM items WHERE id IN (1, 3);
RESET softdelete.reason;
CREATE VIEW left_over AS SELECT 'users' AS relation, id, name AS what, deleted_at IS NOT NULL AS archived FROM all_users
    UNION ALL SELECT 'orders', id, note, deleted_at IS NOT NULL FROM all_orders UNION ALL SELECT 'items', id, what, deleted_at IS NOT NULL FROM all_items;
SELECT * FROM left_over ORDER BY 1 DESC, 2;
SELECT softdelete.erase('users', 'request 1', 1) - 'id' - 'erased_at' - 'not_reached' AS entry;
SELECT * FROM left_over ORDER BY 1 DESC, 2;
SELECT reason, rows FROM softdelete.deletions ORDER BY id;
SELECT count(*) FROM users_history h WHERE h::text LIKE '%ann%';
SELECT softdelete.erase('users', 'request 1', 1); -- fails

-- A row that is archived only, with what is archived below it.
DELETE FROM users WHERE id = 2;
INSERT INTO users VALUES (3, 'cid');
INSERT INTO orders VALUES (4, 3, 'o1 of cid');
SELECT softdelete.erase('users', 'request 2', 2) -> 'rows' AS rows;
SELECT * FROM left_over ORDER BY 1 DESC, 2;
-- From a table in the middle.
DELETE FROM orders WHERE id = 4;
INSERT INTO orders VALUES (4, 3, 'o2 of cid');
SELECT softdelete.erase('orders', 'request 3', 4) -> 'rows' AS rows;
SELECT * FROM left_over ORDER BY 1 DESC, 2;
-- A row of a table whose deleted rows are marked takes along what lies below a table that is not registered.
CREATE TABLE people (id int PRIMARY KEY);
CREATE TABLE links (id int PRIMARY KEY, person int REFERENCES people ON DELETE CASCADE);
CREATE TABLE pages (id int PRIMARY KEY, link int REFERENCES links ON DELETE CASCADE, text text);
CREATE INDEX ON links (person);
CREATE INDEX ON pages (link);
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('people');
SELECT count(*) > 0 AS registered FROM softdelete.register('pages', strategy => 'archive');
RESET client_min_messages;
INSERT INTO people VALUES (1), (2);
INSERT INTO links VALUES (1, 1), (2, 2);
INSERT INTO pages VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'c');
DELETE FROM pages WHERE id = 1;
SELECT softdelete.erase('people', 'request 4', 1) -> 'rows' AS rows;
SELECT id, text, deleted_at IS NOT NULL AS archived FROM all_pages ORDER BY id;
-- A purge archives it, since it is nobody's wish to erase it.
DELETE FROM people WHERE id = 2;
SELECT count(*) FROM softdelete.configure('people', retention => '0');
SET client_min_messages = warning;
CALL softdelete.purge('people');
RESET client_min_messages;
SELECT count(*) FROM links;
SELECT id, text, deleted_at IS NOT NULL AS archived FROM all_pages ORDER BY id;

-- What references a former key, which ON UPDATE CASCADE has left in archives: found by the history, at any depth, also where the
-- row or its child is archived itself, or is gone. What another row of today's keys, or of the past, had stays.
CREATE TABLE firms (id int PRIMARY KEY, name text);
CREATE TABLE sites (id int PRIMARY KEY, firm int REFERENCES firms ON UPDATE CASCADE ON DELETE CASCADE, what text);
CREATE TABLE calls (id int PRIMARY KEY, site int REFERENCES sites ON UPDATE CASCADE ON DELETE CASCADE, what text);
CREATE INDEX ON sites (firm);
CREATE INDEX ON calls (site);
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('calls', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('sites', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('firms');
RESET client_min_messages;
SELECT softdelete.track_history('firms'), softdelete.track_history('sites');
CREATE VIEW kept AS SELECT 'sites' AS relation, id, what FROM sites_archive UNION ALL SELECT 'calls', id, what FROM calls_archive;
INSERT INTO firms VALUES (3, 'ann'), (4, 'ben'), (5, 'cid');
INSERT INTO sites VALUES (30, 3, 'ann'), (31, 3, 'ann'), (32, 3, 'ann'), (40, 4, 'ben'), (50, 5, 'cid');
INSERT INTO calls VALUES (300, 30, 'ann'), (310, 31, 'ann'), (311, 31, 'ann'), (320, 32, 'ann'), (400, 40, 'ben'), (500, 50, 'cid');
DELETE FROM sites WHERE id = 30;              -- with 300
DELETE FROM calls WHERE id IN (310, 320);
UPDATE sites SET id = 131 WHERE id = 31;      -- 310 keeps 31
UPDATE sites SET id = 132 WHERE id = 32;
DELETE FROM sites WHERE id = 132;             -- 320 keeps 32
UPDATE firms SET id = 33 WHERE id = 3;
UPDATE firms SET id = 333 WHERE id = 33;
SELECT e -> 'rows' AS rows, e -> 'not_reached' -> 0 AS first FROM softdelete.erase('firms', 'request 5', 333) e;
SELECT * FROM kept ORDER BY 1, 2;
-- Another row has the former key, or had it and is archived.
DELETE FROM sites WHERE id = 40;
UPDATE firms SET id = 44 WHERE id = 4;
INSERT INTO firms VALUES (4, 'dan');
INSERT INTO sites VALUES (41, 4, 'dan');
DELETE FROM sites WHERE id = 41;
DELETE FROM calls WHERE id = 500;
UPDATE sites SET id = 55 WHERE id = 50;
INSERT INTO sites VALUES (50, 4, 'dan');
INSERT INTO calls VALUES (501, 50, 'dan');
DELETE FROM sites WHERE id = 50;
SELECT e -> 'rows' AS rows, e -> 'not_reached' -> 0 AS first FROM softdelete.erase('firms', 'request 6', 44) e;
SELECT e -> 'rows' AS rows, e -> 'not_reached' -> 0 AS first FROM softdelete.erase('firms', 'request 7', 5) e;
SELECT * FROM kept ORDER BY 1, 2;
-- Who has the key takes his own along.
SELECT e -> 'rows' AS rows, e -> 'not_reached' -> 0 AS first FROM softdelete.erase('firms', 'request 8', 4) e;
SELECT * FROM kept ORDER BY 1, 2;
-- The row is gone.
INSERT INTO firms VALUES (6, 'eve');
INSERT INTO sites VALUES (60, 6, 'eve');
DELETE FROM sites WHERE id = 60;
UPDATE firms SET id = 66 WHERE id = 6;
DELETE FROM firms WHERE id = 66;
SELECT count(*) FROM softdelete.configure('firms', retention => '0');
SET client_min_messages = warning;
CALL softdelete.purge('firms');
RESET client_min_messages;
SELECT e -> 'rows' AS rows, e -> 'key' AS key, e -> 'not_reached' -> 0 AS first FROM softdelete.erase('firms', 'request 9', '066') e;
SELECT * FROM kept ORDER BY 1, 2;
SELECT softdelete.erase('firms', 'request 9', 66); -- fails

-- What is refused, and who may.
SELECT softdelete.erase('users', 'why', 9); -- fails
SELECT softdelete.erase('users', NULL, 3); -- fails
SELECT softdelete.erase('users', '3', 3); -- fails
SELECT softdelete.release(softdelete.hold('users', 'why', 3)) AS released;
SELECT softdelete.anonymize('users', 'why', 3); -- fails: it has no rules
GRANT ALL ON users, users_archive TO regress_archive_other;
SET SESSION AUTHORIZATION regress_archive_other;
SELECT softdelete.erase('users', 'why', 3); -- fails
SET SESSION AUTHORIZATION regress_archive_owner;
SELECT table_name, action, reason, rows FROM softdelete.erasure_log ORDER BY id;
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_archive_erase CASCADE;
DROP OWNED BY regress_archive_owner, regress_archive_other;
DROP ROLE regress_archive_owner, regress_archive_other;
