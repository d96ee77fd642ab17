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
	AS $$SELECT pg_temp.try(format('%L::sparsevec', input))$$;

-- accepted text
SELECT replace(input, E'\n', '\n') AS input, pg_temp.try_text(input) FROM (VALUES
	('{1:1.5,3:3.5}/5'), ('{1:-2,3:-4}/5'), ('{}/5'), ('{ }/5'), ('{5:1,3:2,4:3}/5'), ('{+1:+1}/+5'),
	(' { 1 : 1 , 3  : 2 } / 5 '), (E'\t{\n1\r:\x0b1,2\f:2}/\n5\t'), ('{1:0,2:1,3:-0,4:0e9}/5'), ('{0:0,9:0,2:0,2:1}/5'),
	('{99999999999:0}/5'), ('{1:1.,2:.5,3:0x1p3,4:1e5}/4'), ('{1:1e-45,2:-1e-40,3:3.4028235e38}/3'),
	('{1:0.1,2:16777217,3:1.23456}/3'), ('{1000000000:1}/1000000000'), ('{001:01}/001')
) AS t(input);

-- refused text
SELECT left(input, 40) AS input, pg_temp.try_text(input) FROM (VALUES
	(''), (' '), ('['), ('[1,2]'), ('1:1}/5'), ('x{1:1}/5'), ('{'), ('{ '), ('{1'), ('{1:'), ('{1:1'), ('{1:1,'), ('{1:1}'),
	('{}'), ('{} '), ('{}x'), ('{}/'), ('{1:1}/'), ('{1:1}//5'), ('{1:1}x/5'), ('{1:1}/x'), ('{,}/5'), ('{1:1,}/5'), ('{,1:1}/5'),
	('{1}/5'), ('{1:}/5'), ('{:1}/5'), ('{1:a}/5'), ('{a:1}/5'), ('{1.5:1}/5'), ('{0x1:1}/5'), ('{1 1:1}/5'), ('{1:1 1}/5'),
	('{1:1;2:1}/5'), ('{--1:1}/5'), ('{- 1:1}/5'), ('{1:1}/5x'), ('{1:1}/5 5'), ('{1:1}/5.5'), ('{1:1}/0x5'), ('{1:1}/5,'),
	('{1:nan}/5'), ('{1:-NaN,x'), ('{1:inf}/5'), ('{1:1,2:-Infinity}/5'),
	('{1:4e38}/5'), ('{1:-4e38}/5'), ('{1:1e-46}/5'), ('{1:-1e-46}/5'), ('{1:1,2:1e400}/0'), ('{1:1' || repeat('0', 500) || '}/5'),
	('{0:1}/5'), ('{6:1}/5'), ('{-1:1}/5'), ('{1:1,2:1,3:1}/2'), ('{2147483648:1}/5'), ('{4294967297:1}/5'),
	('{-18446744073709551615:1}/5'), ('{1:1,1:1}/5'), ('{1:1,2:1,1:3}/5'), ('{1:1,1:1,9:1}/5'), ('{0:1,1:1,1:1}/5'),
	('{}/0'), ('{}/-1'), ('{}/-99999999999999999999'), ('{1:1}/0'), ('{}/1000000001'), ('{}/2147483648'),
	('{1:1}/18446744073709551617')
) AS t(input);

-- an error never quotes the vector
SELECT pg_temp.try_text('{1:0.123,2:0.456,3:0.789,secret');

-- the limit of elements, zeros included
CREATE FUNCTION pg_temp.text(count int, value text, dim int) RETURNS text LANGUAGE sql
	AS $$SELECT '{' || string_agg(i || ':' || value, ',' ORDER BY hashint4(i)) || '}/' || dim FROM generate_series(1, count) i$$;
SELECT value, count, length(result), left(result, 70) AS result FROM
	(VALUES ('1', 16000), ('1', 16001), ('0', 16000), ('0', 16001)) AS t(value, count),
	LATERAL pg_temp.try_text(pg_temp.text(count, value, 20000)) result;
SELECT text::sparsevec::text = text::sparsevec::text::sparsevec::text AS same FROM pg_temp.text(16000, '1.5', 16000) text;

-- type modifier
SELECT expression, pg_temp.try(expression) FROM (VALUES
	('''{1:1}/3''::sparsevec(3)'), ('''{1:1}/3''::sparsevec(2)'), ('''{1:1}/3''::sparsevec(3,2)'), ('''{1:1}/3''::sparsevec(''a'')'),
	('''{1:1}/3''::sparsevec(0)'), ('''{1:1}/3''::sparsevec(-1)'), ('''{1:1}/3''::sparsevec(1000000001)'),
	('''{1:1}/3''::sparsevec(1000000000)'), ('''{1:1}/3''::sparsevec(99999999999)'), ('''{1:1}/3''::sparsevec::sparsevec(3)'),
	('''{1:1}/3''::sparsevec::sparsevec(2)')
) AS t(expression);

-- Feeds the bytes to sparsevec_recv as one field of COPY BINARY.
CREATE TEMP TABLE received (v sparsevec);
CREATE TEMP TABLE received3 (v sparsevec(3));
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

SELECT sparsevec_send('{1:1,3:-2}/5'), sparsevec_send('{}/1000000000');
SELECT pg_temp.receive(encode(sparsevec_send(text::sparsevec), 'hex')) = text AS same
	FROM (SELECT '{' || string_agg(i * 7 || ':' || sqrt(i)::real, ',' ORDER BY i) || '}/1000000000' FROM generate_series(1, 1000) i) t(text);

-- malformed binary
SELECT title, pg_temp.receive(field) FROM (VALUES
	(1, 'good', '00000005 00000002 00000000 00000000 00000002 3f800000 c0000000'),
	(2, 'no elements', '3b9aca00 00000000 00000000'),
	(3, 'denormal, last index', '00000005 00000001 00000000 00000004 00000001'),
	(4, 'empty', ''),
	(5, 'half a header', '00000005 00000002'),
	(6, 'elements missing', '00000005 00000002 00000000'),
	(7, 'one byte short', '00000005 00000001 00000000 00000000 3f8000'),
	(8, 'one byte over', '00000005 00000001 00000000 00000000 3f800000 00'),
	(9, 'no dimensions', '00000000 00000000 00000000'),
	(10, 'negative dimensions', 'ffffffff 00000000 00000000'),
	(11, 'too many dimensions', '3b9aca01 00000000 00000000'),
	(12, 'negative count', '00000005 ffffffff 00000000'),
	(13, 'more than 16000', '3b9aca00 00003e81 00000000'),
	(14, 'huge count', '3b9aca00 7fffffff 00000000'),
	(15, 'more than dimensions', '00000001 00000002 00000000 00000000 00000001 3f800000 3f800000'),
	(16, 'unused not zero', '00000005 00000000 00000001'),
	(17, 'index beyond the end', '00000005 00000001 00000000 00000005 3f800000'),
	(18, 'index negative', '00000005 00000001 00000000 ffffffff 3f800000'),
	(19, 'duplicate', '00000005 00000002 00000000 00000001 00000001 3f800000 3f800000'),
	(20, 'descending', '00000005 00000002 00000000 00000002 00000001 3f800000 3f800000'),
	(21, 'zero', '00000005 00000002 00000000 00000001 00000002 3f800000 00000000'),
	(22, 'negative zero', '00000005 00000001 00000000 00000001 80000000'),
	(23, 'NaN', '00000005 00000001 00000000 00000001 7fc00000'),
	(24, 'signalling NaN', '00000005 00000001 00000000 00000001 ff800001'),
	(25, 'infinity', '00000005 00000002 00000000 00000001 00000002 3f800000 7f800000'),
	(26, 'negative infinity', '00000005 00000001 00000000 00000001 ff800000')
) AS t(number, title, field) ORDER BY number;
SELECT pg_temp.receive('00000003 00000001 00000000 00000002 3f800000', 'received3');
SELECT pg_temp.receive('00000002 00000001 00000000 00000001 3f800000', 'received3');

-- columns
CREATE TABLE documents (id int PRIMARY KEY, v sparsevec(5), norm float8 GENERATED ALWAYS AS (l2_norm(v)) STORED);
INSERT INTO documents VALUES (1, '{2:3,5:4}/5'), (2, NULL), (3, '{}/5'), (4, ARRAY[0,0,1,0,0]);
SELECT * FROM documents ORDER BY id;
INSERT INTO documents VALUES (5, '{1:1}/4');
INSERT INTO documents SELECT 6, '{1:1}/4'::sparsevec;
ALTER TABLE documents DROP COLUMN norm;
ALTER TABLE documents ALTER COLUMN v TYPE sparsevec(4);
ALTER TABLE documents ALTER COLUMN v TYPE sparsevec;
INSERT INTO documents VALUES (7, '{1:6}/1');
SELECT * FROM documents ORDER BY v NULLS FIRST, id;
DROP TABLE documents;

SELECT format_type('sparsevec'::regtype, 3), format_type('sparsevec'::regtype, NULL);

-- arrays, domains, records
SELECT unnest('{"{1:1}/2","{}/3"}'::sparsevec[]);
SELECT pg_temp.try('''{"{1:1}/3"}''::sparsevec(2)[]');
SELECT ARRAY['{1:1}/2'::sparsevec, NULL, '{}/1'], (ARRAY['{1:1}/2'::sparsevec, '{2:3}/3'])[2];
CREATE DOMAIN unit_sparsevec AS sparsevec(2) CHECK (abs(l2_norm(VALUE) - 1) < 1e-6);
SELECT '{1:0.6,2:0.8}/2'::unit_sparsevec;
SELECT pg_temp.try('''{1:1,2:1}/2''::unit_sparsevec'), pg_temp.try('''{1:1}/1''::unit_sparsevec');
DROP DOMAIN unit_sparsevec;
SELECT row_to_json(t) FROM (SELECT '{1:1}/2'::sparsevec AS v) t;

-- order: by the elements of the dimensions both have, zeros among them, then by dimensions
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt, sparsevec_cmp(a, b)
FROM (VALUES
	('{1:1,3:2}/3'::sparsevec, '{1:1,3:2}/3'::sparsevec), ('{1:1}/3', '{1:1}/2'), ('{1:1}/2', '{1:1}/3'), ('{1:1}/2', '{1:2}/3'),
	('{3:1}/3', '{2:1}/3'), ('{3:1}/3', '{2:-1}/3'), ('{3:-1}/3', '{2:-1}/3'), ('{3:-1}/3', '{}/3'), ('{3:-1}/3', '{}/2'),
	('{1:1,4:-1}/5', '{1:1,4:1}/4'), ('{}/1', '{}/1'), ('{1:1e-45}/1', '{}/1'), (NULL, '{}/1')
) AS t(a, b);
-- as the same vectors in dense form
SELECT count(*), count(*) FILTER (WHERE sparsevec_cmp(a::sparsevec, b::sparsevec) = vector_cmp(a, b)) AS same
FROM (SELECT array_agg(i % 3 - 1)::vector, array_agg(i / 3 % 3 - 1)::vector FROM generate_series(1, 900) i GROUP BY i / 3) v(a, c),
	(SELECT array_agg(hashint4(i) % 2)::vector FROM generate_series(1, 900) i GROUP BY i / 4) w(b);

CREATE TABLE ordered (v sparsevec);
INSERT INTO ordered SELECT ARRAY[i % 7 - 3, i % 3]::int[] FROM generate_series(1, 1000) i;
INSERT INTO ordered VALUES ('{1:3}/1'), ('{1:3,2:1}/3'), (NULL), ('{1:3}/1'), ('{}/1');
SELECT count(*), count(DISTINCT v) FROM ordered;
SELECT v, count(*) FROM ordered GROUP BY v ORDER BY v;
CREATE INDEX ON ordered (v);
ANALYZE ordered;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM ordered WHERE v = '{1:3,2:1}/2';
SELECT count(*) FROM ordered WHERE v = '{1:3,2:1}/2';
SELECT count(*) FROM ordered WHERE v > '{1:1}/1' AND v <= '{1:2,2:1}/2';
SELECT v FROM ordered WHERE v IS NOT NULL ORDER BY v DESC LIMIT 1;
RESET enable_seqscan;
RESET enable_bitmapscan;
CREATE UNIQUE INDEX ON ordered (v);
DROP TABLE ordered;
CREATE TEMP TABLE keys (v sparsevec UNIQUE);
INSERT INTO keys VALUES ('{1:1}/2'), ('{1:1}/1');
INSERT INTO keys VALUES ('{1:1,2:0}/2') ON CONFLICT DO NOTHING;
INSERT INTO keys VALUES ('{2:0,1:1}/2');

-- values out of line; a query repeated for each row
CREATE TABLE wide (id int, v sparsevec);
INSERT INTO wide SELECT i, pg_temp.text(16000 - i, (i + 1)::text, 20000)::sparsevec FROM generate_series(0, 2) i;
SELECT id, pg_column_size(v) > 100000 AS whole, v = v AS same, v <-> v AS zero, round(l2_norm(v)) AS norm,
	v <+> (SELECT v FROM wide WHERE id = 0) AS l1, v <-> (SELECT v FROM wide WHERE id = 1) > 0 AS other FROM wide ORDER BY id;
SELECT a.id, b.id, a.v < b.v AS less FROM wide a, wide b WHERE a.id < b.id ORDER BY 1, 2;
SELECT id FROM wide ORDER BY v DESC;
DROP TABLE wide;

-- catalogue: everything is safe to run in parallel workers and in index expressions
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass
	JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
	WHERE e.extname = 'medvec' AND p.prosrc LIKE 'medvec\_%sparsevec%' AND p.prokind = 'f'
	AND NOT (p.provolatile = 'i' AND p.proisstrict AND p.proparallel = 's') ORDER BY 1;
SELECT typlen, typalign, typstorage, typcategory, typarray <> 0 AS has_array FROM pg_type WHERE oid = 'sparsevec'::regtype;
SELECT oprname, oprcom::regoperator, oprnegate::regoperator, oprrest, oprjoin FROM pg_operator
	WHERE oprleft = 'sparsevec'::regtype AND oprright = 'sparsevec'::regtype ORDER BY oprname;
