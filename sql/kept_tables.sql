-- Histories, archives and their partitions are softdelete's own: no function takes one as a table of the user's, and nothing may be
-- hung on one that keeps back what erase() and purge() remove, or lose what it keeps.
\set VERBOSITY terse
\set QUIET on
CREATE ROLE regress_kept;
CREATE ROLE regress_kept_other;
CREATE SCHEMA regress_kept AUTHORIZATION regress_kept;
GRANT USAGE ON SCHEMA regress_kept TO regress_kept_other;
SET SESSION AUTHORIZATION regress_kept;
SET search_path = regress_kept;
CREATE TABLE t (id int PRIMARY KEY, personal text);
SET client_min_messages = error;
SELECT count(*) > 0 AS registered FROM softdelete.register('t', strategy => 'archive', retention => '0') \gset
SELECT softdelete.track_history('t', retention => '1 day') \gset
RESET client_min_messages;
INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three');
DELETE FROM t WHERE id < 3;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
SELECT tableoid::regclass AS archive_part FROM t_archive LIMIT 1 \gset
SELECT tableoid::regclass AS history_part FROM t_history LIMIT 1 \gset
CREATE TABLE kept (kind text, relation regclass);
INSERT INTO kept VALUES ('archive', 't_archive'), ('part of an archive', :'archive_part'), ('history', 't_history'), ('part of a history', :'history_part');
-- With the names of partitions, which say when the test runs, left out.
CREATE FUNCTION try(statement text, relation regclass) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE pg_catalog.format(statement, relation, pg_catalog.quote_literal(relation));
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ': ' || pg_catalog.regexp_replace(sqlerrm, '"t_[^"]*"|t_(archive|history)\w*', '...');
END $$;
CREATE TABLE attempts (place serial, statement text);
INSERT INTO attempts (statement) VALUES
    ('SELECT softdelete.register(%2$s)'),
    ('SELECT softdelete.register(%2$s, strategy => ''archive'')'),
    ('SELECT softdelete.register(%2$s, strategy => ''archive'', cascade => true)'),
    ('SELECT softdelete.plan(%2$s)'),
    ('SELECT softdelete.plan(%2$s, strategy => ''archive'')'),
    ('SELECT softdelete.track_history(%2$s)'),
    ('SELECT softdelete.configure(%2$s, retention => ''1 day'')'),
    ('SELECT softdelete.configure(%2$s, strategy => ''archive'')'),
    ('SELECT softdelete.configure(%2$s, strategy => ''flag'')'),
    ('SELECT softdelete.repair(%2$s)'),
    ('SELECT softdelete.unregister(%2$s)'),
    ('SELECT softdelete.hold(%2$s, ''why'', 1)'),
    ('SELECT softdelete.erase(%2$s, ''why'', 1)'),
    ('SELECT softdelete.anonymize(%2$s, ''why'', 1)'),
    ('SELECT softdelete.set_anonymizer(%2$s, ''personal'', ''NULL'')'),
    ('SELECT softdelete.delete(%2$s, 1)'),
    ('SELECT softdelete.restore(%2$s, 1)'),
    ('SELECT softdelete.preview(%2$s, 1)'),
    ('SELECT softdelete.untrack_history(%2$s)'),
    ('SELECT softdelete.check(%2$s)'),
    ('SELECT softdelete.purge_preview(%2$s)'),
    ('CALL softdelete.purge(%2$s)'),
    ('SELECT softdelete.cascade_graph(%2$s)'),
    ('CREATE TRIGGER keep BEFORE DELETE ON %1$s FOR EACH ROW EXECUTE FUNCTION keep()'),
    ('CREATE TRIGGER keep AFTER INSERT ON %1$s FOR EACH ROW EXECUTE FUNCTION keep()'),
    ('CREATE TRIGGER keep BEFORE DELETE ON %1$s EXECUTE FUNCTION keep()'),
    ('CREATE OR REPLACE TRIGGER softdelete_kept BEFORE DELETE ON %1$s EXECUTE FUNCTION keep()'),
    ('CREATE CONSTRAINT TRIGGER keep AFTER DELETE ON %1$s DEFERRABLE FOR EACH ROW EXECUTE FUNCTION keep()'),
    ('CREATE RULE keep AS ON DELETE TO %1$s DO INSTEAD NOTHING'),
    ('CREATE RULE keep AS ON INSERT TO %1$s DO ALSO NOTHING'),
    ('CREATE TABLE more PARTITION OF %1$s FOR VALUES FROM (''2131-01-01'') TO (''2132-01-01'')'),
    ('CREATE UNLOGGED TABLE more PARTITION OF %1$s FOR VALUES FROM (''2131-01-01'') TO (''2132-01-01'')'),
    ('CREATE TABLE more PARTITION OF %1$s (CHECK (id < 0)) FOR VALUES FROM (''2131-01-01'') TO (''2132-01-01'')'),
    ('CREATE TABLE more PARTITION OF %1$s FOR VALUES FROM (''2131-01-01'') TO (''2132-01-01'') PARTITION BY LIST (id)'),
    ('CREATE TABLE more PARTITION OF %1$s DEFAULT'),
    ('CREATE TABLE more (id int) INHERITS (%1$s)'),
    ('ALTER TABLE %1$s ATTACH PARTITION kept DEFAULT'),
    ('ALTER TABLE %1$s SET UNLOGGED'),
    ('ALTER TABLE %1$s SET (fillfactor = 90), SET UNLOGGED');
\set QUIET off
SELECT a.statement, try(a.statement, k.relation) AS result, string_agg(k.kind, ', ' ORDER BY k.kind) AS of FROM attempts a, kept k GROUP BY a.place, 1, 2 ORDER BY a.place, 2;
-- Commands name the table whose rows it keeps.
CREATE FUNCTION advise(statement text, relation regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint text;
BEGIN
    EXECUTE pg_catalog.format(statement, relation, pg_catalog.quote_literal(relation));
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN pg_catalog.concat_ws(' | ', nullif(detail, ''), hint);
END $$;
SELECT count(*) AS statements, advise(a.statement, k.relation) AS advice, k.kind FROM attempts a, kept k
    WHERE a.statement ~ 'softdelete\.' AND a.statement !~ 'TRIGGER' GROUP BY 2, 3 ORDER BY 3, 2;
-- To others the command itself says that they may not.
SET SESSION AUTHORIZATION regress_kept_other;
ALTER TABLE regress_kept.t_history SET UNLOGGED; -- fails
CREATE RULE keep AS ON DELETE TO regress_kept.t_archive DO INSTEAD NOTHING; -- fails
SET SESSION AUTHORIZATION regress_kept;

-- What has come by a restored dump, or in its guise, makes erase() and purge() fail rather than say that the rows are gone.
SET row_security = off;
CREATE TRIGGER keep BEFORE DELETE ON t_archive FOR EACH ROW EXECUTE FUNCTION keep();
RESET row_security;
SELECT softdelete.erase('t', 'GDPR', 1); -- fails
SET client_min_messages = warning;
CALL softdelete.purge('t');
RESET client_min_messages;
SELECT state, due, removed, finished_at IS NOT NULL AS finished, error FROM softdelete.purge_log ORDER BY id;
DROP TRIGGER keep ON t_archive;
SET row_security = off;
CREATE TRIGGER keep BEFORE DELETE ON t_history FOR EACH ROW EXECUTE FUNCTION keep();
RESET row_security;
SELECT softdelete.erase('t', 'GDPR', 1); -- fails
SELECT softdelete.erase('t', 'GDPR', 3); -- fails
SELECT count(*) FROM softdelete.erasure_log WHERE table_name = 'regress_kept.t';
DROP TRIGGER keep ON t_history;
SELECT softdelete.erase('t', 'GDPR', 1) -> 'rows' AS rows;
SET client_min_messages = warning;
CALL softdelete.purge('t');
RESET client_min_messages;
SELECT state, due, removed, finished_at IS NOT NULL AS finished, error FROM softdelete.purge_log ORDER BY id;
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA regress_kept CASCADE;
DROP OWNED BY regress_kept, regress_kept_other;
DROP ROLE regress_kept, regress_kept_other;
