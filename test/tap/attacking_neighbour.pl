# Foreign keys between tables of several owners, which have histories: nobody's code runs as anybody else. What the planner runs by itself counts:
# predicates and expressions of indexes, expressions of statistics; so do the constraints of domains in the keys' types, whose
# values go from one table to the other; and all kinds of triggers, which leave settings behind where they can. Each owner's tables are full of such code; statements and functions are called by each
# owner, by a member of both roles, by a superuser and by the worker.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Traps;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf(
	'postgresql.conf', q{
shared_preload_libraries = 'softdelete'
softdelete.worker_interval = '1s'
});
$node->start;
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

# After a call of a function. An error may have undone the path as well.
my $check_settings = <<'SQL';
DO $$ BEGIN
	IF current_setting('search_path') <> 'alice, eve, bob, pg_catalog' THEN
		RAISE 'a trap has left settings';
	END IF;
END $$;
SQL

# Each statement in a session of its own, which has to look at indexes and constraints anew. It has to get through, or to fail
# with an error that is expected.
sub run_each
{
	my ($role, $statements, @expected) = @_;
	my %known = map { $_ => 1 } @expected;
	for my $sql (@$statements)
	{
		my $stderr;
		my $check = $sql =~ /^(SELECT|CALL) softdelete/ ? $check_settings : '';
		$node->psql('postgres', "SET search_path = alice, eve, bob, pg_catalog;\n$sql;\n$check", on_error_stop => 0, stderr => \$stderr,
			extra_params => [ '-U', $role ]);
		is(join("\n", grep { !$known{$_} } $stderr =~ /(?:ERROR|FATAL):  (.*)/g), '', "$role: $sql");
		is(Traps::sightings($node), '', "$role: $sql: no code runs as somebody else");
	}
}

# Code that the server runs by itself, in each owner's schema.
my %owners = (alice => 'eve', eve => 'alice', bob => 'alice');
$node->safe_psql('postgres', 'CREATE EXTENSION softdelete');
for my $owner (sort keys %owners)
{
	$node->safe_psql('postgres', "CREATE ROLE $owner LOGIN; CREATE SCHEMA $owner AUTHORIZATION $owner; GRANT USAGE ON SCHEMA $owner TO PUBLIC");
	$node->safe_psql('postgres', <<"SQL", extra_params => [ '-U', $owner ]);
@{[ Traps::spy($owner) ]}
CREATE FUNCTION $owner.trap(what text) RETURNS text LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog
	AS 'BEGIN PERFORM $owner.spy(what); RETURN what; END';
CREATE DOMAIN $owner.code AS int CHECK ($owner.trap('domain') <> VALUE::text);
CREATE TYPE $owner.pair AS (a $owner.code, b text);
CREATE FUNCTION $owner.trap_row() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS \$\$
BEGIN
	PERFORM $owner.spy(concat_ws(' ', tg_name, tg_when, tg_level, tg_op, 'of', tg_table_name));
	RETURN coalesce(new, old);
END \$\$;
CREATE FUNCTION $owner.trap_settings() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
	IF session_user <> '$owner' THEN
		PERFORM pg_catalog.set_config('search_path', '$owner', false);
	END IF;
	RETURN coalesce(new, old);
END \$\$;
CREATE FUNCTION $owner.set_traps(t text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS \$\$
BEGIN
	EXECUTE format('CREATE INDEX ON %s (name) WHERE $owner.trap(''predicate of %1\$s'') <> ''no''', t);
	EXECUTE format('CREATE INDEX ON %s (($owner.trap(''expression on %1\$s'') || name))', t);
	EXECUTE format('CREATE STATISTICS %1\$s_guess ON ($owner.trap(''statistics of %1\$s'') || name), name FROM %1\$s', t);
	EXECUTE format('CREATE TRIGGER before_row BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION $owner.trap_row()', t);
	EXECUTE format('CREATE TRIGGER before_settings BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION $owner.trap_settings()', t);
	EXECUTE format('CREATE TRIGGER after_row AFTER UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION $owner.trap_row()', t);
	EXECUTE format('CREATE TRIGGER after_settings AFTER UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION $owner.trap_settings()', t);
	EXECUTE format('CREATE TRIGGER after_statement AFTER UPDATE OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION $owner.trap_row()', t);
	EXECUTE format('CREATE CONSTRAINT TRIGGER deferred AFTER UPDATE OR DELETE ON %s DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION $owner.trap_row()', t);
	EXECUTE format('ALTER TABLE %s ADD CHECK ($owner.trap(''check of %1\$s'') <> ''no'')', t);
END \$\$;
CREATE FUNCTION $owner.trap_trigger() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS
	\$\$ BEGIN PERFORM $owner.spy(format('trigger %s %s of %s', tg_when, tg_op, tg_table_name)); RETURN coalesce(new, old); END \$\$;
-- What its owner may put on a history, and on each of its partitions.
CREATE FUNCTION $owner.set_history_traps(t text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS \$\$
DECLARE
	part regclass;
BEGIN
	FOR part IN SELECT relid FROM pg_partition_tree(t::regclass) LOOP
		EXECUTE format('CREATE INDEX ON %s (name) WHERE $owner.trap(''predicate of %1\$s'') <> ''no''', part);
		EXECUTE format('CREATE INDEX ON %s (($owner.trap(''expression on %1\$s'') || name))', part);
		EXECUTE format('CREATE STATISTICS $owner.%I ON ($owner.trap(''statistics of %2\$s'') || name), name FROM %2\$s', 'guess_' || part::oid, part);
		EXECUTE format('CREATE TRIGGER a_%s BEFORE INSERT OR UPDATE OR DELETE ON %s EXECUTE FUNCTION $owner.trap_trigger()', part::oid, part);
		EXECUTE format('CREATE TRIGGER b_%s AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION $owner.trap_trigger()', part::oid, part);
		EXECUTE format('ALTER TABLE %s ALTER name SET DEFAULT $owner.trap(''default of %1\$s'')', part);
		EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', part);
		EXECUTE format('CREATE POLICY all_of ON %s USING ($owner.trap(''policy of %1\$s'') <> ''no'')', part);
	END LOOP;
	EXECUTE format('CREATE CONSTRAINT TRIGGER c AFTER INSERT OR UPDATE OR DELETE ON %s
		DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION $owner.trap_trigger()', t);
END \$\$;
SQL
}
$node->safe_psql('postgres', "CREATE ROLE member LOGIN IN ROLE alice, eve, bob");

sub as_owner
{
	my ($owner, $sql) = @_;
	my $stderr;
	$node->psql('postgres', "SET search_path = $owner, pg_catalog;\n$sql", stderr => \$stderr, on_error_stop => 0, extra_params => [ '-U', $owner ]);
	unlike($stderr, qr/ERROR/, "$owner sets up");
	return;
}

# trunks <- branches <- twigs: a tree through three owners, the middle of which is not registered below bob's.
as_owner('alice', <<'SQL');
CREATE TABLE trunks (id code PRIMARY KEY, name text UNIQUE);
CREATE TABLE words (word pair PRIMARY KEY, name text);
SELECT set_traps('alice.trunks'), set_traps('alice.words');
GRANT REFERENCES ON trunks, words TO eve, bob;
SQL
as_owner('eve', <<'SQL');
CREATE TABLE branches (id int PRIMARY KEY, trunk int REFERENCES alice.trunks ON DELETE CASCADE, name text);
CREATE TABLE leaves (id int PRIMARY KEY, trunk int REFERENCES alice.trunks DEFERRABLE, name text);
CREATE TABLE uses (id int PRIMARY KEY, word alice.pair REFERENCES alice.words ON DELETE CASCADE, name text);
SELECT set_traps('eve.branches'), set_traps('eve.leaves'), set_traps('eve.uses');
CREATE INDEX ON branches (trunk);
CREATE TABLE notes (id int PRIMARY KEY, trunk int REFERENCES alice.trunks ON DELETE SET NULL, name text);
SELECT set_traps('eve.notes');
GRANT REFERENCES ON branches TO bob;
SQL
as_owner('bob', <<'SQL');
CREATE TABLE loose (id int PRIMARY KEY, trunk int REFERENCES alice.trunks ON DELETE CASCADE, name text);
CREATE TABLE twigs (id int PRIMARY KEY, branch int REFERENCES eve.branches ON DELETE CASCADE, loose int REFERENCES loose ON DELETE CASCADE, name text);
SELECT set_traps('bob.loose'), set_traps('bob.twigs');
SQL
# rings: tables of two owners that reference each other, and themselves.
as_owner('alice', <<'SQL');
CREATE TABLE rings (id int PRIMARY KEY, other int, up int REFERENCES rings ON DELETE CASCADE, name text);
SELECT set_traps('alice.rings');
GRANT REFERENCES ON rings TO eve;
SQL
as_owner('eve', <<'SQL');
CREATE TABLE rongs (id int PRIMARY KEY, other int REFERENCES alice.rings ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, name text);
SELECT set_traps('eve.rongs');
GRANT REFERENCES ON rongs TO alice;
SQL
as_owner('alice', 'ALTER TABLE rings ADD FOREIGN KEY (other) REFERENCES eve.rongs ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED');
Traps::sightings($node);    # what the server itself does with a new key is its own matter

my %tables = (alice => [ 'trunks', 'words', 'rings' ], eve => [ 'branches', 'leaves', 'uses', 'rongs' ], bob => ['twigs']);
for my $owner (sort keys %tables)
{
	run_each($owner, [ map { "SELECT count(*) > 0 FROM softdelete.register('$owner.$_', retention => '0')" } @{ $tables{$owner} } ]);
}
# Of registered tables, and of such as the server's own referential actions reach. Some forget at once.
my %tracked = (alice => [ @{ $tables{alice} } ], eve => [ @{ $tables{eve} }, 'notes' ], bob => [ 'twigs', 'loose' ]);
for my $owner (sort keys %tracked)
{
	run_each($owner, [ map { "SELECT softdelete.track_history('$owner.$_', retention => " . ($_ =~ /^[lrt]/ ? "'1 microsecond'" : 'NULL') . ')' }
		@{ $tracked{$owner} } ]);
}
# Triggers on histories are refused. They stay silent also where somebody has made them unseen.
$node->safe_psql('postgres', "ALTER EVENT TRIGGER softdelete_ddl_command_start DISABLE");
for my $owner (sort keys %tracked)
{
	run_each($owner, [ map { "SELECT $owner.set_history_traps('$owner.${_}_history')" } @{ $tracked{$owner} } ]);
}
$node->safe_psql('postgres', "ALTER EVENT TRIGGER softdelete_ddl_command_start ENABLE ALWAYS");
run_each('alice', [
	"INSERT INTO trunks SELECT i, 't' || i FROM generate_series(1, 90) i",
	"INSERT INTO words SELECT ROW(i, 'w')::alice.pair, 'w' FROM generate_series(1, 30) i",
	"INSERT INTO rings SELECT i, NULL, nullif(i - 1, 0), 'r' FROM generate_series(1, 30) i" ]);
run_each('eve', [
	"INSERT INTO branches SELECT i, i, 'b' FROM generate_series(1, 90) i",
	"INSERT INTO leaves SELECT i, i, 'l' FROM generate_series(85, 86) i",
	"INSERT INTO notes SELECT i, i, 'n' FROM generate_series(1, 90) i",
	"INSERT INTO rongs SELECT i, i, 'o' FROM generate_series(1, 30) i" ]);
run_each('alice', ["UPDATE rings SET other = id"]);
$node->safe_psql('postgres', "SET search_path = pg_catalog; INSERT INTO eve.uses SELECT i, ROW(i, 'w')::alice.pair, 'u' FROM pg_catalog.generate_series(1, 30) i",
	extra_params => [ '-U', 'eve' ]);
Traps::sightings($node);    # eve has made values of a type of alice's
run_each('bob', [
	"INSERT INTO loose SELECT i, i, 'o' FROM generate_series(1, 90) i",
	"INSERT INTO twigs SELECT i, i, i, 'w' FROM generate_series(1, 90) i" ]);

my $newest = '(SELECT pg_catalog.max(id) FROM softdelete.deletions)';
my $n = 1;
for my $caller ('alice', 'member', $superuser)
{
	my ($a, $b, $c, $d, $e) = map { $n++ } 1 .. 5;
	# A statement of one's own that names the table is planned as whoever sends it: the server's own matter.
	my $delete = sub {
		my ($table, $key, $condition) = @_;
		return $caller eq 'alice' ? "DELETE FROM $table WHERE $condition" : "SELECT softdelete.delete('$table', '$key')";
	};
	run_each($caller, [
		$delete->('trunks', $a, "id = $a"), "SELECT softdelete.conflicts($newest)", "SELECT softdelete.undo($newest)",
		"SELECT softdelete.preview('trunks', $b)", "SELECT softdelete.delete('trunks', $b)", "SELECT softdelete.restore('trunks', $b)",
		$delete->('words', "($a,w)", "(word).a = $a"), "SELECT softdelete.undo($newest)",
		$delete->('words', "($b,w)", "(word).a = $b"), "SELECT softdelete.restore('words', '($b,w)')",
		$delete->('rings', 31 - $a, "id = @{[ 31 - $a ]}"), "SELECT softdelete.restore('rings', @{[ 31 - $a ]})",
		"SELECT softdelete.delete('rings', @{[ 31 - $b ]})", "SELECT softdelete.undo($newest)",
		"SELECT softdelete.hold('trunks', 'why', $c)", $delete->('trunks', $c, "id = $c"), "CALL softdelete.purge('trunks')",
		"SELECT softdelete.release(id) FROM softdelete.holds WHERE released_at IS NULL",
		"SELECT softdelete.purge_preview()", "CALL softdelete.purge('trunks')",
		$delete->('rings', 31 - $a, "id = @{[ 31 - $a ]}"), "CALL softdelete.purge('rings')",
		$delete->('trunks', $d, "id = $d"), "CALL softdelete.purge()", "SELECT softdelete.erase('words', 'wish', '($e,w)')" ],
		$caller eq 'alice' ? ('must be owner of table rongs', 'must be owner of table uses') : ());
}
for my $caller ('eve', 'member', $superuser)
{
	my ($a, $b, $c) = map { $n++ } 1 .. 3;
	run_each($caller, [
		"SELECT softdelete.delete('branches', $a)", "SELECT softdelete.conflicts($newest)", "SELECT softdelete.restore('branches', $a)",
		"SELECT softdelete.delete('rongs', @{[ $n - 15 ]})", "SELECT softdelete.conflicts($newest)", "SELECT softdelete.undo($newest)",
		$caller ne 'eve' ? () : (
			"UPDATE branches SET trunk = $a WHERE id = $b", "UPDATE branches SET trunk = $b WHERE id = $b",
			"INSERT INTO uses SELECT 100 + id, word, 'u' FROM uses WHERE id = 29", "DELETE FROM uses WHERE id > 100"),
		"SELECT softdelete.preview('branches', $b)", "SELECT softdelete.delete('branches', $b)", "CALL softdelete.purge('branches')",
		"SELECT softdelete.purge_preview()", "CALL softdelete.purge()" ]);
}

# What is written at COMMIT and by another's erasure, and what others read of a history.
run_each($superuser, [
	"BEGIN; SET CONSTRAINTS ALL DEFERRED; SELECT softdelete.delete('alice.rings', 20); COMMIT",
	"SELECT pg_catalog.count(*) FROM softdelete.history", "SELECT pg_catalog.count(*) FROM softdelete.history_of('eve.notes', 80)",
	"SELECT softdelete.history_at('eve.notes', pg_catalog.clock_timestamp(), 80)",
	"SELECT softdelete.erase('alice.trunks', 'wish', 80)" ]);
run_each('eve', ["ALTER TABLE notes ALTER name TYPE varchar(100)", "ALTER TABLE notes DROP COLUMN name CASCADE"]);

# Changes of keys between them, with a deleted parent below a live child.
run_each('alice', ["DELETE FROM trunks WHERE id = 60", "SELECT softdelete.hold('trunks', 'why', 60)"]);
run_each('eve', [
	"CREATE TABLE eve.late (id int PRIMARY KEY, trunk int, name text)", "INSERT INTO eve.late VALUES (1, 60, 'x'), (2, 61, 'x')",
	"SELECT eve.set_traps('eve.late')", "SELECT count(*) > 0 FROM softdelete.register('eve.late', retention => '0')",
	"ALTER TABLE eve.late ADD FOREIGN KEY (trunk) REFERENCES alice.trunks ON DELETE CASCADE NOT VALID",
	"ALTER TABLE eve.late VALIDATE CONSTRAINT late_trunk_fkey" ]);
is($node->safe_psql('postgres', 'SELECT count(*) FROM eve.late', extra_params => [ '-U', 'eve' ]), 2, 'the key has taken the rows as they are');
run_each('alice', ["ALTER TABLE eve.late ALTER COLUMN trunk TYPE bigint"], 'must be owner of table late');
run_each('eve', ["ALTER TABLE eve.late ALTER COLUMN trunk TYPE bigint"]);
run_each('eve', ["DELETE FROM eve.late WHERE id = 1", "SELECT softdelete.conflicts($newest)", "SELECT softdelete.undo($newest)"],
	'cannot restore a row of table "late" below a deleted row of table "trunks"');

# What the worker purges.
run_each('alice', [ "SELECT softdelete.release(id) FROM softdelete.holds WHERE released_at IS NULL", "DELETE FROM trunks WHERE id BETWEEN 70 AND 75",
	"DELETE FROM rings WHERE id <= 10" ]);
my $now = $node->safe_psql('postgres', 'SELECT now()');
$node->append_conf('postgresql.conf', q{softdelete.worker_databases = 'postgres'});
$node->reload;
ok( $node->poll_query_until('postgres', "SELECT sum(removed) >= 6 FROM softdelete.purge_log WHERE relation = 'alice.trunks'::regclass AND started_at > '$now'"), 'the worker purges');
is(Traps::sightings($node), '', 'the worker: no code runs as somebody else');
is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT error::text, ', ') FROM softdelete.purge_log WHERE error IS NOT NULL"), '', 'no purge has failed');

$node->stop;
done_testing();
