-- A table with a history records each change of a row as what it was: who, when, why, and what changed.
CREATE ROLE regress_history;
CREATE SCHEMA regress_history AUTHORIZATION regress_history;
SET SESSION AUTHORIZATION regress_history;
SET search_path = regress_history;
CREATE TABLE "Order's" (id int PRIMARY KEY, status text, total numeric(8, 2), "pass word" text, big text);
SELECT softdelete.track_history('"Order''s"', without => '{pass word}');

-- What is recorded, without its times.
CREATE FUNCTION life(relation regclass, VARIADIC key text[]) RETURNS TABLE (kind text, actor text, diff text, reason text)
    LANGUAGE sql AS 'SELECT kind, actor, diff, reason FROM softdelete.history_of(relation, VARIADIC key)';

-- INSERT, UPDATE, an UPDATE of what is left out, and DELETE; actor and reason as the settings say.
INSERT INTO "Order's" VALUES (1, 'open', 10, 'secret', NULL);
SET softdelete.actor = 'ann';
SET softdelete.reason = 'paid by card';
UPDATE "Order's" SET status = 'paid', total = 10.5 WHERE id = 1;
RESET softdelete.actor;
RESET softdelete.reason;
UPDATE "Order's" SET "pass word" = 'other' WHERE id = 1;
DELETE FROM "Order's" WHERE id = 1;
SELECT * FROM life('"Order''s"', '1');

-- The rows on both sides, as JSON. What is left out is in neither.
SELECT kind, old, new FROM softdelete.history_of('"Order''s"', 1);
SELECT count(*) FROM "Order's_history" h WHERE h::text LIKE '%secret%';

-- A row as it was.
BEGIN;
INSERT INTO "Order's" VALUES (2, 'open', 20, 's', NULL);
COMMIT;
SELECT clock_timestamp() AS opened \gset
UPDATE "Order's" SET status = 'sent' WHERE id = 2;
SELECT clock_timestamp() AS sent \gset
DELETE FROM "Order's" WHERE id = 2;
SELECT softdelete.history_at('"Order''s"', :'opened', 2) ->> 'status' AS opened,
    softdelete.history_at('"Order''s"', :'sent', '2') ->> 'status' AS sent,
    softdelete.history_at('"Order''s"', clock_timestamp(), VARIADIC key => ARRAY['2']) AS now;
\set VERBOSITY sqlstate
SELECT softdelete.history_at('"Order''s"', '2000-01-01', 2); -- fails
\set VERBOSITY default

-- A row that was there before is known from the beginning on.
CREATE TABLE older (id int PRIMARY KEY, v text);
INSERT INTO older VALUES (1, 'a'), (2, 'b');
SELECT softdelete.track_history('older') AS tracked, clock_timestamp() AS began \gset
UPDATE older SET v = 'c' WHERE id = 1;
SELECT softdelete.history_at('older', :'began', 1), softdelete.history_at('older', :'began', 2), softdelete.history_at('older', :'began', 3);

-- COPY, INSERT ... ON CONFLICT, MERGE, a statement with several parts.
COPY older FROM STDIN;
10	copied
11	copied
\.
INSERT INTO older VALUES (10, 'x') ON CONFLICT (id) DO UPDATE SET v = excluded.v;
MERGE INTO older o USING (VALUES (10, 'm'), (11, NULL), (12, 'n')) v (id, v) ON v.id = o.id
    WHEN MATCHED AND v.v IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET v = v.v WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.v);
WITH gone AS (DELETE FROM older WHERE id = 12 RETURNING id) UPDATE older SET v = 'w' WHERE id = 10;
SELECT kind, diff FROM softdelete.history WHERE relation = 'older'::regclass AND coalesce(old, new) ->> 'id' IN ('10', '11', '12') ORDER BY changed_at, kind, diff;

-- TRUNCATE takes rows that are recorded.
TRUNCATE older;
SELECT kind, diff FROM softdelete.history WHERE relation = 'older'::regclass AND kind = 'TRUNCATE' ORDER BY diff;
SELECT softdelete.history_at('older', :'began', 2), softdelete.history_at('older', clock_timestamp(), 2);

-- What a savepoint rolls back was not; what it keeps was.
BEGIN;
INSERT INTO older VALUES (20, 'kept');
SAVEPOINT s;
INSERT INTO older VALUES (21, 'rolled back');
ROLLBACK TO s;
SAVEPOINT t;
UPDATE older SET v = 'kept too' WHERE id = 20;
RELEASE t;
DO $$ BEGIN UPDATE older SET v = 'lost' WHERE id = 20; RAISE 'x'; EXCEPTION WHEN OTHERS THEN NULL; END $$;
DO $$ BEGIN UPDATE older SET v = 'last' WHERE id = 20; EXCEPTION WHEN OTHERS THEN NULL; END $$;
COMMIT;
SELECT kind, diff FROM softdelete.history_of('older', 20);
SELECT * FROM softdelete.history_of('older', 21);

-- The order is that of the changes: a trigger changes rows once more before the first change is reported, one of them in an
-- exception block that rolls back, and one in a block that does not.
CREATE TABLE chained (id int PRIMARY KEY, n int);
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.n < 3 THEN
        BEGIN
            UPDATE chained SET n = 99;
            RAISE 'back';
        EXCEPTION WHEN raise_exception THEN
            NULL;
        END;
        UPDATE chained SET n = n + 1;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER "A first" AFTER UPDATE ON chained FOR EACH ROW EXECUTE FUNCTION again();
INSERT INTO chained VALUES (1, 0), (2, 0);
SELECT softdelete.track_history('chained');
UPDATE chained SET n = 1;
SELECT diff FROM softdelete.history_of('chained', 1);
SELECT diff FROM softdelete.history_of('chained', 2);
SELECT * FROM chained ORDER BY id;

-- Foreign keys: what CASCADE and SET NULL change, by each key.
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, a int REFERENCES parent ON DELETE SET NULL ON UPDATE CASCADE, b int REFERENCES parent ON DELETE CASCADE);
SELECT softdelete.track_history('child');
INSERT INTO parent VALUES (1), (2), (3);
INSERT INTO child VALUES (1, 1, 3), (2, 1, 2);
UPDATE parent SET id = 11 WHERE id = 1;
DELETE FROM parent WHERE id IN (11, 3);
SELECT kind, diff FROM softdelete.history_of('child', 1);
SELECT kind, diff FROM softdelete.history_of('child', 2);

-- A key that changes: the life goes on under the new key, and is found from there.
UPDATE child SET id = 5 WHERE id = 2;
INSERT INTO child VALUES (2, NULL, NULL);
UPDATE child SET b = NULL WHERE id = 5;
SELECT kind, diff FROM softdelete.history_of('child', 2);
SELECT kind, diff FROM softdelete.history_of('child', 5);
UPDATE child SET id = id + 100;
SELECT kind, diff FROM softdelete.history_of('child', 105);

-- Large values stay as they are stored, and are not compared by reading them.
INSERT INTO "Order's" SELECT 3, 'big', 1, NULL, string_agg(md5(i::text), '') FROM generate_series(1, 3000) i;
UPDATE "Order's" SET status = 'bigger' WHERE id = 3;
SELECT kind, left(diff, 60) AS diff, length(old ->> 'big') AS old, length(new ->> 'big') AS new FROM softdelete.history_of('"Order''s"', 3);

-- The history is written by softdelete alone, under no name.
INSERT INTO older_history DEFAULT VALUES; -- fails
UPDATE older_history SET v = NULL; -- fails
DELETE FROM older_history; -- fails
TRUNCATE older_history; -- fails
SELECT format('DELETE FROM %s', min(inhrelid::regclass::text)) AS statement FROM pg_inherits WHERE inhparent = 'older_history'::regclass \gset
\set VERBOSITY sqlstate
:statement; -- fails
\set VERBOSITY default

-- Errors.
CREATE TABLE nokey (v text);
SELECT softdelete.track_history('older'); -- fails
SELECT softdelete.track_history('older_history'); -- fails
SELECT softdelete.track_history(NULL); -- fails
SELECT softdelete.track_history('pg_class'); -- fails
SELECT softdelete.track_history('nokey', retention => '0'); -- fails
SELECT softdelete.track_history('nokey', retention => '300000 years'); -- fails
CREATE VIEW seen AS SELECT * FROM nokey;
CREATE TEMPORARY TABLE temporary (id int PRIMARY KEY);
SELECT softdelete.track_history('seen'); -- fails
SELECT softdelete.track_history('temporary'); -- fails
SELECT softdelete.track_history('nokey', without => '{x}'); -- fails
SELECT softdelete.track_history('parent', without => '{id}'); -- fails
SELECT softdelete.track_history('nokey', history_table => 'older'); -- fails
CREATE TABLE taken (id int PRIMARY KEY, history_at date);
SELECT softdelete.track_history('taken'); -- fails
SELECT * FROM softdelete.history_of('nokey', 1); -- fails
SELECT softdelete.untrack_history('nokey'); -- fails
SELECT softdelete.untrack_history('older', 'burn'); -- fails
SELECT softdelete.history_at('older', NULL, 1); -- fails
SELECT softdelete.history_at('older', now(), 1, 2); -- fails
SELECT softdelete.history_at('older', now(), 'x'); -- fails

-- A table without a primary key is recorded; its rows cannot be looked up.
SELECT softdelete.track_history('nokey', history_table => 'Nokey''s past');
INSERT INTO nokey VALUES ('a');
UPDATE nokey SET v = 'b';
SELECT kind, diff, old, new FROM softdelete.history WHERE relation = 'nokey'::regclass;
SELECT * FROM softdelete.history_of('nokey', 1); -- fails

-- A cursor-held, prepared and procedural change, and one in a function that reads only a part of RETURNING.
CREATE PROCEDURE twice() LANGUAGE plpgsql AS $$ BEGIN UPDATE older SET v = 'p1'; COMMIT; UPDATE older SET v = 'p2'; END $$;
CALL twice();
BEGIN; DECLARE c CURSOR FOR SELECT * FROM older FOR UPDATE; FETCH c; UPDATE older SET v = 'cursor' WHERE CURRENT OF c; COMMIT;
SELECT diff FROM softdelete.history_of('older', 20);

-- Its end: the history stays as a plain table, or goes.
SELECT softdelete.untrack_history('older');
DELETE FROM older_history WHERE v IS NULL;
INSERT INTO older VALUES (30, 'unseen');
SELECT count(*) FROM older_history WHERE id = 30;
DROP TABLE older_history;
SELECT softdelete.untrack_history('nokey', 'drop');
SELECT to_regclass('"Nokey''s past"');
-- Types whose name alone means a length of 1.
CREATE TABLE lengths (id int PRIMARY KEY, c char(5), b bit(4), v varchar(5));
SELECT softdelete.track_history('lengths');
INSERT INTO lengths VALUES (1, 'abcd', '1010', 'abcde');
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'lengths_history'::regclass AND attname IN ('c', 'b', 'v') ORDER BY 1;
CREATE TABLE copied (LIKE lengths_history);
INSERT INTO copied SELECT * FROM lengths_history;
SELECT id, c, b, v FROM copied;
RESET SESSION AUTHORIZATION;
SELECT relation FROM softdelete_internal.tracked_table ORDER BY relation::text;
SET client_min_messages = warning;
DROP OWNED BY regress_history;
SELECT count(*) FROM softdelete_internal.tracked_table;
SELECT count(*) FROM softdelete_internal.history_column;
DROP ROLE regress_history;
