-- Migrations of a table with an archive: the archive and the views follow, archived rows with them, and everything comes back.
\set VERBOSITY terse
CREATE ROLE regress_archive_owner;
CREATE ROLE regress_archive_other;
CREATE ROLE regress_archive_reader;
GRANT regress_archive_other TO regress_archive_owner;
CREATE SCHEMA regress_archive_ddl AUTHORIZATION regress_archive_owner;
CREATE SCHEMA regress_archive_moved AUTHORIZATION regress_archive_owner;
GRANT USAGE, CREATE ON SCHEMA regress_archive_moved TO regress_archive_other;
GRANT USAGE ON SCHEMA regress_archive_ddl, regress_archive_moved TO PUBLIC;
SET SESSION AUTHORIZATION regress_archive_owner;
SET search_path = regress_archive_ddl;
CREATE TABLE notes (id int PRIMARY KEY, body text, amount int, "Odd" varchar(10), author text);
SELECT count(*) > 0 AS registered FROM softdelete.register('notes', strategy => 'archive');
GRANT SELECT ON deleted_notes, notes_archive TO regress_archive_reader;
COMMENT ON VIEW deleted_notes IS 'The bin.';
INSERT INTO notes VALUES (1, 'one', 10, 'o', 'ann'), (2, 'two', 20, NULL, 'ben'), (3, 'three', 30, 'x', NULL);
DELETE FROM notes WHERE id < 3;
CREATE VIEW shapes AS SELECT c.relname, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p', 'v') AND c.relname IN ('notes_archive', 'active_notes', 'deleted_notes', 'all_notes') GROUP BY 1;

-- Columns that come: rows of the archive get what those of the table got.
ALTER TABLE notes ADD COLUMN plain int, ADD COLUMN stars int NOT NULL DEFAULT 5, ADD COLUMN place bigint GENERATED ALWAYS AS IDENTITY, ADD COLUMN twice int GENERATED ALWAYS AS (amount * 2) STORED;
SELECT * FROM shapes ORDER BY 1;
SELECT id, plain, stars, place IS NOT NULL AS placed, twice FROM deleted_notes ORDER BY id;
SELECT softdelete.restore('notes', 1);
SELECT id, plain, stars, place IS NOT NULL AS placed, twice FROM notes WHERE id = 1;
DELETE FROM notes WHERE id = 1;
ALTER TABLE notes ADD COLUMN deleted_at date; -- fails
ALTER TABLE notes RENAME COLUMN plain TO deletion_id; -- fails

-- Names.
ALTER TABLE notes RENAME COLUMN "Odd" TO "Odder ""x";
SELECT "Odder ""x" FROM deleted_notes ORDER BY id;
SELECT "Odder ""x" FROM active_notes;

-- Types, with an expression, one that names the table, several in a command with columns that go, and a domain.
ALTER TABLE notes ALTER COLUMN amount TYPE text USING amount || ' euros'; -- fails
ALTER TABLE notes DROP COLUMN twice;
ALTER TABLE notes ALTER COLUMN amount TYPE text USING amount || ' euros';
SELECT id, amount FROM all_notes ORDER BY id;
ALTER TABLE notes ALTER COLUMN amount TYPE int USING CASE WHEN notes.body = 'one' THEN 1 ELSE split_part(regress_archive_ddl.notes.amount, ' ', 1)::int END, DROP COLUMN body, ADD COLUMN body text DEFAULT 'none';
SELECT id, amount, body FROM all_notes ORDER BY id;
CREATE DOMAIN positive AS int CHECK (VALUE > 15);
ALTER TABLE notes ALTER COLUMN amount TYPE positive USING amount + 10;
SELECT id, amount FROM all_notes ORDER BY id;
SELECT softdelete.restore('notes', 1); -- fails
ALTER TABLE notes ALTER COLUMN amount TYPE numeric(6, 2);
SELECT softdelete.restore('notes', 1);
DELETE FROM notes WHERE id = 1;
ALTER TABLE notes ALTER COLUMN author TYPE varchar(3) COLLATE "C", ALTER COLUMN author SET DEFAULT 'me';
ALTER TABLE notes ALTER COLUMN author TYPE int USING 'x'::int; -- fails
SELECT * FROM shapes ORDER BY 1;
SELECT has_table_privilege('regress_archive_reader', 'deleted_notes', 'SELECT') AS reader, obj_description('deleted_notes'::regclass) AS comment;

-- Columns that go, and a view of somebody's that is in the way as any is.
ALTER TABLE notes DROP COLUMN plain;
CREATE VIEW mine AS SELECT id, author FROM deleted_notes;
ALTER TABLE notes ADD COLUMN later int DEFAULT 1;
SELECT * FROM mine ORDER BY id;
ALTER TABLE notes DROP COLUMN author; -- fails
ALTER TABLE notes RENAME COLUMN author TO writer;
SELECT * FROM mine ORDER BY id;
ALTER TABLE notes DROP COLUMN writer CASCADE;
SELECT to_regclass('mine');
SELECT * FROM shapes ORDER BY 1;

-- What fails leaves all as it was.
BEGIN;
ALTER TABLE notes DROP COLUMN later;
ROLLBACK;
ALTER TABLE notes DROP COLUMN later, DROP COLUMN nosuch; -- fails
SELECT columns LIKE '%later%' AS has_later FROM shapes ORDER BY relname;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
DELETE FROM notes WHERE id = 1;

-- Keys and row security.
ALTER TABLE notes DROP CONSTRAINT notes_pkey, ADD PRIMARY KEY (id, stars);
SELECT pg_get_indexdef(indexrelid) LIKE '%(id, stars)' AS by_key FROM pg_index WHERE indrelid = 'notes_archive'::regclass ORDER BY indexrelid;
SELECT softdelete.restore('notes', 1, 5);
DELETE FROM notes WHERE id = 1;
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
SELECT count(*) FILTER (WHERE relrowsecurity) AS enabled, count(*) AS tables FROM pg_class WHERE relname LIKE 'notes_archive%' AND relkind IN ('r', 'p');
ALTER TABLE notes DISABLE ROW LEVEL SECURITY;

-- Names, schemas, owners.
ALTER TABLE notes RENAME TO memos;
DELETE FROM memos WHERE id = 3;
SELECT softdelete.restore('memos', 3, 5);
ALTER TABLE memos SET SCHEMA regress_archive_moved;
SELECT DISTINCT relnamespace::regnamespace FROM pg_class WHERE relname LIKE 'notes_archive%' OR relname IN ('memos', 'active_notes', 'deleted_notes', 'all_notes');
DELETE FROM regress_archive_moved.memos WHERE id = 3;
SELECT count(*) FROM regress_archive_moved.deleted_notes;
ALTER TABLE regress_archive_moved.memos OWNER TO regress_archive_other;
SELECT DISTINCT relowner::regrole FROM pg_class WHERE (relname LIKE 'notes_archive%' OR relname IN ('memos', 'active_notes', 'deleted_notes', 'all_notes')) AND relkind IN ('r', 'p', 'v');
SET SESSION AUTHORIZATION regress_archive_other;
SET search_path = regress_archive_moved;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
DELETE FROM memos WHERE id = 3;
ALTER TABLE memos ADD COLUMN last int;
SELECT * FROM softdelete.repair('memos');

-- Columns that changed while event triggers were off: repair adds what is missing, and takes nothing away.
RESET SESSION AUTHORIZATION;
ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE;
ALTER EVENT TRIGGER softdelete_ddl_command_end DISABLE;
DROP VIEW regress_archive_moved.all_notes, regress_archive_moved.active_notes, regress_archive_moved.deleted_notes;
ALTER TABLE regress_archive_moved.memos ADD COLUMN unseen int DEFAULT 3, ALTER COLUMN last TYPE char(7);
ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS;
ALTER EVENT TRIGGER softdelete_ddl_command_end ENABLE ALWAYS;
SET SESSION AUTHORIZATION regress_archive_other;
INSERT INTO memos (id) VALUES (9);
DO $$
DECLARE
    hint text;
BEGIN
    DELETE FROM memos WHERE id = 9;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RAISE NOTICE '% HINT: %', regexp_replace(SQLERRM, '_\d{8}', '_<month>'), hint; -- the partition of this month
END $$;
SELECT * FROM softdelete.repair('memos');
DELETE FROM memos WHERE id = 9;
SELECT id, unseen FROM deleted_notes WHERE id IN (1, 9) ORDER BY id;

-- A generated column has in archived rows what it would have in the table's, also when it is generated no more.
ALTER TABLE memos ADD COLUMN twice bigint GENERATED ALWAYS AS (id * 2) STORED;
SELECT id, twice FROM all_notes WHERE id IN (1, 9) ORDER BY id;
ALTER TABLE memos ALTER COLUMN twice DROP EXPRESSION, ALTER COLUMN twice SET NOT NULL;
SELECT softdelete.undo((SELECT deletion_id FROM deleted_notes WHERE id = 9)) AS restored;
SELECT id, twice FROM memos WHERE id = 9;
DELETE FROM memos WHERE id = 9;

-- DROP TABLE needs no CASCADE for our views; the archive stays, as a plain table.
DROP TABLE memos;
SELECT to_regclass('deleted_notes'), (SELECT count(*) FROM notes_archive);
DELETE FROM notes_archive WHERE id = 9;
SELECT count(*) FROM softdelete.deletions;
DROP TABLE notes_archive;
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM softdelete_internal.archive;
SET client_min_messages = warning;
DROP SCHEMA regress_archive_ddl, regress_archive_moved CASCADE;
DROP OWNED BY regress_archive_owner, regress_archive_other, regress_archive_reader;
DROP ROLE regress_archive_owner, regress_archive_other, regress_archive_reader;
