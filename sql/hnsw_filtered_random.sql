-- Generated filtered queries against the exact answer: no LIMIT is left unfilled while rows qualify, no row is given
-- twice or out of order, none that does not qualify; recall as without a filter.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

CREATE TABLE items (id int PRIMARY KEY, a int, b text, c int[], cluster int, v vector(8)) WITH (fillfactor = 80, autovacuum_enabled = off);
CREATE FUNCTION pg_temp.item(i int) RETURNS items LANGUAGE sql AS $$
	SELECT ROW(i, CASE WHEN i % 13 <> 0 THEN hashint4(i) & 1023 END, 'b' || i % 9, ARRAY[i % 7, 10 + i % 4], i % 25,
		CASE WHEN i % 301 <> 0 THEN pg_temp.uniform(CASE WHEN i % 40 = 0 THEN 40 ELSE i + 1000 END, 8) + pg_temp.uniform(i % 25, 8) * '[5,5,5,5,5,5,5,5]' END)::items
$$;
INSERT INTO items SELECT (pg_temp.item(i)).* FROM generate_series(1, 4000) i;
CREATE INDEX ON items USING hnsw (v vector_l2_ops);
CREATE INDEX ON items USING hnsw (v vector_cosine_ops);
CREATE INDEX ON items (a);
CREATE INDEX ON items (cluster);
CREATE INDEX ON items USING gin (c);
CREATE INDEX ON items USING brin (id) WITH (pages_per_range = 2);
CREATE INDEX ON items USING hash (b);
VACUUM ANALYZE items;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET enable_seqscan = off;
SET enable_sort = off;
SET plan_cache_mode = force_generic_plan;

-- the n-th of some numbers, the same everywhere
CREATE FUNCTION pg_temp.pick(seed int, n int, below int) RETURNS int LANGUAGE sql IMMUTABLE RETURN ((hashint8extended(n, seed) >> 8) & 16777215) % below;
CREATE FUNCTION pg_temp.condition(seed int, n int) RETURNS text LANGUAGE sql AS $$
	SELECT CASE pg_temp.pick(seed, n, 14)
		WHEN 0 THEN format('a < %s', x) WHEN 1 THEN format('a BETWEEN %s AND %s', x, x + y) WHEN 2 THEN format('a = ANY (ARRAY[%s, %s, %s])', x, y, x + 1)
		WHEN 3 THEN 'a IS NULL' WHEN 4 THEN 'a IS NOT NULL' WHEN 5 THEN format('cluster = %s', x % 25) WHEN 6 THEN format('cluster IN (%s, %s)', x % 25, y % 25)
		WHEN 7 THEN format('c && ARRAY[%s]', x % 14) WHEN 8 THEN format('c @> ARRAY[%s, %s]', x % 7, 10 + y % 4) WHEN 9 THEN format('id < %s', 4 * x)
		WHEN 10 THEN format('b = ''b%s''', x % 9) WHEN 11 THEN format('a = ANY (ARRAY(SELECT i.a FROM items i WHERE i.id < %s))', y)
		WHEN 12 THEN format('(a < %s OR cluster = %s)', x, y % 25) WHEN 13 THEN format('(c @> ARRAY[%s] OR b = ''b%s'')', x % 7, y % 9) END
	FROM (SELECT pg_temp.pick(seed, n + 1, 1024) AS x, pg_temp.pick(seed, n + 2, 100) AS y) t
$$;
CREATE FUNCTION pg_temp.filter(seed int) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.condition(seed, 1) || CASE WHEN k < 4 THEN ' AND ' || pg_temp.condition(seed, 11) ELSE '' END || CASE WHEN k IN (3, 4) THEN ' AND id % 3 = 1' ELSE '' END
	FROM pg_temp.pick(seed, 21, 8) k
$$;
CREATE TABLE outcome (seed int, uses_scan boolean, rows int, filled boolean, ordered boolean, right_rows boolean, near int);
CREATE FUNCTION pg_temp.try(seed int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	line text;
	operator text := (ARRAY['<->', '<=>'])[1 + pg_temp.pick(seed, 31, 2)];
	wanted text := (ARRAY['1', '5', '10', '10', '50', '300', 'ALL'])[1 + pg_temp.pick(seed, 32, 7)];
	-- one in four without bitmaps; hnsw indexes have no NULL vectors
	without_bitmaps boolean := pg_temp.pick(seed, 34, 4) = 0;
	filter text := CASE WHEN without_bitmaps THEN 'v IS NOT NULL AND ' ELSE '' END || pg_temp.filter(seed);
	ordering text := format('v %s (pg_temp.uniform(%s, 8) + pg_temp.uniform(%s, 8) * ''[5,5,5,5,5,5,5,5]'')', operator, seed, pg_temp.pick(seed, 33, 25));
	-- LIMIT as a constant, as a parameter of a generic plan, around a subquery
	unlimited text := format('SELECT id, %s AS d FROM items WHERE %s ORDER BY d', ordering, filter);
	query text := CASE seed % 3 WHEN 0 THEN unlimited || ' LIMIT ' || wanted WHEN 1 THEN format('SELECT * FROM (%s) s LIMIT %s', unlimited, wanted)
		ELSE format('EXECUTE nearest(%s)', CASE wanted WHEN 'ALL' THEN 'NULL' ELSE wanted END) END;
	found record;
	exact record;
	uses boolean := false;
	right_rows boolean;
BEGIN
	PERFORM set_config('enable_bitmapscan', CASE WHEN without_bitmaps THEN 'off' ELSE 'on' END, true);
	IF seed % 3 = 2 THEN EXECUTE 'PREPARE nearest(bigint) AS ' || unlimited || ' LIMIT $1'; END IF;
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		uses := uses OR line ~ 'HNSW Filtered Scan';
	END LOOP;
	IF seed % 3 = 2 THEN
		EXECUTE 'CREATE TEMPORARY TABLE nearest AS ' || query;
		SELECT COALESCE(array_agg(id::bigint ORDER BY ctid), '{}') AS ids, COALESCE(array_agg(d ORDER BY ctid), '{}') AS distances INTO found FROM nearest;
		DEALLOCATE nearest;
		DROP TABLE nearest;
	ELSE
		SELECT * INTO found FROM pg_temp.rows_of(query);
	END IF;
	SELECT * INTO exact FROM pg_temp.by_sort(unlimited || ' LIMIT ' || wanted);
	EXECUTE format('SELECT count(*) = %s FROM items WHERE id = ANY (%L) AND (%s)', cardinality(found.ids), found.ids, filter) INTO right_rows;
	INSERT INTO outcome VALUES (seed, uses, cardinality(found.ids), cardinality(found.ids) = cardinality(exact.ids),
		found.distances IS NOT DISTINCT FROM (SELECT COALESCE(array_agg(d ORDER BY d), '{}') FROM unnest(found.distances) AS d), right_rows,
		(SELECT count(*) FROM unnest(found.distances) AS d WHERE d IS NULL OR d <= (SELECT max(e) FROM unnest(exact.distances) AS e)));
END
$$;
SELECT count(pg_temp.try(seed)) FROM generate_series(1, 150) seed;
-- with changes in between
UPDATE items SET a = a + 100 WHERE id % 5 = 1;
UPDATE items SET v = v + '[1,0,1,0,1,0,1,0]' WHERE id % 7 = 2;
UPDATE items SET v = NULL WHERE id % 97 = 3;
DELETE FROM items WHERE id % 11 = 4;
INSERT INTO items SELECT (pg_temp.item(i)).* FROM generate_series(4001, 4500) i;
SELECT count(pg_temp.try(seed)) FROM generate_series(151, 250) seed;
SET hnsw.ef_search = 10;
SELECT count(pg_temp.try(seed)) FROM generate_series(251, 300) seed;
RESET hnsw.ef_search;
VACUUM items;
SET work_mem = '64kB';
SELECT count(pg_temp.try(seed)) FROM generate_series(301, 400) seed;
RESET work_mem;
-- with HOT chains, and statistics that know nothing of the changes
UPDATE items SET b = b WHERE id % 2 = 0;
UPDATE items SET cluster = 7 WHERE cluster < 10;
SELECT count(pg_temp.try(seed)) FROM generate_series(401, 500) seed;

SELECT count(*), count(*) FILTER (WHERE uses_scan) > 250 AS mostly_by_the_scan, bool_and(filled) AS filled, bool_and(ordered) AS ordered, bool_and(right_rows) AS right_rows,
	sum(near) / sum(rows)::float8 > 0.98 AS good_recall FROM outcome;
SELECT seed, pg_temp.filter(seed), rows, filled, ordered, right_rows FROM outcome WHERE NOT (filled AND ordered AND right_rows) ORDER BY seed LIMIT 10;

SET client_min_messages = warning;
DROP TABLE items, outcome CASCADE;
