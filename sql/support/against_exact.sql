-- Vectors for the hnsw suites, the same on every machine and server version, and comparisons of what an index answers
-- with exact search. A suite includes this file by
--   \getenv suites PG_ABS_SRCDIR
--   \set support :suites '/sql/support/against_exact.sql'
--   \set ECHO none
--   \i :support
--   \set ECHO all

-- `dim` numbers in 0..1
CREATE FUNCTION pg_temp.uniform(seed bigint, dim int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg((hashint8extended(i, seed) & 65535)::real / 65536 ORDER BY i)::vector FROM generate_series(1, dim) i
$$;

-- The rows of `query`, which gives an id and a distance, in its order.
CREATE FUNCTION pg_temp.rows_of(query text, OUT ids bigint[], OUT distances float8[]) LANGUAGE plpgsql AS $$
DECLARE
	row_of record;
BEGIN
	ids := '{}';
	distances := '{}';
	FOR row_of IN EXECUTE 'SELECT id::bigint AS id, d::float8 AS d FROM (' || query || ') q(id, d)' LOOP
		ids := ids || row_of.id;
		distances := distances || row_of.d;
	END LOOP;
END
$$;

CREATE FUNCTION pg_temp.by_index(query text, OUT uses_index boolean, OUT ids bigint[], OUT distances float8[]) LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_indexscan = on SET enable_bitmapscan = off SET enable_sort = off SET jit = off AS $$
DECLARE
	line text;
BEGIN
	uses_index := false;
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		uses_index := uses_index OR line ~ '^ *Order By: ';
	END LOOP;
	SELECT * INTO ids, distances FROM pg_temp.rows_of(query);
END
$$;

CREATE FUNCTION pg_temp.by_sort(query text, OUT ids bigint[], OUT distances float8[]) LANGUAGE sql
	SET enable_seqscan = on SET enable_indexscan = off SET enable_bitmapscan = off SET enable_sort = on SET jit = off AS $$
	SELECT * FROM pg_temp.rows_of(query)
$$;

-- Whether the index gives the distances that a sort of all rows gives, in that order. Rows at equal distances may differ.
CREATE FUNCTION pg_temp.against_exact(query text, OUT uses_index boolean, OUT rows int, OUT same boolean) LANGUAGE sql AS $$
	SELECT i.uses_index, cardinality(i.ids), i.distances = s.distances
	FROM pg_temp.by_index(query) i, pg_temp.by_sort(query) s
$$;

-- Share of the nearest rows that the index finds (rows as near as those count as well), over several queries, and whether
-- all its answers were in exact order.
CREATE FUNCTION pg_temp.recall(queries text[], OUT uses_index boolean, OUT recall float8, OUT ordered boolean) LANGUAGE sql AS $$
	SELECT bool_and(i.uses_index),
		sum((SELECT count(*) FROM unnest(i.distances) AS d WHERE d <= s.distances[cardinality(s.distances)])) / sum(cardinality(s.ids))::float8,
		bool_and(i.distances = (SELECT array_agg(d ORDER BY d) FROM unnest(i.distances) AS d))
	FROM unnest(queries) AS query, pg_temp.by_index(query) i, pg_temp.by_sort(query) s
$$;

-- A plan, without what server versions add to it when it uses what is switched off.
CREATE FUNCTION pg_temp.plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line !~ '^ *Disabled: ' THEN RETURN NEXT line; END IF;
	END LOOP;
END
$$;
