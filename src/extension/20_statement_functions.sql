-- Functions that the library puts into triggers and statements. They are C, touch no name but their own arguments and
-- run per row: a SET clause would cost more than they do.

CREATE FUNCTION softdelete_internal.on_delete() RETURNS trigger
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_on_delete';
COMMENT ON FUNCTION softdelete_internal.on_delete() IS
    'Marks a table as registered, and refuses physical deletes that the library did not plan.';

CREATE FUNCTION softdelete_internal.on_update() RETURNS trigger
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_on_update';
COMMENT ON FUNCTION softdelete_internal.on_update() IS
    'Refuses an UPDATE of a registered table that the library did not plan.';

CREATE FUNCTION softdelete_internal.on_truncate() RETURNS trigger
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_on_truncate';
COMMENT ON FUNCTION softdelete_internal.on_truncate() IS 'Refuses TRUNCATE of a registered table.';

CREATE FUNCTION softdelete_internal.check_written() RETURNS trigger
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_check_written';
COMMENT ON FUNCTION softdelete_internal.check_written() IS
    'Refuses a deletion_id and a deleted_at that a BEFORE trigger has written and the statement could not.';

CREATE FUNCTION softdelete.include_deleted(deleted_at anyelement) RETURNS boolean
    -- search_path: no name is looked up
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'softdelete_include_deleted';
COMMENT ON FUNCTION softdelete.include_deleted(anyelement) IS
    'In WHERE or ON, of a table''s deleted_at: this query sees the table''s deleted rows as well as the live ones.';

CREATE FUNCTION softdelete_internal.new_deletion_id(relation regclass) RETURNS bigint
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_new_deletion_id';
COMMENT ON FUNCTION softdelete_internal.new_deletion_id(regclass) IS 'Internal: the id of the deletion under way.';

CREATE FUNCTION softdelete_internal.new_actor(of_type anyelement, typmod integer) RETURNS anyelement
    -- search_path: no name is looked up
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'softdelete_new_actor';
COMMENT ON FUNCTION softdelete_internal.new_actor(anyelement, integer) IS
    'Internal: softdelete.actor, or its default, as a value of the type of deleted_by.';

CREATE FUNCTION softdelete_internal.assign_deleted_at(value anyelement, old anyelement, relation regclass) RETURNS anyelement
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_assign_deleted_at';
COMMENT ON FUNCTION softdelete_internal.assign_deleted_at(anyelement, anyelement, regclass) IS
    'Internal: checks a value that a statement assigns to deleted_at.';

CREATE FUNCTION softdelete_internal.assign_deletion_id(old bigint, relation regclass) RETURNS bigint
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_assign_deletion_id';
COMMENT ON FUNCTION softdelete_internal.assign_deletion_id(bigint, regclass) IS
    'Internal: the deletion_id that goes with the value assigned to deleted_at.';

CREATE FUNCTION softdelete_internal.assign_deleted_by(old anyelement, typmod integer) RETURNS anyelement
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_assign_deleted_by';
COMMENT ON FUNCTION softdelete_internal.assign_deleted_by(anyelement, integer) IS
    'Internal: the deleted_by that goes with the value assigned to deleted_at.';

CREATE FUNCTION softdelete_internal.check_deleted_at(value anyelement, relation regclass) RETURNS anyelement
    -- search_path: no name is looked up
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'softdelete_check_deleted_at';
COMMENT ON FUNCTION softdelete_internal.check_deleted_at(anyelement, regclass) IS
    'Internal: checks a deleted_at that an INSERT brings.';

CREATE FUNCTION softdelete_internal.check_deletion_id(value bigint, old bigint) RETURNS bigint
    -- search_path: no name is looked up
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'softdelete_check_deletion_id';
COMMENT ON FUNCTION softdelete_internal.check_deletion_id(bigint, bigint) IS
    'Internal: refuses a deletion_id that a statement assigns.';

CREATE FUNCTION softdelete_internal.refuse_deleted(deleted_at anyelement, relation regclass, is_select boolean) RETURNS boolean
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_refuse_deleted';
COMMENT ON FUNCTION softdelete_internal.refuse_deleted(anyelement, regclass, boolean) IS
    'Internal: refuses ON CONFLICT DO UPDATE and DO SELECT of a deleted row.';

CREATE FUNCTION softdelete_internal.note_restored(deletion_id bigint) RETURNS bigint
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_note_restored';
COMMENT ON FUNCTION softdelete_internal.note_restored(bigint) IS
    'Internal: notes that a row of this deletion comes back; returns NULL.';
