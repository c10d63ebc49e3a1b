-- plan() returns the steps and changes nothing; the online ones can be run beforehand, and register() adopts them.
CREATE ROLE regress_plan_owner;
CREATE SCHEMA regress_plan AUTHORIZATION regress_plan_owner;
SET SESSION AUTHORIZATION regress_plan_owner;
SET search_path = regress_plan;
\pset format unaligned
CREATE TABLE orders (id int PRIMARY KEY, number text UNIQUE, customer int);
CREATE INDEX orders_customer_idx ON orders (customer);
COMMENT ON CONSTRAINT orders_number_key ON orders IS 'numbered';
SELECT step, object, action, online, command FROM softdelete.plan('orders', retention => '1 year');
SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname LIKE 'delet%';
SELECT relation FROM softdelete.tables WHERE relation = 'orders'::regclass;

-- register() takes the same steps, without CONCURRENTLY.
BEGIN;
CREATE TEMP TABLE planned AS SELECT * FROM softdelete.plan('orders', retention => '1 year');
CREATE TEMP TABLE taken AS SELECT * FROM softdelete.register('orders', retention => '1 year');
SELECT count(*) FROM planned FULL JOIN taken USING (step, object, action, online)
    WHERE replace(planned.command, ' CONCURRENTLY', '') IS DISTINCT FROM taken.command;
ROLLBACK;

-- Run beforehand, while the table is in use.
SELECT command FROM softdelete.plan('orders', retention => '1 year') WHERE online ORDER BY step \gexec
SELECT count(*) FROM softdelete.plan('orders', retention => '1 year') WHERE online;
DELETE FROM orders;
SELECT step, object, action, online, command FROM softdelete.register('orders', retention => '1 year');
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'orders'::regclass ORDER BY indexrelid::regclass::text COLLATE "C";

-- What was added beforehand is taken back as well.
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('orders');
SELECT attname, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT attisdropped;
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'orders'::regclass ORDER BY indexrelid::regclass::text COLLATE "C";
SELECT conname, obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conrelid = 'orders'::regclass AND contype <> 'n' ORDER BY conname;

-- An index that an interrupted CREATE INDEX CONCURRENTLY left invalid is replaced.
ALTER TABLE orders ADD COLUMN deleted_at timestamptz;
ALTER TABLE orders DROP CONSTRAINT orders_number_key;
INSERT INTO orders VALUES (1, 'a'), (2, 'a');
CREATE UNIQUE INDEX CONCURRENTLY orders_number_idx_live ON orders (number) WHERE deleted_at IS NULL; -- fails
DELETE FROM orders WHERE id = 2;
CREATE UNIQUE INDEX orders_number_idx ON orders (number);
SELECT object, action, online, command FROM softdelete.plan('orders') WHERE object LIKE '%number%';
SELECT command FROM softdelete.plan('orders') WHERE online ORDER BY step \gexec
SELECT object, action, command FROM softdelete.register('orders') WHERE object LIKE '%number%';
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('orders');

-- A name that is taken by something else is avoided.
CREATE TABLE orders_deleted_at_idx ();
CREATE TABLE orders_number_idx_live ();
SELECT command FROM softdelete.plan('orders') WHERE object LIKE 'index%' AND action = 'create';
DROP TABLE orders_deleted_at_idx, orders_number_idx_live;

-- Duplicates among live rows, which an invalid index or a missing one let in, stop register(); nothing is half done.
DROP INDEX orders_number_idx;
INSERT INTO orders VALUES (2, 'a');
CREATE UNIQUE INDEX CONCURRENTLY orders_number_idx ON orders (number); -- fails
SELECT object, command FROM softdelete.register('orders') WHERE action = 'warning';
