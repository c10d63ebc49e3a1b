#!/bin/sh
# DDL on tables that are not registered, in databases with the extension
#
# Tables are created, altered and dropped, by one kind of statement after the other, in a database without the extension, in
# one where it is installed and nothing is registered, and in two where one and fifty other tables are registered. A figure
# is the processor time of the session, which Linux counts in nanoseconds. The bound holds for creating and altering.
# With INSTRUCTIONS=1 it is thousands of instructions per statement under valgrind, which no other work on the machine disturbs: each
# kind runs twice, with 10 tables and with TABLES more, in a server that runs under callgrind.
# shellcheck disable=SC1091,SC2034,SC2119,SC2154 # the functions and variables of common
. test/bench/common
configure_server

TABLES=${TABLES:-$([ -n "${INSTRUCTIONS:-}" ] && echo 40 || echo 1000)}
KINDS='create add_column set_not_null add_unique create_index drop_column drop_table'

make_database() { # NAME REGISTERED; - is without the extension
    recreate "$1" template0
    {
        [ "$2" = - ] || echo 'CREATE EXTENSION softdelete;'
        for other in $(seq 50); do echo "CREATE TABLE other$other (id int PRIMARY KEY, name text UNIQUE, a int);"; done
        [ "$2" = - ] || for other in $(seq "$2"); do echo "SELECT softdelete.register('other$other');"; done
        echo 'VACUUM ANALYZE;'
    } | run "$1" >/dev/null
}

statement() { # KIND TABLE
    case $1 in
    create) echo "CREATE TABLE $2 (id int PRIMARY KEY, name text, a int);" ;;
    add_column) echo "ALTER TABLE $2 ADD COLUMN b int DEFAULT 1;" ;;
    set_not_null) echo "ALTER TABLE $2 ALTER COLUMN a SET NOT NULL;" ;;
    add_unique) echo "ALTER TABLE $2 ADD CONSTRAINT $2_a UNIQUE (a);" ;;
    create_index) echo "CREATE INDEX $2_b ON $2 (b);" ;;
    drop_column) echo "ALTER TABLE $2 DROP COLUMN name;" ;;
    drop_table) echo "DROP TABLE $2;" ;;
    esac
}

statements() { # KIND FIRST LAST
    for number in $(seq "$2" "$3"); do statement "$1" "t$number"; done
}

cpu() { # DATABASE, SQL on standard input: microseconds
    used="split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint / 1000"
    { echo "SELECT count(*) FROM pg_class; SELECT $used AS before \\gset"; cat; echo "SELECT $used - :before;"; } |
        run "$1" | tail -n 1
}

instructions() { # DATABASE, SQL on standard input
    { echo "SELECT pg_backend_pid() \\g $OUT/pid"; cat; } | run "$1"
    counts=$OUT/callgrind.$(tr -d ' ' <"$OUT/pid")
    until grep -q '^totals:' "$counts" 2>/dev/null; do sleep 0.2; done
    awk '/^totals:/ { print $2 }' "$counts"
}

if [ -n "${INSTRUCTIONS:-}" ]; then
    ROUNDS=1
    measure_kind() { # DATABASE KIND
        few=$(statements "$2" 1 10 | instructions "$1")
        many=$(statements "$2" 11 $((TABLES + 20)) | instructions "$1")
        echo $(((many - few) / TABLES / 1000)) >>"$results/$2.$1"
    }
else
    measure_kind() {
        statements "$2" 1 "$TABLES" | cpu "$1" >>"$results/$2.$1"
    }
fi

measure() { # DATABASE
    for kind in $KINDS; do measure_kind "$1" "$kind"; done
}

make_database hand -
make_database none 0
make_database one 1
make_database fifty 50
for kind in $KINDS; do rm -f "$results/$kind".*; done
if [ -n "${INSTRUCTIONS:-}" ]; then
    pg_ctl -D "$OUT/data" -m fast -w stop >/dev/null
    valgrind -q --tool=callgrind --callgrind-out-file="$OUT/callgrind.%p" \
        "$BINDIR/postgres" -D "$OUT/data" >"$OUT/valgrind.log" 2>&1 &
    trap 'kill -QUIT $!' EXIT
    until psql -XqAt -d postgres -c 'SELECT 1' >/dev/null 2>&1; do sleep 0.5; done
    heading without with k
else
    heading without with us
fi
interleave rounds hand none one fifty
for kind in $KINDS; do
    bound=1.05
    [ "$kind" != drop_table ] || bound=-
    report "$kind, nothing registered" $bound "$kind" hand none
    report "$kind, one registered" $bound "$kind" hand one
    report "$kind, fifty registered" $bound "$kind" hand fifty
done
