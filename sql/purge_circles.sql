-- purge() beside unregistered tables whose rows go natively, in whatever shape: circles through them go as a whole when
-- every registered row in them is due, and trees of them, however deep, take along nothing that has to stay.
CREATE ROLE regress_circles;
CREATE SCHEMA regress_circles AUTHORIZATION regress_circles;
SET SESSION AUTHORIZATION regress_circles;
SET search_path = regress_circles;
\set QUIET off
CREATE FUNCTION age(days int) RETURNS timestamptz LANGUAGE sql AS $$ SELECT now() - make_interval(days => days) $$;
-- What the last run says, and what was foreseen.
CREATE FUNCTION look(tables regclass[]) RETURNS TABLE (relation regclass, due bigint, removed bigint, held bigint, blocked bigint, blockers jsonb)
LANGUAGE sql AS $$
    SELECT DISTINCT ON (l.relation) l.relation, l.due, l.removed, l.held, l.blocked, l.blockers FROM softdelete.purge_log l
    WHERE l.relation = ANY (tables) AND l.cutoff IS NOT NULL ORDER BY l.relation, l.id DESC
$$;

-- A circle: accounts have a folder (unregistered), folders belong to an account.
CREATE TABLE accounts (id int PRIMARY KEY, folder int);
CREATE TABLE "fol ders" (id int PRIMARY KEY, "the account" int REFERENCES accounts ON DELETE CASCADE);
ALTER TABLE accounts ADD FOREIGN KEY (folder) REFERENCES "fol ders" ON DELETE CASCADE;
SELECT count(*) > 0 AS registered FROM softdelete.register('accounts', retention => '30 days');
-- 1 alone; 2 and 3 in one circle; 4 and 5 in one of which 5 is young; 6 and 7, of which 7 is live; 8 and 9, of which 9 is
-- on hold; 10 and 11: 11 below 10, not the other way round, and young.
INSERT INTO accounts SELECT g FROM generate_series(1, 11) g;
INSERT INTO "fol ders" SELECT g, g FROM generate_series(1, 11) g;
UPDATE accounts SET folder = CASE id WHEN 1 THEN 1 WHEN 2 THEN 3 WHEN 3 THEN 2 WHEN 4 THEN 5 WHEN 5 THEN 4 WHEN 6 THEN 7
    WHEN 8 THEN 9 WHEN 9 THEN 8 WHEN 11 THEN 10 END;
DELETE FROM accounts WHERE id <> 7;
UPDATE all_accounts SET deleted_at = age(CASE WHEN id IN (5, 11) THEN 10 ELSE 40 END) WHERE id <> 7;
SELECT softdelete.hold('accounts', 'court', 9) > 0 AS held;
SELECT relation, due, held, blocked FROM softdelete.purge_preview('accounts');
CALL softdelete.purge('accounts', batch_size => 1);
SELECT * FROM look('{accounts}');
SELECT array_agg(id ORDER BY id) FROM all_accounts;
SELECT array_agg(id ORDER BY id) FROM "fol ders";
-- When all of it is due, all of it goes.
UPDATE all_accounts SET deleted_at = age(40) WHERE id <> 7;
SELECT softdelete.release(max(id)) FROM softdelete.holds;
CALL softdelete.purge('accounts');
SELECT * FROM look('{accounts}');
SELECT array_agg(id ORDER BY id) FROM all_accounts;
SELECT array_agg(id ORDER BY id) FROM "fol ders";

-- A circle of two registered tables and two unregistered ones between them.
CREATE TABLE a (id int PRIMARY KEY, y int);
CREATE TABLE x (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE);
CREATE TABLE b (id int PRIMARY KEY, x int REFERENCES x ON DELETE CASCADE);
CREATE TABLE y (id int PRIMARY KEY, b int REFERENCES b ON DELETE CASCADE);
ALTER TABLE a ADD FOREIGN KEY (y) REFERENCES y ON DELETE CASCADE;
SELECT count(*) > 0 AS registered FROM softdelete.register('a', retention => '30 days');
SELECT count(*) > 0 AS registered FROM softdelete.register('b', retention => '30 days');
INSERT INTO a SELECT g FROM generate_series(1, 6) g;
INSERT INTO x SELECT g, g FROM generate_series(1, 6) g;
INSERT INTO b SELECT g, g FROM generate_series(1, 6) g;
INSERT INTO y SELECT g, g FROM generate_series(1, 6) g;
UPDATE a SET y = CASE WHEN id < 3 THEN 3 - id ELSE id END;
DELETE FROM a;
DELETE FROM b WHERE id <> 6;
UPDATE all_a SET deleted_at = age(CASE id WHEN 4 THEN 10 ELSE 40 END);
UPDATE all_b SET deleted_at = age(CASE id WHEN 5 THEN 10 ELSE 40 END) WHERE id <> 6;
SELECT relation, due, held, blocked FROM softdelete.purge_preview() WHERE relation IN ('a'::regclass, 'b'::regclass) ORDER BY 1;
CALL softdelete.purge('a', batch_size => 2);
SELECT relation, due, held, blocked, blockers FROM look('{a,b}');
SELECT relation, sum(removed) AS removed FROM softdelete.purge_log WHERE relation IN ('a'::regclass, 'b'::regclass) GROUP BY 1 ORDER BY 1;
SELECT array_agg(id ORDER BY id) FROM all_a;
SELECT array_agg(id ORDER BY id) FROM x;
SELECT array_agg(id ORDER BY id) FROM all_b;
SELECT array_agg(id ORDER BY id) FROM y;

-- The keys have other names, and the way back leads to a partition alone.
CREATE TABLE towns (town_id int PRIMARY KEY, mayor int) PARTITION BY RANGE (town_id);
CREATE TABLE towns_1 PARTITION OF towns FOR VALUES FROM (0) TO (10);
CREATE TABLE towns_2 PARTITION OF towns FOR VALUES FROM (10) TO (20);
CREATE TABLE persons (id int PRIMARY KEY, town int REFERENCES towns_1);
ALTER TABLE towns ADD FOREIGN KEY (mayor) REFERENCES persons ON DELETE CASCADE;
SELECT count(*) > 0 AS registered FROM softdelete.register('persons', retention => '30 days');
-- 1 alone, 2 with a town of its own, 3 and 4 in a circle, 5 and 6 in one of which 6 is live
INSERT INTO persons SELECT generate_series(1, 7);
INSERT INTO towns VALUES (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (17, 7), (7, NULL);
UPDATE persons SET town = CASE id WHEN 2 THEN 2 WHEN 3 THEN 4 WHEN 4 THEN 3 WHEN 5 THEN 6 WHEN 6 THEN 5 WHEN 7 THEN 7 END;
DELETE FROM persons WHERE id <> 6;
UPDATE all_persons SET deleted_at = age(40) WHERE id <> 6;
SELECT relation, due, held, blocked FROM softdelete.purge_preview('persons');
CALL softdelete.purge('persons');
SELECT relation, due, removed, blocked, blockers FROM look('{persons}');
SELECT array_agg(id ORDER BY id) FROM all_persons;
SELECT array_agg(town_id ORDER BY town_id) FROM towns;

-- A run leaves one line per table, however many batches take rows of the other one along.
CREATE TABLE hens (id int PRIMARY KEY, egg int);
CREATE TABLE eggs (id int PRIMARY KEY, hen int REFERENCES hens ON DELETE CASCADE);
ALTER TABLE hens ADD FOREIGN KEY (egg) REFERENCES eggs ON DELETE CASCADE;
SELECT count(*) > 0 AS registered FROM softdelete.register('hens', retention => '30 days', strategy => 'flag');
SELECT count(*) > 0 AS registered FROM softdelete.register('eggs', retention => '30 days', strategy => 'flag');
INSERT INTO hens SELECT generate_series(1, 4);
INSERT INTO eggs SELECT g, g FROM generate_series(1, 4) g;
UPDATE hens SET egg = id;
DELETE FROM hens;
UPDATE all_hens SET deleted_at = age(40);
UPDATE all_eggs SET deleted_at = age(40);
CALL softdelete.purge(batch_size => 1);
SELECT relation, count(*) AS lines, sum(due) AS due, sum(removed) AS removed FROM softdelete.purge_log
WHERE relation IN ('hens'::regclass, 'eggs'::regclass) GROUP BY 1 ORDER BY relation::text;
SELECT relation, last_purge_removed FROM softdelete.stats WHERE relation IN ('hens'::regclass, 'eggs'::regclass) ORDER BY relation::text;

-- A tree in an unregistered table, three levels deep, with rows of registered tables at its leaves.
CREATE TABLE projects (id int PRIMARY KEY);
CREATE TABLE tasks (id int PRIMARY KEY, project int REFERENCES projects ON DELETE CASCADE, task int REFERENCES tasks ON DELETE CASCADE);
CREATE TABLE files (id int PRIMARY KEY, task int REFERENCES tasks ON DELETE CASCADE);
CREATE TABLE bills (id int PRIMARY KEY, task int REFERENCES tasks); -- unregistered, NO ACTION
SELECT count(*) > 0 AS registered FROM softdelete.register('projects', retention => '30 days');
SELECT count(*) > 0 AS registered FROM softdelete.register('files', retention => '30 days');
INSERT INTO projects SELECT g FROM generate_series(1, 6) g;
INSERT INTO tasks SELECT 100 * g, g, NULL FROM generate_series(1, 6) g;
INSERT INTO tasks SELECT 100 * g + 10, NULL, 100 * g FROM generate_series(1, 6) g;
INSERT INTO tasks SELECT 100 * g + 11, NULL, 100 * g + 10 FROM generate_series(1, 6) g;
UPDATE tasks SET task = 611 WHERE id = 600; -- and a circle
INSERT INTO files SELECT g, 100 * g + 11 FROM generate_series(1, 4) g;
INSERT INTO bills VALUES (5, 511);
DELETE FROM projects;
DELETE FROM files WHERE id <> 2;
UPDATE all_projects SET deleted_at = age(40);
UPDATE all_files SET deleted_at = age(CASE id WHEN 3 THEN 10 ELSE 40 END) WHERE id <> 2;
SELECT softdelete.hold('files', 'court', 4) > 0 AS held;
SELECT relation, due, held, blocked FROM softdelete.purge_preview('projects') ORDER BY 1;
CALL softdelete.purge('projects');
SELECT * FROM look('{projects,files}');
SELECT array_agg(id ORDER BY id) FROM all_projects;
SELECT array_agg(id ORDER BY id) FROM tasks;
SELECT array_agg(id ORDER BY id) FROM all_files;
SELECT softdelete.release(max(id)) FROM softdelete.holds;

-- The same with a circle back to the projects.
ALTER TABLE projects ADD file int REFERENCES files ON DELETE CASCADE;
DELETE FROM bills;
UPDATE all_files SET deleted_at = age(40) WHERE id = 3;
UPDATE all_projects SET file = id WHERE id IN (3, 4);
UPDATE all_projects SET file = 4 WHERE id = 2;
CALL softdelete.purge('projects', batch_size => 1);
SELECT relation, due, held, blocked, blockers FROM look('{projects,files}');
SELECT array_agg(id ORDER BY id) FROM all_projects;
SELECT array_agg(id ORDER BY id) FROM tasks;
SELECT array_agg(id ORDER BY id) FROM all_files;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_circles CASCADE;
DROP ROLE regress_circles;
