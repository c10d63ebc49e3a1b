-- The views of a table with an archive are softdelete's, as those of a table whose deleted rows are marked: nobody drops,
-- replaces, moves or renames them, or lets them read with their owner's rights. What the table's owner makes of them he makes
-- beside them. Both kinds of table answer the same.
\set VERBOSITY terse
SET client_min_messages = error;
CREATE ROLE regress_shop;
CREATE ROLE regress_tenant;
CREATE SCHEMA regress_views;
CREATE SCHEMA regress_elsewhere;
GRANT ALL ON SCHEMA regress_views, regress_elsewhere TO regress_shop;
GRANT USAGE ON SCHEMA regress_views TO regress_tenant;
SET search_path = regress_views;
SET SESSION AUTHORIZATION regress_shop;
CREATE TABLE moved (id int PRIMARY KEY, tenant name, b text);
SELECT count(*) > 0 AS registered FROM softdelete.register('moved', strategy => 'archive');

CREATE FUNCTION try(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RAISE SQLSTATE 'ZZ000';
EXCEPTION WHEN OTHERS THEN
    RETURN CASE SQLSTATE WHEN 'ZZ000' THEN 'done' ELSE SQLSTATE || ' ' || regexp_replace(SQLERRM, '(flagged|moved)', 't', 'g') END;
END$$;
-- First without any table of the other kind.
SELECT view, try(format(command, view || '_moved')) AS answer
    FROM unnest('{active,deleted,all}'::text[]) AS view,
         unnest(ARRAY['DROP VIEW %s', 'CREATE OR REPLACE VIEW %1$s AS SELECT * FROM %1$s WHERE id > 0']) AS command
    ORDER BY view COLLATE "C", command COLLATE "C";
CREATE TABLE flagged (id int PRIMARY KEY, tenant name, b text);
SELECT count(*) > 0 AS registered FROM softdelete.register('flagged');
SELECT command, view, try(format(command, view || '_moved')) AS archive,
       CASE WHEN try(format(command, view || '_moved')) = try(format(command, view || '_flagged')) THEN 'the same'
            ELSE try(format(command, view || '_flagged')) END AS flag
    FROM unnest('{active,deleted,all}'::text[]) AS view,
         unnest(ARRAY['DROP VIEW %s', 'DROP VIEW IF EXISTS %s CASCADE', 'ALTER VIEW %s SET SCHEMA regress_elsewhere', 'ALTER TABLE %s SET SCHEMA regress_elsewhere',
             'ALTER VIEW %s RENAME TO other', 'ALTER TABLE %s RENAME TO other', 'ALTER VIEW %s RENAME COLUMN b TO c',
             'ALTER VIEW %s SET (security_invoker = false)', 'ALTER VIEW %s RESET (security_invoker)',
             'CREATE OR REPLACE VIEW %1$s AS SELECT * FROM %1$s WHERE tenant = current_user',
             'CREATE OR REPLACE VIEW %1$s WITH (security_invoker = false) AS SELECT * FROM %1$s WHERE tenant = current_user',
             'CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO %1$s DO INSTEAD SELECT * FROM %1$s WHERE tenant = current_user',
             'CREATE VIEW mine AS SELECT * FROM %s WHERE tenant = current_user', 'GRANT SELECT ON %s TO regress_tenant',
             'CREATE TRIGGER one INSTEAD OF INSERT ON %1$s FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger(); ALTER TRIGGER one ON %1$s RENAME TO two',
             'CREATE RULE one AS ON UPDATE TO %1$s DO INSTEAD NOTHING; ALTER RULE one ON %1$s RENAME TO two',
             'COMMENT ON VIEW %s IS ''mine''', 'ALTER VIEW %s SET (security_barrier = true)']) AS command
    ORDER BY command COLLATE "C", view COLLATE "C";
SELECT try('DROP TABLE moved'), try('DROP TABLE flagged'), try('SELECT softdelete.unregister(''moved'')'), try('SELECT softdelete.repair(''moved'')');

-- A view beside it keeps each tenant to his own, through DDL as well.
INSERT INTO moved VALUES (1, 'regress_tenant', 'a'), (2, 'regress_other', 'b');
DELETE FROM moved;
CREATE VIEW own_deleted AS SELECT id, tenant FROM moved_archive WHERE tenant = current_user;
GRANT SELECT ON own_deleted, deleted_moved TO regress_tenant;
ALTER TABLE moved ALTER COLUMN b TYPE varchar;
ALTER TABLE moved DROP COLUMN b;
ALTER TABLE moved ADD COLUMN c int;
SET SESSION AUTHORIZATION regress_tenant;
SELECT * FROM own_deleted;
SELECT * FROM deleted_moved; -- fails
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_shop, regress_tenant CASCADE;
DROP SCHEMA regress_views, regress_elsewhere CASCADE;
DROP ROLE regress_shop, regress_tenant;
