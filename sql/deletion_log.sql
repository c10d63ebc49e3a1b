-- The log of deletions is written when the statement that began one is through, and earlier where somebody may look:
-- triggers, functions and savepoints never miss it, and it names each table that a deletion touched.
SET client_min_messages = error;
CREATE ROLE regress_deletion_log;
CREATE SCHEMA "S'log" AUTHORIZATION regress_deletion_log;
SET SESSION AUTHORIZATION regress_deletion_log;
SET search_path = "S'log";
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE "Orders" (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
CREATE TABLE items (id int PRIMARY KEY, order_id int REFERENCES "Orders" ON DELETE CASCADE);
CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('users', cascade => true);
INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 3) i;
INSERT INTO "Orders" SELECT i, i FROM generate_series(1, 3) i;
INSERT INTO items SELECT i, i FROM generate_series(1, 3) i;
INSERT INTO notes SELECT i, i FROM generate_series(1, 3) i;
-- What the log says of the last deletion, and what is counted in the tables themselves.
CREATE VIEW last_deletion AS
    SELECT d.relation, d.rows, (SELECT count(*) FROM all_users WHERE deletion_id = d.id) AS users,
           (SELECT count(*) FROM "all_Orders" WHERE deletion_id = d.id) AS orders,
           (SELECT count(*) FROM all_items WHERE deletion_id = d.id) AS items,
           (SELECT count(*) FROM all_notes WHERE deletion_id = d.id) AS notes
    FROM softdelete.deletions d ORDER BY d.id DESC LIMIT 1;
CREATE VIEW living AS
    SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM "Orders") AS orders,
           (SELECT count(*) FROM items) AS items, (SELECT count(*) FROM notes) AS notes;

-- One statement, one row in the log: the cascade's tables stand in it.
DELETE FROM users WHERE id = 1;
SELECT * FROM last_deletion;
RESET SESSION AUTHORIZATION;
SELECT relation, further_relations FROM softdelete_internal.deletion ORDER BY id DESC LIMIT 1;
SELECT count(*) FROM softdelete_internal.deletion_table WHERE deletion_id = (SELECT max(id) FROM softdelete_internal.deletion);
SET SESSION AUTHORIZATION regress_deletion_log;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
TABLE living;

-- Later statements of the transaction add theirs.
BEGIN;
DELETE FROM notes WHERE id = 1;
DELETE FROM users WHERE id = 1;
SELECT * FROM last_deletion;
COMMIT;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
TABLE living;

-- What a savepoint takes back is not in the log, and what came before it is.
BEGIN;
DELETE FROM notes WHERE id = 1;
SAVEPOINT a;
DELETE FROM users WHERE id = 1;
ROLLBACK TO a;
DELETE FROM items WHERE id = 2;
COMMIT;
SELECT * FROM last_deletion;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
TABLE living;

-- A trigger sees the deletion that it fires for.
CREATE TABLE seen (place text, relation regclass, rows jsonb, reason text);
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    IF NEW.deletion_id IS NOT NULL THEN
        INSERT INTO seen SELECT TG_ARGV[0], d.relation, d.rows, d.reason FROM softdelete.deletions d WHERE d.id = NEW.deletion_id;
    END IF;
    RETURN NULL;
END$$;
CREATE TRIGGER look AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION look('users');
CREATE TRIGGER look AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION look('items');
SET softdelete.reason = 'closed';
DELETE FROM users WHERE id = 1;
RESET softdelete.reason;
SELECT * FROM seen ORDER BY place DESC;
SELECT * FROM last_deletion;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
TABLE living;
DROP TRIGGER look ON users;
DROP TRIGGER look ON items;

-- What looks at it in a savepoint that rolls back does not take it along.
CREATE FUNCTION try() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    BEGIN
        PERFORM FROM softdelete.deletions d WHERE d.id = NEW.deletion_id;
        DELETE FROM notes;
        RAISE EXCEPTION 'taken back';
    EXCEPTION WHEN raise_exception THEN
        NULL;
    END;
    RETURN NULL;
END$$;
CREATE TRIGGER try AFTER UPDATE ON "Orders" FOR EACH ROW EXECUTE FUNCTION try();
CREATE TRIGGER try AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION try();
DELETE FROM users WHERE id = 1;
SELECT * FROM last_deletion;
DROP TRIGGER try ON "Orders";
DROP TRIGGER try ON users;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
TABLE living;

-- A statement that takes its own deletion back, while it is under way.
CREATE FUNCTION take_back(deletion bigint) RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT softdelete.undo($1)';
WITH gone AS (DELETE FROM notes WHERE id = 1 RETURNING deletion_id) SELECT take_back(deletion_id) FROM gone;
TABLE living;

-- A cursor over a DELETE, left half read; a function's DELETE, read row by row.
DO $$DECLARE deleted record; BEGIN
    FOR deleted IN DELETE FROM users RETURNING id LOOP
        EXIT;
    END LOOP;
END$$;
SELECT * FROM last_deletion;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
CREATE FUNCTION remove_all() RETURNS SETOF int LANGUAGE sql AS 'DELETE FROM users RETURNING id';
SELECT remove_all() LIMIT 1;
SELECT * FROM last_deletion;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
TABLE living;

-- A deletion that began in a table that is dropped goes on in those that its statement touched; others lose that one.
DELETE FROM users WHERE id = 1;
BEGIN;
DROP TABLE items CASCADE;
SELECT relation, rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
ROLLBACK;
DROP TABLE users CASCADE;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
SELECT (SELECT count(*) FROM "Orders") AS orders, (SELECT count(*) FROM items) AS items, (SELECT count(*) FROM notes) AS notes;
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM softdelete_internal.deletion d, unnest(d.further_relations) r WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = r);

-- One that touched a table which becomes a partition goes on in the partitioned table.
SET SESSION AUTHORIZATION regress_deletion_log;
CREATE TABLE owners (id int PRIMARY KEY);
CREATE TABLE pets (id int, owner_id int REFERENCES owners ON DELETE CASCADE, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE cats (id int PRIMARY KEY, owner_id int REFERENCES owners ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('owners', cascade => true);
INSERT INTO owners VALUES (1);
INSERT INTO cats VALUES (1, 1), (2, 1);
DELETE FROM owners;
ALTER TABLE pets ATTACH PARTITION cats FOR VALUES FROM (0) TO (10);
SELECT relation, rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
SELECT * FROM pets;

-- The newest deletions: only those that are shown are counted.
INSERT INTO owners SELECT generate_series(10, 30);
DO $$ BEGIN FOR i IN 10..30 LOOP PERFORM softdelete.delete('owners', i); END LOOP; END $$;

-- delete() returns the deletion that took its row, whatever triggers make of the actor before and after.
CREATE TABLE wholes (id int PRIMARY KEY);
CREATE TABLE pieces (id int PRIMARY KEY, whole int REFERENCES wholes ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('wholes', cascade => true);
CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM set_config('softdelete.actor', TG_NAME || NEW.id, true);
    RETURN NEW;
END $$;
CREATE TRIGGER before BEFORE UPDATE ON wholes FOR EACH ROW WHEN (NEW.id IN (2, 4)) EXECUTE FUNCTION act();
CREATE TRIGGER after AFTER UPDATE ON wholes FOR EACH ROW WHEN (NEW.id IN (3, 4)) EXECUTE FUNCTION act();
CREATE TRIGGER below AFTER UPDATE ON pieces FOR EACH ROW WHEN (NEW.id = 5) EXECUTE FUNCTION act();
INSERT INTO wholes SELECT generate_series(1, 5);
INSERT INTO pieces SELECT i, i FROM generate_series(1, 5) i;
CREATE TEMP TABLE returned (id int, deletion bigint);
DO $$ BEGIN FOR i IN 1..5 LOOP INSERT INTO returned VALUES (i, softdelete.delete('wholes', i)); END LOOP; END $$;
SELECT r.id, r.deletion = w.deletion_id AS is_its, w.deletion_id = p.deletion_id AS with_its_pieces
FROM returned r JOIN all_wholes w USING (id) JOIN all_pieces p USING (id) ORDER BY r.id;
DROP TABLE returned;

-- A table that goes in the transaction takes its part of the deletion along, and what the transaction deletes afterwards is
-- logged all the same; with a savepoint that rolls back, too.
CREATE TABLE going (id int PRIMARY KEY);
CREATE TABLE staying (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM (VALUES ('going'), ('staying')) t (name), softdelete.register(name::regclass);
INSERT INTO going VALUES (1), (2), (3);
INSERT INTO staying SELECT generate_series(1, 5);
BEGIN;
DELETE FROM going WHERE id = 1;
SAVEPOINT before;
DROP TABLE going;
DELETE FROM staying WHERE id = 1;
ROLLBACK TO before;
DELETE FROM going WHERE id = 2;
DELETE FROM staying WHERE id = 2;
COMMIT;
BEGIN;
DELETE FROM staying WHERE id = 3;
DELETE FROM going WHERE id = 3;
DROP TABLE going;
DELETE FROM staying WHERE id = 4;
COMMIT;
CREATE TABLE going (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('going');
INSERT INTO going VALUES (1);
BEGIN;
DELETE FROM going;
DROP TABLE going;
DELETE FROM staying WHERE id = 5;
COMMIT;
SELECT s.id, d.rows FROM all_staying s LEFT JOIN softdelete.deletions d ON d.id = s.deletion_id ORDER BY s.id;
SELECT count(softdelete.undo(d.id)) FROM softdelete.deletions d WHERE d.relation = 'staying'::regclass;
SELECT count(*) FROM staying;
RESET SESSION AUTHORIZATION;
BEGIN;
SET LOCAL track_functions = 'all';
SELECT relation, rows FROM softdelete.deletions WHERE relation = '"S''log".owners'::regclass ORDER BY deleted_at DESC LIMIT 2;
SELECT pg_stat_get_xact_function_calls('softdelete_internal.count_deletion(bigint)'::regprocedure) AS counted;
COMMIT;
DROP SCHEMA "S'log" CASCADE;
DROP ROLE regress_deletion_log;
