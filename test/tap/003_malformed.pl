# Thousands of broken and hostile files, and the whole DICOM corpus, through image_info and embed_image in SQL: each gives a
# result or a clear error; the server lives, no call takes over 10 s, memory is bounded. Prints the counts.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use File::Find;

my $data = $ENV{MEDVEC_DATA} // '';
plan skip_all => 'SKIPPED: no folder of test data (MEDVEC_DATA, or ../shared/data beside the repository)' unless -d $data;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "max_parallel_workers_per_gather = 0\nlog_statement = none\nlog_min_messages = fatal");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION medvec');

my $list = $node->basedir . '/files.tsv';
open my $tsv, '>', $list or die $!;
for my $kind (qw(malformed/jpeg malformed/png malformed/dicom malformed/j2k dicom/corpus))
{
	my $directory = $node->basedir . "/$kind";
	system('mkdir', '-p', $directory) == 0 && system('tar', '-xJf', "$data/$kind.tar.xz", '-C', $directory) == 0
	  or die "cannot unpack $kind";
	find(sub { print $tsv "$kind\t$File::Find::name\n" if -f }, $directory);
}
close $tsv;

$node->safe_psql('postgres', qq{
	CREATE TABLE file (kind text, path text);
	COPY file FROM '$list';
	CREATE TABLE outcome (kind text, path text, call text, state text, message text, seconds float8);

	CREATE PROCEDURE try_all() LANGUAGE plpgsql AS \$\$
	DECLARE f record; started timestamptz; call text; bytes bytea; outcome text; said text; vector_norm float8;
	BEGIN
		FOR f IN SELECT kind, path FROM file ORDER BY kind, path LOOP
			bytes := pg_read_binary_file(f.path);
			FOREACH call IN ARRAY ARRAY['image_info', 'embed_image'] LOOP
				started := clock_timestamp();
				said := NULL;
				BEGIN
					IF call = 'image_info' THEN
						PERFORM image_info(bytes);
					ELSE
						vector_norm := vector_norm(embed_image(bytes));
						IF vector_norm NOT BETWEEN 0.99 AND 1.01 THEN RAISE 'norm is %', vector_norm; END IF;
					END IF;
					outcome := 'ok';
				EXCEPTION WHEN OTHERS THEN
					GET STACKED DIAGNOSTICS outcome = RETURNED_SQLSTATE, said = MESSAGE_TEXT;
				END;
				INSERT INTO outcome VALUES (f.kind, f.path, call, outcome, said,
					EXTRACT(epoch FROM clock_timestamp() - started));
			END LOOP;
			COMMIT;
		END LOOP;
	END \$\$});
$node->safe_psql('postgres', 'CALL try_all()', timeout => 1800);

my $counts = $node->safe_psql('postgres', q{
	SELECT kind, call, count(*), count(*) FILTER (WHERE state = 'ok'), count(*) FILTER (WHERE state = '22P03'),
	       count(*) FILTER (WHERE state = '0A000'), count(*) FILTER (WHERE state = '54000'),
	       count(*) FILTER (WHERE state = '58000'), round(max(seconds)::numeric, 2)
	FROM outcome GROUP BY kind, call ORDER BY kind, call});
diag(sprintf '%-16s %-12s %6s %6s %7s %11s %6s %5s %7s', qw(files call number ok refused unsupported limits died longest));
diag(sprintf '%-16s %-12s %6d %6d %7d %11d %6d %5d %7s', split /\|/) for split /\n/, $counts;

is($node->safe_psql('postgres', 'SELECT count(*) > 2000 FROM file'), 't', 'there are thousands of files');
is($node->safe_psql('postgres', 'SELECT count(*) = 2 * (SELECT count(*) FROM file) FROM outcome'), 't', 'each was tried twice');
is( $node->safe_psql('postgres',
		"SELECT DISTINCT state || ' ' || call || ': ' || message FROM outcome WHERE state NOT IN ('ok', '22P03', '0A000', '54000') LIMIT 20"),
	'', 'each is a result, or says that it is broken, not supported, or over a limit');
is($node->safe_psql('postgres', "SELECT count(*) FROM outcome WHERE state <> 'ok' AND (message IS NULL OR message = '')"), '0', 'and why');
is($node->safe_psql('postgres', 'SELECT path, call, seconds FROM outcome WHERE seconds > 10'), '', 'no call takes over 10 s');
is($node->safe_psql('postgres', 'SELECT deaths FROM medvec.embedder_status'), '0', 'the embedder did not die');
is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time() > now() - interval \'1 day\''), 't', 'the server lives');
diag('decoder deaths: ' . $node->safe_psql('postgres', 'SELECT decoder_deaths FROM medvec.embedder_status'));

# Memory: the highest of the embedder and of what decoders still run.
my $pid = $node->safe_psql('postgres', 'SELECT pid FROM medvec.embedder_status');
sub peak_mb
{
	my ($process) = @_;
	open my $status, '<', "/proc/$process/status" or return 0;
	my ($kb) = join('', <$status>) =~ /VmHWM:\s+(\d+)/;
	return ($kb // 0) / 1024;
}
my $peak = peak_mb($pid);
my @decoders = grep { peak_mb($_) } split /\s+/, `pgrep -f medvec-decoder` // '';
diag(sprintf 'peak memory: embedder %.0f MB, decoders %s MB', $peak, join ' ', map { sprintf '%.0f', peak_mb($_) } @decoders);
cmp_ok($peak, '<', 2048, 'memory of the embedder is bounded');

$node->stop;
done_testing();
