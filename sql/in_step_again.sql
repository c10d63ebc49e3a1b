-- What register() and changes of the strategy leave is in step with itself, whatever was there before; what they refuse, they
-- refuse by an error of their own.
\set QUIET on
\set VERBOSITY terse
CREATE ROLE regress_again;
CREATE SCHEMA regress_again AUTHORIZATION regress_again;
CREATE SCHEMA regress_again_2 AUTHORIZATION regress_again;
SET SESSION AUTHORIZATION regress_again;
SET search_path = regress_again;
\pset format unaligned
\pset tuples_only on
SET client_min_messages = error;
\set QUIET off
-- Registered, left with its rows, and registered again.
CREATE TABLE t (id int PRIMARY KEY, v text);
INSERT INTO t VALUES (1), (2);
SELECT count(*) > 0 FROM softdelete.register('t');
DELETE FROM t WHERE id = 2;
SELECT count(*) > 0 FROM softdelete.unregister('t', 'keep');
SELECT count(*) > 0 FROM softdelete.register('t');
SELECT severity, code, object, message FROM softdelete.check('t') WHERE severity <> 'notice';
SELECT action, object FROM softdelete.repair('t');
SELECT attname, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'deletion_id';
-- No table inherits from one between the strategies, whose change could not end then.
INSERT INTO t SELECT generate_series(3, 30);
DELETE FROM t WHERE id > 2;
CALL softdelete.change_strategy('t', 'archive', batch_size => 1, delay => '20 ms', max_runtime => '10 ms');
SELECT code, severity FROM softdelete.check('t') ORDER BY code;
CREATE TABLE u (PRIMARY KEY (id)) INHERITS (t); -- fails
CREATE TABLE u (id int PRIMARY KEY, v text, deleted_at timestamptz, deleted_by text, deletion_id bigint);
ALTER TABLE u INHERIT t; -- fails
CALL softdelete.change_strategy('t', 'archive');
SELECT count(*) FROM deleted_t;
-- Times that no archive can have.
CREATE FUNCTION move(at timestamptz) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    DROP TABLE IF EXISTS e CASCADE;
    DROP TABLE IF EXISTS e_archive;
    CREATE TABLE e (id int PRIMARY KEY, deleted_at timestamptz);
    INSERT INTO e VALUES (1, NULL), (2, at), (3, '2026-01-01');
    PERFORM softdelete.register('e');
    PERFORM softdelete.plan('e', strategy => 'archive');
    PERFORM softdelete.configure('e', strategy => 'archive');
    RETURN (SELECT count(*) FROM deleted_e) || ' archived';
EXCEPTION WHEN object_not_in_prerequisite_state THEN RETURN SQLERRM;
END $$;
SELECT at, move(at) FROM unnest('{-infinity,infinity,4714-11-25 BC,4713-01-01 BC,0001-01-01,9999-12-31,290000-01-01,294276-12-31 12:00+00}'::timestamptz[]) at;
-- Whoever takes a table for an actor is told of the table that he sees.
CREATE TABLE regress_again_2.t (id int PRIMARY KEY);
SELECT count(*) > 0 FROM softdelete.register('regress_again_2.t');
\set VERBOSITY default
SELECT softdelete.undo(actor => 't', since => '-infinity');
SET search_path = regress_again_2, regress_again;
SELECT softdelete.undo(actor => 't', since => '-infinity');
\set QUIET on
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_again, regress_again_2 CASCADE;
DROP ROLE regress_again;
