# A physical standby: queries are filtered there too, what reads works, what writes is refused as the server does it, a
# registration reaches open sessions; after promotion everything goes on.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->start;
$primary->safe_psql('postgres', <<'SQL');
CREATE EXTENSION softdelete;
CREATE ROLE app LOGIN;
CREATE SCHEMA app AUTHORIZATION app;
ALTER ROLE app SET search_path = app;
SQL

sub run_on
{
	my ($node, $sql) = @_;
	my ($out, $errors) = ('', '');
	$node->psql('postgres', $sql, stdout => \$out, stderr => \$errors, on_error_stop => 0,
		extra_params => [ '-U', 'app', '-v', 'VERBOSITY=sqlstate' ]);
	return join(' ', grep { $_ ne '' } split(/\n/, $out), $errors =~ /ERROR:  (\w+)/g);
}

run_on($primary, <<'SQL');
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
CREATE INDEX ON orders (user_id);
CREATE TABLE later (id int PRIMARY KEY);
SELECT count(*) FROM softdelete.register('users', cascade => true);
INSERT INTO users VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO orders VALUES (1, 1), (2, 2), (3, 3), (4, 3);
INSERT INTO later VALUES (1), (2);
DELETE FROM orders WHERE id = 1;
DELETE FROM users WHERE id = 2;
INSERT INTO users VALUES (4, 'b');
SQL
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

# Asked of both: the standby answers as the primary does.
my %expected = (
	'SELECT id FROM users ORDER BY id' => '1 3 4',
	'SELECT u.id, o.id FROM users u LEFT JOIN orders o ON o.user_id = u.id ORDER BY 1, 2' => '1| 3|3 3|4 4|',
	'SELECT id FROM users WHERE deleted_at IS NOT NULL' => '2',
	'SELECT id FROM deleted_orders ORDER BY id' => '1 2',
	'SELECT count(*) FROM users u WHERE softdelete.include_deleted(u.deleted_at)' => '4',
	"SET softdelete.visibility = 'all'; SELECT count(*) FROM users" => '4',
	'SELECT id, relation, rows FROM softdelete.deletions ORDER BY id' => '1|orders|{"app.orders": 1} 2|users|{"app.users": 1, "app.orders": 1}',
	'SELECT relation, visibility FROM softdelete.tables ORDER BY 1' => 'users|filter orders|filter',
	"SELECT * FROM softdelete.preview('users', 3)" => '0|users|delete|1 1|orders|cascade|2',
	"SELECT tree, rows, action FROM softdelete.preview_tree('users', 3)" => 'users|1|delete   orders|2|cascade total|3|delete',
	q{SELECT split_part(softdelete.cascade_graph('users'), E'\n', 1)} => 'flowchart TD',
	q{SELECT relation, action, rows, detail FROM softdelete.undo_preview(actor => 'app', since => '-infinity')} =>
	  'users|restore|1| orders|restore|1| orders|restore|1| users|refuse||Key (email)=(b) is taken by a live row.',
	'SELECT * FROM softdelete.conflicts(2)' => 'users|{"id": 2}|unique|Key (email)=(b) is taken by a live row.',
	"SELECT action, object FROM softdelete.plan('later') WHERE online AND object LIKE 'column%'" =>
	  'create|column deleted_at create|column deleted_by create|column deletion_id',
	'COPY orders (id) TO STDOUT' => '3 4',
);
$primary->wait_for_catchup($standby);
foreach my $query (sort keys %expected)
{
	is(run_on($standby, $query), $expected{$query}, $query);
	is(run_on($primary, "BEGIN READ ONLY; $query; COMMIT"), $expected{$query}, '... in a read-only transaction of the primary');
}

# Whatever writes is refused with the server's own error.
foreach my $statement ('DELETE FROM users WHERE id = 1', 'UPDATE users SET deleted_at = now()', 'UPDATE users SET deleted_at = NULL',
	"SELECT softdelete.delete('users', 1)", "SELECT softdelete.restore('users', 2)", 'SELECT softdelete.undo(1)',
	"SELECT softdelete.undo(relation => 'users', since => '-infinity')",
	"SELECT softdelete.register('later')", "SELECT softdelete.unregister('orders')", "SELECT softdelete.repair('users')",
	"SELECT softdelete.configure('users', visibility => 'view')")
{
	is(run_on($standby, $statement), '25006', $statement);
}

# A session that is open when a table is registered, and has a plan for it.
my $session = $standby->background_psql('postgres', extra_params => [ '-U', 'app' ], on_error_stop => 0);
$session->query('PREPARE look AS SELECT count(*) FROM later');
is($session->query('EXECUTE look') =~ s/\s//gr, '2', 'before the registration');
run_on($primary, "SELECT softdelete.register('later'); DELETE FROM later WHERE id = 1");
$primary->wait_for_catchup($standby);
is($session->query('EXECUTE look') =~ s/\s//gr, '1', 'the registration reaches a cached plan on the standby');
$session->quit;

# Promotion.
$primary->stop;
$standby->promote;
is(run_on($standby, 'SELECT id FROM users ORDER BY id'), '1 3 4', 'promoted: as before');
is(run_on($standby, 'DELETE FROM users WHERE id = 3 RETURNING deletion_id > 3'), 't', 'ids go on');
is(run_on($standby, 'SELECT count(*) FROM orders'), '0', 'cascades go on');
is(run_on($standby, "SELECT softdelete.restore('users', 3)"), '3', 'a deletion after promotion can be undone');
is(run_on($standby, 'DELETE FROM users WHERE id = 4; SELECT softdelete.undo(2)'), '2', '... and one before it');
$standby->stop;
done_testing();
