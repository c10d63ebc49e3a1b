-- Rows whose deletion marks them, with rows of archives below: a deletion takes both, and brings both back.
\set VERBOSITY terse
CREATE ROLE regress_mixed;
CREATE ROLE regress_mixed_child;
CREATE ROLE regress_mixed_editor;
GRANT regress_mixed_child TO regress_mixed;
CREATE SCHEMA regress_archive_mixed AUTHORIZATION regress_mixed;
GRANT USAGE ON SCHEMA regress_archive_mixed TO PUBLIC;
SET SESSION AUTHORIZATION regress_mixed;
SET search_path = regress_archive_mixed;
SET client_min_messages = error;
SET check_function_bodies = off;

-- What a child with an archive does is what one with marked rows does: by each action and deferrability of the key, each way
-- to delete, in plain and in partitioned tables, with grandchildren.
CREATE FUNCTION make_tables(strategy text, action text, deferral text, kind text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    partitioned text := CASE kind WHEN 'plain' THEN '' ELSE ' PARTITION BY RANGE (id)' END;
BEGIN
    EXECUTE 'CREATE TABLE p (id int PRIMARY KEY, v text)' || partitioned;
    EXECUTE format('CREATE TABLE c (id int PRIMARY KEY, p int DEFAULT 2 REFERENCES p ON DELETE %s %s)%s', action, deferral, partitioned);
    EXECUTE format('CREATE TABLE g (id int PRIMARY KEY, c int REFERENCES c ON DELETE CASCADE, p int REFERENCES p ON DELETE CASCADE)%s', partitioned);
    IF kind <> 'plain' THEN
        CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (0) TO (2);
        CREATE TABLE p_2 (v text, id int NOT NULL);
        ALTER TABLE p ATTACH PARTITION p_2 FOR VALUES FROM (2) TO (100);
        CREATE TABLE c_1 PARTITION OF c FOR VALUES FROM (0) TO (12);
        CREATE TABLE c_2 (gone int, p int, id int NOT NULL);
        ALTER TABLE c_2 DROP COLUMN gone;
        ALTER TABLE c ATTACH PARTITION c_2 FOR VALUES FROM (12) TO (100);
        CREATE TABLE g_1 PARTITION OF g FOR VALUES FROM (0) TO (100);
        CREATE TABLE g_2 PARTITION OF g FOR VALUES FROM (100) TO (200);
    END IF;
    CREATE INDEX ON c (p);
    CREATE INDEX ON g (c);
    CREATE INDEX ON g (p);
    PERFORM softdelete.register('p', strategy => 'flag');
    PERFORM softdelete.register('c', strategy => strategy);
    PERFORM softdelete.register('g', strategy => strategy);
    INSERT INTO p VALUES (1, 'one'), (2, 'two');
    INSERT INTO c VALUES (11, 1), (12, 1), (21, 2), (31, NULL);
    INSERT INTO g VALUES (100, 11, NULL), (101, 12, 2), (102, 21, 1), (103, 21, NULL);
END $$;

CREATE FUNCTION tell_state() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(relation || id || CASE WHEN is_deleted THEN '-' ELSE '' END || coalesce('>' || link, ''), ' ' ORDER BY relation DESC, id)
    FROM (SELECT 'p' AS relation, id, deleted_at IS NOT NULL, NULL::int FROM all_p UNION ALL SELECT 'c', id, deleted_at IS NOT NULL, p FROM all_c
          UNION ALL SELECT 'g', id, deleted_at IS NOT NULL, p FROM all_g) AS x (relation, id, is_deleted, link)
$$;

-- What comes of it, or its SQLSTATE (that of RESTRICT is another one from 18 on); what it did is taken back.
CREATE FUNCTION try(statements text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    told text := '';
    statement text;
    result text;
BEGIN
    BEGIN
        FOREACH statement IN ARRAY statements LOOP
            BEGIN
                EXECUTE statement;
                SET CONSTRAINTS ALL IMMEDIATE;
                SET CONSTRAINTS ALL DEFERRED;
                told := told || tell_state() || E'\n';
            EXCEPTION WHEN OTHERS THEN
                told := told || replace(SQLSTATE, '23001', '23503') || E'\n';
            END;
        END LOOP;
        told := told || coalesce((SELECT string_agg(format('%s of %s: %s', reason, relation, rows), ', ' ORDER BY id)
                                  FROM softdelete.deletions WHERE relation IN ('p'::regclass, 'c'::regclass, 'g'::regclass) AND reason IS NOT NULL), '');
        told := told || coalesce((SELECT ' of ' || count(DISTINCT deletion_id) || ' by ' || string_agg(DISTINCT deleted_by, ', ') FROM
                                  (SELECT deletion_id, deleted_by FROM all_c UNION ALL SELECT deletion_id, deleted_by FROM all_g UNION ALL SELECT deletion_id, deleted_by FROM all_p) x), '');
        RAISE EXCEPTION 'taken back' USING ERRCODE = 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
        RETURN told;
    END;
END $$;

CREATE TABLE way (name text PRIMARY KEY, statements text[]);
INSERT INTO way VALUES
    ('DELETE', '{DELETE FROM p WHERE id = 1}'), ('of all', '{DELETE FROM p}'), ('nothing', '{DELETE FROM p WHERE id = 3}'),
    ('USING', '{DELETE FROM p USING c WHERE c.p = p.id AND c.id = 12}'),
    ('WITH', '{WITH d AS (DELETE FROM p WHERE id = 1 RETURNING id) UPDATE p SET v = ''x'' FROM d WHERE p.id = 2}'),
    ('WITH both', '{WITH d AS (DELETE FROM c WHERE p = 1) DELETE FROM p WHERE id = 1}'),
    ('MERGE', '{MERGE INTO p USING (VALUES (1)) AS n (id) ON p.id = n.id WHEN MATCHED THEN DELETE}'),
    ('UPDATE', '{UPDATE p SET deleted_at = now() WHERE id = 1}'), ('view', '{DELETE FROM active_p WHERE id = 1}'),
    ('function', '{"SELECT softdelete.delete(''p'', 1)"}'), ('child first', '{DELETE FROM c WHERE p = 1; DELETE FROM p WHERE id = 1}'),
    ('grandchild first', '{DELETE FROM g; DELETE FROM c; DELETE FROM p}'),
    ('restore', '{DELETE FROM p WHERE id = 1,"SELECT softdelete.restore(''p'', 1)"}'),
    ('undo', '{DELETE FROM p WHERE id = 1,SELECT softdelete.undo(max(id)) FROM softdelete.deletions}'),
    ('undo all', '{DELETE FROM p,SELECT softdelete.undo(max(id)) FROM softdelete.deletions}'),
    ('by hand', '{DELETE FROM p WHERE id = 1,UPDATE p SET deleted_at = NULL WHERE id = 1}'),
    ('child alone', '{DELETE FROM p WHERE id = 1,"SELECT softdelete.restore(''c'', 11)"}'),
    ('grandchild alone', '{DELETE FROM p WHERE id = 1,"SELECT softdelete.restore(''g'', 100)"}'),
    ('child before', '{DELETE FROM c WHERE id = 11,SET LOCAL softdelete.reason = second,DELETE FROM p WHERE id = 1,"SELECT softdelete.restore(''p'', 1)","SELECT softdelete.restore(''c'', 11)"}'),
    ('other parent', '{DELETE FROM p WHERE id = 1,SET LOCAL softdelete.reason = second,DELETE FROM p WHERE id = 2,"SELECT softdelete.restore(''p'', 1)","SELECT softdelete.restore(''p'', 2)","SELECT softdelete.restore(''g'', 101)"}'),
    ('undo one', '{DELETE FROM p WHERE id = 1,SET LOCAL softdelete.reason = second,DELETE FROM p WHERE id = 2,SELECT softdelete.undo(min(deletion_id)) FROM all_p}'),
    ('both parents', '{DELETE FROM p,"SELECT softdelete.restore(''p'', 1)","SELECT softdelete.restore(''p'', 2)"}'),
    ('below', '{DELETE FROM p WHERE id = 1,"INSERT INTO c VALUES (41, 1)","UPDATE c SET p = 1 WHERE id = 31","INSERT INTO g VALUES (104, 31, 1)"}'),
    ('below first', '{"INSERT INTO c VALUES (41, 1); DELETE FROM p WHERE id = 1"}'),
    ('twice', '{DELETE FROM p WHERE id = 1,DELETE FROM p WHERE id = 1,"SELECT softdelete.restore(''p'', 1)","SELECT softdelete.restore(''p'', 1)"}'),
    ('preview', '{"SELECT set_config(''softdelete.reason'', string_agg(format(''%s %s %s %s'', depth, relation, action, rows), '' + ''), true) FROM softdelete.preview(''p'', 1)",DELETE FROM p WHERE id = 1}');
CREATE TABLE shape (action text, deferral text, kind text);
INSERT INTO shape VALUES ('CASCADE', '', 'plain'), ('CASCADE', 'DEFERRABLE INITIALLY DEFERRED', 'plain'), ('CASCADE', '', 'partitioned'),
    ('NO ACTION', '', 'plain'), ('NO ACTION', 'DEFERRABLE INITIALLY DEFERRED', 'partitioned'), ('RESTRICT', '', 'plain'),
    ('SET NULL', '', 'plain'), ('SET DEFAULT', 'DEFERRABLE', 'plain');
CREATE TABLE outcome (strategy text, action text, deferral text, kind text, way text, told text);
DO $$
DECLARE
    s shape;
    strategy text;
BEGIN
    PERFORM set_config('softdelete.reason', 'first', true);
    PERFORM set_config('softdelete.actor', 'ann', true);
    FOR s IN SELECT * FROM shape LOOP
        FOREACH strategy IN ARRAY ARRAY['flag', 'archive'] LOOP
            PERFORM make_tables(strategy, s.action, s.deferral, s.kind);
            SET CONSTRAINTS ALL DEFERRED;
            INSERT INTO outcome SELECT strategy, s.*, w.name, try(w.statements) FROM way w;
            SET CONSTRAINTS ALL IMMEDIATE;
            DROP TABLE p, c, g CASCADE;
            EXECUTE CASE strategy WHEN 'archive' THEN 'DROP TABLE c_archive, g_archive' ELSE 'SELECT' END;
        END LOOP;
    END LOOP;
END $$;
SELECT count(*) AS outcomes FROM outcome;
SELECT f.action, f.deferral, f.kind, f.way, f.told AS flag, a.told AS archive
FROM outcome f JOIN outcome a USING (action, deferral, kind, way)
WHERE f.strategy = 'flag' AND a.strategy = 'archive' AND f.told <> a.told ORDER BY 1, 2, 3, 4;
SELECT way, told FROM outcome WHERE strategy = 'archive' AND action = 'CASCADE' AND deferral = '' AND kind = 'plain' ORDER BY way COLLATE "C";
SELECT action, count(DISTINCT told) FROM outcome WHERE strategy = 'archive' GROUP BY action ORDER BY action;
RESET client_min_messages;

-- Keys of two columns, several of them, to odd names; one of them to a table that references itself.
CREATE TABLE "Q'x" (a int, b text, up_a int, up_b text, PRIMARY KEY (a, b), FOREIGN KEY (up_a, up_b) REFERENCES "Q'x" ON DELETE CASCADE);
CREATE TABLE link ("one A" int, "one B" text, a int, b text, note text, PRIMARY KEY ("one A", "one B", a, b),
    FOREIGN KEY ("one A", "one B") REFERENCES "Q'x" ON DELETE CASCADE, FOREIGN KEY (b, a) REFERENCES "Q'x" (b, a) ON DELETE CASCADE);
CREATE INDEX ON "Q'x" (up_a, up_b);
CREATE INDEX ON link (b, a);
SELECT count(*) > 0 AS registered FROM softdelete.register('"Q''x"', cascade => true, strategy => 'flag');
SELECT softdelete.unregister('link') IS NOT NULL AS unregistered LIMIT 1;
SELECT count(*) > 0 AS registered FROM softdelete.register('link', strategy => 'archive', deleted_at => 'Gone at', deleted_by => 'Gone by');
INSERT INTO "Q'x" VALUES (1, 'x', NULL, NULL), (2, 'x', 1, 'x'), (3, 'x', 2, 'x'), (4, 'x', NULL, NULL);
INSERT INTO link VALUES (1, 'x', 4, 'x', 'top'), (3, 'x', 2, 'x', 'within'), (4, 'x', 3, 'x', 'bottom'), (4, 'x', 4, 'x', 'stays');
DELETE FROM "Q'x" WHERE a = 1;
SELECT note, "Gone at" IS NOT NULL AS gone, "Gone by" FROM all_link ORDER BY note;
DELETE FROM "Q'x" WHERE a = 4;
SET client_min_messages = warning;
SELECT softdelete.restore('"Q''x"', 1, 'x'); -- a notice counts those that wait
RESET client_min_messages;
SELECT note, "Gone at" IS NOT NULL AS gone FROM all_link ORDER BY note;
SELECT softdelete.restore('"Q''x"', 4, 'x');
SELECT note, "Gone at" IS NOT NULL AS gone FROM all_link ORDER BY note;
SELECT softdelete.restore('link', 1, 'x', 4, 'x');
SELECT softdelete.restore('link', 4, 'x', 3, 'x');
SELECT count(*) AS live FROM link;

-- What cannot come back by a key that is checked at COMMIT is said at once.
CREATE TABLE one (id int PRIMARY KEY);
CREATE TABLE two (id int PRIMARY KEY);
CREATE TABLE both_of (one int REFERENCES one ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, two int REFERENCES two ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, PRIMARY KEY (one, two));
CREATE INDEX ON both_of (two);
SELECT count(*) > 0 AS registered FROM unnest('{one,two,both_of}'::regclass[]) t, softdelete.register(t);
INSERT INTO one VALUES (1);
INSERT INTO two VALUES (1), (2);
INSERT INTO both_of VALUES (1, 1), (1, 2);
DELETE FROM one;
DELETE FROM two WHERE id = 2;
BEGIN;
SELECT softdelete.undo(max(id) - 1) FROM softdelete.deletions; -- fails
ROLLBACK;
SELECT softdelete.undo(id) FROM (SELECT id FROM softdelete.deletions ORDER BY id DESC LIMIT 2) d ORDER BY id DESC;
SELECT * FROM both_of ORDER BY two;

-- A NO ACTION key between children is asked when all of them have gone, whatever the order of the keys.
CREATE TABLE cargo (id int PRIMARY KEY);
CREATE TABLE a_box (id int PRIMARY KEY, cargo int REFERENCES cargo ON DELETE CASCADE);
CREATE TABLE b_label (id int PRIMARY KEY, cargo int REFERENCES cargo ON DELETE CASCADE, box int REFERENCES a_box);
CREATE TABLE c_stamp (id int PRIMARY KEY, cargo int REFERENCES cargo ON DELETE CASCADE, label int REFERENCES b_label, "next" int REFERENCES c_stamp);
CREATE INDEX ON a_box (cargo);
CREATE INDEX ON b_label (cargo);
CREATE INDEX ON c_stamp (cargo);
SELECT count(*) > 0 AS registered FROM unnest('{a_box,b_label,c_stamp}'::regclass[]) t, softdelete.register(t, strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('cargo');
INSERT INTO cargo VALUES (1), (2);
INSERT INTO a_box VALUES (1, 1), (2, 2);
INSERT INTO b_label VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO c_stamp VALUES (1, 1, 1, NULL), (2, 1, NULL, 1);
DELETE FROM cargo WHERE id = 1;
SELECT rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SELECT softdelete.restore('cargo', 1);
UPDATE b_label SET cargo = NULL WHERE id = 2;
DELETE FROM cargo WHERE id = 2; -- fails
SELECT count(*) FROM cargo;

-- Savepoints, exception blocks, and errors of the child's triggers leave both as they were.
CREATE TABLE parent (id int PRIMARY KEY, v text);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE, v text DEFAULT 'v');
CREATE INDEX ON child (parent);
SELECT count(*) > 0 AS registered FROM softdelete.register('child', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('parent');
INSERT INTO parent VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO child SELECT n, 1 + n % 3 FROM generate_series(1, 9) n;
CREATE VIEW states AS SELECT 'parent' AS relation, id, deleted_at IS NOT NULL AS is_deleted FROM all_parent UNION ALL SELECT 'child', id, deleted_at IS NOT NULL FROM all_child;
CREATE VIEW state AS SELECT relation, string_agg(id::text, ' ' ORDER BY id) FILTER (WHERE NOT is_deleted) AS live, string_agg(id::text, ' ' ORDER BY id) FILTER (WHERE is_deleted) AS deleted FROM states GROUP BY relation;
BEGIN;
DELETE FROM parent WHERE id = 1;
SAVEPOINT one;
DELETE FROM parent WHERE id = 2;
ROLLBACK TO one;
SAVEPOINT two;
DELETE FROM parent WHERE id = 3;
RELEASE two;
COMMIT;
SELECT * FROM state ORDER BY relation;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'row % stays', OLD.id; END $$;
CREATE TRIGGER refuse AFTER DELETE ON child FOR EACH ROW WHEN (OLD.id = 5) EXECUTE FUNCTION refuse();
DELETE FROM parent; -- fails
DO $$ BEGIN DELETE FROM parent WHERE id IN (1, 3); EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'caught: %', SQLERRM; END $$;
SELECT * FROM state ORDER BY relation;
DROP TRIGGER refuse ON child;
DO $$ BEGIN DELETE FROM parent WHERE id = 3; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN DELETE FROM parent WHERE id = 1; END $$;
SELECT * FROM state ORDER BY relation;
SELECT relation, rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
-- In a cursor's loop, and in a procedure that commits in between.
DO $$ DECLARE c CURSOR FOR SELECT id FROM parent ORDER BY id FOR UPDATE; BEGIN FOR r IN c LOOP IF r.id < 3 THEN DELETE FROM parent WHERE CURRENT OF c; END IF; END LOOP; END $$;
SELECT * FROM state ORDER BY relation;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
DO $$ BEGIN FOR n IN 1..2 LOOP DELETE FROM parent WHERE id = n; COMMIT; END LOOP; END $$;
SELECT relation, rows FROM softdelete.deletions ORDER BY id DESC LIMIT 2;
SELECT softdelete.undo(id) FROM (SELECT id FROM softdelete.deletions ORDER BY id DESC LIMIT 2) d ORDER BY id;
-- What a trigger of the child keeps stays, as a native cascade leaves it.
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER keep BEFORE DELETE ON child FOR EACH ROW WHEN (OLD.id = 6) EXECUTE FUNCTION keep();
DELETE FROM parent WHERE id = 1;
SELECT * FROM state ORDER BY relation;
-- A purge leaves a row above it where it is, and says so. One that is written by hand archives what it takes along.
SELECT count(*) > 0 AS configured FROM softdelete.configure('parent', retention => '0');
SELECT relation, due, blocked FROM softdelete.purge_preview('parent');
CALL softdelete.purge('parent');
DROP TRIGGER keep ON child;
SELECT * FROM state ORDER BY relation;
DELETE FROM parent WHERE deleted_at IS NOT NULL;
SELECT * FROM state ORDER BY relation;
-- Archived rows stay until their own retention ends, and say then what is missing.
SELECT softdelete.restore('child', 3); -- fails
DELETE FROM parent WHERE id = 2;
CALL softdelete.purge('parent');
SELECT * FROM state ORDER BY relation;
SELECT softdelete.restore('child', 1); -- fails
SELECT relation, key, reason, detail FROM softdelete.conflicts((SELECT max(deletion_id) FROM child_archive));

-- Erasure of a row reaches what was archived below it, and what is live.
INSERT INTO parent VALUES (1, 'again'), (2, 'again');
INSERT INTO child VALUES (11, 1), (12, 1);
DELETE FROM child WHERE id = 11;
SELECT softdelete.erase('parent', 'request 1', 1) -> 'rows' AS rows;
DELETE FROM parent WHERE id = 2;
SELECT softdelete.erase('parent', 'request 2', 2) -> 'rows' AS rows;
INSERT INTO child VALUES (13, 3);
DELETE FROM parent WHERE id = 3;
SELECT softdelete.erase('parent', 'request 3', 3) -> 'rows' AS rows;
SELECT * FROM state ORDER BY relation;
SELECT count(*) AS archived FROM child_archive;

-- An anonymization says where it does not, for want of rules.
INSERT INTO parent VALUES (1, 'me');
INSERT INTO child VALUES (11, 1);
SELECT softdelete.set_anonymizer('parent', 'v', 'NULL');
DELETE FROM child WHERE id = 11;
SELECT jsonb_path_query_array(softdelete.anonymize('parent', 'request 4', 1) -> 'not_reached', '$[*] ? (@ like_regex "child")') AS not_reached;
SELECT softdelete.erase('parent', 'request 5', 1) -> 'rows' AS rows;

-- A hold reaches archives.
INSERT INTO parent VALUES (4, 'held');
INSERT INTO child VALUES (14, 4);
SELECT softdelete.hold('parent', 'lawsuit', 4) > 0 AS held;
DELETE FROM parent WHERE id = 4;
CALL softdelete.purge('parent');
SELECT softdelete.erase('parent', 'request 4', 4); -- fails
SELECT softdelete.erase('child', 'request 4', 14); -- fails
SELECT * FROM state ORDER BY relation;
SELECT count(*) AS released FROM softdelete.holds h WHERE relation = 'parent'::regclass AND softdelete.release(h.id);
SELECT softdelete.restore('parent', 4);

-- A superuser's hard deletion takes both for good.
RESET SESSION AUTHORIZATION;
SET softdelete.deletion = hard;
DELETE FROM regress_archive_mixed.parent;
RESET softdelete.deletion;
SET SESSION AUTHORIZATION regress_mixed;
SELECT * FROM state ORDER BY relation;

-- Keys that come and go: by ALTER TABLE, ADD COLUMN, CREATE TABLE; rows follow from then on.
CREATE TABLE tag (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('tag');
INSERT INTO tag VALUES (1), (2), (3);
INSERT INTO parent VALUES (5, 'five');
INSERT INTO child VALUES (15, 5);
ALTER TABLE child ADD COLUMN tag int REFERENCES tag ON DELETE CASCADE;
UPDATE child SET tag = 1;
DELETE FROM tag WHERE id = 1;
SELECT count(*) AS live FROM child;
SELECT softdelete.restore('tag', 1);
ALTER TABLE child DROP CONSTRAINT child_tag_fkey;
DELETE FROM tag WHERE id = 1;
SELECT count(*) AS live FROM child;
ALTER TABLE child ADD FOREIGN KEY (tag) REFERENCES tag ON DELETE CASCADE;
UPDATE child SET v = 'live rows below a deleted one stay as they are';
UPDATE child SET tag = 2;
DELETE FROM tag WHERE id = 2;
SELECT count(*) AS live FROM child;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
-- Without the archive the child stays until the purge, without the mark a DELETE takes it natively to the archive.
DROP VIEW state, states;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('child', 'purge');
DELETE FROM tag WHERE id = 2;
SELECT count(*) AS live FROM child;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
SELECT count(*) > 0 AS registered FROM softdelete.register('child', strategy => 'archive');
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('tag', 'purge');
DELETE FROM tag WHERE id = 2;
SELECT id, v, deleted_at IS NOT NULL AS archived FROM all_child;
SELECT count(*) > 0 AS repaired FROM softdelete.repair('child');

-- A child of another owner: the deletion runs as he, whoever deletes, and brings back as he.
CREATE TABLE account (id int PRIMARY KEY, name text);
GRANT REFERENCES ON account TO regress_mixed_child;
GRANT CREATE ON SCHEMA regress_archive_mixed TO regress_mixed_child;
SET SESSION AUTHORIZATION regress_mixed_child;
SET search_path = regress_archive_mixed;
CREATE TABLE membership (account int REFERENCES account ON DELETE CASCADE, club int, joined text DEFAULT 'now', PRIMARY KEY (account, club));
CREATE TABLE badge (id int PRIMARY KEY, account int, club int, FOREIGN KEY (account, club) REFERENCES membership ON DELETE CASCADE);
CREATE INDEX ON badge (account, club);
CREATE FUNCTION tell_role() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '% of % as %', TG_OP, TG_TABLE_NAME, current_user; RETURN NULL; END $$;
CREATE TRIGGER tell AFTER INSERT OR DELETE ON membership FOR EACH STATEMENT EXECUTE FUNCTION tell_role();
SELECT count(*) > 0 AS registered FROM softdelete.register('membership', strategy => 'archive', cascade => true);
SET SESSION AUTHORIZATION regress_mixed;
SELECT count(*) > 0 AS registered FROM softdelete.register('account');
GRANT SELECT, INSERT, DELETE, UPDATE ON account TO regress_mixed_editor;
RESET SESSION AUTHORIZATION;
INSERT INTO regress_archive_mixed.account VALUES (1, 'ann'), (2, 'ben');
INSERT INTO regress_archive_mixed.membership VALUES (1, 7), (1, 8), (2, 7);
INSERT INTO regress_archive_mixed.badge VALUES (1, 1, 7), (2, 2, 7);
SET SESSION AUTHORIZATION regress_mixed_editor;
SET search_path = regress_archive_mixed;
DELETE FROM account WHERE id = 1;
SELECT softdelete.restore('account', 1);
DELETE FROM account WHERE id = 1;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
DELETE FROM account;
SELECT softdelete.restore('account', 2);
SELECT * FROM membership; -- fails
SELECT softdelete.restore('membership', 1, 7); -- fails
RESET SESSION AUTHORIZATION;
SELECT account, club, deleted_by FROM regress_archive_mixed.all_membership ORDER BY 1, 2;
SELECT id, deleted_by FROM regress_archive_mixed.all_badge ORDER BY 1;

-- Under row security: what a cascade took comes back with the rows that the policies let him restore, and nothing else.
SET SESSION AUTHORIZATION regress_mixed;
CREATE TABLE site (id int PRIMARY KEY, tenant text);
CREATE TABLE page (id int PRIMARY KEY, site int REFERENCES site ON DELETE CASCADE, tenant text);
CREATE INDEX ON page (site);
SELECT count(*) > 0 AS registered FROM softdelete.register('page', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('site');
ALTER TABLE site ENABLE ROW LEVEL SECURITY;
ALTER TABLE page ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON site USING (tenant = 'editor');
CREATE POLICY mine ON page USING (tenant = 'editor');
GRANT SELECT, INSERT, UPDATE, DELETE ON site, page TO regress_mixed_editor;
INSERT INTO site VALUES (1, 'editor'), (2, 'editor'), (3, 'other');
INSERT INTO page VALUES (1, 1, 'editor'), (2, 1, 'other'), (3, 2, 'editor'), (4, 3, 'editor');
SET SESSION AUTHORIZATION regress_mixed_editor;
DELETE FROM site WHERE id = 1;
SELECT softdelete.restore('site', 1);
DELETE FROM site WHERE id = 1;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
BEGIN;
DELETE FROM site WHERE id = 1;
DELETE FROM page WHERE id = 3;
COMMIT;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions; -- fails
SELECT softdelete.restore('page', 3); -- fails
SELECT softdelete.restore('site', 1);
SET SESSION AUTHORIZATION regress_mixed;
BEGIN;
DELETE FROM site WHERE id IN (2, 3);
COMMIT;
SET SESSION AUTHORIZATION regress_mixed_editor;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions; -- fails
SELECT softdelete.restore('site', 3); -- fails
SELECT softdelete.restore('site', 2);
RESET SESSION AUTHORIZATION;
SELECT id, deleted_at IS NOT NULL AS archived FROM regress_archive_mixed.all_page ORDER BY id;

-- Who may undo a deletion, but not read an archive, learns that something is in the way, not what.
SET SESSION AUTHORIZATION regress_mixed;
CREATE TABLE room (id int PRIMARY KEY);
CREATE TABLE guest (id int PRIMARY KEY);
CREATE TABLE visit (id int PRIMARY KEY, guest int REFERENCES guest ON DELETE CASCADE, room int REFERENCES room, pass text UNIQUE);
CREATE INDEX ON visit (guest);
SELECT count(*) > 0 AS registered FROM softdelete.register('visit', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('guest');
GRANT SELECT, UPDATE, DELETE ON guest TO regress_mixed_editor;
GRANT SELECT ON guest TO regress_mixed_child;
INSERT INTO room VALUES (1), (2);
INSERT INTO guest VALUES (1), (2);
INSERT INTO visit VALUES (1, 1, 1, 'secret'), (2, 1, 1, 'other'), (3, 2, 2, 'third');
SET SESSION AUTHORIZATION regress_mixed_editor;
DELETE FROM guest WHERE id = 1;
SELECT max(id) AS guests FROM softdelete.deletions \gset
SELECT * FROM softdelete.conflicts(:guests);
SET SESSION AUTHORIZATION regress_mixed;
DELETE FROM room WHERE id = 1;
INSERT INTO visit VALUES (4, 2, 2, 'secret'), (5, 2, 2, 'other');
SET SESSION AUTHORIZATION regress_mixed_editor;
SELECT softdelete.undo(:guests); -- fails
SELECT * FROM softdelete.conflicts(:guests) ORDER BY reason, detail;
SELECT relation, action, rows, key, detail FROM softdelete.undo_preview(:guests) ORDER BY action, relation::text, detail;
SET SESSION AUTHORIZATION regress_mixed_child;
SELECT * FROM softdelete.conflicts(:guests); -- fails
SET SESSION AUTHORIZATION regress_mixed;
SELECT * FROM softdelete.conflicts(:guests) ORDER BY reason, detail;
RESET SESSION AUTHORIZATION;

SET client_min_messages = warning;
DROP SCHEMA regress_archive_mixed CASCADE;
DROP ROLE regress_mixed, regress_mixed_child, regress_mixed_editor;

