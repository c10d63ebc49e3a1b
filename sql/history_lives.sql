-- Erasure and anonymization in histories: all entries of the subject's rows go, also those from before a row referenced the
-- subject, whatever became of it; those of other rows that had the same key at another time stay.
SET client_min_messages = warning;
CREATE SCHEMA regress_history_lives;
CREATE ROLE regress_lives_owner;
GRANT ALL ON SCHEMA regress_history_lives TO regress_lives_owner;
GRANT SET ON PARAMETER softdelete.deletion TO regress_lives_owner;
SET SESSION AUTHORIZATION regress_lives_owner;
SET search_path = regress_history_lives;
SET client_min_messages = error;

-- A child by each strategy and fate, under the key of a stranger's row that was there before, and of one after it. What a history
-- still tells of each row after the erasure of its parent.
CREATE TABLE outcome (strategy text, fate text, what text, kept bigint, recorded bigint);
CREATE FUNCTION try(strategy text, fate text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE firms (id int PRIMARY KEY, name text);
    CREATE TABLE sites (id int PRIMARY KEY, firm int REFERENCES firms ON DELETE CASCADE, what text);
    CREATE INDEX ON sites (firm);
    IF strategy <> 'none' THEN
        PERFORM softdelete.register('sites', strategy => strategy);
    END IF;
    PERFORM softdelete.register('firms');
    PERFORM softdelete.track_history('firms');
    PERFORM softdelete.track_history('sites');
    INSERT INTO firms VALUES (1, 'subject'), (2, 'stranger');
END $$;
CREATE PROCEDURE walk(strategy text, fate text) LANGUAGE plpgsql AS $$
DECLARE
    recorded bigint[];
BEGIN
    PERFORM try(strategy, fate);
    COMMIT;
    -- Somebody's before.
    INSERT INTO sites VALUES (30, 2, 'before');
    COMMIT;
    UPDATE sites SET what = 'before' WHERE id = 30;
    COMMIT;
    DELETE FROM sites WHERE id = 30;
    COMMIT;
    IF strategy = 'flag' THEN
        PERFORM softdelete.configure('sites', retention => '0');
        COMMIT;
        CALL softdelete.purge('sites');
    END IF;
    -- The subject's, which was nobody's first.
    INSERT INTO sites VALUES (CASE fate WHEN 'moved' THEN 31 ELSE 30 END, NULL, 'subject');
    COMMIT;
    UPDATE sites SET firm = 2 WHERE what = 'subject';
    COMMIT;
    UPDATE sites SET id = 30, firm = 1 WHERE what = 'subject';
    COMMIT;
    IF fate <> 'live' THEN
        DELETE FROM sites WHERE id = 30;
        COMMIT;
    END IF;
    IF fate = 'purged' THEN
        PERFORM softdelete.configure('sites', retention => '0') WHERE strategy <> 'none';
        COMMIT;
        CALL softdelete.purge('sites');
    END IF;
    -- Somebody's after it.
    IF fate <> 'live' AND (strategy <> 'flag' OR fate = 'purged') THEN
        INSERT INTO sites VALUES (30, 2, 'after');
        COMMIT;
        UPDATE sites SET what = 'after' WHERE id = 30;
        COMMIT;
        IF fate = 'covered' THEN
            DELETE FROM sites WHERE id = 30;
            COMMIT;
        END IF;
    END IF;
    CREATE TEMP TABLE seen AS SELECT h.what, count(*) FROM sites_history h GROUP BY h.what;
    PERFORM softdelete.erase('firms', 'request', 1);
    INSERT INTO outcome SELECT strategy, fate, s.what, (SELECT count(*) FROM sites_history h WHERE h.what = s.what), s.count FROM seen s;
    DROP TABLE seen;
    PERFORM softdelete.untrack_history('firms');
    PERFORM softdelete.untrack_history('sites');
    IF strategy <> 'none' THEN
        PERFORM softdelete.unregister('sites', 'purge');
    END IF;
    PERFORM softdelete.unregister('firms', 'purge');
    DROP TABLE firms, sites, firms_history, sites_history;
    COMMIT;
END $$;
SELECT format('CALL walk(%L, %L)', strategy, fate)
FROM unnest('{none,flag,archive}'::text[]) strategy, unnest('{live,deleted,purged,moved,covered}'::text[]) fate
WHERE NOT (strategy = 'none' AND fate = 'purged')
ORDER BY 1 \gexec
SELECT * FROM outcome ORDER BY 1, 2, 3;
-- Nothing of the subject's is left, and all of the others.
SELECT count(*) FROM outcome WHERE kept <> CASE what WHEN 'subject' THEN 0 ELSE recorded END;

-- Archived rows that are anonymized are not those that have their keys now, or had them.
CREATE TABLE tags (id int PRIMARY KEY, what text);
SELECT count(*) > 0 AS registered FROM softdelete.register('tags', strategy => 'archive');
SELECT softdelete.track_history('tags');
SELECT softdelete.set_anonymizer('tags', 'what', '''nobody''');
INSERT INTO tags VALUES (1, 'first');
DELETE FROM tags;
SELECT count(*) > 0 AS configured FROM softdelete.configure('tags', retention => '0', on_expiry => 'anonymize');
INSERT INTO tags VALUES (1, 'second');
UPDATE tags SET what = 'second, changed';
CALL softdelete.purge('tags');
SELECT what FROM tags_archive;
SELECT history_kind, what FROM tags_history ORDER BY history_at;
-- Who is named is each row that had the key.
SELECT softdelete.anonymize('tags', 'request', 1) -> 'rows' AS rows;
SELECT history_kind, what FROM tags_history ORDER BY history_at;

-- Anonymization reaches what is archived under a former key, by keys of each kind and at any depth, also where another row has it now.
CREATE TABLE people (id int PRIMARY KEY, name text);
CREATE TABLE letters (id int PRIMARY KEY, person int REFERENCES people ON UPDATE CASCADE ON DELETE CASCADE, text text);
CREATE TABLE bills (id int PRIMARY KEY, person int REFERENCES people ON UPDATE CASCADE, text text);
CREATE TABLE lines (id int PRIMARY KEY, bill int REFERENCES bills ON UPDATE CASCADE ON DELETE CASCADE, text text);
CREATE INDEX ON letters (person);
CREATE INDEX ON bills (person);
CREATE INDEX ON lines (bill);
SELECT softdelete.track_history('people'), softdelete.track_history('letters'), softdelete.track_history('bills');
SELECT count(*) > 0 AS registered FROM softdelete.register('lines', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('letters', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('bills', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('people', strategy => 'archive');
SELECT softdelete.set_anonymizer('people', 'name', '''x'''), softdelete.set_anonymizer('letters', 'text', '''x'''),
    softdelete.set_anonymizer('bills', 'text', '''x'''), softdelete.set_anonymizer('lines', 'text', '''x''');
INSERT INTO people VALUES (3, 'cat'), (4, 'dan');
INSERT INTO letters VALUES (1, 3, 'cat'), (2, 3, 'cat'), (3, 4, 'dan'), (4, 4, 'dan');
INSERT INTO bills VALUES (1, 3, 'cat'), (2, 3, 'cat'), (3, 4, 'dan');
INSERT INTO lines VALUES (1, 1, 'cat'), (2, 2, 'cat'), (3, 2, 'cat'), (4, 3, 'dan');
DELETE FROM letters WHERE id IN (1, 3);
DELETE FROM bills WHERE id = 1;
DELETE FROM lines WHERE id = 2;
UPDATE bills SET id = 22 WHERE id = 2;
UPDATE people SET id = 33 WHERE id = 3;
UPDATE people SET id = 44 WHERE id = 4;
CREATE VIEW told AS SELECT 'letters' AS relation, id, text FROM all_letters UNION ALL SELECT 'bills', id, text FROM all_bills
    UNION ALL SELECT 'lines', id, text FROM all_lines UNION ALL SELECT 'letters_history', id, text FROM letters_history
    UNION ALL SELECT 'bills_history', id, text FROM bills_history;
SELECT e -> 'rows' AS rows, e -> 'not_reached' -> 0 AS first FROM softdelete.anonymize('people', 'request', 33) e;
SELECT relation, text, count(*), array_agg(DISTINCT id ORDER BY id) AS ids FROM told GROUP BY 1, 2 ORDER BY 1, 2;
INSERT INTO people VALUES (4, 'eve');
SELECT e -> 'rows' AS rows, e -> 'not_reached' -> 0 AS first FROM softdelete.anonymize('people', 'request', 44) e;
SELECT relation, text, count(*), array_agg(DISTINCT id ORDER BY id) AS ids FROM told WHERE text <> 'x' GROUP BY 1, 2 ORDER BY 1, 2;

-- A row that came back from an archive is the same row, under a former key as well; one that was inserted under its key is another.
CREATE TABLE shelf (id int PRIMARY KEY, what text);
SELECT softdelete.track_history('shelf');
SELECT count(*) > 0 AS registered FROM softdelete.register('shelf', strategy => 'archive');
CREATE PROCEDURE live(id int, now int, what text) LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO shelf VALUES (id, what);
    COMMIT;
    DELETE FROM shelf s WHERE s.id = live.id;
    COMMIT;
    IF what <> 'other' THEN
        PERFORM softdelete.restore('shelf', id);
        COMMIT;
        UPDATE shelf s SET id = now WHERE s.id = live.id;
        COMMIT;
    END IF;
END $$;
CALL live(1, 1, 'other');
CALL live(1, 10, 'subject');
CALL live(1, 1, 'other');
CALL live(1, 20, 'held');
SELECT history_kind, history_deletion_id IS NOT NULL AS has_deletion, id FROM shelf_history WHERE what = 'held' ORDER BY history_at;
SELECT softdelete.hold('shelf', 'case', 20) > 0 AS held;
SELECT softdelete.erase('shelf', 'request', 10) -> 'rows' AS rows;
SELECT what, count(*) FROM shelf_history GROUP BY what ORDER BY what;
SELECT id, what FROM shelf_archive ORDER BY deleted_at;
SELECT softdelete.erase('shelf', 'request', 1) -> 'rows' AS rows;
SELECT what, count(*) FROM shelf_history GROUP BY what ORDER BY what;
SELECT count(softdelete.release(id)) FROM softdelete.holds WHERE relation = 'shelf'::regclass;
SELECT softdelete.set_anonymizer('shelf', 'what', '''nobody''');
SELECT softdelete.anonymize('shelf', 'request', 20) -> 'rows' AS rows;
SELECT what, count(*) FROM shelf_history GROUP BY what ORDER BY what;

-- Who had a key, or a row below, at another time is another subject, at every level; so are rows on hold. What lies below rows
-- that are gone for good belongs to the subject, in archives and histories.
CREATE TABLE owners (id int PRIMARY KEY, what text);
CREATE TABLE boxes (id int PRIMARY KEY, owner int REFERENCES owners ON UPDATE CASCADE ON DELETE CASCADE, what text);
CREATE TABLE things (id int PRIMARY KEY, box int REFERENCES boxes ON UPDATE CASCADE ON DELETE CASCADE, what text);
CREATE INDEX ON boxes (owner);
CREATE INDEX ON things (box);
SELECT softdelete.track_history('owners'), softdelete.track_history('boxes'), softdelete.track_history('things');
SELECT count(*) > 0 AS registered FROM softdelete.register('things', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('boxes', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('owners', strategy => 'archive');
SELECT softdelete.set_anonymizer('owners', 'what', '''x'''), softdelete.set_anonymizer('boxes', 'what', '''x'''), softdelete.set_anonymizer('things', 'what', '''x''');
CREATE PROCEDURE fill(base int) LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO owners VALUES (base, 'before'), (base + 1, 'other'); COMMIT;
    INSERT INTO boxes VALUES (base, base, 'before'), (base + 1, base + 1, 'held'); COMMIT;
    INSERT INTO things VALUES (base, base, 'before'); COMMIT;
    UPDATE owners SET id = base + 2 WHERE id = base; COMMIT;                    -- with its box
    INSERT INTO owners VALUES (base, 'subject'); COMMIT;
    INSERT INTO boxes VALUES (base + 3, base, 'subject'), (base + 4, base, 'subject'); COMMIT;
    INSERT INTO things VALUES (base + 3, base + 3, 'subject'), (base + 4, base + 4, 'subject'), (base + 5, base + 4, 'subject'); COMMIT;
    UPDATE boxes SET owner = base + 1, what = 'other' WHERE id = base + 3; COMMIT;   -- handed over
    UPDATE things SET what = 'other' WHERE id = base + 3; COMMIT;
    UPDATE things SET what = 'other' WHERE id = base + 3; COMMIT;
    UPDATE boxes SET owner = base WHERE id = base + 1; COMMIT;
    UPDATE boxes SET owner = base + 1 WHERE id = base + 1; COMMIT;
    PERFORM softdelete.hold('boxes', 'case', base + 1); COMMIT;
    DELETE FROM things WHERE id = base + 4; COMMIT;
    SET LOCAL softdelete.deletion = hard;
    DELETE FROM boxes WHERE id = base + 4; COMMIT;                             -- gone for good, with a thing
END $$;
CREATE VIEW told_of AS SELECT 'owners' AS relation, what FROM owners_history UNION ALL SELECT 'boxes', what FROM boxes_history
    UNION ALL SELECT 'things', what FROM things_history UNION ALL SELECT 'things_archive', what FROM things_archive;
CALL fill(10);
SELECT relation, what, count(*) FROM told_of GROUP BY 1, 2 ORDER BY 1, 2;
SELECT e -> 'rows' AS rows, e -> 'not_reached' -> 0 AS first FROM softdelete.erase('owners', 'request', 10) e;
SELECT relation, what, count(*) FROM told_of GROUP BY 1, 2 ORDER BY 1, 2;
CALL fill(20);
SELECT e -> 'rows' AS rows, e -> 'not_reached' -> 0 AS first FROM softdelete.anonymize('owners', 'request', 20) e;
SELECT relation, what, count(*) FROM told_of GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(softdelete.release(id)) FROM softdelete.holds WHERE relation = 'boxes'::regclass AND released_at IS NULL;

-- What is generated from a column with a rule is made anew in entries as well; what cannot be made of former values is empty.
CREATE TABLE made (id int PRIMARY KEY, email text, size int, short text GENERATED ALWAYS AS (upper(email)) STORED,
    share int GENERATED ALWAYS AS (12 / (size - length(email))) STORED, twice int GENERATED ALWAYS AS (2 * size) STORED);
SELECT count(*) > 0 AS registered FROM softdelete.register('made');
SELECT softdelete.track_history('made');
SELECT softdelete.set_anonymizer('made', 'email', '''gone''');
INSERT INTO made (id, email, size) VALUES (1, 'ann@example.org', 4);
UPDATE made SET size = 5;
DELETE FROM made;
SELECT softdelete.anonymize('made', 'request', 1) -> 'rows' AS rows;
SELECT history_kind, email, size, short, share, twice FROM made_history ORDER BY history_at;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_history_lives CASCADE;
DROP OWNED BY regress_lives_owner;
DROP ROLE regress_lives_owner;
