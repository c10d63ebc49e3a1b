# Archives where there is more than a session: sessions that did not load the library, prepared transactions, servers that
# are killed in the middle of a move, a dump and its restore, logical replication, and the end of the extension.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Crashes;
use IPC::Run;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\nautovacuum = off\nrestart_after_crash = on");
$node->start;

# live|archived|in both
my $places = q{SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM t_archive), (SELECT count(*) FROM t JOIN t_archive USING (id))};
sub places { return $_[0]->safe_psql($_[1] // 'postgres', $places); }

# Nothing preloads the library: the trigger loads it in the middle of the first statement of each session.
$node->safe_psql('postgres', q{
	CREATE EXTENSION softdelete;
	CREATE ROLE owner;
	GRANT CREATE ON SCHEMA public TO owner;
	CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t ON DELETE CASCADE, v text);
	CREATE INDEX ON t (up);
	ALTER TABLE t OWNER TO owner;
	SELECT softdelete.register('t', strategy => 'archive');
	INSERT INTO t SELECT i, CASE WHEN i > 5000 THEN i - 5000 END, 'a' FROM generate_series(1, 10000) i;
});
$node->safe_psql('postgres', 'DELETE FROM t WHERE id <= 1500');
is(places($node), '7000|3000|0', 'a session without the library: DELETE and its cascade');
$node->safe_psql('postgres', 'BEGIN; DELETE FROM t WHERE id = 1501; SAVEPOINT s; DELETE FROM t WHERE id = 1502; ROLLBACK TO s; COMMIT');
is(places($node), '6998|3002|0', 'a session without the library: savepoints');
my $stderr;
$node->psql('postgres', 'TRUNCATE t', stderr => \$stderr);
like($stderr, qr/cannot truncate registered table/, 'a session without the library: TRUNCATE');
$node->psql('postgres', 'DELETE FROM t_archive', stderr => \$stderr);
like($stderr, qr/cannot write to archive/, 'a session without the library: the guard');

# A prepared transaction moves its rows when it commits.
$node->safe_psql('postgres', "BEGIN; DELETE FROM t WHERE id = 1600; PREPARE TRANSACTION 'p'");
is(places($node), '6998|3002|0', 'prepared');
$node->safe_psql('postgres', "COMMIT PREPARED 'p'");
is(places($node), '6996|3004|0', 'committed');

# kill -9 in the middle of a move: the rows are where they were. And after a commit: where they went.
for my $how ('one', 'all')
{
	my $client = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-c', 'BEGIN', '-c', 'DELETE FROM t',
			'-c', 'SELECT pg_sleep(60)' ], '<', \undef, '>', \my $out, '2>', \my $errors);
	$node->poll_query_until('postgres', "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid())")
		or die 'the statement does not run';
	if ($how eq 'one')
	{
		kill 9, $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()");
		Crashes::wait_for_restart($node);
	}
	else
	{
		Crashes::cut_power($node);
	}
	$client->kill_kill(grace => 0);
	is(places($node), '6996|3004|0', "killed $how: all rows are where they were");
}
my $moves = $node->basedir . '/moves.sql';
append_to_file($moves, 'DELETE FROM t WHERE id IN (SELECT id FROM t WHERE up IS NULL LIMIT 40);' x 200);
for my $round (1 .. 4)
{
	my $before = $node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM t_archive)');
	my $client = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-f', $moves ], '<', \undef,
		'>', \my $out, '2>', \my $errors);
	usleep(100_000 + rand(400_000));
	Crashes::cut_power($node);
	$client->kill_kill(grace => 0);
	is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM t_archive)'), $before, "round $round: no row is lost");
	is((split /\|/, places($node))[2], 0, "round $round: none is in both places");
}

# A dump brings archive and registration along, and archiving goes on.
my $entries = q{SELECT md5(string_agg(a::text, E'\n' ORDER BY id)) FROM t_archive a};
my $before = $node->safe_psql('postgres', $entries);
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('postgres') ], 'pg_dump');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'pg_restore');
is($node->safe_psql('restored', $entries), $before, 'the archive is that of before');
is($node->safe_psql('restored', q{SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 't'::regclass AND NOT tgisinternal ORDER BY 1}),
	"softdelete_archive|A\nsoftdelete_truncate|A", 'the triggers fire always');
is($node->safe_psql('restored', q{SELECT object FROM softdelete.repair('t')}), '', 'there is nothing to repair');
$node->safe_psql('restored', "INSERT INTO t VALUES (90000, NULL, 'r'); DELETE FROM t WHERE id = 90000");
is($node->safe_psql('restored', 'SELECT v FROM deleted_t WHERE id = 90000'), 'r', 'archiving goes on');

# Over and into the database, and the table's data alone.
$node->command_ok([ 'pg_restore', '--exit-on-error', '--clean', '--if-exists', '-d', $node->connstr('restored'), $dump ], 'pg_restore --clean');
is($node->safe_psql('restored', $entries), $before, 'restored over it');

# A subscriber archives what is deleted there, once: where it subscribes to the archive as well, the rows come by that.
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
$subscriber->append_conf('postgresql.conf', "shared_preload_libraries = 'softdelete'");
$subscriber->start;
$subscriber->safe_psql('postgres', q{
	CREATE EXTENSION softdelete;
	CREATE TABLE t (id int PRIMARY KEY, up int, v text);
	SELECT softdelete.register('t', strategy => 'archive');
});
$node->safe_psql('postgres', 'CREATE PUBLICATION p FOR TABLE t');
my $connection = $node->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION s CONNECTION '$connection' PUBLICATION p WITH (copy_data = false)");
$node->safe_psql('postgres', 'INSERT INTO t SELECT i FROM generate_series(20001, 20010) i');
$node->safe_psql('postgres', 'DELETE FROM t WHERE id BETWEEN 20001 AND 20003');
$node->wait_for_catchup('s');
is(places($subscriber), '7|3|0', 'a subscriber to the table: its own archive');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION s');
$node->safe_psql('postgres', 'CREATE PUBLICATION p2 FOR TABLE t, t_archive WITH (publish_via_partition_root = true)');
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION s2 CONNECTION '$connection' PUBLICATION p2 WITH (copy_data = false)");
$node->safe_psql('postgres', 'DELETE FROM t WHERE id BETWEEN 20004 AND 20006');
$node->wait_for_catchup('s2');
is(places($subscriber), '4|6|0', 'a subscriber to both: each row once');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION s2');
$subscriber->stop;

# The extension goes without CASCADE, with its triggers; the archive is left as a plain table.
is($node->psql('restored', 'DROP EXTENSION softdelete'), 0, 'DROP EXTENSION');
$node->safe_psql('restored', 'DELETE FROM t_archive WHERE id = 1; INSERT INTO t VALUES (90001); DELETE FROM t WHERE id = 90001');
is($node->safe_psql('restored', 'SELECT count(*) FROM deleted_t WHERE id IN (1, 90001)'), 0, 'table and archive are plain tables');

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|cache lookup|XX000/, 'the server is well otherwise');
done_testing();
