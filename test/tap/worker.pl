# The background worker purges what is due, in the databases that it is told of, and shows what it does; pg_cron runs the
# job that schedule() makes.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

chomp(my $libraries = `$ENV{BINDIR}/pg_config --pkglibdir`);
my $has_cron = -e "$libraries/pg_cron.so";
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf(
	'postgresql.conf', q{
max_worker_processes = 20
softdelete.worker_interval = '1s'
});
$node->append_conf('postgresql.conf', $has_cron ? "shared_preload_libraries = 'softdelete,pg_cron'
cron.database_name = 'shop'
cron.use_background_workers = on" : "shared_preload_libraries = 'softdelete'");
$node->start;

sub configure
{
	my ($setting) = @_;
	$node->append_conf('postgresql.conf', $setting);
	$node->reload;
}

$node->safe_psql('postgres', 'CREATE ROLE shop LOGIN');
for my $database ('shop', 'Other Shop')
{
	$node->safe_psql('postgres', qq{CREATE DATABASE "$database" OWNER shop});
	$node->safe_psql($database, 'CREATE EXTENSION softdelete');
	$node->safe_psql($database, q{
		CREATE TABLE products (id int PRIMARY KEY);
		CREATE TABLE broken (id int PRIMARY KEY);
		SELECT softdelete.register('products', retention => '0');
		SELECT softdelete.register('broken', retention => '0');
		CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'this table is broken'; END $$;
		CREATE TRIGGER fail BEFORE DELETE ON broken FOR EACH STATEMENT EXECUTE FUNCTION fail();
		INSERT INTO products SELECT generate_series(1, 20);
		DELETE FROM products WHERE id <= 10;
	}, extra_params => [ '-U', 'shop' ]);
}
$node->safe_psql('postgres', 'CREATE DATABASE "Without"');

sub deleted { my ($database) = @_; return $node->safe_psql($database, 'SELECT count(*) FROM deleted_products'); }

# By default no database is purged.
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'softdelete launcher'}),
	'the launcher shows in pg_stat_activity');
sleep 2;
is(deleted('shop'), 10, 'no worker without softdelete.worker_databases');

# The databases named; the others are left alone.
configure(q{softdelete.worker_databases = 'shop, missing, Without'});
ok($node->poll_query_until('shop', 'SELECT count(*) = 0 FROM deleted_products'), 'the worker purges what is due');
ok($node->poll_query_until('shop', q{SELECT count(*) = 2 FROM softdelete.purge_log WHERE state = 'done'}), 'and ends its run of both tables');
is($node->safe_psql('shop', 'SELECT count(*) FROM products'), 10, 'and nothing else');
is(deleted('Other Shop'), 10, 'nor another database');
is($node->safe_psql('shop', q{SELECT state, removed, run_by = (SELECT rolname FROM pg_roles WHERE oid = 10)
	FROM softdelete.purge_log WHERE relation = 'products'::regclass AND removed > 0}), 'done|10|t', 'the log names the run');
like(slurp_file($node->logfile), qr/WARNING:  database "missing" does not exist/, 'a database that does not exist is reported');
my $runs = $node->safe_psql('shop', 'SELECT count(*) FROM softdelete.purge_log');
sleep 2;
is($node->safe_psql('shop', 'SELECT count(*) FROM softdelete.purge_log'), $runs, 'where nothing is due there is no run');

# An error in one table is logged and remembered, and the others are purged.
$node->safe_psql('shop', q{
	INSERT INTO broken SELECT generate_series(1, 200);
	DELETE FROM broken;
	DELETE FROM products WHERE id = 11;
}, extra_params => [ '-U', 'shop' ]);
ok($node->poll_query_until('shop', q{SELECT count(*) > 0 FROM softdelete.purge_log WHERE state = 'failed'}), 'the failure is remembered');
is($node->safe_psql('shop', q{SELECT DISTINCT relation, error FROM softdelete.purge_log WHERE state = 'failed'}),
	'broken|error P0001: table public.broken', 'with its table and SQLSTATE');
ok($node->poll_query_until('shop', 'SELECT count(*) = 0 FROM deleted_products'), 'the other table is purged');
like(slurp_file($node->logfile), qr/WARNING:  could not purge table "broken": SQLSTATE P0001/, 'the failure is in the server log');
$node->safe_psql('shop', 'DROP TRIGGER fail ON broken');
ok($node->poll_query_until('shop', 'SELECT count(*) = 0 FROM deleted_broken'), 'and purged when it is mended');

# What stays is told once, by the last look.
$node->safe_psql('shop', q{SELECT softdelete.hold('products', 'a case', 13); DELETE FROM products WHERE id = 13}, extra_params => [ '-U', 'shop' ]);
ok($node->poll_query_until('shop', q{SELECT count(*) = 1 FROM softdelete.purge_log WHERE held = 1}), 'the log tells of a row on hold');
my $line = $node->safe_psql('shop', 'SELECT max(id) FROM softdelete.purge_log');
ok($node->poll_query_until('shop', "SELECT max(id) > $line + 1 FROM softdelete.purge_log"), 'it looks again');
is($node->safe_psql('shop', 'SELECT count(*) FROM softdelete.purge_log WHERE held = 1 AND finished_at IS NOT NULL'), 1, 'and one line says so');
$node->safe_psql('shop', 'SELECT softdelete.release(id) FROM softdelete.holds', extra_params => [ '-U', 'shop' ]);
ok($node->poll_query_until('shop', 'SELECT count(*) = 0 FROM deleted_products'), 'released, it is purged');

# It rests between its batches, in no transaction that would hold anything up.
configure(q{softdelete.worker_delay = '3s'});
$node->safe_psql('shop', 'DELETE FROM products WHERE id = 20', extra_params => [ '-U', 'shop' ]);
ok($node->poll_query_until('shop', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'softdelete worker'
	AND query = 'CALL softdelete.purge(delay => ''3000 ms'')' AND (SELECT count(*) = 0 FROM deleted_products)
	AND backend_xid IS NULL AND backend_xmin IS NULL}), 'it rests after a batch');
configure(q{softdelete.worker_delay = '0'});
ok($node->poll_query_until('shop', q{SELECT state = 'done' FROM softdelete.purge_log ORDER BY id DESC LIMIT 1}), 'and ends');

# A run under way shows in pg_stat_activity and in the log; one worker per database; shutdown stops it at once.
$node->safe_psql('shop', q{
	CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN old; END $$;
	CREATE TRIGGER wait BEFORE DELETE ON products FOR EACH ROW EXECUTE FUNCTION wait();
	DELETE FROM products WHERE id = 12;
}, extra_params => [ '-U', 'shop' ]);
ok($node->poll_query_until('shop', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'softdelete worker'
	AND query = 'CALL softdelete.purge(delay => ''0 ms'')' AND datname = 'shop' AND state = 'active'}), 'the worker shows what it does');
ok($node->poll_query_until('shop', q{SELECT (state, due, removed) = ('running', 1, 0) FROM softdelete.purge_log ORDER BY id DESC LIMIT 1}),
	'the log shows the run under way');
sleep 2;
is($node->safe_psql('shop', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'softdelete worker' AND datname = 'shop'}), 1,
	'one worker per database');
$node->stop('fast', timeout => 30);
$node->append_conf('postgresql.conf', q{softdelete.worker_databases = ''});
$node->start;
is($node->safe_psql('shop', q{SELECT state FROM softdelete.purge_log ORDER BY id DESC LIMIT 1}), 'interrupted',
	'a run that was cut off says so');
is(deleted('shop'), 1, 'and lost nothing');
$node->safe_psql('shop', 'DROP TRIGGER wait ON products');

# Every database; names in upper case.
configure(q{softdelete.worker_databases = '*'});
ok($node->poll_query_until('Other Shop', 'SELECT count(*) = 0 FROM deleted_products'), 'every database');
configure(q{softdelete.worker_databases = '"Other Shop"'});
$node->safe_psql('Other Shop', 'DELETE FROM products WHERE id = 13', extra_params => [ '-U', 'shop' ]);
ok($node->poll_query_until('Other Shop', 'SELECT count(*) = 0 FROM deleted_products'), 'a quoted name');
$node->append_conf('postgresql.conf', q{softdelete.worker_databases = ''});
$node->reload;

# pg_cron: without it a clear error, with it a job that it runs.
my ($result, $out, $error) = $node->psql('Other Shop', q{SELECT softdelete.schedule('* * * * *')}, extra_params => [ '-U', 'shop' ]);
like($error, qr/extension "pg_cron" is not installed in this database\nHINT:  Run CREATE EXTENSION pg_cron/, 'schedule says what is missing');
SKIP:
{
	skip 'pg_cron is not installed', 6 unless $has_cron;
	$node->safe_psql('shop', 'CREATE EXTENSION pg_cron; GRANT USAGE ON SCHEMA cron TO shop');
	my $job = $node->safe_psql('shop', q{SELECT softdelete.schedule('17 3 * * *')}, extra_params => [ '-U', 'shop' ]);
	is($node->safe_psql('shop', q{SELECT softdelete.schedule('* * * * *')}, extra_params => [ '-U', 'shop' ]), $job, 'a second call changes the times');
	$node->safe_psql('shop', q{SELECT softdelete.schedule('0 4 * * *', 'broken')}, extra_params => [ '-U', 'shop' ]);
	is($node->safe_psql('shop', 'SELECT schedule, command, username FROM cron.job ORDER BY jobid'),
		"* * * * *|CALL softdelete.purge()|shop\n0 4 * * *|CALL softdelete.purge('public.broken')|shop", 'the jobs');
	$node->safe_psql('shop', 'DELETE FROM products WHERE id = 14', extra_params => [ '-U', 'shop' ]);
	ok($node->poll_query_until('shop', 'SELECT count(*) = 0 FROM deleted_products'), 'pg_cron runs the purge');
	is($node->safe_psql('shop', q{SELECT run_by FROM softdelete.purge_log WHERE removed > 0 ORDER BY id DESC LIMIT 1}), 'shop',
		'as the role that scheduled it');
	is($node->safe_psql('shop', 'SELECT softdelete.unschedule()', extra_params => [ '-U', 'shop' ]), 2, 'unschedule ends the jobs');
	is($node->safe_psql('shop', 'SELECT count(*) FROM cron.job'), 0, 'of which none is left');
}

# With one worker free for several databases each has its turn, as soon as it is free.
$node->append_conf('postgresql.conf', 'max_worker_processes = ' . ($has_cron ? 4 : 3) . "\nsoftdelete.worker_databases = '*'");
$node->safe_psql($_, 'DELETE FROM products WHERE id = 15', extra_params => [ '-U', 'shop' ]) for 'shop', 'Other Shop';
$node->restart;
ok($node->poll_query_until($_, 'SELECT count(*) = 0 FROM deleted_products'), "one worker for all: it comes to $_") for 'shop', 'Other Shop';
like(slurp_file($node->logfile), qr/WARNING:  no background worker is free to purge database/, 'the others wait, and the log says so');
$node->append_conf('postgresql.conf', q{softdelete.worker_interval = '1h'});
$node->safe_psql($_, 'DELETE FROM products WHERE id = 16', extra_params => [ '-U', 'shop' ]) for 'shop', 'Other Shop';
$node->restart;
ok($node->poll_query_until($_, 'SELECT count(*) = 0 FROM deleted_products'), "within one look: $_") for 'shop', 'Other Shop';
ok($node->poll_query_until('shop', q{SELECT count(*) = 4 AND bool_and(last_look IS NOT NULL AND next_look > now() + interval '50 min')
	FROM softdelete.worker_status WHERE database IN ('shop', 'Other Shop', 'Without', 'postgres')}), 'the status has them all');
$node->stop;
done_testing();
