-- The columns that tell of a deletion go with a registration that ends, and where a table gets an archive. What is unique among live
-- rows by its condition stays unique. What says something of live rows stops the command, which names it; what says nothing of
-- them goes, and has a step. Every kind of object that can depend on a column, with columns that register() added and with those that
-- were there.
CREATE ROLE regress_dependents;
CREATE ROLE regress_dependents_reader;
CREATE SCHEMA regress_dependents AUTHORIZATION regress_dependents;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_dependents', current_database()); END $$;
SET ROLE regress_dependents;
SET search_path = regress_dependents;
SET client_min_messages = error;
CREATE TABLE users (id int PRIMARY KEY);
CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';

-- What is made, once the table is there, and what is there of it afterwards; else the error's detail.
CREATE FUNCTION try(object text, call text, is_adopted boolean, is_late boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    steps text;
    description text;
BEGIN
    EXECUTE format('CREATE TABLE t (id int PRIMARY KEY, email text, body text%s)',
        CASE WHEN is_adopted THEN ', deleted_at timestamptz, deleted_by int' ELSE '' END);
    IF NOT is_late THEN
        EXECUTE object;
    END IF;
    PERFORM softdelete.register('t');
    IF is_late THEN
        EXECUTE object;
    END IF;
    INSERT INTO t (id, email) VALUES (1, 'a');
    EXECUTE format('SELECT string_agg(action || '' '' || object, '', '' ORDER BY step) FROM %s WHERE object !~ ''^(view|trigger softdelete|column|comments|index t_deleted_at_idx|index t_deletion_id_idx|table|strategy|constraint t_pkey|policy softdelete)''', call)
        INTO steps;
    SELECT concat_ws('; ', 'done: ' || steps,
            (SELECT string_agg(pg_get_indexdef(indexrelid), '; ' ORDER BY indexrelid::regclass::text) FROM pg_index
                WHERE indrelid = 't'::regclass AND indexrelid::regclass::text ~ '\mo$'),
            (SELECT string_agg(pg_get_constraintdef(oid), '; ' ORDER BY conname) FROM pg_constraint
                WHERE conrelid = 't'::regclass AND contype IN ('u', 'c', 'f', 'x')),
            (SELECT string_agg(pg_get_statisticsobjdef(oid), '; ') FROM pg_statistic_ext WHERE stxrelid = 't'::regclass)) INTO description;
    RAISE EXCEPTION SQLSTATE 'RR000' USING MESSAGE = description;
EXCEPTION
    WHEN SQLSTATE 'RR000' THEN RETURN sqlerrm;
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS steps = PG_EXCEPTION_DETAIL, description = PG_EXCEPTION_HINT;
        RETURN concat_ws(' ', sqlstate, sqlerrm, steps, CASE WHEN description ~ 'CASCADE' THEN description END);
END $$;
CREATE TABLE kinds (number serial, kind text, object text);
INSERT INTO kinds (kind, object) VALUES
    ('unique index of live rows', 'CREATE UNIQUE INDEX o ON t (lower(email)) INCLUDE (id) WHERE deleted_at IS NULL AND email <> '''''),
    ('index of live rows', 'CREATE INDEX o ON t (email) WHERE deleted_at IS NULL'),
    ('exclusion of live rows', 'ALTER TABLE t ADD CONSTRAINT o EXCLUDE USING btree (email WITH =) WHERE (deleted_at IS NULL) DEFERRABLE'),
    ('unique index', 'CREATE UNIQUE INDEX o ON t (email, deleted_at)'),
    ('unique index of an expression', 'CREATE UNIQUE INDEX o ON t (email, (deleted_at IS NULL)) WHERE deleted_at IS NULL'),
    ('unique constraint', 'ALTER TABLE t ADD CONSTRAINT o UNIQUE (deleted_by, email)'),
    ('exclusion constraint', 'ALTER TABLE t ADD CONSTRAINT o EXCLUDE USING btree (email WITH =, deleted_at WITH =)'),
    ('index', 'CREATE INDEX o ON t (email, deleted_at)'),
    ('index of deleted rows', 'CREATE INDEX o ON t (email) WHERE deleted_at IS NOT NULL'),
    ('check', 'ALTER TABLE t ADD CONSTRAINT o CHECK (deleted_at IS NOT NULL OR email <> '''')'),
    ('foreign key', 'ALTER TABLE t ADD CONSTRAINT o FOREIGN KEY (deleted_by) REFERENCES users'),
    ('statistics', 'CREATE STATISTICS o ON email, deleted_at FROM t'),
    ('trigger of an update', 'CREATE TRIGGER o BEFORE UPDATE OF deleted_at ON t FOR EACH ROW EXECUTE FUNCTION pass()'),
    ('trigger with a condition', 'CREATE TRIGGER o BEFORE UPDATE ON t FOR EACH ROW WHEN (old.deleted_at IS NOT DISTINCT FROM new.deleted_at) EXECUTE FUNCTION pass()'),
    ('policy', 'CREATE POLICY o ON t USING (deleted_at IS NULL OR id > 0)'),
    ('view', 'CREATE VIEW o AS SELECT id, deleted_at FROM t'),
    ('materialized view', 'CREATE MATERIALIZED VIEW o AS SELECT id, deleted_at FROM t'),
    ('function', 'CREATE FUNCTION o() RETURNS bigint BEGIN ATOMIC SELECT count(deleted_at) FROM t; END'),
    ('rule', 'CREATE RULE o AS ON INSERT TO users DO ALSO UPDATE t SET body = body WHERE deleted_at IS NULL'),
    ('generated column', 'ALTER TABLE t ADD COLUMN o boolean GENERATED ALWAYS AS (deleted_at IS NULL) STORED'),
    ('publication of columns', 'CREATE PUBLICATION regress_o FOR TABLE t (id, deleted_at)'),
    ('publication of rows', 'CREATE PUBLICATION regress_o FOR TABLE t WHERE (id > 0 AND deleted_by IS NULL) WITH (publish = ''insert'')'),
    ('default', 'ALTER TABLE t ALTER COLUMN deleted_by SET DEFAULT NULL'),
    ('grant', 'GRANT SELECT (id, deleted_at), UPDATE (deleted_at) ON t TO pg_monitor'),
    ('comment', 'COMMENT ON COLUMN t.deleted_by IS ''who''');
SELECT kind, CASE WHEN is_adopted THEN 'was there' ELSE 'added' END AS columns,
    regexp_replace(try(object, 'softdelete.configure(''t'', strategy => ''archive'')', is_adopted, NOT is_adopted), 'regress_dependents\.', '', 'g') AS configure
FROM kinds, (VALUES (true), (false)) v (is_adopted) WHERE is_adopted OR kind <> 'foreign key' ORDER BY number, is_adopted;
SELECT kind, regexp_replace(try(object, 'softdelete.unregister(''t'')', false, true), 'regress_dependents\.', '', 'g') AS unregister
FROM kinds WHERE kind <> 'foreign key' ORDER BY number;

-- Columns that stay: so does what depends on them.
SELECT kind, regexp_replace(try(object, 'softdelete.unregister(''t'')', true, false), 'regress_dependents\.', '', 'g') AS unregister
FROM kinds WHERE kind ~ 'live|unique|check|key|statistics' ORDER BY number;
SELECT kind, regexp_replace(try(object, 'softdelete.unregister(''t'', ''keep'')', false, true), 'regress_dependents\.', '', 'g') AS unregister
FROM kinds WHERE kind ~ 'live|check|statistics' ORDER BY number;

-- plan() says the same.
SELECT kind, regexp_replace(try(object, 'softdelete.plan(''t'', strategy => ''archive'')', true, false), 'regress_dependents\.', '', 'g') AS plan
FROM kinds WHERE kind ~ 'live|check|statistics|policy' ORDER BY number;

-- A table that has had soft delete by hand keeps what it promises of live rows in an archive, and back; partitions as well.
CREATE TABLE members (id int, email text NOT NULL, removed_at timestamptz, removed_by int REFERENCES users, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE members_1 PARTITION OF members FOR VALUES FROM (0) TO (100);
CREATE TABLE members_2 PARTITION OF members FOR VALUES FROM (100) TO (200);
CREATE UNIQUE INDEX "Members' e-mail" ON members_1 (email) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX by_both ON members (id, email) WHERE removed_at IS NULL;
COMMENT ON INDEX by_both IS 'one each';
CREATE VIEW active_members WITH (security_invoker) AS SELECT * FROM members WHERE removed_at IS NULL;
INSERT INTO users VALUES (1);
SET softdelete.actor = 1;
SELECT count(*) > 0 AS registered FROM softdelete.register('members', deleted_at => 'removed_at', deleted_by => 'removed_by');
INSERT INTO members VALUES (1, 'eve@x'), (2, 'bob@x'), (101, 'eve@x');
DELETE FROM members WHERE id = 1;
SELECT object, action FROM softdelete.configure('members', strategy => 'archive') WHERE object ~ 'index|constraint' ORDER BY step;
SELECT c.oid::regclass, pg_get_indexdef(c.oid), obj_description(c.oid) FROM pg_class c WHERE relkind IN ('i', 'I') AND relname !~ '_pkey|archive'
    AND relnamespace = 'regress_dependents'::regnamespace ORDER BY c.oid::regclass::text;
INSERT INTO members VALUES (3, 'eve@x');
INSERT INTO members VALUES (4, 'eve@x'); -- fails
\set VERBOSITY terse
SELECT softdelete.restore('members', 1); -- fails
\set VERBOSITY default
DELETE FROM members WHERE id = 3;
SELECT softdelete.restore('members', 1);
SELECT count(*) > 0 AS done FROM softdelete.configure('members', strategy => 'flag');
INSERT INTO members VALUES (5, 'eve@x'); -- fails
DELETE FROM members WHERE id = 1;
INSERT INTO members VALUES (5, 'eve@x');
SELECT c.oid::regclass, pg_get_indexdef(c.oid) FROM pg_class c WHERE relkind IN ('i', 'I') AND relname ~ 'both|mail'
    AND relnamespace = 'regress_dependents'::regnamespace ORDER BY c.oid::regclass::text;
SELECT id FROM active_members ORDER BY id;

-- What is said of the views comes along, but of columns that a view does not have any more.
CREATE TABLE seen (id int PRIMARY KEY, body text);
SELECT count(*) > 0 AS registered FROM softdelete.register('seen');
COMMENT ON COLUMN active_seen.deleted_at IS 'never';
COMMENT ON COLUMN active_seen.body IS 'text';
COMMENT ON COLUMN deleted_seen.deleted_at IS 'when';
GRANT SELECT (id, deleted_at), UPDATE (deleted_by) ON active_seen TO regress_dependents_reader;
GRANT SELECT (id, deleted_at) ON all_seen TO regress_dependents_reader;
ALTER VIEW active_seen ALTER deleted_by SET DEFAULT 'me';
ALTER VIEW active_seen ALTER body SET DEFAULT 'none';
SELECT count(*) > 0 AS done FROM softdelete.configure('seen', strategy => 'archive');
CREATE VIEW said AS SELECT a.attrelid::regclass, a.attname, col_description(a.attrelid, a.attnum) AS comment, pg_get_expr(d.adbin, d.adrelid) AS "default",
        has_column_privilege('regress_dependents_reader', a.attrelid, a.attnum, 'SELECT') AS readable
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid::regclass::text IN ('active_seen', 'deleted_seen', 'all_seen') AND a.attnum > 0;
SELECT * FROM said WHERE comment <> '' OR "default" <> '' OR readable ORDER BY attrelid::text, attname;
SELECT count(*) > 0 AS done FROM softdelete.configure('seen', strategy => 'flag');
SELECT * FROM said WHERE comment <> '' OR "default" <> '' OR readable ORDER BY attrelid::text, attname;

-- Who read the table, and not the archive, reads deleted rows with the strategy flag: a warning names him.
GRANT SELECT (id) ON seen TO regress_dependents_reader;
SELECT count(*) > 0 AS done FROM softdelete.configure('seen', strategy => 'archive');
SELECT step, object, command FROM softdelete.plan('seen', strategy => 'flag') WHERE action = 'warning';
SELECT step, object, command FROM softdelete.configure('seen', strategy => 'flag') WHERE action = 'warning';
SELECT count(*) > 0 AS done FROM softdelete.configure('seen', strategy => 'archive');
GRANT SELECT ON seen_archive TO regress_dependents_reader;
SELECT step, object FROM softdelete.configure('seen', strategy => 'flag') WHERE action = 'warning';

-- Which indexes are partial is what it was before the table had an archive.
CREATE TABLE modes (id int PRIMARY KEY, code text UNIQUE, body text);
CREATE INDEX modes_body ON modes (body);
CREATE FUNCTION go_and_come(mode text) RETURNS TABLE (step text, indexes text, definitions text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM softdelete.register('modes', indexes => mode);
    FOREACH step IN ARRAY ARRAY['', 'archive', 'flag'] LOOP
        IF step <> '' THEN
            PERFORM softdelete.configure('modes', strategy => step);
        END IF;
        SELECT t.indexes INTO indexes FROM softdelete.tables t WHERE relation = 'modes'::regclass;
        SELECT string_agg(substring(pg_get_indexdef(indexrelid) FROM 'btree (.*)'), '; ' ORDER BY indexrelid::regclass::text) INTO definitions
        FROM pg_index WHERE indrelid = 'modes'::regclass AND indexrelid::regclass::text ~ 'code|body';
        RETURN NEXT;
    END LOOP;
    PERFORM softdelete.unregister('modes');
END $$;
SELECT mode, g.* FROM unnest(ARRAY['all', 'unique', 'none', NULL]) mode, go_and_come(mode) g;

-- A hold on a row, or on one above it, keeps the table as it is.
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
CREATE INDEX ON children (parent);
SELECT count(*) > 0 AS registered FROM softdelete.register('parents', cascade => true);
INSERT INTO parents VALUES (1), (2);
INSERT INTO children VALUES (1, 1), (2, 2);
DELETE FROM children WHERE id = 1;
CREATE FUNCTION try_all() RETURNS TABLE (call text, outcome text) LANGUAGE plpgsql AS $$
BEGIN
    FOR call IN SELECT format('softdelete.%s(''children''%s)', f, a) FROM (VALUES (1, 'unregister', ', ''purge'''), (2, 'unregister', ', ''keep'''),
            (3, 'configure', ', strategy => ''archive'''), (4, 'plan', ', strategy => ''archive'''),
            (5, 'configure', ', strategy => ''flag'''), (6, 'plan', ', strategy => ''flag''')) v (n, f, a) ORDER BY n LOOP
        BEGIN
            EXECUTE 'SELECT count(*) FROM ' || call;
            RAISE EXCEPTION SQLSTATE 'RR000';
        EXCEPTION
            WHEN SQLSTATE 'RR000' THEN outcome := 'done';
            WHEN OTHERS THEN GET STACKED DIAGNOSTICS outcome = PG_EXCEPTION_DETAIL; outcome := sqlerrm || ': ' || regexp_replace(outcome, '\d+', 'n');
        END;
        RETURN NEXT;
    END LOOP;
END $$;
SELECT softdelete.hold('parents', 'a case', 1) > 0 AS held;
SELECT * FROM try_all();
SELECT bool_and(softdelete.release(id)) AS released FROM softdelete.holds WHERE released_at IS NULL AND relation IN ('parents'::regclass, 'children'::regclass);
SELECT softdelete.hold('children', 'a case', 1) > 0 AS held;
SELECT * FROM try_all();
SELECT bool_and(softdelete.release(id)) AS released FROM softdelete.holds WHERE released_at IS NULL AND relation IN ('parents'::regclass, 'children'::regclass);
SELECT count(*) > 0 AS done FROM softdelete.configure('children', strategy => 'archive');
SELECT softdelete.hold('parents', 'a case', 1) > 0 AS held;
SELECT * FROM try_all();
SELECT bool_and(softdelete.release(id)) AS released FROM softdelete.holds WHERE released_at IS NULL AND relation IN ('parents'::regclass, 'children'::regclass);
SELECT count(*) > 0 AS done FROM softdelete.configure('children', strategy => 'flag');
SELECT count(*) > 0 AS done FROM softdelete.unregister('children', 'purge');

RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA regress_dependents CASCADE;
DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM regress_dependents', current_database()); END $$;
DROP ROLE regress_dependents, regress_dependents_reader;
