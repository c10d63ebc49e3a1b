-- Any look-up in a catalog may take in an invalidation, which frees what the relation cache holds of tables that are
-- open. On a server with assertions each look-up does so here, and freed memory is overwritten; elsewhere these are
-- ordinary statements of each kind.
CREATE ROLE regress_cache;
CREATE SCHEMA regress_cache AUTHORIZATION regress_cache;
SET search_path = regress_cache;
SET client_min_messages = error;
SET ROLE regress_cache;
CREATE TABLE a (id int PRIMARY KEY, up int REFERENCES a ON DELETE CASCADE);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON UPDATE CASCADE ON DELETE CASCADE, code text UNIQUE);
CREATE TABLE p (part int, id int, a int REFERENCES a ON DELETE CASCADE, PRIMARY KEY (part, id)) PARTITION BY LIST (part);
CREATE TABLE p0 PARTITION OF p FOR VALUES IN (0);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE n (id int PRIMARY KEY, b int REFERENCES b DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.code := NEW.code || ''.''; RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE OF code ON b FOR EACH ROW EXECUTE FUNCTION touch();
SELECT count(*) > 0 AS registered FROM unnest('{a, b, p, n}'::regclass[]) t, LATERAL softdelete.register(t);
SELECT count(*) > 0 AS secured FROM softdelete.configure('n', visibility => 'rls');
INSERT INTO a SELECT g, nullif(g / 3, 0) FROM generate_series(1, 20) g;
INSERT INTO b SELECT g, g, 'c' || g FROM generate_series(1, 20) g;
INSERT INTO p SELECT g % 2, g, g FROM generate_series(1, 20) g;
RESET ROLE;
SELECT count(set_config('debug_discard_caches', current_setting('debug_assertions')::bool::int::text, false)) AS set;
SET ROLE regress_cache;

-- Cascades over a table's own key, partitions and restore.
DELETE FROM a WHERE id BETWEEN 3 AND 4;
SELECT count(*) FROM a;
SELECT softdelete.restore('a', 3);
DELETE FROM p0 WHERE id = 14;
UPDATE p SET part = 1 WHERE id = 16;

-- Deletion and restore by UPDATE, with a trigger of the user's, and what is no deletion.
UPDATE b SET deleted_at = now() WHERE id = 5;
UPDATE b SET deleted_at = NULL WHERE id = 5;
UPDATE b SET id = id, code = 'x' WHERE id = 20;
MERGE INTO b USING (VALUES (6)) v (i) ON b.id = v.i WHEN MATCHED THEN DELETE;
INSERT INTO b VALUES (7, 1, 'y') ON CONFLICT (id) DO UPDATE SET code = excluded.code;

-- Checks of keys, at once and at COMMIT.
INSERT INTO n VALUES (1, 5), (2, 6); -- fails
INSERT INTO n VALUES (1, 5);
BEGIN;
DELETE FROM b WHERE id = 5;
DELETE FROM n WHERE id = 1;
COMMIT;

-- What follows DDL.
ALTER TABLE b ADD COLUMN more int UNIQUE;
CREATE INDEX ON p (a);
ALTER TABLE n DROP CONSTRAINT n_b_fkey;
ALTER TABLE n ADD FOREIGN KEY (b) REFERENCES b;

-- A history.
SELECT softdelete.track_history('n') IS NOT NULL AS tracked;
INSERT INTO n VALUES (3, NULL);
UPDATE n SET id = 4 WHERE id = 3;
ALTER TABLE n ADD COLUMN more int;
DELETE FROM n WHERE id = 4;
SELECT kind, (new ->> 'deleted_at') IS NOT NULL AS deleted FROM softdelete.history_of('n', 4);
SELECT softdelete.untrack_history('n');

-- Commands on rows.
SELECT softdelete.hold('b', 'a case', 6) IS NOT NULL AS held;
CALL softdelete.purge('n');
SELECT count(*) FROM softdelete.repair('b');

\set QUIET on
RESET ROLE;
RESET debug_discard_caches;
SELECT softdelete.release(id) FROM softdelete.holds \g /dev/null
DROP SCHEMA regress_cache CASCADE;
DROP ROLE regress_cache;
