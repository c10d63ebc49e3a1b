-- Somebody drops an archive or a history and leaves its table, as a session with row_security off may. Whatever reads or
-- writes the table says in one error what is missing, and what mends it; other tables and other people's purges and
-- recycle bins go on.
\set VERBOSITY terse
SET client_min_messages = error;
CREATE ROLE regress_dropper;
CREATE ROLE regress_bystander;
CREATE SCHEMA regress_dropped;
GRANT ALL ON SCHEMA regress_dropped TO regress_dropper, regress_bystander;
SET search_path = regress_dropped;

SET SESSION AUTHORIZATION regress_bystander;
CREATE TABLE innocent (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('innocent', strategy => 'archive', retention => '0');
SELECT softdelete.track_history('innocent', retention => '1 ms');
INSERT INTO innocent VALUES (1), (2);
DELETE FROM innocent WHERE id = 1;

SET SESSION AUTHORIZATION regress_dropper;
CREATE TABLE flagged (id int PRIMARY KEY, v text);
CREATE TABLE moved (id int PRIMARY KEY, v text, up int REFERENCES flagged ON DELETE CASCADE);
CREATE INDEX ON moved (up);
CREATE TABLE told (id int PRIMARY KEY, v text);
SELECT count(*) > 0 AS registered FROM softdelete.register('moved', strategy => 'archive', retention => '0');
SELECT count(*) > 0 AS registered FROM softdelete.register('flagged', retention => '0');
SELECT softdelete.track_history('told', retention => '1 ms');
SELECT softdelete.track_history('flagged', retention => '1 ms');
INSERT INTO flagged VALUES (1, 'a'), (2, 'b');
INSERT INTO moved VALUES (1, 'a', NULL), (2, 'b', 2), (3, 'c', NULL);
INSERT INTO told VALUES (1, 'a');
DELETE FROM moved WHERE id = 1;
SET row_security = off;
DROP TABLE moved_archive CASCADE;
DROP TABLE told_history;
DROP TABLE flagged_history;
RESET row_security;

-- Statements.
\set VERBOSITY default
DELETE FROM moved WHERE id = 3;
UPDATE told SET v = 'x';
\set VERBOSITY terse
DELETE FROM flagged WHERE id = 2;
UPDATE flagged SET v = 'x';
INSERT INTO told VALUES (2, 'b');
UPDATE moved SET v = 'x' WHERE id = 3;
INSERT INTO moved VALUES (4, 'd', NULL);
ALTER TABLE moved ADD COLUMN w int;
ALTER TABLE moved RENAME COLUMN v TO value;
ALTER TABLE moved ALTER COLUMN w TYPE bigint;
ALTER TABLE moved DROP COLUMN w;
ALTER TABLE told ADD COLUMN w int;
SELECT * FROM active_moved ORDER BY id;

-- Each function of the tables: an error of its own class, or its work.
CREATE TEMPORARY TABLE outcomes (function text, relation text, sqlstate text, message text);
CREATE PROCEDURE call_functions() LANGUAGE plpgsql AS $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT p.oid::regprocedure::text AS name, t.relation,
                    format('%s %I.%I(%s)', CASE p.prokind WHEN 'p' THEN 'CALL' ELSE 'SELECT' END, n.nspname, p.proname,
                           (SELECT string_agg(CASE a.type WHEN 'regclass'::regtype THEN quote_literal(t.relation)
                                WHEN '"any"'::regtype THEN '3' WHEN 'text[]'::regtype THEN 'VARIADIC ARRAY[''3'']'
                                WHEN 'int4'::regtype THEN '10' WHEN 'interval'::regtype THEN '''1 day''' WHEN 'timestamptz'::regtype THEN 'now()'
                                WHEN 'name[]'::regtype THEN '''{}''::name[]' WHEN 'bool'::regtype THEN 'false' WHEN 'anyelement'::regtype THEN 'now()'
                                WHEN 'text'::regtype THEN '''archive''' ELSE '''1''' END, ', ' ORDER BY a.place)
                            FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a (type, place))) AS call
             FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'softdelete'
             JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'softdelete',
             unnest('{moved,told,flagged}'::text[]) t (relation)
             WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND 'regclass'::regtype = ANY (p.proargtypes::oid[]) LOOP
        BEGIN
            EXECUTE f.call;
            RAISE EXCEPTION USING ERRCODE = 'ZZ000';
        EXCEPTION
            WHEN SQLSTATE 'ZZ000' THEN INSERT INTO outcomes VALUES (f.name, f.relation, '00000');
            WHEN OTHERS THEN INSERT INTO outcomes VALUES (f.name, f.relation, SQLSTATE, SQLERRM);
        END;
    END LOOP;
END$$;
CALL call_functions();
SELECT count(*) > 60 AS many, count(*) FILTER (WHERE message ~ 'is missing$') > 5 AS some_miss FROM outcomes;
SELECT * FROM outcomes WHERE sqlstate !~ '^(00000|0A000|22...|42501|42710|42809|42P10|55000|P0002)$' ORDER BY 1, 2;

-- Views, check-ups and purges.
SELECT relation, strategy FROM softdelete.tables WHERE relation::text NOT LIKE '%.%' ORDER BY 1;
SELECT relation, strategy FROM softdelete.stats ORDER BY 1;
SELECT relation, rows FROM softdelete.deletions ORDER BY id;
SELECT code, severity, relation, remedy FROM softdelete.check() WHERE code ~ 'missing$' ORDER BY 1, 3;
SELECT code FROM softdelete.check('moved') WHERE code ~ 'missing$';
SELECT relation, due FROM softdelete.purge_preview() ORDER BY 1;
CALL softdelete.purge();
SET SESSION AUTHORIZATION regress_bystander;
SELECT relation, rows FROM softdelete.deletions ORDER BY id;
SELECT count(*) FROM softdelete.check() WHERE code ~ 'missing$';
RESET SESSION AUTHORIZATION;
SELECT count(*) > 1 AS all_shown FROM softdelete.deletions;
CALL softdelete.purge();
SELECT (SELECT count(*) FROM innocent_archive) AS archived, (SELECT count(*) FROM innocent_history) AS entries;

-- What mends them.
SET SESSION AUTHORIZATION regress_dropper;
SELECT action, object FROM softdelete.repair('moved') ORDER BY step;
SELECT softdelete.track_history('told'), softdelete.track_history('flagged');
SELECT code FROM softdelete.check() WHERE code ~ 'missing$';
DELETE FROM moved WHERE id = 3;
SELECT id, value FROM deleted_moved;
SELECT softdelete.restore('moved', 3);
UPDATE told SET v = 'x';
SELECT kind FROM softdelete.history_of('told', 1) ORDER BY changed_at DESC LIMIT 1;

-- To end them works as well, and so does DROP TABLE.
SET row_security = off;
DROP TABLE moved_archive CASCADE;
DROP TABLE told_history;
DROP TABLE flagged_history;
RESET row_security;
SELECT action, object FROM softdelete.unregister('moved') ORDER BY step;
SELECT softdelete.untrack_history('told');
DELETE FROM moved WHERE id = 3;
UPDATE told SET v = 'y';
DROP TABLE moved, told, flagged CASCADE;
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_dropper, regress_bystander CASCADE;
DROP SCHEMA regress_dropped CASCADE;
DROP ROLE regress_dropper, regress_bystander;
