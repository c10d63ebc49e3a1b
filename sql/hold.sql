-- A legal hold keeps a row, and the tree below it, from every physical removal until it is released.
CREATE ROLE regress_hold;
CREATE ROLE regress_hold_other;
CREATE SCHEMA regress_hold AUTHORIZATION regress_hold;
GRANT SET ON PARAMETER softdelete.deletion TO regress_hold;
SELECT setval('softdelete_internal.hold_id_seq', 100);
SET SESSION AUTHORIZATION regress_hold;
SET search_path = regress_hold;
\set QUIET off
\set VERBOSITY default

CREATE TABLE customers (id int PRIMARY KEY, name text);
CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE);
CREATE TABLE items (id int PRIMARY KEY, "order" int REFERENCES orders ON DELETE CASCADE); -- stays unregistered
CREATE TABLE labels (id int PRIMARY KEY, item int REFERENCES items ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('customers');
SELECT count(*) > 0 AS registered FROM softdelete.register('orders');
SELECT count(*) > 0 AS registered FROM softdelete.register('labels');
INSERT INTO customers SELECT g, 'c' || g FROM generate_series(1, 6) g;
INSERT INTO orders SELECT g, g FROM generate_series(1, 6) g;
INSERT INTO items SELECT g, g FROM generate_series(1, 6) g;
INSERT INTO labels SELECT g, g FROM generate_series(1, 6) g;

-- A live row and a deleted one.
DELETE FROM orders WHERE id = 2;
SELECT softdelete.hold('customers', 'case 11/26', 1) AS customer \gset
SELECT softdelete.hold('orders', 'case 11/26', '2') AS order \gset
SELECT relation, key, reason, held_by, held_at = now() AS now, released_at, released_by
FROM (SELECT *, now() FROM softdelete.holds) h ORDER BY id;

-- Soft deletes and restores of held rows go on.
DELETE FROM customers WHERE id = 1;
SELECT softdelete.restore('customers', 1);
DELETE FROM labels;
DELETE FROM customers WHERE id <> 6;
DELETE FROM orders WHERE id = 6;
SELECT count(*) FROM all_customers;

-- The hand-written purge: held rows, and what is below them by any path.
DELETE FROM customers WHERE deleted_at IS NOT NULL AND id = 1; -- fails
DELETE FROM orders WHERE deleted_at IS NOT NULL AND id = 1; -- fails
DELETE FROM orders WHERE deleted_at IS NOT NULL AND id = 2; -- fails
DELETE FROM labels WHERE deleted_at IS NOT NULL AND id = 1; -- fails
DELETE FROM labels WHERE deleted_at IS NOT NULL; -- fails as a whole
DELETE FROM labels WHERE deleted_at IS NOT NULL AND id IN (3, 4, 5, 6);
DELETE FROM customers WHERE deleted_at IS NOT NULL AND id IN (3, 4);
-- what a foreign key would take along
DELETE FROM customers WHERE deleted_at IS NOT NULL AND id = 2; -- fails
DELETE FROM items WHERE id = 1; -- fails: an unregistered table between two registered ones
SELECT array_agg(id ORDER BY id) AS customers FROM all_customers;
SELECT array_agg(id ORDER BY id) AS orders FROM all_orders;
SELECT array_agg(id ORDER BY id) AS labels FROM all_labels;

-- Physical deletes and TRUNCATE that the setting allows.
SET softdelete.deletion = hard;
DELETE FROM all_customers WHERE id = 1; -- fails
DELETE FROM all_labels WHERE id = 2; -- fails
TRUNCATE labels; -- fails
TRUNCATE customers CASCADE; -- fails
SET row_security = off;
ALTER TABLE labels DISABLE TRIGGER USER; -- fails
RESET row_security;
DELETE FROM all_customers WHERE id = 6;
RESET softdelete.deletion;

-- Unregistering and dropping.
SELECT count(*) FROM softdelete.unregister('customers', 'purge'); -- fails
SELECT count(*) FROM softdelete.unregister('orders', 'keep'); -- fails
SELECT count(*) FROM softdelete.unregister('labels', 'purge'); -- fails: held through customers and orders
DROP TABLE orders CASCADE; -- fails
DROP SCHEMA regress_hold CASCADE; -- fails

-- A release counts in its own transaction, and not if that rolls back.
BEGIN;
SELECT softdelete.release(:order);
DELETE FROM orders WHERE deleted_at IS NOT NULL AND id = 2;
ROLLBACK;

-- Released: once.
SELECT softdelete.release(:customer), softdelete.release(:customer), softdelete.release(0);
SELECT relation, reason, released_by, released_at IS NOT NULL AS released FROM softdelete.holds ORDER BY id;
DELETE FROM customers WHERE deleted_at IS NOT NULL AND id = 1;
DELETE FROM labels WHERE deleted_at IS NOT NULL AND id = 2; -- fails
SELECT softdelete.release(:order);
DELETE FROM labels WHERE deleted_at IS NOT NULL;
SELECT count(*) > 0 AS done FROM softdelete.unregister('orders', 'purge');

-- Arguments.
SELECT softdelete.hold('customers', 'case', 99); -- fails
SELECT softdelete.hold('customers', NULL, 5); -- fails
SELECT softdelete.hold('customers', ' ', 5); -- fails
SELECT softdelete.hold('customers', '5', 5); -- fails
SELECT softdelete.hold('customers', 'case', NULL::int); -- fails
SELECT softdelete.hold('customers', 'case', 5, 5); -- fails
SELECT softdelete.hold('items', 'case', 5); -- fails
SELECT softdelete.hold('active_customers', 'case', 5); -- fails
SELECT softdelete.hold(NULL, 'case', 5); -- fails
SELECT softdelete.release(NULL); -- fails

-- The owner holds and releases; who may read the table sees its holds.
SELECT softdelete.hold('customers', 'case', VARIADIC key => ARRAY['5']) AS customer \gset
GRANT USAGE ON SCHEMA regress_hold TO regress_hold_other;
GRANT ALL ON customers TO regress_hold_other;
SET SESSION AUTHORIZATION regress_hold_other;
SELECT softdelete.hold('regress_hold.customers', 'case', 5); -- fails
SELECT softdelete.release(:customer); -- fails
SELECT relation, key FROM softdelete.holds WHERE released_at IS NULL;
SELECT * FROM softdelete_internal.hold; -- fails
SET SESSION AUTHORIZATION regress_hold;
REVOKE ALL ON customers FROM regress_hold_other;
SET SESSION AUTHORIZATION regress_hold_other;
SELECT relation, key FROM softdelete.holds;
SET SESSION AUTHORIZATION regress_hold;

-- Keys are compared by their types, whatever the session's formats; names need quotes.
CREATE TABLE "Q'x" ("Day" date, "n" numeric, t timestamptz, d double precision, p boolean,
    PRIMARY KEY ("Day", n, t, d, p));
SELECT count(*) > 0 AS registered FROM softdelete.register('"Q''x"');
SET DateStyle = 'German';
SET TimeZone = 'Asia/Kathmandu';
INSERT INTO "Q'x" VALUES ('03.02.2026', 1.50, '03.02.2026 12:00', 0.1::float8 + 0.2, true);
SELECT softdelete.hold('"Q''x"', 'it''s "odd"', '03.02.2026', 1.5, '03.02.2026 12:00', 0.1::float8 + 0.2, 't') AS odd \gset
RESET DateStyle;
SET TimeZone = 'UTC';
SET extra_float_digits = -5;
DELETE FROM "Q'x";
DELETE FROM "Q'x" WHERE deleted_at IS NOT NULL; -- fails
SELECT key, reason FROM softdelete.holds WHERE id = :odd;
RESET extra_float_digits;
RESET TimeZone;
-- as text, numbers would no longer be equal that are
ALTER TABLE "Q'x" ALTER n TYPE text; -- fails
DELETE FROM "Q'x" WHERE deleted_at IS NOT NULL; -- fails
-- its columns may not
ALTER TABLE "Q'x" DROP CONSTRAINT "Q'x_pkey"; -- fails
-- where they did while event triggers were off, nothing is removed until somebody has looked at the hold
RESET SESSION AUTHORIZATION;
ALTER EVENT TRIGGER softdelete_sql_drop DISABLE;
ALTER TABLE regress_hold."Q'x" DROP CONSTRAINT "Q'x_pkey";
ALTER EVENT TRIGGER softdelete_sql_drop ENABLE ALWAYS;
SET SESSION AUTHORIZATION regress_hold;
ALTER TABLE "Q'x" ADD PRIMARY KEY ("Day");
DELETE FROM "Q'x" WHERE deleted_at IS NOT NULL; -- fails
SELECT softdelete.release(:odd);
DELETE FROM "Q'x" WHERE deleted_at IS NOT NULL;

-- A tree in one table, a cycle of two, and a row that is not there by the way.
CREATE TABLE nodes (id int PRIMARY KEY, parent int REFERENCES nodes ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('nodes');
INSERT INTO nodes SELECT g, nullif(g / 2, 0) FROM generate_series(1, 15) g;
UPDATE nodes SET parent = 8 WHERE id = 1;
SELECT softdelete.hold('nodes', 'case', 2) AS node \gset
DELETE FROM nodes WHERE id = 15;
DELETE FROM nodes WHERE id = 8;
SELECT count(*) FROM nodes;
DELETE FROM nodes WHERE deleted_at IS NOT NULL AND id = 15; -- fails: 2 is below 8, 8 above 1, and so on
UPDATE all_nodes SET parent = NULL WHERE id = 1;
DELETE FROM nodes WHERE deleted_at IS NOT NULL AND id = 15;
DELETE FROM nodes WHERE deleted_at IS NOT NULL AND id = 9; -- fails
DELETE FROM nodes WHERE deleted_at IS NOT NULL AND id = 1; -- fails

-- Partitions and inheritance children.
CREATE TABLE parts (id int, region text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE parts_eu (id int NOT NULL, region text NOT NULL);
ALTER TABLE parts ATTACH PARTITION parts_eu FOR VALUES IN ('eu');
CREATE TABLE parts_us PARTITION OF parts FOR VALUES IN ('us');
CREATE TABLE docs (id int PRIMARY KEY);
CREATE TABLE memos (PRIMARY KEY (id)) INHERITS (docs);
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
SELECT count(*) > 0 AS registered FROM softdelete.register('docs');
INSERT INTO parts SELECT g, r FROM generate_series(1, 2) g, unnest(ARRAY['eu', 'us']) r;
INSERT INTO docs VALUES (1), (2);
INSERT INTO memos VALUES (3), (4);
SELECT softdelete.hold('parts_eu', 'case', 'eu', 1) IS NOT NULL AS held;
SELECT softdelete.hold('docs', 'case', 3) IS NOT NULL AS held;
SELECT softdelete.hold('memos', 'case', 4) IS NOT NULL AS held;
SELECT relation, key FROM softdelete.holds WHERE released_at IS NULL AND relation IN ('parts'::regclass, 'docs', 'memos') ORDER BY id;
DELETE FROM parts;
DELETE FROM docs;
DELETE FROM parts WHERE deleted_at IS NOT NULL; -- fails
DELETE FROM parts_eu WHERE deleted_at IS NOT NULL AND id = 1; -- fails
DELETE FROM parts_us WHERE deleted_at IS NOT NULL;
DELETE FROM memos WHERE deleted_at IS NOT NULL AND id = 3; -- fails
DELETE FROM docs WHERE deleted_at IS NOT NULL AND id = 4; -- fails
DELETE FROM docs WHERE deleted_at IS NOT NULL AND id < 3;
SET softdelete.deletion = hard;
TRUNCATE parts_us;
TRUNCATE parts_eu; -- fails
TRUNCATE memos; -- fails
RESET softdelete.deletion;
DROP TABLE parts_eu; -- fails
ALTER TABLE parts DETACH PARTITION parts_eu; -- fails
DROP TABLE parts_us;
SELECT count(*) FROM all_parts;

-- A crash empties unlogged tables, whatever is on hold there or below.
CREATE UNLOGGED TABLE drafts (id int PRIMARY KEY);
CREATE UNLOGGED TABLE draft_lines (id int PRIMARY KEY, draft int REFERENCES drafts ON DELETE CASCADE);
CREATE INDEX ON draft_lines (draft);
SELECT count(*) > 0 AS registered FROM softdelete.register('drafts', cascade => true);
INSERT INTO drafts VALUES (1);
SELECT softdelete.release(softdelete.hold('drafts', 'case 9', 1));
ALTER TABLE drafts SET LOGGED;
SELECT softdelete.release(softdelete.hold('drafts', 'case 9', 1));
ALTER TABLE draft_lines SET LOGGED;
SELECT softdelete.release(softdelete.hold('drafts', 'case 9', 1));

-- Tables of several owners: each is read as its own.
RESET SESSION AUTHORIZATION;
CREATE SCHEMA regress_hold_other AUTHORIZATION regress_hold_other;
GRANT USAGE ON SCHEMA regress_hold TO regress_hold_other;
GRANT REFERENCES ON regress_hold.customers TO regress_hold_other;
SET SESSION AUTHORIZATION regress_hold_other;
CREATE TABLE regress_hold_other.notes (id int PRIMARY KEY,
    customer int REFERENCES regress_hold.customers ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('regress_hold_other.notes');
INSERT INTO regress_hold_other.notes (id, customer, deleted_at) VALUES (1, 5, '2026-01-01');
DELETE FROM regress_hold_other.notes WHERE deleted_at IS NOT NULL; -- fails
SET SESSION AUTHORIZATION regress_hold;
SELECT softdelete.release(:customer);
SET SESSION AUTHORIZATION regress_hold_other;
DELETE FROM regress_hold_other.notes WHERE deleted_at IS NOT NULL;
