# A small family of tables with foreign keys of all kinds, random operations on them for pgbench, and what must hold of
# the rows whatever happened.
package Family;

use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;

# Makes and registers the tables in database postgres, the last one with an archive, and the function that does one operation.
sub create
{
    my ($node) = @_;
    $node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION softdelete;
CREATE TABLE a (id int PRIMARY KEY, up int REFERENCES a ON UPDATE CASCADE ON DELETE CASCADE);
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON UPDATE CASCADE ON DELETE CASCADE, code text UNIQUE);
CREATE TABLE c (id int PRIMARY KEY, b int REFERENCES b ON DELETE CASCADE, a int REFERENCES a ON UPDATE CASCADE ON DELETE CASCADE);
CREATE TABLE d (id int PRIMARY KEY, c int REFERENCES c, e int REFERENCES c DEFERRABLE INITIALLY DEFERRED) PARTITION BY HASH (id);
CREATE TABLE d0 PARTITION OF d FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE d1 PARTITION OF d FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX ON b (a);
CREATE INDEX ON c (b);
CREATE INDEX ON c (a);
CREATE INDEX ON d (c);
-- Foreign keys over partition keys, one that a single partition has, and one that references a single one.
CREATE TABLE p (part int, id int, a int REFERENCES a ON UPDATE CASCADE ON DELETE CASCADE, own int, PRIMARY KEY (part, id))
    PARTITION BY LIST (part);
CREATE TABLE p0 PARTITION OF p FOR VALUES IN (0);
CREATE TABLE p1 (own int, a int, id int NOT NULL, part int NOT NULL);
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES IN (1);
ALTER TABLE p1 ADD FOREIGN KEY (own) REFERENCES b ON DELETE CASCADE;
CREATE TABLE q (id int, part int, p int, PRIMARY KEY (id, part),
    FOREIGN KEY (part, p) REFERENCES p (part, id) ON UPDATE CASCADE ON DELETE CASCADE) PARTITION BY LIST (part);
CREATE TABLE q0 PARTITION OF q FOR VALUES IN (0);
CREATE TABLE q1 PARTITION OF q FOR VALUES IN (1);
CREATE TABLE e (id int PRIMARY KEY, d int REFERENCES d0 ON DELETE CASCADE);
CREATE INDEX ON p (a);
CREATE INDEX ON p1 (own);
CREATE INDEX ON q (p, part);
CREATE INDEX ON e (d);
SELECT count(*) FROM unnest('{a,b,c,d,p,q}'::regclass[]) t, LATERAL softdelete.register(t);
SELECT count(*) FROM softdelete.register('e', strategy => 'archive');
INSERT INTO a SELECT g, nullif(g / 3, 0) FROM generate_series(1, 30) g;
INSERT INTO b SELECT g, 1 + g % 30, 'code ' || g FROM generate_series(1, 60) g;
INSERT INTO c SELECT g, 1 + g % 60, CASE WHEN g % 2 = 0 THEN 1 + g % 30 END FROM generate_series(1, 120) g;
INSERT INTO d SELECT g, 1 + g % 120 FROM generate_series(1, 20) g;
INSERT INTO p SELECT g % 2, g, 1 + g % 30, 1 + g % 60 FROM generate_series(1, 30) g;
INSERT INTO q SELECT g, p.part, p.id FROM generate_series(1, 60) g JOIN p ON p.id = 1 + g % 30;
INSERT INTO e SELECT id, id FROM d0 ORDER BY id LIMIT 5;
CREATE SEQUENCE ids START 1000;
CREATE TABLE inserted (relation regclass, id int);
CREATE TABLE outcome (operation text, result text);

CREATE FUNCTION act(operation text, x int, y int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    new int := nextval('ids');
BEGIN
    CASE operation
        WHEN 'delete a' THEN DELETE FROM a WHERE id = x % 30 + 1;
        WHEN 'delete some a' THEN DELETE FROM a WHERE id BETWEEN x % 30 + 1 AND x % 30 + 3;
        WHEN 'delete b' THEN UPDATE b SET deleted_at = now() WHERE id = x % 60 + 1;
        WHEN 'delete c' THEN DELETE FROM c WHERE id = x % 120 + 1;
        WHEN 'delete d' THEN DELETE FROM d WHERE c % 10 = x % 10;
        WHEN 'delete p' THEN DELETE FROM p WHERE id = x % 30 + 1;
        WHEN 'insert b' THEN
            INSERT INTO b VALUES (new, x % 30 + 1, 'code ' || y % 60);
            INSERT INTO inserted VALUES ('b', new);
        WHEN 'insert c' THEN
            INSERT INTO c VALUES (new, x % 60 + 1, y % 30 + 1);
            INSERT INTO inserted VALUES ('c', new);
        WHEN 'insert d' THEN
            INSERT INTO d VALUES (new, x % 120 + 1, y % 120 + 1);
            INSERT INTO inserted VALUES ('d', new);
        WHEN 'insert p' THEN
            INSERT INTO p VALUES (x % 2, new, y % 30 + 1, x % 60 + 1);
            INSERT INTO inserted VALUES ('p', new);
        WHEN 'insert q' THEN
            INSERT INTO q VALUES (new, x % 2, y % 30 + 1);
            INSERT INTO inserted VALUES ('q', new);
        WHEN 'insert e' THEN
            WITH added AS (INSERT INTO e SELECT new, id FROM d0 ORDER BY (id * 7 + x) % 97 LIMIT 1 RETURNING id)
            INSERT INTO inserted SELECT 'e', id FROM added;
        WHEN 'point q' THEN UPDATE q SET (part, p) = (SELECT part, id FROM p WHERE id = y % 30 + 1) WHERE id = x % 60 + 1;
        -- To the other partition, with the rows below it.
        WHEN 'move p' THEN UPDATE p SET part = 1 - part WHERE id = x % 30 + 1;
        WHEN 'restore p' THEN PERFORM softdelete.restore('p', part, id) FROM all_p WHERE id = x % 30 + 1;
        WHEN 'restore q' THEN UPDATE q SET deleted_at = NULL WHERE id = x % 60 + 1;
        WHEN 'point a' THEN UPDATE a SET up = y % 30 + 1 WHERE id = x % 30 + 1;
        WHEN 'point c' THEN UPDATE c SET b = y % 60 + 1 WHERE id = x % 120 + 1;
        WHEN 'restore a' THEN PERFORM softdelete.restore('a', x % 30 + 1);
        WHEN 'restore b' THEN PERFORM softdelete.restore('b', x % 60 + 1);
        WHEN 'restore c' THEN UPDATE c SET deleted_at = NULL WHERE id = x % 120 + 1;
        WHEN 'restore d' THEN PERFORM softdelete.restore('d', x % 20 + 1);
        WHEN 'undo' THEN PERFORM softdelete.undo(d.id) FROM (
            SELECT deletion_id AS id FROM b WHERE deleted_at IS NOT NULL ORDER BY (id * 7 + x) % 97 LIMIT 1) d;
        WHEN 'rename a' THEN UPDATE a SET id = CASE WHEN id > 500 THEN id - 500 ELSE id + 500 END WHERE id % 500 = x % 30 + 1;
    END CASE;
    -- The rest may fail at COMMIT, which ends a client of pgbench for its round.
    IF x % 20 <> 0 THEN
        SET CONSTRAINTS ALL IMMEDIATE;
    END IF;
    INSERT INTO outcome VALUES (operation, 'done');
EXCEPTION
    WHEN foreign_key_violation OR restrict_violation OR unique_violation OR no_data_found OR deadlock_detected
        OR serialization_failure THEN
        INSERT INTO outcome VALUES (operation, SQLSTATE);
END $$;
SQL
    return;
}

# pgbench's arguments for the scripts.
sub scripts
{
    my ($node) = @_;
    my @operations = (
        'delete a', 'delete some a', 'delete b', 'delete c', 'delete d', 'delete p', 'insert b', 'insert c', 'insert d',
        'insert p', 'insert q', 'insert e', 'point q', 'move p', 'restore p', 'restore q', 'point a', 'point c', 'restore a', 'restore b', 'restore c', 'restore d', 'undo', 'rename a');
    my @scripts;
    my %weight = ('rename a' => 1, 'delete some a' => 2, 'delete d' => 6, 'restore a' => 8, 'undo' => 6);
    for my $operation (@operations) {
        (my $file = $node->basedir . "/$operation.sql") =~ s/ (?=[^\/]*$)/_/g;
        PostgreSQL::Test::Utils::append_to_file($file, <<"SQL");
\\set x random(1, 1000000)
\\set y random(1, 1000000)
SELECT act('$operation', :x, :y);
SQL
        push @scripts, '-f', $file . '@' . ($weight{$operation} || 4);
    }

    # Two statements of one transaction; whatever fails at COMMIT is the transaction's own affair.
    my $pair = $node->basedir . '/pair.sql';
    PostgreSQL::Test::Utils::append_to_file($pair, <<'SQL');
\set x random(1, 1000000)
\set y random(1, 1000000)
BEGIN;
SAVEPOINT s;
SELECT act('delete b', :x, :y);
ROLLBACK TO s;
SELECT act('insert c', :y, :x);
SELECT act('delete a', :y, :x);
SELECT act('restore b', :x, :y);
COMMIT;
SQL
    push @scripts, '-f', $pair . '@4';
    return @scripts;
}

# Tests of the rows; each name begins with $when.
sub check
{
    my ($node, $when) = @_;
    $when //= '';
    is($node->safe_psql('postgres', <<'SQL'), '', "${when}no live row is below a deleted one");
SELECT 'a', x.id FROM a x JOIN all_a p ON p.id = x.up WHERE p.deleted_at IS NOT NULL UNION ALL
SELECT 'b', x.id FROM b x JOIN all_a p ON p.id = x.a WHERE p.deleted_at IS NOT NULL UNION ALL
SELECT 'c', x.id FROM c x JOIN all_b p ON p.id = x.b WHERE p.deleted_at IS NOT NULL UNION ALL
SELECT 'c', x.id FROM c x JOIN all_a p ON p.id = x.a WHERE p.deleted_at IS NOT NULL UNION ALL
SELECT 'd', x.id FROM d x JOIN all_c p ON p.id = x.c WHERE p.deleted_at IS NOT NULL UNION ALL
SELECT 'd', x.id FROM d x JOIN all_c p ON p.id = x.e WHERE p.deleted_at IS NOT NULL UNION ALL
SELECT 'p', x.id FROM p x JOIN all_a p ON p.id = x.a WHERE p.deleted_at IS NOT NULL UNION ALL
SELECT 'p', x.id FROM p1 x JOIN all_b p ON p.id = x.own WHERE p.deleted_at IS NOT NULL UNION ALL
SELECT 'q', x.id FROM q x JOIN all_p p ON p.part = x.part AND p.id = x.p WHERE p.deleted_at IS NOT NULL UNION ALL
SELECT 'e', x.id FROM e x JOIN all_d p ON p.id = x.d WHERE p.deleted_at IS NOT NULL
SQL

    my $rows = "SELECT 'a' AS relation, id, deleted_at, deletion_id FROM all_a UNION ALL
        SELECT 'b', id, deleted_at, deletion_id FROM all_b UNION ALL
        SELECT 'c', id, deleted_at, deletion_id FROM all_c UNION ALL
        SELECT 'd', id, deleted_at, deletion_id FROM all_d UNION ALL
        SELECT 'p', id, deleted_at, deletion_id FROM all_p UNION ALL
        SELECT 'q', id, deleted_at, deletion_id FROM all_q UNION ALL
        SELECT 'e', id, deleted_at, deletion_id FROM all_e";
    is($node->safe_psql('postgres', "SELECT * FROM ($rows) r WHERE (deleted_at IS NULL) <> (deletion_id IS NULL)"),
        '', "${when}deleted rows are in a deletion, live ones are not");
    is($node->safe_psql('postgres', "SELECT * FROM ($rows) r WHERE deletion_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM softdelete_internal.deletion d WHERE d.id = r.deletion_id AND d.deleted_at = r.deleted_at)"),
        '', "${when}the deletion is in the log with the time that the row has");
    is($node->safe_psql('postgres', "SELECT count(*) FROM ($rows) r WHERE id < 1000"), 30 + 60 + 120 + 20 + 30 + 60 + 5, "${when}nothing is gone");
    is($node->safe_psql('postgres', "SELECT i.* FROM inserted i LEFT JOIN ($rows) r ON r.relation::regclass = i.relation
        AND r.id = i.id WHERE r.id IS NULL"), '', "${when}what was inserted is there");
    is($node->safe_psql('postgres', "SELECT d.id FROM softdelete.deletions d LEFT JOIN (
            SELECT deletion_id AS id, jsonb_object_agg('public.' || relation, n) AS rows
            FROM (SELECT deletion_id, relation, count(*) AS n FROM ($rows) r WHERE deletion_id IS NOT NULL GROUP BY 1, 2) c
            GROUP BY 1) r USING (id)
        WHERE d.rows IS DISTINCT FROM coalesce(r.rows, '{}') OR (d.restored_at IS NOT NULL AND d.rows <> '{}')"),
        '', "${when}the log counts what is there");

    # Whatever is deleted now can be looked at.
    is($node->safe_psql('postgres', "SELECT code FROM b GROUP BY code HAVING count(*) > 1"), '', "${when}unique values are unique among live rows");
    is($node->psql('postgres', 'SELECT count(*) FROM softdelete.deletions d, LATERAL softdelete.conflicts(d.id)'), 0,
        "${when}conflicts() can be asked of every deletion");
    return;
}

1;
