-- Code of users that a statement of ours fires does what the same code does on its own: nothing that marks the statement
-- as ours reaches into it. Each action is run by a trigger in the middle of each operation, by each kind of trigger, and
-- compared with the action alone.
CREATE ROLE regress_code;
CREATE ROLE regress_code_admin SUPERUSER;
CREATE SCHEMA regress_code AUTHORIZATION regress_code;
SET ROLE regress_code;
SET search_path = regress_code;
SET client_min_messages = error;
\pset format unaligned

-- What the operations are about, one table for each that changes how it is registered, and what the actions are about.
CREATE TABLE top (id int PRIMARY KEY);
CREATE TABLE target (id int PRIMARY KEY, top int REFERENCES top ON DELETE CASCADE, name text);
CREATE TABLE ended (id int PRIMARY KEY, name text);
CREATE TABLE plain (id int PRIMARY KEY, name text);
CREATE TABLE above (id int PRIMARY KEY);
CREATE TABLE root (id int PRIMARY KEY);
CREATE TABLE other (id int PRIMARY KEY, above int REFERENCES above ON DELETE CASCADE, root int REFERENCES root, name text);
CREATE TABLE due (id int PRIMARY KEY, name text);
SELECT count(*) > 0 AS registered FROM softdelete.register('top', cascade => true);
SELECT count(*) > 0 AS registered FROM softdelete.register('root');
SELECT count(*) > 0 AS registered FROM unnest(ARRAY['above', 'other', 'due']) r, softdelete.register(r::regclass);
SELECT count(*) > 0 AS registered FROM softdelete.register('ended', retention => '1 day', on_expiry => 'anonymize');
SELECT softdelete.set_anonymizer('ended', 'name', '''gone'''), softdelete.set_anonymizer('target', 'name', '''gone'''),
    softdelete.set_anonymizer('due', 'name', '''gone''');
SELECT count(*) > 0 AS configured FROM unnest(ARRAY['target', 'due']) r,
    softdelete.configure(r::regclass, retention => '1 day');
INSERT INTO top VALUES (1), (2);
INSERT INTO target VALUES (1, 1, 'live'), (2, 2, 'live'), (5, NULL, 'live');
INSERT INTO target (id, name, deleted_at) VALUES (3, 'due', now() - interval '2 days'), (4, 'due', now() - interval '3 days');
INSERT INTO ended (id, name, deleted_at) VALUES (1, 'due', now() - interval '2 days');
INSERT INTO plain VALUES (1, 'live');
INSERT INTO above VALUES (1), (2);
INSERT INTO root VALUES (1), (2);
INSERT INTO other VALUES (1, 1, 1, 'live'), (2, 2, 1, 'live'), (3, NULL, NULL, 'live');
INSERT INTO due (id, name, deleted_at) VALUES (1, 'due', now() - interval '2 days'), (2, 'held', now() - interval '2 days');
INSERT INTO due VALUES (3, 'live');
DELETE FROM root WHERE id = 2;
DELETE FROM other WHERE id = 2;
SELECT softdelete.undo(max(id)) > 0 AS undone FROM softdelete.deletions;
DELETE FROM other WHERE id = 2;
DELETE FROM target WHERE id = 5;
SELECT softdelete.hold('due', 'law suit', 2) > 0 AS held;

CREATE TABLE earlier AS SELECT max(id) AS id FROM softdelete.deletions;
CREATE TABLE operations (operation text, of regclass, event text);
INSERT INTO operations VALUES
    ('DELETE FROM target WHERE id = 1', 'target', 'UPDATE'),
    ('UPDATE target SET deleted_at = now() WHERE id = 1', 'target', 'UPDATE'),
    ('SELECT softdelete.delete(''target'', 1)', 'target', 'UPDATE'),
    ('DELETE FROM top WHERE id = 1', 'target', 'UPDATE'),
    ('UPDATE target SET deleted_at = NULL WHERE id = 5', 'target', 'UPDATE'),
    ('SELECT softdelete.restore(''target'', 5)', 'target', 'UPDATE'),
    ('SELECT softdelete.undo(max(id)) FROM softdelete.deletions WHERE relation = ''target''::regclass', 'target', 'UPDATE'),
    ('DELETE FROM target WHERE deleted_at < now() - interval ''1 day''', 'target', 'DELETE'),
    ('CALL softdelete.purge(''target'')', 'target', 'DELETE'),
    ('CALL softdelete.purge(''ended'')', 'ended', 'UPDATE'),
    ('SELECT softdelete.erase(''target'', ''asked'', 1)', 'target', 'DELETE'),
    ('SELECT softdelete.erase(''top'', ''asked'', 2)', 'target', 'DELETE'),
    ('SELECT softdelete.anonymize(''target'', ''asked'', 1)', 'target', 'UPDATE'),
    ('SELECT count(*) FROM softdelete.unregister(''ended'', ''purge'')', 'ended', 'DELETE');

CREATE TABLE actions (action text);
INSERT INTO actions VALUES
    ('DELETE FROM other WHERE id = 1'),
    ('SELECT set_config(''softdelete.reason'', ''mine'', true); DELETE FROM above WHERE id = 1'),
    ('DELETE FROM root WHERE id = 1'),
    ('UPDATE other SET deleted_at = NULL WHERE id = 2'),
    ('SELECT softdelete.restore(''other'', 2)'),
    ('SELECT softdelete.undo(max(id)) FROM softdelete.deletions WHERE relation = ''other''::regclass'),
    ('DELETE FROM due WHERE deleted_at IS NOT NULL'),
    ('DELETE FROM due WHERE deleted_at IS NOT NULL AND id = 1'),
    ('DELETE FROM due AS due WHERE id OPERATOR(pg_catalog.=) 3'),
    ('/* softdelete cascade */ DELETE FROM due WHERE id = 3'),
    ('/* softdelete removal */ DELETE FROM due WHERE id = 2'),
    ('UPDATE due SET deletion_id = 7 WHERE id = 3'),
    ('INSERT INTO other VALUES (9, NULL, 2, ''below a deleted row'')'),
    ('UPDATE other SET root = 2 WHERE id = 1'),
    ('CALL softdelete.purge(''due'')'),
    ('SELECT softdelete.erase(''due'', ''asked'', 1)'),
    ('SELECT softdelete.erase(''due'', ''asked'', 2)'),
    ('SELECT softdelete.anonymize(''due'', ''asked'', 1)'),
    ('SELECT count(*) FROM softdelete.register(''plain'')'),
    ('ALTER TABLE other ADD COLUMN code text UNIQUE'),
    ('CREATE UNIQUE INDEX other_name ON other (name)'),
    ('DROP VIEW active_other'),
    ('TRUNCATE due'),
    ('DO $$ BEGIN DELETE FROM other; RAISE EXCEPTION ''no''; EXCEPTION WHEN OTHERS THEN NULL; END $$; DELETE FROM other WHERE id = 3'),
    ('DO $$ DECLARE c CURSOR FOR SELECT id FROM other FOR UPDATE; i int; BEGIN OPEN c; FETCH c INTO i; DELETE FROM other WHERE CURRENT OF c; FETCH c INTO i; CLOSE c; END $$');

-- What is to be seen of an action: what it said, and what became of the tables that it is about.
CREATE TABLE said (result text);
CREATE FUNCTION run(action text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE action;
    INSERT INTO regress_code.said VALUES ('done');
EXCEPTION WHEN OTHERS THEN
    INSERT INTO regress_code.said VALUES (SQLSTATE || ' ' || SQLERRM);
END $$;
CREATE FUNCTION look() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(line, '; ' ORDER BY line) FROM (
        SELECT 'said ' || result AS line FROM said
        UNION ALL SELECT format('other %s %s %s %s %s', o.id, o.root, o.name, o.deleted_at IS NULL, d.reason)
            FROM all_other o LEFT JOIN softdelete.deletions d ON d.id = o.deletion_id
        UNION ALL SELECT format('above %s %s', id, deleted_at IS NULL) FROM all_above
        UNION ALL SELECT format('due %s %s %s', id, name, deleted_at IS NULL) FROM all_due
        UNION ALL SELECT format('deletion of %s restored %s', relation, restored_at IS NOT NULL) FROM softdelete.deletions
            WHERE relation = 'other'::regclass AND id <= (SELECT max(id) FROM earlier)
        UNION ALL SELECT format('purged %s %s', relation, sum(removed)) FROM softdelete.purge_log
            WHERE relation IN ('other'::regclass, 'due'::regclass) GROUP BY relation
        UNION ALL SELECT format('erased %s', count(*)) FROM softdelete.erasure_log WHERE relation = 'due'::regclass
        UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid IN ('other'::regclass, 'plain'::regclass)) l $$;

-- Runs the operation with a trigger that runs the action, once, and rolls everything back. The kinds of triggers take turns.
CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM said) THEN
        PERFORM run(tg_argv[0]);
    END IF;
    RETURN coalesce(new, old);
END $$;
CREATE FUNCTION make_trigger(o operations, action text, kind text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE %s TRIGGER acts %s %s ON %s %s FOR EACH %s EXECUTE FUNCTION act(%L)',
        CASE kind WHEN 'deferred' THEN 'CONSTRAINT' END, CASE kind WHEN 'before row' THEN 'BEFORE' ELSE 'AFTER' END,
        o.event, o.of, CASE kind WHEN 'deferred' THEN 'DEFERRABLE INITIALLY DEFERRED' END,
        CASE kind WHEN 'statement' THEN 'STATEMENT' ELSE 'ROW' END, action);
END $$;
CREATE FUNCTION try(o operations, action text, kind text, caller name) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF kind <> 'alone' THEN
        PERFORM make_trigger(o, action, kind);
    END IF;
    PERFORM set_config('role', caller, true);
    IF kind = 'alone' THEN
        PERFORM run(action);
    ELSE
        EXECUTE o.operation;
        SET CONSTRAINTS ALL IMMEDIATE;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = coalesce(look(), '');
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    RETURN SQLERRM;
WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE FUNCTION differences(caller name, kinds text[])
    RETURNS TABLE (operation text, kind text, action text, alone text, in_trigger text) LANGUAGE plpgsql AS $$
DECLARE
    a text;
    o operations;
    k text;
    turn int := 0;
BEGIN
    FOR a IN SELECT actions.action FROM actions LOOP
        alone := try(NULL, a, 'alone', 'regress_code');
        FOR o IN SELECT * FROM operations LOOP
            turn := turn + 1;
            k := kinds[1 + turn % cardinality(kinds)];
            in_trigger := try(o, a, k, caller);
            IF in_trigger IS DISTINCT FROM alone THEN
                operation := o.operation; kind := k; action := a;
                RETURN NEXT;
            END IF;
        END LOOP;
    END LOOP;
END $$;

-- Each action does something on its own, or is refused: no two look the same but for those that are refused alike.
SELECT count(DISTINCT try(NULL, action, 'alone', 'regress_code')) > 15 AS are_different FROM actions;
SELECT * FROM differences('regress_code', ARRAY['before row', 'after row', 'statement', 'deferred']);

-- The same where somebody else calls the functions; plain statements would run the action as him.
RESET ROLE;
SET ROLE regress_code_admin;
DELETE FROM operations WHERE operation !~ 'softdelete\.';
DELETE FROM operations WHERE operation ~ 'delete\(|restore\(|undo\(';
SELECT * FROM differences('regress_code_admin', ARRAY['after row', 'deferred']);

RESET ROLE;
SET client_min_messages = error;
SELECT softdelete.release(id) FROM softdelete.holds WHERE relation = 'due'::regclass AND released_at IS NULL;
DROP SCHEMA regress_code CASCADE;
DROP ROLE regress_code, regress_code_admin;
