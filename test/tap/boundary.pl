# On a server with assertions, code that enters the boundary between C++ and the server from the wrong side ends the server;
# code that enters it well does not, whichever way it leaves (src/pg/boundary.hpp, test/faults/plain_call.cpp).
use strict;
use warnings;
use Crashes;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('boundary');
$node->init;
$node->append_conf('postgresql.conf', 'restart_after_crash = on');
$node->start;
if ($node->safe_psql('postgres', 'SHOW debug_assertions') ne 'on')
{
	$node->stop;
	plan skip_all => 'not run: the server has no assertions';
}

my $library = PostgreSQL::Test::Utils::tempdir() . '/plain_call.so';
chomp(my $include = `$ENV{PG_CONFIG} --includedir-server`);
PostgreSQL::Test::Utils::system_log('c++', '-std=c++20', '-shared', '-fPIC', '-O1', '-fvisibility=hidden', '-Isrc', '-isystem', $include,
	'-DPGDLLEXPORT=__attribute__((visibility("default")))', '-D_GNU_SOURCE', '-o', $library, 'test/faults/plain_call.cpp', 'src/pg/boundary.cpp') == 0
	or die "could not build $library";
foreach my $function ('call_well(boolean)', map { "$_()" } qw(fail call_plainly call_within jump_over jump_within))
{
	$node->safe_psql('postgres', "CREATE FUNCTION $function RETURNS int LANGUAGE c AS '$library'");
}

# Returns what the statements print, and what the server's log says of an assertion.
sub run
{
	my ($statements) = @_;
	my $before = -s $node->logfile;
	my ($out, $errors) = ('', '');
	my $ended = $node->psql('postgres', $statements, on_error_stop => 0, stdout => \$out, stderr => \$errors);
	Crashes::wait_for_restart($node) if $ended == 2;
	my ($trap) = substr(slurp_file($node->logfile), $before) =~ /TRAP: (.*)/;
	return ($out, $trap // '');
}

my $well = 'SELECT call_well(false); SELECT call_well(true); SELECT fail();';
my ($out, $trap) = run("$well DO 'BEGIN PERFORM call_well(true); EXCEPTION WHEN OTHERS THEN NULL; END'; SELECT fail(); $well");
is($out, "1\n1", 'errors and exceptions leave no mark');
is($trap, '', 'and no assertion fails');
foreach my $wrong (qw(call_plainly call_within jump_within))
{
	($out, $trap) = run("$well SELECT $wrong();");
	like($trap, qr/is_in_cxx/, "$wrong() fails an assertion");
}
($out, $trap) = run("$well SELECT jump_over();");
is($trap, '', 'nobody hears of an error that jumps over C++');
($out, $trap) = run("SELECT jump_over(); $well");
like($trap, qr/is_in_cxx/, 'until C++ runs the next time');
$node->stop;
done_testing();
