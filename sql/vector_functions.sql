-- Distances, norms, arithmetic and the other functions of vectors.

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

-- distances: every function and its operator
SELECT a, b, l2_distance(a, b) AS l2, a <-> b AS "<->", inner_product(a, b) AS ip, a <#> b AS "<#>",
	cosine_distance(a, b) AS cosine, a <=> b AS "<=>", l1_distance(a, b) AS l1, a <+> b AS "<+>",
	vector_l2_squared_distance(a, b) AS l2sq, vector_negative_inner_product(a, b) AS nip
FROM (VALUES
	('[0,0]'::vector, '[3,4]'::vector), ('[0,0]', '[0,1]'), ('[1,2]', '[3,4]'), ('[1,0]', '[0,2]'),
	('[1,2]', '[2,4]'), ('[1,1]', '[-1,-1]'), ('[2]', '[5]'), ('[1,1,1,1,1,1,1,1,1]', '[1,1,1,1,1,1,1,4,5]'),
	('[1,2,3,4,5,6,7,8,9]', '[0,3,2,5,4,7,6,9,8]'), (NULL, '[1]'), ('[1]', NULL)
) AS t(a, b);

-- cosine stays within 0 and 2; without a direction it is NaN
SELECT cosine_distance('[1,1]'::vector, '[1.1,1.1]'), cosine_distance('[1,1]'::vector, '[-1.1,-1.1]'),
	cosine_distance('[1,2]'::vector, '[0,0]'), cosine_distance('[0,0]'::vector, '[0,0]'), cosine_distance('[3e38]'::vector, '[3e38]'),
	cosine_distance('[1e-30]'::vector, '[1e-30]');

-- sums beyond float32 are infinite, on the right side
SELECT l2_distance('[3e38]'::vector, '[-3e38]'), l1_distance('[3e38]'::vector, '[-3e38]'), inner_product('[3e38]'::vector, '[3e38]'),
	inner_product('[3e38]'::vector, '[-3e38]'), inner_product('[3e38,3e38,1]'::vector, '[3e38,-3e38,2]'),
	inner_product('[3e38,2e38,1]'::vector, '[3e38,-3e38,2]'), '[3e38]' <#> '[3e38]'::vector;

-- the sums of every length, against integers that float32 holds exactly
SELECT bool_and(l2sq = dim * 4 AND ip = dim * (dim + 1.0) / 2 + 2 * dim AND l1 = dim * 2
		AND abs(norm - sqrt(dim * 9.0)) < 1e-9) AS right
FROM generate_series(1, 300) dim,
	LATERAL (SELECT array_agg(i % 2 + 1) a, array_agg(i % 2 + 3) b, array_agg(1) one, array_agg(i + 2) ramp, array_agg(3) three
		FROM generate_series(1, dim) i) x,
	LATERAL (SELECT vector_l2_squared_distance(a::vector, b::vector) l2sq, inner_product(one::vector, ramp::vector) ip,
		l1_distance(a::vector, b::vector) l1, vector_norm(three::vector) norm) y;

SELECT vector_spherical_distance('[1,0]', '[1,0]'), vector_spherical_distance('[1,0]', '[0,1]'),
	vector_spherical_distance('[1,0]', '[-1,0]'), vector_spherical_distance('[2,0]', '[2,0]');

-- norms
SELECT vector_norm('[3,4]'), vector_norm('[0,0]'), vector_norm('[2]'), vector_norm('[0,1]'), vector_norm('[-3]'),
	vector_norm('[3e37,4e37]')::real, vector_norm('[3e-45]')::real > 0 AS denormal;
SELECT l2_normalize('[3,4]'::vector), l2_normalize('[3,0]'::vector), l2_normalize('[0,0.1]'::vector), l2_normalize('[0,0]'::vector),
	l2_normalize('[3e38]'::vector), l2_normalize('[3e38,-3e38]'::vector), l2_normalize('[1e-45]'::vector);
SELECT vector_dims('[1,2,3]'::vector);

-- arithmetic
SELECT '[1,2,3]'::vector + '[4,5,6]', '[1,2,3]'::vector - '[4,5,7]', '[1,2,3]'::vector * '[4,5,6]',
	'[1,2,3]'::vector || '[4,5]', '[0,1]'::vector * '[1e-45,1e-45]';
SELECT vector_dims(array_fill(0, ARRAY[32766])::vector || '[1]');

-- bits
SELECT binary_quantize('[1,0,-1]'::vector), binary_quantize('[-0,1e-45,-1e-45]'::vector),
	binary_quantize('[0,0.1,-0.2,-0.3,0.4,0.5,0.6,-0.7,0.8,-0.9,1]'::vector);
SELECT length(binary_quantize(array_fill(1, ARRAY[32767])::vector)),
	binary_quantize(array_fill(1, ARRAY[32767])::vector) = ('1' || repeat('1', 32766))::varbit AS ones;

-- parts
SELECT start, count, pg_temp.try(format('subvector(''[1,2,3,4,5]''::vector, %s, %s)', start, count)) FROM (VALUES
	(1, 3), (3, 2), (-1, 3), (3, 9), (5, 1), (1, 5), (1, 0), (3, -1), (-1, 2), (0, 1), (0, 2), (6, 1), (2147483647, 10),
	(3, 2147483647), (-2147483644, 2147483647), (-2147483648, 2147483647), (2147483647, 2147483647), (-2147483648, -2147483648)
) AS t(start, count);

-- refused
SELECT expression, pg_temp.try(expression) FROM (VALUES
	('l2_distance(''[1,2]''::vector, ''[3]'')'), ('inner_product(''[1,2]''::vector, ''[3]'')'),
	('cosine_distance(''[1,2]''::vector, ''[3]'')'), ('l1_distance(''[1,2]''::vector, ''[3]'')'),
	('vector_l2_squared_distance(''[1,2]'', ''[3]'')'), ('vector_negative_inner_product(''[1,2]'', ''[3]'')'),
	('vector_spherical_distance(''[1,2]'', ''[3]'')'), ('''[1,2]''::vector <-> ''[3]'''), ('''[1,2]''::vector <#> ''[3]'''),
	('''[1,2]''::vector <=> ''[3]'''), ('''[1,2]''::vector <+> ''[3]'''), ('''[1,2]''::vector + ''[3]'''),
	('''[1,2]''::vector - ''[3]'''), ('''[1,2]''::vector * ''[3]'''),
	('''[3e38]''::vector + ''[3e38]'''), ('''[-3e38]''::vector - ''[3e38]'''), ('''[1e37]''::vector * ''[1e37]'''),
	('''[1e-37]''::vector * ''[1e-37]'''), ('''[1,1e-37,1e37]''::vector * ''[1,1e-37,1e37]'''),
	('array_fill(0, ARRAY[32767])::vector || ''[1]''')
) AS t(expression);

-- nearest neighbours by a scan, in one process and in several, give the same rows
CREATE TABLE images (id int, v vector(16));
INSERT INTO images SELECT i, (SELECT array_agg(hashint4(i * 16 + j) % 1000) FROM generate_series(1, 16) j) FROM generate_series(1, 20000) i;
ANALYZE images;
CREATE TEMP TABLE serial AS SELECT id, v <-> '[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]' AS d FROM images ORDER BY d, id LIMIT 20;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT id FROM images ORDER BY v <-> '[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]' LIMIT 10;
SELECT count(*) AS same FROM serial JOIN
	(SELECT id, v <-> '[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]' AS d FROM images ORDER BY d, id LIMIT 20) p USING (id, d);
DROP TABLE images;
