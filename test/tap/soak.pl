# Everyday clients of an application, hour after hour, beside all that goes on in production: the worker that purges, a
# purge by hand, DDL, an index of the extension that is built anew, statements that are cancelled, undo, and half-way the
# end of the server, from where the standby goes on. The clients meet no error, the log has no line that a server without
# the extension would not write, the rows are consistent, and neither memory nor tables grow. SOFTDELETE_SECONDS says how
# long; SOFTDELETE_RATE how many transactions a second. Growth is asked from ten minutes on.
use strict;
use warnings;

use IPC::Run;
use List::Util qw(max);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{SOFTDELETE_SECONDS} || 16;
my $rate = $ENV{SOFTDELETE_RATE} || 60;
my $clients = 4;
my $samples = $seconds < 600 ? 4 : 60;    # in each half

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', <<'CONF');
autovacuum = on
autovacuum_naptime = 10s
checkpoint_timeout = 5min
log_statement = none
log_line_prefix = '%m [%p] %u %a %e '
softdelete.worker_databases = 'postgres'
softdelete.worker_interval = '3s'
softdelete.worker_recovery_delay = '0'
softdelete.purge_log_retention = '1min'
softdelete.log_retention = '1min'
CONF
$primary->start;
$primary->safe_psql('postgres', <<'SQL');
CREATE EXTENSION softdelete;
CREATE ROLE app LOGIN;
CREATE SCHEMA app AUTHORIZATION app;
ALTER ROLE app SET search_path = app;
SQL
$primary->safe_psql('postgres', <<'SQL', extra_params => [ '-U', 'app' ]);
CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE, visits int NOT NULL DEFAULT 0);
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer bigint NOT NULL REFERENCES customers ON DELETE CASCADE);
CREATE TABLE lines (orders bigint REFERENCES orders ON DELETE CASCADE, line int, PRIMARY KEY (orders, line));
CREATE TABLE tags (email text, tag int, PRIMARY KEY (email, tag));
CREATE TABLE notes (id int PRIMARY KEY, body text);
CREATE INDEX ON orders (customer);
SELECT count(*) FROM softdelete.register('customers', cascade => true, retention => '20 s');
SELECT count(*) FROM softdelete.register('tags', strategy => 'archive', retention => '20 s');
SELECT count(*) FROM softdelete.register('notes', retention => '20 s');
SELECT count(*) FROM unnest('{orders,lines}'::regclass[]) t, LATERAL softdelete.configure(t, retention => '20 s');
SELECT softdelete.track_history('notes', retention => '20 s');
INSERT INTO customers (email) SELECT 'c' || i FROM generate_series(1, 500) i;
INSERT INTO notes SELECT i, 'a note' FROM generate_series(1, 500) i;
SQL

my $setup = -s $primary->logfile;    # it warns

# What the application does: a weight and a script each. None of it can fail by what another client does.
my %scripts = (
	order => [ 8, <<'SQL' ],
WITH o AS (INSERT INTO orders (customer) SELECT id FROM customers WHERE email = 'c' || :c FOR KEY SHARE RETURNING id)
INSERT INTO lines SELECT id, line FROM o, generate_series(1, 3) line;
SQL
	leave => [ 3, "DELETE FROM customers WHERE email = 'c' || :c;\n" ],
	come => [ 4, "INSERT INTO customers (email) VALUES ('c' || :c) ON CONFLICT (email) DO UPDATE SET visits = customers.visits + 1;\n" ],
	look => [ 8, "SELECT count(*), count(l) FROM customers c LEFT JOIN orders o ON o.customer = c.id LEFT JOIN lines l ON l.orders = o.id WHERE email = 'c' || :c;\n" ],
	visit => [ 4, "UPDATE customers SET visits = visits + 1 WHERE email = 'c' || :c;\n" ],
	cancel => [ 2, "DELETE FROM orders WHERE id IN (SELECT id FROM orders WHERE customer IN (SELECT id FROM customers WHERE email = 'c' || :c) ORDER BY id LIMIT 1);\n" ],
	tag => [ 4, "INSERT INTO tags VALUES ('c' || :c, 1), ('c' || :c, 2) ON CONFLICT DO NOTHING;\n" ],
	untag => [ 4, "DELETE FROM tags WHERE email = 'c' || :c;\n" ],
	regret => [ 2, <<'SQL' ],
BEGIN;
UPDATE notes SET body = 'note ' || :c WHERE id = :c;
DELETE FROM notes WHERE id = :c;
SELECT softdelete.undo(id) FROM softdelete.deletions WHERE relation = 'notes'::regclass AND rows <> '{}' ORDER BY id DESC LIMIT 1;
COMMIT;
SQL
	forget => [ 1, "DELETE FROM notes WHERE id = :c;\nINSERT INTO notes VALUES (:c, 'again') ON CONFLICT DO NOTHING;\n" ]);
my @files;
foreach my $name (sort keys %scripts)
{
	my $file = "$PostgreSQL::Test::Utils::tmp_check/$name.pgbench";
	append_to_file($file, "\\set c random(1, 500)\n$scripts{$name}[1]");
	push @files, '-f', "$file\@$scripts{$name}[0]";
}

sub start_clients
{
	my ($node, $time) = @_;
	my %run = (out => '');
	local $ENV{PGOPTIONS} = '-c client_min_messages=error';
	local $ENV{PGAPPNAME} = 'client';
	$run{run} = IPC::Run::start(
		[ 'pgbench', '-n', '-c', $clients, '-R', $rate, '-T', $time, '--max-tries', 1, '-U', 'app', '-h', $node->host, '-p', $node->port, @files, 'postgres' ],
		'>', \$run{out}, '2>&1');
	return \%run;
}

# What goes on beside them, one after the other. It may wait for them, but not long.
my @ours;

sub disturb
{
	my ($node, $turn) = @_;
	@ours = split /\n/, $node->safe_psql('postgres', q{SELECT indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = indrelid
		WHERE c.relnamespace IN ('softdelete_internal'::regnamespace, 'softdelete'::regnamespace) ORDER BY 1}) unless @ours;
	my @turns = (
		[ app => 'CALL softdelete.purge()' ],
		[ app => "SET lock_timeout = '1s'; ALTER TABLE customers ADD COLUMN IF NOT EXISTS extra int" ],
		[ owner => 'REINDEX INDEX CONCURRENTLY ' . $ours[ $turn % @ours ] ],
		[ app => "SET lock_timeout = '1s'; ALTER TABLE customers DROP COLUMN IF EXISTS extra" ],
		[ owner => 'SELECT count(*) FROM softdelete.check()' ],
		[ app => 'CREATE INDEX CONCURRENTLY IF NOT EXISTS more ON orders (id, customer)' ],
		[ owner => 'SELECT count(*) FROM softdelete.stats, softdelete.worker_status, softdelete.deletions' ],
		[ app => 'DROP INDEX CONCURRENTLY IF EXISTS more' ],
		[ owner => 'REINDEX INDEX CONCURRENTLY app.customers_email_key' ],
		# These are cancelled, by themselves, as somebody's statements ever are.
		[ app => "SET statement_timeout = '" . (1 + int(rand(30))) . "ms'; BEGIN; DELETE FROM customers; SELECT pg_sleep(1)" ],
		[ app => "SET statement_timeout = '" . (1 + int(rand(30))) . "ms'; BEGIN; DELETE FROM tags; DELETE FROM notes; SELECT pg_sleep(1)" ],
		[ app => "SET statement_timeout = '" . (1 + int(rand(30))) . "ms'; CALL softdelete.purge(batch_size => 5)" ]);
	my ($role, $sql) = @{ $turns[ $turn % @turns ] };
	my $errors = '';
	local $ENV{PGAPPNAME} = 'disturbance';
	$node->psql('postgres', $sql, stderr => \$errors, on_error_stop => 0,
		extra_params => [ '-v', 'VERBOSITY=sqlstate', $role eq 'app' ? ('-U', 'app') : () ]);
	return map { "$sql: $_" } grep { !/^(57014|55P03|40P01|25P02)$/ } $errors =~ /(?:ERROR|FATAL):  (\w+)/g;
}

# Kilobytes: the memory of the largest of the processes that serve the clients, the extension's tables and the application's.
sub sample
{
	my ($node) = @_;
	my %sample = (clients => 0, internal => 0, application => 0);
	my $pids = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'client'");
	foreach my $pid (split /\n/, $pids)
	{
		open my $status, '<', "/proc/$pid/status" or next;
		my ($memory) = join('', <$status>) =~ /^RssAnon:\s+(\d+)/m;
		$sample{clients} = max($sample{clients}, $memory // 0);
	}
	@sample{qw(internal application)} = split /\|/, $node->safe_psql('postgres', q{
		SELECT sum(pg_total_relation_size(oid)) FILTER (WHERE relnamespace = 'softdelete_internal'::regnamespace)::bigint / 1024,
			sum(pg_total_relation_size(oid)) FILTER (WHERE relnamespace = 'app'::regnamespace)::bigint / 1024
		FROM pg_class WHERE relkind = 'r'});
	return \%sample;
}

# The middle one of the samples of that part of a half, from and to a fraction.
sub middle
{
	my ($samples, $what, $from, $to) = @_;
	my @values = sort { $a <=> $b } map { $_->{$what} } @$samples[ int($from * @$samples) .. int($to * @$samples) - 1 ];
	return $values[ @values / 2 ];
}

my @unexpected;

sub go_on
{
	my ($node, $time) = @_;
	my $ends = time + $time;
	my @samples;
	my $turn = 0;
	while (time < $ends)
	{
		push @unexpected, disturb($node, $turn++);
		push @samples, sample($node) if time > $ends - $time + @samples * $time / $samples;
		sleep $seconds < 600 ? 0.1 : 1;
	}
	note "$turn disturbances";
	return \@samples;
}

sub check_half
{
	my ($when, $node, $samples) = @_;
	is(join("\n", splice @unexpected), '', "$when: nothing beside the clients fails");
	foreach my $what (qw(clients internal application))
	{
		note "$when, kB of $what: " . join(' ', map { $_->{$what} } @$samples);
	}
	is($node->safe_psql('postgres', <<'SQL'), '0|0|0', "$when: the rows are consistent");
SET search_path = app;
SET softdelete.visibility = 'all';
SELECT (SELECT count(*) FROM orders o JOIN customers c ON c.id = o.customer WHERE o.deleted_at IS NULL AND c.deleted_at IS NOT NULL),
	(SELECT count(*) FROM lines l JOIN orders o ON o.id = l.orders WHERE l.deleted_at IS NULL AND o.deleted_at IS NOT NULL),
	(SELECT count(*) FROM (SELECT FROM customers WHERE deleted_at IS NULL GROUP BY email HAVING count(*) > 1) twice);
SQL
	my @lines = grep { !/ disturbance (57014|55P03|40P01|25P02) (ERROR|LOG):/ } slurp_file($node->logfile, $node == $primary ? $setup : 0) =~ /^.* (?:WARNING|ERROR|FATAL|PANIC):.*$/mg;
	# A purge waits for a lock a moment, and leaves the table to the next run.
	@lines = grep { !/could not purge table .* SQLSTATE 55P03/ } @lines;
	is(join("\n", grep { !/the database system is (starting up|shutting down)|terminating|57P0[1-3]| 08006 / } @lines), '', "$when: no noise in the log");
	return if $seconds < 600;
	foreach my $what (qw(clients internal application))
	{
		my ($then, $later) = (middle($samples, $what, 0.3, 0.5), middle($samples, $what, 0.8, 1));
		cmp_ok($later, '<', 1.15 * $then + 1024, "$when: $what do not grow: $then kB, then $later kB");
	}
	return;
}

sub counted { my ($run) = @_; return $run->{out} =~ /number of transactions actually processed: (\d+)/ ? $1 : 0; }

$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

# Until the server ends under its clients.
my $first = start_clients($primary, 2 * $seconds);
my $samples_before = go_on($primary, $seconds / 2);
ok($first->{run}->pumpable, 'the clients are still there');
unlike($first->{out}, qr/ERROR/, 'and have met no error');
check_half('before the failover', $primary, $samples_before);
$primary->stop('immediate');
eval { $first->{run}->finish };
is(join("\n", grep { !/SSL SYSCALL|server closed|connection|This probably means|perhaps the backend died|Run was aborted/ } $first->{out} =~ /^(?:pgbench: error|ERROR|FATAL).*$/mg),
	'', 'the clients saw nothing but the end of their connection');

$standby->promote;
my $second = start_clients($standby, $seconds / 2);
my $samples_after = go_on($standby, $seconds / 2);
$second->{run}->finish;
unlike($second->{out}, qr/ERROR|aborted/, 'after it the clients meet no error');
like($second->{out}, qr/number of failed transactions: 0 /, 'and no transaction of theirs has failed');
cmp_ok(counted($second), '>', $rate * $seconds / 2 * 0.5, 'and they did their work') or diag($second->{out});
check_half('after the failover', $standby, $samples_after);
cmp_ok($standby->safe_psql('postgres', "SELECT count(*) FROM softdelete.purge_log WHERE removed > 0"), '>', 0, 'rows were purged meanwhile')
	if $seconds >= 60;
$standby->stop;
done_testing();
