-- A rule gives a row another key: the former one stays nowhere, be it live, marked, archived or in a history of what references
-- the row. What referenced another holder of that key keeps it.
CREATE ROLE regress_former_keys;
CREATE SCHEMA regress_former_keys AUTHORIZATION regress_former_keys;
SET SESSION AUTHORIZATION regress_former_keys;
SET search_path = regress_former_keys;
SET softdelete.actor = '';
SET client_min_messages = error;
\set QUIET off

-- Keys of each action to a table with a history or without, from tables with a flag or an archive, whose own key has the column or not.
CREATE TABLE ways (parent_history boolean, strategy text, action text, is_key boolean);
INSERT INTO ways SELECT * FROM unnest('{true,false}'::boolean[]) p, unnest('{flag,archive}'::text[]) s,
    unnest('{CASCADE,SET NULL,NO ACTION}'::text[]) a, unnest('{true,false}'::boolean[]) k WHERE NOT (k AND a = 'SET NULL');
-- A value is found in what the server stores of the tables and their histories.
CREATE FUNCTION find_value(value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    t text;
    n int;
    found text := '';
BEGIN
    FOREACH t IN ARRAY '{all_mail,all_note,all_line,mail_history,note_history,line_history}'::text[] LOOP
        IF to_regclass(t) IS NOT NULL THEN
            EXECUTE format('SELECT count(*) FROM %s x WHERE x::text LIKE ''%%%s%%''', t, value) INTO n;
            found := found || CASE WHEN n > 0 THEN t || ': ' || n || ' ' ELSE '' END;
        END IF;
    END LOOP;
    RETURN found;
END $$;
CREATE FUNCTION try(w ways) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    BEGIN
        CREATE TABLE mail (address text PRIMARY KEY);
        EXECUTE format('CREATE TABLE note (id int, address text REFERENCES mail ON UPDATE CASCADE ON DELETE %s, made text '
            'GENERATED ALWAYS AS (''to '' || address) STORED, PRIMARY KEY (%s))', w.action, CASE WHEN w.is_key THEN 'id, address' ELSE 'id' END);
        PERFORM softdelete.register('mail'), softdelete.register('note', strategy => w.strategy);
        IF w.is_key THEN -- which passes it on
            EXECUTE 'CREATE TABLE line (id int PRIMARY KEY, note int, address text, FOREIGN KEY (note, address) REFERENCES note ON UPDATE CASCADE)';
            PERFORM softdelete.register('line', strategy => w.strategy);
            PERFORM softdelete.track_history('line');
        END IF;
        IF w.parent_history THEN
            PERFORM softdelete.track_history('mail');
        END IF;
        PERFORM softdelete.track_history('note');
        PERFORM softdelete.set_anonymizer('mail', 'address', '''anon'' || length(address)');
        INSERT INTO mail VALUES ('bob@example.com'), ('eve');
        INSERT INTO note VALUES (1, 'bob@example.com'), (2, 'eve'), (3, 'bob@example.com');
        IF w.is_key THEN
            EXECUTE 'INSERT INTO line VALUES (1, 1, ''bob@example.com''), (2, 2, ''eve''), (3, 3, ''bob@example.com'')';
            EXECUTE 'DELETE FROM line WHERE id = 3';
        END IF;
        DELETE FROM note WHERE id = 3;
        UPDATE note SET id = id + 10 WHERE id = 1 AND NOT w.is_key;
        PERFORM softdelete.anonymize('mail', 'request', 'bob@example.com');
        result := concat_ws(', ', 'left: ' || find_value('bob@example.com'), 'others: ' || find_value('eve'));
        RAISE SQLSTATE 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
        RETURN result;
    END;
END $$;
SELECT w.*, try(w) FROM ways w ORDER BY 1, 2, 3, 4;

-- Who had the key before is another one, where the table's history tells; entries on hold stay, and are named.
CREATE TABLE mail (address text PRIMARY KEY);
CREATE TABLE note (id int PRIMARY KEY, address text REFERENCES mail ON UPDATE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('mail') m, softdelete.register('note') n;
SELECT softdelete.track_history('mail'), softdelete.track_history('note'), softdelete.set_anonymizer('mail', 'address', '''anon'' || ascii(address)');
INSERT INTO mail VALUES ('a');
INSERT INTO note VALUES (1, 'a');
UPDATE mail SET address = 'b';
INSERT INTO mail VALUES ('a');
INSERT INTO note VALUES (2, 'a'), (3, 'a');
SELECT softdelete.hold('note', 'law suit', 3) IS NOT NULL AS held;
SELECT reached FROM jsonb_array_elements_text(softdelete.anonymize('mail', 'request', 'a') -> 'not_reached') reached WHERE reached LIKE 'entries%';
SELECT id, history_kind, address FROM note_history ORDER BY id, history_at, history_kind;
SELECT * FROM mail ORDER BY 1;

-- When a retention ends.
SELECT count(*) > 0 AS configured FROM softdelete.configure('mail', retention => '0', on_expiry => 'anonymize');
SELECT softdelete.release(id) IS NOT NULL AS released FROM softdelete.holds WHERE relation = 'note'::regclass;
DELETE FROM note;
DELETE FROM mail WHERE address = 'b';
CALL softdelete.purge('mail');
SELECT id, history_kind, address FROM note_history WHERE id = 1 ORDER BY id, history_at, history_kind;

RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_former_keys CASCADE;
DROP ROLE regress_former_keys;
