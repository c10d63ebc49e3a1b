-- What a hint or a remedy names can be done, by the role that gets it.
\set VERBOSITY default
CREATE ROLE regress_hints_owner;
CREATE ROLE regress_hints_bypass BYPASSRLS;
SELECT current_user AS superuser \gset
CREATE SCHEMA "regress Hints" AUTHORIZATION regress_hints_owner;
CREATE SCHEMA regress_hints_lib AUTHORIZATION regress_hints_owner;
GRANT USAGE ON SCHEMA "regress Hints" TO regress_hints_bypass;
SET SESSION AUTHORIZATION regress_hints_owner;
SET search_path = "regress Hints";
SET client_min_messages = warning;

-- A table with an archive and without a primary key: its deletions are undone.
CREATE TABLE "key Less" (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('"key Less"', strategy => 'archive');
INSERT INTO "key Less" VALUES (1), (2);
ALTER TABLE "key Less" DROP CONSTRAINT "key Less_pkey";
DELETE FROM "key Less" WHERE id = 1;
SELECT softdelete.restore('"key Less"', 1); -- fails
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
TABLE "key Less";

-- A rule for anonymization that loses its function: the hint names the table with its schema, and runs under any search_path.
CREATE FUNCTION regress_hints_lib.f(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT 'x'$$;
CREATE TABLE ruled (id int PRIMARY KEY, v text);
SELECT count(*) > 0 AS registered FROM softdelete.register('ruled');
SELECT softdelete.set_anonymizer('ruled', 'v', 'regress_hints_lib.f(v)');
SET search_path = pg_catalog;
DROP FUNCTION regress_hints_lib.f(text); -- fails
SELECT softdelete.set_anonymizer('"regress Hints".ruled', 'v', NULL);
DROP FUNCTION regress_hints_lib.f(text);
SET search_path = "regress Hints";

-- A deletion that took one key twice: one of the rows comes back by itself.
CREATE TABLE twice (id int PRIMARY KEY, v text);
SELECT count(*) > 0 AS registered FROM softdelete.register('twice', strategy => 'archive');
BEGIN;
INSERT INTO twice VALUES (1, 'first');
DELETE FROM twice;
INSERT INTO twice VALUES (1, 'second');
DELETE FROM twice;
COMMIT;
SELECT max(id) AS deletion FROM softdelete.deletions \gset
DO $$ BEGIN PERFORM softdelete.undo(max(id)) FROM softdelete.deletions; EXCEPTION WHEN unique_violation THEN
    DECLARE hint text; BEGIN GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT; RAISE WARNING '% (%)', SQLERRM, regexp_replace(hint, '\(\d+\)', '(..)'); END; END $$;
SELECT relation, key, reason, detail FROM softdelete.conflicts(:deletion);
SELECT softdelete.restore('twice', 1);
TABLE twice;
CREATE TABLE marked (id int PRIMARY KEY, v text UNIQUE);
SELECT count(*) > 0 AS registered FROM softdelete.register('marked');
BEGIN;
INSERT INTO marked VALUES (1, 'same');
DELETE FROM marked;
INSERT INTO marked VALUES (2, 'same');
DELETE FROM marked;
COMMIT;
DO $$ BEGIN PERFORM softdelete.undo(max(id)) FROM softdelete.deletions; EXCEPTION WHEN unique_violation THEN
    DECLARE hint text; BEGIN GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT; RAISE WARNING '% (%)', SQLERRM, regexp_replace(hint, '\(\d+\)', '(..)'); END; END $$;
SELECT softdelete.restore('marked', 2);
TABLE marked;

-- A registered table whose trigger went unseen is no unregistered child: repair() is what check() names, and nothing else.
CREATE TABLE d (id int PRIMARY KEY);
CREATE TABLE e (id int PRIMARY KEY, d int REFERENCES d ON DELETE CASCADE);
CREATE INDEX ON e (d);
CREATE TABLE f (id int PRIMARY KEY, d int REFERENCES d ON DELETE SET NULL);
CREATE INDEX ON f (d);
SELECT count(*) > 0 AS registered FROM softdelete.register('d', all_referencing => true);
RESET SESSION AUTHORIZATION;
ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE;
ALTER EVENT TRIGGER softdelete_ddl_command_end DISABLE;
ALTER EVENT TRIGGER softdelete_sql_drop DISABLE;
DROP TRIGGER softdelete_marker ON "regress Hints".e;
DROP TRIGGER softdelete_marker ON "regress Hints".f;
ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS;
ALTER EVENT TRIGGER softdelete_ddl_command_end ENABLE ALWAYS;
ALTER EVENT TRIGGER softdelete_sql_drop ENABLE ALWAYS;
SET SESSION AUTHORIZATION regress_hints_owner;
SELECT code, relation, object, remedy FROM softdelete.check() WHERE relation::text IN ('d', 'e', 'f') AND code <> 'no_retention' ORDER BY relation::text, code;
SELECT count(*) > 0 AS mended FROM softdelete.repair('e');
SELECT count(*) > 0 AS mended FROM softdelete.repair('f');
SELECT code, relation, object, remedy FROM softdelete.check() WHERE relation::text IN ('d', 'e', 'f') AND code <> 'no_retention' ORDER BY relation::text, code;

-- Row security that binds the owner as well.
CREATE TABLE forced (id int PRIMARY KEY);
SELECT count(*) > 0 AS registered FROM softdelete.register('forced', strategy => 'archive');
INSERT INTO forced VALUES (1), (2);
DELETE FROM forced;
ALTER TABLE forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON forced USING (true);
GRANT ALL ON forced TO regress_hints_bypass;
SELECT softdelete.restore('forced', 1); -- fails
SET SESSION AUTHORIZATION regress_hints_bypass;
SELECT softdelete.restore('"regress Hints".forced', 1);
SET SESSION AUTHORIZATION regress_hints_owner;
ALTER TABLE "regress Hints".forced NO FORCE ROW LEVEL SECURITY;
SELECT softdelete.restore('forced', 2);

-- A table that inherits from several ones cannot be registered. It stays out of a cascade, the warnings name it and not what it inherits
-- from, and no call.
CREATE TABLE par (id int PRIMARY KEY);
CREATE TABLE base1 (a int);
CREATE TABLE base2 (b int);
CREATE TABLE shared (id int PRIMARY KEY, p int REFERENCES par ON DELETE CASCADE, q int REFERENCES par) INHERITS (base1, base2);
CREATE TABLE one (id int PRIMARY KEY, p int REFERENCES par ON DELETE CASCADE) INHERITS (base1);
CREATE TABLE top (id int PRIMARY KEY);
CREATE TABLE bottom (p int REFERENCES par ON DELETE CASCADE) INHERITS (top);
CREATE TABLE pair (p int REFERENCES par ON DELETE SET NULL) INHERITS (base2, top);
CREATE INDEX ON shared (p);
CREATE INDEX ON shared (q);
SELECT softdelete.register('one'); -- fails
BEGIN;
SET LOCAL client_min_messages = error;
SELECT object, command FROM softdelete.register('par') WHERE action = 'warning' AND object !~ '^constraint' ORDER BY object;
SELECT object, message, remedy FROM softdelete.check('par') WHERE code LIKE 'unregistered%' ORDER BY object;
ROLLBACK;
ALTER TABLE one NO INHERIT base1;
DROP TABLE pair;
CREATE INDEX ON one (p);
CREATE INDEX ON bottom (p);
SELECT relation FROM softdelete.plan('par', cascade => true) GROUP BY relation ORDER BY relation::text;
BEGIN;
SELECT count(*) > 0 AS registered FROM softdelete.register('par', cascade => true);
SELECT relation FROM softdelete.tables WHERE relation::text IN ('par', 'shared', 'one', 'top', 'bottom', 'base1', 'base2') ORDER BY relation::text;
-- A hold of a row above says so as well, and so does a key that comes.
INSERT INTO par VALUES (1);
SELECT softdelete.hold('par', 'a case', 1) > 0 AS held;
SET LOCAL client_min_messages = notice;
CREATE TABLE third (p int REFERENCES par ON DELETE CASCADE) INHERITS (base1, base2);
CREATE TABLE fourth (p int REFERENCES par ON DELETE CASCADE) INHERITS (base1);
ROLLBACK;
SELECT count(*) > 0 AS registered FROM softdelete.register('par', all_referencing => true, strategy => 'flag');
SELECT relation FROM softdelete.tables WHERE relation::text IN ('par', 'shared', 'one', 'top', 'bottom', 'base1', 'base2') ORDER BY relation::text;
-- Nor can it have an archive.
CREATE TABLE kept (id int PRIMARY KEY);
CREATE TABLE below (p int REFERENCES kept ON DELETE CASCADE) INHERITS (base1);
SELECT object, command FROM softdelete.register('kept', strategy => 'archive') WHERE action = 'warning';
RESET SESSION AUTHORIZATION;
DROP SCHEMA "regress Hints", regress_hints_lib CASCADE;
DROP OWNED BY regress_hints_owner, regress_hints_bypass;
DROP ROLE regress_hints_owner, regress_hints_bypass;
