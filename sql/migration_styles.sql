-- Migrations as the frameworks write them, on registered tables that hold deleted rows: each does what it says, deleted rows
-- go along, and afterwards DELETE, the views and uniqueness are what they were.
\set QUIET on
CREATE ROLE regress_styles;
CREATE SCHEMA regress_styles AUTHORIZATION regress_styles;
SET SESSION AUTHORIZATION regress_styles;
SET search_path = regress_styles;
\pset format unaligned
CREATE TABLE users (id bigserial PRIMARY KEY, email varchar(255) NOT NULL UNIQUE, name text, state text NOT NULL DEFAULT 'new');
CREATE TABLE posts (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE, title text, views int);
CREATE INDEX index_posts_on_user_id ON posts (user_id);
SELECT count(*) > 0 AS registered FROM softdelete.register('users', cascade => true);
INSERT INTO users (email, name) SELECT 'u' || i || '@x', 'First' || i || ' Last' || i FROM generate_series(1, 6) i;
INSERT INTO posts (user_id, title, views) SELECT (i % 6) + 1, 't' || i, i FROM generate_series(1, 12) i;
DELETE FROM users WHERE id IN (5, 6);
-- Live and deleted rows, a soft delete and its restore, and what repair() would change.
CREATE FUNCTION state(OUT users text, OUT posts text, OUT works boolean, OUT differences bigint) LANGUAGE plpgsql AS $$
BEGIN
    SELECT format('%s live, %s deleted', count(*) FILTER (WHERE deleted_at IS NULL), count(deleted_at)) INTO users FROM all_users;
    SELECT format('%s live, %s deleted', count(*) FILTER (WHERE deleted_at IS NULL), count(deleted_at)) INTO posts FROM all_posts;
    DELETE FROM users WHERE id = 1;
    works := NOT EXISTS (SELECT FROM posts WHERE user_id = 1) AND EXISTS (SELECT FROM deleted_posts WHERE user_id = 1);
    works := softdelete.restore('users', 1) = 3 AND works;
    works := EXISTS (SELECT FROM active_users WHERE id = 1) AND works;
    SELECT count(*) INTO differences FROM (SELECT softdelete.repair('users') UNION ALL SELECT softdelete.repair('posts')) d;
END $$;
\set QUIET off
SELECT * FROM state();

-- Rails: add_column with a default, add_reference, add_index algorithm: :concurrently, rename_column, change_column,
-- change_column_null, add_check_constraint validate: false, remove_column, add_foreign_key validate: false.
BEGIN;
ALTER TABLE "users" ADD "admin" boolean DEFAULT FALSE NOT NULL;
ALTER TABLE "users" ADD "created_at" timestamp(6) without time zone DEFAULT '2020-01-01' NOT NULL;
COMMIT;
CREATE INDEX CONCURRENTLY "index_users_on_name" ON "users" ("name");
CREATE UNIQUE INDEX CONCURRENTLY "index_users_on_lower_email" ON "users" (lower("email"));
BEGIN;
ALTER TABLE "posts" ADD "editor_id" bigint;
CREATE INDEX "index_posts_on_editor_id" ON "posts" ("editor_id");
ALTER TABLE "posts" ADD CONSTRAINT "fk_rails_editor" FOREIGN KEY ("editor_id") REFERENCES "users" ("id") NOT VALID;
COMMIT;
ALTER TABLE "posts" VALIDATE CONSTRAINT "fk_rails_editor";
UPDATE posts SET editor_id = 5 WHERE id = 1; -- fails
ALTER TABLE "users" RENAME COLUMN "name" TO "full_name";
ALTER INDEX "index_users_on_name" RENAME TO "index_users_on_full_name";
ALTER TABLE "users" ALTER COLUMN "full_name" TYPE character varying(500);
ALTER TABLE "users" ADD CONSTRAINT "users_full_name_null" CHECK (full_name IS NOT NULL) NOT VALID;
ALTER TABLE "users" VALIDATE CONSTRAINT "users_full_name_null";
ALTER TABLE "users" ALTER COLUMN "full_name" SET NOT NULL, DROP CONSTRAINT "users_full_name_null";
ALTER TABLE "users" DROP COLUMN "admin";
SELECT pg_get_indexdef('index_users_on_full_name'::regclass), pg_get_indexdef('index_posts_on_editor_id'::regclass);
SELECT * FROM state();

-- Rails: rename_table, with its sequence and indexes, and back.
BEGIN;
ALTER TABLE "posts" RENAME TO "articles";
ALTER TABLE "posts_pkey" RENAME TO "articles_pkey";
ALTER SEQUENCE "posts_id_seq" RENAME TO "articles_id_seq";
ALTER INDEX "index_posts_on_user_id" RENAME TO "index_articles_on_user_id";
DELETE FROM articles WHERE id = 1;
SELECT count(*) FROM active_posts;
ROLLBACK;

-- Django: one transaction for everything, ADD COLUMN with a default that goes at once, UNIQUE and its LIKE index, FOREIGN KEY
-- DEFERRABLE INITIALLY DEFERRED, RunPython over the model's table.
BEGIN;
ALTER TABLE "users" ADD COLUMN "slug" varchar(50) DEFAULT '' NOT NULL;
ALTER TABLE "users" ALTER COLUMN "slug" DROP DEFAULT;
UPDATE "users" SET "slug" = 's' || "id" WHERE "slug" = '';
COMMIT;
ALTER TABLE "users" ADD CONSTRAINT "users_slug_uniq" UNIQUE ("slug"); -- succeeds: deleted rows are in no one's way
CREATE INDEX "users_slug_like" ON "users" ("slug" varchar_pattern_ops);
BEGIN;
ALTER TABLE "posts" ADD COLUMN "reviewer_id" bigint NULL CONSTRAINT "posts_reviewer_fk" REFERENCES "users"("id") DEFERRABLE INITIALLY DEFERRED;
SET CONSTRAINTS "posts_reviewer_fk" IMMEDIATE;
COMMIT;
BEGIN;
UPDATE posts SET reviewer_id = 6 WHERE id = 1;
COMMIT; -- fails
ALTER TABLE "users" ALTER COLUMN "slug" TYPE text USING "slug"::text;
ALTER TABLE "users" DROP CONSTRAINT "users_slug_uniq";
ALTER TABLE "posts" DROP COLUMN "reviewer_id" CASCADE;
ALTER TABLE "users" DROP COLUMN "slug" CASCADE;
SELECT * FROM state();

-- Flyway: plain SQL, a backfill in batches, a split of one column into two, an enum that grows.
ALTER TABLE users ADD COLUMN first_name text, ADD COLUMN last_name text;
DO $$
DECLARE
    changed int;
BEGIN
    LOOP
        UPDATE users SET first_name = split_part(full_name, ' ', 1), last_name = split_part(full_name, ' ', 2)
            WHERE id IN (SELECT id FROM users WHERE first_name IS NULL ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED);
        GET DIAGNOSTICS changed = ROW_COUNT;
        EXIT WHEN changed = 0;
    END LOOP;
END $$;
SELECT count(*) FILTER (WHERE first_name IS NULL) AS live_without FROM users;
ALTER TABLE users ALTER COLUMN first_name SET NOT NULL; -- fails: rows in the recycle bin have none
UPDATE all_users SET first_name = split_part(full_name, ' ', 1), last_name = split_part(full_name, ' ', 2) WHERE first_name IS NULL;
ALTER TABLE users ALTER COLUMN first_name SET NOT NULL, DROP COLUMN full_name;
CREATE TYPE state AS ENUM ('new', 'active');
ALTER TABLE users ALTER COLUMN state DROP DEFAULT, ALTER COLUMN state TYPE state USING state::state, ALTER COLUMN state SET DEFAULT 'new';
ALTER TYPE state ADD VALUE 'blocked';
ALTER TYPE state RENAME VALUE 'new' TO 'fresh';
SELECT id, first_name, last_name, state FROM all_users ORDER BY id;
SELECT * FROM state();

-- Flyway: a table split in two by a key, with CREATE TABLE AS.
CREATE TABLE profiles AS SELECT id AS user_id, last_name FROM users;
ALTER TABLE profiles ADD PRIMARY KEY (user_id), ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
ALTER TABLE users DROP COLUMN last_name;
SELECT count(*) FROM profiles;
SELECT count(*) > 0 AS registered FROM softdelete.register('profiles');
DELETE FROM users WHERE id = 4;
SELECT count(*) FROM profiles;
SELECT softdelete.restore('users', 4);
SELECT count(*) FROM profiles;
DROP TABLE profiles;

-- Alembic: batches of ALTERs, a primary key that grows to bigint through a new column, naming conventions for constraints.
ALTER TABLE posts ADD COLUMN views_new bigint;
CREATE FUNCTION copy_views() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.views_new := NEW.views; RETURN NEW; END';
CREATE TRIGGER copy_views BEFORE INSERT OR UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION copy_views();
UPDATE all_posts SET views = views;
BEGIN;
DROP TRIGGER copy_views ON posts;
ALTER TABLE posts RENAME COLUMN views TO views_old;
ALTER TABLE posts RENAME COLUMN views_new TO views;
ALTER TABLE posts DROP COLUMN views_old;
COMMIT;
SELECT count(views) FROM all_posts;
ALTER TABLE users ADD CONSTRAINT uq_users_first_name UNIQUE (first_name);
ALTER TABLE users RENAME CONSTRAINT uq_users_first_name TO uq_users_given_name;
ALTER TABLE users DROP CONSTRAINT uq_users_given_name;
ALTER TABLE posts DROP CONSTRAINT posts_user_id_fkey;
ALTER TABLE posts ADD CONSTRAINT fk_posts_user_id_users FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE;
SELECT * FROM state();
INSERT INTO posts (user_id) VALUES (6); -- fails

-- Online schema change by hand: a new unique index takes the old one's place.
CREATE UNIQUE INDEX CONCURRENTLY users_email_new ON users (email);
BEGIN;
ALTER TABLE users DROP CONSTRAINT users_email_key;
ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE USING INDEX users_email_new;
COMMIT;
INSERT INTO users (email, first_name) VALUES ('u5@x', 'again') ON CONFLICT (email) DO NOTHING;
INSERT INTO users (email, first_name) VALUES ('u5@x', 'again') ON CONFLICT (email) DO NOTHING;
DROP INDEX CONCURRENTLY index_users_on_lower_email;
SELECT * FROM state();

-- In the end unregister() gives back the table as the migrations made it.
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('posts', 'purge');
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('users', 'purge');
SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
    WHERE table_schema = 'regress_styles' AND table_name IN ('users', 'posts') ORDER BY 1, ordinal_position;
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid IN ('users'::regclass, 'posts'::regclass) ORDER BY 1;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid IN ('users'::regclass, 'posts'::regclass) AND contype <> 'n' ORDER BY 1;
SELECT tgname FROM pg_trigger WHERE tgrelid IN ('users'::regclass, 'posts'::regclass) AND NOT tgisinternal;

RESET SESSION AUTHORIZATION;
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA regress_styles CASCADE;
DROP ROLE regress_styles;
