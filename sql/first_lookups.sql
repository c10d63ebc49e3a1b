-- What a session remembers it has looked up once. Where the first look-up ends in an error, here by a lock on a catalog that
-- times out, the session is as a fresh one afterwards: it sees the same rows, and its statements do the same.
CREATE EXTENSION dblink;
CREATE SCHEMA regress_first;
SET search_path = regress_first, public;
\set QUIET on
CREATE TABLE parents (id int PRIMARY KEY, name text UNIQUE);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
CREATE TABLE notes (id int PRIMARY KEY, parent int REFERENCES parents);
CREATE INDEX ON children (parent);
SELECT count(*) > 0 AS registered FROM softdelete.register('parents', cascade => true, retention => '1 day');
INSERT INTO parents SELECT i, 'p' || i FROM generate_series(1, 9) i;
INSERT INTO children SELECT i, i FROM generate_series(1, 9) i;
DELETE FROM parents WHERE id > 6;
\set QUIET off

-- All that this session may see and do, taken back again.
CREATE FUNCTION probe() RETURNS text LANGUAGE plpgsql SET search_path = regress_first AS $$
DECLARE
    told text := '';
    found text;
    statement text;
BEGIN
    FOREACH statement IN ARRAY ARRAY[
        'SELECT string_agg(id::text, '','' ORDER BY id) FROM parents',
        'DELETE FROM parents WHERE id = 1 RETURNING ''gone''',
        'SELECT string_agg(id::text, '','' ORDER BY id) FROM children',
        'SELECT string_agg(id::text, '','' ORDER BY id) FROM all_children',
        'INSERT INTO notes VALUES (1, 7) RETURNING ''below a deleted row''',
        'INSERT INTO parents VALUES (20, ''p9'') ON CONFLICT (name) DO UPDATE SET name = ''x'' RETURNING name',
        'UPDATE parents SET deleted_at = NULL WHERE id = 7 RETURNING ''back''',
        'UPDATE parents SET deleted_at = now() WHERE id = 2 RETURNING ''gone''',
        'SELECT string_agg(id::text, '','' ORDER BY id) FROM children'] LOOP
        BEGIN
            EXECUTE statement INTO found;
            told := told || coalesce(found, 'nothing') || '; ';
        EXCEPTION WHEN OTHERS THEN
            told := told || sqlstate || '; ';
        END;
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'RR000', MESSAGE = told;
EXCEPTION WHEN SQLSTATE 'RR000' THEN
    RETURN sqlerrm;
END $$;
SELECT probe();

-- One session holds the lock; another is new, and meets it in its first statement.
CREATE FUNCTION try(catalog text, statement text, OUT is_same boolean, OUT error text) LANGUAGE plpgsql AS $$
DECLARE
    target text := format('host=%s port=%s dbname=%s user=%s', split_part(current_setting('unix_socket_directories'), ',', 1),
                          current_setting('port'), current_database(), session_user);
BEGIN
    PERFORM dblink_connect('fresh', target), dblink_connect('holder', target);
    PERFORM dblink_exec('fresh', 'SET search_path = regress_first; SET lock_timeout = ''20ms''');
    PERFORM dblink_exec('holder', format('BEGIN; LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', catalog));
    BEGIN
        PERFORM * FROM dblink('fresh', statement) AS r (t text);
    EXCEPTION WHEN OTHERS THEN
        error := sqlstate;
    END;
    PERFORM dblink_exec('holder', 'ROLLBACK');
    PERFORM dblink_exec('fresh', 'SET lock_timeout = 0');
    is_same := probe() = told.told FROM dblink('fresh', 'SELECT regress_first.probe()') AS told (told text);
    PERFORM dblink_disconnect('fresh'), dblink_disconnect('holder');
END $$;
CREATE TABLE tries AS
    SELECT c.catalog, s.statement, t.*
    FROM unnest('{pg_extension,pg_proc,pg_namespace,pg_depend,pg_trigger,pg_constraint,pg_inherits,pg_operator,pg_opclass,
                  pg_amop,pg_policy,pg_rewrite,pg_index,pg_attrdef}'::text[]) c (catalog)
    CROSS JOIN unnest(ARRAY[
        'SELECT id::text FROM parents',
        'SELECT id::text FROM deleted_parents',
        'DELETE FROM parents WHERE id = 99 RETURNING id::text',
        'INSERT INTO notes SELECT 9, 1 WHERE false RETURNING id::text',
        'INSERT INTO parents VALUES (1, ''p1'') ON CONFLICT DO NOTHING RETURNING id::text',
        'UPDATE parents SET deleted_at = NULL WHERE id = 99 RETURNING id::text',
        'SELECT regress_first.probe()']) s (statement)
    CROSS JOIN LATERAL try(c.catalog, s.statement) t;
SELECT catalog, statement, error FROM tries WHERE NOT is_same ORDER BY 1, 2;
-- The locks were met.
SELECT count(*) > 20 AS many_failed, count(*) FILTER (WHERE error <> '55P03') AS otherwise FROM tries WHERE error IS NOT NULL;

-- A rule for anonymization is read anew by DDL on its table. A look-up that times out then is no word about the rule.
CREATE COLLATION ours FROM "C";
SELECT softdelete.set_anonymizer('parents', 'name', $$'gone' COLLATE regress_first.ours || id$$);
CREATE FUNCTION alter_below(catalog text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    target text := format('host=%s port=%s dbname=%s user=%s', split_part(current_setting('unix_socket_directories'), ',', 1),
                          current_setting('port'), current_database(), session_user);
    said text := 'done';
BEGIN
    PERFORM dblink_connect('fresh', target), dblink_connect('holder', target);
    -- Everything but the rule is known by then.
    PERFORM dblink_exec('fresh', 'SET search_path = regress_first; SET lock_timeout = ''20ms'';
        ALTER TABLE children ADD COLUMN more int; ALTER TABLE children DROP COLUMN more');
    PERFORM dblink_exec('holder', format('BEGIN; LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', catalog));
    BEGIN
        PERFORM dblink_exec('fresh', 'ALTER TABLE parents ADD COLUMN more int');
    EXCEPTION WHEN OTHERS THEN
        said := sqlerrm;
    END;
    PERFORM dblink_exec('holder', 'ROLLBACK'), dblink_disconnect('fresh'), dblink_disconnect('holder');
    RETURN said;
END $$;
SELECT alter_below('pg_collation');

-- None is left open, whatever happened.
SELECT count(dblink_disconnect(connection)) AS left_open FROM unnest(dblink_get_connections()) connection;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA regress_first CASCADE;
DROP EXTENSION dblink;
