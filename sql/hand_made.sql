-- What soft delete by hand leaves in a table, and register() would not take over, is named with the rows at risk and with the
-- statement that mends it.
\set QUIET on
CREATE ROLE regress_hand_made;
CREATE SCHEMA regress_hand_made AUTHORIZATION regress_hand_made;
SET SESSION AUTHORIZATION regress_hand_made;
SET search_path = regress_hand_made;
SET client_min_messages = error;
\pset format unaligned
CREATE FUNCTION warnings(relation regclass, deleted_at text DEFAULT 'deleted_at', cascade boolean DEFAULT false)
    RETURNS TABLE (object text, command text) LANGUAGE sql AS $$
    SELECT object, regexp_replace(command, '\n(-- | )? *', ' ', 'g')
    FROM softdelete.plan(relation, deleted_at => deleted_at, retention => '30 days', visibility => 'view', cascade => cascade)
    WHERE action = 'warning' AND object !~ 'constraint|CONSTRAINT' ORDER BY step $$;
\set QUIET off

-- A time of deletion under another name; not other times, nor a column without a value.
CREATE TABLE staff (id int PRIMARY KEY, removed_at timestamp, hired_at timestamptz, "deletedOn" date, archived_at timestamptz,
    updated_at timestamptz, deletion_notice text, deleted_until timestamptz);
INSERT INTO staff VALUES (1, now(), now(), now(), NULL, now(), 'x', now()), (2, now(), now(), NULL, NULL, now(), 'x', now()),
    (3, NULL, now(), NULL, NULL, now(), 'x', now());
SELECT * FROM warnings('staff');
SELECT * FROM warnings('staff', 'removed_at');

-- It takes the advice: the rows stay deleted, and nothing is left to say.
ALTER TABLE staff DROP COLUMN "deletedOn";
\o /dev/null
SELECT command FROM softdelete.plan('staff', retention => '30 days') WHERE action = 'warning' \gexec
\o
SELECT id FROM staff;
SELECT count(*) FROM deleted_staff;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('staff', deleted_rows => 'keep');
CREATE TABLE bills (id int PRIMARY KEY, "deletedOn" date);
INSERT INTO bills VALUES (1, now()), (2, NULL);
SELECT * FROM warnings('bills');
\o /dev/null
SELECT command FROM softdelete.plan('bills', retention => '30 days') WHERE action = 'warning' \gexec
\o
SELECT id FROM bills;

-- Where deleted_at is there as well, only rows count that it does not tell of.
CREATE TABLE both_columns (id int PRIMARY KEY, deleted_at timestamptz, date_deleted timestamptz);
INSERT INTO both_columns VALUES (1, now(), now()), (2, NULL, NULL);
SELECT * FROM warnings('both_columns');
INSERT INTO both_columns VALUES (3, NULL, now());
SELECT object FROM warnings('both_columns');

-- A child that comes along by cascade under the name of its parent's column.
CREATE TABLE parent (id int PRIMARY KEY, gone timestamptz);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE, deleted_at timestamptz);
INSERT INTO parent VALUES (1, NULL);
INSERT INTO child VALUES (1, 1, now()), (2, 1, NULL);
SELECT * FROM warnings('parent', 'gone', true);

-- A column that says who deleted a row, under another name; not one that cannot, and not where the caller has named his.
CREATE TABLE visits (id int PRIMARY KEY, removed_at timestamptz, removed_by text, "archivedById" uuid, deleted_by_mistake text,
    trashed_by text NOT NULL DEFAULT 'nobody', created_by text);
SELECT * FROM warnings('visits', 'removed_at');
SELECT object FROM softdelete.plan('visits', deleted_at => 'removed_at', deleted_by => 'removed_by') WHERE object LIKE '%_by%';
SELECT object FROM softdelete.plan('visits', deleted_at => 'removed_at', deleted_by => NULL) WHERE object LIKE '%_by%';

-- A trigger that soft-deletes by hand would keep rows from being purged; one that refuses or notes is another matter.
CREATE TABLE posts (id int PRIMARY KEY, deleted_at timestamptz);
CREATE FUNCTION soft() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE posts SET deleted_at = now() WHERE id = OLD.id;
    RETURN NULL;
END $$;
CREATE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE parent SET gone = NULL WHERE id = OLD.id;
    RETURN OLD;
END $$;
CREATE TRIGGER soft BEFORE DELETE ON posts FOR EACH ROW EXECUTE FUNCTION soft();
CREATE TRIGGER counts BEFORE DELETE ON posts FOR EACH ROW EXECUTE FUNCTION counts();
SELECT object, substr(command, 1, 120) AS command FROM warnings('posts');
SELECT command FROM softdelete.plan('posts') WHERE object = 'trigger soft' \gexec
SELECT object FROM warnings('posts');
SELECT count(*) > 0 AS registered FROM softdelete.register('posts');
RESET client_min_messages;
CREATE TRIGGER soft BEFORE DELETE ON posts FOR EACH ROW EXECUTE FUNCTION soft();

-- A deletion at infinity is a deletion. That of "never" is due for no purge, that of "ever" for the next.
SET client_min_messages = error;
CREATE TABLE ended (id int PRIMARY KEY, deleted_at timestamp);
INSERT INTO ended VALUES (1, 'infinity'), (2, '-infinity'), (3, now() - interval '2 days'), (4, NULL), (5, 'infinity');
SELECT action, object, command FROM softdelete.register('ended', retention => '30 days') WHERE action = 'warning';
SELECT id FROM ended;
SELECT due FROM softdelete.purge_preview('ended');
SELECT severity, object, message, remedy FROM softdelete.check('ended') WHERE code = 'endless_times' ORDER BY remedy COLLATE "C";
SELECT remedy FROM softdelete.check('ended') WHERE code = 'endless_times' ORDER BY remedy COLLATE "C" \gexec
SELECT count(*) FROM softdelete.check('ended') WHERE code = 'endless_times';
SELECT id FROM ended;
SELECT due FROM softdelete.purge_preview('ended');

\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = error;
DROP SCHEMA regress_hand_made CASCADE;
DROP ROLE regress_hand_made;
