-- check() finds what is risky or left undone. Each kind appears, and goes when its remedy has run. One finding is looked at
-- by itself: look() shows it, mend() runs the remedy's statements, and what is still found afterwards is counted. Those of
-- archives and histories are in check_kept; those that need a server of its own are in test/tap/check.pl; what only register()
-- tells of is shown where it is tested.
CREATE ROLE regress_check;
CREATE ROLE regress_check_other;
CREATE ROLE regress_check_watcher IN ROLE pg_monitor;
SELECT current_user AS superuser, current_database() AS database \gset
CREATE SCHEMA regress_check AUTHORIZATION regress_check;
SET SESSION AUTHORIZATION regress_check;
SET search_path = regress_check;
SET client_min_messages = warning;
CREATE FUNCTION look(wanted text, relation regclass DEFAULT NULL) RETURNS TABLE (severity text, object text, message text, remedy text)
    LANGUAGE sql SET client_min_messages = error
    AS $$ SELECT severity, object, message, remedy FROM softdelete.check(relation) c
        WHERE code = wanted AND (c.relation IS NOT NULL OR object ~ 'regress_check|^event|^softdelete|^table softdelete')
        ORDER BY object, remedy $$;
CREATE PROCEDURE mend(wanted text, relation regclass DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    command text;
BEGIN
    FOR command IN SELECT regexp_split_to_table(remedy, ';\s') FROM regress_check.look(wanted, relation) LOOP
        IF command NOT IN ('BEGIN', 'COMMIT') THEN
            EXECUTE command;
        END IF;
    END LOOP;
END $$;
\pset format unaligned
\pset tuples_only on
\pset fieldsep ' | '

-- All is well, or what is not is wished for.
CREATE TABLE fine (id int PRIMARY KEY, note text);
SELECT count(*) > 0 FROM softdelete.register('fine', retention => '90 days');
SELECT * FROM softdelete.check('fine');
SELECT * FROM softdelete.check() WHERE relation IS NOT NULL;
DROP TABLE fine;

-- Retention.
CREATE TABLE notes (id int PRIMARY KEY, note text);
SELECT count(*) > 0 FROM softdelete.register('notes');
SELECT * FROM look('no_retention');
CALL mend('no_retention');
SELECT count(*) FROM look('no_retention');

-- Rows that nobody purged: those of tonight are no finding.
INSERT INTO notes (id, deleted_at) VALUES (1, now() - interval '366 days'), (2, now() - interval '2 years');
SELECT * FROM look('overdue');
SELECT remedy FROM look('overdue') \gexec
SELECT count(*) FROM look('overdue');

-- A purge that fails, and one that leaves rows.
INSERT INTO notes (id, deleted_at) VALUES (3, now() - interval '2 years');
REVOKE SELECT ON notes FROM regress_check;
SET client_min_messages = error;
CALL softdelete.purge('notes');
SET client_min_messages = warning;
SELECT severity, object, regexp_replace(message, 'of \S+ \S+,', 'of ...,') AS message, remedy FROM look('purge_failed');
GRANT SELECT ON notes TO regress_check;
SELECT remedy FROM look('purge_failed') \gexec
SELECT count(*) FROM look('purge_failed');
CREATE TABLE marks (id int PRIMARY KEY, note int REFERENCES notes);
INSERT INTO notes (id, deleted_at) VALUES (5, now() - interval '2 years');
ALTER TABLE marks DROP CONSTRAINT marks_note_fkey;
INSERT INTO marks VALUES (1, 5);
SET client_min_messages = error;
ALTER TABLE marks ADD CONSTRAINT marks_note_fkey FOREIGN KEY (note) REFERENCES notes;
SET client_min_messages = warning;
CALL softdelete.purge('notes');
SELECT severity, object, regexp_replace(message, 'of \S+ \S+,', 'of ...,') AS message, remedy FROM look('purge_blocked');
DELETE FROM marks;
SELECT remedy FROM look('purge_blocked') \gexec
SELECT count(*) FROM look('purge_blocked');
DROP TABLE marks;

-- A hold that was forgotten.
INSERT INTO notes (id) VALUES (6);
SELECT softdelete.hold('notes', 'litigation', 6) AS hold \gset
SELECT count(*) FROM look('old_hold');
SET SESSION AUTHORIZATION :"superuser";
UPDATE softdelete_internal.hold SET held_at = '2020-02-03' WHERE id = :hold;
SET SESSION AUTHORIZATION regress_check;
SELECT severity, replace(object, :'hold', '?') AS object, message, replace(remedy, :'hold', '?') AS remedy FROM look('old_hold');
SELECT softdelete.release(:hold);
SELECT count(*) FROM look('old_hold');

-- How much is deleted, as the statistics say.
INSERT INTO notes SELECT generate_series(10, 25000);
DELETE FROM notes WHERE id > 5000;
ANALYZE notes;
SELECT severity, object, regexp_replace(message, '\d+', '?', 'g') AS message, remedy FROM look('mostly_deleted');
UPDATE notes SET deleted_at = now() - interval '2 years' WHERE deleted_at IS NOT NULL;
CALL softdelete.purge('notes');
ANALYZE notes;
SELECT count(*) FROM look('mostly_deleted');
SELECT relation, strategy, retention, live_rows BETWEEN 4900 AND 5100 AS live, deleted_rows, total_bytes > index_bytes AS sizes,
       last_purge IS NOT NULL AS purged, last_purge_removed, last_purge_held, last_purge_blocked, last_purge_error
    FROM softdelete.stats;

-- The deletions of a day, and an index that carries mostly deleted rows.
CREATE TABLE crowd (id int PRIMARY KEY);
SELECT count(*) > 0 FROM softdelete.register('crowd', retention => '90 days');
INSERT INTO crowd SELECT generate_series(1, 110000);
DELETE FROM crowd WHERE id > 1000;
DELETE FROM crowd WHERE id = 1;
SELECT softdelete.restore('crowd', 1);
ANALYZE crowd;
SELECT deletions_last_day, restored_last_day FROM softdelete.stats WHERE relation = 'crowd'::regclass;
SELECT severity, object, regexp_replace(message, '\d+', '?', 'g') AS message, remedy FROM look('index_of_deleted_rows');
DROP TABLE crowd;

-- What register() warns of is found later too, when it comes.
CREATE TABLE people (id int PRIMARY KEY, code text, email text UNIQUE, is_deleted bool NOT NULL DEFAULT false, removed_at timestamptz);
SELECT count(*) > 0 FROM softdelete.register('people', retention => '90 days') WHERE action <> 'warning';
SELECT code FROM softdelete.check('people');
CREATE TABLE cards (id int PRIMARY KEY, person int REFERENCES people ON DELETE CASCADE);
CREATE TABLE letters (id int PRIMARY KEY, person int REFERENCES people);
SELECT * FROM look('unregistered_child');
CALL mend('unregistered_child');
SELECT count(*) FROM look('unregistered_child');
SELECT * FROM look('unregistered_referencing');
CALL mend('unregistered_referencing');
SELECT count(*) FROM look('unregistered_referencing');
SELECT * FROM look('missing_key_index');
SELECT remedy FROM look('missing_key_index') \gexec
SELECT count(*) FROM look('missing_key_index');
SELECT code, object FROM softdelete.check() WHERE relation IS NOT NULL AND code <> 'no_retention';

CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN coalesce(new, old); END $$;
CREATE TRIGGER deletions AFTER DELETE ON people FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER updates BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION touch();
SELECT * FROM look('delete_trigger');
CALL mend('delete_trigger');
SELECT count(*) FROM look('delete_trigger');
SELECT * FROM look('update_trigger');
CALL mend('update_trigger');
SELECT count(*) FROM look('update_trigger');
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE people SET deleted_at = now() WHERE id = old.id;
    RETURN NULL;
END $$;
CREATE TRIGGER by_hand BEFORE DELETE ON people FOR EACH ROW EXECUTE FUNCTION keep();
SELECT * FROM look('soft_delete_trigger');
DROP TRIGGER by_hand ON people;
SELECT count(*) FROM look('soft_delete_trigger');

-- Of a table that is named the rows are counted, too.
INSERT INTO people (id, is_deleted) VALUES (1, true);
SELECT count(*) FROM look('flag_column_disagrees');
SELECT * FROM look('flag_column_disagrees', 'people');
CALL mend('flag_column_disagrees', 'people');
SELECT count(*) FROM look('flag_column_disagrees', 'people');
SELECT * FROM look('flag_column', 'people');
ALTER TABLE people DROP COLUMN is_deleted;
SELECT count(*) FROM look('flag_column', 'people');
INSERT INTO people (id, removed_at) VALUES (2, now());
SELECT severity, object, message, remedy IS NOT NULL FROM look('other_time_column', 'people');
ALTER TABLE people DROP COLUMN removed_at;
SELECT count(*) FROM look('other_time_column', 'people');
INSERT INTO people (id, deleted_at) VALUES (3, now());
ALTER TABLE letters DROP CONSTRAINT letters_person_fkey;
INSERT INTO letters VALUES (1, 3);
ALTER TABLE letters ADD CONSTRAINT letters_person_fkey FOREIGN KEY (person) REFERENCES people ON DELETE CASCADE;
SELECT * FROM look('live_children', 'people');
SELECT split_part(message, 'registered: ', 2) FROM look('live_children', 'people') \gexec
SELECT count(*) FROM look('live_children', 'people');

-- Keys.
CREATE TABLE codes (code text PRIMARY KEY, note text);
CREATE TABLE lines (note text);
SELECT count(*) > 0 FROM softdelete.register('codes', retention => '90 days');
SELECT count(*) > 0 FROM softdelete.register('lines', retention => '90 days');
SELECT * FROM look('key_is_kept');
CALL mend('key_is_kept');
SELECT count(*) FROM look('key_is_kept');
SELECT * FROM look('missing_primary_key');
CALL mend('missing_primary_key');
SELECT count(*) FROM look('missing_primary_key');

-- Row security.
CREATE POLICY live ON codes USING (deleted_at IS NULL AND code > '');
ALTER TABLE codes ENABLE ROW LEVEL SECURITY;
SELECT * FROM look('policy_hides_deleted');
CALL mend('policy_hides_deleted');
SELECT count(*) FROM look('policy_hides_deleted');

-- Rows that are to be overwritten, and no rule for that.
CREATE TABLE visitors (id int PRIMARY KEY, name text);
SET client_min_messages = error;
SELECT count(*) > 0 FROM softdelete.register('visitors', retention => '90 days', on_expiry => 'anonymize');
SET client_min_messages = warning;
SELECT * FROM look('missing_rules');
SELECT softdelete.set_anonymizer('visitors', 'name', 'NULL');
SELECT count(*) FROM look('missing_rules');

-- A table that others write and nobody reads.
CREATE TABLE mail_queue (id int PRIMARY KEY);
SELECT count(*) > 0 FROM softdelete.register('mail_queue', retention => '90 days');
SELECT * FROM look('looks_like_a_log');
INSERT INTO mail_queue VALUES (1), (2);
DELETE FROM mail_queue WHERE id = 1;
SELECT count(*) > 0 FROM softdelete.configure('mail_queue', strategy => 'archive');
SELECT count(*) > 0 FROM softdelete.configure('mail_queue', keep_forever => true);
SELECT count(*) FROM look('looks_like_a_log');
SELECT pg_stat_force_next_flush() IS NULL AS flushed;
SELECT strategy, live_rows, deleted_rows FROM softdelete.stats WHERE relation = 'mail_queue'::regclass;

-- Soft delete by hand.
CREATE TABLE tickets (id int PRIMARY KEY, removed_at timestamptz);
INSERT INTO tickets SELECT generate_series(1, 10000);
SELECT count(*) FROM look('soft_delete_by_hand');
ANALYZE tickets;
SELECT * FROM look('soft_delete_by_hand');
CALL mend('soft_delete_by_hand');
SELECT count(*) FROM look('soft_delete_by_hand');
DROP TABLE tickets;

-- An index that is not converted, since it is not valid. The server rebuilds it outside of a transaction; then it can be.
CREATE TABLE papers (id int PRIMARY KEY, title text);
CREATE UNIQUE INDEX papers_title ON papers (title);
SET SESSION AUTHORIZATION :"superuser";
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'regress_check.papers_title'::regclass;
SET SESSION AUTHORIZATION regress_check;
SET client_min_messages = error;
SELECT count(*) > 0 FROM softdelete.register('papers', retention => '90 days');
SET client_min_messages = warning;
SELECT * FROM look('unconverted_index');
SELECT remedy FROM look('unconverted_index') \gexec
SELECT count(*) FROM look('unconverted_index');
SELECT * FROM look('out_of_step');
CALL mend('out_of_step');
SELECT count(*) FROM look('out_of_step');

-- A view that was there before.
CREATE TABLE files (id int PRIMARY KEY, deleted_at timestamptz);
CREATE VIEW active_files AS SELECT * FROM files WHERE deleted_at IS NULL;
ALTER TABLE files ENABLE ROW LEVEL SECURITY;
SET client_min_messages = error;
SELECT count(*) > 0 FROM softdelete.register('files', retention => '90 days');
SET client_min_messages = warning;
SELECT * FROM look('view_past_row_security');
CALL mend('view_past_row_security');
SELECT count(*) FROM look('view_past_row_security');

-- Publications, of tables, of schemas, of partitions and children, of all tables.
CREATE TABLE parts (id int PRIMARY KEY, note text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
SELECT count(*) > 0 FROM softdelete.register('parts', retention => '90 days');
CREATE TABLE beside (id int PRIMARY KEY);
SET SESSION AUTHORIZATION :"superuser";
SET client_min_messages = error; -- whatever wal_level is
CREATE SCHEMA "regress_check Plain";
CREATE TABLE "regress_check Plain".beside (id int PRIMARY KEY);
CREATE PUBLICATION regress_check_inserts FOR TABLE regress_check.notes WITH (publish = 'insert, delete');
CREATE PUBLICATION regress_check_columns FOR TABLE regress_check.notes (id, note) WHERE (id > 0) WITH (publish = 'insert, update');
CREATE PUBLICATION regress_check_part FOR TABLE regress_check.parts_1 (id, note), regress_check.parts_2 WITH (publish = 'insert');
CREATE PUBLICATION regress_check_root FOR TABLE regress_check.parts (id) WITH (publish_via_partition_root, publish = 'insert, truncate');
CREATE PUBLICATION regress_check_schema FOR TABLES IN SCHEMA regress_check WITH (publish = 'delete');
CREATE PUBLICATION regress_check_beside FOR TABLE regress_check.beside WITH (publish = 'insert');
CREATE TABLE regress_check.nameless (id int);
CREATE PUBLICATION regress_check_nameless FOR TABLE regress_check.papers, regress_check.nameless WITH (publish = 'insert');
CREATE PUBLICATION regress_check_own FOR TABLE regress_check.codes, softdelete_internal.hold;
CREATE PUBLICATION regress_check_internal FOR TABLES IN SCHEMA softdelete_internal;
CREATE PUBLICATION regress_check_all FOR ALL TABLES WITH (publish = 'insert', publish_via_partition_root);
CREATE ROLE regress_check_publisher SUPERUSER;
ALTER PUBLICATION regress_check_all OWNER TO regress_check_publisher;
COMMENT ON PUBLICATION regress_check_all IS 'for the mart''s copy';
SELECT * FROM regress_check.look('publication_without_updates', 'regress_check.papers');
ALTER TABLE regress_check.nameless REPLICA IDENTITY FULL;
SELECT object, count(*) > 1 AS several, min(message), min(remedy) FROM regress_check.look('publication_without_updates') GROUP BY object ORDER BY object;
SELECT object, remedy FROM regress_check.look('publication_without_updates', 'regress_check.parts');
CALL regress_check.mend('publication_without_updates');
SELECT count(*) FROM regress_check.look('publication_without_updates');
SELECT * FROM regress_check.look('publication_without_columns');
CALL regress_check.mend('publication_without_columns');
SELECT count(*) FROM regress_check.look('publication_without_columns');
-- What else it publishes stays published, by the same options.
SELECT severity, object, message, regexp_replace(remedy, 'SCHEMA .* WITH', 'SCHEMA ... WITH') AS remedy FROM regress_check.look('own_tables_published');
SELECT count(*) AS published FROM pg_publication_tables WHERE pubname = 'regress_check_all' AND schemaname <> 'softdelete_internal' \gset
CALL regress_check.mend('own_tables_published');
SELECT count(*) FROM regress_check.look('own_tables_published');
SELECT count(*) = :published AS all_others, bool_or(schemaname = 'regress_check Plain') AS plain, bool_or(schemaname ~ '^softdelete') AS ours
    FROM pg_publication_tables WHERE pubname = 'regress_check_all';
SELECT pubinsert, pubupdate, pubdelete, pubtruncate, pubviaroot, pubowner::regrole, obj_description(oid, 'pg_publication')
    FROM pg_publication WHERE pubname = 'regress_check_all';
SELECT tablename, attnames, rowfilter FROM pg_publication_tables WHERE pubname = 'regress_check_columns';
SELECT pubname, schemaname, tablename FROM pg_publication_tables WHERE pubname IN ('regress_check_own', 'regress_check_inserts', 'regress_check_part', 'regress_check_root', 'regress_check_internal') ORDER BY 1, 2, 3;
DROP PUBLICATION regress_check_inserts, regress_check_columns, regress_check_part, regress_check_root, regress_check_schema, regress_check_beside,
    regress_check_nameless, regress_check_own, regress_check_internal, regress_check_all;
DROP ROLE regress_check_publisher;
DROP SCHEMA "regress_check Plain" CASCADE;

-- Sessions that begin with other settings. What a role has in the database wins over what it has elsewhere; a value of
-- everybody's is one finding, and the caller's own session has no part in it.
ALTER DATABASE :"database" SET softdelete.deletion = soft;
ALTER DATABASE :"database" SET softdelete.visibility = active;
ALTER ROLE regress_check_other IN DATABASE :"database" SET softdelete.deletion = hard;
ALTER ROLE regress_check_other SET softdelete.deletion = soft;
ALTER ROLE regress_check_watcher SET softdelete.deletion = hard;
ALTER ROLE regress_check_watcher IN DATABASE :"database" SET softdelete.deletion = soft;
ALTER ROLE regress_check SET softdelete.visibility = 'all';
ALTER ROLE regress_check_watcher IN DATABASE :"database" SET softdelete.visibility = 'Deleted';
SET softdelete.deletion = hard;
SET softdelete.visibility = 'all';
CREATE FUNCTION regress_check.look_everywhere(wanted text) RETURNS TABLE (severity text, object text, message text, remedy text)
    LANGUAGE sql SET softdelete.visibility = active
    AS $$ SELECT severity, replace(object, quote_ident(current_database()), 'shop'), message, replace(remedy, quote_ident(current_database()), 'shop')
        FROM softdelete.check() WHERE code = wanted ORDER BY object $$;
SELECT * FROM regress_check.look_everywhere('hard_deletion_by_default');
SELECT * FROM regress_check.look_everywhere('visibility_by_default');
CALL regress_check.mend('hard_deletion_by_default');
CALL regress_check.mend('visibility_by_default');
RESET softdelete.deletion;
RESET softdelete.visibility;
SELECT count(*) FROM regress_check.look('hard_deletion_by_default');
SELECT count(*) FROM regress_check.look('visibility_by_default');
ALTER DATABASE :"database" SET softdelete.deletion = 'HARD';
SELECT * FROM regress_check.look_everywhere('hard_deletion_by_default');
SELECT remedy FROM softdelete.check() WHERE code = 'hard_deletion_by_default' \gset
:remedy;
SELECT * FROM regress_check.look_everywhere('hard_deletion_by_default');
ALTER ROLE ALL SET softdelete.visibility = 'all';
SELECT * FROM regress_check.look_everywhere('visibility_by_default'); -- the database's wins
ALTER DATABASE :"database" RESET softdelete.visibility;
SELECT * FROM regress_check.look_everywhere('visibility_by_default');
SELECT remedy FROM softdelete.check() WHERE code = 'visibility_by_default' \gset
:remedy;
SELECT * FROM regress_check.look_everywhere('visibility_by_default');

-- A log that grows.
ALTER DATABASE :"database" SET softdelete.log_retention = -1;
SELECT reltuples AS before FROM pg_class WHERE oid = 'softdelete_internal.deletion'::regclass \gset
UPDATE pg_class SET reltuples = 2000000 WHERE oid = 'softdelete_internal.deletion'::regclass;
SET softdelete.log_retention = '400d';
SELECT * FROM regress_check.look_everywhere('log_without_retention');
RESET softdelete.log_retention;
CALL regress_check.mend('log_without_retention');
SELECT count(*) FROM regress_check.look('log_without_retention');
UPDATE pg_class SET reltuples = :before WHERE oid = 'softdelete_internal.deletion'::regclass;
ALTER DATABASE :"database" RESET softdelete.log_retention;

-- The triggers of the extension's own tables.
CREATE VIEW regress_check.guards AS SELECT tgrelid::regclass AS own_table, pg_get_triggerdef(oid), tgenabled, obj_description(oid, 'pg_trigger') FROM pg_trigger
    WHERE tgfoid = 'softdelete_internal.on_own_table'::regproc;
CREATE TABLE regress_check.guards_before AS TABLE regress_check.guards;
BEGIN;
DROP TRIGGER softdelete_own_table ON softdelete_internal.hold;
CREATE TRIGGER softdelete_own_table BEFORE INSERT ON softdelete_internal.hold FOR EACH STATEMENT EXECUTE FUNCTION softdelete_internal.on_own_table();
DROP TRIGGER softdelete_own_table ON softdelete_internal.registration;
ALTER TABLE softdelete_internal.archive DISABLE TRIGGER softdelete_own_table;
ALTER TABLE softdelete_internal.anonymizer ENABLE TRIGGER softdelete_own_table;
SELECT * FROM regress_check.look('own_table_unguarded');
CALL regress_check.mend('own_table_unguarded');
SELECT count(*) FROM regress_check.look('own_table_unguarded');
TABLE regress_check.guards_before EXCEPT TABLE regress_check.guards;
COMMIT;
DROP VIEW regress_check.guards;
DROP TABLE regress_check.guards_before;

-- Event triggers, and what DDL without them leaves.
BEGIN;
ALTER EVENT TRIGGER softdelete_ddl_command_end ENABLE;
ALTER EVENT TRIGGER softdelete_sql_drop DISABLE;
SELECT * FROM regress_check.look('event_triggers_off');
ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE;
ALTER EVENT TRIGGER softdelete_ddl_command_end DISABLE;
DROP TRIGGER softdelete_update ON regress_check.people;
DROP VIEW regress_check.deleted_people;
ALTER TABLE regress_check.notes DISABLE TRIGGER softdelete_truncate;
DROP TRIGGER softdelete_marker ON regress_check.codes;
CALL regress_check.mend('event_triggers_off');
SELECT count(*) FROM regress_check.look('event_triggers_off');
COMMIT;
SET SESSION AUTHORIZATION regress_check;
SET search_path = regress_check;
SELECT * FROM look('registered_without_trigger');
CALL mend('registered_without_trigger');
SELECT count(*) FROM look('registered_without_trigger');
SELECT * FROM look('trigger_disabled');
CALL mend('trigger_disabled');
SELECT count(*) FROM look('trigger_disabled');
SELECT * FROM look('out_of_step');
CALL mend('out_of_step');
SELECT count(*) FROM look('out_of_step');
SET SESSION AUTHORIZATION :"superuser";
ALTER VIEW regress_check.active_papers OWNER TO regress_check_watcher;
SET SESSION AUTHORIZATION regress_check;
SELECT * FROM look('out_of_step');
CALL mend('out_of_step');
SELECT count(*) FROM look('out_of_step');

-- Nothing is left but what was not mended on purpose.
SELECT code, relation, object FROM softdelete.check() WHERE relation IS NOT NULL ORDER BY 1, 2, 3;

-- A monitor sees names and counts of all tables; anybody else those of his own.
SET SESSION AUTHORIZATION regress_check_watcher;
SELECT count(*) > 0 AS sees FROM softdelete.check();
SELECT count(*) > 0 AS sees FROM softdelete.stats;
SELECT relation::oid AS people FROM softdelete.tables WHERE active_view = 'active_people' \gset
SELECT count(*) AS sees FROM softdelete.check(:people::regclass);
SET SESSION AUTHORIZATION regress_check_other;
SELECT count(*) FROM softdelete.check() WHERE relation IS NOT NULL;
SELECT count(*) FROM softdelete.stats;
SELECT * FROM softdelete.check(:people::regclass); -- fails
SELECT * FROM softdelete.check(0); -- fails
SELECT * FROM softdelete.check('pg_class'); -- fails
SET SESSION AUTHORIZATION regress_check;
SELECT * FROM softdelete.check('active_people'); -- fails

SET SESSION AUTHORIZATION :"superuser";
SET client_min_messages = warning;
DROP SCHEMA regress_check CASCADE;
DROP ROLE regress_check, regress_check_other, regress_check_watcher;
