# The backend's side of embedding, against an embedder that misbehaves on demand (fake/medvec-embedder): started on first
# use and shared, waits that can be interrupted, deaths, refusals, garbage; the server stays up through all of it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);
use Cwd qw(abs_path);

my $fake = abs_path('fake');
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "medvec.embedder_path = '$fake/medvec-embedder'");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION medvec');
my $model_file = $node->basedir . '/model.pt';
append_to_file($model_file, 'no real model');
$node->safe_psql('postgres', "LOAD 'medvec'; ALTER SYSTEM SET medvec.model_directory = '" . $node->basedir . "'");
$node->reload;
$node->safe_psql('postgres',
	"INSERT INTO medvec.model VALUES ('fake', 'model.pt', repeat('ab', 32), 3, '{}')");

sub status { return $node->safe_psql('postgres', "SELECT $_[0] FROM medvec.embedder_status") }

# Runs a statement that must fail; returns its SQLSTATE, message and seconds taken.
sub failure
{
	my ($sql, %options) = @_;
	my $start = time;
	my ($status, undef, $stderr) = $node->psql('postgres', "\\set VERBOSITY verbose\n" . ($options{before} // '') . $sql);
	my ($state, $message) = $stderr =~ /ERROR:  ([0-9A-Z]{5}): (.*)/;
	return ($state // 'none', $message // $stderr, time - $start, $stderr);
}

is(status('state'), 'stopped', 'nothing runs before the first use');

# First use starts it; other sessions share it.
is($node->safe_psql('postgres', "SELECT embed_image('abcd', 'fake')"), '[4,4,4]', 'first use starts the embedder');
is(status('state'), 'running', 'it runs');
my $pid = status('pid');
is($node->safe_psql('postgres', "SELECT embed_image('abcde', 'fake')"), '[5,5,5]', 'a second session is served');
is(status('pid'), $pid, 'by the same embedder');
is(status('starts'), '1', 'started once');
is(status('images'), '7', 'its own figures come through');
my $directory = $node->data_dir . '/medvec';
is((stat $directory)[2] & 07777, 0700, 'the socket lies in a directory of mode 0700');

# Shapes.
is($node->safe_psql('postgres', "SELECT embed_images(ARRAY['a', NULL, 'abc']::bytea[], 'fake')"),
	'{"[1,1,1]",NULL,"[3,3,3]"}', 'NULL images give NULL vectors');
is($node->safe_psql('postgres', "SELECT embed_images('{}', 'fake')"), '{}', 'no images give no vectors');
is($node->safe_psql('postgres', "SELECT array_dims(embed_images(ARRAY[['a', 'b'], ['c', 'd']]::bytea[], 'fake'))"),
	'[1:2][1:2]', 'the shape of the array is kept');
is($node->safe_psql('postgres', "SELECT embed_image(NULL, 'fake') IS NULL"), 't', 'NULL image gives NULL');
is($node->safe_psql('postgres', "SELECT format, width, height, channels, bits, frames IS NULL FROM image_info('x')"),
	'png|5|6|1|8|t', 'image_info: empty fields are NULL');
is($node->safe_psql('postgres', "SET medvec.default_model = 'fake'; SELECT embed_image('abc')"), '[3,3,3]', 'default model');
is($node->safe_psql('postgres', "SELECT embed_image(convert_to(repeat('x', 3000000), 'UTF8'), 'fake')"), '[3e+06,3e+06,3e+06]',
	'a request larger than the socket buffers');

# One call site keeps its last result, and no other.
is($node->safe_psql('postgres',
		"SELECT string_agg(embed_image(i, m)::text, ' ') FROM (VALUES ('a'::bytea, 'fake'), ('a', 'fake'), ('bb', 'fake'), ('a', 'fake')) AS t (i, m)"),
	'[1,1,1] [1,1,1] [2,2,2] [1,1,1]', 'repeated and changing images in one call site');

# Errors that name what to do.
my ($state, $message, $seconds, $all);
($state, $message) = failure("SELECT embed_image('x', 'unknown')");
is("$state $message", '42704 model "unknown" does not exist', 'unknown model');
($state, $message, undef, $all) = failure("SELECT embed_image('refuse', 'fake')");
is("$state $message", '0A000 transfer syntax is not supported', 'a refusal becomes its SQLSTATE');
like($all, qr/DETAIL:  It is 1\.2\..*HINT:  Convert it\./s, 'with detail and hint');
(undef, undef, undef, $all) = failure("SELECT embed_images(ARRAY['a', 'refuse']::bytea[], 'fake')");
like($all, qr/CONTEXT:.*image 1 of 2/s, 'in an array, it says which image');
($state) = failure("SELECT embed_image('short', 'fake')");
is($state, '08P01', 'a reply that is too short');
($state) = failure("SELECT embed_image('garbage', 'fake')");
is($state, '08P01', 'a reply that is no frame');
($state, $message) = failure("SELECT embed_image(convert_to(repeat('x', 11000000), 'UTF8'), 'fake')");
is("$state $message", '54000 request is too large', 'an answer before the request was read to its end');
($state) = failure("SELECT embed_image('x', 'fake', 0)");
is($state, '22023', 'frames count from 1');
is($node->safe_psql('postgres', "SELECT embed_image('abcd', 'fake')"), '[4,4,4]', 'and goes on working');

# Waits end at once.
($state, undef, $seconds) = failure("SELECT embed_image('hang', 'fake')", before => "SET statement_timeout = '300ms';\n");
is($state, '57014', 'statement_timeout ends the wait');
cmp_ok($seconds, '<', 3, 'soon');
{
	my $start = time;
	my $psql = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "SELECT embed_image('hang', 'fake') /* cancel me */" ],
		'>', \my $out, '2>', \my $err);
	$node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '%cancel me%' AND wait_event_type = 'Extension' AND pid <> pg_backend_pid()");
	$node->safe_psql('postgres',
		"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%cancel me%' AND pid <> pg_backend_pid()");
	$psql->finish;
	like($err, qr/canceling statement due to user request/, 'cancel ends the wait');
	cmp_ok(time - $start, '<', 10, 'soon');
}
is($node->safe_psql('postgres', qq{
	DO \$\$ BEGIN PERFORM set_config('statement_timeout', '200', true); END \$\$;
	DO \$\$ BEGIN
		BEGIN PERFORM embed_image('refuse', 'fake'); EXCEPTION WHEN feature_not_supported THEN NULL; END;
		RAISE NOTICE '%', embed_image('ab', 'fake');
	END \$\$;
	SELECT embed_image('abc', 'fake')}), '[3,3,3]', 'a caught refusal leaves the connection usable');

# An embedder that ended between two statements is no error; one that dies twice on a request is.
$pid = status('pid');
kill 'KILL', $pid;
$node->poll_query_until('postgres', "SELECT pid <> $pid FROM medvec.embedder_status");
is($node->safe_psql('postgres', "SELECT embed_image('abcd', 'fake')"), '[4,4,4]', 'a killed embedder is started again');
($state, $message) = failure("SELECT embed_image('die', 'fake')");
is("$state $message", '58000 the medvec embedder died while it worked on this request', 'an image that kills the embedder');
is($node->safe_psql('postgres', "SELECT embed_image('abcd', 'fake')"), '[4,4,4]', 'costs an error and no more');
ok($node->poll_query_until('postgres', 'SELECT deaths >= 3 FROM medvec.embedder_status'), 'deaths are counted');
like(status('last_exit'), qr/terminated by signal 9/, 'and described');

# Sessions that come together start one embedder.
$node->restart;
{
	my @outputs = ('') x 12;
	my @sessions = map {
		IPC::Run::start(
			[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "SELECT embed_image('abc', 'fake')" ],
			'>', \$outputs[$_], '2>&1')
	} 0 .. 11;
	$_->finish for @sessions;
	is(scalar(grep { $_ eq "[3,3,3]\n" } @outputs), 12, 'twelve sessions at once are served');
	is(status('starts'), '1', 'by one embedder');
}

# Trouble at the start.
my $data = $node->data_dir;
$pid = status('pid');
append_to_file("$data/fake_start", 'fail');
kill 'KILL', $pid;
($state, $message, $seconds) = failure("SELECT embed_image('abcd', 'fake')");
is("$state $message", '58000 the medvec embedder could not be started', 'an embedder that ends at once');
cmp_ok($seconds, '<', 10, 'is reported soon');
unlink "$data/fake_start";
$node->poll_query_until('postgres', "SELECT state = 'running' FROM medvec.embedder_status");
is($node->safe_psql('postgres', "SELECT embed_image('abcd', 'fake')"), '[4,4,4]', 'the supervisor keeps trying');
append_to_file("$data/fake_start", 'slow');
kill 'KILL', status('pid');
($state, undef, $seconds) = failure("SELECT embed_image('abcd', 'fake')", before => "SET statement_timeout = '500ms';\n");
is($state, '57014', 'statement_timeout ends the wait for a start');
cmp_ok($seconds, '<', 2.5, 'at once');
is($node->safe_psql('postgres', "SELECT embed_image('abcd', 'fake')"), '[4,4,4]', 'a slow start is waited for');
unlink "$data/fake_start";

# Settings.
$pid = status('pid');
$node->safe_psql('postgres', "LOAD 'medvec'; ALTER SYSTEM SET medvec.embedder_threads = 2");
$node->reload;
$node->poll_query_until('postgres', "SELECT state = 'running' AND pid <> $pid FROM medvec.embedder_status");
pass('a changed setting restarts the embedder');
$node->safe_psql('postgres', "LOAD 'medvec'; ALTER SYSTEM SET medvec.embedder_path = '/nowhere/medvec-embedder'");
$node->reload;
sleep 0.5;
($state, $message, undef, $all) = failure("SELECT embed_image('abcd', 'fake')");
is("$state $message", '58P01 the medvec embedder is not installed', 'not installed');
like($all, qr/HINT:  Build and install medvec without EMBEDDER=no/, 'and what to do');
$node->safe_psql('postgres', "LOAD 'medvec'; ALTER SYSTEM RESET medvec.embedder_path");
$node->reload;
sleep 0.5;
is($node->safe_psql('postgres', "SELECT embed_image('abcd', 'fake')"), '[4,4,4]', 'installed again');
($state) = failure("SET medvec.embedder_path = '/tmp/x'", before => "LOAD 'medvec';\n");
is($state, '55P02', 'no session may choose the program');

# The embedder ends with the server, however that ends.
$pid = status('pid');
$node->stop;
ok(!kill(0, $pid), 'a stopped server leaves no embedder');
$node->start;
$node->safe_psql('postgres', "SELECT embed_image('abcd', 'fake')");
$pid = status('pid');
$node->stop('immediate');
for (1 .. 50) { last unless kill 0, $pid; sleep 0.1 }
ok(!kill(0, $pid), 'nor does a crashed one');
$node->start;
is($node->safe_psql('postgres', "SELECT embed_image('abcd', 'fake')"), '[4,4,4]', 'and it comes back with the server');

# No room for the supervisor.
$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
$node->restart;
($state, undef, undef, $all) = failure("SELECT embed_image('abcd', 'fake')");
is($state, '53400', 'no background worker is free');
like($all, qr/HINT:  Increase max_worker_processes/, 'and what to do');
$node->append_conf('postgresql.conf', 'max_worker_processes = 8');
$node->restart;
is($node->safe_psql('postgres', "SELECT embed_image('abcd', 'fake')"), '[4,4,4]', 'with one it works');

$node->safe_psql('postgres', 'DROP EXTENSION medvec');
$node->safe_psql('postgres', 'CREATE EXTENSION medvec');
$node->stop;
done_testing();
