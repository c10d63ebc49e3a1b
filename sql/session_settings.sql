-- What a command does and answers does not depend on how the session writes and reads names, strings, times and numbers.
\set QUIET on
SET client_min_messages = error;
CREATE ROLE regress_settings;
CREATE SCHEMA regress_settings AUTHORIZATION regress_settings;
SET SESSION AUTHORIZATION regress_settings;
SET search_path = regress_settings;
\set QUIET off

-- The life of a few tables, as text that says no time and no id. Everything is taken back.
CREATE FUNCTION live() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text := '';
    part text;
    deletion bigint;
    entry jsonb;
BEGIN
    CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE, born date, paid float8, secret bytea, code char(4), seen timestamp);
    CREATE TABLE "Their orders" (id int PRIMARY KEY, "The person" int REFERENCES people ON DELETE CASCADE, "select" text);
    CREATE INDEX ON "Their orders" ("The person");
    CREATE TABLE moments (at timestamptz, long interval, many float8, raw bytea, PRIMARY KEY (at, long, many, raw));
    SELECT string_agg(format('%s %s', action, object), ', ') INTO part
        FROM softdelete.register('people', retention => '1 day', cascade => true);
    said := said || part;
    SELECT string_agg(format('%s %s', action, object), ', ') INTO part FROM softdelete.register('moments', retention => '36 hours');
    said := said || E'\n' || part;
    INSERT INTO people SELECT g, 'p' || g || '@x', '2000-01-02', 0.1 + g, '\x00ff', 'a' || g, '2026-03-04 05:06' FROM generate_series(1, 6) g;
    INSERT INTO "Their orders" SELECT g, g, 'o' || g FROM generate_series(1, 6) g;
    INSERT INTO moments VALUES ('2026-01-02 03:04:05.678+00', '1 mon 2 days 03:04:05', 0.1::float8 + 0.2::float8, '\x5c00'),
        ('2026-01-02 03:04:05.678+00', '1 mon 2 days 03:04:06', 1e-30, '\x5c27');
    SELECT string_agg(format('%s %s %s', relation, action, rows), ', ') INTO part FROM softdelete.preview('people', 1);
    said := said || E'\n' || part;
    deletion := softdelete.delete('people', 1);
    INSERT INTO people (id, email) VALUES (11, 'p1@x');
    SELECT string_agg(format('%s %s %s %s', relation, key, reason, detail), ', ') INTO part FROM softdelete.conflicts(deletion);
    said := said || E'\n' || part;
    UPDATE people SET email = 'p11@x' WHERE id = 11;
    said := said || E'\nundone ' || softdelete.undo(deletion);
    DELETE FROM moments;
    said := said || ', restored ' || softdelete.restore('moments', (SELECT at FROM all_moments LIMIT 1), '1 mon 2 days 03:04:05'::interval,
        0.1::float8 + 0.2::float8, '\x5c00'::bytea);
    PERFORM softdelete.hold('moments', 'a case', '2026-01-02 03:04:05.678+00'::timestamptz, '1 mon 2 days 03:04:06'::interval,
        1e-30::float8, '\x5c27'::bytea);
    PERFORM softdelete.set_anonymizer('people', 'email', '''gone'' || id');
    PERFORM softdelete.set_anonymizer('people', 'secret', 'NULL');
    PERFORM softdelete.set_anonymizer('"Their orders"', 'select', 'NULL');
    PERFORM softdelete.configure('people', on_expiry => 'anonymize');
    DELETE FROM people WHERE id = 2;
    DELETE FROM moments;
    UPDATE all_people SET deleted_at = now() - interval '3 days' WHERE deleted_at IS NOT NULL;
    UPDATE "all_Their orders" SET deleted_at = now() - interval '3 days' WHERE deleted_at IS NOT NULL;
    UPDATE all_moments SET deleted_at = now() - interval '3 days' WHERE deleted_at IS NOT NULL;
    SELECT string_agg(format('%s due %s held %s', relation, due, held), ', ' ORDER BY relation::text COLLATE "C") INTO part
        FROM softdelete.purge_preview();
    said := said || E'\n' || part;
    CALL softdelete.purge();
    SELECT string_agg(format('%s %s removed %s held %s', relation, state, removed, held), ', ' ORDER BY id) INTO part FROM softdelete.purge_log;
    said := said || E'\n' || part;
    SELECT string_agg(format('%s %s', id, email), ', ' ORDER BY id) INTO part FROM all_people;
    said := said || E'\n' || part;
    entry := softdelete.anonymize('people', 'a wish', 3);
    said := said || E'\n' || (entry ->> 'rows') || (entry ->> 'digest');
    entry := softdelete.erase('people', 'a wish', 4);
    said := said || E'\n' || (entry ->> 'rows') || (entry ->> 'digest');
    PERFORM softdelete.release(h.id) FROM softdelete.holds h;
    entry := softdelete.erase('moments', 'a wish', '2026-01-02 03:04:05.678+00'::timestamptz, '1 mon 2 days 03:04:06'::interval,
        1e-30::float8, '\x5c27'::bytea);
    said := said || E'\n' || (entry ->> 'rows') || (entry ->> 'digest');
    ALTER TABLE people RENAME COLUMN born TO "Born on";
    ALTER TABLE people ADD COLUMN more text UNIQUE;
    ALTER TABLE people ALTER COLUMN code TYPE text;
    ALTER TABLE "Their orders" RENAME "select" TO "Select";
    CREATE TABLE links (person int REFERENCES people, "Order" int REFERENCES "Their orders" ON DELETE SET NULL);
    PERFORM softdelete.register('links');
    SELECT string_agg(format('%s %s', action, object), ', ') INTO part FROM softdelete.repair('people');
    said := said || E'\n' || coalesce(part, 'in step');
    SELECT string_agg(format('%s %s', action, object), ', ') INTO part FROM softdelete.unregister('people', 'purge');
    said := said || E'\n' || part;
    RAISE SQLSTATE 'UNDO0' USING MESSAGE = said;
EXCEPTION
    WHEN SQLSTATE 'UNDO0' THEN
        RETURN sqlerrm;
    WHEN OTHERS THEN
        RETURN sqlstate || ': ' || sqlerrm || ' after ' || said;
END$$;
CREATE FUNCTION live_under(name text, value text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config(name, value, true);
    RETURN regress_settings.live();
END$$;
\pset format unaligned
SELECT live();
\pset format aligned
CREATE TEMPORARY TABLE usual AS SELECT live() AS said;
-- Names of tables are the server's to quote.
SELECT name, value, CASE replace(life, '"', '') WHEN replace(said, '"', '') THEN 'the same' ELSE life END AS life
    FROM usual, (VALUES (1, 'quote_all_identifiers', 'on'), (2, 'standard_conforming_strings', 'off'), (3, 'DateStyle', 'German'),
        (4, 'IntervalStyle', 'sql_standard'), (5, 'TimeZone', '<far>+167'), (6, 'extra_float_digits', '-15'), (7, 'bytea_output', 'escape'),
        (8, 'transform_null_equals', 'on'), (9, 'plan_cache_mode', 'force_generic_plan')) s (place, name, value),
    LATERAL live_under(name, value) life ORDER BY place;

\set QUIET on
DROP TABLE usual;
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_settings CASCADE;
DROP ROLE regress_settings;
