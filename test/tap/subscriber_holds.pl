# A subscriber's holds and retention against what the publisher removes: rows that are on hold, or that are deleted and
# within the subscriber's own retention, stay, and the server's log says so. TRUNCATE of such a table stops.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($publisher, $subscriber) = map { PostgreSQL::Test::Cluster->new($_) } qw(publisher subscriber);
foreach my $node ($publisher, $subscriber)
{
	$node->init(allows_streaming => 'logical');
	$node->append_conf('postgresql.conf', "wal_retrieve_retry_interval = 100ms\nautovacuum = off");
	$node->start;
	$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION softdelete;
CREATE ROLE keeper LOGIN;
GRANT CREATE ON SCHEMA public TO keeper;
SET ROLE keeper;
CREATE TABLE cases (id int PRIMARY KEY, name text);
CREATE TABLE papers (id int PRIMARY KEY, case_id int REFERENCES cases ON DELETE CASCADE);
CREATE INDEX ON papers (case_id);
CREATE TABLE bills (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE bills_1 PARTITION OF bills FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
SQL
}

sub as_keeper
{
	my ($node, $sql) = @_;
	return $node->safe_psql('postgres', $sql, extra_params => [ '-U', 'keeper' ]);
}

as_keeper($publisher, "SELECT count(*) FROM softdelete.register('cases', cascade => true)");
as_keeper($publisher, "SELECT count(*) FROM softdelete.register('bills')");
as_keeper($subscriber, "SELECT count(*) FROM softdelete.register('cases', cascade => true)");
as_keeper($subscriber, "SELECT count(*) FROM softdelete.register('bills', retention => '1 year')");
as_keeper($publisher, <<'SQL');
INSERT INTO cases SELECT g, 'case ' || g FROM generate_series(1, 5) g;
INSERT INTO papers SELECT g, g FROM generate_series(1, 5) g;
INSERT INTO bills SELECT g, '2026-02-01' FROM generate_series(1, 5) g;
SQL
$publisher->safe_psql('postgres', 'CREATE PUBLICATION everything FOR TABLES IN SCHEMA public');
$subscriber->safe_psql('postgres', sprintf q{CREATE SUBSCRIPTION s CONNECTION '%s' PUBLICATION everything}, $publisher->connstr('postgres') =~ s/'/''/gr);
$subscriber->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')");

sub arrive
{
	my ($sql) = @_;
	$publisher->safe_psql('postgres', $sql);
	$publisher->wait_for_catchup('s', 'replay', $publisher->lsn('write'));
}

my $rows = "SELECT 'case', id FROM all_cases UNION ALL SELECT 'paper', id FROM all_papers UNION ALL SELECT 'bill', id FROM all_bills ORDER BY 1, 2";
my $place = -s $subscriber->logfile;

sub log_since
{
	my $text = slurp_file($subscriber->logfile, $place);
	$place = -s $subscriber->logfile;
	return $text;
}

# A hold on a live row, and on a deleted one: they stay with all below them, whatever way the publisher removes them.
as_keeper($subscriber, "SELECT softdelete.hold('cases', 'law suit', 1)");
arrive('DELETE FROM cases WHERE id IN (2, 3)');
as_keeper($subscriber, "SELECT softdelete.hold('cases', 'law suit', 2)");
arrive("SET softdelete.deletion = 'hard'; DELETE FROM cases WHERE id IN (1, 4)");
arrive('DELETE FROM papers WHERE deleted_at IS NOT NULL; DELETE FROM cases WHERE deleted_at IS NOT NULL');
is(as_keeper($publisher, 'SELECT id FROM all_cases'), '5', 'the publisher has removed them');
is(as_keeper($subscriber, "SELECT 'case', id FROM all_cases UNION ALL SELECT 'paper', id FROM all_papers ORDER BY 1, 2"),
	"case|1\ncase|2\ncase|5\npaper|1\npaper|2\npaper|5", 'what is on hold stays, the rest goes');
my $log = log_since();
is(() = $log =~ /WARNING: .*rows of table "cases" that the publisher removed are kept/g, 2, 'the log says so, once per transaction');
like($log, qr/DETAIL: .*A hold protects them\./, '... and why');
unlike($log, qr/ERROR/, 'replication goes on');
arrive("INSERT INTO cases VALUES (6, 'six')");
is(as_keeper($subscriber, 'SELECT id FROM cases ORDER BY id'), "1\n5\n6", '... as it shows');

# A retention of the subscriber's own. Rows that it has passed go.
arrive('DELETE FROM bills WHERE id IN (1, 2)');
as_keeper($subscriber, "UPDATE all_bills SET deleted_at = now() - interval '2 years' WHERE id = 2");
arrive('DELETE FROM bills WHERE deleted_at IS NOT NULL');
is(as_keeper($subscriber, 'SELECT id FROM all_bills ORDER BY id'), "1\n3\n4\n5", 'a deleted row stays for the retention here');
like(log_since(), qr/WARNING: .*rows of table "bills_1" that the publisher removed are kept.*?Their retention here has not passed\./s, '... which the log says');

# TRUNCATE cannot leave rows out.
$publisher->safe_psql('postgres', "SET softdelete.deletion = 'hard'; TRUNCATE bills");
ok($subscriber->wait_for_log(qr/ERROR: .*cannot truncate table "bills_1" as the publisher did/, $place), 'TRUNCATE stops with an error that says why');
is(as_keeper($subscriber, 'SELECT count(*) FROM all_bills'), '4', '... and nothing is gone');
as_keeper($subscriber, "SELECT count(*) FROM softdelete.configure('bills', keep_forever => true)");
$publisher->wait_for_catchup('s', 'replay', $publisher->lsn('write'));
is(as_keeper($subscriber, 'SELECT count(*) FROM all_bills'), '0', 'and goes on when nothing stands in its way');
$publisher->safe_psql('postgres', "SET softdelete.deletion = 'hard'; TRUNCATE cases CASCADE");
ok($subscriber->wait_for_log(qr/ERROR: .*cannot truncate table "(cases|papers)" because rows of it are on hold/, $place),
	'a hold stops it as well');
as_keeper($subscriber, 'SELECT softdelete.release(id) FROM softdelete.holds WHERE released_at IS NULL');
$publisher->wait_for_catchup('s', 'replay', $publisher->lsn('write'));
is(as_keeper($subscriber, $rows), '', 'until it is released');

$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION s');
$subscriber->stop;
$publisher->stop;
done_testing();
