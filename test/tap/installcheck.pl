# `make installcheck` on a running server says what the server lacks, runs the tests, and leaves nothing behind. The library links
# what the manual says.
use strict;
use warnings;
use File::Temp;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# A tree of its own: it changes a test, which others run beside it.
my $tree = File::Temp->newdir;
system_or_bail('cp', '-R', '.', "$tree/softdelete");
chdir "$tree/softdelete" or die "$tree: $!";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\nmax_prepared_transactions = 0");
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE somebody SUPERUSER; CREATE ROLE nobody_special LOGIN; CREATE DATABASE precious');
my $databases = q{SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database};
my $roles = q{SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles};
my $before = $node->safe_psql('postgres', $databases) . ' ' . $node->safe_psql('postgres', $roles);

sub installcheck
{
	my (%environment) = @_;
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, TESTS => 'delete deletion_ids', %environment);
	delete $ENV{TMPDIR}; # make's own
	my $output = '';
	my $succeeded = IPC::Run::run([ 'make', '-s', 'installcheck' ], '>', \$output, '2>&1');
	note $output;
	return ($succeeded, $output);
}

sub refused
{
	my ($pattern, $name, %environment) = @_;
	my ($succeeded, $output) = installcheck(%environment);
	ok(!$succeeded, "$name is refused");
	like($output, $pattern, "$name: why");
}

refused(qr/does not load the library: append softdelete to shared_preload_libraries/, 'a server without the library');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'softdelete'");
$node->restart;
refused(qr/set max_prepared_transactions/, 'a server without prepared transactions');
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 5');
$node->restart;
refused(qr/nobody_special is no superuser/, 'another role than a superuser', PGUSER => 'nobody_special');
refused(qr/needs a running server and a superuser's connection/, 'a server that does not run', PGPORT => 1);
my ($used) = slurp_file('sql/delete.sql') =~ /CREATE ROLE (regress_\w+)/ or die 'delete.sql makes no role';
$node->safe_psql('postgres', "CREATE ROLE $used");
refused(qr/names that the tests use are there already: $used/, 'a role of the same name');
$node->safe_psql('postgres', "DROP ROLE $used; CREATE DATABASE contrib_regression");
refused(qr/there already: contrib_regression/, 'a database of the same name');
$node->safe_psql('postgres', 'DROP DATABASE contrib_regression');

my ($succeeded, $output) = installcheck();
ok($succeeded, 'the tests pass');
is($node->safe_psql('postgres', $databases) . ' ' . $node->safe_psql('postgres', $roles), $before, 'no database and no role is left');
append_to_file('sql/delete.sql', "SELECT 'not expected';\n");
($succeeded, $output) = installcheck();
ok(!$succeeded, 'a test that fails is told');
is($node->safe_psql('postgres', $databases) . ' ' . $node->safe_psql('postgres', $roles), $before, 'and nothing is left either');
$node->stop;

# What the library links is what the manual says, but for what looks for undefined behaviour in tests.
my ($linked) = run_command([ 'objdump', '-p', 'softdelete.so' ]);
my @listed = sort slurp_file('doc/packaging.md') =~ /^`(lib[^`]+)`/mg;
is(join(' ', sort grep { !/ubsan/ } $linked =~ /NEEDED\s+(lib\S+)/g), "@listed", 'doc/packaging.md lists the libraries that are linked');
chdir '/';
done_testing();
