# scripts/migrate-from-pgvector, from the real pgvector: every type, indexes of every operator class, domains, arrays, generated
# columns, views, functions, partitions, privileges; the same answers afterwards, and an error where something did not come over.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use ServerTree;

plan skip_all => 'there is no pgvector (scripts/test fetches it: MEDVEC_SOURCE, MEDVEC_PGVECTOR)'
  unless $ENV{MEDVEC_SOURCE} && $ENV{MEDVEC_PGVECTOR};

my $node = PostgreSQL::Test::Cluster->new('migration', install_path => ServerTree::copy(pgvector => 1)->{server});
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE $_") for qw(old new without);
$node->safe_psql('postgres', 'CREATE ROLE reader; CREATE ROLE keeper');

my %opclasses = (
	vector => [qw(l2 ip cosine l1)],
	halfvec => [qw(l2 ip cosine l1)],
	sparsevec => [qw(l2 ip cosine l1)],
	bit => [qw(hamming jaccard)]);
my %operators = (l2 => '<->', ip => '<#>', cosine => '<=>', l1 => '<+>', hamming => '<~>', jaccard => '<%>');

# pgvector in a schema of its own, whose name needs quotes.
my $path = 'SET search_path = public, "Vector types";';
$node->safe_psql('old', qq{
	SET client_min_messages = error;
	CREATE SCHEMA "Vector types" AUTHORIZATION keeper;
	GRANT USAGE ON SCHEMA "Vector types" TO PUBLIC;
	CREATE EXTENSION vector SCHEMA "Vector types";
	$path
	CREATE TABLE item (id int PRIMARY KEY, name text DEFAULT 'x', vector vector(6), halfvec halfvec(6), sparsevec sparsevec(6), bit bit(16), any_dimension vector);
	INSERT INTO item (id, vector, any_dimension)
		SELECT i, ARRAY[sin(i), cos(i * 1.7), sin(i * 0.31), i / 1000.0, cos(i * 3.3), sin(i * 5.9)]::vector, array_fill(i, ARRAY[i % 5 + 1])::vector
		FROM generate_series(1, 1000) i;
	UPDATE item SET halfvec = vector, sparsevec = vector, bit = lpad((id * 7919 % 65536)::bit(16)::text, 16, '0')::bit(16);
	INSERT INTO item (id) VALUES (2001);
	INSERT INTO item VALUES (2002, 'zero', '[0,0,0,0,0,0]', '[0,0,0,0,0,0]', '{}/6', B'0000000000000000', '[-0]');
	GRANT SELECT ON item TO reader;
	GRANT SELECT (id), UPDATE (vector) ON item TO keeper;
	ALTER TABLE item ENABLE ROW LEVEL SECURITY;
	CREATE POLICY near ON item USING (vector OPERATOR("Vector types".<->) '[0,0,0,0,0,0]' < 100);

	CREATE DOMAIN unit AS vector(3) CHECK (abs(vector_norm(VALUE) - 1) < 1e-5);
	CREATE TYPE pair AS (a vector, b halfvec);
	CREATE TABLE "Other item" (
		id serial PRIMARY KEY,
		u unit,
		list vector(2)[],
		halves halfvec[],
		sparse sparsevec[],
		mixed pair,
		quantized bit(3) GENERATED ALWAYS AS (binary_quantize(u)) STORED,
		long vector(4) GENERATED ALWAYS AS (u || '[1]'::vector) STORED,
		CHECK (u <=> '[1,0,0]' < 1.9),
		EXCLUDE USING btree (u WITH =));
	INSERT INTO "Other item" (u, list, halves, sparse, mixed)
		SELECT l2_normalize(ARRAY[i, 1, -1]::vector), ARRAY[ARRAY[i, 2]::vector, NULL], ARRAY['[1.5]'::halfvec], ARRAY['{1:2}/3'::sparsevec], ROW('[1,2]', '[3]')::pair
		FROM generate_series(1, 50) i;
	CREATE INDEX ON "Other item" USING hnsw (quantized bit_hamming_ops);

	CREATE TABLE part (k int, v vector(3)) PARTITION BY RANGE (k);
	CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (100);
	CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (100) TO (200);
	INSERT INTO part SELECT i, ARRAY[i, sin(i), 3]::vector FROM generate_series(0, 199) i;
	CREATE INDEX ON part USING hnsw (v vector_l2_ops);
	CREATE INDEX ON part USING ivfflat (v vector_cosine_ops) WITH (lists = 2);

	CREATE VIEW near AS SELECT id, vector <-> '[1,2,3,4,5,6]' AS distance, (halfvec + halfvec)::real[] AS twice FROM item;
	CREATE MATERIALIZED VIEW mean AS SELECT id % 10 AS class, avg(vector)::vector(6) AS mean FROM item GROUP BY 1;
	CREATE INDEX ON mean USING ivfflat (mean vector_ip_ops) WITH (lists = 1);
	CREATE FUNCTION nearest(to_what vector) RETURNS int LANGUAGE sql STABLE AS
		'SELECT id FROM public.item ORDER BY vector OPERATOR("Vector types".<->) to_what LIMIT 1';
	CREATE FUNCTION checked(v vector) RETURNS float8 LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT v <#> '[1,1,1,1,1,1]'::vector; END;

	CREATE INDEX ON item (vector);
	CREATE INDEX ON item (halfvec, sparsevec);
	CREATE INDEX ON item USING hnsw (((vector + vector)::halfvec(6)) halfvec_l2_ops) WITH (m = 8, ef_construction = 40) WHERE id > 10;
	CREATE INDEX ON item USING hnsw ((binary_quantize(vector)::bit(6)) bit_hamming_ops);
	CREATE INDEX ON item USING hnsw ((subvector(vector, 1, 3)::vector(3)) vector_l2_ops);
	CREATE INDEX item_by_default ON item USING ivfflat (vector) WITH (lists = 3);
	COMMENT ON INDEX item_by_default IS 'of the default operator class';
	CREATE INDEX ON item USING ivfflat (bit bit_hamming_ops) WITH (lists = 3) WHERE name <> 'y'}
	  . join('', map { my $type = $_; map {
		  "; CREATE INDEX ON item USING hnsw ($type ${type}_${_}_ops)"
			. ($type =~ /^(vector|halfvec)$/ && $_ ne 'l1' ? "; CREATE INDEX ON item USING ivfflat ($type ${type}_${_}_ops) WITH (lists = 3)" : '')
	  } @{ $opclasses{$type} } } sort keys %opclasses));

sub migrate
{
	my ($from, $to, @options) = @_;
	my ($out, $err) = ('', '');
	my $done = IPC::Run::run([ "$ENV{MEDVEC_SOURCE}/scripts/migrate-from-pgvector", '--from', $node->connstr($from), '--to', $node->connstr($to), @options ],
		'>', \$out, '2>', \$err, init => sub { $ENV{PATH} = $node->config_data('--bindir') . ":$ENV{PATH}" });
	return ($done, $out, $err);
}

# What is asked of both.
sub answers
{
	my ($database) = @_;
	my @answers = $node->safe_psql($database, qq{
		$path
		SET enable_indexscan = off;
		SELECT count(*), count(vector), count(bit) FROM item;
		SELECT * FROM "Other item" ORDER BY id LIMIT 5;
		SELECT count(*), count(DISTINCT quantized) FROM "Other item";
		SELECT * FROM part ORDER BY k LIMIT 5;
		SELECT id FROM near ORDER BY distance LIMIT 20;
		SELECT class, vector_dims(mean) FROM mean ORDER BY class;
		SELECT nearest('[0.1,0.2,0.3,0.4,0.5,0.6]'), checked('[1,2,3,4,5,6]');
		SELECT pg_typeof(u), pg_typeof(long), pg_typeof(list), pg_typeof(mixed) FROM "Other item" LIMIT 1;
		SELECT pg_get_viewdef('near'), pg_get_functiondef('checked'::regproc);
		SELECT has_table_privilege('reader', 'item', 'SELECT'), has_table_privilege('reader', 'item', 'UPDATE'),
			has_column_privilege('keeper', 'item', 'vector', 'UPDATE'), has_schema_privilege('reader', 'Vector types', 'USAGE');
		SELECT nspname, nspowner::regrole FROM pg_namespace WHERE nspname = 'Vector types';
		SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexdef ~ 'btree|WITH \\(m|binary_quantize|subvector|l1_ops' ORDER BY indexdef;
		SELECT obj_description('item_by_default'::regclass, 'pg_class')});
	for my $type (sort keys %opclasses)
	{
		for my $opclass (@{ $opclasses{$type} })
		{
			push @answers, "$type $opclass: " . $node->safe_psql($database, qq{
				$path
				SET enable_indexscan = off;
				SELECT array_agg(id ORDER BY round(distance::numeric, 4), id) FROM (
					SELECT o.id, o.$type $operators{$opclass} q.$type AS distance FROM item o, item q
					WHERE q.id = 17 AND o.id < 2000 ORDER BY round((o.$type $operators{$opclass} q.$type)::numeric, 4), o.id LIMIT 20) near});
		}
	}
	return join "\n", @answers;
}

my ($done, $out, $err) = migrate('old', 'new');
ok($done, 'everything is moved') or diag("$out$err");
is($err, '', 'without a word of complaint');
like($out, qr/all was restored and compares equal/, 'and compares equal, it says');
like($out, qr/tables: \d+ compared, 0 differ/, 'tables are compared');
like($out, qr/nearest neighbours: (\d+) compared, 0 differ/, 'and nearest neighbours');
like($out, qr/in place of an ivfflat index: CREATE INDEX item_by_default ON public.item USING hnsw \(vector "Vector types".vector_l2_ops\)\n/,
	'an ivfflat index becomes an hnsw index of its operator class');
is(answers('new'), answers('old'), 'the same answers');
is( $node->safe_psql('new', q{SELECT e.extname, n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql'}),
	'medvec|Vector types', 'from medvec, in the schema that pgvector was in');
my $indexes = q{SELECT count(*) FROM pg_index WHERE indrelid::regclass::text ~ 'item|part|mean'};
is($node->safe_psql('new', $indexes), $node->safe_psql('old', $indexes), 'as many indexes');
is($node->safe_psql('new', q{SELECT count(*) FROM pg_class i JOIN pg_am a ON a.oid = i.relam WHERE a.amname = 'ivfflat'}), '0', 'none is ivfflat');

# Every hnsw index of the table answers as an exact scan does.
for my $type (sort keys %opclasses)
{
	for my $opclass (@{ $opclasses{$type} })
	{
		my $search = qq{SELECT round((o.$type $operators{$opclass} (SELECT $type FROM item WHERE id = 17))::numeric, 3) FROM item o
			WHERE $type IS NOT NULL AND id < 2000 ORDER BY o.$type $operators{$opclass} (SELECT $type FROM item WHERE id = 17) LIMIT 10};
		my $through = $node->safe_psql('new', "$path SET enable_seqscan = off; SET enable_sort = off; SET hnsw.ef_search = 400; $search");
		my $exact = $node->safe_psql('new', "$path SET enable_indexscan = off; $search");
		is($through, $exact, "the index of ${type}_${opclass}_ops answers as an exact scan does");
	}
}

# Left out instead.
$node->safe_psql('postgres', 'DROP DATABASE new');
$node->safe_psql('postgres', 'CREATE DATABASE new');
($done, $out, $err) = migrate('old', 'new', '--ivfflat', 'skip', '--jobs', '2', '--no-privileges');
ok($done, 'moved without ivfflat indexes, by two at a time') or diag("$out$err");
is($err, '', 'without a word of complaint');
like($out, qr/left out: ivfflat index public\.item_by_default\n/, 'each is named');
is($node->safe_psql('new', "SELECT to_regclass('item_by_default')"), '', 'and is not there');
is($node->safe_psql('new', "SELECT has_table_privilege('reader', 'item', 'SELECT')"), 'f', 'privileges left out at will');

# What must not go by unseen.
$node->safe_psql('postgres', 'DROP DATABASE new');
$node->safe_psql('postgres', 'CREATE DATABASE new');
$node->safe_psql('new', q{CREATE SCHEMA "Vector types"; CREATE EXTENSION medvec SCHEMA "Vector types";
	CREATE TABLE part_1 (k int, v "Vector types".vector(3)); INSERT INTO part_1 VALUES (1, '[1,2,3]')});
($done, $out, $err) = migrate('old', 'new');
ok(!$done, 'an error where a table is in the way');
like($err, qr/relation "part_1" already exists/, 'pg_restore says what');
like($err, qr/differs: part_1|differs: public\.part_1/, 'the comparison sees it too');
like($err, qr/HINT: /, 'with a hint');
$node->safe_psql('without', 'CREATE TABLE t (a int)');
($done, $out, $err) = migrate('without', 'new');
ok(!$done, 'nothing to move from');
like($err, qr/there is no extension "vector" in the source/, 'is said');
$node->safe_psql('without', 'CREATE EXTENSION medvec');
($done, $out, $err) = migrate('old', 'without');
ok(!$done && $err =~ /the target has medvec in schema public/, 'not where medvec is in another schema than pgvector');
($done, $out, $err) = migrate('old', 'old');
ok(!$done && $err =~ /the target has extension "vector"/, 'not onto pgvector');
($done, $out, $err) = migrate('old', 'nowhere');
ok(!$done && $err =~ /the target cannot be read/, 'not to nowhere');

done_testing();
