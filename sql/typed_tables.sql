-- A typed table is registered where its type has the columns; ALTER TYPE then takes nothing of it apart.
\set QUIET on
SET client_min_messages = warning;
CREATE ROLE regress_typed;
CREATE SCHEMA regress_typed AUTHORIZATION regress_typed;
SET SESSION AUTHORIZATION regress_typed;
SET search_path = regress_typed;
\set QUIET off
CREATE TYPE document AS (id int, title text, deleted_at timestamptz, deleted_by text, deletion_id bigint);
CREATE TYPE page AS (id int, document int, deleted_at timestamptz, deleted_by text, deletion_id bigint);
CREATE TABLE documents OF document (PRIMARY KEY (id));
CREATE TABLE pages OF page (PRIMARY KEY (id), FOREIGN KEY (document) REFERENCES documents ON DELETE CASCADE);
CREATE INDEX ON pages (document);
SELECT count(*) > 0 AS registered FROM softdelete.register('documents', retention => '1 year', cascade => true);
INSERT INTO documents (id) VALUES (1), (2);
INSERT INTO pages (id, document) VALUES (1, 1), (2, 2);
DELETE FROM documents WHERE id = 2;
SELECT softdelete.hold('documents', 'a case', 1) > 0 AS held;
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ': ' || sqlerrm;
END$$;
SELECT statement, try(statement) FROM unnest(ARRAY[
    'ALTER TYPE document DROP ATTRIBUTE id CASCADE',
    'ALTER TYPE document DROP ATTRIBUTE deleted_at CASCADE',
    'ALTER TYPE document DROP ATTRIBUTE deleted_by CASCADE',
    'ALTER TYPE document DROP ATTRIBUTE deletion_id CASCADE',
    'ALTER TYPE page DROP ATTRIBUTE document CASCADE',
    'ALTER TYPE page DROP ATTRIBUTE id CASCADE',
    'DROP TYPE document CASCADE']) statement;
SELECT id FROM documents WHERE softdelete.include_deleted(deleted_at) ORDER BY id;
SELECT count(*) AS differences FROM softdelete.repair('documents'), softdelete.repair('pages') AS p;

\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
SELECT count(softdelete.release(id)) FROM softdelete.holds WHERE relation = 'regress_typed.documents'::regclass;
DROP SCHEMA regress_typed CASCADE;
DROP ROLE regress_typed;
