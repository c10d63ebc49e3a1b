# Registered tables beside tables of Citus: a statement that names both does what it does beside plain tables. Archives and
# histories of tables of Citus are refused, and so is what would make one of a registered table.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($share) = map { chomp; $_ } `pg_config --sharedir`;
plan skip_all => 'not run: no Citus' if !-e "$share/extension/citus.control";

my $node = PostgreSQL::Test::Cluster->new('coordinator');
$node->init;
$node->append_conf('postgresql.conf', <<"CONF");
shared_preload_libraries = 'citus, softdelete'
listen_addresses = '127.0.0.1'
citus.shard_count = 4
max_connections = 100
CONF
$node->start;
my $port = $node->port;
$node->safe_psql('postgres', <<"SQL");
CREATE EXTENSION citus;
CREATE EXTENSION softdelete;
SELECT citus_set_coordinator_host('127.0.0.1', $port);
SELECT citus_set_node_property('127.0.0.1', $port, 'shouldhaveshards', true);
CREATE ROLE app LOGIN;
CREATE SCHEMA beside AUTHORIZATION app;
CREATE SCHEMA plain AUTHORIZATION app;
SQL

# What a session of the owner's prints: rows, command tags as psql counts them, SQLSTATEs of errors.
sub run_in
{
	my ($schema, $sql) = @_;
	my ($out, $errors) = ('', '');
	$node->psql('postgres', "SET client_min_messages = error;\nSET search_path = $schema;\n\\set QUIET off\n$sql",
		stdout => \$out, stderr => \$errors, on_error_stop => 0, extra_params => [ '-U', 'app', '-v', 'VERBOSITY=sqlstate' ]);
	return join(' ', (grep { $_ ne '' } split(/\n/, $out)), $errors =~ /ERROR:  (\w+)/g);
}

foreach my $schema ('beside', 'plain')
{
	run_in($schema, <<'SQL');
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
CREATE INDEX ON orders (user_id);
CREATE TABLE events (id int PRIMARY KEY, user_id int);
CREATE TABLE countries (id int PRIMARY KEY, user_id int);
INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 60) i;
INSERT INTO orders SELECT i, i FROM generate_series(1, 60) i;
INSERT INTO events SELECT i, i FROM generate_series(1, 60) i;
INSERT INTO countries SELECT i, i FROM generate_series(1, 60) i;
SELECT softdelete.register('users', cascade => true);
CREATE FUNCTION remove(named int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE number int;
BEGIN
    DELETE FROM users u USING events e WHERE e.id = u.id AND e.user_id = named;
    GET DIAGNOSTICS number = ROW_COUNT;
    RETURN number;
END $$;
SQL
}
my $made = run_in('beside', "SELECT create_distributed_table('events', 'id'); SELECT create_reference_table('countries');");
unlike($made, qr/[0-9A-Z]{5}$/, 'tables of Citus are made beside registered ones');
is(run_in('beside', 'SELECT count(*) FROM users JOIN events USING (id)'), '60', 'and joined with them');

# Each is run beside tables of Citus and beside plain ones.
my @statements = (
	'DELETE FROM users WHERE id IN (SELECT id FROM events WHERE user_id <= 2)',
	'DELETE FROM users u USING events e WHERE e.id = u.id AND e.user_id = 3 RETURNING u.id, name, u.deleted_by',
	'DELETE FROM users WHERE id = ANY (ARRAY(SELECT id FROM countries WHERE user_id = 4))',
	'DELETE FROM users u USING countries c WHERE c.id = u.id AND c.user_id = 5 RETURNING u.id',
	'WITH gone AS (DELETE FROM users WHERE id IN (SELECT id FROM events WHERE user_id = 6) RETURNING id) SELECT * FROM gone',
	'WITH named AS (SELECT id FROM events WHERE user_id = 7) DELETE FROM users WHERE id IN (SELECT id FROM named)',
	'DELETE FROM users WHERE id IN (SELECT id FROM events WHERE user_id <= 7)',
	'UPDATE users SET deleted_at = now() FROM events e WHERE e.id = users.id AND e.user_id = 8',
	"UPDATE users SET name = 'x' FROM events e WHERE e.id = users.id AND e.user_id IN (8, 9)",
	'UPDATE users SET deleted_at = NULL FROM events e WHERE e.id = users.id AND e.user_id = 8',
	'UPDATE users SET deletion_id = 77 FROM events e WHERE e.id = users.id AND e.user_id = 10',
	'UPDATE users SET deleted_by = name FROM events e WHERE e.id = users.id AND e.user_id = 10',
	"INSERT INTO users SELECT id + 100, 'new' FROM events WHERE user_id < 3",
	"INSERT INTO users SELECT id, 'new' FROM events WHERE user_id IN (11, 12) ON CONFLICT (id) DO UPDATE SET name = 'both'",
	"INSERT INTO users SELECT id, 'new' FROM events WHERE user_id = 1 ON CONFLICT (id) DO NOTHING",
	"INSERT INTO users SELECT id, 'new' FROM events WHERE user_id = 1 ON CONFLICT (id) DO UPDATE SET name = 'both'",
	'INSERT INTO orders SELECT id + 100, id FROM events WHERE user_id = 1',
	'INSERT INTO orders SELECT id + 100, id FROM events WHERE user_id = 13',
	'PREPARE p AS DELETE FROM users WHERE id IN (SELECT id FROM events WHERE user_id = $1); '
	  . join('; ', map { "EXECUTE p($_)" } 20 .. 27) . '; EXECUTE p(20)',
	'SELECT remove(28), remove(29), remove(28)',
	'BEGIN; SAVEPOINT s; DELETE FROM users WHERE id IN (SELECT id FROM events WHERE user_id = 30); ROLLBACK TO s; COMMIT',
	'BEGIN; DELETE FROM users WHERE id IN (SELECT id FROM events WHERE user_id = 31); ROLLBACK',
	"SELECT set_config('softdelete.actor', 'ann', false); DELETE FROM users WHERE id IN (SELECT id FROM events WHERE user_id = 32) RETURNING deleted_by",
	'DELETE FROM users WHERE deleted_at IS NOT NULL AND id IN (SELECT id FROM events WHERE user_id = 1)',
	"SET softdelete.visibility = 'all'; DELETE FROM users WHERE id IN (SELECT id FROM events WHERE user_id IN (2, 33))",
	"SET softdelete.visibility = 'all'; SELECT count(*) FROM users JOIN events USING (id)",
	"SET softdelete.visibility = 'deleted'; SELECT count(*) FROM users JOIN events USING (id)",
	'SELECT count(*) FROM users JOIN events USING (id)',
	'SELECT count(*) FROM users LEFT JOIN events USING (id)',
	'SELECT count(*) FROM events LEFT JOIN users USING (id)',
	'SELECT count(*) FROM events FULL JOIN users USING (id)',
	'SELECT count(*) FROM events LEFT JOIN users USING (id) WHERE users.id IS NULL',
	'SELECT count(*) FROM events WHERE id NOT IN (SELECT id FROM users)',
	'SELECT count(*) FROM users JOIN events USING (id) WHERE users.deleted_at IS NOT NULL',
	'SELECT count(*) FROM users JOIN events USING (id) WHERE users.deleted_at IS NOT NULL OR events.user_id = 50',
	'SELECT count(*) FROM users JOIN events USING (id) WHERE softdelete.include_deleted(users.deleted_at)',
	'SELECT count(*) FROM users JOIN countries USING (id)',
	'SELECT count(*) FROM deleted_users JOIN events USING (id)',
	'SELECT count(*) FROM all_users JOIN countries USING (id)',
	'SELECT count(*) FROM users JOIN events USING (id) WHERE softdelete.include_deleted(users.deleted_at) AND users.id < 9',
	'SELECT count(*) FROM users JOIN countries USING (id) WHERE softdelete.include_deleted(users.deleted_at) AND countries.id < 9',
);
foreach my $statement (@statements)
{
	my $expected = run_in('plain', $statement);
	is(run_in('beside', $statement), $expected, "$statement: $expected");
}
my $state = q{
SELECT count(*), count(deleted_at), count(deletion_id), count(DISTINCT deletion_id) FROM all_users;
SELECT count(*), count(deleted_at), count(deletion_id), count(DISTINCT deletion_id) FROM all_orders;
SELECT deleted_by, sum((rows ->> (current_schema || '.users'))::int), sum((rows ->> (current_schema || '.orders'))::int)
FROM softdelete.deletions WHERE relation IN ('users'::regclass, 'orders'::regclass) GROUP BY 1 ORDER BY 1;
};
my $plain = run_in('plain', $state);
like($plain, qr/^61\|.* app\|\d+\|\d+$/, 'rows and deletions are counted');
is(run_in('beside', $state), $plain, 'afterwards the same rows are deleted, by as many deletions');
my $undo = "SELECT sum(softdelete.undo(id)) FROM softdelete.deletions WHERE deleted_by = 'ann' AND relation = 'users'::regclass";
is(run_in('beside', $undo), '2', 'and undo takes one back');

# What cannot be.
sub refusal
{
	my ($sql) = @_;
	my $errors = '';
	$node->psql('postgres', "SET search_path = beside;\n$sql", stderr => \$errors, on_error_stop => 0, extra_params => [ '-U', 'app' ]);
	return $errors;
}
foreach my $table ('events', 'countries')
{
	like(refusal("SELECT * FROM softdelete.register('$table', strategy => 'archive')"), qr/table "$table" is a table of Citus, which cannot have an archive.*HINT/s, "an archive of $table");
	like(refusal("SELECT softdelete.track_history('$table')"), qr/cannot track the history of table "?$table"?, which is a table of Citus/, "track_history('$table')");
}
foreach my $unsafe ('off', 'on')
{
	foreach my $call ("create_distributed_table('users', 'id')", "create_reference_table('users')", "citus_add_local_table_to_metadata('users')")
	{
		like(refusal("SET citus.enable_unsafe_triggers = $unsafe; SELECT $call"), qr/ERROR:.*trigger/, "$call with unsafe triggers $unsafe");
	}
}
like(refusal('SET citus.enable_unsafe_triggers = on; SELECT create_distributed_table(\'users\', \'id\')'),
	qr/HINT:  A table that is registered with softdelete cannot become a table of Citus/, 'with a hint where Citus has none');
like(refusal('ALTER TRIGGER softdelete_marker ON users NO DEPENDS ON EXTENSION softdelete'), qr/cannot change the dependencies/,
	'the triggers cannot be made fit for that');
is(run_in('beside', "SELECT count(*) FROM pg_dist_partition WHERE logicalrelid IN ('users'::regclass, 'orders'::regclass)"), '0',
	'nothing became a table of Citus');

$node->stop;
done_testing;
