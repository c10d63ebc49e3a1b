-- A history follows the DDL of its table, and what a row was stays as it was.
CREATE ROLE regress_history_ddl;
CREATE ROLE regress_history_ddl2;
GRANT regress_history_ddl2 TO regress_history_ddl;
CREATE SCHEMA regress_history_ddl AUTHORIZATION regress_history_ddl;
GRANT CREATE, USAGE ON SCHEMA regress_history_ddl TO regress_history_ddl2;
CREATE SCHEMA regress_history_ddl_other AUTHORIZATION regress_history_ddl;
SET SESSION AUTHORIZATION regress_history_ddl;
SET search_path = regress_history_ddl;
CREATE DOMAIN short AS text CHECK (length(VALUE) < 10) NOT NULL;
CREATE TABLE t (id int PRIMARY KEY, a text, b int, c short, pw text);
SELECT softdelete.track_history('t', without => '{pw}');
INSERT INTO t VALUES (1, 'x', 1, 'c', 'p');

-- ADD COLUMN, also with a default; another type; another name; DROP COLUMN; the name comes again.
ALTER TABLE t ADD COLUMN d numeric DEFAULT 5, ADD COLUMN gen int GENERATED ALWAYS AS (b * 2) STORED;
UPDATE t SET b = 2;
SELECT clock_timestamp() AS as_number \gset
ALTER TABLE t DROP COLUMN gen;
ALTER TABLE t ALTER b TYPE text USING 'n' || b;
ALTER TABLE t ALTER a TYPE varchar(30);
UPDATE t SET b = 'n3';
ALTER TABLE t RENAME a TO aa;
UPDATE t SET aa = 'y';
SELECT clock_timestamp() AS before_drop \gset
ALTER TABLE t DROP COLUMN aa;
ALTER TABLE t ADD COLUMN aa int;
UPDATE t SET aa = 7;
ALTER TABLE t RENAME pw TO pass;
ALTER TABLE t ADD COLUMN aa_former int;
UPDATE t SET pass = 'q', aa_former = 1;
ALTER TABLE t RENAME TO u;
SELECT kind, diff FROM softdelete.history_of('u', 1);
SELECT softdelete.history_at('u', :'as_number', 1), softdelete.history_at('u', :'before_drop', 1);
SELECT softdelete.history_at('u', clock_timestamp(), 1);
SELECT count(*) FROM t_history h WHERE h::text LIKE '%q%';

-- What fails changes nothing.
BEGIN;
ALTER TABLE u ALTER aa TYPE text, ADD CONSTRAINT never CHECK (false); -- fails
ROLLBACK;
BEGIN;
ALTER TABLE u DROP COLUMN aa;
ROLLBACK;
UPDATE u SET aa = 8;
SELECT kind, diff FROM softdelete.history_of('u', 1) ORDER BY changed_at DESC LIMIT 1;

-- The key itself gets a wider type, as it does when numbers run out: rows are found by all that they were.
ALTER TABLE u ALTER id TYPE bigint;
SELECT count(*) FROM softdelete.history_of('u', 1);

-- Another key: rows are found by it from then on. Another schema, another owner.
ALTER TABLE u DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id, b);
UPDATE u SET d = 6;
SELECT kind, diff FROM softdelete.history_of('u', 1, 'n3');
ALTER TABLE u SET SCHEMA regress_history_ddl_other;
ALTER TABLE regress_history_ddl_other.u SET SCHEMA regress_history_ddl;
ALTER TABLE u OWNER TO regress_history_ddl2;
UPDATE u SET d = 7;
SELECT c.relname ~ '^t_history', pg_get_userbyid(relowner) FROM pg_class c WHERE oid = 't_history'::regclass
    UNION SELECT c.relname ~ '^t_history', pg_get_userbyid(relowner) FROM pg_class c JOIN pg_inherits ON inhrelid = c.oid WHERE inhparent = 't_history'::regclass;
SELECT kind, diff FROM softdelete.history_of('u', 1, 'n3') ORDER BY changed_at DESC LIMIT 1;

-- A name that the history has itself.
ALTER TABLE u ADD COLUMN history_kind int; -- fails
ALTER TABLE u RENAME d TO history_reason; -- fails

-- A column that is left out cannot become a part of the key.
ALTER TABLE u DROP CONSTRAINT u_pkey, ADD PRIMARY KEY (pass); -- fails

-- By hand nobody takes a history apart. Privileges, indexes and policies of it are its owner's.
ALTER TABLE t_history ADD COLUMN z int; -- fails
ALTER TABLE t_history RENAME COLUMN id TO z; -- fails
ALTER TABLE t_history ALTER COLUMN id TYPE bigint; -- fails
DROP TABLE t_history; -- fails
SELECT format('ALTER TABLE t_history DETACH PARTITION %1$s', min(inhrelid::regclass::text)) AS detach,
    format('DROP TABLE %s', min(inhrelid::regclass::text)) AS drop FROM pg_inherits WHERE inhparent = 't_history'::regclass \gset
\set VERBOSITY sqlstate
:detach; -- fails
:drop; -- fails
\set VERBOSITY default
CREATE INDEX ON t_history (history_actor) WHERE history_actor IS NOT NULL;
CREATE INDEX ON t_history ((history_kind::text));
UPDATE u SET d = 8;
SET enable_seqscan = off;
SELECT count(*) > 0 AS found FROM t_history WHERE history_actor = 'regress_history_ddl' AND d = 7;
RESET enable_seqscan;

-- A partition that is missing is made by the write, also where the owner may not create tables there any more. Nobody but
-- a superuser who switches event triggers off gets that far.
RESET SESSION AUTHORIZATION;
REVOKE ALL ON SCHEMA regress_history_ddl FROM PUBLIC, regress_history_ddl, regress_history_ddl2;
SELECT format('ALTER EVENT TRIGGER %I DISABLE', evtname) FROM pg_event_trigger WHERE evtname LIKE 'softdelete%' ORDER BY evtname \gexec
DO $$ DECLARE partition regclass; BEGIN
    FOR partition IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 't_history'::regclass LOOP
        EXECUTE format('DROP TABLE %s', partition);
    END LOOP;
END $$;
SELECT format('ALTER EVENT TRIGGER %I ENABLE ALWAYS', evtname) FROM pg_event_trigger WHERE evtname LIKE 'softdelete%' ORDER BY evtname \gexec
GRANT USAGE ON SCHEMA regress_history_ddl TO regress_history_ddl;
SET SESSION AUTHORIZATION regress_history_ddl;
UPDATE u SET d = 9;
SELECT count(*) AS entries FROM t_history WHERE history_kind = 'U' AND d = 8;
SELECT pg_get_userbyid(relowner) = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 't_history'::regclass) AS same_owner, relacl IS NULL AS no_grants, count(*)
    FROM pg_class c JOIN pg_inherits ON inhrelid = c.oid WHERE inhparent = 't_history'::regclass GROUP BY 1, 2;
RESET SESSION AUTHORIZATION;
GRANT ALL ON SCHEMA regress_history_ddl TO regress_history_ddl, regress_history_ddl2;
SET SESSION AUTHORIZATION regress_history_ddl;

-- The triggers stay, and fire always.
ALTER TABLE u DISABLE TRIGGER softdelete_history; -- fails
ALTER TABLE u DISABLE TRIGGER USER; -- fails
DROP TRIGGER softdelete_history_truncate ON u; -- fails
ALTER TRIGGER softdelete_history ON u RENAME TO mine; -- fails
ALTER TABLE u ENABLE TRIGGER ALL;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'u'::regclass AND NOT tgisinternal ORDER BY tgname;

-- The dropped table's history stays.
DROP TABLE u;
SELECT count(*) > 0 AS kept FROM t_history;
DELETE FROM t_history WHERE history_kind = 'I';
DROP TABLE t_history;

-- Partitions: in another order of columns, attached, detached, with rows that move between them.
CREATE TABLE p (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 (v text, k int NOT NULL, id int NOT NULL);
SELECT softdelete.track_history('p1'); -- fails
SELECT softdelete.track_history('p');
ALTER TABLE p ATTACH PARTITION p2 FOR VALUES IN (2);
CREATE TABLE p3 PARTITION OF p FOR VALUES IN (3, 4);
INSERT INTO p VALUES (1, 1, 'a'), (2, 2, 'b');
UPDATE p SET v = 'c', k = 2 WHERE id = 1;
UPDATE p SET k = 3 WHERE k = 2;
INSERT INTO p3 VALUES (3, 4, 'leaf');
DELETE FROM p3 WHERE id = 3;
SELECT kind, diff FROM softdelete.history WHERE relation = 'p'::regclass ORDER BY changed_at, diff;

-- A trigger of the target keeps rows away that an UPDATE moves there: they have gone. The others pair rightly.
CREATE FUNCTION veto() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.v = ''c'' THEN RETURN NULL; END IF; RETURN NEW; END';
CREATE TRIGGER veto BEFORE INSERT ON p1 FOR EACH ROW EXECUTE FUNCTION veto();
UPDATE p SET k = 1;
SELECT kind, diff FROM softdelete.history_of('p', 1, 3);
SELECT kind, diff FROM softdelete.history_of('p', 2, 3);
SELECT kind, diff FROM softdelete.history_of('p', 2, 1);
SELECT * FROM p;
TRUNCATE p;
SELECT kind, diff FROM softdelete.history_of('p', 2, 1);
ALTER TABLE p DETACH PARTITION p2;
INSERT INTO p2 VALUES ('gone', 2, 9);
TRUNCATE p2;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'p2'::regclass;

-- Inheritance: each table has its own rows and its own history; columns come from above.
CREATE TABLE above (id int PRIMARY KEY, v text);
CREATE TABLE beneath (w text, PRIMARY KEY (id)) INHERITS (above);
SELECT softdelete.track_history('above');
SELECT softdelete.track_history('beneath');
INSERT INTO above VALUES (1, 'a');
INSERT INTO beneath VALUES (2, 'b', 'w');
ALTER TABLE above RENAME v TO vv;
ALTER TABLE above ADD COLUMN x int;
UPDATE above SET vv = vv || '!', x = 1;
ALTER TABLE above DROP COLUMN vv;
SELECT kind, diff FROM softdelete.history_of('above', 1);
SELECT kind, diff FROM softdelete.history_of('beneath', 2);
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP OWNED BY regress_history_ddl, regress_history_ddl2;
SELECT count(*) FROM softdelete_internal.history_column;
DROP ROLE regress_history_ddl, regress_history_ddl2;
