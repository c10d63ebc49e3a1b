-- What version 19 brought: ON CONFLICT DO SELECT, COPY of partitioned tables, self-joins removed anew, and keys that are
-- checked without the planner.
CREATE ROLE regress_since_19_owner;
CREATE ROLE regress_since_19_reader;
CREATE SCHEMA regress_since_19 AUTHORIZATION regress_since_19_owner;
SET SESSION AUTHORIZATION regress_since_19_owner;
SET search_path = regress_since_19;
SET client_min_messages = error;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, name text);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users);
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
INSERT INTO users VALUES (1, 'a@x', 'ann'), (2, 'b@x', 'bob');
DELETE FROM users WHERE id = 2;
\set QUIET off

-- A live row in the way is returned, a deleted one is not in the way.
INSERT INTO users VALUES (3, 'a@x', 'new') ON CONFLICT (email) DO SELECT RETURNING id, name;
INSERT INTO users VALUES (3, 'a@x', 'new') ON CONFLICT (email) DO SELECT FOR UPDATE RETURNING id, name;
INSERT INTO users VALUES (3, 'b@x', 'new') ON CONFLICT (email) DO SELECT RETURNING id, name;

-- Nobody is shown a deleted row that has the key.
INSERT INTO users VALUES (2, 'c@x', 'new') ON CONFLICT (id) DO SELECT RETURNING id, name; -- fails
INSERT INTO users VALUES (2, 'c@x', 'new') ON CONFLICT (id) DO SELECT FOR UPDATE RETURNING id, name; -- fails
INSERT INTO users VALUES (2, 'c@x', 'new') ON CONFLICT (id) DO SELECT WHERE users.name = 'ann' RETURNING id, name; -- fails
INSERT INTO users VALUES (2, 'c@x', 'new') ON CONFLICT (id) DO UPDATE SET name = 'new' RETURNING id, name; -- fails
INSERT INTO users VALUES (1, 'c@x', 'new') ON CONFLICT (id) DO SELECT RETURNING id, name;
INSERT INTO users VALUES (1, 'c@x', 'new') ON CONFLICT (id) DO SELECT WHERE users.name = 'eve' RETURNING id, name;
INSERT INTO active_users VALUES (2, 'c@x', 'new') ON CONFLICT (id) DO SELECT RETURNING id, name; -- fails

-- The session's visibility changes nothing of it, nor do partitions and row security.
SET softdelete.visibility = 'all';
INSERT INTO users VALUES (2, 'c@x', 'new') ON CONFLICT (id) DO SELECT RETURNING id, name; -- fails
RESET softdelete.visibility;
CREATE TABLE "Q'regions" (id int, region int, name text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE "Q'regions_1" (name text, region int NOT NULL, id int NOT NULL);
ALTER TABLE "Q'regions" ATTACH PARTITION "Q'regions_1" FOR VALUES IN (1);
SELECT count(*) > 0 AS registered FROM softdelete.register('"Q''regions"', visibility => 'rls');
GRANT ALL ON "Q'regions" TO regress_since_19_reader;
GRANT USAGE ON SCHEMA regress_since_19 TO regress_since_19_reader;
INSERT INTO "Q'regions" VALUES (1, 1, 'live'), (2, 1, 'deleted');
DELETE FROM "Q'regions" WHERE id = 2;
SET SESSION AUTHORIZATION regress_since_19_reader;
INSERT INTO "Q'regions" VALUES (1, 1, 'new') ON CONFLICT (id, region) DO SELECT RETURNING *;
INSERT INTO "Q'regions" VALUES (2, 1, 'new') ON CONFLICT (id, region) DO SELECT RETURNING *; -- fails
SET SESSION AUTHORIZATION regress_since_19_owner;
INSERT INTO "Q'regions" VALUES (2, 1, 'new') ON CONFLICT (id, region) DO SELECT RETURNING *; -- fails

-- COPY takes a partitioned table: its live rows.
CREATE TABLE parts (id int, name text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (10);
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
INSERT INTO parts VALUES (1, 'one'), (2, 'two');
DELETE FROM parts WHERE id = 1;
COPY parts TO STDOUT;
COPY parts (name) TO STDOUT (FORMAT json);
SET softdelete.visibility = 'all';
COPY parts (id) TO STDOUT;
RESET softdelete.visibility;

-- A self-join that the server makes one reference of sees what both references see.
SELECT a.id FROM users a JOIN users b USING (id) WHERE b.deleted_at IS NOT NULL;
SELECT a.id FROM users a JOIN users b USING (id) WHERE a.deleted_at IS NOT NULL;
SELECT a.id FROM users a JOIN users b USING (id) WHERE softdelete.include_deleted(b.deleted_at) ORDER BY id;
SELECT a.id FROM all_users a JOIN users b USING (id) ORDER BY id;
SELECT a.id FROM users a JOIN all_users b USING (id) ORDER BY id;
SELECT a.id FROM all_users a JOIN all_users b USING (id) ORDER BY id;
SHOW enable_self_join_elimination;

-- No live row comes below a deleted one, in one row or many.
INSERT INTO orders VALUES (1, 1);
INSERT INTO orders VALUES (2, 2); -- fails
INSERT INTO orders SELECT i, 1 + i % 2 FROM generate_series(10, 20) i; -- fails
INSERT INTO orders SELECT i, 1 FROM generate_series(10, 20) i;
UPDATE orders SET user_id = 2 WHERE id = 10; -- fails
DELETE FROM users WHERE id = 1; -- fails

\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_since_19 CASCADE;
DROP ROLE regress_since_19_owner, regress_since_19_reader;
