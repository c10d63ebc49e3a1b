-- Erasures clear who deleted, and why, also of deletions that hold none of their rows any more: restored ones, and those whose rows were
-- overwritten at the end of their retention.
CREATE ROLE regress_former;
CREATE SCHEMA regress_former AUTHORIZATION regress_former;
SET SESSION AUTHORIZATION regress_former;
SET search_path = regress_former;
\set QUIET off
\pset null '(null)'
CREATE FUNCTION left_over(entry jsonb) RETURNS SETOF text LANGUAGE sql AS
    $$SELECT n FROM jsonb_array_elements_text(entry -> 'not_reached') n WHERE n ~ 'actor'$$;
-- What another deletes, restores: the command, then the deletions by their reasons.
CREATE FUNCTION delete_and_restore(relation regclass, id int, why text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('softdelete.actor', 'actor of ' || why, true), set_config('softdelete.reason', why, true);
    EXECUTE format('DELETE FROM %s WHERE id = %s', relation, id);
    PERFORM softdelete.restore(relation, id);
    PERFORM set_config('softdelete.actor', '', true), set_config('softdelete.reason', '', true);
    RETURN why;
END $$;

-- One table for each way to keep deleted rows, with a history.
CREATE TABLE marked (id int PRIMARY KEY, name text);
CREATE TABLE archived (id int PRIMARY KEY, name text);
SELECT count(*) > 0 AS registered FROM softdelete.register('marked');
SELECT count(*) > 0 AS registered FROM softdelete.register('archived', strategy => 'archive');
SELECT softdelete.track_history('marked'), softdelete.track_history('archived');
SELECT softdelete.set_anonymizer('marked', 'name', $$'anon'$$), softdelete.set_anonymizer('archived', 'name', $$'anon'$$);
INSERT INTO marked SELECT g, 'name' || g FROM generate_series(1, 4) g;
INSERT INTO archived SELECT g, 'name' || g FROM generate_series(1, 4) g;
SELECT delete_and_restore('marked', 1, 'marked 1');
SELECT delete_and_restore('marked', 2, 'marked 2');
SELECT delete_and_restore('archived', 1, 'archived 1');
SELECT delete_and_restore('archived', 2, 'archived 2');
SET softdelete.reason = 'both rows';
DELETE FROM marked WHERE id > 2;
RESET softdelete.reason;
SELECT softdelete.undo(max(id)) FROM softdelete.deletions WHERE relation = 'marked'::regclass;
SELECT reason FROM softdelete.deletions ORDER BY id;
SELECT left_over(softdelete.erase('marked', 'asked', 1));
SELECT left_over(softdelete.anonymize('marked', 'asked', 2));
SELECT left_over(softdelete.erase('archived', 'asked', 1));
SELECT left_over(softdelete.anonymize('archived', 'asked', 2));
SELECT left_over(softdelete.erase('marked', 'asked', 3));
SELECT reason, deleted_by = 'regress_former' AS by_owner, restored_by FROM softdelete.deletions ORDER BY id;
SELECT left_over(softdelete.anonymize('marked', 'asked', 4)); -- the other row of the two
SELECT reason, deleted_by, restored_by FROM softdelete.deletions ORDER BY id;

-- A deletion that still holds a row of somebody else's.
INSERT INTO marked VALUES (5, 'name5'), (6, 'name6');
SET softdelete.reason = 'one of two';
DELETE FROM marked WHERE id IN (5, 6);
RESET softdelete.reason;
SELECT softdelete.restore('marked', 5);
SELECT left_over(softdelete.erase('marked', 'asked', 5));
SELECT reason FROM softdelete.deletions ORDER BY id DESC LIMIT 1;
SELECT left_over(softdelete.erase('marked', 'asked', 6));
SELECT reason FROM softdelete.deletions ORDER BY id DESC LIMIT 1;

-- A row that is gone: its history tells all the same.
INSERT INTO marked VALUES (7, 'name7');
SELECT delete_and_restore('marked', 7, 'marked 7');
SET softdelete.actor = 'purger';
DELETE FROM marked WHERE id = 7;
DELETE FROM marked WHERE id = 7 AND deleted_at IS NOT NULL;
RESET softdelete.actor;
SELECT count(*) FROM all_marked WHERE id = 7;
SELECT left_over(softdelete.erase('marked', 'asked', 7));
SELECT reason, deleted_by FROM softdelete.deletions ORDER BY id DESC LIMIT 2;

-- What no history tells of is named: a table without one, one that is younger than the deletion, one of several tables.
CREATE TABLE plain (id int PRIMARY KEY, name text);
CREATE TABLE young (id int PRIMARY KEY, name text);
CREATE TABLE parent (id int PRIMARY KEY, name text);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM softdelete.register('plain');
SELECT count(*) > 0 AS registered FROM softdelete.register('young');
SELECT count(*) > 0 AS registered FROM softdelete.register('parent', cascade => true);
INSERT INTO plain SELECT g, 'name' || g FROM generate_series(1, 3) g;
INSERT INTO young SELECT id, name FROM plain;
INSERT INTO parent SELECT id, name FROM plain;
INSERT INTO child SELECT g, g FROM generate_series(1, 3) g;
SELECT softdelete.track_history('parent');
SELECT left_over(softdelete.erase('plain', 'asked', 1)); -- nothing was restored there
SELECT delete_and_restore('plain', 2, 'plain 2');
SELECT left_over(softdelete.erase('plain', 'asked', 2));
SELECT left_over(softdelete.erase('plain', 'asked', 3)); -- nothing tells whose it was
SELECT delete_and_restore('young', 1, 'young 1');
SELECT softdelete.track_history('young');
SELECT delete_and_restore('young', 2, 'young 2');
SELECT left_over(softdelete.erase('young', 'asked', 1));
SELECT left_over(softdelete.erase('young', 'asked', 2));
SELECT delete_and_restore('parent', 1, 'parent 1');
SELECT left_over(softdelete.erase('parent', 'asked', 1));
SELECT softdelete.track_history('child');
SELECT delete_and_restore('parent', 2, 'parent 2');
SELECT left_over(softdelete.erase('parent', 'asked', 2));
SELECT relation, reason FROM softdelete.deletions WHERE relation IN ('plain'::regclass, 'young', 'parent') ORDER BY id;

-- At the end of a retention: the last row of a deletion clears it, and the statistics keep no value.
CREATE TABLE short (id int PRIMARY KEY, name text);
CREATE TABLE short_archived (id int PRIMARY KEY, name text);
SELECT count(*) > 0 AS registered FROM softdelete.register('short', '1 day', on_expiry => 'anonymize');
SELECT count(*) > 0 AS registered FROM softdelete.register('short_archived', '1 day', strategy => 'archive', on_expiry => 'anonymize');
SELECT softdelete.set_anonymizer('short', 'name', $$'anon'$$), softdelete.set_anonymizer('short_archived', 'name', $$'anon'$$);
INSERT INTO short SELECT g, 'SECRET' || g FROM generate_series(1, 6) g;
INSERT INTO short_archived SELECT id, name FROM short;
ANALYZE short, short_archived;
SET softdelete.reason = 'short';
DELETE FROM short WHERE id < 4;
SET softdelete.reason = 'short archived';
DELETE FROM short_archived WHERE id < 4;
RESET softdelete.reason;
ANALYZE short, short_archived, short_archived_archive;
SELECT softdelete.hold('short', 'case', 3) AS hold \gset
SET softdelete.visibility = 'all';
UPDATE short SET deleted_at = now() - interval '2 days' WHERE deleted_at IS NOT NULL;
RESET softdelete.visibility;
CALL softdelete.purge('short', batch_size => 1);
SELECT id, name FROM all_short ORDER BY id;
SELECT reason, rows FROM softdelete.deletions WHERE relation = 'short'::regclass; -- a row is on hold
SELECT softdelete.release(:hold);
CALL softdelete.purge('short', batch_size => 1);
SELECT reason, deleted_by, rows FROM softdelete.deletions WHERE relation = 'short'::regclass;
SELECT count(*) FROM pg_stats WHERE schemaname = 'regress_former' AND tablename = 'short'
    AND (most_common_vals::text ~ 'SECRET[123]' OR histogram_bounds::text ~ 'SECRET[123]');
SELECT object, action FROM softdelete.configure('short_archived', retention => '0');
CALL softdelete.purge('short_archived');
SELECT id, name FROM short_archived_archive ORDER BY id;
SELECT reason, deleted_by, rows FROM softdelete.deletions WHERE relation = 'short_archived'::regclass;
SELECT count(*) FROM pg_stats WHERE schemaname = 'regress_former' AND tablename ~ 'short_archived'
    AND (most_common_vals::text ~ 'SECRET[123]' OR histogram_bounds::text ~ 'SECRET[123]');

SET client_min_messages = warning;
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_former CASCADE;
DROP ROLE regress_former;
