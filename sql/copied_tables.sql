-- A session that has copied a table without its deleted rows does not drop it: whatever way the rows were read, and whatever
-- tool sends the statements. A DROP TABLE without that just runs.
\set QUIET on
CREATE ROLE regress_copied;
CREATE SCHEMA regress_copied AUTHORIZATION regress_copied;
CREATE SCHEMA repack AUTHORIZATION regress_copied;
SET SESSION AUTHORIZATION regress_copied;
SET search_path = regress_copied;
CREATE FUNCTION make_table(name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, note text)', $1);
    PERFORM softdelete.register($1::regclass, retention => '90 days');
    EXECUTE format('INSERT INTO %I VALUES (1, ''live''), (2, ''deleted'')', $1);
    EXECUTE format('DELETE FROM %I WHERE id = 2', $1);
END $$;
\set VERBOSITY terse
\set make 'SELECT make_table(\'t\') \\g (format=unaligned tuples_only=on)'
\set drop 'SET softdelete.visibility = \'all\'; CREATE TEMP TABLE whole AS TABLE t; RESET softdelete.visibility; DROP TABLE whole, t;'
\set QUIET off

-- Nothing was copied.
:make
DROP TABLE t;
:make
SELECT count(*) FROM t;
INSERT INTO t SELECT 5, note FROM t WHERE false;
DROP TABLE t;

-- CREATE TABLE AS, SELECT INTO, INSERT ... SELECT and COPY, of the table or through something that reads it.
:make
CREATE TABLE new AS TABLE t;
DROP TABLE t; -- fails
DROP TABLE new;
:drop
:make
SELECT * INTO new FROM t;
DROP TABLE IF EXISTS new, t; -- fails
DROP TABLE new;
:drop
:make
CREATE TABLE new (LIKE t INCLUDING ALL);
INSERT INTO new SELECT * FROM t;
\set VERBOSITY default
DROP TABLE t CASCADE; -- fails
\set VERBOSITY terse
DROP TABLE new;
:drop
:make
CREATE TABLE new (LIKE t INCLUDING ALL);
WITH rows AS (SELECT * FROM t) INSERT INTO new SELECT * FROM rows ORDER BY id;
DROP TABLE t; -- fails
:drop
:make
CREATE VIEW other AS SELECT * FROM t;
INSERT INTO new SELECT id + 10, note FROM other;
DROP TABLE t CASCADE; -- fails
DROP VIEW other;
:drop
:make
WITH gone AS (DELETE FROM t RETURNING id, note) INSERT INTO new SELECT id + 20, note FROM gone;
DROP TABLE t; -- fails
:drop
:make
COPY t (id, note) TO stdout;
DROP TABLE t; -- fails
:drop
:make
PREPARE copy AS INSERT INTO new SELECT id + 30, note FROM t;
EXECUTE copy;
DEALLOCATE copy;
DROP TABLE t; -- fails
:drop
:make
BEGIN;
CREATE TABLE swap AS TABLE t;
ALTER TABLE t RENAME TO old;
ALTER TABLE swap RENAME TO t;
DROP TABLE old; -- fails
ROLLBACK;
:drop

-- Copied with the deleted rows, in any way: nothing is lost.
:make
SET softdelete.visibility = 'all';
CREATE TABLE swap AS TABLE t;
RESET softdelete.visibility;
DROP TABLE t;
SELECT count(*) FROM swap;
DROP TABLE swap;
:make
CREATE TABLE swap AS SELECT * FROM t WHERE softdelete.include_deleted(deleted_at);
DROP TABLE t, swap;
:make
CREATE TABLE swap AS TABLE t;
DROP TABLE t; -- fails
INSERT INTO swap SELECT * FROM deleted_t;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('t', 'purge');
DROP TABLE t, swap;

-- Rows of which no retention is said, and rows whose retention has passed.
:make
SELECT count(*) > 0 AS configured FROM softdelete.configure('t', keep_forever => true);
CREATE TABLE swap AS TABLE t;
DROP TABLE t, swap;
:make
UPDATE all_t SET deleted_at = now() - interval '100 days' WHERE id = 2;
CREATE TABLE swap AS TABLE t;
DROP TABLE t, swap;

-- A partition that is emptied into another table, and an inheritance child.
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
SELECT count(*) > 0 AS registered FROM softdelete.register('parts', retention => '1 year');
INSERT INTO parts VALUES (1), (2), (11);
DELETE FROM parts WHERE id = 1;
CREATE TABLE swap AS TABLE parts;
DROP TABLE parts_1; -- fails
DROP TABLE parts_2;
DROP TABLE parts; -- fails
SET softdelete.visibility = 'all';
INSERT INTO new SELECT id + 40 FROM parts;
RESET softdelete.visibility;
DROP TABLE parts;

-- What pg_repack sends: it is refused at its first step in a session that would not copy the deleted rows.
CREATE FUNCTION repack.repack_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
:make
\set VERBOSITY default
CREATE TRIGGER repack_trigger AFTER INSERT OR DELETE OR UPDATE ON t FOR EACH ROW
    EXECUTE FUNCTION repack.repack_trigger('id'); -- fails
\set VERBOSITY terse
SET softdelete.visibility = 'all';
\set QUIET on
SET client_min_messages = error;
\set QUIET off
CREATE TRIGGER repack_trigger AFTER INSERT OR DELETE OR UPDATE ON t FOR EACH ROW
    EXECUTE FUNCTION repack.repack_trigger('id');
INSERT INTO new SELECT id + 50, note FROM ONLY t;
SELECT count(*) FROM new WHERE id > 50;
\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_copied CASCADE;
DROP SCHEMA repack CASCADE;
DROP ROLE regress_copied;
