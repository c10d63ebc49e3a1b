-- DDL that runs while event triggers are off leaves softdelete behind; repair() brings everything back in step. PostgreSQL's
-- own dependencies keep the worst away meanwhile.
\set QUIET on
CREATE ROLE regress_off;
CREATE ROLE regress_off_2;
CREATE SCHEMA regress_off AUTHORIZATION regress_off;
CREATE SCHEMA regress_off_2 AUTHORIZATION regress_off;
GRANT USAGE, CREATE ON SCHEMA regress_off TO regress_off_2;
CREATE VIEW regress_off.registered_indexes AS SELECT relation, name, kind FROM softdelete_internal.converted_index;
GRANT SELECT ON regress_off.registered_indexes TO regress_off, regress_off_2;
ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE;
ALTER EVENT TRIGGER softdelete_ddl_command_end DISABLE;
ALTER EVENT TRIGGER softdelete_sql_drop DISABLE;
SET SESSION AUTHORIZATION regress_off;
SET search_path = regress_off;
\pset format unaligned
CREATE TABLE t (id int PRIMARY KEY, a int, b text UNIQUE, c int);
SELECT count(*) > 0 AS registered FROM softdelete.register('t');
INSERT INTO t VALUES (1, 1, 'x', 1), (2, 2, 'y', 2);
DELETE FROM t WHERE id = 2;
\set repair 'SELECT action, object FROM softdelete.repair(\'t\'); SELECT count(*) AS differences FROM softdelete.repair(\'t\');'
\set QUIET off

-- Columns.
ALTER TABLE t ADD COLUMN n int UNIQUE;
:repair
ALTER TABLE t RENAME b TO bb;
:repair
\set VERBOSITY terse
ALTER TABLE t ALTER COLUMN bb TYPE varchar(10); -- fails
\set VERBOSITY default
ALTER TABLE t DROP COLUMN a; -- fails
ALTER TABLE t DROP COLUMN a CASCADE;
:repair
SELECT id, bb, c, n, deleted_by FROM all_t ORDER BY id;

-- Indexes and constraints.
CREATE INDEX t_c ON t (c);
ALTER TABLE t ADD CONSTRAINT t_unique UNIQUE (c, bb), ADD CONSTRAINT t_exclude EXCLUDE USING btree (c WITH =),
    ADD CONSTRAINT t_late UNIQUE (n, c) DEFERRABLE;
DROP INDEX t_deleted_at_idx;
:repair
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 't'::regclass ORDER BY 1;

-- Triggers.
DROP TRIGGER softdelete_marker ON t;
:repair
ALTER TABLE t DISABLE TRIGGER USER;
DELETE FROM t; -- fails
:repair
ALTER TABLE t DISABLE TRIGGER softdelete_marker;
:repair

-- Foreign keys.
CREATE TABLE child (id int PRIMARY KEY, t int CONSTRAINT k REFERENCES t);
:repair
INSERT INTO child VALUES (1, 1);
DELETE FROM t WHERE id = 1; -- fails
INSERT INTO child VALUES (2, 2); -- fails
ALTER TABLE child RENAME CONSTRAINT k TO k2;
ALTER TABLE child ALTER CONSTRAINT k2 DEFERRABLE;
:repair
DROP TABLE child;
:repair

-- Views and schemas.
DROP VIEW all_t;
CREATE OR REPLACE VIEW active_t AS SELECT id, bb, c, deleted_at, deleted_by, deletion_id, n FROM t;
:repair
SELECT id FROM active_t;
ALTER TABLE t SET SCHEMA regress_off_2;
SELECT action, object FROM softdelete.repair('regress_off_2.t');
SELECT schemaname, viewname FROM pg_views WHERE schemaname ~ '^regress_off' ORDER BY 2;
ALTER TABLE regress_off_2.t SET SCHEMA regress_off;
:repair

-- Whoever registers a table now is told.
CREATE TABLE told (id int PRIMARY KEY);
SELECT action, object FROM softdelete.plan('told') WHERE object = 'event triggers';
DROP TABLE told;

-- Indexes under other names: unregister() gives them back under those.
ALTER INDEX t_n_key RENAME TO "N's key";
ALTER INDEX t_c RENAME TO t_cc;
ALTER TABLE t RENAME CONSTRAINT t_exclude TO t_excluded;
ALTER TABLE t RENAME CONSTRAINT t_late TO t_later;
:repair
SELECT name, kind FROM registered_indexes WHERE relation = 't'::regclass ORDER BY 1;

-- The owner.
RESET SESSION AUTHORIZATION;
ALTER TABLE t OWNER TO regress_off_2;
SET SESSION AUTHORIZATION regress_off_2;
:repair
SELECT viewname, viewowner FROM pg_views WHERE schemaname = 'regress_off' AND viewname ~ '^(active|deleted|all)_t$' ORDER BY 1;
RESET SESSION AUTHORIZATION;
ALTER TABLE t OWNER TO regress_off;
SET SESSION AUTHORIZATION regress_off;
:repair

-- A trigger that stands for no key any more, on a table that is not registered.
CREATE TABLE "Child's" (id int PRIMARY KEY, t int CONSTRAINT "K'y" REFERENCES t);
:repair
ALTER TABLE "Child's" DROP CONSTRAINT "K'y";
INSERT INTO "Child's" VALUES (1, 99);
:repair
SELECT tgname FROM pg_trigger WHERE tgrelid = '"Child''s"'::regclass AND NOT tgisinternal;
DROP TABLE "Child's";

-- The columns of ours: a deletion_id that is gone is made anew, and one that was renamed gets its name back. The others may
-- have another name; what is gone has to be brought back.
ALTER TABLE t RENAME deletion_id TO del;
SELECT * FROM softdelete.repair('t'); -- fails
ALTER TABLE t RENAME del TO deletion_id;
ALTER TABLE t DROP COLUMN deletion_id CASCADE;
DELETE FROM t; -- fails
:repair
SELECT id, deleted_at IS NOT NULL AS deleted, deletion_id FROM all_t ORDER BY id;
ALTER TABLE t RENAME deleted_at TO gone;
SELECT * FROM t; -- fails
\echo :LAST_ERROR_SQLSTATE
:repair
ALTER TABLE t RENAME gone TO deleted_at;
:repair
ALTER TABLE t DROP COLUMN deleted_by CASCADE;
SELECT * FROM softdelete.repair('t'); -- fails
ALTER TABLE t ADD COLUMN deleted_by text;
:repair

-- Partitions.
\set QUIET on
CREATE TABLE p (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
SELECT count(*) > 0 AS registered FROM softdelete.register('p');
\set QUIET off
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
INSERT INTO p VALUES (1, 1), (2, 1);
DELETE FROM p WHERE id = 1;
SELECT action, object FROM softdelete.repair('p');
ALTER TABLE p DETACH PARTITION p1;
SELECT count(*) FROM p1;
SELECT count(*) > 0 AS registered FROM softdelete.register('p1');
SELECT id FROM p1;
ALTER TABLE p DETACH PARTITION p1; -- fails

-- A column retyped unseen is not taken for what it was, in any statement; a table with one whose due rows nobody can count does
-- not keep the others from being shown.
CREATE TABLE retyped (id int PRIMARY KEY);
CREATE TABLE fine (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM unnest('{retyped,fine}'::regclass[]) t, softdelete.register(t, retention => '0');
INSERT INTO fine VALUES (1);
DELETE FROM fine;
DROP VIEW active_retyped, deleted_retyped, all_retyped;
ALTER TABLE retyped ALTER deleted_at TYPE int USING 0;
SELECT id FROM retyped; -- fails
INSERT INTO retyped VALUES (1); -- fails
DELETE FROM retyped; -- fails
SELECT softdelete.restore('retyped', 1); -- fails
SELECT relation, due FROM softdelete.purge_preview() WHERE relation IN ('retyped'::regclass, 'fine');
ALTER TABLE retyped ALTER deleted_at TYPE timestamptz USING NULL;
INSERT INTO retyped VALUES (1);
ALTER TABLE retyped ALTER deletion_id TYPE text;
DELETE FROM retyped; -- fails
ALTER TABLE retyped ALTER deletion_id TYPE bigint USING NULL;
SELECT count(*) > 0 AS mended FROM softdelete.repair('retyped');
DELETE FROM retyped;

-- On again, everything is followed as before.
RESET SESSION AUTHORIZATION;
ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS;
ALTER EVENT TRIGGER softdelete_ddl_command_end ENABLE ALWAYS;
ALTER EVENT TRIGGER softdelete_sql_drop ENABLE ALWAYS;
SET SESSION AUTHORIZATION regress_off;
ALTER TABLE t DROP COLUMN c, ADD COLUMN d int;
SELECT * FROM active_t;
SELECT count(*) AS differences FROM softdelete.repair('t');

-- Triggers of tables and foreign keys are off where session_replication_role is replica; ours on DDL are not.
RESET SESSION AUTHORIZATION;
SET session_replication_role = replica;
ALTER TABLE regress_off.t DROP COLUMN d, ADD COLUMN e int UNIQUE;
RESET session_replication_role;
SET SESSION AUTHORIZATION regress_off;
SELECT count(*) AS differences FROM softdelete.repair('t');

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA regress_off, regress_off_2 CASCADE;
DROP ROLE regress_off;
DROP ROLE regress_off_2;
