-- Distances, norms, arithmetic and the other functions of halfvec.

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

-- distances: every function and its operator
SELECT a, b, l2_distance(a, b) AS l2, a <-> b AS "<->", inner_product(a, b) AS ip, a <#> b AS "<#>",
	cosine_distance(a, b) AS cosine, a <=> b AS "<=>", l1_distance(a, b) AS l1, a <+> b AS "<+>",
	halfvec_l2_squared_distance(a, b) AS l2sq, halfvec_negative_inner_product(a, b) AS nip
FROM (VALUES
	('[0,0]'::halfvec, '[3,4]'::halfvec), ('[0,0]', '[0,1]'), ('[1,2]', '[3,4]'), ('[1,0]', '[0,2]'),
	('[1,2]', '[2,4]'), ('[1,1]', '[-1,-1]'), ('[2]', '[5]'), ('[1,1,1,1,1,1,1,1,1]', '[1,1,1,1,1,1,1,4,5]'),
	('[1,2,3,4,5,6,7,8,9]', '[0,3,2,5,4,7,6,9,8]'), (NULL, '[1]'), ('[1]', NULL)
) AS t(a, b);

-- cosine stays within 0 and 2; without a direction it is NaN
SELECT cosine_distance('[1,1]'::halfvec, '[1.1,1.1]'), cosine_distance('[1,1]'::halfvec, '[-1.1,-1.1]'),
	cosine_distance('[1,2]'::halfvec, '[0,0]'), cosine_distance('[0,0]'::halfvec, '[0,0]'),
	cosine_distance('[65504]'::halfvec, '[65504]'), cosine_distance('[6e-8]'::halfvec, '[6e-8]');

-- no sum of halves overflows or vanishes
SELECT l2_distance('[65504]'::halfvec, '[-65504]'), inner_product('[65504,65504]'::halfvec, '[65504,-65504]'),
	abs(l1_distance(greatest, lowest) / (32767 * 131008.0) - 1) < 1e-6 AS l1,
	abs(l2_distance(greatest, lowest) / (sqrt(32767) * 131008) - 1) < 1e-6 AS l2,
	l2_distance('[6e-8]'::halfvec, '[-6e-8]') = 2 * 2.0::float8 ^ -24 AS least
FROM (SELECT array_fill(65504, ARRAY[32767])::halfvec, array_fill(-65504, ARRAY[32767])::halfvec) t(greatest, lowest);

-- the sums of every length, against integers that float32 holds exactly
SELECT bool_and(l2sq = dim * 4 AND ip = dim * (dim + 1.0) / 2 + 2 * dim AND l1 = dim * 2
		AND abs(norm - sqrt(dim * 9.0)) < 1e-9) AS right
FROM generate_series(1, 300) dim,
	LATERAL (SELECT array_agg(i % 2 + 1) a, array_agg(i % 2 + 3) b, array_agg(1) one, array_agg(i + 2) ramp, array_agg(3) three
		FROM generate_series(1, dim) i) x,
	LATERAL (SELECT halfvec_l2_squared_distance(a::halfvec, b::halfvec) l2sq, inner_product(one::halfvec, ramp::halfvec) ip,
		l1_distance(a::halfvec, b::halfvec) l1, l2_norm(three::halfvec) norm) y;

SELECT halfvec_spherical_distance('[1,0]', '[1,0]'), halfvec_spherical_distance('[1,0]', '[0,1]'),
	halfvec_spherical_distance('[1,0]', '[-1,0]'), halfvec_spherical_distance('[2,0]', '[2,0]');

-- norms
SELECT l2_norm('[3,4]'::halfvec), l2_norm('[0,0]'::halfvec), l2_norm('[-3]'::halfvec), l2_norm('[65504]'::halfvec),
	l2_norm('[6e-8]'::halfvec) = 2.0::float8 ^ -24 AS denormal;
SELECT l2_normalize('[3,4]'::halfvec), l2_normalize('[0,0.1]'::halfvec), l2_normalize('[0,-0]'::halfvec),
	l2_normalize('[65504,-65504]'::halfvec), l2_normalize('[6e-8]'::halfvec);
SELECT bool_and(l2_normalize(array_fill(dim, ARRAY[dim])::halfvec) = array_fill(1 / sqrt(dim), ARRAY[dim])::halfvec) AS right
FROM generate_series(1, 100) dim;
SELECT vector_dims('[1,2,3]'::halfvec);

-- arithmetic, rounded once to the nearest half
SELECT '[1,2,3]'::halfvec + '[4,5,6]', '[1,2,3]'::halfvec - '[4,5,7]', '[1,2,3]'::halfvec * '[4,5,6]', '[1,2,3]'::halfvec || '[4,5]';
SELECT '[2048,2050,65504]'::halfvec + '[1,1,15.99]', '[1,0.1]'::halfvec - '[0.0001,0.1]', '[0.1,0.33,65504]'::halfvec * '[0.1,3,1]',
	'[0,1]'::halfvec * '[6e-8,6e-8]';
SELECT vector_dims(array_fill(0, ARRAY[32766])::halfvec || '[1]');

-- bits
SELECT binary_quantize('[1,0,-1]'::halfvec), binary_quantize('[-0,6e-8,-6e-8]'::halfvec),
	binary_quantize('[0,0.1,-0.2,-0.3,0.4,0.5,0.6,-0.7,0.8,-0.9,1]'::halfvec);
SELECT length(binary_quantize(array_fill(1, ARRAY[32767])::halfvec));

-- parts
SELECT start, count, pg_temp.try(format('subvector(''[1,2,3,4,5]''::halfvec, %s, %s)', start, count)) FROM (VALUES
	(1, 3), (3, 2), (-1, 3), (3, 9), (5, 1), (1, 0), (3, -1), (-1, 2), (0, 2), (6, 1), (3, 2147483647), (-2147483648, -2147483648)
) AS t(start, count);

-- refused
SELECT expression, pg_temp.try(expression) FROM (VALUES
	('l2_distance(''[1,2]''::halfvec, ''[3]'')'), ('inner_product(''[1,2]''::halfvec, ''[3]'')'),
	('cosine_distance(''[1,2]''::halfvec, ''[3]'')'), ('l1_distance(''[1,2]''::halfvec, ''[3]'')'),
	('halfvec_l2_squared_distance(''[1,2]'', ''[3]'')'), ('halfvec_negative_inner_product(''[1,2]'', ''[3]'')'),
	('halfvec_spherical_distance(''[1,2]'', ''[3]'')'), ('''[1,2]''::halfvec <-> ''[3]'''), ('''[1,2]''::halfvec + ''[3]'''),
	('''[1,2]''::halfvec - ''[3]'''), ('''[1,2]''::halfvec * ''[3]'''),
	('''[65504]''::halfvec + ''[16]'''), ('''[1,-65504]''::halfvec - ''[0,16]'''), ('''[256]''::halfvec * ''[256]'''),
	('''[0.0001]''::halfvec * ''[0.0001]'''), ('''[1,0.0001,256]''::halfvec * ''[1,0.0001,256]'''),
	('''[1,256,0.0001]''::halfvec * ''[1,256,0.0001]'''), ('array_fill(0, ARRAY[32767])::halfvec || ''[1]''')
) AS t(expression);

-- nearest neighbours by a scan, in one process and in several, give the same rows
CREATE TABLE images (id int, v halfvec(16));
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
