-- What an erasure's own statements do to the rows that it names before they go, by foreign keys or by triggers, leaves nothing of
-- them: not in archives, not in histories, nor as rows marked as deleted. Other rows that triggers delete meanwhile are archived.
\set VERBOSITY terse
\set QUIET on
CREATE ROLE regress_on_the_way;
CREATE SCHEMA regress_on_the_way AUTHORIZATION regress_on_the_way;
SET SESSION AUTHORIZATION regress_on_the_way;
SET search_path = regress_on_the_way;
-- g belongs to c, which belongs to p; something changes a row of g while p's row goes.
CREATE TABLE ways (way text, column_definition text, body text);
INSERT INTO ways VALUES
    ('1 nothing', 'p int', NULL),
    ('2 SET NULL', 'p int REFERENCES p ON DELETE SET NULL', NULL),
    ('3 SET DEFAULT', 'p int DEFAULT 9 REFERENCES p ON DELETE SET DEFAULT', NULL),
    ('4 UPDATE', 'p int', 'UPDATE g SET p = 5 WHERE c = old.id'),
    ('5 UPDATE twice', 'p int REFERENCES p ON DELETE SET NULL', 'UPDATE g SET p = 9 WHERE c = old.id; UPDATE g SET personal = personal || '' again'' WHERE c = old.id'),
    ('6 DELETE', 'p int', 'DELETE FROM g WHERE c = old.id'),
    ('7 UPDATE and DELETE', 'p int', 'UPDATE g SET p = 5 WHERE c = old.id; DELETE FROM g WHERE c = old.id'),
    ('8 DELETE of others', 'p int', 'DELETE FROM g WHERE c <> old.id');
-- The same where g is partitioned by part, which every row begins with as 1.
CREATE TABLE moves (LIKE ways);
INSERT INTO moves VALUES
    ('a nothing', 'p int', NULL),
    ('b move', 'p int', 'UPDATE g SET part = 2 WHERE c = old.id'),
    ('c SET DEFAULT of the partition key', 'p int', 'DELETE FROM q WHERE part = 1'),
    ('d move twice', 'p int', 'UPDATE g SET part = 2 WHERE c = old.id; UPDATE g SET personal = personal || '' again'' WHERE c = old.id; UPDATE g SET part = 3, id = id + 100 WHERE c = old.id'),
    ('e move there and back', 'p int', 'UPDATE g SET part = 2 WHERE c = old.id; UPDATE g SET part = 1 WHERE c = old.id'),
    ('f move in a savepoint', 'p int', 'BEGIN UPDATE g SET part = 2 WHERE c = old.id; EXCEPTION WHEN division_by_zero THEN NULL; END'),
    ('g move that is taken back', 'p int', 'BEGIN UPDATE g SET part = 2 WHERE c = old.id; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END; UPDATE g SET personal = personal || '' again'' WHERE c = old.id'),
    ('h move row by row', 'p int', 'DECLARE i int; BEGIN FOR i IN SELECT id FROM g WHERE c = old.id LOOP UPDATE g SET part = 2 WHERE id = i; END LOOP; END'),
    ('i move and DELETE', 'p int', 'UPDATE g SET part = 2 WHERE c = old.id; DELETE FROM g WHERE c = old.id'),
    ('j move of others', 'p int', 'UPDATE g SET part = 2 WHERE c <> old.id'),
    ('k move with others', 'p int', 'UPDATE g SET part = 2'),
    ('l move with others, DELETE', 'p int', 'UPDATE g SET part = 2; DELETE FROM g WHERE c = old.id'),
    ('m move of others and their DELETE', 'p int', 'UPDATE g SET part = 2 WHERE c <> old.id; DELETE FROM g WHERE c <> old.id'),
    ('n move away', 'p int', 'UPDATE g SET part = 2, c = NULL WHERE c = old.id'),
    ('o move away with others', 'p int', 'UPDATE g SET part = 2, c = NULL');
CREATE TABLE results (strategy text, way text, what text, result text);
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    RETURN sqlerrm;
END $$;
CREATE INDEX ON ways (way);
CREATE PROCEDURE walk(strategy text, way ways) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE p (id int PRIMARY KEY);
    CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE);
    IF way.way < 'a' THEN
        EXECUTE pg_catalog.format('CREATE TABLE g (id int PRIMARY KEY, c int REFERENCES c ON DELETE CASCADE, %s, personal text)', way.column_definition);
    ELSE
        CREATE TABLE q (part int PRIMARY KEY);
        EXECUTE 'INSERT INTO q VALUES (1), (2), (3)';
        EXECUTE pg_catalog.format('CREATE TABLE g (id int, c int REFERENCES c ON DELETE CASCADE, %s, personal text, part int DEFAULT 2 REFERENCES q ON DELETE SET DEFAULT, PRIMARY KEY (id, part)) PARTITION BY LIST (part)', way.column_definition);
        CREATE TABLE g1 PARTITION OF g FOR VALUES IN (1);
        CREATE TABLE g2 PARTITION OF g FOR VALUES IN (2);
        CREATE TABLE g3 PARTITION OF g FOR VALUES IN (3);
    END IF;
    EXECUTE 'INSERT INTO p VALUES (1), (9)';
    EXECUTE 'INSERT INTO c VALUES (1, 1), (2, 9)';
    EXECUTE pg_catalog.format('INSERT INTO g VALUES (1, 1, 1, ''of one''%1$s), (2, 1, NULL, ''of one as well''%1$s), (3, 2, 9, ''of another''%1$s), (4, 2, 9, ''of another as well''%1$s)', CASE WHEN way.way >= 'a' THEN ', 1' END);
    EXECUTE pg_catalog.format('SELECT softdelete.register(''p'', strategy => %L, cascade => true)', strategy);
    EXECUTE 'SELECT softdelete.track_history(''g'')';
    EXECUTE 'UPDATE g SET personal = personal || ''!''';
    EXECUTE 'DELETE FROM g WHERE id = 4';
    IF way.body IS NOT NULL THEN
        EXECUTE pg_catalog.format('CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN %s; RETURN old; END $f$', way.body);
        EXECUTE 'CREATE TRIGGER act BEFORE DELETE ON c FOR EACH ROW EXECUTE FUNCTION act()';
    END IF;
    INSERT INTO results VALUES (strategy, way.way, 'erased', try('SELECT softdelete.erase(''p'', ''GDPR'', 1) -> ''rows'''));
    INSERT INTO results VALUES (strategy, way.way, 'left', try('SELECT pg_catalog.string_agg(personal || CASE WHEN deleted_at IS NULL THEN '''' ELSE '', deleted'' END, ''; '' ORDER BY id) FROM all_g'));
    INSERT INTO results VALUES (strategy, way.way, 'history', try('SELECT pg_catalog.string_agg(DISTINCT personal, ''; '' ORDER BY personal) FROM g_history'));
    EXECUTE 'SELECT softdelete.unregister(t, deleted_rows => ''purge'') FROM (VALUES (''g''), (''c''), (''p'')) AS v (t)';
    DROP TABLE p, c, g, g_history CASCADE;
    DROP TABLE IF EXISTS q;
    DROP FUNCTION IF EXISTS act();
END $$;
SET client_min_messages = error;
DO $$ DECLARE way ways; BEGIN FOR way IN SELECT * FROM ways UNION ALL SELECT * FROM moves LOOP CALL walk('archive', way); CALL walk('flag', way); END LOOP; END $$;
RESET client_min_messages;
\set QUIET off
SELECT strategy, what, result, string_agg(way, ', ' ORDER BY way) AS ways FROM results GROUP BY 1, 2, 3 ORDER BY 1, 2, 4;
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_on_the_way CASCADE;
DROP OWNED BY regress_on_the_way;
DROP ROLE regress_on_the_way;
