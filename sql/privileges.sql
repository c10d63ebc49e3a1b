-- Who may do what: each statement as each role. A number is how many rows it processed, or the number that it returned;
-- otherwise the SQLSTATE.
-- The ids of deletions and holds are in what it prints.
SELECT setval('softdelete_internal.deletion_id_seq', 80000), setval('softdelete_internal.hold_id_seq', 800);
CREATE ROLE regress_priv_owner;
CREATE ROLE regress_priv_other;     -- owns the child table
CREATE ROLE regress_priv_delete;    -- DELETE and nothing else
CREATE ROLE regress_priv_deleter;   -- SELECT and DELETE
CREATE ROLE regress_priv_updater;   -- SELECT and UPDATE
CREATE ROLE regress_priv_writer;    -- SELECT, INSERT, UPDATE and DELETE
CREATE ROLE regress_priv_reader;    -- SELECT
CREATE ROLE regress_priv_stranger;
CREATE ROLE regress_priv_admin;     -- SELECT, and one of admin_roles
CREATE SCHEMA regress_priv;
GRANT USAGE, CREATE ON SCHEMA regress_priv TO PUBLIC;
SET search_path = regress_priv;
SET ROLE regress_priv_owner;
CREATE TABLE parents (id int PRIMARY KEY, name text UNIQUE);
GRANT REFERENCES ON parents TO regress_priv_other;
GRANT DELETE ON parents TO regress_priv_delete;
GRANT SELECT, DELETE ON parents TO regress_priv_deleter;
GRANT SELECT, UPDATE ON parents TO regress_priv_updater;
GRANT SELECT, INSERT, UPDATE, DELETE ON parents TO regress_priv_writer;
GRANT SELECT ON parents TO regress_priv_reader, regress_priv_admin;
CREATE TABLE plain (id int PRIMARY KEY);
SET ROLE regress_priv_other;
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
CREATE INDEX ON children (parent);
SELECT count(*) > 0 AS registered FROM softdelete.register('children', retention => '1 day');
SET ROLE regress_priv_owner;
SELECT count(*) > 0 AS registered FROM softdelete.register('parents', retention => '1 day');
GRANT SELECT ON all_parents TO PUBLIC;
INSERT INTO parents VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd');
RESET ROLE;
INSERT INTO children VALUES (1, 1), (2, 2);
DELETE FROM parents WHERE id = 2;
BEGIN;
SET LOCAL softdelete.reason = 'another';
DELETE FROM parents WHERE id = 3;
COMMIT;
UPDATE parents SET deleted_at = now() WHERE id = 4;
UPDATE parents SET deleted_at = now() - interval '2 days' WHERE id = 4 AND deleted_at IS NOT NULL;
SELECT id AS undoable FROM softdelete.deletions WHERE reason = 'another' \gset
SELECT softdelete.hold('parents', 'a case', 3) AS hold \gset

CREATE FUNCTION try(role name, statement text) RETURNS text LANGUAGE plpgsql SET client_min_messages = warning AS $$
DECLARE
    n bigint;
    rows bigint;
BEGIN
    PERFORM set_config('role', role, true);
    IF statement LIKE 'SELECT %' THEN
        EXECUTE statement INTO n;
    ELSE
        EXECUTE statement;
        GET DIAGNOSTICS n = ROW_COUNT;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'RR000', MESSAGE = coalesce(n::text, 'null');
EXCEPTION
    WHEN SQLSTATE 'RR000' THEN RETURN sqlerrm;
    WHEN OTHERS THEN RETURN sqlstate;
END $$;
CREATE PROCEDURE matrix(statements text[]) LANGUAGE plpgsql AS $$
DECLARE
    statement text;
    role text;
    line text;
BEGIN
    FOREACH statement IN ARRAY statements LOOP
        line := '';
        FOREACH role IN ARRAY '{owner,other,delete,deleter,updater,writer,reader,stranger,admin,superuser}'::text[] LOOP
            line := line || format(' %s=%s', role, try(CASE role WHEN 'superuser' THEN session_user ELSE 'regress_priv_' || role END, statement));
        END LOOP;
        RAISE INFO '% |%', statement, line;
    END LOOP;
END $$;
\set VERBOSITY terse

-- Statements on the table.
CALL matrix(ARRAY[
    $$SELECT count(*) FROM parents$$,
    $$SELECT count(*) FROM parents WHERE deleted_at IS NOT NULL$$,
    $$SELECT count(*) FROM all_parents$$,
    $$INSERT INTO parents VALUES (9)$$,
    $$DELETE FROM parents$$,
    $$DELETE FROM parents WHERE id = 1$$,
    $$DELETE FROM parents WHERE id = 1 RETURNING id$$,
    $$MERGE INTO parents p USING (VALUES (1)) v (id) ON p.id = v.id WHEN MATCHED THEN DELETE$$,
    $$UPDATE parents SET deleted_at = now() WHERE id = 1$$,
    $$UPDATE parents SET name = 'x' WHERE id = 1$$,
    $$UPDATE parents SET deleted_at = NULL WHERE id = 2$$,
    $$UPDATE parents SET deleted_at = now() - interval '9 days' WHERE id = 2 AND deleted_at IS NOT NULL$$,
    $$UPDATE parents SET deletion_id = 1 WHERE id = 1$$,
    $$DELETE FROM parents WHERE deleted_at < now() - interval '1 day'$$,
    $$TRUNCATE parents CASCADE$$,
    $$ALTER TABLE parents DISABLE TRIGGER USER$$,
    $$DROP TRIGGER softdelete_marker ON parents$$]);

-- The functions.
CALL matrix(ARRAY[
    $$SELECT (softdelete.delete('parents', 1) > 0)::int$$,
    $$SELECT softdelete.restore('parents', 2)$$,
    format($$SELECT softdelete.undo(%s)$$, :undoable),
    format($$SELECT count(*) FROM softdelete.conflicts(%s)$$, :undoable),
    $$SELECT count(*) FROM softdelete.preview('parents', 1)$$,
    $$SELECT (count(*) > 0)::int FROM softdelete.plan('plain')$$,
    $$SELECT (count(*) > 0)::int FROM softdelete.register('plain')$$,
    $$SELECT count(*) FROM softdelete.configure('parents', keep_forever => true)$$,
    $$SELECT count(*) FROM softdelete.repair('parents')$$,
    $$SELECT (count(*) > 0)::int FROM softdelete.unregister('parents', 'keep')$$,
    $$SELECT (softdelete.hold('parents', 'why', 1) > 0)::int$$,
    format($$SELECT softdelete.release(%s)::int$$, :hold),
    $$CALL softdelete.purge('parents')$$,
    $$SELECT count(*) FROM softdelete.purge_preview('parents')$$,
    $$SET LOCAL softdelete.deletion = 'hard'$$]);

-- What the extension keeps, and its internal functions.
CALL matrix(ARRAY[
    $$SELECT count(*) FROM softdelete.tables WHERE relation = 'parents'::regclass$$,
    $$SELECT count(*) FROM softdelete.deletions WHERE relation = 'parents'::regclass$$,
    $$SELECT count(*) FROM softdelete.deletions WHERE rows ? 'regress_priv.children'$$,
    $$SELECT count(*) FROM softdelete_internal.deletion WHERE false$$,
    $$SELECT count(*) FROM softdelete_internal.hold WHERE false$$,
    $$DELETE FROM softdelete_internal.registration WHERE false$$,
    $$UPDATE softdelete_internal.deletion SET reason = NULL WHERE false$$,
    $$INSERT INTO softdelete_internal.deletion_table SELECT 1, 0 WHERE false$$,
    $$SELECT nextval('softdelete_internal.deletion_id_seq') * 0$$,
    $$SELECT softdelete_internal.new_deletion_id('parents')$$,
    $$SELECT softdelete_internal.note_restored(NULL)$$,
    $$SELECT softdelete_internal.sees_deleted('parents')::int$$]);

-- Under rls the same, but that deleted rows are for the owner, the admin role and superusers.
SELECT count(*) > 0 AS configured
    FROM softdelete.configure('parents', visibility => 'rls', admin_roles => '{regress_priv_admin}');
CALL matrix(ARRAY[
    $$SELECT count(*) FROM parents$$,
    $$SELECT count(*) FROM parents WHERE deleted_at IS NOT NULL$$,
    $$SELECT count(*) FROM all_parents$$,
    $$DELETE FROM parents$$,
    $$DELETE FROM parents WHERE id = 1$$,
    $$UPDATE parents SET deleted_at = now() WHERE id = 1$$,
    $$UPDATE parents SET deleted_at = NULL WHERE id = 2$$,
    $$SELECT softdelete.restore('parents', 2)$$,
    format($$SELECT softdelete.undo(%s)$$, :undoable),
    format($$SELECT count(*) FROM softdelete.conflicts(%s)$$, :undoable),
    $$SELECT count(*) FROM softdelete.preview('parents', 1)$$,
    $$SELECT count(*) FROM softdelete.preview('parents', 2)$$,
    $$DELETE FROM parents WHERE deleted_at < now() - interval '1 day'$$]);

-- A reader's own function, however cheap he calls it, is given no value that is not meant for him: PP000 is an error of it.
SET ROLE regress_priv_owner;
SELECT softdelete.erase('parents', 'a request', 4) IS NOT NULL AS erased;
CALL softdelete.purge('parents');
RESET ROLE;
CREATE FUNCTION tell(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    IF value IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PP000', MESSAGE = value;
    END IF;
    RETURN true;
END $$;
CALL matrix(ARRAY[
    $$SELECT count(*) FROM softdelete.deletions WHERE tell(reason)$$,
    $$SELECT count(*) FROM softdelete.deletions WHERE tell(deleted_by)$$,
    $$SELECT count(*) FROM softdelete.deletions WHERE tell(deleted_at::text)$$,
    $$SELECT count(*) FROM softdelete.deletions WHERE rows <> '{}' AND tell(rows::text)$$,
    $$SELECT count(*) FROM softdelete.purge_log WHERE tell(run_by)$$,
    $$SELECT count(*) FROM softdelete.holds WHERE tell(reason)$$,
    $$SELECT count(*) FROM softdelete.erasure_log WHERE tell(reason)$$]);

SET client_min_messages = warning;
SELECT softdelete.release(:hold);
DROP SCHEMA regress_priv CASCADE;
DROP ROLE regress_priv_owner, regress_priv_other, regress_priv_delete, regress_priv_deleter, regress_priv_updater,
    regress_priv_writer, regress_priv_reader, regress_priv_stranger, regress_priv_admin;
