-- Tables that are registered with the strategy archive.

CREATE FUNCTION softdelete_internal.on_archived_delete() RETURNS trigger
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_on_archived_delete';
COMMENT ON FUNCTION softdelete_internal.on_archived_delete() IS 'Moves deleted rows to the archive of their table.';

CREATE FUNCTION softdelete_internal.on_applied_removal() RETURNS trigger
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_on_applied_removal';
COMMENT ON FUNCTION softdelete_internal.on_applied_removal() IS 'Keeps archived rows on hold that a subscription would remove.';
