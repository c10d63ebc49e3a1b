-- Referential actions that follow a statement of a function of ours: they change tables of other owners, whose code runs as
-- those, in a security-restricted operation, whoever calls, and leaves no settings behind. The server itself lets AFTER triggers
-- of such tables run as the owner of the referenced one, before 18.
CREATE ROLE regress_above;
CREATE ROLE regress_below;
CREATE ROLE regress_above_admin SUPERUSER;
CREATE ROLE regress_above_member IN ROLE regress_above;
CREATE SCHEMA regress_above AUTHORIZATION regress_above;
CREATE SCHEMA regress_below AUTHORIZATION regress_below;
GRANT USAGE ON SCHEMA regress_above, regress_below TO PUBLIC;
SET client_min_messages = error;
\pset format unaligned

SET SESSION AUTHORIZATION regress_above;
SET search_path = regress_above;
CREATE TABLE parents (id int PRIMARY KEY, code int UNIQUE, name text);
CREATE TABLE due (id int PRIMARY KEY, code int UNIQUE, name text);
GRANT REFERENCES ON parents, due TO regress_below;
SELECT count(*) > 0 AS registered FROM softdelete.register('parents', indexes => 'none');
SELECT count(*) > 0 AS registered FROM softdelete.register('due', retention => '1 day', indexes => 'none');
SELECT softdelete.set_anonymizer('parents', 'code', '-id');

-- Tables below, by what the key does to them, each with a trigger of each kind. What a trigger can do it tries.
SET SESSION AUTHORIZATION regress_below;
SET search_path = regress_below;
CREATE TABLE audit (what text, role text);
GRANT INSERT ON audit TO PUBLIC;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    restricted text := '';
BEGIN
    BEGIN
        CREATE TEMPORARY TABLE left_behind ();
        DROP TABLE left_behind;
    EXCEPTION WHEN insufficient_privilege THEN
        restricted := ' restricted';
    END;
    PERFORM set_config('search_path', 'nowhere', false), set_config('softdelete.actor', 'forged', false);
    INSERT INTO regress_below.audit VALUES (concat_ws(' ', tg_table_name, lower(tg_when), lower(tg_level), lower(tg_op), tg_name),
        current_user || restricted);
    RETURN coalesce(new, old);
END $$;
CREATE FUNCTION pass(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM set_config('search_path', 'nowhere', false);
    IF current_user <> 'regress_below' THEN RAISE EXCEPTION 'the index is read as %', current_user; END IF;
    RETURN true;
END $$;
CREATE FUNCTION make_below(above text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t text;
BEGIN
    EXECUTE format('CREATE TABLE %1$s_cascaded (id int PRIMARY KEY, parent int REFERENCES regress_above.%1$s ON DELETE CASCADE)', above);
    EXECUTE format('CREATE TABLE %1$s_further (id int PRIMARY KEY, parent int REFERENCES %1$s_cascaded ON DELETE CASCADE)', above);
    EXECUTE format('CREATE TABLE %1$s_split (id int, parent int REFERENCES regress_above.%1$s ON DELETE CASCADE) PARTITION BY LIST (id)', above);
    EXECUTE format('CREATE TABLE %1$s_part PARTITION OF %1$s_split DEFAULT', above);
    EXECUTE format('CREATE TABLE %1$s_nulled (id int PRIMARY KEY, parent int REFERENCES regress_above.%1$s ON DELETE SET NULL)', above);
    EXECUTE format('CREATE TABLE %1$s_moved (id int, parent int REFERENCES regress_above.%1$s ON DELETE SET NULL) PARTITION BY LIST (parent)', above);
    EXECUTE format('CREATE TABLE %1$s_rest PARTITION OF %1$s_moved DEFAULT', above);
    EXECUTE format('CREATE TABLE %1$s_null PARTITION OF %1$s_moved FOR VALUES IN (NULL)', above);
    EXECUTE format('CREATE TABLE %1$s_default (id int PRIMARY KEY, parent int DEFAULT 9 REFERENCES regress_above.%1$s ON DELETE SET DEFAULT)', above);
    EXECUTE format('CREATE TABLE %1$s_renumbered (id int PRIMARY KEY, parent int REFERENCES regress_above.%1$s (code) ON UPDATE CASCADE ON DELETE CASCADE)', above);
    EXECUTE format('CREATE TABLE %1$s_ruled (id int PRIMARY KEY)', above);
    EXECUTE format('CREATE RULE more AS ON DELETE TO %1$s_further DO ALSO DELETE FROM %1$s_ruled WHERE id = OLD.id', above);
    FOREACH t IN ARRAY ARRAY['cascaded', 'further', 'split', 'nulled', 'moved', 'default', 'renumbered', 'ruled'] LOOP
        t := above || '_' || t;
        EXECUTE format('CREATE TRIGGER a BEFORE UPDATE OR DELETE ON %1$s FOR EACH ROW EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE TRIGGER b AFTER UPDATE OR DELETE ON %1$s FOR EACH ROW EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE TRIGGER c AFTER UPDATE OR DELETE ON %1$s FOR EACH STATEMENT EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE TRIGGER d AFTER DELETE ON %1$s REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE CONSTRAINT TRIGGER e AFTER UPDATE OR DELETE ON %1$s DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE INDEX ON %1$s (id) WHERE pass(1)', t);
    END LOOP;
END $$;
SELECT make_below('parents'), make_below('due');

-- Registered tables as well: the cascade of a soft delete, and erase, which takes them along.
CREATE TABLE soft (id int PRIMARY KEY, parent int REFERENCES regress_above.parents ON DELETE CASCADE);
CREATE INDEX ON soft (parent);
SELECT count(*) > 0 AS registered FROM softdelete.register('soft');
CREATE TRIGGER a BEFORE UPDATE OR DELETE ON soft FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER b AFTER UPDATE OR DELETE ON soft FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER c AFTER UPDATE OR DELETE ON soft FOR EACH STATEMENT EXECUTE FUNCTION note();
CREATE CONSTRAINT TRIGGER e AFTER UPDATE OR DELETE ON soft DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note();

-- Policies of a table that everybody may change: undo follows the cascade past them, as the cascade went.
ALTER TABLE soft ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION see(int) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'regress_below' THEN RAISE EXCEPTION 'the policy runs as %', current_user; END IF;
    RETURN true;
END $$;
CREATE POLICY see ON soft USING (see(id));
GRANT ALL ON soft TO PUBLIC;

SET SESSION AUTHORIZATION regress_above;
SET search_path = regress_above;
INSERT INTO parents SELECT i, i FROM generate_series(1, 9) i;
INSERT INTO due SELECT i, i FROM generate_series(1, 9) i;
SET SESSION AUTHORIZATION regress_below;
SET search_path = regress_below;
INSERT INTO soft SELECT i, i FROM generate_series(1, 8) i;
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['cascaded', 'further', 'split', 'nulled', 'moved', 'default', 'renumbered'] LOOP
        EXECUTE format('INSERT INTO regress_below.parents_%1$s SELECT i, i FROM generate_series(1, 8) i', t);
        EXECUTE format('INSERT INTO regress_below.due_%1$s SELECT i, i FROM generate_series(1, 8) i', t);
    END LOOP;
    INSERT INTO regress_below.parents_ruled SELECT generate_series(1, 8);
    INSERT INTO regress_below.due_ruled SELECT generate_series(1, 8);
END $$;
SET SESSION AUTHORIZATION regress_above;
SET search_path = regress_above;
UPDATE due SET deleted_at = now() - interval '9 days' WHERE id < 9;
RESET SESSION AUTHORIZATION;

-- What fires and as whom, and what is left of the settings. A savepoint takes it back.
CREATE FUNCTION told_by(caller name, call text, OUT fired bigint, OUT otherwise text, OUT settings text, OUT who text)
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM regress_above.parents WHERE id = 5;
    SET CONSTRAINTS ALL IMMEDIATE;
    SET CONSTRAINTS ALL DEFERRED;
    PERFORM set_config('role', 'none', true), set_config('search_path', 'regress_above', false), set_config('softdelete.actor', 'me', false);
    TRUNCATE regress_below.audit;
    PERFORM set_config('role', caller, true);
    EXECUTE call;
    settings := current_setting('search_path') || ', ' || current_setting('softdelete.actor');
    SET CONSTRAINTS ALL IMMEDIATE;
    PERFORM set_config('role', 'none', true);
    SELECT count(DISTINCT what), string_agg(DISTINCT what || ' as ' || role, ', ') FILTER (WHERE role <> 'regress_below restricted'),
        string_agg(DISTINCT what, ', ') INTO fired, otherwise, who FROM regress_below.audit;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = '';
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    NULL;
WHEN OTHERS THEN
    otherwise := SQLERRM;
END $$;
CREATE TABLE calls (nr int GENERATED ALWAYS AS IDENTITY, call text);
INSERT INTO calls (call) VALUES
    ('SELECT softdelete.erase(''parents'', ''asked'', 1)'),
    ('SELECT softdelete.anonymize(''parents'', ''asked'', 2)'),
    ('SELECT softdelete.delete(''parents'', 3)'),
    ('SELECT softdelete.restore(''parents'', 5)'),
    ('SELECT softdelete.undo(max(id)) FROM softdelete.deletions WHERE relation = ''parents''::regclass'),
    ('CALL softdelete.purge(''due'')'),
    ('SELECT count(*) FROM softdelete.unregister(''due'', ''purge'')'),
    ('SELECT count(*) FROM softdelete.unregister(''parents'', ''purge'')');
SELECT call, t.who FROM calls, told_by('regress_above', call) t ORDER BY nr;
SELECT call, caller, t.fired, t.otherwise, t.settings
FROM calls, unnest(ARRAY['regress_above', 'regress_above_member', 'regress_above_admin']) caller, told_by(caller, call) t ORDER BY nr, caller;

-- undo brings back as the owner what the cascade took of a table with policies, and as the caller, whom they bind, the rest.
SET SESSION AUTHORIZATION regress_above;
SET search_path = regress_above;
CREATE TABLE heads (id int PRIMARY KEY);
GRANT REFERENCES ON heads TO regress_below;
SELECT count(*) > 0 AS registered FROM softdelete.register('heads');
INSERT INTO heads VALUES (1);
SET SESSION AUTHORIZATION regress_below;
SET search_path = regress_below;
CREATE TABLE arms (id int PRIMARY KEY, head int REFERENCES regress_above.heads ON DELETE CASCADE, arm int REFERENCES arms ON DELETE CASCADE);
CREATE INDEX ON arms (head);
CREATE INDEX ON arms (arm);
SELECT count(*) > 0 AS registered FROM softdelete.register('arms');
INSERT INTO arms VALUES (1, 1, NULL), (2, NULL, 1), (3, NULL, NULL), (4, NULL, 3), (11, 1, NULL), (12, NULL, 11), (21, NULL, NULL), (22, NULL, NULL), (23, NULL, 22);
UPDATE arms SET arm = 23 WHERE id = 22;
ALTER TABLE arms ENABLE ROW LEVEL SECURITY;
CREATE POLICY lower ON arms USING (id < 10);
GRANT ALL ON arms TO regress_above;
CREATE FUNCTION regress_below.try_undo(VARIADIC ids int[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    rows bigint;
BEGIN
    RESET ROLE;
    DELETE FROM regress_above.heads;
    DELETE FROM regress_below.arms WHERE id = ANY (ids);
    SET LOCAL ROLE regress_above;
    rows := softdelete.undo((SELECT max(id) FROM softdelete.deletions));
    RESET ROLE;
    RETURN rows || ', deleted ' || (SELECT count(*) FROM regress_below.all_arms WHERE deleted_at IS NOT NULL);
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END $$;
RESET SESSION AUTHORIZATION;
SELECT what, regress_below.try_undo(VARIADIC ids) FROM (VALUES
    ('the cascade alone', '{}'::int[]), ('what he sees as well', '{3}'), ('a hidden row', '{21}'), ('hidden rows in a circle', '{22}')) t (what, ids);
SET SESSION AUTHORIZATION regress_below;
CREATE TRIGGER b AFTER UPDATE ON arms FOR EACH ROW EXECUTE FUNCTION note();
RESET SESSION AUTHORIZATION;
SELECT what, regress_below.try_undo(VARIADIC ids) FROM (VALUES
    ('the cascade alone', '{}'::int[]), ('what he sees as well', '{3}'), ('a hidden row', '{21}'), ('hidden rows in a circle', '{22}')) t (what, ids);

-- A rule may bring the key's table into a statement once more, as somebody else.
SET SESSION AUTHORIZATION regress_above;
SET search_path = regress_above;
CREATE TABLE tops (id int PRIMARY KEY);
GRANT REFERENCES ON tops TO PUBLIC;
SELECT count(*) > 0 AS registered FROM softdelete.register('tops');
INSERT INTO tops VALUES (1);
SET SESSION AUTHORIZATION regress_above_admin;
CREATE TABLE regress_above.admins (id int PRIMARY KEY, top int REFERENCES regress_above.tops ON DELETE CASCADE);
INSERT INTO regress_above.admins VALUES (1, 1), (2, NULL);
CREATE FUNCTION regress_above.say() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER b AFTER DELETE ON regress_above.admins FOR EACH ROW EXECUTE FUNCTION regress_above.say();
GRANT SELECT, DELETE ON regress_above.admins TO regress_below;
SET SESSION AUTHORIZATION regress_below;
SET search_path = regress_below;
CREATE TABLE tricks (id int PRIMARY KEY, top int REFERENCES regress_above.tops ON DELETE CASCADE);
INSERT INTO tricks VALUES (1, 1);
CREATE RULE trick AS ON DELETE TO tricks DO ALSO DELETE FROM regress_above.admins WHERE id = 2;
SET SESSION AUTHORIZATION regress_above;
SET search_path = regress_above;
SELECT softdelete.erase('tops', 'asked', 1); -- fails
SELECT id FROM tops;

RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_above, regress_below CASCADE;
DROP ROLE regress_above, regress_below, regress_above_admin, regress_above_member;
