#!/bin/sh
# purge() beside the batched DELETE that one writes by hand
#
# All of ROWS rows and their ROWS children are due. By hand: a procedure that deletes children, then parents, 10,000 by
# ctid and COMMIT, as fast as it gets (`hand`) and with FOR UPDATE SKIP LOCKED, as production needs it (`careful`).
# The parent has a primary key and two more indexes, the child an index on its CASCADE key; both those of deleted rows.
# Then 10,000 due rows among more and more live ones (LIVES). Last, what clients that update live rows notice of a
# purge, without a delay and with that of the background worker; the purge has to last longer than they do.
# shellcheck disable=SC1091,SC2119,SC2317,SC2329,SC2154,SC2034 # the functions and variables of common
. test/bench/common
configure_server
ROWS=${ROWS:-1000000}
LIVES=${LIVES:-100000 1000000}

by_hand() { # NAME, the end of the inner SELECT
    cat <<SQL
CREATE PROCEDURE $1() LANGUAGE plpgsql AS \$\$
DECLARE
    removed bigint;
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['lines', 'orders'] LOOP
        LOOP
            EXECUTE format('DELETE FROM %I WHERE ctid = ANY (ARRAY(SELECT ctid FROM %I WHERE deleted_at < '
                'now() - interval ''90 days'' LIMIT 10000 $2))', name, name);
            GET DIAGNOSTICS removed = ROW_COUNT;
            COMMIT;
            EXIT WHEN removed = 0;
        END LOOP;
    END LOOP;
END \$\$;
SQL
}

tables() { # LIVE DUE
    cat <<SQL
CREATE TABLE orders (id bigint PRIMARY KEY, code text NOT NULL UNIQUE, customer_id bigint NOT NULL, payload text);
CREATE INDEX ON orders (customer_id);
CREATE TABLE lines (id bigint PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders ON DELETE CASCADE);
CREATE INDEX ON lines (order_id);
SELECT softdelete.register('orders', cascade => true, retention => '90 days');
INSERT INTO orders (id, code, customer_id, payload, deleted_at)
    SELECT i, 'code-' || i, i % 1000, repeat('x', 60), CASE WHEN i > $1 THEN now() - interval '100 days' END
    FROM generate_series(1, $1 + $2) i;
INSERT INTO lines (id, order_id, deleted_at)
    SELECT i, i, CASE WHEN i > $1 THEN now() - interval '100 days' END FROM generate_series(1, $1 + $2) i;
VACUUM orders, lines;
SQL
}

{ tables 100000 "$ROWS"; by_hand hand ''; by_hand careful 'FOR UPDATE SKIP LOCKED'; } | make_variants
recreate fresh_soft soft
recreate fresh_hand hand

measure() {
    case $1 in
        soft) recreate run fresh_soft && echo 'CALL softdelete.purge();' >"$OUT/call.sql" ;;
        *) recreate run fresh_hand && echo "CALL $1();" >"$OUT/call.sql" ;;
    esac
    milliseconds run <"$OUT/call.sql"
    left=$(echo "SELECT count(*) FROM lines WHERE id > 100000;" | run run)
    [ "$left" = 0 ] || { echo "$1 left $left rows" >&2; tail -5 "$OUT/bench.log" >&2; exit 1; }
}
heading
interleave purge hand careful soft
report "$ROWS due rows with a child each" 1.00 purge
report "$ROWS due rows, beside FOR UPDATE SKIP LOCKED" 1.00 purge careful

# The same 10,000 due rows, whatever is live.
measure() {
    recreate run "live_$1"
    echo 'CALL softdelete.purge();' | milliseconds run
}
for live in $LIVES; do
    recreate "live_$live" template0
    { echo 'CREATE EXTENSION softdelete;'; tables "$live" 10000; echo 'ANALYZE;'; } | run "live_$live" >/dev/null
done
first=${LIVES%% *}
heading "$first live" 'more live'
# shellcheck disable=SC2086 # a list
interleave flat $LIVES
for live in $LIVES; do
    [ "$live" = "$first" ] || report "10,000 due rows among $live live ones" 1.10 flat "$first" "$live"
done

# Two clients that update live rows, as many as keep two processors busy, alone and beside a purge.
cat >"$OUT/update.pgbench" <<'SQL'
\set id random(1, 100000)
UPDATE orders SET payload = repeat('y', 60) WHERE id = :id;
SQL
measure() {
    recreate run fresh_soft
    case $1 in
        beside) psql -Xq -d run -c "CALL softdelete.purge(delay => '$delay')" 2>>"$OUT/bench.log" & ;;
    esac
    pgbench -n -M prepared -c 2 -j 2 -T "$WINDOW" -f "$OUT/update.pgbench" run 2>>"$OUT/bench.log" |
        sed -n 's/^latency average = \([0-9.]*\) ms/\1/p'
    left=$(echo 'SELECT count(*) FROM deleted_orders;' | run run)
    [ "$1 $left" != 'beside 0' ] || echo 'the purge ended before the clients did: take more ROWS' >&2
    psql -Xq -d run -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^CALL' AND datname = 'run'" >/dev/null
    wait
}
heading alone 'beside purge'
for delay in '0' '500 ms'; do
    # Without a delay a purge of a million rows takes seconds.
    [ "$delay" = 0 ] && WINDOW=2 || WINDOW=20
    interleave clients alone beside
    [ "$delay" = 0 ] && bound=- || bound=1.05
    report "update of a live row, purge with delay => '$delay'" "$bound" clients alone beside
done
