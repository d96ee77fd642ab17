-- Rows with a filter column of each type, and generated conditions on them, for the hnsw_filter suites; after
-- against_exact.sql.

CREATE TYPE stage AS ENUM ('early', 'middle', 'late');
ALTER TYPE stage ADD VALUE 'between' BEFORE 'late';
CREATE TABLE scans (
	id int PRIMARY KEY, v vector(6), i2 smallint, i4 int, i8 bigint, f4 real, f8 float8, n numeric, t text, vc varchar(20),
	bp char(6), c "char", b boolean, d date, ti time, ts timestamp, tz timestamptz, u uuid, o oid, e stage, ia int[], ta text[]);

-- Values depend on `i` alone. One in eleven is NULL, in each column others.
CREATE FUNCTION pg_temp.scan(i int, OUT scan scans) LANGUAGE plpgsql AS $$
DECLARE
	h int := hashint4(i) & 1073741823;
BEGIN
	scan.id := i;
	scan.v := pg_temp.uniform(i / 10 * 10 + greatest(i % 10, 3), 6);  -- four rows in ten have the same
	scan.i2 := h % 7;
	scan.i4 := h % 100 - 50;
	scan.i8 := (h % 1000)::bigint * 10000000000;
	scan.f4 := (ARRAY['NaN', '-0', '0', '1.5', '-Infinity', '0.1', '1e30'])[h % 7 + 1]::real;
	scan.f8 := h % 50 / 10.0::float8;
	scan.n := (ARRAY['NaN', 'Infinity', '0.1', '12345678901234567890.1', '12345678901234567890.2', '-1e400', '1.50'])[h % 7 + 1]::numeric;
	scan.t := repeat('word', 1 + h % 3) || h % 20;
	scan.vc := 'name ' || h % 30;
	scan.bp := 'b' || h % 5;
	scan.c := chr(120 + h % 9);
	scan.b := h % 3 = 0;
	scan.d := date '2020-01-01' + h % 300;
	scan.ti := time '08:00' + h % 600 * interval '1 minute';
	scan.ts := timestamp '2020-01-01' + h % 2400 * interval '3 hours';
	scan.tz := timestamptz '2020-01-01 00:00+01' + h % 2400 * interval '3 hours';
	scan.u := md5((h % 200)::text)::uuid;
	scan.o := (4294967290::bigint + h % 6)::oid;
	scan.e := (enum_range(NULL::stage))[1 + h % 4];
	scan.ia := ARRAY(SELECT h / k % 12 FROM generate_series(1, h % 5) k);
	scan.ta := ARRAY(SELECT 'label ' || h / k % 9 FROM generate_series(1, h % 3) k) || CASE WHEN h % 4 = 0 THEN ARRAY[NULL] END;
	CASE h / 16 % 22 WHEN 1 THEN scan.i2 := NULL; WHEN 2 THEN scan.i4 := NULL; WHEN 3 THEN scan.i8 := NULL; WHEN 4 THEN scan.f4 := NULL;
		WHEN 5 THEN scan.f8 := NULL; WHEN 6 THEN scan.n := NULL; WHEN 7 THEN scan.t := NULL; WHEN 8 THEN scan.vc := NULL;
		WHEN 9 THEN scan.bp := NULL; WHEN 10 THEN scan.c := NULL; WHEN 11 THEN scan.b := NULL; WHEN 12 THEN scan.d := NULL;
		WHEN 13 THEN scan.ti := NULL; WHEN 14 THEN scan.ts := NULL; WHEN 15 THEN scan.tz := NULL; WHEN 16 THEN scan.u := NULL;
		WHEN 17 THEN scan.o := NULL; WHEN 18 THEN scan.e := NULL; WHEN 19 THEN scan.ia := NULL; WHEN 20 THEN scan.ta := NULL;
		WHEN 21 THEN scan.v := NULL; ELSE NULL; END CASE;
END
$$;

-- Columns, and types that theirs is compared with.
CREATE TABLE comparisons (name text, type text, others text[]);
INSERT INTO comparisons VALUES
	('i2', 'smallint', '{int,bigint}'), ('i4', 'int', '{bigint}'), ('i8', 'bigint', '{}'), ('f4', 'real', '{float8}'),
	('f8', 'float8', '{}'), ('n', 'numeric', '{}'), ('t', 'text', '{}'), ('vc', 'text', '{}'), ('bp', 'char(6)', '{}'),
	('c', '"char"', '{}'), ('b', 'boolean', '{}'), ('d', 'date', '{timestamp,timestamptz}'), ('ti', 'time', '{}'),
	('ts', 'timestamp', '{date,timestamptz}'), ('tz', 'timestamptz', '{date,timestamp}'), ('u', 'uuid', '{}'), ('o', 'oid', '{}'),
	('e', 'stage', '{}');

-- A condition on a column, with a value that some row has.
CREATE FUNCTION pg_temp.condition(name text, operator text, type text, many boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	value text;
BEGIN
	EXECUTE format(CASE WHEN many
			THEN 'SELECT format(''(%%L)::%2$s[]'', array_agg(%1$s)) FROM (SELECT %1$s::%2$s FROM scans ORDER BY random() LIMIT 1 + floor(random() * 6)) s'
			ELSE 'SELECT format(''(%%L)::%2$s'', %1$s::%2$s) FROM scans WHERE %1$s IS NOT NULL ORDER BY random() LIMIT 1' END, name, type) INTO value;
	RETURN format(CASE WHEN many THEN '%s %s ANY (%s)' ELSE '%s %s %s' END, name, operator, value);
END
$$;

CREATE FUNCTION pg_temp.pick(choices anyarray) RETURNS anyelement LANGUAGE sql VOLATILE AS $$
	SELECT choices[1 + floor(random() * cardinality(choices))]
$$;

CREATE FUNCTION pg_temp.some_condition() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	chosen comparisons;
	made text;
BEGIN
	SELECT * INTO chosen FROM comparisons ORDER BY random() LIMIT 1;
	CASE floor(random() * 20)
		WHEN 0 THEN RETURN chosen.name || ' IS NULL';
		WHEN 1 THEN RETURN chosen.name || ' IS NOT NULL';
		WHEN 2 THEN RETURN pg_temp.pick(ARRAY['b', 'NOT b', 'b IS TRUE', 'b IS FALSE', 'b IS NOT TRUE', 'b IS UNKNOWN']);
		WHEN 3 THEN RETURN format('ia %s %L::int[]', pg_temp.pick(ARRAY['&&', '@>']), ARRAY(SELECT floor(random() * 13)::int FROM generate_series(1, floor(random() * 4)::int)));
		WHEN 4 THEN RETURN format('ta %s %L::text[]', pg_temp.pick(ARRAY['&&', '@>']), ARRAY(SELECT 'label ' || floor(random() * 10) FROM generate_series(1, floor(random() * 3)::int)));
		WHEN 5 THEN RETURN '(' || pg_temp.some_condition() || ' OR ' || pg_temp.some_condition() || ')';
		WHEN 6 THEN RETURN format('%s %s %s', pg_temp.pick(ARRAY['i4', 'i2', 'i8']), pg_temp.pick(ARRAY['<', '=', '>']), pg_temp.pick(ARRAY['-32769', '0', '9223372036854775807', '3']));
		ELSE
			RETURN pg_temp.condition(chosen.name, pg_temp.pick(ARRAY['<', '<=', '=', '=', '=', '>=', '>']), pg_temp.pick(chosen.others || chosen.type), random() < 0.3);
	END CASE;
END
$$;
