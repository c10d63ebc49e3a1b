-- DELETE means delete: command tag, count, RETURNING, privileges and policies are those of a DELETE, whatever way the
-- statement takes.
CREATE ROLE regress_delete_owner;
CREATE ROLE regress_delete_user;
GRANT regress_delete_user TO regress_delete_owner;
CREATE SCHEMA regress_delete AUTHORIZATION regress_delete_owner;
SET SESSION AUTHORIZATION regress_delete_owner;
SET search_path = regress_delete;
GRANT USAGE ON SCHEMA regress_delete TO regress_delete_user;
CREATE TABLE orders (id int PRIMARY KEY, customer int, total numeric);
CREATE TABLE customers (id int PRIMARY KEY, name text);
CREATE TABLE log (id int);
SELECT count(*) > 0 AS registered FROM softdelete.register('orders');
INSERT INTO orders (id, customer, total) SELECT g, g % 4, g * 10 FROM generate_series(1, 60) g;
INSERT INTO customers SELECT g, 'customer ' || g FROM generate_series(0, 3) g;
\set QUIET off

-- What a table has, deleted rows included.
CREATE FUNCTION state(first int, last int) RETURNS TABLE (id int, deleted boolean) LANGUAGE sql AS
    'SELECT id, deleted_at IS NOT NULL FROM orders WHERE softdelete.include_deleted(deleted_at) AND id BETWEEN first AND last
     ORDER BY id';

-- The row is gone for queries and kept in the table, with time, actor and deletion.
DELETE FROM orders WHERE id = 1;
SELECT count(*) FROM orders WHERE id = 1;
SELECT id, deleted_at = now() AS now, deleted_at <= clock_timestamp() AS past, deleted_by, deletion_id > 0 AS has_id
    FROM orders WHERE deleted_at IS NOT NULL;

-- The time is the transaction's, and one transaction is one deletion.
BEGIN;
DELETE FROM orders WHERE id = 2;
DELETE FROM orders WHERE id = 3;
SELECT count(DISTINCT deletion_id), bool_and(deleted_at = now()) FROM orders WHERE deleted_at IS NOT NULL AND id IN (2, 3);
COMMIT;

-- Another actor or another reason begins another deletion.
BEGIN;
DELETE FROM orders WHERE id = 4;
SET LOCAL softdelete.actor = 'somebody';
DELETE FROM orders WHERE id = 5;
SET LOCAL softdelete.reason = 'cleaning';
DELETE FROM orders WHERE id = 6;
SELECT id, deleted_by, dense_rank() OVER (ORDER BY deletion_id) FROM orders WHERE deleted_at IS NOT NULL AND id BETWEEN 4 AND 6
    ORDER BY id;
ROLLBACK;

-- A deletion that a savepoint took back is forgotten.
BEGIN;
SAVEPOINT before;
DELETE FROM orders WHERE id = 4 RETURNING deletion_id \gset first_
ROLLBACK TO before;
DELETE FROM orders WHERE id = 4 RETURNING deletion_id > :first_deletion_id AS another;
ROLLBACK;
SELECT * FROM state(4, 6);

-- RETURNING gives the rows.
DELETE FROM orders WHERE id IN (4, 5) RETURNING id, total, deleted_at = now() AS now;

-- A deleted row is not deleted again.
DELETE FROM orders WHERE id = 4;
DELETE FROM orders WHERE id = 4 RETURNING id;

-- USING joins.
DELETE FROM orders o USING customers c WHERE c.id = o.customer AND c.name = 'customer 2' AND o.id < 12 RETURNING o.id, c.name;

-- WHERE CURRENT OF deletes the row of the cursor.
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM orders WHERE id BETWEEN 7 AND 9 ORDER BY id FOR UPDATE;
MOVE 1 FROM c;
DELETE FROM orders WHERE CURRENT OF c;
FETCH 1 FROM c;
DELETE FROM orders WHERE CURRENT OF c RETURNING id;
CLOSE c;
COMMIT;
SELECT * FROM state(7, 9);

-- A WITH query deletes and hands its rows on.
WITH gone AS (DELETE FROM orders WHERE id = 11 RETURNING id, total) INSERT INTO log SELECT id FROM gone RETURNING id;

-- So it does where nobody reads it, and beside another one.
WITH gone AS (DELETE FROM orders WHERE id = 12) SELECT count(*) FROM orders WHERE id BETWEEN 11 AND 13;
WITH gone AS (DELETE FROM orders WHERE id = 13 RETURNING id) DELETE FROM orders WHERE id = 15 RETURNING id;
SELECT * FROM state(11, 15);

-- MERGE deletes what matches.
MERGE INTO orders o USING (VALUES (16, 'gone'), (17, 'kept'), (1, 'gone')) AS s (id, what) ON s.id = o.id
    WHEN MATCHED AND s.what = 'gone' THEN DELETE
    WHEN MATCHED THEN DO NOTHING;
SELECT * FROM state(16, 17);

-- MERGE may update and delete in one statement.
MERGE INTO orders o USING (VALUES (17, 5), (18, -5)) AS s (id, change) ON s.id = o.id
    WHEN MATCHED AND o.total + s.change < 180 THEN UPDATE SET total = o.total + s.change
    WHEN MATCHED THEN DELETE;
SELECT id, total, deleted_at IS NOT NULL AS deleted FROM orders WHERE softdelete.include_deleted(deleted_at)
    AND id IN (17, 18) ORDER BY id;

-- Views delete, with security barriers and check options too.
CREATE VIEW cheap AS SELECT id, total FROM orders WHERE total < 300 WITH LOCAL CHECK OPTION;
CREATE VIEW cheaper WITH (security_barrier) AS SELECT id FROM cheap WHERE total < 250 WITH CASCADED CHECK OPTION;
DELETE FROM cheap WHERE id = 19 RETURNING id, total;
DELETE FROM cheaper WHERE id IN (20, 25, 59) RETURNING id;
SELECT * FROM state(19, 20);

-- A row that a WITH CHECK OPTION on deleted_at would refuse can still be deleted.
CREATE VIEW live AS SELECT * FROM orders WHERE deleted_at IS NULL WITH CHECK OPTION;
DELETE FROM live WHERE id = 25 RETURNING id;

-- Rules keep working.
CREATE TABLE ruled (id int PRIMARY KEY);
CREATE RULE note AS ON DELETE TO ruled DO ALSO INSERT INTO log VALUES (1000 + old.id);
SELECT count(*) > 0 AS registered FROM softdelete.register('ruled');
INSERT INTO ruled (id) VALUES (1), (2);
DELETE FROM ruled WHERE id = 1;
SELECT id FROM ruled;
SELECT id FROM log WHERE id > 1000;

-- Prepared statements, with custom and generic plans.
PREPARE remove (int) AS DELETE FROM orders WHERE id = $1 RETURNING id;
SET plan_cache_mode = force_custom_plan;
EXECUTE remove (21);
SET plan_cache_mode = force_generic_plan;
EXECUTE remove (22);
EXECUTE remove (22);
RESET plan_cache_mode;
SELECT * FROM state(21, 22);

-- PL/pgSQL sees the count, FOUND and RETURNING INTO.
DO $$
DECLARE
    removed bigint;
    sum_of_totals numeric;
    one record;
BEGIN
    DELETE FROM orders WHERE id IN (23, 24);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RAISE NOTICE 'removed %, found %', removed, found;
    DELETE FROM orders WHERE id = 26 RETURNING total INTO STRICT sum_of_totals;
    RAISE NOTICE 'total %', sum_of_totals;
    DELETE FROM orders WHERE id = 26;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RAISE NOTICE 'removed %, found %', removed, found;
    FOR one IN DELETE FROM orders WHERE id IN (27, 28) RETURNING id LOOP
        RAISE NOTICE 'row %', one.id;
    END LOOP;
    EXECUTE 'DELETE FROM orders WHERE id = $1' USING 29;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RAISE NOTICE 'removed %', removed;
END
$$;
SELECT bool_and(deleted) FROM state(23, 29);

-- SQL functions, also those with a parsed body.
CREATE FUNCTION remove_one(int) RETURNS SETOF int LANGUAGE sql AS 'DELETE FROM orders WHERE id = $1 RETURNING id';
CREATE FUNCTION remove_two(first int) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC
        DELETE FROM orders WHERE id = first;
        WITH gone AS (DELETE FROM orders WHERE id = first + 1 RETURNING id) SELECT count(*) FROM gone;
    END;
SELECT remove_one(30);
SELECT remove_two(31);
SELECT * FROM state(30, 32);

-- COPY takes what a DELETE returns.
COPY (DELETE FROM orders WHERE id = 33 RETURNING id, total) TO STDOUT;

-- A queue: each takes the next job, whatever the visibility.
DELETE FROM orders WHERE id = (SELECT id FROM orders WHERE id > 33 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id;
SET softdelete.visibility = 'all';
DELETE FROM orders WHERE id = (SELECT id FROM orders WHERE id > 33 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id;

-- Batches by ctid end.
DELETE FROM orders WHERE ctid IN (SELECT ctid FROM orders WHERE id BETWEEN 36 AND 38 LIMIT 2);
DELETE FROM orders WHERE ctid = ANY (ARRAY(SELECT ctid FROM orders WHERE id BETWEEN 36 AND 38 LIMIT 2));
DELETE FROM orders WHERE ctid IN (SELECT ctid FROM orders WHERE id BETWEEN 36 AND 38 LIMIT 2);
RESET softdelete.visibility;

-- Who looks at deleted rows only deletes nothing: a deleted row is not deleted again.
SET softdelete.visibility = 'deleted';
DELETE FROM orders;
RESET softdelete.visibility;

-- Triggers on UPDATE fire, those on DELETE do not.
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% % %', TG_WHEN, TG_OP, TG_LEVEL;
    RETURN coalesce(NEW, OLD);
END
$$;
CREATE TRIGGER before_row BEFORE UPDATE OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER after_row AFTER UPDATE OF deleted_at OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER after_statement AFTER UPDATE OR DELETE ON orders FOR EACH STATEMENT EXECUTE FUNCTION tell();
DELETE FROM orders WHERE id = 39;

-- A trigger that vetoes the update vetoes the deletion.
CREATE FUNCTION veto() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER veto BEFORE UPDATE ON orders FOR EACH ROW WHEN (old.id = 40) EXECUTE FUNCTION veto();
DELETE FROM orders WHERE id = 40;
SELECT * FROM state(39, 40);
DROP TRIGGER before_row ON orders;
DROP TRIGGER after_row ON orders;
DROP TRIGGER after_statement ON orders;
DROP TRIGGER veto ON orders;

-- DELETE needs the DELETE privilege, and no other.
GRANT DELETE, SELECT ON orders TO regress_delete_user;
SET ROLE regress_delete_user;
DELETE FROM orders WHERE id = 41 RETURNING id;
UPDATE orders SET total = 0; -- fails
RESET ROLE;
REVOKE DELETE ON orders FROM regress_delete_user;
GRANT UPDATE ON orders TO regress_delete_user;
SET ROLE regress_delete_user;
DELETE FROM orders WHERE id = 42; -- fails
WITH gone AS (DELETE FROM orders WHERE id = 42) SELECT 1; -- fails
MERGE INTO orders o USING (VALUES (42)) AS s (id) ON s.id = o.id WHEN MATCHED THEN DELETE; -- fails
RESET ROLE;

-- DELETE without conditions needs no SELECT privilege, as ever; one with conditions does.
CREATE TABLE write_only (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('write_only');
INSERT INTO write_only (id) VALUES (1), (2);
GRANT DELETE ON write_only TO regress_delete_user;
SET ROLE regress_delete_user;
DELETE FROM write_only WHERE id = 1; -- fails
DELETE FROM write_only;
RESET ROLE;
REVOKE ALL ON orders FROM regress_delete_user;

-- A read-only transaction deletes nothing.
BEGIN READ ONLY;
DELETE FROM orders WHERE id = 42; -- fails
ROLLBACK;

-- Policies of DELETE decide, not those of UPDATE.
CREATE TABLE notes (id int PRIMARY KEY, owner text, locked boolean NOT NULL DEFAULT false);
SELECT count(*) > 0 AS registered FROM softdelete.register('notes');
INSERT INTO notes (id, owner, locked) VALUES (1, 'regress_delete_user', false), (2, 'regress_delete_user', true),
    (3, 'somebody', false), (4, 'regress_delete_user', false), (5, 'regress_delete_user', false);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON notes FOR SELECT USING (owner = current_user);
CREATE POLICY remove ON notes FOR DELETE USING (NOT locked);
CREATE POLICY change ON notes FOR UPDATE USING (false);
GRANT SELECT, UPDATE, DELETE ON notes TO regress_delete_user;
SET ROLE regress_delete_user;
DELETE FROM notes WHERE id <= 3 RETURNING id;
UPDATE notes SET locked = true;
SELECT id FROM notes ORDER BY id;

-- The same for MERGE: what the policy does not let go is an error there, as in core.
MERGE INTO notes n USING (VALUES (4)) AS s (id) ON s.id = n.id WHEN MATCHED THEN DELETE;
MERGE INTO notes n USING (VALUES (2)) AS s (id) ON s.id = n.id WHEN MATCHED THEN DELETE; -- fails
MERGE INTO notes n USING (VALUES (5)) AS s (id) ON s.id = n.id
    WHEN MATCHED AND n.locked THEN UPDATE SET locked = false WHEN MATCHED THEN DELETE; -- fails
SELECT id FROM notes ORDER BY id;
RESET ROLE;
SELECT id FROM notes ORDER BY id;

-- A policy that hides deleted rows does not refuse their deletion.
CREATE POLICY live ON notes AS RESTRICTIVE FOR SELECT USING (deleted_at IS NULL);
SET ROLE regress_delete_user;
DELETE FROM notes WHERE id = 5 RETURNING id;
RESET ROLE;

-- A partitioned table, its partitions, and partitions with another column order.
CREATE TABLE events (id int, region text, note text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE events_north PARTITION OF events FOR VALUES IN ('north');
CREATE TABLE events_south (dropped int, note text, region text NOT NULL, id int NOT NULL);
ALTER TABLE events_south DROP COLUMN dropped;
ALTER TABLE events ATTACH PARTITION events_south FOR VALUES IN ('south');
SELECT count(*) > 0 AS registered FROM softdelete.register('events');
CREATE TABLE events_west PARTITION OF events FOR VALUES IN ('west');
INSERT INTO events (id, region, note) SELECT g, r, r || g FROM generate_series(1, 4) g, unnest(ARRAY['north', 'south', 'west']) r;
DELETE FROM events WHERE id = 1 RETURNING tableoid::regclass, id, note;
DELETE FROM events_north WHERE id = 2 RETURNING id, note;
DELETE FROM events_south WHERE id = 2 RETURNING id, note;
DELETE FROM events_west WHERE id = 2 RETURNING id, note;
DELETE FROM events e USING customers c WHERE c.id = e.id AND e.id = 3 RETURNING e.note, c.name;
SELECT region, id FROM events ORDER BY 1, 2;
SELECT id FROM events_south ORDER BY 1;
SELECT count(*) FROM events WHERE softdelete.include_deleted(deleted_at);

-- Deleting moves rows where the partition key says so.
CREATE TABLE split (id int NOT NULL, deleted_at timestamptz) PARTITION BY LIST ((deleted_at IS NULL));
CREATE TABLE split_live PARTITION OF split FOR VALUES IN (true);
CREATE TABLE split_deleted PARTITION OF split FOR VALUES IN (false);
SELECT count(*) > 0 AS registered FROM softdelete.register('split');
INSERT INTO split (id) VALUES (1), (2);
DELETE FROM split WHERE id = 1 RETURNING id;
SELECT tableoid::regclass, id FROM split WHERE softdelete.include_deleted(deleted_at) ORDER BY id;

-- Rows of inheritance children, deleted through their parent.
CREATE TABLE things (id int PRIMARY KEY, name text);
CREATE TABLE books (pages int) INHERITS (things);
SELECT count(*) > 0 AS registered FROM softdelete.register('things');
INSERT INTO things (id, name) VALUES (1, 'thing'), (2, 'other thing');
INSERT INTO books (id, name, pages) VALUES (3, 'book', 10), (4, 'other book', 20);
DELETE FROM things WHERE id IN (1, 3) RETURNING tableoid::regclass, id;
DELETE FROM ONLY things;
SELECT id FROM things ORDER BY id;
SELECT tableoid::regclass, id, deleted_at IS NOT NULL AS deleted FROM things WHERE softdelete.include_deleted(deleted_at)
    ORDER BY id;

-- Generated columns that depend on the extension's columns follow.
CREATE TABLE generated (id int PRIMARY KEY, deleted_at timestamptz, deleted_by text,
    gone boolean GENERATED ALWAYS AS (deleted_at IS NOT NULL) STORED,
    who text GENERATED ALWAYS AS ('by ' || deleted_by) STORED);
SELECT count(*) > 0 AS registered FROM softdelete.register('generated');
INSERT INTO generated (id) VALUES (1), (2);
DELETE FROM generated WHERE id = 1 RETURNING id, gone, who;

-- Names of any kind.
CREATE TABLE "Q'x ""y""" ("Id x" int PRIMARY KEY, "deleted ""At" timestamptz, "Who's" name);
SELECT count(*) > 0 AS registered
    FROM softdelete.register('"Q''x ""y"""', deleted_at => 'deleted "At', deleted_by => 'Who''s',
                             active_view => 'Live''s', deleted_view => 'Dead "s"', all_view => 'All s');
INSERT INTO "Q'x ""y""" ("Id x") VALUES (1), (2);
DELETE FROM "Q'x ""y""" WHERE "Id x" = 1 RETURNING "Id x", "Who's";
TABLE "Q'x ""y""";

-- COMMIT in a procedure begins a new deletion.
CREATE PROCEDURE remove_in_steps() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 43..45 LOOP
        DELETE FROM orders WHERE id = i;
        COMMIT;
    END LOOP;
END
$$;
CALL remove_in_steps();
SELECT count(DISTINCT deletion_id) FROM orders WHERE deleted_at IS NOT NULL AND id BETWEEN 43 AND 45;

-- A prepared transaction deletes as any other.
BEGIN;
DELETE FROM orders WHERE id = 46;
PREPARE TRANSACTION 'regress_delete';
COMMIT PREPARED 'regress_delete';
SELECT * FROM state(46, 46);

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_delete CASCADE;
DROP ROLE regress_delete_owner, regress_delete_user;
