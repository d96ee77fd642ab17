-- Joins in the order of a distance, by HNSW Semi-Join Reduction: plans and answers, against exact search.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set joined :suites '/sql/support/joined.sql'
\set ECHO none
\i :support
\i :joined
\set ECHO all
SET max_parallel_workers_per_gather = 0;
SET jit = off;

-- plans: by the reduction, here without the look-ups that the planner would have go first
BEGIN;
CALL pg_temp.prefer('reduction');
EXPLAIN (COSTS OFF) SELECT i.id FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1930 AND p.gender = 'F' ORDER BY i.v <-> '[1,0,1,0]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT i.id FROM image i WHERE EXISTS (SELECT FROM condition c WHERE c.person_id = i.person_id AND c.name = 'Mass') ORDER BY i.v <-> '[1,0,1,0]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT i.id FROM image i WHERE i.visit_id IN (SELECT visit_id FROM condition WHERE name = 'Mass') AND n < 50 ORDER BY i.v <-> '[1,0,1,0]' LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT i.id, p.year, v.age FROM image i JOIN visit v ON v.id = i.visit_id JOIN person p ON p.id = v.person_id
	WHERE p.gender = 'F' AND v.age > 80 AND EXISTS (SELECT FROM condition c WHERE c.visit_id = v.id AND c.name = 'Effusion')
	ORDER BY i.v <-> '[1,0,1,0]' LIMIT 10;
-- other conditions of the join
EXPLAIN (COSTS OFF) SELECT i.id, p.id FROM image i JOIN person p ON p.id = i.person_id AND p.year - 1950 < i.n ORDER BY i.v <-> '[1,0,1,0]' LIMIT 10;
COMMIT;
-- the planner's own choice: look-ups first where many rows qualify
SELECT strategy, rows, same FROM pg_temp.joined('SELECT i.id, i.v <-> ''[1,0,1,0]'' AS d FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1990 ORDER BY d LIMIT 10', 'any');
-- the vectors come in the order of bounds, by a beam for as many as will probably be looked at; a scan that ends at a distance has a limit above
BEGIN;
CALL pg_temp.prefer('look-ups');
EXPLAIN (COSTS OFF) SELECT i.id FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1990 AND i.n < 50 ORDER BY i.v <-> '[1,0,1,0]' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT i.id FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1990 AND i.v <-> '[1,0,1,0]' < 0.5 ORDER BY i.v <-> '[1,0,1,0]' LIMIT 10;
COMMIT;
SET hnsw.enable_filtered_scan = off;
SELECT strategy, rows, same FROM pg_temp.joined('SELECT i.id, i.v <-> ''[1,0,1,0]'' AS d FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1990 ORDER BY d LIMIT 10', 'look-ups');
RESET hnsw.enable_filtered_scan;
SELECT strategy, rows, same FROM pg_temp.joined('SELECT i.id, i.v <-> ''[1,0,1,0]'' AS d FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1990 AND i.v <-> ''[1,0,1,0]'' < 0.5 ORDER BY d LIMIT 10', 'look-ups');
-- not offered: rows that are locked, another order, outer joins, no index column, no equality
BEGIN;
CALL pg_temp.prefer('reduction');
CREATE FUNCTION pg_temp.is_reduced(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line ~ 'HNSW Semi-Join Reduction' THEN RETURN true; END IF;
	END LOOP;
	RETURN false;
END
$$;
SELECT kind, pg_temp.is_reduced(query) FROM (VALUES
	('inner', 'SELECT i.id FROM image i JOIN person p ON p.id = i.person_id ORDER BY i.v <-> ''[1,0,1,0]'' LIMIT 10'),
	('all rows', 'SELECT i.id FROM image i JOIN person p ON p.id = i.person_id ORDER BY i.v <-> ''[1,0,1,0]'''),
	('locked', 'SELECT i.id FROM image i JOIN person p ON p.id = i.person_id ORDER BY i.v <-> ''[1,0,1,0]'' LIMIT 10 FOR UPDATE OF i'),
	('two keys', 'SELECT i.id FROM image i JOIN person p ON p.id = i.person_id ORDER BY i.v <-> ''[1,0,1,0]'', i.id LIMIT 10'),
	('descending', 'SELECT i.id FROM image i JOIN person p ON p.id = i.person_id ORDER BY i.v <-> ''[1,0,1,0]'' DESC LIMIT 10'),
	('left join', 'SELECT i.id FROM image i LEFT JOIN person p ON p.id = i.person_id AND p.year < 1950 ORDER BY i.v <-> ''[1,0,1,0]'' LIMIT 10'),
	('anti join', 'SELECT i.id FROM image i WHERE NOT EXISTS (SELECT FROM condition c WHERE c.person_id = i.person_id) ORDER BY i.v <-> ''[1,0,1,0]'' LIMIT 10'),
	('B-tree', 'SELECT i.id FROM image i JOIN person p ON p.id = i.id ORDER BY i.v <-> ''[1,0,1,0]'' LIMIT 10'),
	('no index', 'SELECT i.id FROM image i JOIN person p ON p.id = i.id + 0 ORDER BY i.v <-> ''[1,0,1,0]'' LIMIT 10'),
	('no equality', 'SELECT i.id FROM image i JOIN person p ON p.id < i.person_id ORDER BY i.v <-> ''[1,0,1,0]'' LIMIT 10'),
	('volatile', 'SELECT i.id FROM image i JOIN person p ON p.id + (random() * 0)::int = i.person_id ORDER BY i.v <-> ''[1,0,1,0]'' LIMIT 10'),
	('lateral', 'SELECT i.id FROM image i CROSS JOIN LATERAL (SELECT i.n + c.visit_id AS m FROM condition c WHERE c.person_id = i.person_id OFFSET 0) s ORDER BY i.v <-> ''[1,0,1,0]'' LIMIT 10')
	) q(kind, query);
COMMIT;

-- answers, in each way of coming to them
CREATE TABLE question (name text PRIMARY KEY, query text);
INSERT INTO question VALUES
	('inner', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1940 ORDER BY d LIMIT 10'),
	('inner, all rows', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1940 ORDER BY d'),
	('duplicates', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN condition c ON c.person_id = i.person_id ORDER BY d LIMIT 40'),
	('exists', 'SELECT i.id, i.v <-> %1$L AS d FROM image i WHERE EXISTS (SELECT FROM condition c WHERE c.person_id = i.person_id AND c.name = ''Effusion'') ORDER BY d LIMIT 40'),
	('exists, more conditions', 'SELECT i.id, i.v <-> %1$L AS d FROM image i WHERE EXISTS (SELECT FROM condition c WHERE c.person_id = i.person_id AND c.visit_id > i.visit_id) ORDER BY d LIMIT 40'),
	('exists, twice', 'SELECT i.id, i.v <-> %1$L AS d FROM image i WHERE EXISTS (SELECT FROM condition c WHERE c.person_id = i.person_id AND c.name = ''Edema'') AND EXISTS (SELECT FROM condition c WHERE c.person_id = i.person_id AND c.name > ''Effusion'') ORDER BY d'),
	('in, nulls', 'SELECT i.id, i.v <-> %1$L AS d FROM image i WHERE i.visit_id IN (SELECT c.visit_id FROM condition c) ORDER BY d LIMIT 40'),
	('in, cast', 'SELECT i.id, i.v <-> %1$L AS d FROM image i WHERE i.visit_id IN (SELECT c.visit_id::bigint FROM condition c WHERE c.name <> ''Mass'') ORDER BY d LIMIT 40'),
	('text', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN label l USING (code) WHERE l.kind = 3 ORDER BY d LIMIT 40'),
	('text expression', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN label l ON i.code = ''code '' || l.kind ORDER BY d LIMIT 40'),
	('numeric', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN person p USING (site) WHERE p.id < 9 ORDER BY d LIMIT 40'),
	('none', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1900 ORDER BY d LIMIT 10'),
	('no key', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN label l USING (code) WHERE l.kind = 0 AND l.code IS NULL ORDER BY d LIMIT 10'),
	('offset', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1950 ORDER BY d OFFSET 13 LIMIT 10'),
	('ties', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN condition c ON c.person_id = i.person_id ORDER BY d FETCH FIRST 7 ROWS WITH TIES'),
	('other filters', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1960 AND i.n BETWEEN 20 AND 40 AND i.id %% 3 = 0 ORDER BY d LIMIT 10'),
	('the clinical question', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN visit v ON v.id = i.visit_id JOIN person p ON p.id = v.person_id WHERE p.gender = ''F'' AND v.age > 55 AND EXISTS (SELECT FROM condition c WHERE c.visit_id = v.id AND c.name = ''Effusion'') ORDER BY d LIMIT 10'),
	('two tables', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN person p ON p.id = i.person_id JOIN label l USING (code) WHERE p.year < 1960 AND l.kind IN (1, 2) ORDER BY d LIMIT 10'),
	('itself', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN image o ON o.person_id = i.person_id WHERE o.id < 30 AND o.id <> i.id ORDER BY d LIMIT 10'),
	('left join', 'SELECT i.id, i.v <-> %1$L AS d FROM image i LEFT JOIN person p ON p.id = i.person_id AND p.year < 1940 ORDER BY d LIMIT 30'),
	('left join inside', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN (visit v LEFT JOIN person p ON p.id = v.person_id AND p.year < 1940) ON v.id = i.visit_id WHERE v.age < 20 AND coalesce(p.year, 0) < 1930 ORDER BY d LIMIT 30'),
	('left join above', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN visit v ON v.id = i.visit_id LEFT JOIN person p ON p.id = v.person_id AND p.year < 1940 WHERE v.age < 20 ORDER BY d LIMIT 30'),
	('anti join', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN visit v ON v.id = i.visit_id WHERE v.age < 20 AND NOT EXISTS (SELECT FROM condition c WHERE c.person_id = i.person_id) ORDER BY d LIMIT 30'),
	('aggregate', 'SELECT s.id, s.d FROM (SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN (SELECT person_id FROM condition GROUP BY person_id HAVING count(*) > 3) c USING (person_id) ORDER BY d LIMIT 20) s ORDER BY d'),
	('above a limit', 'SELECT s.id, s.d FROM (SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1940 ORDER BY d LIMIT 20) s WHERE s.id %% 2 = 0 ORDER BY s.d LIMIT 5'),
	('rows of functions', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN generate_series(1, 40) g ON g = i.person_id ORDER BY d LIMIT 20'),
	('values', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN (VALUES (1), (NULL), (5), (5), (7)) g(g) ON g = i.person_id ORDER BY d LIMIT 20'),
	('cte', 'WITH p AS MATERIALIZED (SELECT id FROM person WHERE year < 1930) SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN p ON p.id = i.person_id ORDER BY d LIMIT 20'),
	('initplan', 'SELECT i.id, i.v <-> %1$L AS d FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < (SELECT min(year) + 10 FROM person) ORDER BY d LIMIT 20');
SELECT name, r.strategy, r.rows, r.same FROM question, pg_temp.joined(format(query, pg_temp.uniform(-5, 4)), 'reduction') r ORDER BY name;
SELECT name, way, r.* FROM question, unnest(ARRAY['look-ups', 'memory', 'any']) way, pg_temp.joined(format(query, pg_temp.uniform(-5, 4)), way) r WHERE NOT r.same;

-- the query vector from outside: the other side is read once where it does not depend on it
CREATE TABLE query (n int PRIMARY KEY, v vector(4), year int);
INSERT INTO query SELECT k, pg_temp.uniform(-100 - k, 4), 1925 + k * 3 FROM generate_series(1, 12) k;
INSERT INTO query VALUES (13, NULL, 1950);
ANALYZE query;
INSERT INTO question VALUES
	('lateral', 'SELECT s.id, s.d FROM query q CROSS JOIN LATERAL (SELECT i.id, i.v <-> q.v AS d FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1935 ORDER BY d LIMIT 5) s WHERE q.n < 13 ORDER BY q.n, s.d'),
	('lateral, other rows', 'SELECT s.id, s.d FROM query q CROSS JOIN LATERAL (SELECT i.id, i.v <-> q.v AS d FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < q.year ORDER BY d LIMIT 5) s WHERE q.n < 13 ORDER BY q.n, s.d'),
	('lateral, exists', 'SELECT s.id, s.d FROM query q CROSS JOIN LATERAL (SELECT i.id, i.v <-> q.v AS d FROM image i WHERE EXISTS (SELECT FROM condition c JOIN person p ON p.id = c.person_id WHERE c.visit_id = i.visit_id AND p.year < q.year) ORDER BY d LIMIT 5) s WHERE q.n < 13 ORDER BY q.n, s.d'),
	('subquery', 'SELECT q.n, (SELECT i.v <-> q.v AS d FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < q.year ORDER BY d LIMIT 1) FROM query q WHERE q.n < 13 ORDER BY q.n');
SELECT name, r.strategy, r.rows, r.same FROM question, pg_temp.joined(query, 'reduction') r WHERE name ~ '^lateral|subquery' ORDER BY name;
SELECT name, way, r.* FROM question, unnest(ARRAY['look-ups', 'memory', 'any']) way, pg_temp.joined(query, way) r WHERE name ~ '^lateral|subquery' AND NOT r.same;
BEGIN;
CALL pg_temp.prefer('reduction');
EXPLAIN (COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF) SELECT q.n, s.id FROM query q CROSS JOIN LATERAL (SELECT i.id FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1935 ORDER BY i.v <-> q.v LIMIT 3) s WHERE q.n < 4;
COMMIT;

-- generic plans
BEGIN;
CALL pg_temp.prefer('reduction');
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE near(vector, int, int) AS SELECT i.id FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < $2 ORDER BY i.v <-> $1 LIMIT $3;
EXPLAIN (COSTS OFF) EXECUTE near('[1,0,1,0]', 1930, 5);
CREATE TEMP TABLE first AS EXECUTE near('[1,0,1,0]', 1930, 5);
CREATE TEMP TABLE second AS EXECUTE near('[0,0,1,1]', 1990, 7);
CREATE TEMP TABLE third AS EXECUTE near('[0,0,1,1]', 1900, 7);
SET LOCAL hnsw.enable_semi_join_reduction = off;
SET LOCAL enable_indexscan = off;
SELECT ARRAY(SELECT id FROM first) = ARRAY(SELECT i.id FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1930 ORDER BY i.v <-> '[1,0,1,0]' LIMIT 5) AS first,
	ARRAY(SELECT id FROM second) = ARRAY(SELECT i.id FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1990 ORDER BY i.v <-> '[0,0,1,1]' LIMIT 7) AS second,
	(SELECT count(*) FROM third) AS third;
COMMIT;

-- cursors, whose first rows may be all that is wanted, and go back
BEGIN;
CALL pg_temp.prefer('reduction');
DECLARE c SCROLL CURSOR FOR SELECT i.id, p.year FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1930 ORDER BY i.v <-> '[1,0,1,0]';
FETCH 3 FROM c;
FETCH BACKWARD 2 FROM c;
MOVE FORWARD 100 IN c;
FETCH ABSOLUTE 1 FROM c;
CLOSE c;
COMMIT;

-- statistics of other times: few rows qualify where many are expected, and the other way round; look-ups go over to the
-- reduction, and the reduction to look-ups
CREATE TABLE stale (person_id bigint PRIMARY KEY, rare boolean, frequent boolean) WITH (autovacuum_enabled = off);
INSERT INTO stale SELECT id, id % 1000 = 0, id % 1000 > 0 FROM person;
ANALYZE stale;
UPDATE stale SET rare = person_id % 2 = 0, frequent = person_id % 200 = 0;
SELECT column_name, r.strategy, r.rows, r.same FROM unnest(ARRAY['rare', 'frequent']) column_name, pg_temp.joined(
	format('SELECT i.id, i.v <-> ''[1,0,1,0]'' AS d FROM image i JOIN stale USING (person_id) WHERE %I ORDER BY d LIMIT 3', column_name), 'no sort') r ORDER BY column_name;
-- so many rows of the other side that they do not fit in memory
SELECT r.strategy, r.rows, r.same FROM pg_temp.joined('SELECT i.id, i.v <-> ''[1,0,1,0]'' AS d FROM image i JOIN stale USING (person_id) WHERE rare ORDER BY d', 'memory') r;

-- rows come, change and go in the same transaction
BEGIN;
UPDATE image SET person_id = person_id + 1, v = v + '[0.1,0,0,0]' WHERE id % 3 = 0;
DELETE FROM image WHERE id % 5 = 0;
DELETE FROM person WHERE id % 7 = 0;
INSERT INTO image SELECT 10000 + i, i, i, 'code ' || i, i % 5, i % 100, pg_temp.uniform(10000 + i, 4) FROM generate_series(1, 300) i;
SELECT name, way, r.strategy, r.rows, r.same FROM question, unnest(ARRAY['reduction', 'look-ups']) WITH ORDINALITY w(way, place),
	pg_temp.joined(format(query, pg_temp.uniform(-6, 4)), way) r WHERE NOT r.same ORDER BY name, place;
ROLLBACK;

-- beside changes: the join is in a subquery of theirs
BEGIN;
CALL pg_temp.prefer('reduction');
EXPLAIN (COSTS OFF) UPDATE image SET n = 1000 FROM (SELECT i.id FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1930 ORDER BY i.v <-> '[1,0,1,0]' LIMIT 5) s WHERE s.id = image.id;
UPDATE image SET n = 1000 FROM (SELECT i.id FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1930 ORDER BY i.v <-> '[1,0,1,0]' LIMIT 5) s WHERE s.id = image.id;
DELETE FROM image WHERE id IN (SELECT i.id FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1930 ORDER BY i.v <-> '[1,0,1,0]' LIMIT 7) RETURNING 1;
ROLLBACK;
-- the other side in parallel
BEGIN;
CALL pg_temp.prefer('reduction');
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT i.id FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1930 ORDER BY i.v <-> '[1,0,1,0]' LIMIT 5;
CREATE TEMP TABLE parallel AS SELECT i.id FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1930 ORDER BY i.v <-> '[1,0,1,0]' LIMIT 5;
SELECT array_agg(id) FROM parallel;
SET LOCAL work_mem = 64;
SET LOCAL hash_mem_multiplier = 1;
SELECT i.id FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 2020 ORDER BY i.v <-> '[1,0,1,0]' LIMIT 5;
ROLLBACK;

-- policies and security barriers: a condition that could tell of hidden rows is asked after them
CREATE ROLE reader;
GRANT SELECT ON image, person, label TO reader;
GRANT USAGE ON SCHEMA public TO reader;
ALTER TABLE image ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON image TO reader USING (n % 10 > 3);
CREATE POLICY seen ON person TO reader USING (id % 10 < 8);
ALTER TABLE person ENABLE ROW LEVEL SECURITY;
BEGIN;
CALL pg_temp.prefer('reduction');
SET LOCAL ROLE reader;
EXPLAIN (COSTS OFF) SELECT i.id FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1930 ORDER BY i.v <-> '[1,0,1,0]' LIMIT 10;
SELECT i.id, i.n, p.id FROM image i JOIN person p ON p.id = i.person_id WHERE p.year < 1930 ORDER BY i.v <-> '[1,0,1,0]' LIMIT 5;
SELECT count(*) FROM (SELECT i.n, p.id AS person FROM image i JOIN person p ON p.id = i.person_id ORDER BY i.v <-> '[1,0,1,0]') s WHERE n % 10 <= 3 OR person % 10 >= 8;
-- equality of numerics is not known to be leakproof
EXPLAIN (COSTS OFF) SELECT i.id FROM image i JOIN person p USING (site) WHERE p.year < 1930 ORDER BY i.v <-> '[1,0,1,0]' LIMIT 10;
COMMIT;
ALTER TABLE image DISABLE ROW LEVEL SECURITY;
ALTER TABLE person DISABLE ROW LEVEL SECURITY;
CREATE VIEW barred WITH (security_barrier) AS SELECT * FROM image WHERE n % 10 > 3;
SELECT way, r.strategy, r.rows, r.same FROM unnest(ARRAY['reduction', 'look-ups', 'any']) WITH ORDINALITY w(way, place), pg_temp.joined(
	'SELECT i.id, i.v <-> ''[1,0,1,0]'' AS d FROM barred i JOIN person p ON p.id = i.person_id WHERE p.year < 1930 ORDER BY d LIMIT 10', way) r ORDER BY place;

-- partitions are not served, and right
CREATE TABLE parted (id int, person_id bigint, v vector(4)) PARTITION BY HASH (id);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT id, person_id, v FROM image;
CREATE INDEX ON parted USING hnsw (v vector_l2_ops, person_id);
ANALYZE parted;
SELECT way, r.strategy, r.rows, r.same FROM unnest(ARRAY['reduction', 'any']) WITH ORDINALITY w(way, place), pg_temp.joined(
	'SELECT i.id, i.v <-> ''[1,0,1,0]'' AS d FROM parted i JOIN person p ON p.id = i.person_id WHERE p.year < 1930 ORDER BY d LIMIT 10', way) r ORDER BY place;
-- look-ups find what a search without conditions finds (all but one row in 1,000): rows that the walk finds late count
CREATE TABLE member AS SELECT i AS id, pg_temp.h(i, 12) % 1024 < 25 AS chosen FROM generate_series(1, 60000) i;
ALTER TABLE member ADD PRIMARY KEY (id);
CREATE TABLE portrait AS SELECT i AS id, i AS member_id, (pg_temp.uniform(i % 300, 64) + pg_temp.uniform(1000 + i, 64))::vector(64) AS v FROM generate_series(1, 20000) i;
CREATE INDEX portrait_v ON portrait USING hnsw (v vector_l2_ops, member_id);
VACUUM ANALYZE member, portrait;
CREATE TABLE sought AS SELECT pg_temp.uniform(i % 300, 64) + pg_temp.uniform(100000 + i, 64) AS v FROM generate_series(1, 120) i;
CREATE FUNCTION pg_temp.recall_of(ef int, question text, OUT recall float8, OUT looked_up boolean, OUT search text) LANGUAGE plpgsql SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
	query text;
	line text;
	given float8[];
	exact float8[];
	found int := 0;
BEGIN
	looked_up := true;
	search := '';
	FOR query IN SELECT format(question, v) FROM sought LOOP
		CALL pg_temp.prefer('look-ups');
		PERFORM set_config('hnsw.ef_search', ef::text, true);
		SELECT distances INTO given FROM pg_temp.rows_of(query);
		FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
			IF line ~ 'Strategy: reduction' THEN looked_up := false; END IF;
			IF line ~ 'Search:' AND strpos(search, substring(line FROM 'Search: (.*)')) = 0 THEN search := search || substring(line FROM 'Search: (.*)') || '; '; END IF;
		END LOOP;
		CALL pg_temp.prefer('any');
		SELECT distances INTO exact FROM pg_temp.by_sort(query);
		found := found + (SELECT count(*) FROM unnest(given) d WHERE d <= exact[10]);
		IF given <> ARRAY(SELECT d FROM unnest(given) d ORDER BY d) THEN RAISE 'rows out of order'; END IF;
	END LOOP;
	recall := found / 1200.0;
END
$$;
-- beams that would be longer than it takes to read the codes of all rows are not walked
SELECT ef, looked_up, recall >= 0.9975 AS good, CASE WHEN ef = 400 THEN search = 'whole index; ' END AS by_codes FROM unnest('{40,80,400}'::int[]) ef,
	pg_temp.recall_of(ef, 'SELECT p.id, p.v <-> %L AS d FROM portrait p JOIN member m ON m.id = p.member_id WHERE m.chosen ORDER BY d LIMIT 10') ORDER BY ef;
DROP TABLE member, portrait, sought;
DROP VIEW barred;
DROP OWNED BY reader;
DROP ROLE reader;
DROP TABLE person, visit, condition, label, image, question, query, stale, parted;
