-- Registration: each function returns the steps that it takes, or would take. Definitions are written down with all
-- settings that change their text held still.

CREATE FUNCTION softdelete.register(
    relation regclass, retention interval DEFAULT NULL, strategy text DEFAULT 'auto',
    visibility text DEFAULT 'filter', cascade boolean DEFAULT false, indexes text DEFAULT NULL,
    deleted_at name DEFAULT 'deleted_at', deleted_by name DEFAULT 'deleted_by', admin_roles name[] DEFAULT '{}',
    active_view name DEFAULT NULL, deleted_view name DEFAULT NULL, all_view name DEFAULT NULL,
    on_expiry text DEFAULT 'purge', all_referencing boolean DEFAULT false)
    RETURNS TABLE (step integer, relation regclass, object text, action text, online boolean, command text)
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_register'
    -- search_path: the library pins it, except while code of users may run
    SET quote_all_identifiers = off
    SET IntervalStyle = postgres
    SET default_tablespace = ''
    SET default_statistics_target = 10; -- its ANALYZE reads little while it holds the lock
COMMENT ON FUNCTION softdelete.register(regclass, interval, text, text, boolean, text, name, name, name[], name, name, name, text, boolean) IS
    'Makes a table soft-deleting, and returns every step that it took.';

CREATE FUNCTION softdelete.plan(
    relation regclass, retention interval DEFAULT NULL, strategy text DEFAULT 'auto',
    visibility text DEFAULT 'filter', cascade boolean DEFAULT false, indexes text DEFAULT NULL,
    deleted_at name DEFAULT 'deleted_at', deleted_by name DEFAULT 'deleted_by', admin_roles name[] DEFAULT '{}',
    active_view name DEFAULT NULL, deleted_view name DEFAULT NULL, all_view name DEFAULT NULL,
    on_expiry text DEFAULT 'purge', all_referencing boolean DEFAULT false)
    RETURNS TABLE (step integer, relation regclass, object text, action text, online boolean, command text)
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_plan'
    SET search_path = pg_catalog, pg_temp
    SET quote_all_identifiers = off
    SET IntervalStyle = postgres
    SET default_tablespace = '';
COMMENT ON FUNCTION softdelete.plan(regclass, interval, text, text, boolean, text, name, name, name[], name, name, name, text, boolean) IS
    'The steps that softdelete.register() would take; those marked online can be run beforehand.';

CREATE FUNCTION softdelete.configure(
    relation regclass, retention interval DEFAULT NULL, keep_forever boolean DEFAULT NULL,
    visibility text DEFAULT NULL, indexes text DEFAULT NULL, admin_roles name[] DEFAULT NULL,
    on_expiry text DEFAULT NULL, strategy text DEFAULT NULL)
    RETURNS TABLE (step integer, relation regclass, object text, action text, online boolean, command text)
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_configure'
    -- search_path: the library pins it, except while code of users may run
    SET quote_all_identifiers = off
    SET IntervalStyle = postgres
    SET default_tablespace = '';
COMMENT ON FUNCTION softdelete.configure(regclass, interval, boolean, text, text, name[], text, text) IS
    'Changes how a table is registered; what is not given stays as it is.';

-- No SET clause: a procedure that commits cannot have one. The library pins the path for each batch.
CREATE PROCEDURE softdelete.change_strategy(relation regclass, strategy text, batch_size integer DEFAULT 10000,
                                            max_runtime interval DEFAULT NULL, delay interval DEFAULT '0',
                                            visibility text DEFAULT NULL)
    -- search_path: pinned by the library for each batch
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_change_strategy';
COMMENT ON PROCEDURE softdelete.change_strategy(regclass, text, integer, interval, interval, text) IS
    'Moves the deleted rows of a table to an archive, or back, in batches that commit, while the table is in use. visibility: that of the table, on the way back.';

CREATE FUNCTION softdelete.repair(relation regclass)
    RETURNS TABLE (step integer, relation regclass, object text, action text, online boolean, command text)
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_repair'
    -- search_path: the library pins it, except while code of users may run
    SET quote_all_identifiers = off
    SET IntervalStyle = postgres
    SET default_tablespace = '';
COMMENT ON FUNCTION softdelete.repair(regclass) IS
    'Brings indexes, triggers and views of a registered table back in step; no rows where nothing was wrong.';

CREATE FUNCTION softdelete.unregister(relation regclass, deleted_rows text DEFAULT 'refuse')
    RETURNS TABLE (step integer, relation regclass, object text, action text, online boolean, command text)
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_unregister'
    -- search_path: the library pins it, except while code of users may run
    SET quote_all_identifiers = off
    SET IntervalStyle = postgres
    SET default_tablespace = '';
COMMENT ON FUNCTION softdelete.unregister(regclass, text) IS
    'Takes back what softdelete.register() did. deleted_rows: refuse, keep or purge.';
