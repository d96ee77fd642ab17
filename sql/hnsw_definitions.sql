-- Kinds of indexes and tables, and the statements that build indexes anew.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

SET hnsw.ef_search = 400;
CREATE TABLE items (id int PRIMARY KEY, grp int, v vector(8));
INSERT INTO items SELECT i, i % 3, pg_temp.uniform(i, 8) FROM generate_series(1, 300) i;
\set nearest 'SELECT id, v <-> ''[1,0,1,0,1,0,1,0]'' AS d FROM items ORDER BY d LIMIT 300'

-- expressions
CREATE INDEX by_part ON items USING hnsw ((subvector(v, 1, 4)::vector(4)) vector_l2_ops);
SELECT pg_temp.against_exact('SELECT id, subvector(v, 1, 4)::vector(4) <-> ''[1,0,1,0]'' AS d FROM items ORDER BY d LIMIT 300');
CREATE INDEX by_unit ON items USING hnsw ((l2_normalize(v)::vector(8)) vector_ip_ops);
SELECT pg_temp.against_exact('SELECT id, l2_normalize(v)::vector(8) <#> ''[1,0,1,0,1,0,1,0]'' AS d FROM items ORDER BY d LIMIT 300');
CREATE TABLE mixed (id int, model int, v vector);
INSERT INTO mixed SELECT i, 2 + i % 2, CASE i % 2 WHEN 0 THEN pg_temp.uniform(i, 2) ELSE pg_temp.uniform(i, 3) END FROM generate_series(1, 100) i;
CREATE INDEX ON mixed USING hnsw ((v::vector(2)) vector_l2_ops) WHERE model = 2;
CREATE INDEX ON mixed USING hnsw ((v::vector(3)) vector_l2_ops) WHERE model = 3;
SELECT pg_temp.against_exact('SELECT id, v::vector(2) <-> ''[1,0]'' AS d FROM mixed WHERE model = 2 ORDER BY d LIMIT 100');
SELECT pg_temp.against_exact('SELECT id, v::vector(3) <-> ''[1,0,1]'' AS d FROM mixed WHERE model = 3 ORDER BY d LIMIT 100');
INSERT INTO mixed VALUES (101, 2, '[1,0]'), (102, 3, '[1,0,1]');
SELECT pg_temp.against_exact('SELECT id, v::vector(3) <-> ''[1,0,1]'' AS d FROM mixed WHERE model = 3 ORDER BY d LIMIT 100');
INSERT INTO mixed VALUES (103, 3, '[1,0]');
DROP TABLE mixed;
DROP INDEX by_part, by_unit;

-- partial: used where the query implies its condition, and no row comes that is not in it
CREATE INDEX of_one ON items USING hnsw (v vector_l2_ops) WHERE grp = 1;
SELECT pg_temp.against_exact('SELECT id, v <-> ''[1,0,1,0,1,0,1,0]'' AS d FROM items WHERE grp = 1 ORDER BY d LIMIT 300');
SELECT (pg_temp.against_exact(:'nearest')).uses_index;
UPDATE items SET grp = 1 WHERE id % 6 = 0;
UPDATE items SET grp = 2 WHERE id % 6 = 1;
SELECT pg_temp.against_exact('SELECT id, v <-> ''[1,0,1,0,1,0,1,0]'' AS d FROM items WHERE grp = 1 ORDER BY d LIMIT 300');
CREATE INDEX of_nobody ON items USING hnsw (v vector_l2_ops) WHERE grp = 77;
SELECT pg_temp.against_exact('SELECT id, v <-> ''[1,0,1,0,1,0,1,0]'' AS d FROM items WHERE grp = 77 ORDER BY d LIMIT 300');
DROP INDEX of_one, of_nobody;

-- concurrently
CREATE INDEX CONCURRENTLY slow ON items USING hnsw (v vector_l2_ops);
SELECT indisvalid FROM pg_index WHERE indexrelid = 'slow'::regclass;
SELECT pg_temp.against_exact(:'nearest');
BEGIN;
CREATE INDEX CONCURRENTLY ON items USING hnsw (v vector_l2_ops);
ROLLBACK;
CREATE INDEX CONCURRENTLY ON items USING hnsw (v vector_l2_ops) WITH (m = 16, ef_construction = 20);
SELECT count(*) FROM pg_index WHERE indrelid = 'items'::regclass AND NOT indisvalid;
DROP INDEX items_v_idx;

-- anew
DELETE FROM items WHERE id % 10 = 0;
REINDEX INDEX slow;
SELECT pg_temp.against_exact(:'nearest');
REINDEX INDEX CONCURRENTLY slow;
SELECT pg_temp.against_exact(:'nearest');
REINDEX TABLE CONCURRENTLY items;
SELECT pg_temp.against_exact(:'nearest');
VACUUM FULL items;
SELECT pg_temp.against_exact(:'nearest');
CLUSTER items USING items_pkey;
SELECT pg_temp.against_exact(:'nearest');
CLUSTER items USING slow;
ALTER TABLE items ADD COLUMN note int DEFAULT random();
SELECT pg_temp.against_exact(:'nearest');
ALTER TABLE items ALTER COLUMN v TYPE vector(9) USING v || '[1]';
SELECT pg_temp.against_exact('SELECT id, v <-> ''[1,0,1,0,1,0,1,0,1]'' AS d FROM items ORDER BY d LIMIT 300');
ALTER TABLE items ALTER COLUMN v TYPE vector;
ALTER TABLE items ALTER COLUMN v TYPE vector(8) USING subvector(v, 1, 8);
ALTER INDEX slow RENAME TO quick;
SELECT pg_temp.against_exact(:'nearest');
BEGIN;
TRUNCATE items;
SELECT pg_temp.against_exact(:'nearest');
INSERT INTO items SELECT i, 0, pg_temp.uniform(i, 8) FROM generate_series(1, 5) i;
SELECT pg_temp.against_exact(:'nearest');
ROLLBACK;
SELECT pg_temp.against_exact(:'nearest');
TRUNCATE items;
SELECT pg_temp.against_exact(:'nearest');
INSERT INTO items SELECT i, 0, pg_temp.uniform(i, 8) FROM generate_series(1, 300) i;
SELECT pg_temp.against_exact(:'nearest');

-- a build that is rolled back
BEGIN;
CREATE INDEX gone ON items USING hnsw (v vector_cosine_ops);
SELECT pg_temp.against_exact('SELECT id, v <=> ''[1,0,1,0,1,0,1,0]'' AS d FROM items ORDER BY d LIMIT 300');
ROLLBACK;
SELECT to_regclass('gone');

-- unlogged, and there and back
ALTER TABLE items SET UNLOGGED;
SELECT relpersistence FROM pg_class WHERE oid = 'quick'::regclass;
SELECT pg_temp.against_exact(:'nearest');
INSERT INTO items SELECT i, 0, pg_temp.uniform(i, 8) FROM generate_series(301, 320) i;
ALTER TABLE items SET LOGGED;
SELECT relpersistence FROM pg_class WHERE oid = 'quick'::regclass;
SELECT pg_temp.against_exact(:'nearest');
CREATE UNLOGGED TABLE forgettable (id int, v vector(8));
CREATE INDEX forgettable_v ON forgettable USING hnsw (v vector_l2_ops);
INSERT INTO forgettable SELECT id, v FROM items;
SELECT pg_temp.against_exact('SELECT id, v <-> ''[1,0,1,0,1,0,1,0]'' AS d FROM forgettable ORDER BY d LIMIT 300');
SELECT pg_relation_size('forgettable_v', 'init') / current_setting('block_size')::int AS init_pages;
DROP TABLE forgettable;

-- temporary
CREATE TEMPORARY TABLE passing (id int, v vector(8));
CREATE INDEX ON passing USING hnsw (v vector_l2_ops);
INSERT INTO passing SELECT id, v FROM items;
SELECT pg_temp.against_exact('SELECT id, v <-> ''[1,0,1,0,1,0,1,0]'' AS d FROM passing ORDER BY d LIMIT 300');
DELETE FROM passing WHERE id % 2 = 0;
VACUUM passing;
INSERT INTO passing SELECT id, v FROM items WHERE id % 4 = 0;
SELECT pg_temp.against_exact('SELECT id, v <-> ''[1,0,1,0,1,0,1,0]'' AS d FROM passing ORDER BY d LIMIT 300');
DROP TABLE passing;
CREATE TEMPORARY TABLE passing (id int, v vector(8)) ON COMMIT DELETE ROWS;
CREATE INDEX ON passing USING hnsw (v vector_l2_ops);
BEGIN;
INSERT INTO passing SELECT id, v FROM items;
SELECT pg_temp.against_exact('SELECT id, v <-> ''[1,0,1,0,1,0,1,0]'' AS d FROM passing ORDER BY d LIMIT 300');
COMMIT;
SELECT pg_temp.against_exact('SELECT id, v <-> ''[1,0,1,0,1,0,1,0]'' AS d FROM passing ORDER BY d LIMIT 300');
DROP TABLE passing;

-- partitions: one index for all, rows merged by distance
CREATE TABLE parts (id int, v vector(8)) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT i, pg_temp.uniform(i, 8) FROM generate_series(1, 300) i;
CREATE INDEX parts_v ON parts USING hnsw (v vector_l2_ops) WITH (m = 8, ef_construction = 32);
SELECT relname, relkind, reloptions FROM pg_class WHERE relname LIKE 'parts%v%' ORDER BY 1;
ANALYZE parts;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM parts ORDER BY v <-> '[1,0,1,0,1,0,1,0]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM parts WHERE id < 100 ORDER BY v <-> '[1,0,1,0,1,0,1,0]' LIMIT 3;
RESET enable_seqscan;
\set nearest_part 'SELECT id, v <-> ''[1,0,1,0,1,0,1,0]'' AS d FROM parts ORDER BY d LIMIT 300'
SELECT pg_temp.against_exact(:'nearest_part');
CREATE TABLE parts_3 (id int, v vector(8));
INSERT INTO parts_3 SELECT i, pg_temp.uniform(i, 8) FROM generate_series(1000, 1100) i;
ALTER TABLE parts ATTACH PARTITION parts_3 FOR VALUES FROM (1000) TO (2000);
SELECT count(*) FROM pg_index WHERE indrelid = 'parts_3'::regclass;
UPDATE parts SET id = id + 1000 WHERE id < 20;
SELECT pg_temp.against_exact(:'nearest_part');
ALTER TABLE parts DETACH PARTITION parts_2;
SELECT pg_temp.against_exact(:'nearest_part');
DROP TABLE parts, parts_2;

-- tablespaces
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE hnsw_elsewhere LOCATION '';
CREATE INDEX elsewhere ON items USING hnsw (v vector_l1_ops) TABLESPACE hnsw_elsewhere;
SELECT pg_temp.against_exact('SELECT id, v <+> ''[1,0,1,0,1,0,1,0]'' AS d FROM items ORDER BY d LIMIT 300');
ALTER INDEX elsewhere SET TABLESPACE pg_default;
SELECT pg_temp.against_exact('SELECT id, v <+> ''[1,0,1,0,1,0,1,0]'' AS d FROM items ORDER BY d LIMIT 300');
REINDEX (TABLESPACE hnsw_elsewhere) INDEX quick;
SELECT pg_temp.against_exact(:'nearest');
DROP TABLE items;
DROP TABLESPACE hnsw_elsewhere;

-- inheritance and a copy of a definition
CREATE TABLE original (id int, v vector(3));
CREATE INDEX ON original USING hnsw (v vector_cosine_ops) WITH (m = 7);
CREATE TABLE twin (LIKE original INCLUDING INDEXES);
SELECT pg_get_indexdef('twin_v_idx'::regclass);
DROP TABLE original, twin;
