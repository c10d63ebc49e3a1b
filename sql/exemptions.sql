-- What sees all rows in spite of the filter: sessions that dump, the server's foreign-key machinery, validation of
-- constraints and index builds.
CREATE ROLE regress_exempt_owner;
CREATE SCHEMA regress_exempt AUTHORIZATION regress_exempt_owner;
SET SESSION AUTHORIZATION regress_exempt_owner;
SET search_path = regress_exempt;
CREATE TABLE users (id int PRIMARY KEY, email text);
CREATE TABLE orders (id int PRIMARY KEY, user_id int, note text);
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
SELECT count(*) > 0 AS registered FROM softdelete.register('orders');
INSERT INTO users (id, email) SELECT g, 'user' || g FROM generate_series(1, 6) g;
INSERT INTO orders (id, user_id) SELECT g, g FROM generate_series(1, 6) g;
DELETE FROM orders WHERE id IN (3, 6);
DELETE FROM users WHERE id IN (3, 4);

-- row_security = off shows everything, for the statements of that session only and as long as it is off.
PREPARE number AS SELECT count(*) FROM users;
CREATE FUNCTION number() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM regress_exempt.users); END';
CREATE FUNCTION definer() RETURNS bigint SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN RETURN regress_exempt.number(); END';
CREATE FUNCTION off() RETURNS bigint SET row_security = off LANGUAGE plpgsql AS 'BEGIN RETURN regress_exempt.number(); END';
SET plan_cache_mode = force_generic_plan;
EXECUTE number;
SET row_security = off;
EXECUTE number;
SELECT count(*), number(), definer(), number() FROM users;
SET row_security = on;
EXECUTE number;
SELECT count(*), number(), definer(), number() FROM users;
BEGIN;
SET LOCAL row_security = off;
EXECUTE number;
SELECT number();
COMMIT;
EXECUTE number;
SELECT number();
BEGIN;
SAVEPOINT s;
SET LOCAL row_security = off;
EXECUTE number;
ROLLBACK TO s;
EXECUTE number;
SELECT number();
COMMIT;
SELECT off(), number();
RESET plan_cache_mode;

-- In such a session DELETE is still a soft delete.
BEGIN;
SET LOCAL row_security = off;
DELETE FROM users WHERE id = 5;
DELETE FROM users WHERE id = 5;
SELECT count(*), count(deleted_at) FROM users;
ROLLBACK;

-- A foreign key is validated on all rows of both sides: live and deleted children, live and deleted parents.
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users;
ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey;
ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;

-- A deleted child that refers to nothing is found.
INSERT INTO orders (id, user_id, deleted_at) VALUES (7, 77, now());
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users; -- fails
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey; -- fails
ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;
DELETE FROM orders WHERE id = 7 AND deleted_at IS NOT NULL;

-- So for the partitions of a referencing table.
CREATE TABLE lines (id int, user_id int REFERENCES users) PARTITION BY RANGE (id);
CREATE TABLE lines_1 (id int, user_id int);
INSERT INTO lines_1 VALUES (1, 3), (2, 5);
ALTER TABLE lines ATTACH PARTITION lines_1 FOR VALUES FROM (1) TO (10);
CREATE TABLE lines_2 (id int, user_id int);
INSERT INTO lines_2 VALUES (11, 99);
ALTER TABLE lines ATTACH PARTITION lines_2 FOR VALUES FROM (10) TO (20); -- fails
DROP TABLE lines, lines_2;

-- The server's own checks see deleted rows: a key of a deleted parent cannot be taken away physically.
CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES users ON UPDATE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('notes');
INSERT INTO notes (id, user_id) VALUES (1, 1), (2, 1);
DELETE FROM notes WHERE id = 2;
UPDATE users SET id = 101 WHERE id = 1;
SELECT id, user_id FROM all_notes ORDER BY id;
DELETE FROM notes WHERE id = 1;
DELETE FROM users WHERE id = 101;
DELETE FROM users WHERE deleted_at IS NOT NULL AND id = 101; -- fails

-- An index is built on all rows; a unique one that covers the deleted rows finds their duplicates.
CREATE TABLE codes (id int PRIMARY KEY, code int);
SELECT count(*) > 0 AS registered FROM softdelete.register('codes', indexes => 'none');
INSERT INTO codes (id, code) VALUES (1, 1);
DELETE FROM codes;
INSERT INTO codes (id, code) VALUES (2, 1);
ALTER TABLE codes ADD CHECK (code < 1); -- fails
ALTER TABLE codes ALTER code SET NOT NULL;
INSERT INTO codes (id, code, deleted_at) VALUES (3, 5, now());
ALTER TABLE codes ADD CHECK (code < 5); -- fails
CREATE INDEX codes_code ON codes (code);
SET enable_seqscan = off;
SELECT count(*) FROM codes WHERE code > 0 AND deleted_at IS NOT NULL;
RESET enable_seqscan;

-- ANALYZE and table rewrites see all rows.
ALTER TABLE codes ADD COLUMN rewritten float8 DEFAULT random();
VACUUM ANALYZE codes;
SELECT reltuples FROM pg_class WHERE oid = 'codes'::regclass;
SELECT count(*) FROM all_codes;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_exempt CASCADE;
DROP ROLE regress_exempt_owner;
