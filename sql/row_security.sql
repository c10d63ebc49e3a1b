-- Visibility rls: as filter, and a policy keeps deleted rows from everybody but the table's owner, roles that bypass row
-- security and the named admin_roles.
CREATE ROLE regress_rls_owner;
CREATE ROLE regress_rls_app;
CREATE ROLE regress_rls_support;
CREATE ROLE regress_rls_helper IN ROLE regress_rls_support;
CREATE ROLE regress_rls_bypass BYPASSRLS;
CREATE SCHEMA regress_rls AUTHORIZATION regress_rls_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_rls_owner IN SCHEMA regress_rls
    GRANT ALL ON TABLES TO regress_rls_app, regress_rls_support, regress_rls_bypass;
GRANT USAGE ON SCHEMA regress_rls TO PUBLIC;
SET ROLE regress_rls_owner;
SET search_path = regress_rls;
\pset format unaligned
CREATE VIEW row_security AS
    SELECT c.oid::regclass AS relation, c.relrowsecurity AS enabled,
           ARRAY(SELECT p.polname || CASE WHEN p.polpermissive THEN '' ELSE ' (restrictive)' END FROM pg_policy p
                 WHERE p.polrelid = c.oid ORDER BY 1) AS policies
    FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'regress_rls'::regnamespace;

-- Every step is told, with odd names.
CREATE TABLE "Odd'T \x" (id int PRIMARY KEY, "gone Q'at" timestamptz);
SELECT object, action, command
    FROM softdelete.plan('"Odd''T \x"', visibility => 'rls', deleted_at => 'gone Q''at') WHERE object ~ 'policy|row sec';
SELECT count(*) > 0 AS registered
    FROM softdelete.register('"Odd''T \x"', visibility => 'rls', deleted_at => 'gone Q''at');
SELECT * FROM softdelete.repair('"Odd''T \x"');
SELECT * FROM row_security;
INSERT INTO "Odd'T \x" VALUES (1), (2);
DELETE FROM "Odd'T \x" WHERE id = 1;
SET ROLE regress_rls_app;
SELECT id FROM "Odd'T \x" WHERE softdelete.include_deleted("gone Q'at");
SET ROLE regress_rls_owner;

-- A table without policies.
CREATE TABLE orders (id int PRIMARY KEY, number text, tags jsonb, total numeric);
CREATE INDEX orders_number ON orders (number text_pattern_ops);
CREATE INDEX orders_total ON orders (total);
SELECT object, action FROM softdelete.register('orders', visibility => 'rls', admin_roles => '{regress_rls_support}')
    WHERE object ~ 'policy|row sec';
INSERT INTO orders SELECT g, 'number' || g, jsonb_build_object('g', g), g FROM generate_series(1, 9) g;
SELECT visibility, indexes, admin_roles FROM softdelete.tables WHERE relation = 'orders'::regclass;

-- Each way to delete softly, as a role that does not see deleted rows.
SET ROLE regress_rls_app;
DELETE FROM orders WHERE id = 1 RETURNING id, deleted_at IS NOT NULL AS deleted;
UPDATE orders SET deleted_at = now() WHERE id = 2 RETURNING id, deleted_by;
WITH gone AS (DELETE FROM orders WHERE id = 3 RETURNING id) SELECT * FROM gone;
MERGE INTO orders o USING (VALUES (4), (5)) AS v (id) ON v.id = o.id
    WHEN MATCHED AND o.id = 4 THEN DELETE WHEN MATCHED THEN UPDATE SET total = 50;
DELETE FROM active_orders WHERE id = 6;
SELECT softdelete.delete('orders', 7) IS NOT NULL AS deleted;
INSERT INTO orders (id, deleted_at) VALUES (10, now()) RETURNING id;
SELECT id, total FROM orders ORDER BY id;

-- None of the ways to deleted rows leads there.
SELECT count(*) FROM orders WHERE deleted_at IS NOT NULL;
SELECT count(*) FROM all_orders;
SELECT count(*) FROM deleted_orders;
SELECT count(*) FROM orders WHERE softdelete.include_deleted(deleted_at);
SET softdelete.visibility = 'all';
SELECT count(*) FROM orders;
UPDATE orders SET total = 0 WHERE id < 8;
UPDATE orders SET total = total;
COPY orders (id) TO STDOUT;
SET softdelete.visibility = 'deleted';
SELECT count(*) FROM orders;
RESET softdelete.visibility;
SELECT relation, rows FROM softdelete.deletions WHERE relation = 'orders'::regclass;
SELECT * FROM softdelete.preview('orders', 1); -- fails
SET row_security = off;
SELECT count(*) FROM orders; -- fails
RESET row_security;
INSERT INTO orders (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET total = 7; -- fails
SELECT softdelete_internal.sees_deleted('orders');

-- They lead there for admin roles and their members, for the owner, and for those who bypass row security.
SET ROLE regress_rls_helper;
SELECT count(*), (SELECT count(*) FROM orders) AS live FROM all_orders;
SET ROLE regress_rls_bypass;
SELECT count(*), (SELECT count(*) FROM orders) AS live FROM all_orders;
SET ROLE regress_rls_owner;
SELECT count(*), (SELECT count(*) FROM orders) AS live FROM all_orders;
ALTER TABLE orders FORCE ROW LEVEL SECURITY;
SELECT count(*), (SELECT count(*) FROM orders) AS live FROM all_orders;
ALTER TABLE orders NO FORCE ROW LEVEL SECURITY;
SELECT relation, rows FROM softdelete.deletions WHERE relation = 'orders'::regclass ORDER BY id LIMIT 1;

-- Whoever may update may restore, in every way, and sees what comes back.
SET ROLE regress_rls_app;
UPDATE orders SET deleted_at = NULL WHERE id = 1 RETURNING id;
SELECT softdelete.restore('orders', 2);
SELECT softdelete.restore('orders', 2);
SELECT softdelete.restore('orders', 99); -- fails
SELECT softdelete.undo(max(id)) FROM softdelete.deletions WHERE relation = 'orders'::regclass;
UPDATE orders SET deleted_at = NULL, total = 1;
UPDATE orders SET deleted_at = NULL;
SET ROLE regress_rls_owner;
SELECT count(*) FROM orders;

-- The admin roles change at once.
DELETE FROM orders WHERE id < 4;
SET ROLE regress_rls_helper;
PREPARE bin AS SELECT count(*) FROM orders WHERE deleted_at IS NOT NULL;
EXECUTE bin;
SET ROLE regress_rls_owner;
SELECT * FROM softdelete.configure('orders', admin_roles => '{}');
SET ROLE regress_rls_helper;
EXECUTE bin;
SET ROLE regress_rls_owner;
SELECT * FROM softdelete.configure('orders', admin_roles => '{regress_rls_app}');
SET ROLE regress_rls_app;
EXECUTE bin;
SET ROLE regress_rls_owner;
SELECT * FROM softdelete.configure('orders', admin_roles => '{}');

-- Partial indexes and operators that are not leakproof stay usable, as under filter.
CREATE TABLE documents (id int PRIMARY KEY, tags jsonb);
CREATE INDEX documents_tags ON documents USING gin (tags);
SELECT count(*) > 0 AS registered FROM softdelete.register('documents', visibility => 'rls');
SET enable_seqscan = off;
SET ROLE regress_rls_app;
EXPLAIN (COSTS OFF) SELECT id FROM orders WHERE number LIKE 'number1%';
EXPLAIN (COSTS OFF) SELECT id FROM documents WHERE tags @> '{"g": 5}';
EXPLAIN (COSTS OFF) SELECT id FROM orders WHERE total > 8;
EXPLAIN (COSTS OFF) SELECT id FROM orders WHERE total > 8 AND deleted_at IS NULL;
EXPLAIN (COSTS OFF) UPDATE orders SET tags = NULL WHERE total > 8;
EXPLAIN (COSTS OFF) DELETE FROM orders WHERE total > 8;
RESET enable_seqscan;

-- A function of the reader's in the condition sees live rows only, however cheap it says it is, at run time and where the
-- planner tries operators on statistics.
SET ROLE regress_rls_owner;
GRANT CREATE ON SCHEMA regress_rls TO regress_rls_app;
CREATE TABLE secrets (id int, word text);
CREATE TABLE secret_parts (id int, word text) PARTITION BY RANGE (id);
CREATE TABLE secret_part PARTITION OF secret_parts FOR VALUES FROM (0) TO (100);
SELECT count(*) > 0 AS registered FROM softdelete.register('secrets', visibility => 'rls');
SELECT count(*) > 0 AS registered FROM softdelete.register('secret_parts', visibility => 'rls');
INSERT INTO secrets SELECT 1, 'hidden' FROM generate_series(1, 50);
INSERT INTO secrets SELECT 2, 'shown';
INSERT INTO secret_parts SELECT * FROM secrets;
DELETE FROM secrets WHERE id = 1;
DELETE FROM secret_parts WHERE id = 1;
ANALYZE secrets, secret_parts;
SET ROLE regress_rls_app;
CREATE FUNCTION peek(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
    $$ BEGIN RAISE NOTICE 'peek: %', $1; RETURN true; END $$;
CREATE FUNCTION peek_equal(text, text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
    $$ BEGIN RAISE NOTICE 'peek: %', $1; RETURN $1 = $2; END $$;
CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = peek_equal, RESTRICT = eqsel);
SET cpu_operator_cost = 0;
SELECT id FROM secrets WHERE peek(word);
SELECT id FROM secrets WHERE peek(word) AND deleted_at IS NULL;
SELECT id FROM secrets WHERE word === 'x';
SELECT id FROM secrets WHERE peek(word) AND deleted_at IS NOT NULL;
SELECT id FROM secret_parts WHERE peek(word);
SELECT id FROM secret_part WHERE word === 'x';
SELECT id FROM all_secrets WHERE peek(word);
SELECT id FROM (SELECT * FROM secrets UNION ALL SELECT * FROM secrets) s WHERE peek(word);
SELECT a.id FROM secrets a LEFT JOIN secrets b ON a.id = b.id AND peek(b.word) WHERE peek(a.word);
DELETE FROM secrets WHERE peek(word);
RESET cpu_operator_cost;
SET ROLE regress_rls_owner;

-- Partitions and inheritance children that are named themselves hide the same rows, new ones and detached ones too.
SELECT * FROM row_security WHERE relation::text LIKE 'secret_part%' ORDER BY relation::text;
CREATE TABLE secret_part2 PARTITION OF secret_parts FOR VALUES FROM (100) TO (200);
CREATE TABLE secret_part3 (id int, word text, deleted_at timestamptz, deleted_by text, deletion_id bigint);
CREATE POLICY asleep ON secret_part3 USING (true);
ALTER TABLE secret_parts ATTACH PARTITION secret_part3 FOR VALUES FROM (200) TO (300); -- fails
DROP POLICY asleep ON secret_part3;
ALTER TABLE secret_parts ATTACH PARTITION secret_part3 FOR VALUES FROM (200) TO (300);
INSERT INTO secret_parts (id) VALUES (100), (101), (200), (201);
DELETE FROM secret_parts WHERE id IN (100, 200);
SET ROLE regress_rls_app;
SET softdelete.visibility = 'all';
SELECT id FROM secret_part;
SELECT id FROM secret_part2;
SELECT id FROM secret_part3;
SELECT id FROM secret_parts;
RESET softdelete.visibility;
SET ROLE regress_rls_owner;
ALTER TABLE secret_parts DETACH PARTITION secret_part3;
SELECT * FROM row_security WHERE relation::text LIKE 'secret_part%' ORDER BY relation::text;

-- A tenant's policies are never widened: they are ANDed with ours, and the table gets no policy that permits.
CREATE TABLE notes (id int PRIMARY KEY, tenant name DEFAULT current_user, body text);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes USING (tenant = current_user);
SELECT object, action FROM softdelete.register('notes', visibility => 'rls', admin_roles => '{regress_rls_support}')
    WHERE object ~ 'policy|row sec';
INSERT INTO notes VALUES (1, 'regress_rls_app'), (2, 'regress_rls_support'), (3, 'regress_rls_app');
SET ROLE regress_rls_app;
UPDATE notes SET deleted_at = now();
SELECT id FROM notes;
UPDATE notes SET deleted_at = NULL;
SELECT id FROM notes;
SELECT softdelete.restore('notes', 2); -- fails
UPDATE notes SET tenant = 'regress_rls_support' WHERE id = 1; -- fails
DELETE FROM notes;
SET ROLE regress_rls_support;
SELECT id FROM all_notes;
DELETE FROM notes;
SELECT id FROM all_notes;
SET ROLE regress_rls_owner;

-- The tenant's policies stay when visibility changes, and when the table is unregistered.
SELECT object, action FROM softdelete.configure('notes', visibility => 'filter') WHERE object ~ 'policy|row sec';
SELECT * FROM row_security WHERE relation = 'notes'::regclass;
SELECT object, action FROM softdelete.configure('notes', visibility => 'rls') WHERE object ~ 'policy|row sec';
SELECT object, action FROM softdelete.unregister('notes', 'purge') WHERE object ~ 'policy|row sec';
SELECT * FROM row_security WHERE relation = 'notes'::regclass;

-- Row security that nobody has a policy for denies everything, and goes on doing so.
CREATE TABLE closed (id int PRIMARY KEY);
ALTER TABLE closed ENABLE ROW LEVEL SECURITY;
INSERT INTO closed VALUES (1);
SELECT object, action FROM softdelete.register('closed', visibility => 'rls') WHERE object ~ 'policy|row sec';
SET ROLE regress_rls_app;
SELECT * FROM closed;
SET ROLE regress_rls_owner;
SELECT object, action FROM softdelete.unregister('closed') WHERE object ~ 'policy|row sec';
SELECT * FROM row_security WHERE relation = 'closed'::regclass;

-- Policies that are not in force would be by registration: that is for the owner to decide.
CREATE TABLE asleep (id int PRIMARY KEY);
CREATE POLICY any_row ON asleep USING (id > 1);
SELECT * FROM softdelete.register('asleep', visibility => 'rls'); -- fails
SELECT * FROM softdelete.plan('asleep', visibility => 'rls'); -- fails
SELECT count(*) > 0 AS registered FROM softdelete.register('asleep');
SELECT * FROM softdelete.configure('asleep', visibility => 'rls'); -- fails
DROP POLICY any_row ON asleep;
CREATE POLICY softdelete_live ON asleep USING (true);
SELECT * FROM softdelete.configure('asleep', visibility => 'rls'); -- fails
DROP TABLE asleep;

-- Our permissive policy goes in the transaction that brings one of the user's, and comes back after the last of them;
-- it stays beside one that restricts. Then, and where the owner enables row security himself, PostgreSQL's own rules hold.
CREATE TABLE tasks (id int PRIMARY KEY);
INSERT INTO tasks VALUES (1), (2), (3);
SELECT count(*) > 0 AS registered FROM softdelete.register('tasks', visibility => 'rls');
SELECT * FROM row_security WHERE relation = 'tasks'::regclass;
BEGIN;
CREATE POLICY few ON tasks FOR SELECT USING (id < 2);
SET LOCAL ROLE regress_rls_app;
SELECT * FROM tasks;
SET ROLE regress_rls_owner;
SELECT * FROM row_security WHERE relation = 'tasks'::regclass;
ROLLBACK;
SELECT * FROM row_security WHERE relation = 'tasks'::regclass;
CREATE POLICY few ON tasks FOR SELECT USING (id < 2);
DROP POLICY few ON tasks;
SELECT * FROM row_security WHERE relation = 'tasks'::regclass;
CREATE POLICY fewer ON tasks AS RESTRICTIVE USING (id < 3);
SELECT * FROM row_security WHERE relation = 'tasks'::regclass;
DROP POLICY fewer ON tasks;
ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
SELECT * FROM row_security WHERE relation = 'tasks'::regclass;
CREATE POLICY few ON tasks FOR SELECT USING (id < 2);
ALTER TABLE tasks DISABLE ROW LEVEL SECURITY; -- fails
DROP POLICY few ON tasks;
ALTER TABLE tasks DISABLE ROW LEVEL SECURITY;
SELECT * FROM row_security WHERE relation = 'tasks'::regclass;

-- Nobody takes or changes our policies alone, nor makes any under their names.
DROP POLICY softdelete_live ON tasks; -- fails
DROP POLICY softdelete_default ON tasks; -- fails
ALTER POLICY softdelete_live ON tasks USING (true); -- fails
ALTER POLICY softdelete_default ON tasks RENAME TO mine; -- fails
CREATE POLICY few ON tasks FOR SELECT USING (id < 2);
CREATE POLICY softdelete_default ON tasks USING (true); -- fails
ALTER POLICY few ON tasks RENAME TO softdelete_default; -- fails
DROP POLICY few ON tasks;

-- unregister leaves row security as the owner has it. Policies that only restrict would hide everything without ours.
SELECT object, action FROM softdelete.unregister('tasks') WHERE object ~ 'policy|row sec';
SELECT * FROM row_security WHERE relation = 'tasks'::regclass;
SELECT count(*) > 0 AS registered FROM softdelete.register('tasks', visibility => 'rls');
CREATE POLICY few ON tasks USING (id < 2);
SELECT object, action FROM softdelete.unregister('tasks') WHERE object ~ 'policy|row sec';
SELECT * FROM row_security WHERE relation = 'tasks'::regclass;
DROP POLICY few ON tasks;
ALTER TABLE tasks DISABLE ROW LEVEL SECURITY;
SELECT count(*) > 0 AS registered FROM softdelete.register('tasks', visibility => 'rls');
CREATE POLICY fewer ON tasks AS RESTRICTIVE USING (id < 3);
SELECT object, action, command FROM softdelete.unregister('tasks') WHERE object ~ 'policy|row sec';
SELECT * FROM row_security WHERE relation = 'tasks'::regclass;

-- Foreign keys see every row: a cascade under rls, and a parent that its reader may not see.
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('parents', visibility => 'rls', cascade => true);
INSERT INTO parents VALUES (1), (2);
INSERT INTO children VALUES (1, 1), (2, 2);
SET ROLE regress_rls_app;
DELETE FROM parents WHERE id = 1;
SELECT * FROM children WHERE softdelete.include_deleted(deleted_at);
INSERT INTO children VALUES (3, 1); -- fails
SELECT softdelete.restore('parents', 1);
SELECT id FROM children;
SET ROLE regress_rls_owner;

-- A view is read as its owner, but his right to see deleted rows is not the reader's, whatever he sets. A view that asks for
-- them shows them: so its owner wants it.
CREATE TABLE invoices (id int PRIMARY KEY, name text);
SELECT count(*) > 0 AS registered FROM softdelete.register('invoices', visibility => 'rls');
INSERT INTO invoices VALUES (1, 'a'), (2, 'b');
CREATE VIEW plain_view AS SELECT * FROM invoices;
CREATE VIEW barrier_view WITH (security_barrier) AS SELECT * FROM plain_view WHERE id > 0;
CREATE VIEW joined_view AS SELECT i.id, i.name FROM invoices i LEFT JOIN invoices j USING (id);
CREATE VIEW shown_view AS SELECT * FROM invoices WHERE deleted_at IS NOT NULL;
CREATE TABLE through_rule (id int);
CREATE RULE rows_of AS ON INSERT TO through_rule DO INSTEAD SELECT i.id FROM invoices i;
GRANT SELECT, INSERT, UPDATE, DELETE ON plain_view, barrier_view, joined_view, shown_view, through_rule TO regress_rls_app;
DELETE FROM invoices WHERE id = 1;
SET ROLE regress_rls_app;
SELECT setting, v.name, n.row_security, string_agg(r.id, ',' ORDER BY r.id) AS rows
FROM unnest('{active,all,deleted}'::text[]) setting CROSS JOIN (VALUES ('on'), ('off')) n (row_security)
CROSS JOIN (VALUES ('plain_view'), ('barrier_view'), ('joined_view'), ('shown_view')) v (name)
CROSS JOIN LATERAL (SELECT set_config('softdelete.visibility', setting, true) || set_config('row_security', n.row_security, true) OFFSET 0) s (done)
CROSS JOIN LATERAL (SELECT (xpath('//id/text()', x))[1]::text AS id FROM unnest(xpath('//row', query_to_xml(
    format('SELECT id FROM %I WHERE %L <> %L', v.name, s.done, ''), false, false, ''))) x) r
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SET softdelete.visibility = 'all';
INSERT INTO through_rule VALUES (1);
UPDATE plain_view SET name = 'seen' RETURNING id;
RESET softdelete.visibility;
SET ROLE regress_rls_owner;
DROP TABLE invoices, through_rule CASCADE;

-- What event triggers missed is mended.
RESET ROLE;
ALTER EVENT TRIGGER softdelete_sql_drop DISABLE;
DROP POLICY softdelete_live ON regress_rls.orders;
ALTER EVENT TRIGGER softdelete_sql_drop ENABLE ALWAYS;
SET ROLE regress_rls_owner;
SELECT object, action FROM softdelete.repair('orders');

-- Dropping a table drops its policies with it.
DROP TABLE orders, children;
RESET ROLE;
SELECT count(*) FROM softdelete_internal.secured_table WHERE relation::oid NOT IN (SELECT oid FROM pg_class);
\set VERBOSITY terse
SET client_min_messages = warning;
DROP SCHEMA regress_rls CASCADE;
SELECT count(*) FROM softdelete_internal.secured_table WHERE relation::oid NOT IN (SELECT oid FROM pg_class);
DROP OWNED BY regress_rls_app;
DROP ROLE regress_rls_owner, regress_rls_app, regress_rls_support, regress_rls_helper, regress_rls_bypass;
