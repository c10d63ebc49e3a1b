# pg_partman moves rows by DELETE .. RETURNING and INSERT, and drops the partitions that it has emptied. Deleted rows are not
# lost by that: what would lose them is refused, and what the manual says moves them as well.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

chomp(my $share = `pg_config --sharedir`);
plan skip_all => 'not run: no pg_partman' if !-e "$share/extension/pg_partman.control";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'softdelete'");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE pristine');
$node->safe_psql('pristine', q{
CREATE EXTENSION softdelete;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE TABLE logs (id int NOT NULL, day date NOT NULL, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
});
my $type = $node->safe_psql('pristine', q{SELECT CASE WHEN extversion < '5' THEN 'native' ELSE 'range' END FROM pg_extension WHERE extname = 'pg_partman'});
$node->safe_psql('pristine', qq{
SELECT partman.create_parent(p_parent_table => 'public.logs', p_control => 'day', p_type => '$type', p_interval => '1 month', p_start_partition => '2026-01-01');
SELECT count(*) FROM softdelete.register('logs', retention => '1 year');
INSERT INTO logs SELECT i, date '2025-12-31' + i FROM generate_series(1, 90) i;
INSERT INTO logs SELECT i, date '2039-01-01' + i FROM generate_series(91, 100) i;
DELETE FROM logs WHERE id % 3 = 0;
CREATE TABLE target (LIKE logs INCLUDING ALL);
});

# Calls a procedure in a copy of the database.
my $calls = 0;
sub call
{
	my ($call, $prepare) = @_;
	my $database = 'copy' . ++$calls;
	my $errors = '';
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE pristine");
	$node->psql($database, ($prepare // '') . ";\n$call", stderr => \$errors);
	return ($database, $errors);
}

sub rows { my ($database, $table) = @_; return $node->safe_psql($database, "SELECT count(*) || ' ' || count(deleted_at) FROM $table") }
is(rows('pristine', 'all_logs'), '100 33', 'a third of the rows is deleted');

my $undo = q{CALL partman.undo_partition_proc('public.logs', p_target_table => 'public.target', p_keep_table => %s, p_wait => 0)};
my ($database, $errors) = call(sprintf $undo, 'false');
like($errors, qr/cannot drop table "logs_\w+": its deleted rows would be lost.*HINT: Copy the table after SET softdelete.visibility = 'all'/s,
	'undo_partition_proc: partitions with deleted rows are not dropped');
is(rows($database, 'all_logs'), '100 33', 'nothing was moved');

($database, $errors) = call(sprintf($undo, 'false'), q{SELECT softdelete.hold('logs', 'law suit', 3, '2026-01-03')});
like($errors, qr/cannot (drop|detach) table/, 'nor with rows on hold');
is(rows($database, 'all_logs'), '100 33', 'nothing was moved');

($database, $errors) = call(sprintf $undo, 'true');
ok($errors !~ /ERROR/, 'with p_keep_table they are detached') or diag $errors;
is(rows($database, 'target'), '67 67', 'live rows are in the target, as DELETE .. RETURNING returns them');
is($node->safe_psql($database, q{SELECT sum((xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I', all_view), true, true, '')))[1]::text::int)
	FROM softdelete.tables WHERE relation::text ~ '_'}), 100, 'and all rows in the tables that were partitions');

my $settings = q{SET softdelete.deletion = 'hard'; SET softdelete.visibility = 'all'};
($database, $errors) = call(sprintf($undo, 'false'), $settings);
is(rows($database, 'target'), '100 33', 'as the manual says, it takes deleted rows along') or diag $errors;
$node->safe_psql($database, q{SELECT count(*) FROM softdelete.register('target')});
is($node->safe_psql($database, 'SELECT (SELECT count(*) FROM target), (SELECT count(*) FROM deleted_target)'), '67|33', 'and the target is registered then');

my $move = q{CALL partman.partition_data_proc('public.logs', p_wait => 0)};
($database, $errors) = call($move);
like($errors, qr/would be violated by some row/, 'partition_data_proc fails, since it deletes what it moves');
is(rows($database, 'all_logs'), '100 33', 'and nothing is lost');
($database, $errors) = call($move, $settings);
like($errors, qr/column "deletion_id" can only be written by softdelete/, 'so it does with deleted rows');
is(rows($database, 'all_logs'), '100 33', 'and nothing is lost');
my $restore = q{SELECT sum(softdelete.restore('logs', id, day)) FROM all_logs WHERE id > 90 AND deleted_at IS NOT NULL};
($database, $errors) = call($move, "$restore; SET softdelete.deletion = 'hard'");
is(rows($database, 'all_logs'), '100 30', 'as the manual says, it moves live rows') or diag $errors;
is($node->safe_psql($database, 'SELECT count(*) FROM logs_default'), 0, 'to its end');
done_testing();
