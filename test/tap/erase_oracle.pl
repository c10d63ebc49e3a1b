# Random lives on three levels of keys: rows are inserted, get other keys, are handed over, deleted, restored and purged, and
# their keys are given again; each table with an archive or without, with a history or without, several changes in a transaction
# or one. A model keeps to whom each row belonged after each change. Then each key is erased, and taken back: rows and entries
# of others must all be there, and of the subject none, unless not_reached names the table; and an archived row and its
# history go together.
# SOFTDELETE_SEED, SOFTDELETE_LIVES and SOFTDELETE_STEPS choose another run.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{SOFTDELETE_SEED} || 1;
my $lives = $ENV{SOFTDELETE_LIVES} || 60;
my $steps = $ENV{SOFTDELETE_STEPS} || 40;
note "SOFTDELETE_SEED=$seed SOFTDELETE_LIVES=$lives SOFTDELETE_STEPS=$steps";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION softdelete;
CREATE ROLE owner LOGIN;
CREATE SCHEMA owner AUTHORIZATION owner;
ALTER ROLE owner SET client_min_messages = error;
SQL
my @as_owner = (extra_params => [ '-U', 'owner' ]);

# n is a row's own number, which it has under each key, in the archive and in its history.
$node->safe_psql('postgres', <<'SQL', @as_owner);
CREATE SEQUENCE numbers;
CREATE TABLE findings (life int, message text);
CREATE TABLE counts (what text PRIMARY KEY, count int DEFAULT 0);
INSERT INTO counts VALUES ('erased'), ('left');
CREATE TABLE levels (relation text, strategy text, has_history boolean);
CREATE TABLE log (step int, done timestamptz, change text);
-- After each step, of each row that is there, live or marked: the one that it references, and the topmost one.
CREATE TABLE states (step int, relation text, n int, key int, parent int, root int);

CREATE FUNCTION choose(first int, last int) RETURNS int LANGUAGE sql AS 'SELECT first + floor(random() * (last - first + 1))::int';

CREATE PROCEDURE make_tables(life int) LANGUAGE plpgsql AS $$
DECLARE
    kind int := choose(1, 8);
    level record;
BEGIN
    CREATE TABLE top (id int PRIMARY KEY, n int);
    CREATE TABLE mid (id int PRIMARY KEY, up int REFERENCES top ON DELETE CASCADE ON UPDATE CASCADE, n int);
    CREATE TABLE low (id int PRIMARY KEY, up int REFERENCES mid ON DELETE CASCADE ON UPDATE CASCADE, n int);
    CREATE INDEX ON mid (up);
    CREATE INDEX ON low (up);
    TRUNCATE levels, log, states;
    INSERT INTO levels SELECT relation,
            CASE WHEN kind <= 4 OR kind IN (5, 7) AND relation = 'low' OR kind = 6 AND relation <> 'top' THEN 'archive'
                WHEN kind = 7 THEN 'flag' END,
            life % 2 = 0 OR random() < 0.7 OR kind IN (5, 6, 8) AND relation = 'top'
        FROM unnest('{low,mid,top}'::text[]) relation;
    FOR level IN SELECT * FROM levels LOOP
        IF level.strategy IS NOT NULL THEN
            PERFORM softdelete.register(level.relation::regclass, strategy => level.strategy);
        END IF;
        IF level.has_history THEN
            PERFORM softdelete.track_history(level.relation::regclass);
        END IF;
    END LOOP;
END $$;

CREATE PROCEDURE drop_tables() LANGUAGE plpgsql AS $$
DECLARE
    level record;
BEGIN
    FOR level IN SELECT * FROM levels WHERE has_history LOOP
        PERFORM softdelete.untrack_history(level.relation::regclass);
        EXECUTE format('DROP TABLE %I', level.relation || '_history');
    END LOOP;
    FOR level IN SELECT * FROM levels WHERE strategy IS NOT NULL LOOP
        PERFORM softdelete.unregister(level.relation::regclass, 'purge');
    END LOOP;
    DROP TABLE top, mid, low CASCADE;
    DROP TABLE IF EXISTS top_archive, mid_archive, low_archive;
END $$;

CREATE FUNCTION draw_change() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    dice int := choose(1, 20);
    key int := choose(1, 3);
    relation text := (ARRAY['top', 'mid', 'low'])[choose(1, 3)];
BEGIN
    RETURN CASE
        WHEN dice <= 3 THEN format('INSERT INTO top VALUES (%s, nextval(''numbers''))', key)
        WHEN dice <= 6 THEN format('INSERT INTO mid SELECT %s, id, nextval(''numbers'') FROM top ORDER BY random() LIMIT 1', key)
        WHEN dice <= 9 THEN format('INSERT INTO low SELECT %s, id, nextval(''numbers'') FROM mid ORDER BY random() LIMIT 1', key)
        WHEN dice = 10 THEN format('UPDATE top SET id = %s WHERE id = %s', choose(1, 3), key)
        WHEN dice = 11 THEN format('UPDATE mid SET id = %s WHERE id = %s', choose(1, 3), key)
        WHEN dice = 12 THEN format('UPDATE mid SET up = (SELECT id FROM top ORDER BY random() LIMIT 1) WHERE id = %s', key)
        WHEN dice = 13 THEN format('UPDATE low SET up = (SELECT id FROM mid ORDER BY random() LIMIT 1) WHERE id = %s', key)
        WHEN dice = 14 THEN format('DELETE FROM top WHERE id = %s', key)
        WHEN dice <= 16 THEN format('DELETE FROM mid WHERE id = %s', key)
        WHEN dice <= 18 THEN format('DELETE FROM low WHERE id = %s', key)
        WHEN dice = 19 THEN format('SELECT softdelete.restore(%L, %s)', relation, key)
        ELSE 'purge ' || relation
    END;
END $$;

-- Whether it was possible: a key may be taken, or there may be no such row.
CREATE FUNCTION try_change(change text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    count bigint;
BEGIN
    EXECUTE change;
    GET DIAGNOSTICS count = ROW_COUNT;
    RETURN count > 0;
EXCEPTION WHEN unique_violation OR not_null_violation OR foreign_key_violation OR no_data_found
    OR object_not_in_prerequisite_state OR undefined_object OR wrong_object_type THEN
    RETURN false;
END $$;

CREATE PROCEDURE keep_state(step int) LANGUAGE plpgsql SET softdelete.visibility = 'all' AS $$ BEGIN
    INSERT INTO states
        SELECT step, 'top', n, id, NULL, n FROM top
        UNION ALL SELECT step, 'mid', m.n, m.id, t.n, t.n FROM mid m JOIN top t ON t.id = m.up
        UNION ALL SELECT step, 'low', l.n, l.id, m.n, t.n FROM low l JOIN mid m ON m.id = l.up JOIN top t ON t.id = m.up;
END $$;

CREATE PROCEDURE live(life int, steps int) LANGUAGE plpgsql AS $$
DECLARE
    change text;
    purged text;
    is_done boolean;
BEGIN
    PERFORM setseed((life % 1000000) / 1000000.0);
    CALL make_tables(life);
    COMMIT;
    FOR step IN 1 .. steps LOOP
        change := draw_change();
        IF change LIKE 'purge %' THEN
            purged := substr(change, 7);
            is_done := EXISTS (SELECT FROM levels WHERE relation = purged AND strategy IS NOT NULL);
            IF is_done THEN
                COMMIT;
                PERFORM softdelete.configure(purged::regclass, retention => '1 microsecond');
                COMMIT;
                CALL softdelete.purge(purged::regclass);
                COMMIT;
                PERFORM softdelete.configure(purged::regclass, keep_forever => true);
            END IF;
        ELSE
            is_done := try_change(change);
        END IF;
        CONTINUE WHEN NOT is_done;
        INSERT INTO log VALUES (step, clock_timestamp(), change);
        CALL keep_state(step);
        IF life % 3 > 0 OR random() < 0.4 THEN
            COMMIT;
        END IF;
    END LOOP;
    COMMIT;
END $$;

-- All that is kept of rows: in the table, its archive and its history.
CREATE FUNCTION read_kept() RETURNS TABLE (place text, relation text, n int, at timestamptz, arrives boolean, id int, up int) LANGUAGE plpgsql AS $$
DECLARE
    level record;
    parent text;
BEGIN
    FOR level IN SELECT * FROM levels LOOP
        parent := CASE level.relation WHEN 'top' THEN 'NULL::int' ELSE 'up' END;
        RETURN QUERY EXECUTE format('SELECT ''table'', %1$L, n, NULL::timestamptz, false, id, %2$s FROM %3$I', level.relation, parent,
            CASE level.strategy WHEN 'flag' THEN 'all_' ELSE '' END || level.relation);
        IF level.strategy = 'archive' THEN
            RETURN QUERY EXECUTE format('SELECT ''archive'', %1$L, n, deleted_at, false, id, %2$s FROM %1$I_archive', level.relation, parent);
        END IF;
        IF level.has_history THEN
            RETURN QUERY EXECUTE format('SELECT ''history'', %1$L, n, history_at, history_kind IN (''I'', ''K''), id, %2$s FROM %1$I_history',
                level.relation, parent);
        END IF;
    END LOOP;
END $$;

-- To whom each belonged: then, in the end, and by what became of the row above it. is_told: is all recorded that leads there? Where
-- nothing is, the row that has a key now, or left first, is taken for the one that had it.
CREATE VIEW judged AS
    WITH last AS (SELECT DISTINCT ON (s.relation, s.n) * FROM states s ORDER BY s.relation, s.n, s.step DESC)
    SELECT k.*, coalesce(was.root, l.root) AS root_then, l.root AS root_last,
        CASE k.relation WHEN 'low' THEN above.root ELSE l.root END AS root_above,
        NOT EXISTS (SELECT FROM levels v WHERE NOT v.has_history AND v.relation <> k.relation AND v.relation <> 'low' AND k.relation <> 'top'
            AND (v.strategy IS DISTINCT FROM 'archive'
                OR EXISTS (SELECT FROM log WHERE change = 'purge ' || v.relation OR change LIKE 'UPDATE ' || v.relation || ' SET id%'))) AS is_told,
        (SELECT bool_and(has_history) FROM levels WHERE relation <> 'low') AS is_found
    FROM read_kept() k
    JOIN last l USING (relation, n)
    LEFT JOIN last above ON above.relation = 'mid' AND above.n = l.parent
    LEFT JOIN LATERAL (
        SELECT s.root FROM states s JOIN log g USING (step)
        WHERE s.relation = k.relation AND s.n = k.n AND k.place = 'history' AND (g.done >= k.at) = k.arrives
        ORDER BY CASE WHEN k.arrives THEN s.step ELSE -s.step END LIMIT 1) AS was ON true;

CREATE PROCEDURE verify(life int) LANGUAGE plpgsql AS $$
DECLARE
    entry jsonb;
    subjects int[];
    found text[] := '{}';
    gone int;
    kept int;
BEGIN
    CREATE TEMP TABLE before AS SELECT row_number() OVER () AS number, * FROM judged;
    FOR wanted IN 1 .. 3 LOOP
        subjects := ARRAY(SELECT l.n FROM (SELECT DISTINCT ON (s.n) s.n, s.key FROM states s WHERE s.relation = 'top' ORDER BY s.n, s.step DESC) l
            WHERE l.key = wanted);
        BEGIN
            entry := softdelete.erase('top', 'request', VARIADIC ARRAY[wanted::text]);
            CREATE TEMP TABLE after AS
            SELECT b.*, coalesce(root_then = ANY (subjects), false) AS was_its, coalesce(root_last = ANY (subjects), false) AS is_its,
                coalesce(root_above = ANY (subjects), false) AS is_below,
                EXISTS (SELECT FROM read_kept() k WHERE (k.place, k.relation, k.n, k.arrives, k.id) = (b.place, b.relation, b.n, b.arrives, b.id)
                    AND k.at IS NOT DISTINCT FROM b.at AND k.up IS NOT DISTINCT FROM b.up) AS is_left,
                EXISTS (SELECT FROM jsonb_array_elements_text(entry -> 'not_reached') t
                    WHERE t LIKE format('%%.%s\_%s that%%', b.relation, b.place)) AS is_said
            FROM before b;
            found := found || ARRAY(
                SELECT format('key %s of %s, %s: %s', wanted, subjects,
                    CASE WHEN is_left THEN 'left' ELSE 'taken' END, concat_ws(' ', place, relation, 'id', id, 'up', up, 'n', n, 'of', root_then, root_last, root_above))
                FROM after
                WHERE NOT is_left AND is_told AND NOT was_its AND NOT is_its AND NOT is_below
                   OR is_left AND is_found AND NOT is_said AND (was_its OR is_its AND place <> 'history')
                UNION ALL
                SELECT format('key %s of %s: archive and history of %s %s disagree', wanted, subjects, a.relation, a.n)
                FROM after a JOIN after h USING (relation, n)
                WHERE a.place = 'archive' AND h.place = 'history' AND NOT h.arrives AND a.is_left <> h.is_left AND a.is_told
                  AND h.at = (SELECT max(o.at) FROM before o WHERE o.place = 'history' AND (o.relation, o.n) = (h.relation, h.n)));
            SELECT count(*) FILTER (WHERE NOT is_left), count(*) FILTER (WHERE is_left) INTO gone, kept FROM after WHERE place <> 'table';
            RAISE EXCEPTION SQLSTATE 'ZZ001';
        EXCEPTION
            WHEN SQLSTATE 'ZZ001' THEN
                UPDATE counts SET count = count + CASE what WHEN 'erased' THEN gone ELSE kept END;
            WHEN no_data_found THEN
                NULL; -- there is nothing under the key
        END;
    END LOOP;
    DROP TABLE before;
    INSERT INTO findings SELECT life, unnest(found);
END $$;

CREATE PROCEDURE run(first int, lives int, steps int) LANGUAGE plpgsql AS $$
BEGIN
    FOR life IN first .. first + lives - 1 LOOP
        CALL live(life, steps);
        CALL verify(life);
        COMMIT;
        EXIT WHEN lives = 1;
        CALL drop_tables();
        COMMIT;
    END LOOP;
END $$;
SQL

$node->safe_psql('postgres', "CALL run($seed, $lives, $steps)", @as_owner, timeout => 600);
is($node->safe_psql('postgres', 'SELECT * FROM findings ORDER BY life LIMIT 20', @as_owner), '',
    'the rows of the subject are gone, and no others');
cmp_ok($node->safe_psql('postgres', "SELECT count FROM counts WHERE what = 'erased'", @as_owner), '>', $lives, 'rows were erased');
cmp_ok($node->safe_psql('postgres', "SELECT count FROM counts WHERE what = 'left'", @as_owner), '>', $lives, 'rows were left');
note $node->safe_psql('postgres', 'SELECT * FROM counts', @as_owner);
if ($lives == 1) {
    note $node->safe_psql('postgres', 'TABLE levels; SELECT step, change FROM log ORDER BY step; TABLE judged', @as_owner);
}

$node->stop;
done_testing();
