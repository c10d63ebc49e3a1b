-- The extension's own tables are written by their owner alone, whatever a GRANT or pg_write_all_data says.

CREATE FUNCTION softdelete_internal.on_own_table() RETURNS trigger
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_on_own_table';
COMMENT ON FUNCTION softdelete_internal.on_own_table() IS
    'Refuses to write a table of softdelete to everybody but its owner, as whom the library writes; lets sessions read changed registrations again.';

DO $$
DECLARE
    own_table regclass;
BEGIN
    FOR own_table IN SELECT c.oid FROM pg_catalog.pg_class c
            WHERE c.relnamespace = 'softdelete_internal'::pg_catalog.regnamespace AND c.relkind = 'r' LOOP
        EXECUTE pg_catalog.format('CREATE TRIGGER softdelete_own_table BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE'
            ' ON %s FOR EACH STATEMENT EXECUTE FUNCTION softdelete_internal.on_own_table()', own_table);
        EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER softdelete_own_table', own_table);
        EXECUTE pg_catalog.format('COMMENT ON TRIGGER softdelete_own_table ON %s IS %L', own_table,
            'The table is written by its owner alone, as whom the library writes.');
    END LOOP;
END $$;

-- What erase() and anonymize() clear is not kept in statistics either.
ALTER TABLE softdelete_internal.deletion
    ALTER COLUMN deleted_by SET STATISTICS 0, ALTER COLUMN reason SET STATISTICS 0;
ALTER TABLE softdelete_internal.hold
    ALTER COLUMN key SET STATISTICS 0, ALTER COLUMN key_hash SET STATISTICS 0, ALTER COLUMN reason SET STATISTICS 0;
