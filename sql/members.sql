-- Partitions and inheritance children come and go: what comes to a registered table is registered as a part of it, what
-- leaves is registered alone, so that deleted rows stay deleted.
\set QUIET on
CREATE ROLE regress_members;
CREATE ROLE regress_members_other;
CREATE SCHEMA regress_members AUTHORIZATION regress_members;
GRANT ALL ON SCHEMA regress_members TO regress_members_other;
SET SESSION AUTHORIZATION regress_members;
SET search_path = regress_members;
\pset format unaligned
CREATE TABLE owners (id int PRIMARY KEY);
CREATE TABLE "O'rders" (id int, region int, email text, owner int REFERENCES owners, PRIMARY KEY (id, region),
    UNIQUE (email, region)) PARTITION BY LIST (region);
CREATE INDEX ON "O'rders" (email);
CREATE TABLE orders_1 PARTITION OF "O'rders" FOR VALUES IN (1);
SELECT count(*) > 0 AS registered FROM softdelete.register('owners');
SELECT count(*) > 0 AS registered FROM softdelete.register('"O''rders"', retention => '30 days');
INSERT INTO owners VALUES (1), (2);
DELETE FROM owners WHERE id = 2;
INSERT INTO "O'rders" VALUES (1, 1, 'a'), (2, 1, 'b');
DELETE FROM "O'rders" WHERE id = 2;
CREATE VIEW registered AS
    SELECT t.relation, t.retention, t.active_view FROM softdelete.tables t JOIN pg_class c ON c.oid = t.relation
    WHERE c.relnamespace = 'regress_members'::regnamespace;
\set QUIET off

-- A new partition, also of a partition: DELETE, the views and the guard against TRUNCATE, without the library as well.
CREATE TABLE orders_2 PARTITION OF "O'rders" FOR VALUES IN (2);
INSERT INTO "O'rders" VALUES (1, 2, 'a'), (2, 2, 'b');
DELETE FROM orders_2 WHERE id = 2;
SELECT id, region, deleted_at IS NOT NULL AS deleted FROM "all_O'rders" ORDER BY 1, 2;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'orders_2'::regclass AND tgname ~ 'marker|truncate' ORDER BY 1;
SELECT count(*) AS differences FROM softdelete.repair('"O''rders"');

-- ATTACH gives a table the columns that it lacks, and makes its unique index cover live rows only. It refuses a live row
-- below a deleted one, as an INSERT would.
CREATE TABLE orders_3 (id int NOT NULL, region int NOT NULL, email text UNIQUE, owner int);
INSERT INTO orders_3 VALUES (5, 3, 'e', 2);
ALTER TABLE "O'rders" ATTACH PARTITION orders_3 FOR VALUES IN (3); -- fails
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM orders_3;
UPDATE orders_3 SET owner = 1;
ALTER TABLE "O'rders" ATTACH PARTITION orders_3 FOR VALUES IN (3);
DELETE FROM orders_3;
INSERT INTO orders_3 (id, region, email) VALUES (6, 3, 'e');
INSERT INTO orders_3 (id, region, email) VALUES (7, 3, 'e'); -- fails
SELECT id, deleted_at IS NOT NULL AS deleted FROM "all_O'rders" WHERE region = 3 ORDER BY 1;
SELECT count(*) AS differences FROM softdelete.repair('"O''rders"');

-- A key that is added to such rows, or validated, takes them as they are, and says so.
CREATE TABLE notes (id int PRIMARY KEY, owner int);
INSERT INTO notes VALUES (1, 2);
ALTER TABLE notes ADD FOREIGN KEY (owner) REFERENCES owners;
ALTER TABLE notes ADD CONSTRAINT notes_owner FOREIGN KEY (owner) REFERENCES owners NOT VALID;
ALTER TABLE notes VALIDATE CONSTRAINT notes_owner;
DELETE FROM notes;
ALTER TABLE notes VALIDATE CONSTRAINT notes_owner;
DROP TABLE notes;

-- A partition that is detached goes on alone: its deleted rows stay deleted, its deletions can be undone.
ALTER TABLE "O'rders" DETACH PARTITION orders_1;
TABLE registered ORDER BY 1;
SELECT id FROM orders_1;
SELECT id FROM deleted_orders_1;
DELETE FROM orders_1 WHERE id = 1;
TRUNCATE orders_1; -- fails
SELECT count(*) AS differences FROM (SELECT softdelete.repair('orders_1') UNION ALL SELECT softdelete.repair('"O''rders"')) d;
SELECT rows FROM softdelete.deletions d JOIN pg_class c ON c.oid = d.relation
    WHERE c.relnamespace = 'regress_members'::regnamespace AND c.relname <> 'owners' ORDER BY id;
SELECT softdelete.undo(min(deletion_id)) FROM deleted_orders_1;
SELECT id FROM orders_1;

-- Attached again, it is a part of the table again, with its deletions.
ALTER TABLE "O'rders" ATTACH PARTITION orders_1 FOR VALUES IN (1);
TABLE registered ORDER BY 1;
SELECT viewname FROM pg_views WHERE viewname ~ 'orders_1';
SELECT softdelete.undo(deletion_id) FROM "all_O'rders" WHERE id = 1 AND region = 1;
SELECT id FROM "O'rders" WHERE region = 1 ORDER BY 1;
SELECT count(*) AS differences FROM softdelete.repair('"O''rders"');

-- So is one with foreign keys of its own, of which one is deferrable, and with one that references it alone: all go on
-- while it is away, and when it is back.
CREATE TABLE years (id int PRIMARY KEY, year_before int) PARTITION BY RANGE (id);
CREATE TABLE years_1 PARTITION OF years FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (id);
CREATE TABLE years_1a PARTITION OF years_1 FOR VALUES FROM (0) TO (50);
CREATE TABLE years_2 PARTITION OF years FOR VALUES FROM (100) TO (200);
ALTER TABLE years_2 ADD CONSTRAINT years_2_before FOREIGN KEY (year_before) REFERENCES years_1 ON DELETE CASCADE;
ALTER TABLE years_1a ADD CONSTRAINT years_1a_before FOREIGN KEY (year_before) REFERENCES owners;
CREATE TABLE months (id int PRIMARY KEY, year int CONSTRAINT months_year REFERENCES years_1 DEFERRABLE,
    second_year int CONSTRAINT months_second_year REFERENCES years_2 ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('years') y, softdelete.register('months') m;
INSERT INTO years VALUES (1, NULL), (2, NULL), (101, 1), (102, 1);
INSERT INTO months VALUES (1, 2, 101), (2, NULL, 102);
ALTER TABLE years DETACH PARTITION years_2;
ALTER TABLE years DETACH PARTITION years_1;
\set VERBOSITY sqlstate
DELETE FROM years_1 WHERE id = 2; -- fails
\set VERBOSITY default
INSERT INTO years_1 VALUES (3, 2); -- fails
DELETE FROM years_1 WHERE id = 1;
SELECT 'years_2' AS relation, id FROM years_2 UNION ALL SELECT 'months', id FROM months;
SELECT softdelete.restore('years_1', 1);
ALTER TABLE years ATTACH PARTITION years_1 FOR VALUES FROM (0) TO (100);
ALTER TABLE years ATTACH PARTITION years_2 FOR VALUES FROM (100) TO (200);
\set VERBOSITY sqlstate
DELETE FROM years WHERE id = 2; -- fails
\set VERBOSITY default
INSERT INTO years VALUES (3, 2); -- fails
DELETE FROM years WHERE id = 1;
SELECT 'years' AS relation, id FROM years UNION ALL SELECT 'months', id FROM months;
SELECT softdelete.undo(deletion_id) FROM all_years WHERE id = 1;
SELECT 'years' AS relation, id FROM years UNION ALL SELECT 'months', id FROM months ORDER BY 1, 2;
SELECT count(*) AS differences FROM softdelete.repair('years');
ALTER TABLE years_1 ATTACH PARTITION years_1a FOR VALUES FROM (0) TO (50); -- fails
UPDATE years_2 SET year_before = NULL;
UPDATE months SET year = NULL;
ALTER TABLE years_1 DETACH PARTITION years_1a;
ALTER TABLE years_1 ATTACH PARTITION years_1a FOR VALUES FROM (0) TO (50);
SELECT count(*) AS differences FROM softdelete.repair('years');

DROP TABLE months, years CASCADE;

-- CONCURRENTLY; a view's name that is taken; unregistered, the partition has no trace left of it.
CREATE VIEW active_orders_2 AS SELECT 1 AS mine;
ALTER TABLE "O'rders" DETACH PARTITION orders_2 CONCURRENTLY;
TABLE registered ORDER BY 1;
SELECT id FROM orders_2;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('orders_2', 'purge');
SELECT attname FROM pg_attribute WHERE attrelid = 'orders_2'::regclass AND attnum > 0 AND NOT attisdropped;
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'orders_2'::regclass ORDER BY 1;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'orders_2'::regclass AND NOT tgisinternal ORDER BY 1;
DROP TABLE orders_2;

-- All of it can be rolled back.
BEGIN;
SAVEPOINT a;
ALTER TABLE "O'rders" DETACH PARTITION orders_1;
ROLLBACK TO a;
CREATE TABLE orders_4 PARTITION OF "O'rders" FOR VALUES IN (4);
ALTER TABLE "O'rders" DETACH PARTITION orders_4;
DROP TABLE orders_4;
COMMIT;
TABLE registered ORDER BY 1;

-- A registered table does not go under one that is not; nor does one with other columns.
CREATE TABLE plain (LIKE orders_1) PARTITION BY LIST (region);
CREATE TABLE alone (LIKE orders_1);
SELECT count(*) > 0 AS registered FROM softdelete.register('alone');
ALTER TABLE plain ATTACH PARTITION alone FOR VALUES IN (1); -- fails
\echo :LAST_ERROR_SQLSTATE
CREATE TABLE heir (id int, region int);
ALTER TABLE alone INHERIT heir; -- fails
CREATE TABLE two () INHERITS (heir, alone); -- fails
CREATE TABLE other (LIKE orders_1, gone timestamptz);
SELECT count(*) > 0 AS registered FROM softdelete.register('other', deleted_at => 'gone');
ALTER TABLE "O'rders" ATTACH PARTITION other FOR VALUES IN (5); -- fails
SET SESSION AUTHORIZATION regress_members_other;
CREATE TABLE regress_members.theirs (id int NOT NULL, region int NOT NULL, email text, owner int);
SET SESSION AUTHORIZATION regress_members;
ALTER TABLE "O'rders" ATTACH PARTITION theirs FOR VALUES IN (5); -- fails

-- Inheritance children: of a registered table, with columns of their own, leaving and coming back.
CREATE TABLE child (extra int) INHERITS (alone);
INSERT INTO child (id, region, extra) VALUES (1, 1, 1), (2, 2, 2);
DELETE FROM alone WHERE id = 1;
ALTER TABLE child ADD COLUMN more int, DROP COLUMN extra;
CREATE UNIQUE INDEX child_more ON child (more);
SELECT pg_get_indexdef('child_more'::regclass);
ALTER TABLE child NO INHERIT alone;
TABLE registered ORDER BY 1;
SELECT id FROM child;
SELECT id FROM deleted_child;
ALTER TABLE child INHERIT alone;
SELECT id FROM deleted_alone;
CREATE TABLE late (id int NOT NULL, region int NOT NULL, email text, owner int);
ALTER TABLE late INHERIT alone;
INSERT INTO late VALUES (9, 9);
DELETE FROM late;
SELECT id FROM deleted_alone ORDER BY 1;
SELECT count(*) AS differences FROM softdelete.repair('alone');
DROP TABLE alone CASCADE;

-- A constraint of the partitioned table that was one before; a partition's own.
ALTER TABLE orders_3 ADD CONSTRAINT orders_3_id UNIQUE (id);
SELECT pg_get_indexdef('orders_3_id'::regclass);
ALTER TABLE orders_3 DROP CONSTRAINT "orders_3_email_region_idx"; -- fails
ALTER TABLE "O'rders" DROP CONSTRAINT "O'rders_email_region_key";
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('"O''rders"', 'purge');
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid IN ('"O''rders"'::regclass, 'orders_3'::regclass) ORDER BY 1;

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA regress_members CASCADE;
DROP ROLE regress_members, regress_members_other;
