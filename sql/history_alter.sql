-- What a command takes away from rows, or makes of their values, stays known: the row as of before the command is after it
-- what it was before it. What is known already gets no entry. Keys do not become those of other rows.
CREATE ROLE regress_alter;
CREATE SCHEMA regress_alter AUTHORIZATION regress_alter;
SET SESSION AUTHORIZATION regress_alter;
SET search_path = regress_alter;
CREATE DOMAIN short AS varchar(20);
CREATE TYPE mood AS ENUM ('calm', 'angry');
CREATE FUNCTION double(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE TABLE t (id int PRIMARY KEY, n numeric(8, 3), "at" timestamp(3), c char(5), b bit(4), v varchar(10), k int, pw text,
    g int GENERATED ALWAYS AS (length(v)) STORED, h int GENERATED ALWAYS AS (double(k)) STORED, d short, m mood, touched int DEFAULT 0);
CREATE TABLE beneath () INHERITS (t);
ALTER TABLE beneath ADD PRIMARY KEY (id);
CREATE TYPE document AS (id int, title text, pages int, touched int);
CREATE TABLE documents OF document (PRIMARY KEY (id));
SELECT softdelete.track_history('t', without => '{pw}'), softdelete.track_history('beneath'), softdelete.track_history('documents');
INSERT INTO t VALUES (1, 1.25, '2026-01-02 03:04:05.678', 'ab', '1010', 'long', 2, 'secret', DEFAULT, DEFAULT, 'dom', 'calm');
INSERT INTO beneath VALUES (1, 2.25, '2026-01-02 03:04:05.678', 'ab', '1010', 'long', 2, 'secret', DEFAULT, DEFAULT, 'dom', 'calm');
INSERT INTO documents VALUES (1, 'A title', 10, 0);

-- Runs the command and touches the row, says which entries came, and whether the row as of before is another one now, as by
-- the new name of a column.
CREATE FUNCTION try(of regclass, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE before timestamptz; was jsonb; is_now jsonb; entries text;
BEGIN
    BEGIN
        before := clock_timestamp();
        was := softdelete.history_at(of, before, 1);
        EXECUTE command;
        EXECUTE format('UPDATE %s SET touched = 1', of);
        is_now := softdelete.history_at(of, before, 1);
        SELECT string_agg(kind || ' ' || diff, '; ') INTO entries FROM softdelete.history_of(of, 1) WHERE changed_at > before;
        RAISE 'back';
    EXCEPTION
        WHEN raise_exception THEN NULL;
        WHEN OTHERS THEN RETURN sqlstate || ': ' || sqlerrm;
    END;
    RETURN entries || CASE WHEN is_now IS DISTINCT FROM was THEN ' differs: ' || coalesce(is_now::text, 'all') ELSE '' END;
END $$;

\set VERBOSITY terse
SELECT command, try('t', command) FROM unnest(ARRAY[
    'ALTER TABLE t DROP COLUMN n',
    'ALTER TABLE t DROP COLUMN v CASCADE',
    'ALTER TABLE t DROP COLUMN pw',
    'ALTER TABLE t ALTER n TYPE numeric(8, 1)',
    'ALTER TABLE t ALTER n TYPE numeric(9, 3)',
    'ALTER TABLE t ALTER n TYPE numeric',
    'ALTER TABLE t ALTER n TYPE int',
    'ALTER TABLE t ALTER n TYPE numeric(8, 3) USING n * 2',
    'ALTER TABLE t ALTER n TYPE numeric USING n::numeric',
    'ALTER TABLE t ALTER "at" TYPE timestamp(0)',
    'ALTER TABLE t ALTER "at" TYPE timestamp(6)',
    'ALTER TABLE t ALTER "at" TYPE timestamptz',
    'ALTER TABLE t ALTER c TYPE char(7)',
    'ALTER TABLE t ALTER c TYPE text',
    'ALTER TABLE t ALTER b TYPE bit(2)',
    'ALTER TABLE t ALTER pw TYPE bytea USING pw::bytea',
    'ALTER TABLE t ALTER d TYPE varchar(30)',
    'ALTER TABLE t ALTER d TYPE short COLLATE "C"',
    'ALTER TABLE t ALTER m TYPE text',
    'ALTER TABLE t ALTER g DROP EXPRESSION',
    'ALTER TABLE t DROP COLUMN n, ALTER "at" TYPE timestamp(0), ADD COLUMN n numeric',
    'ALTER TABLE t RENAME n TO o',
    'ALTER TABLE t ALTER id TYPE bigint',
    'ALTER TABLE t ALTER id TYPE bigint USING id::bigint',
    'ALTER TABLE t ALTER id TYPE bigint USING CAST(id AS bigint)',
    'ALTER TABLE t ALTER id TYPE int USING id',
    'ALTER TABLE t ALTER id TYPE int USING 3 - id',
    'ALTER TABLE t ALTER id TYPE bigint USING (id + 1)::bigint',
    'ALTER TABLE t ALTER id TYPE real',
    'DROP DOMAIN short CASCADE',
    'DROP TYPE mood CASCADE',
    'DROP FUNCTION double CASCADE']) command;

\set VERBOSITY default
-- The children that get the change from above, and not those that do not.
SELECT command, try('beneath', command) FROM unnest(ARRAY[
    'ALTER TABLE t DROP COLUMN n',
    'ALTER TABLE t ALTER n TYPE numeric(8, 1)',
    'ALTER TABLE ONLY t DROP COLUMN n',
    'ALTER TABLE t ALTER id TYPE int USING 3 - id']) command;

-- A type that tables are made of.
SELECT command, try('documents', command) FROM unnest(ARRAY[
    'ALTER TYPE document ADD ATTRIBUTE author text CASCADE',
    'ALTER TYPE document DROP ATTRIBUTE title CASCADE',
    'ALTER TYPE document ALTER ATTRIBUTE pages TYPE text CASCADE',
    'ALTER TYPE document ALTER ATTRIBUTE id TYPE real CASCADE',
    'ALTER TYPE document RENAME ATTRIBUTE title TO name CASCADE',
    'ALTER TYPE document ADD ATTRIBUTE history_kind text CASCADE']) command;

-- A row that is gone has a key that the new type cannot have.
INSERT INTO t (id) VALUES (70000);
DELETE FROM t WHERE id = 70000;
ALTER TABLE t ALTER id TYPE smallint; -- fails
ALTER TABLE t ALTER id TYPE int USING -id; -- fails

-- Another primary key: a row is found by all that it was, and so is erased, also under keys that it had before.
CREATE TABLE moved (id int PRIMARY KEY, word text NOT NULL, flag boolean NOT NULL);
SELECT count(*) > 0 AS registered FROM softdelete.register('moved');
SELECT softdelete.track_history('moved');
INSERT INTO moved VALUES (1, 'secret', true), (2, 'other', false);
UPDATE moved SET id = id + 10;
ALTER TABLE moved DROP CONSTRAINT moved_pkey;
SELECT * FROM softdelete.history_of('moved', 11); -- fails
ALTER TABLE moved ADD PRIMARY KEY (id, word);
SELECT kind, diff FROM softdelete.history_of('moved', 1, 'secret');
SELECT kind, diff FROM softdelete.history_of('moved', 11, 'secret');
UPDATE moved SET word = word || '!';
ALTER TABLE moved RENAME COLUMN word TO text;
ALTER TABLE moved DROP CONSTRAINT moved_pkey, ADD PRIMARY KEY (flag, text);
ALTER TABLE moved DROP COLUMN id;
SELECT kind, diff FROM softdelete.history_of('moved', true, 'secret!');
SELECT kind, diff FROM softdelete.history_of('moved', true, 'secret');
UPDATE moved SET flag = NOT flag;
SELECT softdelete.erase('moved', 'asked', false, 'secret!') -> 'rows' AS rows;
SELECT history_kind, id_former, text, flag, history_other_key FROM moved_history ORDER BY history_at, history_kind DESC;

-- With row security off as well, which is how a dump is restored: no dump has such a command.
SET row_security = off;
SELECT command, try('t', command) FROM unnest(ARRAY[
    'ALTER TABLE t DROP COLUMN n',
    'ALTER TABLE t ALTER n TYPE int',
    'ALTER TABLE t RENAME n TO o',
    'ALTER TABLE t ADD COLUMN o int DEFAULT 3',
    'ALTER TABLE t ALTER id TYPE int USING 3 - id']) command;
RESET row_security;

-- Drops that a history does not need to know of.
CREATE DOMAIN other AS int;
ALTER TABLE t ADD COLUMN o other, ADD COLUMN word other;
SELECT softdelete.untrack_history('t'), softdelete.untrack_history('beneath'), softdelete.untrack_history('documents', 'drop');
DROP TABLE beneath, documents;
SELECT softdelete.track_history('t', without => '{o, word}', history_table => 't_second');
SET client_min_messages = warning;
DROP DOMAIN other CASCADE;
RESET client_min_messages;
UPDATE t SET n = 3;
SELECT kind, diff FROM softdelete.history_of('t', 1);

-- The name of a value of an enum in a key: rows that got another key are found by the new name.
CREATE TYPE shade AS ENUM ('red', 'blue', 'green');
CREATE DOMAIN tone AS shade;
CREATE TABLE paints (a int, b tone, v text, PRIMARY KEY (a, b));
CREATE TABLE sets (id shade[] PRIMARY KEY, v text);
SELECT softdelete.track_history('paints'), softdelete.track_history('sets');
INSERT INTO paints VALUES (1, 'red', 'ann'), (1, 'blue', 'bob');
INSERT INTO sets VALUES ('{red}', 'ann');
UPDATE paints SET b = 'green' WHERE v = 'ann';
UPDATE paints SET b = 'red' WHERE v = 'bob';
ALTER TYPE shade RENAME VALUE 'red' TO 'crimson';
SET row_security = off;
ALTER TYPE shade RENAME VALUE 'blue' TO 'azure';
RESET row_security;
SELECT kind, diff FROM softdelete.history_of('paints', 1, 'green');
SELECT kind, diff FROM softdelete.history_of('paints', 1, 'crimson');
SELECT kind, old ->> 'b' AS old, new ->> 'b' AS new FROM softdelete.history WHERE relation = 'paints'::regclass ORDER BY changed_at, 2 NULLS FIRST;
SELECT count(*) > 0 AS registered FROM softdelete.register('paints');
SELECT softdelete.erase('paints', 'why', 1, 'green') -> 'rows' AS rows;
SELECT DISTINCT v FROM paints_history;
UPDATE sets SET id = '{green}';
ALTER TYPE shade RENAME VALUE 'crimson' TO 'scarlet'; -- fails
SELECT kind, diff FROM softdelete.history_of('sets', '{green}');

-- A history can have each value that a table can have: its columns have no length and no precision.
SELECT format('CREATE TABLE typed (id int PRIMARY KEY, %s)', string_agg(format('%I %s, %I %2$s[]', typname, CASE typname
        WHEN 'interval' THEN 'interval(3)' WHEN 'numeric' THEN 'numeric(5, 2)' ELSE format('pg_catalog.%I(3)', typname) END,
    typname || '_array'), ', ' ORDER BY typname)) AS statement
    FROM pg_type WHERE typmodin <> 0 AND typelem = 0 AND typnamespace = 'pg_catalog'::regnamespace \gset
:statement;
SELECT softdelete.track_history('typed') AS typed;
SELECT attname, format_type(atttypid, atttypmod) AS type, atttypmod FROM pg_attribute
    WHERE attrelid = 'typed_history'::regclass AND attnum > 0 AND attname !~ '^(id$|history_)' ORDER BY attname;
INSERT INTO typed (id, bpchar, bit, varbit_array) VALUES (1, 'abc', '101', '{111}');
CREATE TABLE restored (LIKE typed_history);
INSERT INTO restored SELECT (jsonb_populate_record(NULL::restored, to_jsonb(h))).* FROM typed_history h;
SELECT bpchar, bit, varbit_array FROM restored;
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP OWNED BY regress_alter;
DROP ROLE regress_alter;
