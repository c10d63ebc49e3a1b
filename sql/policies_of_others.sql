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
-- The conditions of views follow the reader, as views do.
SET SESSION AUTHORIZATION regress_policies;
SELECT count(*) > 0 FROM softdelete.configure('members', visibility => 'filter');
ALTER TABLE docs DISABLE ROW LEVEL SECURITY;
SELECT id FROM teams ORDER BY id;
UPDATE teams SET title = 'x' RETURNING id;
SET softdelete.visibility = 'all';
SELECT id FROM teams ORDER BY id;
UPDATE teams SET title = 'x' RETURNING id;
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_policies CASCADE;
DROP ROLE regress_policies, regress_policies_reader;
