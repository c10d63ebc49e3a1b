-- A join table, whose primary key consists of several foreign keys, gets an archive by itself: the same pair can be removed
-- and added any number of times, and each removal can be taken back.
\set VERBOSITY terse
CREATE ROLE regress_join;
CREATE SCHEMA regress_join_tables AUTHORIZATION regress_join;
SET SESSION AUTHORIZATION regress_join;
SET search_path = regress_join_tables;
CREATE TABLE posts (id int PRIMARY KEY, title text);
CREATE TABLE tags (id int PRIMARY KEY, name text);
CREATE TABLE comments (id int PRIMARY KEY, post int REFERENCES posts ON DELETE CASCADE);
CREATE TABLE post_tags (post_id int REFERENCES posts ON DELETE CASCADE, tag_id int REFERENCES tags ON DELETE CASCADE, weight int DEFAULT 1, PRIMARY KEY (post_id, tag_id));
CREATE INDEX ON comments (post);
CREATE INDEX ON post_tags (tag_id);

-- The steps say so, and plan does as register.
CREATE TABLE planned AS SELECT relation::text, object, action FROM softdelete.plan('posts', cascade => true, retention => '1 year', deleted_by => 'remover', active_view => 'now_posts');
SELECT relation, object, action, command FROM softdelete.plan('post_tags') WHERE object LIKE 'strategy %';
CREATE TABLE done AS SELECT relation::text, object, action FROM softdelete.register('posts', cascade => true, retention => '1 year', deleted_by => 'remover', active_view => 'now_posts');
(TABLE planned EXCEPT TABLE done) UNION ALL (TABLE done EXCEPT TABLE planned);
SELECT relation, object, action FROM done WHERE relation = 'post_tags' ORDER BY object COLLATE "C";
SELECT relation, strategy, retention, active_view FROM softdelete.tables WHERE relation::text IN (SELECT relation FROM done) ORDER BY relation::text;
SELECT count(*) > 0 AS registered FROM softdelete.register('tags', cascade => true);
SELECT * FROM softdelete.register('post_tags'); -- fails

-- As frameworks do it: one pair, all of a row, what has changed; in one transaction, in one statement, over and over.
INSERT INTO posts SELECT n, 'post ' || n FROM generate_series(1, 3) n;
INSERT INTO tags SELECT n, 'tag ' || n FROM generate_series(1, 4) n;
INSERT INTO post_tags SELECT p, t FROM generate_series(1, 3) p, generate_series(1, 3) t;
DO $$
BEGIN
    FOR n IN 1..5 LOOP
        DELETE FROM post_tags WHERE post_id = 1 AND tag_id = 1;
        INSERT INTO post_tags VALUES (1, 1, n);
        COMMIT;
        DELETE FROM post_tags WHERE post_id = 1;
        INSERT INTO post_tags SELECT 1, t, 10 * n FROM generate_series(1, 3) t;
        COMMIT;
    END LOOP;
END $$;
DELETE FROM post_tags WHERE post_id = 2 AND tag_id <> ALL ('{2,4}');
INSERT INTO post_tags VALUES (2, 2), (2, 4) ON CONFLICT DO NOTHING;
INSERT INTO post_tags VALUES (2, 1, 7), (2, 2, 7) ON CONFLICT (post_id, tag_id) DO UPDATE SET weight = excluded.weight;
MERGE INTO post_tags t USING (VALUES (3, 1), (3, 4)) AS n (p, g) ON t.post_id = p AND t.tag_id = g WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (p, g);
WITH d AS (DELETE FROM active_post_tags WHERE post_id = 3 AND tag_id = 3 RETURNING post_id, weight) INSERT INTO post_tags SELECT post_id, 1, weight + 1 FROM d;
UPDATE post_tags SET tag_id = 3 WHERE post_id = 3 AND tag_id = 4;
SELECT post_id, string_agg(tag_id || ':' || weight, ' ' ORDER BY tag_id) FROM post_tags GROUP BY post_id ORDER BY post_id;
SELECT post_id, tag_id, count(*), string_agg(weight::text, ' ' ORDER BY deletion_id, weight) AS weights FROM deleted_post_tags GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(DISTINCT deletion_id) FROM deleted_post_tags WHERE post_id = 1 AND tag_id = 2;

-- Each removal comes back as it was, the newest by the key and any by its deletion; not above a live pair.
SELECT softdelete.restore('post_tags', 1, 1); -- fails
DELETE FROM post_tags WHERE post_id = 1 AND tag_id = 1;
SELECT softdelete.restore('post_tags', 1, 1);
SELECT weight FROM post_tags WHERE post_id = 1 AND tag_id = 1;
CREATE TABLE round AS SELECT deletion_id, row_number() OVER (ORDER BY deletion_id) AS n FROM deleted_post_tags WHERE post_id = 1 AND tag_id = 2;
SELECT relation, key, reason FROM softdelete.conflicts((SELECT deletion_id FROM round WHERE n = 2)) ORDER BY key::text;
SELECT softdelete.undo(deletion_id) FROM round WHERE n = 2; -- fails
-- What one transaction has removed twice comes back by its key.
BEGIN;
DELETE FROM post_tags WHERE post_id = 3 AND tag_id = 2;
INSERT INTO post_tags VALUES (3, 2, 5);
DELETE FROM post_tags WHERE post_id = 3 AND tag_id = 2;
COMMIT;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions; -- fails
SELECT key, detail FROM softdelete.conflicts((SELECT max(id) FROM softdelete.deletions));
SELECT softdelete.restore('post_tags', 3, 2);
SELECT weight FROM post_tags WHERE post_id = 3 AND tag_id = 2;
-- With a row above it, the last one comes back that went.
BEGIN;
DELETE FROM post_tags WHERE post_id = 3;
INSERT INTO post_tags SELECT 3, t, 6 FROM generate_series(1, 3) t;
SAVEPOINT s;
DELETE FROM post_tags WHERE post_id = 3 AND tag_id < 3;
INSERT INTO post_tags VALUES (3, 1, 7), (3, 2, 7);
RELEASE s;
DELETE FROM posts WHERE id = 3;
COMMIT;
SELECT softdelete.restore('posts', 3);
SELECT string_agg(tag_id || ':' || weight, ' ' ORDER BY tag_id) FROM post_tags WHERE post_id = 3;
BEGIN;
DELETE FROM post_tags WHERE post_id = 3 AND tag_id = 3;
INSERT INTO post_tags VALUES (3, 3, 8);
DELETE FROM posts WHERE id = 3;
DELETE FROM tags WHERE id = 3;
COMMIT;
SET client_min_messages = warning;
SELECT softdelete.restore('tags', 3);
SELECT softdelete.restore('posts', 3);
RESET client_min_messages;
SELECT string_agg(tag_id || ':' || weight, ' ' ORDER BY tag_id) FROM post_tags WHERE post_id = 3;
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT * FROM round ORDER BY n DESC LOOP
        DELETE FROM post_tags WHERE post_id = 1;
        PERFORM softdelete.undo(r.deletion_id);
        RAISE NOTICE 'round %: %', r.n, (SELECT string_agg(tag_id || ':' || weight, ' ' ORDER BY tag_id, weight) FROM post_tags WHERE post_id = 1);
        COMMIT;
    END LOOP;
END $$;

-- A row takes with it what is linked now, and brings back just that. A notice tells of pairs that wait.
SET client_min_messages = warning;
DELETE FROM post_tags WHERE post_id = 2 AND tag_id = 1;
SELECT relation, action, rows FROM softdelete.preview('posts', 2);
DELETE FROM posts WHERE id = 2;
INSERT INTO post_tags VALUES (2, 1); -- fails
SELECT softdelete.restore('post_tags', 2, 2); -- fails
SELECT softdelete.restore('posts', 2);
SELECT string_agg(tag_id || ':' || weight, ' ' ORDER BY tag_id) FROM post_tags WHERE post_id = 2;
DO $$
BEGIN
    FOR n IN 1..3 LOOP
        DELETE FROM posts WHERE id = 2;
        DELETE FROM tags WHERE id = 2;
        COMMIT;
        PERFORM softdelete.restore('tags', 2);
        PERFORM softdelete.restore('posts', 2);
        ASSERT (SELECT count(*) FROM post_tags WHERE post_id = 2) = 2;
        COMMIT;
        DELETE FROM post_tags WHERE post_id = 2;
        DELETE FROM posts WHERE id = 2;
        PERFORM softdelete.undo(max(id)) FROM softdelete.deletions;
        COMMIT;
    END LOOP;
END $$;
SELECT string_agg(tag_id || ':' || weight, ' ' ORDER BY tag_id) FROM post_tags WHERE post_id = 2;

-- What gets an archive, and what does not.
SET client_min_messages = error;
CREATE TABLE people (id int PRIMARY KEY);
CREATE TYPE pair AS (a int, b int);
CREATE TABLE friends (a int REFERENCES people, b int REFERENCES people ON DELETE CASCADE, PRIMARY KEY (a, b));
CREATE TABLE profiles (person int PRIMARY KEY REFERENCES people ON DELETE CASCADE, bio text);
CREATE TABLE composite (a int, b int, c int REFERENCES people, FOREIGN KEY (a, b) REFERENCES friends, PRIMARY KEY (a, b, c));
CREATE TABLE parted (a int REFERENCES people, b int REFERENCES people, PRIMARY KEY (a, b)) PARTITION BY HASH (a);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE tenants (id int PRIMARY KEY);
CREATE TABLE users (tenant int REFERENCES tenants, id int, PRIMARY KEY (tenant, id));
CREATE TABLE logins (tenant int REFERENCES tenants, id int, PRIMARY KEY (tenant, id), FOREIGN KEY (tenant, id) REFERENCES users);
CREATE TABLE roles (tenant int, id int, boss int, PRIMARY KEY (tenant, id, boss), FOREIGN KEY (tenant, id) REFERENCES users, FOREIGN KEY (tenant, boss) REFERENCES users);
CREATE TABLE lines (person int REFERENCES people ON DELETE CASCADE, line int, PRIMARY KEY (person, line));
CREATE TABLE surrogate (id int PRIMARY KEY, a int REFERENCES people, b int REFERENCES people, UNIQUE (a, b));
CREATE TABLE keyless (a int REFERENCES people, b int REFERENCES people);
CREATE TABLE itself (a int PRIMARY KEY REFERENCES itself);
CREATE TABLE referenced (a int REFERENCES people, b int REFERENCES people, PRIMARY KEY (a, b));
CREATE TABLE referencing (id int PRIMARY KEY, a int, b int, FOREIGN KEY (a, b) REFERENCES referenced);
CREATE TABLE marked (a int REFERENCES people, b int REFERENCES people, deleted_at timestamptz, PRIMARY KEY (a, b));
CREATE TABLE told (a int REFERENCES people, b int REFERENCES people, deleted_by text, PRIMARY KEY (a, b));
CREATE TABLE typed OF pair (PRIMARY KEY (a, b), FOREIGN KEY (a) REFERENCES people, FOREIGN KEY (b) REFERENCES people);
CREATE TABLE inherited (a int REFERENCES people, b int REFERENCES people, PRIMARY KEY (a, b));
CREATE TABLE heir () INHERITS (inherited);
CREATE TABLE "O'dd ""join" ("A b" int REFERENCES people, "select" int REFERENCES people, PRIMARY KEY ("select", "A b"));
CREATE FUNCTION choose(relation regclass, arguments text DEFAULT '', OUT strategy text, OUT why text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT regexp_replace(command, ''\n?-- '', '' '', ''g'') FROM softdelete.plan(%L%s) WHERE object LIKE ''strategy %%''', relation, arguments) INTO why;
    EXECUTE format('SELECT count(*) FROM softdelete.register(%L%s)', relation, arguments);
    SELECT t.strategy INTO strategy FROM softdelete.tables t WHERE t.relation = choose.relation;
EXCEPTION WHEN OTHERS THEN
    strategy := SQLSTATE;
    why := SQLERRM;
END $$;
SELECT n.relation, c.* FROM unnest('{people,friends,profiles,parted,logins,roles,lines,surrogate,keyless,itself,referenced,referencing,marked,told,typed,inherited,composite}'::regclass[]
    || '"O''dd ""join"'::regclass) WITH ORDINALITY n (relation, place), choose(n.relation) c ORDER BY place;
-- Arguments that are for marked rows; the strategy that is asked for.
CREATE TABLE pairs (a int REFERENCES people ON DELETE CASCADE, b int REFERENCES people, PRIMARY KEY (a, b));
CREATE FUNCTION choose_once(arguments text, OUT strategy text, OUT why text) LANGUAGE plpgsql AS $$
BEGIN
    SELECT c.strategy, c.why INTO strategy, why FROM choose('pairs', arguments) c;
    PERFORM softdelete.unregister('pairs') FROM softdelete.tables t WHERE t.relation = 'pairs'::regclass;
END $$;
SELECT arguments, c.* FROM unnest(ARRAY['', ', strategy => ''auto''', ', strategy => ''flag''', ', strategy => ''archive''', ', visibility => ''view''', ', visibility => ''rls''',
    ', indexes => ''all''', ', indexes => ''none''', ', admin_roles => ''{regress_join}''', ', on_expiry => ''anonymize''', ', all_referencing => true', ', cascade => true',
    ', deleted_at => ''gone''', ', deleted_at => ''a''', ', retention => ''90 days''', ', deleted_by => NULL', ', all_view => ''every_pair''', ', active_view => ''people''',
    ', strategy => ''other''', ', visibility => ''other''', ', retention => ''-1 day''']) WITH ORDINALITY n (arguments, place), choose_once(arguments) c ORDER BY place;
-- The name that its archive would have is taken.
CREATE TABLE pairs_archive (a int);
SELECT * FROM choose_once('');
DROP TABLE pairs_archive;
-- Rows on hold, of when it was registered otherwise.
SELECT count(*) > 0 AS registered FROM softdelete.register('pairs', strategy => 'flag');
INSERT INTO people VALUES (1), (2), (3);
INSERT INTO pairs VALUES (1, 2);
SELECT softdelete.hold('pairs', 'lawsuit', 1, 2) > 0 AS held;
SELECT count(*) FROM softdelete.unregister('pairs'); -- fails
SELECT count(*) AS released FROM softdelete.holds h WHERE relation = 'pairs'::regclass AND softdelete.release(h.id);
-- Its columns are left, with deleted rows: it stays what it was.
DELETE FROM pairs;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('pairs', 'keep');
SELECT * FROM choose('pairs');
SELECT softdelete.restore('pairs', 1, 2);
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('pairs', 'purge');

-- What comes along with a parent: by cascade, by all_referencing; under an archive nothing else is possible.
CREATE TABLE teams (id int PRIMARY KEY);
CREATE TABLE squads (id int PRIMARY KEY, team int REFERENCES teams ON DELETE CASCADE);
CREATE TABLE members (squad int REFERENCES squads ON DELETE CASCADE, person int REFERENCES people, PRIMARY KEY (squad, person));
CREATE TABLE guests (squad int REFERENCES squads, person int REFERENCES people, PRIMARY KEY (squad, person));
CREATE TABLE fans (team int REFERENCES teams ON DELETE CASCADE, person int REFERENCES people, deleted_at timestamptz, PRIMARY KEY (team, person));
CREATE VIEW strategies AS SELECT relation, strategy, retention FROM softdelete.tables WHERE relation::text IN ('teams', 'squads', 'members', 'guests', 'fans', 'notes', 'items') ORDER BY relation::text;
SELECT relation, object, action FROM softdelete.register('teams', cascade => true, retention => '30 days') WHERE object LIKE 'strategy %' OR object LIKE 'table %' ORDER BY step;
SELECT * FROM strategies;
CREATE PROCEDURE unregister_all() LANGUAGE plpgsql AS $$
DECLARE
    r regclass;
BEGIN
    FOR r IN SELECT relation FROM strategies LOOP
        PERFORM softdelete.unregister(r);
    END LOOP;
END $$;
CALL unregister_all();
SELECT count(*) > 0 AS registered FROM softdelete.register('teams', all_referencing => true);
SELECT * FROM strategies;
CALL unregister_all();
SELECT count(*) > 0 AS registered FROM softdelete.register('teams', cascade => true, strategy => 'flag');
SELECT * FROM strategies;
CALL unregister_all();
SELECT count(*) > 0 AS registered FROM softdelete.register('teams', cascade => true, visibility => 'rls');
SELECT * FROM strategies;
CALL unregister_all();
SELECT count(*) > 0 AS registered FROM softdelete.register('squads', strategy => 'archive');
CREATE TABLE notes (id int PRIMARY KEY, squad int REFERENCES squads ON DELETE CASCADE);
CREATE TABLE carts (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('carts', strategy => 'archive');
CREATE TABLE items (id int PRIMARY KEY, team int REFERENCES teams ON DELETE CASCADE, cart int REFERENCES carts);
SELECT count(*) FROM softdelete.register('items'); -- fails
SELECT relation, object FROM softdelete.register('teams', cascade => true) WHERE object LIKE 'strategy %' ORDER BY step;
SELECT * FROM strategies;
INSERT INTO teams VALUES (1);
INSERT INTO squads VALUES (1, 1);
INSERT INTO members VALUES (1, 1);
INSERT INTO notes VALUES (1, 1);
DELETE FROM teams;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SELECT softdelete.restore('teams', 1);
RESET client_min_messages;

-- A table that is marked by hand has live pairs below deleted rows: the warning says how to have them archived.
CREATE TABLE docs (id int PRIMARY KEY, deleted_at timestamptz);
CREATE TABLE doc_tags (doc int REFERENCES docs ON DELETE CASCADE, tag int REFERENCES tags ON DELETE CASCADE, PRIMARY KEY (doc, tag));
CREATE INDEX ON doc_tags (tag);
INSERT INTO docs VALUES (1, '2026-01-01'), (2, NULL);
INSERT INTO doc_tags VALUES (1, 1), (2, 1);
SELECT object, regexp_replace(command, '\s*\n(--)?\s*', ' ', 'g') AS command FROM softdelete.register('docs', cascade => true) WHERE action = 'warning' AND object LIKE 'rows %';
DELETE FROM doc_tags AS c USING all_docs AS p WHERE p.id = c.doc AND p.deleted_at IS NOT NULL;
SELECT doc, tag, deleted_at IS NOT NULL AS archived FROM all_doc_tags ORDER BY doc;
-- Who asks it for deleted rows, as tables without an archive are asked, is told where they are.
\set VERBOSITY default
SELECT * FROM post_tags WHERE deleted_at IS NOT NULL; -- fails
SELECT p.deletion_id FROM post_tags p; -- fails
UPDATE post_tags SET deleted_at = NULL; -- fails
SELECT * FROM post_tags WHERE other IS NOT NULL; -- fails
\set VERBOSITY terse

-- Unregistered it is what it was.
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('doc_tags', 'purge');
SELECT to_regclass('doc_tags_archive'), count(*) FROM doc_tags;

SET client_min_messages = warning;
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_join_tables CASCADE;
DROP ROLE regress_join;
