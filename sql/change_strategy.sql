-- configure(strategy => ..) moves a table from marked rows to an archive and back: each deletion keeps its id, its time and its
-- rows, and can be undone as before.
\set VERBOSITY terse
CREATE ROLE regress_move_owner;
CREATE ROLE regress_move_reader;
CREATE SCHEMA regress_move AUTHORIZATION regress_move_owner;
GRANT USAGE ON SCHEMA regress_move TO PUBLIC;
SET SESSION AUTHORIZATION regress_move_owner;
SET search_path = regress_move;
SET client_min_messages = warning;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE);
CREATE DOMAIN label AS text CHECK (VALUE <> '');
CREATE TABLE orders (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE CASCADE, code label, total numeric(10,2) NOT NULL DEFAULT 1, serial bigint GENERATED ALWAYS AS IDENTITY,
    twice numeric GENERATED ALWAYS AS (total * 2) STORED, UNIQUE (id, code)) PARTITION BY RANGE (id);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (100);
CREATE TABLE orders_2 (code label, gone int, "user" int, id int NOT NULL, total numeric(10,2) NOT NULL DEFAULT 1, serial bigint NOT NULL, twice numeric GENERATED ALWAYS AS (total * 2) STORED);
ALTER TABLE orders_2 DROP COLUMN gone;
ALTER TABLE orders ATTACH PARTITION orders_2 FOR VALUES FROM (100) TO (200);
CREATE INDEX ON orders ("user");
CREATE TABLE ran (what text);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO regress_move.ran VALUES (TG_OP || ' ' || TG_WHEN || ' ' || TG_LEVEL); RETURN coalesce(NEW, OLD); END $$;
SELECT count(*) > 0 AS registered FROM softdelete.register('users', cascade => true);
SELECT count(*) > 0 AS registered FROM softdelete.configure('orders', retention => '30 days');
GRANT SELECT ON deleted_orders TO regress_move_reader;
GRANT UPDATE (code) ON all_orders TO regress_move_reader WITH GRANT OPTION;
COMMENT ON VIEW active_orders IS 'live ones';
ALTER VIEW active_orders SET (security_barrier = true);
CREATE POLICY mine ON orders USING (true);
INSERT INTO users SELECT i, i || '@x' FROM generate_series(1, 5) i;
INSERT INTO orders (id, "user", code) SELECT i, 1 + i % 5, 'c' || i FROM generate_series(91, 110) i;
CREATE VIEW state AS SELECT id, "user", code, total, serial, twice, deleted_at IS NOT NULL AS deleted, deleted_by FROM all_orders;
DELETE FROM users WHERE id = 1;
SET softdelete.reason = 'too old';
DELETE FROM orders WHERE id IN (91, 101);
RESET softdelete.reason;
UPDATE orders SET deleted_at = now() - interval '20 days' WHERE id = 92;
UPDATE orders SET deleted_at = now() + interval '20 hours', deleted_by = 'app' WHERE id = 93;
INSERT INTO orders (id, code, deleted_at) VALUES (94 + 100, 'old', '2026-01-05');
SELECT max(deletion_id) AS reasoned FROM deleted_orders WHERE id = 101 \gset
SELECT max(deletion_id) AS early FROM deleted_orders WHERE id = 92 \gset
CREATE TABLE before AS SELECT o.*, deleted_at AS at, deletion_id AS deletion FROM all_orders o;
CREATE VIEW lost AS SELECT id FROM (SELECT id, "user", code, total, serial, twice, deleted_at, deleted_by, deletion_id FROM before EXCEPT SELECT id, "user", code, total, serial, twice, deleted_at, deleted_by, deletion_id FROM all_orders) d;
DROP VIEW state, lost;
CREATE FUNCTION differing() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
    RETURN (SELECT count(*) FROM ((SELECT id, "user", code::text, total, serial, twice, deleted_at, deleted_by, deletion_id FROM before EXCEPT ALL SELECT id, "user", code::text, total, serial, twice, deleted_at, deleted_by, deletion_id FROM all_orders)
        UNION ALL (SELECT id, "user", code::text, total, serial, twice, deleted_at, deleted_by, deletion_id FROM all_orders EXCEPT ALL SELECT id, "user", code::text, total, serial, twice, deleted_at, deleted_by, deletion_id FROM before)) d);
END $$;
DO $$ BEGIN
    EXECUTE (SELECT string_agg(format('CREATE TRIGGER tell_%s AFTER %s ON orders FOR EACH %s EXECUTE FUNCTION tell();', lower(e || l), e, l), '')
        FROM unnest('{INSERT,UPDATE,DELETE}'::text[]) e, unnest('{ROW,STATEMENT}'::text[]) l);
END $$;

-- To an archive: nobody's triggers tell of it.
SELECT object, action FROM softdelete.configure('orders', strategy => 'archive') WHERE object LIKE '%row%' OR object LIKE 'table%' OR object LIKE 'column%' ORDER BY step;
SELECT strategy, retention, deleted_at, deleted_by FROM softdelete.tables WHERE relation = 'orders'::regclass;
SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
SELECT conname, contype FROM pg_constraint WHERE conrelid = 'orders'::regclass AND contype IN ('p', 'u', 'f') ORDER BY 1;
SELECT differing(), (SELECT count(*) FROM orders) AS live, (SELECT count(*) FROM ran) AS ran, (SELECT count(*) FROM pg_policy WHERE polrelid = 'orders'::regclass) AS policies;
SELECT relname, relacl::text LIKE '%regress_move_reader%' AS granted, obj_description(oid), reloptions FROM pg_class WHERE relname LIKE '%\_orders' AND relkind = 'v' AND relnamespace = 'regress_move'::regnamespace ORDER BY 1;
SELECT has_column_privilege('regress_move_reader', 'all_orders', 'code', 'UPDATE') AS column_granted;
SELECT * FROM softdelete.configure('orders', strategy => 'archive');
-- And each deletion is undone as before, also where rows have another time than it.
BEGIN;
SELECT softdelete.undo(:reasoned), reason FROM softdelete.deletions WHERE id = :reasoned;
SELECT softdelete.undo(:early);
SELECT softdelete.restore('users', 1);
SELECT softdelete.restore('orders', 93);
SELECT id FROM deleted_orders ORDER BY id;
ROLLBACK;
DELETE FROM orders WHERE id = 95;
SELECT softdelete.restore('orders', 95);
SELECT differing();

-- And back.
TRUNCATE ran;
SELECT object, action FROM softdelete.configure('orders', strategy => 'flag') WHERE object LIKE '%row%' OR object LIKE 'table%' OR object LIKE 'column%' ORDER BY step;
SELECT strategy, retention, deleted_at, deleted_by FROM softdelete.tables WHERE relation = 'orders'::regclass;
SELECT differing(), (SELECT count(*) FROM orders) AS live, (SELECT count(*) FROM ran) AS ran, to_regclass('orders_archive') AS archive;
SELECT relname, relacl::text LIKE '%regress_move_reader%' AS granted, obj_description(oid), reloptions FROM pg_class WHERE relname LIKE '%\_orders' AND relkind = 'v' AND relnamespace = 'regress_move'::regnamespace ORDER BY 1;
BEGIN;
SELECT softdelete.undo(:reasoned);
SELECT softdelete.undo(:early);
SELECT softdelete.restore('users', 1);
SELECT softdelete.restore('orders', 93);
SELECT id FROM deleted_orders ORDER BY id;
ROLLBACK;
SELECT differing();
-- In a transaction that rolls back nothing is changed.
BEGIN;
SELECT count(*) > 0 AS changed FROM softdelete.configure('orders', strategy => 'archive');
SELECT count(*) > 0 AS changed FROM softdelete.configure('orders', strategy => 'flag');
SELECT count(*) > 0 AS changed FROM softdelete.configure('orders', strategy => 'archive');
SELECT differing();
ROLLBACK;
SELECT differing(), strategy FROM softdelete.tables WHERE relation = 'orders'::regclass;

-- What cannot move: one error, and nothing is changed.
SELECT * FROM softdelete.configure('orders', strategy => 'auto'); -- fails
SELECT * FROM softdelete.configure('orders', strategy => 'archive', retention => '1 day'); -- fails
SELECT * FROM softdelete.configure('before', strategy => 'archive'); -- fails
SELECT * FROM softdelete.configure('before', strategy => 'flag'); -- fails
SELECT * FROM softdelete.configure('users', strategy => 'archive'); -- fails
SELECT softdelete.hold('orders', 'a court', 91) > 0 AS held;
SELECT * FROM softdelete.configure('orders', strategy => 'archive'); -- fails
SELECT softdelete.release(max(id)) FROM softdelete.holds;
CREATE TABLE notes (id int PRIMARY KEY, "order" int REFERENCES orders ON DELETE SET NULL);
INSERT INTO notes VALUES (1, 96);
DELETE FROM orders WHERE id = 96;
SELECT * FROM softdelete.configure('orders', strategy => 'archive'); -- fails
DELETE FROM notes;
SELECT count(*) > 0 AS changed FROM softdelete.configure('orders', strategy => 'archive');
-- Back only where the table can have the rows.
INSERT INTO orders (id, code) VALUES (96, 'new');
SELECT * FROM softdelete.configure('orders', strategy => 'flag'); -- fails
DELETE FROM orders WHERE id = 96;
SELECT * FROM softdelete.configure('orders', strategy => 'flag'); -- fails
SELECT softdelete.erase('orders', 'twice', 96) -> 'rows' AS rows;
SET SESSION AUTHORIZATION regress_move_reader;
SELECT * FROM softdelete.configure('orders', strategy => 'flag'); -- fails
SET SESSION AUTHORIZATION regress_move_owner;
SELECT count(*) > 0 AS changed FROM softdelete.configure('orders', strategy => 'flag');
-- A parent that was purged meanwhile: links by SET NULL end, others refuse.
CREATE TABLE kinds (id int PRIMARY KEY);
CREATE TABLE things (id int PRIMARY KEY, kind int REFERENCES kinds ON DELETE SET NULL, main int REFERENCES kinds ON DELETE CASCADE);
CREATE INDEX ON things (main);
SELECT count(*) > 0 AS registered FROM softdelete.register('things', strategy => 'archive');
INSERT INTO kinds VALUES (1), (2);
INSERT INTO things VALUES (1, 1, 2), (2, 2, 1);
DELETE FROM things;
DELETE FROM kinds WHERE id = 1;
SELECT * FROM softdelete.configure('things', strategy => 'flag'); -- fails
SELECT softdelete.erase('things', 'no parent', 2) -> 'rows' AS rows;
SELECT count(*) > 0 AS changed FROM softdelete.configure('things', strategy => 'flag');
SELECT id, kind, main FROM deleted_things;
-- A link to a row of the table itself that comes back with it stays.
CREATE TABLE nodes (id int PRIMARY KEY, up int REFERENCES nodes ON DELETE SET NULL, parent int REFERENCES nodes ON DELETE CASCADE);
CREATE INDEX ON nodes (parent);
SELECT count(*) > 0 AS registered FROM softdelete.register('nodes', strategy => 'archive');
INSERT INTO nodes VALUES (1, NULL, NULL), (2, 1, 1), (3, 2, NULL);
DELETE FROM nodes WHERE id = 3;
DELETE FROM nodes WHERE id = 1;
SELECT count(*) > 0 AS changed FROM softdelete.configure('nodes', strategy => 'flag');
SELECT id, up, parent FROM deleted_nodes ORDER BY id;
SELECT softdelete.restore('nodes', 1);
SELECT count(*) > 0 AS changed FROM softdelete.configure('nodes', strategy => 'archive');
SELECT softdelete.restore('nodes', 3);
SELECT id, up, parent FROM nodes ORDER BY id;
-- Whatever the order in which rows lie in the archive, and whichever partition each goes to: here children lie before their parents.
CREATE TABLE tree (part int, id int, up_part int, up int, PRIMARY KEY (part, id), FOREIGN KEY (up_part, up) REFERENCES tree ON DELETE CASCADE) PARTITION BY LIST (part);
CREATE TABLE tree_2 PARTITION OF tree FOR VALUES IN (2);
CREATE TABLE tree_1 PARTITION OF tree FOR VALUES IN (1);
CREATE INDEX ON tree (up_part, up);
SELECT count(*) > 0 AS registered FROM softdelete.register('tree', strategy => 'archive');
INSERT INTO tree VALUES (1, 1, NULL, NULL), (2, 2, 1, 1), (1, 3, 2, 2), (2, 4, 1, 3);
DELETE FROM tree WHERE id = 4;
DELETE FROM tree WHERE id = 3;
DELETE FROM tree WHERE id IN (1, 2);
SELECT count(*) > 0 AS changed FROM softdelete.configure('tree', strategy => 'flag');
SELECT * FROM (SELECT part, id, up_part, up FROM deleted_tree) d ORDER BY id;
SELECT softdelete.restore('tree', 1, 1), softdelete.restore('tree', 1, 3), softdelete.restore('tree', 2, 4);
-- So it is with rows that a restore brings back.
SELECT count(*) > 0 AS changed FROM softdelete.configure('tree', strategy => 'archive');
BEGIN;
DELETE FROM tree WHERE id = 4;
DELETE FROM tree WHERE id = 3;
DELETE FROM tree WHERE id = 1;
COMMIT;
SELECT softdelete.restore('tree', 1, 1);
SELECT * FROM tree ORDER BY id;
DROP TABLE tree CASCADE;
-- Tables of several owners, and code of the owner's that the one who calls does not run with his rights.
RESET SESSION AUTHORIZATION;
SET search_path = regress_move;
GRANT CREATE ON SCHEMA regress_move TO regress_move_reader;
ALTER TABLE kinds OWNER TO regress_move_reader;
GRANT REFERENCES ON kinds TO regress_move_owner;
CREATE TABLE who (role name);
GRANT INSERT ON who TO PUBLIC;
SET SESSION AUTHORIZATION regress_move_owner;
CREATE FUNCTION tell_default() RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO regress_move.who VALUES (current_user); RETURN 2; END $$;
ALTER TABLE things ADD other int DEFAULT tell_default() REFERENCES kinds ON DELETE SET DEFAULT;
RESET SESSION AUTHORIZATION;
SET search_path = regress_move;
INSERT INTO kinds VALUES (3), (4);
INSERT INTO things (id, kind, main, other) VALUES (3, 3, 2, 4);
TRUNCATE who;
SELECT count(*) > 0 AS changed FROM softdelete.configure('things', strategy => 'archive');
DELETE FROM things WHERE id = 3;
DELETE FROM kinds WHERE id IN (3, 4);
TRUNCATE who;
SELECT count(*) > 0 AS changed FROM softdelete.configure('things', strategy => 'flag');
SELECT id, kind, main, other FROM all_things ORDER BY id;
SELECT DISTINCT role FROM who;
SELECT softdelete.restore('things', 3);
-- With a column of before, that nobody needs any more, and one without a zone.
CREATE TABLE by_hand (id int PRIMARY KEY, deleted_at timestamp, deleted_by name);
INSERT INTO by_hand VALUES (1, NULL, NULL), (2, '2026-02-03 04:05', 'ann');
SELECT count(*) > 0 AS registered FROM softdelete.register('by_hand');
SELECT count(*) > 0 AS changed FROM softdelete.configure('by_hand', strategy => 'archive');
SELECT id, deleted_at = '2026-02-03 04:05'::timestamp AS same_time, deleted_by FROM deleted_by_hand;
SELECT softdelete.restore('by_hand', 2);
TABLE by_hand ORDER BY id;
-- The history of a table says of the time before what it said: the row leaves with its last values, and arrives again.
CREATE TABLE told (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('told');
SELECT softdelete.track_history('told') IS NOT NULL AS tracked;
INSERT INTO told VALUES (1), (2);
DELETE FROM told WHERE id = 1;
SELECT count(*) AS entries FROM softdelete.history_of('told', 1) \gset
SELECT count(*) > 0 AS changed FROM softdelete.configure('told', strategy => 'archive');
SELECT count(*) > 0 AS changed FROM softdelete.configure('told', strategy => 'flag');
SELECT count(*) - :entries AS new_entries FROM softdelete.history_of('told', 1);
SELECT kind, deletion_id IS NULL AS without_deletion FROM softdelete.history_of('told', 1);
SELECT softdelete.restore('told', 1);
-- What it says of each time stays the same: a row that was corrected after its deletion, one that is deleted into the archive, live ones.
CREATE TABLE times (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE times_1 PARTITION OF times FOR VALUES FROM (0) TO (3);
CREATE TABLE times_2 PARTITION OF times FOR VALUES FROM (3) TO (10);
SELECT count(*) > 0 AS registered FROM softdelete.register('times');
SELECT softdelete.track_history('times') IS NOT NULL AS tracked;
CREATE TABLE known (at timestamptz, id int, row jsonb);
CREATE PROCEDURE note() LANGUAGE sql AS $$
    INSERT INTO known SELECT n.at, i, softdelete.history_at('times', n.at, i) FROM (SELECT clock_timestamp()) n (at), generate_series(1, 5) i $$;
CREATE FUNCTION differing_times() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM known k WHERE jsonb_strip_nulls(softdelete.history_at('times', k.at, k.id)) IS DISTINCT FROM jsonb_strip_nulls(k.row) $$;
INSERT INTO times SELECT i, 'v' || i FROM generate_series(1, 5) i;
CALL note();
DELETE FROM times WHERE id IN (1, 4);
CALL note();
SET softdelete.visibility = 'all';
UPDATE times SET v = 'corrected' WHERE id IN (1, 4);
RESET softdelete.visibility;
CALL note();
SELECT count(*) > 0 AS changed FROM softdelete.configure('times', strategy => 'archive');
SELECT differing_times();
DELETE FROM times WHERE id = 2;
SELECT softdelete.restore('times', 4);
CALL note();
SELECT count(*) > 0 AS changed FROM softdelete.configure('times', strategy => 'flag');
SELECT differing_times();
SELECT softdelete.restore('times', 1), softdelete.restore('times', 2);
SELECT differing_times();
SELECT id, kind, new ->> 'v' AS v FROM generate_series(1, 4) id, softdelete.history_of('times', id) WITH ORDINALITY h ORDER BY id, ordinality;
-- A request for erasure reaches all of it.
SELECT softdelete.erase('times', 'a request', id) ->> 'action' AS action FROM times WHERE id < 5 ORDER BY id;
SELECT id, count(*) FROM times_history GROUP BY 1;
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_move CASCADE;
DROP OWNED BY regress_move_owner, regress_move_reader;
DROP ROLE regress_move_owner, regress_move_reader;
