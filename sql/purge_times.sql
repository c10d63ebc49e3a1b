-- Times that are no times, and retentions of every kind (clocks that are changed: test/tap/clock.pl).
CREATE ROLE regress_times;
CREATE SCHEMA regress_times AUTHORIZATION regress_times;
SET SESSION AUTHORIZATION regress_times;
SET search_path = regress_times;
\set QUIET off

-- Rows that a table brings along when it is registered: deleted at no time at all, and in the future.
CREATE TABLE adopted (id int PRIMARY KEY, deleted_at timestamptz);
INSERT INTO adopted VALUES (1, '-infinity'), (2, 'infinity'), (3, now() + interval '1 year'), (4, '0001-01-01 BC'), (5, NULL);
SELECT count(*) > 0 AS registered FROM softdelete.register('adopted', retention => '10 years');
SELECT id FROM adopted;
SELECT due, held, blocked FROM softdelete.purge_preview('adopted');
\set VERBOSITY terse
DELETE FROM adopted WHERE deleted_at IS NOT NULL; -- fails: two of them
\set VERBOSITY default
CALL softdelete.purge('adopted');
SELECT id, deleted_at IS NULL AS live FROM all_adopted ORDER BY id;
SELECT softdelete.restore('adopted', 2), softdelete.restore('adopted', 3);
SELECT id FROM adopted ORDER BY id;

-- New ones are refused.
UPDATE adopted SET deleted_at = 'infinity' WHERE id = 5; -- fails
UPDATE adopted SET deleted_at = '-infinity' WHERE id = 5; -- fails
UPDATE adopted SET deleted_at = now() + interval '2 days' WHERE id = 5; -- fails
INSERT INTO adopted VALUES (6, 'infinity'); -- fails
INSERT INTO adopted VALUES (6, '-infinity'); -- fails
INSERT INTO adopted VALUES (6, now() + interval '2 days'); -- fails
DELETE FROM adopted WHERE id = 5;
UPDATE all_adopted SET deleted_at = 'infinity' WHERE id = 5; -- fails
SELECT count(*) FROM all_adopted;

-- The same of a timestamp without time zone.
CREATE TABLE local (id int PRIMARY KEY, gone timestamp);
INSERT INTO local VALUES (1, '-infinity'), (2, 'infinity'), (3, now() + interval '1 year'), (4, '0001-01-01 BC'), (5, NULL);
SELECT count(*) > 0 AS registered FROM softdelete.register('local', retention => '10 years', deleted_at => 'gone');
CALL softdelete.purge('local');
SELECT id, gone IS NULL AS live FROM all_local ORDER BY id;
UPDATE local SET gone = 'infinity' WHERE id = 5; -- fails
UPDATE local SET gone = now() + interval '1 hour' WHERE id = 5; -- fails

-- Retentions: of no length, of parts of a day, of months and days and hours together; none that is negative.
CREATE TABLE kept (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('kept', retention => '0');
INSERT INTO kept VALUES (1);
DELETE FROM kept;
CALL softdelete.purge('kept');
SELECT count(*) FROM all_kept;
SELECT command FROM softdelete.configure('kept', retention => '90 minutes');
INSERT INTO kept (id, deleted_at) VALUES (1, now() - interval '89 minutes'), (2, now() - interval '91 minutes');
CALL softdelete.purge('kept');
SELECT id FROM all_kept;
SELECT command FROM softdelete.configure('kept', retention => '1 mon 2 days 3 hours');
UPDATE all_kept SET deleted_at = (now() AT TIME ZONE 'UTC' - interval '1 mon 2 days 3 hours' + interval '1 minute') AT TIME ZONE 'UTC';
INSERT INTO kept (id, deleted_at) VALUES (2, (now() AT TIME ZONE 'UTC' - interval '1 mon 2 days 3 hours' - interval '1 minute') AT TIME ZONE 'UTC');
CALL softdelete.purge('kept');
SELECT id FROM all_kept;
SELECT softdelete.configure('kept', retention => '-1 day'); -- fails
SELECT softdelete.configure('kept', retention => '1 mon -31 days'); -- fails
SELECT softdelete.configure('kept', retention => '6000 years'); -- fails

-- A domain over a domain is what it is made of.
CREATE DOMAIN moment AS timestamptz;
CREATE DOMAIN end_of_life AS moment;
CREATE TABLE domains (id int PRIMARY KEY, deleted_at end_of_life);
SELECT count(*) > 0 AS registered FROM softdelete.register('domains', retention => '1 hour');
INSERT INTO domains VALUES (1, now() - interval '59 minutes'), (2, now() - interval '61 minutes');
SELECT due FROM softdelete.purge_preview('domains');
CALL softdelete.purge('domains');
SELECT id FROM all_domains;

-- Lengths of time for a run, however long: all rows that are due go. None may be negative.
CREATE TABLE runs (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('runs', retention => '1 day');
CREATE FUNCTION fill() RETURNS void LANGUAGE sql AS
    'INSERT INTO runs (id, deleted_at) SELECT g, now() - interval ''2 days'' FROM generate_series(1, 3) g';
\set run 'SELECT fill() \\g (format=unaligned tuples_only=on)'
:run
CALL softdelete.purge('runs', max_runtime => '300 years');
SELECT count(*) FROM all_runs;
:run
CALL softdelete.purge('runs', max_runtime => '300000 years');
SELECT count(*) FROM all_runs;
:run
CALL softdelete.purge('runs', max_runtime => '178000000 years');
SELECT count(*) FROM all_runs;
:run
CALL softdelete.purge('runs', max_runtime => '2147483647 days 2562047788 hours');
SELECT count(*) FROM all_runs;
:run
CALL softdelete.purge('runs', max_runtime => '1 month -29 days -23 hours');
SELECT count(*) FROM all_runs;
:run
CALL softdelete.purge('runs', max_runtime => '-1 microsecond'); -- fails
CALL softdelete.purge('runs', max_runtime => '-178000000 years'); -- fails
CALL softdelete.purge('runs', max_runtime => '1 day -25 hours'); -- fails
CALL softdelete.purge('runs', delay => '-300000 years'); -- fails
CALL softdelete.purge('runs', max_runtime => '0');
SELECT state, due, removed FROM softdelete.purge_log WHERE relation = 'runs'::regclass ORDER BY id DESC LIMIT 1;
SELECT count(*) FROM all_runs;
CALL softdelete.purge('runs', max_runtime => NULL);
SELECT count(*) FROM all_runs;

-- A table without a retention is left alone, and the notice and the log say so where it was named.
CREATE TABLE endless (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('endless');
INSERT INTO endless VALUES (1);
DELETE FROM endless;
CALL softdelete.purge('endless');
SELECT table_name, state, cutoff, due, removed FROM softdelete.purge_log WHERE table_name LIKE '%endless%';
CALL softdelete.purge();
SELECT count(*) FROM softdelete.purge_log WHERE table_name LIKE '%endless%';
DELETE FROM endless WHERE deleted_at IS NOT NULL;
SELECT count(*) FROM all_endless;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_times CASCADE;
DROP ROLE regress_times;
