-- Indexes and constraints that a registered table gets later follow its rule: they cover live rows only, keep the names
-- that they ask for, and become what they said when the table is unregistered.
\set QUIET on
CREATE ROLE regress_new_indexes;
CREATE SCHEMA regress_new_indexes AUTHORIZATION regress_new_indexes;
SET SESSION AUTHORIZATION regress_new_indexes;
SET search_path = regress_new_indexes;
CREATE TABLE users (id int PRIMARY KEY, email text, phone text, room int, org int);
CREATE TABLE members (id int PRIMARY KEY, user_id int REFERENCES users);
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
SELECT count(*) > 0 AS registered FROM softdelete.register('members');
INSERT INTO users VALUES (1, 'a@b', '1', 1, 1), (2, 'b@c', '2', 2, 2);
DELETE FROM users WHERE id = 1;
INSERT INTO users VALUES (3, 'a@b', '1', 1, 1);
CREATE VIEW indexes AS
    SELECT c.relname, pg_get_indexdef(i.indexrelid) AS definition
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid IN ('users'::regclass, 'members'::regclass)
      AND c.relname !~ '(deleted_at|deletion_id)_idx$' AND NOT i.indisprimary;
\set QUIET off

-- A deleted row with the same value is in no one's way.
CREATE UNIQUE INDEX users_email ON users (email);
CREATE INDEX CONCURRENTLY users_phone ON users (phone);
CREATE INDEX ON users (lower(email)) WHERE org > 0;
SELECT * FROM indexes ORDER BY 1;
INSERT INTO users VALUES (4, 'a@b', '9', 9, 9); -- fails
INSERT INTO users VALUES (4, 'a@b', '9', 9, 9) ON CONFLICT (email) DO UPDATE SET org = 7 RETURNING id, org;

-- UNIQUE and EXCLUDE constraints, several in one statement, with the names that the server gives them.
ALTER TABLE users ADD CONSTRAINT users_phone_unique UNIQUE (phone), ADD COLUMN badge int UNIQUE,
    ADD EXCLUDE USING btree (room WITH =);
ALTER TABLE users ADD UNIQUE (org, room) INCLUDE (phone);
ALTER TABLE users ADD CONSTRAINT users_org UNIQUE (org) DEFERRABLE INITIALLY DEFERRED;
CREATE UNIQUE INDEX users_badge ON users (badge);
ALTER TABLE users ADD CONSTRAINT users_badge_unique UNIQUE USING INDEX users_badge;
SELECT * FROM indexes WHERE relname !~ 'email|lower|^users_phone$' ORDER BY 1;

-- Options of constraints stay, and a deferrable one in the middle of a column's definition is one too. What cannot be
-- partial stays whole, and a warning says so.
ALTER TABLE users ADD CONSTRAINT users_filled UNIQUE NULLS NOT DISTINCT (room, id) INCLUDE (phone)
    WITH (fillfactor = 70, deduplicate_items = off) USING INDEX TABLESPACE pg_default;
ALTER TABLE users ADD CONSTRAINT users_late UNIQUE (room, org) INCLUDE (phone) WITH (fillfactor = 80) DEFERRABLE;
ALTER TABLE users ADD COLUMN car int UNIQUE DEFERRABLE INITIALLY DEFERRED CHECK (car > 0);
CREATE UNIQUE INDEX users_sorted ON users (email COLLATE "C" text_pattern_ops DESC, phone) WITH (fillfactor = 60);
ALTER TABLE users ADD CONSTRAINT users_nulls UNIQUE NULLS NOT DISTINCT (id, phone) DEFERRABLE;
SELECT * FROM indexes WHERE relname ~ 'filled|late|car|sorted|nulls' ORDER BY 1;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = 'users'::regclass AND contype <> 't' AND conname ~ 'filled|late|car|sorted|nulls' ORDER BY 1;

-- In a function, twice: the function's statement is not changed for good.
CREATE FUNCTION add_index(name text) RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN EXECUTE format('CREATE INDEX %I ON users (org)', name); CREATE INDEX IF NOT EXISTS fixed ON users (room); END $$;
SELECT add_index('first');
SELECT add_index('second');
SELECT * FROM indexes WHERE relname IN ('first', 'second', 'fixed') ORDER BY 1;

-- A condition of one's own on deleted_at stays as it is; an index that a foreign key needs stays whole.
CREATE INDEX users_bin ON users (email) WHERE deleted_at IS NOT NULL;
CREATE INDEX members_user ON members (user_id);
SELECT * FROM indexes WHERE relname IN ('users_bin', 'members_user') ORDER BY 1;

-- Where the index comes first and the foreign key later, the index becomes whole again; a unique one cannot, and NOT VALID
-- does no long work: there a warning says what to run.
CREATE TABLE "Q'x" (id int PRIMARY KEY, "A b" int, c int, d int, e int);
SELECT count(*) > 0 AS registered FROM softdelete.register('"Q''x"');
CREATE INDEX "by A" ON "Q'x" ("A b", d) WITH (fillfactor = 70);
CREATE UNIQUE INDEX by_c ON "Q'x" (c);
CREATE INDEX by_d ON "Q'x" (d);
CREATE INDEX by_e ON "Q'x" (e);
ALTER TABLE "Q'x" ADD FOREIGN KEY ("A b") REFERENCES users;
ALTER TABLE "Q'x" ADD FOREIGN KEY (c) REFERENCES users;
ALTER TABLE "Q'x" ADD CONSTRAINT "d's" FOREIGN KEY (d) REFERENCES users NOT VALID;
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = '"Q''x"'::regclass AND indkey[0] IN (2, 3, 4, 5) ORDER BY 1;
SELECT softdelete.repair('"Q''x"');
-- So in partitions.
CREATE TABLE parts (id int, user_id int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (9);
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
CREATE INDEX parts_user ON parts (user_id);
ALTER TABLE parts ADD FOREIGN KEY (user_id) REFERENCES users;
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid IN ('part'::regclass, 'parts'::regclass) AND indkey[0] = 2 ORDER BY 1;
SELECT softdelete.repair('parts');
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('parts');
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('"Q''x"');
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid IN ('part'::regclass, 'parts'::regclass, '"Q''x"'::regclass) ORDER BY 1;
DROP TABLE parts, "Q'x";

-- What rolls back leaves nothing behind.
BEGIN;
SAVEPOINT a;
ALTER TABLE users ADD CONSTRAINT gone UNIQUE (phone, org);
ROLLBACK TO a;
CREATE INDEX kept ON users (phone, room);
COMMIT;
\set VERBOSITY sqlstate
ALTER TABLE users ADD CONSTRAINT twice UNIQUE (nothing); -- fails
\set VERBOSITY default
SELECT relname FROM indexes WHERE relname IN ('gone', 'kept', 'twice');

-- Unregistering gives each the definition that was asked for.
DELETE FROM users WHERE id = 2;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('users', 'purge');
SELECT relname, definition FROM indexes WHERE definition ~ ' users ' OR definition ~ '\.users ' ORDER BY 1;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'users'::regclass AND contype <> 'n' ORDER BY 1;

-- With indexes => 'none' nothing is followed, with 'unique' only what uniqueness needs.
CREATE TABLE plain (id int PRIMARY KEY, a int, b int);
SELECT count(*) > 0 AS registered FROM softdelete.register('plain', indexes => 'unique');
CREATE INDEX plain_a ON plain (a);
CREATE UNIQUE INDEX plain_b ON plain (b);
SELECT pg_get_indexdef('plain_a'::regclass), pg_get_indexdef('plain_b'::regclass);

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA regress_new_indexes CASCADE;
DROP ROLE regress_new_indexes;
