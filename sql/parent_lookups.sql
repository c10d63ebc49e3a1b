-- A row with a live parent is checked at the cost of the server's own foreign key, and every other row as the server checks it.
\set QUIET on
CREATE ROLE regress_lookups;
CREATE ROLE regress_lookups_writer;
CREATE SCHEMA regress_lookups AUTHORIZATION regress_lookups;
CREATE SCHEMA regress_lookups_plain AUTHORIZATION regress_lookups;
SET SESSION AUTHORIZATION regress_lookups;
SET search_path = regress_lookups;
SET client_min_messages = error;

-- The same tables in two schemas; the parents of one are registered.
CREATE PROCEDURE in_both(command text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('search_path', 'regress_lookups_plain, regress_lookups', true);
    EXECUTE command;
    PERFORM set_config('search_path', 'regress_lookups', true);
    EXECUTE command;
END
$$;

-- What a command does, whether it does the same where nothing is registered, and a short form of it.
CREATE FUNCTION try(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    count bigint;
    state text;
    message text;
    detail text;
    of_table text;
    of_key text;
BEGIN
    EXECUTE command;
    GET DIAGNOSTICS count = ROW_COUNT;
    RETURN count || CASE WHEN count = 1 THEN ' row' ELSE ' rows' END;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        of_table = TABLE_NAME, of_key = CONSTRAINT_NAME;
    RETURN concat_ws('; ', state, message, nullif(detail, ''), nullif(of_table, ''), nullif(of_key, ''));
END
$$;
CREATE FUNCTION outcome(command text) RETURNS TABLE (outcome text, same boolean) LANGUAGE plpgsql AS $$
DECLARE
    plain text;
BEGIN
    PERFORM set_config('search_path', 'regress_lookups_plain, regress_lookups', true);
    plain := try(command);
    PERFORM set_config('search_path', 'regress_lookups', true);
    outcome := try(command);
    same := plain = outcome;
    outcome := regexp_replace(outcome, '; .* constraint ("\w+")', '; \1');
    RETURN NEXT;
END
$$;

-- How often a command looks into the parents.
CREATE FUNCTION count_scans() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT sum(seq_scan + idx_scan) FROM pg_stat_xact_user_tables WHERE relid = 'parents'::regclass);
END
$$;
CREATE FUNCTION lookups(command text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before bigint := count_scans();
BEGIN
    EXECUTE command;
    RETURN count_scans() - before;
END
$$;
CALL in_both($$
    CREATE TABLE parents (id int PRIMARY KEY, name text);
    CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE, note text);
    CREATE TABLE notes (id int PRIMARY KEY, parent int REFERENCES parents);
    INSERT INTO parents SELECT g, 'name ' || g FROM generate_series(1, 100) g;
$$);
SELECT count(*) > 0 AS registered FROM softdelete.register('parents', cascade => true);
DELETE FROM parents WHERE id = 100;
DELETE FROM regress_lookups_plain.parents WHERE id = 100;
\set QUIET off

-- One look for a row, from a table that is registered or not, for one row and for many.
SELECT lookups('INSERT INTO children VALUES (1, 1)');
SELECT lookups('INSERT INTO notes VALUES (1, 1)');
SELECT lookups('INSERT INTO children SELECT g, g % 99 + 1 FROM generate_series(2, 51) g');
SELECT lookups('INSERT INTO children VALUES (52, 1), (53, 2) ON CONFLICT DO NOTHING');
SELECT lookups('INSERT INTO children VALUES (54, NULL)');

-- The server's check runs no query of its own then: the trigger fires, ours does not beside it.
CREATE FUNCTION fired(command text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || command LOOP
        IF line LIKE 'Trigger%' THEN
            RETURN NEXT line;
        END IF;
    END LOOP;
END
$$;
SELECT fired('INSERT INTO children SELECT g, 1 FROM generate_series(60, 62) g');

-- An update that can give no row another parent fires nothing of ours, be its table registered or not.
SELECT fired('UPDATE children SET note = ''x'' WHERE id < 10');
SELECT fired('UPDATE notes SET id = id + 1000 WHERE id = 1');
SELECT fired('UPDATE notes SET id = id - 1000 WHERE id = 1001');
-- One that can does.
SELECT fired('UPDATE children SET parent = 2 WHERE id = 2');
SELECT fired('UPDATE children SET parent = parent, note = ''y'' WHERE id = 3');
SELECT fired('WITH n AS (INSERT INTO notes VALUES (70, 1)) UPDATE notes SET id = id + 1000 WHERE id = 1');
SELECT fired('UPDATE notes SET id = id - 1000 WHERE id = 1001');
UPDATE children SET note = 'x', parent = 100 WHERE id = 4; -- fails
-- So it does where a trigger or an expression may.
CREATE FUNCTION orphan() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.parent := 100;
    RETURN NEW;
END
$$;
CREATE TRIGGER orphan BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION orphan();
CREATE TRIGGER orphan BEFORE UPDATE ON children FOR EACH ROW EXECUTE FUNCTION orphan();
UPDATE notes SET id = 1 WHERE id = 1; -- fails
UPDATE children SET note = 'z' WHERE id = 5; -- fails
DROP TRIGGER orphan ON notes;
DROP TRIGGER orphan ON children;
CREATE TABLE made (id int, a int, b int GENERATED ALWAYS AS (a + 1) STORED REFERENCES parents);
INSERT INTO made VALUES (1, 1);
UPDATE made SET a = 99; -- fails
UPDATE made SET a = 2 RETURNING b;
DROP TABLE made;
-- Partitions, to which rows come from others, and heirs with a key of their own.
CREATE TABLE halves (id int, parent int, half int) PARTITION BY LIST (half);
CREATE TABLE halves_1 PARTITION OF halves FOR VALUES IN (1);
CREATE TABLE halves_2 PARTITION OF halves FOR VALUES IN (2);
ALTER TABLE halves_2 ADD FOREIGN KEY (parent) REFERENCES parents;
INSERT INTO halves VALUES (1, 100, 1), (2, 1, 1);
UPDATE halves SET half = 2 WHERE id = 1; -- fails
UPDATE halves SET half = 2 WHERE id = 2;
CREATE TABLE base (id int, parent int);
CREATE TABLE heirs (more int, FOREIGN KEY (parent) REFERENCES parents) INHERITS (base);
ALTER TABLE base DROP COLUMN id, ADD COLUMN name text;
INSERT INTO heirs (parent) VALUES (1);
UPDATE base SET parent = 100; -- fails
SELECT fired('UPDATE base SET name = ''y''');
DROP TABLE halves, heirs, base;

-- The errors of absent parents are those of the server, and of deleted ones as if they were not there.
SELECT * FROM outcome('INSERT INTO children VALUES (200, 1000)');
SELECT * FROM outcome('INSERT INTO children VALUES (200, 100)');
SELECT * FROM outcome('INSERT INTO notes VALUES (200, 1), (201, 100)');
SELECT * FROM outcome('INSERT INTO children VALUES (200, 1), (201, 1000), (202, 2)');

-- They show no values to those who may not read them.
CALL in_both('GRANT INSERT ON children, notes TO regress_lookups_writer');
GRANT USAGE ON SCHEMA regress_lookups, regress_lookups_plain TO regress_lookups_writer;
SET SESSION AUTHORIZATION regress_lookups_writer;
SELECT * FROM outcome('INSERT INTO children VALUES (200, 1000)');
SELECT * FROM outcome('INSERT INTO children VALUES (200, 100)');
SELECT * FROM outcome('INSERT INTO children VALUES (200, 1)');
SET SESSION AUTHORIZATION regress_lookups;

-- The parents' owner has to have the privileges that the server's query asks for; his policies are no matter.
CALL in_both('REVOKE UPDATE ON parents FROM regress_lookups');
SELECT * FROM outcome('INSERT INTO children VALUES (210, 1)');
CALL in_both('GRANT UPDATE ON parents TO regress_lookups');
CALL in_both('REVOKE SELECT ON parents FROM regress_lookups');
SELECT * FROM outcome('INSERT INTO children VALUES (210, 1)');
CALL in_both('GRANT SELECT ON parents TO regress_lookups');
CALL in_both($$
    ALTER TABLE parents ENABLE ROW LEVEL SECURITY;
    ALTER TABLE parents FORCE ROW LEVEL SECURITY;
    CREATE POLICY no_names ON parents USING (name IS NULL);
$$);
SELECT * FROM outcome('SELECT FROM parents');
SELECT * FROM outcome('INSERT INTO children VALUES (210, 1)');
SELECT * FROM outcome('INSERT INTO children VALUES (211, 1000)');
CALL in_both('DROP POLICY no_names ON parents; ALTER TABLE parents DISABLE ROW LEVEL SECURITY');

-- Triggers that change the row, or other rows, on the way.
CALL in_both($do$
    CREATE FUNCTION divert() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.parent := NEW.parent + 1;
        RETURN NEW;
    END
    $$;
    CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_NARGS > 0 THEN
            EXECUTE format(TG_ARGV[0], NEW.id, NEW.parent);
        END IF;
        RETURN NULL;
    END
    $$;
    CREATE TRIGGER divert BEFORE INSERT ON children FOR EACH ROW EXECUTE FUNCTION divert();
$do$);
SELECT * FROM outcome('INSERT INTO children VALUES (220, 98), (221, 0)');
SELECT * FROM outcome('INSERT INTO children VALUES (222, 99)');
CALL in_both('DROP TRIGGER divert ON children');
-- Before the server's own check: the parent comes, goes, or the row changes.
CALL in_both($$CREATE TRIGGER "A" AFTER INSERT ON children FOR EACH ROW EXECUTE FUNCTION act('INSERT INTO parents VALUES (%2$s)')$$);
SELECT * FROM outcome('INSERT INTO children VALUES (230, 300)');
CALL in_both('DROP TRIGGER "A" ON children');
CALL in_both($$CREATE TRIGGER "A" AFTER INSERT ON children FOR EACH ROW EXECUTE FUNCTION act('UPDATE children SET parent = 1000 WHERE id = %1$s')$$);
SELECT * FROM outcome('INSERT INTO children VALUES (231, 1)');
CALL in_both('DROP TRIGGER "A" ON children');
CALL in_both($$CREATE TRIGGER "A" AFTER INSERT ON children FOR EACH ROW EXECUTE FUNCTION act('UPDATE children SET parent = 2 WHERE id = %1$s')$$);
SELECT * FROM outcome('INSERT INTO children VALUES (231, 1000)');
CALL in_both('DROP TRIGGER "A" ON children');
CALL in_both($$CREATE TRIGGER "A" AFTER INSERT ON children FOR EACH ROW EXECUTE FUNCTION act('DELETE FROM parents WHERE id = %2$s')$$);
SELECT * FROM outcome('INSERT INTO notes VALUES (233, 90)');
SELECT * FROM outcome('INSERT INTO children VALUES (233, 91)');
CALL in_both('DROP TRIGGER "A" ON children');
-- Between the server's check and ours.
CALL in_both($$CREATE TRIGGER a AFTER INSERT ON children FOR EACH ROW EXECUTE FUNCTION act('DELETE FROM parents WHERE id = %2$s')$$);
SELECT * FROM outcome('INSERT INTO children VALUES (240, 92)');
SELECT * FROM outcome('SELECT FROM children WHERE id = 240');
CALL in_both('DROP TRIGGER a ON children');
CALL in_both($$CREATE TRIGGER a AFTER INSERT ON children FOR EACH ROW EXECUTE FUNCTION act('INSERT INTO parents VALUES (%2$s)')$$);
SELECT * FROM outcome('INSERT INTO children VALUES (241, 301)');
CALL in_both('DROP TRIGGER a ON children');

-- A row sees those of its own statement, and what the transaction did before.
CALL in_both('CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE)');
SELECT count(*) > 0 AS registered FROM softdelete.register('tree');
SELECT * FROM outcome('INSERT INTO tree VALUES (1, 1), (2, 3), (3, 2), (4, NULL)');
SELECT * FROM outcome('INSERT INTO tree VALUES (5, 6), (7, 8)');
SELECT * FROM outcome('DELETE FROM tree WHERE id = 1');
SELECT * FROM outcome('INSERT INTO tree VALUES (9, 1)');
SELECT * FROM outcome('WITH p AS (INSERT INTO tree VALUES (20) RETURNING id) INSERT INTO tree SELECT 21, id FROM p');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM outcome('INSERT INTO tree VALUES (30, 31), (31, 30)');
SELECT * FROM outcome('INSERT INTO tree VALUES (32, 33)');
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM outcome('INSERT INTO tree VALUES (34, 31), (35, 35)');
COMMIT;

-- Keys of several columns in another order, MATCH FULL, and partial NULLs.
CALL in_both($$
    CREATE TABLE pairs (a int, b text, c int, PRIMARY KEY (b, a), UNIQUE (c, a, b));
    CREATE TABLE simple (id int, x int, y text, FOREIGN KEY (x, y) REFERENCES pairs (a, b));
    CREATE TABLE full_ones (id int, x int, y text, FOREIGN KEY (x, y) REFERENCES pairs (a, b) MATCH FULL);
    CREATE TABLE wide (id int, x int, y text, z int, FOREIGN KEY (x, y, z) REFERENCES pairs (a, b, c));
    INSERT INTO pairs VALUES (1, 'one', 10), (2, 'two', 20), (3, 'three', 30);
$$);
SELECT count(*) > 0 AS registered FROM softdelete.register('pairs');
CALL in_both('DELETE FROM pairs WHERE a = 3');
SELECT v AS row, s.outcome AS simple, s.same, f.outcome AS "full", f.same, w.outcome AS wide, w.same
    FROM unnest('{"1, ''one'', 10","1, ''two'', 20","3, ''three'', 30","NULL, ''one'', NULL","9, NULL, 10","NULL, NULL, NULL"}'::text[]) v,
    outcome(format('INSERT INTO simple SELECT 1, x::int, y::text FROM (VALUES (%s)) v (x, y, z)', v)) s,
    outcome(format('INSERT INTO full_ones SELECT 1, x::int, y::text FROM (VALUES (%s)) v (x, y, z)', v)) f,
    outcome(format('INSERT INTO wide SELECT 1, x::int, y::text, z::int FROM (VALUES (%s)) v (x, y, z)', v)) w;

-- Keys between types, some of which need code that is not the server's.
CALL in_both($do$
    CREATE TYPE mood AS ENUM ('sad', 'glad');
    CREATE DOMAIN short AS text CHECK (length(VALUE) < 9);
    CREATE TYPE pair AS (a int, b int);
    CREATE TABLE typed (i bigint UNIQUE NOT NULL, n numeric UNIQUE NOT NULL, t text UNIQUE NOT NULL, c char(5) UNIQUE NOT NULL,
        m mood UNIQUE NOT NULL, a int[] UNIQUE NOT NULL, r int4range UNIQUE NOT NULL, p pair UNIQUE NOT NULL, d short UNIQUE NOT NULL,
        k text COLLATE "C" UNIQUE NOT NULL, id int PRIMARY KEY);
    INSERT INTO typed VALUES (1, 1.5, 'a', 'a', 'sad', '{1}', '[1,2)', '(1,1)', 'a', 'a', 1), (2, 2, 'b', 'b', 'glad', '{2}', '[2,3)', '(2,2)', 'b', 'b', 2);
    CREATE TABLE links (i2 smallint REFERENCES typed (i), i4 int REFERENCES typed (i), i8 bigint REFERENCES typed (id),
        n int REFERENCES typed (n), n2 numeric(9, 2) REFERENCES typed (n), v varchar(3) REFERENCES typed (t), s short REFERENCES typed (t),
        c varchar REFERENCES typed (c), c3 char(3) REFERENCES typed (c), m mood REFERENCES typed (m), a int[] REFERENCES typed (a),
        r int4range REFERENCES typed (r), p pair REFERENCES typed (p), d text REFERENCES typed (d), k text REFERENCES typed (k));
$do$);
SELECT count(*) > 0 AS registered FROM softdelete.register('typed');
CALL in_both('DELETE FROM typed WHERE id = 2');
SELECT c, v AS value, o.outcome, o.same FROM (VALUES ('i2', '{1,2,3}'::text[]), ('i4', '{1,2,3}'), ('i8', '{1,2,3}'), ('n', '{1,2}'),
    ('n2', '{1.5,1.50,2,3}'), ('v', '{a,b,c}'), ('s', '{a,b,c}'), ('c', '{a,"a  ",b,c}'), ('c3', '{a,"a  ",b,c}'), ('m', '{sad,glad}'),
    ('a', '{"{1}","{2}","{3}"}'), ('r', '{"[1,1]","[2,3)","[3,4)"}'), ('p', '{"(1,1)","(2,2)","(3,3)"}'), ('d', '{a,b,c}'), ('k', '{a,b,c}'))
    AS t (c, list), unnest(list) v, outcome(format('INSERT INTO links (%I) VALUES (%L)', c, v)) o;

-- Keys that are checked later, not for rows that are there, not at all, or of parents with heirs and partitions.
CALL in_both($$
    ALTER TABLE notes ADD later int REFERENCES parents DEFERRABLE INITIALLY DEFERRED, ADD now int REFERENCES parents DEFERRABLE;
    CREATE TABLE unchecked (id int, parent int);
    INSERT INTO unchecked VALUES (1, 1000);
    ALTER TABLE unchecked ADD FOREIGN KEY (parent) REFERENCES parents NOT VALID;
    CREATE TABLE split (id int, parent int REFERENCES parents) PARTITION BY RANGE (id);
    CREATE TABLE split_1 PARTITION OF split FOR VALUES FROM (0) TO (100);
    CREATE TABLE split_2 (parent int, id int);
    ALTER TABLE split ATTACH PARTITION split_2 FOR VALUES FROM (100) TO (200);
    CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY HASH (id);
    CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE TABLE of_parts (id int, part int REFERENCES parts);
    INSERT INTO parts SELECT generate_series(1, 10);
$$);
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
CALL in_both('DELETE FROM parts WHERE id = 5');
SELECT * FROM outcome('INSERT INTO notes (id, now) VALUES (300, 1000)');
SELECT * FROM outcome('INSERT INTO notes (id, now) VALUES (300, 100)');
SELECT * FROM outcome('INSERT INTO notes (id, now) VALUES (300, 1)');
INSERT INTO notes (id, later) VALUES (301, 1000); -- fails
INSERT INTO notes (id, later) VALUES (301, 100); -- fails
BEGIN;
SELECT * FROM outcome('INSERT INTO notes (id, later) VALUES (302, 302)');
SELECT * FROM outcome('INSERT INTO parents VALUES (302)');
SELECT * FROM outcome('SET CONSTRAINTS ALL IMMEDIATE');
SELECT * FROM outcome('INSERT INTO notes (id, later) VALUES (303, 100)');
SET CONSTRAINTS ALL DEFERRED;
SELECT * FROM outcome('INSERT INTO notes (id, later, now) VALUES (304, 100, 100)');
SELECT * FROM outcome('SET CONSTRAINTS ALL IMMEDIATE');
ROLLBACK;
SELECT * FROM outcome('INSERT INTO unchecked VALUES (2, 1000)');
SELECT * FROM outcome('INSERT INTO unchecked VALUES (2, 100), (3, 1)');
SELECT * FROM outcome('INSERT INTO unchecked VALUES (3, 1)');
SELECT t, p AS parent, o.outcome, o.same FROM unnest('{split,split_1,split_2}'::text[]) t, unnest('{1,100,1000}'::int[]) p,
    outcome(format('INSERT INTO %I (id, parent) VALUES (%s, %s)', t, CASE t WHEN 'split_2' THEN 150 ELSE 50 END, p)) o;
SELECT p AS part, o.outcome, o.same FROM unnest('{1,4,5,11}'::int[]) p, outcome(format('INSERT INTO of_parts VALUES (1, %s)', p)) o;

-- Upserts and MERGE, which write in two ways.
SELECT * FROM outcome('INSERT INTO notes VALUES (1, 2), (400, 3) ON CONFLICT (id) DO UPDATE SET parent = EXCLUDED.parent');
SELECT * FROM outcome('INSERT INTO notes VALUES (1, 100), (401, 3) ON CONFLICT (id) DO UPDATE SET parent = EXCLUDED.parent');
SELECT * FROM outcome('INSERT INTO notes VALUES (1, 3), (401, 100) ON CONFLICT (id) DO UPDATE SET parent = EXCLUDED.parent');
SELECT * FROM outcome('INSERT INTO notes VALUES (1, 1000) ON CONFLICT DO NOTHING');
SELECT * FROM outcome('MERGE INTO notes n USING (VALUES (1, 4), (402, 5)) v (i, p) ON n.id = v.i
    WHEN MATCHED THEN UPDATE SET parent = v.p WHEN NOT MATCHED THEN INSERT VALUES (v.i, v.p)');
SELECT * FROM outcome('MERGE INTO notes n USING (VALUES (1, 4), (403, 100)) v (i, p) ON n.id = v.i
    WHEN MATCHED THEN UPDATE SET parent = v.p WHEN NOT MATCHED THEN INSERT VALUES (v.i, v.p)');

-- Rows that come in as deleted ones may have deleted parents, and no absent ones.
INSERT INTO children (id, parent, deleted_at) VALUES (500, 100, now()), (501, 1, now());
INSERT INTO children (id, parent, deleted_at) VALUES (502, 1000, now()); -- fails

-- A key with another name than its trigger knows, and one whose checks the superuser has disabled.
CALL in_both('ALTER TABLE notes RENAME CONSTRAINT notes_parent_fkey TO renamed');
SELECT * FROM outcome('INSERT INTO notes VALUES (600, 1000)');
SELECT * FROM outcome('INSERT INTO notes VALUES (600, 100)');
SELECT * FROM outcome('INSERT INTO notes VALUES (600, 1)');
RESET SESSION AUTHORIZATION;
SET search_path = regress_lookups;
SET session_replication_role = replica;
SELECT * FROM outcome('INSERT INTO notes VALUES (601, 1000), (602, 100)');
RESET session_replication_role;

\set QUIET on
SET client_min_messages = error;
DROP SCHEMA regress_lookups, regress_lookups_plain CASCADE;
DROP ROLE regress_lookups, regress_lookups_writer;
