-- A soft delete takes the registered children of ON DELETE CASCADE keys along, to any depth and along every path, exactly
-- as the server's own cascade would.
CREATE ROLE regress_cascade;
CREATE SCHEMA regress_cascade AUTHORIZATION regress_cascade;
SET SESSION AUTHORIZATION regress_cascade;
SET search_path = regress_cascade;
\set QUIET off

-- Live rows below deleted ones, by keys that bind and whose tables are registered: none is right.
CREATE FUNCTION find_orphans() RETURNS TABLE (child regclass, key name, rows bigint) LANGUAGE plpgsql AS $$
DECLARE
    query text;
BEGIN
    FOR child, key, query IN
        SELECT k.conrelid, k.conname, format('SELECT count(*) FROM %s %s c JOIN %s %s p ON %s WHERE c.%I IS NULL AND p.%I IS NOT NULL',
                   CASE r.relkind WHEN 'r' THEN 'ONLY' END, k.conrelid::regclass, CASE f.relkind WHEN 'r' THEN 'ONLY' END,
                   k.confrelid::regclass, string_agg(format('p.%I %s OPERATOR(pg_catalog.%s) c.%I', pa.attname,
                       'COLLATE ' || nullif(pa.attcollation, 0)::regcollation, o.oprname, ca.attname), ' AND '),
                   cr.deleted_at, pr.deleted_at)
        FROM pg_constraint k
        JOIN pg_class r ON r.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
        JOIN softdelete_internal.registration cr ON cr.relation = k.conrelid JOIN softdelete_internal.registration pr ON pr.relation = k.confrelid
        CROSS JOIN unnest(k.conkey, k.confkey, k.conpfeqop) u (c, p, op)
        JOIN pg_attribute ca ON ca.attrelid = k.conrelid AND ca.attnum = u.c
        JOIN pg_attribute pa ON pa.attrelid = k.confrelid AND pa.attnum = u.p
        JOIN pg_operator o ON o.oid = u.op
        WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confdeltype NOT IN ('n', 'd')
          AND r.relnamespace = current_schema::regnamespace
        GROUP BY k.oid, r.oid, f.oid, cr.relation, pr.relation
    LOOP
        EXECUTE query INTO rows;
        IF rows > 0 THEN RETURN NEXT; END IF;
    END LOOP;
END $$;

-- A chain of four tables is registered in one call.
CREATE TABLE customers (id int PRIMARY KEY, name text);
CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE);
CREATE TABLE items (id int PRIMARY KEY, "order" int REFERENCES orders ON DELETE CASCADE);
CREATE TABLE "Item's notes" (id int PRIMARY KEY, item int REFERENCES items ON DELETE CASCADE, note text);
SELECT DISTINCT relation FROM softdelete.register('customers', cascade => true) ORDER BY 1;
INSERT INTO customers SELECT g, 'c' || g FROM generate_series(1, 3) g;
INSERT INTO orders SELECT g, 1 + g % 3 FROM generate_series(1, 6) g;
INSERT INTO items SELECT g, 1 + g % 6 FROM generate_series(1, 12) g;
INSERT INTO "Item's notes" SELECT g, 1 + g % 12, 'n' FROM generate_series(1, 24) g;

-- What is live.
CREATE VIEW live AS
    SELECT (SELECT count(*) FROM customers) AS customers, (SELECT count(*) FROM orders) AS orders,
           (SELECT count(*) FROM items) AS items, (SELECT count(*) FROM "Item's notes") AS notes;

-- The count is that of the table named; all levels follow, in one deletion, at one time and by one actor.
DELETE FROM customers WHERE id = 1;
SELECT * FROM live;
SELECT relation, deleted_by, rows, restored_at FROM softdelete.deletions WHERE relation = 'customers'::regclass;
SELECT count(*), count(DISTINCT deletion_id), count(DISTINCT deleted_at), count(DISTINCT deleted_by) FROM (
    SELECT deletion_id, deleted_at, deleted_by FROM deleted_customers UNION ALL
    SELECT deletion_id, deleted_at, deleted_by FROM deleted_orders UNION ALL
    SELECT deletion_id, deleted_at, deleted_by FROM deleted_items UNION ALL
    SELECT deletion_id, deleted_at, deleted_by FROM "deleted_Item's notes") d;

-- RETURNING gives the rows of the table named.
DELETE FROM customers WHERE id = 2 RETURNING id, name;
SELECT * FROM live;

-- A delete in the middle leaves what is above.
DELETE FROM items WHERE "order" IN (SELECT id FROM orders);
SELECT * FROM live;
DELETE FROM customers;
SELECT * FROM live;

-- Nothing is gone physically.
SELECT (SELECT count(*) FROM all_customers), (SELECT count(*) FROM all_orders), (SELECT count(*) FROM all_items),
       (SELECT count(*) FROM "all_Item's notes");

-- However the delete is written: by UPDATE, in a WITH query, by MERGE, from PL/pgSQL, by the function, by a cursor.
INSERT INTO customers SELECT g FROM generate_series(11, 16) g;
INSERT INTO orders SELECT g, g FROM generate_series(11, 16) g;
UPDATE customers SET deleted_at = now() WHERE id = 11;
WITH gone AS (DELETE FROM customers WHERE id = 12 RETURNING id) SELECT * FROM gone;
MERGE INTO customers c USING (VALUES (13)) v (id) ON c.id = v.id WHEN MATCHED THEN DELETE;
DO 'BEGIN DELETE FROM customers WHERE id = 14; END';
SELECT softdelete.delete('customers', 15) IS NOT NULL AS deleted;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM customers WHERE id = 16 FOR UPDATE;
FETCH c;
DELETE FROM customers WHERE CURRENT OF c;
COMMIT;
SELECT * FROM live;
SELECT count(*) AS orders, count(DISTINCT o.deletion_id) AS deletions, bool_and(o.deletion_id = c.deletion_id) AS same
    FROM deleted_orders o JOIN deleted_customers c ON c.id = o.customer WHERE o.id > 10;

-- A cascade takes what is live; what went before stays with its own deletion.
INSERT INTO customers VALUES (21);
INSERT INTO orders VALUES (21, 21), (22, 21);
DELETE FROM orders WHERE id = 21;
DELETE FROM customers WHERE id = 21;
SELECT o.id, o.deletion_id = c.deletion_id AS with_customer FROM deleted_orders o JOIN deleted_customers c ON c.id = o.customer
    WHERE c.id = 21 ORDER BY 1;

-- ORMs delete children and parent in separate statements of one transaction: that is one deletion.
INSERT INTO customers VALUES (31);
INSERT INTO orders VALUES (31, 31), (32, 31);
BEGIN;
DELETE FROM orders WHERE customer = 31;
DELETE FROM customers WHERE id = 31;
COMMIT;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;

-- A savepoint that rolls back takes its part of the cascade with it.
INSERT INTO customers VALUES (41), (42);
INSERT INTO orders VALUES (41, 41), (42, 42);
BEGIN;
DELETE FROM customers WHERE id = 41;
SAVEPOINT s;
DELETE FROM customers WHERE id = 42;
SELECT count(*) AS live FROM orders WHERE id IN (41, 42);
ROLLBACK TO s;
SELECT count(*) AS live FROM orders WHERE id IN (41, 42);
COMMIT;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SELECT id FROM orders WHERE id IN (41, 42);

-- So does a deletion that began in the savepoint; the next one begins anew.
BEGIN;
SAVEPOINT s;
DELETE FROM customers WHERE id = 42;
ROLLBACK TO s;
DELETE FROM customers WHERE id = 42;
COMMIT;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SELECT count(*) AS orphans FROM orders o JOIN all_customers c ON c.id = o.customer WHERE c.deleted_at IS NOT NULL;

-- Another actor and another reason begin a deletion of their own, with the cascade that each of them causes.
INSERT INTO customers VALUES (51), (52), (53);
INSERT INTO orders VALUES (51, 51), (52, 52), (53, 53);
BEGIN;
DELETE FROM customers WHERE id = 51;
SET LOCAL softdelete.actor = 'clerk';
DELETE FROM customers WHERE id = 52;
SET LOCAL softdelete.reason = 'duplicate';
DELETE FROM customers WHERE id = 53;
COMMIT;
SELECT d.deleted_by, d.reason, d.rows, o.id, o.deleted_by FROM softdelete.deletions d JOIN deleted_orders o ON o.deletion_id = d.id
    WHERE o.id BETWEEN 51 AND 53 ORDER BY o.id;

-- Two paths lead to the same rows: each goes once, and belongs to one deletion.
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE);
CREATE TABLE c (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE);
CREATE TABLE d (id int PRIMARY KEY, b int REFERENCES b ON DELETE CASCADE, c int REFERENCES c ON DELETE CASCADE,
                b2 int REFERENCES b ON DELETE CASCADE);
SELECT count(DISTINCT relation) AS tables FROM softdelete.register('a', cascade => true);
INSERT INTO a VALUES (1), (2);
INSERT INTO b VALUES (1, 1), (2, 2);
INSERT INTO c VALUES (1, 1), (2, 2);
INSERT INTO d VALUES (1, 1, 1, 1), (2, 1, 2, 2), (3, 2, 1, NULL), (4, 2, 2, 1), (5, 2, 2, 2), (6, NULL, NULL, NULL);
DELETE FROM a WHERE id = 1;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SELECT id FROM d ORDER BY id;

-- A table that references itself, ten thousand levels deep.
CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree ON DELETE CASCADE);
CREATE INDEX ON tree (parent);
SELECT count(*) > 0 AS registered FROM softdelete.register('tree');
INSERT INTO tree SELECT g, nullif(g - 1, 0) FROM generate_series(1, 10000) g;
DELETE FROM tree WHERE id = 3;
SELECT id FROM tree ORDER BY id;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;

-- The same with a trigger that runs a statement of its own at every level: no level nests in another.
CREATE TABLE audited (id int PRIMARY KEY, parent int REFERENCES audited ON DELETE CASCADE);
CREATE INDEX ON audited (parent);
CREATE TABLE audit (id int);
CREATE FUNCTION write_audit() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO regress_cascade.audit VALUES (NEW.id); RETURN NULL; END';
CREATE TRIGGER audit AFTER UPDATE ON audited FOR EACH ROW EXECUTE FUNCTION write_audit();
SELECT count(*) > 0 AS registered FROM softdelete.register('audited');
INSERT INTO audited SELECT g, nullif(g - 1, 0) FROM generate_series(1, 3000) g;
DELETE FROM audited WHERE id = 1;
SELECT (SELECT count(*) FROM audited) AS live, (SELECT count(DISTINCT id) FROM audit) AS audited;

-- A row that is its own parent, and a ring of rows.
INSERT INTO tree VALUES (20001, 20001);
INSERT INTO tree VALUES (20002, 20002), (20003, 20002), (20004, 20003);
UPDATE tree SET parent = 20004 WHERE id = 20002;
DELETE FROM tree WHERE id = 20001;
DELETE FROM tree WHERE id = 20003;
SELECT id FROM tree ORDER BY id;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;

-- Two tables that reference each other.
CREATE TABLE man (id int PRIMARY KEY, wife int);
CREATE TABLE woman (id int PRIMARY KEY, husband int REFERENCES man ON DELETE CASCADE);
ALTER TABLE man ADD FOREIGN KEY (wife) REFERENCES woman ON DELETE CASCADE;
SELECT count(DISTINCT relation) AS tables FROM softdelete.register('man', cascade => true);
INSERT INTO man VALUES (1), (2);
INSERT INTO woman VALUES (1, 1), (2, 2);
UPDATE man SET wife = id;
DELETE FROM woman WHERE id = 1;
SELECT m.id, w.id FROM man m FULL JOIN woman w ON w.id = m.wife;

-- Composite keys; under MATCH SIMPLE a NULL in one column is no link.
CREATE TABLE pairs (x int, y text, PRIMARY KEY (y, x));
CREATE TABLE of_pairs (id int PRIMARY KEY, px int, py text, FOREIGN KEY (px, py) REFERENCES pairs (x, y) ON DELETE CASCADE);
SELECT count(DISTINCT relation) AS tables FROM softdelete.register('pairs', cascade => true);
INSERT INTO pairs SELECT x, y FROM generate_series(1, 3) x, unnest('{a,b}'::text[]) y;
INSERT INTO of_pairs VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 2, 'a'), (4, 1, NULL), (5, NULL, 'a'), (6, NULL, NULL), (7, 3, 'b');
DELETE FROM pairs WHERE x = 1 AND y = 'a';
SELECT id, px, py FROM of_pairs ORDER BY id;
DELETE FROM pairs WHERE x <> 3;
SELECT id, px, py FROM of_pairs ORDER BY id;

-- Under MATCH FULL all columns are NULL or none.
CREATE TABLE full_match (id int PRIMARY KEY, px int, py text,
                         FOREIGN KEY (px, py) REFERENCES pairs (x, y) MATCH FULL ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('full_match');
INSERT INTO full_match VALUES (1, 3, 'a'), (2, 3, 'b'), (3, NULL, NULL);
DELETE FROM pairs WHERE x = 3 AND y = 'b';
SELECT id FROM full_match ORDER BY id;
SELECT id FROM of_pairs ORDER BY id;

-- Keys of other types than the columns that reference them, one row and many.
CREATE TABLE big (id bigint PRIMARY KEY);
CREATE TABLE small (id int PRIMARY KEY, big int REFERENCES big ON DELETE CASCADE);
CREATE TABLE tiny (id int PRIMARY KEY, big smallint REFERENCES big ON DELETE CASCADE);
CREATE TABLE wide (id int PRIMARY KEY);
CREATE TABLE wider (id int PRIMARY KEY, wide bigint REFERENCES wide ON DELETE CASCADE);
SELECT count(DISTINCT relation) AS tables FROM softdelete.register('big', cascade => true);
SELECT count(DISTINCT relation) AS tables FROM softdelete.register('wide', cascade => true);
INSERT INTO big SELECT generate_series(1, 5);
INSERT INTO small SELECT g, g FROM generate_series(1, 5) g;
INSERT INTO tiny SELECT g, g FROM generate_series(1, 5) g;
INSERT INTO wide SELECT generate_series(1, 5);
INSERT INTO wider SELECT g, g FROM generate_series(1, 5) g;
DELETE FROM big WHERE id = 1;
DELETE FROM big WHERE id IN (2, 3);
DELETE FROM wide WHERE id = 1;
DELETE FROM wide WHERE id IN (2, 3);
SELECT array_agg(id) FROM small;
SELECT array_agg(id) FROM tiny;
SELECT array_agg(id) FROM wider;

-- Text, varchar and char, with collations that differ between the two columns.
CREATE TABLE words (word text COLLATE "C" PRIMARY KEY);
CREATE TABLE uses (id int PRIMARY KEY, word text COLLATE "POSIX" REFERENCES words ON DELETE CASCADE);
CREATE TABLE short_uses (id int PRIMARY KEY, word varchar(10) REFERENCES words ON DELETE CASCADE);
CREATE TABLE codes (code char(4) PRIMARY KEY);
CREATE TABLE coded (id int PRIMARY KEY, code char(4) REFERENCES codes ON DELETE CASCADE);
SELECT count(DISTINCT relation) AS tables FROM softdelete.register('words', cascade => true);
SELECT count(DISTINCT relation) AS tables FROM softdelete.register('codes', cascade => true);
INSERT INTO words VALUES ('a'), ('A'), ('it''s'), (''), ('ä');
INSERT INTO uses SELECT row_number() OVER (ORDER BY word), word FROM words;
INSERT INTO short_uses SELECT id, word FROM uses;
INSERT INTO codes VALUES ('x'), ('xy'), ('xyz ');
INSERT INTO coded VALUES (1, 'x '), (2, 'xy'), (3, 'xyz');
DELETE FROM words WHERE word = 'A' OR word = '';
DELETE FROM words WHERE word = 'it''s';
DELETE FROM codes WHERE code = 'x';
DELETE FROM codes;
SELECT array_agg(word ORDER BY id) FROM uses;
SELECT array_agg(word ORDER BY id) FROM short_uses;
SELECT array_agg(code ORDER BY id) FROM coded;
SELECT sum(softdelete.undo(id)) FROM softdelete.deletions WHERE relation IN ('words'::regclass, 'codes'::regclass);
SELECT array_agg(word ORDER BY id) FROM uses;
DELETE FROM words WHERE word = 'ä';
SELECT softdelete.restore('words', 'ä');
SELECT array_agg(word ORDER BY id) FROM uses;

-- A domain, an enum, a uuid, a numeric whose scale does not matter, and a range.
CREATE DOMAIN code AS text CHECK (VALUE <> '');
CREATE TYPE color AS ENUM ('red', 'green', 'blue');
CREATE TABLE t_domain (k code PRIMARY KEY);
CREATE TABLE t_enum (k color PRIMARY KEY);
CREATE TABLE t_uuid (k uuid PRIMARY KEY);
CREATE TABLE t_numeric (k numeric PRIMARY KEY);
CREATE TABLE t_range (k int4range PRIMARY KEY);
CREATE TABLE of_types (id int PRIMARY KEY, d code REFERENCES t_domain ON DELETE CASCADE, e color REFERENCES t_enum ON DELETE CASCADE,
    u uuid REFERENCES t_uuid ON DELETE CASCADE, n numeric REFERENCES t_numeric ON DELETE CASCADE,
    r int4range REFERENCES t_range ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM unnest('{t_domain,t_enum,t_uuid,t_numeric,t_range,of_types}'::regclass[]) t,
    LATERAL softdelete.register(t);
INSERT INTO t_domain VALUES ('x'), ('y'), ('z');
INSERT INTO t_enum VALUES ('red'), ('green'), ('blue');
INSERT INTO t_uuid SELECT ('00000000-0000-0000-0000-00000000000' || g)::uuid FROM generate_series(1, 3) g;
INSERT INTO t_numeric VALUES (1.0), (2.50), (3);
INSERT INTO t_range VALUES ('[1,2)'), ('[2,4)'), ('empty');
INSERT INTO of_types (id, d) SELECT row_number() OVER (ORDER BY k), k FROM t_domain;
INSERT INTO of_types (id, e) SELECT 10 + row_number() OVER (ORDER BY k), k FROM t_enum;
INSERT INTO of_types (id, u) SELECT 20 + row_number() OVER (ORDER BY k), k FROM t_uuid;
INSERT INTO of_types (id, n) VALUES (31, 1), (32, 2.5), (33, 3.000);
INSERT INTO of_types (id, r) SELECT 40 + row_number() OVER (ORDER BY k), k FROM t_range;
DELETE FROM t_domain WHERE k = 'x';
DELETE FROM t_enum WHERE k = 'red';
DELETE FROM t_uuid WHERE k < '00000000-0000-0000-0000-000000000002';
DELETE FROM t_numeric WHERE k = 1;
DELETE FROM t_range WHERE k = 'empty';
SELECT array_agg(id ORDER BY id) FROM of_types;
DELETE FROM t_domain;
DELETE FROM t_enum;
DELETE FROM t_uuid;
DELETE FROM t_numeric;
DELETE FROM t_range;
SELECT array_agg(id ORDER BY id) FROM of_types;
SELECT count(*) AS deletions, sum(softdelete.undo(id)) AS rows FROM softdelete.deletions WHERE relation::text LIKE 't\_%';
SELECT count(*) AS live FROM of_types;

-- A key that references a UNIQUE constraint, which therefore covers deleted rows as well.
CREATE TABLE accounts (id int PRIMARY KEY, email text UNIQUE);
CREATE TABLE logins (id int PRIMARY KEY, email text REFERENCES accounts (email) ON DELETE CASCADE ON UPDATE CASCADE);
SELECT count(DISTINCT relation) AS tables FROM softdelete.register('accounts', cascade => true);
INSERT INTO accounts VALUES (1, 'a@x'), (2, 'b@x'), (3, NULL);
INSERT INTO logins VALUES (1, 'a@x'), (2, 'b@x'), (3, NULL);
DELETE FROM accounts WHERE id IN (1, 3);
SELECT * FROM logins ORDER BY id;

-- Partitioned parent and child; one partition of each was attached with its columns in another order.
CREATE TABLE sales (region text, id int, note text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE sales_eu PARTITION OF sales FOR VALUES IN ('eu');
CREATE TABLE sales_us (dropped int, note text, id int NOT NULL, region text NOT NULL, PRIMARY KEY (region, id));
ALTER TABLE sales_us DROP COLUMN dropped;
ALTER TABLE sales ATTACH PARTITION sales_us FOR VALUES IN ('us');
CREATE TABLE sales_old PARTITION OF sales DEFAULT;
CREATE TABLE lines (n int, region text, sale int, FOREIGN KEY (region, sale) REFERENCES sales ON UPDATE CASCADE ON DELETE CASCADE)
    PARTITION BY RANGE (n);
CREATE TABLE lines_low PARTITION OF lines FOR VALUES FROM (0) TO (10);
CREATE TABLE lines_high (sale int, n int, region text);
ALTER TABLE lines ATTACH PARTITION lines_high FOR VALUES FROM (10) TO (20);
SELECT count(*) > 0 AS registered FROM softdelete.register('sales', cascade => true);
INSERT INTO sales SELECT r, g, 'x' FROM unnest('{eu,us,cn}'::text[]) r, generate_series(1, 3) g;
INSERT INTO lines SELECT row_number() OVER (ORDER BY region, id), region, id FROM sales;
INSERT INTO lines SELECT 10 + row_number() OVER (ORDER BY region, id), region, id FROM sales;
-- One statement deletes the children of all partitions, as the trigger of whole statements counts.
CREATE SEQUENCE firings;
CREATE FUNCTION count_firing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''firings''); RETURN NULL; END';
CREATE TRIGGER count_firing AFTER UPDATE ON lines FOR EACH STATEMENT EXECUTE FUNCTION count_firing();
DELETE FROM sales WHERE id = 1;
SELECT rows, last_value AS statements FROM softdelete.deletions, firings ORDER BY id DESC LIMIT 1;
DROP TRIGGER count_firing ON lines;
DELETE FROM sales_us WHERE id = 2;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SELECT region, sale, count(*) FROM lines GROUP BY 1, 2 ORDER BY 1, 2;

-- A soft delete that moves the row to another partition.
DELETE FROM lines WHERE region = 'eu' AND sale = 3;
UPDATE sales SET region = 'dead', deleted_at = now() WHERE region = 'eu' AND id = 3;
SELECT tableoid::regclass, region, id FROM sales WHERE deleted_at IS NOT NULL ORDER BY 2, 3;

-- All come back to the partitions where they belong now.
SELECT count(*) AS deletions, sum(softdelete.undo(id)) FROM (
    SELECT id FROM softdelete.deletions WHERE relation IN ('sales'::regclass, 'lines'::regclass) AND restored_at IS NULL
    ORDER BY id DESC) d;
SELECT tableoid::regclass, count(*) FROM sales GROUP BY 1 ORDER BY 1;
SELECT tableoid::regclass, count(*) FROM lines GROUP BY 1 ORDER BY 1;

-- Rows that come in deleted, as from a backup, are no deletion of this session.
SET row_security = off; -- as pg_restore does
COPY sales (region, id, deleted_at, deletion_id) FROM stdin;
eu	101	2001-01-01	77777777
\.
RESET row_security;
INSERT INTO lines VALUES (1, 'eu', 2);
SELECT count(*) FROM lines WHERE deleted_at IS NOT NULL;

-- A table partitioned by whether its rows are live: what is deleted moves, and moves back.
CREATE TABLE boxes (id int PRIMARY KEY);
CREATE TABLE things (id int, box int REFERENCES boxes ON DELETE CASCADE, deleted_at timestamptz)
    PARTITION BY LIST ((deleted_at IS NULL));
CREATE TABLE things_live PARTITION OF things FOR VALUES IN (true);
CREATE TABLE things_dead PARTITION OF things FOR VALUES IN (false);
SELECT count(*) > 0 AS registered FROM softdelete.register('boxes', cascade => true);
INSERT INTO boxes VALUES (1), (2);
INSERT INTO things VALUES (1, 1), (2, 1), (3, 2);
DELETE FROM boxes WHERE id = 1;
SELECT tableoid::regclass, id FROM things WHERE softdelete.include_deleted(deleted_at) ORDER BY id;
SELECT softdelete.restore('boxes', 1);
SELECT tableoid::regclass, id FROM things ORDER BY id;
DELETE FROM boxes WHERE id = 1 RETURNING deletion_id \gset
SELECT softdelete.undo(:deletion_id);
SELECT tableoid::regclass, id FROM things ORDER BY id;

-- Inheritance: a key speaks of the rows of the tables that it names, not of their inheritance children.
CREATE TABLE base (id int PRIMARY KEY, up int REFERENCES base ON DELETE CASCADE);
CREATE TABLE derived (PRIMARY KEY (id)) INHERITS (base);
CREATE TABLE leaf (id int PRIMARY KEY, base int REFERENCES base ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('base', cascade => true);
INSERT INTO base VALUES (1, NULL), (2, 1);
INSERT INTO derived VALUES (2, 1), (3, 1);
INSERT INTO leaf VALUES (1, 1), (2, 2);
SELECT * FROM softdelete.preview('base', 1);
DELETE FROM base WHERE id = 1;
SELECT tableoid::regclass, id FROM base ORDER BY 1, 2;
SELECT count(*) FROM leaf;

-- A restore takes no row of an inheritance child along either, even one of the same deletion.
BEGIN;
SELECT softdelete.restore('base', 1);
DELETE FROM derived WHERE id = 3;
DELETE FROM ONLY base WHERE id = 1;
COMMIT;
SELECT softdelete.restore('base', 1);
SELECT tableoid::regclass, id FROM base ORDER BY 1, 2;

-- More keys than one statement takes, of one column and of two.
CREATE TABLE many (a int, b int, c int UNIQUE, PRIMARY KEY (a, b));
CREATE TABLE of_many (a int, b int, c int REFERENCES many (c) ON DELETE CASCADE,
                      FOREIGN KEY (a, b) REFERENCES many ON DELETE CASCADE);
CREATE INDEX ON of_many (a, b);
CREATE INDEX ON of_many (c);
SELECT count(*) > 0 AS registered FROM softdelete.register('many', cascade => true);
INSERT INTO many SELECT g, -g, g FROM generate_series(1, 2500) g;
INSERT INTO of_many SELECT g, -g, NULL FROM generate_series(1, 2500) g;
INSERT INTO of_many SELECT NULL, NULL, g FROM generate_series(1, 2500) g;
DELETE FROM many WHERE a <= 2300;
SELECT count(*), min(a), min(c) FROM of_many;

-- Children without a primary key, with dropped columns, and with a generated column.
CREATE TABLE roots (id int PRIMARY KEY);
CREATE TABLE odd (gone int, root int REFERENCES roots ON DELETE CASCADE, twice int GENERATED ALWAYS AS (root * 2) STORED);
ALTER TABLE odd DROP COLUMN gone;
SELECT count(*) > 0 AS registered FROM softdelete.register('roots', cascade => true);
INSERT INTO roots VALUES (1), (2);
INSERT INTO odd VALUES (1), (1), (2);
DELETE FROM roots WHERE id = 1;
SELECT root, twice FROM odd;
SELECT root, twice, deleted_at IS NOT NULL AS deleted FROM all_odd ORDER BY 1, 3;

-- A user's trigger deletes elsewhere in a block that fails: the cascade of the statement around it is not lost.
CREATE TABLE outside (id int PRIMARY KEY);
CREATE TABLE shelves (id int PRIMARY KEY);
CREATE TABLE books (id int PRIMARY KEY, shelf int REFERENCES shelves ON DELETE CASCADE);
CREATE FUNCTION delete_and_fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM regress_cascade.outside;
    RAISE EXCEPTION 'no';
EXCEPTION WHEN raise_exception THEN
    RETURN NULL;
END $$;
CREATE TRIGGER z_last AFTER UPDATE ON shelves FOR EACH ROW EXECUTE FUNCTION delete_and_fail();
SELECT count(*) > 0 AS registered FROM softdelete.register('shelves', cascade => true);
SELECT count(*) > 0 AS registered FROM softdelete.register('outside');
INSERT INTO shelves VALUES (1), (2);
INSERT INTO books VALUES (1, 1), (2, 2);
INSERT INTO outside VALUES (1);
DELETE FROM shelves;
SELECT (SELECT count(*) FROM shelves) AS shelves, (SELECT count(*) FROM books) AS books, (SELECT count(*) FROM outside) AS outside;

-- A user's trigger that deletes more: its own cascade is complete when its statement is.
CREATE FUNCTION delete_next() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM regress_cascade.shelves WHERE id = NEW.id + 1;
    RAISE NOTICE 'after % there are % books', NEW.id, (SELECT count(*) FROM regress_cascade.books WHERE shelf > NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER z_next AFTER UPDATE OF deleted_at ON shelves FOR EACH ROW WHEN (NEW.deleted_at IS NOT NULL AND NEW.id < 12)
    EXECUTE FUNCTION delete_next();
INSERT INTO shelves VALUES (11), (12);
INSERT INTO books VALUES (11, 11), (12, 12);
DELETE FROM shelves WHERE id = 11;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;

-- A comment that looks like the extension's own statements changes nothing.
INSERT INTO shelves VALUES (31);
INSERT INTO books VALUES (31, 31);
/* softdelete cascade */ DELETE FROM shelves WHERE id = 31;
SELECT count(*) FROM books;

-- A BEFORE trigger that keeps a child back leaves it live, as it would under the server's own cascade.
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE UPDATE ON books FOR EACH ROW WHEN (OLD.id = 41) EXECUTE FUNCTION keep();
INSERT INTO shelves VALUES (41);
INSERT INTO books VALUES (41, 41), (42, 41);
DELETE FROM shelves WHERE id = 41;
SELECT id FROM books;

-- A table of another owner is cascaded to as its owner.
SET SESSION AUTHORIZATION DEFAULT;
CREATE ROLE regress_cascade_other;
GRANT USAGE, CREATE ON SCHEMA regress_cascade TO regress_cascade_other;
SET SESSION AUTHORIZATION regress_cascade;
GRANT REFERENCES ON boxes TO regress_cascade_other;
SET SESSION AUTHORIZATION regress_cascade_other;
CREATE TABLE labels (id int PRIMARY KEY, box int REFERENCES boxes ON DELETE CASCADE);
ALTER TABLE labels ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT count(*) > 0 AS registered FROM softdelete.register('labels');
ALTER TABLE labels DISABLE ROW LEVEL SECURITY;
INSERT INTO labels VALUES (1, 1), (2, 2);
ALTER TABLE labels ENABLE ROW LEVEL SECURITY;
SET SESSION AUTHORIZATION regress_cascade;
DELETE FROM boxes WHERE id = 1;
SELECT relation, rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SET SESSION AUTHORIZATION regress_cascade_other;
ALTER TABLE labels DISABLE ROW LEVEL SECURITY;
SELECT id, deleted_by FROM all_labels ORDER BY id;

-- No live row is left below a deleted one, anywhere here, but for the one that the trigger kept.
RESET SESSION AUTHORIZATION;
SELECT * FROM find_orphans();

SET client_min_messages = warning;
DROP OWNED BY regress_cascade, regress_cascade_other CASCADE;
DROP ROLE regress_cascade, regress_cascade_other;
