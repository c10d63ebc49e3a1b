# Ways to end a server without telling it.
package Crashes;

use strict;
use warnings;
use Time::HiRes qw(usleep);

sub children_of
{
	my ($parent) = @_;
	die 'the server does not run' unless $parent && $parent > 1;
	my @children;
	foreach my $file (glob '/proc/[0-9]*/stat')
	{
		open my $handle, '<', $file or next;    # it has ended
		my ($process, $its_parent) = (<$handle> // '') =~ /^(\d+) \(.*\) \S (\d+)/s;
		push @children, $process if defined $process && $its_parent == $parent;
	}
	die "process $parent has no children" unless @children;
	return @children;
}

# As if the machine had stopped: no process gets to do anything. Then starts the server.
sub cut_power
{
	my ($node) = @_;
	my $postmaster = $node->{_pid};
	my @children = children_of($postmaster);
	$node->kill9;
	kill 9, @children;
	foreach my $child (@children)
	{
		usleep(10_000) while kill 0, $child;
	}
	$node->start;
}

# After the end of a backend that makes the postmaster restart all others.
sub wait_for_restart
{
	my ($node) = @_;
	usleep(300_000); # it may still take connections for a moment
	$node->poll_query_until('postgres', 'SELECT true') or die 'the server did not come back';
}

1;
