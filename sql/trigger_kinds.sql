-- Triggers of each kind fire in softdelete's own commands and cascades as they do in the statement that an application would
-- write: the same ones, as often, in the same order, with the same rows and the same search_path, as the owner of the table.
-- A twin that is not registered shows what that is.
CREATE ROLE regress_trigger_kinds;
CREATE SCHEMA regress_trigger_kinds AUTHORIZATION regress_trigger_kinds;
SET SESSION AUTHORIZATION regress_trigger_kinds;
SET search_path = regress_trigger_kinds;
SET client_min_messages = error;
\pset format unaligned
CREATE TABLE log (nr int GENERATED ALWAYS AS IDENTITY, entry text);

-- Names its table without a schema. Rows are told by what became of them.
CREATE FUNCTION told(name text, deleted_at timestamptz) RETURNS text LANGUAGE sql AS
    'SELECT name || CASE WHEN deleted_at IS NULL THEN '' live'' ELSE '' deleted'' END';
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry text := concat_ws(' ', tg_name, tg_when, tg_op, tg_level, substr(tg_table_name, 1, 1));
BEGIN
    IF tg_level = 'ROW' THEN
        entry := concat_ws(' ', entry, OLD.id, told(OLD.name, OLD.deleted_at));
        IF tg_op = 'UPDATE' THEN
            entry := concat_ws(' ', entry, '->', told(NEW.name, NEW.deleted_at));
        END IF;
    END IF;
    INSERT INTO log (entry) VALUES (concat_ws(' ', entry, 'by', current_user, session_user, 'in', current_setting('search_path')));
    RETURN coalesce(NEW, OLD);
END $$;
CREATE FUNCTION note_both() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO log (entry) SELECT concat_ws(' ', tg_name, tg_when, tg_op, tg_level, substr(tg_table_name, 1, 1), 'old',
        (SELECT string_agg(id || ' ' || told(name, deleted_at), ', ' ORDER BY id) FROM old_rows), 'new',
        (SELECT string_agg(id || ' ' || told(name, deleted_at), ', ' ORDER BY id) FROM new_rows));
    RETURN NULL; END $$;
CREATE FUNCTION note_old() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO log (entry) SELECT concat_ws(' ', tg_name, tg_when, tg_op, tg_level, substr(tg_table_name, 1, 1), 'old',
        (SELECT string_agg(id || ' ' || told(name, deleted_at), ', ' ORDER BY id) FROM old_rows));
    RETURN NULL; END $$;

-- parent and child, and their twins.
CREATE PROCEDURE make(parent text, child text, form text DEFAULT 'plain') LANGUAGE plpgsql AS $$
DECLARE
    t text;
    keyed text; -- which has triggers on its key
    partitions text := CASE form WHEN 'partitioned' THEN 'PARTITION BY RANGE (id)' END;
BEGIN
    EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, name text, deleted_at timestamptz, deleted_by text, deletion_id bigint) %s',
        parent, partitions);
    EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, name text, deleted_at timestamptz, deleted_by text, deletion_id bigint,
        parent int REFERENCES %I ON DELETE CASCADE) %s', child, parent, partitions);
    EXECUTE format('CREATE INDEX ON %I (parent)', child);
    FOREACH t IN ARRAY ARRAY[parent, child] LOOP
        IF form = 'partitioned' THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (0) TO (2)', t || '_1', t);
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (2) TO (9)', t || '_2', t);
        ELSE
            EXECUTE format('CREATE TRIGGER tables_row AFTER UPDATE ON %I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                FOR EACH ROW EXECUTE FUNCTION note_both()', t);
        END IF;
        IF form LIKE 'generated%' THEN
            EXECUTE format('ALTER TABLE %I ADD COLUMN shown text GENERATED ALWAYS AS (CASE WHEN deleted_at IS NULL THEN name END) STORED,
                ADD COLUMN twice int GENERATED ALWAYS AS (2 * id) STORED', t);
            EXECUTE format('CREATE TRIGGER of_shown_after AFTER UPDATE OF shown ON %I FOR EACH ROW EXECUTE FUNCTION note()', t);
            EXECUTE format('CREATE TRIGGER of_shown_statement AFTER UPDATE OF shown, name ON %I EXECUTE FUNCTION note()', t);
            EXECUTE format('CREATE TRIGGER of_twice AFTER UPDATE OF twice ON %I FOR EACH ROW EXECUTE FUNCTION note()', t);
            EXECUTE format('CREATE TRIGGER of_twice_statement BEFORE UPDATE OF twice ON %I EXECUTE FUNCTION note()', t);
        END IF;
        IF form <> 'generated' THEN
            EXECUTE format('CREATE TRIGGER row_before BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION note()', t);
            EXECUTE format('CREATE TRIGGER when_deleted BEFORE UPDATE ON %I FOR EACH ROW
                WHEN (OLD.deleted_at IS DISTINCT FROM NEW.deleted_at) EXECUTE FUNCTION note()', t);
            EXECUTE format('CREATE TRIGGER of_deleted_at BEFORE UPDATE OF deleted_at ON %I FOR EACH ROW EXECUTE FUNCTION note()', t);
        END IF;
        IF form = 'generated, with BEFORE' THEN
            EXECUTE format('CREATE TRIGGER of_shown BEFORE UPDATE OF shown ON %I FOR EACH ROW EXECUTE FUNCTION note()', t);
        END IF;
        EXECUTE format('CREATE TRIGGER row_after AFTER UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE TRIGGER statement_before BEFORE UPDATE OR DELETE ON %I EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE TRIGGER statement_after AFTER UPDATE OR DELETE ON %I EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE TRIGGER when_name AFTER UPDATE ON %I FOR EACH ROW WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE TRIGGER when_one AFTER DELETE ON %I FOR EACH ROW WHEN (OLD.id = 1) EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE TRIGGER of_name AFTER UPDATE OF name ON %I FOR EACH ROW EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE TRIGGER of_name_statement BEFORE UPDATE OF name ON %I EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE TRIGGER of_deleted_by AFTER UPDATE OF deleted_by ON %I EXECUTE FUNCTION note()', t);
        keyed := CASE form WHEN 'partitioned' THEN t || '_1' ELSE t END;
        EXECUTE format('CREATE TRIGGER of_id AFTER UPDATE OF id ON %I FOR EACH ROW EXECUTE FUNCTION note()', keyed);
        EXECUTE format('CREATE TRIGGER of_id_statement AFTER UPDATE OF id ON %I EXECUTE FUNCTION note()', keyed);
        EXECUTE format('CREATE CONSTRAINT TRIGGER constraint_now AFTER UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE CONSTRAINT TRIGGER constraint_late AFTER UPDATE OR DELETE ON %I DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE CONSTRAINT TRIGGER constraint_when AFTER UPDATE ON %I DEFERRABLE
            FOR EACH ROW WHEN (NEW.id > 1) EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE TRIGGER tables_update AFTER UPDATE ON %I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
            EXECUTE FUNCTION note_both()', t);
        EXECUTE format('CREATE TRIGGER tables_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows EXECUTE FUNCTION note_old()', t);
        EXECUTE format('CREATE TRIGGER always AFTER UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE TRIGGER replica AFTER UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION note()', t);
        EXECUTE format('CREATE TRIGGER never AFTER UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION note()', t);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER always, ENABLE REPLICA TRIGGER replica, DISABLE TRIGGER never', t);
    END LOOP;
END $$;
CALL make('parent', 'child');
CALL make('p', 'c');
SELECT count(*) > 0 AS registered FROM softdelete.register('parent', retention => '1 day', cascade => true);
SELECT softdelete.set_anonymizer('parent', 'name', '''gone'''), softdelete.set_anonymizer('child', 'name', '''gone''');

-- Two rows live, one deleted long ago, with children.
CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['parent', 'p', 'child', 'c'] LOOP
        EXECUTE format('INSERT INTO %I (id, name, deleted_at) VALUES (1, ''a'', NULL), (2, ''b'', NULL), (3, ''c'', now() - interval ''9 days'')', t);
    END LOOP;
    UPDATE child SET parent = id WHERE id < 3;
    UPDATE c SET parent = id WHERE id < 3;
END $$;

-- What the statements make the triggers say.
CREATE FUNCTION fired(preparation text, statements text) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    CALL fill();
    IF preparation > '' THEN
        EXECUTE preparation;
    END IF;
    SET CONSTRAINTS ALL IMMEDIATE;
    SET CONSTRAINTS ALL DEFERRED;
    DELETE FROM log;
    EXECUTE statements;
    SET CONSTRAINTS ALL IMMEDIATE;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = (SELECT array_agg(entry ORDER BY nr) FROM log);
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    RETURN sqlerrm::text[];
END $$;
CREATE TABLE operation (nr int GENERATED ALWAYS AS IDENTITY, name text, preparation text, ours text, before text, own text);
INSERT INTO operation (name, preparation, ours, before, own) VALUES
    ('DELETE', '', 'DELETE FROM child WHERE id IN (1, 2)',
        '', 'UPDATE c SET deleted_at = now(), deleted_by = ''x'', deletion_id = 1 WHERE id IN (1, 2)'),
    ('delete()', '', 'SELECT softdelete.delete(''child'', 1)',
        '', 'UPDATE c SET deleted_at = now(), deleted_by = ''x'', deletion_id = 1 WHERE id = 1'),
    ('cascade', '', 'DELETE FROM parent WHERE id IN (1, 2)',
        '', 'UPDATE p SET deleted_at = now(), deleted_by = ''x'', deletion_id = 1 WHERE id IN (1, 2);
             UPDATE c SET deleted_at = now(), deleted_by = ''x'', deletion_id = 1 WHERE parent IN (1, 2)'),
    ('DELETE in WITH', '', 'WITH d AS (DELETE FROM parent WHERE id = 1 RETURNING id) SELECT count(*) FROM d',
        '', 'WITH d AS (UPDATE p SET deleted_at = now(), deleted_by = ''x'', deletion_id = 1 WHERE id = 1 RETURNING id) SELECT count(*) FROM d;
             UPDATE c SET deleted_at = now(), deleted_by = ''x'', deletion_id = 1 WHERE parent = 1'),
    ('MERGE', '', 'MERGE INTO parent USING (VALUES (1)) v (i) ON id = i WHEN MATCHED THEN DELETE',
        '', 'MERGE INTO p USING (VALUES (1)) v (i) ON id = i
                 WHEN MATCHED THEN UPDATE SET deleted_at = now(), deleted_by = ''x'', deletion_id = 1;
             UPDATE c SET deleted_at = now(), deleted_by = ''x'', deletion_id = 1 WHERE parent = 1'),
    ('UPDATE', '', 'UPDATE child SET deleted_at = now() WHERE id = 1',
        '', 'UPDATE c SET deleted_at = now(), deleted_by = ''x'', deletion_id = 1 WHERE id = 1'),
    ('restore by UPDATE', 'DELETE FROM child', 'UPDATE child SET deleted_at = NULL WHERE id < 3',
        'UPDATE c SET deleted_at = now()', 'UPDATE c SET deleted_at = NULL, deleted_by = NULL, deletion_id = NULL WHERE id < 3'),
    ('restore()', 'DELETE FROM child', 'SELECT softdelete.restore(''child'', 1)',
        'UPDATE c SET deleted_at = now()', 'UPDATE c SET deleted_at = NULL, deleted_by = NULL, deletion_id = NULL WHERE id = 1'),
    ('restore() of a tree', 'DELETE FROM parent', 'SELECT softdelete.restore(''parent'', 1)',
        'UPDATE p SET deleted_at = now(); UPDATE c SET deleted_at = now()',
        'UPDATE c SET deleted_at = NULL, deleted_by = NULL, deletion_id = NULL WHERE parent = 1;
         UPDATE p SET deleted_at = NULL, deleted_by = NULL, deletion_id = NULL WHERE id = 1'),
    ('undo()', 'DELETE FROM parent', 'SELECT softdelete.undo(max(id)) FROM softdelete.deletions',
        'UPDATE p SET deleted_at = now() WHERE id < 3; UPDATE c SET deleted_at = now() WHERE id < 3',
        'UPDATE c SET deleted_at = NULL, deleted_by = NULL, deletion_id = NULL WHERE id < 3;
         UPDATE p SET deleted_at = NULL, deleted_by = NULL, deletion_id = NULL WHERE id < 3'),
    ('purge()', '', 'CALL softdelete.purge(''child'')', '', 'DELETE FROM c WHERE deleted_at IS NOT NULL'),
    ('purge by hand', '', 'DELETE FROM child WHERE deleted_at IS NOT NULL', '', 'DELETE FROM c WHERE deleted_at IS NOT NULL'),
    ('erase()', '', 'SELECT softdelete.erase(''child'', ''asked'', 1)', '', 'DELETE FROM c WHERE id = 1'),
    ('erase() of a tree', '', 'SELECT softdelete.erase(''parent'', ''asked'', 1)', '', 'DELETE FROM p WHERE id = 1'),
    ('anonymize()', '', 'SELECT softdelete.anonymize(''child'', ''asked'', 1)', '', 'UPDATE c SET name = ''gone'', deleted_by = deleted_by WHERE id = 1'),
    ('anonymize() of a tree', '', 'SELECT softdelete.anonymize(''parent'', ''asked'', 1)',
        '', 'UPDATE p SET name = ''gone'', deleted_by = deleted_by WHERE id = 1;
             UPDATE c SET name = ''gone'', deleted_by = deleted_by WHERE parent = 1'),
    ('unregister()', '', 'SELECT count(*) FROM softdelete.unregister(''child'', deleted_rows => ''purge'')',
        '', 'DELETE FROM c WHERE deleted_at IS NOT NULL');
CREATE TABLE seen AS SELECT nr, name, fired(preparation, ours) AS ours, fired(before, own) AS own FROM operation;

-- Everything is the same, but for one thing: purge() and unregister() let deferred triggers fire with the batch, as immediate
-- ones, so that they know which rows cannot go.
SELECT name, cardinality(own) AS entries, ours = own AS same FROM seen ORDER BY nr;
SELECT name, d.* FROM seen, LATERAL (SELECT nr, o.entry AS ours, w.entry AS own
        FROM unnest(ours) WITH ORDINALITY o (entry, nr) FULL JOIN unnest(own) WITH ORDINALITY w (entry, nr) USING (nr)
        WHERE o.entry IS DISTINCT FROM w.entry) d ORDER BY seen.nr, d.nr;

-- What each kind says, for one operation of each sort.
SELECT name, entry FROM seen, unnest(own) WITH ORDINALITY u (entry, position)
    WHERE name IN ('delete()', 'restore()', 'purge()', 'anonymize()') ORDER BY nr, position;

-- INSTEAD OF: the trigger of a view fires for statements on the view, as often as natively, and for nothing else.
CREATE FUNCTION through() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO log (entry) VALUES (concat_ws(' ', tg_name, tg_op, OLD.id));
    IF tg_op = 'DELETE' THEN
        EXECUTE format('DELETE FROM %I WHERE id = $1', tg_argv[0]) USING OLD.id;
    ELSE
        EXECUTE format('UPDATE %I SET name = $2 WHERE id = $1', tg_argv[0]) USING OLD.id, NEW.name;
    END IF;
    RETURN coalesce(NEW, OLD); END $$;
CREATE VIEW children AS SELECT id, name FROM child;
CREATE VIEW cs AS SELECT id, name FROM c;
CREATE TRIGGER instead INSTEAD OF UPDATE OR DELETE ON children FOR EACH ROW EXECUTE FUNCTION through('child');
CREATE TRIGGER instead INSTEAD OF UPDATE OR DELETE ON cs FOR EACH ROW EXECUTE FUNCTION through('c');
CREATE FUNCTION instead(statements text) RETURNS text LANGUAGE sql AS
    $$ SELECT string_agg(e, ', ' ORDER BY e) FROM unnest(fired('', statements)) e WHERE e LIKE 'instead%' $$;
SELECT instead('DELETE FROM children WHERE id < 3') AS ours, instead('DELETE FROM cs WHERE id < 3') AS own;
SELECT instead('UPDATE children SET name = ''x'' WHERE id < 3') AS ours, instead('UPDATE cs SET name = ''x'' WHERE id < 3') AS own;
SELECT name, instead(ours) FROM operation WHERE preparation = '' ORDER BY nr;
SELECT softdelete.delete('child', 1) IS NULL AS none_there;
DROP VIEW children, cs;

-- The same with triggers UPDATE OF generated columns, which fire where what these are made of is written, and of all of them
-- where a BEFORE trigger may write it; and on partitioned tables.
CREATE TABLE other_seen (form text, nr int, name text, ours text[], own text[]);
CREATE PROCEDURE look_at(form text) LANGUAGE plpgsql AS $$
BEGIN
    DROP TABLE child, parent, c, p;
    CALL make('parent', 'child', form);
    CALL make('p', 'c', form);
    PERFORM softdelete.register('parent', retention => '1 day', cascade => true);
    PERFORM softdelete.set_anonymizer(t::regclass, 'name', '''gone''') FROM unnest('{parent, child}'::text[]) t;
    INSERT INTO other_seen SELECT form, o.nr, o.name, fired(o.preparation, o.ours), fired(o.before, o.own) FROM operation o;
END $$;
CALL look_at('generated');
CALL look_at('generated, with BEFORE');
CALL look_at('partitioned');
-- From 16 on the server's MERGE fires no trigger of a generated column, where its UPDATE and a MERGE that we convert do.
UPDATE other_seen SET ours = ARRAY(SELECT e FROM unnest(ours) WITH ORDINALITY u (e, n) WHERE e !~ '^of_twice' ORDER BY n),
    own = ARRAY(SELECT e FROM unnest(own) WITH ORDINALITY u (e, n) WHERE e !~ '^of_twice' ORDER BY n)
    WHERE form = 'generated' AND name = 'MERGE';
SELECT form, name, cardinality(own) AS entries, ours = own AS same FROM other_seen ORDER BY form, nr;
SELECT form, name, d.* FROM other_seen s, LATERAL (SELECT nr, o.entry AS ours, w.entry AS own
        FROM unnest(ours) WITH ORDINALITY o (entry, nr) FULL JOIN unnest(own) WITH ORDINALITY w (entry, nr) USING (nr)
        WHERE o.entry IS DISTINCT FROM w.entry) d
    WHERE NOT (name IN ('purge()', 'unregister()') AND ARRAY(SELECT unnest(s.ours) ORDER BY 1) = ARRAY(SELECT unnest(s.own) ORDER BY 1))
    ORDER BY form, s.nr, d.nr;
SELECT form, name, regexp_replace(entry, ' by .*', '') AS entry FROM other_seen, unnest(own) WITH ORDINALITY u (entry, position)
    WHERE entry ~ '^of_(shown|twice)' AND name IN ('delete()', 'restore()', 'anonymize()') ORDER BY form, nr, position;
\set QUIET on
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_trigger_kinds CASCADE;
DROP ROLE regress_trigger_kinds;
