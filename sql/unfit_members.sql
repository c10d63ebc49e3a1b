-- Foreign and temporary tables cannot be parts of a registered table, whichever command would make them one; afterwards
-- everything goes on as before.
\set QUIET on
SET client_min_messages = warning;
CREATE ROLE regress_unfit;
CREATE FOREIGN DATA WRAPPER regress_unfit_wrapper;
CREATE SERVER regress_unfit_server FOREIGN DATA WRAPPER regress_unfit_wrapper;
GRANT USAGE ON FOREIGN SERVER regress_unfit_server TO regress_unfit;
CREATE SCHEMA regress_unfit AUTHORIZATION regress_unfit;
SET SESSION AUTHORIZATION regress_unfit;
SET search_path = regress_unfit;
CREATE TABLE split (id int NOT NULL, name text) PARTITION BY LIST (id);
CREATE TABLE split_1 PARTITION OF split FOR VALUES IN (1) PARTITION BY LIST (name);
CREATE TABLE split_2 PARTITION OF split FOR VALUES IN (2);
CREATE TABLE base (id int NOT NULL, name text);
CREATE TABLE heir () INHERITS (base);
SELECT count(*) FROM softdelete.register('split') \gset
SELECT count(*) FROM softdelete.register('base') \gset
CREATE FOREIGN TABLE far (id int NOT NULL, name text, deleted_at timestamptz, deleted_by text, deletion_id bigint)
    SERVER regress_unfit_server;
CREATE TEMPORARY TABLE brief (id int NOT NULL, name text, deleted_at timestamptz, deleted_by text, deletion_id bigint);
\set QUIET off

CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ': ' || sqlerrm;
END$$;
SELECT statement, try(statement) FROM unnest(ARRAY[
    'CREATE FOREIGN TABLE f PARTITION OF split FOR VALUES IN (3) SERVER regress_unfit_server',
    'CREATE FOREIGN TABLE f PARTITION OF split_1 FOR VALUES IN (''a'') SERVER regress_unfit_server',
    'CREATE FOREIGN TABLE f () INHERITS (base) SERVER regress_unfit_server',
    'CREATE FOREIGN TABLE f () INHERITS (heir) SERVER regress_unfit_server',
    'ALTER TABLE split ATTACH PARTITION far FOR VALUES IN (3)',
    'ALTER TABLE split_1 ATTACH PARTITION far FOR VALUES IN (''a'')',
    'ALTER TABLE far INHERIT base',
    'ALTER FOREIGN TABLE far INHERIT base',
    'ALTER FOREIGN TABLE far INHERIT heir',
    'CREATE TEMPORARY TABLE t () INHERITS (base)',
    'CREATE TEMPORARY TABLE t () INHERITS (heir)',
    'ALTER TABLE brief INHERIT base',
    'CREATE TEMPORARY TABLE t PARTITION OF split FOR VALUES IN (3)',
    'ALTER TABLE split ATTACH PARTITION brief FOR VALUES IN (3)']) statement;

-- Nor is a table registered that has such a part.
CREATE TABLE with_far (id int);
CREATE FOREIGN TABLE far_1 () INHERITS (with_far) SERVER regress_unfit_server;
CREATE TABLE with_brief (id int);
CREATE TEMPORARY TABLE brief_1 () INHERITS (with_brief);
SELECT softdelete.register('with_far'); -- fails
SELECT softdelete.register('with_brief'); -- fails
DROP TABLE brief_1;
SELECT count(*) > 0 AS registered FROM softdelete.register('with_brief');

-- What comes next: new columns, new parts, registration kept in step.
ALTER TABLE split ADD COLUMN note text;
ALTER TABLE base ADD COLUMN note text;
CREATE TABLE split_3 PARTITION OF split FOR VALUES IN (3);
CREATE TABLE heir_2 () INHERITS (base);
CREATE FOREIGN TABLE alone (id int) SERVER regress_unfit_server;
ALTER FOREIGN TABLE alone ADD COLUMN note text;
SELECT count(DISTINCT t.relation) AS tables, count(r.*) AS differences FROM softdelete.tables t LEFT JOIN LATERAL softdelete.repair(t.relation) r ON true
    WHERE t.relation IN ('split'::regclass, 'base'::regclass);

\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_unfit CASCADE;
DROP TABLE IF EXISTS pg_temp.brief;
DROP SERVER regress_unfit_server;
DROP FOREIGN DATA WRAPPER regress_unfit_wrapper;
DROP ROLE regress_unfit;
