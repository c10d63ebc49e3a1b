#!/bin/sh
# DDL on tables that are not registered, in a database with the extension
#
# A thousand tables are created, altered and dropped in a database without the extension and in one where it is installed
# and another table is registered, so that its event triggers fire. The bound holds for creating and altering.
# shellcheck disable=SC1091,SC2119,SC2317,SC2154,SC2034 # the functions and variables of common
. test/bench/common
configure_server

TABLES=${TABLES:-1000}
recreate soft template0
run soft >/dev/null <<SQL
CREATE EXTENSION softdelete;
CREATE TABLE registered (id int PRIMARY KEY, name text UNIQUE);
SELECT softdelete.register('registered');
SQL
recreate hand template0
echo 'CREATE TABLE registered (id int PRIMARY KEY, name text UNIQUE);' | run hand

for table in $(seq "$TABLES"); do
    echo "CREATE TABLE t$table (id int PRIMARY KEY, name text, a int);" >&3
    echo "ALTER TABLE t$table ADD COLUMN b int DEFAULT 1, ALTER COLUMN a SET NOT NULL;" >&4
    echo "ALTER TABLE t$table DROP COLUMN name;" >&4
    echo "ALTER TABLE t$table ADD CONSTRAINT t${table}_a UNIQUE (a);" >&4
    echo "DROP TABLE t$table;" >&5
done 3>"$OUT/create.sql" 4>"$OUT/alter.sql" 5>"$OUT/drop.sql"

# One round creates, alters and drops; each kind has a file of its own.
measure() {
    milliseconds "$1" <"$OUT/create.sql"
    milliseconds "$1" <"$OUT/alter.sql" >>"$results/alter.$1"
    milliseconds "$1" <"$OUT/drop.sql" >>"$results/drop.$1"
}
rm -f "$results/alter.hand" "$results/alter.soft" "$results/drop.hand" "$results/drop.soft"
heading 'without' 'with'
interleave create hand soft
report "create $TABLES tables" 1.05 create
report "alter them three times" 1.05 alter
report "drop them" - drop
