-- What cannot be registered gets one clear error, and nothing is half done.
CREATE ROLE regress_errors_owner;
CREATE ROLE regress_errors_other;
CREATE SCHEMA regress_errors AUTHORIZATION regress_errors_owner;
GRANT USAGE ON SCHEMA regress_errors TO regress_errors_other;
SET SESSION AUTHORIZATION regress_errors_owner;
SET search_path = regress_errors;
\set VERBOSITY default
CREATE FUNCTION sqlstate_of(command text) RETURNS text LANGUAGE plpgsql AS
    $$ DECLARE hint text; BEGIN
        EXECUTE command;
        RETURN 'none';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
        RETURN format('%s: %s HINT: %s', SQLSTATE, SQLERRM, hint);
    END $$;
CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE);
CREATE VIEW v AS TABLE t;
CREATE MATERIALIZED VIEW mv AS TABLE t;
CREATE SEQUENCE s;
CREATE TEMPORARY TABLE temporary (id int PRIMARY KEY);
CREATE TABLE partitioned (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF partitioned DEFAULT;
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child () INHERITS (parent);
RESET SESSION AUTHORIZATION;
CREATE FOREIGN DATA WRAPPER regress_errors_fdw;
CREATE SERVER regress_errors_server FOREIGN DATA WRAPPER regress_errors_fdw;
GRANT USAGE ON FOREIGN SERVER regress_errors_server TO regress_errors_owner;
SET SESSION AUTHORIZATION regress_errors_owner;
CREATE FOREIGN TABLE ft (id int) SERVER regress_errors_server;
CREATE TABLE mixed (id int) PARTITION BY LIST (id);
CREATE FOREIGN TABLE mixed1 PARTITION OF mixed DEFAULT SERVER regress_errors_server;
\pset format unaligned
\pset tuples_only on

-- Relations that are no tables of the user's own, or only a part of one.
SELECT sqlstate_of($$SELECT softdelete.register(NULL)$$);
SELECT sqlstate_of($$SELECT softdelete.register('nowhere')$$);
SELECT sqlstate_of($$SELECT softdelete.register(1::oid::regclass)$$);
SELECT sqlstate_of($$SELECT softdelete.register('v')$$);
SELECT sqlstate_of($$SELECT softdelete.register('mv')$$);
SELECT sqlstate_of($$SELECT softdelete.register('s')$$);
SELECT sqlstate_of($$SELECT softdelete.register('t_pkey')$$);
SELECT sqlstate_of($$SELECT softdelete.register('ft')$$);
SELECT sqlstate_of($$SELECT softdelete.register('mixed')$$);
SELECT sqlstate_of($$SELECT softdelete.register('temporary')$$);
SELECT sqlstate_of($$SELECT softdelete.register('part')$$);
SELECT sqlstate_of($$SELECT softdelete.register('child')$$);
CREATE TABLE second ();
CREATE TABLE both_of () INHERITS (parent, second);
SELECT sqlstate_of($$SELECT softdelete.register('parent')$$);
DROP TABLE both_of;
SELECT sqlstate_of($$SELECT softdelete.register('pg_class')$$);
SELECT sqlstate_of($$SELECT softdelete.register('softdelete_internal.deletion')$$);

-- plan() refuses the same.
SELECT sqlstate_of($$SELECT softdelete.plan('v')$$);
SELECT sqlstate_of($$SELECT softdelete.plan('t', visibility => 'all')$$);

-- Tables of others.
SET SESSION AUTHORIZATION regress_errors_other;
SELECT sqlstate_of($$SELECT softdelete.register('t')$$);
SET search_path = regress_errors;
SELECT softdelete.register('t'); -- fails
SELECT softdelete.plan('t'); -- fails
SELECT softdelete.configure('t', keep_forever => true); -- fails
SELECT softdelete.repair('t'); -- fails
SELECT softdelete.unregister('t'); -- fails
SET SESSION AUTHORIZATION regress_errors_owner;
SET search_path = regress_errors;

-- Options.
SELECT sqlstate_of($$SELECT softdelete.register('t', strategy => 'archive', visibility => 'rls')$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', strategy => 'flags')$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', strategy => NULL)$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', visibility => 'Filter')$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', visibility => NULL)$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', indexes => 'some')$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', cascade => NULL)$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', retention => '-1 day')$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', admin_roles => '{regress_errors_nobody}')$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', admin_roles => '{NULL}')$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', admin_roles => NULL)$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', active_view => 'x', all_view => 'x')$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', active_view => 't')$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', active_view => '')$$);

-- Columns.
SELECT sqlstate_of($$SELECT softdelete.register('t', deleted_at => NULL)$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', deleted_at => '')$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', deleted_by => 'deleted_at')$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', deleted_at => 'deletion_id')$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', deleted_at => 'a')$$);
SELECT sqlstate_of($$SELECT softdelete.register('t', deleted_at => 'ctid')$$);
CREATE TABLE columns (
    id int PRIMARY KEY, deletion_id int, filled timestamptz DEFAULT now(), needed timestamptz NOT NULL,
    made timestamp GENERATED ALWAYS AS ('2020-01-01') STORED, flag boolean, by_default text DEFAULT 'x');
SELECT sqlstate_of($$SELECT softdelete.register('columns', deleted_at => 'filled')$$);
SELECT sqlstate_of($$SELECT softdelete.register('columns', deleted_at => 'needed')$$);
SELECT sqlstate_of($$SELECT softdelete.register('columns', deleted_at => 'made')$$);
SELECT sqlstate_of($$SELECT softdelete.register('columns', deleted_at => 'flag')$$);
SELECT sqlstate_of($$SELECT softdelete.register('columns', deleted_by => 'flag')$$);
SELECT sqlstate_of($$SELECT softdelete.register('columns', deleted_by => 'by_default')$$);
SELECT sqlstate_of($$SELECT softdelete.register('columns')$$);

ALTER TABLE columns ALTER deletion_id TYPE bigint;
INSERT INTO columns VALUES (1, 7, now(), now());
SELECT sqlstate_of($$SELECT softdelete.register('columns')$$);

-- Nothing was left behind.
SELECT relation FROM softdelete.tables WHERE relation::text IN ('t', 'columns', 'parent', 'partitioned');
SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0;

-- Tables that are not registered, or registered already.
SELECT sqlstate_of($$SELECT softdelete.configure('t', keep_forever => true)$$);
SELECT sqlstate_of($$SELECT softdelete.repair('t')$$);
SELECT sqlstate_of($$SELECT softdelete.unregister('t')$$);
SELECT count(*) > 0 FROM softdelete.register('t');
SELECT sqlstate_of($$SELECT softdelete.register('t')$$);
SELECT sqlstate_of($$SELECT softdelete.plan('t')$$);
SELECT sqlstate_of($$SELECT softdelete.configure('t')$$);
SELECT sqlstate_of($$SELECT softdelete.configure(NULL, keep_forever => true)$$);
SELECT sqlstate_of($$SELECT softdelete.configure('t', retention => '1 day', keep_forever => true)$$);
SELECT sqlstate_of($$SELECT softdelete.configure('t', keep_forever => false)$$);
SELECT sqlstate_of($$SELECT softdelete.configure('t', retention => '-1 day')$$);
SELECT sqlstate_of($$SELECT softdelete.configure('t', indexes => 'x')$$);
SELECT sqlstate_of($$SELECT softdelete.configure('t', admin_roles => '{regress_errors_nobody}')$$);
SELECT sqlstate_of($$SELECT softdelete.unregister('t', NULL)$$);
SELECT sqlstate_of($$SELECT softdelete.unregister('t', 'drop')$$);
SELECT sqlstate_of($$SELECT softdelete.unregister('v')$$);
SELECT sqlstate_of($$SELECT softdelete.unregister('part')$$);

-- A partition of another owner; a value that a deleted row has as well.
CREATE TABLE theirs (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE "thei rs1" PARTITION OF theirs DEFAULT;
RESET SESSION AUTHORIZATION;
ALTER TABLE regress_errors."thei rs1" OWNER TO regress_errors_other;
SET SESSION AUTHORIZATION regress_errors_owner;
SELECT sqlstate_of($$SELECT softdelete.register('theirs')$$);
SELECT sqlstate_of($$SELECT softdelete.register('theirs', strategy => 'archive')$$);
INSERT INTO t VALUES (1, 'taken');
DELETE FROM t;
INSERT INTO t VALUES (2, 'taken');
SELECT sqlstate_of($$SELECT softdelete.configure('t', indexes => 'none')$$);

-- A rule goes by no search_path.
SELECT sqlstate_of($$SELECT softdelete.set_anonymizer('t', 'a', 'in_no_schema(a)')$$);
SELECT sqlstate_of($$SELECT softdelete.set_anonymizer('t', 'a', 'a::in_no_schema')$$);

-- Nobody but the extension writes its tables.
SELECT sqlstate_of($$DELETE FROM softdelete_internal.registration$$);
SELECT sqlstate_of($$SELECT * FROM softdelete_internal.converted_index$$);
