-- Thousands of equal vectors share a node: none is lost, none hides the others.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

-- fewer nodes than this: answers are exact
SET hnsw.ef_search = 1000;
CREATE TABLE items (id int, v vector(4)) WITH (autovacuum_enabled = off);
INSERT INTO items SELECT i, '[1,2,3,4]' FROM generate_series(1, 3000) i;
CREATE INDEX items_v ON items USING hnsw (v vector_l2_ops);
SET enable_seqscan = off;
SELECT count(*), count(DISTINCT id), max(d) FROM (SELECT id, v <-> '[1,2,3,5]' AS d FROM items ORDER BY d LIMIT 5000) s;
SELECT pg_relation_size('items_v') < 20 * current_setting('block_size')::int AS is_small;
-- they are all given at once
SET hnsw.iterative_scan = off;
SELECT count(DISTINCT id) FROM (SELECT id FROM items ORDER BY v <-> '[1,2,3,5]' LIMIT 5000) s;
RESET hnsw.iterative_scan;
-- others are found behind them, and before them
INSERT INTO items SELECT 10000 + i, ARRAY[i, i, i, i] FROM generate_series(1, 100) i;
SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM items ORDER BY v <-> '[50,50,50,50]' LIMIT 3) s;
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> '[1,2,3,4]' OFFSET 3000 LIMIT 1000) s;
SELECT id FROM items ORDER BY v <-> '[1,2,3,4]' OFFSET 3000 LIMIT 1;
SELECT count(*), min(id), max(id) FROM (SELECT id FROM items WHERE id % 1000 = 7 ORDER BY v <-> '[1,2,3,4]' LIMIT 3) s;
-- deletes
DELETE FROM items WHERE id % 3 <> 0 AND id <= 3000;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM items ORDER BY v <-> '[1,2,3,4]' LIMIT 1000) s WHERE id % 3 = 0;
VACUUM items;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM items ORDER BY v <-> '[1,2,3,4]' LIMIT 1000) s WHERE id % 3 = 0;
INSERT INTO items SELECT i, '[1,2,3,4]' FROM generate_series(3001, 4000) i;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM items ORDER BY v <-> '[1,2,3,4]' LIMIT 2000) s;
UPDATE items SET id = id + 20000 WHERE id <= 4000;
SELECT count(*), count(DISTINCT id), min(id) FROM (SELECT id FROM items ORDER BY v <-> '[1,2,3,4]' LIMIT 2000) s;
DELETE FROM items WHERE v = '[1,2,3,4]';
VACUUM items;
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> '[1,2,3,4]' LIMIT 2000) s;
INSERT INTO items SELECT i, '[1,2,3,4]' FROM generate_series(1, 50) i;
SELECT count(*), min(id), max(id) FROM (SELECT id FROM items ORDER BY v <-> '[1,2,3,4]' LIMIT 50) s;
VACUUM items;

-- equal under cosine, not equal by their numbers: exact distances are what orders them
CREATE TABLE rays (id int, v vector(3)) WITH (autovacuum_enabled = off);
INSERT INTO rays SELECT i, ARRAY[i, 2 * i, 3 * i] FROM generate_series(1, 500) i;
INSERT INTO rays SELECT 500 + i, ARRAY[i, 2 * i, 3 * i + 0.001 * i * i] FROM generate_series(1, 500) i;
CREATE INDEX ON rays USING hnsw (v vector_cosine_ops);
SELECT pg_temp.against_exact('SELECT id, v <=> ''[3,2,1]'' FROM rays ORDER BY v <=> ''[3,2,1]'' LIMIT 900');
DELETE FROM rays WHERE id % 2 = 0;
VACUUM rays;
SELECT pg_temp.against_exact('SELECT id, v <=> ''[1,2,3]'' FROM rays ORDER BY v <=> ''[1,2,3]'' LIMIT 260');

-- vectors so near to each other that their stored forms are equal
CREATE TABLE near (id int, v vector(600)) WITH (autovacuum_enabled = off);
INSERT INTO near SELECT i, subvector(pg_temp.uniform(1, 600), 1, 599) || ARRAY[i * 1e-7]::vector FROM generate_series(1, 300) i;
CREATE INDEX ON near USING hnsw (v vector_l2_ops);
SELECT pg_temp.against_exact('SELECT id, v <-> (SELECT v FROM near WHERE id = 300) FROM near ORDER BY v <-> (SELECT v FROM near WHERE id = 300) LIMIT 300');
INSERT INTO near SELECT i, subvector(pg_temp.uniform(1, 600), 1, 599) || ARRAY[i * 1e-7]::vector FROM generate_series(301, 400) i;
SELECT pg_temp.against_exact('SELECT id, v <-> (SELECT v FROM near WHERE id = 400) FROM near ORDER BY v <-> (SELECT v FROM near WHERE id = 400) LIMIT 400');

DROP TABLE items, rays, near;
