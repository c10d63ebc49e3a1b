-- What version 17 brought: MERGE with RETURNING, on views, and for rows that no source row matches.
CREATE ROLE regress_since_17_owner;
CREATE SCHEMA regress_since_17 AUTHORIZATION regress_since_17_owner;
SET SESSION AUTHORIZATION regress_since_17_owner;
SET search_path = regress_since_17;
CREATE TABLE "Item's" (id int PRIMARY KEY, name text);
CREATE TABLE parts (id int PRIMARY KEY, item int REFERENCES "Item's" ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('"Item''s"', cascade => true);
INSERT INTO "Item's" SELECT i, 'item ' || i FROM generate_series(1, 5) i;
INSERT INTO parts SELECT i, i FROM generate_series(1, 5) i;
DELETE FROM "Item's" WHERE id = 5;
CREATE FUNCTION state() RETURNS TABLE (id int, name text, deleted boolean) LANGUAGE sql AS
    $$SELECT id, name, deleted_at IS NOT NULL FROM "Item's" WHERE softdelete.include_deleted(deleted_at) ORDER BY id$$;
CREATE FUNCTION undo_last() RETURNS bigint LANGUAGE sql AS 'SELECT softdelete.undo(max(id)) FROM softdelete.deletions';
\set QUIET off

-- A MERGE says what it did to which row; its DELETE is a soft one, with what hangs on it.
MERGE INTO "Item's" i USING (VALUES (1), (2), (7)) v (id) ON i.id = v.id
    WHEN MATCHED AND v.id = 1 THEN DELETE
    WHEN MATCHED THEN UPDATE SET name = 'second'
    WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'new')
    RETURNING merge_action(), i.id, i.name, i.deleted_at IS NOT NULL AS is_deleted;
SELECT * FROM state();
SELECT id FROM parts ORDER BY id;
SELECT undo_last();

-- Live rows without a match in the source go; a row that is deleted already is none of them.
MERGE INTO "Item's" i USING (VALUES (1), (2)) v (id) ON i.id = v.id
    WHEN NOT MATCHED BY SOURCE THEN DELETE
    RETURNING merge_action(), i.id;
SELECT * FROM state();
SELECT id FROM parts ORDER BY id;
SELECT undo_last();
MERGE INTO "Item's" i USING (VALUES (5)) v (id) ON i.id = v.id
    WHEN MATCHED THEN UPDATE SET name = 'matched'
    WHEN NOT MATCHED BY SOURCE AND i.id > 3 THEN UPDATE SET name = 'without source'
    WHEN NOT MATCHED BY SOURCE AND i.id = 1 THEN DELETE;
SELECT * FROM state();
SELECT undo_last();

-- In a CTE, and through a view.
WITH gone AS (
    MERGE INTO "active_Item's" i USING (VALUES (2)) v (id) ON i.id = v.id WHEN MATCHED THEN DELETE RETURNING i.id)
SELECT * FROM gone;
SELECT * FROM state();

-- Another expression for a generated column, in archived rows as well.
SET client_min_messages = warning;
CREATE TABLE prices (id int PRIMARY KEY, net int, gross int GENERATED ALWAYS AS (net * 2) STORED);
SELECT count(*) > 0 AS registered FROM softdelete.register('prices', strategy => 'archive');
INSERT INTO prices VALUES (1, 10), (2, 20);
DELETE FROM prices WHERE id = 1;
ALTER TABLE prices ALTER COLUMN gross SET EXPRESSION AS (prices.net * 3);
SELECT id, net, gross FROM all_prices ORDER BY id;
ALTER TABLE prices ALTER COLUMN gross TYPE bigint, ALTER COLUMN gross SET EXPRESSION AS (net * 4);
SELECT id, net, gross, pg_typeof(gross) FROM all_prices ORDER BY id;
ALTER TABLE prices ALTER COLUMN gross SET EXPRESSION AS (net * 5), ALTER COLUMN gross TYPE numeric;
SELECT id, net, gross, pg_typeof(gross) FROM all_prices ORDER BY id;

\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_since_17 CASCADE;
DROP ROLE regress_since_17_owner;
