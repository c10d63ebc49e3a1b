-- RESTRICT and NO ACTION refuse the soft delete of a parent with live children, in the server's own words: each statement
-- runs against registered tables and against twins of them, where rows go physically.
CREATE ROLE regress_refuse;
CREATE SCHEMA regress_refuse AUTHORIZATION regress_refuse;
CREATE SCHEMA regress_refuse_twin AUTHORIZATION regress_refuse;
SET SESSION AUTHORIZATION regress_refuse;
\set QUIET off

-- The same tables in both schemas.
CREATE FUNCTION regress_refuse.make_tables() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE p (id int PRIMARY KEY, name text);
    CREATE TABLE c_restrict (id int PRIMARY KEY, p int REFERENCES p ON DELETE RESTRICT);
    CREATE TABLE c_action (id int PRIMARY KEY, p int REFERENCES p);
    CREATE TABLE c_deferrable (id int PRIMARY KEY, p int REFERENCES p DEFERRABLE);
    CREATE TABLE c_deferred (id int PRIMARY KEY, p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE c_restrict_deferred (id int PRIMARY KEY, p int REFERENCES p ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE "P 2" ("A" int, "b b" text, PRIMARY KEY ("A", "b b"));
    CREATE TABLE "C 2" (id int PRIMARY KEY, x int, "Y" text, CONSTRAINT "C's key" FOREIGN KEY (x, "Y") REFERENCES "P 2");
    INSERT INTO p SELECT g FROM generate_series(1, 20) g;
    INSERT INTO c_restrict VALUES (1, 1), (2, 8);
    INSERT INTO c_action VALUES (1, 2), (2, 7);
    INSERT INTO c_deferrable VALUES (1, 3), (2, 6);
    INSERT INTO c_deferred VALUES (1, 4);
    INSERT INTO c_restrict_deferred VALUES (1, 5);
    INSERT INTO "P 2" VALUES (1, 'it''s'), (2, 'z');
    INSERT INTO "C 2" VALUES (1, 1, 'it''s'), (2, 2, NULL);
END $$;
SET search_path = regress_refuse_twin;
SELECT regress_refuse.make_tables();
SET search_path = regress_refuse;
SELECT make_tables();
SELECT count(*) > 0 AS registered FROM unnest(ARRAY['p', 'c_restrict', 'c_action', 'c_deferrable', 'c_deferred',
    'c_restrict_deferred', '"P 2"', '"C 2"']::regclass[]) t,
    LATERAL softdelete.register(t);

-- What a statement answers, in each of the two schemas: one line if that is the same.
CREATE FUNCTION run(statement text, schema text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    m text; d text; h text; t text; c text; s text; count bigint;
BEGIN
    EXECUTE format('SET LOCAL search_path = %I', schema);
    EXECUTE statement;
    GET DIAGNOSTICS count = ROW_COUNT;
    SET CONSTRAINTS ALL IMMEDIATE;
    SET CONSTRAINTS ALL DEFERRED;
    RETURN count || ' rows';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT, t = TABLE_NAME, c = CONSTRAINT_NAME,
        s = SCHEMA_NAME;
    RETURN concat_ws(E'\n', SQLSTATE || ': ' || m, nullif(d, ''), nullif(h, ''), 'table ' || t || ', constraint ' || c,
                     'in its schema: ' || (s = schema));
END $$;
CREATE FUNCTION compare(statement text) RETURNS SETOF text LANGUAGE sql VOLATILE AS $$
    SELECT DISTINCT regress_refuse.run(statement, s) FROM unnest('{regress_refuse,regress_refuse_twin}'::text[]) s
$$;

-- One refusal per kind of key, with its message, DETAIL, SQLSTATE and names.
SELECT compare('DELETE FROM p WHERE id = 1');
SELECT compare('DELETE FROM p WHERE id = 2');
SELECT compare('DELETE FROM p WHERE id = 3');
SELECT compare('DELETE FROM p WHERE id = 4');
SELECT compare('DELETE FROM p WHERE id = 5');
SELECT compare('DELETE FROM "P 2" WHERE "A" = 1');
SELECT compare('DELETE FROM "P 2" WHERE "A" = 2');
SELECT compare('DELETE FROM p WHERE id = 10');

-- A statement that deletes many rows is refused for one of them, and nothing of it stays.
SELECT compare('DELETE FROM p WHERE id IN (11, 2, 12)');
SELECT count(*) FROM p;

-- A referencing row that goes in the same statement holds nobody back.
SELECT compare('WITH c AS (DELETE FROM c_action WHERE p = 2) DELETE FROM p WHERE id = 2');
SELECT compare('WITH c AS (DELETE FROM c_deferrable WHERE p = 6) DELETE FROM p WHERE id = 6');

SELECT compare('WITH c AS (DELETE FROM c_restrict WHERE p = 8) DELETE FROM p WHERE id = 8');

-- A soft delete by UPDATE is refused alike, as by MERGE.
UPDATE p SET deleted_at = now() WHERE id = 1; -- fails
MERGE INTO p USING (VALUES (1)) v (id) ON p.id = v.id WHEN MATCHED THEN DELETE; -- fails
SELECT softdelete.delete('p', 1); -- fails

-- A deleted child holds nobody back.
DELETE FROM c_restrict;
DELETE FROM p WHERE id = 1;

-- NO ACTION is asked after the statement with its cascades: a table that references by two ways, and itself.
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree, top int REFERENCES tree ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('tree');
INSERT INTO tree VALUES (1, NULL, NULL), (2, 1, 1), (3, 2, 1), (4, 3, 2), (5, NULL, NULL), (6, 5, NULL);
DELETE FROM tree WHERE id = 1;
SELECT id FROM tree ORDER BY id;
DELETE FROM tree WHERE id = 5; -- fails
DELETE FROM tree WHERE id IN (5, 6);
SELECT id FROM tree;

-- A deferrable one that is not deferred is asked then, too.
CREATE TABLE dtree (id int PRIMARY KEY, up int REFERENCES dtree DEFERRABLE, top int REFERENCES dtree ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('dtree');
INSERT INTO dtree VALUES (1, NULL, NULL), (2, 1, 1), (3, 2, 1), (5, NULL, NULL), (6, 5, NULL);
DELETE FROM dtree WHERE id = 1;
DELETE FROM dtree WHERE id = 5; -- fails
SELECT id FROM dtree ORDER BY id;

-- RESTRICT deep in the tree refuses the whole.
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE);
CREATE TABLE c (id int PRIMARY KEY, b int REFERENCES b ON DELETE RESTRICT);
SELECT count(*) > 0 AS registered FROM unnest('{a,b,c}'::regclass[]) t, LATERAL softdelete.register(t);
INSERT INTO a VALUES (1), (2);
INSERT INTO b VALUES (1, 1), (2, 2);
INSERT INTO c VALUES (1, 2);
DELETE FROM a; -- fails
SELECT (SELECT count(*) FROM a) AS a, (SELECT count(*) FROM b) AS b, (SELECT count(*) FROM softdelete.deletions
    WHERE relation = 'a'::regclass) AS deletions;
DELETE FROM a WHERE id = 1;

-- RESTRICT asks about what is left when its turn comes, as it does natively: a child that has gone by another key holds
-- nobody back. Twins again; the keys of the second family came in the other order. Preview knows it beforehand.
CREATE FUNCTION make_family(x text, first text, second text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE tenants_%1$s (id int PRIMARY KEY);
        CREATE TABLE users_%1$s (id int PRIMARY KEY, tenant int REFERENCES tenants_%1$s ON DELETE CASCADE);
        CREATE TABLE projects_%1$s (id int PRIMARY KEY, tenant int REFERENCES tenants_%1$s ON DELETE CASCADE);
        CREATE TABLE tasks_%1$s (id int PRIMARY KEY, tenant int, project int, owner int);
        ALTER TABLE tasks_%1$s ADD FOREIGN KEY %2$s; ALTER TABLE tasks_%1$s ADD FOREIGN KEY %3$s;
        INSERT INTO tenants_%1$s VALUES (1), (2); INSERT INTO users_%1$s VALUES (1, 1), (2, 2);
        INSERT INTO projects_%1$s VALUES (1, 1), (2, 2); INSERT INTO tasks_%1$s VALUES (1, 1, 1, 1)', x, first, second);
END $$;
CREATE FUNCTION make_families() RETURNS void LANGUAGE sql AS $$
    SELECT regress_refuse.make_family(x, CASE WHEN x ~ 'first' THEN r ELSE c END, CASE WHEN x ~ 'first' THEN c ELSE r END)
    FROM (VALUES ('near_first', '(owner) REFERENCES tenants_near_first ON DELETE RESTRICT', '(tenant) REFERENCES tenants_near_first ON DELETE CASCADE'),
                 ('near_last', '(owner) REFERENCES tenants_near_last ON DELETE RESTRICT', '(tenant) REFERENCES tenants_near_last ON DELETE CASCADE'),
                 ('level_first', '(owner) REFERENCES users_level_first ON DELETE RESTRICT', '(tenant) REFERENCES tenants_level_first ON DELETE CASCADE'),
                 ('level_last', '(owner) REFERENCES users_level_last ON DELETE RESTRICT', '(tenant) REFERENCES tenants_level_last ON DELETE CASCADE'),
                 ('far_last', '(owner) REFERENCES tenants_far_last ON DELETE RESTRICT', '(project) REFERENCES projects_far_last ON DELETE CASCADE')) f (x, r, c)
$$;
SET search_path = regress_refuse_twin;
SELECT regress_refuse.make_families() \g /dev/null
SET search_path = regress_refuse;
SELECT make_families() \g /dev/null
SET client_min_messages = error; -- the warnings come in the order of pg_class
SELECT count(*) > 0 AS registered FROM pg_class c, LATERAL softdelete.register(c.oid)
    WHERE relnamespace = 'regress_refuse'::regnamespace AND relkind = 'r' AND relname ~ '_(near|level|far)_';
RESET client_min_messages;
SELECT x, (SELECT bool_or(action = 'refuse') FROM softdelete.preview(('regress_refuse.tenants_' || x)::regclass, 1)) AS refused_by_preview,
    compare(format('DELETE FROM tenants_%s WHERE id = 1', x)) ~ ' rows$' AS deleted
    FROM unnest('{near_first,near_last,level_first,level_last,far_last}'::text[]) x;

-- A deferred key waits for the end of the transaction, or for SET CONSTRAINTS.
BEGIN;
DELETE FROM p WHERE id = 4;
SELECT count(*) FROM p WHERE id = 4;
COMMIT; -- fails
BEGIN;
DELETE FROM p WHERE id = 4;
DELETE FROM c_deferred WHERE p = 4;
COMMIT;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
DELETE FROM p WHERE id = 3;
SET CONSTRAINTS ALL IMMEDIATE; -- fails
ROLLBACK;
BEGIN;
SET CONSTRAINTS c_deferrable_p_fkey DEFERRED;
DELETE FROM p WHERE id = 3;
SET CONSTRAINTS c_deferrable_p_fkey IMMEDIATE; -- fails
ROLLBACK;
BEGIN;
SET CONSTRAINTS c_deferrable_p_fkey DEFERRED;
DELETE FROM p WHERE id = 3;
UPDATE c_deferrable SET p = 9;
COMMIT;
SELECT * FROM p WHERE id = 3;

-- What came back by then, or changed meanwhile, is judged as it is at the end.
INSERT INTO c_deferred VALUES (2, 13);
BEGIN;
DELETE FROM p WHERE id = 13;
SELECT softdelete.restore('p', 13);
COMMIT;
BEGIN;
DELETE FROM p WHERE id = 13;
UPDATE all_p SET name = 'changed since' WHERE id = 13;
COMMIT; -- fails
BEGIN;
DELETE FROM p WHERE id = 13;
SAVEPOINT s;
DELETE FROM c_deferred WHERE id = 2;
ROLLBACK TO s;
COMMIT; -- fails

-- A live child of an unregistered table refuses as well.
CREATE TABLE plain (id int PRIMARY KEY, p int REFERENCES p ON DELETE RESTRICT);
INSERT INTO plain VALUES (1, 14);
DELETE FROM p WHERE id = 14; -- fails
CREATE TABLE plain_deferred (id int PRIMARY KEY, p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);
INSERT INTO plain_deferred VALUES (1, 15);
BEGIN;
DELETE FROM p WHERE id = 15;
COMMIT; -- fails

-- SET NULL and SET DEFAULT keep the link, so that a restore is exact.
CREATE TABLE links (id int PRIMARY KEY, n int REFERENCES p ON DELETE SET NULL, d int DEFAULT 20 REFERENCES p ON DELETE SET DEFAULT);
CREATE TABLE plain_links (id int PRIMARY KEY, n int REFERENCES p ON DELETE SET NULL);
SELECT count(*) > 0 AS registered FROM softdelete.register('links');
INSERT INTO links VALUES (1, 16, 17);
INSERT INTO plain_links VALUES (1, 16);
DELETE FROM p WHERE id IN (16, 17);
SELECT id, n, d FROM links;
SELECT * FROM plain_links;
UPDATE links SET id = 2;
SELECT softdelete.restore('p', 16);
DELETE FROM links;
SELECT softdelete.restore('links', 2);

-- Children in unregistered CASCADE tables stay until their parent is purged.
CREATE TABLE stays (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE);
INSERT INTO stays VALUES (1, 18);
DELETE FROM p WHERE id = 18;
SELECT * FROM stays;

-- The physical delete of an unregistered parent is refused where it would take live rows of a registered table.
CREATE TABLE countries (id int PRIMARY KEY);
CREATE TABLE cities (id int PRIMARY KEY, country int REFERENCES countries ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('cities');
INSERT INTO countries VALUES (1), (2), (3);
INSERT INTO cities VALUES (1, 1), (2, 2);
DELETE FROM countries WHERE id = 1; -- fails
DELETE FROM countries WHERE id = 3;
SELECT (SELECT count(*) FROM countries) AS countries, (SELECT count(*) FROM cities) AS cities;

-- Not so where its rows are deleted and no retention keeps them.
DELETE FROM cities WHERE id = 2;
DELETE FROM countries WHERE id = 2;
SELECT count(*) FROM all_cities;

-- What the reader may not see is not shown.
RESET SESSION AUTHORIZATION;
CREATE ROLE regress_refuse_clerk;
SET SESSION AUTHORIZATION regress_refuse;
GRANT USAGE ON SCHEMA regress_refuse, regress_refuse_twin TO regress_refuse_clerk;
GRANT DELETE, SELECT ("A") ON "P 2", regress_refuse_twin."P 2" TO regress_refuse_clerk;
GRANT DELETE, SELECT ON p, regress_refuse_twin.p TO regress_refuse_clerk;
SET SESSION AUTHORIZATION regress_refuse_clerk;
SELECT compare('DELETE FROM "P 2" WHERE "A" = 1');
SELECT compare('DELETE FROM p WHERE id = 7');

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_refuse, regress_refuse_twin CASCADE;
DROP ROLE regress_refuse, regress_refuse_clerk;
