# A random mix of statements by an owner, a writer, a reader, a stranger and an administrator, each in one session that
# lives through all of it: savepoints, cursors, prepared statements, DDL, functions, nested triggers, traps, timeouts and
# cancels. After each round every session sees and does the same as a fresh one of its role, the rows are consistent, no
# code of the owner's has run as a role that is neither the owner nor the one who wrote the statement, and the server's log
# has no internal error. STATEMENTS=20000 for a long run; SEED=... for the same statements again.

use strict;
use warnings;

use lib 'test/differential';

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RandomQueries;
use Test::More;
use Time::HiRes qw(usleep);
use Traps;

my $statements = $ENV{STATEMENTS} // 600;
my $seed = $ENV{SEED} // 20240601;
my @roles = qw(owner writer reader stranger);
my $rounds = $statements <= 1000 ? 3 : 40;
my $batch = int($statements / $rounds / @roles) || 1;
diag("SEED=$seed STATEMENTS=$statements");

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
deadlock_timeout = 20ms
jit = off
log_line_prefix = '%m [%p] %u %e '
CONF
$node->start;
my $administrator = $node->safe_psql('postgres', 'SELECT current_user');
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION softdelete;
CREATE ROLE owner LOGIN;
CREATE ROLE writer LOGIN;
CREATE ROLE reader LOGIN;
CREATE ROLE stranger LOGIN;
CREATE SCHEMA mix AUTHORIZATION owner;
GRANT USAGE ON SCHEMA mix TO PUBLIC;
SQL

# Tables with the columns that random queries name, full of code that looks at its role.
$node->safe_psql('postgres', <<'SQL', extra_params => [ '-U', 'owner' ]);
SET search_path = mix;
CREATE FUNCTION spy(trap text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
	IF current_user <> 'owner' AND (current_user <> session_user OR session_user NOT IN ('writer', 'reader', 'stranger')) THEN
		RAISE LOG 'softdelete-spy: % runs as % (session of %)', trap, current_user, session_user;
	END IF;
	RETURN true;
END $$;
CREATE FUNCTION trap(anyelement) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS
	'BEGIN PERFORM mix.spy(''expression''); RETURN $1; END';
CREATE TABLE a (id int PRIMARY KEY, k int CHECK (trap(k) < 1000000), v int DEFAULT trap(1), code text UNIQUE);
CREATE TABLE b (id int PRIMARY KEY, k int, v int, code text UNIQUE, a int REFERENCES a ON DELETE CASCADE);
CREATE TABLE c (id int PRIMARY KEY, k int, v int, code text UNIQUE, b int REFERENCES b ON DELETE CASCADE,
	a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE p (id int, k int, v int, code text, PRIMARY KEY (id, k), UNIQUE (code, k)) PARTITION BY RANGE (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (MINVALUE) TO (4);
CREATE TABLE p2 PARTITION OF p DEFAULT;
CREATE TABLE l (id int PRIMARY KEY, k int, v int, code text UNIQUE, c int REFERENCES c ON DELETE CASCADE);
CREATE TABLE h (id int PRIMARY KEY, k int CHECK (trap(k) < 1000000), v int, code text, c int REFERENCES c ON DELETE CASCADE);
CREATE TABLE u (id int PRIMARY KEY, k int, v int);
CREATE TABLE log (id int, k int, v int);
CREATE TABLE scratch (id int PRIMARY KEY, k int, v int, code text UNIQUE);
CREATE VIEW va AS SELECT a.id, a.k, b.v FROM a LEFT JOIN b ON b.a = a.id;
CREATE VIEW vb WITH (security_barrier) AS SELECT id, k, v FROM b WHERE trap(v) IS DISTINCT FROM 2;
CREATE INDEX ON a (k) WHERE trap(1) = 1;
CREATE INDEX ON b (trap(k));
CREATE INDEX ON b (a);
CREATE INDEX ON c (b);
CREATE INDEX ON l (c);
CREATE INDEX ON h (c);
CREATE INDEX ON h (trap(v));
CREATE FUNCTION readers_own(int) RETURNS TABLE (id int, k int, v int) STABLE LANGUAGE sql AS 'SELECT id, k, v FROM mix.a WHERE k >= $1';
-- What a trigger does beside looking at its role: deletes, restores, raises, rolls back what it did, changes settings.
CREATE FUNCTION nested() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mix.spy(format('trigger %s %s of %s', tg_when, tg_op, tg_table_name));
	-- At COMMIT nothing is taken back: a server with assertions ends where that happens, without the extension as well.
	IF tg_level = 'STATEMENT' OR pg_trigger_depth() > 2 OR (tg_name = 'late' AND old.id % 9 IN (0, 1, 4)) THEN
		RETURN coalesce(new, old);
	END IF;
	CASE old.id % 9
		WHEN 0 THEN DELETE FROM mix.c WHERE k = old.k AND id > old.id;
		WHEN 1 THEN
			BEGIN
				DELETE FROM mix.b WHERE k = old.k AND id > old.id;
				RAISE 'taken back';
			EXCEPTION WHEN OTHERS THEN NULL;
			END;
		WHEN 2 THEN IF old.id % 36 = 2 THEN RAISE 'a trigger refuses row %', old.id; END IF;
		WHEN 3 THEN PERFORM set_config('search_path', 'mix, pg_catalog', old.id % 2 = 0);
		WHEN 4 THEN
			BEGIN
				PERFORM softdelete.restore('mix.a', old.id + 1);
			EXCEPTION WHEN OTHERS THEN NULL;
			END;
		WHEN 5 THEN UPDATE mix.u SET v = v + 1 WHERE id = old.id % 12;
		WHEN 6 THEN PERFORM count(*) FROM mix.l WHERE deleted_at IS NOT NULL;
		ELSE NULL;
	END CASE;
	RETURN coalesce(new, old);
END $$;
DO $$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY '{a,b,c,p,l,h,scratch}'::text[] LOOP
		EXECUTE format('CREATE TRIGGER before_row BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION nested()', t);
		EXECUTE format('CREATE TRIGGER after_all AFTER INSERT OR UPDATE OR DELETE ON %I EXECUTE FUNCTION nested()', t);
		EXECUTE format('CREATE CONSTRAINT TRIGGER late AFTER UPDATE OR DELETE ON %I
			DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nested()', t);
		EXECUTE format('CREATE FUNCTION remove_%1$s(int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS
			''BEGIN DELETE FROM mix.%1$s WHERE k = $1; RETURN 1; END''', t);
		EXECUTE format('CREATE FUNCTION take_%1$s(int) RETURNS SETOF int LANGUAGE sql AS ''DELETE FROM mix.%1$s WHERE v = $1 RETURNING id''', t);
	END LOOP;
END $$;
-- One has an archive, of which the strategy changes, and three have histories.
SELECT count(*) FROM softdelete.register('h', retention => '0', strategy => 'archive');
SELECT count(*) FROM softdelete.register('a', retention => '0', cascade => true);
SELECT softdelete.track_history(t) FROM unnest('{b,p,h}'::regclass[]) t;
SELECT count(*) FROM softdelete.register('p', retention => '1 day');
SELECT count(*) FROM softdelete.configure('c', retention => '0');
SELECT count(*) FROM softdelete.configure('l', visibility => 'rls');
SELECT count(*) FROM softdelete.set_anonymizer('b', 'code', '''gone '' || id');
CREATE POLICY everybody ON l USING (trap(true));
GRANT SELECT ON ALL TABLES IN SCHEMA mix TO reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA mix TO writer;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA mix FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA mix TO writer, reader;
SQL

# Rows of the same numbers as ever, so that there is always something to delete. Triggers may refuse some of it.
my $refill = <<'SQL';
SET search_path = mix;
SET client_min_messages = error;
DO $$
DECLARE
	t text;
	command text;
BEGIN
	SET CONSTRAINTS ALL IMMEDIATE;
	FOREACH t IN ARRAY '{a,b,c,l,h,p,u}'::text[] LOOP
		FOREACH command IN ARRAY ARRAY[
			'DELETE FROM %1$s WHERE id > 1000 AND id % 36 <> 2', 'UPDATE %1$s SET deleted_at = NULL WHERE id <= 60 AND id % 36 <> 2',
			'INSERT INTO %1$s (id, k, v, code) SELECT g, g % 9, g % 7, ''r'' || g FROM generate_series(1, 60) g
				WHERE NOT EXISTS (SELECT FROM all_%1$s o WHERE o.id = g) ON CONFLICT DO NOTHING',
			'INSERT INTO %1$s (id, k, v) SELECT g, g % 7, g % 5 FROM generate_series(1, 12) g ON CONFLICT DO NOTHING',
			'UPDATE b SET a = a.id FROM a WHERE a.id = b.id AND b.a IS DISTINCT FROM a.id AND b.id % 36 <> 2',
			'UPDATE c SET b = b.id, a = b.a FROM b WHERE b.id = c.id AND c.b IS DISTINCT FROM b.id AND c.id % 36 <> 2',
			'UPDATE l SET c = c.id FROM c WHERE c.id = l.id AND l.c IS DISTINCT FROM c.id AND l.id % 36 <> 2',
			'INSERT INTO h (id, k, v, c) SELECT id, k, v, id FROM c WHERE id <= 60 ON CONFLICT DO NOTHING']
		LOOP
			BEGIN
				EXECUTE replace(command, '%1$s', t);
			EXCEPTION WHEN OTHERS THEN NULL;
			END;
		END LOOP;
	END LOOP;
END $$;
SQL

#
# Statements.
#
my $random = RandomQueries->new($seed, unique => { a => 'code', b => 'code', c => 'code', p => 'code, k', l => 'code' },
	relations => [qw(u va vb)], functions => ['readers_own'], volatile => ['readers_own']);

sub pick { return $_[ int(rand(@_)) ]; }

# Pairs of a weight and a statement; made anew for each, so that each has its own values.
sub kinds
{
	my ($role) = @_;
	my $id = 1 + int(rand(60));
	my $k = int(rand(9));
	my $t = pick(qw(a a b b c c p l h h));
	my $key = $t eq 'p' ? "$id, " . $id % 9 : $id;
	my $new = 1000 + int(rand(1_000_000));
	my @kinds = (
		6 => "DELETE FROM $t WHERE id = $id",
		3 => "DELETE FROM $t WHERE id BETWEEN $id AND $id + 5 RETURNING id, deleted_at IS NULL",
		3 => "UPDATE $t SET deleted_at = now() WHERE id = $id",
		3 => "UPDATE $t SET deleted_at = NULL WHERE id = $id",
		2 => "UPDATE $t SET deleted_at = NULL WHERE k = $k",
		2 => "UPDATE $t SET v = v + 1, id = id + 0 WHERE k = $k",
		3 => "INSERT INTO b (id, k, v, code, a) VALUES ($new, $k, 1, 'n$new', $id)",
		3 => "INSERT INTO c (id, k, v, code, b, a) VALUES ($new, $k, 1, 'n$new', $id, $id + 1)",
		2 => "INSERT INTO h (id, k, v, code, c) VALUES ($id, $k, 1, 'n$new', $id) ON CONFLICT DO NOTHING",
		2 => "INSERT INTO $t (id, k, v, code) VALUES ($new, $k, 1, 'r$id') ON CONFLICT DO NOTHING",
		5 => "SELECT softdelete.delete('mix.$t', $key)",
		5 => "SELECT softdelete.restore('mix.$t', $key)",
		4 => "SELECT softdelete.undo(max(id) - $k) FROM softdelete.deletions",
		2 => "SELECT count(*) FROM softdelete.preview('mix.$t', $key)",
		2 => "SELECT count(*) FROM softdelete.deletions d, LATERAL softdelete.conflicts(d.id) WHERE d.id % 7 = $k % 7",
		1 => "SELECT count(*) FROM softdelete.deletions, softdelete.tables, softdelete.holds, softdelete.erasure_log",
		1 => "SELECT count(*) FROM softdelete.history_of('mix.$t', $key)",
		1 => "SELECT softdelete.history_at('mix.$t', now() - interval '1 s', $key)",
		1 => "SELECT count(*) FROM softdelete.history WHERE relation = 'mix.$t'::regclass",
		8 => 'BEGIN', 2 => 'BEGIN ISOLATION LEVEL REPEATABLE READ', 6 => 'SAVEPOINT s', 4 => 'ROLLBACK TO s', 2 => 'RELEASE s',
		6 => 'COMMIT', 5 => 'ROLLBACK',
		2 => "DECLARE cursor_$k CURSOR FOR SELECT * FROM $t WHERE k = $k FOR UPDATE",
		2 => "FETCH 2 FROM cursor_$k", 2 => "DELETE FROM $t WHERE CURRENT OF cursor_$k",
		1 => "DECLARE held_$new SCROLL CURSOR WITH HOLD FOR SELECT id, k FROM $t ORDER BY id",
		3 => "DO \$\$ BEGIN DELETE FROM a WHERE id = $id; BEGIN DELETE FROM b WHERE k = $k; RAISE 'no'; EXCEPTION WHEN OTHERS THEN NULL; END;
			UPDATE c SET v = 1 WHERE id = $id; END \$\$",
		2 => "PREPARE removal_$t (int) AS DELETE FROM $t WHERE id = \$1", 4 => "EXECUTE removal_$t ($id)", 1 => 'DEALLOCATE ALL',
		4 => "SET statement_timeout = '" . (1 + int(rand(15))) . "ms'", 4 => "SET statement_timeout = '2s'",
		1 => "SET LOCAL statement_timeout = '3ms'",
		1 => "SET softdelete.visibility = '" . pick(qw(all deleted active)) . "'", 1 => "SET softdelete.actor = 'somebody'",
		1 => 'SET CONSTRAINTS ALL ' . pick(qw(IMMEDIATE DEFERRED)), 1 => "SET plan_cache_mode = " . pick(qw(auto force_generic_plan)),
		1 => 'SET search_path = mix, pg_catalog', 1 => 'SET row_security = ' . pick(qw(on off)),
		1 => "TRUNCATE $t CASCADE", 1 => "LOCK TABLE $t IN SHARE MODE", 1 => "COPY $t TO STDOUT",
		2 => "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) DELETE FROM $t WHERE id = $id",
		2 => "SELECT count(*) FROM deleted_$t", 2 => "DELETE FROM active_$t WHERE id = $id",
		1 => "CREATE TEMPORARY TABLE kept_$new ON COMMIT DROP AS SELECT * FROM $t",
		1 => "DELETE FROM $t WHERE deleted_at IS NOT NULL AND id = $id",
		1 => "SELECT softdelete.hold('mix.$t', 'a case', $key)", 1 => "SELECT softdelete.erase('mix.$t', 'a wish', $key)",
		1 => "CALL softdelete.purge('mix.$t')");
	push @kinds, (
		3 => "SELECT softdelete.release(id) FROM softdelete.holds WHERE released_at IS NULL",
		2 => "SELECT softdelete.anonymize('mix.b', 'a wish', $id)",
		2 => "CALL softdelete.purge(batch_size => 3)",
		2 => "ALTER TABLE $t ADD COLUMN extra int", 2 => "ALTER TABLE $t DROP COLUMN extra",
		1 => "CREATE UNIQUE INDEX more_$t ON $t (code, id, k)", 1 => "DROP INDEX more_$t",
		2 => "SELECT count(*) FROM softdelete.register('scratch', retention => '0')",
		1 => "INSERT INTO scratch SELECT g, g, g, 's' || g FROM generate_series(1, 9) g", 1 => 'DELETE FROM scratch WHERE id < 5',
		2 => "SELECT count(*) FROM softdelete.unregister('scratch', 'purge')",
		1 => "SELECT count(*) FROM softdelete.configure('mix.$t', indexes => '" . pick(qw(all unique)) . "')",
		1 => "SELECT count(*) FROM softdelete.configure('mix.h', strategy => '" . pick(qw(flag archive)) . "')",
		2 => "CALL softdelete.change_strategy('mix.h', '" . pick(qw(flag archive)) . "', 3, '" . pick(0, 30, 300) . " ms')",
		1 => "SELECT softdelete.track_history('scratch', history_table => 'scratch_$new')", 1 => "SELECT softdelete.untrack_history('scratch')",
		1 => "SELECT count(*) FROM softdelete.repair('mix.$t')", 1 => "ANALYZE $t", 1 => "REINDEX TABLE $t",
	) if $role eq 'owner';
	return @kinds;
}

sub statement
{
	my ($role) = @_;
	my $what = rand(100);
	return $random->select(1, [], []) if $what < 15;
	return ($random->modification)[1] if $what < 35;
	my @kinds = kinds($role);
	my $total = 0;
	$total += $kinds[ 2 * $_ ] for 0 .. $#kinds / 2;
	my $place = rand($total);
	for (my $i = 0; $i < @kinds; $i += 2)
	{
		$place -= $kinds[$i];
		return $kinds[ $i + 1 ] if $place < 0;
	}
}

# What somebody with all rights does with the owner's tables: nothing of theirs runs as he.
sub administration
{
	my $t = pick(qw(a b c p l h));
	my $id = 1 + int(rand(60));
	my $key = $t eq 'p' ? "$id, " . $id % 9 : $id;
	return pick(
		"CALL softdelete.purge()", "SELECT count(*) FROM softdelete.purge_preview()", "SELECT softdelete.delete('mix.$t', $key)",
		"SELECT softdelete.restore('mix.$t', $key)", "SELECT softdelete.undo(max(id)) FROM softdelete.deletions",
		"SELECT count(*) FROM softdelete.preview('mix.$t', $key)", "SELECT softdelete.erase('mix.$t', 'a wish', $key)",
		"SELECT count(*) FROM softdelete.repair('mix.$t')", "SELECT softdelete.hold('mix.$t', 'a case', $key)",
		"SELECT softdelete.release(id) FROM softdelete.holds WHERE released_at IS NULL", "ANALYZE mix.$t", 'BEGIN',
		"SELECT sum(length(rows::text)) FROM softdelete.deletions", 'COMMIT', 'ROLLBACK',
		"SELECT softdelete.anonymize('mix.b', 'a wish', $id)", "SET statement_timeout = '" . (2 + int(rand(20))) . "ms'",
		"SET statement_timeout = '2s'");
}

#
# Sessions.
#
sub connect_as
{
	my ($role) = @_;
	my $session = { role => $role, in => '', out => '' };
	$session->{run} = IPC::Run::start([ 'psql', '-XAtq', '-f', '-', $node->connstr('postgres') . " user=$role" ],
		'<', \$session->{in}, '>', \$session->{out}, '2>&1');
	return $session;
}

sub send_to
{
	my ($session, $text) = @_;
	$session->{out} = '';
	$session->{in} .= "$text\n\\echo == through\n";
	return;
}

# Waits until each is through; calls back meanwhile.
sub await
{
	my ($meanwhile, @sessions) = @_;
	my $patience = 60_000;
	while (my @busy = grep { $_->{out} !~ /^== through$/m } @sessions)
	{
		foreach my $session (@busy)
		{
			$session->{run}->pumpable or die "the session of $session->{role} has ended: $session->{out}";
			$session->{run}->pump_nb;
		}
		$meanwhile->();
		usleep(2_000);
		--$patience > 0 or die "waited in vain for $busy[0]{role}: $busy[0]{out}";
	}
	return;
}

my $settings = "SET search_path = mix;\nSET client_min_messages = error;\nSET lock_timeout = '50ms';\nSET statement_timeout = '2s';";

# What a session sees, and what its next statements do; everything is taken back. Each leaves dead rows, which must not
# decide the plan that is shown.
my $probe = "SET client_min_messages = error;\nROLLBACK;\nCLOSE ALL;\nRESET ALL;\nSET search_path = mix;\nSET client_min_messages = error;\n\\set VERBOSITY terse\n";
foreach my $t (qw(a b c p l h))
{
	$probe .= <<"SQL";
SELECT '$t', count(*), sum(hashtext(t::text)) FROM $t t;
SELECT '$t', count(*), sum(hashtext(t::text)) FROM $t t WHERE deleted_at IS NOT NULL;
SELECT '$t', count(*), (SELECT count(*) FROM active_$t), (SELECT count(*) FROM deleted_$t) FROM all_$t;
BEGIN; SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off;
EXPLAIN (COSTS OFF) DELETE FROM $t WHERE code = 'x'; ROLLBACK;
BEGIN; WITH d AS (DELETE FROM $t WHERE id IN (SELECT id FROM $t ORDER BY id DESC LIMIT 4) RETURNING id) SELECT count(*) FROM d;
SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b), (SELECT count(*) FROM c), (SELECT count(*) FROM l); ROLLBACK;
BEGIN; UPDATE $t SET deleted_at = NULL WHERE id IN (SELECT id FROM deleted_$t ORDER BY id DESC LIMIT 3) RETURNING id; ROLLBACK;
BEGIN; SELECT softdelete.delete('mix.$t', id@{[ $t eq 'p' ? ', k' : '' ]}) > 0 FROM $t ORDER BY id LIMIT 1; SELECT count(*) FROM $t; ROLLBACK;
BEGIN; INSERT INTO $t (id, k, v, code) VALUES (-1, 1, 1, 'new'); SELECT id, deleted_at FROM $t WHERE id = -1; ROLLBACK;
SQL
}
$probe .= <<'SQL';
SELECT count(*), sum(hashtext(rows::text)) FROM softdelete.deletions;
SELECT count(*) FROM softdelete.tables;
SELECT count(*) FROM softdelete.holds;
SELECT kind, count(*) FROM softdelete.history GROUP BY kind ORDER BY kind;
SQL

# The first line of a lived-in session that a fresh one does not show.
sub first_difference
{
	# Of several rows that a trigger refuses the first is named, which depends on where dead rows have left room.
	my ($lived, $fresh) = map { s/^psql:<stdin>:\d+: //mgr =~ s/(refuses row) \d+/$1/gr } @_;
	my @lived = split /\n/, $lived;
	my @fresh = split /\n/, $fresh;
	foreach my $i (0 .. ($#lived > $#fresh ? $#lived : $#fresh))
	{
		my ($left, $right) = ($lived[$i] // '(nothing)', $fresh[$i] // '(nothing)');
		return "line $i: $left; in a fresh session: $right" if $left ne $right;
	}
	return '';
}

my $rows = join ' UNION ALL ', map { "SELECT '$_' AS t, id, deleted_at, deletion_id FROM mix.all_$_" } qw(a b c p l h);

sub check_rows
{
	my ($when) = @_;
	is($node->safe_psql('postgres', <<"SQL"), '', "$when: no live row is below a deleted one, and each deleted one is in a deletion of the log");
SET softdelete.visibility = 'all';
SELECT 'b', x.id FROM mix.b x JOIN mix.a p ON p.id = x.a WHERE x.deleted_at IS NULL AND p.deleted_at IS NOT NULL UNION ALL
SELECT 'c', x.id FROM mix.c x JOIN mix.b p ON p.id = x.b WHERE x.deleted_at IS NULL AND p.deleted_at IS NOT NULL UNION ALL
SELECT 'c', x.id FROM mix.c x JOIN mix.a p ON p.id = x.a WHERE x.deleted_at IS NULL AND p.deleted_at IS NOT NULL UNION ALL
SELECT 'l', x.id FROM mix.l x JOIN mix.c p ON p.id = x.c WHERE x.deleted_at IS NULL AND p.deleted_at IS NOT NULL UNION ALL
SELECT 'h', x.id FROM mix.active_h x JOIN mix.c p ON p.id = x.c WHERE p.deleted_at IS NOT NULL UNION ALL
SELECT t, id FROM ($rows) r WHERE (deleted_at IS NULL) <> (deletion_id IS NULL) UNION ALL
SELECT t, id FROM ($rows) r WHERE deletion_id IS NOT NULL AND NOT EXISTS (SELECT FROM softdelete_internal.deletion d WHERE d.id = abs(r.deletion_id))
SQL
	Traps::sightings($node);    # of this superuser, who reads the tables himself
	return;
}

my %session = map { $_ => connect_as($_) } @roles, $administrator;
my $canceller = connect_as($administrator);
my @all = map { $session{$_} } @roles, $administrator;
my $quiet = sub { };
send_to($canceller, '');
await($quiet, $canceller);
my $cancel = sub {
	return if $canceller->{out} !~ /^== through$/m && ($canceller->{run}->pump_nb || 1);
	send_to($canceller, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() "
		  . "AND application_name = 'psql' AND random() < 0.1; SELECT pg_sleep(random() / 25);");
};
$node->psql('postgres', $refill, extra_params => [ '-U', 'owner' ]);
my $log_before = 0;
foreach my $round (1 .. $rounds)
{
	foreach my $role (@roles)
	{
		send_to($session{$role}, join("\n", $settings, map { statement($role) . ';' } 1 .. $batch));
	}
	send_to($session{$administrator}, join("\n", $settings, map { administration() . ';' } 1 .. $batch));
	await($cancel, @all);
	await($quiet, $canceller);
	# Some have a timeout that may end this very statement.
	send_to($_, "ROLLBACK;\nSET statement_timeout = 0;\n" x 5) for @all;
	await($quiet, @all);
	is(Traps::sightings($node), '', "round $round: no code of the owner's runs as somebody else");
	foreach my $role (@roles)
	{
		my $fresh = connect_as($role);
		send_to($_, $probe) for $session{$role};
		await($quiet, $session{$role});
		send_to($fresh, $probe);
		await($quiet, $fresh);
		$fresh->{in} .= "\\q\n";
		$fresh->{run}->finish;
		is(first_difference($session{$role}{out}, $fresh->{out}), '', "round $round: the session of the $role is as a fresh one");
	}
	check_rows("round $round");
	my $log = slurp_file($node->logfile, $log_before);
	$log_before += length $log;
	# The server's own words for DDL that meets DDL.
	my @internal = grep { !/tuple concurrently (?:updated|deleted)/ } $log =~ /^.* XX\d\d\d .*$|^.*TRAP: .*$|^.*was terminated by signal.*$/mg;
	is(join("\n", @internal), '', "round $round: no internal error");
	last unless Test::More->builder->is_passing;
	$node->psql('postgres', $refill, extra_params => [ '-U', 'owner' ]);
}
my %errors;
my $log = slurp_file($node->logfile);
$errors{$1}++ while $log =~ /^\S+ \S+ \S+ \[\d+\] \w+ (\w{5}) ERROR: /mg;
note join ', ', map { "$_: $errors{$_}" } sort keys %errors;
cmp_ok($errors{57014} // 0, '>', 0, 'some statements were cancelled');
$_->{in} .= "\\q\n", $_->{run}->finish for @all, $canceller;
$node->stop;
done_testing();
