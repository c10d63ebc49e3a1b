#!/bin/sh
# register() on a large table whose online steps were run beforehand
#
# A table of ROWS rows (README's figure: ROWS=5000000). The steps that plan() marks online run first, as \gexec would;
# the time is register()'s, which holds the lock: the median of five new sessions. Nothing by hand stands beside it; the
# bound is 50 ms.
# shellcheck disable=SC1091,SC2119,SC2317,SC2154,SC2034 # the functions and variables of common
. test/bench/common
configure_server

ROWS=${ROWS:-1000000}
recreate run template0
run run >/dev/null <<SQL
CREATE EXTENSION softdelete;
CREATE TABLE orders (id bigint PRIMARY KEY, code text NOT NULL UNIQUE, customer_id bigint, payload text);
CREATE INDEX ON orders (customer_id);
INSERT INTO orders SELECT i, 'code-' || i, i % 1000, repeat('x', 60) FROM generate_series(1, $ROWS) i;
VACUUM ANALYZE;
SELECT command FROM softdelete.plan('orders') WHERE online ORDER BY step \gexec
CHECKPOINT;
SQL
# In new sessions: register() as it is, and the COMMIT, which removes the files of the indexes that were replaced after it
# has released the locks.
: >"$results/register"
for end in ROLLBACK ROLLBACK ROLLBACK ROLLBACK COMMIT; do
    printf '%s\n' '\timing on' 'BEGIN;' "SELECT count(*) FROM softdelete.register('orders');" "$end;" |
        psql -XAt -v ON_ERROR_STOP=1 -d run -f - 2>>"$OUT/bench.log" | awk '/^Time: / { print $2 }' >"$OUT/times"
    sed -n 2p "$OUT/times" >>"$results/register"
    commit=$(sed -n 3p "$OUT/times")
done
awk -v rows="$ROWS" -v took="$(median "$results/register")" -v commit="$commit" 'BEGIN {
    printf "register() of %d rows after its online steps: %.1f ms (bound 50)%s, COMMIT %.1f ms\n", rows, took,
        (took > 50 ? "  missed" : ""), commit
}'
