-- Matches in the order of distances that the rows' codes estimate: of each metric and width of codes all of them, each
-- once and in order, and the nearest first.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

-- three rows in ten share their vector with others
CREATE TABLE coded (id int PRIMARY KEY, k int, s int, v vector(40), w vector(300));
CREATE FUNCTION pg_temp.add(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO coded SELECT i, i % 100, i % 7, pg_temp.uniform(g, 40), pg_temp.uniform(g, 300)
	FROM generate_series(first, last) i, LATERAL (SELECT CASE WHEN i % 10 < 3 THEN i / 100 ELSE i END AS g) _
$$;
SELECT pg_temp.add(1, 3000);
CREATE INDEX coded_l2 ON coded USING hnsw (v vector_l2_ops, k, s);
CREATE INDEX coded_cosine ON coded USING hnsw ((v::halfvec(40)) halfvec_cosine_ops, k, s);
CREATE INDEX coded_ip ON coded USING hnsw (w vector_ip_ops, k, s);
CREATE INDEX coded_part ON coded USING hnsw ((subvector(v, 1, 16)::vector(16)) vector_l2_ops, k, s);
CREATE INDEX coded_l1 ON coded USING hnsw (v vector_l1_ops, k, s);
ANALYZE coded;

-- Of each index and condition, over eight queries: whether matches were read, all rows of the condition came, each once;
-- how many of the ten nearest were among the first ten; and the order.
CREATE FUNCTION pg_temp.matches(OUT distance text, OUT condition text, OUT matches boolean, OUT rows bigint, OUT complete boolean,
	OUT recall boolean, OUT ordered boolean) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	all_rows text;
	by_index record;
	by_sort record;
	found bigint;
BEGIN
	FOREACH distance IN ARRAY ARRAY['v <-> pg_temp.uniform(%s, 40)', 'v::halfvec(40) <=> pg_temp.uniform(%s, 40)::halfvec(40)',
		'w <#> pg_temp.uniform(%s, 300)', 'subvector(v, 1, 16)::vector(16) <-> pg_temp.uniform(%s, 16)',
		'v <+> pg_temp.uniform(%s, 40)'] LOOP
		FOREACH condition IN ARRAY ARRAY['k < 50', 'k < 3', 's = 2 AND k < 90', 's IN (1, 3, 5) AND k >= 20'] LOOP
			rows := 0; found := 0; complete := true; ordered := true;
			FOR i IN 1 .. 8 LOOP
				all_rows := format('SELECT id, %s AS d FROM coded WHERE %s ORDER BY d', format(distance, -i), condition);
				SELECT * INTO by_sort FROM pg_temp.by_sort(all_rows);
				SELECT * INTO by_index FROM pg_temp.by_index(all_rows);
				rows := rows + cardinality(by_sort.ids);
				complete := complete AND by_index.uses_index AND
					(SELECT array_agg(x ORDER BY x) FROM unnest(by_index.ids) x) = (SELECT array_agg(x ORDER BY x) FROM unnest(by_sort.ids) x);
				SELECT * INTO by_index FROM pg_temp.by_index(all_rows || ' LIMIT 10');
				found := found + (SELECT count(*) FROM unnest(by_index.distances) d WHERE d <= by_sort.distances[10]);
				ordered := ordered AND by_index.distances = (SELECT array_agg(d ORDER BY d) FROM unnest(by_index.distances) d);
				matches := (hnsw_last_scan()).strategy ~ 'matches';
			END LOOP;
			recall := found >= 79;
			RETURN NEXT;
		END LOOP;
	END LOOP;
END
$$;
-- by inner product no node is the neighbour of some
CREATE FUNCTION pg_temp.check_all() RETURNS TABLE (index text, problem text) LANGUAGE sql AS $$
	SELECT c.oid::regclass::text, h.problem FROM pg_class c, LATERAL hnsw_check(c.oid) h WHERE relname LIKE 'coded\_%' AND relam = (SELECT oid FROM pg_am WHERE amname = 'hnsw')
		AND (relname <> 'coded_ip' OR h.problem !~ '^no path')
$$;

SELECT * FROM pg_temp.matches();
SELECT * FROM pg_temp.check_all();

-- few of many are looked at
SELECT q.answers, l.matches, l.nodes < 200 AS few FROM (SELECT count(*) AS answers FROM (SELECT 1 FROM coded WHERE k < 50 ORDER BY v <-> pg_temp.uniform(-1, 40) LIMIT 5) _) q, LATERAL (SELECT * FROM hnsw_last_scan() WHERE q.answers > 0) l;

-- rows that came, changed and went; slots that are used again
SELECT pg_temp.add(3001, 3400);
UPDATE coded SET k = k + 1 WHERE id % 6 = 0;
DELETE FROM coded WHERE id % 9 = 0;
SELECT * FROM pg_temp.matches() WHERE NOT (complete AND recall AND ordered);
VACUUM coded;
SELECT * FROM pg_temp.check_all();
SELECT pg_temp.add(3501, 4000);
SELECT * FROM pg_temp.matches() WHERE NOT (complete AND recall AND ordered);
SELECT * FROM pg_temp.check_all();

-- an index created empty has no centre: codes are against the origin
CREATE TABLE filled (LIKE coded);
CREATE INDEX filled_v ON filled USING hnsw (v vector_l2_ops, k);
INSERT INTO filled SELECT * FROM coded;
SELECT * FROM hnsw_check('filled_v');
ANALYZE filled;
SELECT * FROM pg_temp.recall(ARRAY(SELECT format('SELECT id, v <-> pg_temp.uniform(%s, 40) AS d FROM filled WHERE k < 40 ORDER BY d LIMIT 10', -i) FROM generate_series(1, 10) i));

SET enable_seqscan = off;
SET enable_sort = off;

-- a walk that is given up for the matches gives none of them twice
SET hnsw.ef_search = 5;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM coded WHERE k < 95 ORDER BY v <-> pg_temp.uniform(-3, 40) LIMIT 2500) _;
SELECT strategy FROM hnsw_last_scan();
RESET hnsw.ef_search;

-- no vector to estimate a distance from
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM coded WHERE k < 50 ORDER BY v <-> NULL) _;
SELECT count(*) FROM (SELECT id FROM coded WHERE k < 50 ORDER BY v::halfvec(40) <=> array_fill(0, ARRAY[40])::halfvec(40)) _;
RESET enable_seqscan;
RESET enable_sort;

-- codes that say nothing, as all vectors are far from the origin; more answers than work_mem has room for
CREATE TABLE far_off (LIKE coded);
CREATE INDEX far_off_v ON far_off USING hnsw (v vector_l2_ops, k);
INSERT INTO far_off SELECT id, k, s, v + array_fill(1000, ARRAY[40])::vector FROM coded;
ANALYZE far_off;
SET work_mem = '64kB';
SELECT pg_temp.against_exact(format('SELECT id, v <-> pg_temp.uniform(%s, 40) + array_fill(1000, ARRAY[40])::vector AS d FROM far_off WHERE k < 60 ORDER BY d', -i)) FROM generate_series(1, 3) i;
SELECT * FROM pg_temp.matches() WHERE NOT (complete AND recall AND ordered);
RESET work_mem;

DROP TABLE coded, filled, far_off;
