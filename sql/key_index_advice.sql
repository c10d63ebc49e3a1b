-- What register() says of foreign keys without an index is what happens: whose deletes and purges read the whole table, and
-- whose do not. Its statements run as they stand, each in one go, and leave nothing to say.
\set QUIET on
CREATE ROLE regress_key_indexes;
CREATE SCHEMA regress_key_indexes AUTHORIZATION regress_key_indexes;
SET SESSION AUTHORIZATION regress_key_indexes;
SET search_path = regress_key_indexes;
SET client_min_messages = error;
SET enable_seqscan = off; -- a table is read as a whole where no index helps
SET jit = off;
\pset format unaligned

-- What is said of the table, in one line.
CREATE FUNCTION said(parent regclass, relation regclass, further boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(substring(regexp_replace(command, '\s+(-- )?', ' ', 'g') FROM ': (.*) would be slow'), ' / ')
    FROM softdelete.plan(parent, retention => '1 day', all_referencing => further) p
    WHERE p.action = 'warning' AND p.object LIKE 'constraint%' AND p.relation = said.relation
$$;

-- Does the statement read the whole table?
CREATE FUNCTION reads_all(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    scans bigint := (SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relid = 'child'::regclass);
BEGIN
    EXECUTE statement;
    RETURN (SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relid = 'child'::regclass) > scans;
END $$;

-- child: registered never, before the parent, or in the same call. All of it is taken back.
CREATE FUNCTION try(child text, action text, index text)
    RETURNS TABLE (said text, deletes_read_all boolean, purges_read_all boolean) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE parent (id int PRIMARY KEY, deleted_at timestamptz);
    EXECUTE 'CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE ' || action
        || ', deleted_at timestamptz)';
    INSERT INTO parent VALUES (1), (2);
    INSERT INTO parent VALUES (3, now() - interval '9 days');
    INSERT INTO child SELECT i, 2 FROM generate_series(1, 9) i;
    IF index > '' THEN
        EXECUTE format(index, 'child (parent)');
    END IF;
    IF child = 'before' THEN
        PERFORM softdelete.register('child', retention => '1 day');
    END IF;
    said := said('parent', 'child', child = 'together');
    PERFORM softdelete.register('parent', retention => '1 day', all_referencing => child = 'together');
    deletes_read_all := reads_all('DELETE FROM parent WHERE id = 1');
    purges_read_all := reads_all('CALL softdelete.purge(''parent'')');
    RAISE SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    RETURN NEXT;
END $$;
\set QUIET off

-- Every action, every state of the child, and none, a partial, and a whole index.
CREATE TABLE tried AS
    SELECT child, action, coalesce(index, 'none') AS index, t.*
    FROM unnest(ARRAY['never', 'before', 'together']) child,
        unnest(ARRAY['NO ACTION', 'RESTRICT', 'CASCADE', 'SET NULL', 'SET DEFAULT']) action,
        unnest(ARRAY[NULL, 'CREATE INDEX ON %s WHERE deleted_at IS NULL', 'CREATE INDEX ON %s',
                     'CREATE INDEX ON %s WHERE parent IS NOT NULL']) index,
        LATERAL try(child, action, index) t;
SELECT child, index, coalesce(said, '') AS said, deletes_read_all, purges_read_all, count(*),
    string_agg(action, ', ' ORDER BY action) AS actions
    FROM tried GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3;
SELECT * FROM tried
    WHERE coalesce(said ~ 'deletes', false) <> deletes_read_all OR coalesce(said ~ 'purges', false) <> purges_read_all;

-- A key to a table that is not registered, whose index registration makes one of live rows: there DELETE is the server's own.
CREATE TABLE outside (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, outside int REFERENCES outside, slot int, UNIQUE (outside, slot));
SELECT said('child', 'child');
INSERT INTO outside VALUES (1), (2);
SELECT reads_all('DELETE FROM outside WHERE id = 1');
SELECT count(*) > 0 AS registered FROM softdelete.register('child');
SELECT reads_all('DELETE FROM outside WHERE id = 2');
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('child');
DROP TABLE child, outside;

-- One line per table, however many keys: by whom each is missed.
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY);
CREATE TABLE d (id int PRIMARY KEY);
CREATE TABLE many (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE, a2 int REFERENCES a, b int REFERENCES b ON DELETE SET NULL,
    c int REFERENCES c, d int REFERENCES d, UNIQUE (d, id));
CREATE TABLE sibling (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE);
SELECT count(*) > 0 AS registered FROM (VALUES ('a'), ('b'), ('c')) t (name), softdelete.register(name::regclass);
SELECT object, command FROM softdelete.plan('many') WHERE action = 'warning' AND object LIKE 'constraint%';
SELECT said('many', 'many');
SELECT count(*) > 0 AS unregistered FROM (VALUES ('a'), ('b'), ('c')) t (name), softdelete.unregister(name::regclass);
SELECT relation, count(*) FROM softdelete.plan('a', all_referencing => true) WHERE action = 'warning' AND object LIKE 'constraint%'
    GROUP BY 1 ORDER BY 1;

-- Each command is one for any client, be it several statements, and nothing is left to say when all have been run.
SELECT command FROM softdelete.plan('a', all_referencing => true) WHERE action = 'warning' AND object LIKE 'constraint%' \gexec
SELECT relation, object FROM softdelete.plan('a', all_referencing => true) WHERE action = 'warning' AND object LIKE 'constraint%';

-- So it is with a primary key that comes again: the key that takes its place is an index, and no constraint that would be one.
CREATE TABLE links (a int REFERENCES a, b int REFERENCES b, PRIMARY KEY (a, b));
CREATE INDEX ON links (a);
CREATE INDEX ON links (b);
SELECT object, command FROM softdelete.plan('links', strategy => 'flag') WHERE action = 'warning';
SELECT command FROM softdelete.plan('links', strategy => 'flag') WHERE action = 'warning' \gexec
SELECT object FROM softdelete.register('links', strategy => 'flag') WHERE action = 'warning';
INSERT INTO a VALUES (1);
INSERT INTO b VALUES (1);
INSERT INTO links VALUES (1, 1);
INSERT INTO links VALUES (1, 1); -- fails
DELETE FROM links;
INSERT INTO links VALUES (1, 1);

-- A foreign key that comes later is told the same way.
RESET client_min_messages;
CREATE TABLE e (id int PRIMARY KEY, b int, d int);
CREATE UNIQUE INDEX ON e (b, id);
CREATE UNIQUE INDEX ON e (d, id);
SELECT count(*) > 0 AS registered FROM softdelete.register('e');
SELECT count(*) > 0 AS registered FROM softdelete.register('b');
ALTER TABLE e ADD FOREIGN KEY (b) REFERENCES b;
ALTER TABLE e ADD FOREIGN KEY (d) REFERENCES d;

\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = error;
DROP SCHEMA regress_key_indexes CASCADE;
DROP ROLE regress_key_indexes;
