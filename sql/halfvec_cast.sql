-- Casts of halfvec: to and from vector, to and from arrays.

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

SELECT ARRAY[1,2,3]::halfvec, ARRAY[1.5,-2.25,1e-3]::halfvec, ARRAY[1,2,3]::float4[]::halfvec, ARRAY[1,2,3]::float8[]::halfvec,
	ARRAY[1,2,3]::numeric[]::halfvec, ARRAY[2049,2051]::halfvec;
SELECT '[1,2.5,-3]'::halfvec::real[], pg_typeof('[1]'::halfvec::real[]), array_dims('[1,2,3]'::halfvec::real[]);
SELECT '[0.1,-2.5,65504,6e-8]'::halfvec::vector, '[0.1,-2.5,65519,2.98e-8,-1e-30]'::vector::halfvec,
	'[1,2,3]'::vector::halfvec(3), '[1,2,3]'::halfvec::vector(3);

SELECT expression, pg_temp.try(expression) FROM (VALUES
	('''{1,2,3}''::real[]::halfvec(3)'), ('''{1,2,3}''::real[]::halfvec(2)'), ('''[1,2,3]''::vector::halfvec(2)'),
	('''[1,2,3]''::halfvec::vector(2)'),
	('''{NULL}''::real[]::halfvec'), ('''{1,NULL}''::numeric[]::halfvec'), ('''{NaN}''::real[]::halfvec'),
	('''{Infinity}''::real[]::halfvec'), ('''{-Infinity}''::float8[]::halfvec'), ('''{NaN}''::numeric[]::halfvec'),
	('''{}''::real[]::halfvec'), ('''{{1}}''::real[]::halfvec'),
	('''{4e38}''::float8[]::halfvec'), ('''{1e-46,-1e-46}''::float8[]::halfvec'), ('''{4e38}''::numeric[]::halfvec'),
	('''{65519,-65519}''::int[]::halfvec'), ('''{65520}''::int[]::halfvec'), ('''{-65520}''::real[]::halfvec'),
	('''{65519.99}''::float8[]::halfvec'), ('''{65519.999}''::float8[]::halfvec'), ('''{1,70000}''::numeric[]::halfvec'),
	('''{NaN,70000}''::real[]::halfvec'), ('''{70000,Infinity}''::real[]::halfvec'), ('''{Infinity,NaN}''::real[]::halfvec'),
	('''[1,65520]''::vector::halfvec'), ('''[-1e38]''::vector::halfvec'),
	('''{1,2}''::bigint[]::halfvec'), ('''{a}''::text[]::halfvec'), ('''[1]''::halfvec::float8[]'),
	('array_fill(1, ARRAY[32768])::halfvec'), ('vector_dims(array_fill(1, ARRAY[32767])::halfvec)'),
	('vector_dims(array_fill(1, ARRAY[32767])::vector::halfvec)'), ('vector_dims(array_fill(1, ARRAY[32767])::halfvec::vector)'),
	('array_to_halfvec(ARRAY[1,2], 3, true)'), ('array_to_halfvec(ARRAY[1,2], -1, true)'),
	('halfvec(''[1,2]''::halfvec, 3, true)'), ('halfvec_to_float4(''[1,2]'', -1, true)'),
	('vector_to_halfvec(''[1,2]'', 3, true)'), ('halfvec_to_vector(''[1,2]'', 3, true)')
) AS t(expression);

-- an out-of-range number is found at every place of every length
SELECT count(*), count(DISTINCT message), min(message) FROM generate_series(1, 40) dim, generate_series(1, dim) at,
	pg_temp.try(format('(array_fill(1, ARRAY[%s]) || 70000 || array_fill(2, ARRAY[%s]))::vector::halfvec', at - 1, dim - at)) message;

-- assignment and implicit contexts
CREATE TABLE cast_target (h halfvec(2), v vector(2), a real[]);
INSERT INTO cast_target VALUES (ARRAY[1,2], '[3,4]'::halfvec, '[5,6]'::halfvec), ('[1.5,2.5]'::vector, ARRAY[1,2], '[1]'::vector);
SELECT * FROM cast_target;
-- vector goes to halfvec by itself, halfvec to vector and to real[] does not
SELECT '[1,2]'::vector <-> '[3,4]'::halfvec AS distance, pg_typeof('[1,2]'::vector + '[3,4]'::halfvec),
	pg_temp.try('vector_norm(''[3,4]''::halfvec)'), pg_temp.try('array_length(''[3,4]''::halfvec, 1)');
DROP TABLE cast_target;

-- an index expression, as clients write it
CREATE TABLE items (v vector(3));
CREATE INDEX ON items ((v::halfvec(3)));
INSERT INTO items VALUES ('[1,2,3]'), ('[4,5,6]');
SELECT v FROM items ORDER BY v::halfvec(3) <-> '[4,5,7]' LIMIT 1;
INSERT INTO items VALUES ('[1,2,70000]');
DROP TABLE items;

SELECT castsource::regtype, casttarget::regtype, castcontext FROM pg_cast
	WHERE castsource = 'halfvec'::regtype OR casttarget = 'halfvec'::regtype ORDER BY 1, 2;
