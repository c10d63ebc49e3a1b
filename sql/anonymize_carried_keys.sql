-- A rule gives a row another key, which what references the row gets, in archives and in histories as well: of that row and of no other,
-- with all that it told before, whoever owns it.
CREATE ROLE regress_carried;
CREATE ROLE regress_carried_bob;
CREATE ROLE regress_carried_user LOGIN IN ROLE regress_carried, regress_carried_bob;
CREATE SCHEMA regress_carried AUTHORIZATION regress_carried;
GRANT ALL ON SCHEMA regress_carried TO regress_carried_bob;
SET SESSION AUTHORIZATION regress_carried_user;
SET ROLE regress_carried;
SET search_path = regress_carried;
SET softdelete.actor = '';
SET client_min_messages = error;
\set QUIET off

-- Whose an archived row was: one that another holder of the key left alone, one that it took along, and one of the present holder.
CREATE TABLE seen (way text, parent_history boolean, child_history boolean, step text, letters text, reached text);
CREATE PROCEDURE hand_on(way text, parent_history boolean, child_history boolean) LANGUAGE plpgsql AS $$
DECLARE
    id int;
    reached text;
BEGIN
    CREATE TABLE people (id int PRIMARY KEY, mail text UNIQUE);
    CREATE TABLE letters (id int PRIMARY KEY, mail text REFERENCES people (mail) ON UPDATE CASCADE ON DELETE CASCADE);
    CREATE INDEX ON letters (mail);
    PERFORM softdelete.register('people', strategy => 'archive', cascade => true);
    IF parent_history THEN PERFORM softdelete.track_history('people'); END IF;
    IF child_history THEN PERFORM softdelete.track_history('letters'); END IF;
    PERFORM softdelete.set_anonymizer('people', 'mail', '''anon'' || id');
    INSERT INTO people VALUES (1, 'a');
    INSERT INTO letters VALUES (10, 'a'), (11, 'a');
    COMMIT;
    DELETE FROM letters l WHERE l.id = 10;
    COMMIT;
    IF way = 'deleted' THEN DELETE FROM people p WHERE p.id = 1; ELSE UPDATE people p SET mail = 'a2' WHERE p.id = 1; END IF;
    COMMIT;
    INSERT INTO people VALUES (2, 'a');
    INSERT INTO letters VALUES (20, 'a'), (21, 'a');
    COMMIT;
    DELETE FROM letters l WHERE l.id = 21;
    COMMIT;
    FOREACH id IN ARRAY '{2,1}'::int[] LOOP
        SELECT string_agg(r, '; ' ORDER BY r) INTO reached FROM jsonb_array_elements_text(
            softdelete.anonymize('people', 'request', id) -> 'not_reached') r WHERE r ~ 'letters.*(keep|may)';
        COMMIT;
        INSERT INTO seen SELECT way, parent_history, child_history, 'anonymize ' || id,
            (SELECT string_agg(a.id || ' ' || a.mail, ', ' ORDER BY a.id) FROM letters_archive a), reached;
        COMMIT;
    END LOOP;
    IF child_history THEN
        INSERT INTO seen SELECT way, parent_history, child_history, 'history', string_agg(DISTINCT h.id || ' ' || h.mail, ', ') FROM letters_history h;
        PERFORM softdelete.untrack_history('letters', 'drop');
    END IF;
    IF parent_history THEN PERFORM softdelete.untrack_history('people', 'drop'); END IF;
    COMMIT;
    DROP TABLE people, letters CASCADE;
    DROP TABLE people_archive, letters_archive;
END $$;
CALL hand_on('deleted', false, false);
CALL hand_on('deleted', false, true);
CALL hand_on('deleted', true, false);
CALL hand_on('deleted', true, true);
CALL hand_on('moved', true, false);
CALL hand_on('moved', true, true);
\pset format unaligned
SELECT * FROM seen ORDER BY way, parent_history, child_history, step;

-- Entries tell what they told: of tables of one owner or another, whose own key has the column, shares another one with the reference
-- (tenant), both, or none; of live rows, and of archived ones below live or archived ones.
CREATE TABLE ways (is_others boolean, key text, parent_history boolean, strategy text, state text);
INSERT INTO ways SELECT * FROM unnest('{false,true}'::boolean[]) o, unnest('{"id","tenant, id","mail, id","tenant, mail, id"}'::text[]) k,
    unnest('{false,true}'::boolean[]) p, unnest('{flag,archive}'::text[]) s, unnest('{live,deleted,below}'::text[]) e WHERE s = 'archive' OR e <> 'below';
GRANT SELECT ON ways TO regress_carried_bob;
CREATE FUNCTION become(is_others boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'SET LOCAL ROLE ' || CASE WHEN is_others THEN 'regress_carried_bob' ELSE 'regress_carried' END;
END $$;
CREATE FUNCTION count_value(value text) RETURNS bigint LANGUAGE sql AS $$
    SELECT sum((xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %s x WHERE x::text LIKE ''%%%s%%''', t, value), false, true, '')))[1]::text::bigint)
    FROM unnest('{people,all_people,people_archive,people_history,notes,all_notes,notes_archive,notes_history}'::text[]) t WHERE to_regclass(t) IS NOT NULL
$$;
CREATE FUNCTION try(w ways) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    entry jsonb;
    result text;
BEGIN
    BEGIN
        CREATE TABLE people (tenant int, mail text, PRIMARY KEY (tenant, mail));
        PERFORM softdelete.register('people', strategy => w.strategy);
        GRANT ALL ON people TO regress_carried_bob;
        PERFORM become(w.is_others);
        EXECUTE format('CREATE TABLE notes (id int, tenant int, mail text, body text, up text GENERATED ALWAYS AS (upper(mail)) STORED, PRIMARY KEY (%s), '
            'FOREIGN KEY (tenant, mail) REFERENCES people ON UPDATE CASCADE ON DELETE CASCADE)', w.key);
        PERFORM softdelete.register('notes', strategy => w.strategy);
        PERFORM softdelete.track_history('notes');
        PERFORM become(false);
        IF w.parent_history THEN PERFORM softdelete.track_history('people'); END IF;
        PERFORM softdelete.set_anonymizer('people', 'mail', '''anon'' || tenant');
        INSERT INTO people VALUES (1, 'bob'), (2, 'bob'), (1, 'eve');
        PERFORM become(w.is_others);
        SET LOCAL softdelete.actor = 'worker 7';
        SET LOCAL softdelete.reason = 'ticket 5';
        INSERT INTO notes VALUES (1, 1, 'bob', 'one'), (2, 2, 'bob', 'other'), (3, 1, 'eve', 'other');
        UPDATE notes SET body = 'two', id = 11 WHERE id = 1;
        UPDATE notes SET mail = 'bob' WHERE id = 3;
        UPDATE notes SET mail = 'eve' WHERE id = 3;
        IF w.state = 'deleted' THEN DELETE FROM notes WHERE id = 11; END IF;
        SET LOCAL softdelete.actor = '';
        SET LOCAL softdelete.reason = '';
        PERFORM become(false);
        IF w.state = 'below' THEN DELETE FROM people WHERE tenant = 1 AND mail = 'bob'; END IF;
        entry := softdelete.anonymize('people', 'request', 1, 'bob');
        SET LOCAL ROLE regress_carried_user;
        SELECT string_agg(concat_ws(' ', h.kind, h.actor, h.reason), ', ' ORDER BY h.n) INTO result FROM ROWS FROM (softdelete.history_of('notes', VARIADIC
            (SELECT array_agg(CASE trim(k) WHEN 'id' THEN '11' WHEN 'tenant' THEN '1' ELSE 'anon1' END ORDER BY u.n) FROM unnest(string_to_array(w.key, ',')) WITH ORDINALITY AS u (k, n))))
            WITH ORDINALITY AS h (at, kind, actor, diff, reason, transaction_at, statement_at, transaction, deletion_id, old, new, n);
        result := concat_ws(' | ', 'bob: ' || count_value('bob') || ', eve: ' || count_value('eve'), entry ->> 'rows', result,
            (SELECT 'lives: ' || string_agg(n, ' ' ORDER BY n) FROM (SELECT id || ':' || count(*) AS n FROM notes_history GROUP BY id) c));
        PERFORM softdelete.erase('people', 'request', 1, 'anon1'); -- finds all of the life
        result := result || ' | left: ' || (SELECT string_agg(n, ' ' ORDER BY n) FROM (SELECT id || ':' || count(*) AS n FROM notes_history GROUP BY id) c);
        RAISE SQLSTATE 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
        RETURN result;
    END;
END $$;
SELECT w.*, try(w) FROM ways w ORDER BY 1, 2, 3, 4, 5;

-- Where another row was under the new key at that time, the entries are removed, and counted; those of another owner stay, and are named.
CREATE FUNCTION try_taken(is_others boolean) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    entry jsonb;
BEGIN
    BEGIN
        CREATE TABLE people (id int PRIMARY KEY, mail text UNIQUE);
        GRANT ALL ON people TO regress_carried_bob;
        PERFORM softdelete.register('people', strategy => 'archive');
        PERFORM softdelete.set_anonymizer('people', 'mail', '''anon''');
        PERFORM become(is_others);
        CREATE TABLE notes (mail text REFERENCES people (mail) ON UPDATE CASCADE ON DELETE CASCADE, role text, PRIMARY KEY (mail, role));
        PERFORM softdelete.register('notes', strategy => 'archive');
        PERFORM softdelete.track_history('notes');
        PERFORM become(false);
        INSERT INTO people VALUES (1, 'bob'), (2, 'eve');
        PERFORM become(is_others);
        INSERT INTO notes VALUES ('bob', 'admin'), ('eve', 'admin'), ('eve', 'user');
        PERFORM become(false);
        DELETE FROM people;
        FOR n IN 1 .. 2 LOOP
            entry := softdelete.anonymize('people', 'request', n);
            RETURN NEXT concat_ws(' ', entry ->> 'rows', (SELECT string_agg(r, ', ' ORDER BY r) FROM jsonb_array_elements_text(entry -> 'not_reached') r WHERE r LIKE 'entries%'));
        END LOOP;
        PERFORM become(is_others);
        RETURN NEXT (SELECT string_agg(concat_ws(' ', history_kind, mail, role), ', ' ORDER BY mail, role, history_kind DESC) FROM notes_history);
        RETURN NEXT (SELECT string_agg(concat_ws(' ', mail, role), ', ' ORDER BY mail, role) FROM notes_archive);
        RAISE SQLSTATE 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    END;
END $$;
SELECT try_taken(false);
SELECT try_taken(true);

-- A key that is made of the reference is not known before: the same.
CREATE FUNCTION try_made(is_others boolean) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    entry jsonb;
BEGIN
    BEGIN
        CREATE TABLE people (id int PRIMARY KEY, mail text UNIQUE);
        GRANT ALL ON people TO regress_carried_bob;
        PERFORM softdelete.register('people', strategy => 'archive');
        PERFORM softdelete.set_anonymizer('people', 'mail', '''anon''');
        PERFORM become(is_others);
        CREATE TABLE notes (mail text REFERENCES people (mail) ON UPDATE CASCADE, up text GENERATED ALWAYS AS (upper(mail)) STORED, id int, PRIMARY KEY (up, id));
        PERFORM softdelete.track_history('notes');
        PERFORM become(false);
        INSERT INTO people VALUES (1, 'bob');
        PERFORM become(is_others);
        INSERT INTO notes VALUES ('bob', DEFAULT, 1);
        UPDATE notes SET id = 2;
        PERFORM become(false);
        entry := softdelete.anonymize('people', 'request', 1);
        RETURN NEXT concat_ws(' ', entry ->> 'rows', (SELECT string_agg(r, ', ' ORDER BY r) FROM jsonb_array_elements_text(entry -> 'not_reached') r WHERE r LIKE 'entries%'));
        PERFORM become(is_others);
        RETURN NEXT (SELECT string_agg(concat_ws(' ', history_kind, up, id, history_other_key), ', ' ORDER BY history_command, id, up DESC) FROM notes_history);
        RAISE SQLSTATE 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    END;
END $$;
SELECT try_made(false);
SELECT try_made(true);

-- A table that references itself, by one key or by two, asked for or at the end of a retention.
CREATE TABLE seen_self (strategy text, occasion text, keys int, id int, mail text, boss text, deputy text, entries text);
CREATE PROCEDURE reference_itself(strategy text, occasion text, keys int) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE staff (id int PRIMARY KEY, mail text UNIQUE, boss text REFERENCES staff (mail) ON UPDATE CASCADE ON DELETE SET NULL, deputy text);
    IF keys = 2 THEN ALTER TABLE staff ADD FOREIGN KEY (deputy) REFERENCES staff (mail) ON UPDATE CASCADE ON DELETE SET NULL; END IF;
    PERFORM softdelete.register('staff', strategy => strategy);
    PERFORM softdelete.track_history('staff');
    PERFORM softdelete.set_anonymizer('staff', 'mail', '''anon'' || id');
    INSERT INTO staff VALUES (1, 'a', NULL, NULL), (2, 'b', 'a', CASE keys WHEN 2 THEN 'a' END), (3, 'c', 'a', NULL), (4, 'd', 'd', CASE keys WHEN 2 THEN 'd' END);
    COMMIT;
    IF occasion <> 'live' THEN
        DELETE FROM staff WHERE id IN (3, 4);
        COMMIT;
        DELETE FROM staff WHERE id = 1;
        COMMIT;
    END IF;
    IF occasion = 'expiry' THEN
        PERFORM softdelete.configure('staff', retention => '0', on_expiry => 'anonymize');
        COMMIT;
        CALL softdelete.purge('staff');
        COMMIT;
    ELSE
        PERFORM softdelete.anonymize('staff', 'request', i) FROM unnest('{4,1,3}'::int[]) i;
        COMMIT;
    END IF;
    INSERT INTO seen_self SELECT strategy, occasion, keys, h.id, min(s.mail), min(s.boss), min(s.deputy),
        string_agg(DISTINCT concat(h.history_kind, ' ') || concat_ws('<', h.mail, h.boss, h.deputy), ', ')
        FROM staff_history h LEFT JOIN all_staff s ON s.id = h.id GROUP BY h.id;
    PERFORM softdelete.untrack_history('staff', 'drop');
    COMMIT;
    DROP TABLE staff CASCADE;
    IF strategy = 'archive' THEN DROP TABLE staff_archive; END IF;
END $$;
CALL reference_itself('flag', 'live', 1);
CALL reference_itself('flag', 'live', 2);
CALL reference_itself('archive', 'live', 2);
CALL reference_itself('flag', 'request', 2);
CALL reference_itself('archive', 'request', 1);
CALL reference_itself('archive', 'request', 2);
CALL reference_itself('flag', 'expiry', 2);
CALL reference_itself('archive', 'expiry', 1);
CALL reference_itself('archive', 'expiry', 2);
SELECT * FROM seen_self ORDER BY strategy, occasion, keys, id;

RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_carried CASCADE;
DROP ROLE regress_carried_user, regress_carried_bob, regress_carried;
