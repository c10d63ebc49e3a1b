-- What a change of strategy does not carry to the other side is a warning, of plan() and of configure(); what publications say of the
-- columns is an error.
\set VERBOSITY terse
CREATE ROLE regress_change_owner;
CREATE SCHEMA regress_change AUTHORIZATION regress_change_owner;
SET search_path = regress_change;
SET client_min_messages = error;
CREATE FUNCTION warnings(tab regclass, strategy text) RETURNS TABLE (object text, warning text) LANGUAGE sql AS
    $$SELECT object, regexp_replace(command, E'\n?-- ', ' ', 'g') FROM softdelete.plan(tab, strategy => strategy) WHERE action = 'warning' ORDER BY 1$$;

-- Publications: the way of a table's rows to its archive and back is no affair of subscribers. Where its columns are named, it is refused.
SET ROLE regress_change_owner;
CREATE TABLE "Q'x" (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF "Q'x" FOR VALUES FROM (0) TO (100);
SELECT count(*) > 0 AS registered FROM softdelete.register('"Q''x"', retention => '1 year');
INSERT INTO "Q'x" VALUES (1, 'a'), (2, 'b');
DELETE FROM "Q'x" WHERE id = 1;
RESET ROLE;
CREATE PUBLICATION named FOR TABLE "Q'x" WITH (publish_via_partition_root = true);
CREATE PUBLICATION "of Part" FOR TABLE part;
CREATE PUBLICATION of_schema FOR TABLES IN SCHEMA regress_change;
CREATE PUBLICATION of_truncate FOR TABLE part WITH (publish = 'truncate');
SET ROLE regress_change_owner;
SELECT * FROM warnings('"Q''x"', 'archive');
SELECT object, action FROM softdelete.configure('"Q''x"', strategy => 'archive') WHERE action = 'warning' ORDER BY 1;
SELECT softdelete.restore('"Q''x"', 1);
DELETE FROM "Q'x" WHERE id = 2;
SELECT object FROM warnings('"Q''x"', 'flag');
SELECT object, action FROM softdelete.configure('"Q''x"', strategy => 'flag') WHERE action = 'warning' ORDER BY 1;
SELECT id FROM "deleted_Q'x";
RESET ROLE;
DROP PUBLICATION named, "of Part", of_schema, of_truncate;
CREATE PUBLICATION filtered FOR TABLE "Q'x" WHERE (deleted_at IS NULL) WITH (publish_via_partition_root = true);
CREATE PUBLICATION listed FOR TABLE part (id, deleted_at);
SET ROLE regress_change_owner;
\set VERBOSITY default
SELECT count(*) FROM softdelete.configure('"Q''x"', strategy => 'archive'); -- fails
CALL softdelete.change_strategy('"Q''x"', 'archive'); -- fails
\set VERBOSITY terse
RESET ROLE;
DROP PUBLICATION filtered, listed;
CREATE PUBLICATION of_all FOR ALL TABLES;
SET ROLE regress_change_owner;
SELECT object FROM warnings('"Q''x"', 'archive');
RESET ROLE;
DROP PUBLICATION of_all;
SET ROLE regress_change_owner;
SELECT object FROM warnings('"Q''x"', 'archive');

-- Indexes of one's own that registration would not give their condition: with indexes => 'none', and what is not unique with 'unique'.
CREATE TABLE mails (id int PRIMARY KEY, email text, code text, at int);
SELECT count(*) > 0 AS registered FROM softdelete.register('mails', indexes => 'none');
CREATE UNIQUE INDEX "own Mails" ON mails (email) WHERE deleted_at IS NULL;
CREATE INDEX recent ON mails (at) WHERE deleted_at IS NULL AND at > 5;
CREATE UNIQUE INDEX whole ON mails (code);
SELECT * FROM warnings('mails', 'archive');
SELECT count(*) > 0 AS configured FROM softdelete.configure('mails', indexes => 'unique');
SELECT object FROM warnings('mails', 'archive');
SELECT count(*) > 0 AS configured FROM softdelete.configure('mails', indexes => 'all');
SELECT object FROM warnings('mails', 'archive');
SELECT count(*) > 0 AS changed FROM softdelete.configure('mails', strategy => 'archive');
SELECT count(*) > 0 AS changed FROM softdelete.configure('mails', strategy => 'flag');
SELECT indexname, indexdef LIKE '%deleted_at IS NULL%' AS is_partial FROM pg_indexes WHERE tablename = 'mails' AND indexname IN ('own Mails', 'recent', 'whole') ORDER BY 1;

-- Types of one's own.
CREATE TABLE typed (id int PRIMARY KEY, removed_on timestamp, who int);
SELECT count(*) > 0 AS registered FROM softdelete.register('typed', deleted_at => 'removed_on', deleted_by => 'who');
SET softdelete.actor = '7';
INSERT INTO typed VALUES (1);
DELETE FROM typed;
SELECT * FROM warnings('typed', 'archive');
SELECT count(*) > 0 AS changed FROM softdelete.configure('typed', strategy => 'archive');
SELECT count(*) > 0 AS changed FROM softdelete.configure('typed', strategy => 'flag');
ALTER TABLE typed ALTER COLUMN who TYPE int USING who::int;
SELECT who + 1 AS who, pg_typeof(removed_on) FROM deleted_typed;

-- An archive that an earlier registration has left is no part of one that marks rows.
CREATE TABLE left_over (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('left_over', strategy => 'archive');
INSERT INTO left_over VALUES (1);
DELETE FROM left_over;
SELECT count(*) > 0 AS ended FROM softdelete.unregister('left_over', 'keep');
SELECT * FROM warnings('left_over', 'flag');
SELECT * FROM warnings('left_over', 'archive');

RESET ROLE;
DROP SCHEMA regress_change CASCADE;
DROP ROLE regress_change_owner;
