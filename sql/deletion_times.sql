-- Nobody but the owner shortens a retention: a deletion time is at most a day away from now, whichever way it is written.
CREATE ROLE regress_times_owner;
CREATE ROLE regress_times_user;
CREATE SCHEMA regress_times AUTHORIZATION regress_times_owner;
SET SESSION AUTHORIZATION regress_times_owner;
SET search_path = regress_times;
GRANT USAGE, CREATE ON SCHEMA regress_times TO regress_times_user;
CREATE DOMAIN moment AS timestamptz;
CREATE DOMAIN local_moment AS timestamp;
CREATE TABLE zoned (id int PRIMARY KEY, note text);
CREATE TABLE local (id int PRIMARY KEY, note text, deleted_at timestamp);
CREATE TABLE local_domain (id int PRIMARY KEY, note text, deleted_at local_moment);
CREATE TABLE domain (id int PRIMARY KEY, note text, deleted_at moment);
CREATE TABLE whole_seconds (id int PRIMARY KEY, note text, deleted_at timestamptz(0));
CREATE TABLE split (id int PRIMARY KEY, note text) PARTITION BY RANGE (id);
CREATE TABLE split_1 PARTITION OF split FOR VALUES FROM (0) TO (50);
CREATE TABLE split_2 PARTITION OF split FOR VALUES FROM (50) TO (100);
SELECT count(*) > 0 AS registered FROM (VALUES ('zoned'), ('local'), ('local_domain'), ('domain'), ('whole_seconds'), ('split')) t (name),
    softdelete.register(name::regclass, retention => '30 days');
CREATE VIEW owners_view AS SELECT * FROM zoned;
GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON ALL TABLES IN SCHEMA regress_times TO regress_times_user;
INSERT INTO zoned SELECT generate_series(1, 99);
INSERT INTO local SELECT generate_series(1, 99);
INSERT INTO local_domain SELECT generate_series(1, 99);
INSERT INTO domain SELECT generate_series(1, 99);
INSERT INTO whole_seconds SELECT generate_series(1, 99);
INSERT INTO split SELECT generate_series(1, 99);

-- Runs a statement and takes it back; says what became of it.
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE statement;
    GET DIAGNOSTICS n = ROW_COUNT;
    RAISE SQLSTATE 'UNDO0' USING MESSAGE = n || ' rows';
EXCEPTION
    WHEN SQLSTATE 'UNDO0' THEN
        RETURN sqlerrm;
    WHEN OTHERS THEN
        RETURN sqlstate;
END
$$;
CREATE TABLE tables (name text);
INSERT INTO tables VALUES ('zoned'), ('local'), ('local_domain'), ('domain'), ('whole_seconds'), ('split'), ('split_1');
CREATE TABLE times (number int GENERATED ALWAYS AS IDENTITY, value text);
INSERT INTO times (value) VALUES ('now()'), ('clock_timestamp()'), ('now() - interval ''1 hour'''), ('now() - interval ''23 hours'''),
    ('now() + interval ''2 seconds'''), ('now() + interval ''14 hours'''), ('now() - interval ''2 days'''),
    ('now() - interval ''10 years'''), ('''epoch'''), ('''-infinity'''), ('''infinity'''), ('now() + interval ''3 days''');
GRANT SELECT ON tables, times TO regress_times_user;
CREATE TABLE ways (number int GENERATED ALWAYS AS IDENTITY, way text, statement text);
INSERT INTO ways (way, statement) VALUES
    ('update', 'UPDATE %1$s SET deleted_at = %2$s WHERE id = 1'),
    ('update of all columns', 'UPDATE %1$s SET note = ''x'', deleted_at = %2$s, deleted_by = ''x'' WHERE id = 1'),
    ('upsert', 'INSERT INTO %1$s (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET deleted_at = %2$s'),
    ('merge', 'MERGE INTO %1$s t USING (VALUES (1)) s (id) ON t.id = s.id WHEN MATCHED THEN UPDATE SET deleted_at = %2$s'),
    ('with', 'WITH u AS (UPDATE %1$s SET deleted_at = %2$s WHERE id = 1 RETURNING 1) SELECT * FROM u'),
    ('view', 'UPDATE all_%1$s SET deleted_at = %2$s WHERE id = 1'),
    ('import', 'INSERT INTO %1$s (id, deleted_at) VALUES (0, %2$s)');
GRANT SELECT ON ways TO regress_times_user;
CREATE VIEW answers AS
    SELECT w.number, w.way, t.value, string_agg(DISTINCT try(format(w.statement, n.name, t.value)), ' ') AS answer
    FROM ways w, times t, tables n WHERE n.name <> 'split_1' OR w.way <> 'view' GROUP BY w.number, w.way, t.number, t.value
    ORDER BY w.number, t.number;
ALTER VIEW answers SET (security_invoker = true);
GRANT SELECT ON answers TO regress_times_user;
\set QUIET off

-- The owner: any time that is finite and not more than a day ahead.
SELECT answer, array_agg(DISTINCT value) AS values FROM answers GROUP BY answer ORDER BY 1;

-- Others: within a day. An import ends no retention of rows that are there.
SET SESSION AUTHORIZATION regress_times_user;
SELECT answer, array_agg(DISTINCT value) AS values FROM answers WHERE way <> 'import' GROUP BY answer ORDER BY 1;
SELECT answer, array_agg(DISTINCT value) AS values FROM answers WHERE way = 'import' GROUP BY answer ORDER BY 1;

-- The errors say what is allowed.
UPDATE zoned SET deleted_at = now() - interval '10 years' WHERE id = 1; -- fails
UPDATE zoned SET deleted_at = 'infinity' WHERE id = 1; -- fails
UPDATE owners_view SET deleted_at = 'epoch' WHERE id = 1; -- fails

-- Every zone is less than a day away from every other, and what no zone is does not help either.
SET TimeZone = 'America/Los_Angeles';
SELECT try('UPDATE local SET deleted_at = timezone(''UTC'', now()) WHERE id = 1') AS utc;
SET TimeZone = 'UTC';
SELECT try('UPDATE local SET deleted_at = timezone(''Pacific/Kiritimati'', now()) WHERE id = 1') AS kiritimati;
SELECT try('UPDATE local SET deleted_at = timezone(''Etc/GMT+12'', now()) WHERE id = 1') AS baker;
SET TimeZone = '<far>+167';
SELECT try('UPDATE local SET deleted_at = now() WHERE id = 1') AS far,
    try('DELETE FROM local WHERE id = 1') AS far_delete, try('DELETE FROM local_domain WHERE id = 1') AS far_delete_domain,
    try('DELETE FROM zoned WHERE id = 1') AS with_zone;
RESET TimeZone;
SELECT try('DELETE FROM local WHERE id = 1') AS without_zone;

-- Which time a deleted row was deleted at is the owner's to change, whoever else may update.
DELETE FROM zoned WHERE id = 2;
SELECT try('UPDATE zoned SET deleted_at = deleted_at - interval ''1 second'' WHERE id = 2 AND deleted_at IS NOT NULL') AS earlier,
    try('UPDATE all_zoned SET deleted_at = now() + interval ''1 hour'' WHERE id = 2') AS later,
    try('MERGE INTO zoned t USING (VALUES (2)) s (id) ON t.id = s.id AND t.deleted_at IS NOT NULL
         WHEN MATCHED THEN UPDATE SET deleted_at = ''epoch''') AS merged;

-- Not through a function that runs with somebody else's rights, unless these are the owner's.
CREATE FUNCTION others() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = regress_times AS
    $$SELECT try('UPDATE zoned SET deleted_at = now() - interval ''3 days'' WHERE id = 1')$$;
GRANT EXECUTE ON FUNCTION others TO regress_times_owner;
SET SESSION AUTHORIZATION regress_times_owner;
CREATE FUNCTION owners() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = regress_times AS
    $$SELECT try('UPDATE zoned SET deleted_at = now() - interval ''3 days'' WHERE id = 1')$$;
SELECT others() AS others_by_owner;
SET SESSION AUTHORIZATION regress_times_user;
SELECT owners() AS owners_by_other;

-- Nor by a trigger that changes what is written; a rule of the owner's does as the owner may.
CREATE FUNCTION backdate() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.deleted_at := now() - interval ''3 days''; RETURN NEW; END';
CREATE TRIGGER "zzz backdate" BEFORE UPDATE ON zoned FOR EACH ROW EXECUTE FUNCTION backdate();
CREATE TRIGGER "zzz backdate" BEFORE UPDATE ON split FOR EACH ROW EXECUTE FUNCTION backdate();
SELECT try('DELETE FROM zoned WHERE id = 1') AS deleted, try('UPDATE zoned SET deleted_at = now() WHERE id = 1') AS updated,
    try('UPDATE zoned SET note = ''x'' WHERE id = 1') AS written, try('DELETE FROM split WHERE id = 1') AS partition,
    try('INSERT INTO zoned (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET note = ''x''') AS upserted,
    try('MERGE INTO zoned t USING (VALUES (1)) s (id) ON t.id = s.id WHEN MATCHED THEN DELETE') AS merged,
    try('UPDATE zoned SET deleted_at = NULL WHERE id = 2') AS restored, try('DELETE FROM split_2 WHERE id = 60') AS leaf;
SET SESSION AUTHORIZATION regress_times_owner;
SELECT try('DELETE FROM zoned WHERE id = 1') AS by_owner;
DROP TRIGGER "zzz backdate" ON zoned;
DROP TRIGGER "zzz backdate" ON split;
CREATE FUNCTION keep_for_ever() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.deleted_at := ''infinity''; RETURN NEW; END';
CREATE TRIGGER "zzz backdate" BEFORE UPDATE ON zoned FOR EACH ROW EXECUTE FUNCTION keep_for_ever();
SELECT try('DELETE FROM zoned WHERE id = 1') AS for_ever, try('UPDATE zoned SET note = ''x'' WHERE id = 1') AS written;
DROP TRIGGER "zzz backdate" ON zoned;

-- COPY brings rows as INSERT does.
COPY zoned (id, deleted_at) FROM stdin; -- fails
101	infinity
\.
COPY zoned (id, deleted_at) FROM stdin;
102	2020-01-01
\.

-- A row whose time has no zone stays for its retention in every zone: whose session removes it, by which way, and where it
-- was deleted, does not matter. Once it has passed everywhere it goes.
CREATE TABLE above (id int PRIMARY KEY);
CREATE TABLE kept (id int PRIMARY KEY, above int REFERENCES above ON DELETE CASCADE, deleted_at timestamp);
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('kept', retention => '1 hour');
RESET client_min_messages;
CREATE FUNCTION remove(way text, writers text, readers text, age interval) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('TimeZone', writers, true);
    INSERT INTO above VALUES (1);
    INSERT INTO kept VALUES (1, 1);
    DELETE FROM kept;
    PERFORM set_config('TimeZone', 'UTC', true);
    UPDATE all_kept SET deleted_at = deleted_at - age;
    PERFORM set_config('TimeZone', readers, true);
    CASE way
        WHEN 'native cascade' THEN DELETE FROM above;
        WHEN 'hand' THEN DELETE FROM kept WHERE deleted_at IS NOT NULL;
        WHEN 'purge' THEN CALL softdelete.purge('kept');
        WHEN 'preview' THEN
            RETURN CASE WHEN (SELECT due = 0 FROM softdelete.purge_preview('kept')) THEN 'kept' ELSE 'removed' END;
    END CASE;
    RETURN CASE WHEN EXISTS (SELECT FROM all_kept) THEN 'kept' ELSE 'removed' END;
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    RETURN 'kept';
END$$;
CREATE FUNCTION try_removal(way text, writers text, readers text, age interval) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    outcome text;
BEGIN
    outcome := remove(way, writers, readers, age);
    RAISE SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
    RETURN outcome;
END$$;
SET client_min_messages = warning;
SELECT way, age, count(*), string_agg(DISTINCT try_removal(way, writers, readers, age), ', ') AS outcome
    FROM unnest('{preview,purge,hand,native cascade}'::text[]) WITH ORDINALITY AS w (way, place), (VALUES (interval '0'), ('28 hours')) a (age),
    unnest('{UTC,Pacific/Pago_Pago,Pacific/Kiritimati,Etc/GMT+12,Asia/Kathmandu}'::text[]) writers,
    unnest('{UTC,Pacific/Pago_Pago,Pacific/Kiritimati,Etc/GMT+12,<far>+167,<far>-167}'::text[]) readers
    GROUP BY place, way, age ORDER BY place, age;
RESET client_min_messages;
SET TimeZone = 'UTC';
INSERT INTO above VALUES (1);
INSERT INTO kept VALUES (1, 1, '2026-01-01 12:00');
SELECT count(*) > 0 AS configured FROM softdelete.configure('kept', retention => '100 years');
\set VERBOSITY terse
DELETE FROM above; -- fails
\set VERBOSITY default
RESET TimeZone;

-- Retention counts from the time as it was written, in whatever zone.
UPDATE local SET deleted_at = now() - interval '31 days' WHERE id = 3;
UPDATE local SET deleted_at = now() - interval '29 days' WHERE id = 4;
SELECT due FROM softdelete.purge_preview('local');

-- A deletion stays one deletion where its tables keep times in other ways, without a zone or in whole seconds, whichever zone
-- repair() and register() run in.
CREATE TABLE stem (id int PRIMARY KEY);
DO $$ DECLARE type text; BEGIN
    FOREACH type IN ARRAY ARRAY['timestamp', 'timestamp(0)', 'timestamptz(0)', 'timestamptz(3)', 'local_moment'] LOOP
        EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, stem int REFERENCES stem ON DELETE CASCADE, deleted_at %s)', 'leaf ' || type, type);
        EXECUTE format('CREATE INDEX ON %I (stem)', 'leaf ' || type);
    END LOOP;
END $$;
SELECT count(*) > 0 AS registered FROM softdelete.register('stem', cascade => true);
DO $$ DECLARE leaf regclass; BEGIN
    INSERT INTO stem VALUES (1), (2);
    FOR leaf IN SELECT oid FROM pg_class WHERE relname LIKE 'leaf %' AND relkind = 'r' AND relnamespace = 'regress_times'::regnamespace LOOP
        EXECUTE format('INSERT INTO %s VALUES (1, 1), (2, 2)', leaf);
    END LOOP;
END $$;
SET timezone = 'Asia/Kathmandu';
DELETE FROM stem WHERE id = 1;
DELETE FROM stem WHERE id = 2;
SELECT softdelete.restore('stem', 2);
DELETE FROM stem WHERE id = 2;
SET timezone = 'America/Los_Angeles';
SELECT t.relation, r.object FROM softdelete.tables t, LATERAL softdelete.repair(t.relation) r
    WHERE t.relation::text ~ 'stem|leaf' ORDER BY 1;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('"leaf timestamp(0)"', 'keep');
SELECT count(*) > 0 AS registered FROM softdelete.register('"leaf timestamp(0)"');
SELECT softdelete.restore('stem', 1), softdelete.restore('stem', 2);
-- Deletions that are taken on have the times that the session sees.
CREATE TABLE lived (id int PRIMARY KEY, deleted_at timestamp, deletion_id bigint);
INSERT INTO lived VALUES (1, '2026-01-01 12:00', 1);
SELECT count(*) > 0 AS registered FROM softdelete.register('lived');
SELECT deleted_at FROM softdelete.deletions WHERE relation = 'lived'::regclass;
RESET timezone;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_times CASCADE;
DROP ROLE regress_times_owner, regress_times_user;
