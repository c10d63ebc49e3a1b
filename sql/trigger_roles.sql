-- Users' triggers run as no more than the owner of their table, deferred ones included, whoever calls us, and find what the
-- caller's own statement would let them find.
CREATE ROLE regress_triggers;
CREATE ROLE regress_triggers_admin SUPERUSER;
CREATE ROLE regress_triggers_member IN ROLE regress_triggers;
CREATE SCHEMA regress_triggers AUTHORIZATION regress_triggers;
GRANT USAGE ON SCHEMA regress_triggers TO PUBLIC;
SET SESSION AUTHORIZATION regress_triggers;
SET search_path = regress_triggers;
SET client_min_messages = error;
\pset format unaligned

-- A trigger that names its table without a schema, as most do, and notes as whom it runs.
CREATE TABLE audit (nr int GENERATED ALWAYS AS IDENTITY, what text, id text, role text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit (what, id, role)
        VALUES (concat_ws(' ', tg_argv[0], tg_when, lower(tg_op)),
            CASE tg_level WHEN 'ROW' THEN coalesce(to_jsonb(new), to_jsonb(old)) ->> 'id' END, current_user);
    RETURN coalesce(new, old);
END $$;
CREATE FUNCTION told() RETURNS text LANGUAGE sql SET search_path = regress_triggers AS $$
    SELECT string_agg(DISTINCT format('%s as %s', what, role), ', ') FROM audit $$;
CREATE FUNCTION order_of() RETURNS text LANGUAGE sql SET search_path = regress_triggers AS $$
    SELECT string_agg(concat_ws(' ', what, id), ', ' ORDER BY nr) FROM audit $$;
CREATE TABLE parents (id int PRIMARY KEY, name text);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE, name text);
CREATE TABLE logs (id int PRIMARY KEY, child int REFERENCES children ON DELETE CASCADE);
CREATE TABLE expired (id int PRIMARY KEY, name text);
SELECT count(*) > 0 AS registered FROM softdelete.register('parents', retention => '1 day', cascade => true);
SELECT count(*) > 0 AS registered FROM softdelete.register('expired', retention => '1 day', on_expiry => 'anonymize');
SELECT softdelete.set_anonymizer('parents', 'name', '''gone'''), softdelete.set_anonymizer('expired', 'name', '''gone''');
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['parents', 'children', 'logs', 'expired'] LOOP
        EXECUTE format('CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE OR DELETE ON %1$I DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION note(''late %1$s'')', t);
        EXECUTE format('CREATE TRIGGER rows BEFORE UPDATE OR DELETE ON %1$I FOR EACH ROW EXECUTE FUNCTION note(''row %1$s'')', t);
        EXECUTE format('CREATE TRIGGER statement AFTER UPDATE OR DELETE ON %1$I FOR EACH STATEMENT
            EXECUTE FUNCTION note(''statement %1$s'')', t);
    END LOOP;
END $$;
CREATE FUNCTION fill() RETURNS void LANGUAGE plpgsql SET search_path = regress_triggers AS $$
BEGIN
    INSERT INTO parents SELECT i FROM generate_series(1, 9) i;
    INSERT INTO children SELECT i, i FROM generate_series(1, 9) i;
    INSERT INTO logs SELECT i, i FROM generate_series(1, 9) i;
    INSERT INTO parents (id, deleted_at) VALUES (10, now() - interval '9 days');
    INSERT INTO children (id, parent, deleted_at) VALUES (10, 10, now() - interval '9 days');
    INSERT INTO expired (id, deleted_at) VALUES (1, now() - interval '9 days');
END $$;

-- What each function makes them do, and as whom, for each caller: a superuser sees other tests' deletions, too. A savepoint
-- takes it back.
CREATE FUNCTION told_by(caller name, call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM regress_triggers.fill();
    SET CONSTRAINTS ALL IMMEDIATE;
    SET CONSTRAINTS ALL DEFERRED;
    DELETE FROM regress_triggers.parents WHERE id = 2;
    SET CONSTRAINTS ALL IMMEDIATE;
    SET CONSTRAINTS ALL DEFERRED;
    DELETE FROM regress_triggers.audit;
    PERFORM set_config('role', caller, true);
    EXECUTE call;
    SET CONSTRAINTS ALL IMMEDIATE;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = regress_triggers.told();
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    RETURN SQLERRM;
END $$;
CREATE TABLE calls (nr int GENERATED ALWAYS AS IDENTITY, call text);
INSERT INTO calls (call) VALUES
    ('SELECT softdelete.erase(''parents'', ''asked'', 1)'),
    ('SELECT softdelete.anonymize(''parents'', ''asked'', 1)'),
    ('SELECT softdelete.undo(max(id)) FROM softdelete.deletions WHERE relation = ''parents''::regclass'),
    ('SELECT softdelete.restore(''children'', 2)'),
    ('CALL softdelete.purge(''children'')'),
    ('CALL softdelete.purge(''expired'')'),
    ('SELECT count(*) FROM softdelete.unregister(''logs'', ''purge'')');
SELECT call, told_by('regress_triggers', call) FROM calls WHERE call !~ 'restore' ORDER BY nr;
RESET SESSION AUTHORIZATION;
SET search_path = regress_triggers;
SET client_min_messages = error;
SELECT call, told_by('regress_triggers_member', call) FROM calls WHERE call !~ 'restore' ORDER BY nr;
SELECT call, told_by('regress_triggers_admin', call) FROM calls WHERE call !~ 'restore' ORDER BY nr;

-- A cascade that reaches another owner's table: his deferred trigger runs as he, too.
CREATE TABLE admins (id int PRIMARY KEY);
ALTER TABLE admins OWNER TO regress_triggers_admin;
GRANT REFERENCES ON admins TO regress_triggers;
SET ROLE regress_triggers;
CREATE TABLE below_admins (id int PRIMARY KEY, admin int REFERENCES admins ON DELETE CASCADE);
CREATE CONSTRAINT TRIGGER late AFTER UPDATE OR DELETE ON below_admins DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION note('late');
SET ROLE regress_triggers_admin;
SELECT count(*) > 0 AS registered FROM softdelete.register('admins', cascade => true);
INSERT INTO admins VALUES (1), (2);
INSERT INTO below_admins VALUES (1, 1), (2, 2);
TRUNCATE audit;
DELETE FROM admins WHERE id = 1;
SELECT told();
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
SELECT told();
TRUNCATE audit;
SELECT softdelete.delete('admins', 2) > 0 AS deleted;
SELECT softdelete.restore('admins', 2);
SELECT told();

-- The owner's own deferred triggers keep their time: the end of his transaction.
SET SESSION AUTHORIZATION regress_triggers;
SELECT fill();
TRUNCATE audit;
BEGIN;
DELETE FROM parents WHERE id = 3;
SELECT order_of();
COMMIT;
SELECT order_of();
TRUNCATE audit;
BEGIN;
SELECT softdelete.erase('parents', 'asked', 4) IS NOT NULL AS erased;
SELECT order_of();
COMMIT;
SELECT order_of();

-- Constraints that somebody defers stay as he has set them, and so does what they wait for: of tables that a purge does not
-- touch, and of those that it does.
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);
BEGIN;
INSERT INTO b VALUES (1, 1);
CALL softdelete.purge();
INSERT INTO b VALUES (2, 2);
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('logs', 'purge');
INSERT INTO b VALUES (3, 3);
SELECT softdelete.erase('parents', 'asked', 5) IS NOT NULL AS erased;
INSERT INTO b VALUES (4, 4);
INSERT INTO a VALUES (1), (2), (3), (4);
COMMIT;
SELECT count(*) FROM b;
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
CALL softdelete.purge();
INSERT INTO b VALUES (5, 5); -- fails
ROLLBACK;

-- A deferred key keeps the row that it references, and no more than that.
CREATE TABLE kept (id int PRIMARY KEY);
CREATE TABLE keeps (id int PRIMARY KEY, kept int REFERENCES kept DEFERRABLE INITIALLY DEFERRED);
SELECT count(*) > 0 AS registered FROM softdelete.register('kept', retention => '0');
SELECT count(*) > 0 AS registered FROM softdelete.register('keeps');
INSERT INTO kept SELECT generate_series(1, 3);
INSERT INTO keeps VALUES (1, 2);
DELETE FROM keeps;
DELETE FROM kept;
CALL softdelete.purge('kept');
SELECT id FROM all_kept;

-- An index on a function that names a table without a schema; in a session that finds it the table is registered.
CREATE TABLE factors (id int, factor int);
INSERT INTO factors VALUES (1, 7);
CREATE FUNCTION multiply(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN RETURN $1 * (SELECT factor FROM factors WHERE id = 1); END $$;
-- Since 17 CREATE INDEX runs such a function under a path without the user's schemas, unless it has one of its own.
DO $$ BEGIN
    IF current_setting('server_version_num')::int >= 170000 THEN ALTER FUNCTION multiply(int) SET search_path = regress_triggers; END IF;
END $$;
CREATE TABLE products (id int PRIMARY KEY, number int);
INSERT INTO products VALUES (1, 1), (2, 2);
CREATE UNIQUE INDEX products_number ON products (multiply(number));
SELECT count(*) > 0 AS registered FROM softdelete.register('products');
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('products', 'purge');

-- One with a path of its own keeps it, whatever the path of whoever registers the table.
CREATE FUNCTION multiply_here(int) RETURNS int LANGUAGE plpgsql IMMUTABLE SET search_path = regress_triggers AS
    $$ BEGIN RETURN $1 * (SELECT factor FROM factors WHERE id = 1); END $$;
CREATE TABLE goods (id int PRIMARY KEY, number int);
INSERT INTO goods VALUES (1, 1), (2, 2);
CREATE UNIQUE INDEX goods_number ON goods (multiply_here(number));
SET search_path = pg_catalog;
SELECT count(*) > 0 AS registered FROM softdelete.register('regress_triggers.goods');
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('regress_triggers.goods', 'purge');
SET search_path = regress_triggers;

-- The same of an event trigger of somebody's; and one that runs DDL of its own takes nothing away from the command that
-- fired it, nor does it go by unseen.
RESET SESSION AUTHORIZATION;
SET search_path = regress_triggers;
CREATE TABLE ddl_log (tag text);
CREATE TABLE followed (id int PRIMARY KEY, name text);
CREATE TABLE inner_one (id int PRIMARY KEY);
ALTER TABLE followed OWNER TO regress_triggers;
ALTER TABLE inner_one OWNER TO regress_triggers;
GRANT ALL ON ddl_log TO PUBLIC;
CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ddl_log VALUES (tg_tag);
    IF tg_tag = 'ALTER TABLE' AND to_regclass('inner_one_number') IS NULL AND EXISTS (SELECT FROM ddl_log WHERE tag = 'nest') THEN
        CREATE UNIQUE INDEX inner_one_number ON inner_one (id);
        ALTER TABLE inner_one ADD COLUMN code text UNIQUE;
    END IF;
END $$;
CREATE EVENT TRIGGER log_ddl ON ddl_command_start EXECUTE FUNCTION log_ddl();
SET SESSION AUTHORIZATION regress_triggers;
SELECT count(*) > 0 AS registered FROM softdelete.register('followed');
SELECT count(*) > 0 AS registered FROM softdelete.register('inner_one');
INSERT INTO ddl_log VALUES ('nest');
ALTER TABLE followed ADD COLUMN code text UNIQUE;
ALTER TABLE followed RENAME COLUMN name TO title;
SELECT tablename, indexdef FROM pg_indexes WHERE tablename IN ('followed', 'inner_one') AND indexdef ~ 'UNIQUE' ORDER BY 1, 2;
SELECT count(*) FROM ddl_log WHERE tag = 'CREATE VIEW';

RESET SESSION AUTHORIZATION;
SET client_min_messages = error;
DROP EVENT TRIGGER log_ddl;
DROP SCHEMA regress_triggers CASCADE;
DROP ROLE regress_triggers, regress_triggers_admin, regress_triggers_member;
