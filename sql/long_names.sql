-- Names that are made of long ones are cut, and still differ: of indexes, views and triggers, of two tables at once and one
-- after the other, with characters of several bytes, and when a partition leaves.
\set QUIET on
CREATE ROLE regress_long;
CREATE SCHEMA regress_long AUTHORIZATION regress_long;
CREATE EXTENSION citext SCHEMA regress_long;
CREATE EXTENSION ltree SCHEMA regress_long;
SET SESSION AUTHORIZATION regress_long;
SET search_path = regress_long;
CREATE TABLE stock_inventory_adjustment_reconciliation_detail_line_head (id int PRIMARY KEY, name_of_the_person_in_charge_of_it text UNIQUE);
CREATE TABLE stock_inventory_adjustment_reconciliation_detail_line_item (id int PRIMARY KEY, name_of_the_person_in_charge_of_it text UNIQUE,
    head int CONSTRAINT stock_inventory_adjustment_reconciliation_detail_line_item_head REFERENCES stock_inventory_adjustment_reconciliation_detail_line_head ON DELETE CASCADE,
    other int CONSTRAINT stock_inventory_adjustment_reconciliation_detail_line_item_othe REFERENCES stock_inventory_adjustment_reconciliation_detail_line_head ON DELETE CASCADE);
CREATE INDEX ON stock_inventory_adjustment_reconciliation_detail_line_item (head);
CREATE INDEX ON stock_inventory_adjustment_reconciliation_detail_line_item (other);
\set QUIET off

-- Two tables in one call: as planned, so done.
SELECT count(*) - count(DISTINCT object) AS planned_twice
    FROM softdelete.plan('stock_inventory_adjustment_reconciliation_detail_line_head', cascade => true)
    WHERE action = 'create' AND (object LIKE 'index%' OR object LIKE 'view%');
\set QUIET on
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('stock_inventory_adjustment_reconciliation_detail_line_head', cascade => true);
RESET client_min_messages;
\set QUIET off
SELECT relation, active_view, deleted_view, all_view FROM softdelete.tables WHERE relation::text LIKE 'stock%' ORDER BY 1;
INSERT INTO stock_inventory_adjustment_reconciliation_detail_line_head VALUES (1);
INSERT INTO stock_inventory_adjustment_reconciliation_detail_line_item VALUES (1, NULL, 1, 1);
DELETE FROM stock_inventory_adjustment_reconciliation_detail_line_head;
SELECT count(*) FROM stock_inventory_adjustment_reconciliation_detail_line_item;
INSERT INTO stock_inventory_adjustment_reconciliation_detail_line_item VALUES (2, NULL, 1); -- fails
SELECT count(*) AS differences FROM softdelete.repair('stock_inventory_adjustment_reconciliation_detail_line_head');
SELECT count(*) AS differences FROM softdelete.repair('stock_inventory_adjustment_reconciliation_detail_line_item');

-- One after the other, and characters of two bytes at the place where a name is cut.
CREATE TABLE äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüä (id int PRIMARY KEY);
CREATE TABLE äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüö (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüä');
SELECT count(*) > 0 AS registered FROM softdelete.register('äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüö');
SELECT relation, active_view, deleted_view, all_view FROM softdelete.tables WHERE relation::text LIKE '%äöü%' ORDER BY 1;
SELECT count(*) AS indexes FROM pg_indexes WHERE schemaname = 'regress_long' AND tablename LIKE 'äöü%';

-- A partition that leaves gets views of its own.
CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parted_by_the_number_of_the_stock_inventory_adjustment_of_day_1 PARTITION OF parted FOR VALUES FROM (1) TO (2);
CREATE TABLE parted_by_the_number_of_the_stock_inventory_adjustment_of_day_2 PARTITION OF parted FOR VALUES FROM (2) TO (3);
SELECT count(*) > 0 AS registered FROM softdelete.register('parted');
ALTER TABLE parted DETACH PARTITION parted_by_the_number_of_the_stock_inventory_adjustment_of_day_1;
ALTER TABLE parted DETACH PARTITION parted_by_the_number_of_the_stock_inventory_adjustment_of_day_2;
SELECT relation, active_view, deleted_view, all_view FROM softdelete.tables WHERE relation::text LIKE 'parted%' ORDER BY 1;

-- A table that is dropped by CASCADE leaves no trigger on those that referenced it, whatever the key's name.
DROP TABLE stock_inventory_adjustment_reconciliation_detail_line_head CASCADE;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'stock_inventory_adjustment_reconciliation_detail_line_item'::regclass AND tgname LIKE 'softdelete_parent%';
CREATE TABLE child (id int PRIMARY KEY, p int CONSTRAINT odd REFERENCES parted);
CREATE TABLE other (id int PRIMARY KEY, p int CONSTRAINT odd REFERENCES child);
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname = 'softdelete_parent_odd' ORDER BY 1;
DROP TABLE parted CASCADE;
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname = 'softdelete_parent_odd' ORDER BY 1;

-- Archives and histories of tables whose names are the same where they are cut, in one call and one after the other. Of another
-- table that is called as a renamed one was, too.
CREATE TABLE stock_inventory_adjustment_reconciliation_detail_line_of_a (id int PRIMARY KEY);
CREATE TABLE stock_inventory_adjustment_reconciliation_detail_line_of_b (id int PRIMARY KEY REFERENCES stock_inventory_adjustment_reconciliation_detail_line_of_a ON DELETE CASCADE);
CREATE TABLE stock_inventory_adjustment_reconciliation_detail_line_of_c (id int PRIMARY KEY);
CREATE TABLE renamed (id int PRIMARY KEY);
\set QUIET on
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('stock_inventory_adjustment_reconciliation_detail_line_of_a', strategy => 'archive', cascade => true);
SELECT count(*) > 0 AS registered FROM softdelete.register('stock_inventory_adjustment_reconciliation_detail_line_of_c', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('renamed', strategy => 'archive');
ALTER TABLE renamed RENAME TO before;
CREATE TABLE renamed (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('renamed', strategy => 'archive', active_view => 'a', deleted_view => 'd', all_view => 'l');
RESET client_min_messages;
\set QUIET off
SELECT count(softdelete.track_history(c.oid)) AS histories FROM pg_class c WHERE c.relname ~ '_of_[abc]$' AND c.relkind = 'r';
SELECT relname FROM pg_class WHERE relkind = 'p' AND relnamespace = 'regress_long'::regnamespace AND relname ~ '_(archive|history)' ORDER BY relname COLLATE "C";
INSERT INTO stock_inventory_adjustment_reconciliation_detail_line_of_a VALUES (1);
INSERT INTO stock_inventory_adjustment_reconciliation_detail_line_of_b VALUES (1);
DELETE FROM stock_inventory_adjustment_reconciliation_detail_line_of_a;
SELECT softdelete.restore('stock_inventory_adjustment_reconciliation_detail_line_of_a', 1);
SELECT count(*) FROM stock_inventory_adjustment_reconciliation_detail_line_of_b;
CREATE TABLE named (id int PRIMARY KEY);
SELECT count(*) FROM softdelete.plan('named', strategy => 'archive', active_view => 'named_archive'); -- fails
\echo :LAST_ERROR_SQLSTATE

-- A copy of the schema alone has triggers and no registration: everybody says so, and register takes it on.
CREATE TABLE half (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('half');
\set QUIET on
RESET SESSION AUTHORIZATION;
DELETE FROM softdelete_internal.registration WHERE relation = 'regress_long.half'::regclass;
SET SESSION AUTHORIZATION regress_long;
\set QUIET off
SELECT softdelete.unregister('half'); -- fails
SELECT softdelete.repair('half'); -- fails
SELECT softdelete.restore('half', 1); -- fails
SELECT softdelete.hold('half', 'why', 1); -- fails
CALL softdelete.purge('half'); -- fails
SELECT count(*) > 0 AS registered FROM softdelete.register('half');
SELECT count(*) AS differences FROM softdelete.repair('half');

-- A deferrable UNIQUE that comes later compares as the type does.
CREATE TABLE texts (id int PRIMARY KEY, a citext, b ltree, c text);
SELECT count(*) > 0 AS registered FROM softdelete.register('texts');
ALTER TABLE texts ADD CONSTRAINT a_b UNIQUE (a, b) DEFERRABLE;
ALTER TABLE texts ADD CONSTRAINT c_later UNIQUE (c) INCLUDE (id) WITH (fillfactor = 70) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE texts ADD UNIQUE (no_such_column) DEFERRABLE; -- fails
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'texts'::regclass AND contype = 'x' ORDER BY 1;
INSERT INTO texts VALUES (1, 'x', 'a.b', 'c'), (2, 'X', 'a.b', 'd'); -- fails
SELECT count(*) AS differences FROM softdelete.repair('texts');
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('texts');
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'texts'::regclass AND contype IN ('x', 'u') ORDER BY 1;
\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_long CASCADE;
DROP ROLE regress_long;
