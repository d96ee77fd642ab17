# make install-as-vector, into a copy of the server's tree: it refuses where a pgvector is there, installs and overwrites its
# own, and what it installs serves frameworks that create extension "vector": index, dump and restore, update, uninstall.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use ServerTree;

plan skip_all => 'MEDVEC_SOURCE does not name the source tree (scripts/test does)' unless $ENV{MEDVEC_SOURCE};

my $tree = ServerTree::copy();
my ($root, $extensions, $libraries) = @$tree{qw(root extensions libraries)};
my $library = "$libraries/vector.so";
my $source = PostgreSQL::Test::Utils::tempdir();
system_or_bail('cp', '-r', "$ENV{MEDVEC_SOURCE}/.", $source);

sub vector_files { return join ' ', map { (-e) ? s{.*/}{}r : () } ServerTree::vector_files($tree) }

sub make
{
	my ($target) = @_;
	my $output = `make -s -C '$source' $target EMBEDDER=no DESTDIR='$root' 2>&1`;
	return ($?, $output);
}

# Refusals.
sub refuses
{
	my ($what, $message) = @_;
	my $before = vector_files();
	my ($status, $output) = make('install-as-vector');
	isnt($status, 0, "refuses: $what");
	like($output, qr/$message.*Nothing was changed/, "$what: says why");
	is(vector_files(), $before, "$what: nothing was touched");
}
append_to_file("$extensions/vector.control", "default_version = '0.8.0'\n");
refuses('a control file of another origin', qr/vector\.control is not medvec's/);
unlink "$extensions/vector.control";
append_to_file("$extensions/vector--0.7.4--0.8.0.sql", "SELECT 1;\n");
refuses('a script of another origin', qr/vector--0\.7\.4--0\.8\.0\.sql is not medvec's/);
my ($status, $output) = make('uninstall-as-vector');
is(vector_files(), 'vector--0.7.4--0.8.0.sql', 'uninstalling leaves what is not ours');
unlink "$extensions/vector--0.7.4--0.8.0.sql";
append_to_file($library, '');
refuses('a library of that name', qr/vector\.so is there/);
unlink $library;
rename "$libraries/medvec.so", "$libraries/medvec.away" or die $!;
refuses('medvec itself is missing', qr/run make install first/);
rename "$libraries/medvec.away", "$libraries/medvec.so" or die $!;

SKIP:
{
	skip 'there is no pgvector (MEDVEC_PGVECTOR)', 3 unless $ENV{MEDVEC_PGVECTOR};
	ServerTree::add_pgvector($tree);
	refuses('pgvector itself', qr/pgvector is installed/);
	ServerTree::remove_vector($tree);
}

# Installing, twice: what it installed itself may be overwritten.
for my $time ('once', 'and again')
{
	($status, $output) = make('install-as-vector');
	is($status, 0, "installs, $time") or diag($output);
}
my ($version) = slurp_file("$source/medvec.control") =~ /default_version = '(.*)'/;
my @part = split /\./, $version;
my $shown = sprintf '0.8.%d', $part[0] * 10000 + $part[1] * 100 + $part[2];
is(vector_files(), "vector--$shown.sql vector.control", 'a control file and a script');

my $node = PostgreSQL::Test::Cluster->new('as_vector', install_path => $tree->{server});
$node->init;
$node->start;
for my $database (qw(framework plain restored))
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
}
$node->safe_psql('framework', 'CREATE EXTENSION IF NOT EXISTS vector');
$node->safe_psql('framework', 'CREATE EXTENSION IF NOT EXISTS vector');
is($node->safe_psql('framework', "SELECT extversion FROM pg_extension WHERE extname = 'vector'"), $shown, 'its version');
is($node->safe_psql('framework', "SELECT string_to_array(extversion, '.')::int[] >= '{0,8,6}' FROM pg_extension WHERE extname = 'vector'"),
	't', 'which clients take for one of 0.8');
$node->safe_psql('plain', 'CREATE EXTENSION medvec');

my $members = q{
	SELECT o.type, o.identity FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid,
		LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) o
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname IN ('medvec', 'vector') ORDER BY 1, 2};
my $objects = $node->safe_psql('plain', $members);
is($node->safe_psql('framework', $members), $objects, 'the same objects under both names');

# One of the two in one database.
for my $pair ([ framework => 'medvec', 'vector' ], [ plain => 'vector', 'medvec' ])
{
	my ($database, $second, $first) = @$pair;
	my (undef, undef, $error) = $node->psql($database, "\\set VERBOSITY verbose\nCREATE EXTENSION $second");
	like($error, qr/42710: medvec is in this database already, as extension "$first"/, "no $second beside $first");
	is($node->safe_psql($database, $members), $objects, 'which stays as it was');
}

# A table, an index that parallel workers build, a registered model; dump and restore.
$node->safe_psql('framework', q{
	CREATE TABLE item (id int PRIMARY KEY, v vector(3));
	INSERT INTO item SELECT i, ARRAY[sin(i), cos(i), i / 5000.0]::vector FROM generate_series(1, 5000) i;
	SET min_parallel_table_scan_size = 0;
	SET max_parallel_maintenance_workers = 2;
	CREATE INDEX item_v ON item USING hnsw (v vector_cosine_ops);
	INSERT INTO medvec.model VALUES ('mine', 'mine.pt', repeat('0', 64), 3, '{}')});
sub answers
{
	my ($database) = @_;
	return $node->safe_psql($database, q{
		SET enable_seqscan = off;
		SET enable_sort = off;
		SELECT array_agg(id) FROM (SELECT id FROM item ORDER BY v <=> '[0.3,0.4,0.5]' LIMIT 10) n;
		SELECT count(*) FROM hnsw_check('item_v');
		SELECT name, dimensions FROM medvec.models ORDER BY name});
}
my $exact = $node->safe_psql('framework', q{
	SET enable_indexscan = off;
	SELECT array_agg(id) FROM (SELECT id FROM item ORDER BY v <=> '[0.3,0.4,0.5]' LIMIT 10) n});
my $expected = answers('framework');
like($expected, qr/^\Q$exact\E\n0\n/, 'the index answers, and is sound');
my $dump = $node->basedir . '/dump';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('framework'), '-f', $dump ], 'pg_dump');
my $contents = slurp_file($dump);
like($contents, qr/CREATE EXTENSION IF NOT EXISTS vector/, 'the dump asks for extension vector');
unlike($contents, qr/CREATE (SCHEMA|FUNCTION|TYPE|OPERATOR|ACCESS METHOD)/, 'and leaves its objects to it');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], 'restore');
is(answers('restored'), $expected, 'the same answers and the registered model after it');

# Our next version.
my $next = "$part[0]." . ($part[1] + 1) . '.0';
my $next_shown = sprintf '0.8.%d', $part[0] * 10000 + ($part[1] + 1) * 100;
system_or_bail('sed', '-i', "s/^default_version = .*/default_version = '$next'/", "$source/medvec.control");
mkdir "$source/sql";
mkdir "$source/sql/upgrade";
append_to_file("$source/sql/upgrade/medvec--$version--$next.sql",
	"\\echo Use \"ALTER EXTENSION medvec UPDATE\" to load this file. \\quit\nCREATE FUNCTION came_with_update() RETURNS int LANGUAGE sql AS 'SELECT 1';\n");
($status, $output) = make('install-as-vector');
is($status, 0, 'installs our next version over the first') or diag($output);
$node->safe_psql('framework', 'ALTER EXTENSION vector UPDATE');
is( $node->safe_psql('framework', q{SELECT extversion, came_with_update() FROM pg_extension WHERE extname = 'vector'}),
	"$next_shown|1", 'ALTER EXTENSION vector UPDATE takes the step');

$node->safe_psql('framework', 'DROP EXTENSION vector CASCADE');
is($node->safe_psql('framework', $members), '', 'DROP EXTENSION leaves nothing');
($status, $output) = make('uninstall-as-vector');
is("$status$output", '0', 'make uninstall-as-vector');
is(vector_files(), '', 'takes away all that it had installed');

done_testing();
