-- Nothing is removed physically by accident: what would do so is an error, and the one DELETE that removes says what it
-- removes.
CREATE ROLE regress_refused_owner;
CREATE ROLE regress_refused_user;
GRANT regress_refused_user TO regress_refused_owner;
CREATE SCHEMA regress_refused AUTHORIZATION regress_refused_owner;
SET SESSION AUTHORIZATION regress_refused_owner;
SET search_path = regress_refused;
GRANT USAGE ON SCHEMA regress_refused TO regress_refused_user;
CREATE TABLE orders (id int PRIMARY KEY, note text);
CREATE TABLE kept (id int PRIMARY KEY, note text);
SELECT count(*) > 0 AS registered FROM softdelete.register('orders');
SELECT count(*) > 0 AS registered FROM softdelete.register('kept', retention => '90 days');
INSERT INTO orders (id) SELECT generate_series(1, 20);
DELETE FROM orders WHERE id > 10;
INSERT INTO kept (id) SELECT generate_series(1, 5);
INSERT INTO kept (id, deleted_at) SELECT g, now() - g * interval '10 days' FROM generate_series(6, 15) g;
GRANT ALL ON orders, kept TO regress_refused_user;
CREATE FUNCTION state() RETURNS TABLE (relation text, live bigint, deleted bigint) LANGUAGE sql AS
    'SELECT ''orders'', count(*) FILTER (WHERE deleted_at IS NULL), count(deleted_at) FROM orders
        WHERE softdelete.include_deleted(deleted_at)
     UNION ALL SELECT ''kept'', count(*) FILTER (WHERE deleted_at IS NULL), count(deleted_at) FROM kept
        WHERE softdelete.include_deleted(deleted_at)';
\set QUIET off
SELECT * FROM state();

-- TRUNCATE, alone, with others and by cascade.
TRUNCATE orders; -- fails
CREATE TABLE lines (order_id int);
TRUNCATE lines, orders; -- fails
CREATE TABLE whole (id int PRIMARY KEY);
CREATE TABLE referencing (id int PRIMARY KEY, whole_id int REFERENCES whole);
SELECT count(*) > 0 AS registered FROM softdelete.register('referencing');
TRUNCATE whole CASCADE; -- fails
TRUNCATE whole; -- fails
-- What pg_restore does before it loads a table: nothing is lost.
SET row_security = off;
TRUNCATE ONLY referencing;
TRUNCATE orders; -- fails
RESET row_security;

-- Triggers disabled.
ALTER TABLE orders DISABLE TRIGGER ALL;
DELETE FROM orders WHERE id = 1; -- fails
DELETE FROM orders WHERE deleted_at IS NOT NULL; -- fails
MERGE INTO orders o USING (VALUES (1)) AS s (id) ON o.id = s.id WHEN MATCHED THEN DELETE; -- fails
WITH gone AS (DELETE FROM orders WHERE id = 1) SELECT 1; -- fails
\set VERBOSITY sqlstate
DELETE FROM orders WHERE id = 1; -- fails
\set VERBOSITY default
TRUNCATE orders; -- fails
TRUNCATE whole CASCADE; -- fails
ALTER TABLE orders ENABLE TRIGGER ALL;
SET row_security = off;
ALTER TABLE orders DISABLE TRIGGER USER;
RESET row_security;
TRUNCATE orders; -- fails
DELETE FROM orders WHERE id = 1; -- fails
SELECT count(*) FROM orders;
ALTER TABLE orders ENABLE TRIGGER USER;
DELETE FROM orders WHERE id = 1;

-- Disabled on a partition only: soft deletes go on, a purge of the whole does not.
CREATE TABLE parts (id int) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (10);
SELECT count(*) > 0 AS registered FROM softdelete.register('parts', retention => '90 days');
INSERT INTO parts (id) VALUES (1), (2), (3);
ALTER TABLE parts DISABLE TRIGGER ALL;
TRUNCATE parts_1; -- fails
TRUNCATE parts; -- fails
ALTER TABLE parts ENABLE TRIGGER ALL;
ALTER TABLE parts_1 DISABLE TRIGGER ALL;
DELETE FROM parts_1 WHERE id = 1; -- fails
DELETE FROM parts WHERE id = 1;
DELETE FROM parts WHERE deleted_at IS NOT NULL; -- fails
ALTER TABLE parts_1 ENABLE TRIGGER ALL;
\set VERBOSITY terse
DELETE FROM parts WHERE deleted_at IS NOT NULL; -- fails
\set VERBOSITY default

-- A child made by hand after registration has no triggers: no purge of the whole reaches it.
CREATE TABLE things (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('things');
CREATE TABLE books () INHERITS (things);
SET row_security = off;
ALTER TABLE books DISABLE TRIGGER USER;
RESET row_security;
INSERT INTO books (id) VALUES (1), (2);
DELETE FROM things WHERE id = 1;
DELETE FROM things WHERE deleted_at IS NOT NULL; -- fails
DELETE FROM ONLY things WHERE deleted_at IS NOT NULL;
SELECT count(*) FROM things WHERE deleted_at IS NOT NULL;

-- A session that applies changes as a replica.
RESET SESSION AUTHORIZATION;
SET session_replication_role = replica;
DELETE FROM orders WHERE id = 2; -- fails
DELETE FROM orders WHERE deleted_at IS NOT NULL; -- fails
TRUNCATE orders; -- fails
RESET session_replication_role;
SET SESSION AUTHORIZATION regress_refused_owner;
SELECT * FROM state();

-- A foreign key that would take live rows along with a row of a table that is not registered.
CREATE TABLE shops (id int PRIMARY KEY);
CREATE TABLE sales (id int PRIMARY KEY, shop int REFERENCES shops ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('sales');
INSERT INTO shops VALUES (1), (2);
INSERT INTO sales (id, shop) VALUES (1, 1), (2, 2);
DELETE FROM shops WHERE id = 1; -- fails
DELETE FROM sales WHERE id = 2;
DELETE FROM shops WHERE id = 2;
SET row_security = off;
ALTER TABLE sales DISABLE TRIGGER USER;
RESET row_security;
DELETE FROM shops WHERE id = 1; -- fails
ALTER TABLE sales ENABLE TRIGGER USER;
SELECT id FROM sales;

-- The purge by hand: the owner's DELETE of rows that are deleted already. With a retention it takes only rows
-- that are due.
\set VERBOSITY terse
DELETE FROM kept WHERE deleted_at IS NOT NULL; -- fails
DELETE FROM kept WHERE deleted_at < now() - interval '80 days'; -- fails
\set VERBOSITY default
SELECT * FROM state();
DELETE FROM kept WHERE deleted_at < now() - interval '120 days' RETURNING id;
DELETE FROM kept WHERE deleted_at <= now() - interval '110 days' AND id > 11;
SELECT * FROM state();

-- Without one it takes them all.
BEGIN;
DELETE FROM orders WHERE deleted_at IS NOT NULL;
SELECT * FROM state();
ROLLBACK;
PREPARE purge (timestamptz) AS DELETE FROM orders WHERE deleted_at <= $1 AND id > 18;
SET plan_cache_mode = force_generic_plan;
EXECUTE purge (now() - interval '1 year');
EXECUTE purge (now());
RESET plan_cache_mode;
SELECT * FROM state();

-- Conditions that a live row can meet make a soft delete.
BEGIN;
DELETE FROM orders WHERE deleted_at IS NOT NULL OR id = 2;
DELETE FROM orders WHERE coalesce(deleted_at, now()) = now() AND id = 3;
SELECT * FROM state();
ROLLBACK;

-- So does a table that the statement does not name itself, or not alone.
BEGIN;
DELETE FROM deleted_orders;
DELETE FROM orders USING lines WHERE deleted_at IS NOT NULL;
MERGE INTO orders o USING (VALUES (12)) AS s (id) ON o.id = s.id AND o.deleted_at IS NOT NULL WHEN MATCHED THEN DELETE;
SELECT * FROM state();
ROLLBACK;

-- For others than the owner a deleted row is not deleted again, also in a plan that the owner had made.
PREPARE purge_orders AS DELETE FROM orders WHERE deleted_at IS NOT NULL AND id = 18;
BEGIN;
EXECUTE purge_orders;
ROLLBACK;
SET ROLE regress_refused_user;
DELETE FROM orders WHERE deleted_at IS NOT NULL;
EXECUTE purge_orders;
RESET ROLE;
BEGIN;
EXECUTE purge_orders;
ROLLBACK;
SELECT * FROM state();

-- Only superusers, and those who were granted it, may delete physically.
SET softdelete.deletion = 'hard'; -- fails
\set VERBOSITY sqlstate
SET softdelete.deletion = 'hard'; -- fails
SET softdelete.deletion = 'no such thing'; -- fails
SET softdelete.visibility = 'no such thing'; -- fails
SET softdelete.no_such_setting = 1; -- fails
\set VERBOSITY default
RESET SESSION AUTHORIZATION;
PREPARE remove (int) AS DELETE FROM regress_refused.orders WHERE id = $1;
SET plan_cache_mode = force_generic_plan;
EXECUTE remove (4);
SET softdelete.deletion = 'hard';
EXECUTE remove (5);
WITH gone AS (DELETE FROM orders WHERE id = 6) SELECT 1 AS one;
MERGE INTO orders o USING (VALUES (7)) AS s (id) ON o.id = s.id WHEN MATCHED THEN DELETE;
DELETE FROM orders WHERE id = 17;
DELETE FROM orders WHERE id = 17 AND deleted_at IS NOT NULL;
DELETE FROM kept WHERE id = 1;
DELETE FROM kept WHERE id = 6 AND deleted_at IS NOT NULL;
RESET softdelete.deletion;
EXECUTE remove (8);
RESET plan_cache_mode;
SELECT * FROM state();
SELECT array_agg(id ORDER BY id) FROM orders WHERE softdelete.include_deleted(deleted_at);

-- The grant holds for one function as well.
CREATE FUNCTION erase(int) RETURNS void SECURITY DEFINER SET softdelete.deletion = 'hard' SET search_path = regress_refused
    LANGUAGE sql AS 'DELETE FROM orders WHERE id = $1';
SET SESSION AUTHORIZATION regress_refused_owner;
SELECT erase(9);
DELETE FROM orders WHERE id = 10;
SELECT array_agg(id ORDER BY id) FROM orders WHERE softdelete.include_deleted(deleted_at);

-- The safety net is no ordinary trigger function, and what the statements use cannot be called by hand.
CREATE TRIGGER wrong AFTER INSERT ON lines FOR EACH ROW EXECUTE FUNCTION softdelete_internal.on_delete();
INSERT INTO lines VALUES (1); -- fails
DROP TRIGGER wrong ON lines;
SELECT softdelete_internal.new_deletion_id('orders'); -- fails
SELECT softdelete_internal.assign_deletion_id(1, 'orders'); -- fails

RESET SESSION AUTHORIZATION;
RESET search_path;
SET softdelete.deletion = 'hard';
TRUNCATE regress_refused.orders;
RESET softdelete.deletion;
SET client_min_messages = warning;
DROP SCHEMA regress_refused CASCADE;
DROP ROLE regress_refused_owner, regress_refused_user;
