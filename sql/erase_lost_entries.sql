-- Entries of a history to which the primary key of today does not lead: an erasure says that it has not reached them.
\set QUIET on
CREATE ROLE regress_lost_entries;
CREATE SCHEMA regress_lost_entries AUTHORIZATION regress_lost_entries;
SET SESSION AUTHORIZATION regress_lost_entries;
SET search_path = regress_lost_entries;
SET client_min_messages = error;
\set QUIET off
CREATE TABLE visitors (email text PRIMARY KEY, phone text);
SELECT count(*) > 0 AS registered FROM softdelete.register('visitors');
SELECT softdelete.track_history('visitors');
INSERT INTO visitors VALUES ('ann@x', '555'), ('bob@x', '777');
-- As long as the key is what it was, all are reached, also under former keys.
INSERT INTO visitors VALUES ('cid@x', '1');
UPDATE visitors SET email = 'cid@y' WHERE email = 'cid@x';
SELECT e -> 'rows' AS rows, e -> 'not_reached' -> 0 AS first FROM softdelete.erase('visitors', 'request 1', 'cid@y') e;
SELECT count(*) FROM visitors_history WHERE email LIKE 'cid%';
-- A column that came later has no values in the entries before.
UPDATE visitors SET phone = '556' WHERE email = 'ann@x';
ALTER TABLE visitors DROP CONSTRAINT visitors_pkey, ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
SELECT e -> 'rows' AS rows, e -> 'not_reached' -> 0 AS first
FROM softdelete.erase('visitors', 'request 2', (SELECT id::text FROM visitors WHERE email = 'ann@x')) e;
SELECT count(*) > 0 AS left FROM visitors_history WHERE email = 'ann@x';
DROP TABLE visitors, visitors_history CASCADE;
-- A column that has changed before it became the key.
CREATE TABLE guests (id int PRIMARY KEY, email text NOT NULL UNIQUE);
SELECT count(*) > 0 AS registered FROM softdelete.register('guests');
SELECT softdelete.track_history('guests');
INSERT INTO guests VALUES (1, 'ann@x');
UPDATE guests SET email = 'ann@y';
ALTER TABLE guests DROP CONSTRAINT guests_pkey, ADD PRIMARY KEY (email);
SELECT e -> 'not_reached' -> 0 AS first FROM softdelete.erase('guests', 'request 3', 'ann@y') e;
DROP TABLE guests, guests_history CASCADE;
-- A column that has not changed leads to all entries.
CREATE TABLE clients (email text PRIMARY KEY, id int NOT NULL UNIQUE);
SELECT count(*) > 0 AS registered FROM softdelete.register('clients');
SELECT softdelete.track_history('clients');
INSERT INTO clients VALUES ('ann@x', 1);
UPDATE clients SET email = 'ann@y';
ALTER TABLE clients DROP CONSTRAINT clients_pkey, ADD PRIMARY KEY (id);
UPDATE clients SET email = 'ann@z';
SELECT e -> 'not_reached' -> 0 AS first FROM softdelete.erase('clients', 'request 4', 1) e;
SELECT count(*) FROM clients_history;
DROP TABLE clients, clients_history CASCADE;
\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_lost_entries CASCADE;
DROP ROLE regress_lost_entries;
