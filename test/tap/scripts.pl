# The scripts behind make on machines that are not as they should be: which PostgreSQL they build for, where temporary
# files go, which tests run, what is refused before anything is installed. Real machines are test/fresh's.
use strict;
use warnings;
use Cwd qw(getcwd);
use IPC::Run;
use PostgreSQL::Test::Utils;
use File::Temp;
use Test::More;

# Short: the path of a socket has to fit below it.
my $place = File::Temp::tempdir('/tmp/sd.XXXXXX', CLEANUP => 1);
my $path = $ENV{PATH};

# What a script says and whether it fails, with variables of the environment set or, if undefined, unset.
sub run_script
{
	my ($command, %environment) = @_;
	local %ENV = %ENV;
	foreach my $name (keys %environment)
	{
		if (defined $environment{$name}) { $ENV{$name} = $environment{$name}; }
		else { delete $ENV{$name}; }
	}
	my ($output, $errors) = ('', '');
	my $succeeded = IPC::Run::run([ 'sh', '-c', $command ], '>', \$output, '2>', \$errors);
	chomp $output;
	return ($succeeded, $output, $errors);
}

sub refused
{
	my ($command, $pattern, $name, %environment) = @_;
	my ($succeeded, undef, $errors) = run_script($command, %environment);
	ok(!$succeeded, "$name is refused");
	like($errors, $pattern, "$name: why");
}

# A pg_config that tells of a PostgreSQL of that version, which consists of the parts named.
sub pretend
{
	my ($version, @parts) = @_;
	my $folder = "$place/" . join('-', $version, @parts);
	system('mkdir', '-p', "$folder/bin", "$folder/include", "$folder/pgxs") == 0 or die;
	my %content = ('bin/pg_config' => <<~"END", 'include/postgres.h' => '', 'pgxs/pgxs.mk' => '', 'bin/postgres' => "#!/bin/sh\n");
		#!/bin/sh
		case \$1 in
		    --version) echo 'PostgreSQL $version' ;;
		    --bindir) echo $folder/bin ;;
		    --includedir-server) echo $folder/include ;;
		    --pgxs) echo $folder/pgxs/pgxs.mk ;;
		    *) echo $folder/other ;;
		esac
		END
	my %part = (client => [ 'bin/pg_config', 'pgxs/pgxs.mk' ], headers => ['include/postgres.h'], server => ['bin/postgres']);
	foreach my $file (map { @{ $part{$_} } } @parts)
	{
		open my $handle, '>', "$folder/$file" or die "$folder/$file: $!";
		print $handle $content{$file};
		close $handle;
		chmod 0755, "$folder/$file";
	}
	return "$folder/bin/pg_config";
}

# Which PostgreSQL.
my $find = 'sh test/server/find-pg-config';
my $whole = pretend('17.5', 'client', 'headers', 'server');
my $build_only = pretend('18.1', 'client', 'headers');
my $client_only = pretend('19rc1', 'client');
my $old = pretend('14.9', 'client', 'headers', 'server');
is((run_script($find, PG_CONFIG => $whole))[1], $whole, 'PG_CONFIG is the answer');
is((run_script($find, PG_CONFIG => $build_only))[1], $build_only, 'headers are enough to build');
refused("$find server", qr/18\.1, whose server is missing.*install postgresql-18,/, 'a server that is not there', PG_CONFIG => $build_only);
refused($find, qr/19rc1, whose development files are missing .*postgres\.h.*install postgresql-server-dev-19,/, 'a client alone',
	PG_CONFIG => $client_only);
refused($find, qr/14\.9, which is too old/, 'an old version', PG_CONFIG => $old);
refused($find, qr{^PG_CONFIG=/nonexistent: there is no such program}, 'no program', PG_CONFIG => '/nonexistent');
refused($find, qr/is no pg_config/, 'another program', PG_CONFIG => '/bin/true');
refused($find, qr/there is no such program/, 'a folder', PG_CONFIG => $place);
my $own = sub { my ($first) = @_; return (PG_CONFIG => undef, PATH => ($first =~ s{/pg_config$}{}r) . ":$path") };
is((run_script($find, $own->($whole)))[1], $whole, 'else the one in PATH');
is((run_script($find, $own->($client_only)))[0], 1, 'unless it cannot be built for');
unlike((run_script($find, $own->($client_only)))[1], qr/19rc1/, 'then another one');
my $wrapper = "$place/wrapper";
mkdir $wrapper;
PostgreSQL::Test::Utils::append_to_file("$wrapper/pg_config", "#!/bin/sh\nexec $client_only \"\$@\"\n");
chmod 0755, "$wrapper/pg_config";
unlike((run_script($find, PG_CONFIG => undef, PATH => "$wrapper:$path"))[1], qr/wrapper|19rc1/, 'nor by what a wrapper leads to');
my $relative = $whole =~ s{^\Q$place\E/}{}r;
my $script = getcwd() . '/test/server/find-pg-config';
is((run_script("cd '$place' && sh '$script'", PG_CONFIG => $relative))[1], $whole, 'a relative path is made absolute');

# Through make, and before anything is installed or built.
foreach my $target ('', 'installcheck', 'demo', 'test')
{
	refused("make $target", qr{PG_CONFIG=/nonexistent: there is no such program}, "make $target without a server", PG_CONFIG => '/nonexistent');
}
refused("make -j8 demo PG_CONFIG=$client_only", qr/development files are missing/, 'make demo with a client alone');
refused('sh test/server/install-packages everything', qr/no purpose is called everything/, 'an unknown purpose');

# Where temporary files go.
my $folder = 'sh test/server/temp-folder';
my $good = "$place/good";
mkdir $_ foreach $good, "$place/with space", "$place/closed", "$place/" . 'long' x 20;
chmod 0500, "$place/closed";
is((run_script($folder, TMPDIR => undef))[1], '/tmp', 'temporary files go to /tmp');
SKIP:
{
	skip "$good is too long a name", 2 if length($good) > 50;
	is((run_script($folder, TMPDIR => $good))[1], $good, 'or to TMPDIR');
	mkdir 'relative';
	my (undef, $output) = run_script($folder, TMPDIR => 'relative');
	like($output, qr{^(\Q@{[ getcwd() ]}\E/relative|/tmp)$}, 'a relative one is made absolute');
}
my %trouble = (
	"$place/with space" => qr/characters/,
	"$place/closed" => qr/nothing can be written/,
	"$place/none" => qr/no such folder/,
	"$place/" . 'long' x 20 => qr/too long/);
foreach my $bad (sort keys %trouble)
{
	my (undef, $output, $errors) = run_script($folder, TMPDIR => $bad);
	is($output, '/tmp', "not to $bad");
	like($errors, $trouble{$bad}, 'which is said');
}

# Which tests.
my $names = 'sh test/server/regress-tests';
my %since = map { $_ => (run_script($names, PG_CONFIG => pretend("$_.1", 'client'), TESTS => undef))[1] =~ s/^(?!since_).*\n?//mgr } 15 .. 19;
is($since{15}, '', 'on 15 no test of a later version runs');
is($since{18} =~ s/\n/ /gr, 'since_17 since_18 ', 'on 18 those of 17 and 18 do');
is($since{19} =~ s/\n/ /gr =~ s/ $//r, 'since_17 since_18 since_19', 'on 19 all do');
is((run_script($names, TESTS => 'delete'))[1], "setup\ndelete", 'TESTS picks, after setup');
foreach my $kind ('regress', 'isolation', 'tap')
{
	refused("sh test/server/$kind", qr/there is no test .*misspelt/, "a misspelt test of $kind", TESTS => 'misspelt', OUT => $place);
}

# One file that bails out, or cannot even start, says why and takes no other along.
mkdir "$place/tree";
system('cp', '-r', 'test', "$place/tree/") == 0 or die;
system("rm '$place'/tree/test/tap/*.pl") == 0 or die;
my %file = (
	bails => "use Test::More; BAIL_OUT('no such luck');",
	breaks => 'use No::Such::Module;',
	fails => 'use Test::More tests => 1; ok(0);',
	passes => 'use Test::More tests => 1; ok(1);',
	skips => "use Test::More skip_all => 'no time';");
PostgreSQL::Test::Utils::append_to_file("$place/tree/test/tap/$_.pl", $file{$_}) foreach keys %file;
my ($succeeded, $output) = run_script("cd '$place/tree' && sh test/server/tap 2>&1", TESTS => undef, OUT => "$place/tap", PGXSDIR => $place,
	HARNESS_ACTIVE => undef, STRICT => undef);
ok(!$succeeded, 'tests that fail fail');
like($output, qr/^tap: 1 passed, 3 failed$/m, 'each alone');
like($output, qr/no such luck/, 'the reason of one that bails out');
like($output, qr{No/Such/Module}, 'the reason of one that does not start');
like($output, qr/skips \.\.\. skipped/, 'what is skipped is named');
done_testing();
