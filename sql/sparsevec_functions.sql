-- Distances, norm and casts of sparse vectors.

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
	sparsevec_l2_squared_distance(a, b) AS l2sq, sparsevec_negative_inner_product(a, b) AS nip
FROM (VALUES
	('{}/2'::sparsevec, '{1:3,2:4}/2'::sparsevec), ('{}/2', '{2:1}/2'), ('{1:1,2:2}/2', '{1:2,2:4}/2'), ('{1:1}/2', '{2:2}/2'),
	('{1:1,2:1}/2', '{1:-1,2:-1}/2'), ('{1:2}/1', '{1:5}/1'), ('{1:1,5:2,9:3}/9', '{2:7,5:2,8:1,9:1}/9'),
	('{1:0.1}/2', '{1:0.3}/2'), ('{1000000000:3}/1000000000', '{1:4,1000000000:3}/1000000000'), (NULL, '{}/1'), ('{}/1', NULL)
) AS t(a, b);

-- cosine stays within 0 and 2; without a direction it is NaN
SELECT cosine_distance('{1:1,2:1}/2'::sparsevec, '{1:1.1,2:1.1}/2'), cosine_distance('{1:1,2:1}/2'::sparsevec, '{1:-1.1,2:-1.1}/2'),
	cosine_distance('{1:1}/2'::sparsevec, '{}/2'), cosine_distance('{}/2'::sparsevec, '{}/2'),
	cosine_distance('{1:3e38}/1'::sparsevec, '{1:3e38}/1'), cosine_distance('{1:1e-30}/1'::sparsevec, '{1:1e-30}/1');

-- sums beyond float32 are infinite, on the right side
SELECT l2_distance('{1:3e38}/1'::sparsevec, '{1:-3e38}/1'), l1_distance('{1:3e38}/1'::sparsevec, '{1:-3e38}/1'),
	inner_product('{1:3e38}/1'::sparsevec, '{1:3e38}/1'), inner_product('{1:3e38}/1'::sparsevec, '{1:-3e38}/1'),
	inner_product('{1:3e38,2:3e38,3:1}/3'::sparsevec, '{1:3e38,2:-3e38,3:2}/3'), '{1:3e38}/1'::sparsevec <#> '{1:3e38}/1';

-- as the dense forms, at every count of elements
SELECT bool_and(abs((a::sparsevec <-> b::sparsevec) - (a <-> b)) < 1e-5 * (a <-> b)) AS l2,
	bool_and(inner_product(a::sparsevec, b::sparsevec) = inner_product(a, b)) AS ip,
	bool_and((a::sparsevec <+> b::sparsevec) = (a <+> b)) AS l1,
	bool_and(abs((a::sparsevec <=> b::sparsevec) - (a <=> b)) < 1e-6) AS cosine,
	bool_and(l2_norm(a::sparsevec) = vector_norm(a)) AS norm
FROM generate_series(1, 300) dim,
	LATERAL (SELECT array_agg(hashint4(i) % 3)::vector a, array_agg(CASE WHEN i % 2 = dim % 2 THEN hashint4(i + 1) % 5 ELSE 0 END + (i = 1)::int)::vector b
		FROM generate_series(1, dim) i) v WHERE vector_norm(a) > 0 AND vector_norm(b) > 0;

-- norm
SELECT l2_norm('{1:3,2:4}/2'::sparsevec), l2_norm('{}/2'::sparsevec), l2_norm('{9:-2}/9'::sparsevec),
	l2_norm('{1:3e37,2:4e37}/2'::sparsevec)::real, l2_norm('{1:3e-45}/2'::sparsevec)::real > 0 AS denormal;
SELECT l2_normalize('{1:3,5:4}/5'::sparsevec), l2_normalize('{}/2'::sparsevec), l2_normalize('{2:0.1}/2'::sparsevec),
	l2_normalize('{1:3e38,2:1e-30}/2'::sparsevec) AS too_small_beside, l2_normalize('{1:1e-45}/1'::sparsevec);

-- errors
SELECT expression, pg_temp.try(expression) FROM (VALUES
	('''{1:1}/2''::sparsevec <-> ''{1:1}/3'''), ('''{1:1}/2''::sparsevec <#> ''{1:1}/3'''), ('''{1:1}/2''::sparsevec <=> ''{1:1}/3'''),
	('''{1:1}/2''::sparsevec <+> ''{1:1}/3'''), ('sparsevec_l2_squared_distance(''{1:1}/2'', ''{1:1}/1000000000'')'),
	('''{1:1}/2''::sparsevec + ''{1:1}/2''')
) AS t(expression);

-- from arrays
SELECT ARRAY[1,0,3]::sparsevec, ARRAY[1.5,0,1e-3]::sparsevec, ARRAY[0,2,0]::float4[]::sparsevec, ARRAY[0,0,-3]::float8[]::sparsevec,
	ARRAY[0,0]::numeric[]::sparsevec, ARRAY[2147483647,-2147483648]::sparsevec;
SELECT expression, pg_temp.try(expression) FROM (VALUES
	('''{1,2,3}''::real[]::sparsevec(3)'), ('''{1,2,3}''::real[]::sparsevec(2)'), ('''{NULL}''::real[]::sparsevec'),
	('''{0,NULL}''::int[]::sparsevec'), ('''{0,NaN}''::real[]::sparsevec'), ('''{Infinity}''::real[]::sparsevec'),
	('''{-Infinity}''::float8[]::sparsevec'), ('''{NaN}''::numeric[]::sparsevec'), ('''{}''::real[]::sparsevec'),
	('''{{1}}''::real[]::sparsevec'), ('''{4e38}''::float8[]::sparsevec'), ('''{1e-46,1,-1e-46}''::float8[]::sparsevec'),
	('''{4e38}''::numeric[]::sparsevec'), ('''{1e-46}''::numeric[]::sparsevec'), ('''{1,2}''::bigint[]::sparsevec'),
	('array_fill(1, ARRAY[16001])::sparsevec'), ('sparsevec_cmp(array_fill(1, ARRAY[16000])::sparsevec, ''{}/16000'')'),
	('array_fill(0, ARRAY[1000000])::sparsevec'), ('array_to_sparsevec(ARRAY[1,2], 3, true)'),
	('array_to_sparsevec(ARRAY[1,2], -1, true)'), ('sparsevec(''{1:1}/2''::sparsevec, 3, true)')
) AS t(expression);

-- from dense vectors and back
SELECT '[1,0,-2.5]'::vector::sparsevec, '[0,0]'::vector::sparsevec, '[-0,1e-45]'::vector::sparsevec, '{1:1,3:-2.5}/3'::sparsevec::vector,
	'{}/2'::sparsevec::vector;
SELECT '[1,0,-2.5]'::halfvec::sparsevec, '[0,0]'::halfvec::sparsevec, '{1:1,3:-2.5}/3'::sparsevec::halfvec, '{}/2'::sparsevec::halfvec,
	'{1:65519,2:1e-30,3:-1e-30,4:0.1}/4'::sparsevec::halfvec;
SELECT expression, pg_temp.try(expression) FROM (VALUES
	('''[1,0]''::vector::sparsevec(2)'), ('''[1,0]''::vector::sparsevec(3)'), ('''[1,0]''::halfvec::sparsevec(3)'),
	('''{1:1}/2''::sparsevec::vector(2)'), ('''{1:1}/2''::sparsevec::vector(3)'), ('''{1:1}/2''::sparsevec::halfvec(3)'),
	('vector_dims(''{32767:1}/32767''::sparsevec::vector)'), ('''{1:1}/32768''::sparsevec::vector'),
	('''{1:1}/1000000000''::sparsevec::vector(5)'), ('''{1:1}/32768''::sparsevec::halfvec'), ('''{1:65520}/2''::sparsevec::halfvec'),
	('array_fill(1, ARRAY[16001])::vector::sparsevec'), ('array_fill(1, ARRAY[16001])::halfvec::sparsevec'),
	('sparsevec_to_vector(''{1:1}/2'', -1, true)'), ('vector_to_sparsevec(''[1,0]'', 3, true)')
) AS t(expression);

-- assignment and implicit contexts
CREATE TABLE cast_target (s sparsevec(2), v vector(2), h halfvec(2));
INSERT INTO cast_target VALUES (ARRAY[1,0], '{1:1}/2'::sparsevec, '{2:1}/2'::sparsevec), ('[1,2]'::vector, NULL, NULL), ('[0,2]'::halfvec, NULL, NULL);
SELECT * FROM cast_target;
SELECT s <-> v AS implicit FROM cast_target WHERE v IS NOT NULL;
DROP TABLE cast_target;
SELECT castsource::regtype, casttarget::regtype, castcontext FROM pg_cast
	WHERE castsource = 'sparsevec'::regtype OR casttarget = 'sparsevec'::regtype ORDER BY 1, 2;
