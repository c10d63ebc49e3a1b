-- An error of a statement that runs as the owner of a table quotes no row to a caller who may not read that table.
\set VERBOSITY terse
\set QUIET on
CREATE ROLE regress_hidden_owner;
CREATE ROLE regress_hidden_caller;
CREATE SCHEMA regress_hidden AUTHORIZATION regress_hidden_owner;
GRANT USAGE, CREATE ON SCHEMA regress_hidden TO regress_hidden_caller;
SET SESSION AUTHORIZATION regress_hidden_owner;
SET search_path = regress_hidden;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE, secret text);
CREATE INDEX ON c (p);
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('p', cascade => true) \gset
RESET client_min_messages;
INSERT INTO p VALUES (1), (2);
INSERT INTO c VALUES (1, 1, 'secret one'), (2, 2, 'secret two');
DELETE FROM p WHERE id = 2;
ALTER TABLE c ADD CHECK (secret LIKE 'public%') NOT VALID;
GRANT SELECT, UPDATE, DELETE ON p TO regress_hidden_caller;
CREATE TABLE attempts (place serial, statement text);
INSERT INTO attempts (statement) VALUES ('DELETE FROM p WHERE id = 1'), ('UPDATE p SET deleted_at = now() WHERE id = 1'), ('SELECT softdelete.delete(''p'', 1)'), ('SELECT softdelete.restore(''p'', 2)'),
    ('UPDATE p SET deleted_at = NULL WHERE id = 2 AND deleted_at IS NOT NULL'), ('SELECT softdelete.undo((SELECT max(id) FROM softdelete.deletions))');
GRANT SELECT ON attempts TO regress_hidden_caller;
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE statement;
    RAISE EXCEPTION USING MESSAGE = 'done', ERRCODE = 'ZZ000'; -- leaves everything as it was
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
    RETURN 'done';
WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN sqlstate || CASE WHEN sqlerrm || detail LIKE '%secret %' THEN ': shows the row' WHEN detail <> '' THEN ': ' || detail ELSE '' END;
END $$;
\set QUIET off
SELECT statement, try(statement) FROM attempts ORDER BY place;
SET SESSION AUTHORIZATION regress_hidden_caller;
SELECT statement, try(statement) FROM attempts ORDER BY place;
SET SESSION AUTHORIZATION regress_hidden_owner;
GRANT SELECT ON c TO regress_hidden_caller;
SET SESSION AUTHORIZATION regress_hidden_caller;
SELECT statement, try(statement) FROM attempts ORDER BY place;
SET SESSION AUTHORIZATION regress_hidden_owner;
ALTER TABLE c ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON c USING (id > 100);
SET SESSION AUTHORIZATION regress_hidden_caller;
SELECT statement, try(statement) FROM attempts ORDER BY place;
-- A function that runs as its owner gets what its owner may read, whoever calls it.
CREATE FUNCTION try_as_owner(statement text) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT regress_hidden.try($1)';
RESET SESSION AUTHORIZATION;
SELECT statement, try_as_owner(statement) FROM attempts ORDER BY place;
SET SESSION AUTHORIZATION regress_hidden_owner;
SELECT statement, try_as_owner(statement) FROM attempts ORDER BY place;
SET SESSION AUTHORIZATION regress_hidden_caller;
-- What an erasure does to rows of another owner's table.
CREATE TABLE q (id int PRIMARY KEY);
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('q');
RESET client_min_messages;
INSERT INTO q VALUES (1), (2), (3), (9);
GRANT REFERENCES ON q TO regress_hidden_owner;
SET SESSION AUTHORIZATION regress_hidden_owner;
CREATE TABLE n (q int NOT NULL REFERENCES regress_hidden.q ON DELETE SET NULL, secret text);
CREATE TABLE u (q int DEFAULT 9 REFERENCES regress_hidden.q ON DELETE SET DEFAULT, secret text, UNIQUE (q, secret));
CREATE TABLE k (q int REFERENCES regress_hidden.q ON DELETE SET NULL, secret text);
INSERT INTO n VALUES (1, 'secret of n');
INSERT INTO u VALUES (2, 'secret of u'), (9, 'secret of u');
INSERT INTO k VALUES (3, 'secret of k');
ALTER TABLE k ADD CHECK (q IS NOT NULL);
SET SESSION AUTHORIZATION regress_hidden_caller;
SELECT id, try(format('SELECT softdelete.erase(''q'', ''why'', %s)', id)) FROM q WHERE id < 9 ORDER BY id;
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_hidden CASCADE;
DROP OWNED BY regress_hidden_owner, regress_hidden_caller;
DROP ROLE regress_hidden_owner, regress_hidden_caller;
