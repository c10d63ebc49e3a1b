#!/bin/sh
# What tables that are not registered pay, and what inserts and updates beside registered tables pay
#
# First sessions without the library beside those that load it: pgbench's own tables (pgbench -S, and simple updates),
# and the planning of a join of six tables, in runs of one second in turn. Then inserts into a table
# that references a registered one beside the native foreign key alone, and updates of a registered table that others
# reference beside the same table where the extension is gone.
# shellcheck disable=SC1091,SC2119,SC2317,SC2329,SC2154,SC2034 # the functions and variables of common
. test/bench/common
configure_server

recreate bystander template0
pgbench -i -q -s 5 bystander >>"$OUT/bench.log" 2>&1
for table in a b c d e f; do
    echo "CREATE TABLE $table (id int PRIMARY KEY, next int); INSERT INTO $table SELECT i, i FROM generate_series(1, 100) i;"
done | run bystander
echo 'VACUUM ANALYZE;' | run bystander
echo 'EXPLAIN SELECT * FROM a JOIN b ON b.id = a.next JOIN c ON c.id = b.next JOIN d ON d.id = c.next JOIN e ON e.id = d.next JOIN f ON f.id = e.next WHERE a.id = 1;' >"$OUT/join.pgbench"

preload() { # LIBRARY for the whole server
    echo "shared_preload_libraries = '$1'" >"$OUT/data/preload.conf"
    pg_ctl -D "$OUT/data" -l "$OUT/server.log" -w -m fast restart >/dev/null
}
echo "include = 'preload.conf'" >>"$OUT/data/postgresql.conf"
preload ''

measure() {
    case $1 in hand) library= ;; soft) library=softdelete ;; esac
    # shellcheck disable=SC2086 # a list of words
    PGOPTIONS="-c session_preload_libraries=$library" pgbench -n -M prepared -c 1 -T 1 $what bystander \
        2>>"$OUT/bench.log" | sed -n 's/^latency average = \([0-9.]*\) ms/\1/p'
}
heading 'not loaded' 'loaded'
ROUNDS=11 what=-S interleave select hand soft
report 'unregistered: pgbench -S' - select
ROUNDS=11 what=-N interleave update hand soft
report 'unregistered: pgbench -N (simple update)' - update
ROUNDS=11 what="-M simple -f $OUT/join.pgbench" interleave plan hand soft
report 'unregistered: planning a join of six tables' - plan
preload softdelete

make_variants <<'SQL'
CREATE TABLE parent (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE child (id bigint PRIMARY KEY, parent_id bigint NOT NULL REFERENCES parent ON DELETE CASCADE, name text);
CREATE INDEX ON child (parent_id);
SELECT softdelete.register('child'), softdelete.register('parent');
INSERT INTO parent SELECT i, 'p' || i FROM generate_series(1, 100000) i;
SQL
printf '%s\n' '\set id :last + 1' '\set last :id' "INSERT INTO child VALUES (:id, :id % 1000 + 1, 'c');" >"$OUT/insert.pgbench"
printf '%s\n' '\set id :last + 1' '\set last :id' "UPDATE parent SET name = 'q' WHERE id = :id;" >"$OUT/change.pgbench"

measure() { transaction_ms "$1" "$OUT/insert.pgbench" $(($2 * 5000)) 5000; }
heading
ROUNDS=11 interleave insert hand soft
report 'insert of one child, beside the native foreign key' - insert
measure() { transaction_ms "$1" "$OUT/change.pgbench" $(($2 * 5000)) 5000; }
ROUNDS=11 interleave change hand soft
report 'update of one referenced row' - change
measure() {
    recreate run "$1"
    echo "INSERT INTO child SELECT i, i % 1000 + 1, 'c' FROM generate_series(1000001, 1100000) i;" | milliseconds run
}
interleave inserts hand soft
report 'insert of 100,000 children' - inserts
measure() {
    recreate run "$1"
    echo "UPDATE parent SET name = 'r';" | milliseconds run
}
interleave changes hand soft
report 'update of 100,000 referenced rows' - changes
