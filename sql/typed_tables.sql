-- A typed table is registered where its type has the columns; ALTER TYPE then takes nothing of it apart.
\set QUIET on
SET client_min_messages = warning;
CREATE ROLE regress_typed;
CREATE SCHEMA regress_typed AUTHORIZATION regress_typed;
SET SESSION AUTHORIZATION regress_typed;
SET search_path = regress_typed;
\set QUIET off
CREATE TYPE document AS (id int, title text, deleted_at timestamptz, deleted_by text, deletion_id bigint);
CREATE TYPE page AS (id int, document int, deleted_at timestamptz, deleted_by text, deletion_id bigint);
CREATE TABLE documents OF document (PRIMARY KEY (id));
CREATE TABLE pages OF page (PRIMARY KEY (id), FOREIGN KEY (document) REFERENCES documents ON DELETE CASCADE);
CREATE INDEX ON pages (document);
SELECT count(*) > 0 AS registered FROM softdelete.register('documents', retention => '1 year', cascade => true);
INSERT INTO documents (id) VALUES (1), (2);
INSERT INTO pages (id, document) VALUES (1, 1), (2, 2);
DELETE FROM documents WHERE id = 2;
SELECT softdelete.hold('documents', 'a case', 1) > 0 AS held;
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ': ' || sqlerrm;
END$$;
SELECT statement, try(statement) FROM unnest(ARRAY[
    'ALTER TYPE document DROP ATTRIBUTE id CASCADE',
    'ALTER TYPE document DROP ATTRIBUTE deleted_at CASCADE',
    'ALTER TYPE document DROP ATTRIBUTE deleted_by CASCADE',
    'ALTER TYPE document DROP ATTRIBUTE deletion_id CASCADE',
    'ALTER TYPE page DROP ATTRIBUTE document CASCADE',
    'ALTER TYPE page DROP ATTRIBUTE id CASCADE',
    'DROP TYPE document CASCADE']) statement;
SELECT id FROM documents WHERE softdelete.include_deleted(deleted_at) ORDER BY id;
SELECT count(*) AS differences FROM softdelete.repair('documents'), softdelete.repair('pages') AS p;

-- What ALTER TYPE changes elsewhere is followed as what ALTER TABLE changes: views with what was granted on them, rules, columns of
-- softdelete; what ALTER TABLE may not change, it may not either.
CREATE TYPE note AS (id int, title text, tag text, size int, deleted_at timestamptz, deleted_by text, deletion_id bigint);
CREATE TABLE notes OF note (PRIMARY KEY (id));
CREATE TABLE more_notes OF note (PRIMARY KEY (id));
CREATE TABLE other_notes OF note;
SELECT count(*) > 0 AS registered FROM softdelete.register('notes') a, softdelete.register('more_notes', visibility => 'view') b;
SELECT softdelete.set_anonymizer('notes', 'title', $$'x' || left(title, 1)$$);
GRANT SELECT (title) ON active_notes TO pg_monitor;
INSERT INTO notes (id, title, tag, size) VALUES (1, 'a', 't', 1), (2, 'b', 't', 2);
INSERT INTO more_notes (id, title) VALUES (1, 'a');
DELETE FROM notes WHERE id = 2;
SELECT statement, try(statement) FROM unnest(ARRAY[
    'ALTER TYPE note RENAME ATTRIBUTE deletion_id TO did CASCADE',
    'ALTER TYPE note ALTER ATTRIBUTE deleted_at TYPE text CASCADE',
    'ALTER TYPE note ALTER ATTRIBUTE deletion_id TYPE int CASCADE',
    'ALTER TYPE note DROP ATTRIBUTE deleted_at CASCADE, DROP ATTRIBUTE tag CASCADE',
    'ALTER TYPE note RENAME ATTRIBUTE title TO name',
    'ALTER TYPE note ADD ATTRIBUTE page int',
    'ALTER TYPE note RENAME ATTRIBUTE title TO name CASCADE',
    'ALTER TYPE note ADD ATTRIBUTE page int CASCADE, DROP ATTRIBUTE tag CASCADE, ALTER ATTRIBUTE size TYPE bigint CASCADE',
    'ALTER TYPE note RENAME ATTRIBUTE deleted_at TO gone CASCADE',
    'ALTER TYPE note RENAME ATTRIBUTE deleted_by TO who CASCADE',
    'ALTER TYPE note RENAME TO notice',
    'ALTER TYPE notice ADD ATTRIBUTE last text CASCADE']) statement;
SELECT attrelid::regclass AS relation, string_agg(attname || ' ' || atttypid::regtype, ', ' ORDER BY attnum) AS columns
    FROM pg_attribute WHERE attrelid IN ('active_notes'::regclass, 'all_notes'::regclass, 'active_more_notes'::regclass) AND attnum > 0
        AND NOT attisdropped GROUP BY attrelid ORDER BY 1::text;
SELECT has_column_privilege('pg_monitor', 'active_notes', 'name', 'SELECT') AS may_read;
SELECT softdelete.anonymize('notes', 'wish', 2) IS NOT NULL AS anonymized;
SELECT id, name, gone IS NOT NULL AS deleted, who FROM all_notes ORDER BY id;
SELECT softdelete.restore('notes', 2) AS restored;
DELETE FROM more_notes;
SELECT count(*) FROM active_more_notes;
SELECT count(*) AS differences FROM softdelete.repair('notes') a FULL JOIN softdelete.repair('more_notes') b ON false;

\set QUIET on
-- With an archive, which follows the type. Columns of the table are not needed.
CREATE TYPE memo AS (id int, title text, tag text, size int);
CREATE TABLE memos OF memo (PRIMARY KEY (id));
CREATE TABLE more_memos OF memo (PRIMARY KEY (id));
SELECT count(*) > 0 AS registered FROM softdelete.register('memos', strategy => 'archive') a, softdelete.register('more_memos', strategy => 'archive') b;
GRANT SELECT (title) ON deleted_memos TO pg_monitor;
INSERT INTO memos VALUES (1, 'a', 't', 1), (2, 'b', 't', 2);
INSERT INTO more_memos VALUES (1, 'a', 't', 1);
DELETE FROM memos WHERE id = 1;
DELETE FROM more_memos;
SELECT statement, try(statement) FROM unnest(ARRAY[
    'ALTER TYPE memo RENAME ATTRIBUTE title TO name CASCADE',
    'ALTER TYPE memo ADD ATTRIBUTE page int CASCADE, DROP ATTRIBUTE tag CASCADE, ALTER ATTRIBUTE size TYPE bigint CASCADE',
    'ALTER TYPE memo RENAME ATTRIBUTE page TO deleted_at CASCADE',
    'ALTER TYPE memo ADD ATTRIBUTE deletion_id bigint CASCADE',
    'ALTER TYPE memo ADD ATTRIBUTE more int',
    'ALTER TABLE memos_archive OF memo',
    'ALTER TABLE more_memos NOT OF',
    'ALTER TABLE more_memos OF memo',
    'ALTER TABLE more_memos NOT OF',
    'ALTER TYPE memo ADD ATTRIBUTE last int CASCADE']) statement;
SELECT id, name, size, page, last, deleted_at IS NOT NULL AS deleted FROM all_memos ORDER BY id;
SELECT id, name, size, page, deleted_at IS NOT NULL AS deleted FROM all_more_memos ORDER BY id;
SELECT has_column_privilege('pg_monitor', 'deleted_memos', 'name', 'SELECT') AS granted;
SELECT count(*) AS differences FROM softdelete.repair('memos'), softdelete.repair('more_memos') AS p;
SELECT softdelete.restore('memos', 1), softdelete.restore('more_memos', 1);
TABLE memos ORDER BY id;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
SELECT count(softdelete.release(id)) FROM softdelete.holds WHERE relation = 'regress_typed.documents'::regclass;
DROP SCHEMA regress_typed CASCADE;
DROP ROLE regress_typed;
