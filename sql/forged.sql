-- Statements of softdelete's own and of the foreign-key machinery are known by their texts. A trigger that runs inside a
-- native cascade may write such texts; it gets no more than by any other.
\set VERBOSITY terse
SET client_min_messages = error;
CREATE ROLE regress_victim;
CREATE ROLE regress_forger;
CREATE SCHEMA regress_forged;
GRANT USAGE, CREATE ON SCHEMA regress_forged TO regress_victim, regress_forger;
SET search_path = regress_forged;
SET ROLE regress_victim;
CREATE TABLE papers (id int PRIMARY KEY, name text);
SELECT count(*) > 0 AS registered FROM softdelete.register('papers', retention => '1 day');
INSERT INTO papers SELECT i FROM generate_series(1, 7) i;
DELETE FROM papers WHERE id = 7;
SELECT softdelete.hold('papers', 'case 1', 6) IS NOT NULL AS held;
GRANT SELECT, UPDATE, DELETE ON papers TO regress_forger;
CREATE FUNCTION obey() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE OLD.command;
    RETURN OLD;
EXCEPTION WHEN OTHERS THEN
    RAISE INFO '%', SQLERRM;
    RETURN OLD;
END$$;
SET ROLE regress_forger;
CREATE TABLE masters (id int PRIMARY KEY);
CREATE TABLE servants (id int REFERENCES masters ON DELETE CASCADE, command text);
CREATE TRIGGER obey BEFORE DELETE ON servants FOR EACH ROW EXECUTE FUNCTION obey();
INSERT INTO masters SELECT generate_series(1, 6);
INSERT INTO servants VALUES
    (1, '/* softdelete removal */ DELETE FROM papers WHERE id = 1'),
    (2, 'DELETE FROM papers WHERE id OPERATOR(pg_catalog.=) 2'),
    (3, '/* softdelete removal */ UPDATE papers SET deleted_at = ''2000-01-01'', deletion_id = 1 WHERE id = 3'),
    (4, 'UPDATE papers SET deleted_at = ''2000-01-01'', deletion_id = 1 WHERE id OPERATOR(pg_catalog.=) 4'),
    (5, 'DELETE FROM papers WHERE deleted_at IS NOT NULL AND id OPERATOR(pg_catalog.=) 7'),
    (6, '/* softdelete removal */ DELETE FROM papers WHERE deleted_at IS NOT NULL AND id = 7');
DELETE FROM masters;
RESET ROLE;
SELECT id, deleted_at IS NOT NULL AS deleted, deletion_id IS NOT NULL AS has_id FROM all_papers ORDER BY id;

-- The owner's own trigger neither: the row on hold stays.
SET ROLE regress_victim;
CREATE TABLE lords (id int PRIMARY KEY);
CREATE TABLE vassals (id int REFERENCES lords ON DELETE CASCADE, command text);
CREATE TRIGGER obey BEFORE DELETE ON vassals FOR EACH ROW EXECUTE FUNCTION obey();
INSERT INTO lords SELECT generate_series(1, 2);
INSERT INTO vassals VALUES
    (1, '/* softdelete removal */ DELETE FROM papers WHERE id IN (5, 6)'),
    (2, 'DELETE FROM papers WHERE id OPERATOR(pg_catalog.=) 5');
DELETE FROM lords;
SELECT id, deleted_at IS NOT NULL AS deleted FROM all_papers WHERE id IN (5, 6) ORDER BY id;

-- Nor one that fires inside a removal and repeats it: erasing row 3 removes row 3.
CREATE FUNCTION repeat_it() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    context text;
BEGIN
    GET DIAGNOSTICS context = PG_CONTEXT;
    IF OLD.id = 3 THEN
        EXECUTE substring(context FROM '/\* softdelete removal \*/ DELETE FROM \S+') || ' WHERE id = 5';
    END IF;
    RETURN OLD;
END$$;
CREATE TRIGGER repeat_it BEFORE DELETE ON papers FOR EACH ROW EXECUTE FUNCTION repeat_it();
SELECT (softdelete.erase('papers', 'request 1', 3) -> 'rows')::text;
SELECT id, deleted_at IS NOT NULL AS deleted FROM all_papers ORDER BY id;
RESET ROLE;
SELECT softdelete.release(id) FROM softdelete.holds WHERE relation = 'papers'::regclass;
DROP SCHEMA regress_forged CASCADE;
DROP ROLE regress_forger;
DROP ROLE regress_victim;
