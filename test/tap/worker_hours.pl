# When the background worker works: in its hours, so long and no longer, and not at once after the recovery of a backup; what
# softdelete.worker_status tells of it, and how long the log of purges is kept.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(has_archiving => 1, allows_streaming => 1);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'softdelete'
max_worker_processes = 20
softdelete.worker_interval = '1s'
log_timezone = 'UTC'
});
$node->start;

sub configure
{
	my ($on, @settings) = @_;
	$on->append_conf('postgresql.conf', $_) for @settings;
	$on->reload;
}

# The hour of the server's clock in a time zone, and hours from now.
sub hours
{
	my ($from, $to, $zone) = @_;
	$zone //= 'UTC';
	return $node->safe_psql('postgres', "SELECT to_char(clock_timestamp() AT TIME ZONE '$zone' + interval '$from hours', 'HH24:MI') || '-'
		|| to_char(clock_timestamp() AT TIME ZONE '$zone' + interval '$to hours', 'HH24:MI')");
}

$node->safe_psql('postgres', 'CREATE ROLE shop LOGIN; CREATE ROLE watcher LOGIN IN ROLE pg_monitor; CREATE DATABASE shop OWNER shop');
$node->safe_psql('shop', 'CREATE EXTENSION softdelete');
$node->safe_psql('shop', q{
	CREATE TABLE products (id int PRIMARY KEY);
	SELECT softdelete.register('products', retention => '0');
	INSERT INTO products SELECT generate_series(1, 60000);
	DELETE FROM products WHERE id <= 10;
}, extra_params => [ '-U', 'shop' ]);

sub status
{
	my ($columns, $on) = @_;
	return ($on // $node)->safe_psql('shop', "SELECT $columns FROM softdelete.worker_status WHERE database = 'shop'", extra_params => [ '-U', 'watcher' ]);
}

sub status_becomes
{
	my ($condition, $name, $on) = @_;
	return ok(($on // $node)->poll_query_until('shop', "SELECT $condition FROM softdelete.worker_status WHERE database = 'shop'"), $name);
}
my $deleted = 'SELECT count(*) FROM deleted_products';

# What is no window.
for my $wrong ('01:00', '01:00-01:00', '25:00-02:00', '24:00-02:00', '1:0-2:00', 'a-b', '01:00-02:00 Nowhere/Land', '01:00-02:00x', '-')
{
	my ($result, $out, $error) = $node->psql('postgres', "ALTER SYSTEM SET softdelete.worker_window = '$wrong'");
	like($error, qr/invalid value for parameter "softdelete.worker_window"/, "no window: $wrong");
}

# Out of its hours it does nothing, and says when it will; over midnight, and in the zone that is named.
configure($node, "softdelete.worker_window = '" . hours(2, 4) . "'", q{softdelete.worker_databases = 'shop'});
sleep 3;
is($node->safe_psql('shop', $deleted), 10, 'out of its hours it purges nothing');
is($node->safe_psql('shop', 'SELECT count(*) FROM softdelete.worker_status'), 0, 'and has looked nowhere');
configure($node, "softdelete.worker_window = '" . hours(1, -1) . "'");
sleep 2;
is($node->safe_psql('shop', $deleted), 10, 'nor in the two hours that hours over midnight leave out');
configure($node, "softdelete.worker_window = '" . hours(-1, 1, 'Asia/Tokyo') . " Asia/Tokyo'");
ok($node->poll_query_until('shop', 'SELECT count(*) = 0 FROM deleted_products'), 'in its hours of the zone that is named it works');
status_becomes(q{state = 'idle' AND last_look <= last_end AND last_error IS NULL AND next_look > last_look AND waits_for IS NULL}, 'and tells of it');
configure($node, "softdelete.worker_window = '" . hours(2, 4) . "'");
status_becomes(q{waits_for = 'window' AND next_look BETWEEN now() + interval '110 min' AND now() + interval '121 min'}, 'then it waits for its hours');
configure($node, q{softdelete.worker_window = ''});
status_becomes(q{waits_for IS NULL AND next_look < now() + interval '10 s'}, 'until it has none');
$node->safe_psql('shop', 'DELETE FROM products WHERE id = 11', extra_params => [ '-U', 'shop' ]);
configure($node, "softdelete.worker_window = '" . hours(2, 1) . "'");
ok($node->poll_query_until('shop', 'SELECT count(*) = 0 FROM deleted_products'), 'over midnight it works as well');
configure($node, q{softdelete.worker_window = ''});

# Who may know.
my ($result, $out, $error) = $node->psql('shop', 'SELECT * FROM softdelete.worker_status', extra_params => [ '-U', 'shop' ]);
like($error, qr/permission denied for view worker_status/, 'the view is for pg_monitor');

# A longest run ends it between batches, and the next look goes on; a reload reaches the run under way.
configure($node, q{softdelete.worker_max_runtime = '1s'}, q{softdelete.worker_delay = '3s'});
$node->safe_psql('shop', 'DELETE FROM products WHERE id <= 60000', extra_params => [ '-U', 'shop' ]);
ok($node->poll_query_until('shop', q{SELECT count(*) > 1 FROM softdelete.purge_log WHERE state = 'stopped'}), 'a run that lasts too long stops');
configure($node, q{softdelete.worker_max_runtime = 0}, q{softdelete.worker_delay = '1h'});
ok($node->poll_query_until('shop', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'softdelete worker' AND backend_xmin IS NULL
	AND (SELECT state = 'running' AND batches > 0 FROM softdelete.purge_log ORDER BY id DESC LIMIT 1)}), 'it rests for an hour');
status_becomes(q{state = 'running'}, 'and is running');
configure($node, "softdelete.worker_window = '" . hours(2, 4) . "'");
ok($node->poll_query_until('shop', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'softdelete worker'}), 'a reload that takes its hours ends the run');
is($node->safe_psql('shop', q{SELECT state FROM softdelete.purge_log ORDER BY id DESC LIMIT 1}), 'stopped', 'whose line says so');
configure($node, q{softdelete.worker_window = ''}, q{softdelete.worker_delay = 0});
ok($node->poll_query_until('shop', 'SELECT count(*) = 0 FROM deleted_products'), 'the next run takes the rest');

# Nothing due: no further lines. A held row: one line, of the last look, and none per look about the others.
$node->safe_psql('shop', q{
	CREATE TABLE quiet (id int PRIMARY KEY);
	SELECT softdelete.register('quiet', retention => '0');
	INSERT INTO products VALUES (1);
	SELECT softdelete.hold('products', 'law suit', 1);
	DELETE FROM products;
}, extra_params => [ '-U', 'shop' ]);
ok($node->poll_query_until('shop', q{SELECT count(*) = 1 FROM softdelete.purge_log WHERE held > 0 AND relation = 'products'::regclass}), 'a held row is told of');
my $told = $node->safe_psql('shop', q{SELECT max(id) FROM softdelete.purge_log WHERE relation = 'products'::regclass});
ok($node->poll_query_until('shop', qq{SELECT max(id) > $told + 3 FROM softdelete.purge_log WHERE held > 0 AND relation = 'products'::regclass}), 'a held row is looked at again and again');
is($node->safe_psql('shop', q{SELECT count(*) FROM softdelete.purge_log WHERE relation = 'quiet'::regclass}), 1, 'of another table there is one line');
$node->safe_psql('shop', 'SELECT softdelete.release(id) FROM softdelete.holds', extra_params => [ '-U', 'shop' ]);
ok($node->poll_query_until('shop', 'SELECT count(*) = 0 FROM deleted_products'), 'until it is released');

# An error of the worker itself shows.
$node->safe_psql('postgres', 'ALTER DATABASE shop ALLOW_CONNECTIONS false');
ok($node->poll_query_until('postgres', q{SELECT last_error = 'ended early, see the server''s log' AND last_error_at > last_end
	FROM softdelete.worker_status WHERE database = 'shop'}), 'a database that lets nobody in') if $node->safe_psql('postgres', 'CREATE EXTENSION softdelete') eq '';
$node->safe_psql('postgres', 'ALTER DATABASE shop ALLOW_CONNECTIONS true');

# The log of purges has a retention, and keeps the last line of each table.
configure($node, q{softdelete.worker_databases = ''});
$node->safe_psql('shop', q{UPDATE softdelete_internal.purge_run SET started_at = now() - interval '2 years'});
$node->safe_psql('shop', 'SET softdelete.purge_log_retention = -1; CALL softdelete.purge()');
ok($node->safe_psql('shop', q{SELECT count(*) FROM softdelete.purge_log WHERE relation = 'products'::regclass}) > 3, 'a log that is kept for ever');
$node->safe_psql('shop', 'CALL softdelete.purge()', extra_params => [ '-U', 'shop' ]);
is($node->safe_psql('shop', q{SELECT count(*) FROM softdelete.purge_log WHERE started_at < now() - interval '1 year'}), 0, 'lines go after a year');
$node->safe_psql('shop', q{UPDATE softdelete_internal.purge_run SET started_at = now() - interval '2 years'; UPDATE softdelete_internal.registration SET retention = NULL});
$node->safe_psql('shop', 'CALL softdelete.purge()');
is($node->safe_psql('shop', q{SELECT string_agg(relation::text, ' ' ORDER BY relation::text) FROM softdelete.purge_log}), 'products quiet', 'but for the last of each table');
$node->safe_psql('shop', q{UPDATE softdelete_internal.registration SET retention = '0'});

# A backup that is recovered: what was due then is there for a while.
$node->safe_psql('shop', 'INSERT INTO products SELECT generate_series(1, 5); DELETE FROM products WHERE id <= 5', extra_params => [ '-U', 'shop' ]);
$node->backup('saved');
my $restored = PostgreSQL::Test::Cluster->new('restored');
$restored->init_from_backup($node, 'saved', has_restoring => 1, standby => 0);
$restored->append_conf('postgresql.conf', q{softdelete.worker_databases = 'shop'});
$restored->start;
ok($restored->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()'), 'a backup is recovered');
sleep 3;
is($restored->safe_psql('shop', $deleted), 5, 'and the worker leaves alone what is due there');
$restored->restart;
sleep 2;
is($restored->safe_psql('shop', $deleted), 5, 'also after a restart');
configure($restored, q{softdelete.worker_recovery_delay = 0});
ok($restored->poll_query_until('shop', 'SELECT count(*) = 0 FROM deleted_products'), 'until it is told to go on');
$restored->stop;
$node->stop;
done_testing();
