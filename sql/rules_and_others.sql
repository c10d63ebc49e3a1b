-- Rules for anonymization and objects that are called alike: each rule is about what it names, and about nothing of the same name
-- that belongs to somebody else or to another session.
CREATE ROLE regress_rules_ann;
CREATE ROLE regress_rules_bob;
CREATE SCHEMA regress_alike AUTHORIZATION regress_rules_ann;
CREATE SCHEMA "regress_bob.t" AUTHORIZATION regress_rules_ann;
CREATE SCHEMA "Regress_Bob" AUTHORIZATION regress_rules_ann;
CREATE SCHEMA "regress_bob""" AUTHORIZATION regress_rules_ann;
CREATE SCHEMA regress_bob AUTHORIZATION regress_rules_bob;
GRANT ALL ON SCHEMA regress_bob TO regress_rules_ann;
SET SESSION AUTHORIZATION regress_rules_ann;
CREATE TABLE regress_alike.users (id int PRIMARY KEY, name text, nick text, mail text, town text, note text, odd text, long text);
SELECT count(*) > 0 AS registered FROM softdelete.register('regress_alike.users');

-- Identities differ by quotes, dots, upper case and kind alone.
CREATE DOMAIN "regress_bob.t".c AS text;
CREATE DOMAIN "Regress_Bob".t AS text;
CREATE DOMAIN "regress_bob"""."t" AS text;
CREATE DOMAIN "Regress_Bob"."user" AS text;
CREATE FUNCTION "Regress_Bob"."f(integer)"(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT $1$$;
CREATE COLLATION regress_bob.alike FROM "C";
CREATE FUNCTION regress_bob.alike() RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'x'::text$$;
SELECT softdelete.set_anonymizer('regress_alike.users', 'name', $$('x'::"regress_bob.t".c)::text$$);
SELECT softdelete.set_anonymizer('regress_alike.users', 'nick', $$('x'::"Regress_Bob".t)::text$$);
SELECT softdelete.set_anonymizer('regress_alike.users', 'mail', $$('x'::"regress_bob""".t)::text$$);
SELECT softdelete.set_anonymizer('regress_alike.users', 'town', $$"Regress_Bob"."f(integer)"('x')$$);
SELECT softdelete.set_anonymizer('regress_alike.users', 'note', $$CASE WHEN note < 'm' COLLATE regress_bob.alike THEN 'a' ELSE 'z' END$$);
SELECT softdelete.set_anonymizer('regress_alike.users', 'odd', $$('x'::"Regress_Bob"."user")::text$$);
SELECT column_name, objects FROM softdelete_internal.anonymizer
    WHERE relation = 'regress_alike.users'::regclass ORDER BY column_name;
SET SESSION AUTHORIZATION regress_rules_bob;
SET client_min_messages = warning;
CREATE TABLE regress_bob.t (id int PRIMARY KEY, c int, d int);
ALTER TABLE regress_bob.t DROP COLUMN c;
DROP TABLE regress_bob.t;
CREATE TABLE regress_bob.alike (id int);
ALTER TABLE regress_bob.alike RENAME TO others;
ALTER TABLE regress_bob.others RENAME TO alike;
DROP TABLE regress_bob.alike;
CREATE DOMAIN regress_bob."t" AS int;
DROP DOMAIN regress_bob.t;
CREATE FUNCTION regress_bob.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
DROP FUNCTION regress_bob.f(int);
RESET client_min_messages;
SELECT count(*) FROM softdelete.check() WHERE code = 'unfit_rule';

-- What they do name is refused, however the session writes names.
SET SESSION AUTHORIZATION regress_rules_ann;
SET quote_all_identifiers = on;
DROP DOMAIN "regress_bob.t".c; -- fails
DROP DOMAIN "Regress_Bob".t; -- fails
DROP DOMAIN "regress_bob""".t; -- fails
DROP DOMAIN "Regress_Bob"."user"; -- fails
RESET quote_all_identifiers;
DROP FUNCTION "Regress_Bob"."f(integer)"(text); -- fails
DROP COLLATION regress_bob.alike; -- fails
DROP FUNCTION regress_bob.alike();

-- Renames that leave a rule's text as it was: of a type of an argument, and of its schema.
RESET SESSION AUTHORIZATION;
CREATE SCHEMA regress_types AUTHORIZATION regress_rules_ann;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_rules_ann;
SET SESSION AUTHORIZATION regress_rules_ann;
CREATE TYPE regress_types.mood AS ENUM ('glad', 'sad');
CREATE FUNCTION regress_alike.f(regress_types.mood) RETURNS regress_types.mood IMMUTABLE LANGUAGE sql AS $$SELECT $1$$;
CREATE FUNCTION regress_alike.g(regress_types.mood[]) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'g'::text$$;
ALTER TABLE regress_alike.users ADD kind regress_types.mood, ADD kinds regress_types.mood[];
SELECT softdelete.set_anonymizer('regress_alike.users', 'kind', 'regress_alike.f(kind)');
SELECT softdelete.set_anonymizer('regress_alike.users', 'long', 'regress_alike.g(kinds)');
ALTER TYPE regress_types.mood RENAME TO feeling;
-- The functions that they name: whether the types of their results count as well depends on the server's version.
SELECT column_name, expression, ARRAY(SELECT o FROM unnest(objects) o WHERE o LIKE 'function %') AS functions FROM softdelete_internal.anonymizer
    WHERE relation = 'regress_alike.users'::regclass AND column_name IN ('kind', 'long') ORDER BY column_name;
DROP FUNCTION regress_alike.f(regress_types.feeling); -- fails
DROP FUNCTION regress_alike.g(regress_types.feeling[]); -- fails
ALTER SCHEMA regress_types RENAME TO regress_kinds;
SELECT column_name, expression, ARRAY(SELECT o FROM unnest(objects) o WHERE o LIKE 'function %') AS functions FROM softdelete_internal.anonymizer
    WHERE relation = 'regress_alike.users'::regclass AND column_name IN ('kind', 'long') ORDER BY column_name;
DROP FUNCTION regress_alike.f(regress_kinds.feeling); -- fails
DROP FUNCTION regress_alike.g(regress_kinds.feeling[]); -- fails
-- Another one that is called as it was is another one.
CREATE SCHEMA regress_types;
CREATE TYPE regress_types.mood AS ENUM ('well');
CREATE FUNCTION regress_alike.f(regress_types.mood) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'f'::text$$;
DROP FUNCTION regress_alike.f(regress_types.mood);
DROP SCHEMA regress_types CASCADE;
SELECT count(*) FROM softdelete.check('regress_alike.users') WHERE code = 'unfit_rule';

-- A rule outlives the session: it names nothing that does not.
CREATE TEMP TABLE x (a int);
CREATE DOMAIN pg_temp.word AS text;
CREATE FUNCTION pg_temp.f(int) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT '1'::text$$;
CREATE COLLATION pg_temp.plain FROM "C";
SELECT softdelete.set_anonymizer('regress_alike.users', 'name', '(ROW(1)::pg_temp.x)::text'); -- fails
SELECT softdelete.set_anonymizer('regress_alike.users', 'name', $$('x'::pg_temp.word)::text$$); -- fails
SELECT softdelete.set_anonymizer('regress_alike.users', 'name', $$('pg_temp.x'::regclass)::text$$); -- fails
SELECT softdelete.set_anonymizer('regress_alike.users', 'name', $$CASE WHEN name < 'm' COLLATE pg_temp.plain THEN 'a' ELSE 'z' END$$); -- fails
\set VERBOSITY terse
SELECT softdelete.set_anonymizer('regress_alike.users', 'name', 'pg_temp.f(id)'); -- fails
\set VERBOSITY default
SELECT expression FROM softdelete.anonymizers WHERE relation = 'regress_alike.users'::regclass AND column_name = 'name';
DROP TABLE x;
DROP DOMAIN pg_temp.word;
DROP FUNCTION pg_temp.f(int);
DROP COLLATION pg_temp.plain;

RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP TABLE regress_alike.users CASCADE;
REVOKE CREATE ON DATABASE :"DBNAME" FROM regress_rules_ann;
DROP SCHEMA regress_alike, "regress_bob.t", "Regress_Bob", "regress_bob""", regress_bob, regress_kinds CASCADE;
DROP ROLE regress_rules_ann, regress_rules_bob;
