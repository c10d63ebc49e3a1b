# ALTER EXTENSION UPDATE: an updated extension is what a fresh one is, member by member: definitions, privileges, comments,
# what pg_dump takes along. So is one that was restored from a dump, and registered tables go on. For each released
# version, and for a next version made here, whose update is also spoiled in several ways that have to be noticed.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use File::Copy qw(copy);
use IPC::Run;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

chomp(my $scripts = `$ENV{BINDIR}/pg_config --sharedir`);
$scripts .= '/extension';
my @made;
END { unlink @made; }

sub write_script
{
	my ($name, $text) = @_;
	push @made, "$scripts/$name.sql";
	open my $file, '>', $made[-1] or die "$made[-1]: $!";
	print $file $text;
	close $file;
}

my ($current) = slurp_file('softdelete.control') =~ /^default_version = '(.*)'/m;
my $install = slurp_file("$scripts/softdelete--$current.sql");

# Every member of the extension, in words.
my $members = <<'SQL';
WITH member AS (
    SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'softdelete'),
own AS (SELECT c.* FROM pg_class c JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid)
SELECT 'member ' || pg_describe_object(classid, objid, 0), obj_description(objid, classid::regclass::name) FROM member
UNION ALL SELECT 'privileges of ' || pg_describe_object(m.classid, m.objid, 0), x.privileges FROM member m, LATERAL (
    SELECT string_agg(format('%s: %s', CASE grantee WHEN 0 THEN 'public' ELSE grantee::regrole::text END, privilege_type), ', ' ORDER BY grantee, privilege_type)
    FROM aclexplode(CASE m.classid
        WHEN 'pg_class'::regclass THEN (SELECT coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)) FROM pg_class WHERE oid = m.objid)
        WHEN 'pg_proc'::regclass THEN (SELECT coalesce(proacl, acldefault('f', proowner)) FROM pg_proc WHERE oid = m.objid)
        WHEN 'pg_namespace'::regclass THEN (SELECT coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace WHERE oid = m.objid) END)) x (privileges)
UNION ALL SELECT 'initial privileges of ' || pg_describe_object(i.classoid, i.objoid, i.objsubid), i.initprivs::text
    FROM pg_init_privs i JOIN member m ON m.classid = i.classoid AND m.objid = i.objoid
UNION ALL SELECT 'function ' || p.oid::regprocedure, pg_get_functiondef(p.oid)
    FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
UNION ALL SELECT 'relation ' || oid::regclass, format('%s %s %s %s', relkind, reloptions, relrowsecurity, pg_get_viewdef(oid)) FROM own
UNION ALL SELECT 'sequence ' || seqrelid::regclass, (to_jsonb(s) - 'seqrelid')::text FROM (
    SELECT seqrelid, seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle FROM pg_sequence) s WHERE seqrelid IN (SELECT oid FROM own)
UNION ALL SELECT format('column %s of %s', attname, attrelid::regclass), format('%s %s %s %s %s %s', attnum, format_type(atttypid, atttypmod),
    attnotnull, pg_get_expr(adbin, adrelid), attacl, col_description(attrelid, attnum))
    FROM pg_attribute LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
    WHERE attrelid IN (SELECT oid FROM own) AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT format('constraint %s of %s', conname, conrelid::regclass), pg_get_constraintdef(oid) || ' ' || coalesce(obj_description(oid, 'pg_constraint'), '')
    FROM pg_constraint WHERE conrelid IN (SELECT oid FROM own)
UNION ALL SELECT 'index ' || indexrelid::regclass, pg_get_indexdef(indexrelid) || ' ' || coalesce(obj_description(indexrelid, 'pg_class'), '')
    FROM pg_index WHERE indrelid IN (SELECT oid FROM own)
UNION ALL SELECT 'policy ' || p.polname || ' of ' || p.polrelid::regclass, format('%s %s %s %s %s', polcmd, polpermissive, polroles, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    FROM pg_policy p WHERE polrelid IN (SELECT oid FROM own)
UNION ALL SELECT 'trigger ' || tgname || ' of ' || tgrelid::regclass, pg_get_triggerdef(oid) || tgenabled::text FROM pg_trigger
    WHERE tgrelid IN (SELECT oid FROM own) AND NOT tgisinternal
UNION ALL SELECT 'event trigger ' || evtname, format('%s %s %s %s', evtevent, evttags, evtenabled, evtfoid::regproc) FROM pg_event_trigger
UNION ALL SELECT 'dumped ' || r.relation::regclass, r.condition FROM pg_extension e, LATERAL unnest(e.extconfig, e.extcondition) r (relation, condition)
    WHERE e.extname = 'softdelete'
UNION ALL SELECT 'version', extversion FROM pg_extension WHERE extname = 'softdelete'
ORDER BY 1, 2
SQL

my $databases = 0;
sub make_database
{
	my ($version) = @_;
	my $name = 'd' . ++$databases;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, "CREATE EXTENSION softdelete VERSION '$version'") if $version;
	return $name;
}

sub members_of { return $node->safe_psql($_[0], $members); }

# Compares members line by line and shows those that differ.
sub is_same
{
	my ($got, $expected, $name) = @_;
	my %is_expected = map { $_ => 1 } split /\n/, $expected;
	my %is_there = map { $_ => 1 } split /\n/, $got;
	my @differences = ((map { "- $_" } grep { !$is_there{$_} } sort keys %is_expected),
		(map { "+ $_" } grep { !$is_expected{$_} } sort keys %is_there));
	return is(join("\n", @differences), '', $name);
}

# An extension of this version with something in it.
sub make_used
{
	my ($version) = @_;
	my $name = make_database($version);
	$node->safe_psql($name, <<'SQL');
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE);
CREATE INDEX ON orders (user_id);
SELECT count(*) FROM softdelete.register('users', retention => '1 day', cascade => true);
INSERT INTO users VALUES (1, 'a'), (2, 'b');
INSERT INTO orders VALUES (1, 1), (2, 2);
DELETE FROM users WHERE id = 1;
SQL
	return $name;
}

sub goes_on
{
	my ($database, $what) = @_;
	is($node->safe_psql($database, 'SELECT softdelete.undo(1)'), '2', "$what: what was deleted before can be undone");
	cmp_ok($node->safe_psql($database, 'DELETE FROM users WHERE id = 2 RETURNING deletion_id'), '>', 1, "$what: deletes go on");
	is($node->safe_psql($database, 'SELECT count(*) FROM orders'), '1', "$what: with their cascades");
	is($node->safe_psql($database, 'SELECT count(*) FROM unnest(\'{users,orders}\'::regclass[]) t, LATERAL softdelete.repair(t)'), '0',
		"$what: there is nothing to repair");
}

# There is one library here. It takes the objects for those of its own version from now on, as the next library would.
sub fit_library
{
	$node->safe_psql($_[0], "UPDATE pg_catalog.pg_extension SET extversion = '$current' WHERE extname = 'softdelete'");
	return;
}

# Fresh, updated and restored are alike.
sub is_equal
{
	my ($from, $to) = @_;
	my $fresh = members_of(make_database($to));
	my $updated = make_used($from);
	my $session = $node->background_psql($updated, on_error_stop => 0);
	$session->query('PREPARE remove AS DELETE FROM users WHERE id = 2; BEGIN; EXECUTE remove; ROLLBACK');
	$node->safe_psql($updated, "ALTER EXTENSION softdelete UPDATE TO '$to'");
	is_same(members_of($updated), $fresh, "$from to $to: updated as fresh");
	fit_library($updated);
	like($session->query('BEGIN; EXECUTE remove; SELECT count(*) FROM all_users; ROLLBACK'), qr/^\s*2$/m, 'an open session deletes softly');
	$session->quit;

	my $restored = make_database($to);
	my $file = PostgreSQL::Test::Utils::tempdir() . '/dump';
	$node->command_ok([ 'pg_dump', '-Fc', '-f', $file, $updated ], 'dumped');
	$node->command_ok([ 'pg_restore', '-e', '-d', $restored, $file ], 'restored');
	is_same(members_of($restored), $fresh, "$from to $to: restored as fresh");
	fit_library($restored);
	goes_on($updated, 'updated');
	goes_on($restored, 'restored');
}

my $before = members_of(make_database($current));
ok($before =~ /^privileges of table softdelete_internal\.registration\|.*public: SELECT/m, 'privileges are compared');
ok($before =~ /^dumped softdelete_internal\.deletion\|/m, 'so is what pg_dump takes along');

foreach my $released (glob 'src/extension/released/softdelete--*.sql')
{
	my ($version) = $released =~ /--(.*)\.sql$/;
	push @made, "$scripts/softdelete--$version.sql";
	copy($released, $made[-1]) or die "$released: $!";
	is_equal($version, $current);
}

# A next version with something of each kind.
my $change = <<'SQL';
ALTER TABLE softdelete_internal.registration ADD COLUMN next text NOT NULL DEFAULT 'x' CHECK (next <> '');
COMMENT ON COLUMN softdelete_internal.registration.next IS 'A column.';
CREATE TABLE softdelete_internal.next (id int PRIMARY KEY);
COMMENT ON TABLE softdelete_internal.next IS 'A table.';
CREATE INDEX next_id ON softdelete_internal.next (id) WHERE id > 0;
SELECT pg_catalog.pg_extension_config_dump('softdelete_internal.next', 'WHERE id > 0');
CREATE VIEW softdelete.nexts AS SELECT id FROM softdelete_internal.next;
GRANT SELECT ON softdelete.nexts TO PUBLIC;
CREATE OR REPLACE FUNCTION softdelete_internal.on_truncate() RETURNS trigger
    LANGUAGE c SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_on_truncate';
REVOKE EXECUTE ON FUNCTION softdelete.undo(bigint) FROM PUBLIC;
ALTER EVENT TRIGGER softdelete_sql_drop ENABLE;
SQL
write_script('softdelete--99.0', $install . $change);
write_script("softdelete--$current--99.0", $change);
is_equal($current, '99.0');

# Whatever an update forgets is seen.
my $fresh = members_of(make_database('99.0'));
my $number = 0;
foreach my $line (grep { /^(COMMENT|CREATE INDEX|SELECT|GRANT|REVOKE|ALTER EVENT)/ } split /\n/, $change)
{
	my $version = '99.' . ++$number;
	(my $spoiled = $change) =~ s/^\Q$line\E$//m;
	write_script("softdelete--$current--$version", $spoiled);
	my $database = make_database($current);
	$node->safe_psql($database, "ALTER EXTENSION softdelete UPDATE TO '$version'");
	isnt(members_of($database) =~ s/^version\|.*$/version|99.0/mr, $fresh, "noticed without: $line");
}
is($number, 7, 'so many were tried');

# The lint that asks for upgrade scripts, in a copy of the sources that goes through a release and the change after it.
my $sources = PostgreSQL::Test::Utils::tempdir() . '/sources';
my $parts = "$sources/src/extension";
run_log([ 'mkdir', '-p', "$parts/released", "$parts/upgrade" ]) or die;
run_log([ 'cp', 'softdelete.control', $sources ]) or die;
run_log([ 'cp', glob('src/extension/[0-9]*.sql'), $parts ]) or die;
my $lint = PostgreSQL::Test::Utils::slurp_file('test/lint/upgrade.sh');
my $git = 'git -c user.name=t -c user.email=t@localhost -c commit.gpgsign=false';
run_log([ 'git', 'init', '-q', $sources ]) or die;

sub in_sources { return run_log([ 'sh', '-c', "cd '$sources' && $_[0]" ]); }
sub commit { return in_sources("git add -A && $git commit -qm x") || die; }

sub lint_says
{
	my ($pattern, $what) = @_;
	my ($out, $error) = ('', '');
	my $passed = IPC::Run::run([ 'sh', '-c', "cd '$sources' && sh -s" ], '<', \$lint, '>', \$out, '2>', \$error);
	return $pattern ? (ok(!$passed, "refused: $what"), like($out, $pattern, 'with the reason')) : is($out . $error, '', "passes: $what");
}

commit();
lint_says(undef, 'before the first release');
in_sources("cat src/extension/[0-9]*.sql > src/extension/released/softdelete--$current.sql");
commit();
lint_says(undef, 'the release');
in_sources(q{echo "COMMENT ON VIEW softdelete.tables IS 'next';" >> src/extension/40_views.sql});
lint_says(qr/raise default_version/, 'a change under the released version');
in_sources(q{sed -i "s/^default_version.*/default_version = '99.0'/" softdelete.control});
lint_says(qr/softdelete--\Q$current\E--99\.0\.sql is missing/, 'a change without an upgrade script');
in_sources("cp src/extension/40_views.sql src/extension/upgrade/softdelete--$current--99.0.sql");
lint_says(undef, 'a change with an upgrade script');
commit();
lint_says(undef, 'the same, committed');
in_sources('echo "-- more" >> src/extension/50_purge.sql');
commit();
lint_says(qr/was changed without/, 'a further change that leaves the upgrade script alone');
in_sources("echo '-- more' >> src/extension/upgrade/softdelete--$current--99.0.sql");
lint_says(undef, 'with the upgrade script changed, too');
commit();
lint_says(undef, 'the same, committed later');
in_sources("echo '-- more' >> src/extension/released/softdelete--$current.sql");
commit();
lint_says(qr/softdelete--\Q$current\E\.sql was changed after its release/, 'a change of what was released');

$node->stop;
done_testing();
