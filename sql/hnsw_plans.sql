-- When the index is chosen, and in what plans it works.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

CREATE TABLE items (id int PRIMARY KEY, grp int, v vector(3)) WITH (autovacuum_enabled = off);
INSERT INTO items SELECT i, i % 100, pg_temp.uniform(i, 3) * '[100,100,100]' FROM generate_series(1, 5000) i;
CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops);
CREATE INDEX items_grp ON items (grp);
CREATE TABLE queries (id int PRIMARY KEY, v vector(3));
INSERT INTO queries SELECT i, ARRAY[i * 20, 100 - i * 20, 50] FROM generate_series(1, 4) i;
INSERT INTO queries VALUES (5, NULL);
VACUUM ANALYZE items, queries;
SET jit = off;
SET max_parallel_workers_per_gather = 0;

-- chosen
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY v <-> '[1,2,3]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT * FROM items ORDER BY v <-> '[1,2,3]' FETCH FIRST ROW ONLY;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY v <-> '[1,2,3]' OFFSET 20 LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE grp <> 3 ORDER BY v <-> '[1,2,3]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE v <-> '[1,2,3]' < 20 ORDER BY v <-> '[1,2,3]' LIMIT 10;
SELECT line FROM pg_temp.plan('SELECT id FROM items ORDER BY v <-> (SELECT v FROM queries WHERE id = 1) LIMIT 10') line WHERE line ~ 'Scan using';
SELECT line FROM pg_temp.plan('SELECT min(v <-> ''[1,2,3]'') FROM items') line WHERE line ~ 'Scan using';
-- not chosen: another order, no order, all rows, few rows (by a filtered scan), another operator, an expression of the distance
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY v <-> '[1,2,3]' DESC LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY v <-> '[1,2,3]' NULLS FIRST LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY v <-> '[1,2,3]';
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE grp = 3 ORDER BY v <-> '[1,2,3]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM items WHERE id = 3 ORDER BY v <-> '[1,2,3]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY v <=> '[1,2,3]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY -(v <-> '[1,2,3]') LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY id, v <-> '[1,2,3]' LIMIT 10;
-- impossible, whatever is switched off
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT pg_temp.plan('SELECT id FROM items ORDER BY v <-> ''[1,2,3]'' DESC LIMIT 10');
SELECT pg_temp.plan('SELECT count(v) FROM items');
SELECT pg_temp.plan('SELECT id FROM items WHERE v <-> ''[1,2,3]'' > 20');
SELECT pg_temp.plan('SELECT id FROM items WHERE v = ''[1,2,3]''');
SELECT pg_temp.plan('SELECT id FROM items WHERE v IS NULL');
SELECT pg_temp.plan('SELECT v FROM items ORDER BY v <-> ''[1,2,3]'' LIMIT 1');
RESET enable_seqscan;
RESET enable_bitmapscan;

-- in joins: the nearest of each, with a new query vector for each rescan
EXPLAIN (COSTS OFF) SELECT q.id, s.id FROM queries q CROSS JOIN LATERAL (SELECT i.id FROM items i ORDER BY i.v <-> q.v LIMIT 2) s;
CREATE FUNCTION pg_temp.of_each(query text, OUT same boolean, OUT uses_index boolean) LANGUAGE plpgsql
	SET hnsw.ef_search = 200 SET enable_seqscan = off AS $$
DECLARE
	line text;
	by_index text[];
	by_sort text[];
BEGIN
	uses_index := false;
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		uses_index := uses_index OR line ~ '^ *Order By: ';
	END LOOP;
	EXECUTE 'SELECT array_agg(s::text ORDER BY s::text) FROM (' || query || ') s' INTO by_index;
	SET LOCAL enable_indexscan = off;
	SET LOCAL enable_seqscan = on;
	EXECUTE 'SELECT array_agg(s::text ORDER BY s::text) FROM (' || query || ') s' INTO by_sort;
	SET LOCAL enable_indexscan = on;
	same := by_index = by_sort;
END
$$;
SELECT pg_temp.of_each('SELECT q.id AS q, s.id FROM queries q CROSS JOIN LATERAL (SELECT i.id FROM items i ORDER BY i.v <-> q.v LIMIT 3) s WHERE q.v IS NOT NULL');
SELECT pg_temp.of_each('SELECT q.id AS q, (SELECT i.id FROM items i ORDER BY i.v <-> q.v LIMIT 1) FROM queries q WHERE q.v IS NOT NULL');
SELECT pg_temp.of_each('SELECT a.id AS a, b.id FROM (SELECT * FROM items WHERE id <= 20) a CROSS JOIN LATERAL (SELECT i.id FROM items i WHERE i.id <> a.id ORDER BY i.v <-> a.v LIMIT 2) b');
SELECT pg_temp.of_each('SELECT s.id, q.id AS q FROM (SELECT id, grp FROM items ORDER BY v <-> ''[1,2,3]'' LIMIT 5) s LEFT JOIN queries q ON q.id = s.grp');
SELECT count(*) FROM queries q CROSS JOIN LATERAL (SELECT i.id FROM items i ORDER BY i.v <-> q.v LIMIT 3) s;
SELECT q.id, count(s.id) FROM queries q LEFT JOIN LATERAL (SELECT i.id FROM items i WHERE i.grp = q.id ORDER BY i.v <-> q.v LIMIT 3) s ON true GROUP BY 1 ORDER BY 1;

-- prepared, by custom and by generic plans
PREPARE nearest(vector, int) AS SELECT id FROM items ORDER BY v <-> $1 LIMIT $2;
CREATE TEMPORARY TABLE one AS SELECT id FROM items ORDER BY v <-> '[1,2,3]' LIMIT 1;
SELECT id = (SELECT id FROM one) AS same FROM (SELECT id FROM items ORDER BY sqrt((v <-> '[1,2,3]')) LIMIT 1) s;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE nearest('[1,2,3]', 10);
CREATE FUNCTION pg_temp.in_a_loop() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	q record;
	ids text := '';
BEGIN
	FOR q IN SELECT * FROM queries WHERE v IS NOT NULL ORDER BY id LOOP
		ids := ids || (SELECT id FROM items ORDER BY v <-> q.v LIMIT 1) || ' ';
	END LOOP;
	RETURN ids;
END
$$;
SELECT pg_temp.in_a_loop() = (SELECT string_agg((SELECT i.id FROM items i ORDER BY sqrt(i.v <-> q.v) LIMIT 1)::text || ' ', '' ORDER BY id) FROM queries q WHERE v IS NOT NULL) AS same;
EXECUTE nearest('[1,2]', 10);
EXECUTE nearest(NULL, 0);
RESET plan_cache_mode;
DEALLOCATE nearest;

-- cursors: forth as a stream, back from what was kept
BEGIN;
DECLARE forth NO SCROLL CURSOR FOR SELECT id, v <-> '[1,2,3]' AS d FROM items ORDER BY d;
MOVE 4990 IN forth;
FETCH BACKWARD 1 FROM forth;
ROLLBACK;
BEGIN;
EXPLAIN (COSTS OFF) DECLARE back SCROLL CURSOR FOR SELECT id FROM items ORDER BY v <-> '[1,2,3]' LIMIT 100;
DECLARE back SCROLL CURSOR FOR SELECT id, rank() OVER (ORDER BY v <-> '[1,2,3]') FROM items ORDER BY v <-> '[1,2,3]' LIMIT 100;
MOVE 3 IN back;
FETCH BACKWARD 1 FROM back;
MOVE ABSOLUTE 1 IN back;
FETCH RELATIVE 0 FROM back;
COMMIT;

-- locks
BEGIN;
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> '[1,2,3]' LIMIT 5 FOR UPDATE) s;
SELECT count(*) FROM (SELECT id FROM items WHERE grp < 50 ORDER BY v <-> '[1,2,3]' LIMIT 5 FOR SHARE SKIP LOCKED) s;
ROLLBACK;
BEGIN;
DECLARE changing CURSOR FOR SELECT id FROM items ORDER BY v <-> '[1,2,3]' FOR UPDATE;
MOVE 2 IN changing;
UPDATE items SET v = '[1,2,3]' WHERE CURRENT OF changing;
SELECT v FROM items ORDER BY v <-> '[1,2,3]' LIMIT 1;
ROLLBACK;

-- unions, windows, aggregates, WITH TIES
SELECT count(*) FROM ((SELECT id FROM items ORDER BY v <-> '[1,2,3]' LIMIT 5) UNION ALL (SELECT id FROM items ORDER BY v <-> '[90,2,3]' LIMIT 5)) s;
SELECT bool_and(n = r) FROM (SELECT row_number() OVER () AS n, rank() OVER (ORDER BY v <-> '[1,2,3]') AS r FROM items ORDER BY v <-> '[1,2,3]' LIMIT 50) s;
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> '[1,2,3]' FETCH FIRST 5 ROWS WITH TIES) s;
WITH near AS MATERIALIZED (SELECT id, grp, v <-> '[1,2,3]' AS d FROM items ORDER BY d LIMIT 100) SELECT count(*) FROM near WHERE d >= 0;

-- where it is big, the index is left for a scan of the table when most rows are wanted
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY v <-> '[1,2,3]' LIMIT 4000;
-- and ef_search counts
SET hnsw.ef_search = 1000;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY v <-> '[1,2,3]' LIMIT 10;

DROP TABLE items, queries;
