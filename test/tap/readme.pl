# The manual is true: what README and the pages of doc show as SQL runs, prints what they say, and their links lead
# somewhere (Pages.pm has the conventions). Each page has a database of its own, each block of it a session. Then the
# demo, which stops where something is not as it tells.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Pages;

# The pages show the name of this role.
$ENV{PGUSER} = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('readme');
$node->init(extra => [ '-U', 'postgres' ]);
$node->start;

my $pages_with_sql = 0;
foreach my $file (Pages::files())
{
	is_deeply([ Pages::broken_links($file) ], [], "$file: its links");

	my @blocks = Pages::blocks($file) or next;
	$pages_with_sql++;
	$node->safe_psql('postgres', 'CREATE DATABASE page');
	my $page = $node->connstr('page');

	# README shows how the extension is created; on the other pages it is there.
	$node->safe_psql('page', 'CREATE EXTENSION softdelete') unless $file eq 'README.md';
	foreach my $block (@blocks)
	{
		my @faults = Pages::faults($page, $block);
		is(scalar @faults, 0, "$file:$block->{line}") or diag(join "\n", @faults);
	}
	$node->safe_psql('postgres', 'DROP DATABASE page');
	$node->safe_psql('postgres',
		"SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'postgres' \\gexec");
}
ok($pages_with_sql > 5, 'pages with SQL were found');

$node->safe_psql('postgres', 'CREATE DATABASE demo');
my $demo = $node->connstr('demo');
ok(run_log([ 'psql', '-X', '-d', $demo, '-f', 'test/demo/demo.sql' ]), 'the demo');

$node->stop;
done_testing();
