-- Whatever ordinary DDL takes away, or makes different, of what soft delete has built on: after each command check() finds nothing out of
-- step, and repair() has nothing to do. An index that stayed whole for a key, a replica identity or CLUSTER stays so when that goes.
\set VERBOSITY terse
CREATE ROLE regress_walk_owner;
CREATE SCHEMA regress_walk AUTHORIZATION regress_walk_owner;
SET SESSION AUTHORIZATION regress_walk_owner;
SET search_path = regress_walk;
SET client_min_messages = error;
CREATE TABLE p (id int PRIMARY KEY, code int UNIQUE, a int, b int, UNIQUE (a, b));
CREATE TABLE "Q'x" (id int PRIMARY KEY, pid int CONSTRAINT pid REFERENCES p ON DELETE CASCADE, code int CONSTRAINT code REFERENCES p (code), a int, b int,
    self int CONSTRAINT self REFERENCES "Q'x", txt text, n int NOT NULL, r int4range, u int CONSTRAINT u UNIQUE, v int CONSTRAINT v_ref UNIQUE,
    w int NOT NULL CONSTRAINT w_ident UNIQUE, x int CONSTRAINT x UNIQUE DEFERRABLE, CONSTRAINT ex EXCLUDE USING gist (r WITH &&),
    CONSTRAINT ab FOREIGN KEY (a, b) REFERENCES p (a, b) ON DELETE SET NULL);
ALTER TABLE "Q'x" REPLICA IDENTITY USING INDEX w_ident;
CREATE INDEX q_pid ON "Q'x" (pid);
CREATE INDEX q_code ON "Q'x" (code, txt);
CREATE INDEX q_ba ON "Q'x" (b, a);
CREATE INDEX q_self ON "Q'x" (self);
CREATE INDEX q_n ON "Q'x" (n);
CREATE INDEX q_txt ON "Q'x" (txt);
CLUSTER "Q'x" USING q_txt;
CREATE TABLE r (id int PRIMARY KEY, v int CONSTRAINT v REFERENCES "Q'x" (v), qid int CONSTRAINT qid REFERENCES "Q'x" ON DELETE CASCADE);
CREATE INDEX ON r (v);
CREATE INDEX ON r (qid);
CREATE TABLE k (id int, pid int CONSTRAINT kpid REFERENCES p, v int, PRIMARY KEY (id), UNIQUE (id, v)) PARTITION BY RANGE (id);
CREATE TABLE k1 PARTITION OF k FOR VALUES FROM (0) TO (10);
CREATE TABLE k2 PARTITION OF k FOR VALUES FROM (10) TO (20);
CREATE INDEX k_pid ON k (pid);
CREATE TABLE kr (id int, v int, CONSTRAINT kr_k FOREIGN KEY (id, v) REFERENCES k (id, v));
CREATE TABLE h (id int PRIMARY KEY, pid int CONSTRAINT hpid REFERENCES p, v int UNIQUE);
CREATE TABLE h1 (pid2 int CONSTRAINT hpid2 REFERENCES p) INHERITS (h);
CREATE INDEX ON h (pid);
CREATE INDEX ON h1 (pid);
CREATE INDEX ON h1 (pid2);
CREATE TABLE arch (id int PRIMARY KEY, pid int CONSTRAINT apid REFERENCES p, u int CONSTRAINT au UNIQUE, txt text);
CREATE INDEX a_pid ON arch (pid);
SELECT count(*) > 0 AS registered FROM softdelete.register('"Q''x"', retention => '1 year');
SELECT count(*) > 0 AS registered FROM softdelete.register('k');
SELECT count(*) > 0 AS registered FROM softdelete.register('h');
SELECT count(*) > 0 AS registered FROM softdelete.register('r', visibility => 'rls');
SELECT count(*) > 0 AS registered FROM softdelete.register('arch', strategy => 'archive');

-- Runs the commands, tells what is out of step then, and takes all of it back.
CREATE FUNCTION walk(commands text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    outcome text;
    mended text;
BEGIN
    BEGIN
        EXECUTE commands;
        SELECT string_agg(c.code || ' of ' || c.relation, '; ') INTO outcome FROM softdelete.check() c JOIN pg_class r ON r.oid = c.relation
            WHERE c.severity = 'error' AND r.relnamespace = 'regress_walk'::regnamespace;
        SELECT string_agg(t.relation || ' ' || s.object, ', ') INTO mended FROM (SELECT r.oid::regclass AS relation FROM softdelete.tables t JOIN pg_class r ON r.oid = t.relation
            WHERE r.relnamespace = 'regress_walk'::regnamespace OFFSET 0) t, softdelete.repair(t.relation) s;
        RAISE EXCEPTION USING ERRCODE = 'ZZ999';
    EXCEPTION WHEN SQLSTATE 'ZZ999' THEN NULL;
    END;
    RETURN coalesce(outcome, 'in step') || coalesce(', mended: ' || mended, '');
END $$;
CREATE TABLE walks (n int GENERATED ALWAYS AS IDENTITY, commands text);
INSERT INTO walks (commands) VALUES
    ('SELECT'),
    -- Foreign keys go, by themselves and with what they lead to.
    ('ALTER TABLE "Q''x" DROP CONSTRAINT pid'),
    ('ALTER TABLE "Q''x" DROP CONSTRAINT code'),
    ('ALTER TABLE "Q''x" DROP CONSTRAINT ab'),
    ('ALTER TABLE "Q''x" DROP CONSTRAINT self'),
    ('ALTER TABLE "Q''x" DROP CONSTRAINT pid, ADD CONSTRAINT pid FOREIGN KEY (pid) REFERENCES p ON DELETE SET NULL'),
    ('DROP TABLE p CASCADE'),
    ('ALTER TABLE p DROP CONSTRAINT p_pkey CASCADE'),
    ('ALTER TABLE p DROP COLUMN a CASCADE'),
    ('ALTER TABLE p DROP COLUMN code CASCADE'),
    ('ALTER TABLE k DROP CONSTRAINT kpid'),
    ('ALTER TABLE h DROP CONSTRAINT hpid'),
    ('ALTER TABLE h1 DROP CONSTRAINT hpid2'),
    ('ALTER TABLE arch DROP CONSTRAINT apid'),
    ('ALTER TABLE "Q''x" RENAME CONSTRAINT pid TO other'),
    ('ALTER INDEX q_pid RENAME TO "new Pid"; ALTER TABLE "Q''x" DROP CONSTRAINT pid'),
    ('ALTER TABLE "Q''x" ALTER CONSTRAINT pid DEFERRABLE'),
    -- And those that lead to the table.
    ('ALTER TABLE r DROP CONSTRAINT v'),
    ('ALTER TABLE r DROP CONSTRAINT qid'),
    ('DROP TABLE r'),
    ('DROP TABLE kr'),
    ('ALTER TABLE kr DROP CONSTRAINT kr_k'),
    ('ALTER TABLE "Q''x" RENAME CONSTRAINT v_ref TO "new V"; DROP TABLE r'),
    ('CREATE TABLE rr (q int REFERENCES "Q''x" (w)); ALTER TABLE "Q''x" REPLICA IDENTITY DEFAULT; DROP TABLE rr'),
    -- New ones come and go.
    ('ALTER TABLE "Q''x" ADD FOREIGN KEY (n) REFERENCES p'),
    ('ALTER TABLE "Q''x" ADD FOREIGN KEY (n) REFERENCES p NOT VALID'),
    ('ALTER TABLE "Q''x" ADD CONSTRAINT nn FOREIGN KEY (n) REFERENCES p NOT VALID; ALTER TABLE "Q''x" VALIDATE CONSTRAINT nn'),
    ('ALTER TABLE "Q''x" ADD CONSTRAINT nn FOREIGN KEY (n) REFERENCES p; ALTER TABLE "Q''x" DROP CONSTRAINT nn'),
    ('ALTER TABLE "Q''x" ADD COLUMN more int CONSTRAINT more REFERENCES p; CREATE INDEX ON "Q''x" (more); ALTER TABLE "Q''x" DROP CONSTRAINT more'),
    ('ALTER TABLE "Q''x" ADD COLUMN more int REFERENCES p; CREATE INDEX ON "Q''x" (more); ALTER TABLE "Q''x" DROP COLUMN more'),
    ('CREATE INDEX ON "Q''x" (pid, txt); ALTER TABLE "Q''x" DROP CONSTRAINT pid'),
    ('CREATE INDEX ON k (pid, v); ALTER TABLE k DROP CONSTRAINT kpid'),
    -- The replica identity, CLUSTER, the primary key.
    ('ALTER TABLE "Q''x" REPLICA IDENTITY DEFAULT'),
    ('ALTER TABLE "Q''x" REPLICA IDENTITY FULL'),
    ('ALTER TABLE "Q''x" DROP CONSTRAINT w_ident'),
    ('ALTER TABLE "Q''x" SET WITHOUT CLUSTER'),
    ('ALTER TABLE "Q''x" CLUSTER ON q_pid'),
    ('ALTER TABLE "Q''x" DROP CONSTRAINT "Q''x_pkey" CASCADE'),
    -- Indexes and constraints.
    ('DROP INDEX q_pid, q_n'),
    ('DROP INDEX q_pid; CREATE INDEX q_pid ON "Q''x" (txt)'),
    ('ALTER INDEX q_n RENAME TO "new N"'),
    ('ALTER TABLE "Q''x" DROP CONSTRAINT u'),
    ('ALTER TABLE "Q''x" DROP CONSTRAINT x, DROP CONSTRAINT ex'),
    ('ALTER TABLE "Q''x" ADD UNIQUE (n), ADD CONSTRAINT nn UNIQUE (n) DEFERRABLE, ADD EXCLUDE USING gist (r WITH -|-)'),
    ('CREATE UNIQUE INDEX ui ON "Q''x" (n); ALTER TABLE "Q''x" ADD CONSTRAINT nk UNIQUE USING INDEX ui'),
    ('ALTER TABLE "Q''x" ADD CHECK (n > 0), ALTER n DROP NOT NULL, ALTER n SET DEFAULT 3'),
    ('ALTER INDEX q_n SET (fillfactor = 70); REINDEX TABLE "Q''x"'),
    ('ALTER TABLE arch DROP CONSTRAINT au; CREATE INDEX ON arch (txt); DROP INDEX a_pid'),
    -- Columns.
    ('ALTER TABLE "Q''x" DROP COLUMN a'),
    ('ALTER TABLE "Q''x" DROP COLUMN txt, DROP COLUMN pid'),
    ('ALTER TABLE "Q''x" ALTER pid TYPE bigint, ALTER txt TYPE varchar(20), ALTER u TYPE bigint, ALTER x TYPE bigint, ALTER v TYPE bigint'),
    ('ALTER TABLE "Q''x" ALTER r TYPE int8range USING NULL'),
    ('ALTER TABLE "Q''x" RENAME pid TO parent'),
    ('ALTER TABLE "Q''x" RENAME u TO "U u"'),
    ('ALTER TABLE "Q''x" RENAME deleted_at TO gone'),
    ('ALTER TABLE "Q''x" ALTER deleted_by TYPE name, ALTER deleted_at SET STATISTICS 10'),
    ('ALTER TABLE arch DROP COLUMN pid, ADD COLUMN more int REFERENCES p, ALTER txt TYPE varchar(9)'),
    -- Partitions and children.
    ('ALTER TABLE k DETACH PARTITION k1'),
    ('CREATE TABLE k3 PARTITION OF k FOR VALUES FROM (20) TO (30); ALTER TABLE k DROP CONSTRAINT kpid'),
    ('CREATE TABLE k3 (id int NOT NULL, pid int, v int); CREATE INDEX ON k3 (pid); ALTER TABLE k ATTACH PARTITION k3 FOR VALUES FROM (20) TO (30)'),
    ('CREATE TABLE k3 (LIKE k INCLUDING ALL); ALTER TABLE k ATTACH PARTITION k3 FOR VALUES FROM (20) TO (30); DROP TABLE p CASCADE'),
    ('ALTER TABLE h1 NO INHERIT h'),
    ('ALTER TABLE h1 NO INHERIT h; ALTER TABLE h1 DROP CONSTRAINT hpid2'),
    ('ALTER TABLE h1 DROP COLUMN pid2'),
    ('CREATE TABLE h2 (pid2 int REFERENCES p) INHERITS (h); CREATE INDEX ON h2 (pid2); DROP TABLE p CASCADE'),
    ('CREATE TABLE h2 (LIKE h INCLUDING ALL, pid2 int REFERENCES p); CREATE INDEX ON h2 (pid2); ALTER TABLE h2 INHERIT h; DROP TABLE p CASCADE'),
    -- Names, settings, comments, row security.
    ('ALTER TABLE "Q''x" RENAME TO qq; ALTER TABLE qq DROP CONSTRAINT pid'),
    ('ALTER TABLE "Q''x" SET (fillfactor = 70)'),
    ('ALTER TABLE "Q''x" ENABLE ROW LEVEL SECURITY; CREATE POLICY pp ON "Q''x" USING (true)'),
    ('CREATE POLICY pp ON r USING (true); DROP POLICY pp ON r'),
    ('ALTER VIEW "active_Q''x" SET (security_barrier = true); ALTER VIEW "active_Q''x" RENAME TO aq'),
    ('COMMENT ON COLUMN "Q''x".deleted_at IS ''x'''),
    ('COMMENT ON COLUMN "Q''x".deleted_at IS NULL'),
    ('COMMENT ON COLUMN "Q''x".deletion_id IS ''x''; COMMENT ON INDEX q_n IS ''x''; COMMENT ON VIEW "active_Q''x" IS ''x''; COMMENT ON TRIGGER softdelete_marker ON "Q''x" IS ''x'''),
    ('COMMENT ON COLUMN arch.txt IS ''x''; COMMENT ON TABLE arch_archive IS ''x'''),
    ('COMMENT ON COLUMN arch_archive.deleted_at IS ''x''');
SELECT w.commands, walk(w.commands) FROM walks w ORDER BY w.n;

-- What is unique stays so among all rows, which check() says, until one says that the table's indexes are to be as they can be now.
DROP TABLE r;
ALTER TABLE "Q'x" DROP CONSTRAINT pid;
SELECT object, message, remedy FROM softdelete.check('"Q''x"') WHERE code = 'unconverted_index' ORDER BY object;
SELECT rtrim(remedy, ';') AS remedy FROM softdelete.check('"Q''x"') WHERE code = 'unconverted_index' AND object LIKE '%v_ref' \gset
SELECT object, action FROM (:remedy) s WHERE action <> 'warning' ORDER BY object;
SELECT object FROM softdelete.check('"Q''x"') WHERE code = 'unconverted_index' ORDER BY object;
SELECT object FROM softdelete.repair('"Q''x"');
SELECT indexname, indexdef LIKE '%deleted_at IS NULL%' AS is_partial FROM pg_indexes WHERE tablename = 'Q''x' ORDER BY 1;
-- The end of the registration gives all of them back as they were.
SELECT count(*) > 0 AS ended FROM softdelete.unregister('"Q''x"');
SELECT indexname, indexdef LIKE '%WHERE%' AS is_partial FROM pg_indexes WHERE tablename = 'Q''x' ORDER BY 1;

-- A comment on the column that was there before is kept for that, and the other tells the retention.
CREATE TABLE noted (id int PRIMARY KEY, deleted_at timestamptz);
SELECT count(*) > 0 AS registered FROM softdelete.register('noted', retention => '30 days');
SET client_min_messages = notice;
COMMENT ON COLUMN noted.deleted_at IS 'of the application';
SET client_min_messages = error;
SELECT col_description('noted'::regclass, 2);
SELECT count(*) > 0 AS ended FROM softdelete.unregister('noted');
SELECT col_description('noted'::regclass, 2);
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_walk CASCADE;
DROP OWNED BY regress_walk_owner;
DROP ROLE regress_walk_owner;
