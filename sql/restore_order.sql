-- A restore runs a deletion backwards: what went last comes back first, and triggers see the mirror image of what they saw.
CREATE ROLE regress_order;
CREATE SCHEMA regress_order AUTHORIZATION regress_order;
SET SESSION AUTHORIZATION regress_order;
SET search_path = regress_order;
CREATE TABLE forum (id int PRIMARY KEY, topics int NOT NULL DEFAULT 0);
CREATE TABLE topic (id int PRIMARY KEY, forum int REFERENCES forum ON DELETE CASCADE, posts int NOT NULL DEFAULT 0);
CREATE TABLE post (id int PRIMARY KEY, topic int REFERENCES topic ON DELETE CASCADE, answers int REFERENCES post ON DELETE CASCADE,
    replies int NOT NULL DEFAULT 0);
SELECT count(*) > 0 AS registered FROM softdelete.register('forum', cascade => true);

-- The counters that applications keep: a live row counts with its parent.
CREATE FUNCTION count_topics() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'INSERT' OR (OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL) THEN
        UPDATE forum SET topics = topics + 1 WHERE id = NEW.forum;
    ELSIF OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN
        UPDATE forum SET topics = topics - 1 WHERE id = NEW.forum;
    END IF;
    RETURN NULL;
END
$$;
CREATE FUNCTION count_posts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'INSERT' OR (OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL) THEN
        UPDATE topic SET posts = posts + 1 WHERE id = NEW.topic;
        UPDATE post SET replies = replies + 1 WHERE id = NEW.answers;
    ELSIF OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN
        UPDATE topic SET posts = posts - 1 WHERE id = NEW.topic;
        UPDATE post SET replies = replies - 1 WHERE id = NEW.answers;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_topics AFTER INSERT OR UPDATE OF deleted_at ON topic FOR EACH ROW EXECUTE FUNCTION count_topics();
CREATE TRIGGER count_posts AFTER INSERT OR UPDATE OF deleted_at ON post FOR EACH ROW EXECUTE FUNCTION count_posts();
INSERT INTO forum VALUES (1), (2);
INSERT INTO topic SELECT g, 1 + g % 2 FROM generate_series(1, 6) g;
INSERT INTO post SELECT g, 1 + g % 6, CASE WHEN g > 12 THEN g - 12 END FROM generate_series(1, 48) g;
-- What the counters should be, and where they are not.
CREATE VIEW wrong AS
    SELECT 'forum' AS name, id, topics AS counted, (SELECT count(*) FROM topic WHERE forum = f.id) AS live FROM forum f
        WHERE topics <> (SELECT count(*) FROM topic WHERE forum = f.id)
    UNION ALL
    SELECT 'topic', id, posts, (SELECT count(*) FROM post WHERE topic = t.id) FROM topic t
        WHERE posts <> (SELECT count(*) FROM post WHERE topic = t.id)
    UNION ALL
    SELECT 'post', id, replies, (SELECT count(*) FROM post WHERE answers = p.id) FROM post p
        WHERE replies <> (SELECT count(*) FROM post WHERE answers = p.id);
CREATE FUNCTION last() RETURNS bigint LANGUAGE sql AS 'SELECT max(id) FROM softdelete.deletions';
\set QUIET off

-- One row, with its tree; and the same by undo.
DELETE FROM topic WHERE id = 1;
SELECT * FROM wrong;
SELECT softdelete.restore('topic', 1);
SELECT * FROM wrong;
DELETE FROM forum WHERE id = 1;
SELECT * FROM wrong;
SELECT softdelete.undo(last());
SELECT * FROM wrong;
DELETE FROM forum WHERE id = 2;
SELECT softdelete.restore('forum', 2);
SELECT * FROM wrong;

-- A tree within one table, and a part of it.
DELETE FROM post WHERE id = 1;
SELECT * FROM wrong;
SELECT softdelete.restore('post', 1);
SELECT * FROM wrong;
DELETE FROM post WHERE id IN (2, 14, 26);
SELECT softdelete.undo(last());
SELECT * FROM wrong;

-- An application that deletes the children first, by itself, in one transaction: then the parents come back first.
BEGIN;
DELETE FROM post WHERE topic = 3 AND answers IS NOT NULL;
DELETE FROM post WHERE topic = 3;
DELETE FROM topic WHERE id = 3;
COMMIT;
SELECT * FROM wrong;
SELECT softdelete.undo(last());
SELECT * FROM wrong;
BEGIN;
SAVEPOINT a;
DELETE FROM post WHERE topic = 4 AND id > 20;
RELEASE a;
SAVEPOINT b;
DELETE FROM topic WHERE id = 4;
RELEASE b;
DELETE FROM forum WHERE id = 1;
COMMIT;
SELECT * FROM wrong;
SELECT softdelete.restore('forum', 1);
SELECT * FROM wrong;
SELECT softdelete.undo(last());
SELECT * FROM wrong;

-- A part of a deletion now, the rest later.
BEGIN;
DELETE FROM topic WHERE id = 5;
DELETE FROM topic WHERE id = 6;
COMMIT;
SELECT softdelete.restore('topic', 5);
SELECT * FROM wrong;
SELECT softdelete.undo(last());
SELECT * FROM wrong;

-- In the same transaction, and row by row in a loop.
BEGIN;
DELETE FROM topic WHERE id = 1;
SELECT softdelete.undo(last());
DO $$
BEGIN
    FOR i IN 1..48 LOOP
        DELETE FROM post WHERE id = i;
    END LOOP;
    DELETE FROM topic;
END
$$;
SELECT softdelete.undo(last());
SELECT * FROM wrong;
COMMIT;

-- What each trigger sees, down and back: the same in the opposite order.
CREATE TABLE seen (number int GENERATED ALWAYS AS IDENTITY, back boolean, name text, rows int, forums int, topics int, posts int);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO seen (back, name, rows, forums, topics, posts)
    SELECT bool_and(n.deleted_at IS NULL), tg_table_name, count(*), (SELECT count(*) FROM forum), (SELECT count(*) FROM topic),
        (SELECT count(*) FROM post) FROM new_rows n WHERE softdelete.include_deleted(n.deleted_at) HAVING count(*) > 0;
    RETURN NULL;
END
$$;
DROP TRIGGER count_topics ON topic;
DROP TRIGGER count_posts ON post;
CREATE TRIGGER see AFTER UPDATE ON forum REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION see();
CREATE TRIGGER see AFTER UPDATE ON topic REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION see();
CREATE TRIGGER see AFTER UPDATE ON post REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION see();
DELETE FROM forum WHERE id = 1;
SELECT softdelete.undo(last());
SELECT name, rows, forums, topics, posts FROM seen WHERE NOT back ORDER BY number;
SELECT name, rows, forums, topics, posts FROM seen WHERE back ORDER BY number DESC;
TRUNCATE seen;
DELETE FROM forum WHERE id = 2;
SELECT softdelete.restore('forum', 2);
SELECT name, rows, forums, topics, posts FROM seen WHERE NOT back ORDER BY number;
SELECT name, rows, forums, topics, posts FROM seen WHERE back ORDER BY number DESC;
DROP TRIGGER see ON forum;
DROP TRIGGER see ON topic;
DROP TRIGGER see ON post;

-- A trigger that writes below a row that is still to come back.
CREATE TABLE event (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic int REFERENCES topic);
SELECT count(*) > 0 AS registered FROM softdelete.register('event');
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN
        INSERT INTO event (topic) VALUES (NEW.topic);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER note AFTER UPDATE ON post FOR EACH ROW EXECUTE FUNCTION note();
DELETE FROM topic WHERE id = 1;
SELECT softdelete.restore('topic', 1);
SELECT DISTINCT topic FROM event;
DELETE FROM event;
DELETE FROM topic WHERE id = 1;
SELECT softdelete.undo(last());
SELECT DISTINCT topic FROM event;
DROP TRIGGER note ON post;
-- Not below one that is not.
CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO event (topic) VALUES (2); RETURN NULL; END';
DELETE FROM topic WHERE id = 2;
DELETE FROM topic WHERE id = 3;
CREATE TRIGGER note AFTER UPDATE ON post FOR EACH ROW EXECUTE FUNCTION note();
SELECT softdelete.restore('topic', 3); -- fails
SELECT softdelete.undo(last()); -- fails
SELECT id FROM topic ORDER BY id;

-- A cycle.
CREATE TABLE hen (id int PRIMARY KEY, n int DEFAULT 0);
CREATE TABLE egg (id int PRIMARY KEY, hen int REFERENCES hen ON DELETE CASCADE, n int DEFAULT 0);
ALTER TABLE hen ADD egg int REFERENCES egg ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
SELECT count(*) > 0 AS registered FROM softdelete.register('hen', cascade => true);
CREATE FUNCTION count_eggs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE hen SET n = n + CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END WHERE id = NEW.hen;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_eggs AFTER UPDATE OF deleted_at ON egg FOR EACH ROW EXECUTE FUNCTION count_eggs();
INSERT INTO hen SELECT g FROM generate_series(1, 3) g;
INSERT INTO egg SELECT g, g FROM generate_series(1, 3) g;
UPDATE hen SET egg = 1 + id % 3;
DELETE FROM hen WHERE id = 1;
SELECT softdelete.undo(last());
SELECT id, n FROM hen ORDER BY id;
DELETE FROM egg WHERE id = 2;
SELECT softdelete.restore('egg', 2);
SELECT id, n FROM hen ORDER BY id;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_order CASCADE;
DROP ROLE regress_order;
