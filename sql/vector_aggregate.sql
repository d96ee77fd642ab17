-- avg(vector) and sum(vector).

CREATE FUNCTION pg_temp.try(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE 'SELECT (' || expression || ')::text' INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;

SELECT avg(v), sum(v) FROM unnest(ARRAY['[1,2,3]'::vector, '[3,5,7]']) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[NULL, '[1,2,3]'::vector, NULL, '[3,5,7]', NULL]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[]::vector[]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[NULL, NULL]::vector[]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY['[1.5]'::vector]) v;
-- avg adds in double
SELECT avg(v) FROM unnest(ARRAY['[3e38]'::vector, '[3e38]']) v;
SELECT pg_temp.try('(SELECT sum(v) FROM unnest(ARRAY[''[3e38]''::vector, ''[3e38]'']) v)');
SELECT pg_temp.try('(SELECT avg(v) FROM unnest(ARRAY[''[1,2]''::vector, ''[3]'']) v)');
SELECT pg_temp.try('(SELECT sum(v) FROM unnest(ARRAY[''[1,2]''::vector, ''[3]'']) v)');
SELECT avg(v) IS NOT NULL AS avg, sum(v) = array_fill(3, ARRAY[32767])::vector AS sum
	FROM (SELECT array_fill(1, ARRAY[32767])::vector FROM generate_series(1, 3)) t(v);

-- the state is overwritten in place only where it is an aggregate's own
CREATE TABLE samples (id int, grp int, v vector);
INSERT INTO samples SELECT i, i % 3, ARRAY[i, 1, i % 5] FROM generate_series(1, 5000) i;
INSERT INTO samples VALUES (0, 0, NULL);
SELECT grp, count(v), avg(v), sum(v) FROM samples GROUP BY grp ORDER BY grp;
SELECT grp, sum(v), count(*) FROM samples WHERE id < 7 GROUP BY ROLLUP (grp) ORDER BY grp;
SELECT id, sum(v) OVER (ORDER BY id), avg(v) OVER (ORDER BY id), sum(v) OVER (ORDER BY id ROWS 1 PRECEDING)
	FROM samples WHERE id BETWEEN 1 AND 5 ORDER BY id;
SELECT sum(v), sum(v) FILTER (WHERE id > 3), sum(DISTINCT v), avg(v ORDER BY id DESC) FROM samples WHERE id BETWEEN 1 AND 5;
SELECT id, v FROM samples WHERE id BETWEEN 1 AND 3 ORDER BY id;

-- out of line
CREATE TABLE wide_samples (v vector);
ALTER TABLE wide_samples ALTER COLUMN v SET STORAGE external;
INSERT INTO wide_samples SELECT array_fill(i, ARRAY[3000]) FROM generate_series(1, 4) i;
SELECT sum(v) = array_fill(10, ARRAY[3000])::vector AS sum, avg(v) = array_fill(2.5, ARRAY[3000])::vector AS avg FROM wide_samples;
SELECT sum(vector_norm(v)) = sqrt(3000) * 10 AS unchanged FROM wide_samples;
DROP TABLE wide_samples;

-- in parallel
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ANALYZE samples;
EXPLAIN (COSTS OFF) SELECT avg(v), sum(v) FROM samples;
SELECT avg(v), sum(v) FROM samples;
SELECT avg(v), sum(v) FROM samples WHERE id < 0;
SELECT avg(v) FROM samples WHERE id = 17;
SELECT grp, avg(v) FROM samples GROUP BY grp ORDER BY grp;
DROP TABLE samples;

-- support functions called by hand
SELECT expression, pg_temp.try(expression) FROM (VALUES
	('vector_accum(''{0}'', ''[1,2]'')'), ('vector_accum(''{1,2,3}'', ''[1,2]'')'), ('vector_accum(''{1,2,3}'', ''[1]'')'),
	('vector_accum(''{}'', ''[1]'')'), ('vector_accum(''{NULL}'', ''[1]'')'), ('vector_accum(''{{1,2}}'', ''[1]'')'),
	('vector_accum(''{1,1.7e308}'', ''[3e38]'')'),
	('vector_combine(''{0}'', ''{0}'')'), ('vector_combine(''{0}'', ''{2,3,4}'')'), ('vector_combine(''{2,3,4}'', ''{0}'')'),
	('vector_combine(''{1,2,3}'', ''{2,3,4}'')'), ('vector_combine(''{1,2,3}'', ''{2,3}'')'),
	('vector_combine(''{1,1.7e308}'', ''{1,1.7e308}'')'), ('vector_combine(''{}'', ''{0}'')'),
	('vector_avg(''{0}'')'), ('vector_avg(''{2,3,4}'')'), ('vector_avg(''{2}'')'), ('vector_avg(''{}'')'),
	('vector_avg(''{1,1e300}'')'), ('vector_avg(''{1,NaN}'')'),
	('vector_avg(array_fill(1::float8, ARRAY[32769]))'), ('vector_dims(vector_avg(array_fill(1::float8, ARRAY[32768])))')
) AS t(expression);
