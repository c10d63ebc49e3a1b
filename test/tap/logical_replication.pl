# Logical replication between registered and unregistered tables, all four ways: rows and the initial copy arrive whole,
# a soft delete as the UPDATE that it is, a restore too; a physical DELETE and TRUNCATE apply.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($publisher, $subscriber) = map { PostgreSQL::Test::Cluster->new($_) } qw(publisher subscriber);
foreach my $node ($publisher, $subscriber)
{
	$node->init(allows_streaming => 'logical');
	$node->append_conf('postgresql.conf', "max_logical_replication_workers = 12\nmax_worker_processes = 16\nwal_retrieve_retry_interval = 100ms");
	$node->start;
}

# The unregistered tables have the columns as plain data.
my $schema = <<'SQL';
CREATE EXTENSION softdelete;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, deleted_at timestamptz, deleted_by text, deletion_id bigint);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE,
    deleted_at timestamptz, deleted_by text, deletion_id bigint);
CREATE INDEX ON orders (user_id);
SQL
my $register = "SELECT count(*) FROM softdelete.register('users', cascade => true)";

my @pairs;
foreach my $published ('registered', 'unregistered')
{
	$publisher->safe_psql('postgres', "CREATE DATABASE $published");
	$publisher->safe_psql($published, $schema);
	$publisher->safe_psql($published, $register) if $published eq 'registered';
	$publisher->safe_psql($published, <<'SQL');
INSERT INTO users (id, email) VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd');
INSERT INTO orders (id, user_id) VALUES (1, 1), (2, 2), (3, 3), (4, 4);
CREATE PUBLICATION everything FOR TABLES IN SCHEMA public;
SQL
	# Before anybody subscribes.
	$publisher->safe_psql($published, 'DELETE FROM users WHERE id = 1');
	foreach my $subscribed ('registered', 'unregistered')
	{
		my $database = "${subscribed}_from_$published";
		push @pairs, [ $published, $subscribed, $database ];
		$subscriber->safe_psql('postgres', "CREATE DATABASE $database");
		$subscriber->safe_psql($database, $schema);
		$subscriber->safe_psql($database, $register) if $subscribed eq 'registered';
		# The extension's own tables stay on each side: the publication is of a schema.
		$subscriber->safe_psql($database, sprintf q{CREATE SUBSCRIPTION %1$s CONNECTION '%2$s' PUBLICATION everything
			WITH (slot_name = %1$s, copy_data = true)}, $database, $publisher->connstr($published) =~ s/'/''/gr);
	}
}

sub wait_for
{
	my ($published, $database) = @_;
	$publisher->wait_for_catchup($database, 'replay', $publisher->lsn('write'));
}
$subscriber->poll_query_until($_->[2], "SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')") for @pairs;

my $rows = q{SELECT 'user', id, email, deleted_at, deleted_by, deletion_id FROM users WHERE softdelete.include_deleted(deleted_at) UNION ALL
	SELECT 'order', id, user_id::text, deleted_at, deleted_by, deletion_id FROM orders WHERE softdelete.include_deleted(deleted_at) ORDER BY 1, 2};

# Runs a statement on the publishers and compares; then how many users each kind of subscriber sees.
sub arrives
{
	my ($statement, $only, %seen) = @_;
	foreach my $published ('registered', 'unregistered')
	{
		next if $only && $only ne $published;
		$publisher->safe_psql($published, $statement);
	}
	foreach my $pair (@pairs)
	{
		my ($published, $subscribed, $database) = @$pair;
		next if $only && $only ne $published;
		wait_for($published, $database);
		is($subscriber->safe_psql($database, $rows), $publisher->safe_psql($published, $rows), "$published to $subscribed: $statement");
		is($subscriber->safe_psql($database, 'SELECT count(*) FROM users'), $seen{$database}, '... and is seen so');
	}
}

my $both = 'registered_from_registered';
arrives('SELECT', undef, $both => 3, registered_from_unregistered => 3, unregistered_from_registered => 4, unregistered_from_unregistered => 3);
arrives('DELETE FROM users WHERE id = 2', undef,
	$both => 2, registered_from_unregistered => 2, unregistered_from_registered => 4, unregistered_from_unregistered => 2);
is($subscriber->safe_psql($both, 'SELECT deletion_id FROM orders WHERE deleted_at IS NOT NULL ORDER BY id'), "1\n2", 'cascades arrive with their ids');
arrives("SELECT softdelete.restore('users', 2)", 'registered', $both => 3, unregistered_from_registered => 4);
arrives('UPDATE users SET deleted_at = now() WHERE id = 3', 'registered', $both => 2, unregistered_from_registered => 4);
arrives('UPDATE users SET email = upper(email)', undef,
	$both => 2, registered_from_unregistered => 2, unregistered_from_registered => 4, unregistered_from_unregistered => 2);
arrives('DELETE FROM orders WHERE deleted_at IS NOT NULL', 'registered', $both => 2, unregistered_from_registered => 4);
arrives('DELETE FROM users WHERE deleted_at IS NOT NULL', 'registered', $both => 2, unregistered_from_registered => 2);
arrives("SET softdelete.deletion = 'hard'; TRUNCATE users CASCADE", undef,
	$both => 0, registered_from_unregistered => 0, unregistered_from_registered => 0, unregistered_from_unregistered => 0);

# FOR ALL TABLES would publish the extension's own tables as well.
$publisher->safe_psql('postgres', 'CREATE EXTENSION softdelete; CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION "All" FOR ALL TABLES');
like($publisher->safe_psql('postgres', "SELECT object, action, command FROM softdelete.plan('t')"),
	qr/^publication "All"\|warning\|.*^DROP\s+PUBLICATION\s+"All";\s+CREATE\s+PUBLICATION\s+"All"\s+FOR\s+TABLES\s+IN\s+SCHEMA\s+public$/ms,
	'register warns of a publication FOR ALL TABLES');

# The subscriber's own statements are as soft as ever.
$subscriber->safe_psql($both, "INSERT INTO users (id, email) VALUES (9, 'z'); DELETE FROM users");
is($subscriber->safe_psql($both, 'SELECT count(*) FROM all_users'), '1', 'the subscriber deletes softly itself');
unlike(slurp_file($subscriber->logfile), qr/ERROR/, 'no apply worker stumbled');

foreach my $pair (@pairs)
{
	$subscriber->safe_psql($pair->[2], "DROP SUBSCRIPTION $pair->[2]");
}
$subscriber->stop;
$publisher->stop;
done_testing();
