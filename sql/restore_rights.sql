-- Who may restore, and as whom users' code runs then, is the same for both strategies: the caller needs UPDATE and SELECT of
-- the table that he names, and lends nobody's rights to code on it. What a cascade took below is its owner's.
\set VERBOSITY terse
SET client_min_messages = error;
CREATE ROLE regress_owner;
CREATE ROLE regress_clerk;
CREATE SCHEMA regress_rights;
GRANT ALL ON SCHEMA regress_rights TO regress_owner, regress_clerk;
SET search_path = regress_rights;
SET SESSION AUTHORIZATION regress_owner;
CREATE TABLE private (secret text);
INSERT INTO private VALUES ('mine');
CREATE TABLE flagged (id int PRIMARY KEY, note text);
CREATE TABLE moved (id int PRIMARY KEY, note text);
SELECT count(*) > 0 AS registered FROM softdelete.register('flagged');
SELECT count(*) > 0 AS registered FROM softdelete.register('moved', strategy => 'archive');


-- Each command with each set of privileges. The attempt is rolled back.
RESET SESSION AUTHORIZATION;
CREATE FUNCTION try(target text, privileges text, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    deletion bigint;
BEGIN
    SET LOCAL ROLE regress_owner;
    EXECUTE format('INSERT INTO %I VALUES (1, %L)', target, 'a');
    EXECUTE format('DELETE FROM %I', target);
    EXECUTE format('SELECT max(deletion_id) FROM deleted_%I', target) INTO deletion;
    EXECUTE format('GRANT %s ON %I TO regress_clerk', privileges, target);
    SET LOCAL ROLE regress_clerk;
    EXECUTE format(command, CASE command ~ 'undo' WHEN true THEN deletion::text ELSE target END);
    RAISE SQLSTATE 'ZZ000';
EXCEPTION
    WHEN OTHERS THEN RETURN CASE SQLSTATE WHEN 'ZZ000' THEN 'done' ELSE SQLSTATE END;
END$$;
SELECT privileges, command, try('flagged', privileges, command) AS flag, try('moved', privileges, command) AS archive
    FROM unnest(ARRAY['UPDATE (note)', 'UPDATE', 'SELECT', 'SELECT, UPDATE (note)', 'INSERT, DELETE', 'SELECT, UPDATE']) AS privileges,
         unnest(ARRAY['SELECT softdelete.restore(%L, 1)', 'SELECT softdelete.undo(%s)']) AS command
    ORDER BY privileges COLLATE "C", command COLLATE "C";

-- Code that a restore runs: triggers of each kind, and functions of generated columns and checks.
SET SESSION AUTHORIZATION regress_owner;
CREATE TABLE told (code text, who text, table_name text);
GRANT INSERT, SELECT ON told TO regress_clerk;
SET SESSION AUTHORIZATION regress_clerk;
CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO regress_rights.told VALUES (tg_op || ' ' || tg_when || ' ' || tg_level, current_user, tg_table_name);
    PERFORM * FROM regress_rights.private;
    INSERT INTO regress_rights.told VALUES ('SECRET READ', current_user, tg_table_name);
    RETURN coalesce(NEW, OLD);
EXCEPTION WHEN insufficient_privilege THEN
    INSERT INTO regress_rights.told VALUES (tg_op || ' ' || tg_when || ' ' || tg_level, current_user, tg_table_name);
    RETURN coalesce(NEW, OLD);
END$$;
CREATE FUNCTION spy_on_value(value text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM * FROM regress_rights.private;
    INSERT INTO regress_rights.told VALUES ('SECRET READ by a check', current_user);
    RETURN true;
EXCEPTION WHEN insufficient_privilege THEN RETURN true;
END$$;
SET SESSION AUTHORIZATION regress_owner;
GRANT SELECT, UPDATE, TRIGGER ON flagged, moved TO regress_clerk;
INSERT INTO flagged VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO moved VALUES (1, 'a'), (2, 'b'), (3, 'c');
DELETE FROM flagged WHERE id = 1;
DELETE FROM flagged WHERE id = 2;
DELETE FROM flagged WHERE id = 3;
DELETE FROM moved WHERE id = 1;
DELETE FROM moved WHERE id = 2;
DELETE FROM moved WHERE id = 3;
ALTER TABLE flagged ADD CHECK (spy_on_value(note));
ALTER TABLE moved ADD CHECK (spy_on_value(note));
TRUNCATE told;
SET SESSION AUTHORIZATION regress_clerk;
CREATE TRIGGER spy_before BEFORE INSERT OR UPDATE ON flagged FOR EACH ROW EXECUTE FUNCTION spy();
CREATE TRIGGER spy_after AFTER INSERT OR UPDATE ON flagged FOR EACH ROW EXECUTE FUNCTION spy();
CREATE TRIGGER spy_statement AFTER INSERT OR UPDATE ON flagged FOR EACH STATEMENT EXECUTE FUNCTION spy();
CREATE CONSTRAINT TRIGGER spy_deferred AFTER INSERT OR UPDATE ON flagged DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION spy();
CREATE TRIGGER spy_before BEFORE INSERT OR UPDATE ON moved FOR EACH ROW EXECUTE FUNCTION spy();
CREATE TRIGGER spy_after AFTER INSERT OR UPDATE ON moved FOR EACH ROW EXECUTE FUNCTION spy();
CREATE TRIGGER spy_statement AFTER INSERT OR UPDATE ON moved FOR EACH STATEMENT EXECUTE FUNCTION spy();
CREATE CONSTRAINT TRIGGER spy_deferred AFTER INSERT OR UPDATE ON moved DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION spy();
SELECT softdelete.restore('flagged', 1), softdelete.restore('moved', 1);
SELECT sum(softdelete.undo(d.id)) FROM (SELECT id FROM softdelete.deletions ORDER BY id) AS d;
SELECT table_name, code, who, count(*) FROM told GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
-- Who has all rights of the owner lends them to nobody: the code runs as the owner.
RESET SESSION AUTHORIZATION;
DELETE FROM flagged WHERE id = 1;
DELETE FROM moved WHERE id = 1;
TRUNCATE told;
SELECT softdelete.restore('flagged', 1), softdelete.restore('moved', 1);
SELECT who, count(*) > 6 AS each_kind FROM told GROUP BY 1;
SELECT id FROM flagged ORDER BY id;
SELECT id FROM moved ORDER BY id;

-- Who has rights on a table alone brings back what a cascade took below its rows, and no other row: not one that the same
-- transaction deleted by itself, nor what lies below that, nor rows that lie below each other alone.
SET SESSION AUTHORIZATION regress_owner;
CREATE FUNCTION make_family(prefix text, strategy text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY)', prefix || '_top');
    EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, up int REFERENCES %I ON DELETE CASCADE, next int REFERENCES %I ON DELETE CASCADE DEFERRABLE)',
                   prefix || '_middle', prefix || '_top', prefix || '_middle');
    EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, up int REFERENCES %I ON DELETE CASCADE)', prefix || '_low', prefix || '_middle');
    EXECUTE format('CREATE INDEX ON %I (up)', prefix || '_middle');
    EXECUTE format('CREATE INDEX ON %I (next)', prefix || '_middle');
    EXECUTE format('CREATE INDEX ON %I (up)', prefix || '_low');
    PERFORM softdelete.register((prefix || '_top')::regclass, strategy => strategy, cascade => true);
    EXECUTE format('INSERT INTO %I VALUES (1), (2), (3)', prefix || '_top');
    SET CONSTRAINTS ALL DEFERRED;
    -- 1 and 2 below 1; 3 below 2; 4 and 5 alone; 6 and 7 below each other
    EXECUTE format('INSERT INTO %I VALUES (1, 1, NULL), (2, NULL, 1), (3, 2, NULL), (4, 3, NULL), (5, NULL, NULL), (6, NULL, 7), (7, NULL, 6)', prefix || '_middle');
    EXECUTE format('INSERT INTO %I VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6)', prefix || '_low');
    EXECUTE format('GRANT SELECT, UPDATE ON %I TO regress_clerk', prefix || '_top');
END$$;
SELECT make_family('f', 'flag');
SELECT make_family('a', 'archive');
RESET SESSION AUTHORIZATION;
CREATE FUNCTION try_undo(prefix text, deletes text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    part text;
    id bigint;
    message text;
BEGIN
    SET LOCAL ROLE regress_owner;
    FOREACH part IN ARRAY deletes LOOP
        EXECUTE format('DELETE FROM %I_%s', prefix, part);
    END LOOP;
    SELECT max(d.id) INTO id FROM softdelete.deletions d;
    SET LOCAL ROLE regress_clerk;
    message := softdelete.undo(id) || ' rows';
    RAISE SQLSTATE 'ZZ000';
EXCEPTION
    WHEN SQLSTATE 'ZZ000' THEN RETURN message;
    WHEN insufficient_privilege THEN RETURN 'refused: ' || regexp_replace(SQLERRM, '[fa]_', '');
END$$;
SELECT d AS deletes, try_undo('f', string_to_array(d, '; ')) AS flag, try_undo('a', string_to_array(d, '; ')) AS archive
    FROM unnest(ARRAY['top WHERE id = 1', 'top', 'low WHERE id = 1; top WHERE id = 1', 'top WHERE id = 1; low WHERE id = 3',
                      'middle WHERE id = 4; top WHERE id = 3', 'middle WHERE id = 5; top WHERE id = 1', 'middle WHERE id = 2; top WHERE id = 1',
                      'middle WHERE id = 6; top WHERE id = 1', 'low WHERE id = 5', 'low WHERE id = 5; top WHERE id = 1']) AS d;

DROP OWNED BY regress_clerk, regress_owner CASCADE;
DROP SCHEMA regress_rights CASCADE;
DROP ROLE regress_owner, regress_clerk;
