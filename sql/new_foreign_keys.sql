-- Foreign keys that come after registration are honoured from the next statement on, dropped ones no longer, and SET
-- CONSTRAINTS of a key reaches what it means for soft deletes.
\set QUIET on
CREATE ROLE regress_new_keys;
CREATE SCHEMA regress_new_keys AUTHORIZATION regress_new_keys;
SET SESSION AUTHORIZATION regress_new_keys;
SET search_path = regress_new_keys;
CREATE TABLE users (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
INSERT INTO users SELECT generate_series(1, 9);
\set QUIET off

-- A new table that references it, and a key added to an old one.
CREATE TABLE notes (id int PRIMARY KEY, user_id int CONSTRAINT "Notes' user" REFERENCES users DEFERRABLE);
CREATE TABLE orders (id int PRIMARY KEY, user_id int);
ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
INSERT INTO notes VALUES (1, 1);
DELETE FROM users WHERE id = 1; -- fails
DELETE FROM users WHERE id = 2;
INSERT INTO orders VALUES (1, 2); -- fails
INSERT INTO notes VALUES (2, 2); -- fails

-- Deferred, both directions wait for the end of the transaction.
BEGIN;
SET CONSTRAINTS "Notes' user" DEFERRED;
DELETE FROM users WHERE id = 1;
DELETE FROM notes WHERE id = 1;
COMMIT;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO notes VALUES (3, 1);
SELECT softdelete.restore('users', 1);
COMMIT;
BEGIN;
SET CONSTRAINTS regress_new_keys."Notes' user" DEFERRED;
DELETE FROM users WHERE id = 1;
SET CONSTRAINTS "Notes' user" IMMEDIATE; -- fails
ROLLBACK;

-- A child that is registered later is followed from then on.
INSERT INTO orders VALUES (3, 3);
SELECT count(*) > 0 AS registered FROM softdelete.register('orders');
DELETE FROM users WHERE id = 3;
SELECT id, deleted_at IS NOT NULL AS deleted FROM all_orders;

-- A key that is dropped does nothing any more.
ALTER TABLE notes DROP CONSTRAINT "Notes' user";
DELETE FROM users WHERE id = 1;
INSERT INTO notes VALUES (9, 1);

-- A key of a table to itself, of a partitioned table to itself, and one between two partitions; dropped and added again.
CREATE TABLE tree (id int PRIMARY KEY, up int);
CREATE TABLE parts (id int PRIMARY KEY, up int) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
SELECT count(*) > 0 AS registered FROM softdelete.register('tree') a, softdelete.register('parts') b;
ALTER TABLE tree ADD CONSTRAINT tree_up FOREIGN KEY (up) REFERENCES tree ON DELETE CASCADE;
ALTER TABLE tree DROP CONSTRAINT tree_up, ADD CONSTRAINT tree_up FOREIGN KEY (up) REFERENCES tree ON DELETE CASCADE DEFERRABLE;
ALTER TABLE parts ADD CONSTRAINT parts_up FOREIGN KEY (up) REFERENCES parts ON DELETE CASCADE;
ALTER TABLE parts DROP CONSTRAINT parts_up;
ALTER TABLE parts_2 ADD CONSTRAINT parts_up FOREIGN KEY (up) REFERENCES parts_1 ON DELETE CASCADE;
INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2);
INSERT INTO parts VALUES (1, 11), (2, NULL), (11, 1);
DELETE FROM tree WHERE id = 2;
DELETE FROM parts WHERE id = 1;
SELECT id FROM tree UNION ALL SELECT id FROM parts ORDER BY 1;
INSERT INTO tree VALUES (4, 2); -- fails
INSERT INTO parts VALUES (12, 1); -- fails
INSERT INTO parts VALUES (3, 1);

-- Unregistering takes every trigger along, on the referencing tables as well.
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('orders', 'purge');
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('users', 'purge');
SELECT tgrelid::regclass, tgname FROM pg_trigger
    WHERE tgrelid IN ('users'::regclass, 'orders'::regclass) AND NOT tgisinternal;

-- What is known of a dropped table goes with it.
CREATE TABLE brief (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('brief');
INSERT INTO brief VALUES (1);
DELETE FROM brief;
DROP TABLE brief CASCADE;
SELECT count(*) FROM softdelete.tables WHERE relation::text ~ 'brief';
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM softdelete_internal.deletion d WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = d.relation);
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA regress_new_keys CASCADE;
DROP ROLE regress_new_keys;
