-- Keys as drivers send them. Those that leave the type of a parameter to the server are told what it takes: text for a key,
-- whatever the table's is, and the type that a cast names. Others send a type of their own.
\set QUIET on
CREATE ROLE regress_driver_keys;
CREATE SCHEMA regress_driver_keys AUTHORIZATION regress_driver_keys;
SET SESSION AUTHORIZATION regress_driver_keys;
SET search_path = regress_driver_keys;
CREATE TABLE numbered (id int PRIMARY KEY, name text);
CREATE TABLE big (id bigint PRIMARY KEY, name text);
CREATE TABLE named (id text PRIMARY KEY, name text);
CREATE TABLE marked (id uuid PRIMARY KEY, name text);
CREATE TABLE paired (a int, b text, name text, PRIMARY KEY (a, b));
SET client_min_messages = error;
DO $$ DECLARE t text; BEGIN FOREACH t IN ARRAY '{numbered,big,named,marked,paired}'::text[] LOOP
    PERFORM softdelete.register(t::regclass, strategy => 'flag');
    PERFORM softdelete.set_anonymizer(t::regclass, 'name', 'NULL'); END LOOP; END $$;
RESET client_min_messages;
\set QUIET off

-- What the server says of parameters without a type, for each function that takes a key.
PREPARE restore AS SELECT softdelete.restore('numbered', $1);
PREPARE delete AS SELECT softdelete.delete('numbered', $1);
PREPARE preview AS SELECT action, rows FROM softdelete.preview('numbered', $1);
PREPARE hold AS SELECT softdelete.hold('numbered', $1, $2);
PREPARE erase AS SELECT softdelete.erase('numbered', $1, $2);
PREPARE anonymize AS SELECT softdelete.anonymize('numbered', $1, $2);
PREPARE history_of AS SELECT FROM softdelete.history_of('numbered', $1);
PREPARE history_at AS SELECT FROM softdelete.history_at('numbered', $1, $2);
PREPARE restore_pair AS SELECT softdelete.restore('paired', $1, $2);
PREPARE restore_any AS SELECT softdelete.restore($1, $2);
PREPARE undo AS SELECT softdelete.undo($1);
PREPARE release AS SELECT softdelete.release($1);
PREPARE restore_cast AS SELECT softdelete.restore('numbered', $1::bigint);
PREPARE restore_cast_uuid AS SELECT softdelete.restore('marked', $1::uuid);
SELECT name, parameter_types FROM pg_prepared_statements ORDER BY name COLLATE "C";
DEALLOCATE ALL;

-- Each kind of key finds its row: as text, which is what such a driver sends, by a cast, and in the type that a driver sends of
-- its own. Strings are varchar to some.
CREATE FUNCTION try_key(relation text, type text, cast_to text, key text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text := '';
    call text;
    said_by_call text;
BEGIN
    FOREACH call IN ARRAY ARRAY['softdelete.delete(%L, $1%s)', 'softdelete.restore(%L, $1%s)',
            '(SELECT string_agg(action, '','') FROM softdelete.preview(%L, $1%s))',
            'softdelete.release(softdelete.hold(%L, ''case 1'', $1%s))',
            'softdelete.anonymize(%L, ''request 1'', $1%s) -> ''rows'' <> ''{}''',
            'softdelete.erase(%L, ''request 1'', $1%s) -> ''rows'' <> ''{}'''] LOOP
        EXECUTE format('PREPARE call%s AS SELECT (' || call || ')::text', CASE WHEN type > '' THEN '(' || type || ')' END,
            relation, CASE WHEN cast_to > '' THEN '::' || cast_to END);
        EXECUTE format('EXECUTE call(%L)', key) INTO said_by_call;
        said := concat_ws(' ', said, CASE WHEN call LIKE '%.delete(%' THEN (said_by_call IS NOT NULL)::text ELSE said_by_call END);
        DEALLOCATE call;
    END LOOP;
    RETURN said;
END $$;
CREATE TABLE tried (relation text, type text, cast_to text, key text);
INSERT INTO tried VALUES ('numbered', '', '', '1'), ('numbered', '', 'bigint', '1'), ('numbered', 'int', '', '1'),
    ('numbered', 'smallint', '', '1'), ('numbered', 'varchar', '', '1'), ('numbered', 'numeric', '', '1'), ('big', '', '', '9000000000'),
    ('big', '', 'bigint', '9000000000'), ('named', '', '', 'Ada''s'), ('named', 'varchar', '', 'Ada''s'), ('named', '', 'varchar', 'Ada''s'),
    ('marked', '', '', '{00000000-0000-0000-0000-00000000000A}'), ('marked', '', 'uuid', '00000000-0000-0000-0000-00000000000a'),
    ('marked', 'uuid', '', '00000000-0000-0000-0000-00000000000a');
INSERT INTO paired VALUES (1, 'x');
DO $$ DECLARE t tried; BEGIN
    FOR t IN TABLE tried LOOP
        EXECUTE format('INSERT INTO %I VALUES (%L, ''x'')', t.relation, t.key);
        RAISE NOTICE '%: %', concat_ws(' ', t.relation, nullif(t.type, ''), '::' || nullif(t.cast_to, '')),
            try_key(t.relation, t.type, t.cast_to, t.key);
    END LOOP;
END $$;

-- A text that is no such key is named as the type itself would.
PREPARE restore AS SELECT softdelete.restore('numbered', $1);
EXECUTE restore('x'); -- fails
PREPARE restore_marked AS SELECT softdelete.restore('marked', $1);
EXECUTE restore_marked('7'); -- fails
PREPARE pair AS SELECT softdelete.restore('paired', $1, $2);
DELETE FROM paired;
EXECUTE pair('1', 'x');
\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_driver_keys CASCADE;
DROP ROLE regress_driver_keys;
