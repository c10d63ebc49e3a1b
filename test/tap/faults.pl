# The server survives that memory runs out at every allocation, the library's own and the server's: the statement fails with an
# error, nothing is half done, the session goes on, again and again.
use strict;
use warnings;
use Faults;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = Faults::start_node('faults');

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

# Runs the statement again and again in one session, failing at one allocation after the other, until it gets through;
# then rolls that back. Beyond the first it takes longer and longer steps.
sub fail_everywhere
{
	my ($name, $statement, $before, $state_query) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query_safe($before) if $before;
	$session->query_safe('SET client_min_messages = error');
	my $expected = $session->query($state_query);
	my ($failures, $allocation, $passed) = (0, 1, 0);
	while (!$passed && $allocation < 10_000_000)
	{
		$session->query('BEGIN');
		$session->query("SET faults.at_allocation = $allocation");
		$session->{stderr} = '';
		$session->query($statement);
		my $error = $session->{stderr};
		# What was not used up must not hit the check.
		$passed = $error eq '';
		if (!$passed && $error !~ /injected failure|out of memory/)
		{
			diag "allocation $allocation: $error";
			last;
		}
		$session->query('ROLLBACK');
		$failures++ if !$passed;
		$allocation += $allocation < 20 ? 1 : int($allocation / 10);
	}
	is($session->query($state_query), $expected, "$name: nothing is left behind");
	ok($passed && $failures > 0, "$name: $failures failures, each an error and no more");
	$session->quit;
}

# The same at each place where anything is allocated, the session being warm. Nothing that an error leaves out is made up for:
# a statement of ours whose text is not all there must not run.
sub fail_at_each_place
{
	my ($name, $statement) = @_;
	my $record = "SET faults.kind = record;\nBEGIN;\nSET faults.at_allocation = 1;\n$statement;\nSET faults.at_allocation = 0;\nROLLBACK;\nSHOW faults.places;";
	my ($out, $errors) = ('', '');
	$node->psql('postgres', "BEGIN;\n$statement;\nROLLBACK;\n$record", stdout => \$out);
	my @places = $out =~ /^ (\d[\d ]*)$/m ? split / /, $1 : ();
	pop @places; # after the statement
	my $script = join '', map { "BEGIN;\nSET faults.at_allocation = $_;\n$statement;\n\\echo state :SQLSTATE\nROLLBACK;\n" } @places;
	$node->psql('postgres', "BEGIN;\n$statement;\nROLLBACK;\nSET faults.kind = error;\n$script", stdout => \$out, stderr => \$errors, on_error_stop => 0);
	my @states = $out =~ /^state (\w+)$/mg;
	ok(@places > 50 && @states == @places, "$name: " . @places . ' places');
	is(join(' ', map { $states[$_] eq '53200' ? () : "$states[$_] at $places[$_]" } 0 .. $#states), '', "$name: fails at each") or diag "of $places[-1]";
	unlike($errors, qr/ERROR:  (?!injected failure|out of memory)/, "$name: and for no other reason");
}

fail_everywhere('register', "SELECT count(*) FROM softdelete.register('users', cascade => true)", '', $first_state);
fail_everywhere('plan', "SELECT count(*) FROM softdelete.plan('users')", '', $first_state);

$node->safe_psql('postgres', "SELECT count(*) FROM softdelete.register('users', cascade => true)");
my $deleted = 'DELETE FROM users WHERE id = 1';
fail_everywhere('delete', "SELECT softdelete.delete('users', 2)", '', $state);
fail_everywhere('preview', "SELECT count(*) FROM softdelete.preview('users', 2)", '', $state);
fail_at_each_place('preview', "SELECT count(*) FROM softdelete.preview('users', 2)");
fail_at_each_place('hold', "SELECT softdelete.hold('users', 'law suit', 2)");
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
