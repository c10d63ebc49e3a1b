-- unregister takes away what register and its followers added, and nothing that somebody else wrote or copied.
\set QUIET on
CREATE ROLE regress_whose;
CREATE SCHEMA regress_whose AUTHORIZATION regress_whose;
SET SESSION AUTHORIZATION regress_whose;
SET search_path = regress_whose;
SET client_min_messages = error;
\set QUIET off

-- Where deleted_at is the user's, the conditions that he writes stay, before and after register; ours go.
CREATE TABLE t (id int PRIMARY KEY, w text, z text, deleted_at timestamptz);
CREATE UNIQUE INDEX before_register ON t (z) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX ours_before ON t (lower(z));
SELECT count(*) > 0 AS registered FROM softdelete.register('t');
CREATE UNIQUE INDEX after_register ON t (w) WHERE deleted_at IS NULL AND id > 0;
CREATE UNIQUE INDEX after_alone ON t (w, id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX after_reversed ON t (z, w) WHERE id > 0 AND (deleted_at IS NULL);
CREATE UNIQUE INDEX ours_after ON t (id, w) WHERE id > 0;
INSERT INTO t VALUES (1, 'a', 'b');
DELETE FROM t;
INSERT INTO t VALUES (2, 'a', 'c');
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('t', 'keep');
SELECT indexdef FROM pg_indexes WHERE tablename = 't' AND schemaname = 'regress_whose' ORDER BY indexname;

-- Where deleted_at goes, an index that speaks of it stays without that condition.
CREATE TABLE u (id int PRIMARY KEY, w text);
SELECT count(*) > 0 AS registered FROM softdelete.register('u');
CREATE UNIQUE INDEX u_w ON u (w) WHERE deleted_at IS NULL AND id > 0;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('u');
SELECT indexdef FROM pg_indexes WHERE tablename = 'u' AND schemaname = 'regress_whose' ORDER BY indexname;

-- A copy's columns and indexes are its owner's, however much of the table is copied; comments of others are copied.
CREATE TABLE o (id int PRIMARY KEY, note text);
COMMENT ON COLUMN o.note IS 'a note';
SELECT count(*) > 0 AS registered FROM softdelete.register('o');
CREATE TABLE copy_all (LIKE o INCLUDING ALL);
CREATE TABLE copy_comments (more int, LIKE o INCLUDING COMMENTS);
CREATE TABLE copy_indexes (LIKE o INCLUDING INDEXES INCLUDING COMMENTS);
CREATE TABLE copy_plain (LIKE o);
SELECT c.relname, a.attname, col_description(c.oid, a.attnum) AS comment FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relname LIKE 'copy\_%' AND c.relkind = 'r' AND a.attname IN ('note', 'deleted_by', 'deletion_id')
AND col_description(c.oid, a.attnum) IS NOT NULL ORDER BY 1, 2;
CREATE FUNCTION take(relation regclass) RETURNS TABLE (object text, action text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM softdelete.register(relation);
    RETURN QUERY SELECT r.object, r.action FROM softdelete.unregister(relation) r WHERE r.action = 'drop' AND r.object ~ '^column|_idx';
END $$;
SELECT * FROM take('copy_all');
SELECT * FROM take('copy_comments') WHERE object LIKE 'column%';
SELECT * FROM take('copy_indexes');
SELECT * FROM take('copy_plain') WHERE object LIKE 'column%';
SELECT c.relname, string_agg(a.attname, ', ' ORDER BY a.attnum) AS columns FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relname LIKE 'copy\_%' AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped GROUP BY 1 ORDER BY 1;

-- A command that finds its table there takes nothing off it, in whichever form.
CREATE INDEX o_note ON o (note);
\set QUIET on
CREATE TABLE IF NOT EXISTS o (id int);
CREATE TABLE IF NOT EXISTS o (LIKE copy_plain INCLUDING ALL);
CREATE TABLE IF NOT EXISTS o AS SELECT 1;
CREATE FOREIGN TABLE IF NOT EXISTS o (id int) SERVER nowhere;
CREATE MATERIALIZED VIEW IF NOT EXISTS o AS SELECT 1;
CREATE SEQUENCE IF NOT EXISTS o;
CREATE INDEX IF NOT EXISTS o_note ON o (id);
ALTER TABLE o ADD COLUMN IF NOT EXISTS note text;
ALTER TABLE o ADD COLUMN IF NOT EXISTS deleted_by text;
\set QUIET off
SELECT a.attname, col_description('o'::regclass, a.attnum) AS comment FROM pg_attribute a
WHERE a.attrelid = 'o'::regclass AND col_description('o'::regclass, a.attnum) IS NOT NULL ORDER BY 1;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('o');
SELECT string_agg(attname, ', ' ORDER BY attnum) AS columns FROM pg_attribute WHERE attrelid = 'o'::regclass AND attnum > 0 AND NOT attisdropped;

-- Nobody but DROP EXTENSION and ALTER EXTENSION ... UPDATE changes the extension's objects: by no spelling.
RESET SESSION AUTHORIZATION;
ALTER SCHEMA softdelete_internal RENAME TO other; -- fails
ALTER SCHEMA softdelete RENAME TO other; -- fails
ALTER SCHEMA softdelete OWNER TO regress_whose; -- fails
ALTER TABLE softdelete_internal.registration RENAME TO other; -- fails
ALTER TABLE softdelete_internal.registration RENAME COLUMN strategy TO other; -- fails
ALTER TABLE softdelete_internal.registration RENAME CONSTRAINT registration_pkey TO other; -- fails
ALTER INDEX softdelete_internal.registration_pkey RENAME TO other; -- fails
ALTER TABLE softdelete_internal.registration SET SCHEMA public; -- fails
ALTER TABLE softdelete_internal.registration OWNER TO regress_whose; -- fails
ALTER SEQUENCE softdelete_internal.deletion_id_seq RENAME TO other; -- fails
ALTER SEQUENCE softdelete_internal.deletion_id_seq SET SCHEMA public; -- fails
ALTER SEQUENCE softdelete_internal.deletion_id_seq OWNER TO regress_whose; -- fails
ALTER TABLE softdelete_internal.deletion_id_seq RENAME TO other; -- fails
ALTER VIEW softdelete.tables RENAME TO other; -- fails
ALTER VIEW softdelete.tables SET SCHEMA public; -- fails
ALTER VIEW softdelete.tables OWNER TO regress_whose; -- fails
ALTER FUNCTION softdelete.undo(bigint) RENAME TO other; -- fails
ALTER FUNCTION softdelete.undo(bigint) SET SCHEMA public; -- fails
ALTER FUNCTION softdelete.undo(bigint) OWNER TO regress_whose; -- fails
ALTER ROUTINE softdelete.undo(bigint) RENAME TO other; -- fails
ALTER PROCEDURE softdelete.purge RENAME TO other; -- fails
ALTER ROUTINE softdelete.purge SET SCHEMA public; -- fails

-- Others have no say in it, and their own objects are their own.
SET SESSION AUTHORIZATION regress_whose;
ALTER SCHEMA softdelete RENAME TO other; -- fails
ALTER FUNCTION take(regclass) RENAME TO taken;
CREATE SEQUENCE numbers;
ALTER SEQUENCE numbers RENAME TO counts;
ALTER TABLE u RENAME TO v;
ALTER FUNCTION nobody() RENAME TO other; -- fails
RESET SESSION AUTHORIZATION;
ALTER SCHEMA regress_whose RENAME TO regress_ours;
\set VERBOSITY terse
DROP SCHEMA regress_ours CASCADE;
DROP ROLE regress_whose;
