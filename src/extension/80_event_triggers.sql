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

-- Without a list of tags: many a command drops a table, a view or a key along with what it names, and one that reads rows,
-- such as CREATE TABLE AS, has the library loaded by the event trigger, so that what it plans sees live rows.
CREATE EVENT TRIGGER softdelete_ddl_command_start ON ddl_command_start
    EXECUTE FUNCTION softdelete_internal.on_ddl_command_start();
ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER softdelete_ddl_command_start IS 'Prepares DDL on registered tables.';

CREATE EVENT TRIGGER softdelete_ddl_command_end ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE FOREIGN TABLE', 'ALTER TABLE', 'ALTER FOREIGN TABLE', 'CREATE INDEX', 'CREATE VIEW',
                 'CREATE POLICY', 'ALTER POLICY', 'CREATE RULE', 'CREATE TRIGGER', 'ALTER TYPE', 'CREATE SCHEMA',
                 'ALTER DOMAIN', 'ALTER FUNCTION', 'ALTER PROCEDURE', 'ALTER ROUTINE', 'ALTER AGGREGATE', 'ALTER OPERATOR',
                 'ALTER COLLATION', 'ALTER TEXT SEARCH CONFIGURATION', 'ALTER TEXT SEARCH DICTIONARY', 'ALTER SCHEMA',
                 'ALTER EXTENSION', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER SEQUENCE', 'ALTER INDEX')
    EXECUTE FUNCTION softdelete_internal.on_ddl_command_end();
ALTER EVENT TRIGGER softdelete_ddl_command_end ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER softdelete_ddl_command_end IS 'Keeps softdelete in step with tables and foreign keys.';

CREATE EVENT TRIGGER softdelete_sql_drop ON sql_drop
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
