-- Who may do what with an archive: whoever may delete a row moves it there, and reads it there no more than he was given.
\set VERBOSITY terse
CREATE ROLE regress_archive_owner;
CREATE ROLE regress_archive_deleter;
CREATE ROLE regress_archive_reader;
CREATE ROLE regress_archive_auditor;
CREATE SCHEMA regress_archive_privileges AUTHORIZATION regress_archive_owner;
GRANT USAGE ON SCHEMA regress_archive_privileges TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_archive_owner GRANT SELECT, INSERT, DELETE, TRUNCATE ON TABLES TO regress_archive_reader;
SET SESSION AUTHORIZATION regress_archive_owner;
SET search_path = regress_archive_privileges;
CREATE TABLE wages (id int PRIMARY KEY, name text, wage int);
SELECT count(*) > 0 AS registered FROM softdelete.register('wages', strategy => 'archive');
GRANT DELETE, SELECT (id) ON wages TO regress_archive_deleter;
INSERT INTO wages SELECT i, 'n' || i, i * 10 FROM generate_series(1, 20) i;
-- Default privileges reach neither the archive nor its partitions.
SELECT relname ~ '^wages_archive', relkind, replace(relacl::text, 'dDxtm', 'dDxt') AS relacl FROM pg_class
    WHERE relnamespace = 'regress_archive_privileges'::regnamespace AND relname LIKE 'wages_archive%' AND relkind IN ('r', 'p') GROUP BY 1, 2, 3 ORDER BY 2;

-- The right to delete is enough, and gives nothing more.
SET SESSION AUTHORIZATION regress_archive_deleter;
DELETE FROM wages WHERE id = 1;
DELETE FROM wages WHERE id = 2 RETURNING id;
DELETE FROM wages WHERE id = 3 RETURNING wage; -- fails
SELECT * FROM wages_archive; -- fails
SELECT * FROM deleted_wages; -- fails
SELECT * FROM all_wages; -- fails
INSERT INTO wages_archive DEFAULT VALUES; -- fails
SELECT * FROM softdelete_internal.archive; -- fails
SELECT relation, strategy FROM softdelete.tables WHERE relation = 'wages'::regclass;
SELECT * FROM softdelete.register('wages', strategy => 'archive'); -- fails
SELECT * FROM softdelete.repair('wages'); -- fails
SELECT * FROM softdelete.unregister('wages', 'purge'); -- fails
ALTER TABLE wages DISABLE TRIGGER softdelete_archive; -- fails
DROP TRIGGER softdelete_archive ON wages; -- fails
ALTER TABLE wages ADD COLUMN x int; -- fails
DROP TABLE wages; -- fails
CREATE TRIGGER softdelete_archive AFTER DELETE ON wages FOR EACH ROW EXECUTE FUNCTION softdelete_internal.on_archived_delete(); -- fails

-- Nor does the right to read the table.
SET SESSION AUTHORIZATION regress_archive_reader;
SELECT count(*) FROM active_wages;
SELECT count(*) FROM deleted_wages; -- fails
SELECT count(*) FROM wages_archive; -- fails
SELECT relation, rows FROM softdelete.deletions WHERE relation = 'wages'::regclass ORDER BY id;
DELETE FROM wages_archive; -- fails
TRUNCATE wages_archive; -- fails

-- A grant on the archive does, whoever has it; writing stays with the extension.
SET SESSION AUTHORIZATION regress_archive_owner;
SELECT id, wage, deleted_by FROM deleted_wages ORDER BY id;
GRANT SELECT, INSERT, UPDATE, DELETE ON wages_archive, deleted_wages TO regress_archive_auditor;
GRANT SELECT ON wages TO regress_archive_auditor;
SET SESSION AUTHORIZATION regress_archive_auditor;
SELECT id, wage, deleted_by FROM deleted_wages ORDER BY id;
SELECT relation, rows FROM softdelete.deletions WHERE relation = 'wages'::regclass ORDER BY id;
UPDATE wages_archive SET wage = 0; -- fails
DELETE FROM deleted_wages; -- fails

-- Row security: who may not delete a row does not archive it, and the archive is not read past it.
SET SESSION AUTHORIZATION regress_archive_owner;
CREATE TABLE secret (id int PRIMARY KEY, tenant name);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE secret FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON secret USING (tenant = current_user);
SELECT count(*) > 0 AS registered FROM softdelete.register('secret', strategy => 'archive');
GRANT SELECT, INSERT, DELETE ON secret TO regress_archive_deleter, regress_archive_owner;
SELECT relname ~ '^secret_archive' AS archive, relrowsecurity FROM pg_class WHERE relname LIKE 'secret_archive%' AND relkind IN ('r', 'p') GROUP BY 1, 2;
INSERT INTO secret VALUES (1, 'regress_archive_owner');
SET SESSION AUTHORIZATION regress_archive_deleter;
INSERT INTO secret VALUES (2, 'regress_archive_deleter');
DELETE FROM secret RETURNING id;
SET SESSION AUTHORIZATION regress_archive_owner;
SELECT id FROM secret;
SELECT id, tenant, deleted_by FROM deleted_secret;
GRANT SELECT ON secret_archive, deleted_secret TO regress_archive_auditor;
SET SESSION AUTHORIZATION regress_archive_auditor;
SELECT * FROM deleted_secret;

-- The actor is who deletes, in a function of another's as well.
SET SESSION AUTHORIZATION regress_archive_owner;
CREATE FUNCTION fire() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = regress_archive_privileges AS 'DELETE FROM wages WHERE id = 4';
SET SESSION AUTHORIZATION regress_archive_deleter;
SELECT fire();
SET softdelete.actor = 'somebody';
DELETE FROM wages WHERE id = 5;
RESET softdelete.actor;
SET SESSION AUTHORIZATION regress_archive_owner;
SELECT id, deleted_by FROM deleted_wages WHERE id IN (4, 5) ORDER BY id;

-- A partition that is missing is made in the middle of the DELETE, for whoever deletes, and belongs to the table's owner, who
-- need not be able to make tables in the schema any more.
RESET SESSION AUTHORIZATION;
ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE;
ALTER EVENT TRIGGER softdelete_sql_drop DISABLE;
DO $$ DECLARE part regclass; BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'wages_archive'::regclass LOOP EXECUTE format('DROP TABLE %s', part); END LOOP;
END $$;
ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS;
ALTER EVENT TRIGGER softdelete_sql_drop ENABLE ALWAYS;
SET SESSION AUTHORIZATION regress_archive_deleter;
DELETE FROM wages WHERE id BETWEEN 6 AND 8;
RESET SESSION AUTHORIZATION;
SELECT c.relowner::regrole, replace(c.relacl::text, 'dDxtm', 'dDxt') AS relacl, c.relreplident, (SELECT string_agg(tgname, ' ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = c.oid) AS triggers, (SELECT count(*) FROM wages_archive) AS rows
    FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'wages_archive'::regclass;
ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE;
ALTER EVENT TRIGGER softdelete_sql_drop DISABLE;
DO $$ DECLARE part regclass; BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'wages_archive'::regclass LOOP EXECUTE format('DROP TABLE %s', part); END LOOP;
END $$;
ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS;
ALTER EVENT TRIGGER softdelete_sql_drop ENABLE ALWAYS;
ALTER SCHEMA regress_archive_privileges OWNER TO CURRENT_USER;
SET SESSION AUTHORIZATION regress_archive_deleter;
DELETE FROM wages WHERE id BETWEEN 9 AND 11;
RESET SESSION AUTHORIZATION;
SELECT c.relowner::regrole, replace(c.relacl::text, 'dDxtm', 'dDxt') AS relacl, (SELECT count(*) FROM wages_archive) AS rows
    FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'wages_archive'::regclass;

-- The trigger function does nothing for others.
SET SESSION AUTHORIZATION regress_archive_reader;
SELECT softdelete_internal.on_archived_delete(); -- fails
CREATE TEMPORARY TABLE mine (id int);
INSERT INTO mine VALUES (1);
CREATE TRIGGER softdelete_archive AFTER DELETE ON mine FOR EACH ROW EXECUTE FUNCTION softdelete_internal.on_archived_delete();
DELETE FROM mine; -- fails
DROP TRIGGER softdelete_archive ON mine;
CREATE TRIGGER other AFTER DELETE ON mine FOR EACH ROW EXECUTE FUNCTION softdelete_internal.on_archived_delete();
DELETE FROM mine; -- fails
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_archive_owner REVOKE SELECT, INSERT, DELETE, TRUNCATE ON TABLES FROM regress_archive_reader;
DROP SCHEMA regress_archive_privileges CASCADE;
DROP OWNED BY regress_archive_owner, regress_archive_deleter, regress_archive_reader, regress_archive_auditor;
DROP ROLE regress_archive_owner, regress_archive_deleter, regress_archive_reader, regress_archive_auditor;
