-- A migration that fills a column and then constrains it meets the deleted rows, which the UPDATE did not see: the error says
-- so, and with what it says the migration runs.
\set QUIET on
CREATE ROLE regress_backfills;
CREATE SCHEMA regress_backfills AUTHORIZATION regress_backfills;
SET SESSION AUTHORIZATION regress_backfills;
SET search_path = regress_backfills;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, code text, parent int);
SELECT count(*) > 0 AS registered FROM softdelete.register('t');
INSERT INTO p VALUES (1);
INSERT INTO t VALUES (1, '1', 1), (2, 'two', 99), (3, '3', 1);
DELETE FROM t WHERE id = 2;
\set QUIET off

-- Each of them fails with the hint.
ALTER TABLE t ADD COLUMN lower text;
UPDATE t SET lower = code;
ALTER TABLE t ALTER lower SET NOT NULL; -- fails
ALTER TABLE t ADD CONSTRAINT numbers CHECK (code ~ '^[0-9]+$'); -- fails
ALTER TABLE t ADD CONSTRAINT numbers CHECK (code ~ '^[0-9]+$') NOT VALID;
ALTER TABLE t VALIDATE CONSTRAINT numbers; -- fails
ALTER TABLE t DROP CONSTRAINT numbers;
ALTER TABLE t ALTER code TYPE int USING code::int; -- fails
ALTER TABLE t ADD FOREIGN KEY (parent) REFERENCES p; -- fails
DO $$ BEGIN ALTER TABLE t ALTER lower SET NOT NULL; END $$; -- fails

-- Not an error of another kind, nor one of the next statement, nor of a table without deleted rows.
ALTER TABLE t ALTER no_such_column SET NOT NULL; -- fails
DO $$ BEGIN ALTER TABLE t ALTER lower SET NOT NULL; EXCEPTION WHEN not_null_violation THEN END $$;
INSERT INTO p VALUES (1); -- fails
ALTER TABLE p ADD CHECK (id > 1); -- fails

-- A domain's constraints are about the columns of registered tables as well, and so is a unique index that covers all rows.
CREATE DOMAIN digits AS text;
CREATE DOMAIN few AS digits;
CREATE TABLE d (id int PRIMARY KEY, v digits, w few);
SELECT count(*) > 0 AS registered FROM softdelete.register('d', indexes => 'none');
INSERT INTO d VALUES (1, '1', '1'), (2, 'x', 'x'), (3, NULL, '1'), (4, '1', '1');
DELETE FROM d WHERE id > 1;
ALTER DOMAIN digits SET NOT NULL; -- fails
ALTER DOMAIN digits ADD CONSTRAINT numbers CHECK (value ~ '^[0-9]+$'); -- fails
ALTER DOMAIN digits ADD CONSTRAINT numbers CHECK (value ~ '^[0-9]+$') NOT VALID;
ALTER DOMAIN digits VALIDATE CONSTRAINT numbers; -- fails
ALTER DOMAIN few ADD CHECK (value <> 'x'); -- fails
CREATE UNIQUE INDEX d_v ON d (v); -- fails
INSERT INTO d VALUES (1, '1', '1'); -- fails
DROP TABLE d;
ALTER DOMAIN digits VALIDATE CONSTRAINT numbers;

-- What it says works.
BEGIN;
SET LOCAL softdelete.visibility = 'all';
UPDATE t SET lower = code, parent = 1, code = id;
COMMIT;
ALTER TABLE t ALTER lower SET NOT NULL;
ALTER TABLE t ADD CONSTRAINT numbers CHECK (code ~ '^[0-9]+$');
ALTER TABLE t DROP CONSTRAINT numbers, ALTER code TYPE int USING code::int;
ALTER TABLE t ADD FOREIGN KEY (parent) REFERENCES p;

-- From integer to bigint: the new primary key takes an index that was made for it, or rather one like it.
ALTER TABLE t ADD COLUMN big bigint;
UPDATE t SET big = id;
CREATE UNIQUE INDEX t_big ON t (big) INCLUDE (code);
ALTER TABLE t DROP CONSTRAINT t_pkey, ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_big; -- fails
SET softdelete.visibility = 'all';
UPDATE t SET big = id;
RESET softdelete.visibility;
ALTER TABLE t DROP CONSTRAINT t_pkey, ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_big;
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 't_pkey' AND conrelid = 't'::regclass;
SELECT indexdef FROM pg_indexes WHERE schemaname = 'regress_backfills' AND tablename = 't' AND indexdef LIKE '%(big)%';
SELECT count(*) AS differences FROM softdelete.repair('t');
SELECT softdelete.restore('t', 2);
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('t', 'purge');
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 't_pkey' AND conrelid = 't'::regclass;
\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_backfills CASCADE;
DROP ROLE regress_backfills;
