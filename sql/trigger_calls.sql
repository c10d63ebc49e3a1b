-- Trigger functions believe nothing: each of them, attached in every way that PostgreSQL allows, to tables of every kind
-- and by a role that owns nothing else, does its work or says in an error of its own class that it is not called as it
-- should be. The functions are found in the catalog, so that later ones are attached as well.
\set VERBOSITY terse
SET client_min_messages = error;
CREATE ROLE regress_liar;
CREATE SCHEMA regress_lies AUTHORIZATION regress_liar;
CREATE FOREIGN DATA WRAPPER regress_nowhere;
CREATE SERVER regress_nowhere FOREIGN DATA WRAPPER regress_nowhere;
GRANT USAGE ON FOREIGN SERVER regress_nowhere TO regress_liar;
GRANT USAGE ON SCHEMA softdelete_internal TO regress_liar;
SET SESSION AUTHORIZATION regress_liar;
SET search_path = regress_lies;

-- Tables that are registered or not, partitioned or not, that reference and are referenced; a view, a foreign table and a
-- temporary one.
CREATE TABLE bare (id int PRIMARY KEY, up int, deleted_at timestamptz, deletion_id bigint);
CREATE TABLE parent (id int PRIMARY KEY, up int, deleted_at timestamptz);
CREATE TABLE child (id int PRIMARY KEY, up int REFERENCES parent ON DELETE CASCADE, deleted_at timestamptz);
CREATE TABLE loose (id int PRIMARY KEY, up int REFERENCES parent DEFERRABLE, deleted_at timestamptz);
CREATE TABLE parted (id int PRIMARY KEY, up int, deleted_at timestamptz) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1000);
CREATE TABLE unparted (id int, up int, deleted_at timestamptz) PARTITION BY RANGE (id);
CREATE TABLE unparted_1 PARTITION OF unparted DEFAULT;
CREATE VIEW seen AS SELECT * FROM bare;
CREATE FOREIGN TABLE far (id int, up int, deleted_at timestamptz) SERVER regress_nowhere;
CREATE TEMPORARY TABLE brief (id int PRIMARY KEY, up int, deleted_at timestamptz);
CREATE INDEX ON child (up);
CREATE INDEX ON loose (up);
SELECT count(*) > 0 AS registered FROM softdelete.register('parent', cascade => true);
SELECT count(*) > 0 AS registered FROM softdelete.register('parted');
INSERT INTO parent (id) SELECT generate_series(1, 3);

-- Statements that make every kind of event, and the rows that they leave where no trigger is in their way.
CREATE TABLE statements (place int GENERATED ALWAYS AS IDENTITY, command text, rows bigint);
INSERT INTO statements (command, rows) VALUES
    ('INSERT INTO %1$s (id, up) VALUES (14, 1), (16, NULL)', 2),
    ('UPDATE %1$s SET up = 2 WHERE id IN (11, 12)', 2),
    ('UPDATE %1$s SET deleted_at = now() WHERE id = 11', 1),
    ('UPDATE %1$s SET id = id + 10 WHERE id = 12', 1),
    ('INSERT INTO %1$s (id, up, deleted_at) VALUES (15, 1, now())', 1),
    ('DELETE FROM %1$s WHERE id = 13', 1),
    ('TRUNCATE %1$s CASCADE', 0);

CREATE TEMPORARY TABLE outcomes (function text, relation text, shape text, statement text, sqlstate text, message text);

-- The name that a function's own trigger has.
CREATE FUNCTION own_name(function text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE substring(function FROM '[a-z_]+$') WHEN 'on_delete' THEN 'softdelete_marker' WHEN 'on_truncate' THEN 'softdelete_truncate'
        WHEN 'on_update' THEN 'softdelete_update' WHEN 'check_written' THEN 'softdelete_written' WHEN 'lock_row' THEN 'softdelete_lock' WHEN 'collect_deleted' THEN 'softdelete_collect'
        WHEN 'check_children' THEN 'softdelete_children_x' WHEN 'check_parent' THEN 'softdelete_parent_x'
        WHEN 'on_own_table' THEN 'softdelete_own_table' WHEN 'on_archived_delete' THEN 'softdelete_archive' WHEN 'on_applied_removal' THEN 'softdelete_applied' ELSE 'liar' END $$;

-- Attaches the trigger that the command creates and fires it; everything is taken back. A statement that neither fails nor
-- writes its rows is one that a trigger swallowed.
CREATE PROCEDURE attach(function text, relation text, shape text, command text) LANGUAGE plpgsql AS $$
DECLARE
    statement record;
    written bigint;
    seen outcomes[] := '{}';
BEGIN
    BEGIN
        IF relation <> 'far' THEN
            EXECUTE format('INSERT INTO %1$s (id, up) VALUES (11, 1), (12, 1), (13, NULL)', relation);
        END IF;
        EXECUTE command;
        FOR statement IN SELECT * FROM statements ORDER BY place LOOP
            BEGIN
                EXECUTE format(statement.command, relation);
                GET DIAGNOSTICS written = ROW_COUNT;
                SET CONSTRAINTS ALL IMMEDIATE;
                IF written < statement.rows AND relation NOT IN ('seen', 'far') THEN
                    seen := seen || ROW(function, relation, shape, statement.command, 'lost', '')::outcomes;
                ELSE
                    seen := seen || ROW(function, relation, shape, statement.command, '00000', '')::outcomes;
                END IF;
            EXCEPTION WHEN OTHERS THEN
                seen := seen || ROW(function, relation, shape, statement.command, SQLSTATE, SQLERRM)::outcomes;
            END;
        END LOOP;
        RAISE EXCEPTION USING ERRCODE = 'ZZ000';
    EXCEPTION
        WHEN SQLSTATE 'ZZ000' THEN
            NULL;
        WHEN OTHERS THEN
            seen := ARRAY[ROW(function, relation, shape, 'CREATE TRIGGER', SQLSTATE, SQLERRM)::outcomes];
    END;
    INSERT INTO outcomes SELECT * FROM unnest(seen);
END$$;

CREATE FUNCTION find_functions(result regtype) RETURNS SETOF regproc LANGUAGE sql AS $$
    SELECT p.oid::regproc FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'softdelete'
    WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND p.prorettype = result
    ORDER BY p.proname $$;

CREATE PROCEDURE attach_all() LANGUAGE plpgsql AS $$
DECLARE
    function regproc;
    relation text;
    arguments text;
    shape text;
    condition text;
BEGIN
    FOR function IN SELECT find_functions('trigger') LOOP
        FOREACH relation IN ARRAY ARRAY['bare', 'parent', 'child', 'loose', 'parted', 'parted_1', 'unparted', 'unparted_1',
                                        'seen', 'far', 'brief'] LOOP
            FOREACH arguments IN ARRAY ARRAY['', '''child_up_fkey''', '''deleted_at'', '''', ''filter''',
                                             '''nosuch'', '''', '''', ''x'''] LOOP
                FOREACH shape IN ARRAY ARRAY[
                    'TRIGGER %1$s BEFORE INSERT OR UPDATE OR DELETE ON %2$s FOR EACH ROW %3$s',
                    'TRIGGER %1$s BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %2$s FOR EACH STATEMENT %3$s',
                    'TRIGGER %1$s AFTER INSERT OR UPDATE OR DELETE ON %2$s FOR EACH ROW %3$s',
                    'TRIGGER %1$s AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %2$s FOR EACH STATEMENT %3$s',
                    'TRIGGER %1$s INSTEAD OF INSERT OR UPDATE OR DELETE ON %2$s FOR EACH ROW %3$s',
                    'CONSTRAINT TRIGGER %1$s AFTER INSERT OR UPDATE OR DELETE ON %2$s DEFERRABLE INITIALLY DEFERRED FOR EACH ROW %3$s',
                    'CONSTRAINT TRIGGER %1$s AFTER INSERT OR UPDATE OR DELETE ON %2$s FROM parent FOR EACH ROW %3$s',
                    'TRIGGER %1$s AFTER UPDATE ON %2$s REFERENCING NEW TABLE AS n OLD TABLE AS o FOR EACH STATEMENT %3$s',
                    'TRIGGER %1$s AFTER INSERT ON %2$s REFERENCING NEW TABLE AS n FOR EACH ROW %3$s',
                    'TRIGGER %1$s BEFORE UPDATE OF up ON %2$s FOR EACH ROW %3$s'] LOOP
                    FOREACH condition IN ARRAY ARRAY['', 'WHEN (pg_trigger_depth() >= 0)'] LOOP
                        CONTINUE WHEN condition <> '' AND arguments <> '';
                        CALL attach(function::text, relation, shape || arguments || condition,
                                    format('CREATE ' || shape || ' EXECUTE FUNCTION %4$s(%5$s)', CASE WHEN condition = '' THEN own_name(function::text) ELSE 'liar' END,
                                           relation, condition,
                                           function, arguments));
                    END LOOP;
                END LOOP;
            END LOOP;
        END LOOP;
    END LOOP;
END$$;
CALL attach_all();

-- Each function was attached somewhere, and each one complained of how it was called.
SELECT f::text AS function, count(*) FILTER (WHERE statement <> 'CREATE TRIGGER') > 0 AS attached,
       count(*) FILTER (WHERE sqlstate = '39P01') > 0 AS complained
    FROM find_functions('trigger') f LEFT JOIN outcomes o ON o.function = f::text GROUP BY f ORDER BY 1;

-- No error is an internal one, and no row is lost without a word.
SELECT function, relation, shape, statement, sqlstate, message, count(*) FROM outcomes
    WHERE sqlstate LIKE 'XX%' OR sqlstate = 'lost' GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6 LIMIT 20;
SELECT DISTINCT function, sqlstate FROM outcomes
    WHERE sqlstate !~ '^(00000|39P01|2[23]...|42...|55000|0A000)$' ORDER BY 1, 2;

-- Called without a trigger they say so.
SELECT softdelete_internal.on_delete(); -- fails
RESET SESSION AUTHORIZATION;

-- Functions of event triggers, on every event and for commands of every kind.
CREATE TABLE commands (command text);
INSERT INTO commands VALUES
    ('CREATE TABLE x (id int PRIMARY KEY)'), ('ALTER TABLE bare ALTER id TYPE bigint'), ('ALTER TABLE parent ADD x int DEFAULT random()'),
    ('DROP TABLE bare'), ('DROP VIEW seen'), ('CREATE INDEX ON parent (up)'), ('DROP INDEX child_up_idx'),
    ('ALTER INDEX child_up_idx RENAME TO y'), ('CREATE SCHEMA x CREATE TABLE y (id int) CREATE VIEW z AS SELECT 1'),
    ('DROP SCHEMA regress_lies CASCADE'), ('DROP OWNED BY regress_liar'), ('CREATE FUNCTION x() RETURNS int LANGUAGE sql AS $$SELECT 1$$'),
    ('CREATE TYPE x AS ENUM (''a'')'), ('CREATE DOMAIN x AS int'), ('COMMENT ON TABLE parent IS ''x'''),
    ('COMMENT ON SCHEMA regress_lies IS ''x'''), ('COMMENT ON CONSTRAINT child_up_fkey ON child IS ''x'''), ('GRANT SELECT ON parent TO PUBLIC'),
    ('CREATE RULE x AS ON INSERT TO bare DO ALSO NOTHING'), ('CREATE POLICY x ON parent'),
    ('CREATE TRIGGER x BEFORE INSERT ON parent EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
    ('CREATE VIEW x AS SELECT * FROM parent'), ('CREATE OR REPLACE VIEW seen AS SELECT * FROM bare'),
    ('CREATE MATERIALIZED VIEW x AS SELECT * FROM parent'), ('CREATE TABLE x AS SELECT * FROM parent'),
    ('CREATE TABLE x () INHERITS (parent)'), ('CREATE TABLE x PARTITION OF parted DEFAULT'),
    ('ALTER TABLE parted DETACH PARTITION parted_1'), ('CREATE SEQUENCE x'), ('ALTER EXTENSION softdelete UPDATE'),
    ('ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC'), ('CREATE STATISTICS x ON id, up FROM parent'),
    ('ALTER TRIGGER softdelete_marker ON parent DEPENDS ON EXTENSION softdelete'), ('REFRESH MATERIALIZED VIEW nosuch'),
    ('DROP EXTENSION softdelete CASCADE');

CREATE PROCEDURE fire_all() LANGUAGE plpgsql AS $$
DECLARE
    function regproc;
    event text;
    command text;
BEGIN
    FOR function IN SELECT find_functions('event_trigger') LOOP
        FOREACH event IN ARRAY ARRAY['ddl_command_start', 'ddl_command_end', 'sql_drop', 'table_rewrite'] LOOP
            FOR command IN SELECT c.command FROM commands c LOOP
                BEGIN
                    EXECUTE format('CREATE EVENT TRIGGER liar ON %s EXECUTE FUNCTION %s()', event, function);
                    EXECUTE command;
                    RAISE EXCEPTION USING ERRCODE = 'ZZ000';
                EXCEPTION
                    WHEN SQLSTATE 'ZZ000' THEN
                        INSERT INTO outcomes VALUES (function, event, '', command, '00000', '');
                    WHEN OTHERS THEN
                        INSERT INTO outcomes VALUES (function, event, '', command, SQLSTATE, SQLERRM);
                END;
            END LOOP;
        END LOOP;
    END LOOP;
END$$;
CALL fire_all();
SELECT f::text AS function, count(*) FILTER (WHERE sqlstate = '00000') > 0 AS worked, count(*) FILTER (WHERE sqlstate = '39P03') > 0 AS complained
    FROM find_functions('event_trigger') f LEFT JOIN outcomes o ON o.function = f::text GROUP BY f ORDER BY 1;
SELECT function, relation AS event, statement, sqlstate, message FROM outcomes WHERE sqlstate LIKE 'XX%' ORDER BY 1, 2, 3 LIMIT 20;
SELECT softdelete_internal.on_sql_drop(); -- fails
DROP SERVER regress_nowhere CASCADE;
DROP FOREIGN DATA WRAPPER regress_nowhere;
DROP SCHEMA regress_lies CASCADE;
DROP OWNED BY regress_liar;
DROP ROLE regress_liar;
