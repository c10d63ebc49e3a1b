# A session that did not load the library: each kind of statement on a registered table is right, or refused with a hint,
# and then nothing has happened. The refusal loads the library: the same statement, run again, is right. Reading is
# the exception; it shows deleted rows until the library is there.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->start;
$node->safe_psql('postgres', <<'SQL');
ALTER DATABASE postgres SET session_preload_libraries = softdelete;
CREATE ROLE app LOGIN;
GRANT CREATE ON DATABASE postgres TO app;
SQL
$node->safe_psql('postgres', 'CREATE EXTENSION softdelete');

# Runs statements as the application; returns what they print and their errors.
sub run_session
{
	my ($sql) = @_;
	my ($out, $errors) = ('', '');
	$node->psql('postgres', $sql, stdout => \$out, stderr => \$errors, on_error_stop => 0,
		extra_params => [ '-U', 'app', '-v', 'VERBOSITY=verbose' ]);
	return ($out, $errors);
}

# check() tells of sessions that come without the library, and what it says mends that.
sub find { return $node->safe_psql('postgres', "SELECT remedy FROM softdelete.check() WHERE code = '$_[0]'") }
$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET session_preload_libraries');
is(find('library_not_loaded'), 'ALTER DATABASE postgres SET session_preload_libraries = softdelete', 'the library is not loaded');
$node->safe_psql('postgres', 'ALTER DATABASE postgres SET session_preload_libraries = auto_explain');
is(find('library_not_loaded'), 'ALTER DATABASE postgres SET session_preload_libraries = auto_explain, softdelete', 'others stay');
$node->safe_psql('postgres', find('library_not_loaded'));
is(find('library_not_loaded'), '', 'it is');
$node->safe_psql('postgres', 'ALTER ROLE app SET session_preload_libraries = auto_explain');
is(find('library_overridden'), 'ALTER ROLE app SET session_preload_libraries = auto_explain, softdelete', 'a role loads others');
$node->safe_psql('postgres', find('library_overridden'));
is(find('library_overridden'), '', 'and this one');
is($node->safe_psql('postgres', q{SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'app'::regrole}),
	'{"session_preload_libraries=auto_explain, softdelete"}', 'and the others');
$node->safe_psql('postgres', 'ALTER ROLE app RESET session_preload_libraries; ALTER DATABASE postgres SET session_preload_libraries = softdelete');

run_session(<<'SQL');
CREATE SCHEMA app;
ALTER ROLE app SET search_path = app;
SET search_path = app;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, name text);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON UPDATE CASCADE ON DELETE CASCADE);
CREATE INDEX ON orders (user_id);
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE base (id int PRIMARY KEY);
CREATE TABLE child () INHERITS (base);
CREATE TABLE firms (id int PRIMARY KEY);
CREATE TABLE staff (id int PRIMARY KEY, firm_id int REFERENCES firms ON UPDATE CASCADE ON DELETE CASCADE);
CREATE TABLE items (id int PRIMARY KEY, name text);
SELECT count(*) FROM softdelete.register('users', cascade => true);
SELECT count(*) FROM unnest('{parts,base,staff}'::regclass[]) t, LATERAL softdelete.register(t);
SELECT count(*) FROM softdelete.register('items', visibility => 'view');
INSERT INTO users VALUES (1, 'a', 'Ann'), (2, 'b', 'Bob'), (3, 'c', 'Cid');
INSERT INTO orders VALUES (1, 1), (2, 2), (3, 3);
INSERT INTO parts VALUES (1), (2);
INSERT INTO child VALUES (1), (2);
INSERT INTO firms VALUES (1);
INSERT INTO staff VALUES (1, 1);
INSERT INTO items VALUES (1, 'lamp'), (2, 'desk');
DELETE FROM users WHERE id = 2;
DELETE FROM parts WHERE id = 2;
DELETE FROM items WHERE id = 2;
CREATE FUNCTION remove_user(int) RETURNS void LANGUAGE plpgsql AS 'BEGIN DELETE FROM users WHERE id = $1; END';
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM users;
SQL

# What there is, as sessions with the library see it.
sub state_of
{
	my $tables = join ' UNION ALL ', map { "SELECT '$_', to_jsonb(t) FROM app.$_ t WHERE softdelete.include_deleted(t.deleted_at)" }
	  qw(users orders parts base staff items);
	return $node->safe_psql('postgres', "SELECT * FROM ($tables) s ORDER BY 1, 2; SELECT id, rows FROM softdelete.deletions ORDER BY 1");
}
my $state = state_of();

# From here on the application's sessions go without.
$node->safe_psql('postgres', 'ALTER ROLE app SET session_preload_libraries = plpgsql');

# Refused with the hint, nothing done; then, in the same session, right: prints what the query after it says.
my $hint = qr/HINT:  The library is loaded now: run the transaction again\. For the sessions to come, add softdelete to/;
sub is_refused
{
	my ($statement, $query, $expected) = @_;
	my ($out, $errors) = run_session("BEGIN;\n$statement;\nROLLBACK;");
	like($errors, qr/ERROR:  55000: cannot (delete from|update) table "\w+" because this session did not load softdelete/, $statement);
	like($errors, $hint, '... with a hint');
	is(state_of(), $state, '... and nothing is done');
	($out, $errors) = run_session("$statement;\n\\echo again\nBEGIN;\n$statement;\n$query;\nROLLBACK;");
	is($out =~ s/.*^again\n//smr, $expected, '... the second time it is right') or diag($errors);
	is(() = $errors =~ /ERROR/g, 1, '... and is no error');
}

my $bin = "SELECT id, deletion_id IS NOT NULL FROM users WHERE deleted_at IS NOT NULL ORDER BY id";
my $users = 'SELECT id, name FROM users ORDER BY id';
is_refused('DELETE FROM users WHERE id < 3', $bin, "1|t\n2|t");
is_refused('DELETE FROM active_users WHERE id = 1', $bin, "1|t\n2|t");
is_refused('DELETE FROM orders USING users u WHERE u.id = user_id', 'SELECT count(*) FROM orders', '0');
is_refused('WITH gone AS (DELETE FROM users WHERE id = 1 RETURNING id) SELECT id FROM gone', $bin, "1\n1|t\n2|t");
is_refused('MERGE INTO users u USING (VALUES (1)) v (id) ON u.id = v.id WHEN MATCHED THEN DELETE', $bin, "1|t\n2|t");
is_refused('DELETE FROM parts', 'SELECT count(*) FROM all_parts', '2');
is_refused('DELETE FROM parts_1', 'SELECT count(*) FROM all_parts', '2');
is_refused('DELETE FROM child', 'SELECT count(*) FROM all_base', '2');
is_refused('DELETE FROM items', 'SELECT count(*) FROM all_items', '2');
is_refused('DELETE FROM items WHERE deleted_at IS NOT NULL', 'SELECT count(*) FROM all_items', '1');
is_refused('DO $$BEGIN PERFORM remove_user(1); END$$', $bin, "1|t\n2|t");

is_refused('UPDATE users SET deleted_at = now() WHERE id = 1',
	"$bin; SELECT relation, rows FROM softdelete.deletions ORDER BY id DESC LIMIT 1", qq(1|t\n2|t\nusers|{"app.users": 1, "app.orders": 1}));
is_refused('UPDATE users SET deleted_at = NULL', $users, "1|Ann\n2|Bob\n3|Cid");
is_refused('UPDATE users SET deleted_at = NULL, name = upper(name)', $users, "1|ANN\n3|CID");
is_refused('UPDATE users SET name = upper(name)', "$users; SELECT name FROM deleted_users", "1|ANN\n3|CID\nBob");
is_refused("UPDATE users SET name = 'x' FROM orders WHERE user_id = users.id", $users, "1|x\n3|x");
is_refused("UPDATE all_users SET name = 'x' WHERE id < 3", 'SELECT name FROM all_users ORDER BY id', "x\nx\nCid");
is_refused("MERGE INTO users u USING (VALUES (1)) v (id) ON u.id = v.id WHEN MATCHED THEN UPDATE SET name = 'x'", $users, "1|x\n3|Cid");
is_refused('UPDATE parts SET id = id + 2', 'SELECT id FROM all_parts ORDER BY id', "2\n3");
is_refused('UPDATE parts_1 SET deleted_at = now()', 'SELECT count(*) FROM parts', '0');
is_refused('UPDATE child SET id = 7 WHERE id = 2', 'SELECT id FROM base ORDER BY id', "1\n7");
is_refused('UPDATE items SET deleted_at = now()', 'SELECT count(*) FROM active_items', '0');
is_refused("INSERT INTO users VALUES (1, 'x', 'x') ON CONFLICT (id) DO UPDATE SET name = 'x'", $users, "1|x\n3|Cid");

# By foreign keys from tables that are not registered.
is_refused('UPDATE firms SET id = 2', 'SELECT firm_id FROM staff', '2');
my ($out, $errors) = run_session('DELETE FROM firms; DELETE FROM firms;');
like($errors, qr/ERROR:  55000.*did not load.*ERROR:  23503: cannot remove a live row of registered table "staff"/s, 'DELETE of an unregistered parent');
is(state_of(), $state, '... removes nothing');

# An inserted row is right or refused in any case.
sub answers
{
	my ($statement, $expected) = @_;
	($out, $errors) = run_session("BEGIN;\n$statement;\nROLLBACK;");
	return is("$out " . join(' ', $errors =~ /ERROR:  (\w+)/g), $expected, $statement) || diag($errors);
}
answers("INSERT INTO users VALUES (4, 'b', 'Bea') RETURNING id", '4 ');
answers("INSERT INTO users VALUES (4, 'a', 'Abe')", ' 23505');
answers("INSERT INTO users VALUES (4, 'a', 'Abe') ON CONFLICT DO NOTHING RETURNING id", ' ');
answers('INSERT INTO orders VALUES (4, 1) RETURNING id', '4 ');
answers('INSERT INTO orders VALUES (4, 2)', ' 23503');
answers("COPY orders (id, user_id) FROM PROGRAM 'true'", ' 42501');
answers("INSERT INTO users VALUES (4, 'a', 'Abe') ON CONFLICT (email) DO NOTHING", ' 42P10');

# TRUNCATE has never needed the library.
answers('TRUNCATE orders', ' 55000');
answers('TRUNCATE users CASCADE', ' 55000');

# The table itself is not filtered under visibility view.
answers("UPDATE items SET name = upper(name) RETURNING id, name", "1|LAMP\n2|DESK ");

# Our functions are there at once, DDL is followed, and what is stored holds live rows.
answers("SELECT softdelete.delete('users', 1) IS NOT NULL; SELECT count(*) FROM orders", "t\n1 ");
answers("SELECT softdelete.restore('users', 2); SELECT count(*) FROM users", "2\n3 ");
answers("SELECT action, rows FROM softdelete.preview('users', 1)", "delete|1\ncascade|1 ");
answers("CREATE UNIQUE INDEX by_name ON users (name); SELECT pg_get_indexdef('by_name'::regclass) LIKE '%WHERE (deleted_at IS NULL)'", 't ');
answers('REFRESH MATERIALIZED VIEW counted; SELECT * FROM counted', '2 ');
answers('CREATE TABLE copied AS SELECT * FROM users; SELECT count(*) FROM copied', '2 ');
answers('SELECT * INTO copied FROM users; SELECT count(*) FROM copied', '2 ');

# Prepared before the library came.
($out, $errors) = run_session(<<'SQL');
PREPARE remove AS DELETE FROM users WHERE id = 1;
PREPARE look AS SELECT count(*) FROM users;
EXECUTE look;
EXECUTE remove;
BEGIN;
EXECUTE remove;
EXECUTE look;
ROLLBACK;
SQL
is($out, "3\n1", 'prepared statements: reading is not filtered before the library is there, and is afterwards');
is(join(' ', $errors =~ /ERROR:  (\w+)/g), '55000', '... DELETE is refused before, and soft afterwards');
is(state_of(), $state, 'after all this nothing has changed');

$node->stop;
done_testing();
