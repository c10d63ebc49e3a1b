#!/bin/sh
# A parent with one, ten or a hundred children, one deletion per transaction
#
# pgbench with prepared statements, one client on a Unix socket, runs of COUNT deletions in turn. By hand: BEGIN, two
# UPDATEs and COMMIT, sent one by one and as one pipeline; or one UPDATE and a PL/pgSQL row trigger. None of these keeps
# a log of deletions; `logged` is the row trigger with a row in one.
# shellcheck disable=SC1091,SC2119,SC2317,SC2154,SC2034 # the functions and variables of common
. test/bench/common
configure_server
ROUNDS=41

next='\set id :last + 1
\set last :id'
now="deleted_at = now(), deleted_by = current_user, deletion_id = :id"
parent="UPDATE parent SET $now WHERE id = :id AND deleted_at IS NULL;"
logged="WITH log AS (INSERT INTO log (relation, deleted_at, deleted_by) VALUES ('parent'::regclass, now(), current_user)
    RETURNING id) UPDATE parent SET deleted_at = now(), deleted_by = current_user, deletion_id = log.id FROM log
    WHERE parent.id = :id AND parent.deleted_at IS NULL;"
child="UPDATE child SET $now WHERE parent_id = :id AND deleted_at IS NULL;"
printf '%s\n' "$next" 'DELETE FROM parent WHERE id = :id;' >"$OUT/soft.pgbench"
printf '%s\n' "$next" "$parent" >"$OUT/rows.pgbench"
printf '%s\n' "$next" "$logged" >"$OUT/logged.pgbench"
printf '%s\n' "$next" 'BEGIN;' "$parent" "$child" 'COMMIT;' >"$OUT/hand.pgbench"
printf '%s\n' "$next" '\startpipeline' 'BEGIN;' "$parent" "$child" 'COMMIT;' '\endpipeline' >"$OUT/pipeline.pgbench"

measure() { transaction_ms "$1" "$OUT/$1.pgbench" $(($2 * COUNT)) "$COUNT"; }

make_family() { # CHILDREN
    make_variants <<SQL
CREATE TABLE parent (id bigint PRIMARY KEY, code text NOT NULL UNIQUE, payload text);
CREATE TABLE child (id bigint PRIMARY KEY, parent_id bigint NOT NULL REFERENCES parent ON DELETE CASCADE,
                    code text NOT NULL UNIQUE, payload text);
CREATE INDEX ON child (parent_id);
SELECT softdelete.register('child'), softdelete.register('parent');
INSERT INTO parent SELECT i, 'p' || i, repeat('x', 60) FROM generate_series(1, $ROUNDS * $COUNT) i;
INSERT INTO child SELECT i, (i - 1) / $1 + 1, 'c' || i, repeat('x', 60) FROM generate_series(1, $ROUNDS * $COUNT * $1) i;
SQL
    recreate pipeline hand
    recreate rows hand
    run rows <<'SQL'
CREATE FUNCTION cascade_parent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE child SET deleted_at = NEW.deleted_at, deleted_by = NEW.deleted_by, deletion_id = NEW.deletion_id
        WHERE parent_id = NEW.id AND deleted_at IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER cascade_parent AFTER UPDATE OF deleted_at ON parent FOR EACH ROW
    WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION cascade_parent();
SQL
    recreate logged rows
    run logged <<'SQL'
CREATE TABLE log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, relation oid NOT NULL,
                  deleted_at timestamptz NOT NULL, deleted_by text NOT NULL, reason text);
SQL
}

compare() { # CHILDREN DELETIONS_PER_RUN
    COUNT=$2
    make_family "$1"
    interleave small hand pipeline soft rows logged
    report "1 x $1 per transaction" 1.10 small
    report "1 x $1 per transaction, beside one pipeline" - small pipeline
    report "1 x $1 per transaction, beside PL/pgSQL row triggers" 1.00 small rows
    report "1 x $1 per transaction, beside row triggers that log" 1.00 small logged
}

heading
compare 1 1500
compare 10 1000
compare 100 200
