# Many sessions delete, insert, re-point, restore and undo in one small family of tables at random, under two isolation
# levels. Afterwards: no live row below a deleted one, every deleted row in exactly one deletion, and nothing gone.
# SOFTDELETE_SEED and SOFTDELETE_TRANSACTIONS choose another run.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Family;
use IPC::Run;
use Test::More;

my $seed = $ENV{SOFTDELETE_SEED} || 20260101;
my $transactions = $ENV{SOFTDELETE_TRANSACTIONS} || 1500;
note "SOFTDELETE_SEED=$seed SOFTDELETE_TRANSACTIONS=$transactions";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "deadlock_timeout = 20ms\nautovacuum_naptime = 1s\n");
$node->start;

Family::create($node);
my @scripts = Family::scripts($node);

my $rounds = 10;
for my $round (1 .. $rounds) {
    my @runs;
    for my $level ('read\ committed', 'repeatable\ read') {
        local $ENV{PGOPTIONS} = "-c default_transaction_isolation=$level";
        push @runs, IPC::Run::start(
            [ 'pgbench', '-n', '-c', 4, '-j', 1, '-t', int($transactions / $rounds), '--max-tries', 1,
              '--random-seed', $seed + $round * 2 + @runs, '-h', $node->host, '-p', $node->port, @scripts, 'postgres' ],
            '<', \undef, '>', \my $out, '2>', \my $err, IPC::Run::timeout(180));
    }
    $_->finish for @runs;
}

my ($done, $refused) = split /\|/, $node->safe_psql('postgres',
    "SELECT count(*) FILTER (WHERE result = 'done'), count(*) FILTER (WHERE result <> 'done') FROM outcome");
cmp_ok($done, '>', $transactions, 'most operations went through');
note "$done done, $refused refused";
note $node->safe_psql('postgres', 'SELECT operation, result, count(*) FROM outcome GROUP BY 1, 2 ORDER BY 1, 2');

my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
unlike($log, qr/TRAP|PANIC|terminated by signal|could not open relation|cache lookup|XX000/, 'the server is well');

Family::check($node);

$node->stop;
done_testing();
