-- Images with vectors beside clinical tables, and comparisons of joins with exact search, for the hnsw_join suites; after
-- against_exact.sql.

CREATE TABLE person (id bigint PRIMARY KEY, year int, gender text, site numeric);
CREATE TABLE visit (id int PRIMARY KEY, person_id bigint, age int);
CREATE TABLE condition (person_id bigint, visit_id int, name text);
CREATE TABLE label (code text, kind int);
CREATE TABLE image (id int PRIMARY KEY, visit_id bigint, person_id bigint, code text, site numeric, n int, v vector(4));

CREATE FUNCTION pg_temp.h(i bigint, seed int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT (hashint8extended(i, seed) & 1048575)::int $$;

INSERT INTO person SELECT i, 1920 + pg_temp.h(i, 1) % 80, (ARRAY['F', 'M', NULL])[1 + pg_temp.h(i, 2) % 9 / 4], pg_temp.h(i, 3) % 5 FROM generate_series(1, 12000) i;
INSERT INTO visit SELECT i, nullif(pg_temp.h(i, 4) % 601, 0), pg_temp.h(i, 5) % 90 FROM generate_series(1, 12000) i;
INSERT INTO condition SELECT v.person_id, nullif(v.id, 7), (ARRAY['Edema', 'Effusion', 'Hernia', 'Mass'])[1 + pg_temp.h(i, 6) % 20 / 6]
	FROM generate_series(1, 9000) i JOIN visit v ON v.id = 1 + pg_temp.h(i, 7) % 12000;
INSERT INTO label SELECT CASE WHEN i % 50 > 0 THEN 'code ' || pg_temp.h(i, 8) % 300 END, i % 10 FROM generate_series(1, 400) i;
INSERT INTO image SELECT i, nullif(v.id, 11), v.person_id, 'code ' || pg_temp.h(i, 9) % 300, pg_temp.h(i, 10) % 5, i % 100,
	CASE WHEN i % 97 > 0 THEN pg_temp.uniform(i, 4) END
	FROM generate_series(1, 4000) i JOIN visit v ON v.id = 1 + pg_temp.h(i, 11) % 2000;
CREATE INDEX visit_person ON visit (person_id);
CREATE INDEX condition_person ON condition (person_id);
CREATE INDEX condition_visit ON condition (visit_id);
CREATE INDEX label_code ON label (code);
CREATE INDEX image_v ON image USING hnsw (v vector_l2_ops, visit_id, person_id, code, site, n);
VACUUM ANALYZE person, visit, condition, label, image;

-- How a query is to be done: as the planner likes, by the reduction at once, by look-ups first, with so little memory
-- that the other side does not fit, or without sorting.
CREATE PROCEDURE pg_temp.prefer(way text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('hnsw.enable_semi_join_reduction', 'on', true),
		set_config('enable_sort', CASE way WHEN 'any' THEN 'on' ELSE 'off' END, true),
		set_config('enable_nestloop', CASE way WHEN 'reduction' THEN 'off' ELSE 'on' END, true),
		set_config('enable_seqscan', CASE way WHEN 'look-ups' THEN 'off' ELSE 'on' END, true),
		set_config('enable_bitmapscan', CASE way WHEN 'look-ups' THEN 'off' ELSE 'on' END, true),
		set_config('work_mem', CASE way WHEN 'memory' THEN '64kB' ELSE '4MB' END, true),
		set_config('hash_mem_multiplier', CASE way WHEN 'memory' THEN '1' ELSE '2' END, true);
END
$$;

-- What a query that gives ids and distances gives, and what an exact search gives in its place: distances of NULL vectors,
-- which are not in the index, left out.
CREATE FUNCTION pg_temp.joined(query text, way text, OUT strategy text, OUT rows int, OUT same boolean, OUT wanted int, OUT ordered boolean)
	LANGUAGE plpgsql
	SET hnsw.ef_search = 400 SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
DECLARE
	line text;
	given float8[];
	exact float8[];
BEGIN
	CALL pg_temp.prefer(way);
	strategy := 'another plan';
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		IF line ~ '^ *Strategy: (look-ups|reduction)' THEN strategy := substring(line FROM 'Strategy: (.*)'); END IF;
	END LOOP;
	SELECT array_remove(distances, NULL) INTO given FROM pg_temp.rows_of(query);
	CALL pg_temp.prefer('any');
	PERFORM set_config('hnsw.enable_semi_join_reduction', 'off', true);
	SELECT array_remove(distances, NULL) INTO exact FROM pg_temp.by_sort(query);
	rows := cardinality(given);
	same := given = exact;
	wanted := cardinality(exact);
	ordered := given = ARRAY(SELECT d FROM unnest(given) d ORDER BY d);
END
$$;
