# A server whose allocations of memory can be made to fail: test/faults/faults.c says how.
package Faults;

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

# A started server. Clients' sessions load the module, which needs the other one preloaded.
sub start_node
{
	my ($name) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir();
	chomp(my $include = `$ENV{PG_CONFIG} --includedir-server`);
	build('c++', "$folder/failing_new.so", 'test/faults/failing_new.cpp');
	build('cc', "$folder/faults.so", 'test/faults/faults.c', '-D_GNU_SOURCE', "-I$include");

	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->append_conf('postgresql.conf', "session_preload_libraries = '$folder/faults.so'\nautovacuum = off\njit = off");
	local $ENV{LD_PRELOAD} = join ' ', "$folder/failing_new.so", grep { $_ } $ENV{LD_PRELOAD};
	$node->start;
	return $node;
}

# Not system_or_bail: that would stop the other tests as well.
sub build
{
	my ($compiler, $library, $source, @options) = @_;
	PostgreSQL::Test::Utils::system_log($compiler, '-shared', '-fPIC', '-O1', '-Wall', @options, '-o', $library, $source) == 0
		or die "could not build $library";
}

1;
