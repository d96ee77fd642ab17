-- Filter columns: each type and operator against exact search, in all ways a query may name its values.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set filtered :suites '/sql/support/filtered.sql'
\set ECHO none
\i :support
\i :filtered
\set ECHO all

SET hnsw.ef_search = 200;
SET timezone = 'Europe/Berlin';
SELECT setseed(0.5);
INSERT INTO scans SELECT (pg_temp.scan(i)).* FROM generate_series(1, 1000) i;
CREATE INDEX scans_v ON scans USING hnsw (v vector_l2_ops, i2, i4, i8, f4, f8, n, t, vc, bp, c, b, d, ti, ts, tz, u, o, e, ia, ta);
ANALYZE scans;
SELECT filter_columns, filter_bytes FROM hnsw_info('scans_v');
SELECT * FROM hnsw_check('scans_v');

-- The rows of a condition, nearest first: by the index and by a sort. `kind`: what the plan makes of it.
CREATE FUNCTION pg_temp.filtered(condition text, OUT kind text, OUT rows int, OUT same boolean) LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
	query text := format('SELECT id, v <-> ''[0.5,0.4,0.3,0.6,0.5,0.2]'' AS d FROM scans WHERE %s ORDER BY d LIMIT 20', condition);
	line text;
BEGIN
	-- NULL vectors are not in the index
	SELECT cardinality(i.distances), i.distances = array_remove(s.distances, NULL) INTO filtered.rows, filtered.same
		FROM pg_temp.by_index(query) i, pg_temp.by_sort(query) s WHERE i.uses_index;
	kind := 'none';
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line ~ 'Index Cond' THEN kind := 'index'; END IF;
		IF line ~ 'Filter:' THEN kind := kind || ' and filter'; END IF;
	END LOOP;
END
$$;

-- every operator, with values of every type that has one, single and of an array
SELECT name, type, f.kind, count(*) AS conditions, count(*) FILTER (WHERE NOT same) AS wrong, sum(f.rows) > 0 AS rows
	FROM (SELECT name, pg_temp.condition(name, operator, other, many) AS condition, other AS type FROM comparisons,
			unnest(others || type) other, unnest('{<,<=,=,>=,>}'::text[]) operator, (VALUES (true), (false)) v(many), generate_series(1, 3)) q,
		pg_temp.filtered(condition) f
	WHERE condition IS NOT NULL
	GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- NULLs, arrays, booleans, values out of range
SELECT condition, pg_temp.filtered(condition) FROM unnest(ARRAY[
	'i4 IS NULL', 'i4 IS NOT NULL AND i2 IS NULL', 'ta IS NULL', 'v IS NOT NULL AND i4 > 40', 'i4 = NULL', 'i4 = ANY (NULL::int[])', 'i4 = ANY (''{}'')',
	'i4 = ANY (''{NULL}'')', 'i4 = ANY (''{NULL,3,3,NULL,4}'')', 'i4 > 9223372036854775807', 'i2 < (-40000)', 'i2 >= (-40000)',
	'b', 'NOT b', 'b IS TRUE', 'b IS FALSE', 'b IS NULL', 'b = (i4 > 3)', 'b <> true',
	'ia && ''{3}''', 'ia && ''{}''', 'ia @> ''{}''', 'ia @> ''{3,1}''', 'ia @> ''{NULL}''', 'ia && ''{NULL,3}''', 'ia = ''{3}''', '''{3}'' <@ ia',
	'ta && ''{label 3,label 4}''', 'ta @> ''{label 3}''', 'ta && ''{nowhere}''', '3 = ANY (ia)',
	't IN (''word1'', ''wordword2'')', 't = ''nowhere''', 't <> ''word1''', 't LIKE ''word1%''', 'vc = ''name 3''::varchar', 'bp = ''b1''', 'bp = ''b1  ''::text',
	'7 < i4', 'i4 BETWEEN 7 AND 9', 'i4 = 3 OR i4 = 4', 'i4 + 0 = 3', 'i4 = i2', 'e > ''early'' AND e < ''late''', 'f4 = ''-0''', 'f4 = ''NaN''', 'f4 > 1e30::real', 'n = ''NaN''',
	'n > 12345678901234567890.1', 'n = 12345678901234567890.2', 'u < ''80000000-0000-0000-0000-000000000000''', 'o > 2147483648', 'tz > now()', 'tz < now()',
	'd = timestamptz ''2020-03-01 00:00+01''', 'id < 0 AND i4 = 3', 'i4 = 3 AND t = ''word3'' AND b AND d > ''2020-01-05'' AND ia && ''{3,4}'' AND n < 5 AND e IN (''early'',''between'')']) condition;

-- a NULL vector is not in the index
EXPLAIN (COSTS OFF) SELECT id FROM scans WHERE v IS NULL AND i4 > 0 ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 1;

SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;

-- what EXPLAIN shows
EXPLAIN (COSTS OFF) SELECT id FROM scans WHERE i4 = 3 AND t < 'x' AND id > 7 ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM scans WHERE i2 IN (3, 4) ORDER BY '[1,1,1,1,1,1]' <-> v LIMIT 1;
EXPLAIN (COSTS OFF) SELECT id FROM scans WHERE NOT b ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 1;

-- what was done
CREATE FUNCTION pg_temp.strategy(condition text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT count(*) FROM (SELECT id FROM scans WHERE %s ORDER BY v <-> ''[1,1,1,1,1,1]'' LIMIT 10) s', condition);
	RETURN (SELECT strategy FROM hnsw_last_scan());
END
$$;
SET hnsw.ef_search = 10;
SELECT pg_temp.strategy('i4 = 3'), pg_temp.strategy('i4 > -50'), pg_temp.strategy('id > 0');
SET hnsw.ef_search = 400;
SELECT pg_temp.strategy('i4 > -50'), pg_temp.strategy('i4 = (SELECT NULL::int)');

SET hnsw.ef_search = 200;

-- parameters of a generic plan
SET plan_cache_mode = force_generic_plan;
PREPARE nearest(int, text, int[], vector) AS
	SELECT id, i4, t FROM scans WHERE i4 > $1 AND t = $2 AND i2 = ANY ($3) ORDER BY v <-> $4 LIMIT 3;
EXPLAIN (COSTS OFF) EXECUTE nearest(1, 'word1', '{1,2}', '[1,1,1,1,1,1]');
CREATE TEMPORARY TABLE by_plan AS EXECUTE nearest(-20, 'word1', '{0,1,2,3,4}', '[1,1,1,1,1,1]');
SELECT count(*), count(*) FILTER (WHERE i4 > -20 AND t = 'word1') FROM by_plan;
EXECUTE nearest(NULL, 'word1', '{1,2}', '[1,1,1,1,1,1]');
EXECUTE nearest(1, 'word1', NULL, '[1,1,1,1,1,1]');
EXECUTE nearest(-50, NULL, '{1,2}', '[1,1,1,1,1,1]');
RESET plan_cache_mode;

-- values of subqueries
EXPLAIN (COSTS OFF) SELECT id FROM scans WHERE i4 = ANY (ARRAY(SELECT 3 UNION ALL SELECT 4)) ORDER BY v <-> '[1,1,1,1,1,1]' LIMIT 3;
SELECT pg_temp.filtered('i4 = ANY (ARRAY(SELECT g FROM generate_series(3, 9) g))'), pg_temp.filtered('i4 = (SELECT min(i4) FROM scans)'),
	pg_temp.filtered('i4 = ANY (ARRAY(SELECT 1 WHERE false))');

-- parameters of another table's rows, of which some are NULL; each with its own vector
CREATE TABLE asked (q int, low int, names text[], stage stage, v vector(6));
INSERT INTO asked SELECT i, nullif(i, 3) * 7 - 40, ARRAY['word' || i, 'wordword' || i + 3], (enum_range(NULL::stage))[1 + i % 4], pg_temp.uniform(-i, 6) FROM generate_series(1, 12) i;
\set lateral 'SELECT q, s.id, s.d FROM asked a CROSS JOIN LATERAL (SELECT id, v <-> a.v AS d FROM scans WHERE i4 >= a.low AND (t = ANY (a.names)) AND e >= a.stage ORDER BY v <-> a.v LIMIT 4) s'
EXPLAIN (COSTS OFF) :lateral;
CREATE TEMPORARY TABLE by_index AS :lateral;
SET enable_indexscan = off;
CREATE TEMPORARY TABLE by_sort AS :lateral;
RESET enable_indexscan;
SELECT count(*) FROM by_sort;
SELECT q, d FROM by_sort EXCEPT ALL SELECT q, d FROM by_index;
SELECT q, d FROM by_index EXCEPT ALL SELECT q, d FROM by_sort;

-- a cursor, scanned anew
BEGIN;
DECLARE rows SCROLL CURSOR FOR SELECT i4 FROM scans WHERE i4 BETWEEN 3 AND 4 ORDER BY v <-> '[1,1,1,1,1,1]';
MOVE 5 FROM rows;
MOVE BACKWARD ALL FROM rows;
MOVE FORWARD ALL FROM rows;
COMMIT;
SELECT count(*) FROM scans WHERE i4 BETWEEN 3 AND 4 AND v IS NOT NULL;

-- all rows come, also where ef_search is small and no LIMIT ends the scan
SET hnsw.ef_search = 1;
SELECT condition, pg_temp.rows_of('SELECT count(*), 0 FROM (SELECT id FROM scans WHERE ' || condition || ' ORDER BY v <-> ''[1,1,1,1,1,1]'') s')
		= pg_temp.rows_of('SELECT count(*), 0 FROM scans WHERE v IS NOT NULL AND ' || condition) AS all_rows
	FROM unnest(ARRAY['i4 > -60', 'i4 > 0', 'i2 = 3', 'i4 = 3', 't > ''a''', 'ia && ''{1,2,3}''', 'd > ''2020-05-01''']) condition;
SET hnsw.iterative_scan = relaxed_order;
SELECT count(*) = (SELECT count(*) FROM scans WHERE v IS NOT NULL AND i4 > 0) AS all_rows FROM (SELECT id FROM scans WHERE i4 > 0 ORDER BY v <-> '[1,1,1,1,1,1]') s;
-- not so where the user wants less
SET hnsw.iterative_scan = off;
SET hnsw.ef_search = 20;
SELECT count(*) >= 20 AND count(*) < 60 FROM (SELECT id FROM scans WHERE i4 > 0 ORDER BY v <-> '[1,1,1,1,1,1]') s;
RESET hnsw.iterative_scan;
SET hnsw.max_scan_tuples = 50;
SELECT count(*) BETWEEN 1 AND 100 FROM (SELECT id FROM scans WHERE i4 > 0 ORDER BY v <-> '[1,1,1,1,1,1]') s;
RESET hnsw.max_scan_tuples;
-- nor memory: the whole index is read
SET work_mem = '64kB';
SELECT count(*) = (SELECT count(*) FROM scans WHERE v IS NOT NULL AND i4 > -60) AS all_rows FROM (SELECT id FROM scans WHERE i4 > -60 ORDER BY v <-> '[1,1,1,1,1,1]') s;
RESET work_mem;

-- other types of vectors; blocks longer than a page; partitions; indexes made of nothing, and beside writers
SET hnsw.ef_search = 400;
CREATE TABLE others (id int, k int, t text, b bit(70), s sparsevec(40), h halfvec(3), long vector(3000)) PARTITION BY RANGE (id);
CREATE TABLE others_low PARTITION OF others FOR VALUES FROM (0) TO (150);
CREATE TABLE others_high PARTITION OF others FOR VALUES FROM (150) TO (1000);
CREATE INDEX ON others USING hnsw (b bit_hamming_ops, k, t);
CREATE INDEX ON others USING hnsw (h halfvec_cosine_ops, (k % 3)) WHERE k > 1;
INSERT INTO others SELECT i, i % 7, 't' || i % 5, (hashint8extended(i, 1)::bit(64) || i::bit(6))::bit(70), pg_temp.uniform(i % 250, 40)::sparsevec, pg_temp.uniform(i, 3)::halfvec,
	CASE WHEN i % 3 = 0 THEN pg_temp.uniform(i, 3000) END FROM generate_series(1, 300) i;
CREATE INDEX others_s ON others USING hnsw (s sparsevec_l1_ops, t, k);
CREATE INDEX CONCURRENTLY others_long ON others_low USING hnsw (long vector_ip_ops, k);
SET max_parallel_maintenance_workers = 2;
ALTER TABLE others_high SET (parallel_workers = 2);
CREATE INDEX others_long2 ON others_high USING hnsw (long vector_ip_ops, k);
SELECT pg_temp.against_exact('SELECT id, b <~> (7::bit(64) || 9::bit(6))::bit(70) AS d FROM others WHERE k IN (1, 4) AND t = ''t1'' ORDER BY d LIMIT 10');
SELECT pg_temp.against_exact('SELECT id, h <=> ''[1,2,3]'' AS d FROM others WHERE k > 1 AND k % 3 = 2 ORDER BY d LIMIT 10');
SELECT pg_temp.against_exact(format('SELECT id, s <+> %L AS d FROM others WHERE t >= ''t2'' AND k = 3 ORDER BY d LIMIT 10', pg_temp.uniform(3, 40)::sparsevec));
SELECT pg_temp.against_exact(format('SELECT id, long <#> %L AS d FROM others_low WHERE long IS NOT NULL AND k > 4 ORDER BY d LIMIT 10', pg_temp.uniform(3, 3000)));
SELECT pg_temp.against_exact(format('SELECT id, long <#> %L AS d FROM others_high WHERE long IS NOT NULL AND k = 6 ORDER BY d LIMIT 10', pg_temp.uniform(3, 3000)));
UPDATE others SET k = k + 1 WHERE id % 2 = 0;
DELETE FROM others WHERE id % 5 = 0;
VACUUM others;
SELECT relname, c.* FROM pg_class, hnsw_check(oid) c WHERE relkind = 'i' AND relname LIKE 'others%' AND relam = (SELECT oid FROM pg_am WHERE amname = 'hnsw');
SELECT pg_temp.against_exact('SELECT id, b <~> (7::bit(64) || 9::bit(6))::bit(70) AS d FROM others WHERE k IN (1, 4) AND t = ''t1'' ORDER BY d LIMIT 10');
SELECT pg_temp.against_exact(format('SELECT id, s <+> %L AS d FROM others WHERE t >= ''t2'' AND k = 3 ORDER BY d LIMIT 10', pg_temp.uniform(3, 40)::sparsevec));

SET client_min_messages = warning;
DROP TABLE others;
DROP TABLE scans, asked, comparisons CASCADE;
DROP TYPE stage CASCADE;
