-- Every query on a registered table sees live rows, whatever way it asks and whatever plan it gets.
CREATE ROLE regress_filter_owner;
CREATE ROLE regress_filter_user;
GRANT regress_filter_user TO regress_filter_owner;
CREATE SCHEMA regress_filter AUTHORIZATION regress_filter_owner;
SET SESSION AUTHORIZATION regress_filter_owner;
SET search_path = regress_filter;
-- Orders 1 to 9 of customers 1 to 3; order 3 * n is deleted, and so is customer 3.
CREATE TABLE customers (id int PRIMARY KEY, name text);
CREATE TABLE orders (id int PRIMARY KEY, customer int, total int);
CREATE INDEX ON orders (customer);
CREATE TABLE plain (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('customers');
SELECT count(*) > 0 AS registered FROM softdelete.register('orders');
INSERT INTO customers (id, name) SELECT g, 'customer ' || g FROM generate_series(1, 3) g;
INSERT INTO orders (id, customer, total) SELECT g, (g - 1) / 3 + 1, g * 10 FROM generate_series(1, 9) g;
INSERT INTO plain SELECT generate_series(1, 9);
DELETE FROM orders WHERE id % 3 = 0;
DELETE FROM customers WHERE id = 3;
ANALYZE customers, orders, plain;

-- One question in many spellings: the ids of orders, 1 2 4 5 7 8.
CREATE VIEW simple_view AS SELECT * FROM orders;
CREATE VIEW barrier_view WITH (security_barrier) AS SELECT * FROM orders;
CREATE VIEW invoker_view WITH (security_invoker) AS SELECT * FROM simple_view;
CREATE VIEW union_view AS SELECT id FROM orders WHERE id < 5 UNION ALL SELECT id FROM orders WHERE id >= 5;
CREATE FUNCTION inlined() RETURNS SETOF orders STABLE LANGUAGE sql AS 'SELECT * FROM regress_filter.orders';
CREATE FUNCTION parsed() RETURNS SETOF int STABLE LANGUAGE sql BEGIN ATOMIC SELECT id FROM orders; END;
CREATE FUNCTION opaque() RETURNS SETOF orders VOLATILE LANGUAGE sql AS 'SELECT * FROM regress_filter.orders';
CREATE FUNCTION procedural() RETURNS SETOF orders STABLE LANGUAGE plpgsql AS
    'BEGIN RETURN QUERY SELECT * FROM regress_filter.orders; END';
CREATE FUNCTION at_least(int) RETURNS SETOF int STABLE LANGUAGE sql AS
    'SELECT id FROM regress_filter.orders WHERE id >= $1';
CREATE FUNCTION dynamic() RETURNS SETOF int LANGUAGE plpgsql AS
    'BEGIN RETURN QUERY EXECUTE ''SELECT id FROM regress_filter.orders''; END';
CREATE TABLE spellings (number int GENERATED ALWAYS AS IDENTITY, query text);
INSERT INTO spellings (query) VALUES
    ('SELECT id FROM orders'),
    ('SELECT id FROM ONLY orders'),
    ('SELECT (o).id FROM (SELECT o FROM orders o) s'),
    ('SELECT id FROM (SELECT * FROM orders) s'),
    ('SELECT id FROM (SELECT * FROM orders OFFSET 0) s'),
    ('SELECT id FROM (SELECT * FROM orders ORDER BY total LIMIT 100) s'),
    ('SELECT DISTINCT id FROM orders'),
    ('WITH o AS (SELECT * FROM orders) SELECT id FROM o'),
    ('WITH o AS MATERIALIZED (SELECT * FROM orders) SELECT id FROM o'),
    ('WITH o AS (SELECT * FROM orders) SELECT a.id FROM o a JOIN o b USING (id)'),
    ('WITH RECURSIVE r AS (SELECT min(id) AS id FROM orders UNION SELECT o.id FROM orders o JOIN r ON o.id > r.id) SELECT id FROM r'),
    ('SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY customer ORDER BY id) AS n FROM orders) s WHERE n < 3'),
    ('SELECT id FROM (SELECT id, count(*) OVER (PARTITION BY customer) AS n FROM orders) s WHERE n = 2'),
    ('SELECT id FROM simple_view'),
    ('SELECT id FROM barrier_view'),
    ('SELECT id FROM invoker_view'),
    ('SELECT id FROM union_view'),
    ('SELECT id FROM active_orders'),
    ('SELECT id FROM orders WHERE deleted_at IS NULL'),
    ('SELECT id FROM simple_view WHERE deleted_at IS NULL'),
    ('SELECT p.id FROM plain p JOIN orders o ON o.id = p.id'),
    ('SELECT id FROM plain NATURAL JOIN (SELECT id FROM orders) o'),
    ('SELECT id FROM orders NATURAL JOIN plain'),
    ('SELECT o.id FROM plain p RIGHT JOIN orders o ON o.id = p.id'),
    ('SELECT o.id FROM plain p LEFT JOIN orders o ON o.id = p.id WHERE o.id IS NOT NULL'),
    ('SELECT o.id FROM plain p FULL JOIN orders o ON o.id = p.id WHERE o.total > 0'),
    ('SELECT p.id FROM plain p LEFT JOIN (orders o LEFT JOIN customers c ON c.id = o.customer) ON o.id = p.id WHERE o.id IS NOT NULL'),
    ('SELECT p.id FROM plain p WHERE EXISTS (SELECT FROM orders o WHERE o.id = p.id)'),
    ('SELECT p.id FROM plain p WHERE p.id IN (SELECT id FROM orders)'),
    ('SELECT p.id FROM plain p WHERE p.id = ANY (ARRAY(SELECT id FROM orders))'),
    ('SELECT p.id FROM plain p WHERE NOT p.id NOT IN (SELECT id FROM orders)'),
    ('SELECT p.id FROM plain p WHERE (SELECT total FROM orders o WHERE o.id = p.id) > 0'),
    ('SELECT l.id FROM plain p, LATERAL (SELECT o.id FROM orders o WHERE o.id = p.id) l'),
    ('SELECT l.id FROM plain p CROSS JOIN LATERAL (SELECT o.id FROM orders o WHERE o.id = p.id LIMIT 1) l'),
    ('SELECT id FROM orders WHERE customer = 1 UNION ALL SELECT id FROM orders WHERE customer > 1'),
    ('SELECT id FROM plain WHERE false UNION ALL SELECT id FROM orders'),
    ('SELECT id FROM (SELECT id, total FROM orders UNION ALL SELECT id, 0 FROM plain WHERE id > 100) u WHERE total > 0'),
    ('SELECT id FROM orders UNION SELECT id FROM orders'),
    ('SELECT id FROM plain INTERSECT SELECT id FROM orders'),
    ('SELECT id FROM plain EXCEPT (SELECT id FROM plain EXCEPT SELECT id FROM orders)'),
    ('SELECT id FROM inlined()'),
    ('SELECT inlined.id FROM plain p, inlined() WHERE inlined.id = p.id'),
    ('SELECT * FROM parsed()'),
    ('SELECT parsed()'),
    ('SELECT id FROM opaque()'),
    ('SELECT (opaque()).id'),
    ('SELECT id FROM procedural()'),
    ('SELECT * FROM dynamic()'),
    ('SELECT * FROM at_least(CASE WHEN current_setting(''is_superuser'') = ''never'' THEN (random() * 0)::int ELSE 1 END)'),
    ('SELECT a.id FROM orders a JOIN orders b ON a.id = b.id'),
    ('SELECT o.id FROM orders o TABLESAMPLE SYSTEM (100)'),
    ('SELECT unnest(array_agg(id)) FROM orders'),
    ('SELECT id FROM orders GROUP BY id'),
    ('SELECT id FROM orders GROUP BY GROUPING SETS ((id)) HAVING count(*) > 0'),
    ('SELECT (json_populate_record(null::plain, row_to_json(o))).id FROM orders o'),
    ('SELECT id FROM orders FOR UPDATE'),
    ('VALUES ((SELECT min(id) FROM orders)), (2), (4), (5), (7), ((SELECT max(id) FROM orders))');

-- The setting that makes every plan parallel: version 16 has renamed it.
CREATE FUNCTION parallel_setting() RETURNS text LANGUAGE sql AS
    'SELECT name FROM pg_catalog.pg_settings WHERE name IN (''force_parallel_mode'', ''debug_parallel_query'')';

-- Answers the queries that differ, under each setting; none should.
CREATE FUNCTION differing(right_answer int[]) RETURNS TABLE (setting text, number int, answer text) LANGUAGE plpgsql AS $$
DECLARE
    one record;
    found int[];
    id int;
BEGIN
    FOREACH setting IN ARRAY ARRAY['enable_seqscan', 'enable_indexscan', 'enable_bitmapscan', 'enable_hashjoin',
        'enable_mergejoin', 'enable_nestloop', 'enable_material', 'enable_memoize', 'enable_sort', 'enable_hashagg',
        'from_collapse_limit', 'join_collapse_limit', 'plan_cache_mode', parallel_setting(), 'geqo_threshold', 'nothing'] LOOP
        IF setting <> 'nothing' THEN
            PERFORM set_config(setting, CASE setting WHEN 'from_collapse_limit' THEN '1' WHEN 'join_collapse_limit' THEN '1'
                WHEN 'plan_cache_mode' THEN 'force_generic_plan' WHEN parallel_setting() THEN 'on'
                WHEN 'geqo_threshold' THEN '2' ELSE 'off' END, true);
        END IF;
        FOR one IN SELECT * FROM spellings LOOP
            BEGIN
                EXECUTE format('PREPARE q AS %s', one.query);
                found := '{}';
                FOR id IN EXECUTE 'EXECUTE q' LOOP
                    found := found || id;
                END LOOP;
                found := ARRAY(SELECT unnest(found) ORDER BY 1);
                answer := found::text;
            EXCEPTION WHEN OTHERS THEN
                found := NULL;
                answer := sqlerrm;
            END;
            DEALLOCATE ALL;
            number := one.number;
            IF found IS DISTINCT FROM right_answer THEN
                RETURN NEXT;
            END IF;
        END LOOP;
        IF setting <> 'nothing' THEN
            EXECUTE format('RESET %I', setting);
        END IF;
    END LOOP;
END
$$;
SET client_min_messages = warning;
SELECT count(*) AS spellings FROM spellings;
SELECT * FROM differing('{1,2,4,5,7,8}');
RESET client_min_messages;

-- The outer side of a join keeps its rows; the condition belongs to each table, not to the result.
SELECT o.id, c.name FROM orders o LEFT JOIN customers c ON c.id = o.customer ORDER BY o.id;
SELECT c.name, count(o.id) FROM customers c LEFT JOIN orders o ON o.customer = c.id GROUP BY c.name ORDER BY c.name;
SELECT p.id, o.id, c.id FROM plain p LEFT JOIN orders o ON o.id = p.id LEFT JOIN customers c ON c.id = o.customer ORDER BY p.id;
SELECT c.id, o.id FROM orders o FULL JOIN customers c ON c.id = o.customer ORDER BY c.id, o.id;

-- deleted_at IS NULL above a join is also true of rows that the join made up: it does not replace the filter.
SELECT p.id, o.id FROM plain p LEFT JOIN orders o ON o.id = p.id WHERE o.deleted_at IS NULL ORDER BY p.id;
SELECT p.id FROM plain p LEFT JOIN orders o ON o.id = p.id AND o.deleted_at IS NULL WHERE o.id IS NULL ORDER BY p.id;

-- NOT IN, NOT EXISTS and EXCEPT leave out live rows only.
SELECT array_agg(id ORDER BY id) FROM plain WHERE id NOT IN (SELECT id FROM orders);
SELECT array_agg(id ORDER BY id) FROM plain p WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = p.id);
SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM plain EXCEPT SELECT id FROM orders) s;

-- A foreign reference to a deleted row finds nothing.
SELECT id, (SELECT name FROM customers c WHERE c.id = o.customer) FROM orders o WHERE id IN (5, 7) ORDER BY id;

-- UPDATE is filtered, target and source.
BEGIN;
UPDATE orders SET total = 0 RETURNING id;
UPDATE orders o SET total = 1 FROM customers c WHERE c.id = o.customer RETURNING o.id;
UPDATE customers c SET name = (SELECT string_agg(id::text, ' ' ORDER BY id) FROM orders WHERE customer = c.id) RETURNING id, name;
UPDATE simple_view SET total = 2 WHERE id IN (3, 4) RETURNING id;
ROLLBACK;

-- INSERT ... SELECT, CREATE TABLE AS and MERGE's source read live rows.
BEGIN;
INSERT INTO plain SELECT id + 100 FROM orders RETURNING id;
CREATE TABLE made AS SELECT id FROM orders;
SELECT count(*) FROM made;
MERGE INTO made m USING orders o ON o.id = m.id + 1 WHEN MATCHED THEN UPDATE SET id = m.id + 1000;
SELECT id FROM made ORDER BY id;
ROLLBACK;

-- MERGE does not see a deleted target row; inserting its key again is refused by the primary key.
MERGE INTO orders o USING (VALUES (2), (3)) AS s (id) ON s.id = o.id
    WHEN MATCHED THEN UPDATE SET total = 0 WHEN NOT MATCHED THEN DO NOTHING;
MERGE INTO orders o USING (VALUES (3)) AS s (id) ON s.id = o.id
    WHEN MATCHED THEN UPDATE SET total = 0 WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id); -- fails

-- Policies are evaluated on live rows, in their sub-queries too.
ALTER TABLE plain ENABLE ROW LEVEL SECURITY;
CREATE POLICY with_order ON plain USING (EXISTS (SELECT FROM orders o WHERE o.id = plain.id));
GRANT USAGE ON SCHEMA regress_filter TO regress_filter_user;
GRANT SELECT ON plain, orders TO regress_filter_user;
SET ROLE regress_filter_user;
SELECT array_agg(id ORDER BY id) FROM plain;
RESET ROLE;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_filter CASCADE;
DROP ROLE regress_filter_owner, regress_filter_user;
