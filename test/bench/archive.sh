#!/bin/sh
# The move to an archive beside the hand-written one, what comes back, and the end of a partition
#
# `hand` has the same tables and an archive of its own, as `soft` has it: WITH d AS (DELETE .. RETURNING *) INSERT .. SELECT, of a
# cascade the children first, which finds them in the order in which they lie. The children of a parent lie beside each other, as
# written with it, or each in another place, which the foreign key then has to visit one by one. Then restore by key and undo, of archives with 2 partitions and with 60. Last, purge of a partition
# whose ROWS rows have all expired, beside DELETEs of 10,000 rows each.
# shellcheck disable=SC1091,SC2119,SC2317,SC2329,SC2154,SC2034 # the functions and variables of common
. test/bench/common
configure_server
ROWS=${ROWS:-100000}
SINGLES=${SINGLES:-4000}
COMEBACKS=${COMEBACKS:-500}

# archive NAME COLUMNS FIRST LAST: by days from FIRST to LAST days from now, with the indexes that register() makes
archive() {
    cat <<SQL
CREATE TABLE $1_archive ($2, deleted_at timestamptz NOT NULL, deleted_by text, deletion_id bigint) PARTITION BY RANGE (deleted_at);
CREATE INDEX ON $1_archive (id);
CREATE INDEX ON $1_archive (deletion_id);
SELECT format('CREATE TABLE $1_archive_%s PARTITION OF $1_archive FOR VALUES FROM (%L) TO (%L)', to_char(d, 'YYYYMMDD'), d, d + interval '1 day')
    FROM generate_series(date_trunc('day', now()) + interval '$3 days', date_trunc('day', now()) + interval '$4 days', '1 day') d \gexec
SQL
}

tables() {
    cat <<SQL
SET TimeZone = 'UTC';
CREATE TABLE orders (id bigint PRIMARY KEY, payload text);
CREATE TABLE parents (id bigint PRIMARY KEY, payload text);
CREATE TABLE children (id bigint PRIMARY KEY, parent_id bigint REFERENCES parents ON DELETE CASCADE, payload text);
CREATE INDEX ON children (parent_id);
INSERT INTO orders SELECT i, repeat('x', 60) FROM generate_series(1, 2 * $ROWS) i;
INSERT INTO parents SELECT i, repeat('x', 60) FROM generate_series(1, $ROWS / 100) i;
INSERT INTO children SELECT i, 1 + (i - 1) / 100, repeat('x', 60) FROM generate_series(1, $ROWS) i;
CREATE TABLE heaps (LIKE parents INCLUDING INDEXES);
CREATE TABLE scattered (LIKE children INCLUDING INDEXES, FOREIGN KEY (parent_id) REFERENCES heaps ON DELETE CASCADE);
INSERT INTO heaps TABLE parents;
INSERT INTO scattered SELECT id, 1 + id % ($ROWS / 100), payload FROM children;
SQL
    archive orders 'id bigint, payload text' -1 1
    archive parents 'id bigint, payload text' -1 1
    archive children 'id bigint, parent_id bigint, payload text' -1 1
    archive heaps 'id bigint, payload text' -1 1
    archive scattered 'id bigint, parent_id bigint, payload text' -1 1
}

register="SELECT softdelete.register('orders', strategy => 'archive'), softdelete.register('parents', strategy => 'archive', cascade => true),
    softdelete.register('heaps', strategy => 'archive', cascade => true);"
recreate hand template0
{ tables; echo 'VACUUM ANALYZE;'; } | run hand >/dev/null
recreate soft hand
{ echo 'CREATE EXTENSION softdelete;'; echo "$register"; } | run soft >/dev/null

move() { # TABLE CONDITION
    echo "WITH d AS (DELETE FROM $1 WHERE $2 RETURNING *) INSERT INTO $1_archive SELECT d.*, now(), current_user, 1 FROM d;"
}
statement() { # VARIANT
    case "$1 $shape" in
        'hand flat') move orders "id <= $ROWS" ;;
        'soft flat') echo "DELETE FROM orders WHERE id <= $ROWS;" ;;
        'hand cascade') move children 'true' && move parents 'true' ;;
        'soft cascade') echo 'DELETE FROM parents;' ;;
        'hand scattered') move scattered 'true' && move heaps 'true' ;;
        'soft scattered') echo 'DELETE FROM heaps;' ;;
    esac
}
count() {
    echo "SELECT (SELECT count(*) FROM orders_archive) + (SELECT count(*) FROM children_archive) +
        (SELECT count(*) FROM scattered_archive);" | run run
}
measure() {
    recreate run "$1"
    statement "$1" | milliseconds run
    [ "$(count)" = "$ROWS" ] || { echo "$1: $(count) archived rows" >&2; exit 1; }
}
heading
shape=flat
interleave flat hand soft
report "DELETE of $ROWS rows" 0.90 flat
shape=cascade
interleave cascade hand soft
report "DELETE of $((ROWS / 100)) rows with 100 children each" 0.90 cascade
shape=scattered
interleave scattered hand soft
report 'the same, their children scattered' 1.10 scattered

for variant in hand soft; do
    { printf '%s\n' '\set id :last + 1' '\set last :id'
      [ $variant = hand ] && move orders 'id = :id' || echo 'DELETE FROM orders WHERE id = :id;'; } >"$OUT/$variant.pgbench"
    recreate "single_$variant" $variant
done
measure() {
    transaction_ms "single_$1" "$OUT/$1.pgbench" $(($2 * SINGLES)) "$SINGLES"
}
interleave single hand soft
report 'DELETE of one row' 1.00 single

# Archives of 2 and of 60 partitions with ROWS archived rows, of deletions of ten rows each.
for days in 2 60; do
    recreate "back_$days" template0
    { echo "CREATE EXTENSION softdelete; SET TimeZone = 'UTC'; CREATE TABLE orders (id bigint PRIMARY KEY, payload text);"
      archive orders 'id bigint, payload text' "-$((days - 1))" 0
      cat <<SQL
INSERT INTO orders_archive SELECT i, repeat('x', 60), date_trunc('day', now()) - i % $days * interval '1 day', 'ann', 1000000 + i / 10
    FROM generate_series(1, $ROWS) i;
SELECT softdelete.register('orders', strategy => 'archive');
VACUUM ANALYZE;
SQL
    } | run "back_$days" >/dev/null
done
comeback() { # NAME, statement of the number :id
    printf '%s\n' '\set id :last + 1' '\set last :id' "$2" >"$OUT/back.pgbench"
    measure() {
        transaction_ms "back_$1" "$OUT/back.pgbench" $((from + $2 * COMEBACKS)) "$COMEBACKS"
    }
    interleave "$1" 2 60
}
heading '2 partitions' '60 partitions'
from=0
comeback restore "SELECT softdelete.restore('orders', :id);"
report 'restore by key' - restore 2 60
from=$((1000000 + ROWS / 20))
comeback undo 'SELECT softdelete.undo(:id);'
report 'undo of ten rows' - undo 2 60

# A partition that has expired.
recreate purge template0
{ echo "CREATE EXTENSION softdelete; SET TimeZone = 'UTC'; CREATE TABLE orders (id bigint PRIMARY KEY, payload text);"
  archive orders 'id bigint, payload text' -10 0
  cat <<SQL
INSERT INTO orders_archive SELECT i, repeat('x', 60), date_trunc('day', now()) - interval '10 days', 'ann', NULL FROM generate_series(1, $ROWS) i;
CREATE TABLE copied AS TABLE orders_archive;
CREATE INDEX ON copied (id);
CREATE INDEX ON copied (deletion_id);
CREATE PROCEDURE hand() LANGUAGE plpgsql AS \$\$
DECLARE
    removed bigint;
BEGIN
    LOOP
        DELETE FROM copied WHERE ctid = ANY (ARRAY(SELECT ctid FROM copied WHERE deleted_at < now() - interval '5 days' LIMIT 10000));
        GET DIAGNOSTICS removed = ROW_COUNT;
        COMMIT;
        EXIT WHEN removed = 0;
    END LOOP;
END \$\$;
SELECT softdelete.register('orders', strategy => 'archive', retention => '5 days');
VACUUM ANALYZE;
SQL
} | run purge >/dev/null
measure() {
    recreate run purge
    case $1 in
        hand) echo 'CALL hand();' | milliseconds run ;;
        soft) echo "CALL softdelete.purge('orders');" | milliseconds run ;;
    esac
}
heading
interleave purge hand soft
report "purge of a partition of $ROWS rows" - purge
