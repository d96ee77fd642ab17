-- Vectors stored out of line, read back in every order and after everything that moves their chunks.
-- A vector of row i has all elements i, so what is read shows whether it is the right one and whole.

CREATE FUNCTION pg_temp.constant(i int, dim int) RETURNS vector LANGUAGE sql IMMUTABLE
	AS $$SELECT array_fill(i, ARRAY[dim])::vector$$;
-- Whether all elements of `v` are `i`, of which there are `dim`.
CREATE FUNCTION pg_temp.is_constant(v vector, i int, dim int) RETURNS boolean LANGUAGE sql IMMUTABLE
	AS $$SELECT vector_dims(v) = dim AND v = pg_temp.constant(i, dim)$$;

CREATE TABLE outside (id int PRIMARY KEY, dim int, v vector);
-- from in line (499) over one chunk and a byte (500: 2008 bytes) to 17 pages of chunks
INSERT INTO outside SELECT i, dim, pg_temp.constant(i, dim)
	FROM generate_series(0, 899) i, LATERAL (SELECT (ARRAY[499, 500, 600, 784, 1280, 2048, 2048, 2048, 4096])[i % 9 + 1]) d(dim);
INSERT INTO outside VALUES (900, 32767, pg_temp.constant(900, 32767)), (901, 25088, pg_temp.constant(901, 25088)), (902, 1, NULL);
SELECT typstorage FROM pg_type WHERE oid = 'vector'::regtype;

-- in the order of the table, of the index, backwards, at random, some only, each twice
SELECT count(*) FROM outside WHERE pg_temp.is_constant(v, id, dim);
SET enable_seqscan = off;
SELECT count(*) FROM (SELECT * FROM outside ORDER BY id DESC) t WHERE pg_temp.is_constant(v, id, dim);
RESET enable_seqscan;
SELECT count(*) FROM (SELECT * FROM outside ORDER BY hashint4(id)) t WHERE pg_temp.is_constant(v, id, dim);
SELECT count(*) FROM outside WHERE id % 37 = 5 AND pg_temp.is_constant(v, id, dim);
SELECT count(*) FROM outside a, outside b WHERE a.id % 100 = 3 AND b.id IN (a.id, a.id + 9, a.id - 9) AND a.v <-> b.v = abs(b.id - a.id) * sqrt(a.dim);
SELECT count(*) FROM outside, generate_series(1, 3) WHERE pg_temp.is_constant(v, id, dim);

-- two TOAST tables in turn
CREATE TABLE other AS SELECT id, dim, v + v AS v FROM outside WHERE dim >= 2048;
SELECT count(*) FROM outside o JOIN other USING (id, dim) WHERE o.v + o.v = other.v;

-- dead rows, room used again, chunks out of order
DELETE FROM outside WHERE id % 3 = 1;
VACUUM outside;
INSERT INTO outside SELECT i, dim, pg_temp.constant(i, dim) FROM generate_series(1000, 1399) i, LATERAL (SELECT (ARRAY[600, 2048, 4096, 784])[i % 4 + 1]) d(dim);
UPDATE outside SET v = pg_temp.constant(id, dim) WHERE id % 5 = 0;
SELECT count(*) AS rows, count(v) AS vectors, count(*) FILTER (WHERE pg_temp.is_constant(v, id, dim)) AS whole FROM outside;
UPDATE outside SET dim = dim;
SELECT count(*) FILTER (WHERE pg_temp.is_constant(v, id, dim)) AS whole FROM outside;
VACUUM FULL outside;
SELECT count(*) FILTER (WHERE pg_temp.is_constant(v, id, dim)) AS whole FROM outside;

-- a cursor reads on while its rows are deleted
BEGIN;
DECLARE rows CURSOR FOR SELECT id, pg_temp.is_constant(v, id, dim) AS whole FROM outside WHERE dim = 4096 ORDER BY id;
FETCH 2 FROM rows;
DELETE FROM outside WHERE dim = 4096;
FETCH 2 FROM rows;
SAVEPOINT before;
SELECT count(*) FILTER (WHERE pg_temp.is_constant(v, id, dim)) AS whole FROM outside WHERE dim = 2048;
SELECT v <-> '[1]' FROM outside WHERE dim = 2048;
ROLLBACK TO before;
FETCH 2 FROM rows;
SELECT count(*) FILTER (WHERE pg_temp.is_constant(v, id, dim)) AS whole FROM outside WHERE dim = 2048;
ROLLBACK;

-- a lock that an inner transaction took goes with it
BEGIN;
SELECT count(*) FROM other WHERE id < 100 AND v = v;
SAVEPOINT inner_one;
SELECT count(*) FROM outside WHERE pg_temp.is_constant(v, id, dim);
ROLLBACK TO inner_one;
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = (SELECT reltoastrelid FROM pg_class WHERE oid = 'outside'::regclass);
SELECT count(*) FROM outside WHERE pg_temp.is_constant(v, id, dim);
SELECT count(*) > 0 AS locked FROM pg_locks WHERE pid = pg_backend_pid() AND relation = (SELECT reltoastrelid FROM pg_class WHERE oid = 'outside'::regclass);
COMMIT;

-- a table made, cut and filled again in one transaction
BEGIN;
CREATE TABLE fresh (id int, v vector);
INSERT INTO fresh SELECT i, pg_temp.constant(i, 2048) FROM generate_series(1, 50) i;
SELECT count(*) FROM fresh WHERE pg_temp.is_constant(v, id, 2048);
TRUNCATE fresh;
SELECT count(*) FROM fresh WHERE pg_temp.is_constant(v, id, 2048);
INSERT INTO fresh SELECT i, pg_temp.constant(-i, 2048) FROM generate_series(1, 5) i;
SELECT count(*) FROM fresh WHERE pg_temp.is_constant(v, -id, 2048);
SAVEPOINT before;
TRUNCATE fresh;
INSERT INTO fresh SELECT i, pg_temp.constant(2 * i, 2048) FROM generate_series(1, 5) i;
SELECT count(*) FROM fresh WHERE pg_temp.is_constant(v, 2 * id, 2048);
ROLLBACK TO before;
SELECT count(*) FROM fresh WHERE pg_temp.is_constant(v, -id, 2048);
COMMIT;
BEGIN;
SELECT count(*) FROM fresh WHERE pg_temp.is_constant(v, -id, 2048);
TRUNCATE fresh;
INSERT INTO fresh SELECT i, pg_temp.constant(i, 2048) FROM generate_series(1, 3) i;
SELECT count(*) FROM fresh WHERE pg_temp.is_constant(v, id, 2048);
ROLLBACK;
SELECT count(*) FROM fresh WHERE pg_temp.is_constant(v, -id, 2048);
ALTER TABLE fresh ALTER COLUMN v TYPE vector(2048);
SELECT count(*) FROM fresh WHERE pg_temp.is_constant(v, -id, 2048);

-- values that outlive their row in a variable
DO $$
DECLARE
	held vector;
	whole boolean;
BEGIN
	SELECT v INTO held FROM fresh WHERE id = 3;
	DELETE FROM fresh;
	SELECT pg_temp.is_constant(held, -3, 2048) INTO whole;
	RAISE NOTICE 'whole: %', whole;
END
$$;

-- compressed, in line or out of line, by the column's storage
CREATE TABLE stored (kind text, dim int, plain vector, external vector, extended vector, main vector);
ALTER TABLE stored ALTER plain SET STORAGE plain, ALTER external SET STORAGE external, ALTER extended SET STORAGE extended, ALTER main SET STORAGE main;
INSERT INTO stored SELECT 'one value', dim, v, v, v, v FROM generate_series(10, 490, 120) dim, LATERAL pg_temp.constant(7, dim) v;
INSERT INTO stored SELECT 'many', dim, NULL, v, v, v FROM generate_series(700, 4000, 1100) dim,
	LATERAL (SELECT array_agg(hashint4(i) % 1000)::vector FROM generate_series(1, dim) i) t(v);
INSERT INTO stored SELECT 'one value', dim, NULL, v, v, v FROM generate_series(700, 32700, 8000) dim, LATERAL pg_temp.constant(7, dim) v;
SELECT kind, dim, external = extended AS extended, external = main AS main, external <-> extended AS d,
	vector_dims(extended) = dim AND vector_dims(external) = dim AS dims FROM stored ORDER BY 1, 2;
DROP TABLE stored;

-- temporary tables, parallel workers
CREATE TEMP TABLE local_outside AS SELECT * FROM outside;
SELECT count(*) FROM local_outside WHERE pg_temp.is_constant(v, id, dim);
ALTER TABLE outside SET (parallel_workers = 2);
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT sum(vector_norm(v)) FROM outside;
SELECT abs(sum(vector_norm(v)) / (SELECT sum(id * sqrt(dim)) FROM outside) - 1) < 1e-12 AS same FROM outside;
DROP TABLE outside, other, fresh;
