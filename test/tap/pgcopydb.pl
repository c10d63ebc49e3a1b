# pgcopydb clones a database by COPY, and takes what its session sees. Told to see deleted rows, and with the extension's
# own tables brought by pg_dump, it makes a database that is like the first one.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Shop;
use Test::More;

my ($program) = grep { -x } map { "$_/pgcopydb" } split /:/, $ENV{PATH};
plan skip_all => 'not run: no pgcopydb' if !$program;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'softdelete'");
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE keeper LOGIN; CREATE DATABASE shop OWNER keeper');
$node->safe_psql('shop', 'CREATE EXTENSION softdelete');
# Without row security, which pgcopydb 0.10 does not copy of any table.
$node->safe_psql('shop', q{
CREATE TABLE users (id int PRIMARY KEY, mail text UNIQUE);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
CREATE TABLE events (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE bags (id int PRIMARY KEY);
SELECT count(*) FROM softdelete.register('users', cascade => true, retention => '1 year');
SELECT count(*) FROM softdelete.register('events');
SELECT count(*) FROM softdelete.register('bags', strategy => 'archive');
INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 10) i;
INSERT INTO orders SELECT i, i FROM generate_series(1, 10) i;
INSERT INTO events SELECT i, '2026-01-05' FROM generate_series(1, 10) i;
INSERT INTO bags SELECT generate_series(1, 10);
DELETE FROM users WHERE id <= 4;
DELETE FROM events WHERE id <= 4;
DELETE FROM bags WHERE id <= 4;
SELECT softdelete.hold('users', 'law suit', 3);
}, extra_params => [ '-U', 'keeper' ]);
$node->safe_psql('postgres', 'CREATE DATABASE whole OWNER keeper');
my $folder = PostgreSQL::Test::Utils::tempdir();

# Everything in a database, whatever the order of the rows.
sub contents { my ($database) = @_; return join "\n", sort split /\n/, Shop::dump_of($node, $database) }

# What a session does with what it finds there.
sub behaviour
{
	my ($database) = @_;
	my ($out, $errors) = ('', '');
	$node->psql($database, q{
		SELECT 'undone', softdelete.undo(1);
		DELETE FROM users WHERE id = 5 RETURNING 'next', deletion_id;
		DELETE FROM users WHERE deleted_at IS NOT NULL AND id = 3;
		INSERT INTO users VALUES (20, 'u20');
		INSERT INTO orders VALUES (20, 5);
		SELECT 'orders', count(*) FROM orders;
		SELECT 'restored', softdelete.restore('bags', 1), softdelete.restore('events', 1, date '2026-01-05');
		DELETE FROM bags;
		SELECT 'rows', (SELECT count(*) FROM all_bags), (SELECT count(*) FROM events), (SELECT count(*) FROM all_users);
		SELECT 'check', code FROM softdelete.check() ORDER BY 2;
	}, stdout => \$out, stderr => \$errors, on_error_stop => 0, extra_params => [ '-U', 'keeper' ]);
	return $out . $errors;
}

# pgcopydb ends its whole process group where it fails, so it gets one of its own.
sub clone
{
	my ($database, @options) = @_;
	my $out = '';
	my $passed = IPC::Run::run([ 'setsid', '--wait', $program, 'clone', '--source', $node->connstr('shop'),
		'--target', $node->connstr($database), '--dir', "$folder/$database", @options ], '>', \$out, '2>&1');
	return ($passed, $out);
}

# As the manual says.
$node->safe_psql('whole', 'CREATE EXTENSION softdelete');
{
	local $ENV{PGOPTIONS} = '-c softdelete.visibility=all';
	my ($passed, $said) = clone('whole', '--skip-extensions');
	ok($passed, 'a session that sees deleted rows copies them') or diag $said;
}
is($node->safe_psql('whole', 'SELECT count(*) FROM users'), 6, 'which the copy hides at once');
my $said = '';
ok(IPC::Run::run([ 'pg_dump', '--data-only', '--table=softdelete_internal.*', $node->connstr('shop') ],
	'|', [ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', $node->connstr('whole') ], '>', \$said, '2>&1'), 'then the own tables of the extension') or diag $said;
is(contents('whole'), contents('shop'), 'it is the same database');
is(behaviour('whole'), behaviour('shop'), 'and statements do the same');
done_testing();
