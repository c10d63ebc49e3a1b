# The manual: README, CONTRIBUTING and the pages of doc. What stands there as ```sql runs as it stands, and what the
# pages say of its output is compared with what psql prints, 100 columns wide:
#
#   statement;   -- fails             it raises an error; nothing else on the page does
#   statement;   -- DELETE 1          its command tag, also of UPDATE, INSERT and MERGE; `: words` may follow
#   statement;   -- 42, -- no rows    a single value, the number of rows (also `3 rows`); `: words` may follow
#   ```text ... ``` after ```sql      what the block prints at its end, but for command tags; `...` stands for a part of
#                                     a line that differs each time or is too wide, a line of `...` for any lines

package Pages;

use strict;
use warnings;

use IPC::Run ();

# The pages in the order of reading.
sub files
{
	return ('README.md', 'CONTRIBUTING.md', sort glob 'doc/*.md');
}

sub text_of
{
	my ($file) = @_;
	open my $handle, '<', $file or die "$file: $!";
	local $/;
	return scalar <$handle>;
}

# The blocks of SQL of a page: { line, sql, text }, text where one follows.
sub blocks
{
	my ($file) = @_;
	my (@blocks, $fence, $content, $start);
	my $number = 0;
	my $previous;
	foreach my $line (split /^/, text_of($file))
	{
		$number++;
		if (!defined $fence && $line =~ /^```(\w*)$/)
		{
			($fence, $content, $start) = ($1, '', $number);
		}
		elsif (defined $fence && $line eq "```\n")
		{
			if ($fence eq 'sql')
			{
				push @blocks, $previous = { line => $start, sql => $content };
			}
			else
			{
				$previous->{text} = $content if $fence eq 'text' && $previous;
				undef $previous;
			}
			undef $fence;
		}
		elsif (defined $fence)
		{
			$content .= $line;
		}
		elsif ($line =~ /\S/)
		{
			undef $previous;
		}
	}
	die "$file:$start: a block without an end\n" if defined $fence;
	return @blocks;
}

# Runs a block in a session of its own. Returns what is printed after each of its lines: { line, output }, blank lines
# left out.
sub run_block
{
	my ($connection, $sql) = @_;
	my $printed = '';
	IPC::Run::run([ 'psql', '-X', '-a', '-P', 'columns=100', '-d', $connection ], '<', \$sql, '>&', \$printed);

	my @source = grep { /\S/ } split /\n/, $sql;
	my @steps;
	foreach my $line (grep { /\S/ } split /\n/, $printed)
	{
		if (@source && $line eq $source[0])
		{
			push @steps, { line => shift @source, output => '' };
		}
		else
		{
			push @steps, { line => '', output => '' } unless @steps;
			$steps[-1]{output} .= "$line\n";
		}
	}
	push @steps, { line => $source[0], output => "(not reached)\n$printed" } if @source;
	return @steps;
}

# What a line says of its output and is not so.
sub wrong_remark
{
	my ($step) = @_;
	my $failed = $step->{output} =~ /^(?:(?:ERROR|FATAL|PANIC):|\(not reached\)$)/m;
	return ($failed ? '' : 'does not fail') if $step->{line} =~ /-- fails$/;
	return 'fails' if $failed;
	return '' unless $step->{line} =~ /-- (.*)$/;

	my $remark = $1;
	$remark =~ s/^no rows\b/0 rows/;
	return '' unless $remark =~ /^((?:DELETE|UPDATE|MERGE|INSERT 0) \d+|\d+ rows?|-?\d+)(?::.*)?$/;

	my $said = $1;
	my $pattern =
	    $said =~ /^[A-Z]/ ? qr/^\Q$said\E$/m
	  : $said =~ /row/    ? qr/^\(\Q$said\E\)$/m
	  :                     qr/^-+\n *\Q$said\E *\n\(1 row\)$/m;
	return $step->{output} =~ $pattern ? '' : "does not print $said";
}

# What a text block says and is not so.
sub wrong_text
{
	my ($block, @steps) = @_;
	return '' unless defined $block->{text};

	my $printed = join '', map { $_->{output} } @steps;
	my $tag = qr/^(?:[A-Z]+ )*[A-Z]+(?: \d+)*\n/m;
	$printed =~ s/$tag//g unless $block->{text} =~ $tag;

	my $pattern = join '', map { /^\.\.\.$/ ? '(?:.*\n)*?' : pattern_of($_) . '\n' } plain($block->{text});
	my $plain = join '', map { "$_\n" } plain($printed);
	return $plain =~ /^$pattern\z/m ? '' : "prints\n$printed";
}

# Lines without what depends on the width of a value.
sub plain
{
	return map { s/-{2,}/-/g; s/ +/ /g; s/^ | $//g; $_ } grep { /\S/ } split /\n/, $_[0];
}

sub pattern_of
{
	return join '.*?', map { quotemeta } split /\.\.\./, $_[0], -1;
}

# Everything that a page says of a block and is not so.
sub faults
{
	my ($connection, $block) = @_;
	my @steps = run_block($connection, $block->{sql});
	my @faults;
	foreach my $step (@steps)
	{
		my $fault = wrong_remark($step);
		push @faults, "$step->{line}\n$fault:\n$step->{output}" if $fault;
	}
	push @faults, grep { $_ } wrong_text($block, @steps);
	push @faults, map { "wider than 100 columns: $_" } grep { length > 100 } split /\n/, $block->{text} // '';
	return @faults;
}

# The links of a page that lead to no file or to no heading.
sub broken_links
{
	my ($file) = @_;
	my ($folder) = $file =~ m{^(.*/)?};
	$folder //= '';
	my $text = text_of($file);
	$text =~ s/^```.*?^```$//msg;

	my @broken;
	while ($text =~ /\]\(([^)\s]+)\)/g)
	{
		my $link = $1;
		next if $link =~ /^[a-z]+:/;
		my ($path, $anchor) = $link =~ /^([^#]*)(?:#(.*))?$/;
		my $target = $path eq '' ? $file : "$folder$path";
		$target =~ s{[^/]+/\.\./}{};
		if (!-e $target)
		{
			push @broken, "$link: no such file";
		}
		elsif (defined $anchor && !grep { $_ eq $anchor } anchors($target))
		{
			push @broken, "$link: no such heading";
		}
	}
	return @broken;
}

# The anchors of a page's headings, as GitHub and GitLab make them.
sub anchors
{
	my ($file) = @_;
	my $text = text_of($file);
	$text =~ s/^```.*?^```$//msg;
	my @anchors;
	while ($text =~ /^#+ (.*)$/mg)
	{
		my $anchor = lc $1;
		$anchor =~ s/[^\w\- ]//g;
		$anchor =~ s/ /-/g;
		push @anchors, $anchor;
	}
	return @anchors;
}

1;
