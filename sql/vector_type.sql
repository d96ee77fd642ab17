-- The type itself: text and binary form, type modifier, domains, arrays, generated columns, order and btree.

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
	AS $$SELECT pg_temp.try(format('%L::vector', input))$$;

-- accepted text
SELECT replace(input, E'\n', '\n') AS input, pg_temp.try_text(input) FROM (VALUES
	('[1,2,3]'), ('[-1,-2,-3]'), ('[1.,2.,.5]'), ('[+1,-0,0]'), (' [ 1,  2 ,    3  ] '), (E'\t[\n1\r,\x0b2\f]\n'),
	('[1.23456]'), ('[0.1,0.2,0.3]'), ('[16777217,16777219]'), ('[1.5e38,-1.5e+38,1.5E-38]'),
	('[3.4028235e38]'), ('[3.40282356e38]'), ('[1e-45,-1e-45,7.1e-46]'), ('[1e-46,-1e-46,7e-46,1e-400]'),
	('[0x1p3,0X1.8P-3,0xA,0xa.8,0x.8]'), ('[1e5,100000,1000000,1e15,123456789012345678901234567890]'),
	('[0.000000000000000000000000000000000000000000001e45,10000000000000000000000000000000000000000e-40]'),
	('[0.1000000014901161193847656250000000000000000000000000000000000000000000001]'),
	('[0e99999999999999999999,1e-99999999999999999999]')
) AS t(input);

-- refused text
SELECT left(input, 30) AS input, pg_temp.try_text(input) FROM (VALUES
	(''), (' '), ('['), ('[ '), ('[,'), ('[]'), ('[ ]'), ('[,]'), ('[1,]'), ('[1,,3]'), ('[1, ,3]'), ('[1'), ('[1,'),
	('[1,2,3'), ('1,2,3'), ('{1,2,3}'), ('(1)'), ('[1,2,3]9'), ('[1] ]'), ('[1][2]'), ('[[1]]'), ('[1a]'), ('[a]'),
	('[hello,1]'), ('[1 2]'), ('[1;2]'), ('[--1]'), ('[+-1]'), ('[.]'), ('[-]'), ('[e5]'), ('[1e]'), ('[1e+]'), ('[0x]'),
	('[0xg]'), ('[1_000]'), ('[1,2,"3"]'), ('[null]'), ('[in]'), ('[infin]'), ('[na]'),
	('[NaN,1]'), ('[nan]'), ('[-nan]'), ('[nan(123)]'), ('[nan(]'), ('[Infinity,1]'), ('[-Infinity]'), ('[inf]'), ('[INF]'),
	('[4e38,1]'), ('[-4e38,1]'), ('[1,3.4028236e38]'), ('[1e400]'), ('[1e99999999999999999999]'), ('[0x1p128]'),
	('[1' || repeat('0', 50) || ']'), ('[1' || repeat('0', 500) || '.5]')
) AS t(input);

-- an error never quotes the vector
SELECT pg_temp.try_text('[0.123,0.456,0.789,secret');

-- type modifier
SELECT expression, pg_temp.try(expression) FROM (VALUES
	('''[1,2,3]''::vector(3)'), ('''[1,2,3]''::vector(2)'), ('''[1,2,3]''::vector(4)'), ('''[1,2,3]''::vector(3,2)'),
	('''[1]''::vector(''a'')'), ('''[1]''::vector(0)'), ('''[1]''::vector(-1)'), ('''[1]''::vector(32768)'),
	('''[1]''::vector(32767)'), ('''[1]''::vector(99999999999)'), ('''[1]''::vector(NULL)'),
	('''[1,2,3]''::vector::vector(3)'), ('''[1,2,3]''::vector::vector(2)')
) AS t(expression);

-- the limit
SELECT vector_dims(text::vector) FROM (SELECT '[0' || repeat(',1', 32766) || ']') t(text);
SELECT pg_temp.try_text('[0' || repeat(',1', 32767) || ']');
SELECT pg_temp.try_text('[0' || repeat(',1', 32767));
SELECT md5(text) = md5(text::vector::text) AS same FROM (SELECT '[0' || repeat(',1.5', 32766) || ']') t(text);

-- Finite float32 bit patterns at random, as vector_send writes them.
CREATE FUNCTION pg_temp.wire(dim int, seed int) RETURNS text LANGUAGE sql AS $$
	SELECT lpad(to_hex(dim), 4, '0') || '0000' || string_agg(lpad(to_hex(
		(hashint4extended(i, seed) & x'7fffffff'::bigint) % x'7f800000'::bigint
		+ CASE WHEN hashint4(i) % 2 = 0 THEN x'80000000'::bigint ELSE 0 END), 8, '0'), '' ORDER BY i)
	FROM generate_series(1, dim) i
$$;

-- Feeds the bytes to vector_recv as one field of COPY BINARY.
CREATE TEMP TABLE received (v vector);
CREATE TEMP TABLE received3 (v vector(3));
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

SELECT vector_send('[1,-2,0.5]');
SELECT vector_send(text::vector) = decode(wire, 'hex') AS same
	FROM (SELECT wire, pg_temp.receive(wire) FROM pg_temp.wire(1000, 1) wire) t(wire, text);

-- malformed binary
SELECT title, pg_temp.receive(field) FROM (VALUES
	(1, 'good', '0003 0000 3f800000 c0000000 3f000000'),
	(2, 'denormal and zeros', '0003 0000 00000001 80000000 00000000'),
	(3, 'empty', ''),
	(4, 'half a header', '0003'),
	(5, 'no elements', '0003 0000'),
	(6, 'one element short', '0003 0000 3f800000 c0000000'),
	(7, 'one byte short', '0002 0000 3f800000 c00000'),
	(8, 'one byte over', '0001 0000 3f800000 00'),
	(9, 'no dimensions', '0000 0000'),
	(10, 'negative dimensions', 'ffff 0000 3f800000'),
	(11, '32768 dimensions', '8000 0000 3f800000'),
	(12, 'unused not zero', '0001 0001 3f800000'),
	(13, 'unused negative', '0001 ffff 3f800000'),
	(14, 'NaN', '0002 0000 3f800000 7fc00000'),
	(15, 'negative NaN', '0001 0000 ffffffff'),
	(16, 'signalling NaN', '0001 0000 7f800001'),
	(17, 'infinity', '0002 0000 3f800000 7f800000'),
	(18, 'negative infinity', '0001 0000 ff800000')
) AS t(number, title, field) ORDER BY number;
SELECT pg_temp.receive('0003 0000 3f800000 c0000000 3f000000', 'received3');
SELECT pg_temp.receive('0002 0000 3f800000 c0000000', 'received3');

-- columns
CREATE TABLE embeddings (id int PRIMARY KEY, v vector(3), norm float8 GENERATED ALWAYS AS (vector_norm(v)) STORED);
INSERT INTO embeddings VALUES (1, '[1,2,2]'), (2, NULL), (3, '[0,3,4]'), (4, ARRAY[1,2,2]);
SELECT * FROM embeddings ORDER BY id;
INSERT INTO embeddings VALUES (5, '[1,2]');
INSERT INTO embeddings SELECT 6, '[1,2]'::vector;
UPDATE embeddings SET v = '[1,2,3,4]' WHERE id = 1;
ALTER TABLE embeddings DROP COLUMN norm;
ALTER TABLE embeddings ALTER COLUMN v TYPE vector(2);
ALTER TABLE embeddings ALTER COLUMN v TYPE vector;
INSERT INTO embeddings VALUES (7, '[6]');
SELECT * FROM embeddings ORDER BY v NULLS FIRST, id;
DROP TABLE embeddings;

SELECT format_type('vector'::regtype, 3), format_type('vector'::regtype, NULL);

-- arrays, domains, records
SELECT unnest('{"[1,2,3]","[4,5,6]"}'::vector[]);
SELECT pg_temp.try('''{"[1,2,3]"}''::vector(2)[]');
SELECT ARRAY['[1,2]'::vector, NULL, '[3]'], (ARRAY['[1,2]'::vector, '[3]'])[2];
CREATE DOMAIN unit_vector AS vector(2) CHECK (abs(vector_norm(VALUE) - 1) < 1e-6);
SELECT '[0.6,0.8]'::unit_vector;
SELECT pg_temp.try('''[1,1]''::unit_vector'), pg_temp.try('''[1]''::unit_vector');
SELECT '[0.6,0.8]'::unit_vector <-> '[0,0]'::vector AS distance;
DROP DOMAIN unit_vector;
SELECT row_to_json(t) FROM (SELECT '[1,2]'::vector AS v) t;

-- order: by the common elements, then by dimensions
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt, vector_cmp(a, b)
FROM (VALUES
	('[1,2,3]'::vector, '[1,2,3]'::vector), ('[1,2,3]', '[1,2]'), ('[1,2]', '[1,2,3]'), ('[1,2]', '[2,3,4]'),
	('[2,3]', '[1,2,3]'), ('[1,2,3]', '[1,2,4]'), ('[-1]', '[1]'), ('[0]', '[-0]'), ('[1e-45]', '[0]'),
	(NULL, '[1]')
) AS t(a, b);

CREATE TABLE ordered (v vector);
INSERT INTO ordered SELECT ARRAY[i % 7, i % 3]::int[] FROM generate_series(1, 1000) i;
INSERT INTO ordered VALUES ('[3]'), ('[3,1,0]'), (NULL), ('[3]'), ('[0]');
SELECT count(*), count(DISTINCT v) FROM ordered;
SELECT v, count(*) FROM ordered GROUP BY v ORDER BY v;
CREATE INDEX ON ordered (v);
ANALYZE ordered;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM ordered WHERE v = '[3,1]';
SELECT count(*) FROM ordered WHERE v = '[3,1]';
SELECT count(*) FROM ordered WHERE v > '[5]' AND v <= '[6,1]';
EXPLAIN (COSTS OFF) SELECT v FROM ordered ORDER BY v DESC LIMIT 1;
SELECT v FROM ordered WHERE v IS NOT NULL ORDER BY v DESC LIMIT 1;
RESET enable_seqscan;
RESET enable_bitmapscan;
SELECT count(*) FROM ordered a JOIN ordered b ON a.v = b.v WHERE a.v < '[1]';
CREATE UNIQUE INDEX ON ordered (v);
DROP TABLE ordered;
CREATE TEMP TABLE keys (v vector UNIQUE);
INSERT INTO keys VALUES ('[1,2]'), ('[1]');
INSERT INTO keys VALUES ('[1,2]') ON CONFLICT DO NOTHING;
INSERT INTO keys VALUES ('[1.0,2.0]');

-- values out of line: fetched whole and in part
CREATE TABLE wide (id int, v vector);
INSERT INTO wide SELECT i, (SELECT array_agg(i + 1.0 / j) FROM generate_series(1, 32767 - i) j) FROM generate_series(0, 2) i;
SELECT id, vector_dims(v), pg_column_size(v) > 100000 AS whole, v = v AS same, round(v <-> v) AS zero,
	vector_dims(v || '[1]') AS longer FROM wide WHERE id > 0 ORDER BY id;
SELECT pg_temp.try('(SELECT v || ''[1]'' FROM wide WHERE id = 0)');
SELECT a.id, b.id, a.v < b.v AS less FROM wide a, wide b WHERE a.id < b.id ORDER BY 1, 2;
SELECT id FROM wide ORDER BY v DESC;
DROP TABLE wide;

-- catalogue: everything is safe to run in parallel workers and in index expressions
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass
	JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
	WHERE e.extname = 'medvec' AND p.prosrc LIKE 'medvec\_%vector%' AND p.prokind = 'f'
	AND NOT (p.provolatile = 'i' AND p.proisstrict AND p.proparallel = 's') ORDER BY 1;
SELECT typlen, typalign, typstorage, typcategory, typarray <> 0 AS has_array FROM pg_type WHERE oid = 'vector'::regtype;
SELECT oprname, oprcom::regoperator, oprnegate::regoperator, oprrest, oprjoin FROM pg_operator
	WHERE oprleft = 'vector'::regtype AND oprright = 'vector'::regtype ORDER BY oprname;
