-- The log of purges keeps no value of any row: of an error its SQLSTATE and what it names in the catalogs, never its text.
CREATE ROLE regress_purge_errors;
CREATE SCHEMA regress_purge_errors AUTHORIZATION regress_purge_errors;
SET SESSION AUTHORIZATION regress_purge_errors;
SET search_path = regress_purge_errors;
CREATE TABLE people (id int PRIMARY KEY, name text);
CREATE TABLE "Odd table" (id int PRIMARY KEY, name text CONSTRAINT "Odd check" CHECK (name <> 'Eve'));
CREATE TABLE mentions (person int CONSTRAINT mentions_person REFERENCES people DEFERRABLE INITIALLY DEFERRED);
SELECT count(*) > 0 AS registered FROM softdelete.register('people', retention => '30 days');
INSERT INTO people SELECT g, n FROM unnest(ARRAY['Ada', 'Bob', 'Cyd', 'Dan', 'Eve', 'Fay', 'Gus']) WITH ORDINALITY u (n, g);
DELETE FROM people;
UPDATE all_people SET deleted_at = now() - interval '40 days';
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    CASE OLD.name
        WHEN 'Ada' THEN RAISE 'row of % is needed', OLD.name;
        WHEN 'Bob' THEN RAISE SQLSTATE 'P4711' USING MESSAGE = OLD.name, DETAIL = OLD.name, HINT = OLD.name;
        WHEN 'Cyd' THEN RAISE unique_violation USING MESSAGE = OLD.name, TABLE = OLD.name, CONSTRAINT = OLD.name, SCHEMA = OLD.name;
        WHEN 'Dan' THEN RAISE unique_violation USING MESSAGE = OLD.name, TABLE = 'people', CONSTRAINT = OLD.name, SCHEMA = 'regress_purge_errors';
        WHEN 'Eve' THEN INSERT INTO regress_purge_errors."Odd table" VALUES (OLD.id, OLD.name);
        WHEN 'Fay' THEN PERFORM OLD.name::int;
        ELSE NULL;
    END CASE;
    RETURN OLD;
END
$$;
CREATE TRIGGER refuse BEFORE DELETE ON people FOR EACH ROW EXECUTE FUNCTION refuse();
\set QUIET off

-- Rows that fail one by one.
SET client_min_messages = error;
CALL softdelete.purge('people');
RESET client_min_messages;
SELECT due, removed, blocked, jsonb_pretty(blockers) AS blockers, error FROM softdelete.purge_log ORDER BY id DESC LIMIT 1;
SELECT count(*) AS named FROM softdelete.purge_log l WHERE l::text ~ 'Ada|Bob|Cyd|Dan|Eve|Fay';

-- More than a hundred of them end the purge of the table: the caller reads why, the log does not.
INSERT INTO people SELECT g, 'Ada' FROM generate_series(1001, 1150) g;
DELETE FROM people;
UPDATE all_people SET deleted_at = now() - interval '40 days';
\set VERBOSITY terse
CALL softdelete.purge('people');
\set VERBOSITY default
SELECT state, sqlstate, error FROM softdelete.purge_log ORDER BY id DESC LIMIT 1;
SELECT count(*) AS named FROM softdelete.purge_log l WHERE l::text ~ 'Ada|Bob|Cyd|Dan|Eve|Fay';

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_purge_errors CASCADE;
DROP ROLE regress_purge_errors;
