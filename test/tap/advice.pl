# The warnings of register() on two real schemas with their stock data, Zabbix (foreign keys) and Kea (triggers, functions):
# every command runs as it stands, nothing is left to say when all have been followed but what no statement can mend, and no
# table has more than one line about indexes.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my %schemas = (zabbix => 150, kea => 50); # and how many tables they have at least
my %scripts;
foreach my $schema (sort keys %schemas)
{
	$scripts{$schema} = "$PostgreSQL::Test::Utils::tmp_check/$schema.sql";
	plan skip_all => "the package with the schema of $schema is neither installed nor can it be downloaded"
	  if system("sh test/schemas/$schema > '$scripts{$schema}'") != 0;
}

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "max_locks_per_transaction = 1000\njit = off");
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE keeper LOGIN');

# As the schema's owner, who is nobody special.
sub run
{
	my ($database, $sql) = @_;
	return $node->safe_psql($database, "SET client_min_messages = error;\n$sql", extra_params => [ '-U', 'keeper' ]);
}

# Triggers that stand in for others need the column, and so the registration. Not those of which the advice says that their
# functions have to change first.
my $prepare = <<'SQL';
CREATE SCHEMA advice;
CREATE TABLE advice.given (relation regclass, of regclass, object text, command text, is_left boolean);
CREATE FUNCTION advice.has_command(text) RETURNS boolean LANGUAGE sql AS
    $$ SELECT regexp_replace($1, '--[^\n]*', '', 'g') ~ '\S' AND regexp_replace($1, '\s+(-- )?', ' ', 'g') !~ 'has to return NEW' $$;
CREATE PROCEDURE advice.note(relation regclass, is_left boolean) LANGUAGE sql AS $$
    INSERT INTO advice.given SELECT $1, p.relation, p.object, p.command, $2
    FROM softdelete.plan($1, retention => '90 days') p WHERE p.action = 'warning' $$;
SQL

my $follow = <<'SQL';
SELECT NOT EXISTS (SELECT FROM softdelete.tables WHERE relation = :'relation'::regclass) AS todo \gset
\if :todo
CALL advice.note(:'relation', false);
SELECT command FROM softdelete.plan(:'relation', retention => '90 days')
    WHERE action = 'warning' AND object NOT LIKE 'trigger %' AND advice.has_command(command) \gexec
SELECT command FROM softdelete.plan(:'relation', retention => '90 days')
    WHERE action = 'warning' AND object NOT LIKE 'trigger %' AND advice.has_command(command) \gexec
CALL advice.note(:'relation', true);
SELECT count(*) FROM softdelete.register(:'relation', retention => '90 days');
SELECT command FROM advice.given WHERE relation = :'relation'::regclass AND is_left AND object LIKE 'trigger %'
    AND advice.has_command(command) \gexec
\endif
SQL

foreach my $schema (sort keys %schemas)
{
	$node->safe_psql('postgres', "CREATE DATABASE $schema OWNER keeper");
	$node->safe_psql($schema, 'CREATE EXTENSION softdelete');
	command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-U', 'keeper', '-o', '/dev/null', '-f', $scripts{$schema}, $node->connstr($schema) ],
		"$schema: loaded");
	my @tables = split /\n/, run($schema,
		"SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1");
	cmp_ok(scalar @tables, '>=', $schemas{$schema}, "$schema: has tables");
	run($schema, $prepare . join '', map { "\\set relation '$_'\n$follow" } @tables);
	is(run($schema, 'SELECT count(*) FROM softdelete.tables'), scalar @tables, "$schema: every table is registered");
	note "$schema: " . run($schema, "SELECT string_agg(kind || ' ' || n, ', ' ORDER BY n DESC) FROM (SELECT split_part(object, ' ', 1) AS kind,
		count(*) AS n FROM advice.given WHERE NOT is_left GROUP BY 1) t");

	is(run($schema, q{SELECT relation, of, count(*) FROM advice.given WHERE command LIKE '-- no index%' GROUP BY 1, 2, is_left HAVING count(*) > 1}),
		'', "$schema: at most one line for the indexes of a table");
	is(run($schema, q{SELECT relation, object, command FROM advice.given WHERE is_left AND object NOT LIKE 'trigger %' AND advice.has_command(command)}),
		'', "$schema: what has a command is mended by it");

	# ON CONFLICT ON CONSTRAINT and new foreign keys; a key that others reference; a function that has to return another row.
	is(run($schema, q{SELECT relation, object, command FROM advice.given WHERE is_left AND NOT advice.has_command(command)
		AND object <> 'ON CONFLICT ON CONSTRAINT' AND object NOT LIKE 'trigger %'
		AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.confrelid = relation)}),
		'', "$schema: what has none cannot be mended by a statement");
}

$node->stop;
done_testing();
