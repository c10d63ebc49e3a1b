-- Schema changes of a table with an archive are followed alike in a database that has no marked rows, and in one that has.
\set VERBOSITY terse
SET client_min_messages = error;
CREATE ROLE regress_alone;
CREATE DATABASE regress_alone OWNER regress_alone;
SELECT current_database() AS former \gset
\c regress_alone
SET client_min_messages = error;
CREATE EXTENSION softdelete;
GRANT CREATE ON SCHEMA public TO regress_alone;
SET SESSION AUTHORIZATION regress_alone;
CREATE TABLE owners (id int PRIMARY KEY, name text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$;
-- What is there after a command, or why it was refused.
CREATE FUNCTION walk() RETURNS TABLE (command text, outcome text, rules text, state text) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE users (id int PRIMARY KEY, name text, mail text, city text, age int, owner int);
    PERFORM softdelete.register('users', strategy => 'archive');
    PERFORM softdelete.set_anonymizer('users', 'name', '''nobody'''), softdelete.set_anonymizer('users', 'mail', 'lower(city) || id'),
            softdelete.set_anonymizer('users', 'age', '0');
    INSERT INTO users SELECT i, 'n' || i, 'm' || i, 'c', i FROM generate_series(1, 3) i;
    DELETE FROM users WHERE id = 1;
    FOREACH command IN ARRAY string_to_array($commands$
        ALTER TABLE users RENAME name TO called;
        ALTER TABLE users RENAME city TO name;
        ALTER TABLE users ADD COLUMN code text DEFAULT 'x';
        ALTER TABLE users ALTER COLUMN name TYPE int USING 1;
        ALTER TABLE users ALTER COLUMN code TYPE varchar(9);
        ALTER TABLE users DROP COLUMN age;
        ALTER TABLE users DROP COLUMN name;
        ALTER TABLE users ADD FOREIGN KEY (owner) REFERENCES owners ON DELETE CASCADE;
        CREATE INDEX ON users (called);
        CREATE UNIQUE INDEX ON users (code, id);
        CREATE TRIGGER note AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION note();
        CREATE RULE none AS ON DELETE TO users DO INSTEAD NOTHING;
        ALTER TABLE users ENABLE ROW LEVEL SECURITY;
        CREATE POLICY seen ON users USING (id > 0);
        DROP POLICY seen ON users;
        ALTER TABLE users DISABLE TRIGGER ALL;
        ALTER TABLE users RENAME TO people;
        ALTER VIEW active_users RENAME TO current_users;
        DROP VIEW deleted_users;
        ALTER TABLE users_archive ADD COLUMN more int;
        DROP TABLE users_archive;
        CREATE TABLE copies (LIKE people INCLUDING ALL);
        TRUNCATE people;
        DELETE FROM people WHERE id = 2$commands$, ';') LOOP
        outcome := 'done';
        BEGIN
            EXECUTE command;
        EXCEPTION WHEN OTHERS THEN
            outcome := SQLSTATE || ' ' || SQLERRM;
        END;
        command := btrim(command, E' \n');
        state := (SELECT string_agg(concat_ws(' ', c.relname, (SELECT string_agg(a.attname, ' ' ORDER BY a.attnum)
            FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)), E'\n' ORDER BY c.relname)
            FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname ~ 'users|people');
        rules := (SELECT string_agg(concat_ws(' = ', column_name, expression), ', ' ORDER BY column_name) FROM softdelete.anonymizers);
        RETURN NEXT;
    END LOOP;
END $$;
RESET SESSION AUTHORIZATION;
\c template1
CREATE DATABASE regress_beside OWNER regress_alone TEMPLATE regress_alone;
\c regress_alone
SET SESSION AUTHORIZATION regress_alone;
SET client_min_messages = error;
CREATE TABLE seen AS SELECT * FROM walk();
SELECT command, outcome FROM seen;
SELECT DISTINCT ON (rules) command, rules FROM seen ORDER BY rules, command;
SELECT array_agg(s)::text AS alone FROM seen s \gset
\c regress_beside
SET SESSION AUTHORIZATION regress_alone;
SET client_min_messages = error;
CREATE TABLE marked (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('marked');
CREATE TABLE seen AS SELECT * FROM walk();
SELECT array_agg(s)::text = :'alone' AS is_alike FROM seen s;
\c :former
SET client_min_messages = error;
DROP DATABASE regress_alone;
DROP DATABASE regress_beside;
DROP ROLE regress_alone;
