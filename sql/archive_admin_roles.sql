-- admin_roles of tables with an archive: those roles, and nobody else, see deleted rows in the views deleted_ and all_. Where the
-- table has row security they see the deleted rows among those that its policies let them see.
\set VERBOSITY terse
CREATE ROLE regress_aa_owner;
CREATE ROLE regress_aa_support;
CREATE ROLE "regress_aa Q'x";
CREATE ROLE regress_aa_member IN ROLE regress_aa_support;
CREATE ROLE regress_aa_clerk;
CREATE SCHEMA regress_aa AUTHORIZATION regress_aa_owner;
GRANT USAGE ON SCHEMA regress_aa TO PUBLIC;
SET SESSION AUTHORIZATION regress_aa_owner;
SET search_path = regress_aa;

-- What a role sees of a relation: the count, or the error.
CREATE FUNCTION sees(who name, what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', who);
    EXECUTE 'SELECT string_agg(id::text, '','' ORDER BY id) FROM ' || what INTO answer;
    RESET ROLE;
    RETURN coalesce(answer, 'nothing');
EXCEPTION WHEN insufficient_privilege THEN RETURN SQLERRM;
END $$;
RESET SESSION AUTHORIZATION;
CREATE FUNCTION show(what text) RETURNS TABLE (who text, sees text) LANGUAGE sql AS $$
    SELECT r, regress_aa.sees(r, what) FROM unnest('{regress_aa_support,"regress_aa Q''x",regress_aa_member,regress_aa_clerk}'::name[]) r $$;

-- The plan says what is done. A role that is not there is refused.
SET SESSION AUTHORIZATION regress_aa_owner;
CREATE TABLE "Q'x" (id int PRIMARY KEY, tenant text);
GRANT SELECT ON "Q'x" TO PUBLIC;
INSERT INTO "Q'x" VALUES (1, 'a'), (2, 'b'), (3, 'a');
SELECT softdelete.register('"Q''x"', strategy => 'archive', admin_roles => '{regress_aa_nobody}'); -- fails
CREATE TEMPORARY TABLE planned AS SELECT * FROM softdelete.plan('"Q''x"', strategy => 'archive', admin_roles => '{regress_aa_support,"regress_aa Q''x"}');
SELECT object, action, command FROM planned WHERE command LIKE '%GRANT%' OR command LIKE '%POLICY%' ORDER BY step;
SELECT object, action, command FROM softdelete.register('"Q''x"', strategy => 'archive', admin_roles => '{regress_aa_support,"regress_aa Q''x"}')
    EXCEPT SELECT object, action, command FROM planned;
SELECT admin_roles FROM softdelete.tables WHERE relation = '"Q''x"'::regclass;
DELETE FROM "Q'x" WHERE id < 3;
RESET SESSION AUTHORIZATION;
SELECT * FROM show('regress_aa."deleted_Q''x"');
SELECT * FROM show('regress_aa."all_Q''x"');
SELECT * FROM show('regress_aa."Q''x_archive"');

-- Row security that comes: the archive gets the table's policies for SELECT, whatever they are, and follows them.
SET SESSION AUTHORIZATION regress_aa_owner;
ALTER TABLE "Q'x" ENABLE ROW LEVEL SECURITY;
RESET SESSION AUTHORIZATION;
SELECT * FROM show('regress_aa."deleted_Q''x"');
SET SESSION AUTHORIZATION regress_aa_owner;
CREATE TABLE tenants (role name, tenant text);
GRANT SELECT ON tenants TO PUBLIC;
INSERT INTO tenants VALUES ('regress_aa_support', 'a'), ('regress_aa_member', 'b');
CREATE POLICY "own Q'x" ON "Q'x" USING (EXISTS (SELECT FROM tenants t WHERE t.role = current_user AND t.tenant = "Q'x".tenant));
CREATE POLICY writes ON "Q'x" FOR INSERT WITH CHECK (true);
RESET SESSION AUTHORIZATION;
SELECT * FROM show('regress_aa."deleted_Q''x"');
SET SESSION AUTHORIZATION regress_aa_owner;
SELECT polname, polpermissive, polcmd FROM pg_policy WHERE polrelid = '"Q''x_archive"'::regclass ORDER BY 1;
CREATE POLICY second ON "Q'x" AS RESTRICTIVE FOR SELECT TO regress_aa_support, regress_aa_clerk USING (id <> 2);
CREATE POLICY third ON "Q'x" FOR SELECT USING (tenant = 'b');
RESET SESSION AUTHORIZATION;
SELECT * FROM show('regress_aa."deleted_Q''x"');
SET SESSION AUTHORIZATION regress_aa_owner;
ALTER POLICY second ON "Q'x" USING (id <> 1);
ALTER POLICY third ON "Q'x" RENAME TO "3";
RESET SESSION AUTHORIZATION;
SELECT * FROM show('regress_aa."deleted_Q''x"');
-- What event triggers did not see: check() finds it, repair() mends it.
ALTER EVENT TRIGGER softdelete_ddl_command_end DISABLE;
ALTER POLICY second ON regress_aa."Q'x" TO regress_aa_clerk;
ALTER EVENT TRIGGER softdelete_ddl_command_end ENABLE ALWAYS;
SET SESSION AUTHORIZATION regress_aa_owner;
SELECT code, object FROM softdelete.check('"Q''x"') WHERE code = 'out_of_step';
SELECT object, action FROM softdelete.repair('"Q''x"');
RESET SESSION AUTHORIZATION;
SELECT * FROM show('regress_aa."deleted_Q''x"');
-- Nothing is left to do for check() and repair().
SET SESSION AUTHORIZATION regress_aa_owner;
SELECT code, object FROM softdelete.check('"Q''x"');
SELECT object, action FROM softdelete.repair('"Q''x"');
DROP POLICY second ON "Q'x";
ALTER TABLE "Q'x" RENAME tenant TO "Tenant";
RESET SESSION AUTHORIZATION;
SELECT * FROM show('regress_aa."deleted_Q''x"');
SET SESSION AUTHORIZATION regress_aa_owner;
SELECT polname, pg_get_expr(polqual, polrelid) ~ '"Tenant"' AS renamed FROM pg_policy WHERE polrelid = '"Q''x_archive"'::regclass ORDER BY 1;
-- A column that goes takes policies along.
ALTER TABLE "Q'x" DROP COLUMN "Tenant"; -- fails
ALTER TABLE "Q'x" DROP COLUMN "Tenant" CASCADE;
SELECT count(*) AS policies FROM pg_policy WHERE polrelid = '"Q''x_archive"'::regclass;
-- What reads the whole row means another row in the archive.
CREATE POLICY whole ON "Q'x" USING ("Q'x" IS NOT NULL); -- fails
-- Policies of one's own on the archive stay; the names of those that are kept are not for them.
CREATE POLICY mine ON "Q'x_archive" USING (true);
CREATE POLICY softdelete_mine ON "Q'x_archive" USING (true); -- fails
ALTER POLICY mine ON "Q'x_archive" RENAME TO softdelete_mine; -- fails
CREATE POLICY another ON "Q'x" USING (true);
SELECT polname FROM pg_policy WHERE polrelid = '"Q''x_archive"'::regclass ORDER BY 1;
DROP POLICY another ON "Q'x";
DROP POLICY mine ON "Q'x_archive";
-- Row security that ends ends for those who may read.
ALTER TABLE "Q'x" DISABLE ROW LEVEL SECURITY;
RESET SESSION AUTHORIZATION;
SELECT * FROM show('regress_aa."deleted_Q''x"');

-- Other roles: a role that is not among them any more sees nothing.
SET SESSION AUTHORIZATION regress_aa_owner;
SELECT object, action, command FROM softdelete.configure('"Q''x"', admin_roles => '{regress_aa_clerk,"regress_aa Q''x"}');
SELECT object FROM softdelete.configure('"Q''x"', admin_roles => '{regress_aa_clerk,"regress_aa Q''x"}');
SELECT softdelete.configure('"Q''x"', admin_roles => '{regress_aa_nobody}'); -- fails
RESET SESSION AUTHORIZATION;
SELECT * FROM show('regress_aa."all_Q''x"');
-- A role keeps its rights under a new name.
ALTER ROLE regress_aa_clerk RENAME TO regress_aa_clark;
SELECT admin_roles FROM softdelete.tables WHERE relation = 'regress_aa."Q''x"'::regclass;
ALTER ROLE regress_aa_clark RENAME TO regress_aa_clerk;

-- What is taken away by hand: check() finds it, repair() gives it back.
SET SESSION AUTHORIZATION regress_aa_owner;
REVOKE SELECT ON "Q'x_archive" FROM regress_aa_clerk;
SELECT code, object FROM softdelete.check('"Q''x"');
SELECT object, action, command FROM softdelete.repair('"Q''x"');
SELECT code, object FROM softdelete.check('"Q''x"');
-- Without admin_roles the archive has no policies of the table, as ever.
ALTER TABLE "Q'x" ENABLE ROW LEVEL SECURITY;
CREATE POLICY every ON "Q'x" USING (true);
SELECT object, action FROM softdelete.configure('"Q''x"', admin_roles => '{}');
SELECT count(*) AS policies FROM pg_policy WHERE polrelid = '"Q''x_archive"'::regclass;
RESET SESSION AUTHORIZATION;
SELECT * FROM show('regress_aa."deleted_Q''x"');

-- The end: rights and policies go with the registration, the archive stays.
SET SESSION AUTHORIZATION regress_aa_owner;
SELECT object, action FROM softdelete.configure('"Q''x"', admin_roles => '{regress_aa_clerk}');
SELECT object, action FROM softdelete.unregister('"Q''x"', 'keep') WHERE object !~ 'trigger|view';
SELECT count(*) AS policies FROM pg_policy WHERE polrelid = '"Q''x_archive"'::regclass;
RESET SESSION AUTHORIZATION;
SELECT * FROM show('regress_aa."Q''x_archive"');
-- Registered again, it goes on with them.
SET SESSION AUTHORIZATION regress_aa_owner;
SELECT object, action FROM softdelete.register('"Q''x"', strategy => 'archive', admin_roles => '{regress_aa_clerk}') WHERE object ~ 'SELECT|policy';
RESET SESSION AUTHORIZATION;
SELECT * FROM show('regress_aa."deleted_Q''x"');

-- The other strategy, and back: the roles stay, and see what they saw.
SET SESSION AUTHORIZATION regress_aa_owner;
CREATE TABLE changing (id int PRIMARY KEY, v text);
GRANT SELECT ON changing TO PUBLIC;
SELECT count(*) > 0 AS registered FROM softdelete.register('changing', strategy => 'archive', admin_roles => '{regress_aa_clerk}');
INSERT INTO changing VALUES (1, 'a'), (2, 'b');
DELETE FROM changing WHERE id = 1;
SELECT count(*) > 0 AS changed FROM softdelete.configure('changing', strategy => 'flag');
SELECT strategy, admin_roles FROM softdelete.tables WHERE relation = 'changing'::regclass;
SELECT object FROM softdelete.plan('changing', strategy => 'archive') WHERE object ~ 'SELECT';
SELECT count(*) > 0 AS changed FROM softdelete.configure('changing', strategy => 'archive');
SELECT strategy, admin_roles FROM softdelete.tables WHERE relation = 'changing'::regclass;
RESET SESSION AUTHORIZATION;
SELECT * FROM show('regress_aa.deleted_changing');

-- From marked rows, at once and in batches: what is said to be granted is there, and nothing is out of step.
SET SESSION AUTHORIZATION regress_aa_owner;
CREATE TABLE marked (id int PRIMARY KEY);
CREATE TABLE in_batches (id int PRIMARY KEY);
GRANT SELECT ON marked, in_batches TO PUBLIC;
SELECT count(*) > 0 AS registered FROM softdelete.register('marked', admin_roles => '{regress_aa_clerk}');
SELECT count(*) > 0 AS registered FROM softdelete.register('in_batches', strategy => 'flag', admin_roles => '{regress_aa_clerk}');
INSERT INTO marked VALUES (1), (2);
INSERT INTO in_batches VALUES (1), (2);
DELETE FROM marked WHERE id = 1;
DELETE FROM in_batches WHERE id = 1;
SELECT object, action FROM softdelete.configure('marked', strategy => 'archive') WHERE object LIKE 'SELECT on %';
CALL softdelete.change_strategy('in_batches', 'archive');
SELECT r, c.object, c.message FROM unnest('{marked,in_batches}'::regclass[]) r, softdelete.check(r) c WHERE c.code = 'out_of_step';
RESET SESSION AUTHORIZATION;
SELECT * FROM show('regress_aa.deleted_marked');
SELECT * FROM show('regress_aa.all_in_batches');

-- Domains: the archive has the types under them, and the policy is the same one.
SET SESSION AUTHORIZATION regress_aa_owner;
CREATE DOMAIN short AS text CHECK (length(value) < 5);
CREATE TABLE typed (id int PRIMARY KEY, tenant short);
ALTER TABLE typed ENABLE ROW LEVEL SECURITY;
CREATE POLICY one ON typed USING (tenant <> 'b');
GRANT SELECT ON typed TO PUBLIC;
SELECT object, action FROM softdelete.register('typed', strategy => 'archive', admin_roles => '{regress_aa_clerk}') WHERE object ~ 'SELECT|policy';
INSERT INTO typed VALUES (1, 'a'), (2, 'b');
DELETE FROM typed;
SELECT code, object FROM softdelete.check('typed');
SELECT object, action FROM softdelete.repair('typed');
RESET SESSION AUTHORIZATION;
SELECT * FROM show('regress_aa.deleted_typed');

DROP TABLE planned;
SET client_min_messages = warning;
DROP SCHEMA regress_aa CASCADE;
DROP ROLE regress_aa_member, regress_aa_support, "regress_aa Q'x", regress_aa_clerk, regress_aa_owner;
