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

-- Another primary key: where holds or a history name rows by the one that is there, where something depends on it, where its index
-- serves a foreign key, where subscribers would miss a column, somebody has to look first. Else rows, the order of columns and what is
-- unique stay.
\set QUIET on
SET client_min_messages = error;
CREATE TABLE key_plain (code text PRIMARY KEY, note text);
CREATE TABLE key_held (code text PRIMARY KEY);
CREATE TABLE key_tracked (code text PRIMARY KEY);
CREATE TABLE key_grouped (code text PRIMARY KEY, note text);
CREATE VIEW grouped AS SELECT code, note FROM key_grouped GROUP BY code;
CREATE TABLE key_lines (t int REFERENCES t, line int, PRIMARY KEY (t, line));
CREATE TABLE key_remarked (code text PRIMARY KEY);
COMMENT ON CONSTRAINT key_remarked_pkey ON key_remarked IS 'ISO 3166';
CREATE TABLE key_published (code text PRIMARY KEY);
SELECT count(*) FROM unnest('{key_plain,key_held,key_tracked,key_grouped,key_lines,key_remarked,key_published}'::regclass[]) k,
    softdelete.register(k, retention => '1 year', strategy => 'flag') r \g /dev/null
INSERT INTO key_held VALUES ('a');
INSERT INTO key_plain VALUES ('a', 'x'), ('b', 'y');
DELETE FROM key_plain WHERE code = 'b';
SELECT softdelete.hold('key_held', 'litigation', 'a') \g /dev/null
SELECT softdelete.track_history('key_tracked') \g /dev/null
RESET SESSION AUTHORIZATION;
CREATE PUBLICATION regress_remedies FOR TABLE regress_remedies.key_published;
SET SESSION AUTHORIZATION regress_remedies;
\set QUIET off
SELECT relation::regclass, remedy, message ~ 'only: ALTER TABLE' AS shown FROM softdelete.check() WHERE code = 'key_is_kept' ORDER BY relation::regclass::text;
SELECT remedy FROM softdelete.check() WHERE code = 'key_is_kept' AND remedy IS NOT NULL \gexec
SELECT count(*) FROM softdelete.check('key_plain');
TABLE key_plain;
INSERT INTO key_plain VALUES ('a', 'z'); -- fails
INSERT INTO key_plain VALUES ('b', 'z');
INSERT INTO key_plain VALUES ('b', 'v') ON CONFLICT (code) DO UPDATE SET note = excluded.note;
SELECT code, note FROM all_key_plain ORDER BY 1, 2;

-- A policy that hides deleted rows goes when something else hides them: nobody sees more. One that is not in force hides nothing.
\set QUIET on
RESET SESSION AUTHORIZATION;
CREATE ROLE regress_remedies_reader;
GRANT USAGE ON SCHEMA regress_remedies TO regress_remedies_reader;
SET SESSION AUTHORIZATION regress_remedies;
CREATE TABLE p_one (id int PRIMARY KEY, tenant text);
CREATE TABLE p_two (id int PRIMARY KEY, tenant text);
CREATE TABLE p_off (id int PRIMARY KEY, tenant text);
CREATE TABLE p_view (id int PRIMARY KEY, tenant text);
SELECT count(*) FROM unnest('{p_one,p_two,p_off,p_view}'::regclass[]) k,
    softdelete.register(k, retention => '1 year', visibility => CASE k WHEN 'p_view'::regclass THEN 'view' ELSE 'filter' END) r \g /dev/null
CREATE POLICY live ON p_one USING (deleted_at IS NULL AND tenant > '');
CREATE POLICY live ON p_two USING (deleted_at IS NULL AND EXISTS (SELECT FROM pg_class));
CREATE POLICY live ON p_off USING (deleted_at IS NULL);
CREATE POLICY live ON p_view USING (deleted_at IS NULL);
ALTER TABLE p_one ENABLE ROW LEVEL SECURITY;
ALTER TABLE p_two ENABLE ROW LEVEL SECURITY;
ALTER TABLE p_view ENABLE ROW LEVEL SECURITY;
INSERT INTO p_one VALUES (1, 'a'), (2, 'a');
INSERT INTO p_two VALUES (1, 'a'), (2, 'a');
DELETE FROM p_one WHERE id = 1;
DELETE FROM p_two WHERE id = 1;
GRANT SELECT ON p_one, p_two TO regress_remedies_reader;
CREATE PROCEDURE mend_policies() LANGUAGE plpgsql AS $$
DECLARE
    command text;
BEGIN
    FOR command IN SELECT regexp_split_to_table(remedy, ';\s') FROM softdelete.check() WHERE code = 'policy_hides_deleted' ORDER BY 1 DESC LOOP
        EXECUTE command;
    END LOOP;
END $$;
\set QUIET off
SELECT relation::regclass, message, remedy FROM softdelete.check() WHERE code = 'policy_hides_deleted' ORDER BY relation::regclass::text;
CALL mend_policies();
SELECT relation::regclass FROM softdelete.check() WHERE code = 'policy_hides_deleted';
SET SESSION AUTHORIZATION regress_remedies_reader;
SET softdelete.visibility = 'all';
SELECT id FROM regress_remedies.p_one UNION ALL SELECT id FROM regress_remedies.p_two;
RESET softdelete.visibility;
SET SESSION AUTHORIZATION regress_remedies;

-- Live rows below deleted ones: no remedy takes them, be it softly.
CREATE TABLE c_parent (id int PRIMARY KEY);
CREATE TABLE c_child (id int PRIMARY KEY, parent int);
SELECT count(*) > 0 AS registered FROM unnest('{c_parent,c_child}'::regclass[]) k, softdelete.register(k, retention => '1 year') r;
INSERT INTO c_parent (id, deleted_at) VALUES (1, now() - interval '2 years');
INSERT INTO c_child VALUES (1, 1);
ALTER TABLE c_child ADD FOREIGN KEY (parent) REFERENCES c_parent ON DELETE CASCADE;
SELECT code, message, remedy FROM softdelete.check('c_parent') WHERE code = 'live_children';

\set QUIET on
SELECT count(softdelete.release(id)) FROM softdelete.holds WHERE relation = 'key_held'::regclass \g /dev/null
RESET SESSION AUTHORIZATION;
DROP PUBLICATION regress_remedies;
DROP SCHEMA regress_remedies CASCADE;
DROP ROLE regress_remedies, regress_remedies_reader;
