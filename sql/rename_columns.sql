-- deleted_at and deleted_by of a registered table are renamed as any column is. What the table then is does not differ from
-- one that was registered under the new names.
\set QUIET on
CREATE ROLE regress_rename;
CREATE SCHEMA renamed AUTHORIZATION regress_rename;
CREATE SCHEMA named AUTHORIZATION regress_rename;
SET SESSION AUTHORIZATION regress_rename;
\pset format unaligned
-- What softdelete and PostgreSQL know of the tables of a schema, in words; names that were made of the old ones aside.
CREATE FUNCTION renamed.state(schema name) RETURNS TABLE (line text) LANGUAGE sql SET search_path = pg_catalog AS $$
    WITH relations AS (SELECT c.* FROM pg_class c WHERE c.relnamespace = quote_ident(schema)::regnamespace)
    SELECT regexp_replace(replace(l, quote_ident(schema) || '.', ''), '"?(\w+)_(deleted_at|Gone ''at)_idx"?', '\1_idx') FROM (
        SELECT 'column ' || r.relname || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
               || coalesce(' ' || col_description(r.oid, a.attnum), '')
        FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND r.relkind IN ('r', 'p', 'v')
        UNION ALL SELECT 'index ' || pg_get_indexdef(r.oid) FROM relations r WHERE r.relkind IN ('i', 'I')
        UNION ALL SELECT 'view ' || r.relname || pg_get_viewdef(r.oid) FROM relations r WHERE r.relkind = 'v'
        UNION ALL SELECT 'constraint ' || r.relname || ' ' || pg_get_constraintdef(k.oid)
                  FROM relations r JOIN pg_constraint k ON k.conrelid = r.oid
        UNION ALL SELECT 'trigger ' || pg_get_triggerdef(t.oid) || t.tgenabled::text
                  FROM relations r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
        UNION ALL SELECT 'policy ' || r.relname || ' ' || p.polname || ' ' || pg_get_expr(p.polqual, p.polrelid)
                  FROM relations r JOIN pg_policy p ON p.polrelid = r.oid
        UNION ALL SELECT 'registered ' || (to_jsonb(t) - 'registered_at')::text
                  FROM softdelete.tables t JOIN relations r ON r.oid = t.relation) s (l)
$$;
-- Runs the same in both schemas.
CREATE PROCEDURE renamed.both(command text) LANGUAGE plpgsql AS $$ BEGIN
    PERFORM set_config('search_path', 'renamed', true); EXECUTE command;
    PERFORM set_config('search_path', 'named', true); EXECUTE command;
END $$;
CREATE PROCEDURE renamed.register(relation text, options text DEFAULT '', by boolean DEFAULT true) LANGUAGE plpgsql AS $$ BEGIN
    PERFORM set_config('search_path', 'renamed', true);
    EXECUTE format('SELECT FROM softdelete.register(%L %s %s)', relation, options, CASE WHEN NOT by THEN ', deleted_by => NULL' END);
    EXECUTE format('ALTER TABLE %I RENAME deleted_at TO "Gone ''at"', relation);
    IF by THEN EXECUTE format('ALTER TABLE %I RENAME COLUMN deleted_by TO gone_by', relation); END IF;
    PERFORM set_config('search_path', 'named', true);
    EXECUTE format('SELECT FROM softdelete.register(%L %s, deleted_at => ''Gone ''''at'', deleted_by => %L)', relation, options,
                   CASE WHEN by THEN 'gone_by' END);
END $$;
SET client_min_messages = error;
CALL renamed.both('CREATE TABLE plain (id int PRIMARY KEY, a int, email text UNIQUE, room int, org int UNIQUE DEFERRABLE,
    EXCLUDE USING btree (room WITH =))');
CALL renamed.both('CREATE INDEX ON plain (a)');
CALL renamed.both('CREATE TABLE parent (id int PRIMARY KEY, boss int REFERENCES parent ON DELETE CASCADE, name text)');
CALL renamed.both('CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE,
    late int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)');
CALL renamed.both('CREATE INDEX ON child (parent)');
CALL renamed.both('CREATE TABLE parts (id int, k int, email text, PRIMARY KEY (id, k), UNIQUE (email, k)) PARTITION BY LIST (k)');
CALL renamed.both('CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1)');
CALL renamed.both('CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2) PARTITION BY LIST (k)');
CALL renamed.both('CREATE TABLE parts_2a PARTITION OF parts_2 FOR VALUES IN (2)');
CALL renamed.both('CREATE TABLE base (id int PRIMARY KEY, name text)');
CALL renamed.both('CREATE TABLE heir (extra text) INHERITS (base)');
CALL renamed.both('CREATE TABLE secret (id int PRIMARY KEY, tenant int)');
CALL renamed.both('CREATE TABLE looked_at (id int PRIMARY KEY, name text)');
CALL renamed.both('CREATE TABLE nobody (id int PRIMARY KEY)');
\set QUIET off

-- Every shape of table: with constraints, with keys on both sides, partitioned, inherited, under row security, unfiltered,
-- without deleted_by.
CALL renamed.register('plain', $$, retention => '30 days'$$);
CALL renamed.register('parent');
CALL renamed.register('child');
CALL renamed.register('parts');
CALL renamed.register('base', $$, indexes => 'unique'$$);
CALL renamed.register('secret', $$, visibility => 'rls'$$);
CALL renamed.register('looked_at', $$, visibility => 'view'$$);
CALL renamed.register('nobody', '', false);
SELECT count(*) > 150 AS enough FROM renamed.state('named');
SELECT line FROM renamed.state('renamed') EXCEPT ALL SELECT line FROM renamed.state('named');
SELECT line FROM renamed.state('named') EXCEPT ALL SELECT line FROM renamed.state('renamed');
SELECT r.relation, d.* FROM (VALUES ('plain'), ('parent'), ('child'), ('parts'), ('base'), ('secret'), ('looked_at'), ('nobody')) r (relation),
    LATERAL softdelete.repair(('renamed.' || relation)::regclass) d;

-- They delete, cascade, filter, restore and purge, in a session that has known the old names, with plans of before.
SET search_path = renamed;
CREATE TABLE owner (id int PRIMARY KEY);
CREATE TABLE pet (id int PRIMARY KEY, owner int REFERENCES owner ON DELETE CASCADE, tag text UNIQUE);
CREATE INDEX ON pet (owner);
SELECT count(*) > 0 AS registered FROM softdelete.register('owner', cascade => true, retention => '1 day');
INSERT INTO owner SELECT generate_series(1, 9);
INSERT INTO pet SELECT i, i, 'tag ' || i FROM generate_series(1, 9) i;
PREPARE delete_one AS DELETE FROM owner WHERE id = $1;
PREPARE count_pets AS SELECT count(*) FROM pet;
PREPARE upsert AS INSERT INTO pet VALUES ($1, 9, $2) ON CONFLICT (tag) DO UPDATE SET owner = 9;
EXECUTE delete_one (1); EXECUTE delete_one (2);
EXECUTE count_pets;
BEGIN;
EXECUTE delete_one (3);
ALTER TABLE owner RENAME deleted_at TO left_at;
ALTER TABLE pet RENAME deleted_at TO "Left";
ALTER TABLE pet RENAME deleted_by TO "let's go";
ALTER TABLE pet RENAME "let's go" TO by_whom;
EXECUTE delete_one (4);
COMMIT;
EXECUTE count_pets;
EXECUTE delete_one (5);
EXECUTE count_pets;
EXECUTE upsert (11, 'tag 5');
EXECUTE upsert (12, 'tag 9');
SELECT id FROM pet WHERE "Left" IS NOT NULL ORDER BY id;
SELECT id FROM deleted_pet ORDER BY id;
SELECT softdelete.restore('owner', 3);
UPDATE owner SET left_at = NULL WHERE id = 4;
SELECT id FROM owner ORDER BY id;
SELECT rows FROM softdelete.deletions WHERE relation = 'owner'::regclass ORDER BY id;
UPDATE owner SET left_at = now() WHERE id = 6;
EXECUTE count_pets;
INSERT INTO pet VALUES (20, 6, 'x'); -- fails
UPDATE pet SET "Left" = now() - interval '2 days' WHERE "Left" IS NOT NULL;
UPDATE owner SET left_at = now() - interval '2 days' WHERE left_at IS NOT NULL;
SELECT relation, due FROM softdelete.purge_preview();
CALL softdelete.purge();
SELECT count(*) FROM all_owner;

-- A rename that is rolled back has not been; one that is wrong is PostgreSQL's to refuse.
BEGIN;
SAVEPOINT before;
ALTER TABLE owner RENAME left_at TO gone;
DELETE FROM owner WHERE id = 7;
ROLLBACK TO before;
DELETE FROM owner WHERE id = 7;
COMMIT;
SELECT id FROM owner WHERE left_at IS NOT NULL;
ALTER TABLE owner RENAME left_at TO id; -- fails
ALTER TABLE owner RENAME nothing TO something; -- fails
ALTER TABLE heir RENAME "Gone 'at" TO gone; -- fails
ALTER TABLE parts_1 RENAME "Gone 'at" TO gone; -- fails
-- The ids of deletions keep their name.
ALTER TABLE owner RENAME deletion_id TO del; -- fails
\echo :LAST_ERROR_SQLSTATE
-- Nobody renames the columns of another's table.
RESET SESSION AUTHORIZATION;
CREATE ROLE regress_rename_other;
GRANT USAGE ON SCHEMA renamed TO regress_rename_other;
SET SESSION AUTHORIZATION regress_rename_other;
ALTER TABLE renamed.owner RENAME left_at TO mine; -- fails
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_rename;

-- Views that register() has adopted stay as they are, and rules of anonymization follow.
CREATE TABLE notes (id int PRIMARY KEY, body text, removed timestamptz);
CREATE VIEW active_notes AS SELECT id, body FROM notes WHERE removed IS NULL;
SELECT count(*) > 0 AS registered FROM softdelete.register('notes', deleted_at => 'removed');
SELECT softdelete.set_anonymizer('notes', 'body', $$'removed ' || removed::date$$);
ALTER TABLE notes RENAME removed TO thrown_away;
SELECT count(*) AS differences FROM softdelete.repair('notes');
SELECT * FROM softdelete.anonymizers WHERE relation = 'notes'::regclass;
SELECT replace(pg_get_viewdef('active_notes'), 'notes.', '') AS definition; -- 15 names the table before each column

-- unregister() takes back what register() added, under the name that it has now, and leaves what it found.
SELECT action, object FROM softdelete.unregister('notes') WHERE object LIKE 'column%';
SELECT action, object FROM softdelete.unregister('pet', 'purge') WHERE object LIKE 'column%' OR object LIKE 'constraint%';
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('parts');
SELECT attrelid::regclass, attname FROM pg_attribute
    WHERE attrelid IN ('notes'::regclass, 'pet'::regclass, 'parts_2a'::regclass) AND attnum > 0 AND NOT attisdropped ORDER BY 1, attnum;

-- While event triggers are off, DML stops until repair() has found the column by the views that show it.
RESET SESSION AUTHORIZATION;
ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE;
ALTER EVENT TRIGGER softdelete_ddl_command_end DISABLE;
ALTER TABLE named.plain RENAME "Gone 'at" TO away_at;
ALTER TABLE named.plain RENAME gone_by TO away_by;
ALTER TABLE named.parts RENAME gone_by TO away_by;
ALTER TABLE named.parts RENAME "Gone 'at" TO away_at;
ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS;
ALTER EVENT TRIGGER softdelete_ddl_command_end ENABLE ALWAYS;
SET SESSION AUTHORIZATION regress_rename;
SET search_path = named;
INSERT INTO plain (id, email) VALUES (1, 'x'); -- fails
SELECT id FROM plain; -- fails
ALTER TABLE plain ADD COLUMN b int; -- fails
SELECT action, object FROM softdelete.repair('plain') WHERE action = 'adopt';
SELECT count(*) AS differences FROM softdelete.repair('plain');
SELECT action, object FROM softdelete.repair('parts') WHERE action = 'adopt';
SELECT count(*) AS differences FROM softdelete.repair('parts');
ALTER TABLE plain ADD COLUMN b int;
INSERT INTO plain (id, email) VALUES (1, 'x');
DELETE FROM plain;
SELECT id, away_by FROM deleted_plain;
SELECT deleted_at, deleted_by FROM softdelete.tables WHERE relation = 'plain'::regclass;
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('plain', 'purge');

\set QUIET on
RESET SESSION AUTHORIZATION;
DROP SCHEMA renamed, named CASCADE;
DROP ROLE regress_rename, regress_rename_other;
