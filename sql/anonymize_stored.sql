-- Anonymization certifies what is stored, not what was sent.
CREATE ROLE regress_stored;
CREATE SCHEMA regress_stored AUTHORIZATION regress_stored;
SET SESSION AUTHORIZATION regress_stored;
SET search_path = regress_stored;
CREATE TABLE people (id int PRIMARY KEY, name text, email varchar(40), data json, born date, age numeric(4, 1),
    title text GENERATED ALWAYS AS ('Dr ' || name) STORED, changed int DEFAULT 0);
CREATE TABLE pets (id int PRIMARY KEY, owner int REFERENCES people ON DELETE CASCADE, name text);
SELECT count(*) > 0 AS registered FROM (VALUES ('people'), ('pets')) t (name), softdelete.register(name::regclass, retention => '30 days');
SELECT softdelete.set_anonymizer('people', 'name', 'gen_random_uuid()');
SELECT softdelete.set_anonymizer('people', 'email', $$'removed_' || id$$);
SELECT softdelete.set_anonymizer('people', 'data', $$'{}'$$);
SELECT softdelete.set_anonymizer('people', 'born', $$date_trunc('year', born)$$);
SELECT softdelete.set_anonymizer('people', 'age', 'random() * 100');
SELECT softdelete.set_anonymizer('pets', 'name', 'NULL');
INSERT INTO people (id, name, email, data, born, age) SELECT g, 'name ' || g, g || '@x', '{"a": 1}', '2000-02-02', 33 FROM generate_series(1, 9) g;
INSERT INTO pets SELECT g, g, 'Rex' FROM generate_series(1, 9) g;

-- Triggers that put back old values, in one column and another, before and after, and those that do not.
CREATE FUNCTION put_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_argv[0] = 'all' THEN
        NEW.name := OLD.name; NEW.email := OLD.email; NEW.data := OLD.data; NEW.born := OLD.born; NEW.age := OLD.age;
    ELSIF tg_argv[0] = 'email' THEN
        NEW.email := OLD.email;
    ELSIF tg_argv[0] = 'json' THEN
        NEW.data := OLD.data;
    ELSIF tg_argv[0] = 'null' THEN
        RETURN NULL;
    ELSIF tg_argv[0] = 'old' THEN
        RETURN OLD;
    ELSIF tg_argv[0] = 'appends' THEN
        NEW.email := NEW.email || ' was ' || OLD.email;
    ELSIF tg_argv[0] = 'marks' THEN
        NEW.changed := OLD.changed + 1;
    ELSIF tg_argv[0] = 'keeps deletion' THEN
        NEW.deletion_id := OLD.deletion_id;
        NEW.deleted_by := OLD.deleted_by;
    END IF;
    RETURN NEW;
END
$$;
CREATE FUNCTION put_back_after() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        IF tg_argv[0] = 'marks' THEN
            UPDATE regress_stored.people SET changed = changed + 1 WHERE id = OLD.id AND softdelete.include_deleted(deleted_at);
        ELSE
            UPDATE regress_stored.people SET email = OLD.email WHERE id = OLD.id AND softdelete.include_deleted(deleted_at);
        END IF;
    END IF;
    RETURN NULL;
END
$$;
CREATE TABLE ways (number int, way text, timing text, function text);
INSERT INTO ways VALUES (1, 'all', 'BEFORE', 'put_back'), (2, 'email', 'BEFORE', 'put_back'), (3, 'json', 'BEFORE', 'put_back'),
    (4, 'null', 'BEFORE', 'put_back'), (5, 'old', 'BEFORE', 'put_back'), (6, 'appends', 'BEFORE', 'put_back'),
    (7, 'email', 'AFTER', 'put_back_after'), (8, 'marks', 'BEFORE', 'put_back'), (9, 'marks', 'AFTER', 'put_back_after');
CREATE FUNCTION try(way text, timing text, function text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    detail text;
    hint text;
BEGIN
    EXECUTE format('CREATE TRIGGER t %s UPDATE ON people FOR EACH ROW EXECUTE FUNCTION %I(%L)', timing, function, way);
    PERFORM softdelete.anonymize('people', 'request', 1);
    SELECT format('name %s email %s data %s born %s', name ~ '-', email, data, born) INTO answer FROM people WHERE id = 1;
    RAISE SQLSTATE 'UNDO0';
EXCEPTION
    WHEN SQLSTATE 'UNDO0' THEN
        RETURN answer;
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        RETURN concat_ws(' | ', sqlstate, sqlerrm, detail, hint);
END
$$;
\set QUIET off
\a
SELECT number, try(way, timing, function) FROM ways ORDER BY number;
\a
-- Nothing was changed, and nothing logged, where it failed.
SELECT name, email FROM people WHERE id = 1;
SELECT count(*) FROM softdelete.erasure_log WHERE table_name = 'regress_stored.people';

-- On expiry: what a trigger keeps is reported as blocked and stays due; the others are overwritten.
SELECT count(*) > 0 AS configured FROM softdelete.configure('people', on_expiry => 'anonymize');
DELETE FROM people WHERE id < 8;
UPDATE all_people SET deleted_at = now() - interval '40 days' WHERE deleted_at IS NOT NULL;
CREATE TRIGGER t BEFORE UPDATE ON people FOR EACH ROW WHEN (OLD.id = 2) EXECUTE FUNCTION put_back('email');
CREATE TRIGGER u BEFORE UPDATE ON people FOR EACH ROW WHEN (OLD.id = 3) EXECUTE FUNCTION put_back('null');
CREATE TRIGGER v AFTER UPDATE ON people FOR EACH ROW WHEN (OLD.id = 4) EXECUTE FUNCTION put_back_after('email');
CREATE TRIGGER w BEFORE UPDATE ON people FOR EACH ROW WHEN (OLD.id = 5) EXECUTE FUNCTION put_back('keeps deletion');
SELECT due, held, blocked FROM softdelete.purge_preview('people');
CALL softdelete.purge('people');
SELECT due, removed, anonymized, blocked, blockers FROM softdelete.purge_log WHERE table_name = 'regress_stored.people' ORDER BY id;
SELECT id, name ~ '-' AS anonymous, email, deletion_id < 0 AS done FROM all_people WHERE deleted_at IS NOT NULL ORDER BY id;
SELECT due, held, blocked FROM softdelete.purge_preview('people');
DROP TRIGGER t ON people;
DROP TRIGGER u ON people;
DROP TRIGGER v ON people;
DROP TRIGGER w ON people;
CALL softdelete.purge('people');
SELECT due, removed, anonymized, blocked, blockers FROM softdelete.purge_log WHERE table_name = 'regress_stored.people' ORDER BY id;
SELECT due, held, blocked FROM softdelete.purge_preview('people');

-- A history may lack who deleted a row: it is older than the column, or leaves it out. One that has it forgets it.
CREATE TABLE outcomes (history text, what text, result text);
CREATE PROCEDURE walk(kind text) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE members (id int PRIMARY KEY, name text);
    IF kind = 'older' THEN
        PERFORM softdelete.track_history('members');
    END IF;
    PERFORM softdelete.register('members', retention => '30 days');
    IF kind = 'leaves it out' THEN
        PERFORM softdelete.track_history('members', without => '{deleted_by}');
    ELSIF kind = 'has it' THEN
        PERFORM softdelete.track_history('members');
    END IF;
    PERFORM softdelete.set_anonymizer('members', 'name', '''nobody''');
    COMMIT;
    INSERT INTO members SELECT g, 'name ' || g FROM generate_series(1, 3) g;
    COMMIT;
    DELETE FROM members WHERE id > 1;
    COMMIT;
    PERFORM softdelete.anonymize('members', 'request', g) FROM generate_series(1, 2) g;
    COMMIT;
    PERFORM softdelete.configure('members', on_expiry => 'anonymize');
    UPDATE all_members SET deleted_at = now() - interval '40 days' WHERE id = 3;
    COMMIT;
    CALL softdelete.purge('members');
    INSERT INTO outcomes SELECT kind, 'names', string_agg(DISTINCT name, ', ') FROM all_members;
    INSERT INTO outcomes SELECT kind, 'recorded', concat_ws(' by ', string_agg(DISTINCT h.entry ->> 'name', ', '), string_agg(h.entry ->> 'deleted_by', ', '))
    FROM (SELECT to_jsonb(h) AS entry FROM members_history h) h;
    INSERT INTO outcomes SELECT kind, 'purge', concat_ws(' ', anonymized, blocked, blockers) FROM softdelete.purge_log WHERE relation = 'members'::regclass;
    PERFORM softdelete.untrack_history('members', 'drop');
    DROP TABLE members CASCADE;
    COMMIT;
END $$;
SET client_min_messages = error;
CALL walk('older');
CALL walk('leaves it out');
CALL walk('has it');
RESET client_min_messages;
SELECT * FROM outcomes ORDER BY history, what;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_stored CASCADE;
DROP ROLE regress_stored;
