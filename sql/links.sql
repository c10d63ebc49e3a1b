-- Which links are new ones: keys that change with their parent, rows that move to another partition, and foreign keys of
-- single partitions.
\set QUIET on
CREATE ROLE regress_links;
CREATE SCHEMA regress_links AUTHORIZATION regress_links;
SELECT setval('softdelete_internal.deletion_id_seq', 60000) \g /dev/null
SET SESSION AUTHORIZATION regress_links;
SET search_path = regress_links;
SET client_min_messages = error;
\pset format unaligned
\set QUIET off

-- A child follows its parent's new key, and goes with it where the parent is deleted by the same UPDATE.
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE cascaded (id int PRIMARY KEY, parent_id int REFERENCES parents ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE restricted (id int PRIMARY KEY, parent_id int REFERENCES parents ON DELETE RESTRICT ON UPDATE CASCADE);
CREATE TABLE kept (id int PRIMARY KEY, parent_id int REFERENCES parents ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TABLE defaulted (id int PRIMARY KEY, parent_id int DEFAULT 9 REFERENCES parents ON DELETE CASCADE ON UPDATE SET DEFAULT);
SELECT count(*) > 0 AS registered FROM softdelete.register('parents', cascade => true);
SELECT count(*) > 0 AS registered FROM softdelete.register('restricted');
SELECT count(*) > 0 AS registered FROM softdelete.register('kept');
INSERT INTO parents VALUES (1), (2), (3), (4), (5), (9);
INSERT INTO cascaded VALUES (1, 1), (2, 1);
INSERT INTO restricted VALUES (1, 2);
INSERT INTO kept VALUES (1, 3), (2, 5);
INSERT INTO defaulted VALUES (1, 4);
UPDATE parents SET id = 10, deleted_at = now() WHERE id = 1;
SELECT id, parent_id, deleted_at IS NULL AS is_live FROM all_cascaded ORDER BY id;
SELECT softdelete.undo(deletion_id) FROM deleted_parents WHERE id = 10;
SELECT * FROM cascaded ORDER BY id;
DO $$ BEGIN
    UPDATE parents SET id = 20, deleted_at = now() WHERE id = 2;
EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN
    CREATE TABLE refused AS SELECT 1;
END $$;
SELECT count(*) FROM refused;
UPDATE parents SET id = 30, deleted_at = now() WHERE id = 3;
UPDATE all_parents SET id = 31 WHERE id = 30;
SELECT id, parent_id FROM kept WHERE id = 1;
-- A default is a new link, and so is what the statement itself or a trigger writes.
DELETE FROM parents WHERE id = 9;
UPDATE parents SET id = 40 WHERE id = 4;
WITH moved AS (UPDATE parents SET id = 50 WHERE id = 5 RETURNING id) UPDATE kept SET parent_id = 9 FROM moved WHERE kept.id = 1;
CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.parent_id := 9; RETURN NEW; END';
CREATE TRIGGER move BEFORE UPDATE ON kept FOR EACH ROW EXECUTE FUNCTION move();
UPDATE parents SET id = 50 WHERE id = 5;
DROP TRIGGER move ON kept;
UPDATE parents SET id = 50 WHERE id = 5;
SELECT id, parent_id FROM kept WHERE id = 2;

-- A trigger that leaves the link alone makes no difference: the parent is the one that the row had.
CREATE TABLE touched (id int PRIMARY KEY, parent_id int REFERENCES parents ON DELETE CASCADE ON UPDATE CASCADE, at int DEFAULT 0);
SELECT count(*) > 0 AS registered FROM softdelete.register('touched');
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at := NEW.at + 1; RETURN NEW; END';
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON touched FOR EACH ROW EXECUTE FUNCTION touch();
INSERT INTO parents VALUES (71), (72), (73);
INSERT INTO touched VALUES (1, 71), (2, 71), (3, 72);
UPDATE parents SET id = 81, deleted_at = now() WHERE id = 71;
SELECT id, parent_id, at, deleted_at IS NULL AS is_live FROM all_touched ORDER BY id;
SELECT softdelete.undo(deletion_id) FROM deleted_parents WHERE id = 81;
-- One that moves the row to another deleted parent does: to one deleted before, or by the same statement.
CREATE FUNCTION repoint() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.parent_id := TG_ARGV[0]; RETURN NEW; END';
CREATE TRIGGER zz BEFORE UPDATE OF parent_id ON touched FOR EACH ROW EXECUTE FUNCTION repoint(9);
UPDATE parents SET id = 91, deleted_at = now() WHERE id = 81; -- fails
DROP TRIGGER zz ON touched;
CREATE TRIGGER zz BEFORE UPDATE OF parent_id ON touched FOR EACH ROW WHEN (OLD.id = 1) EXECUTE FUNCTION repoint(82);
UPDATE parents SET id = id + 10, deleted_at = now() WHERE id IN (72, 81); -- fails
DROP TRIGGER zz ON touched;
UPDATE parents SET id = id + 10, deleted_at = now() WHERE id IN (72, 81);
SELECT id, parent_id, deleted_at IS NULL AS is_live FROM all_touched ORDER BY id;

-- A tree does so as well.
CREATE TABLE nodes (id int PRIMARY KEY, parent_id int REFERENCES nodes ON DELETE CASCADE ON UPDATE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('nodes');
INSERT INTO nodes VALUES (1, NULL), (2, 1), (3, 2);
UPDATE nodes SET id = 10, deleted_at = now() WHERE id = 1;
SELECT id, parent_id, deleted_at IS NULL AS is_live FROM all_nodes ORDER BY id;
SELECT softdelete.undo(deletion_id) FROM deleted_nodes WHERE id = 10;

-- A row that moves to another partition keeps its link, unless the statement writes it.
CREATE TABLE parted (id int PRIMARY KEY, parent_id int REFERENCES parents ON DELETE SET NULL) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TABLE parted_2 (parent_id int, id int NOT NULL);
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (100) TO (200);
SELECT count(*) > 0 AS registered FROM softdelete.register('parted');
INSERT INTO parents VALUES (6);
INSERT INTO parted VALUES (1, 6), (2, NULL);
DELETE FROM parents WHERE id = 6;
UPDATE parted SET id = id + 100;
SELECT tableoid::regclass, id, parent_id FROM parted ORDER BY id;
UPDATE parted SET id = 1, parent_id = 6 WHERE id = 102;
WITH added AS (INSERT INTO parted VALUES (3, 6)) UPDATE parted SET id = 1 WHERE id = 101;
-- Where the link may have been written the new row is all that there is to judge by.
UPDATE parted SET id = 1, parent_id = parent_id WHERE id = 101; -- fails
MERGE INTO parted p USING (VALUES (101)) AS v (id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET id = 1; -- fails
CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER leave BEFORE UPDATE ON parted FOR EACH ROW EXECUTE FUNCTION leave();
UPDATE parted SET id = 1 WHERE id = 101; -- fails
DROP TRIGGER leave ON parted;
UPDATE parted SET id = 1 WHERE id = 101;
UPDATE parted SET id = 101 WHERE id = 1;

-- A key over partition keys: rows go to another partition with their parent, also where the statement deletes that. A
-- link that another key's parent changes is a new one.
CREATE TABLE boxes (area int, id int, PRIMARY KEY (area, id)) PARTITION BY LIST (area);
CREATE TABLE boxes_1 PARTITION OF boxes FOR VALUES IN (1);
CREATE TABLE boxes_2 PARTITION OF boxes FOR VALUES IN (2);
CREATE TABLE labels (area int, id int, box int, other int, PRIMARY KEY (area, id),
    FOREIGN KEY (area, box) REFERENCES boxes ON DELETE CASCADE ON UPDATE CASCADE,
    FOREIGN KEY (area, other) REFERENCES boxes ON DELETE SET NULL (other) ON UPDATE CASCADE) PARTITION BY LIST (area);
CREATE TABLE labels_1 PARTITION OF labels FOR VALUES IN (1);
CREATE TABLE labels_2 (other int, box int, id int NOT NULL, area int NOT NULL);
ALTER TABLE labels ATTACH PARTITION labels_2 FOR VALUES IN (2);
SELECT count(*) > 0 AS registered FROM softdelete.register('boxes', cascade => true);
INSERT INTO boxes VALUES (1, 1), (1, 2), (2, 3);
INSERT INTO labels VALUES (1, 1, 1), (1, 2, 1), (1, 3, 2);
UPDATE boxes SET area = 2 WHERE id = 1;
SELECT tableoid::regclass, id, box FROM labels ORDER BY id;
UPDATE boxes SET area = 1, deleted_at = now() WHERE id = 1;
SELECT area, id, box FROM labels ORDER BY id;
SELECT area, id, box, deleted_at IS NULL AS is_live FROM all_labels ORDER BY id;
SELECT softdelete.restore('boxes', 1, 1);
SELECT tableoid::regclass, id, box FROM labels ORDER BY id;
DELETE FROM boxes WHERE id = 3;
INSERT INTO boxes VALUES (1, 3);
UPDATE labels SET other = 3 WHERE id = 3;
UPDATE boxes SET area = 2 WHERE id = 2; -- fails

-- A key of one partition alone is new to a row that comes from another.
ALTER TABLE parted ADD own int;
ALTER TABLE parted_2 ADD FOREIGN KEY (own) REFERENCES parents;
INSERT INTO parted (id, own) VALUES (4, 6);
UPDATE parted SET id = 104 WHERE id = 4; -- fails
UPDATE parted SET id = 104, own = 5 WHERE id = 4; -- fails
UPDATE parted SET id = 104, own = NULL WHERE id = 4;

-- A deferrable key to a partitioned table is judged at the end of the transaction.
CREATE TABLE years (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE years_1 PARTITION OF years FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (id);
CREATE TABLE years_1a PARTITION OF years_1 FOR VALUES FROM (0) TO (100);
CREATE TABLE years_2 PARTITION OF years FOR VALUES FROM (100) TO (200);
CREATE TABLE events (id int PRIMARY KEY, year_id int REFERENCES years DEFERRABLE INITIALLY DEFERRED);
SELECT count(*) > 0 AS registered FROM softdelete.register('years');
SELECT count(*) > 0 AS registered FROM softdelete.register('events');
INSERT INTO years VALUES (1), (2), (101);
INSERT INTO events VALUES (1, 1), (2, 101);
BEGIN;
DELETE FROM years WHERE id = 101;
DELETE FROM years WHERE id = 1;
\set VERBOSITY sqlstate
SET CONSTRAINTS ALL IMMEDIATE;
\set VERBOSITY default
ROLLBACK;
BEGIN;
DELETE FROM years WHERE id = 1;
DELETE FROM events WHERE id = 1;
COMMIT;
SELECT id FROM years ORDER BY id;

-- So is one that keeps its links: those that were there before their parent went stay, later ones are refused.
CREATE TABLE notes (id int PRIMARY KEY, year_id int REFERENCES years ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    parent_id int REFERENCES parents ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED);
SELECT count(*) > 0 AS registered FROM softdelete.register('notes');
INSERT INTO years VALUES (11), (12);
INSERT INTO parents VALUES (11), (12);
BEGIN;
INSERT INTO notes VALUES (1, 11, 11);
DELETE FROM years WHERE id = 11;
DELETE FROM parents WHERE id = 11;
UPDATE notes SET id = 2 WHERE id = 1;
COMMIT;
SELECT id, year_id, parent_id FROM notes;
BEGIN;
DELETE FROM parents WHERE id = 12;
INSERT INTO notes VALUES (3, NULL, 12);
COMMIT;
BEGIN;
DELETE FROM years WHERE id = 12;
INSERT INTO notes VALUES (3, 12, NULL);
COMMIT;
SELECT id FROM parents WHERE id = 12 UNION ALL SELECT id FROM years WHERE id = 12;

-- Foreign keys that reference a single partition, or that a single one has.
CREATE TABLE of_partition (id int PRIMARY KEY, year_id int REFERENCES years_1a ON DELETE CASCADE);
CREATE TABLE blocking (id int PRIMARY KEY, year_id int CONSTRAINT blocking_year REFERENCES years_2);
CREATE TABLE pages (id int PRIMARY KEY, year_id int) PARTITION BY RANGE (id);
CREATE TABLE pages_1 PARTITION OF pages FOR VALUES FROM (0) TO (100);
CREATE TABLE pages_2 PARTITION OF pages FOR VALUES FROM (100) TO (200);
CREATE TABLE shelves (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE shelves_1 PARTITION OF shelves FOR VALUES FROM (0) TO (100);
CREATE TABLE books (id int PRIMARY KEY, shelf_id int REFERENCES shelves_1 ON DELETE CASCADE);
ALTER TABLE pages_2 ADD CONSTRAINT pages_2_year FOREIGN KEY (year_id) REFERENCES years ON DELETE CASCADE;
SELECT DISTINCT relation FROM softdelete.register('shelves', cascade => true) ORDER BY relation;
SELECT count(*) > 0 AS registered FROM softdelete.register('of_partition');
SELECT count(*) > 0 AS registered FROM softdelete.register('pages');
INSERT INTO years VALUES (3), (103), (104);
INSERT INTO of_partition VALUES (1, 3), (2, 3);
INSERT INTO pages VALUES (1, 3), (101, 3), (2, 777);
INSERT INTO blocking VALUES (1, 103);
SELECT * FROM softdelete.preview('years', 3);
SELECT * FROM softdelete.preview('years', 103);
DELETE FROM years WHERE id = 103;
DELETE FROM years WHERE id = 3;
SELECT id FROM of_partition UNION ALL SELECT id FROM pages ORDER BY id;
INSERT INTO of_partition VALUES (3, 3);
INSERT INTO pages VALUES (102, 3);
INSERT INTO pages VALUES (3, 3);
SELECT softdelete.restore('pages', 101);
SELECT softdelete.restore('years', 3);
SELECT id FROM of_partition UNION ALL SELECT id FROM pages ORDER BY id;
DELETE FROM years WHERE id = 3;
SELECT softdelete.undo(deletion_id) FROM deleted_years WHERE id = 3;

-- Purge, holds and erasure go along them too; a row of another partition with the same value is a stranger.
CREATE TABLE areas (id int PRIMARY KEY, code int) PARTITION BY RANGE (id);
CREATE TABLE areas_1 PARTITION OF areas FOR VALUES FROM (0) TO (100);
CREATE TABLE areas_2 PARTITION OF areas FOR VALUES FROM (100) TO (200);
ALTER TABLE areas_1 ADD UNIQUE (code);
CREATE TABLE shops (id int PRIMARY KEY, code int REFERENCES areas_1 (code) ON DELETE CASCADE);
CREATE TABLE signs (id int PRIMARY KEY, area_id int REFERENCES areas_1 ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('areas', retention => '1 day');
SELECT count(*) > 0 AS registered FROM softdelete.register('shops', retention => '1 day');
INSERT INTO areas VALUES (1, 7), (2, 8), (101, 7);
INSERT INTO shops VALUES (1, 7), (2, 8);
INSERT INTO signs VALUES (1, 1);
SELECT * FROM softdelete.preview('areas', 1);
SELECT * FROM softdelete.preview('areas', 101);
DELETE FROM areas WHERE id = 101;
SELECT id FROM shops ORDER BY id;
DELETE FROM areas WHERE id = 1;
SELECT id FROM shops ORDER BY id;
UPDATE areas SET deleted_at = now() - interval '2 days' WHERE deleted_at IS NOT NULL;
UPDATE shops SET deleted_at = now() - interval '2 days' WHERE deleted_at IS NOT NULL;
SELECT softdelete.hold('areas', 'a case', 1) AS hold \gset
SELECT relation, due, held, blocked FROM softdelete.purge_preview() WHERE due > 0;
CALL softdelete.purge('areas');
SELECT 'area', id FROM all_areas UNION ALL SELECT 'shop', id FROM all_shops UNION ALL SELECT 'sign', id FROM signs ORDER BY 1, 2;
SELECT softdelete.release(:hold);
CALL softdelete.purge('areas');
SELECT 'area', id FROM all_areas UNION ALL SELECT 'shop', id FROM all_shops UNION ALL SELECT 'sign', id FROM signs ORDER BY 1, 2;
SELECT softdelete.erase('areas', 'on request', 2) -> 'rows' AS rows;

\set QUIET on
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_links CASCADE;
DROP ROLE regress_links;
