-- Keys of a type that casts to another one by itself, as object-relational mappers make their enumerations do: their own operator
-- has the name of another one that fits as well. What the name leaves open, the key's index says.
\set QUIET on
CREATE ROLE regress_implicit_casts;
CREATE SCHEMA regress_implicit_casts AUTHORIZATION regress_implicit_casts;
SET SESSION AUTHORIZATION regress_implicit_casts;
SET search_path = regress_implicit_casts;
SET client_min_messages = error;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad');
CREATE CAST (mood AS text) WITH INOUT AS IMPLICIT;
CREATE DOMAIN good AS mood CHECK (VALUE <> 'sad');
CREATE TYPE pair AS (a int, b int);
CREATE CAST (pair AS text) WITH INOUT AS IMPLICIT;
CREATE TYPE span AS RANGE (subtype = int);
CREATE CAST (span AS text) WITH INOUT AS IMPLICIT;
\set QUIET off
CREATE TABLE walk (id int, type text, one text, two text);
INSERT INTO walk VALUES (1, 'mood', 'sad', 'ok'), (2, 'good', 'ok', 'glad'), (3, 'pair', '(1,2)', '(1,3)'),
    (4, 'span', '[1,2)', '[2,3)'), (5, 'mood', 'ok', 'glad');
SELECT ROW(1, 2)::pair = ROW(1, 2)::pair; -- fails

-- What each function does with one of two rows, by the key; and with two of which a unique index has the type.
CREATE FUNCTION try(type text, one text, two text) RETURNS TABLE (what text, result text) LANGUAGE plpgsql AS $$
DECLARE
    command text;
    value text;
BEGIN
    EXECUTE format('CREATE TABLE k (m %s PRIMARY KEY, v text)', type);
    PERFORM softdelete.register('k');
    PERFORM softdelete.track_history('k');
    PERFORM softdelete.set_anonymizer('k', 'v', '''x''');
    EXECUTE format('INSERT INTO k VALUES (%L, ''a''), (%L, ''b'')', one, two);
    FOREACH command IN ARRAY ARRAY[
        'SELECT string_agg(action, '','') FROM softdelete.preview(''k'', %1$L)',
        'SELECT softdelete.delete(''k'', %1$L) > 0',
        'SELECT softdelete.restore(''k'', %1$L)',
        'SELECT softdelete.delete(''k'', %1$L) > 0',
        'SELECT count(*) FROM softdelete.deletions d, softdelete.conflicts(d.id) WHERE d.relation = ''k''::regclass AND d.restored_at IS NULL',
        'SELECT max(softdelete.undo(d.id)) FROM softdelete.deletions d WHERE d.relation = ''k''::regclass AND d.restored_at IS NULL',
        'SELECT softdelete.hold(''k'', ''law'', %1$L) > 0',
        'SELECT softdelete.erase(''k'', ''wish'', %1$L)',
        'SELECT softdelete.anonymize(''k'', ''wish'', %1$L)',
        'SELECT bool_and(softdelete.release(h.id)) FROM softdelete.holds h WHERE h.relation = ''k''::regclass',
        'SELECT softdelete.anonymize(''k'', ''wish'', %1$L) IS NOT NULL',
        'SELECT count(*) FROM softdelete.history_of(''k'', %1$L)',
        'SELECT count(*) FROM softdelete.history_at(''k'', now() + interval ''1 s'', %1$L)',
        'SELECT softdelete.erase(''k'', ''wish'', %1$L) IS NOT NULL',
        'SELECT count(*) FROM softdelete.history_of(''k'', %1$L)',
        'SELECT string_agg(m::text, '','') FROM all_k'] LOOP
        BEGIN
            what := format(command, one);
            EXECUTE what INTO value;
            result := value;
        EXCEPTION WHEN OTHERS THEN
            result := sqlstate || ': ' || sqlerrm;
        END;
        RETURN NEXT;
    END LOOP;
    DROP TABLE k, k_history;
END $$;
CREATE FUNCTION try_index(strategy text, type text, one text) RETURNS TABLE (what text, result text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE u (id int PRIMARY KEY, m %s NOT NULL UNIQUE)', type);
    PERFORM softdelete.register('u', strategy => try_index.strategy);
    EXECUTE format('INSERT INTO u VALUES (1, %L)', one);
    DELETE FROM u;
    EXECUTE format('INSERT INTO u VALUES (2, %L)', one);
    what := strategy || ': conflicts';
    BEGIN
        SELECT string_agg(concat_ws(' ', c.key, c.reason), ',') INTO result
            FROM softdelete.conflicts((SELECT max(deletion_id) FROM all_u)) c;
    EXCEPTION WHEN OTHERS THEN
        result := sqlstate || ': ' || sqlerrm;
    END;
    RETURN NEXT;
    what := strategy || ': restore';
    BEGIN
        PERFORM softdelete.restore('u', 1);
    EXCEPTION WHEN OTHERS THEN
        result := sqlstate || ': ' || sqlerrm;
    END;
    RETURN NEXT;
    DROP TABLE u CASCADE;
    DROP TABLE IF EXISTS u_archive CASCADE;
END $$;
SELECT w.type, t.* FROM walk w, try(w.type, w.one, w.two) t WHERE w.id = 1;
SELECT w.type, t.* FROM walk w, try_index('flag', w.type, w.one) t WHERE w.id = 1;
SELECT w.type, t.* FROM walk w, try_index('archive', w.type, w.one) t WHERE w.id = 1;
-- The other types take the same way.
SELECT w.id, t.* FROM walk w, try(w.type, w.one, w.two) t WHERE w.id > 1 AND t.result ~ '^42' ORDER BY 1, 2;
SELECT w.id, t.* FROM walk w, try_index('flag', w.type, w.one) t WHERE w.id > 1 AND t.result ~ '^42' ORDER BY 1, 2;
SELECT w.id, t.* FROM walk w, try_index('archive', w.type, w.one) t WHERE w.id > 1 AND t.result ~ '^42' ORDER BY 1, 2;

\set QUIET on
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_implicit_casts CASCADE;
DROP ROLE regress_implicit_casts;
