-- Whatever command drops a column of a registered table, the key of a row on hold or a table with rows on hold along with what it
-- names: the table keeps its views, the row its key and its place. Each case is undone after it.
\set QUIET on
CREATE ROLE regress_drop_tags;
CREATE SCHEMA regress_drop_tags AUTHORIZATION regress_drop_tags;
GRANT CREATE ON DATABASE :DBNAME TO regress_drop_tags;
SET search_path = regress_drop_tags;
SET client_min_messages = error;
CREATE TABLE walk (id int GENERATED ALWAYS AS IDENTITY, dropped text, setup text, type text, expression text, value text);

-- By the owner of everything.
INSERT INTO walk (dropped, setup, type, expression, value) VALUES
    ('FUNCTION f', 'CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS ''SELECT $1''', 'int', 'f(x)', '1'),
    ('ROUTINE f', 'CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS ''SELECT $1''', 'int', 'f(x)', '1'),
    ('OPERATOR ## (NONE, int)', 'CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS ''SELECT $1'';
        CREATE OPERATOR ## (FUNCTION = f, RIGHTARG = int)', 'int', '## x', '1'),
    ('COLLATION col', 'CREATE COLLATION col (locale = ''C'')', 'text COLLATE col', NULL, 'a'),
    ('DOMAIN dom', 'CREATE DOMAIN dom AS int', 'dom', NULL, '1'),
    ('TYPE typ', 'CREATE TYPE typ AS ENUM (''a'')', 'typ', NULL, 'a'),
    ('TABLE typ', 'CREATE TABLE typ (a int)', 'typ', NULL, '(1)'),
    ('VIEW typ', 'CREATE VIEW typ AS SELECT 1 AS a', 'typ', NULL, '(1)'),
    ('MATERIALIZED VIEW typ', 'CREATE MATERIALIZED VIEW typ AS SELECT 1 AS a', 'typ', NULL, '(1)'),
    ('TEXT SEARCH CONFIGURATION conf', 'CREATE TEXT SEARCH CONFIGURATION conf (COPY = simple)',
        'tsvector', 'to_tsvector(''conf'', ''a'')', '''a'':1'),
    ('TEXT SEARCH DICTIONARY dict', 'CREATE TEXT SEARCH DICTIONARY dict (TEMPLATE = simple);
        CREATE TEXT SEARCH CONFIGURATION conf (COPY = simple);
        ALTER TEXT SEARCH CONFIGURATION conf ALTER MAPPING FOR asciiword WITH dict',
        'tsvector', 'to_tsvector(''conf'', ''a'')', '''a'':1'),
    ('SCHEMA s', 'CREATE SCHEMA s; CREATE FUNCTION s.f(int) RETURNS int IMMUTABLE LANGUAGE sql AS ''SELECT $1''',
        'int', 's.f(x)', '1'),
    ('TYPE made', 'CREATE TYPE made AS (id int, deleted_at timestamptz, deleted_by text, deletion_id bigint); CREATE TABLE h OF made (PRIMARY KEY (id))', NULL, NULL, '1'),
    ('SCHEMA s', 'CREATE SCHEMA s; CREATE TYPE s.made AS (id int, deleted_at timestamptz, deleted_by text, deletion_id bigint); CREATE TABLE h OF s.made (PRIMARY KEY (id))', NULL, NULL, '1'),
    ('TABLE p', 'CREATE TABLE p (id int); CREATE TABLE h (PRIMARY KEY (id)) INHERITS (p)', NULL, NULL, '1'),
    ('OWNED BY regress_drop_tags', 'CREATE TABLE h (id int PRIMARY KEY)', NULL, NULL, '1');
SELECT max(id) AS last FROM walk \gset

-- By a superuser.
INSERT INTO walk (dropped, setup, type, expression, value) VALUES
    ('TEXT SEARCH TEMPLATE temp', 'CREATE TEXT SEARCH TEMPLATE temp (INIT = dsimple_init, LEXIZE = dsimple_lexize);
        CREATE TEXT SEARCH DICTIONARY dict (TEMPLATE = temp); CREATE TEXT SEARCH CONFIGURATION conf (COPY = simple);
        ALTER TEXT SEARCH CONFIGURATION conf ALTER MAPPING FOR asciiword WITH dict',
        'tsvector', 'to_tsvector(''conf'', ''a'')', '''a'':1'),
    ('TEXT SEARCH PARSER pars', 'CREATE TEXT SEARCH PARSER pars (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
        LEXTYPES = prsd_lextype); CREATE TEXT SEARCH CONFIGURATION conf (PARSER = pars);
        ALTER TEXT SEARCH CONFIGURATION conf ADD MAPPING FOR asciiword WITH simple',
        'tsvector', 'to_tsvector(''conf'', ''a'')', '''a'':1'),
    ('LANGUAGE lang', 'CREATE TRUSTED LANGUAGE lang HANDLER plpgsql_call_handler;
        CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE lang AS ''BEGIN RETURN $1; END''', 'int', 'f(x)', '1'),
    ('TRANSFORM FOR int LANGUAGE sql', 'CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal),
        TO SQL WITH FUNCTION int4recv(internal)); CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql
        TRANSFORM FOR TYPE int AS ''SELECT $1''', 'int', 'f(x)', '1'),
    ('ACCESS METHOD acc', 'CREATE ACCESS METHOD acc TYPE TABLE HANDLER heap_tableam_handler;
        CREATE TABLE h (id int PRIMARY KEY) USING acc', NULL, NULL, '1'),
    ('EXTENSION plpgsql', 'CREATE TABLE h (id int PRIMARY KEY); ALTER EXTENSION plpgsql ADD TABLE h', NULL, NULL, '1'),
    ('FOREIGN TABLE p', 'CREATE FOREIGN DATA WRAPPER fdw; CREATE SERVER ser FOREIGN DATA WRAPPER fdw;
        CREATE FOREIGN TABLE p (id int) SERVER ser; CREATE TABLE h (PRIMARY KEY (id)) INHERITS (p)', NULL, NULL, '1'),
    ('SERVER ser', 'CREATE FOREIGN DATA WRAPPER fdw; CREATE SERVER ser FOREIGN DATA WRAPPER fdw;
        CREATE FOREIGN TABLE p (id int) SERVER ser; CREATE TABLE h (PRIMARY KEY (id)) INHERITS (p)', NULL, NULL, '1'),
    ('FOREIGN DATA WRAPPER fdw', 'CREATE FOREIGN DATA WRAPPER fdw; CREATE SERVER ser FOREIGN DATA WRAPPER fdw;
        CREATE FOREIGN TABLE p (id int) SERVER ser; CREATE TABLE h (PRIMARY KEY (id)) INHERITS (p)', NULL, NULL, '1');
-- Functions of C that a type's own operators call: what its operator class is made of.
INSERT INTO walk (dropped, setup, type, value)
    SELECT kind || ' USING btree', 'CREATE TYPE typ AS ENUM (''a''); CREATE FUNCTION cmp(typ, typ) RETURNS int IMMUTABLE STRICT
        LANGUAGE internal AS ''enum_cmp''; ' || string_agg(format('CREATE FUNCTION f_%1$s(typ, typ) RETURNS bool IMMUTABLE STRICT
        LANGUAGE internal AS ''enum_%1$s''; CREATE OPERATOR %2$s (FUNCTION = f_%1$s, LEFTARG = typ, RIGHTARG = typ); ', name, sign), '')
        || 'CREATE OPERATOR CLASS ops DEFAULT FOR TYPE typ USING btree AS FUNCTION 1 cmp(typ, typ), '
        || string_agg(format('OPERATOR %s %s', strategy, sign), ', '), 'typ', 'a'
    FROM (VALUES ('OPERATOR CLASS ops'), ('OPERATOR FAMILY ops')) k (kind),
        (VALUES ('lt', '<', 1), ('le', '<=', 2), ('eq', '=', 3), ('ge', '>=', 4), ('gt', '>', 5)) o (name, sign, strategy)
    GROUP BY kind ORDER BY kind;

-- What becomes of the command; what is made is undone.
CREATE FUNCTION try(command walk, what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    making text := coalesce(' GENERATED ALWAYS AS (' || command.expression || ') STORED', '');
    result text;
BEGIN
    IF command.id <= current_setting('regress.last')::int THEN
        SET LOCAL ROLE regress_drop_tags;
    END IF;
    EXECUTE command.setup;
    IF what IN ('column', 'archive', 'history') THEN
        EXECUTE format('CREATE TABLE t (id int PRIMARY KEY, x int, c %s)', command.type || making);
        IF what = 'column' THEN
            PERFORM softdelete.register('t');
        ELSIF what = 'archive' THEN
            PERFORM softdelete.register('t', strategy => 'archive');
        ELSE
            PERFORM softdelete.track_history('t');
        END IF;
    ELSIF what = 'key' THEN
        EXECUTE format('CREATE TABLE h (x int, c %s PRIMARY KEY)', command.type || making);
        PERFORM softdelete.register('h');
        EXECUTE CASE WHEN making <> '' THEN 'INSERT INTO h (x) VALUES (1)' ELSE format('INSERT INTO h (c) VALUES (%L)', command.value) END;
        PERFORM softdelete.hold('h', 'law', VARIADIC ARRAY[command.value]);
    ELSIF what = 'table' THEN
        PERFORM softdelete.register('h');
        INSERT INTO h VALUES (1);
        PERFORM softdelete.hold('h', 'law', 1);
    ELSE
        CREATE TABLE held (id int PRIMARY KEY);
        PERFORM softdelete.register('held');
        INSERT INTO held VALUES (1);
        PERFORM softdelete.hold('held', 'law', 1);
        INSERT INTO h VALUES (1);
        ALTER TABLE h ADD FOREIGN KEY (id) REFERENCES held ON DELETE CASCADE;
    END IF;
    BEGIN
        EXECUTE format('DROP %s CASCADE', command.dropped);
        result := 'dropped';
    EXCEPTION WHEN OTHERS THEN
        result := sqlerrm;
    END;
    RAISE EXCEPTION USING message = result, errcode = 'ZZ000';
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
    RETURN sqlerrm;
END $$;
GRANT ALL ON FUNCTION try TO regress_drop_tags;
SELECT set_config('regress.last', :'last', false) \g /dev/null
\set QUIET off

-- A column of a registered table, with either strategy, and of one with a history; the primary key of a row on hold.
SELECT dropped, try(walk, 'column') FROM walk WHERE type IS NOT NULL AND dropped NOT LIKE '%ops%' ORDER BY id;
SELECT dropped, try(walk, 'archive') FROM walk WHERE type IS NOT NULL AND dropped NOT LIKE '%ops%' ORDER BY id;
SELECT dropped, try(walk, 'history') FROM walk WHERE type IS NOT NULL AND dropped NOT LIKE '%ops%' ORDER BY id;
SELECT dropped, try(walk, 'key') FROM walk WHERE type IS NOT NULL ORDER BY id;
-- A table with a row on hold, and one that nobody registered, with a row that is on hold by what it references.
SELECT dropped, try(walk, 'table') FROM walk WHERE type IS NULL AND setup NOT LIKE '%INHERITS%' ORDER BY id;
SELECT dropped, try(walk, 'child') FROM walk WHERE type IS NULL ORDER BY id;
-- No list of commands says which ones are looked at.
SELECT evtname, evttags FROM pg_event_trigger WHERE evtname IN ('softdelete_ddl_command_start', 'softdelete_sql_drop') ORDER BY 1;

\set QUIET on
DROP SCHEMA regress_drop_tags CASCADE;
REVOKE CREATE ON DATABASE :DBNAME FROM regress_drop_tags;
DROP ROLE regress_drop_tags;
