-- Casts between vectors and arrays.

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

SELECT ARRAY[1,2,3]::vector, ARRAY[1.5,-2.25,1e-3]::vector, ARRAY[1,2,3]::float4[]::vector, ARRAY[1,2,3]::float8[]::vector,
	ARRAY[1,2,3]::numeric[]::vector, ARRAY[2147483647,-2147483648]::vector;
SELECT '[1,2.5,-3]'::vector::real[], pg_typeof('[1]'::vector::real[]), ('[1,2.5,-3]'::vector::real[])[2],
	array_dims('[1,2,3]'::vector::real[]), '[1,2]'::vector::real[] = ARRAY[1,2]::real[] AS equal;
SELECT '[2:4]={1,2,3}'::int[]::vector AS lower_bound, array_remove(ARRAY[1,NULL,2], NULL)::vector AS null_removed,
	(ARRAY[1,2,3,NULL])[1:3]::vector AS slice;

SELECT expression, pg_temp.try(expression) FROM (VALUES
	('''{1,2,3}''::real[]::vector(3)'), ('''{1,2,3}''::real[]::vector(2)'), ('''{1,2,3}''::int[]::vector(2)'),
	('''{NULL}''::real[]::vector'), ('''{1,NULL}''::int[]::vector'), ('''{1,NULL}''::numeric[]::vector'),
	('''{NaN}''::real[]::vector'), ('''{Infinity}''::real[]::vector'), ('''{-Infinity}''::real[]::vector'),
	('''{NaN}''::float8[]::vector'), ('''{1,-Infinity}''::float8[]::vector'), ('''{NaN}''::numeric[]::vector'),
	('''{Infinity}''::numeric[]::vector'),
	('''{}''::real[]::vector'), ('''{}''::int[]::vector'), ('''{{1}}''::real[]::vector'), ('''{{1,2},{3,4}}''::int[]::vector'),
	('''{4e38,-4e38}''::float8[]::vector'), ('''{1e-46,-1e-46}''::float8[]::vector'), ('''{3.4028235e38}''::float8[]::vector'),
	('''{4e38}''::numeric[]::vector'), ('''{1e-50}''::numeric[]::vector'), ('''{1e-40}''::numeric[]::vector'),
	('''{0.1,0.2}''::numeric[]::vector'), ('''{1,2}''::bigint[]::vector'), ('''{1,2}''::smallint[]::vector'),
	('''{a}''::text[]::vector'), ('''[1]''::vector::float8[]'), ('''[1]''::vector::int[]'),
	('array_fill(1, ARRAY[32768])::vector'), ('vector_dims(array_fill(1, ARRAY[32767])::vector)'),
	('array_to_vector(array_fill(1, ARRAY[32768]), 32768, false)'),
	('array_to_vector(ARRAY[1,2], 3, true)'), ('array_to_vector(ARRAY[1,2], -1, true)'),
	('vector(''[1,2]''::vector, 3, true)'), ('vector_to_float4(''[1,2]'', -1, true)')
) AS t(expression);

-- assignment and implicit contexts
CREATE TABLE cast_target (v vector(2), a real[]);
INSERT INTO cast_target VALUES (ARRAY[1,2], '[3,4]'::vector), (ARRAY[1.5,2.5], NULL), (ARRAY[1,2]::float8[], NULL);
SELECT * FROM cast_target;
SELECT array_to_json('[1,2,3]'::vector::real[]), pg_temp.try('array_length(''[1,2,3]''::vector, 1)');
SELECT pg_temp.try('''[1,2]''::vector <-> ARRAY[1,2]');
DROP TABLE cast_target;

-- arrays keep their own operators
SELECT ARRAY[1,2,3] = ARRAY[1,2,3], ARRAY[1,2] || ARRAY[3], ARRAY[1.0] < ARRAY[2.0];

SELECT castsource::regtype, casttarget::regtype, castcontext FROM pg_cast
	WHERE castsource = 'vector'::regtype OR casttarget = 'vector'::regtype ORDER BY 1, 2;
