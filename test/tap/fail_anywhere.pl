# Whatever fails wherever, a session that goes on is as good as a new one: it sees the same rows, and its next statements do
# the same. Each statement is the first of its session, so that it looks up everything that is remembered. In it, memory runs
# out, a lock does not come, or the statement is cancelled, at one place after the other where anything is allocated
# (test/faults/faults.c says what a place is), in a savepoint, in a transaction, on its own, in an exception block. Then
# locks of catalogs and of our own tables really do not come.
#
# Takes some allocations, others with each SEED, of each statement in one of the ways; EVERY=1 takes all places and ways,
# EVERY=10 every tenth place. ONLY names statements.
use strict;
use warnings;
use Faults;
use PostgreSQL::Test::Utils;
use Test::More;
use List::Util qw(shuffle);

my $seed = $ENV{SEED} // time % 100_000;
srand $seed;
my $every = $ENV{EVERY};
my $only = $ENV{ONLY} ? { map { $_ => 1 } split m{,}, $ENV{ONLY} } : undef;

my $node = Faults::start_node('anywhere');
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

# A database to take copies of. The tables belong to two roles, and the one at work is no superuser.
$node->safe_psql('postgres', 'CREATE ROLE helper LOGIN; CREATE ROLE keeper LOGIN IN ROLE helper, pg_read_all_stats; CREATE DATABASE pristine');
$node->safe_psql('pristine', 'CREATE EXTENSION softdelete; GRANT CREATE ON SCHEMA public TO keeper, helper');
my ($contents, $try) = do { local $/; split /^-- What follows is .*\n/m, <DATA> };
$node->safe_psql('pristine', $contents, extra_params => ['-U', 'keeper']);
$node->safe_psql('pristine', $try, extra_params => ['-U', 'keeper']);
$node->safe_psql('postgres', 'CREATE DATABASE anywhere TEMPLATE pristine');

my $expected = $node->safe_psql('anywhere', 'SET client_min_messages = error; SELECT try_all(true)', extra_params => ['-U', 'keeper']);
(my $briefly) = $expected =~ /^(.*?)SELECT softdelete\.restore/;
like($expected, qr/^keeper.*SELECT: 4 /, 'a session sees live rows');
unlike($expected, qr/: (?!23|P0|55)[0-9A-Z]{5}(;|$)/, 'and no statement fails that should not');

my $orders = PostgreSQL::Test::Utils::tempdir() . '/orders';
my $live = q{SELECT string_agg(id::text, ' ' ORDER BY id) FROM users};
my %statements = (
	'SELECT' => ['SELECT id FROM users'],
	'SELECT, joined' => ['SELECT o.id FROM orders o LEFT JOIN users u ON u.id = o.user_id'],
	'DELETE with a cascade' => ['DELETE FROM users WHERE id = 1'],
	'DELETE by UPDATE' => ['UPDATE users SET deleted_at = now() WHERE id = 1'],
	'hand-written purge' => ['DELETE FROM users WHERE deleted_at IS NOT NULL AND id = 6'],
	'UPDATE that restores' => ['UPDATE users SET deleted_at = NULL WHERE id = 2'],
	'INSERT below a parent' => ['INSERT INTO orders VALUES (50, 1)'],
	'ON CONFLICT' => [q{INSERT INTO users VALUES (9, 'u1') ON CONFLICT (email) DO UPDATE SET name = 'x'}],
	'COPY TO' => ['COPY users TO STDOUT', 'only' => ['savepoint', 'transaction', 'alone']],
	'COPY FROM' => ["\\copy orders (id, user_id) FROM '$orders'", 'only' => ['savepoint', 'transaction', 'alone']],
	'MERGE' => ['MERGE INTO users u USING orders o ON o.user_id = u.id AND o.id = 1 WHEN MATCHED THEN DELETE'],
	'delete()' => [q{SELECT softdelete.delete('users', 1)}],
	'preview()' => [q{SELECT count(*) FROM softdelete.preview('users', 1)}],
	'restore()' => [q{SELECT softdelete.restore('users', 2)}],
	'undo()' => ['SELECT softdelete.undo(min(id)) FROM softdelete.deletions'],
	'hold()' => [q{SELECT softdelete.hold('users', 'law suit', 1)}],
	'erase()' => [q{SELECT softdelete.erase('users', 'asked', 1)}],
	'anonymize()' => [q{SELECT softdelete.anonymize('users', 'asked', 1)}],
	'purge()' => [q{CALL softdelete.purge('users', delay => '0')}, 'commits' => 1],
	'register()' => [q{SELECT count(*) FROM softdelete.register('plain')}],
	'configure()' => [q{SELECT count(*) FROM softdelete.configure('users', retention => '9 days', visibility => 'rls')}],
	'unregister()' => [q{SELECT count(*) FROM softdelete.unregister('orders', 'purge')}],
	'ADD COLUMN' => ['ALTER TABLE users ADD COLUMN code text UNIQUE'],
	'RENAME COLUMN' => ['ALTER TABLE users RENAME COLUMN name TO full_name'],
	'DROP COLUMN' => ['ALTER TABLE users DROP COLUMN name'],
	'CREATE INDEX' => ['CREATE UNIQUE INDEX ON users (name, id)'],
	'set_anonymizer()' => [q{SELECT softdelete.set_anonymizer('users', 'email', $$'x' COLLATE "C" || id$$)}],
	'TRUNCATE' => ['TRUNCATE users CASCADE', 'fails' => '55000'],
	'a function' => ['SELECT work()', again => 'SELECT work()'],
	'EXECUTE' => ['EXECUTE p', before => "PREPARE p AS $live", again => 'EXECUTE p'],
	'a cursor' => ['FETCH ALL FROM c', before => "DECLARE c CURSOR FOR $live", only => ['savepoint', 'transaction']],
);
append_to_file($orders, "51\t1\n52\t3\n");

# The ways to run a statement, which may fail, and to go on. COUNT begins to count allocations.
my $go_on = q{
\echo again
LATER;
\echo tried
SELECT try_all(THOROUGHLY);
};
my %ways = (
	savepoint => qq{BEGIN; SAVEPOINT s;\nBEFORE;\nCOUNT;\nSTATEMENT;\n\\echo state :SQLSTATE\nSET faults.at_allocation = 0;\nROLLBACK TO s;\nPLACES;\n$go_on\nROLLBACK;},
	transaction => qq{BEGIN;\nBEFORE;\nCOUNT;\nSTATEMENT;\n\\echo state :SQLSTATE\nSET faults.at_allocation = 0;\nROLLBACK;\nPLACES;\n$go_on},
	nested => qq{BEGIN; SAVEPOINT s;\nBEFORE;\nDO \$do\$ BEGIN
		COUNT;
		EXECUTE \$execute\$STATEMENT\$execute\$;
		RAISE EXCEPTION USING ERRCODE = 'ZZ001';
	EXCEPTION WHEN OTHERS OR query_canceled THEN
		PERFORM set_config('my.state', SQLSTATE, false);
	END \$do\$;\n\\if :ERROR\n\\echo state :SQLSTATE\nROLLBACK TO s;\n\\else\nSELECT 'state ' || current_setting('my.state');\nPLACES;\n\\endif\n$go_on\nROLLBACK;},
	alone => qq{BEFORE;\nCOUNT;\nSTATEMENT;
\\set state :SQLSTATE
SET faults.at_allocation = 0;
\\echo state :state
PLACES;
SELECT :'state' = '00000' OR COMMITS AS has_changed \\gset
$go_on
\\if :has_changed
\\c -
SET client_min_messages = error;
\\echo fresh
SELECT try_all(THOROUGHLY);
\\c postgres $superuser
DROP DATABASE anywhere WITH (FORCE);
CREATE DATABASE anywhere TEMPLATE pristine;
\\c anywhere keeper
\\endif
},
);

# The script that runs a statement in one way, failing in one way at one of its allocations.
sub script
{
	my ($name, $way, $kind, $number, $is_thorough) = @_;
	my ($statement, %more) = @{ $statements{$name} };
	my $count = $way eq 'nested' ? "PERFORM set_config('faults.at_allocation', '$number', false)" : "SET faults.at_allocation = $number";
	my $terminator = $statement =~ /^\\/ ? '' : ';';
	# PL/pgSQL is loaded beforehand: once that has failed half-way, the server cannot do it again in the session.
	my $script = "\\c -\n\\echo begin $number\nSET client_min_messages = error;\nDO 'BEGIN END';\nSET faults.kind = $kind;\n$ways{$way}\n\\echo end\n";
	$script =~ s/STATEMENT;/$statement$terminator/ or $script =~ s/STATEMENT/$statement/;
	$script =~ s/COUNT/$count/;
	my $places = $kind =~ /record|count/ ? 'SHOW faults.places' : '';
	$script =~ s/THOROUGHLY/$is_thorough ? 'true' : 'false'/eg;
	$script =~ s/PLACES/$places/;
	$script =~ s/COMMITS/$more{commits} ? 'true' : 'false'/e;
	$script =~ s/BEFORE/$more{before} || ''/e;
	my ($begin, $end) = $way =~ /savepoint|nested/ ? ('SAVEPOINT a', 'ROLLBACK TO a') : ('BEGIN', 'ROLLBACK');
	$script =~ s/LATER/$more{again} ? "$begin;\n$more{again};\n$end" : ''/e;
	return $script;
}

sub run
{
	my ($script) = @_;
	my ($out, $err) = ('', '');
	$node->psql('anywhere', $script, stdout => \$out, stderr => \$err, on_error_stop => 0, extra_params => ['-X', '-U', 'keeper'],
		timeout => $PostgreSQL::Test::Utils::timeout_default);
	return ($out, $err);
}

# How a statement that is interrupted says so, in the server's words and without a hint of ours.
my $words = qr/injected failure|out of memory|canceling statement due to|current transaction is aborted/;
my %kinds = (error => '53200', lock => '55P03', cancel => '57014');
my ($all_places, $tried, $failed) = (0, 0, 0);
my (%differences, %failures);

for my $name (grep { !$only || $only->{$_} } sort keys %statements)
{
	my ($statement, %more) = @{ $statements{$name} };
	my @ways = @{ $more{only} || [qw(savepoint transaction nested alone)] };
	@ways = $ways[rand @ways] unless $every;
	for my $way (@ways)
	{
		my ($out, $err) = run(script($name, $way, $every ? 'record' : 'count', 1, $every));
		my ($again) = $out =~ /^again\n(.*)^tried$/ms;
		my @places = $out =~ /^ (\d[\d ]*)$/m ? split(/ /, $1) : ();
		is(($out =~ /^tried\n(.*)$/m)[0], $every ? $expected : $briefly, "$name, $way: nothing is left behind by a statement that was rolled back") if $way ne 'alone';
		# Without the places, some numbers of small size and of all sizes.
		@places = map { int exp(rand log($places[0])) } 1 .. 3 if !$every && @places;
		ok(@places > 2, "$name, $way: has places to fail at") or diag scalar(@places), "$out$err";
		$all_places += @places; note "$name, $way: " . @places . ' places';
		for my $kind ($every ? sort keys %kinds : (shuffle keys %kinds)[0])
		{
			my $step = $every || 1;
			my @numbers;
			for (my $i = rand $step; $i < @places; $i += $step) { push @numbers, $places[$i] }
			# Many scripts in one go, but so that a look at the log is not hopeless.
			while (my @some = splice @numbers, 0, 50)
			{
				($out, $err) = run(join '', map { script($name, $way, $kind, $_, rand() < 0.1) } @some);
				my ($ends, $difference) = (0);
				for my $part (split /^begin /m, $out)
				{
					my ($number) = $part =~ /^(\d+)$/m or next;
					my ($state) = $part =~ /^state (\w+)$/m;
					my ($again_now) = $part =~ /^again\n(.*)^tried$/ms;
					my ($tried_now) = $part =~ /^tried\n(.*)$/m;
					my ($fresh) = $part =~ /^fresh\n(.*)$/m;
					$ends++ if $part =~ /^end$/m;
					$tried++;
					$failed++ if ($state // '') eq $kinds{$kind};
					$difference //= "at $number ($state):\n" . ($tried_now // 'nothing') . ' ' . ($again_now // '')
						if ($tried_now // '') ne ($fresh // (($tried_now // '') =~ /restore/ ? $expected : $briefly)) || ($again_now // '') ne $again && !defined $fresh
						|| ($state // '') !~ /^(00000|ZZ001|$kinds{$kind})$/ && ($state // '') ne ($more{fails} // '');
				}
				$difference //= "with other words: $1" if $err =~ /((?:ERROR:  (?!$words)|HINT).*)/ && !$more{fails};
				$difference //= "the session ended: $err" if $ends < @some;
				ok(!defined $difference, "$name, $way, $kind") or diag "$difference\nexpected:\n$expected $again\nSEED=$seed";
			}
		}
	}
}

# Locks of catalogs and of our own tables that really do not come, the same for all statements.
my @lockable = ('pg_extension', 'pg_proc', 'pg_namespace', 'pg_trigger', 'pg_constraint', 'pg_inherits', 'pg_policy', 'pg_attribute',
	'pg_collation', split /\n/, $node->safe_psql('anywhere', q{SELECT oid::regclass FROM pg_class
		WHERE relnamespace IN ('softdelete'::regnamespace, 'softdelete_internal'::regnamespace) AND relkind = 'r' ORDER BY 1}));
my $locker = $node->background_psql('anywhere');

sub try_locked
{
	my ($table, $name) = @_;
	my ($statement, %more) = @{ $statements{$name} };
	my $session = $node->background_psql('anywhere', on_error_stop => 0, extra_params => ['-U', 'keeper']);
	$session->query("SET client_min_messages = error; SET lock_timeout = '20ms'; BEGIN");
	$session->query($more{before}) if $more{before};
	$locker->query_safe("BEGIN; LOCK $table IN ACCESS EXCLUSIVE MODE");
	$session->{stderr} = '';
	$session->query($statement);
	my $error = $session->{stderr};
	$locker->query_safe('ROLLBACK');
	$session->query('ROLLBACK');
	$session->query('RESET lock_timeout');
	is($session->query('SELECT try_all(false)'), $briefly, "$name while $table is locked") or diag "SEED=$seed";
	unlike($error, qr/ERROR:  (?!$words)|HINT/, "$name while $table is locked: what is said") unless $more{fails};
	$session->quit;
	return $error;
}

# What is said of a rule for anonymization is not said of a lock.
for my $name ('ADD COLUMN', 'set_anonymizer()')
{
	like(try_locked('pg_collation', $name), qr/lock timeout/, "$name needs the lock") unless $only;
}
for my $table ($every ? @lockable : (shuffle @lockable)[0 .. 2])
{
	my @names = grep { !$only || $only->{$_} } sort keys %statements;
	@names = (shuffle @names)[0 .. 3] unless $every;
	try_locked($table, $_) for grep { defined } @names;
}
$locker->quit;

note "SEED=$seed: $all_places places, tried $tried, failed at $failed";
ok($failed > $tried / 2, "most of $tried statements failed: $failed");

$node->stop;
my $log = slurp_file($node->logfile);
unlike($log, qr/PANIC|was terminated by signal|TRAP/, 'no crash');
unlike($log, qr/WARNING:.*leak/, 'nothing is held longer than it should be');
done_testing();

__DATA__
SET client_min_messages = error;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, name text);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE, note text);
CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES users DEFERRABLE);
CREATE TABLE plain (id int PRIMARY KEY, email text UNIQUE);
CREATE INDEX ON orders (user_id);
CREATE TABLE log (what text);
GRANT INSERT ON log TO helper;
GRANT REFERENCES ON users TO helper;
ALTER TABLE orders OWNER TO helper;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN INSERT INTO log VALUES (tg_op || ' by ' || current_user || ' with ' || current_setting('search_path')); RETURN coalesce(new, old); END $$;
SELECT count(*) FROM softdelete.register('users', cascade => true, retention => '1 day');
CREATE TRIGGER note AFTER UPDATE OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO users SELECT i, 'u' || i, 'n' FROM generate_series(1, 5) i;
INSERT INTO orders SELECT i, i % 5 + 1 FROM generate_series(1, 10) i;
INSERT INTO notes VALUES (1, 5);
DELETE FROM users WHERE id = 2;
INSERT INTO users (id, email, deleted_at) VALUES (6, 'old', now() - interval '9 days'), (7, 'held', now() - interval '9 days');
SELECT softdelete.hold('users', 'law suit', 7), softdelete.set_anonymizer('users', 'name', '''gone'' COLLATE "C"');
TRUNCATE log;
CREATE FUNCTION work() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ids text;
BEGIN
	DELETE FROM users WHERE id = 3;
	SELECT string_agg(id::text, ' ' ORDER BY id) FROM users INTO ids;
	RETURN ids;
END $$;
-- What follows is what a session sees and does.
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n int;
BEGIN
	EXECUTE statement;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n || ' ' || (SELECT left(md5(string_agg(l, ',' ORDER BY l)), 8) FROM (
		SELECT row(id, email, name, deleted_at IS NULL)::text AS l FROM all_users
		UNION ALL SELECT row(id, user_id, deleted_at IS NULL)::text FROM all_orders
		UNION ALL SELECT row(id, email, name)::text || ' live' FROM users
		UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid IN ('users'::regclass, 'plain'::regclass)
		UNION ALL SELECT tgname FROM pg_trigger WHERE NOT tgisinternal
		UNION ALL SELECT what FROM log
		UNION ALL SELECT row(relation, removed)::text FROM softdelete.purge_log) s);
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
CREATE FUNCTION try_all(thoroughly boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	s text;
	results text := current_user || ' ' || session_user
		|| ' settings ' || (SELECT left(md5(string_agg(name || setting, ',' ORDER BY name)), 8) FROM pg_settings WHERE name !~ '^(faults|my)\.')
		|| ' locks ' || (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND (locktype = 'advisory' OR
			locktype = 'relation' AND mode <> 'AccessShareLock' AND relation NOT IN (SELECT oid FROM pg_class WHERE relkind = 'S')))
		|| ' errors kept ' || (SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'softdelete error') || '; ';
BEGIN
	FOREACH s IN ARRAY ARRAY['SELECT FROM users', 'SELECT FROM orders JOIN users u ON u.id = user_id', 'SELECT work()',
		'DELETE FROM users WHERE id = 1', 'DELETE FROM users WHERE id = 5', 'DELETE FROM users WHERE deleted_at IS NOT NULL',
		'DELETE FROM users WHERE id = 6 AND deleted_at IS NOT NULL', 'UPDATE users SET deleted_at = NULL WHERE id = 2',
		'INSERT INTO orders VALUES (99, 2)', 'INSERT INTO orders VALUES (99, 3)', 'TRUNCATE users CASCADE',
		'INSERT INTO users VALUES (9, ''u2'') ON CONFLICT (email) DO NOTHING', 'INSERT INTO users VALUES (2, ''new'')']
		|| CASE WHEN thoroughly THEN ARRAY['SELECT softdelete.restore(''users'', 2)',
			'SELECT softdelete.erase(''users'', ''asked'', 1)', 'CALL softdelete.purge(''users'')',
			'ALTER TABLE users ADD COLUMN x int UNIQUE', 'SELECT count(*) FROM softdelete.register(''plain'')'] ELSE '{}' END LOOP
		BEGIN
			results := results || substring(s, '^\w+(?: softdelete\.\w+)?') || ': ' || try(s) || '; ';
			RAISE EXCEPTION USING ERRCODE = 'ZZ001';
		EXCEPTION WHEN SQLSTATE 'ZZ001' THEN NULL;
		END;
	END LOOP;
	RETURN results;
END $$;
