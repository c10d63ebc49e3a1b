-- No spelling of DDL takes away what a registration made, be it its owner's or that of somebody who has the TRIGGER privilege
-- alone: each statement is refused, and the table works as before. Statements that say what is there already are skipped.
\set VERBOSITY terse
SET client_min_messages = error;
CREATE ROLE regress_spelling_owner;
CREATE ROLE regress_spelling_guest;
CREATE SCHEMA regress_spellings AUTHORIZATION regress_spelling_owner;
GRANT USAGE, CREATE ON SCHEMA regress_spellings TO regress_spelling_guest;
CREATE SCHEMA regress_spellings_2 AUTHORIZATION regress_spelling_owner;
SET SESSION AUTHORIZATION regress_spelling_owner;
SET search_path = regress_spellings;
CREATE TABLE papers (id int PRIMARY KEY, email text UNIQUE, code text, UNIQUE (id, code));
CREATE UNIQUE INDEX papers_code ON papers (code);
CREATE TABLE notes (id int PRIMARY KEY, paper int REFERENCES papers ON DELETE CASCADE);
CREATE TABLE marks (id int PRIMARY KEY, paper int REFERENCES papers DEFERRABLE);
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts DEFAULT;
CREATE TABLE base (id int PRIMARY KEY);
CREATE TABLE heir () INHERITS (base);
CREATE TABLE secured (id int PRIMARY KEY);
CREATE INDEX ON notes (paper);
CREATE INDEX ON marks (paper);
SELECT count(*) > 0 AS registered FROM softdelete.register('papers', cascade => true, retention => '1 year');
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
SELECT count(*) > 0 AS registered FROM softdelete.register('base');
SELECT count(*) > 0 AS registered FROM softdelete.register('secured', visibility => 'rls');
INSERT INTO papers VALUES (1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', 'z');
INSERT INTO notes VALUES (1, 1);
INSERT INTO marks VALUES (1, 2);
SELECT softdelete.hold('papers', 'litigation', 1) > 0 AS held;
CREATE FUNCTION keep_old() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
GRANT ALL ON FUNCTION keep_old() TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON ALL TABLES IN SCHEMA regress_spellings TO regress_spelling_guest;

-- Every trigger of ours by name, with every statement that names a trigger.
CREATE VIEW own_triggers AS
    SELECT t.tgrelid::regclass AS relation, t.tgname AS name, t.tgtype, t.tgfoid::regproc AS function, t.tgenabled, pg_get_triggerdef(t.oid) AS definition
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace IN ('regress_spellings'::regnamespace, 'regress_spellings_2'::regnamespace) AND t.tgname LIKE 'softdelete\_%';
CREATE VIEW own_parts AS
    SELECT relation::text || ' ' || name AS part, definition || ' ' || tgenabled::text AS definition FROM own_triggers
    UNION ALL SELECT c.oid::regclass::text, CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) || c.reloptions::text ELSE pg_get_indexdef(c.oid) END
    FROM pg_class c WHERE c.relnamespace = 'regress_spellings'::regnamespace AND c.relkind IN ('v', 'i', 'I') AND c.relname NOT LIKE 'own\_%'
    UNION ALL SELECT polname::text, pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = 'secured'::regclass;
CREATE TABLE before AS SELECT * FROM own_parts;
GRANT ALL ON before, own_triggers, own_parts TO PUBLIC;
CREATE TABLE outcomes (spelling text, part text, sqlstate text);
GRANT ALL ON outcomes TO PUBLIC;

-- Runs the statement; says whether it was refused, or what has become of the parts.
CREATE PROCEDURE try(spelling text, part text, command text) LANGUAGE plpgsql AS $$
DECLARE
    changes bigint;
BEGIN
    BEGIN
        EXECUTE command;
        SELECT count(*) INTO changes FROM (
            (TABLE own_parts EXCEPT TABLE before) UNION ALL (TABLE before EXCEPT TABLE own_parts)) d
            WHERE d.part NOT LIKE '%liar%';
        RAISE EXCEPTION USING ERRCODE = CASE WHEN changes = 0 THEN 'ZZ000' ELSE 'ZZ001' END;
    EXCEPTION
        WHEN SQLSTATE 'ZZ000' THEN
            INSERT INTO outcomes VALUES (spelling, part, 'no change');
        WHEN SQLSTATE 'ZZ001' THEN
            INSERT INTO outcomes VALUES (spelling, part, 'CHANGED');
        WHEN OTHERS THEN
            INSERT INTO outcomes VALUES (spelling, part, SQLSTATE);
    END;
END$$;
CREATE PROCEDURE try_triggers() LANGUAGE plpgsql AS $$
DECLARE
    t record;
    spelling text;
BEGIN
    FOR t IN SELECT * FROM own_triggers ORDER BY relation::text, name LOOP
        FOREACH spelling IN ARRAY ARRAY[
            'DROP TRIGGER %2$I ON %1$s', 'DROP TRIGGER IF EXISTS %2$I ON %1$s CASCADE', 'ALTER TRIGGER %2$I ON %1$s RENAME TO liar',
            'ALTER TABLE %1$s DISABLE TRIGGER %2$I', 'ALTER TABLE %1$s ENABLE REPLICA TRIGGER %2$I', 'ALTER TABLE %1$s ENABLE TRIGGER %2$I',
            'ALTER TABLE %1$s DISABLE TRIGGER USER', 'ALTER TABLE %1$s DISABLE TRIGGER USER, ENABLE TRIGGER USER',
            'ALTER TABLE ONLY %1$s DISABLE TRIGGER %2$I',
            'ALTER TRIGGER %2$I ON %1$s DEPENDS ON EXTENSION plpgsql', 'ALTER TRIGGER %2$I ON %1$s NO DEPENDS ON EXTENSION softdelete',
            'CREATE OR REPLACE TRIGGER %2$I BEFORE DELETE ON %1$s FOR EACH ROW EXECUTE FUNCTION keep_old()',
            'CREATE OR REPLACE TRIGGER %2$I BEFORE UPDATE ON %1$s FOR EACH ROW WHEN (false) EXECUTE FUNCTION keep_old()',
            'CREATE OR REPLACE TRIGGER %2$I BEFORE DELETE ON %1$s FOR EACH ROW WHEN (false) EXECUTE FUNCTION %3$s()'] LOOP
            CALL try(spelling, t.relation || ' ' || t.name, format(spelling, t.relation, t.name, t.function));
        END LOOP;
        CALL try('CREATE OR REPLACE TRIGGER as it is', t.relation || ' ' || t.name,
                 regexp_replace(t.definition, '^CREATE (CONSTRAINT )?TRIGGER', 'CREATE OR REPLACE TRIGGER'));
    END LOOP;
END$$;
CALL try_triggers();
SELECT spelling, count(*), string_agg(DISTINCT sqlstate, ', ' ORDER BY sqlstate) AS outcomes FROM outcomes GROUP BY spelling ORDER BY spelling COLLATE "C";
SELECT * FROM outcomes WHERE sqlstate = 'CHANGED' ORDER BY 1, 2 LIMIT 20;

-- With the TRIGGER privilege alone nothing of this goes either, and no table becomes a registered one.
TRUNCATE outcomes;
SET SESSION AUTHORIZATION regress_spelling_guest;
CALL try_triggers();
SELECT string_agg(DISTINCT sqlstate, ', ' ORDER BY sqlstate) AS outcomes FROM outcomes;
CREATE OR REPLACE TRIGGER softdelete_marker BEFORE DELETE ON papers FOR EACH ROW EXECUTE FUNCTION keep_old(); -- fails
SET row_security = off;
CREATE OR REPLACE TRIGGER softdelete_marker BEFORE DELETE ON papers FOR EACH ROW EXECUTE FUNCTION keep_old(); -- fails
CREATE TRIGGER aa BEFORE DELETE ON papers FOR EACH ROW EXECUTE FUNCTION softdelete_internal.on_delete('code', '', 'view'); -- fails
RESET row_security;
DELETE FROM papers WHERE id = 1;
RESET SESSION AUTHORIZATION;
SET search_path = regress_spellings;
SELECT id, deleted_at IS NOT NULL AS deleted FROM all_papers ORDER BY id;
SELECT softdelete.restore('papers', 1);
SET SESSION AUTHORIZATION regress_spelling_owner;

-- Rows on hold keep their triggers while a dump is being restored, too.
SET row_security = off;
DROP TRIGGER softdelete_marker ON papers; -- fails
ALTER TRIGGER softdelete_marker ON papers RENAME TO liar; -- fails
RESET row_security;

-- Views, indexes and policies.
TRUNCATE outcomes;
CREATE PROCEDURE try_parts() LANGUAGE plpgsql AS $$
DECLARE
    command text;
BEGIN
    FOREACH command IN ARRAY ARRAY[
        'DROP VIEW active_papers', 'DROP VIEW IF EXISTS all_papers CASCADE', 'DROP VIEW own_triggers, deleted_papers',
        'CREATE OR REPLACE VIEW active_papers AS SELECT id, email, code, deleted_at, deleted_by, deletion_id FROM papers',
        'CREATE OR REPLACE VIEW active_papers AS SELECT id, email, code, deleted_at, deleted_by, deletion_id FROM papers WHERE deleted_at IS NULL',
        'CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO active_papers DO INSTEAD SELECT id, email, code, deleted_at, deleted_by, deletion_id FROM papers',
        'ALTER VIEW active_papers SET (security_invoker = off)', 'ALTER VIEW active_papers RESET (security_invoker)',
        'ALTER TABLE active_papers SET (security_invoker = false)', 'ALTER VIEW active_papers SET (security_invoker = on)',
        'ALTER VIEW active_papers SET SCHEMA regress_spellings_2', 'ALTER VIEW active_papers RENAME code TO liar',
        'ALTER TABLE active_papers DISABLE RULE "_RETURN"', 'DROP RULE "_RETURN" ON active_papers',
        'DROP INDEX papers_deleted_at_idx', 'DROP INDEX IF EXISTS papers_deletion_id_idx CASCADE', 'DROP INDEX papers_email_key',
        'DROP INDEX papers_id_code_key', 'DROP INDEX parts_deleted_at_idx', 'ALTER INDEX papers_email_key SET (fillfactor = 50)',
        'ALTER INDEX papers_deleted_at_idx DEPENDS ON EXTENSION plpgsql',
        'DROP POLICY softdelete_live ON secured', 'ALTER POLICY softdelete_live ON secured USING (true)', 'ALTER POLICY softdelete_live ON secured RENAME TO liar',
        'ALTER TABLE secured DISABLE ROW LEVEL SECURITY', 'DROP FUNCTION softdelete_internal.on_delete() CASCADE',
        'ALTER TABLE papers DROP COLUMN deleted_at CASCADE', 'ALTER TABLE papers ALTER deleted_at TYPE text'] LOOP
        CALL try(command, '', command);
    END LOOP;
END$$;
CALL try_parts();
SELECT spelling, sqlstate FROM outcomes ORDER BY spelling COLLATE "C";
RESET SESSION AUTHORIZATION;
SET search_path = regress_spellings;
ALTER EXTENSION softdelete DROP FUNCTION softdelete.include_deleted(anyelement); -- fails
SET SESSION AUTHORIZATION regress_spelling_owner;
DROP INDEX papers_email_key; -- fails
\set VERBOSITY default
DROP INDEX papers_email_key; -- fails
DROP VIEW active_papers; -- fails
DROP TRIGGER softdelete_parent_notes_paper_fkey ON notes; -- fails
\set VERBOSITY terse

-- The user's own unique index may go; a constraint goes as a constraint.
DROP INDEX papers_code;
ALTER TABLE papers DROP CONSTRAINT papers_id_code_key;

-- What is there already is skipped with a notice.
SET client_min_messages = notice;
ALTER TABLE papers ALTER COLUMN deleted_at TYPE timestamptz;
ALTER TABLE papers ALTER COLUMN deleted_at SET DATA TYPE timestamp(6) with time zone USING deleted_at::timestamptz;
ALTER TABLE papers ALTER deletion_id TYPE bigint, ADD COLUMN title text, ALTER deleted_at TYPE timestamptz;
ALTER TABLE papers ALTER COLUMN deleted_at TYPE timestamp; -- fails
CREATE UNIQUE INDEX papers_email_key ON papers (email);
CREATE UNIQUE INDEX papers_email_key ON regress_spellings.papers USING btree (email ASC) WHERE (deleted_at IS NULL);
ALTER TABLE papers ADD CONSTRAINT papers_email_key UNIQUE (email);
CREATE INDEX papers_deleted_at_idx ON papers (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE UNIQUE INDEX papers_email_key ON papers (email, id); -- fails
CREATE UNIQUE INDEX papers_email_key ON papers (lower(email)); -- fails
ALTER TABLE papers ADD CONSTRAINT papers_email_key UNIQUE (id); -- fails
SET client_min_messages = error;
SELECT count(*) FROM softdelete.repair('papers');

-- What was taken away while nobody looked is mended.
RESET SESSION AUTHORIZATION;
SET search_path = regress_spellings;
BEGIN;
ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE;
ALTER EVENT TRIGGER softdelete_ddl_command_end DISABLE;
ALTER EVENT TRIGGER softdelete_sql_drop DISABLE;
CREATE OR REPLACE TRIGGER softdelete_marker BEFORE DELETE ON papers FOR EACH ROW EXECUTE FUNCTION keep_old();
CREATE OR REPLACE TRIGGER softdelete_lock BEFORE UPDATE ON papers FOR EACH ROW EXECUTE FUNCTION keep_old();
ALTER TRIGGER softdelete_collect ON papers RENAME TO liar;
ALTER TRIGGER softdelete_update ON papers RENAME TO liar_2;
DROP TRIGGER softdelete_parent_notes_paper_fkey ON notes;
ALTER TABLE papers DISABLE TRIGGER softdelete_truncate;
ALTER TABLE notes DISABLE TRIGGER softdelete_marker;
ALTER TABLE marks DISABLE TRIGGER softdelete_parent_marks_paper_fkey;
DROP VIEW active_papers;
DROP INDEX papers_deleted_at_idx;
ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS;
ALTER EVENT TRIGGER softdelete_ddl_command_end ENABLE ALWAYS;
ALTER EVENT TRIGGER softdelete_sql_drop ENABLE ALWAYS;
COMMIT;
SET SESSION AUTHORIZATION regress_spelling_owner;
SELECT count(*) > 0 AS mended FROM softdelete.repair('papers');
SELECT count(*) > 0 AS mended FROM softdelete.repair('notes');
SELECT b.part, 'is lost' AS what FROM before b WHERE b.part ~ '(papers|notes|marks) softdelete_' AND NOT EXISTS (SELECT FROM own_parts o WHERE o = b)
    UNION ALL SELECT o.part, 'is new' FROM own_parts o WHERE o.part ~ '(papers|notes|marks) ' AND NOT EXISTS (SELECT FROM before b WHERE b = o) ORDER BY 1, 2;
SELECT count(*) FROM softdelete.repair('papers');

-- Whole tables, schemas and registrations go as ever.
RESET SESSION AUTHORIZATION;
SET search_path = regress_spellings;
SELECT softdelete.release(id) FROM softdelete.holds WHERE relation = 'papers'::regclass;
DROP TABLE base CASCADE;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('secured');
SELECT relation FROM softdelete.tables WHERE relation::text IN ('base', 'secured');
DROP SCHEMA regress_spellings CASCADE;
SELECT count(*) FROM softdelete_internal.registration r WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = r.relation);
DROP OWNED BY regress_spelling_owner, regress_spelling_guest;
DROP ROLE regress_spelling_owner, regress_spelling_guest;
