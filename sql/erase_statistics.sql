-- No statistics tell of values that are erased or anonymized, wherever the row lay when a table was analyzed.
SET client_min_messages = error;
CREATE ROLE regress_erase_statistics;
CREATE SCHEMA regress_erase_statistics AUTHORIZATION regress_erase_statistics;
SET SESSION AUTHORIZATION regress_erase_statistics;
SET search_path = regress_erase_statistics;
-- command: erase or anonymize; when: the row lives, is archived or has come back while everything is analyzed; at: when it is erased.
CREATE TABLE outcome (strategy text, command text, analyzed text, at text, found text);
CREATE PROCEDURE try(strategy text, command text, analyzed text, at text) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE p (id int PRIMARY KEY, v text);
    CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE, v text);
    CREATE INDEX ON c (p);
    CREATE INDEX ON p (lower(v));
    PERFORM softdelete.track_history('p');
    IF strategy = 'archive' THEN
        PERFORM softdelete.register('c', strategy => 'archive');
    END IF;
    PERFORM softdelete.register('p', strategy => CASE strategy WHEN 'flag above' THEN 'flag' ELSE strategy END, cascade => strategy <> 'archive');
    IF strategy = 'flag above' THEN
        PERFORM softdelete.configure('c', strategy => 'archive');
    END IF;
    PERFORM softdelete.set_anonymizer('p', 'v', '''x'''), softdelete.set_anonymizer('c', 'v', '''x''');
    INSERT INTO p SELECT i, 'secret' || i % 3 FROM generate_series(1, 9) i;
    INSERT INTO c SELECT i, i, 'secret' || i % 3 FROM generate_series(1, 9) i;
    COMMIT;
    IF analyzed <> 'live' THEN
        DELETE FROM p;
        COMMIT;
    END IF;
    IF analyzed = 'back' THEN
        PERFORM softdelete.undo(max(id)) FROM softdelete.deletions;
    END IF;
    COMMIT;
    ANALYZE;
    IF at = 'deleted' AND analyzed <> 'deleted' THEN
        DELETE FROM p;
    ELSIF at = 'live' AND analyzed = 'deleted' THEN
        PERFORM softdelete.undo(max(id)) FROM softdelete.deletions;
    END IF;
    COMMIT;
    EXECUTE format('SELECT count(softdelete.%s(''p'', ''request'', id)) FROM generate_series(1, 9) id', command);
    INSERT INTO outcome SELECT strategy, command, analyzed, at, string_agg(DISTINCT concat_ws('.', tablename, attname), ', ') FROM pg_stats
        WHERE schemaname = 'regress_erase_statistics' AND concat(most_common_vals::text, histogram_bounds::text) LIKE '%secret%';
    PERFORM softdelete.untrack_history('p');
    PERFORM softdelete.unregister('p', 'purge');
    PERFORM softdelete.unregister('c', 'purge');
    DROP TABLE p, c, p_history;
    COMMIT;
END $$;
SELECT format('CALL try(%L, %L, %L, %L)', s, command, analyzed, at) FROM unnest('{flag,archive,flag above}'::text[]) s,
    unnest('{erase,anonymize}'::text[]) command, unnest('{live,deleted,back}'::text[]) analyzed, unnest('{live,deleted}'::text[]) at ORDER BY 1 \gexec
SELECT count(*) AS tried, string_agg(concat_ws(' ', strategy, command, analyzed, at, found), ', ') FILTER (WHERE found IS NOT NULL) AS left_there FROM outcome;

RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_erase_statistics CASCADE;
DROP OWNED BY regress_erase_statistics;
DROP ROLE regress_erase_statistics;
