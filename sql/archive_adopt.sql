-- register() takes on the archive that a table had before, or one that was made by hand. In a database of its own.
\set VERBOSITY terse
CREATE ROLE regress_adopt_owner;
CREATE ROLE regress_adopt_reader;
CREATE DATABASE regress_archive_adopt;
\c regress_archive_adopt
ALTER DATABASE regress_archive_adopt SET session_preload_libraries = softdelete;
\c regress_archive_adopt
CREATE EXTENSION softdelete;
CREATE SCHEMA regress_archive_adopt AUTHORIZATION regress_adopt_owner;
GRANT USAGE ON SCHEMA regress_archive_adopt TO PUBLIC;
SET SESSION AUTHORIZATION regress_adopt_owner;
SET search_path = regress_archive_adopt;
SET client_min_messages = warning;

-- The article's archive, made by hand: its rows become a partition, nothing is copied, and its readers stay.
CREATE TABLE orders (order_id bigserial PRIMARY KEY, customer_id bigint NOT NULL, total numeric(12,2) NOT NULL, status varchar(10) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE orders_archive (order_id bigint NOT NULL, customer_id bigint NOT NULL, total numeric(12,2) NOT NULL, status varchar(10) NOT NULL,
    created_at timestamptz NOT NULL, archived_at timestamptz NOT NULL DEFAULT now(), archived_by text NOT NULL);
INSERT INTO orders (customer_id, total, status) SELECT i, i, 'new' FROM generate_series(1, 3) i;
INSERT INTO orders_archive SELECT i, i, i, 'old', '2026-01-01', '2026-02-03 12:00+00', 'ann' FROM generate_series(8, 9) i;
GRANT SELECT ON orders_archive TO regress_adopt_reader;
SELECT object, action, command LIKE '%ATTACH PARTITION%' AS attaches FROM softdelete.plan('orders', strategy => 'archive', retention => '100 years') WHERE object LIKE 'table%';
SELECT object, action FROM softdelete.register('orders', strategy => 'archive', retention => '100 years') WHERE action = 'adopt';
DELETE FROM orders WHERE order_id IN (1, 2);
ALTER TABLE orders ALTER total DROP NOT NULL;
UPDATE orders SET total = NULL;
DELETE FROM orders;
SELECT order_id, total, status, archived_by, deletion_id IS NULL AS before FROM deleted_orders ORDER BY 1;
SELECT tableoid::regclass, count(*) FROM orders_archive GROUP BY 1 ORDER BY 1;
SELECT softdelete.restore('orders', 8);
SELECT softdelete.restore('orders', 8);
SELECT softdelete.undo(min(id)) FROM softdelete.deletions WHERE relation = 'orders'::regclass;
SELECT order_id, total, status, created_at = '2026-01-01' AS before FROM orders ORDER BY 1;
SELECT rows FROM (SELECT softdelete.erase('orders', 'request', 9) -> 'rows' AS rows) e;
INSERT INTO orders_archive VALUES (1); -- fails
INSERT INTO orders_archive_before VALUES (1); -- fails
SET SESSION AUTHORIZATION regress_adopt_reader;
SELECT count(*) FROM orders_archive;
SET SESSION AUTHORIZATION regress_adopt_owner;
SELECT count(*) > 0 AS registered FROM softdelete.unregister('orders', 'keep');

-- What unregister has kept goes on, and so does each deletion.
SELECT object, action FROM softdelete.plan('orders', strategy => 'archive') WHERE action = 'adopt' OR object LIKE 'partitions%';
SELECT max(deletion_id) AS kept FROM orders_archive \gset
SELECT object, action FROM softdelete.register('orders', strategy => 'archive', deleted_at => 'archived_at', deleted_by => 'archived_by') WHERE action = 'adopt';
SELECT softdelete.undo(:kept);
SELECT order_id, total FROM orders ORDER BY 1;
SELECT count(*) > 0 AS registered FROM softdelete.unregister('orders', 'purge');

-- What does not fit: one error each, and nothing is changed.
CREATE TABLE items (id int PRIMARY KEY, name text);
CREATE FUNCTION try(make text, undo text DEFAULT 'DROP TABLE items_archive') RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text; detail text;
BEGIN
    EXECUTE make;
    BEGIN
        PERFORM softdelete.plan('items', strategy => 'archive');
        RETURN 'planned';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
        result := SQLSTATE || ' ' || coalesce(nullif(detail, ''), SQLERRM);
    END;
    BEGIN
        PERFORM softdelete.register('items', strategy => 'archive');
        result := 'registered';
    EXCEPTION WHEN OTHERS THEN
    END;
    EXECUTE undo;
    RETURN result;
END $$;
CREATE FUNCTION raise_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
SELECT regexp_replace(try(make, coalesce(undo, 'DROP TABLE items_archive')), '^42P07 The archive of the table would have this name\. It cannot go on as the archive: ', '') AS detail
FROM (VALUES (1, 'CREATE VIEW items_archive AS SELECT 1', 'DROP VIEW items_archive'),
    (2, 'CREATE TABLE items_archive (id int, name text, archived_at timestamptz PRIMARY KEY)', NULL),
    (3, 'CREATE TABLE items_archive (id int, name text, archived_at timestamptz CHECK (archived_at > ''2020-01-01''))', NULL),
    (4, 'CREATE TABLE items_archive (id int, archived_at timestamptz)', NULL),
    (5, 'CREATE TABLE items_archive (id bigint, name text, archived_at timestamptz)', NULL),
    (6, 'CREATE TABLE items_archive (id int, name text COLLATE "C", archived_at timestamptz)', NULL),
    (7, 'CREATE TABLE items_archive (id int, name text, more int, archived_at timestamptz)', NULL),
    (8, 'CREATE TABLE items_archive (id int, name text)', NULL),
    (9, 'CREATE TABLE items_archive (id int, name text, deleted_at timestamp)', NULL),
    (10, 'CREATE TABLE items_archive (id int, name text, deleted_at timestamptz, deleted_by varchar(20))', NULL),
    (11, 'CREATE TABLE items_archive (id int, name text, deleted_at timestamptz, deletion_id int)', NULL),
    (12, 'CREATE TABLE items_archive (id int, name text, deleted_at timestamptz); CREATE TRIGGER t BEFORE INSERT ON items_archive FOR EACH ROW EXECUTE FUNCTION raise_it()', NULL),
    (13, 'CREATE TABLE items_archive (id int, name text, deleted_at timestamptz); CREATE RULE r AS ON INSERT TO items_archive DO INSTEAD NOTHING', NULL),
    (14, 'CREATE TABLE items_archive (id int GENERATED ALWAYS AS IDENTITY, name text, deleted_at timestamptz)', NULL),
    (15, 'CREATE TABLE items_archive (id int, name text, deleted_at timestamptz); CREATE VIEW v AS TABLE items_archive', 'DROP TABLE items_archive CASCADE'),
    (16, 'CREATE TABLE items_archive (id int, name text, deleted_at timestamptz) PARTITION BY RANGE (id)', NULL),
    (17, 'CREATE TABLE items_archive (id int, name text, deleted_at timestamptz) PARTITION BY RANGE (deleted_at); CREATE TABLE d PARTITION OF items_archive DEFAULT', NULL),
    (18, 'CREATE TABLE items_archive (id int, name text, deleted_at timestamptz); CREATE UNIQUE INDEX u ON items_archive (id)', NULL),
    (19, 'CREATE TABLE items_archive () INHERITS (items)', NULL),
    (20, 'CREATE TABLE items_archive (id int, name text, deleted_at timestamptz); INSERT INTO items_archive VALUES (1, ''x'', NULL)', NULL),
    (21, 'CREATE TABLE items_archive (id int, name text, deleted_at timestamptz); INSERT INTO items_archive VALUES (1, ''x'', ''infinity'')', NULL),
    (22, 'CREATE UNLOGGED TABLE items_archive (id int, name text, deleted_at timestamptz)', NULL)) v (number, make, undo)
ORDER BY number;
-- One of somebody else's.
RESET SESSION AUTHORIZATION;
SET search_path = regress_archive_adopt;
CREATE TABLE items_archive (id int, name text, deleted_at timestamptz);
SET SESSION AUTHORIZATION regress_adopt_owner;
SELECT * FROM softdelete.register('items', strategy => 'archive'); -- fails
RESET SESSION AUTHORIZATION;
DROP TABLE items_archive;
SET SESSION AUTHORIZATION regress_adopt_owner;

-- DROP EXTENSION leaves archives with their views. Other deletions have got the ids of theirs meanwhile.
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE kids (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
CREATE INDEX ON kids (parent);
SELECT count(*) > 0 AS registered FROM softdelete.register('parents', strategy => 'archive', cascade => true);
INSERT INTO parents VALUES (1), (2);
INSERT INTO kids VALUES (1, 1), (2, 1), (3, 2);
DELETE FROM parents WHERE id = 1;
ALTER TABLE kids ADD note text;
COMMENT ON VIEW deleted_kids IS 'kept';
CREATE TABLE marked (id int PRIMARY KEY);
RESET SESSION AUTHORIZATION;
DROP EXTENSION softdelete;
CREATE EXTENSION softdelete;
SET SESSION AUTHORIZATION regress_adopt_owner;
SELECT count(*) > 0 AS registered FROM softdelete.register('marked');
DO $$ BEGIN
    FOR i IN 1 .. 200 LOOP
        INSERT INTO marked VALUES (i);
        DELETE FROM marked WHERE id = i;
        PERFORM set_config('softdelete.reason', 'number ' || i, true);
    END LOOP;
END $$;
SELECT relation, object, action, count(*) FROM softdelete.register('parents', strategy => 'archive', cascade => true) WHERE action IN ('adopt', 'create', 'alter')
GROUP BY 1, 2, 3 ORDER BY relation::text, object COLLATE "C";
SELECT relation, rows FROM softdelete.deletions WHERE relation = 'parents'::regclass;
SELECT obj_description('deleted_kids'::regclass);
SELECT softdelete.restore('parents', 1);
SELECT count(*) FROM kids;
DELETE FROM parents;
SELECT count(*), count(DISTINCT deletion_id) FROM deleted_kids;
SELECT softdelete.undo(max(deletion_id)) FROM deleted_kids;
-- Who saw some of its rows sees these rows afterwards, and no others, new ones included.
CREATE TABLE "Q's" (id int PRIMARY KEY, tenant text);
CREATE TABLE "Q's_archive" (id int, tenant text, deleted_at timestamptz NOT NULL, deleted_by text);
CREATE TABLE allowed (tenant text);
GRANT SELECT ON allowed TO regress_adopt_reader;
INSERT INTO allowed VALUES ('mine');
ALTER TABLE "Q's_archive" ENABLE ROW LEVEL SECURITY;
CREATE POLICY "by tenant" ON "Q's_archive" FOR SELECT TO regress_adopt_reader, regress_adopt_owner
    USING (tenant IN (SELECT a.tenant FROM allowed a WHERE a.tenant = "Q's_archive".tenant));
CREATE POLICY narrow ON "Q's_archive" AS RESTRICTIVE USING (id < 100) WITH CHECK (id > 0);
GRANT SELECT ON "Q's_archive" TO regress_adopt_reader;
INSERT INTO "Q's_archive" VALUES (1, 'mine', '2026-01-01', 'ann'), (2, 'other', '2026-01-01', 'ann'), (101, 'mine', '2026-01-01', 'ann');
SET SESSION AUTHORIZATION regress_adopt_reader;
SELECT id FROM "Q's_archive" ORDER BY id;
SET SESSION AUTHORIZATION regress_adopt_owner;
SELECT count(*) > 0 AS registered FROM softdelete.register('"Q''s"', strategy => 'archive');
INSERT INTO "Q's" VALUES (3, 'mine'), (4, 'other'), (103, 'mine');
DELETE FROM "Q's";
SELECT tablename, policyname, permissive, roles, cmd, qual, with_check FROM pg_policies WHERE tablename LIKE '%archive%' ORDER BY 1, 2;
SET SESSION AUTHORIZATION regress_adopt_reader;
SELECT id FROM "Q's_archive" ORDER BY id;
SELECT id FROM "deleted_Q's" ORDER BY id; -- fails
SELECT id FROM "Q's_archive_before" ORDER BY id;
SET SESSION AUTHORIZATION regress_adopt_owner;
SELECT count(*) AS repaired FROM softdelete.repair('"Q''s"');
SELECT softdelete.restore('"Q''s"', 4);

-- Who was granted columns reads these of the archive, and no more; who might write reads alone.
CREATE TABLE pages (id int PRIMARY KEY, "T'x" text, secret text);
CREATE TABLE pages_archive (id int, "T'x" text, secret text, archived_at timestamptz);
INSERT INTO pages_archive VALUES (1, 'one', 'hidden', '2026-01-01');
GRANT SELECT (id, "T'x") ON pages_archive TO regress_adopt_reader;
GRANT INSERT, UPDATE (secret) ON pages_archive TO regress_adopt_reader;
SELECT count(*) > 0 AS registered FROM softdelete.register('pages', strategy => 'archive');
SET SESSION AUTHORIZATION regress_adopt_reader;
SELECT id, "T'x" FROM pages_archive;
SELECT secret FROM pages_archive; -- fails
INSERT INTO pages_archive (id, archived_at) VALUES (2, '2026-01-01'); -- fails
SET SESSION AUTHORIZATION regress_adopt_owner;
SELECT count(*) > 0 AS registered FROM softdelete.unregister('pages', 'purge');

-- A view that shows something else is an error, as any other relation of that name.
SELECT count(*) > 0 AS registered FROM softdelete.unregister('kids', 'purge');
DELETE FROM parents WHERE id = 1;
SELECT count(*) > 0 AS registered FROM softdelete.unregister('parents', 'keep');
CREATE VIEW deleted_parents WITH (security_invoker = true) AS SELECT id, deleted_at, deleted_by, deletion_id FROM parents_archive WHERE id > 1;
SELECT * FROM softdelete.register('parents', strategy => 'archive'); -- fails
CREATE OR REPLACE VIEW deleted_parents WITH (security_invoker = true) AS SELECT id, deleted_at, deleted_by, deletion_id FROM parents_archive;
SELECT object, action FROM softdelete.register('parents', strategy => 'archive') WHERE action = 'adopt';
SELECT count(*) > 0 AS registered FROM softdelete.unregister('parents', 'purge');
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_archive_adopt CASCADE;
\c contrib_regression
DROP DATABASE regress_archive_adopt;
DROP OWNED BY regress_adopt_owner, regress_adopt_reader;
DROP ROLE regress_adopt_owner, regress_adopt_reader;
