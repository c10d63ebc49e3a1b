#!/bin/sh
# DELETE on a registered table beside the hand-written UPDATE
#
# Single rows: pgbench with prepared statements, one client on a Unix socket, runs of 10,000 rows in turn; once more
# with fsync on, 2000 rows each. By hand is the UPDATE of all three columns, or of fewer. 100k rows: one statement on a
# fresh copy of the table. The table has a primary key, a unique index and an index on another column, the latter two on live rows only, and
# the two indexes of deleted rows.
# shellcheck disable=SC1091,SC2119,SC2317,SC2154,SC2034 # the functions and variables of common
. test/bench/common
configure_server

make_variants <<'SQL'
CREATE TABLE orders (id bigint PRIMARY KEY, code text NOT NULL UNIQUE, customer_id bigint NOT NULL, payload text);
CREATE INDEX ON orders (customer_id);
INSERT INTO orders SELECT i, 'code-' || i, i % 1000, repeat('x', 60) FROM generate_series(1, 200000) i;
SELECT softdelete.register('orders');
SQL

cat >"$OUT/soft.pgbench" <<'SQL'
\set id :last + 1
\set last :id
DELETE FROM orders WHERE id = :id;
SQL
cat >"$OUT/hand.pgbench" <<'SQL'
\set id :last + 1
\set last :id
UPDATE orders SET deleted_at = now() WHERE id = :id AND deleted_at IS NULL;
SQL
cat >"$OUT/same.pgbench" <<'SQL'
\set id :last + 1
\set last :id
UPDATE orders SET deleted_at = now(), deleted_by = current_user WHERE id = :id AND deleted_at IS NULL;
SQL
cat >"$OUT/exact.pgbench" <<'SQL'
\set id :last + 1
\set last :id
UPDATE orders SET deleted_at = now(), deleted_by = current_user, deletion_id = :id
    WHERE id = :id AND deleted_at IS NULL;
SQL

# Each variant deletes on from where its last run ended. `same` and `exact` have tables of their own.
measure() {
    transaction_ms "$1" "$OUT/$1.pgbench" $(($2 * count + start)) "$count"
}
recreate same hand
recreate exact hand
recreate fresh_hand hand
recreate fresh_soft soft

heading
start=0 count=8000
ROUNDS=15 interleave single hand same exact soft
report 'single row' 1.10 single exact
report 'single row, beside deleted_at and deleted_by alone' - single same
report 'single row, beside deleted_at alone' - single

psql -Xq -c "ALTER SYSTEM SET fsync = on" -c "SELECT pg_reload_conf()" >/dev/null
start=130000 count=2000
ROUNDS=15 interleave durable hand same exact soft
report 'single row, fsync on' 1.10 durable exact
report 'single row, fsync on, beside deleted_at and deleted_by alone' 1.10 durable same
report 'single row, fsync on, beside deleted_at alone' 1.10 durable
psql -Xq -c "ALTER SYSTEM RESET ALL" -c "SELECT pg_reload_conf()" >/dev/null

measure() {
    recreate run "fresh_$1"
    case $1 in
        soft) echo "DELETE FROM orders WHERE id <= 100000;" ;;
        hand) echo "UPDATE orders SET deleted_at = now(), deleted_by = current_user, deletion_id = 1
                    WHERE id <= 100000 AND deleted_at IS NULL;" ;;
    esac | milliseconds run
}
interleave bulk hand soft
report '100,000 rows' 1.05 bulk
