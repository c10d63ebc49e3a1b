# What check() says of the configuration, and whether its remedies mend that: libraries, settings with which sessions begin, and
# who purges. The caller's own session has no part in the answers.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'softdelete'\nsoftdelete.worker_interval = '1s'");
$node->start;

# Findings of a kind: object and remedy.
sub find
{
	my ($database, $code, @parameters) = @_;
	return $node->safe_psql($database, "SELECT object, remedy FROM softdelete.check() WHERE code = '$code' ORDER BY 1, 2",
		extra_params => [@parameters]);
}

sub mend
{
	my ($database, $code) = @_;
	return $node->safe_psql($database, $node->safe_psql($database, "SELECT remedy FROM softdelete.check() WHERE code = '$code' LIMIT 1"));
}

# A retention that nobody acts on: of a table, and of a history. Names that have to be quoted.
my $aged = q{
	CREATE TABLE notes (id int PRIMARY KEY);
	CREATE TABLE prices (id int PRIMARY KEY);
	SELECT FROM softdelete.register('notes', retention => '1 day');
	SELECT FROM softdelete.track_history('prices', retention => '1 day');
	INSERT INTO notes VALUES (1);
	DELETE FROM notes;
	UPDATE notes SET deleted_at = now() - interval '9 days' WHERE softdelete.include_deleted(deleted_at);
	UPDATE softdelete_internal.registration SET registered_at = now() - interval '5 years';
	UPDATE softdelete_internal.tracked_table SET begins_at = now() - interval '5 years';
};
for my $database ('shop', 'My Shop', 'MixedCase')
{
	$node->safe_psql('postgres', qq{CREATE DATABASE "$database"});
	$node->safe_psql($database, 'CREATE EXTENSION softdelete');
	$node->safe_psql($database, $aged);
}
my $reload = '; SELECT pg_catalog.pg_reload_conf()';
is(find('shop', 'retention_unattended'), join("\n", map { "$_|ALTER SYSTEM SET softdelete.worker_databases = 'shop'$reload" } 'retention', 'retention of the history'),
	'nobody purges');
mend('shop', 'retention_unattended');
ok($node->poll_query_until('shop', q{SELECT current_setting('softdelete.worker_databases') = 'shop'}), 'the setting names it');
is(find('shop', 'retention_unattended'), '', 'the worker will');
like(find('My Shop', 'retention_unattended'), qr/^retention\|ALTER SYSTEM SET softdelete.worker_databases = 'shop, "My Shop"'/, 'in a further database');
mend('My Shop', 'retention_unattended');
ok($node->poll_query_until('shop', q{SELECT current_setting('softdelete.worker_databases') = 'shop, "My Shop"'}), 'which is added');
$node->safe_psql('MixedCase', q{ALTER SYSTEM SET softdelete.worker_databases = 'shop, "My Shop", MixedCase'; SELECT pg_reload_conf()});
ok($node->poll_query_until('shop', q{SELECT current_setting('softdelete.worker_databases') ~ 'MixedCase'}), 'without quotes');
isnt(find('MixedCase', 'retention_unattended'), '', 'a name is another one');
mend('MixedCase', 'retention_unattended');
ok($node->poll_query_until('MixedCase', 'SELECT count(*) = 0 FROM deleted_notes'), 'the worker finds MixedCase');
is(find('MixedCase', 'retention_unattended'), '', 'which is no finding now');
ok($node->poll_query_until('My Shop', 'SELECT count(*) = 0 FROM deleted_notes'), 'and My Shop');

# A run in the log is enough, whoever made it.
$node->safe_psql('postgres', q{ALTER SYSTEM RESET softdelete.worker_databases; SELECT pg_reload_conf()});
ok($node->poll_query_until('shop', q{SELECT current_setting('softdelete.worker_databases') = ''}), 'no worker');
$node->safe_psql('shop', 'CALL softdelete.purge()');
is(find('shop', 'retention_unattended'), '', 'a run by hand');

# Settings of the configuration, which a session that has its own values does not show. What the database says wins.
$node->safe_psql('postgres', 'CREATE ROLE dba SUPERUSER LOGIN; ALTER ROLE dba SET softdelete.deletion = soft; ALTER ROLE dba SET session_preload_libraries = softdelete');
$node->append_conf('postgresql.conf', "softdelete.deletion = hard");
$node->reload;
ok($node->poll_query_until('shop', q{SELECT current_setting('softdelete.deletion') = 'hard'}), 'sessions begin with hard');
my $remedy = 'configuration|ALTER DATABASE shop SET softdelete.deletion = soft';
is(find('shop', 'hard_deletion_by_default'), $remedy, 'check says so');
is(find('shop', 'hard_deletion_by_default', '-U', 'dba'), $remedy, 'and to a role that has another value');
mend('shop', 'hard_deletion_by_default');
is(find('shop', 'hard_deletion_by_default'), '', 'the database has its own');
is($node->safe_psql('shop', 'SHOW softdelete.deletion'), 'soft', 'which holds');
$node->append_conf('postgresql.conf', "softdelete.deletion = soft");

# A database that names a worker's server without one. Libraries that wait for a restart stay in the list.
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\nsession_preload_libraries = 'auto_explain'\nsoftdelete.worker_databases = 'shop'");
$node->restart;
$node->safe_psql('shop', 'DELETE FROM softdelete_internal.purge_run', extra_params => [ '-U', 'dba' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'auto_explain'");
is(find('shop', 'library_not_loaded', '-U', 'dba'), 'database shop|ALTER DATABASE shop SET session_preload_libraries = auto_explain, softdelete',
	'to a role that loads the library by itself check tells of the others');
is(find('shop', 'library_overridden', '-U', 'dba'), '', 'and not of itself');
mend('shop', 'library_not_loaded');
is(find('shop', 'library_not_loaded'), '', 'mended');
is($node->safe_psql('shop', 'SHOW session_preload_libraries'), 'auto_explain, softdelete', 'with what the configuration has');
$node->safe_psql('postgres', 'ALTER ROLE dba SET session_preload_libraries = auto_explain; ALTER ROLE dba IN DATABASE shop SET session_preload_libraries = auto_explain, softdelete');
is(find('shop', 'library_overridden'), '', 'what a role has in the database wins');
$node->safe_psql('postgres', 'ALTER ROLE dba IN DATABASE shop SET session_preload_libraries = auto_explain; ALTER ROLE dba SET session_preload_libraries = softdelete');
is(find('shop', 'library_overridden'), 'role dba|ALTER ROLE dba IN DATABASE shop SET session_preload_libraries = auto_explain, softdelete', 'also where it is wrong');
mend('shop', 'library_overridden');
is(find('shop', 'library_overridden'), '', 'mended as well');

is(find('shop', 'retention_unattended'), join("\n", map { "$_|ALTER SYSTEM SET shared_preload_libraries = auto_explain, softdelete" } 'retention', 'retention of the history'),
	'without the launcher nobody purges, whatever the setting says');
like($node->safe_psql('shop', q{SELECT message FROM softdelete.check() WHERE code = 'retention_unattended' LIMIT 1}), qr/restarted/, 'and that takes a restart');
mend('shop', 'retention_unattended');
$node->restart;
ok($node->poll_query_until('shop', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'softdelete launcher'}), 'there it is');
is(find('shop', 'retention_unattended'), '', 'mended');
$node->stop;
done_testing();
