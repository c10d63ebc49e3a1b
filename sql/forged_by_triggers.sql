-- What a statement may not write of deletions, a BEFORE trigger may not write into its rows: every kind of such a trigger, on every
-- kind of table and part of one, meets every way to write, and values that would forge a deletion.
CREATE ROLE regress_bt_owner;
CREATE ROLE regress_bt_writer;
CREATE SCHEMA regress_bt AUTHORIZATION regress_bt_owner;
GRANT USAGE ON SCHEMA regress_bt TO regress_bt_writer;
SET SESSION AUTHORIZATION regress_bt_owner;
SET search_path = regress_bt;
\set QUIET on
-- What the trigger forges, the table says.
CREATE TABLE value_now (deleted_at text, deletion_id text);
CREATE FUNCTION forge() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    value record;
BEGIN
    SELECT * INTO value FROM regress_bt.value_now;
    IF value.deletion_id <> 'keep' THEN
        NEW.deletion_id := value.deletion_id;
    END IF;
    IF value.deleted_at <> 'keep' THEN
        NEW.deleted_at := value.deleted_at;
    END IF;
    RETURN NEW;
END $$;

-- Tables that have the trigger before they are registered, or get it afterwards; partitions with one of their own, made, attached
-- and partitioned themselves; an inheritance child.
CREATE TABLE early (id int PRIMARY KEY, part int DEFAULT 1, name text);
CREATE TABLE late (LIKE early INCLUDING ALL);
CREATE TABLE parts (id int, part int DEFAULT 1, name text, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2, 3) PARTITION BY LIST (part);
CREATE TABLE parts_2_2 PARTITION OF parts_2 FOR VALUES IN (2);
CREATE TABLE leaves (LIKE parts INCLUDING ALL) PARTITION BY LIST (part);
CREATE TABLE leaves_1 PARTITION OF leaves FOR VALUES IN (1);
CREATE TABLE joined (LIKE parts INCLUDING ALL) PARTITION BY LIST (part);
CREATE TABLE joined_2 PARTITION OF joined FOR VALUES IN (2);
CREATE TABLE joined_1 (LIKE parts INCLUDING ALL);
CREATE TABLE line (LIKE early INCLUDING ALL);
CREATE TABLE line_child (PRIMARY KEY (id)) INHERITS (line);
CREATE TABLE unseen (LIKE early INCLUDING ALL);
CREATE TRIGGER a_first BEFORE INSERT OR UPDATE ON early FOR EACH ROW EXECUTE FUNCTION forge();
SELECT count(*) > 0 AS registered
    FROM unnest('{early,late,parts,leaves,joined,line,unseen}'::regclass[]) t, softdelete.register(t, retention => '1 year');
CREATE TRIGGER "zz last of all" BEFORE INSERT OR UPDATE ON late FOR EACH ROW EXECUTE FUNCTION forge();
CREATE TRIGGER zz_insert BEFORE INSERT ON parts FOR EACH ROW EXECUTE FUNCTION forge();
CREATE TRIGGER aa_update BEFORE UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION forge();
CREATE TABLE leaves_2 PARTITION OF leaves FOR VALUES IN (2, 3) PARTITION BY LIST (part);
CREATE TABLE leaves_2_2 PARTITION OF leaves_2 FOR VALUES IN (2);
CREATE TRIGGER "zz last of all" BEFORE INSERT ON leaves_1 FOR EACH ROW EXECUTE FUNCTION forge();
CREATE TRIGGER "zz last of all" BEFORE INSERT OR UPDATE ON leaves_2_2 FOR EACH ROW EXECUTE FUNCTION forge();
CREATE TRIGGER "zz last of all" BEFORE INSERT OR UPDATE ON joined_1 FOR EACH ROW EXECUTE FUNCTION forge();
ALTER TABLE joined ATTACH PARTITION joined_1 FOR VALUES IN (1);
CREATE TRIGGER "zz last of all" BEFORE INSERT OR UPDATE ON line_child FOR EACH ROW EXECUTE FUNCTION forge();
RESET SESSION AUTHORIZATION;
BEGIN;
ALTER EVENT TRIGGER softdelete_ddl_command_end DISABLE;
ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE;
SET LOCAL ROLE regress_bt_owner;
CREATE TRIGGER "zz last of all" BEFORE INSERT OR UPDATE ON regress_bt.unseen FOR EACH ROW EXECUTE FUNCTION regress_bt.forge();
RESET ROLE;
ALTER EVENT TRIGGER softdelete_ddl_command_end ENABLE ALWAYS;
ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS;
COMMIT;
SET SESSION AUTHORIZATION regress_bt_owner;
\set QUIET off
SELECT object, action FROM softdelete.repair('unseen');
SELECT tgrelid::regclass AS "table", pg_get_triggerdef(oid) LIKE '% INSERT OR UPDATE %' AS sees_updates, tgenabled
    FROM pg_trigger WHERE tgname = 'softdelete_written' AND tgrelid::regclass::text !~ '\.' ORDER BY 1;
\set QUIET on

-- Somebody else's deletion, and rows that are there.
CREATE TABLE others (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('others');
INSERT INTO others VALUES (1);
DELETE FROM others;
INSERT INTO value_now VALUES ('keep', 'keep');
INSERT INTO early (id, part) VALUES (1, 1), (2, 1);
INSERT INTO late (id, part) VALUES (1, 1), (2, 1);
INSERT INTO parts (id, part) VALUES (1, 1), (2, 1);
INSERT INTO leaves (id, part) VALUES (1, 1), (2, 1);
INSERT INTO joined (id, part) VALUES (1, 1), (2, 1);
INSERT INTO line_child (id, part) VALUES (1, 1), (2, 1);
INSERT INTO unseen (id, part) VALUES (1, 1), (2, 1);
CREATE TABLE targets (nr int GENERATED ALWAYS AS IDENTITY, name text, key text);
INSERT INTO targets (name, key) VALUES ('early', 'id'), ('late', 'id'), ('parts', 'id, part'), ('parts_1', 'id, part'),
    ('leaves', 'id, part'), ('leaves_1', 'id, part'), ('joined', 'id, part'), ('joined_1', 'id, part'), ('line', 'id'),
    ('line_child', 'id'), ('unseen', 'id');
CREATE TABLE ways (nr int GENERATED ALWAYS AS IDENTITY, command text);
INSERT INTO ways (command) VALUES
    ('INSERT INTO %1$I (id) VALUES (10)'),
    ('INSERT INTO %1$I (id, deleted_at) VALUES (10, now()), (11, NULL)'),
    ('INSERT INTO %1$I (id, part) SELECT 10, 1'),
    ('INSERT INTO %1$I (id, part) VALUES (2, 1) ON CONFLICT (%2$s) DO UPDATE SET name = ''x'''),
    ('WITH w AS (INSERT INTO %1$I (id) VALUES (10) RETURNING id) SELECT FROM w'),
    ('MERGE INTO %1$I t USING (VALUES (10)) v (i) ON t.id = v.i WHEN NOT MATCHED THEN INSERT (id) VALUES (i)'),
    ('MERGE INTO %1$I t USING (VALUES (2)) v (i) ON t.id = v.i WHEN MATCHED THEN UPDATE SET name = ''x'''),
    ('MERGE INTO %1$I t USING (VALUES (2), (10)) v (i) ON t.id = v.i WHEN MATCHED THEN DELETE
        WHEN NOT MATCHED THEN INSERT (id) VALUES (i)'),
    ('UPDATE %1$I SET name = ''x'' WHERE id = 2'),
    ('UPDATE %1$I SET part = 2 WHERE id = 2'),
    ('MERGE INTO %1$I t USING (VALUES (2)) v (i) ON t.id = v.i WHEN MATCHED THEN UPDATE SET part = 2'),
    ('WITH w AS (UPDATE %1$I SET part = 2 WHERE id = 2 RETURNING id) SELECT FROM w'),
    ('UPDATE %1$I SET part = 2, deleted_at = now() WHERE id = 2'),
    ('UPDATE %1$I SET part = 2, deleted_at = NULL WHERE id = 1 AND softdelete.include_deleted(deleted_at)'),
    ('UPDATE %1$I SET part = 2 WHERE id = 1 AND softdelete.include_deleted(deleted_at)'),
    ('UPDATE %1$I SET name = ''x'' WHERE softdelete.include_deleted(deleted_at)'),
    ('DELETE FROM %1$I WHERE id = 2'),
    ('UPDATE %1$I SET deleted_at = NULL WHERE id = 1');
CREATE TABLE forged (nr int GENERATED ALWAYS AS IDENTITY, deleted_at text, deletion_id text);
INSERT INTO forged (deleted_at, deletion_id)
    SELECT v.* FROM deleted_others o, LATERAL (VALUES ('keep', 'keep'), ('keep', o.deletion_id::text), ('keep', '-5'), ('now', o.deletion_id::text),
        (NULL, o.deletion_id::text), ('infinity', 'keep'), ('infinity', NULL), ('-infinity', 'keep'), ('2999-12-31', 'keep'), ('now', 'keep'),
        (NULL, 'keep'), ('keep', NULL)) v;
CREATE TABLE outcomes (target text, way int, value int, sqlstate text, is_forged boolean);
-- The first row of each table is a deleted one; those with numbers above 9 may come deleted, without a deletion.
CREATE FUNCTION is_forged(target text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    found boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (
        SELECT FROM all_%1$I r
        WHERE (deleted_at IS NULL AND deletion_id IS NOT NULL) OR NOT isfinite(deleted_at) OR deleted_at > now() + interval ''1 day''
           OR (id < 10 AND deleted_at IS NOT NULL AND deletion_id IS NULL)
           OR deletion_id <= (SELECT deletion_id FROM deleted_others)
           OR deletion_id NOT IN (SELECT d.id FROM softdelete.deletions d))', target) INTO found;
    RETURN found;
END $$;
CREATE FUNCTION try_all() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    target record;
    way record;
    value record;
BEGIN
    FOR target IN SELECT * FROM targets ORDER BY nr LOOP
        FOR way IN SELECT * FROM ways ORDER BY nr LOOP
            FOR value IN SELECT * FROM forged ORDER BY nr LOOP
                BEGIN
                    EXECUTE format('DELETE FROM %I WHERE id = 1', target.name);
                    UPDATE value_now SET (deleted_at, deletion_id) = (value.deleted_at, value.deletion_id);
                    EXECUTE format(way.command, target.name, target.key);
                    UPDATE value_now SET (deleted_at, deletion_id) = ('keep', 'keep');
                    RAISE SQLSTATE 'ZZ000' USING MESSAGE = is_forged(substring(target.name FROM '^[a-z]+'));
                EXCEPTION
                    WHEN SQLSTATE 'ZZ000' THEN INSERT INTO outcomes VALUES (target.name, way.nr, value.nr, NULL, SQLERRM::boolean);
                    WHEN OTHERS THEN INSERT INTO outcomes VALUES (target.name, way.nr, value.nr, SQLSTATE);
                END;
            END LOOP;
        END LOOP;
    END LOOP;
END $$;
SELECT try_all();
\set QUIET off
SELECT sqlstate, is_forged, count(*) > 20 AS many FROM outcomes GROUP BY 1, 2 ORDER BY 1, 2;
SELECT o.target, w.command, f.deleted_at, f.deletion_id, o.is_forged
    FROM outcomes o JOIN forged f ON f.nr = o.value JOIN ways w ON w.nr = o.way WHERE o.is_forged ORDER BY 1, w.nr, f.nr;
-- A trigger that forges nothing is in no statement's way, but for a partition that is not there.
SELECT o.target, w.command, o.sqlstate, o.is_forged FROM outcomes o JOIN ways w ON w.nr = o.way
    WHERE o.value = 1 AND o.is_forged IS DISTINCT FROM false ORDER BY 1, w.nr;

-- COPY as well.
UPDATE value_now SET deletion_id = (SELECT deletion_id FROM deleted_others);
COPY early (id) FROM STDIN; -- fails
20
\.
COPY parts (id, part) FROM STDIN; -- fails
20	2
\.
COPY leaves (id, part) FROM STDIN; -- fails
20	1
\.
COPY line_child (id) FROM STDIN; -- fails
20
\.
UPDATE value_now SET (deleted_at, deletion_id) = ('infinity', 'keep');
COPY joined (id, part) FROM STDIN; -- fails
20	1
\.
UPDATE value_now SET (deleted_at, deletion_id) = ('keep', 'keep');
COPY leaves (id, part) FROM STDIN;
20	1
\.

-- Who loads a dump may bring rows as they were, and so may the trigger that fires for him: the owner, not somebody who writes.
GRANT SELECT, INSERT ON early, value_now TO regress_bt_writer;
UPDATE value_now SET (deleted_at, deletion_id) = ('now', '-5');
BEGIN;
SET LOCAL row_security = off;
INSERT INTO early (id) VALUES (20);
SELECT id, deletion_id FROM deleted_early;
ROLLBACK;
SET SESSION AUTHORIZATION regress_bt_writer;
SET row_security = off;
INSERT INTO regress_bt.early (id) VALUES (20); -- fails
RESET row_security;
SET SESSION AUTHORIZATION regress_bt_owner;
UPDATE value_now SET (deleted_at, deletion_id) = ('keep', 'keep');

-- The check is the extension's: it goes with the last trigger of the kind, and with the registration.
DROP TRIGGER softdelete_written ON late; -- fails
ALTER TABLE late DISABLE TRIGGER softdelete_written; -- fails
DROP TRIGGER "zz last of all" ON late;
SELECT object, action FROM softdelete.repair('late');
ALTER TABLE leaves DETACH PARTITION leaves_1;
SELECT object, action FROM softdelete.repair('leaves');
SELECT object, action FROM softdelete.unregister('leaves') WHERE object LIKE '%written';
SELECT tgrelid::regclass AS "table" FROM pg_trigger WHERE tgname = 'softdelete_written' AND tgrelid::regclass::text ~ 'leaves|late';

-- A row that a foreign key of its own table moves to another partition, by ON UPDATE CASCADE, stays what it was, live or deleted,
-- whatever triggers look at it on the way.
CREATE TABLE chain (id int, part int, up int, PRIMARY KEY (id, part), FOREIGN KEY (up, part) REFERENCES chain ON UPDATE CASCADE) PARTITION BY LIST (part);
CREATE TABLE chain_1 PARTITION OF chain FOR VALUES IN (1);
CREATE TABLE chain_2 PARTITION OF chain FOR VALUES IN (2);
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER look BEFORE INSERT OR UPDATE ON chain FOR EACH ROW EXECUTE FUNCTION look();
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('chain');
RESET client_min_messages;
INSERT INTO chain VALUES (1, 1, NULL), (2, 1, 1), (3, 1, 1), (4, 1, 2);
DELETE FROM chain WHERE id IN (2, 4);
UPDATE chain SET part = 2 WHERE id = 1;
SELECT id, part, deleted_at IS NULL AS live, deletion_id IS NULL AS of_none FROM all_chain ORDER BY id;
UPDATE chain SET deletion_id = 99 WHERE id = 3; -- fails

\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_bt CASCADE;
DROP ROLE regress_bt_owner, regress_bt_writer;
