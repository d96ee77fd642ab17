# Fingerprints of real molecules: our Jaccard distance against the Tanimoto similarity of the RDKit cartridge, value by value
# and in the order of neighbours, through bytea, and both extensions in one schema.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Cwd qw(abs_path);

chomp(my $extensions = `pg_config --sharedir`);
$extensions .= "/extension";
plan skip_all => 'SKIPPED: the RDKit cartridge is not installed (postgresql-15-rdkit)' unless -f "$extensions/rdkit.control";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "log_statement = none\njit = off");
$node->start;

# The statements of the cartridge's script with its operator @= mended. Before 4.5.1 it names = as its commutator and <> as
# its negator, which are those of the operator =, and the servers' minor releases behind 15.18 no longer take that.
sub mended_script
{
	my ($version) = slurp_file("$extensions/rdkit.control") =~ /default_version\s*=\s*'(.*?)'/;
	my $script = slurp_file("$extensions/rdkit--$version.sql");
	$script =~ s/(CREATE OPERATOR \@= \([^)]*?)COMMUTATOR = '=',\s*NEGATOR = '<>',/$1COMMUTATOR = '\@=',/g;
	$script =~ s/^\\echo.*$//mg;
	$script =~ s/MODULE_PATHNAME/\$libdir\/rdkit/g;
	$script =~ s/\@extschema\@/public/g;
	return $script;
}

sub create
{
	my ($database, $extension) = @_;
	my ($status, undef, $error) = $node->psql($database, "CREATE EXTENSION $extension");
	return if $status == 0;
	die "cannot create $extension: $error" unless $extension eq 'rdkit' && $error =~ /already the commutator of operator/;
	diag('this server refuses the script of the RDKit cartridge: taking its statements, mended') if $database eq 'medvec_first';
	my $file = $node->basedir . '/rdkit.sql';
	unlink $file;
	append_to_file($file, mended_script());
	$node->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-c', 'SET client_min_messages = warning', '-f', $file,
			$node->connstr($database) ], 'the mended script runs');
}

sub error
{
	my ($sql) = @_;
	my (undef, undef, $stderr) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql");
	return $stderr =~ /ERROR:  ([0-9A-Z]{5}): (.*)/ ? "$1 $2" : "none: $stderr";
}

# Both define <%>, the cartridge for its own types.
for my $order ([ 'medvec_first', 'medvec', 'rdkit' ], [ 'postgres', 'rdkit', 'medvec' ])
{
	my ($database, @extensions) = @$order;
	$node->safe_psql('postgres', "CREATE DATABASE $database") unless $database eq 'postgres';
	create($database, $_) for @extensions;
	is($node->safe_psql($database, q{
		SELECT string_agg(format_type(oprleft, NULL), ' ' ORDER BY oprleft < 10000) FROM pg_operator
			WHERE oprname = '<%>' AND oprleft IN ('bit'::regtype, 'bfp'::regtype)}),
		'bfp bit', "@extensions: both operators <%> are there");
	is($node->safe_psql($database, q{
		SET rdkit.tanimoto_threshold = 0.3;
		SET hnsw.ef_search = 100;
		SELECT morganbv_fp(a) % morganbv_fp(b), round((morganbv_fp(a) <%> morganbv_fp(b))::numeric, 3), B'0111' <%> B'1110', '01' <%> '11'::bit(2)
			FROM (VALUES ('CCO'::mol, 'CCCO'::mol)) m (a, b)}),
		't|0.444|0.5|0.5', "@extensions: each type gets its own");
}

my $file = abs_path('data/molecules.smi');
$node->safe_psql('postgres', qq{
	CREATE TABLE smiles (smiles text, id int PRIMARY KEY);
	COPY smiles FROM '$file';
	CREATE TABLE molecule AS SELECT id, smiles, mol_from_smiles(smiles::cstring) AS mol FROM smiles;});
is($node->safe_psql('postgres', 'SELECT count(*), count(mol) FROM molecule'), '625|625', 'the cartridge reads every molecule');

my %length = (morganbv_fp => 512, featmorganbv_fp => 512, rdkit_fp => 1024, torsionbv_fp => 1024, atompairbv_fp => 2048,
	maccs_fp => 168);
for my $function (sort keys %length)
{
	my $bits = $length{$function};
	$node->safe_psql('postgres', qq{
		CREATE TABLE $function (id int PRIMARY KEY, bfp bfp, fp bit($bits));
		INSERT INTO $function SELECT id, f, bfp_to_binary_text(f)::bit($bits) FROM
			(SELECT id, $function(mol) AS f FROM molecule OFFSET 0) m;
		ANALYZE $function});
	my $molecules = $node->safe_psql('postgres', "SELECT count(*) FROM $function WHERE bit_count(fp) > 0");
	cmp_ok($molecules, '>=', 600, "$function: $molecules molecules have a fingerprint");
	# Two empty fingerprints: as far apart as can be for us, equal for the cartridge.
	is($node->safe_psql('postgres', qq{
		SELECT count(*), count(*) FILTER (WHERE a.fp <%> b.fp = CASE WHEN empty THEN 1 ELSE 1 - tanimoto_sml(a.bfp, b.bfp) END),
			count(*) FILTER (WHERE bytea_to_bit(bfp_to_binary_text(a.bfp)) <%> b.fp = a.bfp <%> b.bfp OR empty)
			FROM $function a, $function b, LATERAL (SELECT bit_count(a.fp | b.fp) = 0) e (empty)}),
		'390625|390625|390625', "$function: every distance is 1 - tanimoto_sml");
	is($node->safe_psql('postgres', qq{
		SELECT count(*), count(*) FILTER (WHERE ours = theirs) FROM (SELECT * FROM $function WHERE bit_count(fp) > 0) q,
			LATERAL (SELECT array_agg(1 - tanimoto_sml(q.bfp, bfp)) AS ours FROM
				(SELECT bfp FROM $function ORDER BY q.fp <%> fp LIMIT 50) n) o,
			LATERAL (SELECT array_agg(1 - similarity) AS theirs FROM
				(SELECT tanimoto_sml(q.bfp, bfp) AS similarity FROM $function ORDER BY 1 DESC LIMIT 50) n) t}),
		"$molecules|$molecules", "$function: neighbours of all molecules come in the cartridge's order");
}
is(error('SELECT bfp_to_binary_text(bfp)::bit(167) FROM maccs_fp'), '22026 bit string length 168 does not match type bit(167)',
	'a fingerprint of another length is refused');

# As the user's guide has it: a generated column.
$node->safe_psql('postgres', q{
	CREATE TABLE compound (id int PRIMARY KEY, mol mol,
		fp bit(512) GENERATED ALWAYS AS (bfp_to_binary_text(morganbv_fp(mol))::bit(512)) STORED);
	INSERT INTO compound (id, mol) SELECT id, mol FROM molecule});
is($node->safe_psql('postgres', 'SELECT count(*) FROM compound JOIN morganbv_fp USING (id, fp)'), '625', 'a generated column');

# By the index.
for my $function (qw(morganbv_fp rdkit_fp))
{
	$node->safe_psql('postgres', "CREATE INDEX ${function}_hnsw ON $function USING hnsw (fp bit_jaccard_ops)");
	my $settings = 'SET enable_seqscan = off; SET enable_sort = off; SET hnsw.ef_search = 100;';
	my $query = "SELECT array_agg(d) FROM (SELECT q.fp <%> fp AS d FROM $function ORDER BY q.fp <%> fp LIMIT 20) n";
	like($node->safe_psql('postgres', "$settings EXPLAIN SELECT id, ($query) FROM $function q"),
		qr/Index Scan using ${function}_hnsw/, "$function: the plan has the index");
	$node->safe_psql('postgres', "CREATE TABLE ${function}_index (id, found) AS SELECT 0, NULL::float8[] LIMIT 0;
		$settings INSERT INTO ${function}_index SELECT id, ($query) FROM $function q");
	my $shared = $node->safe_psql('postgres', qq{
		SET enable_indexscan = off;
		SELECT avg((SELECT count(*) FROM unnest(found) d WHERE d <= exact[20]) / 20.0) FROM
			(SELECT found, ($query) AS exact FROM ${function}_index JOIN $function q USING (id)) e});
	cmp_ok($shared, '>', 0.995, "$function: recall@20 of the index, $shared");
	is($node->safe_psql('postgres', qq{
		SELECT count(*) FROM ${function}_index WHERE found <> ARRAY(SELECT d FROM unnest(found) d ORDER BY d) OR found[20] IS NULL}),
		'0', "$function: all of them, nearest first");
	is($node->safe_psql('postgres', "SELECT * FROM hnsw_check('${function}_hnsw')"), '', "$function: the index is sound");
}

$node->stop;
done_testing();
