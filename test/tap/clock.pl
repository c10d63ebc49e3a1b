# Retention under clocks that people change: what was deleted before the clock was set back is not due and not in the way,
# months have the length that the calendar gives them, and the time zone of a session moves nothing. The server's clock is
# libfaketime's, set through a file.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($library) = glob('/usr/lib/*/faketime/libfaketime.so.1');
die 'libfaketime is missing' unless $library;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
timezone = 'UTC'
softdelete.worker_interval = '1s'
});
my $clock = $node->basedir . '/clock';

# From now on it is that time, in UTC.
sub set_clock
{
	my ($time) = @_;
	open(my $file, '>', "$clock.new") or die $!;
	print $file "\@$time\n";
	close($file);
	rename("$clock.new", $clock) or die $!;
}

set_clock('2026-01-31 12:00:00');
{
	local %ENV = (%ENV, TZ => 'UTC', LD_PRELOAD => $library, FAKETIME_TIMESTAMP_FILE => $clock, FAKETIME_NO_CACHE => 1,
		FAKETIME_DONT_FAKE_MONOTONIC => 1, DONT_FAKE_MONOTONIC => 1);
	$node->start;
}

sub query { return $node->safe_psql('postgres', "SET client_min_messages = warning;\n$_[0]") }

# The SQLSTATE of a statement that fails.
sub error_of
{
	my ($status, $out, $errors) = $node->psql('postgres', $_[0]);
	return $errors =~ /ERROR:  (.*)/ ? $1 : 'no error';
}

# Which rows are left after a purge at that time.
sub left_at
{
	my ($time, $table) = @_;
	set_clock($time);
	return query("CALL softdelete.purge('$table'); SELECT string_agg(id::text, ' ' ORDER BY id) FROM all_$table");
}

query(q{
	CREATE EXTENSION softdelete;
	CREATE TABLE notes (id int PRIMARY KEY, note text);
	CREATE TABLE weeks (id int PRIMARY KEY, note text);
	CREATE TABLE local (id int PRIMARY KEY, deleted_at timestamp);
	SELECT softdelete.register('notes', retention => '1 month');
	SELECT softdelete.register('weeks', retention => '7 days');
	SELECT softdelete.register('local', retention => '10 days');
	INSERT INTO notes SELECT generate_series(1, 9);
	INSERT INTO weeks SELECT generate_series(1, 9);
	INSERT INTO local SELECT generate_series(1, 3);
});
like(query('SELECT now()'), qr/^2026-01-31 12:0/, 'the clock can be set');

# A month.
set_clock('2026-01-28 13:00:00');
query('DELETE FROM notes WHERE id = 1');
set_clock('2026-01-31 12:00:00');
query('DELETE FROM notes WHERE id = 2');
is(left_at('2026-02-28 12:30:00', 'notes'), '1 2 3 4 5 6 7 8 9', 'a month after 28 January is not over');
is(left_at('2026-02-28 13:30:00', 'notes'), '2 3 4 5 6 7 8 9', 'now it is');
is(left_at('2026-02-28 23:30:00', 'notes'), '2 3 4 5 6 7 8 9', 'a month after 31 January lasts through February');
is(left_at('2026-03-01 00:10:00', 'notes'), '3 4 5 6 7 8 9', 'and no longer');
set_clock('2028-01-31 12:00:00');
query('DELETE FROM notes WHERE id = 3');
is(left_at('2028-02-29 23:30:00', 'notes'), '3 4 5 6 7 8 9', 'in a leap year too');
is(left_at('2028-03-01 00:10:00', 'notes'), '4 5 6 7 8 9', 'the day after');

# The clock is set back by three hours: rows are deleted in the future.
set_clock('2026-05-10 12:00:00');
query('DELETE FROM weeks WHERE id <= 5');
set_clock('2026-05-10 09:00:00');
is(query("SELECT due FROM softdelete.purge_preview('weeks')"), 0, 'rows that were deleted in the future are not due');
is(left_at('2026-05-10 09:10:00', 'weeks'), '1 2 3 4 5 6 7 8 9', 'nor purged');
like(error_of('DELETE FROM weeks WHERE deleted_at IS NOT NULL'), qr/before their retention has passed/, 'nor removed by hand');
is(query('SELECT count(*) FROM weeks'), 4, 'they are not live');
is(query('SELECT count(*) FROM weeks WHERE deleted_at IS NOT NULL'), 5, 'they are in the recycle bin');
query(q{UPDATE all_weeks SET note = 'changed' WHERE id = 1});
query(q{UPDATE all_weeks SET note = 'saved', deleted_at = (SELECT deleted_at FROM all_weeks WHERE id = 2) WHERE id = 2});
is(query('SELECT note FROM all_weeks WHERE id IN (1, 2) ORDER BY id'), "changed\nsaved", 'they can be updated');
is(query(q{SELECT softdelete.restore('weeks', 3)}), 1, 'and restored');
query('DELETE FROM weeks WHERE id = 3');
is(query('SELECT deleted_at < (SELECT deleted_at FROM all_weeks WHERE id = 4) FROM all_weeks WHERE id = 3'), 't',
	'and deleted again, by the clock as it is');
is(query('SELECT softdelete.undo(deletion_id) FROM all_weeks WHERE id = 4'), 4, 'their deletion can be undone');
query('DELETE FROM weeks WHERE id = 4');
like(error_of(q{UPDATE weeks SET deleted_at = now() + interval '2 days' WHERE id = 5}), qr/must be finite and at most one day ahead/,
	'nobody else deletes further in the future than a day');
set_clock('2026-05-10 12:00:00');
query('DELETE FROM weeks WHERE id = 5');
is(left_at('2026-05-17 09:40:00', 'weeks'), '1 2 5 6 7 8 9', 'each is due by its own time');
is(left_at('2026-05-17 12:30:00', 'weeks'), '1 2 6 7 8 9', 'the later one later');

# It is set back while a transaction is under way: its now() is the time of its deletes. The file is replaced at once, since
# the server cannot read the time from an empty one.
set_clock('2026-06-01 12:00:00');
is(query("BEGIN;
	COPY (SELECT '\@2026-06-01 11:00:00') TO PROGRAM 'cat >\"$clock.new\" && mv \"$clock.new\" \"$clock\"';
	UPDATE weeks SET deleted_at = now() WHERE id = 6; DELETE FROM weeks WHERE id = 7;
	SELECT count(*) FROM all_weeks WHERE deleted_at = now(); COMMIT"), 2,
	'a transaction that began before the clock was set back deletes');

# The background worker does not wait for the time to come back.
set_clock('2026-07-01 12:00:00');
$node->append_conf('postgresql.conf', q{softdelete.worker_databases = 'postgres'});
$node->reload;
ok($node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM all_weeks WHERE id = 6'), 'the worker is at work');
set_clock('2026-06-30 12:00:00');
query(q{DELETE FROM weeks WHERE id = 8; UPDATE all_weeks SET deleted_at = now() - interval '8 days' WHERE id = 8});
ok($node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM all_weeks WHERE id = 8'), 'and still is when the clock was set back');
$node->append_conf('postgresql.conf', q{softdelete.worker_databases = ''});
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'softdelete worker'}),
	'no worker is left');
unlike(slurp_file($node->logfile), qr/FATAL/, 'the launcher found its database, though nobody had connected before it started');

# By hand, by the clock of the session's zone: an hour after the clocks changed, and at the end of a month.
set_clock('2026-03-01 16:30:00');
query('DELETE FROM notes WHERE id = 4');
is(left_at('2026-04-01 16:10:00', 'notes'), '4 5 6 7 8 9', 'purge counts in UTC');
query(q{SET TimeZone = 'America/New_York'; DELETE FROM notes WHERE deleted_at < now() - interval '1 month'});
is(query('SELECT count(*) FROM all_notes WHERE id = 4'), 0, 'a month in New York is an hour shorter in March');
set_clock('2027-02-28 12:00:00');
query('DELETE FROM notes WHERE id = 5');
is(left_at('2027-03-31 01:10:00', 'notes'), '5 6 7 8 9', 'a month before 31 March begins with 28 February');
query(q{SET TimeZone = 'America/New_York'; DELETE FROM notes WHERE deleted_at < now() - interval '1 month'});
is(query('SELECT count(*) FROM all_notes WHERE id = 5'), 0, 'and ends with it where it is still 30 March');
set_clock('2027-02-28 12:00:00');
query('DELETE FROM notes WHERE id = 6');
set_clock('2027-03-28 10:50:00');
like(error_of(q{SET TimeZone = 'America/New_York'; DELETE FROM notes WHERE deleted_at < now() - interval '27 days'}),
	qr/before their retention has passed/, 'no time zone makes a month shorter than a month');

# A timestamp without time zone is past when it is so everywhere.
set_clock('2026-06-01 00:00:00');
query(q{SET TimeZone = 'Asia/Tokyo'; DELETE FROM local WHERE id = 1});
query(q{SET TimeZone = 'Etc/GMT+12'; DELETE FROM local WHERE id = 2});
is(query('SELECT to_char(deleted_at, $$DD HH24$$) FROM all_local WHERE id < 3 ORDER BY id'), "01 09\n31 12", 'a timestamp is of its zone');
is(left_at('2026-06-10 23:30:00', 'local'), '1 2 3', 'not due in any zone');
is(left_at('2026-06-11 00:30:00', 'local'), '1 3', 'due in the zone where it is latest, and in all others');
is(left_at('2026-06-11 20:30:00', 'local'), '1 3', 'not yet due in every zone');
is(left_at('2026-06-11 21:30:00', 'local'), '3', 'due in every zone');

$node->stop;
done_testing();
