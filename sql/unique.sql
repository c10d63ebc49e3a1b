-- Unique means unique among live rows: constraints and indexes become partial under their own names, and come back.
CREATE ROLE regress_unique_owner;
CREATE SCHEMA regress_unique AUTHORIZATION regress_unique_owner;
SET SESSION AUTHORIZATION regress_unique_owner;
SET search_path = regress_unique;
\pset format unaligned
CREATE VIEW state AS
    SELECT i.indrelid::regclass::text AS relation, pg_get_indexdef(i.indexrelid) AS definition,
           pg_get_constraintdef(k.oid) AS "constraint", obj_description(i.indexrelid, 'pg_class') AS comment,
           obj_description(k.oid, 'pg_constraint') AS constraint_comment, i.indisclustered AS clustered, i.indisvalid AS valid,
           (SELECT array_agg(attstattarget ORDER BY attnum) FROM pg_attribute WHERE attrelid = i.indexrelid) AS statistics
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
    WHERE c.relnamespace = 'regress_unique'::regnamespace ORDER BY 1, c.relname COLLATE "C";

CREATE TABLE things (
    id int PRIMARY KEY, email text, nick text, a int, b int, c int, code int, area int4range, kept int, ident int NOT NULL,
    CONSTRAINT things_email UNIQUE (email) INCLUDE (nick) WITH (fillfactor = 70),
    CONSTRAINT things_nick UNIQUE NULLS NOT DISTINCT (nick, a),
    CONSTRAINT things_ab UNIQUE (a, b) INCLUDE (c) WITH (fillfactor = 60) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT things_nulls UNIQUE NULLS NOT DISTINCT (code) DEFERRABLE,
    CONSTRAINT things_area EXCLUDE USING gist (area WITH &&) WHERE (a > 0) DEFERRABLE,
    CONSTRAINT things_box EXCLUDE USING gist (area WITH -|-),
    CONSTRAINT things_kept UNIQUE (kept),
    CONSTRAINT things_ident UNIQUE (ident));
ALTER TABLE things REPLICA IDENTITY USING INDEX things_ident;
CREATE UNIQUE INDEX things_lower ON things (lower(email) text_pattern_ops DESC NULLS LAST, nick COLLATE "C") WHERE a > 0 AND email <> ' AND (';
ALTER INDEX things_lower ALTER COLUMN 1 SET STATISTICS 500;
CREATE UNIQUE INDEX things_clustered ON things (b, id);
ALTER TABLE things CLUSTER ON things_clustered;
CREATE INDEX things_plain ON things USING hash (c);
CREATE INDEX things_or ON things (c) WHERE (a = 1 OR b = 2);
CREATE INDEX things_bool ON things (c) WHERE a IS NOT NULL AND (b = 1 OR c = 2) AND NOT (b = 3 AND c = 4);
COMMENT ON CONSTRAINT things_email ON things IS 'one account for each address';
COMMENT ON INDEX things_email IS 'used by log-in';
COMMENT ON CONSTRAINT things_ab ON things IS 'deferred';
COMMENT ON CONSTRAINT things_area ON things IS 'no overlaps';
CREATE TABLE pieces (id int PRIMARY KEY, thing int REFERENCES things (kept), other int REFERENCES things, n int, third int,
                     UNIQUE (thing, n), FOREIGN KEY (third) REFERENCES things);
CREATE INDEX pieces_other ON pieces (other, n);
CREATE INDEX pieces_n ON pieces (n);
CREATE TABLE before AS SELECT * FROM state;

SELECT object, action, command FROM softdelete.register('things') WHERE action IN ('keep', 'warning');
SELECT definition, "constraint", comment, valid FROM state WHERE relation = 'things';

-- The column of a foreign key keeps an index on all rows.
SELECT object, action, command FROM softdelete.register('pieces') WHERE action IN ('keep', 'warning');
SELECT definition FROM state WHERE relation = 'pieces';

-- Values of deleted rows are free; those of live rows are not.
INSERT INTO things VALUES (1, 'e', 'n', 1, 1, 1, 1, '[1,5)', 1, 1);
INSERT INTO things VALUES (2, 'e', 'm', 2, 2, 2, 2, '[7,9)', 2, 2); -- fails
INSERT INTO things VALUES (2, 'f', 'n', 1, 2, 2, 2, '[7,9)', 2, 2); -- fails
INSERT INTO things VALUES (2, 'f', 'm', 2, 2, 2, 2, '[4,9)', 2, 2); -- fails
INSERT INTO things VALUES (2, 'f', 'm', 1, 1, 2, 2, '[7,9)', 2, 2); -- fails
BEGIN;
INSERT INTO things VALUES (2, 'f', 'm', 1, 1, 2, 2, '[7,9)', 2, 2);
UPDATE things SET b = 5 WHERE id = 2;
COMMIT;
DELETE FROM things;
INSERT INTO things VALUES (3, 'e', 'n', 1, 1, 1, 3, '[1,5)', 3, 3);

-- ON CONFLICT by columns works as before.
INSERT INTO things (id, email, ident) VALUES (4, 'e', 4) ON CONFLICT (email) DO NOTHING;
INSERT INTO things (id, email, ident) VALUES (4, 'e', 4) ON CONFLICT (email) DO UPDATE SET c = 77;
SELECT id, c FROM things;
INSERT INTO things (id, email, ident) VALUES (4, 'e', 4) ON CONFLICT ON CONSTRAINT things_email DO NOTHING; -- fails

-- Everything comes back as it was, by definition and name.
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('pieces');
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('things', 'purge');
(TABLE state EXCEPT TABLE before) UNION ALL (TABLE before EXCEPT TABLE state);

-- Columns, tables and schemas that are renamed in between are followed.
SELECT count(*) > 0 AS registered FROM softdelete.register('things');
ALTER TABLE things RENAME COLUMN email TO "E-mail";
ALTER TABLE things RENAME COLUMN a TO aa;
ALTER TABLE things RENAME TO stuff;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('stuff');
SELECT definition, "constraint" FROM state WHERE relation = 'stuff';

-- indexes => 'unique' converts what correctness needs, 'none' nothing; 'unique' is the default for visibility 'view'.
CREATE TABLE small (id int PRIMARY KEY, a int UNIQUE, b int);
CREATE INDEX small_b ON small (b);
SELECT count(*) > 0 AS registered FROM softdelete.register('small', indexes => 'unique');
SELECT definition FROM state WHERE relation = 'small';
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('small');
SELECT count(*) > 0 AS registered FROM softdelete.register('small', indexes => 'none');
SELECT definition FROM state WHERE relation = 'small';
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('small');
SELECT count(*) > 0 AS registered FROM softdelete.register('small', visibility => 'view');
SELECT definition FROM state WHERE relation = 'small';
SELECT indexes FROM softdelete.tables WHERE relation = 'small'::regclass;
