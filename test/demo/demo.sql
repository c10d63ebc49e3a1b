-- The story that `make demo` tells. psql echoes the queries; prose and headings come by \echo, and what is no part of
-- the story runs quietly. Where an error is part of it, :ERROR is checked, so that the demo fails if it did not come.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
SET client_min_messages = warning;

\set ECHO none
CREATE EXTENSION softdelete;
RESET client_min_messages;
CREATE TABLE users (
    id    int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    email text NOT NULL UNIQUE,
    name  text NOT NULL
);
CREATE TABLE orders (
    id      int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    user_id int NOT NULL REFERENCES users ON DELETE CASCADE,
    item    text NOT NULL,
    price   numeric(8,2) NOT NULL
);
CREATE INDEX ON orders (user_id);
CREATE VIEW revenue AS
    SELECT name, count(o.id) AS orders, sum(price) AS total
    FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id, name ORDER BY name;
INSERT INTO users (email, name) VALUES
    ('ada@example.com', 'Ada'), ('bob@example.com', 'Bob'), ('cleo@example.com', 'Cleo');
INSERT INTO orders (user_id, item, price) VALUES
    (1, 'lamp', 49), (1, 'desk', 310), (2, 'chair', 120), (2, 'kettle', 35), (3, 'rug', 89);
\set QUIET off
\set ECHO queries

\echo
\echo '=== A shop ==='
\echo 'Users, their orders (REFERENCES users ON DELETE CASCADE), a unique e-mail address, a view.'
\echo
SELECT * FROM revenue;

\echo '=== Register ==='
\echo 'One call takes a table on, and tells what it did: one line per object, warnings first.'
\echo '(The SQL of each is in the column command, which is left out here.)'
\echo
SELECT action, object
FROM softdelete.register('users', retention => '90 days');
\echo 'The first line warns that deletes of users cascade to orders, which are not registered yet. Here they are:'
\echo
SELECT count(*) AS steps FROM softdelete.register('orders', retention => '90 days');

\echo '=== Look before you leap ==='
\echo 'What would go along with Bob?'
\echo
SELECT * FROM softdelete.preview('users', 2);

\echo '=== DELETE ==='
\echo 'Plain SQL, plain answer. Who and why are settings of the session, if you have something to say.'
\echo
SET softdelete.actor = 'alice (support)';
SET softdelete.reason = 'account closed, ticket 4711';
DELETE FROM users WHERE email = 'bob@example.com';
RESET softdelete.reason;
\echo
\echo 'Bob is gone from every query, and his orders with him: tables, joins, counts, views.'
\echo
SELECT * FROM revenue;
SELECT count(*) AS orders FROM orders;
SELECT item FROM orders JOIN users ON users.id = user_id WHERE name = 'Bob';
\echo 'Deleting him again deletes nothing; an order for him finds no user.'
\echo
DELETE FROM users WHERE id = 2;
\set ON_ERROR_STOP off
INSERT INTO orders (user_id, item, price) VALUES (2, 'vase', 15);
\set ON_ERROR_STOP on
\if :ERROR
\else
SELECT 'an error was expected'::int;
\endif

\echo
\echo '=== Unique means unique among live rows ==='
\echo 'Somebody signs up with his address. No partial index by hand, no special ON CONFLICT.'
\echo
INSERT INTO users (email, name) VALUES ('bob@example.com', 'Robert')
    ON CONFLICT (email) DO UPDATE SET name = excluded.name RETURNING id, email, name;
\echo 'Once more, and it is the row that is there now which is updated.'
\echo
INSERT INTO users (email, name) VALUES ('bob@example.com', 'Robert M.')
    ON CONFLICT (email) DO UPDATE SET name = excluded.name RETURNING id, email, name;

\echo
\echo '=== The recycle bin ==='
\echo
SELECT id, relation, deleted_by, reason, rows FROM softdelete.deletions;
\echo 'Ask for deleted rows, and you see them: by a condition on deleted_at, or by the view.'
\echo
SELECT id, email, name, deleted_by FROM users WHERE deleted_at IS NOT NULL;
SELECT id, item, price FROM deleted_orders;

\echo '=== Restore ==='
\echo 'Robert has the address now. Nothing is half restored, and the error says what is in the way.'
\echo
\set ON_ERROR_STOP off
SELECT softdelete.restore('users', 2) AS rows;
\set ON_ERROR_STOP on
\if :ERROR
\else
SELECT 'an error was expected'::int;
\endif
\echo
SELECT * FROM softdelete.conflicts(1);
\echo 'Robert takes another address, and Bob comes back with both of his orders.'
\echo
UPDATE users SET email = 'robert@example.com' WHERE name = 'Robert M.';
SELECT softdelete.restore('users', 2) AS rows;
SELECT * FROM revenue;

\echo '=== Undo ==='
\echo 'A WHERE clause too wide. What one transaction deleted is one deletion, and comes back as one.'
\echo
BEGIN;
DELETE FROM orders WHERE price < 100;
DELETE FROM users WHERE name <> 'Ada';
COMMIT;
SELECT * FROM revenue;
SELECT id, relation, rows FROM softdelete.deletions WHERE restored_at IS NULL;
SELECT softdelete.undo(2) AS rows;
SELECT * FROM revenue;

\echo '=== Nothing is removed by accident ==='
\echo 'Neither by TRUNCATE, nor too early: a DELETE of deleted rows alone removes them for good, a purge'
\echo 'written by hand, and the table has a retention of 90 days.'
\echo
\set ON_ERROR_STOP off
TRUNCATE users CASCADE;
\set ON_ERROR_STOP on
\if :ERROR
\else
SELECT 'an error was expected'::int;
\endif
\echo
DELETE FROM users WHERE name = 'Cleo';
\set ON_ERROR_STOP off
DELETE FROM users WHERE deleted_at IS NOT NULL;
\set ON_ERROR_STOP on
\if :ERROR
\else
SELECT 'an error was expected'::int;
\endif
\echo
DELETE FROM users WHERE deleted_at < now() - interval '90 days';

\echo
\echo '=== Retention ==='
\echo 'Two users left. For this story, their deletion is dated 100 days back, which only the owner may do.'
\echo 'One of them is in a lawsuit: a hold keeps her. What is due goes for good, and the log proves it.'
\echo
INSERT INTO users (id, email, name) OVERRIDING SYSTEM VALUE VALUES
    (10, 'dan@example.com', 'Dan'), (11, 'eve@example.com', 'Eve');
DELETE FROM users WHERE id IN (10, 11);
UPDATE users SET deleted_at = now() - interval '100 days' WHERE id IN (10, 11) AND deleted_at IS NOT NULL;
SELECT softdelete.hold('users', 'case 12/345', 11) AS hold;
SELECT relation, due, held, blocked FROM softdelete.purge_preview();
CALL softdelete.purge();
SELECT relation, state, due, removed, held, blocked FROM softdelete.purge_log;
SELECT id, name FROM deleted_users ORDER BY id;
SELECT softdelete.release(1) AS released;
\echo 'Eve asks to be forgotten. The log says so, and keeps the number of her row, not her name or address.'
\echo
SELECT jsonb_pretty(softdelete.erase('users', 'GDPR request 17', 11)) AS entry;

\echo
\echo '=== Unregister ==='
\echo 'With deleted rows left, unregister() would refuse; so Cleo comes back first. Then the schema is as it'
\echo 'was: columns, constraints and indexes, by name and definition.'
\echo
SELECT softdelete.restore('users', 3) AS rows;
SELECT count(*) AS steps FROM softdelete.unregister('orders');
SELECT count(*) AS steps FROM softdelete.unregister('users');
SELECT conrelid::regclass AS table, conname AS constraint, pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY conrelid::regclass::text, conname;
TABLE users ORDER BY id;

\echo 'Your turn: make shell is psql on a server like this one, and README tells the way.'
