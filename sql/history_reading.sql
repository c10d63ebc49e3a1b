-- To show a history takes work in proportion to its entries, and shows each change with the row on both of its sides.
CREATE ROLE regress_proportion;
CREATE SCHEMA regress_proportion AUTHORIZATION regress_proportion;
SET SESSION AUTHORIZATION regress_proportion;
SET search_path = regress_proportion;
CREATE TABLE t (id int PRIMARY KEY, n int);
SELECT softdelete.track_history('t');
INSERT INTO t SELECT i, 0 FROM generate_series(1, 20) i;

-- Many changes of a row in many transactions, in one, and in one together with those of others; and many changes of its key.
CREATE PROCEDURE change(times int, condition text, commits boolean) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. times LOOP
        EXECUTE 'UPDATE t SET n = n + 1 WHERE ' || condition;
        IF commits THEN
            COMMIT;
        END IF;
    END LOOP;
END $$;
CALL change(300, 'id = 1', true);
CALL change(300, 'id = 2', false);
CALL change(20, 'true', false);
CREATE PROCEDURE change_key(times int, commits boolean) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. times LOOP
        UPDATE t SET id = 1000 - id WHERE id IN (400, 600);
        IF commits THEN
            COMMIT;
        END IF;
    END LOOP;
END $$;
INSERT INTO t VALUES (400, 0);
CALL change_key(100, true);

-- How many entries a query has fetched, beside how many there are.
BEGIN;
SELECT coalesce(sum(idx_tup_fetch), 0) AS before FROM pg_stat_xact_user_tables WHERE relname LIKE 't_history%' \gset
SELECT count(*) AS entries, count(*) FILTER (WHERE (new ->> 'n')::int = (old ->> 'n')::int + 1) AS counted_on,
    count(*) FILTER (WHERE (new ->> 'id')::int = 1000 - (old ->> 'id')::int) AS new_keys
    FROM softdelete.history WHERE relation = 't'::regclass;
SELECT sum(idx_tup_fetch) - :before < 20 * 1121 AS in_proportion FROM pg_stat_xact_user_tables WHERE relname LIKE 't_history%';
COMMIT;
BEGIN;
SELECT coalesce(sum(idx_tup_fetch), 0) AS before FROM pg_stat_xact_user_tables WHERE relname LIKE 't_history%' \gset
SELECT count(*) AS entries FROM softdelete.history_of('t', 400);
SELECT sum(idx_tup_fetch) - :before < 5 * 101 AS in_proportion FROM pg_stat_xact_user_tables WHERE relname LIKE 't_history%';
COMMIT;
SELECT kind, diff FROM softdelete.history_of('t', 3) OFFSET 15;

-- To ask for a table that has no history leaves nothing in memory, however often.
CREATE TABLE plain (id int PRIMARY KEY);
BEGIN;
SELECT count(e) AS entries FROM generate_series(1, 200) i LEFT JOIN LATERAL softdelete_internal.history_entries(CASE WHEN i > 0 THEN 'plain'::regclass END) e ON true;
RESET SESSION AUTHORIZATION;
SELECT count(*) < 5 AS is_free FROM pg_backend_memory_contexts WHERE name = 'softdelete tracked table';
COMMIT;
SET client_min_messages = warning;
DROP OWNED BY regress_proportion;
DROP ROLE regress_proportion;
