-- Many holds beside few rows: each row is looked up among the holds, where its key can be compared as text, and the holds are
-- looked up among the rows where it cannot. Both find the same rows, for keys of any type, however they are spelled.
\set QUIET on
CREATE ROLE regress_many;
CREATE SCHEMA regress_many AUTHORIZATION regress_many;
SELECT setval('softdelete_internal.hold_id_seq', 5000) \g /dev/null
SET SESSION AUTHORIZATION regress_many;
SET search_path = regress_many;
SET client_min_messages = error;
\set QUIET off
CREATE DOMAIN small AS int CHECK (VALUE < 1000);
CREATE DOMAIN caseless AS text;

-- Makes a table with 12 keys, holds the even ones in the spelling of that expression, and 12 rows below them. Returns what
-- each way of removal and of asking says of every row, the same for all rows that are held and for all that are not.
CREATE FUNCTION walk(type text, key text, spelling text) RETURNS TABLE (is_held boolean, outcome text, rows bigint)
LANGUAGE plpgsql AS $$
DECLARE value text; spelled text; i int; way text;
BEGIN
    EXECUTE format('CREATE TABLE parents (id %1$s PRIMARY KEY, number int); CREATE TABLE children (id int PRIMARY KEY, '
        'parent %1$s REFERENCES parents ON DELETE CASCADE)', type);
    PERFORM softdelete.register('parents', cascade => true, retention => '0');
    EXECUTE format('INSERT INTO parents SELECT %s, g FROM generate_series(1, 12) g', key);
    INSERT INTO children SELECT number, id FROM parents;
    FOR i IN 2..12 BY 2 LOOP
        EXECUTE format('SELECT (%s)::text FROM (VALUES ($1)) AS v (g)', spelling) INTO spelled USING i;
        PERFORM softdelete.hold('parents', 'case', VARIADIC ARRAY[spelled]);
    END LOOP;
    CREATE TEMP TABLE results (is_held boolean, outcome text);
    DELETE FROM parents WHERE number <= 6;
    UPDATE all_parents SET deleted_at = now() - interval '1 day' WHERE deleted_at IS NOT NULL;
    UPDATE all_children SET deleted_at = now() - interval '1 day' WHERE deleted_at IS NOT NULL;
    FOR i IN 1..12 LOOP
        SELECT p.id::text INTO value FROM all_parents p WHERE p.number = i;
        FOREACH way IN ARRAY ARRAY['erase', 'erase child', 'delete', 'delete child'] LOOP
            BEGIN
                PERFORM set_config('softdelete.visibility', 'all', true);
                CASE way
                    WHEN 'erase' THEN PERFORM softdelete.erase('parents', 'request', VARIADIC ARRAY[value]);
                    WHEN 'erase child' THEN PERFORM softdelete.erase('children', 'request', i);
                    WHEN 'delete' THEN DELETE FROM parents WHERE number = i AND deleted_at IS NOT NULL;
                    WHEN 'delete child' THEN DELETE FROM children WHERE id = i AND deleted_at IS NOT NULL;
                END CASE;
                RAISE EXCEPTION USING ERRCODE = 'XX999';
            EXCEPTION
                WHEN SQLSTATE 'XX999' THEN INSERT INTO results VALUES (i % 2 = 0, way || ': done');
                WHEN object_not_in_prerequisite_state THEN
                    INSERT INTO results VALUES (i % 2 = 0, way || ': ' || regexp_replace(sqlerrm, '.* that is', 'is'));
            END;
        END LOOP;
    END LOOP;
    PERFORM set_config('softdelete.visibility', 'active', true);
    INSERT INTO results SELECT NULL, 'preview: ' || p.due || ' due, ' || p.held || ' held' FROM softdelete.purge_preview('parents') p;
    INSERT INTO results SELECT NULL, 'preview: ' || p.due || ' due, ' || p.held || ' held' FROM softdelete.purge_preview('children') p;
    DELETE FROM children WHERE id < 4 AND deleted_at IS NOT NULL AND id % 2 = 1;
    PERFORM softdelete.release(h.id) FROM softdelete.holds h WHERE h.relation = 'parents'::regclass AND h.released_at IS NULL;
    INSERT INTO results SELECT NULL, 'preview: ' || p.due || ' due, ' || p.held || ' held' FROM softdelete.purge_preview('parents') p;
    RETURN QUERY SELECT r.is_held, r.outcome, count(*) FROM results r GROUP BY 1, 2 ORDER BY 1, 2;
    DROP TABLE results, children, parents CASCADE;
END $$;

SELECT * FROM walk('int', 'g', 'g');
-- The others are as that one.
SELECT array_agg(w ORDER BY w.is_held, w.outcome) AS expected FROM walk('int', 'g', 'g') w \gset
SELECT k.type, (SELECT array_agg(w ORDER BY w.is_held, w.outcome) FROM walk(k.type, k.key, k.spelling) w)::text = :'expected' AS is_same
FROM (VALUES
    ('smallint', 'g', '''0'' || g'),
    ('bigint', '4e9::bigint + g', '4000000000 + g'),
    ('oid', 'g', 'g'),
    ('small', 'g', '''+'' || g'),
    ('uuid', 'md5(g::text)::uuid', 'upper(md5(g::text))'),
    ('text', '''key '' || g', '''key '' || g'),
    ('text COLLATE "C"', '''É"{'' || g', '''É"{'' || g'),
    ('varchar(9)', '''key '' || g', '''key '' || g'),
    ('caseless', 'g || '' ''', 'g || '' '''),
    ('char(9)', 'g', 'g || ''  '''),
    ('numeric', 'g', 'g || ''.00'''),
    ('float8', 'g', 'g || ''e0'''),
    ('date', '''2000-01-01''::date + g', 'to_char(''2000-01-01''::date + g, ''YYYYMMDD'')'),
    ('timestamptz', '''2000-01-01 00:00Z''::timestamptz + g * interval ''1 h''',
        'to_char(''2000-01-01''::timestamp + g * interval ''1 h'', ''YYYY-MM-DD HH24:MI:SS'') || ''Z'''),
    ('bytea', 'convert_to(g::text, ''UTF8'')', 'convert_to(g::text, ''UTF8'')'),
    ('int[]', 'ARRAY[g]', '''{ '' || g || '' }''')) k (type, key, spelling);

\set QUIET on
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_many CASCADE;
DROP ROLE regress_many;
