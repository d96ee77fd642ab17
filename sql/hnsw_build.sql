-- Builds: serial and parallel, with little memory, that fail; progress.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

SELECT n, pg_indexam_progress_phasename(am.oid, n) FROM pg_am am, generate_series(0, 4) n WHERE amname = 'hnsw' ORDER BY n;

CREATE TABLE items (id int PRIMARY KEY, v vector(8)) WITH (autovacuum_enabled = off);
INSERT INTO items SELECT i, CASE WHEN i % 100 <> 0 THEN pg_temp.uniform(i, 8) END FROM generate_series(1, 2000) i;
-- the same answers from all: the nearest 10 of 50 rows, and every row
CREATE FUNCTION pg_temp.outcome(OUT uses_index boolean, OUT good_recall boolean, OUT rows bigint, OUT different bigint) LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_sort = off SET hnsw.iterative_scan = relaxed_order AS $$
BEGIN
	SELECT r.uses_index, r.recall >= 0.98 INTO uses_index, good_recall FROM pg_temp.recall(ARRAY(
		SELECT format('SELECT id, v <-> %L FROM items WHERE v IS NOT NULL ORDER BY v <-> %1$L LIMIT 10', v) FROM items WHERE id <= 51 AND id <> 100)) r;
	SELECT count(*), count(DISTINCT id) INTO rows, different FROM (SELECT id FROM items ORDER BY v <-> '[0,0,0,0,0,0,0,0]' LIMIT 10000) s;
END
$$;
SET max_parallel_maintenance_workers = 0;
CREATE INDEX serial ON items USING hnsw (v vector_l2_ops);
SELECT * FROM pg_temp.outcome();
SELECT reltuples FROM pg_class WHERE oid = 'serial'::regclass;
DROP INDEX serial;

ALTER TABLE items SET (parallel_workers = 2);
SET max_parallel_maintenance_workers = 2;
CREATE INDEX together ON items USING hnsw (v vector_l2_ops);
SELECT * FROM pg_temp.outcome();
SELECT reltuples FROM pg_class WHERE oid = 'together'::regclass;
REINDEX INDEX CONCURRENTLY together;
SELECT * FROM pg_temp.outcome();
DROP INDEX together;
CREATE INDEX CONCURRENTLY together ON items USING hnsw (v vector_l2_ops);
SELECT * FROM pg_temp.outcome();
DROP INDEX together;

-- more workers than rows; an empty table; temporary and unlogged ones
SET max_parallel_maintenance_workers = 8;
CREATE TABLE few (id int, v vector(3)) WITH (parallel_workers = 8);
CREATE INDEX ON few USING hnsw (v vector_cosine_ops);
INSERT INTO few SELECT i, ARRAY[i, 1, 1] FROM generate_series(1, 3) i;
REINDEX TABLE few;
SELECT pg_temp.against_exact('SELECT id, v <=> ''[1,2,3]'' FROM few ORDER BY v <=> ''[1,2,3]'' LIMIT 10');
CREATE TEMPORARY TABLE passing WITH (parallel_workers = 8) AS SELECT * FROM few;
ALTER TABLE passing ALTER COLUMN v TYPE vector(3);
CREATE INDEX ON passing USING hnsw (v vector_cosine_ops);
SELECT pg_temp.against_exact('SELECT id, v <=> ''[1,2,3]'' FROM passing ORDER BY v <=> ''[1,2,3]'' LIMIT 10');
ALTER TABLE few SET UNLOGGED;
SELECT pg_temp.against_exact('SELECT id, v <=> ''[1,2,3]'' FROM few ORDER BY v <=> ''[1,2,3]'' LIMIT 10');
DROP TABLE few, passing;

-- vectors out of line: workers come by the size of the TOAST table
CREATE TABLE long (id int, v vector(1000));
INSERT INTO long SELECT i, pg_temp.uniform(i, 1000) FROM generate_series(1, 200) i;
SET max_parallel_maintenance_workers = 2;
SET min_parallel_table_scan_size = '64kB';
CREATE INDEX ON long USING hnsw (v vector_l2_ops);
SET hnsw.ef_search = 200;
SELECT pg_temp.against_exact('SELECT id, v <-> (SELECT v FROM long WHERE id = 7) FROM long ORDER BY v <-> (SELECT v FROM long WHERE id = 7) LIMIT 200');
-- serial as well where memory is small
SET maintenance_work_mem = '1MB';
REINDEX TABLE long;
SELECT pg_temp.against_exact('SELECT id, v <-> (SELECT v FROM long WHERE id = 7) FROM long ORDER BY v <-> (SELECT v FROM long WHERE id = 7) LIMIT 200');
RESET maintenance_work_mem;
RESET min_parallel_table_scan_size;
DROP TABLE long;

-- an expression that may not run in workers
CREATE FUNCTION alone(vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE AS 'BEGIN RETURN $1; END';
CREATE INDEX expression ON items USING hnsw ((alone(v)::vector(8)) vector_l2_ops);
SET hnsw.ef_search = 1000;
SELECT uses_index, recall > 0.99 AS good_recall FROM pg_temp.recall(ARRAY['SELECT id, alone(v)::vector(8) <-> ''[1,0,1,0,1,0,1,0]'' AS d FROM items ORDER BY d LIMIT 100']);
DROP INDEX expression;

-- builds that fail leave nothing, alone or with workers
CREATE TABLE mixed (id int, v vector) WITH (parallel_workers = 2);
INSERT INTO mixed SELECT i, CASE WHEN i < 900 THEN '[1,2,3]' ELSE '[1,2]' END::vector FROM generate_series(1, 1000) i;
CREATE INDEX fails ON mixed USING hnsw ((v::vector(3)) vector_l2_ops);
SET max_parallel_maintenance_workers = 0;
CREATE INDEX fails ON mixed USING hnsw ((v::vector(3)) vector_l2_ops);
SELECT to_regclass('fails');
CREATE INDEX CONCURRENTLY fails ON mixed USING hnsw ((v::vector(3)) vector_l2_ops);
SELECT indisvalid FROM pg_index WHERE indexrelid = 'fails'::regclass;
DELETE FROM mixed WHERE id >= 900;
REINDEX INDEX CONCURRENTLY fails;
SELECT indisvalid FROM pg_index WHERE indexrelid = 'fails'::regclass;
DROP TABLE mixed;
BEGIN;
SET LOCAL statement_timeout = 1;
CREATE INDEX late ON items USING hnsw (v vector_l2_ops) WITH (m = 100, ef_construction = 1000);
ROLLBACK;
SELECT to_regclass('late');

-- dead rows, HOT chains and rows of the same transaction
BEGIN;
DELETE FROM items WHERE id % 2 = 0;
UPDATE items SET v = v WHERE id % 3 = 0;
INSERT INTO items SELECT i, pg_temp.uniform(i, 8) FROM generate_series(3001, 3100) i;
CREATE INDEX inside ON items USING hnsw (v vector_l2_ops);
SELECT count(*), count(DISTINCT id) FROM items WHERE v IS NOT NULL;
SELECT * FROM pg_temp.outcome();
COMMIT;
SELECT * FROM pg_temp.outcome();

DROP TABLE items;
DROP FUNCTION alone;
