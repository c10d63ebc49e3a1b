-- Which UPDATE is a restore: one that sets deleted_at to NULL, as a literal or a parameter, and assigns besides only the
-- extension's columns and those of date and time types. Custom and generic plans agree.
CREATE ROLE regress_restore_update;
CREATE SCHEMA regress_restore_update AUTHORIZATION regress_restore_update;
SET SESSION AUTHORIZATION regress_restore_update;
SET search_path = regress_restore_update;
CREATE DOMAIN day AS date;
CREATE TYPE places AS (id int, at tid);
CREATE TABLE posts (id int PRIMARY KEY, title text, total int DEFAULT 0, updated_at timestamptz, seen timestamp, born day, "at" time,
    zoned timetz, took interval, dates date[], email text UNIQUE);
CREATE TABLE secured (LIKE posts INCLUDING ALL);
CREATE TABLE viewed (LIKE posts INCLUDING ALL);
SELECT count(*) > 0 AS registered FROM softdelete.register('posts');
SELECT count(*) > 0 AS registered FROM softdelete.register('secured', visibility => 'rls', admin_roles => ARRAY['regress_restore_update']);
SELECT count(*) > 0 AS registered FROM softdelete.register('viewed', visibility => 'view');

-- Row 1 is live and row 2 deleted. Runs the statement with its parameters, with a custom and with a generic plan, and says
-- which rows are live then, and which it has written.
CREATE FUNCTION try(name text, statement text, VARIADIC arguments text[] DEFAULT '{}')
    RETURNS TABLE (custom text, generic text) LANGUAGE plpgsql AS $$
DECLARE
    mode text;
    answer text;
    places places[];
BEGIN
    FOREACH mode IN ARRAY ARRAY['custom', 'generic'] LOOP
        BEGIN
            PERFORM set_config('plan_cache_mode', format('force_%s_plan', mode), true);
            EXECUTE format('INSERT INTO %I (id, email) VALUES (1, ''1''), (2, ''2'')', name);
            EXECUTE format('DELETE FROM %I WHERE id = 2', name);
            EXECUTE format('SELECT array_agg((id, ctid)::places) FROM %I WHERE softdelete.include_deleted(deleted_at)', name) INTO places;
            EXECUTE format('PREPARE q AS ' || statement, name);
            EXECUTE 'EXECUTE q' || CASE WHEN arguments = '{}' THEN ''
                ELSE '(' || (SELECT string_agg(quote_nullable(a), ', ' ORDER BY o) FROM unnest(arguments) WITH ORDINALITY u (a, o)) || ')' END;
            EXECUTE format('SELECT ''live: '' || coalesce(string_agg(a.id::text, '','' ORDER BY a.id) FILTER (WHERE a.deleted_at IS NULL), '''')
                || '' written: '' || coalesce(string_agg(a.id::text, '','' ORDER BY a.id) FILTER (WHERE a.ctid <> b.at), '''')
                FROM %1$I a JOIN unnest(%2$L::places[]) b ON b.id = a.id WHERE softdelete.include_deleted(a.deleted_at)', name, places)
                INTO answer;
            RAISE SQLSTATE 'UNDO0';
        EXCEPTION
            WHEN SQLSTATE 'UNDO0' THEN
                NULL;
            WHEN OTHERS THEN
                answer := sqlerrm;
        END;
        DEALLOCATE ALL;
        IF mode = 'custom' THEN
            custom := answer;
        ELSE
            generic := answer;
        END IF;
    END LOOP;
    RETURN NEXT;
END
$$;
CREATE TABLE statements (number int GENERATED ALWAYS AS IDENTITY, statement text, arguments text[] DEFAULT '{}');
INSERT INTO statements (statement, arguments) VALUES
    -- A restore.
    ('UPDATE %I SET deleted_at = NULL WHERE id = 2', '{}'),
    ('UPDATE %I SET deleted_at = $1 WHERE id = $2', '{NULL,2}'),
    ('UPDATE %I SET deleted_at = $1::timestamptz WHERE id = $2', '{NULL,2}'),
    ('UPDATE %I SET deleted_at = $1::text::timestamptz WHERE id = $2', '{NULL,2}'),
    ('UPDATE %I SET deleted_at = CAST(NULL AS text)::timestamptz WHERE id = 2', '{}'),
    ('UPDATE %I SET deleted_at = DEFAULT WHERE id = 2', '{}'),
    ('UPDATE %I SET deleted_at = $1, updated_at = $2 WHERE id = $3', '{NULL,now,2}'),
    ('UPDATE %I SET deleted_at = NULL, updated_at = now() WHERE id = $1', '{2}'),
    ('UPDATE %I SET updated_at = $2, deleted_at = $1, deleted_by = $3, deletion_id = $4 WHERE id = $5', '{NULL,now,NULL,NULL,2}'),
    ('UPDATE %I SET (deleted_at, updated_at) = (NULL, now()) WHERE id = 2', '{}'),
    ('UPDATE %I SET (deleted_at, updated_at) = ($1, $2) WHERE id = 2', '{NULL,now}'),
    ('UPDATE %I SET deleted_at = NULL, seen = now(), born = now(), "at" = now()::time, zoned = now()::timetz WHERE id = 2', '{}'),
    ('UPDATE %I SET deleted_at = $1, updated_at = $2 WHERE email = $3', '{NULL,now,2}'),
    ('UPDATE %I SET deleted_at = NULL, updated_at = now() WHERE id = 2 AND deleted_at IS NOT NULL', '{}'),
    ('UPDATE %I t SET deleted_at = $1, updated_at = now() FROM (VALUES (2)) s (id) WHERE t.id = s.id', '{NULL}'),
    ('WITH u AS (UPDATE %I SET deleted_at = $1, updated_at = $2 WHERE id = 2 RETURNING id) SELECT * FROM u', '{NULL,now}'),
    ('UPDATE all_%1$s SET deleted_at = NULL, updated_at = now() WHERE id = 2', '{}'),
    ('UPDATE deleted_%1$s SET deleted_at = $1, updated_at = now() WHERE id = 2', '{NULL}'),
    -- What a live row gets from it: an ordinary UPDATE.
    ('UPDATE %I SET deleted_at = $1, updated_at = $2 WHERE id = $3', '{NULL,now,1}'),
    ('UPDATE %I SET deleted_at = NULL, updated_at = now() WHERE id = 1', '{}'),
    ('UPDATE %I SET deleted_at = $1 WHERE id = $2', '{NULL,1}'),
    -- A parameter that is a time is no restore.
    ('UPDATE %I SET deleted_at = $1, updated_at = $2 WHERE id = $3', '{now,now,1}'),
    ('UPDATE %I SET deleted_at = $1, updated_at = $2 WHERE id = $3', '{now,now,2}'),
    ('UPDATE %I SET deleted_at = $1 WHERE id = $2', '{now,2}'),
    -- Anything else is filtered, whatever its condition asks for: a stale save of the whole row.
    ('UPDATE %I SET deleted_at = NULL, title = ''stale'' WHERE id = 2', '{}'),
    ('UPDATE %I SET deleted_at = $1, title = $2, updated_at = $3 WHERE id = $4', '{NULL,stale,now,2}'),
    ('UPDATE %I SET deleted_at = NULL, took = ''1 day'' WHERE id = 2', '{}'),
    ('UPDATE %I SET deleted_at = NULL, dates = NULL WHERE id = 2', '{}'),
    ('UPDATE %I SET deleted_at = NULL, total = 1 WHERE deleted_at IS NOT NULL', '{}'),
    ('UPDATE %I SET deleted_at = $1, total = 1 WHERE deleted_at IS NOT NULL', '{NULL}'),
    ('UPDATE %I SET deleted_at = NULL, total = 1 WHERE softdelete.include_deleted(deleted_at)', '{}'),
    ('UPDATE deleted_%1$s SET deleted_at = NULL, total = 1', '{}'),
    ('UPDATE all_%1$s SET deleted_at = $1, total = 1', '{NULL}'),
    ('UPDATE %I SET deleted_at = CASE WHEN id = 2 THEN NULL ELSE now() END, total = 1 WHERE id = 2 AND deleted_at IS NOT NULL', '{}'),
    ('UPDATE %I SET deleted_at = nullif($1::timestamptz, $1::timestamptz), total = 1 WHERE deleted_at IS NOT NULL', '{now}'),
    ('UPDATE %I SET deleted_at = (SELECT NULL::timestamptz), total = 1 WHERE deleted_at IS NOT NULL', '{}'),
    ('UPDATE %I SET (deleted_at, total) = (SELECT NULL::timestamptz, 1) WHERE deleted_at IS NOT NULL', '{}'),
    ('MERGE INTO %I t USING (VALUES (2)) s (id) ON t.id = s.id AND t.deleted_at IS NOT NULL WHEN MATCHED THEN UPDATE SET deleted_at = NULL, total = 1', '{}'),
    -- The owner dates a deleted row anew, with other columns beside it.
    ('UPDATE %I SET deleted_at = $1, total = 1 WHERE deleted_at IS NOT NULL', '{yesterday}'),
    ('UPDATE %I SET deleted_at = deleted_at - interval ''1 hour'', total = 1 WHERE deleted_at IS NOT NULL', '{}'),
    ('UPDATE %I SET total = 1 WHERE deleted_at IS NOT NULL', '{}');
\set QUIET off

SELECT s.number, t.custom, t.generic = t.custom AS same, s.statement
FROM statements s, LATERAL try('posts', s.statement, VARIADIC s.arguments) t ORDER BY s.number;

-- A policy that hides deleted rows changes nothing.
SELECT s.number, p.custom AS filter, s.statement, r.custom AS rls, r.generic AS rls_generic
FROM statements s, LATERAL try('posts', s.statement, VARIADIC s.arguments) p, LATERAL try('secured', s.statement, VARIADIC s.arguments) r
WHERE (p.custom, p.generic) IS DISTINCT FROM (r.custom, r.generic) ORDER BY s.number;

-- A table that is not filtered has nothing to hide: there any UPDATE reaches deleted rows.
SELECT t.* FROM try('viewed', 'UPDATE %I SET deleted_at = NULL, total = 1 WHERE id = 2') t;

-- The setting that shows deleted rows is meant to.
SET softdelete.visibility = 'all';
SELECT t.* FROM try('posts', 'UPDATE %I SET deleted_at = NULL, total = 1 WHERE id = 2') t;
RESET softdelete.visibility;

-- In PL/pgSQL a variable is a parameter.
CREATE FUNCTION set_time(post int, value timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    UPDATE posts SET deleted_at = value, updated_at = now() WHERE id = post;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END
$$;
INSERT INTO posts (id) VALUES (3);
SELECT set_time(3, now()), set_time(3, NULL), set_time(3, NULL), set_time(3, now()), set_time(3, now()), set_time(3, NULL);
SELECT id, deleted_at, deleted_by, deletion_id FROM posts WHERE id = 3;
SELECT count(*) AS not_restored FROM softdelete.deletions WHERE restored_at IS NULL;

-- The plan of the usual statement stays what it was.
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) UPDATE posts SET deleted_at = now(), title = 'x' WHERE email = '1';
RESET enable_seqscan;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_restore_update CASCADE;
DROP ROLE regress_restore_update;
