-- A table that has an archive or a history of its own comes under no partitioned table, whether that has one or not: it would lose its own.
\set VERBOSITY terse
\set QUIET on
CREATE ROLE regress_attached;
CREATE SCHEMA regress_attached AUTHORIZATION regress_attached;
SET SESSION AUTHORIZATION regress_attached;
SET search_path = regress_attached;
SET client_min_messages = error;
CREATE TABLE archived (id int PRIMARY KEY);
CREATE TABLE tracked (id int PRIMARY KEY);
CREATE TABLE two (id int PRIMARY KEY);
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (20) TO (30);
CREATE TABLE plain (id int NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE of_archive (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE of_history (id int PRIMARY KEY) PARTITION BY RANGE (id);
SELECT count(*) FROM unnest('{archived,two,parts,of_archive}'::text[]) AS t, LATERAL softdelete.register(t::regclass, strategy => 'archive') \gset
SELECT count(softdelete.track_history(t::regclass)) FROM unnest('{tracked,two,of_history}'::text[]) AS t \gset
INSERT INTO archived VALUES (1), (2);
INSERT INTO tracked VALUES (1);
DELETE FROM archived WHERE id = 1;
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ': ' || sqlerrm;
END $$;
\set QUIET off
SELECT parent, member, try(format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (0) TO (100)', parent, member))
FROM unnest('{plain,of_archive,of_history}'::text[]) AS parent, unnest('{archived,two,parts,tracked}'::text[]) AS member ORDER BY 1, 2;
DELETE FROM archived;
SELECT softdelete.restore('archived', 1);
INSERT INTO tracked VALUES (2);
SELECT count(*) FROM tracked_history;
-- Without them they may.
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('archived', deleted_rows => 'keep');
SELECT softdelete.untrack_history('tracked');
ALTER TABLE of_archive ATTACH PARTITION archived FOR VALUES FROM (0) TO (10);
ALTER TABLE of_history ATTACH PARTITION tracked FOR VALUES FROM (0) TO (10);
INSERT INTO of_history VALUES (3);
SELECT count(*) FROM of_history_history;
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_attached CASCADE;
DROP OWNED BY regress_attached;
DROP ROLE regress_attached;
