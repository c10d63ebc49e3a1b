-- A key that is given as text is read once, by the caller's settings, as a statement of his own would read it: every function means
-- the same row, whatever the strategy, be the row live, deleted, archived or gone. What is kept of it is as the row has it.
\set VERBOSITY terse
\set QUIET on
CREATE ROLE regress_key_texts;
CREATE SCHEMA regress_key_texts AUTHORIZATION regress_key_texts;
SET SESSION AUTHORIZATION regress_key_texts;
SET search_path = regress_key_texts;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'postgres';
-- Per type and setting: the text that means the first of two rows, and would mean the second under the settings above.
CREATE TABLE kinds (type text, setting text, value text, plain text, given text, first text, second text);
INSERT INTO kinds VALUES
    ('timestamptz', 'timezone', 'Asia/Tokyo', 'UTC', '2024-01-01 09:00', '2024-01-01 00:00+00', '2024-01-01 09:00+00'),
    ('timestamptz', 'datestyle', 'SQL, DMY', 'ISO, YMD', '03/02/04 00:00 UTC', '2004-02-03 00:00+00', '2003-02-04 00:00+00'),
    ('date', 'datestyle', 'ISO, DMY', 'ISO, YMD', '03/02/01', '2001-02-03', '2003-02-01'),
    ('interval', 'intervalstyle', 'sql_standard', 'postgres', '-1 2:00:00', '-1 day -2 hours', '-1 day +2 hours'),
    ('tstzrange', 'timezone', 'Asia/Tokyo', 'UTC', '[2024-01-01 09:00,)', '["2024-01-01 00:00+00",)', '["2024-01-01 09:00+00",)'),
    ('date[]', 'datestyle', 'ISO, DMY', 'ISO, YMD', '{03/02/01}', '{2001-02-03}', '{2003-02-01}');
CREATE TABLE results (type text, setting text, strategy text, step text, result text);
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    RETURN sqlerrm;
END $$;
CREATE FUNCTION notes() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT pg_catalog.string_agg(note, ', ' ORDER BY note) FROM t);
END $$;
-- What each function does to which rows, and shows of which.
CREATE PROCEDURE walk(kind kinds, strategy text) LANGUAGE plpgsql AS $$
DECLARE
    key text := pg_catalog.quote_literal(kind.given);
    step text;
BEGIN
    EXECUTE pg_catalog.format('CREATE TABLE t (id %s PRIMARY KEY, note text)', kind.type);
    EXECUTE pg_catalog.format('SELECT softdelete.register(''t'', strategy => %L)', strategy);
    EXECUTE 'SELECT softdelete.track_history(''t'')';
    EXECUTE pg_catalog.format('INSERT INTO t VALUES (%1$L, ''first''), (%2$L, ''second'')', kind.first, kind.second);
    PERFORM pg_catalog.set_config(kind.setting, kind.value, false);
    IF strategy = 'flag' THEN
        EXECUTE 'SELECT softdelete.set_anonymizer(''t'', ''note'', $q$note || ''*''$q$)';
        PERFORM try('SELECT softdelete.anonymize(''t'', ''why'', ' || key || ')');
        INSERT INTO results VALUES (kind.type, kind.setting, strategy, 'anonymize', notes());
        PERFORM try('SELECT softdelete.hold(''t'', ''why'', ' || key || ')');
        INSERT INTO results VALUES (kind.type, kind.setting, strategy, 'hold',
            try('SELECT softdelete.erase(''t'', ''why'', id) FROM t WHERE note LIKE ''first%''') || try('SELECT sum(softdelete.release(id)::int) FROM softdelete.holds'));
    END IF;
    INSERT INTO results VALUES (kind.type, kind.setting, strategy, 'preview', try('SELECT sum(rows) FROM softdelete.preview(''t'', ' || key || ')'));
    PERFORM try('SELECT softdelete.delete(''t'', ' || key || ')');
    INSERT INTO results VALUES (kind.type, kind.setting, strategy, 'delete', notes());
    DELETE FROM t;
    PERFORM try('SELECT softdelete.restore(''t'', ' || key || ')');
    INSERT INTO results VALUES (kind.type, kind.setting, strategy, 'restore', notes());
    INSERT INTO results VALUES (kind.type, kind.setting, strategy, 'history_of', try('SELECT pg_catalog.max(COALESCE(new, old) ->> ''note'') FROM softdelete.history_of(''t'', ' || key || ')'));
    INSERT INTO results VALUES (kind.type, kind.setting, strategy, 'history_of, typed', try(pg_catalog.format('SELECT pg_catalog.max(COALESCE(new, old) ->> ''note'') FROM softdelete.history_of(''t'', %L::%s)', kind.given, kind.type)));
    INSERT INTO results VALUES (kind.type, kind.setting, strategy, 'history_at', try('SELECT softdelete.history_at(''t'', pg_catalog.clock_timestamp(), ' || key || ') ->> ''note'''));
    DELETE FROM t;
    INSERT INTO results VALUES (kind.type, kind.setting, strategy, 'erase', try('SELECT (softdelete.erase(''t'', ''why'', ' || key || ') ->> ''rows'')'));
    INSERT INTO results VALUES (kind.type, kind.setting, strategy, 'erase what is gone', try('SELECT (softdelete.erase(''t'', ''why'', ' || key || ') ->> ''rows'')'));
    INSERT INTO results VALUES (kind.type, kind.setting, strategy, 'left', try('SELECT pg_catalog.string_agg(DISTINCT note, '', '') FROM t_history'));
    PERFORM pg_catalog.set_config(kind.setting, kind.plain, false);
    INSERT INTO results VALUES (kind.type, kind.setting, strategy, 'found in the log', try(pg_catalog.format(
        'SELECT pg_catalog.count(*) FROM softdelete.erasure_log WHERE action = ''erase'' AND relation = ''t''::regclass AND digest = pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(%L::%s::text, ''UTF8'')), ''hex'')', kind.first, kind.type)));
    EXECUTE 'SELECT softdelete.unregister(''t'', deleted_rows => ''purge'')';
    DROP TABLE t, t_history;
END $$;
SET client_min_messages = error;
DO $$ DECLARE kind kinds; BEGIN FOR kind IN SELECT * FROM kinds LOOP CALL walk(kind, 'flag'); CALL walk(kind, 'archive'); END LOOP; END $$;
RESET client_min_messages;
\set QUIET off
SELECT strategy, step, result, count(*) AS kinds FROM results GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3;

-- The log, and the refusal of a reason, go by the key that is stored: of a row that is archived only, and of one of which
-- nothing but the history tells.
CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE numbers (id int PRIMARY KEY);
CREATE TABLE days (day date PRIMARY KEY);
CREATE TABLE mails (mail text COLLATE ci, box int, PRIMARY KEY (mail, box));
CREATE TABLE gone (mail text COLLATE ci PRIMARY KEY);
CREATE TABLE gone_days (day date PRIMARY KEY);
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('numbers', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('days', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('mails', strategy => 'archive');
SELECT count(*) > 0 AS registered FROM softdelete.register('gone');
SELECT count(*) > 0 AS registered FROM softdelete.register('gone_days');
RESET client_min_messages;
SELECT softdelete.track_history('gone'), softdelete.track_history('gone_days');
INSERT INTO numbers VALUES (1);
INSERT INTO days VALUES ('2024-01-02');
INSERT INTO mails VALUES ('ada@example.org', 7), ('Bob@example.org', 7);
INSERT INTO gone VALUES ('cid@example.org');
INSERT INTO gone_days VALUES ('2024-01-02');
DELETE FROM numbers;
DELETE FROM days;
DELETE FROM mails WHERE mail = 'ada@example.org';
DELETE FROM mails;
BEGIN;
DELETE FROM gone;
DELETE FROM gone_days;
COMMIT;
SET client_min_messages = warning;
SELECT count(*) > 0 AS configured FROM softdelete.configure('gone', retention => '0');
SELECT count(*) > 0 AS configured FROM softdelete.configure('gone_days', retention => '0');
CALL softdelete.purge();
RESET client_min_messages;
SET datestyle = 'German';
SELECT softdelete.erase('mails', 'ada@example.org', 'ADA@example.org', 7); -- fails
SELECT softdelete.erase('mails', ' 7 ', 'ADA@example.org', '007'); -- fails
SELECT softdelete.erase('gone', 'cid@example.org', 'CID@example.org'); -- fails
SELECT softdelete.erase('gone_days', '2024-01-02', '2.1.2024'); -- fails
SELECT softdelete.erase('numbers', 'r', ' 01') -> 'key' AS key;
SELECT softdelete.erase('days', 'r', '2.1.2024') -> 'key' AS key;
SELECT softdelete.erase('mails', 'r', 'ADA@example.org', '007') -> 'rows' AS rows;
SELECT softdelete.erase('mails', 'r', 'BOB@example.org', '7') -> 'rows' AS rows;
SELECT softdelete.erase('gone', 'r', 'CID@example.org') -> 'rows' AS rows;
SELECT softdelete.erase('gone_days', 'r', '2.1.2024') -> 'rows' AS rows;
RESET datestyle;
SELECT e.table_name, e.key, k.key AS found FROM softdelete.erasure_log e LEFT JOIN (VALUES ('1'), ('2024-01-02'), ('cid@example.org'),
    (ARRAY['ada@example.org', '7']::text), (ARRAY['Bob@example.org', '7']::text)) AS k (key) ON e.digest = encode(sha256(convert_to(k.key, 'UTF8')), 'hex')
WHERE e.reason = 'r' ORDER BY e.table_name, k.key;
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_key_texts CASCADE;
DROP OWNED BY regress_key_texts;
DROP ROLE regress_key_texts;
