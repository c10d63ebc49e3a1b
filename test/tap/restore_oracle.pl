# Random families of rows with diamonds, rings and self references, and random sequences of delete, restore, undo, insert
# and update, compared with a model in plain SQL: preview() says what DELETE then does, undo leaves everything as it was
# before the deletion, restore brings back exactly the rows that the model names, and so do erase and anonymize with what they take
# away or overwrite. Which of the tables that nothing references by its key have archives is drawn as well. Rows move to another partition while
# live or deleted, and by the statement that deletes them; partitions leave and come back, and have foreign keys of their
# own and to them, at each level.
# SOFTDELETE_SEED and SOFTDELETE_STEPS choose another run.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{SOFTDELETE_SEED} || 20260101;
my $steps = $ENV{SOFTDELETE_STEPS} || 500;
note "SOFTDELETE_SEED=$seed SOFTDELETE_STEPS=$steps";

srand($seed);
my %strategy = map { $_ => rand() < 0.6 ? 'archive' : 'flag' } 'd', 'f';
note join ', ', map { "$_ $strategy{$_}" } sort keys %strategy;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION softdelete;
CREATE TABLE a (id int PRIMARY KEY, up int REFERENCES a ON DELETE CASCADE, friend int REFERENCES a ON DELETE SET NULL);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE, other int REFERENCES a ON DELETE CASCADE);
CREATE TABLE c (id int, part int, b int REFERENCES b ON DELETE CASCADE, a int REFERENCES a ON DELETE CASCADE, own int,
    PRIMARY KEY (part, id)) PARTITION BY LIST (part);
CREATE TABLE c0 PARTITION OF c FOR VALUES IN (0);
CREATE TABLE c1 (b int, a int, own int, id int NOT NULL, part int NOT NULL);
ALTER TABLE c ATTACH PARTITION c1 FOR VALUES IN (1);
ALTER TABLE c0 ADD FOREIGN KEY (own) REFERENCES b ON DELETE CASCADE;
CREATE TABLE d (id int PRIMARY KEY, c_part int, c int, b int REFERENCES b ON DELETE CASCADE, a int REFERENCES a ON DELETE RESTRICT,
    n int REFERENCES b, FOREIGN KEY (c_part, c) REFERENCES c ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE e (id int, part int, c int, PRIMARY KEY (id, part),
    FOREIGN KEY (part, c) REFERENCES c (part, id) ON DELETE CASCADE ON UPDATE CASCADE) PARTITION BY LIST (part);
CREATE TABLE e0 PARTITION OF e FOR VALUES IN (0);
CREATE TABLE e1 PARTITION OF e FOR VALUES IN (1);
CREATE TABLE g (id int PRIMARY KEY, b int REFERENCES b ON DELETE CASCADE, own int) PARTITION BY RANGE (id);
CREATE TABLE g0 PARTITION OF g FOR VALUES FROM (MINVALUE) TO (250);
CREATE TABLE g1 PARTITION OF g DEFAULT PARTITION BY HASH (id);
CREATE TABLE g1a (own int, b int, id int NOT NULL);
ALTER TABLE g1 ATTACH PARTITION g1a FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE g1b PARTITION OF g1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
ALTER TABLE g1a ADD FOREIGN KEY (own) REFERENCES a ON DELETE CASCADE;
CREATE TABLE f (id int PRIMARY KEY, g0 int REFERENCES g0 ON DELETE CASCADE, g1 int REFERENCES g1 ON DELETE CASCADE, c_part int, e int,
    FOREIGN KEY (e, c_part) REFERENCES e ON UPDATE CASCADE);
ALTER TABLE a ADD note text DEFAULT 'a note';
ALTER TABLE d ADD note text DEFAULT 'a note';
ALTER TABLE f ADD note text DEFAULT 'a note';
SELECT count(*) FROM unnest('{a,b,c,e,g}'::regclass[]) t, LATERAL softdelete.register(t);
SQL
$node->safe_psql('postgres', "SELECT count(*) FROM softdelete.register('$_', strategy => '$strategy{$_}')") for sort keys %strategy;
$node->safe_psql('postgres', "SELECT softdelete.set_anonymizer(t, 'note', \$\$'gone'\$\$) FROM unnest('{a,d,f}'::regclass[]) t");

# The model: rows and links as it sees them, whatever their table.
$node->safe_psql('postgres', <<'SQL');
CREATE VIEW rows AS
    SELECT 'a' AS t, id, deleted_at IS NOT NULL AS deleted, deletion_id AS deletion, ARRAY[up, friend] AS links FROM all_a UNION ALL
    SELECT 'b', id, deleted_at IS NOT NULL, deletion_id, ARRAY[a, other] FROM all_b UNION ALL
    SELECT 'c', id, deleted_at IS NOT NULL, deletion_id, ARRAY[part, b, a, own] FROM all_c UNION ALL
    SELECT 'd', id, deleted_at IS NOT NULL, deletion_id, ARRAY[c_part, c, b, a, n] FROM all_d UNION ALL
    SELECT 'e', id, deleted_at IS NOT NULL, deletion_id, ARRAY[part, c] FROM all_e UNION ALL
    SELECT 'f', id, deleted_at IS NOT NULL, deletion_id, ARRAY[g0, g1, c_part, e] FROM all_f UNION ALL
    SELECT 'g', id, deleted_at IS NOT NULL, deletion_id, ARRAY[b, own] FROM all_g;
CREATE VIEW links AS
    SELECT 'a' AS ct, id AS cid, 'a' AS pt, up AS pid, 'c' AS action FROM all_a WHERE up IS NOT NULL UNION ALL
    SELECT 'a', id, 'a', friend, 'n' FROM all_a WHERE friend IS NOT NULL UNION ALL
    SELECT 'b', id, 'a', a, 'c' FROM all_b WHERE a IS NOT NULL UNION ALL
    SELECT 'b', id, 'a', other, 'c' FROM all_b WHERE other IS NOT NULL UNION ALL
    SELECT 'c', id, 'b', b, 'c' FROM all_c WHERE b IS NOT NULL UNION ALL
    SELECT 'c', id, 'a', a, 'c' FROM all_c WHERE a IS NOT NULL UNION ALL
    SELECT 'c', id, 'b', own, 'c' FROM all_c WHERE own IS NOT NULL AND part = 0 UNION ALL
    -- Archived rows keep the key that the other row had: where that has moved since, they reference nothing.
    SELECT 'd', id, 'c', CASE WHEN EXISTS (SELECT FROM all_c o WHERE o.part = c_part AND o.id = c) THEN c ELSE -c END, 'c'
        FROM all_d WHERE c IS NOT NULL AND c_part IS NOT NULL UNION ALL
    SELECT 'd', id, 'b', b, 'c' FROM all_d WHERE b IS NOT NULL UNION ALL
    SELECT 'd', id, 'a', a, 'r' FROM all_d WHERE a IS NOT NULL UNION ALL
    SELECT 'd', id, 'b', n, 'a' FROM all_d WHERE n IS NOT NULL UNION ALL
    SELECT 'e', id, 'c', c, 'c' FROM all_e WHERE c IS NOT NULL UNION ALL
    SELECT 'f', id, 'g', g0, 'c' FROM all_f WHERE g0 IS NOT NULL UNION ALL
    SELECT 'f', id, 'g', g1, 'c' FROM all_f WHERE g1 IS NOT NULL UNION ALL
    SELECT 'f', id, 'e', CASE WHEN EXISTS (SELECT FROM all_e o WHERE o.part = c_part AND o.id = e) THEN e ELSE -e END, 'a'
        FROM all_f WHERE e IS NOT NULL UNION ALL
    SELECT 'g', id, 'b', b, 'c' FROM all_g WHERE b IS NOT NULL UNION ALL
    SELECT 'g', id, 'a', own, 'c' FROM g1a WHERE own IS NOT NULL AND softdelete.include_deleted(deleted_at);
CREATE VIEW notes AS
    SELECT 'a' AS t, id, note FROM all_a UNION ALL SELECT 'd', id, note FROM all_d UNION ALL SELECT 'f', id, note FROM all_f;
CREATE TABLE findings (step int, message text);

CREATE FUNCTION has_archive(wt text) RETURNS boolean LANGUAGE sql AS
    $$SELECT strategy = 'archive' FROM softdelete.tables WHERE relation = wt::regclass$$;

CREATE FUNCTION snapshot() RETURNS text LANGUAGE sql AS
    'SELECT string_agg(r::text, '' '' ORDER BY t, id) FROM rows r';

-- What goes with a live row: table and id of each.
CREATE FUNCTION model_delete(wt text, wid int) RETURNS TABLE (t text, id int) LANGUAGE sql AS $$
    WITH RECURSIVE gone AS (
        SELECT wt AS t, wid AS id
        UNION
        SELECT l.ct, l.cid FROM gone g JOIN links l ON l.pt = g.t AND l.pid = g.id JOIN rows r ON r.t = l.ct AND r.id = l.cid
        WHERE l.action = 'c' AND NOT r.deleted)
    SELECT * FROM gone
$$;

-- What comes back with a deleted row; nothing where it may not come back itself.
CREATE FUNCTION model_restore(wt text, wid int) RETURNS TABLE (t text, id int) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE back ON COMMIT DROP AS
    WITH RECURSIVE back AS (
        SELECT r.t, r.id, r.deletion FROM rows r WHERE r.t = wt AND r.id = wid AND r.deleted
        UNION
        SELECT l.ct, l.cid, r.deletion FROM back g JOIN links l ON l.pt = g.t AND l.pid = g.id
        JOIN rows r ON r.t = l.ct AND r.id = l.cid
        WHERE l.action = 'c' AND r.deleted AND r.deletion = g.deletion)
    SELECT * FROM back;
    LOOP
        DELETE FROM back k WHERE EXISTS (
            SELECT FROM links l LEFT JOIN rows p ON p.t = l.pt AND p.id = l.pid
            WHERE l.ct = k.t AND l.cid = k.id AND l.action <> 'n' AND p.deleted IS NOT FALSE
              AND NOT EXISTS (SELECT FROM back o WHERE o.t = p.t AND o.id = p.id));
        EXIT WHEN NOT FOUND;
    END LOOP;
    IF EXISTS (SELECT FROM back k WHERE k.t = wt AND k.id = wid) THEN
        RETURN QUERY SELECT k.t, k.id FROM back k;
    END IF;
    DROP TABLE back;
END $$;

CREATE FUNCTION pick(wt text, wanted boolean) RETURNS int LANGUAGE sql AS
    'SELECT id FROM rows WHERE t = wt AND deleted = wanted ORDER BY random() LIMIT 1';
CREATE FUNCTION key_of(wt text, wid int) RETURNS text[] LANGUAGE sql AS
    $$SELECT CASE wt WHEN 'c' THEN (SELECT ARRAY[part, id]::text[] FROM all_c WHERE id = wid)
        WHEN 'e' THEN (SELECT ARRAY[id, part]::text[] FROM all_e WHERE id = wid) ELSE ARRAY[wid::text] END$$;

CREATE SEQUENCE further START 10000;
CREATE FUNCTION add_row(new int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    maybe boolean := random() < 0.7;
    x int := pick('a', false);
    y int := pick('b', false);
    z int := pick('c', false);
BEGIN
    CASE floor(random() * 7)::int
        WHEN 4 THEN INSERT INTO e VALUES (new, coalesce((SELECT part FROM c WHERE id = z), 0), z);
        WHEN 5 THEN INSERT INTO g VALUES (new, y, CASE WHEN maybe THEN x END);
        WHEN 6 THEN INSERT INTO f SELECT new, (SELECT id FROM g0 ORDER BY random() LIMIT 1), (SELECT id FROM g1 ORDER BY random() LIMIT 1),
            e.part, e.id FROM (SELECT) always LEFT JOIN (SELECT id, part FROM e ORDER BY random() LIMIT 1) e ON random() < 0.1;
        WHEN 0 THEN INSERT INTO a VALUES (new, CASE WHEN maybe THEN x END, pick('a', false));
        WHEN 1 THEN INSERT INTO b VALUES (new, x, CASE WHEN maybe THEN pick('a', false) END);
        WHEN 2 THEN INSERT INTO c VALUES (new, new % 2, y, CASE WHEN maybe THEN x END, pick('b', false));
        ELSE INSERT INTO d VALUES (new, (SELECT part FROM c WHERE id = z), z, CASE WHEN maybe THEN y END,
            CASE WHEN random() < 0.05 THEN x END, CASE WHEN random() < 0.2 THEN pick('b', false) END);
    END CASE;
END $$;

-- Deletes the row and compares with preview() and the model; returns the deletion, NULL where it was refused.
CREATE FUNCTION try_delete(step int, wt text, wid int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    seen jsonb;
    expected jsonb;
    refused boolean;
    before text := snapshot();
    taken bigint;
    counted jsonb;
BEGIN
    SELECT coalesce(jsonb_object_agg(relation, n), '{}') INTO seen FROM (SELECT relation::text, sum(rows) AS n
        FROM softdelete.preview(wt::regclass, VARIADIC key_of(wt, wid)) WHERE action IN ('delete', 'cascade') GROUP BY 1) p;
    SELECT jsonb_object_agg(t, n) INTO expected FROM (SELECT t, count(*) AS n FROM model_delete(wt, wid) GROUP BY 1) m;
    SELECT bool_or(action = 'refuse') INTO refused FROM softdelete.preview(wt::regclass, VARIADIC key_of(wt, wid));
    IF seen <> expected THEN
        INSERT INTO findings VALUES (step, format('preview of %s %s: %s instead of %s', wt, wid, seen, expected));
    END IF;
    BEGIN
        IF has_archive(wt) THEN
            EXECUTE format('DELETE FROM %I WHERE id = %s', wt, wid);
            SELECT deletion INTO taken FROM rows WHERE t = wt AND id = wid;
        ELSE
            EXECUTE format('DELETE FROM %I WHERE id = %s RETURNING deletion_id', wt, wid) INTO taken;
        END IF;
        IF refused THEN
            INSERT INTO findings VALUES (step, format('preview of %s %s says refuse', wt, wid));
        END IF;
    EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN
        IF NOT refused THEN
            INSERT INTO findings VALUES (step, format('preview of %s %s does not say refuse: %s', wt, wid, SQLERRM));
        END IF;
        IF snapshot() <> before THEN
            INSERT INTO findings VALUES (step, 'a refused delete changed something');
        END IF;
        RETURN NULL;
    END;
    SELECT jsonb_object_agg(t, n) INTO counted FROM (SELECT t, count(*) AS n FROM rows r WHERE deletion = taken GROUP BY 1) c;
    IF counted <> expected THEN
        INSERT INTO findings VALUES (step, format('delete of %s %s: %s instead of %s', wt, wid, counted, expected));
    END IF;
    RETURN taken;
END $$;

-- The same by an UPDATE that moves the row to the other partition.
CREATE FUNCTION try_moving_delete(step int, wid int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    expected text[] := ARRAY(SELECT t || id FROM model_delete('c', wid) ORDER BY 1);
    refused boolean;
    taken bigint;
    gone text[];
BEGIN
    SELECT bool_or(action = 'refuse') OR EXISTS (SELECT FROM c WHERE id = wid AND part = 1 AND own NOT IN (SELECT id FROM all_b)) INTO refused
        FROM softdelete.preview('c', VARIADIC key_of('c', wid));
    BEGIN
        UPDATE c SET part = 1 - part, deleted_at = now() WHERE id = wid RETURNING deletion_id INTO taken;
    EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN
        IF NOT refused THEN
            INSERT INTO findings VALUES (step, format('moving delete of c %s refused: %s', wid, SQLERRM));
        END IF;
        RETURN;
    END;
    gone := ARRAY(SELECT t || id FROM rows WHERE deletion = taken ORDER BY 1);
    IF refused OR gone <> expected THEN
        INSERT INTO findings VALUES (step, format('moving delete of c %s: %s instead of %s', wid, gone, expected));
    END IF;
END $$;

-- Moves a row to the other partition; its links, and those to it, are as before, but for that of one partition's own.
CREATE FUNCTION try_move(step int, wid int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before text := (SELECT string_agg(l::text, ' ' ORDER BY l) FROM (SELECT ct, cid, pt, abs(pid) FROM links) l WHERE NOT (ct = 'c' AND cid = wid AND pt = 'b'));
    rows_before text := (SELECT string_agg(format('%s%s %s %s', t, id, deleted, deletion), ' ' ORDER BY t, id) FROM rows);
    -- The link of c0's own begins to count: that of a live row must not lead to a deleted one, none to what is erased.
    new_parent_deleted boolean := EXISTS (SELECT FROM all_c c LEFT JOIN all_b b ON b.id = c.own WHERE c.id = wid AND c.part = 1
        AND c.own IS NOT NULL AND (b.id IS NULL OR c.deleted_at IS NULL AND b.deleted_at IS NOT NULL));
BEGIN
    SET LOCAL softdelete.visibility = 'all';
    BEGIN
        UPDATE c SET part = 1 - part WHERE id = wid;
        IF new_parent_deleted THEN
            INSERT INTO findings VALUES (step, format('moving c %s links it to a deleted row', wid));
        END IF;
    EXCEPTION WHEN foreign_key_violation THEN
        IF NOT new_parent_deleted THEN
            INSERT INTO findings VALUES (step, format('moving c %s refused: %s', wid, SQLERRM));
        END IF;
    END;
    SET LOCAL softdelete.visibility = 'active';
    IF before <> (SELECT string_agg(l::text, ' ' ORDER BY l) FROM (SELECT ct, cid, pt, abs(pid) FROM links) l WHERE NOT (ct = 'c' AND cid = wid AND pt = 'b'))
       OR rows_before <> (SELECT string_agg(format('%s%s %s %s', t, id, deleted, deletion), ' ' ORDER BY t, id) FROM rows) THEN
        INSERT INTO findings VALUES (step, format('moving c %s changed something', wid));
    END IF;
END $$;

-- A partition leaves, one of its rows is deleted, for good or for the time being, and it comes back.
CREATE FUNCTION try_leave(step int, part regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent regclass := (SELECT inhparent FROM pg_inherits WHERE inhrelid = part);
    bound text := (SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = part);
    t text := left(part::text, 1);
    before text := snapshot();
    is_undone boolean := random() < 0.5;
    wid int;
    expected text[];
    gone text[];
    taken bigint;
BEGIN
    EXECUTE format('SELECT id FROM %s ORDER BY random() LIMIT 1', part) INTO wid;
    expected := ARRAY(SELECT m.t || m.id FROM model_delete(t, wid) m ORDER BY 1);
    BEGIN
        EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', parent, part);
        EXECUTE format('DELETE FROM %s WHERE id = $1 RETURNING deletion_id', part) USING wid INTO taken;
        IF is_undone AND taken IS NOT NULL THEN
            PERFORM softdelete.undo(taken);
        END IF;
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s %s', parent, part, bound);
    EXCEPTION WHEN foreign_key_violation THEN
        -- Rows of it are referenced.
        IF NOT EXISTS (SELECT FROM links l WHERE l.pt = t) THEN
            INSERT INTO findings VALUES (step, format('%s may not leave: %s', part, SQLERRM));
        END IF;
        RETURN;
    END;
    gone := ARRAY(SELECT r.t || r.id FROM rows r WHERE deletion = taken ORDER BY 1);
    IF is_undone OR taken IS NULL THEN
        IF snapshot() <> before THEN
            INSERT INTO findings VALUES (step, format('%s has changed something while it was away', part));
        END IF;
    ELSIF gone <> expected THEN
        INSERT INTO findings VALUES (step, format('delete in %s while it is away: %s instead of %s', part, gone, expected));
    END IF;
END $$;

CREATE FUNCTION try_restore(step int, wt text, wid int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    expected text[] := ARRAY(SELECT t || id FROM model_restore(wt, wid) ORDER BY 1);
    live text[] := ARRAY(SELECT t || id FROM rows WHERE NOT deleted);
    back text[];
    count bigint;
BEGIN
    BEGIN
        count := softdelete.restore(wt::regclass, VARIADIC key_of(wt, wid));
    EXCEPTION WHEN foreign_key_violation THEN
        count := 0;
    END;
    back := ARRAY(SELECT t || id FROM rows WHERE NOT deleted AND t || id <> ALL (live) ORDER BY 1);
    IF back <> expected OR count <> cardinality(expected) THEN
        INSERT INTO findings VALUES (step, format('restore of %s %s: %s: %s instead of %s', wt, wid, count, back, expected));
    END IF;
END $$;

-- What goes with a row for good, be it live or not; what the others had to it by SET NULL ends. Keys keep what is in tables alone.
CREATE FUNCTION try_erase(step int, wt text, wid int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    gone text[] := ARRAY(WITH RECURSIVE gone AS (
        SELECT wt AS t, wid AS id UNION SELECT l.ct, l.cid FROM gone g JOIN links l ON l.pt = g.t AND l.pid = g.id WHERE l.action = 'c')
        SELECT t || id FROM gone);
    is_refused boolean := EXISTS (SELECT FROM links l JOIN rows c ON c.t = l.ct AND c.id = l.cid WHERE l.action IN ('a', 'r')
        AND l.pt || l.pid = ANY (gone) AND l.ct || l.cid <> ALL (gone) AND NOT (c.deleted AND has_archive(l.ct)));
    expected text := (SELECT string_agg(concat_ws(' ', r.t, r.id, r.deleted, r.deletion, CASE WHEN NOT is_refused AND r.t = 'a' AND 'a' || r.links[2] = ANY (gone)
        THEN ARRAY[r.links[1], NULL] ELSE r.links END), ', ' ORDER BY t, id) FROM rows r WHERE is_refused OR t || id <> ALL (gone));
    was_refused boolean := false;
BEGIN
    BEGIN
        PERFORM softdelete.erase(wt::regclass, 'a request', VARIADIC key_of(wt, wid));
    EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN
        was_refused := true;
    END;
    IF was_refused <> is_refused OR expected <> (SELECT string_agg(concat_ws(' ', t, id, deleted, deletion, links), ', ' ORDER BY t, id) FROM rows) THEN
        INSERT INTO findings VALUES (step, format('erase of %s %s: refused %s, expected %s with %s', wt, wid, was_refused, is_refused, gone));
    END IF;
END $$;

-- What is about the subject loses its note, and nothing else changes. Other rows of its table are so by CASCADE keys alone.
CREATE FUNCTION try_anonymize(step int, wt text, wid int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    about text[] := ARRAY(WITH RECURSIVE about AS (
        SELECT wt AS t, wid AS id UNION SELECT l.ct, l.cid FROM about g JOIN links l ON l.pt = g.t AND l.pid = g.id
        WHERE l.action = 'c' OR l.ct <> wt)
        SELECT t || id FROM about);
    before text := snapshot();
    expected text := (SELECT string_agg(format('%s%s %s', t, id, CASE WHEN t || id = ANY (about) THEN 'gone' ELSE note END), ', ' ORDER BY t, id) FROM notes);
BEGIN
    PERFORM softdelete.anonymize(wt::regclass, 'a request', VARIADIC key_of(wt, wid));
    IF snapshot() <> before OR expected <> (SELECT string_agg(format('%s%s %s', t, id, note), ', ' ORDER BY t, id) FROM notes) THEN
        INSERT INTO findings VALUES (step, format('anonymize of %s %s, about %s: %s', wt, wid, about, snapshot() <> before));
    END IF;
END $$;

CREATE PROCEDURE run(steps int, seed float) LANGUAGE plpgsql AS $$
DECLARE
    step int;
    wt text;
    other int;
    wid int;
    before text;
    deletion bigint;
BEGIN
    PERFORM setseed(seed);
    FOR step IN 1 .. 60 LOOP
        PERFORM add_row(step);
        COMMIT;
    END LOOP;
    FOR step IN 61 .. steps + 60 LOOP
        wt := (ARRAY['a', 'b', 'c', 'd', 'e', 'f', 'g', 'a', 'b'])[1 + floor(random() * 9)];
        CASE floor(random() * 16)::int
            WHEN 15 THEN
                wid := pick(wt, random() < 0.5);
                IF wid IS NOT NULL AND random() < 0.5 THEN
                    PERFORM try_erase(step, wt, wid);
                ELSIF wid IS NOT NULL AND wt IN ('a', 'd', 'f') THEN
                    PERFORM try_anonymize(step, wt, wid);
                END IF;
            WHEN 14 THEN
                PERFORM try_leave(step, (ARRAY['c1', 'e0', 'e1', 'g0', 'g1', 'g1a', 'g1b'])[1 + floor(random() * 7)]::regclass);
            WHEN 12 THEN
                -- Live or deleted ones to the other partition.
                wid := pick('c', random() < 0.5);
                IF wid IS NOT NULL THEN
                    PERFORM try_move(step, wid);
                END IF;
            WHEN 13 THEN
                wid := pick('c', false);
                IF wid IS NOT NULL THEN
                    PERFORM try_moving_delete(step, wid);
                END IF;
            WHEN 0, 1, 2 THEN
                PERFORM add_row(step);
            WHEN 3 THEN
                -- Rings and re-pointing.
                wid := pick('a', false);
                other := pick('a', false);
                UPDATE a SET up = other WHERE id = wid;
            WHEN 4, 5 THEN
                wid := pick(wt, false);
                IF wid IS NOT NULL THEN
                    before := snapshot();
                    deletion := try_delete(step, wt, wid);
                    COMMIT;
                    IF deletion IS NOT NULL THEN
                        PERFORM softdelete.undo(deletion);
                        IF snapshot() <> before THEN
                            INSERT INTO findings VALUES (step, format('undo of the delete of %s %s leaves a difference', wt, wid));
                        END IF;
                    END IF;
                END IF;
            WHEN 6 THEN
                wid := pick(wt, false);
                IF wid IS NOT NULL THEN
                    deletion := try_delete(step, wt, wid);
                END IF;
            WHEN 7 THEN
                -- Several rows in one deletion.
                FOR other IN 1 .. 3 LOOP
                    BEGIN
                        DELETE FROM b WHERE id = pick('b', false) AND random() < 0.9;
                        DELETE FROM c WHERE id = pick('c', false);
                        DELETE FROM a WHERE id = pick('a', false) AND random() < 0.2;
                    EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN
                        NULL;
                    END;
                END LOOP;
            ELSE
                FOR other IN 1 .. 2 LOOP
                    wid := pick(wt, true);
                    IF wid IS NOT NULL THEN
                        PERFORM try_restore(step, wt, wid);
                    END IF;
                END LOOP;
        END CASE;
        COMMIT;
        -- So that there is always something to delete, also where nothing is left to restore.
        WHILE (SELECT count(*) FROM rows WHERE NOT deleted) < 50 LOOP
            wt := (ARRAY['a', 'a', 'b', 'c', 'd', 'g'])[1 + floor(random() * 6)];
            wid := pick(wt, true);
            IF wid IS NULL OR random() < 0.1 THEN
                PERFORM add_row(nextval('further')::int);
            ELSE
                PERFORM try_restore(step, wt, wid);
            END IF;
            COMMIT;
        END LOOP;
        INSERT INTO findings SELECT step, format('live %s %s is below deleted %s %s', l.ct, l.cid, l.pt, l.pid) FROM links l
            JOIN rows c ON c.t = l.ct AND c.id = l.cid AND NOT c.deleted JOIN rows p ON p.t = l.pt AND p.id = l.pid AND p.deleted
            WHERE l.action <> 'n';
        COMMIT;
    END LOOP;
END $$;
SQL

$node->safe_psql('postgres', "SET client_min_messages = warning; CALL run($steps, " . ($seed % 1000000) / 1000000 . ")",
    timeout => 300);
is($node->safe_psql('postgres', 'SELECT * FROM findings ORDER BY step LIMIT 20'), '', 'everything is as the model has it');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM rows WHERE deleted'), '>', 10, 'there are deleted rows');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM rows WHERE NOT deleted'), '>', 10, 'there are live rows');
note $node->safe_psql('postgres', 'SELECT t, deleted, count(*), count(DISTINCT deletion) FROM rows GROUP BY 1, 2 ORDER BY 1, 2');

$node->stop;
done_testing();
