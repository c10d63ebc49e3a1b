-- COPY and INSERT need the privileges on a registered table that they need on any other: each statement under each set of
-- privileges on a registered table and on one that is not. What register() looks at are values that come, not rows that are
-- there.
\set QUIET on
CREATE ROLE regress_load_owner;
CREATE ROLE regress_loader;
GRANT pg_read_server_files, pg_write_server_files TO regress_loader;
GRANT regress_loader TO regress_load_owner;
CREATE SCHEMA regress_load AUTHORIZATION regress_load_owner;
SET SESSION AUTHORIZATION regress_load_owner;
SET search_path = regress_load;
GRANT USAGE ON SCHEMA regress_load TO regress_loader;
\pset format unaligned
SET client_min_messages = error;
CREATE TABLE ours (id int PRIMARY KEY, note text);
CREATE TABLE ours_parts (id int PRIMARY KEY, note text) PARTITION BY RANGE (id);
CREATE TABLE ours_parts_1 (gone int, note text, id int NOT NULL);
ALTER TABLE ours_parts_1 DROP COLUMN gone;
ALTER TABLE ours_parts ATTACH PARTITION ours_parts_1 FOR VALUES FROM (0) TO (100);
SELECT count(*) > 0 AS registered FROM softdelete.register('ours');
SELECT count(*) > 0 AS registered FROM softdelete.register('ours_parts');
CREATE TABLE plain (id int PRIMARY KEY, note text, deleted_at timestamptz, deleted_by text, deletion_id bigint);
CREATE TABLE plain_parts (LIKE plain INCLUDING ALL) PARTITION BY RANGE (id);
CREATE TABLE plain_parts_1 PARTITION OF plain_parts FOR VALUES FROM (0) TO (100);
-- The SQLSTATE that the statement ends with.
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
    SET ROLE regress_loader; EXECUTE statement; RAISE EXCEPTION USING ERRCODE = 'RR000';
EXCEPTION WHEN SQLSTATE 'RR000' THEN RETURN 'done'; WHEN OTHERS THEN RETURN sqlstate; END $$;
CREATE FUNCTION walk(suffix text) RETURNS TABLE (granted text, statement text, ours text, plain text) LANGUAGE plpgsql AS $$
DECLARE
    a text[]; tried text; name text;
BEGIN
    FOREACH granted IN ARRAY ARRAY['', 'INSERT', 'INSERT (id)', 'INSERT (id, note)', 'INSERT (id, deleted_at)', 'INSERT, SELECT (id)',
        'INSERT (id, note), SELECT (note)', 'SELECT', 'SELECT (id)', 'SELECT (id, note), INSERT (id)', 'UPDATE, DELETE'] LOOP
        FOREACH tried IN ARRAY ARRAY['COPY %I FROM ''/dev/null''', 'COPY %I (id) FROM ''/dev/null''', 'COPY %I (id, note) FROM ''/dev/null''',
            'COPY %I (id, deleted_at) FROM ''/dev/null''', 'COPY %I (id) FROM ''/dev/null'' WHERE id > 0',
            'COPY %I (id, note) FROM ''/dev/null'' WHERE note IS NOT NULL AND id > 0', 'COPY %I (id) TO ''/dev/null''',
            'COPY %I (id, note) TO ''/dev/null''', 'COPY (SELECT id FROM %I) TO ''/dev/null''',
            'INSERT INTO %I (id) VALUES (1)', 'INSERT INTO %I (id, note) VALUES (1, ''x'')', 'INSERT INTO %I (id, deleted_at) VALUES (1, now())',
            'INSERT INTO %I (id) VALUES (1) RETURNING id', 'INSERT INTO %I (id) VALUES (1) ON CONFLICT DO NOTHING',
            'INSERT INTO %I (id) VALUES (1) ON CONFLICT (id) DO NOTHING'] LOOP
            a := '{}';
            FOREACH name IN ARRAY ARRAY['ours' || suffix, 'plain' || suffix] LOOP
                EXECUTE format('REVOKE ALL ON %I FROM regress_loader', name);
                IF granted <> '' THEN EXECUTE format('GRANT %s ON %I TO regress_loader', granted, name); END IF;
                a := a || try(format(tried, name));
                RESET ROLE;
            END LOOP;
            statement := tried; ours := a[1]; plain := a[2];
            RETURN NEXT;
        END LOOP;
    END LOOP;
END $$;
\set QUIET off

-- They agree; that is worth something where both outcomes occur.
SELECT plain, count(*) FROM walk('') GROUP BY 1 ORDER BY 1;
SELECT * FROM walk('') WHERE ours <> plain;
SELECT * FROM walk('_parts') WHERE ours <> plain;

-- A loader that may INSERT and nothing else loads rows, whole files with the three columns as well, and is held to the rules of
-- INSERT.
REVOKE ALL ON ours, ours_parts FROM regress_loader;
GRANT INSERT ON ours, ours_parts TO regress_loader;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_loader;
SET search_path = regress_load;
COPY ours (id, note) FROM STDIN;
1	a
2	b
\.
COPY ours FROM STDIN;
3	c	\N	\N	\N
4	d	2020-01-01 00:00:00+00	somebody	\N
\.
COPY ours (id, deleted_at) FROM STDIN; -- fails
5	infinity
\.
COPY ours (id, deletion_id) FROM STDIN; -- fails
5	7
\.
COPY ours_parts (id, note, deleted_at) FROM STDIN;
1	a	\N
2	b	2020-01-01 00:00:00+00
\.
COPY ours_parts (id, deleted_at) FROM STDIN; -- fails
5	2999-01-01 00:00:00+00
\.
COPY ours FROM STDIN; -- fails
6	e
\.
SELECT id FROM ours; -- fails
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_load_owner;
SET search_path = regress_load;
SELECT id, note, deleted_at IS NOT NULL AS deleted, deleted_by FROM all_ours ORDER BY id;
SELECT id, note, deleted_at IS NOT NULL AS deleted FROM all_ours_parts ORDER BY id;

-- register() says what becomes of COPY without column names, with the first column that it adds.
CREATE TABLE more (id int PRIMARY KEY, deleted_at timestamptz);
SELECT object, command FROM softdelete.plan('more') WHERE object LIKE 'column %';

\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_load CASCADE;
DROP ROLE regress_load_owner, regress_loader;
