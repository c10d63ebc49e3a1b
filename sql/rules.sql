-- Rewrite rules. Those that put something else in the place of DELETE or UPDATE are refused, since they would rewrite what
-- restores and removes rows as well. What a rule adds is a statement like any other, whatever it is added to.
\set QUIET on
CREATE ROLE regress_rules;
CREATE SCHEMA "regress_rules";
GRANT USAGE, CREATE ON SCHEMA regress_rules TO regress_rules;
SET ROLE regress_rules;
SET search_path = regress_rules;
\set QUIET off

-- Soft delete by rule, as it is made by hand: without the rule the table is adopted.
CREATE TABLE notes (id int PRIMARY KEY, body text, deleted_at timestamptz);
CREATE RULE "Soft ""delete" AS ON DELETE TO notes DO INSTEAD UPDATE notes SET deleted_at = now() WHERE id = OLD.id;
INSERT INTO notes VALUES (1), (2);
DELETE FROM notes WHERE id = 1;
SELECT count(*) FROM softdelete.plan('notes'); -- fails
\echo :LAST_ERROR_SQLSTATE
DROP RULE "Soft ""delete" ON notes;
SELECT action, object FROM softdelete.register('notes') WHERE action = 'adopt';
SELECT id, deleted_at IS NOT NULL AS deleted FROM all_notes ORDER BY id;

-- A rule that comes later, of any condition, for UPDATE as well.
CREATE RULE keep AS ON DELETE TO notes WHERE OLD.body = 'kept' DO INSTEAD NOTHING; -- fails
\echo :LAST_ERROR_SQLSTATE
CREATE RULE "Never" AS ON UPDATE TO notes DO INSTEAD NOTHING; -- fails
CREATE RULE never AS ON INSERT TO notes WHERE NEW.id < 0 DO INSTEAD NOTHING;
INSERT INTO notes VALUES (-1), (3);
SELECT id FROM notes ORDER BY id;

-- Of partitions too, and of tables that come to be partitions. Disabled ones do nothing, until they are enabled.
CREATE TABLE events (id int, part int, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE events_1 PARTITION OF events FOR VALUES IN (1);
CREATE TABLE events_2 (part int NOT NULL, id int NOT NULL);
CREATE RULE keep AS ON UPDATE TO events_1 DO INSTEAD NOTHING;
CREATE RULE keep AS ON DELETE TO events_2 DO INSTEAD NOTHING;
SELECT count(*) FROM softdelete.register('events'); -- fails
ALTER TABLE events_1 DISABLE RULE keep;
SELECT count(*) > 0 AS registered FROM softdelete.register('events');
ALTER TABLE events_1 ENABLE RULE keep; -- fails
ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES IN (2); -- fails
ALTER TABLE events_2 DISABLE RULE keep;
ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES IN (2);
CREATE RULE keep AS ON DELETE TO events DO INSTEAD NOTHING; -- fails

-- Where one has got in all the same, nothing is passed off as done.
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
CREATE INDEX ON children (parent);
SELECT count(*) > 0 AS registered FROM softdelete.register('parents', cascade => true);
INSERT INTO parents VALUES (1);
INSERT INTO children VALUES (1, 1);
SET row_security = off;
CREATE RULE keep AS ON DELETE TO children DO INSTEAD UPDATE children SET parent = parent WHERE id = OLD.id;
RESET row_security;
DELETE FROM parents; -- fails
SELECT softdelete.erase('children', 'request 1', 1); -- fails
SELECT softdelete.repair('children'); -- fails
DROP RULE keep ON children;
SELECT count(*) FROM softdelete.repair('children');

-- DO ALSO: the statements are one deletion, which counts and returns the rows of the DELETE itself.
CREATE TABLE things (id int PRIMARY KEY, note text);
CREATE TABLE parts (id int PRIMARY KEY, thing int);
CREATE TABLE journal (thing int, what text);
SELECT count(*) > 0 AS registered FROM softdelete.register('things', retention => '1 day');
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
CREATE RULE parts AS ON DELETE TO things DO ALSO DELETE FROM parts WHERE parts.thing = OLD.id;
CREATE RULE deleted AS ON DELETE TO things DO ALSO INSERT INTO journal VALUES (OLD.id, 'deleted');
CREATE RULE updated AS ON UPDATE TO things DO ALSO INSERT INTO journal VALUES (OLD.id, 'updated');
INSERT INTO things SELECT generate_series(1, 6);
INSERT INTO parts SELECT 10 * t + p, t FROM generate_series(1, 6) t, generate_series(1, 2) p;
DELETE FROM things WHERE id = 1 RETURNING id;
SELECT softdelete.delete('things', 2) IS NOT NULL AS deleted;
UPDATE things SET deleted_at = now() WHERE id = 3;
SELECT * FROM journal ORDER BY thing;
SELECT id FROM all_parts WHERE deleted_at IS NOT NULL ORDER BY id;
SELECT id, deleted_at IS NOT NULL AS deleted FROM all_things ORDER BY id;
SELECT rows FROM softdelete.deletions WHERE relation = 'things'::regclass OR relation = 'parts'::regclass ORDER BY id;
SELECT softdelete.undo(deletion_id) FROM all_things WHERE id = 1;
SELECT id FROM parts WHERE thing < 4 ORDER BY id;

-- What is removed for good is the named row. The rule's DELETE is a soft one then, too.
UPDATE things SET deleted_at = now() - interval '2 days' WHERE deleted_at IS NOT NULL;
CALL softdelete.purge('things');
DELETE FROM things WHERE id = 4;
UPDATE things SET deleted_at = now() - interval '2 days' WHERE id = 4 AND deleted_at IS NOT NULL;
DELETE FROM things WHERE deleted_at < now() - interval '1 day';
SELECT softdelete.erase('things', 'request 2', 5) -> 'rows' AS rows;
SELECT id FROM all_things ORDER BY id;
SELECT id, deleted_at IS NOT NULL AS deleted FROM all_parts ORDER BY id;
SELECT relation, removed, blocked FROM softdelete.purge_log WHERE relation = 'things'::regclass ORDER BY id;

-- A rule that updates the row leaves another version of it.
CREATE RULE touch AS ON DELETE TO things DO ALSO UPDATE things SET note = 'deleted' WHERE id = OLD.id;
SELECT softdelete.erase('things', 'request 3', 6); -- fails
DELETE FROM things WHERE id = 6 RETURNING note;
SELECT softdelete.erase('things', 'request 3', 6) -> 'rows' AS rows;
SELECT id FROM all_things ORDER BY id;

-- What a rule adds to a native CASCADE or ON UPDATE CASCADE is none.
CREATE TABLE groups (id int PRIMARY KEY);
CREATE TABLE members (id int PRIMARY KEY, grp int REFERENCES groups ON DELETE CASCADE ON UPDATE CASCADE);
CREATE RULE deleted AS ON DELETE TO members DO ALSO DELETE FROM parts WHERE parts.thing = OLD.id;
CREATE RULE updated AS ON UPDATE TO members DO ALSO UPDATE parts SET deleted_at = now() WHERE parts.thing = OLD.id;
INSERT INTO groups VALUES (1), (2);
INSERT INTO members VALUES (101, 1), (102, 2);
INSERT INTO parts VALUES (101, 101), (102, 102);
DELETE FROM groups WHERE id = 1;
UPDATE groups SET id = 3 WHERE id = 2;
SELECT id, deletion_id IS NOT NULL AS deleted FROM all_parts WHERE id > 100 ORDER BY id;

-- Nor is it excused from foreign keys where it is added to a restore.
CREATE TABLE stays (id int PRIMARY KEY, parent int);
SELECT count(*) > 0 AS registered FROM softdelete.register('stays', visibility => 'view');
INSERT INTO parents VALUES (2);
INSERT INTO stays VALUES (1, 2);
CREATE RULE child AS ON UPDATE TO stays DO ALSO INSERT INTO children VALUES (NEW.id + 10, NEW.parent);
DELETE FROM stays;
DELETE FROM parents WHERE id = 2;
SELECT softdelete.restore('stays', 1); -- fails
SELECT softdelete.undo(deletion_id) FROM all_stays; -- fails
SELECT softdelete.restore('parents', 2);
SELECT softdelete.restore('stays', 1);
SELECT id, parent FROM children ORDER BY id;

-- A table with an archive, and a partition of it, whose own DELETE would not come to the trigger.
CREATE TABLE moved (id int PRIMARY KEY, body text) PARTITION BY LIST (id);
CREATE TABLE moved_1 PARTITION OF moved FOR VALUES IN (1);
CREATE TABLE moved_2 (id int NOT NULL, body text);
SELECT count(*) > 0 AS registered FROM softdelete.register('moved', strategy => 'archive');
CREATE RULE keep AS ON DELETE TO moved DO INSTEAD NOTHING; -- fails
CREATE RULE keep AS ON UPDATE TO moved WHERE OLD.id = 1 DO INSTEAD NOTHING; -- fails
CREATE RULE keep AS ON DELETE TO moved_1 DO INSTEAD NOTHING; -- fails
CREATE RULE keep AS ON DELETE TO moved_2 DO INSTEAD NOTHING;
ALTER TABLE moved ATTACH PARTITION moved_2 FOR VALUES IN (2); -- fails
ALTER TABLE moved_2 DISABLE RULE keep;
ALTER TABLE moved ATTACH PARTITION moved_2 FOR VALUES IN (2);
ALTER TABLE moved_2 ENABLE RULE keep; -- fails
CREATE RULE more AS ON DELETE TO moved DO ALSO NOTHING;
INSERT INTO moved VALUES (1), (2);
DELETE FROM moved;
SELECT id FROM moved_archive ORDER BY id;
CREATE TABLE moved_3 (id int NOT NULL PRIMARY KEY, body text);
SELECT count(*) > 0 AS registered FROM softdelete.register('moved_3');
ALTER TABLE moved ATTACH PARTITION moved_3 FOR VALUES IN (3); -- fails
\echo :LAST_ERROR_SQLSTATE

-- No rule for INSERT lets rows come back from an archive: a table with one has none, and with one no table has such a rule.
CREATE TABLE tags (id int PRIMARY KEY);
CREATE TABLE labels (id int PRIMARY KEY);
CREATE TABLE tagged (tag int REFERENCES tags, label int REFERENCES labels, PRIMARY KEY (tag, label));
CREATE RULE "Note it" AS ON INSERT TO tagged DO ALSO INSERT INTO journal VALUES (NEW.tag, 'inserted');
SELECT action FROM softdelete.plan('tagged', strategy => 'archive'); -- fails
SELECT action FROM softdelete.register('tagged', strategy => 'archive'); -- fails
SELECT count(*) > 0 AS registered FROM softdelete.register('tagged');
SELECT count(*) FROM softdelete.plan('tagged', strategy => 'archive'); -- fails
SELECT count(*) FROM softdelete.configure('tagged', strategy => 'archive'); -- fails
CALL softdelete.change_strategy('tagged', 'archive'); -- fails
ALTER TABLE tagged DISABLE RULE "Note it";
SELECT count(*) > 0 AS changed FROM softdelete.configure('tagged', strategy => 'archive');
ALTER TABLE tagged ENABLE RULE "Note it"; -- fails
ALTER TABLE tagged ENABLE REPLICA RULE "Note it"; -- fails
CREATE RULE never AS ON INSERT TO tagged WHERE NEW.tag < 0 DO INSTEAD NOTHING; -- fails
CREATE RULE always AS ON INSERT TO tagged DO INSTEAD NOTHING; -- fails
CREATE RULE more AS ON DELETE TO tagged DO ALSO NOTHING;
INSERT INTO tags VALUES (1);
INSERT INTO labels VALUES (1), (2);
INSERT INTO tagged VALUES (1, 1), (1, 2);
DELETE FROM tagged;
SELECT softdelete.restore('tagged', 1, 1);
SET row_security = off;
CREATE RULE unseen AS ON INSERT TO tagged DO ALSO NOTHING;
RESET row_security;
SELECT softdelete.restore('tagged', 1, 2); -- fails
DROP RULE IF EXISTS unseen ON tagged;
SELECT softdelete.restore('tagged', 1, 2);
SELECT * FROM tagged ORDER BY label;

-- Views with rules, over the table or over deleted rows.
CREATE VIEW short AS SELECT id FROM notes;
CREATE RULE deleted AS ON DELETE TO short DO INSTEAD DELETE FROM notes WHERE id = OLD.id RETURNING notes.id;
CREATE RULE updated AS ON UPDATE TO short DO INSTEAD UPDATE notes SET id = NEW.id WHERE id = OLD.id;
DELETE FROM short WHERE id = 2 RETURNING *;
DELETE FROM short WHERE id = 2;
UPDATE short SET id = 4 WHERE id IN (2, 3);
CREATE VIEW bin AS SELECT id FROM all_notes WHERE deleted_at IS NOT NULL;
CREATE RULE deleted AS ON DELETE TO bin DO INSTEAD DELETE FROM notes WHERE id = OLD.id;
DELETE FROM bin;
SELECT id, deleted_at IS NOT NULL AS deleted FROM all_notes ORDER BY id;

\set QUIET on
SET client_min_messages = warning;
RESET ROLE;
DROP SCHEMA regress_rules CASCADE;
DROP ROLE regress_rules;
