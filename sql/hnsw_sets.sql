-- Sets of rows from other indexes, looked for in the row pages: few and many tuples of a page of the table, pages as a
-- whole, rows that were put where others had been, HOT chains.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

CREATE TABLE places (id int, k int, tags int[], note int, v vector(16), text text) WITH (autovacuum_enabled = off, fillfactor = 10);
CREATE FUNCTION pg_temp.place(i int) RETURNS places LANGUAGE sql AS $$
	-- some share their vectors with others
	SELECT ROW(i, hashint4(i) & 1023, ARRAY[hashint4(i + 1) & 15, i / 500], 0, pg_temp.uniform(CASE WHEN i % 50 = 0 THEN i / 500 ELSE i + 1000 END, 16), repeat('x', CASE WHEN i <= 3000 THEN 600 ELSE 0 END))::places
$$;
-- a row on a page, and many
INSERT INTO places SELECT (pg_temp.place(i)).* FROM generate_series(1, 3000) i;
ALTER TABLE places SET (fillfactor = 100);
INSERT INTO places SELECT (pg_temp.place(i)).* FROM generate_series(3001, 7000) i;
CREATE INDEX ON places (id);
CREATE INDEX ON places (k);
CREATE INDEX ON places USING gin (tags);
CREATE INDEX places_range ON places USING brin (id) WITH (pages_per_range = 3);
CREATE INDEX places_v ON places USING hnsw (v vector_l2_ops);
VACUUM ANALYZE places;
SET enable_seqscan = off;
SET jit = off;

-- Of each condition, over five queries: the last way; whether as many rows were found in the row pages as are in the set,
-- or in the set's pages at least so many (of conditions that other indexes answer); whether the nearest rows came.
CREATE FUNCTION pg_temp.sets(OUT condition text, OUT search text, OUT of_set text, OUT near boolean) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	query text;
	members bigint;
	last record;
	exact record;
	answer record;
	hits int;
BEGIN
	FOREACH condition IN ARRAY ARRAY['k < 40', 'k < 130', 'k < 400', 'k IN (1, 5, 77, 300, 301, 302, 303, 304, 305, 306, 307, 308, 309) OR k > 1000',
		'tags && ARRAY[3]', 'tags && ARRAY[11, 12, 13, 14, 15]', 'id BETWEEN 2000 AND 2900', 'tags @> ARRAY[1, 4]', 'k < 200 AND tags && ARRAY[2, 3, 5, 9]'] LOOP
		EXECUTE format('SELECT count(*) FROM places WHERE (%s) AND v IS NOT NULL', condition) INTO members;
		hits := 0;
		FOR i IN 1 .. 5 LOOP
			query := format('SELECT id, v <-> pg_temp.uniform(%s, 16) AS d FROM places WHERE %s ORDER BY d LIMIT 10', -i, condition);
			SELECT * INTO exact FROM pg_temp.by_sort(query);
			SELECT * INTO answer FROM pg_temp.rows_of(query);
			SELECT * INTO last FROM hnsw_last_scan();
			hits := hits + (SELECT count(*) FROM unnest(answer.distances) d WHERE d <= exact.distances[10]);
		END LOOP;
		search := last.strategy;
		of_set := CASE WHEN search !~ 'matches' OR condition ~ 'id|AND' THEN '-' WHEN last.matches = members THEN 'all' WHEN last.matches > members THEN 'more' ELSE 'less' END;
		near := hits >= 49;
		RETURN NEXT;
	END LOOP;
END
$$;
SELECT * FROM pg_temp.sets();
-- pages as a whole
SET work_mem = '64kB';
SELECT * FROM pg_temp.sets();
RESET work_mem;
-- where a third of the rows were lie others, from the end of the table
DELETE FROM places WHERE id % 3 = 0;
VACUUM places;
INSERT INTO places (id, note, text) SELECT i, 1, repeat('x', 500) FROM generate_series(1, 2000) i;
INSERT INTO places (id, note) SELECT i, 1 FROM generate_series(1, 4000) i;
INSERT INTO places SELECT (pg_temp.place(i)).* FROM generate_series(7001, 8700) i;
SELECT * FROM pg_temp.sets();
UPDATE places SET note = 2 WHERE id % 4 = 1;
UPDATE places SET k = k + 1 WHERE id % 5 = 2;
SELECT * FROM pg_temp.sets();
SET work_mem = '64kB';
SELECT * FROM pg_temp.sets();
RESET work_mem;
SELECT problem FROM hnsw_check('places_v');

SET client_min_messages = warning;
DROP TABLE places CASCADE;
