-- Functions believe nothing: each of them, called by a role that has no privilege on anything, with NULLs and with values
-- that make no sense, does its work or says in an error of its own class what is wrong. The functions are found in the
-- catalog, so that later ones are called as well.
\set VERBOSITY terse
SET client_min_messages = error;
CREATE ROLE regress_stranger;
CREATE ROLE regress_keeper;
GRANT regress_keeper TO regress_stranger;
CREATE SCHEMA regress_calls AUTHORIZATION regress_stranger;
GRANT USAGE ON SCHEMA softdelete_internal TO regress_stranger;
SET SESSION AUTHORIZATION regress_stranger;
SET search_path = regress_calls;
CREATE TABLE bare (id int PRIMARY KEY, deleted_at timestamptz);
CREATE TABLE kept (id int PRIMARY KEY, name text);
CREATE TABLE below (id int PRIMARY KEY, up int REFERENCES kept ON DELETE CASCADE);
CREATE INDEX ON below (up);
CREATE VIEW seen AS SELECT * FROM bare;
CREATE SEQUENCE counter;
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN sour AS text CHECK (VALUE <> 'sour');
CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted DEFAULT;
SELECT count(*) > 0 AS registered FROM softdelete.register('kept', cascade => true);
INSERT INTO kept VALUES (1, 'a'), (2, 'b');
INSERT INTO below VALUES (1, 1), (2, 2);
DELETE FROM kept WHERE id = 2;
-- What belongs to registered tables and to tables with a history.
CREATE TABLE tree (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE tree_1 PARTITION OF tree FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);
CREATE TABLE tree_1_1 PARTITION OF tree_1 DEFAULT;
CREATE TABLE tree_loose PARTITION OF tree FOR VALUES FROM (10) TO (20);
CREATE TABLE line (id int PRIMARY KEY);
CREATE TABLE line_child (PRIMARY KEY (id)) INHERITS (line);
CREATE TABLE line_grandchild (PRIMARY KEY (id)) INHERITS (line_child);
CREATE TABLE line_loose () INHERITS (line);
CREATE TABLE moved (id int PRIMARY KEY);
CREATE TABLE moved_tree (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE moved_tree_1 PARTITION OF moved_tree DEFAULT;
SELECT count(*) > 0 AS registered FROM softdelete.register('tree', retention => '0');
SELECT count(*) > 0 AS registered FROM softdelete.register('line', retention => '0');
SELECT count(*) > 0 AS registered FROM softdelete.register('moved', strategy => 'archive', retention => '0');
SELECT count(*) > 0 AS registered FROM softdelete.register('moved_tree', strategy => 'archive');
SELECT softdelete.track_history('moved', retention => '1 ms');
SELECT softdelete.track_history('tree');
ALTER TABLE tree DETACH PARTITION tree_loose;
ALTER TABLE line_loose NO INHERIT line;
INSERT INTO tree VALUES (1);
INSERT INTO tree_loose VALUES (1);
INSERT INTO line VALUES (1);
INSERT INTO line_child VALUES (2);
INSERT INTO line_grandchild VALUES (3);
INSERT INTO line_loose VALUES (4);
INSERT INTO moved VALUES (1), (2);
INSERT INTO moved_tree VALUES (1), (2);
DELETE FROM tree;
DELETE FROM tree_loose;
DELETE FROM line;
DELETE FROM line_loose;
DELETE FROM moved WHERE id = 1;
DELETE FROM moved_tree WHERE id = 1;
CREATE TEMPORARY TABLE members AS
    SELECT c.relname AS member, quote_literal(c.oid::regclass) AS argument FROM pg_class c
    WHERE c.relnamespace = 'regress_calls'::regnamespace AND c.relkind IN ('r', 'p', 'v')
      AND c.relname ~ '(tree|line|moved)';
SELECT count(*) FILTER (WHERE member ~ 'archive_') > 0 AS archives_partitions,
       count(*) FILTER (WHERE member ~ 'history_') > 0 AS histories_partitions,
       count(*) FILTER (WHERE member !~ '(archive|history)_') AS others
    FROM members;

CREATE FUNCTION list_functions() RETURNS TABLE (function regprocedure, called text, kind "char", types oid[]) LANGUAGE sql AS $$
    SELECT p.oid::regprocedure, format('%I.%I', n.nspname, p.proname), p.prokind, p.proargtypes::oid[]
    FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'softdelete'
    WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
      AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
    ORDER BY p.oid::regprocedure::text $$;

-- What is given for an argument of a type.
CREATE FUNCTION get_values(type oid) RETURNS text[] LANGUAGE sql AS $$
    SELECT CASE type
        WHEN 'regclass'::regtype THEN ARRAY['''kept''', 'NULL::regclass', '0::oid::regclass', '4294967295::oid::regclass', '''bare''',
            '''below''', '''seen''', '''counter''', '''kept_pkey''', '''pair''', '''parted''', '''parted_1''', '''pg_catalog.pg_class''',
            '''softdelete.deletions''', '''all_kept''', 'point(1, 2)']
        WHEN 'text'::regtype THEN ARRAY['''reason''', 'NULL::text', '''''', '''garbage; '''''' "''', 'repeat(''x'', 20000)', '''0 3 * * *''', 'point(1, 2)']
        WHEN 'name'::regtype THEN ARRAY['''name''', 'NULL::name', '''''', '''nosuch''', '''deleted_at''', '''ctid''']
        WHEN 'bigint'::regtype THEN ARRAY['1', 'NULL::bigint', '0', '-1', '9223372036854775807', '-9223372036854775808', 'point(1, 2)']
        WHEN 'integer'::regtype THEN ARRAY['1', 'NULL::integer', '0', '-1', '2147483647', '-2147483648']
        WHEN 'boolean'::regtype THEN ARRAY['true', 'NULL::boolean', 'false']
        WHEN 'interval'::regtype THEN ARRAY['''1 day''', 'NULL::interval', '''-1 day''', '''0''', '''178000000 years''',
            '''-178000000 years''', '''2147483647 months -2147483648 days''']
        WHEN 'timestamptz'::regtype THEN ARRAY['now()', 'NULL::timestamptz', '''infinity''::timestamptz', '''-infinity''::timestamptz']
        WHEN 'jsonb'::regtype THEN ARRAY['''{}''::jsonb', 'NULL::jsonb', '''[1]''::jsonb']
        WHEN 'text[]'::regtype THEN ARRAY['VARIADIC ARRAY[''1'']', 'VARIADIC NULL::text[]', 'VARIADIC ''{}''::text[]',
            'VARIADIC ARRAY[NULL::text]', 'VARIADIC ARRAY[''1'', ''2'']', 'VARIADIC ''{{1,2},{3,4}}''::text[]', 'VARIADIC ARRAY[''x'']']
        WHEN 'name[]'::regtype THEN ARRAY['''{}''::name[]', 'NULL::name[]', 'ARRAY[NULL::name]', '''{{a,b},{c,d}}''::name[]',
            'ARRAY[''nosuch'']::name[]', 'ARRAY[''regress_stranger'']::name[]', 'point(1, 2)']
        WHEN '"any"'::regtype THEN ARRAY['1', 'NULL', 'NULL::int', '1, 2', '''1''', '''x''', 'ROW(1, 2)', 'ARRAY[1, 2]', 'point(1, 2)',
            'ROW(1, ''a'')::pair', '1.5', 'VARIADIC ARRAY[1]', 'VARIADIC NULL::int[]', 'VARIADIC ARRAY[NULL::int]', 'VARIADIC ''{}''::int[]',
            '''sweet''::sour', '''x''::bytea', 'now()']
        WHEN 'anyelement'::regtype THEN ARRAY['now()', 'NULL::timestamptz', '1', '''x''::text', 'NULL::int[]', 'ROW(1, ''a'')::pair',
            'point(1, 2)', 'NULL::sour', 'localtimestamp', '''infinity''::timestamptz', 'NULL::regress_calls.pair', 'repeat(''x'', 5000)']
        ELSE ARRAY[format('NULL::%s', type::regtype)]
    END $$;

-- Argument lists: what is usual but for one argument, which takes each of its values; and all arguments alike.
CREATE FUNCTION list_arguments(types oid[]) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT DISTINCT (SELECT coalesce(string_agg(CASE WHEN p.place = changed OR changed = 0 THEN v.all_values[1 + n % cardinality(v.all_values)]
                                             ELSE v.all_values[1] END, ', ' ORDER BY p.place), '')
            FROM unnest(types) WITH ORDINALITY p (type, place), LATERAL (SELECT get_values(p.type)) v (all_values))
    FROM generate_series(0, cardinality(types)) changed, generate_series(0, 17) n $$;

-- A bare call; the same behind another role, in a read-only transaction, through a cursor that goes back and forth, in a
-- constraint, a default and a condition of a trigger, below a function that says it is immutable, in an index and in a
-- parallel worker; in DO, in the body of a trigger that a soft delete fires, in a deferred one, in statements on the
-- registered table, in a policy, a view, a rule and a materialized view, in a SECURITY DEFINER function, and prepared.
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TEMPORARY TABLE contexts (place int, command text);
INSERT INTO contexts VALUES
    (1, '%3$s %1$s(%2$s)'),
    (2, 'SET LOCAL ROLE regress_keeper; %3$s %1$s(%2$s)'),
    (3, 'SET LOCAL transaction_read_only = on; %3$s %1$s(%2$s)'),
    (4, 'DECLARE c SCROLL CURSOR FOR %3$s %1$s(%2$s); FETCH ALL FROM c; FETCH BACKWARD 1 FROM c; MOVE ABSOLUTE 0 IN c; FETCH 2 FROM c; CLOSE c'),
    (5, 'CREATE TABLE scratch (id int CHECK (%1$s(%2$s) IS NOT NULL)); INSERT INTO scratch VALUES (1)'),
    (6, 'CREATE TABLE scratch (id int, v text DEFAULT %1$s(%2$s)::text); INSERT INTO scratch VALUES (1)'),
    (7, 'CREATE TABLE scratch (id int); CREATE TRIGGER x BEFORE INSERT ON scratch FOR EACH ROW WHEN (%1$s(%2$s) IS NOT NULL)
            EXECUTE FUNCTION keep(); INSERT INTO scratch VALUES (1)'),
    (8, 'CREATE FUNCTION lie() RETURNS int IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $f$ BEGIN PERFORM %1$s(%2$s); RETURN 1; END $f$;
            CREATE TABLE scratch (id int, g int GENERATED ALWAYS AS (lie()) STORED); INSERT INTO scratch VALUES (1);
            CREATE INDEX ON scratch ((id + lie())); SELECT * FROM scratch WHERE id = lie()'),
    (9, 'CREATE FUNCTION lie() RETURNS int PARALLEL SAFE LANGUAGE plpgsql AS $f$ BEGIN PERFORM %1$s(%2$s); RETURN 1; END $f$;
            SELECT set_config(name, ''on'', true) FROM pg_settings WHERE name IN (''force_parallel_mode'', ''debug_parallel_query''); SELECT lie()'),
    (10, 'DO $d$ BEGIN %4$s %1$s(%2$s); END $d$'),
    (11, 'CREATE FUNCTION lie() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN %4$s %1$s(%2$s); RETURN NEW; END $f$;
            CREATE TRIGGER x BEFORE UPDATE ON kept FOR EACH ROW EXECUTE FUNCTION lie(); DELETE FROM kept WHERE id = 1'),
    (12, 'CREATE FUNCTION lie() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN %4$s %1$s(%2$s); RETURN NULL; END $f$;
            CREATE CONSTRAINT TRIGGER x AFTER UPDATE ON below DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lie();
            DELETE FROM kept WHERE id = 1; SET CONSTRAINTS ALL IMMEDIATE'),
    (13, 'UPDATE kept SET name = (%1$s(%2$s))::text WHERE id = 1; INSERT INTO below VALUES (3, 1) RETURNING (%1$s(%2$s));
            DELETE FROM kept WHERE (%1$s(%2$s)) IS NOT NULL RETURNING (%1$s(%2$s))'),
    (14, 'ALTER TABLE kept ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
            CREATE POLICY x ON kept USING ((%1$s(%2$s)) IS NOT NULL); SELECT * FROM kept; DELETE FROM kept WHERE id = 1'),
    (15, 'CREATE VIEW scratch AS SELECT 1 AS id, (%1$s(%2$s)) AS v; SELECT * FROM scratch;
            CREATE RULE x AS ON INSERT TO scratch DO INSTEAD SELECT (%1$s(%2$s)); INSERT INTO scratch VALUES (1)'),
    (16, 'CREATE MATERIALIZED VIEW scratch AS SELECT (%1$s(%2$s)) AS v; REFRESH MATERIALIZED VIEW scratch'),
    (17, 'CREATE FUNCTION lie() RETURNS int SECURITY DEFINER LANGUAGE plpgsql AS $f$ BEGIN %4$s %1$s(%2$s); RETURN 1; END $f$;
            SELECT lie()'),
    (18, 'PREPARE lie AS %3$s %1$s(%2$s); EXECUTE lie; EXECUTE lie');

CREATE TEMPORARY TABLE outcomes (function text, place int, arguments text, sqlstate text, message text);

CREATE PROCEDURE try(function text, place int, arguments text, command text) LANGUAGE plpgsql AS $$
DECLARE
    part text;
BEGIN
    BEGIN
        DEALLOCATE ALL;
        -- one by one: within one string the cursor keeps the snapshot that the next statement would change, which a
        -- server with assertions does not allow
        FOREACH part IN ARRAY CASE WHEN place = 4 THEN string_to_array(command, '; ') ELSE ARRAY[command] END LOOP
            EXECUTE part;
        END LOOP;
        RAISE EXCEPTION USING ERRCODE = 'ZZ000';
    EXCEPTION
        WHEN SQLSTATE 'ZZ000' THEN
            INSERT INTO outcomes VALUES (function, place, arguments, '00000');
        WHEN OTHERS THEN
            INSERT INTO outcomes VALUES (function, place, arguments, SQLSTATE, SQLERRM);
    END;
END$$;
CREATE PROCEDURE call_all() LANGUAGE plpgsql AS $$
DECLARE
    f record;
    c record;
    arguments text;
BEGIN
    FOR f IN SELECT * FROM list_functions() LOOP
        FOR c IN SELECT * FROM contexts ORDER BY place LOOP
            FOR arguments IN SELECT a FROM list_arguments(f.types) a ORDER BY a COLLATE "C" LIMIT CASE WHEN c.place = 1 THEN 60 ELSE 2 END LOOP
                CONTINUE WHEN f.kind = 'p' AND c.command NOT LIKE '%$s %1$s(%2$s)%';
                CALL try(f.function::text, c.place, arguments,
                         format(c.command, f.called, arguments, CASE f.kind WHEN 'p' THEN 'CALL' ELSE 'SELECT' END,
                                CASE f.kind WHEN 'p' THEN 'CALL' ELSE 'PERFORM' END));
            END LOOP;
        END LOOP;
    END LOOP;
END$$;
CALL call_all();

-- Each function, of each relation that belongs to a registered table or to one with a history.
CREATE FUNCTION list_member_arguments(types oid[], argument text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT DISTINCT (SELECT string_agg(CASE WHEN p.place = given THEN argument ELSE (get_values(p.type))[1] END, ', ' ORDER BY p.place)
                     FROM unnest(types) WITH ORDINALITY p (type, place))
    FROM unnest(types) WITH ORDINALITY g (type, given) WHERE g.type = 'regclass'::regtype $$;
CREATE PROCEDURE call_of_members() LANGUAGE plpgsql AS $$
DECLARE
    f record;
    arguments text;
BEGIN
    FOR f IN SELECT l.*, m.argument FROM list_functions() l, members m LOOP
        FOR arguments IN SELECT * FROM list_member_arguments(f.types, f.argument) LOOP
            CALL try(f.function::text, 0, arguments,
                     format('%s %s(%s)', CASE f.kind WHEN 'p' THEN 'CALL' ELSE 'SELECT' END, f.called, arguments));
        END LOOP;
    END LOOP;
END$$;
CALL call_of_members();
-- Purge takes a partition for its root, as all functions do, and no inheritance child.
SELECT function, split_part(arguments, ',', 1) AS relation, sqlstate, message FROM outcomes
    WHERE place = 0 AND function ~ 'purge' AND arguments ~ '(line|tree)' AND arguments !~ '(archive|history)_'
    ORDER BY function, arguments COLLATE "C";

-- Every context reached the functions.
SELECT place, count(*) FILTER (WHERE sqlstate = '00000') > 0 AS some_succeed, count(*) FILTER (WHERE sqlstate <> '00000') > 0 AS some_fail
    FROM outcomes GROUP BY place ORDER BY place;

-- No function was left out, and no error is an internal one.
SELECT function::text FROM list_functions() EXCEPT SELECT function FROM outcomes ORDER BY 1;
SELECT function, place, arguments, sqlstate, message FROM outcomes WHERE sqlstate LIKE 'XX%' ORDER BY function, place, arguments COLLATE "C" LIMIT 30;
SELECT DISTINCT function, sqlstate, message FROM outcomes
    WHERE sqlstate !~ '^(00000|0A000|22...|23...|42...|55000|P0002|25...|54...|2B...|3F000|55P03|2D000)$' ORDER BY 1, 2 LIMIT 30;
-- Nothing has changed.
SELECT id, deleted_at IS NOT NULL AS deleted FROM all_kept ORDER BY id;
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_stranger;
DROP ROLE regress_stranger, regress_keeper;
