-- Rows come in the order of their exact distances, though the index knows these within bounds only. Vectors of 784
-- dimensions are stored by 12 bits a number; the distances of many rows differ by less than that.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

CREATE TABLE items (id int, v vector(784)) WITH (autovacuum_enabled = off);
-- 20 clusters, whose rows lie closely together
CREATE TEMPORARY TABLE centres AS SELECT c, pg_temp.uniform(c, 784) * array_fill(100, ARRAY[784])::vector AS v FROM generate_series(0, 19) c;
CREATE TEMPORARY TABLE offsets AS SELECT o, (pg_temp.uniform(1000 + o, 784) - array_fill(0.5, ARRAY[784])::vector) AS v FROM generate_series(0, 39) o;
INSERT INTO items SELECT c * 40 + o, centres.v + offsets.v * array_fill(CASE c % 4 WHEN 0 THEN 20 WHEN 1 THEN 1 WHEN 2 THEN 0.05 ELSE 0.002 END, ARRAY[784])::vector
	FROM centres, offsets ORDER BY hashint4(c * 40 + o);
CREATE INDEX ON items USING hnsw (v vector_l2_ops);
CREATE INDEX ON items USING hnsw (v vector_ip_ops);
CREATE INDEX ON items USING hnsw (v vector_cosine_ops);
CREATE INDEX ON items USING hnsw (v vector_l1_ops);
ANALYZE items;

CREATE FUNCTION pg_temp.queries(operator text, wanted int) RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(format('SELECT id, v %1$s (SELECT v FROM items WHERE id = %2$s) FROM items ORDER BY v %1$s (SELECT v FROM items WHERE id = %2$s) LIMIT %3$s',
		operator, q, wanted)) FROM generate_series(3, 799, 40) q
$$;
-- Recall is not what this is about. By inner product the longest vectors hide the others in such a set.
CREATE FUNCTION pg_temp.enough(operator text) RETURNS float8 LANGUAGE sql RETURN CASE operator WHEN '<#>' THEN 0.4 WHEN '<+>' THEN 0.3 ELSE 0.9 END;
-- the first ten and the whole cluster
SELECT operator, wanted, uses_index, recall >= pg_temp.enough(operator) AS good_recall, ordered
	FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator, unnest('{10,40}'::int[]) wanted, pg_temp.recall(pg_temp.queries(operator, wanted)) ORDER BY 1, 2;
-- far beyond it, through wider and wider walks, and through the whole index
SELECT operator, wanted, uses_index, recall >= pg_temp.enough(operator) AS good_recall, ordered
	FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator, unnest('{300}'::int[]) wanted, pg_temp.recall((pg_temp.queries(operator, wanted))[1:4]) ORDER BY 1, 2;
SET work_mem = '64kB';
SELECT operator, uses_index, recall >= pg_temp.enough(operator) AS good_recall, ordered
	FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator, pg_temp.recall((pg_temp.queries(operator, 300))[1:4]) ORDER BY 1, 2;
RESET work_mem;
-- by ef_search
SET hnsw.ef_search = 1000;
SELECT operator, uses_index, recall, ordered FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator, pg_temp.recall((pg_temp.queries(operator, 800))[1:2]) ORDER BY 1, 2;
SET hnsw.ef_search = 10;
SELECT operator, uses_index, recall >= pg_temp.enough(operator) - 0.2 AS good_recall, ordered FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator, pg_temp.recall(pg_temp.queries(operator, 10)) ORDER BY 1, 2;
RESET hnsw.ef_search;
-- relaxed: the same rows or more, in the order of their bounds within each walk
SET hnsw.iterative_scan = relaxed_order;
SELECT operator, uses_index, recall >= pg_temp.enough(operator) AS good_recall FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator, pg_temp.recall(pg_temp.queries(operator, 40)) ORDER BY 1, 2;
SET hnsw.iterative_scan = off;
SELECT operator, uses_index, recall >= pg_temp.enough(operator) AS good_recall, ordered FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator, pg_temp.recall(pg_temp.queries(operator, 10)) ORDER BY 1, 2;
RESET hnsw.iterative_scan;

-- distances that are equal, and those that are 0
INSERT INTO items SELECT 2000 + i, (SELECT v FROM items WHERE id = 3) FROM generate_series(1, 5) i;
SELECT count(*), max(d) FROM (SELECT id, v <-> (SELECT v FROM items WHERE id = 3) AS d FROM items ORDER BY v <-> (SELECT v FROM items WHERE id = 3) LIMIT 6) s;
-- after changes
DELETE FROM items WHERE id % 3 = 0;
VACUUM items;
UPDATE items SET v = v * array_fill(1.001, ARRAY[784])::vector WHERE id % 3 = 1;
CREATE FUNCTION pg_temp.queries_by_centre(operator text, wanted int) RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(format('SELECT id, v %1$s (SELECT v FROM centres WHERE c = %2$s) FROM items ORDER BY v %1$s (SELECT v FROM centres WHERE c = %2$s) LIMIT %3$s',
		operator, c, wanted)) FROM generate_series(0, 19) c
$$;
SELECT operator, uses_index, recall >= pg_temp.enough(operator) AS good_recall, ordered
	FROM unnest('{<->,<#>,<=>,<+>}'::text[]) operator, pg_temp.recall(pg_temp.queries_by_centre(operator, 25)) ORDER BY 1, 2;

DROP TABLE items;
