-- Vectors of every length the type allows: blocks of many to a page, and of many pages.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

-- quick vectors: element k of row i
CREATE FUNCTION pg_temp.wave(i int, dim int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg((sin(i * 12.9898 + k * (0.1 + i * 0.01)) * 10)::real)::vector FROM generate_series(1, dim) k
$$;
CREATE FUNCTION pg_temp.of_dimension(dim int, row_count int, OUT l2 text, OUT ip text, OUT cosine text, OUT l1 text, OUT inserted text, OUT vacuumed text)
	LANGUAGE plpgsql AS $$
DECLARE
	query constant text := 'SELECT id, v %1$s (SELECT v FROM long WHERE id = 7) AS d FROM long ORDER BY v %1$s (SELECT v FROM long WHERE id = 7) LIMIT 100';
BEGIN
	EXECUTE format('CREATE TABLE long (id int, v vector(%s))', dim);
	INSERT INTO long SELECT i, pg_temp.wave(i, dim) FROM generate_series(1, row_count) i;
	CREATE INDEX ON long USING hnsw (v vector_l2_ops);
	l2 := pg_temp.against_exact(format(query, '<->'));
	CREATE INDEX ON long USING hnsw (v vector_ip_ops);
	ip := pg_temp.against_exact(format(query, '<#>'));
	CREATE INDEX ON long USING hnsw (v vector_cosine_ops);
	cosine := pg_temp.against_exact(format(query, '<=>'));
	CREATE INDEX ON long USING hnsw (v vector_l1_ops);
	l1 := pg_temp.against_exact(format(query, '<+>'));
	INSERT INTO long SELECT i + row_count, pg_temp.wave(i + row_count, dim) FROM generate_series(1, row_count / 4) i;
	inserted := pg_temp.against_exact(format(query, '<->'));
	DELETE FROM long WHERE id % 5 = 3;
	vacuumed := pg_temp.against_exact(format(query, '<=>'));
	DROP TABLE long;
END
$$;
SET hnsw.ef_search = 100;
SELECT dim, o.* FROM (VALUES (1, 60), (2, 60), (3, 60), (100, 60), (479, 40), (480, 40), (2000, 20), (2001, 20)) t(dim, n), pg_temp.of_dimension(dim, n) o ORDER BY dim;
SELECT dim, o.* FROM (VALUES (5000, 12), (16000, 12), (32767, 12)) t(dim, n), pg_temp.of_dimension(dim, n) o ORDER BY dim;

-- long vectors with the options at their ends
CREATE TABLE long (id int, v vector(16000));
INSERT INTO long SELECT i, pg_temp.wave(i, 16000) FROM generate_series(1, 12) i;
CREATE INDEX thin ON long USING hnsw (v vector_l2_ops) WITH (m = 2, ef_construction = 4);
SELECT pg_temp.against_exact('SELECT id, v <-> (SELECT v FROM long WHERE id = 3) FROM long ORDER BY v <-> (SELECT v FROM long WHERE id = 3) LIMIT 12');
DROP INDEX thin;
CREATE INDEX thick ON long USING hnsw (v vector_l2_ops) WITH (m = 100, ef_construction = 1000);
SELECT pg_temp.against_exact('SELECT id, v <-> (SELECT v FROM long WHERE id = 3) FROM long ORDER BY v <-> (SELECT v FROM long WHERE id = 3) LIMIT 12');
-- vacuum, and the slots it frees
DELETE FROM long WHERE id % 3 = 1;
VACUUM (INDEX_CLEANUP on) long;
INSERT INTO long SELECT i, pg_temp.wave(i, 16000) FROM generate_series(13, 20) i;
SELECT pg_temp.against_exact('SELECT id, v <-> (SELECT v FROM long WHERE id = 3) FROM long ORDER BY v <-> (SELECT v FROM long WHERE id = 3) LIMIT 20');
DROP TABLE long;
