-- Recall, with thresholds that a sound build passes easily and a broken one does not.

\getenv suites PG_ABS_SRCDIR
\set support :suites '/sql/support/against_exact.sql'
\set ECHO none
\i :support
\set ECHO all

CREATE TABLE bulk (id int PRIMARY KEY, v vector(16)) WITH (autovacuum_enabled = off);
-- 100 clusters that overlap
INSERT INTO bulk SELECT i, pg_temp.uniform(i % 100, 16) + pg_temp.uniform(1000 + i, 16) FROM generate_series(1, 4000) i;
CREATE TABLE grown (LIKE bulk) WITH (autovacuum_enabled = off);
CREATE INDEX grown_l2 ON grown USING hnsw (v vector_l2_ops);
CREATE INDEX grown_cosine ON grown USING hnsw (v vector_cosine_ops);
INSERT INTO grown SELECT * FROM bulk;
CREATE INDEX bulk_l2 ON bulk USING hnsw (v vector_l2_ops);
CREATE INDEX bulk_cosine ON bulk USING hnsw (v vector_cosine_ops);
ANALYZE bulk, grown;
CREATE TABLE queries AS SELECT i AS id, pg_temp.uniform(i % 100, 16) + pg_temp.uniform(100000 + i, 16) AS v FROM generate_series(1, 60) i;
CREATE FUNCTION pg_temp.recall_of(place text, operator text) RETURNS float8 LANGUAGE sql AS $$
	SELECT recall FROM pg_temp.recall(ARRAY(
		SELECT format('SELECT id, v %1$s %3$L FROM %2$I ORDER BY v %1$s %3$L LIMIT 10', operator, place, v) FROM queries))
	WHERE uses_index AND ordered
$$;

SELECT operator, bulk >= 0.97 AS good_bulk, grown >= bulk - 0.01 AS good_grown
	FROM unnest('{<->,<=>}'::text[]) operator, pg_temp.recall_of('bulk', operator) bulk, pg_temp.recall_of('grown', operator) grown ORDER BY 1;
SET hnsw.ef_search = 200;
SELECT operator, bulk >= 0.99 AS good_bulk, grown >= 0.99 AS good_grown
	FROM unnest('{<->,<=>}'::text[]) operator, pg_temp.recall_of('bulk', operator) bulk, pg_temp.recall_of('grown', operator) grown ORDER BY 1;
SET hnsw.ef_search = 10;
SELECT operator, bulk >= 0.8 AS good_bulk, grown >= 0.8 AS good_grown
	FROM unnest('{<->,<=>}'::text[]) operator, pg_temp.recall_of('bulk', operator) bulk, pg_temp.recall_of('grown', operator) grown ORDER BY 1;
RESET hnsw.ef_search;

-- a tenth deleted and vacuumed; as many inserted
DELETE FROM bulk WHERE id % 10 = 3;
SELECT pg_temp.recall_of('bulk', '<->') >= 0.97 AS deleted;
VACUUM bulk;
SELECT operator, pg_temp.recall_of('bulk', operator) >= 0.97 AS vacuumed FROM unnest('{<->,<=>}'::text[]) operator ORDER BY 1;
INSERT INTO bulk SELECT i, pg_temp.uniform(i % 100, 16) + pg_temp.uniform(1000 + i, 16) FROM generate_series(5000, 5400) i;
SELECT operator, pg_temp.recall_of('bulk', operator) >= 0.97 AS inserted FROM unnest('{<->,<=>}'::text[]) operator ORDER BY 1;
-- nine of ten deleted
DELETE FROM bulk WHERE id % 10 <> 5;
VACUUM bulk;
SELECT operator, pg_temp.recall_of('bulk', operator) >= 0.97 AS emptied FROM unnest('{<->,<=>}'::text[]) operator ORDER BY 1;

-- all rows come, whatever is asked first
SET hnsw.iterative_scan = relaxed_order;
SET enable_seqscan = off;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM grown ORDER BY v <-> (SELECT v FROM queries WHERE id = 1) LIMIT 10000) s;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM grown ORDER BY v <=> (SELECT v FROM queries WHERE id = 1) LIMIT 10000) s;
RESET hnsw.iterative_scan;
RESET enable_seqscan;

DROP TABLE bulk, grown;
-- the other metrics, and short vectors
CREATE TABLE bulk AS SELECT i AS id, l2_normalize(pg_temp.uniform(i % 100, 16) + pg_temp.uniform(1000 + i, 16) - array_fill(1, ARRAY[16])::vector)::vector(16) AS v FROM generate_series(1, 2000) i;
CREATE INDEX ON bulk USING hnsw (v vector_ip_ops);
CREATE INDEX ON bulk USING hnsw (v vector_l1_ops);
UPDATE queries SET v = l2_normalize(v - array_fill(1, ARRAY[16])::vector);
SELECT operator, pg_temp.recall_of('bulk', operator) >= 0.95 AS good FROM unnest('{<#>,<+>}'::text[]) operator ORDER BY 1;
DROP TABLE bulk;
CREATE TABLE bulk AS SELECT i AS id, pg_temp.uniform(i, 2)::vector(2) AS v FROM generate_series(1, 3000) i;
CREATE INDEX ON bulk USING hnsw (v vector_l2_ops);
UPDATE queries SET v = subvector(v, 1, 2);
SELECT pg_temp.recall_of('bulk', '<->') >= 0.98 AS good;
DROP TABLE bulk, queries;

-- rows that come cluster by cluster, as the frames of one series after another's
CREATE TABLE series (id int, v vector(64));
INSERT INTO series SELECT c * 40 + o, pg_temp.uniform(c, 64) * array_fill(100, ARRAY[64])::vector + pg_temp.uniform(1000 + o, 64)
	FROM generate_series(0, 29) c, generate_series(0, 39) o ORDER BY c, o;
CREATE INDEX ON series USING hnsw (v vector_l2_ops);
CREATE TABLE queries AS SELECT c AS id, pg_temp.uniform(c, 64) * array_fill(100, ARRAY[64])::vector + pg_temp.uniform(5000 + c, 64) AS v FROM generate_series(0, 29) c;
SELECT pg_temp.recall_of('series', '<->') >= 0.97 AS good;
DROP TABLE series, queries;
