# A subscriber's holds against what the publisher removes from tables with an archive: rows on hold stay, live or archived, whether the
# subscription brings the archive or the subscriber fills its own, and nothing comes twice.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($publisher, $subscriber) = map { PostgreSQL::Test::Cluster->new($_) } qw(publisher subscriber);
foreach my $node ($publisher, $subscriber)
{
	$node->init(allows_streaming => 'logical');
	$node->append_conf('postgresql.conf', "wal_retrieve_retry_interval = 100ms\nautovacuum = off\nmax_prepared_transactions = 5");
	$node->start;
	$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION softdelete;
CREATE ROLE keeper LOGIN;
GRANT CREATE ON SCHEMA public TO keeper;
SET ROLE keeper;
CREATE TABLE cases (id int PRIMARY KEY, name text);
CREATE TABLE papers (id int PRIMARY KEY, case_id int REFERENCES cases ON DELETE CASCADE);
CREATE INDEX ON papers (case_id);
CREATE TABLE "Own's" (id int, part int, note text, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE owns_1 PARTITION OF "Own's" FOR VALUES IN (1);
CREATE TABLE boxes (id int PRIMARY KEY);
CREATE TABLE pieces (box int REFERENCES boxes ON DELETE CASCADE, "No, te" text, size numeric);
CREATE INDEX ON pieces (box);
ALTER TABLE pieces REPLICA IDENTITY FULL;
SELECT count(*) FROM softdelete.register('boxes', strategy => 'archive', cascade => true);
SELECT count(*) FROM softdelete.register('cases', strategy => 'archive', cascade => true);
SELECT count(*) FROM softdelete.register('"Own''s"', strategy => 'archive');
SQL
}

sub as_keeper
{
	my ($node, $sql) = @_;
	return $node->safe_psql('postgres', $sql, extra_params => [ '-U', 'keeper' ]);
}

as_keeper($publisher, <<'SQL');
INSERT INTO cases SELECT g, 'case ' || g FROM generate_series(1, 9) g;
INSERT INTO papers SELECT g, g FROM generate_series(1, 9) g;
INSERT INTO "Own's" SELECT g, 1, 'note' FROM generate_series(1, 4) g;
SQL
# Of cases and papers the archives come along, of the others the table alone.
$publisher->safe_psql('postgres', q{CREATE PUBLICATION p FOR TABLE cases, papers, cases_archive, papers_archive, "Own's", boxes, pieces, boxes_archive, pieces_archive WITH (publish_via_partition_root = true)});
$subscriber->safe_psql('postgres', sprintf q{CREATE SUBSCRIPTION s CONNECTION '%s' PUBLICATION p}, $publisher->connstr('postgres') =~ s/'/''/gr);
$subscriber->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')");

sub arrive
{
	my ($sql) = @_;
	$publisher->safe_psql('postgres', $sql);
	$publisher->wait_for_catchup('s', 'replay', $publisher->lsn('write'));
}

sub rows_of
{
	my ($node, $table) = @_;
	return as_keeper($node, qq{SELECT string_agg(id || CASE WHEN deleted_at IS NULL THEN '' ELSE 'a' END, ' ' ORDER BY id, deleted_at) FROM $table});
}

my $place = -s $subscriber->logfile;

sub log_since
{
	my $text = slurp_file($subscriber->logfile, $place);
	$place = -s $subscriber->logfile;
	return $text;
}

# What is deleted comes to the archive once, held or not.
as_keeper($subscriber, "SELECT softdelete.hold('cases', 'law suit', 1), softdelete.hold('cases', 'law suit', 2), softdelete.hold('papers', 'law suit', 3)");
arrive('DELETE FROM cases WHERE id IN (1, 3, 4)');
is(rows_of($subscriber, 'all_cases'), '1a 2 3a 4a 5 6 7 8 9', 'each row is there once');
is(rows_of($subscriber, 'all_papers'), '1a 2 3a 4a 5 6 7 8 9', '... of what the cascade took as well');
unlike(log_since(), qr/are kept/, 'nothing had to be kept');

# Live rows that are removed for good, by a hard DELETE and by erasure: those on hold, and below such, go to the archive here.
arrive("SET softdelete.deletion = 'hard'; DELETE FROM cases WHERE id IN (2, 5)");
is(rows_of($publisher, 'all_cases'), '1a 3a 4a 6 7 8 9', 'the publisher has removed them');
is(rows_of($subscriber, 'all_cases'), '1a 2a 3a 4a 6 7 8 9', 'the one on hold is kept');
is(rows_of($subscriber, 'all_papers'), '1a 2a 3a 4a 6 7 8 9', '... with what is below it');
my $log = log_since();
is(() = $log =~ /WARNING: .*rows of table "cases" that the publisher removed are kept in its archive/g, 1, 'the log says so');
unlike($log, qr/ERROR/, 'replication goes on');
as_keeper($subscriber, "SELECT softdelete.hold('cases', 'law suit', 6)");
arrive("SELECT softdelete.erase('cases', 'request', 6), softdelete.erase('cases', 'request', 7)");
is(rows_of($subscriber, 'all_cases'), '1a 2a 3a 4a 6a 8 9', 'erasure: the same');

# Archived rows that are erased.
arrive("SELECT softdelete.erase('cases', 'request', 1), softdelete.erase('cases', 'request', 4), softdelete.erase('cases', 'request', 3)");
is(rows_of($publisher, 'all_cases'), '8 9', 'the publisher has erased them');
is(rows_of($subscriber, 'all_cases'), '1a 2a 3a 6a 8 9', 'archived rows on hold are kept, and those above such');
is(rows_of($subscriber, 'all_papers'), '1a 2a 3a 6a 8 9', '... and those below');
like(log_since(), qr/WARNING: .*rows of table "(cases|papers)" that the publisher removed are kept in its archive.*A hold protects them/s, 'the log says so');

# A row that comes back on the publisher comes back here.
arrive('DELETE FROM cases WHERE id = 8');
arrive("SELECT softdelete.restore('cases', 8)");
is(rows_of($subscriber, 'all_cases'), '1a 2a 3a 6a 8 9', 'a restore arrives');

# Savepoints and prepared transactions of the publisher's.
as_keeper($subscriber, "SELECT softdelete.hold('cases', 'law suit', 9)");
arrive("BEGIN; SET LOCAL softdelete.deletion = 'hard'; SAVEPOINT a; DELETE FROM cases WHERE id = 9; ROLLBACK TO a; DELETE FROM cases WHERE id = 8; COMMIT");
is(rows_of($subscriber, 'all_cases'), '1a 2a 3a 6a 9', 'a savepoint that is rolled back took nothing');
arrive("BEGIN; SET LOCAL softdelete.deletion = 'hard'; SAVEPOINT a; DELETE FROM cases WHERE id = 9; RELEASE a; PREPARE TRANSACTION 'x'");
arrive("COMMIT PREPARED 'x'");
is(rows_of($subscriber, 'all_cases'), '1a 2a 3a 6a 9a', 'a prepared one is as any other');

# The table alone: the subscriber archives what is deleted, for whatever reason.
as_keeper($subscriber, q{SELECT softdelete.hold('"Own''s"', 'law suit', 1, 1), softdelete.hold('"Own''s"', 'law suit', 2, 1)});
arrive(q{DELETE FROM "Own's" WHERE id = 1});
arrive(q{SET softdelete.deletion = 'hard'; DELETE FROM "Own's" WHERE id = 2});
arrive(q{SELECT softdelete.erase('"Own''s"', 'request', 1, 1)});
is(rows_of($subscriber, q{"all_Own's"}), '1a 2a 3 4', 'a table whose archive is the own one');

# Rows without a key below such as are on hold, some of which are alike: each is kept once.
as_keeper($publisher, q{INSERT INTO boxes VALUES (1), (2), (3), (4); INSERT INTO pieces SELECT b, n, s FROM generate_series(1, 4) b, (VALUES ('a', 1.0), ('a', 1.0), (NULL, NULL)) n (n, s)});
arrive('SELECT 1');
as_keeper($subscriber, "SELECT softdelete.hold('boxes', 'law suit', b) FROM generate_series(1, 3) b");
$place = -s $subscriber->logfile;
arrive('DELETE FROM pieces WHERE box = 1');
arrive("SET softdelete.deletion = 'hard'; DELETE FROM pieces WHERE box IN (2, 4)");
arrive("SET softdelete.deletion = 'hard'; DELETE FROM boxes WHERE id = 3");
is(as_keeper($subscriber, q{SELECT box, count(*), count("No, te") FROM all_pieces WHERE deleted_at IS NOT NULL GROUP BY box ORDER BY box}), "1|3|2\n2|3|2\n3|3|2",
	'rows without a key: those on hold are kept, each once');
is(rows_of($subscriber, 'all_boxes'), '1 2 3a 4', '... and what they are below');
$log = log_since();
unlike($log, qr/ERROR/, 'replication goes on');
like($log, qr/WARNING: .*rows of table "pieces" that the publisher removed are kept in its archive/, 'the log says so');

# When the holds have ended, the rows go here.
as_keeper($subscriber, 'SELECT softdelete.release(id) FROM softdelete.holds WHERE released_at IS NULL');
as_keeper($subscriber, "SELECT softdelete.erase('cases', 'request', k) FROM unnest('{1,2,3,6,9}'::int[]) k");
is(rows_of($subscriber, 'all_cases'), '', 'what was kept can be erased');

$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION s');
$subscriber->stop;
$publisher->stop;
done_testing();
