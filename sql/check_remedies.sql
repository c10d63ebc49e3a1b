-- Every remedy of check() for triggers runs in the situation that it is given in, ends what it is given for, and takes nothing away:
-- no row, no trigger and no state of one. What somebody has to look at first stands in the message alone.
\set QUIET on
CREATE ROLE regress_remedies;
CREATE SCHEMA regress_remedies AUTHORIZATION regress_remedies;
SET SESSION AUTHORIZATION regress_remedies;
SET search_path = regress_remedies;
SET client_min_messages = error;
CREATE TABLE t (id int PRIMARY KEY, z int);
SELECT count(*) > 0 FROM softdelete.register('t', retention => '1 year') \g /dev/null
CREATE FUNCTION old_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN old; END $$;
CREATE FUNCTION new_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN coalesce(new, old); END $$;
-- A trigger that keeps rows would keep them from a soft delete: of those that fire on UPDATE none returns OLD.
DO $$
DECLARE
    kind record;
BEGIN
    FOR kind IN
        SELECT row_number() OVER (ORDER BY timing, level, event, state) AS number, *
        FROM (VALUES ('BEFORE'), ('AFTER')) t (timing), (VALUES ('ROW'), ('STATEMENT')) l (level),
            (VALUES ('DELETE'), ('UPDATE'), ('UPDATE OR DELETE'), ('INSERT OR UPDATE OR DELETE'), ('UPDATE OF z')) e (event),
            (VALUES ('ENABLE'), ('DISABLE'), ('ENABLE ALWAYS'), ('ENABLE REPLICA')) s (state)
    LOOP
        EXECUTE format('CREATE TRIGGER kind_%s %s %s ON t FOR EACH %s EXECUTE FUNCTION %s()', kind.number, kind.timing, kind.event,
            kind.level, CASE kind.event WHEN 'DELETE' THEN 'old_row' ELSE 'new_row' END);
        EXECUTE format('ALTER TABLE t %s TRIGGER kind_%s', kind.state, kind.number);
    END LOOP;
END $$;
INSERT INTO t SELECT generate_series(1, 3);
CREATE TABLE before AS SELECT tgname, tgenabled, tgtype, tgfoid FROM pg_trigger WHERE tgrelid = 't'::regclass;
CREATE PROCEDURE run() LANGUAGE plpgsql AS $$
DECLARE
    finding record;
BEGIN
    FOR finding IN SELECT * FROM softdelete.check('t') WHERE remedy IS NOT NULL ORDER BY code, object LOOP
        EXECUTE finding.remedy;
        IF EXISTS (SELECT FROM softdelete.check('t') c WHERE c.code = finding.code AND c.object = finding.object) THEN
            RAISE EXCEPTION '% of % stays', finding.code, finding.object;
        END IF;
    END LOOP;
END $$;
\set QUIET off

SELECT code, count(*), count(remedy) > 0 AS some_with_remedy, count(*) > count(remedy) AS some_without FROM softdelete.check('t') GROUP BY 1 ORDER BY 1;
CALL run();
SELECT count(*) AS remedies FROM softdelete.check('t') WHERE remedy IS NOT NULL;
TABLE before EXCEPT SELECT tgname, tgenabled, tgtype, tgfoid FROM pg_trigger WHERE tgrelid = 't'::regclass;
DELETE FROM t WHERE id = 1;
SELECT id FROM t ORDER BY id;
SELECT softdelete.restore('t', 1);

-- What a trigger BEFORE DELETE returns would keep the row: its equivalent is no remedy to be run unread.
CREATE TABLE u (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('u', retention => '1 year');
CREATE TRIGGER guard BEFORE DELETE ON u FOR EACH ROW EXECUTE FUNCTION old_row();
CREATE TRIGGER twice BEFORE UPDATE OR DELETE ON u FOR EACH ROW EXECUTE FUNCTION new_row();
\pset format unaligned
SELECT code, object, message, remedy FROM softdelete.check('u') ORDER BY code, object;

\set QUIET on
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_remedies CASCADE;
DROP ROLE regress_remedies;
