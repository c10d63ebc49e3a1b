-- softdelete.visibility chooses the rows of a session or transaction; it reaches neither into SECURITY DEFINER functions
-- nor into maintenance.
CREATE ROLE regress_visibility_owner;
CREATE ROLE regress_visibility_user LOGIN;
\set superuser :USER
GRANT regress_visibility_user TO regress_visibility_owner;
CREATE SCHEMA regress_visibility AUTHORIZATION regress_visibility_owner;
SET SESSION AUTHORIZATION regress_visibility_owner;
SET search_path = regress_visibility;
-- Five rows, of which 4 and 5 are deleted: active 3, deleted 2, all 5.
CREATE TABLE orders (id int PRIMARY KEY, note text);
SELECT count(*) > 0 AS registered FROM softdelete.register('orders');
INSERT INTO orders (id) SELECT generate_series(1, 5);
DELETE FROM orders WHERE id > 3;
CREATE FUNCTION plain() RETURNS bigint LANGUAGE plpgsql AS
    'BEGIN RETURN (SELECT count(*) FROM regress_visibility.orders); END';
CREATE FUNCTION plain_sql() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM regress_visibility.orders';
CREATE FUNCTION definer() RETURNS bigint SECURITY DEFINER LANGUAGE plpgsql AS
    'BEGIN RETURN regress_visibility.plain(); END';
CREATE FUNCTION definer_all() RETURNS text SECURITY DEFINER SET softdelete.visibility = 'all' LANGUAGE plpgsql AS
    'BEGIN RETURN regress_visibility.plain() || '' '' || regress_visibility.definer() || '' '' || regress_visibility.plain(); END';
CREATE FUNCTION invoker_all() RETURNS text SET softdelete.visibility = 'all' LANGUAGE plpgsql AS
    'BEGIN RETURN regress_visibility.plain() || '' '' || regress_visibility.definer() || '' '' || regress_visibility.plain(); END';
CREATE FUNCTION definer_active() RETURNS text SECURITY DEFINER SET softdelete.visibility = 'active' LANGUAGE plpgsql AS
    'BEGIN RETURN regress_visibility.invoker_all() || '', '' || regress_visibility.plain(); END';

-- The three values.
SELECT count(*), array_agg(id ORDER BY id) FROM orders;
SET softdelete.visibility = 'deleted';
SELECT count(*), array_agg(id ORDER BY id) FROM orders;
SET softdelete.visibility = 'all';
SELECT count(*), array_agg(id ORDER BY id) FROM orders;
RESET softdelete.visibility;
SELECT count(*) FROM orders;

-- A condition that says which rows it wants gets them under every value; the views are such conditions.
SET softdelete.visibility = 'deleted';
SELECT (SELECT count(*) FROM active_orders) AS active, (SELECT count(*) FROM deleted_orders) AS deleted,
    (SELECT count(*) FROM all_orders) AS all_rows, (SELECT count(*) FROM orders WHERE deleted_at IS NULL) AS live,
    (SELECT count(*) FROM orders WHERE deleted_at IS NOT NULL) AS bin;
SET softdelete.visibility = 'all';
SELECT (SELECT count(*) FROM active_orders) AS active, (SELECT count(*) FROM deleted_orders) AS deleted,
    (SELECT count(*) FROM all_orders) AS all_rows, (SELECT count(*) FROM orders WHERE deleted_at IS NULL) AS live,
    (SELECT count(*) FROM orders WHERE deleted_at IS NOT NULL) AS bin;
RESET softdelete.visibility;

-- Joins show the deleted side of each table.
SET softdelete.visibility = 'deleted';
SELECT a.id, b.id FROM orders a LEFT JOIN orders b ON b.id = a.id + 1 ORDER BY a.id;
RESET softdelete.visibility;

-- SET LOCAL ends with the transaction, and with the savepoint.
BEGIN;
SET LOCAL softdelete.visibility = 'all';
SELECT count(*) FROM orders;
SAVEPOINT s;
SET LOCAL softdelete.visibility = 'deleted';
SELECT count(*) FROM orders;
ROLLBACK TO s;
SELECT count(*) FROM orders;
COMMIT;
SELECT count(*) FROM orders;

-- Prepared statements follow, with plans made before and after the switch.
PREPARE number AS SELECT count(*) FROM orders;
SET plan_cache_mode = force_generic_plan;
EXECUTE number;
SET softdelete.visibility = 'all';
EXECUTE number;
SET softdelete.visibility = 'deleted';
EXECUTE number;
RESET softdelete.visibility;
EXECUTE number;
BEGIN;
SET LOCAL softdelete.visibility = 'all';
EXECUTE number;
ROLLBACK;
EXECUTE number;
RESET plan_cache_mode;

-- Cursors keep the rows that they were opened for.
BEGIN;
SET LOCAL softdelete.visibility = 'all';
DECLARE c CURSOR FOR SELECT id FROM orders ORDER BY id;
SET LOCAL softdelete.visibility = 'active';
DECLARE d CURSOR FOR SELECT id FROM orders ORDER BY id;
SET LOCAL softdelete.visibility = 'all';
FETCH ALL FROM c;
FETCH ALL FROM d;
COMMIT;

-- Functions: the caller's setting reaches those that run with the caller's rights.
SELECT plain(), plain_sql(), definer(), definer_all(), invoker_all(), definer_active(), plain();
SET softdelete.visibility = 'all';
SELECT plain(), plain_sql(), definer(), definer_all(), invoker_all(), definer_active(), plain();
SET softdelete.visibility = 'deleted';
SELECT plain(), plain_sql(), definer(), definer_all(), invoker_all(), definer_active(), plain();
RESET softdelete.visibility;
SELECT plain(), plain_sql(), definer(), definer_all(), invoker_all(), definer_active(), plain();

-- So for set-returning ones, read at once or row by row, and for other roles.
CREATE FUNCTION definer_rows() RETURNS SETOF int SECURITY DEFINER STABLE LANGUAGE sql AS
    'SELECT id FROM regress_visibility.orders ORDER BY id';
CREATE FUNCTION pair(int) RETURNS text LANGUAGE sql STABLE AS
    'SELECT $1 || '':'' || regress_visibility.plain() || '':'' || regress_visibility.definer()';
GRANT USAGE ON SCHEMA regress_visibility TO regress_visibility_user;
GRANT SELECT ON orders TO regress_visibility_user;
SET ROLE regress_visibility_user;
SET softdelete.visibility = 'all';
SELECT * FROM definer_rows();
SELECT definer_rows() LIMIT 2;
SELECT pair(r) FROM definer_rows() r;
SELECT plain();
RESET softdelete.visibility;
RESET ROLE;

-- An error inside leaves nothing behind.
CREATE FUNCTION failing() RETURNS int SECURITY DEFINER LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
SET softdelete.visibility = 'all';
DO $$
BEGIN
    PERFORM regress_visibility.failing();
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'all %, active %', regress_visibility.plain(), regress_visibility.definer();
END
$$;
SELECT failing(); -- fails
SELECT plain(), definer();
RESET softdelete.visibility;

-- A setting that a SECURITY DEFINER function makes for the transaction is its caller's, not that of the next such function.
CREATE FUNCTION definer_sets() RETURNS bigint SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('softdelete.visibility', 'all', true);
    RETURN regress_visibility.plain();
END
$$;
BEGIN;
SELECT definer_sets();
SELECT plain(), definer();
COMMIT;
SELECT plain(), definer();

-- Parallel workers know as much.
CREATE FUNCTION parallel_plain() RETURNS bigint PARALLEL SAFE LANGUAGE plpgsql AS
    'BEGIN RETURN (SELECT count(*) FROM regress_visibility.orders); END';
CREATE FUNCTION parallel_definer() RETURNS bigint SECURITY DEFINER LANGUAGE plpgsql AS
    'DECLARE n bigint; BEGIN EXECUTE ''SELECT regress_visibility.parallel_plain()'' INTO n; RETURN n; END';
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA regress_visibility TO regress_visibility_user;
SELECT set_config(name, 'on', false) AS forced FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SET softdelete.visibility = 'all';
SELECT parallel_plain(), parallel_definer();
SELECT count(*) FROM orders;
RESET softdelete.visibility;
SELECT parallel_plain(), parallel_definer();
SELECT set_config(name, 'off', false) AS forced FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');

-- Trigger functions and procedures.
CREATE TABLE log (visible bigint);
CREATE FUNCTION note() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO regress_visibility.log SELECT count(*) FROM regress_visibility.orders;
    RETURN NULL;
END
$$;
CREATE TABLE triggering (id int);
CREATE TRIGGER note AFTER INSERT ON triggering FOR EACH ROW EXECUTE FUNCTION note();
CREATE PROCEDURE note_all() SECURITY DEFINER SET softdelete.visibility = 'all' LANGUAGE sql AS
    'INSERT INTO regress_visibility.log SELECT count(*) FROM regress_visibility.orders';
SET softdelete.visibility = 'deleted';
INSERT INTO triggering VALUES (1);
CALL note_all();
RESET softdelete.visibility;
TABLE log;

-- A materialized view holds live rows, whatever the session looks at when it is made and refreshed, plans cached before
-- and afterwards included.
SET softdelete.visibility = 'all';
SELECT plain();
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS direct, plain() AS by_function FROM orders;
TABLE counted;
REFRESH MATERIALIZED VIEW counted;
TABLE counted;
SELECT plain();
CREATE TABLE copied AS SELECT count(*) FROM orders;
TABLE copied;
RESET softdelete.visibility;

-- So does one that a restored dump fills, which sets row_security = off.
SET row_security = off;
SELECT count(*), plain() FROM orders;
REFRESH MATERIALIZED VIEW counted;
RESET row_security;
TABLE counted;

-- The setting of a role or database counts as the session's.
RESET SESSION AUTHORIZATION;
ALTER ROLE regress_visibility_user SET softdelete.visibility = 'all';
\c - regress_visibility_user
SET search_path = regress_visibility;
SELECT count(*), definer(), plain() FROM orders;
\c - :superuser
SET SESSION AUTHORIZATION regress_visibility_owner;
SET search_path = regress_visibility;

-- A table that is registered with visibility view shows everything, under every value.
CREATE TABLE viewed (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('viewed', visibility => 'view');
INSERT INTO viewed (id) VALUES (1), (2);
DELETE FROM viewed WHERE id = 1;
DELETE FROM viewed WHERE id = 1;
SELECT (SELECT count(*) FROM viewed) AS all_rows, (SELECT count(*) FROM active_viewed) AS active;
SET softdelete.visibility = 'deleted';
SELECT (SELECT count(*) FROM viewed) AS all_rows, (SELECT count(*) FROM active_viewed) AS active;
DELETE FROM viewed WHERE id = 2;
RESET softdelete.visibility;
SELECT count(deleted_at) FROM viewed;

-- What follows from a statement does not depend on what the session sees: cascades meet live rows, and a deleted row keeps
-- no parent.
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
CREATE TABLE keepers (id int PRIMARY KEY, parent int REFERENCES parents);
CREATE INDEX ON children (parent);
CREATE INDEX ON keepers (parent);
SELECT count(*) > 0 AS registered FROM softdelete.register('parents', cascade => true);
SELECT count(*) > 0 AS registered FROM softdelete.register('keepers');
INSERT INTO parents SELECT generate_series(1, 6);
INSERT INTO children SELECT g, g FROM generate_series(1, 6) g;
INSERT INTO keepers VALUES (1, 5), (2, 6);
DELETE FROM keepers WHERE id = 1;
SET softdelete.visibility = 'deleted';
DELETE FROM active_parents WHERE id = 1;
UPDATE parents SET deleted_at = now() WHERE id = 2 AND deleted_at IS NULL;
SELECT softdelete.delete('parents', 3) > 0 AS deleted;
DELETE FROM active_parents WHERE id = 5;
DELETE FROM active_parents WHERE id = 6; -- fails
SET softdelete.visibility = 'all';
DELETE FROM parents WHERE id = 4;
DELETE FROM parents WHERE id = 6; -- fails
SELECT softdelete.undo(max(id)) AS restored FROM softdelete.deletions;
RESET softdelete.visibility;
SELECT c.id, c.deleted_at IS NOT NULL AS deleted, p.deleted_at IS NOT NULL AS parent_deleted
    FROM all_children c JOIN all_parents p ON p.id = c.parent ORDER BY 1;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_visibility CASCADE;
DROP ROLE regress_visibility_owner, regress_visibility_user;
