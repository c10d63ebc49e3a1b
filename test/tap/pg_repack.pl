# pg_repack copies what its session sees of a table, and swaps the files. A session that sees no deleted rows is refused before
# anything is copied. One that sees them repacks every registered table and archive, and the database is as it was.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Shop;
use Test::More;

chomp(my $share = `pg_config --sharedir`);
plan skip_all => 'not run: no pg_repack' if !-e "$share/extension/pg_repack.control";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'softdelete'");
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE keeper LOGIN; CREATE ROLE reader LOGIN ROLE keeper; CREATE DATABASE shop OWNER keeper');
$node->safe_psql('shop', 'CREATE EXTENSION softdelete; CREATE EXTENSION pg_repack');
$node->safe_psql('shop', $Shop::contents, extra_params => [ '-U', 'keeper' ]);
$node->safe_psql('postgres', 'CREATE DATABASE model OWNER keeper TEMPLATE shop');
my $expected = Shop::behaviour_of($node, 'model');

# Each line, whatever the order of the rows.
sub lines { return join "\n", sort split /\n/, Shop::dump_of($node, 'shop') }
my $original = lines();

sub repack
{
	my $out = '';
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	my $passed = IPC::Run::run([ 'pg_repack', '--dbname=shop', @_ ], '>', \$out, '2>&1');
	return ($passed, $out);
}

my ($passed, $said) = repack();
ok(!$passed, 'a session that sees no deleted rows is refused');
like($said, qr/would lose the deleted rows of registered table.*HINT:  Run it as PGOPTIONS='-c softdelete.visibility=all' pg_repack/s, 'and told what to do');
is(lines(), $original, 'nothing has changed');

{
	local $ENV{PGOPTIONS} = '-c softdelete.visibility=all';
	($passed, $said) = repack('--wait-timeout=60');
	ok($passed, 'a session that sees them is not') or diag $said;
}
like($said, qr/repacking table "\Q$_\E"/, "$_ is repacked") for qw(public.users public.events_1 public.base public.secret public.items public.locked public.bags softdelete_internal.deletion);
is(lines(), $original, 'the database is as it was');
is(Shop::behaviour_of($node, 'shop'), $expected, 'and statements do what they did');
done_testing();
