-- What a policy says is its author's: a registered table that it reads shows it live rows, whatever the reader sets.
\set QUIET on
CREATE ROLE regress_policies;
CREATE ROLE regress_policies_reader;
CREATE SCHEMA regress_policies AUTHORIZATION regress_policies;
GRANT USAGE ON SCHEMA regress_policies TO regress_policies_reader;
SET SESSION AUTHORIZATION regress_policies;
SET search_path = regress_policies;
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE TABLE members (name text PRIMARY KEY, team int);
CREATE TABLE docs (id int PRIMARY KEY, team int, title text);
CREATE TABLE notes (id int PRIMARY KEY, team int);
INSERT INTO members VALUES ('gone', 1), ('here', 2);
INSERT INTO docs VALUES (1, 1, 'of those who are gone'), (2, 2, 'of those who are here');
INSERT INTO notes SELECT id, team FROM docs;
SELECT count(*) > 0 FROM softdelete.register('members');
SELECT count(*) > 0 FROM softdelete.register('notes');
CREATE VIEW teams WITH (security_barrier) AS SELECT id, team, title FROM docs WHERE team IN (SELECT team FROM regress_policies.members);
GRANT SELECT ON members TO regress_policies_reader;
GRANT ALL ON docs, notes TO regress_policies_reader;
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_team ON docs USING (EXISTS (SELECT FROM regress_policies.members m WHERE m.team = docs.team))
    WITH CHECK (EXISTS (SELECT FROM regress_policies.members m WHERE m.team = docs.team));
CREATE POLICY of_team ON notes USING (team IN (SELECT team FROM regress_policies.members)) WITH CHECK (team IN (SELECT team FROM regress_policies.members));
DELETE FROM members WHERE name = 'gone';
\set QUIET off
-- Every statement, under every setting; what the statement itself reads goes by the setting.
SET SESSION AUTHORIZATION regress_policies_reader;
PREPARE read AS SELECT id, (SELECT string_agg(name, ' ' ORDER BY name) FROM members) AS members FROM docs ORDER BY id;
SET softdelete.visibility = 'active';
EXECUTE read;
SET softdelete.visibility = 'all';
EXECUTE read;
SELECT id FROM docs WHERE team IN (SELECT team FROM members) ORDER BY id;
SELECT d.id FROM docs d JOIN members m USING (team) ORDER BY d.id;
WITH d AS (SELECT * FROM docs) SELECT count(*) FROM d;
UPDATE docs SET title = 'seen' RETURNING id;
UPDATE docs SET team = 1 WHERE id = 2; -- fails
INSERT INTO docs VALUES (3, 1, 'new'); -- fails
INSERT INTO docs VALUES (2, 2, 'new') ON CONFLICT (id) DO UPDATE SET team = 1; -- fails
MERGE INTO docs d USING (SELECT 1 AS team) s ON d.team = s.team WHEN MATCHED THEN UPDATE SET title = 'merged' WHEN NOT MATCHED THEN DO NOTHING;
BEGIN;
DELETE FROM docs RETURNING id;
ROLLBACK;
COPY docs (id) TO STDOUT;
SELECT id FROM notes ORDER BY id;
DELETE FROM notes RETURNING id;
SET softdelete.visibility = 'deleted';
EXECUTE read;
SELECT name FROM members ORDER BY name;
RESET softdelete.visibility;
-- A policy that asks for deleted rows sees them. So does one that reads a table without a filter.
SET SESSION AUTHORIZATION regress_policies;
ALTER POLICY of_team ON docs USING (EXISTS (SELECT FROM regress_policies.members m WHERE m.team = docs.team AND m.deleted_at IS NOT NULL));
SET SESSION AUTHORIZATION regress_policies_reader;
EXECUTE read;
SET softdelete.visibility = 'all';
EXECUTE read;
RESET softdelete.visibility;
SET SESSION AUTHORIZATION regress_policies;
ALTER POLICY of_team ON docs USING (EXISTS (SELECT FROM regress_policies.members m WHERE m.team = docs.team));
SELECT count(*) > 0 FROM softdelete.configure('members', visibility => 'view');
SET SESSION AUTHORIZATION regress_policies_reader;
EXECUTE read;
-- A function goes by the reader's setting, but for one that the server reads as a sub-query.
SET SESSION AUTHORIZATION regress_policies;
SELECT count(*) > 0 FROM softdelete.configure('members', visibility => 'filter');
CREATE FUNCTION teams_of_text() RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT team FROM regress_policies.members';
CREATE FUNCTION teams_of_call() RETURNS SETOF int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN QUERY SELECT team FROM regress_policies.members; END';
ALTER POLICY of_team ON docs USING (team IN (SELECT * FROM regress_policies.teams_of_text()));
SET SESSION AUTHORIZATION regress_policies_reader;
SET softdelete.visibility = 'all';
EXECUTE read;
SET SESSION AUTHORIZATION regress_policies;
ALTER POLICY of_team ON docs USING (team IN (SELECT * FROM regress_policies.teams_of_call()));
SET SESSION AUTHORIZATION regress_policies_reader;
EXECUTE read;
RESET softdelete.visibility;
-- The conditions of views follow the reader, as views do.
SET SESSION AUTHORIZATION regress_policies;
ALTER TABLE docs DISABLE ROW LEVEL SECURITY;
SELECT id FROM teams ORDER BY id;
UPDATE teams SET title = 'x' RETURNING id;
SET softdelete.visibility = 'all';
SELECT id FROM teams ORDER BY id;
UPDATE teams SET title = 'x' RETURNING id;
RESET softdelete.visibility;
-- So they do beside policies, for those whom these bind and for those whom they do not: through a view, however many stand
-- behind it, UPDATE and DELETE meet the rows that SELECT shows. Where the policy asks for the reader's team as well, it
-- sees live members.
CREATE VIEW all_teams WITH (security_barrier, security_invoker) AS SELECT * FROM docs WHERE team IN (SELECT team FROM regress_policies.members);
CREATE VIEW few_teams WITH (security_barrier, security_invoker) AS SELECT * FROM all_teams WHERE EXISTS (SELECT FROM regress_policies.members m WHERE m.team = all_teams.team);
CREATE VIEW plain_teams WITH (security_invoker) AS SELECT * FROM all_teams WHERE team IN (SELECT team FROM regress_policies.members);
GRANT ALL ON all_teams, few_teams, plain_teams TO regress_policies_reader;
\set QUIET on
CREATE FUNCTION count_seen() RETURNS SETOF text SET client_min_messages = warning LANGUAGE plpgsql AS $$
DECLARE
    setting text;
    name text;
    selected text;
    updated text;
    removed text;
BEGIN
    FOREACH setting IN ARRAY ARRAY['active', 'all', 'deleted'] LOOP
        PERFORM pg_catalog.set_config('softdelete.visibility', setting, true);
        FOREACH name IN ARRAY ARRAY['all_teams', 'few_teams', 'plain_teams'] LOOP
            EXECUTE format('SELECT string_agg(id::text, '','' ORDER BY id) FROM regress_policies.%I', name) INTO selected;
            EXECUTE format('WITH r AS (UPDATE regress_policies.%I SET title = title RETURNING id) SELECT string_agg(id::text, '','' ORDER BY id) FROM r', name) INTO updated;
            BEGIN
                EXECUTE format('WITH r AS (DELETE FROM regress_policies.%I RETURNING id) SELECT string_agg(id::text, '','' ORDER BY id) FROM r', name) INTO removed;
                RAISE USING ERRCODE = 'triggered_action_exception';
            EXCEPTION WHEN triggered_action_exception THEN NULL;
            END;
            RETURN NEXT format('%s %s: select %s, update %s, delete %s', setting, name, selected, updated, removed);
        END LOOP;
    END LOOP;
    PERFORM pg_catalog.set_config('softdelete.visibility', 'active', true);
END $$;
\set QUIET off
SELECT * FROM count_seen();
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
ALTER POLICY of_team ON docs USING (true) WITH CHECK (true);
SELECT * FROM count_seen();
SET SESSION AUTHORIZATION regress_policies_reader;
SELECT * FROM regress_policies.count_seen();
SET SESSION AUTHORIZATION regress_policies;
CREATE POLICY live_team ON docs AS RESTRICTIVE USING (team IN (SELECT team FROM regress_policies.members));
SET SESSION AUTHORIZATION regress_policies_reader;
SELECT * FROM regress_policies.count_seen();
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_policies CASCADE;
DROP ROLE regress_policies, regress_policies_reader;
