#!/bin/sh
# Private memory of a cascade to 1,000,000 children whose keys are all collected for the next level
#
# RssAnon of the backend before and after the DELETE, its highest value while it runs by sampling every 50 ms. The keys
# are bigint. Linux only.
# shellcheck disable=SC1091,SC2119,SC2317,SC2154,SC2034 # the functions and variables of common
. test/bench/common
configure_server

KEYS=${KEYS:-1000000}
make_variants <<SQL
CREATE TABLE parent (id bigint PRIMARY KEY);
CREATE TABLE child (id bigint PRIMARY KEY, parent_id bigint NOT NULL REFERENCES parent ON DELETE CASCADE);
CREATE TABLE grandchild (id bigint PRIMARY KEY, child_id bigint NOT NULL REFERENCES child ON DELETE CASCADE);
CREATE INDEX ON child (parent_id);
CREATE INDEX ON grandchild (child_id);
SELECT softdelete.register('grandchild'), softdelete.register('child'), softdelete.register('parent');
INSERT INTO parent SELECT generate_series(1, 2);
INSERT INTO child SELECT i, 1 FROM generate_series(1, $KEYS) i;
INSERT INTO grandchild VALUES (1, 1);
SQL

private_memory() { awk '/^RssAnon:/ { print $2 }' "/proc/$1/status" 2>/dev/null; }

mkfifo "$OUT/session"
psql -XqAt -d soft -f "$OUT/session" >"$OUT/answers" 2>>"$OUT/bench.log" &
exec 3>"$OUT/session"
echo 'SELECT pg_backend_pid();' >&3
until [ -s "$OUT/answers" ]; do sleep 0.1; done
backend=$(cat "$OUT/answers")
before=$(private_memory "$backend")
echo "DELETE FROM parent WHERE id = 1; SELECT 'finished';" >&3
peak=$before
until grep -q finished "$OUT/answers"; do
    now=$(private_memory "$backend")
    [ "${now:-0}" -le "$peak" ] || peak=$now
    sleep 0.05
done
exec 3>&-
wait
awk -v keys="$KEYS" -v grown=$((peak - before)) 'BEGIN {
    printf "%d collected keys: %.1f MB of private memory (bound 64)%s\n", keys, grown / 1024, (grown > 65536 ? "  missed" : "")
}'
