-- Five articles tell how to write soft delete by hand. Their readers run the statements as they stand, on registered
-- tables, and get what the authors promise. One of the five, "Soft Deletes vs Hard Deletes: The Schema Decision That
-- Compounds", gives advice without statements.
CREATE ROLE regress_articles_reader;
CREATE SCHEMA regress_articles AUTHORIZATION regress_articles_reader;
CREATE SCHEMA regress_articles_dee AUTHORIZATION regress_articles_reader;
CREATE SCHEMA regress_articles_pattern AUTHORIZATION regress_articles_reader;
CREATE SCHEMA regress_articles_default AUTHORIZATION regress_articles_reader;
CREATE SCHEMA regress_articles_again AUTHORIZATION regress_articles_reader;
SET SESSION AUTHORIZATION regress_articles_reader;
\set QUIET off

--
-- "The Problem With Permanent Deletes"
--
SET search_path = regress_articles;
CREATE TABLE users (id SERIAL PRIMARY KEY, email TEXT NOT NULL UNIQUE);
ALTER TABLE users ADD COLUMN deleted_at TIMESTAMP NULL DEFAULT NULL;
CREATE TABLE orders (
id SERIAL PRIMARY KEY,
user_id INTEGER NOT NULL REFERENCES users(id),
total NUMERIC(10, 2) NOT NULL,
created_at TIMESTAMP NOT NULL DEFAULT NOW(),
deleted_at TIMESTAMP NULL
);
ALTER TABLE users ADD COLUMN deleted_by INTEGER NULL REFERENCES users(id);
ALTER TABLE orders ADD COLUMN deleted_by INTEGER NULL REFERENCES users(id);
SELECT count(*) > 0 AS registered FROM softdelete.register('users', retention => '90 days');
SELECT count(*) > 0 AS registered FROM softdelete.register('orders', retention => '90 days');
INSERT INTO users (id, email) VALUES (5, 'five@example.com'), (42, 'alice@example.com');
INSERT INTO orders (id, user_id, total, created_at) VALUES
    (101, 5, 10, '2024-01-01'), (102, 5, 20, '2024-01-02'), (103, 42, 30, '2024-01-03'), (104, 42, 40, '2024-01-04');

-- Soft delete an order
UPDATE orders
SET deleted_at = NOW()
WHERE id = 101 AND deleted_at IS NULL;
-- a second time there is nothing to delete
UPDATE orders
SET deleted_at = NOW()
WHERE id = 101 AND deleted_at IS NULL;

-- List only deleted orders (admin recovery screen)
SELECT * FROM orders
WHERE deleted_at IS NOT NULL
ORDER BY deleted_at DESC \gset
\echo :id :user_id :total

-- Restore a soft-deleted order
UPDATE orders
SET deleted_at = NULL
WHERE id = 101;

-- List only active orders
SELECT * FROM orders
WHERE deleted_at IS NULL
ORDER BY created_at DESC;

-- Index only active records - much smaller, much faster
CREATE INDEX idx_orders_user_active
ON orders (user_id)
WHERE deleted_at IS NULL;
-- For time-based queries on active records
CREATE INDEX idx_orders_created_active
ON orders (created_at DESC)
WHERE deleted_at IS NULL;
SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'idx_orders_%' ORDER BY 1;

-- A view centralizes that filter: it is there already, and stays as it is.
CREATE VIEW active_orders AS
SELECT * FROM orders
WHERE deleted_at IS NULL;
SELECT reloptions FROM pg_class WHERE oid = 'active_orders'::regclass;
DELETE FROM orders WHERE id = 102;
SELECT * FROM active_orders WHERE user_id = 5;

-- An updatable view.
UPDATE active_orders SET total = 11 WHERE id = 101;
DELETE FROM active_orders WHERE id = 101;
SELECT softdelete.restore('orders', 101);
SELECT id, total FROM orders WHERE user_id = 5;

-- A user soft-deletes their account, then re-registers with the same email address.
CREATE UNIQUE INDEX uq_users_email_active
ON users (email)
WHERE deleted_at IS NULL;
BEGIN;
UPDATE orders SET deleted_at = NOW() WHERE user_id = 42 AND deleted_at IS NULL;
UPDATE users SET deleted_at = NOW() WHERE id = 42;
COMMIT;
INSERT INTO users (id, email) VALUES (43, 'alice@example.com');
INSERT INTO users (id, email) VALUES (44, 'alice@example.com'); -- fails
SELECT id, email FROM users ORDER BY id;

-- What went in one transaction comes back as one, once the address is free.
DELETE FROM users WHERE id = 43;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1 OFFSET 1;
SELECT softdelete.undo(deletion_id) FROM users WHERE deleted_at IS NOT NULL AND id = 42;
SELECT id FROM orders WHERE user_id = 42 ORDER BY id;

-- PostgreSQL: hard-delete records soft-deleted more than 90 days ago
INSERT INTO orders (id, user_id, total, deleted_at)
    SELECT 200 + g, 5, g, now() - make_interval(days => 30 * g) FROM generate_series(1, 5) g;
DELETE FROM orders
WHERE deleted_at IS NOT NULL
AND deleted_at < NOW() - INTERVAL '90 days';
SELECT id, total FROM all_orders WHERE id > 200 ORDER BY id;

-- deleted_by: who deleted it.
SET softdelete.actor = '5';
DELETE FROM orders WHERE id = 104;
SELECT id, deleted_by FROM orders WHERE deleted_at IS NOT NULL AND id = 104;
RESET softdelete.actor;

--
-- "[DEE-505] Soft Delete vs Hard Delete"
--
SET search_path = regress_articles_dee;
CREATE TABLE users (
user_id BIGSERIAL PRIMARY KEY,
email TEXT NOT NULL,
name TEXT NOT NULL,
created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
deleted_at TIMESTAMPTZ -- NULL = active, non-NULL = deleted
);
ALTER TABLE users ADD COLUMN phone text, ADD COLUMN address text;
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
-- Partial unique index: only enforced for active (non-deleted) rows
CREATE UNIQUE INDEX idx_users_email_active
ON users (email)
WHERE deleted_at IS NULL;
-- Default view that excludes deleted rows
CREATE VIEW active_users AS
SELECT * FROM users WHERE deleted_at IS NULL;

-- Anonymize: replace personal data with anonymized values
INSERT INTO users (user_id, email, name, phone, address) VALUES
    (41, 'bob@example.com', 'Bob', '1', 'A street'), (42, 'alice@example.com', 'Alice', '2', 'B street');
UPDATE users
SET email = 'deleted_' || user_id || '@removed.invalid',
name = 'Deleted User',
phone = NULL,
address = NULL,
deleted_at = now()
WHERE user_id = 42;
SELECT user_id, email FROM active_users;
SELECT user_id, email, name, phone, address, deletion_id IS NOT NULL AS has_id FROM users WHERE deleted_at IS NOT NULL;

-- A deleted row's unique values do not block new inserts.
DELETE FROM users WHERE email = 'bob@example.com';
INSERT INTO users (email, name) VALUES ('bob@example.com', 'Bob');
INSERT INTO users (email, name) VALUES ('bob@example.com', 'Bob') ON CONFLICT (email) DO NOTHING;
\set VERBOSITY terse
SELECT softdelete.restore('users', 41); -- fails
\set VERBOSITY default
SELECT count(*) FROM active_users;

--
-- "When a user clicks delete, most applications should not actually remove the row from the database."
--
SET search_path = regress_articles_pattern;
CREATE TABLE users (id UUID PRIMARY KEY, email TEXT, name TEXT);
ALTER TABLE users ADD COLUMN deleted_at TIMESTAMPTZ;
ALTER TABLE users ADD COLUMN deleted_by UUID REFERENCES users(id);
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
-- Create a view that excludes soft-deleted records
CREATE VIEW active_users AS
  SELECT * FROM users WHERE deleted_at IS NULL;
-- PostgreSQL: partial index - only indexes active records
CREATE INDEX idx_users_active ON users (email) WHERE deleted_at IS NULL;
INSERT INTO users (id, email, name) VALUES
    ('00000000-0000-0000-0000-000000000001', 'admin@example.com', 'Admin'),
    ('00000000-0000-0000-0000-000000000002', 'alice@example.com', 'Alice');

-- "Deleting" a record sets deleted_at, and deleted_by with it.
UPDATE users SET deleted_at = now(), deleted_by = '00000000-0000-0000-0000-000000000001'
    WHERE id = '00000000-0000-0000-0000-000000000002';

-- Application queries use the view, not the base table
PREPARE by_email AS
SELECT * FROM active_users WHERE email = $1;
EXECUTE by_email('alice@example.com');
EXECUTE by_email('admin@example.com');

-- Admin queries use the base table directly
SELECT * FROM users WHERE deleted_at IS NOT NULL ORDER BY deleted_at DESC \gset
\echo :name was deleted by :deleted_by

-- Restoring a soft-deleted record is a single update.
UPDATE users SET deleted_at = NULL, deleted_by = NULL WHERE id = '00000000-0000-0000-0000-000000000002';
EXECUTE by_email('alice@example.com');

--
-- "Soft Deletes in Postgres: A Better Default Than `deleted_at`"
--
SET search_path = regress_articles_default;
CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
CREATE UNIQUE INDEX users_email_unique ON users (email);
-- 1. The column
ALTER TABLE users ADD COLUMN deleted_at TIMESTAMPTZ;
SELECT count(*) > 0 AS registered FROM softdelete.register('users', retention => '90 days');

-- 2. Partial unique index (replaces the old unique constraint)
DROP INDEX users_email_unique;
CREATE UNIQUE INDEX users_email_active_unique
  ON users (email)
  WHERE deleted_at IS NULL;

-- 3. The view
CREATE VIEW users_active AS
SELECT * FROM users WHERE deleted_at IS NULL;
INSERT INTO users (id, email, deleted_at) SELECT g, 'u' || g, now() - make_interval(days => 50 * g) FROM generate_series(1, 3) g;
INSERT INTO users (id, email) VALUES (4, 'u1'), (5, 'u5');
SELECT id, email FROM users_active ORDER BY id;

-- 4. Retention cleanup, scheduled
DELETE FROM users
WHERE deleted_at < now() - interval '90 days';
SELECT id, email FROM all_users ORDER BY id;
SELECT id, email FROM users WHERE deleted_at IS NULL ORDER BY id;

COMMENT ON COLUMN users.deleted_at IS
  'Soft-delete marker. Rows older than 90 days are hard-deleted by users_cleanup nightly job.';

--
-- The same, by a reader who registers first: what register() has made already is skipped.
--
SET search_path = regress_articles_again;
CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
CREATE UNIQUE INDEX users_email_unique ON users (email);
SELECT count(*) > 0 AS registered FROM softdelete.register('users', active_view => 'users_active');
ALTER TABLE users ADD COLUMN deleted_at TIMESTAMPTZ;
DROP INDEX users_email_unique;
CREATE UNIQUE INDEX users_email_active_unique
  ON users (email)
  WHERE deleted_at IS NULL;
CREATE VIEW users_active AS
SELECT * FROM users WHERE deleted_at IS NULL;
SELECT attname FROM pg_attribute WHERE attrelid = 'users_active'::regclass ORDER BY attnum;

-- Other columns of the same command are added, in functions as well.
ALTER TABLE users ADD COLUMN phone text, ADD deleted_by text NULL DEFAULT NULL;
DO $$ BEGIN
    FOR i IN 1 .. 2 LOOP
        ALTER TABLE users ADD COLUMN deleted_at timestamptz;
    END LOOP;
END $$;
SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 ORDER BY attnum;

-- What is not the same is refused as ever: another type, more than a column, another meaning, another table, a part of
-- the columns, other options.
ALTER TABLE users ADD COLUMN deleted_at TIMESTAMP NULL DEFAULT NULL; -- fails
ALTER TABLE users ADD COLUMN deleted_at TIMESTAMPTZ DEFAULT now(); -- fails
ALTER TABLE users ADD COLUMN deleted_by TEXT REFERENCES users (email); -- fails
ALTER TABLE users ADD COLUMN email text; -- fails
CREATE VIEW users_active AS SELECT * FROM users WHERE deleted_at IS NOT NULL; -- fails
CREATE VIEW users_active AS SELECT * FROM users WHERE deleted_at IS NULL AND id > 0; -- fails
CREATE VIEW users_active AS SELECT id, email FROM users WHERE deleted_at IS NULL; -- fails
CREATE VIEW users_active AS SELECT * FROM regress_articles.users WHERE deleted_at IS NULL; -- fails
CREATE VIEW users_active WITH (security_barrier) AS SELECT * FROM users WHERE deleted_at IS NULL; -- fails
CREATE VIEW users_active AS SELECT * FROM nothing; -- fails

-- Views and tables of others are none of our business.
CREATE VIEW own AS SELECT * FROM users WHERE deleted_at IS NULL;
CREATE VIEW own AS SELECT * FROM users WHERE deleted_at IS NULL; -- fails
CREATE TABLE plain (id int, deleted_at timestamptz);
ALTER TABLE plain ADD COLUMN deleted_at timestamptz; -- fails

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_articles, regress_articles_dee, regress_articles_pattern, regress_articles_default,
    regress_articles_again CASCADE;
DROP ROLE regress_articles_reader;
