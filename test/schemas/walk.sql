-- Walks through any schema: registers its tables, deletes and restores rows of each, takes the registrations back, and
-- notes what happened in walk.outcome. Knows a table's content by a checksum over all its rows and columns as text.
-- Run as the owner of the schema named in walk.subject. Procedures commit, so that each deletion is one of its own.
CREATE SCHEMA walk;

-- The tables before any registration.
CREATE TABLE walk.subject_table (
    relation regclass PRIMARY KEY,
    columns text NOT NULL,
    key name[] NOT NULL, -- of the primary key; empty where there is none
    rows bigint NOT NULL,
    checksum text NOT NULL
);

CREATE TABLE walk.outcome (
    id bigint GENERATED ALWAYS AS IDENTITY,
    phase text NOT NULL,
    relation regclass,
    result text NOT NULL, -- ok, refused: what the server or register() refuses; failed: what must not be
    detail text,
    ms numeric
);

-- Deleted rows included.
CREATE FUNCTION walk.checksum(relation regclass, columns text, OUT rows bigint, OUT checksum text)
    LANGUAGE plpgsql SET softdelete.visibility = 'all' AS $$
BEGIN
    EXECUTE format('SELECT count(*), coalesce(md5(string_agg(h, '''' ORDER BY h)), '''')'
                   ' FROM (SELECT md5(ROW(%s)::text) AS h FROM ONLY %s) t', columns, relation) INTO rows, checksum;
END $$;

CREATE FUNCTION walk.note(phase text, relation regclass, result text, detail text DEFAULT NULL, ms numeric DEFAULT NULL)
    RETURNS void LANGUAGE sql AS
    'INSERT INTO walk.outcome (phase, relation, result, detail, ms) VALUES ($1, $2, $3, $4, $5)';

CREATE FUNCTION walk.ms_since(timestamptz) RETURNS numeric LANGUAGE sql AS
    'SELECT round(1000 * extract(epoch FROM clock_timestamp() - $1), 1)';

CREATE PROCEDURE walk.begin(subject regnamespace) LANGUAGE sql AS $$
    INSERT INTO walk.subject_table
    SELECT t.oid, t.columns, t.key, s.*
    FROM (SELECT c.oid::regclass,
                 string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns,
                 coalesce(array_agg(a.attname ORDER BY array_position(i.indkey::int2[], a.attnum))
                          FILTER (WHERE a.attnum = ANY (i.indkey)), '{}') AS key
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
          WHERE c.relkind = 'r' AND c.relnamespace = subject
          GROUP BY c.oid) t,
         LATERAL walk.checksum(t.oid, t.columns) s;
$$;

-- The primary key of the n-th row, counted over the live ones.
CREATE FUNCTION walk.get_key(subject walk.subject_table, n bigint) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    found_key text[];
    key_columns text := (SELECT string_agg(quote_ident(k), ', ') FROM unnest(subject.key) k);
BEGIN
    EXECUTE format('SELECT ARRAY[%s]::text[] FROM %s ORDER BY %1$s OFFSET %3$s LIMIT 1', key_columns, subject.relation, n)
        INTO found_key;
    RETURN found_key;
END $$;

CREATE FUNCTION walk.make_condition(subject walk.subject_table, key text[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%I = %L', k.name, k.value), ' AND ') FROM unnest(subject.key, key) k (name, value)
$$;

-- Rows that this session has physically removed so far, per table, whether or not that was rolled back.
CREATE FUNCTION walk.count_physically_deleted() RETURNS jsonb LANGUAGE sql AS $$
    SELECT coalesce(jsonb_object_agg(relid::regclass, n_tup_del), '{}') FROM pg_stat_xact_user_tables
    WHERE n_tup_del > 0 AND relid IN (SELECT relation FROM walk.subject_table)
$$;

-- What a physical DELETE of one row with the server's own cascades would remove, per table; null where it refuses.
CREATE FUNCTION walk.count_native_delete(subject walk.subject_table, key text[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := walk.count_physically_deleted();
    counts jsonb;
BEGIN
    PERFORM set_config('softdelete.deletion', 'hard', true);
    EXECUTE format('DELETE FROM %s WHERE %s', subject.relation, walk.make_condition(subject, key));
    counts := (SELECT jsonb_object_agg(e.key, e.value::bigint - coalesce(before ->> e.key, '0')::bigint)
               FROM jsonb_each_text(walk.count_physically_deleted()) e
               WHERE e.value::bigint > coalesce(before ->> e.key, '0')::bigint);
    RAISE EXCEPTION USING ERRCODE = 'WALK0';
EXCEPTION
    WHEN SQLSTATE 'WALK0' THEN
        RETURN counts;
    WHEN foreign_key_violation OR restrict_violation THEN
        RETURN NULL;
END $$;

-- DELETE of one row; the error where the server refuses it because of a foreign key.
CREATE FUNCTION walk.delete_row(phase text, subject walk.subject_table, key text[]) RETURNS text
    LANGUAGE plpgsql AS $$
DECLARE
    rows bigint;
BEGIN
    EXECUTE format('DELETE FROM %s WHERE %s', subject.relation, walk.make_condition(subject, key));
    GET DIAGNOSTICS rows = ROW_COUNT;
    IF rows <> 1 THEN
        PERFORM walk.note(phase, subject.relation, 'failed', format('%s: DELETE %s', key, rows));
    END IF;
    RETURN NULL;
EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

-- How many rows of each table a deletion holds, by the tables themselves and by the archives of those that have one.
CREATE FUNCTION walk.count_deletion(deletion bigint) RETURNS jsonb LANGUAGE plpgsql
    SET softdelete.visibility = 'all' AS $$
DECLARE
    counts jsonb := '{}';
    member regclass;
    source text;
    rows bigint;
BEGIN
    FOR member, source IN
        SELECT a.attrelid, a.attrelid::regclass::text FROM pg_attribute a JOIN walk.subject_table s ON s.relation = a.attrelid
        WHERE a.attname = 'deletion_id'
        UNION ALL SELECT c.oid, format('%s.%I', c.relnamespace::regnamespace, t.deleted_view)
        FROM softdelete.tables t JOIN pg_class c ON c.oid = t.relation WHERE t.strategy = 'archive'
    LOOP
        EXECUTE format('SELECT count(*) FROM %s WHERE deleted_at IS NOT NULL AND deletion_id = $1', source)
            INTO rows USING deletion;
        IF rows > 0 THEN
            counts := counts || jsonb_build_object(member::text, rows);
        END IF;
    END LOOP;
    RETURN counts;
END $$;

-- True of a table that trigger functions of the schema write to: what happened to the others stays in it.
CREATE FUNCTION walk.is_journal(relation regclass) RETURNS boolean LANGUAGE sql AS $$
    SELECT EXISTS (SELECT FROM pg_proc p, pg_class c
                   WHERE c.oid = relation AND p.prorettype = 'trigger'::regtype AND p.pronamespace = c.relnamespace
                         AND p.prosrc ~* format('\minsert into %s\M', c.relname))
$$;

-- Compares tables with what they were, softdelete's columns included.
CREATE PROCEDURE walk.compare(phase text, only_table regclass DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    subject walk.subject_table;
    rows_now bigint;
    checksum_now text;
    changed bigint;
BEGIN
    FOR subject IN
        SELECT * FROM walk.subject_table WHERE relation = coalesce(only_table, relation) AND NOT walk.is_journal(relation)
    LOOP
        SELECT s.* INTO rows_now, checksum_now FROM walk.checksum(subject.relation, subject.columns) s;
        changed := walk.count_marked(subject.relation);
        IF (rows_now, checksum_now, changed) <> (subject.rows, subject.checksum, 0::bigint) THEN
            PERFORM walk.note(phase, subject.relation, 'failed',
                              format('%s of %s rows, %s still marked', rows_now, subject.rows, changed));
        END IF;
    END LOOP;
END $$;

-- Rows with anything in softdelete's columns.
CREATE FUNCTION walk.count_marked(relation regclass) RETURNS bigint LANGUAGE plpgsql
    SET softdelete.visibility = 'all' AS $$
DECLARE
    rows bigint := 0;
BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = relation AND attname = 'deletion_id') THEN
        EXECUTE format('SELECT count(*) FROM %s'
                       ' WHERE num_nonnulls(deleted_at, deleted_by, deletion_id) > 0', relation) INTO rows;
    END IF;
    RETURN rows;
END $$;

-- Deletes and restores the first row that the server lets go.
CREATE PROCEDURE walk.delete_and_restore(subject walk.subject_table) LANGUAGE plpgsql AS $$
DECLARE
    row_key text[];
    refusal text := '';
    attempt int := 0;
    restored bigint;
    held bigint;
    live bigint;
BEGIN
    WHILE refusal IS NOT NULL AND attempt < least(subject.rows, 10) LOOP
        row_key := walk.get_key(subject, attempt);
        refusal := walk.delete_row('delete', subject, row_key);
        attempt := attempt + 1;
        COMMIT;
    END LOOP;
    IF refusal IS NOT NULL THEN
        PERFORM walk.note('delete', subject.relation, 'refused', refusal);
        RETURN;
    END IF;
    EXECUTE format('SELECT count(*) FROM %s WHERE %s', subject.relation, walk.make_condition(subject, row_key)) INTO live;
    held := (SELECT sum(e.value::bigint) FROM jsonb_each_text(walk.count_deletion(
                (SELECT max(id) FROM softdelete.deletions))) e);
    restored := softdelete.restore(subject.relation, VARIADIC row_key);
    COMMIT;
    PERFORM walk.note('delete', subject.relation, CASE WHEN live = 0 AND held = restored THEN 'ok' ELSE 'failed' END,
                      format('%s: %s live, %s deleted, %s restored', row_key, live, held, restored));
    CALL walk.compare('restore', subject.relation);
END $$;

CREATE PROCEDURE walk.register(relation regclass, cascade boolean) LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
BEGIN
    PERFORM softdelete.register(relation, cascade => cascade);
    PERFORM walk.note('register', relation, 'ok', NULL, walk.ms_since(began));
EXCEPTION WHEN OTHERS THEN
    PERFORM walk.note('register', relation, 'refused', SQLSTATE || ' ' || SQLERRM);
END $$;

-- One table after the other, each tried before the next one is registered.
CREATE PROCEDURE walk.register_one_by_one() LANGUAGE plpgsql AS $$
DECLARE
    subject walk.subject_table;
BEGIN
    FOR subject IN SELECT * FROM walk.subject_table ORDER BY relation::text LOOP
        CALL walk.register(subject.relation, false);
        COMMIT;
        IF subject.rows > 0 AND subject.key <> '{}' THEN
            CALL walk.delete_and_restore(subject);
        END IF;
    END LOOP;
END $$;

-- Those that reference no other table first; each with all that reference it by ON DELETE CASCADE.
CREATE PROCEDURE walk.register_from_roots() LANGUAGE plpgsql AS $$
DECLARE
    subject regclass;
BEGIN
    FOR subject IN SELECT s.relation FROM walk.subject_table s
                   ORDER BY EXISTS (SELECT FROM pg_constraint c WHERE c.contype = 'f' AND c.conrelid = s.relation
                                    AND c.confrelid <> s.relation), s.relation::text LOOP
        IF NOT EXISTS (SELECT FROM softdelete.tables t WHERE t.relation = subject) THEN
            CALL walk.register(subject, true);
            COMMIT;
        END IF;
    END LOOP;
END $$;

CREATE PROCEDURE walk.unregister_all() LANGUAGE plpgsql AS $$
DECLARE
    subject regclass;
    began timestamptz;
BEGIN
    FOR subject IN SELECT t.relation FROM softdelete.tables t ORDER BY t.relation::text DESC LOOP
        began := clock_timestamp();
        PERFORM softdelete.unregister(subject);
        PERFORM walk.note('unregister', subject, 'ok', NULL, walk.ms_since(began));
        COMMIT;
    END LOOP;
END $$;

-- Deletes a random row and undoes that. What preview says beforehand is what happens, and what would happen without
-- softdelete.
CREATE PROCEDURE walk.delete_and_undo(subject walk.subject_table) LANGUAGE plpgsql AS $$
DECLARE
    row_key text[] := walk.get_key(subject, floor(random() * subject.rows)::bigint);
    native jsonb := walk.count_native_delete(subject, row_key);
    refusal text;
    is_refused boolean;
    expected jsonb;
    actual jsonb := '{}';
    deletion bigint;
    undone bigint := 0;
    rows bigint;
BEGIN
    COMMIT;
    SELECT coalesce(bool_or(p.action = 'refuse'), false),
           (SELECT coalesce(jsonb_object_agg(c.relation::text, c.rows), '{}')
            FROM (SELECT q.relation, sum(q.rows) AS rows FROM softdelete.preview(subject.relation, VARIADIC row_key) q
                  WHERE q.action IN ('delete', 'cascade') GROUP BY q.relation) c)
        INTO is_refused, expected FROM softdelete.preview(subject.relation, VARIADIC row_key) p;
    refusal := walk.delete_row('random', subject, row_key);
    IF refusal IS NULL THEN
        deletion := (SELECT max(id) FROM softdelete.deletions);
        actual := walk.count_deletion(deletion);
        COMMIT;
        undone := softdelete.undo(deletion);
    ELSIF is_refused THEN
        expected := '{}';
    END IF;
    native := coalesce(native, '{}');
    COMMIT;
    rows := (SELECT coalesce(sum(e.value::bigint), 0) FROM jsonb_each_text(actual) e);
    PERFORM walk.note('random', subject.relation,
                      CASE WHEN actual <> expected OR actual <> native OR rows <> undone THEN 'failed'
                           WHEN refusal IS NOT NULL THEN 'refused' ELSE 'ok' END,
                      coalesce(refusal, format('%s: previewed %s, deleted %s, natively %s, undone %s', row_key, expected,
                                               actual, native, undone)));
END $$;

CREATE PROCEDURE walk.delete_and_undo_random_rows(number int, seed float8) LANGUAGE plpgsql AS $$
DECLARE
    subjects walk.subject_table[] := ARRAY(SELECT s FROM walk.subject_table s
                                           WHERE s.rows > 0 AND s.key <> '{}' ORDER BY s.relation::text);
BEGIN
    PERFORM setseed(seed);
    FOR i IN 1 .. number LOOP
        CALL walk.delete_and_undo(subjects[1 + floor(random() * cardinality(subjects))]);
    END LOOP;
END $$;
