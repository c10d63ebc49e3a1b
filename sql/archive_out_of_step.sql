-- An archive that is out of step with its table, as after DDL that ran while event triggers were off: columns that it lacks, that
-- it has and the table has not, of other types and under other names. check() finds it, repair() mends it, and no value is lost;
-- what the table has is what restore() brings back. DDL afterwards works also where nobody has run repair().
\set VERBOSITY terse
CREATE ROLE regress_step;
CREATE SCHEMA regress_step AUTHORIZATION regress_step;

-- Commands of the owner, while event triggers are off.
CREATE FUNCTION unseen(command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE;
    ALTER EVENT TRIGGER softdelete_ddl_command_end DISABLE;
    ALTER EVENT TRIGGER softdelete_sql_drop DISABLE;
    SET LOCAL ROLE regress_step;
    EXECUTE command;
    RESET ROLE;
    ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS;
    ALTER EVENT TRIGGER softdelete_ddl_command_end ENABLE ALWAYS;
    ALTER EVENT TRIGGER softdelete_sql_drop ENABLE ALWAYS;
END $$;
-- Makes a table with an archived row, takes it out of step, says what check() and repair() say, and what comes back.
CREATE FUNCTION try(commands text, seen text DEFAULT NULL, repairs boolean DEFAULT true) RETURNS TABLE (what text, said text) LANGUAGE plpgsql AS $$
DECLARE
    line record;
BEGIN
    SET LOCAL client_min_messages = error;
    SET LOCAL search_path = regress_step;
    SET LOCAL ROLE regress_step;
    DROP VIEW IF EXISTS mine;
    DROP TABLE IF EXISTS t;
    DROP TABLE IF EXISTS t_archive;
    CREATE TABLE t (id int PRIMARY KEY, a text, b text, n int, last text);
    PERFORM softdelete.register('t', strategy => 'archive');
    GRANT SELECT ON deleted_t TO PUBLIC;
    GRANT SELECT (b) ON all_t TO PUBLIC;
    COMMENT ON VIEW all_t IS 'with all rows';
    INSERT INTO t VALUES (1, 'A1', 'B1', 11, '101'), (2, 'A2', 'B2', 12, '102');
    DELETE FROM t WHERE id = 1;
    RESET ROLE;
    PERFORM public.unseen(commands);
    SET LOCAL ROLE regress_step;
    IF seen IS NOT NULL THEN
        BEGIN
            EXECUTE seen;
        EXCEPTION WHEN OTHERS THEN RETURN QUERY SELECT 'seen', SQLSTATE || ': ' || SQLERRM;
        END;
    END IF;
    IF repairs THEN
        RETURN QUERY SELECT 'check', c.code || ': ' || c.message FROM softdelete.check('t') c WHERE c.code IN ('out_of_step', 'former_column');
        BEGIN
            RETURN QUERY SELECT 'repair', string_agg(concat_ws(' ', r.action, r.object), ', ' ORDER BY r.step) FROM softdelete.repair('t') r;
        EXCEPTION WHEN OTHERS THEN RETURN QUERY SELECT 'repair', SQLSTATE || ': ' || SQLERRM;
        END;
        RETURN QUERY SELECT 'check then', c.code || ': ' || c.message FROM softdelete.check('t') c WHERE c.code IN ('out_of_step', 'former_column');
    END IF;
    RETURN QUERY SELECT 'archive', string_agg(x.key || '=' || x.value, ' ' ORDER BY x.key) FROM
        (SELECT (jsonb_each_text(to_jsonb(r))).* FROM t_archive r) x WHERE x.key NOT IN ('deleted_at', 'deleted_by', 'deletion_id');
    FOR line IN SELECT v FROM unnest('{active_t,deleted_t,all_t}'::text[]) v LOOP
        RETURN QUERY SELECT line.v, string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = to_regclass(line.v) AND attnum > 0 AND NOT attisdropped;
    END LOOP;
    BEGIN
        EXECUTE 'DELETE FROM t WHERE id = 2';
        PERFORM softdelete.restore('t', 2);
        PERFORM softdelete.restore('t', 1);
        FOR line IN EXECUTE 'SELECT to_jsonb(t)::text AS r FROM t ORDER BY id' LOOP
            RETURN QUERY SELECT 'restored', line.r;
        END LOOP;
    EXCEPTION WHEN OTHERS THEN RETURN QUERY SELECT 'restored', SQLSTATE || ': ' || SQLERRM;
    END;
    RETURN QUERY SELECT 'rights', concat_ws(' ', has_table_privilege('public', 'deleted_t', 'SELECT'), obj_description(to_regclass('all_t'), 'pg_class'));
    RESET ROLE;
END $$;

-- Columns that came.
SELECT * FROM try('ALTER TABLE t ADD COLUMN c text DEFAULT ''C''');
-- Columns that went: what the archive has of them stays, and check() says how it goes.
SELECT * FROM try('ALTER TABLE t DROP COLUMN a CASCADE');
SELECT * FROM try('ALTER TABLE t DROP COLUMN a CASCADE', repairs => false);
-- ... and came again, seen and unseen, as something else.
SELECT * FROM try('ALTER TABLE t DROP COLUMN a CASCADE', 'ALTER TABLE t ADD COLUMN a int DEFAULT 7', repairs => false);
SELECT * FROM try('ALTER TABLE t DROP COLUMN a CASCADE', 'ALTER TABLE t ADD COLUMN a text DEFAULT ''new''', repairs => false);
SELECT * FROM try('ALTER TABLE t DROP COLUMN a CASCADE', 'ALTER TABLE t ADD COLUMN a text DEFAULT ''new''');
SELECT * FROM try('ALTER TABLE t DROP COLUMN a CASCADE', 'ALTER TABLE t RENAME b TO a', repairs => false);
SELECT * FROM try('ALTER TABLE t DROP COLUMN a CASCADE', 'ALTER TABLE t ADD COLUMN IF NOT EXISTS b text');
SELECT * FROM try('ALTER TABLE t DROP COLUMN a CASCADE; ALTER TABLE t ADD COLUMN a int DEFAULT 7');
SELECT * FROM try('ALTER TABLE t DROP COLUMN a CASCADE; ALTER TABLE t ADD COLUMN a int DEFAULT 7', 'ALTER TABLE t ADD COLUMN c int', repairs => false);
-- Other types: values become what they can be. Those that cannot stay beside.
SELECT * FROM try('DROP VIEW active_t, deleted_t, all_t; ALTER TABLE t ALTER n TYPE bigint, ALTER last TYPE int USING last::int');
SELECT * FROM try('DROP VIEW active_t, all_t; ALTER TABLE t ALTER last TYPE int USING last::int');
SELECT * FROM try('DROP VIEW active_t, all_t; ALTER TABLE t ALTER a TYPE int USING 5');
SELECT * FROM try('DROP VIEW active_t, all_t; ALTER TABLE t ALTER a TYPE int USING 5', 'ALTER TABLE t ADD COLUMN c int', repairs => false);
-- Other names, of one and of several columns round in a circle, and of the last one.
SELECT * FROM try('ALTER TABLE t RENAME a TO "A''s"');
SELECT * FROM try('ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME x TO b');
SELECT * FROM try('ALTER TABLE t RENAME last TO latest; ALTER TABLE t ADD COLUMN last int DEFAULT 3');
SELECT * FROM try('ALTER TABLE t RENAME a TO aa', 'ALTER TABLE t ADD COLUMN c int', repairs => false);
SELECT * FROM try('ALTER TABLE t RENAME a TO aa', 'ALTER TABLE t RENAME aa TO a3', repairs => false);
SELECT * FROM try('ALTER TABLE t RENAME a TO aa', 'ALTER TABLE t DROP COLUMN aa', repairs => false);
SELECT * FROM try('ALTER TABLE t RENAME a TO aa; DROP VIEW all_t');
-- Another order.
SELECT * FROM try('ALTER TABLE t ADD COLUMN c text; UPDATE t SET c = b; ALTER TABLE t DROP COLUMN b CASCADE; ALTER TABLE t RENAME c TO b');
-- The archive itself.
SELECT * FROM try('ALTER TABLE t_archive RENAME a TO aa');
SELECT * FROM try('ALTER TABLE t_archive DROP COLUMN a CASCADE');
SELECT * FROM try('ALTER TABLE t_archive ADD COLUMN more int');
SELECT * FROM try('ALTER TABLE t_archive RENAME deleted_by TO who; ALTER TABLE t_archive RENAME deleted_at TO "when"; ALTER TABLE t_archive RENAME deletion_id TO which');
SELECT * FROM try('ALTER TABLE t_archive RENAME deleted_at TO "when"; DROP VIEW all_t, deleted_t');
SELECT * FROM try('ALTER TABLE t_archive DROP COLUMN deletion_id CASCADE');
-- What depends on a view of ours stops what would take it along.
SELECT * FROM try('CREATE VIEW mine AS SELECT a FROM deleted_t; ALTER TABLE t DROP COLUMN a CASCADE', 'ALTER TABLE t ADD COLUMN a int');

-- What is left of a column may go by hand, with what check() says; nothing else may.
SELECT count(*) > 0 AS tried FROM try('ALTER TABLE t DROP COLUMN a CASCADE');
SET SESSION AUTHORIZATION regress_step;
SET search_path = regress_step;
SELECT code, severity, object, message, remedy FROM softdelete.check('t') WHERE code = 'former_column' \gset
\echo :remedy
ALTER TABLE t_archive DROP COLUMN b; -- fails
ALTER TABLE t_archive DROP COLUMN a, DROP COLUMN b; -- fails
ALTER TABLE t_archive DROP COLUMN deletion_id; -- fails
:remedy;
SELECT code FROM softdelete.check('t') WHERE code IN ('out_of_step', 'former_column');
-- Views that belong to somebody else.
RESET SESSION AUTHORIZATION;
CREATE ROLE regress_step_2;
ALTER VIEW regress_step.active_t OWNER TO regress_step_2;
ALTER VIEW regress_step.deleted_t OWNER TO regress_step_2;
ALTER VIEW regress_step.all_t OWNER TO regress_step_2;
SET SESSION AUTHORIZATION regress_step;
SELECT object, message FROM softdelete.check('t') WHERE code = 'out_of_step' ORDER BY object;
SELECT action, object FROM softdelete.repair('t') ORDER BY step;
SELECT code FROM softdelete.check('t') WHERE code = 'out_of_step';
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'regress_step'::regnamespace AND relkind = 'v' ORDER BY relname;
RESET SESSION AUTHORIZATION;
RESET search_path;
DROP FUNCTION try, unseen;
SET client_min_messages = warning;
DROP SCHEMA regress_step CASCADE;
DROP ROLE regress_step, regress_step_2;
