# The whole history of a real application's schema, Redmine's with its 301 migrations from 2006 on, runs on registered
# tables as it does on others: no step fails, each leaves live rows as it would, and after unregister the schema is the
# same, to the letter. REDMINE is where test/migrations/unpack has put it. Run by `make test-migrations`.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE redmine LOGIN');

# What replay.rb says: { registered => [ numbers ], ... }
sub replay
{
	my ($database, $registers) = @_;
	my $script = "$ENV{PWD}/test/migrations/replay.rb";
	local %ENV = (
		%ENV,
		PGHOST => $node->host,
		PGPORT => $node->port,
		PGDATABASE => $database,
		PGUSER => 'redmine',
		RAILS_ENV => 'production',
		REGISTER => $registers,
		LANG => 'C.UTF-8');
	my ($printed, $messages) = ('', '');
	my $began = time;
	ok(IPC::Run::run([ 'sh', '-c', 'cd "$REDMINE" && exec bundle exec ruby bin/rails runner "$0"', $script ],
			'<', \undef, '>', \$printed, '2>', \$messages), "$database: replayed")
	  or diag("$printed$messages");
	note "$database: " . (time - $began) . ' s';
	my %said;
	push @{ $said{$1} }, $2 while $printed =~ /^(\w+) (\d+)$/mg;
	return \%said;
}

sub dump_of
{
	my ($database, @options) = @_;
	my $file = "$PostgreSQL::Test::Utils::tmp_check/$database.sql";
	$node->command_ok([ 'pg_dump', @options, '--schema=public', '--no-comments', '-f', $file, $database ], "$database: dumped");
	return slurp_file($file) =~ s/^\\(un)?restrict .*$//mgr;
}

# All rows, but for the times at which they were written and what is made at random.
sub rows_of
{
	my ($database) = @_;
	return $node->safe_psql($database, <<'SQL');
SELECT format('SELECT %L, count(*), md5(string_agg(md5(t::text), '''' ORDER BY t::text)) FROM (SELECT %s FROM %s) t', c.oid::regclass,
              string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname), c.oid::regclass)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
  AND a.atttypid NOT IN ('timestamp'::regtype, 'timestamptz'::regtype) AND a.attname !~ 'password|salt'
GROUP BY c.oid ORDER BY c.oid::regclass::text COLLATE "C" \gexec
SQL
}

$node->safe_psql('postgres', "CREATE DATABASE $_ OWNER redmine") foreach 'plain', 'soft';
$node->safe_psql('soft', 'CREATE EXTENSION softdelete');
my $plain = replay('plain', 0);
my $soft = replay('soft', 1);
my ($steps) = @{ $plain->{migrated} // [0] };
note "$steps steps, tables registered: @{ $soft->{registered} // [] }, rows deleted: @{ $soft->{deleted} // [] }";
cmp_ok($steps, '>', 200, 'hundreds of steps');
is_deeply($soft->{migrated}, $plain->{migrated}, 'all of them on registered tables, too');
cmp_ok(($soft->{registered} // [0])->[0], '>', 30, 'tables were registered half way');
cmp_ok($soft->{unregistered}[0] // 0, '>', 30, 'and were so until the end');
cmp_ok(($soft->{deleted} // [0])->[0], '>', 0, 'with deleted rows');
is_deeply($soft->{deleted}, $plain->{deleted}, 'as many as without');
my ($expected, $got) = (dump_of('plain', '--schema-only'), dump_of('soft', '--schema-only'));
like($expected, qr/^CREATE TABLE public\.issues /m, 'a schema was dumped');
ok($got eq $expected, 'the schema is the same') or is($got, $expected);
is(rows_of('soft'), rows_of('plain'), 'and so are the rows');

done_testing();
