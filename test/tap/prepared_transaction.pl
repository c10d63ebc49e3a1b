# Two-phase commit: deletes with their cascades, restores and registrations that were prepared survive a crash of the
# server, and COMMIT PREPARED and ROLLBACK PREPARED then do what COMMIT and ROLLBACK would have done.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION softdelete;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, boss int REFERENCES users DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
CREATE INDEX ON orders (user_id);
CREATE TABLE later (id int PRIMARY KEY, name text UNIQUE);
SELECT count(*) FROM softdelete.register('users', cascade => true);
INSERT INTO users VALUES (1, 'a', NULL), (2, 'b', NULL), (3, 'c', NULL), (4, 'd', NULL), (5, 'e', 4);
INSERT INTO orders SELECT g, g FROM generate_series(1, 5) g;
DELETE FROM users WHERE id = 1;
DELETE FROM users WHERE id = 2;
BEGIN;
DELETE FROM users WHERE id = 3;
PREPARE TRANSACTION 'delete';
BEGIN;
SELECT softdelete.undo(1);
PREPARE TRANSACTION 'undo';
BEGIN;
UPDATE users SET deleted_at = NULL WHERE id = 2;
PREPARE TRANSACTION 'restore';
BEGIN;
INSERT INTO orders VALUES (6, 5);
DELETE FROM orders WHERE id = 5;
SELECT count(*) FROM softdelete.register('later', retention => '1 day');
DELETE FROM later;
PREPARE TRANSACTION 'register';
SQL
is($node->psql('postgres', "BEGIN; DELETE FROM users WHERE id = 4; PREPARE TRANSACTION 'refused'"), 3,
	'a deferrable foreign key refuses at PREPARE');
my $before = $node->safe_psql('postgres', 'SELECT id, deletion_id FROM all_users ORDER BY id');
is($before, "1|1\n2|2\n3|\n4|\n5|", 'nothing shows before the commit');

# The prepared transactions hold their locks afterwards as well.
$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'), '4', 'they are there after the crash');
is($node->safe_psql('postgres', 'SELECT id, deletion_id FROM all_users ORDER BY id'), $before, '... and do not show');
my ($out, $errors) = ('', '');
$node->psql('postgres', "SET lock_timeout = '100ms'; DELETE FROM users WHERE id = 3", stderr => \$errors);
like($errors, qr/lock timeout/, 'the prepared delete holds its row');
$errors = '';
$node->psql('postgres', "SET lock_timeout = '100ms'; INSERT INTO orders VALUES (7, 3)", stderr => \$errors);
like($errors, qr/lock timeout/, '... also against new rows below it');

$node->safe_psql('postgres', "COMMIT PREPARED '$_'") for qw(delete undo restore);
$node->safe_psql('postgres', "ROLLBACK PREPARED 'register'");
is($node->safe_psql('postgres', 'SELECT id, deletion_id FROM all_users ORDER BY id'), "1|\n2|\n3|3\n4|\n5|", 'committed');
is($node->safe_psql('postgres', 'SELECT id, deletion_id FROM all_orders ORDER BY id'), "1|\n2|2\n3|3\n4|\n5|", 'with their cascades');
is($node->safe_psql('postgres', 'SELECT id, rows, restored_at IS NOT NULL FROM softdelete.deletions ORDER BY id'),
	qq(1|{}|t\n2|{"public.orders": 1}|f\n3|{"public.users": 1, "public.orders": 1}|f), 'the log knows');
is($node->safe_psql('postgres', "SELECT count(*) FROM softdelete.tables WHERE relation = 'later'::regclass"), '0', 'rolled back: not registered');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_attribute WHERE attrelid = 'later'::regclass AND attnum > 0"), '2', '... and as it was');
is($node->safe_psql('postgres', 'SELECT softdelete.undo(3)'), '2', 'what was prepared can be undone');
cmp_ok($node->safe_psql('postgres', 'DELETE FROM users WHERE id = 3 RETURNING deletion_id'), '>', 3, 'ids go on');

# A registration that is committed counts for sessions that are open.
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query("PREPARE look AS SELECT count(*) FROM later; INSERT INTO later VALUES (1, 'x'), (2, 'y')");
is($session->query('EXECUTE look') =~ s/\s//gr, '2', 'before');
$node->safe_psql('postgres', "BEGIN; SELECT softdelete.register('later'); DELETE FROM later WHERE id = 1; PREPARE TRANSACTION 'register'");
$node->safe_psql('postgres', "COMMIT PREPARED 'register'");
is($session->query('EXECUTE look') =~ s/\s//gr, '1', 'COMMIT PREPARED of a registration reaches open sessions');
$session->quit;
$node->stop;
done_testing();
