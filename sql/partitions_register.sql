-- A partitioned table is registered like any other: with its whole tree of indexes, names and all.
CREATE ROLE regress_partitions_owner;
CREATE SCHEMA regress_partitions AUTHORIZATION regress_partitions_owner;
CREATE SCHEMA "regress partitions 2" AUTHORIZATION regress_partitions_owner;
SET SESSION AUTHORIZATION regress_partitions_owner;
SET search_path = regress_partitions;
\pset format unaligned
CREATE VIEW state AS
    SELECT i.indrelid::regclass::text AS relation, pg_get_indexdef(i.indexrelid) AS definition, pg_get_constraintdef(k.oid) AS "constraint",
           k.conislocal, k.coninhcount, obj_description(i.indexrelid, 'pg_class') AS comment, obj_description(k.oid, 'pg_constraint') AS constraint_comment,
           (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = i.indexrelid) AS parent, i.indisvalid AS valid
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype <> 'f'
    WHERE c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname LIKE 'regress_partitions' OR nspname = 'regress partitions 2')
    ORDER BY 1, c.relname COLLATE "C";
CREATE TABLE events (id int, day date, email text, note text, PRIMARY KEY (id, day), UNIQUE (id, email, day)) PARTITION BY RANGE (day);
CREATE TABLE events1 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE "regress partitions 2"."Events 2" PARTITION OF events FOR VALUES FROM ('2021-01-01') TO ('2022-01-01') PARTITION BY LIST (id);
CREATE TABLE events2a PARTITION OF "regress partitions 2"."Events 2" DEFAULT;
CREATE INDEX events_note ON events (note);
CREATE UNIQUE INDEX events_some ON events (id, note, day) WHERE id > 3;
CREATE INDEX events1_own ON events1 (note, email);
ALTER TABLE events1 ADD CONSTRAINT events1_mine UNIQUE (id);
COMMENT ON CONSTRAINT events_id_email_day_key ON events IS 'of the root';
COMMENT ON CONSTRAINT events1_id_email_day_key ON events1 IS 'of the partition';
COMMENT ON INDEX events1_note_idx IS 'of the index';
CREATE TABLE before AS TABLE state;

-- Online: on the parent alone, on each partition, attached.
SELECT relation, command FROM softdelete.plan('events') WHERE online ORDER BY step;
SELECT command FROM softdelete.plan('events') WHERE online ORDER BY step \gexec
SELECT count(*) FROM softdelete.plan('events') WHERE online;
SELECT relation, object, action, command FROM softdelete.register('events') WHERE action IN ('create', 'warning', 'keep');
SELECT relation, definition, parent, valid FROM state;
SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE tgname LIKE 'softdelete%' AND tgrelid::regclass::text ~* 'events' ORDER BY 1, 2;
SELECT * FROM softdelete.repair('events');

-- Deletes through the parent and through a partition.
INSERT INTO events VALUES (1, '2020-02-02', 'a'), (2, '2021-02-02', 'b');
DELETE FROM events WHERE id = 1;
DELETE FROM events2a;
SELECT count(*) FROM events;
SELECT count(*) FROM deleted_events;
TRUNCATE events1; -- fails
SELECT * FROM softdelete.register('events1'); -- fails
SELECT * FROM softdelete.unregister('events1'); -- fails

-- All back; a partition that came meanwhile is treated like the others.
CREATE TABLE events3 PARTITION OF events FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('events', 'purge');
SELECT relation, definition, "constraint" FROM state WHERE relation = 'events3';
DROP TABLE events3;
(TABLE state EXCEPT TABLE before) UNION ALL (TABLE before EXCEPT TABLE state);

-- The same without a plan beforehand.
SELECT count(*) > 0 AS registered FROM softdelete.register('events');
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('events');
(TABLE state EXCEPT TABLE before) UNION ALL (TABLE before EXCEPT TABLE state);

-- A partitioned table without partitions.
CREATE TABLE empty (id int PRIMARY KEY, a int) PARTITION BY LIST (id);
CREATE INDEX ON empty (a);
SELECT count(*) > 0 AS registered FROM softdelete.register('empty');
SELECT definition, valid FROM state WHERE relation = 'empty';
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('empty');
SELECT definition, valid FROM state WHERE relation = 'empty';
