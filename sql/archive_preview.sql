-- preview() refuses what the DELETE refuses, and nothing else, where rows really go: in trees of tables with an archive, and
-- below rows that are marked, the server asks a key on its way, between the cascades of others.
\set VERBOSITY terse
CREATE ROLE regress_preview_owner;
CREATE SCHEMA regress_archive_preview AUTHORIZATION regress_preview_owner;
SET SESSION AUTHORIZATION regress_preview_owner;
SET search_path = regress_archive_preview;
SET client_min_messages = error;

-- A key that is asked before the cascade of another key takes the row, and one that is asked after.
CREATE TABLE tops (id int PRIMARY KEY);
CREATE TABLE rows_a (id int PRIMARY KEY, top int REFERENCES tops ON DELETE CASCADE);
CREATE TABLE rows_b (id int PRIMARY KEY, asked int REFERENCES tops, top int REFERENCES tops ON DELETE CASCADE);
CREATE TABLE rows_c (id int PRIMARY KEY, top int REFERENCES tops ON DELETE CASCADE, asked int REFERENCES tops);
CREATE TABLE rows_d (id int PRIMARY KEY, a int REFERENCES rows_a ON DELETE CASCADE, asked int REFERENCES tops DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE rows_e (id int PRIMARY KEY, a int REFERENCES rows_a ON DELETE CASCADE, asked int REFERENCES tops DEFERRABLE);
DO $$ BEGIN PERFORM softdelete.register('tops', strategy => 'archive', cascade => true); END $$;
INSERT INTO tops SELECT generate_series(1, 6);
INSERT INTO rows_a SELECT i, i FROM generate_series(1, 6) i;
INSERT INTO rows_b VALUES (1, 1, 1);
INSERT INTO rows_c VALUES (2, 2, 2);
INSERT INTO rows_d VALUES (3, 3, 3), (5, 3, 5);
INSERT INTO rows_e VALUES (4, 4, 4);
SELECT top, p.* FROM generate_series(1, 6) top, softdelete.preview('tops', top) p ORDER BY top, depth, relation::text, action;
DELETE FROM tops WHERE id = 1; -- fails
DELETE FROM tops WHERE id = 2;
DELETE FROM tops WHERE id = 3;
DELETE FROM tops WHERE id = 4; -- fails
SELECT softdelete.undo(max(id)) FROM softdelete.deletions;
DELETE FROM tops WHERE id = 5; -- fails

-- Trees of any shape: each row of the first table, asked and then deleted.
CREATE FUNCTION try_trees(tries int, OUT trees int, OUT refused int, OUT passed int, OUT differences text) LANGUAGE plpgsql AS $$
DECLARE
    actions text[] := '{CASCADE,CASCADE,CASCADE,"NO ACTION","NO ACTION",RESTRICT,"SET NULL","NO ACTION DEFERRABLE INITIALLY DEFERRED"}';
    said text;
    foreseen boolean;
    happened boolean;
    rows_foreseen bigint;
    rows_happened bigint;
    first_strategy text;
BEGIN
    refused := 0;
    passed := 0;
    FOR tree IN 1 .. tries LOOP
        trees := tree;
        said := '';
        FOR i IN 1 .. 4 LOOP
            EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY)', i);
        END LOOP;
        FOR number IN 1 .. 6 LOOP
            DECLARE
                child int := 2 + floor(random() * 3);
                parent int := 1 + floor(random() * (child - 0.5));
                command text := format('ALTER TABLE t%s ADD c%s int REFERENCES t%s ON DELETE %s', child, number, parent, actions[1 + floor(random() * 8)]);
            BEGIN
                EXECUTE command;
                said := said || command || '; ';
            END;
        END LOOP;
        first_strategy := CASE WHEN random() < 0.5 THEN 'flag' ELSE 'archive' END;
        PERFORM softdelete.register('t1', strategy => first_strategy);
        FOR i IN 2 .. 4 LOOP
            PERFORM softdelete.register(format('t%s', i)::regclass, strategy => 'archive');
        END LOOP;
        FOR i IN 1 .. 4 LOOP
            EXECUTE (SELECT format('INSERT INTO t%s SELECT %s FROM generate_series(1, 3) id', i, concat_ws(', ', 'id', string_agg('1 + floor(random() * 3)', ', ')))
                FROM pg_attribute WHERE attrelid = format('t%s', i)::regclass AND attname LIKE 'c_' AND NOT attisdropped);
        END LOOP;
        SET CONSTRAINTS ALL IMMEDIATE;
        SET CONSTRAINTS ALL DEFERRED;
        FOR root IN 1 .. 3 LOOP
            SELECT bool_or(action = 'refuse'), sum(rows) FILTER (WHERE action IN ('delete', 'cascade')) INTO foreseen, rows_foreseen FROM softdelete.preview('t1', root);
            happened := false;
            BEGIN
                DELETE FROM t1 WHERE id = root;
                SET CONSTRAINTS ALL IMMEDIATE;
                SELECT count(*) INTO rows_happened FROM (SELECT FROM deleted_t1 UNION ALL SELECT FROM deleted_t2 UNION ALL SELECT FROM deleted_t3 UNION ALL SELECT FROM deleted_t4) r;
                RAISE EXCEPTION 'back';
            EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN
                happened := true;
                refused := refused + 1;
            WHEN raise_exception THEN
                passed := passed + 1;
            END;
            IF foreseen <> happened OR NOT happened AND rows_foreseen <> rows_happened THEN
                differences := concat(differences, format(E'\n%s, row %s: foreseen %s (%s), happened %s (%s): %s', first_strategy, root, foreseen, rows_foreseen, happened, rows_happened, said));
            END IF;
        END LOOP;
        FOR i IN 1 .. 4 LOOP
            PERFORM softdelete.unregister(format('t%s', i)::regclass, 'purge');
        END LOOP;
        DROP TABLE t1, t2, t3, t4;
    END LOOP;
END $$;
SELECT setseed(0.22);
SELECT trees, refused > 10 AS refused, passed > 10 AS passed, differences FROM try_trees(25);
DROP SCHEMA regress_archive_preview CASCADE;
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_preview_owner;
DROP ROLE regress_preview_owner;
