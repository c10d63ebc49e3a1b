
# Sessions write parents and children at random, under three isolation levels. Each child has the same link twice: the second
# key is deferrable, so that the server checks it by a query of its own, right after the first one was checked by one look
# that is the server's and ours. The second one never finds anything to complain about.
# SOFTDELETE_SEED and SOFTDELETE_TRANSACTIONS choose another run.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run;
use Test::More;

my $seed = $ENV{SOFTDELETE_SEED} || 20260101;
my $transactions = $ENV{SOFTDELETE_TRANSACTIONS} || 6000;
note "SOFTDELETE_SEED=$seed SOFTDELETE_TRANSACTIONS=$transactions";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "deadlock_timeout = 20ms\nautovacuum_naptime = 1s\n");
$node->start;

$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION softdelete;
CREATE TABLE parents (id int PRIMARY KEY, name text);
CREATE TABLE children (id int PRIMARY KEY, parent int,
    CONSTRAINT joint FOREIGN KEY (parent) REFERENCES parents ON DELETE CASCADE,
    CONSTRAINT servers FOREIGN KEY (parent) REFERENCES parents ON DELETE CASCADE DEFERRABLE);
CREATE INDEX ON children (parent);
SELECT count(*) FROM softdelete.register('parents', cascade => true);
INSERT INTO parents SELECT generate_series(1, 60);
CREATE SEQUENCE ids START 1000;
CREATE TABLE outcome (operation text, result text, key text);
CREATE FUNCTION act(operation text, x int, y int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    broken text;
BEGIN
    CASE operation
        WHEN 'insert' THEN INSERT INTO children VALUES (nextval('ids'), x % 60 + 1);
        WHEN 'insert some' THEN INSERT INTO children SELECT nextval('ids'), (x + g) % 60 + 1 FROM generate_series(1, 3) g;
        WHEN 'insert parent' THEN INSERT INTO parents VALUES (x % 60 + 1);
        WHEN 'insert both' THEN
            INSERT INTO parents VALUES (x % 60 + 1);
            INSERT INTO children VALUES (nextval('ids'), x % 60 + 1);
        WHEN 'point' THEN UPDATE children SET parent = y % 60 + 1 WHERE id % 50 = x % 50 AND parent = x % 60 + 1;
        WHEN 'delete' THEN DELETE FROM parents WHERE id = x % 60 + 1;
        WHEN 'delete child' THEN DELETE FROM children WHERE parent = x % 60 + 1;
        WHEN 'restore' THEN PERFORM softdelete.restore('parents', x % 60 + 1);
        WHEN 'remove' THEN
            DELETE FROM children WHERE parent = x % 60 + 1;
            DELETE FROM children WHERE deleted_at IS NOT NULL AND parent = x % 60 + 1;
            DELETE FROM parents WHERE id = x % 60 + 1;
            DELETE FROM parents WHERE deleted_at IS NOT NULL AND id = x % 60 + 1;
        WHEN 'rename' THEN UPDATE parents SET name = y::text WHERE id = x % 60 + 1;
        WHEN 'renumber' THEN UPDATE parents SET id = y % 60 + 1 WHERE id = x % 60 + 1
            AND NOT EXISTS (SELECT FROM all_children c WHERE parent = x % 60 + 1);
        WHEN 'delete, insert' THEN
            DELETE FROM parents WHERE id = x % 60 + 1;
            INSERT INTO children VALUES (nextval('ids'), y % 60 + 1);
        WHEN 'rename, insert' THEN
            UPDATE parents SET name = y::text WHERE id = x % 60 + 1;
            INSERT INTO children VALUES (nextval('ids'), x % 60 + 1);
        WHEN 'lock, insert' THEN
            PERFORM FROM parents WHERE id = x % 60 + 1 FOR UPDATE;
            INSERT INTO children VALUES (nextval('ids'), x % 60 + 1);
    END CASE;
    INSERT INTO outcome VALUES (operation, 'done');
EXCEPTION
    WHEN foreign_key_violation OR unique_violation OR no_data_found OR deadlock_detected OR serialization_failure
        OR object_not_in_prerequisite_state THEN
        GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
        INSERT INTO outcome VALUES (operation, SQLSTATE, broken);
END $$;
SQL

my %weight = (insert => 12, 'insert some' => 6, 'insert parent' => 6, 'insert both' => 3, restore => 6, remove => 1);
my @scripts;
for my $operation ('insert', 'insert some', 'insert parent', 'insert both', 'point', 'delete', 'delete child', 'restore', 'remove',
    'rename', 'renumber', 'delete, insert', 'rename, insert', 'lock, insert')
{
    my $file = $node->basedir . '/' . ($operation =~ s/\W+/_/gr) . '.sql';
    append_to_file($file, <<"SQL");
\\set x random(1, 1000000)
\\set y random(1, 1000000)
SELECT act('$operation', :x, :y);
SQL
    push @scripts, '-f', $file . '@' . ($weight{$operation} || 2);
}

my $rounds = 10;
for my $round (1 .. $rounds) {
    my @runs;
    for my $level ('read\ committed', 'repeatable\ read', 'serializable') {
        local $ENV{PGOPTIONS} = "-c default_transaction_isolation=$level";
        push @runs, IPC::Run::start(
            [ 'pgbench', '-n', '-c', 4, '-j', 1, '-t', int($transactions / $rounds / 12) + 1, '--max-tries', 100,
              '--random-seed', $seed + $round * 3 + @runs, '-h', $node->host, '-p', $node->port, @scripts, 'postgres' ],
            '<', \undef, '>', \my $out, '2>', \my $err, IPC::Run::timeout(60 + $transactions / 50));
    }
    $_->finish for @runs;
}

note $node->safe_psql('postgres', 'SELECT operation, result, key, count(*) FROM outcome GROUP BY 1, 2, 3 ORDER BY 1, 2, 3');
is($node->safe_psql('postgres', "SELECT * FROM outcome WHERE key = 'servers' AND operation ~ 'insert' AND result = '23503'"), '',
    'the server refuses no new row that was found to be in order');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM outcome WHERE operation ~ 'insert' AND key = 'joint'"), '>',
    $transactions / 100, 'many new rows were refused');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM outcome WHERE operation ~ 'insert' AND result = 'done'"), '>',
    $transactions / 10, 'many were not');
is($node->safe_psql('postgres', 'SELECT c.* FROM children c LEFT JOIN parents p ON p.id = c.parent WHERE p.id IS NULL'), '',
    'each live row has a live parent');
is($node->safe_psql('postgres', 'SELECT c.* FROM all_children c LEFT JOIN all_parents p ON p.id = c.parent WHERE p.id IS NULL'),
    '', 'each row has a parent');
unlike(slurp_file($node->logfile), qr/TRAP|PANIC|terminated by signal|cache lookup|XX000/, 'the server is well');

$node->stop;
done_testing();
