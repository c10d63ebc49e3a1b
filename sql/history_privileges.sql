-- Who may read a history: its owner, and who was granted it. A right to the table, or to a part of it, is none.
CREATE ROLE regress_history_owner;
CREATE ROLE regress_history_reader;
CREATE ROLE regress_history_part;
CREATE ROLE regress_history_auditor;
CREATE SCHEMA regress_history_privileges AUTHORIZATION regress_history_owner;
GRANT USAGE ON SCHEMA regress_history_privileges TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_history_owner GRANT SELECT ON TABLES TO regress_history_reader;
SET SESSION AUTHORIZATION regress_history_owner;
SET search_path = regress_history_privileges;
CREATE TABLE wages (id int PRIMARY KEY, name text, wage int);
SELECT softdelete.track_history('wages');
GRANT INSERT, UPDATE, DELETE ON wages TO regress_history_reader;
GRANT SELECT (id, name), UPDATE (wage) ON wages TO regress_history_part;
INSERT INTO wages VALUES (1, 'ann', 10);
SELECT relname ~ '^wages_history' AS is_history, (SELECT string_agg(DISTINCT grantee::regrole::text, ' ') FROM aclexplode(relacl)) AS grantees FROM pg_class WHERE relnamespace = 'regress_history_privileges'::regnamespace AND relname LIKE 'wages_history%' AND relkind IN ('r', 'p') GROUP BY 1, 2;

-- Whoever may change the table is recorded, whatever he may read.
SET SESSION AUTHORIZATION regress_history_part;
UPDATE wages SET wage = 20;
SET SESSION AUTHORIZATION regress_history_reader;
UPDATE wages SET wage = 30 WHERE id = 1;

-- He may read the whole table today; not what it was.
SELECT * FROM softdelete.history_of('wages', 1); -- fails
SELECT softdelete.history_at('wages', now(), 1); -- fails
SELECT count(*) FROM softdelete.history;
SELECT count(*) FROM softdelete_internal.history_entries('wages');
SELECT count(*) FROM wages_history; -- fails
SELECT softdelete.track_history('wages'); -- fails
SELECT softdelete.untrack_history('wages'); -- fails
CALL softdelete.purge('wages'); -- fails
SET SESSION AUTHORIZATION regress_history_part;
SELECT * FROM softdelete.history_of('wages', 1); -- fails
SELECT count(*) FROM softdelete.history;
SELECT * FROM softdelete_internal.tracked_table; -- fails

-- A grant on the history gives it whole; one of some of its columns, or a policy, does not.
SET SESSION AUTHORIZATION regress_history_owner;
GRANT SELECT ON wages_history TO regress_history_auditor;
GRANT SELECT (history_at, id) ON wages_history TO regress_history_part;
SET SESSION AUTHORIZATION regress_history_auditor;
SELECT kind, actor, diff FROM softdelete.history_of('wages', 1);
SELECT softdelete.history_at('wages', clock_timestamp(), 1);
SELECT count(*) FROM softdelete.history;
SELECT count(*) FROM wages_history;
SELECT count(*) FROM wages; -- fails
INSERT INTO wages_history DEFAULT VALUES; -- fails
SET SESSION AUTHORIZATION regress_history_part;
SELECT * FROM softdelete.history_of('wages', 1); -- fails
SELECT count(*) FROM softdelete.history;
SET SESSION AUTHORIZATION regress_history_owner;
ALTER TABLE wages_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY later ON wages_history USING (id > 1);
SET SESSION AUTHORIZATION regress_history_auditor;
SELECT * FROM softdelete.history_of('wages', 1); -- fails
SELECT count(*) FROM softdelete.history;
SET SESSION AUTHORIZATION regress_history_owner;
SELECT count(*) FROM softdelete.history;

-- Row security of the table does not keep a change from being recorded.
ALTER TABLE wages ENABLE ROW LEVEL SECURITY;
ALTER TABLE wages FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON wages USING (name = 'ann');
UPDATE wages SET wage = 40;
SELECT diff FROM softdelete.history_of('wages', 1) ORDER BY changed_at DESC LIMIT 1;

-- The actor is the role that SET ROLE gave, also in a function of another's.
RESET SESSION AUTHORIZATION;
GRANT regress_history_owner TO regress_history_auditor;
SET SESSION AUTHORIZATION regress_history_owner;
CREATE FUNCTION raise_wage() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = regress_history_privileges AS 'UPDATE wages SET wage = wage + 1';
SET SESSION AUTHORIZATION regress_history_part;
SELECT raise_wage();
SET SESSION AUTHORIZATION regress_history_owner;
SELECT actor, diff FROM softdelete.history_of('wages', 1) ORDER BY changed_at DESC LIMIT 1;

-- Functions in indexes of the history run as its owner, whoever writes or reads, and what they set does not last.
SET SESSION AUTHORIZATION regress_history_owner;
CREATE FUNCTION trap(v text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF current_user <> 'regress_history_owner' THEN
        RAISE WARNING 'runs as %', current_user;
    END IF;
    PERFORM set_config('softdelete.reason', 'trapped', false);
    RETURN v;
END $$;
CREATE INDEX ON wages_history (regress_history_privileges.trap(name));
CREATE INDEX ON wages_history (wage) WHERE regress_history_privileges.trap(name) IS NOT NULL AND regress_history_privileges.trap('x') IS NOT NULL;
GRANT USAGE ON SCHEMA regress_history_privileges TO PUBLIC;
RESET softdelete.reason;
\c -
SET search_path = regress_history_privileges;
UPDATE wages SET wage = wage + 1;
SHOW softdelete.reason;
\c -
SET search_path = regress_history_privileges;
SELECT actor = current_user AS mine, diff FROM softdelete.history_of('wages', 1) ORDER BY changed_at DESC LIMIT 1;
SELECT count(*) > 0 AS seen FROM softdelete.history WHERE relation = 'wages'::regclass;
SELECT softdelete.history_at('wages', clock_timestamp(), 1) ->> 'name' AS name;
BEGIN;
ALTER TABLE wages ALTER wage TYPE bigint;
DELETE FROM wages;
ROLLBACK;
SHOW softdelete.reason;
SET SESSION AUTHORIZATION regress_history_part;
UPDATE wages SET wage = 60;

-- The trigger functions do nothing for others.
SET SESSION AUTHORIZATION regress_history_reader;
SELECT softdelete_internal.on_history_change(); -- fails
CREATE TEMPORARY TABLE mine (id int);
CREATE TRIGGER softdelete_history AFTER INSERT OR UPDATE OR DELETE ON mine FOR EACH ROW EXECUTE FUNCTION softdelete_internal.on_history_change();
INSERT INTO mine VALUES (1); -- fails
CREATE TRIGGER other AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION softdelete_internal.on_history_change();
DROP TRIGGER softdelete_history ON mine;
INSERT INTO mine VALUES (1); -- fails
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_history_owner REVOKE SELECT ON TABLES FROM regress_history_reader;
DROP OWNED BY regress_history_owner, regress_history_reader, regress_history_part, regress_history_auditor;
DROP ROLE regress_history_owner, regress_history_reader, regress_history_part, regress_history_auditor;
