-- A DELETE spares the triggers that have nothing to say to it, and none that has.
\set ON_ERROR_STOP 1
CREATE ROLE regress_spared;
GRANT CREATE ON DATABASE :DBNAME TO regress_spared;
\set ON_ERROR_STOP 0
SET SESSION AUTHORIZATION regress_spared;
CREATE SCHEMA regress_spared;
SET search_path = regress_spared;
\set QUIET off

-- The column that says who deleted a row is itself a foreign key.
CREATE TABLE people (name text PRIMARY KEY);
CREATE TABLE notes (id int PRIMARY KEY, deleted_by text REFERENCES people);
SELECT count(*) > 0 AS registered FROM softdelete.register('notes');
INSERT INTO people VALUES ('ann');
INSERT INTO notes VALUES (1), (2);
SET softdelete.actor = 'bob';
DELETE FROM notes WHERE id = 1; -- fails
SET softdelete.actor = 'ann';
DELETE FROM notes WHERE id = 1;
RESET softdelete.actor;
SELECT id, deleted_by FROM deleted_notes;

-- A row that its own INSERT's trigger deletes is asked for its parent as if it were updated: it can be restored later.
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('parent', cascade => true);
INSERT INTO parent SELECT generate_series(1, 5);
CREATE FUNCTION take_back() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN DELETE FROM regress_spared.child WHERE id = NEW.id; RETURN NULL; END';
CREATE TRIGGER "A first of all" AFTER INSERT ON child FOR EACH ROW EXECUTE FUNCTION take_back();
INSERT INTO child VALUES (1, 9); -- fails
INSERT INTO child VALUES (1, 1);
COPY child (id, parent) FROM stdin; -- fails
2	2
3	9
\.
SELECT count(*) AS live, (SELECT count(*) FROM deleted_child) AS deleted FROM child;
DROP TRIGGER "A first of all" ON child;
CREATE FUNCTION clear_child() RETURNS int LANGUAGE plpgsql AS
    'BEGIN DELETE FROM regress_spared.child; RETURN 1; END';
ALTER TABLE child ADD COLUMN cleared int DEFAULT clear_child();
COPY child (id, parent) FROM stdin; -- fails
2	9
3	1
\.
INSERT INTO child (id, parent) VALUES (2, 9), (3, 1); -- fails
ALTER TABLE child ALTER COLUMN cleared DROP DEFAULT;
SELECT id FROM child;

-- A key that is checked at the end of the transaction.
CREATE TABLE later (id int PRIMARY KEY, parent int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
SELECT count(*) > 0 AS registered FROM softdelete.register('later');
BEGIN;
INSERT INTO later VALUES (1, 9);
DELETE FROM later;
COMMIT; -- fails

-- What a BEFORE trigger keeps or changes is not known before it has run.
INSERT INTO child VALUES (4, 2), (5, 3);
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE UPDATE ON parent FOR EACH ROW WHEN (OLD.id = 2) EXECUTE FUNCTION keep();
DELETE FROM parent WHERE id IN (2, 3);
SELECT p.id, c.id AS child FROM parent p LEFT JOIN child c ON c.parent = p.id ORDER BY 1;
DROP TRIGGER keep ON parent;
CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.parent := 9; RETURN NEW; END';
CREATE TRIGGER move BEFORE UPDATE ON child FOR EACH ROW EXECUTE FUNCTION move();
DELETE FROM child WHERE id = 4; -- fails
DROP TRIGGER move ON child;

-- A referenced key that follows from the deletion: the server refuses what would leave its children alone.
CREATE TABLE coded (id int PRIMARY KEY, deleted_at timestamptz,
    code int GENERATED ALWAYS AS (CASE WHEN deleted_at IS NULL THEN id ELSE -id END) STORED UNIQUE);
CREATE TABLE uses (id int PRIMARY KEY, code int REFERENCES coded (code));
INSERT INTO coded VALUES (1), (2);
SELECT count(*) > 0 AS registered FROM softdelete.register('coded');
INSERT INTO uses VALUES (1, 1);
DELETE FROM coded WHERE id = 1; -- fails
DELETE FROM coded WHERE id = 2;

-- The trigger that locks the rows is disabled, which event triggers refuse: they are collected after the update.
ALTER TABLE parent DISABLE TRIGGER softdelete_lock; -- fails
RESET SESSION AUTHORIZATION;
BEGIN;
ALTER EVENT TRIGGER softdelete_ddl_command_end DISABLE;
ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE;
ALTER TABLE parent DISABLE TRIGGER softdelete_lock;
DELETE FROM parent WHERE id = 2;
SELECT id FROM deleted_child WHERE parent = 2;
ROLLBACK;
SET SESSION AUTHORIZATION regress_spared;

-- Several deletions in one transaction, one below the other, and one that a function makes.
CREATE FUNCTION drop_parent(int) RETURNS bigint LANGUAGE sql AS
    'WITH gone AS (DELETE FROM regress_spared.parent WHERE id = $1 RETURNING 1) SELECT count(*) FROM gone';
INSERT INTO child VALUES (6, 4), (7, 4), (8, 5);
BEGIN;
DELETE FROM child WHERE id = 6;
SELECT drop_parent(4);
DELETE FROM parent WHERE id = 5;
SELECT count(*) FROM child WHERE parent > 3;
COMMIT;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_spared CASCADE;
REVOKE CREATE ON DATABASE :DBNAME FROM regress_spared;
DROP ROLE regress_spared;
