-- The plans of registered tables are those of a hand-written deleted_at IS NULL.
CREATE ROLE regress_plans_owner;
CREATE SCHEMA regress_plans AUTHORIZATION regress_plans_owner;
CREATE SCHEMA regress_plans_by_hand AUTHORIZATION regress_plans_owner;
CREATE EXTENSION pg_trgm SCHEMA regress_plans;
SET SESSION AUTHORIZATION regress_plans_owner;
SET search_path = regress_plans;
SET client_min_messages = warning;

-- The same table twice in two schemas: one is registered, the other has the columns, the indexes and the rows by hand.
CREATE FUNCTION fill(schema text, by_hand boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    live text := CASE WHEN by_hand THEN ' WHERE deleted_at IS NULL' ELSE '' END;
BEGIN
    PERFORM set_config('search_path', schema || ', regress_plans', true);
    CREATE TABLE users (id int PRIMARY KEY, email text, name text);
    CREATE TABLE orders (id int PRIMARY KEY, user_id int, total numeric, note text, data jsonb);
    IF by_hand THEN
        ALTER TABLE users ADD deleted_at timestamptz, ADD deleted_by text, ADD deletion_id bigint;
        ALTER TABLE orders ADD deleted_at timestamptz, ADD deleted_by text, ADD deletion_id bigint;
    END IF;
    EXECUTE 'CREATE UNIQUE INDEX users_email_key ON users (email)' || live;
    EXECUTE 'CREATE INDEX orders_user ON orders (user_id)' || live;
    EXECUTE 'CREATE INDEX orders_total ON orders (total)' || live;
    EXECUTE 'CREATE INDEX orders_note ON orders (note text_pattern_ops)' || live;
    EXECUTE 'CREATE INDEX orders_trgm ON orders USING gin (note gin_trgm_ops)' || live;
    EXECUTE 'CREATE INDEX orders_data ON orders USING gin (data)' || live;
    IF by_hand THEN
        CREATE INDEX users_deleted_at_idx ON users (deleted_at) WHERE deleted_at IS NOT NULL;
        CREATE INDEX users_deletion_id_idx ON users (deletion_id) WHERE deletion_id IS NOT NULL;
        CREATE INDEX orders_deleted_at_idx ON orders (deleted_at) WHERE deleted_at IS NOT NULL;
        CREATE INDEX orders_deletion_id_idx ON orders (deletion_id) WHERE deletion_id IS NOT NULL;
    ELSE
        PERFORM softdelete.register('users');
        PERFORM softdelete.register('orders');
    END IF;
    INSERT INTO users (id, email, name, deleted_at)
        SELECT g, 'user' || g, 'name ' || g, CASE WHEN g % 5 > 0 THEN timestamptz '2024-01-01' + g * interval '1 minute' END
        FROM generate_series(1, 5000) g;
    INSERT INTO orders (id, user_id, total, note, data, deleted_at)
        SELECT g, g % 5000, g * 1.5, md5(g::text), jsonb_build_object('k', g % 1000, 'g', g),
            CASE WHEN g % 5 > 0 THEN timestamptz '2024-01-01' + g * interval '1 minute' END
        FROM generate_series(1, 20000) g;
    PERFORM gin_clean_pending_list('orders_trgm'), gin_clean_pending_list('orders_data');
    ANALYZE users, orders;
END
$$;
SELECT fill('regress_plans', false);
SELECT fill('regress_plans_by_hand', true);

CREATE FUNCTION plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    lines text[] := '{}';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        lines := lines || line;
    END LOOP;
    RETURN array_to_string(lines, E'\n');
END
$$;

-- Compares the plan of a query on the registered tables with that of the same query on the others, where @alias says
-- alias.deleted_at IS NULL. Tells whether it uses the index; shows both plans where they differ.
CREATE FUNCTION compare(query text, index text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    here text;
    there text;
BEGIN
    PERFORM set_config('search_path', 'regress_plans', true);
    here := plan_of(regexp_replace(query, '@\w+', 'true', 'g'));
    PERFORM set_config('search_path', 'regress_plans_by_hand, regress_plans', true);
    there := plan_of(regexp_replace(query, '@(\w+)', '\1.deleted_at IS NULL', 'g'));
    PERFORM set_config('search_path', 'regress_plans', true);
    IF here = there THEN
        RETURN NEXT 'same plan, ' || CASE WHEN position(index IN here) > 0 THEN 'with ' ELSE 'without ' END || index;
    ELSE
        RETURN QUERY SELECT string_to_table(here || E'\nBY HAND\n' || there, E'\n');
    END IF;
END
$$;

-- The comparison notices a difference.
SELECT compare('SELECT id FROM users u WHERE u.id = 10', 'users_pkey');

-- Equality by unique key and by other columns.
SELECT compare('SELECT * FROM users u WHERE u.email = ''user10'' AND @u', 'users_email_key');
SELECT compare('SELECT * FROM users u WHERE u.id = 10 AND @u', 'users_pkey');
SELECT compare('SELECT * FROM orders o WHERE o.user_id = 10 AND @o', 'orders_user');

-- Ranges, patterns and containment.
SELECT compare('SELECT * FROM orders o WHERE o.total > 29900 AND @o', 'orders_total');
SELECT compare('SELECT * FROM orders o WHERE o.note LIKE ''abc%'' AND @o', 'orders_note');
SELECT compare('SELECT * FROM orders o WHERE o.note ILIKE ''%abcdef0%'' AND @o', 'orders_trgm');
SELECT compare('SELECT * FROM orders o WHERE o.data @> ''{"k": 5}'' AND @o', 'orders_data');

-- Order and limit, minimum and maximum, counts.
SELECT compare('SELECT * FROM orders o WHERE @o ORDER BY o.total DESC LIMIT 5', 'orders_total');
SELECT compare('SELECT min(o.total), max(o.total) FROM orders o WHERE @o', 'orders_total');
SELECT compare('SELECT count(*) FROM orders o WHERE @o', 'Index Only Scan');
SELECT compare('SELECT o.user_id, sum(o.total) FROM orders o WHERE @o GROUP BY o.user_id', 'Aggregate');

-- Joins.
SELECT compare('SELECT u.name, o.total FROM users u JOIN orders o ON o.user_id = u.id AND @o WHERE u.email = ''user10'' AND @u', 'users_email_key');
SELECT compare('SELECT u.name, o.total FROM users u JOIN orders o ON o.user_id = u.id AND @o WHERE o.total > 29900 AND @u', 'orders_total');
SELECT compare('SELECT u.name, o.total FROM orders o LEFT JOIN users u ON o.user_id = u.id AND @u WHERE o.total > 29900 AND @o', 'orders_total');
SELECT compare('SELECT u.id FROM users u WHERE EXISTS (SELECT FROM orders o WHERE o.user_id = u.id AND @o) AND @u', 'Join');
SELECT compare('SELECT u.id FROM users u WHERE NOT EXISTS (SELECT FROM orders o WHERE o.user_id = u.id AND @o) AND @u', 'Join');

-- A left join that yields nothing is removed.
SELECT compare('SELECT o.id FROM orders o LEFT JOIN users u ON u.id = o.user_id AND @u WHERE o.total > 29900 AND @o', 'users');

-- UNION ALL.
SELECT compare('SELECT o.id FROM orders o WHERE o.total > 29900 AND @o UNION ALL SELECT u.id FROM users u WHERE u.email = ''user10'' AND @u', 'users_email_key');

-- UPDATE.
SELECT compare('UPDATE orders o SET note = ''x'' WHERE o.user_id = 10 AND @o', 'orders_user');

-- Where the query says it already, it stands there once.
SELECT plan_of('SELECT * FROM orders WHERE user_id = 10 AND deleted_at IS NULL');
SELECT plan_of('SELECT * FROM orders o LEFT JOIN users u ON u.id = o.user_id AND u.deleted_at IS NULL WHERE o.id = 10 AND o.deleted_at IS NULL');
SELECT plan_of('SELECT * FROM active_orders WHERE user_id = 10');
SELECT plan_of('SELECT * FROM (SELECT * FROM orders) o WHERE deleted_at IS NULL AND user_id = 10');

-- The bin has its index, and no filter; so has include_deleted() none.
SELECT plan_of('SELECT * FROM orders WHERE deleted_at < ''2024-01-01 00:10''');
SELECT plan_of('SELECT count(*) FROM all_orders');

-- DELETE finds its rows as an UPDATE by hand does.
SELECT plan_of('DELETE FROM orders WHERE user_id = 10');

-- A restore finds its row by the key, also when the statistics know of no deleted row and their index seems to be empty.
CREATE TABLE pairs (a int, b text, note text, PRIMARY KEY (a, b));
INSERT INTO pairs SELECT g, 'b' || g, 'note' FROM generate_series(1, 20000) g;
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('pairs');
RESET client_min_messages;
VACUUM ANALYZE pairs;
DELETE FROM pairs WHERE a > 10;
SELECT plan_of('UPDATE pairs SET deleted_at = NULL WHERE a = 11 AND b = ''b11''') LIKE '%pairs_pkey%' AS by_key;
SELECT plan_of('UPDATE pairs SET deleted_at = NULL WHERE ''b12'' = b AND note > '''' AND a = 12') LIKE '%pairs_pkey%' AS by_key;
SELECT plan_of('UPDATE pairs SET deleted_at = NULL WHERE a IN (13, 14) AND b = ANY (ARRAY[''b13'', ''b14''])') LIKE '%pairs_pkey%' AS by_key;
SELECT plan_of('UPDATE pairs p SET deleted_at = NULL FROM users u WHERE p.a = u.id AND p.b = u.name AND u.id = 15') LIKE '%pairs_pkey%' AS by_key;
SELECT plan_of('UPDATE all_pairs SET deleted_at = NULL WHERE a = 16 AND b = ''b16''') LIKE '%pairs_pkey%' AS by_key;
PREPARE restore_pair (int, text) AS UPDATE pairs SET deleted_at = NULL WHERE a = $1 AND b = $2;
SELECT plan_of('EXECUTE restore_pair (17, ''b17'')') LIKE '%pairs_pkey%' AS by_key;
EXECUTE restore_pair (17, 'b17');
EXECUTE restore_pair (17, 'b17');
SELECT a FROM pairs WHERE a > 10;
-- Half a key, or a comparison with the row itself, names no row: the deleted ones are looked through.
SELECT plan_of('UPDATE pairs SET deleted_at = NULL WHERE b = ''b11''') LIKE '%pairs_pkey%' AS by_key;
SELECT plan_of('UPDATE pairs SET deleted_at = NULL WHERE a = 11 AND b = b || ''''') LIKE '%pairs_pkey%' AS by_key;
SELECT plan_of('UPDATE pairs SET deleted_at = NULL WHERE a = 11 OR b = ''b11''') LIKE '%pairs_pkey%' AS by_key;

RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_plans, regress_plans_by_hand CASCADE;
DROP ROLE regress_plans_owner;
