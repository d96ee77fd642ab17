-- hnsw indexes on halfvec: answers, plans, changes, errors, limits.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

-- 300 rows, 5 zero vectors, 5 NULLs
CREATE TABLE items (id int PRIMARY KEY, v halfvec(6));
INSERT INTO items SELECT i, (pg_temp.uniform(i, 6) * '[9,9,9,9,9,9]' - '[4,4,4,4,4,4]')::halfvec FROM generate_series(1, 300) i;
INSERT INTO items SELECT i, '[0,0,0,0,0,0]' FROM generate_series(301, 305) i;
INSERT INTO items SELECT i, NULL FROM generate_series(306, 310) i;
SET hnsw.ef_search = 400;
CREATE INDEX by_l2 ON items USING hnsw (v halfvec_l2_ops);
CREATE INDEX by_ip ON items USING hnsw (v halfvec_ip_ops);
CREATE INDEX by_cosine ON items USING hnsw (v halfvec_cosine_ops);
CREATE INDEX by_l1 ON items USING hnsw (v halfvec_l1_ops);
SELECT operator, x, pg_temp.against_exact(format(
		'SELECT id, v %1$s ''[%2$s,1,-2,0.5,3,0]'' AS d FROM items WHERE v IS NOT NULL AND l2_norm(v) > 0 ORDER BY v %1$s ''[%2$s,1,-2,0.5,3,0]'' LIMIT 300',
		operator, x))
	FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator, unnest('{0.1,-7}'::text[]) x ORDER BY operator, x;
-- a filter above the index does not starve the LIMIT
SET hnsw.ef_search = 10;
SELECT operator, (pg_temp.against_exact(format('SELECT id, v %1$s ''[1,1,-2,0.5,3,0]'' AS d FROM items WHERE id %% 20 = 3 AND v IS NOT NULL ORDER BY v %1$s ''[1,1,-2,0.5,3,0]'' LIMIT 12', operator))).rows
	FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator;
SET hnsw.ef_search = 400;

SET enable_seqscan = off;
EXPLAIN (COSTS OFF, VERBOSE) SELECT id FROM items ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY '[1,1,1,1,1,1]' <=> v LIMIT 1;
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 1000) s;
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <=> '[1,1,1,1,1,1]' LIMIT 1000) s;
SELECT count(DISTINCT id), bool_and(d = 'NaN') FROM (SELECT id, v <=> '[0,0,0,0,0,0]' AS d FROM items ORDER BY d LIMIT 1000) s;
SELECT count(DISTINCT id), count(d) FROM (SELECT id, v <-> (SELECT NULL::halfvec) AS d FROM items ORDER BY d LIMIT 1000) s;
\set VERBOSITY sqlstate
SELECT id FROM items ORDER BY v <-> '[1,1]' LIMIT 1;
\set VERBOSITY terse
SELECT id FROM items ORDER BY v <-> '[1,1]' LIMIT 1;
INSERT INTO items VALUES (0, '[1,2]');
RESET enable_seqscan;

-- changes
DROP INDEX by_ip, by_cosine, by_l1;
\set nearest 'SELECT id, v <-> ''[1,1,-2,0.5,3,0]'' AS d FROM items WHERE v IS NOT NULL ORDER BY d LIMIT 1000'
TRUNCATE items;
SELECT pg_temp.against_exact(:'nearest');
INSERT INTO items SELECT i, pg_temp.uniform(i, 6)::halfvec FROM generate_series(1, 300) i;
SELECT pg_temp.against_exact(:'nearest');
UPDATE items SET v = pg_temp.uniform(id + 1000, 6)::halfvec WHERE id % 3 = 0;
UPDATE items SET v = NULL WHERE id % 50 = 1;
DELETE FROM items WHERE id % 4 = 2;
SELECT pg_temp.against_exact(:'nearest');
VACUUM (INDEX_CLEANUP on) items;
INSERT INTO items SELECT i, pg_temp.uniform(i, 6)::halfvec FROM generate_series(1000, 1100) i;
SELECT pg_temp.against_exact(:'nearest');
SELECT * FROM hnsw_check('by_l2');
REINDEX INDEX by_l2;
SELECT pg_temp.against_exact(:'nearest');
SELECT * FROM hnsw_check('by_l2');
SELECT metric, dimensions, vector_codec, code_bits, code_bytes, rows, nodes FROM hnsw_info('by_l2');
SELECT recall, samples_used FROM hnsw_recall('by_l2', 20);
DROP TABLE items;

-- errors
CREATE TABLE undimensioned (v halfvec);
CREATE INDEX ON undimensioned USING hnsw (v halfvec_l2_ops);
CREATE INDEX ON undimensioned USING hnsw (v);
CREATE INDEX ON undimensioned USING hnsw (v vector_l2_ops);
CREATE INDEX ON undimensioned USING hnsw ((v::halfvec(3)) halfvec_l2_ops);
INSERT INTO undimensioned VALUES ('[1,2,3]'), ('[1,2]');
DROP TABLE undimensioned;

-- limits
CREATE FUNCTION pg_temp.wave(i int, dim int) RETURNS halfvec LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg((sin(i * 12.9898 + k * (0.1 + i * 0.01)) * 10)::real)::halfvec FROM generate_series(1, dim) k
$$;
CREATE FUNCTION pg_temp.of_dimension(dim int, row_count int, OUT codec text, OUT l2 text, OUT cosine text, OUT vacuumed text, OUT problems text) LANGUAGE plpgsql AS $$
DECLARE
	query constant text := 'SELECT id, v %1$s (SELECT v FROM long WHERE id = 7) AS d FROM long ORDER BY v %1$s (SELECT v FROM long WHERE id = 7) LIMIT 100';
BEGIN
	EXECUTE format('CREATE TABLE long (id int, v halfvec(%s))', dim);
	INSERT INTO long SELECT i, pg_temp.wave(i, dim) FROM generate_series(1, row_count) i;
	CREATE INDEX by_l2 ON long USING hnsw (v halfvec_l2_ops);
	codec := (SELECT vector_codec FROM hnsw_info('by_l2'));
	l2 := pg_temp.against_exact(format(query, '<->'));
	CREATE INDEX ON long USING hnsw (v halfvec_cosine_ops);
	INSERT INTO long SELECT i + row_count, pg_temp.wave(i + row_count, dim) FROM generate_series(1, row_count / 4) i;
	cosine := pg_temp.against_exact(format(query, '<=>'));
	DELETE FROM long WHERE id % 5 = 3;
	vacuumed := pg_temp.against_exact(format(query, '<->'));
	problems := (SELECT string_agg(problem, ', ') FROM hnsw_check('by_l2'));
	DROP TABLE long;
END
$$;
SELECT dim, o.* FROM (VALUES (1, 40), (100, 40), (784, 20), (1283, 40), (4000, 12), (32767, 8)) t(dim, n), pg_temp.of_dimension(dim, n) o ORDER BY dim;
-- the ends of binary16
CREATE TABLE extremes (id int, v halfvec(3));
INSERT INTO extremes SELECT i, ARRAY[65504 * sin(i), -65504 * cos(i * 7), (i % 3 - 1) * 6e-8]::halfvec FROM generate_series(1, 100) i;
CREATE INDEX ON extremes USING hnsw (v halfvec_l2_ops);
CREATE INDEX ON extremes USING hnsw (v halfvec_ip_ops);
CREATE INDEX ON extremes USING hnsw (v halfvec_cosine_ops);
CREATE INDEX ON extremes USING hnsw (v halfvec_l1_ops);
SELECT operator, pg_temp.against_exact(format('SELECT id, v %1$s ''[65504,0,6e-8]'' AS d FROM extremes ORDER BY d LIMIT 100', operator))
	FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator;
DROP TABLE extremes;

-- indexes of other types on one column of vectors: half precision, bits, a part
CREATE TABLE images (id int, embedding vector(784));
INSERT INTO images SELECT i, pg_temp.uniform(i % 80 + 1, 784) + pg_temp.uniform(i + 1000, 784) - array_fill(1, ARRAY[784])::vector FROM generate_series(1, 200) i;
CREATE INDEX images_half ON images USING hnsw ((embedding::halfvec(784)) halfvec_l2_ops);
CREATE INDEX images_bits ON images USING hnsw ((binary_quantize(embedding)::bit(784)) bit_hamming_ops);
CREATE INDEX images_part ON images USING hnsw ((subvector(embedding, 1, 100)::vector(100)) vector_cosine_ops);
CREATE INDEX images_sparse ON images USING hnsw ((embedding::sparsevec(784)) sparsevec_l2_ops);
CREATE INDEX images_whole ON images USING hnsw (embedding vector_l2_ops);
SELECT index, (SELECT count(*) FROM hnsw_check(index::regclass)) AS problems, i.metric, i.dimensions, i.rows
	FROM unnest('{images_half,images_bits,images_part,images_sparse,images_whole}'::text[]) index, hnsw_info(index::regclass) i;
\set asked '(SELECT embedding FROM images WHERE id = 5)'
\set asked_whole 'ORDER BY embedding <-> ' :asked ' LIMIT 10'
SELECT pg_temp.against_exact('SELECT id, embedding <-> ' || :'asked' || ' FROM images ' || :'asked_whole');
SELECT pg_temp.against_exact(format('SELECT id, embedding::halfvec(784) <-> %1$s::halfvec(784) FROM images ORDER BY embedding::halfvec(784) <-> %1$s::halfvec(784) LIMIT 150', :'asked'));
SELECT pg_temp.against_exact(format('SELECT id, binary_quantize(embedding)::bit(784) <~> binary_quantize(%1$s) FROM images ORDER BY binary_quantize(embedding)::bit(784) <~> binary_quantize(%1$s) LIMIT 150', :'asked'));
SELECT pg_temp.against_exact(format('SELECT id, subvector(embedding, 1, 100)::vector(100) <=> subvector(%1$s, 1, 100) FROM images ORDER BY subvector(embedding, 1, 100)::vector(100) <=> subvector(%1$s, 1, 100) LIMIT 150', :'asked'));
SELECT pg_temp.against_exact(format('SELECT id, embedding::sparsevec(784) <-> %1$s::sparsevec(784) FROM images ORDER BY embedding::sparsevec(784) <-> %1$s::sparsevec(784) LIMIT 150', :'asked'));
-- the nearest by bits, ranked anew by the vectors
SET enable_seqscan = off;
SELECT trim(line) AS scan FROM pg_temp.plan('SELECT id FROM (SELECT * FROM images ORDER BY binary_quantize(embedding)::bit(784) <~> (SELECT binary_quantize(embedding) FROM images WHERE id = 5) LIMIT 40) s ORDER BY embedding <=> (SELECT embedding FROM images WHERE id = 5) LIMIT 5') line WHERE line ~ 'Index Scan';
SELECT id FROM (SELECT * FROM images ORDER BY binary_quantize(embedding)::bit(784) <~> binary_quantize((SELECT embedding FROM images WHERE id = 5)) LIMIT 60) s
	ORDER BY embedding <-> (SELECT embedding FROM images WHERE id = 5) LIMIT 3;
SELECT id FROM (SELECT * FROM images ORDER BY subvector(embedding, 1, 100)::vector(100) <=> subvector((SELECT embedding FROM images WHERE id = 5), 1, 100) LIMIT 60) s
	ORDER BY embedding <-> (SELECT embedding FROM images WHERE id = 5) LIMIT 3;
SELECT id FROM images ORDER BY embedding <-> (SELECT embedding FROM images WHERE id = 5) LIMIT 3;
RESET enable_seqscan;
SELECT recall > 0.9 AS is_good FROM hnsw_recall('images_half', 10);
UPDATE images SET embedding = pg_temp.uniform(id + 7000, 784) WHERE id % 3 = 0;
DELETE FROM images WHERE id % 5 = 0;
VACUUM (INDEX_CLEANUP on) images;
SELECT index, (SELECT count(*) FROM hnsw_check(index::regclass)) AS problems, i.rows
	FROM unnest('{images_half,images_bits,images_part,images_sparse,images_whole}'::text[]) index, hnsw_info(index::regclass) i;
DROP TABLE images;

-- domains have their base type's dimensions, elements of arrays the array's
CREATE DOMAIN embedding AS halfvec(3) CHECK (l2_norm(VALUE) > 0);
CREATE TABLE frames (id int, v embedding, a halfvec(3)[]);
INSERT INTO frames SELECT i, ARRAY[i, 1, -i]::halfvec, ARRAY[ARRAY[i, 2, 3]::halfvec, '[1,2,3]'] FROM generate_series(1, 50) i;
CREATE INDEX ON frames USING hnsw (v halfvec_cosine_ops);
CREATE INDEX ON frames USING hnsw ((a[1]::halfvec(3)) halfvec_l2_ops);
SELECT pg_temp.against_exact('SELECT id, v <=> ''[9,1,-7]'' AS d FROM frames ORDER BY d LIMIT 50');
SELECT pg_temp.against_exact('SELECT id, a[1]::halfvec(3) <-> ''[9,1,-7]'' AS d FROM frames ORDER BY d LIMIT 50');
DROP TABLE frames;
DROP DOMAIN embedding;
