-- Triggers by which foreign keys see soft deletes. C, per row, and without a name that could be shadowed.

CREATE FUNCTION softdelete_internal.lock_row() RETURNS trigger
    -- search_path: no names are looked up, and a SET clause would cost more than the function does
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_lock_row';
COMMENT ON FUNCTION softdelete_internal.lock_row() IS
    'Locks a referenced row before its soft delete, so that nobody references it meanwhile.';

CREATE FUNCTION softdelete_internal.collect_deleted() RETURNS trigger
    -- search_path: no names are looked up, and a SET clause would cost more than the function does
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_collect_deleted';
COMMENT ON FUNCTION softdelete_internal.collect_deleted() IS
    'Collects soft-deleted rows whose children follow when the statement is through.';

CREATE FUNCTION softdelete_internal.check_children() RETURNS trigger
    -- search_path: the statements that it runs are fully qualified
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_check_children';
COMMENT ON FUNCTION softdelete_internal.check_children() IS
    'Refuses the soft delete of a row that live rows reference by a deferrable NO ACTION foreign key.';

CREATE FUNCTION softdelete_internal.check_parent() RETURNS trigger
    -- search_path: the statements that it runs are fully qualified
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_check_parent';
COMMENT ON FUNCTION softdelete_internal.check_parent() IS 'Refuses a live row that newly references a deleted one.';
