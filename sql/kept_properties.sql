-- Whatever follows a table, its views, its archive and its history, keeps what users gave it: privileges, comments, options,
-- defaults, triggers, rules, indexes. A walk through the commands, for both strategies.
\set QUIET on
CREATE ROLE regress_kept_properties;
CREATE ROLE regress_kept_properties_heir;
CREATE ROLE regress_kept_properties_reader;
GRANT regress_kept_properties_heir TO regress_kept_properties;
CREATE SCHEMA regress_kept_properties AUTHORIZATION regress_kept_properties;
CREATE SCHEMA regress_kept_properties_2 AUTHORIZATION regress_kept_properties;
GRANT ALL ON SCHEMA regress_kept_properties, regress_kept_properties_2 TO regress_kept_properties_heir;
SET SESSION AUTHORIZATION regress_kept_properties;
SET search_path = regress_kept_properties, regress_kept_properties_2;
SET client_min_messages = error;
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TABLE flag (id int PRIMARY KEY, v text, "Q'k" text);
CREATE TABLE arch (id int PRIMARY KEY, v text, "Q'k" text);
SELECT count(*) > 0 FROM softdelete.register('flag') \g /dev/null
SELECT count(*) > 0 FROM softdelete.register('arch', strategy => 'archive') \g /dev/null
SELECT softdelete.track_history('flag'), softdelete.track_history('arch') \g /dev/null
INSERT INTO flag VALUES (1, 'x', 'y');
INSERT INTO arch VALUES (1, 'x', 'y');
DELETE FROM flag;
DELETE FROM arch;
DO $$
DECLARE
    view text;
    kept text;
BEGIN
    FOR view IN SELECT relname FROM pg_class WHERE relkind = 'v' AND relnamespace = 'regress_kept_properties'::regnamespace LOOP
        EXECUTE replace($make$
            GRANT SELECT ON VIEW_ TO regress_kept_properties_reader WITH GRANT OPTION;
            GRANT SELECT ("Q'k"), UPDATE ("Q'k") ON VIEW_ TO PUBLIC;
            COMMENT ON VIEW VIEW_ IS 'a view';
            COMMENT ON COLUMN VIEW_."Q'k" IS 'a column';
            ALTER VIEW VIEW_ SET (security_barrier = true);
            ALTER VIEW VIEW_ ALTER "Q'k" SET DEFAULT 'dd';
            CREATE TRIGGER keep INSTEAD OF INSERT ON VIEW_ FOR EACH ROW EXECUTE FUNCTION nothing();
            COMMENT ON TRIGGER keep ON VIEW_ IS 'a trigger';
            CREATE RULE ignore AS ON UPDATE TO VIEW_ DO INSTEAD NOTHING;
            COMMENT ON RULE ignore ON VIEW_ IS 'a rule'$make$, 'VIEW_', view);
    END LOOP;
    ALTER VIEW active_flag SET (check_option = local);
    ALTER VIEW active_arch SET (check_option = cascaded);
    FOREACH kept IN ARRAY ARRAY['arch_archive', 'arch_history', 'flag_history'] LOOP
        EXECUTE replace($make$
            GRANT SELECT ON KEPT_ TO regress_kept_properties_reader WITH GRANT OPTION;
            GRANT SELECT ("Q'k") ON KEPT_ TO PUBLIC;
            COMMENT ON TABLE KEPT_ IS 'mine';
            COMMENT ON COLUMN KEPT_."Q'k" IS 'a column';
            CREATE INDEX KEPT_mine ON KEPT_ ("Q'k");
            ALTER TABLE KEPT_ ENABLE ROW LEVEL SECURITY;
            CREATE POLICY own ON KEPT_ USING (true)$make$, 'KEPT_', kept);
    END LOOP;
END $$;

-- Of the column v, which comes and goes, nothing is said.
CREATE FUNCTION state() RETURNS SETOF text LANGUAGE sql AS $$
    WITH c AS (SELECT * FROM pg_class WHERE relname ~ '^(active|deleted|all)_|(_archive|_history)$' AND relkind IN ('v', 'p')
               AND relnamespace IN ('regress_kept_properties'::regnamespace, 'regress_kept_properties_2'::regnamespace))
    SELECT format('%s grant %s', c.relname, concat_ws(' ', nullif(x.grantee, 0)::regrole, x.privilege_type, x.is_grantable))
        FROM c, aclexplode(c.relacl) x WHERE x.grantee <> c.relowner
    UNION ALL SELECT format('%s grant %s', c.relname, concat_ws(' ', a.attname, nullif(x.grantee, 0)::regrole, x.privilege_type, x.is_grantable))
        FROM c JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) x WHERE x.grantee <> c.relowner
    UNION ALL SELECT format('%s comment %s %s', c.relname, a.attname, d.description)
        FROM c JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid WHERE a.attname IS DISTINCT FROM 'deleted_at'
    UNION ALL SELECT format('%s option %s', c.relname, o) FROM c, unnest(c.reloptions) o
    UNION ALL SELECT format('%s default %s', c.relname, pg_get_expr(d.adbin, d.adrelid)) FROM c JOIN pg_attrdef d ON d.adrelid = c.oid
    UNION ALL SELECT format('%s trigger %s %s %s', c.relname, t.tgname, t.tgenabled, obj_description(t.oid, 'pg_trigger'))
        FROM c JOIN pg_trigger t ON t.tgrelid = c.oid
    UNION ALL SELECT format('%s rule %s %s', c.relname, r.rulename, obj_description(r.oid, 'pg_rewrite'))
        FROM c JOIN pg_rewrite r ON r.ev_class = c.oid
    UNION ALL SELECT format('%s index %s', c.relname, i.indexrelid::regclass) FROM c JOIN pg_index i ON i.indrelid = c.oid
    UNION ALL SELECT format('%s row security %s', c.relname, c.relrowsecurity) FROM c
    UNION ALL SELECT format('%s policy %s', c.relname, p.polname) FROM c JOIN pg_policy p ON p.polrelid = c.oid $$;

CREATE TABLE before (line text);
CREATE FUNCTION difference() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT 'lost ' || b FROM (TABLE before EXCEPT ALL SELECT * FROM state()) b (b)
    UNION ALL SELECT 'new ' || s FROM (SELECT * FROM state() EXCEPT ALL TABLE before) s (s) ORDER BY 1 $$;
CREATE TABLE walk (place int GENERATED ALWAYS AS IDENTITY, command text);
INSERT INTO walk (command) VALUES
    ('SELECT count(*) FROM softdelete.repair(%L)'),
    ('ALTER TABLE %I ADD COLUMN n int'),
    ('ALTER TABLE %I ADD COLUMN m int UNIQUE'),
    ('ALTER TABLE %I ADD COLUMN o int DEFAULT 5, ALTER COLUMN v TYPE varchar(9)'),
    ('ALTER TABLE %I ALTER COLUMN v TYPE varchar(5)'),
    ('ALTER TABLE %I DROP COLUMN n'),
    ('ALTER TABLE %I RENAME COLUMN v TO w'),
    ('ALTER TABLE %I RENAME COLUMN w TO v'),
    ('SELECT count(*) FROM softdelete.repair(%L)'),
    ('SELECT count(*) FROM softdelete.configure(%L, retention => ''1 year'')'),
    ('CALL softdelete.purge(%L)'),
    ('ALTER TABLE %I SET SCHEMA regress_kept_properties_2'),
    ('ALTER TABLE %I ADD COLUMN p int'),
    ('ALTER TABLE %I OWNER TO regress_kept_properties_heir'),
    ('ALTER TABLE %I DROP COLUMN p'),
    ('SELECT count(*) FROM softdelete.repair(%L)');
\set QUIET off

-- No command says that anything is lost or new.
INSERT INTO before SELECT * FROM state();
SELECT count(*) > 100 FROM before;
SELECT format(command, t) || '; SELECT * FROM difference()' FROM walk, unnest(ARRAY['flag', 'arch']) t ORDER BY place, t \gexec

\set QUIET on
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_kept_properties, regress_kept_properties_2 CASCADE;
DROP ROLE regress_kept_properties, regress_kept_properties_heir, regress_kept_properties_reader;
