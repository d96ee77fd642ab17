-- "HNSW Filtered Scan": conditions that an hnsw index does not know decide which rows a search of it may give, by the
-- bitmaps of other indexes or by asking the rows.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

CREATE TABLE items (id int PRIMARY KEY, grp int, cluster int, n int, day date, words tsvector, tags int[], doc jsonb, v vector(6)) WITH (autovacuum_enabled = off);
-- 5000 rows in 20 clusters; `far` ones lie apart from all others
INSERT INTO items SELECT i, i % 100, i % 20, nullif(hashint4(i) % 7, 0), date '2020-01-01' + i / 10,
		to_tsvector('simple', 'w' || i % 4 || ' x' || i % 11), ARRAY[i % 3, 10 + i % 5], jsonb_build_object('a', i % 6, 'b', i % 8),
		CASE WHEN i % 500 = 499 THEN NULL ELSE pg_temp.uniform(i % 20, 6) * '[20,20,20,20,20,20]' + pg_temp.uniform(i + 100, 6) + array_fill(CASE i % 20 WHEN 7 THEN 90 ELSE 0 END, ARRAY[6])::vector END
	FROM generate_series(1, 5000) i;
CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops);
CREATE INDEX items_grp ON items (grp);
CREATE INDEX items_cluster ON items (cluster);
CREATE INDEX items_n ON items (n);
CREATE INDEX items_day ON items USING brin (day) WITH (pages_per_range = 4);
CREATE INDEX items_words ON items USING gin (words) WITH (fastupdate = off);
CREATE INDEX items_tags ON items USING gin (tags);
CREATE INDEX items_doc ON items USING gin (doc);
CREATE TABLE queries (id int PRIMARY KEY, grp int, v vector(6));
INSERT INTO queries SELECT i, i * 10, pg_temp.uniform(i, 6) * '[20,20,20,20,20,20]' FROM generate_series(1, 5) i;
VACUUM ANALYZE items, queries;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
-- so that it is chosen also where a sort is cheaper
SET enable_sort = off;
SET enable_seqscan = off;

-- plans
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE grp = 3 ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE grp < 2 AND words @@ 'x1' AND id % 2 = 0 ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE grp = 3 OR doc @> '{"a": 1, "b": 3}' ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 10;
EXPLAIN (COSTS OFF, VERBOSE) SELECT id FROM items i WHERE grp = ANY (ARRAY(SELECT q.grp FROM queries q WHERE q.id < 3)) ORDER BY v <-> (SELECT q.v FROM queries q WHERE q.id = 1) LIMIT 10;
EXPLAIN (COSTS OFF) SELECT q.id, s.id FROM queries q CROSS JOIN LATERAL (SELECT i.id FROM items i WHERE i.grp = q.grp ORDER BY i.v <-> q.v LIMIT 2) s;
-- without a bitmap where no other index knows a condition
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE grp % 3 = 1 ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 10;
-- not where another order is asked for, nearly all rows are known to pass, or when it is switched off
SELECT query, line FROM unnest(ARRAY[
	'SELECT id FROM items WHERE grp = 3 ORDER BY v <-> ''[1,2,3,4,5,6]'' DESC LIMIT 10',
	'SELECT id FROM items WHERE grp = 3 ORDER BY v <=> ''[1,2,3,4,5,6]'' LIMIT 10',
	'SELECT id FROM items WHERE grp = 3 ORDER BY v <-> ''[1,2,3,4,5,6]'', id LIMIT 10',
	'SELECT id FROM items WHERE grp + 0 <> 3 ORDER BY v <-> ''[1,2,3,4,5,6]'' LIMIT 10',
	'SELECT id FROM items WHERE grp = 3',
	'SELECT count(*) FROM items WHERE grp = 3']) query, pg_temp.plan(query) line WHERE line ~ 'Filtered';
SET hnsw.enable_filtered_scan = off;
SELECT line FROM pg_temp.plan('SELECT id FROM items WHERE grp = 3 ORDER BY v <-> ''[1,2,3,4,5,6]'' LIMIT 10') line WHERE line ~ 'Filtered';
RESET hnsw.enable_filtered_scan;

-- Whether the scan is used, and gives the rows of a sort, or as many in exact order of which nearly all are those.
CREATE FUNCTION pg_temp.filtered(query text, OUT uses_scan boolean, OUT strategy text, OUT search text, OUT rows int, OUT filled boolean, OUT ordered boolean, OUT recall float8) LANGUAGE plpgsql AS $$
DECLARE
	line text;
	found record;
	exact record;
BEGIN
	uses_scan := false;
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		uses_scan := uses_scan OR line ~ 'HNSW Filtered Scan';
		IF line ~ 'Strategy: ' THEN strategy := substring(line FROM 'Strategy: (.*)'); END IF;
		IF line ~ 'Search: ' THEN search := substring(line FROM 'Search: (.*)'); END IF;
	END LOOP;
	SELECT * INTO found FROM pg_temp.rows_of(query);
	SELECT * INTO exact FROM pg_temp.by_sort(query);
	rows := cardinality(found.ids);
	filled := rows = cardinality(exact.ids) AND rows = (SELECT count(DISTINCT id) FROM unnest(found.ids) id);
	ordered := found.distances IS NOT DISTINCT FROM (SELECT COALESCE(array_agg(d ORDER BY d), '{}') FROM unnest(found.distances) AS d);
	recall := CASE rows WHEN 0 THEN 1 ELSE (SELECT count(*) FROM unnest(found.distances) AS d WHERE d IS NULL OR d <= (SELECT max(e) FROM unnest(exact.distances) AS e)) / rows::float8 END;
END
$$;
CREATE FUNCTION pg_temp.query(filter text, wanted text DEFAULT '10', near int DEFAULT 1) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT id, v <-> (SELECT q.v FROM queries q WHERE q.id = %s) AS d FROM items WHERE %s ORDER BY d LIMIT %s', near, filter, wanted)
$$;

-- the strategies
SELECT filter, wanted, f.uses_scan, f.strategy, f.search, f.rows, f.filled, f.ordered, f.recall >= 0.9 AS good_recall
	FROM (VALUES (1, 'grp = 3', '10'), (2, 'grp < 40', '10'), (3, 'grp < 90', '10'), (4, 'grp < 40', 'ALL'), (5, 'cluster = 7', '10'), (6, 'cluster IN (7, 8)', '10'), (7, 'cluster IN (7, 8)', '400'),
		(8, 'grp < 40 AND cluster = 7', '10'), (9, 'grp < 90 AND id % 50 = 7', '10'), (10, 'grp = 1000', '10'), (11, 'grp >= 0', '10'), (12, 'grp >= 0', 'ALL'), (13, 'grp < 40 AND id % 500 = 7', '10'))
		t(n, filter, wanted), pg_temp.filtered(pg_temp.query(filter, wanted)) f ORDER BY n;
-- a wide filter with a small ef_search; rows near the query found by a probe, which far ones do not pass
SET hnsw.ef_search = 10;
SELECT f.* FROM pg_temp.filtered(pg_temp.query('grp < 90', '5')) f;
CREATE TABLE clusters (id int, cluster int, v vector(4)) WITH (autovacuum_enabled = off);
INSERT INTO clusters SELECT i, i % 20, ARRAY[i % 20 * 100 + i / 20 % 13, i / 260 % 17, i / 4420 % 19, hashint4(i) & 7] FROM generate_series(1, 40000) i;
CREATE INDEX ON clusters USING hnsw (v vector_l2_ops);
CREATE INDEX ON clusters (cluster);
VACUUM ANALYZE clusters;
SELECT n, f.* FROM (VALUES (1, 'cluster = 3'), (2, 'cluster = 9'), (3, 'cluster IN (9, 10, 11, 12)')) t(n, filter),
	pg_temp.filtered(format('SELECT id, v <-> ''[303.1,8,5,3]'' AS d FROM clusters WHERE %s ORDER BY d LIMIT 5', filter)) f ORDER BY n;
DROP TABLE clusters;
RESET hnsw.ef_search;
-- all kinds of indexes, alone and together
SELECT filter, f.uses_scan, f.rows, f.filled, f.ordered, f.recall >= 0.9 AS good_recall
	FROM (VALUES (1, 'n IS NULL'), (2, 'words @@ ''w1 & x3'''), (3, 'words @@ ''w1 | x3'''), (4, 'tags && ARRAY[1, 12]'), (5, 'tags @> ARRAY[1, 12]'), (6, 'doc @> ''{"a": 3}'''),
		(7, 'day BETWEEN ''2020-02-01'' AND ''2020-02-20'''), (8, 'grp = 3 OR cluster = 4'), (9, 'grp < 50 AND n = 2'), (10, 'grp = ANY (''{1,2,3}'')'), (11, '(grp < 5 OR words @@ ''x1'') AND tags @> ARRAY[2]'),
		(12, 'grp = ANY (ARRAY(SELECT q.grp FROM queries q WHERE q.id < 4))'), (13, 'id < 300'), (14, 'id < 300 AND v IS NOT NULL'), (15, 'v IS NULL AND grp = 99'))
		t(n, filter), pg_temp.filtered(pg_temp.query(filter)) f ORDER BY n;
-- a bitmap of whole pages
SET work_mem = '64kB';
SELECT filter, wanted, f.uses_scan, f.rows, f.filled, f.ordered, f.recall >= 0.9 AS good_recall
	FROM (VALUES (1, 'grp < 60', '10'), (2, 'grp < 60', 'ALL'), (3, 'grp < 60 AND cluster = 7', '20'), (4, 'tags && ARRAY[1] OR grp < 20', '4000'))
		t(n, filter, wanted), pg_temp.filtered(pg_temp.query(filter, wanted)) f ORDER BY n;
RESET work_mem;

CREATE FUNCTION pg_temp.by_cursor(query text) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	c refcursor;
	id int;
	ids int[];
BEGIN
	OPEN c FOR EXECUTE query;
	LOOP
		FETCH c INTO id;
		EXIT WHEN NOT FOUND;
		ids := ids || id;
	END LOOP;
	RETURN ids;
END
$$;
-- conditions that no other index knows: a walk that asks rows, and where it does not lead to enough of them the rest of the index
SELECT filter, wanted, f.uses_scan, f.strategy, f.search, f.rows, f.filled, f.ordered, f.recall >= 0.9 AS good_recall
	FROM (VALUES (1, 'hashint4(id) % 2 = 0', '10'), (2, 'hashint4(id) % 50 = 3', '10'), (3, 'cluster + 0 = 7', '10'), (4, 'cluster + 0 IN (7, 8)', '400'), (5, 'cluster + 0 = 77', '10'), (6, 'hashint4(id) % 2 = 0', '2000'), (7, 'id % 1000 = 7', '10'))
		t(n, filter, wanted), pg_temp.filtered(pg_temp.query(filter, wanted)) f ORDER BY n;
-- with little memory
SET work_mem = '64kB';
SELECT filter, wanted, f.uses_scan, f.strategy, f.rows, f.filled, f.ordered, f.recall >= 0.9 AS good_recall
	FROM (VALUES (1, 'cluster + 0 = 7 AND v IS NOT NULL', '100'), (2, 'hashint4(id) > 0 AND v IS NOT NULL', '2000')) t(n, filter, wanted), pg_temp.filtered(pg_temp.query(filter, wanted)) f ORDER BY n;
-- all rows by a cursor
SET cursor_tuple_fraction = 0.001;
SELECT count(*), count(DISTINCT id), bool_and(id % 3 = 1) FROM unnest(pg_temp.by_cursor('SELECT id FROM items WHERE id % 3 = 1 ORDER BY v <-> ''[1,2,3,4,5,6]''')) id;
SELECT count(v) FROM items WHERE id % 3 = 1;
RESET cursor_tuple_fraction;
RESET work_mem;
-- a walk asks each row once
CREATE SEQUENCE questions;
CREATE FUNCTION pg_temp.asks(id int) RETURNS boolean LANGUAGE plpgsql VOLATILE COST 1 AS $$ BEGIN RETURN nextval('questions') > 0 AND hashint4(id) % 2 = 0; END $$;
SELECT count(*) FROM (SELECT id FROM items WHERE pg_temp.asks(id) ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 10) s;
SELECT last_value <= nodes AS once, strategy FROM questions, hnsw_last_scan();
-- dear conditions: rows are asked in the order of distance, and not all that a walk comes by
CREATE FUNCTION pg_temp.dear(id int) RETURNS boolean LANGUAGE plpgsql VOLATILE COST 100000 AS $$ BEGIN RETURN nextval('questions') > 0 AND hashint4(id) % 2 = 0; END $$;
SELECT setval('questions', 1);
SELECT count(*) FROM (SELECT id FROM items WHERE pg_temp.dear(id) ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 10) s;
SELECT last_value < 60 AS few, strategy FROM questions, hnsw_last_scan();
DROP SEQUENCE questions;
-- hnsw.max_scan_tuples bounds it
SET hnsw.max_scan_tuples = 50;
SELECT count(*) < 20 AS unfilled, count(*) > 0 AS some FROM (SELECT id FROM items WHERE hashint4(id) % 5 = 0 ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 20) s;
RESET hnsw.max_scan_tuples;
-- switched off, as a whole or its bitmaps
SET hnsw.enable_filtered_scan = off;
SELECT line FROM pg_temp.plan('SELECT id FROM items WHERE id % 2 = 0 ORDER BY v <-> ''[1,2,3,4,5,6]'' LIMIT 10') line WHERE line ~ 'items';
RESET hnsw.enable_filtered_scan;
SET hnsw.iterative_scan = off;
SELECT line FROM pg_temp.plan('SELECT id FROM items WHERE id % 2 = 0 ORDER BY v <-> ''[1,2,3,4,5,6]'' LIMIT 10') line WHERE line ~ 'items';
RESET hnsw.iterative_scan;
SET enable_bitmapscan = off;
SELECT line FROM pg_temp.plan('SELECT id FROM items WHERE grp = 3 ORDER BY v <-> ''[1,2,3,4,5,6]'' LIMIT 10') line WHERE line ~ 'items|Bitmap';
RESET enable_bitmapscan;
-- by inner product, whose distances are negative
CREATE INDEX items_ip ON items USING hnsw (v vector_ip_ops);
SELECT filter, f.uses_scan, f.rows, f.filled, f.ordered FROM unnest(ARRAY['grp < 60', 'hashint4(id) % 2 = 0']) filter,
	pg_temp.filtered(format('SELECT id, v <#> ''[-1,2,3,4,5,6]'' AS d FROM items WHERE %s ORDER BY d LIMIT 2000', filter)) f;
DROP INDEX items_ip;

-- query vectors that have no distance; a vector of other dimensions
SELECT count(*) FROM (SELECT id FROM items WHERE id % 2 = 0 ORDER BY v <-> (SELECT q.v FROM queries q WHERE q.id = 77) LIMIT 10) s;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM items WHERE id % 2 = 0 AND v IS NOT NULL ORDER BY v <-> (SELECT q.v FROM queries q WHERE q.id = 77) LIMIT 3000) s;
SELECT count(*) FROM (SELECT id FROM items WHERE grp < 40 ORDER BY v <-> (SELECT q.v FROM queries q WHERE q.id = 77) LIMIT 10) s;
SELECT count(*) FROM (SELECT id FROM items WHERE grp = 3 ORDER BY v <-> NULL::vector LIMIT 10) s;
SELECT id FROM items WHERE grp < 40 ORDER BY v <-> '[1,2,3]' LIMIT 10;
SELECT id FROM items WHERE grp = 3 ORDER BY v <-> '[1,2,3]' LIMIT 10;

-- rescans: with another query vector, another filter, both
CREATE FUNCTION pg_temp.of_each(query text, OUT uses_scan boolean, OUT same boolean) LANGUAGE plpgsql AS $$
DECLARE
	line text;
	by_scan text[];
	by_sort text[];
BEGIN
	uses_scan := false;
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		uses_scan := uses_scan OR line ~ 'HNSW Filtered Scan';
	END LOOP;
	EXECUTE 'SELECT array_agg(s::text ORDER BY s::text) FROM (' || query || ') s' INTO by_scan;
	SET LOCAL enable_indexscan = off;
	EXECUTE 'SELECT array_agg(s::text ORDER BY s::text) FROM (' || query || ') s' INTO by_sort;
	SET LOCAL enable_indexscan = on;
	same := by_scan = by_sort;
END
$$;
SET hnsw.ef_search = 100;
SELECT pg_temp.of_each('SELECT q.id AS q, s.id FROM queries q CROSS JOIN LATERAL (SELECT i.id FROM items i WHERE i.grp = 3 ORDER BY i.v <-> q.v LIMIT 3) s');
SELECT pg_temp.of_each('SELECT q.id AS q, s.id FROM queries q CROSS JOIN LATERAL (SELECT i.id FROM items i WHERE i.grp < 60 ORDER BY i.v <-> q.v LIMIT 3) s');
SELECT pg_temp.of_each('SELECT q.id AS q, s.id FROM queries q CROSS JOIN LATERAL (SELECT i.id FROM items i WHERE i.grp = q.grp ORDER BY i.v <-> ''[1,2,3,4,5,6]'' LIMIT 3) s');
SELECT pg_temp.of_each('SELECT q.id AS q, s.id FROM queries q CROSS JOIN LATERAL (SELECT i.id FROM items i WHERE i.grp < q.grp + 30 ORDER BY i.v <-> q.v LIMIT 3) s');
SELECT pg_temp.of_each('SELECT q.id AS q, (SELECT i.id FROM items i WHERE i.grp = q.grp ORDER BY i.v <-> q.v LIMIT 1) FROM queries q');
SELECT pg_temp.of_each('SELECT q.id AS q, s.id FROM queries q CROSS JOIN LATERAL (SELECT i.id FROM items i WHERE i.grp % 10 = q.id ORDER BY i.v <-> q.v LIMIT 3) s');
SELECT pg_temp.of_each('SELECT q.id AS q, s.id FROM queries q LEFT JOIN LATERAL (SELECT i.id FROM items i WHERE i.grp = q.grp + 1000 ORDER BY i.v <-> q.v LIMIT 1) s ON true');
RESET hnsw.ef_search;

-- prepared, by generic plans
SET plan_cache_mode = force_generic_plan;
PREPARE nearest(int, vector, int) AS SELECT id FROM items WHERE grp = $1 ORDER BY v <-> $2 LIMIT $3;
EXPLAIN (COSTS OFF) EXECUTE nearest(3, '[1,2,3,4,5,6]', 10);
CREATE TEMPORARY TABLE expected AS SELECT grp, array_agg(id ORDER BY v <-> '[1,2,3,4,5,6]', id) AS ids FROM items WHERE grp IN (3, 4) AND v IS NOT NULL GROUP BY 1;
CREATE TEMPORARY TABLE got AS EXECUTE nearest(3, '[1,2,3,4,5,6]', 10);
SELECT array_agg(id) = (SELECT ids[1:10] FROM expected WHERE grp = 3) AS same FROM got;
DROP TABLE got;
CREATE TEMPORARY TABLE got AS EXECUTE nearest(4, '[1,2,3,4,5,6]', 20);
SELECT array_agg(id) = (SELECT ids[1:20] FROM expected WHERE grp = 4) AS same FROM got;
EXECUTE nearest(NULL, '[1,2,3,4,5,6]', 20);
-- an index goes, the plan is made anew
BEGIN;
DROP INDEX items_v;
EXPLAIN (COSTS OFF) EXECUTE nearest(3, '[1,2,3,4,5,6]', 10);
ROLLBACK;
DEALLOCATE nearest;
RESET plan_cache_mode;

-- columns of the system, the whole row, a filter that depends on the distance
SELECT i.tableoid::regclass, i.ctid = (SELECT e.ctid FROM items e WHERE e.id = i.id) AS same_ctid, i.xmin = (SELECT e.xmin FROM items e WHERE e.id = i.id) AS same_xmin, i = (SELECT e FROM items e WHERE e.id = i.id) AS same_row
	FROM items i WHERE grp = 3 ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 1;
SELECT bool_and(d < 30), count(*) > 0 FROM (SELECT v <-> '[1,2,3,4,5,6]' AS d FROM items WHERE grp < 10 AND v <-> '[1,2,3,4,5,6]' < 30 ORDER BY d LIMIT 5) s;

-- a cursor, backwards by what was kept
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT array_agg(id) OVER (ROWS UNBOUNDED PRECEDING) = (SELECT ids[1:4] FROM expected e WHERE e.grp = 3) AS first_four FROM items WHERE grp = 3 ORDER BY v <-> '[1,2,3,4,5,6]';
MOVE 4 IN c;
FETCH BACKWARD 1 FROM c;
FETCH FORWARD 1 FROM c;
ROLLBACK;

-- all rows by a cursor, of which nobody knows how many will be taken: what is found too late comes last, and nothing is missing
SET cursor_tuple_fraction = 0.001;
EXPLAIN (COSTS OFF) DECLARE c CURSOR FOR SELECT id FROM items WHERE grp < 40 ORDER BY v <-> '[1,2,3,4,5,6]';
SELECT filter, cardinality(ids), cardinality(ids) = (SELECT count(DISTINCT id) FROM unnest(ids) id) AS distinct_rows, (SELECT strategy FROM hnsw_last_scan())
	FROM unnest(ARRAY['grp < 40', 'grp < 90', 'cluster = 7', 'grp < 40 AND cluster IN (7, 8, 9) AND id % 3 = 1']) filter, pg_temp.by_cursor('SELECT id FROM items WHERE ' || filter || ' ORDER BY v <-> ''[1,2,3,4,5,6]''') ids;
SELECT count(*) FILTER (WHERE grp < 40), count(*) FILTER (WHERE grp < 90), count(*) FILTER (WHERE cluster = 7), count(*) FILTER (WHERE grp < 40 AND cluster IN (7, 8, 9) AND id % 3 = 1) FROM items;
RESET cursor_tuple_fraction;

-- updates, deletes, HOT chains and aborted changes in between
UPDATE items SET doc = doc || '{"c": 1}' WHERE id % 3 = 0;
UPDATE items SET v = v + '[1,1,1,1,1,1]' WHERE id % 7 = 0;
UPDATE items SET grp = 3 WHERE id % 50 = 1;
DELETE FROM items WHERE id % 5 = 0;
BEGIN;
UPDATE items SET grp = 3, v = '[1,2,3,4,5,6]';
SELECT id FROM items WHERE grp = 4 ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 1;
ROLLBACK;
ALTER TABLE items SET (fillfactor = 50);
UPDATE items SET day = day + 1 WHERE id % 2 = 0;
SELECT filter, wanted, f.uses_scan, f.rows, f.filled, f.ordered, f.recall >= 0.9 AS good_recall
	FROM (VALUES (1, 'grp = 3', '10'), (2, 'grp = 3', 'ALL'), (3, 'grp < 40', '10'), (4, 'cluster = 7', '10'), (5, 'grp < 90', '10'), (6, 'doc @> ''{"c": 1}''', 'ALL'))
		t(n, filter, wanted), pg_temp.filtered(pg_temp.query(filter, wanted)) f ORDER BY n;

-- FOR UPDATE, in a cursor, by its place
BEGIN;
SELECT count(*) FROM (SELECT id FROM items WHERE grp = 3 ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 5 FOR UPDATE) s;
SELECT count(*) FROM (SELECT id FROM items WHERE grp < 40 ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 5 FOR SHARE SKIP LOCKED) s;
SELECT count(*) FROM (SELECT id FROM items WHERE id % 2 = 0 ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 5 FOR UPDATE) s;
DECLARE changing CURSOR FOR SELECT id FROM items WHERE grp = 3 ORDER BY v <-> '[1,2,3,4,5,6]' FOR UPDATE;
MOVE 2 IN changing;
UPDATE items SET grp = 4444 WHERE CURRENT OF changing;
SELECT count(*) FROM items WHERE grp = 4444;
ROLLBACK;

-- row-level security: its conditions come first, and nothing is measured that they hide
CREATE ROLE regress_medvec_reader;
GRANT SELECT ON items, queries TO regress_medvec_reader;
CREATE FUNCTION seen(id int) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN IF id % 2 = 1 THEN RAISE EXCEPTION 'leak'; END IF; RETURN true; END $$;
ALTER TABLE items ENABLE ROW LEVEL SECURITY;
CREATE POLICY even ON items USING (id % 2 = 0);
SET ROLE regress_medvec_reader;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE grp = 3 AND seen(id) ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 10;
SELECT count(*), bool_and(id % 2 = 0) FROM (SELECT id FROM items WHERE grp < 60 AND seen(id) ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 10) s;
SELECT count(*), bool_and(id % 2 = 0) FROM (SELECT id FROM items WHERE grp < 95 AND seen(id) ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 10) s;
-- @> is not leakproof: no bitmap of it below the policy
SELECT line FROM pg_temp.plan('SELECT id FROM items WHERE tags @> ARRAY[1] ORDER BY v <-> ''[1,2,3,4,5,6]'' LIMIT 10') line WHERE line ~ 'items_tags';
RESET ROLE;
ALTER TABLE items DISABLE ROW LEVEL SECURITY;
DROP POLICY even ON items;
DROP FUNCTION seen;
CREATE VIEW guarded WITH (security_barrier) AS SELECT * FROM items WHERE id % 2 = 0;
SELECT line FROM pg_temp.plan('SELECT id FROM guarded WHERE tags @> ARRAY[1] ORDER BY v <-> ''[1,2,3,4,5,6]'' LIMIT 10') line WHERE line ~ 'items_tags';
SELECT count(*), bool_and(id % 2 = 0) FROM (SELECT id FROM guarded WHERE grp = 4 ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 10) s;
DROP VIEW guarded;
REVOKE ALL ON items, queries FROM regress_medvec_reader;
DROP ROLE regress_medvec_reader;

-- partitions, inheritance
CREATE TABLE parts (id int, grp int, v vector(6)) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (2000);
CREATE TABLE parts_2 (junk int, v vector(6), grp int, id int);
ALTER TABLE parts_2 DROP COLUMN junk;
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (2000) TO (9000);
INSERT INTO parts SELECT id, grp, v FROM items;
CREATE INDEX ON parts USING hnsw (v vector_l2_ops);
CREATE INDEX ON parts (grp);
VACUUM ANALYZE parts;
EXPLAIN (COSTS OFF) SELECT id FROM parts WHERE grp = 4 ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 10;
SELECT f.* FROM (VALUES (1, 'grp = 4'), (2, 'grp < 40'), (3, 'grp < 90')) t(n, filter),
	LATERAL (SELECT filter, f.uses_scan, f.rows, f.filled, f.ordered, f.recall >= 0.9 AS good_recall FROM pg_temp.filtered(format('SELECT id, v <-> ''[1,2,3,4,5,6]'' AS d FROM parts WHERE %s ORDER BY d LIMIT 20', filter)) f) f ORDER BY n;
SET client_min_messages = warning;
CREATE TABLE heir (LIKE items INCLUDING INDEXES) INHERITS (items);
RESET client_min_messages;
INSERT INTO heir SELECT * FROM items WHERE id < 1000;
VACUUM ANALYZE heir;
SELECT count(*) = count(DISTINCT tableoid::text || id) AS distinct_rows, count(DISTINCT tableoid) FROM (SELECT tableoid, id FROM items WHERE grp = 4 ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 30) s;
DROP TABLE heir;

-- in a parallel worker, and as JSON
SET force_parallel_mode = on;
SET max_parallel_workers_per_gather = 1;
SELECT line FROM pg_temp.plan('SELECT grp FROM items WHERE grp = 4 ORDER BY v <-> ''[1,2,3,4,5,6]'' LIMIT 30') line WHERE line ~ 'Gather|Filtered';
SELECT count(*), min(grp), max(grp) FROM (SELECT grp FROM items WHERE grp = 4 ORDER BY v <-> '[1,2,3,4,5,6]' LIMIT 30) s;
SET max_parallel_workers_per_gather = 0;
RESET force_parallel_mode;
CREATE FUNCTION pg_temp.json_plan(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || query INTO plan;
	RETURN plan->0->'Plan'->'Plans'->0;
END
$$;
SELECT p->>'Custom Plan Provider' AS provider, p->>'Index' AS index, p->>'Order By' AS order_by, p->'Strategy' AS strategy, p->'Rows in Set' AS rows, p->'Whole Pages in Set' AS pages, p ? 'Nodes Visited' AS nodes
	FROM pg_temp.json_plan('SELECT id FROM parts_1 WHERE grp = 4 ORDER BY v <-> ''[1,2,3,4,5,6]'' LIMIT 30') p;

-- rows of one vector; a partial index; an expression
CREATE TABLE others (id int, grp int, v vector(6)) WITH (autovacuum_enabled = off);
INSERT INTO others SELECT i, i % 10, pg_temp.uniform(i % 30, 6) FROM generate_series(1, 3000) i;
CREATE INDEX others_grp ON others (grp);
CREATE INDEX others_partial ON others USING hnsw (v vector_l2_ops) WHERE id > 500;
CREATE INDEX others_half ON others USING hnsw ((v::halfvec(6)) halfvec_cosine_ops);
VACUUM ANALYZE others;
SELECT f.* FROM (VALUES (1, 'id > 500 AND grp = 3', 'v <-> ''[1,0,1,0,1,0]'''), (2, 'id > 500 AND grp IN (3,4,5)', 'v <-> ''[1,0,1,0,1,0]'''), (3, 'grp < 8', 'v::halfvec(6) <=> ''[1,0,1,0,1,0]''')) t(n, filter, distance),
	LATERAL (SELECT filter, f.uses_scan, f.rows, f.filled, f.ordered, f.recall >= 0.9 AS good_recall FROM pg_temp.filtered(format('SELECT id, %s AS d FROM others WHERE %s ORDER BY d LIMIT 150', distance, filter)) f) f ORDER BY n;
SELECT f.rows, f.filled FROM pg_temp.filtered('SELECT id, v <-> ''[1,0,1,0,1,0]'' AS d FROM others WHERE id > 500 AND grp IN (3,4,5) ORDER BY d LIMIT ALL') f;

-- vectors out of line: the index ranks the rows of the set, and only the nearest are fetched
CREATE TABLE wide (id int PRIMARY KEY, grp int, half int, v vector(600)) WITH (autovacuum_enabled = off);
ALTER TABLE wide ALTER v SET STORAGE EXTERNAL;
INSERT INTO wide SELECT i, i % 20, i % 2, pg_temp.uniform(i, 600) + array_fill(i % 2 * 0.2, ARRAY[600])::vector FROM generate_series(1, 2000) i;
CREATE INDEX wide_v ON wide USING hnsw (v vector_l2_ops);
CREATE INDEX wide_grp ON wide (grp);
CREATE INDEX wide_half ON wide (half);
VACUUM ANALYZE wide;
SELECT n, f.* FROM (VALUES (1, 'grp = 3', 10), (2, 'half = 0', 10), (3, 'half = 0', 300), (4, 'half = 0 AND id % 10 = 6', 10), (5, 'half = 0 AND id % 2 = 0', 10)) t(n, filter, wanted),
	pg_temp.filtered(format('SELECT id, v <-> array_fill(0.7, ARRAY[600])::vector AS d FROM wide WHERE %s ORDER BY d LIMIT %s', filter, wanted)) f ORDER BY n;
-- after hnsw.max_scan_tuples nodes the table is read
SET hnsw.max_scan_tuples = 50;
SELECT n, f.* FROM (VALUES (1, 'grp = 3', 10), (2, 'half = 0', 10)) t(n, filter, wanted),
	pg_temp.filtered(format('SELECT id, v <-> array_fill(0.7, ARRAY[600])::vector AS d FROM wide WHERE %s ORDER BY d LIMIT %s', filter, wanted)) f ORDER BY n;
RESET hnsw.max_scan_tuples;
DROP TABLE wide;

-- conditions on filter columns of the index and on other indexes: both are used
CREATE TABLE both_ways (id int PRIMARY KEY, inside int, flag boolean, outside int, v vector(6)) WITH (autovacuum_enabled = off);
INSERT INTO both_ways SELECT i, i % 10, i % 3 = 0, hashint4(i) % 100, pg_temp.uniform(i / 4, 6) FROM generate_series(1, 5000) i;
CREATE INDEX both_ways_v ON both_ways USING hnsw (v vector_l2_ops, inside, flag);
CREATE INDEX both_ways_outside ON both_ways (outside);
VACUUM ANALYZE both_ways;
EXPLAIN (COSTS OFF) SELECT id FROM both_ways WHERE outside > 50 AND inside IN (3, 4) AND flag AND id % 7 > 1 ORDER BY v <-> '[1,0,1,0,1,0]' LIMIT 10;
SELECT n, f.* FROM (VALUES (1, 'outside > 50 AND inside = 3'), (2, 'outside <> 7 AND outside > 0 AND inside IN (3, 4) AND flag'), (3, 'outside BETWEEN 20 AND 22 AND NOT flag'), (4, 'outside > 9 AND inside > 0'),
		(5, 'outside > 50 AND inside = (SELECT 3)'), (6, 'outside > 50 AND inside = (SELECT NULL::int)')) t(n, filter),
	LATERAL (SELECT filter, f.uses_scan, f.strategy, f.search, f.rows, f.filled, f.ordered, f.recall >= 0.9 AS good_recall FROM pg_temp.filtered(format('SELECT id, v <-> ''[1,0,1,0,1,0]'' AS d FROM both_ways WHERE %s ORDER BY d LIMIT 10', filter)) f) f ORDER BY n;
-- by each row of a join, the condition on the filter column too
SELECT count(*), bool_and(inside = wanted) FROM generate_series(0, 9) wanted, LATERAL (SELECT b.inside, b.outside FROM both_ways b WHERE b.inside = wanted AND b.outside > 50 ORDER BY b.v <-> '[1,0,1,0,1,0]' LIMIT 20) s WHERE outside > 50;
DROP TABLE both_ways;

-- costs decide between an index that knows all conditions, bitmaps of other indexes, and core's own ways
RESET enable_sort;
RESET enable_seqscan;
CREATE TABLE priced (id int PRIMARY KEY, half int, percent int, v vector(16)) WITH (autovacuum_enabled = off);
INSERT INTO priced SELECT i, hashint4(i) & 1, (hashint4(-i) & 32767) % 100, pg_temp.uniform(i, 16) FROM generate_series(1, 8000) i;
CREATE INDEX priced_half ON priced (half);
CREATE INDEX priced_percent ON priced (percent);
CREATE INDEX priced_columns ON priced USING hnsw (v vector_l2_ops, half, percent);
VACUUM ANALYZE priced;
CREATE FUNCTION pg_temp.way(filter text, wanted text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN plan ~ 'HNSW Filtered Scan' THEN 'filtered scan' WHEN plan ~ 'Sort' THEN 'sort' WHEN plan ~ 'Index Scan using priced_columns' THEN 'index scan' END
	FROM (SELECT string_agg(line, ' ') FROM pg_temp.plan(format('SELECT id FROM priced WHERE %s ORDER BY v <-> array_fill(0.5, ARRAY[16])::vector LIMIT %s', filter, wanted)) line) p(plan)
$$;
-- the same rows come from the table whichever way is taken: that a LIMIT is larger is no reason for another
SELECT filter, wanted, pg_temp.way(filter, wanted) FROM (VALUES (1, 'half = 0'), (2, 'percent = 7'), (3, 'half = 0 AND percent = 7')) f(n, filter), unnest(ARRAY['10', '30', 'ALL']) wanted ORDER BY n, wanted;
SET random_page_cost = 1.1;
SELECT filter, wanted, pg_temp.way(filter, wanted) FROM (VALUES (1, 'half = 0'), (2, 'percent = 7')) f(n, filter), unnest(ARRAY['10', '30']) wanted ORDER BY n, wanted;
RESET random_page_cost;
DROP INDEX priced_columns;
CREATE INDEX priced_v ON priced USING hnsw (v vector_l2_ops);
SELECT filter, wanted, pg_temp.way(filter, wanted) FROM (VALUES (1, 'half = 0', '10'), (2, 'half = 0', 'ALL'), (3, 'percent = 7', '10'), (4, 'id = 7', '10')) f(n, filter, wanted) ORDER BY n;
DROP TABLE priced;

DROP TABLE items, queries, parts, others, expected;

-- rows whose vectors are nearly the same share a node, and are measured one by one
SET enable_seqscan = off;
SET enable_sort = off;
SELECT setseed(.3);
CREATE TABLE alike AS
	SELECT g * 20 + k AS id, k, (SELECT array_agg(x + 1e-7 * (random() - .5)) FROM unnest(centre) x)::vector(32) AS v
	FROM (SELECT g, ARRAY(SELECT random() - .5 + 0 * g FROM generate_series(1, 32)) AS centre FROM generate_series(1, 100) g) c, generate_series(0, 19) k;
CREATE INDEX alike_v ON alike USING hnsw (v vector_l2_ops);
ANALYZE alike;
SELECT nodes < rows / 2 AS shared FROM hnsw_info('alike_v');
SELECT bool_or(line ~ 'HNSW Filtered Scan') AS uses_scan FROM pg_temp.plan('SELECT id FROM alike WHERE (k * 7 + id) % 10 IN (0, 1, 2, 4, 5, 6) ORDER BY v <-> array_fill(0.5, ARRAY[32])::vector LIMIT 3') line;
SELECT wanted, count(*) AS queries, count(*) FILTER (WHERE found <> nearest) AS wrong
FROM unnest('{1, 3, 8}'::int[]) wanted, generate_series(1, 100) g,
	LATERAL (SELECT v AS q FROM alike WHERE id = 20 * g + 3 OFFSET 0) question,
	LATERAL (SELECT array_agg(d) AS found FROM (SELECT v <-> q AS d FROM alike WHERE (k * 7 + id) % 10 IN (0, 1, 2, 4, 5, 6) ORDER BY v <-> q LIMIT wanted) a) f,
	LATERAL (SELECT array_agg(d) AS nearest FROM (SELECT v <-> q AS d FROM alike WHERE (k * 7 + id) % 10 IN (0, 1, 2, 4, 5, 6) ORDER BY (v <-> q) + 0 LIMIT wanted) a) n
GROUP BY wanted ORDER BY wanted;
RESET enable_seqscan;
RESET enable_sort;
DROP TABLE alike;
