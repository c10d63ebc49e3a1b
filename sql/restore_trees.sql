-- Restores in trees with several paths: what comes back never stands below a deleted parent, and what cannot come yet waits
-- in its deletion.
CREATE ROLE regress_trees;
CREATE SCHEMA regress_trees AUTHORIZATION regress_trees;
SET SESSION AUTHORIZATION regress_trees;
SET search_path = regress_trees;
\set QUIET off

-- A diamond: d has a parent in b and one in c, which have theirs in a.
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE);
CREATE TABLE c (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE);
CREATE TABLE d (id int PRIMARY KEY, b int REFERENCES b ON DELETE CASCADE, c int REFERENCES c ON DELETE CASCADE);
CREATE TABLE e (id int PRIMARY KEY, d int REFERENCES d ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('a', cascade => true);
INSERT INTO a VALUES (1), (2);
INSERT INTO b VALUES (1, 1), (2, 2);
INSERT INTO c VALUES (1, 1), (2, 2);
INSERT INTO d VALUES (1, 1, 1), (2, 1, 2), (3, 2, 1), (4, 2, 2), (5, 1, NULL);
INSERT INTO e SELECT id, id FROM d;

-- The ids of live rows.
CREATE VIEW live AS SELECT (SELECT array_agg(id ORDER BY id) FROM a) AS a, (SELECT array_agg(id ORDER BY id) FROM b) AS b,
    (SELECT array_agg(id ORDER BY id) FROM c) AS c, (SELECT array_agg(id ORDER BY id) FROM d) AS d,
    (SELECT array_agg(id ORDER BY id) FROM e) AS e;

-- From the top all of it comes back.
DELETE FROM a WHERE id = 1;
SELECT * FROM live;
SELECT softdelete.restore('a', 1);
SELECT * FROM live;

-- Parents of two paths in one deletion: what has a parent that stays deleted waits; its descendants wait with it.
BEGIN;
DELETE FROM b WHERE id = 1;
DELETE FROM c WHERE id = 1;
COMMIT;
SELECT max(id) AS deletion FROM softdelete.deletions \gset
SELECT * FROM live;
SET client_min_messages = warning;
SELECT softdelete.restore('b', 1);
SELECT * FROM live;
SELECT rows, restored_at FROM softdelete.deletions WHERE id = :deletion;
SELECT softdelete.restore('c', 1);
RESET client_min_messages;
SELECT * FROM live;
SELECT restored_at IS NOT NULL AS restored FROM softdelete.deletions WHERE id = :deletion;

-- Two paths of two deletions: the later one took less, and neither brings back what is the other's.
DELETE FROM b WHERE id = 1;
DELETE FROM c WHERE id = 1;
SELECT * FROM live;
SELECT softdelete.restore('c', 1);
SELECT * FROM live;
SELECT softdelete.restore('b', 1);
SELECT * FROM live;

-- The other way round what the first took waits for the parent that the second took.
DELETE FROM b WHERE id = 1 RETURNING deletion_id AS first \gset
DELETE FROM c WHERE id = 1 RETURNING deletion_id AS second \gset
SELECT relation, key, reason, detail FROM softdelete.conflicts(:first);
SELECT softdelete.undo(:first); -- fails
SELECT * FROM softdelete.conflicts(:second);
SELECT softdelete.undo(:second);
SELECT softdelete.undo(:first);
SELECT * FROM live;

-- A second parent that is live, and one that was never there.
DELETE FROM d WHERE id IN (1, 5);
SELECT sum(softdelete.restore('d', id)) FROM unnest('{1,5}'::int[]) id;
SELECT * FROM live;

-- SET NULL and SET DEFAULT links do not keep a row back.
CREATE TABLE owners (id int PRIMARY KEY);
CREATE TABLE things (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE, owner int REFERENCES owners ON DELETE SET NULL,
    maker int DEFAULT 2 REFERENCES owners ON DELETE SET DEFAULT);
SELECT count(*) > 0 AS registered FROM unnest('{owners,things}'::regclass[]) t, LATERAL softdelete.register(t);
INSERT INTO owners VALUES (1), (2);
INSERT INTO things VALUES (1, 1, 1, 1);
BEGIN;
DELETE FROM owners WHERE id = 1;
DELETE FROM a WHERE id = 1;
COMMIT;
SELECT * FROM live;
SELECT softdelete.restore('a', 1);
SELECT id, a, owner, maker FROM things;
SELECT * FROM live;

-- A NO ACTION or RESTRICT parent keeps a row back like another.
CREATE TABLE kinds (id int PRIMARY KEY);
CREATE TABLE kept (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE, kind int REFERENCES kinds);
SELECT count(*) > 0 AS registered FROM unnest('{kinds,kept}'::regclass[]) t, LATERAL softdelete.register(t);
INSERT INTO kinds VALUES (1), (2);
INSERT INTO kept VALUES (1, 1, 1), (2, 1, 2);
DELETE FROM a WHERE id = 1;
DELETE FROM kinds WHERE id = 1;
SET client_min_messages = warning;
SELECT softdelete.restore('a', 1);
RESET client_min_messages;
SELECT id FROM kept;
\set VERBOSITY terse
SELECT softdelete.restore('kept', 1); -- fails
\set VERBOSITY default
SELECT softdelete.restore('kinds', 1);
SELECT softdelete.restore('kept', 1);

-- A table that references itself: from the top, from the middle, from below.
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE, friend int REFERENCES tree ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('tree');
INSERT INTO tree SELECT g, nullif(g / 2, 0) FROM generate_series(1, 15) g;
DELETE FROM tree WHERE id = 2;
SELECT array_agg(id ORDER BY id) FROM tree;
\set VERBOSITY sqlstate
SELECT softdelete.restore('tree', 4); -- fails
SELECT softdelete.restore('tree', 9); -- fails
\set VERBOSITY default
SELECT softdelete.restore('tree', 2);
SELECT count(*) FROM tree;

-- Brothers of one deletion come back each on its own.
DELETE FROM tree WHERE id IN (4, 5, 3);
SELECT softdelete.restore('tree', 5);
SELECT softdelete.restore('tree', 3);
SELECT array_agg(id ORDER BY id) FROM tree;
SELECT softdelete.restore('tree', 4);
SELECT count(*) FROM tree;

-- One that references a brother that stays waits for it, and what hangs on it as well.
UPDATE tree SET friend = 5 WHERE id = 8;
UPDATE tree SET friend = 8 WHERE id = 9;
DELETE FROM tree WHERE id IN (4, 5);
SET client_min_messages = warning;
SELECT softdelete.restore('tree', 4);
SELECT array_agg(id ORDER BY id) FROM tree;
SELECT softdelete.restore('tree', 5);
RESET client_min_messages;
SELECT array_agg(id ORDER BY id) FROM tree;

-- Rings: a row that is its own parent, two that are each other's, a long one, and one with a tail.
INSERT INTO tree VALUES (100, 100), (101, 102), (102, 101), (110, 112), (111, 110), (112, 111), (113, 112);
DELETE FROM tree WHERE id IN (100, 102, 111);
SELECT array_agg(id ORDER BY id) FROM tree WHERE id >= 100;
SELECT softdelete.restore('tree', 100);
SELECT softdelete.restore('tree', 101);
SELECT softdelete.restore('tree', 110);
SELECT array_agg(id ORDER BY id) FROM tree WHERE id >= 100;

-- A ring of two tables.
CREATE TABLE man (id int PRIMARY KEY, wife int);
CREATE TABLE woman (id int PRIMARY KEY, husband int REFERENCES man ON DELETE CASCADE);
ALTER TABLE man ADD FOREIGN KEY (wife) REFERENCES woman ON DELETE CASCADE;
SELECT count(*) > 0 AS registered FROM softdelete.register('man', cascade => true);
INSERT INTO man VALUES (1), (2);
INSERT INTO woman VALUES (1, 1), (2, 2), (3, 2);
UPDATE man SET wife = id;
DELETE FROM woman WHERE id IN (1, 3);
SELECT softdelete.restore('man', 1);
SELECT softdelete.restore('woman', 3);
DELETE FROM man;
SELECT sum(softdelete.undo(id)) FROM softdelete.deletions WHERE relation = 'man'::regclass;
SELECT count(*), (SELECT count(*) FROM man) FROM woman;

-- A unique value taken below: nothing comes back, not even what is above.
CREATE TABLE heads (id int PRIMARY KEY);
CREATE TABLE parts (id int PRIMARY KEY, head int REFERENCES heads ON DELETE CASCADE, serial text UNIQUE, span int4range,
    CONSTRAINT no_overlap EXCLUDE USING gist (span WITH &&));
SELECT count(*) > 0 AS registered FROM softdelete.register('heads', cascade => true);
INSERT INTO heads VALUES (1), (2);
INSERT INTO parts VALUES (1, 1, 'x', '[1,5)'), (2, 1, 'y', '[5,9)');
DELETE FROM heads WHERE id = 1 RETURNING deletion_id AS deletion \gset
INSERT INTO parts VALUES (3, 2, 'x', NULL), (4, 2, 'z', '[8,20)');
SELECT * FROM softdelete.conflicts(:deletion);
\set VERBOSITY terse
SELECT softdelete.restore('heads', 1); -- fails
\set VERBOSITY default
SELECT id FROM heads;
DELETE FROM parts WHERE id = 3;
\set VERBOSITY terse
SELECT softdelete.undo(:deletion); -- fails
\set VERBOSITY default
DELETE FROM parts WHERE id = 4;
SELECT * FROM softdelete.conflicts(:deletion);
SELECT softdelete.restore('heads', 1);
SELECT id, serial FROM parts ORDER BY id;

-- What a trigger does with the rows that come back is judged as ever: here it makes children of a deleted parent.
CREATE FUNCTION add_child() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO regress_trees.parts VALUES (NEW.id + 100, 2, NULL, NULL); RETURN NULL; END';
CREATE TRIGGER add_child AFTER UPDATE OF deleted_at ON heads FOR EACH ROW WHEN (NEW.deleted_at IS NULL) EXECUTE FUNCTION add_child();
DELETE FROM heads WHERE id = 1;
DELETE FROM heads WHERE id = 2;
\set VERBOSITY terse
SELECT softdelete.restore('heads', 1); -- fails
\set VERBOSITY default
SELECT softdelete.restore('heads', 2);
SELECT softdelete.restore('heads', 1);

-- A BEFORE trigger that keeps a row deleted lets the whole restore fail.
DROP TRIGGER add_child ON heads;
CREATE FUNCTION veto() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER veto BEFORE UPDATE ON parts FOR EACH ROW WHEN (OLD.id = 2 AND OLD.deleted_at IS NOT NULL) EXECUTE FUNCTION veto();
DELETE FROM heads WHERE id = 1 RETURNING deletion_id AS deletion \gset
SELECT softdelete.restore('heads', 1); -- fails
SELECT softdelete.undo(:deletion); -- fails
SELECT id FROM heads;
-- One that marks it anew, too: of the row itself, or of one below it, what is below either would be live.
DROP TRIGGER veto ON parts;
CREATE FUNCTION mark_anew() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.deleted_at := OLD.deleted_at; RETURN NEW; END';
CREATE TRIGGER veto BEFORE UPDATE ON parts FOR EACH ROW WHEN (OLD.id = 2 AND OLD.deleted_at IS NOT NULL) EXECUTE FUNCTION mark_anew();
SELECT softdelete.restore('heads', 1); -- fails
SELECT softdelete.undo(:deletion); -- fails
CREATE TRIGGER veto BEFORE UPDATE ON heads FOR EACH ROW WHEN (OLD.deleted_at IS NOT NULL) EXECUTE FUNCTION mark_anew();
SELECT softdelete.restore('heads', 1); -- fails
DROP TRIGGER veto ON heads;
SELECT id FROM heads;

-- A row whose link changes as it comes back is asked for its new parent: by a trigger, or by a generated column.
DROP TRIGGER veto ON parts;
SELECT softdelete.undo(:deletion);
DELETE FROM heads WHERE id = 2;
CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.head := 2; RETURN NEW; END';
CREATE TRIGGER move BEFORE UPDATE ON parts FOR EACH ROW WHEN (OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL)
    EXECUTE FUNCTION move();
DELETE FROM heads WHERE id = 1 RETURNING deletion_id AS deletion \gset
\set VERBOSITY terse
SELECT softdelete.restore('heads', 1); -- fails
SELECT softdelete.undo(:deletion); -- fails
\set VERBOSITY default
SELECT softdelete.restore('heads', 2);
SELECT softdelete.undo(:deletion);
SELECT id, head FROM parts ORDER BY id;
CREATE TABLE shelves (id int PRIMARY KEY);
CREATE TABLE books (id int PRIMARY KEY, deleted_at timestamptz, place int,
    shelf int GENERATED ALWAYS AS (CASE WHEN deleted_at IS NULL THEN place ELSE 1 END) STORED REFERENCES shelves);
SELECT count(*) > 0 AS registered FROM softdelete.register('shelves') s, softdelete.register('books') b;
INSERT INTO shelves VALUES (1), (2);
INSERT INTO books (id, place) VALUES (1, 2);
DELETE FROM books RETURNING deletion_id AS deletion, shelf \gset
DELETE FROM shelves WHERE id = 2;
\set VERBOSITY terse
SELECT softdelete.undo(:deletion); -- fails
\set VERBOSITY default
SELECT softdelete.restore('shelves', 2);
SELECT softdelete.undo(:deletion);
SELECT id, shelf FROM books;

-- The text of an update of ours in a trigger makes none.
CREATE TABLE doors (id int PRIMARY KEY);
CREATE TABLE keys (id int PRIMARY KEY, door int REFERENCES doors ON DELETE CASCADE);
CREATE TABLE rings (id int PRIMARY KEY, key int REFERENCES keys ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('doors', cascade => true);
INSERT INTO doors VALUES (1), (2);
INSERT INTO keys VALUES (1, 1), (2, 2);
INSERT INTO rings VALUES (1, 1), (2, 2);
DELETE FROM doors WHERE id = 1 RETURNING deletion_id AS deletion \gset
DELETE FROM doors WHERE id = 2;
CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN EXECUTE ''/* softdelete */ UPDATE rings SET deleted_at = NULL WHERE id = 2''; RETURN NULL; END';
CREATE TRIGGER hang_up AFTER UPDATE ON rings FOR EACH ROW
    WHEN (NEW.id = 1 AND NEW.deleted_at IS NULL) EXECUTE FUNCTION hang_up();
\set VERBOSITY terse
SELECT softdelete.undo(:deletion); -- fails
\set VERBOSITY default
SELECT id FROM rings;

-- Unique indexes that a partition alone has count for its rows.
CREATE TABLE racks (id int PRIMARY KEY);
CREATE TABLE shards (id int PRIMARY KEY, rack int REFERENCES racks ON DELETE CASCADE, code text) PARTITION BY RANGE (id);
CREATE TABLE shards_1 (code text, id int NOT NULL, rack int);
ALTER TABLE shards ATTACH PARTITION shards_1 FOR VALUES FROM (0) TO (10);
CREATE TABLE shards_2 PARTITION OF shards FOR VALUES FROM (10) TO (20);
ALTER TABLE shards_1 ADD CONSTRAINT shards_1_code UNIQUE (code);
SELECT count(*) > 0 AS registered FROM softdelete.register('racks', cascade => true);
INSERT INTO racks VALUES (1), (2);
INSERT INTO shards VALUES (1, 1, 'x'), (11, 1, 'y');
DELETE FROM racks WHERE id = 1 RETURNING deletion_id AS deletion \gset
INSERT INTO shards VALUES (2, 2, 'x'), (3, 2, 'y'), (12, 2, 'x'), (13, 2, 'y');
SELECT * FROM softdelete.conflicts(:deletion);
\set VERBOSITY terse
SELECT softdelete.undo(:deletion); -- fails
\set VERBOSITY default
DELETE FROM shards WHERE id = 2;
SELECT * FROM softdelete.conflicts(:deletion);
SELECT softdelete.undo(:deletion);
-- Ten thousand levels take a time that grows with the rows, whatever the statistics say: what comes back, what waits with all
-- below it, and levels of some rows and of many.
CREATE TABLE deep (id int PRIMARY KEY, parent int REFERENCES deep ON DELETE CASCADE, other int REFERENCES deep ON DELETE CASCADE)
    WITH (autovacuum_enabled = off);
CREATE INDEX ON deep (parent);
CREATE INDEX ON deep (other);
SELECT count(*) > 0 AS registered FROM softdelete.register('deep');
INSERT INTO deep VALUES (0);
INSERT INTO deep SELECT i, nullif(i - 1, 0), CASE WHEN i = 2 THEN 0 END FROM generate_series(1, 10000) i;
INSERT INTO deep SELECT i, CASE WHEN i > 20003 THEN i - 3 WHEN i > 20001 THEN 20001 END FROM generate_series(20001, 26000) i;
INSERT INTO deep SELECT i, CASE WHEN i > 30151 THEN i - 150 WHEN i > 30001 THEN 30001 END FROM generate_series(30001, 60000) i;
ANALYZE deep;
DELETE FROM deep WHERE id IN (0, 1, 20001, 30001);
SET statement_timeout = '20s';
SET client_min_messages = warning;
SELECT softdelete.restore('deep', 1);
RESET client_min_messages;
SELECT softdelete.restore('deep', 0);
SELECT softdelete.restore('deep', 20001);
SELECT softdelete.restore('deep', 30001);
RESET statement_timeout;
SELECT count(*) FROM deep;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_trees CASCADE;
DROP ROLE regress_trees;
