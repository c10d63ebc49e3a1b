-- A condition on deleted_at that no live row can meet opens the recycle bin for the reference that it is about, at its
-- own query level, and for nothing else. The answer never depends on the plan.
CREATE ROLE regress_bin_owner;
CREATE SCHEMA regress_bin AUTHORIZATION regress_bin_owner;
SET SESSION AUTHORIZATION regress_bin_owner;
SET search_path = regress_bin;
-- Orders 1 to 9, of which 3, 6 and 9 are deleted, the last one long ago.
CREATE TABLE orders (id int PRIMARY KEY, customer int);
CREATE TABLE plain (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('orders');
INSERT INTO orders (id, customer) SELECT g, g % 2 FROM generate_series(1, 8) g;
INSERT INTO orders (id, customer, deleted_at) VALUES (9, 1, '2020-01-01');
INSERT INTO plain SELECT generate_series(1, 9);
DELETE FROM orders WHERE id IN (3, 6);
ANALYZE orders, plain;
CREATE VIEW simple_view AS SELECT * FROM orders;
CREATE VIEW barrier_view WITH (security_barrier) AS SELECT * FROM orders;
CREATE VIEW bin_view AS SELECT * FROM orders WHERE deleted_at IS NOT NULL;
CREATE FUNCTION inlined() RETURNS SETOF orders STABLE LANGUAGE sql AS 'SELECT * FROM regress_bin.orders';
CREATE FUNCTION opaque() RETURNS SETOF orders VOLATILE LANGUAGE sql AS 'SELECT * FROM regress_bin.orders';
CREATE FUNCTION procedural() RETURNS SETOF orders STABLE LANGUAGE plpgsql AS
    'BEGIN RETURN QUERY SELECT * FROM regress_bin.orders; END';
CREATE FUNCTION inlined_bin(timestamptz) RETURNS SETOF orders STABLE LANGUAGE sql AS
    'SELECT * FROM regress_bin.orders WHERE deleted_at > $1';
CREATE FUNCTION opaque_bin(timestamptz) RETURNS SETOF orders VOLATILE LANGUAGE sql AS
    'SELECT * FROM regress_bin.orders WHERE deleted_at > $1';
CREATE FUNCTION procedural_bin(since timestamptz) RETURNS SETOF orders STABLE LANGUAGE plpgsql AS
    'BEGIN RETURN QUERY SELECT * FROM regress_bin.orders WHERE deleted_at > since; END';
CREATE FUNCTION is_old(timestamptz) RETURNS boolean STRICT STABLE LANGUAGE plpgsql AS
    'BEGIN RETURN $1 < ''2021-01-01''; END';
CREATE FUNCTION is_recent(timestamptz) RETURNS boolean STABLE LANGUAGE plpgsql AS
    'BEGIN RETURN coalesce($1 > ''2021-01-01'', false); END';

CREATE TABLE questions (number int GENERATED ALWAYS AS IDENTITY, query text, answer int[]);
-- Conditions on the column alone that are never true of NULL.
INSERT INTO questions (query, answer) SELECT 'SELECT id FROM orders WHERE ' || c, a::int[] FROM (VALUES
    ('deleted_at IS NOT NULL', '{3,6,9}'),
    ('NOT (deleted_at IS NULL)', '{3,6,9}'),
    ('NOT (deleted_at IS NULL OR deleted_at < ''2021-01-01'')', '{3,6}'),
    ('(deleted_at IS NULL) = false', '{3,6,9}'),
    ('(deleted_at IS NULL) IS NOT TRUE', '{3,6,9}'),
    ('deleted_at IS DISTINCT FROM NULL', '{3,6,9}'),
    ('deleted_at > ''2021-01-01''', '{3,6}'),
    ('''2021-01-01'' > deleted_at', '{9}'),
    ('deleted_at BETWEEN ''2019-01-01'' AND ''2021-01-01''', '{9}'),
    ('deleted_at = deleted_at', '{3,6,9}'),
    ('deleted_at::date = ''2020-01-01''', '{9}'),
    ('date_trunc(''year'', deleted_at) = ''2020-01-01''', '{9}'),
    ('extract(year FROM deleted_at) = 2020', '{9}'),
    ('age(now(), deleted_at) > interval ''1 year''', '{9}'),
    ('now() - deleted_at > interval ''1 year''', '{9}'),
    ('deleted_at IN (''2020-01-01'', ''2020-01-02'')', '{9}'),
    ('deleted_at = ANY (ARRAY[''2020-01-01'', now()])', '{9}'),
    ('deleted_at IN (SELECT timestamptz ''2020-01-01'')', '{9}'),
    ('deleted_at = (SELECT min(deleted_at) FROM orders WHERE deleted_at IS NOT NULL)', '{9}'),
    ('deleted_at > ''2021-01-01'' OR deleted_at = ANY (ARRAY[timestamptz ''2020-01-01'', now()])', '{3,6,9}'),
    ('coalesce(deleted_at, ''1999-01-01'') > ''2000-01-01''', '{3,6,9}'),
    ('CASE WHEN deleted_at IS NULL THEN false ELSE true END', '{3,6,9}'),
    ('is_old(deleted_at)', '{9}'),
    ('(deleted_at, id) IS NOT NULL', '{3,6,9}'),
    ('deleted_at NOT IN (now(), ''2020-01-01'')', '{3,6}'),
    ('deleted_at IS NOT NULL AND id < 6', '{3}'),
    ('id < 6 AND (id > 0 AND deleted_at IS NOT NULL)', '{3}'),
    ('(deleted_at IS NOT NULL AND id < 6) AND true', '{3}'),
    -- So are conditions on deletion_id alone: a live row has none. Order 9 was imported without one.
    ('deletion_id IS NOT NULL', '{3,6}'),
    ('deletion_id = (SELECT max(deletion_id) FROM orders WHERE deletion_id > 0)', '{3,6}'),
    ('deletion_id = ANY (ARRAY[(SELECT max(deletion_id) FROM all_orders), 0])', '{3,6}'),
    ('NOT (deletion_id IS NULL) AND id < 6', '{3}'),
    ('deletion_id BETWEEN 1 AND 9223372036854775807 AND id > 3', '{6}'),
    -- Those that could be true of NULL, are not about the column alone, or are not AND-ed: the filter stays.
    ('deleted_at IS NOT NULL OR id = 1', '{1}'),
    ('deleted_at IS NULL OR deleted_at > ''2021-01-01''', '{1,2,4,5,7,8}'),
    ('deleted_at IS DISTINCT FROM ''2020-01-01''', '{1,2,4,5,7,8}'),
    ('coalesce(deleted_at, now()) = now()', '{1,2,4,5,7,8}'),
    ('is_recent(deleted_at)', '{}'),
    ('deleted_at < now() + id * interval ''1 day''', '{}'),
    ('deleted_by IS NOT NULL', '{}'),
    ('deletion_id IS NULL', '{1,2,4,5,7,8}'),
    ('deletion_id IS DISTINCT FROM 0', '{1,2,4,5,7,8}'),
    ('deletion_id + id > 0', '{}'),
    ('deletion_id > 0 OR id = 1', '{1}'),
    ('deletion_id = extract(epoch FROM deleted_at)', '{}'),
    ('NOT deleted_at = ANY (SELECT now() WHERE false)', '{1,2,4,5,7,8}'),
    -- Both, and what contradicts itself.
    ('deleted_at IS NULL', '{1,2,4,5,7,8}'),
    ('deleted_at IS NULL AND deleted_at IS NOT NULL', '{}'),
    -- All rows of one reference.
    ('softdelete.include_deleted(deleted_at)', '{1,2,3,4,5,6,7,8,9}'),
    ('softdelete.include_deleted(deleted_at) AND id > 7', '{8,9}'),
    ('softdelete.include_deleted(deleted_at) OR id = 1', '{1,2,4,5,7,8}'),
    ('NOT softdelete.include_deleted(deleted_at)', '{}')) AS conditions (c, a);

-- The level that names the table decides; outer levels never reach in, and inner ones never out.
INSERT INTO questions (query, answer) VALUES
    ('SELECT id FROM (SELECT * FROM orders) s WHERE deleted_at IS NOT NULL', '{}'),
    ('SELECT id FROM (SELECT * FROM orders OFFSET 0) s WHERE deleted_at IS NOT NULL', '{}'),
    ('WITH o AS (SELECT * FROM orders) SELECT id FROM o WHERE deleted_at IS NOT NULL', '{}'),
    ('WITH o AS MATERIALIZED (SELECT * FROM orders) SELECT id FROM o WHERE deleted_at IS NOT NULL', '{}'),
    ('SELECT id FROM (SELECT *, row_number() OVER () FROM orders) s WHERE deleted_at IS NOT NULL', '{}'),
    ('SELECT id FROM (SELECT DISTINCT * FROM orders) s WHERE deleted_at IS NOT NULL', '{}'),
    ('SELECT id FROM (SELECT id, deleted_at FROM orders UNION ALL SELECT id, NULL FROM plain) s WHERE deleted_at IS NOT NULL', '{}'),
    ('SELECT id FROM simple_view WHERE deleted_at IS NOT NULL', '{}'),
    ('SELECT id FROM barrier_view WHERE deleted_at IS NOT NULL', '{}'),
    ('SELECT id FROM active_orders WHERE deleted_at IS NOT NULL', '{}'),
    ('SELECT id FROM inlined() WHERE deleted_at IS NOT NULL', '{}'),
    ('SELECT id FROM opaque() WHERE deleted_at IS NOT NULL', '{}'),
    ('SELECT id FROM procedural() WHERE deleted_at IS NOT NULL', '{}'),
    ('SELECT p.id FROM plain p, LATERAL (SELECT * FROM orders o WHERE o.id = p.id) l WHERE l.deleted_at IS NOT NULL', '{}'),
    ('SELECT id FROM (SELECT * FROM orders WHERE deleted_at IS NOT NULL) s', '{3,6,9}'),
    ('SELECT id FROM (SELECT * FROM orders WHERE deleted_at IS NOT NULL OFFSET 0) s WHERE id < 9', '{3,6}'),
    ('WITH o AS (SELECT * FROM orders WHERE deleted_at IS NOT NULL) SELECT id FROM o', '{3,6,9}'),
    ('WITH o AS MATERIALIZED (SELECT * FROM orders WHERE deleted_at IS NOT NULL) SELECT id FROM o', '{3,6,9}'),
    ('SELECT id FROM bin_view', '{3,6,9}'),
    ('SELECT id FROM deleted_orders', '{3,6,9}'),
    ('SELECT id FROM deleted_orders WHERE id < 9', '{3,6}'),
    ('SELECT id FROM all_orders', '{1,2,3,4,5,6,7,8,9}'),
    ('SELECT id FROM all_orders WHERE deleted_at IS NOT NULL', '{3,6,9}'),
    ('SELECT id FROM all_orders WHERE deleted_at IS NULL', '{1,2,4,5,7,8}'),
    ('SELECT id FROM inlined_bin(''2021-01-01'')', '{3,6}'),
    ('SELECT id FROM opaque_bin(''2021-01-01'')', '{3,6}'),
    ('SELECT id FROM procedural_bin(''2021-01-01'')', '{3,6}'),
    ('SELECT id FROM orders UNION ALL SELECT id FROM orders WHERE deleted_at IS NOT NULL', '{1,2,3,4,5,6,7,8,9}'),
    ('SELECT id FROM orders WHERE id IN (SELECT id FROM orders WHERE deleted_at IS NOT NULL)', '{}'),
    ('SELECT id FROM orders WHERE deleted_at IS NOT NULL AND id IN (SELECT id FROM orders)', '{}'),
    ('SELECT p.id FROM plain p WHERE EXISTS (SELECT FROM orders o WHERE o.id = p.id AND o.deleted_at IS NOT NULL)', '{3,6,9}'),
    ('SELECT p.id FROM plain p WHERE p.id NOT IN (SELECT id FROM orders WHERE deleted_at IS NOT NULL)', '{1,2,4,5,7,8}'),
    ('SELECT o.id FROM orders o WHERE EXISTS (SELECT FROM plain p WHERE p.id = o.id AND o.deleted_at IS NOT NULL)', '{}');

-- Joins: each reference for itself. WHERE and the ON of inner joins count, of outer joins for the side that may miss.
INSERT INTO questions (query, answer) VALUES
    ('SELECT o.id FROM plain p JOIN orders o ON o.id = p.id AND o.deleted_at IS NOT NULL', '{3,6,9}'),
    ('SELECT o.id FROM plain p JOIN orders o ON o.id = p.id WHERE o.deleted_at IS NOT NULL', '{3,6,9}'),
    ('SELECT o.id FROM plain p, orders o WHERE o.id = p.id AND o.deleted_at IS NOT NULL', '{3,6,9}'),
    ('SELECT o.id FROM plain p JOIN orders o USING (id) WHERE deleted_at IS NOT NULL', '{3,6,9}'),
    ('SELECT id FROM plain NATURAL JOIN orders WHERE deleted_at IS NOT NULL', '{3,6,9}'),
    ('SELECT id FROM (plain JOIN orders USING (id)) AS j WHERE j.deleted_at IS NOT NULL', '{3,6,9}'),
    ('SELECT o.id FROM plain p LEFT JOIN orders o ON o.id = p.id AND o.deleted_at IS NOT NULL WHERE o.id IS NOT NULL', '{3,6,9}'),
    ('SELECT p.id FROM plain p LEFT JOIN orders o ON o.id = p.id AND o.deleted_at IS NOT NULL WHERE o.id IS NULL', '{1,2,4,5,7,8}'),
    ('SELECT o.id FROM plain p LEFT JOIN orders o ON o.id = p.id WHERE o.deleted_at IS NOT NULL', '{3,6,9}'),
    ('SELECT o.id FROM orders o RIGHT JOIN plain p ON o.id = p.id AND o.deleted_at IS NOT NULL WHERE o.id IS NOT NULL', '{3,6,9}'),
    ('SELECT o.id FROM orders o LEFT JOIN plain p ON o.id = p.id AND o.deleted_at IS NOT NULL', '{1,2,4,5,7,8}'),
    ('SELECT o.id FROM plain p RIGHT JOIN orders o ON o.id = p.id AND o.deleted_at IS NOT NULL', '{1,2,4,5,7,8}'),
    ('SELECT o.id FROM orders o LEFT JOIN plain p ON o.id = p.id WHERE o.deleted_at IS NOT NULL', '{3,6,9}'),
    ('SELECT o.id FROM plain p FULL JOIN orders o ON o.id = p.id WHERE o.deleted_at IS NOT NULL', '{3,6,9}'),
    ('SELECT o.id FROM plain p LEFT JOIN (plain q LEFT JOIN orders o ON o.id = q.id) ON q.id = p.id AND o.deleted_at IS NOT NULL
      WHERE o.id IS NOT NULL', '{3,6,9}'),
    ('SELECT a.id FROM orders a JOIN orders b ON a.id = b.id WHERE a.deleted_at IS NOT NULL', '{}'),
    ('SELECT a.id FROM orders a JOIN orders b ON a.id = b.id WHERE a.deleted_at IS NOT NULL AND b.deleted_at IS NOT NULL', '{3,6,9}'),
    ('SELECT a.id FROM orders a JOIN orders b ON a.id = b.id WHERE a.deleted_at = b.deleted_at', '{}'),
    ('SELECT b.id FROM orders a JOIN orders b ON b.id = a.id + 1 WHERE a.deleted_at IS NOT NULL', '{4,7}'),
    ('SELECT a.id FROM orders a JOIN orders b ON a.id = b.id WHERE softdelete.include_deleted(a.deleted_at)', '{1,2,4,5,7,8}'),
    ('SELECT p.id FROM plain p LEFT JOIN orders o ON o.id = p.id AND softdelete.include_deleted(o.deleted_at) WHERE o.id IS NULL', '{}'),
    ('SELECT p.id FROM plain p LEFT JOIN orders o ON o.id = p.id WHERE o.deleted_at IS NULL AND o.id IS NULL', '{3,6,9}');

-- The setting that makes every plan parallel: version 16 has renamed it.
CREATE FUNCTION parallel_setting() RETURNS text LANGUAGE sql AS
    'SELECT name FROM pg_catalog.pg_settings WHERE name IN (''force_parallel_mode'', ''debug_parallel_query'')';

-- Answers that differ from those, under each setting; there are none.
CREATE FUNCTION differing() RETURNS TABLE (setting text, number int, got text) LANGUAGE plpgsql AS $$
DECLARE
    one record;
    found int[];
    id int;
BEGIN
    FOREACH setting IN ARRAY ARRAY['enable_seqscan', 'enable_indexscan', 'enable_bitmapscan', 'enable_hashjoin',
        'enable_mergejoin', 'enable_nestloop', 'enable_material', 'enable_sort', 'enable_hashagg', 'from_collapse_limit',
        'join_collapse_limit', 'plan_cache_mode', parallel_setting(), 'geqo_threshold', 'nothing'] LOOP
        IF setting <> 'nothing' THEN
            PERFORM set_config(setting, CASE setting WHEN 'from_collapse_limit' THEN '1' WHEN 'join_collapse_limit' THEN '1'
                WHEN 'plan_cache_mode' THEN 'force_generic_plan' WHEN parallel_setting() THEN 'on'
                WHEN 'geqo_threshold' THEN '2' ELSE 'off' END, true);
        END IF;
        FOR one IN SELECT * FROM questions LOOP
            BEGIN
                EXECUTE format('PREPARE q AS %s', one.query);
                found := '{}';
                FOR id IN EXECUTE 'EXECUTE q' LOOP
                    found := found || id;
                END LOOP;
                found := ARRAY(SELECT unnest(found) ORDER BY 1);
                got := found::text;
            EXCEPTION WHEN OTHERS THEN
                found := NULL;
                got := sqlerrm;
            END;
            DEALLOCATE ALL;
            number := one.number;
            IF found IS DISTINCT FROM one.answer THEN
                RETURN NEXT;
            END IF;
        END LOOP;
        IF setting <> 'nothing' THEN
            EXECUTE format('RESET %I', setting);
        END IF;
    END LOOP;
END
$$;
SELECT count(*) AS questions FROM questions;
SET client_min_messages = warning;
SELECT d.*, q.query, q.answer FROM differing() d JOIN questions q USING (number);
RESET client_min_messages;

-- Parameters: the decision is the same for custom and generic plans, and does not look at values.
PREPARE since (timestamptz) AS SELECT id FROM orders WHERE deleted_at > $1 ORDER BY id;
PREPARE one_of (timestamptz[]) AS SELECT id FROM orders WHERE deleted_at = ANY ($1) ORDER BY id;
PREPARE none_of (timestamptz[]) AS SELECT id FROM orders WHERE deleted_at <> ALL ($1) ORDER BY id;
PREPARE is_not (timestamptz) AS SELECT id FROM orders WHERE deleted_at IS DISTINCT FROM $1 ORDER BY id;
PREPARE maybe (boolean) AS SELECT id FROM orders WHERE (deleted_at IS NOT NULL) = $1 ORDER BY id;
CREATE FUNCTION answers(text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    found text;
    id int;
BEGIN
    FOREACH found IN ARRAY ARRAY['force_custom_plan', 'force_generic_plan'] LOOP
        PERFORM set_config('plan_cache_mode', found, true);
        found := '';
        FOR id IN EXECUTE $1 LOOP
            found := found || id || ' ';
        END LOOP;
        RETURN NEXT found;
    END LOOP;
END
$$;
SELECT answers('EXECUTE since (''2021-01-01'')');
SELECT answers('EXECUTE since (NULL)');
SELECT answers('EXECUTE one_of (''{2020-01-01}'')');
SELECT answers('EXECUTE one_of (NULL)');
SELECT answers('EXECUTE none_of (''{2020-01-01}'')');
SELECT answers('EXECUTE none_of (''{}'')');
SELECT answers('EXECUTE is_not (NULL)');
SELECT answers('EXECUTE is_not (''2020-01-01'')');
SELECT answers('EXECUTE maybe (true)');

-- The bin can be changed: an UPDATE whose condition opens it reaches deleted rows.
UPDATE orders SET customer = 7 WHERE deleted_at IS NOT NULL AND id = 3 RETURNING id, customer;
UPDATE deleted_orders SET customer = 8 WHERE id = 3 RETURNING id, customer;
UPDATE all_orders SET customer = customer + 100 WHERE id IN (2, 3) RETURNING id, customer;
UPDATE active_orders SET customer = 9 WHERE id = 3;
UPDATE orders SET customer = 9 WHERE id = 3;
SELECT id, customer FROM all_orders WHERE id IN (2, 3) ORDER BY id;

-- A condition on deletion_id shows deleted rows and reaches none: neither an UPDATE nor a DELETE takes them.
UPDATE orders SET customer = 9 WHERE deletion_id > 0;
DELETE FROM orders WHERE deletion_id > 0;
SELECT count(*) FROM orders WHERE deletion_id > 0;

-- DELETE through the views deletes live rows only.
BEGIN;
DELETE FROM all_orders WHERE id < 4 RETURNING id;
DELETE FROM deleted_orders;
DELETE FROM active_orders WHERE id = 4 RETURNING id;
SELECT count(*), count(deleted_at) FROM all_orders;
ROLLBACK;

-- Aggregates of the bin.
SELECT min(id), max(id), count(*), max(deleted_at) > '2021-01-01' AS recent FROM orders WHERE deleted_at IS NOT NULL;
SELECT min(deleted_at), max(id) FROM orders;

-- A column of another name does the same.
CREATE TABLE renamed (id int PRIMARY KEY, "Gone" timestamp);
SELECT count(*) > 0 AS registered FROM softdelete.register('renamed', deleted_at => 'Gone');
INSERT INTO renamed (id) VALUES (1), (2);
DELETE FROM renamed WHERE id = 1;
SELECT id FROM renamed;
SELECT id FROM renamed WHERE "Gone" > '2000-01-01';

-- Partitions open the same way, from the parent and by themselves.
CREATE TABLE parts (id int, note text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 (dropped int, note text, id int);
ALTER TABLE parts_1 DROP COLUMN dropped;
ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES FROM (1) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
INSERT INTO parts (id) VALUES (1), (2), (11), (12);
DELETE FROM parts WHERE id IN (1, 11);
SELECT id FROM parts ORDER BY id;
SELECT id FROM parts WHERE deleted_at IS NOT NULL ORDER BY id;
SELECT id FROM parts_1;
SELECT id FROM parts_1 WHERE deleted_at IS NOT NULL;
SELECT id FROM parts WHERE id > 10 UNION ALL SELECT id FROM parts WHERE deleted_at IS NOT NULL AND id < 10 ORDER BY 1;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_bin CASCADE;
DROP ROLE regress_bin_owner;
