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

-- A key that a deleted row has, in a partition and by UPDATE as well. Where only live rows count, and where no table is
-- registered, there is nothing to say.
CREATE TABLE seats (id int PRIMARY KEY, code text UNIQUE);
CREATE TABLE "Q'x" (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE "Q'x 1" PARTITION OF "Q'x" FOR VALUES FROM (1) TO (100);
SELECT count(*) > 0 AS registered FROM (VALUES ('seats'), ('"Q''x"')) t (name), softdelete.register(name::regclass);
INSERT INTO seats VALUES (1, 'a'), (2, 'b');
INSERT INTO "Q'x" VALUES (1);
DELETE FROM seats WHERE id = 1;
DELETE FROM "Q'x";
INSERT INTO seats VALUES (1, 'c'); -- fails
UPDATE seats SET id = 1; -- fails
INSERT INTO "Q'x" VALUES (1); -- fails
INSERT INTO seats VALUES (3, 'b'); -- fails
INSERT INTO teams VALUES (2); -- fails

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_hints CASCADE;
DROP ROLE regress_hints;
