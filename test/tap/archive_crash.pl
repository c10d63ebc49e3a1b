# The server is killed with SIGKILL, one backend or the postmaster with all its children, while sessions delete and bring back rows of
# tables of both strategies at random, one changes the strategy of tables, at once and in batches, and one purges partitions of an archive. After recovery
# each row is in exactly one place, live or deleted, no live row is below another that is not, registrations are whole, and what
# was deleted can be brought back. SOFTDELETE_SEED and SOFTDELETE_ROUNDS choose another run.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Crashes;
use IPC::Run;
use Test::More;
use Time::HiRes qw(usleep);

my $seed = $ENV{SOFTDELETE_SEED} || time;
my $rounds = $ENV{SOFTDELETE_ROUNDS} || 4;
note "SOFTDELETE_SEED=$seed SOFTDELETE_ROUNDS=$rounds";
srand($seed);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
restart_after_crash = on
deadlock_timeout = 20ms
max_wal_size = 64MB
log_statement = none
CONF
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION softdelete;
CREATE TABLE tops (id int PRIMARY KEY);
CREATE TABLE mids (id int PRIMARY KEY, top int REFERENCES tops ON DELETE CASCADE, up int REFERENCES mids ON DELETE CASCADE);
CREATE TABLE leaves (id int PRIMARY KEY, mid int REFERENCES mids ON DELETE CASCADE, other int REFERENCES mids ON DELETE CASCADE) PARTITION BY HASH (id);
CREATE TABLE leaves_0 PARTITION OF leaves FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE leaves_1 PARTITION OF leaves FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX ON mids (top);
CREATE INDEX ON mids (up);
CREATE INDEX ON leaves (mid);
CREATE INDEX ON leaves (other);
INSERT INTO tops SELECT generate_series(1, 50);
INSERT INTO mids SELECT g, 1 + g % 50, nullif(g / 3, 0) FROM generate_series(1, 200) g;
INSERT INTO leaves SELECT g, 1 + g % 200, CASE WHEN g % 3 = 0 THEN 1 + g % 190 END FROM generate_series(1, 600) g;
CREATE TABLE expiring (id bigint PRIMARY KEY);
INSERT INTO expiring SELECT generate_series(1, 50);
CREATE SEQUENCE expired START 1000;
CREATE TABLE added (young bigint[]);
SELECT softdelete.register('tops'), softdelete.register('mids', strategy => 'archive'), softdelete.register('leaves', strategy => 'archive'),
    softdelete.register('expiring', retention => '1 year');

CREATE FUNCTION act(what int, x int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CASE what
        WHEN 0 THEN DELETE FROM tops WHERE id = 1 + x % 50;
        WHEN 1 THEN DELETE FROM mids WHERE id = 1 + x % 200;
        WHEN 2 THEN DELETE FROM leaves WHERE id % 40 = x % 40;
        WHEN 3 THEN PERFORM softdelete.restore('tops', 1 + x % 50);
        WHEN 4 THEN PERFORM softdelete.restore('mids', 1 + x % 200);
        WHEN 5 THEN PERFORM softdelete.restore('leaves', id) FROM deleted_leaves ORDER BY (id * 7 + x) % 97 LIMIT 3;
        ELSE PERFORM softdelete.undo(d.deletion_id) FROM (SELECT deletion_id FROM deleted_mids ORDER BY (id * 7 + x) % 97 LIMIT 1) d;
    END CASE;
EXCEPTION
    WHEN foreign_key_violation OR unique_violation OR no_data_found OR deadlock_detected OR undefined_table OR object_not_in_prerequisite_state
        OR undefined_column OR undefined_object THEN NULL; -- the strategy changes meanwhile
END $$;
SQL
my $acts = $node->basedir . '/acts.sql';
append_to_file($acts, "\\set what random(0, 6)\n\\set x random(1, 1000000)\nSELECT act(:what, :x);\n");
my $changes = $node->basedir . '/changes.sql';
append_to_file($changes, <<'SQL' x 300);
SELECT count(*) FROM softdelete.configure('tops', strategy => 'archive');
SELECT count(*) FROM softdelete.configure('tops', strategy => 'flag');
CALL softdelete.change_strategy('tops', 'archive', 2, '30 ms');
CALL softdelete.change_strategy('tops', 'archive', 2);
CALL softdelete.change_strategy('tops', 'flag', 2, '30 ms');
CALL softdelete.change_strategy('tops', 'flag', 2);
SQL
my $purges = $node->basedir . '/purges.sql';
append_to_file($purges, <<'SQL' x 300);
WITH i AS (INSERT INTO expiring (id, deleted_at) SELECT nextval('expired'), now() - make_interval(days => 300 + g * 20) FROM generate_series(1, 40) g
    RETURNING id, deleted_at)
INSERT INTO added SELECT array_agg(id) FROM i WHERE deleted_at > now() - interval '363 days';
SELECT count(*) FROM softdelete.configure('expiring', strategy => 'archive');
CALL softdelete.purge('expiring', batch_size => 3);
SELECT count(*) FROM softdelete.configure('expiring', strategy => 'flag');
SQL

my $wrong = join ' UNION ALL ', (map { my ($table, $rows) = @$_;
	"SELECT '$table: ' || count(*) || ' rows, ' || count(DISTINCT id) FROM all_$table WHERE id < 1000 HAVING count(*) <> $rows OR count(DISTINCT id) <> $rows" }
	[ 'tops', 50 ], [ 'mids', 200 ], [ 'leaves', 600 ], [ 'expiring', 50 ]),
	"SELECT 'live below deleted' FROM active_mids m WHERE top NOT IN (SELECT id FROM active_tops) OR up NOT IN (SELECT id FROM active_mids)",
	"SELECT 'live below deleted' FROM active_leaves l WHERE mid NOT IN (SELECT id FROM active_mids) OR other NOT IN (SELECT id FROM active_mids)",
	"SELECT 'registrations: ' || count(*) FROM softdelete.tables HAVING count(*) <> 4 OR count(DISTINCT relation) <> 4",
	"SELECT 'archive without table: ' || relname FROM pg_class WHERE relname IN ('tops_archive', 'expiring_archive') AND oid NOT IN (SELECT archive FROM softdelete_internal.archive)";

for my $round (1 .. $rounds)
{
	my @clients = (
		IPC::Run::start([ 'pgbench', '-n', '-c', 3, '-j', 1, '-T', 60, '--random-seed', $seed + $round, '-h', $node->host, '-p', $node->port,
			'-f', $acts, 'postgres' ], '<', \undef, '>', \my $bench, '2>', \my $bench_errors),
		map { IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-f', $_ ], '<', \undef, '>', \my $out, '2>', \my $errors) }
			$changes, $purges);
	usleep(500_000 + rand(3_000_000));
	my $how = rand() < 0.5 ? 'one' : 'all';
	if ($how eq 'one')
	{
		my @backends = split /\n/, $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity
			WHERE backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()});
		@backends ? kill(9, $backends[ rand @backends ]) : note('nobody was active');
		Crashes::wait_for_restart($node);
	}
	else
	{
		Crashes::cut_power($node);
	}
	$_->kill_kill(grace => 0) for @clients;

	my $when = "round $round, killed $how: ";
	# The log has the INSERTs that were committed: three rows of each are within their retention.
	is($node->safe_psql('postgres', "SELECT count(*) FROM added a, LATERAL unnest(a.young) y (id) WHERE NOT EXISTS (SELECT FROM all_expiring e WHERE e.id = y.id)"), '0',
		"${when}rows within their retention are there");
	is($node->safe_psql('postgres', $wrong), '', "${when}each row is in one place");
	is($node->safe_psql('postgres', 'SELECT t.relation, s.object FROM softdelete.tables t, LATERAL softdelete.repair(t.relation) s'), '',
		"${when}there is nothing to repair");
	is($node->safe_psql('postgres', "SELECT code, message FROM softdelete.check() WHERE severity = 'error'"), '', "${when}check() finds nothing broken");
}
note 'strategies: ' . $node->safe_psql('postgres', 'SELECT relation, strategy FROM softdelete.tables ORDER BY 1') =~ s/\n/, /gr;
note 'purged rows: ' . $node->safe_psql('postgres', "SELECT coalesce(sum(removed), 0) FROM softdelete.purge_log");

# All that is deleted comes back, the newest deletions first.
$node->safe_psql('postgres', <<'SQL');
SET client_min_messages = error;
DO $$ DECLARE d record; BEGIN
    FOR i IN 1 .. 10 LOOP
        PERFORM softdelete.restore('tops', id) FROM deleted_tops;
        FOR d IN SELECT id FROM deleted_mids ORDER BY id LOOP
            BEGIN PERFORM softdelete.restore('mids', d.id); EXCEPTION WHEN foreign_key_violation THEN NULL; END;
        END LOOP;
        FOR d IN SELECT id FROM deleted_leaves LOOP
            BEGIN PERFORM softdelete.restore('leaves', d.id); EXCEPTION WHEN foreign_key_violation THEN NULL; END;
        END LOOP;
    END LOOP;
END $$;
SQL
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM active_tops), (SELECT count(*) FROM active_mids), (SELECT count(*) FROM active_leaves)'),
	'50|200|600', 'everything comes back');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|could not open relation|cache lookup|XX000/, 'the server is well otherwise');
done_testing();
