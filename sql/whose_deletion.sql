-- Which rows belong to a deletion: those of one transaction, whatever times they have, and nobody else's, whatever ids they
-- have. repair() leaves a healthy deletion whole, and register() takes a copied id for what it is.
CREATE ROLE regress_whose_owner;
CREATE ROLE regress_whose_reader;
CREATE SCHEMA regress_whose;
GRANT ALL ON SCHEMA regress_whose TO regress_whose_owner, regress_whose_reader;
SET search_path = regress_whose;
SET client_min_messages = error;
SET ROLE regress_whose_owner;

-- Every way to give the rows of one deletion different times, in columns of each type.
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE, gone timestamp) PARTITION BY HASH (id);
CREATE TABLE c0 PARTITION OF c FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE c1 PARTITION OF c FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX ON c (p);
SELECT count(*) > 0 AS registered FROM softdelete.register('p', retention => '90 days');
SELECT count(*) > 0 AS registered FROM softdelete.register('c', retention => '90 days', deleted_at => 'gone');
INSERT INTO p SELECT generate_series(1, 6);
INSERT INTO c SELECT i, (i + 1) / 2 FROM generate_series(1, 12) i;
BEGIN; -- the clock of an application for the parent, of the server for the children
DELETE FROM c WHERE p = 1;
UPDATE p SET deleted_at = now() - interval '1 second' WHERE id = 1;
COMMIT;
BEGIN; -- the other way round
UPDATE c SET gone = now() + interval '1 second' WHERE p = 2;
DELETE FROM p WHERE id = 2;
COMMIT;
DELETE FROM p WHERE id IN (3, 4, 5, 6);
UPDATE p SET deleted_at = now() - interval '30 days' WHERE id = 3 AND deleted_at IS NOT NULL; -- dated back
UPDATE c SET gone = now() - interval '30 days' WHERE p = 4 AND gone IS NOT NULL;
UPDATE c SET gone = gone - interval '1 day' WHERE id = 9 AND gone IS NOT NULL; -- one of two
SELECT softdelete.restore('p', 6); -- a part of the deletion is back
SELECT p.id, count(*), bool_and(p.deletion_id = c.deletion_id) AS same FROM all_p p JOIN all_c c ON c.p = p.id
    WHERE p.id < 6 GROUP BY 1 ORDER BY 1;
SELECT object, action FROM softdelete.repair('p') UNION ALL SELECT object, action FROM softdelete.repair('c');
SELECT p.id, count(*), bool_and(p.deletion_id = c.deletion_id) AS same FROM all_p p JOIN all_c c ON c.p = p.id
    WHERE p.id < 6 GROUP BY 1 ORDER BY 1;
SELECT softdelete.restore('p', 1) AS first, softdelete.restore('p', 2) AS second, softdelete.restore('p', 3) AS third;
SELECT softdelete.undo(max(deletion_id)) FROM all_p;
SELECT count(*) FROM p JOIN c ON c.p = p.id;

-- Somebody who may read them copies ids and times into tables of his own, in every way in which a table gets registered.
CREATE TABLE victim (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('victim');
GRANT SELECT ON victim TO regress_whose_reader;
INSERT INTO victim VALUES (1), (2);
SET softdelete.reason = 'asked for by bob@example.com';
DELETE FROM victim;
RESET softdelete.reason;
SET ROLE regress_whose_reader;
CREATE TABLE copied AS SELECT id, deleted_at, deletion_id FROM victim WHERE deleted_at IS NOT NULL;
ALTER TABLE copied ADD PRIMARY KEY (id);
SELECT count(*) > 0 AS registered FROM softdelete.register('copied');
CREATE TABLE again AS SELECT id, deleted_at, deletion_id FROM victim WHERE deleted_at IS NOT NULL;
ALTER TABLE again ADD PRIMARY KEY (id);
SELECT count(*) > 0 AS registered FROM softdelete.register('again');
CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY RANGE (id);
SELECT count(*) > 0 AS registered FROM softdelete.register('whole');
CREATE TABLE attached AS SELECT id, deleted_at, deleted_at::text AS deleted_by, deletion_id FROM victim WHERE deleted_at IS NOT NULL;
ALTER TABLE attached ALTER id SET NOT NULL;
ALTER TABLE whole ATTACH PARTITION attached FOR VALUES FROM (1) TO (9);
CREATE TABLE imported (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('imported');
INSERT INTO imported (id, deleted_at, deletion_id) SELECT id, deleted_at, deletion_id FROM victim
    WHERE deleted_at IS NOT NULL; -- fails
SELECT count(*) FROM softdelete.repair('imported');
-- Each is a deletion of its own.
SELECT r.key, r.value FROM softdelete.deletions d, json_each(d.rows::json) r ORDER BY 1;
SELECT count(DISTINCT deletion_id) FROM (SELECT deletion_id FROM all_copied UNION ALL SELECT deletion_id FROM all_again
    UNION ALL SELECT deletion_id FROM all_whole) d;
SELECT count(*) FROM victim WHERE deleted_at IS NOT NULL AND deletion_id IN (SELECT deletion_id FROM all_copied
    UNION SELECT deletion_id FROM all_again UNION SELECT deletion_id FROM all_whole);

-- Nothing changes for the one whose deletion it is; unregistered and registered again his rows are what they were.
SET ROLE regress_whose_owner;
SELECT rows FROM softdelete.deletions WHERE reason IS NOT NULL;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('victim', deleted_rows => 'keep');
SELECT count(*) > 0 AS registered FROM softdelete.register('victim');
SELECT rows FROM softdelete.deletions WHERE reason IS NOT NULL;
SELECT count(*) FROM softdelete.conflicts((SELECT id FROM softdelete.deletions WHERE reason IS NOT NULL));
SELECT softdelete.undo((SELECT id FROM softdelete.deletions WHERE reason IS NOT NULL));
DELETE FROM victim WHERE id = 1;
SET softdelete.reason = 'asked for by ann@example.com';
DELETE FROM victim;
RESET softdelete.reason;
SELECT softdelete.erase('victim', 'request', 2) -> 'rows' AS erased;
SELECT count(*) FROM softdelete.deletions WHERE reason LIKE '%ann@example.com';

-- A copy by the owner himself goes with its deletion.
CREATE TABLE moved AS SELECT id, deleted_at, deletion_id FROM victim WHERE deleted_at IS NOT NULL;
ALTER TABLE moved ADD PRIMARY KEY (id);
SELECT count(*) > 0 AS registered FROM softdelete.register('moved');
SELECT (SELECT max(deletion_id) FROM all_moved) = (SELECT max(deletion_id) FROM all_victim) AS same;

\set QUIET on
RESET ROLE;
DROP SCHEMA regress_whose CASCADE;
DROP ROLE regress_whose_owner, regress_whose_reader;
