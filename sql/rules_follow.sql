-- Rules for anonymization follow what they name, whatever becomes of its name, and refuse its loss.
CREATE ROLE regress_rules;
CREATE SCHEMA regress_rules AUTHORIZATION regress_rules;
CREATE SCHEMA regress_rules_parts AUTHORIZATION regress_rules;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_rules;
SET SESSION AUTHORIZATION regress_rules;
SET search_path = regress_rules;
\set QUIET off
\pset null '(null)'

CREATE TYPE regress_rules_parts.mood AS ENUM ('glad', 'it''s', 'gone');
CREATE DOMAIN regress_rules_parts.short AS text CHECK (length(VALUE) < 20);
CREATE TYPE regress_rules_parts.pair AS (one text, two text);
CREATE COLLATION regress_rules_parts.plain FROM "C";
CREATE FUNCTION regress_rules_parts.mask(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT left($1, 1) || '***'$$;
CREATE FUNCTION regress_rules_parts."odd ""name'"(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'odd'::text$$;
CREATE FUNCTION regress_rules_parts.join(text, text) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT $1 || $2$$;
CREATE OPERATOR regress_rules_parts.~+~ (FUNCTION = regress_rules_parts.join, LEFTARG = text, RIGHTARG = text);
CREATE TABLE other (id int);
CREATE TABLE people (id int PRIMARY KEY, email text, mood regress_rules_parts.mood, town text, nick text, name text, odd text,
    origin regclass, pair text);
INSERT INTO people SELECT g, 'email' || g, 'glad', 'town', 'nick', 'name', 'odd', 'people', 'both' FROM generate_series(1, 20) g;
SELECT count(*) > 0 AS registered FROM softdelete.register('people', '1 day', on_expiry => 'anonymize');
SELECT softdelete.set_anonymizer('people', 'email', 'regress_rules_parts.mask(email)');
SELECT softdelete.set_anonymizer('people', 'mood', $$'it''s'$$);
SELECT softdelete.set_anonymizer('people', 'town', $$'elsewhere'::regress_rules_parts.short$$);
SELECT softdelete.set_anonymizer('people', 'nick', $$('(a,b)'::regress_rules_parts.pair).two$$);
SELECT softdelete.set_anonymizer('people', 'name', $$CASE WHEN name < 'm' COLLATE regress_rules_parts.plain THEN 'a' ELSE 'z' END$$);
SELECT softdelete.set_anonymizer('people', 'odd', $$regress_rules_parts."odd ""name'"(odd)$$);
SELECT softdelete.set_anonymizer('people', 'origin', $$'regress_rules.other'::regclass$$);
SELECT softdelete.set_anonymizer('people', 'pair', $$'x' OPERATOR(regress_rules_parts.~+~) 'y'$$);

-- After each command the rules are used: what they name is found, and nothing else has changed.
CREATE SEQUENCE uses;
CREATE FUNCTION use(command text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    given int := nextval('regress_rules.uses');
BEGIN
    EXECUTE command;
    PERFORM softdelete.anonymize('regress_rules.people', 'request', given);
    RETURN NEXT (SELECT concat_ws('|', to_jsonb(p) ->> 'email', to_jsonb(p) ->> 'mail', mood, town, nick, name, odd, origin, pair)
        FROM regress_rules.people p WHERE id = given);
    RETURN QUERY SELECT 'finding: ' || message FROM softdelete.check('regress_rules.people') WHERE code = 'unfit_rule';
END $$;
SELECT use('SELECT');
SELECT use('ALTER FUNCTION regress_rules_parts.mask(text) RENAME TO hide');
SELECT use('ALTER ROUTINE regress_rules_parts.hide(text) SET SCHEMA regress_rules');
SELECT use($$ALTER TYPE regress_rules_parts.mood RENAME VALUE 'it''s' TO 'it was'$$);
SELECT use('ALTER TYPE regress_rules_parts.mood RENAME TO temper');
SELECT use('ALTER DOMAIN regress_rules_parts.short RENAME TO brief');
SELECT use('ALTER TYPE regress_rules_parts.pair RENAME ATTRIBUTE two TO second');
SELECT use('ALTER TYPE regress_rules_parts.pair SET SCHEMA regress_rules');
SELECT use('ALTER COLLATION regress_rules_parts.plain RENAME TO bare');
SELECT use($$ALTER FUNCTION regress_rules_parts."odd ""name'"(text) RENAME TO even$$);
SELECT use('ALTER TABLE other RENAME TO another');
SELECT use('ALTER TABLE people RENAME email TO mail');
SELECT use('ALTER SCHEMA regress_rules_parts RENAME TO regress_rules_moved');
SELECT use('ALTER OPERATOR regress_rules_moved.~+~ (text, text) SET SCHEMA regress_rules');
SELECT column_name, expression FROM softdelete.anonymizers WHERE relation = 'people'::regclass ORDER BY column_name;

-- A savepoint that is rolled back takes the new names with it.
BEGIN;
SAVEPOINT a;
ALTER FUNCTION hide(text) RENAME TO seek;
ROLLBACK TO a;
ALTER FUNCTION hide(text) RENAME TO cover;
COMMIT;
SELECT use('SELECT');

-- What a rule names does not go.
DROP FUNCTION cover(text); -- fails
DROP FUNCTION cover(text) CASCADE; -- fails
DROP DOMAIN regress_rules_moved.brief CASCADE; -- fails
DROP OPERATOR ~+~ (text, text); -- fails
DROP COLLATION regress_rules_moved.bare; -- fails
DROP TABLE another; -- fails
SET client_min_messages = warning;
DROP SCHEMA regress_rules_moved CASCADE; -- fails
RESET client_min_messages;
ALTER TYPE pair DROP ATTRIBUTE second CASCADE; -- fails
SELECT softdelete.set_anonymizer('people', 'nick', NULL);
ALTER TYPE pair DROP ATTRIBUTE second CASCADE;
SELECT use('DROP FUNCTION IF EXISTS nothing()');

-- A function that may change something is not called any more.
CREATE TABLE written (id int);
CREATE OR REPLACE FUNCTION cover(text) RETURNS text VOLATILE LANGUAGE sql AS $$INSERT INTO regress_rules.written VALUES (1) RETURNING 'x'::text$$;
SELECT severity, code, object, message, remedy FROM softdelete.check('people') WHERE code = 'unfit_rule';
SELECT softdelete.anonymize('people', 'request', 20) IS NULL AS done; -- fails
DELETE FROM people WHERE id = 20;
SET softdelete.visibility = 'all';
UPDATE people SET deleted_at = now() - interval '2 days' WHERE id = 20;
RESET softdelete.visibility;
CALL softdelete.purge('people');
SELECT state, anonymized, blockers, error FROM softdelete.purge_log WHERE table_name = 'regress_rules.people' ORDER BY id DESC LIMIT 1;
SELECT count(*) FROM written;
ALTER FUNCTION cover(text) STABLE;
SELECT count(*) FROM softdelete.check('people') WHERE code = 'unfit_rule';
CREATE OR REPLACE FUNCTION cover(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT '***'::text$$;
SELECT use('SELECT');

-- A key that comes to a column with a rule, which set_anonymizer() would refuse there.
CREATE TABLE mails (mail text PRIMARY KEY);
ALTER TABLE people ADD FOREIGN KEY (mail) REFERENCES mails NOT VALID; -- fails
ALTER TABLE people ADD COLUMN more text, ADD CONSTRAINT mails FOREIGN KEY (mail) REFERENCES mails NOT VALID; -- fails
CREATE TABLE keyed (id text PRIMARY KEY, mail text);
SELECT count(*) > 0 AS registered FROM softdelete.register('keyed');
SELECT softdelete.set_anonymizer('keyed', 'id', 'gen_random_uuid()');
CREATE TABLE readers (id text REFERENCES keyed (id)); -- fails
CREATE TABLE readers (id text, CONSTRAINT people FOREIGN KEY (id) REFERENCES keyed (id)); -- fails
CREATE TABLE readers (id text, keyed text);
ALTER TABLE readers ADD FOREIGN KEY (id) REFERENCES keyed (id) ON DELETE CASCADE; -- fails
ALTER TABLE readers ADD FOREIGN KEY (id) REFERENCES keyed (id) ON UPDATE CASCADE;
ALTER TABLE readers ADD COLUMN again text REFERENCES keyed ON DELETE SET NULL; -- fails
SELECT softdelete.set_anonymizer('people', 'town', 'NULL');
ALTER TABLE people ALTER town SET NOT NULL; -- fails
ALTER TABLE people ADD COLUMN note text; -- unrelated
SELECT count(*) FROM softdelete.check('people') WHERE code = 'unfit_rule';

-- The rules of a table with an archive.
CREATE TABLE notes (id int PRIMARY KEY, note text);
SELECT count(*) > 0 AS registered FROM softdelete.register('notes', strategy => 'archive');
SELECT softdelete.set_anonymizer('notes', 'note', 'cover(note)'); -- fails
SELECT softdelete.set_anonymizer('notes', 'note', 'regress_rules.cover(note)');
INSERT INTO notes VALUES (1, 'secret');
DELETE FROM notes;
ALTER FUNCTION cover(text) RENAME TO veil;
SELECT softdelete.anonymize('notes', 'request', 1) -> 'rows' AS rows;
SELECT note FROM notes_archive;
ALTER TABLE notes ADD FOREIGN KEY (note) REFERENCES mails NOT VALID; -- fails

-- The rules of inheritance children go with the columns of their parent.
CREATE TABLE base (id int PRIMARY KEY, name text, note text);
CREATE TABLE heir (PRIMARY KEY (id)) INHERITS (base);
SELECT count(*) > 0 AS registered FROM softdelete.register('base', strategy => 'flag');
SELECT softdelete.set_anonymizer('heir', 'name', '''heir'''), softdelete.set_anonymizer('base', 'note', '''base''');
INSERT INTO heir VALUES (1, 'kept', 'note');
ALTER TABLE base DROP COLUMN name;
SELECT softdelete.anonymize('base', 'request', 1) -> 'rows' AS rows;
ALTER TABLE base ADD COLUMN name text DEFAULT 'kept';
SELECT softdelete.anonymize('base', 'request', 1) -> 'rows' AS rows;
TABLE heir;
ALTER TABLE base RENAME name TO title;
SELECT softdelete.set_anonymizer('heir', 'title', 'regress_rules.veil(title)');
ALTER TABLE base RENAME title TO name;
SELECT column_name, expression FROM softdelete.anonymizers WHERE relation = 'heir'::regclass;
BEGIN;
ALTER FUNCTION veil(text) VOLATILE;
SELECT relation, object FROM softdelete.check('base') WHERE code = 'unfit_rule';
ROLLBACK;

-- Rules are parsed without code of users, whoever runs the command that they follow, and run as the table's owner.
CREATE FUNCTION who() RETURNS text STABLE LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE 'run as %', current_user; RETURN current_user; END$$;
CREATE DOMAIN asking AS text CHECK (VALUE <> who());
CREATE TYPE holder AS (inner_value asking);
CREATE TABLE asked (id int PRIMARY KEY, a text);
SELECT count(*) > 0 AS registered FROM softdelete.register('asked');
SELECT softdelete.set_anonymizer('asked', 'a', $$('(x)'::regress_rules.holder).inner_value$$);
RESET SESSION AUTHORIZATION;
ALTER TABLE regress_rules.asked RENAME a TO b;
ALTER TABLE regress_rules.asked ADD COLUMN c int;
ALTER TYPE regress_rules.holder RENAME ATTRIBUTE inner_value TO value;
SELECT column_name, expression FROM softdelete.anonymizers WHERE relation = 'regress_rules.asked'::regclass;
INSERT INTO regress_rules.asked VALUES (1, 'seen');
SELECT softdelete.anonymize('regress_rules.asked', 'request', 1) -> 'rows' AS rows;

-- While event triggers are off nothing follows: check() finds it, and the error names the rule.
BEGIN;
ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE;
SET LOCAL SESSION AUTHORIZATION regress_rules;
ALTER FUNCTION regress_rules.veil(text) RENAME TO shade;
SELECT relation, severity, object, message FROM softdelete.check() WHERE code = 'unfit_rule' ORDER BY relation::text, object;
SAVEPOINT before;
SELECT softdelete.anonymize('regress_rules.people', 'request', 19); -- fails
ROLLBACK TO before;
ALTER FUNCTION regress_rules.shade(text) RENAME TO veil;
SELECT count(*) FROM softdelete.check() WHERE code = 'unfit_rule';
ROLLBACK;

-- What belongs to others: they drop it with CASCADE, and the rule is used no more.
CREATE ROLE regress_rules_other;
CREATE SCHEMA regress_rules_other AUTHORIZATION regress_rules_other;
SET SESSION AUTHORIZATION regress_rules_other;
CREATE FUNCTION regress_rules_other.hide(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT '***'::text$$;
GRANT USAGE ON SCHEMA regress_rules_other TO regress_rules;
SET SESSION AUTHORIZATION regress_rules;
SELECT softdelete.set_anonymizer('regress_rules.notes', 'note', 'regress_rules_other.hide(note)');
SET SESSION AUTHORIZATION regress_rules_other;
DROP FUNCTION regress_rules_other.hide(text); -- fails
BEGIN;
DROP FUNCTION regress_rules_other.hide(text) CASCADE;
ROLLBACK;
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_rules_other CASCADE; -- fails
SET SESSION AUTHORIZATION regress_rules_other;
DROP SCHEMA regress_rules_other CASCADE;
SET SESSION AUTHORIZATION regress_rules;
SELECT object, message FROM softdelete.check('regress_rules.notes') WHERE code = 'unfit_rule';
SELECT softdelete.anonymize('regress_rules.notes', 'request', 1); -- fails
RESET SESSION AUTHORIZATION;

-- What is unfit already refuses no command: not of its owner, nor of others whose objects are called as something in the rule. Nor
-- does a function that a rule calls run in somebody else's command.
CREATE SCHEMA regress_rules_other AUTHORIZATION regress_rules_other;
SET SESSION AUTHORIZATION regress_rules;
SET search_path = regress_rules;
CREATE FUNCTION mask(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RAISE 'runs as %', current_user; END$$;
CREATE TABLE users (id int PRIMARY KEY, name text);
SELECT count(*) > 0 AS registered FROM softdelete.register('users');
SELECT softdelete.set_anonymizer('users', 'name', $$regress_rules.mask('orders invoices report parent')$$);
GRANT REFERENCES ON users TO regress_rules_other;
GRANT USAGE ON SCHEMA regress_rules TO regress_rules_other;
CREATE FUNCTION do_all() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    command text;
BEGIN
    FOREACH command IN ARRAY ARRAY['CREATE TABLE parent (id int PRIMARY KEY)', 'CREATE TABLE orders (report int, invoices int)',
        'CREATE VIEW invoices AS SELECT report FROM orders', 'ALTER TABLE orders ADD users int REFERENCES regress_rules.users',
        'ALTER TABLE orders ADD FOREIGN KEY (users) REFERENCES regress_rules.users', 'ALTER TABLE orders ADD born date',
        'CREATE TABLE report (id int REFERENCES regress_rules.users)', 'DROP TABLE report', 'ALTER TABLE orders DROP invoices',
        'ALTER TABLE orders DROP report CASCADE', 'CREATE TYPE invoices AS (report int)', 'ALTER TYPE invoices DROP ATTRIBUTE report',
        'ALTER TYPE invoices RENAME TO invoice', 'DROP TYPE invoice CASCADE', 'DROP TABLE orders, parent CASCADE'] LOOP
        BEGIN
            EXECUTE command;
        EXCEPTION WHEN OTHERS THEN
            RETURN NEXT command || ': ' || SQLERRM;
        END;
    END LOOP;
END $$;
SET SESSION AUTHORIZATION regress_rules_other;
SET search_path = regress_rules_other;
SET client_min_messages = warning;
SELECT * FROM regress_rules.do_all();
SET SESSION AUTHORIZATION regress_rules;
ALTER FUNCTION regress_rules.mask(text) VOLATILE;
SET SESSION AUTHORIZATION regress_rules_other;
SELECT * FROM regress_rules.do_all();
SET SESSION AUTHORIZATION regress_rules;
SET row_security = off; -- as while a dump is being restored, when nothing follows
DROP FUNCTION regress_rules.mask(text);
RESET row_security;
ALTER TABLE regress_rules.users ADD COLUMN born date, ALTER COLUMN name SET STATISTICS 100;
SET SESSION AUTHORIZATION regress_rules_other;
SELECT * FROM regress_rules.do_all();
RESET SESSION AUTHORIZATION;
RESET search_path;
SELECT object FROM softdelete.check('regress_rules.users') WHERE code = 'unfit_rule';
DROP SCHEMA regress_rules_other CASCADE;
REVOKE ALL ON SCHEMA regress_rules FROM regress_rules_other;
REVOKE ALL ON regress_rules.users FROM regress_rules_other;
DROP ROLE regress_rules_other;
RESET client_min_messages;

-- Tables go with their rules, and a schema with both.
SET client_min_messages = warning;
DROP SCHEMA regress_rules, regress_rules_moved CASCADE;
REVOKE CREATE ON DATABASE :"DBNAME" FROM regress_rules;
DROP ROLE regress_rules;
SELECT count(*) FROM softdelete_internal.anonymizer WHERE relation::text LIKE 'regress_rules%';
