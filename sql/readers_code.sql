-- The recycle bin and the list of conflicts go through tables of all owners: whoever reads them runs nobody's code. Policies that
-- call nothing but what is the server's own and harmless are applied to him; of other tables he is told nothing.
CREATE ROLE regress_bin;
CREATE ROLE regress_bin_reader;
CREATE ROLE regress_bin_exempt BYPASSRLS;
CREATE ROLE regress_bin_member IN ROLE regress_bin;
CREATE SCHEMA regress_bin AUTHORIZATION regress_bin;
GRANT USAGE ON SCHEMA regress_bin TO PUBLIC;
SET client_min_messages = error;
SET SESSION AUTHORIZATION regress_bin;
SET search_path = regress_bin;
\pset format unaligned

CREATE FUNCTION spy(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF current_user <> 'regress_bin' THEN RAISE EXCEPTION 'code of the owner runs as %', current_user; END IF;
    RETURN true;
END $$;
CREATE FUNCTION spy_equal(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT regress_bin.spy($1) AND $1 = $2';
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = spy_equal);
CREATE DOMAIN watched AS int CHECK (regress_bin.spy(VALUE));
CREATE TYPE pair AS (a watched);
CREATE FUNCTION to_pair(int) RETURNS pair LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1)::regress_bin.pair';

-- Each kind in a table of its own: the policy, and what the planner runs by itself.
CREATE TABLE kinds (kind text PRIMARY KEY, policy text, more text);
INSERT INTO kinds VALUES
    ('none', NULL, NULL),
    ('none but an index', NULL, 'CREATE INDEX ON %I (id) WHERE spy(1)'),
    ('true', 'true', NULL),
    ('comparison', 'tenant = 1', NULL),
    ('role', 'who = current_user', NULL),
    ('member', 'pg_has_role(who, ''MEMBER'')', NULL),
    ('setting', 'tenant = current_setting(''regress_bin.tenant'')::int', NULL),
    ('list', 'tenant = ANY (''{1, 3}'') AND tenant IN (1, 4)', NULL),
    ('case', 'CASE WHEN tenant = 1 THEN true ELSE coalesce(who = ''regress_bin_exempt'', false) END IS TRUE', NULL),
    ('function', 'spy(tenant)', NULL),
    ('operator', 'tenant === 1', NULL),
    ('sub-select', 'tenant IN (SELECT 1 WHERE spy(1))', NULL),
    ('domain', 'tenant::watched > 0', NULL),
    ('domain of a text', '(tenant::text)::watched > 0', NULL),
    ('type', '(to_pair(tenant)).a > 0', NULL),
    ('query', 'query_to_xml(''SELECT regress_bin.spy(1)'', true, true, '''') IS DOCUMENT', NULL),
    ('index', 'tenant = 1', 'CREATE INDEX ON %I (id) WHERE spy(1)'),
    ('index on an expression', 'tenant = 1', 'CREATE INDEX ON %I (spy(tenant))'),
    ('statistics', 'tenant = 1', 'CREATE STATISTICS watched_%1$s ON spy(tenant), (id) FROM %1$I'),
    ('index of a child', 'tenant = 1', 'CREATE TABLE heir () INHERITS (%I); CREATE INDEX ON heir (id) WHERE spy(1)');
CREATE FUNCTION make(kinds) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, tenant int, who text, name text)', $1.kind);
    EXECUTE format('CREATE UNIQUE INDEX ON %I (name)', $1.kind);
    IF $1.policy IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', $1.kind);
        EXECUTE format('CREATE POLICY policy ON %I USING (%s)', $1.kind, $1.policy);
    END IF;
    EXECUTE coalesce(format($1.more, $1.kind), 'SELECT');
    PERFORM softdelete.register(format('%I', $1.kind)::regclass);
    EXECUTE format('INSERT INTO %I VALUES (1, 1, ''regress_bin_reader'', ''a''), (2, 2, ''regress_bin_exempt'', ''b'')', $1.kind);
    EXECUTE format('ANALYZE %I', $1.kind);
    EXECUTE format('DELETE FROM %I', $1.kind);
    EXECUTE format('INSERT INTO %I VALUES (3, 1, ''regress_bin_reader'', ''a''), (4, 2, ''regress_bin_exempt'', ''b'')', $1.kind);
    EXECUTE format('GRANT SELECT ON %I TO PUBLIC', $1.kind);
END $$;
DO $$ DECLARE k kinds; BEGIN FOR k IN SELECT * FROM kinds LOOP PERFORM make(k); COMMIT; END LOOP; END $$;
GRANT SELECT ON kinds TO PUBLIC;

CREATE FUNCTION told() RETURNS TABLE (kind text, rows jsonb, conflicts text) LANGUAGE sql SET search_path = pg_catalog AS $$
    SELECT k.kind, d.rows, (SELECT string_agg(coalesce(c.key ->> 'id', 'hidden'), ', ' ORDER BY c.key ->> 'id') FROM softdelete.conflicts(d.id) c)
    FROM regress_bin.kinds k JOIN softdelete.deletions d ON d.relation = format('regress_bin.%I', k.kind)::regclass
    ORDER BY d.id $$;
SET regress_bin.tenant = 1;
SET ROLE regress_bin;
SELECT count(*), count(*) FILTER (WHERE rows <> '{}' AND conflicts = '1, 2') AS of_the_owner FROM told();
RESET SESSION AUTHORIZATION;
SET regress_bin.tenant = 1;
SET ROLE regress_bin_reader;
SELECT * FROM regress_bin.told();
SET ROLE regress_bin_exempt;
SELECT count(*), count(*) FILTER (WHERE rows <> '{}' AND conflicts = '1, 2') AS of_the_exempt FROM regress_bin.told();
SET ROLE regress_bin_member;
SELECT count(*), count(*) FILTER (WHERE rows <> '{}' AND conflicts = '1, 2') AS of_a_member FROM regress_bin.told();
RESET ROLE;
SELECT count(*), count(*) FILTER (WHERE rows <> '{}' AND conflicts = '1, 2') AS of_a_superuser FROM regress_bin.told();

-- Our own policy is known: deleted rows are for those who may see them.
SET SESSION AUTHORIZATION regress_bin;
SET search_path = regress_bin;
CREATE TABLE hidden (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('hidden', visibility => 'rls', admin_roles => '{regress_bin_exempt}');
INSERT INTO hidden VALUES (1), (2);
DELETE FROM hidden WHERE id = 2;
GRANT SELECT ON hidden TO PUBLIC;
RESET SESSION AUTHORIZATION;
ALTER ROLE regress_bin_exempt NOBYPASSRLS;
SET ROLE regress_bin_reader;
SELECT rows FROM softdelete.deletions WHERE relation = 'regress_bin.hidden'::regclass;
SET ROLE regress_bin_exempt;
SELECT rows FROM softdelete.deletions WHERE relation = 'regress_bin.hidden'::regclass;

RESET ROLE;
DROP SCHEMA regress_bin CASCADE;
DROP ROLE regress_bin, regress_bin_reader, regress_bin_exempt, regress_bin_member;
