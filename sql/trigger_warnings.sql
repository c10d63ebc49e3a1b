-- register() says what to write instead of triggers for DELETE, and which triggers for UPDATE may stand in the way.
CREATE ROLE regress_trigger_warnings;
CREATE SCHEMA regress_trigger_warnings AUTHORIZATION regress_trigger_warnings;
SET SESSION AUTHORIZATION regress_trigger_warnings;
SET search_path = regress_trigger_warnings;
CREATE TABLE topic (id int PRIMARY KEY, posts int NOT NULL DEFAULT 0);
CREATE TABLE post (id int PRIMARY KEY, topic int REFERENCES topic ON DELETE CASCADE, title text, touched timestamptz, size int DEFAULT 1);
CREATE TABLE bare (id int PRIMARY KEY);
CREATE FUNCTION count_new() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN UPDATE topic SET posts = posts + 1 WHERE id = NEW.topic; RETURN NULL; END';
CREATE FUNCTION count_old() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN UPDATE topic SET posts = posts - 1 WHERE id = OLD.topic; RETURN NULL; END';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.touched := now(); RETURN NEW; END';
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''rows of % must not be changed'', tg_table_name; END';
CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER counts AFTER INSERT ON post FOR EACH ROW EXECUTE FUNCTION count_new();
CREATE TRIGGER "counts down" AFTER DELETE ON post FOR EACH ROW WHEN (OLD.size > 0) EXECUTE FUNCTION count_old();
CREATE TRIGGER all_events AFTER INSERT OR UPDATE OR DELETE ON post FOR EACH ROW EXECUTE FUNCTION pass();
CREATE TRIGGER twice AFTER UPDATE OR DELETE ON post FOR EACH ROW EXECUTE FUNCTION pass();
CREATE TRIGGER statements AFTER DELETE ON post FOR EACH STATEMENT EXECUTE FUNCTION pass();
CREATE TRIGGER touch BEFORE UPDATE ON post FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER touch_long BEFORE UPDATE ON post FOR EACH ROW WHEN (OLD.title <> NEW.title) EXECUTE FUNCTION touch();
CREATE TRIGGER touch_title BEFORE UPDATE OF title ON post FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER before_all BEFORE UPDATE ON post FOR EACH STATEMENT EXECUTE FUNCTION pass();
CREATE TRIGGER afterwards AFTER UPDATE ON post FOR EACH ROW EXECUTE FUNCTION pass();
CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON post DEFERRABLE FOR EACH ROW EXECUTE FUNCTION pass();
CREATE TRIGGER gone AFTER DELETE ON bare FOR EACH ROW EXECUTE FUNCTION pass();
CREATE TRIGGER refuse BEFORE UPDATE ON bare FOR EACH ROW EXECUTE FUNCTION refuse();
\set QUIET off

SET client_min_messages = error;
SELECT object, command FROM softdelete.plan('post') WHERE action = 'warning' AND object LIKE 'trigger%' ORDER BY object, command;
SELECT object, command FROM softdelete.plan('bare') WHERE action = 'warning' AND object LIKE 'trigger%' ORDER BY object, command;

-- What it proposes for the counter counts right: down, back, and not at the purge.
CREATE TABLE proposals AS SELECT object, substr(command, position(E'\n' IN command) + 1) AS command
    FROM (VALUES ('post'), ('bare')) t (name), softdelete.plan(name::regclass) WHERE action = 'warning' AND object LIKE 'trigger%';
DROP TRIGGER all_events ON post;
DROP TRIGGER twice ON post;
DROP TRIGGER statements ON post;
DROP TRIGGER touch ON post;
DROP TRIGGER touch_long ON post;
SELECT count(*) > 0 AS registered FROM softdelete.register('topic', cascade => true);
SELECT command AS proposal FROM proposals WHERE object = 'trigger "counts down"' \gset
:proposal;
RESET client_min_messages;
INSERT INTO topic VALUES (1), (2);
INSERT INTO post (id, topic) VALUES (1, 1), (2, 1), (3, 1), (4, 2);
DELETE FROM post WHERE id = 1;
SELECT posts FROM topic WHERE id = 1;
DELETE FROM topic WHERE id = 1;
SELECT softdelete.restore('topic', 1);
SELECT posts FROM topic WHERE id = 1;
SELECT softdelete.restore('post', 1);
SELECT posts FROM topic WHERE id = 1;
DELETE FROM post WHERE id = 2;
DELETE FROM post WHERE deleted_at IS NOT NULL;
SELECT posts FROM topic WHERE id = 1;

-- CREATE TRIGGER says the same of one for DELETE.
CREATE TRIGGER later AFTER DELETE ON post FOR EACH ROW EXECUTE FUNCTION pass();
CREATE TRIGGER later_both AFTER UPDATE OR DELETE ON post FOR EACH ROW EXECUTE FUNCTION pass();

-- Rows that a trigger keeps from being changed cannot be deleted; the trigger as proposed lets them go.
SELECT count(*) > 0 AS registered FROM softdelete.register('bare');
INSERT INTO bare VALUES (1);
DELETE FROM bare; -- fails
SET client_min_messages = error;
SELECT command AS proposal FROM proposals WHERE object = 'trigger refuse' \gset
:proposal;
RESET client_min_messages;
DELETE FROM bare;
UPDATE all_bare SET id = 2; -- fails

-- No trigger for UPDATE OF a column can have a transition table: nothing is proposed that would not run.
CREATE TABLE lists (id int PRIMARY KEY, v int);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE NOTICE 'gone: %', (SELECT string_agg(id::text, ',' ORDER BY id) FROM old_rows); RETURN NULL; END $$;
CREATE TRIGGER tell AFTER DELETE ON lists REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tell();
CREATE TRIGGER tell_rows AFTER DELETE ON lists REFERENCING OLD TABLE AS old_rows FOR EACH ROW EXECUTE FUNCTION tell();
SELECT object, command FROM softdelete.plan('lists') WHERE action = 'warning' ORDER BY object;
DROP TRIGGER tell_rows ON lists;
SELECT count(*) > 0 AS registered FROM softdelete.register('lists');
CREATE TRIGGER tell_rows AFTER DELETE ON lists REFERENCING OLD TABLE AS old_rows FOR EACH ROW EXECUTE FUNCTION tell();
CREATE FUNCTION tell_deleted() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE NOTICE 'deleted: %', (SELECT string_agg(n.id::text, ',' ORDER BY n.id) FROM new_rows n JOIN old_rows o USING (id)
        WHERE o.deleted_at IS NULL AND n.deleted_at IS NOT NULL); RETURN NULL; END $$;
CREATE TRIGGER tell_deleted AFTER UPDATE ON lists REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tell_deleted();
INSERT INTO lists VALUES (1, 1), (2, 2), (3, 3);
DELETE FROM lists WHERE id < 3;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_trigger_warnings CASCADE;
DROP ROLE regress_trigger_warnings;
