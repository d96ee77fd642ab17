-- The type halfvec itself: text and binary form, type modifier, domains, arrays, generated columns, order and btree.

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
CREATE FUNCTION pg_temp.try_text(input text) RETURNS text LANGUAGE sql
	AS $$SELECT pg_temp.try(format('%L::halfvec', input))$$;

-- accepted text: the nearest half, of two the even one, by way of float32
SELECT replace(input, E'\n', '\n') AS input, pg_temp.try_text(input) FROM (VALUES
	('[1,2,3]'), ('[1.,.5,+1,-0,0]'), (E'\t[\n1\r,\x0b2\f]\n'), ('[0.1,0.2,0.3,1e-3,12345.678]'),
	('[2047,2048,2049,2050,2051,2052,2053]'), ('[1.00048828125,1.000488281250001,1.0004883,1.0014648]'),
	('[65504,-65504,65519,65519.99,-65519.996]'), ('[5.9604645e-8,-5.9604645e-8,6.1e-5,6.0975552e-5]'),
	('[2.9802322e-8,-2.9802322e-8,2.9802326e-8,2.98e-8,8.940697e-8]'), ('[1e-10,-1e-10,1e-46,-1e-400]'),
	('[0x1p3,0x1.ffcp15,0x1p-24,0x1p-25]'), ('[0e99999999999999999999]')
) AS t(input);

-- refused text
SELECT left(input, 30) AS input, pg_temp.try_text(input) FROM (VALUES
	(''), ('['), ('[]'), ('[ ]'), ('[,]'), ('[1,]'), ('[1,,3]'), ('[1'), ('1,2,3'), ('{1,2,3}'), ('[1,2,3]9'), ('[[1]]'),
	('[1a]'), ('[hello,1]'), ('[1 2]'), ('[NaN,1]'), ('[-nan]'), ('[Infinity,1]'), ('[-Infinity]'),
	('[65520]'), ('[1,-65520]'), ('[65519.999]'), ('[1e5,NaN]'), ('[NaN,1e5]'), ('[4e38,1]'), ('[1e400]'), ('[0x1p16]'),
	('[1' || repeat('0', 500) || '.5]')
) AS t(input);

-- an error never quotes the vector
SELECT pg_temp.try_text('[0.123,0.456,0.789,secret');

-- type modifier
SELECT expression, pg_temp.try(expression) FROM (VALUES
	('''[1,2,3]''::halfvec(3)'), ('''[1,2,3]''::halfvec(2)'), ('''[1,2,3]''::halfvec(4)'), ('''[1,2,3]''::halfvec(3,2)'),
	('''[1]''::halfvec(''a'')'), ('''[1]''::halfvec(0)'), ('''[1]''::halfvec(-1)'), ('''[1]''::halfvec(32768)'),
	('''[1]''::halfvec(32767)'), ('''[1]''::halfvec(NULL)'), ('''[1,2,3]''::halfvec::halfvec(3)'),
	('''[1,2,3]''::halfvec::halfvec(2)')
) AS t(expression);

-- the limit
SELECT vector_dims(text::halfvec) FROM (SELECT '[0' || repeat(',1', 32766) || ']') t(text);
SELECT pg_temp.try_text('[0' || repeat(',1', 32767) || ']');
SELECT md5(text) = md5(text::halfvec::text) AS same FROM (SELECT '[0' || repeat(',1.5', 32766) || ']') t(text);

-- Feeds the bytes to halfvec_recv as one field of COPY BINARY.
CREATE TEMP TABLE received (v halfvec);
CREATE TEMP TABLE received3 (v halfvec(3));
CREATE FUNCTION pg_temp.receive(field text, target regclass DEFAULT 'received') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	stream bytea := decode('5047434f50590aff0d0a00' || '00000000' || '00000000' || '0001'
		|| lpad(to_hex(length(replace(field, ' ', '')) / 2), 8, '0') || field || 'ffff', 'hex');
	octal text;
	result text;
	detail text;
BEGIN
	SELECT string_agg('\' || lpad((b / 64)::text || (b / 8 % 8)::text || (b % 8)::text, 3, '0'), '' ORDER BY i) INTO octal
		FROM (SELECT i, get_byte(stream, i) b FROM generate_series(0, length(stream) - 1) i) t;
	EXECUTE format('COPY %s FROM PROGRAM %L WITH (FORMAT binary)', target, 'printf ''' || octal || '''');
	EXECUTE format('DELETE FROM %s RETURNING v', target) INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ': ' || SQLERRM || CASE WHEN detail <> '' THEN ' | ' || detail ELSE '' END;
END
$$;

SELECT halfvec_send('[1,-2,0.5]');
-- every finite half is read from its decimal, written in binary, and exact as float32
SELECT count(*), count(*) FILTER (WHERE halfvec_send(input::halfvec) = decode('00010000' || hex, 'hex')) AS same,
	count(*) FILTER (WHERE input::halfvec::vector = input::vector) AS exact,
	count(*) FILTER (WHERE input::halfvec::text::halfvec = input::halfvec) AS read_again
FROM (
	SELECT lpad(to_hex(bits), 4, '0') AS hex, '[' || CASE WHEN bits >= 32768 THEN '-' ELSE '' END ||
		CASE WHEN exponent = 0 THEN fraction * 2.0::float8 ^ -24 ELSE (1024 + fraction) * 2.0::float8 ^ (exponent - 25) END || ']' AS input
	FROM generate_series(0, 65535) bits, LATERAL (SELECT bits >> 10 & 31 AS exponent, bits & 1023 AS fraction) parts
	WHERE exponent < 31
) t;

-- malformed binary
SELECT title, pg_temp.receive(field) FROM (VALUES
	(1, 'good', '0003 0000 3c00 c000 3800'),
	(2, 'denormal, zeros, greatest', '0005 0000 0001 8000 0000 7bff fbff'),
	(3, 'empty', ''),
	(4, 'half a header', '0003'),
	(5, 'no elements', '0003 0000'),
	(6, 'one element short', '0003 0000 3c00 c000'),
	(7, 'one byte short', '0002 0000 3c00 c0'),
	(8, 'one byte over', '0001 0000 3c00 00'),
	(9, 'no dimensions', '0000 0000'),
	(10, 'negative dimensions', 'ffff 0000 3c00'),
	(11, '32768 dimensions', '8000 0000 3c00'),
	(12, 'unused not zero', '0001 0001 3c00'),
	(13, 'NaN', '0002 0000 3c00 7e00'),
	(14, 'negative NaN', '0001 0000 ffff'),
	(15, 'signalling NaN', '0001 0000 7c01'),
	(16, 'infinity', '0002 0000 3c00 7c00'),
	(17, 'negative infinity', '0001 0000 fc00')
) AS t(number, title, field) ORDER BY number;
SELECT pg_temp.receive('0003 0000 3c00 c000 3800', 'received3');
SELECT pg_temp.receive('0002 0000 3c00 c000', 'received3');

-- columns
CREATE TABLE embeddings (id int PRIMARY KEY, v halfvec(3), norm float8 GENERATED ALWAYS AS (l2_norm(v)) STORED);
INSERT INTO embeddings VALUES (1, '[1,2,2]'), (2, NULL), (3, '[0,3,4]'), (4, ARRAY[1,2,2]), (5, '[2,3,6]'::vector);
SELECT * FROM embeddings ORDER BY id;
INSERT INTO embeddings VALUES (6, '[1,2]');
INSERT INTO embeddings SELECT 6, '[1,2]'::halfvec;
INSERT INTO embeddings SELECT 6, '[1,2]'::vector;
ALTER TABLE embeddings DROP COLUMN norm;
ALTER TABLE embeddings ALTER COLUMN v TYPE vector(3);
ALTER TABLE embeddings ALTER COLUMN v TYPE halfvec(3);
ALTER TABLE embeddings ALTER COLUMN v TYPE halfvec;
INSERT INTO embeddings VALUES (7, '[6]');
SELECT * FROM embeddings ORDER BY v NULLS FIRST, id;
DROP TABLE embeddings;

SELECT format_type('halfvec'::regtype, 3), format_type('halfvec'::regtype, NULL);

-- arrays, domains, records
SELECT unnest('{"[1,2,3]","[4,5,6]"}'::halfvec[]);
SELECT pg_temp.try('''{"[1,2,3]"}''::halfvec(2)[]');
SELECT ARRAY['[1,2]'::halfvec, NULL, '[3]'], (ARRAY['[1,2]'::halfvec, '[3]'])[2];
CREATE DOMAIN unit_halfvec AS halfvec(2) CHECK (abs(l2_norm(VALUE) - 1) < 1e-3);
SELECT '[0.6,0.8]'::unit_halfvec;
SELECT pg_temp.try('''[1,1]''::unit_halfvec'), pg_temp.try('''[1]''::unit_halfvec');
DROP DOMAIN unit_halfvec;
SELECT row_to_json(t) FROM (SELECT '[1,2]'::halfvec AS v) t;

-- order: by the common elements, then by dimensions
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt, halfvec_cmp(a, b)
FROM (VALUES
	('[1,2,3]'::halfvec, '[1,2,3]'::halfvec), ('[1,2,3]', '[1,2]'), ('[1,2]', '[1,2,3]'), ('[1,2]', '[2,3,4]'),
	('[2,3]', '[1,2,3]'), ('[1,2,3]', '[1,2,4]'), ('[-1]', '[1]'), ('[0]', '[-0]'), ('[6e-8]', '[0]'), ('[-6e-8]', '[0]'),
	('[-2]', '[-3]'), (NULL, '[1]')
) AS t(a, b);

CREATE TABLE ordered (v halfvec);
INSERT INTO ordered SELECT ARRAY[i % 7, i % 3]::int[] FROM generate_series(1, 1000) i;
INSERT INTO ordered VALUES ('[3]'), ('[3,1,0]'), (NULL), ('[3]'), ('[0]');
SELECT v, count(*) FROM ordered GROUP BY v ORDER BY v;
CREATE INDEX ON ordered (v);
ANALYZE ordered;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM ordered WHERE v = '[3,1]';
SELECT count(*) FROM ordered WHERE v = '[3,1]';
SELECT count(*) FROM ordered WHERE v > '[5]' AND v <= '[6,1]';
SELECT v FROM ordered WHERE v IS NOT NULL ORDER BY v DESC LIMIT 1;
RESET enable_seqscan;
RESET enable_bitmapscan;
DROP TABLE ordered;
CREATE TEMP TABLE keys (v halfvec UNIQUE);
INSERT INTO keys VALUES ('[1,2]'), ('[1]');
INSERT INTO keys VALUES ('[1.0,2.0]');

-- values out of line: 2 bytes an element, fetched whole and in part, in a scan and as its repeated argument
CREATE TABLE wide (id int, v halfvec);
INSERT INTO wide SELECT i, array_fill(i, ARRAY[4096]) FROM generate_series(1, 50) i;
INSERT INTO wide SELECT 51, array_fill(51, ARRAY[32767]);
SELECT count(*) FROM wide WHERE v = array_fill(id, ARRAY[CASE id WHEN 51 THEN 32767 ELSE 4096 END])::halfvec
	AND pg_column_size(v) = 4 + 2 * vector_dims(v);
SELECT id, v <-> (SELECT v FROM wide WHERE id = 7) AS distance FROM wide WHERE id < 51 ORDER BY distance, id LIMIT 5;
SELECT count(*) FROM wide a JOIN wide b ON b.id = a.id % 50 + 1 WHERE a.id < 51 AND a.v <+> b.v = 4096 * abs(a.id - b.id);
SELECT vector_dims(v) FROM wide WHERE id = 51;
SELECT pg_temp.try('(SELECT v || ''[1]'' FROM wide WHERE id = 51)');
DROP TABLE wide;

-- catalogue: everything is safe to run in parallel workers and in index expressions
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.prosrc LIKE 'medvec\_%halfvec%' AND p.prokind = 'f'
	AND NOT (p.provolatile = 'i' AND p.proisstrict AND p.proparallel = 's') ORDER BY 1;
SELECT typlen, typalign, typstorage, typcategory, typarray <> 0 AS has_array FROM pg_type WHERE oid = 'halfvec'::regtype;
SELECT oprname, oprcom::regoperator, oprnegate::regoperator, oprrest, oprjoin FROM pg_operator
	WHERE oprleft = 'halfvec'::regtype AND oprright = 'halfvec'::regtype ORDER BY oprname;
