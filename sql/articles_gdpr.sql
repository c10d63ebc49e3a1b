-- What the articles say of personal data, each statement beside its equivalent in README: "[DEE-505] Soft Delete vs Hard
-- Delete" and "The Problem With Permanent Deletes" by statements, "Soft Deletes vs Hard Deletes: The Schema Decision That
-- Compounds" in words. And an auditor's questions, each answered by one query of a role that may only read.
CREATE ROLE regress_gdpr;
CREATE ROLE regress_gdpr_auditor;
CREATE ROLE regress_gdpr_stranger;
CREATE SCHEMA regress_gdpr AUTHORIZATION regress_gdpr;
SET SESSION AUTHORIZATION regress_gdpr;
SET search_path = regress_gdpr;
\set QUIET off
CREATE TABLE users (user_id bigserial PRIMARY KEY, email text NOT NULL, name text NOT NULL, phone text, address text);
CREATE TABLE orders (id int PRIMARY KEY, user_id bigint REFERENCES users ON DELETE CASCADE, total numeric);
CREATE TABLE bills (id int PRIMARY KEY, user_id bigint REFERENCES users ON DELETE SET NULL);
SELECT count(*) > 0 AS registered FROM softdelete.register('users', retention => '30 days', cascade => true);
SELECT count(*) > 0 AS registered FROM softdelete.register('bills', retention => '10 years');
INSERT INTO users (user_id, email, name, phone, address) SELECT g, 'u' || g || '@example.com', 'User ' || g, '555-' || g, g || ' Main St'
    FROM generate_series(40, 49) g;
INSERT INTO orders SELECT g, g, 10 FROM generate_series(40, 49) g;
INSERT INTO bills SELECT g, g FROM generate_series(40, 49) g;

-- For personal data: hard delete + audit log of the action (not the data). By hand, the row of a registered table stays.
CREATE TABLE deletion_audit_log (
log_id BIGSERIAL PRIMARY KEY,
table_name TEXT NOT NULL,
record_id BIGINT NOT NULL,
deleted_by TEXT NOT NULL,
reason TEXT NOT NULL,
deleted_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
BEGIN;
INSERT INTO deletion_audit_log (table_name, record_id, deleted_by, reason)
VALUES ('users', 42, 'system', 'GDPR erasure request #1234');
DELETE FROM users WHERE user_id = 42;
COMMIT;
SELECT email FROM all_users WHERE user_id = 42;
-- In one line, with what belongs to the user, in the same transaction, and with the log.
SELECT softdelete.erase('users', 'GDPR erasure request #1234', 42) -> 'rows' AS rows;
SELECT count(*) FROM all_users WHERE user_id = 42;
SELECT count(*) FROM all_orders WHERE user_id = 42;
SELECT id, user_id FROM bills WHERE id = 42;
SELECT table_name, key, erased_by, reason, erased_at <= now() AS erased FROM softdelete.erasure_log WHERE relation = 'users'::regclass;
-- A user who is not deleted yet, too.
SELECT softdelete.erase('users', 'GDPR erasure request #1235', 43) -> 'rows' AS rows;

-- Replace personal data with anonymized values: by hand, and by rules that are written once.
UPDATE users
SET email = 'deleted_' || user_id || '@removed.invalid',
name = 'Deleted User',
phone = NULL,
address = NULL,
deleted_at = now()
WHERE user_id = 44;
SELECT softdelete.set_anonymizer('users', 'email', $$'deleted_' || user_id || '@removed.invalid'$$);
SELECT softdelete.set_anonymizer('users', 'name', $$'Deleted User'$$);
SELECT softdelete.set_anonymizer('users', 'phone', 'NULL');
SELECT softdelete.set_anonymizer('users', 'address', 'NULL');
SELECT softdelete.anonymize('users', 'GDPR erasure request #1236', 45) -> 'rows' AS rows;
DELETE FROM users WHERE user_id = 45;
SELECT user_id, email, name, phone, address, deleted_at IS NULL AS live FROM all_users WHERE user_id IN (44, 45) ORDER BY 1;
SELECT count(*) FROM users WHERE email LIKE 'deleted%';

-- Tombstones with a time to live: a nightly job, a retention per table, and the children tidied up with their parent.
DELETE FROM users WHERE user_id IN (46, 47);
UPDATE all_users SET deleted_at = now() - interval '31 days' WHERE user_id IN (44, 45, 46);
UPDATE all_orders SET deleted_at = now() - interval '31 days' WHERE user_id IN (44, 45, 46);
CALL softdelete.purge();
SELECT array_agg(user_id ORDER BY user_id) FROM all_users;
SELECT array_agg(id ORDER BY id) FROM all_orders;
SELECT id FROM bills WHERE user_id IS NULL ORDER BY id;
-- Data that is overwritten when its time is over.
SELECT command FROM softdelete.configure('users', on_expiry => 'anonymize');
UPDATE all_users SET deleted_at = now() - interval '31 days' WHERE user_id = 47;
CALL softdelete.purge('users');
SELECT email, name FROM all_users WHERE user_id = 47;

-- The retention is documented where the schema is.
SELECT pg_catalog.col_description('users'::regclass, attnum) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'deleted_at';

--
-- An auditor may read users and orders, and nothing else.
--
SET softdelete.actor = 'alice@support';
SET softdelete.reason = 'ticket 4711';
DELETE FROM users WHERE user_id = 48;
GRANT USAGE ON SCHEMA regress_gdpr TO regress_gdpr_auditor, regress_gdpr_stranger;
GRANT SELECT ON users, orders TO regress_gdpr_auditor;
SET SESSION AUTHORIZATION regress_gdpr_auditor;
-- How long do you keep deleted records?
SELECT relation, retention, on_expiry FROM softdelete.tables WHERE relation::text ~ 'users|orders|bills' AND relation::text !~ '\.' ORDER BY 1;
-- Who removed this one?
SELECT d.deleted_at = u.deleted_at AS then, d.deleted_by, d.reason, d.rows
FROM users u JOIN softdelete.deletions d ON d.id = u.deletion_id
WHERE u.user_id = 48 AND u.deleted_at IS NOT NULL;
-- Prove that it is gone: that nothing is left of what was due ...
SELECT l.finished_at IS NOT NULL AS finished, l.removed, l.held, l.blocked, l.blockers,
       (SELECT count(*) FROM orders o WHERE o.deleted_at IS NOT NULL AND o.deleted_at < l.cutoff) AS still_there
FROM softdelete.purge_log l
WHERE l.relation = 'orders'::regclass AND l.state = 'done' AND l.removed > 0 ORDER BY l.id DESC LIMIT 1;
-- ... and that the user of the request was erased.
SELECT erased_by, reason, rows, NOT EXISTS (SELECT FROM users WHERE softdelete.include_deleted(deleted_at) AND user_id = 42) AS gone
FROM softdelete.erasure_log
WHERE table_name = 'regress_gdpr.users' AND digest = encode(sha256('42'), 'hex');
-- The logs hold nothing of the data.
SELECT count(*) FROM softdelete.erasure_log e WHERE e::text ~ 'example\.com|555-|Main St';
SELECT count(*) FROM softdelete.purge_log l WHERE l::text ~ 'example\.com|555-|Main St';
-- Bills are not the auditor's: neither are they in the answers. He removes and changes nothing.
SELECT count(*) FROM softdelete.purge_log WHERE table_name = 'regress_gdpr.bills';
SELECT softdelete.erase('users', 'no', 48); -- fails
CALL softdelete.purge('users'); -- fails
DELETE FROM softdelete_internal.erasure; -- fails
DELETE FROM softdelete_internal.purge_run; -- fails
-- Who may not read the tables learns which ones there are, and nothing of their rows.
SET SESSION AUTHORIZATION regress_gdpr_stranger;
SELECT count(*) FROM softdelete.tables WHERE relation = 'regress_gdpr.users'::regclass;
SELECT count(*) FROM softdelete.deletions WHERE relation = 'regress_gdpr.users'::regclass;
SELECT count(*) FROM softdelete.purge_log WHERE table_name ~ 'regress_gdpr\.';
SELECT count(*) FROM softdelete.erasure_log WHERE table_name ~ 'regress_gdpr\.';

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_gdpr CASCADE;
DROP ROLE regress_gdpr, regress_gdpr_auditor, regress_gdpr_stranger;
