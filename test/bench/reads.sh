#!/bin/sh
# Reads of a registered table beside `deleted_at IS NULL` written by hand
#
# The same queries on the same tables, 80 % of whose rows are deleted: through the filter, and with the condition by
# hand where the extension is gone. ROWS rows; runs of EXECUTIONS executions by pgbench with the simple protocol, so that
# each is planned anew. The times are of planning and execution as a client sees them.
# shellcheck disable=SC1091,SC2119,SC2317,SC2154,SC2034 # the functions and variables of common
. test/bench/common
configure_server

ROWS=${ROWS:-200000}
EXECUTIONS=${EXECUTIONS:-1000}
make_variants <<SQL
CREATE EXTENSION pg_trgm;
CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, code text NOT NULL, note text NOT NULL,
                     attributes jsonb NOT NULL, amount numeric NOT NULL);
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON orders (code text_pattern_ops);
CREATE INDEX ON orders USING gin (note gin_trgm_ops);
CREATE INDEX ON orders USING gin (attributes jsonb_path_ops);
CREATE INDEX ON orders (amount);
SELECT softdelete.register('customers'), softdelete.register('orders');
INSERT INTO customers SELECT i, 'name ' || i FROM generate_series(1, $ROWS / 20) i;
INSERT INTO orders SELECT i, i % ($ROWS / 20) + 1, 'code-' || i, 'note ' || md5(i::text),
    jsonb_build_object('key', i % ($ROWS / 10)), i / 100.0 FROM generate_series(1, $ROWS) i;
DELETE FROM orders WHERE id % 5 <> 0;
DELETE FROM customers WHERE id % 5 <> 1;
SQL

# query NAME HAND SOFT
query() {
    printf '%s;\n' "$2" >"$OUT/hand.pgbench"
    printf '%s;\n' "$3" >"$OUT/soft.pgbench"
    ROUNDS=7 interleave read hand soft
    report "$1" - read
}
measure() {
    pgbench -n -M simple -c 1 -t "$EXECUTIONS" -f "$OUT/$1.pgbench" "$1" 2>>"$OUT/bench.log" |
        sed -n 's/^latency average = \([0-9.]*\) ms/\1/p'
}
# condition NAME CONDITION: on orders alone
condition() {
    query "$1" "SELECT id FROM orders WHERE deleted_at IS NULL AND $2" "SELECT id FROM orders WHERE $2"
}

heading
live='o.deleted_at IS NULL AND c.deleted_at IS NULL'
condition 'by primary key' "id = 12345"
condition "LIKE 'prefix%'" "code LIKE 'code-12345%'"
condition 'ILIKE, trigram index' "note ILIKE '%ab12c%'"
condition 'jsonb @>' "attributes @> '{\"key\": 1230}'"
condition 'numeric range' "amount > 100 AND amount < 101"
query 'ORDER BY LIMIT' "SELECT * FROM orders WHERE deleted_at IS NULL ORDER BY amount DESC LIMIT 20" \
    "SELECT * FROM orders ORDER BY amount DESC LIMIT 20"
query 'join by key' \
    "SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE $live AND c.id = 51" \
    "SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.id = 51"
query 'left join, condition on both tables' \
    "SELECT c.name, o.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.deleted_at IS NULL
     WHERE c.deleted_at IS NULL AND c.id < 100" \
    "SELECT c.name, o.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id WHERE c.id < 100"
EXECUTIONS=10
query 'count(*)' "SELECT count(*) FROM orders WHERE deleted_at IS NULL" "SELECT count(*) FROM orders"
query 'aggregate over a join' \
    "SELECT c.name, sum(o.amount) FROM orders o JOIN customers c ON c.id = o.customer_id WHERE $live GROUP BY 1" \
    "SELECT c.name, sum(o.amount) FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY 1"
