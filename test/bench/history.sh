#!/bin/sh
# What a history adds to writes, beside the usual row trigger and an INSERT .. SELECT of the same entries
#
# A table of ten columns. `none` has no history; `jsonb` the usual AFTER ROW trigger in PL/pgSQL, which writes to_jsonb(OLD)
# and to_jsonb(NEW) into a table with one key; `soft` softdelete.track_history(). A figure is the time that a variant adds to
# that of `none`, in ms; `hand` is an INSERT .. SELECT of the entries that `soft` has written into a table like theirs.
# shellcheck disable=SC1091,SC2119,SC2317,SC2154,SC2034 # the functions and variables of common
. test/bench/common
configure_server
ROWS=${ROWS:-100000}

cat >"$OUT/table.sql" <<SQL
CREATE TABLE orders (id bigint PRIMARY KEY, a int, b int, c int, name text, status text, note text, at timestamptz, total numeric, paid boolean);
CREATE FUNCTION make(first int, last int) RETURNS SETOF orders LANGUAGE sql AS
    'SELECT i, i % 10, i % 100, i % 1000, ''name '' || i, ''open'', ''some words about order '' || i, ''2026-01-01''::timestamptz + i * interval ''1 s'', i * 1.17, true
     FROM generate_series(first, last) i';
INSERT INTO orders SELECT * FROM make(1, $ROWS);
SQL
recreate none template0
run none <"$OUT/table.sql" >/dev/null
recreate jsonb none
run jsonb >/dev/null <<'SQL'
CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now(), actor text DEFAULT current_user,
    relation regclass, op text, old jsonb, new jsonb);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit (relation, op, new) VALUES (TG_RELID, TG_OP, to_jsonb(NEW));
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO audit (relation, op, old, new) VALUES (TG_RELID, TG_OP, to_jsonb(OLD), to_jsonb(NEW));
    ELSE
        INSERT INTO audit (relation, op, old) VALUES (TG_RELID, TG_OP, to_jsonb(OLD));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION audit();
SQL
recreate soft none
echo "CREATE EXTENSION softdelete; SELECT softdelete.track_history('orders');" | run soft >/dev/null
for variant in none jsonb soft; do echo 'VACUUM ANALYZE' | run $variant; recreate "fresh_$variant" $variant; done

statement() {
    case $shape in
        insert) echo "INSERT INTO orders SELECT * FROM make($ROWS + 1, 2 * $ROWS);" ;;
        update) echo 'UPDATE orders SET a = a + 1;' ;;
        delete) echo 'DELETE FROM orders;' ;;
    esac
}

measure() {
    if [ "$1" = hand ]; then # of the run of soft before it
        echo 'CREATE TABLE copied (LIKE orders_history); CREATE INDEX ON copied (id, history_at); CHECKPOINT' | run run >/dev/null
        echo 'INSERT INTO copied SELECT * FROM orders_history;' | milliseconds run
    else
        recreate run "fresh_$1"
        statement | milliseconds run
    fi
}

heading 'row trigger' softdelete 'added ms'
# added SHAPE BOUND NAME BASE VARIANT: of what both add to `none`, the first one's is 1
added() {
    for variant in "$4" "$5"; do
        paste "$results/$3.none" "$results/$3.$variant" | awk '{ print $2 - $1 }' >"$results/$3.added_$variant"
    done
    report "$1" "$2" "$3" "added_$4" "added_$5"
}
for shape in insert update delete; do
    # hand follows soft in each round, so that the order is not reversed
    for variant in none jsonb soft hand; do : >"$results/$shape.$variant"; done
    round=0
    while [ "$round" -lt "$ROUNDS" ]; do
        for variant in none jsonb soft hand; do measure $variant >>"$results/$shape.$variant"; done
        round=$((round + 1))
    done
    added "$shape of $ROWS rows, beside a row trigger" 0.22 "$shape" jsonb soft
    paste "$results/$shape.none" "$results/$shape.soft" | awk '{ print $2 - $1 }' >"$results/$shape.added_soft"
    report "$shape of $ROWS rows, beside INSERT .. SELECT" 1.40 "$shape" hand added_soft
done

for variant in none jsonb soft; do
    cat >"$OUT/$variant.pgbench" <<'SQL'
\set id :last + 1
\set last :id
UPDATE orders SET a = a + 1 WHERE id = :id;
SQL
done
measure() {
    transaction_ms "$1" "$OUT/$1.pgbench" $(($2 * 4000)) 4000
}
ROUNDS=9 interleave single none jsonb soft
added 'one row' 0.33 single jsonb soft

echo
recreate run fresh_jsonb
size() { echo "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE c.relkind = 'r' AND c.relname ~ '$1'" | run run; }
bytes() { # DATABASE TABLE: of an UPDATE of each row
    recreate run "fresh_$1"
    echo "INSERT INTO orders SELECT * FROM make($ROWS + 1, 2 * $ROWS)" | run run
    before=$(size "$2")
    echo "UPDATE orders SET a = a + 1 WHERE id > $ROWS" | run run
    echo $((($(size "$2") - before) / ROWS))
}
printf 'bytes for each UPDATE: jsonb %s, softdelete %s\n' "$(bytes jsonb '^audit$')" "$(bytes soft '^orders_history')"

# Twenty changes more of a thousand rows; then each look-up in a statement of its own.
run run >/dev/null <<SQL
SELECT clock_timestamp() AS middle \gset
DO \$\$ BEGIN FOR i IN 1..20 LOOP UPDATE orders SET a = a + 1 WHERE id <= 1000; COMMIT; END LOOP; END \$\$;
CREATE TABLE times AS SELECT clock_timestamp() AS last, :'middle'::timestamptz AS middle;
VACUUM ANALYZE;
SQL
lookup() { # TIME
    run run <<SQL
SELECT $1 AS wanted FROM times \gset
SELECT count(softdelete.history_at('orders', :'wanted', i)) FROM generate_series(1, 1000) i;
SELECT clock_timestamp() AS begun \gset
SELECT count(softdelete.history_at('orders', :'wanted', 1 + i % 1000)) FROM generate_series(1, 20000) i;
SELECT round(extract(epoch FROM clock_timestamp() - :'begun'::timestamptz) * 1000000 / 20000, 1);
SQL
}
printf 'a row as of a time, us: 21 changes ago %s, now %s\n' "$(lookup middle | tail -n 1)" "$(lookup last | tail -n 1)"
