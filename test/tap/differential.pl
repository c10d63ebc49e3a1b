# The same random statements against registered tables with deleted rows and against plain copies without them: no
# difference, in the rows that foreign keys take along either, which run over partition keys too. SEED=... runs another sequence than the fixed one, QUERIES=... more or fewer.

use strict;
use warnings;

use lib 'test/differential';

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RandomQueries;
use Test::More;

my $seed = $ENV{SEED} // 20240601;
my $queries = $ENV{QUERIES} // 3000;

my %unique = (a => 'code', b => 'code', p => 'code, k', h => 'code', r => 'code, k');
my @tables = sort keys %unique;

# One side. The registered one has deleted rows besides, with values that the live rows have too.
sub schema
{
	my ($schema, $is_registered) = @_;
	my $sql = "CREATE SCHEMA $schema;\nSET search_path = $schema;\n";
	my $plain = $is_registered ? '' : 'deleted_at timestamptz, ';
	$sql .= <<"SQL";
CREATE TABLE a (id int PRIMARY KEY, k int, v int, $plain code text UNIQUE);
CREATE TABLE b (code text, v int, $plain id int PRIMARY KEY, k int);
CREATE UNIQUE INDEX b_code ON b (code);
CREATE INDEX ON b (k);
CREATE TABLE p (id int, k int NOT NULL, v int, $plain code text, PRIMARY KEY (id, k), UNIQUE (code, k)) PARTITION BY RANGE (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (MINVALUE) TO (4);
CREATE TABLE p2 (gone int, code text, v int, k int NOT NULL, id int NOT NULL);
ALTER TABLE p2 DROP COLUMN gone;
CREATE TABLE p3 PARTITION OF p DEFAULT PARTITION BY RANGE (k);
CREATE TABLE p31 PARTITION OF p3 FOR VALUES FROM (MINVALUE) TO (9);
CREATE TABLE p32 PARTITION OF p3 DEFAULT;
CREATE TABLE h (id int PRIMARY KEY, k int, v int, $plain code text UNIQUE);
CREATE TABLE h1 (extra int, PRIMARY KEY (id)) INHERITS (h);
CREATE TABLE r (id int, k int NOT NULL, v int, $plain code text, p int, a int, b int, h int, PRIMARY KEY (id, k), UNIQUE (code, k),
	FOREIGN KEY (p, k) REFERENCES p (id, k) ON DELETE CASCADE, FOREIGN KEY (a) REFERENCES a ON DELETE CASCADE) PARTITION BY RANGE (k);
CREATE TABLE r1 PARTITION OF r FOR VALUES FROM (MINVALUE) TO (6);
CREATE TABLE r2 PARTITION OF r DEFAULT;
ALTER TABLE r1 ADD FOREIGN KEY (b) REFERENCES b ON DELETE CASCADE;
ALTER TABLE r2 ADD FOREIGN KEY (h) REFERENCES h1 ON DELETE CASCADE;
CREATE TABLE u (id int PRIMARY KEY, k int, v int);
CREATE TABLE log (id int, k int, v int);
INSERT INTO log SELECT g, g % 5, g % 3 FROM generate_series(1, 8) g;
INSERT INTO u SELECT g, g % 7, nullif(g % 5, 0) FROM generate_series(1, 12) g;
SQL
	$sql .= "ALTER TABLE p2 ADD COLUMN deleted_at timestamptz;\n" unless $is_registered;
	$sql .= "ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (4) TO (7);\n";
	if ($is_registered)
	{
		$sql .= "SELECT FROM softdelete.register('$schema.$_');\n" foreach @tables;
		$sql .= rows($_, 1000) foreach 'h1', @tables;
		$sql .= "DELETE FROM $_;\n" foreach @tables;
		$sql .= rows($_, 2000) foreach 'h1', @tables;
		$sql .= "DELETE FROM $_ WHERE id > 2000;\n" foreach @tables;
	}
	$sql .= rows($_, 0) foreach @tables;
	$sql .= "INSERT INTO h1 (id, k, v, code) SELECT 50 + g, g % 6, g % 4, 'h' || g FROM generate_series(1, 6) g;\n"
	  . "UPDATE r SET h = 50 + id % 6 + 1 WHERE id % 2 = 0;\n";
	$sql .= functions($schema) . "ANALYZE;\n";
	return $sql;
}

sub rows
{
	my ($table, $first) = @_;
	my $k = $table eq 'p' || $table eq 'r' ? 'g % 11' : 'nullif(g % 9, 5)';
	my $links = "CASE WHEN g % 3 > 0 THEN $first + g END, CASE WHEN g % 5 = 0 THEN $first + g END, "
	  . "CASE WHEN g % 4 = 0 THEN $first + g END, " . ($first > 0 ? "CASE WHEN g % 7 = 0 THEN $first + g END" : 'NULL::int');
	return "INSERT INTO r (id, k, v, code, p, a, b, h) SELECT $first + g, $k, nullif(g % 7, 6), 'c' || g, $links "
	  . "FROM generate_series(1, 24) g;\n" if $table eq 'r';
	return "INSERT INTO $table (id, k, v, code) SELECT $first + g, $k, nullif(g % 7, 6), 'c' || g "
	  . "FROM generate_series(1, 24) g;\n";
}

sub functions
{
	my ($schema) = @_;
	my $result = 'TABLE (id int, k int, v int)';
	my $sql = <<"SQL";
CREATE VIEW va AS SELECT a.id, a.k, b.v FROM a LEFT JOIN b ON b.k = a.k;
CREATE VIEW vb WITH (security_barrier) AS SELECT id, k, v FROM b WHERE v IS DISTINCT FROM 2;
CREATE VIEW vu AS SELECT id, k, v FROM a UNION ALL SELECT id, k, v FROM p UNION ALL SELECT id, k, v FROM u;
CREATE VIEW vg AS SELECT max(id) AS id, k, count(*)::int AS v FROM p GROUP BY k;
CREATE VIEW vh WITH (security_invoker) AS SELECT id, k, v FROM h WHERE EXISTS (SELECT FROM b WHERE b.k = h.k);
CREATE FUNCTION inlined(int) RETURNS $result STABLE LANGUAGE sql AS
	'SELECT id, k, v FROM $schema.a WHERE k >= \$1';
CREATE FUNCTION inlined_join(int) RETURNS $result STABLE LANGUAGE sql
	BEGIN ATOMIC SELECT a.id, b.k, p.v FROM a JOIN b ON a.k = b.k LEFT JOIN p ON p.id = b.id WHERE a.v <> \$1; END;
CREATE FUNCTION opaque(int) RETURNS $result VOLATILE LANGUAGE sql AS
	'SELECT id, k, v FROM $schema.p WHERE k < \$1';
CREATE FUNCTION procedural(int) RETURNS $result STABLE LANGUAGE plpgsql AS
	'BEGIN RETURN QUERY SELECT b.id, b.k, b.v FROM $schema.b WHERE b.k IN (SELECT h.k FROM $schema.h WHERE h.id > \$1); END';
SQL
	foreach my $table (@tables)
	{
		$sql .= <<"SQL";
CREATE FUNCTION remove_$table(int) RETURNS text LANGUAGE plpgsql AS '
	DECLARE removed bigint;
	BEGIN
		DELETE FROM $schema.$table WHERE k = \$1;
		GET DIAGNOSTICS removed = ROW_COUNT;
		RETURN removed || '' '' || found;
	END';
CREATE FUNCTION take_$table(int) RETURNS SETOF int LANGUAGE sql AS 'DELETE FROM $schema.$table WHERE v = \$1 RETURNING id';
SQL
	}
	return $sql;
}

my $node = PostgreSQL::Test::Cluster->new('main');

# On both sides: some of the server's releases answer queries with several outer joins differently under them.
my @settings = (
	'from_collapse_limit = 1; SET join_collapse_limit = 1', 'enable_hashjoin = off; SET enable_mergejoin = off',
	'enable_nestloop = off', 'enable_seqscan = off', 'enable_sort = off', 'enable_hashagg = off',
	'enable_partitionwise_join = on; SET enable_partitionwise_aggregate = on', 'geqo_threshold = 2',
	'plan_cache_mode = force_generic_plan', 'enable_material = off; SET enable_memoize = off',
	($node->pg_version < 16 ? 'force_parallel_mode' : 'debug_parallel_query') . ' = on');

# The script of one side, and the statements by number.
sub script
{
	my ($schema, $is_registered, $physical) = @_;
	my $random = RandomQueries->new($seed, unique => \%unique, relations => [qw(u va vb vu vg vh)],
		functions => [qw(inlined inlined_join procedural)],
		volatile => [qw(opaque)]);
	my $text = "SET search_path = $schema;\nSET statement_timeout = '5s';\n";
	my @statements;
	foreach my $number (1 .. $queries)
	{
		my $setting = $settings[ int(rand(@settings)) ];
		if (rand(100) < 25)
		{
			my ($table, $statement) = $random->modification;
			push @statements, $statement;
			my $kept = $is_registered ? "SELECT count(*) >= $physical FROM all_rows_of_$table" : 'SELECT true';
			$text .= "BEGIN;\n$statement;\n\\echo :SQLSTATE :ROW_COUNT\nSET LOCAL statement_timeout = 0;\nSELECT id, k, v, code FROM $table;\n"
			  . "SELECT * FROM log;\nSELECT 'r', id, k, v, p, a, b, h FROM r;\n$kept;\nROLLBACK;\n";
		}
		else
		{
			my $statement = $random->select(2, [], []);
			push @statements, $statement;
			$text .= "SET $setting;\n";
			$text .= rand(100) < 20 ? "PREPARE q AS $statement;\nEXECUTE q;\n\\echo :SQLSTATE\nDEALLOCATE ALL;\n"
			  : "$statement;\n\\echo :SQLSTATE\n";
			$text .= "RESET ALL;\nSET search_path = $schema;\nSET statement_timeout = '5s';\n";
		}
		$text .= "\\echo == $number\n";
	}
	return ($text, \@statements);
}

sub run_side
{
	my ($node, $schema, $text) = @_;
	my $file = "$PostgreSQL::Test::Utils::tmp_check/$schema.sql";
	append_to_file($file, $text);
	open(my $out, '>', "$file.out") or die $!;
	return IPC::Run::start([ 'psql', '-XAtq', '-f', $file, $node->connstr('postgres') ], '>', "$file.out", '2>',
		"$file.err");
}

# What each statement answered, whatever the order of its rows.
sub answers
{
	my ($schema) = @_;
	my @answers;
	my $text = slurp_file("$PostgreSQL::Test::Utils::tmp_check/$schema.sql.out");
	foreach my $answer (split /^== \d+\n/m, $text)
	{
		push @answers, join("\n", sort split /\n/, $answer);
	}
	return @answers;
}

$node->init;
# Plans are compared, not compiled: JIT would take most of the time.
$node->append_conf('postgresql.conf', 'jit = off');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION softdelete');
$node->safe_psql('postgres', schema('registered', 1));
$node->safe_psql('postgres', schema('plain', 0));
my $physical = 60;
$node->safe_psql('postgres', "CREATE VIEW registered.all_rows_of_$_ AS SELECT FROM registered.$_ "
	  . 'WHERE softdelete.include_deleted(deleted_at)') foreach @tables;

note "seed $seed, $queries statements";
my ($registered_text, $statements) = script('registered', 1, $physical);
my ($plain_text) = script('plain', 0, $physical);
my @runs = (run_side($node, 'registered', $registered_text), run_side($node, 'plain', $plain_text));
IPC::Run::finish($_) foreach @runs;

my @registered = answers('registered');
my @plain = answers('plain');
is(scalar(@registered), $queries, 'all statements ran on registered tables');
is(scalar(@plain), $queries, 'all statements ran on plain tables');

my ($differences, $skipped, $failed) = (0, 0, 0);
foreach my $i (0 .. $queries - 1)
{
	my ($left, $right) = ($registered[$i] // '', $plain[$i] // '');
	if ("$left\n$right" =~ /^57014/m)
	{
		$skipped++;
		next;
	}
	$failed++ if $left !~ /^00000/m;
	next if $left eq $right;
	$differences++;
	diag("statement $i: $statements->[$i];\nregistered:\n$left\nplain:\n$right") if $differences <= 5;
}
note "$failed statements fail alike, $skipped took too long";
is($differences, 0, "no difference in $queries statements with seed $seed");
cmp_ok($failed, '<', $queries / 20, 'hardly a statement fails');
cmp_ok($skipped, '<', $queries / 5, 'most statements end in time');

done_testing();
