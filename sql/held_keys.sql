-- The keys that carry a hold down from its row: whatever a command does to them or to their columns, on either side and
-- through whatever table, rows stay on hold. What does not concern held rows runs.
CREATE ROLE regress_held_keys;
CREATE SCHEMA regress_held_keys AUTHORIZATION regress_held_keys;
SELECT setval('softdelete_internal.hold_id_seq', 700);
SET SESSION AUTHORIZATION regress_held_keys;
SET search_path = regress_held_keys;
SET client_min_messages = error;
\set QUIET off
\set VERBOSITY default

-- Row 1 of p is on hold, and with it what is below it in c1.
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int, pid int CONSTRAINT c_pid_fkey REFERENCES p ON DELETE CASCADE) PARTITION BY LIST (id);
CREATE TABLE c1 PARTITION OF c FOR VALUES IN (1);
CREATE TABLE c2 PARTITION OF c FOR VALUES IN (2);
INSERT INTO p VALUES (1), (2);
INSERT INTO c VALUES (1, 1), (2, 2);
SELECT count(*) > 0 AS registered FROM softdelete.register('p', retention => '0');
SELECT softdelete.hold('p', 'law', 1) > 0 AS held;

-- A transaction changes the key before it drops it.
BEGIN;
ALTER TABLE c DETACH PARTITION c1;
ALTER TABLE c1 DROP CONSTRAINT c_pid_fkey; -- fails
ROLLBACK;
BEGIN;
ALTER TABLE c DETACH PARTITION c2;
ALTER TABLE c2 DROP CONSTRAINT c_pid_fkey;
ROLLBACK;
BEGIN;
ALTER TABLE c RENAME CONSTRAINT c_pid_fkey TO later;
ALTER TABLE c ALTER CONSTRAINT later DEFERRABLE;
ALTER TABLE c DROP CONSTRAINT later; -- fails
ROLLBACK;

-- So does a subtransaction that is rolled back, and a second try at the drop.
BEGIN;
SAVEPOINT a;
ALTER TABLE c RENAME CONSTRAINT c_pid_fkey TO later;
ROLLBACK TO a;
ALTER TABLE c RENAME CONSTRAINT c_pid_fkey TO sooner;
SAVEPOINT b;
ALTER TABLE c DROP CONSTRAINT sooner; -- fails
ROLLBACK TO b;
ALTER TABLE c DROP CONSTRAINT sooner; -- fails
ROLLBACK;

-- A primary key that got another name beforehand.
BEGIN;
ALTER TABLE p RENAME CONSTRAINT p_pkey TO p_key;
ALTER TABLE p DROP CONSTRAINT p_key CASCADE; -- fails
ROLLBACK;

-- A key of one partition keeps what is in that partition; the error names it.
ALTER TABLE c2 ADD CONSTRAINT only_c2 FOREIGN KEY (pid) REFERENCES p ON DELETE CASCADE;
ALTER TABLE c DROP CONSTRAINT c_pid_fkey; -- fails
ALTER TABLE c2 DROP CONSTRAINT only_c2;
ALTER TABLE c1 ADD CONSTRAINT only_c1 FOREIGN KEY (pid) REFERENCES p ON DELETE CASCADE;
ALTER TABLE c1 DROP CONSTRAINT only_c1;
ALTER TABLE c1 ADD CONSTRAINT only_c1 FOREIGN KEY (pid) REFERENCES p ON DELETE CASCADE;
ALTER TABLE c DROP CONSTRAINT c_pid_fkey;
ALTER TABLE c1 DROP CONSTRAINT only_c1; -- fails
UPDATE c SET pid = 2 WHERE id = 1;
INSERT INTO c2 VALUES (2, 1);
ALTER TABLE c1 DROP CONSTRAINT only_c1;

-- A key to one partition carries down holds on the rows of that partition.
CREATE TABLE q (id int PRIMARY KEY, code int) PARTITION BY LIST (id);
CREATE TABLE q1 PARTITION OF q (UNIQUE (code)) FOR VALUES IN (1, 3);
CREATE TABLE q2 PARTITION OF q FOR VALUES IN (2);
CREATE TABLE qc (code int CONSTRAINT qc_fkey REFERENCES q1 (code) ON DELETE CASCADE);
INSERT INTO q VALUES (1, 10), (2, 10), (3, 30);
INSERT INTO qc VALUES (10);
SELECT count(*) > 0 AS registered FROM softdelete.register('q', retention => '0', indexes => 'none');
SELECT softdelete.hold('q', 'law', 2) > 0 AS held;
ALTER TABLE qc DROP CONSTRAINT qc_fkey;
ALTER TABLE qc ADD CONSTRAINT qc_fkey FOREIGN KEY (code) REFERENCES q1 (code) ON DELETE CASCADE;
SELECT softdelete.hold('q', 'law', 1) > 0 AS held;
ALTER TABLE qc DROP CONSTRAINT qc_fkey; -- fails

-- The referencing column changes through a table that it is inherited from, at any depth, or through a type.
CREATE TABLE hp (id int PRIMARY KEY);
CREATE TABLE base (x int);
CREATE TABLE middle () INHERITS (base);
CREATE TABLE kid (id int PRIMARY KEY, FOREIGN KEY (x) REFERENCES hp ON DELETE CASCADE) INHERITS (middle);
INSERT INTO hp VALUES (1), (2);
INSERT INTO kid VALUES (1, 1), (2, 2);
SELECT count(*) > 0 AS registered FROM softdelete.register('hp', retention => '0');
SELECT softdelete.hold('hp', 'law', 1) > 0 AS held;
ALTER TABLE kid ALTER x TYPE int USING 3 - x; -- fails
ALTER TABLE middle ALTER x TYPE int USING 3 - x; -- fails
ALTER TABLE base ALTER x TYPE int USING 3 - x; -- fails
SET row_security = off;
ALTER TABLE base ALTER x TYPE int USING 3 - x; -- fails
RESET row_security;
ALTER TABLE base ALTER x TYPE bigint;
CREATE TYPE shape AS (id int, x numeric(3, 1));
CREATE TABLE np (id numeric PRIMARY KEY);
CREATE TABLE typed OF shape (FOREIGN KEY (x) REFERENCES np ON DELETE CASCADE);
INSERT INTO np VALUES (1.4), (1);
INSERT INTO typed VALUES (1, 1.4);
SELECT count(*) > 0 AS registered FROM softdelete.register('np', retention => '0');
SELECT softdelete.hold('np', 'law', 1.4) > 0 AS held;
ALTER TYPE shape ALTER ATTRIBUTE x TYPE int CASCADE; -- fails: rounds
ALTER TYPE shape ALTER ATTRIBUTE x TYPE numeric CASCADE;
ALTER TYPE shape ALTER ATTRIBUTE id TYPE text CASCADE;

-- The referenced column changes: a unique one of the held row, and the primary key of a row that is held through it.
CREATE TABLE up (id int PRIMARY KEY, code int UNIQUE, v int);
CREATE TABLE uc (id int PRIMARY KEY, code int REFERENCES up (code) ON DELETE CASCADE);
CREATE TABLE ud (id int PRIMARY KEY, uc int REFERENCES uc ON DELETE CASCADE);
CREATE TABLE un (code int REFERENCES up (code) ON DELETE SET NULL);
INSERT INTO up VALUES (1, 1), (2, 2);
INSERT INTO uc VALUES (1, 1), (2, 2);
INSERT INTO ud VALUES (1, 1), (2, 2);
SELECT count(*) > 0 AS registered FROM softdelete.register('up', indexes => 'none');
SELECT softdelete.hold('up', 'law', 1) AS hold \gset
ALTER TABLE up ALTER code TYPE int USING 3 - code; -- fails
ALTER TABLE uc ALTER id TYPE int USING 3 - id; -- fails
ALTER TABLE uc ALTER code TYPE real; -- fails: may round
ALTER TABLE up ALTER v TYPE int USING 3 - v;
ALTER TABLE ud ALTER id TYPE int USING 3 - id;
ALTER TABLE up ALTER code TYPE bigint;
ALTER TABLE up ALTER missing TYPE int USING 1; -- fails
SELECT softdelete.release(:hold);
ALTER TABLE up ALTER code TYPE int USING 3 - code;

-- Another type, length or collation may part what was equal, or join what was not: of the held row's own key, in each way
-- to say it.
RESET SESSION AUTHORIZATION;
CREATE COLLATION regress_held_keys.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SET SESSION AUTHORIZATION regress_held_keys;
CREATE DOMAIN bytewise AS text COLLATE "C";
CREATE DOMAIN caseless AS text COLLATE ci;
CREATE TABLE kc (k text COLLATE ci PRIMARY KEY);
INSERT INTO kc VALUES ('ADA');
SELECT count(*) > 0 AS registered FROM softdelete.register('kc', retention => '0');
SELECT softdelete.hold('kc', 'law', 'ADA') AS hold \gset
UPDATE kc SET k = 'ada';
ALTER TABLE kc ALTER k TYPE text COLLATE "C"; -- fails
ALTER TABLE kc ALTER k TYPE text; -- fails
ALTER TABLE kc ALTER k TYPE varchar; -- fails
ALTER TABLE kc ALTER k TYPE bytewise; -- fails
ALTER TABLE kc ALTER k TYPE text COLLATE ci USING k; -- fails
ALTER TABLE kc ALTER k TYPE text COLLATE nowhere; -- fails
ALTER TABLE kc ALTER k TYPE varchar COLLATE ci;
ALTER TABLE kc ALTER k TYPE caseless;
ALTER TABLE kc ALTER k TYPE text COLLATE ci;
DELETE FROM kc;
CALL softdelete.purge('kc');
SELECT k FROM all_kc;
SELECT softdelete.release(:hold);
ALTER TABLE kc ALTER k TYPE text COLLATE "C";

-- One that compares bytes stays as strict with another such collation, and no longer with one that does not.
CREATE TABLE kb (k text PRIMARY KEY);
INSERT INTO kb VALUES ('x ');
SELECT count(*) > 0 AS registered FROM softdelete.register('kb', retention => '0');
SELECT softdelete.hold('kb', 'law', 'x ') > 0 AS held;
ALTER TABLE kb ALTER k TYPE text COLLATE ci; -- fails
ALTER TABLE kb ALTER k TYPE caseless; -- fails
ALTER TABLE kb ALTER k TYPE varchar(1); -- fails: cuts blanks off
ALTER TABLE kb ALTER k TYPE bytewise;
ALTER TABLE kb ALTER k TYPE text COLLATE "POSIX";
ALTER TABLE kb ALTER k TYPE varchar;

-- Numbers that are equal may be different texts.
CREATE TABLE kn (k numeric PRIMARY KEY);
INSERT INTO kn VALUES (1.0);
SELECT count(*) > 0 AS registered FROM softdelete.register('kn', retention => '0');
SELECT softdelete.hold('kn', 'law', '1.0') AS hold \gset
UPDATE kn SET k = 1.00;
ALTER TABLE kn ALTER k TYPE text; -- fails

-- The columns of a key that holds go along, on either side, through partitions and what is inherited.
CREATE TABLE lp (id int PRIMARY KEY, k text COLLATE ci UNIQUE);
CREATE TABLE lc (id int PRIMARY KEY, k text COLLATE ci);
CREATE TABLE lc_base (k text COLLATE ci);
ALTER TABLE lc ADD FOREIGN KEY (k) REFERENCES lp (k) ON DELETE CASCADE;
CREATE TABLE lb (k text COLLATE ci PRIMARY KEY);
CREATE TABLE lc_kid (id int PRIMARY KEY, FOREIGN KEY (k) REFERENCES lb ON DELETE CASCADE) INHERITS (lc_base);
CREATE TABLE lc_parted (id int, k text COLLATE ci REFERENCES lp (k) ON DELETE CASCADE) PARTITION BY LIST (id);
CREATE TABLE lc_part PARTITION OF lc_parted FOR VALUES IN (1);
CREATE TABLE l_null (k text COLLATE ci REFERENCES lp (k) ON DELETE SET NULL);
INSERT INTO lp VALUES (1, 'ADA');
INSERT INTO lc VALUES (1, 'ada');
INSERT INTO lb VALUES ('ADA');
INSERT INTO lc_kid VALUES ('ada', 1);
INSERT INTO lc_parted VALUES (1, 'ada');
SELECT count(*) > 0 AS registered FROM softdelete.register('lp', cascade => true, retention => '0', indexes => 'none');
SELECT count(*) > 0 AS registered FROM softdelete.register('lb', retention => '0');
SELECT softdelete.hold('lp', 'law', 1) > 0 AND softdelete.hold('lb', 'law', 'ADA') > 0 AS held;
ALTER TABLE lp ALTER k TYPE text COLLATE "C"; -- fails
ALTER TABLE lp ALTER k TYPE varchar; -- fails
ALTER TABLE lc ALTER k TYPE text COLLATE "C"; -- fails
ALTER TABLE lc_base ALTER k TYPE text COLLATE "C"; -- fails
ALTER TABLE lc_parted ALTER k TYPE text COLLATE "C"; -- fails
ALTER TABLE l_null ALTER k TYPE varchar(9) COLLATE ci;
ALTER TABLE lp ALTER k TYPE varchar COLLATE ci;
DELETE FROM lp;
CALL softdelete.purge();
SELECT (SELECT count(*) FROM all_lp) AS lp, (SELECT count(*) FROM all_lc) AS lc, (SELECT count(*) FROM all_lc_parted) AS lc_parted;

-- An enum within a multirange.
CREATE TYPE color AS ENUM ('red', 'green');
CREATE TYPE colors AS RANGE (subtype = color, multirange_type_name = palette);
CREATE TABLE e (id palette PRIMARY KEY);
INSERT INTO e VALUES ('{[red,green]}');
SELECT count(*) > 0 AS registered FROM softdelete.register('e', retention => '0');
SELECT softdelete.hold('e', 'law', '{[red,green]}') > 0 AS held;
ALTER TYPE color RENAME VALUE 'red' TO 'blue'; -- fails

-- A removal by hand beside a held row reads the catalog's keys once, however many rows it removes.
CREATE TABLE pp (id int PRIMARY KEY);
CREATE TABLE pc (id int PRIMARY KEY, pid int REFERENCES pp ON DELETE SET NULL);
CREATE INDEX ON pc (pid);
INSERT INTO pp SELECT generate_series(1, 202);
INSERT INTO pc VALUES (1, 202);
SELECT count(*) > 0 AS registered FROM softdelete.register('pp', retention => '0');
SELECT count(*) > 0 AS registered FROM softdelete.register('pc', retention => '0');
SELECT softdelete.hold('pc', 'law', 1) > 0 AS held;
DELETE FROM pp;
CREATE FUNCTION count_scans() RETURNS bigint LANGUAGE sql AS $$
    SELECT seq_scan + idx_scan FROM pg_stat_xact_sys_tables WHERE relid = 'pg_constraint'::regclass $$;
BEGIN;
SELECT count_scans() AS before \gset
DELETE FROM pp WHERE deleted_at IS NOT NULL AND id <= 1;
SELECT count_scans() - :before AS one, count_scans() AS before \gset
DELETE FROM pp WHERE deleted_at IS NOT NULL AND id <= 201;
SELECT count_scans() - :before < :one + 20 AS is_once;
COMMIT;
DELETE FROM pp WHERE deleted_at IS NOT NULL; -- fails

SELECT count(softdelete.release(id)) AS released FROM softdelete.holds WHERE released_at IS NULL;
RESET SESSION AUTHORIZATION;
\set VERBOSITY terse
DROP SCHEMA regress_held_keys CASCADE;
DROP ROLE regress_held_keys;
