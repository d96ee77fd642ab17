-- Generated queries under generated conditions, against exact search, while rows come, change and go.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set filtered :suites '/sql/support/filtered.sql'
\set ECHO none
\i :support
\i :filtered
\set ECHO all

SELECT setseed(0.25);
INSERT INTO scans SELECT (pg_temp.scan(i)).* FROM generate_series(1, 1500) i;
CREATE INDEX scans_v ON scans USING hnsw (v vector_l2_ops, i2, i4, i8, f4, f8, n, t, vc, bp, c, b, d, ti, ts, tz, u, o, e, ia, ta);
CREATE INDEX scans_half ON scans USING hnsw ((v::halfvec(6)) halfvec_cosine_ops, i4, (lower(t)), e, b) WHERE i4 IS NOT NULL;
ANALYZE scans;

-- Compares `count` queries: the index has to give as many rows, and nearly always the nearest.
CREATE FUNCTION pg_temp.compare(count int) RETURNS TABLE (finding text, example text) LANGUAGE plpgsql AS $$
DECLARE
	condition text;
	query text;
	checked record;
	wanted bigint := 0;
	found bigint := 0;
	conditions bigint := 0;
	line text;
BEGIN
	FOR k IN 1 .. count LOOP
		SELECT string_agg(pg_temp.some_condition(), ' AND ') INTO condition FROM generate_series(1, 1 + floor(random() * 3)::int);
		query := CASE WHEN k % 5 > 0
			THEN format('SELECT id, v <-> %L AS d FROM scans WHERE %s ORDER BY d LIMIT %s', pg_temp.uniform(-k, 6), condition, pg_temp.pick('{1,5,20,100,1000}'::int[]))
			ELSE format('SELECT id, v::halfvec(6) <=> %L AS d FROM scans WHERE i4 IS NOT NULL AND lower(t) IN (%L, %L, %L) AND %s ORDER BY d LIMIT %s', pg_temp.uniform(-k, 6),
				'word' || k % 20, 'wordword' || k % 20, 'word1', condition, pg_temp.pick('{1,5,20}'::int[])) END;
		PERFORM set_config('hnsw.ef_search', pg_temp.pick('{1,10,40,200}'::text[]), true);
		SELECT i.uses_index, i.distances AS by_index, array_remove(s.distances, NULL) AS by_sort INTO checked FROM pg_temp.by_index(query) i, pg_temp.by_sort(query) s;
		IF NOT checked.uses_index THEN RETURN QUERY SELECT 'another plan', query; END IF;
		IF cardinality(checked.by_index) <> cardinality(checked.by_sort) THEN
			RETURN QUERY SELECT format('%s rows, not %s', cardinality(checked.by_index), cardinality(checked.by_sort)), query;
		END IF;
		-- no row is nearer than the nearest that qualify: then it would not qualify
		IF EXISTS (SELECT FROM unnest(checked.by_index, checked.by_sort) x(a, b) WHERE a < b - 1e-6) AND
			checked.by_index = (SELECT array_agg(d ORDER BY d) FROM unnest(checked.by_index) d) THEN
			RETURN QUERY SELECT 'a row that does not qualify', query;
		END IF;
		wanted := wanted + cardinality(checked.by_sort);
		found := found + (SELECT count(*) FROM unnest(checked.by_index) d WHERE d <= checked.by_sort[cardinality(checked.by_sort)]);
	END LOOP;
	IF found < 0.99 * wanted THEN RETURN QUERY SELECT format('recall %s of %s', found, wanted), NULL; END IF;
END
$$;

SELECT * FROM pg_temp.compare(500);

-- rows of new keys and equal vectors, in nodes that there are
INSERT INTO scans SELECT (pg_temp.scan(i)).* FROM generate_series(1501, 1600) i;
UPDATE scans SET i4 = i4 + 1, t = t || 'x', ia = ia || 3 WHERE id % 5 = 0;
UPDATE scans SET b = NOT b WHERE id % 9 = 0;
SELECT * FROM pg_temp.compare(300);
SELECT * FROM hnsw_check('scans_v') UNION ALL SELECT * FROM hnsw_check('scans_half');

-- nodes whose rows become one again
DELETE FROM scans WHERE id % 10 < 3;
DELETE FROM scans WHERE id BETWEEN 400 AND 500;
SELECT * FROM pg_temp.compare(200);
VACUUM scans;
SELECT * FROM hnsw_check('scans_v') UNION ALL SELECT * FROM hnsw_check('scans_half');
SELECT * FROM pg_temp.compare(200);
INSERT INTO scans SELECT (pg_temp.scan(i)).* FROM generate_series(2000, 2400) i;
UPDATE scans SET v = v + '[0.1,0,0,0,0,0]', e = 'late' WHERE id % 7 = 0;
SELECT * FROM pg_temp.compare(300);
SELECT * FROM hnsw_check('scans_v') UNION ALL SELECT * FROM hnsw_check('scans_half');
REINDEX TABLE scans;
SELECT * FROM pg_temp.compare(500);
SELECT * FROM hnsw_check('scans_v') UNION ALL SELECT * FROM hnsw_check('scans_half');

SET client_min_messages = warning;
DROP TABLE scans, comparisons CASCADE;
DROP TYPE stage CASCADE;
