# pg_upgrade from one major version to another: all of a database with registered tables is there afterwards and works.
# The old server's programs are in OLD_BINDIR. Run by `make upgrade-test`.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Shop;
use Test::More;

my $old = PostgreSQL::Test::Cluster->new('old', install_path => $ENV{OLD_BINDIR} =~ s{/bin$}{}r);
# The same for both, whatever each version's defaults are.
my @initdb = ('--locale=C', '--encoding=UTF8', '-U', 'postgres');
$old->init(extra => [ @initdb, $old->pg_version >= 18 ? '--no-data-checksums' : () ]);
$old->start;
$old->safe_psql('postgres', 'CREATE ROLE keeper LOGIN; CREATE ROLE reader LOGIN ROLE keeper');
$old->safe_psql('postgres', 'CREATE DATABASE shop OWNER keeper');
$old->safe_psql('shop', 'CREATE EXTENSION softdelete');
$old->safe_psql('shop', $Shop::contents, extra_params => [ '-U', 'keeper' ]);
$old->safe_psql('postgres', 'CREATE DATABASE model OWNER keeper TEMPLATE shop');
my $expected = Shop::behaviour_of($old, 'model');
like($expected, qr/^undone\|5$/m, 'a deletion can be undone before');

my $new = PostgreSQL::Test::Cluster->new('new');
$new->init(extra => [ @initdb, $new->pg_version >= 18 ? '--no-data-checksums' : () ]);
note 'from ' . $old->pg_version . ' to ' . $new->pg_version;
cmp_ok($old->pg_version, '<', $new->pg_version, 'the versions differ');

sub unqualified
{
	my ($statement) = @_;
	return $statement =~ s/(?<![.\w"])(?!(?:public|softdelete|pg_catalog)\.)("[^"]+"|\w+)\.(?=["\w])//gr;
}

# By the new pg_dump, so that both are in the same words.
sub dump_of
{
	my ($node, $database) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
	$new->command_ok([ 'pg_dump', '--no-sync', '-f', $file, '-d', $node->connstr($database) ], 'dumped ' . $node->name);
	my $dump = slurp_file($file) =~ s/^(\\(un)?restrict |-- Dumped from database version).*$//mgr;
	# Up to version 15 the server writes the columns of a view of one table with its name before them.
	$dump =~ s{^(CREATE (?:MATERIALIZED )?VIEW .*?;)$}{ unqualified($1) }gmse;
	return $dump;
}
my $before = dump_of($old, 'shop');
$old->stop;

chdir PostgreSQL::Test::Utils::tempdir();
$new->command_ok([ 'pg_upgrade', '--no-sync', '-U', 'postgres', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $ENV{OLD_BINDIR},
		'-B', $ENV{BINDIR}, '-s', $new->host, '-p', $old->port, '-P', $new->port ], 'pg_upgrade');
$new->start;
my $after = dump_of($new, 'shop');
is(join("\n", grep { my $line = $_; index("$before\n", "$line\n") < 0 } split /\n/, $after), '', 'nothing is new');
is($after, $before, 'all is there as it was');
is($new->safe_psql('shop', 'SELECT * FROM counted'), '1', 'materialized views too');
is(Shop::behaviour_of($new, 'shop'), $expected, 'statements do what they did');
$new->stop;
done_testing();
