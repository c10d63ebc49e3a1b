# The server survives errors and memory exhaustion at every guarded call of the library: the statement fails with an
# error, nothing is half done, the session goes on. A plain DELETE has no such call. Builds a library whose guarded calls can be made to fail.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Not system_or_bail: that would stop the other tests as well.
sub run_or_die
{
	PostgreSQL::Test::Utils::system_log(@_) == 0 or die "@_ failed";
}

# A second private server that has the faulty library.
chomp(my $bindir = `$ENV{PG_CONFIG} --bindir`);
chomp(my $libdir = `$ENV{PG_CONFIG} --pkglibdir`);
my $prefix = substr($ENV{BINDIR}, 0, length($ENV{BINDIR}) - length($bindir));
my $faulty = PostgreSQL::Test::Utils::tempdir();
chomp(my $sharedir = `$ENV{PG_CONFIG} --sharedir`);
for my $folder ($bindir, $libdir, $sharedir)
{
	run_or_die('mkdir', '-p', "$faulty$folder");
	run_or_die('cp', '-a', "$prefix$folder/.", "$faulty$folder");
}
run_or_die('make', '-s', '-j2', 'FAULTS=1', 'COPT=-O0', "PG_CONFIG=$ENV{PG_CONFIG}", 'all');
run_or_die('cp', 'softdelete.so', "$faulty$libdir/softdelete.so");
(my $install_path = "$faulty$bindir") =~ s{/bin$}{};

my $node = PostgreSQL::Test::Cluster->new('faults', install_path => $install_path);
$node->init;
$node->start;

my $schema = q{
	CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, room int, EXCLUDE (room WITH =) );
	CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
	CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES users DEFERRABLE);
	CREATE INDEX ON orders (user_id);
	INSERT INTO users SELECT i, 'u' || i, i FROM generate_series(1, 5) i;
	INSERT INTO orders SELECT i, i % 3 + 1 FROM generate_series(1, 9) i;
};
$node->safe_psql('postgres', "CREATE EXTENSION softdelete; $schema");

my $state = q{SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM (
	SELECT (u.*)::text FROM users u WHERE softdelete.include_deleted(u.deleted_at)
	UNION ALL SELECT (o.*)::text FROM orders o WHERE softdelete.include_deleted(o.deleted_at)
	UNION ALL SELECT (n.*)::text FROM notes n
	UNION ALL SELECT (d.*)::text FROM softdelete_internal.deletion d
	UNION ALL SELECT (r.*)::text FROM softdelete_internal.registration r
	UNION ALL SELECT (t.tgname, t.tgrelid)::text FROM pg_trigger t
	UNION ALL SELECT (c.relname, c.relkind)::text FROM pg_class c) t};
my $first_state = $state =~ s/WHERE softdelete\.include_deleted\(.\.deleted_at\)//gr;

# Runs the statement again and again in one session, failing at one call after the other, until it gets through; then
# rolls that back. Beyond the first calls it takes longer and longer steps.
sub fail_everywhere
{
	my ($name, $statement, $before, $state_query) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query_safe($before) if $before;
	$session->query_safe('SET client_min_messages = error');
	my $expected = $session->query($state_query);
	my ($failures, $call, $passed) = (0, 1, 0);
	while (!$passed && $call < 200_000)
	{
		$session->query('BEGIN');
		$session->query("SET LOCAL softdelete.fail_at_call = $call");
		$session->{stderr} = '';
		$session->query($statement);
		my $error = $session->{stderr};
		# What was not used up must not hit the check.
		$passed = $error eq '';
		if (!$passed && $error !~ /injected failure|out of memory/)
		{
			diag "call $call: $error";
			last;
		}
		$session->query('ROLLBACK');
		$failures++ if !$passed;
		$call += $call < 60 ? 1 : int($call / 12);
	}
	is($session->query($state_query), $expected, "$name: nothing is left behind");
	ok($passed && $failures > 0, "$name: $failures failures, each an error and no more");
	$session->quit;
}

fail_everywhere('register', "SELECT count(*) FROM softdelete.register('users', cascade => true)", '', $first_state);
fail_everywhere('plan', "SELECT count(*) FROM softdelete.plan('users')", '', $first_state);

$node->safe_psql('postgres', "SELECT count(*) FROM softdelete.register('users', cascade => true)");
my $deleted = 'DELETE FROM users WHERE id = 1';
fail_everywhere('delete', "SELECT softdelete.delete('users', 2)", '', $state);
fail_everywhere('preview', "SELECT count(*) FROM softdelete.preview('users', 2)", '', $state);
fail_everywhere('restore', "SELECT softdelete.restore('users', 1)", $deleted, $state);
fail_everywhere('UPDATE that restores', 'UPDATE users SET deleted_at = NULL WHERE id = 1', '', $state);
fail_everywhere('undo', 'SELECT softdelete.undo(max(id)) FROM softdelete_internal.deletion', '', $state);
fail_everywhere('conflicts', 'SELECT softdelete.conflicts(max(id)) FROM softdelete_internal.deletion', '', $state);
fail_everywhere('deletions', 'SELECT * FROM softdelete.deletions', '', $state);
fail_everywhere('configure', "SELECT count(*) FROM softdelete.configure('users', retention => '9 days')", '', $state);
fail_everywhere('repair', "SELECT count(*) FROM softdelete.repair('users')", '', $state);
fail_everywhere('a new index', 'CREATE INDEX ON users (room)', '', $state);
fail_everywhere('a new constraint', 'ALTER TABLE users ADD COLUMN x int UNIQUE, ADD UNIQUE (room)', '', $state);
fail_everywhere('a new foreign key', 'CREATE TABLE more (user_id int REFERENCES users)', '', $state);
fail_everywhere('unregister', "SELECT count(*) FROM softdelete.unregister('users', 'purge')", '', $state);
fail_everywhere('DROP EXTENSION', 'DROP EXTENSION softdelete', '', $state);

is($node->safe_psql('postgres', "SELECT softdelete.restore('users', 1)"), '4', 'the server goes on');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|was terminated by signal|TRAP/, 'no crash');
done_testing();
