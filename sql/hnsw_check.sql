-- hnsw_check finds nothing wrong with indexes in all their states; hnsw_info and hnsw_recall agree with the table.

CREATE SCHEMA diagnostics;
SET search_path = diagnostics, public;

-- Vectors at random, the same in each run: uniform in [-0.5, 0.5).
CREATE FUNCTION random_vector(dim int) RETURNS vector LANGUAGE sql VOLATILE AS
	$$SELECT array_agg((random() - 0.5)::float4)::vector FROM generate_series(1, dim)$$;
CREATE FUNCTION problems(index regclass) RETURNS TABLE(problem text, count bigint) LANGUAGE sql AS
	$$SELECT problem, count(*) FROM hnsw_check(index) GROUP BY 1 ORDER BY 1$$;
SELECT setseed(0.25);

-- Each metric and codec, inserts behind a build, equal vectors, dead rows, vacuum, slots used again. Inner products
-- are tried from 64 dimensions on: in few, parts of a graph are out of reach. A node in twenty may be that elsewhere too:
-- its neighbours have found nearer ones.
CREATE FUNCTION life(dim int, metric text, n int) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	found record;
BEGIN
	EXECUTE format('CREATE TABLE life (id int, v vector(%s))', dim);
	INSERT INTO life SELECT i, random_vector(dim) FROM generate_series(1, n) i;
	EXECUTE format('CREATE INDEX life_v ON life USING hnsw (v vector_%s_ops)', metric);
	INSERT INTO life SELECT i, random_vector(dim) FROM generate_series(n + 1, 2 * n) i;
	INSERT INTO life SELECT id + 1000, v FROM life WHERE id % 5 = 0;
	INSERT INTO life VALUES (0, NULL);
	FOR found IN SELECT * FROM problems('life_v') WHERE problem NOT LIKE 'no path%' OR count > n / 20 LOOP
		RETURN NEXT format('%s %s: %s', dim, metric, found);
	END LOOP;
	DELETE FROM life WHERE id % 3 = 0;
	UPDATE life SET v = random_vector(dim) WHERE id % 4 = 1;
	FOR found IN SELECT * FROM problems('life_v') WHERE problem NOT LIKE 'no path%' OR count > n / 20 LOOP
		RETURN NEXT format('%s %s, dead rows: %s', dim, metric, found);
	END LOOP;
	SELECT INTO found recall FROM hnsw_recall('life_v', 20, 5);
	IF found.recall < 0.8 THEN RETURN NEXT format('%s %s: recall %s', dim, metric, found.recall); END IF;
	SELECT INTO found rows, (SELECT count(v) FROM life) AS alive FROM hnsw_info('life_v');
	IF found.rows < found.alive THEN RETURN NEXT format('%s %s: %s', dim, metric, found); END IF;
	DROP TABLE life;
END
$$;
SELECT life(dim, metric, CASE WHEN dim < 1000 THEN 100 ELSE 20 END)
	FROM unnest(ARRAY[1, 2, 7, 64, 784, 2000, 5000, 32767]) dim, unnest(ARRAY['l2', 'ip', 'cosine', 'l1']) metric
	WHERE metric <> 'ip' OR dim >= 64;

-- vacuum
CREATE TABLE rows (id int, v vector(16));
INSERT INTO rows SELECT i, random_vector(16) FROM generate_series(1, 1000) i;
INSERT INTO rows SELECT id + 2000, v FROM rows WHERE id % 2 = 0;
CREATE INDEX rows_v ON rows USING hnsw (v vector_l2_ops);
SELECT rows, nodes, dead_nodes, closed_nodes, nodes_per_level[0], dimensions, metric, m, ef_construction,
	pages * 8192 = bytes AS pages_bytes,
	bytes = meta_bytes + centre_bytes + node_bytes + upper_bytes + row_bytes + directory_bytes + unused_bytes AS sum
	FROM hnsw_info('rows_v');
DELETE FROM rows WHERE id BETWEEN 100 AND 300;
DELETE FROM rows WHERE id BETWEEN 2200 AND 2400;
VACUUM rows;
SELECT rows >= 1198 AS rows, nodes + dead_nodes + closed_nodes >= 1000 AS nodes FROM hnsw_info('rows_v');
SELECT * FROM problems('rows_v');
INSERT INTO rows SELECT i, random_vector(16) FROM generate_series(5000, 5500) i;
INSERT INTO rows SELECT id + 6000, v FROM rows WHERE id % 3 = 0;
DELETE FROM rows WHERE id % 2 = 0;
VACUUM rows;
INSERT INTO rows SELECT id + 12000, v FROM rows;
SELECT * FROM problems('rows_v');
SELECT rows = (SELECT count(*) FROM rows) AS all_rows, nodes < rows AS shared FROM hnsw_info('rows_v');
REINDEX INDEX rows_v;
SELECT * FROM problems('rows_v');
DELETE FROM rows;
VACUUM rows;
SELECT * FROM problems('rows_v');
SELECT recall, samples_used, nodes_visited FROM hnsw_recall('rows_v');
INSERT INTO rows SELECT i, random_vector(16) FROM generate_series(1, 300) i;
SELECT * FROM problems('rows_v');

-- A row with its link takes the slots of two closed rows, of which the second had a link behind it.
CREATE TABLE slots (id int, v vector(2));
CREATE INDEX slots_v ON slots USING hnsw (v vector_l2_ops);
INSERT INTO slots SELECT i, '[1,2]' FROM generate_series(1, 500) i;
DELETE FROM slots WHERE id % 7 < 2 OR id = 2;
VACUUM slots;
SELECT pg_current_xact_id() IS NOT NULL AS later;
INSERT INTO slots SELECT i, '[1,2]' FROM generate_series(501, 1500) i;
SELECT * FROM problems('slots_v');

-- the last scan
SET enable_seqscan = off;
SELECT count(*) FROM (SELECT id FROM rows ORDER BY v <-> (SELECT v FROM rows LIMIT 1) LIMIT 5) t;
RESET enable_seqscan;
SELECT nodes >= 40 AS nodes, pages >= nodes AS pages, rows BETWEEN 5 AND 40 AS rows, beam, whole FROM hnsw_last_scan();

-- HOT updates: rows name the root of the chain; the transaction's own changes count
CREATE TABLE hot (id int, note int, v vector(3)) WITH (fillfactor = 50);
INSERT INTO hot SELECT i, 0, random_vector(3) FROM generate_series(1, 200) i;
CREATE INDEX hot_v ON hot USING hnsw (v vector_l2_ops);
UPDATE hot SET note = 1;
UPDATE hot SET note = 2;
SELECT * FROM problems('hot_v');
BEGIN;
UPDATE hot SET v = random_vector(3) WHERE id % 2 = 0;
DELETE FROM hot WHERE id % 3 = 0;
SELECT * FROM problems('hot_v');
SAVEPOINT s;
DELETE FROM hot;
SELECT * FROM problems('hot_v');
ROLLBACK TO s;
SELECT * FROM problems('hot_v');
ROLLBACK;
SELECT * FROM problems('hot_v');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM hot;
UPDATE hot SET v = random_vector(3) WHERE id = 1;
SELECT * FROM problems('hot_v');
COMMIT;

-- partial indexes, expressions, values that are not indexed
CREATE TABLE mixed (id int, kind int, x float4[], v vector(5));
INSERT INTO mixed SELECT i, i % 3, array_fill(random()::float4, ARRAY[4]), random_vector(5) FROM generate_series(1, 300) i;
INSERT INTO mixed VALUES (1001, 1, NULL, NULL), (1002, 1, '{0,0,0,0}', '[0,0,0,0,0]');
CREATE INDEX mixed_partial ON mixed USING hnsw (v vector_l2_ops) WHERE kind = 1 OR v IS NULL;
CREATE INDEX mixed_expression ON mixed USING hnsw ((x::vector::vector(4)) vector_l2_ops);
CREATE INDEX mixed_cosine ON mixed USING hnsw (v vector_cosine_ops);
INSERT INTO mixed SELECT id + 400, kind, x, v FROM mixed;
UPDATE mixed SET kind = (kind + 1) % 3 WHERE id % 2 = 0;
UPDATE mixed SET v = '[0,0,0,0,0]' WHERE id % 10 = 0;
SELECT index, (SELECT count(*) FROM hnsw_check(index)) AS problems, rows
	FROM unnest(ARRAY['mixed_partial', 'mixed_expression', 'mixed_cosine']::regclass[]) index, hnsw_info(index);
VACUUM mixed;
SELECT index, (SELECT count(*) FROM hnsw_check(index)) AS problems, rows >= 540 AS rows, recall > 0.9 AS recall
	FROM unnest(ARRAY['mixed_expression', 'mixed_cosine']::regclass[]) index, hnsw_info(index), hnsw_recall(index);
SELECT recall > 0.9 AS recall FROM hnsw_recall('mixed_partial');

-- recall: duplicates are as good as each other; more neighbours than rows; the planner's choice is no secret
CREATE TABLE equal (v vector(2));
INSERT INTO equal SELECT '[1,2]' FROM generate_series(1, 50);
CREATE INDEX equal_v ON equal USING hnsw (v vector_l2_ops);
SELECT recall, samples_used, ef_search FROM hnsw_recall('equal_v', 10, 7);
SELECT recall, samples_used FROM hnsw_recall('equal_v', 1000, 1000);
SELECT * FROM problems('equal_v');
CREATE INDEX equal_v2 ON equal USING hnsw (v vector_l2_ops);
DO $$
DECLARE failed int := 0;
BEGIN
	FOR i IN 1 .. 2 LOOP
		BEGIN
			PERFORM hnsw_recall((ARRAY['equal_v', 'equal_v2'])[i]::regclass);
		EXCEPTION WHEN object_not_in_prerequisite_state THEN failed := failed + 1;
		END;
	END LOOP;
	RAISE NOTICE 'of two like indexes % are not used', failed;
END $$;
-- settings are the caller's, and stay
SET hnsw.ef_search = 17;
SELECT ef_search, current_setting('enable_seqscan') AS seqscan, current_setting('enable_indexscan') AS indexscan
	FROM hnsw_recall('rows_v', 3, 3);
RESET hnsw.ef_search;

-- L1: recall rises with the width of the search, also where the query is a row of the table
CREATE TABLE wide (v vector(784));
INSERT INTO wide SELECT random_vector(784) FROM generate_series(1, 400);
CREATE INDEX wide_v ON wide USING hnsw (v vector_l1_ops);
SET hnsw.ef_search = 150;
SELECT recall > 0.9 AS recall FROM hnsw_recall('wide_v', 20, 5);
RESET hnsw.ef_search;

-- the order is exact: inner products of vectors that are stored as they are, with rows that share a node
CREATE TABLE products (id int, v vector(2));
INSERT INTO products SELECT i, random_vector(2) FROM generate_series(1, 300) i;
CREATE INDEX products_v ON products USING hnsw (v vector_ip_ops);
INSERT INTO products SELECT id + 1000, v FROM products WHERE id % 5 = 0;
SELECT recall > 0.5 AS recall, samples_used FROM hnsw_recall('products_v', 360, 5);

-- unlogged, temporary, partitions, concurrently
CREATE UNLOGGED TABLE unlogged (v vector(3));
CREATE INDEX unlogged_v ON unlogged USING hnsw (v vector_l2_ops);
INSERT INTO unlogged SELECT random_vector(3) FROM generate_series(1, 100);
SELECT * FROM problems('unlogged_v');
CREATE TEMP TABLE mine (v vector(3));
CREATE INDEX mine_v ON mine USING hnsw (v vector_l2_ops);
SELECT * FROM problems('mine_v');
SELECT rows, nodes, nodes_per_level FROM hnsw_info('mine_v');
INSERT INTO mine SELECT random_vector(3) FROM generate_series(1, 100);
SELECT * FROM problems('mine_v');
SELECT recall FROM hnsw_recall('mine_v');
DELETE FROM mine;
VACUUM mine;  -- of a temporary table no other session can keep a row
SELECT * FROM problems('mine_v');
SELECT rows, nodes, closed_nodes >= 100 AS closed, min_degree, bytes_per_row FROM hnsw_info('mine_v');
CREATE TABLE parts (k int, v vector(3)) PARTITION BY LIST (k);
CREATE TABLE parts1 PARTITION OF parts FOR VALUES IN (1);
CREATE INDEX parts_v ON parts USING hnsw (v vector_l2_ops);
INSERT INTO parts SELECT 1, random_vector(3) FROM generate_series(1, 100);
SELECT * FROM problems('parts1_v_idx');
SELECT recall FROM hnsw_recall('parts1_v_idx');
CREATE INDEX CONCURRENTLY hot_v2 ON hot USING hnsw (v vector_cosine_ops);
REINDEX INDEX CONCURRENTLY hot_v;
SELECT * FROM problems('hot_v');
SELECT * FROM problems('hot_v2');

-- refusals
\set VERBOSITY verbose
\set SHOW_CONTEXT never
CREATE FUNCTION refusal(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	EXECUTE query;
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ': ' || SQLERRM || CASE WHEN hint <> '' THEN ' | ' || hint ELSE '' END;
END
$$;
CREATE INDEX hot_id ON hot (id);
SELECT argument, function, refusal(format('SELECT %s(%L)', function, argument))
	FROM unnest(ARRAY['hot', 'hot_id', 'parts_v']) argument, unnest(ARRAY['hnsw_check', 'hnsw_info', 'hnsw_recall']) function;
SELECT refusal('SELECT hnsw_check(4294967294::oid::regclass)');
SELECT refusal('SELECT hnsw_recall(''hot_v'', 0)'), refusal('SELECT hnsw_recall(''hot_v'', 1, 0)');
SELECT hnsw_info(NULL) IS NULL AS null;

-- who may: the owner, and nobody else; what runs is the owner's
CREATE ROLE regress_hnsw_owner;
CREATE ROLE regress_hnsw_other;
GRANT ALL ON SCHEMA diagnostics TO regress_hnsw_owner, regress_hnsw_other;
CREATE TABLE owned (v vector(3));
ALTER TABLE owned OWNER TO regress_hnsw_owner;
GRANT ALL ON owned TO regress_hnsw_other;
SET ROLE regress_hnsw_owner;
CREATE FUNCTION spy(v vector) RETURNS vector IMMUTABLE LANGUAGE plpgsql AS
	$$BEGIN IF current_user <> 'regress_hnsw_owner' THEN RAISE 'run by %', current_user; END IF; RETURN v; END$$;
CREATE INDEX owned_v ON owned USING hnsw ((diagnostics.spy(v)::vector(3)) vector_l2_ops);
INSERT INTO owned SELECT random_vector(3) FROM generate_series(1, 30);
SELECT * FROM hnsw_check('owned_v');
SELECT rows FROM hnsw_info('owned_v');
SELECT recall FROM hnsw_recall('owned_v');
SET ROLE regress_hnsw_other;
SELECT function, refusal(format('SELECT %s(%L)', function, 'owned_v'))
	FROM unnest(ARRAY['hnsw_check', 'hnsw_info', 'hnsw_recall']) function;
RESET ROLE;
SELECT * FROM hnsw_check('owned_v');
SELECT recall FROM hnsw_recall('owned_v');
SELECT current_user = session_user AS back;

-- amvalidate
SELECT opcname, amvalidate(oid) FROM pg_opclass WHERE opcmethod = (SELECT oid FROM pg_am WHERE amname = 'hnsw') ORDER BY 1;

SET client_min_messages = warning;
DROP SCHEMA diagnostics CASCADE;
DROP ROLE regress_hnsw_owner, regress_hnsw_other;
