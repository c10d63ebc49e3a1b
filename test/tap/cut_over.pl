# Logical replication where the subscriber takes over: ids of deletions of the two databases never meet, deletions that came
# by replication can be undone after repair(), and rows whose ids did meet are told apart. What the publisher removes while
# the subscriber has a hold on it, or a retention of its own, stays.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($old, $new) = map { PostgreSQL::Test::Cluster->new($_) } qw(old new);
foreach my $node ($old, $new)
{
	$node->init(allows_streaming => 'logical');
	$node->append_conf('postgresql.conf', "wal_retrieve_retry_interval = 100ms\nautovacuum = off");
	$node->start;
	$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION softdelete;
CREATE ROLE keeper LOGIN;
GRANT CREATE ON SCHEMA public TO keeper;
GRANT CREATE ON DATABASE postgres TO keeper;
SET ROLE keeper;
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
CREATE INDEX ON orders (user_id);
SQL
}

sub as_keeper
{
	my ($node, $sql) = @_;
	return $node->safe_psql('postgres', $sql, extra_params => [ '-U', 'keeper' ]);
}

sub wait_for
{
	my ($from, $slot) = @_;
	$from->wait_for_catchup($slot, 'replay', $from->lsn('write'));
}

# One database alone has small ids.
as_keeper($old, "SELECT count(*) FROM softdelete.register('users', cascade => true)");
as_keeper($old, "INSERT INTO users SELECT g, 'user ' || g FROM generate_series(1, 20) g; INSERT INTO orders SELECT g, g FROM generate_series(1, 20) g");
is(as_keeper($old, 'DELETE FROM users WHERE id = 1 RETURNING deletion_id'), '1', 'ids begin at 1 in a database that is alone');
as_keeper($new, "SELECT count(*) FROM softdelete.register('users', retention => '1 year', cascade => true)");
is($new->safe_psql('postgres', 'SELECT last_value, is_called FROM softdelete_internal.deletion_id_seq'), '1|f', 'the other one is alone as well');

$old->safe_psql('postgres', 'CREATE PUBLICATION everything FOR TABLES IN SCHEMA public');
$new->safe_psql('postgres', sprintf q{CREATE SUBSCRIPTION forth CONNECTION '%s' PUBLICATION everything}, $old->connstr('postgres') =~ s/'/''/gr);
$new->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')");
is(as_keeper($old, 'DELETE FROM users WHERE id = 2 RETURNING deletion_id'), '2', 'the publisher goes on');
wait_for($old, 'forth');
is(as_keeper($new, 'SELECT id, deletion_id FROM all_orders WHERE deleted_at IS NOT NULL ORDER BY id'), "1|1\n2|2", 'its ids arrive');

# Cut-over: the subscriber deletes by itself.
$new->safe_psql('postgres', 'DROP SUBSCRIPTION forth');
my $own = as_keeper($new, 'DELETE FROM users WHERE id = 3 RETURNING deletion_id');
cmp_ok($own, '>', 2**40, 'ids of the subscriber are far away');
cmp_ok($own, '<', 2**60, '... but not at the end');
is(as_keeper($new, 'DELETE FROM users WHERE id = 4 RETURNING deletion_id') - $own, 1, '... and go on by one');
is(as_keeper($new, "SELECT count(*) FROM softdelete.deletions WHERE id < 10"), '0', 'the log does not know the deletions of the publisher');
is(as_keeper($new, "SELECT object, action FROM softdelete.repair('users')"), '2 deletions|adopt', 'repair takes them on');
is(as_keeper($new, "SELECT object, action FROM softdelete.repair('orders')"), '', '... with the tables below them') or 1;
is(as_keeper($new, "SELECT softdelete.undo(2)"), '2', 'and they can be undone');
is(as_keeper($new, "SELECT softdelete.undo($own)"), '2', 'as its own');
is(as_keeper($new, "SELECT id FROM all_users WHERE deleted_at IS NOT NULL ORDER BY id"), "1\n4", 'each revives its own rows');

# The other way round: the old one subscribes, and moves away from its small ids and from the other's.
as_keeper($old, 'DELETE FROM users WHERE id > 2');
$old->safe_psql('postgres', "SET softdelete.deletion = 'hard'; DELETE FROM all_orders; DELETE FROM all_users");
$new->safe_psql('postgres', 'CREATE PUBLICATION everything FOR TABLES IN SCHEMA public');
$old->safe_psql('postgres', sprintf q{CREATE SUBSCRIPTION back CONNECTION '%s' PUBLICATION everything}, $new->connstr('postgres') =~ s/'/''/gr);
$old->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')");
my $third = as_keeper($old, 'DELETE FROM users WHERE id = 9 RETURNING deletion_id');
cmp_ok($third, '>', 2**40, 'the former publisher has moved on');
isnt($third >> 40, $own >> 40, '... to a range of its own');
$old->safe_psql('postgres', 'ALTER SUBSCRIPTION back DISABLE');
is(as_keeper($old, 'DELETE FROM users WHERE id = 10 RETURNING deletion_id') - $third, 1, 'where it stays');
$old->safe_psql('postgres', 'ALTER SUBSCRIPTION back ENABLE');

# What did meet: two deletions with one id, as without this there would have been.
as_keeper($new, 'INSERT INTO users VALUES (101), (102), (103); INSERT INTO orders VALUES (101, 101), (102, 102), (103, 103)');
$new->safe_psql('postgres', "SELECT setval('softdelete_internal.deletion_id_seq', 500)");
as_keeper($new, 'DELETE FROM users WHERE id = 101');
$new->safe_psql('postgres', "SELECT setval('softdelete_internal.deletion_id_seq', 500)");
$new->safe_psql('postgres', "SET session_replication_role = replica; SET row_security = off; "
	. "INSERT INTO users VALUES (111, 'x', '2026-01-01 10:00+00', 'elsewhere', 501); INSERT INTO orders VALUES (111, 111, '2026-01-01 10:00+00', 'elsewhere', 501)");
$new->safe_psql('postgres', "SELECT setval('softdelete_internal.deletion_id_seq', (7::bigint << 40) + 900)"); # as where it subscribes
is(as_keeper($new, "SELECT object, action FROM softdelete.repair('users') ORDER BY action DESC"), "1 deletions with ids of others|alter\n1 deletions|adopt",
	'repair tells them apart');
as_keeper($new, "SELECT count(*) FROM softdelete.repair('orders')");
is(as_keeper($new, "SELECT count(DISTINCT deletion_id) FROM (SELECT deletion_id FROM all_users WHERE id = 111 UNION ALL SELECT deletion_id FROM all_orders WHERE id = 111) d"),
	'1', '... the same in each table');
is(as_keeper($new, 'SELECT softdelete.undo(501)'), '2', 'undo brings back what the log says');
is(as_keeper($new, 'SELECT id FROM all_users WHERE id IN (101, 111) AND deleted_at IS NULL'), '101', '... and nothing else');
is(as_keeper($new, "SELECT rows, deleted_by FROM softdelete.deletions WHERE deleted_by = 'elsewhere'"), '{"public.users": 1, "public.orders": 1}|elsewhere',
	'the other one is a deletion as well');
is(as_keeper($new, "SELECT count(*) FROM softdelete.repair('users')"), '0', 'nothing is left to repair');

# Somebody gave rows another time on purpose: the deletion stays one.
as_keeper($new, "UPDATE all_users SET deleted_at = deleted_at - interval '10 days' WHERE id = 4; UPDATE all_orders SET deleted_at = deleted_at - interval '10 days' WHERE id = 4");
is(as_keeper($new, "SELECT count(*) FROM softdelete.repair('users')"), '0', 'a deletion that was dated back as a whole stays itself');

# A physical copy that becomes a logical replica, and the other way round: both are called the same by the server, and each
# gives ids of its own.
sub range_of
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, 'SELECT last_value >> 40 FROM softdelete_internal.deletion_id_seq');
}

sub subscribe
{
	my ($node, $database, $name, $from) = @_;
	$from->safe_psql($database, "SELECT pg_create_logical_replication_slot('$name', 'pgoutput')");
	return $node->safe_psql($database, sprintf q{CREATE SUBSCRIPTION %1$s CONNECTION '%2$s' PUBLICATION p
		WITH (copy_data = false, create_slot = false, slot_name = '%1$s')}, $name, $from->connstr($database) =~ s/'/''/gr);
}
$old->safe_psql('postgres', 'CREATE DATABASE copied');
$old->safe_psql('copied', 'CREATE EXTENSION softdelete; CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION p FOR TABLE t');
$old->safe_psql('copied', "SELECT count(*) FROM softdelete.register('t'); INSERT INTO t SELECT generate_series(1, 9)");
$old->backup('base');
my $copy = PostgreSQL::Test::Cluster->new('copy');
$copy->init_from_backup($old, 'base');
$copy->start;
is($copy->safe_psql('copied', 'SELECT system_identifier FROM pg_control_system()'), $old->safe_psql('copied', 'SELECT system_identifier FROM pg_control_system()'),
	'the copy is called as the original');
subscribe($copy, 'copied', 'copy_forth', $old);
subscribe($old, 'copied', 'copy_back', $copy);
cmp_ok(range_of($copy, 'copied'), '>', 0, 'the copy moves to a range');
cmp_ok(range_of($old, 'copied'), '>', 0, '... the original as well');
isnt(range_of($copy, 'copied'), range_of($old, 'copied'), '... and not to the same');
my $kept = range_of($copy, 'copied');
$copy->safe_psql('copied', 'ALTER SUBSCRIPTION copy_forth DISABLE');
$copy->safe_psql('copied', 'ALTER SUBSCRIPTION copy_forth SET (slot_name = NONE)');
$copy->safe_psql('copied', 'DROP SUBSCRIPTION copy_forth');
is(range_of($copy, 'copied'), $kept, 'it keeps its range when its subscription ends');
$old->safe_psql('copied', 'DROP SUBSCRIPTION copy_back');
$copy->stop;

# A registration that comes after the subscription, and a copy of the database.
$new->safe_psql('postgres', 'CREATE DATABASE late');
$new->safe_psql('late', "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1);"
	. "CREATE SUBSCRIPTION unused CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false); ALTER SUBSCRIPTION unused SET (slot_name = NONE)");
$new->safe_psql('late', "CREATE EXTENSION softdelete");
$new->safe_psql('late', "SELECT count(*) FROM softdelete.register('t')");
cmp_ok($new->safe_psql('late', 'DELETE FROM t RETURNING deletion_id'), '>', 2**40, 'a subscription that was there first counts as well');
$new->safe_psql('late', 'DROP SUBSCRIPTION unused');

$old->safe_psql('postgres', 'DROP SUBSCRIPTION back');
$old->stop;
$new->stop;
done_testing();
