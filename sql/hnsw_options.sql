-- Options of CREATE INDEX and settings: names, defaults, ranges, errors.

CREATE TABLE items (id int, v vector(3), w vector(3), anything vector, n int);
INSERT INTO items SELECT i, ARRAY[i, i, i], ARRAY[i, 0, 0], ARRAY[i], i FROM generate_series(1, 3) i;

-- options
\set VERBOSITY default
CREATE INDEX ON items USING hnsw (v vector_l2_ops) WITH (m = 1);
CREATE INDEX ON items USING hnsw (v vector_l2_ops) WITH (m = 101);
CREATE INDEX ON items USING hnsw (v vector_l2_ops) WITH (ef_construction = 3);
CREATE INDEX ON items USING hnsw (v vector_l2_ops) WITH (ef_construction = 1001);
CREATE INDEX ON items USING hnsw (v vector_l2_ops) WITH (m = 16, ef_construction = 31);
CREATE INDEX ON items USING hnsw (v vector_l2_ops) WITH (lists = 100);
CREATE INDEX ON items USING hnsw (v vector_l2_ops) WITH (m = lots);
CREATE INDEX least ON items USING hnsw (v vector_l2_ops) WITH (m = 2, ef_construction = 4);
CREATE INDEX most ON items USING hnsw (v vector_l2_ops) WITH (m = 100, ef_construction = 1000);
CREATE INDEX plain ON items USING hnsw (v vector_l2_ops);
SELECT relname, reloptions FROM pg_class WHERE oid IN ('least'::regclass, 'most'::regclass, 'plain'::regclass) ORDER BY 1;
SELECT pg_get_indexdef('most'::regclass);

-- they apply when the index is built the next time
ALTER INDEX plain SET (ef_construction = 100);
ALTER INDEX plain SET (m = 60);
REINDEX INDEX plain;
ALTER INDEX plain RESET (m);
REINDEX INDEX plain;
ALTER INDEX plain SET (m = 1);
ALTER INDEX plain SET (fillfactor = 50);
DROP INDEX least, most, plain;

-- what cannot be indexed
CREATE INDEX ON items USING hnsw (v);
CREATE INDEX ON items USING hnsw (n vector_l2_ops);
CREATE INDEX ON items USING hnsw (n);
CREATE INDEX ON items USING hnsw (anything vector_l2_ops);
CREATE INDEX ON items USING hnsw ((v + w) vector_l2_ops);
CREATE INDEX ON items USING hnsw (v vector_l2_ops, w vector_l2_ops);
CREATE INDEX ON items USING hnsw (n, v vector_l2_ops);
CREATE INDEX ON items USING hnsw (v vector_l2_ops, n vector_l2_ops);
CREATE INDEX ON items USING hnsw (v vector_l2_ops, n DESC);
CREATE INDEX ON items USING hnsw (v vector_l2_ops, (n::text::json));
CREATE INDEX ON items USING hnsw (v vector_l2_ops, (ARRAY[n::text::json]));
CREATE INDEX ON items USING hnsw (v vector_l2_ops) INCLUDE (id);
CREATE UNIQUE INDEX ON items USING hnsw (v vector_l2_ops);
CREATE INDEX ON items USING hnsw (v vector_l2_ops DESC);
CREATE INDEX ON items USING hnsw (v vector_l2_ops NULLS FIRST);
ALTER TABLE items ADD EXCLUDE USING hnsw (v vector_l2_ops WITH =);

-- dimensions that do not fit
CREATE INDEX bare ON items USING hnsw ((anything::vector(1)) vector_l2_ops);
INSERT INTO items (anything) VALUES ('[1,2]');
SELECT id FROM items ORDER BY (anything::vector(1)) <-> '[1,2]' LIMIT 1;
CREATE INDEX fitting ON items USING hnsw (v vector_l2_ops);
SET enable_seqscan = off;
SELECT id FROM items ORDER BY v <-> '[1,2]' LIMIT 1;
SELECT id FROM items ORDER BY v <-> '[1,2,3,4]' LIMIT 1;
INSERT INTO items (v) VALUES ('[1,2]');
SELECT count(*) FROM items;
RESET enable_seqscan;

-- their SQLSTATEs
CREATE FUNCTION pg_temp.sqlstate_of(statement text) RETURNS text LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
	EXECUTE statement;
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT statement, pg_temp.sqlstate_of(statement) FROM (VALUES
	('CREATE INDEX ON items USING hnsw (v vector_l2_ops) WITH (m = 1)'),
	('CREATE INDEX ON items USING hnsw (v vector_l2_ops) WITH (m = 16, ef_construction = 31)'),
	('CREATE INDEX ON items USING hnsw (v vector_l2_ops) WITH (lists = 100)'),
	('CREATE INDEX ON items USING hnsw (v)'),
	('CREATE INDEX ON items USING hnsw (anything vector_l2_ops)'),
	('CREATE INDEX ON items USING hnsw (v vector_l2_ops, w vector_l2_ops)'),
	('CREATE INDEX ON items USING hnsw (v vector_l2_ops) INCLUDE (id)'),
	('CREATE UNIQUE INDEX ON items USING hnsw (v vector_l2_ops)'),
	('INSERT INTO items (v) VALUES (''[1,2]'')'),
	('SELECT id FROM items ORDER BY v <-> ''[1,2]'' LIMIT 1'),
	('SET hnsw.ef_search = 0'),
	('SET hnsw.iterative_scan = ''on'''),
	('SET hnsw.no_such_setting = 1')
) AS t(statement);

-- settings
SELECT name, setting, unit, context, vartype, min_val, max_val, enumvals, boot_val
	FROM pg_settings WHERE name LIKE 'hnsw.%' ORDER BY name;
SET hnsw.ef_search = 0;
SET hnsw.ef_search = 1001;
SET hnsw.iterative_scan = 'on';
SET hnsw.max_scan_tuples = 0;
SET hnsw.scan_mem_multiplier = 0.5;
SET hnsw.scan_mem_multiplier = 1001;
SET hnsw.no_such_setting = 1;
BEGIN;
SET LOCAL hnsw.ef_search = 1000;
SET LOCAL hnsw.iterative_scan = 'relaxed_order';
SHOW hnsw.ef_search;
ROLLBACK;
SHOW hnsw.ef_search;
SHOW hnsw.iterative_scan;
CREATE FUNCTION pg_temp.wide() RETURNS text LANGUAGE sql SET hnsw.ef_search = 200 AS 'SELECT current_setting(''hnsw.ef_search'')';
SELECT pg_temp.wide();

DROP TABLE items;
