-- Legal holds: rows that nothing may remove or overwrite until they are released.

CREATE SEQUENCE softdelete_internal.hold_id_seq AS bigint;
COMMENT ON SEQUENCE softdelete_internal.hold_id_seq IS 'Gives the ids of holds.';

CREATE TABLE softdelete_internal.hold (
    id          bigint      PRIMARY KEY DEFAULT pg_catalog.nextval('softdelete_internal.hold_id_seq'),
    relation    regclass    NOT NULL,
    key         text[],
    reason      text,
    held_at     timestamptz NOT NULL DEFAULT pg_catalog.now(),
    held_by     text        NOT NULL DEFAULT SESSION_USER,
    released_at timestamptz,
    released_by text,
    key_size    integer     GENERATED ALWAYS AS (pg_catalog.cardinality(key)) STORED,
    key_hash    bigint      GENERATED ALWAYS AS (pg_catalog.hash_array_extended(key, 0)) STORED,
    CHECK (released_at IS NOT NULL OR (key IS NOT NULL AND reason IS NOT NULL)),
    CHECK ((released_at IS NULL) = (released_by IS NULL))
);
CREATE INDEX hold_active ON softdelete_internal.hold (relation, key_size, key_hash) WHERE released_at IS NULL;
COMMENT ON TABLE softdelete_internal.hold IS 'Legal holds, released ones included; see the view softdelete.holds.';
COMMENT ON COLUMN softdelete_internal.hold.key IS
    'The primary key''s values in order, as text that any session reads back alike; NULL once the row was erased.';
COMMENT ON COLUMN softdelete_internal.hold.reason IS 'NULL once the row was erased.';
COMMENT ON COLUMN softdelete_internal.hold.key_size IS 'How many columns the key has.';
COMMENT ON COLUMN softdelete_internal.hold.key_hash IS 'For look-ups by key.';
COMMENT ON INDEX softdelete_internal.hold_active IS 'The holds in force, by their rows.';

SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.hold_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.hold', '');

CREATE FUNCTION softdelete.hold(relation regclass, reason text, VARIADIC key "any") RETURNS bigint
    LANGUAGE c SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_hold';
CREATE FUNCTION softdelete.hold(relation regclass, reason text, VARIADIC key text[]) RETURNS bigint
    LANGUAGE c SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_hold';
COMMENT ON FUNCTION softdelete.hold(regclass, text, "any") IS
    'Puts the row with that primary key, and what its removal would take along, under legal hold; returns the hold''s id.';
COMMENT ON FUNCTION softdelete.hold(regclass, text, text[]) IS
    'Puts the row with that primary key, and what its removal would take along, under legal hold; returns the hold''s id.';

CREATE FUNCTION softdelete.release(hold_id bigint) RETURNS boolean
    LANGUAGE c SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_release';
COMMENT ON FUNCTION softdelete.release(bigint) IS
    'Ends a legal hold; returns false where there was none in force with that id.';

CREATE VIEW softdelete.holds WITH (security_barrier) AS
    SELECT h.id, h.relation, h.key, h.reason, h.held_at, h.held_by, h.released_at, h.released_by
    FROM softdelete_internal.hold h
    WHERE pg_catalog.has_table_privilege(h.relation::pg_catalog.oid, 'SELECT');
COMMENT ON VIEW softdelete.holds IS 'Legal holds, those in force and those released, of tables that the reader may read.';
