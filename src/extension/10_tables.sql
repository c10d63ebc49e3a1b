-- The extension's own tables. They refer to relations by regclass, which pg_dump writes as names.

CREATE TABLE softdelete_internal.registration (
    relation      regclass    PRIMARY KEY,
    strategy      text        NOT NULL CHECK (strategy IN ('flag', 'archive')),
    visibility    text        NOT NULL CHECK (visibility IN ('filter', 'view', 'rls')),
    retention     interval    CHECK (retention >= interval '0'),
    indexes       text        NOT NULL CHECK (indexes IN ('all', 'unique', 'none')),
    deleted_at    name        NOT NULL,
    deleted_by    name,
    admin_roles   regrole[]   NOT NULL DEFAULT '{}',
    active_view   name        NOT NULL,
    deleted_view  name        NOT NULL,
    all_view      name        NOT NULL,
    added_columns name[]      NOT NULL DEFAULT '{}',
    added_indexes name[]      NOT NULL DEFAULT '{}',
    added_views   name[]      NOT NULL DEFAULT '{}',
    comment_before text,
    on_expiry     text        NOT NULL DEFAULT 'purge' CHECK (on_expiry IN ('purge', 'anonymize')),
    registered_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE softdelete_internal.registration IS 'One row per registered table; see the view softdelete.tables.';
COMMENT ON COLUMN softdelete_internal.registration.admin_roles IS
    'Follow their roles through renames; of a role that was dropped nothing is left but a number that nobody has.';
COMMENT ON COLUMN softdelete_internal.registration.added_columns IS 'Columns that register() added and unregister() removes.';
COMMENT ON COLUMN softdelete_internal.registration.added_indexes IS 'Indexes that register() added and unregister() removes.';
COMMENT ON COLUMN softdelete_internal.registration.added_views IS 'Views that register() made and unregister() removes.';
COMMENT ON COLUMN softdelete_internal.registration.comment_before IS
    'The comment on the deleted_at column as register() found it, which unregister() puts back.';
COMMENT ON COLUMN softdelete_internal.registration.on_expiry IS
    'What becomes of deleted rows whose retention has passed: they are removed, or overwritten by the table''s rules.';

CREATE TABLE softdelete_internal.archive (
    relation      regclass    PRIMARY KEY,
    archive       regclass    NOT NULL UNIQUE,
    retention     interval    CHECK (retention >= interval '0'),
    deleted_at    name        NOT NULL,
    deleted_by    name,
    active_view   name        NOT NULL,
    deleted_view  name        NOT NULL,
    all_view      name        NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    on_expiry     text        NOT NULL DEFAULT 'purge' CHECK (on_expiry IN ('purge', 'anonymize')),
    admin_roles   regrole[]   NOT NULL DEFAULT '{}',
    indexes       text        CHECK (indexes IN ('all', 'unique', 'none')),
    time_zone     text        NOT NULL DEFAULT pg_catalog.current_setting('TimeZone'),
    timed_after   bigint
);
COMMENT ON TABLE softdelete_internal.archive IS
    'One row per table that is registered with the strategy archive; see the view softdelete.tables.';
COMMENT ON COLUMN softdelete_internal.archive.archive IS 'Where its deleted rows are: a table partitioned by the time of deletion.';
COMMENT ON COLUMN softdelete_internal.archive.retention IS 'How long archived rows are kept; NULL: for ever.';
COMMENT ON COLUMN softdelete_internal.archive.on_expiry IS 'What becomes of rows whose retention has passed.';
COMMENT ON COLUMN softdelete_internal.archive.deleted_at IS 'The column of the archive with that time.';
COMMENT ON COLUMN softdelete_internal.archive.indexes IS
    'Which indexes were partial while the table had the strategy flag, and become so again with it; NULL: what register() chooses.';
COMMENT ON COLUMN softdelete_internal.archive.time_zone IS
    'In which a column of the table without a time zone is read and written while rows move between the table and the archive.';
COMMENT ON COLUMN softdelete_internal.archive.timed_after IS
    'Archived rows of deletions with later ids have the time of their deletion. NULL: of no deletion is that known, as while rows that were marked still come.';
COMMENT ON COLUMN softdelete_internal.archive.admin_roles IS 'Roles that may read the archive, and the views that show it.';

CREATE TABLE softdelete_internal.converted_index (
    relation           regclass NOT NULL,
    name               name     NOT NULL,
    kind               text     NOT NULL CHECK (kind IN ('index', 'partial index', 'unique', 'exclude', 'unique deferrable', 'whole')),
    definition         text     NOT NULL,
    is_deferrable      boolean  NOT NULL DEFAULT false,
    initially_deferred boolean  NOT NULL DEFAULT false,
    is_clustered       boolean  NOT NULL DEFAULT false,
    comment            text,
    PRIMARY KEY (relation, name)
);
CREATE INDEX converted_index_name ON softdelete_internal.converted_index (name);
COMMENT ON INDEX softdelete_internal.converted_index_name IS 'For drops of indexes, which name them.';
COMMENT ON TABLE softdelete_internal.converted_index IS
    'Indexes and constraints that cover live rows only while the table is registered, as they were before; and those that do not.';
COMMENT ON COLUMN softdelete_internal.converted_index.kind IS
    'What it was: an index, one of live rows by its author''s own condition, a UNIQUE constraint, an exclusion constraint, or a deferrable UNIQUE constraint; or whole: one that something needed for all rows, and that stays so.';
COMMENT ON COLUMN softdelete_internal.converted_index.definition IS
    'The definition before registration, as pg_get_constraintdef() or pg_get_indexdef() gave it.';
COMMENT ON COLUMN softdelete_internal.converted_index.is_clustered IS
    'Whether the table was clustered on it, which a partial index does not allow.';
COMMENT ON COLUMN softdelete_internal.converted_index.comment IS 'The comment on the constraint.';

CREATE SEQUENCE softdelete_internal.deletion_id_seq AS bigint;
COMMENT ON SEQUENCE softdelete_internal.deletion_id_seq IS 'Gives the ids of deletions.';

-- Written by the library directly (src/registry/deletion_log.cpp): no triggers but that of 70_own_tables.sql, no partial
-- or expression indexes, and the columns in this order.
CREATE TABLE softdelete_internal.deletion (
    id          bigint      PRIMARY KEY,
    relation    regclass    NOT NULL,
    deleted_at  timestamptz NOT NULL,
    deleted_by  text,
    reason      text,
    restored_at timestamptz,
    further_relations regclass[],
    restored_by text,
    restored    jsonb
);
COMMENT ON TABLE softdelete_internal.deletion IS
    'What one transaction soft-deleted under one actor and one reason; see the view softdelete.deletions.';
COMMENT ON COLUMN softdelete_internal.deletion.relation IS 'The table of the deletion''s first row.';
COMMENT ON COLUMN softdelete_internal.deletion.restored_at IS 'When the last of its rows came back.';
COMMENT ON COLUMN softdelete_internal.deletion.restored_by IS 'Who brought back the last of its rows.';
COMMENT ON COLUMN softdelete_internal.deletion.restored IS
    'How many rows of which tables undo has brought back; those of restore are in softdelete_internal.restoration.';
COMMENT ON COLUMN softdelete_internal.deletion.further_relations IS
    'The further tables that its first statement touched, as a cascade does.';

CREATE TABLE softdelete_internal.deletion_table (
    deletion_id  bigint   NOT NULL,
    relation     regclass NOT NULL,
    has_new_rows boolean,
    PRIMARY KEY (deletion_id, relation)
);
COMMENT ON TABLE softdelete_internal.deletion_table IS
    'The tables that later statements of a deletion added, and those of which it archived rows that its own transaction had written.';
COMMENT ON COLUMN softdelete_internal.deletion_table.has_new_rows IS
    'Has it archived rows that its own transaction had written? They may have referenced a row that came after another one of the deletion.';

-- Added to and never changed, so that restores of parts of a deletion do not get into each other's way.
CREATE TABLE softdelete_internal.restoration (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    deletion_id bigint NOT NULL,
    relation    regclass NOT NULL,
    restored_by text,
    rows        bigint NOT NULL
);
CREATE INDEX restoration_deletion_id ON softdelete_internal.restoration (deletion_id);
COMMENT ON INDEX softdelete_internal.restoration_deletion_id IS 'For the view softdelete.deletions.';
COMMENT ON TABLE softdelete_internal.restoration IS 'What restore() has brought back of deletions, part by part.';
COMMENT ON SEQUENCE softdelete_internal.restoration_id_seq IS 'Gives the ids of restorations.';

CREATE TABLE softdelete_internal.renumbered_deletion (
    former_id  bigint,
    deleted_at timestamptz,
    id         bigint NOT NULL,
    PRIMARY KEY (former_id, deleted_at)
);
COMMENT ON TABLE softdelete_internal.renumbered_deletion IS
    'Deletions that had another id before their tables were registered, which another deletion has here.';

-- Not dumped: no snapshot outlives the database.
CREATE TABLE softdelete_internal.ended_registration (
    relation regclass    PRIMARY KEY,
    ended_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE softdelete_internal.ended_registration IS
    'Tables whose deleted rows a snapshot from before would show as live ones: a transaction with such a snapshot is refused.';

SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.registration', '');
SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.archive', '');
SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.converted_index', '');
SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.deletion_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.deletion', '');
SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.deletion_table', '');
SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.restoration', '');
SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.restoration_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.renumbered_deletion', '');
