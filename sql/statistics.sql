-- Plans rest on statistics that know of the deletion columns, and the commands on trees do not depend on them.
CREATE ROLE regress_statistics_owner;
CREATE SCHEMA regress_statistics AUTHORIZATION regress_statistics_owner;
SET SESSION AUTHORIZATION regress_statistics_owner;
SET search_path = regress_statistics;
CREATE TABLE "R'x" (id int PRIMARY KEY);
CREATE TABLE p (id int PRIMARY KEY, r int REFERENCES "R'x" ON DELETE CASCADE);
CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE);
INSERT INTO "R'x" VALUES (1);
INSERT INTO p SELECT g, 1 FROM generate_series(1, 10000) g;
INSERT INTO c SELECT g, g FROM generate_series(1, 10000) g;
CREATE INDEX ON p (r);
CREATE INDEX ON c (p);
ANALYZE p;

CREATE FUNCTION estimate(query text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN round((plan -> 0 -> 'Plan' ->> 'Plan Rows')::numeric, -2);
END $$;

-- Registration gives the planner what it needs, online or by itself.
SELECT step > 1 AS later, object, action, online, command FROM softdelete.plan('p') WHERE object LIKE 'statistics%';
SELECT object, command FROM softdelete.register('"R''x"', cascade => true) WHERE object LIKE 'statistics%' ORDER BY 1;
SELECT estimate('SELECT * FROM p'), estimate('SELECT * FROM p WHERE deleted_at IS NOT NULL');
SELECT tablename, attname, null_frac FROM pg_stats WHERE schemaname = 'regress_statistics' AND attname LIKE 'delet%' ORDER BY 1, 2;

-- Whatever has statistics keeps them.
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('c');
ALTER TABLE c ADD COLUMN deleted_at timestamptz, ADD COLUMN deletion_id bigint;
ANALYZE c;
SELECT object FROM softdelete.register('c') WHERE object LIKE 'statistics%';

-- A large deletion comes back fast although the statistics have not seen it.
SET statement_timeout = '20s';
DELETE FROM "R'x";
SELECT softdelete.restore('"R''x"', 1);
DELETE FROM "R'x";
SELECT count(*) FROM softdelete.conflicts((SELECT max(id) FROM softdelete.deletions));
SELECT softdelete.undo((SELECT max(id) FROM softdelete.deletions));
RESET statement_timeout;

-- Those of the extension's own tables hold nothing that an erasure would have to clear.
SET softdelete.actor = 'secret actor';
SET softdelete.reason = 'secret reason';
DELETE FROM "R'x";
RESET softdelete.actor;
RESET softdelete.reason;
SELECT softdelete.release(softdelete.hold('p', 'secret case', 1)) AS released;
RESET SESSION AUTHORIZATION;
ANALYZE softdelete_internal.deletion, softdelete_internal.hold;
SELECT count(*) > 0 AS analyzed FROM pg_statistic WHERE starelid = 'softdelete_internal.deletion'::regclass;
SELECT starelid::regclass, staattnum FROM pg_statistic WHERE concat(stavalues1, stavalues2, stavalues3, stavalues4, stavalues5) LIKE '%secret%';
SELECT tablename, attname FROM pg_stats WHERE schemaname = 'softdelete_internal' AND attname IN ('key', 'key_hash', 'reason', 'deleted_by');

SET client_min_messages = warning;
DROP SCHEMA regress_statistics CASCADE;
DROP ROLE regress_statistics_owner;
