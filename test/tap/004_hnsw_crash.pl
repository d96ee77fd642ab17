# The hnsw index through crashes: kill -9 of a backend, or of the whole server, in the middle of inserts, updates, deletes,
# vacuum and builds by several sessions. After each recovery every committed row comes out of an index scan, once.
#
# MEDVEC_CRASH_ROUNDS: how many crashes (4). MEDVEC_CRASH_SEED: to repeat a run's choices, though not its timing.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $rounds = $ENV{MEDVEC_CRASH_ROUNDS} // 4;
my $seed = $ENV{MEDVEC_CRASH_SEED} // int(time * 1000) % 1_000_000;
srand($seed);
diag("$rounds rounds, seed $seed");

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', join "\n", 'autovacuum = off', 'restart_after_crash = on', 'log_statement = none',
	'max_wal_size = 1GB', 'shared_buffers = 32MB', 'log_min_messages = log');
$node->start;

# One table for each way blocks lie in pages: several in a page, over page boundaries, longer than two pages, as long as
# they can be (each vector with as many non-zeros as it may have).
my %tables = (
	small => { type => 'vector', dim => 8, rows => 1500 },
	across => { type => 'vector', dim => 1300, rows => 120 },
	long => { type => 'vector', dim => 9000, rows => 25 },
	sparse => { type => 'sparsevec', dim => 16000, rows => 12 });
$node->safe_psql('postgres', q{
	CREATE EXTENSION medvec;
	CREATE FUNCTION made(dim int, key int) RETURNS vector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
		'SELECT array_agg(sin(key * 7.13 + g * key * 0.37))::vector FROM generate_series(1, dim) g';
	-- now and then one of few, so that equal vectors share a node
	CREATE FUNCTION any_key() RETURNS int LANGUAGE sql VOLATILE AS
		'SELECT (CASE WHEN random() < 0.3 THEN random() * 20 ELSE 100 + random() * 100000 END)::int';
	CREATE PROCEDURE churn(tab regclass, dim int, wanted int) LANGUAGE plpgsql AS $$
	DECLARE
		choice float8;
		there int;
	BEGIN
		PERFORM set_config('enable_seqscan', 'on', false);
		LOOP
			choice := random();
			EXECUTE format('SELECT count(*) FROM %s', tab) INTO there;
			IF there > 1.5 * wanted THEN
				EXECUTE format('DELETE FROM %s WHERE random() < 0.6', tab);
			ELSIF choice < 0.5 THEN
				EXECUTE format('INSERT INTO %s (v) SELECT made($1, any_key()) FROM generate_series(1, (random() * $2)::int)', tab)
					USING dim, wanted / 30 + 2;
			ELSIF choice < 0.6 THEN
				BEGIN
					EXECUTE format('INSERT INTO %s (v) SELECT made($1, any_key()) FROM generate_series(1, 5)', tab) USING dim;
					RAISE EXCEPTION 'taken back';
				EXCEPTION WHEN raise_exception THEN NULL;
				END;
			ELSIF choice < 0.75 THEN
				EXECUTE format('UPDATE %s SET v = made($1, any_key()) WHERE random() < 0.02', tab) USING dim;
				EXECUTE format('UPDATE %s SET kind = kind + 1 WHERE random() < 0.02', tab);
			ELSIF choice < 0.92 THEN
				EXECUTE format('DELETE FROM %s WHERE random() < 0.05', tab);
			ELSE
				SET LOCAL enable_seqscan = off;
				EXECUTE format('SELECT count(*) FROM (SELECT id FROM %s %s ORDER BY v <-> made($1, any_key()) LIMIT 40) s', tab,
					CASE WHEN choice < 0.96 THEN 'WHERE kind BETWEEN 3 AND 5' END) INTO there USING dim;
			END IF;
			COMMIT;
		END LOOP;
	END $$});
for my $table (sort keys %tables)
{
	my ($type, $dim, $rows) = @{ $tables{$table} }{qw(type dim rows)};
	$node->safe_psql('postgres', qq{
		CREATE TABLE $table (id bigserial, kind int DEFAULT (random() * 9)::int, v $type($dim));
		INSERT INTO $table (v) SELECT made($dim, any_key()) FROM generate_series(1, $rows);
		CREATE INDEX ${table}_v_idx ON $table USING hnsw (v ${type}_l2_ops, kind, id, (ARRAY[kind]))
			WITH (m = 8, ef_construction = 32)});
}
$node->safe_psql('postgres', q{
	CREATE TABLE built (id bigserial, v vector(8));
	INSERT INTO built (v) SELECT made(8, any_key()) FROM generate_series(1, 3000)});

my $log_offset = 0;

# The index of a table gives each of its rows once, and the nearest among the first.
sub check
{
	my ($table, $when) = @_;
	my $dim = $tables{$table}{dim};
	my $lost = $node->safe_psql('postgres', qq{
		SET enable_sort = off;
		SET hnsw.ef_search = 400;
		SET hnsw.iterative_scan = relaxed_order;
		CREATE TEMP TABLE truth AS SELECT id FROM $table;
		SET enable_seqscan = off;
		CREATE TEMP TABLE found AS SELECT id FROM $table ORDER BY v <-> made($dim, 5);
		SELECT 'lost ' || id FROM truth EXCEPT ALL SELECT 'lost ' || id FROM found LIMIT 5;
		SELECT 'not there ' || id FROM found EXCEPT ALL SELECT 'not there ' || id FROM truth LIMIT 5});
	is($lost, '', "$when: all rows of $table, once");
	my $filtered = $node->safe_psql('postgres', qq{
		SET enable_seqscan = off;
		SET enable_sort = off;
		SELECT count(*) FROM generate_series(0, 12) k, LATERAL (SELECT id, kind FROM $table WHERE kind = k ORDER BY v <-> made($dim, 5)) f
			WHERE f.kind = k;
		SET enable_indexscan = off;
		SET enable_sort = on;
		SELECT count(*) FROM $table WHERE kind BETWEEN 0 AND 12});
	like($filtered, qr/^(\d+)\n\1$/, "$when: rows of $table by their filter column");
	my $recall = $node->safe_psql('postgres', qq{
		CREATE TEMP TABLE query AS SELECT q, made($dim, 1000 + 777 * q) AS v FROM generate_series(1, 10) q;
		SET enable_indexscan = off;
		CREATE TEMP TABLE truth AS SELECT q, d FROM query,
			LATERAL (SELECT $table.v <-> query.v AS d FROM $table ORDER BY 1 LIMIT 10) n;
		SET enable_indexscan = on;
		SET enable_seqscan = off;
		SET hnsw.ef_search = 100;
		CREATE TEMP TABLE found AS SELECT q, d FROM query,
			LATERAL (SELECT $table.v <-> query.v AS d FROM $table ORDER BY $table.v <-> query.v LIMIT 10) n;
		SELECT count(*) >= 0.8 * (SELECT count(*) FROM truth)
		FROM found f WHERE d <= (SELECT max(d) FROM truth t WHERE t.q = f.q)});
	is($recall, 't', "$when: recall on $table");
	# That farther nodes lose their last link to nearer ones is a matter of recall, not of crashes.
	is($node->safe_psql('postgres', "SELECT * FROM hnsw_check('${table}_v_idx') WHERE problem !~ 'no path of links'"), '',
		"$when: hnsw_check of $table");
}

# A session that runs statements from a file until its server dies.
my $sessions = 0;
sub start_psql
{
	my ($sql) = @_;
	my $file = $node->basedir . '/session' . ++$sessions;
	append_to_file("$file.sql", $sql);
	my $psql = IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-f', "$file.sql" ],
		'<', '/dev/null', '>', '/dev/null', '2>', "$file.err");
	return { psql => $psql, said => "$file.err" };
}

# What went wrong in the sessions. Deadlocks of updates of one table are no fault of the index.
sub finish
{
	my $said = '';
	for (@_)
	{
		$_->{psql}->finish;
		$said .= slurp_file($_->{said});
	}
	return join "\n", grep { /ERROR/ && !/deadlock detected/ } split /\n/, $said;
}

# Sessions until the crash: rows come and go in each table, vacuum goes round, an index is built again and again.
sub start_load
{
	my @sessions;
	for my $table (sort keys %tables)
	{
		push @sessions, start_psql("CALL churn('$table', $tables{$table}{dim}, $tables{$table}{rows});\n" x 100)
		  for 1 .. ($table eq 'small' ? 3 : 1);
	}
	push @sessions, start_psql(join "\n", ("VACUUM small; VACUUM across; VACUUM small; VACUUM long; VACUUM sparse;") x 300);
	push @sessions, start_psql(join "\n", ('CREATE INDEX built_idx ON built USING hnsw (v vector_l2_ops);
		INSERT INTO built (v) SELECT made(8, any_key()) FROM generate_series(1, 20);
		REINDEX INDEX CONCURRENTLY built_idx; DROP INDEX built_idx;') x 100);
	return @sessions;
}

sub children { return grep { /^\d+$/ } split /\s+/, `ps -o pid= --ppid $_[0]`; }

for my $round (1 .. $rounds)
{
	# Of what replay makes of a page, each byte is compared with what it was, in one round.
	my $consistency = $round == 2;
	$node->safe_psql('postgres', sprintf "ALTER SYSTEM SET wal_consistency_checking = '%s'", $consistency ? 'all' : '');
	$node->reload;
	$node->safe_psql('postgres', 'CHECKPOINT') if $consistency || rand() < 0.3;

	my @sessions = start_load();
	sleep(0.5 + rand(2.5));
	my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
	my $whole = $round % 2 == 0;
	my $when = sprintf 'round %d, %s%s', $round, $whole ? 'server' : 'backend', $consistency ? ', pages compared' : '';
	my $said;
	if ($whole)
	{
		my @all = ($postmaster, children($postmaster));
		kill 'KILL', @all;
		$said = finish(@sessions);
		sleep(0.05) while grep { kill 0, $_ } @all;
		$node->{_pid} = undef;
		$node->start;
	}
	else
	{
		my @backends = split /\n/, $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'
			AND pid <> pg_backend_pid() AND state = 'active'});
		kill 'KILL', $backends[ rand @backends ];
		$said = finish(@sessions);
		$node->poll_query_until('postgres', 'SELECT true') or die 'no recovery';
	}
	is($said, '', "$when: the load ran without errors until then");
	my $log = slurp_file($node->logfile);
	my $new = $whole ? $log : substr $log, $log_offset;
	$log_offset = length $log;
	like($new, qr/redo done/, "$when: there was something to recover");
	unlike($new, qr/PANIC|XX00[0-2]|inconsistent page|corrupted at block|TRAP/, "$when: nothing alarming in the log");

	check($_, $when) for sort keys %tables;
	if ($round % 3 != 1)
	{
		$node->safe_psql('postgres', "VACUUM $_") for sort keys %tables;
		check($_, "$when, after vacuum") for sort keys %tables;
	}
	# Builds that did not come to an end leave nothing, or an index that says that it is invalid.
	$node->safe_psql('postgres', $_ . ';')
	  for split /\n/, $node->safe_psql('postgres', q{SELECT 'DROP INDEX ' || indexrelid::regclass FROM pg_index WHERE indrelid = 'built'::regclass});
}

done_testing();
