# The deleted rows of a table move in batches, and the server is killed with SIGKILL between them, one backend or all. What has moved
# stays moved, each row is in one place, what was deleted can be undone, a dump takes both places along, and the next call goes on.
# An application that writes all the time waits for the table at no time but its end.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Crashes;
use IPC::Run;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "restart_after_crash = on\nlog_statement = none");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION softdelete;
CREATE TABLE owners (id int PRIMARY KEY);
CREATE TABLE things (id int PRIMARY KEY, owner int REFERENCES owners ON DELETE CASCADE, v text UNIQUE);
CREATE TABLE parts (id int PRIMARY KEY, thing int REFERENCES things ON DELETE CASCADE);
CREATE INDEX ON things (owner);
CREATE TABLE beats (at timestamptz DEFAULT now());
CREATE INDEX ON parts (thing);
INSERT INTO owners SELECT generate_series(1, 20);
INSERT INTO things SELECT g, 1 + g % 20, 'v' || g FROM generate_series(1, 4000) g;
INSERT INTO parts SELECT g, g FROM generate_series(1, 4000) g;
SELECT softdelete.register('parts', strategy => 'archive'), softdelete.register('owners'), softdelete.register('things', retention => '1 year');
DELETE FROM owners WHERE id = 1;
DELETE FROM things WHERE id % 4 = 2;
UPDATE things SET deleted_at = now() - make_interval(days => id % 300) WHERE id % 4 = 3;
CREATE TABLE before AS SELECT id, owner, v, deleted_at, deleted_by, deletion_id FROM all_things;
SQL
my $differing = "SELECT count(*) FROM ((TABLE before EXCEPT ALL SELECT id, owner, v, deleted_at, deleted_by, deletion_id FROM all_things)
	UNION ALL (SELECT id, owner, v, deleted_at, deleted_by, deletion_id FROM all_things EXCEPT ALL TABLE before)) d";
my $undo = 'BEGIN; SELECT softdelete.undo(max(deletion_id)) FROM deleted_owners; SELECT count(*) FROM deleted_parts p WHERE deletion_id = (SELECT deletion_id FROM before WHERE owner = 1 AND deletion_id IS NOT NULL LIMIT 1); ROLLBACK';

# Starts the call, and waits until some rows have moved, and some have not.
sub start_moving
{
	my ($strategy) = @_;
	my $moved = $strategy eq 'archive' ? 'EXISTS (SELECT FROM things_archive)' : 'EXISTS (SELECT FROM things WHERE deleted_at IS NOT NULL)';
	my $mover = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-c',
		"CALL softdelete.change_strategy('things', '$strategy', 20, delay => '20 ms')" ], '<', \undef, '>', \my $out, '2>', \my $errors);
	usleep(20_000) until ($node->psql('postgres', "SELECT $moved", on_error_stop => 0))[1] eq 't' || !$mover->pumpable;
	return $mover;
}

for my $strategy ('archive', 'flag')
{
	for my $how ('one', 'all')
	{
		my $mover = start_moving($strategy);
		if ($how eq 'one')
		{
			kill 9, $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CALL softdelete%'");
			Crashes::wait_for_restart($node);
		}
		else
		{
			Crashes::cut_power($node);
		}
		$mover->kill_kill(grace => 0);
		my $when = "to $strategy, killed $how: ";
		is($node->safe_psql('postgres', 'SELECT EXISTS (SELECT FROM things WHERE deleted_at IS NOT NULL), EXISTS (SELECT FROM things_archive)'), 't|t', "${when}rows are in both places");
		is($node->safe_psql('postgres', $differing), '0', "${when}each is there once, as it was");
		is($node->safe_psql('postgres', $undo), "401\n0", "${when}a deletion is undone as a whole");
		is($node->safe_psql('postgres', "SELECT code, message FROM softdelete.check() WHERE severity = 'error'"), '', "${when}check() finds nothing broken");
	}
	if ($strategy eq 'archive')
	{
		my $dump = $node->basedir . '/between.sql';
		$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'a dump is taken halfway');
		$node->safe_psql('postgres', 'CREATE DATABASE copy');
		$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('copy'), '-f', $dump ], 'and restored');
		is($node->safe_psql('copy', $differing), '0', 'each row is in the copy once');
		is($node->safe_psql('copy', $undo), "401\n0", 'a deletion is undone in the copy');
		$node->safe_psql('copy', "CALL softdelete.change_strategy('things', 'archive')");
		is($node->safe_psql('copy', "SELECT strategy FROM softdelete.tables WHERE relation = 'things'::regclass"), 'archive', 'the change goes on in the copy');
		is($node->safe_psql('copy', $differing), '0', 'nothing is lost in the copy');
	}
	# It goes on beside an application whose statements wait for a moment at most.
	my $app = $node->basedir . '/app.sql';
	append_to_file($app, "SET lock_timeout = '10s';\n" . join '', map { "UPDATE things SET v = v WHERE id = 4 * random()::int + 1;\nSELECT count(*) FROM things WHERE id < 100;\nINSERT INTO beats DEFAULT VALUES;\n" } 1 .. 50)
	  if !-e $app;
	my $bench = IPC::Run::start([ 'pgbench', '-n', '-c', 2, '-T', 60, '-h', $node->host, '-p', $node->port, '-f', $app, 'postgres' ],
		'<', \undef, '>', \my $out, '2>', \my $errors);
	$node->safe_psql('postgres', "CALL softdelete.change_strategy('things', '$strategy', 200)");
	is($node->safe_psql('postgres', "SELECT strategy FROM softdelete.tables WHERE relation = 'things'::regclass"), $strategy, "to $strategy: the next call comes to the end");
	$bench->signal('INT');
	$bench->finish;
	isnt($node->safe_psql('postgres', 'DELETE FROM beats RETURNING true'), '', "to $strategy: the application works meanwhile");
	is($node->safe_psql('postgres', $differing), '0', "to $strategy: each row is there once, as it was");
	is($node->safe_psql('postgres', 'SELECT s.object FROM softdelete.tables t, LATERAL softdelete.repair(t.relation) s'), '', "to $strategy: there is nothing to repair");
	is($errors, '', "to $strategy: none of its statements fails or waits for long");
}
is($node->safe_psql('postgres', $undo), "401\n0", 'a deletion is undone as before');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|could not open relation|cache lookup|XX000/, 'the server is well otherwise');
done_testing();
