-- Visibility rls and roles: admin_roles are roles, whatever they are called; what a function reads is decided by whoever it
-- runs as at that moment; policies made by hand for the same end are told of.
CREATE ROLE regress_rr_owner;
CREATE ROLE regress_rr_app;
CREATE ROLE regress_rr_admin;
CREATE ROLE "regress_rr Q'admin";
CREATE ROLE regress_rr_helper IN ROLE "regress_rr Q'admin";
CREATE SCHEMA regress_rr AUTHORIZATION regress_rr_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_rr_owner IN SCHEMA regress_rr GRANT ALL ON TABLES TO PUBLIC;
GRANT USAGE, CREATE ON SCHEMA regress_rr TO PUBLIC;
GRANT regress_rr_admin, regress_rr_app TO regress_rr_owner;
SET ROLE regress_rr_owner;
SET search_path = regress_rr;
\pset format unaligned
\pset tuples_only on
CREATE TABLE papers (id int PRIMARY KEY);
SELECT count(*) > 0 FROM softdelete.register('papers', visibility => 'rls', admin_roles => '{regress_rr_admin,"regress_rr Q''admin"}');
INSERT INTO papers VALUES (1), (2);
DELETE FROM papers WHERE id = 1;
CREATE FUNCTION count_all() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM regress_rr.all_papers';
CREATE FUNCTION count_as_owner() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM regress_rr.all_papers';
CREATE FUNCTION count_as(role name) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    rows bigint;
BEGIN
    PERFORM set_config('role', role, true);
    SELECT count(*) INTO rows FROM regress_rr.all_papers;
    RETURN rows;
END$$;

-- A renamed role stays one of them.
SET ROLE regress_rr_helper;
SELECT count(*) FROM all_papers;
RESET ROLE;
ALTER ROLE "regress_rr Q'admin" RENAME TO regress_rr_renamed;
SELECT admin_roles FROM softdelete.tables WHERE relation = 'papers'::regclass;
SET ROLE regress_rr_helper;
SELECT count(*) FROM all_papers;

-- A dropped one is none, nor is another that gets its name.
RESET ROLE;
REVOKE regress_rr_renamed FROM regress_rr_helper;
DROP ROLE regress_rr_renamed;
CREATE ROLE regress_rr_renamed;
SELECT admin_roles FROM softdelete.tables WHERE relation = 'papers'::regclass;
SET ROLE regress_rr_renamed;
SELECT count(*) FROM all_papers;
SET ROLE regress_rr_owner;
SELECT count(*) FROM softdelete.configure('papers', retention => '1 day');
SELECT admin_roles FROM softdelete.tables WHERE relation = 'papers'::regclass;

-- Functions: as the caller, as their owner, and as whom they become, in one plan.
SET ROLE regress_rr_app;
SELECT count_all(), count_as_owner();
SET ROLE regress_rr_owner;
SELECT count_as('regress_rr_app');
SET ROLE regress_rr_owner;
SELECT count_as('regress_rr_admin');
SET ROLE regress_rr_owner;
SELECT count_as('regress_rr_app');
SET ROLE regress_rr_app;
PREPARE everything AS SELECT count(*) FROM all_papers;
EXECUTE everything;
RESET ROLE;
SET ROLE regress_rr_admin;
EXECUTE everything;
SET ROLE regress_rr_app;
EXECUTE everything;

-- A definer who is neither owner nor admin shows no more than he sees, nor does he take the caller's view.
CREATE FUNCTION count_as_app() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM regress_rr.all_papers';
SET ROLE regress_rr_owner;
SET softdelete.visibility = 'all';
SELECT count_as_app(), count_all();
RESET softdelete.visibility;

-- Policies that say the same by hand, and one that says more.
CREATE TABLE notes (id int PRIMARY KEY, tenant int, deleted_at timestamptz);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY notes_active_only ON notes FOR SELECT USING (deleted_at IS NULL);
CREATE POLICY "Tenant's" ON notes USING (tenant = 1 AND deleted_at IS NULL);
CREATE POLICY hide ON notes AS RESTRICTIVE USING (deleted_at IS NULL);
CREATE POLICY notes_admin ON notes TO regress_rr_admin USING (true);
CREATE POLICY bin ON notes FOR SELECT USING (deleted_at IS NOT NULL AND tenant = 2);
\pset tuples_only off
SELECT object, action, command FROM softdelete.plan('notes') WHERE object ~ 'policy' AND action = 'warning';
-- Where visibility is rls they are adopted: they leave deleted rows to softdelete_live, and whom they let delete and
-- restore may. A policy that means something else stays as it is, be it made of the same conditions.
CREATE POLICY odd ON notes AS RESTRICTIVE USING (deleted_at IS NULL OR tenant <> 7);
CREATE POLICY public_or_live ON notes FOR SELECT USING (tenant = 9 OR deleted_at IS NULL AND tenant = 8);
CREATE TABLE policies_before AS SELECT * FROM pg_policies WHERE tablename = 'notes';
SELECT object, action, command FROM softdelete.register('notes', visibility => 'rls', admin_roles => '{regress_rr_admin}')
    WHERE object ~ 'policy' ORDER BY object;
INSERT INTO notes VALUES (1, 1), (2, 1), (3, 2), (7, 7), (8, 8), (9, 9);
SET ROLE regress_rr_app;
SELECT id FROM all_notes ORDER BY id;
UPDATE notes SET deleted_at = now() WHERE id = 1;
DELETE FROM notes WHERE id = 2;
DELETE FROM notes WHERE id = 3;
SELECT id FROM all_notes ORDER BY id;
SELECT softdelete.restore('notes', 1);
SELECT id FROM all_notes ORDER BY id;
INSERT INTO notes (id, tenant, deleted_at) VALUES (4, 1, '2026-01-01'); -- fails
UPDATE notes SET tenant = 2 WHERE id = 1; -- fails
RESET ROLE;
DELETE FROM notes WHERE id IN (7, 8, 9);
SET ROLE regress_rr_admin;
SELECT id FROM all_notes ORDER BY id;
-- An admin whom the policies restrict sees the deleted rows of his tenant and no others.
RESET ROLE;
DROP POLICY notes_admin ON notes;
SET ROLE regress_rr_admin;
SELECT id FROM all_notes ORDER BY id;
RESET ROLE;
DROP POLICY notes_active_only ON notes;
SET ROLE regress_rr_admin;
SELECT id FROM all_notes ORDER BY id;
RESET ROLE;
CREATE POLICY notes_active_only ON notes FOR SELECT USING (deleted_at IS NULL);
CREATE POLICY notes_admin ON notes TO regress_rr_admin USING (true);
-- Without rls they say what they say.
SELECT count(*) > 0 AS changed FROM softdelete.configure('notes', visibility => 'filter');
SET ROLE regress_rr_app;
UPDATE notes SET deleted_at = now() WHERE id = 1; -- fails
RESET ROLE;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('notes', deleted_rows => 'keep');
SELECT count(*) FROM (SELECT * FROM policies_before EXCEPT SELECT * FROM pg_policies WHERE tablename = 'notes') AS changed;

-- Policies with a sub-query are not adopted. What the warning says, done.
CREATE TABLE memos (id int PRIMARY KEY, tenant int, deleted_at timestamptz);
ALTER TABLE memos ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_of_them ON memos USING (true);
CREATE POLICY hide ON memos AS RESTRICTIVE USING (deleted_at IS NULL AND EXISTS (SELECT FROM pg_class));
GRANT SELECT, UPDATE ON memos TO regress_rr_app;
SELECT object, action, command FROM softdelete.register('memos', visibility => 'rls') WHERE object ~ 'policy hide';
INSERT INTO memos VALUES (1, 1);
SET ROLE regress_rr_app;
UPDATE memos SET deleted_at = now(); -- fails
RESET ROLE;
ALTER POLICY hide ON memos USING ((EXISTS ( SELECT FROM pg_class)));
SET ROLE regress_rr_app;
UPDATE memos SET deleted_at = now();
SELECT softdelete.restore('memos', 1);
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA regress_rr CASCADE;
DROP ROLE regress_rr_owner, regress_rr_app, regress_rr_admin, regress_rr_renamed, regress_rr_helper;
