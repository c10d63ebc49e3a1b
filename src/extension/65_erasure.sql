-- Erasure and anonymization of single subjects, and the log that proves them.

CREATE SEQUENCE softdelete_internal.erasure_id_seq AS bigint;
COMMENT ON SEQUENCE softdelete_internal.erasure_id_seq IS 'Gives the ids of erasures.';

CREATE TABLE softdelete_internal.erasure (
    id         bigint      PRIMARY KEY DEFAULT pg_catalog.nextval('softdelete_internal.erasure_id_seq'),
    action     text        NOT NULL CHECK (action IN ('erase', 'anonymize')),
    relation   regclass,
    table_name text        NOT NULL,
    erased_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    erased_by  text        NOT NULL DEFAULT SESSION_USER,
    role       text        NOT NULL,
    reason     text        NOT NULL,
    rows       jsonb       NOT NULL,
    not_reached text[]     NOT NULL,
    key        text[],
    digest     text        NOT NULL
);
COMMENT ON TABLE softdelete_internal.erasure IS 'Who erased or anonymized what, when and why; see the view softdelete.erasure_log.';
COMMENT ON COLUMN softdelete_internal.erasure.relation IS 'NULL once the table was dropped.';
COMMENT ON COLUMN softdelete_internal.erasure.erased_by IS 'The session''s user.';
COMMENT ON COLUMN softdelete_internal.erasure.role IS 'The role that SET ROLE gave, or the session''s user.';
COMMENT ON COLUMN softdelete_internal.erasure.rows IS 'How many rows of which tables were removed or overwritten.';
COMMENT ON COLUMN softdelete_internal.erasure.not_reached IS
    'Which rows that reference the subject stayed as they were, and why; and what no statement reaches.';
COMMENT ON COLUMN softdelete_internal.erasure.key IS 'The primary key''s values, where all are integers or uuids.';
COMMENT ON COLUMN softdelete_internal.erasure.digest IS
    'SHA-256 in hex of the key''s text; of a key of several columns, of the text of the array of their texts.';

CREATE TABLE softdelete_internal.anonymizer (
    relation    regclass NOT NULL,
    column_name name     NOT NULL,
    expression  text     NOT NULL,
    objects     text[]   NOT NULL,
    PRIMARY KEY (relation, column_name)
);
COMMENT ON TABLE softdelete_internal.anonymizer IS 'What softdelete.anonymize() writes into which columns.';
COMMENT ON COLUMN softdelete_internal.anonymizer.expression IS 'SQL over the columns of the row, as the server deparses it.';
COMMENT ON COLUMN softdelete_internal.anonymizer.objects IS
    'What the expression names besides columns of its table and what the server brings: kinds and identities of objects, without quotes that names do not need.';

SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.erasure_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.erasure', '');
SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.anonymizer', '');

CREATE FUNCTION softdelete.erase(relation regclass, reason text, VARIADIC key "any") RETURNS jsonb
    -- search_path: the library pins it, except while triggers of the tables may fire
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_erase';
CREATE FUNCTION softdelete.erase(relation regclass, reason text, VARIADIC key text[]) RETURNS jsonb
    -- search_path: the library pins it, except while triggers of the tables may fire
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_erase';
COMMENT ON FUNCTION softdelete.erase(regclass, text, "any") IS
    'Removes the row with that primary key, live or deleted, and what references it by CASCADE; returns the log entry.';
COMMENT ON FUNCTION softdelete.erase(regclass, text, text[]) IS
    'Removes the row with that primary key, live or deleted, and what references it by CASCADE; returns the log entry.';

CREATE FUNCTION softdelete.anonymize(relation regclass, reason text, VARIADIC key "any") RETURNS jsonb
    -- search_path: the library pins it, except while triggers of the tables may fire
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_anonymize';
CREATE FUNCTION softdelete.anonymize(relation regclass, reason text, VARIADIC key text[]) RETURNS jsonb
    -- search_path: the library pins it, except while triggers of the tables may fire
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_anonymize';
COMMENT ON FUNCTION softdelete.anonymize(regclass, text, "any") IS
    'Overwrites the row with that primary key, and what references it by any key, by the tables'' rules; returns the log entry.';
COMMENT ON FUNCTION softdelete.anonymize(regclass, text, text[]) IS
    'Overwrites the row with that primary key, and what references it by any key, by the tables'' rules; returns the log entry.';

CREATE FUNCTION softdelete.set_anonymizer(relation regclass, col name, expression text) RETURNS void
    LANGUAGE c SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_set_anonymizer';
COMMENT ON FUNCTION softdelete.set_anonymizer(regclass, name, text) IS
    'Sets what softdelete.anonymize() writes into a column, an expression over the row''s columns; NULL takes the rule away.';

CREATE VIEW softdelete.erasure_log WITH (security_barrier) AS
    SELECT e.id, e.action, e.relation, e.table_name, e.erased_at, e.erased_by, e.role, e.reason, e.rows, e.key, e.digest, e.not_reached
    FROM softdelete_internal.erasure e
    WHERE pg_catalog.has_table_privilege(e.relation::pg_catalog.oid, 'SELECT')
       OR pg_catalog.pg_has_role('pg_database_owner', 'USAGE');
COMMENT ON VIEW softdelete.erasure_log IS
    'Erasures and anonymizations of tables that the reader may read; to the owner of the database, of all.';

CREATE VIEW softdelete.anonymizers AS
    SELECT a.relation, a.column_name, a.expression
    FROM softdelete_internal.anonymizer a
    WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = a.relation);
COMMENT ON VIEW softdelete.anonymizers IS 'What softdelete.anonymize() writes into which columns: the rules of set_anonymizer().';
