-- Rows within a distance by the index: WHERE v <-> q < r, against a sequential scan.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all
SET jit = off;
SET max_parallel_workers_per_gather = 0;

-- 2,000 rows: every tenth vector three times, some zero vectors, some NULLs
CREATE TABLE spots (id int PRIMARY KEY, grp int, flag boolean, v vector(6), h halfvec(6), s sparsevec(6), b bit(24)) WITH (autovacuum_enabled = off);
-- without statistics a range is taken to hold one row in 1,000, whatever its radius: so the plans stay
ALTER TABLE spots ALTER v SET STATISTICS 0, ALTER h SET STATISTICS 0, ALTER s SET STATISTICS 0, ALTER b SET STATISTICS 0;
INSERT INTO spots (id, grp, flag, v) SELECT i, i % 7, i % 3 = 0, pg_temp.uniform(CASE WHEN i % 10 < 3 THEN i / 10 ELSE i END, 6) * '[9,9,9,9,9,9]' - '[4,4,4,4,4,4]' FROM generate_series(1, 1980) i;
INSERT INTO spots (id, grp, v) SELECT i, i % 7, '[0,0,0,0,0,0]' FROM generate_series(1981, 1990) i;
INSERT INTO spots (id, grp) SELECT i, i % 7 FROM generate_series(1991, 2000) i;
UPDATE spots SET h = v::halfvec, s = v::sparsevec,
	b = (SELECT string_agg(((hashint8extended(id % 400, j) >> 3 & 1))::text, '' ORDER BY j) FROM generate_series(1, 24) j)::bit(24) WHERE v IS NOT NULL;
SELECT format('CREATE INDEX spots_%1$s_%2$s ON spots USING hnsw (%1$s %3$s_%2$s_ops)', col, metric, type)
	FROM (VALUES ('v', 'vector'), ('h', 'halfvec'), ('s', 'sparsevec')) types(col, type), unnest('{l2,ip,cosine,l1}'::text[]) metric
UNION ALL SELECT format('CREATE INDEX spots_b_%1$s ON spots USING hnsw (b bit_%1$s_ops)', metric) FROM unnest('{hamming,jaccard}'::text[]) metric \gexec
CREATE INDEX spots_grp ON spots (grp);
VACUUM ANALYZE spots;

-- what a plan of this kind gives, in its order; NULL: it has no index condition on a distance
CREATE FUNCTION pg_temp.by_plan(kind text, query text) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	line text;
	has_range boolean := kind = 'exact';
	ids int[];
BEGIN
	PERFORM set_config('hnsw.enable_range_scan', (kind <> 'exact')::text, true), set_config('enable_seqscan', (kind = 'exact')::text, true),
		set_config('enable_indexscan', (kind IN ('plain', 'ordered'))::text, true), set_config('enable_bitmapscan', (kind = 'bitmap')::text, true),
		set_config('enable_sort', (kind <> 'ordered')::text, true);
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		has_range := has_range OR line ~ '<<[#+~%=-]>';
	END LOOP;
	IF has_range THEN EXECUTE format('SELECT array(%s)', query) INTO ids; END IF;
	RETURN ids;
END
$$;
-- the same rows, as far as equal distances leave no choice
CREATE FUNCTION pg_temp.same(kind text, query text, OUT same boolean, OUT rows int) LANGUAGE sql AS $$
	SELECT array(SELECT unnest(pg_temp.by_plan(kind, query)) ORDER BY 1) IS NOT DISTINCT FROM array(SELECT unnest(exact) ORDER BY 1), cardinality(exact)
		FROM pg_temp.by_plan('exact', query) exact
$$;

-- Every form of the condition on a column, at the distances of some rows and beside them; a line for each difference.
-- In an ordered scan what is found too late for its place comes last, as short vectors do by inner product.
CREATE FUNCTION pg_temp.differences(col text, operator text, q text) RETURNS TABLE (kind text, condition text, missing int, wrong int, ordered boolean) LANGUAGE plpgsql
	SET hnsw.ef_search = 400 AS $$
DECLARE
	radius float8;
	exact int[];
	found int[];
	query text;
BEGIN
	FOR radius IN EXECUTE format('SELECT d FROM (SELECT d, row_number() OVER (ORDER BY d) AS place FROM (
			SELECT %s %s %L AS d FROM spots) x WHERE d <> ''NaN'') y WHERE place IN (1, 30, 31, 1900)
		UNION SELECT unnest(''{0,-1,Infinity,NaN}''::float8[])', col, operator, q) LOOP
		FOREACH condition IN ARRAY ARRAY['%1$s %2$s %3$L < %4$L', '%1$s %2$s %3$L <= %4$L', '%4$L > %3$L %2$s %1$s', '%4$L >= %1$s %2$s %3$L'] LOOP
			condition := format(condition, col, operator, q, radius);
			exact := pg_temp.by_plan('exact', 'SELECT id FROM spots WHERE ' || condition);
			FOREACH kind IN ARRAY '{plain,bitmap,ordered}'::text[] LOOP
				query := 'SELECT id FROM spots WHERE ' || condition;
				IF kind = 'ordered' THEN query := query || format(' ORDER BY %s %s %L', col, operator, q); END IF;
				found := pg_temp.by_plan(kind, query);
				SELECT count(*) FILTER (WHERE f IS NULL), count(*) FILTER (WHERE e IS NULL) INTO missing, wrong
					FROM unnest(exact) e FULL JOIN unnest(found) f ON e = f;
				EXECUTE format('SELECT $1 <> ''ordered'' OR array_agg(d ORDER BY n) IS NOT DISTINCT FROM array_agg(d ORDER BY d) FROM (
					SELECT n, %s %s %L AS d FROM spots JOIN unnest($2) WITH ORDINALITY f(id, n) USING (id) WHERE n <= 30) x', col, operator, q) INTO ordered USING kind, found;
				IF radius = 'NaN' AND found IS NULL THEN CONTINUE; END IF;
				IF missing > 0 OR wrong > 0 OR NOT ordered OR found IS NULL OR cardinality(found) <> cardinality(exact) THEN RETURN NEXT; END IF;
			END LOOP;
		END LOOP;
	END LOOP;
END
$$;
SELECT col, operator, d.* FROM unnest('{v,h,s}'::text[]) col, unnest('{<->,<#>,<+>}'::text[]) operator,
		unnest('{"[1,2,-3,0.5,2,-1]","[0,0,0,0,0,0]"}'::text[]) q, pg_temp.differences(col, operator, CASE col WHEN 's' THEN q::vector::sparsevec::text ELSE q END) d;
SELECT operator, d.* FROM unnest('{<~>,<%>}'::text[]) operator,
	unnest('{101010101010101010101010,000000000000000000000000}'::text[]) q, pg_temp.differences('b', operator, q) d;
-- cosine: zero vectors are not in the index; they are within NaN alone, which it is not asked for
SELECT col, d.* FROM unnest('{v,h,s}'::text[]) col, pg_temp.differences(col, '<=>', CASE col WHEN 's' THEN '{1:1,2:2,3:-3}/6' ELSE '[1,2,-3,0,0,0]' END) d;
SELECT d.* FROM pg_temp.differences('v', '<=>', '[0,0,0,0,0,0]') d;

-- plans
EXPLAIN (COSTS OFF) SELECT count(*) FROM spots WHERE v <-> '[1,2,3,0,0,0]' < 3;
EXPLAIN (COSTS OFF) SELECT id FROM spots WHERE 3 >= v <-> '[1,2,3,0,0,0]' ORDER BY v <-> '[1,2,3,0,0,0]' LIMIT 5;
-- all rows of a range in order: sorted
EXPLAIN (COSTS OFF) SELECT id FROM spots WHERE v <-> '[1,2,3,0,0,0]' < 3 ORDER BY v <-> '[1,2,3,0,0,0]';
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM spots WHERE v <-> '[1,2,3,0,0,0]' < 3::real;
EXPLAIN (COSTS OFF) SELECT id FROM spots WHERE v <-> '[1,2,3,0,0,0]' BETWEEN 1 AND 3;
RESET enable_bitmapscan;
-- with other indexes, by their bitmaps
SET enable_seqscan = off;
SET enable_indexscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM spots WHERE v <-> '[1,2,3,0,0,0]' < 3 OR s <+> '{1:1}/6' <= 4 OR grp = 3 AND b <~> '101010101010101010101010' < 4;
SELECT s.* FROM pg_temp.same('bitmap',
	'SELECT id FROM spots WHERE v <-> ''[1,2,3,0,0,0]'' < 3 OR s <+> ''{1:1}/6'' <= 4 OR grp = 3 AND b <~> ''101010101010101010101010'' < 4') s;
RESET enable_seqscan;
RESET enable_indexscan;
-- a range of another query than the order's, and several ranges: filters of what the first gives
SELECT kind, condition, s.* FROM
	(VALUES ('ordered', 'v <-> ''[1,2,3,0,0,0]'' < 4 ORDER BY v <-> ''[1,1,1,1,1,1]'''),
		('ordered', 'v <-> ''[1,2,3,0,0,0]'' < 4 AND v <-> ''[1,1,1,1,1,1]'' < 4 ORDER BY v <-> ''[1,1,1,1,1,1]'''),
		('plain', 'v <-> ''[1,2,3,0,0,0]'' < 4 AND v <-> ''[1,1,1,1,1,1]'' < 4'),
		('bitmap', 'v <-> ''[1,2,3,0,0,0]'' < 4 AND v <-> ''[1,1,1,1,1,1]'' < 4'),
		('plain', 'v <-> ''[1,2,3,0,0,0]'' < 4 AND v <-> ''[1,2,3,0,0,0]'' <= 3 AND v <-> ''[1,2,3,0,0,0]'' > 2'),
		('plain', 'v <-> ''[1,2,3,0,0,0]'' < 4 AND NOT v <-> ''[1,2,3,0,0,0]'' < 3')) x(kind, condition),
	pg_temp.same(kind, 'SELECT id FROM spots WHERE ' || condition) s;

-- parameters: custom and generic plans, NULLs
PREPARE near(vector, float8) AS SELECT count(*) FROM spots WHERE v <-> $1 < $2;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE near('[1,2,3,0,0,0]', 3);
EXECUTE near('[1,2,3,0,0,0]', 3);
EXECUTE near('[1,2,3,0,0,0]', NULL);
EXECUTE near(NULL, 3);
EXECUTE near('[1,2,3]', 3);
SET plan_cache_mode = force_custom_plan;
EXECUTE near('[1,2,3,0,0,0]', 3);
EXECUTE near(NULL, 3);
RESET plan_cache_mode;
SET hnsw.enable_range_scan = off;
SELECT count(*) FROM spots WHERE v <-> '[1,2,3,0,0,0]' < 3;
RESET hnsw.enable_range_scan;

-- iterative_scan is about LIMITs: a range has an end of its own
SELECT set_config('hnsw.iterative_scan', mode, false), (SELECT count(*) FROM spots WHERE v <-> '[1,2,3,0,0,0]' < 5)
	FROM unnest('{off,relaxed_order,strict_order}'::text[]) mode;
RESET hnsw.iterative_scan;

-- cursors
BEGIN;
DECLARE near CURSOR FOR SELECT v <-> '[1,2,3,0,0,0]' < 3 AS within FROM spots WHERE v <-> '[1,2,3,0,0,0]' < 3 ORDER BY v <-> '[1,2,3,0,0,0]';
FETCH 2 FROM near;
MOVE FORWARD ALL FROM near;
FETCH 1 FROM near;
ROLLBACK;

-- joins: the rows near each of some
CREATE TABLE centres (id int, v vector(6), r float8);
INSERT INTO centres SELECT i, pg_temp.uniform(-i, 6) * '[9,9,9,9,9,9]' - '[4,4,4,4,4,4]', i FROM generate_series(1, 5) i;
INSERT INTO centres VALUES (6, NULL, 3), (7, '[1,1,1,1,1,1]', NULL);
ANALYZE centres;
EXPLAIN (COSTS OFF) SELECT c.id, count(s.id) FROM centres c LEFT JOIN spots s ON s.v <-> c.v < c.r GROUP BY c.id ORDER BY c.id;
CREATE FUNCTION pg_temp.counts(query text, OUT by_index text, OUT same boolean) LANGUAGE plpgsql SET enable_seqscan = off SET enable_mergejoin = off SET enable_hashjoin = off AS $$
DECLARE
	exact text;
BEGIN
	EXECUTE query INTO by_index;
	SET LOCAL hnsw.enable_range_scan = off;
	EXECUTE query INTO exact;
	RESET hnsw.enable_range_scan;
	same := exact = by_index;
END
$$;
SELECT * FROM pg_temp.counts('SELECT string_agg(n::text, '','' ORDER BY id) FROM (SELECT c.id, count(s.id) n FROM centres c LEFT JOIN spots s ON s.v <-> c.v < c.r GROUP BY c.id) x');
SELECT * FROM pg_temp.counts('SELECT string_agg(n::text, '','' ORDER BY id) FROM centres c, LATERAL (SELECT count(*) n FROM spots s WHERE s.v <-> c.v < c.r) x');
SELECT * FROM pg_temp.counts('SELECT string_agg(n::text, '','' ORDER BY id) FROM centres c, LATERAL (SELECT count(*) n FROM (SELECT FROM spots s WHERE s.v <-> c.v < c.r ORDER BY s.v <-> c.v LIMIT 20) y) x');
SELECT * FROM pg_temp.counts('SELECT string_agg(n::text, '','' ORDER BY id) FROM centres c, LATERAL (SELECT count(*) n FROM spots s WHERE s.v <-> c.v < c.r AND s.grp = c.id) x');
SELECT * FROM pg_temp.counts('SELECT count(*) FROM spots s JOIN spots t ON s.v <-> t.v <= 0 AND s.id < 20');
SELECT * FROM pg_temp.counts('SELECT count(*) FROM spots s WHERE s.v <-> (SELECT v FROM centres WHERE id = 3) < (SELECT r FROM centres WHERE id = 4)');
SELECT * FROM pg_temp.counts('SELECT count(*) FROM centres c WHERE EXISTS (SELECT FROM spots s WHERE s.v <-> c.v < 1.5)');

-- changes are exact: an index's answers may lack a few rows, which is nothing to change a table by
EXPLAIN (COSTS OFF) UPDATE spots SET grp = 8 WHERE v <-> '[1,2,3,0,0,0]' < 3;
EXPLAIN (COSTS OFF) DELETE FROM spots WHERE v <-> '[1,2,3,0,0,0]' < 3;

-- filter columns, partial indexes, expressions, domains, partitions
DROP INDEX spots_v_l2;
CREATE INDEX spots_filter ON spots USING hnsw (v vector_l2_ops, grp, flag);
CREATE INDEX spots_part ON spots USING hnsw ((subvector(v, 1, 3)::vector(3)) vector_l2_ops) WHERE grp < 3;
EXPLAIN (COSTS OFF) SELECT id FROM spots WHERE v <-> '[1,2,3,0,0,0]' < 3 AND grp IN (2, 4) AND flag;
SELECT condition, kind, s.*
	FROM unnest(ARRAY['grp = 3', 'grp IN (2, 4) AND flag', 'grp > 3 AND v <-> ''[1,1,3,0,0,0]'' <= 6', 'flag', 'grp = 99', 'grp IS NULL', 'grp = ANY (NULL)']) condition,
		unnest('{plain,bitmap,ordered}'::text[]) kind,
		pg_temp.same(kind, 'SELECT id FROM spots WHERE v <-> ''[1,2,3,0,0,0]'' < 6 AND ' || condition || CASE kind WHEN 'ordered' THEN ' ORDER BY v <-> ''[1,2,3,0,0,0]''' ELSE '' END) s;
EXPLAIN (COSTS OFF) SELECT id FROM spots WHERE subvector(v, 1, 3)::vector(3) <-> '[1,2,3]' < 2 AND grp < 3;
SELECT kind, s.* FROM unnest('{plain,bitmap}'::text[]) kind,
	pg_temp.same(kind, 'SELECT id FROM spots WHERE subvector(v, 1, 3)::vector(3) <-> ''[1,2,3]'' < 2 AND grp < 2') s;
CREATE DOMAIN place AS vector(3);
CREATE TABLE parts (id int, v place) PARTITION BY RANGE (id);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (2000);
CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (2000) TO (9000);
INSERT INTO parts SELECT i, pg_temp.uniform(i, 3) FROM generate_series(1, 6000) i;
CREATE INDEX parts_v ON parts USING hnsw (v vector_l2_ops);
ANALYZE parts;
EXPLAIN (COSTS OFF) SELECT count(*) FROM parts WHERE v <-> '[0.5,0.5,0.5]' < 0.05;
SELECT * FROM pg_temp.counts('SELECT count(*) FROM parts WHERE v <-> ''[0.5,0.5,0.5]'' < 0.1');

-- who may not see all rows: a condition that may tell of a row waits for those that hide it, whatever the plan
CREATE ROLE hnsw_range_reader;
CREATE TABLE secrets (id int, owner text, v vector(3));
INSERT INTO secrets SELECT i, CASE WHEN i % 2 = 0 THEN 'hnsw_range_reader' ELSE 'other' END, pg_temp.uniform(i, 3) FROM generate_series(1, 2000) i;
CREATE INDEX secrets_v ON secrets USING hnsw (v vector_l2_ops);
ANALYZE secrets;
CREATE FUNCTION pg_temp.tell(v vector) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'told'; RETURN true; END $$;
CREATE VIEW own_secrets WITH (security_barrier) AS SELECT * FROM secrets WHERE owner = 'hnsw_range_reader';
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secrets USING (owner = current_user);
GRANT SELECT ON secrets TO hnsw_range_reader;
EXPLAIN (COSTS OFF) SELECT count(*) FROM own_secrets WHERE v <-> '[0.5,0.5,0.5]' < 0.1;
SET enable_seqscan = off;
SELECT count(*) FROM own_secrets WHERE v <-> '[0.5,0.5,0.5]' < 0.15;
SELECT count(*) FROM own_secrets WHERE v <-> '[0.5,0.5,0.5]' < 0.05 AND pg_temp.tell(v);
SET ROLE hnsw_range_reader;
EXPLAIN (COSTS OFF) SELECT count(*) FROM secrets WHERE v <-> '[0.5,0.5,0.5]' < 0.15;
SELECT count(*) FROM secrets WHERE v <-> '[0.5,0.5,0.5]' < 0.15;
RESET ROLE;
SELECT count(*) FILTER (WHERE owner = 'hnsw_range_reader'), count(*) FROM secrets WHERE v <-> '[0.5,0.5,0.5]' < 0.15;
RESET enable_seqscan;

-- the operator itself
SELECT '[1,2]'::vector <<-> ROW('[1,3]'::vector, 1.0::float8) AS less, '[1,2]'::vector <<-> ROW('[1,3]'::vector, 1.0::float8, true) AS equal,
	'[1,2]'::vector <<-> ROW('[1,3]'::vector, NULL::float8) AS no_radius, '[1,2]'::vector <<-> ROW(NULL::vector, 1.0::float8) AS no_query,
	'[1,2]'::vector <<-> NULL::record AS nothing, NULL::vector <<-> ROW('[1,3]'::vector, 1.0::float8) AS no_vector,
	'[1,2]'::vector <<-> ROW('[1,3]'::vector, 'NaN'::float8) AS nan, b'101' <<~> ROW(b'111', 1::float8, false) AS bits;
SELECT '[1,2]'::vector <<-> ROW('[1,3]'::vector, 1.0);
SELECT '[1,2]'::vector <<-> ROW('[1,3]'::halfvec, 1.0::float8);
SELECT '[1,2]'::vector <<-> ROW('[1,3]'::vector);
SELECT '[1,2]'::vector <<-> ROW('[1,3]'::vector, 1.0::float8, 1);
SELECT '[1,2]'::vector <<-> ROW('[1,3]'::vector, 1.0::float8, true, true);
SELECT '[1,2]'::vector <<-> ROW();
SELECT '[1,2]'::vector <<-> ROW('[1,3,4]'::vector, 1.0::float8);
SELECT count(*) FROM spots WHERE v <<-> ROW('[1,2,3,0,0,0]'::vector, 3::float8);
SET enable_seqscan = off;
SELECT count(*) FROM spots WHERE v <<-> ROW('[1,2,3,0,0,0]'::vector, 3);
SELECT count(*) FROM spots WHERE v <<-> ANY (ARRAY[ROW('[1,2,3,0,0,0]'::vector, 3::float8), ROW('[9,9,9,9,9,9]'::vector, 3::float8)]);
RESET enable_seqscan;

-- generated ranges, while rows come, change and go
CREATE FUNCTION pg_temp.compare(count int, rel text DEFAULT 'spots', dim int DEFAULT 6, recall float8 DEFAULT 0.99, distance text DEFAULT 'v <-> %L')
	RETURNS TABLE (finding text, example text) LANGUAGE plpgsql AS $$
DECLARE
	kind text;
	query text;
	of_query text;
	exact int[];
	found int[];
	wanted bigint := 0;
	hits bigint := 0;
BEGIN
	FOR k IN 1 .. count LOOP
		PERFORM set_config('hnsw.ef_search', (ARRAY[1, 10, 40, 200])[1 + k % 4]::text, true);
		kind := (ARRAY['plain', 'bitmap', 'ordered'])[1 + k % 3];
		of_query := format(distance, pg_temp.uniform(-k, dim) * array_fill(9, ARRAY[dim])::vector - array_fill(4, ARRAY[dim])::vector);
		query := format('SELECT id FROM %I WHERE %s %s %s %s', rel, of_query, CASE WHEN k % 2 = 0 THEN '<' ELSE '<=' END,
			CASE WHEN distance ~ '<=>' THEN random() * 0.6 WHEN distance ~ '<#>' THEN random() * -200 ELSE sqrt(random() * 10 * dim) END, CASE k % 5 WHEN 0 THEN 'AND grp = ' || k % 7 WHEN 1 THEN 'AND grp < 5 AND id % 2 = 0' ELSE '' END);
		IF kind = 'ordered' THEN query := query || ' ORDER BY ' || of_query; END IF;
		IF k % 11 = 0 THEN query := query || ' LIMIT 30'; END IF;
		exact := pg_temp.by_plan('exact', query);
		found := pg_temp.by_plan(kind, query);
		IF found IS NULL THEN RETURN QUERY SELECT 'another plan', query; END IF;
		IF k % 11 = 0 THEN
			IF cardinality(found) < cardinality(exact) THEN RETURN QUERY SELECT 'limit unfilled', query; END IF;
			CONTINUE;
		END IF;
		IF EXISTS (SELECT FROM unnest(found) f WHERE f <> ALL (exact)) THEN RETURN QUERY SELECT 'a row too far', query; END IF;
		IF cardinality(found) <> (SELECT count(DISTINCT f) FROM unnest(found) f) THEN RETURN QUERY SELECT 'a row twice', query; END IF;
		wanted := wanted + cardinality(exact);
		hits := hits + cardinality(found);
	END LOOP;
	IF hits < recall * wanted OR wanted = 0 THEN RETURN QUERY SELECT format('recall %s of %s', hits, wanted), NULL; END IF;
END
$$;
SELECT setseed(0.5);
SELECT * FROM pg_temp.compare(300);
INSERT INTO spots (id, grp, v) SELECT i, i % 7, pg_temp.uniform(i, 6) * '[9,9,9,9,9,9]' - '[4,4,4,4,4,4]' FROM generate_series(3001, 3500) i;
UPDATE spots SET v = v + '[0.5,0,0,0,0,0]' WHERE id % 4 = 0;
DELETE FROM spots WHERE id % 6 = 0;
SELECT * FROM pg_temp.compare(200);
VACUUM spots;
SELECT * FROM pg_temp.compare(200);
-- a walk that may use no memory reads the whole index
SET work_mem = '64kB';
SELECT * FROM pg_temp.compare(100);
RESET work_mem;

-- With codes of rows none is missed, and no LIMIT stays unfilled: clusters far from each other, hardly linked, of which a
-- walk finds some.
CREATE TABLE dots (id int PRIMARY KEY, grp int, v vector(20)) WITH (autovacuum_enabled = off);
ALTER TABLE dots ALTER v SET STATISTICS 0;
CREATE FUNCTION pg_temp.dot(id int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT pg_temp.uniform(-id % 40, 20) * array_fill(9, ARRAY[20])::vector - array_fill(4, ARRAY[20])::vector
		+ CASE WHEN id % 10 < 3 THEN pg_temp.uniform(id / 400, 20) ELSE pg_temp.uniform(id, 20) END
$$;
INSERT INTO dots SELECT i, i % 7, pg_temp.dot(i) FROM generate_series(1, 6000) i;
CREATE INDEX dots_l2 ON dots USING hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 8);
CREATE INDEX dots_ip ON dots USING hnsw (v vector_ip_ops, grp) WITH (m = 4, ef_construction = 8);
CREATE INDEX dots_cosine ON dots USING hnsw ((v::halfvec(20)) halfvec_cosine_ops, grp) WITH (m = 4, ef_construction = 8);
ALTER INDEX dots_cosine ALTER COLUMN 1 SET STATISTICS 0;
ANALYZE dots;
SELECT distance, found.* FROM unnest('{v <-> %L,v <#> %L,v::halfvec(20) <=> %L}'::text[]) distance, pg_temp.compare(120, 'dots', 20, 1, distance) found;
-- between two clusters
CREATE FUNCTION pg_temp.between(OUT unfilled bigint, OUT missing bigint) LANGUAGE plpgsql AS $$
DECLARE
	q text;
	radius float8;
	found int;
	wanted int;
BEGIN
	unfilled := 0; missing := 0;
	FOR k IN 1 .. 40 LOOP
		SELECT avg(v)::text INTO q FROM dots WHERE id % 40 IN (k % 40, (k + 17) % 40);
		SET LOCAL enable_indexscan = off;
		SET LOCAL enable_bitmapscan = off;
		SELECT max(d) INTO radius FROM (SELECT v <-> q::vector AS d FROM dots ORDER BY d LIMIT 400) x;
		SELECT count(*) INTO wanted FROM dots WHERE v <-> q::vector <= radius;
		SET LOCAL enable_indexscan = on;
		SET LOCAL enable_bitmapscan = on;
		SET LOCAL enable_seqscan = off;
		SELECT count(*) INTO found FROM dots WHERE v <-> q::vector <= radius;
		missing := missing + wanted - found;
		SET LOCAL enable_sort = off;
		SELECT count(*) INTO found FROM (SELECT FROM dots WHERE v <-> q::vector <= radius ORDER BY v <-> q::vector LIMIT 300) x;
		unfilled := unfilled + 300 - found;
		RESET enable_sort;
		RESET enable_seqscan;
	END LOOP;
END
$$;
SET hnsw.ef_search = 10;
SELECT * FROM pg_temp.between();
RESET hnsw.ef_search;
-- around the centre, up to each of some rows: there estimates are wrong by what codes round
CREATE FUNCTION pg_temp.missed_around(q vector) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	exact float8[];
	missed bigint := 0;
BEGIN
	SET LOCAL enable_indexscan = off;
	SET LOCAL enable_bitmapscan = off;
	SELECT array_agg(d) INTO exact FROM (SELECT v <-> q AS d FROM dots ORDER BY d LIMIT 2000) x;
	SET LOCAL enable_bitmapscan = on;
	SET LOCAL enable_seqscan = off;
	FOR n IN 1 .. 2000 BY 40 LOOP
		missed := missed + (SELECT count(*) FROM unnest(exact) d WHERE d <= exact[n]) - (SELECT count(*) FROM dots WHERE v <-> q <= exact[n]);
	END LOOP;
	RETURN missed;
END
$$;
SELECT pg_temp.missed_around(avg(v)) FROM dots;

-- what was read: in any order codes alone; for a LIMIT a walk, and codes if there are fewer rows; with little memory the
-- whole index; a walk alone, which may miss rows, where the user allows no more
CREATE FUNCTION pg_temp.searched(condition text, OUT rows bigint, OUT strategy text) LANGUAGE plpgsql SET enable_seqscan = off SET enable_sort = off AS $$
BEGIN
	EXECUTE 'SELECT count(*) FROM (SELECT FROM dots WHERE ' || condition || ') x' INTO rows;
	SELECT l.strategy INTO strategy FROM hnsw_last_scan() l;
END
$$;
SELECT v::text AS q FROM dots WHERE id = 4007 \gset
SELECT what, s.* FROM (VALUES ('all', ''), ('limit', 'ORDER BY v <-> :q LIMIT 10'), ('more', 'ORDER BY v <-> :q LIMIT 10000')) x(what, rest),
	pg_temp.searched(replace('v <-> :q < 3 ' || rest, ':q', quote_literal(:'q'))) s;
SET hnsw.max_scan_tuples = 500;
SELECT strategy FROM pg_temp.searched(format('v <-> %L < 2', :'q'));
RESET hnsw.max_scan_tuples;
INSERT INTO dots SELECT i, i % 7, pg_temp.dot(i) FROM generate_series(6001, 9000) i;
SET work_mem = '64kB';
SELECT what, s.* FROM (VALUES ('all', ''), ('limit', 'ORDER BY v <-> :q LIMIT 10'), ('more', 'ORDER BY v <-> :q LIMIT 10000')) x(what, rest),
	pg_temp.searched(replace('v <-> :q < 1000 ' || rest, ':q', quote_literal(:'q'))) s;
RESET work_mem;
-- rows that change and go
UPDATE dots SET v = pg_temp.dot(id + 1000) WHERE id % 4 = 0;
DELETE FROM dots WHERE id % 6 = 0;
SELECT * FROM pg_temp.compare(60, 'dots', 20, 1);
VACUUM dots;
SELECT * FROM pg_temp.compare(60, 'dots', 20, 1);

-- with statistics the planner knows of a radius how many rows are about within: of nearly all it reads the table
ALTER TABLE dots ALTER v SET STATISTICS 100;
ANALYZE dots;
SELECT avg(v) AS centre FROM dots WHERE id % 40 = 7 \gset
CREATE FUNCTION pg_temp.scan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line ~ 'Scan' THEN RETURN regexp_replace(line, '^[ >-]*', ''); END IF;
	END LOOP;
END
$$;
SELECT radius, pg_temp.scan_of(format('SELECT count(*) FROM dots WHERE v <-> %L < %s', :'centre', radius)) AS all_of_them,
	pg_temp.scan_of(format('SELECT id FROM dots WHERE v <-> %L < %s ORDER BY v <-> %1$L LIMIT 10', :'centre', radius)) AS ten FROM unnest('{0.5,1000}'::float8[]) radius;
CREATE FUNCTION pg_temp.estimate(condition text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) SELECT FROM dots WHERE ' || condition INTO plan;
	RETURN (plan #>> '{0,Plan,Plan Rows}')::float8 / (SELECT count(*) FROM dots);
END
$$;
SELECT radius, abs(pg_temp.estimate(format('v <-> %L < %s', :'centre', radius)) - (SELECT count(*) FROM dots WHERE v <-> :'centre' < radius) / (SELECT count(*)::float8 FROM dots)) < 0.15 AS right
	FROM unnest('{1,14,15,16,1000}'::float8[]) radius;
SELECT round(pg_temp.estimate('v <-> (SELECT v FROM dots LIMIT 1) < 1000')::numeric, 3) AS unknown;

SET client_min_messages = warning;
DROP TABLE spots, centres, parts, secrets, dots CASCADE;
DROP DOMAIN place;
DROP ROLE hnsw_range_reader;
