-- ALTER TABLE ... DISABLE TRIGGER USER is refused: foreign keys stay on under it, so must our checks of links. What needs our
-- triggers is an error under DISABLE TRIGGER ALL and session_replication_role = replica: no soft delete without its cascade,
-- no restore without its checks.
\set QUIET on
CREATE ROLE regress_disabled;
CREATE SCHEMA regress_disabled AUTHORIZATION regress_disabled;
GRANT SET ON PARAMETER session_replication_role TO regress_disabled;
SET SESSION AUTHORIZATION regress_disabled;
SET search_path = regress_disabled;
CREATE TABLE parents (id int PRIMARY KEY, note text UNIQUE);
CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE, note text);
CREATE TABLE plain (id int PRIMARY KEY, parent int REFERENCES parents, note text);
CREATE TABLE parts (id int, parent int REFERENCES parents ON DELETE CASCADE) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '% %', tg_op, tg_name; RETURN new; END $$;
CREATE TRIGGER own BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION tell();
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('parents', cascade => true);
RESET client_min_messages;
INSERT INTO parents VALUES (1, 'deleted'), (2, 'two'), (3, 'three');
INSERT INTO children VALUES (1, 2), (3, 3);
INSERT INTO parts VALUES (1, 2);
DELETE FROM parents WHERE id = 1;
CREATE FUNCTION orphans() RETURNS TABLE (orphan text, id int) LANGUAGE sql AS $$
    SELECT 'children', c.id FROM children c JOIN all_parents p ON p.id = c.parent WHERE p.deleted_at IS NOT NULL
    UNION ALL SELECT 'plain', c.id FROM plain c JOIN all_parents p ON p.id = c.parent WHERE p.deleted_at IS NOT NULL
    UNION ALL SELECT 'parts', c.id FROM parts c JOIN all_parents p ON p.id = c.parent WHERE p.deleted_at IS NOT NULL $$;
\set VERBOSITY terse
\set QUIET off

-- Every way to link a row to a deleted parent.
ALTER TABLE children DISABLE TRIGGER USER; -- fails
ALTER TABLE plain DISABLE TRIGGER USER; -- fails
ALTER TABLE parts DISABLE TRIGGER USER; -- fails
INSERT INTO children VALUES (9, 1); -- fails
INSERT INTO plain VALUES (9, 1); -- fails
INSERT INTO plain VALUES (8, 2);
INSERT INTO plain SELECT 9, id FROM all_parents WHERE id = 1; -- fails
INSERT INTO plain VALUES (8, 2) ON CONFLICT (id) DO UPDATE SET parent = 1; -- fails
UPDATE children SET parent = 1 WHERE id = 1; -- fails
UPDATE plain SET parent = 1; -- fails
MERGE INTO plain t USING (VALUES (8)) s (id) ON t.id = s.id WHEN MATCHED THEN UPDATE SET parent = 1; -- fails
MERGE INTO plain t USING (VALUES (9)) s (id) ON t.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (9, 1); -- fails
WITH new AS (INSERT INTO plain VALUES (9, 1) RETURNING id) SELECT * FROM new; -- fails
INSERT INTO parts VALUES (9, 1); -- fails
INSERT INTO parts_1 VALUES (9, 1); -- fails
COPY plain (id, parent) FROM stdin; -- fails
9	1
\.
COPY parts (id, parent) FROM stdin; -- fails
9	1
\.
PREPARE add (int) AS INSERT INTO plain VALUES (9, $1);
EXECUTE add (1); -- fails
SELECT * FROM orphans();
INSERT INTO plain VALUES (9, 1); -- fails
INSERT INTO plain VALUES (9, NULL);

-- Every way to delete softly, and to restore, while the triggers of the table are disabled.
\set refused 'DELETE FROM parents WHERE id = 2; UPDATE parents SET deleted_at = now() WHERE id = 2; UPDATE parents SET deleted_at = $$2020-01-01$$, note = $$x$$ WHERE id = 2; UPDATE parents SET deleted_at = NULL WHERE id = 1; UPDATE parents SET deleted_at = NULL, note = note WHERE id = 2; UPDATE all_parents SET deleted_at = now() WHERE id = 2; INSERT INTO parents VALUES (2) ON CONFLICT (id) DO UPDATE SET deleted_at = now(); MERGE INTO parents p USING (VALUES (2)) s (id) ON p.id = s.id WHEN MATCHED THEN UPDATE SET deleted_at = now(); MERGE INTO parents p USING (VALUES (2)) s (id) ON p.id = s.id WHEN MATCHED THEN DELETE; WITH gone AS (UPDATE parents SET deleted_at = now() WHERE id = 2 RETURNING id) SELECT * FROM gone; SELECT softdelete.delete($$parents$$, 2); SELECT softdelete.restore($$parents$$, 1); SELECT softdelete.undo(max(id)) FROM softdelete.deletions; UPDATE parts_1 SET deleted_at = now(); SELECT id FROM parents ORDER BY id; SELECT * FROM orphans();'
RESET SESSION AUTHORIZATION;
ALTER TABLE parents DISABLE TRIGGER ALL;
ALTER TABLE parts DISABLE TRIGGER ALL;
SET SESSION AUTHORIZATION regress_disabled;
:refused
UPDATE parents SET note = 'other' WHERE id = 3;
INSERT INTO parents (id) VALUES (4);
RESET SESSION AUTHORIZATION;
ALTER TABLE parents ENABLE TRIGGER ALL;
ALTER TABLE parts ENABLE TRIGGER ALL;
SET SESSION AUTHORIZATION regress_disabled;

-- As a replica. Foreign keys are off then, and so are our checks of links.
SET session_replication_role = replica;
:refused
UPDATE parents SET note = 'another' WHERE id = 3;
INSERT INTO parents (id) VALUES (5);
RESET session_replication_role;

-- A plan that was made before.
PREPARE gone AS UPDATE parents SET deleted_at = now() WHERE id = 3;
PREPARE back AS UPDATE parents SET deleted_at = NULL WHERE id = 1;
SET plan_cache_mode = force_generic_plan;
BEGIN; EXECUTE gone; EXECUTE back; ROLLBACK;
SET session_replication_role = replica;
EXECUTE gone; -- fails
EXECUTE back; -- fails
RESET session_replication_role;
RESET SESSION AUTHORIZATION;
ALTER TABLE parents DISABLE TRIGGER ALL;
SET SESSION AUTHORIZATION regress_disabled;
EXECUTE gone; -- fails
EXECUTE back; -- fails
RESET SESSION AUTHORIZATION;
ALTER TABLE parents ENABLE TRIGGER ALL;
SET SESSION AUTHORIZATION regress_disabled;

-- On a partition alone: what goes through the partitioned table is as it was.
RESET SESSION AUTHORIZATION;
ALTER TABLE parts_1 DISABLE TRIGGER ALL;
SET SESSION AUTHORIZATION regress_disabled;
UPDATE parts_1 SET deleted_at = now(); -- fails
RESET SESSION AUTHORIZATION;
ALTER TABLE parts_1 ENABLE TRIGGER ALL;
SET SESSION AUTHORIZATION regress_disabled;

-- What was disabled while event triggers were off is found by repair().
RESET SESSION AUTHORIZATION;
ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE;
ALTER TABLE children DISABLE TRIGGER USER;
ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS;
SET SESSION AUTHORIZATION regress_disabled;
SELECT count(*) > 0 AS repaired FROM softdelete.repair('children');
SELECT count(*) AS differences FROM softdelete.repair('children');
INSERT INTO children VALUES (9, 1); -- fails
DELETE FROM parents WHERE id = 3;
SELECT id FROM children ORDER BY id;
SELECT * FROM orphans();
\set QUIET on
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_disabled CASCADE;
REVOKE SET ON PARAMETER session_replication_role FROM regress_disabled;
DROP ROLE regress_disabled;
