-- Row security of tables with visibility rls.

CREATE TABLE softdelete_internal.secured_table (
    relation   regclass PRIMARY KEY,
    is_enabled boolean  NOT NULL
);
COMMENT ON TABLE softdelete_internal.secured_table IS
    'The tables that carry our policies: those with visibility rls, their partitions and their children.';
COMMENT ON COLUMN softdelete_internal.secured_table.is_enabled IS
    'Whether row security is enabled by the owner''s own wish, as it was found or as ALTER TABLE said since.';
SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.secured_table', '');

CREATE FUNCTION softdelete_internal.sees_deleted(relation regclass) RETURNS boolean
    -- search_path: no name is looked up, and a SET clause would cost more than the function does
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'softdelete_sees_deleted';
COMMENT ON FUNCTION softdelete_internal.sees_deleted(regclass) IS
    'Internal, in the policy softdelete_live: whether the current role is the table''s owner or one of its admin_roles.';
