-- Partitions and inheritance children that belong to another role than their table: what that role has put into them runs as
-- nobody else in any function of the extension, whoever calls. Functions refuse such tables, and say how to mend them.
CREATE ROLE regress_members_owner;
CREATE ROLE regress_members_other;
CREATE ROLE regress_members_member IN ROLE regress_members_owner;
CREATE ROLE regress_members_admin SUPERUSER;
CREATE SCHEMA regress_members AUTHORIZATION regress_members_owner;
GRANT ALL ON SCHEMA regress_members TO regress_members_other;
SET client_min_messages = error;
\pset format unaligned
\set QUIET on
SET SESSION AUTHORIZATION regress_members_owner;
SET search_path = regress_members;
-- A table above; below it one that is partitioned, one with a child, and one that is not registered; each has deleted rows.
CREATE TABLE tops (id int PRIMARY KEY, name text);
CREATE TABLE parts (id int PRIMARY KEY, top int REFERENCES tops ON DELETE CASCADE, name text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (1000);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (1000) TO (2000);
CREATE TABLE line (id int PRIMARY KEY, top int REFERENCES tops ON DELETE CASCADE, name text);
CREATE TABLE line_1 (PRIMARY KEY (id), FOREIGN KEY (top) REFERENCES tops ON DELETE CASCADE) INHERITS (line);
CREATE TABLE bare (id int PRIMARY KEY, top int REFERENCES tops ON DELETE CASCADE, name text) PARTITION BY RANGE (id);
CREATE TABLE bare_1 PARTITION OF bare FOR VALUES FROM (0) TO (1000);
CREATE INDEX ON parts (top);
CREATE INDEX ON line (top);
CREATE INDEX ON line_1 (top);
SELECT count(*) > 0 AS registered FROM unnest('{tops,parts,line}'::regclass[]) t, softdelete.register(t, retention => '1 day');
SELECT softdelete.set_anonymizer(t, 'name', '''x''') FROM unnest('{tops,parts,line}'::regclass[]) t;
INSERT INTO tops SELECT i FROM generate_series(1, 9) i;
INSERT INTO parts SELECT i, i FROM generate_series(1, 9) i;
INSERT INTO line SELECT i + 100, i FROM generate_series(1, 9) i;
INSERT INTO line_1 SELECT i, i FROM generate_series(1, 9) i;
INSERT INTO bare SELECT i, i FROM generate_series(1, 9) i;
DELETE FROM tops WHERE id = 5;
DELETE FROM parts WHERE id = 6;
DELETE FROM line WHERE id = 6;
UPDATE parts SET deleted_at = now() - interval '9 days' WHERE id = 7;
UPDATE line SET deleted_at = now() - interval '9 days' WHERE id = 7;
UPDATE tops SET deleted_at = now() - interval '9 days' WHERE id = 8;
CREATE TABLE last_deletions AS SELECT relation::text, max(id) AS id FROM softdelete.deletions GROUP BY 1;
RESET SESSION AUTHORIZATION;
\set QUIET off
SET client_min_messages = warning;
ALTER TABLE regress_members.parts_1 OWNER TO regress_members_other;
ALTER TABLE regress_members.line_1 OWNER TO regress_members_other;
ALTER TABLE regress_members.bare_1 OWNER TO regress_members_other;
SET client_min_messages = error;

-- Every kind of code. What runs as somebody else says so.
SET SESSION AUTHORIZATION regress_members_other;
SET search_path = regress_members;
\set QUIET on
CREATE FUNCTION spy(what text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF current_user <> 'regress_members_other' THEN
        RAISE EXCEPTION '% runs as %', what, current_user USING ERRCODE = 'ZZ000';
    END IF;
    RETURN true;
END $$;
CREATE FUNCTION spy_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM regress_members.spy('trigger ' || tg_name);
    RETURN coalesce(new, old);
END $$;
CREATE TABLE kinds (nr int GENERATED ALWAYS AS IDENTITY, kind text, command text);
GRANT SELECT ON kinds TO PUBLIC;
INSERT INTO kinds (kind, command) VALUES
    ('no code', 'SELECT'),
    ('before', 'CREATE TRIGGER a BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION regress_members.spy_row()'),
    ('after', 'CREATE TRIGGER b AFTER UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION regress_members.spy_row()'),
    ('condition', 'CREATE TRIGGER c AFTER UPDATE OR DELETE ON %s FOR EACH ROW WHEN (regress_members.spy(''condition'')) EXECUTE FUNCTION regress_members.spy_row()'),
    ('constraint', 'CREATE CONSTRAINT TRIGGER d AFTER UPDATE OR DELETE ON %s DEFERRABLE FOR EACH ROW EXECUTE FUNCTION regress_members.spy_row()'),
    ('deferred', 'CREATE CONSTRAINT TRIGGER e AFTER UPDATE OR DELETE ON %s DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION regress_members.spy_row()'),
    ('index', 'CREATE INDEX ON %s ((regress_members.spy(''index'')))'),
    ('predicate', 'CREATE INDEX ON %s (id) WHERE regress_members.spy(''predicate'')'),
    ('check', 'ALTER TABLE %s ADD CHECK (regress_members.spy(''check''))'),
    ('statistics', 'CREATE STATISTICS s ON (regress_members.spy(''statistics'')), id FROM %s'),
    ('policy', 'ALTER TABLE %1$s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON %1$s USING (regress_members.spy(''policy''))'),
    ('default', 'ALTER TABLE %s ALTER name SET DEFAULT regress_members.spy(''default'')::text');
RESET SESSION AUTHORIZATION;
CREATE TABLE regress_members.calls (nr int GENERATED ALWAYS AS IDENTITY, call text);
INSERT INTO regress_members.calls (call) VALUES
    ('SELECT softdelete.delete(''parts'', 1)'), ('SELECT softdelete.delete(''line'', 1)'), ('SELECT softdelete.delete(''tops'', 1)'),
    ('SELECT softdelete.restore(''parts'', 6)'), ('SELECT softdelete.restore(''line'', 6)'), ('SELECT softdelete.restore(''tops'', 5)'),
    ('SELECT softdelete.undo(id) FROM regress_members.last_deletions WHERE relation = ''parts'''),
    ('SELECT softdelete.undo(id) FROM regress_members.last_deletions WHERE relation = ''tops'''),
    ('SELECT count(*) FROM regress_members.last_deletions d, softdelete.conflicts(d.id)'),
    ('SELECT count(rows) FROM softdelete.deletions'),
    ('SELECT count(*) FROM softdelete.preview(''tops'', 1)'), ('SELECT count(*) FROM softdelete.preview(''parts'', 1)'),
    ('SELECT softdelete.erase(''parts'', ''asked'', 1)'), ('SELECT softdelete.erase(''line'', ''asked'', 1)'),
    ('SELECT softdelete.erase(''tops'', ''asked'', 1)'),
    ('SELECT softdelete.anonymize(''parts'', ''asked'', 1)'), ('SELECT softdelete.anonymize(''line'', ''asked'', 1)'),
    ('SELECT softdelete.anonymize(''tops'', ''asked'', 1)'),
    ('SELECT softdelete.hold(''parts'', ''case'', 1)'), ('SELECT softdelete.hold(''tops'', ''case'', 1)'),
    ('CALL softdelete.purge(''parts'')'), ('CALL softdelete.purge(''line'')'), ('CALL softdelete.purge(''tops'')'), ('CALL softdelete.purge()'),
    ('SELECT count(*) FROM softdelete.purge_preview()'),
    ('SELECT count(*) FROM softdelete.register(''bare'')'),
    ('SELECT count(*) FROM softdelete.repair(''parts'')'), ('SELECT count(*) FROM softdelete.repair(''line'')'),
    ('SELECT count(*) FROM softdelete.configure(''parts'', indexes => ''none'')'), ('SELECT count(*) FROM softdelete.configure(''line'', visibility => ''rls'')'),
    ('SELECT count(*) FROM softdelete.unregister(''parts'', ''purge'')'), ('SELECT count(*) FROM softdelete.unregister(''line'', ''purge'')'),
    ('SELECT softdelete.track_history(''parts'')'), ('SELECT softdelete.track_history(''line'')');
GRANT SELECT ON ALL TABLES IN SCHEMA regress_members TO regress_members_owner;

-- A savepoint takes everything back. Deferred triggers fire as whoever has called.
CREATE FUNCTION told_by(caller name, call text, code text) RETURNS text LANGUAGE plpgsql SET search_path = regress_members AS $$
DECLARE
    member text;
BEGIN
    PERFORM set_config('role', 'regress_members_other', true);
    FOREACH member IN ARRAY '{regress_members.parts_1,regress_members.line_1,regress_members.bare_1}'::text[] LOOP
        EXECUTE format(replace(code, 'STATISTICS s', 'STATISTICS ' || member || '_s'), member);
    END LOOP;
    PERFORM set_config('role', caller, true);
    EXECUTE call;
    SET CONSTRAINTS ALL IMMEDIATE;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = '';
EXCEPTION
    WHEN SQLSTATE 'ZZ001' THEN
        RETURN 'done';
    WHEN SQLSTATE 'ZZ000' THEN
        RETURN SQLERRM;
    WHEN OTHERS THEN
        RETURN SQLSTATE;
END $$;
CREATE TABLE outcomes AS
    SELECT c.nr, c.call, k.kind, caller, told_by(caller, c.call, k.command) AS outcome
    FROM regress_members.calls c, regress_members.kinds k, unnest('{regress_members_owner,regress_members_member,regress_members_admin}'::name[]) caller;
\set QUIET off
SELECT call, kind, caller, outcome FROM outcomes WHERE outcome LIKE '% runs as %' ORDER BY nr, 2, 3;
-- The same outcome, whatever the code and whoever calls.
SELECT call, string_agg(DISTINCT outcome, ' ' ORDER BY outcome) AS outcome FROM outcomes GROUP BY nr, call ORDER BY nr;

-- Whose owner has all rights of the table's owner may have members.
\set QUIET on
ALTER TABLE regress_members.parts_1 OWNER TO regress_members_member;
SET ROLE regress_members_owner;
SET search_path = regress_members;
\set QUIET off
SELECT softdelete.delete('parts', 1) > 0 AS deleted;
SELECT softdelete.restore('parts', 1) AS restored;

-- A purge goes by physical tables, each as its owner. What it cannot look at stays, and is counted.
\set QUIET on
RESET ROLE;
ALTER TABLE regress_members.parts_1 OWNER TO regress_members_other;
SET SESSION AUTHORIZATION regress_members_other;
CREATE TRIGGER a BEFORE DELETE ON regress_members.parts_1 FOR EACH ROW EXECUTE FUNCTION regress_members.spy_row();
RESET SESSION AUTHORIZATION;
SET search_path = regress_members;
\set QUIET off
CALL softdelete.purge();
SELECT table_name, due, removed, blocked FROM softdelete.purge_log WHERE table_name LIKE 'regress_members.%' ORDER BY id;
SELECT relation, due, blocked FROM softdelete.purge_preview() WHERE relation IN ('tops'::regclass, 'parts'::regclass, 'line'::regclass) ORDER BY 1;

-- A trigger of the member's owner is created, though what it writes is not checked as long as the member is his.
SET SESSION AUTHORIZATION regress_members_other;
SET client_min_messages = warning;
CREATE TRIGGER f BEFORE INSERT ON regress_members.parts_1 FOR EACH ROW EXECUTE FUNCTION regress_members.spy_row();
RESET SESSION AUTHORIZATION;

-- A DELETE that somebody writes, and what the cascade makes of it, is PostgreSQL's own affair. With one owner all is well again.
SET ROLE regress_members_owner;
DELETE FROM tops WHERE id = 2;
SELECT count(*) FROM deleted_parts WHERE top = 2;
RESET ROLE;
ALTER TABLE parts_1 OWNER TO regress_members_owner;
ALTER TABLE line_1 OWNER TO regress_members_owner;
SELECT object, action FROM softdelete.repair('parts');
SET ROLE regress_members_owner;
SELECT softdelete.delete('parts', 3) > 0 AS deleted;
RESET ROLE;

\set QUIET on
SET client_min_messages = error;
DROP SCHEMA regress_members CASCADE;
DROP ROLE regress_members_owner, regress_members_other, regress_members_member, regress_members_admin;
