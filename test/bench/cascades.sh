#!/bin/sh
# Cascades, undo and restore beside the hand-written UPDATEs
#
# One statement in softdelete; by hand one UPDATE per table with the same columns in one transaction (a recursive query
# for trees), or a PL/pgSQL row trigger per table. Each measurement is taken on a fresh copy of the database. Times are
# the client's, over a Unix socket. Every table has as many unrelated rows as take part.
# shellcheck disable=SC1091,SC2119,SC2317,SC2154,SC2034 # the functions and variables of common
. test/bench/common
configure_server

ROWS=${ROWS:-100000}
now="deleted_at = now(), deleted_by = current_user, deletion_id = 1"
back="deleted_at = NULL, deleted_by = NULL, deletion_id = NULL"

# make_family PARENTS CHILDREN GRANDCHILDREN: how many children each parent has, and how many each child; 0: there is
# no third table
make_family() {
    families=$1 third=
    [ "$3" != 0 ] || third=--
    make_variants <<SQL
CREATE TABLE parent (id bigint PRIMARY KEY, code text NOT NULL UNIQUE, payload text);
CREATE TABLE child (id bigint PRIMARY KEY, parent_id bigint NOT NULL REFERENCES parent ON DELETE CASCADE,
                    code text NOT NULL UNIQUE, payload text);
CREATE INDEX ON child (parent_id);
$third CREATE TABLE grandchild (id bigint PRIMARY KEY, child_id bigint NOT NULL REFERENCES child ON DELETE CASCADE, code text NOT NULL UNIQUE, payload text);
$third CREATE INDEX ON grandchild (child_id);
$third SELECT softdelete.register('grandchild');
SELECT softdelete.register('child'), softdelete.register('parent');
INSERT INTO parent SELECT i, 'p' || i, repeat('x', 60) FROM generate_series(1, 2 * $1) i;
INSERT INTO child SELECT i, (i - 1) / $2 + 1, 'c' || i, repeat('x', 60) FROM generate_series(1, 2 * $1 * $2) i;
$third INSERT INTO grandchild SELECT i, (i - 1) / $3 + 1, 'g' || i, repeat('x', 60) FROM generate_series(1, 2 * $1 * $2 * $3) i;
SQL
    if [ -z "$third" ]; then
        add_triggers parent child parent_id child grandchild child_id
    else
        add_triggers parent child parent_id
    fi
}

# add_triggers PARENT CHILD COLUMN...: the database `rows`, where PL/pgSQL row triggers cascade
add_triggers() {
    recreate rows hand
    while [ $# -gt 0 ]; do
        run rows <<SQL
CREATE FUNCTION cascade_$1() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
    UPDATE $2 SET deleted_at = NEW.deleted_at, deleted_by = NEW.deleted_by, deletion_id = NEW.deletion_id
        WHERE $3 = NEW.id AND deleted_at IS NULL;
    RETURN NULL;
END \$\$;
CREATE TRIGGER cascade_$1 AFTER UPDATE OF deleted_at ON $1 FOR EACH ROW
    WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION cascade_$1();
SQL
        shift 3
    done
}

delete_family() { # VARIANT: its SQL
    case $1 in
        soft) echo "DELETE FROM parent WHERE id <= $families;" ;;
        rows) echo "UPDATE parent SET $now WHERE id <= $families AND deleted_at IS NULL;" ;;
        hand)
            echo "BEGIN;
                UPDATE parent SET $now WHERE id <= $families AND deleted_at IS NULL;
                UPDATE child SET $now WHERE parent_id <= $families AND deleted_at IS NULL;
                $third UPDATE grandchild g SET $now FROM child c WHERE g.child_id = c.id AND c.parent_id <= $families AND g.deleted_at IS NULL;
                COMMIT;"
            ;;
    esac
}

measure() { # the deletion of a family, or of a tree, as $subject says
    recreate run "$1"
    "delete_$subject" "$1" | milliseconds run
}

heading
subject=family
for shape in "1 $ROWS 1" "$((ROWS / 2)) 1 0" "$((ROWS / 100)) 100 0" "$((ROWS / 10)) 10 0"; do
    # shellcheck disable=SC2086 # three numbers
    set -- $shape
    make_family "$1" "$2" "$3"
    interleave "family_$1" hand soft rows
    bound=1.10
    [ "$2" != 1 ] || bound=1.20
    report "$1 x $2 x $3" "$bound" "family_$1"
    report "$1 x $2 x $3, beside PL/pgSQL row triggers" 1.00 "family_$1" rows
done

# Undo of the first shape: deleted once, then copied.
make_family 1 "$ROWS" 1
for variant in hand soft; do
    recreate "deleted_$variant" "$variant"
    { delete_family "$variant"; echo 'VACUUM ANALYZE;'; } | run "deleted_$variant"
done
measure() {
    recreate run "deleted_$1"
    case $1 in
        soft) echo "SELECT softdelete.undo(1);" ;;
        hand)
            echo "BEGIN; UPDATE parent SET $back WHERE deletion_id = 1; UPDATE child SET $back WHERE deletion_id = 1;
                  UPDATE grandchild SET $back WHERE deletion_id = 1; COMMIT;"
            ;;
    esac | milliseconds run
}
interleave undo hand soft
report "undo of 1 x $ROWS x 1" 1.15 undo

# Trees of one table: 100 branches, 500 levels; then one branch, 10,000 levels.
make_tree() { # BRANCHES LEVELS
    make_variants <<SQL
CREATE TABLE node (id bigint PRIMARY KEY, parent_id bigint REFERENCES node ON DELETE CASCADE, payload text);
CREATE INDEX ON node (parent_id);
SELECT softdelete.register('node');
INSERT INTO node SELECT i, CASE WHEN i > $1 THEN i - $1 WHEN i > 1 THEN 1 END, repeat('x', 60)
    FROM generate_series(1, $1 * $2) i;
INSERT INTO node SELECT i + 1000000, NULL, repeat('x', 60) FROM generate_series(1, $1 * $2) i;
SQL
    add_triggers node node parent_id
}
tree="WITH RECURSIVE tree AS (SELECT 1::bigint AS id UNION ALL
      SELECT n.id FROM tree JOIN node n ON n.parent_id = tree.id)"
delete_tree() {
    case $1 in
        soft) echo "DELETE FROM node WHERE id = 1;" ;;
        rows) echo "SET max_stack_depth = '7MB'; UPDATE node SET $now WHERE id = 1 AND deleted_at IS NULL;" ;;
        hand) echo "$tree UPDATE node SET $now FROM tree WHERE node.id = tree.id AND deleted_at IS NULL;" ;;
    esac
}
measure() {
    recreate run "$1"
    delete_tree "$1" | milliseconds run
}
make_tree $((ROWS / 1000)) 500
interleave tree hand soft rows
report "tree of $((ROWS / 2)) rows, 500 levels" 1.10 tree
report "tree of $((ROWS / 2)) rows, 500 levels, beside PL/pgSQL" 1.00 tree rows

make_tree 1 10000
ROUNDS=3 interleave chain hand soft
report 'chain of 10,000 levels' - chain
for variant in hand soft; do
    recreate "deleted_$variant" "$variant"
    { delete_tree "$variant"; echo 'VACUUM ANALYZE;'; } | run "deleted_$variant"
done
measure() {
    recreate run "deleted_$1"
    case $1 in
        soft) echo "SELECT softdelete.restore('node', 1);" ;;
        hand) echo "$tree UPDATE node SET $back FROM tree WHERE node.id = tree.id AND deletion_id = 1;" ;;
    esac | milliseconds run
}
ROUNDS=3 interleave restore hand soft
report 'restore of the chain of 10,000 levels' - restore
