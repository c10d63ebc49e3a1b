-- hold, release, erase, anonymize, set_anonymizer and purge answer each wrong call with one error that says what is wrong
-- and what to do, and change nothing.
CREATE ROLE regress_errors;
CREATE ROLE regress_errors_other;
CREATE SCHEMA regress_errors AUTHORIZATION regress_errors;
GRANT USAGE ON SCHEMA regress_errors TO regress_errors_other;
SELECT setval('softdelete_internal.hold_id_seq', 6000);
SET SESSION AUTHORIZATION regress_errors;
SET search_path = regress_errors;
CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL, age int);
CREATE TABLE "pairs" ("A" int, b uuid, PRIMARY KEY ("A", b));
CREATE TABLE nokey (id int);
CREATE TABLE plain (id int PRIMARY KEY);
CREATE VIEW users_view AS SELECT * FROM users;
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
SELECT count(*) > 0 AS registered FROM softdelete.register('pairs');
SELECT count(*) > 0 AS registered FROM softdelete.register('nokey');
SELECT softdelete.set_anonymizer('users', 'name', $$'removed'$$);
SELECT softdelete.set_anonymizer('pairs', 'deleted_by', $$'removed'$$);
INSERT INTO users VALUES (1, 'Ada');
INSERT INTO pairs VALUES (1, '6b3c4e6e-0000-4000-8000-000000000001');
INSERT INTO nokey VALUES (1);

--
-- hold
--
-- The reason.
SELECT softdelete.hold('users', NULL, 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold('users', ' ', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold('users', ' 1 ', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold('pairs', '6b3c4e6e-0000-4000-8000-000000000001', 1, '6B3C4E6E-0000-4000-8000-000000000001');
\echo :LAST_ERROR_SQLSTATE
-- The key: unknown, null, too many, too few, none, of another type.
SELECT softdelete.hold('users', 'request', 99);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold('users', 'request', NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold('users', 'request', 1, 2);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold('pairs', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY sqlstate
SELECT softdelete.hold('users', 'request');
\set VERBOSITY default
SELECT softdelete.hold('users', 'request', VARIADIC ARRAY[]::text[]);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold('users', 'request', 'Ada');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold('users', 'request', 10000000000);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold('users', 'request', 1.5);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold('pairs', 'request', 1, 2);
\echo :LAST_ERROR_SQLSTATE
-- The table.
SELECT softdelete.hold('plain', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold('nokey', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold('users_view', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold('users_pkey', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold('pg_class', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold('nothing', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold(4711, 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.hold(NULL, 'request', 1);
\echo :LAST_ERROR_SQLSTATE
-- The role, the transaction.
SET SESSION AUTHORIZATION regress_errors_other;
SELECT softdelete.hold('regress_errors.users', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SET SESSION AUTHORIZATION regress_errors;
BEGIN READ ONLY;
SELECT softdelete.hold('users', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

--
-- erase
--
-- The reason.
SELECT softdelete.erase('users', NULL, 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase('users', ' ', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase('users', ' 1 ', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase('pairs', '6b3c4e6e-0000-4000-8000-000000000001', 1, '6B3C4E6E-0000-4000-8000-000000000001');
\echo :LAST_ERROR_SQLSTATE
-- The key: unknown, null, too many, too few, none, of another type.
SELECT softdelete.erase('users', 'request', 99);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase('users', 'request', NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase('users', 'request', 1, 2);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase('pairs', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY sqlstate
SELECT softdelete.erase('users', 'request');
\set VERBOSITY default
SELECT softdelete.erase('users', 'request', VARIADIC ARRAY[]::text[]);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase('users', 'request', 'Ada');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase('users', 'request', 10000000000);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase('users', 'request', 1.5);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase('pairs', 'request', 1, 2);
\echo :LAST_ERROR_SQLSTATE
-- The table.
SELECT softdelete.erase('plain', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase('nokey', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase('users_view', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase('users_pkey', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase('pg_class', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase('nothing', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase(4711, 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.erase(NULL, 'request', 1);
\echo :LAST_ERROR_SQLSTATE
-- The role, the transaction.
SET SESSION AUTHORIZATION regress_errors_other;
SELECT softdelete.erase('regress_errors.users', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SET SESSION AUTHORIZATION regress_errors;
BEGIN READ ONLY;
SELECT softdelete.erase('users', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

--
-- anonymize
--
-- The reason.
SELECT softdelete.anonymize('users', NULL, 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize('users', ' ', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize('users', ' 1 ', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize('pairs', '6b3c4e6e-0000-4000-8000-000000000001', 1, '6B3C4E6E-0000-4000-8000-000000000001');
\echo :LAST_ERROR_SQLSTATE
-- The key: unknown, null, too many, too few, none, of another type.
SELECT softdelete.anonymize('users', 'request', 99);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize('users', 'request', NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize('users', 'request', 1, 2);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize('pairs', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY sqlstate
SELECT softdelete.anonymize('users', 'request');
\set VERBOSITY default
SELECT softdelete.anonymize('users', 'request', VARIADIC ARRAY[]::text[]);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize('users', 'request', 'Ada');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize('users', 'request', 10000000000);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize('users', 'request', 1.5);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize('pairs', 'request', 1, 2);
\echo :LAST_ERROR_SQLSTATE
-- The table.
SELECT softdelete.anonymize('plain', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize('nokey', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize('users_view', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize('users_pkey', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize('pg_class', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize('nothing', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize(4711, 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize(NULL, 'request', 1);
\echo :LAST_ERROR_SQLSTATE
-- The role, the transaction.
SET SESSION AUTHORIZATION regress_errors_other;
SELECT softdelete.anonymize('regress_errors.users', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SET SESSION AUTHORIZATION regress_errors;
BEGIN READ ONLY;
SELECT softdelete.anonymize('users', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

--
-- release
--
SELECT softdelete.hold('users', 'court', 1) AS hold \gset
SELECT softdelete.release(NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.release(-1); -- none: false
SET SESSION AUTHORIZATION regress_errors_other;
SELECT softdelete.release(:hold);
\echo :LAST_ERROR_SQLSTATE
SET SESSION AUTHORIZATION regress_errors;
SELECT softdelete.erase('users', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.anonymize('users', 'request', 1);
\echo :LAST_ERROR_SQLSTATE
BEGIN READ ONLY;
SELECT softdelete.release(:hold);
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
SELECT softdelete.release(:hold);

--
-- set_anonymizer
--
SELECT softdelete.set_anonymizer(NULL, 'name', '1');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.set_anonymizer('users', NULL, '1');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.set_anonymizer('users', 'nothing', '1');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.set_anonymizer('users', 'id', '1');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.set_anonymizer('users', 'deleted_at', 'now()');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.set_anonymizer('users', 'deletion_id', '1');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.set_anonymizer('users', 'name', 'nothing');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.set_anonymizer('users', 'name', '1 +');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.set_anonymizer('users', 'name', '');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.set_anonymizer('users', 'name', '(SELECT 1)');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.set_anonymizer('users', 'name', 'max(name)');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.set_anonymizer('users', 'name', '1); DROP TABLE users; --');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.set_anonymizer('users', 'name', 'NULL');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.set_anonymizer('users', 'age', $$'a text'$$);
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.set_anonymizer('users', 'age', 'now()');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.set_anonymizer('plain', 'id', '1');
\echo :LAST_ERROR_SQLSTATE
SELECT softdelete.set_anonymizer('users_view', 'id', '1');
\echo :LAST_ERROR_SQLSTATE
SET SESSION AUTHORIZATION regress_errors_other;
SELECT softdelete.set_anonymizer('regress_errors.users', 'name', '1');
\echo :LAST_ERROR_SQLSTATE
SET SESSION AUTHORIZATION regress_errors;

--
-- purge
--
CALL softdelete.purge('plain');
\echo :LAST_ERROR_SQLSTATE
CALL softdelete.purge('users_view');
\echo :LAST_ERROR_SQLSTATE
CALL softdelete.purge('pg_class');
\echo :LAST_ERROR_SQLSTATE
CALL softdelete.purge('users', batch_size => 0);
\echo :LAST_ERROR_SQLSTATE
CALL softdelete.purge('users', max_runtime => '-1 s');
\echo :LAST_ERROR_SQLSTATE
BEGIN READ ONLY;
CALL softdelete.purge('users');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
SET SESSION AUTHORIZATION regress_errors_other;
CALL softdelete.purge('regress_errors.users');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM softdelete.purge_preview('regress_errors.users');
\echo :LAST_ERROR_SQLSTATE
SET SESSION AUTHORIZATION regress_errors;

-- A reason is no value of the key in other words either: as the type reads it, and as the key compares.
SET client_min_messages = error;
CREATE COLLATION "Any case" (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE DOMAIN number AS numeric;
CREATE FUNCTION try_reason(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RAISE SQLSTATE 'ZZ000';
EXCEPTION
    WHEN SQLSTATE 'ZZ000' THEN RETURN 'taken';
    WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
DO $$
DECLARE
    type text;
    i int := 0;
BEGIN
    FOREACH type IN ARRAY '{int,number,uuid,date,text COLLATE \"Any case\",char(5)}'::text[] LOOP
        i := i + 1;
        EXECUTE format('CREATE TABLE key_%s (part int, id %s, name text, PRIMARY KEY (part, id))', i, type);
        PERFORM softdelete.register(format('key_%s', i)::regclass);
        PERFORM softdelete.set_anonymizer(format('key_%s', i)::regclass, 'name', '''x''');
    END LOOP;
END $$;
RESET client_min_messages;
INSERT INTO key_1 VALUES (1, 22);
INSERT INTO key_2 VALUES (1, 22);
INSERT INTO key_3 VALUES (1, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
INSERT INTO key_4 VALUES (1, '2026-01-02');
INSERT INTO key_5 VALUES (1, 'Ann');
INSERT INTO key_6 VALUES (1, 'Ann');
SELECT r.key, r.value, r.reason, string_agg(DISTINCT try_reason(format('SELECT softdelete.%s(%L, %L, 1, %L)', f, 'key_' || r.key, r.reason, r.value)), ' ') AS outcome
    FROM unnest('{erase,anonymize,hold}'::text[]) f,
         (VALUES (1, '22', '+22'), (1, '22', ' 022 '), (1, '22', '+1'), (1, '22', '23'), (2, '22', '22.0'), (2, '22', '2.2e1'), (2, '22', '22a'),
                 (3, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{A0EEBC99-9C0B4EF8-BB6D6BB9-BD380A11}'), (4, '2026-01-02', 'Jan 2, 2026'),
                 (4, '2026-01-02', '2026-01-03'), (5, 'Ann', ' ANN'), (5, 'Ann', 'Anna'), (6, 'Ann', 'Ann  '), (6, 'Ann', 'ANN')) r (key, value, reason)
    GROUP BY 1, 2, 3 ORDER BY 1, r.value COLLATE "C", r.reason COLLATE "C";

-- Nor of a row that is gone and has a history.
SELECT softdelete.track_history('key_2') IS NOT NULL AS tracked;
UPDATE key_2 SET name = 'a';
RESET SESSION AUTHORIZATION;
SET softdelete.deletion = 'hard';
DELETE FROM regress_errors.key_2;
RESET softdelete.deletion;
SET SESSION AUTHORIZATION regress_errors;
SELECT try_reason('SELECT softdelete.erase(''key_2'', ''22.0'', 1, 22)'), try_reason('SELECT softdelete.erase(''key_2'', ''asked'', 1, 22)');

-- Nothing has changed.
SELECT id, name FROM users;
SELECT count(*) FROM pairs;
SELECT count(*) FROM softdelete.erasure_log WHERE relation IN ('users'::regclass, 'pairs'::regclass, 'nokey'::regclass);
SELECT reason FROM softdelete.holds WHERE relation IN ('users'::regclass, 'pairs'::regclass, 'nokey'::regclass);
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_errors CASCADE;
DROP ROLE regress_errors, regress_errors_other;
