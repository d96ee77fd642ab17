-- bytea to bit.

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

-- the first byte's most significant bit is the leftmost
SELECT bytea_to_bit('\x80ff01'), bytea_to_bit('\x'), length(bytea_to_bit('\x')), bytea_to_bit(NULL), '\x0f'::bytea::bit(8), '\xa5c3'::bytea::bit(16);

-- the length is checked, never mended; bit alone is bit(1)
SELECT expression, pg_temp.try(expression) FROM (VALUES
	($$ '\x80ff'::bytea::bit(16) $$), ($$ '\x80ff'::bytea::bit(15) $$), ($$ '\x80ff'::bytea::bit(17) $$), ($$ '\x80ff'::bytea::bit(24) $$),
	($$ '\x80'::bytea::bit $$), ($$ ''::bytea::bit(8) $$), ($$ NULL::bytea::bit(8) $$), ($$ bytea_to_bit('\x80ff')::bit(9) $$),
	($$ bytea_to_bit('\x80', 7, false) $$), ($$ bytea_to_bit('\x80', -1, true) $$)
) AS t(expression);
SELECT castcontext, castfunc::regprocedure FROM pg_cast WHERE castsource = 'bytea'::regtype AND casttarget = 'bit'::regtype;

-- no implicit conversion
CREATE TABLE fingerprint (id int, raw bytea, fp bit(16));
INSERT INTO fingerprint VALUES (1, '\x0102', '\x0102'::bytea);
INSERT INTO fingerprint VALUES (1, '\x0102', '\x0102'::bytea::bit(16));

-- as a generated column and in an index on an expression
ALTER TABLE fingerprint ADD generated bit(16) GENERATED ALWAYS AS (raw::bit(16)) STORED;
CREATE INDEX ON fingerprint ((raw::bit(16)));
\d fingerprint
INSERT INTO fingerprint SELECT i, int2send(i::int2), i::bit(16) FROM generate_series(0, 999) i;
SELECT count(*), count(*) FILTER (WHERE fp = generated AND generated = raw::bit(16) AND bytea_to_bit(raw) = fp) FROM fingerprint;
INSERT INTO fingerprint VALUES (2, '\x010203', NULL);

-- values of every way of storing
CREATE TABLE stored (way text, raw bytea);
INSERT INTO stored VALUES ('short', '\x0f'), ('compressed', decode(repeat('0f', 100000), 'hex'));
ALTER TABLE stored ALTER raw SET STORAGE external;
INSERT INTO stored VALUES ('external', decode(repeat('0f', 100000), 'hex'));
SELECT way, length(b), bit_count(b), substring(b from 1 for 9), b <~> repeat('00001111', length(b) / 8)::varbit AS distance
	FROM stored, LATERAL (SELECT bytea_to_bit(raw) AS b OFFSET 0) s;

DROP TABLE fingerprint, stored;
