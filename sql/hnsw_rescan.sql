-- Rows of equal vectors share a node; rescans read their chains again.
CREATE TABLE item (id int, v vector(2));
CREATE INDEX ON item USING hnsw (v vector_l2_ops);
INSERT INTO item SELECT i, ARRAY[i % 7, i % 3]::vector FROM generate_series(0, 2099) i;
CREATE TABLE query (q int, v vector(2));
INSERT INTO query SELECT i, ARRAY[i % 7, i % 3]::vector FROM generate_series(0, 20) i;
SET enable_seqscan = off;
SET hnsw.iterative_scan = relaxed_order;
SELECT count(*), bool_and(found = 100 AND same = 100) AS right FROM query,
	LATERAL (SELECT count(DISTINCT id) AS found, count(*) FILTER (WHERE d = 0) AS same
		FROM (SELECT id, item.v <-> query.v AS d FROM item ORDER BY item.v <-> query.v LIMIT 100) n) n;
-- chains lose rows at the front, in the middle and at the end, and go on in slots that were used before
DELETE FROM item WHERE id < 700 OR id % 5 = 0 OR id > 1800;
VACUUM item;
INSERT INTO item SELECT i, ARRAY[i % 7, i % 3]::vector FROM generate_series(3000, 3999) i;
SELECT count(*), bool_and(found = all_of_them) AS right FROM query,
	LATERAL (SELECT count(*) AS all_of_them FROM item WHERE item.v = query.v) a,
	LATERAL (SELECT count(DISTINCT id) AS found
		FROM (SELECT id FROM item WHERE item.v <-> query.v = 0 ORDER BY item.v <-> query.v LIMIT 500) n) n;
DELETE FROM item;
VACUUM item;
SELECT count(*) FROM (SELECT id FROM item ORDER BY v <-> '[0,0]') n;
INSERT INTO item VALUES (1, '[1,1]'), (2, '[1,1]'), (3, '[2,2]');
SELECT id FROM item ORDER BY v <-> '[0,0]', id;
DROP TABLE item, query;
