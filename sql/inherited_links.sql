-- A foreign key speaks of the table that has it and of the one that it names, not of their inheritance children: those
-- have keys of their own, and are referenced by others. They count as any do.
\set QUIET on
CREATE ROLE regress_inherited;
CREATE SCHEMA regress_inherited AUTHORIZATION regress_inherited;
SELECT setval('softdelete_internal.deletion_id_seq', 50000) \g /dev/null
SET SESSION AUTHORIZATION regress_inherited;
SET search_path = regress_inherited;
SET client_min_messages = error;
\pset format unaligned
CREATE TABLE owners (id int PRIMARY KEY);
CREATE TABLE base (id int PRIMARY KEY, owner_id int CONSTRAINT base_owner REFERENCES owners ON DELETE CASCADE, code text UNIQUE);
CREATE TABLE "Heir's" (PRIMARY KEY (id), UNIQUE (code), CONSTRAINT heirs_owner FOREIGN KEY (owner_id) REFERENCES owners ON DELETE CASCADE)
    INHERITS (base);
CREATE TABLE notes (id int PRIMARY KEY, heir_id int CONSTRAINT notes_heir REFERENCES "Heir's" ON DELETE CASCADE);
CREATE TABLE bills (id int PRIMARY KEY, heir_id int CONSTRAINT bills_heir REFERENCES "Heir's");
SELECT count(*) > 0 AS registered FROM unnest('{owners,base,notes,bills}'::regclass[]) t, LATERAL softdelete.register(t);
INSERT INTO owners VALUES (1), (2);
INSERT INTO base VALUES (1, 1, 'a'), (2, 2, 'b');
INSERT INTO "Heir's" VALUES (11, 1, 'a'), (12, 2, 'c');
INSERT INTO notes VALUES (1, 11), (2, 11), (3, 12);
CREATE VIEW live AS SELECT (SELECT array_agg(id ORDER BY id) FROM owners) AS owners,
    (SELECT array_agg(id ORDER BY id) FROM base) AS base, (SELECT array_agg(id ORDER BY id) FROM notes) AS notes;
\set QUIET off

-- Along a key that a child has, and one that references it; named by itself or by its parent. Preview says so.
SELECT * FROM softdelete.preview('owners', 1);
DELETE FROM owners WHERE id = 1 RETURNING deletion_id AS deletion \gset
TABLE live;
SELECT rows FROM softdelete.deletions WHERE id = :deletion;
SELECT softdelete.restore('owners', 1);
TABLE live;
SELECT * FROM softdelete.preview('base', 11);
DELETE FROM base WHERE id = 11 RETURNING deletion_id AS deletion \gset
TABLE live;
SELECT softdelete.undo(:deletion);
DELETE FROM "Heir's" WHERE id = 11;
TABLE live;
SELECT softdelete.restore('base', 11);
TABLE live;

-- No live row comes below a deleted one; conflicts() lists it beforehand.
DELETE FROM base WHERE id = 12 RETURNING deletion_id AS deletion \gset
DELETE FROM owners WHERE id = 2;
INSERT INTO "Heir's" VALUES (13, 2, 'd'); -- fails

-- Each table of the tree may have a row with the same key: it names them all, in whichever tables they are.
CREATE TABLE named (id int PRIMARY KEY, name text);
CREATE TABLE named_as_well (PRIMARY KEY (id)) INHERITS (named);
SELECT count(*) > 0 AS registered FROM softdelete.register('named');
INSERT INTO named VALUES (1, 'a'), (2, 'b');
INSERT INTO named_as_well VALUES (1, 'A'), (2, 'B');
SELECT depth, relation, action, rows FROM softdelete.preview('named', 1);
SELECT softdelete.delete('named', 1) > 0 AS deleted;
SELECT count(*) FROM named;
SELECT softdelete.restore('named', 1);
SELECT name FROM named ORDER BY name;
-- Deleted at different times, those come back that went last.
DELETE FROM ONLY named WHERE id = 2;
DELETE FROM named_as_well WHERE id = 2;
SELECT softdelete.restore('named', 2);
SELECT name FROM named WHERE id = 2;
SELECT softdelete.restore('named', 2);
SELECT name FROM named WHERE id = 2 ORDER BY name;
INSERT INTO notes VALUES (4, 12); -- fails
SELECT * FROM softdelete.conflicts(:deletion);
SELECT softdelete.undo(:deletion); -- fails
SELECT softdelete.restore('base', 12); -- fails
SELECT softdelete.restore('owners', 2);
SELECT softdelete.undo(:deletion);
TABLE live;

-- A live row refuses the deletion of one that it references.
INSERT INTO bills VALUES (1, 12);
SELECT * FROM softdelete.preview('base', 12);
\set VERBOSITY sqlstate
DELETE FROM base WHERE id = 12; -- fails
DELETE FROM owners WHERE id = 2; -- fails
\set VERBOSITY default
TABLE live;
DELETE FROM bills;

-- Unique values are unique in each of the tables, and so are the conflicts.
DELETE FROM owners WHERE id = 1 RETURNING deletion_id AS deletion \gset
INSERT INTO base VALUES (21, NULL, 'c');
SELECT * FROM softdelete.conflicts(:deletion);
INSERT INTO "Heir's" VALUES (22, NULL, 'a');
SELECT * FROM softdelete.conflicts(:deletion);
DELETE FROM "Heir's" WHERE id = 22;
SELECT softdelete.undo(:deletion);
TABLE live;

-- A purge goes below them too, and takes what references them first.
BEGIN;
SELECT count(*) > 0 AS configured FROM unnest('{owners,base,notes}'::regclass[]) t, LATERAL softdelete.configure(t, retention => '1 day');
DELETE FROM owners WHERE id = 1;
UPDATE owners SET deleted_at = now() - interval '2 days' WHERE deleted_at IS NOT NULL;
UPDATE base SET deleted_at = now() - interval '2 days' WHERE deleted_at IS NOT NULL;
UPDATE notes SET deleted_at = now() - interval '2 days' WHERE deleted_at IS NOT NULL;
SELECT relation, due, blocked FROM softdelete.purge_preview() ORDER BY 1;
CALL softdelete.purge('owners');
SELECT 'owners' AS relation, id FROM all_owners UNION ALL SELECT 'base', id FROM all_base UNION ALL SELECT 'notes', id FROM all_notes
    ORDER BY 1, 2;
ROLLBACK;

-- A child that comes later is followed too, and nothing is left of it where the table is unregistered.
CREATE TABLE late (CONSTRAINT late_owner FOREIGN KEY (owner_id) REFERENCES owners ON DELETE CASCADE) INHERITS (base);
INSERT INTO late VALUES (31, 2, 'x');
DELETE FROM owners WHERE id = 2 RETURNING deletion_id AS deletion \gset
TABLE live;
SELECT softdelete.undo(:deletion);
SELECT count(*) AS differences FROM softdelete.repair('base');
SELECT count(*) > 0 AS configured FROM softdelete.configure('base', retention => '1 day');
CREATE TABLE later () INHERITS (base);
SELECT count(*) AS differences FROM softdelete.repair('base');
SELECT count(*) > 0 AS configured FROM softdelete.configure('base', keep_forever => true);
SELECT count(*) > 0 AS unregistered FROM softdelete.unregister('base', 'purge');
SELECT tgrelid::regclass, tgname FROM pg_trigger
    WHERE tgrelid IN ('base'::regclass, '"Heir''s"'::regclass, 'late'::regclass, 'notes'::regclass) AND tgname ~ '^softdelete_(lock|collect|parent|children)'
    ORDER BY 1, 2;
DELETE FROM owners WHERE id = 2;
INSERT INTO "Heir's" VALUES (13, 2, 'd'); -- fails

\set QUIET on
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_inherited CASCADE;
DROP ROLE regress_inherited;
