-- Erasure removes one subject's row and what belongs to it for good, and proves it without keeping the data.
CREATE ROLE regress_erase;
CREATE ROLE regress_erase_other;
CREATE SCHEMA regress_erase AUTHORIZATION regress_erase;
CREATE SCHEMA regress_erase_other AUTHORIZATION regress_erase_other;
GRANT USAGE ON SCHEMA regress_erase_other TO regress_erase;
GRANT USAGE ON SCHEMA regress_erase TO regress_erase_other;
SELECT setval('softdelete_internal.hold_id_seq', 200);
SET SESSION AUTHORIZATION regress_erase;
SET search_path = regress_erase;
\set QUIET off
\pset null '(null)'

-- A tree with everything in it: registered and unregistered tables, live and deleted rows, links that are dissolved, a
-- diamond, a table of another owner.
CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE posts (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE CASCADE, title text);
CREATE TABLE files (id int PRIMARY KEY, post int REFERENCES posts ON DELETE CASCADE); -- stays unregistered
CREATE TABLE likes (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE CASCADE, file int REFERENCES files ON DELETE CASCADE);
CREATE TABLE orders (id int PRIMARY KEY, "user" int REFERENCES users ON DELETE SET NULL, seller int DEFAULT 9 REFERENCES users ON DELETE SET DEFAULT);
GRANT REFERENCES ON users TO regress_erase_other;
SET SESSION AUTHORIZATION regress_erase_other;
CREATE TABLE regress_erase_other.notes (id int PRIMARY KEY, "user" int REFERENCES regress_erase.users ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('regress_erase_other.notes');
INSERT INTO regress_erase_other.notes VALUES (1, NULL), (2, NULL);
SET SESSION AUTHORIZATION regress_erase;
SELECT count(*) > 0 AS registered FROM softdelete.register('users', retention => '10 years');
SELECT count(*) > 0 AS registered FROM softdelete.register('posts', retention => '10 years');
SELECT count(*) > 0 AS registered FROM softdelete.register('likes');
INSERT INTO users SELECT g, 'u' || g || '@x' FROM generate_series(1, 9) g;
INSERT INTO posts SELECT g, 1 + g % 3, 'title ' || g FROM generate_series(1, 6) g;
INSERT INTO files SELECT g, g FROM generate_series(1, 6) g;
INSERT INTO likes SELECT g, 4 + g % 3, g FROM generate_series(1, 6) g;
INSERT INTO orders SELECT g, g, g FROM generate_series(1, 9) g;
SET SESSION AUTHORIZATION regress_erase_other;
UPDATE regress_erase_other.notes SET "user" = id;
SET SESSION AUTHORIZATION regress_erase;
CREATE VIEW everything AS
    SELECT (SELECT array_agg(id ORDER BY id) FROM all_users) AS users, (SELECT array_agg(id ORDER BY id) FROM all_posts) AS posts,
           (SELECT array_agg(id ORDER BY id) FROM files) AS files, (SELECT array_agg(id ORDER BY id) FROM all_likes) AS likes;

-- A deleted row, within its retention, with descendants of which some are live.
DELETE FROM users WHERE id = 2;
SELECT softdelete.erase('users', 'request 1234', 2) - 'id' - 'erased_at' AS entry;
SELECT * FROM everything;
SELECT id, "user", seller FROM orders WHERE id = 2;
-- A live row; by named notation.
SELECT softdelete.erase('users', 'request 1235', VARIADIC key => ARRAY['1']) -> 'rows' AS rows;
SELECT * FROM everything;
SET SESSION AUTHORIZATION regress_erase_other;
SELECT count(*) FROM regress_erase_other.all_notes;
SET SESSION AUTHORIZATION regress_erase;

-- The log: who, when, why, what and how much.
SELECT action, relation, table_name, erased_at <= now() AS timely, erased_by, role, reason, rows, key,
       digest = encode(sha256(convert_to(key[1], 'UTF8')), 'hex') AS digest FROM softdelete.erasure_log ORDER BY id;

-- A key that is no integer or uuid is kept as a digest only.
CREATE TABLE "Odd ""folk" ("E mail" text, "day" date, PRIMARY KEY ("E mail", "day"));
CREATE TABLE tokens (id uuid PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('"Odd ""folk"');
SELECT count(*) > 0 AS registered FROM softdelete.register('tokens');
INSERT INTO "Odd ""folk" VALUES ('o''hara@"x"', '2026-02-03');
INSERT INTO tokens VALUES ('6b3c4e6e-0000-4000-8000-000000000001');
SELECT softdelete.erase('"Odd ""folk"', 'o''hara@"x"', 'o''hara@"x"', '2026-02-03'); -- fails: the reason is the key
SELECT softdelete.erase('"Odd ""folk"', ' 2026-02-03 ', 'o''hara@"x"', '2026-02-03'); -- fails
SET DateStyle = 'German';
SELECT softdelete.erase('"Odd ""folk"', '2026-02-03', 'o''hara@"x"', '03.02.2026'); -- fails in whatever format
SELECT softdelete.erase('"Odd ""folk"', 'request', 'o''hara@"x"', '03.02.2026') - 'id' - 'erased_at' - 'not_reached' AS entry;
RESET DateStyle;
SELECT digest = encode(sha256(convert_to(ARRAY['o''hara@"x"', '2026-02-03']::text, 'UTF8')), 'hex') AS digest
FROM softdelete.erasure_log WHERE key IS NULL;
SELECT softdelete.erase('tokens', 'request', '6b3c4e6e-0000-4000-8000-000000000001') -> 'key' AS key;

-- Actor and reason of the subject's deletions are forgotten, those of deletions that hold others' rows are not.
SET softdelete.actor = 'u4@x';
SET softdelete.reason = 'Dora asked us';
DELETE FROM users WHERE id = 4;
SET softdelete.reason = 'cleaning up';
DELETE FROM users WHERE id IN (5, 6);
RESET softdelete.actor;
RESET softdelete.reason;
SELECT softdelete.erase('users', 'request', 4) -> 'rows' AS rows;
SELECT softdelete.erase('users', 'request', 5) -> 'rows' AS rows;
SELECT deleted_by, reason, rows FROM softdelete.deletions WHERE relation = 'users'::regclass ORDER BY id;

-- What statistics hold of the values, in tables that become empty, too.
CREATE TABLE folk (id int PRIMARY KEY, city text, street text);
CREATE STATISTICS people_statistics (mcv) ON city, street FROM folk;
CREATE INDEX people_lower ON folk (lower(city));
SELECT count(*) > 0 AS registered FROM softdelete.register('folk', indexes => 'unique');
INSERT INTO folk VALUES (1, 'Xanadu', 'Dome'), (2, 'Xanadu', 'Dome');
ALTER TABLE folk ALTER street SET STATISTICS 50;
ANALYZE folk;
ALTER TABLE folk ALTER street SET STATISTICS 0;
CREATE VIEW traces AS
    SELECT count(*) FROM (
        SELECT most_common_vals::text || coalesce(histogram_bounds::text, '') AS vals FROM pg_stats
        WHERE schemaname = 'regress_erase' AND tablename IN ('folk', 'people_lower') AND NOT attname LIKE 'del%'
        UNION ALL SELECT most_common_vals::text FROM pg_stats_ext WHERE schemaname = 'regress_erase') s
    WHERE vals ~* 'xanadu|dome';
SELECT count > 2 AS traces FROM traces;
SELECT softdelete.erase('folk', 'request', 1) -> 'rows' AS rows;
SELECT softdelete.erase('folk', 'request', 2) -> 'rows' AS rows;
SELECT count AS traces FROM traces;

-- References that refuse, by the server's own words; nothing is removed.
CREATE TABLE contracts (id int PRIMARY KEY, "user" int REFERENCES users);
INSERT INTO contracts VALUES (1, 3);
SELECT softdelete.erase('users', 'request', 3); -- fails
SELECT * FROM everything;
SELECT count(*) FROM softdelete.erasure_log WHERE key = ARRAY['3'];
DROP TABLE contracts;

-- Rows on hold, be it far below; once they are released, nothing of the hold names the subject.
SELECT softdelete.hold('likes', 'case about 3', 5) AS hold \gset
SELECT softdelete.erase('users', 'request', 3); -- fails
SELECT softdelete.release(:hold);
SELECT softdelete.erase('users', 'request', 3) -> 'rows' AS rows;
SELECT key, reason, held_by FROM softdelete.holds;
SELECT * FROM everything;

-- A trigger that keeps a row makes the whole fail.
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE DELETE ON orders FOR EACH ROW EXECUTE FUNCTION keep();
CREATE TRIGGER keep BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION keep();
SELECT softdelete.erase('users', 'request', 7); -- fails
DROP TRIGGER keep ON users;

-- A self reference with a cycle, partitions, inheritance children.
CREATE TABLE nodes (id int PRIMARY KEY, parent int REFERENCES nodes ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('nodes');
INSERT INTO nodes SELECT g, nullif(g / 2, 0) FROM generate_series(1, 15) g;
UPDATE nodes SET parent = 5 WHERE id = 2;
DELETE FROM nodes WHERE id = 10;
SELECT softdelete.erase('nodes', 'request', 5) -> 'rows' AS rows;
SELECT array_agg(id ORDER BY id) FROM all_nodes;
CREATE TABLE parts (id int, region text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE parts_eu PARTITION OF parts FOR VALUES IN ('eu');
CREATE TABLE parts_us PARTITION OF parts FOR VALUES IN ('us');
CREATE TABLE part_notes (id int PRIMARY KEY, part int, region text, FOREIGN KEY (region, part) REFERENCES parts ON DELETE CASCADE);
CREATE TABLE docs (id int PRIMARY KEY);
CREATE TABLE memos (PRIMARY KEY (id)) INHERITS (docs);
CREATE TABLE memo_lines (id int PRIMARY KEY, memo int REFERENCES memos ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('parts', cascade => true);
SELECT count(*) > 0 AS registered FROM softdelete.register('docs');
INSERT INTO parts SELECT g, r FROM generate_series(1, 2) g, unnest(ARRAY['eu', 'us']) r;
INSERT INTO part_notes VALUES (1, 1, 'eu'), (2, 1, 'us');
INSERT INTO docs VALUES (1);
INSERT INTO memos VALUES (2), (3);
INSERT INTO memo_lines VALUES (1, 2), (2, 3);
SELECT softdelete.erase('parts_us', 'request', 'eu', 1) -> 'rows' AS rows;
SELECT softdelete.erase('docs', 'request', 2) -> 'rows' AS rows;
SELECT tableoid::regclass AS part, id FROM parts ORDER BY 1, 2;
SELECT id FROM docs ORDER BY id;

-- Arguments and privileges.
SELECT softdelete.erase('users', 'request', 99); -- fails
SELECT softdelete.erase('users', NULL, 7); -- fails
SELECT softdelete.erase('users', '7', 7); -- fails
SELECT softdelete.erase('users', 'request', NULL::text); -- fails
SELECT softdelete.erase('users', 'request', 7, 8); -- fails
SELECT softdelete.erase('users', 'request', 'seven'); -- fails
SELECT softdelete.erase('files', 'request', 3); -- fails
GRANT ALL ON users TO regress_erase_other;
SET SESSION AUTHORIZATION regress_erase_other;
SELECT softdelete.erase('regress_erase.users', 'request', 7); -- fails
SELECT count(*) > 0 AS sees FROM softdelete.erasure_log WHERE table_name = 'regress_erase.users';
SELECT count(*) > 0 AS sees FROM softdelete.erasure_log WHERE table_name = 'regress_erase.nodes';
SELECT * FROM softdelete_internal.erasure; -- fails
SET SESSION AUTHORIZATION regress_erase;

-- The log outlives the table.
DROP TABLE nodes;
RESET SESSION AUTHORIZATION;
SELECT relation, table_name, rows FROM softdelete.erasure_log WHERE table_name = 'regress_erase.nodes';
