-- A library that meets SQL objects of another version says so once it would write to them, and does not crash; reads stay
-- filtered. What an administrator adds to the log's tables is served as well.
\set VERBOSITY terse
SET client_min_messages = error;
CREATE SCHEMA regress_versions;
SET search_path = regress_versions;
CREATE TABLE papers (id int PRIMARY KEY, name text);
SELECT count(*) > 0 AS registered FROM softdelete.register('papers');
INSERT INTO papers VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e'), (6, 'f');
DELETE FROM papers WHERE id = 1;

-- The SQL objects are newer: columns and defaults that the library does not know.
UPDATE pg_extension SET extversion = '99.9' WHERE extname = 'softdelete';
\c -
\set VERBOSITY default
SET search_path = regress_versions;
SELECT id FROM papers ORDER BY id;
UPDATE papers SET name = 'changed' WHERE id = 2;
INSERT INTO papers VALUES (7, 'g');
DELETE FROM papers WHERE id = 2; -- fails
\set VERBOSITY terse
UPDATE papers SET deleted_at = now() WHERE id = 2; -- fails
SELECT softdelete.delete('papers', 2); -- fails
SELECT softdelete.restore('papers', 1); -- fails
SELECT softdelete.undo(1); -- fails
SELECT softdelete.hold('papers', 'law', 1); -- fails
CALL softdelete.purge(); -- fails
SELECT count(*) FROM softdelete.register('papers'); -- fails
ALTER TABLE papers ADD COLUMN x int; -- fails
CREATE TABLE others (id int);
ALTER TABLE others ADD COLUMN x int;
UPDATE pg_extension SET extversion = (SELECT default_version FROM pg_available_extensions WHERE name = 'softdelete') WHERE extname = 'softdelete';
\c -
SET search_path = regress_versions;
DELETE FROM papers WHERE id = 2;
SELECT id FROM papers ORDER BY id;

-- Columns, triggers, constraints and indexes of somebody else's on the log.
BEGIN;
ALTER TABLE softdelete_internal.deletion ADD COLUMN more text DEFAULT 'more', ADD COLUMN most int;
DELETE FROM papers WHERE id = 3;
SELECT more, most, reason, further_relations FROM softdelete_internal.deletion ORDER BY id DESC LIMIT 1;
ROLLBACK;
BEGIN;
CREATE TABLE copies (id bigint, relation regclass);
CREATE FUNCTION copy_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO copies VALUES (NEW.id, NEW.relation); RETURN NULL; END';
CREATE TRIGGER repack AFTER INSERT ON softdelete_internal.deletion FOR EACH ROW EXECUTE FUNCTION copy_it();
SET LOCAL softdelete.reason = 'copied';
DELETE FROM papers WHERE id = 3;
SELECT c.relation, d.reason FROM copies c JOIN softdelete_internal.deletion d USING (id);
ROLLBACK;
BEGIN;
CREATE INDEX log_reason ON softdelete_internal.deletion (reason) WHERE reason = 'wanted';
CREATE INDEX log_upper ON softdelete_internal.deletion (upper(reason));
SET LOCAL softdelete.reason = 'other';
DELETE FROM papers WHERE id = 3;
SET LOCAL softdelete.reason = 'wanted';
DELETE FROM papers WHERE id = 4;
SET LOCAL enable_seqscan = off;
SELECT count(*) FROM softdelete_internal.deletion WHERE reason = 'wanted';
SELECT count(*) FROM softdelete_internal.deletion WHERE upper(reason) = 'OTHER';
ROLLBACK;
BEGIN;
ALTER TABLE softdelete_internal.deletion ADD CONSTRAINT has_reason CHECK (reason <> 'none');
SET LOCAL softdelete.reason = 'none';
DELETE FROM papers WHERE id = 3; -- fails
ROLLBACK;

-- An update may make a function anew: repair() finds the triggers of the one that is there, in a session that has asked before as well.
SELECT count(*) FROM softdelete.repair('papers');
SELECT pg_get_functiondef('softdelete_internal.on_truncate()'::regprocedure) AS definition \gset
BEGIN;
SET LOCAL client_min_messages = error;
UPDATE pg_event_trigger SET evtenabled = 'D';
ALTER EXTENSION softdelete DROP FUNCTION softdelete_internal.on_truncate();
DROP FUNCTION softdelete_internal.on_truncate() CASCADE;
:definition;
ALTER EXTENSION softdelete ADD FUNCTION softdelete_internal.on_truncate();
UPDATE pg_event_trigger SET evtenabled = 'A';
SELECT object, action FROM softdelete.repair('papers');
SELECT object, action FROM softdelete.repair('papers');
ROLLBACK;

-- An index that is not ready takes no rows, and stops no deletion; one that is gone stops no look-up.
UPDATE pg_index SET indisready = false, indisvalid = false WHERE indexrelid = 'softdelete_internal.deletion_pkey'::regclass;
DELETE FROM papers WHERE id = 3;
UPDATE pg_index SET indisready = true, indisvalid = true WHERE indexrelid = 'softdelete_internal.deletion_pkey'::regclass;
REINDEX INDEX softdelete_internal.deletion_pkey;
SELECT count(*) FROM softdelete.deletions WHERE relation = 'papers'::regclass;
SELECT softdelete.hold('papers', 'law', 3) > 0 AS held;
BEGIN;
DROP INDEX softdelete_internal.hold_active;
DROP TABLE papers; -- fails
ROLLBACK;
BEGIN;
DROP INDEX softdelete_internal.hold_active;
CREATE INDEX hold_active ON softdelete_internal.hold (relation) WHERE reason = 'nothing';
DROP TABLE papers; -- fails
ROLLBACK;
SELECT softdelete.release(id) FROM softdelete.holds WHERE relation = 'papers'::regclass;
SET client_min_messages = error;
DROP SCHEMA regress_versions CASCADE;
