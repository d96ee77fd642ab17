-- INSERT, UPDATE, DELETE, VACUUM: what comes out is what the table holds.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

SET hnsw.ef_search = 500;
CREATE TABLE items (id int PRIMARY KEY, v vector(8)) WITH (autovacuum_enabled = off);
CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops);
\set nearest 'SELECT id, v <-> ''[1,0,1,0,1,0,1,0]'' AS d FROM items ORDER BY d LIMIT 1000'
CREATE VIEW index_pages AS SELECT pg_relation_size('items_v') / current_setting('block_size')::int AS pages;

-- an empty index that grows
SELECT pg_temp.against_exact(:'nearest');
INSERT INTO items VALUES (1, pg_temp.uniform(1, 8));
SELECT pg_temp.against_exact(:'nearest');
INSERT INTO items VALUES (2, NULL);
SELECT pg_temp.against_exact('SELECT id, v <-> ''[1,0,1,0,1,0,1,0]'' AS d FROM items WHERE v IS NOT NULL ORDER BY d LIMIT 1000');
DELETE FROM items;
SELECT pg_temp.against_exact(:'nearest');
VACUUM items;
SELECT pg_temp.against_exact(:'nearest');
INSERT INTO items SELECT i, pg_temp.uniform(i, 8) FROM generate_series(1, 300) i;
SELECT pg_temp.against_exact(:'nearest');

-- what is rolled back never comes
BEGIN;
INSERT INTO items SELECT i, pg_temp.uniform(i, 8) FROM generate_series(301, 350) i;
SELECT pg_temp.against_exact(:'nearest');
ROLLBACK;
SELECT pg_temp.against_exact(:'nearest');
BEGIN;
INSERT INTO items SELECT i, pg_temp.uniform(i, 8) FROM generate_series(351, 360) i;
SAVEPOINT a;
INSERT INTO items SELECT i, pg_temp.uniform(i, 8) FROM generate_series(361, 370) i;
DELETE FROM items WHERE id <= 20;
SAVEPOINT b;
UPDATE items SET v = pg_temp.uniform(id + 10000, 8) WHERE id BETWEEN 351 AND 355;
SELECT pg_temp.against_exact(:'nearest');
ROLLBACK TO a;
SELECT pg_temp.against_exact(:'nearest');
INSERT INTO items SELECT i, pg_temp.uniform(i, 8) FROM generate_series(371, 375) i;
COMMIT;
SELECT pg_temp.against_exact(:'nearest');
-- a cursor sees what was there when it was opened
BEGIN;
DECLARE before CURSOR FOR SELECT id FROM items ORDER BY v <-> (SELECT v FROM items WHERE id = 5);
DELETE FROM items WHERE id = 5;
INSERT INTO items SELECT 1005, pg_temp.uniform(5, 8);
FETCH 1 FROM before;
COMMIT;
SELECT id FROM items ORDER BY v <-> pg_temp.uniform(5, 8) LIMIT 1;
-- DELETE by a query that reads the index
DELETE FROM items WHERE id IN (SELECT id FROM items ORDER BY v <-> pg_temp.uniform(5, 8) LIMIT 1) RETURNING id;
INSERT INTO items VALUES (300, pg_temp.uniform(999, 8)) ON CONFLICT (id) DO UPDATE SET v = EXCLUDED.v;
SELECT id FROM items ORDER BY v <-> pg_temp.uniform(999, 8) LIMIT 1;
INSERT INTO items VALUES (300, pg_temp.uniform(998, 8)) ON CONFLICT DO NOTHING;
SELECT pg_temp.against_exact(:'nearest');

-- updates: of vectors, of other columns, to NULL and back, of the key
ALTER TABLE items ADD COLUMN note text;
UPDATE items SET note = 'seen' WHERE id % 3 = 0;
SELECT pg_temp.against_exact(:'nearest');
UPDATE items SET v = pg_temp.uniform(id + 5000, 8) WHERE id % 4 = 0;
SELECT pg_temp.against_exact(:'nearest');
UPDATE items SET v = NULL WHERE id % 5 = 0;
SELECT pg_temp.against_exact('SELECT id, v <-> ''[1,0,1,0,1,0,1,0]'' AS d FROM items WHERE v IS NOT NULL ORDER BY d LIMIT 1000');
UPDATE items SET v = pg_temp.uniform(id, 8) WHERE v IS NULL;
UPDATE items SET id = id + 2000 WHERE id % 7 = 0;
SELECT pg_temp.against_exact(:'nearest');
-- one row, often
DO $$ BEGIN FOR i IN 1..200 LOOP UPDATE items SET note = i::text, v = v WHERE id = 1; END LOOP; END $$;
SELECT pg_temp.against_exact(:'nearest');

-- vacuum
DELETE FROM items WHERE id % 2 = 0;
SELECT pg_temp.against_exact(:'nearest');
VACUUM (INDEX_CLEANUP on) items;
SELECT pg_temp.against_exact(:'nearest');
INSERT INTO items SELECT i, pg_temp.uniform(i, 8) FROM generate_series(10000, 10100) i;
SELECT pg_temp.against_exact(:'nearest');
DELETE FROM items;
SELECT pg_temp.against_exact(:'nearest');
VACUUM (INDEX_CLEANUP on) items;
SELECT pg_temp.against_exact(:'nearest');

-- slots are used again: five times the same rows take the room of two
INSERT INTO items SELECT i, pg_temp.uniform(i, 8) FROM generate_series(1, 400) i;
SELECT pages AS after_one FROM index_pages \gset
DELETE FROM items;
VACUUM (INDEX_CLEANUP on) items;
INSERT INTO items SELECT i, pg_temp.uniform(i, 8) FROM generate_series(1, 400) i;
DELETE FROM items;
VACUUM (INDEX_CLEANUP on) items;
INSERT INTO items SELECT i, pg_temp.uniform(i, 8) FROM generate_series(1, 400) i;
DELETE FROM items;
VACUUM (INDEX_CLEANUP on) items;
INSERT INTO items SELECT i, pg_temp.uniform(i, 8) FROM generate_series(1, 400) i;
DELETE FROM items;
VACUUM (INDEX_CLEANUP on) items;
INSERT INTO items SELECT i, pg_temp.uniform(i, 8) FROM generate_series(1, 400) i;
SELECT pages <= 2 * :after_one AS is_small FROM index_pages;
SELECT pg_temp.against_exact(:'nearest');

-- a vacuum that leaves indexes alone, and one that finds nothing to do
DELETE FROM items WHERE id < 50;
VACUUM (INDEX_CLEANUP off) items;
SELECT pg_temp.against_exact(:'nearest');
VACUUM (INDEX_CLEANUP on) items;
VACUUM items;
VACUUM (FREEZE, ANALYZE) items;
SELECT pg_temp.against_exact(:'nearest');
-- several indexes, vacuumed in parallel
CREATE INDEX ON items USING hnsw (v vector_cosine_ops);
CREATE INDEX ON items USING hnsw (v vector_l1_ops);
DELETE FROM items WHERE id % 3 = 0;
SET min_parallel_index_scan_size = 0;
VACUUM (PARALLEL 2, INDEX_CLEANUP on) items;
RESET min_parallel_index_scan_size;
SELECT pg_temp.against_exact(:'nearest');
SELECT pg_temp.against_exact('SELECT id, v <=> ''[1,0,1,0,1,0,1,0]'' AS d FROM items ORDER BY d LIMIT 1000');
SELECT pg_temp.against_exact('SELECT id, v <+> ''[1,0,1,0,1,0,1,0]'' AS d FROM items ORDER BY d LIMIT 1000');

DROP VIEW index_pages;
DROP TABLE items;
