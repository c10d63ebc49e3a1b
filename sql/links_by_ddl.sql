-- DDL that makes or changes links. What the command itself writes is checked as an INSERT is: no live row comes below a
-- deleted one. What it takes as it is comes with a warning.
\set QUIET on
CREATE ROLE regress_ddl_links;
CREATE SCHEMA regress_ddl_links AUTHORIZATION regress_ddl_links;
SET SESSION AUTHORIZATION regress_ddl_links;
SET search_path = regress_ddl_links;
CREATE TABLE p (id int PRIMARY KEY, up int REFERENCES p ON DELETE CASCADE);
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('p');
CREATE TABLE c (id int PRIMARY KEY, n int);
CREATE TABLE r (id int PRIMARY KEY, n int);
SELECT count(*) > 0 AS registered FROM softdelete.register('r');
RESET client_min_messages;
INSERT INTO p VALUES (1), (2);
INSERT INTO c VALUES (1, 1), (2, 2), (3, NULL);
INSERT INTO r VALUES (1, 1), (2, 2), (3, 1);
DELETE FROM p WHERE id = 1;
DELETE FROM r WHERE id = 3;
\set VERBOSITY terse
\set QUIET off

-- A new column whose default is the key of a deleted row, constant, volatile, generated, and by a domain.
ALTER TABLE c ADD COLUMN p int DEFAULT 1 REFERENCES p; -- fails
ALTER TABLE c ADD COLUMN p int DEFAULT 1 CONSTRAINT named REFERENCES p ON DELETE CASCADE; -- fails
ALTER TABLE c ADD COLUMN p int DEFAULT (random() * 0)::int + 1, ADD FOREIGN KEY (p) REFERENCES p; -- fails
ALTER TABLE c ADD COLUMN p int GENERATED ALWAYS AS (n) STORED REFERENCES p; -- fails
ALTER TABLE r ADD COLUMN p int DEFAULT 1 REFERENCES p; -- fails
ALTER TABLE c ADD COLUMN p int DEFAULT 2 REFERENCES p;
ALTER TABLE c ADD COLUMN q int DEFAULT 1 REFERENCES p ON DELETE SET NULL; -- fails
ALTER TABLE p ADD COLUMN q int DEFAULT 1 REFERENCES p; -- fails
SELECT id, p FROM c ORDER BY id;

-- A new key that takes what is there, at once and later.
ALTER TABLE c ADD CONSTRAINT n FOREIGN KEY (n) REFERENCES p;
ALTER TABLE c DROP CONSTRAINT n, ADD CONSTRAINT n FOREIGN KEY (n) REFERENCES p NOT VALID;
ALTER TABLE c VALIDATE CONSTRAINT n;
ALTER TABLE r ADD FOREIGN KEY (n) REFERENCES p;
ALTER TABLE c DROP CONSTRAINT n;

-- Rewriting the key's column, below and above.
BEGIN;
ALTER TABLE c ALTER COLUMN p TYPE int USING 1;
ROLLBACK;
BEGIN;
ALTER TABLE c ALTER COLUMN p TYPE bigint USING p - 1;
ROLLBACK;
ALTER TABLE c ALTER COLUMN p TYPE bigint;
ALTER TABLE c ALTER COLUMN p TYPE int;
BEGIN;
ALTER TABLE p ALTER COLUMN id TYPE bigint USING 3 - id;
ROLLBACK;
ALTER TABLE p ALTER COLUMN id TYPE bigint;
ALTER TABLE p ALTER COLUMN id TYPE int;
SELECT id, p FROM c ORDER BY id;

-- A partition of a table that references a registered one, registered itself and not.
CREATE TABLE parts (id int, p int REFERENCES p ON DELETE CASCADE) PARTITION BY RANGE (id);
CREATE TABLE part_1 (id int NOT NULL, p int);
INSERT INTO part_1 VALUES (1, 1);
ALTER TABLE parts ATTACH PARTITION part_1 FOR VALUES FROM (0) TO (10);
ALTER TABLE parts DETACH PARTITION part_1;
UPDATE part_1 SET p = 2;
ALTER TABLE parts ATTACH PARTITION part_1 FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 (id int NOT NULL, p int);
INSERT INTO part_2 VALUES (11, 1);
\set QUIET on
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('parts');
RESET client_min_messages;
\set QUIET off
ALTER TABLE parts ATTACH PARTITION part_2 FOR VALUES FROM (10) TO (20); -- fails
ALTER TABLE part_2 ADD COLUMN deleted_at timestamptz DEFAULT now(), ADD COLUMN deleted_by text, ADD COLUMN deletion_id bigint;
ALTER TABLE parts ATTACH PARTITION part_2 FOR VALUES FROM (10) TO (20);

-- New tables and new partitions have no rows; what is said of them is honoured from the first row on.
CREATE TABLE part_of PARTITION OF parts FOR VALUES FROM (20) TO (30);
INSERT INTO part_of VALUES (20, 1); -- fails
CREATE TABLE kept_1 (id int PRIMARY KEY, p int DEFAULT 1 REFERENCES p);
INSERT INTO kept_1 VALUES (1); -- fails
CREATE TABLE kept_2 (LIKE kept_1 INCLUDING ALL);
INSERT INTO kept_2 VALUES (1);
CREATE TABLE kept_3 () INHERITS (kept_1);
INSERT INTO kept_3 VALUES (1);
ALTER TABLE kept_3 ADD FOREIGN KEY (p) REFERENCES p;
CREATE TABLE heir (id int NOT NULL, p int);
INSERT INTO heir VALUES (7, 1);
ALTER TABLE heir INHERIT kept_1;

-- What renames and defers a key changes nothing of it.
ALTER TABLE c RENAME p TO pp;
ALTER TABLE c RENAME CONSTRAINT c_p_fkey TO "Odd ""key""";
ALTER TABLE c ALTER CONSTRAINT "Odd ""key""" DEFERRABLE INITIALLY DEFERRED;
UPDATE c SET pp = 1 WHERE id = 1; -- fails
ALTER TABLE c ALTER CONSTRAINT "Odd ""key""" NOT DEFERRABLE;
ALTER TABLE p RENAME id TO ident;
ALTER TABLE p RENAME TO "Par ent";
INSERT INTO c VALUES (4, NULL, 1); -- fails
ALTER TABLE c ALTER COLUMN pp SET DEFAULT 1, ALTER COLUMN pp SET NOT NULL;
INSERT INTO c (id) VALUES (4); -- fails
SELECT c.id FROM c JOIN all_p p ON p.ident = c.pp WHERE p.deleted_at IS NOT NULL;
\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_ddl_links CASCADE;
DROP ROLE regress_ddl_links;
