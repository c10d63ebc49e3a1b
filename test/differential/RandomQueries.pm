# Random statements over relations that all have the integer columns id, k and v. What a statement answers does not
# depend on the order of rows, so that two databases with the same rows must answer the same.
package RandomQueries;

use strict;
use warnings;

# new(seed, unique => { table => columns }, relations => [...], functions => [...], volatile => [...]): the tables can be written to and have
# deleted_at and code besides; unique names the columns of a unique key of each. Relations can only be read. Functions
# return a set of rows and take one integer; what a volatile one sees of a statement that writes depends on the order of
# rows, so that those stand in reading statements only. Of each table there are functions remove_TABLE(integer) and
# take_TABLE(integer), which delete.
sub new
{
	my ($class, $seed, %what) = @_;
	srand($seed);
	return bless { %what, tables => [ sort keys %{ $what{unique} } ], aliases => 0 }, $class;
}

sub pick { return $_[ int(rand(@_)) ]; }
sub chance { return rand(100) < $_[0]; }
sub number { return int(rand(12)); }
sub column { return pick(qw(id k v)); }
sub comparison { return pick('=', '=', '=', '<', '>', '<=', '<>'); }

sub alias
{
	my ($self) = @_;
	return 'r' . ++$self->{aliases};
}

# A relation in FROM and what later conditions may say of it.
sub from_item
{
	my ($self, $depth, $outer, $with) = @_;
	my $alias = $self->alias;
	my $what = rand(100);
	if ($depth > 0 && $what < 22)
	{
		my $lateral = @$outer && chance(40) ? 'LATERAL ' : '';
		my $query = $self->select($depth - 1, $lateral ? $outer : [], []);
		my $fence = chance(20) ? ' OFFSET 0' : '';
		return { text => "$lateral($query$fence) $alias", alias => $alias };
	}
	if ($what < 34)
	{
		my $function = pick(@{ $self->{functions} }, @{ $self->{volatile} });
		my $argument = @$outer && chance(40) ? pick(@$outer)->{alias} . '.' . column() : number();
		return { text => "$function($argument) $alias", alias => $alias };
	}
	return { text => pick(@$with) . " $alias", alias => $alias } if @$with && $what < 50;
	return { text => pick(@{ $self->{relations} }) . " $alias", alias => $alias } if $what < 62;
	return { text => pick(@{ $self->{tables} }) . " $alias", alias => $alias, is_table => 1 };
}

sub expression
{
	my ($self, @items) = @_;
	my $column = pick(@items)->{alias} . '.' . column();
	return $column if chance(70);
	return "coalesce($column, " . number() . ')' if chance(60);
	return "$column + " . pick(@items)->{alias} . '.' . column();
}

sub condition
{
	my ($self, $depth, @items) = @_;
	my $what = rand(100);
	my $left = pick(@items)->{alias} . '.' . column();
	if ($depth > 0 && $what < 10)
	{
		my $not = chance(40) ? 'NOT ' : '';
		return "${not}EXISTS (" . $self->select($depth - 1, \@items, []) . ')';
	}
	if ($depth > 0 && $what < 18)
	{
		my $not = chance(30) ? 'NOT ' : '';
		my $query = $self->select($depth - 1, chance(40) ? \@items : [], []);
		return "$left ${not}IN (SELECT " . column() . " FROM ($query) s)";
	}
	if ($depth > 0 && $what < 24)
	{
		my $query = $self->select($depth - 1, chance(40) ? \@items : [], []);
		return "$left " . comparison() . " (SELECT " . pick(qw(max min count)) . "(k) FROM ($query) s)";
	}
	return '(' . $self->condition($depth, @items) . ' OR ' . $self->condition($depth, @items) . ')' if $what < 34;
	return 'NOT (' . $self->condition($depth, @items) . ')' if $what < 38;
	return "$left IS NULL" if $what < 42;
	return "$left IS NOT NULL" if $what < 46;
	return "$left " . comparison() . ' ' . pick(@items)->{alias} . '.' . column() if $what < 72;
	return "$left BETWEEN " . number() . ' AND ' . (number() + 6) if $what < 78;
	return "$left = ANY ('{" . join(',', map { number() } 1 .. 3) . "}')" if $what < 82;
	return "$left " . comparison() . ' ' . number();
}

# Conditions of WHERE and ON: AND-ed, now and then saying what the filter says.
sub conditions
{
	my ($self, $depth, @items) = @_;
	my @parts = map { $self->condition($depth, @items) } 1 .. pick(0, 1, 1, 2);
	my @tables = grep { $_->{is_table} } @items;
	push @parts, pick(@tables)->{alias} . '.deleted_at IS NULL' if @tables && chance(15);
	return join(' AND ', @parts);
}

sub equality
{
	my ($left, $right) = @_;
	return pick(@$left)->{alias} . '.' . column() . ' = ' . pick(@$right)->{alias} . '.' . column();
}

# A join tree; returns its text and its items.
sub join_tree
{
	my ($self, $size, $depth, $outer, $with) = @_;
	if ($size == 1)
	{
		my $item = $self->from_item($depth, $outer, $with);
		return ($item->{text}, [$item]);
	}
	my $left_size = 1 + int(rand($size - 1));
	my ($left_text, $left) = $self->join_tree($left_size, $depth, $outer, $with);
	my $kind = pick('JOIN', 'JOIN', 'LEFT JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'CROSS JOIN');
	# LATERAL may look to the left where the left side is not the one that is made up.
	my $visible = $kind =~ /^(JOIN|LEFT|CROSS)/ ? [ @$outer, @$left ] : $outer;
	my ($right_text, $right) = $self->join_tree($size - $left_size, $depth, $visible, $with);
	$right_text = "($right_text)" if @$right > 1;
	my $text = "$left_text $kind $right_text";
	if ($kind ne 'CROSS JOIN')
	{
		my $extra = $kind eq 'FULL JOIN' ? '' : $self->conditions($depth - 1, @$left, @$right);
		$text .= ' ON ' . equality($left, $right) . ($extra ? " AND $extra" : '');
	}
	return ($text, [ @$left, @$right ]);
}

sub with_clause
{
	my ($self, $depth) = @_;
	my (@names, @texts);
	for (1 .. pick(1, 1, 2))
	{
		my $name = 'w' . ++$self->{aliases};
		my $how = pick('', '', ' MATERIALIZED', ' NOT MATERIALIZED');
		push @texts, "$name AS$how (" . $self->select($depth - 1, [], [@names]) . ')';
		push @names, $name;
	}
	return ('WITH ' . join(', ', @texts) . ' ', \@names);
}

# A query with the columns id, k and v.
sub select
{
	my ($self, $depth, $outer, $with) = @_;
	my $prefix = '';
	($prefix, $with) = $self->with_clause($depth) if $depth > 0 && chance(15);
	if ($depth > 0 && chance(12))
	{
		my $operator = pick('UNION', 'UNION ALL', 'UNION ALL', 'INTERSECT', 'EXCEPT', 'EXCEPT ALL');
		return "$prefix(" . $self->select($depth - 1, $outer, $with) . ") $operator ("
		  . $self->select($depth - 1, $outer, $with) . ')';
	}
	my ($from, $items) = $self->join_tree(pick(1, 1, 2, 2, 3), $depth, $outer, $with);
	my $where = $self->conditions($depth, @$items, @$outer);
	$where = $where ? " WHERE $where" : '';
	my ($id, $k, $v) = map { $self->expression(@$items) } 1 .. 3;
	my $what = rand(100);
	return "${prefix}SELECT $id AS id, count(*)::int AS k, " . pick(qw(sum min max)) . "($v)::int AS v FROM $from$where"
	  . ' GROUP BY 1' . (chance(30) ? ' HAVING count(*) > 1' : '')
	  if $what < 15;
	return "${prefix}SELECT count(*)::int AS id, min($k) AS k, max($v) AS v FROM $from$where" if $what < 22;
	$v = "(count(*) OVER (PARTITION BY $k))::int" if $what < 28;
	my $distinct = chance(10) ? 'DISTINCT ' : '';
	my $limit = chance(10) ? ' ORDER BY 1, 2, 3 LIMIT ' . (1 + number()) : '';
	return "${prefix}SELECT $distinct$id AS id, $k AS k, $v AS v FROM $from$where$limit";
}

# The writing statements. Each is followed by a look at the table.
sub modification
{
	my ($self) = @_;
	local $self->{volatile} = [];
	my $table = pick(@{ $self->{tables} });
	my $target = { alias => 't', is_table => 1 };
	my ($from, $items) = $self->join_tree(pick(1, 2), 1, [], []);
	my $where = $self->conditions(1, $target);
	my $joined = $self->conditions(1, $target, @$items);
	my $plain = $where ? " WHERE $where" : '';
	my $equal = equality([$target], $items) . ($joined ? " AND $joined" : '');
	my $limit = 1 + number();
	my $new = 100000 + int(rand(1000000));
	my $returning = 'RETURNING t.id, t.k, t.v';
	my $statement = pick(
		"DELETE FROM $table t$plain $returning",
		"DELETE FROM $table t$plain",
		"DELETE FROM $table t USING $from WHERE $equal $returning",
		"DELETE FROM $table t WHERE (tableoid, ctid) IN (SELECT tableoid, ctid FROM $table t$plain ORDER BY id LIMIT $limit) "
		  . $returning,
		"DELETE FROM $table t WHERE id = (SELECT id FROM $table t$plain ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) $returning",
		"WITH d AS (DELETE FROM $table t$plain $returning) SELECT id, k, v FROM d",
		"WITH d AS (DELETE FROM $table t$plain $returning) SELECT count(*) FROM $from WHERE EXISTS (SELECT FROM d WHERE d.k = "
		  . pick(@$items)->{alias} . '.k)',
		"WITH d AS (DELETE FROM $table t$plain) SELECT count(*) FROM $table",
		"WITH d AS (DELETE FROM $table t WHERE id = $limit $returning) INSERT INTO log (id, k, v) SELECT id, k, v FROM d "
		  . 'RETURNING id, k, v',
		"WITH d AS (DELETE FROM $table t$plain $returning), u AS (UPDATE log SET v = v + 1 RETURNING id) "
		  . 'SELECT d.id, u.id FROM d FULL JOIN u ON d.k = u.id',
		"UPDATE $table t SET v = v + 1$plain $returning",
		"UPDATE $table t SET v = 0 FROM $from WHERE $equal $returning",
		"INSERT INTO $table AS t (id, k, v, code) SELECT $new + row_number() OVER (ORDER BY r0.id, r0.k, r0.v), r0.k, r0.v, "
		  . "'n' || row_number() OVER (ORDER BY r0.id, r0.k, r0.v) FROM (" . $self->select(1, [], []) . ") r0 $returning",
		"INSERT INTO $table AS t (id, k, v, code) SELECT $new + id, k, v, code FROM $table t$plain "
		  . "ON CONFLICT ($self->{unique}{$table}) " . pick('DO NOTHING', 'DO UPDATE SET v = t.v + 1') . " $returning",
		"MERGE INTO $table t USING (" . $self->select(1, [], []) . ') s ON ' . "t.id = s.id AND t.k = s.k "
		  . pick(
			'WHEN MATCHED THEN DELETE',
			'WHEN MATCHED AND t.v > 3 THEN DELETE WHEN MATCHED THEN UPDATE SET v = t.v + 1',
			'WHEN MATCHED AND s.v > 3 THEN DO NOTHING WHEN MATCHED THEN DELETE',
			"WHEN MATCHED THEN DELETE WHEN NOT MATCHED AND s.id < 0 THEN INSERT (id) VALUES (s.id)"),
		"SELECT remove_$table($limit)",
		"SELECT count(*) FROM take_$table($limit)");
	return ($table, $statement);
}

1;
