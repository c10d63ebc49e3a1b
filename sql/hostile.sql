-- A table's owner may put code nearly everywhere: types, casts, index expressions, constraints, triggers. None of it runs
-- with the rights of somebody who administers the table, nor with those of the extension.
CREATE ROLE regress_hostile;
CREATE SCHEMA regress_hostile AUTHORIZATION regress_hostile;
GRANT USAGE ON SCHEMA regress_hostile TO PUBLIC;
SET ROLE regress_hostile;
SET search_path = regress_hostile;
\pset format unaligned

-- The code tells as whom it runs, unless it is the owner. It says that it is immutable, so that it is run early.
CREATE FUNCTION spy() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF current_user <> 'regress_hostile' THEN
        RAISE EXCEPTION 'code of the table''s owner runs as %', current_user;
    END IF;
END $$;
CREATE FUNCTION spy(anyelement) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog AS $$ BEGIN PERFORM regress_hostile.spy(); RETURN $1; END $$;
CREATE FUNCTION spy_trigger() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog AS $$ BEGIN PERFORM regress_hostile.spy(); RETURN coalesce(new, old); END $$;
CREATE DOMAIN moment AS timestamptz CHECK (spy(value) IS NOT NULL OR value IS NULL);
CREATE DOMAIN code AS int CHECK (spy(value) > 0);
CREATE TYPE pair AS (a code, b int);
CREATE FUNCTION to_text(pair) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS
    $$ BEGIN PERFORM regress_hostile.spy(); RETURN ($1).a || '/' || ($1).b; END $$;
CREATE FUNCTION to_json(pair) RETURNS json LANGUAGE plpgsql SET search_path = pg_catalog AS
    $$ BEGIN PERFORM regress_hostile.spy(); RETURN '"x"'; END $$;
CREATE FUNCTION from_text(text) RETURNS pair LANGUAGE plpgsql SET search_path = pg_catalog AS
    $$ BEGIN PERFORM regress_hostile.spy(); RETURN row(split_part($1, '/', 1), split_part($1, '/', 2))::regress_hostile.pair; END $$;
CREATE CAST (pair AS text) WITH FUNCTION to_text(pair) AS ASSIGNMENT;
CREATE CAST (pair AS json) WITH FUNCTION to_json(pair);
CREATE CAST (text AS pair) WITH FUNCTION from_text(text);
CREATE TABLE parents (
    id pair PRIMARY KEY, deleted_at moment, name text UNIQUE CHECK (spy(name) <> ''),
    deletion_id bigint, copy text GENERATED ALWAYS AS (spy(name)) STORED);
CREATE TABLE children (
    id code PRIMARY KEY, parent pair REFERENCES parents ON DELETE CASCADE, name text DEFAULT spy('x'::text));
CREATE UNIQUE INDEX ON children (spy(name)) WHERE spy(1) = 1;
CREATE INDEX ON parents (spy(name)) WHERE spy(name) <> '';
CREATE INDEX ON children (name) WHERE spy(2) = 2;
CREATE TRIGGER watch AFTER INSERT OR UPDATE OR DELETE ON children FOR EACH ROW EXECUTE FUNCTION spy_trigger();
CREATE FUNCTION peep() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM regress_hostile.spy(); RETURN true; END $$;
INSERT INTO parents (id, name) VALUES ('(1,1)', 'one'), ('(2,2)', 'two'), ('(3,3)', 'three');
INSERT INTO parents (id, name, deleted_at, deletion_id) VALUES ('(4,4)', 'four', now(), 7);
INSERT INTO children VALUES (1, '(1,1)', 'a'), (2, '(2,2)', 'b');

-- What looks like the server's own stands first in the administrator's search_path.
CREATE FUNCTION now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM regress_hostile.spy(); RETURN '2000-01-01'; END $$;
CREATE FUNCTION count(text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM regress_hostile.spy(); RETURN 0; END $$;
CREATE FUNCTION equal(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM regress_hostile.spy(); RETURN true; END $$;
CREATE FUNCTION equal(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM regress_hostile.spy(); RETURN true; END $$;
CREATE FUNCTION equal(name, name) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM regress_hostile.spy(); RETURN true; END $$;
CREATE FUNCTION equal(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM regress_hostile.spy(); RETURN true; END $$;
CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = equal);
CREATE OPERATOR = (LEFTARG = oid, RIGHTARG = oid, FUNCTION = equal);
CREATE OPERATOR = (LEFTARG = name, RIGHTARG = name, FUNCTION = equal);
CREATE OPERATOR = (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = equal);
CREATE TABLE pg_class ();
CREATE TABLE registration ();
CREATE VIEW pg_constraint AS SELECT peep();
RESET ROLE;
SET search_path = regress_hostile, pg_catalog;

-- The administrator registers the tables, and looks after them. In fresh sessions the server has to look at every index
-- and constraint again, which runs what is constant in them.
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 AS planned FROM softdelete.plan('parents', cascade => true);
\c -
SET search_path = regress_hostile, pg_catalog;
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 AS registered
    FROM softdelete.register('parents', cascade => true, visibility => 'rls', retention => '1 day');
\c -
SET search_path = regress_hostile, pg_catalog;
SELECT pg_catalog.count(*) FROM softdelete.repair('parents');
SELECT pg_catalog.count(*) FROM softdelete.configure('children', indexes => 'unique', visibility => 'filter');
SELECT pg_catalog.count(*) FROM softdelete.configure('children', indexes => 'all', visibility => 'rls');
\c -
SET search_path = regress_hostile, pg_catalog;
SELECT depth, relation, action, rows FROM softdelete.preview('parents', '(2,2)');
\c -
SET search_path = regress_hostile, pg_catalog;
SELECT pg_catalog.count(*) FROM softdelete.conflicts(7);
SELECT softdelete.hold('parents', 'because', '(2,2)') AS hold \gset
SELECT softdelete.release(:hold);
\c -
SET search_path = regress_hostile, pg_catalog;
ALTER TABLE parents ADD COLUMN more int;
ALTER TABLE parents DROP COLUMN more;
\c -
SET search_path = regress_hostile, pg_catalog;
SELECT pg_catalog.count(*) FROM softdelete.purge_preview('parents');
CALL softdelete.purge('parents');
BEGIN;
CALL softdelete.purge('parents');
COMMIT;
SHOW search_path;

-- The administrator's own statement is an UPDATE of the table that it names, and what the server runs in that runs as he.
-- What follows from it does not: a cascade, and what comes back with the row.
SET ROLE regress_hostile;
CREATE TABLE heads (id int PRIMARY KEY);
CREATE TABLE tails (id code PRIMARY KEY, head int REFERENCES heads ON DELETE CASCADE, gone_at moment, name text CHECK (spy(name) <> ''));
CREATE UNIQUE INDEX ON tails (spy(name)) WHERE spy(1) = 1;
CREATE INDEX ON tails (head);
CREATE TRIGGER watch BEFORE INSERT OR UPDATE OR DELETE ON tails FOR EACH ROW EXECUTE FUNCTION spy_trigger();
INSERT INTO heads VALUES (1), (2);
INSERT INTO tails VALUES (1, 1, NULL, 'x'), (2, 2, NULL, 'y');
RESET ROLE;
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 AS registered FROM softdelete.register('heads');
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 AS registered FROM softdelete.register('tails', deleted_at => 'gone_at');
\c -
SET search_path = regress_hostile, pg_catalog;
DELETE FROM heads WHERE id OPERATOR(pg_catalog.=) 1;
SELECT pg_catalog.count(*) FROM softdelete.conflicts((SELECT pg_catalog.max(id) FROM softdelete.deletions));
SELECT softdelete.restore('heads', 1);
DELETE FROM heads WHERE id OPERATOR(pg_catalog.=) 2;
SELECT softdelete.undo(pg_catalog.max(id)) FROM softdelete.deletions;
DELETE FROM heads WHERE id OPERATOR(pg_catalog.=) 1;

-- Nor does the owner's code run as the extension's owner where the owner himself calls.
\c -
SET search_path = regress_hostile, pg_catalog;
SET ROLE regress_hostile;
CALL softdelete.purge('parents');
SELECT pg_catalog.count(*) FROM softdelete.unregister('children', 'purge');
SELECT pg_catalog.count(*) FROM softdelete.unregister('parents', 'purge');
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 AS registered FROM softdelete.register('children');
RESET ROLE;
SELECT pg_catalog.count(*) FROM softdelete.unregister('children', 'keep');
RESET search_path;
\set VERBOSITY terse
SET client_min_messages = warning;
DROP SCHEMA regress_hostile CASCADE;
DROP ROLE regress_hostile;
