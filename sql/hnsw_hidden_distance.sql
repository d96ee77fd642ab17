-- A distance that only orders an index scan is not computed again for the rows returned.

CREATE TABLE items (id int PRIMARY KEY, grp int, v vector(3));
INSERT INTO items SELECT i, i % 7, ARRAY[i * 37 % 301, i * 91 % 307, i % 5] FROM generate_series(1, 300) i;
CREATE INDEX ON items USING hnsw (v vector_l2_ops);
CREATE TABLE queries (id int PRIMARY KEY, v vector(3));
INSERT INTO queries SELECT i, ARRAY[i * 50.3, i * 40.1, 1.7] FROM generate_series(1, 4) i;
CREATE TABLE groups (grp int PRIMARY KEY, name text);
INSERT INTO groups SELECT i, 'group ' || i FROM generate_series(0, 6) i;
ANALYZE items, queries, groups;
SET enable_seqscan = off;
SET enable_sort = off;
SET jit = off;
SET hnsw.ef_search = 200;

-- how plans look
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM items ORDER BY v <-> '[100.2,50.3,1.1]' LIMIT 3;
SELECT id FROM items ORDER BY v <-> '[100.2,50.3,1.1]' LIMIT 3;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id, v <-> '[100.2,50.3,1.1]' AS d FROM items ORDER BY d LIMIT 3;
SELECT id, round((v <-> '[100.2,50.3,1.1]')::numeric, 3) AS d FROM items ORDER BY v <-> '[100.2,50.3,1.1]' LIMIT 3;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM items ORDER BY v <-> '[100.2,50.3,1.1]' LIMIT 3 FOR UPDATE;
SELECT id FROM items ORDER BY v <-> '[100.2,50.3,1.1]' LIMIT 3 FOR UPDATE;
EXPLAIN (VERBOSE, COSTS OFF) SELECT q.id, s.id FROM queries q
	CROSS JOIN LATERAL (SELECT i.id FROM items i ORDER BY i.v <-> q.v LIMIT 2) s;

-- What becomes of the distances among a plan's columns, and whether the rows are those of a plan without the index.
CREATE FUNCTION pg_temp.outcome(query text, OUT distances text, OUT same_rows boolean) LANGUAGE plpgsql AS $$
DECLARE
	line text;
	hidden boolean := false;
	computed boolean := false;
	row_of record;
	by_index text := '';
	by_sort text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || query LOOP
		hidden := hidden OR line ~ 'Output:.*NULL::double precision';
		computed := computed OR line ~ 'Output:.*<->';
	END LOOP;
	distances := concat_ws(', ', CASE WHEN hidden THEN 'hidden' END, CASE WHEN computed THEN 'computed' END);
	FOR row_of IN EXECUTE query LOOP by_index := by_index || row_of; END LOOP;
	SET LOCAL enable_indexscan = off;
	FOR row_of IN EXECUTE query LOOP by_sort := by_sort || row_of; END LOOP;
	SET LOCAL enable_indexscan = on;
	same_rows := by_index = by_sort AND by_index <> '';
END
$$;

-- nobody reads the distance
SELECT query, o.* FROM (VALUES
	(1, 'SELECT id FROM items ORDER BY v <-> ''[100.2,50.3,1.1]'' LIMIT 5'),
	(2, 'SELECT id FROM items ORDER BY ''[100.2,50.3,1.1]'' <-> v LIMIT 5'),
	(3, 'SELECT id, v FROM items ORDER BY v <-> ''[100.2,50.3,1.1]'' OFFSET 2 LIMIT 5'),
	(4, 'SELECT id FROM items WHERE grp = 3 ORDER BY v <-> ''[100.2,50.3,1.1]'' LIMIT 5'),
	(5, 'SELECT id FROM items ORDER BY v <-> (SELECT v FROM queries WHERE id = 2) LIMIT 5'),
	(6, 'SELECT id FROM items WHERE current_setting(''work_mem'') <> '''' ORDER BY v <-> ''[100.2,50.3,1.1]'' LIMIT 5'),
	(7, 'SELECT id, generate_series(1, 2) FROM items ORDER BY v <-> ''[100.2,50.3,1.1]'' LIMIT 5'),
	(8, 'SELECT i.id, g.name FROM items i JOIN groups g USING (grp) ORDER BY i.v <-> ''[100.2,50.3,1.1]'' LIMIT 5'),
	(9, 'SELECT s.id, g.name FROM (SELECT * FROM items ORDER BY v <-> ''[100.2,50.3,1.1]'' LIMIT 1) s JOIN groups g USING (grp)'),
	(10, 'SELECT count(*), sum(grp) FROM (SELECT grp FROM items ORDER BY v <-> ''[100.2,50.3,1.1]'' LIMIT 5) s'),
	(11, 'SELECT id FROM (SELECT id, v <-> ''[100.2,50.3,1.1]'' AS d FROM items ORDER BY d LIMIT 5) s'),
	(12, 'SELECT id FROM (SELECT id, v <-> ''[100.2,50.3,1.1]'' AS d FROM items ORDER BY d LIMIT 5) s ORDER BY d'),
	(13, 'SELECT to_jsonb(s) FROM (SELECT id, grp FROM items ORDER BY v <-> ''[100.2,50.3,1.1]'' LIMIT 5) s'),
	(14, 'SELECT id, ARRAY(SELECT i.id FROM items i ORDER BY i.v <-> q.v LIMIT 3) FROM queries q WHERE id < 4 ORDER BY q.id'),
	(15, 'SELECT id, (SELECT i.id FROM items i ORDER BY i.v <-> q.v LIMIT 1) AS nearest FROM queries q WHERE id < 4 ORDER BY q.id'),
	(16, 'WITH s AS MATERIALIZED (SELECT id FROM items ORDER BY v <-> ''[100.2,50.3,1.1]'' LIMIT 5) SELECT id FROM s'),
	(17, '(SELECT id FROM items ORDER BY v <-> ''[100.2,50.3,1.1]'' LIMIT 2) UNION ALL (SELECT id FROM items ORDER BY v <-> ''[7.2,5.3,1.1]'' LIMIT 2)'),
	(18, 'SELECT q.id, s.id FROM queries q CROSS JOIN LATERAL (SELECT i.id, i.v <-> q.v AS d FROM items i ORDER BY d LIMIT 1) s WHERE q.id = 2')
) AS t(n, query), pg_temp.outcome(query) o ORDER BY n;

-- somebody does: the client, a whole row, a filter, an aggregate, a sort, ties, a window
SELECT query, o.* FROM (VALUES
	(1, 'SELECT v <-> ''[100.2,50.3,1.1]'' AS d, id FROM items ORDER BY d LIMIT 5'),
	(2, 'SELECT id FROM items ORDER BY v <-> ''[100.2,50.3,1.1]'' FETCH FIRST 5 ROWS WITH TIES'),
	(3, 'SELECT id FROM items ORDER BY v <-> ''[100.2,50.3,1.1]'', id LIMIT 5'),
	(4, 'SELECT to_jsonb(s) FROM (SELECT id, v <-> ''[100.2,50.3,1.1]'' AS d FROM items ORDER BY d LIMIT 5) s'),
	(5, 'SELECT id FROM (SELECT id, v <-> ''[100.2,50.3,1.1]'' AS d FROM items ORDER BY d LIMIT 50) s WHERE d < 20'),
	(6, 'SELECT max(d) FROM (SELECT id, v <-> ''[100.2,50.3,1.1]'' AS d FROM items ORDER BY d LIMIT 5) s'),
	(7, 'SELECT d, count(*) FROM (SELECT id, v <-> ''[100.2,50.3,1.1]'' AS d FROM items ORDER BY d LIMIT 5) s GROUP BY d ORDER BY d'),
	(8, 'SELECT id, rank() OVER (ORDER BY v <-> ''[100.2,50.3,1.1]'') FROM items LIMIT 5'),
	(9, 'WITH s AS MATERIALIZED (SELECT id, v <-> ''[100.2,50.3,1.1]'' AS d FROM items ORDER BY d LIMIT 5) SELECT d FROM s'),
	(10, 'SELECT s.d, g.grp FROM (SELECT v <-> ''[100.2,50.3,1.1]'' AS d FROM items ORDER BY d LIMIT 1) s LEFT JOIN groups g ON s.d > g.grp AND g.grp = 1'),
	(11, 'SELECT q.id, s.d FROM queries q CROSS JOIN LATERAL (SELECT i.v <-> q.v AS d FROM items i ORDER BY d LIMIT 1) s WHERE q.id = 2'),
	(12, 'SELECT id, (SELECT i.v <-> q.v FROM items i ORDER BY i.v <-> q.v LIMIT 1) FROM queries q WHERE id < 4 ORDER BY q.id'),
	(13, 'SELECT min(v <-> ''[100.2,50.3,1.1]'') FROM items'),
	(14, 'SELECT count(*) FROM (SELECT id, v <-> ''[100.2,50.3,1.1]'' AS d FROM items ORDER BY d LIMIT 5) s GROUP BY d')
) AS t(n, query), pg_temp.outcome(query) o ORDER BY n;

-- joins read it in their own ways
CREATE VIEW nearest AS SELECT id, v <-> '[100.2,50.3,1.1]' AS d FROM items ORDER BY d LIMIT 5;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT query, o.* FROM (VALUES
	(1, 'SELECT n.id, g.name FROM nearest n JOIN groups g ON g.grp = n.d::int'),
	(2, 'SELECT n.id, g.name FROM nearest n LEFT JOIN groups g ON g.grp > n.d ORDER BY n.id, g.grp'),
	(3, 'SELECT n.id, g.name FROM nearest n JOIN groups g ON g.grp = n.id % 7')
) AS t(n, query), pg_temp.outcome(query) o ORDER BY n;
SET enable_hashjoin = on;
SET enable_nestloop = off;
SELECT query, o.* FROM (VALUES
	(1, 'SELECT n.id, g.name FROM nearest n JOIN groups g ON g.grp = n.d::int'),
	(2, 'SELECT n.id, g.name FROM nearest n LEFT JOIN groups g ON g.grp = n.id % 7 AND n.d < 10 ORDER BY n.id'),
	(3, 'SELECT n.id, g.name FROM nearest n LEFT JOIN groups g ON g.grp = n.id % 7 ORDER BY n.id'),
	(4, 'SELECT n.id, m.id FROM nearest n JOIN nearest m ON n.d = m.d')
) AS t(n, query), pg_temp.outcome(query) o ORDER BY n;
SET enable_hashjoin = off;
SET enable_mergejoin = on;
SELECT query, o.* FROM (VALUES
	(1, 'SELECT n.id, g.name FROM nearest n JOIN groups g ON g.grp = round(n.d)'),
	(2, 'SELECT n.id, m.id FROM nearest n JOIN nearest m ON n.d = m.d'),
	(3, 'SELECT n.id, g.name FROM nearest n JOIN groups g ON g.grp = n.id % 7 ORDER BY n.id')
) AS t(n, query), pg_temp.outcome(query) o ORDER BY n;
RESET enable_hashjoin;
RESET enable_nestloop;
DROP VIEW nearest;

-- ties are seen: 150 comes twice
INSERT INTO items SELECT id + 1000, grp, v FROM items WHERE id = 150;
SELECT array_agg(id ORDER BY id) FROM
	(SELECT i.id FROM items i ORDER BY i.v <-> (SELECT v FROM items WHERE id = 150) FETCH FIRST 1 ROW WITH TIES) s;
DELETE FROM items WHERE id > 1000;

-- generic plans
SET plan_cache_mode = force_generic_plan;
PREPARE nearest(vector, int) AS SELECT id FROM items ORDER BY v <-> $1 LIMIT $2;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE nearest('[100.2,50.3,1.1]', 3);
EXECUTE nearest('[100.2,50.3,1.1]', 3);
EXECUTE nearest('[7.2,5.3,1.1]', 2);
DEALLOCATE nearest;
RESET plan_cache_mode;

-- cursors
BEGIN;
DECLARE forth CURSOR FOR SELECT id FROM items ORDER BY v <-> '[100.2,50.3,1.1]';
FETCH 2 FROM forth;
FETCH 1 FROM forth;
DECLARE back SCROLL CURSOR FOR SELECT id FROM items ORDER BY v <-> '[100.2,50.3,1.1]' LIMIT 5;
FETCH 3 FROM back;
FETCH BACKWARD 1 FROM back;
DECLARE kept CURSOR WITH HOLD FOR SELECT id FROM items ORDER BY v <-> '[100.2,50.3,1.1]' LIMIT 5;
DECLARE changing CURSOR FOR SELECT id FROM items ORDER BY v <-> '[100.2,50.3,1.1]' FOR UPDATE;
FETCH 1 FROM changing;
UPDATE items SET grp = -1 WHERE CURRENT OF changing;
SELECT id, grp FROM items WHERE grp = -1;
COMMIT;
FETCH 2 FROM kept;
CLOSE kept;

-- statements that change tables
CREATE TABLE copied (id int, grp int);
EXPLAIN (VERBOSE, COSTS OFF) INSERT INTO copied SELECT id, grp FROM items ORDER BY v <-> '[100.2,50.3,1.1]' LIMIT 3;
INSERT INTO copied SELECT id, grp FROM items ORDER BY v <-> '[100.2,50.3,1.1]' LIMIT 3;
UPDATE copied c SET grp = s.id FROM (SELECT id FROM items ORDER BY v <-> '[100.2,50.3,1.1]' LIMIT 2) s WHERE c.id = s.id;
SELECT id, grp = id AS changed FROM copied ORDER BY id;
CREATE TABLE made AS SELECT id FROM items ORDER BY v <-> '[100.2,50.3,1.1]' LIMIT 3;
SELECT * FROM made ORDER BY id;

-- partitions are merged by distance; one alone is not
CREATE TABLE parts (id int, v vector(3)) PARTITION BY RANGE (id);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (150);
CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (150) TO (1000);
INSERT INTO parts SELECT id, v FROM items;
CREATE INDEX ON parts USING hnsw (v vector_l2_ops);
ANALYZE parts;
SELECT query, o.* FROM (VALUES
	(1, 'SELECT id FROM parts ORDER BY v <-> ''[100.2,50.3,1.1]'' LIMIT 5'),
	(2, 'SELECT id FROM parts WHERE id < 150 ORDER BY v <-> ''[100.2,50.3,1.1]'' LIMIT 5')
) AS t(n, query), pg_temp.outcome(query) o ORDER BY n;

-- other access methods keep their plans
CREATE TABLE places (id int, p point);
INSERT INTO places SELECT i, point(i, i) FROM generate_series(1, 10) i;
CREATE INDEX ON places USING gist (p);
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM places ORDER BY p <-> point(3, 3) LIMIT 1;

DROP TABLE items, queries, groups, copied, made, parts, places;
