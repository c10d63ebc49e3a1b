-- An error that only deleted rows cause says so, since nobody sees them.
CREATE ROLE regress_hints;
CREATE SCHEMA regress_hints AUTHORIZATION regress_hints;
SET SESSION AUTHORIZATION regress_hints;
SET search_path = regress_hints;
\set QUIET off

-- A row that only deleted rows reference: of a table that is not registered, or of one whose key is changed.
CREATE TABLE teams (id int PRIMARY KEY, name text);
CREATE TABLE players (id int PRIMARY KEY, team int CONSTRAINT players_team REFERENCES teams, mate int REFERENCES players);
CREATE TABLE coaches (id int PRIMARY KEY, team int CONSTRAINT coaches_team REFERENCES teams ON DELETE RESTRICT);
SELECT count(*) > 0 AS registered FROM (VALUES ('players'), ('coaches')) t (name), softdelete.register(name::regclass);
INSERT INTO teams SELECT generate_series(1, 4);
INSERT INTO players (id, team) VALUES (1, 1), (2, 2), (3, 2);
INSERT INTO coaches (id, team) VALUES (3, 3);
DELETE FROM players WHERE id < 3;
DELETE FROM coaches;
DELETE FROM teams WHERE id = 1; -- fails
DELETE FROM teams WHERE id = 3; -- fails
UPDATE teams SET id = 11 WHERE id = 1; -- fails
DELETE FROM teams WHERE id = 2; -- fails, and a live row has its part in it
DELETE FROM teams WHERE id = 4;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_hints CASCADE;
DROP ROLE regress_hints;
