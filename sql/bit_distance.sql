-- Hamming and Jaccard distance of the server's bit strings.

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

SELECT a, b, hamming_distance(a, b) AS hamming, a <~> b AS "<~>", jaccard_distance(a, b) AS jaccard, a <%> b AS "<%>"
FROM (VALUES
	(B'1', B'1'), (B'1', B'0'), (B'0', B'0'), (B'', B''), (B'111', B'101'), (B'110', B'011'), (B'1100', B'0011'),
	(B'1111', B'1110'), (B'0000', B'1111'), (B'101010101', B'010101011'), (NULL, B'1'), (B'1', NULL)
) AS t(a, b);

-- unequal lengths
SELECT expression, pg_temp.try(expression) FROM (VALUES
	($$ B'111' <~> B'11' $$), ($$ B'111' <%> B'11' $$), ($$ hamming_distance('', '0') $$), ($$ jaccard_distance('0', '') $$),
	($$ B'00000000' <~> B'000000000' $$)
) AS t(expression);

-- unknown literals, bit varying, operands of one declared length
SELECT '101' <~> '110'::bit(3), '101' <%> B'110', B'101'::varbit <~> B'110'::varbit, B'101'::varbit <%> '011';
SELECT oprname, oprcom::regoperator, oprcode FROM pg_operator WHERE oprname IN ('<~>', '<%>') ORDER BY 1;

-- against the server's count of bits, at every length and however the value is stored: with a short header, with a long
-- one, compressed, out of line
CREATE TABLE pair (length int, a varbit, b varbit);
CREATE FUNCTION pg_temp.random_bits(length int, sparse boolean) RETURNS varbit LANGUAGE sql VOLATILE AS $$
	SELECT coalesce(string_agg(CASE WHEN random() < CASE WHEN sparse THEN 0.02 ELSE 0.5 END THEN '1' ELSE '0' END, ''), '')::varbit
	FROM generate_series(1, length)
$$;
SELECT setseed(0.5);
INSERT INTO pair SELECT length, pg_temp.random_bits(length, false), pg_temp.random_bits(length, length % 3 = 0)
	FROM (SELECT * FROM generate_series(0, 1100) UNION ALL VALUES (4096), (64000), (65535), (262147)) l(length);
CREATE TABLE outside (LIKE pair);
ALTER TABLE outside ALTER a SET STORAGE external, ALTER b SET STORAGE external;
INSERT INTO outside SELECT length, repeat(a::text, 30)::varbit, repeat(b::text, 30)::varbit FROM pair WHERE length > 700;
CREATE TABLE compressed AS SELECT length, repeat(a::text, 30)::varbit AS a, repeat(b::text, 30)::varbit AS b FROM pair WHERE length > 700;
CREATE FUNCTION pg_temp.wrong(a varbit, b varbit) RETURNS boolean LANGUAGE sql AS $$
	SELECT a <~> b <> bit_count(a # b) OR a <%> b <> 1 - coalesce(bit_count(a & b) / nullif(bit_count(a | b), 0)::float8, 0)
		OR b <~> a <> a <~> b OR b <%> a <> a <%> b
$$;
SELECT count(*), count(*) FILTER (WHERE pg_temp.wrong(a, b)) AS wrong FROM pair;
SELECT count(*), count(*) FILTER (WHERE pg_temp.wrong(a, b)) AS wrong, bool_and(pg_column_size(a) >= bit_length(a) / 8) AS plain FROM outside;
SELECT count(*), count(*) FILTER (WHERE pg_temp.wrong(a, b)) AS wrong, bool_or(pg_column_size(a) < bit_length(a) / 8) AS compressed FROM compressed;

-- one value against many: kept from call to call where it is out of line
CREATE TABLE many (id int, a varbit);
ALTER TABLE many ALTER a SET STORAGE external;
INSERT INTO many SELECT i, repeat(a::text, 60)::varbit FROM generate_series(1, 20) i, pair WHERE length = 1000 + i;
UPDATE many SET a = substring(a FROM id FOR 60000);
SELECT q.id, count(*), count(*) FILTER (WHERE q.a <~> m.a <> bit_count(q.a # m.a) OR m.a <~> q.a <> bit_count(q.a # m.a)) AS wrong
	FROM many q, many m WHERE q.id IN (3, 8) GROUP BY q.id;

-- bits that a client sets behind the last one do not count: 9 bits in two bytes, the other 7 all ones
CREATE TABLE received (a bit(9), v varbit(9));
\copy received from program 'printf "PGCOPY\\012\\377\\015\\012\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\002\\000\\000\\000\\006\\000\\000\\000\\011\\200\\177\\000\\000\\000\\006\\000\\000\\000\\011\\200\\177\\377\\377"' with (format binary)
SELECT a, v, a <~> B'100000000' AS hamming, a <%> B'100000000' AS jaccard, v <~> B'100000000' AS varbit FROM received;

-- nearest first
CREATE TABLE code (id int, c bit(8));
INSERT INTO code SELECT i, i::bit(8) FROM generate_series(0, 255) i;
SELECT id, c <~> B'00001111' AS distance FROM code ORDER BY c <~> B'00001111', id LIMIT 5;
SELECT id, c <%> B'00001111' AS distance FROM code ORDER BY c <%> B'00001111', id LIMIT 5;

DROP TABLE pair, outside, compressed, many, received, code;
