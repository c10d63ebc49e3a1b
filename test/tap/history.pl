# Histories where there is more than a session: sessions that did not load the library, prepared transactions, a crash, a
# dump and its restore, logical replication, and the end of the extension.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\nautovacuum = off");
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

# A dump brings the history along, adds nothing to it, and recording goes on.
my $entries = q{SELECT md5(string_agg(h::text, E'\n' ORDER BY history_at, id, history_kind)) FROM t_history h};
my $before = $node->safe_psql('postgres', $entries);
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('postgres') ], 'pg_dump');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'pg_restore');
is($node->safe_psql('restored', $entries), $before, 'the entries are those of before');
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
