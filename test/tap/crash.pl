# The server is killed with SIGKILL at random points of deletes, cascades, restores, registrations and migrations: one
# backend, after which it restarts by itself, or the postmaster with all its children. After recovery the rows are
# consistent, each registration is whole or absent, and ids go on. SOFTDELETE_SEED and SOFTDELETE_ROUNDS choose another
# run.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Crashes;
use Family;
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
checkpoint_timeout = 30s
max_wal_size = 64MB
CONF
$node->start;
Family::create($node);
my @scripts = Family::scripts($node);

# Two tables that are registered, changed and unregistered all the time.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE m1 (id int PRIMARY KEY, email text UNIQUE, code int UNIQUE DEFERRABLE);
CREATE TABLE m2 (id int PRIMARY KEY, m1 int REFERENCES m1 ON DELETE CASCADE);
CREATE INDEX ON m2 (m1);
SQL
my $migrations = $node->basedir . '/migrations.sql';
PostgreSQL::Test::Utils::append_to_file($migrations, <<'SQL' x 400);
SELECT count(*) FROM softdelete.register('m1', cascade => true, retention => '1 day');
INSERT INTO m1 (id, email) SELECT g, 'm ' || g FROM generate_series(1, 20) g ON CONFLICT DO NOTHING;
INSERT INTO m2 SELECT g, g % 20 + 1 FROM generate_series(1, 60) g ON CONFLICT DO NOTHING;
ALTER TABLE m1 ADD COLUMN extra int UNIQUE, ADD COLUMN more text;
DELETE FROM m1 WHERE id < 10;
CREATE INDEX m2_more ON m2 (m1, id);
SELECT softdelete.restore('m1', 1);
ALTER TABLE m1 RENAME more TO less;
SELECT softdelete.undo(max(id)) FROM softdelete_internal.deletion WHERE relation = 'm1'::regclass;
SELECT count(*) FROM softdelete.configure('m2', visibility => 'view');
ALTER TABLE m1 DROP COLUMN extra, DROP COLUMN less;
DROP INDEX m2_more;
SELECT count(*) FROM softdelete.configure('m1', keep_forever => true);
SELECT count(*) FROM softdelete.unregister('m2', 'purge');
SELECT count(*) FROM softdelete.unregister('m1', 'purge');
SQL

# All that makes a registration; a table has every part of it or none.
my $halves = <<'SQL';
WITH part AS (
    SELECT c.relname, c.oid, EXISTS (SELECT FROM softdelete_internal.registration r WHERE r.relation = c.oid) AS registered,
        ARRAY(SELECT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = n AND t.tgenabled = 'A')
              FROM unnest('{softdelete_marker,softdelete_truncate,softdelete_update}'::name[]) n)
        || ARRAY(SELECT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = n AND NOT a.attisdropped)
              FROM unnest('{deleted_at,deleted_by,deletion_id}'::name[]) n)
        || ARRAY(SELECT to_regclass(n || '_' || c.relname) IS NOT NULL FROM unnest('{active,deleted,all}'::text[]) n)
        || ARRAY(SELECT i.indpred IS NOT NULL FROM pg_index i WHERE c.relname = 'm1' AND i.indexrelid = to_regclass('m1_email_key'))
        || ARRAY(SELECT k.contype = 'x' FROM pg_constraint k WHERE k.conrelid = c.oid AND k.conname = 'm1_code_key')
        || CASE WHEN c.relname = 'm1' THEN ARRAY(SELECT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = n)
              FROM unnest('{softdelete_lock,softdelete_collect}'::name[]) n) ELSE '{}' END AS parts
    FROM pg_class c WHERE c.oid IN ('m1'::regclass, 'm2'::regclass))
SELECT relname, registered, parts FROM part WHERE (NOT registered) = ANY (parts)
UNION ALL SELECT 'index of ' || relation, NULL, NULL FROM softdelete_internal.converted_index i
    WHERE NOT EXISTS (SELECT FROM softdelete_internal.registration r WHERE r.relation = coalesce(pg_partition_root(i.relation), i.relation))
UNION ALL SELECT 'view of ' || p.relname, NULL, NULL FROM part p JOIN pg_class v ON v.relname = 'all_' || p.relname
    WHERE registered AND ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = v.oid AND attnum > 0 ORDER BY 1)
        <> ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = p.oid AND attnum > 0 AND NOT attisdropped ORDER BY 1)
SQL

sub client_backends
{
	return split /\n/, $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity
		WHERE backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid() ORDER BY pid});
}

sub kill_one
{
	my @backends = client_backends();
	@backends ? kill(9, $backends[ rand @backends ]) : note('nobody was active');
	Crashes::wait_for_restart($node);
}

my ($registered, $absent) = (0, 0);
for my $round (1 .. $rounds)
{
	my @clients = (
		IPC::Run::start([ 'pgbench', '-n', '-c', 4, '-j', 1, '-T', 60, '--max-tries', 1, '--random-seed', $seed + $round,
			'-h', $node->host, '-p', $node->port, @scripts, 'postgres' ], '<', \undef, '>', \my $bench, '2>', \my $bench_errors),
		IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-f', $migrations ], '<', \undef,
			'>', \my $out, '2>', \my $errors));
	usleep(200_000 + rand(1_800_000));
	my $how = rand() < 0.5 ? 'one' : 'all';
	$how eq 'one' ? kill_one() : Crashes::cut_power($node);
	$_->kill_kill(grace => 0) for @clients;

	my $when = "round $round, killed $how: ";
	Family::check($node, $when);
	is($node->safe_psql('postgres', $halves), '', "${when}registrations are whole or absent");
	is($node->safe_psql('postgres', 'SELECT s.* FROM softdelete_internal.registration r, LATERAL softdelete.repair(r.relation) s'), '',
		"${when}there is nothing to repair");
	is($node->safe_psql('postgres', "SELECT nextval('softdelete_internal.deletion_id_seq') > coalesce(max(id), 0) FROM softdelete_internal.deletion"), 't',
		"${when}ids go on");
	$node->safe_psql('postgres', "SELECT EXISTS (SELECT FROM softdelete_internal.registration WHERE relation = 'm1'::regclass)") eq 't'
	  ? $registered++ : $absent++;
}
note "m1 was found registered $registered times, unregistered $absent times";
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|could not open relation|cache lookup|XX000/, 'the server is well otherwise');
done_testing();
