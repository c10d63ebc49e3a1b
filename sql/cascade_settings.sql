-- A trigger on the way of a cascade may set what it likes: rows that the cascade takes have the author of the deletion all the
-- same, of either strategy, and what code of another owner has set ends with the statement of the cascade.
\set QUIET on
CREATE ROLE regress_cascade_parent;
CREATE ROLE regress_cascade_child;
CREATE ROLE regress_cascade_app;
CREATE SCHEMA regress_cascade;
GRANT USAGE, CREATE ON SCHEMA regress_cascade TO regress_cascade_parent, regress_cascade_child;
GRANT USAGE ON SCHEMA regress_cascade TO regress_cascade_app;
SET search_path = regress_cascade;
SET client_min_messages = error;
SET SESSION AUTHORIZATION regress_cascade_parent;
CREATE TABLE parents (id int PRIMARY KEY);
GRANT REFERENCES ON parents TO regress_cascade_child;
GRANT SELECT, UPDATE, DELETE ON parents TO regress_cascade_app;
INSERT INTO parents SELECT generate_series(1, 4);
SET SESSION AUTHORIZATION regress_cascade_child;
CREATE TABLE marked (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
CREATE TABLE moved (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
CREATE FUNCTION forge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('softdelete.actor', 'forged by ' || tg_table_name, false), set_config('softdelete.reason', 'forged', false),
        set_config('softdelete.visibility', 'all', false), set_config('search_path', 'forged, regress_cascade', false),
        set_config('regress.custom', 'forged', false);
    RETURN CASE tg_op WHEN 'DELETE' THEN old ELSE new END;
END $$;
INSERT INTO marked SELECT g, g / 10 FROM generate_series(10, 49) g;
INSERT INTO moved SELECT g, g / 10 FROM generate_series(10, 49) g;
CREATE TRIGGER forge BEFORE UPDATE ON marked FOR EACH ROW EXECUTE FUNCTION forge();
CREATE TRIGGER forge BEFORE DELETE ON moved FOR EACH ROW EXECUTE FUNCTION forge();
SELECT count(*) > 0 AS registered FROM softdelete.register('marked') \g /dev/null
SELECT count(*) > 0 AS registered FROM softdelete.register('moved', strategy => 'archive') \g /dev/null
GRANT SELECT ON marked, all_marked, deleted_moved, moved_archive TO regress_cascade_parent;
SET SESSION AUTHORIZATION regress_cascade_parent;
SELECT count(*) > 0 AS registered FROM softdelete.register('parents') \g /dev/null
GRANT SELECT ON all_parents TO regress_cascade_app;
SET SESSION AUTHORIZATION regress_cascade_app;
RESET client_min_messages;
\set QUIET off

-- Nothing of it reaches the session, nor the deletions that follow.
BEGIN;
SET LOCAL softdelete.reason = 'asked';
DELETE FROM parents WHERE id = 1;
SELECT current_setting('softdelete.actor') AS actor, current_setting('softdelete.reason') AS reason, current_setting('softdelete.visibility') AS visibility,
    current_setting('search_path') AS path, current_setting('regress.custom', true) AS custom;
DELETE FROM parents WHERE id = 2;
COMMIT;
SET softdelete.actor = 'Ann';
SELECT softdelete.delete('parents', 3) IS NOT NULL AS deleted;
RESET softdelete.actor;
MERGE INTO parents USING (VALUES (4)) v (id) ON v.id = parents.id WHEN MATCHED THEN DELETE;
SELECT current_setting('softdelete.actor') AS actor, current_setting('search_path') AS path, current_setting('regress.custom', true) AS custom;
SELECT id, deleted_by FROM all_parents ORDER BY id;
SET SESSION AUTHORIZATION regress_cascade_parent;
SELECT 'marked' AS of, parent, deleted_by, count(*) FROM all_marked WHERE deleted_at IS NOT NULL GROUP BY 2, 3
    UNION ALL SELECT 'moved', parent, deleted_by, count(*) FROM deleted_moved GROUP BY 2, 3 ORDER BY 1, 2, 3;
SELECT deleted_by, reason, count(*) FROM softdelete.deletions WHERE relation = 'parents'::regclass GROUP BY 1, 2 ORDER BY 1, 2;

-- The owner's own code is his own: what it sets stays, as in a native cascade.
CREATE TABLE own (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('own', strategy => 'archive');
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('regress.custom', 'noted', false); RETURN old; END $$;
CREATE TRIGGER note BEFORE DELETE ON own FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO parents VALUES (5);
INSERT INTO own VALUES (5, 5);
DELETE FROM parents WHERE id = 5;
SELECT current_setting('regress.custom', true);

\set QUIET on
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_cascade CASCADE;
DROP ROLE regress_cascade_parent, regress_cascade_child, regress_cascade_app;
