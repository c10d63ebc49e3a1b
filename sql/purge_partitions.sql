-- What retention does to the partitions of an archive: each kind of bounds, forced row security, publications.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE ROLE regress_partitions;
CREATE SCHEMA regress_purge_partitions AUTHORIZATION regress_partitions;
SET SESSION AUTHORIZATION regress_partitions;
SET search_path = regress_purge_partitions;

-- An archive made by hand, with bounds that are no times: what is due goes, and a partition of the past goes as a whole.
CREATE TABLE orders (id int PRIMARY KEY, what text);
CREATE TABLE orders_archive (id int, what text, archived_at timestamptz NOT NULL, archived_by text) PARTITION BY RANGE (archived_at);
CREATE TABLE of_old PARTITION OF orders_archive FOR VALUES FROM (MINVALUE) TO ('2001-01-01');
CREATE TABLE of_then PARTITION OF orders_archive FOR VALUES FROM ('2001-01-01') TO ('2002-01-01');
CREATE TABLE of_now PARTITION OF orders_archive FOR VALUES FROM ('2002-01-01') TO (MAXVALUE);
INSERT INTO orders_archive VALUES (1, 'old', '1999-01-01'), (2, 'then', '2001-05-05'), (3, 'due', '2003-03-03'), (4, 'new', now());
SELECT count(*) > 0 AS registered FROM softdelete.register('orders', strategy => 'archive', retention => '1 year');
SELECT due, held FROM softdelete.purge_preview('orders');
CALL softdelete.purge('orders');
SELECT state, due, removed, held FROM softdelete.purge_log WHERE relation = 'orders'::regclass;
SELECT id, what FROM orders_archive;
SELECT inhrelid::regclass AS partition FROM pg_inherits WHERE inhparent = 'orders_archive'::regclass AND inhrelid::regclass::text LIKE 'of%' ORDER BY 1;
INSERT INTO orders VALUES (5, 'later');
DELETE FROM orders;
SELECT id, what FROM orders_archive ORDER BY id;

-- Policies that bind the owner hide rows from him, not from what counts them.
CREATE FUNCTION make(relation text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, what text)', relation);
    EXECUTE format('CREATE TABLE %s_archive (id int, what text, archived_at timestamptz NOT NULL) PARTITION BY RANGE (archived_at)', relation);
    EXECUTE format('CREATE TABLE %s_past PARTITION OF %1$s_archive FOR VALUES FROM (''2005-01-01'') TO (''2006-01-01'')', relation);
    EXECUTE format('INSERT INTO %s_archive SELECT i, ''n'' || i, ''2005-05-05'' FROM generate_series(1, 5) i', relation);
    PERFORM softdelete.register(relation::regclass, strategy => 'archive', retention => '1 year');
END $$;
SELECT make('notes');
SELECT softdelete.hold('notes', 'case', 2) > 0 AS held;
ALTER TABLE notes_past ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CALL softdelete.purge('notes');
SELECT state, due, removed, held FROM softdelete.purge_log WHERE relation = 'notes'::regclass;
ALTER TABLE notes_past NO FORCE ROW LEVEL SECURITY;
SELECT id, what FROM notes_past;

-- Where a publication tells a subscriber of the partition, or of a table above it, rows on hold are not put back: he would have them twice.
CREATE FUNCTION try(publish text, by_root boolean, published text) RETURNS TABLE (is_same_file boolean, left_there bigint) LANGUAGE plpgsql AS $$
DECLARE
    file oid;
BEGIN
    PERFORM make('cards');
    PERFORM softdelete.hold('cards', 'case', 3);
    EXECUTE format('CREATE PUBLICATION regress_partitions FOR TABLE %I WITH (publish = %L, publish_via_partition_root = %s)', published, publish, by_root::text);
    file := pg_relation_filenode('cards_past');
    CALL softdelete.purge('cards');
    RETURN QUERY SELECT pg_relation_filenode('cards_past') = file, (SELECT count(*) FROM cards_past);
    DROP PUBLICATION regress_partitions;
    PERFORM softdelete.release(id) FROM softdelete.holds WHERE relation = 'cards'::regclass AND released_at IS NULL;
    PERFORM softdelete.unregister('cards', 'purge');
    DROP TABLE cards;
END $$;
RESET SESSION AUTHORIZATION;
SELECT format('GRANT CREATE ON DATABASE %I TO regress_partitions', current_database()) \gexec
SET SESSION AUTHORIZATION regress_partitions;
SET client_min_messages = error;
SELECT publish, by_root, published, t.* FROM unnest('{insert,truncate,update,delete}'::text[]) publish, unnest('{t,f}'::boolean[]) by_root,
    unnest('{cards_archive,cards_past}'::text[]) published, try(publish, by_root, published) t
WHERE by_root <= (published = 'cards_archive') ORDER BY 1, 2, 3;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
SELECT format('REVOKE CREATE ON DATABASE %I FROM regress_partitions', current_database()) \gexec
SELECT count(softdelete.release(id)) FROM softdelete.holds WHERE released_at IS NULL AND relation = 'regress_purge_partitions.notes'::regclass;
DROP SCHEMA regress_purge_partitions CASCADE;
DROP OWNED BY regress_partitions;
DROP ROLE regress_partitions;
