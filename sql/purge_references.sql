-- A purge leaves no reference to a row that is gone, whatever kind of foreign key leads to it, and takes no row that
-- something references. Rows are counted from the referencing side.
CREATE ROLE regress_purge_ref;
CREATE SCHEMA regress_purge_ref AUTHORIZATION regress_purge_ref;
SET SESSION AUTHORIZATION regress_purge_ref;
SET search_path = regress_purge_ref;
\set QUIET off
CREATE FUNCTION age(days int) RETURNS timestamptz LANGUAGE sql AS $$ SELECT now() - make_interval(days => days) $$;
CREATE FUNCTION look() RETURNS TABLE (relation regclass, removed bigint, blocked bigint, blockers jsonb) LANGUAGE sql AS $$
    SELECT l.relation, l.removed, l.blocked, l.blockers FROM softdelete.purge_log l
    WHERE l.relation IN (SELECT oid FROM pg_class WHERE relnamespace = 'regress_purge_ref'::regnamespace)
    ORDER BY l.id $$;

-- One table, referenced in all ways at once: by two columns, by a registered table, one that refuses, one whose links go,
-- one whose rows go natively, and one behind that. 1, 3, 5 and 6 are kept, each in another way.
CREATE TABLE "Ro'ots" (id int, "Sub Id" text DEFAULT 'a', UNIQUE (id, "Sub Id"), PRIMARY KEY (id));
CREATE TABLE pairs (id int PRIMARY KEY, root int, sub text, FOREIGN KEY (root, sub) REFERENCES "Ro'ots" (id, "Sub Id"));
CREATE TABLE registered (id int PRIMARY KEY, root int REFERENCES "Ro'ots" ON DELETE CASCADE);
CREATE TABLE refusing (id int PRIMARY KEY, root int REFERENCES "Ro'ots" ON DELETE RESTRICT DEFERRABLE);
CREATE TABLE links (id int PRIMARY KEY, root int REFERENCES "Ro'ots" ON DELETE SET NULL);
CREATE TABLE native (id int PRIMARY KEY, root int REFERENCES "Ro'ots" ON DELETE CASCADE);
CREATE TABLE behind (id int PRIMARY KEY, native int REFERENCES native ON DELETE CASCADE);
INSERT INTO "Ro'ots" SELECT g FROM generate_series(1, 9) g;
INSERT INTO links SELECT g, g FROM generate_series(1, 9) g;
INSERT INTO native SELECT g, g FROM generate_series(4, 9) g;
SELECT count(*) > 0 AS registered FROM softdelete.register('"Ro''ots"', retention => '30 days');
SELECT count(*) > 0 AS registered FROM softdelete.register('registered', retention => '30 days');
SELECT count(*) > 0 AS registered FROM softdelete.register('behind', retention => '30 days');
SELECT count(*) > 0 AS registered FROM softdelete.register('refusing');
SELECT count(*) > 0 AS registered FROM softdelete.register('pairs');
INSERT INTO pairs (id, root, sub, deleted_at) VALUES (1, 1, 'a', age(400)), (2, 2, NULL, age(400));
INSERT INTO refusing (id, root, deleted_at) VALUES (3, 3, age(400));
INSERT INTO registered (id, root, deleted_at) VALUES (5, 5, age(10)), (7, 7, age(40));
INSERT INTO behind (id, native, deleted_at) VALUES (6, 6, age(10)), (8, 8, age(40));
UPDATE "Ro'ots" SET deleted_at = age(40);
CALL softdelete.purge('"Ro''ots"');
SELECT * FROM look();
SELECT array_agg(id ORDER BY id) AS roots FROM "all_Ro'ots";
SELECT id, root FROM links ORDER BY id;
SELECT array_agg(root ORDER BY id) AS native FROM native;
SELECT array_agg(root ORDER BY id) AS registered FROM all_registered;
SELECT array_agg(native ORDER BY id) AS behind FROM all_behind;

-- A trigger of the owner's that adds a reference while its row goes: the foreign key sees it.
CREATE TABLE heads (id int PRIMARY KEY);
CREATE TABLE tails (id int PRIMARY KEY, head int REFERENCES heads ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('heads', retention => '30 days', cascade => true);
CREATE FUNCTION add_tail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO regress_purge_ref.tails (id, head, deleted_at) VALUES (old.id, old.id, now());
    RETURN old;
END $$;
CREATE TRIGGER add_tail BEFORE DELETE ON heads FOR EACH ROW WHEN (old.id = 2) EXECUTE FUNCTION add_tail();
INSERT INTO heads (id, deleted_at) SELECT g, age(40) FROM generate_series(1, 3) g;
CALL softdelete.purge('heads');
SELECT removed, blocked, blockers FROM look() WHERE relation = 'heads'::regclass;
SELECT array_agg(id) AS heads FROM all_heads;
SELECT count(*) AS tails FROM all_tails;

-- Partitions of both sides.
CREATE TABLE wholes (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE whole_1 PARTITION OF wholes FOR VALUES FROM (0) TO (10);
CREATE TABLE whole_2 PARTITION OF wholes FOR VALUES FROM (10) TO (20);
CREATE TABLE parts (id int PRIMARY KEY, whole int REFERENCES wholes ON DELETE CASCADE) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
SELECT count(*) > 0 AS registered FROM softdelete.register('wholes', retention => '30 days', cascade => true);
INSERT INTO wholes (id, deleted_at) SELECT g, age(40) FROM generate_series(1, 19) g;
INSERT INTO parts (id, whole, deleted_at) SELECT 20 - g, g, CASE WHEN g % 3 = 0 THEN age(10) ELSE age(40) END
    FROM generate_series(1, 19) g;
CALL softdelete.purge('wholes', batch_size => 4);
SELECT relation, sum(removed) AS removed, sum(blocked) AS blocked FROM look()
    WHERE relation IN ('wholes'::regclass, 'parts'::regclass) GROUP BY relation ORDER BY relation;
SELECT array_agg(id ORDER BY id) AS wholes FROM all_wholes;
SELECT array_agg(whole ORDER BY whole) AS parts FROM all_parts;

-- A foreign key that is added later counts at once.
ALTER TABLE tails ADD COLUMN other int REFERENCES wholes;
INSERT INTO wholes (id, deleted_at) SELECT g, age(40) FROM generate_series(1, 2) g;
INSERT INTO tails (id, other, deleted_at) VALUES (10, 1, age(1));
CALL softdelete.purge('wholes');
SELECT array_agg(id ORDER BY id) AS wholes FROM all_wholes WHERE id < 3;
