# Histories where there is more than a session: sessions that did not load the library, prepared transactions, crashes, a
# dump and its restore, logical replication, and the end of the extension.

use strict;
use warnings;
use File::Basename;
use lib dirname(__FILE__);
use Crashes;
use IPC::Run ();
use Time::HiRes qw(usleep);

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\nautovacuum = off\nrestart_after_crash = on");
$node->start;

sub kinds
{
	my ($server, $database, $key) = @_;
	return $server->safe_psql($database, "SELECT string_agg(kind, ' ') FROM softdelete.history_of('t', $key)");
}

# Nothing preloads the library: the trigger loads it in the middle of the first statement of each session.
$node->safe_psql('postgres', q{
	CREATE EXTENSION softdelete;
	CREATE ROLE owner;
	GRANT CREATE ON SCHEMA public TO owner;
	CREATE TABLE t (id int PRIMARY KEY, v text);
	ALTER TABLE t OWNER TO owner;
	SELECT softdelete.track_history('t', without => '{}');
});
$node->safe_psql('postgres', "INSERT INTO t SELECT i, 'a' FROM generate_series(1, 1500) i");
is($node->safe_psql('postgres', 'SELECT count(*) FROM t_history'), 1500, 'a session without the library: INSERT');
$node->safe_psql('postgres', "UPDATE t SET v = 'b' WHERE id = 1");
$node->safe_psql('postgres', "COPY t FROM STDIN;\n2001\tc\n\\.\n");
$node->safe_psql('postgres', 'TRUNCATE t; ');
is(kinds($node, 'postgres', 1), 'INSERT UPDATE TRUNCATE', 'a session without the library: its changes');
is(kinds($node, 'postgres', 2001), 'INSERT TRUNCATE', 'a session without the library: COPY');
$node->safe_psql('postgres', "BEGIN; INSERT INTO t VALUES (3000, 'x'); SAVEPOINT s; UPDATE t SET v = 'y'; ROLLBACK TO s; UPDATE t SET v = 'z'; COMMIT;");
is(kinds($node, 'postgres', 3000), 'INSERT UPDATE', 'a session without the library: savepoints');

# A prepared transaction is recorded when it commits.
$node->safe_psql('postgres', "BEGIN; INSERT INTO t VALUES (1, 'p'); PREPARE TRANSACTION 'p'");
is($node->safe_psql('postgres', "SELECT count(*) FROM t_history WHERE id = 1 AND v = 'p'"), 0, 'prepared');
$node->safe_psql('postgres', "COMMIT PREPARED 'p'");
is($node->safe_psql('postgres', "SELECT count(*) FROM t_history WHERE id = 1 AND v = 'p'"), 1, 'committed');

# A crash: what committed is there on both sides.
$node->safe_psql('postgres', "INSERT INTO t SELECT i, 'k' FROM generate_series(10000, 10099) i");
$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', "SELECT (SELECT count(*) FROM t WHERE v = 'k'), (SELECT count(*) FROM t_history WHERE v = 'k')"),
	'100|100', 'a crash');

# A session that is killed in the middle of writing, and with it the server: each change that is there has its entry, and each
# entry has its change, at any moment.
$node->safe_psql('postgres', q{
	CREATE TABLE counted (id int PRIMARY KEY, n int);
	CREATE TABLE added (id bigserial PRIMARY KEY, big text);
	SELECT softdelete.track_history('counted'), softdelete.track_history('added');
	INSERT INTO counted SELECT i, 0 FROM generate_series(1, 20) i;
	CREATE PROCEDURE write() LANGUAGE plpgsql AS $$
	BEGIN
		LOOP
			UPDATE counted SET n = n + 1;
			INSERT INTO added (big) SELECT repeat('x', i) FROM generate_series(1, 3000) i;
			COMMIT;
		END LOOP;
	END $$;
});
foreach my $way ('a backend', 'all processes', 'a backend')
{
	my ($out, $err) = ('', '');
	my $writer = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', 'CALL write()' ],
		'>', \$out, '2>', \$err);
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'CALL write%'") or die 'nothing writes';
	my $backend = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CALL write%'");
	usleep(300_000 + int(rand(400_000)));
	if ($way eq 'a backend')
	{
		kill 9, $backend;
		IPC::Run::finish($writer);
		Crashes::wait_for_restart($node);
	}
	else
	{
		Crashes::cut_power($node);
		IPC::Run::finish($writer);
	}
	is($node->safe_psql('postgres', q{
		SELECT count(*) FROM counted c WHERE n <> (SELECT count(*) FROM counted_history h WHERE h.id = c.id AND h.history_kind = 'U')}),
		0, "killed, $way: updates");
	is($node->safe_psql('postgres', q{
		SELECT count(*) FROM added a FULL JOIN added_history h USING (id) WHERE a.big IS DISTINCT FROM h.big}),
		0, "killed, $way: inserts");
}
cmp_ok($node->safe_psql('postgres', 'SELECT min(n) FROM counted'), '>', 0, 'something was written');

# A dump brings the history along, adds nothing to it, and recording goes on.
$node->safe_psql('postgres', q{
	CREATE TABLE padded (id char(3) PRIMARY KEY, b bit(4), p char(2)[], n numeric(4, 1));
	SELECT softdelete.track_history('padded');
	INSERT INTO padded VALUES ('abc', '1010', '{xy,z}', 123.4);
	UPDATE padded SET b = '1111', p = NULL, n = 5;
});
my $entries = q{SELECT md5(string_agg(h::text, E'\n' ORDER BY history_at, id, history_kind)) FROM t_history h};
my $before = $node->safe_psql('postgres', $entries);
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('postgres') ], 'pg_dump');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'pg_restore');
is($node->safe_psql('restored', $entries), $before, 'the entries are those of before');
my $padded = q{SELECT string_agg(diff, ' | ') FROM softdelete.history_of('padded', 'abc')};
is($node->safe_psql('restored', $padded), $node->safe_psql('postgres', $padded), 'types with a length');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--clean', '--if-exists', '-d', $node->connstr('restored'), $dump ],
	'pg_restore --clean');
is($node->safe_psql('restored', $entries), $before, 'the entries are those of before again');
$node->safe_psql('restored', "UPDATE t SET v = 'r' WHERE id = 3000; ALTER TABLE t ADD COLUMN w int; UPDATE t SET w = 1 WHERE id = 3000");
is(kinds($node, 'restored', 3000), 'INSERT UPDATE UPDATE UPDATE', 'recording goes on');
is($node->safe_psql('restored', 'SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = \'t\'::regclass ORDER BY 1'),
	"softdelete_history|A\nsoftdelete_history_truncate|A", 'the triggers fire always');
my $stderr;
$node->psql('restored', 'DELETE FROM t_history', stderr => \$stderr);
like($stderr, qr/cannot write to history table/, 'the guard is there');

# Over what is there.
$node->command_ok([ 'pg_restore', '--exit-on-error', '--clean', '--if-exists', '-d', $node->connstr('restored'), $dump ], 'pg_restore --clean');
is($node->safe_psql('restored', $entries), $before, 'restored over it');

# A subscriber records what is applied there: rows and TRUNCATE, with transactions of several statements.
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
$subscriber->append_conf('postgresql.conf', "shared_preload_libraries = 'softdelete'");
$subscriber->start;
$subscriber->safe_psql('postgres', q{
	CREATE EXTENSION softdelete;
	CREATE TABLE t (id int PRIMARY KEY, v text);
	SELECT softdelete.track_history('t');
});
$node->safe_psql('postgres', 'CREATE PUBLICATION p FOR TABLE t');
my $connection = $node->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION s CONNECTION '$connection' PUBLICATION p WITH (copy_data = false)");
$node->wait_for_catchup('s');
$node->safe_psql('postgres', "BEGIN; INSERT INTO t VALUES (5000, 'a'), (5001, 'b'); UPDATE t SET v = 'c' WHERE id = 5000; UPDATE t SET id = 5002 WHERE id = 5001; COMMIT");
$node->safe_psql('postgres', 'DELETE FROM t WHERE id = 5000');
$node->safe_psql('postgres', 'TRUNCATE t');
$node->wait_for_catchup('s');
is(kinds($subscriber, 'postgres', 5000), 'INSERT UPDATE DELETE', 'applied: a row');
is(kinds($subscriber, 'postgres', 5001), 'INSERT UPDATE', 'applied: a key that goes');
is(kinds($subscriber, 'postgres', 5002), 'UPDATE TRUNCATE', 'applied: the key that comes, and TRUNCATE');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION s');

# The extension goes without CASCADE, with its triggers; the history is left as a plain table.
is($node->psql('restored', 'DROP EXTENSION softdelete'), 0, 'DROP EXTENSION');
$node->safe_psql('restored', "UPDATE t SET v = 'plain'; DELETE FROM t_history WHERE id = 1");
pass('table and history are plain tables');

$subscriber->stop;
$node->stop;
done_testing();
