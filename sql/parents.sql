-- A live row never newly references a deleted parent: it fails as if the parent were not there.
CREATE ROLE regress_parents;
CREATE SCHEMA regress_parents AUTHORIZATION regress_parents;
SET SESSION AUTHORIZATION regress_parents;
SET search_path = regress_parents;
\set QUIET off

-- One registered parent, children of every kind, registered (r_) and not (u_); 1 is live, 2 is deleted, 3 never was.
CREATE TABLE p (id int PRIMARY KEY, name text);
SELECT count(*) > 0 AS registered FROM softdelete.register('p');
DO $$
DECLARE action text;
BEGIN
    FOREACH action IN ARRAY '{cascade,restrict,no action,set null,set default}'::text[] LOOP
        EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, p int REFERENCES p ON DELETE %s)', 'r_' || action, action);
        EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, p int REFERENCES p ON DELETE %s)', 'u_' || action, action);
        PERFORM softdelete.register(format('%I', 'r_' || action)::regclass);
    END LOOP;
END $$;
INSERT INTO p VALUES (1), (2);
DELETE FROM p WHERE id = 2;

-- What a statement answers.
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d text; c text; t text; count bigint;
BEGIN
    EXECUTE statement;
    GET DIAGNOSTICS count = ROW_COUNT;
    RETURN count || ' rows';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, c = CONSTRAINT_NAME, t = TABLE_NAME;
    RETURN SQLSTATE || ': ' || SQLERRM || ' ' || d || ' (' || t || ', ' || c || ')';
END $$;
CREATE FUNCTION try_all(statement text) RETURNS TABLE ("table" text, answer text) LANGUAGE sql AS $$
    SELECT relname::text, regexp_replace(try(format(statement, relname)), 'table "[ru]_[a-z ]+" violates.*\. \(.*', 'table ...')
    FROM pg_class WHERE relnamespace = 'regress_parents'::regnamespace AND relkind = 'r' AND relname ~ '^[ru]_[a-z ]+$' ORDER BY 1
$$;

-- INSERT: a deleted parent and one that never was give the same error, but for the key.
INSERT INTO r_cascade VALUES (1, 1);
INSERT INTO r_cascade VALUES (2, 2); -- fails
INSERT INTO r_cascade VALUES (2, 3); -- fails
SELECT try('INSERT INTO r_cascade VALUES (2, 2)') = replace(try('INSERT INTO r_cascade VALUES (2, 3)'), '3)', '2)')
    AS same;
SELECT * FROM try_all('INSERT INTO %I VALUES (10, 2)');
SELECT * FROM try_all('INSERT INTO %I VALUES (10, 1), (11, NULL)');

-- UPDATE that points a row to it; one that leaves the link alone or takes it away is free.
SELECT * FROM try_all('UPDATE %I SET p = 2 WHERE id = 10');
SELECT * FROM try_all('UPDATE %I SET p = p, id = 12 WHERE id = 11');
SELECT * FROM try_all('UPDATE %I SET p = NULL WHERE id = 12');

-- A deleted row may reference a deleted parent: an import, and a change of a deleted row.
SELECT count(*) FROM pg_class, LATERAL try(format('INSERT INTO %I (id, p, deleted_at) VALUES (20, 2, ''2020-01-01'')', relname)) t
    WHERE relnamespace = 'regress_parents'::regnamespace AND relname ~ '^r_[a-z ]+$' AND relkind = 'r' AND t = '1 rows';
UPDATE all_r_cascade SET id = 21 WHERE id = 20;
UPDATE all_r_cascade SET p = 1 WHERE id = 21;
UPDATE all_r_cascade SET p = 2 WHERE id = 21;

-- But it cannot come back below it, be it by UPDATE or by the function; SET NULL and SET DEFAULT keep nobody away.
UPDATE r_cascade SET deleted_at = NULL WHERE id = 21; -- fails
SELECT softdelete.restore('r_cascade', 21); -- fails
UPDATE "r_no action" SET deleted_at = NULL WHERE id = 20; -- fails
SELECT softdelete.restore('r_restrict', 20); -- fails
UPDATE "r_set null" SET deleted_at = NULL WHERE id = 20;
SELECT softdelete.restore('"r_set default"', 20);
SELECT p FROM "r_set null" WHERE id = 20;

-- Nor by an UPDATE that sets more than that.
UPDATE all_r_cascade SET deleted_at = NULL, p = 2 WHERE id = 21;
UPDATE all_r_cascade SET deleted_at = NULL, p = 1 WHERE id = 21;
SELECT id, p FROM r_cascade ORDER BY id;

-- COPY.
COPY r_cascade (id, p) FROM stdin;
30	1
31	2
\.
COPY "u_set null" FROM stdin;
30	2
\.

-- INSERT ... SELECT, ON CONFLICT DO NOTHING and DO UPDATE.
INSERT INTO r_cascade SELECT 30 + g, g FROM generate_series(1, 2) g; -- fails
INSERT INTO r_cascade VALUES (40, 2) ON CONFLICT DO NOTHING; -- fails
INSERT INTO r_cascade VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET p = 2; -- fails
INSERT INTO r_cascade VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET p = 1;

-- MERGE.
MERGE INTO r_cascade c USING (VALUES (50, 2)) v (id, p) ON c.id = v.id WHEN NOT MATCHED THEN INSERT (id, p) VALUES (v.id, v.p); -- fails
MERGE INTO r_cascade c USING (VALUES (1, 2)) v (id, p) ON c.id = v.id WHEN MATCHED THEN UPDATE SET p = v.p; -- fails

-- Through a view, and in a WITH query.
INSERT INTO active_r_cascade (id, p) VALUES (60, 2); -- fails
WITH i AS (INSERT INTO r_cascade VALUES (60, 2) RETURNING id) SELECT * FROM i; -- fails

-- A parent that goes in the same transaction, or in the same statement.
INSERT INTO p VALUES (4), (5);
BEGIN;
DELETE FROM p WHERE id = 4;
INSERT INTO r_cascade VALUES (70, 4); -- fails
ROLLBACK;
WITH d AS (DELETE FROM p WHERE id = 4) INSERT INTO r_cascade VALUES (70, 4); -- fails
SELECT id FROM p WHERE id = 4;

-- A row that a trigger changes right after its insert is still judged.
CREATE TABLE touched (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE, note text);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN UPDATE regress_parents.touched SET note = ''touched'' WHERE id = NEW.id; RETURN NULL; END';
CREATE TRIGGER a_touch AFTER INSERT ON touched FOR EACH ROW EXECUTE FUNCTION touch();
SELECT count(*) > 0 AS registered FROM softdelete.register('touched');
INSERT INTO touched VALUES (1, 2); -- fails
INSERT INTO touched VALUES (1, 1);
SELECT id, p, note FROM touched;

-- ON UPDATE: the children follow the parent's new key, deleted ones as well.
CREATE TABLE q (id int PRIMARY KEY);
CREATE TABLE qc (id int PRIMARY KEY, q int REFERENCES q ON UPDATE CASCADE ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('q', cascade => true);
INSERT INTO q VALUES (1), (2);
INSERT INTO qc VALUES (1, 1), (2, 1), (3, 2);
DELETE FROM qc WHERE id = 2;
UPDATE q SET id = 10 WHERE id = 1;
DELETE FROM q WHERE id = 2;
UPDATE all_q SET id = 20 WHERE id = 2;
SELECT id, q, deleted_at IS NULL AS live FROM all_qc ORDER BY id;
SELECT softdelete.restore('qc', 2);
SELECT softdelete.restore('q', 20);
SELECT id, q FROM qc ORDER BY id;

-- ON UPDATE NO ACTION asks deleted children, too: their restore needs the key.
UPDATE p SET id = 6 WHERE id = 1; -- fails

-- A deferred key is judged at the end of the transaction, by what is there then.
CREATE TABLE d (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, note text);
CREATE TABLE ud (id int PRIMARY KEY, p int REFERENCES p DEFERRABLE, note text);
SELECT count(*) > 0 AS registered FROM softdelete.register('d');
BEGIN;
INSERT INTO d VALUES (1, 2);
COMMIT; -- fails
BEGIN;
INSERT INTO d VALUES (1, 2);
SELECT softdelete.restore('p', 2);
COMMIT;
DELETE FROM p WHERE id = 2;
SELECT id FROM d;
BEGIN;
INSERT INTO d VALUES (2, 2);
UPDATE d SET p = 1 WHERE id = 2;
COMMIT;
BEGIN;
INSERT INTO d VALUES (3, 2);
DELETE FROM d WHERE id = 3;
COMMIT;
SELECT id, p FROM d ORDER BY id;

-- What changed since is still judged.
BEGIN;
INSERT INTO d VALUES (4, 2);
UPDATE d SET note = 'changed since' WHERE id = 4;
UPDATE d SET note = 'and again' WHERE id = 4;
COMMIT; -- fails
BEGIN;
UPDATE d SET p = 2 WHERE id = 2;
SAVEPOINT s;
UPDATE d SET p = 1 WHERE id = 2;
ROLLBACK TO s;
COMMIT; -- fails
BEGIN;
UPDATE d SET deleted_at = NULL WHERE id = 1;
UPDATE d SET note = 'changed since' WHERE id = 1;
COMMIT; -- fails

-- SET CONSTRAINTS reaches it with its key.
BEGIN;
SET CONSTRAINTS d_p_fkey IMMEDIATE;
INSERT INTO d VALUES (5, 2); -- fails
ROLLBACK;
BEGIN;
SET CONSTRAINTS ud_p_fkey DEFERRED;
INSERT INTO ud VALUES (5, 2);
SET CONSTRAINTS ud_p_fkey IMMEDIATE; -- fails
ROLLBACK;
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO ud VALUES (5, 2);
COMMIT; -- fails
INSERT INTO ud VALUES (5, 2); -- fails

-- A table that references itself.
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('tree');
INSERT INTO tree VALUES (1, 1), (2, 1), (3, 2);
DELETE FROM tree WHERE id = 2;
INSERT INTO tree VALUES (4, 2); -- fails
INSERT INTO tree VALUES (5, 6), (6, 5);
UPDATE tree SET deleted_at = NULL WHERE id = 3; -- fails
UPDATE tree SET deleted_at = NULL WHERE id IN (2, 3);
SELECT id FROM tree ORDER BY id;

-- Composite keys: a NULL in one column is no link.
CREATE TABLE p2 (a int, b text, PRIMARY KEY (b, a));
CREATE TABLE c2 (id int PRIMARY KEY, x int, y text, FOREIGN KEY (x, y) REFERENCES p2 (a, b) ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('p2', cascade => true);
INSERT INTO p2 VALUES (1, 'a'), (1, 'b'), (2, 'a');
DELETE FROM p2 WHERE a = 1 AND b = 'a';
INSERT INTO c2 VALUES (1, 1, 'a'); -- fails
INSERT INTO c2 VALUES (1, 1, NULL), (2, NULL, 'a'), (3, 1, 'b'), (4, 2, 'a');
UPDATE c2 SET y = 'a' WHERE x = 1; -- fails
UPDATE c2 SET x = 2 WHERE y = 'a';
SELECT id, x, y FROM c2 ORDER BY id;

-- Keys of another type than the columns that reference them, and a key to a UNIQUE constraint.
CREATE TABLE big (id bigint PRIMARY KEY, code varchar(5) UNIQUE);
CREATE TABLE of_big (id int PRIMARY KEY, big int REFERENCES big, code text REFERENCES big (code));
SELECT count(*) > 0 AS registered FROM softdelete.register('big');
INSERT INTO big VALUES (1, 'x'), (2, 'y');
DELETE FROM big WHERE id = 2;
INSERT INTO of_big VALUES (1, 2, NULL); -- fails
INSERT INTO of_big VALUES (1, NULL, 'y'); -- fails
INSERT INTO of_big VALUES (1, 1, 'x');

-- Partitioned parents and children.
CREATE TABLE pp (r int, id int, PRIMARY KEY (r, id)) PARTITION BY LIST (r);
CREATE TABLE pp1 PARTITION OF pp FOR VALUES IN (1);
CREATE TABLE pp2 (id int NOT NULL, r int NOT NULL);
ALTER TABLE pp ATTACH PARTITION pp2 FOR VALUES IN (2);
CREATE TABLE pc (k int, r int, p int, FOREIGN KEY (r, p) REFERENCES pp ON DELETE CASCADE) PARTITION BY LIST (k);
CREATE TABLE pc1 PARTITION OF pc FOR VALUES IN (1);
CREATE TABLE pc2 (p int, k int, r int);
ALTER TABLE pc ATTACH PARTITION pc2 FOR VALUES IN (2);
SELECT count(*) > 0 AS registered FROM softdelete.register('pp', cascade => true);
INSERT INTO pp SELECT r, id FROM generate_series(1, 2) r, generate_series(1, 2) id;
DELETE FROM pp WHERE id = 2;
INSERT INTO pc VALUES (1, 1, 2); -- fails
INSERT INTO pc VALUES (2, 2, 2); -- fails
INSERT INTO pc2 (k, r, p) VALUES (2, 1, 2); -- fails
INSERT INTO pc VALUES (1, 1, 1), (2, 2, 1);
UPDATE pc SET p = 2 WHERE k = 2; -- fails
UPDATE pc SET k = 1 WHERE k = 2;
UPDATE pc SET k = 3 - k, p = 2; -- fails
CREATE TABLE pc3 PARTITION OF pc FOR VALUES IN (3);
INSERT INTO pc VALUES (3, 1, 2); -- fails

-- New rows of a partition that was attached later.
CREATE TABLE pc4 (k int, r int, p int, deleted_at timestamptz, deleted_by text, deletion_id bigint);
INSERT INTO pc4 VALUES (4, 1, 1);
ALTER TABLE pc ATTACH PARTITION pc4 FOR VALUES IN (4);
INSERT INTO pc4 VALUES (4, 2, 2); -- fails

-- A key that is added later, or renamed.
CREATE TABLE later (id int PRIMARY KEY, p int);
SELECT count(*) > 0 AS registered FROM softdelete.register('later');
ALTER TABLE later ADD CONSTRAINT first_name FOREIGN KEY (p) REFERENCES p ON DELETE CASCADE;
INSERT INTO later VALUES (1, 2); -- fails
ALTER TABLE later RENAME CONSTRAINT first_name TO "Second; name's";
INSERT INTO later VALUES (1, 2); -- fails
INSERT INTO later VALUES (1, 1), (2, 5);
DELETE FROM p WHERE id = 5;
SELECT id FROM later;

-- Who may not read the parent does not learn whether its row is deleted or never was: the error is the same, and shows
-- values to whom the server would show them, who may read the child.
RESET SESSION AUTHORIZATION;
CREATE ROLE regress_parents_clerk;
SET SESSION AUTHORIZATION regress_parents;
GRANT USAGE ON SCHEMA regress_parents TO regress_parents_clerk;
GRANT INSERT ON r_cascade TO regress_parents_clerk;
SET SESSION AUTHORIZATION regress_parents_clerk;
INSERT INTO r_cascade VALUES (90, 2); -- fails
INSERT INTO r_cascade VALUES (90, 1);
INSERT INTO r_cascade VALUES (91, 12345); -- fails
SET SESSION AUTHORIZATION regress_parents;
GRANT SELECT ON r_cascade TO regress_parents_clerk;
SET SESSION AUTHORIZATION regress_parents_clerk;
INSERT INTO r_cascade VALUES (91, 2); -- fails
INSERT INTO r_cascade VALUES (91, 12345); -- fails

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_parents CASCADE;
DROP ROLE regress_parents, regress_parents_clerk;
