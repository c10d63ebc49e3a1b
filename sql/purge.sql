-- purge() removes what is due and nothing else, children before parents, and leaves a line per table in purge_log.
CREATE ROLE regress_purge;
CREATE ROLE regress_purge_other;
CREATE SCHEMA regress_purge AUTHORIZATION regress_purge;
SET SESSION AUTHORIZATION regress_purge;
SET search_path = regress_purge;
\set QUIET off
CREATE FUNCTION age(days int) RETURNS timestamptz LANGUAGE sql AS $$ SELECT now() - make_interval(days => days) $$;
-- What the runs since the last look did.
CREATE TABLE looked (id bigint);
CREATE FUNCTION look() RETURNS TABLE (relation regclass, state text, due bigint, removed bigint, held bigint, blocked bigint,
    blockers jsonb, batches bigint) LANGUAGE plpgsql AS $$
DECLARE
    last bigint := coalesce((SELECT max(id) FROM looked), 0);
BEGIN
    INSERT INTO looked SELECT max(l.id) FROM softdelete.purge_log l;
    RETURN QUERY SELECT l.relation, l.state, l.due, l.removed, l.held, l.blocked, l.blockers, l.batches
        FROM softdelete.purge_log l WHERE l.id > last ORDER BY l.id;
END $$;

-- Only rows whose retention has passed; live rows stay, and those of a table without a retention.
CREATE TABLE notes (id int PRIMARY KEY, note text);
CREATE TABLE kept (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('notes', retention => '90 days');
SELECT count(*) > 0 AS registered FROM softdelete.register('kept');
INSERT INTO notes (id, note, deleted_at) VALUES (1, 'live', NULL), (2, 'young', age(89)), (3, 'old', age(91)),
    (4, 'oldest', age(30000));
INSERT INTO kept (id, deleted_at) VALUES (1, age(5000));
SELECT relation, due, held, blocked, 
    cutoff = (now() AT TIME ZONE 'UTC' - interval '90 days') AT TIME ZONE 'UTC' AS cutoff FROM softdelete.purge_preview();
CALL softdelete.purge();
SELECT * FROM look();
SELECT id FROM all_notes ORDER BY id;
SELECT id FROM all_kept;

-- A retention that is shortened makes more rows due, one that is taken away none.
SELECT action, object FROM softdelete.configure('notes', retention => '1 month');
CALL softdelete.purge('notes');
SELECT * FROM look();
INSERT INTO notes (id, deleted_at) VALUES (5, age(400));
SELECT action, object FROM softdelete.configure('notes', keep_forever => true);
CALL softdelete.purge('notes');
SELECT * FROM look();
SELECT id FROM all_notes ORDER BY id;

-- Without a retention there is no cutoff and nothing is due, however long ago a row was deleted.
BEGIN;
INSERT INTO notes (id, deleted_at) VALUES (1990, '1990-01-01');
SELECT relation, cutoff, due, held, blocked FROM softdelete.purge_preview('notes');
ROLLBACK;

-- Retention counts in UTC, whatever the session's time zone; months have the length that the calendar gives them.
SELECT action FROM softdelete.configure('notes', retention => '1 day');
INSERT INTO notes (id, deleted_at) VALUES (6, now() - interval '24 hours 1 minute'), (7, now() - interval '23 hours 59 minutes');
SET TimeZone = 'America/New_York';
CALL softdelete.purge('notes');
RESET TimeZone;
SELECT id FROM all_notes ORDER BY id;

-- A timestamp without a time zone is past when it is past everywhere.
CREATE TABLE local (id int PRIMARY KEY, deleted_at timestamp);
SELECT count(*) > 0 AS registered FROM softdelete.register('local', retention => '10 days');
INSERT INTO local VALUES (1, now() AT TIME ZONE 'UTC' - interval '12 days'), (2, now() AT TIME ZONE 'UTC' - interval '10 days 1 hour');
SET TimeZone = 'Pacific/Kiritimati';
CALL softdelete.purge('local');
RESET TimeZone;
SELECT id FROM all_local;

-- Batches: of equal times too, and each at most as large as asked for.
CREATE TABLE many (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('many', retention => '1 day');
INSERT INTO many (id, deleted_at) SELECT g, age(2) FROM generate_series(1, 1000) g;
SET softdelete.purge_progress = on;
CALL softdelete.purge('many', batch_size => 400);
RESET softdelete.purge_progress;
SELECT * FROM look() WHERE relation = 'many'::regclass;
SELECT count(*) FROM all_many;

-- The children of a table are purged with it, before it; a row that something references stays and is named.
CREATE TABLE customers (id int PRIMARY KEY);
CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE);
CREATE TABLE "Inv'oices" (id int PRIMARY KEY, "Order" int REFERENCES orders);
CREATE TABLE visits (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE SET NULL);
SELECT count(*) > 0 AS registered FROM softdelete.register('customers', cascade => true, retention => '30 days');
SELECT count(*) > 0 AS registered FROM softdelete.register('"Inv''oices"');
INSERT INTO customers SELECT g FROM generate_series(1, 7) g;
INSERT INTO orders SELECT g, g FROM generate_series(1, 7) g;
INSERT INTO "Inv'oices" VALUES (1, 3);
INSERT INTO visits SELECT g, g FROM generate_series(1, 7) g;
DELETE FROM "Inv'oices";
DELETE FROM customers WHERE id < 7;
UPDATE all_customers SET deleted_at = age(40) WHERE id < 7;
UPDATE all_orders SET deleted_at = age(CASE id WHEN 2 THEN 10 ELSE 40 END) WHERE id < 7;
SELECT relation, due, held, blocked FROM softdelete.purge_preview('customers');
CALL softdelete.purge('customers');
SELECT * FROM look();
SELECT array_agg(id ORDER BY id) FROM all_customers;
SELECT array_agg(id ORDER BY id) FROM all_orders;
SELECT id, customer FROM visits ORDER BY id;

-- Rows of an unregistered CASCADE table go with their parent, unless something below them stays.
CREATE TABLE carts (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE);
CREATE TABLE items (id int PRIMARY KEY, cart int REFERENCES carts ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('items', retention => '30 days');
INSERT INTO customers SELECT g FROM generate_series(11, 13) g;
INSERT INTO carts SELECT g, g FROM generate_series(11, 13) g;
INSERT INTO items (id, cart, deleted_at) VALUES (1, 11, age(10)), (2, 12, age(40));
DELETE FROM customers WHERE id > 10;
UPDATE all_customers SET deleted_at = age(40) WHERE id > 10;
SELECT relation, due, held, blocked FROM softdelete.purge_preview('customers');
CALL softdelete.purge('customers');
SELECT * FROM look();
SELECT array_agg(id ORDER BY id) FROM all_customers;
SELECT array_agg(id ORDER BY id) FROM carts;
SELECT array_agg(id ORDER BY id) FROM all_items;

-- Tables that reference themselves or each other: rows go together; what stays keeps what it references.
CREATE TABLE nodes (id int PRIMARY KEY, parent int REFERENCES nodes ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('nodes', retention => '30 days');
INSERT INTO nodes SELECT g, nullif(g / 2, 0) FROM generate_series(1, 100) g;
DELETE FROM nodes WHERE id = 1;
UPDATE all_nodes SET deleted_at = age(CASE id WHEN 80 THEN 10 ELSE 40 END);
SELECT relation, due, held, blocked FROM softdelete.purge_preview('nodes');
CALL softdelete.purge('nodes', batch_size => 7);
SELECT due, removed, blocked, blockers FROM look();
SELECT array_agg(id ORDER BY id) FROM all_nodes;
CREATE TABLE teams (id int PRIMARY KEY, lead int);
CREATE TABLE members (id int PRIMARY KEY, team int REFERENCES teams ON DELETE CASCADE);
ALTER TABLE teams ADD FOREIGN KEY (lead) REFERENCES members;
SELECT count(*) > 0 AS registered FROM softdelete.register('teams', cascade => true, retention => '30 days');
INSERT INTO teams SELECT g FROM generate_series(1, 5) g;
INSERT INTO members SELECT 10 * t + g, t FROM generate_series(1, 5) t, generate_series(1, 3) g;
UPDATE teams SET lead = 10 * id + 1;
DELETE FROM teams WHERE id < 5;
UPDATE all_teams SET deleted_at = age(40) WHERE id < 5;
UPDATE all_members SET deleted_at = age(CASE id WHEN 22 THEN 10 ELSE 40 END) WHERE team < 5;
SELECT relation, due, held, blocked FROM softdelete.purge_preview('teams') ORDER BY relation;
CALL softdelete.purge('teams', batch_size => 2);
SELECT array_agg(id ORDER BY id) FROM all_teams;
SELECT array_agg(id ORDER BY id) FROM all_members;
SELECT relation, sum(removed) AS removed, sum(blocked) AS blocked FROM look() GROUP BY relation ORDER BY relation;

-- Partitioned and inherited tables, with all their parts.
CREATE TABLE parts (id int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE "Part 1" PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
SELECT count(*) > 0 AS registered FROM softdelete.register('parts', retention => '30 days');
INSERT INTO parts (id, deleted_at) SELECT g, CASE WHEN g % 2 = 0 THEN age(40) END FROM generate_series(1, 19) g;
CALL softdelete.purge('part_2');
SELECT relation, due, removed FROM look();
SELECT count(*), count(deleted_at) FROM all_parts;
CREATE TABLE base (id int PRIMARY KEY);
CREATE TABLE derived (extra text) INHERITS (base);
SELECT count(*) > 0 AS registered FROM softdelete.register('base', retention => '30 days');
INSERT INTO base (id, deleted_at) VALUES (1, age(40)), (2, NULL);
INSERT INTO derived (id, deleted_at) VALUES (3, age(40)), (4, NULL);
CALL softdelete.purge('base');
SELECT relation, due, removed FROM look();
SELECT id FROM all_base ORDER BY id;

-- The owner's forced policies, deferred constraints and triggers: policies do not hide what is due, constraints are
-- checked in the batch, a trigger that keeps a row or fails keeps that row alone.
CREATE TABLE guarded (id int PRIMARY KEY, ref int REFERENCES guarded DEFERRABLE INITIALLY DEFERRED, word text);
SELECT count(*) > 0 AS registered FROM softdelete.register('guarded', retention => '30 days');
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
ALTER TABLE guarded FORCE ROW LEVEL SECURITY;
CREATE POLICY none ON guarded USING (word IS DISTINCT FROM 'hidden') WITH CHECK (true);
CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF old.word = 'keep' THEN RETURN NULL; END IF;
    IF old.word = 'fail' THEN RAISE 'not this one'; END IF;
    RETURN old;
END $$;
CREATE TRIGGER guard BEFORE DELETE ON guarded FOR EACH ROW EXECUTE FUNCTION guard();
INSERT INTO guarded (id, word, deleted_at) VALUES (1, 'hidden', age(40)), (2, 'keep', age(40)), (3, 'fail', age(40)),
    (4, NULL, age(40)), (5, NULL, age(40));
CALL softdelete.purge('guarded');
SELECT due, removed, blocked, blockers FROM look();
ALTER TABLE guarded NO FORCE ROW LEVEL SECURITY;
SELECT id FROM all_guarded ORDER BY id;

-- A table that fails is named and remembered; the others are purged all the same.
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'never'; END $$;
CREATE TRIGGER fail BEFORE DELETE ON notes FOR EACH STATEMENT EXECUTE FUNCTION fail();
INSERT INTO notes (id, deleted_at) SELECT g, age(40) FROM generate_series(100, 250) g;
INSERT INTO many (id, deleted_at) VALUES (1, age(40));
\set VERBOSITY terse
CALL softdelete.purge();
\set VERBOSITY default
SELECT relation, state, removed FROM look() WHERE relation IN ('notes'::regclass, 'many'::regclass);
SELECT sqlstate, error FROM softdelete.purge_log WHERE state = 'failed';
DROP TRIGGER fail ON notes;

-- Within a transaction it says that it does not commit; what it did goes with the transaction.
BEGIN;
CALL softdelete.purge('notes');
SELECT count(*) FROM all_notes;
ROLLBACK;
SELECT count(*) FROM all_notes;
CREATE FUNCTION purge_in_function() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL softdelete.purge('notes'); END $$;
SELECT purge_in_function();
SELECT count(*) FROM all_notes;

-- Nothing of the session reaches the purge.
INSERT INTO notes (id, deleted_at) VALUES (300, age(40)), (301, NULL);
SET softdelete.visibility = 'active';
SET default_transaction_isolation = 'serializable';
SET DateStyle = 'SQL, DMY';
SET row_security = off;
CALL softdelete.purge('notes');
RESET softdelete.visibility;
RESET default_transaction_isolation;
RESET DateStyle;
RESET row_security;
SELECT count(*), count(deleted_at) FROM all_notes;

-- A purge that may run no time at all ends at once.
INSERT INTO notes (id, deleted_at) VALUES (302, age(40));
CALL softdelete.purge('notes', max_runtime => '0');
SELECT count(deleted_at) FROM all_notes;

-- A purge written by hand is in the log as well, with what foreign keys take along.
INSERT INTO customers SELECT g FROM generate_series(31, 33) g;
INSERT INTO orders SELECT g, g FROM generate_series(31, 33) g;
DELETE FROM customers WHERE id > 30;
UPDATE all_customers SET deleted_at = age(40) WHERE id > 30;
UPDATE all_orders SET deleted_at = age(40) WHERE id > 30;
DELETE FROM customers WHERE deleted_at < age(30) AND id > 30;
SELECT relation, state, due, removed, batches FROM look() WHERE relation IN ('customers'::regclass, 'orders'::regclass)
    ORDER BY relation;
BEGIN;
SAVEPOINT s;
DELETE FROM guarded WHERE deleted_at IS NOT NULL AND id = 2; -- a trigger keeps it
DELETE FROM notes WHERE deleted_at < age(35);
ROLLBACK TO s;
COMMIT;
SELECT relation, removed FROM look();

-- The log of deletions keeps what a row refers to, and the rest for softdelete.log_retention: for ever unless told.
CREATE TABLE logged (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('logged', retention => '0');
INSERT INTO logged VALUES (1), (2);
DELETE FROM logged WHERE id = 1;
CALL softdelete.purge('logged');
DELETE FROM logged WHERE id = 2;
SELECT action FROM softdelete.configure('logged', retention => '1 year');
SELECT count(*) FROM softdelete.deletions WHERE relation = 'logged'::regclass;
RESET SESSION AUTHORIZATION;
SET softdelete.log_retention = '0';
SET ROLE regress_purge;
CALL softdelete.purge();
SELECT count(*) FROM softdelete.deletions WHERE relation = 'logged'::regclass;
SELECT softdelete.restore('logged', 2);
RESET ROLE;
RESET softdelete.log_retention;
SET SESSION AUTHORIZATION regress_purge;

-- Refused with one clear error.
CALL softdelete.purge('visits');                 -- fails: not registered
CALL softdelete.purge('all_notes');              -- fails: a view
CALL softdelete.purge('notes', batch_size => 0); -- fails
CALL softdelete.purge('notes', batch_size => NULL); -- fails
CALL softdelete.purge('notes', delay => '-1 s'); -- fails
SELECT softdelete.configure('notes', retention => '6000 years'); -- fails

-- A table that cannot be read at all stops no other one.
CREATE TABLE unreadable (id int PRIMARY KEY);
CREATE TABLE readable (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('unreadable', retention => '1 day') u,
    softdelete.register('readable', retention => '1 day') r;
INSERT INTO unreadable (id, deleted_at) VALUES (1, age(2));
INSERT INTO readable (id, deleted_at) VALUES (1, age(2));
REVOKE SELECT ON unreadable FROM regress_purge;
CALL softdelete.purge();
GRANT SELECT ON unreadable TO regress_purge;
SELECT count(*) FROM all_readable;
SELECT state, removed, sqlstate, error FROM softdelete.purge_log WHERE relation = 'unreadable'::regclass;
CALL softdelete.purge('unreadable');
SELECT state, removed, sqlstate, error FROM softdelete.purge_log WHERE relation = 'unreadable'::regclass ORDER BY id;

-- Only the owner purges a table; of all tables everybody purges his own. Another's log is not for everybody.
RESET SESSION AUTHORIZATION;
GRANT USAGE ON SCHEMA regress_purge TO regress_purge_other;
SET SESSION AUTHORIZATION regress_purge_other;
CALL softdelete.purge('notes');                  -- fails
SELECT * FROM softdelete.purge_preview('notes'); -- fails
CALL softdelete.purge();
SELECT * FROM softdelete.purge_preview();
SELECT count(*) FROM softdelete.purge_log;
RESET SESSION AUTHORIZATION;
SELECT count(deleted_at) FROM regress_purge.all_notes;
