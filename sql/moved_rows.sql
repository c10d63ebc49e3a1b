-- What carries rows between a table and its archive fires no trigger of anybody's, and the code of constraints and indexes that runs
-- meanwhile finds the settings of whoever called.
\set VERBOSITY terse
SET client_min_messages = error;
CREATE ROLE regress_moved;
CREATE SCHEMA regress_moved AUTHORIZATION regress_moved;
SET SESSION AUTHORIZATION regress_moved;
SET search_path = regress_moved;
CREATE TABLE fired (what text);
CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO regress_moved.fired VALUES (concat_ws(' ', tg_name, tg_when, tg_op, tg_level, tg_table_name));
    RETURN coalesce(new, old);
END $$;
CREATE SEQUENCE looks;
CREATE FUNCTION look(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
    PERFORM nextval('regress_moved.looks');
    IF current_setting('session_replication_role') <> 'origin' OR current_setting('softdelete.deletion') <> 'soft' OR current_user <> 'regress_moved' THEN
        RAISE EXCEPTION 'a setting or a role of another''s reaches here: %, %, %', current_setting('session_replication_role'),
            current_setting('softdelete.deletion'), current_user;
    END IF;
    RETURN $1;
END $$;
CREATE DOMAIN looked AS text CHECK (regress_moved.look(VALUE) IS NOT NULL);
CREATE FUNCTION try(kind text) RETURNS TABLE (done text, triggers text, has_looked boolean, rows text) LANGUAGE plpgsql AS $$
DECLARE
    part text;
    command text;
    looked bigint;
BEGIN
    EXECUTE 'CREATE TABLE t (id int, k int, v text CHECK (regress_moved.look(v) IS NOT NULL), d looked,
        g text GENERATED ALWAYS AS (regress_moved.look(v)) STORED, PRIMARY KEY (id, k))' || CASE kind WHEN 'partitioned' THEN ' PARTITION BY LIST (k)' ELSE '' END;
    IF kind = 'partitioned' THEN
        CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);
        CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2, NULL) PARTITION BY HASH (id);
        CREATE TABLE t2a PARTITION OF t2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE t2b PARTITION OF t2 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE TABLE t3 PARTITION OF t DEFAULT;
    END IF;
    CREATE INDEX ON t (regress_moved.look(v));
    CREATE INDEX ON t (k) WHERE regress_moved.look(v) > '';
    INSERT INTO t SELECT i, i % 4, 'v' || i, 'd' FROM generate_series(1, 9) i;
    PERFORM softdelete.register('t', strategy => 'flag');
    DELETE FROM t WHERE id < 8;
    FOREACH part IN ARRAY CASE kind WHEN 'partitioned' THEN '{t,t1,t2a,t3}' ELSE '{t}' END::text[] LOOP
        EXECUTE format('CREATE TRIGGER %s_row_after AFTER INSERT OR UPDATE OR DELETE ON %1$s FOR EACH ROW EXECUTE FUNCTION fire()', part);
        EXECUTE format('CREATE TRIGGER %s_row BEFORE INSERT OR UPDATE OR DELETE ON %1$s FOR EACH ROW EXECUTE FUNCTION fire()', part);
        EXECUTE format('CREATE TRIGGER %s_statement AFTER INSERT OR UPDATE OR DELETE ON %1$s EXECUTE FUNCTION fire()', part);
        EXECUTE format('CREATE TRIGGER %s_statement_before BEFORE INSERT OR UPDATE OR DELETE ON %1$s EXECUTE FUNCTION fire()', part);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %1$s_row_after, ENABLE ALWAYS TRIGGER %1$s_row, ENABLE ALWAYS TRIGGER %1$s_statement', part);
    END LOOP;
    FOREACH done IN ARRAY '{archive,flag,archive}'::text[] LOOP
        DELETE FROM fired;
        looked := last_value FROM looks;
        PERFORM softdelete.configure('t', strategy => done);
        triggers := string_agg(DISTINCT what, ', ') FROM fired;
        has_looked := last_value > looked FROM looks;
        rows := (SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE deleted_at IS NOT NULL), string_agg(DISTINCT v, ',' ORDER BY v)) FROM all_t);
        RETURN NEXT;
    END LOOP;
    DELETE FROM t WHERE id = 8;
    PERFORM softdelete.restore('t', 1, 1), softdelete.undo((SELECT max(deletion_id) FROM deleted_t));
    done := 'brought back';
    triggers := NULL;
    rows := (SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE deleted_at IS NOT NULL)) FROM all_t);
    RETURN NEXT;
    PERFORM softdelete.unregister('t', 'purge');
    DROP TABLE t;
END $$;
SELECT * FROM try('plain');
SELECT * FROM try('partitioned');

-- Code of constraints finds names by the path of whoever called, as it does in an INSERT.
CREATE TABLE codes (code text);
INSERT INTO codes VALUES ('a');
CREATE FUNCTION is_code(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN EXISTS (SELECT FROM codes WHERE code = $1); END';
CREATE TABLE coded (id int PRIMARY KEY, code text CHECK (is_code(code)));
SELECT count(*) > 0 AS registered FROM softdelete.register('coded');
INSERT INTO coded VALUES (1, 'a'), (2, 'a');
DELETE FROM coded WHERE id = 1;
SELECT count(*) > 0 AS configured FROM softdelete.configure('coded', strategy => 'archive');
SELECT count(*) > 0 AS configured FROM softdelete.configure('coded', strategy => 'flag');
SELECT id, deleted_at IS NOT NULL AS deleted FROM all_coded ORDER BY id;

-- The bounds of partitions are the same points in time, and the same numbers, whatever the session reads.
CREATE TABLE bound (at timestamptz, n float8, PRIMARY KEY (at, n)) PARTITION BY RANGE (at);
CREATE TABLE bound_old PARTITION OF bound FOR VALUES FROM (MINVALUE) TO ('2024-01-01 00:00+00') PARTITION BY RANGE (n);
CREATE TABLE bound_old_1 PARTITION OF bound_old FOR VALUES FROM (MINVALUE) TO (0.1::float8 + 0.2);
CREATE TABLE bound_old_2 PARTITION OF bound_old FOR VALUES FROM (0.1::float8 + 0.2) TO (MAXVALUE);
CREATE TABLE bound_new PARTITION OF bound FOR VALUES FROM ('2024-01-01 00:00+00') TO (MAXVALUE);
SELECT count(*) > 0 AS registered FROM softdelete.register('bound', strategy => 'archive');
INSERT INTO bound SELECT timestamptz '2024-01-01 00:00+00' + i * interval '1 hour', 0.3 FROM generate_series(-15, 15) i;
INSERT INTO bound VALUES ('2023-01-01 00:00+00', 0.1::float8 + 0.2);
DELETE FROM bound;
SET TimeZone = 'Asia/Kolkata';
SET DateStyle = 'SQL, DMY';
SET extra_float_digits = 0;
SELECT count(*) > 0 AS configured FROM softdelete.configure('bound', strategy => 'flag');
RESET extra_float_digits;
SET softdelete.visibility = 'all';
SELECT tableoid::regclass AS part, count(*) FROM bound GROUP BY 1 ORDER BY 1;
RESET softdelete.visibility;
SELECT count(*) > 0 AS configured FROM softdelete.configure('bound', strategy => 'archive');
RESET TimeZone;
RESET DateStyle;
SELECT count(*) FROM all_bound;

-- Rows that were deleted elsewhere get ids of their own when their table is registered.
CREATE TABLE source (id int PRIMARY KEY, v text CHECK (regress_moved.look(v) IS NOT NULL));
SELECT count(*) > 0 AS registered FROM softdelete.register('source');
INSERT INTO source SELECT i, 'v' FROM generate_series(1, 3) i;
DELETE FROM source WHERE id = 1;
CREATE TABLE copy AS TABLE all_source;
ALTER TABLE copy ADD CHECK (regress_moved.look(v) IS NOT NULL), ADD PRIMARY KEY (id);
CREATE INDEX ON copy (regress_moved.look(v));
CREATE TRIGGER copy_row AFTER UPDATE ON copy FOR EACH ROW EXECUTE FUNCTION fire();
DELETE FROM fired;
SELECT count(*) > 0 AS registered FROM softdelete.register('copy');
SELECT * FROM fired;

RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_moved CASCADE;
DROP OWNED BY regress_moved;
DROP ROLE regress_moved;
