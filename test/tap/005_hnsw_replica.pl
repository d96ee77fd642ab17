# The hnsw index on a streaming replica: the same answers as on the primary after inserts, deletes, vacuum and REINDEX, also
# while they are replayed; promotion. The index of an unlogged table is empty and sound after a crash.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', join "\n", 'autovacuum = off', 'log_statement = none', 'shared_buffers = 32MB');
$primary->start;
$primary->backup('backup');
my $replica = PostgreSQL::Test::Cluster->new('replica');
$replica->init_from_backup($primary, 'backup', has_streaming => 1);
$replica->append_conf('postgresql.conf', 'max_standby_streaming_delay = 2s');
$replica->start;

$primary->safe_psql('postgres', q{
	CREATE EXTENSION medvec;
	CREATE FUNCTION made(dim int, key int) RETURNS vector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
		'SELECT array_agg(sin(key * 7.13 + g * key * 0.37))::vector FROM generate_series(1, dim) g'});
# The index of sparse vectors is made empty: its blocks hold 256 of their non-zeros, and from REINDEX on all.
my %tables = (
	small => { type => 'vector', dim => 8, rows => 1200 },
	filtered => { type => 'vector', dim => 40, rows => 900, columns => ', id' },
	across => { type => 'vector', dim => 1300, rows => 100 },
	long => { type => 'vector', dim => 9000, rows => 20 },
	sparse => { type => 'sparsevec', dim => 16000, rows => 8 });
for my $table (sort keys %tables)
{
	my ($type, $dim, $rows) = @{ $tables{$table} }{qw(type dim rows)};
	my $columns = $tables{$table}{columns} // '';
	$primary->safe_psql('postgres', qq{
		CREATE TABLE $table (id int, v $type($dim));
		CREATE INDEX ${table}_v_idx ON $table USING hnsw (v ${type}_l2_ops$columns) WITH (m = 8, ef_construction = 32);
		INSERT INTO $table SELECT i, made($dim, i - i % 5) FROM generate_series(1, $rows) i});
}

# What index scans answer: by a walk alone, and all rows.
sub answers
{
	my ($node) = @_;
	return join "\n", map {
		my $dim = $tables{$_}{dim};
		$node->safe_psql('postgres', qq{
			SET enable_seqscan = off;
			SET enable_sort = off;
			SET hnsw.iterative_scan = off;
			SELECT '$_', q, array_agg(id ORDER BY d, id) FROM generate_series(3, 60, 9) q,
				LATERAL (SELECT id, v <-> made($dim, q) AS d FROM $_ ORDER BY v <-> made($dim, q) LIMIT 25) n GROUP BY q ORDER BY q;
			SELECT '$_', q, array_agg(id ORDER BY d, id) FROM generate_series(3, 60, 9) q,
				LATERAL (SELECT id, v <-> made($dim, q) AS d FROM $_ WHERE id BETWEEN 5 AND 800 ORDER BY v <-> made($dim, q) LIMIT 25) n
				GROUP BY q ORDER BY q;
			SET hnsw.iterative_scan = relaxed_order;
			SELECT '$_', count(*), count(DISTINCT id), sum(id) FROM (SELECT id FROM $_ ORDER BY v <-> made($dim, 4)) n});
	} sort keys %tables;
}

sub same
{
	my ($when) = @_;
	$primary->wait_for_catchup($replica);
	is(answers($replica), answers($primary), "$when: the same answers");
	is($replica->safe_psql('postgres', "SELECT * FROM hnsw_check('${_}_v_idx') WHERE problem !~ 'no path of links'"), '',
		"$when: the replica's index of $_ is sound")
	  for sort keys %tables;
}

same('inserts');
$primary->safe_psql('postgres', "DELETE FROM $_ WHERE id % 3 = 0 OR id % 5 = 1") for sort keys %tables;
same('deletes');
$primary->safe_psql('postgres', "VACUUM $_") for sort keys %tables;
same('vacuum');
$primary->safe_psql('postgres',
	"INSERT INTO $_ SELECT i, made($tables{$_}{dim}, i - i % 4) FROM generate_series(10001, 10000 + $tables{$_}{rows}) i")
  for sort keys %tables;
same('inserts into slots used before');
$primary->safe_psql('postgres', "UPDATE $_ SET v = made($tables{$_}{dim}, id + 7) WHERE id % 7 = 0") for sort keys %tables;
same('updates');
$primary->safe_psql('postgres', "REINDEX INDEX ${_}_v_idx") for sort keys %tables;
same('REINDEX');
$primary->safe_psql('postgres', "REINDEX INDEX CONCURRENTLY ${_}_v_idx") for sort keys %tables;
same('REINDEX CONCURRENTLY');

# Scans on the replica during the replay of it all. A scan's answers are of its snapshot: those rows that neither come nor
# go are in it, each once.
$primary->safe_psql('postgres', q{
	CREATE SEQUENCE came START 100001;
	CREATE PROCEDURE churn(rounds int) LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. rounds LOOP
			INSERT INTO small SELECT nextval('came'), made(8, (random() * 3000)::int) FROM generate_series(1, 60) k;
			COMMIT;
			DELETE FROM small WHERE id > 100000 AND random() < 0.5;
			COMMIT;
		END LOOP;
	END $$});
$primary->wait_for_catchup($replica);
my $churn = $primary->basedir . '/churn';
append_to_file("$churn.sql", join "\n", ("CALL churn(4);\nVACUUM small;") x 40);
my $load = IPC::Run::start([ 'psql', '-X', '-q', '-d', $primary->connstr('postgres'), '-f', "$churn.sql" ],
	'<', '/dev/null', '>', '/dev/null', '2>', "$churn.err");
my $stay = $primary->safe_psql('postgres', 'SELECT count(*), sum(id) FROM small WHERE id < 100000');
my ($scans, $conflicts, @wrong) = (0, 0);
my $until = time + 8;
while (time < $until)
{
	my ($status, $found, $error) = $replica->psql('postgres', q{
		SET enable_seqscan = off;
		SET enable_sort = off;
		SET hnsw.iterative_scan = relaxed_order;
		SELECT count(*) FILTER (WHERE id < 100000), sum(id) FILTER (WHERE id < 100000) FROM (SELECT id FROM small ORDER BY v <-> made(8, 77)) n;
		SELECT id FROM (SELECT id FROM small ORDER BY v <-> made(8, 78)) n GROUP BY id HAVING count(*) > 1});
	if ($error =~ /conflict with recovery/) { ++$conflicts; next }
	++$scans;
	push @wrong, "$found $error" if $status != 0 || $found ne $stay;
}
$load->kill_kill;
diag("$scans scans during replay, $conflicts cancelled by it");
is("@wrong[0 .. ($#wrong < 4 ? $#wrong : 4)]", '', 'scans during replay');
cmp_ok($scans, '>', 0, 'there were some');
$primary->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'psql' AND query LIKE 'CALL churn%' AND pid <> pg_backend_pid()});
same('load');

# An unlogged table's index begins anew after a crash.
$primary->safe_psql('postgres', q{
	CREATE UNLOGGED TABLE brief (id int, v vector(8));
	INSERT INTO brief SELECT i, made(8, i) FROM generate_series(1, 500) i;
	CREATE INDEX ON brief USING hnsw (v vector_l2_ops);
	INSERT INTO brief SELECT i, made(8, i) FROM generate_series(501, 600) i;
	CREATE TABLE later (id int, v vector(8));
	INSERT INTO later SELECT i, made(8, i) FROM generate_series(1, 500) i;
	CREATE INDEX ON later USING hnsw (v vector_l2_ops);
	ALTER TABLE later SET UNLOGGED});
$primary->stop('immediate');
$primary->start;
for my $table (qw(brief later))
{
	is($primary->safe_psql('postgres', "SELECT count(*) FROM $table"), '0', "$table: unlogged and empty after a crash");
	is($primary->safe_psql('postgres', "SELECT * FROM hnsw_check('${table}_v_idx')"), '', "$table: the empty index is sound");
	$primary->safe_psql('postgres', "INSERT INTO $table SELECT i, made(8, i) FROM generate_series(1, 300) i; VACUUM $table");
	is( $primary->safe_psql('postgres', "SET enable_seqscan = off; SET enable_sort = off; SET hnsw.iterative_scan = relaxed_order;
			SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM $table ORDER BY v <-> made(8, 5)) n"),
		'300|300', "$table: rows inserted after it are found");
	is($primary->safe_psql('postgres', "SELECT * FROM hnsw_check('${table}_v_idx') WHERE problem !~ 'no path of links'"), '',
		"$table: and the index is sound");
}

# The replica takes over.
$primary->wait_for_catchup($replica);
$primary->stop('immediate');
$replica->promote;
my $promoted = answers($replica);
$replica->safe_psql('postgres', "DELETE FROM $_ WHERE id % 11 = 0; INSERT INTO $_ SELECT -i, made($tables{$_}{dim}, -i) FROM generate_series(1, 50) i")
  for sort keys %tables;
$replica->safe_psql('postgres', "VACUUM $_") for sort keys %tables;
for my $table (sort keys %tables)
{
	my $dim = $tables{$table}{dim};
	is( $replica->safe_psql('postgres', qq{
			SET enable_seqscan = off; SET enable_sort = off; SET hnsw.iterative_scan = relaxed_order;
			CREATE TEMP TABLE found AS SELECT id FROM $table ORDER BY v <-> made($dim, 9);
			SET enable_seqscan = on; SET enable_indexscan = off;
			SELECT id FROM found EXCEPT ALL SELECT id FROM $table;
			SELECT id FROM $table EXCEPT ALL SELECT id FROM found}),
		'', "promoted: all rows of $table, once");
	is($replica->safe_psql('postgres', "SELECT * FROM hnsw_check('${table}_v_idx') WHERE problem !~ 'no path of links'"), '',
		"promoted: the index of $table is sound");
}

done_testing();
