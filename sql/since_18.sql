-- What version 18 brought: virtual generated columns, keys that are not enforced, periods in keys, OLD and NEW in
-- RETURNING, constraints for NOT NULL.
CREATE ROLE regress_since_18_owner;
CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public;
CREATE SCHEMA regress_since_18 AUTHORIZATION regress_since_18_owner;
SET SESSION AUTHORIZATION regress_since_18_owner;
SET search_path = regress_since_18, public;
CREATE TABLE "User's" (
    id int PRIMARY KEY,
    first text CONSTRAINT first_given NOT NULL,
    last text,
    name text GENERATED ALWAYS AS (first || ' ' || last)
);
CREATE TABLE orders (
    id int PRIMARY KEY,
    user_id int REFERENCES "User's" ON DELETE CASCADE,
    agent int,
    CONSTRAINT agents FOREIGN KEY (agent) REFERENCES "User's" NOT ENFORCED
);
SELECT count(*) > 0 AS registered FROM softdelete.register('"User''s"', cascade => true);
INSERT INTO "User's" VALUES (1, 'Ada', 'L'), (2, 'Bob', 'M'), (3, 'Cy', 'N');
INSERT INTO orders VALUES (1, 1, 2), (2, 2, 1), (3, 3, NULL);
CREATE FUNCTION undo_last() RETURNS bigint LANGUAGE sql AS 'SELECT softdelete.undo(max(id)) FROM softdelete.deletions';
CREATE FUNCTION link_triggers() RETURNS SETOF name LANGUAGE sql AS
    $$SELECT tgname FROM pg_trigger WHERE tgrelid = 'orders'::regclass AND tgname ~ '^softdelete_parent' ORDER BY 1$$;
\set QUIET off

-- A virtual column is computed in conditions, in RETURNING, of deleted rows and in views.
DELETE FROM "User's" WHERE name = 'Cy N' RETURNING id, name;
SELECT name FROM "deleted_User's";
SELECT name FROM "User's" WHERE deleted_at IS NOT NULL;
SELECT softdelete.restore('"User''s"', 3);
SELECT name FROM "active_User's" ORDER BY id;
ALTER TABLE "User's" ALTER COLUMN name SET EXPRESSION AS (last || ', ' || first);
SELECT name FROM "all_User's" ORDER BY id;

-- It cannot be what softdelete has to write.
CREATE TABLE computed (id int PRIMARY KEY, at timestamptz, deleted_at timestamptz GENERATED ALWAYS AS (at));
SELECT softdelete.register('computed'); -- fails
SELECT softdelete.register('computed', deleted_at => 'at', deleted_by => 'deleted_at'); -- fails

-- OLD is the row as it was, NEW is NULL, as of any DELETE; in sub-queries as well.
DELETE FROM "User's" WHERE id = 3 RETURNING old.id, old.deleted_at IS NULL AS was_live, new.id, new.name,
    (SELECT new.id) AS in_subquery, (SELECT old.id) AS old_in_subquery;
SELECT undo_last();
DELETE FROM "User's" WHERE id = 3 RETURNING WITH (OLD AS o, NEW AS n) o.id, n.*;
SELECT undo_last();
UPDATE "User's" SET deleted_at = now() WHERE id = 3 RETURNING old.deleted_at IS NULL AS was_live, new.deleted_at IS NULL AS is_live;
SELECT undo_last();
MERGE INTO "User's" u USING (VALUES (2), (3), (9)) v (id) ON u.id = v.id
    WHEN MATCHED AND v.id = 3 THEN DELETE
    WHEN MATCHED THEN UPDATE SET first = 'Rob'
    WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'new', 'one')
    RETURNING merge_action(), (SELECT merge_action()) AS in_subquery, old.id AS old, new.id AS new, new.first;
SELECT undo_last();

-- A key that is not enforced does not count: neither for the parent's row nor for the child's, until it is.
SELECT link_triggers();
DELETE FROM "User's" WHERE id = 1;
INSERT INTO orders VALUES (4, 2, 1);
SELECT undo_last();
ALTER TABLE orders ALTER CONSTRAINT agents ENFORCED;
SELECT link_triggers();
DELETE FROM "User's" WHERE id = 1; -- fails
UPDATE orders SET agent = NULL WHERE agent = 1;
DELETE FROM "User's" WHERE id = 1;
INSERT INTO orders VALUES (5, 2, 1); -- fails
ALTER TABLE orders ALTER CONSTRAINT agents NOT ENFORCED;
SELECT link_triggers();
INSERT INTO orders VALUES (5, 2, 1);

-- A constraint of NOT NULL on what softdelete writes is refused.
ALTER TABLE "User's" ADD CONSTRAINT always_deleted NOT NULL deleted_at; -- fails
ALTER TABLE "User's" ADD CONSTRAINT always_deleted NOT NULL deleted_at NOT VALID; -- fails

-- A period is referenced as long as live rows cover it together.
CREATE TABLE rooms (id int, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE bookings (id int PRIMARY KEY, room int, during daterange,
    CONSTRAINT booked FOREIGN KEY (room, PERIOD during) REFERENCES rooms (id, PERIOD during));
SELECT count(*) > 0 AS registered FROM softdelete.register('rooms');
SELECT count(*) > 0 AS registered FROM softdelete.register('bookings');
INSERT INTO rooms VALUES (1, '[2030-01-01,2031-01-01)'), (1, '[2031-01-01,2032-01-01)');
INSERT INTO bookings VALUES (1, 1, '[2030-06-01,2031-06-01)');
DELETE FROM rooms WHERE during @> '2030-01-01'::date; -- fails
DELETE FROM bookings;
DELETE FROM rooms WHERE during @> '2030-01-01'::date;
INSERT INTO bookings VALUES (2, 1, '[2030-06-01,2031-06-01)'); -- fails
INSERT INTO bookings VALUES (2, 1, '[2031-06-01,2031-07-01)');
UPDATE bookings SET during = '[2030-06-01,2030-07-01)'; -- fails
\set VERBOSITY terse
SELECT softdelete.restore('bookings', 1); -- fails
\set VERBOSITY default
UPDATE bookings SET deleted_at = NULL WHERE id = 1; -- fails
INSERT INTO rooms VALUES (1, '[2030-01-01,2030-02-01)'); -- fails
SELECT softdelete.restore('rooms', '1', '[2030-01-01,2031-01-01)');
SELECT softdelete.restore('bookings', 1);
SELECT id, room, during FROM bookings ORDER BY id;

-- A key of a partitioned table that is not valid yet.
CREATE TABLE parts (id int PRIMARY KEY, item int) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE items (id int PRIMARY KEY);
INSERT INTO items VALUES (1);
INSERT INTO parts VALUES (1, 1);
ALTER TABLE parts ADD CONSTRAINT of_item FOREIGN KEY (item) REFERENCES items ON DELETE CASCADE NOT VALID;
SELECT count(*) > 0 AS registered FROM softdelete.register('items', cascade => true);
ALTER TABLE parts VALIDATE CONSTRAINT of_item;
DELETE FROM items;
SELECT count(*) FROM parts;
SELECT undo_last();

\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_since_18 CASCADE;
DROP EXTENSION btree_gist;
DROP ROLE regress_since_18_owner;
