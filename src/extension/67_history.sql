-- The histories of tables: which tables have one, and what its columns hold.

CREATE TABLE softdelete_internal.tracked_table (
    relation   regclass    PRIMARY KEY,
    history    regclass    NOT NULL UNIQUE,
    retention  interval    CHECK (retention > interval '0'),
    left_out   name[]      NOT NULL DEFAULT '{}',
    begins_at  timestamptz NOT NULL,
    key_columns name[]     NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE softdelete_internal.tracked_table IS 'One row per table with a history.';
COMMENT ON COLUMN softdelete_internal.tracked_table.history IS 'The history table, partitioned by time.';
COMMENT ON COLUMN softdelete_internal.tracked_table.retention IS 'How long entries are kept; NULL: for ever.';
COMMENT ON COLUMN softdelete_internal.tracked_table.left_out IS 'Columns whose values the history does not keep.';
COMMENT ON COLUMN softdelete_internal.tracked_table.begins_at IS
    'From when on the history knows what the rows were: when tracking began, or the time up to which entries were purged.';
COMMENT ON COLUMN softdelete_internal.tracked_table.key_columns IS
    'The history''s columns by which its entries of a changed primary key name the other key.';

CREATE TABLE softdelete_internal.history_column (
    relation       regclass    NOT NULL,
    history_column name        NOT NULL,
    column_name    name        NOT NULL,
    since          timestamptz,
    until          timestamptz,
    PRIMARY KEY (relation, history_column)
);
COMMENT ON TABLE softdelete_internal.history_column IS 'Which column of a table a column of its history holds, and in which time.';
COMMENT ON COLUMN softdelete_internal.history_column.column_name IS
    'The name of the table''s column; where it is gone, the name that it had then.';
COMMENT ON COLUMN softdelete_internal.history_column.since IS 'When the column came; NULL: it was there when tracking began.';
COMMENT ON COLUMN softdelete_internal.history_column.until IS 'When it was dropped or got another type; NULL: it is there.';

SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.tracked_table', '');
SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.history_column', '');

CREATE FUNCTION softdelete_internal.on_history_change() RETURNS trigger
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_on_history_change';
COMMENT ON FUNCTION softdelete_internal.on_history_change() IS 'Notes the change of a row for the history of its table.';

CREATE FUNCTION softdelete_internal.on_history_truncate() RETURNS trigger
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_on_history_truncate';
COMMENT ON FUNCTION softdelete_internal.on_history_truncate() IS 'Notes the rows that TRUNCATE removes for the history of their table.';

CREATE FUNCTION softdelete_internal.on_kept_table() RETURNS trigger
    -- search_path: no name is looked up
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_on_kept_table';
COMMENT ON FUNCTION softdelete_internal.on_kept_table() IS 'Refuses to write a history by hand.';

CREATE FUNCTION softdelete.track_history(relation regclass, retention interval DEFAULT NULL, without name[] DEFAULT '{}',
                                         history_table name DEFAULT NULL) RETURNS regclass
    LANGUAGE c SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_track_history';
COMMENT ON FUNCTION softdelete.track_history(regclass, interval, name[], name) IS
    'Gives the table a history, in which every change of a row is recorded from now on; returns the history table.';

CREATE FUNCTION softdelete.untrack_history(relation regclass, entries text DEFAULT 'keep') RETURNS void
    LANGUAGE c SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_untrack_history';
COMMENT ON FUNCTION softdelete.untrack_history(regclass, text) IS
    'Ends the recording of the table''s history. The history table stays, as a plain table, or is dropped.';

CREATE FUNCTION softdelete.history_at(relation regclass, at timestamptz, VARIADIC key "any") RETURNS jsonb
    LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_history_at';
CREATE FUNCTION softdelete.history_at(relation regclass, at timestamptz, VARIADIC key text[]) RETURNS jsonb
    LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_history_at';
COMMENT ON FUNCTION softdelete.history_at(regclass, timestamptz, "any") IS
    'The row with that primary key as it was at that time; NULL where there was none.';
COMMENT ON FUNCTION softdelete.history_at(regclass, timestamptz, text[]) IS
    'The row with that primary key as it was at that time; NULL where there was none.';

CREATE FUNCTION softdelete.history_of(relation regclass, VARIADIC key "any")
    RETURNS TABLE (changed_at timestamptz, kind text, actor text, diff text, reason text, transaction_at timestamptz,
                   statement_at timestamptz, transaction xid8, deletion_id bigint, old jsonb, new jsonb)
    LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_history_of';
CREATE FUNCTION softdelete.history_of(relation regclass, VARIADIC key text[])
    RETURNS TABLE (changed_at timestamptz, kind text, actor text, diff text, reason text, transaction_at timestamptz,
                   statement_at timestamptz, transaction xid8, deletion_id bigint, old jsonb, new jsonb)
    LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_history_of';
COMMENT ON FUNCTION softdelete.history_of(regclass, "any") IS
    'The life of the row with that primary key, change by change in their order, with what changed.';
COMMENT ON FUNCTION softdelete.history_of(regclass, text[]) IS
    'The life of the row with that primary key, change by change in their order, with what changed.';

CREATE FUNCTION softdelete_internal.history_entries(relation regclass)
    RETURNS TABLE (changed_at timestamptz, kind text, actor text, diff text, reason text, transaction_at timestamptz,
                   statement_at timestamptz, transaction xid8, deletion_id bigint, old jsonb, new jsonb)
    LANGUAGE c STABLE STRICT ROWS 10000 SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_history_entries';
COMMENT ON FUNCTION softdelete_internal.history_entries(regclass) IS
    'Internal: all entries of a table''s history, in the order in which they were written; none where the reader may not see them.';

-- Whoever may read the history table may read it here; nobody else sees that there is one.
CREATE VIEW softdelete.history AS
    SELECT t.relation, e.changed_at, e.kind, e.actor, e.diff, e.reason, e.transaction_at, e.statement_at, e.transaction,
           e.deletion_id, e.old, e.new
    FROM softdelete_internal.tracked_table t
    CROSS JOIN LATERAL softdelete_internal.history_entries(t.relation) e
    WHERE pg_catalog.has_table_privilege(t.history::pg_catalog.oid, 'SELECT');
COMMENT ON VIEW softdelete.history IS 'All changes of the tables with a history that the reader may read.';
