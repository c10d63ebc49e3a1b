-- Statements that hold others: each of those is followed as if it were run by itself.
\set QUIET on
SET client_min_messages = warning;
CREATE ROLE regress_nested_ddl;
CREATE ROLE regress_nested_ddl_2;
GRANT CREATE ON DATABASE :DBNAME TO regress_nested_ddl;
CREATE SCHEMA regress_nested_ddl AUTHORIZATION regress_nested_ddl;
SET SESSION AUTHORIZATION regress_nested_ddl;
SET search_path = regress_nested_ddl;
CREATE TABLE parents (id int PRIMARY KEY, v text);
CREATE TABLE forms (id int PRIMARY KEY, v text);
CREATE TABLE parts (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
SELECT count(*) > 0 AS registered FROM softdelete.register('parents') a, softdelete.register('forms') b, softdelete.register('parts') c;
INSERT INTO parents SELECT g FROM generate_series(1, 30) g;
\set QUIET off

-- What is made, in a schema that the statement finds or makes: a child that refuses, a child that is told of, an inheritance child
-- with an index, a copy, a partition.
CREATE SCHEMA regress_nested_ddl_made
    CREATE INDEX ON heirs (v)
    CREATE UNIQUE INDEX heirs_key ON heirs (w)
    CREATE TABLE heirs (w int UNIQUE) INHERITS (regress_nested_ddl.forms)
    CREATE TABLE strict (id int PRIMARY KEY, p int REFERENCES regress_nested_ddl.parents ON DELETE RESTRICT)
    CREATE TABLE copies (LIKE regress_nested_ddl.forms INCLUDING ALL)
    CREATE TABLE pieces PARTITION OF regress_nested_ddl.parts FOR VALUES FROM (0) TO (10)
    CREATE TABLE more_pieces PARTITION OF regress_nested_ddl.parts FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
DO $$
BEGIN
    EXECUTE 'CREATE SCHEMA regress_nested_ddl_do CREATE TABLE heirs (w int) INHERITS (regress_nested_ddl.forms)
        CREATE TABLE strict (id int PRIMARY KEY, p int REFERENCES regress_nested_ddl.parents ON DELETE RESTRICT)
        CREATE TABLE copies (LIKE regress_nested_ddl.forms INCLUDING ALL)
        CREATE TABLE pieces PARTITION OF regress_nested_ddl.parts FOR VALUES FROM (20) TO (30)';
END $$;
CREATE PROCEDURE make() LANGUAGE plpgsql AS $$
BEGIN
    CREATE SCHEMA regress_nested_ddl_call;
    CREATE TABLE regress_nested_ddl_call.heirs (w int) INHERITS (forms);
    COMMIT;
    CREATE TABLE regress_nested_ddl_call.strict (id int PRIMARY KEY, p int REFERENCES parents ON DELETE RESTRICT);
    CREATE TABLE regress_nested_ddl_call.copies (LIKE forms INCLUDING ALL);
    CREATE TABLE regress_nested_ddl_call.pieces PARTITION OF parts FOR VALUES FROM (30) TO (40);
END $$;
CALL make();
CREATE SCHEMA regress_nested_ddl_many \; CREATE TABLE regress_nested_ddl_many.heirs (w int) INHERITS (forms) \; CREATE TABLE regress_nested_ddl_many.strict (id int PRIMARY KEY, p int REFERENCES parents ON DELETE RESTRICT) \; CREATE TABLE regress_nested_ddl_many.copies (LIKE forms INCLUDING ALL) \; CREATE TABLE regress_nested_ddl_many.pieces PARTITION OF parts FOR VALUES FROM (40) TO (50);
CREATE FUNCTION make_all() RETURNS void LANGUAGE sql AS $$
    CREATE SCHEMA regress_nested_ddl_sql CREATE TABLE heirs (w int) INHERITS (regress_nested_ddl.forms)
        CREATE TABLE strict (id int PRIMARY KEY, p int REFERENCES regress_nested_ddl.parents ON DELETE RESTRICT)
        CREATE TABLE copies (LIKE regress_nested_ddl.forms INCLUDING ALL)
        CREATE TABLE pieces PARTITION OF regress_nested_ddl.parts FOR VALUES FROM (50) TO (60) $$;
SELECT make_all();

-- What came of it. Each way has made the same.
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE statement;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
EXCEPTION WHEN OTHERS THEN
    RETURN CASE sqlstate WHEN '23001' THEN '23503' ELSE sqlstate END; -- RESTRICT has a code of its own since 18
END $$;
CREATE FUNCTION walk(way text, first int) RETURNS TABLE (what text, result text) LANGUAGE plpgsql AS $$
DECLARE
    command text;
BEGIN
    FOREACH command IN ARRAY ARRAY[
        'INSERT INTO %1$s.strict VALUES (1, %3$s), (2, %3$s + 1)',
        'DELETE FROM parents WHERE id = %3$s',
        'DELETE FROM parents WHERE id = %3$s + 2',
        'INSERT INTO %1$s.strict VALUES (3, %3$s + 2)',
        'INSERT INTO %1$s.heirs (id, v, w) VALUES (%3$s, ''a'', 1), (%3$s + 1, ''b'', 2)',
        'DELETE FROM %1$s.heirs WHERE id = %3$s',
        'SELECT FROM %1$s.heirs',
        'SELECT FROM all_forms WHERE id IN (%3$s, %3$s + 1)',
        'TRUNCATE %1$s.heirs',
        'INSERT INTO %1$s.copies VALUES (1)',
        'DELETE FROM %1$s.copies',
        'INSERT INTO parts VALUES (%2$s), (%2$s + 1)',
        'DELETE FROM %1$s.pieces WHERE id = %2$s',
        'SELECT FROM all_parts WHERE id IN (%2$s, %2$s + 1)',
        'TRUNCATE %1$s.pieces'] LOOP
        what := replace(replace(replace(command, '%1$s.', ''), '%2$s', 'n'), '%3$s', 'm');
        result := try(format(command, 'regress_nested_ddl_' || way, first, first / 10 * 3 + 1));
        RETURN NEXT;
    END LOOP;
END $$;
SELECT what, made, "do", call, many, sql
    FROM walk('made', 0) WITH ORDINALITY a (what, made, n) JOIN walk('do', 20) WITH ORDINALITY b (w, "do", n) USING (n)
    JOIN walk('call', 30) WITH ORDINALITY c (w, call, n) USING (n) JOIN walk('many', 40) WITH ORDINALITY d (w, many, n) USING (n)
    JOIN walk('sql', 50) WITH ORDINALITY e (w, sql, n) USING (n) ORDER BY n;
SELECT pg_get_indexdef('regress_nested_ddl_made.heirs_key'::regclass);
SELECT count(*) AS differences FROM softdelete.repair('parents') a FULL JOIN softdelete.repair('forms') b ON false FULL JOIN softdelete.repair('parts') c ON false;

-- All that a role owns goes to another: views, partitions and children with their tables.
RESET SESSION AUTHORIZATION;
REASSIGN OWNED BY regress_nested_ddl TO regress_nested_ddl_2;
SET SESSION AUTHORIZATION regress_nested_ddl_2;
SELECT count(*) AS differences FROM softdelete.repair('parents') a FULL JOIN softdelete.repair('forms') b ON false FULL JOIN softdelete.repair('parts') c ON false;
ALTER TABLE forms ADD COLUMN more int;
SELECT more FROM active_forms WHERE id = 2;
SELECT softdelete.restore('parents', 3);

\set QUIET on
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_nested_ddl, regress_nested_ddl_made, regress_nested_ddl_do, regress_nested_ddl_call, regress_nested_ddl_many, regress_nested_ddl_sql CASCADE;
REVOKE CREATE ON DATABASE :DBNAME FROM regress_nested_ddl;
DROP ROLE regress_nested_ddl;
DROP ROLE regress_nested_ddl_2;
