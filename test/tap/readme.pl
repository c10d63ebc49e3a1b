# The SQL of README runs as it stands there: its blocks in their order, each in a session of its own. A block fails as
# often as it has lines that end in `-- fails`. Then the demo, which stops where something is not as it tells.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @blocks;
my $block;
open my $readme, '<', 'README.md' or die "README.md: $!";
while (my $line = <$readme>)
{
	if (!$block)
	{
		$block = { line => $., sql => '' } if $line eq "```sql\n";
	}
	elsif ($line eq "```\n")
	{
		push @blocks, $block;
		undef $block;
	}
	else
	{
		$block->{sql} .= $line;
	}
}
close $readme;
ok(@blocks > 0, 'README has SQL');

my $node = PostgreSQL::Test::Cluster->new('readme');
$node->init;
$node->start;

foreach my $block (@blocks)
{
	my ($output, $errors) = ('', '');
	$node->psql('postgres', $block->{sql}, stdout => \$output, stderr => \$errors, on_error_stop => 0);
	my $expected = () = $block->{sql} =~ /-- fails$/mg;
	my $seen = () = $errors =~ /\b(?:ERROR|FATAL|PANIC):/g;
	is($seen, $expected, "README.md:$block->{line}") or diag($errors);
}

$node->safe_psql('postgres', 'CREATE DATABASE demo');
my $demo = $node->connstr('demo');
ok(run_log([ 'psql', '-X', '-d', $demo, '-f', 'test/demo/demo.sql' ]), 'the demo') ;

$node->stop;
done_testing();
