# Random schemas of tables that reference each other, with random owners, strategies, retentions, ages and holds: purge() removes
# exactly the rows that a computation in Perl names, purge_preview() says so beforehand, the log adds up to it, and links
# that stay are what they were. SOFTDELETE_SEED and SOFTDELETE_ROUNDS choose another run.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $first_seed = $ENV{SOFTDELETE_SEED} || 20260101;
my $rounds = $ENV{SOFTDELETE_ROUNDS} || 20;
my @owners = ('ann', 'bob');

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION softdelete;
CREATE ROLE ann;
CREATE ROLE bob;
CREATE ROLE boss;
GRANT ann, bob TO boss;
SQL

sub pick { return $_[ rand @_ ] }

# Tables as { name, schema, owner, registered, archive, retention, keys => [ { column, parent, action } ] }; archive: as what its
# archive is made, 'p'artitioned or a plain table.
sub make_schema
{
	my ($mixed) = @_;
	my @tables = map { { name => "t$_", schema => $mixed ? pick(@owners) : 'ann', registered => rand() < 0.7,
		retention => pick(10, 10, 30, undef) } } 0 .. 1 + int rand 3;
	for my $table (@tables)
	{
		# An unregistered table either goes with its parents or keeps them, so that no order of the run matters.
		my @actions = $table->{registered} ? ('CASCADE', 'CASCADE', 'CASCADE', 'RESTRICT', 'NO ACTION', 'SET NULL')
			: pick(['CASCADE', 'SET NULL'], ['RESTRICT', 'NO ACTION', 'SET NULL'])->@*;
		$table->{keys} = [ map { { column => "f$_", parent => pick(@tables)->{name}, action => pick(@actions),
			deferrable => pick('', '', 'DEFERRABLE', 'DEFERRABLE INITIALLY DEFERRED') } } 1 .. int rand 3 ];
		$_->{action} eq 'RESTRICT' and $_->{deferrable} = '' for $table->{keys}->@*;
		$table->{archive} = pick('plain', 'partitioned') if $table->{registered} && rand() < 0.3;
	}
	# A table whose deleted rows are marked references none with an archive.
	my %table = map { $_->{name} => $_ } @tables;
	while (my ($table) = grep { $_->{registered} && !$_->{archive} && grep { $table{ $_->{parent} }{archive} } $_->{keys}->@* } @tables)
	{
		$table->{archive} = pick('plain', 'partitioned');
	}
	return @tables;
}

# Rows as { table, id, age, archived, links => [ id of the parent or undef ] }; age undef: live.
sub make_rows
{
	my (@tables) = @_;
	my $size = 3 + int rand 15;
	my %age = map { $_->{name} => pick(20, 100) } @tables;
	my @rows;
	for my $table (@tables)
	{
		for my $id (1 .. $size)
		{
			my $age = !$table->{registered} || rand() < 0.1 ? undef : rand() < 0.85 ? 100 + int rand 3 : pick(5, 20);
			push @rows, { table => $table->{name}, id => $id, age => $age, archived => $table->{archive} && defined $age,
				links => [ map { rand() < 0.4 ? undef : 1 + int rand $size } $table->{keys}->@* ] };
		}
	}
	# What is in a table references nothing that is in an archive.
	my %archived = map { name_of($_) => 1 } grep { $_->{archived} } @rows;
	my %table = map { $_->{name} => $_ } @tables;
	for my $row (grep { !$_->{archived} } @rows)
	{
		my $keys = $table{ $row->{table} }{keys};
		$row->{links} = [ map { my $id = $row->{links}[$_]; defined $id && $archived{"$keys->[$_]{parent} $id"} ? undef : $id } 0 .. $#$keys ];
	}
	return @rows;
}

sub create_sql
{
	my ($tables, $rows) = @_;
	my $sql = "SET client_min_messages = warning;\nSELECT softdelete.release(id) FROM softdelete.holds WHERE released_at IS NULL;\nDROP SCHEMA IF EXISTS ann, bob CASCADE;\nCREATE SCHEMA ann AUTHORIZATION ann;\nCREATE SCHEMA bob AUTHORIZATION bob;\n"
		. "SET client_min_messages = warning;\n";
	for my $table (@$tables)
	{
		$sql .= "CREATE TABLE $table->{schema}.$table->{name} (id int PRIMARY KEY"
			. join('', map { ", $_->{column} int" } $table->{keys}->@*) . ");\n";
		$sql .= "ALTER TABLE $table->{schema}.$table->{name} OWNER TO $table->{schema};\n";
	}
	my %schema = map { $_->{name} => $_->{schema} } @$tables;
	for my $table (@$tables)
	{
		for my $key ($table->{keys}->@*)
		{
			$sql .= "ALTER TABLE $table->{schema}.$table->{name} ADD FOREIGN KEY ($key->{column})"
				. " REFERENCES $schema{$key->{parent}}.$key->{parent} ON DELETE $key->{action} $key->{deferrable};\n";
			$sql .= "CREATE INDEX ON $table->{schema}.$table->{name} ($key->{column});\n" if rand() < 0.5;
		}
	}
	# The archives are there with their rows before.
	for my $table (grep { $_->{archive} } @$tables)
	{
		my $archive = "$table->{schema}.$table->{name}_archive";
		$sql .= "CREATE TABLE $archive (id int" . join('', map { ", $_->{column} int" } $table->{keys}->@*) . ', deleted_at timestamptz)'
			. ($table->{archive} eq 'plain' ? '' : ' PARTITION BY RANGE (deleted_at)') . ";\n";
		my @bounds = ('MINVALUE', (map { "(CURRENT_DATE - $_)" } 60, 12), 'MAXVALUE');
		$sql .= "CREATE TABLE ${archive}_$_ PARTITION OF $archive FOR VALUES FROM ($bounds[$_]) TO ($bounds[$_ + 1]);\n"
			for $table->{archive} eq 'plain' ? () : 0 .. 2;
		$sql .= "ALTER TABLE $archive OWNER TO $table->{schema};\n" . ($table->{archive} eq 'plain' ? ''
			: join '', map { "ALTER TABLE ${archive}_$_ OWNER TO $table->{schema};\n" } 0 .. 2);
	}
	$sql .= insert_sql($tables, grep { $_->{archived} } @$rows);
	for my $table (grep { $_->{registered} } @$tables)
	{
		my $retention = defined $table->{retention} ? ", retention => '$table->{retention} days'" : '';
		$sql .= "SELECT count(*) FROM softdelete.register('$table->{schema}.$table->{name}'$retention, "
			. ($table->{archive} ? "strategy => 'archive'" : "strategy => 'flag', visibility => '" . pick('filter', 'view') . "'") . ");\n";
	}
	return $sql . "SET session_replication_role = replica;\n" . insert_sql($tables, grep { !$_->{archived} } @$rows)
		. "RESET session_replication_role;\n";
}

sub insert_sql
{
	my ($tables, @rows) = @_;
	my $sql = '';
	for my $row (@rows)
	{
		my ($table) = grep { $_->{name} eq $row->{table} } @$tables;
		my @columns = ('id', map { $_->{column} } $table->{keys}->@*);
		my @values = ($row->{id}, map { $_ // 'NULL' } $row->{links}->@*);
		if (defined $row->{age})
		{
			push @columns, 'deleted_at';
			push @values, "now() - interval '$row->{age} days'";
		}
		my $name = $table->{name} . ($row->{archived} ? '_archive' : '');
		$sql .= "INSERT INTO $table->{schema}.$name (" . join(', ', @columns) . ') VALUES (' . join(', ', @values) . ");\n";
	}
	return $sql;
}

# The computation. Rows are known as "table id".
sub name_of { return "$_[0]{table} $_[0]{id}" }

# Links between rows as [ child, parent, action ].
sub find_links
{
	my ($tables, $rows) = @_;
	my %table = map { $_->{name} => $_ } @$tables;
	my %exists = map { name_of($_) => 1 } @$rows;
	my @links;
	for my $row (@$rows)
	{
		my $keys = $table{ $row->{table} }{keys};
		for my $i (0 .. $#$keys)
		{
			push @links, [ name_of($row), "$keys->[$i]{parent} $row->{links}[$i]", $keys->[$i]{action} ]
				if defined $row->{links}[$i];
		}
	}
	return @links;
}

# The rows that CASCADE links lead to; from: 1 downward, 0 upward.
sub spread
{
	my ($links, $from, @start) = @_;
	my %found = map { $_ => 1 } @start;
	while (my $row = shift @start)
	{
		for my $link (grep { $_->[2] eq 'CASCADE' && $_->[$from] eq $row } @$links)
		{
			push @start, $link->[ 1 - $from ] unless $found{ $link->[ 1 - $from ] }++;
		}
	}
	return %found;
}

# Which tables a run is about.
sub find_scope
{
	my ($tables, $start) = @_;
	my @with_retention = grep { $_->{registered} && defined $_->{retention} } @$tables;
	return map { $_->{name} => 1 } @with_retention if !$start;
	my %scope = ($start => 1);
	my %table = map { $_->{name} => $_ } @$tables;
	return %scope if $table{$start}{archive};
	my %reached = ($start => 1);
	my @work = ($start);
	while (my $parent = shift @work)
	{
		for my $child (@$tables)
		{
			next if $reached{ $child->{name} } || !grep { $_->{parent} eq $parent && $_->{action} eq 'CASCADE' } $child->{keys}->@*;
			next if $child->{registered} && (!defined $child->{retention} || $child->{archive});
			$reached{ $child->{name} } = 1;
			push @work, $child->{name};
			$scope{ $child->{name} } = 1 if $child->{registered};
		}
	}
	return %scope;
}

# Returns { gone => { row => 1 }, counts => { table => { due, held, blocked } } }.
sub compute
{
	my ($tables, $rows, $holds, $scope) = @_;
	my %table = map { $_->{name} => $_ } @$tables;
	my @links = find_links($tables, $rows);
	my %due = map { name_of($_) => $_->{table} } grep {
		defined $_->{age} && $scope->{ $_->{table} } && $_->{age} > ($table{ $_->{table} }{retention} // 1e9) } @$rows;
	# What is on hold keeps what is above it, and what it references by SET NULL.
	my %below = spread(\@links, 1, @$holds);
	my %held = (%below, spread(\@links, 0, @$holds, map { $_->[1] } grep { $_->[2] eq 'SET NULL' && $below{ $_->[0] } } @links));
	my %going = map { $_ => 1 } grep { !$held{$_} } keys %due;
	my $is_registered = sub { return $table{ (split / /, $_[0])[0] }{registered} };
	my %archived = map { name_of($_) => 1 } grep { $_->{archived} } @$rows;
	@links = grep { !$archived{ $_->[0] } } @links; # no key keeps anything for what is in an archive
	my $changed = 1;
	while ($changed)
	{
		$changed = 0;
		# What goes natively: rows of unregistered tables, from registered rows downward.
		my @native = grep { !$is_registered->($_->[0]) } @links;
		my %along = spread(\@native, 1, keys %going);
		for my $link (@links)
		{
			my ($child, $parent, $action) = @$link;
			next if $action eq 'SET NULL' || $along{$child} || !$along{$parent};
			my %above = $is_registered->($parent) ? ($parent => 1) : spread(\@native, 0, $parent);
			for my $row (keys %above)
			{
				$changed = 1 if delete $going{$row};
			}
			last if $changed;
		}
	}
	my @native = grep { !$is_registered->($_->[0]) } @links;
	my %counts;
	for my $name (keys %$scope)
	{
		my @of_table = grep { $due{$_} eq $name } keys %due;
		my $held_count = grep { $held{$_} } @of_table;
		my $removed = grep { $going{$_} } @of_table;
		$counts{$name} = { due => scalar @of_table, held => $held_count, removed => $removed,
			blocked => @of_table - $held_count - $removed };
	}
	return { gone => { spread(\@native, 1, keys %going) }, counts => \%counts };
}

sub read_rows
{
	my ($tables, $rows) = @_;
	my %former = map { name_of($_) => $_ } @$rows;
	my @read;
	my $sql = "SET softdelete.visibility = 'all';\n" . join '', map {
		"SELECT concat_ws('|', '$_->{name}', id" . join('', map { ", coalesce($_->{column}::text, '-')" } $_->{keys}->@*)
			. ") FROM $_->{schema}." . ($_->{archive} ? 'all_' : '') . "$_->{name} ORDER BY id;\n" } @$tables;
	for my $line (split /\n/, $node->safe_psql('postgres', $sql))
	{
		my ($table, $id, @links) = split /\|/, $line;
		push @read, { $former{"$table $id"}->%{qw(age archived)}, table => $table, id => $id, links => [ map { $_ eq '-' ? undef : $_ } @links ] };
	}
	return @read;
}

# The rows as they have to be afterwards.
sub remove_rows
{
	my ($tables, $rows, $gone) = @_;
	my %table = map { $_->{name} => $_ } @$tables;
	my @left;
	for my $row (grep { !$gone->{ name_of($_) } } @$rows)
	{
		my $keys = $table{ $row->{table} }{keys};
		my @links = map { my $id = $row->{links}[$_]; defined $id && !$row->{archived} && $gone->{"$keys->[$_]{parent} $id"} ? undef : $id } 0 .. $#$keys;
		push @left, { %$row, links => \@links };
	}
	return @left;
}

sub show_rows
{
	return join "\n", sort map { my $row = $_; join ' ', name_of($row), map { $_ // '-' } $row->{links}->@* } @_;
}

sub show_counts
{
	my ($counts, @names) = @_;
	return join "\n", map { my $name = $_; join ' ', $name, map { "$_=$counts->{$name}{$_}" } @names } sort keys %$counts;
}

my ($checked, $removed_total, $blocked_total, $held_total, $failures) = (0, 0, 0, 0, 0);

# Compares a call with the computation; returns the rows that are left, or nothing.
sub check_purge
{
	my ($name, $tables, $rows, $holds, $start) = @_;
	my %scope = find_scope($tables, $start);
	my $expected = compute($tables, $rows, $holds, \%scope);
	my ($table) = grep { $_->{name} eq ($start // '') } @$tables;
	my $argument = $table ? "'$table->{schema}.$table->{name}'" : '';
	my $batch = pick(1, 2, 3, 7, 1000);
	my $out = $node->safe_psql('postgres', "SET ROLE boss;
		SELECT 'p ' || split_part(relation::text, '.', 2) || ' due=' || due || ' held=' || held || ' blocked=' || blocked
			FROM softdelete.purge_preview($argument) ORDER BY relation::text COLLATE \"C\";
		RESET ROLE;
		SELECT 'm ' || coalesce(max(id), 0) FROM softdelete.purge_log");
	my $preview = join "\n", sort map { s/^p //r } grep { /^p/ } split /\n/, $out;
	my ($last) = $out =~ /^m (\d+)/m;
	my ($status, $stdout, $stderr) = $node->psql('postgres', "SET ROLE boss; CALL softdelete.purge("
		. ($argument ? "$argument, " : '') . "batch_size => $batch)");
	my @left = read_rows($tables, $rows);
	# What the turn of another table of a circle takes along has a line of its own, without a cutoff.
	my $log = $node->safe_psql('postgres', "SELECT split_part(table_name, '.', 2) || ' held=' || sum(held) || ' removed='
		|| sum(removed) || ' blocked=' || sum(blocked) FROM softdelete.purge_log WHERE id > $last AND (cutoff IS NOT NULL OR due > 0) GROUP BY table_name ORDER BY 1");
	my $states = $node->safe_psql('postgres', "SELECT DISTINCT state, error FROM softdelete.purge_log WHERE id > $last AND (cutoff IS NOT NULL OR due > 0)");
	my $told = $node->safe_psql('postgres', "SELECT split_part(table_name, '.', 2), state, due, removed FROM softdelete.purge_log
		WHERE id > $last AND cutoff IS NULL AND due = 0");
	my $counts = $expected->{counts};
	my %findings;
	my $compare = sub {
		my ($what, $got, $wanted) = @_;
		$findings{$what} = "got\n$got\nexpected\n$wanted" if $got ne $wanted;
	};
	my %with_retention = map { $_->{name} => $counts->{ $_->{name} } }
		grep { $counts->{ $_->{name} } && defined $_->{retention} } @$tables;
	$compare->('rows', show_rows(@left), show_rows(remove_rows($tables, $rows, $expected->{gone})));
	# Archives without a retention are shown among the others.
	my %shown = (map({ $_->{name} => { due => 0, held => 0, blocked => 0 } } grep { $_->{archive} && !$start } @$tables), %$counts);
	$compare->('preview', $preview, show_counts(\%shown, 'due', 'held', 'blocked'));
	$compare->('log', $log, show_counts(\%with_retention, 'held', 'removed', 'blocked'));
	$compare->('states', $states, %with_retention ? 'done|' : '');
	# Of a table that was named, and has no retention, the log says that nothing was to do.
	my $has_none = $table && $table->{registered} && !defined $table->{retention};
	$compare->('without a retention', $told, $has_none ? "$table->{name}|done|0|0" : '');
	$compare->('status', $status, 0);
	$checked++;
	$removed_total += $_->{removed}, $blocked_total += $_->{blocked}, $held_total += $_->{held} for values %$counts;
	if (%findings)
	{
		$failures++;
		diag("$name, purge($argument), batches of $batch\n" . join("\n", map { "--- $_\n$findings{$_}" } sort keys %findings)
			. "\n$stderr\nholds @$holds\n" . create_sql($tables, $rows));
		return;
	}
	return @left;
}

sub run_round
{
	my ($seed) = @_;
	srand($seed);
	my $name = "SOFTDELETE_SEED=$seed SOFTDELETE_ROUNDS=1";
	my @tables = make_schema(rand() < 0.6);
	my @rows = make_rows(@tables);
	my $sql = create_sql(\@tables, \@rows);
	my @holds;
	for my $row (rand() < 0.5 ? grep { rand() < 0.08 } @rows : ())
	{
		my ($table) = grep { $_->{name} eq $row->{table} && $_->{registered} } @tables or next;
		$sql .= "SELECT softdelete.hold('$table->{schema}.$table->{name}', 'claim', $row->{id});\n";
		push @holds, name_of($row);
	}
	$node->safe_psql('postgres', $sql);
	my @registered = grep { $_->{registered} } @tables;
	if (@registered && rand() < 0.5)
	{
		@rows = check_purge($name, \@tables, \@rows, \@holds, pick(@registered)->{name}) or return;
	}
	@rows = check_purge($name, \@tables, \@rows, \@holds, undef) or return;
	return;
}

for my $round (0 .. $rounds - 1)
{
	run_round($first_seed + $round);
	last if $failures >= ($ENV{SOFTDELETE_FINDINGS} || 3);
}
is($failures, 0, "all of $checked purges did what the computation says");
note "$checked purges, $removed_total rows removed, $blocked_total blocked, $held_total held";
cmp_ok($removed_total, '>', $checked, 'rows were removed');
cmp_ok($blocked_total, '>', 0, 'rows were blocked');
$rounds < 20 or cmp_ok($held_total, '>', 0, 'rows were held');

$node->stop;
done_testing();
