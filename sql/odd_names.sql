-- Names of any kind are quoted wherever they go.
CREATE ROLE "regress odd's ""owner""";
CREATE SCHEMA "regress %1% odd's" AUTHORIZATION "regress odd's ""owner""";
SET SESSION AUTHORIZATION "regress odd's ""owner""";
SET search_path = "regress %1% odd's";
\pset format unaligned
CREATE TABLE "Q'x %s" (
    "I d" int PRIMARY KEY, "E'mail" text UNIQUE, "select" text UNIQUE DEFERRABLE, "Deleted At" timestamp,
    "Par ent" int REFERENCES "Q'x %s" ON DELETE CASCADE);
CREATE INDEX "odd "" AND ( idx" ON "Q'x %s" (("E'mail" || ' USING ')) WHERE "E'mail" <> 'x" AND ' AND "select" IS NOT NULL;
COMMENT ON COLUMN "Q'x %s"."Deleted At" IS 'it''s old';
COMMENT ON INDEX "odd "" AND ( idx" IS 'it''s \ odd';
CREATE VIEW state AS
    SELECT pg_get_indexdef(i.indexrelid), pg_get_constraintdef(k.oid), obj_description(i.indexrelid, 'pg_class')
    FROM pg_index i LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype <> 'f'
    WHERE i.indrelid = '"Q''x %s"'::regclass ORDER BY i.indexrelid::regclass::text COLLATE "C";
CREATE TABLE before AS TABLE state;
SELECT command FROM softdelete.plan('"Q''x %s"', deleted_at => 'Deleted At', deleted_by => 'By "x"') WHERE online ORDER BY step;
SELECT command FROM softdelete.plan('"Q''x %s"', deleted_at => 'Deleted At', deleted_by => 'By "x"') WHERE online ORDER BY step \gexec
SELECT object, action, command FROM softdelete.register('"Q''x %s"', deleted_at => 'Deleted At', deleted_by => 'By "x"');
TABLE state;
SELECT * FROM softdelete.repair('"Q''x %s"');
INSERT INTO "Q'x %s" VALUES (1, 'a', 'b', NULL, NULL), (2, 'c', 'd', NULL, 1);
DELETE FROM "Q'x %s" WHERE "I d" = 1;
SELECT "I d", "By ""x""" FROM "deleted_Q'x %s" ORDER BY 1;
INSERT INTO "Q'x %s" VALUES (3, 'a', 'b');
SELECT count(*) FROM "active_Q'x %s";
SELECT count(*) FROM "all_Q'x %s";
SELECT * FROM softdelete.unregister('"Q''x %s"'); -- fails
-- What the hints show can be run as it stands.
DROP TRIGGER softdelete_marker ON "Q'x %s"; -- fails
ALTER TABLE "Q'x %s" RENAME "Deleted At" TO "Gone'";
SELECT count(*) AS differences FROM softdelete.repair('"Q''x %s"');
ALTER TABLE "Q'x %s" RENAME "Gone'" TO "Deleted At";
SELECT * FROM softdelete.unregister('"Q''x %s"', 'keep'); -- fails
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('"Q''x %s"', 'purge');
SELECT softdelete.undo(softdelete.restore('"Q''x %s"', 1)); -- fails
(TABLE state EXCEPT TABLE before) UNION ALL (TABLE before EXCEPT TABLE state);
SELECT col_description('"Q''x %s"'::regclass, attnum) FROM pg_attribute WHERE attrelid = '"Q''x %s"'::regclass AND attname = 'Deleted At';

-- Percent signs, which patterns of ours use, in every name that goes into a command: a column, the keys, the tables; also
-- one that would end the command and begin another.
CREATE FUNCTION "never"() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'a second command has run'; END $$;
CREATE TABLE odd_columns (nr int GENERATED ALWAYS AS IDENTITY, name text);
INSERT INTO odd_columns (name) VALUES ('d%1%'), ('d%2%'), ('%%'), ('%s %I'), ('%1% IS NULL) EXECUTE FUNCTION f(); SELECT never(); --');
DO $$
DECLARE
    c record;
    parent text := '%1% IS NULL) EXECUTE FUNCTION f(); SELECT never(); --';
    found text;
BEGIN
    FOR c IN SELECT * FROM odd_columns ORDER BY nr LOOP
        EXECUTE format('CREATE TABLE %1$I (id int PRIMARY KEY, "%%2%%" text UNIQUE)', parent);
        EXECUTE format('CREATE TABLE "%%1%%" (id int PRIMARY KEY, p int CONSTRAINT "%%1%%, %%s" REFERENCES %1$I ON DELETE CASCADE)', parent);
        EXECUTE format('CREATE TABLE "late %%1%%" (id int PRIMARY KEY, p int CONSTRAINT "%%2%%" REFERENCES %1$I DEFERRABLE)', parent);
        PERFORM softdelete.register(to_regclass(format('%I', parent)), deleted_at => c.name, cascade => true,
            active_view => 'live %1%', deleted_view => 'gone %2%', all_view => 'all %3%', retention => '1 day');
        PERFORM softdelete.register('"late %1%"', deleted_at => c.name);
        EXECUTE format('INSERT INTO %I VALUES (1, ''a''), (2, ''b'')', parent);
        INSERT INTO "%1%" VALUES (1, 1), (2, 2);
        EXECUTE format('DELETE FROM %I WHERE id = 1', parent);
        EXECUTE format('SELECT (SELECT count(*) FROM %I) || '' and '' || (SELECT count(*) FROM "%%1%%")', parent) INTO found;
        PERFORM softdelete.restore(to_regclass(format('%I', parent)), 1);
        EXECUTE format('ALTER TABLE "%%1%%" ADD CONSTRAINT "more %%1%%" FOREIGN KEY (id) REFERENCES %I DEFERRABLE', parent);
        RAISE NOTICE '%: % live, % steps to repair', c.name, found, (SELECT count(*) FROM softdelete.repair(to_regclass(format('%I', parent))));
        EXECUTE format('DROP TABLE "late %%1%%", "%%1%%", %I CASCADE', parent);
    END LOOP;
END $$;

-- Names are shortened as core does it, at a character's boundary.
CREATE TABLE "ääääääääääääääääääääääääääääääx" (id int PRIMARY KEY, "ööööööööööööööööööööööööööööööy" text UNIQUE);
SELECT object, octet_length(object) FROM softdelete.register('"ääääääääääääääääääääääääääääääx"') WHERE object ~ '^(view|index)';
SELECT relname, octet_length(relname) FROM pg_class WHERE relname ~ 'ä' ORDER BY relname COLLATE "C";
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('"ääääääääääääääääääääääääääääääx"');
