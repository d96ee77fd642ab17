# Tables with columns of every type medvec brings, and what is asked of them, for tests that carry them from one place to another.
package Columns;
use strict;
use warnings;

my @stored = qw(id v loose h s b signs vb list halves sparse checked nested pair);
sub stored { return @stored }

sub definitions
{
	return q{
		CREATE DOMAIN unit AS vector(3) CHECK (abs(vector_norm(VALUE) - 1) < 1e-5);
		CREATE DOMAIN signs AS bit(12);
		CREATE TYPE two AS (a vector, b halfvec, c sparsevec);
		CREATE TABLE item (
			id int PRIMARY KEY,
			v vector(12), loose vector, h halfvec(12), s sparsevec(12), b bit(12), signs signs, vb varbit,
			list vector(2)[], halves halfvec[], sparse sparsevec(5)[][], checked unit, nested unit[], pair two,
			quantized bit(12) GENERATED ALWAYS AS (binary_quantize(v)) STORED,
			half halfvec(12) GENERATED ALWAYS AS (v) STORED,
			first vector(3) GENERATED ALWAYS AS (subvector(v, 1, 3)) STORED,
			CHECK (vector_dims(loose) < 10));
		CREATE TABLE ends (id int PRIMARY KEY, v vector(3), h halfvec(3), s sparsevec(1000000000), b varbit);
		CREATE INDEX item_v_l2 ON item USING hnsw (v vector_l2_ops);
		CREATE INDEX item_v_cosine ON item USING hnsw (v vector_cosine_ops) WITH (m = 8, ef_construction = 32);
		CREATE INDEX item_h ON item USING hnsw (h halfvec_l2_ops);
		CREATE INDEX item_s ON item USING hnsw (s sparsevec_l2_ops);
		CREATE INDEX item_quantized ON item USING hnsw (quantized bit_hamming_ops);
		CREATE INDEX item_b ON item USING hnsw (b bit_jaccard_ops);
		CREATE INDEX item_expression ON item USING hnsw ((v::halfvec(12)) halfvec_ip_ops) WHERE id > 10;
		CREATE INDEX item_order ON item (h, s);
	};
}

sub rows
{
	return q{
		INSERT INTO item (id, v, loose, h, s, b, signs, vb, list, halves, sparse, checked, nested, pair)
		SELECT i, made, array_fill(1.0 / i, ARRAY[i % 5 + 1])::vector, made, made, (i * 7919 % 4096)::bit(12), (i % 4096)::bit(12), (i * 7919 % 4096)::bit(12)::varbit,
			ARRAY[ARRAY[i, -i]::vector, NULL], ARRAY[made::halfvec, '[1]'], ARRAY[[NULL, '{1:2,5:-0.5}/5']]::sparsevec[],
			l2_normalize(ARRAY[i, 1, -1]::vector), ARRAY[l2_normalize(ARRAY[i, 2, -1]::vector)]::unit[],
			ROW(made, '[0.5]', '{}/3')::two
		FROM generate_series(1, 600) i,
			LATERAL (SELECT (SELECT array_agg(sin(i * k * 0.73 + k)) FROM generate_series(1, 12) k)::vector AS made) m;
		INSERT INTO item (id, loose, h, s, list, b) VALUES
			(1001, '[1]', '[0,0,0,0,0,0,0,0,0,0,0,1]', '{}/12', '{}', B'000000000000'),
			(1002, NULL, NULL, NULL, '{NULL}', NULL),
			(1003, NULL, NULL, NULL, NULL, B'111111111111');
		INSERT INTO item (id, pair) VALUES (1004, ROW(NULL, NULL, NULL)::two);
		INSERT INTO ends VALUES
			(1, '[3.4028235e38,-3.4028235e38,1e-45]', '[65504,-65504,6e-8]', '{1:3.4028235e38,1000000000:-1e-45}/1000000000', B''),
			(2, '[0,-0,1.1754944e-38]', '[0,-0,6.104e-5]', '{}/1000000000', B'1'),
			(3, NULL, NULL, NULL, NULL);
	};
}

# What a dump carries and replication does not.
sub derived
{
	return q{
		CREATE MATERIALIZED VIEW mean AS SELECT id % 7 AS class, avg(v)::vector(12) AS v, avg(h) AS h FROM item WHERE v IS NOT NULL GROUP BY 1;
		CREATE INDEX mean_v ON mean USING hnsw (v vector_l2_ops);
		CREATE VIEW near AS SELECT id, v <-> array_fill(1, ARRAY[12])::vector AS distance, b <~> quantized AS bits FROM item;
		CREATE TABLE wide (id int, v vector(20000), s sparsevec(1000000000));
		INSERT INTO wide SELECT i, array_fill(i / 7.0, ARRAY[20000])::vector, '{1:1,1000000000:2}/1000000000' FROM generate_series(1, 3) i;
	};
}

sub contents
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, q{
		SELECT t FROM item t ORDER BY id;
		SELECT t FROM ends t ORDER BY id;
		SELECT to_regclass('mean') IS NULL AS no_views \gset
		\if :no_views
		\else
		SELECT * FROM mean ORDER BY class;
		SELECT * FROM near ORDER BY id;
		SELECT id, vector_dims(v), md5(v::text), s FROM wide ORDER BY id;
		\endif
		SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'wide' AND tablename <> 'mean' ORDER BY 1;
		SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'item'::regclass AND attnum > 0 ORDER BY attnum});
}

# What hnsw_check finds, and for each index whether the nearest row to a row of the table is that row.
sub unsound
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, q{
		SELECT i.oid::regclass, c.problem FROM pg_class i JOIN pg_am a ON a.oid = i.relam, LATERAL hnsw_check(i.oid) c
		WHERE a.amname = 'hnsw' AND c.problem !~ 'no path of links';
		SET enable_seqscan = off;
		SET enable_sort = off;
		SET hnsw.ef_search = 200;
		SELECT 'v', q.id FROM item q WHERE q.id % 60 = 0 AND q.id <> (SELECT id FROM item ORDER BY v <-> q.v LIMIT 1);
		SELECT 'v cosine', q.id FROM item q WHERE q.id % 60 = 0 AND q.id <> (SELECT id FROM item ORDER BY v <=> q.v LIMIT 1);
		SELECT 'h', q.id FROM item q WHERE q.id % 60 = 0 AND q.id <> (SELECT id FROM item ORDER BY h <-> q.h LIMIT 1);
		SELECT 's', q.id FROM item q WHERE q.id % 60 = 0 AND q.id <> (SELECT id FROM item ORDER BY s <-> q.s LIMIT 1);
		SELECT 'quantized', q.id FROM item q WHERE q.id % 60 = 0 AND (SELECT quantized <~> q.quantized FROM item ORDER BY quantized <~> q.quantized LIMIT 1) <> 0;
		SELECT 'b', q.id FROM item q WHERE q.id % 60 = 0 AND (SELECT b <%> q.b FROM item ORDER BY b <%> q.b LIMIT 1) <> 0});
}

1;
