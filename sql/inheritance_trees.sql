-- A registered table and what inherits from it are one table, as a partitioned table and its partitions are: what references an
-- inheritance child, or is referenced by one, is registered, shown, kept and removed as it is with a partition. Each step is taken
-- with both kinds of trees, and shows the same.
CREATE ROLE regress_trees_owner;
CREATE SCHEMA regress_kinds AUTHORIZATION regress_trees_owner;
SET SESSION AUTHORIZATION regress_trees_owner;
SET search_path = regress_kinds;
SET client_min_messages = error;

-- tree <- tree_1, whose key leads up to a table; tables reference tree_1 alone.
CREATE PROCEDURE make(kind text) LANGUAGE plpgsql AS $$ BEGIN
    CREATE TABLE above (id int PRIMARY KEY);
    IF kind = 'partitioned' THEN
        CREATE TABLE tree (id int PRIMARY KEY, name text, above int) PARTITION BY RANGE (id);
        CREATE TABLE tree_0 PARTITION OF tree FOR VALUES FROM (0) TO (10);
        CREATE TABLE tree_1 PARTITION OF tree FOR VALUES FROM (10) TO (20);
    ELSE
        CREATE TABLE tree (id int PRIMARY KEY, name text, above int);
        CREATE TABLE tree_1 (PRIMARY KEY (id)) INHERITS (tree);
    END IF;
    ALTER TABLE tree_1 ADD FOREIGN KEY (above) REFERENCES above ON DELETE CASCADE;
    CREATE TABLE cascaded (id int PRIMARY KEY, tree int REFERENCES tree_1 ON DELETE CASCADE);
    CREATE TABLE deeper (id int PRIMARY KEY, cascaded int REFERENCES cascaded ON DELETE CASCADE);
    CREATE TABLE refusing (id int PRIMARY KEY, tree int REFERENCES tree_1 ON DELETE RESTRICT);
    CREATE TABLE letting (id int PRIMARY KEY, tree int REFERENCES tree_1 ON DELETE SET NULL);
    CREATE INDEX ON tree_1 (above);
    CREATE INDEX ON cascaded (tree);
    CREATE INDEX ON deeper (cascaded);
    CREATE INDEX ON refusing (tree);
    CREATE INDEX ON letting (tree);
END $$;
CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO above SELECT generate_series(1, 6);
    INSERT INTO tree VALUES (1, 'one'), (2, 'two');
    FOR i IN 1..6 LOOP
        IF to_regclass('tree_0') IS NULL THEN
            INSERT INTO tree_1 VALUES (10 + i, 'n' || i, i);
        ELSE
            INSERT INTO tree VALUES (10 + i, 'n' || i, i);
        END IF;
    END LOOP;
    INSERT INTO cascaded VALUES (1, 11), (2, 12), (5, 15);
    INSERT INTO deeper VALUES (1, 1), (2, 2);
    INSERT INTO refusing VALUES (1, 13);
    INSERT INTO letting VALUES (1, 14);
END $$;
CREATE FUNCTION get_registered() RETURNS text LANGUAGE sql AS
    $$ SELECT string_agg(relation::text, ' ' ORDER BY relation::text) FROM softdelete.tables WHERE relation::text !~ '[.]' $$;
CREATE FUNCTION get_findings(wanted regclass) RETURNS text LANGUAGE sql AS
    $$ SELECT string_agg(concat_ws(' | ', code, object, remedy), E'\n' ORDER BY code, object) FROM softdelete.check(wanted) WHERE code ~ 'unregistered|live' $$;
CREATE FUNCTION get_due() RETURNS text LANGUAGE sql AS
    $$ SELECT string_agg(concat_ws(' ', relation, due, held, blocked), ', ' ORDER BY relation::text) FROM softdelete.purge_preview() WHERE due > 0 $$;
CREATE FUNCTION get_run() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', relation, removed, held, blocked, blockers), ', ' ORDER BY relation::text)
    FROM (SELECT DISTINCT ON (relation::text) * FROM softdelete.purge_log WHERE relation::text !~ '[.]' ORDER BY relation::text, id DESC) l WHERE due > 0 $$;
CREATE FUNCTION walk(kind text) RETURNS TABLE (step text, result text) LANGUAGE plpgsql AS $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY '{cascade,all_referencing}'::text[] LOOP
        CALL make(kind);
        EXECUTE format('SELECT softdelete.register(''above'', ''1 day'', strategy => ''flag'', %s => true)', wanted);
        step := 'registered by ' || wanted;
        result := get_registered();
        RETURN NEXT;
        DROP TABLE above, tree, cascaded, deeper, refusing, letting CASCADE;
    END LOOP;
    CALL make(kind);
    PERFORM softdelete.register('tree', '1 day', strategy => 'flag');
    step := 'found at tree';
    result := get_findings('tree');
    RETURN NEXT;
    PERFORM softdelete.register('above', '1 day', strategy => 'flag');
    step := 'found at above';
    result := get_findings('above');
    RETURN NEXT;
    CALL fill();
    DELETE FROM tree WHERE id = 12;
    PERFORM softdelete.register('cascaded', '1 day', strategy => 'flag', cascade => true);
    step := 'live children';
    result := regexp_replace(get_findings('tree'), 'regress_kinds[.]', '', 'g');
    RETURN NEXT;
    FOR i IN 11..14 LOOP
        step := 'preview of ' || i;
        result := (SELECT string_agg(concat_ws(' ', tree, rows, action), ', ') FROM softdelete.preview_tree('tree', i));
        RETURN NEXT;
        step := 'summed up';
        result := (SELECT string_agg(concat_ws(' ', relation, rows, action), ', ') FROM softdelete.preview('tree', i));
        RETURN NEXT;
    END LOOP;
    PERFORM softdelete.set_anonymizer('tree', 'name', '''none''');
    step := 'anonymized';
    result := concat_ws(' | ', (SELECT replace(concat_ws(' | ', a -> 'rows', a -> 'not_reached'), 'tree_1', 'tree') FROM softdelete.anonymize('tree', 'request', 14) a),
                        (SELECT string_agg(name, ' ' ORDER BY id) FROM tree));
    RETURN NEXT;
    step := 'erased';
    result := (SELECT replace(concat_ws(' | ', a -> 'rows', a -> 'not_reached'), 'tree_1', 'tree') FROM softdelete.erase('tree', 'request', 14) a);
    RETURN NEXT;
    -- of the rows of tree_1: 11 is gone as a whole, 12 has a live row below it, 15 is held from above, 16 is held
    PERFORM softdelete.hold('above', 'case', 5), softdelete.hold('tree', 'case', 16);
    DELETE FROM tree WHERE id IN (1, 11, 15, 16);
    DELETE FROM above WHERE id = 1;
    UPDATE all_tree SET deleted_at = now() - interval '3 days' WHERE deleted_at IS NOT NULL;
    UPDATE all_above SET deleted_at = now() - interval '3 days' WHERE deleted_at IS NOT NULL;
    UPDATE all_cascaded SET deleted_at = now() - interval '3 days' WHERE deleted_at IS NOT NULL;
    UPDATE all_deeper SET deleted_at = now() - interval '3 days' WHERE deleted_at IS NOT NULL;
    step := 'due';
    result := get_due();
    RETURN NEXT;
    CALL softdelete.purge();
    step := 'purged';
    result := get_run();
    RETURN NEXT;
    step := 'still due';
    result := get_due();
    RETURN NEXT;
    step := 'left';
    result := concat_ws(' | ', (SELECT string_agg(id::text, ' ' ORDER BY id) FROM all_tree), (SELECT string_agg(id::text, ' ' ORDER BY id) FROM all_cascaded),
                        (SELECT string_agg(concat(id, '/', tree), ' ' ORDER BY id) FROM letting));
    RETURN NEXT;
    PERFORM softdelete.release(id) FROM softdelete.holds;
    DROP TABLE above, tree, cascaded, deeper, refusing, letting CASCADE;
END $$;
SELECT * FROM walk('partitioned');
SELECT * FROM walk('inherited');

-- A table of the tree that references its own root goes with it, in one run.
CREATE TABLE ring (id int PRIMARY KEY, up int REFERENCES ring ON DELETE CASCADE);
CREATE TABLE ring_1 (PRIMARY KEY (id), FOREIGN KEY (up) REFERENCES ring ON DELETE CASCADE) INHERITS (ring);
CREATE TABLE ring_2 (PRIMARY KEY (id), FOREIGN KEY (up) REFERENCES ring_1 ON DELETE CASCADE) INHERITS (ring);
SELECT count(*) > 0 AS registered FROM softdelete.register('ring', '1 day', strategy => 'flag');
INSERT INTO ring VALUES (1, NULL), (2, 1), (3, NULL), (4, NULL);
INSERT INTO ring_1 VALUES (11, 1), (13, 3), (14, 4);
INSERT INTO ring_2 VALUES (21, 11), (23, 13), (24, 14);
DELETE FROM ring WHERE id IN (1, 3, 4);
UPDATE all_ring SET deleted_at = now() - interval '3 days' WHERE deleted_at IS NOT NULL AND id <> 24;
SELECT softdelete.hold('ring_2', 'case', 23) > 0 AS held;
SELECT due, held, blocked FROM softdelete.purge_preview('ring');
CALL softdelete.purge('ring');
SELECT due, removed, held, blocked, blockers FROM softdelete.purge_log WHERE relation = 'ring'::regclass;
SELECT id FROM all_ring ORDER BY id;
SELECT softdelete.release(id) FROM softdelete.holds;

-- A table under two registered ones would be deleted by two columns, and purged by two retentions.
CREATE TABLE one (id int PRIMARY KEY);
CREATE TABLE two (id int PRIMARY KEY, gone timestamptz);
SELECT count(*) > 0 AS registered FROM softdelete.register('one', '1 day', strategy => 'flag');
SELECT count(*) > 0 AS registered FROM softdelete.register('two', '2 days', strategy => 'flag', deleted_at => 'gone');
CREATE TABLE common () INHERITS (one, two); -- fails
CREATE TABLE child () INHERITS (one);
ALTER TABLE child ADD gone timestamptz;
ALTER TABLE child INHERIT two; -- fails
-- but it may be under two of one tree
CREATE TABLE grandchild () INHERITS (one, child);
SELECT count(*) FROM softdelete.check('one') WHERE severity = 'error';

\set QUIET on
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_kinds CASCADE;
DROP ROLE regress_trees_owner;
