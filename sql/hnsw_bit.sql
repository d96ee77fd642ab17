-- hnsw indexes on bit strings: answers, plans, changes, errors, limits.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

-- 1 to `dim` bits, about one in four set
CREATE FUNCTION pg_temp.bits(seed int, dim int) RETURNS bit varying LANGUAGE sql IMMUTABLE AS $$
	SELECT substring((('x' || string_agg(md5(seed || ' ' || k), '' ORDER BY k))::varbit & ('x' || string_agg(md5(seed % 7 || '-' || k), '' ORDER BY k))::varbit) FOR dim)
	FROM generate_series(0, dim / 128) k
$$;

CREATE TABLE items (id int PRIMARY KEY, v bit(70));
INSERT INTO items SELECT i, pg_temp.bits(i, 70)::bit(70) FROM generate_series(1, 300) i;
INSERT INTO items SELECT i, repeat('0', 70)::bit(70) FROM generate_series(301, 305) i;
INSERT INTO items SELECT i, NULL FROM generate_series(306, 310) i;
SET hnsw.ef_search = 400;
CREATE INDEX by_hamming ON items USING hnsw (v bit_hamming_ops);
CREATE INDEX by_jaccard ON items USING hnsw (v bit_jaccard_ops);
SELECT operator, asked, pg_temp.against_exact(format('SELECT id, v %1$s %2$s AS d FROM items WHERE v IS NOT NULL ORDER BY v %1$s %2$s LIMIT 400', operator, asked))
	FROM unnest('{<~>,<%>}'::text[]) operator,
		unnest('{"pg_temp.bits(1, 70)::bit(70)","repeat(''0'', 70)::bit(70)","repeat(''1'', 70)::bit(70)","repeat(''10'', 35)::bit(70)"}'::text[]) asked;
SET hnsw.ef_search = 10;
SELECT operator, (pg_temp.against_exact(format('SELECT id, v %1$s pg_temp.bits(1, 70)::bit(70) AS d FROM items WHERE id %% 20 = 3 AND v IS NOT NULL ORDER BY v %1$s pg_temp.bits(1, 70)::bit(70) LIMIT 12', operator))).rows
	FROM unnest('{<~>,<%>}'::text[]) operator;
SET hnsw.ef_search = 400;

SET enable_seqscan = off;
EXPLAIN (COSTS OFF, VERBOSE) SELECT id FROM items ORDER BY v <~> repeat('10', 35)::bit(70) LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY repeat('10', 35)::bit(70) <%> v LIMIT 1;
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <~> repeat('10', 35)::bit(70) LIMIT 1000) s;
SELECT count(DISTINCT id), min(d), max(d) FROM (SELECT id, v <%> repeat('0', 70)::bit(70) AS d FROM items ORDER BY d LIMIT 1000) s;
SELECT count(DISTINCT id), count(d) FROM (SELECT id, v <~> (SELECT NULL::bit(70)) AS d FROM items ORDER BY d LIMIT 1000) s;
\set VERBOSITY sqlstate
SELECT id FROM items ORDER BY v <~> B'101' LIMIT 1;
INSERT INTO items VALUES (0, B'101');
\set VERBOSITY terse
SELECT id FROM items ORDER BY v <~> B'101' LIMIT 1;
RESET enable_seqscan;

-- changes
DROP INDEX by_jaccard;
\set nearest 'SELECT id, v <~> pg_temp.bits(1, 70)::bit(70) AS d FROM items WHERE v IS NOT NULL ORDER BY d LIMIT 1000'
TRUNCATE items;
SELECT pg_temp.against_exact(:'nearest');
INSERT INTO items SELECT i, pg_temp.bits(i, 70)::bit(70) FROM generate_series(1, 300) i;
SELECT pg_temp.against_exact(:'nearest');
UPDATE items SET v = ~ v WHERE id % 3 = 0;
UPDATE items SET v = NULL WHERE id % 50 = 1;
DELETE FROM items WHERE id % 4 = 2;
SELECT pg_temp.against_exact(:'nearest');
VACUUM (INDEX_CLEANUP on) items;
INSERT INTO items SELECT i, pg_temp.bits(i, 70)::bit(70) FROM generate_series(1000, 1100) i;
SELECT pg_temp.against_exact(:'nearest');
SELECT * FROM hnsw_check('by_hamming');
REINDEX INDEX by_hamming;
SELECT pg_temp.against_exact(:'nearest');
SELECT * FROM hnsw_check('by_hamming');
SELECT metric, dimensions, vector_codec, code_bits, code_bytes, rows, nodes FROM hnsw_info('by_hamming');
SELECT recall, samples_used FROM hnsw_recall('by_hamming', 20);
DROP TABLE items;

-- errors
CREATE TABLE strings (id int, v bit varying(8), w bit varying, x bit(1048577), one bit);
\set VERBOSITY sqlstate
CREATE INDEX ON strings USING hnsw (v bit_hamming_ops);
CREATE INDEX ON strings USING hnsw (x bit_hamming_ops);
\set VERBOSITY terse
CREATE INDEX ON strings USING hnsw (v bit_hamming_ops);
CREATE INDEX ON strings USING hnsw (w bit_jaccard_ops);
CREATE INDEX ON strings USING hnsw (x bit_hamming_ops);
CREATE INDEX ON strings USING hnsw ((w || w) bit_hamming_ops);
CREATE INDEX ON strings USING hnsw (one);
-- bit is bit(1); an expression cast to bit(n) has a length
CREATE INDEX ON strings USING hnsw (one bit_hamming_ops);
CREATE INDEX ON strings USING hnsw ((w::bit(9)) bit_jaccard_ops);
INSERT INTO strings (id, w, one) SELECT i, i::bit(9), (i % 2)::bit FROM generate_series(1, 100) i;
SELECT pg_temp.against_exact('SELECT id, w::bit(9) <%> B''101010101'' AS d FROM strings ORDER BY d LIMIT 100');
SELECT pg_temp.against_exact('SELECT id, one <~> B''1'' AS d FROM strings ORDER BY d LIMIT 100');
DROP TABLE strings;

-- lengths: whole words or not, codes that hold all or a sample, values in the table or in TOAST
CREATE FUNCTION pg_temp.of_length(dim int, row_count int, OUT hamming text, OUT jaccard text, OUT inserted text, OUT vacuumed text, OUT problems bigint) LANGUAGE plpgsql AS $$
DECLARE
	query constant text := 'SELECT id, v %1$s (SELECT v FROM long WHERE id = 7) AS d FROM long ORDER BY v %1$s (SELECT v FROM long WHERE id = 7) LIMIT 100';
BEGIN
	EXECUTE format('CREATE TABLE long (id int, v bit(%s))', dim);
	EXECUTE format('INSERT INTO long SELECT i, pg_temp.bits(i, %1$s)::bit(%1$s) FROM generate_series(1, %2$s) i', dim, row_count);
	CREATE INDEX by_hamming ON long USING hnsw (v bit_hamming_ops);
	hamming := pg_temp.against_exact(format(query, '<~>'));
	CREATE INDEX by_jaccard ON long USING hnsw (v bit_jaccard_ops);
	jaccard := pg_temp.against_exact(format(query, '<%>'));
	EXECUTE format('INSERT INTO long SELECT i, pg_temp.bits(i, %1$s)::bit(%1$s) FROM generate_series(%2$s + 1, %2$s + 10) i', dim, row_count);
	inserted := pg_temp.against_exact(format(query, '<~>'));
	DELETE FROM long WHERE id % 5 = 3;
	vacuumed := pg_temp.against_exact(format(query, '<%>'));
	problems := (SELECT count(*) FROM hnsw_check('by_hamming')) + (SELECT count(*) FROM hnsw_check('by_jaccard'));
	DROP TABLE long;
END
$$;
SELECT dim, o.* FROM (VALUES (1, 40), (2, 40), (7, 60), (8, 60), (63, 60), (64, 60), (65, 60), (784, 40), (1024, 40), (1025, 40), (5000, 40), (20000, 30), (64000, 20), (1048576, 8)) t(dim, n), pg_temp.of_length(dim, n) o ORDER BY dim;

-- vacuum, and the slots it frees, of blocks of many pages
CREATE TABLE long (id int, v bit(64000));
INSERT INTO long SELECT i, pg_temp.bits(i, 64000)::bit(64000) FROM generate_series(1, 40) i;
-- compressible: mostly zeros
INSERT INTO long SELECT i, set_bit(repeat('0', 64000)::bit(64000), i, 1) FROM generate_series(41, 60) i;
CREATE INDEX by_jaccard ON long USING hnsw (v bit_jaccard_ops) WITH (m = 100, ef_construction = 200);
SELECT pg_temp.against_exact('SELECT id, v <%> (SELECT v FROM long WHERE id = 5) FROM long ORDER BY v <%> (SELECT v FROM long WHERE id = 5) LIMIT 60');
DELETE FROM long WHERE id % 3 = 1;
VACUUM (INDEX_CLEANUP on) long;
INSERT INTO long SELECT i, pg_temp.bits(i, 64000)::bit(64000) FROM generate_series(61, 75) i;
SELECT pg_temp.against_exact('SELECT id, v <%> (SELECT v FROM long WHERE id = 5) FROM long ORDER BY v <%> (SELECT v FROM long WHERE id = 5) LIMIT 60');
SELECT * FROM hnsw_check('by_jaccard');
DROP TABLE long;

-- strings from other types
CREATE TABLE fingerprints (id int, f bytea);
INSERT INTO fingerprints SELECT i, decode(md5(i::text) || md5((i % 9)::text), 'hex') FROM generate_series(1, 200) i;
CREATE INDEX ON fingerprints USING hnsw ((f::bit(256)) bit_jaccard_ops);
SELECT pg_temp.against_exact('SELECT id, f::bit(256) <%> (SELECT f::bit(256) FROM fingerprints WHERE id = 9) FROM fingerprints ORDER BY f::bit(256) <%> (SELECT f::bit(256) FROM fingerprints WHERE id = 9) LIMIT 200');
DROP TABLE fingerprints;
