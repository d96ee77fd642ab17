-- avg(halfvec) and sum(halfvec).

-- The value of an expression as text, or its error: SQLSTATE, message, detail.
CREATE FUNCTION pg_temp.try(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	detail text;
BEGIN
	EXECUTE 'SELECT (' || expression || ')::text' INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ': ' || SQLERRM || CASE WHEN detail <> '' THEN ' | ' || detail ELSE '' END;
END
$$;

SELECT avg(v), sum(v) FROM unnest(ARRAY['[1,2,3]'::halfvec, '[3,5,7]']) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[NULL, '[1,2,3]'::halfvec, NULL, '[3,5,7]', NULL]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[]::halfvec[]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY['[1.5,-0,0]'::halfvec]) v;
-- avg adds in double; sum rounds to half at each step
SELECT avg(v) FROM unnest(ARRAY['[65504]'::halfvec, '[65504]']) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY['[2048]'::halfvec, '[1]', '[1]', '[1]', '[1]']) v;
SELECT pg_temp.try('(SELECT sum(v) FROM unnest(ARRAY[''[65504]''::halfvec, ''[65504]'']) v)');
SELECT pg_temp.try('(SELECT avg(v) FROM unnest(ARRAY[''[1,2]''::halfvec, ''[3]'']) v)');
SELECT pg_temp.try('(SELECT sum(v) FROM unnest(ARRAY[''[1,2]''::halfvec, ''[3]'']) v)');
SELECT avg(v) IS NOT NULL AS avg, sum(v) = array_fill(3, ARRAY[32767])::halfvec AS sum
	FROM (SELECT array_fill(1, ARRAY[32767])::halfvec FROM generate_series(1, 3)) t(v);

-- the state is overwritten in place only where it is an aggregate's own
CREATE TABLE samples (id int, grp int, v halfvec);
INSERT INTO samples SELECT i, i % 3, ARRAY[i % 11, 1, i % 5] FROM generate_series(1, 2000) i;
INSERT INTO samples VALUES (0, 0, NULL);
SELECT grp, count(v), avg(v), sum(v) FROM samples GROUP BY grp ORDER BY grp;
SELECT id, sum(v) OVER (ORDER BY id), avg(v) OVER (ORDER BY id), sum(v) OVER (ORDER BY id ROWS 1 PRECEDING)
	FROM samples WHERE id BETWEEN 1 AND 5 ORDER BY id;
SELECT sum(v), sum(v) FILTER (WHERE id > 3), sum(DISTINCT v), avg(v ORDER BY id DESC) FROM samples WHERE id BETWEEN 1 AND 5;
SELECT id, v FROM samples WHERE id BETWEEN 1 AND 3 ORDER BY id;

-- in parallel
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ANALYZE samples;
EXPLAIN (COSTS OFF) SELECT avg(v) FROM samples;
SELECT avg(v) FROM samples;
SELECT avg(v), sum(v) FROM samples WHERE id < 0;
SELECT grp, avg(v) FROM samples GROUP BY grp ORDER BY grp;
DROP TABLE samples;

-- support functions called by hand
SELECT expression, pg_temp.try(expression) FROM (VALUES
	('halfvec_accum(''{0}'', ''[1,2]'')'), ('halfvec_accum(''{1,2,3}'', ''[1,2]'')'), ('halfvec_accum(''{1,2,3}'', ''[1]'')'),
	('halfvec_accum(''{}'', ''[1]'')'), ('halfvec_accum(''{NULL}'', ''[1]'')'), ('halfvec_accum(''{{1,2}}'', ''[1]'')'),
	('halfvec_combine(''{0}'', ''{0}'')'), ('halfvec_combine(''{0}'', ''{2,3,4}'')'), ('halfvec_combine(''{2,3,4}'', ''{0}'')'),
	('halfvec_combine(''{1,2,3}'', ''{2,3,4}'')'), ('halfvec_combine(''{1,2,3}'', ''{2,3}'')'),
	('halfvec_combine(''{1,1.7e308}'', ''{1,1.7e308}'')'), ('halfvec_combine(''{}'', ''{0}'')'),
	('halfvec_avg(''{0}'')'), ('halfvec_avg(''{2,3,4}'')'), ('halfvec_avg(''{2}'')'), ('halfvec_avg(''{}'')'),
	('halfvec_avg(''{1,65519}'')'), ('halfvec_avg(''{1,65520}'')'), ('halfvec_avg(''{1,1e300}'')'), ('halfvec_avg(''{1,NaN}'')'),
	('halfvec_avg(array_fill(1::float8, ARRAY[32769]))'), ('vector_dims(halfvec_avg(array_fill(1::float8, ARRAY[32768])))')
) AS t(expression);
