-- Anonymization overwrites columns by rules that are kept per table.
CREATE ROLE regress_anonymize;
CREATE ROLE regress_anonymize_other;
CREATE SCHEMA regress_anonymize AUTHORIZATION regress_anonymize;
SELECT setval('softdelete_internal.hold_id_seq', 300);
SET SESSION AUTHORIZATION regress_anonymize;
SET search_path = regress_anonymize;
\set QUIET off
\pset null '(null)'

CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL UNIQUE, name varchar(12) NOT NULL, phone text, born date,
    "Odd ""name" text, manager int REFERENCES users, upper_name text GENERATED ALWAYS AS (upper(name)) STORED);
CREATE TABLE posts (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE CASCADE, title text, author text);
CREATE TABLE files (id int PRIMARY KEY, post int REFERENCES posts ON DELETE CASCADE, path text);
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
SELECT count(*) > 0 AS registered FROM softdelete.register('posts');
SELECT count(*) > 0 AS registered FROM softdelete.register('files');
INSERT INTO users SELECT g, 'u' || g || '@x', 'name ' || g, '555-' || g, '2000-01-01', 'odd', 1 FROM generate_series(1, 5) g;
INSERT INTO posts SELECT g, 1 + g % 5, 't' || g, 'name' FROM generate_series(1, 10) g;
INSERT INTO files SELECT g, g, '/' || g FROM generate_series(1, 10) g;

-- Nothing without rules.
SELECT softdelete.anonymize('users', 'request', 2); -- fails

-- Rules are expressions over the row.
SELECT softdelete.set_anonymizer('users', 'email', $$'deleted_' || id || '@removed.invalid'$$);
SELECT softdelete.set_anonymizer('users', 'name', $$'Deleted User'$$);
SELECT softdelete.set_anonymizer('users', 'phone', 'NULL');
SELECT softdelete.set_anonymizer('users', 'born', $$date_trunc('year', born)::date$$);
SELECT softdelete.set_anonymizer('users', 'Odd "name', 'left("Odd ""name", 1) -- a comment');
SELECT softdelete.set_anonymizer('posts', 'author', 'gen_random_uuid()');
SELECT relation, column_name, expression FROM softdelete.anonymizers ORDER BY relation::text, column_name;

-- What cannot be a rule.
SELECT softdelete.set_anonymizer('users', 'name', 'NULL'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', '(SELECT name FROM users LIMIT 1)'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', 'max(name)'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', 'row_number() OVER ()'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', 'unnest(ARRAY[name])'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', 'name) FROM users; DROP TABLE posts; --'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', 'name) AS x, (name'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', ''); -- fails
SELECT softdelete.set_anonymizer('users', 'name', $$'deleted', left(name, 1)$$); -- fails: a list, no row
SELECT softdelete.set_anonymizer('users', 'name', $$'a', 'b', 'c' -- ends$$); -- fails
SELECT softdelete.set_anonymizer('users', 'name', 'name) || (name'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', 'name AS x'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', 'name x'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', '*'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', 'DISTINCT name'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', 'SELECT name'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', 'VALUES (1)'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', 'name;'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', ';'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', '-- nothing'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', '/* nothing */'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', 'name /*'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', $$'open$$); -- fails
SELECT softdelete.set_anonymizer('users', 'name', '() '); -- fails
SELECT softdelete.set_anonymizer('users', 'name', 'nope'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', 'users::text'); -- fails
SELECT softdelete.set_anonymizer('users', 'born', '17'); -- fails
SELECT softdelete.set_anonymizer('users', 'name', $$nextval('s')::text$$); -- fails
SELECT softdelete.set_anonymizer('users', 'name', $$set_config('role', 'x', false)$$); -- fails
SELECT softdelete.set_anonymizer('users', 'id', '1'); -- fails
SELECT softdelete.set_anonymizer('users', 'manager', '1'); -- fails
SELECT softdelete.set_anonymizer('users', 'upper_name', '1'); -- fails
SELECT softdelete.set_anonymizer('users', 'deleted_at', 'NULL'); -- fails
SELECT softdelete.set_anonymizer('users', 'nope', 'NULL'); -- fails
SELECT softdelete.set_anonymizer('users', NULL, 'NULL'); -- fails
SELECT softdelete.set_anonymizer('all_users', 'name', 'NULL'); -- fails
BEGIN;
SELECT softdelete.set_anonymizer('users', 'email', $$'gone'$$);
ROLLBACK;

-- A live row, with the descendants whose tables have rules; it stays live, and so do they.
ANALYZE users;
SELECT softdelete.anonymize('users', 'request 7', 2) - 'id' - 'erased_at' - 'not_reached' AS entry;
SELECT id, email, name, phone, born, "Odd ""name", upper_name FROM users ORDER BY id;
SELECT count(*) AS posts, count(*) FILTER (WHERE author ~ '^[0-9a-f-]{36}$') AS anonymous FROM posts;
SELECT count(*) FROM pg_stats WHERE schemaname = 'regress_anonymize' AND tablename = 'users'
    AND (most_common_vals::text ~ 'u2@x|555-2' OR histogram_bounds::text ~ 'u2@x|555-2');

-- A deleted row stays deleted; nobody is named as the one who deleted it, in whatever went with it.
SET softdelete.actor = 'u3@x';
SET softdelete.reason = 'Carol asked us';
DELETE FROM users WHERE id = 3;
RESET softdelete.actor;
RESET softdelete.reason;
SELECT softdelete.anonymize('users', 'request 8', 3) -> 'rows' AS rows;
SELECT id, email, name, phone, deleted_by, deleted_at IS NOT NULL AS deleted FROM all_users WHERE id = 3;
SELECT count(*) FROM all_files WHERE deleted_by IS NOT NULL;
SELECT deleted_by, reason FROM softdelete.deletions;
-- It is found in the recycle bin, and what a restore brings back is anonymous.
SELECT softdelete.restore('users', 3);
SELECT email FROM users WHERE id = 3;

-- Not a row on hold, nor one below or above it.
SELECT softdelete.hold('users', 'case', 4) AS hold \gset
SELECT softdelete.anonymize('users', 'request', 4); -- fails
SELECT softdelete.anonymize('posts', 'request', 3); -- fails
SELECT softdelete.release(:hold);
SELECT softdelete.anonymize('posts', 'request', 3) -> 'rows' AS rows;

-- A trigger that keeps a row makes the whole fail.
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION keep();
SELECT softdelete.anonymize('users', 'request', 4); -- fails
SELECT email FROM users WHERE id = 4;
DROP TRIGGER keep ON posts;

-- The log.
SELECT action, table_name, reason, rows, key FROM softdelete.erasure_log ORDER BY id;

-- Arguments and privileges.
SELECT softdelete.anonymize('users', NULL, 4); -- fails
SELECT softdelete.anonymize('users', '4', 4); -- fails
SELECT softdelete.anonymize('users', 'request', 99); -- fails
GRANT USAGE ON SCHEMA regress_anonymize TO regress_anonymize_other;
GRANT ALL ON users TO regress_anonymize_other;
SET SESSION AUTHORIZATION regress_anonymize_other;
SELECT softdelete.anonymize('regress_anonymize.users', 'request', 4); -- fails
SELECT softdelete.set_anonymizer('regress_anonymize.users', 'phone', NULL); -- fails
SET SESSION AUTHORIZATION regress_anonymize;

-- Rules follow the table.
ALTER TABLE users RENAME id TO "User ID";
ALTER TABLE users RENAME email TO mail;
ALTER TABLE users DROP phone;
ALTER TABLE users RENAME TO folk;
SELECT column_name, expression FROM softdelete.anonymizers WHERE relation = 'folk'::regclass ORDER BY column_name;
ALTER TABLE folk ALTER born TYPE text; -- the rule gives a date, which can be assigned
ALTER TABLE folk ALTER born TYPE int USING 1; -- fails
SELECT softdelete.set_anonymizer('folk', 'mail', '"Odd ""name" || "User ID"');
ALTER TABLE folk DROP "Odd ""name"; -- fails
SELECT softdelete.set_anonymizer('folk', 'mail', $$'deleted_' || "User ID"$$);
ALTER TABLE folk DROP "Odd ""name";
SELECT softdelete.anonymize('folk', 'request', 4) -> 'rows' AS rows;
SELECT mail, name FROM folk WHERE "User ID" = 4;

-- What becomes of rows whose retention has passed: on_expiry.
SELECT object, action, command FROM softdelete.plan('files', on_expiry => 'shred'); -- fails
CREATE TABLE guests (id int PRIMARY KEY, name text);
SELECT object, action, command FROM softdelete.register('guests', retention => '30 days', on_expiry => 'anonymize')
    WHERE action = 'warning' OR object LIKE 'comment%deleted_at' AND command LIKE '%kept for%';
SELECT on_expiry FROM softdelete.tables WHERE relation = 'guests'::regclass;
SELECT softdelete.set_anonymizer('guests', 'name', $$'guest'$$);
SELECT softdelete.set_anonymizer('guests', 'name', NULL); -- fails
SELECT action, command FROM softdelete.configure('guests', on_expiry => 'purge');
SELECT softdelete.set_anonymizer('guests', 'name', NULL);
SELECT * FROM softdelete.configure('guests', on_expiry => 'anonymize'); -- fails
SELECT * FROM softdelete.configure('guests', on_expiry => 'shred'); -- fails

-- Partitions.
CREATE TABLE parts (id int, region text, name text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE parts_eu PARTITION OF parts FOR VALUES IN ('eu');
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
INSERT INTO parts VALUES (1, 'eu', 'a'), (2, 'eu', 'b');
SELECT softdelete.set_anonymizer('parts_eu', 'name', $$region || id$$);
SELECT softdelete.anonymize('parts', 'request', 'eu', 2) -> 'rows' AS rows;
SELECT * FROM parts ORDER BY id;

-- On expiry: purge() overwrites what is due, once; the rows stay, and with them what they reference.
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_anonymize;
CREATE TABLE firms (id int PRIMARY KEY);
CREATE TABLE staff (id int PRIMARY KEY, firm int REFERENCES firms ON DELETE CASCADE, name text UNIQUE);
SELECT count(*) > 0 AS registered FROM softdelete.register('firms', retention => '30 days');
SELECT count(*) > 0 AS registered FROM softdelete.register('staff', retention => '30 days');
SELECT softdelete.set_anonymizer('staff', 'name', $$'anonymous ' || id$$);
SELECT action FROM softdelete.configure('staff', on_expiry => 'anonymize');
INSERT INTO firms VALUES (1), (2), (3);
INSERT INTO staff VALUES (1, 1, 'Ada'), (2, 1, 'Bob'), (3, 2, 'Cyd'), (4, 1, 'Dan');
DELETE FROM firms WHERE id = 1;
DELETE FROM firms WHERE id = 3;
UPDATE all_firms SET deleted_at = now() - interval '40 days' WHERE deleted_at IS NOT NULL;
UPDATE all_staff SET deleted_at = now() - interval '40 days' WHERE deleted_at IS NOT NULL AND id <> 4;
SELECT softdelete.hold('staff', 'court', 2) IS NOT NULL AS held;
SELECT relation, due, held, blocked FROM softdelete.purge_preview();
CALL softdelete.purge();
SELECT relation, due, removed, anonymized, held, blocked FROM softdelete.purge_log ORDER BY id;
SELECT id, firm, name FROM all_staff ORDER BY id;
SELECT id FROM all_firms ORDER BY id;
SELECT relation, due, held, blocked FROM softdelete.purge_preview();

-- What was overwritten is no part of its deletion any more: undo brings back the others, restore the row as it is now,
-- with what its deletion took along below it.
CREATE TABLE readers (id int PRIMARY KEY, name text);
CREATE TABLE letters (id int PRIMARY KEY, person int REFERENCES readers ON DELETE CASCADE); -- kept for ever
SELECT count(*) > 0 AS registered FROM softdelete.register('readers', retention => '30 days');
SELECT count(*) > 0 AS registered FROM softdelete.register('letters');
SELECT softdelete.set_anonymizer('readers', 'name', $$'anonymous'$$);
SELECT action FROM softdelete.configure('readers', on_expiry => 'anonymize');
INSERT INTO readers SELECT g, 'person ' || g FROM generate_series(1, 4) g;
INSERT INTO letters SELECT g, g FROM generate_series(1, 3) g;
DELETE FROM readers;
SELECT max(id) AS deletion FROM softdelete.deletions \gset
INSERT INTO readers (id, name, deleted_at) VALUES (5, 'imported', now() - interval '50 days');
UPDATE all_readers SET deleted_at = now() - interval '40 days' WHERE id <> 3;
CALL softdelete.purge('readers');
SELECT p.id, p.name, p.deletion_id < 0 AS anonymized, p.deleted_by IS NULL AS nobody, l.deletion_id = :deletion AS letter
FROM all_readers p LEFT JOIN all_letters l ON l.person = p.id ORDER BY p.id;
SELECT rows FROM softdelete.deletions WHERE id = :deletion;
SELECT relation, key, reason, detail FROM softdelete.conflicts(:deletion) ORDER BY key;
SELECT softdelete.undo(:deletion); -- fails: letters of readers who stay deleted
SELECT softdelete.restore('readers', 1);
UPDATE readers SET deleted_at = NULL WHERE id IN (2, 4);
SELECT softdelete.undo(:deletion);
SELECT softdelete.restore('readers', 5);
SELECT id, name, deletion_id FROM readers ORDER BY id;
SELECT id, person FROM letters ORDER BY id;
\set VERBOSITY sqlstate
SELECT softdelete.undo(-:deletion); -- fails
\set VERBOSITY default
-- Deleted again, a row is in a new deletion, and becomes due anew.
DELETE FROM readers WHERE id = 4;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
DELETE FROM readers WHERE id = 4;
UPDATE readers SET name = 'named again' WHERE id = 4 AND softdelete.include_deleted(deleted_at);
UPDATE all_readers SET deleted_at = now() - interval '40 days' WHERE id = 4;
CALL softdelete.purge('readers');
SELECT name FROM all_readers WHERE id = 4;
-- Where rows are to be purged after all, overwritten ones are due as others are.
SELECT action FROM softdelete.configure('readers', on_expiry => 'purge');
SELECT due, held, blocked FROM softdelete.purge_preview('readers');
CALL softdelete.purge('readers');
SELECT count(*) FROM all_readers WHERE id = 4;
-- In a circle each row is below the other: anonymized, they come back together. Where something else is above, it is first.
CREATE TABLE companies (id int PRIMARY KEY, name text);
CREATE TABLE teams (id int PRIMARY KEY, lead int, lead_name text, company int REFERENCES companies ON DELETE CASCADE);
CREATE TABLE crew (id int PRIMARY KEY, name text, team int REFERENCES teams ON DELETE CASCADE);
ALTER TABLE teams ADD FOREIGN KEY (lead) REFERENCES crew ON DELETE CASCADE;
INSERT INTO companies VALUES (1, 'one');
INSERT INTO teams VALUES (1, NULL, 'Ada', NULL), (2, NULL, 'Bob', 1);
INSERT INTO crew VALUES (1, 'Ada', 1), (2, 'Bob', 2);
UPDATE teams SET lead = id;
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('companies', cascade => true, retention => '1 hour');
RESET client_min_messages;
SELECT softdelete.set_anonymizer('teams', 'lead_name', $$'x'$$);
SELECT softdelete.set_anonymizer('crew', 'name', $$'x'$$);
SELECT count(*) FROM softdelete.configure('teams', on_expiry => 'anonymize');
SELECT count(*) FROM softdelete.configure('crew', on_expiry => 'anonymize');
SELECT count(*) FROM softdelete.configure('companies', keep_forever => true);
DELETE FROM crew WHERE id = 1;
DELETE FROM companies;
UPDATE all_teams SET deleted_at = now() - interval '1 day';
UPDATE all_crew SET deleted_at = now() - interval '1 day';
CALL softdelete.purge('teams');
CALL softdelete.purge('crew');
SELECT softdelete.restore('crew', 1);
SELECT softdelete.restore('teams', 2); -- fails: undo() would leave it where it is
SELECT softdelete.restore('companies', 1);
SELECT softdelete.restore('teams', 2);
SELECT * FROM teams ORDER BY id;
SELECT * FROM crew ORDER BY id;
