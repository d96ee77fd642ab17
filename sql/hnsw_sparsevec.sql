-- hnsw indexes on sparsevec: answers, plans, changes, errors, limits, vectors longer than a block has room for.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

-- `count` non-zeros among `dim`, so that two vectors have about a third of their places in common
CREATE FUNCTION pg_temp.sparse(seed int, count int, dim int) RETURNS sparsevec LANGUAGE sql IMMUTABLE AS $$
	SELECT ('{' || string_agg(k * (dim / count) + (hashint8extended(k, seed) & 7) % least(3, dim / count) + 1 || ':' || ((hashint8extended(k, seed + 1) & 1023) - 300.5) / 64, ',') || '}/' || dim)::sparsevec
	FROM generate_series(0, count - 1) k
$$;

CREATE TABLE items (id int PRIMARY KEY, v sparsevec(1000));
INSERT INTO items SELECT i, pg_temp.sparse(i, 1 + i % 40, 1000) FROM generate_series(1, 300) i;
INSERT INTO items SELECT i, '{}/1000' FROM generate_series(301, 305) i;
INSERT INTO items SELECT i, NULL FROM generate_series(306, 310) i;
SET hnsw.ef_search = 400;
CREATE INDEX by_l2 ON items USING hnsw (v sparsevec_l2_ops);
CREATE INDEX by_ip ON items USING hnsw (v sparsevec_ip_ops);
CREATE INDEX by_cosine ON items USING hnsw (v sparsevec_cosine_ops);
CREATE INDEX by_l1 ON items USING hnsw (v sparsevec_l1_ops);
SELECT operator, asked, pg_temp.against_exact(format('SELECT id, v %1$s %2$s AS d FROM items WHERE v IS NOT NULL AND l2_norm(v) > 0 ORDER BY v %1$s %2$s LIMIT 300', operator, asked))
	FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator, unnest('{"pg_temp.sparse(3, 20, 1000)","pg_temp.sparse(4, 900, 1000)","''{7:-1}/1000''"}'::text[]) asked ORDER BY operator, asked;
SET hnsw.ef_search = 10;
SELECT operator, (pg_temp.against_exact(format('SELECT id, v %1$s pg_temp.sparse(3, 20, 1000) AS d FROM items WHERE id %% 20 = 3 AND v IS NOT NULL ORDER BY v %1$s pg_temp.sparse(3, 20, 1000) LIMIT 12', operator))).rows
	FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator;
SET hnsw.ef_search = 400;

SET enable_seqscan = off;
EXPLAIN (COSTS OFF, VERBOSE) SELECT id FROM items ORDER BY v <-> '{1:1,5:2}/1000' LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY '{1:1,5:2}/1000' <#> v LIMIT 1;
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> '{1:1,5:2}/1000' LIMIT 1000) s;
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <=> '{1:1,5:2}/1000' LIMIT 1000) s;
SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM items ORDER BY v <-> '{}/1000' LIMIT 5) s;
SELECT count(DISTINCT id), bool_and(d = 'NaN') FROM (SELECT id, v <=> '{}/1000' AS d FROM items ORDER BY d LIMIT 1000) s;
SELECT count(DISTINCT id), bool_and(d = 0) FROM (SELECT id, v <#> '{}/1000' AS d FROM items ORDER BY d LIMIT 1000) s;
SELECT count(DISTINCT id), count(d) FROM (SELECT id, v <-> (SELECT NULL::sparsevec) AS d FROM items ORDER BY d LIMIT 1000) s;
\set VERBOSITY sqlstate
SELECT id FROM items ORDER BY v <-> '{1:1}/10' LIMIT 1;
\set VERBOSITY terse
SELECT id FROM items ORDER BY v <-> '{1:1}/10' LIMIT 1;
INSERT INTO items VALUES (0, '{1:1}/10');
RESET enable_seqscan;

-- changes
DROP INDEX by_l2, by_ip, by_l1;
\set nearest 'SELECT id, v <=> pg_temp.sparse(3, 20, 1000) AS d FROM items WHERE v IS NOT NULL ORDER BY d LIMIT 1000'
TRUNCATE items;
SELECT pg_temp.against_exact(:'nearest');
INSERT INTO items SELECT i, pg_temp.sparse(i, 30, 1000) FROM generate_series(1, 300) i;
SELECT pg_temp.against_exact(:'nearest');
UPDATE items SET v = pg_temp.sparse(id + 5000, 10, 1000) WHERE id % 3 = 0;
UPDATE items SET v = NULL WHERE id % 50 = 1;
DELETE FROM items WHERE id % 4 = 2;
SELECT pg_temp.against_exact(:'nearest');
VACUUM (INDEX_CLEANUP on) items;
INSERT INTO items SELECT i, pg_temp.sparse(i, 30, 1000) FROM generate_series(1000, 1100) i;
SELECT pg_temp.against_exact(:'nearest');
SELECT * FROM hnsw_check('by_cosine');
REINDEX INDEX by_cosine;
SELECT pg_temp.against_exact(:'nearest');
SELECT * FROM hnsw_check('by_cosine');
SELECT metric, dimensions, vector_codec, code_bits, rows, nodes FROM hnsw_info('by_cosine');
SELECT recall, samples_used FROM hnsw_recall('by_cosine', 20);
DROP TABLE items;

-- errors
CREATE TABLE undimensioned (v sparsevec);
CREATE INDEX ON undimensioned USING hnsw (v sparsevec_l2_ops);
CREATE INDEX ON undimensioned USING hnsw (v);
CREATE INDEX ON undimensioned USING hnsw ((v::sparsevec(3)) sparsevec_l2_ops);
INSERT INTO undimensioned VALUES ('{1:1}/3'), ('{1:1}/4');
DROP TABLE undimensioned;

-- limits
CREATE FUNCTION pg_temp.of_length(nonzeros int, row_count int, OUT l2 text, OUT ip text, OUT cosine text, OUT l1 text, OUT changed text, OUT problems text) LANGUAGE plpgsql AS $$
DECLARE
	query constant text := 'SELECT id, v %1$s (SELECT v FROM long WHERE id = 4) AS d FROM long ORDER BY v %1$s (SELECT v FROM long WHERE id = 4) LIMIT 100';
BEGIN
	CREATE TABLE long (id int, v sparsevec(1000000000));
	INSERT INTO long SELECT i, pg_temp.sparse(i, nonzeros, 1000000000) FROM generate_series(1, row_count) i;
	CREATE INDEX by_l2 ON long USING hnsw (v sparsevec_l2_ops);
	l2 := pg_temp.against_exact(format(query, '<->'));
	CREATE INDEX by_ip ON long USING hnsw (v sparsevec_ip_ops);
	ip := pg_temp.against_exact(format(query, '<#>'));
	CREATE INDEX by_cosine ON long USING hnsw (v sparsevec_cosine_ops);
	cosine := pg_temp.against_exact(format(query, '<=>'));
	CREATE INDEX by_l1 ON long USING hnsw (v sparsevec_l1_ops);
	l1 := pg_temp.against_exact(format(query, '<+>'));
	INSERT INTO long SELECT i, pg_temp.sparse(i, nonzeros / 2 + 1, 1000000000) FROM generate_series(row_count + 1, row_count + 3) i;
	DELETE FROM long WHERE id % 5 = 3;
	changed := pg_temp.against_exact(format(query, '<->'));
	problems := (SELECT string_agg(problem, ', ') FROM hnsw_check('by_l2'));
	DROP TABLE long;
END
$$;
SELECT nonzeros, o.* FROM (VALUES (1, 40), (2, 40), (1000, 20), (5000, 10), (16000, 6)) t(nonzeros, n), pg_temp.of_length(nonzeros, n) o ORDER BY nonzeros;

-- vacuum, and the slots it frees, of blocks of many pages
CREATE TABLE long (id int, v sparsevec(100000));
INSERT INTO long SELECT i, pg_temp.sparse(i, 3000, 100000) FROM generate_series(1, 20) i;
CREATE INDEX by_l2 ON long USING hnsw (v sparsevec_l2_ops);
DELETE FROM long WHERE id % 3 = 1;
VACUUM (INDEX_CLEANUP on) long;
INSERT INTO long SELECT i, pg_temp.sparse(i, 2000, 100000) FROM generate_series(21, 30) i;
SELECT pg_temp.against_exact('SELECT id, v <-> (SELECT v FROM long WHERE id = 5) FROM long ORDER BY v <-> (SELECT v FROM long WHERE id = 5) LIMIT 60');
SELECT * FROM hnsw_check('by_l2');
DROP TABLE long;

-- Longer than the blocks of an index that was made empty: it holds the greatest non-zeros, and the answers are exact.
CREATE TABLE words (id int PRIMARY KEY, v sparsevec(30000));
CREATE INDEX words_l2 ON words USING hnsw (v sparsevec_l2_ops);
CREATE INDEX words_ip ON words USING hnsw (v sparsevec_ip_ops);
CREATE INDEX words_cosine ON words USING hnsw (v sparsevec_cosine_ops);
CREATE INDEX words_l1 ON words USING hnsw (v sparsevec_l1_ops);
INSERT INTO words SELECT i, pg_temp.sparse(i, 20 + i % 10 * 90, 30000) FROM generate_series(1, 150) i;
-- the same, but for what blocks leave out
INSERT INTO words SELECT i, ('{' || string_agg(k || ':' || CASE WHEN k <= 300 THEN 8 ELSE i % 10 / 100.0 END, ',') || '}/30000')::sparsevec
	FROM generate_series(201, 220) i, generate_series(1, 400) k GROUP BY i;
SELECT operator, id, pg_temp.against_exact(format('SELECT id, v %1$s (SELECT v FROM words WHERE id = %2$s) FROM words ORDER BY v %1$s (SELECT v FROM words WHERE id = %2$s) LIMIT 150', operator, id))
	FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator, unnest('{9,10,205}'::int[]) id ORDER BY operator, id;
SET hnsw.ef_search = 20;
SELECT operator, pg_temp.against_exact(format('SELECT id, v %1$s (SELECT v FROM words WHERE id = 205) FROM words ORDER BY v %1$s (SELECT v FROM words WHERE id = 205) LIMIT 3', operator))
	FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator ORDER BY operator;
SELECT index, (SELECT count(*) FROM hnsw_check(index::regclass)) AS problems FROM unnest('{words_l2,words_ip,words_cosine,words_l1}'::text[]) index;
-- REINDEX makes room for what the table holds
SELECT block_size AS before FROM hnsw_info('words_l2') \gset
REINDEX INDEX words_l2;
SELECT block_size > :before AS has_grown, (SELECT count(*) FROM hnsw_check('words_l2')) AS problems FROM hnsw_info('words_l2');
DELETE FROM words WHERE id % 2 = 0;
VACUUM (INDEX_CLEANUP on) words;
SET hnsw.ef_search = 400;
SELECT operator, pg_temp.against_exact(format('SELECT id, v %1$s (SELECT v FROM words WHERE id = 9) FROM words ORDER BY v %1$s (SELECT v FROM words WHERE id = 9) LIMIT 150', operator))
	FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator ORDER BY operator;
DROP TABLE words;

-- Numbers at the ends of float32, in blocks with room and without. (Where all distances overflow links mean nothing.)
CREATE TABLE extremes (id int, v sparsevec(100));
CREATE FUNCTION pg_temp.extreme(operator text, factor float8, room boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	outcome text;
	made constant text := format('CREATE INDEX extreme ON extremes USING hnsw (v sparsevec_%s_ops)',
		CASE operator WHEN '<->' THEN 'l2' WHEN '<#>' THEN 'ip' WHEN '<=>' THEN 'cosine' ELSE 'l1' END);
BEGIN
	TRUNCATE extremes;
	-- made for one non-zero
	INSERT INTO extremes VALUES (0, format('{50:%s}/100', factor::real)::sparsevec);
	IF NOT room THEN EXECUTE made; END IF;
	INSERT INTO extremes SELECT i, format('{%s:%s,%s:%s,90:%s}/100', i % 9 + 1, (sin(i) * factor)::real, i % 20 + 20, (cos(i) * factor)::real, (sin(i * 7) * factor)::real)::sparsevec
		FROM generate_series(1, 60) i;
	IF room THEN EXECUTE made; END IF;
	outcome := pg_temp.against_exact(format('SELECT id, v %1$s %2$L AS d FROM extremes ORDER BY d LIMIT 200', operator, format('{3:%s,25:%s,90:%s}/100', factor::real, (-factor)::real, (factor / 2)::real)));
	outcome := outcome || (SELECT count(*) FROM hnsw_check('extreme') WHERE problem !~ '^no path');
	DROP INDEX extreme;
	RETURN operator || ' ' || outcome;
END
$$;
SELECT factor, room, string_agg(pg_temp.extreme(operator, factor, room), ' ' ORDER BY operator)
	FROM unnest('{3e38,1e19,1e18,1e-18,1e-25,1e-36}'::float8[]) factor, unnest('{t,f}'::boolean[]) room, unnest('{<->,<#>,<=>,<+>}'::text[]) operator
	WHERE factor < 1e20 OR operator <> '<=>' -- whose norms overflow
	GROUP BY factor, room ORDER BY factor, room;
DROP TABLE extremes;
