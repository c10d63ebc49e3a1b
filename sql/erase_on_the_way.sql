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
    EXECUTE pg_catalog.format('CREATE TABLE g (id int PRIMARY KEY, c int REFERENCES c ON DELETE CASCADE, %s, personal text)', way.column_definition);
    EXECUTE 'INSERT INTO p VALUES (1), (9)';
    EXECUTE 'INSERT INTO c VALUES (1, 1), (2, 9)';
    EXECUTE 'INSERT INTO g VALUES (1, 1, 1, ''of one''), (2, 1, NULL, ''of one as well''), (3, 2, 9, ''of another''), (4, 2, 9, ''of another as well'')';
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
    DROP FUNCTION IF EXISTS act();
END $$;
SET client_min_messages = error;
DO $$ DECLARE way ways; BEGIN FOR way IN SELECT * FROM ways LOOP CALL walk('archive', way); CALL walk('flag', way); END LOOP; END $$;
RESET client_min_messages;
\set QUIET off
SELECT strategy, what, result, string_agg(way, ', ' ORDER BY way) AS ways FROM results GROUP BY 1, 2, 3 ORDER BY 1, 2, 4;
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_on_the_way CASCADE;
DROP OWNED BY regress_on_the_way;
DROP ROLE regress_on_the_way;
