-- check() over many tables of several owners finds for each of them what it finds when that table is named: questions that it
-- asks about many tables at once have the answers of one.
CREATE ROLE regress_check_many_a;
CREATE ROLE regress_check_many_b;
CREATE ROLE regress_check_many_monitor IN ROLE pg_monitor;
SELECT current_user AS superuser \gset
CREATE SCHEMA regress_check_many;
GRANT CREATE, USAGE ON SCHEMA regress_check_many TO regress_check_many_a, regress_check_many_b;
GRANT USAGE ON SCHEMA regress_check_many TO regress_check_many_monitor;
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on

-- Forty tables of one owner, fifteen of another among them: roots and children in turn, odd names, partitions, archives, histories.
CREATE FUNCTION regress_check_many.make_tables(numbers int[]) RETURNS void LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE
    number int;
    root text;
BEGIN
    FOREACH number IN ARRAY numbers LOOP
        CASE number % 5
        WHEN 0 THEN
            root := format('regress_check_many.%I', 'Root ' || number);
            EXECUTE format('CREATE TABLE %s (id int PRIMARY KEY, code text UNIQUE)', root);
            PERFORM softdelete.register(root, retention => '1 year');
        WHEN 1 THEN
            EXECUTE format('CREATE TABLE regress_check_many.t%s (id text PRIMARY KEY, r int REFERENCES %s ON DELETE CASCADE)', number, root);
            EXECUTE format('CREATE INDEX ON regress_check_many.t%s (r)', number);
            PERFORM softdelete.register(format('regress_check_many.t%s', number)::regclass);
        WHEN 2 THEN
            EXECUTE format('CREATE TABLE regress_check_many.t%s (id int, note text, PRIMARY KEY (id)) PARTITION BY RANGE (id)', number);
            EXECUTE format('CREATE TABLE regress_check_many.t%s_1 PARTITION OF regress_check_many.t%1$s DEFAULT', number);
            PERFORM softdelete.register(format('regress_check_many.t%s', number)::regclass, visibility => 'rls');
        WHEN 3 THEN
            EXECUTE format('CREATE TABLE regress_check_many.t%s (id int PRIMARY KEY, note text)', number);
            PERFORM softdelete.register(format('regress_check_many.t%s', number)::regclass, strategy => 'archive');
        ELSE
            EXECUTE format('CREATE TABLE regress_check_many.t%s (id int PRIMARY KEY, note text)', number);
            PERFORM softdelete.register(format('regress_check_many.t%s', number)::regclass, visibility => 'view');
            PERFORM softdelete.track_history(format('regress_check_many.t%s', number)::regclass);
        END CASE;
    END LOOP;
END $$;
SET SESSION AUTHORIZATION regress_check_many_a;
SELECT regress_check_many.make_tables(ARRAY(SELECT generate_series(100, 119)));
SET SESSION AUTHORIZATION regress_check_many_b;
SELECT regress_check_many.make_tables(ARRAY(SELECT generate_series(200, 214)));
SET SESSION AUTHORIZATION regress_check_many_a;
SELECT regress_check_many.make_tables(ARRAY(SELECT generate_series(300, 319)));

-- Damage of many sorts, unseen.
SET SESSION AUTHORIZATION :"superuser";
ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE;
ALTER EVENT TRIGGER softdelete_ddl_command_end DISABLE;
ALTER EVENT TRIGGER softdelete_sql_drop DISABLE;
SET search_path = regress_check_many;
DROP INDEX "Root 105_deleted_at_idx";
DROP VIEW "deleted_Root 110";
DROP TRIGGER softdelete_update ON t101;
ALTER TABLE t106 DISABLE TRIGGER ALL;
DROP POLICY softdelete_live ON t107;
DROP TRIGGER softdelete_marker ON t202;
ALTER TABLE t203 ADD COLUMN more int;
DROP VIEW active_t208;
ALTER TABLE t303 DISABLE TRIGGER ALL;
DROP TRIGGER softdelete_history ON t304;
ALTER TABLE t309 OWNER TO regress_check_many_b;
DROP TABLE t313_archive CASCADE;
CREATE INDEX whole ON "Root 310" (code);
CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER stop BEFORE UPDATE OR DELETE ON t311 FOR EACH ROW EXECUTE FUNCTION stop();
ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS;
ALTER EVENT TRIGGER softdelete_ddl_command_end ENABLE ALWAYS;
ALTER EVENT TRIGGER softdelete_sql_drop ENABLE ALWAYS;
RESET search_path;

-- Everybody who may look: the monitor, and each owner.
CREATE FUNCTION regress_check_many.compare() RETURNS TABLE (difference text, severity text, code text, relation regclass, object text)
    LANGUAGE sql SET client_min_messages = error AS $$
    WITH tables (relation) AS MATERIALIZED (
        SELECT t.relation FROM softdelete.tables t JOIN pg_class c ON c.oid = t.relation
        WHERE c.relnamespace = 'regress_check_many'::regnamespace
          AND (pg_has_role(c.relowner, 'USAGE') OR pg_has_role('pg_monitor', 'USAGE'))),
    at_once AS MATERIALIZED (SELECT c.* FROM softdelete.check() c WHERE c.relation IN (SELECT relation FROM tables)),
    one_by_one AS MATERIALIZED (SELECT c.* FROM tables t CROSS JOIN LATERAL softdelete.check(t.relation) c WHERE c.relation = t.relation)
    SELECT 'at once only', d.severity, d.code, d.relation, d.object FROM (TABLE at_once EXCEPT ALL TABLE one_by_one) d
    UNION ALL SELECT 'one by one only', d.severity, d.code, d.relation, d.object FROM (TABLE one_by_one EXCEPT ALL TABLE at_once) d
    UNION ALL SELECT 'nothing was found', NULL, NULL, NULL, NULL WHERE (SELECT count(*) < 15 FROM at_once)
    ORDER BY 1, 3, 4, 5 $$;
SET SESSION AUTHORIZATION regress_check_many_monitor;
SELECT * FROM regress_check_many.compare();
SELECT severity, code, count(*) FROM softdelete.check() WHERE relation::text ~ '^regress_check_many' GROUP BY severity, code ORDER BY 1, 2;
SET SESSION AUTHORIZATION regress_check_many_a;
SELECT * FROM regress_check_many.compare();
SET SESSION AUTHORIZATION regress_check_many_b;
SELECT * FROM regress_check_many.compare();

SET SESSION AUTHORIZATION :"superuser";
SET client_min_messages = error;
DROP SCHEMA regress_check_many CASCADE;
DROP ROLE regress_check_many_a, regress_check_many_b, regress_check_many_monitor;
