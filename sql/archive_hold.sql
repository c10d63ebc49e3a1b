-- A legal hold keeps archived rows as it keeps those that are marked: each that has the key, and what lies below them.
CREATE ROLE regress_archive_hold;
CREATE ROLE regress_archive_hold_other;
CREATE SCHEMA regress_archive_hold AUTHORIZATION regress_archive_hold;
GRANT SET ON PARAMETER softdelete.deletion TO regress_archive_hold;
SELECT setval('softdelete_internal.hold_id_seq', 3000) > 0 AS set;
SET SESSION AUTHORIZATION regress_archive_hold;
SET search_path = regress_archive_hold;
\set QUIET off
\set VERBOSITY default

CREATE TABLE files (id int PRIMARY KEY, name text);
SELECT count(*) > 0 AS registered FROM softdelete.register('files', strategy => 'archive', retention => '1 year');
INSERT INTO files SELECT g, 'f' || g FROM generate_series(1, 6) g;

-- A live row, one that was archived, one that was archived twice and is live again.
DELETE FROM files WHERE id = 2;
DELETE FROM files WHERE id = 3;
INSERT INTO files VALUES (3, 'f3 again');
DELETE FROM files WHERE id = 3;
INSERT INTO files VALUES (3, 'f3 once more');
SELECT softdelete.hold('files', 'case', 1) AS live \gset
SELECT softdelete.hold('files', 'case', '2') AS archived \gset
SELECT softdelete.hold('files', 'case', 3) AS several \gset
SELECT relation, key, reason, held_by FROM softdelete.holds ORDER BY id;
SELECT softdelete.hold('files', 'case', 99); -- fails
SELECT softdelete.hold('files', '2', 2); -- fails
SELECT softdelete.hold('files_archive', 'case', 2); -- fails

-- Deletes and restores go on, and so do updates.
DELETE FROM files WHERE id = 1;
SELECT softdelete.restore('files', 1);
UPDATE files SET name = 'f1 edited' WHERE id = 1;
DELETE FROM files WHERE id IN (1, 4);

-- Nothing erases them: not one of several, nor the live one for the archived ones' sake.
SELECT softdelete.erase('files', 'request', 1); -- fails
SELECT softdelete.erase('files', 'request', 2); -- fails
SELECT softdelete.erase('files', 'request', 3); -- fails
SELECT softdelete.erase('files', 'request', 4) -> 'rows' AS rows;

-- Nor does a hard DELETE, in whatever form.
CREATE TABLE reasons (id int PRIMARY KEY);
INSERT INTO reasons VALUES (3);
SET softdelete.deletion = hard;
DELETE FROM files WHERE id = 3; -- fails
DELETE FROM files; -- fails
WITH gone AS (DELETE FROM files WHERE id = 3 RETURNING id) SELECT count(*) FROM gone; -- fails
MERGE INTO files f USING reasons r ON r.id = f.id WHEN MATCHED THEN DELETE; -- fails
DELETE FROM active_files WHERE id = 3; -- fails
TRUNCATE files; -- fails
DO $$BEGIN INSERT INTO files VALUES (7, 'f7'); PERFORM softdelete.hold('files', 'case', 7); DELETE FROM files WHERE id = 7; END$$; -- fails
DELETE FROM files WHERE id = 5;
RESET softdelete.deletion;
SELECT id, name FROM all_files ORDER BY id, name;

-- Nor the end of the registration, nor DDL, with event triggers' refusals or past them.
SELECT count(*) FROM softdelete.unregister('files', 'purge'); -- fails
SELECT count(*) FROM softdelete.unregister('files', 'keep'); -- fails
DROP TABLE files; -- fails
DROP TABLE files CASCADE; -- fails
DROP TABLE files_archive; -- fails
TRUNCATE files_archive; -- fails
DELETE FROM files_archive; -- fails
DROP SCHEMA regress_archive_hold CASCADE; -- fails
ALTER TABLE files DISABLE TRIGGER USER; -- fails
ALTER TABLE files SET UNLOGGED; -- fails
ALTER TABLE files DROP CONSTRAINT files_pkey; -- fails
ALTER TABLE files ALTER id TYPE text USING 'x' || id; -- fails
RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.try_all(commands text[]) RETURNS TABLE (command text, refused text) LANGUAGE plpgsql AS $$
BEGIN
    FOREACH command IN ARRAY commands LOOP
        refused := 'no';
        BEGIN
            EXECUTE command;
            RAISE 'undo' USING ERRCODE = 'ZZ000';
        EXCEPTION WHEN SQLSTATE 'ZZ000' THEN NULL; WHEN OTHERS THEN refused := sqlstate || ' ' || regexp_replace(sqlerrm, '_p?\d+"', '_part"');
        END;
        RETURN NEXT;
    END LOOP;
END$$;
SELECT c.oid::regclass AS part FROM pg_class c JOIN pg_inherits ON inhrelid = c.oid
WHERE inhparent = 'regress_archive_hold.files_archive'::regclass AND EXISTS (SELECT FROM regress_archive_hold.files_archive a WHERE a.tableoid = c.oid) \gset
\set QUIET on
SET row_security = off;
SELECT replace(command, :'part', 'PART') AS command, replace(refused, split_part(:'part', '.', 2), 'PART') AS refused FROM pg_temp.try_all(ARRAY['DROP TABLE regress_archive_hold.files', 'DROP TABLE regress_archive_hold.files_archive CASCADE',
    'DROP TABLE ' || :'part', 'TRUNCATE ' || :'part', 'ALTER TABLE regress_archive_hold.files_archive DETACH PARTITION ' || :'part',
    'ALTER TABLE regress_archive_hold.files DISABLE TRIGGER ALL', 'ALTER TABLE ' || :'part' || ' DISABLE TRIGGER ALL', 'ALTER TABLE regress_archive_hold.files SET UNLOGGED',
    'DROP OWNED BY regress_archive_hold CASCADE']);
RESET row_security;
\set QUIET off
SET SESSION AUTHORIZATION regress_archive_hold;
ALTER TABLE files ALTER id TYPE bigint;
ALTER TABLE files RENAME TO papers;
ALTER TABLE papers RENAME id TO number;
SELECT softdelete.erase('papers', 'request', 2); -- fails
ALTER TABLE papers RENAME number TO id;
ALTER TABLE papers RENAME TO files;

-- The purge leaves them, where the whole partition has expired and where a part of it has; it says so before and after.
RESET SESSION AUTHORIZATION;
SET row_security = off;
SET session_replication_role = replica;
SET TimeZone = 'UTC';
CREATE TABLE regress_archive_hold.files_old PARTITION OF regress_archive_hold.files_archive FOR VALUES FROM ('2001-01-01') TO ('2001-02-01');
CREATE TABLE regress_archive_hold.files_older PARTITION OF regress_archive_hold.files_archive FOR VALUES FROM ('2000-01-01') TO ('2000-02-01');
ALTER TABLE regress_archive_hold.files_old OWNER TO regress_archive_hold;
ALTER TABLE regress_archive_hold.files_older OWNER TO regress_archive_hold;
INSERT INTO regress_archive_hold.files_archive (id, name, deleted_at, deletion_id) SELECT i % 50, 'old ' || i, timestamptz '2001-01-01' + i * interval '1 hour', 1 FROM generate_series(1, 100) i;
INSERT INTO regress_archive_hold.files_archive (id, name, deleted_at, deletion_id) SELECT i, 'older ' || i || CASE WHEN i = 2 THEN (SELECT string_agg(sha512(n::text::bytea)::text, '') FROM generate_series(1, 1000) n) ELSE '' END, timestamptz '2000-01-01' + i * interval '1 hour', 1 FROM generate_series(1, 50) i;
RESET TimeZone;
RESET session_replication_role;
RESET row_security;
SELECT now() - timestamptz '2001-01-03 12:30+00' AS retention \gset
SET SESSION AUTHORIZATION regress_archive_hold;
SELECT count(*) FROM softdelete.configure('files', retention => :'retention');
CREATE TABLE before AS SELECT * FROM files_archive WHERE id IN (1, 2, 3);
SELECT relation, due, held, blocked FROM softdelete.purge_preview('files');
CALL softdelete.purge('files', batch_size => 10);
SELECT a.tableoid::regclass::text ~ 'older' AS older, count(*), count(*) FILTER (WHERE id IN (1, 2, 3)) AS held FROM files_archive a WHERE tableoid::regclass::text ~ 'old' GROUP BY 1 ORDER BY 1;
SELECT count(*) AS lost FROM (TABLE before EXCEPT ALL TABLE files_archive) l;
SELECT relation, state, due, removed, held FROM softdelete.purge_log WHERE relation = 'files'::regclass ORDER BY id;
-- a second run finds nothing to do
CALL softdelete.purge('files');
SELECT count(*) AS lost FROM (TABLE before EXCEPT ALL TABLE files_archive) l;
SELECT state, due, removed, held FROM softdelete.purge_log WHERE relation = 'files'::regclass ORDER BY id;
-- with the last hold the partition goes
SELECT softdelete.release(:several);
SELECT softdelete.release(:archived);
CALL softdelete.purge('files');
SELECT count(*) FROM files_archive WHERE tableoid::regclass::text ~ 'older';
SELECT softdelete.release(:live);
CALL softdelete.purge('files');
SELECT to_regclass('files_older') AS gone, (SELECT min(deleted_at) FROM files_old) > now() - :'retention'::interval AS kept;
SELECT state, due, removed, held FROM softdelete.purge_log WHERE relation = 'files'::regclass ORDER BY id;

-- Where subscribers would be sent the TRUNCATE, the others are deleted instead.
RESET SESSION AUTHORIZATION;
SET row_security = off;
SET session_replication_role = replica;
SET client_min_messages = error;
CREATE TABLE regress_archive_hold.files_oldest PARTITION OF regress_archive_hold.files_archive FOR VALUES FROM ('1999-01-01') TO ('1999-02-01');
ALTER TABLE regress_archive_hold.files_oldest OWNER TO regress_archive_hold;
ALTER TABLE regress_archive_hold.files_oldest REPLICA IDENTITY FULL;
INSERT INTO regress_archive_hold.files_archive (id, name, deleted_at, deletion_id) SELECT i, 'oldest', '1999-01-05', 1 FROM generate_series(1, 30) i;
CREATE PUBLICATION regress_archive_hold FOR TABLE regress_archive_hold.files_oldest;
RESET client_min_messages;
RESET session_replication_role;
RESET row_security;
SET SESSION AUTHORIZATION regress_archive_hold;
SELECT softdelete.hold('files', 'case', 7) AS seven \gset
SELECT pg_relation_filenode('files_oldest') AS file \gset
CALL softdelete.purge('files', batch_size => 10);
SELECT array_agg(id) AS ids, pg_relation_filenode('files_oldest') = :file AS same FROM files_oldest;
SELECT softdelete.release(:seven);
CALL softdelete.purge('files', batch_size => 10);
SELECT to_regclass('files_oldest') AS gone;
RESET SESSION AUTHORIZATION;
DROP PUBLICATION regress_archive_hold;
SET SESSION AUTHORIZATION regress_archive_hold;

-- An erasure forgets key and reason of released holds.
SELECT softdelete.erase('files', 'request', 2) -> 'rows' AS rows;
SELECT key, reason FROM softdelete.holds ORDER BY id;

-- Holds go down from what is marked, live or archived, and up to what must stay for a held row's sake.
CREATE TABLE clients (id int PRIMARY KEY, name text);
CREATE TABLE cases (id int PRIMARY KEY, client int REFERENCES clients ON DELETE CASCADE);
CREATE TABLE notes (id int PRIMARY KEY, "case" int REFERENCES cases ON DELETE CASCADE);
CREATE INDEX ON cases (client);
CREATE INDEX ON notes ("case");
SELECT count(*) > 0 AS registered FROM softdelete.register('cases', strategy => 'archive', cascade => true, retention => '1 day');
SELECT count(*) > 0 AS registered FROM softdelete.register('clients', retention => '1 day');
INSERT INTO clients SELECT g, 'c' || g FROM generate_series(1, 6) g;
INSERT INTO cases SELECT g, g FROM generate_series(1, 6) g;
INSERT INTO notes SELECT g, g FROM generate_series(1, 6) g;
SELECT softdelete.hold('clients', 'case', 1) AS client \gset
DELETE FROM notes WHERE id = 1;
SELECT softdelete.erase('notes', 'request', 1); -- fails: below a live case of a held client
DELETE FROM cases WHERE id = 1;
SELECT softdelete.erase('notes', 'request', 1); -- fails: below an archived one
SELECT softdelete.erase('cases', 'request', 1); -- fails
DELETE FROM clients WHERE id = 1;
SELECT softdelete.erase('notes', 'request', 1); -- fails
SELECT softdelete.erase('cases', 'request', 1); -- fails
SELECT softdelete.erase('clients', 'request', 1); -- fails
-- a held archived row keeps those above it
SELECT softdelete.hold('notes', 'case', 2) AS note \gset
DELETE FROM clients WHERE id = 2;
SELECT softdelete.erase('clients', 'request', 2); -- fails
SELECT softdelete.erase('cases', 'request', 2); -- fails
SET softdelete.deletion = hard;
DELETE FROM all_clients WHERE id = 2; -- fails
DELETE FROM all_clients WHERE id = 6;
RESET softdelete.deletion;
SELECT count(*) FROM softdelete.unregister('notes', 'keep'); -- fails
SELECT count(*) FROM softdelete.unregister('cases', 'keep'); -- fails
-- a key that carries holds down stays as it is
ALTER TABLE cases DROP CONSTRAINT cases_client_fkey; -- fails
ALTER TABLE cases ALTER client TYPE text USING 'x'; -- fails
ALTER TABLE notes DROP COLUMN "case"; -- fails
-- the purge: marked rows, and what is archived below them
DELETE FROM clients WHERE id IN (3, 4);
UPDATE clients SET deleted_at = now() - interval '10 days' WHERE deleted_at IS NOT NULL;
SELECT relation, due, held, blocked FROM softdelete.purge_preview('clients');
CALL softdelete.purge('clients');
SELECT array_agg(id ORDER BY id) AS clients FROM all_clients;
SELECT count(*) FROM softdelete.configure('cases', retention => '1 microsecond');
SELECT count(*) FROM softdelete.configure('notes', retention => '1 microsecond');
SELECT relation, due, held, blocked FROM softdelete.purge_preview() WHERE relation IN ('cases'::regclass, 'notes'::regclass) ORDER BY 1;
CALL softdelete.purge('cases', batch_size => 1);
CALL softdelete.purge('notes');
SELECT array_agg(id ORDER BY id) AS cases FROM deleted_cases;
SELECT array_agg(id ORDER BY id) AS notes FROM deleted_notes;
SELECT softdelete.restore('clients', 1), softdelete.restore('clients', 2);
SELECT array_agg(id ORDER BY id) AS notes FROM notes;
SELECT softdelete.release(:client), softdelete.release(:note);
SELECT count(*) > 0 AS done FROM softdelete.unregister('notes', 'purge');

-- A history's entries of an archived row on hold stay as well.
CREATE TABLE tracked (id int PRIMARY KEY, v text);
SELECT count(*) > 0 AS registered FROM softdelete.register('tracked', strategy => 'archive', retention => '1 year');
SELECT count(*) AS tracked FROM softdelete.track_history('tracked');
INSERT INTO tracked VALUES (1, 'a'), (2, 'b');
DELETE FROM tracked;
SELECT softdelete.hold('tracked', 'case', 1) AS held \gset
SELECT softdelete.untrack_history('tracked'); -- fails
DROP TABLE tracked; -- fails
SELECT softdelete.release(:held);

-- Keys of several columns and of texts; a self reference in an archive.
CREATE TABLE "Q'x" ("Day" date, n numeric, s text COLLATE "C", up_day date, up_n numeric, up_s text, PRIMARY KEY ("Day", n, s),
    FOREIGN KEY (up_day, up_n, up_s) REFERENCES "Q'x" ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('"Q''x"', strategy => 'archive');
INSERT INTO "Q'x" VALUES ('2026-02-03', 1.50, 'a', NULL, NULL, NULL), ('2026-02-04', 1, 'b', '2026-02-03', 1.5, 'a'), ('2026-02-05', 1, 'c', '2026-02-04', 1, 'b');
SET DateStyle = 'German';
SELECT softdelete.hold('"Q''x"', 'case', '03.02.2026', 1.5, 'a') AS odd \gset
RESET DateStyle;
DELETE FROM "Q'x" WHERE s = 'c';
DELETE FROM "Q'x";
SELECT softdelete.erase('"Q''x"', 'request', '2026-02-05', 1, 'c'); -- fails
SELECT softdelete.erase('"Q''x"', 'request', '2026-02-03', 1.500, 'a'); -- fails
SELECT softdelete.release(:odd);
SELECT softdelete.erase('"Q''x"', 'request', '2026-02-03', 1.500, 'a') -> 'rows' AS rows;

-- Holding and releasing is for the owner; who may read the table sees its holds.
INSERT INTO files VALUES (20, 'f20');
DELETE FROM files WHERE id = 20;
SELECT softdelete.hold('files', 'case', 20) AS mine \gset
GRANT USAGE ON SCHEMA regress_archive_hold TO regress_archive_hold_other;
SET SESSION AUTHORIZATION regress_archive_hold_other;
SELECT softdelete.hold('files', 'case', 20); -- fails
SELECT softdelete.release(:mine); -- fails
SELECT count(*) FROM softdelete.holds;
SET SESSION AUTHORIZATION regress_archive_hold;
GRANT SELECT ON files TO regress_archive_hold_other;
SET SESSION AUTHORIZATION regress_archive_hold_other;
SELECT count(*) > 0 AS seen FROM softdelete.holds;
SET SESSION AUTHORIZATION regress_archive_hold;
SELECT softdelete.release(:mine);

-- Partitions of the extension's own making have its triggers: the purge leaves a row that is on hold, and those below one, of
-- rows that were moved to an archive as well.
CREATE TABLE firms (id int PRIMARY KEY);
CREATE TABLE letters (id int PRIMARY KEY, firm int REFERENCES firms ON DELETE CASCADE, deleted_at timestamptz);
CREATE INDEX ON letters (firm);
SELECT count(*) > 0 AS registered FROM softdelete.register('firms');
SELECT count(*) > 0 AS registered FROM softdelete.register('letters', retention => '30 days', strategy => 'flag');
INSERT INTO firms VALUES (1), (2);
INSERT INTO letters SELECT g, CASE WHEN g < 5 THEN 1 ELSE 2 END, now() - interval '100 days' FROM generate_series(1, 8) g;
SELECT count(*) > 0 AS configured FROM softdelete.configure('letters', strategy => 'archive');
SELECT softdelete.hold('letters', 'case', 5) AS letter \gset
SELECT softdelete.hold('firms', 'case', 1) AS firm \gset
SELECT due, held, blocked FROM softdelete.purge_preview('letters');
CALL softdelete.purge('letters');
SELECT array_agg(id ORDER BY id) AS kept FROM letters_archive;
CALL softdelete.purge('letters');
SELECT state, due, removed, held, error FROM softdelete.purge_log WHERE relation = 'letters'::regclass ORDER BY id;
SELECT softdelete.release(:firm);
CALL softdelete.purge('letters');
SELECT array_agg(id ORDER BY id) AS kept FROM letters_archive;
SELECT softdelete.release(:letter);
CALL softdelete.purge('letters');
SELECT state, due, removed, held, error FROM softdelete.purge_log WHERE relation = 'letters'::regclass ORDER BY id;
-- to anybody else's TRUNCATE they are as closed as ever
INSERT INTO letters VALUES (9, 2);
DELETE FROM letters WHERE id = 9;
SELECT softdelete.hold('letters', 'case', 9) AS letter \gset
SELECT format('TRUNCATE %s', tableoid::regclass) AS truncate FROM letters_archive \gset
\set VERBOSITY sqlstate
:truncate; -- fails
\set VERBOSITY default
SELECT softdelete.release(:letter);

\set QUIET on
\set VERBOSITY terse
SET client_min_messages = error;
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_archive_hold CASCADE;
DELETE FROM softdelete_internal.hold;
DROP OWNED BY regress_archive_hold, regress_archive_hold_other;
DROP ROLE regress_archive_hold, regress_archive_hold_other;
