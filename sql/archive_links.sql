-- Links of archived rows: what a restore does with those that lead nowhere, and with keys that go round in a circle.
\set VERBOSITY terse
CREATE ROLE regress_links_owner;
CREATE ROLE regress_links_other;
CREATE ROLE regress_links_editor;
CREATE SCHEMA regress_archive_links AUTHORIZATION regress_links_owner;
GRANT ALL ON SCHEMA regress_archive_links TO PUBLIC;
SET SESSION AUTHORIZATION regress_links_owner;
SET search_path = regress_archive_links;
SET client_min_messages = notice;
CREATE TABLE depts (id int PRIMARY KEY, area int DEFAULT 1, UNIQUE (id, area));
CREATE TABLE archived_depts (id int PRIMARY KEY);
CREATE TABLE marked_depts (id int PRIMARY KEY);
CREATE TABLE emps (id int PRIMARY KEY, dept int REFERENCES depts ON DELETE SET NULL, fallback int DEFAULT 1 REFERENCES depts ON DELETE SET DEFAULT,
    pair_dept int, pair_area int, archived int REFERENCES archived_depts ON DELETE SET NULL, marked int REFERENCES marked_depts ON DELETE SET NULL,
    FOREIGN KEY (pair_dept, pair_area) REFERENCES depts (id, area) ON DELETE SET NULL (pair_dept));
SELECT count(*) > 0 AS registered FROM softdelete.register('archived_depts', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('marked_depts');
SELECT count(*) > 0 AS registered FROM softdelete.register('emps', strategy => 'archive');

-- What a link led to was removed while the row lay in the archive: it comes back as it would be had it stayed live.
INSERT INTO depts VALUES (1, 1), (2, 1), (3, 1);
INSERT INTO archived_depts VALUES (5), (6);
INSERT INTO marked_depts VALUES (7), (8);
INSERT INTO emps VALUES (1, 2, 2, 2, 1, 5, 7), (2, 2, 3, NULL, NULL, NULL, 8), (3, 3, 1, 3, 1, 6, 7);
DELETE FROM emps WHERE id = 1;
DELETE FROM emps WHERE id IN (2, 3);
DELETE FROM depts WHERE id = 2;
SELECT id, dept, fallback, pair_dept, pair_area FROM deleted_emps ORDER BY id;
SELECT * FROM softdelete.conflicts((SELECT max(id) FROM softdelete.deletions WHERE relation = 'emps'::regclass));
SELECT softdelete.restore('emps', 1);
SELECT softdelete.undo(max(id)) FROM softdelete.deletions WHERE relation = 'emps'::regclass;
TABLE emps ORDER BY id;
-- One that is deleted and marked keeps the link, as in a row that stays; one that lies in an archive comes first.
DELETE FROM emps WHERE id IN (1, 2);
DELETE FROM marked_depts;
DELETE FROM archived_depts WHERE id = 5;
SELECT relation, key, reason, detail FROM softdelete.conflicts((SELECT max(id) FROM softdelete.deletions WHERE relation = 'emps'::regclass));
SELECT softdelete.restore('emps', 1); -- fails
SELECT softdelete.restore('archived_depts', 5);
SELECT softdelete.restore('emps', 1);
SELECT softdelete.restore('emps', 2);
TABLE emps ORDER BY id;
-- A restore that fails leaves the link in the archive.
INSERT INTO depts VALUES (4, 1);
UPDATE emps SET dept = 4 WHERE id = 3;
DELETE FROM emps WHERE id = 3;
DELETE FROM depts WHERE id = 4;
INSERT INTO emps (id) VALUES (3);
SELECT softdelete.restore('emps', 3); -- fails
SELECT id, dept FROM deleted_emps;
DELETE FROM emps WHERE id = 3;
-- Parents and children of several owners.
RESET SESSION AUTHORIZATION;
SET search_path = regress_archive_links;
ALTER TABLE depts OWNER TO regress_links_other;
GRANT REFERENCES ON depts TO regress_links_owner;
SET SESSION AUTHORIZATION regress_links_owner;
SELECT id, dept, fallback FROM deleted_emps ORDER BY deletion_id;
SELECT softdelete.undo(max(deletion_id)) FROM deleted_emps WHERE dept = 4;
SELECT * FROM emps WHERE id = 3;

-- Keys that go round in a circle, over one table and over several, deferrable or not; in a table of partitions as well.
CREATE TABLE teams (id int PRIMARY KEY, lead int);
CREATE TABLE people (id int PRIMARY KEY, team int REFERENCES teams ON DELETE CASCADE, boss int REFERENCES people ON DELETE CASCADE,
    mentor int REFERENCES people ON DELETE SET NULL) PARTITION BY RANGE (id);
CREATE TABLE people_1 PARTITION OF people FOR VALUES FROM (0) TO (10);
CREATE TABLE people_2 PARTITION OF people FOR VALUES FROM (10) TO (20);
ALTER TABLE teams ADD FOREIGN KEY (lead) REFERENCES people ON DELETE CASCADE;
CREATE TABLE badges (id int PRIMARY KEY, person int REFERENCES people ON DELETE CASCADE);
CREATE INDEX ON people (team);
CREATE INDEX ON people (boss);
CREATE INDEX ON people (mentor);
CREATE INDEX ON teams (lead);
CREATE INDEX ON badges (person);
SELECT count(*) > 0 AS registered FROM softdelete.register('teams', strategy => 'archive', cascade => true);
INSERT INTO teams VALUES (1), (2);
INSERT INTO people VALUES (1, 1, NULL, NULL), (2, 1, 1, NULL), (11, 2, 1, 2);
UPDATE teams SET lead = id;
INSERT INTO badges VALUES (1, 1), (2, 11);
CREATE TABLE before AS SELECT t::text AS row FROM teams t UNION ALL SELECT p::text FROM people p UNION ALL SELECT b::text FROM badges b;
CREATE VIEW changed AS (TABLE before EXCEPT ALL (SELECT t::text FROM teams t UNION ALL SELECT p::text FROM people p UNION ALL SELECT b::text FROM badges b))
    UNION ALL ((SELECT t::text FROM teams t UNION ALL SELECT p::text FROM people p UNION ALL SELECT b::text FROM badges b) EXCEPT ALL TABLE before);
DELETE FROM teams WHERE id = 1;
SELECT (SELECT count(*) FROM teams) AS teams, (SELECT count(*) FROM people) AS people, (SELECT count(*) FROM badges) AS badges;
SELECT softdelete.restore('teams', 1);
TABLE changed;
DELETE FROM people WHERE id = 1;
SELECT * FROM softdelete.conflicts((SELECT max(id) FROM softdelete.deletions));
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
TABLE changed;
-- A link that the server ends on the way to the row itself, before it or after it: the row is archived as it was before the
-- DELETE. By keys of one and of several columns, through several tables, twice in one statement; where a trigger writes the
-- row once more; in partitions; without a primary key.
CREATE TABLE roots (id int PRIMARY KEY);
CREATE TABLE mids (id int, half int, root int REFERENCES roots ON DELETE CASCADE, PRIMARY KEY (id, half));
CREATE TABLE leaves (id int, root int DEFAULT 0 REFERENCES roots ON DELETE SET NULL, mid int, mid_half int, other int DEFAULT 0 REFERENCES roots ON DELETE SET DEFAULT,
    gone int REFERENCES roots ON DELETE CASCADE, note text, FOREIGN KEY (mid, mid_half) REFERENCES mids ON DELETE SET NULL) PARTITION BY RANGE (id);
CREATE TABLE leaves_1 PARTITION OF leaves (PRIMARY KEY (id)) FOR VALUES FROM (0) TO (10);
CREATE TABLE leaves_2 PARTITION OF leaves FOR VALUES FROM (10) TO (20);
CREATE UNIQUE INDEX ON leaves_2 (id) INCLUDE (gone);
CREATE INDEX ON leaves (root);
CREATE INDEX ON leaves (mid, mid_half);
CREATE INDEX ON leaves (other);
CREATE INDEX ON leaves (gone);
CREATE INDEX ON mids (root);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := NEW.note || '!'; RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON leaves FOR EACH ROW EXECUTE FUNCTION touch();
SELECT count(*) > 0 AS registered FROM softdelete.register('roots', strategy => 'archive', cascade => true);
INSERT INTO roots VALUES (0), (1), (2);
INSERT INTO mids VALUES (1, 1, 1), (2, 1, 2);
INSERT INTO leaves VALUES (1, 1, 1, 1, 1, 1, 'a'), (11, 1, 1, 1, 1, 1, 'b'), (2, 2, 1, 1, 2, 1, 'c'), (12, NULL, NULL, 1, 1, 1, 'd'), (3, 1, 2, 1, 1, 2, 'e');
CREATE TABLE leaves_before AS TABLE leaves;
DELETE FROM roots WHERE id = 1;
SELECT id, root, mid, mid_half, other, gone, note FROM deleted_leaves ORDER BY id;
TABLE leaves;
SELECT softdelete.restore('roots', 1);
SELECT id, root, mid, mid_half, other, gone FROM leaves EXCEPT SELECT id, root, mid, mid_half, other, gone FROM leaves_before ORDER BY id;
-- The link that such a row lost by another statement stays lost, and so does what the same transaction did before.
BEGIN;
UPDATE leaves SET root = NULL WHERE id = 1;
DELETE FROM roots WHERE id IN (1, 2);
COMMIT;
SELECT id, root, mid, mid_half, other, gone FROM deleted_leaves ORDER BY id;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
SELECT id, root, mid, mid_half, other, gone FROM leaves ORDER BY id;
-- The same below a row that is marked, whose cascade is one of ours.
CREATE TABLE tops (id int PRIMARY KEY);
CREATE TABLE firsts (id int PRIMARY KEY, top int REFERENCES tops ON DELETE CASCADE);
CREATE TABLE seconds (id int PRIMARY KEY, top int REFERENCES tops ON DELETE CASCADE, first int REFERENCES firsts ON DELETE SET NULL);
CREATE INDEX ON firsts (top);
CREATE INDEX ON seconds (top);
CREATE INDEX ON seconds (first);
SELECT count(*) > 0 AS registered FROM softdelete.register('tops');
SELECT count(*) > 0 AS registered FROM softdelete.register('firsts', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('seconds', strategy => 'archive');
INSERT INTO tops VALUES (1), (2);
INSERT INTO firsts VALUES (1, 1), (2, 2);
INSERT INTO seconds VALUES (1, 1, 1), (2, 1, 2), (3, 2, 1);
DELETE FROM tops WHERE id = 1;
SELECT id, top, first FROM deleted_seconds ORDER BY id;
SELECT softdelete.restore('tops', 1);
TABLE seconds ORDER BY id;

-- By somebody else's hands, who may restore the row; its triggers run as him, those of the rows below as theirs or his.
CREATE TABLE ran (who name, what text);
GRANT INSERT ON ran TO PUBLIC;
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO regress_archive_links.ran VALUES (current_user, TG_TABLE_NAME); RETURN NEW; END $$;
CREATE TRIGGER tell BEFORE INSERT ON teams FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER tell AFTER INSERT ON badges FOR EACH ROW EXECUTE FUNCTION tell();
GRANT SELECT, UPDATE ON teams TO regress_links_editor;
DELETE FROM teams WHERE id = 2;
SET SESSION AUTHORIZATION regress_links_editor;
SELECT softdelete.restore('teams', 2);
SET SESSION AUTHORIZATION regress_links_owner;
TABLE changed;
SELECT DISTINCT * FROM ran ORDER BY what;
-- An error names all tables of the circle, and nothing moves.
DELETE FROM teams WHERE id = 1;
INSERT INTO people VALUES (2);
SELECT softdelete.restore('teams', 1); -- fails
SELECT (SELECT count(*) FROM deleted_teams) AS teams, (SELECT count(*) FROM deleted_people) AS people;
DELETE FROM people WHERE id = 2;
SELECT softdelete.restore('teams', 1);
TABLE changed;
DROP TRIGGER tell ON teams;
-- Where the tables have several owners no one statement may write them: there the keys have to be deferrable.
RESET SESSION AUTHORIZATION;
SET search_path = regress_archive_links;
ALTER TABLE teams OWNER TO regress_links_other;
GRANT ALL ON teams, people TO regress_links_owner, regress_links_other;
SET SESSION AUTHORIZATION regress_links_owner;
DELETE FROM people WHERE id = 1;
DO $$
DECLARE hint text;
BEGIN
    PERFORM softdelete.undo(max(id)) FROM softdelete.deletions;
EXCEPTION WHEN foreign_key_violation THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RAISE NOTICE '% (%)', SQLERRM, hint;
END $$;
ALTER TABLE people ALTER CONSTRAINT people_team_fkey DEFERRABLE INITIALLY DEFERRED;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
TABLE changed;

-- A table all of whose columns are computed.
CREATE TABLE computed (one int GENERATED ALWAYS AS (1) STORED, two text GENERATED ALWAYS AS ('two') STORED);
SELECT count(*) > 0 AS registered FROM softdelete.register('computed', strategy => 'archive');
INSERT INTO computed DEFAULT VALUES;
INSERT INTO computed DEFAULT VALUES;
DELETE FROM computed;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
TABLE computed;
SET client_min_messages = warning;
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_archive_links CASCADE;
DROP OWNED BY regress_links_owner, regress_links_other, regress_links_editor;
DROP ROLE regress_links_owner, regress_links_other, regress_links_editor;
