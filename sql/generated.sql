-- Generated columns and expressions in keys: made of deleted_at, as unique values among live rows are written by hand, or
-- of other columns.
\set QUIET on
CREATE ROLE regress_generated;
CREATE SCHEMA regress_generated AUTHORIZATION regress_generated;
SET SESSION AUTHORIZATION regress_generated;
SET search_path = regress_generated;
\set QUIET off

-- Each of these, in its table: a value is free as soon as its row is deleted, for any number of deleted rows.
CREATE FUNCTION try_index(kind text, statement text) RETURNS TABLE (said text) LANGUAGE plpgsql AS $$
DECLARE
    first bigint;
    definition text;
BEGIN
    CREATE TABLE accounts (id int PRIMARY KEY, email text COLLATE "C", "N o" int, deleted_at timestamptz);
    EXECUTE statement;
    definition := (SELECT pg_get_indexdef('one_live'::regclass));
    PERFORM softdelete.register('accounts');
    said := kind || ': ' || coalesce(pg_get_expr(indpred, indrelid), 'whole') FROM pg_index
        WHERE indexrelid = 'one_live'::regclass;
    RETURN NEXT;
    INSERT INTO accounts VALUES (1, 'ada', 1), (2, 'bob', 2);
    first := softdelete.delete('accounts', 1);
    INSERT INTO accounts VALUES (3, 'ada', 1);
    BEGIN
        INSERT INTO accounts VALUES (4, 'ada', 1);
        said := '  twice among live rows';
        RETURN NEXT;
    EXCEPTION WHEN unique_violation THEN
    END;
    RETURN QUERY SELECT format('  %s %s', key ->> 'id', reason) FROM softdelete.conflicts(first);
    BEGIN
        PERFORM softdelete.undo(first);
        said := '  undone';
        RETURN NEXT;
    EXCEPTION WHEN unique_violation THEN
    END;
    SET LOCAL softdelete.reason = 'another deletion';
    DELETE FROM accounts WHERE id = 3;
    RESET softdelete.reason;
    said := format('  %s conflicts', count(*)) FROM softdelete.conflicts(first);
    RETURN NEXT;
    PERFORM softdelete.undo(first);
    PERFORM softdelete.unregister('accounts', deleted_rows => 'purge');
    IF definition <> pg_get_indexdef('one_live'::regclass) THEN
        said := '  then: ' || pg_get_indexdef('one_live'::regclass);
        RETURN NEXT;
    END IF;
    DROP TABLE accounts;
END$$;
SELECT said FROM (VALUES
    (1, 'constraint on a generated column', $$ALTER TABLE accounts ADD live text COLLATE "C"
        GENERATED ALWAYS AS (CASE WHEN deleted_at IS NULL THEN email END) STORED CONSTRAINT one_live UNIQUE$$),
    (2, 'index on a generated column', $$ALTER TABLE accounts ADD "I s" boolean
        GENERATED ALWAYS AS (deleted_at IS NULL) STORED; CREATE UNIQUE INDEX one_live ON accounts (email, "I s")$$),
    (3, 'constraint on the column', $$ALTER TABLE accounts
        ADD CONSTRAINT one_live UNIQUE NULLS NOT DISTINCT (email, deleted_at)$$),
    (4, 'index on the column', $$CREATE UNIQUE INDEX one_live ON accounts (email, deleted_at) NULLS NOT DISTINCT$$),
    (5, 'infinity', $$CREATE UNIQUE INDEX one_live ON accounts (email, coalesce(deleted_at, 'infinity'))$$),
    (6, 'boolean', $$CREATE UNIQUE INDEX one_live ON accounts (email, (deleted_at IS NULL))$$),
    (7, 'expression', $$CREATE UNIQUE INDEX one_live ON accounts ((CASE WHEN deleted_at IS NULL THEN email END))$$),
    (8, 'included', $$CREATE UNIQUE INDEX one_live ON accounts (email DESC, "N o") INCLUDE (deleted_at)$$),
    (9, 'predicate', $$CREATE UNIQUE INDEX one_live ON accounts (email) WHERE coalesce(deleted_at, 'infinity') = 'infinity'$$),
    (10, 'generated from another', $$ALTER TABLE accounts ADD low text
        GENERATED ALWAYS AS (lower(email)) STORED CONSTRAINT one_live UNIQUE$$),
    (11, 'operator class', $$CREATE UNIQUE INDEX one_live ON accounts (email text_pattern_ops)$$)
) v (position, kind, statement), try_index(kind, statement) ORDER BY position;

-- Foreign keys on columns that are generated from others: the row, not the statement, says what its parent is.
CREATE TABLE groups (id int PRIMARY KEY, code text, "K y" text GENERATED ALWAYS AS (upper(code)) STORED UNIQUE);
CREATE TABLE members (id int PRIMARY KEY, path text,
    grp int GENERATED ALWAYS AS (split_part(path, '/', 1)::int) STORED REFERENCES groups ON DELETE CASCADE,
    grp_key text REFERENCES groups ("K y") ON DELETE CASCADE ON UPDATE CASCADE);
CREATE INDEX ON members (grp);
CREATE INDEX ON members (grp_key);
SELECT count(*) > 0 AS registered FROM softdelete.register('groups', retention => '1 day', cascade => true);
INSERT INTO groups VALUES (1, 'a'), (2, 'b');
INSERT INTO members (id, path, grp_key) VALUES (1, '1/x', 'A'), (2, '2/x', 'B'), (3, '1/y', 'B');
SELECT relation, action, rows FROM softdelete.preview('groups', 1);
DELETE FROM groups WHERE id = 1;
SELECT id, grp, deleted_at IS NOT NULL AS deleted FROM all_members ORDER BY id;
INSERT INTO members (id, path) VALUES (4, '1/z'); -- fails
UPDATE members SET path = '1/z' WHERE id = 2; -- fails
\set VERBOSITY terse
SELECT softdelete.restore('members', 1); -- fails
\set VERBOSITY default
UPDATE members SET deleted_at = NULL WHERE id = 3; -- fails
SELECT softdelete.restore('groups', 1);
UPDATE members SET path = '2/z', deleted_at = now() WHERE id = 1;
DELETE FROM groups WHERE id = 2;
SELECT detail FROM softdelete.conflicts((SELECT deletion_id FROM all_members WHERE id = 1));
SELECT softdelete.undo(deletion_id) FROM all_members WHERE id = 1; -- fails
SELECT softdelete.undo(deletion_id) FROM all_groups WHERE id = 2;
SELECT softdelete.undo(deletion_id) FROM all_members WHERE id = 1;
-- The key of the parent changes with its deletion.
UPDATE groups SET code = 'c', deleted_at = now() WHERE id = 1;
SELECT id, grp, grp_key, deleted_at IS NOT NULL AS deleted FROM all_members ORDER BY id;
SELECT softdelete.undo(deletion_id) FROM all_groups WHERE id = 1;
SELECT id, grp, grp_key FROM members ORDER BY id;
SELECT softdelete.erase('groups', 'request 1', 1) -> 'rows' AS rows;
DELETE FROM groups;
UPDATE groups SET deleted_at = now() - interval '2 days' WHERE deleted_at IS NOT NULL;
UPDATE members SET deleted_at = now() - interval '2 days' WHERE deleted_at IS NOT NULL;
CALL softdelete.purge('groups');
SELECT (SELECT count(*) FROM all_groups) AS groups, (SELECT count(*) FROM all_members) AS members;

-- A foreign key that depends on deleted_at would be another one for a deleted row.
CREATE TABLE parents (id int PRIMARY KEY, deleted_at timestamptz,
    live int GENERATED ALWAYS AS (CASE WHEN deleted_at IS NULL THEN id END) STORED UNIQUE);
CREATE TABLE children (id int PRIMARY KEY, parent int, deleted_at timestamptz,
    live_parent int GENERATED ALWAYS AS (CASE WHEN deleted_at IS NULL THEN parent END) STORED
        CONSTRAINT "Live ""parent" REFERENCES parents ON DELETE CASCADE);
CREATE TABLE others (id int PRIMARY KEY, parent int REFERENCES parents (live) ON DELETE CASCADE);
SELECT count(*) FROM softdelete.register('children'); -- fails
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM softdelete.register('parents'); -- fails
ALTER TABLE children DROP CONSTRAINT "Live ""parent";
DROP TABLE others;
SELECT count(*) > 0 AS registered FROM softdelete.register('children');
ALTER TABLE children ADD FOREIGN KEY (live_parent) REFERENCES parents ON DELETE CASCADE; -- fails

\set QUIET on
SET client_min_messages = warning;
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_generated CASCADE;
DROP ROLE regress_generated;
