-- What goes for good under softdelete.deletion = hard leaves a line that says who, when and how many, and no value of any row.
\set VERBOSITY terse
CREATE ROLE regress_remover SUPERUSER;
CREATE ROLE regress_removal_owner;
CREATE ROLE regress_removal_reader;
CREATE SCHEMA regress_removals AUTHORIZATION regress_removal_owner;
GRANT USAGE ON SCHEMA regress_removals TO PUBLIC;
SET SESSION AUTHORIZATION regress_removal_owner;
SET search_path = regress_removals;
SET client_min_messages = error;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE);
CREATE TABLE orders (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE CASCADE);
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 PARTITION OF parts DEFAULT;
CREATE INDEX ON orders ("user");
SELECT count(*) > 0 AS registered FROM softdelete.register('users', cascade => true);
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 9) i;
INSERT INTO orders SELECT i, 1 + i % 9 FROM generate_series(1, 18) i;
INSERT INTO parts SELECT generate_series(1, 20);
CREATE FUNCTION tell() RETURNS TABLE (relation regclass, kind text, removed_by text, role name, reason text, rows bigint, is_now boolean) LANGUAGE sql AS
    'SELECT relation, kind, removed_by, role, reason, rows, removed_at = now() FROM softdelete.removals
     WHERE table_name LIKE ''regress_removals.%'' ORDER BY id';

-- A soft delete leaves none, nor does a purge by hand, which is in the log of purges.
DELETE FROM users WHERE id = 1;
UPDATE orders SET deleted_at = now() - interval '1 day' WHERE deleted_at IS NOT NULL;
DELETE FROM orders WHERE deleted_at IS NOT NULL;
SELECT * FROM tell();

-- Live and deleted rows, with what the server's cascade takes along; in CTEs, in functions and over partitions.
SET SESSION AUTHORIZATION regress_remover;
SET search_path = regress_removals;
SET softdelete.deletion = hard;
BEGIN;
SET LOCAL softdelete.actor = 'night watch';
SET LOCAL softdelete.reason = 'test data';
DELETE FROM users WHERE id IN (2, 3);
SELECT * FROM tell();
COMMIT;
DELETE FROM all_users WHERE id = 1;
WITH gone AS (DELETE FROM orders WHERE id IN (4, 5) RETURNING id) SELECT count(*) FROM gone;
DO $$ BEGIN DELETE FROM parts WHERE id IN (3, 4, 15); END $$;
DELETE FROM users WHERE id = 99;
-- What is rolled back has left no line.
BEGIN;
SAVEPOINT s;
DELETE FROM users WHERE id = 4;
ROLLBACK TO s;
COMMIT;
SELECT relation, kind, removed_by, role, reason, rows FROM tell();

-- TRUNCATE, of each table that it empties; the number is the server's estimate.
ANALYZE users, orders, parts;
TRUNCATE users CASCADE;
TRUNCATE parts;
SELECT relation, kind, removed_by, rows > 0 AS has_rows FROM tell() WHERE kind = 'truncate';
RESET softdelete.deletion;
TRUNCATE users CASCADE; -- fails

-- Of tables with an archive too: rows that go by themselves, by ON DELETE CASCADE, from partitions, in functions and in savepoints. What
-- goes to an archive, or moves to another partition, is none.
SET SESSION AUTHORIZATION regress_removal_owner;
CREATE TABLE bags (id int PRIMARY KEY, up int REFERENCES bags ON DELETE CASCADE);
CREATE TABLE items (id int, bag int REFERENCES bags ON DELETE CASCADE, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE items_1 PARTITION OF items FOR VALUES FROM (0) TO (10);
CREATE TABLE items_2 PARTITION OF items DEFAULT;
CREATE INDEX ON bags (up);
CREATE INDEX ON items (bag);
SELECT count(*) > 0 AS registered FROM softdelete.register('bags', strategy => 'archive', cascade => true);
INSERT INTO bags SELECT i, i / 2 FROM generate_series(1, 9) i WHERE i > 1 UNION ALL SELECT 1, NULL UNION ALL SELECT 0, NULL;
INSERT INTO items SELECT i, i % 10 FROM generate_series(1, 18) i;
DELETE FROM bags WHERE id = 9;
SET SESSION AUTHORIZATION regress_remover;
SET softdelete.deletion = 'hard';
SET softdelete.reason = 'bags';
UPDATE items SET id = 99 WHERE id = 1;
DELETE FROM bags WHERE id IN (4, 8);
DELETE FROM items WHERE id IN (2, 12) RETURNING id;
DO $$ BEGIN DELETE FROM regress_removals.items WHERE id = 3; END $$;
BEGIN; SAVEPOINT a; DELETE FROM bags; ROLLBACK TO a; DELETE FROM items_2 WHERE id = 13; COMMIT;
BEGIN; DELETE FROM bags WHERE id = 5; ROLLBACK;
RESET softdelete.deletion;
RESET softdelete.reason;
SELECT relation, kind, removed_by, role, rows FROM tell() WHERE reason = 'bags';
SELECT count(*) FROM all_bags WHERE deleted_at IS NOT NULL;

-- For those who may read the table.
SET SESSION AUTHORIZATION regress_removal_reader;
SELECT count(*) FROM softdelete.removals;
SET SESSION AUTHORIZATION regress_removal_owner;
GRANT SELECT ON users TO regress_removal_reader;
SET SESSION AUTHORIZATION regress_removal_reader;
SELECT DISTINCT relation FROM softdelete.removals WHERE table_name LIKE 'regress_removals.%';
DELETE FROM softdelete.removals; -- fails

-- It has the retention of the log of purges.
RESET SESSION AUTHORIZATION;
UPDATE softdelete_internal.removal SET removed_at = now() - interval '2 years' WHERE relation = 'regress_removals.users'::regclass;
SET SESSION AUTHORIZATION regress_removal_owner;
SET client_min_messages = error;
CALL softdelete.purge();
SELECT DISTINCT relation::text FROM tell() ORDER BY 1;
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_removal_owner, regress_removal_reader, regress_remover;
DROP ROLE regress_removal_owner, regress_removal_reader, regress_remover;
