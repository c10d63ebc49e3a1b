# Every table of a real schema, Zabbix with its stock data (173 tables, 226 foreign keys): rows of each come back as they
# were, the schema after unregister is the one before, previews say what happens. SEED=... (-1 to 1) picks other rows.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $seed = $ENV{SEED} // 0.20240601;
my $deletions = 200;

my $script = "$PostgreSQL::Test::Utils::tmp_check/zabbix.sql";
plan skip_all => 'the package zabbix-server-pgsql is neither installed nor can it be downloaded'
  if system("sh test/schemas/zabbix > '$script'") != 0;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "max_locks_per_transaction = 1000\njit = off");
$node->start;


# As the schema's owner, who is nobody special.
sub run
{
	my ($sql, $database) = @_;
	return $node->safe_psql($database // 'zabbix', $sql, extra_params => [ '-U', 'zabbix' ]);
}

sub run_file
{
	my ($file) = @_;
	command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-U', 'zabbix', '-f', $file, $node->connstr('zabbix') ], "ran $file");
}

sub seconds { my ($began) = @_; return sprintf('%.1f s', time() - $began); }

sub dump_schema
{
	my $file = "$PostgreSQL::Test::Utils::tmp_check/schema.sql";
	$node->command_ok([ 'pg_dump', '--schema-only', '--schema=public', '-f', $file, 'zabbix' ], 'dumped the schema');
	return slurp_file($file) =~ s/^\\(un)?restrict .*$//mgr;
}

sub outcomes
{
	my ($phase, $result) = @_;
	return run("SELECT count(*) FROM walk.outcome WHERE phase = '$phase' AND result = '$result'");
}

sub is_without_failure
{
	my ($what) = @_;
	is(run("SELECT phase, relation, detail FROM walk.outcome WHERE result = 'failed' ORDER BY id"), '', $what);
}

# Milliseconds that statements take, in a transaction of their own.
sub milliseconds
{
	my ($database, @statements) = @_;
	my $sql = "SELECT clock_timestamp() AS began \\gset\n" . join(";\n", @statements)
	  . ";\nSELECT round(1000 * extract(epoch FROM clock_timestamp() - :'began'))";
	return (split /\n/, run($sql, $database))[-1];
}

my $began = time();
$node->safe_psql('postgres', 'CREATE ROLE zabbix LOGIN');
$node->safe_psql('postgres', 'CREATE DATABASE zabbix OWNER zabbix');
run_file($script);
$node->safe_psql('zabbix', 'ANALYZE');
$node->safe_psql('postgres', 'CREATE DATABASE plain TEMPLATE zabbix OWNER zabbix');
$node->safe_psql('zabbix', 'CREATE EXTENSION softdelete');
$node->safe_psql('postgres', 'GRANT SET ON PARAMETER softdelete.deletion TO zabbix');
my $before = dump_schema();
run_file('test/schemas/walk.sql');
run("CALL walk.begin('public')");
my $tables = run('SELECT count(*) FROM walk.subject_table');
note "$tables tables with " . run('SELECT sum(rows) FROM walk.subject_table') . ' rows, loaded in ' . seconds($began);

# One by one, without cascades.
$began = time();
run('CALL walk.register_one_by_one()');
note 'registered and tried one by one in ' . seconds($began) . ': '
  . run("SELECT string_agg(phase || ' ' || result || ' ' || n, ', ')"
	  . ' FROM (SELECT phase, result, count(*) AS n FROM walk.outcome GROUP BY 1, 2 ORDER BY 1, 2) t');
note 'register() took ' . run("SELECT round(sum(ms)) || ' ms, at most ' || max(ms) FROM walk.outcome WHERE phase = 'register'");
note run("SELECT phase, relation, detail FROM walk.outcome WHERE result = 'refused'");
is(outcomes('register', 'ok'), $tables, 'every table is registered');
is(outcomes('delete', 'ok') + outcomes('delete', 'refused'),
	run("SELECT count(*) FROM walk.subject_table WHERE rows > 0 AND key <> '{}'"), 'a row of each table with rows was tried');
is_without_failure('each row came back alone');
run("CALL walk.compare('one by one')");
is_without_failure('all tables are what they were');
run('CALL walk.unregister_all()');
is(run('SELECT count(*) FROM softdelete.tables'), '0', 'every table is unregistered');
ok(dump_schema() eq $before, 'the schema is what it was');
run("CALL walk.compare('unregistered')");
is_without_failure('so are the tables');
run('TRUNCATE walk.outcome');

# The whole, with cascades.
$began = time();
run('CALL walk.register_from_roots()');
note 'registered with cascades in ' . seconds($began);
is(run('SELECT count(*) FROM softdelete.tables'), $tables, 'every table is registered again');
$began = time();
run("CALL walk.delete_and_undo_random_rows($deletions, $seed)");
note "$deletions random rows with seed $seed in " . seconds($began) . ': ' . outcomes('random', 'ok') . ' deleted, '
  . outcomes('random', 'refused') . ' refused';
is_without_failure('previews say what happens, as it would without softdelete, and it is undone');
run("CALL walk.compare('random')");
is_without_failure('all tables are what they were after all that');

# The time of the largest trees, softly and natively, one after the other: one of a host, one of a template.
foreach my $host (10084, 10527)
{
	my $delete = "DELETE FROM hosts WHERE hostid = $host";
	if (run("SELECT count(*) FROM softdelete.preview('hosts', $host) WHERE action = 'refuse'") > 0)
	{
		note "host $host is referenced: this version of Zabbix has RESTRICT where others have CASCADE";
		next;
	}
	my $rows = run("SELECT sum(rows) FROM softdelete.preview('hosts', $host)");
	my %best;
	foreach my $round (1 .. 3)
	{
		my %ms = (
			native => milliseconds('plain', 'BEGIN', $delete, 'ROLLBACK'),
			soft => milliseconds('zabbix', $delete),
			undo => milliseconds('zabbix', 'SELECT softdelete.undo((SELECT max(id) FROM softdelete.deletions))'));
		foreach my $what (keys %ms)
		{
			$best{$what} = $ms{$what} if !defined $best{$what} || $ms{$what} < $best{$what};
		}
	}
	note "host $host with its tree, $rows rows: native DELETE $best{native} ms, soft $best{soft} ms, undo $best{undo} ms";
}
run("CALL walk.compare('timed')");
is_without_failure('all tables are still what they were');

done_testing();
