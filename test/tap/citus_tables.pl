# Registered tables of Citus, on a coordinator with two workers, and again where the coordinator holds shards as well: what
# statements do beside plain tables they do here, moved shards lose no row, and what is not supported is refused by one clear
# error.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($share) = map { chomp; $_ } `pg_config --sharedir`;
plan skip_all => 'not run: no Citus' if !-e "$share/extension/citus.control";

my %nodes;
foreach my $name ('coordinator', 'first', 'second')
{
	my $node = $nodes{$name} = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'citus, softdelete'
listen_addresses = '127.0.0.1'
wal_level = logical
max_wal_senders = 10
max_replication_slots = 10
max_connections = 100
max_prepared_transactions = 50
citus.shard_count = 4
softdelete.worker_databases = ''
softdelete.node_secret = 'known to the nodes alone'
CONF
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION citus');
}
my $node = $nodes{coordinator};
my %port = map { $_ => $nodes{$_}->port } keys %nodes;
$node->safe_psql('postgres', <<"SQL");
CREATE EXTENSION softdelete;
SELECT citus_set_coordinator_host('127.0.0.1', $port{coordinator});
SELECT citus_add_node('127.0.0.1', $port{first});
SELECT citus_add_node('127.0.0.1', $port{second});
CREATE ROLE app LOGIN;
CREATE ROLE deleter LOGIN;
CREATE ROLE writer LOGIN;
CREATE SCHEMA plain AUTHORIZATION app;
SQL

# What a session prints: rows, command tags, SQLSTATEs of errors.
sub run_in
{
	my ($schema, $sql, %options) = @_;
	my ($out, $errors) = ('', '');
	my $where = $options{node} // $node;
	$where->psql('postgres', "SET client_min_messages = error;\nSET search_path = $schema;\n\\set QUIET off\n$sql",
		stdout => \$out, stderr => \$errors, on_error_stop => 0,
		extra_params => [ '-U', $options{role} // 'app', '-v', 'VERBOSITY=sqlstate' ]);
	return join(' ', (grep { $_ ne '' } split(/\n/, $out)), $errors =~ /ERROR:  (\w+)/g);
}

sub refusal
{
	my ($schema, $sql, %options) = @_;
	my $errors = '';
	my $where = $options{node} // $node;
	$where->psql('postgres', "SET search_path = $schema;\n$sql",
		stderr => \$errors, on_error_stop => 0, extra_params => [ '-U', $options{role} // 'app' ]);
	return $errors;
}

my $tables = <<'SQL';
CREATE TABLE users (id int PRIMARY KEY, boss int, name text, UNIQUE (id, name));
CREATE TABLE orders (id int, user_id int, note text, PRIMARY KEY (user_id, id));
CREATE TABLE notes (id int, user_id int, note text, PRIMARY KEY (user_id, id));
CREATE TABLE kinds (id int PRIMARY KEY, name text UNIQUE);
CREATE TABLE things (id int PRIMARY KEY, kind int);
CREATE TABLE copies (id int, name text);
SQL
my $keys = <<'SQL';
ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
ALTER TABLE notes ADD CONSTRAINT notes_user FOREIGN KEY (user_id) REFERENCES users ON DELETE RESTRICT;
ALTER TABLE things ADD CONSTRAINT things_kind FOREIGN KEY (kind) REFERENCES kinds ON DELETE CASCADE;
INSERT INTO users SELECT i, i % 7, 'n' || i FROM generate_series(1, 80) i;
INSERT INTO orders SELECT i, i, 'x' FROM generate_series(1, 80) i;
INSERT INTO notes SELECT 1, i, 'y' FROM generate_series(70, 72) i;
INSERT INTO kinds SELECT i, 'k' || i FROM generate_series(1, 10) i;
INSERT INTO things SELECT i, i % 10 + 1 FROM generate_series(1, 100) i;
SQL
my $registration = <<'SQL';
SELECT count(*) > 0 FROM softdelete.register('users', cascade => true);
SELECT count(*) > 0 FROM softdelete.register('notes');
SELECT count(*) > 0 FROM softdelete.register('kinds', cascade => true);
CREATE FUNCTION number_of_users() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM users';
CREATE VIEW shown AS SELECT u.id, o.note FROM users u LEFT JOIN orders o ON o.user_id = u.id;
GRANT USAGE ON SCHEMA :"schema" TO deleter;
GRANT SELECT, DELETE ON users TO deleter;
GRANT USAGE ON SCHEMA :"schema" TO writer;
GRANT SELECT, INSERT ON users TO writer;
SQL

my @statements = (
	'DELETE FROM users WHERE id = 1',
	'DELETE FROM users WHERE id = 1',
	'DELETE FROM users WHERE id IN (2, 3, 4) RETURNING id > 0, name IS NULL, deleted_by',
	'DELETE FROM users WHERE id = 70',
	'WITH gone AS (DELETE FROM users WHERE id = 5 RETURNING id) SELECT * FROM gone',
	'DELETE FROM users USING orders o WHERE o.user_id = users.id AND o.id = 6',
	'DELETE FROM users WHERE id = (SELECT kind + 6 FROM things WHERE id = 1)',
	'PREPARE p AS DELETE FROM users WHERE id = $1; ' . join('; ', map { "EXECUTE p($_)" } 20 .. 28) . '; EXECUTE p(20)',
	"SET softdelete.actor = 'ann'; DELETE FROM users WHERE id = 30 RETURNING deleted_by",
	'BEGIN; DELETE FROM users WHERE id < 40; ROLLBACK',
	'BEGIN; SAVEPOINT s; DELETE FROM users WHERE id = 31; ROLLBACK TO s; DELETE FROM users WHERE id = 32; COMMIT',
	'DELETE FROM kinds WHERE id = 2 RETURNING name',
	"INSERT INTO kinds VALUES (11, 'k2')",
	"INSERT INTO kinds VALUES (12, 'k3') ON CONFLICT (name) DO UPDATE SET name = 'kx'",
	"INSERT INTO kinds VALUES (2, 'k22') ON CONFLICT (id) DO NOTHING",
	"INSERT INTO orders VALUES (200, 1, 'below a deleted row')",
	"INSERT INTO orders VALUES (200, 40, 'below a live one')",
	"UPDATE users SET name = 'z' WHERE id IN (1, 41)",
	"INSERT INTO users (id, deleted_at, deletion_id) VALUES (90, NULL, NULL), (91, NULL, NULL)",
	'INSERT INTO users (id, deletion_id) VALUES (92, 7)',
	'UPDATE users SET deletion_id = 7 WHERE id = 42',
	'UPDATE users SET deleted_at = NULL WHERE id = 2',
	'UPDATE orders SET deleted_at = NULL WHERE user_id = 2',
	'UPDATE orders SET deleted_at = NULL WHERE user_id = 1',
	'TRUNCATE users CASCADE',
	'BEGIN; SET LOCAL row_security = off; TRUNCATE users CASCADE; COMMIT',
	'WITH gone AS (DELETE FROM users WHERE id = 33 RETURNING id) SELECT * FROM gone WHERE false',
	'WITH gone AS (DELETE FROM users WHERE id IN (34, 35) RETURNING id) SELECT * FROM gone WHERE false',
	'DELETE FROM users WHERE id IN (SELECT user_id FROM orders WHERE user_id BETWEEN 36 AND 37)',
	'DELETE FROM notes WHERE user_id = 70 RETURNING id, user_id, note, deleted_by',
	'DELETE FROM users WHERE id = 71',
	'BEGIN; DELETE FROM notes WHERE user_id = 71; DELETE FROM users WHERE id = 71; COMMIT',
	'UPDATE orders SET note = users.name FROM users WHERE users.id = orders.user_id',
	'UPDATE users SET name = name || \'!\' WHERE id < 10',
	'INSERT INTO copies SELECT id, name FROM users',
	'INSERT INTO copies SELECT user_id + 1000, note FROM orders WHERE user_id IN (SELECT id FROM users WHERE id < 50)',
	'UPDATE copies SET name = NULL FROM users WHERE users.id = copies.id AND users.id < 60',
	'DELETE FROM copies USING users WHERE users.id = copies.id AND users.id < 45',
	'CREATE TABLE live AS SELECT * FROM users; SELECT count(*) FROM live; DROP TABLE live',
	'BEGIN; DECLARE c CURSOR FOR SELECT id FROM users ORDER BY id; MOVE ALL FROM c; COMMIT',
	'BEGIN; SELECT id FROM users WHERE id = 2 FOR UPDATE; SELECT id FROM users WHERE id = 40 FOR UPDATE; COMMIT',
	"PREPARE q AS SELECT count(*) FROM users WHERE id > \$1; EXECUTE q(1); SET softdelete.visibility = 'all'; EXECUTE q(1); EXECUTE q(1)",
	"BEGIN; SET LOCAL softdelete.visibility = 'all'; UPDATE users SET boss = 99 WHERE id IN (1, 2, 41); COMMIT",
	"SET softdelete.visibility = 'all'; DELETE FROM users WHERE id IN (1, 43)",
	'DELETE FROM kinds WHERE id IN (SELECT max(id) FROM kinds)',
	"DELETE FROM users WHERE id IN (60, 61); SELECT softdelete.undo(max(id)) FROM softdelete.deletions WHERE relation = 'users'::regclass",
	'SELECT count(*), sum(o.id) FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id IN (60, 61)',
	"SELECT softdelete.undo(max(id)) FROM softdelete.deletions WHERE relation = 'users'::regclass",
	"DELETE FROM kinds WHERE id = 5; SELECT softdelete.undo(max(id)) FROM softdelete.deletions WHERE relation = 'kinds'::regclass; SELECT count(*) FROM things WHERE kind = 5",
	"BEGIN; DELETE FROM users WHERE id = 62; SELECT softdelete.undo(max(id)) FROM softdelete.deletions WHERE relation = 'users'::regclass; COMMIT",
	"DELETE FROM users WHERE id = 63; BEGIN; SELECT softdelete.undo(max(id)) FROM softdelete.deletions WHERE relation = 'users'::regclass; ROLLBACK; SELECT count(*) FROM users WHERE id = 63",
	"DELETE FROM orders WHERE user_id = 64; DELETE FROM users WHERE id = 64; SELECT softdelete.undo(max(id)) FROM softdelete.deletions WHERE relation = 'orders'::regclass",
	"SELECT count(*) FROM all_orders WHERE user_id = 64 AND deleted_at IS NOT NULL",
	"DELETE FROM kinds WHERE id = 6; INSERT INTO kinds VALUES (60, 'k6'); SELECT softdelete.undo(max(id)) FROM softdelete.deletions WHERE relation = 'kinds'::regclass",
	"SELECT softdelete.undo(relation => 'users', since => now() - interval '1 second', until => now() - interval '1 second')",
	"DELETE FROM users WHERE id IN (65, 66); SELECT count(softdelete.undo(id)) FROM (SELECT max(id) AS id FROM softdelete.deletions WHERE relation = 'users'::regclass) AS d; SELECT restored_by, (SELECT sum(number::int) FROM jsonb_each_text(restored) AS e(relation, number)) FROM softdelete.deletions WHERE id = (SELECT max(id) FROM softdelete.deletions WHERE relation = 'users'::regclass)",
);
my @queries = (
	'SELECT count(*) FROM users',
	'SELECT count(*) FROM users WHERE id = 1',
	'SELECT count(*) FROM users u JOIN orders o ON o.user_id = u.id',
	'SELECT count(*), count(o.id) FROM users u LEFT JOIN orders o ON o.user_id = u.id',
	'SELECT count(*), count(u.id) FROM users u RIGHT JOIN orders o ON o.user_id = u.id',
	'SELECT count(*) FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE o.id IS NULL',
	'SELECT count(*), count(o.id) FROM (users u JOIN notes n ON n.user_id = u.id) LEFT JOIN orders o ON o.user_id = u.id',
	'SELECT count(*) FROM users WHERE EXISTS (SELECT FROM orders o WHERE o.user_id = users.id)',
	'SELECT count(*) FROM users WHERE NOT EXISTS (SELECT FROM orders o WHERE o.user_id = users.id)',
	'SELECT count(*) FROM users WHERE id IN (SELECT id FROM kinds)',
	'SELECT count(*) FROM things t JOIN kinds k ON k.id = t.kind',
	'SELECT count(*), count(k.id) FROM things t LEFT JOIN kinds k ON k.id = t.kind',
	'WITH live AS (SELECT * FROM users) SELECT count(*) FROM live',
	'SELECT count(*) FROM (SELECT id FROM users UNION ALL SELECT id FROM orders) AS both',
	'SELECT count(*) FROM users u, LATERAL (SELECT * FROM orders o WHERE o.user_id = u.id LIMIT 1) AS one',
	'SELECT count(*) FROM users WHERE deleted_at IS NOT NULL',
	'SELECT count(*) FROM users WHERE deleted_at IS NULL',
	'SELECT count(*) FROM users WHERE softdelete.include_deleted(deleted_at)',
	'SELECT count(*) FROM active_users; SELECT count(*) FROM deleted_users; SELECT count(*) FROM all_users',
	"SET softdelete.visibility = 'all'; SELECT count(*) FROM users",
	"SET softdelete.visibility = 'deleted'; SELECT count(*) FROM users",
	'SELECT sum(boss) FROM all_users',
	'SELECT count(*), count(name) FROM copies',
	'SELECT count(*) FROM orders WHERE note LIKE \'n%\'',
	'SELECT count(*) FROM users WHERE id > (SELECT avg(id) FROM users)',
	'SELECT boss, count(*) FROM users GROUP BY boss HAVING count(*) > (SELECT count(*) / 8 FROM users) ORDER BY 1',
	'SELECT id, (SELECT count(*) FROM orders o WHERE o.user_id = u.id) FROM users u ORDER BY 1 LIMIT 5',
	'SELECT count(*) FROM (SELECT * FROM users) u FULL JOIN (SELECT * FROM orders) o ON o.user_id = u.id WHERE u.id IS NULL OR u.id < 0 OR u.id > 0',
	'SELECT count(*) FROM users u LEFT JOIN (orders o JOIN notes n ON n.user_id = o.user_id) ON o.user_id = u.id',
	'SELECT count(*) FROM things t JOIN kinds k ON k.id = t.kind JOIN kinds l ON l.id = k.id',
	'SELECT count(*) FROM kinds k LEFT JOIN kinds l ON l.id = k.id + 1 WHERE l.id IS NULL',
	'WITH RECURSIVE up AS (SELECT id FROM kinds WHERE id = 3 UNION SELECT k.id FROM kinds k JOIN up ON k.id = up.id + 1) SELECT count(*) FROM up',
	'SELECT id FROM users EXCEPT SELECT user_id FROM orders ORDER BY 1',
	'SELECT count(*) FROM users INTERSECT SELECT count(*) FROM users',
	'SELECT number_of_users()',
	'SELECT count(*) FROM shown',
	'SELECT count(*) FROM shown s JOIN users u ON u.id = s.id',
	'SELECT count(*) FROM users WHERE (deleted_at IS NULL) IS NOT TRUE',
	'SELECT count(*) FROM users WHERE deleted_at IS NOT NULL OR id = 40',
	'SELECT max(n) FROM (SELECT id, count(*) OVER () AS n FROM users) AS w',
	'COPY (SELECT count(*) FROM users) TO STDOUT',
	'SELECT count(*), count(deleted_at), count(deletion_id), count(DISTINCT deletion_id) FROM all_users',
	'SELECT count(*), count(deleted_at), count(deletion_id), count(DISTINCT deletion_id) FROM all_orders',
	'SELECT count(*), count(deleted_at), count(deletion_id), count(DISTINCT deletion_id) FROM all_things',
	'SELECT count(DISTINCT deletion_id) FROM (SELECT deletion_id FROM all_users UNION ALL SELECT deletion_id FROM all_orders) AS a',
);

# Citus drops later what a move has left behind, and refuses another one until then.
sub clean_up
{
	$node->safe_psql('postgres', 'CALL citus_cleanup_orphaned_resources()');
}

sub state_of
{
	my ($schema) = @_;
	return run_in($schema, join(';', map { "SELECT count(*), count(deleted_at), sum(hashtext(t::text)) FROM all_$_ t" } 'users', 'orders', 'kinds', 'things'));
}

run_in('plain', "\\set schema plain\n$tables$keys$registration");
foreach my $schema ('workers', 'all_nodes')
{
	$node->safe_psql('postgres', "CREATE SCHEMA $schema AUTHORIZATION app");
	if ($schema eq 'all_nodes')
	{
		$node->safe_psql('postgres', "SELECT citus_set_node_property('127.0.0.1', $port{coordinator}, 'shouldhaveshards', true)");
		run_in('plain', 'DROP TABLE things, kinds, notes, orders, users, copies CASCADE; DROP FUNCTION number_of_users');
		run_in('plain', "\\set schema plain\n$tables$keys$registration");
	}
	my $made = run_in($schema, $tables . <<'SQL' . $keys);
SELECT create_distributed_table('users', 'id', colocate_with => 'none');
SELECT create_distributed_table('orders', 'user_id', colocate_with => 'users');
SELECT create_distributed_table('notes', 'user_id', colocate_with => 'users');
SELECT create_reference_table('kinds');
SELECT create_distributed_table('things', 'id');
SELECT create_distributed_table('copies', 'id', colocate_with => 'users');
SQL
	unlike($made, qr/ [0-9A-Z]{5}$/, "$schema: tables are distributed");

	like(refusal($schema, "SELECT softdelete.register('users', visibility => 'rls')"), qr/visibility rls is not available/, 'register refuses rls');
	like(refusal($schema, "SELECT softdelete.register('users', retention => '1 day')"), qr/retention is not available/, 'register refuses a retention');
	like(refusal($schema, "SELECT softdelete.register('users', strategy => 'archive')"), qr/cannot have an archive/, 'register refuses an archive');
	like(refusal($schema, "SELECT softdelete.register('users')", node => $nodes{first}), qr/on this node/, 'register refuses on a worker');
	is(run_in($schema, "\\set schema $schema\n$registration"), 't t t CREATE FUNCTION CREATE VIEW GRANT GRANT GRANT GRANT', "$schema: register");

	foreach my $statement (@statements)
	{
		my $expected = run_in('plain', $statement);
		is(run_in($schema, $statement), $expected, "$schema: $statement: $expected");
	}
	foreach my $query (@queries)
	{
		my $expected = run_in('plain', $query);
		is(run_in($schema, $query), $expected, "$schema: $query: $expected");
	}
	my $log = "SELECT rows ->> (current_schema || '.users'), rows ->> (current_schema || '.orders'), deleted_by FROM softdelete.deletions"
	  . " WHERE relation = 'users'::regclass AND rows ? (current_schema || '.users') ORDER BY id";
	is(run_in($schema, $log), run_in('plain', $log), "$schema: deletions");

	# P2: the rights of DELETE, and no others.
	is(run_in($schema, 'DELETE FROM users WHERE id = 50 RETURNING id', role => 'deleter'), '50 DELETE 1', "$schema: DELETE is enough");
	is(run_in($schema, "UPDATE users SET name = 'x' WHERE id = 51", role => 'deleter'), '42501', "$schema: it is not for UPDATE");
	is(run_in($schema, 'SELECT count(*), count(deleted_at) FROM all_orders WHERE user_id = 50'), '1|1', "$schema: the cascade is the owner's");

	is(run_in($schema, "SELECT softdelete.undo(max(id)) FROM softdelete.deletions WHERE relation = 'users'::regclass", role => 'deleter'), '42501', "$schema: nor for undo");

	# Attacks.
	foreach my $forged (
		"DELETE FROM users WHERE id = 52 AND softdelete_internal.as_deletion(deleted_at, '1 2 =eve')",
		"UPDATE users SET deleted_at = NULL WHERE softdelete_internal.as_deletion(deleted_at, '1 2 =eve')",
		"SELECT count(*) FROM users WHERE softdelete_internal.as_deletion(deleted_at, '1 2 =eve')",
		"SELECT softdelete_internal.token('users'::regclass)",
		"SELECT softdelete_internal.adopt_deletion('users'::regclass, '1 2 =eve')",
		"SELECT softdelete_internal.adopted_time('1 2 =eve')",
		"SELECT softdelete_internal.adopted_actor(NULL::text, -1, '1 2 =eve')",
		"SELECT softdelete_internal.deletion_time()")
	{
		is(run_in($schema, $forged), '42501', "$schema: refused: $forged");
	}

	# What is not supported.
	my $before = state_of($schema);
	foreach my $verb (
		"SELECT softdelete.restore('users', 1)", "SELECT softdelete.preview('users', 55)", "SELECT softdelete.delete('users', 55)",
		"SELECT softdelete.hold('users', 'why', 1)", "SELECT softdelete.erase('users', 'why', 1)",
		"SELECT softdelete.anonymize('users', 'why', 1)", "CALL softdelete.purge('users')",
		"SELECT softdelete.purge_preview('users')", "SELECT softdelete.configure('users', visibility => 'rls')",
		"SELECT softdelete.repair('users')", "CALL softdelete.change_strategy('users', 'archive')",
		"SELECT softdelete.undo_preview(max(id)) FROM softdelete.deletions WHERE relation = 'users'::regclass",
		"SELECT softdelete.conflicts(max(id)) FROM softdelete.deletions WHERE relation = 'users'::regclass",
		"SELECT softdelete.unregister('users', 'purge')")
	{
		like(refusal($schema, $verb), qr/this is not supported for tables of Citus.*HINT/s, "$schema: refused: $verb");
	}
	foreach my $statement (
		'DELETE FROM users WHERE deleted_at IS NOT NULL', 'UPDATE users SET deleted_at = now() WHERE id = 55',
		'INSERT INTO users (id, deleted_at) SELECT id + 100, deleted_at FROM all_users',
		'MERGE INTO users u USING orders o ON o.user_id = u.id WHEN MATCHED THEN DELETE',
		'SELECT count(*) FROM users u FULL JOIN orders o ON o.user_id = u.id',
		'ALTER TABLE users ADD COLUMN extra int', 'CREATE INDEX ON users (name)', 'ALTER TABLE users RENAME TO people',
		'CREATE TABLE more (id int, user_id int REFERENCES users)')
	{
		like(refusal($schema, $statement), qr/which is a table of Citus.*HINT/s, "$schema: refused: $statement");
	}
	foreach my $conversion (
		"alter_distributed_table('things', shard_count => 6, cascade_to_colocated => true)",
		"alter_distributed_table('users', shard_count => 6, cascade_to_colocated => true)",
		"undistribute_table('users', cascade_via_foreign_keys => true)", "undistribute_table('notes')")
	{
		like(refusal($schema, "SET citus.enable_unsafe_triggers = on; SET citus.multi_shard_modify_mode = sequential; SELECT $conversion"),
			qr/ERROR/, "$schema: refused: $conversion");
	}
	unlike(refusal($schema, 'CALL softdelete.purge()'), qr/ERROR/, "$schema: purge of all passes them over");
	is(state_of($schema), $before, "$schema: and nothing has changed");

	# P9 of shards: no row is lost when Citus moves and splits them.
	my $shards = "SELECT * FROM citus_shards WHERE table_name = '$schema.users'::regclass ORDER BY shardid";
	my $other = "(SELECT min(n.nodeport) FROM pg_dist_node n WHERE n.nodeport <> s.nodeport AND n.shouldhaveshards)";
	foreach my $mode ('block_writes', 'force_logical')
	{
		clean_up();
		my $move = "SELECT citus_move_shard_placement(s.shardid, '127.0.0.1', s.nodeport, '127.0.0.1', $other, '$mode') FROM ($shards LIMIT 1) AS s";
		unlike(refusal($schema, $move, role => $ENV{USER} // 'postgres'), qr/ERROR/, "$schema: shards move, $mode");
		is(state_of($schema), $before, "$schema: no row is lost, $mode");
	}
	clean_up();
	unlike(refusal($schema, "SELECT isolate_tenant_to_new_shard('users', 1, 'CASCADE', shard_transfer_mode => 'block_writes')"),
		qr/ERROR/, "$schema: a tenant gets a shard of its own");
	is(state_of($schema), $before, "$schema: no row is lost");
	clean_up();
	my $middle = '(d.shardminvalue::int8 + d.shardmaxvalue::int8) / 2';
	unlike(refusal($schema, "SELECT citus_split_shard_by_split_points(s.shardid, ARRAY[($middle)::text], (SELECT array_agg(nodeid::int) FROM (SELECT nodeid FROM pg_dist_node WHERE shouldhaveshards ORDER BY nodeid LIMIT 2) AS n), 'block_writes')"
			. " FROM ($shards LIMIT 1) AS s JOIN pg_dist_shard d USING (shardid)", role => $ENV{USER} // 'postgres'), qr/ERROR/, "$schema: a shard is split");
	is(state_of($schema), $before, "$schema: no row is lost");
	is(run_in($schema, 'DELETE FROM users WHERE id IN (53, 54, 56, 57, 58, 59)'), 'DELETE 6', "$schema: rows are deleted as before");
	is(run_in($schema, 'SELECT count(*), count(deleted_at) FROM all_orders WHERE user_id IN (53, 54, 56, 57, 58, 59)'), '6|6', "$schema: with those below");
	is(run_in($schema, "INSERT INTO orders VALUES (300, 53, 'below a deleted row')"), '23503', "$schema: none comes below them");

	# A worker's sessions read, and do not delete.
	is(run_in($schema, 'SELECT count(*) FROM users', node => $nodes{first}), run_in($schema, 'SELECT count(*) FROM users'), "$schema: a worker reads live rows");
	like(refusal($schema, 'DELETE FROM users WHERE id = 60', node => $nodes{first}), qr/Run the statement on the coordinator/, "$schema: a worker refuses to delete");
	is(run_in($schema, "SET citus.override_table_visibility = off; SELECT 'DELETE FROM ' || relname FROM pg_class WHERE relnamespace = '$schema'::regnamespace AND relname ~ '^users_[0-9]+\$' LIMIT 1 \\gexec",
		node => $nodes{first}), 'SET 55000', "$schema: a shard refuses a DELETE of its own");

	# A worker's own clients: what a token says is sealed for a table, a role and a deletion.
	my $shard_of = sub { $node->safe_psql('postgres', "SELECT shard_name FROM citus_shards WHERE table_name = '$schema.$_[0]'::regclass AND nodeport = $port{first} ORDER BY shardid LIMIT 1") };
	my $shard = $shard_of->('users');
	my $id = $nodes{first}->safe_psql('postgres', "SET citus.override_table_visibility = off; SELECT min(id) FROM $shard WHERE deleted_at IS NULL AND id < 70");
	my $sealed = refusal($schema, "SET citus.log_remote_commands = on; BEGIN; DELETE FROM users WHERE id = $id; ROLLBACK", role => 'deleter');
	my ($token) = $sealed =~ /as_deletion\(deleted_at, '([^']+)'/;
	like($token, qr/^[0-9a-f]{64} \d+ \d+ ~deleter$/, "$schema: a token is seen");
	(my $forged = $token) =~ s/ ~deleter/ =eve/;
	my $notes = $shard_of->('orders');
	$before = state_of($schema);
	foreach my $attack (
		[ 'app', "DELETE FROM $shard WHERE softdelete_internal.as_deletion(deleted_at, '$token')" ],
		[ 'app', "DELETE FROM $notes WHERE softdelete_internal.as_deletion(deleted_at, '$token')" ],
		[ 'deleter', "DELETE FROM $shard WHERE softdelete_internal.as_deletion(deleted_at, '$forged')" ],
		[ 'deleter', "SET application_name = 'citus_internal gpid=10000000001'; DELETE FROM $shard WHERE softdelete_internal.as_deletion(deleted_at, '$forged')" ],
		[ 'deleter', "DELETE FROM $shard WHERE softdelete_internal.as_deletion(deleted_at, '" . ('0' x 64) . " 1 1 =eve')" ],
		[ 'deleter', "DELETE FROM $shard WHERE softdelete_internal.as_deletion(deleted_at, 'x')" ],
		[ 'deleter', "DELETE FROM $shard WHERE softdelete_internal.as_deletion(deleted_at, NULL)" ],
		[ 'deleter', "DELETE FROM $shard WHERE softdelete_internal.as_deletion(deleted_at, softdelete_internal.token('$schema.users'))" ],
		[ 'deleter', "DELETE FROM $shard WHERE id = $id" ],
		[ 'app', "DELETE FROM $shard WHERE id = $id OR softdelete_internal.as_deletion(deleted_at, '$token')" ],
		[ 'app', "UPDATE $shard SET deleted_at = now() WHERE id = $id" ],
		[ 'app', "UPDATE $shard SET deletion_id = 1 WHERE id = $id AND deleted_at IS NOT NULL" ],
		[ 'app', "MERGE INTO $shard s USING (VALUES ($id)) AS v(id) ON v.id = s.id WHEN MATCHED THEN DELETE" ],
		[ 'app', "TRUNCATE $shard CASCADE" ],
		[ 'writer', "INSERT INTO $shard (id, deletion_id, deleted_at) VALUES ($id + 100000, 1, now())" ],
		[ 'writer', "COPY $shard (id, deletion_id, deleted_at) FROM STDIN;\n100001\t1\tnow\n\\.\n" ],
		[ 'deleter', "SELECT current_setting('softdelete.node_secret')" ])
	{
		my ($role, $sql) = @$attack;
		my $result = run_in($schema, "SET citus.override_table_visibility = off; SET citus.enable_manual_changes_to_shards = on; $sql", role => $role, node => $nodes{first});
		like($result, qr/ (42501|55000|428C9|UPDATE 0)$/, "$schema: a worker's client $role: $sql: $result");
	}
	is(state_of($schema), $before, "$schema: nothing has changed");

	# The end.
	is(run_in($schema, "SELECT count(*) > 0 FROM softdelete.unregister('things')"), '55000', "$schema: unregister keeps deleted rows from coming back");
	is(run_in($schema, "SELECT count(*) > 0 FROM softdelete.unregister('users', 'keep')"), 't', "$schema: unregister");
	is(run_in($schema, "SELECT count(*) > 0 FROM softdelete.register('users')"), 't', "$schema: register again");
	is(run_in($schema, 'SELECT count(*) FROM users'), run_in($schema, 'SELECT count(*) FROM all_users WHERE deleted_at IS NULL'), "$schema: deleted rows are known");
}

# A node goes and comes back: what it has left behind is not in the way.
my $everything = state_of('workers') . state_of('all_nodes');
foreach my $step (
	"SELECT citus_drain_node('127.0.0.1', $port{first}, 'block_writes')", "SELECT citus_remove_node('127.0.0.1', $port{first})",
	"SELECT citus_add_node('127.0.0.1', $port{first})", "SELECT rebalance_table_shards(shard_transfer_mode => 'block_writes')")
{
	clean_up();
	unlike(refusal('public', $step, role => $ENV{USER} // 'postgres'), qr/ERROR/, $step);
	is(state_of('workers') . state_of('all_nodes'), $everything, 'no row is lost');
}
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM citus_shards WHERE nodeport = $port{first} AND table_name = 'workers.users'::regclass"), '>', 0, 'the node has shards again');
foreach my $table ('kinds', 'users')
{
	my $replicas = "SELECT count(DISTINCT result) FROM run_command_on_placements('workers.$table', 'SELECT count(*) FROM %s WHERE deleted_at IS NULL')";
	cmp_ok($node->safe_psql('postgres', $replicas), '>', 0, "shards of $table are read");
}
is($node->safe_psql('postgres', "SELECT count(DISTINCT result) FROM run_command_on_placements('workers.kinds', 'SELECT md5(string_agg(t::text, \$\$,\$\$ ORDER BY id)) FROM %s AS t')"),
	'1', 'replicas of a reference table are the same');

# Nodes that lack the library or the secret write nothing, and lose nothing.
sub configure
{
	my ($which, $name, $value) = @_;
	$which->append_conf('postgresql.conf', "$name = '$value'");
	$which->restart;
}
my $untouched = state_of('workers');
$node->safe_psql('postgres', "GRANT DELETE, UPDATE, SELECT ON workers.users TO deleter");
foreach my $case (
	[ 'first', 'softdelete.node_secret', 'known to the nodes alone', 'another one of sixteen', qr/42501/ ],
	[ 'first', 'softdelete.node_secret', 'known to the nodes alone', '', qr/55000/ ],
	[ 'coordinator', 'softdelete.node_secret', 'known to the nodes alone', '', qr/55000/ ],
	[ 'first', 'shared_preload_libraries', 'citus, softdelete', 'citus', qr/42501|55000/ ],
	[ 'coordinator', 'shared_preload_libraries', 'citus, softdelete', 'citus', qr/55000/ ])
{
	my ($name, $setting, $right, $wrong, $error) = @$case;
	configure($nodes{$name}, $setting, $wrong);
	foreach my $statement ('DELETE FROM users WHERE id < 70', 'DELETE FROM kinds', 'DELETE FROM users WHERE id BETWEEN 44 AND 50')
	{
		like(run_in('workers', $statement), $error, "$setting = '$wrong' on $name: $statement");
	}
	configure($nodes{$name}, $setting, $right);
	is(state_of('workers'), $untouched, "$setting = '$wrong' on $name: nothing has changed");
}
is(run_in('workers', 'BEGIN; DELETE FROM users WHERE id BETWEEN 44 AND 45; ROLLBACK'), 'BEGIN DELETE 2 ROLLBACK', 'afterwards they delete again');

my $counts = 'SELECT count(*) FROM workers.all_users';
my $rows = $node->safe_psql('postgres', $counts);
clean_up();
is(join("\n", grep { /ERROR|DETAIL/ && !/created only locally/ } split(/\n/, refusal('workers', 'DROP EXTENSION softdelete', role => $ENV{USER} // 'postgres'))), '', 'the extension goes');
is($node->safe_psql('postgres', 'SELECT count(*) FROM workers.users'), $rows, 'and leaves the rows');

$_->stop foreach values %nodes;
done_testing;
