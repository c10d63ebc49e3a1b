-- Soft delete, restore and purge in a history; erase and anonymize reach it; its own retention; holds.
CREATE ROLE regress_history_removal;
CREATE SCHEMA regress_history_removal AUTHORIZATION regress_history_removal;
SET SESSION AUTHORIZATION regress_history_removal;
SET search_path = regress_history_removal;
CREATE TABLE users (id int PRIMARY KEY, email text, note text);
CREATE TABLE orders (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE, what text);
CREATE INDEX ON orders ("user");
SELECT count(*) > 0 AS registered FROM softdelete.register('users', cascade => true);
SELECT softdelete.track_history('users'), softdelete.track_history('orders');
CREATE VIEW kinds AS SELECT relation, kind, coalesce(old, new) ->> 'id' AS id, coalesce(new ->> 'email', old ->> 'email') AS email,
    coalesce(new ->> 'what', old ->> 'what') AS what, actor FROM softdelete.history;

-- Each as what it was, with its deletion: DELETE, a hand-written UPDATE, restore, undo, cascades.
INSERT INTO users VALUES (1, 'a@x', 'n'), (2, 'b@x', 'n'), (3, 'c@x', 'n');
INSERT INTO orders VALUES (10, 1, 'p'), (20, 2, 'r');
DELETE FROM users WHERE id = 1;
SELECT softdelete.restore('users', 1);
UPDATE users SET deleted_at = now() WHERE id = 1;
SELECT softdelete.undo((SELECT max(id) FROM softdelete.deletions));
SELECT kind, deletion_id IS NOT NULL AS has_deletion FROM softdelete.history_of('users', 1);
SELECT kind, deletion_id IS NOT NULL AS has_deletion FROM softdelete.history_of('orders', 10);
DELETE FROM users WHERE id = 3;
SELECT softdelete.history_at('users', clock_timestamp(), 3) ->> 'deleted_at' IS NOT NULL AS is_deleted;
DELETE FROM users WHERE deleted_at IS NOT NULL AND id = 3;
SELECT kind FROM softdelete.history_of('users', 3);
SELECT softdelete.history_at('users', clock_timestamp(), 3);

-- Erase: the row's entries, those under its former key, those of rows that referenced it, and of no other row that has or had
-- one of the keys.
UPDATE users SET note = 'secret' WHERE id = 1;
UPDATE users SET id = 101 WHERE id = 1;
INSERT INTO users VALUES (1, 'other@x', 'o');
UPDATE users SET id = 102 WHERE id = 2;
INSERT INTO orders VALUES (11, 101, 'gone before');
DELETE FROM orders WHERE id = 11;
DELETE FROM orders WHERE deleted_at IS NOT NULL AND id = 11;
SELECT softdelete.erase('users', 'request 1', 101) -> 'rows' AS rows;
SELECT relation, kind, id, email, what FROM kinds WHERE relation <> 'orders'::regclass OR id <> '20' ORDER BY 1, id, kind, email;
SELECT count(*) FROM users_history h WHERE h::text ~ 'a@x|secret';
SELECT count(*) FROM orders_history h WHERE h::text ~ 'gone before|,p,';

-- Nor of one that the same statement, or the same transaction, gave the key: swaps, rings, and triggers that make room.
CREATE TABLE seats (id int PRIMARY KEY DEFERRABLE, who text, note text);
SELECT softdelete.track_history('seats');
SELECT count(*) > 0 AS registered FROM softdelete.register('seats');
CREATE FUNCTION make_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE seats SET id = id + 100 WHERE id = NEW.id; RETURN NEW; END $$;
CREATE FUNCTION end_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM seats WHERE id = NEW.id; DELETE FROM seats WHERE id = NEW.id AND deleted_at IS NOT NULL; RETURN NULL; END $$;
CREATE PROCEDURE try_erasing(what text, statements text) LANGUAGE plpgsql AS $$
DECLARE person text; seat int; others int; kept int;
BEGIN
    FOREACH person IN ARRAY ARRAY['ann', 'bob', 'cay'] LOOP
        BEGIN
            EXECUTE statements;
            UPDATE seats SET note = 'later';
            SELECT id INTO STRICT seat FROM seats WHERE who = person;
            SELECT count(*) INTO others FROM seats_history WHERE who <> person;
            PERFORM softdelete.erase('seats', 'why', seat);
            SELECT count(*) INTO kept FROM seats_history WHERE who <> person;
            IF kept <> others OR EXISTS (SELECT FROM seats_history WHERE who = person) THEN
                RAISE WARNING '%: erasing % leaves % of % entries of others, and % of the person', what, person, kept, others,
                    (SELECT count(*) FROM seats_history WHERE who = person);
            END IF;
            RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
        EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
        END;
    END LOOP;
END $$;
INSERT INTO seats VALUES (1, 'ann'), (2, 'bob'), (3, 'cay');
CALL try_erasing('swap', 'UPDATE seats SET id = 3 - id WHERE id < 3');
CALL try_erasing('swap twice', 'UPDATE seats SET id = 3 - id WHERE id < 3; UPDATE seats SET id = 3 - id WHERE id < 3');
CALL try_erasing('ring', 'UPDATE seats SET id = id % 3 + 1');
CALL try_erasing('ring twice', 'UPDATE seats SET id = id % 3 + 1; UPDATE seats SET id = id % 3 + 1');
CALL try_erasing('shift', 'UPDATE seats SET id = id + 1');
CALL try_erasing('by a free key', 'UPDATE seats SET id = 0 WHERE id = 1; UPDATE seats SET id = 1 WHERE id = 2; UPDATE seats SET id = 2 WHERE id = 0');
CALL try_erasing('deferred', 'SET CONSTRAINTS ALL DEFERRED; UPDATE seats SET id = 2 WHERE who = ''ann''; UPDATE seats SET id = 1 WHERE who = ''bob''');
CALL try_erasing('by one WITH', 'WITH a AS (UPDATE seats SET id = 9 WHERE id = 1 RETURNING 1), b AS (UPDATE seats SET id = 1 WHERE id = 2 RETURNING 1) UPDATE seats SET id = 2 WHERE id = 3');
CREATE TRIGGER room BEFORE INSERT ON seats FOR EACH ROW EXECUTE FUNCTION make_room();
CALL try_erasing('room by a trigger', 'INSERT INTO seats VALUES (2, ''dan'')');
DROP TRIGGER room ON seats;
CREATE TRIGGER ends AFTER INSERT ON seats FOR EACH ROW WHEN (NEW.who = 'dan') EXECUTE FUNCTION end_row();
CALL try_erasing('gone at once', 'UPDATE seats SET id = 9 WHERE id = 1; INSERT INTO seats VALUES (1, ''dan'')');
UPDATE seats SET id = 3 - id WHERE id < 3;
SELECT kind, diff FROM softdelete.history_of('seats', 1);
SELECT kind, diff FROM softdelete.history_of('seats', 2);

DROP TRIGGER ends ON seats;
CREATE TRIGGER room BEFORE INSERT ON seats FOR EACH ROW EXECUTE FUNCTION make_room();
UPDATE seats SET note = 'seen' WHERE id = 2;
SELECT clock_timestamp() AS before \gset
INSERT INTO seats VALUES (2, 'dan');
SELECT softdelete.history_at('seats', :'before', 2) ->> 'who' AS before, softdelete.history_at('seats', clock_timestamp(), 2) ->> 'who' AS now;
SELECT kind, diff FROM softdelete.history_of('seats', 2);
SELECT kind, diff FROM softdelete.history WHERE relation = 'seats'::regclass AND diff LIKE 'note%';

-- A row that is gone already: its history is erased as well, once.
SELECT softdelete.erase('users', 'request 2', 3) -> 'rows' AS rows;
SELECT softdelete.erase('users', 'request 2', 3); -- fails

-- Anonymize: by the rules of the row, in all its entries, with who and why; former columns as well.
ALTER TABLE users ADD COLUMN phone text;
UPDATE users SET phone = '123' WHERE id = 102;
ALTER TABLE users ALTER phone TYPE bigint USING phone::bigint;
SELECT softdelete.set_anonymizer('users', 'email', '''user '' || id');
SELECT softdelete.set_anonymizer('users', 'phone', 'NULL');
SET softdelete.reason = 'b called from 123';
DELETE FROM users WHERE id = 102;
RESET softdelete.reason;
SELECT softdelete.anonymize('users', 'request 3', 102) -> 'rows' AS rows;
SELECT kind, actor, reason, old ->> 'email' AS old, new ->> 'email' AS new, new ->> 'phone' AS phone FROM softdelete.history_of('users', 102);
SELECT count(*) FROM users_history h WHERE h::text ~ 'b@x|[,(]123[,)]|from 123';

-- What columns were before is emptied, whatever they were called, and whatever became of them.
CREATE TABLE letters (id int PRIMARY KEY, name text, mail text, street text, house int);
SELECT count(*) > 0 AS registered FROM softdelete.register('letters');
SELECT softdelete.track_history('letters');
SELECT softdelete.set_anonymizer('letters', 'name', '''nobody'''), softdelete.set_anonymizer('letters', 'mail', 'NULL');
INSERT INTO letters VALUES (1, 'secret name', 'secret@mail', 'secret street', 4711), (2, 'other name', 'other@mail', 'other street', 4712);
ALTER TABLE letters ALTER mail TYPE varchar(50);
ALTER TABLE letters RENAME mail TO address;
ALTER TABLE letters DROP COLUMN street;
ALTER TABLE letters ALTER house TYPE text;
ALTER TABLE letters RENAME house TO number;
UPDATE letters SET name = name || '!';
SELECT softdelete.anonymize('letters', 'request 6', 1) -> 'rows' AS rows;
SELECT count(*) FROM letters_history h WHERE id = 1 AND h::text ~ 'secret';
SELECT count(mail_former) AS mails, count(street_former) AS streets, count(house_former) AS houses, id FROM letters_history GROUP BY id ORDER BY id;
SELECT count(*) FROM letters_history h WHERE id = 2 AND h::text ~ 'other@mail|other street';

-- Erase finds rows that referenced the row as the foreign key compares, at any time, by any number of columns, and of any
-- number of rows that go: in the end nothing but what is about others is left.
CREATE TABLE firms (a numeric, b int, PRIMARY KEY (a, b));
CREATE TABLE sites (id int PRIMARY KEY, a numeric, b bigint, FOREIGN KEY (a, b) REFERENCES firms ON DELETE CASCADE);
CREATE TABLE rooms (id int PRIMARY KEY, site bigint REFERENCES sites ON DELETE CASCADE);
CREATE INDEX ON sites (a, b);
CREATE INDEX ON rooms (site);
SELECT count(*) > 0 AS registered FROM softdelete.register('firms', cascade => true);
SELECT softdelete.track_history('firms'), softdelete.track_history('sites'), softdelete.track_history('rooms');
INSERT INTO firms VALUES (1.0, 1), (1.0, 2);
INSERT INTO sites SELECT i, 1.00, 1 FROM generate_series(1, 50) i;
INSERT INTO sites VALUES (60, 1.000, 2);
INSERT INTO rooms SELECT i, i FROM generate_series(1, 50) i;
INSERT INTO rooms VALUES (60, 60), (61, 50);
UPDATE rooms SET site = 60 WHERE id = 61;
DELETE FROM rooms WHERE id < 40;
DELETE FROM sites WHERE id < 30;
DELETE FROM rooms WHERE deleted_at IS NOT NULL;
DELETE FROM sites WHERE deleted_at IS NOT NULL;
SELECT softdelete.erase('firms', 'request 7', 1, 1) -> 'rows' AS rows;
SELECT history_kind, a, b FROM firms_history ORDER BY history_at;
SELECT history_kind, id, a, b FROM sites_history ORDER BY history_at;
SELECT history_kind, id, site FROM rooms_history ORDER BY history_at;

-- So it does where the column of the key got another type since, or another name.
CREATE TABLE shops (id int PRIMARY KEY);
CREATE TABLE sales (id int PRIMARY KEY, shop int REFERENCES shops ON DELETE CASCADE, note text);
CREATE INDEX ON sales (shop);
SELECT count(*) > 0 AS registered FROM softdelete.register('shops', cascade => true);
SELECT softdelete.track_history('shops'), softdelete.track_history('sales');
INSERT INTO shops VALUES (1), (2);
INSERT INTO sales VALUES (1, 1, 'secret'), (2, 2, 'other');
DELETE FROM sales;
DELETE FROM sales WHERE deleted_at IS NOT NULL;
ALTER TABLE shops ALTER id TYPE bigint;
ALTER TABLE sales ALTER shop TYPE bigint;
ALTER TABLE sales RENAME shop TO place;
SELECT softdelete.erase('shops', 'request 8', 1) -> 'rows' AS rows;
SELECT history_kind, id, place, note FROM sales_history ORDER BY history_at;

-- And where the row itself has no history.
CREATE DOMAIN code AS text;
CREATE TABLE towns (id code PRIMARY KEY);
CREATE TABLE streets (id int PRIMARY KEY, town text REFERENCES towns ON DELETE CASCADE, note text);
CREATE TABLE doors (id int PRIMARY KEY, street int REFERENCES streets ON DELETE CASCADE);
CREATE INDEX ON streets (town);
CREATE INDEX ON doors (street);
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('towns', cascade => true);
RESET client_min_messages;
SELECT softdelete.track_history('streets'), softdelete.track_history('doors');
INSERT INTO towns VALUES ('a'), ('b');
INSERT INTO streets VALUES (1, 'a', 'secret'), (2, 'b', 'other'), (3, 'a', 'live');
INSERT INTO doors VALUES (1, 1), (2, 2);
DELETE FROM streets WHERE id < 3;
DELETE FROM doors WHERE deleted_at IS NOT NULL;
DELETE FROM streets WHERE deleted_at IS NOT NULL;
SELECT softdelete.erase('towns', 'request 9', 'a') -> 'rows' AS rows;
SELECT history_kind, id, town, note FROM streets_history ORDER BY history_at;
SELECT history_kind, id, street FROM doors_history ORDER BY history_at;

-- And by values of any type: composite ones with a cast to text of their own, arrays, and such as have a length.
CREATE TYPE place AS (x int, y text);
CREATE FUNCTION name_place(place) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1.x || ''/'' || $1.y';
CREATE CAST (place AS text) WITH FUNCTION name_place(place) AS ASSIGNMENT;
CREATE TABLE above (a place, b int[], c char(4), d bit(3), e boolean, f timestamptz, g "char", PRIMARY KEY (a, b, c, d, e, f, g));
CREATE TABLE beneath (id int PRIMARY KEY, a place, b int[], c char(4), d bit(3), e boolean, f timestamptz, g "char",
    FOREIGN KEY (a, b, c, d, e, f, g) REFERENCES above ON DELETE CASCADE);
CREATE INDEX ON beneath (a, b, c, d, e, f, g);
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('above', cascade => true);
RESET client_min_messages;
SELECT softdelete.track_history('above'), softdelete.track_history('beneath');
INSERT INTO above VALUES ('(1,"a b")', '{1,2}', 'ab', '101', true, '2026-01-01', 'x'), ('(2,)', '{1,3}', 'ab', '101', true, '2026-01-01', 'x');
INSERT INTO beneath SELECT row_number() OVER (ORDER BY b), a, b, c, d, e, f, g FROM above;
DELETE FROM beneath;
DELETE FROM beneath WHERE deleted_at IS NOT NULL;
SELECT softdelete.erase('above', 'request 10', '(1,"a b")', '{1,2}', 'ab', '101', 't', '2026-01-01', 'x') -> 'rows' AS rows;
SELECT history_kind, id FROM beneath_history ORDER BY history_at;

-- A rule of a column that the history leaves out empties what it keeps.
CREATE TABLE people (id int PRIMARY KEY, name text, salt text);
SELECT count(*) > 0 AS registered FROM softdelete.register('people');
SELECT softdelete.track_history('people', without => '{salt}');
SELECT softdelete.set_anonymizer('people', 'name', 'md5(salt)');
INSERT INTO people VALUES (1, 'Ann', 's');
UPDATE people SET name = 'Anna';
SELECT softdelete.anonymize('people', 'request 4', 1) -> 'rows' AS rows;
SELECT kind, old ->> 'name' AS old FROM softdelete.history_of('people', 1);

-- A rule of the key: no entry keeps the former one.
CREATE TABLE mails (email text PRIMARY KEY, n int);
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('mails');
RESET client_min_messages;
SELECT softdelete.track_history('mails');
SELECT softdelete.set_anonymizer('mails', 'email', '''m'' || n');
INSERT INTO mails VALUES ('ann@x', 1);
UPDATE mails SET n = 2;
SELECT softdelete.anonymize('mails', 'request 5', 'ann@x') -> 'rows' AS rows;
SELECT count(*) FROM mails_history;

-- Held rows cannot be erased, and their entries stay when the retention passes; others go. A history without a registered
-- table is purged as well.
CREATE TABLE plain (id int PRIMARY KEY, v text);
SELECT softdelete.track_history('plain', retention => '1 microsecond');
CREATE TABLE cases (id int PRIMARY KEY, v text);
SELECT count(*) > 0 AS registered FROM softdelete.register('cases', retention => '1 year');
SELECT softdelete.track_history('cases', retention => '1 microsecond');
INSERT INTO plain VALUES (1, 'a'), (2, 'b');
INSERT INTO cases VALUES (1, 'a'), (2, 'b'), (3, 'c');
UPDATE cases SET id = 12 WHERE id = 2;
SELECT softdelete.hold('cases', 'a case', 12) > 0 AS is_held \gset
\set VERBOSITY sqlstate
SELECT softdelete.erase('cases', 'why', 12); -- fails
\set VERBOSITY default
CALL softdelete.purge('plain');
CALL softdelete.purge('cases', batch_size => 1);
SELECT count(*) FROM plain_history;
SELECT history_kind, id FROM cases_history ORDER BY history_at, history_kind DESC;
SELECT table_name, state, due, removed, held FROM softdelete.purge_log WHERE table_name LIKE '%history' ORDER BY id;
SELECT softdelete.history_at('plain', clock_timestamp(), 1);
\set VERBOSITY sqlstate
SELECT softdelete.history_at('plain', now() - interval '1 hour', 1); -- fails
\set VERBOSITY default

-- While a row is on hold its history stays, whatever statement would end it, empty it or take it apart, be it the row's own
-- hold or one above it.
CREATE TABLE plots (id int PRIMARY KEY, v text);
CREATE TABLE trees (id int PRIMARY KEY, plot int REFERENCES plots ON DELETE CASCADE, v text);
CREATE INDEX ON trees (plot);
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('plots');
RESET client_min_messages;
SELECT softdelete.track_history('plots'), softdelete.track_history('trees', history_table => 'tree_past');
INSERT INTO plots VALUES (1, 'evidence');
INSERT INTO trees VALUES (1, 1, 'evidence');
SELECT min(tableoid)::regclass AS part FROM tree_past \gset
SET client_min_messages = error;
SELECT softdelete.hold('plots', 'a case', 1) > 0 AS is_held;
RESET client_min_messages;
CREATE TABLE ways (id int, what text);
INSERT INTO ways SELECT row_number() OVER (), replace(what, '@', :'part') FROM unnest(ARRAY[
    'SELECT softdelete.untrack_history(''plots'', ''drop'')', 'SELECT softdelete.untrack_history(''trees'', ''drop'')',
    'SELECT softdelete.untrack_history(''trees'')', 'DROP TABLE tree_past', 'DROP TABLE @', 'DROP TABLE trees', 'TRUNCATE tree_past', 'TRUNCATE @',
    'DELETE FROM tree_past', 'DELETE FROM @', 'UPDATE tree_past SET v = NULL', 'ALTER TABLE tree_past DETACH PARTITION @',
    'ALTER TABLE tree_past DISABLE TRIGGER USER', 'ALTER TABLE @ DISABLE TRIGGER USER', 'ALTER TABLE tree_past DISABLE TRIGGER softdelete_kept',
    'ALTER TABLE tree_past ENABLE REPLICA TRIGGER softdelete_kept', 'ALTER TRIGGER softdelete_kept ON tree_past RENAME TO other',
    'DROP TRIGGER softdelete_kept ON tree_past', 'CREATE OR REPLACE TRIGGER softdelete_kept BEFORE INSERT ON tree_past EXECUTE FUNCTION suppress_redundant_updates_trigger()',
    'ALTER TABLE tree_past DROP COLUMN v', 'ALTER TABLE tree_past ALTER v TYPE int USING NULL', 'ALTER TABLE @ ALTER v TYPE int USING NULL',
    'ALTER TABLE tree_past DROP COLUMN history_actor', 'ALTER TABLE @ SET UNLOGGED', 'DROP SCHEMA regress_history_removal CASCADE',
    'DROP OWNED BY regress_history_removal CASCADE']) AS what;
CREATE FUNCTION try_way(way text, security text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('row_security', security, true);
    EXECUTE way;
    RAISE 'passes' USING ERRCODE = 'ZZZZZ';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
BEGIN;
SET LOCAL client_min_messages = error;
SELECT replace(what, :'part', '@') AS what, replace(try_way(what, 'on'), :'part', '@') AS on FROM ways ORDER BY id;
SELECT replace(what, :'part', '@') AS what, replace(try_way(what, 'off'), :'part', '@') AS off FROM ways ORDER BY id;
ROLLBACK;
RESET SESSION AUTHORIZATION;
\set VERBOSITY terse
ALTER TABLE tree_past DISABLE TRIGGER ALL; -- fails
SET row_security = off;
ALTER TABLE tree_past DISABLE TRIGGER ALL; -- fails
RESET row_security;
\set VERBOSITY default
SET SESSION AUTHORIZATION regress_history_removal;
SELECT softdelete.release(id) FROM softdelete.holds WHERE relation = 'plots'::regclass;
ALTER TABLE tree_past DISABLE TRIGGER USER; -- fails
SELECT softdelete.untrack_history('plots', 'drop'), softdelete.untrack_history('trees');
DROP TABLE tree_past;

-- A partition that has expired as a whole is dropped, unless it has entries of a held row.
RESET SESSION AUTHORIZATION;
INSERT INTO plain VALUES (3, 'c');
SET row_security = off;
SET session_replication_role = replica;
CREATE TABLE plain_history_old (LIKE plain_history);
ALTER TABLE plain_history_old OWNER TO regress_history_removal;
INSERT INTO plain_history_old SELECT * FROM plain_history;
UPDATE plain_history_old SET history_at = '2020-01-01 12:00';
ALTER TABLE plain_history ATTACH PARTITION plain_history_old FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
CREATE TABLE cases_history_old (LIKE cases_history);
ALTER TABLE cases_history_old OWNER TO regress_history_removal;
INSERT INTO cases_history_old SELECT * FROM cases_history;
INSERT INTO cases_history_old (history_at, history_kind, id) VALUES ('2020-01-01', 'I', 77);
UPDATE cases_history_old SET history_at = '2020-01-01 12:00';
ALTER TABLE cases_history ATTACH PARTITION cases_history_old FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
RESET session_replication_role;
RESET row_security;
SET SESSION AUTHORIZATION regress_history_removal;
CALL softdelete.purge('plain');
CALL softdelete.purge('cases');
SELECT to_regclass('plain_history_old'), to_regclass('cases_history_old');
SELECT count(*) FROM cases_history_old;
SELECT count(*) FROM plain_history;
SELECT softdelete.release(id) FROM softdelete.holds WHERE relation = 'cases'::regclass;
CALL softdelete.purge('cases');
SELECT to_regclass('cases_history_old');

-- A table with a history alone: erase removes the row, what goes with it and all entries, and is the one way to the entries.
CREATE TABLE guests (id int PRIMARY KEY, mail text);
CREATE TABLE stays (id int PRIMARY KEY, guest int REFERENCES guests ON UPDATE CASCADE ON DELETE CASCADE, mail text);
CREATE INDEX ON stays (guest);
SELECT softdelete.track_history('guests'), softdelete.track_history('stays');
INSERT INTO guests VALUES (1, 'ann@x'), (2, 'ben@x'), (3, 'cid@x'), (4, 'dan@x');
INSERT INTO stays VALUES (10, 1, 'ann@x'), (20, 2, 'ben@x'), (30, 3, 'cid@x');
UPDATE guests SET id = 11 WHERE id = 1;
SELECT e -> 'rows' AS rows, e -> 'key' AS key FROM softdelete.erase('guests', 'request 1', 11) e;
DELETE FROM guests WHERE id = 2;
SELECT e -> 'rows' AS rows, e -> 'key' AS key FROM softdelete.erase('guests', 'request 2', 2) e;
ALTER TABLE guests ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT e -> 'rows' AS rows, e -> 'key' AS key FROM softdelete.erase('guests', 'request 3', 3) e;
ALTER TABLE guests DISABLE ROW LEVEL SECURITY;
SELECT * FROM guests;
SELECT history_kind, id, mail FROM guests_history;
SELECT count(*) FROM stays_history;
SELECT softdelete.erase('guests', 'request 4', 3); -- fails
CREATE FUNCTION keep_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER keep_row BEFORE DELETE ON guests FOR EACH ROW EXECUTE FUNCTION keep_row();
SELECT softdelete.erase('guests', 'request 4', 4); -- fails
SELECT count(*) FROM guests_history;
RESET SESSION AUTHORIZATION;
CREATE ROLE regress_history_other;
GRANT USAGE ON SCHEMA regress_history_removal TO regress_history_other;
GRANT ALL ON regress_history_removal.guests, regress_history_removal.guests_history TO regress_history_other;
SET SESSION AUTHORIZATION regress_history_other;
SELECT softdelete.erase('guests', 'request 4', 4); -- fails
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_history_other;
DROP ROLE regress_history_other;
SET SESSION AUTHORIZATION regress_history_removal;
SELECT relation, reason, rows FROM softdelete.erasure_log WHERE table_name = 'regress_history_removal.guests' ORDER BY id;
DROP TABLE stays, guests, stays_history, guests_history;
RESET SESSION AUTHORIZATION;
SELECT relation, reason FROM softdelete.erasure_log WHERE table_name = 'regress_history_removal.guests' ORDER BY id;
SET SESSION AUTHORIZATION regress_history_removal;

-- What a hold protects is looked up once in a transaction, for all partitions.
CREATE TABLE files (id int PRIMARY KEY, v text);
SELECT count(*) > 0 AS registered FROM softdelete.register('files', retention => '1 year');
SELECT softdelete.track_history('files', retention => '1 year');
INSERT INTO files VALUES (1, 'a'), (2, 'b');
SELECT softdelete.hold('files', 'a case', 1) > 0 AS is_held;
SELECT min(tableoid)::regclass AS newest FROM files_history \gset
RESET SESSION AUTHORIZATION;
SET row_security = off;
SET session_replication_role = replica;
DO $$ BEGIN
    FOR year IN 2010 .. 2016 LOOP
        EXECUTE format('CREATE TABLE files_history_%s (LIKE files_history)', year);
        EXECUTE format('ALTER TABLE files_history_%s OWNER TO regress_history_removal', year);
        EXECUTE format('INSERT INTO files_history_%s SELECT * FROM files_history WHERE id = 2 AND history_at > ''2020-01-01''', year);
        EXECUTE format('UPDATE files_history_%s SET history_at = ''%1$s-06-01''', year);
        EXECUTE format('ALTER TABLE files_history ATTACH PARTITION files_history_%s FOR VALUES FROM (''%1$s-01-01'') TO (''%2$s-01-01'')', year, year + 1);
    END LOOP;
END $$;
RESET session_replication_role;
RESET row_security;
SET SESSION AUTHORIZATION regress_history_removal;
BEGIN;
SELECT coalesce(sum(idx_scan), 0) AS before FROM pg_stat_xact_user_tables WHERE relid = :'newest'::regclass \gset
CALL softdelete.purge('files');
SELECT sum(idx_scan) - :before AS look_ups FROM pg_stat_xact_user_tables WHERE relid = :'newest'::regclass;
COMMIT;
SELECT count(*) FROM files_history WHERE history_at < '2020-01-01';
SELECT state, due, removed, held FROM softdelete.purge_log WHERE table_name LIKE '%files_history';
SELECT softdelete.release(id) FROM softdelete.holds WHERE relation = 'files'::regclass;
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_history_removal CASCADE;
DROP ROLE regress_history_removal;
