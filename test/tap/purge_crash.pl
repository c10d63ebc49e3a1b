# A purge is cut off at random moments: the server is killed with all its processes, the backend is killed, cancelled,
# terminated, timed out, its client dies, the server is restarted. Whatever the moment: a row is there as it was, or it
# was due, kept by nothing, and is gone; the log says of each table how many went and that the run was interrupted; the
# next run takes the rest. SOFTDELETE_SEED and SOFTDELETE_ROUNDS choose another run, SOFTDELETE_HOW one of the ways.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Crashes;
use IPC::Run;
use Test::More;
use Time::HiRes qw(time usleep);

my @ways = $ENV{SOFTDELETE_HOW} || ('power', 'backend', 'cancel', 'terminate', 'timeout', 'client', 'restart', 'immediate');
my $seed = $ENV{SOFTDELETE_SEED} || int time;
my $rounds = $ENV{SOFTDELETE_ROUNDS} || @ways;
note "SOFTDELETE_SEED=$seed SOFTDELETE_ROUNDS=$rounds";
srand($seed);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
restart_after_crash = on
client_connection_check_interval = 20ms
CONF
$node->start;

# Customers with orders, their lines in a table that is not registered and goes with them, trees in one table, guests
# who are anonymized, and clicks in an archive, of which partitions are dropped or emptied around rows on hold.
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION softdelete;
CREATE ROLE shop LOGIN;
GRANT CREATE ON SCHEMA public TO shop;
SET ROLE shop;
CREATE TABLE customers (id int PRIMARY KEY);
CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE);
CREATE INDEX ON orders (customer);
CREATE TABLE lines (id int PRIMARY KEY, "order" int REFERENCES orders ON DELETE CASCADE);
CREATE INDEX ON lines ("order");
CREATE TABLE nodes (id int PRIMARY KEY, parent int REFERENCES nodes ON DELETE CASCADE);
CREATE INDEX ON nodes (parent);
CREATE TABLE guests (id int PRIMARY KEY, name text);
CREATE TABLE clicks (id int PRIMARY KEY);
SELECT count(*) FROM softdelete.register('clicks', strategy => 'archive', retention => '30 days');
SELECT count(*) FROM softdelete.register('customers', retention => '30 days', visibility => 'view');
SELECT count(*) FROM softdelete.register('orders', retention => '30 days', visibility => 'view');
SELECT count(*) FROM softdelete.register('nodes', retention => '30 days', visibility => 'view');
SELECT count(*) FROM softdelete.register('guests', retention => '30 days', visibility => 'view');
SELECT softdelete.set_anonymizer('guests', 'name', $$'anonymous'$$);
SELECT count(*) FROM softdelete.configure('guests', on_expiry => 'anonymize');
CREATE VIEW all_rows AS
    SELECT 'customers' AS name, id FROM customers UNION ALL SELECT 'orders', id FROM orders
    UNION ALL SELECT 'lines', id FROM lines UNION ALL SELECT 'nodes', id FROM nodes
    UNION ALL SELECT 'guests', id FROM guests WHERE name IS DISTINCT FROM 'anonymous'
    UNION ALL SELECT 'clicks', id FROM all_clicks;
CREATE TABLE before (name text, id int, may_go boolean, PRIMARY KEY (name, id));
-- What happened to rows that it should not have happened to, or to half of what belongs together.
CREATE VIEW wrong AS
    SELECT 'removed too early' AS what, b.name, b.id FROM before b
    WHERE NOT may_go AND NOT EXISTS (SELECT FROM all_rows a WHERE a.name = b.name AND a.id = b.id)
    UNION ALL SELECT 'twice', name, id FROM all_rows GROUP BY name, id HAVING count(*) > 1
    UNION ALL SELECT 'came from nowhere', a.name, a.id FROM all_rows a
    WHERE NOT EXISTS (SELECT FROM before b WHERE a.name = b.name AND a.id = b.id)
    UNION ALL SELECT 'without its parent', 'orders', id FROM orders WHERE customer NOT IN (SELECT id FROM customers)
    UNION ALL SELECT 'without its parent', 'lines', id FROM lines WHERE "order" NOT IN (SELECT id FROM orders)
    UNION ALL SELECT 'without its parent', 'nodes', id FROM nodes WHERE parent NOT IN (SELECT id FROM nodes)
    UNION ALL SELECT 'removed instead of overwritten', 'guests', id FROM before b
    WHERE b.name = 'guests' AND id NOT IN (SELECT id FROM guests);
SQL

# The log takes as long as the removal, so that runs are cut off between the two.
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.003); RETURN new; END $$;
CREATE TRIGGER take_time BEFORE UPDATE ON softdelete_internal.purge_run FOR EACH ROW EXECUTE FUNCTION take_time();
SQL

# Two partitions of the archive are past, in the third the retention ends.
my @days = split /\n/, $node->safe_psql('postgres', 'SELECT CURRENT_DATE - d FROM unnest(ARRAY[60, 45, 35, 10]) d');
my $partitions = join '', map { "CREATE TABLE IF NOT EXISTS clicks_$_ PARTITION OF clicks_archive FOR VALUES FROM ('$days[$_]') TO ('$days[$_ + 1]');
ALTER TABLE clicks_$_ OWNER TO shop;\n" } 0 .. 2;

# Due rows, young ones and live ones; some are on hold, some are kept by what references them.
my $fill = <<'SQL';
SET softdelete.deletion = hard;
SELECT count(softdelete.release(id)) FROM softdelete.holds WHERE released_at IS NULL;
TRUNCATE customers, orders, lines, nodes, guests, before;
CREATE OR REPLACE FUNCTION pg_temp.age(days int) RETURNS timestamptz LANGUAGE sql AS 'SELECT now() - make_interval(days => days)';
INSERT INTO customers (id, deleted_at) SELECT g, CASE WHEN g % 10 = 0 THEN NULL WHEN g % 11 = 0 THEN pg_temp.age(20) ELSE pg_temp.age(40) END
    FROM generate_series(1, 300) g;
INSERT INTO orders (id, customer, deleted_at)
    SELECT g, c.id, CASE WHEN c.id % 10 = 0 AND g % 2 = 0 THEN NULL WHEN g % 37 = 0 THEN pg_temp.age(20) ELSE pg_temp.age(40) END
    FROM generate_series(1, 600) g JOIN customers c ON c.id = (g - 1) % 300 + 1;
SET session_replication_role = replica; -- lines of deleted orders
INSERT INTO lines SELECT id, id FROM orders;
SET row_security = off;
TRUNCATE clicks_archive;
PARTITIONS
INSERT INTO clicks_archive (id, deleted_at) SELECT g, pg_temp.age(CASE WHEN g % 3 = 0 THEN 50 WHEN g % 3 = 1 THEN 40 WHEN g % 2 = 0 THEN 20 ELSE 32 END)
    FROM generate_series(1, 300) g;
RESET row_security;
RESET session_replication_role;
INSERT INTO nodes (id, parent, deleted_at) SELECT g, CASE WHEN g % 15 = 0 THEN NULL ELSE g - g % 15 + (g % 15 - 1) / 2 END,
    CASE WHEN g / 15 = 7 THEN NULL WHEN g IN (44, 164) THEN pg_temp.age(20) ELSE pg_temp.age(40) END FROM generate_series(0, 374) g;
INSERT INTO guests (id, name, deleted_at) SELECT g, 'guest ' || g, pg_temp.age(CASE WHEN g % 5 = 0 THEN 20 ELSE 40 END)
    FROM generate_series(1, 100) g;
SELECT softdelete.hold('customers', 'court', 123), softdelete.hold('orders', 'court', 345), softdelete.hold('nodes', 'court', 62),
    softdelete.hold('guests', 'court', 7), softdelete.hold('clicks', 'court', 9), softdelete.hold('clicks', 'court', 35);
INSERT INTO before
WITH RECURSIVE kept_order AS (
    SELECT id, customer FROM orders WHERE deleted_at > pg_temp.age(30) OR deleted_at IS NULL OR id = 345 OR customer = 123
), kept_customer AS (
    SELECT id FROM customers WHERE deleted_at > pg_temp.age(30) OR deleted_at IS NULL OR id = 123
    UNION SELECT customer FROM kept_order
), below AS (
    SELECT 62 AS id UNION SELECT n.id FROM nodes n JOIN below b ON n.parent = b.id
), kept_node AS (
    SELECT id, parent FROM nodes WHERE deleted_at > pg_temp.age(30) OR deleted_at IS NULL OR id IN (SELECT id FROM below)
    UNION SELECT n.id, n.parent FROM nodes n JOIN kept_node k ON n.id = k.parent
)
SELECT 'customers', id, id NOT IN (SELECT id FROM kept_customer) FROM customers
UNION ALL SELECT 'orders', id, id NOT IN (SELECT id FROM kept_order) FROM orders
UNION ALL SELECT 'lines', id, id NOT IN (SELECT id FROM kept_order) FROM lines
UNION ALL SELECT 'nodes', id, id NOT IN (SELECT id FROM kept_node) FROM nodes
UNION ALL SELECT 'guests', id, deleted_at < pg_temp.age(30) AND id <> 7 FROM guests
UNION ALL SELECT 'clicks', id, deleted_at < pg_temp.age(30) AND id NOT IN (9, 35) FROM clicks_archive;
SELECT count(*) FROM before WHERE may_go;
SQL
$fill =~ s/^PARTITIONS$/$partitions/m;

# What the log since a line says went, and what did; rows of lines go natively and have no line of their own.
my $log = <<'SQL';
SELECT n.name, coalesce(l.went, 0) AS logged, g.gone FROM unnest('{customers,orders,nodes,guests,clicks}'::text[]) n (name)
LEFT JOIN (SELECT relation::text AS name, sum(removed + anonymized) AS went FROM softdelete.purge_log WHERE id > :last GROUP BY 1) l USING (name),
LATERAL (SELECT count(*) AS gone FROM before b WHERE b.name = n.name AND NOT EXISTS
    (SELECT FROM all_rows a WHERE a.name = b.name AND a.id = b.id)) g
WHERE coalesce(l.went, 0) <> g.gone
SQL

sub query { return $node->safe_psql('postgres', $_[0]) }

sub start_purge
{
	my ($timeout) = @_;
	my %run = (out => '', errors => '');
	$run{handle} = IPC::Run::start([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') . ' application_name=purger',
		'-U', 'shop', '-c', "SET client_min_messages = warning; SET statement_timeout = $timeout",
		'-c', "CALL softdelete.purge(batch_size => 20)" ], '<', \undef, '>', \$run{out}, '2>', \$run{errors});
	return \%run;
}

sub wait_for_end
{
	my ($run) = @_;
	return $run->{handle}->finish ? 'done' : 'cut off';
}

my $backend = q{(SELECT pid FROM pg_stat_activity WHERE application_name = 'purger')};
my %cut = (
	power => sub { Crashes::cut_power($node) },
	backend => sub {
		my $pid = query("SELECT coalesce($backend, 0)");
		kill 9, $pid if $pid;
		Crashes::wait_for_restart($node);
	},
	cancel => sub { query("SELECT pg_cancel_backend($backend)") },
	terminate => sub { query("SELECT pg_terminate_backend($backend)") },
	timeout => sub { },
	client => sub {
		$_[0]{handle}->kill_kill(grace => 0);
		$node->poll_query_until('postgres', "SELECT $backend IS NULL") or die 'the backend goes on without its client';
	},
	restart => sub { $node->restart },
	immediate => sub { $node->stop('immediate'); $node->start });

# How long a run takes that nobody disturbs.
my $all = (split /\n/, query($fill))[-1];
my $begin = time;
my $run = start_purge(0);
is(wait_for_end($run), 'done', 'a run that nobody disturbs') or diag $run->{errors};
my $duration = time - $begin;
is(query('SELECT count(*) FROM before b WHERE may_go AND EXISTS (SELECT FROM all_rows a WHERE a.name = b.name AND a.id = b.id)'), 0, 'takes all');
is(query('SELECT * FROM wrong LIMIT 5'), '', 'and nothing else');
note "$all rows in $duration s";

my ($interrupted, $part) = (0, 0);
for my $round (1 .. $rounds)
{
	my $how = $ways[ ($round - 1) % @ways ];
	my $when = "round $round, $how: ";
	query($fill);
	my $last = query('SELECT coalesce(max(id), 0) FROM softdelete.purge_log');
	my $log_since = $log =~ s/:last/$last/r;
	my $pause = (0.05 + rand) * $duration;
	my $run = start_purge($how eq 'timeout' ? int(1000 * $pause) : 0);
	usleep(1_000_000 * $pause);
	$cut{$how}->($run);
	my $end = wait_for_end($run);
	unlike($run->{errors}, qr/PANIC|XX000/, "${when}no other error") or diag $run->{errors};

	is(query('SELECT * FROM wrong LIMIT 5'), '', "${when}only what was due is gone");
	is(query($log_since), '', "${when}the log says how many");
	my $states = query("SELECT string_agg(DISTINCT state, ' ' ORDER BY state) FROM softdelete.purge_log WHERE id > $last");
	$end eq 'done' ? is($states, 'done', "${when}the run came to its end") : like($states, qr/^(done)?\s?(interrupted)?$/, "${when}the log names it");
	is(query("SELECT count(*) FROM softdelete.purge_log WHERE id > $last AND state = 'interrupted' AND finished_at IS NOT NULL"), 0,
		"${when}and gives it no end");
	my $left = query('SELECT count(*) FROM before b WHERE may_go AND EXISTS (SELECT FROM all_rows a WHERE a.name = b.name AND a.id = b.id)');
	$interrupted++ if $states =~ /interrupted/;
	$part++ if $left > 0 && $left < $all;

	my $cut_off = query("SELECT coalesce(max(id), 0) FROM softdelete.purge_log WHERE state = 'interrupted'");
	is(wait_for_end($run = start_purge(0)), 'done', "${when}the next run goes on") or diag $run->{errors};
	is(query('SELECT count(*) FROM before b WHERE may_go AND EXISTS (SELECT FROM all_rows a WHERE a.name = b.name AND a.id = b.id)'), 0,
		"${when}and takes the rest");
	is(query('SELECT * FROM wrong LIMIT 5'), '', "${when}nothing else");
	is(query($log_since), '', "${when}the log adds up");
	is(query("SELECT coalesce(max(id), 0) FROM softdelete.purge_log WHERE state = 'interrupted'"), $cut_off,
		"${when}what was interrupted stays named so");
}
note "$interrupted of $rounds runs were named interrupted, $part had removed a part";
cmp_ok($part, '>', 0, 'runs were cut off in the midst');
cmp_ok($interrupted, '>', 0, 'and named so');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|could not open relation|cache lookup|XX000/, 'the server is well otherwise');
done_testing();
