# A dump and its restore give the same database: rows, registrations, deletions, triggers, views, comments, indexes, and
# what statements do afterwards. Whatever pg_dump's format and options, with and without the library loaded by the
# restoring sessions, dumped by the owner of the database or a superuser.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Shop;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->start;
my $folder = PostgreSQL::Test::Utils::tempdir();

sub as_owner
{
	my ($database, $sql, %options) = @_;
	return $node->safe_psql($database, $sql, extra_params => [ '-U', 'keeper' ], %options);
}

sub make_database
{
	my ($name, $has_library) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name OWNER keeper");
	$node->safe_psql('postgres', "ALTER DATABASE $name SET session_preload_libraries = softdelete") if $has_library;
}

# Runs a program on a database; its errors are the test's.
sub run_on
{
	my ($database, @command) = @_;
	my $out = '';
	my $passed = IPC::Run::run([ @command, '-d', $node->connstr($database) ], '>', \$out, '2>&1');
	diag("@command: $out") unless $passed;
	return $passed;
}

sub dump_of { return Shop::dump_of($node, @_) }

$node->safe_psql('postgres', 'CREATE ROLE keeper LOGIN; CREATE ROLE reader LOGIN ROLE keeper');
make_database('shop', 1);
$node->safe_psql('shop', 'CREATE EXTENSION softdelete');
as_owner('shop', $Shop::contents);
my $original = dump_of('shop');
like($original, qr/^7\tpublic\.items\t.*\to'neill\t/m, 'the dump has the log of deletions');

# The database is like the one that was dumped.
sub is_restored
{
	my ($what, $database, $has_library) = @_;
	is(dump_of($database), $original, "$what: all is there as it was");
	is($node->safe_psql($database, 'SELECT * FROM counted'), '1', "$what: materialized views hold live rows");
	$node->safe_psql('postgres', "ALTER DATABASE $database SET session_preload_libraries = softdelete") if !$has_library;
	return is(Shop::behaviour_of($node, $database), $main::expected, "$what: statements do what they did");
}

my $plain = "$folder/plain.sql";
my $custom = "$folder/custom.dump";
my @psql = ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null');
run_on('shop', 'pg_dump', '-f', $plain);
run_on('shop', 'pg_dump', '-Fc', '-f', $custom);

# What the source itself does is what is expected of all; it does so in a copy that the server made.
$node->safe_psql('postgres', 'CREATE DATABASE model OWNER keeper TEMPLATE shop');
$node->safe_psql('postgres', 'ALTER DATABASE model SET session_preload_libraries = softdelete');
our $expected = Shop::behaviour_of($node, 'model');
like($expected, qr/^undone\|5$/m, 'a deletion with its cascade can be undone');
like($expected, qr/^next id\|10$/m, 'ids go on');
is(join(' ', $expected =~ /^([0-9]\w{4})$/mg), '23503 23503 23505 23503 55000 55000', 'what is to be refused is refused');

for my $has_library (0, 1)
{
	my $with = $has_library ? 'with the library' : 'without';
	make_database("plain$has_library", $has_library);
	ok(run_on("plain$has_library", @psql, '-1', '-f', $plain), "plain, $with");
	is_restored("plain, $with", "plain$has_library", $has_library);

	make_database("parallel$has_library", $has_library);
	run_on('shop', 'pg_dump', '-Fd', '-j', 2, '-f', "$folder/directory$has_library");
	ok(run_on("parallel$has_library", 'pg_restore', '-e', '-j', 2, "$folder/directory$has_library"), "directory, parallel, $with");
	is_restored("directory, parallel, $with", "parallel$has_library", $has_library);
}

make_database('custom', 1);
ok(run_on('custom', 'pg_restore', '-e', '-1', $custom), 'custom');
is(dump_of('custom'), $original, 'custom: all is there as it was');

# Over what is there. The server's own dumps drop keys of partitions one by one, which fails with and without us.
my $errors = '';
IPC::Run::run([ 'pg_restore', '--clean', '--if-exists', '-d', $node->connstr('custom'), $custom ], '2>', \$errors);
is(join("\n", grep { /ERROR/ && !/inherited constraint "events_\d_pkey"/ } split /\n/, $errors), '', '--clean drops it all');
is_restored('--clean', 'custom', 1);

make_database('inserts', 1);
run_on('shop', 'pg_dump', '--inserts', '-f', "$folder/inserts.sql");
ok(run_on('inserts', @psql, '-f', "$folder/inserts.sql"), '--inserts');
is_restored('--inserts', 'inserts', 1);

make_database('sections', 0);
for my $section ('pre-data', 'data', 'post-data')
{
	run_on('shop', 'pg_dump', "--section=$section", '-f', "$folder/$section.sql");
	ok(run_on('sections', @psql, '-f', "$folder/$section.sql"), "--section=$section");
}
is_restored('by section', 'sections', 0);

# Rows into tables that are there, with triggers disabled: they fire as before when they are back.
for my $has_library (0, 1)
{
	my $database = "rows$has_library";
	make_database($database, $has_library);
	run_on('shop', 'pg_dump', '--schema-only', '-f', "$folder/schema.sql");
	ok(run_on($database, @psql, '-f', "$folder/schema.sql"), 'the schema alone');
	ok(run_on($database, 'pg_restore', '-e', '--data-only', '--disable-triggers', $custom), 'the rows alone');
	$node->safe_psql($database, 'REFRESH MATERIALIZED VIEW counted');
	is_restored('--schema-only, then --data-only --disable-triggers', $database, $has_library);
}

# The settings of the database come with --create.
run_on('shop', 'pg_dump', '--create', '-f', "$folder/create.sql");
$node->safe_psql('postgres', 'ALTER DATABASE shop RENAME TO lost');
ok(run_on('postgres', @psql, '-f', "$folder/create.sql"), '--create');
is(as_owner('shop', 'SELECT count(*) FROM users'), '1', '--create: sessions load the library');
is_restored('--create', 'shop', 1);
$node->safe_psql('postgres', 'DROP DATABASE shop');
$node->safe_psql('postgres', 'ALTER DATABASE lost RENAME TO shop');

# The owner of the database, who is no superuser, makes a complete dump.
ok(run_on('shop', 'pg_dump', '-U', 'keeper', '-Fc', '-f', "$folder/owner.dump"), 'the owner dumps');
make_database('owners', 1);
ok(run_on('owners', 'pg_restore', '-e', "$folder/owner.dump"), 'a superuser restores it');
is_restored("the owner's dump", 'owners', 1);

# Without a superuser the extension's own tables cannot be filled: registering again takes over what the tables hold.
sub adopt
{
	my ($what, $database, @tables) = @_;
	as_owner($database, "SELECT count(*) FROM softdelete.register('$_', retention => '30 days', cascade => true)", on_error_stop => 1)
	  for @tables;
	is(as_owner($database, "SELECT id, relation, rows FROM softdelete.deletions ORDER BY id LIMIT 3"),
		join("\n", q(1|"Q'x"."Order s"|{"\"Q'x\".\"Order s\"": 1}), q(2|users|{"public.users": 3, "\"Q'x\".\"Order s\"": 2}),
			q(3|users|{"public.users": 1})), "$what: register adopts the deletions");
	is(as_owner($database, 'SELECT softdelete.undo(2)'), '5', "$what: they can be undone");
	cmp_ok(as_owner($database, 'DELETE FROM users WHERE id = 2 RETURNING deletion_id'), '>', 3, "$what: ids go on");
}
make_database('by_owner', 1);
$node->safe_psql('by_owner', 'CREATE EXTENSION softdelete');
ok(run_on('by_owner', 'pg_restore', '-e', '-U', 'keeper', '-N', 'softdelete', '-N', 'softdelete_internal', '--no-comments', "$folder/owner.dump"), 'the owner restores');
adopt('restored by the owner', 'by_owner', 'users');
as_owner('by_owner', q{SELECT count(*) FROM softdelete.register('locked', visibility => 'rls')}, on_error_stop => 1);
is(as_owner('by_owner', 'SET ROLE reader; SELECT count(*) FROM all_locked'), '1', 'policies are adopted');

make_database('parts', 1);
$node->safe_psql('parts', q{CREATE EXTENSION softdelete; CREATE SCHEMA "Q'x" AUTHORIZATION keeper});
run_on('shop', 'pg_dump', '-U', 'keeper', '-Fc', '-t', 'users', '-f', "$folder/table.dump");
ok(run_on('parts', 'pg_restore', '-e', '-U', 'keeper', "$folder/table.dump"), '--table');
run_on('shop', 'pg_dump', '-U', 'keeper', '-n', q{"Q'x"}, '-Fc', '-f', "$folder/schema.dump");
ok(run_on('parts', 'pg_restore', '-e', '-U', 'keeper', '-n', "Q'x", "$folder/schema.dump"), '--schema');
adopt('--table and --schema', 'parts', 'users');

# A dump that leaves out a registered table: the others' registrations cannot be restored, and rows are kept until somebody
# registers again.
$node->safe_psql('postgres', 'CREATE DATABASE source OWNER keeper');
$node->safe_psql('postgres', 'ALTER DATABASE source SET session_preload_libraries = softdelete');
$node->safe_psql('source', 'CREATE EXTENSION softdelete; GRANT CREATE ON SCHEMA public TO keeper');
as_owner('source', <<'SQL');
CREATE TABLE clients (id int PRIMARY KEY);
CREATE TABLE log (id int PRIMARY KEY);
INSERT INTO clients VALUES (1), (2), (3);
SELECT softdelete.register('clients', retention => '10 years'), softdelete.register('log');
SELECT softdelete.hold('clients', 'a case', 1);
DELETE FROM clients WHERE id IN (1, 2);
SQL
run_on('source', 'pg_dump', '-Fc', '-f', "$folder/part.dump", '-T', 'log');
make_database('part', 1);
IPC::Run::run([ 'pg_restore', '-d', $node->connstr('part'), "$folder/part.dump" ], '2>', \$errors);
like($errors, qr/relation "public.log" does not exist/, 'without a registered table: pg_restore says what is missing');
my $remove = 'DELETE FROM clients WHERE deleted_at IS NOT NULL AND id = ';
sub refused
{
	my ($id) = @_;
	my ($result, $out, $error) = $node->psql('part', "$remove$id", extra_params => [ '-U', 'keeper' ]);
	return $error;
}
is(as_owner('part', 'DELETE FROM clients WHERE id = 3; SELECT count(*) FROM all_clients'), '3', '... deletes are soft');
like(refused($_), qr/cannot remove rows of table "clients": its registration is missing/, "... row $_ stays") for 1 .. 3;
as_owner('part', "SELECT count(*) FROM softdelete.register('clients', retention => '10 years')");
like(refused(2), qr/before their retention has passed/, '... registered again, the table has its retention');
run_on('source', 'pg_dump', '-Fc', '-f', "$folder/without.dump", '--exclude-table-data=log');
make_database('without', 1);
ok(run_on('without', 'pg_restore', '-e', "$folder/without.dump"), 'without the rows of a registered table');
is(as_owner('without', 'SELECT relation, retention FROM softdelete.tables ORDER BY relation::text'), "clients|10 years\nlog|", '... all are registered');

# Partitions are loaded side by side while a hold is in force above their table, as the hold is restored first.
make_database('held', 1);
$node->safe_psql('held', <<'SQL');
CREATE EXTENSION softdelete;
CREATE TABLE files (id int PRIMARY KEY);
CREATE TABLE pages (id int, part int, file int REFERENCES files ON DELETE CASCADE, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE pages1 PARTITION OF pages FOR VALUES IN (1);
CREATE TABLE pages2 PARTITION OF pages FOR VALUES IN (2);
CREATE TABLE pages3 PARTITION OF pages DEFAULT;
CREATE INDEX ON pages (file);
SELECT count(*) FROM softdelete.register('files', cascade => true);
SELECT count(*) FROM softdelete.configure('pages', strategy => 'archive');
SELECT softdelete.track_history('pages');
INSERT INTO files SELECT generate_series(1, 10);
INSERT INTO pages SELECT g, g % 4, g % 10 + 1 FROM generate_series(1, 20) g;
DELETE FROM files WHERE id IN (1, 2);
DELETE FROM pages WHERE id = 5;
SELECT softdelete.restore('files', 1), softdelete.hold('files', 'a case', 2);
SQL
run_on('held', 'pg_dump', '-Fc', '-f', "$folder/held.dump");
for my $try (1 .. 4)
{
	make_database("held$try", 1);
	ok(run_on("held$try", 'pg_restore', '-e', '-j', 2, "$folder/held.dump"), "partitions below a hold, in parallel ($try)");
	is($node->safe_psql("held$try", 'SELECT count(*) FROM all_pages'), '20', '... all rows are there');
	$node->safe_psql('postgres', "DROP DATABASE held$try");
}

# By its definition, what the role may see: live rows of its own.
run_on('shop', 'pg_dump', '-U', 'reader', '--enable-row-security', '--data-only', '-t', 'users', '-t', 'secret', '-f', "$folder/seen.sql");
my $seen = slurp_file("$folder/seen.sql");
is(join(' ', $seen =~ /^(\d+)\t\w+\t/mg), '2 4', '--enable-row-security: what the role sees');

$node->stop;
done_testing();
