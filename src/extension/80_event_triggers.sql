-- Event triggers follow DDL. ALWAYS: under session_replication_role = replica as well.

CREATE FUNCTION softdelete_internal.on_ddl_command_start() RETURNS event_trigger
    -- search_path: it finds the table by the command's own name for it, and pins the path before it runs statements
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_on_ddl_command_start';
COMMENT ON FUNCTION softdelete_internal.on_ddl_command_start() IS
    'Makes DDL on registered tables run beside their views and keep new indexes to live rows; refuses what would break them.';

CREATE FUNCTION softdelete_internal.on_ddl_command_end() RETURNS event_trigger
    -- search_path: it finds the table by the command's own name for it, and pins the path before it runs statements
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_on_ddl_command_end';
COMMENT ON FUNCTION softdelete_internal.on_ddl_command_end() IS 'Follows CREATE and ALTER of registered and referencing tables.';

CREATE FUNCTION softdelete_internal.on_sql_drop() RETURNS event_trigger
    -- search_path: as above
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_on_sql_drop';
COMMENT ON FUNCTION softdelete_internal.on_sql_drop() IS 'Forgets dropped tables; refuses to drop parts of registered ones.';

CREATE EVENT TRIGGER softdelete_ddl_command_start ON ddl_command_start
    -- The last four for nothing but loading the library: what they plan then sees live rows. The three before for nothing
    -- but the sake of rows on hold, those before them for the sake of our own schemas, functions and sequences.
    WHEN TAG IN ('ALTER TABLE', 'CREATE INDEX', 'DROP TABLE', 'ALTER INDEX', 'ALTER VIEW', 'COMMENT', 'CREATE POLICY',
                 'ALTER POLICY', 'CREATE TRIGGER', 'ALTER TRIGGER', 'DROP TRIGGER', 'DROP VIEW', 'DROP INDEX', 'CREATE RULE',
                 'ALTER EXTENSION', 'CREATE SUBSCRIPTION', 'ALTER SUBSCRIPTION', 'DROP SUBSCRIPTION',
                 'ALTER SCHEMA', 'ALTER FUNCTION', 'ALTER PROCEDURE', 'ALTER ROUTINE', 'ALTER SEQUENCE',
                 'DROP SCHEMA', 'DROP OWNED', 'ALTER TYPE', 'ALTER DOMAIN',
                 'CREATE MATERIALIZED VIEW', 'CREATE TABLE AS', 'REFRESH MATERIALIZED VIEW', 'SELECT INTO')
    EXECUTE FUNCTION softdelete_internal.on_ddl_command_start();
ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER softdelete_ddl_command_start IS 'Prepares DDL on registered tables.';

CREATE EVENT TRIGGER softdelete_ddl_command_end ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE FOREIGN TABLE', 'ALTER TABLE', 'ALTER FOREIGN TABLE', 'CREATE INDEX', 'CREATE VIEW',
                 'CREATE POLICY', 'CREATE RULE', 'CREATE TRIGGER', 'ALTER TYPE', 'CREATE SCHEMA', 'ALTER DOMAIN')
    EXECUTE FUNCTION softdelete_internal.on_ddl_command_end();
ALTER EVENT TRIGGER softdelete_ddl_command_end ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER softdelete_ddl_command_end IS 'Keeps softdelete in step with tables and foreign keys.';

CREATE EVENT TRIGGER softdelete_sql_drop ON sql_drop
    WHEN TAG IN ('ALTER TABLE', 'DROP TABLE', 'DROP TRIGGER', 'DROP SCHEMA', 'DROP OWNED', 'DROP INDEX', 'DROP TYPE',
                 'DROP DOMAIN', 'DROP FUNCTION', 'DROP COLLATION', 'DROP EXTENSION', 'DROP POLICY', 'DROP ROUTINE',
                 'DROP OPERATOR', 'DROP CAST', 'DROP VIEW', 'DROP MATERIALIZED VIEW', 'DROP FOREIGN TABLE', 'ALTER TYPE')
    EXECUTE FUNCTION softdelete_internal.on_sql_drop();
ALTER EVENT TRIGGER softdelete_sql_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER softdelete_sql_drop IS 'Forgets dropped tables; refuses to drop parts of registered ones.';

CREATE FUNCTION softdelete_internal.on_drop_extension() RETURNS event_trigger
    LANGUAGE c SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_on_drop_extension';
COMMENT ON FUNCTION softdelete_internal.on_drop_extension() IS 'Leaves the views of registered tables behind.';

CREATE EVENT TRIGGER softdelete_drop_extension ON ddl_command_start
    WHEN TAG IN ('DROP EXTENSION')
    EXECUTE FUNCTION softdelete_internal.on_drop_extension();
ALTER EVENT TRIGGER softdelete_drop_extension ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER softdelete_drop_extension IS 'Leaves the views of registered tables behind.';
