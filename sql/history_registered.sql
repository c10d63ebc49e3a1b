-- A history has the columns of its table, also those that a registration gives it, whichever came first and however often it changes.
SET client_min_messages = error;
CREATE ROLE regress_history_registered;
CREATE SCHEMA regress_history_registered AUTHORIZATION regress_history_registered;
SET SESSION AUTHORIZATION regress_history_registered;
SET search_path = regress_history_registered;
SET datestyle = ISO;
CREATE FUNCTION try(what text, steps text[]) RETURNS TABLE (kind text, diff text, at_end text) LANGUAGE plpgsql AS $$
DECLARE
    step text;
BEGIN
    CREATE TABLE t (id int PRIMARY KEY, v text);
    FOREACH step IN ARRAY steps LOOP
        EXECUTE step;
    END LOOP;
    INSERT INTO t VALUES (1, 'a');
    DELETE FROM t;
    RETURN QUERY SELECT h.kind, regexp_replace(regexp_replace(h.diff, '''\d{4}-[^'']*''', 'time', 'g'), 'id(: null ->| =) \d+$', 'id\1 n'),
        (SELECT string_agg(key, ' ' ORDER BY key) FROM jsonb_object_keys(softdelete.history_at('t', clock_timestamp(), 1)) key)
        FROM softdelete.history_of('t', 1) h;
    PERFORM softdelete.unregister('t', 'purge') FROM softdelete.tables WHERE relation = 't'::regclass;
    PERFORM softdelete.untrack_history('t');
    DROP TABLE t, t_history;
END $$;
SELECT w.what, t.* FROM (VALUES
    (1, 'registered, then tracked', ARRAY['SELECT softdelete.register(''t'')', 'SELECT softdelete.track_history(''t'')']),
    (2, 'tracked, then registered', ARRAY['SELECT softdelete.track_history(''t'')', 'SELECT softdelete.register(''t'')']),
    (3, 'registered once more', ARRAY['SELECT softdelete.register(''t'')', 'SELECT softdelete.track_history(''t'')',
        'SELECT softdelete.unregister(''t'')', 'ALTER TABLE t ADD more int', 'SELECT softdelete.register(''t'')', 'ALTER TABLE t DROP more']),
    (4, 'to an archive and back', ARRAY['SELECT softdelete.register(''t'')', 'SELECT softdelete.track_history(''t'')',
        'SELECT softdelete.configure(''t'', strategy => ''archive'')', 'ALTER TABLE t ADD more int', 'ALTER TABLE t DROP more',
        'SELECT softdelete.configure(''t'', strategy => ''flag'')']),
    (5, 'to an archive', ARRAY['SELECT softdelete.track_history(''t'')', 'SELECT softdelete.register(''t'')',
        'SELECT softdelete.configure(''t'', strategy => ''archive'')', 'ALTER TABLE t ADD more int', 'ALTER TABLE t DROP more']),
    (6, 'unregistered', ARRAY['SELECT softdelete.register(''t'')', 'SELECT softdelete.track_history(''t'')', 'SELECT softdelete.unregister(''t'')'])
    ) w (n, what, steps), LATERAL try(what, steps) t ORDER BY n;

RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_history_registered CASCADE;
DROP OWNED BY regress_history_registered;
DROP ROLE regress_history_registered;
