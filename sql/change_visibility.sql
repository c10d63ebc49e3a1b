-- A change of strategy that brings archived rows back into a table takes the visibility that the table has then: under 'rls' nobody
-- sees, from the first row on, what the archive kept from him. The remedy of the warning runs as it stands, before, amid and after.
\set VERBOSITY terse
CREATE ROLE regress_vis_owner;
CREATE ROLE regress_vis_reader;
CREATE ROLE regress_vis_support;
CREATE SCHEMA "regress_vis X" AUTHORIZATION regress_vis_owner;
GRANT USAGE ON SCHEMA "regress_vis X" TO PUBLIC;
SET SESSION AUTHORIZATION regress_vis_owner;
SET search_path = "regress_vis X";
SET client_min_messages = warning;
-- What the reader finds in the table if he asks for all.
CREATE FUNCTION shown() RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
    SET LOCAL ROLE regress_vis_reader;
    SELECT string_agg(t.id || coalesce(' deleted', ''), ', ' ORDER BY t.id) INTO answer FROM "regress_vis X"."Q'x" t
        WHERE t.id > 0 AND to_jsonb(t) ->> 'deleted_at' IS NOT NULL;
    RESET ROLE;
    RETURN coalesce(answer, 'nothing');
END $$;
RESET SESSION AUTHORIZATION;
GRANT regress_vis_reader TO regress_vis_owner;
ALTER FUNCTION "regress_vis X".shown() SET softdelete.visibility = 'all';
SET SESSION AUTHORIZATION regress_vis_owner;
CREATE TABLE "Q'x" (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF "Q'x" FOR VALUES FROM (0) TO (100);
GRANT SELECT ON "Q'x" TO regress_vis_reader, regress_vis_support;
SELECT count(*) > 0 AS registered FROM softdelete.register('"Q''x"', strategy => 'archive', retention => '1 year', admin_roles => '{regress_vis_support}');
INSERT INTO "Q'x" SELECT i, 'secret' FROM generate_series(1, 6) i;
DELETE FROM "Q'x" WHERE id < 5;
CREATE VIEW state AS SELECT strategy, visibility, (SELECT count(*) > 0 FROM pg_policy p WHERE p.polrelid = t.relation) AS policies FROM softdelete.tables t WHERE relation = '"Q''x"'::regclass;

-- In one transaction, by the argument. The plan says the same.
SELECT object, action FROM softdelete.plan('"Q''x"', strategy => 'flag', visibility => 'rls') WHERE action = 'warning' OR object ~ 'polic|security' ORDER BY step;
SELECT object, action FROM softdelete.configure('"Q''x"', strategy => 'flag', visibility => 'rls') WHERE action = 'warning' OR object ~ 'polic|security' ORDER BY step;
TABLE state;
SELECT shown();
SET ROLE regress_vis_reader;
SELECT id FROM "Q'x" ORDER BY id;
SELECT id FROM "deleted_Q'x";
RESET ROLE;
SET SESSION AUTHORIZATION regress_vis_support;
SELECT id FROM "regress_vis X"."Q'x" WHERE deleted_at IS NOT NULL ORDER BY id;
SET SESSION AUTHORIZATION regress_vis_owner;
SELECT code FROM softdelete.check('"Q''x"') WHERE severity <> 'notice';
SELECT object FROM softdelete.repair('"Q''x"');
-- It has it already: nothing is done. Another one is set.
SELECT object, action FROM softdelete.configure('"Q''x"', strategy => 'flag', visibility => 'rls');
SELECT count(*) > 0 AS changed FROM softdelete.configure('"Q''x"', strategy => 'flag', visibility => 'filter');
TABLE state;
SELECT count(*) > 0 AS changed FROM softdelete.configure('"Q''x"', strategy => 'archive');
TABLE state;

-- The remedy of the warning, instead of the change, and after it.
SELECT substring(command FROM 'SELECT [*].*') AS remedy FROM softdelete.plan('"Q''x"', strategy => 'flag') WHERE object = 'rows of the archive' \gset
SELECT :'remedy' AS remedy;
BEGIN;
SELECT count(*) > 0 AS changed FROM (:remedy) r;
TABLE state;
SELECT shown();
ROLLBACK;
BEGIN;
SELECT substring(command FROM 'SELECT [*].*') AS remedy FROM softdelete.configure('"Q''x"', strategy => 'flag') WHERE object = 'rows of the archive' \gset
SELECT shown();
SELECT count(*) > 0 AS changed FROM (:remedy) r;
TABLE state;
SELECT shown();
ROLLBACK;

-- In batches. Each sees nothing of what is marked, from the first one on.
CALL softdelete.change_strategy('"Q''x"', 'flag', batch_size => 1, max_runtime => '0', visibility => 'rls');
TABLE state;
SELECT shown();
-- Turned back, the archive has its rows, and the table no policy.
CALL softdelete.change_strategy('"Q''x"', 'archive');
TABLE state;
SELECT relrowsecurity, (SELECT count(*) FROM "Q'x_archive") AS archived FROM pg_class WHERE oid = '"Q''x"'::regclass;
CALL softdelete.change_strategy('"Q''x"', 'flag', batch_size => 1, visibility => 'rls');
TABLE state;
SELECT shown();
SELECT code FROM softdelete.check('"Q''x"') WHERE severity <> 'notice';
SELECT object FROM softdelete.repair('"Q''x"');
SELECT count(*) > 0 AS changed FROM softdelete.configure('"Q''x"', visibility => 'filter');
CALL softdelete.change_strategy('"Q''x"', 'archive');
-- Without the argument the warning has a call that goes on under 'rls', and one that mends it when the change has ended.
\set VERBOSITY default
CALL softdelete.change_strategy('"Q''x"', 'flag', batch_size => 2, max_runtime => '0');
\set VERBOSITY terse
INSERT INTO "Q'x" VALUES (7, 'secret');
DELETE FROM "Q'x" WHERE id = 7;
SELECT shown();
CALL softdelete.change_strategy('"regress_vis X"."Q''x"', 'flag', visibility => 'rls', max_runtime => '0');
TABLE state;
SELECT shown();
CALL softdelete.change_strategy('"regress_vis X"."Q''x"', 'flag', visibility => 'rls');
SELECT shown();
CALL softdelete.change_strategy('"Q''x"', 'flag', visibility => 'filter');
SELECT shown();
CALL softdelete.change_strategy('"regress_vis X"."Q''x"', 'flag', visibility => 'rls');
TABLE state;
SELECT shown();
-- At once, from between.
SELECT count(*) > 0 AS changed FROM softdelete.configure('"Q''x"', visibility => 'filter');
CALL softdelete.change_strategy('"Q''x"', 'archive', max_runtime => '0');
SELECT object, action FROM softdelete.configure('"Q''x"', strategy => 'flag', visibility => 'rls') ORDER BY step;
TABLE state;
SELECT shown();

-- A table with policies of its own, which bind its owner as well.
SELECT count(*) > 0 AS changed FROM softdelete.configure('"Q''x"', visibility => 'filter');
CREATE POLICY own ON "Q'x" USING (id > 1);
ALTER TABLE "Q'x" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CALL softdelete.change_strategy('"Q''x"', 'archive');
CALL softdelete.change_strategy('"Q''x"', 'flag', batch_size => 3, visibility => 'rls');
SELECT shown();
SELECT polname FROM pg_policy WHERE polrelid = '"Q''x"'::regclass ORDER BY 1;
ALTER TABLE "Q'x" NO FORCE ROW LEVEL SECURITY;
SELECT array_agg(id ORDER BY id) FROM "Q'x" WHERE deleted_at IS NOT NULL;

-- What it does not go with, and values that there are not.
SELECT count(*) FROM softdelete.configure('"Q''x"', visibility => 'filter', strategy => 'archive'); -- fails
SELECT count(*) FROM softdelete.configure('"Q''x"', visibility => 'hidden', strategy => 'flag'); -- fails
SELECT count(*) FROM softdelete.configure('"Q''x"', retention => '1 day', visibility => 'rls', strategy => 'flag'); -- fails
CALL softdelete.change_strategy('"Q''x"', 'archive', visibility => 'rls'); -- fails
CALL softdelete.change_strategy('"Q''x"', 'flag', visibility => 'hidden'); -- fails
SET SESSION AUTHORIZATION regress_vis_reader;
CALL softdelete.change_strategy('"regress_vis X"."Q''x"', 'flag', visibility => 'filter'); -- fails
SELECT count(*) FROM softdelete.configure('"regress_vis X"."Q''x"', visibility => 'filter', strategy => 'flag'); -- fails
RESET SESSION AUTHORIZATION;
DROP SCHEMA "regress_vis X" CASCADE;
DROP OWNED BY regress_vis_owner, regress_vis_reader, regress_vis_support;
DROP ROLE regress_vis_owner, regress_vis_reader, regress_vis_support;
