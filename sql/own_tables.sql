-- The extension's own tables are written by the library alone: neither pg_write_all_data nor a GRANT lets anybody else do
-- it. The tables are found in the catalog, so that later ones are tried as well.
CREATE ROLE regress_own_writer;
GRANT pg_read_all_data, pg_write_all_data TO regress_own_writer;
CREATE ROLE regress_own_granted;
CREATE ROLE regress_own_owner;
CREATE SCHEMA regress_own AUTHORIZATION regress_own_owner;
SET search_path = regress_own;
SET ROLE regress_own_owner;
CREATE TABLE clients (id int PRIMARY KEY, email text);
SELECT count(*) > 0 AS registered FROM softdelete.register('clients', retention => '10 years');
INSERT INTO clients VALUES (1, 'a'), (2, 'b'), (3, 'c');
SELECT softdelete.hold('clients', 'a case', 1) IS NOT NULL AS held;
DELETE FROM clients WHERE id = 1;
RESET ROLE;

-- Every table, every statement.
CREATE FUNCTION try(role name, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('role', role, true);
    EXECUTE statement;
    RAISE EXCEPTION SQLSTATE 'RR000';
EXCEPTION
    WHEN SQLSTATE 'RR000' THEN RETURN 'passed';
    WHEN OTHERS THEN RETURN sqlstate || ' ' || sqlerrm;
END $$;
CREATE VIEW statements AS
    SELECT c.oid::regclass AS own_table, s.statement, format(s.statement, c.oid::regclass, a.attname) AS command
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('relation', 'former_id') AND a.attnum > 0
    CROSS JOIN (VALUES ('INSERT INTO %1$s DEFAULT VALUES'), ('INSERT INTO %1$s (%2$I) OVERRIDING SYSTEM VALUE SELECT %2$I FROM %1$s WHERE false'),
        ('UPDATE %1$s SET %2$I = %2$I'), ('UPDATE %1$s SET %2$I = NULL WHERE false'), ('DELETE FROM %1$s'),
        ('DELETE FROM %1$s WHERE false'), ('TRUNCATE %1$s'),
        ('MERGE INTO %1$s t USING (SELECT 1) s ON false WHEN MATCHED THEN DELETE'),
        ('WITH w AS (DELETE FROM %1$s RETURNING 1) SELECT FROM w')) s (statement)
    WHERE c.relnamespace = 'softdelete_internal'::regnamespace AND c.relkind = 'r';
SELECT count(*) > 8 AS all_tables, count(*) = (SELECT count(*) FROM pg_class
        WHERE relnamespace = 'softdelete_internal'::regnamespace AND relkind = 'r') AS each
    FROM (SELECT DISTINCT own_table FROM statements) s;
GRANT ALL ON ALL TABLES IN SCHEMA softdelete_internal TO regress_own_granted;
SELECT role, statement, regexp_replace(try(role, command), 'table \w+$', 'table ...') AS outcome, count(*) > 8 AS all_tables
    FROM statements CROSS JOIN (VALUES ('regress_own_writer'), ('regress_own_granted')) r (role)
    GROUP BY role, statement, outcome ORDER BY role, statement, outcome;
REVOKE ALL ON ALL TABLES IN SCHEMA softdelete_internal FROM regress_own_granted;

-- What it says.
SET ROLE regress_own_writer;
DELETE FROM softdelete_internal.hold; -- fails
UPDATE softdelete_internal.registration SET retention = '0'; -- fails
INSERT INTO softdelete_internal.anonymizer VALUES ('clients', 'email', 'current_user'); -- fails
COPY softdelete_internal.deletion_table FROM STDIN; -- fails
\.
RESET ROLE;

-- The tables' owner writes them, as a restore does.
BEGIN;
UPDATE softdelete_internal.registration SET retention = '9 years' WHERE relation = 'clients'::regclass;
ROLLBACK;

-- A delete does not pay for it: the library writes its row without asking the trigger.
SET track_functions = 'all';
BEGIN;
DELETE FROM clients WHERE id = 2;
SELECT coalesce(pg_stat_get_xact_function_calls('softdelete_internal.on_own_table()'::regprocedure), 0) AS calls;
UPDATE softdelete_internal.registration SET retention = retention WHERE false;
SELECT pg_stat_get_xact_function_calls('softdelete_internal.on_own_table()'::regprocedure) AS calls;
ROLLBACK;
RESET track_functions;

SET client_min_messages = warning;
SELECT count(softdelete.release(id)) AS released FROM softdelete.holds WHERE relation = 'clients'::regclass AND released_at IS NULL;
DROP SCHEMA regress_own CASCADE;
DROP OWNED BY regress_own_writer, regress_own_granted;
DROP ROLE regress_own_writer, regress_own_granted, regress_own_owner;
