-- What a scan does when the first rows do not suffice: hnsw.iterative_scan, hnsw.max_scan_tuples, memory.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

CREATE TABLE items (id int PRIMARY KEY, rare int, far boolean, v vector(8)) WITH (autovacuum_enabled = off);
-- 3000 rows in 30 clusters; one row in 500 is rare, the rows of `far` are those farthest from the query
INSERT INTO items SELECT i, i % 500, i % 30 = 7, pg_temp.uniform(i % 30, 8) * '[20,20,20,20,20,20,20,20]' + pg_temp.uniform(i + 100, 8)
		+ CASE i % 30 WHEN 7 THEN '[90,90,90,90,90,90,90,90]' ELSE '[0,0,0,0,0,0,0,0]' END::vector
	FROM generate_series(1, 3000) i;
CREATE INDEX ON items USING hnsw (v vector_l2_ops);
ANALYZE items;
CREATE FUNCTION pg_temp.count_of(filter text, wanted int, OUT rows int, OUT all_pass boolean, OUT ordered boolean) LANGUAGE plpgsql AS $$
DECLARE
	ids bigint[];
	distances float8[];
BEGIN
	SELECT i.ids, i.distances INTO ids, distances
		FROM pg_temp.by_index(format('SELECT id, v <-> ''[9,9,9,9,9,9,9,9]'' AS d FROM items WHERE %s ORDER BY d LIMIT %s', filter, wanted)) i WHERE i.uses_index;
	rows := cardinality(ids);
	EXECUTE format('SELECT count(*) = %s FROM items WHERE id = ANY (%L) AND (%s)', rows, ids, filter) INTO all_pass;
	ordered := distances = COALESCE((SELECT array_agg(d ORDER BY d) FROM unnest(distances) AS d), distances);
END
$$;

-- the default: LIMITs are filled, in exact order
SHOW hnsw.iterative_scan;
SELECT filter, o.* FROM (VALUES (1, 'rare = 7', 5), (2, 'far', 10), (3, 'rare = 7 AND far', 1), (4, 'id > 2950', 10), (5, 'NOT far', 500), (6, 'rare < 0', 5))
	t(n, filter, wanted), pg_temp.count_of(filter, wanted) o ORDER BY n;
-- off: what the first ef_search rows have
SET hnsw.iterative_scan = off;
SELECT filter, o.rows < wanted AS unfilled, all_pass, ordered FROM (VALUES (1, 'rare = 7', 5), (2, 'far', 10), (4, 'id > 2950', 10), (5, 'NOT far', 500))
	t(n, filter, wanted), pg_temp.count_of(filter, wanted) o ORDER BY n;
SELECT rows FROM pg_temp.count_of('true', 1000);
SET hnsw.ef_search = 100;
SELECT rows FROM pg_temp.count_of('true', 1000);
SET hnsw.ef_search = 1;
SELECT rows FROM pg_temp.count_of('true', 1000);
RESET hnsw.ef_search;
-- relaxed: filled, nothing is left out for its order
SET hnsw.iterative_scan = relaxed_order;
SELECT filter, rows, all_pass FROM (VALUES (1, 'rare = 7', 5), (2, 'far', 10), (3, 'rare = 7 AND far', 1), (4, 'id > 2950', 10), (5, 'NOT far', 2900), (6, 'true', 5000))
	t(n, filter, wanted), pg_temp.count_of(filter, wanted) o ORDER BY n;

-- at most so many nodes
SET hnsw.max_scan_tuples = 1;
SELECT rows FROM pg_temp.count_of('true', 5000);
SET hnsw.max_scan_tuples = 300;
SELECT rows BETWEEN 100 AND 1000 AS some FROM pg_temp.count_of('true', 5000);
SET hnsw.iterative_scan = strict_order;
SELECT rows BETWEEN 100 AND 1000 AS some, ordered FROM pg_temp.count_of('true', 5000);
RESET hnsw.max_scan_tuples;

-- little memory: the rest comes from the whole index, sorted on disk if need be
SET work_mem = '64kB';
SELECT rows, ordered FROM pg_temp.count_of('far', 10);
SELECT rows >= 2700 AS nearly_all, ordered FROM pg_temp.count_of('true', 5000);
SET hnsw.iterative_scan = relaxed_order;
SELECT rows FROM pg_temp.count_of('true', 5000);
SET hnsw.scan_mem_multiplier = 1000;
SELECT rows FROM pg_temp.count_of('true', 5000);
RESET work_mem;
RESET hnsw.scan_mem_multiplier;
RESET hnsw.iterative_scan;

-- dead rows: scans that meet them leave a hint, and vacuum takes them away; then they take no room
DELETE FROM items WHERE id / 30 % 10 <> 0;
SET hnsw.iterative_scan = off;
SELECT rows < 40 AS few FROM pg_temp.count_of('true', 40);
DO $$ BEGIN FOR i IN 1..40 LOOP PERFORM pg_temp.count_of('true', 40); END LOOP; END $$;
SELECT rows >= 35 AS many FROM pg_temp.count_of('true', 40);
SET hnsw.iterative_scan = relaxed_order;
SELECT rows FROM pg_temp.count_of('true', 200);
VACUUM items;
SET hnsw.iterative_scan = off;
SELECT rows FROM pg_temp.count_of('true', 40);
SET hnsw.iterative_scan = relaxed_order;
SELECT rows FROM pg_temp.count_of('true', 200);
SELECT rows FROM pg_temp.count_of('far', 5);
RESET hnsw.iterative_scan;
SELECT rows, ordered FROM pg_temp.count_of('true', 40);

-- fewer rows than ef_search: exact, whatever links there are
SET hnsw.ef_search = 400;
SELECT o.* FROM pg_temp.against_exact('SELECT id, v <-> ''[9,9,9,9,9,9,9,9]'' AS d FROM items ORDER BY d LIMIT 1000') o;
-- by inner product short vectors are nobody's neighbours: most of these have no link to them
CREATE TABLE unlike (id int, v vector(3));
INSERT INTO unlike SELECT i, pg_temp.uniform(i, 3) * array_fill(1 + i % 10, ARRAY[3])::vector FROM generate_series(1, 1500) i;
CREATE INDEX ON unlike USING hnsw (v vector_ip_ops);

SET hnsw.ef_search = 1000;
SET hnsw.iterative_scan = relaxed_order;
SET enable_seqscan = off;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM unlike ORDER BY v <#> '[1,2,3]' LIMIT 2000) s;

DROP TABLE items, unlike;
